//! The report: what an analysis found, as data and as text.
//!
//! A [`Report`] is plain data with a stable JSON form ([`json`], described by [`SCHEMA`]) and a text for people
//! ([`text()`]); an [`Inspection`] is the part about the bundle alone, a [`RuleDoc`] what a rule says of itself.
//!
//! **Invariant:** no analysis and no I/O; renderings are pure functions to strings.
//! **Invariant:** a quote is the line as it stands; only renderings shorten or escape it.

mod block;
mod boots;
mod care;
mod clocks;
mod coverage;
mod inspect;
mod instant;
mod list;
mod model;
mod page;
mod partial;
mod rule_doc;
mod text;
mod trace;
mod trace_text;
mod when;

pub use clocks::{Clock, ClockFindings, ClockStep, KernelClock, Skew, clocks_json, clocks_text};
pub use coverage::{
    Boot, BootEnd, Bundle, BundlePart, CollectFailure, Coverage, Gap, Inspection, Issue, LogSource, Member,
    MemberOutcome, Node, RelationSource,
};
pub use inspect::inspection_text;
pub use instant::Instant;
pub use model::{
    Alert, Answer, Band, CauseUnknown, Cited, Collect, Decisive, Evidence, Fix, Hypothesis, HypothesisRef, KnownBug,
    LimitHit, Link, Looked, Missing, Order, Polarity, Reason, Report, Symptom, SymptomRef, Verdict, Witness,
};
pub use trace::{RuleTrace, TraceOutcome, TracedClause, TracedItem, TracedWay};
pub use trace_text::trace_text;

pub use page::{Look, clean};
pub use rule_doc::{RuleDoc, Weight, rule_text, rules_text};
pub use text::text;

/// The JSON Schema of a report; an inspection is its `$defs/Inspection`.
pub const SCHEMA: &str = include_str!("../schema/report.schema.json");

/// The report as JSON: indented, fields in a fixed order, a line end at the end.
#[must_use]
pub fn json(report: &Report) -> String {
    pretty(report)
}

/// An inspection as JSON: indented, fields in a fixed order, a line end at the end.
#[must_use]
pub fn inspection_json(inspection: &Inspection) -> String {
    pretty(inspection)
}

fn pretty(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data with string keys always serializes");
    text.push('\n');
    text
}
