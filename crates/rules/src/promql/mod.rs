//! PromQL over the series of a case: the part of the language whose answer an offline bundle can support.
//!
//! ```text
//! sum by (node) (container_threads{container!="",container!="POD"}) >= 0.85 * $max
//! max_over_time(node_processes_threads[1h]) < 0.5 * $max
//! node_nf_conntrack_entries / on (node) node_nf_conntrack_entries_limit > 0.95
//! ```
//!
//! All of PromQL but native histograms, `fill`, `limitk` and experimental functions; [`syntax`] lists what is honoured. What
//! is not is refused when the rule is loaded, never ignored. Facts are series as well, see [`state`].
//!
//! Where it differs from Prometheus, and why:
//! - An instant sees the newest value of at most 5 minutes ago, as there, but never across a staleness marker and never
//!   longer than 2.5 times the series' own median spacing. Dumps of the HTTP API carry no markers, so holding a value
//!   for 5 minutes would bridge the very gap in which an exporter could not answer.
//! - Instants are those at which an involved series has a point (moved by its `offset`), not the grid of a step.
//! - `node` in a matcher, in `by`, `on` or `group_left` means the node a series belongs to, also where only its
//!   `instance` label says so.
//! - Where one side of an operator has several series for one match, Prometheus fails the query; here that instant has
//!   no answer and [`Outcome::ambiguous`] says so.
//! - One series that stands in two files counts once.
//!
//! - An answer has no order: `sort` is read and does nothing.
//!
//! Ranges and the lookback leave their oldest edge out, as in Prometheus 3; [`Dialect`] knows the older way, by which the
//! answers of a real Prometheus 2 in `tests/prometheus-oracle` are compared. Units: milliseconds, and whatever the metric has.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/querying/basics/>; `promql/engine.go`, `promql/functions.go`.

mod aggregate;
mod binary;
mod cite;
mod column;
mod evaluate;
mod expr;
mod labels;
mod maps;
mod select;
mod state;
mod statistics;
mod store;
mod syntax;
mod window;

use timeline::{Name, Quote, Value};

use evaluate::{Question, Run};
use expr::{Expr, Many, Op, Selector};
pub(crate) use select::spacing;
pub(crate) use state::relation_of;
pub(crate) use store::Store;

/// In what the generations of Prometheus, and we, differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dialect {
    /// Ranges and the lookback hold their oldest edge, and a counter's zero is asked for before the edge's distance: the
    /// second generation.
    pub closed: bool,
    /// A value stands for 5 minutes whatever the series' own spacing.
    pub bridges: bool,
}

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct QueryError {
    /// What cannot be honoured, in lower case.
    pub message: String,
    /// Where it stands in the expression, in bytes, where that is known.
    pub offset: Option<usize>,
}

/// A PromQL expression that can be honoured.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    text: Name,
    expr: Expr,
    selectors: Vec<Selector>,
    variables: Vec<String>,
}

/// What an expression says of the series of a case.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Outcome {
    /// One for each label set that has a value at some instant, sorted by labels.
    pub vectors: Vec<Output>,
    /// Whether every selector the answer depends on found a series with points. Without it an empty answer means
    /// "cannot be known", not "false".
    pub had_input: bool,
    /// Whether instants were left out because several series on one side of an operator matched, or because series became
    /// the same when they lost their names.
    pub ambiguous: bool,
    /// Whether it would have looked at too many values; then nothing was evaluated.
    pub costly: bool,
    /// How many values it may have looked at: series times instants.
    pub cost: u64,
    /// Variables that had no value, or no number where one is needed; then nothing was evaluated.
    pub unbound: Vec<String>,
}

/// The values of one label set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    /// The metric, where the values are still its own.
    pub metric: Option<Name>,
    /// Labels without the metric's name, sorted.
    pub labels: Vec<(Name, Name)>,
    /// Values in time order, milliseconds.
    pub points: Vec<(i64, f64)>,
    /// The input points behind the peak: at most [`MOST_CITED`], the largest contributors first.
    pub cited: Vec<Quote>,
    /// The first instant with a value.
    pub first: i64,
    /// The value farthest in the direction the comparison asks for: the smallest under `<`, else the largest.
    pub peak: (i64, f64),
}

/// How many points an output quotes.
pub(crate) const MOST_CITED: usize = 4;

impl Query {
    /// Reads an expression. `$name` stands for a number (`0.85 * $max`), or within quotes for a part of a label's value
    /// (`pod="$who"`).
    pub(crate) fn parse(text: &str) -> Result<Query, QueryError> {
        syntax::parse(text, true)
    }

    /// Reads an expression that knows no variables.
    pub(crate) fn plain(text: &str) -> Result<Query, QueryError> {
        syntax::parse(text, false)
    }

    /// As it was written: what two queries say alike they answer alike.
    pub(crate) fn text(&self) -> &Name {
        &self.text
    }

    /// The variables it needs, each once, in order of appearance.
    pub(crate) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The metric names it selects, sorted.
    pub(crate) fn metrics(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.selectors.iter().filter_map(Selector::metric).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The labels its values may have; none where only the series tell.
    pub(crate) fn labels(&self) -> Option<Vec<String>> {
        self.expr.labels()
    }

    /// What it asks of its value, `> 50`, where that is a number.
    pub(crate) fn asks(&self) -> Option<String> {
        self.expr.asks()
    }

    /// Whether it asks for facts alone.
    pub(crate) fn is_state(&self) -> bool {
        !self.selectors.is_empty() && self.selectors.iter().all(|it| it.metric().is_some_and(state::is_state))
    }

    /// Evaluates at every instant at which an involved series has a point.
    pub(crate) fn evaluate(
        &self,
        store: &Store<'_>,
        node: Option<&Name>,
        variables: &dyn Fn(&str) -> Option<Value>,
    ) -> Outcome {
        self.answer(Question { store, node, variables, dialect: Dialect::default(), times: None })
    }

    /// The same without its outermost comparison, so that a false clause can say how far from true it was.
    pub(crate) fn unfiltered(
        &self,
        store: &Store<'_>,
        node: Option<&Name>,
        variables: &dyn Fn(&str) -> Option<Value>,
    ) -> Vec<Output> {
        let question = Question { store, node, variables, dialect: Dialect::default(), times: None };
        let Ok(run) = Run::new(self, question) else { return Vec::new() };
        let (least, bare) = undressed(run.expr());
        run.outputs(bare, least)
    }

    /// Where everything it compares was measured: the same without any of its filters. Where that has a value, an answer
    /// that is empty means that the values were others.
    pub(crate) fn measured(
        &self,
        store: &Store<'_>,
        node: Option<&Name>,
        variables: &dyn Fn(&str) -> Option<Value>,
    ) -> Vec<Output> {
        let question = Question { store, node, variables, dialect: Dialect::default(), times: None };
        let Ok(run) = Run::new(self, question) else { return Vec::new() };
        run.outputs(&without_filters(run.expr()), false)
    }

    /// Evaluates at the instants given.
    pub(crate) fn evaluate_at(&self, store: &Store<'_>, times: Vec<i64>, dialect: Dialect) -> Outcome {
        self.answer(Question { store, node: None, variables: &|_| None, dialect, times: Some(times) })
    }

    /// The instants at which an involved series has a point.
    pub(crate) fn instants(&self, store: &Store<'_>) -> Vec<i64> {
        let variables = |_: &str| None;
        let question = Question { store, node: None, variables: &variables, dialect: Dialect::default(), times: None };
        Run::new(self, question).map(|it| it.times().to_vec()).unwrap_or_default()
    }

    fn answer(&self, question: Question<'_>) -> Outcome {
        let run = match Run::new(self, question) {
            Ok(run) => run,
            Err(unbound) => return Outcome { unbound, ..Outcome::default() },
        };
        let vectors = run.outputs(run.expr(), undressed(run.expr()).0);
        let had_input = run.has_input(run.expr()) == Some(true);
        let (ambiguous, costly) = (run.ambiguous.get(), run.costly.get());
        Outcome { vectors, had_input, ambiguous, costly, cost: run.cost(), unbound: vec![] }
    }
}

/// The expression without its outermost filter, and whether small values are what that filter asks for.
fn undressed(expr: &Expr) -> (bool, &Expr) {
    match expr {
        Expr::Binary { op: Op::And | Op::Unless, left, .. } => undressed(left),
        Expr::Binary { op, left, right, bool: false, .. } if op.compares() => {
            // `5 < x` filters x, and the values of a filter of two vectors are those of its left side
            let flipped = left.is_scalar();
            let below = matches!(op, Op::Less | Op::LessEqual);
            let above = matches!(op, Op::Greater | Op::GreaterEqual);
            if flipped { (above, right) } else { (below, left) }
        }
        _ => (false, expr),
    }
}

/// The expression with a value wherever its parts have one; sides of an `or` stay, because one that is not there is no matter.
fn without_filters(expr: &Expr) -> Expr {
    let inner = |it: &Expr| Box::new(without_filters(it));
    match expr {
        Expr::Binary { op: Op::Unless, left, .. } => without_filters(left),
        Expr::Binary { op, left, right, on, many, bool: false } if op.compares() || *op == Op::And => {
            match (left.is_scalar(), right.is_scalar()) {
                (true, true) => expr.clone(),
                (true, false) => without_filters(right),
                (false, true) => without_filters(left),
                (false, false) => Expr::Binary {
                    op: Op::And,
                    left: inner(left),
                    right: inner(right),
                    on: on.clone(),
                    many: if *op == Op::And { many.clone() } else { Many::Neither },
                    bool: false,
                },
            }
        }
        Expr::Aggregate { how, keep, of, param, label } => {
            Expr::Aggregate { how: *how, keep: keep.clone(), of: inner(of), param: param.clone(), label: label.clone() }
        }
        Expr::Map(map, of, numbers) => Expr::Map(*map, inner(of), numbers.clone()),
        Expr::Negate(of) => Expr::Negate(inner(of)),
        Expr::Relabel(how, of) => Expr::Relabel(how.clone(), inner(of)),
        Expr::HistogramQuantile(number, of) => Expr::HistogramQuantile(number.clone(), inner(of)),
        _ => expr.clone(),
    }
}

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod state_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
