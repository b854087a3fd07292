//! `uptime`, the first line of `w`, `/proc/uptime`: how long the machine is up and how much it has to do.
//!
//! ```text
//!  19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76
//! 1536.22 5713.31
//! ```
//!
//! One row each of `load` and `uptime`; `/proc/uptime` is known by its path and says only the second. Skipped: who is logged
//! in, how long processors were idle. Units: load averages, seconds. Time: none; a clock without a date is printed.
//!
//! Source: procps' library/uptime.c, BusyBox's procps/uptime.c, fs/proc/uptime.c of Linux.

use timeline::{MemberRecords, Row, relation};

use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "uptime",
    produced_by: "uptime, w, cat /proc/uptime",
    samples: &[
        " 19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76\n",
        concat!(
            " 19:23:40 up 12 days,  3:04,  1 user,  load average: 0.83, 0.73, 0.76\n",
            "USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n",
            "root     pts/0    10.0.0.9         19:20    1.00s  0.02s  0.00s w\n"
        ),
        "1536.22 5713.31\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let Some(first) = lines.next() else { return Certainty::No };
    let first = load(first).is_some() || sniff.file_name().contains("uptime") && kernel_seconds(first).is_some();
    // `top` begins alike and goes on otherwise
    match lines.next() {
        None if first && sniff.whole => Certainty::Sure,
        Some(header) if first && is_users(header) => Certainty::Sure,
        _ => Certainty::No,
    }
}

fn is_users(line: &str) -> bool {
    line.starts_with("USER ") && line.contains("LOGIN@")
}

/// ` 19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76`, also with commas for points
pub(crate) fn load(line: &str) -> Option<[f64; 3]> {
    let (head, averages) = line.split_once("load average: ")?;
    if !head.contains(" up ") || !head.trim_start().starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let mut numbers = averages.split(", ").map(|it| it.trim().replace(',', ".").parse::<f64>().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

/// `1536.22 5713.31` of `/proc/uptime`: seconds since boot, and those that all processors together were idle
fn kernel_seconds(line: &str) -> Option<i64> {
    let (up, idle) = line.trim().split_once(' ')?;
    let seconds = |it: &str| {
        let (whole, part) = it.split_once('.')?;
        let digits = part.len() == 2 && part.bytes().chain(whole.bytes()).all(|it| it.is_ascii_digit());
        whole.parse::<i64>().ok().filter(|_| digits)
    };
    seconds(idle).and(seconds(up))
}

/// `up 25 min,`, `up 3:04,`, `up 12 days,  3:04,`: to the minute
pub(crate) fn printed_seconds(line: &str) -> Option<i64> {
    let (_, rest) = line.split_once(" up ")?;
    let mut secs = 0_i64;
    for part in rest.split(',').map(str::trim).take(3) {
        let mut words = part.split_ascii_whitespace();
        let (first, unit) = (words.next()?, words.next());
        let number = first.parse::<i64>().ok().filter(|it| (0..1_000_000).contains(it));
        let clock = first.split_once(':').and_then(|(hours, minutes)| Some((hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?)));
        secs += match (number, unit, clock) {
            (Some(days), Some("day" | "days"), _) => days * 86_400,
            (Some(minutes), Some("min" | "mins" | "minutes"), _) => minutes * 60,
            (_, None, Some((hours, minutes))) if (0..100).contains(&hours) && (0..60).contains(&minutes) => hours * 3600 + minutes * 60,
            _ => break,
        };
    }
    (secs > 0 || rest.trim_start().starts_with("0 min")).then_some(secs)
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut users = false;
    let mut loads = false;
    state.each(|state, line| {
        if let Some(secs) = kernel_seconds(line.text) {
            state.push(Row::new(&relation::UPTIME).with("secs", secs), line);
            return true;
        }
        if let Some([one, five, fifteen]) = load(line.text) {
            state.push(Row::new(&relation::LOAD).with("one", one).with("five", five).with("fifteen", fifteen), line);
            if let Some(secs) = printed_seconds(line.text) {
                state.push(Row::new(&relation::UPTIME).with("secs", secs), line);
            }
            loads = true;
            return true;
        }
        users |= is_users(line.text);
        users
    });
    if loads {
        state.collected(&relation::LOAD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    #[test]
    fn how_long() {
        let secs = |path: &str, text: &str| -> Vec<String> {
            assert_eq!(sniff_certainty(&FORMAT, path, text), Certainty::Sure, "{text}");
            let out = read_at(&FORMAT, path, text);
            facts(&out, "uptime").map(|it| it.get("secs").to_string()).collect()
        };
        assert_eq!(secs("x", FORMAT.samples[0]), ["1500"]);
        assert_eq!(secs("x", FORMAT.samples[1]), [(12 * 86_400 + 3 * 3600 + 240).to_string()]);
        assert_eq!(secs("proc/uptime", FORMAT.samples[2]), ["1536"]);
        assert_eq!(secs("x", " 19:23:40 up  3:04,  1 user,  load average: 0.83, 0.73, 0.76\n"), ["11040"]);
        assert_eq!(sniff_certainty(&FORMAT, "proc/loadavg", FORMAT.samples[2]), Certainty::No);
        assert_eq!(sniff_certainty(&FORMAT, "uptime", "12 13\n"), Certainty::No);
    }

    #[test]
    fn three_averages() {
        let shown = |text: &str| -> Vec<String> {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            let out = read_at(&FORMAT, "x", text);
            facts(&out, "load").map(|it| ["one", "five", "fifteen"].map(|column| it.get(column).to_string()).join(" ")).collect()
        };
        assert_eq!(shown(FORMAT.samples[0]), ["0.830 0.730 0.760"]);
        assert_eq!(shown(FORMAT.samples[1]), ["0.830 0.730 0.760"]);
        assert_eq!(shown(" 19:23:40 up 1 day,  1 user,  load average: 1,5, 0,73, 0,76\n"), ["1.500 0.730 0.760"]);
        for text in ["the load average: 1, 2, 3\n", "9 nodes are up now\n", " 19:23:40 up 1 min, load average: 1, 2\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
        let Some(text) = sample("journal/public/hotsos-sosreports/kubernetes/uptime") else { return };
        assert_eq!(shown(&text).len(), 1);
    }
}
