//! From series to values: every part of an expression becomes a table of columns (one a label set) over instants.
//!
//! Labels are handled once a column, not once an instant. The instants are taken in blocks, so that memory follows the
//! number of series and not their length.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use timeline::{Name, Point, Series, Value};

use super::aggregate;
use super::binary;
use super::cite::Origin;
use super::column::{Column, Data, Labels, mapped, nameless};
use super::expr::{At, Expr, How, Op, Ranged, Selector, Window};
use super::labels;
use super::maps;
use super::select::{Group, candidates, instants, select};
use super::state;
use super::store::Store;
use super::window::{Asked, over, within};
use super::{Dialect, Output, Query};

/// Columns times instants that are held at once.
const BLOCK_CELLS: usize = 1_000_000;
/// Columns times instants that one expression, or one subquery of it, may cost.
const MOST_CELLS: usize = 60_000_000;

/// A query with its variables filled in and its series found.
pub(super) struct Run<'s> {
    query: &'s Query,
    pub selectors: &'s [Selector],
    variables: Vec<f64>,
    /// For each selector, what it selects, sorted by name and labels.
    pub groups: Vec<Vec<Group<'s>>>,
    /// For each selector that is asked for its absence, every series of its metric.
    peers: Vec<Vec<&'s Series>>,
    text: &'s dyn Fn(&str) -> Option<Value>,
    times: Vec<i64>,
    pub dialect: Dialect,
    /// Several series matched where one may, at some instant.
    pub ambiguous: Cell<bool>,
    /// It would cost more than [`MOST_CELLS`].
    pub costly: Cell<bool>,
}

/// What a query is asked of.
pub(super) struct Question<'s> {
    pub store: &'s Store<'s>,
    pub node: Option<&'s Name>,
    pub variables: &'s dyn Fn(&str) -> Option<Value>,
    pub dialect: Dialect,
    /// The instants, or those at which the series speak.
    pub times: Option<Vec<i64>>,
}

impl<'s> Run<'s> {
    /// Finds the series; the names of variables without a value are the error.
    pub(super) fn new(query: &'s Query, question: Question<'s>) -> Result<Run<'s>, Vec<String>> {
        let Question { store, node, variables, dialect, times } = question;
        let text = |name: &str| variables(name).filter(Value::is_some).map(|it| it.to_string());
        let mut numeric = vec![false; query.variables.len()];
        mark_numeric(&query.expr, &mut numeric);
        let unbound = query.variables.iter().zip(&numeric).filter(|(name, numeric)| match variables(name) {
            Some(value) => !value.is_some() || (**numeric && value.as_number().is_none()),
            None => true,
        });
        let unbound: Vec<String> = unbound.map(|(name, _)| name.clone()).collect();
        if !unbound.is_empty() {
            return Err(unbound);
        }
        let number = |name: &String| variables(name).and_then(|it| it.as_number()).unwrap_or(f64::NAN);
        let all_state = query.is_state();
        let (mut groups, mut peers) = (Vec::new(), Vec::new());
        for selector in &query.selectors {
            let found = candidates(selector, store, node);
            groups.push(select(selector, &found, &text, dialect, all_state));
            peers.push(if selector.absent { found } else { Vec::new() });
        }
        let times = times.unwrap_or_else(|| match all_state {
            true => vec![newest(&groups)],
            false => instants(&query.selectors, &groups, &peers),
        });
        let variables_ = query.variables.iter().map(number).collect();
        let columns: usize = groups.iter().map(Vec::len).sum();
        let costly = Cell::new(columns.saturating_mul(times.len()) > MOST_CELLS);
        let (selectors, ambiguous) = (&query.selectors[..], Cell::new(false));
        let variables = variables_;
        let text = question.variables;
        Ok(Run { query, selectors, variables, groups, peers, text, times, dialect, ambiguous, costly })
    }

    /// Series times instants.
    pub(super) fn cost(&self) -> u64 {
        self.groups.iter().map(Vec::len).sum::<usize>().saturating_mul(self.times.len()) as u64
    }

    /// Whether the series an answer depends on are there; nothing where it depends on none.
    pub(super) fn has_input(&self, expr: &Expr) -> Option<bool> {
        let selected = |at: usize| {
            let absent = self.selectors[at].absent;
            Some(!self.groups[at].is_empty() || (absent && !self.peers[at].is_empty()))
        };
        let own = match expr {
            Expr::Select(at) | Expr::Over(_, Ranged::Select(at), _) | Expr::AbsentOver(Ranged::Select(at)) => {
                selected(*at)
            }
            _ => None,
        };
        let parts = expr.parts().into_iter().map(|it| self.has_input(it)).chain([own]).flatten();
        match expr {
            Expr::Binary { op: Op::Or, .. } => parts.reduce(|a, b| a || b),
            _ => parts.reduce(|a, b| a && b),
        }
    }

    /// The values of an expression over all instants, one output a label set.
    pub(super) fn outputs(&self, expr: &Expr, least: bool) -> Vec<Output> {
        if self.costly.get() {
            return Vec::new();
        }
        let columns = self.groups.iter().map(Vec::len).sum::<usize>().max(1);
        let size = (BLOCK_CELLS / columns).max(64);
        let mut found: BTreeMap<(Labels, Option<Name>), Gathered> = BTreeMap::new();
        for times in self.times.chunks(size) {
            let columns = match self.value(expr, times) {
                Data::Vector(columns) => columns,
                Data::Scalar(values) => vec![nameless(values.into_iter().map(Some).collect())],
            };
            for column in columns {
                if column.values.iter().all(Option::is_none) {
                    continue;
                }
                let gathered = found.entry((column.labels.clone(), column.metric.clone())).or_default();
                if gathered.add(&column, times, least) {
                    self.ambiguous.set(true);
                }
            }
        }
        if self.costly.get() {
            return Vec::new();
        }
        let outputs = found.into_iter().filter_map(|((labels, metric), gathered)| {
            let (first, peak) = (gathered.points.first()?.0, gathered.peak?);
            let cited = gathered.origin.map_or_else(Vec::new, |it| self.quotes(&it, peak.0));
            Some(Output { metric, labels: labels.to_vec(), points: gathered.points, cited, first, peak })
        });
        outputs.collect()
    }

    /// The value of a part of an expression.
    pub(super) fn value(&self, expr: &Expr, times: &[i64]) -> Data {
        let secs = |it: &i64| *it as f64 / 1000.0;
        match expr {
            Expr::Number(it) => Data::Scalar(vec![*it; times.len()]),
            Expr::Variable(at) => Data::Scalar(vec![self.variables[*at]; times.len()]),
            Expr::Time => Data::Scalar(times.iter().map(secs).collect()),
            Expr::Select(at) => Data::Vector(self.selected(*at, times, &|it, _| it.value)),
            Expr::Over(window, of, numbers) => {
                let numbers: Vec<Vec<f64>> = numbers.iter().map(|it| self.scalar(it, times)).collect();
                Data::Vector(self.unique(self.over(*window, of, &numbers, times)))
            }
            Expr::Negate(of) => self.mapped(of, times, &|it, _| Some(-it)),
            Expr::Map(map, of, numbers) => {
                let numbers: Vec<Vec<f64>> = numbers.iter().map(|it| self.scalar(it, times)).collect();
                self.mapped(of, times, &|it, at| {
                    let mut given = [0.0; 2];
                    given.iter_mut().zip(&numbers).for_each(|(to, from)| *to = from[at]);
                    maps::apply(*map, it, &given[..numbers.len().min(2)])
                })
            }
            Expr::Timestamp(of) => match &**of {
                Expr::Select(at) => {
                    let columns = self.selected(*at, times, &|it, _| it.millis as f64 / 1000.0);
                    Data::Vector(self.unique(columns.into_iter().map(Column::unnamed).collect()))
                }
                other => self.mapped(other, times, &|_, at| Some(secs(&times[at]))),
            },
            Expr::Absent(of) => {
                let present = self.vector(of, times);
                Data::Vector(vec![self.absent(of.selector(), &present, times.len())])
            }
            Expr::AbsentOver(of) => {
                let present = self.over(Window::Present, of, &[], times);
                let selector = if let Ranged::Select(at) = of { Some(*at) } else { None };
                Data::Vector(vec![self.absent(selector, &present, times.len())])
            }
            Expr::Scalar(of) => {
                let columns = self.vector(of, times);
                let single = |at: usize| {
                    let mut present = columns.iter().filter_map(|it| it.values[at]);
                    let first = present.next();
                    if present.next().is_some() { f64::NAN } else { first.unwrap_or(f64::NAN) }
                };
                Data::Scalar((0..times.len()).map(single).collect())
            }
            Expr::Vector(of) => {
                let values = self.scalar(of, times);
                Data::Vector(vec![nameless(values.into_iter().map(Some).collect())])
            }
            Expr::HistogramQuantile(which, of) => {
                let which = self.scalar(which, times);
                Data::Vector(labels::histogram_quantile(&which, &self.vector(of, times)))
            }
            Expr::Relabel(relabel, of) => {
                let columns = self.vector(of, times).into_iter().map(|it| labels::relabelled(relabel, it));
                Data::Vector(self.unique(columns.collect()))
            }
            Expr::Aggregate { how, keep, of, param, label } => {
                let columns = self.vector(of, times);
                let param = param.as_ref().map(|it| self.scalar(it, times)).unwrap_or_default();
                Data::Vector(match how {
                    How::Top | How::Bottom => aggregate::most(columns, keep, &param, *how == How::Top),
                    How::CountValues => {
                        aggregate::count_values(&columns, keep, label.as_deref().unwrap_or_default(), times.len())
                    }
                    _ => aggregate::aggregated(&columns, keep, *how, &param, times.len()),
                })
            }
            Expr::Binary { .. } => binary::value(self, expr, times),
        }
    }

    /// The value of a part that has no labels.
    pub(super) fn scalar(&self, expr: &Expr, times: &[i64]) -> Vec<f64> {
        match self.value(expr, times) {
            Data::Scalar(values) => values,
            Data::Vector(_) => vec![f64::NAN; times.len()], // the parser's types exclude it
        }
    }

    /// The value of a part that has labels.
    pub(super) fn vector(&self, expr: &Expr, times: &[i64]) -> Vec<Column> {
        match self.value(expr, times) {
            Data::Vector(columns) => columns,
            Data::Scalar(values) => vec![nameless(values.into_iter().map(Some).collect())],
        }
    }

    /// A function of each value of a part.
    fn mapped(&self, of: &Expr, times: &[i64], by: &dyn Fn(f64, usize) -> Option<f64>) -> Data {
        match mapped(self.value(of, times), by) {
            Data::Vector(columns) => Data::Vector(self.unique(columns)),
            scalar => scalar,
        }
    }

    /// Notes where two columns that have lost their names have become one.
    fn unique(&self, columns: Vec<Column>) -> Vec<Column> {
        let mut seen: BTreeSet<(&Option<Name>, &Labels)> = BTreeSet::new();
        let twice: Vec<&Column> = columns.iter().filter(|it| !seen.insert((&it.metric, &it.labels))).collect();
        for one in twice {
            let same = |it: &&Column| it.labels == one.labels && it.metric == one.metric && !std::ptr::eq(*it, one);
            let both = |it: &Column| it.values.iter().zip(&one.values).any(|(a, b)| a.is_some() && b.is_some());
            if columns.iter().filter(same).any(both) {
                self.ambiguous.set(true);
            }
        }
        columns
    }

    /// 1 where nothing is present, under the labels that the selector asked for by equality.
    fn absent(&self, selector: Option<usize>, present: &[Column], instants: usize) -> Column {
        let missing = |at: usize| present.iter().all(|it| it.values[at].is_none()).then_some(1.0);
        let text = |name: &str| (self.text)(name).map(|it| it.to_string());
        let labels = selector.map(|it| labels::asked(&self.selectors[it], &text)).unwrap_or_default();
        Column { labels: labels.into(), ..nameless((0..instants).map(missing).collect()) }
    }

    /// The instant that `@` means.
    fn pinned(&self, at: At) -> i64 {
        match at {
            At::Start => self.times.first().copied().unwrap_or_default(),
            At::End => self.times.last().copied().unwrap_or_default(),
            At::Millis(it) => it,
        }
    }

    /// The instants a selector or subquery looks at.
    pub(super) fn moved(&self, times: &[i64], offset_ms: i64, at: Option<At>) -> Vec<i64> {
        match at {
            Some(at) => vec![self.pinned(at).saturating_sub(offset_ms); times.len()],
            None => times.iter().map(|it| it.saturating_sub(offset_ms)).collect(),
        }
    }

    /// What a selector selects, a number of each newest point.
    fn selected(&self, at: usize, times: &[i64], number: &dyn Fn(&Point, i64) -> f64) -> Vec<Column> {
        let selector = &self.selectors[at];
        let times = self.moved(times, selector.offset_ms, selector.at);
        self.columns(at, |group| group.instants(&times, number))
    }

    /// A function over a range.
    fn over(&self, window: Window, of: &Ranged, numbers: &[Vec<f64>], times: &[i64]) -> Vec<Column> {
        let sub = match of {
            Ranged::Select(at) => {
                let selector = &self.selectors[*at];
                let ends = self.moved(times, selector.offset_ms, selector.at);
                let (instants, range_ms, dialect) = (times, selector.range_ms, self.dialect);
                let asked = Asked { range_ms, ends: &ends, instants, numbers, dialect };
                let columns = self.columns(*at, |group| {
                    if group.always {
                        // a setting was the same all along: one point a range says so
                        let value = group.series[0].points.last().map_or(f64::NAN, |it| it.value);
                        let held = |(at, end): (usize, &i64)| {
                            let point = [Point { millis: *end, value }];
                            let numbers: Vec<Vec<f64>> = numbers.iter().map(|it| vec![it[at]]).collect();
                            let (ends, instants) = (&ends[at..=at], &instants[at..=at]);
                            over(window, &point, &Asked { range_ms, ends, instants, numbers: &numbers, dialect })[0]
                        };
                        return ends.iter().enumerate().map(held).collect();
                    }
                    group.merged(|it| over(window, &within(&it.points, &asked), &asked))
                });
                return columns
                    .into_iter()
                    .map(|it| {
                        Column { origin: Rc::new(Origin::over(&it.origin, window)), ..it }.named(window.keeps_name())
                    })
                    .collect();
            }
            Ranged::Sub(sub) => sub,
        };
        let ends = self.moved(times, sub.offset_ms, sub.at);
        let (Some(&first), Some(&last)) = (ends.first(), ends.last()) else { return Vec::new() };
        let begin = first.saturating_sub(sub.range_ms);
        let mut start = begin.div_euclid(sub.step_ms).saturating_mul(sub.step_ms);
        if start < begin || (start == begin && !self.dialect.closed) {
            start = start.saturating_add(sub.step_ms);
        }
        let columns = self.groups.iter().map(Vec::len).sum::<usize>().max(1);
        let steps = usize::try_from((last.saturating_sub(start) / sub.step_ms).saturating_add(1)).unwrap_or(0);
        if steps.saturating_mul(columns) > MOST_CELLS {
            self.costly.set(true);
            return Vec::new();
        }
        let grid: Vec<i64> = (0..steps as i64).map(|it| start + it * sub.step_ms).collect();
        let inner = self.vector(&sub.of, &grid);
        let (range_ms, instants, dialect) = (sub.range_ms, times, self.dialect);
        let asked = Asked { range_ms, ends: &ends, instants, numbers, dialect };
        let column = |it: Column| {
            let present = grid.iter().zip(&it.values).filter_map(|(t, value)| Some((*t, (*value)?)));
            let points: Vec<Point> = present.map(|(millis, value)| Point { millis, value }).collect();
            let values = over(window, &points, &asked);
            values.iter().any(Option::is_some).then(|| {
                let (offset_ms, at) = (sub.offset_ms, sub.at.map(|it| self.pinned(it)));
                let (inner, range_ms) = (it.origin.clone(), sub.range_ms);
                let origin = Rc::new(Origin::Sub { window, inner, points, range_ms, offset_ms, at });
                Column { values, origin, ..it }.named(window.keeps_name())
            })
        };
        inner.into_iter().filter_map(column).collect()
    }

    /// What a selector selects; series without a value in this block are left out.
    fn columns(&self, selector: usize, values: impl Fn(&Group<'s>) -> Vec<Option<f64>>) -> Vec<Column> {
        let column = |(at, group): (usize, &Group<'s>)| {
            let values = values(group);
            values.iter().any(Option::is_some).then(|| {
                let series = group.series[0];
                Column {
                    metric: Some(series.metric.clone()).filter(|it| !it.is_empty()),
                    labels: series.labels.clone().into(),
                    node: series.node.clone(),
                    values,
                    origin: Rc::new(Origin::Last { selector, group: at }),
                }
            })
        };
        self.groups[selector].iter().enumerate().filter_map(column).collect()
    }

    /// The instant that `@` of a selector means, where it has one.
    pub(super) fn pin(&self, selector: &Selector) -> Option<i64> {
        selector.at.map(|it| self.pinned(it))
    }

    /// The instants it is evaluated at.
    pub(super) fn times(&self) -> &[i64] {
        &self.times
    }

    /// The expression as a whole.
    pub(super) fn expr(&self) -> &'s Expr {
        &self.query.expr
    }
}

/// When the newest of some facts was collected.
fn newest(groups: &[Vec<Group<'_>>]) -> i64 {
    let points = groups.iter().flatten().flat_map(|it| &it.series).flat_map(|it| it.points.iter());
    points.map(|it| it.millis).max().unwrap_or(state::TIMELESS)
}

/// The values of one label set, gathered block by block.
#[derive(Default)]
struct Gathered {
    points: Vec<(i64, f64)>,
    peak: Option<(i64, f64)>,
    origin: Option<Rc<Origin>>,
}

impl Gathered {
    /// Takes a block in; true when an instant has two values and one had to be left out.
    fn add(&mut self, column: &Column, times: &[i64], least: bool) -> bool {
        let mut twice = false;
        for (&t, value) in times.iter().zip(&column.values) {
            let Some(value) = *value else { continue };
            if self.points.last().is_none_or(|it| it.0 < t) {
                self.points.push((t, value));
            } else {
                let known = self.points.partition_point(|it| it.0 < t);
                if self.points.get(known).is_some_and(|it| it.0 == t) {
                    twice = true;
                    continue;
                }
                self.points.insert(known, (t, value));
            }
            let beyond = |peak: f64| if least { value < peak } else { value > peak };
            if self.peak.is_none_or(|(_, peak)| beyond(peak) || (peak.is_nan() && !value.is_nan())) {
                self.peak = Some((t, value));
                self.origin = Some(column.origin.clone());
            }
        }
        twice
    }
}

fn mark_numeric(expr: &Expr, numeric: &mut [bool]) {
    if let Expr::Variable(at) = expr {
        numeric[*at] = true;
    }
    expr.parts().into_iter().for_each(|it| mark_numeric(it, numeric));
}
