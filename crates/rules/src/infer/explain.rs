//! Symptoms, and which hypothesis explains them.

use chrono::TimeDelta;
use timeline::{Quote, Time, Truth};

use super::outcome::{Hypothesis, Symptom};
use super::score::{nodes, values};
use crate::engine::{Binding, Found, mentioned};
use crate::language::{Explains, Rule};

/// A symptom rule that fits.
pub(super) fn symptom(rule: &Rule, binding: &Binding) -> Symptom {
    let framed: Vec<&str> = rule.frame.iter().flat_map(mentioned).collect();
    let found: Vec<&Found> =
        framed.iter().filter_map(|it| binding.answers.get(*it)).filter_map(|it| it.found.as_ref()).collect();
    let known = || found.iter().filter(|it| it.at.is_known());
    let quotes: Vec<Quote> = found.iter().flat_map(|it| it.quotes.iter().take(1).cloned()).collect();
    Symptom {
        rule: rule.name.clone(),
        title: rule.title.render(binding),
        nodes: nodes(rule, binding),
        bindings: values(binding),
        at: known().map(|it| it.at).min_by_key(|it| it.nominal.lo).unwrap_or(Time::UNKNOWN),
        last: known().map(|it| it.last).max_by_key(|it| it.nominal.hi).unwrap_or(Time::UNKNOWN),
        count: found.iter().map(|it| it.count).max().unwrap_or(1),
        quotes,
        explained_by: None,
    }
}

/// Puts symptoms in time order and merges those that read the same.
pub(super) fn tidy(symptoms: &mut Vec<Symptom>) {
    symptoms.sort_by(|a, b| {
        let key = |it: &Symptom| (!it.at.is_known(), it.at.nominal.lo, it.rule.clone(), it.title.clone());
        key(a).cmp(&key(b))
    });
    let mut kept: Vec<Symptom> = Vec::new();
    for symptom in symptoms.drain(..) {
        match kept
            .iter_mut()
            .find(|it| it.rule == symptom.rule && it.title == symptom.title && it.nodes == symptom.nodes)
        {
            Some(same) => {
                same.count += symptom.count;
                if symptom.last.is_known() && symptom.last.nominal.hi > same.last.nominal.hi {
                    same.last = symptom.last;
                }
            }
            None => kept.push(symptom),
        }
    }
    *symptoms = kept;
}

/// Whether a hypothesis accounts for a symptom: the right kind, the same subject, and not earlier than its cause.
pub(super) fn explains(hypothesis: &Hypothesis, symptom: &Symptom) -> bool {
    let Some(allowed) = hypothesis.may_explain.iter().find(|it| it.symptom == symptom.rule) else { return false };
    same_subject(hypothesis, symptom) && in_time(hypothesis, symptom, allowed)
}

fn same_subject(hypothesis: &Hypothesis, symptom: &Symptom) -> bool {
    let shared: Vec<bool> = symptom
        .bindings
        .iter()
        .filter(|(name, _)| *name != "node")
        .filter_map(|(name, value)| hypothesis.bindings.get(name).map(|it| it == value))
        .collect();
    if shared.contains(&false) {
        return false;
    }
    let nodes = symptom.nodes.iter().any(|it| hypothesis.nodes.contains(it));
    if symptom.nodes.is_empty() || hypothesis.nodes.is_empty() { !shared.is_empty() } else { nodes }
}

fn in_time(hypothesis: &Hypothesis, symptom: &Symptom, allowed: &Explains) -> bool {
    if !hypothesis.start.is_known() || !symptom.at.is_known() {
        return true;
    }
    // an effect that ended before its cause began is none
    if symptom.last.before(&hypothesis.start) == Truth::True {
        return false;
    }
    let begins_after = if hypothesis.end.clock == symptom.at.clock {
        symptom.at.nominal.lo - hypothesis.end.nominal.hi
    } else {
        symptom.at.full.lo - hypothesis.end.full.hi
    };
    begins_after <= TimeDelta::seconds(allowed.within_secs)
}
