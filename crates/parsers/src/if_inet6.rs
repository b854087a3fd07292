//! `/proc/net/if_inet6`: the IPv6 addresses of a node.
//!
//! ```text
//! fe80000000000000020c29fffea4e315 02 40 20 80    ens33
//! 00000000000000000000000000000001 01 80 10 80       lo
//! ```
//!
//! Address, number of the interface, length of the prefix, scope and flags in hexadecimal, interface. One row an address.
//! Of IPv4 the file says nothing. Skipped: flags. Units: none. Time: none.
//!
//! Source: `if6_seq_show` in net/ipv6/addrconf.c of Linux.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;
use timeline::{MemberRecords, Row, relation};

use crate::state::{State, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "if-inet6",
    produced_by: "cat /proc/net/if_inet6",
    samples: &[
        "fe80000000000000020c29fffea4e315 02 40 20 80    ens33\n00000000000000000000000000000001 01 80 10 80       lo\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

struct Found<'t> {
    address: Ipv6Addr,
    length: u8,
    scope: Option<&'static str>,
    dev: &'t str,
}

fn found(line: &str) -> Option<Found<'_>> {
    let cells: Vec<&str> = words(line).take(7).collect();
    let [address, index, length, scope, flags, dev] = cells[..] else { return None };
    let hexadecimal = |it: &str| it.bytes().all(|it| it.is_ascii_hexdigit());
    if address.len() != 32 || !hexadecimal(address) || ![index, flags].into_iter().all(|it| it.len() >= 2 && hexadecimal(it)) {
        return None;
    }
    let address = Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?);
    let length = u8::from_str_radix(length, 16).ok().filter(|it| *it <= 128)?;
    let scope = match u8::from_str_radix(scope, 16).ok()? & 0xf0 {
        0x00 => Some("global"),
        0x10 => Some("host"),
        0x20 => Some("link"),
        0x40 => Some("site"),
        _ => None,
    };
    Some(Found { address, length, scope, dev })
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.share(100, |it| found(it).is_some()) >= 0.95 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let Some(found) = found(line.text) else { return false };
        let prefix = Ipv6Net::new(found.address, found.length).ok().map(|it| ipnet::IpNet::V6(it.trunc()));
        let row = Row::new(&relation::ADDRESS)
            .with("address", std::net::IpAddr::V6(found.address))
            .with("prefix", prefix)
            .with("dev", found.dev)
            .with("scope", found.scope);
        state.push(row, line);
        true
    });
    state.collected_but(&relation::ADDRESS, Some("only addresses of IPv6".to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sample, shown, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood);
        assert!(out.collected[0].incomplete.is_some());
        shown(&out, "address", ["address", "prefix", "dev", "scope"])
    }

    #[test]
    fn addresses() {
        assert_eq!(rows(FORMAT.samples[0]), ["fe80::20c:29ff:fea4:e315 fe80::/64 ens33 link", "::1 ::1/128 lo host"]);
        for text in ["00000000000000000000000000000001\n", "a b c d e f\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_files() {
        for (name, count) in [("netstate/proc_net_if_inet6.txt", 11), ("jc/linux-proc__net_if_inet6", 2)] {
            let Some(text) = sample(&format!("network/{name}")) else { return };
            assert_eq!(rows(&text).len(), count, "{name}");
        }
    }
}
