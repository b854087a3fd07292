//! `ip monitor`: what changed in the network of a node while somebody watched.
//!
//! ```text
//! Timestamp: Thu Jun 28 11:37:36 2018 770451 us
//! [nsid current]10.10.78.0/26 via 192.168.2.1 dev enp6s0  proto bird
//! [nsid current]Deleted blackhole 10.10.213.64/26  proto bird
//! [2026-11-21T00:00:00.123456] [LINK]3: eth1: <NO-CARRIER,BROADCAST,UP> mtu 1500 state DOWN group default
//! [NEIGH]10.64.0.1 dev eno1 lladdr 3c:61:04:00:00:01 REACHABLE
//! ```
//!
//! One row a change. A listing of routes without a stamp, a label or `Deleted` is a table and none of this format. Skipped:
//! further lines of a link or a route, multicast, netconf, statistics. Units: none. Time: the node's wall clock without a
//! zone, where `-t` or `-ts` was asked for; a `Timestamp:` line dates the changes below it.
//!
//! Source: iproute2's `ip/ipmonitor.c`, `lib/utils.c` (`print_timestamp`).

use std::net::IpAddr;

use chrono::{NaiveDateTime, TimeDelta};
use ipnet::IpNet;
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::ip_route::{destination, kind};
use crate::state::{State, is_number, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-monitor",
    produced_by: "ip monitor, ip -t monitor route, ip -ts monitor all label",
    samples: &[
        "Timestamp: Thu Jun 28 11:37:36 2018 770451 us\n[nsid current]10.10.78.0/26 via 192.168.2.1 dev enp6s0  proto bird \nTimestamp: Thu Jun 28 11:37:37 2018 772105 us\n[nsid current]Deleted blackhole 10.10.213.64/26  proto bird \n",
        "[2026-11-21T00:00:00.123456] [LINK]3: eth1: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc mq state DOWN group default \n    link/ether fa:c6:82:95:38:bd brd ff:ff:ff:ff:ff:ff\n[2026-11-21T00:00:00.223456] [NEIGH]Deleted 10.64.0.1 dev eno1 lladdr 3c:61:04:00:00:01 STALE\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a line speaks about, where it says so.
const LABELS: [&str; 12] =
    ["ROUTE", "LINK", "ADDR", "NEIGH", "RULE", "NETCONF", "NEXTHOP", "NEXTHOPBUCKET", "MROUTE", "PREFIX", "NSID", "STATS"];

/// A line without what stands in front of the change.
struct Head<'t> {
    stamp: Option<Stamp>,
    label: Option<&'t str>,
    deleted: bool,
    rest: &'t str,
}

impl Head<'_> {
    /// Whether only `ip monitor` prints it so.
    fn is_telling(&self) -> bool {
        self.stamp.is_some() || self.label.is_some() || self.deleted
    }
}

fn head(line: &str) -> Head<'_> {
    let mut rest = line;
    let (mut stamp, mut label) = (None, None);
    while let Some((inside, after)) = rest.strip_prefix('[').and_then(|it| it.split_once(']')) {
        if let Ok(local) = NaiveDateTime::parse_from_str(inside, "%Y-%m-%dT%H:%M:%S%.f") {
            stamp = Some(zoneless(local));
        } else if LABELS.contains(&inside) || inside.starts_with("nsid ") {
            label = Some(inside);
        } else {
            break;
        }
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    let (deleted, rest) = match rest.strip_prefix("Deleted ") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    Head { stamp, label, deleted, rest }
}

fn zoneless(local: NaiveDateTime) -> Stamp {
    Stamp::Zoneless { local, resolution: TimeDelta::microseconds(1), abbreviation: None }
}

/// `Timestamp: Thu Jun 28 11:37:36 2018 770451 us`
fn timestamp(line: &str) -> Option<Stamp> {
    let rest = line.trim_end().strip_prefix("Timestamp: ")?.strip_suffix(" us")?;
    let (date, micros) = rest.rsplit_once(' ')?;
    let micros: i64 = micros.parse().ok().filter(|it| (0..1_000_000).contains(it))?;
    let local = NaiveDateTime::parse_from_str(date, "%a %b %e %H:%M:%S %Y").ok()?;
    Some(zoneless(local.checked_add_signed(TimeDelta::microseconds(micros))?))
}

/// What changed.
#[derive(Default)]
struct Change<'t> {
    kind: &'static str,
    what: Option<String>,
    of_type: Option<&'t str>,
    via: Option<IpAddr>,
    dev: Option<&'t str>,
    state: Option<&'t str>,
}

fn change<'t>(label: Option<&str>, text: &'t str) -> Option<Change<'t>> {
    let cells: Vec<&str> = words(text).take(60).collect();
    let after = |word: &str| cells.iter().position(|it| *it == word).and_then(|at| cells.get(at + 1).copied());
    let first = *cells.first()?;
    if let Some(index) = first.strip_suffix(':').filter(|it| is_number(it)) {
        return link_or_address(index, &cells, after("state"));
    }
    if first.ends_with(':') || label == Some("RULE") {
        return None;
    }
    if first == "id" {
        let what = cells.get(1).map(|it| (*it).to_owned());
        let via = after("via").and_then(|it| it.parse().ok());
        return Some(Change { kind: "nexthop", what, via, dev: after("dev"), ..Change::default() });
    }
    let neighbour = ["REACHABLE", "STALE", "FAILED", "INCOMPLETE", "DELAY", "PROBE", "PERMANENT", "NOARP", "NONE"];
    let state = cells.iter().rev().copied().find(|it| neighbour.contains(it));
    if let Ok(ip) = first.parse::<IpAddr>()
        && (state.is_some() || cells.contains(&"lladdr") || label == Some("NEIGH"))
    {
        let what = Some(ip.to_string());
        return Some(Change { kind: "neighbour", what, dev: after("dev"), state, ..Change::default() });
    }
    route(&cells, &after)
}

fn link_or_address<'t>(index: &str, cells: &[&'t str], state: Option<&'t str>) -> Option<Change<'t>> {
    let name = *cells.get(1)?;
    // `2: eth0    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0`
    if let (Some(&"inet" | &"inet6"), Some(address)) = (cells.get(2), cells.get(3)) {
        let net: IpNet = address.parse().ok()?;
        return Some(Change { kind: "address", what: Some(net.to_string()), dev: Some(name), ..Change::default() });
    }
    let name = name.strip_suffix(':').unwrap_or(name);
    let dev = name.split('@').next().unwrap_or(name);
    cells.get(2).filter(|it| it.starts_with('<'))?;
    let what = if dev.is_empty() { index.to_owned() } else { dev.to_owned() };
    Some(Change { kind: "link", what: Some(what), dev: Some(dev), state, ..Change::default() })
}

fn route<'t>(cells: &[&'t str], after: &impl Fn(&str) -> Option<&'t str>) -> Option<Change<'t>> {
    let first = *cells.first()?;
    let (of_type, dst) = match kind(first) {
        Some(of_type) => (of_type, *cells.get(1)?),
        None => ("unicast", first),
    };
    let what = match destination(dst)? {
        Some(net) => net.to_string(),
        None => "default".to_owned(),
    };
    let rejects = matches!(of_type, "blackhole" | "unreachable" | "prohibit" | "throw");
    let leads = ["dev", "via", "nhid", "nexthop"].iter().any(|it| cells.contains(it));
    // several next hops stand in the lines below
    if !rejects && !leads && !cells.contains(&"proto") {
        return None;
    }
    let via = after("via").and_then(|it| it.parse().ok());
    Some(Change { kind: "route", what: Some(what), of_type: Some(of_type), via, dev: after("dev"), state: None })
}

/// A rule of `ip rule`, as a change: `32765: from all fwmark 0x1 lookup 100`
fn rule(text: &str) -> Option<Change<'_>> {
    let (priority, rest) = text.split_once(':')?;
    let is_rule = is_number(priority) && (rest.trim_start().starts_with("from ") || rest.trim_start().starts_with("not from "));
    is_rule.then(|| Change { kind: "rule", what: Some(text.trim().to_owned()), ..Change::default() })
}

/// Lines that are known and say nothing here: what belongs to the change above, and what is of no interest.
fn is_known(line: &str, head: &Head<'_>) -> bool {
    line.starts_with([' ', '\t'])
        || head.label.is_some_and(|it| !matches!(it, "ROUTE" | "LINK" | "ADDR" | "NEIGH" | "RULE" | "NEXTHOP"))
            && !head.label.is_some_and(|it| it.starts_with("nsid "))
        || head.rest.starts_with("inet ") && head.rest.contains(" forwarding ")
        || head.rest.starts_with("inet6 ") && head.rest.contains(" forwarding ")
        || head.rest.starts_with("nsid ")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    // most files have none of these: a search is cheaper than to take their lines apart
    let marks = ["Timestamp: ", "[nsid ", "Deleted ", "[ROUTE]", "[LINK]", "[ADDR]", "[NEIGH]"];
    let stamped = sniff.text.starts_with("[2") && sniff.text.contains(" dev ");
    if !stamped && !marks.iter().any(|it| sniff.text.contains(it)) {
        return Certainty::No;
    }
    let mut telling = 0;
    let share = sniff.share(200, |line| {
        let head = head(line);
        let dated = timestamp(line).is_some();
        let read = rule(head.rest).is_some() || change(head.label, head.rest).is_some();
        telling += u32::from(dated || head.is_telling() && (read || is_known(line, &head)));
        dated || read || is_known(line, &head)
    });
    // a shell's prompt or a comment may stand above
    if telling > 0 && share >= 0.8 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut dated: Option<Stamp> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(stamp) = timestamp(line.text) {
            dated = Some(stamp);
            return true;
        }
        let head = head(line.text);
        let indented = line.text.starts_with([' ', '\t']);
        let found = if indented { None } else { rule(head.rest).or_else(|| change(head.label, head.rest)) };
        let Some(found) = found else { return is_known(line.text, &head) };
        let row = Row::new(&relation::NET_CHANGE)
            .with("kind", found.kind)
            .with("action", if head.deleted { "deleted" } else { "added" })
            .with("what", found.what)
            .with("type", found.of_type)
            .with("via", found.via)
            .with("dev", found.dev)
            .with("state", found.state);
        let stamp = head.stamp.or(dated).unwrap_or(Stamp::None);
        state.push_at(row, line, stamp);
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, rows_of, sample, sniff_certainty};
    use timeline::Record;

    fn rows(text: &str) -> Vec<String> {
        rows_of(&FORMAT, "x", text, "net.change", ["kind", "action", "what", "type", "via", "dev", "state"]).into_iter().map(|it| it.replace("unknown", "-")).collect()
    }

    #[test]
    fn changes_of_each_kind() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            [
                "route added 10.10.78.0/26 unicast 192.168.2.1 enp6s0 -",
                "route deleted 10.10.213.64/26 blackhole - - -",
            ]
        );
        assert_eq!(
            rows(FORMAT.samples[1]),
            ["link added eth1 - - eth1 DOWN", "neighbour deleted 10.64.0.1 - - eno1 STALE"]
        );
        let more = concat!(
            "[ADDR]2: eth0    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0\n",
            "       valid_lft forever preferred_lft forever\n",
            "[ADDR]Deleted 2: eth0    inet 10.0.0.1/24 scope global eth0\n",
            "[RULE]Deleted 99:\tfrom all fwmark 0x100 lookup 1\n",
            "[NEXTHOP]id 7 via 10.0.0.9 dev eth0 scope link\n",
            "[NETCONF]inet eth0 forwarding on rp_filter off\n",
            "Deleted default via fe80::1 dev eth0 proto ra metric 100 pref medium\n",
            "local 10.0.0.1 dev eth0 table local proto kernel scope host src 10.0.0.1\n",
        );
        assert_eq!(
            rows(more),
            [
                "address added 10.0.0.1/24 - - eth0 -",
                "address deleted 10.0.0.1/24 - - eth0 -",
                "rule deleted 99:\tfrom all fwmark 0x100 lookup 1 - - - -",
                "nexthop added 7 - 10.0.0.9 eth0 -",
                "route deleted default unicast fe80::1 eth0 -",
                "route added 10.0.0.1/32 local - eth0 -",
            ]
        );
    }

    #[test]
    fn stamps_of_both_forms() {
        let stamps = |text: &str| -> Vec<String> {
            let stamp = |it: &Record| match it {
                Record::Fact(_, Stamp::Zoneless { local, .. }) => local.to_string(),
                _ => "none".to_owned(),
            };
            read_at(&FORMAT, "x", text).records.iter().map(stamp).collect()
        };
        assert_eq!(stamps(FORMAT.samples[0]), ["2018-06-28 11:37:36.770451", "2018-06-28 11:37:37.772105"]);
        assert_eq!(stamps(FORMAT.samples[1]), ["2026-11-21 00:00:00.123456", "2026-11-21 00:00:00.223456"]);
        assert_eq!(stamps("Deleted 10.0.0.0/8 dev eth0\n"), ["none"]);
    }

    #[test]
    fn tables_and_prose_are_not_claimed() {
        for text in [
            "default via 10.64.0.1 dev eno1 onlink\n10.64.75.4 dev cali21fc9e9645e scope link\n",
            "10.64.0.1 dev eno1 lladdr 3c:61:04:00:00:01 REACHABLE\n",
            "Deleted the pod at noon\nand the next one\n",
            "[2026-11-21T00:00:00.123456] started\n[2026-11-21T00:00:01.123456] ended\n",
            "Timestamp: today\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_output() {
        let Some(text) = sample("network/issues/bird-61.ip_monitor.txt") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure);
        let rows = rows(&text);
        assert_eq!(rows.len(), 6, "{rows:?}");
        assert_eq!(rows.iter().filter(|it| it.contains(" deleted ")).count(), 3);
    }
}
