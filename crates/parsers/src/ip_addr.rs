//! `ip addr`: the addresses of a node's interfaces, as text (also `-o`, `-br`, BusyBox) or JSON (`-j`), and `ifconfig -a`.
//!
//! ```text
//! 2: eno1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
//!     link/ether fa:c6:82:95:38:bd brd ff:ff:ff:ff:ff:ff link-netns h3rtr
//!     inet 10.64.0.247/22 scope global eno1
//!        valid_lft forever preferred_lft forever
//! ```
//!
//! One row an address. A prompt names the node. Addresses of a pod's namespace (a /32 on `eth0@if5`, alone beside the
//! loopback) are not the node's. `ifconfig` shows one IPv4 address an interface, so its list is never whole. A line of an interface also says its state, carrier and MTU. Skipped: counters, lifetimes, labels. Units: none. Time: none.
//!
//! Source: `print_addrinfo` in iproute2's `ip/ipaddress.c`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use timeline::{Collected, Fact, MemberRecords, Name, Quote, Record, Row, Span, Stamp, relation};

use crate::ip_route::prompts;
use crate::json_elements::{Documents, elements, entry};
use crate::places::Places;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-addr",
    produced_by: "ip addr, ifconfig -a",
    samples: &[
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n2: eno1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n    link/ether fa:c6:82:95:38:bd brd ff:ff:ff:ff:ff:ff link-netns h3rtr\n    inet 10.64.0.247/22 scope global eno1\n       valid_lft forever preferred_lft forever\n",
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n5: tunl0    inet 10.244.12.64/32 scope global tunl0\\       valid_lft forever preferred_lft forever\n",
        "lo               UNKNOWN        127.0.0.1/8 ::1/128 \neth0@if2         UP             10.64.0.247/22 fe80::f8c6:82ff:fe95:38bd/64 \n",
        r#"[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"}]}]
"#,
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if let Some(array) = Documents::of(sniff.text).next().filter(|it| it.text.starts_with('[')) {
        let listed = |it: &str| entry(it, "ifname").is_some() && entry(it, "addr_info").is_some();
        return if elements(array.text).take(8).any(|it| listed(it.text)) { Certainty::Sure } else { Certainty::No };
    }
    let mut found = 0;
    let share = sniff.share(400, |line| {
        let known = interface(line).is_some() || addresses(line).next().is_some();
        known || line.starts_with("    ")
    });
    for line in sniff.text.lines().take(400) {
        found += u32::from(addresses(line).next().is_some());
    }
    match () {
        () if found == 0 || share < 0.6 => Certainty::No,
        () if share >= 0.9 && sniff.text.lines().find(|it| !it.trim().is_empty()).is_some_and(begins) => Certainty::Sure,
        () => Certainty::Likely,
    }
}

fn begins(line: &str) -> bool {
    interface(line).is_some() || addresses(line).next().is_some()
}

/// An address as it was printed.
struct Found<'t> {
    address: IpAddr,
    prefix: Option<IpNet>,
    scope: Option<&'t str>,
}

/// `2: eno1@if2: <BROADCAST,…`, `2: eno1    inet …`, `eth0@if2         UP             10.64.0.247/22 …`: the interface, and
/// what it is linked to.
fn interface(line: &str) -> Option<(&str, Option<&str>)> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next().filter(|_| !line.starts_with([' ', '\t']))?;
    let number = first.strip_suffix(':').filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    let name = match number {
        Some(_) => {
            let name = words.next()?;
            let next = words.next()?;
            match name.strip_suffix(':') {
                Some(name) if next.starts_with('<') => name,
                None if matches!(next, "inet" | "inet6") => name,
                _ => return None,
            }
        }
        // `eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500`
        None if first.ends_with(':') => {
            words.next().is_some_and(|it| it.starts_with("flags=")).then(|| first.trim_end_matches(':'))?
        }
        None => {
            const STATES: [&str; 7] =
                ["UNKNOWN", "UP", "DOWN", "LOWERLAYERDOWN", "DORMANT", "NOTPRESENT", "TESTING"];
            let state = words.next()?;
            let listed = STATES.contains(&state) && words.all(|it| it.parse::<IpNet>().is_ok() || it == "metric" || it.parse::<u32>().is_ok());
            listed.then_some(first)?
        }
    };
    // a name may hold an @ of its own
    match name.rsplit_once('@') {
        Some((name, peer)) => Some((name, Some(peer))),
        None => Some((name, None)),
    }
}

/// `2: eno1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000`
pub(crate) fn link(line: &str) -> Option<Row> {
    let (name, peer) = interface(line)?;
    let flags = line.split_once('<')?.1.split_once('>')?.0;
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let after = |key: &str| words.iter().position(|it| *it == key).and_then(|at| words.get(at + 1).copied());
    let index = words.first().and_then(|it| it.strip_suffix(':')?.parse::<i64>().ok());
    let row = Row::new(&relation::LINK)
        .with("dev", name)
        .with("index", index)
        .with("peer", peer)
        .with("mtu", after("mtu").and_then(|it| it.parse::<i64>().ok()))
        .with("master", after("master"))
        .with("state", after("state"));
    Some(with_flags(row, flags.split(',')))
}

/// `NO-CARRIER,BROADCAST,UP`: up or not, and whether anything is at the other end.
pub(crate) fn with_flags<'f>(row: Row, flags: impl Iterator<Item = &'f str>) -> Row {
    let flags: Vec<&str> = flags.collect();
    let carrier = match () {
        () if flags.contains(&"NO-CARRIER") => Some(false),
        () if flags.contains(&"LOWER_UP") || flags.contains(&"RUNNING") => Some(true),
        () => None,
    };
    let state = if row.get("state").is_some() || flags.contains(&"UP") { None } else { Some("DOWN") };
    let row = match state {
        Some(it) => row.with("state", it),
        None => row,
    };
    row.with("carrier", carrier).with("flags", flags.join(","))
}

/// `    inet 10.64.0.247/22 brd 10.64.3.255 scope global eno1`, and each address of a line of `ip -br`.
fn addresses(line: &str) -> impl Iterator<Item = Found<'_>> {
    let mut words = line.split_ascii_whitespace().peekable();
    let brief = interface(line).is_some() && !line.split_ascii_whitespace().any(|it| matches!(it, "inet" | "inet6"));
    let full = !brief && line.split_ascii_whitespace().take(3).any(|it| matches!(it, "inet" | "inet6"));
    std::iter::from_fn(move || {
        if brief {
            let network = words.find_map(|it| it.parse::<IpNet>().ok())?;
            return Some(Found { address: network.addr(), prefix: Some(network.trunc()), scope: None });
        }
        if !full {
            return None;
        }
        words.find(|it| matches!(*it, "inet" | "inet6"))?;
        let own = words.next()?;
        // `inet 10.0.0.1 peer 10.0.0.2/32`: the prefix is the other end's
        let network = match words.peek() {
            Some(&"peer") => words.nth(1),
            _ => Some(own),
        };
        let address = own.split('/').next()?.parse::<IpAddr>().ok()?;
        let prefix = network.and_then(|it| it.parse::<IpNet>().ok().or_else(|| it.parse::<IpAddr>().ok().map(IpNet::from)));
        // `inet 172.17.0.1  netmask 255.255.0.0`, `inet6 fe80::1  prefixlen 64  scopeid 0x20<link>`
        if let Some(&("netmask" | "prefixlen")) = words.peek() {
            let mask = words.nth(1)?;
            let bits = mask.parse().ok().or_else(|| ipnet::ip_mask_to_prefix(mask.parse().ok()?).ok())?;
            let scope = words.find(|it| *it == "scopeid").and_then(|_| words.next());
            let scope = scope.and_then(|it| it.split(['<', '>']).nth(1));
            return Some(Found { address, prefix: IpNet::new(address, bits).ok().map(|it| it.trunc()), scope });
        }
        let scope = words.find(|it| *it == "scope").and_then(|_| words.next());
        Some(Found { address, prefix: prefix.map(|it| it.trunc()), scope })
    })
}

/// What one host has.
#[derive(Default)]
struct Section {
    node: Option<Name>,
    facts: Vec<Fact>,
    links: Vec<Fact>,
    loopback: bool,
    elided: bool,
    ifconfig: bool,
    /// `eth0@if5` has a host address: a pod's side of a pair.
    pod: bool,
    /// Another interface than that and the loopback has an IPv4 address.
    others: bool,
}

impl Section {
    fn take(&mut self, found: &Found<'_>, dev: Option<&str>, peer: Option<&str>, quote: Quote) {
        let row = Row::new(&relation::ADDRESS)
            .with("address", found.address)
            .with("prefix", found.prefix)
            .with("dev", dev)
            .with("scope", found.scope);
        let alone = found.prefix.is_some_and(|it| it.prefix_len() == it.max_prefix_len());
        self.loopback |= found.address.is_loopback();
        if found.address.is_ipv4() && !found.address.is_loopback() {
            let pod = alone && dev == Some("eth0") && peer.is_some_and(|it| it.starts_with("if"));
            self.pod |= pod;
            self.others |= !pod;
        }
        self.facts.push(Fact::new(row, self.node.clone(), quote));
    }

    /// What its interfaces are.
    fn close_links(&mut self, input: &Input<'_>, last: bool, out: &mut MemberRecords) {
        let member = input.origin.member;
        let links = std::mem::take(&mut self.links);
        if links.is_empty() || self.pod && !self.others {
            return;
        }
        let incomplete = match () {
            () if last && input.truncated => Some("the file is cut".to_owned()),
            () if self.elided => Some("the listing is elided".to_owned()),
            () if links.len() < 2 => Some("not all interfaces are listed".to_owned()),
            () => None,
        };
        out.collected.push(Collected { relation: relation::LINK.name, node: self.node.clone(), incomplete, member });
        out.records.extend(links.into_iter().map(|it| Record::Fact(Box::new(it), Stamp::None)));
    }

    fn close(mut self, input: &Input<'_>, last: bool, out: &mut MemberRecords) {
        self.close_addresses(input, last, out);
        self.close_links(input, last, out);
    }

    fn close_addresses(&mut self, input: &Input<'_>, last: bool, out: &mut MemberRecords) {
        let member = input.origin.member;
        let Some(first) = self.facts.first() else { return };
        if self.pod && !self.others {
            out.issue(member, first.quotes[0].span.line, "addresses of a pod's network namespace: not the node's");
            return;
        }
        let incomplete = match () {
            () if last && input.truncated => Some("the file is cut".to_owned()),
            () if self.elided => Some("the listing is elided".to_owned()),
            () if self.ifconfig => Some("ifconfig lists one IPv4 address an interface".to_owned()),
            () if !self.loopback => Some("not all interfaces are listed".to_owned()),
            () => None,
        };
        out.collected.push(Collected { relation: relation::ADDRESS.name, node: self.node.clone(), incomplete, member });
        out.records.extend(std::mem::take(&mut self.facts).into_iter().map(|it| Record::Fact(Box::new(it), Stamp::None)));
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    if Documents::of(input.text).next().is_some_and(|it| it.text.starts_with('[')) {
        parse_json(input, out);
    } else {
        parse_text(input, out);
    }
}

fn parse_text(input: &Input<'_>, out: &mut MemberRecords) {
    let mut prompts = prompts(input.text).into_iter().peekable();
    let mut section = Section { node: input.origin.node.clone(), ..Section::default() };
    let mut dev: Option<(&str, Option<&str>)> = None;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        let end = line.start as usize + line.text.len();
        let mut prompted = false;
        while let Some((_, host)) = prompts.next_if(|(at, _)| *at <= end) {
            prompted = true;
            let node = host.or_else(|| section.node.clone());
            std::mem::replace(&mut section, Section { node, ..Section::default() }).close(input, false, out);
            dev = None;
        }
        section.elided |= matches!(line.text.trim(), "..." | "[...]" | "…" | "[…]" | "<snip>");
        let header = interface(line.text);
        if header.is_some() {
            dev = header;
            section.ifconfig |= line.text.contains(": flags=");
            if let Some(row) = link(line.text) {
                section.links.push(Fact::new(row, section.node.clone(), quote(input, &line)));
            }
        }
        let mut any = prompted || header.is_some() || (dev.is_some() && line.text.starts_with([' ', '\t']));
        let (name, peer) = dev.map_or((None, None), |(name, peer)| (Some(name), peer));
        for found in addresses(line.text) {
            any = true;
            section.take(&found, name, peer, quote(input, &line));
        }
        if any {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
    }
    section.close(input, true, out);
}

/// The line without its indentation.
fn quote(input: &Input<'_>, line: &Line<'_>) -> Quote {
    let text = line.text.trim();
    let indent = line.text.len() - line.text.trim_start().len();
    let span = Span { member: input.origin.member, start: line.start + indent as u64, len: text.len() as u32, line: line.number };
    Quote { span, text: text.into() }
}

fn parse_json(input: &Input<'_>, out: &mut MemberRecords) {
    let member = input.origin.member;
    let mut places = Places::of(input);
    let mut section = Section { node: input.origin.node.clone(), ..Section::default() };
    for document in Documents::of(input.text) {
        section.elided |= !document.whole;
        for link in elements(document.text) {
            out.tally.lines += 1;
            let Some(list) = entry(link.text, "addr_info") else {
                // a filter leaves empty objects behind
                if link.text == "{}" {
                    section.elided = true;
                    out.tally.understood += 1;
                } else {
                    out.tally.odd_bytes += link.text.len() as u64;
                }
                continue;
            };
            out.tally.understood += 1;
            let word = |key: &str| entry(link.text, key).and_then(|it| serde_json::from_str::<String>(it.value).ok());
            let (dev, peer) = (word("ifname"), word("link").or_else(|| entry(link.text, "link_index").map(|_| "if".to_owned())));
            let whole: Value = serde_json::from_str(link.text).unwrap_or_default();
            let flags = whole["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let row = Row::new(&relation::LINK)
                .with("dev", dev.as_deref())
                .with("index", whole["ifindex"].as_i64())
                .with("peer", peer.as_deref())
                .with("mtu", whole["mtu"].as_i64())
                .with("master", whole["master"].as_str())
                .with("state", whole["operstate"].as_str());
            let named = entry(link.text, "ifname").map_or(link.text, |it| it.pair);
            section.links.push(Fact::new(with_flags(row, flags), section.node.clone(), places.quote(named)));
            for element in elements(list.value) {
                let Ok(value) = serde_json::from_str::<Value>(element.text) else {
                    let line = places.line(element.text);
                    out.issue(member, line, "an address that is no JSON");
                    section.elided = true;
                    continue;
                };
                let Some(address) = value["local"].as_str().and_then(|it| it.parse::<IpAddr>().ok()) else { continue };
                let base = value["address"].as_str().and_then(|it| it.parse().ok()).unwrap_or(address);
                let bits = value["prefixlen"].as_u64().and_then(|it| u8::try_from(it).ok());
                let prefix = bits.and_then(|it| IpNet::new(base, it).ok()).map(|it| it.trunc());
                let found = Found { address, prefix, scope: value["scope"].as_str() };
                section.take(&found, dev.as_deref(), peer.as_deref(), places.quote(element.text));
            }
        }
    }
    section.close(input, true, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, shown, sniff_certainty};

    fn rows(out: &MemberRecords) -> Vec<String> {
        let shown = |it: &Fact| ["node", "address", "prefix", "dev", "scope"].map(|column| it.get(column).to_string()).join(" ");
        facts(out, "address").map(shown).collect()
    }

    #[test]
    fn each_form_is_read() {
        for sample in FORMAT.samples {
            assert_eq!(sniff_certainty(&FORMAT, "x", sample), Certainty::Sure, "{sample}");
            let out = read_at(&FORMAT, "x", sample);
            assert_eq!(out.tally.lines, out.tally.understood);
            assert_eq!(out.collected[0].incomplete, None, "{sample}");
        }
        insta::assert_snapshot!(rows(&read_at(&FORMAT, "x", FORMAT.samples[0])).join("\n"), @r#"
    node-a 127.0.0.1 127.0.0.0/8 lo host
    node-a 10.64.0.247 10.64.0.0/22 eno1 global
    "#);
        insta::assert_snapshot!(rows(&read_at(&FORMAT, "x", FORMAT.samples[2])).join("\n"), @r#"
    node-a 127.0.0.1 127.0.0.0/8 lo unknown
    node-a ::1 ::1/128 lo unknown
    node-a 10.64.0.247 10.64.0.0/22 eth0 unknown
    node-a fe80::f8c6:82ff:fe95:38bd fe80::/64 eth0 unknown
    "#);
        let peer = read_at(&FORMAT, "x", "4: ppp0: <POINTOPOINT,UP> mtu 1400\n    inet 10.0.0.1 peer 10.0.0.2/32 scope global ppp0\n");
        assert_eq!(rows(&peer), ["node-a 10.0.0.1 10.0.0.2/32 ppp0 global"]);
        assert!(peer.collected[0].incomplete.is_some());
    }

    #[test]
    fn a_pods_addresses_are_not_the_nodes() {
        let pod = "1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n3: eth0@if12: <BROADCAST,UP> mtu 1440\n    inet 10.64.75.0/32 scope global eth0\n";
        let out = read_at(&FORMAT, "x", pod);
        assert!(out.records.is_empty() && out.collected.is_empty() && out.issues.len() == 1);
    }

    #[test]
    fn interfaces_of_each_form() {
        let shown = |text: &str| -> Vec<String> {
            let out = read_at(&FORMAT, "x", text);
            let columns = ["dev", "index", "state", "carrier", "mtu", "peer"];
            shown(&out, "link", columns)
        };
        assert_eq!(shown(FORMAT.samples[0]), ["lo 1 UNKNOWN true 65536 unknown", "eno1 2 UP true 1500 if2"]);
        let links = "2: eth0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc mq state DOWN mode DEFAULT group default qlen 1000\n    link/ether fa:c6:82:95:38:bd brd ff:ff:ff:ff:ff:ff\n5: tunl0@NONE: <NOARP> mtu 1480 qdisc noop state DOWN mode DEFAULT group default qlen 1000\n    link/ipip 0.0.0.0 brd 0.0.0.0\n";
        assert_eq!(shown(links), ["eth0 2 DOWN false 1500 unknown", "tunl0 5 DOWN unknown 1480 NONE"]);
        assert_eq!(shown(FORMAT.samples[3]), ["lo 1 UNKNOWN true unknown unknown".replace("UNKNOWN", "unknown")]);
    }

    #[test]
    fn hosts_by_their_prompts() {
        let text = format!("root@k1:~# ip addr\n{}root@k2:~# ip a\n{}", FORMAT.samples[0], FORMAT.samples[0]);
        let out = read_at(&FORMAT, "x", &text);
        assert_eq!(rows(&out)[1], "k1 10.64.0.247 10.64.0.0/22 eno1 global");
        assert_eq!(rows(&out)[3], "k2 10.64.0.247 10.64.0.0/22 eno1 global");
        assert_eq!(out.collected.iter().filter(|it| it.relation == "address").count(), 2);
    }

    #[test]
    fn every_version_and_form_of_one_node() {
        let read = |name: &str| {
            let text = sample(&format!("network/{name}"))?;
            assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure, "{name}");
            let out = read_at(&FORMAT, "x", &text);
            assert!(out.issues.is_empty(), "{name}: {:?}", out.issues);
            assert_eq!(out.tally.lines, out.tally.understood, "{name}");
            Some(rows(&out))
        };
        let Some(plain) = read("netstate/ip_addr.txt") else { return };
        let read = |name: &str| read(name).expect("its neighbour is there");
        for other in ["ip_-d_addr.txt", "ip_-j_-d_addr.txt", "ip_-o_addr.txt", "busybox_ip_addr.txt"] {
            assert_eq!(read(&format!("netstate/{other}")), plain, "{other}");
        }
        assert_eq!(read("netstate/ip_-br_addr.txt").len(), plain.len());
        let addresses = |rows: &[String]| {
            let mut found: Vec<String> = rows.iter().map(|it| it.split(' ').take(4).collect::<Vec<_>>().join(" ")).collect();
            found.sort();
            found
        };
        assert_eq!(addresses(&read("netstate/ifconfig_-a.txt")), addresses(&plain));
        for version in ["3.12.0", "4.4.0", "5.10.0", "5.15.0", "7.1.0"] {
            assert_eq!(read(&format!("iproute2-link/ip_addr_lo.{version}.txt")).len(), 2);
        }
        let node = read("scenario-borrowed-nomesh/k1001.ip_addr.txt");
        assert!(node.contains(&"node-a 10.64.0.247 10.64.0.0/22 eno1 global".to_owned()), "{node:?}");
    }

    #[test]
    fn other_listings_are_left_alone() {
        for text in [
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n",
            "default via 10.64.0.1 dev eno1 onlink\n",
            "0:\tfrom all lookup local\n",
            "The inet 10.0.0.1/8 is ours.\nIt is UP.\n",
            "node-a UP\n", "[]", "{}", "",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "ip_addr", text), Certainty::No, "{text}");
            read_at(&FORMAT, "x", text);
        }
    }
}
