//! How many nodes each selector of a BGP peering finds.
//!
//! ```text
//! nodeSelector: "!has(route-reflector)"                    every node but the reflectors
//! peerSelector: has(node-role.kubernetes.io/master)        none, since the label is gone
//! ```
//!
//! Relation `bgp.selector`. Only where all nodes and their labels were listed. Skipped: selectors that cannot be read.

use std::collections::BTreeMap;

use timeline::{Fact, Name, Relation, Row, Timeline, relation};

use super::leases::node;
use super::routes::text;
use super::selector::fits;
use super::{Detector, collected_whole, facts};

pub(super) static RELATION: Relation = Relation {
    name: "bgp.selector",
    columns: &["peering", "field", "selector", "matches", "nodes"],
    about: "A selector of a BGPPeer and how many of the `nodes` listed it matches; `field` is nodeSelector or peerSelector.",
    per_node: false,
};

pub(super) static DETECTOR: Detector =
    Detector { relation: &RELATION, needs: &["bgp.peering", "node.label"], find };

fn find(timeline: &Timeline) -> Vec<Fact> {
    if !collected_whole(timeline, &relation::NODE_LABEL) {
        return Vec::new();
    }
    let mut labels: BTreeMap<Name, BTreeMap<String, String>> = BTreeMap::new();
    for fact in facts(timeline, &relation::NODE) {
        if let Some(name) = node(timeline, &fact.get("name")) {
            labels.entry(name).or_default();
        }
    }
    for fact in facts(timeline, &relation::NODE_LABEL) {
        if let Some(name) = node(timeline, &fact.get("name")) {
            labels.entry(name).or_default().insert(text(fact, "key"), text(fact, "value"));
        }
    }
    if labels.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for fact in facts(timeline, &relation::BGP_PEERING) {
        for (field, column) in [("nodeSelector", "node_selector"), ("peerSelector", "peer_selector")] {
            let selector = text(fact, column);
            if selector.is_empty() {
                continue;
            }
            let answers: Option<Vec<bool>> = labels.values().map(|it| fits(&selector, it)).collect();
            let Some(answers) = answers else { continue };
            let row = Row::new(&RELATION)
                .with("peering", text(fact, "name"))
                .with("field", field)
                .with("selector", selector.clone())
                .with("matches", answers.iter().filter(|it| **it).count() as i64)
                .with("nodes", labels.len() as i64);
            let quotes = fact.quotes.iter().filter(|it| it.text.contains(field)).chain(&fact.quotes);
            let mut quotes: Vec<_> = quotes.take(1).cloned().collect();
            // a label that is there, for those that are not
            quotes.extend(facts(timeline, &relation::NODE_LABEL).take(1).flat_map(|it| it.quotes.iter().take(1).cloned()));
            found.push(Fact { row, node: None, at: fact.at, quotes });
        }
    }
    found
}
