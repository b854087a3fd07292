//! From documents to rules the engine can run: every name is resolved here, or refused with its place.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_saphyr::Spanned;
use timeline::{Carrier, Event, Relation, Source};

use super::condition::Condition;
use super::document::{ClauseDocument, ItemDocument, RuleDocument, SignalDocument, Text, place};
use super::expression::Expression;
use super::template::Template;
use super::{Error, File, TestCase};
use crate::detectors::{self, Detector};
use crate::promql::Query;
use crate::signals;

/// A named line pattern.
#[derive(Debug)]
pub(crate) struct Signal {
    pub(crate) name: String,
    pub(crate) matches: Vec<SignalMatch>,
}

/// One way a signal shows.
#[derive(Debug)]
pub(crate) struct SignalMatch {
    pub(crate) sources: Vec<Source>,
    pub(crate) journal: bool,
    pub(crate) literals: Vec<String>,
    pub(crate) regex: Regex,
    pub(crate) unless: Option<Regex>,
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
        self.matches.iter().flat_map(|it| it.regex.capture_names().flatten()).collect()
    }

    /// The sources that would show it.
    pub(crate) fn sources(&self) -> BTreeSet<Source> {
        let mut sources: BTreeSet<Source> = self.matches.iter().flat_map(|it| it.sources.iter().copied()).collect();
        if self.matches.iter().any(|it| it.journal) {
            sources.extend([Source::Kernel, Source::Kubelet, Source::Runtime, Source::System]);
        }
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
    /// Of several rows the one with the most here.
    pub(crate) best: Option<String>,
    /// As written, for `explain`.
    pub(crate) written: String,
}

/// Where a clause looks.
#[derive(Debug)]
pub(crate) enum ClauseKind {
    Signal(String),
    Fact(&'static Relation),
    Derived(&'static Detector),
    Metric(Box<Query>),
}

/// A window around a time variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Within {
    pub(crate) variable: String,
    pub(crate) before_secs: i64,
    pub(crate) after_secs: i64,
}

/// What must hold: clauses and comparisons under and, or, not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum When {
    Clause(String),
    Not(Box<When>),
    All(Vec<When>),
    Any(Vec<When>),
    Compare(Expression),
}

/// A line of `for` or `against`.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) when: When,
    pub(crate) written: String,
    pub(crate) word: Word,
    pub(crate) why: Option<Template>,
    pub(crate) group: Option<String>,
}

/// A symptom that a cause explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explains {
    pub(crate) symptom: String,
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
    /// Names of other rules and where they stand, for the pack to check.
    pub(crate) mentions: Vec<(String, super::Place)>,
}

/// How long after its cause a symptom may begin, unless the rule says otherwise.
const EXPLAINS_WITHIN_SECS: i64 = 3600;

/// Checks a signal.
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
                    format!("no source is called {}; there are journal, {}", name.value, known.join(", ")),
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
        matches.push(SignalMatch { sources, journal, literals, regex, unless });
    }
    let signal = Signal { name: document.signal.value.clone(), matches };
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

fn pattern(file: File<'_>, text: &Text) -> Result<Regex, Error> {
    Regex::new(&text.value).map_err(|error| file.broken(place(text), format!("not a regular expression: {error}")))
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
        let (symptom, within_secs) = match text.value.split_once(" within ") {
            Some((symptom, length)) => match duration(length) {
                Some(secs) => (symptom.trim(), secs),
                None => return Err(file.broken(place(text), format!("{length} is no length of time, such as 30m"))),
            },
            None => (text.value.as_str(), EXPLAINS_WITHIN_SECS),
        };
        mentions.push((symptom.to_owned(), place(text)));
        explains.push(Explains { symptom: symptom.to_owned(), within_secs });
    }
    mentions.extend(document.absorbs.iter().map(|it| (it.value.clone(), place(it))));
    let status = match &document.status {
        None => "stable".to_owned(),
        Some(it) if ["experimental", "stable", "deprecated"].contains(&it.value.as_str()) => it.value.clone(),
        Some(it) => return Err(file.broken(place(it), "status is experimental, stable or deprecated")),
    };
    Ok(Rule {
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
        tests: document.tests,
        file: file.name.to_owned(),
        mentions,
    })
}

fn compile_clause(
    file: File<'_>,
    name: &str,
    document: &Spanned<ClauseDocument>,
    known: &BTreeMap<String, Signal>,
) -> Result<Clause, Error> {
    let mut clause = Clause {
        name: name.to_owned(),
        kind: ClauseKind::Signal(String::new()),
        absent: document.value.contains_key("absent"),
        conditions: Vec::new(),
        at: None,
        within: None,
        best: None,
        written: String::new(),
    };
    let heads = ["signal", "fact", "relation", "promql", "absent"];
    let found: Vec<&str> = heads.into_iter().filter(|it| document.value.contains_key(*it)).collect();
    let [head] = found[..] else {
        return Err(file.broken(place(document), format!("clause {name} needs exactly one of {}", heads.join(", "))));
    };
    let what = &document.value[head];
    // what it asks, then of what; the order of the file is not kept
    let rest = document.value.iter().filter(|(key, _)| *key != head);
    let written =
        std::iter::once(format!("{head}: {}", what.value)).chain(rest.map(|(key, it)| format!("{key}: {}", it.value)));
    clause.written = written.collect::<Vec<_>>().join(", ");
    let mut columns: Option<Vec<String>> = None;
    clause.kind = if head == "promql" {
        match Query::parse(&what.value) {
            Ok(query) => ClauseKind::Metric(Box::new(query)),
            Err(error) => return Err(file.broken(place(what), error.to_string())),
        }
    } else if let Some(signal) = known.get(&what.value).filter(|_| matches!(head, "signal" | "absent")) {
        let captures = signal.captures().into_iter().map(str::to_owned);
        columns = Some(captures.chain(SIGNAL_COLUMNS.iter().map(|it| (*it).to_owned())).collect());
        ClauseKind::Signal(what.value.clone())
    } else if let Some(relation) = timeline::relation::named(&what.value).filter(|_| matches!(head, "fact" | "absent"))
    {
        columns = Some(relation.columns.iter().map(|it| (*it).to_owned()).collect());
        ClauseKind::Fact(relation)
    } else if let Some(detector) = detectors::named(&what.value).filter(|_| head != "signal") {
        columns = Some(detector.relation.columns.iter().map(|it| (*it).to_owned()).collect());
        ClauseKind::Derived(detector)
    } else {
        return Err(file.broken(place(what), format!("no {head} is called {}", what.value)));
    };
    for (key, text) in &document.value {
        let slip = |message: String| file.broken(place(text), message);
        match key.as_str() {
            it if it == head => {}
            "at" => match text.value.strip_prefix('$') {
                Some(variable) => clause.at = Some(variable.to_owned()),
                None => return Err(slip("`at` binds a variable, such as $t1".to_owned())),
            },
            "within" => match within(&text.value) {
                Some(it) => clause.within = Some(it),
                None => {
                    return Err(slip("`within` reads like: 10m before $t1, 1h after $t1, 5m around $t1".to_owned()));
                }
            },
            "best" => clause.best = Some(text.value.clone()),
            column => {
                let named = column == "node" || columns.as_ref().is_none_or(|it| it.iter().any(|it| it == column));
                if !named {
                    let all = columns.unwrap_or_default().join(", ");
                    return Err(slip(format!("{} has no column {column}; it has node, {all}", what.value)));
                }
                let condition = Condition::parse(&text.value).map_err(slip)?;
                clause.conditions.push((column.to_owned(), condition));
            }
        }
    }
    if let (Some(best), Some(columns)) = (&clause.best, &columns)
        && !columns.contains(best)
    {
        return Err(file.broken(place(&document.value["best"]), format!("{} has no column {best}", what.value)));
    }
    Ok(clause)
}

/// `10m before $t1`
fn within(text: &str) -> Option<Within> {
    let mut words = text.split_ascii_whitespace();
    let (length, side, variable) = (words.next()?, words.next()?, words.next()?);
    let secs = duration(length)?;
    let variable = variable.strip_prefix('$')?.to_owned();
    let (before_secs, after_secs) = match side {
        "before" => (secs, 0),
        "after" => (0, secs),
        "around" => (secs, secs),
        _ => return None,
    };
    words.next().is_none().then_some(Within { variable, before_secs, after_secs })
}

/// `90s`, `10m`, `2h`, `1d`
fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    text[..text.len() - 1].parse::<i64>().ok().map(|it| it * unit)
}

/// The variables a clause binds.
fn binds(clause: &Clause) -> BTreeSet<&str> {
    let mut found: BTreeSet<&str> = clause.at.iter().map(String::as_str).collect();
    for (_, condition) in &clause.conditions {
        if let Condition::Variable(name) = condition {
            found.insert(name);
        }
    }
    found
}

/// The variables a clause must know before it can be judged.
fn needs(clause: &Clause) -> BTreeSet<&str> {
    let mut found: BTreeSet<&str> = clause.conditions.iter().flat_map(|(_, it)| it.needs()).collect();
    found.extend(clause.within.iter().map(|it| it.variable.as_str()));
    if let ClauseKind::Metric(query) = &clause.kind {
        found.extend(query.variables().iter().map(String::as_str));
    }
    found
}

/// Clauses in an order in which each finds its variables bound, where there is one.
fn in_order(mut clauses: Vec<Clause>) -> Vec<Clause> {
    let mut ordered: Vec<Clause> = Vec::new();
    while !clauses.is_empty() {
        let bound: BTreeSet<&str> = ordered.iter().flat_map(|it| binds(it)).collect();
        let ready = clauses.iter().position(|it| needs(it).iter().all(|it| bound.contains(it)));
        let next = clauses.remove(ready.unwrap_or(0));
        ordered.push(next);
    }
    ordered
}

/// The names a rule may use.
struct Names<'f> {
    file: File<'f>,
    clauses: BTreeSet<String>,
    bound: BTreeSet<String>,
    variables: BTreeMap<String, BTreeSet<String>>,
    times: BTreeSet<String>,
}

impl<'f> Names<'f> {
    fn of(file: File<'f>, clauses: &[Clause]) -> Names<'f> {
        let variables = |it: &Clause| binds(it).into_iter().chain(needs(it)).map(str::to_owned).collect();
        Names {
            file,
            clauses: clauses.iter().map(|it| it.name.clone()).collect(),
            bound: clauses.iter().flat_map(|it| binds(it)).map(str::to_owned).collect(),
            variables: clauses.iter().map(|it| (it.name.clone(), variables(it))).collect(),
            times: clauses.iter().filter_map(|it| it.at.clone()).collect(),
        }
    }

    fn clause(&self, name: &str, at: &Text) -> Result<(), Error> {
        if self.clauses.contains(name) {
            return Ok(());
        }
        let all: Vec<&str> = self.clauses.iter().map(String::as_str).collect();
        Err(self.file.broken(place(at), format!("no clause is called {name}; there are {}", all.join(", "))))
    }

    fn variable(&self, name: &str, at: &Text) -> Result<(), Error> {
        if self.bound.contains(name) {
            return Ok(());
        }
        Err(self.file.broken(place(at), format!("no clause binds ${name}")))
    }

    fn template(&self, text: &Text) -> Result<Template, Error> {
        let template = Template::parse(&text.value).map_err(|it| self.file.broken(place(text), it))?;
        template.variables().try_for_each(|it| self.variable(it, text))?;
        template.clauses().try_for_each(|it| self.clause(it, text))?;
        Ok(template)
    }

    fn when(&self, text: &Text) -> Result<When, Error> {
        self.when_part(&text.value, text)
    }

    fn when_part(&self, part: &str, at: &Text) -> Result<When, Error> {
        let part = part.trim();
        let several = |separator: &str| -> Option<Result<Vec<When>, Error>> {
            part.contains(separator).then(|| part.split(separator).map(|it| self.when_part(it, at)).collect())
        };
        if let Some(parts) = several(" or ") {
            return parts.map(When::Any);
        }
        if let Some(parts) = several(" and ") {
            return parts.map(When::All);
        }
        if let Some(rest) = part.strip_prefix("not ") {
            return Ok(When::Not(Box::new(self.when_part(rest, at)?)));
        }
        if part.contains(['<', '>', '=']) {
            let expression = Expression::parse(part).map_err(|it| self.file.broken(place(at), it))?;
            expression.variables().into_iter().try_for_each(|it| self.variable(it, at))?;
            expression.clauses().into_iter().try_for_each(|it| self.clause(it, at))?;
            return Ok(When::Compare(expression));
        }
        self.clause(part, at)?;
        Ok(When::Clause(part.to_owned()))
    }

    fn items(&self, documents: Vec<ItemDocument>, against: bool) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        for document in documents {
            let word = match document.weight.value.as_str() {
                "weak" => Word::Weak,
                "moderate" => Word::Moderate,
                "strong" => Word::Strong,
                "conclusive" => Word::Conclusive,
                "excludes" if against => Word::Excludes,
                "excludes" => {
                    return Err(self.file.broken(place(&document.weight), "excludes stands only under `against`"));
                }
                other => {
                    let message = format!(
                        "{other} is no weight: weak, moderate, strong, conclusive, or excludes under `against`"
                    );
                    return Err(self.file.broken(place(&document.weight), message));
                }
            };
            items.push(Item {
                when: self.when(&document.when)?,
                written: document.when.value.clone(),
                word,
                why: document.why.as_ref().map(|it| self.template(it)).transpose()?,
                group: document.group,
            });
        }
        Ok(items)
    }

    /// Every clause must share a variable with the rest, or it speaks of something else.
    fn connected(&self, documents: &BTreeMap<String, Spanned<ClauseDocument>>) -> Result<(), Error> {
        if self.clauses.len() < 2 {
            return Ok(());
        }
        for (name, own) in &self.variables {
            let shared = self.variables.iter().any(|(other, theirs)| other != name && !own.is_disjoint(theirs));
            // a statement about the whole cluster has no variable to share, at most a time of its own
            if !shared && !own.is_subset(&self.times) {
                let message = format!("clause {name} shares no variable with the rest of the rule");
                return Err(self.file.broken(place(&documents[name]), message));
            }
        }
        Ok(())
    }
}
