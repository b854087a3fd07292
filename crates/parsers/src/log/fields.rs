//! The fields of a structured journal entry, on whatever road they came: export, JSON, verbose.
//!
//! ```text
//! __REALTIME_TIMESTAMP=1592140471000000     reception, microseconds since the epoch
//! _SOURCE_REALTIME_TIMESTAMP=…              what journalctl shows instead, where the sender stamped it
//! _SOURCE_MONOTONIC_TIMESTAMP=432001234430  the kernel's own clock, of kernel lines
//! ```
//!
//! Of a field that repeats the first value counts. A message loses its colours and one trailing newline, as on screen.

use std::borrow::Cow;

use timeline::{MemberRecords, Severity, Stamp};

use super::{Entry, Log, Number, head};
use crate::Line;

/// Declares the fields we read: their places, and how a place is found by a name.
macro_rules! fields {
    ($($place:ident = $at:literal $name:literal),* $(,)?) => {
        $(pub(crate) const $place: usize = $at;)*
        /// How many fields we read.
        pub(crate) const COUNT: usize = [$($at),*].len();

        /// The place of a field we read.
        pub(crate) fn place(name: &str) -> Option<usize> {
            match name {
                $($name => Some($place),)*
                _ => None,
            }
        }
    };
}

fields! {
    MESSAGE = 0 "MESSAGE",
    REALTIME_TIMESTAMP = 1 "__REALTIME_TIMESTAMP",
    MONOTONIC_TIMESTAMP = 2 "__MONOTONIC_TIMESTAMP",
    SOURCE_REALTIME_TIMESTAMP = 3 "_SOURCE_REALTIME_TIMESTAMP",
    SOURCE_MONOTONIC_TIMESTAMP = 4 "_SOURCE_MONOTONIC_TIMESTAMP",
    BOOT_ID = 5 "_BOOT_ID",
    HOSTNAME = 6 "_HOSTNAME",
    SYSLOG_IDENTIFIER = 7 "SYSLOG_IDENTIFIER",
    COMM = 8 "_COMM",
    SYSTEMD_UNIT = 9 "_SYSTEMD_UNIT",
    PID = 10 "_PID",
    SYSLOG_PID = 11 "SYSLOG_PID",
    PRIORITY = 12 "PRIORITY",
    TRANSPORT = 13 "_TRANSPORT",
    CURSOR = 14 "__CURSOR",
}

/// A sender's stamp further than this from its reception was made by another setting of the clock.
const STALE_MICROS: u64 = 600_000_000;

/// So many numbers in a row that no entry has are lost entries: fewer may stand in the journal of a user.
pub(crate) const NUMBERS_MISSING: u64 = 1000;

/// Values by their place.
pub(crate) type Values<T> = [Option<T>; COUNT];

/// Whether this can be the name of a field.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let fits = |it: &u8| it.is_ascii_uppercase() || it.is_ascii_digit() || *it == b'_';
    !name.is_empty() && name.len() <= 64 && name.iter().all(fits) && !name[0].is_ascii_digit()
}

/// How fields begin, `_PID=` or `"_PID":"`, by what followed last: journald writes the fields of an entry in one order, so
/// that the next need not be looked for.
#[derive(Default)]
pub(crate) struct Fronts {
    known: Vec<Front>,
    last: usize,
}

struct Front {
    text: Box<[u8]>,
    /// The place of the field, if it is one that we read.
    place: Option<usize>,
    next: usize,
}

/// Further fronts are not remembered, nor longer ones: no field has such a name.
const FRONTS: usize = 64;
const FRONT_BYTES: usize = 96;

impl Fronts {
    /// The length of the front that is due, if the text begins with it, and the place of its field.
    #[inline]
    pub(crate) fn expected(&mut self, text: &[u8]) -> Option<(usize, Option<usize>)> {
        let next = self.known.get(self.last)?.next;
        let front = self.known.get(next).filter(|it| head::begins(text, &it.text))?;
        self.last = next;
        Some((front.text.len(), front.place))
    }

    /// Another one stood here.
    pub(crate) fn met(&mut self, text: &[u8], place: Option<usize>) {
        let known = self.known.iter().position(|it| *it.text == *text).or_else(|| {
            let room = self.known.len() < FRONTS && text.len() <= FRONT_BYTES;
            room.then(|| self.known.push(Front { text: text.into(), place, next: 0 })).map(|()| self.known.len() - 1)
        });
        if let Some(at) = known {
            self.known[self.last].next = at;
            self.last = at;
        }
    }
}

/// Hands over an entry that took several lines; all of them are understood with it.
pub(crate) fn hand_over_lines<'v>(
    value: impl Fn(usize) -> Option<&'v str>,
    line: Line<'_>,
    lines: u64,
    log: &mut Log,
    out: &mut MemberRecords,
) {
    let borrowed: Values<Cow<'_, str>> = std::array::from_fn(|at| value(at).map(Cow::Borrowed));
    out.tally.lines += lines;
    if hand_over(&borrowed, line, log, out) {
        // the log has counted one of them
        out.tally.lines -= 1;
        out.tally.understood += lines - 1;
    }
}

/// A part of `s=…;i=…;b=<boot>;m=<hex>;t=<hex>;x=…`, by its letter; of two the first counts.
fn part(cursor: &str, letter: u8) -> Option<&str> {
    let mut rest = cursor;
    while let [other @ b'a'..=b'z', b'=', ..] = rest.as_bytes() {
        let end = memchr::memchr(b';', rest.as_bytes());
        if *other == letter {
            return Some(&rest[2..end.unwrap_or(rest.len())]);
        }
        rest = &rest[end? + 1..];
    }
    None
}

/// Up to sixteen digits of a number to the base of sixteen.
fn hex(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    text.bytes().try_fold(0, |sum, it| {
        let digit = match it {
            b'0'..=b'9' => it - b'0',
            b'a'..=b'f' => it - b'a' + 10,
            b'A'..=b'F' => it - b'A' + 10,
            _ => return None,
        };
        Some(sum << 4 | u64::from(digit))
    })
}

/// Hands an entry to the log; false where its fields make none.
pub(crate) fn hand_over(values: &Values<Cow<'_, str>>, line: Line<'_>, log: &mut Log, out: &mut MemberRecords) -> bool {
    let value = |at: usize| values[at].as_deref();
    let part = |letter: u8| value(CURSOR).and_then(|it| part(it, letter));
    let hex_micros = |letter: u8| part(letter).and_then(hex).and_then(|it| i64::try_from(it).ok());
    let received = value(REALTIME_TIMESTAMP).and_then(|it| it.parse().ok()).or_else(|| hex_micros(b't'));
    let sent = value(SOURCE_REALTIME_TIMESTAMP).and_then(|it| it.parse().ok());
    // a sender whose clock was set meanwhile is no witness of when it spoke
    let stale = |it: &i64| received.is_some_and(|received: i64| it.abs_diff(received) > STALE_MICROS);
    let Some(stamp) = sent.filter(|it| !stale(it)).or(received).filter(|it: &i64| *it >= 0) else {
        return false;
    };
    let monotonic = value(MONOTONIC_TIMESTAMP).and_then(|it| it.parse().ok()).or_else(|| hex_micros(b'm'));
    if let (Some(monotonic), Some(received)) = (monotonic, received) {
        log.received(monotonic, received);
    }
    let sequence = |it: &str| hex(it.get(..16).unwrap_or(it));
    if let (Some(sequence), Some(number)) = (part(b's').and_then(sequence), part(b'i').and_then(sequence)) {
        log.number(Number { sequence, number, least: NUMBERS_MISSING });
    }
    let kernel = value(TRANSPORT) == Some("kernel");
    let clock = value(SOURCE_MONOTONIC_TIMESTAMP).filter(|_| kernel).and_then(|it| it.parse().ok());
    let message = value(MESSAGE).unwrap_or_default();
    let message = head::plain(message.strip_suffix('\n').unwrap_or(message));
    let number = |at: usize| value(at).and_then(|it| it.trim().parse().ok());
    let entry = Entry {
        stamp: Stamp::epoch_micros(stamp),
        micros: clock,
        host: value(HOSTNAME),
        ident: value(SYSLOG_IDENTIFIER).or(value(COMM)).map(Cow::Borrowed),
        unit: value(SYSTEMD_UNIT).map(Cow::Borrowed),
        pid: number(PID).or_else(|| number(SYSLOG_PID)),
        severity: number(PRIORITY).and_then(Severity::from_number),
        speaker: 0,
        boot: value(BOOT_ID).or_else(|| part(b'b')),
        message,
        line,
    };
    log.entry(entry, out);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_fields_is_bounded() {
        let mut fronts = Fronts::default();
        for at in 0..10 * FRONTS {
            fronts.met(format!("FIELD_{at}=").as_bytes(), None);
            fronts.met("X".repeat(FRONT_BYTES + at).as_bytes(), None);
        }
        assert_eq!(fronts.known.len(), FRONTS);
        assert!(fronts.known.iter().all(|it| it.text.len() <= FRONT_BYTES));
        let mut fronts = Fronts::default();
        assert_eq!(fronts.expected(b"A=1"), None);
        fronts.met(b"A=", Some(MESSAGE));
        fronts.met(b"B=", None);
        fronts.met(b"A=", Some(MESSAGE));
        assert_eq!(fronts.expected(b"A=1"), None, "B came after A");
        assert_eq!(fronts.expected(b"B=1"), Some((2, None)));
        assert_eq!(fronts.expected(b"A"), None, "cut off");
        assert_eq!(fronts.expected(b"A=1"), Some((2, Some(MESSAGE))));
    }
}
