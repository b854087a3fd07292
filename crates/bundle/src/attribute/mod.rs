//! Whose file is it? What the bundle says of itself, then its layout, then its folders.

mod machines;
mod names;
mod pods;

use timeline::{Name, NodeNames, Record, Value};

use crate::layout::{self, Layout, Layouts};
use crate::member::Done;
use machines::{Machines, is_own_name, needs_node, per_node, stated};
use names::{Spoken, speaks};
use pods::{Pods, phrases};

/// Gives every member its node, and what it says of no node in particular that node as well.
///
/// Where a layout is known, only it says which folder is a node's. A pod's log is its node's, and what was taken on one
/// machine is that machine's. Elsewhere a folder or file named like a node the bundle speaks of is that node's; else the
/// folder that holds files of a machine is named after it; else, where one machine speaks only, it is that one's. What
/// then has no node is `unknown`'s, so that rules can speak of it, unless the collector knew better than we do.
pub(crate) fn nodes(done: &mut [Done], layouts: &Layouts, unknown: &str) {
    let spoken = Spoken::of(done);
    spoken.doubt_events(done);
    let names = spoken.names();
    let pods = Pods::of(done);
    let machines = Machines::of(done, layouts, &spoken, &names, &pods);
    let unknown = Name::from(unknown);
    for it in done.iter_mut() {
        let path = it.member.path.clone();
        let layout = layouts.of(&path);
        let below = path.strip_prefix(layout.root.as_str()).unwrap_or(&path);
        let machine = machines.at(&path);
        if let Some(machine) = machine {
            machine.rename(it);
        }
        let needed = needs_node(it);
        let node = layout::node_in_path(layout, below)
            .map(Name::from)
            .or_else(|| of_pod(layout, below, &pods))
            .or_else(|| {
                machine.filter(|it| !is_fetched(layout, below) && (needed || !it.lone)).map(|it| it.name.clone())
            })
            .or_else(|| named(layout, below, &names))
            .or_else(|| own(layout, it));
        // a collector of a cluster names the node of what is a node's, if not in words we know
        let strange = layout.name == "plain" || layout::is_local(layout, below) || spoken.is_empty();
        let strange = strange && !is_fetched(layout, below);
        it.member.node = node.or_else(|| (needed && strange).then(|| unknown.clone()));
        if let Some(node) = it.member.node.clone() {
            fill(it, &node);
        }
    }
}

/// The node of the pod that a path names; on a machine itself all logs are of pods that ran there.
fn of_pod(layout: &Layout, below: &str, pods: &Pods) -> Option<Name> {
    if layout.one_host && !is_fetched(layout, below) && !below.contains("kubectl") {
        return None;
    }
    pods.node(below).cloned()
}

/// Whether one machine asked the API for the log of a pod, which may have run on another.
fn is_fetched(layout: &Layout, below: &str) -> bool {
    let fetched = below.contains("podlogs/")
        || below.contains("cluster-info-dump")
        || (below.contains("kubectl") && below.contains("_logs_"));
    layout.one_host && fetched
}

/// A file or folder called like a node: `dmesg-node-a.txt`, `core/nodes/node-a.yaml`.
fn named(layout: &Layout, below: &str, names: &NodeNames) -> Option<Name> {
    let (above, file) = below.rsplit_once('/').unwrap_or(("", below));
    if layout.name == "plain" {
        let folder = above.split('/').find_map(|it| names.known(it));
        return folder.or_else(|| phrases(file).find_map(|it| names.known(it)));
    }
    names.known(file).or_else(|| names.known(file.rsplit_once('.')?.0))
}

/// The one machine that a member itself names. In a cluster's bundle `hostname` may be the collector's.
fn own(layout: &Layout, done: &Done) -> Option<Name> {
    let mut found: Option<Name> = None;
    let seen = done.records.seen.iter().filter(|it| speaks(it.source)).filter_map(|it| it.node.clone());
    for name in seen.chain(stated(done).filter(|_| layout.name == "plain")) {
        match &found {
            Some(it) if *it != name => return None,
            _ => found = Some(name),
        }
    }
    found
}

/// Writes the node of a member into what it says of no node in particular.
fn fill(done: &mut Done, node: &Name) {
    let records = &mut done.records;
    for collected in &mut records.collected {
        if per_node(collected.relation) {
            collected.node.get_or_insert_with(|| node.clone());
        }
    }
    for seen in records.seen.iter_mut().filter(|it| speaks(it.source)) {
        seen.node.get_or_insert_with(|| node.clone());
    }
    for edge in &mut records.edges {
        edge.node.get_or_insert_with(|| node.clone());
    }
    for record in &mut records.records {
        match record {
            Record::Fact(fact, _) if fact.row.relation.per_node => {
                fact.node.get_or_insert_with(|| node.clone());
            }
            Record::Fact(fact, _) if is_own_name(fact) => {
                if let Some(at) = fact.row.relation.column("name")
                    && fact.get("other") != Value::Text(node.clone())
                {
                    fact.row.values[at] = node.clone().into();
                }
            }
            Record::Event(event) if speaks(event.source) => {
                event.node.get_or_insert_with(|| node.clone());
            }
            _ => {}
        }
    }
}
