//! How far the clocks of nodes are apart.
//!
//! ```text
//! an event that kubelet stamped 10:00:07.2, created by the API server at 10:00:02     node ahead by 5.2 s at least
//! a container started at 10:00:01 of a pod created at 10:00:04                        node behind by 3 s at least
//! System time     : 0.000013 seconds fast of NTP time                                 a time service measured it
//! renewTime: …:37.859850Z, written …:37Z          the API server noted at once what the node wrote: a lease, a heartbeat,
//!                                                 the state of a pod; five that agree are a measurement
//! renewTime: "2023-07-23T22:13:40.123456Z"        nodes renew their leases every 10 s: one that is 44 s later than the
//!                                                 oldest of two others in one listing is ahead by 32 s at least
//! prober found high clock drift … "clock-drift":"4m37s"       etcd is ahead of a peer, or the peer is behind
//! … elected leader 91bc3c398fb3c146 at term 5                 all members of etcd see it at once: one that saw several
//!                                                             later than the others, who agree, is ahead
//! ```
//!
//! The clock of the API server is the one all are compared with. What is written down by one and taken note of by another
//! bounds the difference from one side; many such pairs with the same bound are a measurement, because delivery takes
//! milliseconds when nothing is wrong. Where the API server notes at once what a node wrote, the middle of many pairs is
//! the difference, if most lie close to it, and if a lease or a heartbeat does: these are written all the time, so that
//! their pair is fresh, and of an API server that does not date every write they do not agree. A difference that is well supported moves the stamps of the node; one that is not
//! widens them. Within two seconds clocks count as together.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::elections::Elections;
use crate::{MemberId, Name, Quote, Record, Stamp, relation};

/// What is known of the difference between a node's clock and that of the API server.
#[derive(Debug, Clone, PartialEq)]
pub struct Skew {
    /// Whose clock.
    pub node: Name,
    /// By how much it is ahead, microseconds: the best guess.
    pub ahead_micros: i64,
    /// It is ahead by no less than this; none where nothing bounds it.
    pub least_micros: Option<i64>,
    /// And by no more than this.
    pub most_micros: Option<i64>,
    /// How many pairs of stamps say so.
    pub anchors: u32,
    /// What they are: `kube-event`, `container-start`, `pod-start`, `lease-update`, `node-status`, `pod-status`, `lease`,
    /// `etcd-peer`, `etcd-election`, `time-service`, `given`.
    pub by: Vec<Name>,
    /// What became of it.
    pub used: SkewUse,
    /// The pair that says it best.
    pub quote: Option<Quote>,
}

/// What became of a difference between clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkewUse {
    /// Small enough to be left alone.
    Together,
    /// Well supported: the stamps of the node were moved.
    Moved,
    /// Not well supported: the stamps of the node became wider.
    Widened,
}

/// Correction of a node's stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Correction {
    pub(crate) shift: TimeDelta,
    pub(crate) early_secs: i64,
    pub(crate) late_secs: i64,
}

/// Differences up to this are delivery and whole seconds.
const TOGETHER_MICROS: i64 = 2_000_000;
/// So many pairs must agree for a measurement,
const SUPPORT: usize = 5;
/// within so much of the tightest.
const AGREE_MICROS: i64 = 1_500_000;
/// What a moved stamp may still be off by.
const LEFT_SECS: i64 = 1;
/// A kubelet renews its lease every ten seconds, and a listing takes a moment.
const RENEWAL_MICROS: i64 = 12_000_000;
/// The leases of so many other nodes tell when a listing was made.
const WITNESSES: usize = 2;

/// So many elections must agree to say anything, and so many to move stamps: one may have been told of later.
const ELECTIONS: usize = 2;
const ELECTIONS_TO_MOVE: usize = 3;

/// Pairs of stamps of one instant that are fresh whenever the bundle was taken.
const FRESH: &[&str] = &["lease-update", "node-status"];

/// By how much a node is ahead: no less, no more; what says so, and where.
type Pair = (i64, Name, Quote);

#[derive(Default)]
struct Pairs {
    /// The node wrote and the API server noted it at once: ahead by so much, give or take the width.
    mirrored: Vec<(i64, i64, Name, Quote)>,
    /// Written by the node, then noted by the API server: the node is ahead by at least so much.
    least: Vec<Pair>,
    /// Created by the API server, then stamped by the node: the node is ahead by at most so much.
    most: Vec<Pair>,
    /// A time service measured it.
    measured: Vec<Pair>,
    /// Ahead of the other members of etcd by so much, by the elections that all saw.
    elections: Vec<(i64, Quote)>,
    /// etcd says that it is ahead of a peer by so much: either it is ahead, or the peer is behind.
    peers: Vec<Pair>,
}

/// The differences that the records of a case show.
pub(crate) fn skews<'r>(records: impl Iterator<Item = &'r Record>, given: &BTreeMap<Name, i64>) -> Vec<Skew> {
    let mut by_node: BTreeMap<Name, Pairs> = BTreeMap::new();
    let mut leases: BTreeMap<MemberId, BTreeMap<Name, (i64, Quote)>> = BTreeMap::new();
    let mut elections = Elections::default();
    for record in records {
        elections.note(record);
        let Record::Fact(fact, stamp) = record else { continue };
        let Some(quote) = fact.quotes.first() else { continue };
        if fact.row.relation == &relation::NODE_LEASE {
            if let (Some(node), Stamp::Exact { at, .. }) = (crate::build::text(&fact.get("name")), stamp) {
                let listing = leases.entry(quote.span.member).or_default();
                listing.insert(node, (at.timestamp_micros(), quote.clone()));
            }
            continue;
        }
        let number = |column: &str| fact.get(column).as_number();
        if fact.row.relation == &relation::CLOCK_PAIR {
            let node = crate::build::text(&fact.get("on")).or_else(|| fact.node.clone());
            let (Some(node), Some(ahead)) = (node, number("ahead_micros")) else { continue };
            let (ahead, width) = (ahead as i64, number("width_micros").unwrap_or(0.0) as i64);
            let how = crate::build::text(&fact.get("how")).unwrap_or_default();
            let pairs = by_node.entry(node).or_default();
            match fact.get("first") {
                crate::Value::Text(it) if &*it == "node" => {
                    pairs.least.push((ahead.saturating_sub(width), how, quote.clone()));
                }
                crate::Value::Text(it) if &*it == "mirror" => {
                    pairs.mirrored.push((ahead, width / 2, how, quote.clone()));
                }
                crate::Value::Text(it) if &*it == "peer" => pairs.peers.push((ahead, how, quote.clone())),
                _ => pairs.most.push((ahead.saturating_add(width), how, quote.clone())),
            }
        } else if fact.row.relation == &relation::CLOCK_SYNC
            // what a service tells that follows nobody is no measurement
            && fact.get("synchronized") != crate::Value::Flag(false)
            && let (Some(node), Some(offset)) = (&fact.node, number("offset_secs"))
            && offset.abs() < 1e8
        {
            let ahead = (offset * 1e6).round() as i64;
            by_node.entry(node.clone()).or_default().measured.push((ahead, "time-service".into(), quote.clone()));
        }
    }
    for listing in leases.values() {
        renewed(listing, &mut by_node);
    }
    for (node, ahead) in elections.ahead() {
        by_node.entry(node).or_default().elections = ahead;
    }
    let mut skews: Vec<Skew> = by_node.into_iter().filter_map(|(node, pairs)| estimate(node, pairs)).collect();
    for (node, secs) in given {
        skews.retain(|it| it.node != *node);
        let micros = secs.saturating_mul(1_000_000);
        skews.push(Skew {
            node: node.clone(),
            ahead_micros: micros,
            least_micros: Some(micros),
            most_micros: Some(micros),
            anchors: 0,
            by: vec!["given".into()],
            used: SkewUse::Moved,
            quote: None,
        });
    }
    skews.sort_by(|a, b| a.node.cmp(&b.node));
    skews
}

/// Bounds from the leases of one listing: the others tell when it was made.
///
/// One that is older than they are may be of a node that is down, and says nothing.
fn renewed(listing: &BTreeMap<Name, (i64, Quote)>, by_node: &mut BTreeMap<Name, Pairs>) {
    let mut times: Vec<i64> = listing.values().map(|it| it.0).collect();
    times.sort_unstable();
    for (node, (own, quote)) in listing {
        // the others, oldest first; the newest of them tell when the listing was made
        let Ok(place) = times.binary_search(own) else { continue };
        let at = |index: usize| times.get(index + usize::from(index >= place)).copied();
        let others = times.len() - 1;
        let Some(newest) = others.checked_sub(1).and_then(at) else { continue };
        let front =
            (0..others).take_while(|it| at(*it).is_some_and(|it| newest.saturating_sub(it) > RENEWAL_MICROS)).count();
        let Some(oldest) = at(front).filter(|_| others - front >= WITNESSES) else { continue };
        if *own < newest.saturating_sub(RENEWAL_MICROS) {
            continue;
        }
        let pairs = by_node.entry(node.clone()).or_default();
        pairs.least.push((own.saturating_sub(oldest).saturating_sub(RENEWAL_MICROS), "lease".into(), quote.clone()));
        pairs.most.push((own.saturating_sub(newest).saturating_add(RENEWAL_MICROS), "lease".into(), quote.clone()));
    }
}

/// What pairs of one instant say together.
struct Middle {
    ahead: i64,
    least: i64,
    most: i64,
    near: Vec<Pair>,
}

/// The middle of the mirrored pairs, where enough of them agree and a fresh one is among these.
fn middle(mut mirrored: Vec<(i64, i64, Name, Quote)>) -> Option<Middle> {
    mirrored.sort_by(|a, b| (a.0, &a.2, a.3.span).cmp(&(b.0, &b.2, b.3.span)));
    let all = mirrored.len();
    let ahead = mirrored.get(all / 2)?.0;
    let near: Vec<_> = mirrored.into_iter().filter(|it| (it.0 - ahead).abs() <= AGREE_MICROS).collect();
    if near.len() < SUPPORT || near.len() * 4 < all * 3 || !near.iter().any(|it| FRESH.contains(&it.2.as_ref())) {
        return None;
    }
    let least = near.iter().map(|it| it.0.saturating_sub(it.1)).min()?;
    let most = near.iter().map(|it| it.0.saturating_add(it.1)).max()?;
    // the one in the middle says it best
    let mut near: Vec<Pair> = near.into_iter().map(|(ahead, _, how, quote)| (ahead, how, quote)).collect();
    near.sort_by_key(|it| (it.0 - ahead).abs());
    Some(Middle { ahead, least, most, near })
}

/// The elections that agree with the middle one: enough of them, and most.
fn agreeing(mut all: Vec<(i64, Quote)>) -> Vec<Pair> {
    all.sort_by_key(|it| (it.0, it.1.span));
    let Some(middle) = all.get(all.len() / 2).map(|it| it.0) else { return Vec::new() };
    let count = all.len();
    let near = all.into_iter().filter(|it| (it.0 - middle).abs() <= AGREE_MICROS);
    let mut near: Vec<Pair> = near.map(|(ahead, quote)| (ahead, "etcd-election".into(), quote)).collect();
    near.sort_by_key(|it| (it.0 - middle).abs());
    if near.len() < ELECTIONS || near.len() * 4 < count * 3 { Vec::new() } else { near }
}

fn estimate(node: Name, mut pairs: Pairs) -> Option<Skew> {
    let middle = middle(std::mem::take(&mut pairs.mirrored));
    let elections = agreeing(std::mem::take(&mut pairs.elections));
    let none = Vec::new();
    let near = middle.as_ref().map_or(&none, |it| &it.near);
    pairs.least.sort_by_key(|it| std::cmp::Reverse(it.0));
    pairs.most.sort_by_key(|it| it.0);
    // a lease bounds from both sides, and is one anchor
    let leases = pairs.most.iter().filter(|it| &*it.1 == "lease").count();
    let all = [&pairs.least, &pairs.most, &pairs.measured, &pairs.peers, near, &elections];
    let anchors = (all.iter().map(|it| it.len()).sum::<usize>() - leases) as u32;
    let mut by: Vec<Name> = all.into_iter().flatten().map(|it| it.1.clone()).collect();
    by.sort();
    by.dedup();
    // one pair may be a clock that was stepped, or an object written by hand
    let second = |of: &[Pair]| of.get(usize::from(of.len() > 2)).map(|it| it.0);
    let (least, most) = (second(&pairs.least), second(&pairs.most));
    let agree = |of: &[Pair]| {
        let best = of.get(1).map(|it| it.0);
        best.is_some_and(|best| of.iter().filter(|it| (it.0 - best).abs() <= AGREE_MICROS).count() >= SUPPORT)
    };
    let skew = |ahead_micros, used, quote| Skew {
        node: node.clone(),
        ahead_micros,
        least_micros: least,
        most_micros: most,
        anchors,
        by: by.clone(),
        used,
        quote,
    };
    if let Some((ahead, _, quote)) = pairs.measured.last() {
        let used = if ahead.abs() > TOGETHER_MICROS { SkewUse::Moved } else { SkewUse::Together };
        return Some(skew(*ahead, used, Some(quote.clone())));
    }
    let within = |it: &Middle| {
        least.is_none_or(|least| least <= it.most.saturating_add(TOGETHER_MICROS))
            && most.is_none_or(|most| it.least.saturating_sub(TOGETHER_MICROS) <= most)
    };
    if let Some(it) = middle.as_ref().filter(|it| within(it) || it.ahead.abs() > TOGETHER_MICROS) {
        let used = match it.ahead.abs() > TOGETHER_MICROS {
            true if within(it) => SkewUse::Moved,
            // the clock may have been set in between
            true => SkewUse::Widened,
            false => SkewUse::Together,
        };
        let quote = it.near.first().map(|it| it.2.clone());
        return Some(Skew { least_micros: Some(it.least), most_micros: Some(it.most), ..skew(it.ahead, used, quote) });
    }
    if let Some((ahead, _, quote)) = elections.first().filter(|it| it.0.abs() > TOGETHER_MICROS) {
        let within = least.is_none_or(|least| least <= ahead.saturating_add(TOGETHER_MICROS))
            && most.is_none_or(|most| ahead.saturating_sub(TOGETHER_MICROS) <= most);
        let move_it = within && elections.len() >= ELECTIONS_TO_MOVE;
        let used = if move_it { SkewUse::Moved } else { SkewUse::Widened };
        return Some(skew(*ahead, used, Some(quote.clone())));
    }
    // bounds that exclude each other are no bounds: the clock was set in between
    let contradict = least.zip(most).is_some_and(|(least, most)| least > most.saturating_add(TOGETHER_MICROS));
    let ahead = match (least, most) {
        (Some(least), Some(most)) if contradict => {
            if least.abs() > most.abs() {
                least
            } else {
                most
            }
        }
        (Some(least), _) if agree(&pairs.least) || least > 0 => least,
        (_, Some(most)) if most < 0 => most,
        (Some(_), None) => 0,
        _ => 0,
    };
    let quote = if Some(ahead) == most {
        pairs.most.get(1).or(pairs.most.first())
    } else {
        pairs.least.get(1).or(pairs.least.first())
    };
    let quote = quote.map(|it| it.2.clone());
    // that it is ahead of a peer does not say which of the two is wrong: its stamps may be early by so much, and no more
    let peer = pairs.peers.iter().max_by_key(|it| it.0).filter(|it| it.0 > TOGETHER_MICROS);
    if let Some((claimed, _, quote)) = peer
        && ahead.abs() <= TOGETHER_MICROS
        && most.is_none_or(|most| *claimed <= most)
    {
        return Some(skew(*claimed, SkewUse::Widened, Some(quote.clone())));
    }
    if ahead.abs() <= TOGETHER_MICROS && !contradict {
        return (anchors > 0).then(|| skew(ahead, SkewUse::Together, quote));
    }
    let supported = !contradict && (agree(&pairs.least) || agree(&pairs.most) && ahead < 0);
    Some(skew(ahead, if supported { SkewUse::Moved } else { SkewUse::Widened }, quote))
}

impl Skew {
    pub(crate) fn correction(&self) -> Correction {
        let secs = |micros: i64| micros.div_euclid(1_000_000) + i64::from(micros.rem_euclid(1_000_000) > 0);
        match self.used {
            SkewUse::Together => Correction::default(),
            SkewUse::Moved if self.by.iter().any(|it| &**it == "given") => {
                Correction { shift: TimeDelta::microseconds(self.ahead_micros), ..Correction::default() }
            }
            SkewUse::Moved => Correction {
                shift: TimeDelta::microseconds(self.ahead_micros),
                early_secs: LEFT_SECS,
                late_secs: LEFT_SECS,
            },
            // a clock that is ahead shows instants later than they were
            SkewUse::Widened if self.ahead_micros > 0 => {
                Correction { early_secs: secs(self.ahead_micros), ..Correction::default() }
            }
            SkewUse::Widened => Correction { late_secs: secs(-self.ahead_micros), ..Correction::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fact, Row, Span};

    fn pair(first: &str, ahead_secs: f64, width_secs: f64) -> Record {
        let row = Row::new(&relation::CLOCK_PAIR)
            .with("on", "a")
            .with("first", first)
            .with("ahead_micros", (ahead_secs * 1e6) as i64)
            .with("width_micros", (width_secs * 1e6) as i64)
            .with("how", if first == "node" { "kube-event" } else { "container-start" });
        fact(row, None)
    }

    fn fact(row: Row, node: Option<&str>) -> Record {
        let quote = Quote { span: Span { member: MemberId(0), start: 0, len: 1, line: 1 }, text: "x".into() };
        Record::Fact(Box::new(Fact::new(row, node.map(Into::into), quote)), Stamp::None)
    }

    fn of(records: &[Record]) -> Option<(f64, SkewUse, Correction)> {
        let skews = skews(records.iter(), &BTreeMap::new());
        skews.first().map(|it| (it.ahead_micros as f64 / 1e6, it.used, it.correction()))
    }

    #[test]
    fn clocks_that_agree_are_left_alone() {
        let records: Vec<Record> = (0..9).map(|it| pair("node", -0.1 * f64::from(it), 1.0)).collect();
        let (_, used, correction) = of(&records).expect("pairs");
        assert_eq!((used, correction), (SkewUse::Together, Correction::default()));
        assert_eq!(of(&[]), None);
        // slow delivery is no slow clock
        let slow: Vec<Record> = [-0.2, -0.4, -31.0, -92.0].map(|it| pair("node", it, 1.0)).into();
        assert_eq!(of(&slow).map(|it| it.1), Some(SkewUse::Together));
    }

    #[test]
    fn many_pairs_with_one_bound_are_a_measurement() {
        let ahead: Vec<Record> = (0..6).map(|it| pair("node", 30.0 - 0.1 * f64::from(it), 1.0)).collect();
        let (secs, used, correction) = of(&ahead).expect("pairs");
        assert!((28.0..=30.0).contains(&secs) && used == SkewUse::Moved, "{secs} {used:?}");
        assert_eq!((correction.early_secs, correction.late_secs), (1, 1));
        let behind: Vec<Record> = (0..6).map(|it| pair("node", -30.0 - 0.1 * f64::from(it), 1.0)).collect();
        assert!(of(&behind).is_some_and(|it| it.0 < -29.0 && it.1 == SkewUse::Moved));
    }

    #[test]
    fn few_pairs_widen_only() {
        let (secs, used, correction) = of(&[pair("node", 40.0, 1.0)]).expect("a pair");
        assert_eq!((secs, used), (39.0, SkewUse::Widened));
        assert_eq!(correction, Correction { shift: TimeDelta::zero(), early_secs: 39, late_secs: 0 });
        // a container cannot start before its pod is there
        let (secs, used, correction) = of(&[pair("api", -12.0, 1.0)]).expect("a pair");
        assert_eq!((secs, used, correction.late_secs), (-11.0, SkewUse::Widened, 11));
        assert_eq!(of(&[pair("api", 500.0, 1.0)]).map(|it| it.1), Some(SkewUse::Together), "it may start late");
        // events a minute late may have waited, and nothing else is known
        assert_eq!(of(&[pair("node", -60.0, 1.0)]).map(|it| it.1), Some(SkewUse::Together));
    }

    fn mirrored(how: &str, ahead_secs: f64) -> Record {
        let row = Row::new(&relation::CLOCK_PAIR)
            .with("on", "a")
            .with("first", "mirror")
            .with("ahead_micros", (ahead_secs * 1e6) as i64)
            .with("width_micros", 1_000_000_i64)
            .with("how", how);
        fact(row, None)
    }

    #[test]
    fn what_is_noted_at_once_is_a_measurement_where_enough_agree() {
        let pods = |by: f64, count: usize| (0..count).map(move |it| mirrored("pod-status", by + 0.1 * it as f64));
        let ahead: Vec<Record> = pods(30.0, 4).chain([mirrored("lease-update", 30.2)]).collect();
        let (secs, used, correction) = of(&ahead).expect("pairs");
        assert!((30.0..=30.4).contains(&secs) && used == SkewUse::Moved, "{secs} {used:?}");
        assert_eq!((correction.early_secs, correction.late_secs), (1, 1));
        let skew = &skews(ahead.iter(), &BTreeMap::new())[0];
        assert_eq!((skew.anchors, skew.least_micros, skew.most_micros), (5, Some(29_500_000), Some(30_800_000)));
        assert_eq!(skew.by, ["lease-update".into(), "pod-status".into()]);
        let behind: Vec<Record> = pods(-30.0, 4).chain([mirrored("node-status", -30.2)]).collect();
        assert!(of(&behind).is_some_and(|it| it.0 < -29.0 && it.1 == SkewUse::Moved));
        // one that is off is outvoted
        let odd: Vec<Record> =
            pods(0.1, 7).chain([mirrored("pod-status", -900.0), mirrored("lease-update", 0.3)]).collect();
        assert_eq!(of(&odd).map(|it| it.1), Some(SkewUse::Together));
    }

    #[test]
    fn what_is_noted_is_no_measurement_where_too_few_agree() {
        let pods = |by: f64, count: usize| (0..count).map(move |it| mirrored("pod-status", by + 0.1 * it as f64));
        let few: Vec<Record> = pods(30.0, 3).chain([mirrored("lease-update", 30.2)]).collect();
        assert_eq!(of(&few), None);
        // an API server of old times dates the first write of each field: its leases are days apart from the others
        let stale: Vec<Record> =
            pods(3.0, 9).chain([mirrored("lease-update", 86_400.0), mirrored("node-status", 9e5)]).collect();
        assert_eq!(of(&stale), None);
        let apart: Vec<Record> = (0..9)
            .map(|it| mirrored("pod-status", 20.0 * f64::from(it)))
            .chain([mirrored("lease-update", 80.0)])
            .collect();
        assert_eq!(of(&apart), None, "spread over minutes");
        // a container cannot start before its pod is there: the bound is not overruled
        let against: Vec<Record> =
            pods(30.0, 5).chain([mirrored("lease-update", 30.2), pair("api", 1.0, 1.0)]).collect();
        assert_eq!(of(&against).map(|it| it.1), Some(SkewUse::Widened));
    }

    #[test]
    fn leases_of_one_listing_bound_each_other() {
        let lease = |node: &str, secs: i64| {
            let row = Row::new(&relation::NODE_LEASE).with("name", node).with("duration_secs", 40_i64);
            match fact(row, None) {
                Record::Fact(fact, _) => Record::Fact(fact, Stamp::epoch_micros((1_700_000_000 + secs) * 1_000_000)),
                other => other,
            }
        };
        let found = |records: &[Record]| {
            let skews = skews(records.iter(), &BTreeMap::new());
            let shown =
                |it: &Skew| format!("{} {} s {:?} {}", it.node, it.ahead_micros / 1_000_000, it.used, it.anchors);
            skews.iter().map(shown).collect::<Vec<_>>()
        };
        let healthy = found(&[lease("a", 0), lease("b", 4), lease("c", 9)]);
        assert_eq!(healthy, ["a 0 s Together 1", "b 0 s Together 1", "c 0 s Together 1"]);
        // 40 s later than the newest of the others, which may be ten seconds old; the others are judged by themselves
        let ahead = found(&[lease("a", 0), lease("b", 4), lease("c", 44)]);
        assert_eq!(ahead, ["c 32 s Widened 1"], "a bound of one listing moves nothing");
        // a node that is down, and too few to tell
        assert_eq!(found(&[lease("a", 0), lease("b", 4), lease("c", -900)]), [""; 0]);
        assert_eq!(found(&[lease("a", 0), lease("b", 4000)]), [""; 0]);
    }

    #[test]
    fn etcd_ahead_of_a_peer_widens_only() {
        let row = || {
            let row = Row::new(&relation::CLOCK_PAIR).with("first", "peer").with("ahead_micros", 277_000_000_i64);
            row.with("width_micros", 0_i64).with("how", "etcd-peer")
        };
        let records: Vec<Record> = (0..9).map(|_| fact(row(), Some("a"))).collect();
        let (secs, used, correction) = of(&records).expect("pairs");
        assert_eq!((secs, used), (277.0, SkewUse::Widened), "however often it says so");
        assert_eq!((correction.shift, correction.early_secs, correction.late_secs), (TimeDelta::zero(), 277, 0));
        let records = [fact(row(), Some("a")), pair("api", 0.5, 1.0)];
        assert_eq!(of(&records).map(|it| it.1), Some(SkewUse::Together), "the peer is behind: the API server knows");
    }

    #[test]
    fn elections_that_all_members_saw() {
        let of = |terms: i64, bounds: &[f64]| {
            let mut pairs = Pairs::default();
            let quote = Quote { span: Span { member: MemberId(0), start: 0, len: 1, line: 1 }, text: "x".into() };
            pairs.elections.extend((0..terms).map(|it| (31_000_000 + it * 100_000, quote.clone())));
            for ahead in bounds {
                pairs.most.push(((*ahead * 1e6) as i64, "container-start".into(), quote.clone()));
            }
            estimate("c".into(), pairs).map(|it| (it.ahead_micros / 1_000_000, it.used, it.anchors))
        };
        assert_eq!(of(1, &[]), None, "it may have been told of later");
        assert_eq!(of(2, &[]), Some((31, SkewUse::Widened, 2)));
        assert_eq!(of(3, &[]), Some((31, SkewUse::Moved, 3)));
        // a container cannot start before its pod is there
        assert_eq!(of(3, &[1.0]).map(|it| it.1), Some(SkewUse::Widened));
    }

    #[test]
    fn a_time_service_knows_best_and_the_user_better() {
        let sync = || Row::new(&relation::CLOCK_SYNC).with("service", "chronyc").with("offset_secs", -3.5);
        let records = [pair("node", 0.1, 1.0), fact(sync(), Some("a"))];
        assert_eq!(of(&records).map(|it| (it.0, it.1)), Some((-3.5, SkewUse::Moved)));
        let lost = [fact(sync().with("synchronized", false), Some("a"))];
        assert_eq!(of(&lost), None, "it follows no server");
        let given = skews(records.iter(), &BTreeMap::from([("a".into(), 7)]));
        assert_eq!((given.len(), given[0].ahead_micros), (1, 7_000_000));
        assert_eq!(given[0].correction().shift, TimeDelta::seconds(7));
    }
}
