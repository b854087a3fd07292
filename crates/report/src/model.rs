//! What a report says, as plain data: hypotheses with their evidence, symptoms, what is missing.
//!
//! Field names are the contract with tools (`schema/report.schema.json`); a field is added, never renamed or reused.
//! Lists are empty rather than absent, single values that are not known are `null`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::{Boot, Clock, ClockFindings, Coverage, Instant, Node};

/// What an analysis found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`Report::SCHEMA`].
    pub schema: String,
    /// Name of the case: the bundles it was read from.
    pub case: String,
    /// How much of what is visible the hypotheses explain.
    pub verdict: Verdict,
    /// The nodes of the case.
    pub nodes: Vec<Node>,
    /// What may have happened, the best first.
    pub hypotheses: Vec<Hypothesis>,
    /// What did not happen, with the line that says so.
    pub ruled_out: Vec<Hypothesis>,
    /// Rules that could not even be asked, because what they look at was not collected.
    pub not_assessable: Vec<Looked>,
    /// What is visibly wrong, whatever its cause.
    pub symptoms: Vec<Symptom>,
    /// Alerts of the reader's own Prometheus rules that would have fired; absent where none were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// The symptoms that no hypothesis accounts for.
    pub unexplained: Vec<SymptomRef>,
    /// What was looked for in vain; present when no hypothesis wins.
    pub cause_unknown: Option<CauseUnknown>,
    /// What to collect to decide more, the most useful first.
    pub collect_plan: Vec<Collect>,
    /// The clocks behind all times.
    pub clocks: Vec<Clock>,
    /// What was found out about them.
    pub clock_findings: ClockFindings,
    /// The boots of the nodes.
    pub boots: Vec<Boot>,
    /// What was collected, and how much of it was understood.
    pub coverage: Coverage,
    /// How many rules were evaluated.
    pub rules_checked: u32,
    /// Limits that cut the analysis short.
    pub limits_hit: Vec<LimitHit>,
}

impl Report {
    /// Name and version of the contract.
    pub const SCHEMA: &'static str = "coroner.report/1";
}

impl Default for Report {
    fn default() -> Report {
        Report {
            schema: Report::SCHEMA.to_owned(),
            case: String::new(),
            verdict: Verdict::Unknown,
            nodes: Vec::new(),
            hypotheses: Vec::new(),
            ruled_out: Vec::new(),
            not_assessable: Vec::new(),
            symptoms: Vec::new(),
            alerts: Vec::new(),
            unexplained: Vec::new(),
            cause_unknown: None,
            collect_plan: Vec::new(),
            clocks: Vec::new(),
            clock_findings: ClockFindings::default(),
            boots: Vec::new(),
            coverage: Coverage::default(),
            rules_checked: 0,
            limits_hit: Vec::new(),
        }
    }
}

/// The report in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every symptom has a cause.
    Explained,
    /// Some symptoms have a cause.
    Partly,
    /// Something is wrong and no hypothesis wins.
    Unknown,
    /// Nothing is visibly wrong.
    Healthy,
}

/// How far a hypothesis may be trusted, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// What would show it was not collected.
    #[default]
    NotAssessable,
    /// Excluded, or looked for and not there.
    RuledOut,
    /// Better than a cause outside the rules.
    Possible,
    /// Clearly ahead.
    Likely,
    /// Conclusive, and contradicted by nothing.
    Confirmed,
}

impl Band {
    /// The word, as JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Band::NotAssessable => "not-assessable",
            Band::RuledOut => "ruled-out",
            Band::Possible => "possible",
            Band::Likely => "likely",
            Band::Confirmed => "confirmed",
        }
    }
}

/// A rule that fits, with its evidence.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hypothesis {
    /// Place in the ranking, from 1; those ruled out follow the others.
    pub rank: u32,
    /// Name of the rule.
    pub rule: String,
    /// What went wrong, in one line.
    pub title: String,
    /// How far it may be trusted.
    pub band: Band,
    /// Weight of the evidence in decibans.
    #[serde(serialize_with = "tenths")]
    pub score_db: f64,
    /// Share of belief among the hypotheses and a cause outside the rules, 0 to 1.
    #[serde(serialize_with = "hundredths")]
    pub confidence: f64,
    /// The nodes it is said of.
    pub nodes: Vec<String>,
    /// What the variables of the rule stand for here.
    pub bindings: BTreeMap<String, String>,
    /// When it began.
    pub start: Instant,
    /// When it ended or was last seen.
    pub end: Instant,
    /// What it does to users of the cluster.
    pub impact: String,
    /// What led to what, the cause first.
    pub chain: Vec<Link>,
    /// What speaks for and against it.
    pub evidence: Vec<Evidence>,
    /// What was not collected and would decide more.
    pub missing: Vec<Missing>,
    /// The symptoms it accounts for.
    pub explains: Vec<SymptomRef>,
    /// The hypothesis that it follows from, where one was found.
    pub caused_by: Option<HypothesisRef>,
    /// Ranks of those that stand level with it: the order between them means nothing.
    pub tied_with: Vec<u32>,
    /// Bugs of known versions that are behind it.
    pub known_bugs: Vec<KnownBug>,
    /// Single answers that would change its band or the ranking, the most telling first.
    pub decisive: Vec<Decisive>,
    /// The hypotheses that are part of it; they need not be listed on their own.
    pub includes: Vec<HypothesisRef>,
    /// Why another one is ranked first.
    pub why_not_first: Option<Reason>,
    /// The clause that excludes it.
    pub ruled_out_by: Option<String>,
    /// What the cited lines alone say.
    pub witness: Witness,
    /// What to do.
    pub fix: Fix,
    /// Where to read more.
    pub refs: Vec<String>,
}

/// A bug whose affected versions are known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KnownBug {
    /// Its name in the registry.
    pub bug: String,
    /// What it does.
    pub title: String,
    /// What it is in: the kernel, a package.
    pub component: String,
    /// The version here; `null` where it was not collected.
    pub version: Option<String>,
    /// Whether that version has it; unknown also where its maker may have taken the fix.
    pub affected: Answer,
    /// Its names elsewhere: LP, CVE, numbers of issues.
    pub ids: Vec<String>,
    /// The version with the fix.
    pub fixed: Option<String>,
    /// The date of the fix, as exact as it is known: `2020-07-22`, `2020-07`, `2020`.
    pub fixed_on: Option<String>,
    /// What helps without the fix.
    pub workaround: Option<String>,
    /// Where to read more.
    pub refs: Vec<String>,
}

/// One answer on which the outcome hangs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decisive {
    /// The clause or condition of the rule.
    pub clause: String,
    /// What is answered.
    pub value: Answer,
    /// What is supposed instead; unknown is evidence taken away.
    pub supposed: Answer,
    /// The band the hypothesis would have.
    pub band: Band,
    /// The rule that would come first, where that changes.
    pub first: Option<String>,
}

/// Whether the cited lines, analysed alone, give the same hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// They do.
    Agrees,
    /// They do not: something uncited carries it.
    Differs,
    /// Not tried.
    #[default]
    NotRun,
}

/// One step of what happened.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Link {
    /// The clause of the rule; its evidence carries the same name.
    pub clause: String,
    /// What happened, in words.
    pub text: String,
    /// When.
    pub at: Instant,
    /// Whether the step above it came before it; `null` on the first one.
    pub order: Option<Order>,
    /// How many lines or rows say so.
    pub count: u64,
    /// The file that shows it.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// The line as it stands.
    pub quote: Option<String>,
}

/// Whether the step above came before a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// It did.
    Before,
    /// The clocks cannot tell.
    Unknown,
    /// It came later: the chain is contradicted.
    After,
}

/// A clause and what stands in the bundle for it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The clause of the rule.
    pub clause: String,
    /// Which way it weighs when true.
    pub polarity: Polarity,
    /// Whether it holds.
    pub value: Answer,
    /// What it adds to the score here; negative where it speaks against.
    #[serde(serialize_with = "tenths")]
    pub weight_db: f64,
    /// What it means.
    pub why: String,
    /// How many lines or rows say so.
    pub count: u64,
    /// The file of the one that is quoted.
    pub file: Option<String>,
    /// Its line, from 1.
    pub line: Option<u32>,
    /// The line as it stands.
    pub text: Option<String>,
    /// When.
    pub at: Instant,
    /// On which node.
    pub node: Option<String>,
}

/// Which way a clause weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// It supports the hypothesis.
    For,
    /// It contradicts the hypothesis.
    Against,
    /// It only sets the scene.
    #[default]
    Context,
}

/// True, false, or not to be known from this bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The bundle shows it.
    True,
    /// The bundle excludes it.
    False,
    /// The bundle cannot tell.
    #[default]
    Unknown,
}

impl From<timeline::Truth> for Answer {
    fn from(truth: timeline::Truth) -> Answer {
        match truth {
            timeline::Truth::True => Answer::True,
            timeline::Truth::False => Answer::False,
            timeline::Truth::Unknown => Answer::Unknown,
        }
    }
}

/// A clause that could not be decided.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Missing {
    /// The clause of the rule.
    pub clause: String,
    /// Where to collect it.
    pub node: Option<String>,
    /// The command, file or setting that would show it.
    pub collect: String,
    /// Why the clause is open.
    pub reason: String,
    /// What it could add to the score.
    #[serde(serialize_with = "tenths")]
    pub would_add_db: f64,
}

/// Another hypothesis.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HypothesisRef {
    /// Its rank; `null` where it is not listed on its own.
    pub rank: Option<u32>,
    /// Its rule.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// How far it may be trusted.
    pub band: Band,
}

/// A symptom by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct SymptomRef {
    /// Name of the symptom.
    pub symptom: String,
    /// Where it shows.
    pub nodes: Vec<String>,
    /// What it says, in one line.
    pub title: String,
}

/// A reason, with the line that gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reason {
    /// The reason in words.
    pub why: String,
    /// The file of the line that gives it.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// The line as it stands.
    pub text: Option<String>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fix {
    /// To end the incident.
    pub now: Vec<String>,
    /// So that it does not come back.
    pub later: Vec<String>,
}

/// Something visibly wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Symptom {
    /// Name of the symptom.
    pub symptom: String,
    /// What it says, in one line.
    pub title: String,
    /// Where it shows.
    pub nodes: Vec<String>,
    /// What the variables of the rule stand for here.
    pub bindings: BTreeMap<String, String>,
    /// When it was first seen.
    pub at: Instant,
    /// When it was last seen.
    pub last: Instant,
    /// How many lines or rows say so.
    pub count: u64,
    /// The hypotheses that account for it.
    pub explained_by: Vec<HypothesisRef>,
    /// The symptom it follows from, where one was seen.
    pub follows: Option<SymptomRef>,
    /// The lines that show it, the first of them.
    pub quotes: Vec<Cited>,
}

/// An alert of the reader's own rules that would have fired.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// What it says, in one line: its summary, message or description, else its expression.
    pub title: String,
    /// The node it is about, where its labels say so.
    pub node: Option<String>,
    /// The labels of its series and of its rule.
    pub labels: BTreeMap<String, String>,
    /// What it says, with its templates filled in.
    pub annotations: BTreeMap<String, String>,
    /// What it asks.
    pub expression: String,
    /// How long that had to hold before it fired, in seconds.
    pub for_secs: i64,
    /// When its condition began to hold.
    pub at: Instant,
    /// When it last held.
    pub last: Instant,
    /// How often it fired.
    pub times: u64,
    /// The farthest its value went; absent where that is no number.
    pub value: Option<f64>,
    /// The samples behind that value.
    pub quotes: Vec<Cited>,
    /// Where its rule stands: file and line.
    pub rule: String,
}

/// A line of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cited {
    /// The file.
    pub file: String,
    /// The line there, from 1.
    pub line: u32,
    /// The line as it stands.
    pub text: String,
}

/// What is left to say when no hypothesis wins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CauseUnknown {
    /// What was looked for where it would show, and is not there.
    pub looked_for: Vec<Looked>,
    /// What could not be looked at.
    pub could_not_look: Vec<Looked>,
    /// The hypotheses that came closest.
    pub closest: Vec<HypothesisRef>,
}

/// Something that was looked for in vain, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Looked {
    /// The rule that asks.
    pub rule: String,
    /// What it asks for: `OOM kill on node-08`.
    pub what: String,
    /// Where it would show, or why that could not be seen: `its kernel log covers 20:00 to 22:05`, `kdump is off`.
    pub reason: String,
}

/// One thing to collect, for all hypotheses together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Collect {
    /// Where; `null` for the cluster.
    pub node: Option<String>,
    /// The command, file or setting.
    pub collect: String,
    /// The rules it would help to decide.
    pub decides: Vec<String>,
    /// The most it could add to one hypothesis.
    #[serde(serialize_with = "tenths")]
    pub would_add_db: f64,
    /// How much of the belief in the hypotheses it is expected to move, 0 to 1; the plan is ordered by it.
    #[serde(serialize_with = "hundredths")]
    pub expected_change: f64,
}

/// A limit that cut something short.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitHit {
    /// Name of the limit.
    pub limit: String,
    /// What is missing because of it.
    pub what: String,
    /// The file it struck, where it struck one.
    pub file: Option<String>,
}

fn tenths<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    rounded(*number, 10.0, to)
}

fn hundredths<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    rounded(*number, 100.0, to)
}

/// Numbers print the same on every machine, and whole ones without a fraction.
fn rounded<S: Serializer>(number: f64, steps: f64, to: S) -> Result<S::Ok, S::Error> {
    let near = (number * steps).round() / steps;
    if near.fract() == 0.0 && near.abs() < 1e15 { to.serialize_i64(near as i64) } else { to.serialize_f64(near) }
}
