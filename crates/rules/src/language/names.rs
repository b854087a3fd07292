//! The names a rule may use: its clauses and the variables they bind.

use std::collections::{BTreeMap, BTreeSet};

use super::clause::{binds, needs};
use super::compile::{Clause, ClauseKind, GapOp, Item, When, Word};
use super::document::{At, ClauseDocument, ItemDocument, Text, place};
use super::expression::Expression;
use super::quantity::seconds;
use super::suggest::did_you_mean;
use super::template::Template;
use super::{Error, File, TestCase};

/// The names a rule may use.
pub(super) struct Names<'f> {
    file: File<'f>,
    pub(super) clauses: BTreeSet<String>,
    bound: BTreeSet<String>,
    variables: BTreeMap<String, BTreeSet<String>>,
    times: BTreeSet<String>,
    /// Those of them that are ever filled in: what is absent fills in nothing.
    filled: BTreeSet<String>,
    /// Of clauses whose columns are known: not those of a metric whose labels only its series tell.
    columns: BTreeMap<String, Option<Vec<String>>>,
}

/// Longer ones are a mistake, and none may exhaust the stack.
const LONGEST_CONDITION: usize = 1000;

impl<'f> Names<'f> {
    pub(super) fn of(file: File<'f>, clauses: &[Clause]) -> Names<'f> {
        let variables = |it: &Clause| binds(it).into_iter().chain(needs(it)).map(str::to_owned).collect();
        Names {
            file,
            clauses: clauses.iter().map(|it| it.name.clone()).collect(),
            bound: clauses.iter().flat_map(|it| binds(it)).map(str::to_owned).collect(),
            variables: clauses.iter().map(|it| (it.name.clone(), variables(it))).collect(),
            times: clauses.iter().filter_map(|it| it.at.clone()).collect(),
            filled: clauses.iter().filter(|it| !it.absent).flat_map(|it| binds(it)).map(str::to_owned).collect(),
            columns: clauses.iter().map(|it| (it.name.clone(), cells(it))).collect(),
        }
    }

    pub(super) fn clause(&self, name: &str, at: &Text) -> Result<(), Error> {
        if self.clauses.contains(name) {
            return Ok(());
        }
        let all: Vec<&str> = self.clauses.iter().map(String::as_str).collect();
        let near = did_you_mean(name, all.iter().copied());
        Err(self.file.broken(place(at), format!("no clause is called {name}{near}; there are {}", all.join(", "))))
    }

    fn variable(&self, name: &str, at: &Text) -> Result<(), Error> {
        if self.bound.contains(name) {
            return Ok(());
        }
        Err(self.file.broken(place(at), self.nobody_binds(name, &self.bound)))
    }

    fn nobody_binds(&self, name: &str, among: &BTreeSet<String>) -> String {
        let near = did_you_mean(name, among.iter().map(String::as_str)).replace("mean ", "mean $");
        let all: Vec<String> = among.iter().map(|it| format!("${it}")).collect();
        let all = if all.is_empty() { "it binds none".to_owned() } else { format!("there are {}", all.join(", ")) };
        match self.bound.contains(name) {
            true => format!("${name} is bound by a clause of what is absent, which fills in nothing{near}; {all}"),
            false => format!("no clause binds ${name}{near}; {all}"),
        }
    }

    /// Reads a text with holes; each must be one that something fills.
    pub(super) fn template(&self, text: &Text) -> Result<Template, Error> {
        let template = Template::parse(&text.value).map_err(|it| self.file.broken(place(text), it))?;
        let broken = |hole: &str, message: String| {
            let at = text.value.find(&format!("{{{hole}")).unwrap_or(0);
            Err(self.file.broken(self.file.inside(place(text), &text.value, at), message))
        };
        if let Some(name) = template.variables().find(|it| !self.filled.contains(*it)) {
            return broken(&format!("${name}"), self.nobody_binds(name, &self.filled));
        }
        for (clause, column) in template.columns() {
            self.clause(clause, text)?;
            self.column(clause, column, text)?;
        }
        if let Some(inside) = template.near_holes().first() {
            let near = did_you_mean(inside, self.filled.iter().map(String::as_str));
            let meant = if self.filled.contains(*inside) {
                format!("; did you mean {{${inside}}}?")
            } else if near.is_empty() {
                String::new()
            } else {
                near.replace("mean ", "mean {$").replace('?', "}?")
            };
            let variables: Vec<String> = self.filled.iter().map(|it| format!("{{${it}}}")).collect();
            let clauses: Vec<String> = self.clauses.iter().map(|it| format!("{{{it}.…}}")).collect();
            let all = [variables, clauses].concat().join(", ");
            return broken(inside, format!("{{{inside}}} is no hole{meant}; there are {all}"));
        }
        Ok(template)
    }

    pub(super) fn when(&self, text: &Text) -> Result<When, Error> {
        if text.value.len() > LONGEST_CONDITION {
            let message = format!("a condition has at most {LONGEST_CONDITION} characters");
            return Err(self.file.broken(place(text), message));
        }
        self.when_part(&text.value, text)
    }

    fn when_part(&self, part: &str, at: &Text) -> Result<When, Error> {
        let part = part.trim();
        let several = |separator: &str| -> Option<Result<Vec<When>, Error>> {
            let parts = split(part, separator);
            (parts.len() > 1).then(|| parts.into_iter().map(|it| self.when_part(it, at)).collect())
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
        if let Some(inner) = parenthesised(part) {
            return self.when_part(inner, at);
        }
        if let Some(times) = self.times(part, at)? {
            return Ok(times);
        }
        if part.contains(['<', '>', '=']) {
            let expression = Expression::parse(part).map_err(|it| self.file.broken(place(at), it))?;
            expression.variables().into_iter().try_for_each(|it| self.variable(it, at))?;
            for (clause, column) in expression.columns() {
                self.clause(clause, at)?;
                self.column(clause, column, at)?;
            }
            return Ok(When::Compare(expression));
        }
        self.clause(part, at)?;
        Ok(When::Clause(part.to_owned()))
    }

    /// `$a before $b`, `$b after $a`, `$b - $a >= 2m`
    fn times(&self, part: &str, at: &Text) -> Result<Option<When>, Error> {
        let words: Vec<&str> = part.split_ascii_whitespace().collect();
        let time = |word: &str| -> Result<String, Error> {
            let name = word.strip_prefix('$').unwrap_or(word);
            self.variable(name, at)?;
            if word.starts_with('$') && self.times.contains(name) {
                return Ok(name.to_owned());
            }
            Err(self.file.broken(place(at), format!("{word} is no time; `at: $name` binds one")))
        };
        Ok(match words[..] {
            [a, "before", b] => Some(When::Before(time(a)?, time(b)?)),
            [a, "after", b] => Some(When::Before(time(b)?, time(a)?)),
            [a, "-", b, op, length] if self.is_time(a) || self.is_time(b) => {
                let help = "a difference of times reads like: $b - $a >= 2m, $b - $a < 30s";
                let wrong = || self.file.broken(place(at), help);
                let op = match op {
                    ">=" | ">" => GapOp::AtLeast,
                    "<" | "<=" => GapOp::LessThan,
                    _ => return Err(wrong()),
                };
                let secs = seconds(length).ok_or_else(wrong)?.round() as i64;
                Some(When::Gap { later: time(a)?, earlier: time(b)?, op, secs })
            }
            _ => None,
        })
    }

    fn is_time(&self, word: &str) -> bool {
        word.strip_prefix('$').is_some_and(|it| self.times.contains(it))
    }

    fn column(&self, clause: &str, column: &str, at: &Text) -> Result<(), Error> {
        let Some(Some(columns)) = self.columns.get(clause) else { return Ok(()) };
        if columns.iter().any(|it| it == column) || ["node", "count"].contains(&column) {
            return Ok(());
        }
        let near = did_you_mean(column, columns.iter().map(String::as_str));
        let own = columns.iter().map(String::as_str).filter(|it| !["node", "count"].contains(it));
        let all = ["node", "count"].into_iter().chain(own).collect::<Vec<_>>().join(", ");
        Err(self.file.broken(place(at), format!("{clause} has no column {column}{near}; it has {all}")))
    }

    pub(super) fn items(&self, documents: Vec<ItemDocument>, against: bool) -> Result<Vec<Item>, Error> {
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
                    let near = did_you_mean(other, ["weak", "moderate", "strong", "conclusive", "excludes"]);
                    let message = format!(
                        "{other} is no weight: weak, moderate, strong, conclusive, or excludes under `against`{near}"
                    );
                    return Err(self.file.broken(place(&document.weight), message));
                }
            };
            let expected = match &document.expected {
                None => false,
                Some(it) if it.value == "always" && !against => true,
                Some(it) => {
                    return Err(self.file.broken(place(it), "`expected: always` stands only under `for`"));
                }
            };
            items.push(Item {
                when: self.when(&document.when)?,
                written: document.when.value.clone(),
                word,
                why: document.why.as_ref().map(|it| self.template(it)).transpose()?,
                group: document.group,
                expected,
                place: place(&document.when),
            });
        }
        Ok(items)
    }

    /// Tests that can never be right are mistakes of their own.
    pub(super) fn tests(&self, tests: &[At<TestCase>]) -> Result<(), Error> {
        const BANDS: [&str; 7] = ["confirmed", "likely", "possible", "not-assessable", "ruled-out", "symptom", "none"];
        for test in tests {
            let slip = |message: String| Err(self.file.broken(place(test), message));
            let TestCase { name, from, expect, .. } = &test.value;
            if let Some(band) = expect.band.as_deref().filter(|it| !BANDS.contains(it)) {
                let near = did_you_mean(band, BANDS);
                return slip(format!("{name}: no band is called {band}{near}; there are {}", BANDS.join(", ")));
            }
            if let Some(from) = from.as_ref().filter(|from| !tests.iter().any(|it| it.value.name == **from)) {
                let near = did_you_mean(from, tests.iter().map(|it| it.value.name.as_str()));
                return slip(format!("{name}: no test is called {from}{near}"));
            }
            if let Some(clause) = expect.missing.iter().find(|it| !self.clauses.contains(*it)) {
                let near = did_you_mean(clause, self.clauses.iter().map(String::as_str));
                return slip(format!("{name}: no clause is called {clause}{near}"));
            }
            let bare = |it: &str| it.trim_start_matches('$').to_owned();
            if let Some(variable) = expect.bind.keys().find(|it| !self.bound.contains(&bare(it))) {
                let near = did_you_mean(&bare(variable), self.bound.iter().map(String::as_str));
                return slip(format!("{name}: no clause binds {variable}{near}"));
            }
        }
        Ok(())
    }

    /// Every clause must share a variable with the rest, or it speaks of something else.
    pub(super) fn connected(&self, documents: &BTreeMap<String, At<ClauseDocument>>) -> Result<(), Error> {
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

/// The columns a text may show of what a clause found, where they are known.
fn cells(clause: &Clause) -> Option<Vec<String>> {
    match &clause.kind {
        ClauseKind::Metric(query) => {
            let mut labels = query.labels()?;
            labels.extend(["value".to_owned(), "first".to_owned()]);
            Some(labels)
        }
        _ => clause.columns.clone(),
    }
}

/// The parts between a separator, outside parentheses.
fn split<'t>(text: &'t str, separator: &str) -> Vec<&'t str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (at, it) in text.char_indices() {
        match it {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && at >= start && text[at..].starts_with(separator) => {
                parts.push(&text[start..at]);
                start = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// What stands in parentheses that enclose the whole text; `(a + b) * (c)` is no such text.
fn parenthesised(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0;
    for it in inner.bytes() {
        match it {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    (depth == 0).then_some(inner)
}
