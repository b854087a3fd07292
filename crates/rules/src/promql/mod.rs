//! PromQL over the series of a case: the part of the language whose answer an offline bundle can support.
//!
//! ```text
//! sum by (node) (container_threads{container!="",container!="POD"}) >= 0.85 * $max
//! max_over_time(node_processes_threads[1h]) < 0.5 * $max
//! node_nf_conntrack_entries / on (node) node_nf_conntrack_entries_limit > 0.95
//! ```
//!
//! Honoured: selectors with every kind of matcher and `offset`; `sum avg min max count topk bottomk` with `by` and
//! `without`; arithmetic and comparison, also `bool`, `on`, `ignoring`, `group_left` and `group_right`; `and or unless`;
//! the functions that [`syntax`] lists. Everything else is refused when the rule is loaded, never ignored.
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
//! Ranges are open to the left, as in Prometheus 3. Units: milliseconds, and whatever the metric has.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/querying/basics/>; `promql/engine.go`, `promql/functions.go`.

mod aggregate;
mod binary;
mod cite;
mod evaluate;
mod expr;
mod select;
mod syntax;
mod window;

use timeline::{Name, Quote, Series, Value};

use evaluate::Run;
use expr::{Expr, Op, Selector};
pub(crate) use select::spacing;

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
    /// The same expression without its outermost comparison, so that a false clause can say how far it was.
    pub unfiltered: Vec<Output>,
    /// Whether instants were left out because several series on one side of an operator matched.
    pub ambiguous: bool,
    /// Variables that had no value, or no number where one is needed; then nothing was evaluated.
    pub unbound: Vec<String>,
}

/// The values of one label set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
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
        syntax::parse(text)
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

    /// Evaluates at every instant at which an involved series has a point.
    pub(crate) fn evaluate(&self, series: &[&Series], variables: &dyn Fn(&str) -> Option<Value>) -> Outcome {
        let run = match Run::new(self, series, variables) {
            Ok(run) => run,
            Err(unbound) => return Outcome { unbound, ..Outcome::default() },
        };
        let (least, bare) = undressed(&self.expr);
        let (vectors, ambiguous) = run.outputs(&self.expr, least);
        let unfiltered = if std::ptr::eq(bare, &self.expr) { vectors.clone() } else { run.outputs(bare, least).0 };
        Outcome { vectors, had_input: run.has_input(&self.expr) == Some(true), unfiltered, ambiguous, unbound: vec![] }
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

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
