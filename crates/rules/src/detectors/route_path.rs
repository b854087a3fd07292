//! The way of packets to an address, from every node, followed through the tables of the nodes it passes.
//!
//! ```text
//! kubestage1002 -> kubestage1001: blackhole 10.64.75.0/26      the block's owner drops it
//! kubestage1004 -> 10.64.0.1                                   leaves for a router
//! ```
//!
//! Relation `route.path`, one row a sending node and address: all borrowed addresses, and a few others of each node.
//! Skipped: nodes without a table; where there are too many rows, the last addresses.

use std::collections::BTreeMap;

use timeline::{Fact, Relation, Row, Time, Timeline};

use super::Detector;
use super::leases::{Blocks, leases};
use super::route_walk::{Gateways, walk};
use super::routes::{Tables, quotes};

pub(super) static RELATION: Relation = Relation {
    name: "route.path",
    columns: &["ip", "pod", "user", "owner", "borrowed", "verdict", "end", "hops", "certain"],
    about: "Where a packet from a node to an address ends: delivered, local, dropped, exits (a router), on-link, no-route, \
            loop or unseen; `end` is the node it ends on, `hops` the nodes it passes, `certain` whether all their tables \
            were collected whole and no policy rule may divert it.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["route"], find };

const MOST_ROWS: usize = 20_000;
/// Addresses looked at of each node that uses them from its own blocks.
const EXAMPLES: usize = 2;

fn find(timeline: &Timeline) -> Vec<Fact> {
    let tables = Tables::of(timeline);
    let blocks = Blocks::of(timeline);
    let gateways = Gateways::of(timeline);
    let mut examples: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (ip, lease) in leases(timeline, &tables, &blocks) {
        let borrowed = lease.borrowed || lease.owner.as_ref().zip(lease.user.as_ref()).is_some_and(|(a, b)| a != b);
        if !borrowed {
            let user = lease.user.as_deref().unwrap_or_default();
            let count = examples.entry(user.to_owned()).or_default();
            *count += 1;
            if *count > EXAMPLES {
                continue;
            }
        }
        for (node, _) in tables.knowing(ip) {
            if found.len() >= MOST_ROWS {
                return found;
            }
            let walk = walk(&tables, &gateways, node, ip);
            let row = Row::new(&RELATION)
                .with("ip", ip)
                .with("pod", lease.pod.clone())
                .with("user", lease.user.clone())
                .with("owner", lease.owner.clone())
                .with("borrowed", borrowed)
                .with("verdict", walk.word)
                .with("end", walk.end.clone())
                .with("hops", walk.hops.iter().map(|it| &**it).collect::<Vec<_>>().join(" -> "))
                .with("certain", walk.certain);
            let at = walk.fact.map_or(Time::UNKNOWN, |it| it.at);
            let shown = walk.fact.or_else(|| tables.table(node, ip).and_then(|it| it.sample(ip)));
            found.push(Fact { row, node: Some(node.clone()), at, quotes: quotes([shown]) });
        }
    }
    found
}
