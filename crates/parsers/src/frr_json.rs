//! FRR's answers in JSON: `show ip route json`, `show bgp summary json`, `show bgp neighbors json`, `show ip bgp json`,
//! `show interface json`.
//!
//! ```text
//! {"10.244.12.64/26":[{"prefix":"10.244.12.64/26","protocol":"kernel","selected":true,"installed":true,
//!   "nexthops":[{"fib":true,"unreachable":true,"blackhole":true,"active":true}]}]}
//! {"ipv4Unicast":{"routerId":"10.64.0.247","as":64512,"peers":{"10.64.0.1":{"remoteAs":64513,"state":"Active"}}}}
//! {"eno1":{"administrativeStatus":"up","operationalStatus":"down","mtu":1500,"ipAddresses":[{"address":"10.64.0.247/22"}]}}
//! ```
//!
//! The rows are those of the text: routes, sessions, interfaces with their addresses. Answers for all VRFs are one level deeper; only
//! the default one is the node's. Skipped: attributes, all next hops but the first. Units: none. Time: `since` is how
//! long the state has lasted, as printed.
//!
//! Source: FRR's zebra/zebra_vty.c (`vty_show_ip_route_detail_json`), bgpd/bgp_vty.c (`bgp_show_summary`).

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::json_elements::{Documents, Entry, elements, entries, entry};
use crate::places::Places;
use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "frr-json",
    produced_by: "vtysh -c 'show ip route json', -c 'show bgp summary json', -c 'show bgp neighbors json', -c 'show interface json'",
    samples: &[
        concat!(
            r#"{"10.64.75.0/26":[{"prefix":"10.64.75.0/26","protocol":"kernel","vrfName":"default","selected":true,"#,
            r#""installed":true,"uptime":"00:00:06","nexthops":[{"fib":true,"unreachable":true,"blackhole":true,"active":true}]}],"#,
            r#""10.64.75.4/32":[{"prefix":"10.64.75.4/32","protocol":"bgp","selected":true,"installed":true,"#,
            r#""nexthops":[{"fib":true,"ip":"10.64.0.1","afi":"ipv4","interfaceName":"eno1","active":true}]}]}"#,
            "\n"
        ),
        concat!(
            r#"{"ipv4Unicast":{"routerId":"10.64.0.247","as":64512,"vrfName":"default","peers":{"10.64.0.1":{"remoteAs":64513,"#,
            r#""peerUptime":"01:02:03","pfxRcd":7,"state":"Established"},"10.64.0.2":{"remoteAs":64514,"peerUptime":"never","state":"Active"}}}}"#,
            "\n"
        ),
        concat!(
            r#"{"10.64.0.1":{"remoteAs":64513,"localAs":64512,"bgpState":"Idle","lastResetTimerMsecs":4000,"#,
            r#""lastResetDueTo":"Hold Timer Expired"}}"#,
            "\n"
        ),
        concat!(
            r#"{"vrfId":0,"vrfName":"default","routerId":"10.64.0.247","localAS":64512,"routes":{"10.64.75.0/26":[{"valid":true,"#,
            r#""bestpath":true,"peerId":"10.64.0.1","nexthops":[{"ip":"10.64.0.1","afi":"ipv4","used":true}]}]}}"#,
            "\n"
        ),
        concat!(
            r#"{"eno1":{"administrativeStatus":"up","operationalStatus":"down","linkUps":3,"linkDowns":4,"vrfName":"default","index":2,"#,
            r#""mtu":1500,"flags":"<UP,BROADCAST,MULTICAST>","hardwareAddress":"3c:61:04:00:00:01","#,
            r#""ipAddresses":[{"address":"10.64.0.247/22","secondary":false}]},"lo":{"administrativeStatus":"up","operationalStatus":"up"}}"#,
            "\n"
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a document answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Prefixes with their routes.
    Routes,
    /// Address families, or one, with peers.
    Summary,
    /// Peers by address.
    Neighbours,
    /// The table of BGP.
    Bgp,
    /// Interfaces by name.
    Interfaces,
    /// One of these for each VRF.
    Vrfs,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    match Documents::of(sniff.text).next().and_then(|it| kind(it.text, true)) {
        Some(_) => Certainty::Sure,
        None => Certainty::No,
    }
}

fn kind(document: &str, top: bool) -> Option<Kind> {
    let first = entries(document).next()?;
    let has = |object: &str, key: &str| entry(object, key).is_some();
    if is_prefix(first.key) && first.value.starts_with('[') {
        let route = elements(first.value).next()?;
        return (has(route.text, "protocol") || !route.whole).then_some(Kind::Routes);
    }
    let peers = |object: &str| has(object, "peers") && (has(object, "routerId") || has(object, "as"));
    if peers(document) || first.value.starts_with('{') && peers(first.value) {
        return Some(Kind::Summary);
    }
    if has(document, "routes") && has(document, "routerId") {
        return Some(Kind::Bgp);
    }
    if first.key.parse::<IpAddr>().is_ok() && has(first.value, "bgpState") {
        return Some(Kind::Neighbours);
    }
    let brief = has(first.value, "status") && (has(first.value, "vrfName") || has(first.value, "addresses"));
    if first.value.starts_with('{') && (has(first.value, "administrativeStatus") || brief) {
        return Some(Kind::Interfaces);
    }
    (top && first.value.starts_with('{') && kind(first.value, false) == Some(Kind::Routes)).then_some(Kind::Vrfs)
}

fn is_prefix(key: &str) -> bool {
    key.contains('/') && key.parse::<IpNet>().is_ok()
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut reader = Answers { places: Places::of(input), state: State::of(input, out), lines: 0, odd: 0, odd_bytes: 0 };
    let (mut routes, mut peers, mut whole) = (false, false, true);
    for document in Documents::of(input.text) {
        let Some(kind) = kind(document.text, true) else {
            reader.odd(document.text);
            continue;
        };
        whole &= document.whole;
        match kind {
            Kind::Routes => entries(document.text).for_each(|it| reader.prefix(&it, "frr", None)),
            Kind::Vrfs => {
                let default = entries(document.text).filter(|it| it.key == "default");
                default.flat_map(|it| entries(it.value)).for_each(|it| reader.prefix(&it, "frr", None));
            }
            Kind::Bgp => {
                let routes = entry(document.text, "routes").map_or("", |it| it.value);
                entries(routes).for_each(|it| reader.prefix(&it, "frr", Some("bgp")));
            }
            Kind::Summary if entry(document.text, "peers").is_some() => reader.peers(document.text),
            Kind::Summary => entries(document.text).for_each(|it| reader.peers(it.value)),
            Kind::Neighbours => entries(document.text).for_each(|it| reader.peer(&it)),
            Kind::Interfaces => entries(document.text).for_each(|it| reader.interface(&it)),
        }
        routes |= matches!(kind, Kind::Routes | Kind::Vrfs);
        peers |= matches!(kind, Kind::Summary | Kind::Neighbours);
    }
    let Answers { lines, odd, odd_bytes, .. } = reader;
    out.tally.lines += lines;
    out.tally.understood += lines - odd;
    out.tally.odd_bytes += odd_bytes;
    let incomplete = (input.truncated || !whole).then(|| "the file is cut off".to_owned());
    let mut state = State::of(input, out);
    if routes {
        state.collected_but(&relation::RIB_ROUTE, incomplete.clone());
    }
    if peers {
        state.collected_but(&relation::BGP_PEER, incomplete);
    }
}

struct Answers<'i, 't, 'o> {
    places: Places<'t>,
    state: State<'i, 't, 'o>,
    lines: u64,
    odd: u64,
    odd_bytes: u64,
}

impl<'t> Answers<'_, 't, '_> {
    fn odd(&mut self, text: &str) {
        self.lines += 1;
        self.odd += 1;
        self.odd_bytes += text.len() as u64;
    }

    fn push(&mut self, row: Row, text: &'t str) {
        let quote = self.places.quote(text);
        let node = self.state.input.origin.node.clone();
        self.state.fact(Fact::new(row, node, quote), Stamp::None);
    }

    /// `"10.64.75.0/26":[{…},…]`
    fn prefix(&mut self, of: &Entry<'t>, daemon: &str, protocol: Option<&str>) {
        if !is_prefix(of.key) {
            return; // `"totals"`
        }
        for element in elements(of.value) {
            let read = serde_json::from_str::<Value>(element.text).ok();
            match read.and_then(|it| route(of.key, &it, daemon, protocol)) {
                Some(row) => {
                    self.lines += 1;
                    self.push(row, element.text);
                }
                None => self.odd(element.text),
            }
        }
    }

    /// `{"routerId":…,"as":…,"peers":{"10.64.0.1":{…}}}`
    fn peers(&mut self, family: &'t str) {
        let peers = entry(family, "peers").map_or("", |it| it.value);
        entries(peers).for_each(|it| self.peer(&it));
    }

    fn peer(&mut self, of: &Entry<'t>) {
        let read = serde_json::from_str::<Value>(of.value).ok();
        let Some(object) = read.filter(Value::is_object) else { return self.odd(of.pair) };
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let Some(state) = text("state").or(text("bgpState")) else { return self.odd(of.pair) };
        self.lines += 1;
        let session = Session {
            peer: of.key.parse().ok(),
            remote_as: object.get("remoteAs").and_then(Value::as_u64),
            state,
            since: text("peerUptime").or(text("bgpTimerUpString")),
            more: [text("lastResetDueTo"), text("desc")],
        };
        self.push(session.row(), of.pair);
    }

    /// `"eno1":{"administrativeStatus":"up",…}`
    fn interface(&mut self, of: &Entry<'t>) {
        let read = serde_json::from_str::<Value>(of.value).ok();
        let Some(object) = read.filter(Value::is_object) else { return self.odd(of.pair) };
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let Some(state) = text("operationalStatus").or(text("status")).or(text("administrativeStatus")) else {
            return self.odd(of.pair);
        };
        self.lines += 1;
        let flags = text("flags").map(|it| it.trim_matches(['<', '>']).to_owned());
        let row = Row::new(&relation::LINK)
            .with("dev", of.key)
            .with("state", state.to_ascii_uppercase())
            .with("flags", flags)
            .with("mtu", object.get("mtu").and_then(Value::as_i64))
            .with("mac", text("hardwareAddress"))
            .with("index", object.get("index").and_then(Value::as_i64));
        self.push(row, of.pair);
        let listed = object.get("ipAddresses").or(object.get("addresses")).and_then(Value::as_array);
        for address in listed.into_iter().flatten() {
            let address = address.as_str().or_else(|| address.get("address").and_then(Value::as_str));
            if let Some(row) = address.and_then(|it| address_row(it, of.key)) {
                self.push(row, of.pair);
            }
        }
    }
}

/// `10.64.0.247/22` of an interface, as `ip addr` says it.
pub(crate) fn address_row(text: &str, dev: &str) -> Option<Row> {
    let net: IpNet = text.parse().ok()?;
    Some(Row::new(&relation::ADDRESS).with("address", net.addr()).with("prefix", net.trunc()).with("dev", dev))
}

/// A session of BGP, as FRR tells it in text and in JSON.
pub(crate) struct Session<'t> {
    pub(crate) peer: Option<IpAddr>,
    pub(crate) remote_as: Option<u64>,
    /// A state of BGP's machine, or how many prefixes an established session has received.
    pub(crate) state: &'t str,
    pub(crate) since: Option<&'t str>,
    /// Why it ended last, what somebody wrote about it.
    pub(crate) more: [Option<&'t str>; 2],
}

impl Session<'_> {
    /// As BIRD says it: up where the session is established.
    pub(crate) fn row(&self) -> Row {
        let established = self.state == "Established" || self.state.parse::<u64>().is_ok();
        let mut info = vec![if established { "Established" } else { self.state }];
        info.extend(self.more.into_iter().flatten());
        Row::new(&relation::BGP_PEER)
            .with("peer", self.peer)
            .with("kind", self.remote_as.map(|it| format!("AS {it}")))
            .with("state", if established { "up" } else { "start" })
            .with("since", self.since)
            .with("info", info.join(" "))
    }
}

fn route(dst: &str, object: &Value, daemon: &str, protocol: Option<&str>) -> Option<Row> {
    let flag = |it: &Value, key: &str| it.get(key).and_then(Value::as_bool).unwrap_or_default();
    let none = Value::Null;
    let hop = object.get("nexthops").and_then(|it| it.get(0)).unwrap_or(&none);
    let kind = match () {
        () if flag(hop, "blackhole") => "blackhole",
        () if flag(hop, "admin-prohibited") => "prohibit",
        () if flag(hop, "unreachable") || flag(hop, "reject") => "unreachable",
        () => "unicast",
    };
    let protocol = object.get("protocol").and_then(Value::as_str).or(protocol)?;
    let dev = hop.get("interfaceName").and_then(Value::as_str).filter(|_| kind == "unicast");
    Some(
        Row::new(&relation::RIB_ROUTE)
            .with("dst", dst.parse::<IpNet>().ok()?)
            .with("type", kind)
            .with("via", hop.get("ip").and_then(Value::as_str).and_then(|it| it.parse::<IpAddr>().ok()))
            .with("dev", dev)
            .with("protocol", protocol)
            .with("from", object.get("peerId").and_then(Value::as_str).and_then(|it| it.parse::<IpAddr>().ok()))
            .with("selected", flag(object, "selected") || flag(object, "bestpath"))
            // a table of BGP does not say what the kernel took
            .with("installed", object.get("nexthops").filter(|_| object.get("bestpath").is_none()).map(|_| flag(object, "installed")))
            .with("daemon", daemon),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, read_cut, sample, sniff_certainty};

    const COLUMNS: [&str; 8] = ["dst", "type", "via", "dev", "protocol", "selected", "installed", "daemon"];

    fn rows(out: &MemberRecords) -> Vec<String> {
        let mut rows: Vec<String> =
            facts(out, "rib.route").map(|it| COLUMNS.map(|column| it.get(column).to_string()).join(" ")).collect();
        rows.sort();
        rows
    }

    fn peers(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood);
        let columns = ["peer", "kind", "state", "since", "info"];
        facts(&out, "bgp.peer").map(|it| columns.map(|column| it.get(column).to_string()).join(" · ")).collect()
    }

    #[test]
    fn routes_and_sessions() {
        assert_eq!(
            rows(&read_at(&FORMAT, "x", FORMAT.samples[0])),
            [
                "10.64.75.0/26 blackhole unknown unknown kernel true true frr",
                "10.64.75.4/32 unicast 10.64.0.1 eno1 bgp true true frr"
            ]
        );
        assert_eq!(
            peers(FORMAT.samples[1]),
            ["10.64.0.1 · AS 64513 · up · 01:02:03 · Established", "10.64.0.2 · AS 64514 · start · never · Active"]
        );
        assert_eq!(peers(FORMAT.samples[2]), ["10.64.0.1 · AS 64513 · start · unknown · Idle Hold Timer Expired"]);
        let bgp = read_at(&FORMAT, "x", FORMAT.samples[3]);
        assert_eq!(rows(&bgp), ["10.64.75.0/26 unicast 10.64.0.1 unknown bgp true unknown frr"]);
        // the table of BGP is not the whole of what the daemon knows
        assert!(bgp.collected.is_empty());
        let vrfs = format!("{{\"default\":{},\"red\":{}}}", FORMAT.samples[0].trim(), FORMAT.samples[0].trim());
        assert_eq!(sniff_certainty(&FORMAT, "x", &vrfs), Certainty::Sure);
        assert_eq!(rows(&read_at(&FORMAT, "x", &vrfs)).len(), 2);
    }

    #[test]
    fn interfaces_and_their_addresses() {
        let read = |text: &str| {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            let out = read_at(&FORMAT, "x", text);
            assert_eq!(out.tally.lines, out.tally.understood);
            let links = crate::testing::shown(&out, "link", ["dev", "state", "mtu", "mac"]);
            (links, crate::testing::shown(&out, "address", ["address", "prefix", "dev"]))
        };
        let (links, addresses) = read(FORMAT.samples[4]);
        assert_eq!(links, ["eno1 DOWN 1500 3c:61:04:00:00:01", "lo UP unknown unknown"]);
        assert_eq!(addresses, ["10.64.0.247 10.64.0.0/22 eno1"]);
        let (links, addresses) = read(r#"{"eth0":{"status":"up","vrfName":"default","addresses":["10.0.0.5/24","fd00::5/64"]}}"#);
        assert_eq!((links.len(), addresses.len()), (1, 2));
    }

    #[test]
    fn a_cut_answer_is_no_whole_table() {
        let text = FORMAT.samples[0];
        let cut = read_cut(&FORMAT, "x", &text[..text.len() - 40]);
        assert_eq!(rows(&cut).len(), 1);
        assert!(cut.collected[0].incomplete.is_some());
        for text in ["{}", "{\"a\":{\"peers\":3}}", "{\"10.0.0.1\":{\"x\":1}}", "{\"10.0.0.0/8\":[1]}", "[]"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    /// The daemon's table in text and in JSON is one table.
    #[test]
    fn text_and_json_say_the_same() {
        let (Some(json), Some(text)) = (sample("network/frr/show_ip_route_json.txt"), sample("network/frr/show_ip_route.txt"))
        else {
            return;
        };
        assert_eq!(sniff_certainty(&FORMAT, "x", &json), Certainty::Sure);
        let json = read_at(&FORMAT, "x", &json);
        assert_eq!(json.tally.lines, json.tally.understood);
        let found = rows(&json);
        // a reject route without a reason is a blackhole of loopback in one and unreachable in both
        assert_eq!(found, rows(&read_at(&crate::rib_routes::FORMAT, "x", &text)));
        assert_eq!(found.len(), 35);
    }
}
