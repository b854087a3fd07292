//! Reports written by hand: one that has everything, one without a cause, one of a healthy cluster.

use std::collections::BTreeMap;

use coroner_report::*;

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

const LONG: &str = r#"{"metric":{"__name__":"container_threads","node":"node-07","pod":"order-sync"},"values":[[1773525600,"2100"],[1773525630,"2100"],[1773525660,"2104"],[1773525690,"2110"],[1773525720,"2207"],[1773525750,"2390"],[1773525780,"3310"],[1773525810,"9001"],[1773525840,"14022"],[1773525870,"21870"],[1773525900,"33870"],[1773525930,"41870"],[1773525960,"41870"]]}"#;

fn pid_max() -> Hypothesis {
    Hypothesis {
        rank: 1,
        rule: "pid-max-exhausted".into(),
        title: "node-07 ran out of process IDs (kernel.pid_max = 49152)".into(),
        band: Band::Confirmed,
        score_db: 33.333_333,
        confidence: 0.974_2,
        nodes: strings(&["node-07"]),
        bindings: BTreeMap::from([("max".into(), "49152".into()), ("who".into(), "order-sync".into())]),
        start: at("22:00:14", "22:00:44"),
        end: at("22:13:40", "22:13:41"),
        impact: "Nothing on the node can fork; exec probes fail, agents restart, routing peers drop.".into(),
        tied_with: vec![],
        known_bugs: vec![KnownBug {
            bug: "ubuntu-44-spurious-oom".into(),
            title: "allocations of several pages call the OOM killer although memory is free".into(),
            component: "kernel".into(),
            version: some("4.4.0-59-generic"),
            affected: Answer::True,
            ids: strings(&["LP#1655842"]),
            fixed: some("4.4.0-63"),
            fixed_on: some("2017-02"),
            workaround: some("boot an older kernel"),
            refs: strings(&["https://bugs.launchpad.net/bugs/1655842"]),
        }],
        decisive: vec![
            Decisive {
                clause: "leaker".into(),
                value: Answer::True,
                supposed: Answer::Unknown,
                band: Band::Possible,
                first: some("bgp-session-lost"),
            },
            Decisive {
                clause: "total".into(),
                value: Answer::Unknown,
                supposed: Answer::True,
                band: Band::Likely,
                first: None,
            },
        ],
        chain: vec![
            Link {
                clause: "leaker".into(),
                text: "threads of pod shop/order-sync rise from 2100 to 41870".into(),
                at: at("22:00:14", "22:00:44"),
                order: None,
                file: some("metrics/container_threads.json"),
                line: Some(17),
                ..Link::default()
            },
            Link {
                clause: "refused".into(),
                text: "the kubelet cannot create a thread".into(),
                at: at("22:09:02", "22:09:03"),
                order: Some(Order::Before),
                file: some("node-07/journal_kubelet.txt"),
                line: Some(20411),
                ..Link::default()
            },
            Link {
                clause: "peer".into(),
                text: "BGP peer 10.0.7.1 down".into(),
                at: guessed("22:09:10", 2),
                order: Some(Order::Unknown),
                count: 2,
                file: some("support-bundle.tar.gz!/var/log/pods/kube-system_calico-node-x7k2p_0a4e/calico-node/0.log"),
                line: Some(771),
                quote: some("bird: Node_10_0_7_1: \x1b[31mState changed to down\x1b[0m\x07"),
            },
        ],
        evidence: vec![
            Evidence {
                clause: "leaker".into(),
                polarity: Polarity::For,
                value: Answer::True,
                weight_db: 10.0,
                why: "order-sync grew to 41870 threads".into(),
                count: 1,
                file: some("metrics/container_threads.json"),
                line: Some(17),
                text: some(LONG),
                at: at("22:00:14", "22:00:44"),
                node: some("node-07"),
            },
            Evidence {
                clause: "refused".into(),
                polarity: Polarity::For,
                value: Answer::True,
                weight_db: 10.0,
                why: "a thread was refused".into(),
                count: 313,
                file: some("node-07/journal_kubelet.txt"),
                line: Some(20411),
                text: some(
                    "Mar 14 22:09:02 node-07 kubelet[812]: runtime: failed to create new OS thread (have 5 already; errno=11)",
                ),
                at: at("22:09:02", "22:09:03"),
                node: some("node-07"),
            },
            Evidence {
                clause: "peer".into(),
                polarity: Polarity::For,
                value: Answer::True,
                weight_db: 3.0,
                why: "a routing peer dropped".into(),
                count: 2,
                file: some("support-bundle.tar.gz!/var/log/pods/kube-system_calico-node-x7k2p_0a4e/calico-node/0.log"),
                line: Some(771),
                text: some("bird: Node_10_0_7_1: \x1b[31mState changed to down\x1b[0m\x07"),
                at: guessed("22:09:10", 2),
                node: some("node-07"),
            },
            Evidence {
                clause: "total".into(),
                polarity: Polarity::For,
                value: Answer::True,
                weight_db: 10.0,
                why: "threads of all containers reached 46210, 94 % of pid_max".into(),
                count: 4,
                file: some("metrics/container_threads.json"),
                line: Some(2),
                text: some("46210"),
                at: at("22:08:51", "22:08:51"),
                node: some("node-07"),
            },
            Evidence {
                clause: "limit".into(),
                polarity: Polarity::Context,
                value: Answer::True,
                weight_db: 0.0,
                why: "kernel.pid_max is 49152".into(),
                count: 1,
                file: some("node-07/sysctl_-a.txt"),
                line: Some(812),
                text: some("kernel.pid_max = 49152"),
                at: Instant::default(),
                node: some("node-07"),
            },
            Evidence {
                clause: "forks".into(),
                polarity: Polarity::For,
                value: Answer::False,
                weight_db: -1.0,
                why: "a rising fork rate".into(),
                count: 0,
                ..Evidence::default()
            },
            Evidence {
                clause: "podlimit".into(),
                polarity: Polarity::Against,
                value: Answer::False,
                why: "a pids limit of the pod's cgroup".into(),
                ..Evidence::default()
            },
            Evidence {
                clause: "ulimit".into(),
                polarity: Polarity::Against,
                value: Answer::Unknown,
                why: "a limit per user".into(),
                ..Evidence::default()
            },
        ],
        missing: vec![Missing {
            clause: "processes".into(),
            node: some("node-07"),
            collect: "node_exporter --collector.processes, or: ps -eLf | wc -l".into(),
            reason: "no host-wide count of threads was collected".into(),
            would_add_db: 20.0,
        }],
        explains: vec![
            SymptomRef {
                symptom: "exec-probe-failed".into(),
                nodes: strings(&["node-07"]),
                title: "exec probes fail on node-07".into(),
            },
            SymptomRef {
                symptom: "bgp-peer-down".into(),
                nodes: strings(&["node-07"]),
                title: "BGP peer 10.0.7.1 of node-07 is down".into(),
            },
        ],
        caused_by: None,
        includes: vec![HypothesisRef {
            rank: Some(2),
            rule: "bgp-session-lost".into(),
            title: "node-07 lost its BGP session with 10.0.7.1".into(),
            band: Band::Likely,
        }],
        why_not_first: None,
        ruled_out_by: None,
        witness: Witness::Agrees,
        fix: Fix {
            now: strings(&["restart shop/order-sync", "sysctl -w kernel.pid_max=4194304"]),
            later: strings(&["set podPidsLimit in the kubelet", "alert at 80 % of kernel.pid_max"]),
        },
        refs: strings(&["https://www.kernel.org/doc/html/latest/admin-guide/sysctl/kernel.html#pid-max"]),
    }
}

fn losers() -> Vec<Hypothesis> {
    vec![
        Hypothesis {
            rank: 2,
            rule: "bgp-session-lost".into(),
            title: "node-07 lost its BGP session with 10.0.7.1".into(),
            band: Band::Likely,
            score_db: 12.0,
            caused_by: Some(HypothesisRef {
                rank: Some(1),
                rule: "pid-max-exhausted".into(),
                title: "node-07 ran out of process IDs (kernel.pid_max = 49152)".into(),
                band: Band::Confirmed,
            }),
            ..Hypothesis::default()
        },
        Hypothesis {
            rank: 3,
            rule: "calico-node-crash-loop".into(),
            tied_with: vec![2],
            title: "calico-node crash-loops on node-07 for a reason of its own, which its container log would show"
                .into(),
            band: Band::Possible,
            score_db: 4.0,
            why_not_first: Some(Reason {
                why: "its restarts begin after threads were refused".into(),
                file: some("node-07/journal_kubelet.txt"),
                line: Some(20498),
                text: some(
                    "Mar 14 22:09:10 node-07 kubelet[812]: Liveness probe for \"calico-node\" failed: fork/exec /bin/calico-node: resource temporarily unavailable",
                ),
            }),
            witness: Witness::Differs,
            ..Hypothesis::default()
        },
    ]
}

fn ruled_out() -> Vec<Hypothesis> {
    vec![Hypothesis {
        rank: 4,
        rule: "host-out-of-memory".into(),
        title: "node-07 ran out of memory".into(),
        band: Band::RuledOut,
        score_db: -20.0,
        evidence: vec![Evidence {
            clause: "free".into(),
            polarity: Polarity::Against,
            value: Answer::True,
            weight_db: -20.0,
            why: "61 GB were free when threads were refused".into(),
            count: 1,
            file: some("node-07/meminfo"),
            line: Some(3),
            text: some("MemAvailable:   64013312 kB"),
            ..Evidence::default()
        }],
        ruled_out_by: some("free"),
        ..Hypothesis::default()
    }]
}

fn symptom(symptom: &str, title: &str, at: Instant, count: u64, by: Vec<HypothesisRef>) -> Symptom {
    Symptom {
        symptom: symptom.into(),
        title: title.into(),
        nodes: strings(&["node-07"]),
        at,
        count,
        explained_by: by,
        follows: Some(SymptomRef { symptom: "probe-failed".into(), ..SymptomRef::default() }),
        ..Symptom::default()
    }
}

fn coverage() -> Coverage {
    Coverage {
        members: vec![
            Member {
                path: "node-07/journal_kubelet.txt".into(),
                format: some("journal-short"),
                node: some("node-07"),
                bytes: 2_100_417,
                lines: 20_611,
                understood: 20_609,
                odd_bytes: 93,
                outcome: MemberOutcome::Parsed,
                reason: None,
                truncated: some("the archive ends inside it"),
                first: at("21:00:00", "21:00:01"),
                last: at("22:13:40", "22:13:41"),
            },
            Member {
                path: "node-07/sysctl_-a.txt".into(),
                format: some("sysctl"),
                node: some("node-07"),
                bytes: 41_000,
                lines: 991,
                understood: 991,
                outcome: MemberOutcome::Parsed,
                ..Member::default()
            },
            Member {
                path: "node-07/\x1b]0;owned\x07.bin".into(),
                bytes: 5,
                reason: some("no format has bytes like these"),
                ..Member::default()
            },
            Member {
                path: "core.4711".into(),
                bytes: 900,
                outcome: MemberOutcome::Skipped,
                reason: some("larger than the limit for one file"),
                ..Member::default()
            },
        ],
        bytes: 2_142_322,
        bytes_understood: 2_141_324,
        bytes_odd: 93,
        bytes_not_recognised: 5,
        bytes_skipped: 900,
        lines: 21_602,
        understood: 21_600,
        sources: vec![
            LogSource {
                node: some("node-07"),
                source: "kubelet".into(),
                lines: 20_411,
                first: at("21:00:00", "21:00:01"),
                last: at("22:13:40", "22:13:41"),
                incomplete: some("journald suppressed 1512 lines"),
                file: "node-07/journal_kubelet.txt".into(),
            },
            LogSource {
                node: some("node-07"),
                source: "kernel".into(),
                lines: 200,
                first: at("21:00:00", "21:00:01"),
                last: at("22:10:12", "22:10:13"),
                incomplete: None,
                file: "node-07/journal_kubelet.txt".into(),
            },
        ],
        relations: vec![
            RelationSource {
                relation: "sysctl".into(),
                node: some("node-07"),
                incomplete: None,
                file: "node-07/sysctl_-a.txt".into(),
            },
            RelationSource {
                relation: "ipam.block".into(),
                node: None,
                incomplete: some("printed without --show-blocks"),
                file: "ipam.txt".into(),
            },
        ],
        gaps: vec![Gap {
            node: some("node-07"),
            source: "node_load1".into(),
            from: at("22:09:15", "22:09:15"),
            to: at("22:12:45", "22:12:45"),
            kind: "scrape".into(),
            what: "7 scrapes are missing".into(),
            file: "metrics/node_load1.json".into(),
            line: Some(12),
        }],
        failures: vec![CollectFailure {
            node: some("node-07"),
            what: "ss -peaonmi".into(),
            why: "the command was not run: required kmods missing".into(),
            file: "node-07/sos_logs/sos.log".into(),
            line: 421,
        }],
        issues: vec![
            Issue { file: "node-07/journal_kubelet.txt".into(), line: Some(20_611), what: "the line is cut".into() },
            Issue { file: "core.4711".into(), line: None, what: "not read".into() },
        ],
        issues_count: 3,
    }
}

fn nodes() -> Vec<Node> {
    vec![
        Node { name: "node-07".into(), aliases: strings(&["10.0.0.7", "node-07.example.net"]) },
        Node { name: "node-08".into(), aliases: vec![] },
    ]
}

fn clocks() -> Vec<Clock> {
    vec![
        Clock { keeper: "wall".into(), zone: "stated".into(), year: "stated".into(), ..Clock::default() },
        Clock {
            id: 1,
            node: some("node-07"),
            keeper: "wall".into(),
            offset_secs: 28_800,
            zone: "node".into(),
            zone_from: some("node-07/timedatectl"),
            year: "collected".into(),
            year_from: some("2026-03-15T08:00:00+08:00"),
            ..Clock::default()
        },
        Clock {
            id: 2,
            keeper: "wall".into(),
            zone: "assumed".into(),
            year: "stated".into(),
            early_secs: 50_400,
            late_secs: 43_200,
            ..Clock::default()
        },
        Clock {
            id: 3,
            node: some("node-08"),
            keeper: "kernel".into(),
            zone: "stated".into(),
            year: "stated".into(),
            ..Clock::default()
        },
        Clock {
            id: 4,
            node: some("node-08"),
            keeper: "dmesg".into(),
            zone: "neighbours".into(),
            year: "stated".into(),
            early_secs: 5,
            late_secs: 5,
            ..Clock::default()
        },
    ]
}

fn clock_findings() -> ClockFindings {
    let skew = |node: &str, ahead_secs: f64, used: &str, anchors: u32| Skew {
        node: node.into(),
        ahead_secs,
        least_secs: Some(ahead_secs),
        most_secs: Some(ahead_secs + 1.5),
        anchors,
        by: strings(&["kube-event"]),
        used: used.into(),
        file: some("events.json"),
        line: Some(12),
        text: some("message: Liveness probe failed"),
    };
    ClockFindings {
        skews: vec![
            skew("node-07", 0.2, "together", 41),
            skew("node-08", -31.5, "moved", 9),
            skew("node-09", 7.0, "widened", 1),
        ],
        steps: vec![ClockStep {
            node: some("node-08"),
            by_secs: 14_400.0,
            at: at("20:00:21", "20:00:22"),
            how: "journal".into(),
            moved: 680,
            file: "node-08/journal.txt".into(),
            line: 681,
            text: "Mar 14 20:00:21 node-08 systemd[1]: Time has been changed".into(),
        }],
        kernel_clocks: vec![KernelClock {
            node: some("node-08"),
            file: "node-08/dmesg".into(),
            zero: "2026-03-14T20:00:01.040Z".into(),
            drift_ppm: Some(-14.8),
            error_secs: 0.011,
            anchors: 229,
            by: strings(&["audit"]),
            stamps: 3921,
        }],
    }
}

fn boots() -> Vec<Boot> {
    vec![
        Boot {
            node: "node-08".into(),
            boot_id: some("4f1c0c3c8d3a4b5e9a1f2b3c4d5e6f70"),
            start: at("20:00:00", "20:00:01"),
            end: at("22:05:00", "22:05:01"),
            marker: some("-- Reboot --"),
            ended: BootEnd::Unclean,
            file: some("node-08/journal.txt"),
            line: Some(90_111),
            text: some("Mar 14 22:05:00 node-08 systemd[1]: Started Session 44 of user root."),
        },
        Boot { node: "node-08".into(), start: at("22:06:10", "22:06:11"), ended: BootEnd::Running, ..Boot::default() },
    ]
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
        coverage: Coverage { gaps: vec![], ..full.coverage },
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
