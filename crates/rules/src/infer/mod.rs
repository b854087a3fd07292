//! From judged rules to ranked hypotheses.
//!
//! Scores are decibans: ten of them are odds of ten to one. A weak item is worth 3, a moderate 6, a strong 10, a
//! conclusive 20; a supporting item that is known to be false costs a third of its word; what is not known costs
//! nothing. Items of one group are shadows of one event and count once. A cause outside the rule set competes with a
//! prior of a quarter.

mod cover;
mod decide;
mod denial;
mod episodes;
mod explain;
mod field;
mod merge;
mod moment;
mod outcome;
mod rank;
mod score;
mod weigh;
mod witness;

pub use outcome::{
    Band, Collect, Decisive, Diagnosis, Evidence, Hypothesis, Included, KnownBug, LookedFor, Missing, Order, Polarity,
    Step, Symptom, Verdict,
};
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use timeline::{Timeline, Truth};

pub(crate) use episodes::Sighting;
pub(crate) use score::hypothesis;
pub(crate) use weigh::{Answer, added};

use crate::Pack;
use crate::alerts::Alerts;
use crate::engine::{Case, MOST_FRAMES, MOST_ROWS, frames, judge};
use crate::language::Rule;

/// Everything the rules have to say about a timeline.
pub(crate) fn diagnose(pack: &Pack, timeline: &Timeline, alerts: &Alerts) -> Diagnosis {
    let mut diagnosis = judge_case(pack, &Case::new(timeline, pack, alerts));
    witness::check(pack, timeline, alerts, &mut diagnosis);
    diagnosis
}

/// The same without the witness: what the witness itself is judged by.
fn judge_case(pack: &Pack, case: &Case<'_>) -> Diagnosis {
    let mut limits_hit = case.alerts.1.clone();
    limits_hit.extend(case.limits_hit());
    let (known, most_steps, whole) = (case.known(), case.most_steps, case.whole);
    let part = |rules: &[Rule]| judge_rules(pack, rules, &Case::of(known.clone(), most_steps, whole));
    // few parts, so that rules that ask the same stand in one
    let size = pack.rules.len().div_ceil(rayon::current_num_threads()).max(1);
    let parts: Vec<Said> = pack.rules.par_chunks(size).map(part).collect();
    let mut said = Said::default();
    for it in parts {
        said.symptoms.extend(it.symptoms);
        said.candidates.extend(it.candidates);
        said.looked_for.extend(it.looked_for);
        said.could_not_look.extend(it.could_not_look);
        said.limits_hit.extend(it.limits_hit);
    }
    let Said { mut symptoms, candidates, looked_for, could_not_look, limits_hit: own } = said;
    limits_hit.extend(own);
    explain::tidy(&mut symptoms);
    episodes::part(case, &mut symptoms);
    explain::in_order(&mut symptoms);
    let mut diagnosis = rank::rank(pack, candidates, symptoms, looked_for, could_not_look);
    diagnosis.limits_hit.splice(0..0, limits_hit);
    diagnosis.alerts = case.alerts.0.clone();
    diagnosis
}

/// What some rules have to say, in their order.
#[derive(Default)]
struct Said {
    symptoms: Vec<Symptom>,
    candidates: Vec<Hypothesis>,
    looked_for: Vec<LookedFor>,
    could_not_look: Vec<LookedFor>,
    limits_hit: Vec<String>,
}

fn judge_rules(pack: &Pack, rules: &[Rule], case: &Case<'_>) -> Said {
    let mut said = Said::default();
    let Said { symptoms, candidates, looked_for, could_not_look, limits_hit } = &mut said;
    for rule in rules {
        case.begin();
        let framed = frames(case, rule);
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
                    judge(case, clause, &mut binding);
                }
            }
            if rule.symptom {
                symptoms.push(explain::symptom(case, rule, &binding));
            } else {
                candidates.push(score::hypothesis(case, pack, rule, &binding));
            }
        }
        if case.is_out_of_steps() {
            let what = format!("rule {}: more than {} metric values asked for", rule.name, case.most_steps);
            limits_hit.push(format!("{what}, what was left is unknown"));
        }
        if case.is_spent() {
            limits_hit.push(format!("rule {}: {MOST_ROWS} rows looked at, what was left is unknown", rule.name));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use timeline::NodeNames;

    use crate::promql::testing::series;

    const RULES: &str = "rule: hungry\ntitle: 't {$node}'\nimpact: i\nlet:\n  a: { promql: 'max by (node) (x) > 1', node: $node, at: $t }\n  \
        b: { promql: 'max by (node) (y) > 1', node: $node }\nframe: [a]\nfor:\n  - { when: a, weight: moderate }\n  \
        - { when: b, weight: strong }\n";

    fn judged(most_steps: u64) -> Diagnosis {
        let frugal = RULES.replace("rule: hungry", "rule: frugal").replace("(y)", "(x)");
        let texts = [("hungry.yaml", RULES.to_owned()), ("frugal.yaml", frugal)];
        let pack = Pack::of_texts(&texts.map(|(name, text)| (name.to_owned(), text))).expect("rules");
        let points: Vec<(i64, f64)> = (0..50).map(|it| (1_690_120_800 + it * 15, 7.0)).collect();
        let of = |metric: &str| series(metric, &[], Some("node-a"), &points);
        let nodes = NodeNames::unify(&["node-a".into()], &[]);
        let timeline = Timeline { series: vec![of("x"), of("y")], nodes, ..Timeline::default() };
        let mut case = Case::new(&timeline, &pack, &Alerts::default());
        case.most_steps = most_steps;
        judge_case(&pack, &case)
    }

    #[test]
    fn queries_have_a_budget_and_the_report_says_where_it_ended() {
        let value = |diagnosis: &Diagnosis, rule: &str| {
            let of =
                diagnosis.hypotheses.iter().find(|it| it.rule == rule).expect("its frame was judged within the budget");
            of.evidence.iter().find(|it| it.clause == "b").expect("the second query").value
        };
        let plenty = judged(crate::engine::MOST_STEPS);
        assert!(plenty.limits_hit.is_empty(), "{:?}", plenty.limits_hit);
        assert_eq!(value(&plenty, "hungry"), Truth::True);
        // the first query uses it up, and the second is not asked: unknown, not false
        let scarce = judged(40);
        assert_eq!(value(&scarce, "hungry"), Truth::Unknown);
        let said = "rule hungry: more than 40 metric values asked for, what was left is unknown";
        assert!(scarce.limits_hit.iter().any(|it| it == said), "{:?}", scarce.limits_hit);
        // the rule before had used up a budget of its own: each got as far as its first query
        assert_eq!(value(&scarce, "frugal"), Truth::Unknown);
    }

    #[test]
    fn of_alternatives_only_what_holds_is_quoted() {
        let rule = "rule: either\ntitle: 't {$node}'\nimpact: i\nlet:\n  a: { promql: 'max by (node) (x) > 1', node: $node, at: $t }\n  \
            b: { promql: 'max by (node) (y) > 100', node: $node }\nframe: ['a or b']\nfor:\n  - { when: 'b or a', weight: strong }\n";
        let pack = Pack::of_texts(&[("either.yaml".to_owned(), rule.to_owned())]).expect("a rule");
        let points = |value: f64| -> Vec<(i64, f64)> { (0..9).map(|it| (1_690_120_800 + it * 15, value)).collect() };
        let of = |metric: &str, value: f64| series(metric, &[], Some("node-a"), &points(value));
        let nodes = NodeNames::unify(&["node-a".into()], &[]);
        let timeline = Timeline { series: vec![of("x", 7.0), of("y", 8.0)], nodes, ..Timeline::default() };
        let diagnosis = judge_case(&pack, &Case::new(&timeline, &pack, &Alerts::default()));
        let evidence = &diagnosis.hypotheses[0].evidence[0];
        assert_eq!((evidence.clause.as_str(), evidence.value), ("b or a", Truth::True));
        let texts: Vec<&str> = evidence.quotes.iter().map(|it| &*it.text).collect();
        assert!(!texts.is_empty() && texts.iter().all(|it| it.starts_with('7')), "{texts:?}");
    }
}
