//! One incident in other words: its files taken apart, and written again as other collectors would write them.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

pub(crate) mod collect;
mod objects;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};

/// What an incident of the corpus says, free of how it was collected.
#[derive(Default)]
pub(crate) struct Incident {
    pub(crate) machines: BTreeMap<String, Machine>,
    /// Files of no machine by name: tables, events, descriptions.
    pub(crate) cluster: BTreeMap<String, String>,
    /// Metrics by name, as the API of Prometheus answers.
    pub(crate) metrics: BTreeMap<String, String>,
    /// Seconds east of UTC of the machines' clocks.
    pub(crate) offset: i32,
}

/// What was taken on one machine.
#[derive(Default)]
pub(crate) struct Machine {
    /// Entries of its journals, in time order, with the number of their boot.
    pub(crate) journal: Vec<Entry>,
    /// Logs of containers: namespace, pod, container, text with a stamp before each line.
    pub(crate) logs: Vec<[String; 4]>,
    pub(crate) files: BTreeMap<String, String>,
}

/// A line of a journal.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) at: DateTime<Utc>,
    pub(crate) host: String,
    pub(crate) ident: String,
    pub(crate) pid: Option<u32>,
    pub(crate) message: String,
    pub(crate) boot: u32,
}

impl Incident {
    /// Takes an incident of the corpus apart.
    pub(crate) fn load(name: &str, year: i32, offset: i32) -> Incident {
        let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../corpus", name, "bundle"].iter().collect();
        let mut incident = Incident { offset, ..Incident::default() };
        for (path, bytes) in crate::common::files(&folder) {
            let text = String::from_utf8(bytes).unwrap();
            match path.split_once('/') {
                Some(("metrics", file)) => {
                    incident.metrics.insert(file.trim_end_matches(".json").to_owned(), text);
                }
                Some((node, file)) => {
                    let machine = incident.machines.entry(node.to_owned()).or_default();
                    machine.take(file, text, year, offset);
                }
                None => {
                    incident.cluster.insert(path, text);
                }
            }
        }
        for machine in incident.machines.values_mut() {
            machine.journal.sort_by_key(|it| (it.boot, it.at));
        }
        incident
    }

    /// A file of the cluster of which the name begins so.
    pub(crate) fn cluster_file(&self, start: &str) -> Option<&str> {
        self.cluster.iter().find(|it| it.0.starts_with(start)).map(|it| it.1.as_str())
    }

    pub(crate) fn zone(&self) -> FixedOffset {
        FixedOffset::east_opt(self.offset).unwrap()
    }
}

impl Machine {
    fn take(&mut self, file: &str, text: String, year: i32, offset: i32) {
        if file.starts_with("journalctl") {
            let mut boot = 0;
            for line in text.lines() {
                if line == "-- Reboot --" {
                    boot += 1;
                } else if !line.starts_with("--") {
                    self.journal.push(Entry::read(line, year, offset, boot));
                }
            }
        } else if let Some(stem) = file.strip_suffix(".log") {
            let parts: Vec<&str> = stem.split('_').collect();
            let [namespace, pod, container] = match parts[..] {
                [namespace, pod, container] => [namespace, pod, container],
                [pod, container] => ["kube-system", pod, container],
                _ => panic!("{file} is no container's log"),
            };
            self.logs.push([namespace.to_owned(), pod.to_owned(), container.to_owned(), text]);
        } else {
            self.files.insert(file.to_owned(), text);
        }
    }
}

impl Entry {
    /// `Jul 23 21:50:02 node-xx kubelet[2817]: message`
    fn read(line: &str, year: i32, offset: i32, boot: u32) -> Entry {
        let local = NaiveDateTime::parse_from_str(&format!("{year} {}", &line[..15]), "%Y %b %d %H:%M:%S").unwrap();
        let (host, rest) = line[16..].split_once(' ').unwrap();
        let (tag, message) = rest.split_once(": ").unwrap_or((rest.trim_end_matches(':'), ""));
        let (ident, pid) = match tag.split_once('[') {
            Some((ident, pid)) => (ident, pid.trim_end_matches(']').parse().ok()),
            None => (tag, None),
        };
        Entry {
            at: (local - chrono::TimeDelta::seconds(i64::from(offset))).and_utc(),
            host: host.to_owned(),
            ident: ident.to_owned(),
            pid,
            message: message.to_owned(),
            boot,
        }
    }
}
