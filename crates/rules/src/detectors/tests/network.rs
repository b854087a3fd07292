//! Pools, addresses, sessions and neighbours.

use super::*;

#[test]
fn pools_count_their_blocks() {
    let mut timeline = Timeline::default();
    let pool = [("cidr", "10.64.75.0/24"), ("total", "256"), ("used", "12"), ("free", "244")];
    timeline.facts.push(fact(&relation::IPAM_POOL, None, 1, "IP Pool 10.64.75.0/24", &pool));
    for (cidr, owner) in
        [("10.64.75.0/26", "a"), ("10.64.75.64/26", "a"), ("10.64.75.128/26", "b"), ("10.64.75.192/26", "b")]
    {
        timeline.facts.push(fact(
            &relation::IPAM_BLOCK,
            None,
            1,
            cidr,
            &[("cidr", cidr), ("owner", owner), ("used", "3")],
        ));
    }
    for name in ["a", "b", "c", "d"] {
        timeline.facts.push(fact(&relation::NODE, None, 2, name, &[("name", name)]));
    }
    // a listing that is not known to be whole proves no absence
    assert_eq!(rows(&timeline, "ipam.usage"), ["-: cidr=10.64.75.0/24 blocks_total=4 blocks_used=4 used=12 total=256"]);
    timeline.collected.push(collected(&relation::IPAM_BLOCK, None, 1, None));
    assert_eq!(
        rows(&timeline, "ipam.usage"),
        ["-: cidr=10.64.75.0/24 blocks_total=4 blocks_used=4 blocks_free=0 used=12 total=256 nodes_without_block=c d"]
    );
    assert_eq!(quoted(&found(&timeline, "ipam.usage")[0])[..2], ["IP Pool 10.64.75.0/24", "10.64.75.0/26"]);
}

#[test]
fn a_pool_without_counts_takes_them_from_its_blocks() {
    let mut timeline = Timeline::default();
    timeline.facts.push(fact(
        &relation::IPAM_POOL,
        None,
        1,
        "pool",
        &[("cidr", "fd00:1::/112"), ("block_size", "122")],
    ));
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 1, "block", &[("cidr", "fd00:1::/122"), ("used", "3")]));
    timeline.collected.push(collected(&relation::IPAM_BLOCK, None, 1, None));
    assert_eq!(
        rows(&timeline, "ipam.usage"),
        ["-: cidr=fd00:1::/112 blocks_total=1024 blocks_used=1 blocks_free=1023 used=3 total=65536"]
    );
}

#[test]
fn contradictions_about_addresses() {
    let mut timeline = two_nodes();
    timeline.facts.push(route("owner", 1, "10.64.75.0 dev cali999 scope link"));
    for (cidr, owner) in [("10.64.75.0/26", "owner"), ("10.64.75.64/26", "gone")] {
        timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, cidr, &[("cidr", cidr), ("owner", owner)]));
    }
    for (cidr, owner, state) in [("10.64.75.0/26", "user", "confirmed"), ("10.64.75.128/26", "user", "pendingDeletion")]
    {
        let cells = [("cidr", cidr), ("owner", owner), ("state", state)];
        timeline.facts.push(fact(&relation::IPAM_AFFINITY, None, 8, &format!("{cidr} {owner} {state}"), &cells));
    }
    for name in ["owner", "user"] {
        timeline.facts.push(fact(&relation::NODE, None, 9, name, &[("name", name)]));
    }
    timeline.facts.push(fact(
        &relation::POD,
        None,
        10,
        "web-1",
        &[("namespace", "a"), ("name", "web-1"), ("ip", "10.64.75.4"), ("on", "owner")],
    ));
    let gone = [("ip", "10.64.75.5"), ("user", "owner"), ("pod", "a/old"), ("type", "pod")];
    timeline.facts.push(fact(&relation::IPAM_ALLOCATION, None, 11, "10.64.75.5 a/old", &gone));
    timeline.collected.push(collected(&relation::POD, None, 10, None));
    let kinds: Vec<String> = rows(&timeline, "ipam.inconsistency");
    assert_eq!(
        kinds,
        [
            "-: kind=duplicate-address ip=10.64.75.0 owner=owner other=user",
            "-: kind=leaked ip=10.64.75.5 owner=owner count=1",
            "-: kind=affinity-mismatch cidr=10.64.75.0/26 owner=owner other=user",
            "-: kind=affinity-pending cidr=10.64.75.128/26 owner=user",
        ]
    );
    timeline.collected.push(collected(&relation::NODE, None, 9, None));
    assert!(
        rows(&timeline, "ipam.inconsistency")
            .contains(&"-: kind=stale-affinity cidr=10.64.75.64/26 owner=gone".to_owned())
    );
}

#[test]
fn sessions_and_selectors_of_bgp() {
    let mut timeline = Timeline::default();
    let session = |node: &str, peer: &str, state: &str, info: &str| {
        fact(
            &relation::BGP_PEER,
            Some(node),
            1,
            &format!("{node} {peer} {state}"),
            &[("peer", peer), ("state", state), ("info", info)],
        )
    };
    timeline.facts.push(session("a", "10.0.0.2", "start", "Passive"));
    timeline.facts.push(session("a", "10.0.0.9", "start", "Connect"));
    timeline.facts.push(session("b", "10.0.0.9", "start", "Connect"));
    timeline.facts.push(session("b", "10.0.0.1", "up", "Established"));
    assert_eq!(
        rows(&timeline, "bgp.session"),
        [
            "a: peers=2 up=0 down=2 down_peers=10.0.0.2, 10.0.0.9 info=Connect, Passive everywhere=false all_down=true",
            "b: peers=2 up=1 down=1 down_peers=10.0.0.9 info=Connect everywhere=true all_down=false",
        ]
    );
    let peering =
        [("name", "reflectors"), ("node_selector", "all()"), ("peer_selector", "has(node-role.kubernetes.io/master)")];
    timeline.facts.push(fact(
        &relation::BGP_PEERING,
        None,
        2,
        "peerSelector: has(node-role.kubernetes.io/master)",
        &peering,
    ));
    for name in ["a", "b"] {
        let label = [("name", name), ("key", "node-role.kubernetes.io/control-plane"), ("value", "x")];
        timeline.facts.push(fact(&relation::NODE_LABEL, None, 3, name, &label));
    }
    assert!(rows(&timeline, "bgp.selector").is_empty());
    timeline.collected.push(collected(&relation::NODE_LABEL, None, 3, None));
    assert_eq!(
        rows(&timeline, "bgp.selector"),
        [
            "-: peering=reflectors field=nodeSelector selector=all() matches=2 nodes=2",
            "-: peering=reflectors field=peerSelector selector=has(node-role.kubernetes.io/master) matches=0 nodes=2",
        ]
    );
}

#[test]
fn ranges_that_overlap_and_addresses_of_two() {
    let mut timeline = Timeline::default();
    timeline.facts.push(fact(
        &relation::IPAM_POOL,
        None,
        1,
        "10.0.0.0/16",
        &[("cidr", "10.0.0.0/16"), ("disabled", "false")],
    ));
    timeline.facts.push(fact(&relation::NODE, None, 2, "a", &[("name", "a"), ("address", "10.0.0.11")]));
    timeline.facts.push(fact(
        &relation::SERVICE,
        None,
        3,
        "kubernetes",
        &[("namespace", "default"), ("name", "kubernetes"), ("cluster_ip", "10.96.0.1")],
    ));
    let own = |node: &str, dev: &str, ip: &str, prefix: &str| {
        let cells = [("address", ip), ("prefix", prefix), ("dev", dev), ("scope", "global")];
        fact(&relation::ADDRESS, Some(node), 4, &format!("{node} {dev} {ip}"), &cells)
    };
    timeline.facts.push(own("a", "docker0", "172.17.0.1", "172.17.0.0/16"));
    timeline.facts.push(own("b", "docker0", "172.17.0.1", "172.17.0.0/16"));
    timeline.facts.push(own("b", "eth0", "172.17.9.9", "172.17.9.0/24"));
    timeline.facts.push(own("c", "eth0", "172.17.9.9", "172.17.9.0/24"));
    timeline.facts.push(own("c", "tunl0", "10.0.3.0", "10.0.3.0/32"));
    assert_eq!(
        rows(&timeline, "cidr.overlap"),
        [
            "-: first=10.0.0.0/16 first_is=pool second=10.0.0.11/32 second_is=node of=a",
            "-: first=172.17.0.0/16 first_is=bridge second=172.17.9.9/32 second_is=node of=b",
            "-: first=172.17.0.0/16 first_is=bridge second=172.17.9.9/32 second_is=node of=c",
        ]
    );
    assert_eq!(rows(&timeline, "address.conflict"), ["-: ip=172.17.9.9 how=two-nodes first=b second=c"]);
}

#[test]
fn what_a_node_has_against_what_it_may() {
    let mut timeline = Timeline::default();
    let setting = |key: &str, value: &str| {
        fact(&relation::SYSCTL, Some("a"), 1, &format!("{key} = {value}"), &[("key", key), ("value", value)])
    };
    timeline.facts.push(setting("net.ipv4.conf.all.rp_filter", "0"));
    timeline.facts.push(setting("net.ipv4.conf.eth1.rp_filter", "1"));
    timeline.facts.push(setting("net.ipv4.neigh.default.gc_thresh3", "2"));
    let count = [("entries", "3"), ("failed", "3")];
    timeline.facts.push(fact(&relation::NEIGHBOUR_COUNT, Some("a"), 2, "10.0.0.1 to 10.0.0.3", &count));
    for at in 1..4 {
        let ip = format!("10.0.0.{at}");
        timeline.facts.push(fact(
            &relation::NEIGHBOUR,
            Some("a"),
            2,
            &ip,
            &[("ip", &ip), ("dev", "eth0"), ("state", "FAILED")],
        ));
    }
    let link = |dev: &str, mtu: &str| {
        fact(&relation::LINK, Some("a"), 3, dev, &[("dev", dev), ("mtu", mtu), ("flags", "BROADCAST,UP")])
    };
    timeline.facts.extend([link("eth0", "1400"), link("vxlan.calico", "1450"), link("tunl0", "1380")]);
    timeline.facts.push(route("a", 4, "default via 10.0.0.254 dev eth0"));
    assert_eq!(rows(&timeline, "rp-filter"), ["a: dev=eth1 effective=1 own=1 all=0"]);
    assert_eq!(rows(&timeline, "neighbour.usage"), ["a: entries=3 failed=3 limit=2 ratio=1.500"]);
    assert_eq!(
        rows(&timeline, "tunnel.mtu"),
        [
            "a: dev=vxlan.calico mtu=1450 overhead=50 below=eth0 below_mtu=1400 excess=100",
            "a: dev=tunl0 mtu=1380 overhead=20 below=eth0 below_mtu=1400 excess=0",
        ]
    );
    let server = |node: &str, ip: &str| {
        fact(
            &relation::NAMESERVER,
            Some(node),
            5,
            &format!("nameserver {ip}"),
            &[("address", ip), ("path", "resolv.conf")],
        )
    };
    timeline.facts.extend([server("a", "10.0.0.2"), server("b", "10.0.0.2"), server("c", "10.9.9.9")]);
    timeline.collected.push(collected(&relation::NAMESERVER, Some("d"), 6, None));
    assert_eq!(
        rows(&timeline, "nameserver.spread"),
        [
            "a: address=10.0.0.2 on=2 of=4 position=1 servers=1",
            "b: address=10.0.0.2 on=2 of=4 position=1 servers=1",
            "c: address=10.9.9.9 on=1 of=4 position=1 servers=1",
            "d: of=4 servers=0",
        ]
    );
}

#[test]
fn both_ends_of_a_pods_card_must_name_each_other() {
    let link = |member: u32, dev: &str, index: &str, peer: &str| {
        fact(&relation::LINK, Some("a"), member, dev, &[("dev", dev), ("index", index), ("peer", peer)])
    };
    let mut timeline = Timeline::default();
    // the node, then three pods
    for (dev, index, peer) in [("eth0", "2", ""), ("cali1", "107", "if3"), ("cali2", "108", "if5")] {
        timeline.facts.push(link(1, dev, index, peer));
    }
    timeline.facts.push(link(2, "eth0", "3", "if107"));
    timeline.facts.push(link(3, "eth0", "3", "if108"));
    timeline.facts.push(link(4, "eth0", "3", "if104"));
    // a bridge's port is no card of a pod
    timeline.facts.push(link(4, "eth1", "4", "if104"));
    assert_eq!(
        rows(&timeline, "veth.peer"),
        [
            "a: dev=eth0 index=3 peer=107 host_dev=cali1 verdict=matched unmatched=0 complete=false",
            "a: dev=eth0 index=3 peer=108 host_dev=cali2 verdict=other unmatched=1 complete=false",
            "a: dev=eth0 index=3 peer=104 verdict=absent unmatched=1 complete=false",
        ]
    );
    assert_eq!(quoted(&found(&timeline, "veth.peer")[1]), ["eth0", "cali2"]);
    timeline.collected.push(collected(&relation::LINK, Some("a"), 1, None));
    assert!(rows(&timeline, "veth.peer").iter().all(|it| it.ends_with("complete=true")));
    // nobody looked into a pod: that says neither
    let mut alone = timeline.clone();
    alone.facts.retain(|it| it.quotes[0].span.member == MemberId(1));
    assert_eq!(rows(&alone, "veth.peer"), ["a: dev=eth0 complete=true"]);
    // without the list of the node nothing can be said
    timeline.facts.retain(|it| it.quotes[0].span.member != MemberId(1));
    assert!(rows(&timeline, "veth.peer").is_empty());
}
