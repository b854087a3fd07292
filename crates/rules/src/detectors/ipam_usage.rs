//! How many of a pool's blocks and addresses are taken, and which nodes have no block.
//!
//! ```text
//! | IP Pool  | 10.64.75.0/24    |  256 | 12 (5%) | 244 (95%) |     4 blocks of /26
//! | Block    | 10.64.75.0/26    |   64 |  4 (6%) |  60 (94%) |     one of them taken
//! ```
//!
//! Relation `ipam.usage`. The size of a block is the pool's setting, else that of its blocks where all agree. What is
//! free is said only where all blocks were listed; nodes without a block only where the owner of every block is known.

use std::collections::BTreeMap;

use ipnet::IpNet;
use timeline::{Fact, Name, Relation, Row, Time, Timeline, Value, relation};

use super::leases::{Blocks, node};
use super::routes::quotes;
use super::{Detector, collected_whole, facts};

pub(super) static RELATION: Relation = Relation {
    name: "ipam.usage",
    columns: &["cidr", "blocks_total", "blocks_used", "blocks_free", "used", "total", "nodes_without_block"],
    about: "How full an address pool is, in blocks and in addresses; `nodes_without_block` are the known nodes that own \
            no block, separated by blanks.",
    per_node: false,
};

pub(super) static DETECTOR: Detector =
    Detector { relation: &RELATION, needs: &["ipam.pool", "ipam.block"], find };

/// Blocks quoted beside the pool.
const BLOCKS_QUOTED: usize = 3;

fn find(timeline: &Timeline) -> Vec<Fact> {
    let blocks = Blocks::of(timeline);
    let listed = collected_whole(timeline, &relation::IPAM_BLOCK);
    let mut pools: BTreeMap<IpNet, Vec<&Fact>> = BTreeMap::new();
    for fact in facts(timeline, &relation::IPAM_POOL) {
        if let Some(cidr) = fact.get("cidr").as_prefix() {
            pools.entry(cidr.trunc()).or_default().push(fact);
        }
    }
    let mut used_by_block: BTreeMap<IpNet, f64> = BTreeMap::new();
    for fact in facts(timeline, &relation::IPAM_BLOCK) {
        if let (Some(cidr), Some(used)) = (fact.get("cidr").as_prefix(), fact.get("used").as_number()) {
            used_by_block.entry(cidr.trunc()).or_insert(used);
        }
    }
    let said = |rows: &[&Fact], column: &str| {
        rows.iter().map(|it| it.get(column)).find(Value::is_some).unwrap_or_default().as_number().map(|it| it as i64)
    };
    let row = |(cidr, rows): (&IpNet, &Vec<&Fact>)| {
        let inside: Vec<(&IpNet, &Fact)> =
            blocks.iter().filter(|(block, ..)| cidr.contains(*block)).map(|(block, _, fact)| (block, fact)).collect();
        let size = said(rows, "block_size").and_then(|it| u8::try_from(it).ok()).or_else(|| agreed(&inside));
        let total = size.and_then(|it| power(it.checked_sub(cidr.prefix_len())?));
        let taken = (listed || !inside.is_empty()).then_some(inside.len() as i64);
        let free = total.zip(taken).filter(|_| listed).map(|(total, taken)| (total - taken).max(0));
        let known: Vec<f64> = inside.iter().filter_map(|(block, _)| used_by_block.get(*block).copied()).collect();
        let summed = (listed && !known.is_empty() && known.len() == inside.len()).then(|| known.iter().sum::<f64>() as i64);
        let row = Row::new(&RELATION)
            .with("cidr", *cidr)
            .with("blocks_total", total)
            .with("blocks_used", taken)
            .with("blocks_free", free)
            .with("used", said(rows, "used").or(summed))
            .with("total", said(rows, "total").or_else(|| power(cidr.max_prefix_len() - cidr.prefix_len())))
            .with("nodes_without_block", without_block(timeline, &blocks, listed, cidr.addr().is_ipv4()));
        let shown = rows.iter().copied().map(Some).take(1).chain(inside.iter().map(|it| Some(it.1)).take(BLOCKS_QUOTED));
        let at = rows.iter().map(|it| it.at).find(Time::is_known).unwrap_or(Time::UNKNOWN);
        Fact { row, node: None, at, quotes: quotes(shown) }
    };
    pools.iter().map(row).collect()
}

/// The length of all these blocks, where they agree.
fn agreed(blocks: &[(&IpNet, &Fact)]) -> Option<u8> {
    let size = blocks.first()?.0.prefix_len();
    blocks.iter().all(|(block, _)| block.prefix_len() == size).then_some(size)
}

fn power(bits: u8) -> Option<i64> {
    1i64.checked_shl(u32::from(bits)).filter(|it| *it > 0)
}

/// The known nodes that own no block of the family.
fn without_block(timeline: &Timeline, blocks: &Blocks<'_>, listed: bool, v4: bool) -> Option<String> {
    let listed = listed || collected_whole(timeline, &relation::IPAM_AFFINITY);
    if !listed || !blocks.owners_known(v4) {
        return None;
    }
    let mut nodes: Vec<Name> =
        facts(timeline, &relation::NODE).filter_map(|it| node(timeline, &it.get("name"))).collect();
    if nodes.is_empty() {
        nodes = timeline.nodes.all();
    }
    nodes.sort();
    nodes.dedup();
    nodes.retain(|it| !blocks.owned_by(it, v4));
    Some(nodes.join(" "))
}
