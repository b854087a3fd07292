//! `ethtool DEV`: whether a cable carries, how fast, and in both directions.
//!
//! ```text
//! Settings for ens3:
//! 	Speed: 10000Mb/s
//! 	Duplex: Full
//! 	Link detected: no
//! ```
//!
//! One row a card that says anything. Skipped: modes that are possible, wake-on-LAN. Units: Mbit/s. Time: none, true when
//! collected.
//!
//! Source: `man 8 ethtool`, its netlink/settings.c.

use timeline::{Fact, MemberRecords, Row, Stamp, Time, Value, relation};

use crate::state::{State, first_line};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ethtool-link",
    produced_by: "ethtool DEV",
    samples: &[
        "Settings for ens3:\n\tSupported ports: [ FIBRE ]\n\tSupported link modes:   1000baseT/Full\n\t                        10000baseT/Full\n\tSpeed: 10000Mb/s\n\tDuplex: Full\n\tPort: FIBRE\n\tAuto-negotiation: off\n\tLink detected: no\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn device(line: &str) -> Option<&str> {
    line.strip_prefix("Settings for ")?.trim_end().strip_suffix(':').filter(|it| !it.is_empty() && !it.contains(' '))
}

/// What stands among the settings: they are indented, complaints are not.
fn is_known(line: &str) -> bool {
    let complaints = ["netlink error: ", "Cannot get ", "Operation not permitted", "No data available"];
    line.starts_with(['\t', ' ']) || complaints.iter().any(|it| line.starts_with(it))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let first = first_line(sniff.text).is_some_and(|it| device(it).is_some());
    let all = sniff.share(200, |it| device(it).is_some() || is_known(it)) >= 0.9;
    if first && all { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<Open<'_>> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(dev) = device(line.text) {
            let row = Row::new(&relation::LINK_MODE).with("dev", dev);
            hand_out(open.replace(Open { row, line: *line, told: Vec::new() }), state);
            return true;
        }
        if let (Some(open), Some((key, value))) = (open.as_mut(), line.text.trim().split_once(": ")) {
            let value = value.trim();
            let told: Option<(&str, Value)> = match key {
                "Speed" => value.strip_suffix("Mb/s").and_then(|it| it.parse::<i64>().ok()).map(|it| ("speed_mbit", it.into())),
                "Duplex" => (!value.starts_with("Unknown")).then(|| ("duplex", value.to_ascii_lowercase().into())),
                "Port" => Some(("port", value.into())),
                "Auto-negotiation" => Some(("auto_negotiation", (value == "on").into())),
                "Link detected" => Some(("detected", value.starts_with("yes").into())),
                _ => None,
            };
            if let Some((column, value)) = told {
                open.row = std::mem::replace(&mut open.row, Row::new(&relation::LINK_MODE)).with(column, value.clone());
                // what is out of the ordinary is shown first
                let odd = column == "duplex" && value == Value::from("half") || value == Value::from(false);
                let indent = line.text.len() - line.text.trim_start().len();
                let shown = Line { text: line.text.trim(), start: line.start + indent as u64, ..*line };
                open.told.insert(if odd { 0 } else { open.told.len() }, shown);
            }
        }
        is_known(line.text)
    });
    hand_out(open, &mut state);
}

/// A card, and the lines that say something of it.
struct Open<'t> {
    row: Row,
    line: Line<'t>,
    told: Vec<Line<'t>>,
}

fn hand_out<'t>(open: Option<Open<'t>>, state: &mut State<'_, 't, '_>) {
    let Some(Open { row, line, told }) = open.filter(|it| !it.told.is_empty()) else { return };
    let origin = state.input.origin;
    let quotes = told.iter().chain([&line]).map(|it| origin.quote(it)).collect();
    let fact = Fact { row, node: origin.node.clone(), at: Time::UNKNOWN, quotes };
    state.fact(fact, Stamp::None);
    state.collected_but(&relation::LINK_MODE, Some("every card has a file of its own".to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sniff_certainty};

    #[test]
    fn a_card_without_a_cable_and_one_without_settings() {
        let rows = |text: &str| {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            rows_of(&FORMAT, "x", text, "link.mode", ["dev", "detected", "speed_mbit", "duplex", "auto_negotiation"])
        };
        assert_eq!(rows(FORMAT.samples[0]), ["ens3 false 10000 full false"]);
        let down = "Settings for eno2:\n\tSpeed: Unknown!\n\tDuplex: Unknown! (255)\n\tLink detected: no (No cable)\nSettings for lo:\n\tLink detected: yes\n";
        assert_eq!(rows(down), ["eno2 false unknown unknown unknown", "lo true unknown unknown unknown"]);
        assert!(rows("Settings for x:\nNo data available\n").is_empty());
        for text in ["Settings for the year:\nnone\n", "Settings for \n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
