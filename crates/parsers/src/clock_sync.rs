//! `chronyc tracking`, `chronyc sources`, `ntpq -p`, `timedatectl show`: whether something keeps the clock of a node right.
//!
//! ```text
//! Reference ID    : CB00710F (foo.example.net)
//! System time     : 0.000006523 seconds slow of NTP time
//! ^* foo.example.net               2  10   377   292    +39us[  +49us] +/-   25ms
//! *10.0.0.1        .GPS.            1 u   61   64  377    0.512    0.042   0.011
//! ```
//!
//! Skipped: frequency, skew, dispersion. Units: seconds; positive offsets of the system clock mean that it is fast.
//! Time: `Ref time (UTC)` is when the clock was last set right.
//!
//! Source: `man 1 chronyc`, `man 1 ntpq`.

use chrono::{NaiveDateTime, TimeDelta};
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::state::{State, begins, first_line, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "clock-sync",
    produced_by: "chronyc tracking, chronyc sources [-v], ntpq -p, timedatectl show",
    samples: &[
        concat!(
            "Reference ID    : CB00710F (foo.example.net)\nStratum         : 3\n",
            "Ref time (UTC)  : Fri Jan 27 09:49:17 2017\nSystem time     : 0.000006523 seconds slow of NTP time\n",
            "Last offset     : -0.000006747 seconds\nRMS offset      : 0.000035822 seconds\n",
            "Leap status     : Normal\n",
        ),
        concat!(
            "210 Number of sources = 2\n",
            "MS Name/IP address         Stratum Poll Reach LastRx Last sample               \n",
            "===============================================================================\n",
            "^* foo.example.net               2  10   377   292    +39us[  +49us] +/-   25ms\n",
            "^? 10.0.0.9                      0  10     0     -     +0ns[   +0ns] +/-    0ns\n",
        ),
        concat!(
            "     remote           refid      st t when poll reach   delay   offset  jitter\n",
            "==============================================================================\n",
            "*10.0.0.1        .GPS.            1 u   61   64  377    0.512    0.042   0.011\n",
            " 10.0.0.9        .INIT.          16 u    -   64    0    0.000    0.000   0.000\n",
        ),
        "Timezone=Asia/Shanghai\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized=no\nTimeUSec=Fri 2022-02-11 19:23:40 UTC\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Clone, Copy)]
enum Kind {
    Tracking,
    Sources,
    Peers,
    /// `timedatectl show`
    Properties,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn kind(text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    let head = || text.lines().take(25);
    if first.starts_with("Reference ID ") && text.contains("\nStratum ") {
        Some(Kind::Tracking)
    } else if head().any(|it| begins(it, &["MS", "Name/IP", "address", "Stratum"])) {
        Some(Kind::Sources)
    } else if head().any(|it| begins(it, &["remote", "refid", "st", "t", "when"])) {
        Some(Kind::Peers)
    } else if first.starts_with("Timezone=") && text.contains("\nNTPSynchronized=") {
        Some(Kind::Properties)
    } else {
        None
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let Some(kind) = kind(input.text) else { return };
    let mut state = State::of(input, out);
    match kind {
        Kind::Tracking => {
            tracking(&mut state);
            state.collected(&relation::CLOCK_SYNC);
        }
        Kind::Sources => {
            state.each(source);
            state.collected(&relation::CLOCK_SOURCE);
        }
        Kind::Peers => {
            state.each(peer);
            state.collected(&relation::CLOCK_SOURCE);
        }
        Kind::Properties => {
            state.each(property);
            state.collected(&relation::CLOCK_SYNC);
        }
    }
}

/// `NTPSynchronized=no`, `Timezone=Asia/Shanghai`, `TimeUSec=Fri 2022-02-11 19:23:40 UTC`
fn property<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some((key, value)) = line.text.split_once('=') else { return false };
    match key {
        "NTPSynchronized" => {
            let row = Row::new(&relation::CLOCK_SYNC).with("service", "timedatectl").with("synchronized", value == "yes");
            state.push(row, line);
        }
        "Timezone" => state.push(Row::new(&relation::ZONE).with("name", value), line),
        // RTCTimeUSec is another clock
        "TimeUSec" => {
            let clock = value.split_once(' ').and_then(|(_, it)| NaiveDateTime::parse_from_str(it, "%Y-%m-%d %H:%M:%S UTC").ok());
            if let Some(at) = clock {
                let stamp = Stamp::Exact { at: at.and_utc(), resolution: TimeDelta::seconds(1), offset_secs: None };
                state.push_at(Row::new(&relation::COLLECTED).with("command", "timedatectl show"), line, stamp);
            }
        }
        _ => return key.bytes().all(|it| it.is_ascii_alphanumeric()),
    }
    true
}

fn tracking<'t>(state: &mut State<'_, 't, '_>) {
    let mut row = Row::new(&relation::CLOCK_SYNC).with("service", "chrony");
    let mut place: Option<Line<'t>> = None;
    let mut stamp = Stamp::None;
    state.each(|_, line| {
        let Some((key, value)) = line.text.split_once(':') else { return false };
        let value = value.trim();
        let old = std::mem::replace(&mut row, Row::new(&relation::CLOCK_SYNC));
        row = match key.trim() {
            "Reference ID" => {
                place.get_or_insert(*line);
                // `7F7F0101 ()`: chrony's own clock; `00000000 ()`: nothing at all
                let name = value.split_once('(').map(|(_, it)| it.trim_end_matches(')')).filter(|it| !it.is_empty());
                old.with("reference", name.or_else(|| value.split(' ').next()))
            }
            "Stratum" => old.with("stratum", value.parse::<i64>().ok()),
            "Ref time (UTC)" => {
                let at = NaiveDateTime::parse_from_str(value, "%a %b %e %H:%M:%S %Y").ok();
                // `Thu Jan 01 00:00:00 1970` means never
                if let Some(at) = at.map(|it| it.and_utc()).filter(|it| it.timestamp() > 86_400) {
                    stamp = Stamp::Exact { at, resolution: TimeDelta::seconds(1), offset_secs: None };
                }
                old
            }
            "System time" => {
                let mut cells = words(value);
                let secs = cells.next().and_then(|it| it.parse::<f64>().ok());
                let slow = cells.next() == Some("seconds") && cells.next() == Some("slow");
                place = Some(*line);
                old.with("offset_secs", secs.map(|it| if slow { -it } else { it }))
            }
            "Leap status" => {
                old.with("leap", value).with("synchronized", !value.eq_ignore_ascii_case("not synchronised"))
            }
            _ => old,
        };
        true
    });
    if let Some(line) = place {
        state.push_at(row, &line, stamp);
    }
}

/// `^* foo.example.net               2  10   377   292    +39us[  +49us] +/-   25ms`
fn source<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let text = line.text;
    let marks = text.as_bytes();
    let legend = text.starts_with(['.', '/', '|', ' ', '=', '2']) || begins(text, &["MS", "Name/IP"]);
    if marks.len() < 4 || !b"^=#".contains(&marks[0]) || !b"*+-?x~".contains(&marks[1]) {
        return legend;
    }
    let mode = match marks[0] {
        b'^' => "server",
        b'=' => "peer",
        _ => "reference-clock",
    };
    let condition = match marks[1] {
        b'*' => "selected",
        b'+' => "combined",
        b'?' => "unreachable",
        b'x' => "falseticker",
        b'~' => "variable",
        _ => "excluded",
    };
    let cells: Vec<&str> = words(&text[2..]).collect();
    let [name, stratum, _, reach, last, ..] = cells[..] else { return false };
    let sample = text.split('[').next().and_then(|it| words(it).last()).and_then(span_secs);
    let row = Row::new(&relation::CLOCK_SOURCE)
        .with("name", name)
        .with("mode", mode)
        .with("state", condition)
        .with("stratum", stratum.parse::<i64>().ok())
        .with("reach", i64::from_str_radix(reach, 8).ok())
        .with("last_rx_secs", age_secs(last))
        .with("offset_secs", sample);
    state.push(row, line);
    true
}

/// `*10.0.0.1        .GPS.            1 u   61   64  377    0.512    0.042   0.011`
fn peer<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let text = line.text;
    if begins(text, &["remote", "refid"]) {
        return true;
    }
    let condition = match text.as_bytes().first() {
        Some(b'*' | b'o') => "selected",
        Some(b'+') => "combined",
        Some(b'x') => "falseticker",
        Some(b'-' | b'.' | b'#') => "excluded",
        Some(b' ') => "unreachable",
        _ => return text.starts_with('='),
    };
    let cells: Vec<&str> = words(text.get(1..).unwrap_or_default()).collect();
    let [name, _, stratum, _, last, _, reach, _, offset, _] = cells[..] else { return false };
    let row = Row::new(&relation::CLOCK_SOURCE)
        .with("name", name)
        .with("mode", "server")
        .with("state", condition)
        .with("stratum", stratum.parse::<i64>().ok())
        .with("reach", i64::from_str_radix(reach, 8).ok())
        .with("last_rx_secs", age_secs(last))
        .with("offset_secs", offset.parse::<f64>().ok().map(|it| it / 1000.0));
    state.push(row, line);
    true
}

/// `+39us`, `-1234ms`, `+2s`
fn span_secs(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Some(digits.parse::<f64>().ok()? * scale)
}

/// `292`, `35m`, `2h`, `4d`
fn age_secs(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd', 'y']);
    let scale = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 31_536_000,
    };
    digits.parse::<i64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at};

    #[test]
    fn properties_of_timedatectl() {
        let text = FORMAT.samples[3];
        assert_eq!(crate::testing::sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
        let rows = |relation, column| crate::testing::rows_of(&FORMAT, "x", text, relation, [column]);
        assert_eq!(rows("clock.sync", "synchronized"), ["false"]);
        assert_eq!(rows("clock.zone", "name"), ["Asia/Shanghai"]);
        assert_eq!(rows("clock.collected", "command"), ["timedatectl show"]);
    }

    #[test]
    fn services_and_their_servers() {
        let rows = |text: &str, relation: &'static str| -> Vec<String> {
            let out = read_at(&FORMAT, "x", text);
            let cells = |it: &timeline::Fact| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            facts(&out, relation).map(|it| cells(it).replace("unknown", "-")).collect()
        };
        assert_eq!(rows(FORMAT.samples[0], "clock.sync"), ["chrony true foo.example.net 3 -0.000 Normal"]);
        let lost = FORMAT.samples[0].replace("Normal", "Not synchronised").replace("CB00710F (foo.example.net)", "00000000 ()");
        assert_eq!(rows(&lost, "clock.sync"), ["chrony false 00000000 3 -0.000 Not synchronised"]);
        assert_eq!(
            rows(FORMAT.samples[1], "clock.source"),
            ["foo.example.net server selected 2 255 292 0.000", "10.0.0.9 server unreachable 0 0 - 0"]
        );
        assert_eq!(
            rows(FORMAT.samples[2], "clock.source"),
            ["10.0.0.1 server selected 1 255 61 0.000", "10.0.0.9 server unreachable 16 0 - 0"]
        );
    }

    #[test]
    fn spans() {
        assert_eq!(span_secs("-1234ms"), Some(-1.234));
        assert_eq!((age_secs("35m"), age_secs("-"), span_secs("3")), (Some(2100), None, None));
    }
}
