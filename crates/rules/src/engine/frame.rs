//! The frame of a rule: every way to fill its variables so that what must be there is there.

use timeline::Truth;

use super::judge::{Group, asked_node, bind, groups};
use super::{Binding, Case, Judged, holds, judge, mentioned};
use crate::language::{Clause, Rule, When};

/// More ways than this to fill a frame say nothing; the rest is left out, earliest kept.
const MOST_FRAMES: usize = 500;

/// What came of a frame.
pub(crate) struct Framed {
    /// One for each way to fill it.
    pub(crate) bindings: Vec<Binding>,
    /// Where there is none: whether it is known that there is none, and why not otherwise.
    pub(crate) empty: Option<Judged>,
}

/// Fills the frame of a rule in every way the case allows.
pub(crate) fn frames(case: &Case<'_>, rule: &Rule) -> Framed {
    let mut bindings = vec![Binding::default()];
    let mut empty = None;
    for when in &rule.frame {
        let mut next = Vec::new();
        for binding in &bindings {
            match when {
                When::Clause(name) => {
                    let Some(clause) = rule.clauses.iter().find(|it| it.name == *name) else { continue };
                    extend(case, clause, binding, &mut next, &mut empty);
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
        next.truncate(MOST_FRAMES);
        bindings = next;
        if bindings.is_empty() {
            break;
        }
    }
    let empty = if bindings.is_empty() { empty } else { None };
    Framed { bindings, empty }
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
    let (mut found, _) = groups(case, clause, binding);
    if found.is_empty() {
        let mut asked = binding.clone();
        judge(case, clause, &mut asked);
        *empty = asked.answers.remove(&clause.name);
        return;
    }
    found.sort_by(|a, b| order(a).cmp(&order(b)));
    for group in found {
        let mut binding = binding.clone();
        bind(clause, &group, &mut binding);
        let node = asked_node(clause, &binding);
        let judged = Judged { truth: Truth::True, found: Some(group.found), reason: String::new(), node };
        binding.answers.insert(clause.name.clone(), judged);
        next.push(binding);
    }
}

fn order(group: &Group) -> (bool, timeline::Interval, Vec<String>) {
    let at = group.found.at;
    (!at.is_known(), at.nominal, group.binds.values().map(ToString::to_string).collect())
}
