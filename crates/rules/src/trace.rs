//! How one rule came to its answer on one case: every clause with its rows or the missing source, every weight with what it
//! added, and why it is not first.

use std::collections::BTreeMap;

use timeline::{Name, Quote, Time, Timeline, Truth};

use crate::Pack;
use crate::alerts::Alerts;
use crate::engine::{Binding, Case, MOST_FRAMES, frames, judge, mentioned};
use crate::infer::{self, Answer, Band, Diagnosis, Hypothesis};
use crate::language::{Clause, Rule};

/// One rule on one case.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The rule.
    pub rule: String,
    /// Whether it is a symptom: it has no weights then.
    pub symptom: bool,
    /// The ways to fill in its variables, the strongest first; where its frame does not hold, the one way in which its
    /// clauses were tried.
    pub ways: Vec<Way>,
    /// Whether its frame holds at all.
    pub framed: bool,
    /// What cut it short.
    pub limits_hit: Vec<String>,
}

/// One way to fill in the variables of a rule.
#[derive(Debug, Clone)]
pub struct Way {
    /// What it says.
    pub title: String,
    /// The values of its variables.
    pub bindings: BTreeMap<String, String>,
    /// Its clauses, in the order they were judged.
    pub clauses: Vec<ClauseTrace>,
    /// Its lines of `for` and `against`.
    pub items: Vec<ItemTrace>,
    /// What the proved order of its chain added.
    pub order_db: f64,
    /// What is known of the rule before looking.
    pub prior_db: f64,
    /// The sum.
    pub score_db: f64,
    /// What became of it in the ranking.
    pub outcome: Outcome,
}

/// What became of a way in the ranking.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is listed, at a rank from 1; and why it is not first.
    Listed {
        /// From 1.
        rank: usize,
        /// How sure.
        band: Band,
        /// Why another one is first.
        why_not_first: Option<String>,
    },
    /// It is part of another hypothesis.
    Included {
        /// The rank of that one, from 1.
        rank: usize,
        /// Its rule.
        rule: String,
    },
    /// It is ruled out, and why.
    RuledOut {
        /// In words.
        why: String,
    },
    /// It is seen: a symptom is no hypothesis.
    Seen,
    /// Its frame does not hold.
    NotFramed,
    /// It is not listed for a reason of the engine's own: there are too many.
    Dropped,
}

/// A clause and its answer.
#[derive(Debug, Clone)]
pub struct ClauseTrace {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub written: String,
    /// Whether the frame stands on it.
    pub frame: bool,
    /// The answer.
    pub value: Truth,
    /// Why it is false or unknown.
    pub reason: String,
    /// Of an unknown one: what to collect.
    pub collect: String,
    /// The node it was asked of.
    pub node: Option<Name>,
    /// What was found; of a false one, what it ran into.
    pub quotes: Vec<Quote>,
    /// How many records.
    pub count: u64,
    /// When the first was.
    pub at: Time,
    /// The cells of the row shown, by column.
    pub cells: BTreeMap<String, String>,
}

/// A line of `for` or `against` and what it did.
#[derive(Debug, Clone)]
pub struct ItemTrace {
    /// As written.
    pub when: String,
    /// Whether it stands under `against`.
    pub against: bool,
    /// weak, moderate, strong, conclusive or excludes.
    pub weight: &'static str,
    /// Its group: of a group only the best counts.
    pub group: Option<String>,
    /// The answer.
    pub value: Truth,
    /// What it would add alone.
    pub alone_db: f64,
    /// What it added.
    pub added_db: f64,
}

/// Ways shown of one rule.
const MOST_WAYS: usize = 20;

/// How a rule came to its answer; nothing where there is no such rule.
pub(crate) fn trace(pack: &Pack, timeline: &Timeline, name: &str) -> Option<Trace> {
    let rule = pack.rules.iter().find(|it| it.name == name)?;
    let diagnosis = infer::diagnose(pack, timeline, &Alerts::default());
    let case = Case::new(timeline, pack, &Alerts::default());
    case.begin();
    let framed = frames(&case, rule);
    let mut limits_hit = Vec::new();
    if framed.cut {
        limits_hit.push(format!("{MOST_FRAMES} ways to fill it in, the later ones are left out"));
    }
    let holds = !framed.bindings.is_empty();
    let bindings = if holds { framed.bindings } else { vec![Binding::default()] };
    let mut ways: Vec<Way> = Vec::new();
    for mut binding in bindings {
        for clause in &rule.clauses {
            if !binding.answers.contains_key(&clause.name) {
                judge(&case, clause, &mut binding);
            }
        }
        ways.push(way(&case, pack, rule, &binding, holds.then_some(&diagnosis)));
    }
    ways.sort_by(|a, b| b.score_db.total_cmp(&a.score_db));
    if ways.len() > MOST_WAYS {
        limits_hit.push(format!("{} ways to fill it in, the strongest {MOST_WAYS} are shown", ways.len()));
        ways.truncate(MOST_WAYS);
    }
    if case.is_spent() {
        limits_hit.push("the limit of rows to look at; what was left is unknown".to_owned());
    }
    Some(Trace { rule: rule.name.clone(), symptom: rule.symptom, ways, framed: holds, limits_hit })
}

fn way(case: &Case<'_>, pack: &Pack, rule: &Rule, binding: &Binding, diagnosis: Option<&Diagnosis>) -> Way {
    let hypothesis = infer::hypothesis(case, pack, rule, binding);
    let added = infer::added(&hypothesis.answers);
    let item = |(it, added_db): (&Answer, f64)| ItemTrace {
        when: it.written.clone(),
        against: it.against,
        weight: it.word.name(),
        group: it.group.clone(),
        value: it.truth,
        alone_db: it.weight_db(),
        added_db,
    };
    let framed: Vec<&str> = rule.frame.iter().flat_map(mentioned).collect();
    Way {
        title: hypothesis.title.clone(),
        bindings: hypothesis.bindings.clone(),
        clauses: rule.clauses.iter().map(|it| clause(it, framed.contains(&it.name.as_str()), binding)).collect(),
        items: hypothesis.answers.iter().zip(added).map(item).collect(),
        order_db: hypothesis.order_db,
        prior_db: hypothesis.prior_db,
        score_db: hypothesis.score_db + hypothesis.prior_db,
        outcome: match diagnosis {
            None => Outcome::NotFramed,
            Some(_) if rule.symptom => Outcome::Seen,
            Some(diagnosis) => outcome(&hypothesis, diagnosis),
        },
    }
}

fn clause(of: &Clause, frame: bool, binding: &Binding) -> ClauseTrace {
    let judged = binding.answers.get(&of.name);
    let found = judged.and_then(|it| it.found.as_ref());
    let cells = found.into_iter().flat_map(|it| &it.cells).filter(|it| it.1.is_some());
    ClauseTrace {
        name: of.name.clone(),
        written: of.written.clone(),
        frame,
        value: judged.map_or(Truth::Unknown, |it| it.truth),
        reason: judged.map_or_else(String::new, |it| it.reason.clone()),
        collect: judged.map_or_else(String::new, |it| it.collect.clone()),
        node: judged.and_then(|it| it.node.clone()),
        quotes: found.map_or_else(Vec::new, |it| it.quotes.clone()),
        count: found.map_or(0, |it| it.count),
        at: found.map_or(Time::UNKNOWN, |it| it.at),
        cells: cells.map(|(name, value)| (name.clone(), value.to_string())).collect(),
    }
}

fn outcome(of: &Hypothesis, diagnosis: &Diagnosis) -> Outcome {
    let about = |it: &Hypothesis| of.nodes.iter().all(|node| it.nodes.contains(node));
    let same = |it: &Hypothesis| {
        let whole = it.bindings.iter().all(|(name, value)| of.bindings.get(name) == Some(value));
        it.rule == of.rule && about(it) && whole
    };
    if let Some(at) = diagnosis.hypotheses.iter().position(same) {
        let it = &diagnosis.hypotheses[at];
        let why_not_first = it.why_not.clone().filter(|_| at > 0);
        return Outcome::Listed { rank: at + 1, band: it.band, why_not_first };
    }
    if let Some(it) = diagnosis.ruled_out.iter().find(|it| same(it)) {
        return Outcome::RuledOut { why: it.why_not.clone().unwrap_or_default() };
    }
    let part = |it: &Hypothesis| it.includes.iter().any(|it| it.rule == of.rule && it.title == of.title);
    match diagnosis.hypotheses.iter().position(part) {
        Some(at) => Outcome::Included { rank: at + 1, rule: diagnosis.hypotheses[at].rule.clone() },
        None => Outcome::Dropped,
    }
}
