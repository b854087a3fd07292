//! What a program writes at the head of its own message: its stamp and severity.
//!
//! ```text
//! E0914 09:36:25.890321    1734 kubelet.go:1882] "Skipping pod synchronization"   klog: no year, zone of the process
//! time="2021-09-14T14:12:34Z" level=warning msg="Failed to decode the keys"       logrus
//! {"level":"warn","ts":"2021-09-14T14:27:12.721Z","msg":"apply took too long"}    zap, also with ts as a number
//! 2023-07-23 22:13:40.123 [INFO][65] felix/summary.go 100: Summarising            Calico
//! 2019-06-14 05:15:06.123456 W | etcdserver: read-only range request took long    capnslog
//! 2018/06/15 08:13:40 [INFO] plugin/reload: Running                               Go's log package
//! ```

use std::borrow::Cow;

use chrono::{DateTime, NaiveTime, TimeDelta};
use timeline::{Severity, Stamp};

use super::stamp;

/// How a message begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// Without a header of its own.
    None,
    /// `E0914 09:36:25.890321    1734 kubelet.go:1882] `, with its letter.
    Klog(u8),
    /// `time="…" level=…` or `level=… msg=…`
    Logrus,
    /// An object with `ts` or `time`.
    Json,
    /// A date in front.
    Dated,
}

/// How a message begins, cheap enough for every line.
pub(crate) fn header(message: &str) -> Header {
    let bytes = message.as_bytes();
    match bytes.first() {
        Some(&letter @ (b'I' | b'W' | b'E' | b'F')) if klog_len(bytes).is_some() => Header::Klog(letter),
        Some(b't') if message.starts_with("time=\"") || message.starts_with("ts=") => Header::Logrus,
        Some(b'l') if message.starts_with("level=") => Header::Logrus,
        Some(b'{') if message.starts_with("{\"") => Header::Json,
        Some(b'0'..=b'9') if stamp::date(bytes).is_some() && stamp::dated(bytes).is_some() => Header::Dated,
        _ => Header::None,
    }
}

/// Whether this is `E0914 09:36:25.890321    1734 kubelet.go:1882] …`; the length up to the thread id.
pub(super) fn klog_len(bytes: &[u8]) -> Option<usize> {
    let shape = bytes.first_chunk::<22>()?;
    let marks = [shape[5], shape[8], shape[14], shape[21]] == *b" :. ";
    let digits = [1, 2, 3, 4, 6, 7, 15, 16, 17, 18, 19, 20];
    // without a branch for each
    let fits = marks && digits.iter().fold(true, |fits, at| fits & shape[*at].is_ascii_digit());
    fits.then_some(21)
}

/// Whether a klog header names the file that prints the flags of a program that starts.
pub(super) fn tells_flags(message: &str) -> bool {
    // the source file stands behind the thread, which is printed with seven places, and a few more at times
    let bytes = message.as_bytes();
    if let Some([digit, b' ', letter]) = bytes.get(28..31)
        && digit.is_ascii_digit()
        && *letter != b'f'
    {
        return false;
    }
    let Some(rest) = klog_len(bytes).map(|at| &bytes[at..]) else { return false };
    let blanks = rest.iter().take_while(|it| **it == b' ').count();
    let thread = rest[blanks..].iter().take_while(|it| it.is_ascii_digit()).count();
    rest[blanks + thread..].starts_with(b" flags.go:")
}

/// The source file a klog header names: `kubelet.go`.
pub(crate) fn klog_file(message: &str) -> Option<&str> {
    let (bytes, at) = (message.as_bytes(), klog_len(message.as_bytes())?);
    let blanks = bytes[at..].iter().take_while(|it| **it == b' ').count();
    let thread = memchr::memchr(b' ', &bytes[at + blanks..])?;
    let rest = &message[at + blanks + thread + 1..];
    let file = &rest[..memchr::memchr2(b':', b' ', rest.as_bytes())?];
    rest[file.len()..].starts_with(':').then_some(file)
}

/// Stamp and severity of a message, as far as its header states them.
pub(crate) fn read(message: &str, header: Header) -> (Option<Stamp>, Option<Severity>) {
    match header {
        Header::None => (None, None),
        Header::Klog(letter) => (klog(message.as_bytes()), klog_severity(letter)),
        Header::Logrus => {
            let stamp = value(message, "time=").or_else(|| value(message, "ts=")).and_then(instant);
            (stamp, value(message, "level=").and_then(level))
        }
        Header::Json => {
            let stamp = ["\"ts\":", "\"time\":"].iter().find_map(|key| value(message, key)).and_then(instant);
            (stamp, value(message, "\"level\":").and_then(level))
        }
        Header::Dated => {
            let bytes = message.as_bytes();
            let Some((stamp, len)) = stamp::dated(bytes) else { return (None, None) };
            let rest = message[len..].trim_start();
            let word = rest.strip_prefix('[').and_then(|it| it.split(']').next());
            let capnslog = || rest.get(1..4).filter(|it| *it == " | ").and_then(|_| rest.get(..1));
            (Some(stamp), word.or_else(capnslog).and_then(level))
        }
    }
}

/// `E0914 09:36:25.890321`
fn klog(bytes: &[u8]) -> Option<Stamp> {
    let number = |at: usize| stamp::digits(bytes.get(at..at + 2)?).map(|it| it.0 as u32);
    let (month, day) = (number(1)?, number(3)?);
    let (time, resolution, _) = stamp::clock(bytes.get(6..21)?)?;
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Stamp::Yearless { month, day, time, resolution })
}

/// Bytes of `0914 09:36:` behind the letter.
const KLOG_MINUTE: usize = 11;

/// Reads the stamps of messages that mostly share their minute with the message before.
#[derive(Default)]
pub(super) struct KlogStamps {
    /// The minute as printed, its month and day, and a time in it.
    last: Option<([u8; KLOG_MINUTE], (u32, u32), NaiveTime)>,
}

impl KlogStamps {
    /// As [`read`], without the severity.
    pub(super) fn read(&mut self, message: &str, header: Header) -> Option<Stamp> {
        if !matches!(header, Header::Klog(_)) {
            return read(message, header).0;
        }
        let bytes = message.as_bytes();
        let front = *bytes.get(1..)?.first_chunk::<KLOG_MINUTE>()?;
        if let Some((minute, (month, day), time)) = self.last
            && minute == front
        {
            let (time, resolution, _) = stamp::within_minute(bytes.get(1 + KLOG_MINUTE..21)?, time)?;
            return Some(Stamp::Yearless { month, day, time, resolution });
        }
        let stamp = klog(bytes)?;
        if let Stamp::Yearless { month, day, time, .. } = stamp {
            self.last = Some((front, (month, day), time));
        }
        Some(stamp)
    }
}

fn klog_severity(letter: u8) -> Option<Severity> {
    match letter {
        b'I' => Some(Severity::Info),
        b'W' => Some(Severity::Warning),
        b'E' => Some(Severity::Error),
        b'F' => Some(Severity::Critical),
        _ => None,
    }
}

/// The text behind a key, with or without quotes: `time="…"`, `level=info`, `"ts":1753121332054.528`.
fn value<'t>(message: &'t str, key: &str) -> Option<&'t str> {
    // headers stand in front; a message that quotes another log must not lend its stamp
    let end = (0..=message.len().min(HEAD_BYTES)).rev().find(|it| message.is_char_boundary(*it))?;
    let head = &message[..end];
    let (bytes, key) = (head.as_bytes(), key.as_bytes());
    // a key ends with the rarest of its letters
    let mut starts = memchr::memchr_iter(*key.last()?, bytes).filter_map(|it| (it + 1).checked_sub(key.len()));
    let at = starts.find(|it| bytes[*it..].starts_with(key))?;
    let rest = head[at + key.len()..].trim_start();
    let len = match rest.strip_prefix('"') {
        Some(quoted) => return Some(&quoted[..memchr::memchr(b'"', quoted.as_bytes()).unwrap_or(quoted.len())]),
        None => memchr::memchr3(b' ', b',', b'}', rest.as_bytes()),
    };
    Some(&rest[..len.unwrap_or(rest.len())])
}

/// How far into a message its stamp and its level stand.
const HEAD_BYTES: usize = 240;

/// A date, or a number: milliseconds from 1e11 on, else seconds.
fn instant(text: &str) -> Option<Stamp> {
    if let Some((stamp, _)) = stamp::dated(text.as_bytes()) {
        return Some(stamp);
    }
    let number: f64 = text.parse().ok()?;
    let (seconds, resolution) = match number {
        it if it >= 1e11 => (it / 1000.0, TimeDelta::milliseconds(1)),
        it if it >= 1e8 => (it, TimeDelta::milliseconds(1)),
        _ => return None,
    };
    let at = DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)?;
    Some(Stamp::Exact { at, resolution, offset_secs: None })
}

/// `warning`, `WARN`, `W`
pub(crate) fn level(word: &str) -> Option<Severity> {
    let lower = if word.bytes().any(|it| it.is_ascii_uppercase()) {
        word.to_ascii_lowercase().into()
    } else {
        Cow::Borrowed(word)
    };
    Some(match &*lower {
        "panic" => Severity::Emergency,
        "alert" => Severity::Alert,
        "fatal" | "dpanic" | "critical" | "crit" | "c" | "f" => Severity::Critical,
        "error" | "err" | "e" => Severity::Error,
        "warning" | "warn" | "w" => Severity::Warning,
        "notice" | "n" => Severity::Notice,
        "info" | "i" | "information" => Severity::Info,
        "debug" | "trace" | "d" | "t" => Severity::Debug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_six_loggers() {
        let shown = |message: &str| {
            let header = header(message);
            let (stamp, severity) = read(message, header);
            let stamp = match stamp {
                Some(Stamp::Exact { at, .. }) => at.to_rfc3339(),
                Some(Stamp::Zoneless { local, .. }) => format!("{local} local"),
                Some(Stamp::Yearless { month, day, time, .. }) => format!("{month:02}-{day:02} {time}"),
                other => format!("{other:?}"),
            };
            format!("{header:?} {stamp} {severity:?}")
        };
        insta::assert_snapshot!(
            [
                r#"E0914 09:36:25.890321    1734 kubelet.go:1882] "Skipping pod synchronization""#,
                r#"time="2021-09-14 14:14:07.889940658Z" level=info msg="Stopped pod sandbox""#,
                r#"time="2020-06-14T12:00:42.378479249+08:00" level=warning msg="x""#,
                r#"{"level":"warn","ts":"2021-09-14T14:27:12.721Z","caller":"etcd/a.go:1","msg":"x"}"#,
                r#"{"ts":1753121332054.528,"caller":"kubelet/kubelet.go:446","msg":"x","v":0}"#,
                "2023-07-23 22:13:40.123 [WARNING][65] felix/summary.go 100: Summarising",
                "2019-06-14 05:15:06.123456 W | etcdserver: took too long",
                "2018/06/15 08:13:40 [INFO] plugin/reload: Running",
                r#"level=error msg="check failed""#,
                "I am no klog line at all, really",
                "E0914 is a number",
            ]
            .map(shown)
            .join("\n"),
            @r"
        Klog(69) 09-14 09:36:25.890321 Some(Error)
        Logrus 2021-09-14T14:14:07.889940658+00:00 Some(Info)
        Logrus 2020-06-14T04:00:42.378479249+00:00 Some(Warning)
        Json 2021-09-14T14:27:12.721+00:00 Some(Warning)
        Json 2025-07-21T18:08:52.054528+00:00 None
        Dated 2023-07-23 22:13:40.123 local Some(Warning)
        Dated 2019-06-14 05:15:06.123456 local Some(Warning)
        Dated 2018-06-15 08:13:40 local Some(Info)
        Logrus None Some(Error)
        None None None
        None None None
        "
        );
        assert_eq!(klog_file("E0914 09:36:25.890321    1734 kubelet.go:1882] x"), Some("kubelet.go"));
    }
}
