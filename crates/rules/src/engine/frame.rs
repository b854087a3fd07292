//! The frame of a rule: every way to fill its variables so that what must be there is there.

use timeline::Truth;

use super::judge::{asked_node, bind, denied};
use super::rows::{Group, groups};
use super::{Binding, Case, Judged, holds, judge, mentioned};
use crate::language::{Clause, Rule, When};

/// More ways than this to fill a frame say nothing; the rest is left out, earliest kept.
pub(crate) const MOST_FRAMES: usize = 500;

/// What came of a frame.
pub(crate) struct Framed {
    /// One for each way to fill it.
    pub(crate) bindings: Vec<Binding>,
    /// Where there is none: whether it is known that there is none, and why not otherwise.
    pub(crate) empty: Option<Judged>,
    /// Whether there were more ways than are looked at.
    pub(crate) cut: bool,
}

/// Fills the frame of a rule in every way the case allows.
pub(crate) fn frames(case: &Case<'_>, rule: &Rule) -> Framed {
    let mut bindings = vec![Binding::default()];
    let (mut empty, mut cut) = (None, false);
    for when in &rule.frame {
        let mut next = Vec::new();
        for binding in &bindings {
            fill(case, rule, when, binding, &mut next, &mut empty);
        }
        cut |= next.len() > MOST_FRAMES;
        next.truncate(MOST_FRAMES);
        bindings = next;
        if bindings.is_empty() {
            break;
        }
    }
    let empty = if bindings.is_empty() { empty } else { None };
    Framed { bindings, empty, cut }
}

/// Adds every way in which a binding can be filled in so that a condition holds.
fn fill(
    case: &Case<'_>,
    rule: &Rule,
    when: &When,
    binding: &Binding,
    next: &mut Vec<Binding>,
    empty: &mut Option<Judged>,
) {
    match when {
        When::Clause(name) => {
            if let Some(clause) = rule.clauses.iter().find(|it| it.name == *name) {
                extend(case, clause, binding, next, empty);
            }
        }
        // either will do; two that fill in the same values are one
        When::Any(parts) => {
            let mut found: Vec<Binding> = Vec::new();
            for part in parts {
                fill(case, rule, part, binding, &mut found, empty);
            }
            for it in found {
                let known = |other: &Binding| {
                    let (a, b) = (it.values(), other.values());
                    a.iter().all(|(name, value)| b.get(name).is_none_or(|other| other == value))
                };
                if !next.iter().any(known) {
                    next.push(it);
                }
            }
        }
        other => {
            let mut binding = binding.clone();
            for name in mentioned(other) {
                if !binding.answers.contains_key(name)
                    && let Some(clause) = rule.clauses.iter().find(|it| it.name == name)
                {
                    judge(case, clause, &mut binding);
                }
            }
            if holds(other, &binding) == Truth::True {
                next.push(binding);
            }
        }
    }
}

fn extend(case: &Case<'_>, clause: &Clause, binding: &Binding, next: &mut Vec<Binding>, empty: &mut Option<Judged>) {
    if clause.absent {
        let mut binding = binding.clone();
        judge(case, clause, &mut binding);
        match binding.answers.get(&clause.name) {
            Some(judged) if judged.truth == Truth::True => next.push(binding),
            judged => *empty = judged.cloned(),
        }
        return;
    }
    let rows = groups(case, clause, binding);
    if rows.groups.is_empty() {
        // a witness is not asked what else there may have been
        if case.whole {
            *empty = Some(denied(case, clause, rows, binding));
        }
        return;
    }
    let mut found = rows.groups;
    found.sort_by_key(order);
    for group in found {
        let mut binding = binding.clone();
        bind(clause, &group, &mut binding);
        let node = asked_node(clause, &binding);
        let (found, reason, collect) = (Some(group.found), String::new(), String::new());
        let judged = Judged { truth: Truth::True, found, reason, collect, node };
        binding.answers.insert(clause.name.clone(), judged);
        next.push(binding);
    }
}

fn order(group: &Group) -> (bool, timeline::Interval, Vec<String>) {
    let at = group.found.at;
    (!at.is_known(), at.nominal, group.binds.values().map(ToString::to_string).collect())
}
