//! Addresses that two machines have.
//!
//! ```text
//! node-a  inet 10.0.0.5/24 scope global eth0
//! node-b  inet 10.0.0.5/24 scope global eth0                           two-nodes
//! node-c  10.0.0.9 dev eth0 lladdr 52:54:00:00:00:01 REACHABLE
//! node-d  10.0.0.9 dev eth0 lladdr 52:54:00:00:00:02 REACHABLE         two-macs
//! ```
//!
//! Relation `address.conflict`. Skipped: interfaces whose addresses all nodes share, virtual router addresses, proxied
//! ones (`ee:ee:ee:ee:ee:ee`), addresses of tunnels, entries that may be old (STALE, FAILED).

use std::collections::BTreeMap;
use std::net::IpAddr;

use timeline::{Fact, Name, Relation, Row, Time, Timeline, relation};

use super::route_walk::SHARED;
use super::routes::{address, quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "address.conflict",
    columns: &["ip", "how", "first", "second"],
    about: "An address that two machines have: `how` is two-nodes (both have it configured) or two-macs (their neighbours \
            reach different cards under it).",
    per_node: false,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["address"], find };

/// Cards of virtual routers (VRRP, HSRP) and of Calico's proxies.
const VIRTUAL: [&str; 4] = ["00:00:5e", "00:00:0c:07:ac", "ee:ee:ee", "00:00:0c:9f"];
/// Interfaces where neighbours are set by software.
const TUNNELS: [&str; 6] = ["vxlan", "flannel", "tunl", "cali", "cilium", "wireguard"];

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut found = Vec::new();
    let mut add = |ip: IpAddr, how: &str, first: String, second: String, facts: [&Fact; 2]| {
        let row = Row::new(&RELATION).with("ip", ip).with("how", how).with("first", first).with("second", second);
        let at = facts.iter().map(|it| it.at).find(Time::is_known).unwrap_or(Time::UNKNOWN);
        found.push(Fact { row, node: None, at, quotes: quotes(facts.map(Some)) });
    };
    let mut holders: BTreeMap<IpAddr, (&Name, &Fact)> = BTreeMap::new();
    for fact in facts(timeline, &relation::ADDRESS) {
        let dev = text(fact, "dev");
        let shared = SHARED.iter().chain(&TUNNELS).any(|it| dev.starts_with(it)) || text(fact, "scope") == "host" || text(fact, "scope") == "link";
        let (Some(ip), Some(node)) = (address(fact, "address").filter(|_| !shared && !dev.is_empty()), &fact.node) else { continue };
        let link_local = match ip {
            IpAddr::V4(it) => it.is_link_local() || it.is_loopback(),
            IpAddr::V6(it) => it.is_loopback() || (it.segments()[0] & 0xffc0) == 0xfe80,
        };
        if link_local {
            continue;
        }
        match holders.get(&ip) {
            Some((other, first)) if *other != node => add(ip, "two-nodes", other.to_string(), node.to_string(), [first, fact]),
            Some(_) => {}
            None => {
                holders.insert(ip, (node, fact));
            }
        }
    }
    let mut cards: BTreeMap<IpAddr, (String, &Fact)> = BTreeMap::new();
    for fact in facts(timeline, &relation::NEIGHBOUR) {
        let (dev, card, state) = (text(fact, "dev"), text(fact, "mac"), text(fact, "state"));
        let old = matches!(state.as_str(), "STALE" | "FAILED" | "INCOMPLETE" | "");
        let odd = VIRTUAL.iter().any(|it| card.starts_with(it)) || SHARED.iter().chain(&TUNNELS).any(|it| dev.starts_with(it));
        let Some(ip) = address(fact, "ip").filter(|it| it.is_ipv4() && !card.is_empty() && !old && !odd) else { continue };
        match cards.get(&ip) {
            Some((other, first)) if *other != card => add(ip, "two-macs", other.clone(), card, [first, fact]),
            Some(_) => {}
            None => {
                cards.insert(ip, (card, fact));
            }
        }
    }
    found
}
