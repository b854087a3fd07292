//! What the rules answered.

use super::*;

const LONG: &str = r#"{"metric":{"__name__":"container_threads","node":"node-07","pod":"order-sync"},"values":[[1773525600,"2100"],[1773525630,"2100"],[1773525660,"2104"],[1773525690,"2110"],[1773525720,"2207"],[1773525750,"2390"],[1773525780,"3310"],[1773525810,"9001"],[1773525840,"14022"],[1773525870,"21870"],[1773525900,"33870"],[1773525930,"41870"],[1773525960,"41870"]]}"#;

pub(super) fn pid_max() -> Hypothesis {
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

pub(super) fn losers() -> Vec<Hypothesis> {
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

pub(super) fn ruled_out() -> Vec<Hypothesis> {
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

pub(super) fn symptom(symptom: &str, title: &str, at: Instant, count: u64, by: Vec<HypothesisRef>) -> Symptom {
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
