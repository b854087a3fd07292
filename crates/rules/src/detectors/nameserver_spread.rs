//! Which nameservers the nodes ask, and on how many of them each stands.
//!
//! ```text
//! node-a  nameserver 10.0.0.2
//! node-b  nameserver 10.225.30.181      only one of the nodes asks this one
//! ```
//!
//! Relation `nameserver.spread`, one row a node and nameserver in the `resolv.conf` in force. A node whose file holds none
//! has a row without an address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use timeline::{Fact, Name, Relation, Row, Timeline, relation};

use super::routes::{address, quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "nameserver.spread",
    columns: &["address", "on", "of", "position", "servers"],
    about: "A nameserver of a node: `on` how many of the `of` nodes with a collected resolv.conf ask it, `servers` how many \
            nameservers the node has (0 where its file names none).",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["nameserver"], find };

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut nodes: BTreeMap<Name, Vec<(IpAddr, &Fact)>> = BTreeMap::new();
    for it in timeline.collected.iter().filter(|it| it.relation == relation::NAMESERVER.name && it.incomplete.is_none()) {
        if let Some(node) = &it.node {
            nodes.entry(node.clone()).or_default();
        }
    }
    for fact in facts(timeline, &relation::NAMESERVER) {
        if let (Some(node), Some(ip)) = (&fact.node, address(fact, "address"))
            && text(fact, "path") == "resolv.conf"
        {
            nodes.entry(node.clone()).or_default().push((ip, fact));
        }
    }
    let mut on: BTreeMap<IpAddr, BTreeSet<&Name>> = BTreeMap::new();
    for (node, servers) in &nodes {
        for (ip, _) in servers {
            on.entry(*ip).or_default().insert(node);
        }
    }
    let mut found = Vec::new();
    for (node, servers) in &nodes {
        let row = || Row::new(&RELATION).with("of", nodes.len() as i64).with("servers", servers.len() as i64);
        if servers.is_empty() {
            found.push(Fact { row: row(), node: Some(node.clone()), at: timeline::Time::UNKNOWN, quotes: Vec::new() });
        }
        for (at, (ip, fact)) in servers.iter().enumerate() {
            let row = row().with("address", *ip).with("on", on[ip].len() as i64).with("position", at as i64 + 1);
            found.push(Fact { row, node: Some(node.clone()), at: fact.at, quotes: quotes([Some(*fact)]) });
        }
    }
    found
}
