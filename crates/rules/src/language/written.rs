//! Rule and signal files as they are written, word by word, each with its place.
//!
//! These are read from YAML, and for the built-in pack also from the bytes the build script made of it: `build.rs` takes this
//! very file, so that what it writes is what is read. Nothing here knows the rest of the language.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_saphyr::Spanned;

/// Something with its place in the file.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    /// From 1.
    pub(crate) line: u64,
    /// From 1.
    pub(crate) column: u64,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<At<T>, D::Error> {
        if from.is_human_readable() {
            let it = Spanned::<T>::deserialize(from)?;
            return Ok(At { value: it.value, line: it.referenced.line(), column: it.referenced.column() });
        }
        let (line, column, value) = Deserialize::deserialize(from)?;
        Ok(At { value, line, column })
    }
}

impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.line, self.column, &self.value).serialize(to)
    }
}

/// A word with its place.
pub(crate) type Text = At<String>;

/// One file: a signal, a cause or a symptom.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Document {
    Signal(SignalDocument),
    Rule(Box<RuleDocument>),
    Bugs(BugsDocument),
}

#[derive(Debug, Serialize, Deserialize)]
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchDocument {
    pub(crate) from: Vec<Text>,
    pub(crate) any: Vec<Text>,
    pub(crate) regex: Text,
    pub(crate) unless: Option<Text>,
}

/// A clause: one line of `let`, as written.
pub(crate) type ClauseDocument = BTreeMap<String, Text>;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDocument {
    pub(crate) rule: Option<Text>,
    pub(crate) symptom: Option<Text>,
    pub(crate) title: Text,
    pub(crate) impact: Text,
    #[serde(default)]
    pub(crate) status: Option<Text>,
    #[serde(rename = "let")]
    pub(crate) clauses: BTreeMap<String, At<ClauseDocument>>,
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
    pub(crate) tests: Vec<At<TestCase>>,
}

#[derive(Debug, Serialize, Deserialize)]
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

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixDocument {
    #[serde(default)]
    pub(crate) now: Vec<Text>,
    #[serde(default)]
    pub(crate) later: Vec<Text>,
}

/// A bundle in a string and what a reader would see.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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

/// A file of known bugs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BugsDocument {
    #[serde(rename = "known-bugs")]
    pub(crate) bugs: Vec<BugDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BugDocument {
    pub(crate) bug: Text,
    pub(crate) title: Text,
    pub(crate) component: Text,
    #[serde(default)]
    pub(crate) ids: Vec<String>,
    pub(crate) affected: Vec<RangeDocument>,
    #[serde(default)]
    pub(crate) lines: Vec<MatchDocument>,
    #[serde(default)]
    pub(crate) samples: Vec<Text>,
    #[serde(default)]
    pub(crate) not_samples: Vec<Text>,
    #[serde(default)]
    pub(crate) rows: Option<At<ClauseDocument>>,
    #[serde(default)]
    pub(crate) workaround: Option<String>,
    pub(crate) refs: Vec<Text>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeDocument {
    #[serde(default)]
    pub(crate) from: Option<Text>,
    #[serde(default)]
    pub(crate) before: Option<Text>,
    #[serde(default)]
    pub(crate) through: Option<Text>,
    #[serde(default)]
    pub(crate) only: Option<Text>,
    #[serde(default)]
    pub(crate) backports: Option<Text>,
    #[serde(default)]
    pub(crate) fixed: Option<Text>,
    #[serde(default)]
    pub(crate) on: Option<Text>,
}

/// Reads one file; of one that is `settled` (checked when coroner was built) neither tests nor samples.
pub(crate) fn read(text: &str, settled: bool) -> Result<Document, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        with_snippet: false,
    };
    let begins = |key: &str| text.lines().any(|it| it.starts_with(key));
    let shown = if settled { before_tests_and_samples(text) } else { text };
    if begins("known-bugs:") {
        serde_saphyr::from_str_with_options(shown, options).map(Document::Bugs)
    } else if begins("signal:") {
        serde_saphyr::from_str_with_options(shown, options).map(Document::Signal)
    } else {
        serde_saphyr::from_str_with_options(shown, options).map(|it| Document::Rule(Box::new(it)))
    }
}

/// The rule without its tests or the signal without its samples, which stand last and are longer than the rest.
fn before_tests_and_samples(text: &str) -> &str {
    let ends = ["\ntests:\n", "\nsamples:", "\nnot_samples:"];
    ends.iter().filter_map(|it| text.find(it)).min().map_or(text, |at| &text[..=at])
}
