//! `journalctl --list-boots`, `last -x reboot`: the boots of a node.
//!
//! ```text
//!  0 6cb10e2d1dad492aa2d0100238ac880f Fri 2022-02-11 18:58:10 UTC—Fri 2022-02-11 19:24:02 UTC
//! IDX BOOT ID                          FIRST ENTRY                 LAST ENTRY
//! reboot   system boot  5.4.0-99-generic Fri Feb 11 18:58   still running
//! ```
//!
//! One row a boot; its instant is its beginning. `last` prints no year without `-F`, and `crash` where no shutdown was
//! written. Logins are known for what they are and say nothing. Time: wall clock of the node.
//!
//! Source: `man 1 journalctl`, `man 1 last`.

use std::sync::LazyLock;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use regex::Regex;
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::expression::expression;
use crate::json_elements::elements;
use crate::state::{State, begins, first_line, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "boot-list",
    produced_by: "journalctl --list-boots, last -x, last reboot",
    samples: &[
        "-1 5f0c9a0f2c6e4c6d8a1a5c0e9b8d7f6e Fri 2022-02-04 09:34:04 UTC—Fri 2022-02-04 11:33:06 UTC\n 0 6cb10e2d1dad492aa2d0100238ac880f Fri 2022-02-11 18:58:10 UTC—Fri 2022-02-11 19:24:02 UTC\n",
        "IDX BOOT ID                          FIRST ENTRY                 LAST ENTRY\n  0 6cb10e2d1dad492aa2d0100238ac880f Fri 2022-02-11 18:58:10 UTC Fri 2022-02-11 19:24:02 UTC\n",
        "reboot   system boot  5.4.0-99-generic Fri Feb 11 18:58   still running\nreboot   system boot  5.4.0-99-generic Fri Feb  4 09:34 - crash (7+09:24)\nubuntu   pts/0        10.5.0.1         Fri Feb 11 19:22   still logged in\n\nwtmp begins Fri Feb  4 09:33:58 2022\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// `-1 5f0c… Fri 2022-02-04 09:34:04 UTC—Fri 2022-02-04 11:33:06 UTC`
fn listed(line: &str) -> Option<regex::Captures<'_>> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let stamp = r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\S+?)";
        expression(&format!(r"^ *(-?\d+) ([0-9a-f]{{32}}) {stamp}(?:—| |–|-){stamp}$"))
    });
    // a number and an id of thirty-two digits
    let id = line.split_ascii_whitespace().nth(1)?;
    if id.len() == 32 { LINE.captures(line.trim_end()) } else { None }
}

/// `reboot   system boot  5.4.0-99-generic Fri Feb 11 18:58   still running`, with `-F` the seconds and the year
fn rebooted(line: &str) -> Option<regex::Captures<'_>> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
        let pattern = format!(
            r"^reboot +system boot +(\S+) +{day} ([A-Z][a-z]{{2}} +\d+) (\d\d:\d\d(?::\d\d)?)( \d{{4}})? *(?:- +)?(.*)$"
        );
        expression(&pattern)
    });
    if line.starts_with("reboot ") { LINE.captures(line.trim_end()) } else { None }
}

/// `ubuntu   pts/0        10.5.0.1         Fri Feb 11 19:22   still logged in`
fn login(line: &str) -> bool {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
        expression(&format!(r"^\S+ .*{day} [A-Z][a-z]{{2}} +\d+ \d\d:\d\d"))
    });
    LINE.is_match(line) || line.starts_with("wtmp begins ") || line.starts_with("btmp begins ")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(first) = first_line(sniff.text) else { return Certainty::No };
    if first.starts_with("[{\"index\":") && first.contains("\"boot_id\":") {
        return Certainty::Sure;
    }
    if begins(first, &["IDX", "BOOT", "ID"]) || listed(first).is_some() {
        return Certainty::Sure;
    }
    let ends = sniff.text.lines().any(|it| it.starts_with("wtmp begins ") || it.starts_with("btmp begins "));
    let boots = sniff.text.lines().take(50).any(|it| rebooted(it).is_some());
    let share = || sniff.share(100, |it| rebooted(it).is_some() || login(it));
    if (ends || boots) && share() > 0.9 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut boots = 0;
    state.each(|state, line| {
        let read = list_row(state, line) || last_row(state, line) || json_rows(state, line);
        boots += u32::from(read);
        read || login(line.text) || begins(line.text, &["IDX", "BOOT", "ID"])
    });
    if boots > 0 {
        state.collected(&relation::BOOT);
    }
}

fn list_row<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some(found) = listed(line.text) else { return false };
    let Ok(local) = NaiveDateTime::parse_from_str(&found[3], "%Y-%m-%d %H:%M:%S") else { return false };
    let index = found[1].parse::<i64>().ok();
    let row = Row::new(&relation::BOOT)
        .with("index", index)
        .with("boot_id", &found[2])
        .with("first", format!("{} {}", &found[3], &found[4]))
        .with("last", format!("{} {}", &found[5], &found[6]));
    state.push_at(row, line, zoned(local, &found[4]));
    true
}

/// `[{"index":-1,"boot_id":"…","first_entry":1592169306000000,"last_entry":…}]`
fn json_rows<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let mut any = false;
    for element in elements(line.text) {
        let Ok(boot) = serde_json::from_str::<serde_json::Value>(element.text) else { return false };
        let Some(id) = boot["boot_id"].as_str() else { return false };
        let micros = |key: &str| boot[key].as_i64().map_or(Stamp::None, Stamp::epoch_micros);
        let shown = |key: &str| match micros(key) {
            Stamp::Exact { at, .. } => Some(at.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
            _ => None,
        };
        let row = Row::new(&relation::BOOT)
            .with("index", boot["index"].as_i64())
            .with("boot_id", id)
            .with("first", shown("first_entry"))
            .with("last", shown("last_entry"));
        state.push_at(row, line, micros("first_entry"));
        any = true;
    }
    any
}

/// A wall clock with an abbreviation, which is exact only where it says UTC.
fn zoned(local: NaiveDateTime, abbreviation: &str) -> Stamp {
    let resolution = TimeDelta::seconds(1);
    match abbreviation {
        "UTC" => Stamp::Exact { at: local.and_utc(), resolution, offset_secs: None },
        it => Stamp::Zoneless { local, resolution, abbreviation: Some(it.into()) },
    }
}

fn last_row<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some(found) = rebooted(line.text) else { return false };
    let day: Vec<&str> = words(&found[2]).collect();
    let [month, day] = day[..] else { return false };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Some(month) = months.iter().position(|it| *it == month) else { return false };
    let (Ok(day), clock) = (day.parse::<u32>(), &found[3]) else { return false };
    let (form, secs) = if clock.len() > 5 { ("%H:%M:%S", 1) } else { ("%H:%M", 60) };
    let Ok(time) = NaiveTime::parse_from_str(clock, form) else { return false };
    let resolution = TimeDelta::seconds(secs);
    let year = found.get(4).and_then(|it| it.as_str().trim().parse::<i32>().ok());
    let stamp = match year.and_then(|it| chrono::NaiveDate::from_ymd_opt(it, month as u32 + 1, day)) {
        Some(date) => Stamp::Zoneless { local: date.and_time(time), resolution, abbreviation: None },
        None => Stamp::Yearless { month: month as u32 + 1, day, time, resolution },
    };
    let end = found[5].trim();
    let ending = match () {
        () if end.starts_with("crash") => "crash",
        () if end.starts_with("still running") => "running",
        () if end.starts_with("down") || end.starts_with(|it: char| it.is_ascii_alphanumeric()) => "shutdown",
        () => "unknown",
    };
    let row = Row::new(&relation::BOOT)
        .with("kernel", &found[1])
        .with("first", format!("{} {}", &found[2], &found[3]))
        .with("ending", ending);
    state.push_at(row, line, stamp);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample, samples_in, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        rows_of(&FORMAT, "x", text, "boot", ["index", "boot_id", "kernel", "ending"])
    }

    #[test]
    fn lists_old_and_new() {
        assert_eq!(rows(FORMAT.samples[0])[0], "-1 5f0c9a0f2c6e4c6d8a1a5c0e9b8d7f6e unknown unknown");
        assert_eq!(rows(FORMAT.samples[1]), ["0 6cb10e2d1dad492aa2d0100238ac880f unknown unknown"]);
        assert_eq!(
            rows(FORMAT.samples[2]),
            ["unknown unknown 5.4.0-99-generic running", "unknown unknown 5.4.0-99-generic crash"]
        );
        assert_eq!(
            rows("reboot   system boot  4.4.0-104-generic Sun Jun 14 13:15:06 2020 - Sun Jun 14 14:00:00 2020  (00:45)\n"),
            ["unknown unknown 4.4.0-104-generic shutdown"]
        );
    }

    #[test]
    fn real_lists() {
        for name in ["journalctl_--list-boots.txt", "last_reboot.txt"] {
            let Some(text) = sample(&format!("kubernetes/host/{name}")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
            assert_eq!(rows(&text).len(), 1, "{name}");
        }
        for version in ["247", "252", "257", "262"] {
            for path in samples_in(&format!("journal/synthetic-oracle/journalctl-v{version}")) {
                if path.contains("list-boots") {
                    let Some(text) = sample(&path) else { return };
                    assert_eq!(rows(&text).len(), 3, "{path}");
                }
            }
        }
    }
}
