//! The keys of rule and signal files. Unknown and duplicate keys are mistakes; scalars are strings until their meaning
//! is known, so that `no`, `011` and `1e3` stay what was written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::bugs::BugsDocument;
use super::{Error, File, Place};

/// A word with its place.
pub(crate) type Text = Spanned<String>;

/// One file: a signal, a cause or a symptom.
pub(crate) enum Document {
    Signal(SignalDocument),
    Rule(Box<RuleDocument>),
    Bugs(BugsDocument),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalDocument {
    pub(crate) signal: Text,
    /// What it means, for readers of the file.
    #[allow(dead_code, reason = "demanded of the author, shown by nobody yet")]
    pub(crate) about: String,
    #[serde(rename = "match")]
    pub(crate) matches: Vec<MatchDocument>,
    #[serde(default)]
    pub(crate) samples: Vec<Text>,
    #[serde(default)]
    pub(crate) not_samples: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchDocument {
    pub(crate) from: Vec<Text>,
    pub(crate) any: Vec<Text>,
    pub(crate) regex: Text,
    pub(crate) unless: Option<Text>,
}

/// A clause: one line of `let`, as written.
pub(crate) type ClauseDocument = BTreeMap<String, Text>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDocument {
    pub(crate) rule: Option<Text>,
    pub(crate) symptom: Option<Text>,
    pub(crate) title: Text,
    pub(crate) impact: Text,
    #[serde(default)]
    pub(crate) status: Option<Text>,
    #[serde(rename = "let")]
    pub(crate) clauses: BTreeMap<String, Spanned<ClauseDocument>>,
    pub(crate) frame: Vec<Text>,
    #[serde(default, rename = "for")]
    pub(crate) supports: Vec<ItemDocument>,
    #[serde(default)]
    pub(crate) against: Vec<ItemDocument>,
    #[serde(default)]
    pub(crate) chain: Vec<Text>,
    #[serde(default)]
    pub(crate) explains: Vec<Text>,
    #[serde(default)]
    pub(crate) absorbs: Vec<Text>,
    #[serde(default)]
    pub(crate) says: BTreeMap<String, Text>,
    #[serde(default)]
    pub(crate) missing: BTreeMap<String, Text>,
    #[serde(default)]
    pub(crate) fix: FixDocument,
    #[serde(default)]
    pub(crate) refs: Vec<String>,
    #[serde(default)]
    pub(crate) tests: Vec<Spanned<TestCase>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemDocument {
    pub(crate) when: Text,
    pub(crate) weight: Text,
    #[serde(default)]
    pub(crate) why: Option<Text>,
    #[serde(default)]
    pub(crate) group: Option<String>,
    #[serde(default)]
    pub(crate) expected: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixDocument {
    #[serde(default)]
    pub(crate) now: Vec<Text>,
    #[serde(default)]
    pub(crate) later: Vec<Text>,
}

/// A bundle in a string and what a reader would see.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// What is shown.
    pub name: String,
    /// Path to content.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Starts from the files of another case.
    #[serde(default)]
    pub from: Option<String>,
    /// Path to lines, each `+line` to append or `-line` to take out.
    #[serde(default)]
    pub patch: BTreeMap<String, String>,
    /// Paths to leave out.
    #[serde(default)]
    pub drop: Vec<String>,
    /// What the report must say.
    pub expect: Expectation,
}

/// What the report of a test case must say of the rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Place among the hypotheses.
    #[serde(default)]
    pub rank: Option<usize>,
    /// Its band; `none` when the rule must not be named at all, neither as a hypothesis nor as a symptom.
    #[serde(default)]
    pub band: Option<String>,
    /// A clause that is named as the reason it is ruled out.
    #[serde(default)]
    pub because: Option<String>,
    /// Values its variables must have.
    #[serde(default)]
    pub bind: BTreeMap<String, String>,
    /// Clauses that must be listed as missing.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// Reads one file.
pub(crate) fn parse(file: File<'_>) -> Result<Document, Error> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        with_snippet: false,
    };
    let begins = |key: &str| file.text.lines().any(|it| it.starts_with(key));
    let text = if file.trusted { before_tests_and_samples(file.text) } else { file.text };
    let parsed = if begins("known-bugs:") {
        serde_saphyr::from_str_with_options(text, options).map(Document::Bugs)
    } else if begins("signal:") {
        serde_saphyr::from_str_with_options(text, options).map(Document::Signal)
    } else {
        serde_saphyr::from_str_with_options(text, options).map(|it| Document::Rule(Box::new(it)))
    };
    parsed.map_err(|error| {
        let at = error.location();
        let place = at.map_or(Place { line: 1, column: 1 }, |it| Place { line: it.line(), column: it.column() });
        let message = error.without_snippet().to_string();
        // the place stands in front already
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        file.broken(place, message)
    })
}

/// The rule without its tests or the signal without its samples, which stand last and are longer than the rest.
fn before_tests_and_samples(text: &str) -> &str {
    let ends = ["\ntests:\n", "\nsamples:", "\nnot_samples:"];
    ends.iter().filter_map(|it| text.find(it)).min().map_or(text, |at| &text[..=at])
}

/// Where a word stands.
pub(crate) fn place<T>(of: &Spanned<T>) -> Place {
    Place { line: of.referenced.line(), column: of.referenced.column() }
}
