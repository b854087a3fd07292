//! Logs of programs that write in a way of their own: cloud-init, BIRD, and Talos as `talosctl` prints it.
//!
//! ```text
//! 2023-07-22 06:12:44,123 - util.py[WARNING]: Failed to run module scripts-user
//! Cloud-init v. 23.1.2 running 'init' at Sat, 22 Jul 2023 06:12:40 +0000. Up 7.12 seconds.
//! 2026-11-21 00:05:50.968 <RMT> Mesh_10_64_16_55: Received: Administrative shutdown
//! 10.5.0.2: kern:    info: [2023-07-22T10:00:00.123456789Z]: eth0: link becomes ready
//! 10.5.0.2: {"ts":1690020000123.45,"caller":"kubelet/kubelet.go:446","msg":"Attempting to sync node with API server","v":0}
//! ```
//!
//! In cloud-init-output.log only the stages have a time; what their programs print belongs to them. `talosctl` puts the address of the node before each line. Skipped: nothing. Time: cloud-init writes UTC without saying so,
//! BIRD the clock of its node, Talos the zone.
//!
//! Source: cloudinit/log.py; BIRD's sysdep/unix/log.c; talosctl's cmd/talosctl/cmd/talos/dmesg.go and logs.go.

use std::borrow::Cow;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta};
use timeline::{Carrier, MemberRecords, Severity, Stamp};

use crate::log::inner::{self, Header};
use crate::log::{Entry, Log, speaker, stamp};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "program-log",
    produced_by: "cloud-init (cloud-init.log), BIRD (bird.log), talosctl dmesg, talosctl logs",
    samples: &[
        concat!(
            "2023-07-22 06:12:40,001 - main.py[DEBUG]: No kernel command line url found.\n",
            "2023-07-22 06:12:44,123 - util.py[WARNING]: Failed to run module scripts-user\n",
            "Traceback (most recent call last):\n  File \"/usr/bin/cloud-init\", line 9, in <module>\n",
        ),
        "2026-11-21 00:04:58.245 <INFO> Started\n2026-11-21 00:05:50.968 <RMT> Mesh_10_64_16_55: Received: Administrative shutdown\n",
        concat!(
            "10.5.0.2: kern:    info: [2023-07-22T10:00:00.123456789Z]: eth0: link becomes ready\n",
            "10.5.0.2: user: warning: [2023-07-22T10:00:01.123456789Z]: [talos] service[kubelet](Waiting): waiting for etcd\n",
        ),
        "10.5.0.2: {\"ts\":1690020000123.45,\"caller\":\"kubelet/kubelet.go:446\",\"msg\":\"Attempting to sync node with API server\",\"v\":0}\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let own = |line: &str| said(line).is_some();
    // what a stage prints is prose
    if sniff.file_name().contains("cloud-init") && sniff.text.lines().take(20).any(|it| stage(it).is_some()) {
        return Certainty::Sure;
    }
    if !sniff.text.lines().take(50).any(own) {
        return Certainty::No;
    }
    match sniff.share(300, own) {
        it if it >= 0.4 => Certainty::Sure,
        // a trace has many lines
        it if it >= 0.2 && sniff.file_name().contains("cloud-init") => Certainty::Likely,
        _ => Certainty::No,
    }
}

/// A line taken apart.
struct Said<'t> {
    stamp: Stamp,
    host: Option<&'t str>,
    ident: Option<&'t str>,
    severity: Option<Severity>,
    message: &'t str,
}

/// `2023-07-22 06:12:44,123 - util.py[WARNING]: Failed to run module scripts-user`
fn cloud_init(line: &str) -> Option<Said<'_>> {
    let (stamp, len) = stamp::dated(line.as_bytes())?;
    let message = line.get(len..)?.strip_prefix(" - ")?;
    let (file, rest) = message.split_once('[')?;
    let (level, _) = rest.split_once("]: ")?;
    let severity = inner::level(level)?;
    let named = file.ends_with(".py") && !file.contains(' ');
    named.then_some(Said { stamp, host: None, ident: Some("cloud-init"), severity: Some(severity), message })
}

/// `Cloud-init v. 21.4-0ubuntu1 running 'init' at Fri, 11 Feb 2022 18:58:13 +0000. Up 7.12 seconds.`
fn stage(line: &str) -> Option<Said<'_>> {
    let (_, rest) = line.strip_prefix("Cloud-init v. ")?.split_once(" at ")?;
    let (date, _) = rest.split_once(". Up ")?;
    let at = DateTime::parse_from_rfc2822(date).ok()?;
    let offset_secs = Some(at.offset().local_minus_utc());
    let stamp = Stamp::Exact { at: at.to_utc(), resolution: TimeDelta::seconds(1), offset_secs };
    Some(Said { stamp, host: None, ident: Some("cloud-init"), severity: None, message: line })
}

fn said(line: &str) -> Option<Said<'_>> {
    cloud_init(line).or_else(|| bird(line)).or_else(|| talos(line)).or_else(|| stage(line))
}

/// `2026-11-21 00:05:50.968 <RMT> Mesh_10_64_16_55: Received: Administrative shutdown`
fn bird(line: &str) -> Option<Said<'_>> {
    let (stamp, len) = stamp::dated(line.as_bytes())?;
    let rest = line.get(len..)?.strip_prefix(" <")?;
    let (class, message) = rest.split_once("> ")?;
    let severity = match class {
        "DEBUG" | "TRACE" => Severity::Debug,
        "INFO" => Severity::Info,
        "RMT" | "WARN" => Severity::Warning,
        "ERR" | "AUTH" => Severity::Error,
        "FATAL" | "BUG" => Severity::Critical,
        _ => return None,
    };
    Some(Said { stamp, host: None, ident: Some("bird"), severity: Some(severity), message })
}

/// `10.5.0.2: kern:    info: [2023-07-22T10:00:00.123456789Z]: text`, `10.5.0.2: {"ts":…`, `10.5.0.2: text`
fn talos(line: &str) -> Option<Said<'_>> {
    let (host, rest) = line.split_once(": ")?;
    host.parse::<IpAddr>().ok()?;
    if inner::header(rest) == Header::Json {
        return Some(Said { stamp: Stamp::None, host: Some(host), ident: None, severity: None, message: rest });
    }
    let (facility, rest) = rest.split_once(':')?;
    let (level, rest) = rest.split_once(": [")?;
    let (stamp, message) = rest.split_once("]: ")?;
    let (stamp, _) = stamp::dated(stamp.as_bytes())?;
    let ident = match (facility, message.split_once("] ")) {
        ("kern", _) => "kernel",
        (_, Some((program, _))) if program.starts_with('[') => &program[1..],
        _ => facility,
    };
    Some(Said { stamp, host: Some(host), ident: Some(ident), severity: inner::level(level.trim()), message })
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    let program = speaker::by_path(&origin.path).map(str::to_owned);
    Box::new(ProgramLog { log: Log::new(origin, Carrier::File), program, begun: false })
}

struct ProgramLog {
    log: Log,
    /// The program of `talosctl logs kubelet`, by the path.
    program: Option<String>,
    begun: bool,
}

impl ProgramLog {
    fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        let Some(said) = said(line.text) else {
            return if self.begun { self.log.continuation(line, line.text, out) } else { self.log.stray(line, out) };
        };
        self.begun = true;
        // klog in JSON names the file of the kubelet
        let kubelet = said.message.contains("\"caller\":\"kubelet/").then_some("kubelet");
        let ident = said.ident.or(self.program.as_deref()).or(kubelet);
        let entry = Entry {
            stamp: said.stamp,
            micros: None,
            host: said.host,
            ident: ident.map(Cow::Borrowed),
            unit: None,
            pid: None,
            severity: said.severity,
            speaker: 0,
            boot: None,
            message: said.message.into(),
            line,
        };
        self.log.entry(entry, out);
    }
}

impl Reader for ProgramLog {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.log.chunk(chunk);
        for line in chunk.lines() {
            self.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.log.finish(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{events, read_at, sample, sniff_certainty};

    #[test]
    fn each_says_who_speaks_and_when() {
        let shown: Vec<String> = FORMAT
            .samples
            .iter()
            .flat_map(|it| {
                let out = read_at(&FORMAT, "x", it);
                assert_eq!(out.tally.lines, out.tally.understood, "{it}");
                let one = |it: &timeline::Event| {
                    assert_ne!(it.stamp, Stamp::None, "{}", it.message);
                    let unit = it.unit.as_deref().unwrap_or("-").to_owned();
                    format!("{} {} {unit}: {}", it.node.as_deref().unwrap_or("-"), it.source.name(), it.message.lines().count())
                };
                let all: Vec<String> = events(&out).filter(|it| it.row.is_none()).map(one).collect();
                all
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        node-a system cloud-init: 1
        node-a system cloud-init: 3
        node-a calico bird: 1
        node-a calico bird: 1
        10.5.0.2 kernel kernel: 1
        10.5.0.2 system talos: 1
        10.5.0.2 kubelet kubelet: 1
        ");
    }

    #[test]
    fn a_stage_of_cloud_init_has_a_time() {
        let text = "Cloud-init v. 21.4 running 'init' at Fri, 11 Feb 2022 18:58:13 +0000. Up 7.12 seconds.\nci-info: ++++Net device info++++\n";
        assert_eq!(sniff_certainty(&FORMAT, "var/log/cloud-init-output.log", text), Certainty::Sure);
        let out = read_at(&FORMAT, "var/log/cloud-init-output.log", text);
        assert_eq!(out.tally.lines, out.tally.understood);
        let said: Vec<&timeline::Event> = events(&out).collect();
        assert_eq!((said.len(), said[0].message.lines().count()), (1, 2));
        assert!(matches!(said[0].stamp, Stamp::Exact { offset_secs: Some(0), .. }));
    }

    #[test]
    fn others_are_left_alone() {
        for text in [
            "2023-07-22 06:12:44,123 - the night shift began\n",
            "2023-07-22 06:12:44 <b>bold</b> words\n",
            "10.5.0.2: reachable\n",
            "10.5.0.2: up: [yes]: indeed\n",
            "- util.py[WARNING]: no\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
        let Some(text) = sample("network/bird/bird2-k1001.log") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure);
    }
}
