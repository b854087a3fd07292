//! Stretches in which a metric, or all metrics of a target, have no point though some were due.
//!
//! ```text
//! node_forks_total  1795219376.768: 68301 … 1795219446.695: 70856      70 seconds at a spacing of 5
//! up{job="node"}    1795219383: 0 … 1795219443: 0                      the exporter did not answer
//! ```
//!
//! Relation `metric.gap`, one row a target and gap: series of one target that miss the same stretch are one gap, and
//! `metric` is said where they are all of one metric. `kind` is decided by `up` of the target, by the other targets and
//! by the boot time; it is `unknown` where those were not collected:
//!
//! ```text
//! scrape-failed      up = 0                         reboot            the boot time moved forward
//! collector-failed   up = 1, or other metrics are there
//! target-removed     up is missing, others are there
//! prometheus-down    up is missing, and so are all others
//! ```
//!
//! Skipped: series of fewer than 5 points, series whose spacing is irregular throughout, what lies before the first and
//! after the last point.

use std::collections::BTreeMap;

use timeline::{Fact, Name, Relation, Row, Series, Timeline};

use super::samples::{distinct, is_gap, label};
use super::{Detector, between};
use crate::promql::spacing;

pub(super) static RELATION: Relation = Relation {
    name: "metric.gap",
    columns: &["metric", "missing_secs", "kind", "job", "instance"],
    about: "A stretch without points where some were due: scrape-failed, reboot, collector-failed, target-removed, \
            prometheus-down or unknown; `metric` is empty where several metrics of the target have the gap.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["series"], find };

const LEAST_POINTS: usize = 5;
/// A series with a larger share of gaps has no spacing to speak of.
const MOST_GAPS: f64 = 0.2;
/// A boot time moves by a second or so when the clock is corrected.
const BOOT_MOVED_SECS: f64 = 30.0;

/// What is scraped: job, instance, node.
type Target = (Option<Name>, Option<Name>, Option<Name>);

/// One gap of a target.
struct Gap<'s> {
    /// The last point before and the first after, the narrowest of all series that have it.
    from: i64,
    to: i64,
    series: Vec<&'s Series>,
    /// The points around it of the first of them.
    shown: (i64, i64),
}

fn find(timeline: &Timeline) -> Vec<Fact> {
    let all = distinct(timeline);
    let mut targets: BTreeMap<Target, Vec<&Series>> = BTreeMap::new();
    for series in &all {
        let target = (label(series, &["job"]), label(series, &["instance"]), series.node.clone());
        targets.entry(target).or_default().push(series);
    }
    let mut found = Vec::new();
    for (target, series) in &targets {
        for gap in gaps(series) {
            let kind = kind(target, &gap, &targets);
            found.push(told(target, &gap, kind));
        }
    }
    found
}

/// The gaps of a target's series, those that overlap as one.
fn gaps<'s>(series: &[&'s Series]) -> Vec<Gap<'s>> {
    let mut each: Vec<(i64, i64, &'s Series)> = Vec::new();
    for series in series.iter().filter(|it| it.points.len() >= LEAST_POINTS) {
        let Some(spacing) = spacing(series) else { continue };
        if series.points.pace().is_some() {
            continue;
        }
        let stretches = series.points.pairs().map(|(a, b)| (a.millis, b.millis));
        let own: Vec<(i64, i64)> =
            stretches.filter(|(from, to)| is_gap(to.saturating_sub(*from), spacing)).collect();
        if own.len() as f64 > MOST_GAPS * series.points.len() as f64 {
            continue;
        }
        each.extend(own.into_iter().map(|(from, to)| (from, to, *series)));
    }
    each.sort_by_key(|(from, to, ..)| (*from, *to));
    let mut found: Vec<Gap<'s>> = Vec::new();
    for (from, to, series) in each {
        match found.last_mut().filter(|it| from < it.to) {
            Some(gap) => {
                gap.from = gap.from.max(from);
                gap.to = gap.to.min(to);
                gap.series.push(series);
            }
            None => found.push(Gap { from, to, series: vec![series], shown: (from, to) }),
        }
    }
    found
}

fn kind(target: &Target, gap: &Gap<'_>, targets: &BTreeMap<Target, Vec<&Series>>) -> &'static str {
    let own = targets.get(target).map_or(&[][..], Vec::as_slice);
    let inside = |series: &Series| {
        let from = series.points.until(gap.from);
        series.points.within(from..series.points.before(gap.to).max(from)).collect::<Vec<_>>()
    };
    if rebooted(target, gap, targets) {
        return "reboot";
    }
    let up = own.iter().find(|it| it.metric.as_ref() == "up");
    let answers = up.map(|it| inside(it)).unwrap_or_default();
    if answers.iter().any(|it| it.value == 0.0) {
        return "scrape-failed";
    }
    if !answers.is_empty() || own.iter().any(|it| it.metric.as_ref() != "up" && !inside(it).is_empty()) {
        return "collector-failed";
    }
    if up.is_none() {
        return "unknown";
    }
    // only what was scraped before and after can be missed in between
    let spans = |it: &&&Series| {
        it.points.first().is_some_and(|it| it.millis <= gap.from) && it.points.last().is_some_and(|it| it.millis >= gap.to)
    };
    let mut others = targets.iter().filter(|(it, _)| *it != target).flat_map(|(_, it)| it).filter(spans).peekable();
    if others.peek().is_none() {
        "unknown"
    } else if others.any(|it| !inside(it).is_empty()) {
        "target-removed"
    } else {
        "prometheus-down"
    }
}

/// Whether the node's boot time is later after the gap than before it.
fn rebooted(target: &Target, gap: &Gap<'_>, targets: &BTreeMap<Target, Vec<&Series>>) -> bool {
    let Some(node) = &target.2 else { return false };
    let of_node = targets.iter().filter(|(it, _)| it.2.as_ref() == Some(node)).flat_map(|(_, it)| it);
    let boots = of_node.filter(|it| matches!(it.metric.as_ref(), "node_boot_time_seconds" | "node_boot_time"));
    boots.into_iter().any(|series| {
        let before = series.points.until(gap.from).checked_sub(1).and_then(|it| series.points.get(it));
        let after = series.points.get(series.points.before(gap.to));
        before.zip(after).is_some_and(|(before, after)| after.value - before.value > BOOT_MOVED_SECS)
    })
}

fn told(target: &Target, gap: &Gap<'_>, kind: &'static str) -> Fact {
    let first = gap.series[0];
    let single = gap.series.iter().all(|it| it.metric == first.metric);
    let row = Row::new(&RELATION)
        .with("metric", Some(first.metric.clone()).filter(|it| single && !it.is_empty()))
        .with("missing_secs", (gap.to - gap.from) / 1000)
        .with("kind", kind)
        .with("job", target.0.clone())
        .with("instance", target.1.clone());
    let quotes = vec![first.quote(gap.shown.0), first.quote(gap.shown.1)];
    Fact { row, node: target.2.clone(), at: between(gap.from, gap.to), quotes }
}
