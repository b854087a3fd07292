//! Logs of containers: CRI files, docker's json-file, `kubectl logs` with and without stamps.
//!
//! ```text
//! 2025-03-21T14:51:22.427859146Z stderr F W0321 14:51:22.427595       1 registry.go:256] text       CRI
//! {"log":"text\n","stream":"stderr","time":"2020-06-14T05:15:06.123456789Z"}                        docker
//! 2023-07-23T13:50:05.200180569Z 2023-07-23 21:50:05.200 [INFO][69] felix/int_dataplane.go 990: x   kubectl --timestamps
//! [pod/calico-node-x7k2p/calico-node] bird: Mesh_10_0_1_1: State changed to down                    kubectl --prefix
//! 2021-11-22_10:00:04.12345 bird: Mesh_10_0_1_1: State changed to down                              svlogd of old calico-node
//! ```
//!
//! A line that the runtime cut in parts is put together again. What the program itself prints in front (klog, logrus,
//! zap, Calico) is read by the log. The container is told by the path, the pod only to find it. Skipped: streams.
//! Time: the runtime's stamps are exact; a program's own often lack the zone; a line without any follows the one before.
//!
//! Source: kubernetes `pkg/kubelet/kuberuntime/logs`; moby `daemon/logger/jsonfilelog`; kubectl's `logs` command; runit's svlogd.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::Deserialize;
use timeline::{Carrier, MemberRecords, Stamp};

use crate::log::inner::{self, Header};
use crate::log::stamp::Dates;
use crate::log::{Entry, Log, speaker, stamp};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "container-log",
    produced_by: "containerd, CRI-O, docker; kubectl logs [--timestamps] [--prefix]",
    samples: &[
        "2025-03-21T14:51:22.427859146Z stderr F W0321 14:51:22.427595       1 registry.go:256] calling\n\
         2025-03-21T14:51:22.428020319Z stdout P one \n\
         2025-03-21T14:51:22.428020320Z stdout F line\n",
        "{\"log\":\"one line\\n\",\"stream\":\"stderr\",\"time\":\"2020-06-14T05:15:06.123456789Z\"}\n",
        "2023-07-23 22:13:40.123 [INFO][65] felix/summary.go 100: Summarising 8 dataplane reconciliation loops\n",
        "2021-11-22_10:00:04.12345 bird: Mesh_10_0_1_1: State changed to down\n@40000000619b6aee1a2b3c4d bird: Node_10_0_1_1: Received: Administrative shutdown\n",
        ".:53\n[INFO] plugin/reload: Running configuration SHA512 = 591cf328cccc12bc\n[WARNING] plugin/kubernetes: starting server with unsynced Kubernetes API\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

/// Bytes of a line that was cut in parts, at most.
const PARTS_BYTES: usize = 1 << 20;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut dates = Dates::default();
    let cri_or_docker = sniff.share(300, |line| cri(line, &mut dates).is_some() || docker(line).is_some());
    let stamped = sniff.share(300, |line| {
        let line = prefixed(line).map_or(line, |it| it.1);
        kubectl(line, &mut dates).is_some_and(|(stamp, _)| is_fine(&stamp)) || supervised(line).is_some()
    });
    if cri_or_docker >= 0.5 || stamped >= 0.5 {
        return Certainty::Sure;
    }
    let headed = sniff.share(300, |line| is_program_line(prefixed(line).map_or(line, |it| it.1)));
    let prefix = sniff.share(300, |line| prefixed(line).is_some());
    let path = sniff.path.to_ascii_lowercase();
    let known = speaker::by_path(&path).is_some();
    let place = ["/pods/", "pods/", "/containers/", "podlogs/", "logs/current.log", "logs/previous.log"];
    let log = path.ends_with(".log") || path.ends_with(".log.1");
    let placed = log && place.iter().any(|it| path.contains(it));
    // `kubectl_…_logs_web-0` of sos: whatever the container said
    let asked = path.contains("kubectl_") && path.contains("_logs_") && headed > 0.0;
    if prefix >= 0.5 || headed >= 0.5 || (headed >= 0.1 && known && log) {
        Certainty::Likely
    } else if headed >= 0.2 || asked || (placed && !sniff.text.trim_start().starts_with(['{', '[', '<'])) {
        Certainty::Maybe
    } else {
        Certainty::No
    }
}

/// Whether the line begins as loggers of cluster programs begin theirs.
fn is_program_line(line: &str) -> bool {
    match inner::header(line) {
        Header::None => line.starts_with("bird: ") || line.starts_with("bird6: ") || is_leveled(line),
        Header::Json => {
            let object = line.contains("\"msg\":") || line.contains("\"message\":") || line.contains("\"caller\":");
            object && !line.contains("\"kind\":\"Event\"") && inner::read(line, Header::Json).0.is_some()
        }
        // a date in front is not enough: tables and event lists begin with one, too
        Header::Dated => {
            let rest = stamp::dated(line.as_bytes()).and_then(|(_, len)| line.get(len..)).unwrap_or_default().trim_start();
            let level = rest.strip_prefix('[').and_then(|it| it.split(']').next());
            let level = level.or_else(|| rest.split_once(" | ").map(|it| it.0)).or_else(|| rest.split(' ').next());
            level.and_then(inner::level).is_some_and(|_| !rest.starts_with("Warning ")) || line.as_bytes()[4] == b'/'
        }
        header => inner::read(line, header).0.is_some(),
    }
}

/// `[ERROR] plugin/errors: 2 example.com. A: …`: CoreDNS without stamps.
fn is_leveled(line: &str) -> bool {
    let level = line.strip_prefix('[').and_then(|it| it.split_once("] ")).map(|it| it.0);
    level.is_some_and(|it| matches!(it, "DEBUG" | "INFO" | "WARNING" | "ERROR" | "FATAL"))
}

/// Whether a stamp is finer than syslog's: runtimes print nanoseconds.
fn is_fine(stamp: &Stamp) -> bool {
    matches!(stamp, Stamp::Exact { resolution, .. } if *resolution < chrono::TimeDelta::microseconds(1))
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    let (container, node) = by_path(&origin.path);
    let log = Log::new(origin, Carrier::File);
    Box::new(ContainerLog { log, container, node, parts: VecDeque::new(), shape: Shape::Bare, dates: Dates::default() })
}

/// How lines of this file are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Cri,
    Docker,
    Kubectl,
    Supervised,
    Bare,
}

struct ContainerLog {
    log: Log,
    container: Option<String>,
    node: Option<String>,
    /// Lines cut by the runtime, one a stream.
    parts: VecDeque<Parts>,
    shape: Shape,
    dates: Dates,
}

/// The parts of a line so far.
struct Parts {
    stream: String,
    text: String,
    stamp: Stamp,
    line: (String, u64, u32),
}

/// A line without its wrapping.
struct Unwrapped<'t> {
    stamp: Stamp,
    stream: Cow<'t, str>,
    /// Whether more of the line follows.
    partial: bool,
    text: Cow<'t, str>,
}

impl Reader for ContainerLog {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.log.chunk(chunk);
        for line in chunk.lines() {
            self.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        while let Some(parts) = self.parts.pop_front() {
            self.hand_over(parts, out);
        }
        self.log.finish(out);
    }
}

impl ContainerLog {
    fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        let Some(unwrapped) = self.unwrap(line.text) else {
            let (name, text) = prefixed(line.text).map_or((None, line.text), |(name, rest)| (Some(name), rest));
            if text.trim().is_empty() {
                return self.log.continuation(line, "", out);
            }
            return self.entry(Stamp::None, name, text, line, out);
        };
        let Unwrapped { stamp, stream, partial, text } = unwrapped;
        let open = self.parts.iter().position(|it| it.stream == stream);
        match open {
            None if !partial => {
                let (name, text) = prefixed(&text).map_or((None, text.as_ref()), |(name, rest)| (Some(name), rest));
                self.entry(stamp, name, text, line, out);
            }
            None => {
                let line = (line.text.to_owned(), line.start, line.number);
                self.parts.push_back(Parts { stream: stream.into_owned(), text: text.into_owned(), stamp, line });
                out.tally.lines += 1;
                out.tally.understood += 1;
            }
            Some(at) => {
                let parts = &mut self.parts[at];
                if parts.text.len() < PARTS_BYTES {
                    parts.text.push_str(&text);
                }
                out.tally.lines += 1;
                out.tally.understood += 1;
                if !partial && let Some(parts) = self.parts.remove(at) {
                    self.hand_over(parts, out);
                }
            }
        }
    }

    /// A line that came in parts; its lines are counted already.
    fn hand_over(&mut self, parts: Parts, out: &mut MemberRecords) {
        let line = Line { text: &parts.line.0, start: parts.line.1, number: parts.line.2 };
        self.entry(parts.stamp, None, &parts.text, line, out);
        out.tally.lines -= 1;
        out.tally.understood -= 1;
    }

    fn entry(&mut self, stamp: Stamp, name: Option<&str>, text: &str, line: Line<'_>, out: &mut MemberRecords) {
        // all daemons of a calico-node pod write into one stream
        let (ident, speaker) = match text.as_bytes() {
            [b'b', b'i', b'r', b'd', b':', b' ', ..] => (Some("bird"), 1),
            [b'b', b'i', b'r', b'd', b'6', b':', b' ', ..] => (Some("bird6"), 2),
            _ if name.is_some() => (name, 0),
            _ => (self.container.as_deref(), 3),
        };
        let entry = Entry {
            stamp,
            micros: None,
            host: self.node.as_deref(),
            ident: ident.map(Cow::Borrowed),
            unit: None,
            pid: None,
            severity: None,
            speaker,
            boot: None,
            message: text.into(),
            line,
        };
        self.log.entry(entry, out);
    }

    fn unwrap<'t>(&mut self, line: &'t str) -> Option<Unwrapped<'t>> {
        let dates = &mut self.dates;
        let mut by = |shape: Shape| match shape {
            Shape::Cri => cri(line, dates),
            Shape::Docker => docker(line),
            Shape::Kubectl | Shape::Supervised => {
                let found = if shape == Shape::Kubectl { kubectl(line, dates) } else { supervised(line) };
                found.map(|(stamp, text)| Unwrapped { stamp, stream: "".into(), partial: false, text: text.into() })
            }
            Shape::Bare => None,
        };
        let found = by(self.shape);
        if found.is_some() {
            return found;
        }
        for shape in [Shape::Cri, Shape::Docker, Shape::Kubectl, Shape::Supervised] {
            if let Some(found) = by(shape) {
                self.shape = shape;
                return Some(found);
            }
        }
        None
    }
}

/// `2025-03-21T14:51:22.427859146Z stderr F text`
fn cri<'t>(line: &'t str, dates: &mut Dates) -> Option<Unwrapped<'t>> {
    let (stamp, rest) = kubectl(line, dates)?;
    let (stream, rest) = match rest.strip_prefix("stdout ") {
        Some(rest) => ("stdout", rest),
        None => ("stderr", rest.strip_prefix("stderr ")?),
    };
    if let Some(text) = rest.strip_prefix("F ") {
        return Some(Unwrapped { stamp, stream: stream.into(), partial: false, text: text.into() });
    }
    let (tags, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let partial = match tags.split(':').next() {
        Some("F") => false,
        Some("P") => true,
        _ => return None,
    };
    Some(Unwrapped { stamp, stream: stream.into(), partial, text: text.into() })
}

/// `2023-07-23T13:50:05.200180569Z text`: a stamp with its zone and the rest.
fn kubectl<'t>(line: &'t str, dates: &mut Dates) -> Option<(Stamp, &'t str)> {
    if line.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let (stamp, len) = dates.read(line.as_bytes())?;
    let rest = line.get(len..)?;
    let text = if rest.is_empty() { rest } else { rest.strip_prefix(' ')? };
    matches!(stamp, Stamp::Exact { .. }).then_some((stamp, text))
}

/// `2021-11-22_10:00:04.12345 text`, `@400000005fd2c0a51a2b3c4d text`: the stamp of a supervisor and the rest.
fn supervised(line: &str) -> Option<(Stamp, &str)> {
    let (stamp, len) = stamp::supervised(line.as_bytes())?;
    Some((stamp, line.get(len..)?.strip_prefix(' ')?))
}

#[derive(Deserialize)]
struct DockerLine<'t> {
    #[serde(borrow)]
    log: Cow<'t, str>,
    #[serde(borrow, default)]
    stream: Cow<'t, str>,
    #[serde(borrow)]
    time: Cow<'t, str>,
}

/// `{"log":"text\n","stream":"stderr","time":"2020-06-14T05:15:06.123456789Z"}`
fn docker(line: &str) -> Option<Unwrapped<'_>> {
    // power loss leaves NULs in front of what was written next
    let line = line.trim_start_matches('\0');
    if !line.starts_with("{\"log\":") {
        return None;
    }
    let DockerLine { log, stream, time } = serde_json::from_str(line).ok()?;
    let (stamp, _) = stamp::dated(time.as_bytes())?;
    let partial = !log.ends_with('\n');
    let text = match log {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('\n').unwrap_or(text)),
        Cow::Owned(mut text) => {
            if text.ends_with('\n') {
                text.pop();
            }
            Cow::Owned(text)
        }
    };
    Some(Unwrapped { stamp, stream, partial, text })
}

/// `[pod/calico-node-x7k2p/calico-node] text`: the container and the text.
fn prefixed(line: &str) -> Option<(&str, &str)> {
    let (inside, rest) = line.strip_prefix("[pod/")?.split_once(']')?;
    let (_, container) = inside.split_once('/')?;
    Some((container, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// The container a path speaks of, and the node where a static pod's name tells it.
fn by_path(path: &str) -> (Option<String>, Option<String>) {
    let parts: Vec<&str> = path.split('/').collect();
    let (Some(name), before) = (parts.last(), parts.len().saturating_sub(2)) else { return (None, None) };
    let folder = |back: usize| before.checked_sub(back).and_then(|at| parts.get(at)).copied().filter(|_| parts.len() > 1);
    let stem = name.split(".log").next().unwrap_or(name);
    // `kube-system_etcd-node-a_7f1c…/etcd/0.log`
    if let (Some(container), Some(pod)) = (folder(0), folder(1))
        && stem.bytes().all(|it| it.is_ascii_digit())
    {
        let mut words = pod.split('_');
        let (pod, uid) = (words.nth(1), words.next());
        return (Some(container.to_owned()), pod.and_then(|it| static_node(it, container, uid)));
    }
    // `namespaces/x/pods/etcd-0/etcd/etcd/logs/current.log`
    if folder(0) == Some("logs") && matches!(stem, "current" | "previous" | "previous.insecure") {
        return (folder(1).map(str::to_owned), None);
    }
    // `kube-proxy-x7k2p_kube-system_kube-proxy-<64 hex>.log`, `calico-node-x7k2p_calico-node.log`
    if let Some((_, last)) = stem.rsplit_once('_') {
        let hash = |it: &&str| it.len() == 64 && it.bytes().all(|it| it.is_ascii_hexdigit());
        let container = last.rsplit_once('-').filter(|(_, it)| hash(it)).map_or(last, |it| it.0);
        let container = container.strip_suffix("-previous").unwrap_or(container);
        return (Some(container.to_owned()).filter(|it| !it.is_empty()), None);
    }
    let known = speaker::by_path(path).map(str::to_owned);
    (known.or_else(|| Some(stem.to_owned()).filter(|it| !it.is_empty())), None)
}

/// `etcd-node-a` with container `etcd` and a uid without dashes: the kubelet of node-a runs it from a file.
fn static_node(pod: &str, container: &str, uid: Option<&str>) -> Option<String> {
    let by_file = uid.is_some_and(|it| it.len() == 32 && it.bytes().all(|it| it.is_ascii_hexdigit()));
    let node = pod.strip_prefix(container)?.strip_prefix('-').filter(|it| !it.is_empty())?;
    by_file.then(|| node.to_owned())
}

#[cfg(test)]
mod tests;
