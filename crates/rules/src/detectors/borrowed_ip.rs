//! Addresses that one node uses from a block of another, and what the owner's routing table does with them.
//!
//! ```text
//! kubestage1001   blackhole 10.64.75.0/26 proto bird         it owns the block
//! kubestage1003   10.64.75.0 dev calidda3b144ba9 scope link  it uses an address of it
//! ```
//!
//! Relation `borrowed-ip`. The owner is the one IPAM names; where only routing tables were collected it is the only node
//! with the block's blackhole, and then another node must deliver the address. Skipped: finished and host-network pods.
//! A verdict is missing where the owner's table was not collected, and proves something only where it is complete.

use timeline::{Fact, Relation, Row, Time, Timeline, relation};

use super::leases::{Blocks, leases};
use super::route_walk::{Gateways, walk};
use super::routes::{Tables, quotes};
use super::{Detector, collected_whole};

pub(super) static RELATION: Relation = Relation {
    name: "borrowed-ip",
    columns: &["ip", "block", "owner", "user", "pod", "verdict", "complete", "delivered", "user_has_block", "kind", "live", "diverted", "senders", "learns"],
    about: "An address used by `user` from a block of `owner`, and the owner's longest match for it; `delivered` is \
            whether the user has a host route to the pod, `complete` whether the owner's whole table was collected, \
            `live` whether a pod listens there, `senders` the nodes whose packets end in the owner's drop, `learns` \
            whether the owner has any route by BGP or Felix to another node.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector {
    relation: &RELATION,
    needs: &["ipam.allocation"],
    find,
};

fn find(timeline: &Timeline) -> Vec<Fact> {
    let tables = Tables::of(timeline);
    let blocks = Blocks::of(timeline);
    let listed = collected_whole(timeline, &relation::IPAM_BLOCK) || collected_whole(timeline, &relation::IPAM_AFFINITY);
    let gateways = Gateways::of(timeline);
    let mut found = Vec::new();
    for (ip, lease) in leases(timeline, &tables, &blocks) {
        let (Some(owner), Some(user)) = (&lease.owner, &lease.user) else { continue };
        if owner == user {
            continue;
        }
        let table = tables.table(owner, ip);
        let verdict = table.map(|it| it.lookup(ip));
        let route = verdict.as_ref().and_then(|it| it.fact);
        let local = tables.table(user, ip).and_then(|it| it.pod_route(ip));
        let delivered = match local {
            Some(_) => Some(true),
            None if tables.is_whole(user, ip) => Some(false),
            None => None,
        };
        let shows_block = || tables.table(user, ip).is_some_and(|it| it.shows_block(ip));
        let user_has_block = match blocks.owned_by(user, ip.is_ipv4()) {
            true => Some(true),
            false if listed && blocks.owners_known(ip.is_ipv4()) => Some(false),
            false if shows_block() => Some(true),
            false => None,
        };
        let row = Row::new(&RELATION)
            .with("ip", ip)
            .with("block", lease.block)
            .with("owner", owner.clone())
            .with("user", user.clone())
            .with("pod", lease.pod.clone())
            .with("verdict", verdict.as_ref().map(|it| it.word))
            .with("complete", table.map(|_| tables.is_whole(owner, ip)))
            .with("delivered", delivered)
            .with("user_has_block", user_has_block)
            .with("kind", if lease.tunnel { "tunnel" } else { "pod" });
        let dropped = |walk: &super::route_walk::Walk<'_>| walk.word == "dropped" && walk.end == *owner;
        let senders: Vec<&str> = match verdict.as_ref().map(|it| it.word) {
            Some("blackhole" | "unreachable" | "prohibit") => tables
                .knowing(ip)
                .filter(|(node, _)| dropped(&walk(&tables, &gateways, node, ip)))
                .map(|(node, _)| &**node)
                .collect(),
            _ => Vec::new(),
        };
        let row = row
            .with("live", lease.live)
            .with("diverted", verdict.as_ref().map(|it| it.diverted))
            .with("senders", Some(senders.join(" ")).filter(|it| !it.is_empty()))
            .with("learns", table.filter(|_| tables.is_whole(owner, ip)).map(|it| it.learns_routes(ip.is_ipv4())));
        let sample = table.filter(|_| route.is_none()).and_then(|it| it.sample(ip));
        let joined = [route, local, lease.allocation, lease.block_fact, lease.pod_fact, lease.hole, sample];
        let at = joined.iter().flatten().map(|it| it.at).find(Time::is_known).unwrap_or(Time::UNKNOWN);
        found.push(Fact { row, node: Some(owner.clone()), at, quotes: quotes(joined) });
    }
    found
}
