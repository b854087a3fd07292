//! Which addresses are handed out, whose they are and who uses them, from every source that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use timeline::{Fact, Name, Timeline, Value, relation};

use super::facts;
use super::routes::{Tables, address, text};

/// An address in use.
#[derive(Default)]
pub(super) struct Lease<'t> {
    pub block: Option<IpNet>,
    pub owner: Option<Name>,
    pub user: Option<Name>,
    pub pod: Option<Name>,
    pub tunnel: bool,
    pub borrowed: bool,
    /// Whether anybody listens there, where that can be told.
    pub live: Option<bool>,
    /// The row of the allocation, the pod and the block, where there is one.
    pub allocation: Option<&'t Fact>,
    pub pod_fact: Option<&'t Fact>,
    pub block_fact: Option<&'t Fact>,
    /// The route that shows the owner, where nothing else does.
    pub hole: Option<&'t Fact>,
}

/// The blocks by their prefix, for the block over an address.
pub(super) struct Blocks<'t> {
    by_prefix: BTreeMap<IpNet, (Option<Name>, &'t Fact)>,
    lengths: BTreeSet<u8>,
}

impl<'t> Blocks<'t> {
    pub(super) fn of(timeline: &'t Timeline) -> Blocks<'t> {
        let mut by_prefix: BTreeMap<IpNet, (Option<Name>, &'t Fact)> = BTreeMap::new();
        let gone = |it: &&Fact| text(it, "deleted") != "true" && !text(it, "state").starts_with("pending");
        let affinities = facts(timeline, &relation::IPAM_AFFINITY).filter(gone);
        for fact in facts(timeline, &relation::IPAM_BLOCK).chain(affinities) {
            let Some(cidr) = fact.get("cidr").as_prefix() else { continue };
            let owner = node(timeline, &fact.get("owner"));
            let entry = by_prefix.entry(cidr.trunc()).or_insert((None, fact));
            if entry.0.is_none() && owner.is_some() {
                *entry = (owner, fact);
            }
        }
        let lengths = by_prefix.keys().map(IpNet::prefix_len).collect();
        Blocks { by_prefix, lengths }
    }

    /// The smallest known block over the address.
    fn over(&self, ip: IpAddr) -> Option<(IpNet, Option<&Name>, &'t Fact)> {
        self.lengths.iter().rev().find_map(|len| {
            let block = IpNet::new(ip, *len).ok()?.trunc();
            let (owner, fact) = self.by_prefix.get(&block)?;
            Some((block, owner.as_ref(), *fact))
        })
    }

    /// The blocks in order, with their owners where known.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&IpNet, Option<&Name>, &'t Fact)> {
        self.by_prefix.iter().map(|(block, (owner, fact))| (block, owner.as_ref(), *fact))
    }

    /// Whether each block's owner is known, in one family.
    pub(super) fn owners_known(&self, v4: bool) -> bool {
        let mut same = self.by_prefix.iter().filter(|(block, _)| block.addr().is_ipv4() == v4).peekable();
        same.peek().is_some() && same.all(|(_, (owner, _))| owner.is_some())
    }

    /// Whether a node owns a block, in one family.
    pub(super) fn owned_by(&self, node: &str, v4: bool) -> bool {
        let mut same = self.by_prefix.iter().filter(|(block, _)| block.addr().is_ipv4() == v4);
        same.any(|(_, (owner, _))| owner.as_deref() == Some(node))
    }
}

/// A cell that names a node, by its one name.
pub(super) fn node(timeline: &Timeline, cell: &Value) -> Option<Name> {
    match cell {
        Value::Nothing => None,
        it => Some(it.to_string()).filter(|it| !it.is_empty()).map(|it| timeline.nodes.canonical(&it)),
    }
}

/// Every address that somebody uses, in order.
pub(super) fn leases<'t>(
    timeline: &'t Timeline,
    tables: &Tables<'t>,
    blocks: &Blocks<'t>,
) -> BTreeMap<IpAddr, Lease<'t>> {
    let mut found: BTreeMap<IpAddr, Lease<'t>> = BTreeMap::new();
    for fact in facts(timeline, &relation::IPAM_ALLOCATION) {
        let Some(ip) = address(fact, "ip") else { continue };
        let lease = found.entry(ip).or_default();
        lease.allocation.get_or_insert(fact);
        lease.block = lease.block.or_else(|| fact.get("block").as_prefix());
        lease.owner = lease.owner.take().or_else(|| node(timeline, &fact.get("owner")));
        lease.user = lease.user.take().or_else(|| node(timeline, &fact.get("user")));
        lease.pod = lease.pod.take().or_else(|| Some(Name::from(text(fact, "pod"))).filter(|it| !it.is_empty()));
        let words = [text(fact, "type"), text(fact, "handle")];
        lease.tunnel |= words.iter().any(|it| it.to_ascii_lowercase().contains("tunnel"));
        lease.borrowed |= text(fact, "borrowed") == "true";
        if text(fact, "leaked") == "true" {
            lease.live = Some(false);
        }
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    for fact in facts(timeline, &relation::POD) {
        known.insert(format!("{}/{}", text(fact, "namespace"), text(fact, "name")));
        let over = matches!(text(fact, "phase").as_str(), "Succeeded" | "Failed" | "Completed" | "Evicted");
        if over && let Some(lease) = address(fact, "ip").and_then(|it| found.get_mut(&it)) {
            lease.live = Some(false);
        }
        let Some(ip) = address(fact, "ip").filter(|_| !over && text(fact, "host_network") != "true") else { continue };
        // a host-network pod whose row does not say so has an address of its node
        if !found.contains_key(&ip) && tables.knowing(ip).any(|(_, table)| table.lookup(ip).word == "local") {
            continue;
        }
        let lease = found.entry(ip).or_default();
        lease.pod_fact.get_or_insert(fact);
        lease.live = Some(true);
        lease.user = lease.user.take().or_else(|| node(timeline, &fact.get("on")));
        let name = [text(fact, "namespace"), text(fact, "name")];
        let name = name.iter().filter(|it| !it.is_empty()).cloned().collect::<Vec<_>>().join("/");
        lease.pod = lease.pod.take().or_else(|| Some(Name::from(name)).filter(|it| !it.is_empty()));
    }
    for ip in tables.pod_addresses() {
        found.entry(ip).or_default();
    }
    let pods_listed = super::collected_whole(timeline, &relation::POD);
    for (ip, lease) in &mut found {
        // a pod of the allocation that is in no whole list of pods is gone; one that a table delivers is there
        if lease.live.is_none()
            && pods_listed
            && !lease.tunnel
            && lease.pod.as_ref().is_some_and(|it| !known.contains(&**it))
        {
            lease.live = Some(false);
        }
        if !tables.delivering(*ip).is_empty() {
            lease.live = Some(true);
        }
        if lease.user.is_none()
            && let [(node, _)] = tables.delivering(*ip).as_slice()
        {
            lease.user = Some((*node).clone());
        }
        if let Some((block, owner, fact)) = blocks.over(*ip) {
            lease.block.get_or_insert(block);
            lease.block_fact = Some(fact);
            lease.owner = lease.owner.take().or_else(|| owner.cloned());
        }
        if lease.owner.is_none()
            && let Some((node, block, fact)) = tables.holder(*ip)
            && tables.delivering(*ip).iter().any(|(other, _)| *other != node)
        {
            lease.owner = Some(node.clone());
            lease.block.get_or_insert(block);
            lease.hole = Some(fact);
        }
    }
    found
}
