//! systemd's binary `.journal` files: every field of every entry, from files however damaged.
//!
//! ```text
//! 4c 50 4b 53 48 48 52 48  00 00 00 00 1c 00 00 00  01 …    LPKSHHRH, flags: ZSTD, keyed hash, compact; online
//! 01 00 00 00 00 00 00 00  54 00 00 00 00 00 00 00  …       a DATA object of 84 bytes: `MESSAGE=Started`
//! 03 00 00 00 00 00 00 00  7c 00 00 00 00 00 00 00  …       an ENTRY: stamps, boot id, offsets of its DATA
//! ```
//!
//! The objects are walked front to back, without the indexes, so a file that was never closed, was cut off, or has
//! holes gives the entries that are there; regular and compact files, keyed hash or not, XZ, LZ4 and ZSTD payloads.
//!
//! There are no lines in it. The line of a quote is the number of the entry, from 1. A quote is the first line of the
//! message where it is stored (equal messages are stored once, so several entries may quote the same place), each byte
//! that is no UTF-8 as one `?`; of a compressed message the span is its DATA object and the text is what unpacks to.
//! An entry without a message quotes another field. An entry of which only the stamps were written, as a lost page
//! leaves it, is counted and not understood.
//!
//! Skipped: hash tables, entry arrays, seals, all fields but those that say who, where and when. Time: microseconds
//! since the epoch, in the entry itself.
//!
//! Source: `docs/JOURNAL_FILE_FORMAT.md` of systemd.

mod file;
#[cfg(test)]
mod tests;
mod unpack;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use timeline::{Carrier, MemberRecords, Quote, Record};

use crate::log::{Log, Number};
use crate::log::fields::{self, Values};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};
use file::{Data, Entry, Found, Journal};
use unpack::Unpacker;

pub(crate) static FORMAT: Format = Format {
    name: "journal-binary",
    produced_by: "systemd-journald",
    samples: &["LPKSHHRH"],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Bytes of a value that are kept.
const VALUE_BYTES: usize = 64 * 1024;
/// The longest name and its `=`.
const NAME_BYTES: usize = 65;
/// Holes that are told one by one.
const HOLES: u32 = 100;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.bytes.starts_with(file::MAGIC) { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let member = input.origin.member;
    let Some(journal) = Journal::open(input.bytes) else {
        out.issue(member, 0, format!("ends after {} bytes, inside the header", input.bytes.len()));
        out.tally.odd_bytes += input.bytes.len() as u64;
        return;
    };
    if journal.unknown_flags != 0 {
        let flags = journal.unknown_flags;
        out.issue(member, 0, format!("written by a newer systemd (flags {flags:#x}): some fields may be missing"));
    }
    if !journal.sound {
        out.issue(member, 0, "the header does not say where the entries start");
    }
    let mut log = Log::new(input.origin, Carrier::Journal);
    if input.truncated {
        log.limit("the end of the journal is missing");
    }
    let mut reading = Reader { journal: &journal, unpacker: Unpacker::new(), skipped: HashSet::new(), lost: 0 };
    let mut packed: HashMap<u64, u32> = HashMap::new();
    let (mut entries, mut empty, mut holes) = (0u32, 0u32, 0u32);
    for found in journal.walk() {
        match found {
            Found::Entry(entry) => {
                entries = entries.saturating_add(1);
                let (values, quote) = reading.values(&entry);
                if let Some(bytes) = quote.packed {
                    packed.insert(quote.start, bytes);
                }
                let line = Line { text: &quote.text, start: quote.start, number: entries };
                log.number(Number { sequence: 0, number: entry.seqnum, least: fields::NUMBERS_MISSING });
                if !quote.found || !fields::hand_over(&values, line, &mut log, out) {
                    empty += 1;
                    out.tally.lines += 1;
                    out.tally.odd_bytes += entry.place.len() as u64;
                }
            }
            Found::Hole(hole) => {
                out.tally.odd_bytes += hole.len() as u64;
                holes += 1;
                if holes <= HOLES {
                    let what = format!("nothing can be read in bytes {} to {}", hole.start, hole.end);
                    out.issue(member, entries.saturating_add(1), what);
                }
                log.tear("a part of the journal cannot be read");
            }
        }
    }
    if holes > HOLES {
        out.issue(member, 0, format!("{} more stretches cannot be read", holes - HOLES));
    }
    if empty > 0 {
        out.issue(member, 0, format!("{empty} entries hold nothing: their fields or their time were not written"));
    }
    if reading.lost > 0 {
        out.issue(member, 0, format!("{} fields of entries cannot be read", reading.lost));
    }
    if journal.missing_bytes > 0 {
        out.issue(member, 0, format!("ends {} bytes before the end its header tells", journal.missing_bytes));
    }
    let missing = journal.entries.saturating_sub(u64::from(entries));
    if missing > 0 {
        let what = format!("{missing} of {} entries are missing", journal.entries);
        log.limit(&what);
        out.issue(member, 0, what);
    } else if reading.lost > 0 || empty > 0 || (holes > 0 && journal.entries == 0) {
        log.limit("parts of the journal cannot be read");
    }
    log.finish(out);
    settle(out, &packed);
}

/// Gives quotes of compressed messages the place they were read from, and records the order of their entries: an
/// entry may quote a message that was stored with an earlier one.
fn settle(out: &mut MemberRecords, packed: &HashMap<u64, u32>) {
    let place = |quote: &mut Quote| {
        if let Some(bytes) = packed.get(&quote.span.start) {
            quote.span.len = *bytes;
        }
    };
    for record in &mut out.records {
        match record {
            Record::Event(event) => place(&mut event.quote),
            Record::Fact(fact, _) => fact.quotes.iter_mut().for_each(place),
            Record::Series(_) => {}
        }
    }
    out.records.sort_by_key(|it| match it {
        Record::Event(event) => event.quote.span.line,
        Record::Fact(fact, _) => fact.quotes.first().map_or(0, |it| it.span.line),
        Record::Series(_) => 0,
    });
}

/// Takes the fields of entries from where they are stored.
struct Reader<'j, 't> {
    journal: &'j Journal<'t>,
    unpacker: Unpacker,
    /// Compressed payloads that hold none of the fields we read.
    skipped: HashSet<usize>,
    /// Fields that were not there or did not unpack.
    lost: u64,
}

/// What stands for an entry.
#[derive(Default)]
struct Quoted {
    /// Whether the entry holds any field, one that we read or another.
    found: bool,
    text: String,
    start: u64,
    /// Bytes of the DATA object, where it is compressed.
    packed: Option<u32>,
}

impl<'t> Reader<'_, 't> {
    fn values(&mut self, entry: &Entry) -> (Values<Cow<'t, str>>, Quoted) {
        let mut values: Values<Cow<'t, str>> = Default::default();
        let mut quote = Quoted { start: entry.place.start as u64, ..Quoted::default() };
        let mut found = false;
        let mut set = |name: &str, value: String| {
            if let Some(at) = fields::place(name) {
                values[at] = Some(Cow::Owned(value));
            }
        };
        if entry.realtime != 0 {
            set("__REALTIME_TIMESTAMP", entry.realtime.to_string());
            set("__MONOTONIC_TIMESTAMP", entry.monotonic.to_string());
        }
        set("_BOOT_ID", format!("{:032x}", u128::from_be_bytes(entry.boot)));
        for item in self.journal.items(entry) {
            let Some(data) = item else {
                self.lost += 1;
                continue;
            };
            found = true;
            let Some(payload) = self.payload(&data) else { continue };
            let Some((field, split)) = name(&payload) else {
                if data.packing != 0 {
                    self.skipped.insert(data.object.start);
                }
                continue;
            };
            if values[field].is_some() {
                continue;
            }
            if data.packing == 0 && !self.unpacker.pays(payload.len() - split) {
                self.lost += 1;
                continue;
            }
            if field == 0 || quote.text.is_empty() {
                // of a message its first line, of another field its name as well
                let from = if field == 0 { split } else { 0 };
                let line = payload[from..].split(|it| *it == b'\n').next().unwrap_or_default();
                quote = match data.packing {
                    0 => Quoted { found, text: text(line).into_owned(), start: (data.start + from) as u64, packed: None },
                    _ => Quoted {
                        found,
                        text: text(line).into_owned(),
                        start: data.object.start as u64,
                        packed: Some(u32::try_from(data.object.len()).unwrap_or(u32::MAX)),
                    },
                };
            }
            values[field] = Some(match payload {
                Cow::Borrowed(bytes) => text(&bytes[split..]),
                Cow::Owned(bytes) => Cow::Owned(text(&bytes[split..]).into_owned()),
            });
        }
        quote.found = found;
        (values, quote)
    }

    /// `NAME=value`, unpacked, no longer than is kept.
    fn payload(&mut self, data: &Data<'t>) -> Option<Cow<'t, [u8]>> {
        let most = NAME_BYTES + VALUE_BYTES;
        if data.packing == 0 {
            return Some(Cow::Borrowed(whole_characters(&data.payload[..data.payload.len().min(most)])));
        }
        if self.skipped.contains(&data.object.start) {
            return None;
        }
        let bytes = self.unpacker.unpack(data.packing, data.payload, most);
        if bytes.is_none() {
            self.skipped.insert(data.object.start);
            self.lost += 1;
        }
        bytes.map(|mut it| {
            it.truncate(whole_characters(&it).len());
            Cow::Owned(it)
        })
    }
}

/// The field we read, and where its value starts.
fn name(payload: &[u8]) -> Option<(usize, usize)> {
    let split = memchr::memchr(b'=', &payload[..payload.len().min(NAME_BYTES)])?;
    // what starts with two underscores is the entry's own and is not stored
    let name = std::str::from_utf8(&payload[..split]).ok().filter(|it| !it.starts_with("__"))?;
    Some((fields::place(name)?, split + 1))
}

/// The bytes without a character that was cut at their end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    if bytes.len() < NAME_BYTES + VALUE_BYTES {
        return bytes;
    }
    let cut = bytes.iter().rev().take(3).take_while(|it| **it & 0xc0 == 0x80).count();
    let lead = bytes.len() - cut - 1;
    if bytes[lead] >= 0xc0 { &bytes[..lead] } else { bytes }
}

/// Bytes as text, each that is no UTF-8 as one `?`.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut mended = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        mended.push_str(chunk.valid());
        mended.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(mended)
}
