//! Reboots: one kernel lifetime ended on a node and another began.
//!
//! ```text
//! Jun 14 13:14:38 node kernel: invalid opcode: 0000 [#1] SMP      the last line of a boot
//! -- Reboot --                                                    the file shows a new one
//! Node 172.21.128.138 has been rebooted, boot id: 281c2a66-…      so does the kubelet
//! node_boot_time_seconds  1591000000 -> 1592111706                so does the exporter
//! reboot   system boot  4.4.0-104-generic  Sun Jun 14 13:15       so does `last`, which tells of a crash, too
//! kernel: EXT4-fs (sda2): recovery complete                       the boot repairs what the one before left open
//! ```
//!
//! Relation `boot.reboot`, one row a reboot: what several sources say within ten minutes, or with one boot id, is one.
//! `ending` is `unclean` where shutdown lines are missing before the end, `orderly` where they are there, and `unknown`
//! where only events and metrics speak, which cannot tell, or a list of boots that does not; `unclean` says the same as yes, no or nothing. What the
//! new boot repairs at its beginning (`boot.recovery`) settles what else is unknown, and tells of a reboot where the bundle shows in another
//! way that the node was there before. `at` runs from the
//! last sign of the old boot to the first of the new. Skipped: a boot whose predecessor the bundle does not show, boots of
//! a list at times of which the bundle holds no log of the node, and boot times that moved because the clock was set.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use timeline::{BootBreak, Fact, Name, Quote, Relation, Row, Series, Time, Timeline, Value, relation};

use super::leases::node;
use super::samples::distinct;
use super::{Detector, between, facts};

pub(super) static RELATION: Relation = Relation {
    name: "boot.reboot",
    columns: &["ending", "unclean", "gap_secs", "boot_id", "how"],
    about: "A node rebooted: `ending` is unclean where no shutdown precedes the end, else orderly or unknown, `gap_secs` between the last line before and \
            the first after, `boot_id` of the new boot, `how` it is known: journal, event, metric or list.",
    per_node: true,
};

pub(super) static DETECTOR: Detector =
    Detector { relation: &RELATION, needs: &["boot.end", "boot.start"], find };

/// Sources that differ by less speak of one reboot.
const SAME_REBOOT_SECS: i64 = 600;
/// How far a boot time may lie outside the two scrapes that show its change: clocks differ, an uptime is rounded.
const BOOT_SLACK_MILLIS: i64 = 120_000;
/// Within how many seconds a boot repairs what was left open.
const REPAIR_SECS: i64 = 180;
/// Smaller moves are corrections of the clock.
const BOOT_MOVED_SECS: f64 = 30.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Journal,
    Event,
    Metric,
    List,
}

impl How {
    fn name(self) -> &'static str {
        match self {
            How::Journal => "journal",
            How::Event => "event",
            How::Metric => "metric",
            How::List => "list",
        }
    }
}

/// One reboot as one source tells it.
struct Reboot {
    node: Option<Name>,
    how: How,
    unclean: Option<bool>,
    gap_secs: Option<i64>,
    boot_id: Option<String>,
    at: Time,
    quotes: Vec<Quote>,
}

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut told: Vec<Reboot> = timeline.boot_breaks().iter().map(pair).collect();
    told.extend(events(timeline));
    told.extend(metrics(timeline));
    told.extend(lists(timeline));
    told.sort_by(|a, b| {
        (&a.node, a.how, a.at.nominal, a.quotes.first()).cmp(&(&b.node, b.how, b.at.nominal, b.quotes.first()))
    });
    let mut reboots: Vec<Reboot> = Vec::new();
    for one in told {
        match reboots.iter_mut().rev().take_while(|it| it.node == one.node).find(|it| same(it, &one)) {
            Some(known) => known.learn(one),
            None => reboots.push(one),
        }
    }
    let mut told: BTreeMap<&Name, Vec<&Fact>> = BTreeMap::new();
    for fact in facts(timeline, &relation::BOOT_RECOVERY).filter(|it| it.at.is_known()) {
        if let Some(node) = &fact.node {
            told.entry(node).or_default().push(fact);
        }
    }
    told.values_mut().for_each(|it| it.sort_by_key(|it| it.at.nominal.lo));
    reboots.iter_mut().for_each(|it| it.settle(&told));
    let alone = repairs(timeline, &told, &reboots);
    reboots.extend(alone);
    reboots.sort_by(|a, b| (&a.node, a.at.nominal, a.how).cmp(&(&b.node, b.at.nominal, b.how)));
    reboots.into_iter().map(Reboot::into_fact).collect()
}

/// Whether two sources speak of one reboot.
fn same(a: &Reboot, b: &Reboot) -> bool {
    if let (Some(a), Some(b)) = (&a.boot_id, &b.boot_id) {
        // kubectl may have cut the longer one short
        let (a, b) = (bare(a), bare(b));
        return !a.is_empty() && !b.is_empty() && (a.starts_with(&b) || b.starts_with(&a));
    }
    let of = |it: &Reboot| it.quotes.first().map(|it| it.span.member);
    if a.how == b.how && of(a) == of(b) {
        return false; // one file tells each reboot once
    }
    let reach = TimeDelta::seconds(SAME_REBOOT_SECS);
    let (a, b) = (a.at.nominal, b.at.nominal);
    a.is_known() && b.is_known() && a.widened(reach, reach).hi >= b.lo && b.hi >= a.widened(reach, reach).lo
}

/// A boot id without its dashes, as journald prints it.
fn bare(id: &str) -> String {
    id.chars().filter(char::is_ascii_hexdigit).map(|it| it.to_ascii_lowercase()).collect()
}

impl Reboot {
    fn learn(&mut self, other: Reboot) {
        self.unclean = self.unclean.or(other.unclean);
        self.gap_secs = self.gap_secs.or(other.gap_secs);
        self.boot_id = self.boot_id.take().or(other.boot_id);
        if !self.at.is_known() {
            self.at = other.at;
        }
        for quote in other.quotes {
            if !self.quotes.contains(&quote) {
                self.quotes.push(quote);
            }
        }
    }

    /// Where no source tells how the boot ended, what the next one repairs does.
    fn settle(&mut self, told: &BTreeMap<&Name, Vec<&Fact>>) {
        let unknown = self.unclean.is_none() && self.at.is_known();
        let Some(own) = self.node.as_ref().filter(|_| unknown).and_then(|it| told.get(it)) else { return };
        // the kubelet says so minutes after the kernel's first line
        let before = TimeDelta::seconds(if self.how == How::Event { SAME_REBOOT_SECS } else { 0 });
        let window = self.at.nominal.widened(before, TimeDelta::seconds(REPAIR_SECS));
        let first = own.partition_point(|it| it.at.nominal.lo < window.lo);
        for repair in own[first..].iter().take_while(|it| it.at.nominal.lo <= window.hi) {
            self.unclean = Some(true);
            self.quotes.extend(repair.quotes.first().cloned());
        }
    }

    fn into_fact(self) -> Fact {
        let ending = match self.unclean {
            Some(true) => "unclean",
            Some(false) => "orderly",
            None => "unknown",
        };
        let row = Row::new(&RELATION)
            .with("ending", ending)
            .with("unclean", self.unclean)
            .with("gap_secs", self.gap_secs)
            .with("boot_id", self.boot_id)
            .with("how", self.how.name());
        Fact { row, node: self.node, at: self.at, quotes: self.quotes }
    }
}

/// What a log shows of a reboot.
fn pair(it: &BootBreak<'_>) -> Reboot {
    let BootBreak { end, start } = it;
    let (a, b) = (end.at, start.at);
    let at = if !a.is_known() {
        b
    } else if !b.is_known() {
        a
    } else if a.clock == b.clock {
        Time { nominal: a.nominal.hull(&b.nominal), full: a.full.hull(&b.full), clock: a.clock }
    } else {
        Time::utc(a.full.hull(&b.full))
    };
    let comparable = a.is_known() && b.is_known() && a.clock == b.clock;
    let gap_secs = comparable.then(|| (b.nominal.lo - a.nominal.lo).num_seconds()).filter(|it| *it >= 0);
    let unclean = it.orderly().map(|it| !it);
    let boot_id = Some(start.get("boot_id")).filter(Value::is_some).map(|it| it.to_string());
    // behind the last line stands what the next boot repaired
    let (last, repairs) = end.quotes.split_at(end.quotes.len().min(1));
    let quotes = last.iter().chain(start.quotes.first()).chain(repairs).cloned().collect();
    Reboot { node: start.node.clone(), how: How::Journal, unclean, gap_secs, boot_id, at, quotes }
}

/// Boots that repair what the one before left open, of nodes that were there before, and of which nothing else tells.
fn repairs(timeline: &Timeline, told: &BTreeMap<&Name, Vec<&Fact>>, known: &[Reboot]) -> Vec<Reboot> {
    let reach = TimeDelta::seconds(SAME_REBOOT_SECS);
    let mut found: Vec<Reboot> = Vec::new();
    for (node, repairs) in told {
        let logs = timeline.seen.iter().filter(|it| it.node.as_ref() == Some(*node)).filter_map(|it| it.covers);
        let events = facts(timeline, &relation::KUBE_EVENT).filter(|it| it.node.as_ref() == Some(*node) && it.at.is_known());
        // since when the node is known to be there
        let Some(there) = logs.map(|it| it.0.nominal.hi).chain(events.map(|it| it.at.nominal.hi)).min() else { continue };
        let own = known.iter().filter(|it| it.node.as_ref() == Some(*node) && it.at.is_known());
        let mut windows: Vec<_> = own.map(|it| it.at.nominal.widened(reach, reach)).collect();
        windows.sort_by_key(|it| it.lo);
        // the latest end of all windows that begin no later
        let mut latest = None;
        windows.iter_mut().for_each(|it| {
            it.hi = latest.map_or(it.hi, |latest| it.hi.max(latest));
            latest = Some(it.hi);
        });
        let mut last: Option<Reboot> = None;
        for fact in repairs {
            let at = fact.at.nominal;
            let begun = windows.partition_point(|it| it.lo <= at.hi);
            let is_told = begun.checked_sub(1).is_some_and(|it| at.lo <= windows[it].hi);
            if is_told || at.lo.signed_duration_since(there) <= TimeDelta::seconds(REPAIR_SECS) {
                continue;
            }
            match &mut last {
                Some(one) if at.lo.signed_duration_since(one.at.nominal.lo) <= reach => one.quotes.extend(fact.quotes.first().cloned()),
                _ => found.extend(last.replace(Reboot {
                    node: fact.node.clone(),
                    how: How::Journal,
                    unclean: Some(true),
                    gap_secs: None,
                    boot_id: None,
                    at: fact.at,
                    quotes: fact.quotes.clone(),
                })),
            }
        }
        found.extend(last);
    }
    found
}

/// `Node 172.21.128.138 has been rebooted, boot id: 281c2a66-2bb2-4274-b979-e1f50cc56fd`
fn events(timeline: &Timeline) -> Vec<Reboot> {
    let rebooted = facts(timeline, &relation::KUBE_EVENT).filter(|it| it.get("reason").same(&Value::from("Rebooted")));
    rebooted
        .map(|fact| {
            let about_node = fact.get("kind").same(&Value::from("Node"));
            let name = fact.get("name");
            // the name of an event of kubectl's old tables carries a suffix: 172.21.128.138.1618e2878157535e
            let known = timeline.nodes.known(&name.to_string()).filter(|_| name.is_some());
            let subject = known.or_else(|| node(timeline, &fact.get("on"))).or_else(|| fact.node.clone());
            let subject = subject.or_else(|| if about_node { node(timeline, &name) } else { None });
            let message = fact.get("message").to_string();
            let id = message.split_once("boot id:").map(|it| it.1.trim());
            let id = id.and_then(|it| it.split_whitespace().next()).map(|it| it.trim_end_matches(['.', ',']).to_owned());
            Reboot {
                node: subject,
                how: How::Event,
                unclean: None,
                gap_secs: None,
                boot_id: id.filter(|it| !it.is_empty()),
                at: fact.at,
                quotes: fact.quotes.clone(),
            }
        })
        .collect()
}

/// Boots of a list (`last`) that another one precedes, where the bundle holds logs of the node at that time.
fn lists(timeline: &Timeline) -> Vec<Reboot> {
    let mut lists: BTreeMap<_, Vec<&Fact>> = BTreeMap::new();
    for fact in facts(timeline, &relation::BOOT).filter(|it| it.at.is_known()) {
        if let Some(quote) = fact.quotes.first() {
            lists.entry((fact.node.clone(), quote.span.member)).or_default().push(fact);
        }
    }
    let reach = TimeDelta::seconds(SAME_REBOOT_SECS);
    let logged = |node: &Option<Name>, at: Time| {
        let own = timeline.seen.iter().filter(|it| it.node == *node && node.is_some());
        own.filter_map(|it| it.covers).any(|(first, last)| {
            first.nominal.lo <= at.nominal.lo && at.nominal.lo <= last.nominal.hi + reach
        })
    };
    let mut found = Vec::new();
    for ((node, _), mut boots) in lists {
        boots.sort_by_key(|it| it.at.nominal);
        for two in boots.windows(2).filter(|it| logged(&node, it[1].at)) {
            let unclean = match two[0].get("ending") {
                Value::Text(it) if &*it == "crash" => Some(true),
                Value::Text(it) if &*it == "shutdown" => Some(false),
                _ => continue,
            };
            found.push(Reboot {
                node: node.clone(),
                how: How::List,
                unclean,
                gap_secs: None,
                boot_id: None,
                at: two[1].at,
                quotes: two.iter().rev().flat_map(|it| it.quotes.first()).cloned().collect(),
            });
        }
    }
    found
}

/// A boot time that moved forward to an instant between the two scrapes which show it.
fn metrics(timeline: &Timeline) -> Vec<Reboot> {
    let boot_time = |it: &&Series| matches!(it.metric.as_ref(), "node_boot_time_seconds" | "node_boot_time");
    let mut found = Vec::new();
    for series in distinct(timeline).into_iter().filter(boot_time) {
        for (before, after) in series.points.pairs() {
            let moved = after.value - before.value;
            let booted = (after.value * 1000.0) as i64;
            let window = before.millis - BOOT_SLACK_MILLIS..=after.millis + BOOT_SLACK_MILLIS;
            if !(moved > BOOT_MOVED_SECS && window.contains(&booted)) {
                continue;
            }
            let booted = booted.clamp(before.millis, after.millis);
            found.push(Reboot {
                node: series.node.clone(),
                how: How::Metric,
                unclean: None,
                gap_secs: None,
                boot_id: None,
                at: between(before.millis, booted),
                quotes: vec![series.quote(before.millis), series.quote(after.millis)],
            });
        }
    }
    found
}

