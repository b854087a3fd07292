//! Syslog files: RFC 3164 as every daemon writes it, rsyslog's ISO stamps, and RFC 5424.
//!
//! ```text
//! Feb  4 09:34:04 node-a kubelet[2345]: E0204 09:34:04.000001    2345 pod_workers.go:190] "Error syncing pod"
//! 2026-11-21T00:40:29.479442+00:00 node-a kernel: [12345.678901] device veth0 left promiscuous mode
//! <30>1 2026-11-21T00:40:29.479442+00:00 node-a kubelet 2345 - -  E1120 10:00:00.000001    2345 …
//! Jul 23 21:42:17 leaf-a07 2214: Jul 23 21:42:16.902 CST: %SYS-6-LOGOUT: User netmon has exited
//! ```
//!
//! One record a line; control characters inside are written `#012`, or what follows a line end is indented. A tag may be missing. Skipped: structured data and
//! message ids of RFC 5424. Time: RFC 3164 prints neither year nor zone and may be the clock of any sender.
//!
//! Source: RFC 3164, RFC 5424; rsyslog's `tools/syslogd.c` and its templates.

use std::borrow::Cow;

use timeline::{Carrier, MemberRecords, Severity, Stamp};

use crate::log::head::{Heads, Mode, Style};
use crate::log::speaker::is_device;
use crate::log::{Entry, Log, inner, stamp};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "syslog",
    produced_by: "rsyslog, syslog-ng, sysklogd (/var/log/messages, /var/log/syslog, kern.log)",
    samples: &[
        "Feb  4 09:34:04 node-a sshd[731]: Server listening on 0.0.0.0 port 22.\n\
         Feb  4 09:34:05 node-a kernel: [   12.345678] device veth0 entered promiscuous mode\n",
        "<30>1 2026-11-21T00:40:29.479442+00:00 node-a kubelet 2345 - -  started\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

fn open(origin: &Origin) -> Box<dyn Reader> {
    Box::new(Syslog { heads: Heads::new(Style::Syslog), log: Log::new(origin, Carrier::Syslog) })
}

/// `var/log/messages`, `syslog.1`, `kern.log-20260614`, in lower case.
pub(crate) fn is_syslog_path(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["messages", "syslog", "kern.log", "daemon.log", "secure", "auth.log", "user.log", "cron.log"]
        .iter()
        .any(|it| name.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_'])))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let share = sniff.share(200, |line| frame(line).is_some());
    if share >= 0.5 {
        return Certainty::Sure;
    }
    let mut heads = Heads::new(Style::Syslog);
    let (mut lines, mut good, mut devices, mut spaced) = (0u32, 0u32, 0u32, false);
    for line in sniff.text.lines().filter(|it| !it.trim().is_empty()).take(200) {
        if good > 0 && line.starts_with([' ', '\t']) {
            continue;
        }
        lines += 1;
        let (_, rest) = priority(line).unwrap_or((None, line));
        // the host is always there; a line of `[  1.2] …` or an epoch is no syslog
        let plain = !rest.starts_with(['[', ' ']) && !rest.starts_with(|it: char| it.is_ascii_digit() && !is_iso(rest));
        // `Sat 2022-02-12 00:00:00 UTC 4h` is a table of systemd's
        let head = if plain { heads.read(rest).filter(|it| it.host.is_some()) } else { None };
        if let Some(head) = head.filter(|_| heads.mode() != Some(Mode::Full)) {
            good += 1;
            devices += u32::from(is_device(head.ident.unwrap_or_default(), &rest[head.message..]));
            spaced |= rest.get(3..5) == Some("  ");
        }
    }
    let share = f64::from(good) / f64::from(lines.max(1));
    let path = sniff.path.to_ascii_lowercase();
    if lines == 0 || share < 0.5 {
        Certainty::No
    } else if is_syslog_path(&path) || devices * 2 > lines || (spaced && share > 0.8) {
        Certainty::Sure
    } else if share > 0.8 {
        Certainty::Likely
    } else {
        Certainty::Maybe
    }
}

fn is_iso(line: &str) -> bool {
    line.as_bytes().get(10) == Some(&b'T') && stamp::dated(line.as_bytes()).is_some()
}

struct Syslog {
    heads: Heads,
    log: Log,
}

impl Reader for Syslog {
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

impl Syslog {
    fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        if let Some(frame) = frame(line.text) {
            let message = unescape(frame.message);
            let (host, ident, pid) = (frame.host, frame.app.map(Cow::Borrowed), frame.pid);
            let (stamp, severity) = (frame.stamp, frame.severity);
            let entry =
                Entry { stamp, micros: None, host, ident, unit: None, pid, severity, speaker: 0, boot: None, message, line };
            return self.log.entry(entry, out);
        }
        let (mut severity, text) = priority(line.text).unwrap_or((None, line.text));
        let Some(head) = self.heads.read(text) else {
            // not every daemon escapes the line ends of a message
            let more = self.heads.mode().is_some() && line.text.starts_with([' ', '\t']);
            return if more { self.log.continuation(line, line.text, out) } else { self.log.stray(line, out) };
        };
        let mut host = head.host;
        // Chrome OS and some templates print the level where the host would be
        if let Some(level) = host.filter(|it| it.bytes().all(|it| it.is_ascii_uppercase())).and_then(inner::level) {
            (severity, host) = (Some(level), None);
        }
        let (mut ident, mut rest) = (head.ident, &text[head.message..]);
        // `%BGP-5-ADJCHANGE: neighbor …` has no program in front: the message is all of it
        if let Some(mnemonic) = ident.filter(|it| it.starts_with('%') && is_device(it, "")) {
            rest = text.find(mnemonic).map_or(rest, |at| &text[at..]);
            ident = None;
        }
        let speaker = if host.is_some() && ident.is_some() { head.speaker } else { 0 };
        let rest = if rest.starts_with(" message repeated ") { &rest[1..] } else { rest };
        let entry = Entry {
            stamp: head.stamp,
            micros: None,
            host,
            ident: ident.map(Cow::Borrowed),
            unit: None,
            pid: head.pid,
            severity,
            speaker,
            boot: None,
            message: unescape(rest),
            line,
        };
        self.log.entry(entry, out);
    }
}

/// `<30>text`: facility times eight plus severity.
fn priority(line: &str) -> Option<(Option<Severity>, &str)> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    if number.is_empty() || number.len() > 4 || !number.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let number: u32 = number.parse().ok()?;
    Some((Severity::from_number(number % 8).filter(|_| number <= 191), rest))
}

/// A line of RFC 5424, taken apart.
struct Frame<'t> {
    severity: Option<Severity>,
    stamp: Stamp,
    host: Option<&'t str>,
    app: Option<&'t str>,
    pid: Option<u32>,
    message: &'t str,
}

/// `<30>1 2026-11-21T00:40:29.479442+00:00 vm kubelet 2345 - -  text`, also with `123 ` in front (octet counting).
fn frame(line: &str) -> Option<Frame<'_>> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let line = if digits > 0 { line[digits..].strip_prefix(' ')? } else { line };
    let (severity, rest) = priority(line)?;
    let rest = rest.strip_prefix("1 ")?;
    let mut words = rest.splitn(6, ' ');
    let mut word = || words.next().map(|it| Some(it).filter(|it| *it != "-"));
    let (stamp, host, app, process, _id) = (word()?, word()?, word()?, word()?, word()?);
    let rest = words.next()?;
    let stamp = match stamp {
        Some(text) => stamp::dated(text.as_bytes()).filter(|it| it.1 == text.len()).map_or(Stamp::None, |it| it.0),
        None => Stamp::None,
    };
    let message = structured(rest)?;
    // rsyslog writes a blank of its own before the message
    let message = message.strip_prefix(' ').unwrap_or(message);
    let message = message.strip_prefix(' ').unwrap_or(message);
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Frame { severity, stamp, host, app, pid: process.and_then(|it| it.parse().ok()), message })
}

/// `[id name="va\"l]ue"][other]` or `-`: what stands behind it.
fn structured(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(rest);
    }
    let mut rest = text;
    while rest.starts_with('[') {
        let (mut quoted, mut escaped, mut end) = (false, false, None);
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b']' if !quoted => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        rest = &rest[end? + 1..];
    }
    (rest.len() < text.len()).then_some(rest)
}

/// `line one#012line two`: rsyslog's octal for control characters.
fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'#', text.as_bytes()).is_none() || !text.contains("#0") && !text.contains("#1") {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('#') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(1..4).filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
        match code.and_then(|it| u8::from_str_radix(it, 8).ok()).filter(u8::is_ascii_control) {
            Some(code) => {
                plain.push(char::from(code));
                rest = &rest[4..];
            }
            None => {
                plain.push('#');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use timeline::{MemberId, Record, Source};

    use super::*;
    use crate::read;

    fn records(text: &str) -> MemberRecords {
        let origin =
            Origin { member: MemberId(0), path: "var/log/messages".into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES };
        read(&FORMAT, &origin, text, 1 << 20)
    }

    fn shown(text: &str) -> String {
        let mut lines = Vec::new();
        for record in records(text).records {
            if let Record::Event(event) = record {
                let (node, unit) = (event.node.as_deref().unwrap_or("-"), event.unit.as_deref().unwrap_or("-"));
                let pid = event.pid.map_or(String::new(), |it| it.to_string());
                let times = if event.count > 1 { format!(" x{}", event.count) } else { String::new() };
                lines.push(format!("{node} {} {unit}[{pid}]{times} {:?}", event.source.name(), event.message));
            }
        }
        lines.join("\n")
    }

    #[test]
    fn lines_of_many_daemons() {
        insta::assert_snapshot!(
            shown(concat!(
                "Feb  4 09:34:04 node-a sshd(pam_unix)[731]: session opened\n",
                "Feb  4 09:34:05 node-a kernel: [   12.345678] device veth0 entered promiscuous mode\n",
                "Feb  4 09:34:05 node-a last message repeated 4 times\n",
                "Feb  4 09:34:06 node-a dup[8]: message repeated 4 times: [ same message again]\n",
                "<11>Feb  4 09:34:07 node-a kubelet: E0204 09:34:07.000001    2345 pod_workers.go:190] \"Error\"\n",
                "2026-11-21T00:40:29.479710+00:00 node-a multi[7]: line one#012line two#012#011line three\n",
                "<30>1 2026-11-21T00:40:29.479442+00:00 node-a dockerd 2345 - -  time=\"x\" level=info\n",
                "123 <165>1 2003-10-11T22:14:15.003Z node-b app - ID47 [x@1 a=\"]\\\"\"][y] \u{feff}hello\n",
                "Jul 23 21:42:17 leaf-a07 2214: Jul 23 21:42:16.902 CST: %SYS-6-LOGOUT: User netmon\n",
                "2016-10-25T12:37:23.297265-07:00 INFO periodic_scheduler[13707]: job completed\n",
                "Nov  3 09:23:38 node-a lookup for opt failed\n",
            )),
            @r#"
        node-a system sshd(pam_unix)[731] "session opened"
        node-a kernel kernel[] x5 "device veth0 entered promiscuous mode"
        node-a system dup[8] x4 "same message again"
        node-a kubelet kubelet[] "E0204 09:34:07.000001    2345 pod_workers.go:190] \"Error\""
        node-a system multi[7] "line one\nline two\n\tline three"
        node-a runtime dockerd[2345] "time=\"x\" level=info"
        node-b system app[] "hello"
        leaf-a07 network-device 2214[] "Jul 23 21:42:16.902 CST: %SYS-6-LOGOUT: User netmon"
        leaf-a07 system periodic_scheduler[13707] "job completed"
        node-a system -[] "lookup for opt failed"
        "#
        );
    }

    #[test]
    fn a_switch_writes_syslog_and_dmesg_does_not() {
        let of = |text: &str| {
            let sniff = Sniff { path: "x.log", text, bytes: text.as_bytes(), whole: true };
            crate::identify(&sniff).map(|it| it.name)
        };
        let switch = "Jul 23 21:42:17 leaf-a07 2214: Jul 23 21:42:16.902 CST: %SYS-6-LOGOUT: User netmon has exited\n";
        assert_eq!(of(switch), Some("syslog"));
        let dmesg = "2020-06-14T13:14:38,123456+08:00 usb 1-1: new device\n2020-06-14T13:14:39,123456+08:00 x: y\n";
        assert_ne!(of(dmesg), Some("syslog"));
        assert_ne!(of(dmesg), Some("journal-text"));
    }

    #[test]
    fn a_line_of_no_known_shape_is_only_counted() {
        let found = records("Header1: abc\nFeb  4 09:34:04 node-a app: x\nwith another line\n");
        assert_eq!((found.tally.lines, found.tally.understood, found.tally.odd_bytes), (3, 1, 29));
        assert_eq!(found.seen.len(), 1);
        assert_eq!(found.seen[0].source, Source::System);
    }

    #[test]
    fn a_mnemonic_may_stand_alone() {
        let line = "Jul 23 22:14:12 leaf-a07 %BGP-5-ADJCHANGE: neighbor 10.20.7.31 Up\n";
        let found = crate::testing::read_at(&FORMAT, "leaf.log", line);
        let event = crate::testing::events(&found).next().expect("one line, one event");
        assert_eq!(event.source, timeline::Source::NetworkDevice);
        assert!(event.message.starts_with("%BGP-5-ADJCHANGE: neighbor"), "{}", event.message);
    }

    #[test]
    fn old_kernels_name_their_version_late() {
        let text = "\
Feb  4 10:12:01 node-a kernel: device eth0 entered promiscuous mode
Feb  4 10:12:02 node-a CRON[123]: (root) CMD (run-parts /etc/cron.hourly)
Feb  4 10:15:09 node-a kernel: Initializing cgroup subsys cpuset
Feb  4 10:15:09 node-a kernel: Initializing cgroup subsys cpu
Feb  4 10:15:09 node-a kernel: Linux version 3.10.0-957.el7.x86_64 (b@l) (gcc) #1 SMP 2018
";
        let found = crate::testing::read_at(&FORMAT, "messages", text);
        let boots = crate::testing::events(&found).filter(|it| it.row.is_some());
        let boots: Vec<String> = boots.map(|it| format!("{} {}", it.quote.span.line, it.message)).collect();
        assert_eq!(boots, ["2 the last record of a boot", "3 the first record of a boot"]);
    }

    #[test]
    fn tables_with_dates_are_no_syslog() {
        let timers = "NEXT                        LEFT          LAST PASSED UNIT         ACTIVATES\n\
                      Sat 2022-02-12 00:00:00 UTC 4h 35min left n/a  n/a    man-db.timer man-db.service\n\
                      Sat 2022-02-12 01:50:28 UTC 6h left       n/a  n/a    motd.timer   motd.service\n";
        let multipath = "Feb 11 19:23:51 | set open fds limit to 1048576/1048576\n\
                         Feb 11 19:23:51 | checker tur: message table size = 3\n";
        for text in [timers, multipath] {
            let sniff = crate::testing::sniff("sos_commands/x/y", text);
            assert_ne!(crate::identify(&sniff).map(|it| it.name), Some(FORMAT.name), "{text}");
        }
    }

    #[test]
    fn indented_lines_are_of_the_message_before() {
        let text = "Aug 16 00:28:56 node-a app[314]: java.lang.OutOfMemoryError: unable to create new native thread\n\
                    \tat java.lang.Thread.start0(Native Method)\n\
                    \tat java.lang.Thread.start(Thread.java:717)\n\
                    \tat com.example.Main.main(Main.java:12)\n\
                    Aug 16 00:28:57 node-a app[314]: exiting\n";
        let sniff = crate::testing::sniff("app.log", text);
        assert!((FORMAT.recognizes)(&sniff) >= Certainty::Likely);
        let out = crate::testing::read_at(&FORMAT, "app.log", text);
        assert_eq!((out.tally.lines, out.tally.understood), (5, 5));
        let lines: Vec<usize> = crate::testing::events(&out).map(|it| it.message.lines().count()).collect();
        assert_eq!(lines, [4, 1]);
    }
}
