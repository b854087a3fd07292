//! What each node's routing table does with each address that is in use.
//!
//! ```text
//! blackhole 10.64.75.0/26 proto bird      10.64.75.0 on kubestage1001: blackhole
//! 10.64.75.0 dev calidda3b144ba9          10.64.75.0 on kubestage1003: delivered
//! ```
//!
//! Relation `route.lookup`, one row an address and node with a table. Addresses come from IPAM, from pods, and from host
//! routes to a pod. Skipped: nodes without routes of the address' family; where addresses
//! times nodes exceed [`MOST_ROWS`] the last addresses, borrowed ones being the first.

use std::net::IpAddr;

use timeline::{Fact, Relation, Row, Time, Timeline};

use super::leases::{Blocks, Lease, leases};
use super::Detector;
use super::routes::{Tables, quotes};

pub(super) static RELATION: Relation = Relation {
    name: "route.lookup",
    columns: &["ip", "block", "verdict", "dst", "via", "dev", "complete", "host_route", "diverted"],
    about: "What a node's routing table does with an address: delivered, local, blackhole, unreachable, prohibit, via, \
            on-link or no-route; `complete` is whether the whole table was collected, `diverted` whether a policy rule \
            may send some packets elsewhere.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector {
    relation: &RELATION,
    needs: &["route"],
    find,
};

const MOST_ROWS: usize = 50_000;

/// What is left out of so many rows, in words.
pub(crate) fn cut(timeline: &Timeline, rows: usize) -> Option<String> {
    // far from the limit nothing is worth a second look
    if rows < MOST_ROWS / 10 {
        return None;
    }
    let tables = Tables::of(timeline);
    let addresses = leases(timeline, &tables, &Blocks::of(timeline)).len();
    let kept = MOST_ROWS / tables.nodes.len().max(1);
    let nodes = tables.nodes.len();
    (addresses > kept).then(|| {
        format!("route.lookup: {addresses} addresses on {nodes} nodes, {kept} are looked up, those lent across nodes first")
    })
}

fn find(timeline: &Timeline) -> Vec<Fact> {
    let tables = Tables::of(timeline);
    let blocks = Blocks::of(timeline);
    let leases = leases(timeline, &tables, &blocks);
    let mut wanted: Vec<(&IpAddr, &Lease<'_>)> = leases.iter().collect();
    wanted.sort_by_key(|(ip, lease)| (rank(lease), **ip));
    wanted.truncate(MOST_ROWS / tables.nodes.len().max(1));
    wanted.sort_by_key(|(ip, _)| **ip);
    let mut found = Vec::new();
    for (ip, lease) in wanted {
        for (node, table) in tables.knowing(*ip) {
            let verdict = table.lookup(*ip);
            let shown = verdict.fact.or_else(|| table.sample(*ip));
            let row = Row::new(&RELATION)
                .with("ip", *ip)
                .with("block", lease.block)
                .with("verdict", verdict.word)
                .with("dst", verdict.dst)
                .with("complete", tables.is_whole(node, *ip))
                .with("host_route", verdict.dst.is_some_and(|it| it.prefix_len() == it.max_prefix_len()));
            let row = row.with("diverted", verdict.diverted);
            let row = match verdict.fact {
                Some(route) => row.with("via", route.get("via")).with("dev", route.get("dev")),
                None => row,
            };
            let at = shown.map_or(Time::UNKNOWN, |it| it.at);
            found.push(Fact { row, node: Some(node.clone()), at, quotes: quotes([shown]) });
        }
    }
    found
}

/// Addresses by how much their way matters.
fn rank(lease: &Lease<'_>) -> u8 {
    match lease {
        Lease { borrowed: true, .. } => 0,
        Lease { owner: Some(owner), user: Some(user), .. } if owner != user => 0,
        Lease { tunnel: true, .. } => 1,
        Lease { pod: Some(_), .. } => 2,
        _ => 3,
    }
}
