//! Whom a routing table blames, and what else the tables of nodes show beside each other.

use super::*;

#[test]
fn routing_tables_alone_show_a_borrowed_address() {
    let timeline = two_nodes();
    assert_eq!(
        rows(&timeline, "borrowed-ip"),
        [
            "owner: ip=10.64.75.0 block=10.64.75.0/26 owner=owner user=user verdict=blackhole complete=true delivered=true kind=pod live=true diverted=false senders=owner learns=false"
        ]
    );
    let facts = found(&timeline, "borrowed-ip");
    assert_eq!(quoted(&facts[0]), [OWNER[2], USER[2]]);
    assert_eq!(
        rows(&timeline, "route.lookup"),
        [
            "owner: ip=10.64.75.0 block=10.64.75.0/26 verdict=blackhole dst=10.64.75.0/26 complete=true host_route=false diverted=false",
            "user: ip=10.64.75.0 block=10.64.75.0/26 verdict=delivered dst=10.64.75.0/32 dev=calidda3b144ba9 complete=true host_route=true diverted=false",
            "owner: ip=10.64.75.4 verdict=delivered dst=10.64.75.4/32 dev=cali21fc9e9645e complete=true host_route=true diverted=false",
            "user: ip=10.64.75.4 verdict=via dst=0.0.0.0/0 via=10.64.16.1 dev=eno1 complete=true host_route=false diverted=false",
        ]
    );
}

#[test]
fn a_host_route_on_the_owner_wins_over_its_blackhole() {
    let mut timeline = two_nodes();
    timeline.facts.push(route("owner", 1, "10.64.75.0 via 10.64.16.55 dev eno1 proto bird"));
    let facts = found(&timeline, "borrowed-ip");
    assert!(shown(&facts[0]).contains("verdict=via complete=true delivered=true"), "{}", shown(&facts[0]));
    assert_eq!(quoted(&facts[0])[0], "10.64.75.0 via 10.64.16.55 dev eno1 proto bird");
}

#[test]
fn an_elided_table_is_not_complete() {
    let mut timeline = two_nodes();
    timeline.collected[0].incomplete = Some("[...]".to_owned());
    assert!(rows(&timeline, "borrowed-ip")[0].contains("verdict=blackhole complete=false"));
    // another whole collection, but of the other family
    timeline.facts.push(route("owner", 3, "fe80::/64 dev eno1"));
    timeline.collected.push(collected(&relation::ROUTE, Some("owner"), 3, None));
    assert!(rows(&timeline, "borrowed-ip")[0].contains("verdict=blackhole complete=false"));
    timeline.facts.push(route("owner", 4, OWNER[2]));
    timeline.collected.push(collected(&relation::ROUTE, Some("owner"), 4, None));
    assert!(rows(&timeline, "borrowed-ip")[0].contains("verdict=blackhole complete=true"));
}

#[test]
fn two_holders_of_a_blackhole_name_no_owner() {
    let mut timeline = two_nodes();
    timeline.facts.push(route("third", 5, OWNER[2]));
    assert!(rows(&timeline, "borrowed-ip").is_empty());
    // a blackhole default or a summary is no block
    let mut timeline = two_nodes();
    timeline.facts.push(route("third", 5, "blackhole 10.64.0.0/16"));
    assert_eq!(rows(&timeline, "borrowed-ip").len(), 1);
}

#[test]
fn ipam_names_owner_user_and_pod() {
    let mut timeline = two_nodes();
    timeline.facts.retain(|it| it.node.as_deref() != Some("owner"));
    let allocation = |ip: &str, pod: &str, kind: &str| {
        let cells = [("ip", ip), ("user", "user"), ("pod", pod), ("type", kind)];
        fact(&relation::IPAM_ALLOCATION, None, 6, &format!("{ip} {pod}"), &cells)
    };
    timeline.facts.push(allocation("10.64.75.0", "staging/web-1", "pod"));
    timeline.facts.push(allocation("10.64.75.9", "tunnel", "ipipTunnelAddress"));
    let block = [("cidr", "10.64.75.0/26"), ("owner", "owner")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.0/26 host:owner", &block));
    timeline.collected.push(collected(&relation::IPAM_BLOCK, None, 7, None));
    // the owner's table is not here: no verdict
    assert_eq!(
        rows(&timeline, "borrowed-ip"),
        [
            "owner: ip=10.64.75.0 block=10.64.75.0/26 owner=owner user=user pod=staging/web-1 delivered=true user_has_block=false kind=pod live=true",
            "owner: ip=10.64.75.9 block=10.64.75.0/26 owner=owner user=user pod=tunnel delivered=false user_has_block=false kind=tunnel",
        ]
    );
    let facts = found(&timeline, "borrowed-ip");
    assert_eq!(quoted(&facts[0]), [USER[2], "10.64.75.0 staging/web-1", "10.64.75.0/26 host:owner"]);
    // the borrower's own block
    let own = [("cidr", "10.64.75.64/26"), ("owner", "user")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.64/26 host:user", &own));
    assert!(rows(&timeline, "borrowed-ip")[0].contains("user_has_block=true"));
    // a block nobody owns leaves open whose it is
    let mut open = timeline.clone();
    open.facts.pop();
    open.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.128/26", &[("cidr", "10.64.75.128/26")]));
    assert!(!rows(&open, "borrowed-ip")[0].contains("user_has_block"));
}

#[test]
fn pods_that_are_over_or_on_the_host_network_borrow_nothing() {
    let mut timeline = two_nodes();
    timeline.facts.retain(|it| !it.quotes[0].text.contains("calidda3b144ba9"));
    let pod = |phase: &str, host: &str| {
        let cells = [
            ("namespace", "a"),
            ("name", "b"),
            ("ip", "10.64.75.7"),
            ("on", "user"),
            ("phase", phase),
            ("host_network", host),
        ];
        fact(&relation::POD, None, 8, "pod", &cells)
    };
    let block = [("cidr", "10.64.75.0/26"), ("owner", "owner")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "block", &block));
    timeline.facts.push(pod("Running", "false"));
    assert_eq!(
        rows(&timeline, "borrowed-ip"),
        [
            "owner: ip=10.64.75.7 block=10.64.75.0/26 owner=owner user=user pod=a/b verdict=blackhole complete=true delivered=false kind=pod live=true diverted=false senders=owner learns=false"
        ]
    );
    for over in [pod("Succeeded", "false"), pod("Running", "true")] {
        *timeline.facts.last_mut().unwrap() = over;
        assert!(rows(&timeline, "borrowed-ip").is_empty());
    }
}

#[test]
fn the_nodes_own_addresses_win_over_its_tables() {
    let mut timeline = Timeline::default();
    timeline.facts.push(route("node", 1, "blackhole 10.244.12.64/26 proto bird"));
    let tunnel = [("ip", "10.244.12.64"), ("user", "node"), ("owner", "node"), ("type", "ipipTunnelAddress")];
    timeline.facts.push(fact(&relation::IPAM_ALLOCATION, None, 2, "tunnel", &tunnel));
    assert!(rows(&timeline, "route.lookup")[0].contains("verdict=blackhole"));
    let mut by_table = timeline.clone();
    by_table.facts.push(route("node", 1, "local 10.244.12.64 dev tunl0 table local"));
    assert_eq!(
        rows(&by_table, "route.lookup"),
        [
            "node: ip=10.244.12.64 verdict=local dst=10.244.12.64/32 dev=tunl0 complete=false host_route=true diverted=false"
        ]
    );
    let address = [("address", "10.244.12.64/32"), ("dev", "tunl0")];
    timeline.facts.push(fact(&relation::ADDRESS, Some("node"), 3, "inet 10.244.12.64/32 scope global tunl0", &address));
    let facts = found(&timeline, "route.lookup");
    assert!(shown(&facts[0]).contains("verdict=local"));
    assert_eq!(quoted(&facts[0]), ["inet 10.244.12.64/32 scope global tunl0"]);
}

#[test]
fn tables_metrics_and_dead_routes_are_taken_in_order() {
    let verdicts = |routes: &[&str]| {
        let mut timeline = Timeline::default();
        timeline.facts.extend(routes.iter().map(|it| route("n", 1, it)));
        timeline.facts.push(fact(&relation::IPAM_ALLOCATION, None, 2, "x", &[("ip", "10.0.0.1")]));
        rows(&timeline, "route.lookup")
            .first()
            .map_or(String::new(), |it| it.split(' ').nth(2).unwrap_or_default().to_owned())
    };
    assert_eq!(
        verdicts(&["10.0.0.0/24 via 1.1.1.1 dev a metric 10", "unreachable 10.0.0.0/24 metric 5"]),
        "verdict=unreachable"
    );
    assert_eq!(verdicts(&["10.0.0.0/24 via 1.1.1.1 dev a", "unreachable 10.0.0.0/24 metric 5"]), "verdict=via");
    assert_eq!(verdicts(&["10.0.0.0/24 dev a flags dead", "prohibit 10.0.0.0/8"]), "verdict=prohibit");
    assert_eq!(verdicts(&["throw 10.0.0.0/24", "default via 1.1.1.1 dev a"]), "verdict=no-route");
    assert_eq!(verdicts(&["throw 10.0.0.0/24", "10.0.0.0/8 dev b table default"]), "verdict=on-link");
    assert_eq!(verdicts(&["10.0.0.0/24 dev wireguard.cali table 100", "default via 1.1.1.1 dev a"]), "verdict=via");
    assert_eq!(verdicts(&["broadcast 10.0.0.1 dev a table local", "10.0.0.0/24"]), "verdict=via");
    assert_eq!(verdicts(&["fe80::/64 dev a"]), "");
}

#[test]
fn lookups_are_capped_and_the_borrowed_come_first() {
    let mut timeline = two_nodes();
    for at in 0..60_000u32 {
        let ip = IpAddr::from((0x0a80_0000u32 + at).to_be_bytes());
        let row = Row::new(&relation::IPAM_ALLOCATION).with("ip", ip);
        let quote = timeline.facts[0].quotes[0].clone();
        timeline.facts.push(Fact::new(row, None, quote));
    }
    let all = rows(&timeline, "route.lookup");
    assert_eq!(all.len(), 50_000);
    assert!(all.iter().any(|it| it.starts_with("owner: ip=10.64.75.0 ")));
}

/// A policy rule: priority, what it asks for besides the destination, the table.
fn policy(node: &str, priority: &str, selector: Option<&str>, table: &str) -> Fact {
    let mut cells = vec![("priority", priority), ("table", table), ("action", "lookup"), ("inverted", "false")];
    cells.extend(selector.map(|it| ("selector", it)));
    fact(&relation::IP_RULE, Some(node), 8, &format!("{priority}: lookup {table}"), &cells)
}

#[test]
fn policy_rules_and_further_tables() {
    let mut timeline = two_nodes();
    // a table that a rule asks for everybody before main
    timeline.facts.push(route("owner", 1, "10.64.75.0 via 10.64.16.55 dev eno1 table 100"));
    assert!(
        shown(&found(&timeline, "borrowed-ip")[0])
            .contains("verdict=blackhole complete=true delivered=true kind=pod live=true diverted=true")
    );
    for (priority, table) in [("0", "local"), ("100", "100"), ("32766", "main"), ("32767", "default")] {
        timeline.facts.push(policy("owner", priority, None, table));
    }
    assert!(
        shown(&found(&timeline, "borrowed-ip")[0])
            .contains("verdict=via complete=true delivered=true kind=pod live=true diverted=false")
    );
    // a rule for marked packets only
    timeline.facts.retain(|it| it.row.relation.name != "ip.rule");
    for (priority, selector, table) in
        [("0", None, "local"), ("100", Some("fwmark 0x1"), "100"), ("32766", None, "main")]
    {
        timeline.facts.push(policy("owner", priority, selector, table));
    }
    assert!(
        shown(&found(&timeline, "borrowed-ip")[0])
            .contains("verdict=blackhole complete=true delivered=true kind=pod live=true diverted=true")
    );
    // a throw goes on to main
    let mut timeline = two_nodes();
    timeline.facts.push(route("owner", 1, "throw 10.64.75.0/26 table 1"));
    timeline.facts.extend([policy("owner", "99", None, "1"), policy("owner", "32766", None, "main")]);
    assert!(shown(&found(&timeline, "borrowed-ip")[0]).contains("verdict=blackhole"));
}

#[test]
fn packets_are_followed_from_node_to_node() {
    let mut timeline = two_nodes();
    // a third node sends the block to its owner, a fourth the address to its user
    timeline.facts.push(route("third", 3, "10.64.75.0/26 via 10.64.0.247 dev eno1 proto bird"));
    timeline.facts.push(route("fourth", 4, "10.64.75.0 via 10.64.16.55 dev eno1 proto bird"));
    timeline.facts.push(route("lost", 5, "default via 10.1.1.1 dev eno1"));
    for (node, member) in [("third", 3), ("fourth", 4), ("lost", 5)] {
        timeline.collected.push(collected(&relation::ROUTE, Some(node), member, None));
    }
    // `src 10.64.0.247` says whose the gateway is
    let own = |node: &str, member: u32, line: &str, src: &str| {
        let mut it = route(node, member, line);
        it.row = it.row.with("src", src.parse::<IpAddr>().expect("an address"));
        it
    };
    timeline.facts.push(own("owner", 1, "10.64.0.0/22 dev eno1 proto kernel", "10.64.0.247"));
    timeline.facts.push(own("user", 2, "10.64.16.0/22 dev eno1 proto kernel", "10.64.16.55"));
    let paths: Vec<String> = found(&timeline, "route.path")
        .iter()
        .filter(|it| it.get("ip").to_string() == "10.64.75.0")
        .map(|it| ["node", "verdict", "end", "hops"].map(|column| it.get(column).to_string()).join(" "))
        .collect();
    assert_eq!(
        paths,
        [
            "fourth delivered user fourth -> user",
            "lost exits lost lost",
            "owner dropped owner owner",
            "third dropped owner third -> owner",
            "user delivered user user",
        ]
    );
    let facts = found(&timeline, "borrowed-ip");
    assert_eq!(facts[0].get("senders").to_string(), "owner third");
}

#[test]
fn a_node_lacks_routes_that_others_have() {
    let mut timeline = Timeline::default();
    let block = [("cidr", "10.64.75.0/26"), ("owner", "a")];
    timeline.facts.push(fact(&relation::IPAM_BLOCK, None, 7, "10.64.75.0/26 host:a", &block));
    for (node, member, line) in [
        ("a", 1, "blackhole 10.64.75.0/26 proto bird"),
        ("b", 2, "10.64.75.0/26 via 10.0.0.1 dev eth0 proto bird"),
        ("c", 3, "default via 10.0.0.254 dev eth0"),
        ("d", 4, "unreachable 10.64.75.0/26 proto bird"),
    ] {
        timeline.facts.push(route(node, member, line));
        timeline.collected.push(collected(&relation::ROUTE, Some(node), member, None));
    }
    assert_eq!(
        rows(&timeline, "block.route"),
        [
            "c: cidr=10.64.75.0/26 owner=a verdict=default dst=0.0.0.0/0 elsewhere=1 lacking=1",
            "d: cidr=10.64.75.0/26 owner=a verdict=unreachable dst=10.64.75.0/26 elsewhere=1 lacking=1",
        ]
    );
    // where nobody has it, the routers do
    timeline.facts.retain(|it| it.node.as_deref() != Some("b"));
    assert!(rows(&timeline, "block.route").is_empty());
}
