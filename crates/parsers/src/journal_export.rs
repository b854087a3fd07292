//! `journalctl -o export`: every field of every entry, binary where it must be.
//!
//! ```text
//! __CURSOR=s=8d30…;i=1;b=281c…;m=649547b687;t=5a80b1734dbc0;x=…
//! __REALTIME_TIMESTAMP=1592140471000000
//! _BOOT_ID=281c2a6627bb42744b979e1f50cc56fd
//! SYSLOG_IDENTIFIER=kubelet
//! MESSAGE=E0614 13:14:31.001000    2345 pod_workers.go:186] Error syncing pod
//! ```
//!
//! A blank line ends an entry. A value with a newline or a control character is written as `NAME`, eight bytes of
//! length, the bytes. Where the framing is broken the rest is read as lines until it fits again. Skipped: all fields
//! but those that say who, where and when. Time: microseconds since the epoch.
//!
//! Source: `docs/JOURNAL_EXPORT_FORMATS.md` of systemd.

use timeline::{Carrier, MemberRecords};

use crate::log::{Log, fields};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "journal-export",
    produced_by: "journalctl -o export",
    samples: &["__CURSOR=s=8d30;i=1\n__REALTIME_TIMESTAMP=1592140471000000\n_BOOT_ID=281c2a6627bb42744b979e1f50cc56fd\n\
         _HOSTNAME=node-a\nSYSLOG_IDENTIFIER=kubelet\nMESSAGE=started\n\n"],
    recognizes,
    reading: Reading::Stream(open),
};

/// No field is longer: systemd refuses more.
const FIELD_BYTES: u64 = 768 << 20;
/// Bytes of a message that are kept.
const MESSAGE_BYTES: usize = 64 * 1024;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.is_empty()).take(40).peekable();
    let first = lines.peek().is_some_and(|it| it.starts_with("__CURSOR=") || it.starts_with("__REALTIME_TIMESTAMP="));
    let stamped = lines.any(|it| {
        it.strip_prefix("__REALTIME_TIMESTAMP=").is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    });
    if first || stamped { Certainty::Sure } else { Certainty::No }
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    Box::new(Export {
        member: origin.clone(),
        log: Log::new(origin, Carrier::Journal),
        values: Default::default(),
        there: Default::default(),
        quote: Default::default(),
        quoted: false,
        state: State::Fields,
        fronts: fields::Fronts::default(),
        lines: 0,
        number: 1,
        broken: 0,
    })
}

/// Where in the grammar the reader stands; chunks end anywhere inside binary values.
enum State {
    Fields,
    /// In the eight bytes of a length.
    Length { field: Option<usize>, bytes: u64, have: u32 },
    /// In the bytes of a value.
    Data { field: Option<usize>, left: u64, text: String },
    /// At the newline behind a value.
    Newline,
}

struct Export {
    member: Origin,
    log: Log,
    /// By place; used again for the next entry, of which only those that are there count.
    values: [String; fields::COUNT],
    there: [bool; fields::COUNT],
    /// The line to quote, by its place.
    quote: (String, u64, u32),
    /// The message stands in the line to quote, behind its name.
    quoted: bool,
    state: State,
    fronts: fields::Fronts,
    /// Lines of the current entry.
    lines: u64,
    /// Number of the current line.
    number: u32,
    broken: u32,
}

impl Reader for Export {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        let mut at = 0;
        while at < chunk.bytes.len() {
            at = match &mut self.state {
                State::Fields => self.field(chunk, at, out),
                State::Length { .. } => self.length(chunk, at),
                State::Data { .. } => self.data(chunk, at),
                State::Newline => {
                    self.state = State::Fields;
                    if chunk.bytes[at] == b'\n' {
                        self.number += 1;
                        at + 1
                    } else {
                        self.broken += 1;
                        if self.broken == 1 {
                            out.issue(self.member.member, self.number, "a binary field is not as long as it says");
                        }
                        at
                    }
                }
            };
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        if !matches!(self.state, State::Fields | State::Newline) {
            out.issue(self.member.member, self.number, "ends inside a binary field");
        }
        self.end(out);
        self.log.finish(out);
    }
}

impl Export {
    /// `NAME=text`, `NAME` before a binary value, or the blank line after an entry.
    fn field(&mut self, chunk: &Chunk<'_>, at: usize, out: &mut MemberRecords) -> usize {
        let end = memchr::memchr(b'\n', &chunk.bytes[at..]).map_or(chunk.bytes.len(), |it| at + it);
        let (bytes, number) = (&chunk.bytes[at..end], self.number);
        self.number += 1;
        // a bundle from another system may have gained carriage returns
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.is_empty() {
            self.end(out);
            return end + 1;
        }
        let (split, field) = match self.fronts.expected(bytes) {
            Some((front, field)) => (Some(front - 1), field),
            None => {
                let split = memchr::memchr(b'=', bytes);
                let name = &bytes[..split.unwrap_or(bytes.len())];
                let field = chunk.text.get(at..at + name.len()).and_then(fields::place);
                if field.is_none() && !fields::is_name(name) {
                    out.tally.lines += 1;
                    out.tally.odd_bytes += bytes.len() as u64;
                    return end + 1;
                }
                if split.is_some() {
                    self.fronts.met(&bytes[..=name.len()], field);
                }
                (split, field)
            }
        };
        self.lines += 1;
        let Some(split) = split else {
            self.state = State::Length { field, bytes: 0, have: 0 };
            return end + 1;
        };
        if let (Some(field), Some(text)) = (field, chunk.text.get(at..at + bytes.len())) {
            let message = field == fields::MESSAGE && !self.there[field];
            if message || self.quote.0.is_empty() {
                self.quote_from(text, chunk.start + at as u64, number);
            }
            if message {
                (self.there[field], self.quoted) = (true, true);
            } else {
                self.set(field, &text[split + 1..]);
            }
        }
        end + 1
    }

    fn length(&mut self, chunk: &Chunk<'_>, at: usize) -> usize {
        let State::Length { field, bytes, have } = &mut self.state else { return at };
        let byte = chunk.bytes[at];
        *bytes |= u64::from(byte) << (8 * *have);
        *have += 1;
        self.number += u32::from(byte == b'\n');
        if *have == 8 {
            let (field, left) = (*field, *bytes);
            self.state = if left > FIELD_BYTES {
                State::Fields
            } else if left == 0 {
                State::Newline
            } else {
                State::Data { field, left, text: String::new() }
            };
        }
        at + 1
    }

    fn data(&mut self, chunk: &Chunk<'_>, at: usize) -> usize {
        let State::Data { field, left, text } = &mut self.state else { return at };
        let len = usize::try_from(*left).unwrap_or(usize::MAX).min(chunk.bytes.len() - at);
        let wanted = field.is_some() && text.len() < MESSAGE_BYTES;
        // a length that is not true may cut a letter
        let whole = |it: &usize| chunk.text.is_char_boundary(*it);
        let start = (at..at + len).find(whole).unwrap_or(at + len);
        let end = (start..=at + len).rev().find(whole).unwrap_or(start);
        if wanted && let Some(part) = chunk.text.get(start..end).filter(|it| !it.is_empty()) {
            if *field == Some(fields::MESSAGE) && text.is_empty() {
                let line = part.split('\n').next().unwrap_or_default();
                self.quote.0.clear();
                self.quote.0.push_str(line);
                (self.quote.1, self.quote.2) = (chunk.start + start as u64, self.number);
            }
            let most = MESSAGE_BYTES.min(part.len());
            text.push_str(part.get(..most).unwrap_or_else(|| part.split('\n').next().unwrap_or_default()));
        }
        self.number += memchr::memchr_iter(b'\n', &chunk.bytes[at..at + len]).count() as u32;
        *left -= len as u64;
        if *left == 0 {
            let (field, text) = (*field, std::mem::take(text));
            self.state = State::Newline;
            if let Some(field) = field {
                self.set(field, &text);
            }
        }
        at + len
    }

    fn set(&mut self, field: usize, value: &str) {
        if !std::mem::replace(&mut self.there[field], true) {
            self.values[field].clear();
            self.values[field].push_str(value);
        }
    }

    fn quote_from(&mut self, text: &str, start: u64, number: u32) {
        self.quote.0.clear();
        self.quote.0.push_str(text);
        (self.quote.1, self.quote.2) = (start, number);
    }

    /// The entry is complete.
    fn end(&mut self, out: &mut MemberRecords) {
        let lines = std::mem::take(&mut self.lines);
        if lines == 0 {
            return;
        }
        let there = std::mem::take(&mut self.there);
        let quoted = std::mem::take(&mut self.quoted);
        let line = Line { text: &self.quote.0, start: self.quote.1, number: self.quote.2 };
        let value = |at: usize| match quoted && at == fields::MESSAGE {
            true => self.quote.0.get("MESSAGE=".len()..),
            false => there[at].then_some(self.values[at].as_str()),
        };
        fields::hand_over_lines(value, line, lines, &mut self.log, out);
        self.quote.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use timeline::{MemberId, Record};

    use super::*;
    use crate::read;

    fn origin() -> Origin {
        Origin { member: MemberId(0), path: "x.export".into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES }
    }

    fn sample() -> String {
        let mut text = String::from("__REALTIME_TIMESTAMP=1592140471000000\n_HOSTNAME=node-a\nSYSLOG_IDENTIFIER=app\n");
        text.push_str("UNKNOWN\n\u{3}\0\0\0\0\0\0\0a\nb\nMESSAGE\n\u{9}\0\0\0\0\0\0\0one\ntwo=3\n_PID=7\n\n");
        text.push_str("__CURSOR=s=1;i=2;b=281c2a6627bb42744b979e1f50cc56fd;m=1;t=5a80b1734dbc0;x=1\n_HOSTNAME=node-a\n");
        text.push_str("SYSLOG_IDENTIFIER=app\nMESSAGE=plain = text\n\n");
        text
    }

    #[test]
    fn binary_fields_wherever_the_chunks_are_cut() {
        for bytes in [1, 3, 64, 1 << 20] {
            let records = read(&FORMAT, &origin(), &sample(), bytes);
            let mut messages = Vec::new();
            for record in &records.records {
                if let Record::Event(event) = record {
                    let stands = sample()[event.quote.span.start as usize..].starts_with(&event.quote.text[..3]);
                    let place = (event.quote.span.line, stands);
                    messages.push((event.message.to_string(), event.pid, place));
                }
            }
            assert_eq!(
                messages,
                [
                    ("one\ntwo=3".to_owned(), Some(7), (8, true)),
                    ("plain = text".to_owned(), None, (15, true)),
                ],
                "chunks of {bytes}"
            );
            assert_eq!(records.tally.lines, records.tally.understood);
        }
    }

    #[test]
    fn fields_may_come_in_any_order() {
        let fields = ["_HOSTNAME=node-a", "SYSLOG_IDENTIFIER=app", "MESSAGE=text", "_PID=7", "X=1", "MESSAGE_ID=2"];
        let mut text = String::new();
        for nth in 0..60 {
            text.push_str("__REALTIME_TIMESTAMP=1592140471000000\n");
            // sometimes as before, sometimes turned, sometimes without some
            let turned = (nth % 7 * 3) % fields.len();
            for at in 0..fields.len() - nth % 3 {
                text.push_str(fields[(at + turned) % fields.len()]);
                text.push('\n');
            }
            text.push('\n');
        }
        let records = read(&FORMAT, &origin(), &text, 1 << 20);
        let lines = text.lines().filter(|it| !it.is_empty()).count() as u64;
        assert_eq!((records.tally.lines, records.tally.understood), (lines, lines));
        let entries = text.split_terminator("\n\n");
        let expected: Vec<_> = entries
            .filter(|it| it.contains("MESSAGE=text"))
            .map(|it| (it.contains("SYSLOG_IDENTIFIER="), it.contains("_PID=")))
            .collect();
        let found: Vec<_> = records
            .records
            .iter()
            .filter_map(|it| if let Record::Event(event) = it { Some(event) } else { None })
            .filter(|it| &*it.message == "text")
            .map(|it| (it.unit.is_some(), it.pid == Some(7)))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_length_that_lies_breaks_one_entry_only() {
        let text = sample().replace('\u{3}', "\u{4}");
        let records = read(&FORMAT, &origin(), &text, 1 << 20);
        assert_eq!(records.issues.len(), 1);
        assert!(!records.records.is_empty());
        for end in 0..text.len() {
            let cut = read(&FORMAT, &origin(), &text[..end], 7);
            assert!(cut.tally.understood <= cut.tally.lines);
        }
    }
}
