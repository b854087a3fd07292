//! `mdadm --detail`: an array of disks at length.
//!
//! ```text
//! /dev/md0:
//!         Raid Level : raid1
//!       Raid Devices : 2
//!              State : clean, degraded, recovering
//!     Active Devices : 1
//!     Rebuild Status : 8% complete
//!     Number   Major   Minor   RaidDevice State
//!        0       8        1        0      active sync   /dev/sda1
//!        1       8       17        1      faulty   /dev/sdb1
//! ```
//!
//! One row an array, as of `/proc/mdstat`. Skipped: sizes, UUIDs, layout. Units: percent. Time: none, true when collected.
//!
//! Source: `man 8 mdadm`, its Detail.c.

use timeline::{MemberRecords, Row, Value, relation};

use crate::state::{State, begins, is_number, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "raid-detail",
    produced_by: "mdadm --detail, mdadm -D",
    samples: &[concat!(
        "/dev/md0:\n           Version : 1.2\n     Creation Time : Tue Oct  4 10:00:00 2022\n        Raid Level : raid1\n",
        "      Raid Devices : 2\n     Total Devices : 2\n             State : clean, degraded, recovering \n    Active Devices : 1\n",
        "    Failed Devices : 1\n    Rebuild Status : 8% complete\n\n    Number   Major   Minor   RaidDevice State\n",
        "       0       8        1        0      active sync   /dev/sda1\n       2       8       33        1      spare rebuilding   /dev/sdc1\n\n",
        "       1       8       17        -      faulty   /dev/sdb1\n",
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

/// `/dev/md0:`, `/dev/md/root:`
fn array(line: &str) -> Option<&str> {
    line.trim_end().strip_prefix("/dev/")?.strip_suffix(':').filter(|it| it.starts_with("md") && !it.contains(' '))
}

/// `        Raid Level : raid1`
fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix(' ')?.split_once(" : ").or_else(|| line.trim_end().strip_suffix(" :").map(|it| (it, "")))?;
    Some((key.trim(), value.trim()))
}

/// `       1       8       17        1      faulty   /dev/sdb1`: the state, and the disk
fn disk(line: &str) -> Option<(String, Option<&str>)> {
    let all: Vec<&str> = words(line).collect();
    let [number, major, minor, place, rest @ ..] = &all[..] else { return None };
    let number_or_none = |it: &str| it == "-" || is_number(it);
    let numbers = number_or_none(number) && is_number(major) && is_number(minor) && number_or_none(place);
    if !numbers || rest.is_empty() || !line.starts_with(' ') {
        return None;
    }
    let (disks, states): (Vec<&str>, Vec<&str>) = rest.iter().partition(|it| it.starts_with("/dev/"));
    Some((states.join(" "), disks.first().copied()))
}

fn is_known(line: &str) -> bool {
    array(line).is_some()
        || pair(line).is_some()
        || disk(line).is_some()
        || begins(line, &["Number", "Major", "Minor"])
        || line.starts_with("mdadm: ")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let headed = lines.any(|it| array(it).is_some()) && sniff.text.lines().any(|it| pair(it).is_some_and(|(key, _)| key == "Raid Level"));
    if headed && sniff.share(200, is_known) >= 0.9 { Certainty::Sure } else { Certainty::No }
}

struct Open<'t> {
    row: Row,
    line: Line<'t>,
    failed: Vec<&'t str>,
}

fn hand_out<'t>(open: Option<Open<'t>>, state: &mut State<'_, 't, '_>) {
    if let Some(Open { row, line, failed }) = open {
        state.push(row.with("failed", (!failed.is_empty()).then(|| failed.join(" "))), &line);
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<Open<'_>> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(name) = array(line.text) {
            let row = Row::new(&relation::RAID).with("name", name);
            hand_out(open.replace(Open { row, line: *line, failed: Vec::new() }), state);
            return true;
        }
        let Some(open) = &mut open else { return is_known(line.text) };
        if let Some((states, disk)) = disk(line.text) {
            if states.contains("faulty") && open.failed.len() < 100 {
                open.failed.push(disk.map_or("?", |it| it.trim_start_matches("/dev/")));
            }
            return true;
        }
        let told: Vec<(&str, Value)> = match pair(line.text) {
            Some(("Raid Level", it)) => vec![("level", it.into())],
            Some(("State", it)) => vec![("state", it.into())],
            Some(("Raid Devices", it)) => vec![("disks", it.parse::<i64>().ok().into())],
            Some(("Active Devices", it)) => vec![("working", it.parse::<i64>().ok().into())],
            Some((key @ ("Rebuild Status" | "Resync Status" | "Check Status" | "Reshape Status"), it)) => {
                let doing = match key {
                    "Rebuild Status" => "recovery",
                    "Resync Status" => "resync",
                    "Check Status" => "check",
                    _ => "reshape",
                };
                let percent = it.split('%').next().and_then(|it| it.parse::<f64>().ok()).filter(|it| it.is_finite());
                vec![("doing", doing.into()), ("done_percent", percent.into())]
            }
            _ => Vec::new(),
        };
        for (column, value) in told {
            open.row = std::mem::replace(&mut open.row, Row::new(&relation::RAID)).with(column, value);
        }
        is_known(line.text)
    });
    hand_out(open, &mut state);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    #[test]
    fn arrays() {
        let columns = ["name", "level", "state", "disks", "working", "failed", "doing", "done_percent"];
        let rows = sure_rows_of(&FORMAT, FORMAT.samples[0], "raid", columns);
        assert_eq!(rows, ["md0 raid1 clean, degraded, recovering 2 1 sdb1 recovery 8"]);
        let whole = "/dev/md1:\n        Raid Level : raid10\n      Raid Devices : 4\n             State : active \n    Active Devices : 4\n";
        let rows = sure_rows_of(&FORMAT, whole, "raid", ["name", "disks", "working", "failed"]);
        assert_eq!(rows, ["md1 4 4 unknown"]);
        for text in ["/dev/md0:\nis broken\n", "/dev/vda:\n   MBR Magic : aa55\n", "mdadm: cannot open /dev/md*: No such file or directory\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
