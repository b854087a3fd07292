//! What a reviewer would object to in a set of rules: things that load and run, and still are wrong.

use std::collections::{BTreeMap, BTreeSet};

use timeline::Source;

use crate::Pack;
use crate::engine::{mentioned, shows_nothing};
use crate::language::condition::Condition;
use crate::language::{Clause, ClauseKind, Place, Rule, Signal, When, Word};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The rule does not do what it says, or nobody could trust it.
    Error,
    /// It could be better.
    Warning,
}

/// One objection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// How bad it is.
    pub level: Level,
    /// What kind of objection, in kebab-case.
    pub name: &'static str,
    /// The rule or signal.
    pub of: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// A pattern with more alternatives than this should be several ways to show the signal.
const MOST_ALTERNATIVES: usize = 24;
/// Shorter literals are looked for at so many places that they cost as much as all others together.
const FEWEST_LETTERS: usize = 7;

/// Everything there is to say, by file and place.
pub(crate) fn lint(pack: &Pack) -> Vec<Finding> {
    let mut lint = Lint { found: Vec::new() };
    for signal in pack.signals.values() {
        lint.signal(signal);
    }
    lint.dead_signals(pack);
    for rule in &pack.rules {
        lint.rule(rule, pack);
    }
    lint.twins(pack);
    lint.circles(pack);
    lint.found.sort();
    lint.found.dedup();
    lint.found
}

struct Lint {
    found: Vec<Finding>,
}

impl Lint {
    fn say(
        &mut self,
        (file, of): (&str, &str),
        at: Place,
        level: Level,
        name: &'static str,
        message: impl Into<String>,
    ) {
        let (line, column) = (at.line, at.column);
        self.found.push(Finding {
            file: file.to_owned(),
            line,
            column,
            level,
            name,
            of: of.to_owned(),
            message: message.into(),
        });
    }

    fn signal(&mut self, signal: &Signal) {
        let of = (signal.file.as_str(), signal.name.as_str());
        for way in signal.matches.iter() {
            let regex = way.regex.as_str();
            if way.regex.is_match("") {
                let message = "the pattern fits an empty text, so only the literals decide; say what must follow them";
                self.say(of, way.place, Level::Error, "pattern-fits-anything", message);
            }
            if regex.starts_with(".*") || regex.trim_start_matches("(?i)").starts_with(".*") || regex.ends_with(".*") {
                let message = "`.*` at the beginning or end of a pattern says nothing and costs time";
                self.say(of, way.place, Level::Warning, "pattern-idle-wildcard", message);
            }
            let alternatives = regex.matches('|').count() + 1;
            if alternatives > MOST_ALTERNATIVES && !regex.contains('^') {
                let message =
                    format!("{alternatives} alternatives without an anchor; split the pattern into several ways");
                self.say(of, way.place, Level::Warning, "pattern-wide", message);
            }
            for short in way.literals.iter().filter(|it| it.len() < FEWEST_LETTERS) {
                let message = format!(
                    "every line of a bundle is searched for `{short}`, which slows all reading down; \
                     with {FEWEST_LETTERS} characters or more it costs next to nothing"
                );
                self.say(of, way.place, Level::Warning, "short-literal", message);
            }
            if way.sources.is_empty() && !way.journal {
                self.say(of, way.place, Level::Error, "no-source", "`from` names nobody, so nothing can show it");
            }
        }
    }

    fn dead_signals(&mut self, pack: &Pack) {
        let used: BTreeSet<&str> = pack.rules.iter().flat_map(|it| &it.clauses).filter_map(signal_of).collect();
        let registry: BTreeSet<&str> = pack.bugs.iter().filter_map(|it| signal_of(it.signature.as_ref()?)).collect();
        for signal in pack.signals.values() {
            if !used.contains(signal.name.as_str()) && !registry.contains(signal.name.as_str()) {
                let of = (signal.file.as_str(), signal.name.as_str());
                self.say(of, signal.place, Level::Error, "dead-signal", "no rule asks for this signal");
            }
        }
    }

    fn rule(&mut self, rule: &Rule, pack: &Pack) {
        let of = (rule.file.as_str(), rule.name.as_str());
        if rule.status == "deprecated" {
            return;
        }
        for item in rule.supports.iter().filter(|it| it.word == Word::Conclusive) {
            if rule.refs.is_empty() {
                let message = "something conclusive needs a reference (`refs`) where a reader can check it";
                self.say(of, item.place, Level::Error, "conclusive-without-reference", message);
            }
        }
        if rule.refs.is_empty() && !rule.symptom {
            self.say(of, rule.place, Level::Warning, "no-reference", "a cause says where to read on (`refs`)");
        }
        for clause in rule.clauses.iter().filter(|it| it.absent) {
            if let Some(why) = never_covered(clause, pack) {
                self.say(of, clause.place, Level::Error, "absence-unknowable", why);
            }
        }
        self.islands(rule);
        self.open_ends(rule);
        self.tests(rule);
    }

    /// Clauses that hang together with each other but not with the frame.
    fn islands(&mut self, rule: &Rule) {
        let of = (rule.file.as_str(), rule.name.as_str());
        let framed: BTreeSet<&str> = rule.frame.iter().flat_map(mentioned).collect();
        let mut bound: BTreeSet<&str> = BTreeSet::new();
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        loop {
            let next = rule.clauses.iter().find(|it| {
                let own = variables(it);
                !reached.contains(it.name.as_str())
                    && (framed.contains(it.name.as_str()) || own.is_empty() || own.iter().any(|it| bound.contains(it)))
            });
            let Some(next) = next else { break };
            reached.insert(&next.name);
            bound.extend(variables(next));
        }
        let alone = |it: &&Clause| variables(it).iter().all(|name| Some(*name) == it.at.as_deref());
        for clause in rule.clauses.iter().filter(|it| !reached.contains(it.name.as_str()) && !alone(it)) {
            let message =
                format!("clause {} shares no variable with the frame, directly or through others", clause.name);
            self.say(of, clause.place, Level::Error, "disconnected-clause", message);
        }
    }

    /// What stays open without a word of what to collect, and titles that may not know their values.
    fn open_ends(&mut self, rule: &Rule) {
        let of = (rule.file.as_str(), rule.name.as_str());
        let framed: BTreeSet<&str> = rule.frame.iter().flat_map(mentioned).collect();
        for item in rule.supports.iter().filter(|it| it.word >= Word::Moderate) {
            let open: Vec<&str> = mentioned(&item.when)
                .into_iter()
                .filter(|it| !framed.contains(it) && !rule.missing.contains_key(*it))
                .collect();
            if !open.is_empty() {
                let message = format!("`missing` does not say what to collect where {} is not known", open.join(", "));
                self.say(of, item.place, Level::Warning, "missing-unsaid", message);
            }
        }
        let firm: BTreeSet<&str> =
            rule.clauses.iter().filter(|it| framed.contains(it.name.as_str())).flat_map(variables).collect();
        let loose: Vec<String> =
            rule.title.needs().filter(|it| !firm.contains(it)).map(|it| format!("${it}")).collect();
        if !loose.is_empty() {
            let message = format!(
                "the title reads \"unknown\" where {} is not bound, and no clause of the frame binds it; put it in brackets, `[ ({{$name}})]`, to leave it out then",
                loose.join(", ")
            );
            self.say(of, rule.place, Level::Warning, "title-may-be-unknown", message);
        }
        let explained: BTreeSet<&str> = rule.explains.iter().map(|it| it.symptom.as_str()).collect();
        let clauses: BTreeSet<&str> = rule.clauses.iter().map(|it| it.name.as_str()).collect();
        for step in rule.chain.iter().filter(|it| !clauses.contains(it.as_str()) && !explained.contains(it.as_str())) {
            let message = format!("{step} is a step of the chain, and `explains` does not name it");
            self.say(of, rule.place, Level::Warning, "chain-unexplained", message);
        }
    }

    fn tests(&mut self, rule: &Rule) {
        let tests = crate::pack::cases(rule);
        let of = (rule.file.as_str(), rule.name.as_str());
        let bands = |it: &crate::TestCase| it.expect.band.clone().unwrap_or_default();
        let hit = |it: &&crate::TestCase| {
            it.expect.rank == Some(1) || ["confirmed", "likely", "possible", "symptom"].contains(&bands(it).as_str())
        };
        let silent = tests.iter().filter(|it| bands(it) == "none").count();
        let negative = tests.iter().filter(|it| ["none", "ruled-out"].contains(&bands(it).as_str())).count();
        let source_missing = tests.iter().any(|it| !it.expect.missing.is_empty() || bands(it) == "not-assessable");
        let at = rule.test_places.first().copied().unwrap_or(rule.place);
        let level = if rule.status == "stable" { Level::Error } else { Level::Warning };
        if !tests.iter().any(|it| hit(&it)) {
            self.say(of, at, level, "test-hit-missing", "no test shows the rule where it fits");
        }
        if negative == 0 {
            let message = "no test is a near miss: almost the same bundle, and the rule stays silent or is ruled out";
            self.say(of, at, level, "test-near-miss-missing", message);
        }
        if rule.symptom {
            return;
        }
        let asks = !rule.missing.is_empty();
        if asks && !source_missing {
            let message = "no test leaves out the deciding source and expects `missing`";
            self.say(of, at, level, "test-source-missing-missing", message);
        }
        if negative < 2 || silent == 0 {
            let message = "no test is healthy: an ordinary bundle besides the near miss, band none";
            self.say(of, at, level, "test-healthy-missing", message);
        }
    }

    /// Causes that look at the same thing first, and say nothing of what tells them apart.
    fn twins(&mut self, pack: &Pack) {
        let mut by_frame: BTreeMap<Vec<String>, Vec<&Rule>> = BTreeMap::new();
        for rule in pack.rules.iter().filter(|it| !it.symptom && it.status != "deprecated") {
            by_frame.entry(frame_key(rule)).or_default().push(rule);
        }
        for rules in by_frame.values() {
            for (at, rule) in rules.iter().enumerate() {
                for other in &rules[at + 1..] {
                    let linked = |a: &Rule, b: &Rule| {
                        a.absorbs.contains(&b.name) || a.explains.iter().any(|it| it.symptom == b.name)
                    };
                    if linked(rule, other) || linked(other, rule) || told_apart(rule, other) || told_apart(other, rule)
                    {
                        continue;
                    }
                    let message = format!(
                        "{} looks at the same thing first, and no `against` of either asks for what the other stands on",
                        other.name
                    );
                    self.say((&rule.file, &rule.name), rule.place, Level::Error, "same-frame", message);
                }
            }
        }
    }

    /// Causes that explain each other in a circle.
    fn circles(&mut self, pack: &Pack) {
        let effects: BTreeMap<&str, Vec<&str>> = pack
            .rules
            .iter()
            .map(|it| (it.name.as_str(), it.explains.iter().map(|it| it.symptom.as_str()).collect()))
            .collect();
        for rule in &pack.rules {
            if let Some(path) = way_back(&effects, &rule.name) {
                // told once, by the first of them
                if path.iter().all(|it| *it >= rule.name.as_str()) {
                    let message = format!("effects lead back to their cause: {} → {}", path.join(" → "), rule.name);
                    self.say((&rule.file, &rule.name), rule.place, Level::Error, "circle", message);
                }
            }
        }
    }
}

/// The shortest way from a rule back to itself.
fn way_back<'p>(effects: &BTreeMap<&'p str, Vec<&'p str>>, of: &'p str) -> Option<Vec<&'p str>> {
    let mut queue: Vec<Vec<&str>> = vec![vec![of]];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut at = 0;
    while at < queue.len() {
        let path = queue[at].clone();
        at += 1;
        for next in effects.get(path.last()?).into_iter().flatten().copied() {
            if next == of {
                return Some(path);
            }
            if seen.insert(next) {
                queue.push([path.as_slice(), &[next]].concat());
            }
        }
    }
    None
}

fn signal_of(clause: &Clause) -> Option<&str> {
    match &clause.kind {
        ClauseKind::Signal(name) => Some(name),
        _ => None,
    }
}

fn variables(clause: &Clause) -> BTreeSet<&str> {
    let mut found: BTreeSet<&str> = clause.at.iter().map(String::as_str).collect();
    for (_, condition) in &clause.conditions {
        if let Condition::Variable(name) = condition {
            found.insert(name);
        }
        found.extend(condition.needs());
    }
    found.extend(clause.within.iter().flat_map(|it| it.variables()));
    if let ClauseKind::Metric(query) = &clause.kind {
        found.extend(query.variables().iter().map(String::as_str));
    }
    found
}

/// What a clause looks at and which rows it picks by words.
fn subject(clause: &Clause) -> (String, String) {
    let what = match &clause.kind {
        ClauseKind::Signal(name) => name.clone(),
        ClauseKind::Fact(relation) => relation.name.to_owned(),
        ClauseKind::Derived(detector) => detector.relation.name.to_owned(),
        ClauseKind::Metric(query) => query.metrics().join(","),
    };
    let picks = clause.conditions.iter().filter(|it| !matches!(it.1, Condition::Variable(_)));
    let mut picks: Vec<String> = picks.map(|(column, it)| format!("{column} {it:?}")).collect();
    picks.sort();
    (what, picks.join(" "))
}

fn frame_key(rule: &Rule) -> Vec<String> {
    let names: BTreeSet<&str> = rule.frame.iter().flat_map(mentioned).collect();
    let framed = rule.clauses.iter().filter(|it| names.contains(it.name.as_str()));
    let mut key: Vec<String> = framed.map(subject).map(|(what, picks)| format!("{what} {picks}")).collect();
    let more = rule
        .frame
        .iter()
        .filter(|it| matches!(it, When::Compare(_) | When::Before(..) | When::Gap { .. } | When::Not(_)));
    key.extend(more.map(|it| format!("{it:?}")));
    key.sort();
    key.dedup();
    key
}

/// Whether a rule asks, under `against`, for something the other one stands on, or rules itself out by something of its own.
fn told_apart(rule: &Rule, other: &Rule) -> bool {
    let subjects = |items: &[crate::language::Item], of: &Rule| -> BTreeSet<String> {
        let names: BTreeSet<&str> = items.iter().flat_map(|it| mentioned(&it.when)).collect();
        of.clauses.iter().filter(|it| names.contains(it.name.as_str())).map(|it| subject(it).0).collect()
    };
    let theirs = subjects(&other.supports, other);
    let against = subjects(&rule.against, rule);
    against.iter().any(|it| theirs.contains(it)) || rule.against.iter().any(|it| it.word == Word::Excludes)
}

/// Why nobody could ever tell that something is not there.
fn never_covered(clause: &Clause, pack: &Pack) -> Option<String> {
    match &clause.kind {
        ClauseKind::Signal(name) => {
            let sources = pack.signals.get(name)?.sources();
            let only = |it: &Source| matches!(it, Source::ContainerLog | Source::Note);
            sources.iter().all(only).then(|| {
                format!(
                    "{name} shows in logs of single containers or in notes only: they never say what others did not do"
                )
            })
        }
        ClauseKind::Fact(relation) if shows_nothing(relation.name) => {
            Some(format!("nothing tells whether all of {} was collected, so its absence is never known", relation.name))
        }
        ClauseKind::Metric(_) => Some("absence of a metric is asked with absent() in the query".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNAL: &str = "signal: a\nabout: b\nmatch:\n  - { from: [kernel], any: ['some text'], regex: 'some text' }\n\
                          samples: ['some text']\nnot_samples: ['none']\n";

    fn findings(files: &[&str]) -> Vec<(&'static str, u64)> {
        let files: Vec<(String, String)> =
            files.iter().enumerate().map(|(at, it)| (format!("{at}.yaml"), (*it).to_owned())).collect();
        let pack = Pack::of_texts(&files).unwrap_or_else(|error| panic!("{error}"));
        pack.lint().into_iter().map(|it| (it.name, it.line)).collect()
    }

    fn names(files: &[&str]) -> Vec<&'static str> {
        findings(files).into_iter().map(|it| it.0).collect()
    }

    const CLEAN: &str = "rule: one\ntitle: 't {$node}'\nimpact: i\nlet:\n  a: { signal: a, node: $node }\nframe: [a]\n\
        for: [{ when: a, weight: strong }]\nrefs: ['https://example.com']\ntests:\n\
        - { name: hit, files: { a: b }, expect: { rank: 1 } }\n- { name: miss, files: { a: b }, expect: { band: none } }\n\
        - { name: healthy, files: { a: b }, expect: { band: none } }\n";

    #[test]
    fn a_clean_rule_is_clean() {
        assert_eq!(findings(&[SIGNAL, CLEAN]), []);
    }

    #[test]
    fn each_objection_is_made_where_it_belongs() {
        assert_eq!(findings(&[SIGNAL]), [("dead-signal", 1)]);
        let wide = SIGNAL.replace("regex: 'some text'", "regex: '.*(?:some text)?'");
        assert_eq!(names(&[&wide, CLEAN]), ["pattern-fits-anything", "pattern-idle-wildcard"]);
        let short = SIGNAL.replace("any: ['some text']", "any: ['some text', ': 429']");
        assert_eq!(findings(&[&short, CLEAN]), [("short-literal", 4)]);
        let conclusive = CLEAN.replace("strong", "conclusive").replace("refs: ['https://example.com']\n", "");
        assert_eq!(names(&[SIGNAL, &conclusive]), ["no-reference", "conclusive-without-reference"]);
        let absent = CLEAN.replace("frame:", "  no: { absent: log.loss, node: $node }\nframe:");
        assert_eq!(findings(&[SIGNAL, &absent]), [("absence-unknowable", 6)]);
        let island = CLEAN.replace(
            "frame:",
            "  b: { fact: pod, name: $pod, uid: $uid }\n  c: { fact: container.state, pod: $pod }\n  \
             d: { fact: kernel, node: $node }\nframe:",
        );
        assert_eq!(findings(&[SIGNAL, &island]), [("disconnected-clause", 6), ("disconnected-clause", 7)]);
        let open = CLEAN
            .replace("frame:", "  b: { fact: kernel, node: $node }\nframe:")
            .replace("for: [", "for: [{ when: b, weight: moderate }, ");
        assert_eq!(names(&[SIGNAL, &open]), ["missing-unsaid"]);
        let loose = CLEAN
            .replace("t {$node}", "t {$x}")
            .replace("frame:", "  b: { fact: kernel, node: $node, release: $x }\nframe:");
        assert_eq!(names(&[SIGNAL, &loose]), ["title-may-be-unknown"]);
        let untested = CLEAN.split("tests:").next().expect("a part").to_owned() + "missing: { a: 'the journal' }\n";
        assert_eq!(
            names(&[SIGNAL, &untested]),
            ["test-healthy-missing", "test-hit-missing", "test-near-miss-missing", "test-source-missing-missing"]
        );
    }

    #[test]
    fn twins_must_say_what_tells_them_apart_and_circles_have_no_cause() {
        let other = CLEAN.replace("rule: one", "rule: two");
        assert_eq!(names(&[SIGNAL, CLEAN, &other]), ["same-frame"]);
        let told = other.replace("frame:", "  b: { fact: kernel, node: $node, release: 'older than 4.1' }\nframe:")
            + "against: [{ when: b, weight: excludes }]\n";
        assert_eq!(names(&[SIGNAL, CLEAN, &told]), [""; 0]);
        let (first, second) = (format!("{CLEAN}explains: [two]\n"), format!("{other}explains: [one]\n"));
        assert_eq!(names(&[SIGNAL, &first, &second]), ["circle"]);
    }

    #[test]
    fn the_built_in_pack_is_clean() {
        let pack = Pack::built_in().expect("built-in rules are sound");
        let shown =
            |it: Finding| format!("{}:{}:{}: {} ({}): {}", it.file, it.line, it.column, it.of, it.name, it.message);
        let found: Vec<String> = pack.lint().into_iter().map(shown).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
