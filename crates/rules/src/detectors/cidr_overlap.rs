//! Ranges of addresses that overlap and must not: pools, nodes, services, bridges.
//!
//! ```text
//! pool 10.64.0.0/16     node-a 10.64.0.11          a packet to the node may be taken for one to a pod
//! docker0 172.17.0.1/16 nameserver 172.17.0.10     the node asks its own bridge
//! ```
//!
//! Relation `cidr.overlap`. Skipped: disabled pools, tunnel addresses, which come out of a pool, and a pool that is
//! listed twice.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use timeline::{Fact, Relation, Row, Time, Timeline, relation};

use super::leases::node;
use super::routes::{address, quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "cidr.overlap",
    columns: &["first", "first_is", "second", "second_is", "of"],
    about: "Two ranges that overlap: `first_is` is pool or bridge, `second_is` pool, node, service, nameserver or network; \
            `of` names the node or service the second belongs to.",
    per_node: false,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["ipam.pool"], find };

const MOST_ROWS: usize = 200;
/// Bridges that a node makes for itself, with addresses nobody else knows.
const BRIDGES: [&str; 4] = ["docker", "br-", "virbr", "lxcbr"];
/// Interfaces with addresses out of a pool.
const POOLED: [&str; 9] = ["tunl", "vxlan", "cali", "wireguard", "kube-ipvs", "lo", "nodelocaldns", "flannel", "cni"];

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut found: Vec<Fact> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut add = |first: IpNet, first_is: &str, second: IpNet, second_is: &str, of: String, facts: [&Fact; 2]| {
        if found.len() < MOST_ROWS && seen.insert(format!("{first} {second_is} {of}")) {
            let row = Row::new(&RELATION)
                .with("first", first)
                .with("first_is", first_is)
                .with("second", second)
                .with("second_is", second_is)
                .with("of", Some(of).filter(|it| !it.is_empty()));
            let at = facts.iter().map(|it| it.at).find(Time::is_known).unwrap_or(Time::UNKNOWN);
            found.push(Fact { row, node: None, at, quotes: quotes(facts.map(Some)) });
        }
    };
    let pools: Vec<(IpNet, &Fact)> = facts(timeline, &relation::IPAM_POOL)
        .filter(|it| text(it, "disabled") != "true")
        .filter_map(|it| Some((it.get("cidr").as_prefix()?.trunc(), it)))
        .collect();
    let named = |fact: &Fact, column: &str| node(timeline, &fact.get(column)).map(|it| it.to_string()).unwrap_or_default();
    // addresses that are somebody's outside the pools
    let mut hosts: Vec<(IpAddr, &'static str, String, &Fact)> = Vec::new();
    for fact in facts(timeline, &relation::NODE) {
        hosts.extend(address(fact, "address").map(|it| (it, "node", named(fact, "name"), fact)));
    }
    for fact in facts(timeline, &relation::SERVICE) {
        let name = format!("{}/{}", text(fact, "namespace"), text(fact, "name"));
        hosts.extend(address(fact, "cluster_ip").map(|it| (it, "service", name, fact)));
    }
    for fact in facts(timeline, &relation::ADDRESS) {
        let dev = text(fact, "dev");
        let own = text(fact, "scope") != "host" && !POOLED.iter().chain(&BRIDGES).any(|it| dev.starts_with(it));
        if let (Some(ip), Some(node)) = (address(fact, "address").filter(|_| own), &fact.node)
            && ip.is_ipv4()
            && !ip.is_loopback()
        {
            hosts.push((ip, "node", node.to_string(), fact));
        }
    }
    for (at, (pool, fact)) in pools.iter().enumerate() {
        for (other, second) in pools.iter().skip(at + 1) {
            if pool != other && (pool.contains(other) || other.contains(pool)) {
                add(*pool, "pool", *other, "pool", String::new(), [fact, second]);
            }
        }
        for (ip, is, of, second) in &hosts {
            if pool.contains(ip) {
                add(*pool, "pool", IpNet::from(*ip), is, of.clone(), [fact, second]);
            }
        }
    }
    let servers: Vec<(IpAddr, &Fact)> =
        facts(timeline, &relation::NAMESERVER).filter_map(|it| Some((address(it, "address")?, it))).collect();
    for fact in facts(timeline, &relation::ADDRESS) {
        let dev = text(fact, "dev");
        let (Some(network), Some(own)) = (fact.get("prefix").as_prefix(), address(fact, "address")) else { continue };
        if !BRIDGES.iter().any(|it| dev.starts_with(it)) || !own.is_ipv4() {
            continue;
        }
        for (ip, is, of, second) in hosts.iter().filter(|it| it.1 == "node" && Some(&*it.2) != fact.node.as_deref()) {
            if network.contains(ip) {
                add(network, "bridge", IpNet::from(*ip), is, of.clone(), [fact, second]);
            }
        }
        for (ip, second) in servers.iter().filter(|it| it.1.node == fact.node) {
            if network.contains(ip) && *ip != own {
                let of = fact.node.as_deref().unwrap_or_default().to_owned();
                add(network, "bridge", IpNet::from(*ip), "nameserver", of, [fact, second]);
            }
        }
        for (pool, second) in &pools {
            if network.contains(pool) || pool.contains(&network) {
                add(*pool, "pool", network, "network", fact.node.as_deref().unwrap_or_default().to_owned(), [second, fact]);
            }
        }
    }
    found
}
