//! What the inference hands out.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Name, Quote, Span, Time, Truth};

use super::weigh::Answer;

use crate::alerts::Alert;

/// How sure we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Something conclusive or two strong things, nothing against the order, far ahead of the next.
    Confirmed,
    /// Ten to one against a cause we do not know, well ahead of the next.
    Likely,
    /// More likely than a cause we do not know.
    Possible,
    /// It would need what this bundle does not hold.
    NotAssessable,
    /// Excluded, or looked for and not supported.
    RuledOut,
}

impl Band {
    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Band::Confirmed => "confirmed",
            Band::Likely => "likely",
            Band::Possible => "possible",
            Band::NotAssessable => "not-assessable",
            Band::RuledOut => "ruled-out",
        }
    }
}

/// What an item does to its hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// Speaks for it.
    For,
    /// Speaks against it.
    Against,
    /// Belongs to the picture.
    Context,
}

/// One item of evidence.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The clause or condition it answers.
    pub clause: String,
    /// For, against or context.
    pub polarity: Polarity,
    /// The answer.
    pub value: Truth,
    /// What it moved the score by, decibans.
    pub weight_db: f64,
    /// Why it matters.
    pub why: String,
    /// How many records like the one quoted.
    pub count: u64,
    /// When.
    pub at: Time,
    /// The node it was seen on.
    pub node: Option<Name>,
    /// The lines, the most telling first.
    pub quotes: Vec<Quote>,
}

/// Where a step of the chain stands relative to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one before it is proved to be earlier.
    Before,
    /// The clocks cannot tell.
    Unknown,
    /// The one before it is proved to be later.
    After,
}

/// One step from cause to symptom.
#[derive(Debug, Clone)]
pub struct Step {
    /// The clause or symptom.
    pub clause: String,
    /// What happened.
    pub text: String,
    /// When.
    pub at: Time,
    /// The step before it came first, or not.
    pub order: Order,
    /// How many records like it.
    pub count: u64,
    /// The line.
    pub quote: Option<Quote>,
    /// State that held at `at`, nobody knows since when: it has no place in the order.
    pub state: bool,
    /// The group of its clause: shadows of one event have no order among them.
    pub(crate) group: Option<String>,
}

/// What was not collected and would have told.
#[derive(Debug, Clone)]
pub struct Missing {
    /// The clause that stays open.
    pub clause: String,
    /// Where to collect.
    pub node: Option<Name>,
    /// What to collect.
    pub collect: String,
    /// Why it is open.
    pub reason: String,
    /// What it could add, decibans.
    pub would_add_db: f64,
}

/// A hypothesis that is part of another's chain.
#[derive(Debug, Clone)]
pub struct Included {
    /// Its rule.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Its band had it stood alone.
    pub band: Band,
}

/// A rule that fits, with its evidence.
#[derive(Debug, Clone)]
pub struct Hypothesis {
    /// The rule.
    pub rule: String,
    /// What happened, in one line.
    pub title: String,
    /// What it does to the node or the cluster.
    pub impact: String,
    /// How sure.
    pub band: Band,
    /// Sum of the evidence, decibans.
    pub score_db: f64,
    /// Share among the hypotheses and a cause unknown to the rules.
    pub confidence: f64,
    /// The nodes it is about.
    pub nodes: Vec<Name>,
    /// The values of its variables.
    pub bindings: BTreeMap<String, String>,
    /// When it began.
    pub start: Time,
    /// When it was last seen.
    pub end: Time,
    /// From cause to symptom.
    pub chain: Vec<Step>,
    /// For, against, and what belongs to the picture.
    pub evidence: Vec<Evidence>,
    /// What would decide more.
    pub missing: Vec<Missing>,
    /// The symptoms it explains, by place in [`Diagnosis::symptoms`].
    pub explains: Vec<usize>,
    /// Hypotheses that are part of this one.
    pub includes: Vec<Included>,
    /// Why it is not first, or why it is ruled out.
    pub why_not: Option<String>,
    /// The clause that rules it out.
    pub because: Option<String>,
    /// What to do now.
    pub fix_now: Vec<String>,
    /// What to do later.
    pub fix_later: Vec<String>,
    /// Where to read on.
    pub refs: Vec<String>,
    /// Whether its cited lines alone give the same answer; asked of the first only.
    pub witness_agrees: Option<bool>,
    /// Bugs with known versions that are behind it.
    pub known_bugs: Vec<KnownBug>,
    /// What would change its band or the ranking, the most telling first.
    pub decisive: Vec<Decisive>,
    /// Hypotheses that stand level with it, by rank from 1.
    pub tied_with: Vec<usize>,
    /// The hypothesis it follows from, by rank from 1.
    pub caused_by: Option<usize>,
    /// The answers its score adds up.
    pub(crate) answers: Vec<Answer>,
    /// What the order of its chain adds.
    pub(crate) order_db: f64,
    /// What it costs that all of it was seen in one moment, and nothing followed.
    pub(crate) moment_db: f64,
    /// What is known of the rule before looking.
    pub(crate) prior_db: f64,
    /// The lines its frame stands on.
    pub(crate) frame_spans: BTreeSet<Span>,
    /// What it says, whatever the node.
    pub(crate) statement: String,
    /// Symptoms by name and time allowed.
    pub(crate) may_explain: Vec<crate::language::Explains>,
    /// Rules it takes in.
    pub(crate) absorbs: Vec<String>,
    /// Steps as written, before symptoms are known.
    pub(crate) chain_names: Vec<String>,
}

/// A bug with known versions.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownBug {
    /// Its name in the registry.
    pub name: String,
    /// What it does.
    pub title: String,
    /// What it is in.
    pub component: String,
    /// The version here, where it was collected.
    pub version: Option<String>,
    /// Whether that version has it; unknown where it was not collected or its maker may have fixed it.
    pub affected: Truth,
    /// Its names elsewhere.
    pub ids: Vec<String>,
    /// The version with the fix.
    pub fixed: Option<String>,
    /// The date of the fix.
    pub fixed_on: Option<String>,
    /// What helps without it.
    pub workaround: Option<String>,
    /// Where to read on.
    pub refs: Vec<String>,
}

/// One answer on which the outcome hangs.
#[derive(Debug, Clone, PartialEq)]
pub struct Decisive {
    /// The line of `for` or `against`.
    pub clause: String,
    /// What the answer is.
    pub value: Truth,
    /// What is supposed instead: unknown for evidence that is taken away.
    pub supposed: Truth,
    /// The band it would have then.
    pub band: Band,
    /// The rule that would come first then, where that changes.
    pub first: Option<String>,
}

/// Something that went wrong and is never the root.
#[derive(Debug, Clone)]
pub struct Symptom {
    /// The rule.
    pub rule: String,
    /// What was seen.
    pub title: String,
    /// The nodes it was seen on.
    pub nodes: Vec<Name>,
    /// The values of its variables.
    pub bindings: BTreeMap<String, String>,
    /// First seen.
    pub at: Time,
    /// Last seen.
    pub last: Time,
    /// How many records.
    pub count: u64,
    /// The first line.
    pub quotes: Vec<Quote>,
    /// The hypothesis that explains it, by rank from 1.
    pub explained_by: Option<usize>,
    /// The symptom it follows from, by place in [`Diagnosis::symptoms`].
    pub follows: Option<usize>,
    /// Every line that shows it, where lines alone do.
    pub(crate) sightings: Vec<super::episodes::Sighting>,
    /// Effects of its own.
    pub(crate) may_explain: Vec<crate::language::Explains>,
}

/// A rule that was tried without success.
#[derive(Debug, Clone)]
pub struct LookedFor {
    /// The rule.
    pub rule: String,
    /// What it asks for.
    pub what: String,
    /// Why there is no answer, or none was found.
    pub reason: String,
    /// What to collect so that there is one.
    pub collect: String,
}

/// One thing to collect, and what it would decide.
#[derive(Debug, Clone)]
pub struct Collect {
    /// Where.
    pub node: Option<Name>,
    /// What.
    pub collect: String,
    /// The rules it would help to decide.
    pub decides: Vec<String>,
    /// By how much at most, decibans.
    pub would_add_db: f64,
    /// How much of the belief in the hypotheses it is expected to move, 0 to 1.
    pub expected_change: f64,
}

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every symptom has its cause.
    Explained,
    /// Some have.
    Partly,
    /// Something is wrong and we do not know why.
    Unknown,
    /// Nothing is wrong as far as can be seen.
    Healthy,
}

/// What the rules say about a timeline.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// Best first.
    pub hypotheses: Vec<Hypothesis>,
    /// Excluded or not supported, with the reason.
    pub ruled_out: Vec<Hypothesis>,
    /// What went wrong, in time order.
    pub symptoms: Vec<Symptom>,
    /// Alerts of the user's own rules that would have fired, in time order: what they say is no symptom of ours.
    pub alerts: Vec<Alert>,
    /// In one word.
    pub verdict: Verdict,
    /// Rules whose frame was looked for in complete sources and not found.
    pub looked_for: Vec<LookedFor>,
    /// Rules whose sources are not in the bundle.
    pub could_not_look: Vec<LookedFor>,
    /// What to collect next time, most telling first.
    pub collect_plan: Vec<Collect>,
    /// Rules that were cut short, and by what.
    pub limits_hit: Vec<String>,
}
