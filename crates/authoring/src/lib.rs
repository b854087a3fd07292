//! The workshop beside the front door: what people need who write rules and keep corpora of their own.
//!
//! [`rule_tests`] runs the bundles in a string that stand in rule files. All of it uses the public face of `coroner`;
//! nothing here is needed to analyse a bundle.
//!
//! **Invariant:** no printing, and a bundle is only ever read through `coroner::Analyzer`.

mod packed;
mod rule_tests;

pub use packed::tar_gz;
pub use rule_tests::{CaseOutcome, rule_tests};
