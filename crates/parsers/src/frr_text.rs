//! FRR's answers in text, besides its routes: sessions of BGP, interfaces, one route in full, summaries, the version.
//!
//! ```text
//! Neighbor        V         AS   MsgRcvd   MsgSent   TblVer  InQ OutQ  Up/Down State/PfxRcd   PfxSnt Desc
//! 10.64.0.1       4      64513      1234      1230        0    0    0 01:02:03            7       12 N/A
//! BGP neighbor is 10.64.0.2, remote AS 64514, local AS 64512, external link
//!   BGP state = Active
//!   Last reset 00:12:31,  Notification received (Hold Timer Expired)
//! Interface       Status  VRF             Addresses
//! Routing entry for 10.54.0.0/16
//! ```
//!
//! Several answers may stand in one file. Sessions are rows of `bgp.peer` as BIRD's are, interfaces of `link` and `address`, a
//! route is one of `rib.route`, the version one of `routing.daemon`. Skipped: timers, capabilities, counters of messages,
//! next-hop groups, sums of routes; VRFs besides the default one say nothing of the node. Units: none. Time: `since` is how
//! long a state has lasted, as printed.
//!
//! Source: FRR's bgpd/bgp_vty.c (`bgp_show_summary`, `bgp_show_peer`), zebra/interface.c, zebra/zebra_vty.c, lib/command.c.

use std::net::IpAddr;

use ipnet::IpNet;
use timeline::{MemberRecords, Row, relation};

use crate::frr_json::{Session, address_row};
use crate::state::{State, begins, is_number, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "frr-text",
    produced_by: "vtysh -c 'show bgp summary', -c 'show bgp neighbors', -c 'show interface brief', -c 'show ip route PREFIX', -c 'show version'",
    samples: &[
        concat!(
            "IPv4 Unicast Summary (VRF default):\nBGP router identifier 10.64.0.247, local AS number 64512 vrf-id 0\n",
            "BGP table version 12\nRIB entries 23, using 4232 bytes of memory\nPeers 2, using 1432 KiB of memory\n\n",
            "Neighbor        V         AS   MsgRcvd   MsgSent   TblVer  InQ OutQ  Up/Down State/PfxRcd   PfxSnt Desc\n",
            "10.64.0.1       4      64513      1234      1230        0    0    0 01:02:03            7       12 tor1\n",
            "10.64.0.2       4      64514         0         5        0    0    0    never Idle (Admin)        0 N/A\n\n",
            "Total number of neighbors 2\n",
        ),
        concat!(
            "BGP neighbor is 10.64.0.2, remote AS 64514, local AS 64512, external link\n  BGP version 4, remote router ID 0.0.0.0\n",
            "  BGP state = Active\n  Last read 00:12:31, Last write never\n  Connections established 1; dropped 1\n",
            "  Last reset 00:12:31,  Notification received (Hold Timer Expired)\n",
        ),
        concat!(
            "Interface       Status  VRF             Addresses\n---------       ------  ---             ---------\n",
            "eno1            up      default         10.64.0.247/22\n                                        + fd00:10::5/64\n",
            "eno2            down    default         \n",
        ),
        "Routing entry for 10.54.0.0/16\n  Known via \"static\", distance 1, metric 0, best\n  Last update 00:00:03 ago\n  * 192.168.10.1, via eth0, weight 1\n",
        "FRRouting 8.4.4 (node-a) on Linux(5.15.0-99-generic).\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Which answer a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Sessions in a table.
    Summary,
    /// Sessions in full.
    Neighbours,
    Interfaces,
    /// A route in full.
    Route,
    /// Numbers of routes by their source.
    Sums,
    /// Next-hop groups.
    Groups,
    Version,
}

/// The answer that a line opens.
fn opens(line: &str) -> Option<Answer> {
    let line = line.trim_end();
    match () {
        () if line.starts_with("BGP router identifier ") && line.contains("local AS") => Some(Answer::Summary),
        () if line.contains(" Summary (VRF ") && line.ends_with(':') || line.ends_with(" Unicast Summary:") => Some(Answer::Summary),
        () if neighbour(line).is_some() => Some(Answer::Neighbours),
        () if begins(line, &["Interface", "Status", "VRF", "Addresses"]) => Some(Answer::Interfaces),
        () if line.strip_prefix("Routing entry for ").is_some_and(|it| it.parse::<IpNet>().is_ok()) => Some(Answer::Route),
        () if begins(line, &["Route", "Source", "Routes", "FIB"]) => Some(Answer::Sums),
        () if line.strip_prefix("ID: ").is_some_and(|it| it.ends_with(')') && it.split(' ').next().is_some_and(is_number)) => {
            Some(Answer::Groups)
        }
        () if line.starts_with("FRRouting ") && line.contains(" on ") => Some(Answer::Version),
        () => None,
    }
}

/// Whether a line can belong to an answer.
fn belongs(answer: Answer, line: &str) -> bool {
    let indented = line.starts_with([' ', '\t']);
    match answer {
        Answer::Summary => {
            let around = ["BGP ", "RIB entries ", "Peers ", "Peer groups ", "Neighbor ", "Total number of neighbors", "Displayed neighbors", "Dampening", "% "];
            around.iter().any(|it| line.starts_with(it)) || session(line).is_some() || line.trim().parse::<IpAddr>().is_ok() || indented
        }
        Answer::Neighbours => {
            indented
                || ["Hostname: ", "BGP Connect Retry", "Local host: ", "Foreign host: ", "Nexthop", "BGP connection: ", "Read thread: ", "Estimated round trip", "Peer Authentication", "Domainname: "]
                    .iter()
                    .any(|it| line.starts_with(it))
        }
        Answer::Interfaces => interface(line).is_some() || indented || line.starts_with("----"),
        Answer::Route | Answer::Groups => indented,
        Answer::Sums => line.starts_with("---") || words(line).nth(1).is_some_and(is_number),
        Answer::Version => line.starts_with("Copyright ") || line.starts_with("configured with:") || indented,
    }
}

/// `BGP neighbor is 10.64.0.2, remote AS 64514, …`, `BGP neighbor on swp1: fe80::1, remote AS 64513, …`
fn neighbour(line: &str) -> Option<(Option<IpAddr>, Option<u64>)> {
    let rest = line.strip_prefix("BGP neighbor is ").or_else(|| line.strip_prefix("BGP neighbor on "))?;
    let (who, rest) = rest.split_once(", ")?;
    let remote = rest.split(", ").find_map(|it| it.strip_prefix("remote AS "));
    let who = who.rsplit(' ').next().unwrap_or(who);
    remote.map(|it| (who.parse().ok(), it.parse().ok()))
}

/// `10.64.0.1       4      64513      1234 … 01:02:03            7       12 tor1`; a long name stands in the line above
fn session(line: &str) -> Option<Session<'_>> {
    let cells: Vec<&str> = words(line).take(14).collect();
    let named = usize::from(cells.len() > 1 && !(is_number(cells[0]) && is_number(cells[1])));
    let at = |place: usize| cells.get(named + place).copied();
    if at(0)? != "4" || !(1..=6).all(|it| at(it).is_some_and(is_number)) {
        return None;
    }
    let (since, state) = (at(7)?, at(8)?);
    let admin = at(9).filter(|it| it.starts_with('('));
    let described = at(if admin.is_some() { 11 } else { 10 }).filter(|it| !matches!(*it, "N/A"));
    // `tor1(10.64.0.1)` where the peer told its name
    let name = cells[0];
    let address = name.strip_suffix(')').and_then(|it| it.rsplit_once('(')).map_or(name, |it| it.1);
    let peer = if named == 1 { address.parse().ok() } else { None };
    Some(Session { peer, remote_as: at(1)?.parse().ok(), state, since: Some(since), more: [admin, described] })
}

/// `eno1            up      default         10.64.0.247/22`
fn interface(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let mut cells = words(line);
    let (dev, state, _vrf) = (cells.next()?, cells.next()?, cells.next()?);
    (!line.starts_with(' ') && matches!(state, "up" | "down")).then(|| (dev, state, cells.next()))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if !sniff.text.lines().take(20).any(|it| opens(it).is_some()) {
        return Certainty::No;
    }
    let mut answer = None;
    let share = sniff.share(200, |line| {
        answer = opens(line).or(answer);
        opens(line).is_some() || answer.is_some_and(|it| belongs(it, line))
    });
    if answer.is_some() && share >= 0.9 { Certainty::Sure } else { Certainty::No }
}

/// A session that is told in many lines.
struct Told<'t> {
    line: Line<'t>,
    peer: Option<IpAddr>,
    remote_as: Option<u64>,
    state: Option<&'t str>,
    since: Option<&'t str>,
    reset: Option<&'t str>,
}

struct Answers<'t> {
    answer: Option<Answer>,
    /// Whether it is told of the default VRF.
    default: bool,
    told: Option<Told<'t>>,
    /// A peer whose line goes on below.
    above: Option<IpAddr>,
    /// The interface that more addresses belong to.
    dev: Option<&'t str>,
    route: Option<(Row, Line<'t>)>,
    peers: bool,
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut reading =
        Answers { answer: None, default: true, told: None, above: None, dev: None, route: None, peers: false };
    let mut state = State::of(input, out);
    state.each(|state, line| reading.line(state, line));
    reading.close(&mut state);
    if reading.peers {
        state.collected(&relation::BGP_PEER);
    }
}

impl<'t> Answers<'t> {
    fn line(&mut self, state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
        if let Some(answer) = opens(line.text) {
            self.close(state);
            self.answer = Some(answer);
            self.open(answer, state, line);
            return true;
        }
        let Some(answer) = self.answer else { return false };
        match answer {
            Answer::Summary => self.summary(state, line),
            Answer::Neighbours => self.neighbour(line.text),
            Answer::Interfaces => self.interface(state, line),
            Answer::Route => self.route(line.text),
            Answer::Sums | Answer::Groups | Answer::Version => {}
        }
        belongs(answer, line.text)
    }

    fn open(&mut self, answer: Answer, state: &mut State<'_, 't, '_>, line: &Line<'t>) {
        let text = line.text.trim_end();
        match answer {
            Answer::Summary => {
                if let Some((_, vrf)) = text.split_once("(VRF ") {
                    self.default = vrf.trim_end_matches([')', ':']) == "default";
                }
            }
            Answer::Neighbours => {
                let (peer, remote_as) = neighbour(text).unwrap_or_default();
                self.told = Some(Told { line: *line, peer, remote_as, state: None, since: None, reset: None });
            }
            Answer::Route => {
                let dst = text.strip_prefix("Routing entry for ").and_then(|it| it.parse::<IpNet>().ok());
                let row = Row::new(&relation::RIB_ROUTE).with("dst", dst).with("type", "unicast").with("daemon", "frr");
                self.route = Some((row, *line));
            }
            Answer::Version => {
                let version = words(text).nth(1);
                state.push(Row::new(&relation::ROUTING_DAEMON).with("name", "frr").with("version", version), line);
            }
            Answer::Interfaces | Answer::Sums | Answer::Groups => {}
        }
    }

    fn summary(&mut self, state: &mut State<'_, 't, '_>, line: &Line<'t>) {
        if let Ok(peer) = line.text.trim().parse() {
            self.above = Some(peer);
        } else if let Some(mut session) = session(line.text) {
            session.peer = session.peer.or(self.above.take());
            if self.default {
                self.peers = true;
                state.push(session.row(), line);
            }
        }
    }

    fn neighbour(&mut self, text: &'t str) {
        let Some(told) = &mut self.told else { return };
        let bare = text.trim();
        if let Some(rest) = bare.strip_prefix("BGP state = ") {
            let (word, since) = rest.split_once(", up for ").map_or((rest, None), |(word, since)| (word, Some(since)));
            told.state = Some(word.trim());
            told.since = since;
        } else if let Some(rest) = bare.strip_prefix("Last reset ") {
            let reason = rest.split_once(',').map_or(rest, |it| it.1).trim();
            told.reset = Some(reason.strip_prefix("due to ").unwrap_or(reason)).filter(|it| *it != "never");
        }
    }

    fn interface(&mut self, state: &mut State<'_, 't, '_>, line: &Line<'t>) {
        let address = if let Some((dev, shown, address)) = interface(line.text) {
            self.dev = Some(dev);
            state.push(Row::new(&relation::LINK).with("dev", dev).with("state", shown.to_ascii_uppercase()), line);
            address
        } else {
            line.text.trim().strip_prefix("+ ")
        };
        if let (Some(address), Some(dev)) = (address, self.dev)
            && let Some(row) = address_row(address, dev)
        {
            state.push(row, line);
        }
    }

    fn route(&mut self, text: &'t str) {
        let Some((row, _)) = &mut self.route else { return };
        let bare = text.trim();
        let old = std::mem::replace(row, Row::new(&relation::RIB_ROUTE));
        *row = if let Some(known) = bare.strip_prefix("Known via \"") {
            let best = known.split(", ").any(|it| it == "best");
            old.with("protocol", known.split('"').next()).with("selected", best)
        } else if let Some(hop) = bare.strip_prefix("* ").or_else(|| bare.strip_prefix("directly").map(|_| bare)) {
            hop_of(old, hop)
        } else {
            old
        };
    }

    /// Hands out what is told in many lines.
    fn close(&mut self, state: &mut State<'_, 't, '_>) {
        if let Some(told) = self.told.take()
            && let Some(shown) = told.state
        {
            let Told { line, peer, remote_as, since, reset, .. } = told;
            self.peers = true;
            state.push(Session { peer, remote_as, state: shown, since, more: [reset, None] }.row(), &line);
        }
        if let Some((row, line)) = self.route.take() {
            state.push(row, &line);
        }
        self.above = None;
        self.dev = None;
    }
}

/// `192.168.10.1, via eth0, weight 1`, `directly connected, eth0`, `unreachable (blackhole)`: the first next hop counts
fn hop_of(row: Row, hop: &str) -> Row {
    if row.get("via").is_some() || row.get("dev").is_some() {
        return row;
    }
    let parts: Vec<&str> = hop.split(", ").collect();
    let first = parts.first().copied().unwrap_or_default();
    if let Some(how) = first.strip_prefix("unreachable") {
        let kind = match how.trim() {
            "(blackhole)" => "blackhole",
            "(ICMP admin-prohibited)" => "prohibit",
            _ => "unreachable",
        };
        return row.with("type", kind).with("installed", true);
    }
    let dev = parts.iter().find_map(|it| it.strip_prefix("via ")).or_else(|| {
        first.starts_with("directly connected").then(|| parts.get(1).copied()).flatten()
    });
    row.with("via", first.parse::<IpAddr>().ok()).with("dev", dev).with("installed", true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sample, shown, sniff_certainty};

    fn rows<const N: usize>(text: &str, relation: &str, columns: [&str; N]) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        shown(&out, relation, columns).into_iter().map(|it| it.replace("unknown", "-")).collect()
    }

    const PEER: [&str; 5] = ["peer", "kind", "state", "since", "info"];
    const ROUTE: [&str; 7] = ["dst", "type", "via", "dev", "protocol", "selected", "installed"];

    #[test]
    fn sessions_in_a_table_and_in_full() {
        assert_eq!(
            rows(FORMAT.samples[0], "bgp.peer", PEER),
            ["10.64.0.1 AS 64513 up 01:02:03 Established tor1", "10.64.0.2 AS 64514 start never Idle (Admin)"]
        );
        assert_eq!(
            rows(FORMAT.samples[1], "bgp.peer", PEER),
            ["10.64.0.2 AS 64514 start - Active Notification received (Hold Timer Expired)"]
        );
        let old = "BGP router identifier 10.0.0.1, local AS number 48920\nRIB entries 528319, using 32 MiB of memory\nPeers 2, using 10064 bytes of memory\n\nNeighbor        V    AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd\n2001:db8:0:4:5:6:7:8\n                4 35189   75814     977        0    0    0 2d08h26m   284407\ntor2(10.0.0.9)  4 48920       0       0        0    0    0 never    Connect\n\nTotal number of neighbors 2\n";
        assert_eq!(
            rows(old, "bgp.peer", PEER),
            ["2001:db8:0:4:5:6:7:8 AS 35189 up 2d08h26m Established", "10.0.0.9 AS 48920 start never Connect"]
        );
        let up = "BGP neighbor on swp1: fe80::1, remote AS 64513, local AS 64512, external link\nHostname: tor1\n  BGP state = Established, up for 01:02:03\n  Last reset never\n";
        assert_eq!(rows(up, "bgp.peer", PEER), ["fe80::1 AS 64513 up 01:02:03 Established"]);
    }

    #[test]
    fn another_vrf_says_nothing_of_the_node() {
        let text = FORMAT.samples[0].replace("VRF default", "VRF red");
        assert!(rows(&text, "bgp.peer", PEER).is_empty());
    }

    #[test]
    fn interfaces_routes_and_the_version() {
        assert_eq!(rows(FORMAT.samples[2], "link", ["dev", "state"]), ["eno1 UP", "eno2 DOWN"]);
        let addresses = rows(FORMAT.samples[2], "address", ["address", "prefix", "dev"]);
        assert_eq!(addresses, ["10.64.0.247 10.64.0.0/22 eno1", "fd00:10::5 fd00:10::/64 eno1"]);
        assert_eq!(rows(FORMAT.samples[3], "rib.route", ROUTE), ["10.54.0.0/16 unicast 192.168.10.1 eth0 static true true"]);
        let more = "Routing entry for 10.51.0.0/16\n  Known via \"static\", distance 1, metric 0, best\n  * unreachable (blackhole), weight 1\n\nRouting entry for 10.0.0.0/24\n  Known via \"connected\", distance 0, metric 0, best\n  * directly connected, eth0\n";
        assert_eq!(
            rows(more, "rib.route", ROUTE),
            ["10.51.0.0/16 blackhole - - static true true", "10.0.0.0/24 unicast - eth0 connected true true"]
        );
        assert_eq!(rows(FORMAT.samples[4], "routing.daemon", ["name", "version"]), ["frr 8.4.4"]);
    }

    #[test]
    fn prose_is_not_claimed() {
        for text in ["BGP neighbor is down\n", "Interface Status\neth0 up default\n", "Routing entry for the old net\n", "ID: 7\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_answers() {
        for (name, relation, count) in [
            ("show_interface_brief.txt", "link", 10),
            ("show_interface_brief.txt", "address", 7),
            ("show_ip_route_10.54.0.0_16.txt", "rib.route", 1),
            ("show_ip_route_summary.txt", "rib.route", 0),
            ("show_nexthop-group_rib.txt", "nexthop", 0),
            ("show_version.txt", "routing.daemon", 1),
        ] {
            let Some(text) = sample(&format!("network/frr/{name}")) else { return };
            assert_eq!(rows(&text, relation, ["node"]).len(), count, "{name}");
        }
    }
}
