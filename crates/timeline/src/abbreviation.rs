//! Abbreviations of zones, as `date` and journals print them: `CEST` is one offset wherever it stands, `IST` is three.
//!
//! What has one meaning is taken. What has several is a hint, which settles the zone where something else agrees with one of
//! them: the other nodes say, or stamps in UTC that the clock cannot have been behind. Else it is the error of a guess. `EST`
//! is printed in America only by whoever has a zone database of this decade, and is read so; the others are read as UTC.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

const HALF_HOUR: i32 = 1800;
const HOUR: i32 = 3600;

/// Those that mean one offset wherever they are printed.
const SURE: &[(&str, i32)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", HOUR),
    ("WAT", HOUR),
    ("CET", HOUR),
    ("CEST", 2 * HOUR),
    ("CAT", 2 * HOUR),
    ("SAST", 2 * HOUR),
    ("EET", 2 * HOUR),
    ("EEST", 3 * HOUR),
    ("EAT", 3 * HOUR),
    ("MSK", 3 * HOUR),
    ("PKT", 5 * HOUR),
    ("WIB", 7 * HOUR),
    ("HKT", 8 * HOUR),
    ("SGT", 8 * HOUR),
    ("AWST", 8 * HOUR),
    ("JST", 9 * HOUR),
    ("KST", 9 * HOUR),
    ("ACST", 9 * HOUR + HALF_HOUR),
    ("ACDT", 10 * HOUR + HALF_HOUR),
    ("AEST", 10 * HOUR),
    ("AEDT", 11 * HOUR),
    ("NZST", 12 * HOUR),
    ("NZDT", 13 * HOUR),
    ("NDT", -2 * HOUR - HALF_HOUR),
    ("NST", -3 * HOUR - HALF_HOUR),
    ("ADT", -3 * HOUR),
    ("EDT", -4 * HOUR),
    ("CDT", -5 * HOUR),
    ("MDT", -6 * HOUR),
    ("PDT", -7 * HOUR),
    ("PST", -8 * HOUR),
    ("AKDT", -8 * HOUR),
    ("AKST", -9 * HOUR),
    ("HST", -10 * HOUR),
];

/// Those that mean several: America, Australia before 2014; America, China, Cuba; India, Israel, Ireland; Britain,
/// Bangladesh, Bougainville; America, Arabia; America, Malaysia; Samoa, Singapore.
const UNSURE: &[(&str, &[i32])] = &[
    ("EST", &[-5 * HOUR, 10 * HOUR, 11 * HOUR]),
    ("CST", &[-6 * HOUR, 8 * HOUR, -5 * HOUR]),
    ("IST", &[5 * HOUR + HALF_HOUR, 2 * HOUR, HOUR]),
    ("BST", &[HOUR, 6 * HOUR, 11 * HOUR]),
    ("AST", &[-4 * HOUR, 3 * HOUR]),
    ("MST", &[-7 * HOUR, 8 * HOUR]),
    ("SST", &[-11 * HOUR, 8 * HOUR]),
];

/// Those of them that are read as the first.
const USUAL: &[&str] = &["EST", "MST"];

/// The offset an abbreviation stands for, where it stands for one only. Zones without letters of their own are printed as
/// their offset: `+08`, `-0330`.
pub(crate) fn offset(name: &str) -> Option<i32> {
    SURE.iter().find(|(it, _)| *it == name).map(|(_, offset)| *offset).or_else(|| numeric(name))
}

/// `+08`, `-0330`
fn numeric(name: &str) -> Option<i32> {
    let (sign, digits) = match name.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..).filter(|it| !it.is_empty()).map_or(Ok(0), str::parse).ok()?;
    (hours <= 14 && minutes < 60).then_some(sign * (hours * HOUR + minutes * 60))
}

/// Of several offsets that an ambiguous abbreviation may stand for the one to read it as, and what it may be instead.
pub(crate) fn read_as(name: &str, offsets: &[i32]) -> (i32, Vec<i32>) {
    match offsets.split_first() {
        Some((first, others)) if USUAL.contains(&name) => (*first, others.to_vec()),
        _ => (0, offsets.to_vec()),
    }
}

/// The offsets an ambiguous abbreviation may stand for.
pub(crate) fn offsets(name: &str) -> &'static [i32] {
    UNSURE.iter().find(|(it, _)| *it == name).map_or(&[], |(_, offsets)| offsets)
}

/// `date` is asked last or nearly so: other stamps may be this much later,
const AFTER_SECS: i64 = 120;
/// and a machine that says nothing for so long before it is asked is rare.
const BEFORE_SECS: i64 = 6 * 3600;

/// Of several offsets of a clock that was read at collection those that fit the last stamp of the node that is known in UTC:
/// nothing is logged after it was collected, and little time before. All of them where none does.
pub(crate) fn fitting(offsets: &[i32], read: NaiveDateTime, last: DateTime<Utc>) -> Vec<i32> {
    let fits = |offset: &&i32| {
        let at = read.checked_sub_signed(TimeDelta::seconds(i64::from(**offset)));
        let since = at.map(|it| (it.and_utc() - last).num_seconds());
        since.is_some_and(|it| (-AFTER_SECS..=BEFORE_SECS).contains(&it))
    };
    let found: Vec<i32> = offsets.iter().filter(fits).copied().collect();
    if found.is_empty() { offsets.to_vec() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meaning_several_and_none() {
        assert_eq!((offset("CEST"), offset("JST"), offset("EST")), (Some(7200), Some(32_400), None));
        assert_eq!((offset("+08"), offset("-0330"), offset("+0545")), (Some(28_800), Some(-12_600), Some(20_700)));
        for odd in ["", "+", "+8", "+99", "+0860", "é8", "+é1", "-", "LMT"] {
            assert_eq!(offset(odd), None, "{odd}");
        }
        assert_eq!(offsets("IST"), [19_800, 7200, 3600]);
        assert!(offsets("CEST").is_empty());
        assert_eq!(read_as("EST", offsets("EST")), (-18_000, vec![36_000, 39_600]));
        assert_eq!(read_as("CST", &[-21_600, -18_000]), (0, vec![-21_600, -18_000]));
        assert!(UNSURE.iter().all(|it| offset(it.0).is_none() && it.1.len() > 1));
    }

    #[test]
    fn what_a_stamp_in_utc_leaves() {
        let read = |text: &str| text.parse::<NaiveDateTime>().expect("a time");
        let last = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
        let of = |name: &str, at: &str, utc: &str| fitting(offsets(name), read(at), last(utc));
        assert_eq!(of("EST", "2025-01-01T05:00:00", "2025-01-01T09:58:10Z"), [-18_000]);
        assert_eq!(of("EST", "2025-01-01T05:00:00", "2024-12-31T18:59:30Z"), [36_000, 39_600][..1]);
        assert_eq!(of("CST", "2025-01-01T05:00:00", "2025-01-01T09:59:00Z"), [-21_600, -18_000]);
        // nothing fits: nothing is excluded
        assert_eq!(of("IST", "2025-01-01T05:00:00", "2024-12-01T09:59:00Z"), offsets("IST"));
    }
}
