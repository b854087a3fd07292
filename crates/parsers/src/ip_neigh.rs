//! The neighbours a node knows: `ip neigh`, `arp -an`, `/proc/net/arp`.
//!
//! ```text
//! 10.64.0.1 dev eno1 lladdr 3c:61:04:00:00:01 REACHABLE
//! ? (10.64.0.1) at 3c:61:04:00:00:01 [ether] on eno1
//! IP address       HW type     Flags       HW address            Mask     Device
//! 10.64.0.1        0x1         0x2         3c:61:04:00:00:01     *        eno1
//! ```
//!
//! One row an entry, and one with their number. Skipped: statistics, proxy entries (`ip-neigh-proxy` reads those). Units: none. Time: none.
//!
//! Source: `print_neigh` in iproute2's `ip/ipneigh.c`; net-tools `arp.c`; `net/ipv4/arp.c`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use timeline::{Fact, MemberRecords, Name, Quote, Record, Row, Stamp, Time, relation};

use crate::host_lines::{Said, table_by_host};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-neigh",
    produced_by: "ip neigh, arp -an, cat /proc/net/arp",
    samples: &[
        "10.64.0.1 dev eno1 lladdr 3c:61:04:00:00:01 REACHABLE\n10.64.0.9 dev eno1  FAILED\n",
        "? (10.64.0.1) at 3c:61:04:00:00:01 [ether] on eno1\n? (10.64.0.9) at <incomplete> on eno1\n",
        "IP address       HW type     Flags       HW address            Mask     Device\n10.64.0.1        0x1         0x2         3c:61:04:00:00:01     *        eno1\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What the kernel thinks of an entry.
const STATES: [&str; 8] = ["PERMANENT", "NOARP", "REACHABLE", "STALE", "NONE", "INCOMPLETE", "DELAY", "PROBE"];

/// What a listing adds up to.
#[derive(Default)]
struct Count {
    entries: i64,
    failed: i64,
    first: Option<Quote>,
    last: Option<Quote>,
}

struct Entry<'t> {
    ip: IpAddr,
    dev: Option<&'t str>,
    lladdr: Option<&'t str>,
    state: Option<&'t str>,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let found = sniff.text.lines().take(300).filter(|it| entry(it).is_some()).count();
    let share = sniff.share(300, |it| entry(it).is_some() || header(it));
    match found {
        0 => Certainty::No,
        _ if share >= 0.9 => Certainty::Sure,
        2.. if share >= 0.6 => Certainty::Likely,
        _ => Certainty::No,
    }
}

fn header(line: &str) -> bool {
    line.starts_with("IP address ") && line.contains("HW address")
        || line.starts_with("Address ") && line.contains("HWaddress")
        || line.starts_with("Entries: ") && line.contains("Skipped: ")
        // a name where an address would be, and the addresses of others that the node answers for
        || line.split_ascii_whitespace().nth(1) == Some("ether") && line.contains(':')
        || line.trim_end().ends_with(" proxy") && line.split_ascii_whitespace().nth(1) == Some("dev")
}

fn entry(line: &str) -> Option<Entry<'_>> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    // `? (10.64.0.1) at 3c:61:… [ether] on eno1`
    if let Some(ip) = line.split_once(" (").and_then(|(_, it)| it.split_once(") at ")).map(|it| it.0) {
        let after: Vec<&str> = line.split_once(") at ")?.1.split_ascii_whitespace().collect();
        let dev = after.iter().position(|it| *it == "on").and_then(|at| after.get(at + 1).copied());
        let lladdr = after.first().copied().filter(|it| it.contains(':'));
        let state = if lladdr.is_some() { None } else { Some("INCOMPLETE") };
        return Some(Entry { ip: ip.parse().ok()?, dev: Some(dev?), lladdr, state });
    }
    let ip: IpAddr = first.parse().ok()?;
    let rest: Vec<&str> = words.collect();
    // `172.17.0.18 FAILED`: old versions print no device of what they could not resolve
    if let [state @ ("FAILED" | "INCOMPLETE")] = rest[..] {
        return Some(Entry { ip, dev: None, lladdr: None, state: Some(state) });
    }
    // `arp -v`: `192.168.71.254           ether   00:50:56:fe:7a:b4   C                     ens33`
    if let [kind @ ("ether" | "infiniband"), lladdr, _, dev] = rest[..] {
        let known = lladdr.contains(':');
        return (known && !kind.is_empty()).then_some(Entry { ip, dev: Some(dev), lladdr: Some(lladdr), state: None });
    }
    if let [dev, "(incomplete)"] | ["(incomplete)", dev] = rest[..] {
        return Some(Entry { ip, dev: Some(dev), lladdr: None, state: Some("INCOMPLETE") });
    }
    if rest.first() == Some(&"dev") {
        let lladdr = rest.iter().position(|it| *it == "lladdr").and_then(|at| rest.get(at + 1).copied());
        let state = rest.iter().rev().copied().find(|it| STATES.contains(it) || *it == "FAILED");
        // a route has no state of a neighbour
        if state.is_none() && lladdr.is_none() {
            return None;
        }
        return Some(Entry { ip, dev: rest.get(1).copied(), lladdr, state });
    }
    // /proc/net/arp
    let [kind, flags, lladdr, _, dev] = rest.as_slice() else { return None };
    if !(kind.starts_with("0x") && flags.starts_with("0x")) {
        return None;
    }
    let known = *flags != "0x0";
    let state = if known { None } else { Some("INCOMPLETE") };
    Some(Entry { ip, dev: Some(dev), lladdr: known.then_some(*lladdr), state })
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut counts: BTreeMap<Option<Name>, Count> = BTreeMap::new();
    table_by_host(input, &relation::NEIGHBOUR, None, out, |of| {
        let Some(it) = entry(of.line.text) else {
            return if header(of.line.text) { Said::Known } else { Said::Nothing };
        };
        if it.ip.is_ipv4() {
            let count = counts.entry(of.node.clone()).or_default();
            count.entries += 1;
            count.failed += i64::from(matches!(it.state, Some("FAILED" | "INCOMPLETE")));
            count.first.get_or_insert_with(|| of.quote(input));
            count.last = Some(of.quote(input));
        }
        let row = Row::new(&relation::NEIGHBOUR)
            .with("ip", it.ip)
            .with("dev", it.dev)
            .with("mac", it.lladdr.map(str::to_ascii_lowercase))
            .with("state", it.state);
        Said::Row(row)
    });
    for (node, count) in counts {
        let row = Row::new(&relation::NEIGHBOUR_COUNT).with("entries", count.entries).with("failed", count.failed);
        let quotes = count.first.into_iter().chain(count.last).collect();
        let fact = Fact { row, node, at: Time::UNKNOWN, quotes };
        out.records.push(Record::Fact(Box::new(fact), Stamp::None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "x", text);
        facts(&out, "neighbour").map(|it| ["ip", "dev", "mac", "state"].map(|column| it.get(column).to_string()).join(" ")).collect()
    }

    #[test]
    fn entries_of_each_form() {
        assert_eq!(rows(FORMAT.samples[0]), ["10.64.0.1 eno1 3c:61:04:00:00:01 REACHABLE", "10.64.0.9 eno1 unknown FAILED"]);
        assert_eq!(rows(FORMAT.samples[1]), ["10.64.0.1 eno1 3c:61:04:00:00:01 unknown", "10.64.0.9 eno1 unknown INCOMPLETE"]);
        assert_eq!(rows(FORMAT.samples[2]), ["10.64.0.1 eno1 3c:61:04:00:00:01 unknown"]);
        for text in ["10.64.75.4 dev cali21fc9e9645e scope link\n", "10.0.0.1 web-0\n", "look at 10.0.0.1 (gateway) at noon\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_output() {
        for name in ["ip_neigh.txt", "ip_-s_neigh.txt", "arp_-an.txt", "proc_net_arp.txt"] {
            let Some(text) = sample(&format!("network/netstate/{name}")) else { return };
            assert!(sniff_certainty(&FORMAT, name, &text) >= Certainty::Likely, "{name}");
            assert!(facts(&read_at(&FORMAT, name, &text), "neighbour").count() > 0, "{name}");
        }
    }
}
