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

use super::routes::{quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "neighbour.usage",
    columns: &["entries", "failed", "limit", "ratio"],
    about: "How many IPv4 neighbours a node knows, how many of them do not answer, and gc_thresh3, above which none is added.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["neighbour", "sysctl"], find };

fn find(timeline: &Timeline) -> Vec<Fact> {
    // of several listings of a node the longest
    let mut counts: BTreeMap<Name, &Fact> = BTreeMap::new();
    let entries = |it: &Fact| it.get("entries").as_number().unwrap_or_default();
    for fact in facts(timeline, &relation::NEIGHBOUR_COUNT) {
        let Some(node) = &fact.node else { continue };
        let known = counts.entry(node.clone()).or_insert(fact);
        if entries(fact) > entries(known) {
            *known = fact;
        }
    }
    let mut found = Vec::new();
    for (node, count) in &counts {
        let mut limits = facts(timeline, &relation::SYSCTL).filter(|it| it.node.as_ref() == Some(node));
        let limit = limits.find(|it| text(it, "key") == "net.ipv4.neigh.default.gc_thresh3");
        let most = limit.and_then(|it| it.get("value").as_number());
        let row = Row::new(&RELATION)
            .with("entries", count.get("entries").as_number().map(|it| it as i64))
            .with("failed", count.get("failed").as_number().map(|it| it as i64))
            .with("limit", most.map(|it| it as i64))
            .with("ratio", most.filter(|it| *it > 0.0).map(|it| entries(count) / it));
        let mut quotes = quotes([limit]);
        quotes.extend(count.quotes.iter().cloned());
        found.push(Fact { row, node: Some(node.clone()), at: count.at, quotes });
    }
    found
}
