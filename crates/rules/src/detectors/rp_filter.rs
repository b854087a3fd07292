//! The reverse-path filter in force on each interface: the larger of its own setting and that of `all`.
//!
//! ```text
//! net.ipv4.conf.all.rp_filter = 1
//! net.ipv4.conf.eth1.rp_filter = 0          in force on eth1: 1
//! ```
//!
//! Relation `rp-filter`. 0 is off, 1 strict, 2 loose. Skipped: the interfaces of pods.
//!
//! Source: Documentation/networking/ip-sysctl.rst.

use std::collections::BTreeMap;

use timeline::{Fact, Name, Relation, Row, Timeline, relation};

use super::routes::{quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "rp-filter",
    columns: &["dev", "effective", "own", "all", "networks"],
    about: "The reverse-path filter in force on an interface (0 off, 1 strict, 2 loose); `networks` is how many interfaces \
            of the node have a network of their own.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["sysctl"], find };

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut nodes: BTreeMap<Name, BTreeMap<String, &Fact>> = BTreeMap::new();
    for fact in facts(timeline, &relation::SYSCTL) {
        let key = text(fact, "key");
        let dev = key.strip_prefix("net.ipv4.conf.").and_then(|it| it.strip_suffix(".rp_filter"));
        if let (Some(dev), Some(node)) = (dev, &fact.node) {
            nodes.entry(node.clone()).or_default().insert(dev.to_owned(), fact);
        }
    }
    let mut networks: BTreeMap<Name, std::collections::BTreeSet<String>> = BTreeMap::new();
    for fact in facts(timeline, &relation::ROUTE) {
        let dev = text(fact, "dev");
        let own = text(fact, "proto") == "kernel" && !["tunl", "vxlan", "cali", "docker", "br-", "virbr", "cni", "flannel", "lo"].iter().any(|it| dev.starts_with(it));
        if let Some(node) = fact.node.as_ref().filter(|_| own) {
            networks.entry(node.clone()).or_default().insert(dev);
        }
    }
    let mut found = Vec::new();
    for (node, settings) in &nodes {
        let all = settings.get("all").copied();
        let value = |it: Option<&Fact>| it.and_then(|it| it.get("value").as_number()).map(|it| it as i64);
        for (dev, fact) in settings {
            if matches!(dev.as_str(), "all" | "default" | "lo") || ["cali", "veth", "lxc"].iter().any(|it| dev.starts_with(it)) {
                continue;
            }
            let (own, of_all) = (value(Some(fact)), value(all));
            // without the setting of all nothing is known but a lower bound
            let effective = own.zip(of_all).map(|(a, b)| a.max(b));
            let row = Row::new(&RELATION)
                .with("dev", dev.replace('/', "."))
                .with("effective", effective)
                .with("own", own)
                .with("all", of_all)
                .with("networks", networks.get(node).map(|it| it.len() as i64));
            found.push(Fact { row, node: Some(node.clone()), at: fact.at, quotes: quotes([Some(*fact), all]) });
        }
    }
    found
}
