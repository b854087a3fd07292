//! `/proc/mdstat`: the arrays of disks that the kernel keeps.
//!
//! ```text
//! Personalities : [raid1] [raid6] [raid5] [raid4]
//! md0 : active raid1 sdb1[1] sda1[0](F)
//!       1953381376 blocks super 1.2 [2/1] [_U]
//!       [=>...................]  recovery =  8.5% (83124/97664) finish=2.3min speed=68928K/sec
//! unused devices: <none>
//! ```
//!
//! One row an array. Skipped: bitmaps, sizes, spares. Units: percent. Time: none, true when collected.
//!
//! Source: `md_seq_show` in drivers/md/md.c of Linux, `man 4 md`.

use timeline::{MemberRecords, Row, Value, relation};

use crate::state::{State, first_line, is_number, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "raid",
    produced_by: "cat /proc/mdstat",
    samples: &[
        "Personalities : [raid1] [raid6] [raid5] [raid4] \nmd0 : active raid1 sdb1[1] sda1[0](F)\n      1953381376 blocks super 1.2 [2/1] [_U]\n      [=>...................]  recovery =  8.5% (83124/97664) finish=2.3min speed=68928K/sec\n      bitmap: 4/15 pages [16KB], 65536KB chunk\n\nunused devices: <none>\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let first = first_line(sniff.text).unwrap_or_default();
    if first.starts_with("Personalities :") && sniff.share(40, |it| is_known(it) || array(it).is_some()) > 0.8 {
        Certainty::Sure
    } else {
        Certainty::No
    }
}

fn is_known(line: &str) -> bool {
    line.starts_with([' ', '\t'])
        || ["Personalities", "unused devices", "read_ahead", "Event: "].iter().any(|it| line.starts_with(it))
}

/// `md0 : active raid1 sdb1[1] sda1[0](F)`: name, state, level, and the names of the disks that failed
fn array(line: &str) -> Option<(&str, String, Option<&str>, Vec<&str>)> {
    let (name, rest) = line.split_once(" : ")?;
    if !name.starts_with("md") || name.contains(' ') {
        return None;
    }
    let cells: Vec<&str> = words(rest).collect();
    let is_word = |it: &&&str| !it.contains('[');
    let head: Vec<&str> = cells.iter().take_while(is_word).copied().collect();
    let level = head.iter().copied().find(|it| it.starts_with("raid") || matches!(*it, "linear" | "multipath" | "faulty" | "container"));
    let state: Vec<&str> = head.into_iter().filter(|it| Some(*it) != level).collect();
    let failed = |it: &&str| it.ends_with("(F)");
    let failed = cells.iter().copied().filter(failed).filter_map(|it| it.split('[').next()).collect();
    (!state.is_empty()).then(|| (name.trim(), state.join(" "), level, failed))
}

/// `[2/1]`: disks it should have, and has.
fn disks(line: &str) -> Option<(i64, i64)> {
    words(line).find_map(|it| {
        let (all, working) = it.strip_prefix('[')?.strip_suffix(']')?.split_once('/')?;
        let numbers = is_number(all) && is_number(working);
        numbers.then(|| Some((all.parse().ok()?, working.parse().ok()?))).flatten()
    })
}

/// `recovery =  8.5% (83124/97664)`, `resync=DELAYED`: what it does, and how much is done
fn doing(line: &str) -> Option<(&'static str, Option<f64>)> {
    let what = ["recovery", "resync", "check", "reshape", "repair"].into_iter().find(|it| {
        line.split_once(it).is_some_and(|(_, after)| after.trim_start().starts_with('='))
    })?;
    let after = line.split_once(what)?.1.trim_start().strip_prefix('=')?;
    Some((what, after.trim_start().split('%').next().and_then(|it| it.parse().ok()).filter(|it: &f64| it.is_finite())))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<(Row, Line<'_>)> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some((name, shown, level, failed)) = array(line.text) {
            let row = Row::new(&relation::RAID)
                .with("name", name)
                .with("state", shown)
                .with("level", level)
                .with("failed", (!failed.is_empty()).then(|| failed.join(" ")));
            if let Some((row, line)) = open.replace((row, *line)) {
                state.push(row, &line);
            }
            return true;
        }
        if let Some((row, _)) = open.as_mut().filter(|_| line.text.starts_with([' ', '\t'])) {
            let mut set = |column: &str, value: Value| {
                *row = std::mem::replace(row, Row::new(&relation::RAID)).with(column, value);
            };
            if let Some((all, working)) = disks(line.text).filter(|_| line.text.contains(" blocks")) {
                set("disks", all.into());
                set("working", working.into());
            } else if let Some((what, percent)) = doing(line.text) {
                set("doing", what.into());
                set("done_percent", percent.into());
            }
        }
        is_known(line.text)
    });
    if let Some((row, line)) = open {
        state.push(row, &line);
    }
    state.collected(&relation::RAID);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, shown, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "proc/mdstat", text), Certainty::Sure, "{text}");
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        assert_eq!(out.collected.len(), 1);
        let columns = ["name", "level", "state", "disks", "working", "failed", "doing", "done_percent"];
        shown(&out, "raid", columns).into_iter().map(|it| it.replace("unknown", "-")).collect()
    }

    #[test]
    fn arrays() {
        assert_eq!(rows(FORMAT.samples[0]), ["md0 raid1 active 2 1 sda1 recovery 8.500"]);
        let more = "Personalities : [raid1] \nmd127 : active (auto-read-only) raid5 sdd[3] sdc[1] sdb[0]\n      98944 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/3] [UUU]\n      \tresync=PENDING\n\nmd1 : inactive sdc[0](S)\n      42 blocks\n\nunused devices: <none>\n";
        assert_eq!(
            rows(more),
            ["md127 raid5 active (auto-read-only) 3 3 - resync -", "md1 - inactive - - - - -"]
        );
        assert!(rows("Personalities : [linear] \nunused devices: <none>\n").is_empty());
        assert_eq!(sniff_certainty(&FORMAT, "x", "Personalities : people\nof the team\nmd0 is down\n"), Certainty::No);
    }
}
