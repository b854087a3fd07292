//! One line of `dmesg`, in any of its modes.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use timeline::Stamp;

use crate::kernel;

/// How a line says when.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum When {
    /// `[    4.274377]`, microseconds since boot.
    Kernel(u64),
    /// `[<    0.037809>]`: so long after the line before, which tells no time: dmesg counts from the first stamp that is
    /// not zero, and does not print that one.
    Since,
    /// `[  +0.037809]`: the same, within the minute printed last.
    Later,
    /// `[Nov20 09:59]`: a new minute.
    Minute(Stamp),
    /// `[Fri Nov 20 09:59:59 2026]`, `[Fri Nov 20 09:59:59 2026 <    0.037809>]` or `2026-11-20T09:59:55,685619+00:00`: computed
    /// by dmesg when it ran.
    Wall(Stamp),
}

/// A line, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parsed<'t> {
    pub(super) when: When,
    /// Facility times eight plus level.
    pub(super) pri: Option<u32>,
    /// The message; the kernel's caller, where printed, stands in front as `[   T12] `.
    pub(super) text: Cow<'t, str>,
    /// Width of what stood before the message: continuation lines are indented by it.
    pub(super) width: usize,
    /// Number of the record, where printed.
    pub(super) number: Option<u64>,
    /// Whether it goes on with a record that netconsole cut into pieces.
    pub(super) piece: bool,
}

/// Takes a line apart, if it has the shape of any mode.
pub(super) fn parse(line: &str) -> Option<Parsed<'_>> {
    match line.as_bytes().first()? {
        b'[' => bracket(line).map(|(when, text)| parsed(line, when, None, text)),
        b'<' => {
            let (pri, rest) = kernel::priority(line)?;
            let (when, text) = bracket(rest)?;
            Some(parsed(line, when, Some(pri), text))
        }
        b'0'..=b'9' => iso(line).map(|(when, text)| parsed(line, when, None, text)).or_else(|| record(line)),
        b'a'..=b'z' => {
            let (pri, rest) = decoded(line)?;
            let (when, text) = bracket(rest).or_else(|| iso(rest))?;
            Some(parsed(line, when, Some(pri), text))
        }
        _ => None,
    }
}

fn parsed<'t>(line: &str, when: When, pri: Option<u32>, text: &'t str) -> Parsed<'t> {
    let message = kernel::caller(text).map_or(text, |(_, it)| it.strip_prefix(' ').unwrap_or(it));
    Parsed { when, pri, text: text.into(), width: line.len() - message.len(), number: None, piece: false }
}

/// `[    4.274377] text`, and every other bracket dmesg knows.
fn bracket(line: &str) -> Option<(When, &str)> {
    let line = line.strip_prefix('[')?;
    let close = memchr::memchr(b']', line.as_bytes())?;
    let (inside, rest) = (&line[..close], &line[close + 1..]);
    let when = if inside.bytes().next()?.is_ascii_alphabetic() {
        named(inside)?
    } else if let Some(since) = inside.strip_prefix('<').and_then(|it| it.strip_suffix('>')) {
        difference(since)?;
        When::Since
    } else if let Some(micros) = kernel::seconds(inside.trim_start()) {
        When::Kernel(micros)
    } else {
        let signed = inside.trim_start().starts_with(['+', '-']);
        difference(inside).filter(|()| signed)?;
        When::Later
    };
    // makedumpfile 1.7.5 and later set a space between the stamp and the caller
    Some((when, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// `    0.037809`, `   -0.043222`: kernel clocks of several CPUs may run backwards.
fn difference(text: &str) -> Option<()> {
    kernel::seconds(text.trim_start().trim_start_matches(['+', '-'])).map(drop)
}

/// `Fri Nov 20 09:59:59 2026`, the same with ` <    0.037809>`, or `Nov20 09:59`
fn named(inside: &str) -> Option<When> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = |it: &str| MONTHS.iter().position(|name| *name == it).map(|at| at as u32 + 1);
    if let (Some(name), Some(rest)) = (inside.get(..3), inside.get(3..))
        && let (Some(month), Some((day, time))) = (month(name), rest.trim_start().split_once(' '))
        && let Ok(time) = NaiveTime::parse_from_str(time, "%H:%M")
    {
        let day = day.parse().ok().filter(|it| (1..=31).contains(it))?;
        return Some(When::Minute(Stamp::Yearless { month, day, time, resolution: TimeDelta::minutes(1) }));
    }
    let date = match inside.split_once(" <") {
        Some((date, since)) => difference(since.strip_suffix('>')?).map(|()| date)?,
        None => inside,
    };
    let mut words = date.split_ascii_whitespace();
    let (_weekday, name, day, time, year) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month(name)?, day.parse().ok()?)?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S").ok()?;
    if words.next().is_some() || year.len() != 4 {
        return None;
    }
    let local = NaiveDateTime::new(date, time);
    Some(When::Wall(Stamp::Zoneless { local, resolution: TimeDelta::seconds(1), abbreviation: None }))
}

/// `2026-11-20T09:59:55,685619+00:00 text`: a comma, so no other program's stamp
fn iso(line: &str) -> Option<(When, &str)> {
    let (stamp, text) = line.split_once(' ').unwrap_or((line, ""));
    if stamp.len() != 32 || stamp.as_bytes()[19] != b',' {
        return None;
    }
    let at = DateTime::parse_from_str(stamp, "%Y-%m-%dT%H:%M:%S,%6f%:z").ok()?;
    // up to util-linux 2.38 whole seconds of uptime were added to the kernel's microseconds
    let resolution = TimeDelta::seconds(1);
    let offset_secs = Some(at.offset().local_minus_utc());
    Some((When::Wall(Stamp::Exact { at: at.to_utc(), resolution, offset_secs }), text))
}

/// `4,406,4310391,-;text` of `/dev/kmsg` and netconsole: level, sequence number, microseconds, flags. Netconsole may print
/// the kernel's release in front (`6.12.0,4,406,…`), and cuts long records (`…,-,ncfrag=952/1210;text`).
fn record(line: &str) -> Option<Parsed<'_>> {
    let (head, text) = line.split_once(';')?;
    let mut fields = head.split(',');
    let number = |it: &str| -> Option<u64> {
        let digits = !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        if digits { it.parse().ok() } else { None }
    };
    let mut first = fields.next()?;
    if first.contains('.') && first.starts_with(|it: char| it.is_ascii_digit()) {
        first = fields.next()?;
    }
    let pri = u32::try_from(number(first)?).ok().filter(|it| *it < 2048)?;
    let sequence = number(fields.next()?)?;
    let micros = number(fields.next()?)?;
    if !matches!(fields.next()?, "-" | "c" | "+") {
        return None;
    }
    let (mut caller, mut piece) = (None, false);
    for field in fields {
        if let Some(it) = field.strip_prefix("caller=") {
            caller = Some(it);
        } else if let Some((at, _)) = field.strip_prefix("ncfrag=").and_then(|it| it.split_once('/')) {
            piece = number(at).is_some_and(|it| it > 0);
        }
    }
    let text = match (unescape(text), caller) {
        (text, None) => text,
        (text, Some(caller)) => format!("[{caller}] {text}").into(),
    };
    Some(Parsed { when: When::Kernel(micros), pri: Some(pri), text, width: 0, number: Some(sequence), piece })
}

/// `multi\x0aline`: what `/dev/kmsg` does to control bytes, to bytes beyond ASCII and to the backslash.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        match rest.get(at + 2..at + 4).and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[at + 4..];
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// `kern  :warn  : [    4.274377] text` of `dmesg -x`
fn decoded(line: &str) -> Option<(u32, &str)> {
    const FACILITIES: [&str; 12] =
        ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"];
    const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    let (facility, rest) = line.split_once(':')?;
    let (level, rest) = rest.split_once(": ")?;
    let facility = FACILITIES.iter().position(|it| *it == facility.trim_end())?;
    let level = LEVELS.iter().position(|it| *it == level.trim_end())?;
    Some((facility as u32 * 8 + level as u32, rest))
}

/// Drops `ESC [ 33 m` and the like, if there are any.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    if memchr::memchr(0x1b, line.as_bytes()).is_none() {
        return line.into();
    }
    let mut out = String::with_capacity(line.len());
    let mut parts = line.split('\x1b');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let Some(rest) = part.strip_prefix('[') else {
            out.push_str(part);
            continue;
        };
        let end = rest.find(|it: char| !matches!(it, '0'..='9' | ';' | ':' | '?')).unwrap_or(rest.len());
        out.push_str(rest.get(end + 1..).unwrap_or_default());
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        match parse(&plain(line)) {
            Some(it) => {
                let when = match it.when {
                    When::Wall(Stamp::Exact { at, .. }) => at.to_rfc3339(),
                    When::Wall(Stamp::Zoneless { local, .. }) => local.to_string(),
                    When::Minute(Stamp::Yearless { month, day, time, .. }) => format!("{month}-{day} {time}"),
                    other => format!("{other:?}"),
                };
                format!("{when} {:?} {:?} {}", it.pri, it.text, it.width)
            }
            None => "none".to_owned(),
        }
    }

    #[test]
    fn every_mode() {
        let is = |line, want: &str| assert_eq!(shown(line), want, "{line}");
        is("[    4.274377] user message", "Kernel(4274377) None \"user message\" 15");
        is("<11>[    5.342990] raw", "Kernel(5342990) Some(11) \"raw\" 19");
        is("[    0.000000] [      T0] Linux", "Kernel(0) None \"[      T0] Linux\" 26");
        is("[    0.100000][    T1] Linux", "Kernel(100000) None \"[    T1] Linux\" 23");
        is("[Fri Nov 20 09:59:59 2026] text", "2026-11-20 09:59:59 None \"text\" 27");
        is("[Fri Nov  6 09:59:59 2026 <    0.037809>] text", "2026-11-06 09:59:59 None \"text\" 42");
        is("2026-11-20T09:59:55,685619+08:00 text", "2026-11-20T01:59:55.685619+00:00 None \"text\" 33");
        is("kern  :warn  : [    4.274377] text", "Kernel(4274377) Some(4) \"text\" 30");
        is("user  :err   : [Fri Nov 20 09:59:59 2026] text", "2026-11-20 09:59:59 Some(11) \"text\" 42");
        is("[<    0.037809>] text", "Since None \"text\" 17");
        is("[<   -0.043222>] text", "Since None \"text\" 17");
        is("[  -0.043222] text", "Later None \"text\" 14");
        is("[Nov20 09:59] text", "11-20 09:59:00 None \"text\" 14");
        is("[Nov 5 09:59] text", "11-5 09:59:00 None \"text\" 14");
        is("[  +0.037809] text", "Later None \"text\" 14");
        is("12,379,4275432,-;multi\\x0aline \\x5c \\xff", "Kernel(4275432) Some(12) \"multi\\nline \\\\ \u{fffd}\" 0");
        is("6.12.0-rc1,6,1,5,-;text", "Kernel(5) Some(6) \"text\" 0");
        is("6,1,5,-,ncfrag=952/1210;text", "Kernel(5) Some(6) \"text\" 0");
        is("6,1,5,-,caller=T7;text", "Kernel(5) Some(6) \"[T7] text\" 0");
        is("\x1b[32m[    0.000000] \x1b[0m\x1b[33mCommand line: \x1b[0mx", "Kernel(0) None \"Command line: x\" 15");
    }

    #[test]
    fn lines_of_others() {
        for line in [
            "",
            "[",
            "[]",
            "[drm] x",
            "[1] x",
            "[error] x",
            "1,2;x",
            "2026-11-20T09:59:55.685619+00:00 host kernel: x",
            "kern: x",
            "[Fri Nov 20 09:59:59.123456 2026] [core:error] x",
            "[Foo20 09:59] x",
            "\u{fffd}\u{fffd}",
        ] {
            assert_eq!(shown(line), "none", "{line}");
        }
    }
}
