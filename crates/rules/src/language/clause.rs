//! One line of `let`: what it asks, and which variables it needs and binds.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::{Clause, ClauseKind, SIGNAL_COLUMNS, Signal};
use super::condition::Condition;
use super::document::{At, ClauseDocument, place};
use super::suggest::did_you_mean;
use super::window::{Counted, Tally, Within};
use super::{Error, File};
use crate::detectors;
use crate::promql::Query;

/// Checks one clause.
pub(super) fn compile_clause(
    file: File<'_>,
    name: &str,
    document: &At<ClauseDocument>,
    known: &BTreeMap<String, Signal>,
) -> Result<Clause, Error> {
    let mut clause = Clause {
        name: name.to_owned(),
        kind: ClauseKind::Signal(String::new()),
        absent: document.value.contains_key("absent"),
        conditions: Vec::new(),
        at: None,
        within: None,
        tallies: Vec::new(),
        best: None,
        latest: false,
        asked: BTreeMap::new(),
        sources: Vec::new(),
        columns: None,
        place: place(document),
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
            Err(error) => {
                let at = error.offset.map_or_else(|| place(what), |it| file.inside(place(what), &what.value, it));
                return Err(file.broken(at, error.to_string()));
            }
        }
    } else if let Some(signal) = known.get(&what.value).filter(|_| matches!(head, "signal" | "absent")) {
        let captures = signal.captures().into_iter().map(str::to_owned);
        clause.sources = signal.sources();
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
        return Err(file.broken(place(what), unknown(head, &what.value, known)));
    };
    for (key, text) in &document.value {
        let slip = |message: String| file.broken(place(text), message);
        match key.as_str() {
            it if it == head => {}
            "at" => match text.value.strip_prefix('$') {
                Some(variable) => clause.at = Some(variable.to_owned()),
                None => return Err(slip("`at` binds a variable, such as $t1".to_owned())),
            },
            "within" => match Within::parse(&text.value) {
                Some(it) => clause.within = Some(it),
                None => return Err(slip(Within::HELP.to_owned())),
            },
            "best" if text.value == "latest" => clause.latest = true,
            "best" => clause.best = Some(text.value.clone()),
            tally if Tally::KEYS.contains(&tally) => {
                clause.tallies.push(Tally::parse(tally, &text.value).map_err(slip)?);
            }
            column => {
                let named = column == "node" || columns.as_ref().is_none_or(|it| it.iter().any(|it| it == column));
                if !named {
                    return Err(slip(no_column(&what.value, column, columns.as_deref().unwrap_or_default())));
                }
                clause.asked.insert(column.to_owned(), text.value.clone());
                for condition in Condition::parse_all(&text.value, file.trusted).map_err(slip)? {
                    if let Some(columns) = &columns
                        && let Some(other) = condition.columns().into_iter().find(|it| !has(columns, it))
                    {
                        return Err(slip(no_column(&what.value, other, columns)));
                    }
                    clause.conditions.push((column.to_owned(), condition));
                }
            }
        }
    }
    for tally in &clause.tallies {
        let Counted::Distinct(column) = &tally.what else { continue };
        let slip = |message: String| Err(file.broken(place(&document.value["distinct"]), message));
        if let Some(columns) = columns.as_ref().filter(|it| !has(it, column)) {
            return slip(no_column(&what.value, column, columns));
        }
        if clause.conditions.iter().any(|it| it.0 == *column && matches!(it.1, Condition::Variable(_))) {
            return slip(format!(
                "`{column}` is bound to a variable here, so it is one and the same in all that is counted"
            ));
        }
    }
    if let (Some(best), Some(columns)) = (&clause.best, &columns)
        && !has(columns, best)
    {
        return Err(file.broken(place(&document.value["best"]), no_column(&what.value, best, columns)));
    }
    if let (ClauseKind::Metric(_), Some(key)) =
        (&clause.kind, Tally::KEYS.into_iter().find(|it| document.value.contains_key(*it)))
    {
        let message = format!("`{key}` counts lines and rows; of a metric ask with count_over_time and the like");
        return Err(file.broken(place(&document.value[key]), message));
    }
    clause.columns = columns;
    Ok(clause)
}

/// Whether there is such a column; every relation has `node`.
fn has(columns: &[String], name: &str) -> bool {
    name == "node" || columns.iter().any(|it| it == name)
}

fn no_column(of: &str, column: &str, columns: &[String]) -> String {
    let keys = ["node", "at", "within", "best", "count", "distinct", "lasts"];
    let near = did_you_mean(column, columns.iter().map(String::as_str).chain(keys));
    format!("{of} has no column {column}{near}; it has node, {}", columns.join(", "))
}

/// Why a clause asks for nothing there is, and what it may mean.
fn unknown(head: &str, name: &str, signals: &BTreeMap<String, Signal>) -> String {
    let facts = || timeline::relation::ALL.iter().map(|it| it.name);
    let relations = || detectors::DETECTORS.iter().map(|it| it.relation.name);
    let signal_names = || signals.keys().map(String::as_str);
    let other = match head {
        "fact" | "relation" if signals.contains_key(name) => "signal",
        "signal" | "relation" if facts().any(|it| it == name) => "fact",
        "signal" if relations().any(|it| it == name) => "relation",
        _ => {
            let near = match head {
                "signal" => did_you_mean(name, signal_names()),
                "fact" => did_you_mean(name, facts().chain(relations())),
                "relation" => did_you_mean(name, relations().chain(facts())),
                _ => did_you_mean(name, signal_names().chain(facts()).chain(relations())),
            };
            return format!("no {head} is called {name}{near}");
        }
    };
    format!("{name} is a {other}: write `{other}: {name}`")
}

/// The variables a clause binds.
pub(super) fn binds(clause: &Clause) -> BTreeSet<&str> {
    let mut found: BTreeSet<&str> = clause.at.iter().map(String::as_str).collect();
    for (_, condition) in &clause.conditions {
        if let Condition::Variable(name) = condition {
            found.insert(name);
        }
    }
    found
}

/// The variables a clause must know before it can be judged.
pub(super) fn needs(clause: &Clause) -> BTreeSet<&str> {
    let mut found: BTreeSet<&str> = clause.conditions.iter().flat_map(|(_, it)| it.needs()).collect();
    found.extend(clause.within.iter().flat_map(Within::variables));
    if let ClauseKind::Metric(query) = &clause.kind {
        found.extend(query.variables().iter().map(String::as_str));
    }
    found
}

/// Clauses in an order in which each finds its variables bound, where there is one.
pub(super) fn in_order(mut clauses: Vec<Clause>) -> Vec<Clause> {
    let mut ordered: Vec<Clause> = Vec::new();
    while !clauses.is_empty() {
        let bound: BTreeSet<&str> = ordered.iter().flat_map(|it| binds(it)).collect();
        let ready = clauses.iter().position(|it| needs(it).iter().all(|it| bound.contains(it)));
        let next = clauses.remove(ready.unwrap_or(0));
        ordered.push(next);
    }
    ordered
}
