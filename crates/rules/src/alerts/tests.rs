use timeline::{NodeNames, Series, Timeline};

use super::template::Template;
use super::{Alert, Alerts, evaluate, rows};
use crate::promql::testing::{sample, series};

fn every_15(
    metric: &str,
    labels: &[(&str, &str)],
    node: Option<&str>,
    values: impl IntoIterator<Item = f64>,
) -> Series {
    let points: Vec<(i64, f64)> = values.into_iter().enumerate().map(|(at, it)| (at as i64 * 15, it)).collect();
    series(metric, labels, node, &points)
}

fn case(series: Vec<Series>) -> Timeline {
    let nodes = NodeNames::unify(&["n1".into(), "n2".into()], &[("n1".into(), "10.0.0.1".into())]);
    Timeline { series, nodes, ..Timeline::default() }
}

fn fired(file: &str, timeline: &Timeline) -> Vec<Alert> {
    let alerts = Alerts::parse("mine.yaml", file).unwrap_or_else(|it| panic!("{it}"));
    let (fired, limits) = evaluate(&alerts, timeline);
    assert_eq!(limits, [""; 0]);
    fired
}

/// `ManyThreads n1 300..585: text`
fn shown(alerts: &[Alert]) -> Vec<String> {
    let one = |it: &Alert| {
        let node = it.node.as_deref().unwrap_or("-");
        let (at, last) = (it.at.nominal.hi.timestamp(), it.last.nominal.hi.timestamp());
        format!("{} {node} {at}..{last}: {}", it.name, it.title())
    };
    alerts.iter().map(one).collect()
}

const FILE: &str = r#"
groups:
  - name: node
    interval: 30s
    rules:
      - record: node:threads:sum
        expr: sum by (node) (container_threads)
        labels: { from: rule }
      - alert: ManyThreads
        expr: node:threads:sum > 100
        for: 5m
        labels: { severity: page, team: '{{ $labels.node }}-owners' }
        annotations:
          summary: '{{ $labels.node }} has {{ $value | humanize }} threads ({{ printf "%.1f" $value }})'
      - alert: Brief
        expr: max by (node) (container_threads) > 1000
        for: 2m
"#;

fn threads() -> Timeline {
    let row = |node: &'static str, pod: &str, values: Vec<f64>| {
        every_15("container_threads", &[("node", node), ("pod", pod)], Some(node), values)
    };
    let grows = (0..80).map(|it| if it < 20 { 10.0 } else { 12_345.0 }).collect();
    // over the limit for less than five minutes at a time
    let flaps = (0..80).map(|it| if it % 16 < 8 { 150.0 } else { 10.0 }).collect();
    case(vec![row("n1", "a", grows), row("n1", "b", vec![1.0; 80]), row("n2", "c", flaps)])
}

#[test]
fn alerts_fire_after_their_time_over_what_was_recorded() {
    let alerts = fired(FILE, &threads());
    assert_eq!(
        shown(&alerts),
        [
            "Brief n1 300..1200: max by (node) (container_threads) > 1000",
            "ManyThreads n1 300..1200: n1 has 12.35k threads (12346.0)"
        ]
    );
    let many = &alerts[1];
    let labels: Vec<String> = many.labels.iter().map(|(a, b)| format!("{a}={b}")).collect();
    assert_eq!(labels, ["from=rule", "node=n1", "severity=page", "team=n1-owners"]);
    assert_eq!((many.value, many.for_secs, many.times, many.line), (12_346.0, 300, 1, 9));
    // the value stands nowhere, but what it comes of does
    assert_eq!(many.quotes[0].text.as_ref(), "12345 @300");
    let row = &rows(&alerts)[1];
    assert_eq!((row.get("name").to_string(), row.get("severity").to_string()), ("ManyThreads".into(), "page".into()));
    assert_eq!((row.node.as_deref(), row.get("lasted_secs").as_number()), (Some("n1"), Some(900.0)));
}

#[test]
fn what_prometheus_recorded_itself_is_taken() {
    let mut timeline = threads();
    timeline.series.push(every_15("node:threads:sum", &[("node", "n2")], Some("n2"), vec![777.0; 80]));
    let alerts = fired(FILE, &timeline);
    assert_eq!(shown(&alerts)[0], "ManyThreads n2 0..1200: n2 has 777 threads (777.0)");
    assert_eq!(alerts.len(), 2);
}

#[test]
fn a_hole_in_the_data_starts_the_wait_anew() {
    let alert = |gap: std::ops::Range<i64>| {
        let points: Vec<(i64, f64)> = (0..120).map(|it| (it * 15, 5.0)).filter(|it| !gap.contains(&it.0)).collect();
        let timeline = case(vec![series("up_for", &[("instance", "10.0.0.1:9100")], Some("n1"), &points)]);
        let file = "groups:\n- name: a\n  rules:\n  - alert: Long\n    expr: up_for > 1\n    for: 20m\n";
        shown(&fired(file, &timeline))
    };
    assert_eq!(alert(0..0), ["Long n1 0..1800: up_for > 1"]);
    assert_eq!(alert(900..1260), [""; 0]);
}

#[test]
fn sparse_series_are_asked_when_they_speak() {
    let points: Vec<(i64, f64)> = (0..12).map(|it| (it * 600, 9.0)).collect();
    let timeline = case(vec![series("x", &[], None, &points)]);
    let file = "groups: [{ name: a, rules: [{ alert: Sparse, expr: 'x > 1', for: 30m }] }]";
    assert_eq!(shown(&fired(file, &timeline)), ["Sparse - 0..6600: x > 1"]);
}

#[test]
fn firing_is_kept_and_counted() {
    let values = |it: i64| if it % 40 < 24 { 9.0 } else { 0.0 };
    let timeline = case(vec![every_15("x", &[], None, (0..160).map(values))]);
    let file = |keep: &str| {
        format!("groups:\n- name: a\n  interval: 15s\n  rules:\n  - alert: Often\n    expr: x > 1\n    for: 3m\n{keep}")
    };
    assert_eq!(fired(&file(""), &timeline)[0].times, 4);
    let kept = fired(&file("    keep_firing_for: 10m\n"), &timeline);
    assert_eq!((kept[0].times, kept[0].at.nominal.hi.timestamp()), (1, 0));
}

#[test]
fn objects_of_the_operator_are_rule_files() {
    let file = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: a\nspec:\n  groups:\n  - name: g\n    rules:\n    - alert: A\n      expr: vector(1)\n";
    let alerts = Alerts::parse("a.yaml", file).unwrap();
    assert_eq!(alerts.rules.len(), 1);
    // it asks no series, so there is no instant at which it would have fired
    assert!(evaluate(&alerts, &threads()).0.is_empty());
    assert!(Alerts::default().is_empty() && !alerts.is_empty());
}

#[test]
fn broken_files_are_shown_with_their_place() {
    let refused = |text: &str| Alerts::parse("a.yaml", text).expect_err(text).to_string();
    let rule = |rest: &str| format!("groups:\n- name: g\n  rules:\n  - alert: A\n{rest}");
    assert!(refused(&rule("    expr: sum(info(x))\n")).starts_with("a.yaml:5:15: A: the function info"));
    assert!(
        refused(&rule("    expr: 'x >'\n")).starts_with("a.yaml:5:11: A:"),
        "{}",
        refused(&rule("    expr: 'x >'\n"))
    );
    assert!(refused(&rule("    expr: x\n    for: soon\n")).contains("a.yaml:6:10: `soon` is no length of time"));
    assert!(refused(&rule("    expr: x\n    exprs: y\n")).contains("unknown field"));
    assert!(refused(&rule("    record: b\n    expr: x\n")).contains("either `alert` or `record`"));
    assert!(
        refused("groups:\n- name: g\n  rules:\n  - record: b\n    expr: x\n    for: 5m\n")
            .contains("waits for nothing")
    );
    assert!(refused("alerting: {}\n").contains("a.yaml:1:1"));
    assert!(refused("kind: Deployment\n").contains("no `groups`"));
    assert!(refused(&rule("    expr: |\n      sum(x)\n        / limitk(1, y)\n")).contains("limitk"));
}

#[test]
fn templates_say_numbers_as_prometheus_does() {
    let labels = [("instance".into(), "host-1.example.org:9100".into()), ("pod".into(), "order-sync".into())];
    let said = |text: &str, value: f64| Template::parse(text).render(&labels, value);
    let cases = [
        ("{{ $value }}", 0.85, "0.85"),
        ("{{ $value }}", 41870.0, "41870"),
        ("{{ $value }}", 1_234_567.0, "1.234567e+06"),
        ("{{ $value }}", 1e-7, "1e-07"),
        ("{{ .Value | humanize }}", 1_234_567.0, "1.235M"),
        ("{{ humanize $value }}", 0.0123, "12.3m"),
        ("{{ $value | humanize }}", 0.0, "0"),
        ("{{ $value | humanize }}", f64::INFINITY, "+Inf"),
        ("{{ $value | humanize1024 }}", 1_234_567.0, "1.177Mi"),
        ("{{ $value | humanize1024 }}", 0.5, "0.5"),
        ("{{ $value | humanizeDuration }}", 93_784.0, "1d 2h 3m 4s"),
        ("{{ $value | humanizeDuration }}", 75.9, "1m 15s"),
        ("{{ $value | humanizeDuration }}", 12.345_67, "12.35s"),
        ("{{ $value | humanizeDuration }}", 0.012, "12ms"),
        ("{{ $value | humanizePercentage }}", 0.12345, "12.35%"),
        ("{{ $value | humanizeTimestamp }}", 1_609_459_200.0, "2021-01-01 00:00:00 +0000 UTC"),
        (r#"{{ printf "%.2f%%" $value }}"#, 12.345, "12.35%"),
        (r#"{{ $value | printf "%.0f of %s" }}"#, 3.0, r#"{{ $value | printf "%.0f of %s" }}"#),
        (r#"{{ printf "%s: %v" $labels.pod $value }}"#, 3.0, "order-sync: 3"),
        ("{{ $labels.pod | title }} {{$labels.pod|toUpper}}", 0.0, "Order-sync ORDER-SYNC"),
        ("{{ $labels.instance | stripPort }} {{ .Labels.nothing }}|", 0.0, "host-1.example.org |"),
        ("{{ $labels.instance | stripDomain }}", 0.0, "host-1:9100"),
        (r#"{{ reReplaceAll "([a-z]+)-.*" "${1}" $labels.pod }}"#, 0.0, "order"),
        ("a  {{- $value -}}  b", 1.0, "a1b"),
        ("a  {{- $value }} b", 1.0, "a1 b"),
        (r#"{{ if eq $labels.a "b" }}x{{ end }}"#, 0.0, r#"{{ if eq $labels.a "b" }}x{{ end }}"#),
        ("{{ query \"up\" }} {{", 0.0, "{{ query \"up\" }} {{"),
    ];
    for (text, value, expected) in cases {
        assert_eq!(said(text, value), expected, "{text} of {value}");
    }
}

#[test]
fn the_real_leak_would_have_paged() {
    let Some(mut series) = sample(&["range_container_threads.json", "range_up.json"]) else { return };
    series.iter_mut().for_each(|it| it.node = Some("n1".into()));
    let file = r#"
groups:
  - name: real
    interval: 15s
    rules:
      - alert: Leak
        expr: deriv(container_threads[1m]) > 5
        for: 1m
        annotations: { summary: '{{ $labels.pod }} gains {{ $value | humanize }} threads a second' }
      - { alert: Down, expr: up == 0, for: 30s }
"#;
    let alerts = fired(file, &case(series));
    let names: Vec<&str> = alerts.iter().map(|it| it.name.as_ref()).collect();
    assert_eq!(names, ["Leak", "Down"]);
    assert!(alerts[0].title().starts_with("consumer-5f7c9d8b9-lm4zn gains 1"), "{}", alerts[0].title());
    // the exporter was killed at 1795219381
    let down = alerts[1].at.nominal;
    assert!(down.lo.timestamp() <= 1_795_219_381 + 15 && down.hi.timestamp() >= 1_795_219_381 - 5, "{down:?}");
}
