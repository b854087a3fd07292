//! Inputs that are not what they should be: what can be read is analysed, what cannot is named.

mod common;

use std::path::{Path, PathBuf};
use std::process::Output;

use common::{err, json, out, path, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

/// A folder with one file in it.
fn with(name: &str, bytes: &[u8]) -> (TempDir, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join(name);
    std::fs::write(&file, bytes).expect("a file");
    let file = path(&file).to_owned();
    (dir, file)
}

/// The bundle of an incident as a tar.gz.
fn packed(incident: &str) -> Vec<u8> {
    let bundle: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../corpus", incident, "bundle"].iter().collect();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    add(&mut tar, &bundle, "bundle");
    tar.into_inner().and_then(GzEncoder::finish).expect("memory takes all")
}

/// In order of names, so that what is cut off does not depend on the file system.
fn add(tar: &mut tar::Builder<GzEncoder<Vec<u8>>>, dir: &Path, name: &str) {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|it| it.expect("an entry").path());
    let mut entries: Vec<PathBuf> = entries.collect();
    entries.sort();
    for entry in entries {
        let name = format!("{name}/{}", entry.file_name().unwrap_or_default().to_string_lossy());
        if entry.is_dir() {
            add(tar, &entry, &name);
        } else {
            tar.append_path_with_name(&entry, &name).expect("memory takes all");
        }
    }
}

/// Exit code 2, all of this on standard error, nothing on standard output.
fn refused(output: &Output, words: &[&str]) {
    let said = err(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("coroner: "), "{said}");
    assert!(words.iter().all(|it| said.contains(it)), "{words:?} in {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(out(output), "", "nothing half done on standard output");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let missing = dir.path().join("bundle.tar.gz");
    let (_empty, empty) = with("empty.tar.gz", b"");
    // the magic of gzip, a method of 8, and nothing that could be inflated
    let (_garbage, garbage) =
        with("garbage.tar.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03 no deflate stream at all");
    let hollow = tempfile::tempdir().expect("a temporary directory");
    for command in ["analyze", "inspect"] {
        refused(&run(&[command, path(&missing)]), &[path(&missing), "No such file"]);
        refused(&run(&[command, &empty]), &[&empty, "empty"]);
        refused(&run(&[command, &garbage]), &[&garbage, "gzip"]);
        refused(&run(&[command, path(hollow.path())]), &[path(hollow.path()), "no files"]);
    }
    // one bad input among good ones is no reason to keep silent about it
    let (_good, good) = with("date.txt", b"Sun Jul 23 22:41:00 UTC 2023\n");
    refused(&run(&["analyze", &good, path(&missing)]), &[path(&missing)]);
}

#[test]
fn a_node_that_is_not_there_is_not_passed_over() {
    let text = b"Jul 23 22:41:00 node-a systemd[1]: Started Session 1.\nJul 23 22:42:00 node-a systemd[1]: Started Session 2.\n";
    let (_dir, log) = with("journal.log", text);
    for command in ["analyze", "inspect"] {
        let wrong = run(&[command, "--zone", "node-q=+08:00", "--skew", "node-r=3", "--year", "2023", &log]);
        assert_eq!(wrong.status.code(), Some(0));
        let said = err(&wrong);
        assert!(said.contains("no node is called node-q: --zone changed nothing"), "{said}");
        assert!(said.contains("no node is called node-r: --skew changed nothing"), "{said}");
        let right = run(&[command, "--zone", "node-a=+08:00", "--year", "2023", &log]);
        assert_eq!((right.status.code(), err(&right).as_str()), (Some(0), ""));
    }
}

#[test]
fn a_text_with_the_name_of_an_archive_is_read_as_text() {
    let (_dir, prose) = with("bundle.tar.gz", b"the bundle is on the other server\n");
    let output = run(&["analyze", &prose]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("NOTHING TO LOOK AT"), "it must not read as good news: {}", out(&output));
    let inspected = json(&run(&["inspect", &prose, "--format", "json"]));
    let members = inspected["coverage"]["members"].as_array().expect("a list of files");
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["outcome"], "not-recognised");

    let log = b"kernel.pid_max = 49152\nkernel.threads-max = 1545230\nkernel.panic = 10\nvm.swappiness = 60\n";
    let (_dir, sysctl) = with("sysctl_-a.tar.gz", log);
    let inspected = json(&run(&["inspect", &sysctl, "--format", "json"]));
    assert_eq!(inspected["coverage"]["members"][0]["format"], "sysctl", "content decides, not the name");
}

#[test]
fn a_truncated_archive_is_analysed_as_far_as_it_goes() {
    let whole = packed("thread-leak-pid-max");
    for share in [20, 50, 90] {
        let (_dir, cut) = with("cut.tar.gz", &whole[..whole.len() * share / 100]);
        let output = run(&["analyze", &cut, "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{share} %: {}", err(&output));
        let report = json(&output);
        let members = report["coverage"]["members"].as_array().expect("a list of files");
        let parsed = members.iter().filter(|it| it["outcome"] == "parsed").count();
        assert!(parsed > 0, "{share} %: what came before the cut is read: {members:#?}");
        let said = |it: &serde_json::Value| {
            let why = it["truncated"].as_str().or(it["reason"].as_str()).unwrap_or_default();
            it["path"].as_str().unwrap_or_default().ends_with("cut.tar.gz") && why.contains("damaged")
        };
        assert!(members.iter().any(said), "{share} %: the damage is named: {members:#?}");
        let text = out(&run(&["analyze", &cut]));
        assert!(text.contains("to be read with care") && text.contains("   cut  "), "{share} %: {text}");
    }
    let (_dir, intact) = with("whole.tar.gz", &whole);
    let report = json(&run(&["analyze", &intact, "--format", "json"]));
    assert_eq!(report["hypotheses"][0]["rule"], "pid-max-exhausted");
    assert!(report["coverage"]["members"].as_array().is_some_and(|it| it.iter().all(|it| it["truncated"].is_null())));
}

#[test]
fn a_broken_rule_is_shown_where_it_breaks() {
    let (_bundle, bundle) = with("date.txt", b"Sun Jul 23 22:41:00 UTC 2023\n");
    let known = "rule: my-rule\ntitle: x\nimpact: y\nlet:\n  refused: { signal: fork-refused, node: $node }\n";
    let cases = [
        // YAML that is none
        ("rule: my-rule\n  title: [\n".to_owned(), "mine.yaml:2:", "2 |   title: ["),
        // a key that no rule has
        (format!("{known}frame: [refused]\nfro: []\n"), "mine.yaml:7:1: unknown field `fro`", "7 | fro: []"),
    ];
    for (rule, place, line) in cases {
        let (dir, _) = with("mine.yaml", rule.as_bytes());
        let output = run(&["analyze", &bundle, "--rules", path(dir.path())]);
        refused(&output, &[place, line]);
        let said = err(&output);
        let lines: Vec<&str> = said.lines().collect();
        let caret = lines.iter().position(|it| it.trim_end().ends_with('^')).unwrap_or_else(|| panic!("{said}"));
        let column: usize = lines[0]
            .split("mine.yaml:")
            .nth(1)
            .and_then(|it| it.split(':').nth(1))
            .and_then(|it| it.parse().ok())
            .unwrap_or_else(|| panic!("no column: {said}"));
        let before = lines[caret - 1].find("| ").unwrap_or_else(|| panic!("no line above the caret: {said}")) + 2;
        assert_eq!(lines[caret].find('^'), Some(before + column - 1), "the caret is below its column:\n{said}");
    }
}

#[test]
fn a_folder_of_rules_that_is_not_there_is_named() {
    let (dir, bundle) = with("date.txt", b"Sun Jul 23 22:41:00 UTC 2023\n");
    let rules = dir.path().join("rules");
    refused(&run(&["analyze", &bundle, "--rules", path(&rules)]), &[path(&rules), "No such file"]);
}

#[test]
fn a_rule_of_ones_own_takes_part() {
    let (_bundle, bundle) = with("date.txt", b"Sun Jul 23 22:41:00 UTC 2023\n");
    let rule = "rule: my-rule\ntitle: x\nimpact: y\nlet:\n  refused: { signal: fork-refused, node: $node }\nframe: [refused]\n";
    let (dir, _) = with("mine.yaml", rule.as_bytes());
    let count = |args: &[&str]| {
        let output = run(args);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        json(&output)["rules_checked"].as_u64().expect("a number")
    };
    let own = count(&["analyze", &bundle, "--format", "json", "--rules", path(dir.path())]);
    assert_eq!(own, count(&["analyze", &bundle, "--format", "json"]) + 1);
}
