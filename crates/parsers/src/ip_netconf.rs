//! `ip netconf`: how interfaces forward and what they check of a source address.
//!
//! ```text
//! inet eth0 forwarding on rp_filter strict mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off
//! inet6 all forwarding off mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off
//! ```
//!
//! The kernel answers with the settings `sysctl` shows under `net.ipv4.conf`, so the rows are of that relation: `off`, `on`,
//! `strict` and `loose` are 0, 1, 1 and 2. Kept are `forwarding` and `rp_filter`. Skipped: multicast, proxying, link down;
//! the address families of MPLS and bridges. Units: none. Time: none.
//!
//! Source: iproute2's `ip/ipnetconf.c`, `inet_netconf_fill_devconf` of Linux.

use timeline::{MemberRecords, Row, relation};

use crate::host_lines::host_lines;
use crate::state::words;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-netconf",
    produced_by: "ip netconf",
    samples: &[
        "inet eth0 forwarding on rp_filter strict mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off \ninet6 all forwarding off mc_forwarding off proxy_neigh off ignore_routes_with_linkdown off \n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a line says of an interface, in pairs.
struct Settings<'t> {
    v6: bool,
    dev: &'t str,
    pairs: Vec<(&'t str, &'t str)>,
}

/// `inet eth0 forwarding on …`, of older versions `ipv4 dev eth0 forwarding on …`
fn settings(line: &str) -> Option<Settings<'_>> {
    let mut cells = words(line);
    let v6 = match cells.next()? {
        "inet" | "ipv4" => false,
        "inet6" | "ipv6" => true,
        _ => return None,
    };
    let first = cells.next()?;
    let dev = if first == "dev" { cells.next()? } else { first };
    let rest: Vec<&str> = cells.take(40).collect();
    let pairs: Vec<(&str, &str)> = rest.chunks_exact(2).map(|it| (it[0], it[1])).collect();
    let known = |(key, value): &(&str, &str)| {
        let keys = ["forwarding", "rp_filter", "mc_forwarding", "proxy_neigh", "ignore_routes_with_linkdown", "input", "bc_forwarding"];
        keys.contains(key) && number(value).is_some()
    };
    (!pairs.is_empty() && rest.len().is_multiple_of(2) && pairs.iter().all(known)).then_some(Settings { v6, dev, pairs })
}

fn number(word: &str) -> Option<i64> {
    match word {
        "off" => Some(0),
        "on" | "strict" => Some(1),
        "loose" => Some(2),
        _ => None,
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let share = sniff.share(200, |it| settings(it).is_some());
    match share {
        it if it >= 0.9 => Certainty::Sure,
        it if it >= 0.6 => Certainty::Likely,
        _ => Certainty::No,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    for of in host_lines(input) {
        out.tally.lines += 1;
        let Some(found) = settings(of.line.text) else {
            if of.prompt {
                out.tally.understood += 1;
            } else {
                out.tally.odd_bytes += of.line.text.len() as u64;
            }
            continue;
        };
        out.tally.understood += 1;
        let family = if found.v6 { "ipv6" } else { "ipv4" };
        // a dot in the name of an interface is a slash in that of a setting
        let dev = found.dev.replace('.', "/");
        for (key, value) in found.pairs.iter().filter(|(key, _)| matches!(*key, "forwarding" | "rp_filter")) {
            let row = Row::new(&relation::SYSCTL)
                .with("key", format!("net.{family}.conf.{dev}.{key}"))
                .with("value", number(value));
            of.push(input, row, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sample, shown, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        assert!(out.collected.is_empty(), "two settings are not all");
        shown(&out, "sysctl", ["key", "value"])
    }

    #[test]
    fn settings_of_new_and_old_versions() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["net.ipv4.conf.eth0.forwarding 1", "net.ipv4.conf.eth0.rp_filter 1", "net.ipv6.conf.all.forwarding 0"]
        );
        assert_eq!(
            rows("ipv4 dev vxlan.calico forwarding on rp_filter loose mc_forwarding off\n"),
            ["net.ipv4.conf.vxlan/calico.forwarding 1", "net.ipv4.conf.vxlan/calico.rp_filter 2"]
        );
        for text in ["inet 10.0.0.1/8 scope host lo\n", "inet eth0 forwarding\n", "inet is on\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_output() {
        let Some(text) = sample("network/netstate/ip_netconf.txt") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure);
        let rows = rows(&text);
        assert!(rows.contains(&"net.ipv4.conf.default.rp_filter 0".to_owned()), "{rows:?}");
        assert!(rows.contains(&"net.ipv6.conf.all.forwarding 0".to_owned()));
    }
}
