//! How full a node's neighbour table is against the kernel's hard limit.
//!
//! ```text
//! $ arp -an | wc -l                                1335 entries listed
//! net.ipv4.neigh.default.gc_thresh3 = 1024         and no more may be made
//! ```
//!
//! Relation `neighbour.usage`, IPv4. Skipped: permanent entries do count, those without a device do not.
//!
//! Source: Documentation/networking/ip-sysctl.rst (neigh/default/gc_thresh3).

use std::collections::BTreeMap;

use timeline::{Fact, Name, Relation, Row, Timeline, relation};

use super::routes::{address, quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "neighbour.usage",
    columns: &["entries", "failed", "limit", "ratio"],
    about: "How many IPv4 neighbours a node knows, how many of them do not answer, and gc_thresh3, above which none is added.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["neighbour", "sysctl"], find };

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut tables: BTreeMap<Name, Vec<&Fact>> = BTreeMap::new();
    for fact in facts(timeline, &relation::NEIGHBOUR) {
        if let Some(node) = fact.node.as_ref().filter(|_| address(fact, "ip").is_some_and(|it| it.is_ipv4())) {
            tables.entry(node.clone()).or_default().push(fact);
        }
    }
    let mut found = Vec::new();
    for (node, entries) in &tables {
        let mut limits = facts(timeline, &relation::SYSCTL).filter(|it| it.node.as_ref() == Some(node));
        let limit = limits.find(|it| text(it, "key") == "net.ipv4.neigh.default.gc_thresh3");
        let most = limit.and_then(|it| it.get("value").as_number());
        let failed = entries.iter().filter(|it| matches!(text(it, "state").as_str(), "FAILED" | "INCOMPLETE")).count();
        let row = Row::new(&RELATION)
            .with("entries", entries.len() as i64)
            .with("failed", failed as i64)
            .with("limit", most.map(|it| it as i64))
            .with("ratio", most.filter(|it| *it > 0.0).map(|it| entries.len() as f64 / it));
        let last = entries.last().copied();
        found.push(Fact { row, node: Some(node.clone()), at: entries[0].at, quotes: quotes([limit, entries.first().copied(), last]) });
    }
    found
}
