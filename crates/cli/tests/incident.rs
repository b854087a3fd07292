//! The command on an incident whose cause is known, from the files to the exit code.

mod common;

use std::path::PathBuf;
use std::process::Stdio;

use common::{coroner, err, json, out, path, run};
use serde_json::Value;

fn incident(name: &str) -> String {
    let bundle: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../corpus", name, "bundle"].iter().collect();
    assert!(bundle.is_dir(), "the corpus has no {name}");
    path(&bundle).to_owned()
}

#[test]
fn the_cause_comes_first_with_its_evidence() {
    let output = run(&["analyze", &incident("thread-leak-pid-max")]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output), "");
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("bundle   ") && lines[0].contains("times are UTC, 2023-07-23"), "{}", lines[0]);
    assert_eq!(lines[1], "");
    assert!(lines[2].starts_with("1  node-xx ran out of process IDs (kernel.pid_max = 49152)"), "{}", lines[2]);
    assert!(lines[2].ends_with("CONFIRMED"), "{}", lines[2]);
    let below = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing: {text}"));
    assert!(below("order-sync-6c9f7d8b54-x7k2p rose from 2105") < below("   against"));
    assert!(below("> [1690120830,\"2109\"]") < below("   fix now"), "a quote stands as it is in the file");
    assert!(below("   fix now") < below("\nsymptoms\n"));
    assert!(lines.last().is_some_and(|it| it.starts_with("read ") && it.ends_with(" rules")), "{text}");
    assert!(!lines.iter().any(|it| it.ends_with(' ')), "no blanks at line ends");
}

#[test]
fn json_has_the_same_answer() {
    let output = run(&["analyze", &incident("thread-leak-pid-max"), "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let report = json(&output);
    assert_eq!(report["schema"], "coroner.report/1");
    assert_eq!(report["verdict"], "explained");
    let first = &report["hypotheses"][0];
    assert_eq!(first["rule"], "pid-max-exhausted");
    assert_eq!(first["band"], "confirmed");
    assert_eq!(first["nodes"], serde_json::json!(["node-xx"]));
    assert_eq!(first["bindings"]["max"], "49152");
    let steps = first["chain"].as_array().expect("a chain");
    assert!(steps.len() >= 3, "{first:#}");
    assert!(steps.iter().all(|it| it["order"] != "after"), "{first:#}");
    assert!(steps.iter().all(|it| it["file"].is_string() && it["line"].is_u64()), "every step is cited: {first:#}");
}

#[test]
fn fail_on_tells_by_the_exit_code() {
    let (leak, healthy) = (incident("thread-leak-pid-max"), incident("calico-healthy-twin"));
    for band in ["possible", "likely", "confirmed"] {
        let reached = run(&["analyze", &leak, "--fail-on", band]);
        assert_eq!(reached.status.code(), Some(1), "{band}: {}", err(&reached));
        assert!(out(&reached).contains("CONFIRMED"), "the report is printed all the same");
        assert_eq!(err(&reached), "", "reaching a band is no error");
        let quiet = run(&["analyze", &healthy, "--fail-on", band]);
        assert_eq!(quiet.status.code(), Some(0), "{band}: {}", out(&quiet));
    }
    let modest = incident("borrowed-ip-routes-missing");
    assert_eq!(run(&["analyze", &modest, "--fail-on", "confirmed"]).status.code(), Some(0));
    assert_eq!(run(&["analyze", &modest, "--fail-on", "possible"]).status.code(), Some(1));
}

#[test]
fn every_byte_is_accounted_for() {
    for name in ["thread-leak-pid-max", "borrowed-ip-blackhole", "aufs-kernel-bug-with-vmcore"] {
        let output = run(&["inspect", &incident(name), "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", err(&output));
        let inspection = json(&output);
        let coverage = &inspection["coverage"];
        let number = |of: &Value, what: &str| of[what].as_u64().unwrap_or_else(|| panic!("{name}: no {what}"));
        let parts = ["bytes_understood", "bytes_odd", "bytes_not_recognised", "bytes_skipped"];
        let all = number(coverage, "bytes");
        assert_eq!(parts.iter().map(|it| number(coverage, it)).sum::<u64>(), all, "{name}");
        let members = coverage["members"].as_array().expect("a list of files");
        assert_eq!(members.iter().map(|it| number(it, "bytes")).sum::<u64>(), all, "{name}");
        assert_eq!(all, bytes_below(&PathBuf::from(incident(name))), "{name}: what lies on the disk");

        // the text adds up the same
        let text = out(&run(&["inspect", &incident(name)]));
        let (_, totals) = text.rsplit_once("\nbytes\n").unwrap_or_else(|| panic!("{name} has no totals: {text}"));
        let first = |it: &str| it.split_whitespace().next().and_then(|it| it.parse::<u64>().ok());
        let counts: Vec<u64> = totals.lines().filter_map(first).collect();
        let (sum, parts) = counts.split_last().expect("a sum");
        assert_eq!(parts.len(), 4, "{name}: {totals}");
        assert_eq!((parts.iter().sum::<u64>(), *sum), (all, all), "{name}: {totals}");
    }
}

fn bytes_below(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|it| it.expect("an entry"));
    let size = |it: std::fs::DirEntry| {
        let about = it.metadata().expect("it is there");
        if about.is_dir() { bytes_below(&it.path()) } else { about.len() }
    };
    entries.map(size).sum()
}

#[test]
fn several_inputs_are_one_case_and_standard_input_is_one_of_them() {
    let bundle = incident("thread-leak-pid-max");
    let node = format!("{bundle}/node-xx");
    let metrics = std::fs::File::open(format!("{bundle}/metrics/container_threads.json")).expect("a file");
    let output = coroner()
        .args(["analyze", &node, "-", "--format", "json"])
        .stdin(Stdio::from(metrics))
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let report = json(&output);
    assert_eq!(report["hypotheses"][0]["rule"], "pid-max-exhausted");
}
