//! Metric clauses.

use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::DateTime;
use timeline::{Interval, Name, Time, Value};

use super::judge::asked_node;
use super::rows::{Group, OnRow, Rows};
use super::window::Window;
use super::{Binding, Case, Found};
use crate::language::Clause;
use crate::language::condition::Condition;
use crate::language::expression::Scope;
use crate::promql::{Outcome, Output, Query};

/// Answers of more points than this are worked out anew each time.
const MOST_REMEMBERED: usize = 100_000;

impl Case<'_> {
    /// What a query says of a node, worked out once for the values of its variables.
    fn asked(&self, query: &Query, node: Option<&Name>, binding: &Binding) -> Rc<Outcome> {
        let values = query.variables().iter().map(|it| binding.variable(it).unwrap_or_default().to_string());
        let key = (query.text().clone(), node.cloned(), values.collect::<Vec<_>>());
        if self.steps.get() == 0 {
            return Rc::new(Outcome { costly: true, ..Outcome::default() });
        }
        let known = self.answers.borrow().get(&key).cloned();
        let is_new = known.is_none();
        let work_out = || Rc::new(query.evaluate(&self.metrics, node, &|name| binding.variable(name)));
        let outcome = known.unwrap_or_else(work_out);
        // what was worked out for one rule is there for the others, and each of them pays, whoever was the first
        let left = if outcome.costly { 0 } else { self.steps.get().saturating_sub(outcome.cost + 1) };
        self.steps.set(left);
        if is_new && outcome.vectors.iter().map(|it| it.points.len()).sum::<usize>() <= MOST_REMEMBERED {
            self.answers.borrow_mut().insert(key, outcome.clone());
        }
        outcome
    }
}

/// A metric clause, asked once for its node or once for each node there is.
pub(super) fn metric_groups(case: &Case<'_>, clause: &Clause, query: &Query, binding: &Binding) -> Rows {
    let timeline = case.timeline;
    let node_condition = clause.conditions.iter().find(|(column, _)| column == "node");
    let nodes: Vec<Option<Name>> = match (node_condition, asked_node(clause, binding)) {
        (_, Some(node)) => vec![Some(node)],
        (Some(_), None) => timeline.nodes.all().into_iter().map(Some).collect(),
        (None, None) => vec![None],
    };
    let window = Window::of(case, clause, binding);
    let (mut groups, mut near_miss, mut measured) = (Vec::new(), None, false);
    let state = query.is_state();
    for node in nodes {
        let outcome = case.asked(query, node.as_ref(), binding);
        if outcome.costly {
            return Rows { over_budget: true, ..Rows::default() };
        }
        let to_found = |output: &Output| -> Option<Found> {
            let inside = |millis: i64| {
                let at = DateTime::from_timestamp_millis(millis);
                let within = |it: &Window| at.is_some_and(|at| it.may_hold_instant(case, node.as_ref(), at));
                // state held when it was collected, and nobody knows since when
                state || window.as_ref().is_none_or(within)
            };
            let points: Vec<(i64, f64)> = output.points.iter().copied().filter(|it| inside(it.0)).collect();
            let first = points.first()?;
            let peak = points.iter().fold(*first, |best, it| if it.1 > best.1 { *it } else { best });
            let before = output.points.iter().map(|it| it.0).rfind(|it| *it < first.0);
            let step = output.points.windows(2).map(|it| it[1].0 - it[0].0).min().unwrap_or(0);
            let instant =
                |lo: i64, hi: i64| match (DateTime::from_timestamp_millis(lo), DateTime::from_timestamp_millis(hi)) {
                    (Some(lo), Some(hi)) => Time::utc(Interval { lo, hi }),
                    _ => Time::UNKNOWN,
                };
            let mut cells: BTreeMap<String, Value> =
                output.labels.iter().map(|(name, value)| (name.to_string(), Value::Text(value.clone()))).collect();
            cells.insert("value".to_owned(), Value::Number(peak.1));
            cells.insert("first".to_owned(), Value::Number(first.1));
            cells.insert("node".to_owned(), node.clone().into());
            Some(Found {
                at: instant(before.unwrap_or(first.0.saturating_sub(step)), first.0),
                last: instant(points[points.len() - 1].0, points[points.len() - 1].0),
                quotes: output.cited.clone(),
                count: points.len() as u64,
                cells,
                state,
            })
        };
        for output in &outcome.vectors {
            let Some(found) = to_found(output) else { continue };
            let cell = |column: &str| found.cells.get(column).cloned().unwrap_or_default();
            let scope = OnRow { cell, binding };
            if clause.conditions.iter().all(|(column, it)| it.passes(&cell(column), &scope)) {
                let binds = clause.conditions.iter().filter_map(|(column, it)| match it {
                    Condition::Variable(name) => Some((name.to_string(), cell(column))),
                    _ => None,
                });
                groups.push(Group { binds: binds.collect(), found });
            }
        }
        if groups.is_empty() && near_miss.is_none() && outcome.had_input {
            let unfiltered = query.unfiltered(&case.metrics, node.as_ref(), &|name| binding.variable(name));
            near_miss = unfiltered.iter().find_map(to_found);
            // a filter within, such as one side of `and` or what is summed up, leaves nothing to show
            measured |= near_miss.is_none()
                && query
                    .measured(&case.metrics, node.as_ref(), &|name| binding.variable(name))
                    .iter()
                    .any(|it| to_found(it).is_some());
        }
    }
    Rows { groups, near_miss, measured, ..Rows::default() }
}
