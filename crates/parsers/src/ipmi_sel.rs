//! `ipmitool sel list`, `sel elist`: the log of the board management controller, which outlives the node.
//!
//! ```text
//!    1 | 03/30/2021 | 00:39:12 | Memory #0x53 | Uncorrectable ECC | Asserted
//!   2b | 03/30/21 | 00:41:03 UTC | Watchdog2 OS Watchdog | Hard reset | Asserted
//!    3 |  Pre-Init  |0000000012| Power Unit #0x01 | AC lost | Asserted
//! ```
//!
//! One event per line: number, date, time, sensor, what happened, whether it began or ended. Skipped: raw records, what
//! stands behind the direction. Units: none. Time: the controller's clock, to a minute, since nothing sets it right; in the
//! zone of the node unless UTC is printed, none where the controller had no clock yet.
//!
//! Source: `lib/ipmi_sel.c` of ipmitool 1.8.18 and 1.8.19.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use timeline::{Collected, Fact, MemberRecords, Record, Row, Stamp, relation};

use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ipmi-sel",
    produced_by: "ipmitool sel list, ipmitool sel elist",
    samples: &[concat!(
        "   1 | 03/30/2021 | 00:39:12 | Memory #0x53 | Uncorrectable ECC | Asserted\n",
        "   2 | 03/30/2021 | 00:41:03 | Watchdog2 #0x71 | Hard reset | Asserted\n"
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let good = sniff.share(40, |it| entry(it).is_some());
    if good > 0.8 { Certainty::Sure } else { Certainty::No }
}

/// One line of the log.
struct Entry<'t> {
    at: Option<(NaiveDateTime, bool)>,
    sensor: &'t str,
    event: &'t str,
    asserted: Option<bool>,
}

/// `   1 | 03/30/2021 | 00:39:12 | Memory #0x53 | Uncorrectable ECC | Asserted`
fn entry(line: &str) -> Option<Entry<'_>> {
    let mut cells = line.split('|').map(str::trim);
    let number = cells.next()?;
    let (date, time, sensor, event) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let numbered = (1..=4).contains(&number.len()) && number.bytes().all(|it| it.is_ascii_hexdigit());
    if !numbered || sensor.is_empty() {
        return None;
    }
    let at = if date.eq_ignore_ascii_case("pre-init") { None } else { Some(instant(date, time)?) };
    let asserted = cells.next().and_then(|it| match it {
        "Asserted" => Some(true),
        "Deasserted" => Some(false),
        _ => None,
    });
    Some(Entry { at, sensor, event, asserted })
}

/// `03/30/2021`, `03/30/21` and `00:39:12`, `00:39:12 UTC`: the instant, and whether it is one of UTC.
fn instant(date: &str, time: &str) -> Option<(NaiveDateTime, bool)> {
    let (time, zone) = time.split_once(' ').unwrap_or((time, ""));
    let year = if date.len() == 8 { "%m/%d/%y" } else { "%m/%d/%Y" };
    let date = NaiveDate::parse_from_str(date, year).ok()?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S").ok()?;
    Some((date.and_time(time), zone == "UTC"))
}

fn stamp(at: Option<(NaiveDateTime, bool)>) -> Stamp {
    let resolution = TimeDelta::minutes(1);
    match at {
        None => Stamp::None,
        Some((local, true)) => Stamp::Exact { at: local.and_utc(), resolution, offset_secs: None },
        Some((local, false)) => Stamp::Zoneless { local, resolution, abbreviation: None },
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let origin = input.origin;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        let Some(entry) = entry(line.text) else {
            out.tally.odd_bytes += line.text.len() as u64;
            continue;
        };
        out.tally.understood += 1;
        let row = Row::new(&relation::BMC_EVENT)
            .with("sensor", entry.sensor)
            .with("event", entry.event)
            .with("asserted", entry.asserted);
        let fact = Fact::new(row, origin.node.clone(), origin.quote(&line));
        out.records.push(Record::Fact(Box::new(fact), stamp(entry.at)));
    }
    let incomplete = input.truncated.then(|| "the file is cut off".to_owned());
    let (node, member) = (origin.node.clone(), origin.member);
    out.collected.push(Collected { relation: relation::BMC_EVENT.name, node, incomplete, member });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    fn told(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "ipmitool_sel_elist", text);
        let cells = |it: &Fact| format!("{} / {} / {}", it.get("sensor"), it.get("event"), it.get("asserted"));
        facts(&out, "bmc.event").map(cells).collect()
    }

    #[test]
    fn each_way_to_print_a_time() {
        let text = "   1 | 03/30/2021 | 00:39:12 | Memory #0x53 | Uncorrectable ECC | Asserted\n\
                    \x20 2b | 03/30/21 | 00:41:03 UTC | Watchdog2 OS Watchdog | Hard reset | Asserted\n\
                    \x20  3 |  Pre-Init  |0000000012| Power Unit #0x01 | AC lost | Deasserted\n";
        assert_eq!(sniff_certainty(&FORMAT, "sel", text), Certainty::Sure);
        assert_eq!(
            told(text),
            [
                "Memory #0x53 / Uncorrectable ECC / true",
                "Watchdog2 OS Watchdog / Hard reset / true",
                "Power Unit #0x01 / AC lost / false"
            ]
        );
        let out = read_at(&FORMAT, "sel", text);
        let stamps: Vec<String> = out
            .records
            .iter()
            .map(|it| match it {
                Record::Fact(_, Stamp::Zoneless { local, .. }) => local.to_string(),
                Record::Fact(_, Stamp::Exact { at, .. }) => at.to_string(),
                Record::Fact(_, Stamp::None) => "none".to_owned(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(stamps, ["2021-03-30 00:39:12", "2021-03-30 00:41:03 UTC", "none"]);
    }

    #[test]
    fn other_tables_are_not_claimed() {
        for text in ["| a | b | c |\n| 1 | 2 | 3 |\n", "NAME | READY\n", "1 | x | y | z | w | Asserted\n", "1 | 13/45/2021 | 00:00:00 | a | b\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
