//! One clause against the rows of a case.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};
use timeline::{Interval, Name, Time, Truth, Value};

use super::coverage::Coverage;
use super::{Binding, Bound, Case, Found, Judged, Row, is_state};
use crate::language::condition::Condition;
use crate::language::expression::Scope;
use crate::language::{Clause, ClauseKind, When};
use crate::promql::{Output, Query};

/// Rows that agree in the variables a clause binds.
pub(super) struct Group {
    pub(super) binds: BTreeMap<String, Value>,
    pub(super) found: Found,
}

/// What a clause found among the rows it looks at.
#[derive(Default)]
pub(super) struct Rows {
    /// The rows that pass, grouped by the variables they would bind.
    pub(super) groups: Vec<Group>,
    /// A row that was picked but judged otherwise.
    near_miss: Option<Found>,
    /// A column that had to be judged and is empty in a row that was picked: neither true nor false.
    silent: Option<String>,
}

/// Judges a clause and binds what it found.
pub(crate) fn judge(case: &Case<'_>, clause: &Clause, binding: &mut Binding) {
    let judged = answer(case, clause, binding);
    binding.answers.insert(clause.name.clone(), judged);
}

fn answer(case: &Case<'_>, clause: &Clause, binding: &mut Binding) -> Judged {
    let node = asked_node(clause, binding);
    let unbound = clause.conditions.iter().flat_map(|(_, it)| it.needs()).find(|it| binding.variable(it).is_none());
    let unbound = unbound.or_else(|| match &clause.kind {
        ClauseKind::Metric(query) => {
            query.variables().iter().map(String::as_str).find(|it| binding.variable(it).is_none())
        }
        _ => None,
    });
    if let Some(name) = unbound {
        let (reason, collect) = (format!("${name} is not known"), String::new());
        return Judged { truth: Truth::Unknown, found: None, reason, collect, node };
    }
    let Rows { mut groups, near_miss, silent } = groups(case, clause, binding);
    if let (true, Some(column)) = (groups.is_empty(), silent) {
        let reason = format!("the source does not say {column}");
        return Judged { truth: Truth::Unknown, found: near_miss, reason, collect: String::new(), node };
    }
    if groups.is_empty() {
        let coverage = match (&clause.kind, &near_miss) {
            // a row was there and said otherwise
            (_, Some(_)) => Coverage::Covered,
            _ => case.coverage(clause, node.as_ref(), window(clause, binding)),
        };
        let not_found = || "looked for and not found".to_owned();
        let (truth, reason, collect) = match coverage {
            Coverage::Covered if clause.absent => (Truth::True, not_found(), String::new()),
            Coverage::Covered => (Truth::False, not_found(), String::new()),
            Coverage::Open { reason, collect } => (Truth::Unknown, reason, collect),
        };
        return Judged { truth, found: near_miss, reason, collect, node };
    }
    let group = groups.swap_remove(pick(clause, &groups));
    if clause.absent {
        let (reason, collect) = ("it is there".to_owned(), String::new());
        return Judged { truth: Truth::False, found: Some(group.found), reason, collect, node };
    }
    bind(clause, &group, binding);
    Judged { truth: Truth::True, found: Some(group.found), reason: String::new(), collect: String::new(), node }
}

pub(super) fn bind(clause: &Clause, group: &Group, binding: &mut Binding) {
    for (name, value) in &group.binds {
        binding.variables.entry(name.clone()).or_insert_with(|| Bound::Value(value.clone()));
    }
    if let Some(name) = &clause.at {
        binding.variables.entry(name.clone()).or_insert(Bound::Time(group.found.at));
    }
}

/// The node a clause asks about, where it is settled.
pub(super) fn asked_node(clause: &Clause, binding: &Binding) -> Option<Name> {
    clause.conditions.iter().find(|(column, _)| column == "node").and_then(|(_, condition)| match condition {
        Condition::Variable(name) => match binding.variable(name)? {
            Value::Text(it) => Some(it),
            other => Some(other.to_string().into()),
        },
        Condition::OneOf(values) => match &values[..] {
            [Value::Text(it)] => Some(it.clone()),
            _ => None,
        },
        _ => None,
    })
}

/// The time a clause asks about: its own window, or the moment of what is known already.
fn window(clause: &Clause, binding: &Binding) -> Option<Time> {
    if let Some(within) = &clause.within {
        let at = binding.time(&within.variable)?;
        let (before, after) = (TimeDelta::seconds(within.before_secs), TimeDelta::seconds(within.after_secs));
        return Some(Time {
            nominal: at.nominal.widened(before, after),
            full: at.full.widened(before, after),
            clock: at.clock,
        });
    }
    let found = binding.answers.values().filter(|it| it.truth == Truth::True).filter_map(|it| it.found.as_ref());
    found.filter(|it| !it.state).map(|it| it.at).find(Time::is_known)
}

/// Of several groups the one to show: most in the column named by `best`, else the earliest; ties by what they bind.
fn pick(clause: &Clause, groups: &[Group]) -> usize {
    let number = |it: &Group| {
        let column = clause.best.as_ref()?;
        it.found.cells.get(column).and_then(Value::as_number)
    };
    let key = |it: &Group| (!it.found.at.is_known(), it.found.at.nominal.lo);
    let better = |a: &Group, b: &Group| match (number(a), number(b)) {
        (Some(a), Some(b)) if a != b => a > b,
        _ => key(a) < key(b),
    };
    let mut best = 0;
    for at in 1..groups.len() {
        if better(&groups[at], &groups[best]) {
            best = at;
        }
    }
    best
}

/// Looks at the rows of a clause.
pub(super) fn groups(case: &Case<'_>, clause: &Clause, binding: &Binding) -> Rows {
    if let ClauseKind::Metric(query) = &clause.kind {
        return metric_groups(case, clause, query, binding);
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut at_key: BTreeMap<String, usize> = BTreeMap::new();
    let (mut near_miss, mut silent) = (None, None);
    let window = clause.within.as_ref().and_then(|it| Some((binding.time(&it.variable)?, it)));
    let identified = is_identified(clause, binding);
    'rows: for row in case.rows(clause) {
        let (mut judged_false, mut empty) = (false, None);
        for (column, condition) in &clause.conditions {
            let value = row.get(column);
            if !condition.passes(&value, binding) {
                if condition.picks() && !(identified && is_verdict(column, condition)) {
                    continue 'rows;
                }
                if value.is_some() {
                    judged_false = true;
                } else {
                    empty = Some(column);
                }
            }
        }
        if let Some((at, within)) = &window
            && row.at().near(at, within.before_secs, within.after_secs) == Truth::False
        {
            continue;
        }
        if judged_false {
            near_miss.get_or_insert_with(|| found(&row, clause));
            continue;
        }
        if let Some(column) = empty {
            silent.get_or_insert_with(|| column.clone());
            continue;
        }
        let binds: BTreeMap<String, Value> = clause
            .conditions
            .iter()
            .filter_map(|(column, condition)| match condition {
                Condition::Variable(name) => Some((name.to_string(), row.get(column))),
                _ => None,
            })
            .collect();
        let key: String = binds.values().map(|it| format!("{it}\u{0}")).collect();
        match at_key.get(&key) {
            Some(&at) => merge(&mut groups[at].found, &row, clause),
            None => {
                at_key.insert(key, groups.len());
                groups.push(Group { binds, found: found(&row, clause) });
            }
        }
    }
    Rows { groups, near_miss, silent }
}

/// Whether the rows of a detector are picked by something settled besides the node, an address say: then a word in
/// another column is the detector's verdict on it, and a different verdict is an answer.
fn is_identified(clause: &Clause, binding: &Binding) -> bool {
    let settled = |(column, condition): &(String, Condition)| {
        column != "node" && matches!(condition, Condition::Variable(name) if binding.variable(name).is_some())
    };
    matches!(clause.kind, ClauseKind::Derived(_)) && clause.conditions.iter().any(settled)
}

fn is_verdict(column: &str, condition: &Condition) -> bool {
    column != "metric" && column != "node" && matches!(condition, Condition::OneOf(_))
}

fn found(row: &Row<'_>, clause: &Clause) -> Found {
    let mut cells = BTreeMap::new();
    match row {
        Row::Fact(fact) => {
            for column in fact.row.relation.columns {
                cells.insert((*column).to_owned(), fact.get(column));
            }
        }
        Row::Line(_, of) => cells.extend(of.captures.iter().map(|(name, value)| (name.to_string(), value.clone()))),
    }
    cells.insert("node".to_owned(), row.get("node"));
    let (quotes, state) = (row.quotes().to_vec(), is_state(clause));
    Found { at: row.at(), last: row.at(), quotes, count: row.count(), cells, state }
}

/// Adds a row to its group; the earlier one is shown, or the one with more in the `best` column.
fn merge(group: &mut Found, row: &Row<'_>, clause: &Clause) {
    let at = row.at();
    let count = group.count + row.count();
    let last =
        if at.is_known() && (!group.last.is_known() || at.nominal > group.last.nominal) { at } else { group.last };
    let better = match &clause.best {
        Some(column) => match (row.get(column).as_number(), group.cells.get(column).and_then(Value::as_number)) {
            (Some(new), Some(old)) => new > old,
            (Some(_), None) => true,
            _ => false,
        },
        None => at.is_known() && (!group.at.is_known() || at.nominal.lo < group.at.nominal.lo),
    };
    if better {
        let first = if group.at.is_known() && group.at.nominal.lo < at.nominal.lo && clause.best.is_none() {
            group.at
        } else {
            at
        };
        *group = Found { at: first, ..found(row, clause) };
    }
    group.count = count;
    group.last = last;
}

/// A metric clause, asked once for its node or once for each node there is.
fn metric_groups(case: &Case<'_>, clause: &Clause, query: &Query, binding: &Binding) -> Rows {
    let timeline = case.timeline;
    let node_condition = clause.conditions.iter().find(|(column, _)| column == "node");
    let nodes: Vec<Option<Name>> = match (node_condition, asked_node(clause, binding)) {
        (_, Some(node)) => vec![Some(node)],
        (Some(_), None) => timeline.nodes.all().into_iter().map(Some).collect(),
        (None, None) => vec![None],
    };
    let window = clause.within.as_ref().and_then(|it| {
        let at = binding.time(&it.variable).filter(Time::is_known)?;
        Some(at.full.widened(TimeDelta::seconds(it.before_secs), TimeDelta::seconds(it.after_secs)))
    });
    let (mut groups, mut near_miss) = (Vec::new(), None);
    for node in nodes {
        let series: Vec<_> = timeline.series.iter().filter(|it| node.is_none() || it.node == node).collect();
        let outcome = query.evaluate(&series, &|name| binding.variable(name));
        let to_found = |output: &Output| -> Option<Found> {
            let inside = |millis: i64| {
                let at = DateTime::from_timestamp_millis(millis);
                window.is_none_or(|it| at.is_some_and(|at| it.lo <= at && at <= it.hi))
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
            if clause.conditions.iter().all(|(column, it)| it.passes(&cell(column), binding)) {
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
    Rows { groups, near_miss, silent: None }
}

/// Whether a condition holds, given the answers.
pub(crate) fn holds(when: &When, binding: &Binding) -> Truth {
    match when {
        When::Clause(name) => binding.answers.get(name).map_or(Truth::Unknown, |it| it.truth),
        When::Not(inner) => match holds(inner, binding) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        },
        When::All(parts) => parts.iter().map(|it| holds(it, binding)).fold(Truth::True, |all, it| match (all, it) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            _ => Truth::True,
        }),
        When::Any(parts) => parts.iter().map(|it| holds(it, binding)).fold(Truth::False, |any, it| match (any, it) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            _ => Truth::False,
        }),
        When::Compare(expression) => expression.judge(binding),
    }
}
