//! How one rule came to its answer on one bundle, as plain data: every clause with its line or the missing source, every
//! weight with what it added, and what became of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Answer, Band, Cited, HypothesisRef, Instant};

/// One rule on one case.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RuleTrace {
    /// The rule.
    pub rule: String,
    /// Whether it is a symptom: it has no weights then.
    pub symptom: bool,
    /// Whether its frame holds in any way.
    pub framed: bool,
    /// The ways to fill in its variables, the strongest first; where the frame does not hold, the one way in which its
    /// clauses were tried.
    pub ways: Vec<TracedWay>,
    /// What cut it short.
    pub limits_hit: Vec<String>,
}

/// One way to fill in the variables of a rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TracedWay {
    /// What it says.
    pub title: String,
    /// The values of its variables.
    pub bindings: BTreeMap<String, String>,
    /// Its clauses, in the order they were judged.
    pub clauses: Vec<TracedClause>,
    /// Its lines of `for` and `against`.
    pub items: Vec<TracedItem>,
    /// What the proved order of its chain added.
    pub order_db: f64,
    /// What is known of the rule before looking.
    pub prior_db: f64,
    /// The sum.
    pub score_db: f64,
    /// What became of it.
    pub outcome: TraceOutcome,
    /// The band, where it is listed.
    pub band: Option<Band>,
    /// Its rank, where it is listed.
    pub rank: Option<u32>,
    /// The hypothesis it is part of.
    pub part_of: Option<HypothesisRef>,
    /// Why another one is first, or why it is ruled out.
    pub why: Option<String>,
}

/// What became of one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceOutcome {
    /// It is a hypothesis of the report.
    Listed,
    /// It is part of another hypothesis.
    Included,
    /// It is ruled out.
    RuledOut,
    /// It is a symptom that is seen.
    Seen,
    /// Its frame does not hold.
    #[default]
    NotFramed,
    /// There are more hypotheses than are kept.
    Dropped,
}

/// A clause and its answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TracedClause {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub written: String,
    /// Whether the frame stands on it.
    pub frame: bool,
    /// The answer.
    pub value: Answer,
    /// Why it is false or unknown.
    pub reason: String,
    /// Of an unknown one: what to collect.
    pub collect: String,
    /// The node it was asked of.
    pub node: Option<String>,
    /// The lines found; of a false one, what it ran into.
    pub cited: Vec<Cited>,
    /// How many records.
    pub count: u64,
    /// When the first was.
    pub at: Instant,
    /// The cells of the row shown.
    pub cells: BTreeMap<String, String>,
}

/// A line of `for` or `against` and what it did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TracedItem {
    /// As written.
    pub when: String,
    /// Whether it stands under `against`.
    pub against: bool,
    /// weak, moderate, strong, conclusive or excludes.
    pub weight: String,
    /// Its group: of a group only the best counts.
    pub group: Option<String>,
    /// The answer.
    pub value: Answer,
    /// What it would add alone.
    pub alone_db: f64,
    /// What it added.
    pub added_db: f64,
}
