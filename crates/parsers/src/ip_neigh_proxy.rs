//! `ip neigh show proxy`: the addresses a node answers for although they are others'.
//!
//! ```text
//! 192.168.10.99 dev eth0 proxy
//! fe80::1 dev eth0 router proxy
//! ```
//!
//! One row an address. They are no neighbours: nothing is known of who has them. Units: none. Time: none.
//!
//! Source: `print_neigh` in iproute2's `ip/ipneigh.c`.

use std::net::IpAddr;

use timeline::{MemberRecords, Row, relation};

use crate::host_lines::{Said, table};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-neigh-proxy",
    produced_by: "ip neigh show proxy",
    samples: &["192.168.10.99 dev eth0 proxy \nfe80::1 dev eth0 router proxy \n"],
    recognizes,
    reading: Reading::Whole(parse),
};

/// `192.168.10.99 dev eth0 proxy`: the address and the device
fn proxy(line: &str) -> Option<(IpAddr, &str)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [ip, "dev", dev, flags @ .., "proxy"] = &words[..] else { return None };
    let ip = ip.parse().ok()?;
    flags.iter().all(|it| matches!(*it, "router" | "managed" | "extern_learn")).then_some((ip, *dev))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.share(100, |it| proxy(it).is_some()) >= 0.9 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    table(input, &relation::NEIGHBOUR_PROXY, None, out, |line| match proxy(line) {
        Some((ip, dev)) => Said::Row(Row::new(&relation::NEIGHBOUR_PROXY).with("ip", ip).with("dev", dev)),
        None => Said::Nothing,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sample, sniff_certainty, sure_rows_of};

    #[test]
    fn addresses_a_node_answers_for() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "neighbour.proxy", ["ip", "dev"]);
        assert_eq!(rows(FORMAT.samples[0]), ["192.168.10.99 eth0", "fe80::1 eth0"]);
        for text in ["10.64.0.1 dev eno1 lladdr 3c:61:04:00:00:01 REACHABLE\n", "10.0.0.0/8 dev eth0 proxy\n", "a dev b proxy\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
        let Some(text) = sample("network/netstate/ip_neigh_show_proxy.txt") else { return };
        assert_eq!(rows(&text), ["192.168.10.99 eth0"]);
    }
}
