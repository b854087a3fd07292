//! What must not change an answer, and how far an answer may change when evidence goes: said of every incident at once.

mod common;

use std::path::{Path, PathBuf};

use coroner::report::{Band, Report};
use serde::Deserialize;

#[derive(Deserialize)]
struct Truth {
    cause: Option<String>,
    #[serde(default)]
    not_cause: Vec<String>,
}

type Files = Vec<(String, Vec<u8>)>;

fn incidents() -> Vec<(String, Truth, Files)> {
    let corpus: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if let Ok(about) = std::fs::read_to_string(path.join("incident.toml")) {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let table: toml::Table = about.parse().expect("toml");
            found.push((name, table.try_into().expect("a truth"), common::files(&path.join("bundle"))));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(found.len() >= 15);
    found
}

fn analyze(files: &Files) -> Report {
    let packed = common::tar_gz(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    coroner::Analyzer::new().bytes("bundle.tar.gz", packed).analyze().expect("plain files open")
}

/// Rule, band and nodes of what is named with confidence.
fn confident(report: &Report) -> Vec<(String, Band, Vec<String>)> {
    let named = report.hypotheses.iter().filter(|it| it.band >= Band::Likely);
    named.map(|it| (it.rule.clone(), it.band, it.nodes.clone())).collect()
}

#[test]
fn without_one_file_nobody_else_is_accused() {
    for (name, truth, files) in incidents() {
        let whole = confident(&analyze(&files));
        for gone in (0..files.len()).filter(|_| files.len() > 1) {
            let mut fewer = files.clone();
            let (path, _) = fewer.remove(gone);
            let report = analyze(&fewer);
            for (rule, band, _) in confident(&report) {
                assert!(!truth.not_cause.contains(&rule), "{name} without {path}: {rule} is {}", band.name());
                let known = Some(&rule) == truth.cause.as_ref() || whole.iter().any(|it| it.0 == rule);
                // the general form of a known bug may take its place when what tells them apart is gone
                let general = rule == "kernel-bug-oops" && truth.cause.as_deref() == Some("kernel-bug-aufs");
                assert!(known || general, "{name} without {path}: {rule} is {}", band.name());
            }
        }
    }
}

#[test]
fn unrelated_files_change_nothing() {
    for (name, _, mut files) in incidents() {
        let before = confident(&analyze(&files));
        files.push((
            "zz-other/notes.txt".to_owned(),
            b"The OOM killer must have done it, says somebody. BGP was down.\n".to_vec(),
        ));
        files.push(("zz-other/empty.log".to_owned(), Vec::new()));
        files.push(("zz-other/binary.bin".to_owned(), (0..=255u8).cycle().take(5000).collect()));
        assert_eq!(before, confident(&analyze(&files)), "{name}");
    }
}

#[test]
fn a_log_that_stands_twice_counts_once() {
    for (name, _, mut files) in incidents() {
        let before = confident(&analyze(&files));
        let copies: Files = files
            .iter()
            .filter(|(path, _)| path.contains("journalctl") || path.contains("metrics/"))
            .map(|(path, bytes)| {
                (path.replace("journalctl", "copy_of_journalctl").replace("metrics/", "metrics/copy/"), bytes.clone())
            })
            .collect();
        files.extend(copies);
        assert_eq!(before, confident(&analyze(&files)), "{name}");
    }
}

#[test]
fn names_of_nodes_mean_nothing() {
    let renamed =
        |text: &[u8], from: &str, to: &str| -> Vec<u8> { String::from_utf8_lossy(text).replace(from, to).into_bytes() };
    for (name, _, files) in
        incidents().into_iter().filter(|it| it.0.starts_with("thread-leak") || it.0.starts_with("borrowed"))
    {
        let before = confident(&analyze(&files));
        let (from, to) =
            if name.starts_with("thread-leak") { ("node-xx", "blue-xy-one") } else { ("kubestage1001", "green1001") };
        let files: Files =
            files.iter().map(|(path, bytes)| (path.replace(from, to), renamed(bytes, from, to))).collect();
        let after = confident(&analyze(&files));
        let back: Vec<_> = after
            .into_iter()
            .map(|(rule, band, nodes)| (rule, band, nodes.iter().map(|it| it.replace(to, from)).collect::<Vec<_>>()))
            .collect();
        assert_eq!(before, back, "{name}");
    }
}
