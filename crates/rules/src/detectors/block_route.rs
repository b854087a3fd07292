//! Nodes that lack a route to the whole block of another node, while others have it.
//!
//! ```text
//! node-b   10.64.75.0/26 via 10.64.0.11 dev eth0 proto bird      it knows where the block is
//! node-c   default via 10.64.0.1 dev eth0                        it does not
//! ```
//!
//! Relation `block.route`, one row a node and block it lacks. Where no node has a route to any other's block, the routers
//! know the way and nothing is missing: then there are no rows. Skipped: tables that are not whole, blocks without a known
//! owner.

use std::net::IpAddr;

use ipnet::IpNet;
use timeline::{Fact, Name, Relation, Row, Time, Timeline, Value};

use super::Detector;
use super::leases::Blocks;
use super::routes::{Table, Tables, quotes, text};

pub(super) static RELATION: Relation = Relation {
    name: "block.route",
    columns: &["cidr", "owner", "verdict", "dst", "elsewhere", "lacking"],
    about: "A node without a route to another node's block that `elsewhere` other nodes do have: `verdict` is no-route, \
            default, unreachable or blackhole; `lacking` counts the blocks this node lacks.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["route", "ipam.block"], find };

const MOST_ROWS: usize = 20_000;

fn find(timeline: &Timeline) -> Vec<Fact> {
    let tables = Tables::of(timeline);
    let blocks = Blocks::of(timeline);
    let mut rows: Vec<(Name, Row, [Option<&Fact>; 3])> = Vec::new();
    for (block, owner, fact) in blocks.iter() {
        let Some(owner) = owner else { continue };
        let ip = block.addr();
        let mut lacking: Vec<(&Name, &'static str, Option<IpNet>, Option<&Fact>)> = Vec::new();
        let mut elsewhere = 0i64;
        let mut example: Option<&Fact> = None;
        for (node, table) in tables.knowing(ip).filter(|(node, _)| *node != owner && tables.is_whole(node, ip)) {
            match way(table, *block) {
                Way::Known(route) => {
                    elsewhere += 1;
                    example = example.or(route);
                }
                Way::Wider => {}
                Way::Missing(word, dst, route) => lacking.push((node, word, dst, route)),
            }
        }
        if elsewhere == 0 {
            continue;
        }
        for (node, word, dst, route) in lacking {
            let row = Row::new(&RELATION)
                .with("cidr", *block)
                .with("owner", owner.clone())
                .with("verdict", word)
                .with("dst", dst)
                .with("elsewhere", elsewhere);
            let shown = route.or_else(|| tables.table(node, ip).and_then(|it| it.sample(ip)));
            rows.push((node.clone(), row, [shown, Some(fact), example]));
            if rows.len() >= MOST_ROWS {
                break;
            }
        }
    }
    let count = |node: &Name| rows.iter().filter(|it| it.0 == *node).count() as i64;
    let facts = rows.iter().map(|(node, row, shown)| {
        let at = shown[0].map_or(Time::UNKNOWN, |it| it.at);
        Fact { row: row.clone().with("lacking", count(node)), node: Some(node.clone()), at, quotes: quotes(*shown) }
    });
    facts.collect()
}

/// How a table knows a block.
enum Way<'t> {
    /// By a route of its own.
    Known(Option<&'t Fact>),
    /// As part of a wider route, of a router say.
    Wider,
    /// Not at all, or only to be dropped.
    Missing(&'static str, Option<IpNet>, Option<&'t Fact>),
}

fn way<'t>(table: &Table<'t>, block: IpNet) -> Way<'t> {
    let verdict = table.lookup(probe(block));
    let dropped = matches!(verdict.word, "blackhole" | "unreachable" | "prohibit");
    match verdict.dst {
        Some(dst) if dropped && dst.prefix_len() >= block.prefix_len() => {
            let claimed = verdict.word == "blackhole" && verdict.fact.is_some_and(|it| text(it, "proto") == "bird" || text(it, "proto") == "80");
            // a node with the block's blackhole owns it, whatever IPAM says: another matter
            if claimed { Way::Wider } else { Way::Missing(verdict.word, Some(dst), verdict.fact) }
        }
        Some(dst) if dst.prefix_len() == 0 => Way::Missing("default", Some(dst), verdict.fact),
        Some(dst) if dst.prefix_len() >= block.prefix_len() => Way::Known(verdict.fact),
        Some(_) => Way::Wider,
        None => Way::Missing("no-route", None, None),
    }
}

/// An address of the block that is hardly ever handed out: its last one.
fn probe(block: IpNet) -> IpAddr {
    match Value::Prefix(block).as_prefix() {
        Some(IpNet::V4(it)) => it.broadcast().into(),
        Some(IpNet::V6(it)) => it.broadcast().into(),
        None => block.addr(),
    }
}
