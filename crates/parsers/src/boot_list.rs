//! `journalctl --list-boots`, `last -x reboot`: the boots of a node.
//!
//! ```text
//!  0 6cb10e2d1dad492aa2d0100238ac880f Fri 2022-02-11 18:58:10 UTC—Fri 2022-02-11 19:24:02 UTC
//! IDX BOOT ID                          FIRST ENTRY                 LAST ENTRY
//! reboot   system boot  5.4.0-99-generic Fri Feb 11 18:58   still running
//! ```
//!
//! One row a boot; its instant is its beginning. How it ended `last` tells in many ways: a shutdown of its own (`-x`), sessions
//! that end `down` or in a `crash`, a boot that is `still running` although another followed, or one that lasted longer than
//! until the next. Where none of them tells, the end is not known. Logins say nothing else. Time: wall clock of the node,
//! without a year but for `-F` and `--time-format iso`.
//!
//! Source: `man 1 journalctl`, `man 1 last`; login-utils/last.c of util-linux.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDateTime, NaiveTime, TimeDelta};
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
        "ubuntu   pts/0        10.5.0.1         Fri Feb 11 19:22   still logged in\nreboot   system boot  5.4.0-99-generic Fri Feb 11 18:58   still running\nubuntu   pts/0        10.5.0.1         Fri Feb  4 10:22 - crash (7+08:36)\nreboot   system boot  5.4.0-99-generic Fri Feb  4 09:34   still running\n\nwtmp begins Fri Feb  4 09:33:58 2022\n",
        "reboot   system boot  5.4.0-99-generic Fri Feb 11 18:58   still running\nshutdown system down  5.4.0-99-generic Fri Feb 11 18:41 - 18:58  (00:16)\nreboot   system boot  5.4.0-99-generic Fri Feb  4 09:34 - 18:41 (7+09:06)\n",
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
        let iso = r"(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)";
        let plain = r"(?P<day>[A-Z][a-z]{2} +\d+) (?P<clock>\d\d:\d\d(?::\d\d)?)(?P<year> \d{4})?";
        let pattern = format!(r"^reboot +system boot +(?P<kernel>\S+) +(?:{iso}|{day} {plain}) *(?:- +)?(?P<end>.*)$");
        expression(&pattern)
    });
    if line.starts_with("reboot ") { LINE.captures(line.trim_end()) } else { None }
}

/// `ubuntu   pts/0        10.5.0.1         Fri Feb 11 19:22   still logged in`
fn login(line: &str) -> bool {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
        expression(&format!(r"^\S+ .*(?:{day} [A-Z][a-z]{{2}} +\d+|\d{{4}}-\d\d-\d\dT?) ?\d\d:\d\d"))
    });
    LINE.is_match(line) || begins_at(line)
}

/// `wtmp begins Fri Feb  4 09:33:58 2022`, `wtmp.1 begins …`
fn begins_at(line: &str) -> bool {
    line.split_once(" begins ").is_some_and(|(file, _)| file.starts_with("wtmp") || file.starts_with("btmp"))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(first) = first_line(sniff.text) else { return Certainty::No };
    if first.starts_with("[{\"index\":") && first.contains("\"boot_id\":") {
        return Certainty::Sure;
    }
    if begins(first, &["IDX", "BOOT", "ID"]) || listed(first).is_some() {
        return Certainty::Sure;
    }
    let ends = sniff.text.lines().any(begins_at);
    let boots = sniff.text.lines().take(50).any(|it| rebooted(it).is_some());
    let share = || sniff.share(100, |it| rebooted(it).is_some() || login(it));
    if (ends || boots) && share() > 0.9 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut boots = 0;
    let mut endings = endings(input.text).into_iter();
    state.each(|state, line| {
        let read = list_row(state, line) || last_row(state, line, &mut endings) || json_rows(state, line);
        boots += u32::from(read);
        read || login(line.text) || begins(line.text, &["IDX", "BOOT", "ID"])
    });
    if boots > 0 {
        state.collected(&relation::BOOT);
    }
}

/// How each boot that `last` names ended, in the order of its lines, newest first.
fn endings(text: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    let lines = || text.lines();
    // only -x shows them, and then every one
    let shows_shutdowns = lines().any(|it| begins(it, &["shutdown", "system", "down"]));
    // when the boot after it began, and what the lines between the two say
    let (mut next, mut down, mut crash): (Option<Began>, bool, bool) = (None, false, false);
    for line in lines() {
        let Some(row) = rebooted(line) else {
            down |= begins(line, &["shutdown", "system", "down"]) || line.contains(" - down ");
            crash |= line.contains(" - crash ");
            continue;
        };
        let (began, end) = (Began::of(&row), row["end"].trim());
        let running = end.starts_with("still running");
        found.push(match next {
            _ if end.starts_with("crash") => "crash",
            None if running => "running",
            None if end.starts_with("down") || down => "shutdown",
            None => "unknown",
            Some(_) if down || end.starts_with("down") => "shutdown",
            Some(_) if crash || running || shows_shutdowns => "crash",
            Some(next) => match (began.as_ref(), lasted(end)) {
                (Some(began), Some(lasted)) => began.ending(&next, lasted),
                _ => "unknown",
            },
        });
        (next, down, crash) = (began, false, false);
    }
    found
}

/// When a boot began, with or without a year.
struct Began {
    month: u32,
    day: u32,
    time: NaiveTime,
    year: Option<i32>,
}

impl Began {
    fn of(row: &regex::Captures<'_>) -> Option<Began> {
        if let Some(iso) = row.name("iso") {
            let local = chrono::DateTime::parse_from_rfc3339(iso.as_str()).ok()?.naive_local();
            return Some(Began { month: local.month(), day: local.day(), time: local.time(), year: Some(local.year()) });
        }
        let mut words = words(row.name("day")?.as_str());
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (month, day) = (words.next()?, words.next()?.parse().ok()?);
        let month = months.iter().position(|it| *it == month)? as u32 + 1;
        let clock = row.name("clock")?.as_str();
        let form = if clock.len() > 5 { "%H:%M:%S" } else { "%H:%M" };
        let year = row.name("year").and_then(|it| it.as_str().trim().parse().ok());
        Some(Began { month, day, time: NaiveTime::parse_from_str(clock, form).ok()?, year })
    }

    fn in_year(&self, year: i32) -> Option<NaiveDateTime> {
        Some(chrono::NaiveDate::from_ymd_opt(year, self.month, self.day)?.and_time(self.time))
    }

    /// How it ended if it lasted so long: no shutdown was written where it is said to have lasted past the next one's
    /// beginning. Without years a day more or less may lie between the two.
    fn ending(&self, next: &Began, lasted: TimeDelta) -> &'static str {
        let apart = |year: i32, other: i32| Some(next.in_year(other)? - self.in_year(year)?);
        let both = match (self.year, next.year) {
            (Some(year), Some(other)) => [apart(year, other), apart(year, other)],
            // in a leap year and in another
            _ => [(2000, 2000), (2001, 2001)].map(|(year, other)| {
                apart(year, other).map(|it| if it < TimeDelta::zero() { it + TimeDelta::days(366) } else { it })
            }),
        };
        let [Some(one), Some(other)] = both else { return "unknown" };
        let minute = TimeDelta::minutes(1);
        match lasted {
            it if it < TimeDelta::zero() => "unknown",
            it if it > one.max(other) + minute => "crash",
            it if it < one.min(other) => "shutdown",
            _ => "unknown",
        }
    }
}

/// `11:33 (7+09:24)`, `(00:16)`: how long it is said to have lasted.
fn lasted(end: &str) -> Option<TimeDelta> {
    let inside = end.rsplit_once('(')?.1.strip_suffix(')')?;
    let (days, clock) = inside.split_once('+').unwrap_or(("0", inside));
    let (hours, minutes) = clock.split_once(':')?;
    let number = |it: &str| it.trim().parse::<i64>().ok().filter(|it| (0..1_000_000).contains(it));
    Some(TimeDelta::minutes(number(days)? * 1440 + number(hours)? * 60 + number(minutes)?))
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

fn last_row<'t>(
    state: &mut State<'_, 't, '_>,
    line: &Line<'t>,
    endings: &mut impl Iterator<Item = &'static str>,
) -> bool {
    let Some(found) = rebooted(line.text) else { return false };
    let Some(ending) = endings.next() else { return false };
    let Some(began) = Began::of(&found) else { return false };
    let exact = found.name("iso").and_then(|it| chrono::DateTime::parse_from_rfc3339(it.as_str()).ok());
    let seconds = found.name("clock").is_some_and(|it| it.as_str().len() > 5);
    let resolution = if seconds || exact.is_some() { TimeDelta::seconds(1) } else { TimeDelta::minutes(1) };
    let local = began.year.and_then(|it| began.in_year(it));
    let stamp = match (exact, local) {
        (Some(at), _) => {
            Stamp::Exact { at: at.to_utc(), resolution, offset_secs: Some(at.offset().local_minus_utc()) }
        }
        (None, Some(local)) => Stamp::Zoneless { local, resolution, abbreviation: None },
        (None, None) => Stamp::Yearless { month: began.month, day: began.day, time: began.time, resolution },
    };
    // with -i an address stands in its place
    let kernel = Some(&found["kernel"]).filter(|it| it.parse::<std::net::IpAddr>().is_err());
    let first = match (found.name("iso"), found.name("day"), found.name("clock")) {
        (None, Some(day), Some(clock)) => format!("{} {}", day.as_str(), clock.as_str()),
        (iso, ..) => iso.map_or_else(String::new, |it| it.as_str().to_owned()),
    };
    let row = Row::new(&relation::BOOT).with("kernel", kernel).with("first", first).with("ending", ending);
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
            rows(FORMAT.samples[3]),
            ["unknown unknown 5.4.0-99-generic running", "unknown unknown 5.4.0-99-generic shutdown"]
        );
        assert_eq!(
            rows("reboot   system boot  4.4.0-104-generic Sun Jun 14 13:15:06 2020 - Sun Jun 14 14:00:00 2020  (00:45)\n"),
            ["unknown unknown 4.4.0-104-generic unknown"],
            "the newest of a file"
        );
    }

    #[test]
    fn how_a_boot_ended() {
        let of = |text: &str| -> Vec<String> {
            rows_of(&FORMAT, "x", text, "boot", ["ending"])
        };
        let boot = |stamp: &str, end: &str| format!("reboot   system boot  3.10.0-862.14.4. {stamp} {end}\n");
        let user = |end: &str| format!("root     pts/1        192.0.2.10   Wed Nov 21 10:07 {end}\n");
        let next = boot("Wed Nov 21 10:13", "- 13:13 (1107+02:59)");
        // where nothing was written of its end, the boot lasts until today
        assert_eq!(of(&(next.clone() + &boot("Wed Nov 21 10:06", "- 13:13 (1107+03:06)"))), ["unknown", "crash"]);
        assert_eq!(of(&(next.clone() + &boot("Wed Nov 21 10:06", "- 10:11  (00:05)"))), ["unknown", "shutdown"]);
        assert_eq!(of(&(next.clone() + &boot("Wed Nov 21 10:06", "- 10:13  (00:07)"))), ["unknown", "unknown"]);
        assert_eq!(of(&(next.clone() + &boot("Tue Dec 25 10:06", "- 10:13  (330+00:07)"))), ["unknown", "shutdown"]);
        assert_eq!(of(&(next.clone() + &boot("Tue Nov 20 10:06", "- 09:13  (-1:-07)"))), ["unknown", "unknown"]);
        assert_eq!(of(&(next.clone() + &user("- crash  (00:06)") + &boot("Wed Nov 21 10:06", "- 10:13  (00:07)"))), ["unknown", "crash"]);
        assert_eq!(of(&(next.clone() + &user("- down   (00:04)") + &boot("Wed Nov 21 10:06", "- 10:13  (00:07)"))), ["unknown", "shutdown"]);
        assert_eq!(of(&(next.clone() + &boot("Wed Nov 21 10:06", "  still running"))), ["unknown", "crash"]);
        let down = "shutdown system down  3.10.0-862.14.4. Wed Nov 21 10:03 - 10:06  (00:03)\n";
        let three = next + &boot("Wed Nov 21 10:06", "- 10:13  (00:07)") + down + &boot("Wed Nov 21 09:00", "- 10:03  (01:03)");
        assert_eq!(of(&three), ["unknown", "crash", "shutdown"], "-x shows all shutdowns");
        // over Feb 29 a day more or less is no proof
        let march = boot("Thu Mar  5 10:00", "  still running");
        assert_eq!(of(&(march.clone() + &boot("Thu Feb 20 10:00", "- 09:58 (13+23:58)"))), ["running", "unknown"]);
        assert_eq!(of(&(march + &boot("Thu Feb 20 10:00", "- 09:58 (12+23:58)"))), ["running", "shutdown"]);
    }

    #[test]
    fn stamps_of_every_form() {
        let text = "reboot   system boot  5.4.0-99-generic 2022-02-11T18:58:10+01:00   still running\nroot     tty1  2022-02-11T18:58:30+01:00 - crash  (00:11)\nreboot   system boot  0.0.0.0 2022-02-11T17:58:10+01:00 - 2022-02-11T18:30:00+01:00  (00:31)\n\nwtmp begins 2022-02-04T09:33:58+01:00\n";
        assert_eq!(rows(text), ["unknown unknown 5.4.0-99-generic running", "unknown unknown unknown crash"]);
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
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
