//! Following a packet from node to node: who holds the gateway of a route, and where the way ends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use timeline::{Fact, Name, Timeline, relation};

use super::facts;
use super::leases::node;
use super::routes::{Tables, address, text};

/// Which node holds an address that routes point to.
pub(super) struct Gateways {
    holders: BTreeMap<IpAddr, Option<Name>>,
}

/// Interfaces whose addresses many nodes have alike.
pub(super) const SHARED: [&str; 9] =
    ["lo", "docker", "br-", "virbr", "cni", "kube-ipvs", "nodelocaldns", "dummy", "cbr"];

impl Gateways {
    pub(super) fn of(timeline: &Timeline) -> Gateways {
        let mut gateways = Gateways { holders: BTreeMap::new() };
        for fact in facts(timeline, &relation::ADDRESS) {
            let dev = text(fact, "dev");
            if let (Some(ip), Some(node)) = (address(fact, "address"), &fact.node)
                && !SHARED.iter().any(|it| dev.starts_with(it))
            {
                gateways.add(ip, node.clone());
            }
        }
        for fact in facts(timeline, &relation::ROUTE) {
            // `10.64.0.0/22 dev eno1 proto kernel scope link src 10.64.0.247`
            let dev = text(fact, "dev");
            if let (Some(ip), Some(node)) = (address(fact, "src"), &fact.node)
                && text(fact, "proto") == "kernel"
                && !SHARED.iter().any(|it| dev.starts_with(it))
            {
                gateways.add(ip, node.clone());
            }
        }
        for (relation, columns) in [
            (&relation::NODE, &["address"][..]),
            (&relation::CALICO_NODE, &["internal", "bgp_address", "ipip_tunnel", "vxlan_tunnel"][..]),
        ] {
            for fact in facts(timeline, relation) {
                let Some(name) = node(timeline, &fact.get("name")) else { continue };
                for column in columns {
                    if let Some(ip) = address(fact, column) {
                        gateways.add(ip, name.clone());
                    }
                }
            }
        }
        gateways
    }

    fn add(&mut self, ip: IpAddr, node: Name) {
        if ip.is_loopback() {
            return;
        }
        let holder = self.holders.entry(ip).or_insert_with(|| Some(node.clone()));
        // an address of two nodes leads to neither
        if holder.as_ref().is_some_and(|it| *it != node) {
            *holder = None;
        }
    }

    fn holder(&self, ip: IpAddr) -> Option<&Name> {
        self.holders.get(&ip)?.as_ref()
    }
}

/// Where the way of a packet ends.
pub(super) struct Walk<'t> {
    /// `delivered`, `local`, `dropped`, `exits` (to a router whose table is not here), `on-link`, `no-route`, `loop` or
    /// `unseen` (the next node's table is not here).
    pub word: &'static str,
    /// The node it ends on.
    pub end: Name,
    /// The nodes it passes, the sender first.
    pub hops: Vec<Name>,
    /// The route that ends it.
    pub fact: Option<&'t Fact>,
    /// Whether all tables on the way were collected whole, and no policy rule may divert it.
    pub certain: bool,
}

/// Follows a packet to the address from a node.
pub(super) fn walk<'t>(tables: &Tables<'t>, gateways: &Gateways, from: &Name, ip: IpAddr) -> Walk<'t> {
    let mut walk = Walk { word: "unseen", end: from.clone(), hops: vec![from.clone()], fact: None, certain: true };
    let mut seen: BTreeSet<Name> = BTreeSet::new();
    loop {
        let here = walk.end.clone();
        if !seen.insert(here.clone()) {
            walk.word = "loop";
            return walk;
        }
        let Some(table) = tables.table(&here, ip) else {
            walk.word = "unseen";
            return walk;
        };
        let verdict = table.lookup(ip);
        walk.certain &= tables.is_whole(&here, ip) && !verdict.diverted;
        walk.fact = verdict.fact;
        let next = match verdict.word {
            "blackhole" | "unreachable" | "prohibit" => {
                walk.word = "dropped";
                return walk;
            }
            "via" => verdict.fact.and_then(|it| address(it, "via")).and_then(|it| gateways.holder(it)),
            word => {
                walk.word = word;
                return walk;
            }
        };
        let Some(next) = next else {
            walk.word = "exits";
            return walk;
        };
        walk.end = next.clone();
        walk.hops.push(next.clone());
    }
}
