//! From judged rules to ranked hypotheses.
//!
//! Scores are decibans: ten of them are odds of ten to one. A weak item is worth 3, a moderate 6, a strong 10, a
//! conclusive 20; a supporting item that is known to be false costs a third of its word; what is not known costs
//! nothing. Items of one group are shadows of one event and count once. A cause outside the rule set competes with a
//! prior of a quarter.

mod cover;
mod decide;
mod explain;
mod field;
mod merge;
mod outcome;
mod rank;
mod score;
mod weigh;
mod witness;

pub use outcome::{
    Band, Collect, Decisive, Diagnosis, Evidence, Hypothesis, Included, KnownBug, LookedFor, Missing, Order, Polarity,
    Step, Symptom, Verdict,
};
use timeline::{Timeline, Truth};

pub(crate) use score::hypothesis;
pub(crate) use weigh::{Answer, added};

use crate::Pack;
use crate::alerts::Alerts;
use crate::engine::{Case, MOST_FRAMES, MOST_ROWS, MOST_STEPS, frames, judge};

/// Everything the rules have to say about a timeline.
pub(crate) fn diagnose(pack: &Pack, timeline: &Timeline, alerts: &Alerts) -> Diagnosis {
    let mut diagnosis = judge_all(pack, timeline, alerts);
    witness::check(pack, timeline, alerts, &mut diagnosis);
    diagnosis
}

/// The same without the witness: what the witness itself is judged by.
fn judge_all(pack: &Pack, timeline: &Timeline, alerts: &Alerts) -> Diagnosis {
    let case = Case::new(timeline, pack, alerts);
    let mut symptoms = Vec::new();
    let mut candidates = Vec::new();
    let (mut looked_for, mut could_not_look) = (Vec::new(), Vec::new());
    let mut limits_hit = case.alerts.1.clone();
    limits_hit.extend(case.limits_hit());
    for rule in &pack.rules {
        case.begin();
        let framed = frames(&case, rule);
        if framed.cut {
            limits_hit
                .push(format!("rule {}: {MOST_FRAMES} ways to fill it in, the later ones are left out", rule.name));
        }
        if let Some(empty) = &framed.empty
            && !rule.symptom
        {
            let entry = LookedFor {
                rule: rule.name.clone(),
                what: rule.name.clone(),
                reason: empty.reason.clone(),
                collect: empty.collect.clone(),
            };
            if empty.truth == Truth::Unknown { could_not_look.push(entry) } else { looked_for.push(entry) }
        }
        for mut binding in framed.bindings {
            for clause in &rule.clauses {
                if !binding.answers.contains_key(&clause.name) {
                    judge(&case, clause, &mut binding);
                }
            }
            if rule.symptom {
                symptoms.push(explain::symptom(rule, &binding));
            } else {
                candidates.push(score::hypothesis(&case, pack, rule, &binding));
            }
        }
        if case.is_out_of_steps() {
            let what = format!("rule {}: more than {MOST_STEPS} metric values asked for", rule.name);
            limits_hit.push(format!("{what}, what was left is unknown"));
        }
        if case.is_spent() {
            limits_hit.push(format!("rule {}: {MOST_ROWS} rows looked at, what was left is unknown", rule.name));
        }
    }
    explain::tidy(&mut symptoms);
    let mut diagnosis = rank::rank(pack, candidates, symptoms, looked_for, could_not_look);
    diagnosis.limits_hit.splice(0..0, limits_hit);
    diagnosis.alerts = case.alerts.0.clone();
    diagnosis
}
