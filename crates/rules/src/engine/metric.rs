//! Metric clauses.

use std::collections::BTreeMap;

use chrono::DateTime;
use timeline::{Interval, Name, Time, Value};

use super::judge::asked_node;
use super::rows::{Group, OnRow, Rows};
use super::window::Window;
use super::{Binding, Case, Found};
use crate::language::Clause;
use crate::language::condition::Condition;
use crate::language::expression::Scope;
use crate::promql::{Output, Query};

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
    let (mut groups, mut near_miss) = (Vec::new(), None);
    for node in nodes {
        let series: Vec<_> = timeline.series.iter().filter(|it| node.is_none() || it.node == node).collect();
        let outcome = query.evaluate(&series, &|name| binding.variable(name));
        let to_found = |output: &Output| -> Option<Found> {
            let inside = |millis: i64| {
                let at = DateTime::from_timestamp_millis(millis);
                let within = |it: &Window| at.is_some_and(|at| it.may_hold_instant(case, node.as_ref(), at));
                window.as_ref().is_none_or(within)
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
                at: instant(before.unwrap_or(first.0 - step), first.0),
                last: instant(points[points.len() - 1].0, points[points.len() - 1].0),
                quotes: output.cited.clone(),
                count: points.len() as u64,
                cells,
                state: false,
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
            near_miss = outcome.unfiltered.iter().find_map(to_found);
        }
    }
    Rows { groups, near_miss, ..Rows::default() }
}
