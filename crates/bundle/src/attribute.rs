//! Whose file is it? Nodes by what the bundle says of itself, then by its folders.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Name, NodeNames, Outcome, Record, Source, Value, relation};

use crate::layout::Layout;
use crate::member::Done;

/// Folders that are no node's name, whatever stands in them.
const NOT_NODES: &[&str] = &[
    "attachments",
    "calico",
    "cluster",
    "cluster-info",
    "cluster-resources",
    "cluster-scoped-resources",
    "configs",
    "container-logs",
    "containers",
    "core",
    "crash",
    "data",
    "default",
    "describe",
    "diagnostics",
    "docs",
    "etc",
    "events",
    "execution-data",
    "files",
    "home",
    "host",
    "host-collectors",
    "host_service_logs",
    "journal",
    "journald",
    "kernel",
    "kube-system",
    "kubelet",
    "kubernetes",
    "limits.d",
    "log",
    "logs",
    "masters",
    "metrics",
    "namespaces",
    "net",
    "network",
    "networking",
    "nodes",
    "objects",
    "opt",
    "output",
    "pods",
    "previous",
    "proc",
    "prometheus",
    "resources",
    "root",
    "routes",
    "run",
    "run-host",
    "sos_commands",
    "sos_logs",
    "sos_reports",
    "state",
    "storage",
    "switches",
    "sys",
    "sysctl.d",
    "system",
    "systeminfo",
    "systemlogs",
    "tmp",
    "usr",
    "var",
    "workers",
];

/// Gives every member its node, and what it says of no node in particular that node as well.
///
/// A folder named like a node the bundle speaks of is that node's; else, in a plain bundle, the first folder that is no
/// common word. A bundle taken on one machine, or that speaks of one only, is that machine's. What then has no node is
/// `unknown`'s, so that rules can speak of it.
pub(crate) fn nodes(done: &mut [Done], layout: &Layout, unknown: &str) {
    let spoken = spoken_of(done);
    let pods = pods(done);
    let names = NodeNames::unify(&spoken.iter().cloned().collect::<Vec<_>>(), &[]);
    let folders = folder_nodes(done, layout);
    let mut speakers: BTreeMap<Name, u64> = BTreeMap::new();
    for seen in done.iter().flat_map(|it| &it.records.seen) {
        if let Some(node) = &seen.node {
            *speakers.entry(node.clone()).or_default() += seen.lines;
        }
    }
    let loudest = speakers
        .iter()
        .max_by_key(|(name, lines)| (**lines, std::cmp::Reverse((*name).clone())))
        .map(|it| it.0.clone());
    let one_host = layout.one_host || (folders.is_empty() && spoken.len() <= 1 && layout.name == "plain");
    for it in done.iter_mut() {
        let below = it.member.path.strip_prefix(layout.root.as_str()).unwrap_or(&it.member.path).to_owned();
        let by_path = by_path(&below, &names, &folders, &pods);
        let host = if one_host { loudest.clone().or_else(|| spoken.iter().next().cloned()) } else { None };
        let node = by_path.or(host);
        // what speaks of the cluster or names its node in each line needs none
        let needed = needs_node(it);
        it.member.node = node.or_else(|| needed.then(|| Name::from(unknown)));
        if let Some(node) = it.member.node.clone() {
            fill(it, &node);
        }
    }
}

/// Names the records themselves use for nodes.
fn spoken_of(done: &[Done]) -> BTreeSet<Name> {
    let mut names = BTreeSet::new();
    let mut add = |value: &Value| {
        if let Value::Text(name) = value
            && !name.is_empty()
        {
            names.insert(name.clone());
        }
    };
    for it in done {
        for record in &it.records.records {
            match record {
                Record::Fact(fact, _) => {
                    add(&fact.node.clone().into());
                    ["owner", "user", "on"].iter().for_each(|column| add(&fact.get(column)));
                    if fact.row.relation == &relation::NODE {
                        add(&fact.get("name"));
                    }
                    if fact.row.relation == &relation::ALIAS {
                        add(&fact.get("name"));
                        add(&fact.get("other"));
                    }
                }
                Record::Event(event) if event.source != Source::NetworkDevice => add(&event.node.clone().into()),
                Record::Event(_) => {}
                Record::Series(series) => add(&series.label("node").cloned().into()),
            }
        }
        for seen in it.records.seen.iter().filter(|it| it.source != Source::NetworkDevice) {
            add(&seen.node.clone().into());
        }
    }
    names
}

/// On which node each pod runs.
fn pods(done: &[Done]) -> BTreeMap<Name, Name> {
    let mut pods = BTreeMap::new();
    for record in done.iter().flat_map(|it| &it.records.records) {
        if let Record::Fact(fact, _) = record
            && fact.row.relation == &relation::POD
            && let (Value::Text(pod), Value::Text(node)) = (fact.get("name"), fact.get("on"))
        {
            pods.insert(pod, node);
        }
    }
    pods
}

/// Folders of a plain bundle that hold files of a host: they are named after it.
fn folder_nodes(done: &[Done], layout: &Layout) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    if layout.one_host {
        return folders;
    }
    // the root itself may be the one node's folder
    for it in done.iter().filter(|it| needs_node(it)) {
        let path = it.member.path.strip_prefix(layout.root.as_str()).unwrap_or(&it.member.path);
        let folder = path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().find(|it| !is_common(it));
        folders.extend(folder.map(str::to_owned));
    }
    folders
}

fn is_common(folder: &str) -> bool {
    let lower = folder.to_ascii_lowercase();
    NOT_NODES.contains(&lower.as_str()) || lower.ends_with('!') || lower.starts_with('.')
}

/// Whether a member says things of a node without naming it.
fn needs_node(done: &Done) -> bool {
    if done.member.outcome != Outcome::Parsed {
        return false;
    }
    let records = &done.records;
    records.collected.iter().any(|it| it.node.is_none() && per_node(it.relation))
        || records.seen.iter().any(|it| it.node.is_none() && !matches!(it.source, Source::KubeEvent | Source::Note))
        || records.records.iter().any(|it| match it {
            Record::Fact(fact, _) => fact.node.is_none() && fact.row.relation.per_node,
            Record::Event(event) => event.node.is_none() && !matches!(event.source, Source::KubeEvent | Source::Note),
            Record::Series(_) => false,
        })
}

fn per_node(relation: &str) -> bool {
    timeline::relation::named(relation).is_some_and(|it| it.per_node)
}

fn by_path(path: &str, names: &NodeNames, folders: &BTreeSet<String>, pods: &BTreeMap<Name, Name>) -> Option<Name> {
    let parts: Vec<&str> = path.split('/').collect();
    let (file, above) = parts.split_last()?;
    if let Some(node) = above.iter().find(|it| names.known(it).is_some()) {
        return Some(Name::from(*node));
    }
    // a pod's log is its node's: namespaces/x/pods/NAME/…, NAME_container.log, ns_NAME_container.log
    let words = above.iter().copied().chain(file.split(['_', '.'])).chain(above.iter().flat_map(|it| it.split('_')));
    if let Some(node) = words.clone().find_map(|it| pods.get(it)) {
        return Some(node.clone());
    }
    // a file named after the node: node-a.txt
    let stem = file.split('.').next().unwrap_or_default();
    if !stem.is_empty() && names.known(stem).is_some() {
        return Some(Name::from(stem));
    }
    above.iter().find(|it| folders.contains(**it)).map(|it| Name::from(*it))
}

/// Writes the node of a member into what it says of no node in particular.
fn fill(done: &mut Done, node: &Name) {
    let records = &mut done.records;
    for collected in &mut records.collected {
        if per_node(collected.relation) {
            collected.node.get_or_insert_with(|| node.clone());
        }
    }
    for seen in records.seen.iter_mut().filter(|it| !matches!(it.source, Source::KubeEvent | Source::Note)) {
        seen.node.get_or_insert_with(|| node.clone());
    }
    for record in &mut records.records {
        match record {
            Record::Fact(fact, _) if fact.row.relation.per_node => {
                fact.node.get_or_insert_with(|| node.clone());
            }
            Record::Event(event) if !matches!(event.source, Source::KubeEvent | Source::Note) => {
                event.node.get_or_insert_with(|| node.clone());
            }
            _ => {}
        }
    }
}
