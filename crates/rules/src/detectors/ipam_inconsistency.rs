//! Where the sources about Calico's addresses contradict each other.
//!
//! ```text
//! 10.64.75.9     delivered by node-a and by node-b          duplicate-address
//! 10.64.75.0/26  host:node-x, and there is no node-x        stale-affinity
//! 10.64.75.64/26 the block says node-a, the affinity node-b affinity-mismatch
//! 10.64.75.20    allocated to a pod that is not there       leaked
//! ```
//!
//! Relation `ipam.inconsistency`. Absence counts only where the list of nodes or pods is whole. Leaked addresses are one
//! row a node, with their number. Skipped: what is being deleted, addresses that cool down.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use timeline::{Fact, Name, Relation, Row, Time, Timeline, relation};

use super::leases::{Blocks, leases, node};
use super::routes::{Tables, address, quotes, text};
use super::{Detector, collected_whole, facts};

pub(super) static RELATION: Relation = Relation {
    name: "ipam.inconsistency",
    columns: &["kind", "ip", "cidr", "owner", "other", "pod", "count"],
    about: "Sources about addresses that contradict each other: `kind` is duplicate-address, stale-affinity, \
            affinity-mismatch, affinity-pending, leaked or tunnel-borrowed.",
    per_node: false,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["ipam.block"], find };

/// Leaked addresses quoted of a node.
const QUOTED: usize = 6;

fn find(timeline: &Timeline) -> Vec<Fact> {
    let tables = Tables::of(timeline);
    let blocks = Blocks::of(timeline);
    let mut found = Vec::new();
    let mut add = |row: Row, facts: &[Option<&Fact>]| {
        let at = facts.iter().flatten().map(|it| it.at).find(Time::is_known).unwrap_or(Time::UNKNOWN);
        found.push(Fact { row, node: None, at, quotes: quotes(facts.iter().copied()) });
    };
    let row = |kind: &str| Row::new(&RELATION).with("kind", kind);

    let leases = leases(timeline, &tables, &blocks);
    let mut leaked: BTreeMap<Name, Vec<&Fact>> = BTreeMap::new();
    for (ip, lease) in &leases {
        if let [(first, a), (second, b), ..] = tables.delivering(*ip).as_slice() {
            let row = row("duplicate-address").with("ip", *ip).with("owner", (*first).clone()).with("other", (*second).clone());
            add(row.with("pod", lease.pod.clone()), &[Some(a), Some(b), lease.allocation]);
        }
        if lease.tunnel
            && let (Some(owner), Some(user)) = (&lease.owner, &lease.user)
            && owner != user
        {
            let row = row("tunnel-borrowed").with("ip", *ip).with("cidr", lease.block).with("owner", owner.clone());
            add(row.with("other", user.clone()), &[lease.allocation, lease.block_fact]);
        }
        if lease.live == Some(false)
            && !lease.tunnel
            && let Some(fact) = lease.allocation
        {
            let of = lease.user.clone().or_else(|| lease.owner.clone()).unwrap_or_else(|| Name::from("unknown"));
            leaked.entry(of).or_default().push(fact);
        }
    }
    for (of, facts) in &leaked {
        let row = row("leaked").with("owner", of.clone()).with("count", facts.len() as i64).with("ip", facts[0].get("ip").as_prefix().map(|it| it.addr()));
        add(row, &facts.iter().copied().map(Some).take(QUOTED).collect::<Vec<_>>());
    }

    // two running pods with one address
    let mut by_ip: BTreeMap<std::net::IpAddr, &Fact> = BTreeMap::new();
    for fact in facts(timeline, &relation::POD) {
        let running = text(fact, "phase") == "Running" && text(fact, "host_network") == "false";
        let Some(ip) = address(fact, "ip").filter(|_| running) else { continue };
        match by_ip.get(&ip) {
            Some(known) if text(known, "uid") != text(fact, "uid") && text(known, "name") != text(fact, "name") => {
                let pods = format!("{} and {}", text(known, "name"), text(fact, "name"));
                let row = row("duplicate-address").with("ip", ip).with("pod", pods);
                let row = row.with("owner", node(timeline, &known.get("on"))).with("other", node(timeline, &fact.get("on")));
                add(row, &[Some(known), Some(fact)]);
            }
            Some(_) => {}
            None => {
                by_ip.insert(ip, fact);
            }
        }
    }

    let nodes: BTreeSet<Name> = facts(timeline, &relation::NODE).filter_map(|it| node(timeline, &it.get("name"))).collect();
    let nodes_listed = collected_whole(timeline, &relation::NODE) && !nodes.is_empty();
    let mut owners: BTreeMap<IpNet, (Name, &Fact)> = BTreeMap::new();
    for fact in facts(timeline, &relation::IPAM_BLOCK).chain(facts(timeline, &relation::IPAM_AFFINITY)) {
        let (Some(cidr), Some(owner)) = (fact.get("cidr").as_prefix(), node(timeline, &fact.get("owner"))) else { continue };
        let state = text(fact, "state");
        if text(fact, "deleted") == "true" {
            continue;
        }
        if state.starts_with("pending") {
            add(row("affinity-pending").with("cidr", cidr).with("owner", owner), &[Some(fact)]);
            continue;
        }
        match owners.get(&cidr) {
            None => {
                if nodes_listed && !nodes.contains(&owner) {
                    add(row("stale-affinity").with("cidr", cidr).with("owner", owner.clone()), &[Some(fact)]);
                }
                owners.insert(cidr, (owner, fact));
            }
            Some((known, first)) if *known != owner => {
                let row = row("affinity-mismatch").with("cidr", cidr).with("owner", known.clone());
                add(row.with("other", owner), &[Some(first), Some(fact)]);
            }
            Some(_) => {}
        }
    }
    found
}
