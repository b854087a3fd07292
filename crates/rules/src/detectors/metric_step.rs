//! Values that rose to a new level, at once or along a ramp.
//!
//! ```text
//! container_threads{pod="consumer-5f7c9d8b9-lm4zn"}   46 101 156 211 … 1469 1501 1501     a ramp
//! node_forks_total                                    26/s 26/s … 205/s 1202/s 1179/s     a step of its rate
//! ```
//!
//! Relation `metric.step`. A series' greatest climb is looked at first, then what lies before and after it. The level
//! before is the median of the points under a quarter of the climb; it counts when at least two points in a row stand 8
//! robust deviations above that level and at twice its height. `at` runs from the last point of the old level to the
//! first above it. Counters are read as rates (`rate` is true). Of cAdvisor's rows only those of single containers count,
//! for a cgroup includes its children. `share` is the series' part of the growth of all series of the metric on the node
//! over that time; those that shrank count as nothing, those that
//! were not collected cannot count, and a series alone has all of it.
//! Skipped: falls; series that climb through the upper third of their range more than five times, for they are jagged;
//! programs that warm up and settle; metrics that hold a point in time; buckets of histograms; series that begin high, for a start is no
//! step. Units: those of the metric, seconds.

use timeline::{Fact, Relation, Row, Series, Timeline, Value};

use super::samples::{
    Sample, baseline, greatest_rise, groups, is_counter, is_steady, levels, line, may_multiply, median,
    range, rates, resolution, subject,
};
use super::{Detector, between};
use crate::promql::spacing;

pub(super) static RELATION: Relation = Relation {
    name: "metric.step",
    columns: &[
        "metric", "namespace", "pod", "container", "device", "mountpoint", "job", "labels", "before", "after", "ratio",
        "growth", "share", "kind", "dropped", "rate",
    ],
    about: "A metric that rose to a multiple of its level: `kind` is step or ramp, `growth` is after less before, `share` \
            its part of the growth on the node, `dropped` whether it later fell below a third of its peak, `rate` \
            whether the values are a counter's, per second.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["series"], find };

const LEAST_POINTS: usize = 5;
const LEAST_RATIO: f64 = 2.0;
const LEAST_DEVIATIONS: f64 = 8.0;
/// Points that a level before a step needs; with fewer the series has only just begun.
const LEAST_BASELINE: usize = 3;
/// Points right before an onset that say what is usual there.
const MOST_RECENT: usize = 24;
const LEAST_RECENT: usize = 6;
/// Samples of a ramp that tells by itself, without a level before it; a jagged series is full of shorter ones.
const LEAST_RAMP: usize = 10;
/// How many climbs of one series are told, the greatest first.
const MOST_CLIMBS: usize = 3;
/// How often a series may climb through its range before it is called jagged.
const MOST_TIMES: usize = 5;
/// Points from which the level before is taken.
const MOST_BASELINE: usize = 240;
/// Groups of more series are not compared with each other.
const MOST_COMPARED: usize = 20_000;

/// A climb of one series.
struct Climb {
    /// The last sample of the old level, or the first of all.
    foot: usize,
    onset: usize,
    peak: usize,
    level: f64,
    after: f64,
    ratio: f64,
    ramp: bool,
    dropped: bool,
}

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut found = Vec::new();
    for group in groups(timeline) {
        let counter = is_counter(&group[0].metric);
        for series in &group {
            if series.points.len() < LEAST_POINTS || !counter && !may_multiply(range(series), LEAST_RATIO) {
                continue;
            }
            let Some(spacing) = spacing(series) else { continue };
            let samples = if counter { rates(series, spacing) } else { levels(series) };
            if is_jagged(&samples) {
                continue;
            }
            for climb in climbs(&samples, resolution(series, counter, spacing)) {
                found.push(told(series, &samples, &climb, &group, counter));
            }
        }
    }
    found
}

/// Whether a series goes up and down between the halves of its range time and again: then no climb of it is news.
fn is_jagged(samples: &[Sample]) -> bool {
    let values = || samples.iter().map(|it| it.value);
    let (most, least) = (values().fold(f64::NEG_INFINITY, f64::max), values().fold(f64::INFINITY, f64::min));
    let (high, low) = (most - (most - least) / 3.0, least + (most - least) / 3.0);
    let (mut up, mut times) = (false, 0);
    for value in values() {
        if !up && value >= high {
            (up, times) = (true, times + 1);
        } else if value <= low {
            up = false;
        }
    }
    times > MOST_TIMES
}

/// The climbs of a series, in time order.
fn climbs(samples: &[Sample], resolution: f64) -> Vec<Climb> {
    let mut found: Vec<Climb> = Vec::new();
    let mut parts = vec![(0, samples.len())];
    // each climb takes one part away and leaves two
    while let Some((lo, hi)) = parts.pop() {
        if found.len() == MOST_CLIMBS || hi - lo < LEAST_POINTS {
            continue;
        }
        let Some((trough, peak)) = greatest_rise(&samples[lo..hi]) else { continue };
        let (trough, peak) = (lo + trough, lo + peak);
        if let Some(climb) = climb(samples, lo, hi, trough, peak, resolution) {
            let (from, to) = (climb.foot, climb.peak + 1);
            found.push(climb);
            let rest = [(lo, from), (to, hi)];
            parts.extend(rest);
            // the greater climb of what is left comes first
            parts.sort_by(|a, b| {
                let size = |it: &(usize, usize)| {
                    greatest_rise(&samples[it.0..it.1])
                        .map_or(0.0, |(a, b)| samples[it.0 + b].value - samples[it.0 + a].value)
                };
                size(a).total_cmp(&size(b)).then(b.cmp(a))
            });
        }
    }
    found.sort_by_key(|it| it.onset);
    found
}

fn climb(
    samples: &[Sample],
    lo: usize,
    hi: usize,
    trough: usize,
    peak: usize,
    resolution: f64,
) -> Option<Climb> {
    let value = |at: usize| samples[at].value;
    let (start, level, deviation) = level_before(samples, lo, trough, peak, resolution);
    let onset = onset(samples, start, peak, level, deviation);
    // of a series that climbs from its first sample on, that sample is the foot
    let onset = if onset == lo || (trough == lo && onset == lo + 1) { lo } else { onset };
    let foot = onset.saturating_sub(1).max(lo);

    // smoothing hides the very highest sample among its neighbours
    let around = peak.saturating_sub(1).max(onset)..hi.min(peak + 3);
    let peak = around.fold(peak, |best, at| if value(at) > value(best) { at } else { best });
    let top = (onset..=peak).find(|at| value(*at) >= level + 0.9 * (value(peak) - level)).unwrap_or(peak);
    let ramp = is_ramp(&samples[foot..=top]);
    let half = level + (value(peak) - level) / 2.0;
    let held = (top..hi).take_while(|it| value(*it) >= half).take(MOST_BASELINE);
    let after = if ramp { value(peak) } else { median(&mut held.map(value).collect::<Vec<_>>()) };

    let ratio = after / level.max(resolution);
    let high = |at: usize| value(at) >= level + LEAST_DEVIATIONS * deviation && value(at) >= level * LEAST_RATIO;
    let stays = (onset..hi.min(peak + 2)).collect::<Vec<_>>().windows(2).any(|it| high(it[0]) && high(it[1]));
    // a program that warms up and settles climbs from its first sample on as well
    let long = ramp && (onset == 0 || top - foot >= LEAST_RAMP) && is_steady(&samples[foot..=top], 0.2);
    // and what had been there before goes up and down with the day
    let half = level + (value(peak) - level) / 2.0;
    if ramp && samples[..foot].iter().any(|it| it.value > half) {
        return None;
    }
    let known_level = long || onset >= start + LEAST_BASELINE;
    if ratio < LEAST_RATIO || after - level < LEAST_DEVIATIONS * deviation || !stays || !known_level {
        return None;
    }
    // a lull in a jagged series is no level: all points before the onset are asked, not only the low ones
    let recent = onset.saturating_sub(MOST_RECENT).max(lo)..onset;
    if recent.len() >= LEAST_RECENT {
        let (usual, spread) = baseline(recent.map(value), resolution);
        if after - usual < LEAST_DEVIATIONS * spread {
            return None;
        }
    }
    let dropped = samples[peak..].iter().any(|it| it.value < value(peak) / 3.0);
    Some(Climb { foot, onset, peak, level, after, ratio, ramp, dropped })
}

/// Where the level before a climb begins, its height and its deviation: of the points around the trough that lie under a
/// quarter of the climb, and then, since a ramp lends its own foot to them, of those before its onset alone.
fn level_before(samples: &[Sample], lo: usize, trough: usize, peak: usize, resolution: f64) -> (usize, f64, f64) {
    let value = |at: usize| samples[at].value;
    let low = value(trough).min(value(peak));
    let quarter = low + (value(peak) - low) / 4.0;
    let mut start = trough;
    while start > lo && trough - start < MOST_BASELINE && value(start - 1) <= quarter {
        start -= 1;
    }
    let mut end = trough + 1;
    while end < peak && end - trough < MOST_BASELINE && value(end) <= quarter {
        end += 1;
    }
    let (level, deviation) = baseline((start..end).map(value), resolution);
    let first = baseline(std::iter::once(value(lo)), resolution);
    if trough == lo && value(lo + 1) > first.0 + 4.0 * first.1 {
        return (lo, first.0, first.1); // it climbs from its first sample on
    }
    let onset = onset(samples, start, peak, level, deviation).min(end);
    if onset < start + LEAST_BASELINE {
        return (start, level, deviation);
    }
    let (level, deviation) = baseline((start..onset).map(value), resolution);
    (start, level, deviation)
}

/// The first sample above the level before, from which the climb to the peak goes on: the crossing of four deviations,
/// then back down the slope to one.
fn onset(samples: &[Sample], start: usize, peak: usize, level: f64, deviation: f64) -> usize {
    let value = |at: usize| samples[at].value;
    let mut onset = peak;
    while onset > start && value(onset - 1) > level + 4.0 * deviation {
        onset -= 1;
    }
    while onset > start && value(onset - 1) > level + deviation && value(onset - 1) < value(onset) {
        onset -= 1;
    }
    onset
}

/// Whether a climb follows a line better than one step, and rises all along. With ten samples nine pairs of ten that
/// rise are beyond chance (Mann and Kendall, p < 0.01); with fewer, all must.
fn is_ramp(samples: &[Sample]) -> bool {
    if samples.len() < LEAST_POINTS {
        return false;
    }
    let (slope, start, rising) = line(samples);
    let needed = if samples.len() < 10 { 1.0 } else { 0.9 };
    if slope <= 0.0 || rising < needed {
        return false;
    }
    let first = samples[0].millis;
    let off_line = |it: &Sample| (it.value - start - slope * (it.millis - first) as f64 / 1000.0).abs();
    let mut of_line: Vec<f64> = samples.iter().map(off_line).collect();
    let split = best_split(samples);
    let (low, high) = samples.split_at(split);
    let middle = |part: &[Sample]| median(&mut part.iter().map(|it| it.value).collect::<Vec<_>>());
    let (low_level, high_level) = (middle(low), middle(high));
    let off_step = low.iter().map(|it| (it.value - low_level).abs());
    let mut of_step: Vec<f64> = off_step.chain(high.iter().map(|it| (it.value - high_level).abs())).collect();
    median(&mut of_line) < median(&mut of_step)
}

/// Where two means fit best.
fn best_split(samples: &[Sample]) -> usize {
    let total: f64 = samples.iter().map(|it| it.value).sum();
    let (mut sum, mut best, mut at) = (0.0, f64::NEG_INFINITY, 1);
    for split in 1..samples.len() {
        sum += samples[split - 1].value;
        let rest = samples.len() - split;
        let explained = sum * sum / split as f64 + (total - sum) * (total - sum) / rest as f64;
        if explained > best {
            (best, at) = (explained, split);
        }
    }
    at
}

fn told(series: &Series, samples: &[Sample], climb: &Climb, group: &[&Series], counter: bool) -> Fact {
    let onset = samples[climb.onset].millis;
    let previous = match climb.onset.checked_sub(1) {
        Some(before) => samples[before].millis,
        // others of the metric were scraped before this one came up
        None => newest_before(group, onset).unwrap_or(onset),
    };
    let peak = &samples[climb.peak];
    let share = (group.len() <= MOST_COMPARED).then(|| share(series, group, previous, peak.millis)).flatten();
    let row = subject(Row::new(&RELATION), series)
        .with("before", climb.level)
        .with("after", climb.after)
        .with("ratio", climb.ratio)
        .with("growth", climb.after - climb.level)
        .with("share", share)
        .with("kind", if climb.ramp { "ramp" } else { "step" })
        .with("dropped", climb.dropped)
        .with("rate", Value::Flag(counter));
    let mut quotes = vec![series.quote(samples[climb.foot].millis), series.quote(peak.millis)];
    quotes.dedup();
    Fact { row, node: series.node.clone(), at: between(previous, onset), quotes }
}

/// The newest point of a group's series before an instant.
fn newest_before(group: &[&Series], t: i64) -> Option<i64> {
    let newest = group.iter().filter_map(|it| {
        let before = it.points.before(t).checked_sub(1)?;
        it.points.get(before).map(|it| it.millis)
    });
    newest.max()
}

/// How much of a group's growth between two instants is this series'. One that begins in between counts from zero.
fn share(series: &Series, group: &[&Series], from: i64, to: i64) -> Option<f64> {
    let value = |it: &Series, t: i64| {
        let last = it.points.until(t).checked_sub(1).and_then(|at| it.points.get(at));
        last.map_or(0.0, |it| it.value)
    };
    let growth = |it: &Series| Some(value(it, to) - value(it, from)).filter(|it| it.is_finite()).unwrap_or(0.0).max(0.0);
    let total: f64 = group.iter().map(|it| growth(it)).sum();
    (total > 0.0).then(|| growth(series) / total)
}
