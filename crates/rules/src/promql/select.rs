//! Which series a selector means, what each shows at an instant, and at which instants they speak.

use timeline::{Point, Series};

use super::expr::{Bound, NAME, Selector};

/// How long Prometheus shows a value.
const LOOKBACK_MS: i64 = 5 * 60 * 1000;
/// Of the series' own spacing, how long a value may stand for the next one.
const LOOKBACK_SPACINGS: f64 = 2.5;
/// Columns times instants above which instants that lie closer than a scrape are taken together.
const MOST_CELLS: usize = 4_000_000;

/// Series that are one: the same name and labels, read from several files; the one with most points first.
pub(super) struct Group<'s> {
    pub series: Vec<&'s Series>,
    lookback_ms: i64,
}

impl Group<'_> {
    /// The newest value at each instant, where one still stands.
    pub(super) fn instants(&self, times: &[i64]) -> Vec<Option<f64>> {
        self.merged(|series| {
            let first = times.first().copied().unwrap_or_default();
            let mut next = series.points.partition_point(|it| it.millis <= first);
            let standing = |&t: &i64| {
                while next < series.points.len() && series.points[next].millis <= t {
                    next += 1;
                }
                let point = series.points[..next].last()?;
                self.stands(series, point, t).then_some(point.value)
            };
            times.iter().map(standing).collect()
        })
    }

    /// Whether a point is still the value of its series at an instant.
    pub(super) fn stands(&self, series: &Series, point: &Point, t: i64) -> bool {
        let ended = series.stale.partition_point(|it| *it <= point.millis);
        t.saturating_sub(point.millis) < self.lookback_ms && series.stale.get(ended).is_none_or(|it| *it > t)
    }

    /// The first of its series that has an answer, at each instant.
    pub(super) fn merged(&self, values: impl FnMut(&Series) -> Vec<Option<f64>>) -> Vec<Option<f64>> {
        let mut each = self.series.iter().copied().map(values);
        let mut merged = each.next().unwrap_or_default();
        for other in each {
            for (value, other) in merged.iter_mut().zip(other) {
                *value = value.or(other);
            }
        }
        merged
    }
}

/// The series a selector means, with those of several files put together.
pub(super) fn select<'s>(
    selector: &Selector,
    series: &[&'s Series],
    text: &dyn Fn(&str) -> Option<String>,
) -> Vec<Group<'s>> {
    let bound: Option<Vec<(&str, bool, Bound)>> =
        selector.matchers.iter().map(|it| Some((it.label.as_str(), it.negated, it.test.bind(text)?))).collect();
    let Some(bound) = bound else { return Vec::new() };
    let wanted = |it: &Series| bound.iter().all(|(label, negated, test)| test_holds(it, label, test) != *negated);
    let mut found: Vec<&Series> = series.iter().copied().filter(|it| !it.points.is_empty() && wanted(it)).collect();
    found.sort_by(|a, b| {
        (&a.metric, &a.labels, b.points.len(), a.member).cmp(&(&b.metric, &b.labels, a.points.len(), b.member))
    });
    let same = found.chunk_by(|a, b| a.metric == b.metric && a.labels == b.labels);
    same.map(|it| Group { series: it.to_vec(), lookback_ms: lookback(it[0]) }).collect()
}

/// Whether a label passes. `node` is also the node the timeline knows the series to be of.
fn test_holds(series: &Series, label: &str, test: &Bound) -> bool {
    let printed = if label == NAME { Some(&series.metric) } else { series.label(label) };
    if label == "node" {
        let known = series.node.as_ref().is_some_and(|it| test.holds(it));
        let silent = series.node.is_none() || printed.is_some_and(|it| !it.is_empty());
        return known || (silent && test.holds(printed.map_or("", AsRef::as_ref)));
    }
    test.holds(printed.map_or("", AsRef::as_ref))
}

/// How long a point of the series stands for the next one.
fn lookback(series: &Series) -> i64 {
    match spacing(series) {
        Some(spacing) => LOOKBACK_MS.min((spacing as f64 * LOOKBACK_SPACINGS) as i64 + 1),
        None => LOOKBACK_MS,
    }
}

/// The median distance of a series' points, milliseconds.
pub(crate) fn spacing(series: &Series) -> Option<i64> {
    let mut steps: Vec<i64> = series.points.windows(2).map(|it| it[1].millis - it[0].millis).collect();
    if steps.is_empty() {
        return None;
    }
    let middle = steps.len() / 2;
    Some((*steps.select_nth_unstable(middle).1).max(1))
}

/// Every instant at which a selected series has a point. Where that is too many, instants within one scrape are taken
/// together at the last of them, so that each series still shows every one of its points.
pub(super) fn instants(selectors: &[Selector], groups: &[Vec<Group<'_>>]) -> Vec<i64> {
    let moved = selectors.iter().zip(groups).flat_map(|(selector, groups)| {
        let points = groups.iter().flat_map(|it| &it.series).flat_map(|it| &it.points);
        points.map(|it| it.millis.saturating_add(selector.offset_ms))
    });
    let mut times: Vec<i64> = moved.collect();
    times.sort_unstable();
    times.dedup();
    let columns: usize = groups.iter().map(Vec::len).sum();
    if times.len().saturating_mul(columns) > MOST_CELLS {
        let all = groups.iter().flatten().filter_map(|it| spacing(it.series[0]));
        let scrape = all.min().unwrap_or(1);
        let mut kept: Vec<i64> = Vec::new();
        for t in times {
            match kept.last_mut() {
                Some(last) if last.div_euclid(scrape) == t.div_euclid(scrape) => *last = t,
                _ => kept.push(t),
            }
        }
        return kept;
    }
    times
}
