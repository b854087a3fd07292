//! The rules: what lines mean, which failures are known, and how the evidence is weighed.
//!
//! Rules are data: one YAML file each under `pack/`, or in a folder of the user's. Detectors are code that publishes
//! relations rules can join. The inference ranks what fits.
//!
//! **Invariant:** no rule sees raw text; it asks for signals, metrics and relations.
//! **Invariant:** every item of evidence carries quotes, and every answer is true, false or unknown.
//! **Invariant:** the same timeline gives the same answer.

mod alerts;
mod detectors;
mod engine;
mod hearsay;
mod infer;
mod language;
mod lint;
mod pack;
mod promql;
mod scan;
mod schema;
mod signals;
mod trace;

pub use alerts::{Alert, Alerts};
pub use infer::{
    Band, Collect, Decisive, Diagnosis, Evidence, Hypothesis, Included, KnownBug, LookedFor, Missing, Order, Polarity,
    Step, Symptom, Verdict,
};
pub use language::{Error, Expectation, TestCase};
pub use lint::{Finding, Level};
pub use pack::{BugDoc, Pack, RuleDoc, RuleTests, RuleWeight};
pub use schema::rule_schema;
pub use trace::{ClauseTrace, ItemTrace, Outcome, Trace, Way};
