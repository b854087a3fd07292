//! What a reader sees, as snapshots.

mod sample;

use coroner_report::{
    Fix, Look, Report, RuleDoc, Weight, clocks_text, inspection_text, json, rule_text, rules_text, text,
};

fn plain() -> Look {
    Look { colour: false, width: 110, verbose: false }
}

#[test]
fn a_report_with_everything() {
    insta::assert_snapshot!("full", text(&sample::full(), &plain()));
}

#[test]
fn a_report_with_everything_in_detail() {
    insta::assert_snapshot!("full-verbose", text(&sample::full(), &Look { verbose: true, ..plain() }));
}

#[test]
fn a_narrow_terminal() {
    insta::assert_snapshot!("full-narrow", text(&sample::full(), &Look { width: 60, ..plain() }));
}

#[test]
fn a_cause_that_is_not_known() {
    insta::assert_snapshot!("unknown", text(&sample::unknown(), &plain()));
}

#[test]
fn many_days_and_many_of_one_kind() {
    insta::assert_snapshot!("crowded", text(&sample::crowded(), &plain()));
    let all = text(&sample::crowded(), &Look { verbose: true, ..plain() });
    assert!(all.contains("namespaces/shop/events.yaml: only namespace shop"), "{all}");
    assert!(all.contains("table.f in f.txt"), "{all}");
}

#[test]
fn a_healthy_cluster() {
    insta::assert_snapshot!("healthy", text(&sample::healthy(), &plain()));
}

#[test]
fn a_rule_that_saw_nothing_is_no_good_news() {
    let blind = sample::crowded().not_assessable;
    let shown = text(&Report { not_assessable: blind, ..sample::healthy() }, &plain());
    assert!(shown.contains("94 of 96 rules had something to look at, no symptom seen"), "{shown}");
    let nothing = Report { coverage: Default::default(), ..sample::healthy() };
    assert!(text(&nothing, &plain()).contains("NOTHING TO LOOK AT."), "{}", text(&nothing, &plain()));
}

#[test]
fn nothing_at_all() {
    insta::assert_snapshot!("empty", text(&Report::default(), &plain()));
}

#[test]
fn an_inspection() {
    insta::assert_snapshot!("inspection", inspection_text(&sample::inspection(), &plain()));
    insta::assert_snapshot!("clocks", clocks_text(&sample::inspection(), &plain()));
}

fn rule() -> RuleDoc {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let weight = |against, when: &str, weight: &str, why: &str| Weight {
        against,
        when: when.to_owned(),
        weight: weight.to_owned(),
        why: why.to_owned(),
    };
    RuleDoc {
        name: "pid-max-exhausted".into(),
        title: "{$node} ran out of process IDs (kernel.pid_max = {$max})".into(),
        kind: "cause".into(),
        status: "stable".into(),
        about: String::new(),
        impact: "Nothing on the node can fork; exec probes fail, agents restart, routing peers drop.".into(),
        clauses: vec![
            pair("limit", "{ fact: sysctl, node: $node, key: kernel.pid_max, value: $max }"),
            pair("refused", "{ signal: fork-refused, node: $node, at: $t1 }"),
        ],
        frame: vec!["refused".into()],
        weights: vec![
            weight(false, "total", "conclusive", "threads reached {total.value} of {$max}"),
            weight(true, "far", "excludes", ""),
        ],
        chain: vec!["leaker".into(), "total".into(), "refused".into()],
        explains: vec!["exec-probe-failed".into()],
        missing: vec![pair("total", "ps -eLf | wc -l")],
        fix: Fix { now: vec!["restart {$who}".into()], later: vec!["podPidsLimit".into()] },
        refs: vec!["https://kubernetes.io/docs/concepts/policy/pid-limiting/".into()],
    }
}

#[test]
fn a_rule_explained() {
    insta::assert_snapshot!("rule", rule_text(&rule(), &plain()));
}

#[test]
fn the_list_of_rules() {
    let symptom = RuleDoc {
        name: "exec-probe-failed".into(),
        about: "An exec probe failed to start.".into(),
        kind: "symptom".into(),
        status: "experimental".into(),
        ..RuleDoc::default()
    };
    insta::assert_snapshot!("rules", rules_text(&[rule(), symptom], &plain()));
}

/// The snapshot shows escape sequences as `^[`, so that a reader can judge it.
#[test]
fn colours() {
    let coloured = text(&sample::full(), &Look { colour: true, ..plain() });
    insta::assert_snapshot!("full-colour", coloured.replace('\x1b', "^["));
    let bare = strip(&coloured);
    assert_eq!(bare, text(&sample::full(), &plain()), "colours add nothing but colours");
}

#[test]
fn a_hostile_bundle_reaches_no_terminal() {
    let reports = [sample::full(), sample::unknown(), sample::healthy(), sample::crowded()];
    for report in &reports {
        for look in [plain(), Look { verbose: true, ..plain() }] {
            let text = text(report, &look);
            assert!(text.chars().all(|it| it == '\n' || !it.is_control()), "{text:?}");
        }
    }
    assert!(text(&reports[0], &plain()).contains(r"\x1b[31mState changed to down\x1b[0m\x07"));
    let inspected = inspection_text(&sample::inspection(), &plain());
    assert!(inspected.contains(r"node-07/\x1b]0;owned\x07.bin"));
    assert!(inspected.chars().all(|it| it == '\n' || !it.is_control()));
}

#[test]
fn quotes_are_whole_in_json_and_shortened_in_text() {
    let report = sample::full();
    let long = report.hypotheses[0].evidence[0].text.clone().unwrap();
    assert!(long.len() > 300);
    let read: Report = serde_json::from_str(&json(&report)).unwrap();
    assert_eq!(read.hypotheses[0].evidence[0].text.as_ref(), Some(&long));
    let shown = text(&report, &plain());
    assert!(!shown.contains(&long));
    let quote = shown.lines().find(|it| it.contains("1773525")).unwrap().trim_start().trim_start_matches("> ");
    assert!(quote.split('…').all(|part| long.contains(part)), "{quote}");
    assert!(quote.contains("order-sync") && quote.contains("41870"), "{quote}");
}

fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('m').expect("a colour ends with m");
        rest = &rest[at + end + 1..];
    }
    out + rest
}
