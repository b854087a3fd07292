//! The workshop beside the front door: what people need who write rules and keep corpora of their own.
//!
//! [`rule_tests()`] runs the bundles in a string that stand in rule files. [`incidents`] reads a corpus, [`score()`] says how
//! well a set of rules does on it, its [`variants`] included, and [`add()`] makes an incident of a bundle. [`draft()`] begins a
//! rule from lines that somebody points at; [`rule_pages`] documents rules. All of it uses the public face of `coroner`; nothing here is
//! needed to analyse a bundle.
//!
//! **Invariant:** no printing, and a bundle is only ever read through `coroner::Analyzer`.

mod add;
mod baseline;
mod boots;
mod check;
mod draft;
mod error;
mod incident;
mod packed;
mod pages;
mod parallel;
mod pattern;
mod quotes;
mod rule_tests;
mod score;
mod score_text;
mod share;
mod stamps;
pub mod variants;

pub use add::{Added, add, write_below};
pub use check::{checked, readable};
pub use draft::{Draft, Shown, draft};
pub use error::Error;
pub use incident::{Incident, Truth, Verbatim, against_truth, incidents};
pub use packed::tar_gz;
pub use pages::{RulePage, rule_pages};
pub use rule_tests::{CaseOutcome, rule_tests};
pub use score::{Changed, Score, Scored, score};
pub use score_text::score_text;
pub use share::Share;
