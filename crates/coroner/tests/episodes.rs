//! What is seen in the morning and again in the afternoon is not one symptom that lasts all day.

mod common;

use coroner::report::{Order, Report, Symptom};

const RULES: &[(&str, &str)] = &[
    (
        "signal.yaml",
        "
signal: tick
about: A line made for these tests.
match:
  - { from: [runtime, container-log], any: ['testtick'], regex: 'testtick (?P<who>\\w+)' }
samples: ['testtick a']
not_samples: ['test tick']
",
    ),
    (
        "cause.yaml",
        "
rule: breaks
title: 'something breaks on {$node}'
impact: none
let:
  tick: { signal: tick, node: $node, who: cause, at: $t }
frame: [tick]
for:
  - { when: tick, weight: conclusive, why: 'it breaks' }
chain: [tick, halted]
explains: [halted]
refs: ['https://example.com']
",
    ),
    (
        "symptom.yaml",
        "
symptom: halted
title: '{$node} halts'
impact: none
let:
  halt: { signal: tick, node: $node, who: halt, at: $t }
frame: [halt]
",
    ),
];

/// A journal from 08:00 to 20:00 with a line of somebody every five minutes, and lines of the test within it.
fn journal(lines: &[(u32, String)]) -> String {
    let stamp = |secs: u32| format!("Jul 23 {:02}:{:02}:{:02} node-a", 8 + secs / 3600, secs / 60 % 60, secs % 60);
    let mut all: Vec<(u32, String)> =
        (0..144).map(|at| (at * 300, format!("containerd[812]: msg=\"all is well\" nr={at}"))).collect();
    all.extend(lines.iter().cloned());
    all.sort();
    all.iter().map(|(at, line)| format!("{} {line}\n", stamp(*at))).collect()
}

fn analyze(text: &str) -> Report {
    let files = [("node-a/journalctl.txt", text), ("node-a/date.txt", "Sun Jul 23 20:00:00 UTC 2023\n")];
    common::report_with(RULES, &files)
}

fn halted(report: &Report) -> Vec<&Symptom> {
    report.symptoms.iter().filter(|it| it.symptom == "halted").collect()
}

/// From when, how many, and whether a cause has them.
fn told(report: &Report) -> Vec<(String, u64, bool)> {
    let at = |it: &Symptom| it.at.lo.as_deref().unwrap_or_default()[11..19].to_owned();
    halted(report).into_iter().map(|it| (at(it), it.count, !it.explained_by.is_empty())).collect()
}

fn halts(from: u32, times: u32, every: u32) -> impl Iterator<Item = (u32, String)> {
    (0..times).map(move |it| (from + it * every, "containerd[812]: testtick halt".to_owned()))
}

const HOUR: u32 = 3600;

fn cause(at: u32) -> (u32, String) {
    (at, "containerd[812]: testtick cause".to_owned())
}

#[test]
fn a_line_of_the_morning_is_not_the_beginning_of_the_afternoon() {
    let mut lines: Vec<(u32, String)> = halts(HOUR, 1, 1).collect();
    lines.push(cause(7 * HOUR));
    lines.extend(halts(7 * HOUR + 60, 40, 10));
    let report = analyze(&journal(&lines));
    // the first is not explained by what came six hours later, the others are
    assert_eq!(told(&report), [("09:00:00".to_owned(), 1, false), ("15:01:00".to_owned(), 40, true)]);
    let breaks = report.hypotheses.iter().find(|it| it.rule == "breaks").expect("the cause");
    let step = breaks.chain.iter().find(|it| it.clause == "halted").expect("its effect");
    assert_eq!((step.order, step.count), (Some(Order::Before), 40), "the cause is seen before it");
}

#[test]
fn what_comes_at_its_usual_distance_is_one() {
    // once an hour, all day
    let hourly: Vec<(u32, String)> = halts(0, 11, HOUR).collect();
    assert_eq!(told(&analyze(&journal(&hourly))), [("08:00:00".to_owned(), 11, false)]);
    // less than an hour of quiet
    let near: Vec<(u32, String)> = halts(HOUR, 9, 1).chain(halts(HOUR + 3000, 9, 1)).collect();
    assert_eq!(told(&analyze(&journal(&near))).len(), 1);
    // of two nobody knows what is usual, up to a quarter of a day
    let two = |apart: u32| analyze(&journal(&halts(600, 2, apart).collect::<Vec<_>>()));
    assert_eq!((told(&two(5 * HOUR)).len(), told(&two(7 * HOUR)).len()), (1, 2));
}

#[test]
fn only_what_is_proved_to_be_quiet_parts_them() {
    let mut lines: Vec<(u32, String)> = halts(HOUR, 5, 10).chain(halts(7 * HOUR, 5, 10)).collect();
    assert_eq!(told(&analyze(&journal(&lines))).len(), 2);
    // lines of the runtime were lost in between
    let lost = "systemd-journald[300]: Suppressed 900 messages from containerd.service".to_owned();
    lines.push((3 * HOUR, lost));
    assert_eq!(told(&analyze(&journal(&lines))), [("09:00:00".to_owned(), 10, false)]);
    // thousands: of those that were left out for memory nobody knows where they stood, and none is lost from the count
    let many: Vec<(u32, String)> =
        halts(HOUR, 3, 10).chain((0..6000).flat_map(|it| halts(8 * HOUR + it, 1, 1))).collect();
    let counts = told(&analyze(&journal(&many)));
    assert_eq!(counts.iter().map(|it| it.1).sum::<u64>(), 6003, "{counts:?}");
}
