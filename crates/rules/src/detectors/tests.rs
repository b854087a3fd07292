use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta};
use ipnet::IpNet;
use timeline::{
    Collected, Fact, Interval, MemberId, Name, NodeNames, Point, Quote, Relation, Row, Series, Span, Time, Timeline,
    Value, relation,
};

use super::{DETECTORS, Detector};
use crate::promql::testing::{sample, series};

/// The rows of a relation, `column=value` where something is said, after the node.
pub(super) fn rows(timeline: &Timeline, relation: &str) -> Vec<String> {
    found(timeline, relation).iter().map(shown).collect()
}

pub(super) fn found(timeline: &Timeline, relation: &str) -> Vec<Fact> {
    let detector: &Detector = DETECTORS.iter().find(|it| it.relation.name == relation).expect("a detector");
    (detector.find)(timeline)
}

pub(super) fn shown(fact: &Fact) -> String {
    let cells = fact.row.relation.columns.iter().zip(&fact.row.values).filter(|(_, value)| value.is_some());
    let cells: Vec<String> = cells.map(|(column, value)| format!("{column}={value}")).collect();
    format!("{}: {}", fact.node.as_deref().unwrap_or("-"), cells.join(" "))
}

pub(super) fn quoted(fact: &Fact) -> Vec<&str> {
    fact.quotes.iter().map(|it| it.text.as_ref()).collect()
}

/// A fact whose quote is its text, in the given file; its place there is the order of making.
pub(super) fn fact(
    relation: &'static Relation,
    node: Option<&str>,
    member: u32,
    text: &str,
    cells: &[(&str, &str)],
) -> Fact {
    let mut row = Row::new(relation);
    for (column, value) in cells {
        let value = match (value.parse::<IpNet>(), value.parse::<IpAddr>(), value.parse::<i64>()) {
            (Ok(it), ..) => Value::Prefix(it),
            (_, Ok(it), _) => Value::Address(it),
            (.., Ok(it)) => Value::Int(it),
            _ if *value == "true" || *value == "false" => Value::Flag(*value == "true"),
            _ => Value::from(*value),
        };
        row = row.with(column, value);
    }
    let span = Span { member: MemberId(member), start: 0, len: text.len() as u32, line: 1 };
    Fact::new(row, node.map(Name::from), Quote { span, text: text.into() })
}

/// `blackhole 10.64.75.0/26 proto bird`
fn route(node: &str, member: u32, line: &str) -> Fact {
    let mut words = line.split(' ').peekable();
    let mut cells: Vec<(&str, String)> = Vec::new();
    let kinds = ["blackhole", "unreachable", "prohibit", "throw", "local", "broadcast"];
    if let Some(kind) = words.next_if(|it| kinds.contains(it)) {
        cells.push(("type", kind.to_owned()));
    }
    let dst = words.next().expect("a destination");
    let bits = if dst.contains(':') { 128 } else { 32 };
    let dst = match dst {
        "default" => "0.0.0.0/0".to_owned(),
        it if it.contains('/') => it.to_owned(),
        it => format!("{it}/{bits}"),
    };
    cells.push(("dst", dst));
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        if relation::ROUTE.column(key).is_some() {
            cells.push((key, value.to_owned()));
        }
    }
    let cells: Vec<(&str, &str)> = cells.iter().map(|(a, b)| (*a, b.as_str())).collect();
    fact(&relation::ROUTE, Some(node), member, line, &cells)
}

pub(super) fn collected(relation: &Relation, node: Option<&str>, member: u32, incomplete: Option<&str>) -> Collected {
    let incomplete = incomplete.map(str::to_owned);
    Collected { relation: relation.name, node: node.map(Name::from), incomplete, member: MemberId(member) }
}

const OWNER: [&str; 4] = [
    "default via 10.64.0.1 dev eno1",
    "10.64.0.0/22 dev eno1 proto kernel scope link src 10.64.0.247",
    "blackhole 10.64.75.0/26 proto bird",
    "10.64.75.4 dev cali21fc9e9645e scope link",
];
const USER: [&str; 3] = [
    "default via 10.64.16.1 dev eno1",
    "10.64.16.0/22 dev eno1 proto kernel scope link src 10.64.16.55",
    "10.64.75.0 dev calidda3b144ba9 scope link",
];

/// Two nodes of which only the routing tables were collected.
fn two_nodes() -> Timeline {
    let mut timeline = Timeline::default();
    timeline.facts.extend(OWNER.map(|it| route("owner", 1, it)));
    timeline.facts.extend(USER.map(|it| route("user", 2, it)));
    timeline.collected.push(collected(&relation::ROUTE, Some("owner"), 1, None));
    timeline.collected.push(collected(&relation::ROUTE, Some("user"), 2, None));
    timeline
}

#[test]
fn relations_are_well_formed() {
    let mut names: BTreeSet<&str> = relation::ALL.iter().map(|it| it.name).collect();
    for detector in DETECTORS {
        assert!(names.insert(detector.relation.name), "{} twice", detector.relation.name);
        let columns: BTreeSet<&str> = detector.relation.columns.iter().copied().collect();
        assert_eq!(columns.len(), detector.relation.columns.len());
        for need in detector.needs {
            assert!(*need == "series" || relation::named(need).is_some(), "{need}");
        }
        assert!((detector.find)(&Timeline::default()).is_empty());
    }
}

#[test]
fn routing_tables_alone_show_a_borrowed_address() {
    let timeline = two_nodes();
    assert_eq!(
        rows(&timeline, "borrowed-ip"),
        [
            "owner: ip=10.64.75.0 block=10.64.75.0/26 owner=owner user=user verdict=blackhole complete=true delivered=true kind=pod live=true diverted=false senders=owner learns=false"
        ]
    );
    let facts = found(&timeline, "borrowed-ip");
    assert_eq!(quoted(&facts[0]), [OWNER[2], USER[2]]);
    assert_eq!(
        rows(&timeline, "route.lookup"),
        [
            "owner: ip=10.64.75.0 block=10.64.75.0/26 verdict=blackhole dst=10.64.75.0/26 complete=true host_route=false diverted=false",
            "user: ip=10.64.75.0 block=10.64.75.0/26 verdict=delivered dst=10.64.75.0/32 dev=calidda3b144ba9 complete=true host_route=true diverted=false",
            "owner: ip=10.64.75.4 verdict=delivered dst=10.64.75.4/32 dev=cali21fc9e9645e complete=true host_route=true diverted=false",
            "user: ip=10.64.75.4 verdict=via dst=0.0.0.0/0 via=10.64.16.1 dev=eno1 complete=true host_route=false diverted=false",
        ]
    );
}

#[test]
fn a_host_route_on_the_owner_wins_over_its_blackhole() {
    let mut timeline = two_nodes();
    timeline.facts.push(route("owner", 1, "10.64.75.0 via 10.64.16.55 dev eno1 proto bird"));
    let facts = found(&timeline, "borrowed-ip");
    assert!(shown(&facts[0]).contains("verdict=via complete=true delivered=true"), "{}", shown(&facts[0]));
    assert_eq!(quoted(&facts[0])[0], "10.64.75.0 via 10.64.16.55 dev eno1 proto bird");
}

#[test]
fn an_elided_table_is_not_complete() {
    let mut timeline = two_nodes();
    timeline.collected[0].incomplete = Some("[...]".to_owned());
    assert!(rows(&timeline, "borrowed-ip")[0].contains("verdict=blackhole complete=false"));
    // another whole collection, but of the other family
    timeline.facts.push(route("owner", 3, "fe80::/64 dev eno1"));
    timeline.collected.push(collected(&relation::ROUTE, Some("owner"), 3, None));
    assert!(rows(&timeline, "borrowed-ip")[0].contains("verdict=blackhole complete=false"));
    timeline.facts.push(route("owner", 4, OWNER[2]));
    timeline.collected.push(collected(&relation::ROUTE, Some("owner"), 4, None));
    assert!(rows(&timeline, "borrowed-ip")[0].contains("verdict=blackhole complete=true"));
}

#[test]
fn two_holders_of_a_blackhole_name_no_owner() {
    let mut timeline = two_nodes();
    timeline.facts.push(route("third", 5, OWNER[2]));
    assert!(rows(&timeline, "borrowed-ip").is_empty());
    // a blackhole default or a summary is no block
    let mut timeline = two_nodes();
    timeline.facts.push(route("third", 5, "blackhole 10.64.0.0/16"));
    assert_eq!(rows(&timeline, "borrowed-ip").len(), 1);
}

#[test]
fn ipam_names_owner_user_and_pod() {
    let mut timeline = two_nodes();
    timeline.facts.retain(|it| it.node.as_deref() != Some("owner"));
    let allocation = |ip: &str, pod: &str, kind: &str| {
        let cells = [("ip", ip), ("user", "user"), ("pod", pod), ("type", kind)];
        fact(&relation::IPAM_ALLOCATION, None, 6, &format!("{ip} {pod}"), &cells)
    };
    timeline.facts.push(allocation("10.64.75.0", "staging/web-1", "pod"));
    timeline.facts.push(allocation("10.64.75.9", "tunnel", "ipipTunnelAddress"));
    let block = [("cidr", "10.64.75.0/26"), ("owner", "owner")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.0/26 host:owner", &block));
    timeline.collected.push(collected(&relation::IPAM_BLOCK, None, 7, None));
    // the owner's table is not here: no verdict
    assert_eq!(
        rows(&timeline, "borrowed-ip"),
        [
            "owner: ip=10.64.75.0 block=10.64.75.0/26 owner=owner user=user pod=staging/web-1 delivered=true user_has_block=false kind=pod live=true",
            "owner: ip=10.64.75.9 block=10.64.75.0/26 owner=owner user=user pod=tunnel delivered=false user_has_block=false kind=tunnel",
        ]
    );
    let facts = found(&timeline, "borrowed-ip");
    assert_eq!(quoted(&facts[0]), [USER[2], "10.64.75.0 staging/web-1", "10.64.75.0/26 host:owner"]);
    // the borrower's own block
    let own = [("cidr", "10.64.75.64/26"), ("owner", "user")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.64/26 host:user", &own));
    assert!(rows(&timeline, "borrowed-ip")[0].contains("user_has_block=true"));
    // a block nobody owns leaves open whose it is
    let mut open = timeline.clone();
    open.facts.pop();
    open.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.128/26", &[("cidr", "10.64.75.128/26")]));
    assert!(!rows(&open, "borrowed-ip")[0].contains("user_has_block"));
}

#[test]
fn pods_that_are_over_or_on_the_host_network_borrow_nothing() {
    let mut timeline = two_nodes();
    timeline.facts.retain(|it| !it.quotes[0].text.contains("calidda3b144ba9"));
    let pod = |phase: &str, host: &str| {
        let cells = [
            ("namespace", "a"),
            ("name", "b"),
            ("ip", "10.64.75.7"),
            ("on", "user"),
            ("phase", phase),
            ("host_network", host),
        ];
        fact(&relation::POD, None, 8, "pod", &cells)
    };
    let block = [("cidr", "10.64.75.0/26"), ("owner", "owner")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "block", &block));
    timeline.facts.push(pod("Running", "false"));
    assert_eq!(
        rows(&timeline, "borrowed-ip"),
        [
            "owner: ip=10.64.75.7 block=10.64.75.0/26 owner=owner user=user pod=a/b verdict=blackhole complete=true delivered=false kind=pod live=true diverted=false senders=owner learns=false"
        ]
    );
    for over in [pod("Succeeded", "false"), pod("Running", "true")] {
        *timeline.facts.last_mut().unwrap() = over;
        assert!(rows(&timeline, "borrowed-ip").is_empty());
    }
}

#[test]
fn the_nodes_own_addresses_win_over_its_tables() {
    let mut timeline = Timeline::default();
    timeline.facts.push(route("node", 1, "blackhole 10.244.12.64/26 proto bird"));
    let tunnel = [("ip", "10.244.12.64"), ("user", "node"), ("owner", "node"), ("type", "ipipTunnelAddress")];
    timeline.facts.push(fact(&relation::IPAM_ALLOCATION, None, 2, "tunnel", &tunnel));
    assert!(rows(&timeline, "route.lookup")[0].contains("verdict=blackhole"));
    let mut by_table = timeline.clone();
    by_table.facts.push(route("node", 1, "local 10.244.12.64 dev tunl0 table local"));
    assert_eq!(
        rows(&by_table, "route.lookup"),
        [
            "node: ip=10.244.12.64 verdict=local dst=10.244.12.64/32 dev=tunl0 complete=false host_route=true diverted=false"
        ]
    );
    let address = [("address", "10.244.12.64/32"), ("dev", "tunl0")];
    timeline.facts.push(fact(&relation::ADDRESS, Some("node"), 3, "inet 10.244.12.64/32 scope global tunl0", &address));
    let facts = found(&timeline, "route.lookup");
    assert!(shown(&facts[0]).contains("verdict=local"));
    assert_eq!(quoted(&facts[0]), ["inet 10.244.12.64/32 scope global tunl0"]);
}

#[test]
fn tables_metrics_and_dead_routes_are_taken_in_order() {
    let verdicts = |routes: &[&str]| {
        let mut timeline = Timeline::default();
        timeline.facts.extend(routes.iter().map(|it| route("n", 1, it)));
        timeline.facts.push(fact(&relation::IPAM_ALLOCATION, None, 2, "x", &[("ip", "10.0.0.1")]));
        rows(&timeline, "route.lookup")
            .first()
            .map_or(String::new(), |it| it.split(' ').nth(2).unwrap_or_default().to_owned())
    };
    assert_eq!(
        verdicts(&["10.0.0.0/24 via 1.1.1.1 dev a metric 10", "unreachable 10.0.0.0/24 metric 5"]),
        "verdict=unreachable"
    );
    assert_eq!(verdicts(&["10.0.0.0/24 via 1.1.1.1 dev a", "unreachable 10.0.0.0/24 metric 5"]), "verdict=via");
    assert_eq!(verdicts(&["10.0.0.0/24 dev a flags dead", "prohibit 10.0.0.0/8"]), "verdict=prohibit");
    assert_eq!(verdicts(&["throw 10.0.0.0/24", "default via 1.1.1.1 dev a"]), "verdict=no-route");
    assert_eq!(verdicts(&["throw 10.0.0.0/24", "10.0.0.0/8 dev b table default"]), "verdict=on-link");
    assert_eq!(verdicts(&["10.0.0.0/24 dev wireguard.cali table 100", "default via 1.1.1.1 dev a"]), "verdict=via");
    assert_eq!(verdicts(&["broadcast 10.0.0.1 dev a table local", "10.0.0.0/24"]), "verdict=via");
    assert_eq!(verdicts(&["fe80::/64 dev a"]), "");
}

#[test]
fn lookups_are_capped_and_the_borrowed_come_first() {
    let mut timeline = two_nodes();
    for at in 0..60_000u32 {
        let ip = IpAddr::from((0x0a80_0000u32 + at).to_be_bytes());
        let row = Row::new(&relation::IPAM_ALLOCATION).with("ip", ip);
        let quote = timeline.facts[0].quotes[0].clone();
        timeline.facts.push(Fact::new(row, None, quote));
    }
    let all = rows(&timeline, "route.lookup");
    assert_eq!(all.len(), 50_000);
    assert!(all.iter().any(|it| it.starts_with("owner: ip=10.64.75.0 ")));
}

#[test]
fn pools_count_their_blocks() {
    let mut timeline = Timeline::default();
    let pool = [("cidr", "10.64.75.0/24"), ("total", "256"), ("used", "12"), ("free", "244")];
    timeline.facts.push(fact(&relation::IPAM_POOL, None, 1, "IP Pool 10.64.75.0/24", &pool));
    for (cidr, owner) in
        [("10.64.75.0/26", "a"), ("10.64.75.64/26", "a"), ("10.64.75.128/26", "b"), ("10.64.75.192/26", "b")]
    {
        timeline.facts.push(fact(
            &relation::IPAM_BLOCK,
            None,
            1,
            cidr,
            &[("cidr", cidr), ("owner", owner), ("used", "3")],
        ));
    }
    for name in ["a", "b", "c", "d"] {
        timeline.facts.push(fact(&relation::NODE, None, 2, name, &[("name", name)]));
    }
    // a listing that is not known to be whole proves no absence
    assert_eq!(rows(&timeline, "ipam.usage"), ["-: cidr=10.64.75.0/24 blocks_total=4 blocks_used=4 used=12 total=256"]);
    timeline.collected.push(collected(&relation::IPAM_BLOCK, None, 1, None));
    assert_eq!(
        rows(&timeline, "ipam.usage"),
        ["-: cidr=10.64.75.0/24 blocks_total=4 blocks_used=4 blocks_free=0 used=12 total=256 nodes_without_block=c d"]
    );
    assert_eq!(quoted(&found(&timeline, "ipam.usage")[0])[..2], ["IP Pool 10.64.75.0/24", "10.64.75.0/26"]);
}

#[test]
fn a_pool_without_counts_takes_them_from_its_blocks() {
    let mut timeline = Timeline::default();
    timeline.facts.push(fact(
        &relation::IPAM_POOL,
        None,
        1,
        "pool",
        &[("cidr", "fd00:1::/112"), ("block_size", "122")],
    ));
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 1, "block", &[("cidr", "fd00:1::/122"), ("used", "3")]));
    timeline.collected.push(collected(&relation::IPAM_BLOCK, None, 1, None));
    assert_eq!(
        rows(&timeline, "ipam.usage"),
        ["-: cidr=fd00:1::/112 blocks_total=1024 blocks_used=1 blocks_free=1023 used=3 total=65536"]
    );
}

pub(super) fn metrics(series: Vec<Series>) -> Timeline {
    Timeline { series, ..Timeline::default() }
}

/// A value every 15 seconds.
pub(super) fn every_15(
    metric: &str,
    labels: &[(&str, &str)],
    node: &str,
    values: impl IntoIterator<Item = f64>,
) -> Series {
    let points: Vec<(i64, f64)> = values.into_iter().enumerate().map(|(at, it)| (at as i64 * 15, it)).collect();
    series(metric, labels, Some(node), &points)
}

/// The columns asked for, of each row.
pub(super) fn cells(timeline: &Timeline, relation: &str, columns: &[&str]) -> Vec<String> {
    let one = |it: &Fact| columns.iter().map(|column| it.get(column).to_string()).collect::<Vec<_>>().join(" ");
    found(timeline, relation).iter().map(one).collect()
}

/// The seconds of a fact's time.
pub(super) fn at(fact: &Fact) -> (i64, i64) {
    (fact.at.nominal.lo.timestamp(), fact.at.nominal.hi.timestamp())
}

#[test]
fn a_step_is_told_with_its_onset_and_levels() {
    let noise = |at: i32| f64::from(at * 7 % 5);
    let values = (0..60).map(|it| if it < 30 { 100.0 + noise(it) } else { 400.0 + noise(it) });
    let timeline = metrics(vec![every_15("node_filefd_allocated", &[], "n", values)]);
    let facts = found(&timeline, "metric.step");
    assert_eq!(
        shown(&facts[0]),
        "n: metric=node_filefd_allocated before=102 after=402 ratio=3.941 growth=300 share=1 kind=step dropped=false rate=false"
    );
    assert_eq!((facts.len(), at(&facts[0])), (1, (29 * 15, 30 * 15)));
    assert_eq!(quoted(&facts[0])[0], "103 @435");
}

#[test]
fn a_ramp_is_told_from_its_foot() {
    let noise = |at: i32| f64::from(at * 7 % 5);
    let values = (0..80).map(|it| 100.0 + noise(it) + f64::from((it - 20).max(0)) * 20.0);
    let timeline = metrics(vec![every_15("node_processes_threads", &[], "n", values)]);
    assert_eq!(cells(&timeline, "metric.step", &["before", "after", "kind", "dropped"]), ["102 1283 ramp false"]);
    let (from, to) = at(&found(&timeline, "metric.step")[0]);
    assert!((19 * 15..=21 * 15).contains(&from) && to == from + 15, "{from} {to}");
}

#[test]
fn a_fall_after_the_peak_is_noted() {
    let values = (0..60).map(|it| if (20..40).contains(&it) { 50.0 + f64::from(it - 20) * 100.0 } else { 50.0 });
    let timeline = metrics(vec![every_15("container_threads", &[("container", "app"), ("pod", "p")], "n", values)]);
    assert_eq!(cells(&timeline, "metric.step", &["pod", "kind", "dropped"]), ["p ramp true"]);
}

#[test]
fn noise_a_single_point_and_a_slow_day_are_no_steps() {
    let wave = (0..200).map(|it| 100.0 + 25.0 * (f64::from(it) / 20.0).sin());
    let spike = (0..60).map(|it| if it == 30 { 5000.0 } else { 10.0 });
    let jitter = (0..200).map(|it: i32| f64::from(it * 7919 % 13));
    let up = (0..60).map(|it| if (20..25).contains(&it) { 0.0 } else { 1.0 });
    let constant = (0..60).map(|_| 13.0);
    let born = [1.0, 60.0].into_iter().chain((0..50).map(|_| 60.0));
    let few = [1.0, 1.0, 100.0, 100.0];
    let boot = (0..60).map(|it| if it < 30 { 1.0 } else { 1.6e9 });
    let nan = (0..60).map(|_| f64::NAN);
    let timeline = metrics(vec![
        every_15("wave", &[], "n", wave),
        every_15("spike", &[], "n", spike),
        every_15("jitter", &[], "n", jitter),
        every_15("up", &[], "n", up),
        every_15("constant", &[], "n", constant),
        every_15("born", &[], "n", born),
        every_15("few", &[], "n", few),
        every_15("node_boot_time_seconds", &[], "n", boot),
        every_15("nan", &[], "n", nan),
    ]);
    assert_eq!(rows(&timeline, "metric.step"), [""; 0]);
}

#[test]
fn the_share_is_of_the_growth_of_leaf_rows() {
    let leak = || (0..60).map(|it: i32| 50.0 + f64::from((it - 20).max(0)) * 100.0);
    let big = (0..60).map(|_| 9000.0);
    let grows = (0..60).map(|it: i32| 500.0 + f64::from((it - 20).max(0)) * 10.0);
    let row = |pod: &str, container: &str, values: &mut dyn Iterator<Item = f64>| {
        every_15("container_threads", &[("pod", pod), ("container", container), ("namespace", "shop")], "n", values)
    };
    let timeline = metrics(vec![
        row("leaker", "app", &mut leak()),
        row("leaker", "", &mut leak()),
        row("leaker", "POD", &mut leak()),
        row("big", "app", &mut big.clone()),
        row("other", "app", &mut grows.clone()),
    ]);
    let told = cells(&timeline, "metric.step", &["namespace", "pod", "container", "share"]);
    assert_eq!(told, ["shop leaker app 0.909"]);
    // alone it has all of what was collected
    let alone = metrics(vec![row("leaker", "app", &mut leak())]);
    assert_eq!(cells(&alone, "metric.step", &["share"]), ["1"]);
}

#[test]
fn several_climbs_of_one_series_are_told_in_order() {
    let level = |it: i32| match it {
        0..30 => 10.0,
        30..60 => 100.0,
        60..90 => 12.0,
        _ => 1000.0,
    };
    let timeline = metrics(vec![every_15("sockets", &[], "n", (0..120).map(level))]);
    let told = cells(&timeline, "metric.step", &["before", "after", "dropped"]);
    assert_eq!(told, ["10 100 true", "12 1000 false"]);
}

#[test]
fn the_real_leak_and_the_real_burst_are_found() {
    let files = [
        "range_container_threads.json",
        "range_node_processes_threads.json",
        "range_node_forks_total.json",
        "range_memavail.json",
    ];
    let Some(series) = sample(&files) else { return };
    let timeline = metrics(series);
    let facts = found(&timeline, "metric.step");
    let of = |metric: &str| -> Vec<&Fact> {
        facts.iter().filter(|it| it.get("metric").same(&Value::from(metric))).collect()
    };

    let [leak] = of("container_threads")[..] else { panic!("{:?}", rows(&timeline, "metric.step")) };
    assert_eq!(leak.get("pod"), Value::from("consumer-5f7c9d8b9-lm4zn"));
    assert_eq!(at(leak), (1_795_219_178, 1_795_219_183));
    let said = |column| leak.get(column).to_string();
    assert_eq!((said("kind"), said("share"), said("after")), ("ramp".into(), "1".into(), "1501".into()));
    assert_eq!(quoted(leak), [r#"[1795219183,"46"]"#, r#"[1795219318,"1501"]"#]);

    let [node] = of("node_processes_threads")[..] else { panic!("{:?}", rows(&timeline, "metric.step")) };
    assert_eq!(at(node), (1_795_219_178, 1_795_219_183));
    assert_eq!((node.get("kind").to_string(), node.get("dropped")), ("ramp".into(), Value::Flag(true)));

    let burst = of("node_forks_total");
    let greatest = burst.iter().max_by(|a, b| a.get("after").order(&b.get("after"))).expect("the burst");
    let (from, to) = at(greatest);
    assert!(from <= 1_795_219_238 + 5 && to >= 1_795_219_238 - 5 && to - from == 5, "{from} {to}");
    assert!(greatest.get("ratio").as_number().unwrap() > 5.0);
    assert!(of("node_memory_MemAvailable_bytes").is_empty());
}

/// P9: an answer repeats the last sample for five minutes after its end; where the dump was cut does not move the leak.
#[test]
fn the_real_leak_is_the_same_in_a_dump_cut_at_its_end() {
    let Some(whole) = sample(&["range_container_threads.json"]) else { return };
    let mut cut = whole.clone();
    for series in &mut cut {
        series.points.retain(|it| it.millis <= 1_795_219_341_000);
    }
    let leak = |series: Vec<Series>| -> (Vec<String>, (i64, i64), Vec<String>) {
        let timeline = metrics(series);
        let facts = found(&timeline, "metric.step");
        let [leak] = &facts[..] else { panic!("{:?}", rows(&timeline, "metric.step")) };
        let quotes = quoted(leak).into_iter().map(str::to_owned).collect();
        (vec![shown(leak)], at(leak), quotes)
    };
    let (told, when, quotes) = leak(whole);
    // 1,500 threads were reached before the kill at 1795219341
    assert_eq!(quotes[1], r#"[1795219318,"1501"]"#);
    assert_eq!((told, when, quotes), leak(cut));
}

#[test]
fn the_real_gap_is_a_failed_scrape() {
    let files =
        ["range_up.json", "range_node_processes_threads.json", "range_node_forks_total.json", "range_memavail.json"];
    let Some(series) = sample(&files) else { return };
    let timeline = metrics(series);
    let facts = found(&timeline, "metric.gap");
    assert_eq!(
        facts.iter().map(shown).collect::<Vec<_>>(),
        ["kubestage1001: missing_secs=70 kind=scrape-failed job=node instance=127.0.0.1:19100"]
    );
    assert_eq!(at(&facts[0]), (1_795_219_378, 1_795_219_448));
    assert!(quoted(&facts[0])[0].starts_with("[179521937"));
}

#[test]
fn gaps_are_classified_by_what_else_was_scraped() {
    let target = |job: &'static str, metric: &str, missing: bool| {
        let points: Vec<(i64, f64)> =
            (0..40).filter(|it| !missing || !(10..20).contains(it)).map(|it| (it * 15, 1.0)).collect();
        series(metric, &[("job", job), ("instance", "10.0.0.1:1")], Some("n"), &points)
    };
    let kinds = |series: Vec<Series>| cells(&metrics(series), "metric.gap", &["metric", "missing_secs", "kind"]);
    assert_eq!(kinds(vec![target("a", "x", true)]), ["x 165 unknown"]);
    assert_eq!(kinds(vec![target("a", "x", true), target("a", "up", false)]), ["x 165 collector-failed"]);
    assert_eq!(kinds(vec![target("a", "x", true), target("a", "y", false)]), ["x 165 collector-failed"]);
    assert_eq!(kinds(vec![target("a", "x", true), target("a", "up", true)]), ["unknown 165 unknown"]);
    let removed = vec![target("a", "x", true), target("a", "up", true), target("b", "up", false)];
    assert_eq!(kinds(removed), ["unknown 165 target-removed"]);
    let down = vec![target("a", "up", true), target("b", "up", true)];
    assert_eq!(kinds(down), ["up 165 prometheus-down", "up 165 prometheus-down"]);
    let mut booted = target("a", "node_boot_time_seconds", true);
    booted.points.iter_mut().for_each(|it| it.value = if it.millis < 200_000 { 1.0 } else { 200.0 });
    assert_eq!(kinds(vec![booted, target("a", "x", true)]), ["unknown 165 reboot"]);
    // no spacing to speak of
    let ragged: Vec<(i64, f64)> = (0..40).map(|it| (it * 15 + i64::from(it % 3 == 0) * 7 * it * it, 1.0)).collect();
    assert_eq!(kinds(vec![series("x", &[], None, &ragged)]), [""; 0]);
}

/// A mark of a boot at a second, at a place in a file.
fn mark(ends: bool, member: u32, place: u64, secs: Option<i64>, text: &str, cells: &[(&str, &str)]) -> Fact {
    let relation = if ends { &relation::BOOT_END } else { &relation::BOOT_START };
    let mut fact = fact(relation, Some("n"), member, text, cells);
    fact.quotes[0].span.start = place;
    fact.at = secs.map_or(Time::UNKNOWN, instant);
    fact
}

fn instant(secs: i64) -> Time {
    Time::utc(Interval::from(DateTime::from_timestamp(secs, 0).unwrap(), TimeDelta::seconds(1)))
}

#[test]
fn an_end_and_a_start_are_a_reboot() {
    let facts = vec![
        mark(false, 1, 0, Some(0), "first boot", &[]),
        mark(true, 1, 100, Some(1000), "kernel BUG", &[("orderly", "false")]),
        mark(false, 1, 200, Some(1028), "-- Reboot --", &[("boot_id", "281c2a66-2bb2-4274-b979-e1f50cc56fd1")]),
        mark(true, 1, 300, Some(5000), "Reached target Shutdown", &[("orderly", "true")]),
        mark(false, 1, 400, Some(5100), "Linux version", &[]),
    ];
    let timeline = Timeline { facts: facts.clone(), ..Timeline::default() };
    let all = [
        "n: ending=unclean unclean=true gap_secs=28 boot_id=281c2a66-2bb2-4274-b979-e1f50cc56fd1 how=journal",
        "n: ending=orderly unclean=false gap_secs=100 how=journal",
    ];
    assert_eq!(rows(&timeline, "boot.reboot"), all);
    let first = &found(&timeline, "boot.reboot")[0];
    assert_eq!((at(first), quoted(first)), ((1000, 1029), vec!["kernel BUG", "-- Reboot --"]));
    // newest first
    let mut flipped = facts.clone();
    flipped.iter_mut().for_each(|it| it.quotes[0].span.start = 400 - it.quotes[0].span.start);
    assert_eq!(rows(&Timeline { facts: flipped, ..Timeline::default() }, "boot.reboot"), all);
    // without times the order of the file holds, and nothing is guessed
    let mut timeless = facts;
    timeless.iter_mut().for_each(|it| it.at = Time::UNKNOWN);
    assert_eq!(
        rows(&Timeline { facts: timeless, ..Timeline::default() }, "boot.reboot"),
        [
            "n: ending=unclean unclean=true boot_id=281c2a66-2bb2-4274-b979-e1f50cc56fd1 how=journal",
            "n: ending=orderly unclean=false how=journal"
        ]
    );
}

#[test]
fn boots_in_two_files_meet_by_their_times() {
    let end = mark(true, 1, 0, Some(1000), "last", &[("boot_id", "aa")]);
    let start = mark(false, 2, 0, Some(1028), "first", &[("boot_id", "bb")]);
    let timeline = Timeline { facts: vec![end.clone(), start], ..Timeline::default() };
    assert_eq!(rows(&timeline, "boot.reboot"), ["n: ending=unknown gap_secs=28 boot_id=bb how=journal"]);
    let same = mark(false, 2, 0, Some(1028), "first", &[("boot_id", "aa")]);
    assert!(rows(&Timeline { facts: vec![end.clone(), same], ..Timeline::default() }, "boot.reboot").is_empty());
    let earlier = mark(false, 2, 0, Some(28), "first", &[]);
    assert!(rows(&Timeline { facts: vec![end, earlier], ..Timeline::default() }, "boot.reboot").is_empty());
}

#[test]
fn events_and_boot_times_join_the_journal() {
    let id = "281c2a66-2bb2-4274-b979-e1f50cc56fd1";
    let message = format!("Node n has been rebooted, boot id: {id}");
    let cells =
        [("reason", "Rebooted"), ("kind", "Node"), ("name", "n.1618e2878157535e"), ("message", message.as_str())];
    let mut event = fact(&relation::KUBE_EVENT, Some("n"), 3, "Rebooted", &cells);
    event.at = instant(1061);
    let boot_time = |moved: f64| {
        series("node_boot_time_seconds", &[], Some("n"), &[(960, 50.0), (975, 51.0), (1050, moved), (1065, moved)])
    };
    let mut timeline = metrics(vec![boot_time(1010.0)]);
    assert_eq!(rows(&timeline, "boot.reboot"), ["n: ending=unknown how=metric"]);
    assert_eq!(at(&found(&timeline, "boot.reboot")[0]), (975, 1010));
    timeline.facts.push(event);
    assert_eq!(rows(&timeline, "boot.reboot"), [format!("n: ending=unknown boot_id={id} how=event")]);
    timeline.facts.push(mark(true, 1, 100, Some(1000), "kernel BUG", &[("orderly", "false")]));
    timeline.facts.push(mark(false, 1, 200, Some(1028), "-- Reboot --", &[]));
    let facts = found(&timeline, "boot.reboot");
    assert_eq!(shown(&facts[0]), format!("n: ending=unclean unclean=true gap_secs=28 boot_id={id} how=journal"));
    assert_eq!(quoted(&facts[0]), ["kernel BUG", "-- Reboot --", "Rebooted", "51 @975", "1010 @1050"]);
    assert_eq!(facts.len(), 1);
    // hours apart they are two
    timeline.facts.last_mut().unwrap().at = instant(9028);
    let end = timeline.facts.len() - 2;
    timeline.facts[end].at = instant(9000);
    assert_eq!(found(&timeline, "boot.reboot").len(), 2);
    // the clock was set, nothing booted
    assert!(rows(&metrics(vec![boot_time(400.0)]), "boot.reboot").is_empty());
}

#[test]
fn an_old_event_names_its_node_before_a_suffix() {
    let cells = [
        ("reason", "Rebooted"),
        ("kind", "Node"),
        ("name", "172.21.128.138"),
        ("message", "Node 172.21.128.138 has been rebooted, boot id: 281c2a66"),
    ];
    let timeline = Timeline {
        facts: vec![fact(&relation::KUBE_EVENT, None, 1, "Rebooted", &cells)],
        nodes: NodeNames::unify(&["host-172-21-128-138".into(), "172.21.128.138".into()], &[]),
        ..Timeline::default()
    };
    let node = timeline.nodes.canonical("172.21.128.138");
    assert_eq!(rows(&timeline, "boot.reboot"), [format!("{node}: ending=unknown boot_id=281c2a66 how=event")]);
}

#[test]
fn hostile_values_are_survived() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e308, -1e308, f64::MIN_POSITIVE];
    let mut all = Vec::new();
    for (at, metric) in ["x", "x_total", "up", "node_boot_time_seconds", ""].into_iter().enumerate() {
        let mut one = every_15(metric, &[], "n", (0..60).map(|it| odd[(it * 5 + at) % odd.len()]));
        one.points.iter_mut().for_each(|it: &mut Point| it.millis = it.millis.saturating_mul(1 << 40));
        all.push(one);
        all.push(every_15(metric, &[("a", "b")], "n", (0..60).map(|it| odd[(it * 3 + at) % odd.len()])));
    }
    let timeline = metrics(all);
    for detector in DETECTORS {
        for fact in (detector.find)(&timeline) {
            assert!(!fact.quotes.is_empty());
        }
    }
}

/// A policy rule: priority, what it asks for besides the destination, the table.
fn policy(node: &str, priority: &str, selector: Option<&str>, table: &str) -> Fact {
    let mut cells = vec![("priority", priority), ("table", table), ("action", "lookup"), ("inverted", "false")];
    cells.extend(selector.map(|it| ("selector", it)));
    fact(&relation::IP_RULE, Some(node), 8, &format!("{priority}: lookup {table}"), &cells)
}

#[test]
fn policy_rules_and_further_tables() {
    let mut timeline = two_nodes();
    // a table that a rule asks for everybody before main
    timeline.facts.push(route("owner", 1, "10.64.75.0 via 10.64.16.55 dev eno1 table 100"));
    assert!(
        shown(&found(&timeline, "borrowed-ip")[0])
            .contains("verdict=blackhole complete=true delivered=true kind=pod live=true diverted=true")
    );
    for (priority, table) in [("0", "local"), ("100", "100"), ("32766", "main"), ("32767", "default")] {
        timeline.facts.push(policy("owner", priority, None, table));
    }
    assert!(
        shown(&found(&timeline, "borrowed-ip")[0])
            .contains("verdict=via complete=true delivered=true kind=pod live=true diverted=false")
    );
    // a rule for marked packets only
    timeline.facts.retain(|it| it.row.relation.name != "ip.rule");
    for (priority, selector, table) in
        [("0", None, "local"), ("100", Some("fwmark 0x1"), "100"), ("32766", None, "main")]
    {
        timeline.facts.push(policy("owner", priority, selector, table));
    }
    assert!(
        shown(&found(&timeline, "borrowed-ip")[0])
            .contains("verdict=blackhole complete=true delivered=true kind=pod live=true diverted=true")
    );
    // a throw goes on to main
    let mut timeline = two_nodes();
    timeline.facts.push(route("owner", 1, "throw 10.64.75.0/26 table 1"));
    timeline.facts.extend([policy("owner", "99", None, "1"), policy("owner", "32766", None, "main")]);
    assert!(shown(&found(&timeline, "borrowed-ip")[0]).contains("verdict=blackhole"));
}

#[test]
fn packets_are_followed_from_node_to_node() {
    let mut timeline = two_nodes();
    // a third node sends the block to its owner, a fourth the address to its user
    timeline.facts.push(route("third", 3, "10.64.75.0/26 via 10.64.0.247 dev eno1 proto bird"));
    timeline.facts.push(route("fourth", 4, "10.64.75.0 via 10.64.16.55 dev eno1 proto bird"));
    timeline.facts.push(route("lost", 5, "default via 10.1.1.1 dev eno1"));
    for (node, member) in [("third", 3), ("fourth", 4), ("lost", 5)] {
        timeline.collected.push(collected(&relation::ROUTE, Some(node), member, None));
    }
    // `src 10.64.0.247` says whose the gateway is
    let own = |node: &str, member: u32, line: &str, src: &str| {
        let mut it = route(node, member, line);
        it.row = it.row.with("src", src.parse::<IpAddr>().expect("an address"));
        it
    };
    timeline.facts.push(own("owner", 1, "10.64.0.0/22 dev eno1 proto kernel", "10.64.0.247"));
    timeline.facts.push(own("user", 2, "10.64.16.0/22 dev eno1 proto kernel", "10.64.16.55"));
    let paths: Vec<String> = found(&timeline, "route.path")
        .iter()
        .filter(|it| it.get("ip").to_string() == "10.64.75.0")
        .map(|it| ["node", "verdict", "end", "hops"].map(|column| it.get(column).to_string()).join(" "))
        .collect();
    assert_eq!(
        paths,
        [
            "fourth delivered user fourth -> user",
            "lost exits lost lost",
            "owner dropped owner owner",
            "third dropped owner third -> owner",
            "user delivered user user",
        ]
    );
    let facts = found(&timeline, "borrowed-ip");
    assert_eq!(facts[0].get("senders").to_string(), "owner third");
}

#[test]
fn a_node_lacks_routes_that_others_have() {
    let mut timeline = Timeline::default();
    let block = [("cidr", "10.64.75.0/26"), ("owner", "a")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.0/26 host:a", &block));
    for (node, member, line) in [
        ("a", 1, "blackhole 10.64.75.0/26 proto bird"),
        ("b", 2, "10.64.75.0/26 via 10.0.0.1 dev eth0 proto bird"),
        ("c", 3, "default via 10.0.0.254 dev eth0"),
        ("d", 4, "unreachable 10.64.75.0/26 proto bird"),
    ] {
        timeline.facts.push(route(node, member, line));
        timeline.collected.push(collected(&relation::ROUTE, Some(node), member, None));
    }
    assert_eq!(
        rows(&timeline, "block.route"),
        [
            "c: cidr=10.64.75.0/26 owner=a verdict=default dst=0.0.0.0/0 elsewhere=1 lacking=1",
            "d: cidr=10.64.75.0/26 owner=a verdict=unreachable dst=10.64.75.0/26 elsewhere=1 lacking=1",
        ]
    );
    // where nobody has it, the routers do
    timeline.facts.retain(|it| it.node.as_deref() != Some("b"));
    assert!(rows(&timeline, "block.route").is_empty());
}

#[test]
fn contradictions_about_addresses() {
    let mut timeline = two_nodes();
    timeline.facts.push(route("owner", 1, "10.64.75.0 dev cali999 scope link"));
    for (cidr, owner) in [("10.64.75.0/26", "owner"), ("10.64.75.64/26", "gone")] {
        timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, cidr, &[("cidr", cidr), ("owner", owner)]));
    }
    for (cidr, owner, state) in [("10.64.75.0/26", "user", "confirmed"), ("10.64.75.128/26", "user", "pendingDeletion")]
    {
        let cells = [("cidr", cidr), ("owner", owner), ("state", state)];
        timeline.facts.push(fact(&relation::IPAM_AFFINITY, None, 8, &format!("{cidr} {owner} {state}"), &cells));
    }
    for name in ["owner", "user"] {
        timeline.facts.push(fact(&relation::NODE, None, 9, name, &[("name", name)]));
    }
    timeline.facts.push(fact(
        &relation::POD,
        None,
        10,
        "web-1",
        &[("namespace", "a"), ("name", "web-1"), ("ip", "10.64.75.4"), ("on", "owner")],
    ));
    let gone = [("ip", "10.64.75.5"), ("user", "owner"), ("pod", "a/old"), ("type", "pod")];
    timeline.facts.push(fact(&relation::IPAM_ALLOCATION, None, 11, "10.64.75.5 a/old", &gone));
    timeline.collected.push(collected(&relation::POD, None, 10, None));
    let kinds: Vec<String> = rows(&timeline, "ipam.inconsistency");
    assert_eq!(
        kinds,
        [
            "-: kind=duplicate-address ip=10.64.75.0 owner=owner other=user",
            "-: kind=leaked ip=10.64.75.5 owner=owner count=1",
            "-: kind=affinity-mismatch cidr=10.64.75.0/26 owner=owner other=user",
            "-: kind=affinity-pending cidr=10.64.75.128/26 owner=user",
        ]
    );
    timeline.collected.push(collected(&relation::NODE, None, 9, None));
    assert!(
        rows(&timeline, "ipam.inconsistency")
            .contains(&"-: kind=stale-affinity cidr=10.64.75.64/26 owner=gone".to_owned())
    );
}

#[test]
fn sessions_and_selectors_of_bgp() {
    let mut timeline = Timeline::default();
    let session = |node: &str, peer: &str, state: &str, info: &str| {
        fact(
            &relation::BGP_PEER,
            Some(node),
            1,
            &format!("{node} {peer} {state}"),
            &[("peer", peer), ("state", state), ("info", info)],
        )
    };
    timeline.facts.push(session("a", "10.0.0.2", "start", "Passive"));
    timeline.facts.push(session("a", "10.0.0.9", "start", "Connect"));
    timeline.facts.push(session("b", "10.0.0.9", "start", "Connect"));
    timeline.facts.push(session("b", "10.0.0.1", "up", "Established"));
    assert_eq!(
        rows(&timeline, "bgp.session"),
        [
            "a: peers=2 up=0 down=2 down_peers=10.0.0.2, 10.0.0.9 info=Connect, Passive everywhere=false all_down=true",
            "b: peers=2 up=1 down=1 down_peers=10.0.0.9 info=Connect everywhere=true all_down=false",
        ]
    );
    let peering =
        [("name", "reflectors"), ("node_selector", "all()"), ("peer_selector", "has(node-role.kubernetes.io/master)")];
    timeline.facts.push(fact(
        &relation::BGP_PEERING,
        None,
        2,
        "peerSelector: has(node-role.kubernetes.io/master)",
        &peering,
    ));
    for name in ["a", "b"] {
        let label = [("name", name), ("key", "node-role.kubernetes.io/control-plane"), ("value", "x")];
        timeline.facts.push(fact(&relation::NODE_LABEL, None, 3, name, &label));
    }
    assert!(rows(&timeline, "bgp.selector").is_empty());
    timeline.collected.push(collected(&relation::NODE_LABEL, None, 3, None));
    assert_eq!(
        rows(&timeline, "bgp.selector"),
        [
            "-: peering=reflectors field=nodeSelector selector=all() matches=2 nodes=2",
            "-: peering=reflectors field=peerSelector selector=has(node-role.kubernetes.io/master) matches=0 nodes=2",
        ]
    );
}

#[test]
fn ranges_that_overlap_and_addresses_of_two() {
    let mut timeline = Timeline::default();
    timeline.facts.push(fact(
        &relation::IPAM_POOL,
        None,
        1,
        "10.0.0.0/16",
        &[("cidr", "10.0.0.0/16"), ("disabled", "false")],
    ));
    timeline.facts.push(fact(&relation::NODE, None, 2, "a", &[("name", "a"), ("address", "10.0.0.11")]));
    timeline.facts.push(fact(
        &relation::SERVICE,
        None,
        3,
        "kubernetes",
        &[("namespace", "default"), ("name", "kubernetes"), ("cluster_ip", "10.96.0.1")],
    ));
    let own = |node: &str, dev: &str, ip: &str, prefix: &str| {
        let cells = [("address", ip), ("prefix", prefix), ("dev", dev), ("scope", "global")];
        fact(&relation::ADDRESS, Some(node), 4, &format!("{node} {dev} {ip}"), &cells)
    };
    timeline.facts.push(own("a", "docker0", "172.17.0.1", "172.17.0.0/16"));
    timeline.facts.push(own("b", "docker0", "172.17.0.1", "172.17.0.0/16"));
    timeline.facts.push(own("b", "eth0", "172.17.9.9", "172.17.9.0/24"));
    timeline.facts.push(own("c", "eth0", "172.17.9.9", "172.17.9.0/24"));
    timeline.facts.push(own("c", "tunl0", "10.0.3.0", "10.0.3.0/32"));
    assert_eq!(
        rows(&timeline, "cidr.overlap"),
        [
            "-: first=10.0.0.0/16 first_is=pool second=10.0.0.11/32 second_is=node of=a",
            "-: first=172.17.0.0/16 first_is=bridge second=172.17.9.9/32 second_is=node of=b",
            "-: first=172.17.0.0/16 first_is=bridge second=172.17.9.9/32 second_is=node of=c",
        ]
    );
    assert_eq!(rows(&timeline, "address.conflict"), ["-: ip=172.17.9.9 how=two-nodes first=b second=c"]);
}

#[test]
fn what_a_node_has_against_what_it_may() {
    let mut timeline = Timeline::default();
    let setting = |key: &str, value: &str| {
        fact(&relation::SYSCTL, Some("a"), 1, &format!("{key} = {value}"), &[("key", key), ("value", value)])
    };
    timeline.facts.push(setting("net.ipv4.conf.all.rp_filter", "0"));
    timeline.facts.push(setting("net.ipv4.conf.eth1.rp_filter", "1"));
    timeline.facts.push(setting("net.ipv4.neigh.default.gc_thresh3", "2"));
    let count = [("entries", "3"), ("failed", "3")];
    timeline.facts.push(fact(&relation::NEIGHBOUR_COUNT, Some("a"), 2, "10.0.0.1 to 10.0.0.3", &count));
    for at in 1..4 {
        let ip = format!("10.0.0.{at}");
        timeline.facts.push(fact(
            &relation::NEIGHBOUR,
            Some("a"),
            2,
            &ip,
            &[("ip", &ip), ("dev", "eth0"), ("state", "FAILED")],
        ));
    }
    let link = |dev: &str, mtu: &str| {
        fact(&relation::LINK, Some("a"), 3, dev, &[("dev", dev), ("mtu", mtu), ("flags", "BROADCAST,UP")])
    };
    timeline.facts.extend([link("eth0", "1400"), link("vxlan.calico", "1450"), link("tunl0", "1380")]);
    timeline.facts.push(route("a", 4, "default via 10.0.0.254 dev eth0"));
    assert_eq!(rows(&timeline, "rp-filter"), ["a: dev=eth1 effective=1 own=1 all=0"]);
    assert_eq!(rows(&timeline, "neighbour.usage"), ["a: entries=3 failed=3 limit=2 ratio=1.500"]);
    assert_eq!(
        rows(&timeline, "tunnel.mtu"),
        [
            "a: dev=vxlan.calico mtu=1450 overhead=50 below=eth0 below_mtu=1400 excess=100",
            "a: dev=tunl0 mtu=1380 overhead=20 below=eth0 below_mtu=1400 excess=0",
        ]
    );
    let server = |node: &str, ip: &str| {
        fact(
            &relation::NAMESERVER,
            Some(node),
            5,
            &format!("nameserver {ip}"),
            &[("address", ip), ("path", "resolv.conf")],
        )
    };
    timeline.facts.extend([server("a", "10.0.0.2"), server("b", "10.0.0.2"), server("c", "10.9.9.9")]);
    timeline.collected.push(collected(&relation::NAMESERVER, Some("d"), 6, None));
    assert_eq!(
        rows(&timeline, "nameserver.spread"),
        [
            "a: address=10.0.0.2 on=2 of=4 position=1 servers=1",
            "b: address=10.0.0.2 on=2 of=4 position=1 servers=1",
            "c: address=10.9.9.9 on=1 of=4 position=1 servers=1",
            "d: of=4 servers=0",
        ]
    );
}
