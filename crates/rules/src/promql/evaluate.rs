//! From series to values: every part of an expression becomes a table of columns (one a label set) over instants.
//!
//! Labels are handled once a column, not once an instant. The instants are taken in blocks, so that memory follows the
//! number of series and not their length.

use std::collections::BTreeMap;
use std::rc::Rc;

use timeline::{Name, Series, Value};

use super::aggregate::{aggregated, most};
use super::binary;
use super::cite::Origin;
use super::expr::{Expr, How, Keep, NAME, Op, Selector, Window};
use super::select::{Group, instants, select};
use super::window;
use super::{Output, Query};

/// Columns times instants that are held at once.
const BLOCK_CELLS: usize = 1_000_000;

/// One label set over the instants of a block.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub metric: Option<Name>,
    /// Sorted.
    pub labels: Labels,
    /// The node by the timeline, where no label is called so.
    pub node: Option<Name>,
    pub values: Vec<Option<f64>>,
    pub origin: Rc<Origin>,
}

pub(super) type Labels = Rc<[(Name, Name)]>;

impl Column {
    /// A label as PromQL sees it; an empty one is none.
    pub(super) fn label(&self, name: &str) -> Option<&Name> {
        if name == NAME {
            return self.metric.as_ref();
        }
        let found = self.labels.iter().find(|(key, _)| key.as_ref() == name).map(|(_, value)| value);
        found.filter(|it| !it.is_empty()).or_else(|| self.node.as_ref().filter(|_| name == "node"))
    }

    /// The labels that a modifier keeps.
    pub(super) fn kept(&self, keep: &Keep) -> Vec<(Name, Name)> {
        match keep {
            Keep::Only(names) => {
                let found = names.iter().filter_map(|it| Some((Name::from(it.as_str()), self.label(it)?.clone())));
                let mut labels: Vec<(Name, Name)> = found.collect();
                labels.sort();
                labels.dedup();
                labels
            }
            Keep::AllBut(names) => {
                let stays = |it: &&(Name, Name)| !it.1.is_empty() && !names.iter().any(|name| name == it.0.as_ref());
                self.labels.iter().filter(stays).cloned().collect()
            }
        }
    }
}

/// What an expression is over the instants of a block.
pub(super) enum Data {
    Scalar(Vec<f64>),
    Vector(Vec<Column>),
}

/// A query with its variables filled in and its series found.
pub(super) struct Run<'s> {
    pub selectors: &'s [Selector],
    variables: Vec<f64>,
    /// For each selector, what it selects, sorted by name and labels.
    pub groups: Vec<Vec<Group<'s>>>,
    times: Vec<i64>,
}

/// The instants of a block.
pub(super) struct Block<'t> {
    pub times: &'t [i64],
    pub ambiguous: bool,
}

impl<'s> Run<'s> {
    /// Finds the series; the names of variables without a value are the error.
    pub(super) fn new(
        query: &'s Query,
        series: &[&'s Series],
        variables: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Run<'s>, Vec<String>> {
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
        let groups: Vec<Vec<Group<'s>>> = query.selectors.iter().map(|it| select(it, series, &text)).collect();
        let times = instants(&query.selectors, &groups);
        Ok(Run { selectors: &query.selectors, variables: query.variables.iter().map(number).collect(), groups, times })
    }

    /// Whether the series an answer depends on are there; nothing where it depends on none.
    pub(super) fn has_input(&self, expr: &Expr) -> Option<bool> {
        let both = |a: Option<bool>, b: Option<bool>| match (a, b) {
            (Some(a), Some(b)) => Some(a && b),
            (one, other) => one.or(other),
        };
        match expr {
            Expr::Number(_) | Expr::Variable(_) | Expr::Time => None,
            Expr::Select(at) | Expr::Over(_, at) => Some(!self.groups[*at].is_empty()),
            Expr::Negate(of) | Expr::Abs(of) | Expr::Scalar(of) | Expr::Vector(of) => self.has_input(of),
            Expr::ClampMin(of, by) | Expr::ClampMax(of, by) => both(self.has_input(of), self.has_input(by)),
            Expr::Aggregate { of, count, .. } => {
                both(self.has_input(of), count.as_ref().and_then(|it| self.has_input(it)))
            }
            Expr::Binary { op: Op::Or, left, right, .. } => match (self.has_input(left), self.has_input(right)) {
                (Some(a), Some(b)) => Some(a || b),
                (one, other) => one.or(other),
            },
            Expr::Binary { left, right, .. } => both(self.has_input(left), self.has_input(right)),
        }
    }

    /// The values of an expression over all instants, one output a label set, and whether some instants were left out.
    pub(super) fn outputs(&self, expr: &Expr, least: bool) -> (Vec<Output>, bool) {
        let columns = self.groups.iter().map(Vec::len).sum::<usize>().max(1);
        let size = (BLOCK_CELLS / columns).max(64);
        let mut found: BTreeMap<(Labels, Option<Name>), Gathered> = BTreeMap::new();
        let mut ambiguous = false;
        for times in self.times.chunks(size) {
            let mut block = Block { times, ambiguous: false };
            let columns = match self.value(expr, &mut block) {
                Data::Vector(columns) => columns,
                Data::Scalar(values) => vec![nameless(values.into_iter().map(Some).collect())],
            };
            for column in columns {
                if column.values.iter().all(Option::is_none) {
                    continue;
                }
                let gathered = found.entry((column.labels.clone(), column.metric.clone())).or_default();
                block.ambiguous |= gathered.add(&column, times, least);
            }
            ambiguous |= block.ambiguous;
        }
        let outputs = found.into_iter().filter_map(|((labels, _), gathered)| {
            let (first, peak) = (gathered.points.first()?.0, gathered.peak?);
            let cited = gathered.origin.map_or_else(Vec::new, |it| self.quotes(&it, peak.0));
            Some(Output { labels: labels.to_vec(), points: gathered.points, cited, first, peak })
        });
        (outputs.collect(), ambiguous)
    }

    /// The value of a part of an expression.
    pub(super) fn value(&self, expr: &Expr, block: &mut Block<'_>) -> Data {
        let each = |this: &Self, of: &Expr, block: &mut Block<'_>, by: &dyn Fn(f64, usize) -> f64| {
            mapped(this.value(of, block), by)
        };
        match expr {
            Expr::Number(it) => Data::Scalar(vec![*it; block.times.len()]),
            Expr::Variable(at) => Data::Scalar(vec![self.variables[*at]; block.times.len()]),
            Expr::Time => Data::Scalar(block.times.iter().map(|it| *it as f64 / 1000.0).collect()),
            Expr::Select(at) => Data::Vector(self.columns(*at, block, |group, times| group.instants(times))),
            Expr::Over(function, at) => {
                let range_ms = self.selectors[*at].range_ms;
                let mut columns = self.columns(*at, block, |group, times| {
                    group.merged(|it| window::over(*function, &it.points, range_ms, times))
                });
                for column in &mut columns {
                    if *function != Window::Last {
                        column.metric = None;
                    }
                    column.origin = Rc::new(Origin::over(&column.origin, *function));
                }
                Data::Vector(columns)
            }
            Expr::Negate(of) => each(self, of, block, &|it, _| -it),
            Expr::Abs(of) => each(self, of, block, &|it, _| it.abs()),
            Expr::ClampMin(of, by) => {
                let least = self.scalar(by, block);
                each(self, of, block, &|it, at| if least[at].is_nan() { f64::NAN } else { it.max(least[at]) })
            }
            Expr::ClampMax(of, by) => {
                let most = self.scalar(by, block);
                each(self, of, block, &|it, at| if most[at].is_nan() { f64::NAN } else { it.min(most[at]) })
            }
            Expr::Scalar(of) => {
                let columns = self.vector(of, block);
                let single = |at: usize| {
                    let mut present = columns.iter().filter_map(|it| it.values[at]);
                    let first = present.next();
                    if present.next().is_some() { f64::NAN } else { first.unwrap_or(f64::NAN) }
                };
                Data::Scalar((0..block.times.len()).map(single).collect())
            }
            Expr::Vector(of) => {
                let values = self.scalar(of, block);
                Data::Vector(vec![nameless(values.into_iter().map(Some).collect())])
            }
            Expr::Aggregate { how, keep, of, count } => {
                let columns = self.vector(of, block);
                match (how, count) {
                    (How::Top | How::Bottom, Some(count)) => {
                        let count = self.scalar(count, block);
                        Data::Vector(most(columns, keep, &count, *how == How::Top))
                    }
                    _ => Data::Vector(aggregated(columns, keep, *how, block.times.len())),
                }
            }
            Expr::Binary { .. } => binary::value(self, expr, block),
        }
    }

    /// The value of a part that has no labels.
    pub(super) fn scalar(&self, expr: &Expr, block: &mut Block<'_>) -> Vec<f64> {
        match self.value(expr, block) {
            Data::Scalar(values) => values,
            Data::Vector(_) => vec![f64::NAN; block.times.len()], // the parser's types exclude it
        }
    }

    /// The value of a part that has labels.
    pub(super) fn vector(&self, expr: &Expr, block: &mut Block<'_>) -> Vec<Column> {
        match self.value(expr, block) {
            Data::Vector(columns) => columns,
            Data::Scalar(values) => vec![nameless(values.into_iter().map(Some).collect())],
        }
    }

    /// What a selector selects; series without a value in this block are left out.
    fn columns(
        &self,
        selector: usize,
        block: &Block<'_>,
        values: impl Fn(&Group<'s>, &[i64]) -> Vec<Option<f64>>,
    ) -> Vec<Column> {
        let offset = self.selectors[selector].offset_ms;
        let times: Vec<i64> = block.times.iter().map(|it| it.saturating_sub(offset)).collect();
        let column = |(at, group): (usize, &Group<'s>)| {
            let values = values(group, &times);
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
            let known = self.points.partition_point(|it| it.0 < t);
            if self.points.get(known).is_some_and(|it| it.0 == t) {
                twice = true;
                continue;
            }
            self.points.insert(known, (t, value));
            let beyond = |peak: f64| if least { value < peak } else { value > peak };
            if self.peak.is_none_or(|(_, peak)| beyond(peak) || (peak.is_nan() && !value.is_nan())) {
                self.peak = Some((t, value));
                self.origin = Some(column.origin.clone());
            }
        }
        twice
    }
}

pub(super) fn nameless(values: Vec<Option<f64>>) -> Column {
    Column { metric: None, labels: Vec::new().into(), node: None, values, origin: Rc::new(Origin::Nothing) }
}

/// A function of each value; the metric's name goes, for it is no longer that metric.
pub(super) fn mapped(data: Data, by: &dyn Fn(f64, usize) -> f64) -> Data {
    match data {
        Data::Scalar(values) => Data::Scalar(values.into_iter().enumerate().map(|(at, it)| by(it, at)).collect()),
        Data::Vector(mut columns) => {
            for column in &mut columns {
                column.metric = None;
                for (at, value) in column.values.iter_mut().enumerate() {
                    *value = value.map(|it| by(it, at));
                }
            }
            Data::Vector(columns)
        }
    }
}

fn mark_numeric(expr: &Expr, numeric: &mut [bool]) {
    match expr {
        Expr::Variable(at) => numeric[*at] = true,
        Expr::Number(_) | Expr::Time | Expr::Select(_) | Expr::Over(..) => {}
        Expr::Negate(of) | Expr::Abs(of) | Expr::Scalar(of) | Expr::Vector(of) => mark_numeric(of, numeric),
        Expr::ClampMin(a, b) | Expr::ClampMax(a, b) | Expr::Binary { left: a, right: b, .. } => {
            mark_numeric(a, numeric);
            mark_numeric(b, numeric);
        }
        Expr::Aggregate { of, count, .. } => {
            mark_numeric(of, numeric);
            if let Some(count) = count {
                mark_numeric(count, numeric);
            }
        }
    }
}
