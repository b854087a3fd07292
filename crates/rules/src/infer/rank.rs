//! Putting hypotheses in order, and saying why the others lose.

use std::collections::BTreeMap;

use timeline::{Name, Truth};

use super::explain::explains;
use super::outcome::{
    Band, Collect, Diagnosis, Hypothesis, Included, LookedFor, Order, Polarity, Step, Symptom, Verdict,
};
use super::score::order;
use crate::Pack;
use crate::engine::Case;

/// How likely it is, before looking, that the cause is none of our rules.
const OUTSIDE_PRIOR: f64 = 0.25;
/// Ahead of an unknown cause by this much to be likely, of the next to be confirmed.
const CLEAR_DB: f64 = 10.0;
/// Ahead of the next by this much to be likely.
const AHEAD_DB: f64 = 6.0;

pub(super) fn rank(
    _case: &Case<'_>,
    pack: &Pack,
    candidates: Vec<Hypothesis>,
    mut symptoms: Vec<Symptom>,
    looked_for: Vec<LookedFor>,
    could_not_look: Vec<LookedFor>,
) -> Diagnosis {
    let (excluded, mut alive): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|it| it.because.is_some());
    for hypothesis in &mut alive {
        hypothesis.explains = (0..symptoms.len()).filter(|at| explains(hypothesis, &symptoms[*at])).collect();
    }
    alive.sort_by(compare);
    let mut alive = absorb(alive);
    let outside_db = outside(alive.len());
    band(&mut alive, outside_db);
    confidence(&mut alive, outside_db);
    alive.sort_by(|a, b| a.band.cmp(&b.band).then_with(|| compare(a, b)));
    let (mut hypotheses, mut ruled_out): (Vec<_>, Vec<_>) = alive.into_iter().partition(|it| it.band != Band::RuledOut);
    ruled_out.extend(excluded);
    for hypothesis in &mut ruled_out {
        hypothesis.band = Band::RuledOut;
        hypothesis.why_not = Some(why_ruled_out(hypothesis));
    }
    ruled_out.sort_by(|a, b| (&a.rule, &a.nodes, &a.title).cmp(&(&b.rule, &b.nodes, &b.title)));

    // a symptom belongs to the first that explains it and is more than a possibility
    for (at, symptom) in symptoms.iter_mut().enumerate() {
        let by = hypotheses.iter().position(|it| it.band <= Band::Likely && it.explains.contains(&at));
        symptom.explained_by = by.map(|it| it + 1);
    }
    for (rank, hypothesis) in hypotheses.iter_mut().enumerate() {
        hypothesis.explains.retain(|at| symptoms[*at].explained_by.is_none_or(|it| it == rank + 1));
        extend_chain(hypothesis, &symptoms);
    }
    say_why_not_first(&mut hypotheses);
    let collect_plan = collect_plan(&hypotheses, pack, &could_not_look, &symptoms);
    let verdict = verdict(&hypotheses, &symptoms);
    Diagnosis {
        hypotheses,
        ruled_out,
        symptoms,
        verdict,
        looked_for,
        could_not_look,
        collect_plan,
        limits_hit: Vec::new(),
    }
}

/// More score first; then earlier, then by name.
fn compare(a: &Hypothesis, b: &Hypothesis) -> std::cmp::Ordering {
    b.score_db
        .total_cmp(&a.score_db)
        .then_with(|| a.start.nominal.lo.cmp(&b.start.nominal.lo))
        .then_with(|| (&a.rule, &a.nodes, &a.title).cmp(&(&b.rule, &b.nodes, &b.title)))
}

/// Takes hypotheses into those whose chain they are part of: same node, named by the rule, and not stronger by themselves.
fn absorb(alive: Vec<Hypothesis>) -> Vec<Hypothesis> {
    // what is said of the cluster as a whole goes with any node
    let together = |whole: &Hypothesis, part: &Hypothesis| {
        let node = part.nodes.is_empty() || whole.nodes.iter().any(|it| part.nodes.contains(it));
        whole.absorbs.contains(&part.rule) && node
    };
    let stands = |it: &Hypothesis| it.firm || (it.strong && it.score_db >= CLEAR_DB);
    let mut kept: Vec<Hypothesis> = Vec::new();
    let mut waiting: Vec<Hypothesis> = Vec::new();
    for hypothesis in alive {
        if kept.iter().any(|it| together(it, &hypothesis)) { waiting.push(hypothesis) } else { kept.push(hypothesis) }
    }
    // one that ranks higher alone is still part of a story that is told with confidence
    let mut told: Vec<Hypothesis> = Vec::new();
    while let Some(position) = kept.iter().position(|part| {
        kept.iter().any(|whole| together(whole, part) && (stands(whole) || whole.score_db >= part.score_db))
    }) {
        told.push(kept.remove(position));
    }
    for part in waiting.into_iter().chain(told) {
        let band = if part.firm { Band::Likely } else { Band::Possible };
        let included = Included { rule: part.rule.clone(), title: part.title.clone(), band };
        if let Some(whole) = kept.iter_mut().find(|it| together(it, &part)) {
            for at in part.explains {
                if !whole.explains.contains(&at) {
                    whole.explains.push(at);
                }
            }
            whole.explains.sort_unstable();
            whole.includes.push(included);
        }
    }
    kept
}

/// The score a cause outside the rules starts with: the rest of the prior is shared by the rules that fit at all. Never
/// below nothing, or a rule without any support would beat it.
fn outside(fitting: usize) -> f64 {
    (10.0 * (OUTSIDE_PRIOR * fitting.max(1) as f64 / (1.0 - OUTSIDE_PRIOR)).log10()).max(0.0)
}

fn band(alive: &mut [Hypothesis], outside_db: f64) {
    let next_db: Vec<f64> = (0..alive.len())
        .map(|at| {
            let rivals = alive.iter().enumerate().filter(|(other, it)| *other != at && rival(&alive[at], it));
            rivals.map(|(_, it)| it.score_db).fold(f64::NEG_INFINITY, f64::max)
        })
        .collect();
    for (hypothesis, next_db) in alive.iter_mut().zip(next_db) {
        let over_outside = hypothesis.score_db - outside_db;
        let over_next = hypothesis.score_db - next_db;
        hypothesis.band = if over_outside <= 0.0 {
            let could_still = over_outside + hypothesis.open_db > 0.0;
            if could_still { Band::NotAssessable } else { Band::RuledOut }
        } else if hypothesis.firm && over_outside >= CLEAR_DB && over_next >= CLEAR_DB {
            Band::Confirmed
        } else if hypothesis.strong && over_outside >= CLEAR_DB && over_next >= AHEAD_DB {
            Band::Likely
        } else {
            Band::Possible
        };
    }
}

/// Two hypotheses compete when they explain the same symptom, or speak of the same node at about the same time.
fn rival(a: &Hypothesis, b: &Hypothesis) -> bool {
    let symptom = a.explains.iter().any(|it| b.explains.contains(it));
    let node = a.nodes.iter().any(|it| b.nodes.contains(it));
    const APART_SECS: i64 = 3600;
    symptom || (node && a.start.near(&b.start, APART_SECS, APART_SECS) != Truth::False)
}

fn confidence(alive: &mut [Hypothesis], outside_db: f64) {
    let odds = |db: f64| 10f64.powf(db / 10.0);
    let scores: Vec<f64> = alive.iter().map(|it| it.score_db).collect();
    for at in 0..alive.len() {
        let rivals = (0..alive.len()).filter(|other| *other != at && rival(&alive[at], &alive[*other]));
        let all = odds(outside_db) + odds(scores[at]) + rivals.map(|it| odds(scores[it])).sum::<f64>();
        alive[at].confidence = (odds(scores[at]) / all * 100.0).round() / 100.0;
    }
}

/// Adds the symptoms a hypothesis explains to its chain, where its rule names them.
fn extend_chain(hypothesis: &mut Hypothesis, symptoms: &[Symptom]) {
    let mut steps: Vec<Step> = Vec::new();
    for name in &hypothesis.chain_names {
        if let Some(step) = hypothesis.chain.iter().find(|it| it.clause == *name) {
            steps.push(step.clone());
            continue;
        }
        let own = hypothesis.explains.iter().map(|at| &symptoms[*at]).filter(|it| it.rule == *name);
        let all: Vec<&Symptom> = own.collect();
        if let Some(first) = all.first() {
            let more = if all.len() > 1 { format!(" (and {} more)", all.len() - 1) } else { String::new() };
            steps.push(Step {
                clause: name.clone(),
                text: format!("{}{more}", first.title),
                at: first.at,
                order: Order::Unknown,
                count: all.iter().map(|it| it.count).sum(),
                quote: first.quotes.first().cloned(),
                state: false,
            });
        }
    }
    order(&mut steps);
    hypothesis.chain = steps;
}

fn why_ruled_out(hypothesis: &Hypothesis) -> String {
    let excluding = hypothesis.because.as_ref().and_then(|clause| {
        hypothesis.evidence.iter().find(|it| it.polarity == Polarity::Against && it.clause == *clause)
    });
    if let Some(evidence) = excluding {
        return evidence.why.clone();
    }
    let mut worst: Vec<_> = hypothesis.evidence.iter().filter(|it| it.weight_db < 0.0).collect();
    worst.sort_by(|a, b| a.weight_db.total_cmp(&b.weight_db));
    let words: Vec<&str> = worst.iter().take(2).map(|it| it.why.as_str()).collect();
    if words.is_empty() { "nothing in the bundle supports it".to_owned() } else { words.join("; ") }
}

fn say_why_not_first(hypotheses: &mut [Hypothesis]) {
    let Some((first, others)) = hypotheses.split_first_mut() else { return };
    for other in others {
        let against =
            other.evidence.iter().filter(|it| it.weight_db < 0.0).min_by(|a, b| a.weight_db.total_cmp(&b.weight_db));
        let mut words = format!("{:.0} dB behind {}", (first.score_db - other.score_db).max(0.0), first.rule);
        if let Some(against) = against {
            words.push_str(&format!(": {}", against.why));
        } else if other.open_db > 0.0 {
            words.push_str(": what would support it was not collected");
        }
        other.why_not = Some(words);
    }
}

/// What to collect, most telling first: for the hypotheses that stand, and where nothing does, for the rules that could
/// not be looked at.
fn collect_plan(hypotheses: &[Hypothesis], pack: &Pack, closed: &[LookedFor], symptoms: &[Symptom]) -> Vec<Collect> {
    let mut plan: BTreeMap<(String, Option<Name>), Collect> = BTreeMap::new();
    let mut add = |collect: &str, node: Option<&Name>, rule: &str, db: f64| {
        let entry = plan.entry((collect.to_owned(), node.cloned())).or_insert_with(|| Collect {
            node: node.cloned(),
            collect: collect.to_owned(),
            decides: Vec::new(),
            would_add_db: 0.0,
        });
        if !entry.decides.iter().any(|it| it == rule) {
            entry.decides.push(rule.to_owned());
        }
        entry.would_add_db = entry.would_add_db.max(db);
    };
    for hypothesis in hypotheses {
        for missing in &hypothesis.missing {
            add(&missing.collect, missing.node.as_ref(), &hypothesis.rule, missing.would_add_db);
        }
    }
    let nothing = hypotheses.iter().all(|it| it.band > Band::Likely);
    if nothing && !symptoms.is_empty() {
        for entry in closed {
            let explains = |rule: &crate::language::Rule| {
                rule.name == entry.rule
                    && rule.explains.iter().any(|it| symptoms.iter().any(|of| of.rule == it.symptom))
            };
            if !entry.collect.is_empty() && pack.rules.iter().any(explains) {
                add(&entry.collect, None, &entry.rule, 0.0);
            }
        }
    }
    let mut plan: Vec<Collect> = plan.into_values().collect();
    plan.sort_by(|a, b| b.would_add_db.total_cmp(&a.would_add_db).then_with(|| a.collect.cmp(&b.collect)));
    plan
}

fn verdict(hypotheses: &[Hypothesis], symptoms: &[Symptom]) -> Verdict {
    let answered = hypotheses.iter().any(|it| it.band <= Band::Likely);
    let open = symptoms.iter().filter(|it| it.explained_by.is_none()).count();
    match (answered, open) {
        (true, 0) => Verdict::Explained,
        (true, _) => Verdict::Partly,
        (false, 0) if hypotheses.iter().all(|it| it.band > Band::Possible) => Verdict::Healthy,
        (false, _) => Verdict::Unknown,
    }
}
