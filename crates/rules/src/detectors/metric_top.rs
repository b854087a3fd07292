//! Who made a total grow.
//!
//! ```text
//! sum of container_threads on the node   4 300 -> 46 210
//!   order-sync 95 % of the growth        2 100 -> 41 870
//! ```
//!
//! Relation `metric.top`. The greatest rise of the sum of a metric's series on a node; then how much of it each series
//! added between its foot and its peak. One that begins in between counts from zero. Told are the first three with a
//! fifth or more, by `rank`. A sum that grew by less than half, or by less than 8 robust deviations, has no contributors.
//! Counters are read as rates; of cAdvisor's rows only those of single containers count. `at` is the foot of the rise.
//! Skipped: metrics of a single series; instants; buckets. Units: the metric's, per second of a counter.

use timeline::{Fact, Relation, Row, Timeline, Value};

use super::samples::{baseline, greatest_rise, groups, is_counter, resolution, subject, summed};
use super::{Detector, between};
use crate::promql::spacing;

pub(super) static RELATION: Relation = Relation {
    name: "metric.top",
    columns: &[
        "metric", "namespace", "pod", "container", "device", "mountpoint", "job", "labels", "rank", "before", "after",
        "growth", "share", "total_before", "total_after", "among", "rate",
    ],
    about: "A series that made the sum of its metric on the node grow: `growth` its own, `share` its part of the sum's, \
            `rank` from 1, `among` how many series there are.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["series"], find };

const LEAST_SHARE: f64 = 0.2;
const MOST_TOLD: usize = 3;
const LEAST_GROWTH: f64 = 0.5;
const LEAST_DEVIATIONS: f64 = 8.0;
const LEAST_POINTS: usize = 5;

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut found = Vec::new();
    for group in groups(timeline) {
        let counter = is_counter(&group[0].metric);
        let Some(spacing) = spacing(group[0]).filter(|_| group.len() > 1) else { continue };
        let sum = summed(&group, counter);
        let samples = sum.samples();
        let Some((foot, peak)) = greatest_rise(&samples).filter(|_| samples.len() >= LEAST_POINTS) else { continue };
        let value = |at: usize| samples[at].value;
        let growth = value(peak) - value(foot);
        // what came before is the measure, where there is enough of it
        let calm = foot.saturating_sub(24)..foot + 1;
        let (_, deviation) = baseline(samples[calm].iter().map(|it| it.value), resolution(group[0], counter, spacing));
        if growth < LEAST_GROWTH * value(foot).abs() || growth < LEAST_DEVIATIONS * deviation {
            continue;
        }
        let (from, to) = (samples[foot].millis, samples[peak].millis);
        let mut parts: Vec<(f64, usize)> = (0..group.len()).map(|at| (sum.grown(at, from, to), at)).collect();
        parts.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (rank, (grown, at)) in parts.into_iter().take(MOST_TOLD).enumerate() {
            let share = grown / growth;
            if share < LEAST_SHARE {
                break;
            }
            let series = group[at];
            let (before, after) = (sum.value(at, from).unwrap_or(0.0), sum.value(at, to).unwrap_or(0.0));
            let row = subject(Row::new(&RELATION), series)
                .with("rank", rank as i64 + 1)
                .with("before", before)
                .with("after", after)
                .with("growth", grown)
                .with("share", share)
                .with("total_before", value(foot))
                .with("total_after", value(peak))
                .with("among", group.len() as i64)
                .with("rate", Value::Flag(counter));
            let last = |millis: i64| series.points.get(series.points.until(millis).checked_sub(1)?);
            let mut quotes: Vec<_> =
                [last(to), last(from)].into_iter().flatten().map(|it| series.quote(it.millis)).collect();
            quotes.dedup();
            let next = samples[(foot + 1).min(peak)].millis;
            found.push(Fact { row, node: series.node.clone(), at: between(from, next), quotes });
        }
    }
    found
}
