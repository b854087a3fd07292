//! Several causes, one cause in many places, and what follows from what.

mod common;

use std::path::Path;

use coroner::Verdict;
use coroner::report::{Answer, Band, Hypothesis, Report};

fn bundle_of(incident: &str) -> Vec<(String, Vec<u8>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    common::files(&corpus.join(incident).join("bundle"))
}

fn analyze(files: &[(String, Vec<u8>)]) -> Report {
    let packed = common::tar_gz(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    coroner::Analyzer::new().bytes("bundle.tar.gz", packed).analyze().expect("plain files open")
}

fn confident(report: &Report) -> Vec<&Hypothesis> {
    report.hypotheses.iter().filter(|it| it.band >= Band::Likely).collect()
}

#[test]
fn two_incidents_in_one_case_are_both_named() {
    let mut files = bundle_of("thread-leak-pid-max");
    // the nodes of the other incident have other names
    files.extend(bundle_of("aufs-kernel-bug").into_iter().map(|(name, bytes)| (format!("second/{name}"), bytes)));
    let report = analyze(&files);
    let named: Vec<&str> = confident(&report).iter().map(|it| it.rule.as_str()).collect();
    assert!(named.contains(&"pid-max-exhausted") && named.contains(&"kernel-bug-aufs"), "{named:?}");
    // each symptom has one cause, and the cause is of the same node
    for symptom in report.symptoms.iter().filter(|it| !it.nodes.is_empty()) {
        for by in &symptom.explained_by {
            let cause = report.hypotheses.iter().find(|it| Some(it.rank) == by.rank).expect("in the list");
            assert!(cause.nodes.iter().any(|it| symptom.nodes.contains(it)), "{} by {}", symptom.title, cause.title);
        }
        assert!(symptom.explained_by.len() <= 1, "{}", symptom.title);
    }
}

const CRASH: &str = "\
Jun 14 13:10:30 NODE systemd[1]: Started Session 4 of user root.
Jun 14 13:14:38 NODE kernel: ------------[ cut here ]------------
Jun 14 13:14:38 NODE kernel: kernel BUG at /build/linux-SwhOyu/linux-4.4.0/include/linux/fs.h:2582!
-- Reboot --
Jun 14 13:15:06 NODE kernel: Initializing cgroup subsys cpuset
Jun 14 13:15:07 NODE systemd[1]: Started Journal Service.
";
const UNAME: &str = "Linux NODE 4.4.0-104-generic #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017 x86_64 GNU/Linux\n";

fn crashed(nodes: usize) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![("date.txt".to_owned(), b"Sun Jun 14 14:00:00 UTC 2020\n".to_vec())];
    for at in 0..nodes {
        let node = format!("node-{at:02}");
        for (name, text) in [("journalctl.txt", CRASH), ("uname_-a.txt", UNAME)] {
            files.push((format!("{node}/{name}"), text.replace("NODE", &node).into_bytes()));
        }
    }
    files
}

#[test]
fn one_fault_on_many_nodes_is_one_hypothesis() {
    let report = analyze(&crashed(12));
    let of: Vec<&Hypothesis> = report.hypotheses.iter().filter(|it| it.rule == "kernel-bug-aufs").collect();
    assert_eq!(of.len(), 1, "{:?}", of.iter().map(|it| &it.title).collect::<Vec<_>>());
    assert_eq!(of[0].nodes.len(), 12);
    assert!(of[0].title.starts_with("12 nodes (node-00, node-01, node-02, …)"), "{}", of[0].title);
    assert!(of[0].evidence.iter().any(|it| it.node.as_deref() == Some("node-11")), "each node has a line");
    assert_eq!(report.verdict, Verdict::Explained);
    assert!(report.symptoms.iter().all(|it| it.explained_by.len() == 1), "every reboot is explained");

    // two are still told apart, and do not compete
    let two = analyze(&crashed(2));
    let of: Vec<Band> = two.hypotheses.iter().filter(|it| it.rule == "kernel-bug-aufs").map(|it| it.band).collect();
    assert!(of.len() == 2 && of.iter().all(|it| *it >= Band::Likely), "{of:?}");
}

#[test]
fn the_known_bug_and_its_fix_are_named() {
    let report = analyze(&crashed(1));
    let bug = &report.hypotheses[0].known_bugs[0];
    assert_eq!((bug.fixed.as_deref(), bug.fixed_on.as_deref()), (Some("4.4.0-186.216"), Some("2020-07-22")));
    assert_eq!(bug.version.as_deref(), Some("4.4.0-104-generic"));
    assert!(bug.ids.iter().any(|it| it == "LP#1873074") && bug.affected == Answer::True, "{bug:?}");
}

/// Rules of a made-up machine: oil leaks, then the pump fails, then it gets hot, then it stops.
const CHAIN: &[(&str, &str)] = &[
    (
        "signal.yaml",
        "
signal: machine
about: A line of a made-up machine.
match:
  - { from: [kernel], any: ['machine'], regex: 'machine: (?P<what>\\S+)' }
samples: ['machine: leak']
not_samples: ['a machine without a colon']
",
    ),
    (
        "leak.yaml",
        "
rule: leak
title: 'oil leaks on {$node}'
impact: none
let:
  leak: { signal: machine, node: $node, what: leak, at: $t }
frame: [leak]
for: [{ when: leak, weight: strong }]
explains: [pump-failed after 1m within 1h]
",
    ),
    (
        "pump.yaml",
        "
rule: pump-failed
title: 'the pump of {$node} fails'
impact: none
let:
  pump: { signal: machine, node: $node, what: pump, at: $t }
  noise: { signal: machine, node: $node, what: noise }
frame: [pump]
for:
  - { when: pump, weight: conclusive }
  - { when: noise, weight: strong }
explains: [hot]
",
    ),
    (
        "gremlins.yaml",
        "
rule: gremlins
title: 'gremlins on {$node}'
impact: none
let:
  gremlins: { signal: machine, node: $node, what: gremlins, at: $t }
frame: [gremlins]
for: [{ when: gremlins, weight: strong }]
explains: [stopped]
",
    ),
    (
        "hot.yaml",
        "
symptom: hot
title: '{$node} is hot'
impact: none
let:
  hot: { signal: machine, node: $node, what: hot, at: $t }
frame: [hot]
explains: [stopped after 30s within 1h]
",
    ),
    (
        "stopped.yaml",
        "
symptom: stopped
title: '{$node} stopped'
impact: none
let:
  stopped: { signal: machine, node: $node, what: stopped, at: $t }
frame: [stopped]
",
    ),
];

fn machine(lines: &str) -> Report {
    let log: String = lines
        .split(", ")
        .map(|it| it.split_once(' ').expect("time and word"))
        .map(|(time, what)| format!("Jul 23 {time} node-a kernel: machine: {what}\n"))
        .collect();
    let files = [("date.txt", "Sun Jul 23 23:00:00 UTC 2023\n"), ("node-a/journalctl.txt", log.as_str())];
    common::report_with(CHAIN, &files)
}

fn names(report: &Report) -> Vec<&str> {
    report.hypotheses.iter().map(|it| it.rule.as_str()).collect()
}

#[test]
fn the_first_cause_takes_in_what_follows_from_it() {
    let report = machine("22:00:00 leak, 22:10:00 pump, 22:12:00 hot, 22:15:00 stopped");
    assert_eq!(names(&report), ["leak"], "the pump fails for lack of oil");
    assert_eq!(report.hypotheses[0].includes[0].rule, "pump-failed");
    assert_eq!(report.verdict, Verdict::Explained, "through pump and heat to the stop");
    let stopped = report.symptoms.iter().find(|it| it.symptom == "stopped").expect("seen");
    assert_eq!(stopped.follows.as_ref().map(|it| it.symptom.as_str()), Some("hot"));
}

#[test]
fn an_effect_before_its_cause_is_none() {
    let report = machine("22:10:00 pump, 22:12:00 hot, 22:40:00 leak");
    assert_eq!(names(&report)[0], "pump-failed");
    assert!(report.hypotheses.iter().all(|it| it.caused_by.is_none()));
    // nor is one that comes sooner than it can
    let report = machine("22:00:00 hot, 22:00:10 stopped");
    assert!(report.symptoms.iter().all(|it| it.follows.is_none()), "it takes half a minute to stop");
    assert_eq!(report.unexplained.len(), 2);
}

#[test]
fn what_follows_from_an_unexplained_symptom_is_no_second_riddle() {
    let report = machine("22:12:00 hot, 22:15:00 stopped");
    assert_eq!(report.unexplained.len(), 1);
    assert_eq!(report.unexplained[0].symptom, "hot");
}

#[test]
fn what_one_cause_explains_speaks_for_no_other() {
    let report = machine("22:10:00 pump, 22:11:00 noise, 22:12:00 hot, 22:14:00 gremlins, 22:15:00 stopped");
    assert_eq!(names(&report)[0], "pump-failed");
    let gremlins = report.hypotheses.iter().find(|it| it.rule == "gremlins").expect("named");
    assert!(gremlins.band < Band::Likely && gremlins.explains.is_empty(), "{:?}", gremlins.band);
}

#[test]
fn what_the_outcome_hangs_on_is_said() {
    let report = machine("22:10:00 pump, 22:12:00 hot");
    let pump = &report.hypotheses[0];
    let without = pump.decisive.iter().find(|it| it.clause == "pump").expect("it is the only evidence");
    assert_eq!((without.supposed, without.band < pump.band), (Answer::Unknown, true));
}

#[test]
fn a_trace_says_clause_by_clause_why_out_of_memory_loses() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/aufs-kernel-bug/bundle");
    let analyzer = coroner::Analyzer::new().input(corpus);
    let trace = analyzer.trace("host-oom").expect("it opens").expect("there is such a rule");
    let way = &trace.ways[0];
    for clause in &way.clauses {
        let said = !clause.cited.is_empty() || !clause.reason.is_empty();
        assert!(said, "{} is {:?} and says not why", clause.name, clause.value);
        assert!(clause.cited.iter().all(|it| it.line > 0 && !it.file.is_empty()));
    }
    assert!(way.rank != Some(1) && (way.why.is_some() || !trace.framed), "{way:?}");

    let first = analyzer.trace("kernel-bug-aufs").expect("it opens").expect("there is such a rule");
    let way = &first.ways[0];
    assert_eq!((first.framed, way.rank, way.why.as_deref()), (true, Some(1), None));
    let sum: f64 = way.items.iter().map(|it| it.added_db).sum();
    assert!((sum + way.order_db + way.prior_db - way.score_db).abs() < 1e-9, "what was added is the score");
    let source = way.clauses.iter().find(|it| it.name == "source").expect("a clause");
    assert!(source.value == Answer::True && source.cited[0].text.contains("fs.h:2582"), "{source:?}");
    assert!(analyzer.trace("nobody").expect("it opens").is_none());
}
