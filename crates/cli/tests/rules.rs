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
