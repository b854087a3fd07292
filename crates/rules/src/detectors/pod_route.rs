//! Running pods whose own node does not deliver their address.
//!
//! ```text
//! web-1   10.64.75.9   node-a       blackhole 10.64.75.0/26 proto bird     and no route 10.64.75.9 dev cali…
//! ```
//!
//! Relation `pod.route`. The node owns the block and drops the address, so nothing on it was ever set up for the pod or
//! it was lost: the CNI plugin's or Felix's matter, not borrowing. Skipped: pods that are finished or in the host's
//! network, tables that are not whole, nodes without any Calico route.

use timeline::{Fact, Relation, Row, Time, Timeline};

use super::Detector;
use super::leases::{Blocks, leases};
use super::routes::{Tables, quotes};

pub(super) static RELATION: Relation = Relation {
    name: "pod.route",
    columns: &["ip", "pod", "block", "verdict", "diverted"],
    about: "A running pod whose own node drops its address: `verdict` is what the node's whole table does with it.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["route", "pod"], find };

fn find(timeline: &Timeline) -> Vec<Fact> {
    let tables = Tables::of(timeline);
    let blocks = Blocks::of(timeline);
    let mut found = Vec::new();
    for (ip, lease) in leases(timeline, &tables, &blocks) {
        let (Some(user), Some(pod)) = (&lease.user, lease.pod_fact) else { continue };
        let Some(table) = tables.table(user, ip).filter(|_| tables.is_whole(user, ip)) else { continue };
        let verdict = table.lookup(ip);
        if !matches!(verdict.word, "blackhole" | "unreachable" | "prohibit") {
            continue;
        }
        let row = Row::new(&RELATION)
            .with("ip", ip)
            .with("pod", lease.pod.clone())
            .with("block", lease.block.or(verdict.dst))
            .with("verdict", verdict.word)
            .with("diverted", verdict.diverted);
        let at = verdict.fact.map_or(Time::UNKNOWN, |it| it.at);
        found.push(Fact { row, node: Some(user.clone()), at, quotes: quotes([verdict.fact, Some(pod), lease.allocation]) });
    }
    found
}
