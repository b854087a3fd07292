//! The figures the samples are held to: how many lines of each log are understood, and what is counted in them.

use std::collections::BTreeMap;
use std::io::Read;

use timeline::{Event, MemberRecords};

use crate::testing::{folders_in, origin, sample_bytes, samples_in, sniff};
use crate::{Chunk, FORMATS, Format, Reading, identify, read};

/// A sample as text, also a compressed one.
fn text(path: &str) -> Option<String> {
    let bytes = sample_bytes(path)?;
    let mut plain = Vec::new();
    let bytes = if path.ends_with(".xz") {
        lzma_rust2::XzReader::new(&bytes[..], true).read_to_end(&mut plain).expect("a sound sample");
        plain
    } else if path.ends_with(".zst") {
        let mut unpacked = ruzstd::decoding::StreamingDecoder::new(&bytes[..]).expect("a sound sample");
        unpacked.read_to_end(&mut plain).expect("a sound sample");
        plain
    } else {
        bytes
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn format_of(path: &str, text: &str) -> Option<&'static Format> {
    identify(&sniff(path.trim_end_matches(".xz").trim_end_matches(".zst"), text))
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
                let chunk = Chunk::new(part, part.as_bytes(), start as u64, line as u32 + 1);
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

/// Files among the samples that are no output of a program we read: how they came about, what other parsers make of
/// them, scripts, a clock that a shell could not print.
fn is_no_output(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let other = ["LICENSE.loghub.txt", "gen_export.py", "timeline.txt", "public-issue-lines.txt", "date.txt"];
    other.contains(&name)
        || name.ends_with(".md")
        || path.starts_with("network/jc/") && name.ends_with(".json")
        // rsyslog about itself, and what iproute2 4.20 printed as JSON that is none
        || name == "debug.log"
        || name.ends_with(".invalid-json")
}

/// The samples that no format reads, and why.
const UNREAD: [(&str, &str); 5] = [
    (
        "journal/public/loghub/Thunderbird_2k.log",
        "a supercomputer's log: an alert, an epoch and a date before the syslog",
    ),
    ("kernel/public/abrt-examples/xorg_journal_crash2.test.txt", "a backtrace of an X server"),
    ("metrics/promtool/query_labels.txt", "two bare words"),
    ("network/bird/bird15-show_protocols-raw.1.txt", "a header that its test spoilt"),
    ("network/bird/bird16-show_protocols-raw.1.txt", "a header that its test spoilt"),
];

/// All samples below a folder.
fn samples_below(folder: &str, found: &mut Vec<String>) {
    // files of other projects that are broken on purpose, binary journals, crashes without their carrier
    let left_out = [
        "network/insights-core",
        "journal/synthetic-oracle/journal-files",
        "journal/public/s4-real-journals",
        "journal/public/systemd-fuzz-journal-remote",
        "journal/public/systemd-test-journals-no-rtc",
        "kernel/public/satyr-kerneloopses",
        "kernel/public/abrt-examples",
        "metrics/snapshot-block",
        "metrics/prometheus-testdata/index_format_v1",
    ];
    if !left_out.contains(&folder) {
        found.extend(samples_in(folder));
        folders_in(folder).iter().for_each(|it| samples_below(it, found));
    }
}

/// Of every sample, by format: lines, and the share that is understood. All formats are held to 99.5 %, tables of routes
/// and addresses to every line; what the named program did not write is not counted ([`is_foreign`]). The table is
/// docs/understood.md.
#[test]
#[allow(clippy::print_stderr)]
fn nearly_every_line_is_understood() {
    /// Formats of which every line must be understood.
    const EVERY_LINE: &[&str] = &[
        "ip-route",
        "ip-route-json",
        "route-table",
        "rib-routes",
        "fib-trie",
        "frr-json",
        "calicoctl-ipam-show",
        "calicoctl-ipam-check",
        "calico-names",
        "calico-resources",
    ];
    let mut table: BTreeMap<&'static str, (u32, u64, u64)> = BTreeMap::new();
    let mut odd: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut unread = Vec::new();
    let mut paths = Vec::new();
    for folder in ["journal", "kernel", "kubernetes", "metrics", "network"] {
        samples_below(folder, &mut paths);
    }
    for path in paths.into_iter().filter(|it| !is_no_output(it)) {
        let Some(text) = text(&path) else { return };
        let Some((format, out)) = read_whole(&path, &text) else {
            unread.push(path);
            continue;
        };
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
    if table.is_empty() {
        return;
    }
    unread.retain(|it| !UNREAD.iter().any(|(known, _)| known == it));
    assert!(unread.is_empty(), "no format reads {}", unread.join(", "));
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
    assert!(table.len() > 35, "{}", table.len());
    docs_are_current(&table);
}

/// Writes the table anew where `UPDATE_DOCS` is set, and holds it against what stands there.
fn docs_are_current(table: &BTreeMap<&'static str, (u32, u64, u64)>) {
    let mut page = String::from(concat!(
        "# Lines understood\n\nOf the samples beside the repository, by format. `UPDATE_DOCS=1 cargo test -p coroner-parsers ",
        "nearly_every_line_is_understood` writes this page anew; the same test holds every format to 99.5 %, and those of ",
        "routes and of IPAM to every line. Lines that the named program did not write are left out, one by one, in ",
        "`is_foreign` of `crates/parsers/src/acceptance.rs`, and files that are no output of a program in `is_no_output`. ",
        "Formats without a line here have no sample there; what they are held to stands beside their parsers.\n\n",
        "| format | files | lines | not understood | share |\n| --- | ---: | ---: | ---: | ---: |\n",
    ));
    let mut row = |format: &str, files: u32, lines: u64, understood: u64| {
        let share = understood as f64 * 100.0 / lines.max(1) as f64;
        // a share that is not whole is not rounded to one
        let share = if understood < lines { (share * 100.0).floor() / 100.0 } else { share };
        page += &format!("| {format} | {files} | {lines} | {} | {share:.2} % |\n", lines - understood);
    };
    let mut all = (0, 0, 0);
    for (format, (files, lines, understood)) in table {
        row(format, *files, *lines, *understood);
        all = (all.0 + files, all.1 + lines, all.2 + understood);
    }
    row("all", all.0, all.1, all.2);
    page += "\nNo format reads these samples:\n\n";
    for (path, why) in UNREAD {
        page += &format!("- `{path}`: {why}\n");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/understood.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).expect("docs can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/understood.md is out of date: UPDATE_DOCS=1 cargo test -p coroner-parsers nearly_every_line"
    );
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
