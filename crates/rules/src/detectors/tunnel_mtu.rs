//! Whether a tunnel's packets fit into the network below it.
//!
//! ```text
//! 2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400     carries
//! 5: vxlan.calico: <BROADCAST,MULTICAST,UP> mtu 1450      whose packets need 1500
//! ```
//!
//! Relation `tunnel.mtu`, one row a tunnel. The interface below is the one of the default route. Overheads: IPIP 20,
//! VXLAN 50, WireGuard 60 bytes over IPv4. Skipped: nodes without a default route or with several.
//!
//! Source: docs.tigera.io/calico/latest/networking/configuring/mtu.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Fact, Name, Relation, Row, Time, Timeline, relation};

use super::routes::{quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "tunnel.mtu",
    columns: &["dev", "mtu", "overhead", "below", "below_mtu", "excess"],
    about: "A tunnel and the interface that carries it; `excess` is by how many bytes its full packets are too long.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["link", "route"], find };

/// Interfaces of tunnels, and what the outer headers take.
const TUNNELS: [(&str, i64); 6] =
    [("tunl", 20), ("vxlan", 50), ("flannel", 50), ("cilium_vxlan", 50), ("wireguard", 60), ("genev", 50)];

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut links: BTreeMap<Name, Vec<&Fact>> = BTreeMap::new();
    for fact in facts(timeline, &relation::LINK) {
        links.entry(fact.node.clone().unwrap_or_default()).or_default().push(fact);
    }
    let mut defaults: BTreeMap<Name, BTreeSet<String>> = BTreeMap::new();
    for fact in facts(timeline, &relation::ROUTE) {
        let default = fact.get("dst").as_prefix().is_some_and(|it| it.prefix_len() == 0 && it.addr().is_ipv4());
        if default && matches!(text(fact, "table").as_str(), "" | "main" | "254") && fact.get("dev").is_some() {
            defaults.entry(fact.node.clone().unwrap_or_default()).or_default().insert(text(fact, "dev"));
        }
    }
    let mut found = Vec::new();
    for (node, links) in &links {
        let below: Vec<&String> = defaults.get(node).into_iter().flatten().collect();
        let [below] = below.as_slice() else { continue };
        let Some(carrier) = links.iter().find(|it| text(it, "dev") == **below) else { continue };
        let Some(below_mtu) = carrier.get("mtu").as_number() else { continue };
        for link in links {
            let dev = text(link, "dev");
            let Some((_, overhead)) = TUNNELS.iter().find(|(name, _)| dev.starts_with(name)) else { continue };
            let Some(mtu) = link.get("mtu").as_number().filter(|_| text(link, "flags").split(',').any(|it| it == "UP")) else { continue };
            let row = Row::new(&RELATION)
                .with("dev", dev)
                .with("mtu", mtu as i64)
                .with("overhead", *overhead)
                .with("below", (*below).clone())
                .with("below_mtu", below_mtu as i64)
                .with("excess", mtu as i64 + overhead - below_mtu as i64);
            found.push(Fact { row, node: Some(node.clone()), at: Time::UNKNOWN, quotes: quotes([Some(*link), Some(*carrier)]) });
        }
    }
    found
}
