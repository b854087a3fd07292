//! Values that stood out for a while and came back.
//!
//! ```text
//! node_forks_total     26/s 25/s 27/s 1202/s 1179/s … 205/s 26/s      68 deviations above what is usual
//! ```
//!
//! Relation `metric.spike`, one row a series: its highest spike. What is usual is the median of all its values; the
//! deviation is the largest of 1.4826 times the median distance from it, the distance of the eighth tenth, 5 % and one
//! step of the scale, so that a daily cycle or a job that runs every few minutes widens it. A spike stands 8 deviations
//! above what is usual for two points in a row, or 20 for one, at twice what is usual, and falls back to within 4 before the
//! series ends; what does not is a step. `times` is how many spikes of at least half the height there are; a series with
//! more than five of them is jagged and says nothing. Counters are read as rates. `at` runs from the last usual point to
//! the first that is not.
//! Skipped: dips; series of fewer than 12 points; metrics that hold a point in time; buckets. Units: the metric's, seconds.

use timeline::{Fact, Relation, Row, Series, Timeline, Value};

use super::samples::{Sample, baseline, groups, is_counter, levels, may_multiply, range, rates, resolution, subject};
use super::{Detector, between};
use crate::promql::spacing;

pub(super) static RELATION: Relation = Relation {
    name: "metric.spike",
    columns: &[
        "metric", "namespace", "pod", "container", "device", "mountpoint", "job", "labels", "usual", "peak", "ratio",
        "deviations", "lasted_secs", "times", "rate",
    ],
    about: "A metric that stood out for a while and came back: `peak` against the `usual` value, how many robust \
            `deviations` apart, how long it lasted and how many `times` the series did so; `rate` whether the values are \
            a counter's, per second.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["series"], find };

const LEAST_POINTS: usize = 12;
const LEAST_RATIO: f64 = 2.0;
const DEVIATIONS_OF_TWO: f64 = 8.0;
const DEVIATIONS_OF_ONE: f64 = 20.0;
/// Below so many deviations a spike is over.
const OVER: f64 = 4.0;
const MOST_TIMES: usize = 5;
/// The eighth tenth of a normal distribution lies so many deviations above its middle.
const EIGHTH_TENTH: f64 = 0.8416;

/// Samples `from..to` above what is usual, the highest of them.
struct Spike {
    from: usize,
    to: usize,
    peak: usize,
}

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut found = Vec::new();
    for group in groups(timeline) {
        let counter = is_counter(&group[0].metric);
        for series in group.into_iter().filter(|it| it.points.len() >= LEAST_POINTS) {
            if !counter && !may_multiply(range(series), LEAST_RATIO) {
                continue;
            }
            let Some(spacing) = spacing(series) else { continue };
            let samples = if counter { rates(series, spacing) } else { levels(series) };
            if samples.len() >= LEAST_POINTS {
                found.extend(spike(series, &samples, resolution(series, counter, spacing), counter));
            }
        }
    }
    found
}

fn spike(series: &Series, samples: &[Sample], resolution: f64, counter: bool) -> Option<Fact> {
    let value = |at: usize| samples[at].value;
    // most series never leave their usual range, and a look at the extremes tells
    let most = samples.iter().map(|it| it.value).fold(f64::NEG_INFINITY, f64::max);
    let (usual, deviation) = usual(samples, resolution);
    if most < usual + DEVIATIONS_OF_TWO * deviation || most < usual * LEAST_RATIO {
        return None;
    }
    let spikes = spikes(samples, usual, deviation);
    let highest = spikes.iter().max_by(|a, b| value(a.peak).total_cmp(&value(b.peak)).then(b.from.cmp(&a.from)))?;
    let peak = value(highest.peak);
    let half = usual + (peak - usual) / 2.0;
    let times = spikes.iter().filter(|it| value(it.peak) >= half).count();
    let ratio = peak / usual.max(resolution);
    if times > MOST_TIMES || ratio < LEAST_RATIO {
        return None;
    }
    let before = highest.from - 1;
    let row = subject(Row::new(&RELATION), series)
        .with("usual", usual)
        .with("peak", peak)
        .with("ratio", ratio)
        .with("deviations", (peak - usual) / deviation)
        .with("lasted_secs", (samples[highest.to].millis - samples[before].millis) as f64 / 1000.0)
        .with("times", times as i64)
        .with("rate", Value::Flag(counter));
    let quotes = vec![series.quote(samples[highest.peak].millis), series.quote(samples[before].millis)];
    let at = between(samples[before].millis, samples[highest.from].millis);
    Some(Fact { row, node: series.node.clone(), at, quotes })
}

/// The value a series usually has, and how far it usually strays upwards.
fn usual(samples: &[Sample], resolution: f64) -> (f64, f64) {
    let (middle, deviation) = baseline(samples.iter().map(|it| it.value), resolution);
    let mut above: Vec<f64> = samples.iter().map(|it| it.value).collect();
    let tenth = above.len() * 8 / 10;
    let eighth = *above.select_nth_unstable_by(tenth, f64::total_cmp).1;
    (middle, deviation.max((eighth - middle) / EIGHTH_TENTH))
}

/// The stretches that stand out and are over before the series ends; the first sample and the last are of none.
fn spikes(samples: &[Sample], usual: f64, deviation: f64) -> Vec<Spike> {
    let over = |at: usize, deviations: f64| samples[at].value >= usual + deviations * deviation;
    let mut found = Vec::new();
    let mut at = 1;
    while at < samples.len() {
        if !over(at, OVER) || over(at - 1, OVER) {
            at += 1;
            continue;
        }
        let to = (at..samples.len()).find(|it| !over(*it, OVER));
        let end = to.unwrap_or(samples.len());
        let two = (at..end - 1).any(|it| over(it, DEVIATIONS_OF_TWO) && over(it + 1, DEVIATIONS_OF_TWO));
        let one = (at..end).any(|it| over(it, DEVIATIONS_OF_ONE));
        if let (Some(to), true) = (to, two || one) {
            let peak = (at..to).fold(at, |best, it| if samples[it].value > samples[best].value { it } else { best });
            found.push(Spike { from: at, to, peak });
        }
        at = end;
    }
    found
}
