//! Which series a selector means, what each shows at an instant, and at which instants they speak.

use timeline::{Name, Point, Series};

use super::Dialect;
use super::expr::{Bound, NAME, Selector};
use super::state;
use super::store::Store;

/// How long Prometheus shows a value.
const LOOKBACK_MS: i64 = 5 * 60 * 1000;
/// Of the series' own spacing, how long a value may stand for the next one.
const LOOKBACK_SPACINGS: f64 = 2.5;
/// Columns times instants above which instants that lie closer than a scrape are taken together.
const MOST_CELLS: usize = 4_000_000;

/// Series that are one: the same name and labels, read from several files; the one with most points first.
pub(super) struct Group<'s> {
    pub series: Vec<&'s Series>,
    /// It holds at every instant.
    pub always: bool,
    lookback_ms: i64,
}

impl Group<'_> {
    /// The newest point at each instant, where one still stands, as a number.
    pub(super) fn instants(&self, times: &[i64], number: &dyn Fn(&Point, i64) -> f64) -> Vec<Option<f64>> {
        if self.always {
            let point = self.series[0].points.last();
            return times.iter().map(|&t| point.map(|it| number(&Point { millis: t, ..it }, t))).collect();
        }
        self.merged(|series| {
            let first = times.first().copied().unwrap_or_default();
            let begun = series.points.until(first);
            let mut point = begun.checked_sub(1).and_then(|it| series.points.get(it));
            let mut later = series.points.within(begun..series.points.len()).peekable();
            let standing = |&t: &i64| {
                while let Some(next) = later.next_if(|it| it.millis <= t) {
                    point = Some(next);
                }
                let point = point?;
                self.stands(series, &point, t).then(|| number(&point, t))
            };
            times.iter().map(standing).collect()
        })
    }

    /// Whether a point is still the value of its series at an instant.
    pub(super) fn stands(&self, series: &Series, point: &Point, t: i64) -> bool {
        if self.always {
            return true;
        }
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

/// The series that a selector means by its metric, of a node where one is asked.
pub(super) fn candidates<'s>(selector: &Selector, store: &'s Store<'_>, node: Option<&Name>) -> Vec<&'s Series> {
    let mut found = store.series(selector.metric());
    found.retain(|it| node.is_none() || it.node.as_ref() == node);
    found
}

/// Those of the candidates that pass the selector's matchers, with those of several files put together.
pub(super) fn select<'s>(
    selector: &Selector,
    candidates: &[&'s Series],
    text: &dyn Fn(&str) -> Option<String>,
    dialect: Dialect,
    all_state: bool,
) -> Vec<Group<'s>> {
    let bound: Option<Vec<(&str, bool, Bound)>> =
        selector.matchers.iter().map(|it| Some((it.label.as_str(), it.negated, it.test.bind(text)?))).collect();
    let Some(bound) = bound else { return Vec::new() };
    let wanted = |it: &Series| bound.iter().all(|(label, negated, test)| test_holds(it, label, test) != *negated);
    let mut found: Vec<&Series> = candidates.iter().copied().filter(|it| wanted(it)).collect();
    found.sort_by(|a, b| {
        (&a.metric, &a.labels, b.points.len(), a.member).cmp(&(&b.metric, &b.labels, a.points.len(), b.member))
    });
    let same = found.chunk_by(|a, b| a.metric == b.metric && a.labels == b.labels);
    let group = |it: &[&'s Series]| {
        let always = state::is_state(&it[0].metric) && (all_state || state::holds_always(it[0]));
        Group { series: it.to_vec(), always, lookback_ms: lookback(it[0], dialect) }
    };
    same.map(group).collect()
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
fn lookback(series: &Series, dialect: Dialect) -> i64 {
    let longest = LOOKBACK_MS + i64::from(dialect.closed);
    match spacing(series).filter(|_| !dialect.bridges) {
        Some(spacing) => longest.min((spacing as f64 * LOOKBACK_SPACINGS) as i64 + 1),
        None => longest,
    }
}

/// The median distance of a series' points, milliseconds.
pub(crate) fn spacing(series: &Series) -> Option<i64> {
    if let Some(pace) = series.points.pace() {
        return Some(pace.max(1));
    }
    let steps = || series.points.pairs().map(|(a, b)| b.millis.saturating_sub(a.millis));
    let first = steps().next()?;
    // what more than half of them are is the median
    if 2 * steps().filter(|it| *it == first).count() > steps().len() {
        return Some(first.max(1));
    }
    let mut steps: Vec<i64> = steps().collect();
    let middle = steps.len() / 2;
    Some((*steps.select_nth_unstable(middle).1).max(1))
}

/// Every instant at which a selected series has a point. Where that is too many, instants within one scrape are taken
/// together at the last of them, so that each series still shows every one of its points.
pub(super) fn instants(selectors: &[Selector], groups: &[Vec<Group<'_>>], peers: &[Vec<&Series>]) -> Vec<i64> {
    let mut times: Vec<i64> = Vec::new();
    for ((selector, groups), peers) in selectors.iter().zip(groups).zip(peers) {
        let mut add = |it: &Series| {
            let timed = it.points.iter().filter(|it| it.millis != state::TIMELESS);
            times.extend(timed.map(|it| it.millis.saturating_add(selector.shift_ms)));
        };
        groups.iter().filter(|it| !it.always).flat_map(|it| &it.series).for_each(|it| add(it));
        // what is absent speaks whenever others of its metric do
        peers.iter().for_each(|it| add(it));
    }
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
