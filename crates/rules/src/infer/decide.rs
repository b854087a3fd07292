//! What the outcome hangs on: which answer, taken away or given, would change it; and what to collect for that.

use std::collections::BTreeMap;

use timeline::{Name, Truth};

use super::field::{Field, Standing};
use super::outcome::{Band, Collect, Decisive, Hypothesis, LookedFor, Symptom};
use super::weigh::sum;
use crate::Pack;

/// The items that decide are worked out for so many hypotheses, and so many of each are told.
const LOOKED_AT: usize = 5;
const TOLD: usize = 4;
/// So many hypotheses share the belief that collecting moves.
const BELIEVED: usize = 20;

/// Notes for the first hypotheses which single answers decide.
pub(super) fn decisive(hypotheses: &mut [Hypothesis], field: &Field) {
    for at in 0..hypotheses.len().min(LOOKED_AT) {
        hypotheses[at].decisive = of(hypotheses, field, at);
    }
}

fn of(hypotheses: &[Hypothesis], field: &Field, at: usize) -> Vec<Decisive> {
    let own = &hypotheses[at];
    let first = order(field).first().copied();
    let mut found: Vec<(bool, i32, usize, Decisive)> = Vec::new();
    for (nth, answer) in own.answers.iter().enumerate() {
        let supposed = match answer.truth {
            Truth::Unknown => Truth::True,
            Truth::True => Truth::Unknown,
            Truth::False => continue,
        };
        let field = field.suppose(own, at, nth, supposed);
        let (band, now) = (field.band(at), order(&field).first().copied());
        let moved = now != first;
        let steps = (band as i32 - own.band as i32).abs();
        if band == own.band && !moved {
            continue;
        }
        let first = now.filter(|_| moved).map(|it| hypotheses[it].rule.clone());
        let decisive = Decisive { clause: answer.written.clone(), value: answer.truth, supposed, band, first };
        found.push((!moved, -steps, nth, decisive));
    }
    found.sort_by_key(|it| (it.0, it.1, it.2));
    found.into_iter().map(|it| it.3).take(TOLD).collect()
}

/// Places by band, then score, then as they stand.
fn order(field: &Field) -> Vec<usize> {
    let mut places: Vec<usize> = (0..field.standings.len()).collect();
    let bands = field.bands();
    places.sort_by(|a, b| {
        let score = |it: usize| field.standings[it].score_db;
        bands[*a].cmp(&bands[*b]).then_with(|| score(*b).total_cmp(&score(*a))).then(a.cmp(b))
    });
    places
}

impl Field {
    /// The field if one answer of one hypothesis were another.
    fn suppose(&self, hypothesis: &Hypothesis, at: usize, nth: usize, truth: Truth) -> Field {
        let mut answers = hypothesis.answers.clone();
        answers[nth].truth = truth;
        let mut supposed = self.clone();
        supposed.standings[at] = Standing::with(hypothesis, sum(&answers));
        supposed
    }

    /// How belief is shared among the first hypotheses and a cause outside the rules.
    fn belief(&self) -> Vec<f64> {
        let odds = |db: f64| 10f64.powf(db / 10.0);
        let own = |it: &Standing| if it.excluded { 0.0 } else { odds(it.score_db) };
        let mut shares: Vec<f64> = self.standings.iter().take(BELIEVED).map(own).collect();
        shares.push(odds(self.most_outside_db()));
        let all: f64 = shares.iter().sum();
        shares.iter().map(|it| it / all).collect()
    }
}

/// How much belief moves between two ways to share it: half of all differences, 0 to 1.
fn moved(before: &[f64], after: &[f64]) -> f64 {
    before.iter().zip(after).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

/// How much of the belief an open clause is expected to move: by what it would do if true and if not, and how likely
/// either is as things stand.
fn expected(hypotheses: &[Hypothesis], field: &Field, at: usize, clause: &str) -> f64 {
    let own = &hypotheses[at];
    let before = field.belief();
    let items = own.answers.iter().enumerate().filter(|(_, it)| it.truth == Truth::Unknown);
    let changes = items.filter(|(_, it)| it.open.iter().any(|it| it == clause)).map(|(nth, it)| {
        let chance = own.confidence.clamp(0.05, 0.95);
        let chance = if it.against { (1.0 - chance) / 2.0 } else { chance };
        let change = |truth| moved(&before, &field.suppose(own, at, nth, truth).belief());
        chance * change(Truth::True) + (1.0 - chance) * change(Truth::False)
    });
    changes.fold(0.0, f64::max)
}

/// What to collect, by the change of the ranking to expect: for the hypotheses that stand, and where nothing does, for the
/// rules that could not be looked at.
pub(super) fn collect_plan(
    hypotheses: &[Hypothesis],
    field: &Field,
    pack: &Pack,
    closed: &[LookedFor],
    symptoms: &[Symptom],
) -> Vec<Collect> {
    let mut plan: BTreeMap<(String, Option<Name>), Collect> = BTreeMap::new();
    let mut add = |collect: &str, node: Option<&Name>, rule: &str, db: f64, change: f64| {
        let entry = plan.entry((collect.to_owned(), node.cloned())).or_insert_with(|| Collect {
            node: node.cloned(),
            collect: collect.to_owned(),
            decides: Vec::new(),
            would_add_db: 0.0,
            expected_change: 0.0,
        });
        if !entry.decides.iter().any(|it| it == rule) {
            entry.decides.push(rule.to_owned());
        }
        entry.would_add_db = entry.would_add_db.max(db);
        entry.expected_change = entry.expected_change.max(change);
    };
    for (at, hypothesis) in hypotheses.iter().enumerate() {
        for missing in &hypothesis.missing {
            let change = if at < BELIEVED { expected(hypotheses, field, at, &missing.clause) } else { 0.0 };
            add(&missing.collect, missing.node.as_ref(), &hypothesis.rule, missing.would_add_db, change);
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
                add(&entry.collect, None, &entry.rule, 0.0, 0.0);
            }
        }
    }
    let mut plan: Vec<Collect> = plan.into_values().collect();
    for it in &mut plan {
        it.expected_change = (it.expected_change * 100.0).round() / 100.0;
    }
    plan.sort_by(|a, b| {
        let key = |it: &Collect| (it.expected_change, it.would_add_db);
        key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal).then_with(|| a.collect.cmp(&b.collect))
    });
    plan
}
