//! Symptoms, and which hypothesis explains them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use timeline::{Interval, Name, Quote, Time, Truth};

use super::outcome::{Hypothesis, Symptom};
use super::score::{nodes, values};
use crate::engine::{Binding, Case, Found, mentioned, sightings};
use crate::language::{Explains, Rule};

/// A symptom rule that fits.
pub(super) fn symptom(case: &Case<'_>, rule: &Rule, binding: &Binding) -> Symptom {
    let framed: Vec<&str> = rule.frame.iter().flat_map(mentioned).collect();
    let found: Vec<&Found> =
        framed.iter().filter_map(|it| binding.answers.get(*it)).filter_map(|it| it.found.as_ref()).collect();
    let known = || found.iter().filter(|it| it.at.is_known());
    let holding = framed.iter().filter(|it| binding.answers.get(**it).is_some_and(|it| it.found.is_some()));
    let sightings = match holding.collect::<Vec<_>>()[..] {
        [one] => {
            let clause = rule.clauses.iter().find(|it| it.name == **one);
            clause.map(|it| sightings(case, it, binding)).unwrap_or_default()
        }
        _ => Vec::new(),
    };
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
        follows: None,
        sightings,
        may_explain: rule.explains.clone(),
    }
}

/// Puts symptoms in time order.
pub(super) fn in_order(symptoms: &mut [Symptom]) {
    symptoms.sort_by(|a, b| {
        let key = |it: &Symptom| (!it.at.is_known(), it.at.nominal.lo, it.rule.clone(), it.title.clone());
        key(a).cmp(&key(b))
    });
}

/// Puts symptoms in time order and merges those that read the same.
pub(super) fn tidy(symptoms: &mut Vec<Symptom>) {
    in_order(symptoms);
    let mut kept: Vec<Symptom> = Vec::new();
    for symptom in symptoms.drain(..) {
        match kept
            .iter_mut()
            .find(|it| it.rule == symptom.rule && it.title == symptom.title && it.nodes == symptom.nodes)
        {
            Some(same) => {
                same.count += symptom.count;
                // what one of them does not tell line by line cannot be parted
                if same.sightings.is_empty() || symptom.sightings.is_empty() {
                    same.sightings.clear();
                } else {
                    same.sightings.extend(symptom.sightings);
                }
                if symptom.last.is_known() && symptom.last.nominal.hi > same.last.nominal.hi {
                    same.last = symptom.last;
                }
            }
            None => kept.push(symptom),
        }
    }
    *symptoms = kept;
}

/// Follows effects of effects among what was seen: a symptom that another one leads to is its shadow.
pub(super) fn fold(symptoms: &mut [Symptom]) {
    for at in 0..symptoms.len() {
        let leads = |from: usize| from != at && follows(&symptoms[from], &symptoms[at]);
        // the earliest; nothing follows from what follows from it
        let from = (0..symptoms.len()).find(|from| leads(*from) && !reaches(symptoms, *from, at));
        symptoms[at].follows = from;
    }
}

/// Whether the way back from one symptom leads over another.
fn reaches(symptoms: &[Symptom], mut from: usize, to: usize) -> bool {
    for _ in 0..symptoms.len() {
        match symptoms[from].follows {
            Some(next) if next == to => return true,
            Some(next) => from = next,
            None => return false,
        }
    }
    true
}

/// Whether one symptom leads to another.
fn follows(from: &Symptom, to: &Symptom) -> bool {
    let subject = Subject { nodes: &from.nodes, bindings: &from.bindings, start: from.at, end: from.last };
    from.may_explain.iter().any(|it| it.symptom == to.rule && subject.leads(it, to))
}

/// The symptoms a hypothesis accounts for: those it names, and what follows from them.
pub(super) fn explained(hypothesis: &Hypothesis, symptoms: &[Symptom]) -> Vec<usize> {
    let subject = Subject::of(hypothesis);
    let named = |it: &Symptom| hypothesis.may_explain.iter().any(|of| of.symptom == it.rule && subject.leads(of, it));
    let mut known: Vec<bool> = symptoms.iter().map(named).collect();
    let mut queue: Vec<usize> = (0..symptoms.len()).filter(|it| known[*it]).collect();
    while let Some(from) = queue.pop() {
        for to in 0..symptoms.len() {
            if !known[to] && follows(&symptoms[from], &symptoms[to]) {
                known[to] = true;
                queue.push(to);
            }
        }
    }
    (0..symptoms.len()).filter(|it| known[*it]).collect()
}

/// Whether one hypothesis is the cause of another: its rule says so, of the same subject, and the time fits.
pub(super) fn causes(cause: &Hypothesis, effect: &Hypothesis) -> bool {
    let Some(allowed) = cause.may_explain.iter().find(|it| it.symptom == effect.rule) else { return false };
    let nodes =
        cause.nodes.is_empty() || effect.nodes.is_empty() || cause.nodes.iter().any(|it| effect.nodes.contains(it));
    nodes && Subject::of(cause).in_time(allowed, &effect.start, &effect.end)
}

/// Who something is said of, and when.
struct Subject<'s> {
    nodes: &'s [Name],
    bindings: &'s BTreeMap<String, String>,
    start: Time,
    end: Time,
}

impl Subject<'_> {
    fn of(hypothesis: &Hypothesis) -> Subject<'_> {
        Subject {
            nodes: &hypothesis.nodes,
            bindings: &hypothesis.bindings,
            start: hypothesis.start,
            end: hypothesis.end,
        }
    }

    /// Whether it accounts for a symptom: the same subject, and not earlier than its cause.
    fn leads(&self, allowed: &Explains, symptom: &Symptom) -> bool {
        self.same(symptom) && self.in_time(allowed, &symptom.at, &symptom.last)
    }

    fn same(&self, symptom: &Symptom) -> bool {
        let shared: Vec<bool> = symptom
            .bindings
            .iter()
            .filter(|(name, _)| *name != "node")
            .filter_map(|(name, value)| self.bindings.get(name).map(|it| it == value))
            .collect();
        if shared.contains(&false) {
            return false;
        }
        let nodes = symptom.nodes.iter().any(|it| self.nodes.contains(it));
        // what is said of the cluster as a whole goes with any node
        if self.nodes.is_empty() {
            return true;
        }
        if symptom.nodes.is_empty() { !shared.is_empty() } else { nodes }
    }

    fn in_time(&self, allowed: &Explains, first: &Time, last: &Time) -> bool {
        if !self.start.is_known() || !first.is_known() {
            return true;
        }
        // an effect that ended before its cause began, or before it can have shown, is none
        let moved =
            |it: &Interval| Interval { lo: later(it.lo, allowed.after_secs), hi: later(it.hi, allowed.after_secs) };
        let (nominal, full) = (moved(&self.start.nominal), moved(&self.start.full));
        let soonest = Time { nominal, full, clock: self.start.clock };
        if last.before(&soonest) == Truth::True {
            return false;
        }
        let begins_after = if self.end.clock == first.clock {
            first.nominal.lo - self.end.nominal.hi
        } else {
            first.full.lo - self.end.full.hi
        };
        begins_after <= TimeDelta::seconds(allowed.within_secs)
    }
}

fn later(at: DateTime<Utc>, secs: i64) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::seconds(secs)).unwrap_or(at)
}
