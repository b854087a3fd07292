//! `hostname -I`, `hostname -i`: the addresses of a machine, and nothing else.
//!
//! ```text
//! 10.230.230.220 172.17.0.1 fd00:52:0:4996:546f:cbff:fe47:7
//! ```
//!
//! One row an address, without a device. `-I` leaves out loopback and link-local ones. One address alone is known only by
//! the name of its file. Units: none. Time: none.
//!
//! Source: `man 1 hostname`.

use std::net::IpAddr;

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "host-addresses",
    produced_by: "hostname -I, hostname -i",
    samples: &["10.230.230.220 172.17.0.1 fd00:52:0:4996:546f:cbff:fe47:7 \n"],
    recognizes,
    reading: Reading::Whole(parse),
};

fn addresses(line: &str) -> Option<Vec<IpAddr>> {
    words(line).map(|it| it.parse().ok()).collect()
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let (Some(line), None) = (lines.next(), lines.next()) else { return Certainty::No };
    match addresses(line).map_or(0, |it| it.len()) {
        0 => Certainty::No,
        1 if !sniff.file_name().contains("hostname") => Certainty::No,
        _ => Certainty::Sure,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let Some(all) = addresses(line.text) else { return false };
        for address in all {
            state.push(Row::new(&relation::ADDRESS).with("address", address), line);
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample, sniff_certainty};

    #[test]
    fn all_addresses_of_a_machine() {
        assert_eq!(sniff_certainty(&FORMAT, "x", FORMAT.samples[0]), Certainty::Sure);
        let rows = |text: &str| rows_of(&FORMAT, "x", text, "address", ["address", "dev"]);
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["10.230.230.220 unknown", "172.17.0.1 unknown", "fd00:52:0:4996:546f:cbff:fe47:7 unknown"]
        );
        assert_eq!(sniff_certainty(&FORMAT, "hostname_-I", "10.0.0.1\n"), Certainty::Sure);
        for text in ["10.0.0.1\n", "10.0.0.1 node-a\n", "10.0.0.1 10.0.0.2\n10.0.0.3 10.0.0.4\n", "\n", "1 2 3\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
        let Some(text) = sample("network/insights-core/test_ip.HOSTNAME_I.txt") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure);
    }
}
