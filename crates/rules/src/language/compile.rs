//! From documents to rules the engine can run: every name is resolved here, or refused with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use timeline::{Carrier, Event, Relation, Source};

use super::clause::{compile_clause, in_order};
use super::condition::Condition;
use super::document::{RuleDocument, SignalDocument, Text, place};
use super::expression::Expression;
use super::names::Names;
use super::pattern::Pattern;
use super::quantity::seconds;
use super::suggest::did_you_mean;
use super::template::Template;
use super::window::{Tally, Within};
use super::{Error, File, Place, TestCase};
use crate::detectors::Detector;
use crate::promql::Query;
use crate::signals;

/// A named line pattern.
#[derive(Debug)]
pub(crate) struct Signal {
    pub(crate) name: String,
    /// What it means, in a sentence.
    pub(crate) about: String,
    pub(crate) file: String,
    pub(crate) place: Place,
    /// Shared with the [`crate::signals::Prefilter`], expressions and all.
    pub(crate) matches: Arc<[SignalMatch]>,
}

/// One way a signal shows.
#[derive(Debug, Clone)]
pub(crate) struct SignalMatch {
    pub(crate) place: Place,
    pub(crate) sources: Vec<Source>,
    pub(crate) journal: bool,
    pub(crate) literals: Vec<String>,
    pub(crate) regex: Pattern,
    pub(crate) unless: Option<Pattern>,
}

impl SignalMatch {
    /// Whether a record of this kind can show the signal.
    pub(crate) fn reads(&self, event: &Event) -> bool {
        let carried = self.journal && matches!(event.carrier, Carrier::Journal | Carrier::Syslog);
        carried || self.sources.contains(&event.source)
    }
}

impl Signal {
    /// The names of the values it captures.
    pub(crate) fn captures(&self) -> BTreeSet<&str> {
        self.matches.iter().flat_map(|it| it.regex.names()).collect()
    }

    /// The sources that would show it, each once, in order.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let mut sources: Vec<Source> = self.matches.iter().flat_map(|it| it.sources.iter().copied()).collect();
        if self.matches.iter().any(|it| it.journal) {
            sources.extend([Source::Kernel, Source::Kubelet, Source::Runtime, Source::System]);
        }
        sources.sort_unstable();
        sources.dedup();
        sources
    }
}

/// Columns every signal has besides its captures.
pub(crate) const SIGNAL_COLUMNS: &[&str] = &["unit", "source", "message", "severity", "count"];

/// How much a clause weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    Weak,
    Moderate,
    Strong,
    Conclusive,
    Excludes,
}

impl Word {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Word::Weak => "weak",
            Word::Moderate => "moderate",
            Word::Strong => "strong",
            Word::Conclusive => "conclusive",
            Word::Excludes => "excludes",
        }
    }
}

/// A clause of `let`.
#[derive(Debug)]
pub(crate) struct Clause {
    pub(crate) name: String,
    pub(crate) kind: ClauseKind,
    /// `absent:`: true where nothing fits and the source would have shown it.
    pub(crate) absent: bool,
    pub(crate) conditions: Vec<(String, Condition)>,
    /// The time variable it binds.
    pub(crate) at: Option<String>,
    pub(crate) within: Option<Within>,
    /// How many there must be.
    pub(crate) tallies: Vec<Tally>,
    /// Of several rows the one with the most here.
    pub(crate) best: Option<String>,
    /// Of several rows the last one, rather than the first.
    pub(crate) latest: bool,
    /// As written, for `explain`.
    pub(crate) written: String,
    /// What it asks of each column, as written.
    pub(crate) asked: BTreeMap<String, String>,
    /// Of a signal: the sources that would show it.
    pub(crate) sources: Vec<Source>,
    /// The columns it may name besides `node`; those of a metric are its labels.
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) place: Place,
}

impl Clause {
    /// The variables its rows bind, without its time.
    pub(crate) fn binds(&self) -> impl Iterator<Item = &str> {
        self.conditions
            .iter()
            .filter_map(|(_, it)| if let Condition::Variable(name) = it { Some(&**name) } else { None })
    }
}

/// Where a clause looks.
#[derive(Debug)]
pub(crate) enum ClauseKind {
    Signal(String),
    Fact(&'static Relation),
    Derived(&'static Detector),
    Metric(Box<Query>),
}

/// What must hold: clauses and comparisons under and, or, not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum When {
    Clause(String),
    Not(Box<When>),
    All(Vec<When>),
    Any(Vec<When>),
    Compare(Expression),
    /// The first time is before the second.
    Before(String, String),
    /// The first time is later than the second by so much.
    Gap {
        later: String,
        earlier: String,
        op: GapOp,
        secs: i64,
    },
}

/// At least so long, or shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GapOp {
    AtLeast,
    LessThan,
}

/// A line of `for` or `against`.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) when: When,
    pub(crate) written: String,
    pub(crate) word: Word,
    pub(crate) why: Option<Template>,
    pub(crate) group: Option<String>,
    /// It is always there when the rule is right: false costs the whole word.
    pub(crate) expected: bool,
    pub(crate) place: Place,
}

/// An effect: a symptom, or another cause that follows from this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explains {
    pub(crate) symptom: String,
    /// It begins at least so long after the cause.
    pub(crate) after_secs: i64,
    /// And at most so long after it.
    pub(crate) within_secs: i64,
}

/// A cause or a symptom.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) symptom: bool,
    pub(crate) title: Template,
    pub(crate) impact: Template,
    pub(crate) status: String,
    /// In the order they can be judged.
    pub(crate) clauses: Vec<Clause>,
    pub(crate) frame: Vec<When>,
    pub(crate) supports: Vec<Item>,
    pub(crate) against: Vec<Item>,
    pub(crate) chain: Vec<String>,
    pub(crate) explains: Vec<Explains>,
    pub(crate) absorbs: Vec<String>,
    /// What a clause says when it holds, in words, for the chain and the evidence.
    pub(crate) says: BTreeMap<String, Template>,
    pub(crate) missing: BTreeMap<String, Template>,
    pub(crate) fix_now: Vec<Template>,
    pub(crate) fix_later: Vec<Template>,
    pub(crate) refs: Vec<String>,
    pub(crate) tests: Vec<TestCase>,
    pub(crate) file: String,
    pub(crate) place: Place,
    pub(crate) test_places: Vec<Place>,
    /// Names of other rules and where they stand, for the pack to check.
    pub(crate) mentions: Vec<(String, super::Place)>,
}

/// How long after its cause a symptom may begin, unless the rule says otherwise.
const EXPLAINS_WITHIN_SECS: i64 = 3600;

/// Checks a signal; of a trusted one patterns and samples were checked before.
pub(crate) fn compile_signal(file: File<'_>, document: SignalDocument) -> Result<Signal, Error> {
    let mut matches = Vec::new();
    for of in document.matches {
        let (mut sources, mut journal) = (Vec::new(), false);
        for name in &of.from {
            if name.value == "journal" {
                journal = true;
            } else if let Some(source) = Source::ALL.iter().find(|it| it.name() == name.value) {
                sources.push(*source);
            } else {
                let known: Vec<&str> = Source::ALL.iter().map(|it| it.name()).collect();
                return Err(file.broken(
                    place(name),
                    format!(
                        "no source is called {}{}; there are journal, {}",
                        name.value,
                        did_you_mean(&name.value, known.iter().copied()),
                        known.join(", ")
                    ),
                ));
            }
        }
        let regex = pattern(file, &of.regex)?;
        let unless = of.unless.as_ref().map(|it| pattern(file, it)).transpose()?;
        if of.any.is_empty() {
            return Err(file.broken(place(&of.regex), "`any` names no literal; without one every line would be tried"));
        }
        for literal in &of.any {
            if literal.value.len() < 4 {
                return Err(file.broken(place(literal), "a literal needs at least 4 characters to find lines quickly"));
            }
        }
        let literals = of.any.into_iter().map(|it| it.value).collect();
        matches.push(SignalMatch { place: place(&of.regex), sources, journal, literals, regex, unless });
    }
    let signal = Signal {
        name: document.signal.value.clone(),
        file: file.name.to_owned(),
        place: place(&document.signal),
        about: document.about,
        matches: matches.into(),
    };
    if file.trusted {
        return Ok(signal);
    }
    if let Some(sample) = document.samples.iter().find(|it| !signals::shows(&signal, &it.value)) {
        return Err(file.broken(place(sample), "the signal does not show in this sample"));
    }
    if let Some(sample) = document.not_samples.iter().find(|it| signals::shows(&signal, &it.value)) {
        return Err(file.broken(place(sample), "the signal shows in this line, which it must not"));
    }
    if document.samples.is_empty() || document.not_samples.is_empty() {
        let message = "a signal names at least one of `samples` and one of `not_samples`";
        return Err(file.broken(place(&document.signal), message));
    }
    Ok(signal)
}

pub(super) fn pattern(file: File<'_>, text: &Text) -> Result<Pattern, Error> {
    if file.trusted {
        return Ok(Pattern::trusted(&text.value));
    }
    Pattern::checked(&text.value).map_err(|(why, at)| file.broken(file.inside(place(text), &text.value, at), why))
}

/// Checks a cause or symptom against the signals there are.
pub(crate) fn compile_rule(
    file: File<'_>,
    document: RuleDocument,
    known: &BTreeMap<String, Signal>,
) -> Result<Rule, Error> {
    let (name, symptom) = match (document.rule, document.symptom) {
        (Some(name), None) => (name, false),
        (None, Some(name)) => (name, true),
        _ => return Err(file.broken(place(&document.title), "a rule file names one `rule:` or one `symptom:`")),
    };
    let mut clauses = Vec::new();
    for (clause, written) in &document.clauses {
        clauses.push(compile_clause(file, clause, written, known)?);
    }
    let scope = Names::of(file, &clauses);
    let mut frame = Vec::new();
    for text in &document.frame {
        frame.push(scope.when(text)?);
    }
    if frame.is_empty() {
        return Err(file.broken(place(&name), "`frame` is empty: a rule needs something that must be there"));
    }
    let supports = scope.items(document.supports, false)?;
    let against = scope.items(document.against, true)?;
    let title = scope.template(&document.title)?;
    let impact = scope.template(&document.impact)?;
    let by_clause = |texts: &BTreeMap<String, Text>| -> Result<BTreeMap<String, Template>, Error> {
        let mut found = BTreeMap::new();
        for (clause, text) in texts {
            scope.clause(clause, text)?;
            found.insert(clause.clone(), scope.template(text)?);
        }
        Ok(found)
    };
    let (missing, says) = (by_clause(&document.missing)?, by_clause(&document.says)?);
    let templates = |texts: &[Text]| texts.iter().map(|it| scope.template(it)).collect::<Result<Vec<_>, _>>();
    let (fix_now, fix_later) = (templates(&document.fix.now)?, templates(&document.fix.later)?);
    scope.connected(&document.clauses)?;

    let mut mentions = Vec::new();
    for step in &document.chain {
        if !scope.clauses.contains(step.value.as_str()) {
            mentions.push((step.value.clone(), place(step)));
        }
    }
    let mut explains = Vec::new();
    for text in &document.explains {
        let effect = effect(&text.value).ok_or_else(|| {
            let help =
                "an effect reads like: node-rebooted, node-rebooted within 20m, node-notready after 40s within 10m";
            file.broken(place(text), help)
        })?;
        mentions.push((effect.symptom.clone(), place(text)));
        explains.push(effect);
    }
    mentions.extend(document.absorbs.iter().map(|it| (it.value.clone(), place(it))));
    scope.tests(&document.tests)?;
    let status = match &document.status {
        None => "stable".to_owned(),
        Some(it) if ["experimental", "stable", "deprecated"].contains(&it.value.as_str()) => it.value.clone(),
        Some(it) => return Err(file.broken(place(it), "status is experimental, stable or deprecated")),
    };
    Ok(Rule {
        place: place(&name),
        name: name.value,
        symptom,
        title,
        impact,
        status,
        clauses: in_order(clauses),
        frame,
        supports,
        against,
        chain: document.chain.into_iter().map(|it| it.value).collect(),
        explains,
        absorbs: document.absorbs.into_iter().map(|it| it.value).collect(),
        says,
        missing,
        fix_now,
        fix_later,
        refs: document.refs,
        test_places: document.tests.iter().map(place).collect(),
        tests: document.tests.into_iter().map(|it| it.value).collect(),
        file: file.name.to_owned(),
        mentions,
    })
}

/// `node-notready after 40s within 10m`
fn effect(text: &str) -> Option<Explains> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let length = |word: &str| seconds(word).map(|it| it.round() as i64);
    let (symptom, after_secs, within_secs) = match words[..] {
        [symptom] => (symptom, 0, EXPLAINS_WITHIN_SECS),
        [symptom, "within", far] => (symptom, 0, length(far)?),
        [symptom, "after", near] => (symptom, length(near)?, EXPLAINS_WITHIN_SECS.max(2 * length(near)?)),
        [symptom, "after", near, "within", far] => (symptom, length(near)?, length(far)?),
        _ => return None,
    };
    (after_secs <= within_secs).then(|| Explains { symptom: symptom.to_owned(), after_secs, within_secs })
}
