//! The figures the samples are held to: how many lines of each log are understood, and what is counted in them.

use std::collections::BTreeMap;
use std::io::Read;

use timeline::{Event, MemberRecords};

use crate::testing::{origin, sample_bytes, samples_in, sniff};
use crate::{Chunk, FORMATS, Format, Reading, identify, read};

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

fn read_whole(path: &str, text: &str) -> Option<(&'static Format, MemberRecords)> {
    let format = format_of(path, text)?;
    Some((format, read(format, &origin(path), text, 1 << 20)))
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

/// What stands in the logs of kubelets and runtimes, by the shape of the line as it was printed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shapes {
    /// A header of klog.
    klog: usize,
    /// A body of `time="…" level=… msg=…`.
    logrus: usize,
    /// A line of Calico's loggers: `2022-02-11 19:18:39.123 [INFO][1] file.go 12: …`.
    calico: usize,
    /// Of systemd, about the unit.
    systemd: usize,
    /// `Flag --x has been deprecated`.
    flag: usize,
    /// What `set -x` of a start script prints.
    trace: usize,
    /// Everything else: lines of a value that has several, prose.
    other: usize,
}

fn shapes<'t>(bodies: impl Iterator<Item = (&'t str, &'t str)>) -> Shapes {
    let mut found = Shapes::default();
    for (program, body) in bodies {
        let count = match () {
            () if program == "systemd" => &mut found.systemd,
            () if klog_body(body).is_some() => &mut found.klog,
            () if body.starts_with("time=\"") && body.contains(" level=") => &mut found.logrus,
            () if body.get(23..).is_some_and(|it| it.starts_with(" [") && it.contains(']')) => &mut found.calico,
            () if body.starts_with("Flag --") => &mut found.flag,
            () if body.starts_with('+') || body.starts_with('\'') && body.contains("\\n") => &mut found.trace,
            () => &mut found.other,
        };
        *count += 1;
    }
    found
}

/// The lines that have no header of their own are as many as were counted by hand, and all are entries.
#[test]
fn lines_without_a_header_are_as_many_as_were_counted() {
    let expected = [
        // path, then: klog, logrus, Calico's, systemd, `Flag --`, shell trace, other
        ("kubernetes/kubelet/kubelet-v1.21-ocp-vsphere-3masters.journal.log.xz", [12_899, 0, 0, 6, 36, 0, 258]),
        ("kubernetes/kubelet/kubelet-v1.22-ocp-metal-3masters.journal.log.xz", [11_824, 0, 0, 6, 24, 0, 147]),
        ("kubernetes/kubelet/kubelet-v1.32-kind-multiline.journal.log", [248, 0, 0, 8, 4, 0, 26]),
        ("kubernetes/kubelet/kubelet-v1.19.6-rke1-docker-unstructured.log", [1_640, 0, 0, 0, 19, 575, 17]),
        ("kubernetes/runtime/crio-v1.21-ocp-vsphere-3masters.journal.log.xz", [144, 7_222, 0, 6, 0, 0, 224]),
        ("kubernetes/container-logs/calico-kube-controllers-3.10-mixed-logrus-klog.log", [11, 0, 186, 0, 0, 0, 0]),
    ];
    for (path, [klog, logrus, calico, systemd, flag, trace, other]) in expected {
        let Some(text) = text(path) else { return };
        let (_, out) = read_whole(path, &text).expect("a format");
        // journald cuts a value of several lines into entries; in other files such lines belong to the entry before
        let events = events(&out);
        let program = |it: &Event| it.unit.as_deref().unwrap_or_default().to_owned();
        let bodies = events.iter().flat_map(|it| it.message.lines().map(|line| (program(it), line)));
        let bodies: Vec<(String, &str)> = bodies.filter(|it| !it.1.is_empty()).collect();
        let found = shapes(bodies.iter().map(|(program, body)| (program.as_str(), *body)));
        assert_eq!(found, Shapes { klog, logrus, calico, systemd, flag, trace, other }, "{path}");
    }
}

/// What a reader did not understand, line by line.
fn odd_lines(format: &'static Format, path: &str, text: &str) -> Vec<String> {
    let lost = |it: timeline::Tally| it.lines - it.understood;
    let mut odd = Vec::new();
    let mut before = 0;
    let mut note = |end: usize, now: u64| {
        if now > before {
            odd.push(text[..end].lines().next_back().unwrap_or_default().to_owned());
        }
        before = now;
    };
    let ends = text.match_indices('\n').map(|(at, _)| at + 1).chain((!text.ends_with('\n')).then_some(text.len()));
    match format.reading {
        Reading::Stream(open) => {
            let (mut reader, mut out) = (open(&origin(path)), MemberRecords::default());
            let mut start = 0;
            for (line, end) in ends.enumerate() {
                let part = &text[start..end];
                let chunk = Chunk { text: part, bytes: part.as_bytes(), start: start as u64, line: line as u32 + 1 };
                reader.read(&chunk, &mut out);
                note(end, lost(out.tally));
                start = end;
            }
        }
        // tables are small
        Reading::Whole(_) => {
            ends.for_each(|end| note(end, lost(read(format, &origin(path), &text[..end], 1 << 20).tally)))
        }
    }
    odd
}

/// Lines in the samples that the program named did not write: marks of whoever recorded them, a shell's words on the
/// console, what a test of another project put there to be refused, the prose of a page of documentation.
fn is_foreign(path: &str, line: &str) -> bool {
    let line = line.trim();
    let begins = |them: &[&str]| them.iter().any(|it| line.starts_with(it));
    let console = [
        "== ",
        "/init: ",
        "dd: ",
        "mount: ",
        "fork #",
        "pthread_create #",
        "Terminated",
        "Killed",
        "Segmentation fault",
        "Illegal instruction",
        "Trace/breakpoint trap",
        "Bus error",
        "Error: Could not process rule",
        "add rule ip ",
        "Module ",
        "features ",
        "adapter",
        "add_host",
        "ato",
        "/dev/",
        "4+0 records",
        "no v1 memory",
    ];
    match () {
        () if path.starts_with("kernel/") => begins(&console) || line == "0",
        () if path.starts_with("network/bird/") => line == "We never get here",
        () if path.starts_with("journal/public/jc-syslog/") => {
            begins(&["<7>unparsable", "1 2003-", "<190)1 2003-", "2003-"])
        }
        () if path.ends_with("/ping.txt") => line.starts_with("rp_filter="),
        // a month that is none, and records that were sent without line ends
        () if path.starts_with("journal/public/plaso-syslog/") => {
            begins(&["MMM 22", "with another line"]) || line.len() > 700
        }
        () if path.ends_with("docs-v3.20-ipam-show-examples.txt") => !line.starts_with('|'),
        () => false,
    }
}

/// Of every sample, by format: lines, and the share that is understood. All formats are held to 99.5 %, tables of routes
/// and addresses to every line; what the named program did not write is not counted ([`is_foreign`]).
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
        "network/issues",
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
        "journal/public/plaso-syslog",
        "journal/public/hotsos-sosreports/kubernetes",
        "journal/public/hotsos-sosreports/openstack",
        "journal/public/hotsos-sosreports/rabbitmq",
        "kernel/public/hotsos-sosreports/kubernetes",
        "kernel/public/hotsos-sosreports/openstack",
        "kernel/public/hotsos-sosreports/rabbitmq",
        "network/jc",
        "kernel/qemu-serial-console",
        "kernel/pstore/5.10",
        "kernel/pstore/6.1",
        "kernel/pstore/6.12",
        "kernel/pstore/7.2",
        "kernel/vmcore-dmesg/5.10",
        "kernel/vmcore-dmesg/6.1",
        "kernel/vmcore-dmesg/6.12",
        "kernel/vmcore-dmesg/7.2",
        "kernel/netconsole",
        "kernel/dmesg-util-linux/2.36.1-on-linux-5.10",
        "kernel/dmesg-util-linux/2.38.1-on-linux-6.1",
        "kernel/dmesg-util-linux/2.41.5-on-linux-6.12",
        "kernel/dmesg-util-linux/2.42.4-on-linux-7.2",
    ];
    /// Formats of which every line must be understood.
    const EVERY_LINE: &[&str] = &[
        "ip-route",
        "ip-route-json",
        "route-table",
        "rib-routes",
        "calicoctl-ipam-show",
        "calicoctl-ipam-check",
        "calico-resources",
    ];
    let mut table: BTreeMap<&'static str, (u32, u64, u64)> = BTreeMap::new();
    let mut odd: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for path in FOLDERS.iter().flat_map(|it| samples_in(it)) {
        let Some(text) = text(&path) else { return };
        let Some((format, out)) = read_whole(&path, &text) else { continue };
        let entry = table.entry(format.name).or_default();
        entry.0 += 1;
        entry.1 += out.tally.lines;
        entry.2 += out.tally.understood;
        if out.tally.lines > out.tally.understood {
            let lines = odd_lines(format, &path, &text);
            let (foreign, own): (Vec<_>, Vec<_>) = lines.into_iter().partition(|it| is_foreign(&path, it));
            entry.1 -= (foreign.len() as u64).min(out.tally.lines - out.tally.understood);
            odd.entry(format.name).or_default().extend(own.into_iter().map(|it| format!("{path}: {it}")));
        }
    }
    let mut low = Vec::new();
    for (format, (files, lines, understood)) in &table {
        let share = *understood as f64 * 100.0 / (*lines).max(1) as f64;
        eprintln!("{format:24} {files:4} files {lines:8} lines {share:7.2} %");
        let least = if EVERY_LINE.contains(format) { 100.0 } else { 99.5 };
        if share < least {
            let lines = odd.get(format).map(|it| it.join("\n")).unwrap_or_default();
            low.push(format!("{format}: {share:.2} % of {lines}"));
        }
    }
    assert!(low.is_empty(), "{}", low.join("\n"));
    assert!(table.is_empty() || table.len() > 35, "{}", table.len());
}

/// Check 11 of the host's formats: whatever is in the collections of crashes, its reader comes to an end, and quotes hold.
#[test]
fn collections_of_crashes_bring_no_reader_down() {
    let mut files = 0;
    for path in [
        "journal/public/systemd-fuzz-journal-remote",
        "kernel/public/satyr-kerneloopses",
        "kernel/public/abrt-examples",
        "journal/public/lnav",
        "journal/public/plaso-syslog",
    ]
    .into_iter()
    .flat_map(samples_in)
    {
        let Some(bytes) = sample_bytes(&path) else { return };
        let mut text = String::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        // every reader, not only the one that would be chosen
        for format in FORMATS {
            let whole = crate::testing::read_at(format, &path, &text);
            if let Reading::Stream(_) = format.reading {
                let parts = read(format, &origin(&path), &text, 100);
                assert_eq!(parts.tally, whole.tally, "{path} as {} in chunks", format.name);
            }
        }
        files += 1;
    }
    assert!(files == 0 || files > 100, "{files}");
}
