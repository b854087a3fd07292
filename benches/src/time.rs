//! Stamps as logs print them, from milliseconds since 1970.

use std::io::Write as _;

use chrono::{DateTime, Datelike, Timelike, Utc};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn of(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

/// `2023-07-23T22:09:04.117Z` with so many digits behind the point.
pub(crate) fn iso(at: i64, zone: &str, digits: usize, out: &mut Vec<u8>) {
    let it = of(at);
    let (year, month, day) = (it.year(), it.month(), it.day());
    let _ = write!(out, "{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}", it.hour(), it.minute(), it.second());
    let nanos = (at % 1000) as u64 * 1_000_000 + (at as u64).wrapping_mul(2_654_435_761) % 1_000_000;
    match digits {
        0 => {}
        3 => _ = write!(out, ".{:03}", nanos / 1_000_000),
        6 => _ = write!(out, ".{:06}", nanos / 1000),
        _ => _ = write!(out, ".{nanos:09}"),
    }
    out.extend_from_slice(zone.as_bytes());
}

/// `Jul 23 22:09:04`
pub(crate) fn short(at: i64, out: &mut Vec<u8>) {
    let it = of(at);
    let month = MONTHS[it.month0() as usize];
    let _ = write!(out, "{month} {:02} {:02}:{:02}:{:02}", it.day(), it.hour(), it.minute(), it.second());
}

/// `0723 22:09:04.117310`
pub(crate) fn klog(at: i64, out: &mut Vec<u8>) {
    let it = of(at);
    let micros = at % 1000 * 1000 + (at.wrapping_mul(7919) % 1000).abs();
    let _ = write!(
        out,
        "{:02}{:02} {:02}:{:02}:{:02}.{micros:06}",
        it.month(),
        it.day(),
        it.hour(),
        it.minute(),
        it.second()
    );
}

/// `23/Jul/2023:22:09:04 +0000`
pub(crate) fn clf(at: i64, out: &mut Vec<u8>) {
    let it = of(at);
    let (day, month, year) = (it.day(), MONTHS[it.month0() as usize], it.year());
    let _ = write!(out, "{day:02}/{month}/{year}:{:02}:{:02}:{:02} +0000", it.hour(), it.minute(), it.second());
}
