//! A set of rules: the built-in ones and the user's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use rayon::iter::{IntoParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use timeline::{Timeline, Watch};

use crate::alerts::Alerts;
use crate::infer::{self, Diagnosis};
use crate::language::suggest::did_you_mean;
use crate::language::template::Template;
use crate::language::{
    Bug, Document, Error, File, Item, Rule, Signal, TestCase, compile_bug, compile_rule, compile_signal, parse,
};
use crate::lint::{Finding, lint};
use crate::signals::Prefilter;
use crate::trace::{Trace, trace};

/// The built-in files as the build script read them: a binary reads no YAML for its own rules.
static READ: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pack.postcard"));

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pack");

/// Signals and rules, ready to use.
#[derive(Debug)]
pub struct Pack {
    pub(crate) signals: BTreeMap<String, Signal>,
    /// By name.
    pub(crate) rules: Vec<Rule>,
    /// By name.
    pub(crate) bugs: Vec<Bug>,
    pub(crate) prefilter: Arc<Prefilter>,
    /// What is known of a rule before looking, decibans.
    priors: BTreeMap<String, f64>,
}

/// How far a prior may move a rule, decibans: evidence beats habit.
const FARTHEST_PRIOR_DB: f64 = 6.0;

/// A known bug as it is shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BugDoc {
    /// Its name here.
    pub name: String,
    /// What it does.
    pub title: String,
    /// What it is in: kernel, kubelet, a runtime, a package.
    pub component: String,
    /// Its names elsewhere.
    pub ids: Vec<String>,
    /// Versions that have it, in words; the version with the fix, and its date.
    pub affected: Vec<(String, Option<String>, Option<String>)>,
    /// What it looks like.
    pub signature: Option<String>,
    /// What helps without the fix.
    pub workaround: Option<String>,
    /// Where to read on.
    pub refs: Vec<String>,
    /// The file it stands in.
    pub file: String,
}

/// A rule as it is shown to people; texts keep their `{$holes}`.
#[derive(Debug, Clone)]
pub struct RuleDoc {
    /// Its name.
    pub name: String,
    /// What it says when it fits.
    pub title: String,
    /// `cause` or `symptom`.
    pub kind: &'static str,
    /// experimental, stable or deprecated.
    pub status: String,
    /// The file it stands in.
    pub file: String,
    /// What it does to a node or cluster.
    pub impact: String,
    /// What it asks, by clause.
    pub clauses: Vec<(String, String)>,
    /// What must be there.
    pub frame: Vec<String>,
    /// What speaks for and against it.
    pub weights: Vec<RuleWeight>,
    /// From cause to symptom.
    pub chain: Vec<String>,
    /// Symptoms it explains.
    pub explains: Vec<String>,
    /// What to collect where a clause is open.
    pub missing: Vec<(String, String)>,
    /// What to do now.
    pub fix_now: Vec<String>,
    /// What to do later.
    pub fix_later: Vec<String>,
    /// Where to read on.
    pub refs: Vec<String>,
}

/// One line of `for` or `against`.
#[derive(Debug, Clone)]
pub struct RuleWeight {
    /// Whether it speaks against the rule.
    pub against: bool,
    /// The condition.
    pub when: String,
    /// weak, moderate, strong, conclusive or excludes.
    pub weight: &'static str,
    /// What it means.
    pub why: String,
}

/// The test cases that stand in a rule's file.
#[derive(Debug, Clone)]
pub struct RuleTests {
    /// The rule.
    pub rule: String,
    /// The file it stands in.
    pub file: String,
    /// Whether it is a symptom.
    pub symptom: bool,
    /// Its cases.
    pub cases: Vec<TestCase>,
}

/// A rule file as text, and what stands in it where that was read before.
struct SourceFile {
    name: String,
    text: Cow<'static, str>,
    trusted: bool,
    read: Option<Document>,
}

impl SourceFile {
    fn own(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.to_owned(), text: text.to_owned().into(), trusted: false, read: None }
    }

    fn file(&self) -> File<'_> {
        File { name: &self.name, text: &self.text, trusted: self.trusted }
    }
}

/// The tests of this package check the built-in files; a released binary only reads them.
const TRUST: bool = !cfg!(debug_assertions);

impl Pack {
    /// The rules that come with coroner.
    ///
    /// # Errors
    /// Never in a released build: the built-in files are tested.
    pub fn built_in() -> Result<Pack, Error> {
        Pack::with(&[] as &[&Path])
    }

    /// The built-in rules with those of some folders, which add to them or take their place by name.
    ///
    /// # Errors
    /// A folder that cannot be read, or a file that is no rule: with file, line and column.
    pub fn with(folders: &[impl AsRef<Path>]) -> Result<Pack, Error> {
        let mut built_in = Vec::new();
        if TRUST {
            built_in = compiled();
        }
        // what the build script wrote is read again where it could not be
        if built_in.is_empty() {
            collect_built_in(&BUILT_IN, TRUST, &mut built_in);
        }
        let mut layers = vec![built_in];
        for folder in folders {
            let mut files = Vec::new();
            collect_folder(folder.as_ref(), &mut files)?;
            layers.push(files);
        }
        Pack::compile(layers)
    }

    /// Only the rules and signals of these files, each with its name: nothing is read, nothing is built in.
    ///
    /// # Errors
    /// A text that is no rule: with its name, line and column.
    pub fn of_texts(files: &[(String, String)]) -> Result<Pack, Error> {
        Pack::compile(vec![files.iter().map(|(name, text)| SourceFile::own(name, text)).collect()])
    }

    fn compile(mut layers: Vec<Vec<SourceFile>>) -> Result<Pack, Error> {
        let read = |it: &mut SourceFile| it.read.take().map_or_else(|| parse(it.file()), Ok);
        let read: Vec<Vec<_>> = layers.iter_mut().map(|it| it.par_iter_mut().map(read).collect()).collect();
        let (mut signals, mut documents, mut bugs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (layer, read) in layers.iter().zip(read) {
            let mut seen: Vec<((u8, String), &str)> = Vec::new();
            for (source, document) in layer.iter().zip(read) {
                let file = source.file();
                match document? {
                    Document::Signal(document) => {
                        let signal = compile_signal(file, document)?;
                        seen.push(((0, signal.name.clone()), &source.name));
                        signals.insert(signal.name.clone(), signal);
                    }
                    Document::Rule(document) => {
                        let name = document.rule.as_ref().or(document.symptom.as_ref()).map(|it| it.value.clone());
                        let name = name.unwrap_or_default();
                        seen.push(((1, name.clone()), &source.name));
                        documents.insert(name, (source, document));
                    }
                    Document::Bugs(document) => {
                        for bug in document.bugs {
                            seen.push(((2, bug.bug.value.clone()), &source.name));
                            bugs.insert(bug.bug.value.clone(), (source, bug));
                        }
                    }
                }
            }
            seen.sort();
            if let Some(pair) = seen.windows(2).find(|it| it[0].0 == it[1].0) {
                let (file, other) = (pair[1].1.to_owned(), pair[0].1.to_owned());
                return Err(Error::Twice { file, name: pair[0].0.1.clone(), other });
            }
        }
        let mut known_bugs = Vec::new();
        for (source, document) in bugs.into_values() {
            known_bugs.push(compile_bug(source.file(), document, &mut signals)?);
        }
        let bugs = known_bugs;
        let files: BTreeMap<String, &SourceFile> = documents.iter().map(|(name, it)| (name.clone(), it.0)).collect();
        let documents: Vec<_> = documents.into_values().collect();
        let compiled: Vec<Result<Rule, Error>> = documents
            .into_par_iter()
            .map(|(source, document)| compile_rule(source.file(), *document, &signals))
            .collect();
        // of several mistakes the first by name is told, whoever met it first
        let rules = compiled.into_iter().collect::<Result<Vec<Rule>, Error>>()?;
        let names: BTreeSet<&str> = rules.iter().map(|it| it.name.as_str()).collect();
        for rule in &rules {
            for (mention, place) in &rule.mentions {
                if !names.contains(mention.as_str())
                    && let Some(source) = files.get(&rule.name)
                {
                    let file = source.file();
                    let own = rule.clauses.iter().map(|it| it.name.as_str());
                    let near = did_you_mean(mention, names.iter().copied().chain(own));
                    return Err(file.broken(*place, format!("no clause or rule is called {mention}{near}")));
                }
            }
        }
        let list: Vec<&Signal> = signals.values().collect();
        let prefilter = Arc::new(Prefilter::new(&list));
        Ok(Pack { priors: BTreeMap::new(), signals, rules, bugs, prefilter })
    }

    /// The same rules with what is known of them before looking: how often each was the cause of so many incidents. All are
    /// equal without. One that is never met is only rarer, and none moves by more than 6 dB.
    #[must_use]
    pub fn with_priors(mut self, met: &BTreeMap<String, u32>) -> Pack {
        let causes: Vec<&Rule> = self.rules.iter().filter(|it| !it.symptom).collect();
        let times = |name: &str| f64::from(met.get(name).copied().unwrap_or(0)) + 1.0;
        let mean = causes.iter().map(|it| times(&it.name)).sum::<f64>() / causes.len().max(1) as f64;
        let prior = |it: &&Rule| (10.0 * (times(&it.name) / mean).log10()).clamp(-FARTHEST_PRIOR_DB, FARTHEST_PRIOR_DB);
        self.priors = causes.iter().map(|it| (it.name.clone(), prior(it))).collect();
        self
    }

    pub(crate) fn prior_db(&self, rule: &str) -> f64 {
        self.priors.get(rule).copied().unwrap_or(0.0)
    }

    /// The literals of all signals, sorted: what the scan looks for.
    #[must_use]
    pub fn literals(&self) -> Vec<&str> {
        let ways = self.signals.values().flat_map(|it| it.matches.iter());
        let all: BTreeSet<&str> = ways.flat_map(|it| &it.literals).map(String::as_str).collect();
        all.into_iter().collect()
    }

    /// Which log lines the signals may need.
    #[must_use]
    pub fn watch(&self) -> Arc<dyn Watch> {
        self.prefilter.clone()
    }

    /// What the rules say about a timeline.
    #[must_use]
    pub fn diagnose(&self, timeline: &Timeline) -> Diagnosis {
        self.diagnose_alerting(timeline, &Alerts::default())
    }

    /// The same with alerting rules of the user, evaluated over the series of the timeline.
    #[must_use]
    pub fn diagnose_alerting(&self, timeline: &Timeline, alerts: &Alerts) -> Diagnosis {
        infer::diagnose(self, timeline, alerts)
    }

    /// How one rule comes to its answer on a timeline, clause by clause; nothing where there is no such rule.
    #[must_use]
    pub fn trace(&self, timeline: &Timeline, rule: &str) -> Option<Trace> {
        trace(self, timeline, rule)
    }

    /// What a reviewer would object to in the rules, by file and line.
    #[must_use]
    pub fn lint(&self) -> Vec<Finding> {
        lint(self)
    }

    /// How many rules there are.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Every rule, by name, as it is shown to people.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleDoc> {
        self.rules.iter().map(doc).collect()
    }

    /// Every known bug, by name, as it is shown to people.
    #[must_use]
    pub fn known_bugs(&self) -> Vec<BugDoc> {
        let range = |it: &crate::language::Range| (it.words(), it.fixed.clone(), it.on.clone());
        let doc = |it: &Bug| BugDoc {
            name: it.name.clone(),
            title: it.title.clone(),
            component: it.component.clone(),
            ids: it.ids.clone(),
            affected: it.affected.iter().map(range).collect(),
            signature: it.signature.as_ref().map(|it| it.written.clone()),
            workaround: it.workaround.clone(),
            refs: it.refs.clone(),
            file: it.file.clone(),
        };
        self.bugs.iter().map(doc).collect()
    }

    /// The test cases of every rule.
    #[must_use]
    pub fn tests(&self) -> Vec<RuleTests> {
        let tests = |it: &Rule| RuleTests {
            rule: it.name.clone(),
            file: it.file.clone(),
            symptom: it.symptom,
            cases: cases(it),
        };
        self.rules.iter().map(tests).collect()
    }
}

fn doc(rule: &Rule) -> RuleDoc {
    let weight = |it: &Item, against: bool| RuleWeight {
        against,
        when: it.written.clone(),
        weight: it.word.name(),
        why: it.why.as_ref().map_or_else(String::new, |it| it.written().to_owned()),
    };
    let supports = rule.supports.iter().map(|it| weight(it, false));
    let against = rule.against.iter().map(|it| weight(it, true));
    let texts = |of: &[Template]| of.iter().map(|it| it.written().to_owned()).collect();
    RuleDoc {
        name: rule.name.clone(),
        title: rule.title.written().to_owned(),
        kind: if rule.symptom { "symptom" } else { "cause" },
        status: rule.status.clone(),
        file: rule.file.clone(),
        impact: rule.impact.written().to_owned(),
        clauses: rule.clauses.iter().map(|it| (it.name.clone(), it.written.clone())).collect(),
        frame: rule.frame.iter().flat_map(crate::engine::mentioned).map(str::to_owned).collect(),
        weights: supports.chain(against).collect(),
        chain: rule.chain.clone(),
        explains: rule.explains.iter().map(|it| it.symptom.clone()).collect(),
        missing: rule.missing.iter().map(|(name, it)| (name.clone(), it.written().to_owned())).collect(),
        fix_now: texts(&rule.fix_now),
        fix_later: texts(&rule.fix_later),
        refs: rule.refs.clone(),
    }
}

/// The tests of a rule; those of a trusted one are read only now.
pub(crate) fn cases(rule: &Rule) -> Vec<TestCase> {
    let unread = || {
        let text = BUILT_IN.get_file(&rule.file).filter(|_| TRUST)?.contents_utf8()?;
        match parse(File { name: &rule.file, text, trusted: false }) {
            Ok(Document::Rule(document)) => Some(document.tests.into_iter().map(|it| it.value).collect()),
            _ => None,
        }
    };
    let read = Some(&rule.tests).filter(|it| !it.is_empty()).cloned();
    read.or_else(unread).unwrap_or_default()
}

/// The built-in files, by name.
#[cfg(test)]
pub(crate) fn built_in_texts() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect_built_in(&BUILT_IN, false, &mut files);
    files.into_iter().map(|it| (it.name, it.text.into_owned())).collect()
}

/// The built-in files by name, already read; none where what the build script wrote cannot be understood.
fn compiled() -> Vec<SourceFile> {
    let read: Vec<(String, Document)> = postcard::from_bytes(READ).unwrap_or_default();
    // looking one up in the folder compares its path with those of all others
    let mut texts = BTreeMap::new();
    texts_of(&BUILT_IN, &mut texts);
    let file = |(name, document): (String, Document)| {
        let text = texts.get(name.as_str()).copied().unwrap_or_default();
        SourceFile { name, text: text.into(), trusted: true, read: Some(document) }
    };
    read.into_iter().map(file).collect()
}

fn texts_of(folder: &'static Dir<'static>, texts: &mut BTreeMap<&'static str, &'static str>) {
    texts.extend(folder.files().filter_map(|it| Some((it.path().to_str()?, it.contents_utf8()?))));
    folder.dirs().for_each(|it| texts_of(it, texts));
}

fn is_rule_file(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "yaml" || it == "yml")
}

fn collect_built_in(folder: &'static Dir<'static>, trusted: bool, files: &mut Vec<SourceFile>) {
    for file in folder.files().filter(|it| is_rule_file(it.path())) {
        let text = file.contents_utf8().unwrap_or_default().into();
        files.push(SourceFile { name: file.path().display().to_string(), text, trusted, read: None });
    }
    folder.dirs().for_each(|it| collect_built_in(it, trusted, files));
}

fn collect_folder(folder: &Path, files: &mut Vec<SourceFile>) -> Result<(), Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let mut entries: Vec<_> = std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            collect_folder(&path, files)?;
        } else if is_rule_file(&path) {
            let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
            files.push(SourceFile::own(&path.display().to_string(), &text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_sound() {
        let pack = Pack::built_in().unwrap_or_else(|error| panic!("{error}"));
        assert!(!pack.rules.is_empty());
    }

    fn refused(text: &str) -> String {
        Pack::compile(vec![vec![SourceFile::own("mine.yaml", text)]]).expect_err("must be refused").to_string()
    }

    #[test]
    fn mistakes_are_shown_with_their_place() {
        let signal =
            "signal: a\nabout: b\nmatch:\n  - from: [kernel]\n    any: ['some text']\n    regex: 'some text'\n";
        let cases = [
            (format!("{signal}samples: ['some text']\nnot_samples: ['none']\nsample: []\n"), "unknown field"),
            (format!("{signal}samples: ['other']\nnot_samples: ['none']\n"), "does not show in this sample"),
            (format!("{signal}samples: ['some text']\nnot_samples: ['some text too']\n"), "which it must not"),
            (format!("{signal}samples: ['some text']\n"), "at least one of"),
            (signal.replace("regex: 'some text'", "regex: 'some text \\w{1,20000}'") + "samples: ['some text']\nnot_samples: ['none']\n", "mine.yaml:6:25: the pattern becomes too large"),
            ("signal: a\nabout: b\nabout: c\n".to_owned(), "duplicate"),
            ("rule: a\ntitle: 't {$x}'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node }\nframe: [one]\n".to_owned(), "no clause binds $x"),
            ("rule: a\ntitle: t\nimpact: i\nlet:\n  one: { fact: sysctl, nod: $node }\nframe: [one]\n".to_owned(), "no column nod"),
            ("rule: a\ntitle: t\nimpact: i\nlet:\n  one: { fact: nothing, node: $node }\nframe: [one]\n".to_owned(), "no fact is called nothing"),
            ("rule: a\ntitle: t\nimpact: i\nlet:\n  one: { promql: 'sum(info(up)) > 2', node: $node }\nframe: [one]\n".to_owned(), "mine.yaml:5:23: the function info: not supported yet"),
            ("rule: a\ntitle: t\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node }\nframe: [two]\n".to_owned(), "no clause is called two"),
            ("rule: a\ntitle: t\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node }\nframe: [one]\nfor: [{ when: one, weight: big }]\n".to_owned(), "big is no weight"),
            ("rule: a\ntitle: t\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node }\nframe: [one]\nexplains: [nobody]\n".to_owned(), "no clause or rule is called nobody"),
            ("rule: a\ntitle: t\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node }\n  two: { fact: kernel, release: $r }\nframe: [one]\n".to_owned(), "shares no variable"),
            ("rule: a\ntitle: '{node} ran'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\n".to_owned(), "mine.yaml:2:9: {node} is no hole; did you mean {$node}?; there are {$node}, {$value}, {gone.…}, {one.…}, {total.…}"),
            ("rule: a\ntitle: 'full {$nod}'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\n".to_owned(), "mine.yaml:2:14: no clause binds $nod; did you mean $node?; there are $node, $value"),
            ("rule: a\ntitle: '{$r}'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\n".to_owned(), "$r is bound by a clause of what is absent, which fills in nothing"),
            ("rule: a\ntitle: '{one.nosuch}'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\n".to_owned(), "one has no column nosuch"),
            ("rule: a\ntitle: '{total.nosuch}'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\n".to_owned(), "total has no column nosuch"),
            ("rule: a\ntitle: '{two.value}'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\n".to_owned(), "no clause is called two"),
            ("rule: a\ntitle: 't'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\nfor: [{ when: one, weight: weak, why: '{one.value.x}' }]\n".to_owned(), "mine.yaml:9:40: {one.value.x} is no hole"),
            ("rule: a\ntitle: 't'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\nmissing: { one: 'sysctl {key}' }\n".to_owned(), "{key} is no hole"),
            ("rule: a\ntitle: 't'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\nfix: { now: ['restart {$who}'] }\n".to_owned(), "no clause binds $who"),
            ("rule: a\ntitle: 't'\nimpact: i\nlet:\n  one: { fact: sysctl, node: $node, value: $value }\n  total: { promql: 'max by (node, pod) (x) > 1', node: $node }\n  gone: { absent: kernel, node: $node, release: $r }\nframe: [one]\nsays: { total: '{total.pod} {total.value} {pod}' }\n".to_owned(), "{pod} is no hole"),
        ];
        for (text, expected) in cases {
            let message = refused(&text);
            assert!(message.contains(expected), "{expected} in: {message}");
            assert!(message.starts_with("mine.yaml:") && message.contains("^"), "place and caret in: {message}");
        }
    }

    #[test]
    fn trusted_files_give_the_same_rules_but_for_their_tests() {
        let pack = |trusted: bool| {
            let mut files = Vec::new();
            collect_built_in(&BUILT_IN, trusted, &mut files);
            Pack::compile(vec![files]).unwrap_or_else(|error| panic!("{error}"))
        };
        let (checked, trusted) = (pack(false), pack(true));
        let compiled = Pack::compile(vec![compiled()]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{:?}", compiled.rules), format!("{:?}", trusted.rules));
        assert_eq!(format!("{:?}", compiled.bugs), format!("{:?}", trusted.bugs));
        assert_eq!(format!("{:?}", compiled.signals), format!("{:?}", trusted.signals));
        assert_eq!(format!("{:?}", checked.rules()), format!("{:?}", trusted.rules()));
        assert_eq!(checked.signals.keys().collect::<Vec<_>>(), trusted.signals.keys().collect::<Vec<_>>());
        assert!(trusted.rules.iter().all(|it| it.tests.is_empty()));
        for (name, signal) in &checked.signals {
            for (one, other) in signal.matches.iter().zip(trusted.signals[name].matches.iter()) {
                assert!(one.regex.names().eq(other.regex.names()), "{name}");
            }
        }
    }

    #[test]
    fn what_the_build_wrote_is_what_the_files_say() {
        let (built, mut files) = (compiled(), Vec::new());
        collect_built_in(&BUILT_IN, true, &mut files);
        files.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(built.len(), files.len());
        for (one, file) in built.iter().zip(&files) {
            assert_eq!((&one.name, &one.text), (&file.name, &file.text));
            let read = parse(file.file()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(format!("{:?}", one.read.as_ref().expect("was read")), format!("{read:?}"), "{}", one.name);
        }
    }

    #[test]
    fn every_rule_is_tested_in_its_file() {
        let pack = Pack::built_in().expect("built-in rules are sound");
        for rule in &pack.rules {
            assert!(rule.tests.len() >= 2, "{}: at least a hit and a near miss", rule.name);
        }
    }
}
