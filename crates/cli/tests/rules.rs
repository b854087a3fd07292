//! `coroner rule …` as somebody meets it who writes a first rule.

mod common;

use common::{err, out, path, run};

const RULE: &str = r"rule: panic-on-monday
title: '{$node} panicked on a Monday'
impact: The node reboots.
let:
  refused: { signal: fork-refused, node: $node }
frame: [refused]
for:
  - { when: refused, weight: strong }
tests:
  - name: it fires
    files:
      node-a/journalctl.txt: |
        Jul 23 22:09:08 node-a kubelet[2817]: runtime: failed to create new OS thread (have 5 already; errno=11)
    expect: { band: BAND }
";

fn rule(band: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("panic-on-monday.yaml"), RULE.replace("BAND", band)).expect("a file");
    dir
}

#[test]
fn a_test_that_holds_is_counted() {
    let dir = rule("possible");
    let output = run(&["rule", "test", "--rules", path(dir.path())]);
    assert_eq!(out(&output), "1 passed, 0 failed\n", "{}", err(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_test_that_fails_says_what_came_instead() {
    let dir = rule("confirmed");
    let output = run(&["rule", "test", "panic-*", "--rules", path(dir.path())]);
    let said = out(&output);
    assert!(
        said.starts_with("panic-on-monday: it fires\n  possible at 10 dB instead of confirmed: refused true +10"),
        "{said}"
    );
    assert!(said.contains("panic-on-monday.yaml") && said.ends_with("0 passed, 1 failed\n"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn tests_that_do_not_exist_are_no_success() {
    let output = run(&["rule", "test", "no-such-rule"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("no rule no-such-rule has a test"), "{}", err(&output));
}

const LOG: &str = "\
Jul 23 22:09:07 node-a kernel: e1000: eth0 NIC Link is Up 1000 Mbps Full Duplex
Jul 23 22:09:08 node-a kernel: e1000: eth0 NIC Link is Down
Jul 23 22:10:08 node-a kernel: e1000: eth1 NIC Link is Down
";

#[test]
fn a_rule_begins_with_lines_of_a_bundle() {
    let (bundle, rules) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    std::fs::write(bundle.path().join("journalctl.txt"), LOG).expect("a file");
    let from = |line: &str| {
        run(&["rule", "from", "link-lost", path(bundle.path()), line, "journalctl.txt:3", "--into", path(rules.path())])
    };
    let output = from("journalctl.txt:2");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let signal = std::fs::read_to_string(rules.path().join("signals/nic-link-is-down.yaml")).expect("a signal");
    assert!(signal.contains("from: [kernel]") && signal.contains("NIC Link is Down"), "{signal}");
    let tested = run(&["rule", "test", "--rules", path(rules.path())]);
    assert_eq!(out(&tested), "2 passed, 0 failed\n");
    let again = from("journalctl.txt:2");
    assert_eq!(again.status.code(), Some(2), "what an author wrote is not overwritten");
    assert!(err(&again).contains("exists"), "{}", err(&again));
    let nowhere = from("journalctl.txt:77");
    assert!(err(&nowhere).contains("no line of a log stands at journalctl.txt:77"), "{}", err(&nowhere));
}

#[test]
fn a_skeleton_loads_as_it_stands() {
    let rules = tempfile::tempdir().expect("a folder");
    assert_eq!(run(&["rule", "new", "disk-dies", "--into", path(rules.path())]).status.code(), Some(0));
    assert_eq!(out(&run(&["rule", "test", "--rules", path(rules.path())])), "2 passed, 0 failed\n");
    let bad = run(&["rule", "new", "Disk Dies", "--into", path(rules.path())]);
    assert!(err(&bad).contains("Disk Dies is no name for a rule"), "{}", err(&bad));
}

#[test]
fn rules_are_documented_a_page_each() {
    let (rules, docs) = (rule("possible"), tempfile::tempdir().expect("a folder"));
    let output = run(&["rule", "docs", "--rules", path(rules.path()), "--into", path(docs.path())]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let list = std::fs::read_to_string(docs.path().join("rules.md")).expect("a list");
    assert!(list.contains("[panic-on-monday](rules/panic-on-monday.md)"), "{list}");
    let page = std::fs::read_to_string(docs.path().join("rules/panic-on-monday.md")).expect("a page");
    assert!(page.contains("| `refused` | strong |"), "{page}");
}

#[test]
fn a_bundle_becomes_an_incident_that_scores() {
    let (bundle, corpus) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let refused =
        "Jul 23 22:09:08 node-a kernel: cgroup: fork rejected by pids controller in /kubepods/burstable/pod5a1f\n";
    std::fs::write(bundle.path().join("journalctl.txt"), refused).expect("a file");
    std::fs::write(bundle.path().join("uptime.txt"), "nothing of interest\n").expect("a file");
    let add = |minimise: &[&str]| {
        let args = ["corpus", "add", path(bundle.path()), "--into", path(corpus.path()), "--name", "fork-refused"];
        run(&[&args[..], minimise].concat())
    };
    let output = add(&["--minimise"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("with 1 of 2 files; first: pod-pids-limit (likely)"), "{}", out(&output));
    assert!(err(&add(&[])).contains("exists"));
    let score = run(&["corpus", "score", path(corpus.path()), "--variants"]);
    assert_eq!(score.status.code(), Some(0), "{}", out(&score));
    assert!(out(&score).contains("cause is first (AC@1)             1 of 1"), "{}", out(&score));

    let about = corpus.path().join("fork-refused/incident.toml");
    let text = std::fs::read_to_string(&about).expect("a truth").replace("\"pod-pids-limit\"", "\"host-oom\"");
    std::fs::write(&about, text).expect("a file");
    let score = run(&["corpus", "score", path(corpus.path())]);
    assert_eq!(score.status.code(), Some(1), "a wrong answer is seen");
    assert!(out(&score).contains("fork-refused: host-oom is not first but pod-pids-limit (likely)"), "{}", out(&score));
    let empty = run(&["corpus", "score", path(bundle.path())]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(err(&empty).contains("holds an incident.toml"), "{}", err(&empty));
}
