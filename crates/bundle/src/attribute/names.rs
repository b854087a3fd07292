//! Which nodes the records speak of, and how surely.

use std::collections::BTreeSet;

use timeline::{Event, Name, NodeNames, Record, Relation, Row, Source, Value, relation};

use crate::member::Done;

/// Names the records use for nodes.
#[derive(Default)]
pub(super) struct Spoken {
    /// Names that a Node object or another statement of the API makes sure.
    pub(super) sure: BTreeSet<Name>,
    /// Names that machines give themselves: hosts of logs, `hostname`.
    pub(super) hosts: BTreeSet<Name>,
    /// Names that mean one node.
    pairs: Vec<(Name, Name)>,
    /// Whether Node objects were collected.
    listed: bool,
}

impl Spoken {
    pub(super) fn of(done: &[Done]) -> Spoken {
        let mut spoken = Spoken::default();
        for it in done {
            let of_cluster = is_of_cluster(it);
            for record in &it.records.records {
                match record {
                    Record::Fact(fact, _) => {
                        spoken.fact(&fact.row);
                        match &fact.node {
                            Some(node) if of_cluster => {
                                spoken.sure.insert(node.clone());
                            }
                            node => spoken.host(node.as_ref()),
                        }
                    }
                    Record::Event(event) if event.source == Source::KubeEvent => {
                        if let (Some(node), true) = (&event.node, is_of_node(event)) {
                            spoken.sure.insert(node.clone());
                        }
                    }
                    Record::Event(event) if event.source != Source::NetworkDevice => spoken.host(event.node.as_ref()),
                    Record::Event(_) => {}
                    Record::Series(series) => spoken.host(series.label("node")),
                }
            }
            for seen in it.records.seen.iter().filter(|it| speaks(it.source)) {
                spoken.host(seen.node.as_ref());
            }
        }
        spoken
    }

    fn fact(&mut self, row: &Row) {
        // what is said of one node names other things so: the user of a process, the owner of a lock
        if !row.relation.per_node {
            for column in ["owner", "user", "on"] {
                self.sure.extend(word(row.get(column)));
            }
        }
        if [&relation::NODE, &relation::NODE_CONDITION, &relation::NODE_LEASE].contains(&row.relation) {
            self.listed |= row.relation == &relation::NODE;
            self.sure.extend(word(row.get("name")));
        } else if row.relation == &relation::ALIAS {
            match (word(row.get("name")), word(row.get("other"))) {
                (Some(name), Some(other)) => {
                    self.sure.extend([name.clone(), other.clone()]);
                    self.pairs.push((name, other));
                }
                (None, other) => self.host(other.as_ref()),
                (Some(_), None) => {}
            }
        }
    }

    fn host(&mut self, name: Option<&Name>) {
        self.hosts.extend(name.filter(|it| is_host_name(it)).cloned());
    }

    pub(super) fn names(&self) -> NodeNames {
        let all: Vec<Name> = self.sure.union(&self.hosts).cloned().collect();
        NodeNames::unify(&all, &self.pairs)
    }

    pub(super) fn sure_names(&self) -> NodeNames {
        NodeNames::unify(&self.sure.iter().cloned().collect::<Vec<_>>(), &self.pairs)
    }

    /// The machine that speaks, if it is one only; where none does, the only one that is spoken of.
    pub(super) fn only(&self) -> Option<&Name> {
        let from = if self.hosts.is_empty() { &self.sure } else { &self.hosts };
        from.first().filter(|_| from.len() == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sure.is_empty() && self.hosts.is_empty()
    }

    /// Takes back what events say of hosts that are none of the listed nodes: an API server gives its pod's name there.
    pub(super) fn doubt_events(&self, done: &mut [Done]) {
        if !self.listed {
            return;
        }
        let names = self.names();
        for record in done.iter_mut().flat_map(|it| &mut it.records.records) {
            if let Record::Event(event) = record
                && event.source == Source::KubeEvent
                && event.node.as_ref().is_some_and(|it| names.known(it).is_none())
            {
                event.node = None;
                if let Some(row) = &mut event.row
                    && let Some(at) = row.relation.column("on")
                {
                    row.values[at] = Value::Nothing;
                }
            }
        }
    }
}

/// Whether a member lists what the cluster knows, of whatever node.
pub(super) fn is_of_cluster(done: &Done) -> bool {
    let of_cluster = |it: &Relation| !it.per_node && it != &relation::ALIAS && it != &relation::MEMBER;
    done.records.collected.iter().any(|it| relation::named(it.relation).is_some_and(of_cluster))
        || done.records.seen.iter().any(|it| it.source == Source::KubeEvent)
        || done.records.records.iter().any(|it| matches!(it, Record::Fact(fact, _) if of_cluster(fact.row.relation)))
}

/// Whether lines of this source are a machine's own.
pub(super) fn speaks(source: Source) -> bool {
    !matches!(source, Source::KubeEvent | Source::Note | Source::NetworkDevice)
}

/// Whether an event object is about a node, or a program says it that runs on the node it names.
fn is_of_node(event: &Event) -> bool {
    let cell = |column: &str| event.row.as_ref().and_then(|it| word(it.get(column)));
    cell("kind").as_deref() == Some("Node")
        || matches!(cell("component").as_deref(), Some("kubelet" | "kube-proxy" | "kubernetes.io/kubelet"))
}

/// What a machine may be called: not a column that stood where a name was due.
pub(super) fn is_host_name(name: &str) -> bool {
    let legal = |it: char| it.is_alphanumeric() || matches!(it, '-' | '.' | '_' | ':');
    name.starts_with(char::is_alphanumeric) && name.chars().all(legal) && is_word(name)
}

/// A name has a letter, or is an address.
pub(super) fn is_word(name: &str) -> bool {
    name.contains(char::is_alphabetic) || name.parse::<std::net::IpAddr>().is_ok()
}

fn word(value: &Value) -> Option<Name> {
    match value {
        Value::Text(it) if !it.is_empty() => Some(it.clone()),
        _ => None,
    }
}
