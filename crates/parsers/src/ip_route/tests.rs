//! The listing in all its forms, against samples of eleven versions of iproute2 where they are at hand.

use std::fmt::Write as _;

use super::*;
use crate::testing;

/// Rows as a person would write them: node, columns that are known, quote.
fn shown(out: &MemberRecords) -> String {
    let mut text = String::new();
    for record in &out.records {
        let Record::Fact(fact, _) = record else { continue };
        let _ = write!(text, "{}:", fact.node.as_deref().unwrap_or("?"));
        for (column, value) in fact.row.relation.columns.iter().zip(&fact.row.values) {
            if value.is_some() {
                let _ = write!(text, " {column}={value}");
            }
        }
        let _ = writeln!(text, "  «{}» {}", fact.quotes[0].text, fact.quotes[0].span.line);
    }
    for it in &out.collected {
        let _ = writeln!(text, "collected {}: {}", it.node.as_deref().unwrap_or("?"), it.incomplete.as_deref().unwrap_or("whole"));
    }
    for it in &out.issues {
        let _ = writeln!(text, "issue {}: {}", it.line, it.what);
    }
    text
}

fn read_as(path: &str, text: &str) -> MemberRecords {
    testing::read_at(&FORMAT, path, text)
}

fn rows(out: &MemberRecords) -> Vec<String> {
    let facts = out.records.iter().filter_map(|it| match it {
        Record::Fact(fact, _) => Some(format!("{:?} {:?}", fact.node, fact.row.values)),
        _ => None,
    });
    facts.collect()
}

fn sample(path: &str) -> Option<String> {
    testing::sample(&format!("network/{path}"))
}

fn certainty(path: &str, text: &str) -> Certainty {
    testing::sniff_certainty(&FORMAT, path, text)
}

const VERSIONS: [&str; 11] =
    ["3.12.0", "4.4.0", "4.9.0", "4.15.0", "4.20.0", "5.4.0", "5.10.0", "5.15.0", "6.1.0-debian", "6.6.0", "7.1.0"];
const DUMPS: [&str; 7] = [
    "route", "route6", "route6_d_table_all", "route6_table_all", "route_d_table_all", "route_o_table_all", "route_table_all",
];

#[test]
fn every_version_is_read_without_residue_and_joined_alike() {
    let mut routes = 0;
    for version in VERSIONS {
        for dump in DUMPS.into_iter().chain((version == "6.1.0-debian").then_some("route_N_table_all")) {
            let Some(text) = sample(&format!("iproute2/{version}/{dump}.txt")) else { return };
            let out = read_as("route.txt", &text);
            assert!(out.issues.is_empty(), "{version}/{dump}: {:?}", out.issues);
            assert_eq!(out.tally.lines, out.tally.understood, "{version}/{dump}");
            assert_eq!(certainty("x.txt", &text), Certainty::Sure, "{version}/{dump}");
            let starts = text.lines().filter(|it| !it.starts_with([' ', '\t'])).count();
            assert_eq!(out.records.len(), starts, "{version}/{dump}");
            if dump != "route_N_table_all" {
                routes += out.records.len();
            }
            let joined: Vec<&str> = text.split_whitespace().collect();
            let again = read_as("route.txt", &joined.join(" "));
            assert_eq!(rows(&again), rows(&out), "{version}/{dump} joined");
            // wrapped anywhere, as a mail program would
            let mut wrapped = String::new();
            for words in joined.chunks(9) {
                let _ = writeln!(wrapped, "{}", words.join(" "));
            }
            assert_eq!(rows(&read_as("route.txt", &wrapped)), rows(&out), "{version}/{dump} wrapped");
        }
    }
    assert_eq!(routes, 4301);
}

#[test]
fn numbers_and_names_say_the_same() {
    let (Some(names), Some(numbers)) =
        (sample("iproute2/6.1.0-debian/route_table_all.txt"), sample("iproute2/6.1.0-debian/route_N_table_all.txt"))
    else {
        return;
    };
    assert_eq!(rows(&read_as("x", &names)), rows(&read_as("x", &numbers)));
}

#[test]
fn all_versions_agree() {
    let Some(reference) = sample("iproute2/7.1.0/route_table_all.txt") else { return };
    let reference = rows(&read_as("x", &reference));
    for version in ["5.4.0", "5.10.0", "5.15.0", "6.1.0-debian", "6.6.0"] {
        let text = sample(&format!("iproute2/{version}/route_table_all.txt")).expect("its neighbour is there");
        assert_eq!(rows(&read_as("x", &text)), reference, "{version}");
    }
}

#[test]
fn the_paste_of_an_incident() {
    let text = "root@kubestage1003:~# ip route default via 10.64.16.1 dev eno1 onlink 10.64.16.0/22 dev eno1 proto kernel scope link src 10.64.16.55 10.64.75.0 dev calidda3b144ba9 scope link root@kubestage1001:~# ip route default via 10.64.0.1 dev eno1 onlink 10.64.0.0/22 dev eno1 proto kernel scope link src 10.64.0.247 blackhole 10.64.75.0/26 proto bird 10.64.75.4 dev cali21fc9e9645e scope link [...] # But no explicit route for 10.64.75.0/32\n";
    if let Some(sample) = sample("scenario-borrowed-nomesh/paste_oneline.txt") {
        assert_eq!(sample.trim_end(), text.trim_end());
    }
    assert_eq!(certainty("paste_oneline.txt", text), Certainty::Sure);
    insta::assert_snapshot!(shown(&read_as("paste_oneline.txt", text)), @r#"
    kubestage1003: dst=0.0.0.0/0 type=unicast via=10.64.16.1 dev=eno1 table=main flags=onlink family=inet  «default via 10.64.16.1 dev eno1 onlink» 1
    kubestage1003: dst=10.64.16.0/22 type=unicast dev=eno1 proto=kernel scope=link src=10.64.16.55 table=main family=inet  «10.64.16.0/22 dev eno1 proto kernel scope link src 10.64.16.55» 1
    kubestage1003: dst=10.64.75.0/32 type=unicast dev=calidda3b144ba9 scope=link table=main family=inet  «10.64.75.0 dev calidda3b144ba9 scope link» 1
    kubestage1001: dst=0.0.0.0/0 type=unicast via=10.64.0.1 dev=eno1 table=main flags=onlink family=inet  «default via 10.64.0.1 dev eno1 onlink» 1
    kubestage1001: dst=10.64.0.0/22 type=unicast dev=eno1 proto=kernel scope=link src=10.64.0.247 table=main family=inet  «10.64.0.0/22 dev eno1 proto kernel scope link src 10.64.0.247» 1
    kubestage1001: dst=10.64.75.0/26 type=blackhole proto=bird table=main family=inet  «blackhole 10.64.75.0/26 proto bird» 1
    kubestage1001: dst=10.64.75.4/32 type=unicast dev=cali21fc9e9645e scope=link table=main family=inet  «10.64.75.4 dev cali21fc9e9645e scope link» 1
    collected kubestage1003: whole
    collected kubestage1001: the listing is elided at [...]
    "#);
    // wrapped in the middle of arguments it says the same
    let wrapped = text.replace("src 10.64.16.55", "src\n10.64.16.55").replace(" proto bird", "\nproto bird");
    assert_eq!(rows(&read_as("x", &wrapped)), rows(&read_as("x", text)));
    // with the line ends it had, too
    let mut lines = text.to_owned();
    for start in ["default", "10.64.16.0/22", "10.64.75.0 dev", "root@kubestage1001", "10.64.0.0/22", "blackhole", "10.64.75.4", "[...]"] {
        lines = lines.replace(start, &format!("\n{start}"));
    }
    let lines = read_as("x", &lines);
    assert_eq!(rows(&lines), rows(&read_as("x", text)));
    assert_eq!(lines.collected[1].incomplete.as_deref(), Some("the listing is elided at [...]"));
}

#[test]
fn sections_may_come_in_any_order() {
    let parts = [
        "root@a:~# ip route\ndefault via 10.0.0.1 dev e0\nblackhole 10.1.0.0/26 proto bird\n",
        "root@b:~# ip route show table all\ndefault via 10.0.0.1 dev e1\nlocal 10.0.0.2 dev e1 table local proto kernel scope host src 10.0.0.2\n",
        "root@c:~# ip addr\n1: lo: <LOOPBACK> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n",
    ];
    let sorted = |order: [usize; 3]| {
        let text: String = order.into_iter().map(|it| parts[it]).collect();
        let out = read_as("x", &text);
        let mut found = rows(&out);
        found.sort();
        let mut whole: Vec<_> = out.collected.iter().map(|it| (it.node.clone(), it.incomplete.clone())).collect();
        whole.sort();
        (found, whole)
    };
    let first = sorted([0, 1, 2]);
    assert_eq!(first.0.len(), 4);
    assert_eq!(first.1, [(Some("a".into()), None), (Some("b".into()), None)]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(sorted(order), first);
    }
}

#[test]
fn an_elision_anywhere_leaves_the_table_open() {
    let lines = ["default via 10.0.0.1 dev e0", "10.0.0.0/24 dev e0 proto kernel scope link src 10.0.0.2", "blackhole 10.1.0.0/26 proto bird"];
    let whole = read_as("x", &lines.join("\n"));
    assert_eq!(whole.collected[0].incomplete, None);
    for mark in ["[...]", "...", "…", "<snip>", "[ ... ]", "(truncated)", "--More--", "# ... 40 more"] {
        for at in 0..=lines.len() {
            for separator in ["\n", " "] {
                if separator == " " && mark.starts_with('#') && at < lines.len() {
                    continue; // a comment hides what follows it on its line
                }
                let mut with = lines.to_vec();
                with.insert(at, mark);
                let out = read_as("x", &with.join(separator));
                assert_eq!(rows(&out), rows(&whole), "{mark} at {at}");
                assert!(out.collected[0].incomplete.is_some(), "{mark} at {at}");
            }
        }
    }
}

#[test]
fn what_is_no_row_of_the_nodes_table() {
    let dumps = [
        "default via 169.254.1.1 dev eth0 \n169.254.1.1 dev eth0 scope link \n",
        "10.244.4.1 via 192.168.10.31 dev eth0 src 192.168.10.5 uid 0 \n    cache \n",
        "root@n:~# ip route get 10.64.75.0\n10.64.75.0 via 10.0.0.1 dev eth0 src 10.0.0.5\n",
        "root@n:~# ip netns exec blue ip route\ndefault via 10.0.0.1 dev eth0\n",
        "[nsid current]10.10.78.0/26 via 192.168.2.1 dev enp6s0  proto bird \n[nsid current]Deleted blackhole 10.10.213.64/26  proto bird \n",
        "10.64.0.1 dev eno1 lladdr 02:00:00:00:00:01 REACHABLE\n10.64.0.2 dev eno1  FAILED\n",
        "192.168.82.0/26    via 172.17.0.4 on eth0 [Mesh_172_17_0_4 20:11:00] * (100/0) [i]\n",
        "192.168.162.129/32 dev calie58e37f9a7f [kernel1 20:11:10] * (10)\n",
        "127.0.0.1 localhost\n10.0.0.7 node-a\n",
    ];
    for text in dumps {
        let out = read_as("x", text);
        assert!(out.records.is_empty(), "{}", shown(&out));
        assert!(out.collected.iter().all(|it| it.incomplete.is_some()), "{}", shown(&out));
    }
    assert_eq!(certainty("ip_route", dumps[0]), Certainty::Likely);
    for text in &dumps[4..] {
        assert_eq!(certainty("x", text), Certainty::No, "{text}");
    }
}

#[test]
fn odd_lines_cost_their_line_only() {
    let text = "default via 10.0.0.1 dev eth0\n10.1.0.4/26 dev cali1\nff00::/16\nff01::/16 dev\nff02::/16 dev enp0s25 metric\n10.2.0.0/16 dev eth0 newkey 7 metric 3\n10.3.0.0/16 dev eth0 see note\n10.4.0.0/16 via 10.0.0.1 via 10.0.0.2 dev eth0\n10.5.0.0/16 dev [...]\n";
    insta::assert_snapshot!(shown(&read_as("x", text)), @r#"
    node-a: dst=0.0.0.0/0 type=unicast via=10.0.0.1 dev=eth0 table=main family=inet  «default via 10.0.0.1 dev eth0» 1
    node-a: dst=ff01::/16 type=unicast table=main family=inet6  «ff01::/16 dev» 4
    node-a: dst=ff02::/16 type=unicast dev=enp0s25 table=main family=inet6  «ff02::/16 dev enp0s25 metric» 5
    node-a: dst=10.2.0.0/16 type=unicast dev=eth0 table=main metric=3 family=inet  «10.2.0.0/16 dev eth0 newkey 7 metric 3» 6
    node-a: dst=10.3.0.0/16 type=unicast dev=eth0 table=main family=inet  «10.3.0.0/16 dev eth0» 7
    node-a: dst=10.5.0.0/16 type=unicast table=main family=inet  «10.5.0.0/16 dev» 9
    collected node-a: line 2 could not be read as a route
    issue 2: no route the kernel prints: 10.1.0.4/26 dev cali1
    issue 3: no route the kernel prints: ff00::/16
    issue 8: no route the kernel prints: 10.4.0.0/16 via 10.0.0.1
    issue 8: no route the kernel prints: 10.0.0.2 dev eth0
    "#);
}

#[test]
fn errors_are_no_empty_tables() {
    for text in ["/usr/sbin/ip: bad command or file name\n", "Object \"rout\" is unknown, try \"ip help\".\n", "bash: ip: command not found\n"] {
        assert_eq!(certainty("sos_commands/networking/ip_route", text), Certainty::Likely, "{text}");
        let out = read_as("ip_route", text);
        assert!(out.collected[0].incomplete.as_deref().is_some_and(|it| it.starts_with("the command failed")), "{}", shown(&out));
    }
}

#[test]
fn whose_table_and_which() {
    let table = |path: &str, text: &str| {
        let out = read_as(path, text);
        let Some(Record::Fact(fact, _)) = out.records.first() else { panic!("{path}") };
        (fact.row.get("table").to_string(), out.collected[0].incomplete.clone())
    };
    let local = "local 10.0.0.2 dev e1 proto kernel scope host src 10.0.0.2\n";
    assert_eq!(table("ip_route_show_table_local", local), ("local".into(), Some("only table local is listed".into())));
    assert_eq!(table("ip_route_show_table_all", "default via 10.0.0.1 dev e0 table 254\n"), ("main".into(), None));
    assert_eq!(table("x", "$ ip route show table 100\ndefault via 10.0.0.1 dev e0\n"), ("100".into(), Some("only table 100 is listed".into())));
    assert_eq!(table("x", "# ip r | grep cali\n10.1.0.2 dev cali1 scope link\n"), ("main".into(), Some("the listing is filtered by | grep cali".into())));
    assert_eq!(table("ip_-6_route", "default dev tun0\n"), ("main".into(), Some("only IPv6 routes are listed".into())));
    let labelled = read_as("x", "node-1: default via 10.0.0.1 dev e0\nnode-2: default via 10.0.0.1 dev e1\nnode-1: blackhole 10.1.0.0/26\n");
    insta::assert_snapshot!(shown(&labelled), @r#"
    node-1: dst=0.0.0.0/0 type=unicast via=10.0.0.1 dev=e0 table=main family=inet  «default via 10.0.0.1 dev e0» 1
    node-1: dst=10.1.0.0/26 type=blackhole table=main family=inet  «blackhole 10.1.0.0/26» 3
    node-2: dst=0.0.0.0/0 type=unicast via=10.0.0.1 dev=e1 table=main family=inet  «default via 10.0.0.1 dev e1» 2
    collected node-1: whole
    collected node-2: whole
    "#);
    let ansible = read_as("x", "node-1 | CHANGED | rc=0 >>\ndefault via 10.0.0.1 dev e0\nnode-2 | FAILED | rc=1 >>\nbash: ip: command not found\n");
    insta::assert_snapshot!(shown(&ansible), @r#"
    node-1: dst=0.0.0.0/0 type=unicast via=10.0.0.1 dev=e0 table=main family=inet  «default via 10.0.0.1 dev e0» 2
    collected node-1: whole
    collected node-2: the command failed: bash: ip: command not found
    issue 3: the command failed: bash: ip: command not found
    "#);
}

#[test]
fn a_cut_file_does_not_invent_its_last_route() {
    let origin = Origin { member: MemberId(0), path: "ip_route".into(), node: None, watch: Arc::new(false), hold_bytes: crate::HOLD_BYTES };
    let text = "default via 10.0.0.1 dev e0\nblackhole 10.64.75.0/2";
    let mut out = MemberRecords::default();
    parse(&Input { origin: &origin, text, bytes: text.as_bytes(), truncated: true }, &mut out);
    assert_eq!(out.records.len(), 1);
    assert!(out.collected[0].incomplete.is_some());
}

#[test]
fn prose_tables_and_other_commands_are_left_alone() {
    for text in [
        "We saw that the node had no route to 10.64.75.0/32 and\nthe pod could not be reached via the router at 10.0.0.1 either.\nThe device eno1 was up; packets left by dev eno1 and never came back.\n",
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    inet 127.0.0.1/8 scope host lo\n",
        "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n0.0.0.0         10.66.208.254   0.0.0.0         UG    0      0        0 eth0\n",
        "| IP Pool  | 10.64.75.0/24 |       256 |   91 (36%) | 165 (64%) |\n",
        "[{\"dst\":\"default\",\"gateway\":\"10.0.0.1\",\"dev\":\"eth0\",\"flags\":[]}]\n",
        "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n",
    ] {
        assert_eq!(certainty("notes.txt", text), Certainty::No, "{text}");
    }
    assert_eq!(certainty("etc/sysconfig/network-scripts/route-eth0", "10.0.0.0/8 via 10.1.1.1 dev eth0\n"), Certainty::No);
}

#[test]
fn talk_about_routes_is_no_route() {
    for talk in [
        "We added a route for 10.64.75.0/32 via 10.64.16.55 dev eno1 by hand.",
        "Then ip route add 10.64.75.0/32 via 10.64.16.55 dev eno1 helped",
        "# 10.64.75.0/32 via 10.64.16.55 dev eno1",
        "root@n:~# ip route add 10.64.75.0/32 via 10.64.16.55 dev eno1",
        "ip route replace 10.64.75.0/32 via 10.64.16.55 dev eno1",
    ] {
        for text in [format!("default via 10.0.0.1 dev e0\n{talk}\n"), format!("default via 10.0.0.1 dev e0 {talk}")] {
            let out = read_as("x", &text);
            assert_eq!(out.records.len(), 1, "{}", shown(&out));
        }
    }
}

#[test]
fn hostile_text_does_no_harm() {
    for text in [
        "", "\n", "default", "default via", "default via inet6", "encap", "10.0.0.0/8 encap seg6 segs 2 [", "[root@", "@", "a@b", "root@h:~#",
        "root@h:~# ip", "root@h:~# ip route |", "nexthop nexthop", "10.0.0.0/8 nexthop nexthop via", "6 6 6 default", "metric metric 1 1 1",
        "\u{1b}[", "Deleted", "Deleted Deleted default", "local default local", "é", "10.0.0.0/8 dev é \u{2026}", "0/99 dev x", "default dev x metric 99999999999999999999",
    ] {
        read_as("x", text);
        read_as("ip_route", &format!("{text}\n{text}"));
        certainty("ip_route", text);
    }
}

#[test]
fn a_route_of_busybox_may_lack_its_next_hops() {
    let text = "default via 192.168.10.1 dev eth0  metric 100 \n192.168.10.0/24 dev eth0 scope link  src 192.168.10.5 \n10.244.4.0/26 \n10.244.5.0/26  metric 32 \nblackhole 10.244.12.64/26 \n";
    let out = read_as("ip_route.txt", text);
    assert_eq!((out.tally.lines, out.tally.understood, out.issues.len()), (5, 5, 0));
    let row = |dst: &str| testing::facts(&out, "route").find(|it| it.get("dst").to_string() == dst).expect("a route").clone();
    assert_eq!(row("10.244.4.0/26").get("flags").to_string(), "multipath");
    assert_eq!(row("10.244.5.0/26").get("metric").to_string(), "32");
    assert_eq!(out.collected[0].incomplete, None);
    // with iproute2 a prefix alone is a word of a sentence or half a line
    let other = text.replace("192.168.10.0/24 dev eth0 scope", "192.168.10.0/24 dev eth0 proto kernel scope");
    assert!(read_as("ip_route.txt", &other).collected[0].incomplete.is_some());
    for name in ["busybox_ip_route.txt", "busybox_ip_-6_route.txt"] {
        let Some(text) = sample(&format!("netstate/{name}")) else { return };
        let out = read_as(name, &text);
        assert_eq!((out.tally.understood, out.issues.len()), (out.tally.lines, 0), "{name}");
    }
}

/// P3: whose table comes first in a paste changes nothing.
#[test]
fn hosts_of_a_paste_may_stand_in_any_order() {
    let mut sections = Vec::new();
    for (node, scenario) in [("k1001", "nomesh"), ("k1003", "nomesh"), ("rtr", "nomesh"), ("k1001", "mesh")] {
        let Some(text) = sample(&format!("scenario-borrowed-{scenario}/{node}.ip_route.txt")) else { return };
        sections.push(format!("root@{node}-{scenario}:~# ip route\n{text}"));
    }
    let tables = |text: &str| {
        let out = read_as("paste.txt", text);
        assert!(out.issues.is_empty(), "{:?}", out.issues);
        let mut rows = rows(&out);
        rows.sort();
        rows
    };
    let expected = tables(&sections.concat());
    assert!(expected.len() >= 15, "{}", expected.len());
    // every rotation, forwards and backwards
    for turn in 0..sections.len() {
        sections.rotate_left(1);
        assert_eq!(tables(&sections.concat()), expected, "turn {turn}");
        let back: Vec<String> = sections.iter().rev().cloned().collect();
        assert_eq!(tables(&back.concat()), expected, "turn {turn} backwards");
    }
}
