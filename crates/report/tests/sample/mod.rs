//! Reports written by hand: one that has everything, one without a cause, one of a healthy cluster.

use std::collections::BTreeMap;

use coroner_report::*;

mod answers;
mod collected;

use answers::{losers, pid_max, ruled_out, symptom};
use collected::{boots, clock_findings, clocks, coverage, nodes};

fn at(lo: &str, hi: &str) -> Instant {
    Instant { lo: Some(format!("2026-03-14T{lo}Z")), hi: Some(format!("2026-03-14T{hi}Z")), ..Instant::default() }
}

fn guessed(at: &str, clock: u32) -> Instant {
    Instant {
        lo: Some("2026-03-14T08:09:10Z".to_owned()),
        hi: Some("2026-03-15T10:09:11Z".to_owned()),
        read_as: Some(format!("2026-03-14T{at}Z")),
        clock: Some(clock),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|it| (*it).to_owned()).collect()
}

/// A report that fills every field at least once.
pub(crate) fn full() -> Report {
    let first = HypothesisRef {
        rank: Some(1),
        rule: "pid-max-exhausted".into(),
        title: "node-07 ran out of process IDs (kernel.pid_max = 49152)".into(),
        band: Band::Confirmed,
    };
    let open = SymptomRef {
        symptom: "unclean-reboot".into(),
        nodes: strings(&["node-08"]),
        title: "node-08 rebooted without a shutdown".into(),
    };
    let mut hypotheses = vec![pid_max()];
    hypotheses.extend(losers());
    let mut reboot =
        symptom("unclean-reboot", "node-08 rebooted without a shutdown", at("22:05:00", "22:06:11"), 1, vec![]);
    reboot.nodes = strings(&["node-08"]);
    reboot.bindings = BTreeMap::from([("node".into(), "node-08".into())]);
    reboot.last = reboot.at.clone();
    reboot.quotes = vec![Cited {
        file: "node-08/journal.txt".into(),
        line: 90_111,
        text: "Mar 14 22:05:00 node-08 systemd[1]: Started Session 44 of user root.".into(),
    }];
    Report {
        case: "support-bundle.tar.gz".into(),
        verdict: Verdict::Partly,
        nodes: nodes(),
        hypotheses,
        ruled_out: ruled_out(),
        not_assessable: vec![Looked {
            rule: "disk-latency".into(),
            what: "slow disks".into(),
            reason: "no disk metrics and no etcd log".into(),
        }],
        symptoms: vec![
            symptom(
                "exec-probe-failed",
                "exec probes fail on node-07",
                at("22:09:10", "22:09:11"),
                41,
                vec![first.clone()],
            ),
            symptom(
                "bgp-peer-down",
                "BGP peer 10.0.7.1 of node-07 is down",
                guessed("22:09:10", 2),
                2,
                vec![first.clone()],
            ),
            reboot,
        ],
        alerts: vec![Alert {
            name: "ManyThreads".into(),
            title: "order-sync has 41.87k threads".into(),
            node: Some("node-07".into()),
            labels: [("severity", "page"), ("node", "node-07")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
            annotations: [("summary".to_owned(), "order-sync has 41.87k threads".to_owned())].into(),
            expression: "sum by (node) (container_threads) > 40000".into(),
            for_secs: 300,
            at: at("22:03:00", "22:03:15"),
            last: at("22:09:00", "22:09:00"),
            times: 1,
            value: Some(41_870.0),
            quotes: vec![Cited {
                file: "metrics/container_threads.json".into(),
                line: 17,
                text: "[1784844180,\"41870\"]".into(),
            }],
            rule: "alerts.yaml:12".into(),
        }],
        unexplained: vec![open],
        cause_unknown: Some(CauseUnknown {
            looked_for: vec![Looked {
                rule: "host-out-of-memory".into(),
                what: "OOM kill on node-08".into(),
                reason: "its kernel log covers 20:00:00 to 22:05:00".into(),
            }],
            could_not_look: vec![Looked {
                rule: "kernel-bug".into(),
                what: "vmcore of node-08".into(),
                reason: "kdump is off".into(),
            }],
            closest: vec![HypothesisRef {
                rank: Some(4),
                rule: "host-out-of-memory".into(),
                title: "node-07 ran out of memory".into(),
                band: Band::RuledOut,
            }],
        }),
        collect_plan: vec![
            Collect {
                node: some("node-07"),
                collect: "ps -eLf | wc -l".into(),
                decides: strings(&["pid-max-exhausted"]),
                would_add_db: 20.0,
                expected_change: 0.31,
            },
            Collect {
                node: None,
                collect: "calicoctl ipam show --show-blocks".into(),
                decides: vec![],
                would_add_db: 6.0,
                expected_change: 0.0,
            },
        ],
        clocks: clocks(),
        clock_findings: clock_findings(),
        boots: boots(),
        coverage: coverage(),
        rules_checked: 96,
        limits_hit: vec![LimitHit {
            limit: "member-bytes".into(),
            what: "not read beyond 2 GB".into(),
            file: some("core.4711"),
        }],
        ..Report::default()
    }
}

/// Something is wrong and nobody knows why.
pub(crate) fn unknown() -> Report {
    let full = full();
    let mut plan = full.collect_plan.clone();
    plan[0] = Collect {
        node: some("node-08"),
        collect: "enable kdump, then collect /var/crash".into(),
        decides: strings(&["kernel-bug"]),
        would_add_db: 20.0,
        expected_change: 0.48,
    };
    Report {
        verdict: Verdict::Unknown,
        hypotheses: vec![Hypothesis {
            rank: 1,
            rule: "kernel-bug-unclassified".into(),
            title: "the kernel of node-08 stopped at a BUG".into(),
            band: Band::Possible,
            score_db: 2.0,
            chain: vec![Link {
                clause: "bug".into(),
                text: "one BUG record just before the log stops".into(),
                at: at("22:04:10", "22:05:01"),
                order: None,
                file: some("node-08/journal.txt"),
                line: Some(90_102),
                ..Link::default()
            }],
            evidence: vec![Evidence {
                clause: "bug".into(),
                polarity: Polarity::For,
                value: Answer::True,
                weight_db: 6.0,
                why: "a BUG record".into(),
                count: 1,
                file: some("node-08/journal.txt"),
                line: Some(90_102),
                text: some(
                    "kernel: ------------[ cut here ]------------\nkernel: kernel BUG at fs/inode.c:512!\nkernel: invalid opcode: 0000 [#1] SMP\nkernel: Modules linked in: overlay\nkernel: CPU: 3 PID: 77 Comm: dockerd\nkernel: Call Trace:\nkernel:  evict+0x10/0x20\nkernel:  iput+0x10/0x20",
                ),
                at: at("22:04:10", "22:05:01"),
                node: some("node-08"),
            }],
            witness: Witness::Differs,
            ..Hypothesis::default()
        }],
        ruled_out: vec![],
        not_assessable: vec![],
        alerts: vec![],
        symptoms: full.symptoms.iter().filter(|it| it.explained_by.is_empty()).cloned().collect(),
        cause_unknown: full.cause_unknown.map(|it| CauseUnknown {
            closest: vec![HypothesisRef {
                rank: Some(1),
                rule: "kernel-bug-unclassified".into(),
                title: "the kernel of node-08 stopped at a BUG".into(),
                band: Band::Possible,
            }],
            ..it
        }),
        collect_plan: plan,
        limits_hit: vec![],
        coverage: Coverage { gaps: vec![], gaps_count: 0, ..full.coverage },
        ..full
    }
}

/// Nothing is wrong.
pub(crate) fn healthy() -> Report {
    let full = full();
    Report {
        case: "healthy/".into(),
        verdict: Verdict::Healthy,
        alerts: vec![],
        nodes: full.nodes,
        clocks: full.clocks.into_iter().take(1).collect(),
        coverage: Coverage {
            members: full.coverage.members.into_iter().skip(1).take(1).collect(),
            sources: full.coverage.sources.into_iter().skip(1).collect(),
            relations: full.coverage.relations.into_iter().take(1).collect(),
            bytes: 41_000,
            bytes_understood: 41_000,
            lines: 991,
            understood: 991,
            ..Coverage::default()
        },
        rules_checked: 96,
        ..Report::default()
    }
}

/// The part of the full report about the bundle alone.
pub(crate) fn inspection() -> Inspection {
    let full = full();
    Inspection {
        schema: Inspection::SCHEMA.to_owned(),
        case: full.case,
        bundles: vec![Bundle {
            name: "support-bundle.tar.gz".into(),
            layout: "troubleshoot".into(),
            files: 214,
            parts: vec![BundlePart { folder: "copied/sosreport-node-08/".into(), layout: "sos".into() }],
        }],
        nodes: full.nodes,
        clocks: full.clocks,
        clock_findings: full.clock_findings,
        boots: full.boots,
        coverage: full.coverage,
        limits_hit: full.limits_hit,
    }
}

/// Over three days, with items of every kind more than once and sources that are incomplete in the same way.
pub(crate) fn crowded() -> Report {
    let on = |day: u32, time: &str| Instant {
        lo: Some(format!("2026-03-{day:02}T{time}Z")),
        hi: Some(format!("2026-03-{day:02}T{time}Z")),
        ..Instant::default()
    };
    let step = |text: &str, at: Instant, line: u32, quote: &str| Link {
        clause: text.split(' ').next().unwrap_or_default().into(),
        text: text.into(),
        at,
        count: 22,
        order: Some(Order::Before),
        file: some("bundle/metrics/threads.json"),
        line: Some(line),
        quote: some(quote),
    };
    let long = "Mar 16 00:00:40 node-07 kubelet[812]: fork/exec /usr/bin/runc: resource temporarily unavailable";
    let item = |polarity, value, why: &str| Evidence {
        clause: format!("a written form of {why}"),
        polarity,
        value,
        why: why.into(),
        ..Evidence::default()
    };
    let said = |text: &str, line: u32| Evidence {
        file: some("bundle/metrics/threads.json"),
        line: Some(line),
        text: some(long),
        ..item(Polarity::For, Answer::True, text)
    };
    let mut hypothesis = Hypothesis {
        chain: vec![
            step("threads rose from 2105 to 41884", on(14, "23:50:00"), 1, r#"[1773532200,"41884"]"#),
            step("refused a process", on(16, "00:00:40"), 7, long),
            step("probes fail", on(16, "00:00:41"), 7, long),
        ],
        evidence: vec![
            said("refused a process", 7),
            said("it hits daemons of the node", 7),
            item(Polarity::For, Answer::False, "the fork rate rose: looked for and not found"),
            item(Polarity::For, Answer::False, "the load rose: looked for and not found"),
            item(Polarity::Against, Answer::False, "a cgroup refused the fork: looked for and not found"),
            item(Polarity::Against, Answer::False, "no oom-killer line in the log: it is there"),
            item(Polarity::Against, Answer::Unknown, "a limit per user: no limits were collected"),
            item(Polarity::For, Answer::Unknown, "the host held 49000: no count was collected"),
            item(Polarity::For, Answer::Unknown, "the API server saw it: no audit log was collected"),
        ],
        missing: vec![
            Missing {
                clause: "host".into(),
                node: some("node-07"),
                collect: "on node-07: ps -eLf | wc -l".into(),
                reason: "no count was collected".into(),
                would_add_db: 20.0,
            },
            Missing {
                clause: "peak".into(),
                node: some("node-07"),
                collect: "on node-07: ps -eLf | wc -l".into(),
                reason: "no count was collected".into(),
                would_add_db: 6.0,
            },
            Missing {
                clause: "leaker".into(),
                node: some("node-07"),
                collect: r#"PromQL: topk(5, threads{node="node-07"})"#.into(),
                would_add_db: 10.0,
                ..Missing::default()
            },
        ],
        fix: Fix::default(),
        ..pid_max()
    };
    hypothesis.band = Band::Possible;
    let looked = |rule: &str, reason: &str| Looked { rule: rule.into(), what: rule.into(), reason: reason.into() };
    let unseen = vec![looked("kernel-bug", "no kernel log"), looked("cgroup-oom", "no kernel log")];
    let sources = ["default", "kube-system", "shop"].map(|it| LogSource {
        source: "k8s-event".into(),
        incomplete: Some(format!("only namespace {it}")),
        file: format!("bundle/namespaces/{it}/events.yaml"),
        ..LogSource::default()
    });
    let relations = ["a", "b", "c", "d", "e", "f"].map(|it| RelationSource {
        relation: format!("table.{it}"),
        incomplete: Some(format!("{it} was left out")),
        file: format!("bundle/{it}.txt"),
        ..RelationSource::default()
    });
    let members = sources.iter().map(|it| &it.file).chain(relations.iter().map(|it| &it.file));
    let members = members.map(|it| Member { path: it.clone(), ..Member::default() }).collect();
    Report {
        case: "bundle".into(),
        verdict: Verdict::Unknown,
        nodes: nodes(),
        hypotheses: vec![hypothesis],
        symptoms: vec![
            symptom(
                "load-high",
                "the load is high",
                on(14, "23:50:00"),
                1,
                vec![HypothesisRef { rank: Some(1), ..HypothesisRef::default() }],
            ),
            symptom(
                "probe-failed",
                "probes fail",
                on(16, "00:00:41"),
                1,
                vec![HypothesisRef { rank: Some(1), ..HypothesisRef::default() }],
            ),
        ],
        cause_unknown: Some(CauseUnknown {
            looked_for: vec![
                looked("nproc-limit", "looked for and not found"),
                looked("host-oom", "looked for and not found"),
            ],
            could_not_look: unseen.clone(),
            closest: vec![],
        }),
        not_assessable: unseen,
        collect_plan: vec![Collect { collect: "no kernel log".into(), ..Collect::default() }],
        coverage: Coverage { members, sources: sources.into(), relations: relations.into(), ..Coverage::default() },
        rules_checked: 96,
        ..Report::default()
    }
}
