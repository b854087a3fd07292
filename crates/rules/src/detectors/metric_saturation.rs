//! Values near their limit, and how long they stayed there.
//!
//! ```text
//! node_nf_conntrack_entries 262140 of 262144     node_nf_conntrack_entries_limit
//! container_threads, all of the node: 46210 of 49152     kernel.pid_max
//! ```
//!
//! Relation `metric.saturation`: pairs of a value and its limit whose value reached 80 % of the limit; `kind` is `full`
//! where it stood at 95 % for three points in a row, `near` else. `plateau` is true where the last of those values lie
//! within 1 % of each other: a hard limit. `partial` is true where a sum was added up from what was collected, which is a
//! lower bound. `at` is the first point over 80 %, `lasted_secs` how long it stayed over it at most at one stretch.
//! Skipped: limits that are not known or zero, which mean none; values that hold a point in time.
//! Units: the metric's, seconds.

use timeline::{Fact, Quote, Relation, Row, Series, Timeline, Value};

use super::limits::{Limit, Limits};
use super::samples::{Sum, groups, is_counter, levels, subject, summed};
use super::{Detector, between};

pub(super) static RELATION: Relation = Relation {
    name: "metric.saturation",
    columns: &[
        "metric", "namespace", "pod", "container", "device", "mountpoint", "job", "labels", "kind", "value", "limit",
        "limit_of", "ratio", "lasted_secs", "plateau", "partial",
    ],
    about: "A metric near its limit: `value` and `limit` at the peak, `ratio` how much of it was in use, `kind` full \
            (95 % for three points) or near (80 %), `plateau` whether it stood still there, `partial` whether it is a sum \
            of what was collected.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["series"], find };

const NEAR: f64 = 0.8;
const FULL: f64 = 0.95;
const IN_A_ROW: usize = 3;
/// Values this close to each other stand still.
const STILL: f64 = 0.01;

/// How much of a limit was in use, at an instant.
#[derive(Clone, Copy)]
struct Use {
    millis: i64,
    value: f64,
    limit: f64,
}

impl Use {
    fn ratio(&self) -> f64 {
        self.value / self.limit
    }
}

fn find(timeline: &Timeline) -> Vec<Fact> {
    let limits = Limits::of(timeline);
    let mut found = Vec::new();
    for group in groups(timeline) {
        if is_counter(&group[0].metric) {
            continue;
        }
        for series in &group {
            for limit in limits.limiting(series).iter().filter(|it| !it.sum) {
                let uses: Vec<Use> = levels(series).iter().map(|it| usage(limit, it.millis, it.value)).collect();
                let peak_quote = |at: i64| {
                    let newest = series.points.get(series.points.until(at).saturating_sub(1));
                    newest.map(|it| series.quote(it.millis)).into_iter().collect()
                };
                found.extend(told(series, &uses, limit, subject(Row::new(&RELATION), series), peak_quote));
            }
        }
        for limit in limits.limiting(group[0]).iter().filter(|it| it.sum) {
            let sum: Sum<'_> = summed(&group, false);
            let uses: Vec<Use> = sum.points.iter().map(|(millis, value)| usage(limit, *millis, *value)).collect();
            let row = Row::new(&RELATION).with("metric", group[0].metric.clone());
            found.extend(told(group[0], &uses, limit, row, |at| sum.quotes(at)));
        }
    }
    found
}

fn usage(limit: &Limit<'_>, millis: i64, value: f64) -> Use {
    let bound = limit.at(millis);
    Use { millis, value: if limit.left { bound - value } else { value }, limit: bound }
}

fn told(
    of: &Series,
    uses: &[Use],
    limit: &Limit<'_>,
    row: Row,
    quotes: impl FnOnce(i64) -> Vec<Quote>,
) -> Option<Fact> {
    let uses: Vec<Use> = uses.iter().copied().filter(|it| it.limit > 0.0 && it.value.is_finite()).collect();
    let peak = uses.iter().copied().reduce(|a, b| if b.ratio() > a.ratio() { b } else { a })?;
    if peak.ratio() < NEAR {
        return None;
    }
    let first = uses.iter().position(|it| it.ratio() >= NEAR)?;
    let over = |least: f64| -> Vec<&[Use]> {
        uses.chunk_by(|a, b| (a.ratio() >= least) == (b.ratio() >= least)).filter(|it| it[0].ratio() >= least).collect()
    };
    let lasted = over(NEAR).iter().map(|it| it[it.len() - 1].millis - it[0].millis).max().unwrap_or(0);
    let full: Vec<&[Use]> = over(FULL).into_iter().filter(|it| it.len() >= IN_A_ROW).collect();
    let still = |it: &&[Use]| {
        let last = &it[it.len() - IN_A_ROW..];
        let ratios = || last.iter().map(Use::ratio);
        ratios().fold(0.0, f64::max) - ratios().fold(f64::INFINITY, f64::min) <= STILL
    };
    let row = row
        .with("kind", if full.is_empty() { "near" } else { "full" })
        .with("value", peak.value)
        .with("limit", peak.limit)
        .with("limit_of", limit.of)
        .with("ratio", peak.ratio())
        .with("lasted_secs", lasted as f64 / 1000.0)
        .with("plateau", Value::Flag(full.iter().any(still)))
        .with("partial", Value::Flag(limit.sum));
    let mut quotes = quotes(peak.millis);
    quotes.extend(limit.quote(peak.millis));
    let before = uses[first.saturating_sub(1)].millis;
    Some(Fact { row, node: of.node.clone(), at: between(before, uses[first].millis), quotes })
}
