//! Bytes a second of one core: each format over every line of its files, and the scan with packs of one, ten and a hundred
//! times the literals.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use coroner_benches::{Dice, bundle};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use parsers::{FORMATS, Origin};
use rules::Pack;
use timeline::{MemberId, Watch};

fn main() {
    divan::main();
}

/// As much as a reader is handed at a time.
const CHUNK: usize = 1 << 18;

/// Files of a bundle of thirty megabytes, by the format that reads them.
static TEXTS: LazyLock<Vec<(&str, &str, String)>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("b");
    bundle(&root, 30_000_000).expect("a bundle");
    let node = root.join("worker-01");
    let text = |path: &Path| fs::read_to_string(path).expect("text");
    let pods = node.join("var/log/pods");
    let pod = fs::read_dir(&pods).expect("pods").map(|it| it.expect("a pod").path()).min().expect("one");
    let container = fs::read_dir(&pod).expect("containers").next().expect("one").expect("one").path();
    vec![
        ("journal-text", "worker-01/journalctl.txt", text(&node.join("journal/journalctl_--no-pager.txt"))),
        ("journal-export", "worker-01/journal.export", text(&node.join("journal/journalctl_-o_export.txt"))),
        ("journal-json", "worker-01/journal.json", text(&node.join("journal/journalctl_-o_json.txt"))),
        ("klog-file", "worker-01/kubelet.log", text(&node.join("var/log/kubelet.log"))),
        ("syslog", "worker-01/messages", text(&node.join("var/log/messages"))),
        ("container-log", "worker-01/pods/a_b_c/d/0.log", text(&container.join("0.log"))),
        (
            "vmcore-dmesg",
            "worker-01/vmcore-dmesg.txt",
            text(&node.join("var/crash/127.0.0.1-2023-07-21-03:12:40/vmcore-dmesg.txt")),
        ),
        ("promtool-dump", "metrics/dump.txt", text(&root.join("metrics/dump.txt"))),
        ("prometheus-api", "metrics/a.json", text(&root.join("metrics/node_memory_MemAvailable_bytes-0.json"))),
    ]
});

const NAMES: [&str; 9] = [
    "journal-text",
    "journal-export",
    "journal-json",
    "klog-file",
    "syslog",
    "container-log",
    "vmcore-dmesg",
    "promtool-dump",
    "prometheus-api",
];

fn parse(bencher: Bencher<'_, '_>, name: &str, watch: Arc<dyn Watch>) {
    let (_, path, text) = TEXTS.iter().find(|it| it.0 == name).expect("a text");
    let format = FORMATS.iter().find(|it| it.name == name).expect("a format");
    let origin =
        Origin { member: MemberId(0), path: (*path).into(), node: None, watch, hold_bytes: parsers::HOLD_BYTES };
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| black_box(parsers::read(format, &origin, text, CHUNK)).tally.lines);
}

/// What `analyze` does: lines no signal wants are taken apart and forgotten.
#[divan::bench(args = NAMES, sample_count = 10)]
fn analyze(bencher: Bencher<'_, '_>, name: &str) {
    parse(bencher, name, Pack::built_in().expect("rules").watch());
}

/// Every line becomes a record, as for a merged timeline.
#[divan::bench(args = NAMES, sample_count = 10)]
fn every_line(bencher: Bencher<'_, '_>, name: &str) {
    parse(bencher, name, Arc::new(true));
}

/// The pack with other literals as many times.
fn pack_times(times: usize) -> Pack {
    let own = Pack::built_in().expect("rules");
    let folder = tempfile::tempdir().expect("a folder");
    let mut dice = Dice::new(7);
    for (at, literal) in own.literals().into_iter().enumerate() {
        for nth in 1..times {
            let other: String = literal
                .chars()
                .map(|it| {
                    if it.is_ascii_alphabetic() {
                        char::from(b'a' + dice.roll(26) as u8)
                    } else if it == '\'' {
                        '.'
                    } else {
                        it
                    }
                })
                .collect();
            let name = format!("other-{at}-{nth}");
            let sample = other.replace('\'', " ");
            let text = format!(
                "signal: {name}\nabout: x\nmatch:\n  - from: [journal]\n    any: ['{other}']\n    regex: '[a-z0-9]'\nsamples: ['a{sample}']\nnot_samples: ['-']\n"
            );
            fs::write(folder.path().join(format!("{name}.yaml")), text).expect("a file");
        }
    }
    Pack::with(&[folder.path()]).expect("rules")
}

#[divan::bench(args = [1, 10, 100], sample_count = 10)]
fn scan(bencher: Bencher<'_, '_>, times: usize) {
    let (_, _, text) = &TEXTS[0];
    let watch = pack_times(times).watch();
    let mut found = Vec::new();
    bencher.counter(BytesCount::of_str(text)).bench_local(|| {
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let end = (0..=rest.len().min(CHUNK)).rev().find(|it| rest.is_char_boundary(*it));
            let (chunk, more) = rest.split_at(end.unwrap_or(rest.len()));
            found.clear();
            watch.places(chunk, &mut found);
            rest = more;
        }
        found.len()
    });
}
