//! What rules can ask, each in a rule of its own over a bundle in a string.

mod common;

use std::collections::BTreeMap;

use coroner::report::{Answer, Report};

/// Analyses files by the built-in rules and one more.
fn report(rule: &str, files: &[(&str, &str)]) -> Report {
    report_with(&[("rule.yaml", rule)], files)
}

fn report_with(rules: &[(&str, &str)], files: &[(&str, &str)]) -> Report {
    common::report_with(&[rules, &[("signal.yaml", TICK)]].concat(), files)
}

const TICK: &str = r"
signal: tick
about: A line made for these tests.
match:
  - from: [kernel]
    any: ['testtick']
    regex: 'testtick (?P<who>\S+)(?: took (?P<took>\S+))?'
samples: ['testtick a took 3s']
not_samples: ['test tick']
";

/// The answers to clauses, each weighed weakly in a rule that a first tick of `start` frames.
fn answers(clauses: &str, weighed: &[&str], log: &str) -> BTreeMap<String, Answer> {
    let items: String = weighed.iter().map(|it| format!("  - {{ when: '{it}', weight: weak }}\n")).collect();
    let rule = format!(
        "rule: asked\ntitle: asked\nimpact: none\nlet:\n  start: {{ signal: tick, node: $node, who: start, at: $t }}\n\
         {clauses}\nframe: [start]\nfor:\n{items}"
    );
    let journal: String = log.lines().map(|it| format!("{}\n", it.trim())).filter(|it| it.len() > 1).collect();
    let files = [("node-a/date.txt", "Sun Jul 23 23:00:00 UTC 2023\n"), ("node-a/journalctl.txt", journal.as_str())];
    let report = report(&rule, &files);
    let all = report.hypotheses.iter().chain(&report.ruled_out);
    let asked = all.into_iter().find(|it| it.rule == "asked").expect("the frame is there");
    asked.evidence.iter().map(|it| (it.clause.clone(), it.value)).collect()
}

const LOG: &str = "
    Jul 23 21:00:00 node-a kernel: testtick early
    Jul 23 22:00:00 node-a kernel: testtick start
    Jul 23 22:00:10 node-a kernel: testtick a took 3m46.7s
    Jul 23 22:00:20 node-a kernel: testtick b took 2s
    Jul 23 22:00:30 node-a kernel: testtick c took 524288kB
    Jul 23 22:05:00 node-a kernel: testtick d
    Jul 23 22:59:00 node-a kernel: the last line
";

#[test]
fn how_many_how_different_how_long() {
    let clauses = "
  five: { signal: tick, node: $node, within: 1h after $t, count: '>= 5' }
  six: { signal: tick, node: $node, within: 1h after $t, count: '>= 6' }
  dense: { signal: tick, node: $node, within: 1h after $t, count: '>= 4 in 30s' }
  denser: { signal: tick, node: $node, within: 1h after $t, count: '>= 5 in 30s' }
  kinds: { signal: tick, node: $node, within: 1h after $t, distinct: 'who >= 5' }
  kinds-soon: { signal: tick, node: $node, within: 1h after $t, distinct: 'who >= 5 in 1m' }
  long: { signal: tick, node: $node, within: 1h after $t, lasts: '>= 5m' }
  longer: { signal: tick, node: $node, within: 1h after $t, lasts: '> 5m' }
  few: { signal: tick, node: $node, within: 20s after $t, count: '< 4' }";
    let names = ["five", "six", "dense", "denser", "kinds", "kinds-soon", "long", "longer", "few"];
    let found = answers(clauses, &names, LOG);
    for (name, expected) in names.iter().zip([true, false, true, false, true, false, true, false, true]) {
        assert_eq!(found[*name], if expected { Answer::True } else { Answer::False }, "{name}");
    }
}

#[test]
fn too_few_of_a_log_that_lost_lines_is_unknown() {
    let clauses = "  six: { signal: tick, node: $node, within: 1h after $t, count: '>= 6' }";
    let whole = answers(clauses, &["six"], LOG);
    assert_eq!(whole["six"], Answer::False);
    let lossy = LOG.replace("kernel: the last line", "systemd-journald[411]: Suppressed 912 messages from kernel");
    assert_eq!(answers(clauses, &["six"], &lossy)["six"], Answer::Unknown, "what was suppressed may be the sixth");
}

#[test]
fn windows_before_after_between_and_later() {
    let clauses = "
  d: { signal: tick, node: $node, who: d, at: $d }
  before: { signal: tick, node: $node, who: early, within: before $t }
  not-before: { signal: tick, node: $node, who: d, within: before $t }
  between: { signal: tick, node: $node, who: b, within: between $t and $d }
  not-between: { signal: tick, node: $node, who: early, within: between $t and $d }
  later: { signal: tick, node: $node, who: d, within: 4m to 6m after $t }
  not-later: { signal: tick, node: $node, who: b, within: 4m to 6m after $t }
  end: { signal: tick, node: $node, who: d, within: 1h before collection }
  not-end: { signal: tick, node: $node, who: early, within: 1h before collection }
  none: { absent: tick, node: $node, who: early, within: 10m around $t }";
    let names = ["before", "not-before", "between", "not-between", "later", "not-later", "end", "not-end", "none"];
    let found = answers(clauses, &names, LOG);
    for (name, expected) in names.iter().zip([true, false, true, false, true, false, true, false, true]) {
        assert_eq!(found[*name], if expected { Answer::True } else { Answer::False }, "{name}: {found:?}");
    }
}

#[test]
fn a_window_of_a_boot_ends_with_it() {
    let log = "
        Jul 23 21:00:00 node-a kernel: testtick early
        Jul 23 21:00:01 node-a kernel: something
        -- Reboot --
        Jul 23 21:55:00 node-a kernel: Linux version 5.15.0-60-generic (buildd@lcy02)
        Jul 23 22:00:00 node-a kernel: testtick start
        Jul 23 22:00:10 node-a kernel: testtick a
    ";
    let clauses = "
  same: { signal: tick, node: $node, who: a, within: same boot as $t }
  other: { signal: tick, node: $node, who: early, within: same boot as $t }";
    let found = answers(clauses, &["same", "other"], log);
    assert_eq!(found["same"], Answer::True);
    assert_ne!(found["other"], Answer::True);
}

#[test]
fn times_and_quantities_are_compared() {
    let clauses = "
  d: { signal: tick, node: $node, who: d, at: $d }
  last: { signal: tick, node: $node, within: after $t, best: latest, at: $last }
  slow: { signal: tick, node: $node, took: '>= 3m' }
  big: { signal: tick, node: $node, took: '512Mi' }";
    let items = [
        "$t before $d",
        "$d before $t",
        "$d - $t >= 4m",
        "$d - $t >= 6m",
        "$d - $t < 6m",
        "slow",
        "big",
        "slow.took > 226s and (big or d)",
        "not (slow and big)",
        "$last - $t >= 4m",
    ];
    let found = answers(clauses, &items, LOG);
    for (item, expected) in items.iter().zip([true, false, true, false, true, true, true, true, false, true]) {
        assert_eq!(found[*item], if expected { Answer::True } else { Answer::False }, "{item}");
    }
}

#[test]
fn a_window_around_a_time_nobody_knows_is_unknown() {
    let clauses = "
  nobody: { signal: tick, node: $node, who: nobody, at: $n }
  near: { signal: tick, node: $node, who: a, within: 10m around $n }";
    assert_eq!(answers(clauses, &["near"], LOG)["near"], Answer::Unknown);
}

#[test]
fn other_nodes_are_other_nodes() {
    let rule = "
rule: asked
title: asked
impact: none
let:
  start: { signal: tick, node: $node, who: start, at: $t }
  both: { signal: tick, who: start, distinct: 'node >= 2 in 1m', within: 1m around $t }
  other: { signal: tick, node: '$other and != $node', who: start, within: 1m around $t }
frame: [start]
for:
  - { when: both, weight: weak }
  - { when: other, weight: weak, why: 'also on {$other}' }
";
    let line = |node: &str| format!("Jul 23 22:00:00 {node} kernel: testtick start\n");
    let (a, b) = (line("node-a"), line("node-b"));
    let date = ("date.txt", "Sun Jul 23 23:00:00 UTC 2023\n");
    let report = report(rule, &[date, ("node-a/journalctl.txt", &a), ("node-b/journalctl.txt", &b)]);
    let asked = report.hypotheses.iter().chain(&report.ruled_out).find(|it| it.rule == "asked").expect("framed");
    let whys: Vec<_> = asked.evidence.iter().filter(|it| it.value == Answer::True).map(|it| it.why.as_str()).collect();
    assert!(whys.contains(&"both") && whys.iter().any(|it| it.starts_with("also on node-")), "{whys:?}");
}

const BUGS: &str = "
known-bugs:
  - bug: tick-bug
    title: the kernel ticks
    component: kernel
    ids: ['LP#1']
    affected: [{ from: 5.15.0-50, before: 5.15.0-70, only: '^5\\.15\\.0-\\d+', fixed: 5.15.0-70.77, on: 2023-04-01 }]
    lines:
      - { from: [kernel], any: ['testtick'], regex: 'testtick buggy' }
    samples: ['testtick buggy']
    not_samples: ['testtick start']
    refs: ['https://example.com/1']
";

const KNOWN: &str = "
rule: asked
title: asked
impact: none
let:
  start: { signal: tick, node: $node, who: start, at: $t }
  bug: { relation: known-bug, node: $node, bug: tick-bug, affected: yes, seen: yes }
  fixed: { relation: known-bug, node: $node, bug: tick-bug, affected: no }
frame: [start]
for:
  - { when: bug, weight: strong, why: '{bug.ids}, fixed in {bug.fixed} of {bug.fixed_on}' }
against:
  - { when: fixed, weight: excludes, why: 'this kernel has the fix' }
";

fn with_bug(release: &str, line: &str) -> coroner::report::Hypothesis {
    let journal = format!("Jul 23 22:00:00 node-a kernel: testtick start\nJul 23 22:00:10 node-a kernel: {line}\n");
    let uname = format!("Linux node-a {release} #67-Ubuntu SMP Fri Mar 3 12:00:00 UTC 2023 x86_64 GNU/Linux\n");
    let mut files = vec![("date.txt", "Sun Jul 23 23:00:00 UTC 2023\n"), ("node-a/journalctl.txt", journal.as_str())];
    if !release.is_empty() {
        files.push(("node-a/uname_-a.txt", uname.as_str()));
    }
    let rules = format!("{KNOWN}\n");
    let report = report_with(&[("rule.yaml", &rules), ("bugs.yaml", BUGS)], &files);
    let all = report.hypotheses.into_iter().chain(report.ruled_out);
    all.into_iter().find(|it| it.rule == "asked").expect("framed")
}

#[test]
fn known_bugs_are_joined_with_versions_and_signatures() {
    let affected = with_bug("5.15.0-60-generic", "testtick buggy");
    let bug = affected.evidence.iter().find(|it| it.clause == "bug").expect("weighed");
    assert_eq!((bug.value, bug.why.as_str()), (Answer::True, "LP#1, fixed in 5.15.0-70.77 of 2023-04-01"));
    assert!(bug.text.as_deref().is_some_and(|it| it.contains("testtick buggy")), "{:?}", bug.text);
    let answer = |it: &coroner::report::Hypothesis| it.evidence.iter().find(|it| it.clause == "bug").map(|it| it.value);
    assert_eq!(answer(&with_bug("5.15.0-60-generic", "testtick fine")), Some(Answer::False));
    assert_eq!(answer(&with_bug("", "testtick buggy")), Some(Answer::Unknown), "the version was not collected");
    let fixed = with_bug("5.15.0-72-generic", "testtick buggy");
    assert_eq!(fixed.ruled_out_by.as_deref(), Some("fixed"));
}
