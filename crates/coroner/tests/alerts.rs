//! Alerting rules of the user's own, over the series of a bundle.

use std::fmt::Write;

use coroner::{Analyzer, Verdict};

/// An answer of `query_range`: threads of two pods, one of which grows.
fn metrics() -> String {
    let mut rows = Vec::new();
    for (pod, slope) in [("order-sync-1", 100), ("web-1", 0)] {
        let mut values = String::new();
        for at in 0..60 {
            let comma = if at == 0 { "" } else { "," };
            write!(values, "{comma}[{},\"{}\"]", 1_700_000_000 + at * 15, 50 + at * slope).expect("memory takes all");
        }
        rows.push(format!(
            r#"{{"metric":{{"__name__":"container_threads","node":"node-07","pod":"{pod}","container":"app"}},"values":[{values}]}}"#
        ));
    }
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, rows.join(","))
}

const ALERTS: &str = r#"
groups:
  - name: node
    interval: 15s
    rules:
      - record: pod:threads
        expr: sum by (node, pod) (container_threads{container!=""})
      - alert: ManyThreads
        expr: pod:threads > 1000
        for: 2m
        labels: { severity: page }
        annotations: { summary: '{{ $labels.pod }} has {{ $value | humanize }} threads' }
      - alert: NearPidMax
        expr: sum by (node) (container_threads) / on (node) coroner_sysctl{key="kernel.pid_max"} > 0.9
"#;

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

fn bundle() -> Analyzer {
    let mut archive = tar::Builder::new(Vec::new());
    let sysctl = "kernel.pid_max = 4096\nkernel.threads-max = 1545000\n";
    for (path, text) in [("metrics/threads.json", metrics().as_str()), ("node-07/sysctl_-a.txt", sysctl)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).expect("memory takes all");
    }
    Analyzer::new().bytes("bundle.tar", archive.into_inner().expect("memory takes all"))
}

#[test]
fn alerts_are_told_beside_the_causes() {
    let folder = tempfile::tempdir().expect("memory takes all");
    let plain = bundle().analyze().expect("memory takes all");
    let report = bundle().alerts(file(&folder, "alerts.yaml", ALERTS)).analyze().unwrap();
    let names: Vec<&str> = report.alerts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["ManyThreads", "NearPidMax"]);
    let many = &report.alerts[0];
    assert_eq!((many.title.as_str(), many.node.as_deref()), ("order-sync-1 has 1.85k threads", Some("node-07")));
    assert_eq!((many.for_secs, many.times, many.value), (120, 1, Some(5950.0)));
    assert!(many.rule.ends_with("alerts.yaml:8"), "{}", many.rule);
    assert!(many.quotes[0].file.ends_with("threads.json") && many.quotes[0].text.contains("5950"));
    let near = &report.alerts[1];
    assert!(near.quotes.iter().any(|it| it.text == "kernel.pid_max = 4096"), "{:?}", near.quotes);

    // they change nothing else: what is not a cause is not made one
    assert_eq!(report.hypotheses, plain.hypotheses);
    assert_eq!((report.verdict, &report.symptoms), (plain.verdict, &plain.symptoms));
    assert_ne!(report.verdict, Verdict::Explained);
    assert!(plain.alerts.is_empty() && !coroner::report::json(&plain).contains("\"alerts\""));
    let text = coroner::report::text(&report, &coroner::report::Look::default());
    assert!(text.contains("ManyThreads (page, node-07): order-sync-1 has 1.85k threads"), "{text}");
}

const RULE: &str = r#"
rule: threads-run-away
title: 'threads of {$node} run away'
impact: Nothing can fork.
let:
  paged: { relation: alert, name: ManyThreads, node: $node, severity: page, at: $t }
frame: [paged]
for:
  - { when: paged, weight: strong, why: '{paged.title}' }
"#;

#[test]
fn rules_can_ask_for_alerts() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, "threads-run-away.yaml", RULE);
    let alerts = tempfile::tempdir().unwrap();
    let alerts = file(&alerts, "alerts.yaml", ALERTS);
    let report = bundle().rules(folder.path()).alerts(alerts).analyze().unwrap();
    let mine = report.hypotheses.iter().find(|it| it.rule == "threads-run-away").expect("a hypothesis");
    assert_eq!((mine.nodes[0].as_str(), mine.evidence[0].why.as_str()), ("node-07", "order-sync-1 has 1.85k threads"));
    // without the file of alerts nothing is known of them
    let report = bundle().rules(folder.path()).analyze().unwrap();
    assert!(report.hypotheses.iter().all(|it| it.rule != "threads-run-away"));
    assert!(report.not_assessable.iter().any(|it| it.rule == "threads-run-away"));
}

#[test]
fn a_broken_file_is_shown_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let broken = file(&folder, "broken.yaml", "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: sum(up\n");
    let error = bundle().alerts(broken).analyze().expect_err("it is broken").to_string();
    assert!(error.contains("broken.yaml:5:11: A: "), "{error}");
    let missing = bundle().alerts(folder.path().join("none.yaml")).analyze().expect_err("it is not there").to_string();
    assert!(missing.contains("none.yaml"), "{missing}");
}
