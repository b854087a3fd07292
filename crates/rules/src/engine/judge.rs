//! One clause against the rows of a case.

use chrono::TimeDelta;
use timeline::{Interval, Name, Time, Truth, Value};

use super::coverage::Coverage;
use super::rows::{Group, Rows, groups};
use super::window::asked;
use super::{Binding, Bound, Case, Judged, is_log};
use crate::language::condition::Condition;
use crate::language::expression::Scope;
use crate::language::window::Counted;
use crate::language::{Clause, ClauseKind};

/// Judges a clause and binds what it found.
pub(crate) fn judge(case: &Case<'_>, clause: &Clause, binding: &mut Binding) {
    let judged = answer(case, clause, binding);
    binding.answers.insert(clause.name.clone(), judged);
}

fn answer(case: &Case<'_>, clause: &Clause, binding: &mut Binding) -> Judged {
    if let Some(judged) = unbound(clause, binding) {
        return judged;
    }
    let Rows { mut groups, .. } = match groups(case, clause, binding) {
        rows if rows.groups.is_empty() => return nothing(case, clause, rows, binding),
        rows => rows,
    };
    let node = asked_node(clause, binding);
    let group = groups.swap_remove(pick(clause, &groups));
    if clause.absent {
        let (reason, collect) = ("it is there".to_owned(), String::new());
        return Judged { truth: Truth::False, found: Some(group.found), reason, collect, node };
    }
    bind(clause, &group, binding);
    Judged { truth: Truth::True, found: Some(group.found), reason: String::new(), collect: String::new(), node }
}

/// The answer to a clause that looked at its rows and found none that pass.
pub(super) fn denied(case: &Case<'_>, clause: &Clause, rows: Rows, binding: &Binding) -> Judged {
    unbound(clause, binding).unwrap_or_else(|| nothing(case, clause, rows, binding))
}

/// Nobody can tell where a clause needs a variable that nothing has filled in.
fn unbound(clause: &Clause, binding: &Binding) -> Option<Judged> {
    let unbound = clause.conditions.iter().flat_map(|(_, it)| it.needs()).find(|it| binding.variable(it).is_none());
    let unbound = unbound.or_else(|| match &clause.kind {
        ClauseKind::Metric(query) => {
            query.variables().iter().map(String::as_str).find(|it| binding.variable(it).is_none())
        }
        _ => None,
    });
    // a window around a time nobody knows is no window
    let unbound = unbound
        .or_else(|| clause.within.iter().flat_map(|it| it.variables()).find(|it| !binding.variables.contains_key(*it)));
    unbound.map(|name| Judged::unknown(format!("${name} is not known"), None, asked_node(clause, binding)))
}

/// The answer where no row passes: false where one would have been seen, unknown where not.
fn nothing(case: &Case<'_>, clause: &Clause, rows: Rows, binding: &Binding) -> Judged {
    let node = asked_node(clause, binding);
    let Rows { near_miss, measured, silent, few, over_budget, .. } = rows;
    if over_budget {
        let reason = "the rule reached its limit of rows or metric values to look at".to_owned();
        return Judged::unknown(reason, near_miss, node);
    }
    if let Some(column) = silent {
        return Judged::unknown(format!("the source does not say {column}"), near_miss, node);
    }
    if let Some(few) = few {
        // some were seen, not as many as asked for: whether there were more only a whole source can tell
        let window = match clause.within {
            None => needed(clause, few.0.at).or_else(|| asked(case, clause, binding)),
            Some(_) => asked(case, clause, binding),
        };
        let coverage = case.coverage(clause, node.as_ref(), window);
        let (truth, reason, collect) = match coverage {
            Coverage::Covered if clause.absent => (Truth::True, few.1, String::new()),
            Coverage::Covered => (Truth::False, few.1, String::new()),
            Coverage::Open { reason, collect } => (Truth::Unknown, format!("{}, and {reason}", few.1), collect),
        };
        return Judged { truth, found: Some(few.0), reason, collect, node };
    }
    let coverage = match &near_miss {
        // a row was there and said otherwise; of a log there may be more, which matters to who says there is none
        Some(_) if !(clause.absent && is_log(clause)) => Coverage::Covered,
        None if measured => Coverage::Covered,
        _ => case.coverage(clause, node.as_ref(), asked(case, clause, binding)),
    };
    let not_found = || "looked for and not found".to_owned();
    let (truth, reason, collect) = match coverage {
        Coverage::Covered if clause.absent => (Truth::True, not_found(), String::new()),
        Coverage::Covered => (Truth::False, not_found(), String::new()),
        Coverage::Open { reason, collect } => (Truth::Unknown, reason, collect),
    };
    Judged { truth, found: near_miss, reason, collect, node }
}

/// How far a log has to go on from the first of something to tell that it neither lasts nor comes often enough.
fn needed(clause: &Clause, from: Time) -> Option<Time> {
    let secs = clause.tallies.iter().filter_map(|it| match it.what {
        Counted::Seconds => Some(it.limit as i64),
        _ => it.span_secs,
    });
    let late = TimeDelta::try_seconds(secs.max()?).filter(|_| from.is_known())?;
    let on = |it: Interval| it.widened(TimeDelta::zero(), late);
    Some(Time { nominal: on(from.nominal), full: on(from.full), ..from })
}

pub(super) fn bind(clause: &Clause, group: &Group, binding: &mut Binding) {
    for (name, value) in &group.binds {
        binding.variables.entry(name.clone()).or_insert_with(|| Bound::Value(value.clone()));
    }
    if let Some(name) = &clause.at {
        let at = if clause.latest { group.found.last } else { group.found.at };
        binding.variables.entry(name.clone()).or_insert(Bound::Time(at));
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

/// Of several groups the one to show: most in the column named by `best`, else the earliest; ties by what they bind.
fn pick(clause: &Clause, groups: &[Group]) -> usize {
    let number = |it: &Group| {
        let column = clause.best.as_ref()?;
        it.found.cells.get(column).and_then(Value::as_number)
    };
    let key = |it: &Group| (!it.found.at.is_known(), it.found.at.nominal.lo);
    let late = |it: &Group| (it.found.last.is_known(), it.found.last.nominal.hi);
    let better = |a: &Group, b: &Group| match (number(a), number(b)) {
        (Some(a), Some(b)) if a != b => a > b,
        _ if clause.latest => late(a) > late(b),
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
