//! `birdc show status`: what BIRD says of itself.
//!
//! ```text
//! BIRD 2.0.12 ready.
//! Router ID is 10.64.0.247
//! Current server time is 2026-11-21 00:05:48.690
//! Last reboot on 2026-11-21 00:04:58.245
//! Daemon is up and running
//! ```
//!
//! One row, and the moment of collection. Units: none. Time: BIRD's local time without a zone.
//!
//! Source: `cmd_show_status` in BIRD's nest/cmds.c.

use chrono::{NaiveDateTime, TimeDelta};
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::state::State;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "bird-status",
    produced_by: "birdc show status, birdcl show status",
    samples: &[
        "BIRD 2.0.12 ready.\nBIRD 2.0.12\nRouter ID is 10.64.0.247\nHostname is node-a\nCurrent server time is 2026-11-21 00:05:48.690\nLast reboot on 2026-11-21 00:04:58.245\nLast reconfiguration on 2026-11-21 00:04:58.245\nDaemon is up and running\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a line says, without the code that the socket prints in front of it.
fn plain(line: &str) -> &str {
    let coded = match line.as_bytes() {
        [a, b, c, d, b'-' | b' ', ..] => [a, b, c, d].iter().all(|it| it.is_ascii_digit()),
        _ => false,
    };
    if coded { &line[5..] } else { line.strip_prefix(' ').unwrap_or(line) }
}

const KNOWN: [&str; 9] = [
    "BIRD ", "Router ID is ", "Hostname is ", "Current server time is ", "Last reboot on ", "Last reconfiguration on ",
    "Daemon is ", "Graceful restart ", "Access restricted",
];

fn state_of(line: &str) -> Option<&str> {
    match line {
        "Daemon is up and running" => Some("running"),
        _ if line.contains("in progress") || line.starts_with("Waiting for ") => Some(line),
        _ => None,
    }
}

fn is_known(line: &str) -> bool {
    let plain = plain(line).trim_end();
    KNOWN.iter().any(|it| plain.starts_with(it)) || state_of(plain).is_some() || plain.starts_with("  ") || line.trim() == "0000"
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let says = |what: &str| sniff.text.lines().take(30).any(|it| plain(it).starts_with(what));
    let own = says("Router ID is ") && says("Last reboot on ");
    if own && sniff.share(40, is_known) >= 0.8 { Certainty::Sure } else { Certainty::No }
}

/// `2026-11-21 00:05:48.690`
fn stamp(text: &str) -> Option<Stamp> {
    let text = text.trim();
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    let resolution = if text.contains('.') { TimeDelta::milliseconds(1) } else { TimeDelta::seconds(1) };
    Some(Stamp::Zoneless { local, resolution, abbreviation: None })
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut row = Row::new(&relation::ROUTING_DAEMON).with("name", "bird");
    let mut at: Option<Line<'_>> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let text = plain(line.text).trim_end();
        let mut set = |column: &str, value: &str| {
            row = std::mem::replace(&mut row, Row::new(&relation::ROUTING_DAEMON)).with(column, value);
        };
        if let Some(version) = text.strip_prefix("BIRD ") {
            set("version", version.trim_end_matches(" ready."));
        } else if let Some(id) = text.strip_prefix("Router ID is ") {
            set("router_id", id);
            at = Some(*line);
        } else if let Some(when) = text.strip_prefix("Last reboot on ") {
            set("started", when);
        } else if let Some(when) = text.strip_prefix("Last reconfiguration on ") {
            set("reconfigured", when);
        } else if let Some(when) = text.strip_prefix("Current server time is ").and_then(stamp) {
            let row = Row::new(&relation::COLLECTED).with("command", "birdc show status");
            state.push_at(row, line, when);
        } else if let Some(said) = state_of(text) {
            set("state", said);
        }
        is_known(line.text)
    });
    if let Some(line) = at {
        state.push(row, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sample, shown, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        assert_eq!(shown(&out, "clock.collected", ["command"]), ["birdc show status"]);
        shown(&out, "routing.daemon", ["name", "version", "router_id", "started", "state"])
    }

    #[test]
    fn a_daemon_and_one_that_restarts() {
        assert_eq!(rows(FORMAT.samples[0]), ["bird 2.0.12 10.64.0.247 2026-11-21 00:04:58.245 running"]);
        let raw = "0001 BIRD v0.3.3+birdv1.6.8 ready.\n1000-BIRD v0.3.3+birdv1.6.8\n1011-Router ID is 10.64.0.1\n Current server time is 2022-02-11 19:24:04\n Last reboot on 2022-02-11 19:00:00\n Last reconfiguration on 2022-02-11 19:00:00\n0024-Graceful restart recovery in progress\n   Waiting for 2 protocols to recover\n0000\n";
        assert_eq!(
            rows(raw),
            ["bird v0.3.3+birdv1.6.8 10.64.0.1 2022-02-11 19:00:00 Graceful restart recovery in progress"]
        );
        for text in ["BIRD 2.0.12 ready.\n", "Router ID is 10.0.0.1\nof the last router\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_answers() {
        for name in ["bird2-k1001-show_status.txt", "bird2-k1003-show_status.txt"] {
            let Some(text) = sample(&format!("network/bird/{name}")) else { return };
            assert_eq!(rows(&text).len(), 1, "{name}");
        }
    }
}
