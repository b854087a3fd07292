//! Which known bugs a case may have: versions of its nodes against the registry, and what was seen of them.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Fact, Name, Quote, Row, Time, Timeline, Value, relation};

use super::rows::groups;
use super::{Binding, Case, Found};
use crate::detectors::known_bug::RELATION;
use crate::language::{Affected, Bug};

/// A version and where it stands.
struct Version<'t> {
    text: String,
    fact: &'t Fact,
}

/// The rows of the relation `known-bug`.
pub(super) fn rows(case: &Case<'_>, bugs: &[Bug]) -> Vec<Fact> {
    let mut found = Vec::new();
    let versions = versions(case.timeline, bugs);
    for bug in bugs {
        let mut seen: BTreeMap<Name, Found> = BTreeMap::new();
        if let Some(signature) = &bug.signature {
            case.begin();
            for group in groups(case, signature, &Binding::default()).groups {
                if let Some(Value::Text(node)) = group.binds.get("node") {
                    seen.insert(node.clone(), group.found);
                }
            }
        }
        let of = versions.get(bug.component.as_str());
        let nodes: BTreeSet<&Name> = seen.keys().chain(of.into_iter().flat_map(|it| it.keys())).collect();
        for node in nodes {
            found.push(row(bug, node, of.and_then(|it| it.get(node)), seen.get(node)));
        }
    }
    found
}

fn row(bug: &Bug, node: &Name, version: Option<&Version<'_>>, seen: Option<&Found>) -> Fact {
    let (affected, range) = match version {
        Some(it) => {
            let (affected, range) = bug.affects(&it.text);
            let affected = match affected {
                Affected::Yes => Value::Flag(true),
                Affected::No => Value::Flag(false),
                Affected::Maybe => Value::from("maybe"),
            };
            (affected, range)
        }
        None => (Value::Nothing, bug.affected.first()),
    };
    let row = Row::new(&RELATION)
        .with("bug", bug.name.as_str())
        .with("title", bug.title.as_str())
        .with("component", bug.component.as_str())
        .with("version", version.map(|it| it.text.clone()))
        .with("affected", affected)
        .with("seen", seen.map(|_| true))
        .with("fixed", range.and_then(|it| it.fixed.clone()))
        .with("fixed_on", range.and_then(|it| it.on.clone()))
        .with("ids", bug.ids.join(", "));
    let mut quotes: Vec<Quote> = seen.iter().flat_map(|it| it.quotes.iter().cloned()).collect();
    quotes.extend(version.iter().flat_map(|it| it.fact.quotes.iter().take(1).cloned()));
    let at = seen.map_or_else(|| version.map_or(Time::UNKNOWN, |it| it.fact.at), |it| it.at);
    Fact { row, node: Some(node.clone()), at, quotes }
}

/// The versions of the components that have known bugs, by component and node.
fn versions<'t>(timeline: &'t Timeline, bugs: &[Bug]) -> BTreeMap<String, BTreeMap<Name, Version<'t>>> {
    let components: BTreeSet<&str> = bugs.iter().map(|it| it.component.as_str()).collect();
    let mut found: BTreeMap<String, BTreeMap<Name, Version<'t>>> = BTreeMap::new();
    let mut note = |component: &str, node: Option<Name>, text: Value, fact: &'t Fact| {
        if let (true, Some(node), true) = (components.contains(component), node, text.is_some()) {
            let version = Version { text: text.to_string(), fact };
            found.entry(component.to_owned()).or_default().entry(node).or_insert(version);
        }
    };
    for fact in &timeline.facts {
        let node = || fact.node.clone();
        // what the node itself says stands before what the API says of it
        if fact.row.relation == &relation::KERNEL {
            note("kernel", node(), fact.get("release"), fact);
        } else if fact.row.relation == &relation::RUNTIME {
            note(&fact.get("name").to_string().to_ascii_lowercase(), node(), fact.get("version"), fact);
        } else if [&relation::PACKAGE, &relation::CONTAINER_IMAGE].contains(&fact.row.relation) {
            note(&fact.get("name").to_string(), node(), fact.get("version"), fact);
        }
    }
    for fact in timeline.rows("node") {
        let Value::Text(name) = fact.get("name") else { continue };
        let node = Some(timeline.nodes.canonical(&name));
        note("kernel", node.clone(), fact.get("kernel"), fact);
        note("kubelet", node.clone(), fact.get("kubelet"), fact);
        if let Some((runtime, version)) = fact.get("runtime").to_string().split_once("://") {
            note(runtime, node, Value::from(version), fact);
        }
    }
    found
}
