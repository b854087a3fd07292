//! Exports of Google Cloud Logging: what GKE keeps of nodes and containers.
//!
//! ```text
//! {"insertId":"1a2b","jsonPayload":{"MESSAGE":"I0131 10:00:00.1 1734 kubelet.go:1888] x","SYSLOG_IDENTIFIER":"kubelet"},
//!  "logName":"projects/p/logs/kubelet","resource":{"type":"k8s_node","labels":{"node_name":"gke-a"}},
//!  "timestamp":"2024-01-31T10:00:00.123456789Z"}
//! [
//!   {
//!     "textPayload": "2024-01-31 10:00:00.200 [INFO][69] felix/int_dataplane.go 990: Applied",
//!     "resource": { "labels": { "container_name": "calico-node", "pod_name": "calico-node-x7k2p" }, "type": "k8s_container" },
//! ```
//!
//! One object a line, or a list of them as `gcloud logging read --format json` and the console print it, the newest first
//! unless told otherwise. A node's entries are those of its journal; a container's name their node in a label of the entry.
//! Every export answers a query, and does not say which: what is absent counts for nothing. Skipped: audit entries and
//! requests, which hold no message. Time: nanoseconds in UTC.
//!
//! Source: the LogEntry of Cloud Logging's API; `gcloud logging read --help`.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use timeline::{Carrier, MemberRecords, Severity, Stamp};

use crate::printed_object::PrintedObject;
use crate::log::{Entry, Log};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "cloud-logging",
    produced_by: "gcloud logging read --format json, the Logs Explorer, a sink of Cloud Logging",
    samples: &[
        "{\"insertId\":\"1a2b\",\"jsonPayload\":{\"MESSAGE\":\"I0131 10:00:00.100000    1734 kubelet.go:1888] x\",\"SYSLOG_IDENTIFIER\":\"kubelet\"},\"logName\":\"projects/p/logs/kubelet\",\"resource\":{\"labels\":{\"node_name\":\"gke-a\"},\"type\":\"k8s_node\"},\"timestamp\":\"2024-01-31T10:00:00.123456789Z\"}\n",
        "[\n  {\n    \"insertId\": \"1a2b\",\n    \"logName\": \"projects/p/logs/stderr\",\n    \"resource\": {\n      \"labels\": {\n        \"container_name\": \"coredns\"\n      },\n      \"type\": \"k8s_container\"\n    },\n    \"textPayload\": \"[ERROR] plugin/errors: 2 x\",\n    \"timestamp\": \"2024-01-31T10:00:00Z\"\n  }\n]\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let front = sniff.text.trim_start_matches('\u{feff}').trim_start();
    if !front.starts_with(['{', '[']) {
        return Certainty::No;
    }
    let has = |key: &str| sniff.text.contains(key);
    let entry = has("\"insertId\"") && has("\"logName\"") && has("\"resource\"");
    if entry { Certainty::Sure } else { Certainty::No }
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    let log = |carrier| {
        let mut log = Log::new(origin, carrier);
        log.limit("the answer to a query of Cloud Logging: what it left out cannot be told");
        log
    };
    Box::new(CloudLogging { nodes: log(Carrier::Journal), containers: log(Carrier::File), object: None })
}

struct CloudLogging {
    nodes: Log,
    containers: Log,
    /// An object printed over several lines, and the blanks in front of its braces.
    object: Option<(PrintedObject, usize)>,
}

impl Reader for CloudLogging {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        for line in chunk.lines() {
            self.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        if let Some((object, _)) = self.object.take() {
            object.give_up(out);
        }
        self.nodes.finish(out);
        self.containers.finish(out);
    }
}

impl CloudLogging {
    fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        let text = line.text.trim_start_matches('\u{feff}');
        let inner = text.trim();
        let indent = text.len() - text.trim_start().len();
        if let Some((object, outer)) = &mut self.object {
            object.add(&line, inner, &["\"MESSAGE\":", "\"message\":", "\"textPayload\":"]);
            let over = indent <= *outer && inner.starts_with('}');
            if over || object.is_full() {
                self.end(out);
            }
            return;
        }
        match inner.trim_end_matches(',') {
            "" => {}
            "[" | "]" => {
                out.tally.lines += 1;
                out.tally.understood += 1;
            }
            "{" | "[{" => {
                self.object = Some((PrintedObject::begin(&line, "{"), indent));
            }
            whole => {
                let whole = whole.strip_prefix('[').unwrap_or(whole);
                let whole = whole.strip_suffix("}]").map_or(Cow::Borrowed(whole), |it| Cow::Owned(format!("{it}}}")));
                match serde_json::from_str::<Value>(&whole) {
                    Ok(entry) if entry.is_object() => self.entry(&entry, line, 1, out),
                    _ => {
                        out.tally.lines += 1;
                        out.tally.odd_bytes += line.text.len() as u64;
                    }
                }
            }
        }
    }

    /// The last line of an object has come, or it is too long to be one.
    fn end(&mut self, out: &mut MemberRecords) {
        let Some((object, _)) = self.object.take() else { return };
        let text = object.text.trim_end_matches([',', ']']);
        match serde_json::from_str::<Value>(text) {
            Ok(entry) => self.entry(&entry, object.line(), object.lines, out),
            Err(_) => object.give_up(out),
        }
    }

    fn entry(&mut self, entry: &Value, line: Line<'_>, lines: u64, out: &mut MemberRecords) {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).filter(|it| !it.is_empty());
        let payload = entry.get("jsonPayload");
        let own = |key: &str| payload.and_then(|it| it.get(key)).and_then(Value::as_str);
        let told = own("MESSAGE").or_else(|| own("message")).or_else(|| own("msg")).or_else(|| text("/textPayload"));
        // an entry of fields only is read as it was written
        let message = match (told, payload) {
            (Some(told), _) => Cow::Borrowed(told),
            (None, Some(payload)) => Cow::Owned(payload.to_string()),
            // an audit entry or a request
            (None, None) => {
                out.tally.lines += lines;
                out.tally.understood += lines;
                return;
            }
        };
        let Some(stamp) = text("/timestamp").and_then(stamp) else {
            out.tally.lines += lines;
            out.tally.odd_bytes += line.text.len() as u64;
            return;
        };
        let container = text("/resource/labels/container_name");
        let name = text("/logName").and_then(|it| it.rsplit(['/', '%']).next());
        let host = text("/resource/labels/node_name")
            .or_else(|| entry.get("labels")?.get("compute.googleapis.com/resource_name")?.as_str())
            .or_else(|| own("_HOSTNAME"));
        let ident = own("SYSLOG_IDENTIFIER").or(container).or(name).map(|it| Cow::Owned(it.to_owned()));
        let priority = own("PRIORITY").and_then(|it| it.parse().ok()).and_then(Severity::from_number);
        let log = if container.is_some() { &mut self.containers } else { &mut self.nodes };
        let of = Entry {
            stamp,
            micros: None,
            host,
            ident,
            unit: own("_SYSTEMD_UNIT").map(|it| Cow::Owned(it.to_owned())),
            pid: own("_PID").and_then(|it| it.parse().ok()),
            severity: priority.or_else(|| text("/severity").and_then(severity)),
            speaker: 0,
            boot: own("_BOOT_ID"),
            message,
            line,
        };
        log.entry(of, out);
        // the log has counted one line
        out.tally.lines += lines - 1;
        out.tally.understood += lines - 1;
    }
}

/// `2024-01-31T10:00:00.123456789Z`: as fine as it is printed. That the service prints UTC tells nothing of a node's zone.
fn stamp(text: &str) -> Option<Stamp> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    let digits = text.split_once('.').map_or(0, |it| it.1.bytes().take_while(u8::is_ascii_digit).count());
    let resolution = TimeDelta::nanoseconds(10_i64.pow(9 - digits.min(9) as u32));
    Some(Stamp::Exact { at, resolution, offset_secs: None })
}

/// The words of Cloud Logging.
fn severity(word: &str) -> Option<Severity> {
    Some(match word {
        "EMERGENCY" => Severity::Emergency,
        "ALERT" => Severity::Alert,
        "CRITICAL" => Severity::Critical,
        "ERROR" => Severity::Error,
        "WARNING" => Severity::Warning,
        "NOTICE" => Severity::Notice,
        "INFO" => Severity::Info,
        "DEBUG" => Severity::Debug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use timeline::Source;

    use super::*;
    use crate::testing::{events, quotes_hold, read_at, read_cut};

    fn node(at: u32, message: &str) -> String {
        format!(
            "{{\"insertId\":\"n{at}\",\"jsonPayload\":{{\"MESSAGE\":\"{message}\",\"PRIORITY\":\"4\",\"SYSLOG_IDENTIFIER\":\"kubelet\",\"_PID\":\"1734\"}},\
             \"logName\":\"projects/p/logs/kubelet\",\"resource\":{{\"labels\":{{\"cluster_name\":\"c\",\"node_name\":\"gke-a\"}},\"type\":\"k8s_node\"}},\
             \"timestamp\":\"2024-01-31T10:00:{at:02}.123456789Z\"}}"
        )
    }

    fn container(at: u32, payload: &str) -> String {
        format!(
            "{{\"insertId\":\"c{at}\",\"labels\":{{\"compute.googleapis.com/resource_name\":\"gke-b\"}},\"logName\":\"projects/p/logs/stderr\",\
             \"resource\":{{\"labels\":{{\"container_name\":\"calico-node\",\"pod_name\":\"calico-node-x7k2p\"}},\"type\":\"k8s_container\"}},\
             \"severity\":\"ERROR\",{payload},\"timestamp\":\"2024-01-31T10:00:{at:02}Z\"}}"
        )
    }

    fn shown(out: &MemberRecords) -> Vec<String> {
        let of = |it: &timeline::Event| {
            let Stamp::Exact { at, .. } = it.stamp else { panic!("an exact stamp") };
            format!("{} {} {} {:?} {}", at.format("%S%.3f"), it.node.as_deref().unwrap_or("-"), it.source.name(), it.severity, it.message)
        };
        events(out).map(of).collect()
    }

    const LINES: [&str; 3] = [
        "00.123 gke-a kubelet Some(Warning) testing one",
        "01.000 gke-b calico Some(Error) testing two",
        "02.000 gke-b calico Some(Error) {\"code\":7}",
    ];

    fn entries() -> [String; 3] {
        [node(0, "testing one"), container(1, "\"textPayload\":\"testing two\""), container(2, "\"jsonPayload\":{\"code\":7}")]
    }

    #[test]
    fn an_object_a_line() {
        let text = entries().join("\n") + "\n{\"insertId\":\"x\",\"protoPayload\":{},\"logName\":\"projects/p/logs/activity\"}\n{\"cut\":\n";
        let out = read_at(&FORMAT, "gke/logs.json", &text);
        quotes_hold(&out, &text);
        let mut all = shown(&out);
        all.sort();
        assert_eq!(all, LINES);
        assert_eq!((out.tally.lines, out.tally.understood), (5, 4), "an audit entry is known, a cut one is not");
        assert!(out.seen.iter().all(|it| it.incomplete.is_some()), "a query leaves things out");
        let sources: Vec<Source> = out.seen.iter().map(|it| it.source).collect();
        assert_eq!(sources, [Source::Kubelet, Source::Calico]);
    }

    #[test]
    fn a_list_over_many_lines_newest_first() {
        let values: Vec<Value> = entries().iter().rev().map(|it| serde_json::from_str(it).expect("sound")).collect();
        let text = serde_json::to_string_pretty(&values).expect("sound") + "\n";
        for out in [read_at(&FORMAT, "gke/logs.json", &text), read_cut(&FORMAT, "gke/logs.json", &text)] {
            quotes_hold(&out, &text);
            let mut all = shown(&out);
            all.sort();
            assert_eq!(all, LINES);
            assert_eq!((out.tally.lines, out.tally.odd_bytes), (text.lines().count() as u64, 0));
        }
        // what was cut off is counted and not understood
        let cut = &text[..text.len() - 40];
        let out = read_at(&FORMAT, "gke/logs.json", cut);
        assert_eq!(events(&out).count(), 2);
        assert!(out.tally.odd_bytes > 0);
        // on one line
        let one = serde_json::to_string(&values[..1]).expect("sound");
        assert_eq!(events(&read_at(&FORMAT, "x.json", &one)).count(), 1);
    }
}
