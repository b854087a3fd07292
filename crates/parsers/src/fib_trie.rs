//! `/proc/net/fib_trie`: the IPv4 routes of a node by table and type, without their gateways.
//!
//! ```text
//! Main:
//!   +-- 0.0.0.0/0 3 0 5
//!      |-- 10.8.0.0
//!         /16 universe PROHIBIT
//!      |-- 10.244.12.64
//!         /26 universe BLACKHOLE
//! Local:
//! ```
//!
//! One row a prefix under a leaf. What `ip route` prints says more; this is what is left where `ip` is not installed. Where
//! main and local are one table (before any rule was added), local routes carry the type that tells them apart. A route by a
//! next-hop object that drops is UNICAST here; `ip route` knows better, so a row without a next hop yields to one that has
//! one or rejects. Skipped: inner nodes of the trie, broadcast and multicast. Units: none. Time: none.
//!
//! Source: `fib_trie_seq_show` in net/ipv4/fib_trie.c of Linux.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use timeline::{MemberRecords, Row, relation};

use crate::state::{State, first_line, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "fib-trie",
    produced_by: "cat /proc/net/fib_trie",
    samples: &[concat!(
        "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 10.244.12.64\n        /26 universe BLACKHOLE\n",
        "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.244.12.64\n        /32 host LOCAL\n     |-- 10.244.12.127\n        /32 link BROADCAST\n",
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let begins = first_line(sniff.text).is_some_and(|it| table(it).is_some());
    let share = sniff.share(100, |it| table(it).is_some() || inner(it) || leaf(it).is_some() || route(it).is_some());
    if begins && share >= 0.95 && sniff.text.contains("-- ") { Certainty::Sure } else { Certainty::No }
}

/// `Main:`, `Local:`, `Id 100:`
fn table(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_suffix(':')?;
    match name {
        "Main" => Some("main"),
        "Local" => Some("local"),
        _ => name.strip_prefix("Id ").filter(|it| it.bytes().all(|it| it.is_ascii_digit())).map(|it| match it {
            "253" => "default",
            other => other,
        }),
    }
}

/// `  +-- 10.0.0.0/9 2 1 2`
fn inner(line: &str) -> bool {
    line.trim_start().strip_prefix("+-- ").is_some_and(|it| words(it).next().is_some_and(|it| it.parse::<Ipv4Net>().is_ok()))
}

/// `  |-- 10.244.12.64`
fn leaf(line: &str) -> Option<Ipv4Addr> {
    line.trim_start().strip_prefix("|-- ")?.trim_end().parse().ok()
}

/// `/26 universe BLACKHOLE`, `/16 universe UNICAST tos=16`
fn route(line: &str) -> Option<(u8, &str, String)> {
    let mut words = words(line);
    let bits = words.next()?.strip_prefix('/')?.parse::<u8>().ok().filter(|it| *it <= 32)?;
    let (scope, kind) = (words.next()?, words.next()?);
    kind.bytes().all(|it| it.is_ascii_uppercase()).then(|| (bits, scope, kind.to_ascii_lowercase()))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut of_table = "main";
    let mut at: Option<Ipv4Addr> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(name) = table(line.text) {
            (of_table, at) = (name, None);
            return true;
        }
        if let Some(address) = leaf(line.text) {
            at = Some(address);
            return true;
        }
        let Some((bits, scope, kind)) = route(line.text) else { return inner(line.text) };
        let Some(dst) = at.and_then(|it| Ipv4Net::new(it, bits).ok()) else { return false };
        if matches!(kind.as_str(), "broadcast" | "multicast" | "anycast") {
            return true;
        }
        let scope = match scope {
            "universe" => "global",
            other => other,
        };
        // one trie for both tables
        let of_table = if kind == "local" { "local" } else { of_table };
        let row = Row::new(&relation::ROUTE)
            .with("dst", ipnet::IpNet::V4(dst))
            .with("type", kind)
            .with("scope", scope)
            .with("table", of_table)
            .with("family", "inet");
        state.push(row, line);
        true
    });
    state.collected(&relation::ROUTE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn rows(format: &Format, path: &str, text: &str) -> Vec<String> {
        let out = read_at(format, path, text);
        assert_eq!(out.tally.lines, out.tally.understood, "{path}");
        let kept = facts(&out, "route").filter(|it| !matches!(it.get("type").to_string().as_str(), "broadcast" | "multicast"));
        let mut rows: Vec<String> = kept.map(|it| ["table", "dst", "type"].map(|column| it.get(column).to_string()).join(" ")).collect();
        rows.sort();
        rows.dedup();
        rows
    }

    #[test]
    fn routes_by_table() {
        assert_eq!(
            rows(&FORMAT, "x", FORMAT.samples[0]),
            ["local 10.244.12.64/32 local", "main 0.0.0.0/0 unicast", "main 10.244.12.64/26 blackhole"]
        );
        for text in ["Main:\n  dish\n", "Id 7:\n", "Main:\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    /// The trie and `ip route` tell of one state of the kernel.
    #[test]
    fn the_trie_holds_the_routes_that_ip_prints() {
        let (Some(trie), Some(text)) = (
            sample("network/netstate/proc_net_fib_trie.txt"),
            sample("network/iproute2/6.1.0-debian/route_table_all.txt"),
        ) else {
            return;
        };
        let trie = rows(&FORMAT, "proc_net_fib_trie.txt", &trie);
        let text = rows(&crate::ip_route::FORMAT, "ip_route_show_table_all.txt", &text);
        let text: Vec<&String> = text.iter().filter(|it| !it.split(' ').nth(1).is_some_and(|it| it.contains(':'))).collect();
        let missing: Vec<_> = text.iter().filter(|it| !trie.contains(it)).collect();
        // by the next-hop object 13, which drops
        assert_eq!(missing, [&&"main 10.42.0.0/16 blackhole".to_owned()]);
        assert_eq!(trie.len(), text.len());
    }
}
