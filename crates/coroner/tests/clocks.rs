//! What the built-in pack keeps of logs is enough to see that a clock is off.

mod common;

use coroner::report::Inspection;

fn inspected(files: &[(&str, String)]) -> Inspection {
    let packed = common::tar_gz(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    coroner::Analyzer::new().bytes("bundle.tar.gz", packed).inspect().unwrap_or_else(|error| panic!("{error}"))
}

/// The log of a member of etcd, as its container writes it: so many elections, seen so many seconds late.
fn etcd(member: &str, terms: u32, late: u32) -> String {
    let line = |minute: u32, message: String| {
        let at = format!("2024-01-31T10:{:02}:{:02}.100000Z", minute + late / 60, late % 60);
        let inner =
            format!("{{\"level\":\"info\",\"ts\":\"{at}\",\"caller\":\"raft/node.go:325\",\"msg\":\"{message}\"}}");
        format!("{} stderr F {inner}\n", at.replace('Z', "123Z"))
    };
    let elected =
        |term: u32| line(term, format!("raft.node: {member} elected leader 91bc3c398fb3c146 at term {}", 5 + term));
    let start = line(0, "starting etcd".to_owned());
    (0..terms).fold(start, |text, term| text + &elected(term) + &line(term, "compacted Raft logs".to_owned()))
}

#[test]
fn members_of_etcd_that_see_elections_at_other_times() {
    let of = |terms: u32, late: u32| {
        let files = [
            ("case/master-1/etcd.log", etcd("8e9e05c52164694d", terms, 0)),
            ("case/master-2/etcd.log", etcd("fd422379fda50e48", terms, 0)),
            ("case/master-3/etcd.log", etcd("91bc3c398fb3c146", terms, late)),
        ];
        let skews = inspected(&files).clock_findings.skews;
        let off = skews.iter().filter(|it| it.used != "together");
        off.map(|it| format!("{} {} s {} by {}, {}", it.node, it.ahead_secs, it.used, it.by.join("+"), it.anchors))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(3, 31), ["master-3 31 s moved by etcd-election, 3"]);
    assert_eq!(of(2, 31), ["master-3 31 s widened by etcd-election, 2"]);
    assert_eq!(of(1, 31), [""; 0], "one election may have been told of later");
    assert_eq!(of(3, 0), [""; 0]);
}

/// `date` prints an abbreviation that several zones have: what else agrees settles it, else its error is told.
#[test]
fn an_abbreviation_of_several_zones_is_a_hint() {
    let of = |date: &str, container: &str| {
        let files = [
            ("r1/date.txt", format!("{date}\n")),
            ("r1/var/log/messages", "Jan  1 04:00:00 r1 systemd[1]: Started Session 4 of user root.\n".to_owned()),
            ("r1/var/log/pods/shop_db-0_69ac0f03-dee0-4843-bfe9-8f8c0524137f/db/0.log", container.to_owned()),
            ("r1/hostname.txt", "r1\n".to_owned()),
        ];
        let clocks = inspected(&files).clocks;
        let walls = clocks.into_iter().filter(|it| it.node.as_deref() == Some("r1") && it.zone != "stated");
        walls.map(|it| (it.zone, it.zone_from, it.offset_secs, it.early_secs, it.late_secs)).next().expect("its clock")
    };
    let line = |utc: &str| format!("{utc} stdout F checkpoint complete\n");
    let ambiguous = of("Wed Jan  1 05:00:00 EST 2025", "");
    let words = "EST, which may also be UTC+10:00 or UTC+11:00".to_owned();
    assert_eq!(ambiguous, ("ambiguous".to_owned(), Some(words), -18_000, 57_600, 0));
    // nothing is logged after it was collected
    let utc = of("Wed Jan  1 05:00:00 EST 2025", &line("2025-01-01T09:58:12.109210128Z"));
    let words = "EST, borne out by stamps in UTC".to_owned();
    assert_eq!(utc, ("node".to_owned(), Some(words), -18_000, 0, 0));
    // of China or of America: read as printed
    let either = of("Wed Jan  1 05:00:00 CST 2025", "");
    let words = "CST, which may be UTC-06:00, UTC+08:00 or UTC-05:00".to_owned();
    assert_eq!(either, ("ambiguous".to_owned(), Some(words), 0, 28_800, 21_600));
    let china = of("Wed Jan  1 05:00:00 CST 2025", &line("2024-12-31T20:58:12.109210128Z"));
    assert_eq!((china.0.as_str(), china.2), ("node", 28_800));
    // one that means one zone only needs nobody
    let sure = of("Wed Jan  1 05:00:00 CEST 2025", "");
    assert_eq!((sure.0.as_str(), sure.2, sure.3), ("node", 7200, 0));
}
