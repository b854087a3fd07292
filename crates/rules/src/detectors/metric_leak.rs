//! Values that grow steadily, and when they reach their limit.
//!
//! ```text
//! container_threads{pod="consumer-5f7c9d8b9-lm4zn"}   46 101 156 211 … 1469 1501      39 371 an hour
//! node_memory_MemAvailable_bytes                      falls, and is gone in two hours
//! ```
//!
//! Relation `metric.leak`, at most one row a series: its greatest rise, where that is at least 10 points long, nine pairs of
//! ten in it rise, Mann and Kendall would not call it chance (p < 0.01), Theil and Sen's line through it gains five
//! times the spread around it and 20 % of where it began, no single step is half of it, and each third of it adds a seventh. A
//! rise to where the series had been before, or one of several, is a cycle, not a leak, unless it ends at its limit and falls (the teeth of a
//! process that is killed each time). Metrics that count what is left (free, available) are watched as they fall.
//! `to_limit_secs` counts from the last point of the rise, along its line; `used` is the part of the limit in use then.
//! `ended` is rising where the series ends there, dropped where it fell back by a third, gone where the series ended before
//! others of its metric or said so, flat otherwise. `times` is how many rises as great the series has. `at` is the foot.
//! Skipped: counters, for they are meant to grow; instants; buckets. Units: the metric's, hours and seconds.

use timeline::{Fact, Relation, Row, Series, Timeline};

use super::limits::{Limit, Limits};
use super::samples::{
    Sample, Trend, baseline, greatest_rise, groups, is_counter, is_steady, levels, range, resolution, subject, trend,
};
use super::{Detector, between};
use crate::promql::spacing;

pub(super) static RELATION: Relation = Relation {
    name: "metric.leak",
    columns: &[
        "metric", "namespace", "pod", "container", "device", "mountpoint", "job", "labels", "direction", "before",
        "after", "growth", "per_hour", "lasted_secs", "limit", "limit_of", "used", "to_limit_secs", "times", "ended",
    ],
    about: "A metric that grew steadily, or of what is left, fell: `direction` is rising or falling, `per_hour` its slope, \
            `limit` what it may reach by `limit_of`, `used` the part in use at the end, `to_limit_secs` how long \
            until then, `times` how many such rises there are, `ended` rising, dropped, gone or flat.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["series"], find };

const LEAST_POINTS: usize = 10;
const LEAST_RISING: f64 = 0.9;
/// Mann and Kendall's z at p = 0.01.
const LEAST_Z: f64 = 2.576;
const LEAST_SPREADS: f64 = 5.0;
const LEAST_GROWTH: f64 = 0.2;
const LEAST_STEPS: f64 = 8.0;
/// From so much of its limit on, teeth are those of a process that is killed.
const AT_LIMIT: f64 = 0.8;

fn find(timeline: &Timeline) -> Vec<Fact> {
    let limits = Limits::of(timeline);
    let mut found = Vec::new();
    for group in groups(timeline) {
        if is_counter(&group[0].metric) {
            continue;
        }
        let falling = counts_down(&group[0].metric);
        let newest = group.iter().filter_map(|it| it.points.last()).map(|it| it.millis).max().unwrap_or(0);
        for series in group.into_iter().filter(|it| it.points.len() >= LEAST_POINTS) {
            let (least, most) = range(series);
            let smallest = if least > 0.0 || most < 0.0 { least.abs().min(most.abs()) } else { 0.0 };
            // no part of it grows by more than its range
            if most - least < LEAST_GROWTH * smallest {
                continue;
            }
            let Some(spacing) = spacing(series) else { continue };
            let mut samples = levels(series);
            if falling {
                samples.iter_mut().for_each(|it| it.value = -it.value);
            }
            let last = samples.last().map_or(0, |it| it.millis);
            let gone = newest - last > 5 * spacing / 2 || series.stale.iter().any(|it| *it > last);
            found.extend(leak(series, &samples, resolution(series, false, spacing), falling, gone, &limits));
        }
    }
    found
}

/// Whether a metric says what is left of something.
fn counts_down(metric: &str) -> bool {
    ["_free", "_avail", "Free", "Available"].iter().any(|it| metric.contains(it))
}

/// Of a series cut wherever it fell by a third of its whole range, the part with the greatest rise, and how many parts rise
/// nearly as much.
fn greatest_part(samples: &[Sample]) -> Option<(usize, usize, i64)> {
    let values = || samples.iter().map(|it| it.value);
    let fall = (values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)) / 3.0;
    let (mut from, mut most) = (0, f64::NEG_INFINITY);
    let mut rises: Vec<(usize, usize)> = Vec::new();
    let mut part = |from: usize, to: usize| {
        rises.extend(greatest_rise(&samples[from..to]).map(|(foot, peak)| (from + foot, from + peak)));
    };
    for (at, value) in values().enumerate() {
        if value < most - fall {
            part(from, at);
            (from, most) = (at, value);
        }
        most = most.max(value);
    }
    part(from, samples.len());
    let growth = |it: &(usize, usize)| samples[it.1].value - samples[it.0].value;
    let (foot, peak) = rises.iter().copied().reduce(|a, b| if growth(&b) > growth(&a) { b } else { a })?;
    let alike = rises.iter().filter(|it| growth(it) >= 0.8 * growth(&(foot, peak))).count();
    Some((onset(samples, foot, peak), peak, alike as i64))
}

/// The last sample of the level before a rise; noise may have put the lowest one long before.
fn onset(samples: &[Sample], foot: usize, peak: usize) -> usize {
    if foot == 0 {
        return foot;
    }
    let before = samples[foot.saturating_sub(24)..=foot].iter().map(|it| it.value);
    let (level, deviation) = baseline(before, 0.0);
    let growth = samples[peak].value - samples[foot].value;
    let still = level + deviation.min(growth / 20.0);
    (foot..peak).rev().find(|it| samples[*it].value <= still).unwrap_or(foot)
}

fn leak(
    series: &Series,
    samples: &[Sample],
    resolution: f64,
    falling: bool,
    gone: bool,
    limits: &Limits<'_>,
) -> Option<Fact> {
    let (foot, peak, times) = greatest_part(samples)?;
    let value = |at: usize| samples[at].value;
    let rise = &samples[foot..=peak];
    let growth = value(peak) - value(foot);
    if rise.len() < LEAST_POINTS || growth < LEAST_GROWTH * value(foot).abs() || growth < LEAST_STEPS * resolution {
        return None;
    }
    let trend = trend(rise);
    let lasted_secs = (samples[peak].millis - samples[foot].millis) as f64 / 1000.0;
    let along = trend.slope * lasted_secs;
    if trend.rising < LEAST_RISING || trend.z < LEAST_Z || along < LEAST_SPREADS * trend.spread || !is_steady(rise, 1.0 / 7.0) {
        return None;
    }
    let limit = limits.limiting(series).into_iter().find(|it| !it.sum);
    let bound = limit.as_ref().map(|it| it.at(samples[peak].millis));
    let used = |level: f64| bound.map(|bound| if falling { (bound + level) / bound } else { level / bound });
    let after = &samples[peak..];
    let dropped = after.iter().any(|it| it.value < value(peak) - growth / 3.0);
    let ended = match (dropped, gone, after.len()) {
        (true, ..) => "dropped",
        (_, true, _) => "gone",
        (.., 0..3) => "rising",
        _ => "flat",
    };
    let before_that = samples[..foot].iter().map(|it| it.value).fold(f64::NEG_INFINITY, f64::max);
    let been_there = before_that > value(foot) + 0.4 * growth;
    let killed = (dropped || gone) && used(value(peak)).is_some_and(|it| it >= AT_LIMIT);
    if (been_there || times > 1) && !killed {
        return None;
    }
    let printed = |it: f64| if falling { -it } else { it };
    let row = subject(Row::new(&RELATION), series)
        .with("direction", if falling { "falling" } else { "rising" })
        .with("before", printed(value(foot)))
        .with("after", printed(value(peak)))
        .with("growth", printed(growth))
        .with("per_hour", printed(trend.slope * 3600.0))
        .with("lasted_secs", lasted_secs)
        .with("limit", bound)
        .with("limit_of", limit.as_ref().map(|it| it.of.to_owned()))
        .with("used", used(value(peak)))
        .with("to_limit_secs", to_limit(bound, value(peak), falling, &trend))
        .with("times", times)
        .with("ended", ended);
    let mut quotes = vec![series.quote(samples[peak].millis), series.quote(samples[foot].millis)];
    quotes.extend(limit.as_ref().and_then(|it: &Limit<'_>| it.quote(samples[peak].millis)));
    let at = between(samples[foot.saturating_sub(1)].millis, samples[foot].millis);
    Some(Fact { row, node: series.node.clone(), at, quotes })
}

/// How long until the line reaches the limit; what is left reaches zero, whatever there was.
fn to_limit(bound: Option<f64>, level: f64, falling: bool, trend: &Trend) -> Option<f64> {
    let end = if falling { Some(0.0) } else { bound };
    end.map(|end| ((end - level) / trend.slope).max(0.0))
}
