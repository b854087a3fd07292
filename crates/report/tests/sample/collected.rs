//! What was in the bundle, and whose it was.

use super::*;

pub(super) fn coverage() -> Coverage {
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
        gaps_count: 1,
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

pub(super) fn nodes() -> Vec<Node> {
    vec![
        Node { name: "node-07".into(), aliases: strings(&["10.0.0.7", "node-07.example.net"]) },
        Node { name: "node-08".into(), aliases: vec![] },
    ]
}

pub(super) fn clocks() -> Vec<Clock> {
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

pub(super) fn clock_findings() -> ClockFindings {
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

pub(super) fn boots() -> Vec<Boot> {
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
