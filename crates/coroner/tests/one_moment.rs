//! What was seen once and is over names no cause, and what somebody quotes was not seen at all.

mod common;

use coroner::report::{Answer, Band, Hypothesis, Report};

const RULES: &[(&str, &str)] = &[
    (
        "signal.yaml",
        "
signal: tick
about: A line made for these tests.
match:
  - { from: [kernel, kubelet, runtime, system, container-log], any: ['testtick'], regex: 'testtick (?P<who>\\w+)' }
samples: ['testtick a']
not_samples: ['test tick']
",
    ),
    (
        "cause.yaml",
        "
rule: ticks
title: 'something ticks on {$node}'
impact: none
let:
  tick: { signal: tick, node: $node, who: cause, at: $t }
  again: { absent: tick, node: $node, who: other, within: 20m after $t }
frame: [tick]
for:
  - { when: tick, weight: WEIGHT }
  - { when: again, weight: weak }
chain: [tick, halted]
explains: [halted]
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

/// A journal from 20:00 to the minute given, with a line of somebody every minute, and lines of the test within it.
fn journal(until_min: u32, lines: &[(u32, &str)]) -> String {
    let stamp = |secs: u32| format!("Jul 23 {:02}:{:02}:{:02} node-a", 20 + secs / 3600, secs / 60 % 60, secs % 60);
    let mut all: Vec<(u32, String)> = (0..until_min).map(|at| (at * 60, format!("sshd[9]: session {at}"))).collect();
    // the kernel, the runtime and the kubelet are heard at the beginning only
    all.push((1, "kernel: IPVS: Creating netns size=2104 id=812".to_owned()));
    all.push((2, "containerd[812]: ready".to_owned()));
    all.push((2, "kubelet[2877]: I0723 20:00:02.117310    2877 kubelet.go:1883] SyncLoop (ADD, \"api\")".to_owned()));
    all.extend(lines.iter().map(|(at, line)| (*at, (*line).to_owned())));
    all.sort();
    all.iter().map(|(at, line)| format!("{} {line}\n", stamp(*at))).collect()
}

fn report(weight: &str, until_min: u32, lines: &[(u32, &str)]) -> Report {
    let rules: Vec<(&str, String)> = RULES.iter().map(|(name, text)| (*name, text.replace("WEIGHT", weight))).collect();
    let rules: Vec<(&str, &str)> = rules.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let text = journal(until_min, lines);
    let files = [("node-a/journalctl.txt", text.as_str()), ("node-a/date.txt", "Sun Jul 23 23:59:00 UTC 2023\n")];
    common::report_with(&rules, &files)
}

fn ticks(report: &Report) -> &Hypothesis {
    let all = report.hypotheses.iter().chain(&report.ruled_out);
    all.into_iter().find(|it| it.rule == "ticks").expect("the frame is there")
}

/// The band, and what the moment costs.
fn band(weight: &str, until_min: u32, lines: &[(u32, &str)]) -> (Band, Option<String>) {
    let report = report(weight, until_min, lines);
    let own = ticks(&report);
    let moment = own.evidence.iter().find(|it| it.clause == "one-moment");
    // the weak item beside it falls with it
    assert!(moment.is_none_or(|it| it.weight_db == -13.0 && it.text.is_some()), "{moment:?}");
    (own.band, moment.map(|it| it.why.clone()))
}

const ONCE: (u32, &str) = (3600, "containerd[812]: testtick cause");

#[test]
fn what_was_seen_once_and_is_over_names_no_cause() {
    let (named, why) = band("strong", 180, &[ONCE]);
    assert!(named < Band::Possible, "{named:?}");
    assert_eq!(why.as_deref(), Some("it was seen once, and the log goes on for 30 min and more without it"));
    let (named, why) = band("moderate", 180, &[ONCE, (3640, "containerd[812]: testtick cause")]);
    assert!(named < Band::Possible, "{named:?}");
    assert_eq!(
        why.as_deref(),
        Some("it was seen 2 times within 40 s, and the log goes on for 30 min and more without it")
    );
}

#[test]
fn what_lasts_or_comes_often_or_may_still_go_on_does() {
    // the log ends twenty minutes later
    assert_eq!(band("moderate", 80, &[ONCE]), (Band::Possible, None));
    // twice, half an hour apart
    assert_eq!(band("moderate", 180, &[ONCE, (5400, "containerd[812]: testtick cause")]), (Band::Possible, None));
    // four times in a minute
    let often: Vec<(u32, &str)> = (0..4).map(|it| (3600 + it * 10, "containerd[812]: testtick cause")).collect();
    assert_eq!(band("moderate", 180, &often), (Band::Possible, None));
    // a log with a hole: nobody knows
    let mut lines = vec![ONCE];
    lines.push((3700, "systemd-journald[300]: Suppressed 900 messages from containerd.service"));
    assert_eq!(band("moderate", 180, &lines).1, None);
}

#[test]
fn what_is_stated_once_for_all_or_has_effects_does() {
    assert_eq!(band("strong", 180, &[(3600, "kernel: testtick cause")]).1, None);
    assert_eq!(band("strong", 180, &[(3600, "mdadm[700]: testtick cause")]).1, None);
    assert_eq!(band("conclusive", 180, &[ONCE]).1, None);
    // of the kernel, too, what is no more than a hint has to come again
    assert!(band("moderate", 180, &[(3600, "kernel: testtick cause")]).1.is_some());
    // a symptom that begins later follows, one that was there before does not
    assert_eq!(band("moderate", 180, &[ONCE, (3900, "containerd[812]: testtick halt")]), (Band::Possible, None));
    let before = [(3000, "containerd[812]: testtick halt"), ONCE, (3900, "containerd[812]: testtick halt")];
    assert!(band("moderate", 180, &before).0 < Band::Possible);
}

/// One file holds what all say: who is silent in it while others speak is silent, not missing.
#[test]
fn a_speaker_that_falls_silent_in_a_shared_log_was_collected() {
    let of = |until_min| {
        let report = report("moderate", until_min, &[(60, "containerd[812]: testtick cause")]);
        ticks(&report).evidence.iter().find(|it| it.clause == "again").expect("it is weighed").value
    };
    // the runtime was last heard in the second minute
    assert_eq!(of(180), Answer::True);
    assert_eq!(of(10), Answer::Unknown);
}

#[test]
fn what_somebody_quotes_was_not_seen() {
    let frames = |line: &str| {
        let report = report("conclusive", 180, &[(3600, line)]);
        report.hypotheses.iter().chain(&report.ruled_out).any(|it| it.rule == "ticks")
    };
    assert!(!frames("helpdesk[77]: ticket 4: customer reports 'testtick cause' since noon"));
    assert!(!frames("sudo[77]: anna : COMMAND=/usr/bin/grep 'testtick cause' /var/log/syslog"));
    assert!(frames("helpdesk[77]: testtick cause"));
    assert!(frames("helpdesk[77]: msg=\"cannot store\" err=\"testtick cause\""));
    // the parts of the platform hand on what they were told
    assert!(frames("containerd[812]: test said 'testtick cause'"));
}

/// What is not so is told with the number that was asked for and the one that was seen.
#[test]
fn what_is_not_there_is_told_with_its_number() {
    const COUNTING: &str = "
rule: counting
title: 'something ticks often on {$node}'
impact: none
let:
  tick: { signal: tick, node: $node, who: cause, at: $t }
  often: { signal: tick, node: $node, who: cause, count: '>= 3 in 20m' }
  queue: { fact: sysctl, node: $node, key: net.core.somaxconn, value: $queue }
  small: { fact: sysctl, node: $node, key: net.core.somaxconn, value: '< 128' }
frame: [tick]
for:
  - { when: tick, weight: strong, why: 'it ticks' }
  - { when: often, weight: moderate, why: 'it did so {often.count} times' }
  - { when: '$queue <= 64', weight: weak, why: 'net.core.somaxconn is {$queue}' }
  - { when: small, weight: weak, why: 'the queue holds {small.value}' }
";
    let text = journal(180, &[ONCE, (9000, "containerd[812]: testtick cause")]);
    let files = [
        ("node-a/journalctl.txt", text.as_str()),
        ("node-a/sysctl_-a.txt", "net.core.somaxconn = 4096\nkernel.pid_max = 32768\n"),
    ];
    let report = common::report_with(&[("signal.yaml", RULES[0].1), ("counting.yaml", COUNTING)], &files);
    let own = report.hypotheses.iter().find(|it| it.rule == "counting").expect("it ticks");
    let denied: Vec<&str> =
        own.evidence.iter().filter(|it| it.value == Answer::False).map(|it| it.why.as_str()).collect();
    let expected = [
        "a line made for these tests at least 3 times within 20 min (only once)",
        "$queue <= 64 ($queue is 4096)",
        "sysctl with value < 128 (it is 4096)",
    ];
    assert_eq!(denied, expected);
}
