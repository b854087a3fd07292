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
