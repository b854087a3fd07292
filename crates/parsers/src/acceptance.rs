//! The figures the samples are held to: how many lines of each log are understood, and what is counted in them.

use std::collections::BTreeMap;
use std::io::Read;

use timeline::{Event, MemberRecords};

use crate::testing::{origin, sample_bytes, samples_in, sniff};
use crate::{Format, identify, read};

/// A sample as text, also a compressed one.
fn text(path: &str) -> Option<String> {
    let bytes = sample_bytes(path)?;
    let bytes = if path.ends_with(".xz") {
        let mut plain = Vec::new();
        lzma_rust2::XzReader::new(&bytes[..], true).read_to_end(&mut plain).expect("a sound sample");
        plain
    } else {
        bytes
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn format_of(path: &str, text: &str) -> Option<&'static Format> {
    identify(&sniff(path.trim_end_matches(".xz"), text))
}

fn read_whole(path: &str, text: &str) -> Option<(&'static str, MemberRecords)> {
    let format = format_of(path, text)?;
    Some((format.name, read(format, &origin(path), text, 1 << 20)))
}

fn events(out: &MemberRecords) -> Vec<&Event> {
    let event = |it: &&Event| it.row.as_ref().is_none_or(|it| !it.relation.name.starts_with("boot."));
    crate::testing::events(out).filter(event).collect()
}

/// What is counted in logs of kubelets and runtimes: entries with klog's header, and those whose body is structured.
#[test]
fn logs_of_kubelets_hold_what_was_counted_in_them() {
    let expected: &[(&str, u64, u64, usize, usize)] = &[
        // path, lines, control lines, klog headers, structured
        ("kubernetes/kubelet/kubelet-v1.21-ocp-vsphere-3masters.journal.log.xz", 13_208, 9, 12_899, 8_183),
        ("kubernetes/kubelet/kubelet-v1.22-ocp-metal-3masters.journal.log.xz", 12_010, 9, 11_824, 8_192),
        ("kubernetes/kubelet/kubelet-v1.32-kind-multiline.journal.log", 286, 0, 248, 230),
        ("kubernetes/kubelet/kubelet-v1.19.6-rke1-docker-unstructured.log", 2_251, 0, 1_640, 0),
        ("kubernetes/runtime/crio-v1.21-ocp-vsphere-3masters.journal.log.xz", 7_605, 9, 144, 0),
        ("kubernetes/container-logs/calico-kube-controllers-3.10-mixed-logrus-klog.log", 197, 0, 11, 0),
    ];
    for (path, lines, control, headers, structured) in expected {
        let Some(text) = text(path) else { return };
        let Some((_, out)) = read_whole(path, &text) else { panic!("{path} is not recognised") };
        assert_eq!((out.tally.lines, out.tally.understood), (*lines, *lines), "{path}");
        let seen: u64 = out.seen.iter().map(|it| it.lines).sum();
        assert_eq!(seen, lines - control, "{path}");
        let bodies: Vec<&str> = events(&out).into_iter().filter_map(|it| klog_body(&it.message)).collect();
        assert_eq!(bodies.len(), *headers, "{path}");
        assert_eq!(bodies.iter().filter(|it| it.starts_with('"')).count(), *structured, "{path}");
    }
}

/// What follows `I0914 09:36:14.264012    1734 flags.go:59] `.
fn klog_body(message: &str) -> Option<&str> {
    let (head, body) = message.split_once("] ")?;
    let severity = head.starts_with(['I', 'W', 'E', 'F']) && head.get(1..5)?.bytes().all(|it| it.is_ascii_digit());
    let mut words = head.split_ascii_whitespace().skip(1);
    let clock = words.next()?.len() == 15;
    let thread = words.next()?.bytes().all(|it| it.is_ascii_digit());
    (severity && clock && thread && words.next()?.contains(':')).then_some(body)
}

/// Of every sample, by format: lines, and the share that is understood. Programs' own logs are held to 99.5 %; files that
/// are broken on purpose, recordings with marks of the recorder in them, and pages of prose are not.
#[test]
#[allow(clippy::print_stderr)]
fn nearly_every_line_is_understood() {
    const FOLDERS: &[&str] = &[
        "kubernetes/kubelet",
        "kubernetes/runtime",
        "kubernetes/container-logs",
        "kubernetes/go-crash",
        "kubernetes/host",
        "kubernetes/objects",
        "network/netstate",
        "network/bird",
        "network/frr",
        "network/calicoctl",
        "network/calico-crds",
        "network/scenario-borrowed-mesh",
        "network/scenario-borrowed-nomesh",
        "network/iproute2-link",
        "metrics",
        "metrics/api",
        "metrics/promtool",
        "journal/syslog/rsyslog-8.2302",
        "journal/synthetic-oracle/journalctl-v247",
        "journal/synthetic-oracle/journalctl-v252",
        "journal/synthetic-oracle/journalctl-v257",
        "journal/synthetic-oracle/journalctl-v262",
        "journal/public/loghub",
        "journal/public/jc-syslog",
        "kernel/qemu-serial-console",
        "kernel/pstore/5.10",
        "kernel/pstore/6.1",
        "kernel/pstore/6.12",
        "kernel/pstore/7.2",
        "kernel/vmcore-dmesg/5.10",
        "kernel/vmcore-dmesg/6.1",
        "kernel/vmcore-dmesg/6.12",
        "kernel/vmcore-dmesg/7.2",
        "kernel/dmesg-util-linux/2.36.1-on-linux-5.10",
        "kernel/dmesg-util-linux/2.38.1-on-linux-6.1",
        "kernel/dmesg-util-linux/2.41.5-on-linux-6.12",
        "kernel/dmesg-util-linux/2.42.4-on-linux-7.2",
    ];
    /// Logs of a program, read line by line, and the tables that must be read whole.
    const HELD: &[&str] = &[
        "container-log",
        "journal-text",
        "journal-json",
        "journal-export",
        "journal-verbose",
        "klog-file",
        "vmcore-dmesg",
        "kube-objects",
        "kube-describe",
        "kube-tables",
        "ip-route-json",
        "ip-rule",
        "ip-neigh",
        "ip-addr",
        "ip-link",
        "route-table",
        "calico-resources",
        "calicoctl-ipam-check",
        "calicoctl-node-status",
        "openmetrics-text",
        "prometheus-api",
        "promtool-dump",
        "process-list",
        "sysctl",
        "proc-files",
        "proc-stat",
        "packages",
    ];
    let mut table: BTreeMap<&'static str, (u32, u64, u64)> = BTreeMap::new();
    for path in FOLDERS.iter().flat_map(|it| samples_in(it)) {
        let Some(text) = text(&path) else { return };
        let Some((format, out)) = read_whole(&path, &text) else { continue };
        let entry = table.entry(format).or_default();
        entry.0 += 1;
        entry.1 += out.tally.lines;
        entry.2 += out.tally.understood;
    }
    for (format, (files, lines, understood)) in &table {
        let share = *understood as f64 * 100.0 / (*lines).max(1) as f64;
        eprintln!("{format:24} {files:4} files {lines:8} lines {share:7.2} %");
        assert!(!HELD.contains(format) || share >= 99.5, "{format}: {share:.2} % of {lines} lines");
    }
    assert!(table.is_empty() || table.len() > 30, "{}", table.len());
}
