//! Rewrites the times that stand in log text, for variants of an incident.
//!
//! ```text
//! Jul 23 22:09:04 node-xx kubelet[2817]: I0723 22:09:04.117310    2817 prober.go:117] …
//! 2023-07-23T22:09:04.117310+08:00 node-xx kubelet[2817]: …
//! ```
//!
//! Known are the stamps of syslog and `journalctl`, ISO 8601 and klog. Numbers since the epoch, as metrics have them, stay.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta};
use regex::bytes::{Captures, Regex};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Stamps that print no year are moved within this one: a leap year, so that every date exists.
const SOME_LEAP_YEAR: i32 = 2024;

/// A stamp at the start of a line that names the year, as `journalctl -o short-iso` and syslog write it, and the host.
static DATED_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(\d{4})-(\d\d)-(\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)? (\S+ [\w./@-]+(?:\[\d+\])?: )")
        .expect("it is sound")
});

static STAMP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<iso>\b(?P<iy>\d{4})-(?P<im>\d\d)-(?P<id>\d\d)(?P<sep>[T ])(?P<it>\d\d:\d\d:\d\d))",
        r"|(?m:^)(?P<sys>(?P<sm>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?P<sd>[ \d]\d) (?P<st>\d\d:\d\d:\d\d))",
        r"|\b(?P<klog>(?P<kl>[IWEF])(?P<km>\d\d)(?P<kd>\d\d) (?P<kt>\d\d:\d\d:\d\d))",
    ))
    .expect("it is sound")
});

/// `2023-07-23T22:09:04.117+08:00 node-xx kubelet[1]: …` becomes `Jul 23 22:09:04 node-xx kubelet[1]: …`.
pub(crate) fn without_years(text: &[u8]) -> Vec<u8> {
    let dated = |found: &Captures<'_>| {
        let part = |at: usize| String::from_utf8_lossy(&found[at]).into_owned();
        let month = part(2).parse::<usize>().ok().and_then(|it| MONTHS.get(it.wrapping_sub(1)));
        match month {
            Some(month) => {
                format!("{month} {:>2} {} {}", part(3).trim_start_matches('0'), part(4), part(5)).into_bytes()
            }
            None => found[0].to_vec(),
        }
    };
    DATED_LINE.replace_all(text, dated).into_owned()
}

/// Every stamp of a log, some seconds later.
pub(crate) fn shifted(text: &[u8], secs: i64) -> Vec<u8> {
    let moved = |found: &Captures<'_>| {
        let part = |name: &str| found.name(name).map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
        let number = |name: &str| part(name).and_then(|it| it.trim().parse::<u32>().ok());
        let later = |year: i32, month: u32, day: u32, time: &str| -> Option<NaiveDateTime> {
            let time = chrono::NaiveTime::parse_from_str(time, "%H:%M:%S").ok()?;
            let stamp = NaiveDate::from_ymd_opt(year, month, day)?.and_time(time);
            stamp.checked_add_signed(TimeDelta::seconds(secs))
        };
        let rewritten = if found.name("iso").is_some() {
            let stamp = number("iy").zip(number("im")).zip(number("id"));
            stamp.and_then(|((year, month), day)| later(i32::try_from(year).ok()?, month, day, &part("it")?)).map(
                |it| format!("{}{}{}", it.format("%Y-%m-%d"), part("sep").unwrap_or_default(), it.format("%H:%M:%S")),
            )
        } else if found.name("sys").is_some() {
            let month = part("sm").and_then(|it| MONTHS.iter().position(|name| *name == it));
            month
                .zip(number("sd"))
                .and_then(|(month, day)| later(SOME_LEAP_YEAR, u32::try_from(month).ok()? + 1, day, &part("st")?))
                .map(|it| format!("{} {:>2} {}", MONTHS[it.month0() as usize], it.day(), it.format("%H:%M:%S")))
        } else {
            let stamp = number("km").zip(number("kd"));
            stamp
                .and_then(|(month, day)| later(SOME_LEAP_YEAR, month, day, &part("kt")?))
                .map(|it| format!("{}{}", part("kl").unwrap_or_default(), it.format("%m%d %H:%M:%S")))
        };
        rewritten.map_or_else(|| found[0].to_vec(), String::into_bytes)
    };
    STAMP.replace_all(text, moved).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_move_together() {
        let text =
            b"Jul 31 23:59:04 n kubelet[1]: I0731 23:59:04.1 1 a.go:1] at 2023-07-31T23:59:04.1+08:00, 1690120830\n";
        let moved =
            b"Aug  1 00:00:04 n kubelet[1]: I0801 00:00:04.1 1 a.go:1] at 2023-08-01T00:00:04.1+08:00, 1690120830\n";
        assert_eq!(String::from_utf8_lossy(&shifted(text, 60)), String::from_utf8_lossy(moved));
        let odd = b"Feb 30 10:00:00 stays, 2023-13-40 10:00:00 as well";
        assert_eq!(shifted(odd, 60), odd);
    }

    #[test]
    fn years_go_from_logs_only() {
        let text = b"2023-07-03T22:09:04.117+0800 n kernel: x\n2023-07-03T22:09:04Z stderr F no syslog\n";
        let bare = b"Jul  3 22:09:04 n kernel: x\n2023-07-03T22:09:04Z stderr F no syslog\n";
        assert_eq!(String::from_utf8_lossy(&without_years(text)), String::from_utf8_lossy(bare));
    }
}
