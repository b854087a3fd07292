//! `/proc/net/bonding/bond0`: the cards behind a bond, which of them work, and how often each was lost.
//!
//! ```text
//! Ethernet Channel Bonding Driver: v5.4.0-150-generic
//! Bonding Mode: IEEE 802.3ad Dynamic link aggregation
//! MII Status: up
//! Slave Interface: eno1
//! MII Status: down
//! Link Failure Count: 3
//! ```
//!
//! One row a card, with its bond as master, and one for the bond. Skipped: what 802.3ad negotiated, ARP targets. Units:
//! failures since the bond was made. Time: none.
//!
//! Source: drivers/net/bonding/bond_procfs.c of Linux.

use timeline::{MemberRecords, Row, relation};

use crate::state::State;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "bonding",
    produced_by: "cat /proc/net/bonding/bond0",
    samples: &[concat!(
        "Ethernet Channel Bonding Driver: v5.4.0-150-generic\n\n",
        "Bonding Mode: fault-tolerance (active-backup)\nPrimary Slave: None\nCurrently Active Slave: eno2\nMII Status: up\nMII Polling Interval (ms): 100\n\n",
        "Slave Interface: eno1\nMII Status: down\nSpeed: Unknown\nDuplex: Unknown\nLink Failure Count: 3\nPermanent HW addr: 2c:44:fd:80:5c:f8\n\n",
        "Slave Interface: eno2\nMII Status: up\nSpeed: 10000 Mbps\nDuplex: full\nLink Failure Count: 0\nPermanent HW addr: 2c:44:fd:80:5c:f9\n",
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let first = sniff.text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
    if first.starts_with("Ethernet Channel Bonding Driver: ") && sniff.text.contains("Bonding Mode: ") {
        Certainty::Sure
    } else {
        Certainty::No
    }
}

/// A bond or a card of it, as far as it was read.
struct Part<'t> {
    line: Line<'t>,
    dev: &'t str,
    state: Option<&'t str>,
    mac: Option<&'t str>,
    kind: &'t str,
    failures: Option<i64>,
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let name = input.origin.path.rsplit('/').next().unwrap_or_default();
    let bond = name.strip_suffix(".txt").unwrap_or(name).rsplit(['.', '_']).next().unwrap_or_default();
    let mut open: Option<Part<'_>> = None;
    let mut mode = "";
    let mut state = State::of(input, out);
    let push = |state: &mut State<'_, '_, '_>, part: Part<'_>, master: Option<&str>| {
        let row = Row::new(&relation::LINK)
            .with("dev", part.dev)
            .with("state", part.state)
            .with("mac", part.mac)
            .with("master", master)
            .with("kind", part.kind)
            .with("carrier", part.state.map(|it| it == "up"))
            .with("carrier_changes", part.failures);
        let fact = timeline::Fact::new(row, state.input.origin.node.clone(), state.input.origin.quote(&part.line));
        state.fact(fact, timeline::Stamp::None);
    };
    state.each(|state, line| {
        let Some((key, value)) = line.text.split_once(':') else {
            return line.text.starts_with("802.3ad info") || line.text.starts_with("details ") || line.text.starts_with([' ', '\t']);
        };
        let value = value.trim();
        match key.trim() {
            "Bonding Mode" => {
                mode = value;
                open = Some(Part { line: *line, dev: bond, state: None, mac: None, kind: mode, failures: None });
            }
            "Slave Interface" => {
                if let Some(part) = open.take() {
                    let master = (part.kind == "bond-member").then_some(bond);
                    push(state, part, master);
                }
                open = Some(Part { line: *line, dev: value, state: None, mac: None, kind: "bond-member", failures: None });
            }
            // of the bond itself the first counts
            "MII Status" => open.iter_mut().filter(|it| it.state.is_none()).for_each(|it| it.state = Some(value)),
            "Link Failure Count" => open.iter_mut().for_each(|it| it.failures = value.parse().ok()),
            "Permanent HW addr" => open.iter_mut().for_each(|it| it.mac = Some(value)),
            _ => {}
        }
        true
    });
    if let Some(part) = open {
        let master = (part.kind == "bond-member").then_some(bond);
        push(&mut state, part, master);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, samples_in, shown, sniff_certainty};

    #[test]
    fn cards_of_a_bond() {
        let out = read_at(&FORMAT, "proc/net/bonding/bond0", FORMAT.samples[0]);
        assert_eq!(out.tally.lines, out.tally.understood);
        let columns = ["dev", "state", "master", "kind", "carrier_changes"];
        let shown: Vec<String> = shown(&out, "link", columns);
        assert_eq!(
            shown,
            [
                "bond0 up unknown fault-tolerance (active-backup) unknown",
                "eno1 down bond0 bond-member 3",
                "eno2 up bond0 bond-member 0"
            ]
        );
        assert_eq!(sniff_certainty(&FORMAT, "x", "Bonding Mode: x\n"), Certainty::No);
    }

    #[test]
    fn real_bonds() {
        let mut bonds = 0;
        for path in samples_in("network/insights-core").iter().filter(|it| it.contains("test_bond.BOND")) {
            let Some(text) = sample(path) else { return };
            if sniff_certainty(&FORMAT, path, &text) == Certainty::Sure {
                let out = read_at(&FORMAT, path, &text);
                // one of them was cut in the middle of a line
                assert!(out.tally.lines - out.tally.understood <= u64::from(path.contains("MODE_4")), "{path}");
                let members = text.lines().filter(|it| it.starts_with("Slave Interface:")).count();
                assert_eq!(facts(&out, "link").count(), members + 1, "{path}");
                bonds += 1;
            }
        }
        assert!(bonds == 0 || bonds >= 5, "{bonds}");
    }
}
