//! Putting hypotheses in order, and saying why the others lose.

use super::cover::{Cause, cheapest};
use super::decide::{collect_plan, decisive};
use super::explain::{causes, explained, fold};
use super::field::{Field, Standing};
use super::merge;
use super::moment;
use super::outcome::{
    Band, Diagnosis, Evidence, Hypothesis, Included, LookedFor, Order, Polarity, Step, Symptom, Verdict,
};
use super::score::order;
use crate::Pack;

/// More than this are no answer; the strongest are kept.
const MOST_HYPOTHESES: usize = 1000;

pub(super) fn rank(
    pack: &Pack,
    candidates: Vec<Hypothesis>,
    mut symptoms: Vec<Symptom>,
    looked_for: Vec<LookedFor>,
    could_not_look: Vec<LookedFor>,
) -> Diagnosis {
    let mut limits_hit = Vec::new();
    fold(&mut symptoms);
    let (mut excluded, mut alive): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|it| it.because.is_some());
    alive.sort_by(compare);
    for (what, of) in [("fit", &mut alive), ("are ruled out", &mut excluded)] {
        if of.len() > MOST_HYPOTHESES {
            limits_hit.push(format!("hypotheses: {} {what}, the strongest {MOST_HYPOTHESES} are kept", of.len()));
            of.truncate(MOST_HYPOTHESES);
        }
    }
    for hypothesis in &mut alive {
        hypothesis.explains = explained(hypothesis, &symptoms);
        moment::unless_followed(hypothesis, &symptoms);
    }
    let mut alive = merge::nodes(alive);
    alive.sort_by(compare);
    let mut alive = absorb(alive);
    settle(&mut alive);
    alive.sort_by(|a, b| a.band.cmp(&b.band).then_with(|| compare(a, b)));
    let (mut hypotheses, mut ruled_out): (Vec<_>, Vec<_>) = alive.into_iter().partition(|it| it.band != Band::RuledOut);
    causes_first(&mut hypotheses);
    // the same field, in the order of the ranking: those ruled out threaten nobody
    let field = Field::of(&hypotheses);
    for at in 0..hypotheses.len() {
        let level = field.level(at).into_iter().filter(|it| hypotheses[*it].band == hypotheses[at].band);
        hypotheses[at].tied_with = level.map(|it| it + 1).collect();
        let cause = (0..hypotheses.len()).find(|it| *it != at && causes(&hypotheses[*it], &hypotheses[at]));
        hypotheses[at].caused_by = cause.map(|it| it + 1);
    }
    decisive(&mut hypotheses, &field);
    ruled_out.extend(excluded);
    for hypothesis in &mut ruled_out {
        hypothesis.band = Band::RuledOut;
        hypothesis.why_not = Some(why_ruled_out(hypothesis));
    }
    ruled_out.sort_by(|a, b| (&a.rule, &a.nodes, &a.title).cmp(&(&b.rule, &b.nodes, &b.title)));

    attribute(&mut hypotheses, &mut symptoms);
    say_why_not_first(&mut hypotheses);
    let collect_plan = collect_plan(&hypotheses, &field, pack, &could_not_look, &symptoms);
    let verdict = verdict(&hypotheses, &symptoms);
    Diagnosis {
        hypotheses,
        ruled_out,
        symptoms,
        alerts: Vec::new(),
        verdict,
        looked_for,
        could_not_look,
        collect_plan,
        limits_hit,
    }
}

/// Bands and shares of belief.
fn settle(alive: &mut [Hypothesis]) {
    let field = Field::of(alive);
    for (at, (hypothesis, band)) in alive.iter_mut().zip(field.bands()).enumerate() {
        hypothesis.score_db = field.standings[at].score_db;
        hypothesis.band = band;
        hypothesis.confidence = field.confidence(at);
    }
}

/// A cause that is told with confidence stands before its effects, however loud they are.
fn causes_first(hypotheses: &mut Vec<Hypothesis>) {
    let mut at = 0;
    let mut moves = 0;
    while at < hypotheses.len() {
        let cause = (at + 1..hypotheses.len())
            .find(|it| hypotheses[*it].band <= Band::Likely && causes(&hypotheses[*it], &hypotheses[at]));
        match cause {
            // a circle of causes must not turn for ever
            Some(from) if moves < hypotheses.len() => {
                let cause = hypotheses.remove(from);
                hypotheses.insert(at, cause);
                moves += 1;
            }
            _ => at += 1,
        }
    }
}

/// Each symptom belongs to one of the cheapest set of confident causes that explains them all; what one of them explains
/// speaks for no other.
fn attribute(hypotheses: &mut [Hypothesis], symptoms: &mut [Symptom]) {
    let confident: Vec<usize> = (0..hypotheses.len()).filter(|it| hypotheses[*it].band <= Band::Likely).collect();
    let causes: Vec<Cause<'_>> =
        hypotheses.iter().map(|it| Cause { score_db: it.score_db, explains: &it.explains }).collect();
    let chosen = cheapest(&causes, &confident);
    for (at, symptom) in symptoms.iter_mut().enumerate() {
        let by = chosen.iter().find(|it| hypotheses[**it].explains.contains(&at));
        symptom.explained_by = by.map(|it| it + 1);
    }
    for (rank, hypothesis) in hypotheses.iter_mut().enumerate() {
        hypothesis.explains.retain(|at| symptoms[*at].explained_by.is_none_or(|it| it == rank + 1));
        extend_chain(hypothesis, symptoms);
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
        (whole.absorbs.contains(&part.rule) && node) || causes(whole, part)
    };
    let stands = |it: &Hypothesis| Standing::of(it).stands();
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
        let band = if Standing::of(&part).firm { Band::Likely } else { Band::Possible };
        let included = Included { rule: part.rule.clone(), title: part.title.clone(), band };
        if let Some(whole) = kept.iter_mut().find(|it| together(it, &part)) {
            for at in part.explains {
                if !whole.explains.contains(&at) {
                    whole.explains.push(at);
                }
            }
            whole.explains.sort_unstable();
            for bug in part.known_bugs {
                if !whole.known_bugs.iter().any(|it| it.name == bug.name) {
                    whole.known_bugs.push(bug);
                }
            }
            whole.includes.push(included);
        }
    }
    kept
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
                group: None,
            });
        }
    }
    order(&mut steps);
    hypothesis.chain = steps;
}

/// What an item that costs says: of one that would have spoken for the cause, that it is not there.
fn cost(evidence: &Evidence) -> String {
    match evidence.polarity {
        Polarity::For => format!("looked for and not there: {}", evidence.why),
        Polarity::Against | Polarity::Context => evidence.why.clone(),
    }
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
    let words: Vec<String> = worst.iter().take(2).map(|it| cost(it)).collect();
    if words.is_empty() { "nothing in the bundle supports it".to_owned() } else { words.join("; ") }
}

fn say_why_not_first(hypotheses: &mut [Hypothesis]) {
    fn worst(of: &Hypothesis) -> Option<&Evidence> {
        of.evidence.iter().filter(|it| it.weight_db < 0.0).min_by(|a, b| a.weight_db.total_cmp(&b.weight_db))
    }
    let Some((first, others)) = hypotheses.split_first_mut() else { return };
    // nobody is before it, and still it names nothing
    if first.band == Band::NotAssessable {
        first.why_not = worst(first).map(cost);
    }
    for other in others {
        let against = worst(other);
        let behind = first.score_db - other.score_db;
        let mut words = match behind {
            _ if other.tied_with.contains(&1) => format!("level with {}", first.rule),
            _ if other.caused_by == Some(1) => format!("follows from {}", first.rule),
            behind if behind < 0.0 => format!("less sure than {}, whatever its score", first.rule),
            behind => format!("{behind:.0} dB behind {}", first.rule),
        };
        if let Some(against) = against {
            words.push_str(&format!(": {}", cost(against)));
        } else if Standing::of(other).open_db > 0.0 {
            words.push_str(": what would support it was not collected");
        }
        other.why_not = Some(words);
    }
}

fn verdict(hypotheses: &[Hypothesis], symptoms: &[Symptom]) -> Verdict {
    let answered = hypotheses.iter().any(|it| it.band <= Band::Likely);
    let open = symptoms.iter().filter(|it| it.explained_by.is_none() && it.follows.is_none()).count();
    match (answered, open) {
        (true, 0) => Verdict::Explained,
        (true, _) => Verdict::Partly,
        (false, 0) if hypotheses.iter().all(|it| it.band > Band::Possible) => Verdict::Healthy,
        (false, _) => Verdict::Unknown,
    }
}
