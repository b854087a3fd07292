//! From the records of all members to one timeline.

use std::collections::{BTreeMap, BTreeSet};

use crate::boots;
use crate::clock::{Clocks, Zones};
use crate::copies;
use crate::crash;
use crate::gaps;
use crate::placing::{Placing, running_boots};
use crate::seams;
use crate::skew::{self, Skew};
use crate::testimony;
use crate::{
    Clock, ClockStep, Collected, Event, Fact, Gap, Issue, KernelClock, Member, MemberId, MemberRecords, Name,
    NodeNames, Record, Seen, Series, Source, Stamp, Time, Value, relation,
};

/// What the user knows better than the bundle.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The year of stamps that print none.
    pub year: Option<i32>,
    /// Zone of a node, seconds east of UTC.
    pub zones: BTreeMap<Name, i32>,
    /// How far a node's clock is ahead of true time, seconds.
    pub skews: BTreeMap<Name, i64>,
}

/// A case on one clock: what happened, what was measured, what was true, and what of it was collected.
#[derive(Debug, Default, Clone)]
pub struct Timeline {
    /// The ledger, by [`crate::MemberId`].
    pub members: Vec<Member>,
    /// What happened, in time order; ties by place in the case. Records of unknown time stand last.
    pub events: Vec<Box<Event>>,
    /// What was true, by place in the case. Structured events appear here as well.
    pub facts: Vec<Fact>,
    /// What was measured, by metric and labels.
    pub series: Vec<Series>,
    /// Which sources were collected, from when to when.
    pub seen: Vec<Seen>,
    /// Stretches of logs and metrics without records where some are due, by file and source.
    pub gaps: Vec<Gap>,
    /// Which relations were collected.
    pub collected: Vec<Collected>,
    /// The clocks behind all times.
    pub clocks: Vec<Clock>,
    /// How far the clocks of nodes are apart, where pairs of stamps tell.
    pub skews: Vec<Skew>,
    /// Clocks that were set while their machine ran.
    pub steps: Vec<ClockStep>,
    /// How the kernel's clocks were put on the wall clock.
    pub kernel_clocks: Vec<KernelClock>,
    /// The nodes and their names.
    pub nodes: NodeNames,
    /// What could not be read.
    pub issues: Vec<Issue>,
}

impl Timeline {
    /// Puts the records of all members on one clock.
    ///
    /// Members come in ledger order; the outcome depends on nothing else.
    #[must_use]
    pub fn build(mut members: Vec<Member>, mut records: Vec<MemberRecords>, overrides: &Overrides) -> Timeline {
        let nodes = unify_nodes(&members, &records);
        for (member, of) in members.iter_mut().zip(&mut records) {
            rename(member, of, &nodes);
        }
        let given = overrides.zones.iter().map(|(node, offset)| (nodes.canonical(node), *offset)).collect();
        let ahead = overrides.skews.iter().map(|(node, secs)| (nodes.canonical(node), *secs)).collect();
        let zones = Zones::settle(&testimony::zone_claims(&records), &given).named(&testimony::zone_names(&records));
        let zones = zones.hinted(testimony::zone_hints(&records));
        let skews = skew::skews(records.iter().flat_map(|it| &it.records), &ahead);
        let mut clocks = Clocks::new(skews.iter().map(|it| (it.node.clone(), it.correction())).collect());
        let evidence = testimony::year_evidence(&records, overrides.year);
        let running = running_boots(&records);

        let mut timeline = Timeline { nodes, ..Timeline::default() };
        let mut stamped: Vec<(Record, Stamp)> = Vec::with_capacity(records.iter().map(|it| it.records.len()).sum());
        let mut edges: Vec<(Record, Stamp)> = Vec::new();
        for (at, (member, of)) in members.iter_mut().zip(records).enumerate() {
            let id = MemberId(at as u32);
            let mut placing = Placing::of(id, member, &of, &zones, &evidence, &running);
            for mut seen in of.seen {
                seen.member = id;
                if let Some((first, last)) = placing.covers(&seen, &mut clocks) {
                    seen.covers = Some((first, last));
                    member.covers = Some(match member.covers {
                        None => (first, last),
                        Some((a, b)) => (a.min(first), b.max(last)),
                    });
                }
                let gaps = std::mem::take(&mut seen.holes).into_iter();
                timeline.gaps.extend(gaps.map(|it| placing.gap(&seen, it, &mut clocks)));
                timeline.seen.push(seen);
            }
            for mut collected in of.collected {
                collected.member = id;
                timeline.collected.push(collected);
            }
            for mut record in of.records {
                let stamp = placing.place(&mut record, &mut clocks);
                stamped.push((record, stamp));
            }
            timeline.kernel_clocks.extend(placing.kernel.told(id));
            let steps: Vec<_> = placing.steps.clone().told().collect();
            // they are counted with the records whose lines they are
            for mut edge in of.edges.into_iter().map(|it| Record::Event(Box::new(it))) {
                let stamp = placing.place(&mut edge, &mut clocks);
                edges.push((edge, stamp));
            }
            for (mut step, stamp) in steps {
                step.at = placing.time(&stamp, step.node.as_ref(), step.quote.span.start, &mut clocks);
                timeline.steps.push(step);
            }
            timeline.issues.extend(of.issues);
            member.tally = of.tally;
        }
        crash::anchor(&mut stamped, &mut clocks);
        crash::bound(&mut stamped, &mut clocks);
        seams::join(edges, &mut stamped, &members, &timeline.seen, &timeline.gaps);
        let collection = collection_times(&stamped);
        let stamped = copies::without_copies(stamped);
        timeline.reserve(stamped.iter().map(|it| &it.0));
        for (record, stamp) in stamped {
            timeline.keep(record, &stamp, &collection);
        }
        timeline.members = members;
        timeline.clocks = clocks.list;
        timeline.skews = skews;
        timeline.sort();
        boots::judge_by_repairs(&mut timeline);
        gaps::settle(&mut timeline);
        timeline
    }

    /// Makes room for records, once: a list that grows is held twice for a moment, which is when memory is at its most.
    fn reserve<'r>(&mut self, records: impl Iterator<Item = &'r Record>) {
        let (mut events, mut facts, mut series) = (0, 0, 0);
        for record in records {
            match record {
                Record::Event(event) => {
                    events += 1;
                    facts += usize::from(event.row.is_some());
                }
                Record::Fact(..) => facts += 1,
                Record::Series(_) => series += 1,
            }
        }
        self.events.reserve_exact(events);
        self.facts.reserve_exact(facts);
        self.series.reserve_exact(series);
    }

    fn keep(&mut self, record: Record, stamp: &Stamp, collection: &BTreeMap<Option<Name>, Time>) {
        match record {
            Record::Event(event) => {
                if let Some(row) = &event.row {
                    let quotes = vec![event.quote.clone()];
                    self.facts.push(Fact { row: row.clone(), node: event.node.clone(), at: event.at, quotes });
                }
                self.events.push(event);
            }
            Record::Fact(mut fact, _) => {
                if *stamp == Stamp::None {
                    let own = collection.get(&fact.node).or_else(|| collection.get(&None));
                    fact.at = own.copied().unwrap_or(Time::UNKNOWN);
                }
                self.facts.push(*fact);
            }
            Record::Series(series) => self.series.push(*series),
        }
    }

    fn sort(&mut self) {
        self.events.sort_by(|a, b| {
            let key = |it: &Event| (!it.at.is_known(), it.at.nominal.lo, it.quote.span);
            key(a).cmp(&key(b))
        });
        self.series.sort_unstable_by(|a, b| {
            (&a.metric, &a.labels, a.member, a.start).cmp(&(&b.metric, &b.labels, b.member, b.start))
        });
        self.issues.sort();
        without_copies(&mut self.series);
    }

    /// The rows of one relation, in case order.
    pub fn rows<'t>(&'t self, relation: &'t str) -> impl Iterator<Item = &'t Fact> {
        self.facts.iter().filter(move |it| it.row.relation.name == relation)
    }

    /// The path of a member.
    #[must_use]
    pub fn path(&self, member: MemberId) -> &str {
        self.members.get(member.0 as usize).map_or("", |it| it.path.as_ref())
    }
}

/// Bundles often hold one series twice, as a dump and as an answer of the API; added up, it would count double. Of two
/// that overlap the one with more points stays.
fn without_copies(series: &mut Vec<Series>) {
    // those that stay move to the front, in their order
    let mut kept = 0;
    for at in 0..series.len() {
        let one = &series[at];
        let overlaps = |it: &Series| {
            let ends = |it: &Series| Some((it.points.first()?.millis, it.points.last()?.millis));
            let (Some(a), Some(b)) = (ends(it), ends(one)) else { return false };
            it.metric == one.metric && it.labels == one.labels && !it.metric.is_empty() && a.0 <= b.1 && b.0 <= a.1
        };
        let mut alike =
            (0..kept).rev().take_while(|it| series[*it].metric == one.metric && series[*it].labels == one.labels);
        match alike.find(|it| overlaps(&series[*it])) {
            Some(known) if series[known].points.len() < one.points.len() => series.swap(known, at),
            Some(_) => {}
            None => {
                series.swap(kept, at);
                kept += 1;
            }
        }
    }
    series.truncate(kept);
}

/// Columns whose text is the name of a node.
const NODE_COLUMNS: &[&str] = &["owner", "user", "on"];

/// The columns of a row that name nodes. What is said of one node has other owners and users: accounts, tasks.
fn node_columns(row: &crate::Row) -> &'static [&'static str] {
    if row.relation.per_node { &[] } else { NODE_COLUMNS }
}

fn unify_nodes(members: &[Member], records: &[MemberRecords]) -> NodeNames {
    let mut seen: BTreeSet<Name> = members.iter().filter_map(|it| it.node.clone()).collect();
    let mut pairs = Vec::new();
    for of in records {
        let hosts = of.seen.iter().filter(|it| it.source != Source::NetworkDevice);
        seen.extend(hosts.filter_map(|it| it.node.clone()));
        seen.extend(of.collected.iter().filter_map(|it| it.node.clone()));
        for record in &of.records {
            match record {
                Record::Event(event) => {
                    seen.extend(event.node.clone());
                    seen.extend(
                        event
                            .row
                            .iter()
                            .flat_map(|it| node_columns(it).iter().filter_map(|column| text(it.get(column)))),
                    );
                }
                Record::Fact(fact, _) => {
                    seen.extend(fact.node.clone());
                    seen.extend(node_columns(&fact.row).iter().filter_map(|column| text(&fact.get(column))));
                    if fact.row.relation == &relation::ALIAS
                        && let (Some(name), Some(other)) = (text(&fact.get("name")), text(&fact.get("other")))
                    {
                        pairs.push((name, other));
                    }
                    if fact.row.relation == &relation::NODE {
                        seen.extend(text(&fact.get("name")));
                    }
                }
                Record::Series(series) => seen.extend(series.label("node").cloned()),
            }
        }
    }
    let seen: Vec<Name> = seen.into_iter().filter(|it| !it.is_empty()).collect();
    pairs.sort();
    NodeNames::unify(&seen, &pairs)
}

pub(crate) fn text(value: &Value) -> Option<Name> {
    match value {
        Value::Text(it) if !it.is_empty() => Some(it.clone()),
        Value::Address(it) => Some(it.to_string().into()),
        _ => None,
    }
}

fn rename(member: &mut Member, records: &mut MemberRecords, nodes: &NodeNames) {
    let one = |name: &mut Option<Name>| {
        if let Some(it) = name {
            *it = nodes.canonical(it);
        }
    };
    one(&mut member.node);
    records.seen.iter_mut().for_each(|it| one(&mut it.node));
    records.collected.iter_mut().for_each(|it| one(&mut it.node));
    records.edges.iter_mut().for_each(|it| one(&mut it.node));
    let cells = |row: &mut crate::Row| {
        for column in node_columns(row) {
            if let Some(at) = row.relation.column(column)
                && let Some(name) = text(&row.values[at])
            {
                row.values[at] = Value::Text(nodes.canonical(&name));
            }
        }
    };
    for record in &mut records.records {
        match record {
            Record::Event(event) => {
                one(&mut event.node);
                event.row.iter_mut().for_each(cells);
            }
            Record::Fact(fact, _) => {
                one(&mut fact.node);
                cells(&mut fact.row);
            }
            Record::Series(series) => series.node = series_node(series, nodes),
        }
    }
}

/// The node a series speaks of: labels that name it, else the scraped address where it is a known node's.
fn series_node(series: &Series, nodes: &NodeNames) -> Option<Name> {
    let named = ["node", "kubernetes_node", "nodename", "node_name", "kubernetes_io_hostname"];
    if let Some(name) = named.iter().find_map(|it| series.label(it)).filter(|it| !it.is_empty()) {
        return Some(nodes.canonical(name));
    }
    let instance = series.label("instance")?;
    nodes.known(instance)
}

/// When state was collected, by node; under no node: for the case as a whole.
fn collection_times(stamped: &[(Record, Stamp)]) -> BTreeMap<Option<Name>, Time> {
    let mut times: BTreeMap<Option<Name>, Time> = BTreeMap::new();
    for (record, _) in stamped {
        if let Record::Fact(fact, _) = record
            && fact.row.relation == &relation::COLLECTED
            && fact.at.is_known()
            && text(&fact.get("command")).as_deref() != Some("crash directory")
        {
            for key in [fact.node.clone(), None] {
                let time = times.entry(key).or_insert(fact.at);
                *time = Time::utc(time.full.hull(&fact.at.full));
            }
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};

    use super::*;
    use crate::{Point, Printed, Quote, Row, Span, YearBasis, ZoneBasis};

    fn quote(at: u64) -> Quote {
        Quote { span: Span { member: MemberId(0), start: at, len: 1, line: 1 }, text: "x".into() }
    }

    fn event(node: &str, at: u64, stamp: Stamp, inner: Option<Stamp>) -> Record {
        Record::Event(Box::new(Event {
            stamp,
            inner,
            at: Time::UNKNOWN,
            node: Some(node.into()),
            source: Source::Kubelet,
            carrier: crate::Carrier::Journal,
            unit: None,
            pid: None,
            severity: None,
            message: "x".into(),
            count: 1,
            row: None,
            quote: quote(at),
        }))
    }

    fn yearless(hour: u32) -> Stamp {
        let time = NaiveTime::from_hms_opt(hour, 9, 4).expect("a time");
        Stamp::Yearless { month: 7, day: 23, time, resolution: TimeDelta::seconds(1) }
    }

    fn fact(row: Row, node: Option<&str>, stamp: Stamp) -> Record {
        Record::Fact(Box::new(Fact::new(row, node.map(Arc::from), quote(0))), stamp)
    }

    fn built(records: Vec<Record>) -> Timeline {
        let of = MemberRecords { records, ..MemberRecords::default() };
        Timeline::build(vec![Member::new("a", 1)], vec![of], &Overrides::default())
    }

    #[test]
    fn zone_and_year_come_from_the_bundle() {
        let zone = fact(Row::new(&relation::ZONE).with("offset_secs", 28_800_i64), Some("a"), Stamp::None);
        let collected = Stamp::Zoneless {
            local: NaiveDate::from_ymd_opt(2023, 7, 24).and_then(|it| it.and_hms_opt(11, 0, 0)).expect("a date"),
            resolution: TimeDelta::seconds(1),
            abbreviation: None,
        };
        let collected = fact(Row::new(&relation::COLLECTED).with("command", "date"), Some("a"), collected);
        let timeline = built(vec![zone, collected, event("a", 5, yearless(22), None)]);
        let event = &timeline.events[0];
        assert_eq!(event.at.nominal.lo.to_rfc3339(), "2023-07-23T14:09:04+00:00");
        assert_eq!(event.at.nominal, event.at.full, "nothing is left to guess");
        let clock = &timeline.clocks[event.at.clock.0 as usize];
        assert!(matches!(clock.year, YearBasis::Collected(_)) && matches!(clock.zone, ZoneBasis::Node(_)));
    }

    #[test]
    fn without_any_word_of_a_zone_order_is_kept_and_the_error_shown() {
        let exact = Stamp::Exact {
            at: DateTime::from_timestamp(1_690_121_344, 0).expect("in range"),
            resolution: TimeDelta::seconds(1),
            offset_secs: None,
        };
        let timeline = built(vec![
            event("a", 5, yearless(22), None),
            event("a", 9, yearless(23), None),
            event("b", 12, exact, None),
        ]);
        let of = |node: &str, nth: usize| {
            timeline.events.iter().filter(|it| it.node.as_deref() == Some(node)).nth(nth).expect("an event").at
        };
        assert_eq!(of("a", 0).before(&of("a", 1)), crate::Truth::True, "one clock orders its own stamps");
        assert_eq!(of("a", 0).before(&of("b", 0)), crate::Truth::Unknown, "and no others");
        assert_eq!(of("a", 0).nominal.lo.to_rfc3339(), "2023-07-23T22:09:04+00:00", "the year is its neighbour's");
    }

    #[test]
    fn a_programs_own_stamp_in_another_zone_is_shifted_to_its_carriers() {
        let time = NaiveTime::from_hms_micro_opt(14, 9, 4, 117_310).expect("a time");
        let inner = Stamp::Yearless { month: 7, day: 23, time, resolution: TimeDelta::microseconds(1) };
        let timeline = built(vec![event("a", 5, yearless(22), Some(inner))]);
        let at = timeline.events[0].at.nominal;
        assert_eq!(at.lo.format("%H:%M:%S%.6f").to_string(), "22:09:04.117310");
        assert_eq!(at.hi - at.lo, TimeDelta::microseconds(1));
    }

    #[test]
    fn a_line_that_stands_in_two_files_happened_once() {
        let exact = Stamp::Exact {
            at: DateTime::from_timestamp(1_690_121_344, 0).expect("in range"),
            resolution: TimeDelta::seconds(1),
            offset_secs: None,
        };
        let file = |member: u32, node: &str, times: usize| {
            let mut records: Vec<Record> = (0..times).map(|at| event(node, at as u64, exact, None)).collect();
            for record in &mut records {
                if let Record::Event(event) = record {
                    event.quote.span.member = MemberId(member);
                }
            }
            MemberRecords { records, ..MemberRecords::default() }
        };
        let members = ["a.log", "a.log.1", "b.log"].map(|it| Member::new(it, 1)).to_vec();
        let records = vec![file(0, "a", 1), file(1, "a", 2), file(2, "b", 1)];
        let timeline = Timeline::build(members, records, &Overrides::default());
        let from: Vec<u32> = timeline.events.iter().map(|it| it.quote.span.member.0).collect();
        assert_eq!(from, [1, 1, 2], "the fuller file of one node, and the other node");
    }

    #[test]
    fn a_series_that_stands_twice_counts_once() {
        let series = |points: &[i64]| {
            Record::Series(Box::new(Series {
                metric: "up".into(),
                labels: vec![("node".into(), "a".into())],
                points: points.iter().map(|it| Point { millis: *it, value: 1.0 }).collect(),
                stale: Vec::new(),
                node: None,
                member: MemberId(0),
                start: 0,
                line: 1,
                text: Printed::whole(""),
            }))
        };
        let timeline = built(vec![series(&[1, 2]), series(&[1, 2, 3]), series(&[10, 11])]);
        let lengths: Vec<usize> = timeline.series.iter().map(|it| it.points.len()).collect();
        assert_eq!(lengths, [3, 2], "overlapping ones are one, later ones another");
        assert_eq!(timeline.series[0].node.as_deref(), Some("a"));
    }
}
