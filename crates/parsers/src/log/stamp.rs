//! Stamps as logs print them, read by hand because every line has one.
//!
//! ```text
//! Jun 14 13:14:38                   month and day, no year, no zone
//! 2020-06-14T13:14:38.123456+08:00  all of it
//! 2020-06-14 13:14:38.123           a date without a zone
//! 1592140478.123456                 seconds since the epoch
//! ```
//!
//! Each function takes the bytes from the stamp on and returns it with its length. The resolution is that of the last
//! printed digit. A leap second is read as the second before it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use timeline::Stamp;

/// `13`
fn two(bytes: &[u8], at: usize) -> Option<u32> {
    let (a, b) = (bytes.get(at)?.wrapping_sub(b'0'), bytes.get(at + 1)?.wrapping_sub(b'0'));
    (a < 10 && b < 10).then(|| u32::from(a) * 10 + u32::from(b))
}

/// Digits up to the first other byte, at most 19 of them: the number and how many there were.
pub(super) fn digits(bytes: &[u8]) -> Option<(u64, usize)> {
    let len = bytes.iter().take(20).take_while(|it| it.is_ascii_digit()).count();
    if len == 0 || len > 19 {
        return None;
    }
    Some((bytes[..len].iter().fold(0u64, |sum, it| sum.wrapping_mul(10).wrapping_add(u64::from(it - b'0'))), len))
}

/// `.123456` after whole seconds: nanoseconds, the width of the last digit and the length with the point.
fn fraction(bytes: &[u8]) -> Option<(u32, TimeDelta, usize)> {
    if !matches!(bytes.first(), Some(b'.' | b',')) || !bytes.get(1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (mut number, mut digits) = bytes.get(1..9).and_then(eight).map_or((0, 0), |it| (it, 8));
    while let Some(digit) = bytes.get(1 + digits).map(|it| it.wrapping_sub(b'0')).filter(|it| *it < 10) {
        // digits behind the ninth are finer than we count
        if digits < 9 {
            number = number * 10 + u32::from(digit);
        }
        digits += 1;
    }
    let len = 1 + digits;
    let unit = UNITS[(len - 1).min(9)];
    Some((number * unit, TimeDelta::nanoseconds(i64::from(unit)), len))
}

/// Eight digits, all at once.
fn eight(bytes: &[u8]) -> Option<u32> {
    let all = u64::from_le_bytes(*bytes.first_chunk()?);
    let digits = all.wrapping_sub(0x3030_3030_3030_3030);
    // a byte above nine has one of its upper four bits set, or gets one by six more
    if (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0 != 0 {
        return None;
    }
    let pairs = (digits & 0x00ff_00ff_00ff_00ff) * 10 + (digits >> 8 & 0x00ff_00ff_00ff_00ff);
    let fours = (pairs & 0x0000_ffff_0000_ffff) * 100 + (pairs >> 16 & 0x0000_ffff_0000_ffff);
    Some(((fours & 0xffff_ffff) * 10_000 + (fours >> 32)) as u32)
}

/// Nanoseconds of the last of so many digits.
const UNITS: [u32; 10] = {
    let (mut units, mut at) = ([1_000_000_000; 10], 1);
    while at < 10 {
        units[at] = units[at - 1] / 10;
        at += 1;
    }
    units
};

/// `13:14:38`, `13:14:38.123456`
pub(crate) fn clock(bytes: &[u8]) -> Option<(NaiveTime, TimeDelta, usize)> {
    if bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (two(bytes, 0)?, two(bytes, 3)?, two(bytes, 6)?.min(60));
    let second = second.min(59);
    match fraction(&bytes[8..]) {
        Some((nanos, resolution, len)) => {
            Some((NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?, resolution, 8 + len))
        }
        None => Some((NaiveTime::from_hms_opt(hour, minute, second)?, TimeDelta::seconds(1), 8)),
    }
}

/// `2020-06-14`, `2020/06/14`
pub(crate) fn date(bytes: &[u8]) -> Option<NaiveDate> {
    if !matches!((bytes.get(4), bytes.get(7)), (Some(b'-'), Some(b'-')) | (Some(b'/'), Some(b'/'))) {
        return None;
    }
    let year = two(bytes, 0)? * 100 + two(bytes, 2)?;
    NaiveDate::from_ymd_opt(year as i32, two(bytes, 5)?, two(bytes, 8)?)
}

/// `Z`, `+0800`, `+08:00`, `-07`: seconds east of UTC and the length.
fn offset(bytes: &[u8]) -> Option<(i32, usize)> {
    let sign = match bytes.first()? {
        b'Z' | b'z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = two(bytes, 1)?;
    let (minutes, len) = match bytes.get(3) {
        Some(b':') => (two(bytes, 4)?, 6),
        _ => two(bytes, 3).map_or((0, 3), |it| (it, 5)),
    };
    (hours <= 15 && minutes < 60).then(|| (sign * (hours * 3600 + minutes * 60) as i32, len))
}

/// `2020-06-14T13:14:38.123456+08:00`, `2020-06-14 13:14:38.123Z`; without an offset the zone stays open.
pub(crate) fn dated(bytes: &[u8]) -> Option<(Stamp, usize)> {
    after_seconds(bytes, whole_seconds(bytes)?)
}

/// `@400000005fd2c0a51a2b3c4d`, `2021-11-22_10:00:04.12345`: what svlogd and multilog put in front of a line, in UTC.
pub(crate) fn supervised(bytes: &[u8]) -> Option<(Stamp, usize)> {
    if bytes.get(10) == Some(&b'_') {
        let (time, resolution, len) = clock(bytes.get(11..)?)?;
        let at = date(bytes)?.and_time(time).and_utc();
        return Some((Stamp::Exact { at, resolution, offset_secs: None }, 11 + len));
    }
    let label = bytes.strip_prefix(b"@")?.get(..24)?;
    let hex =
        |part: &[u8]| part.iter().try_fold(0u64, |sum, it| Some(sum << 4 | u64::from(char::from(*it).to_digit(16)?)));
    // both count ten seconds from TAI to UTC at the epoch, and no leap second since
    let seconds = hex(&label[..16])?.checked_sub((1 << 62) + 10)?;
    let nanos = u32::try_from(hex(&label[16..])?).ok().filter(|it| *it < 1_000_000_000)?;
    let at = DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)?;
    Some((Stamp::Exact { at, resolution: TimeDelta::nanoseconds(1), offset_secs: None }, 25))
}

/// Bytes of `2020-06-14T13:14:38`.
const SECONDS: usize = 19;

/// `2020-06-14T13:14:38`
fn whole_seconds(bytes: &[u8]) -> Option<NaiveDateTime> {
    let day = date(bytes)?;
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let (time, _, _) = clock(bytes.get(11..SECONDS)?)?;
    Some(day.and_time(time))
}

/// What follows the whole seconds of a date: their parts and the zone.
fn after_seconds(bytes: &[u8], seconds: NaiveDateTime) -> Option<(Stamp, usize)> {
    let (local, resolution, len) = match fraction(&bytes[SECONDS..]) {
        Some((nanos, resolution, len)) => (seconds.with_nanosecond(nanos)?, resolution, SECONDS + len),
        None => (seconds, TimeDelta::seconds(1), SECONDS),
    };
    let Some((secs, more)) = offset(&bytes[len..]) else {
        return Some((Stamp::Zoneless { local, resolution, abbreviation: None }, len));
    };
    let at = match secs {
        0 => local.and_utc(),
        _ => local.checked_sub_signed(TimeDelta::seconds(i64::from(secs)))?.and_utc(),
    };
    // `Z` is what programs write that ignore the zone of their node
    let stated = !matches!(bytes[len], b'Z' | b'z');
    Some((Stamp::Exact { at, resolution, offset_secs: stated.then_some(secs) }, len + more))
}

/// Bytes of `2020-06-14T13:14:`.
const MINUTE: usize = 17;

/// Reads dates of lines that mostly share their minute with the line before.
#[derive(Default)]
pub(crate) struct Dates {
    last: Option<([u8; MINUTE], NaiveDateTime)>,
}

impl Dates {
    /// As [`dated`].
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Option<(Stamp, usize)> {
        let front = bytes.first_chunk::<MINUTE>()?;
        let seconds = match self.last {
            Some((text, minute)) if text == *front => minute.with_second(two(bytes, MINUTE)?.min(59))?,
            _ => {
                let seconds = whole_seconds(bytes)?;
                self.last = Some((*front, seconds));
                seconds
            }
        };
        after_seconds(bytes, seconds)
    }
}

/// `38`, `38.123456`: the second of a minute of which some time is known.
pub(super) fn within_minute(bytes: &[u8], of: NaiveTime) -> Option<(NaiveTime, TimeDelta, usize)> {
    let second = two(bytes, 0)?.min(59);
    let (nanos, resolution, len) = fraction(&bytes[2..]).unwrap_or((0, TimeDelta::seconds(1), 0));
    Some((of.with_second(second)?.with_nanosecond(nanos)?, resolution, 2 + len))
}

/// Bytes of `Jun 14 13:14:`.
const SHORT_MINUTE: usize = 13;

/// Reads stamps without a year of lines that mostly share their minute with the line before.
#[derive(Default)]
pub(crate) struct Yearless {
    /// The minute as printed, its month and day, and a time in it.
    last: Option<([u8; SHORT_MINUTE], (u32, u32), NaiveTime)>,
}

impl Yearless {
    /// As [`yearless`].
    pub(crate) fn read(&mut self, text: &str) -> Option<(Stamp, usize)> {
        let bytes = text.as_bytes();
        let front = bytes.first_chunk::<SHORT_MINUTE>();
        if let (Some((minute, (month, day), time)), Some(front)) = (&self.last, front)
            && minute == front
            && let Some((time, resolution, len)) = within_minute(&bytes[SHORT_MINUTE..], *time)
        {
            let stamp = Stamp::Yearless { month: *month, day: *day, time, resolution };
            return Some((stamp, SHORT_MINUTE + len));
        }
        let found = yearless(text)?;
        if let (Stamp::Yearless { month, day, time, .. }, Some(front)) = (&found.0, front)
            && [front[3], front[6], front[9], front[12]] == *b"  ::"
        {
            self.last = Some((*front, (*month, *day), *time));
        }
        Some(found)
    }
}

/// `Jun 14 13:14:38`, `Jun  4 13:14:38.123456`, `6月 14 21:14:31`, `févr. 03 10:00:00`, `Nov 20 2026 10:00:00`
pub(crate) fn yearless(text: &str) -> Option<(Stamp, usize)> {
    let bytes = text.as_bytes();
    let (month, mut at) = match english(bytes) {
        Some(month) if bytes.get(3) == Some(&b' ') => (month, 4),
        _ => foreign(text)?,
    };
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    let (day, len) = digits(bytes.get(at..)?)?;
    if !(1..=31).contains(&day) || len > 2 || bytes.get(at + len) != Some(&b' ') {
        return None;
    }
    at += len + 1;
    // Cisco and some forwarders print the year between day and time
    let year = match digits(&bytes[at..]) {
        Some((year, 4)) if bytes.get(at + 4) == Some(&b' ') => {
            at += 5;
            Some(year as i32)
        }
        _ => None,
    };
    let (time, resolution, len) = clock(&bytes[at..])?;
    let stamp = match year {
        Some(year) => {
            let local = NaiveDate::from_ymd_opt(year, month, day as u32)?.and_time(time);
            Stamp::Zoneless { local, resolution, abbreviation: None }
        }
        None => Stamp::Yearless { month, day: day as u32, time, resolution },
    };
    Some((stamp, at + len))
}

/// `Jun`
fn english(bytes: &[u8]) -> Option<u32> {
    const NAMES: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let name = bytes.get(..3)?;
    NAMES.iter().position(|it| it.as_slice() == name).map(|at| at as u32 + 1)
}

/// Months as `%b` prints them in other languages, without the dot some add; what two languages share means the same.
const MONTHS: [&[&str]; 12] = [
    &["jan", "janv", "jän", "ene", "gen", "янв", "sty"],
    &["feb", "févr", "fév", "fev", "фев", "lut"],
    &["mar", "mars", "mär", "märz", "mrz", "mrt", "мар", "мара", "марта"],
    &["apr", "avr", "avril", "abr", "апр", "kwi"],
    &["may", "mai", "mag", "mei", "май", "мая", "maj"],
    &["jun", "juin", "juni", "giu", "июн", "июня", "cze"],
    &["jul", "juil", "juill", "juli", "lug", "июл", "июля", "lip"],
    &["aug", "août", "aout", "ago", "авг", "sie"],
    &["sep", "sept", "set", "сен", "сент", "wrz"],
    &["oct", "okt", "out", "ott", "окт", "paź"],
    &["nov", "ноя", "нояб", "lis"],
    &["dec", "déc", "dez", "dic", "дек", "gru"],
];

/// `6月 `, ` 6月 `, `6월 `, `juin `, `févr. `: the month and the length up to the day.
fn foreign(text: &str) -> Option<(u32, usize)> {
    let start = usize::from(text.starts_with(' '));
    let word = text.get(start..)?.split(' ').next()?;
    if word.is_empty() || word.len() > 16 {
        return None;
    }
    if let Some(number) = word.strip_suffix('月').or_else(|| word.strip_suffix('월')) {
        let month = number.parse().ok().filter(|it| (1..=12).contains(it))?;
        return Some((month, start + word.len()));
    }
    if start != 0 || word.starts_with(|it: char| !it.is_alphabetic()) {
        return None;
    }
    let plain = word.trim_end_matches('.').to_lowercase();
    let month = MONTHS.iter().position(|names| names.contains(&plain.as_str()))?;
    Some((month as u32 + 1, word.len()))
}

/// `1592140471.000000`
pub(crate) fn epoch(bytes: &[u8]) -> Option<(Stamp, usize)> {
    let (secs, len) = digits(bytes)?;
    let (nanos, resolution, more) = fraction(&bytes[len..])?;
    let at = DateTime::from_timestamp(i64::try_from(secs).ok()?, nanos)?;
    Some((Stamp::Exact { at, resolution, offset_secs: None }, len + more))
}

/// `4301.999258`: microseconds of a clock that started at zero.
pub(crate) fn micros(bytes: &[u8]) -> Option<(u64, usize)> {
    let (secs, len) = digits(bytes)?;
    let (nanos, _, more) = fraction(&bytes[len..])?;
    Some((secs.checked_mul(1_000_000)?.checked_add(u64::from(nanos / 1000))?, len + more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_seconds_of_any_length_and_behind_any_byte() {
        let text = ".12345678901 .7:.1234567Z.12345678Z.123456789Z.12345678\u{ff}.1234567/.00000000,12a.";
        for at in 0..text.len() {
            let bytes = &text.as_bytes()[at..];
            let digits: String =
                bytes[1..].iter().map_while(|it| it.is_ascii_digit().then(|| char::from(*it))).collect();
            let expected = (matches!(bytes[0], b'.' | b',') && !digits.is_empty()).then(|| {
                let nine = format!("{digits:0<9}")[..9].parse::<u32>().expect("nine digits");
                (nine, TimeDelta::nanoseconds(10i64.pow(9 - digits.len().min(9) as u32)), 1 + digits.len())
            });
            assert_eq!(fraction(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_is_remembered_of_the_line_before_changes_nothing() {
        let short = [
            "Jun 14 13:14:38 a",
            "Jun 14 13:14:39 a",
            "Jun 14 13:14:40.123456 a",
            "Jun 14 13:14:60 a",
            "Jun 14 13:14:4x a",
            "Jun 14 13:14:",
            "Jun  4 13:14:07 a",
            "Jun  4 13:14:08.5 a",
            "Jun 4 13:14:08 a",
            "Jun 4 13:14:09 a",
            "juin 14 13:14:09 a",
            "Jun 14 2026 13:14:09",
            "Jun 14 2026 13:14:10",
            "6\u{6708} 14 13:14:10",
            "",
        ];
        let mut minutes = Yearless::default();
        for text in short.iter().chain(&short) {
            assert_eq!(minutes.read(text), yearless(text), "{text}");
        }
        let long = [
            "2020-06-14T13:14:38Z",
            "2020-06-14T13:14:39.123456789+08:00",
            "2020-06-14T13:14:60-0700 x",
            "2020-06-14T13:14:4",
            "2020-06-14T13:14:",
            "2020-06-14 13:14:38",
            "2020-06-14 13:14:39,5",
            "2020/06/14 13:14:38.000 ",
            "2020-06-14T13:14:xxZ",
            "2020-13-14T13:14:38Z",
            "2020-06-14T13:14:38.12345678901234567890Z",
            "",
        ];
        let mut minutes = Dates::default();
        for text in long.iter().chain(&long) {
            assert_eq!(minutes.read(text.as_bytes()), dated(text.as_bytes()), "{text}");
        }
    }

    /// What glibc prints for `%b` in twelve months, for the languages that are promised.
    #[test]
    fn months_of_ten_languages() {
        let languages = [
            ("de", "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez"),
            ("fr", "janv. févr. mars avril mai juin juil. août sept. oct. nov. déc."),
            ("es", "ene feb mar abr may jun jul ago sep oct nov dic"),
            ("pt", "jan fev mar abr mai jun jul ago set out nov dez"),
            ("it", "gen feb mar apr mag giu lug ago set ott nov dic"),
            ("ru", "янв фев мар апр мая июн июл авг сен окт ноя дек"),
            ("nl", "jan feb mrt apr mei jun jul aug sep okt nov dec"),
            ("pl", "sty lut mar kwi maj cze lip sie wrz paź lis gru"),
            ("zh", "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月"),
            ("ja", "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月"),
        ];
        for (language, months) in languages {
            let found: Vec<u32> = months
                .split(' ')
                .filter_map(|it| match yearless(&format!("{it} 14 13:14:38 host"))? {
                    (Stamp::Yearless { month, day: 14, .. }, _) => Some(month),
                    _ => None,
                })
                .collect();
            assert_eq!(found, (1..=12).collect::<Vec<u32>>(), "{language}");
        }
    }

    fn shown(found: Option<(Stamp, usize)>) -> String {
        match found {
            None => "-".to_owned(),
            Some((Stamp::Exact { at, resolution, offset_secs }, len)) => {
                format!("{} ±{}ns {offset_secs:?} {len}", at.naive_utc(), resolution.num_nanoseconds().unwrap())
            }
            Some((Stamp::Zoneless { local, resolution, .. }, len)) => {
                format!("{local} local ±{}ns {len}", resolution.num_nanoseconds().unwrap())
            }
            Some((Stamp::Yearless { month, day, time, .. }, len)) => format!("{month:02}-{day:02} {time} {len}"),
            Some((other, len)) => format!("{other:?} {len}"),
        }
    }

    #[test]
    fn months_of_nine_languages() {
        for (text, month) in [
            ("Jun 14 13:14:38 x", 6),
            ("Jun  4 13:14:38.123456 x", 6),
            ("6月 14 21:14:31 x", 6),
            (" 6月 14 21:14:31 x", 6),
            ("12월 14 21:14:31 x", 12),
            ("juin 14 21:14:31 x", 6),
            ("août 19 11:08:37 x", 8),
            ("févr. 03 11:08:37 x", 2),
            ("Mär 03 11:08:37 x", 3),
            ("Dez 03 11:08:37 x", 12),
            ("ene 03 11:08:37 x", 1),
            ("июн 03 11:08:37 x", 6),
            ("set 03 11:08:37 x", 9),
        ] {
            let Some((Stamp::Yearless { month: found, .. }, len)) = yearless(text) else { panic!("{text}") };
            assert_eq!((found, &text[len..]), (month, " x"), "{text}");
        }
    }

    #[test]
    fn dates_with_and_without_a_zone() {
        insta::assert_snapshot!(
            [
                "2020-06-14T13:14:38+0800 h",
                "2020-06-14T13:14:38.123456-07:00 h",
                "2023-07-23T13:50:05.200180569Z std",
                "2021-09-14 14:14:07.889940658Z",
                "2023-07-23 22:13:40.123 [INFO]",
                "2018/06/15 08:13:40 x",
                "2020-02-30T00:00:00Z",
                "2020-06-14T13:14:60Z",
                "2020-06-14",
            ]
            .map(|it| shown(dated(it.as_bytes())))
            .join("\n"),
            @r"
        2020-06-14 05:14:38 ±1000000000ns Some(28800) 24
        2020-06-14 20:14:38.123456 ±1000ns Some(-25200) 32
        2023-07-23 13:50:05.200180569 ±1ns None 30
        2021-09-14 14:14:07.889940658 ±1ns None 30
        2023-07-23 22:13:40.123 local ±1000000ns 23
        2018-06-15 08:13:40 local ±1000000000ns 19
        -
        2020-06-14 13:14:59 ±1000000000ns None 20
        -
        "
        );
        assert_eq!(shown(yearless("Nov 20 2026 10:00:00: %SYS")), "2026-11-20 10:00:00 local ±1000000000ns 20");
        assert_eq!(shown(epoch(b"1592140471.002000 node")), "2020-06-14 13:14:31.002 ±1000ns None 17");
        assert_eq!(micros(b"4301.999258] x"), Some((4_301_999_258, 11)));
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        for text in ["", "Jun", "Jun 32 10:00:00", "Jun 14 25:00:00", "Juniper 14 10:00:00", "  Jun 14 10:00:00", "6月"]
        {
            assert_eq!(yearless(text), None, "{text}");
        }
        assert_eq!(epoch(b"99999999999999999999.0"), None);
        assert_eq!(micros(b"18446744073709551615.0"), None);
    }
}
