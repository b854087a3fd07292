//! The command as a user meets it: help, mistakes, exit codes, pipes.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::{coroner, err, json, out, path, run};

/// A bundle with one file in it.
fn bundle() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir(dir.path().join("node-07")).expect("a directory");
    std::fs::write(dir.path().join("node-07/uptime.txt"), "nothing of interest\n").expect("a file");
    dir
}

#[test]
fn help_teaches() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!("help", out(&output));
    insta::assert_snapshot!("help-analyze", out(&run(&["analyze", "--help"])));
    insta::assert_snapshot!("help-inspect", out(&run(&["inspect", "--help"])));
}

#[test]
fn without_arguments_it_shows_its_help_and_fails() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("Usage: coroner"));
    assert_eq!(out(&output), "");
}

#[test]
fn a_missing_input_is_named_with_its_cause() {
    for command in ["analyze", "inspect"] {
        let output = run(&[command, "no/such/bundle.tar.gz"]);
        assert_eq!(output.status.code(), Some(2));
        let said = err(&output);
        assert!(said.starts_with("coroner: cannot read no/such/bundle.tar.gz: "), "{said}");
        assert!(said.contains("No such file or directory"), "{said}");
        assert_eq!(said.lines().count(), 1, "no backtrace: {said}");
        assert_eq!(out(&output), "", "nothing half done on standard output");
    }
}

#[test]
fn backtraces_are_not_for_users() {
    let output = coroner().env("RUST_BACKTRACE", "1").args(["analyze", "no/such"]).output().expect("it starts");
    assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
}

#[test]
fn a_hostile_name_does_not_drive_the_terminal() {
    let said = err(&run(&["analyze", "no\u{1b}[2Jsuch"]));
    assert!(said.contains(r"no\x1b[2Jsuch"), "{said:?}");
    assert!(!said.contains('\u{1b}'));
}

#[test]
fn wrong_arguments_exit_with_two() {
    let dir = bundle();
    let dir = path(dir.path());
    let wrong: [&[&str]; 12] = [
        &["dissect", dir],
        &["analyze"],
        &["analyze", dir, "--format", "xml"],
        &["analyze", dir, "--fail-on", "guilty"],
        &["analyze", dir, "--year", "20"],
        &["analyze", dir, "--zone", "node-07"],
        &["analyze", dir, "--zone", "node-07=CST"],
        &["analyze", dir, "--skew", "node-07=soon"],
        &["analyze", dir, "--threads", "0"],
        &["analyze", dir, "--color", "red"],
        &["analyze", "-", "-"],
        &["inspect", dir, "--fail-on", "likely"],
    ];
    for args in wrong {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{args:?}");
        assert!(!err(&output).is_empty(), "{args:?}");
        assert!(!err(&output).contains("panicked"), "{args:?}: {}", err(&output));
    }
}

#[test]
fn right_arguments_are_taken() {
    let dir = bundle();
    let args = [
        "analyze",
        path(dir.path()),
        "--year",
        "2026",
        "--zone",
        "node-07=-05:30",
        "--zone",
        "node-08=UTC",
        "--skew",
        "node-07=-30",
        "--threads",
        "2",
        "--fail-on",
        "possible",
        "--color=never",
        "-v",
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("times are UTC"), "{}", out(&output));
    // this bundle knows neither node
    let said = err(&output);
    assert!(
        said.lines().all(|it| it.starts_with("coroner: no node is called node-0")),
        "no progress where nobody watches: {said}"
    );
}

#[test]
fn a_rule_that_does_not_exist_is_an_error() {
    let output = run(&["explain", "no-such-rule-at-all"]);
    assert_eq!(output.status.code(), Some(2));
    let said = err(&output);
    assert!(said.starts_with("coroner: there is no rule no-such-rule-at-all"), "{said}");
}

#[test]
fn json_is_json() {
    let dir = bundle();
    for (command, schema) in [("analyze", "coroner.report/1"), ("inspect", "coroner.inspection/1")] {
        let output = run(&[command, path(dir.path()), "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert_eq!(json(&output)["schema"], schema);
    }
}

#[test]
fn colours_only_when_asked_for() {
    let dir = bundle();
    let dir = path(dir.path());
    let always = ["analyze", dir, "--color", "always"];
    assert!(!out(&run(&["analyze", dir])).contains('\u{1b}'), "a pipe is no terminal");
    assert!(out(&run(&always)).contains('\u{1b}'));
    let forced = coroner().env("CLICOLOR_FORCE", "1").args(["analyze", dir]).output().expect("it starts");
    assert!(out(&forced).contains('\u{1b}'));
    let refused = coroner().env("NO_COLOR", "1").args(["analyze", dir]).output().expect("it starts");
    assert!(!out(&refused).contains('\u{1b}'));
    let json = run(&["analyze", dir, "--color", "always", "--format", "json"]);
    assert!(!out(&json).contains('\u{1b}'), "JSON is never coloured");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = bundle();
    for args in [&["analyze", path(dir.path())][..], &["inspect", path(dir.path())], &["rules"], &["--help"]] {
        let mut child =
            coroner().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("it is text");
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{args:?}: {said}");
        assert_eq!(said, "", "{args:?}");
    }
}
