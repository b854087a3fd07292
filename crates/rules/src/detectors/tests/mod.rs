//! What the detectors find in timelines written by hand.

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

mod boots;
mod metrics;
mod network;
mod routes;

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
fn hostile_values_are_survived() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e308, -1e308, f64::MIN_POSITIVE];
    let mut all = Vec::new();
    for (at, metric) in ["x", "x_total", "up", "node_boot_time_seconds", ""].into_iter().enumerate() {
        let mut one = every_15(metric, &[], "n", (0..60).map(|it| odd[(it * 5 + at) % odd.len()]));
        one.points = one.points.iter().map(|it| Point { millis: it.millis.saturating_mul(1 << 40), ..it }).collect();
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
