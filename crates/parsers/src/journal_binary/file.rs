//! The layout of a `.journal` file: a header, then objects one behind the other, each at a multiple of eight bytes.
//!
//! ```text
//! header   LPKSHHRH, flags at 8 and 12, header size at 88, arena size at 96, hash tables at 104, last object at 136
//! object   kind u8, flags u8, six zeros, size u64 (all of it), then by kind
//!   DATA   payload `NAME=value` at 64, compact at 72; flags 1 XZ, 2 LZ4, 4 ZSTD
//!   ENTRY  seqnum at 16, realtime at 24, monotonic at 32, boot id at 40, items from 64: the offsets of its DATA
//! ```
//!
//! A writer appends DATA before the ENTRY that refers to it, so the objects are walked once, front to back. Where no
//! object stands, the walk looks for the next place that could be one and tells the hole.

use std::ops::Range;

pub(super) const MAGIC: &[u8] = b"LPKSHHRH";

/// The oldest header; a file with less is no journal.
const LEAST_HEADER: usize = 208;
/// No object found behind a hole may be longer.
const OBJECT_BYTES: usize = 64 << 20;
/// XZ, LZ4, keyed hash, ZSTD, compact.
const KNOWN_FLAGS: u32 = 0b1_1111;
const COMPACT: u32 = 1 << 4;

const DATA: u8 = 1;
const FIELD: u8 = 2;
const ENTRY: u8 = 3;
const ENTRY_ARRAY: u8 = 6;
const TAG: u8 = 7;

/// A file that has the header of a journal.
pub(super) struct Journal<'t> {
    bytes: &'t [u8],
    /// Where the first object stands.
    first: usize,
    /// Where the objects end at the latest.
    end: usize,
    /// The last object; 0 where the writer did not say.
    tail: usize,
    compact: bool,
    /// Offset and size of the hash tables' contents.
    tables: [(usize, usize); 2],
    /// Flags that no known version sets.
    pub(super) unknown_flags: u32,
    /// Whether the header says where the objects start.
    pub(super) sound: bool,
    /// Entries as the header counts them.
    pub(super) entries: u64,
    /// Bytes that the header promises and the file does not have.
    pub(super) missing_bytes: u64,
}

/// What the walk meets.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Entry(Entry),
    /// Bytes where objects are due and none can be read.
    Hole(Range<usize>),
}

/// An ENTRY object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) place: Range<usize>,
    pub(super) seqnum: u64,
    pub(super) realtime: u64,
    pub(super) monotonic: u64,
    pub(super) boot: [u8; 16],
}

/// The payload of a DATA object, as stored.
pub(super) struct Data<'t> {
    /// The whole object.
    pub(super) object: Range<usize>,
    /// Where the payload starts.
    pub(super) start: usize,
    pub(super) payload: &'t [u8],
    /// 0 plain, 1 XZ, 2 LZ4, 4 ZSTD.
    pub(super) packing: u8,
}

#[derive(Clone, Copy)]
struct Head {
    kind: u8,
    flags: u8,
    size: usize,
}

impl<'t> Journal<'t> {
    /// Reads the header; nothing where it is cut off.
    pub(super) fn open(bytes: &'t [u8]) -> Option<Journal<'t>> {
        if !bytes.starts_with(MAGIC) || bytes.len() < LEAST_HEADER {
            return None;
        }
        let flags = u32_at(bytes, 12)?;
        let place = |at: usize| u64_at(bytes, at).map(|it| usize::try_from(it).unwrap_or(usize::MAX));
        let (header, arena) = (place(88)?, place(96)?);
        let sound = header >= LEAST_HEADER && header <= bytes.len() && header.is_multiple_of(8);
        let first = if sound { header } else { LEAST_HEADER };
        let said = if arena == 0 || !sound { bytes.len() } else { first.saturating_add(arena) };
        Some(Journal {
            bytes,
            first,
            end: said.min(bytes.len()),
            tail: place(136)?,
            compact: flags & COMPACT != 0,
            tables: [(place(104)?, place(112)?), (place(120)?, place(128)?)],
            unknown_flags: flags & !KNOWN_FLAGS,
            sound,
            entries: u64_at(bytes, 152)?,
            missing_bytes: said.saturating_sub(bytes.len()) as u64,
        })
    }

    /// The entries in file order, with the holes between them.
    pub(super) fn walk(&self) -> impl Iterator<Item = Found> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            while !self.is_past(at) {
                let here = at;
                let Some(head) = self.object(here) else {
                    at = self.resume(here);
                    // what was never written is no hole
                    let hole = match self.tail {
                        0 if at >= self.end => here..self.written(here),
                        _ => here..at.min(self.end),
                    };
                    if hole.is_empty() {
                        return None;
                    }
                    return Some(Found::Hole(hole));
                };
                at = here + align(head.size);
                if head.kind == ENTRY
                    && let Some(entry) = self.entry(here..here + head.size)
                {
                    return Some(Found::Entry(entry));
                }
            }
            None
        })
    }

    /// The DATA objects of an entry; nothing in place of one that cannot be read.
    pub(super) fn items(&self, entry: &Entry) -> impl Iterator<Item = Option<Data<'t>>> {
        let step = if self.compact { 4 } else { 16 };
        let items = self.bytes.get(entry.place.start + 64..entry.place.end).unwrap_or_default();
        items.chunks_exact(step).filter_map(move |item| {
            let offset = if step == 4 { u32_at(item, 0).map(u64::from) } else { u64_at(item, 0) };
            let offset = offset.filter(|it| *it != 0)?;
            Some(usize::try_from(offset).ok().and_then(|it| self.data(it)))
        })
    }

    fn data(&self, at: usize) -> Option<Data<'t>> {
        let head = Some(at).filter(|it| *it >= self.first && it.is_multiple_of(8)).and_then(|it| self.object(it))?;
        let start = at + self.least(DATA);
        let payload = self.bytes.get(start..at + head.size).filter(|_| head.kind == DATA)?;
        Some(Data { object: at..at + head.size, start, payload, packing: head.flags & 7 })
    }

    fn entry(&self, place: Range<usize>) -> Option<Entry> {
        let at = place.start;
        let boot = self.bytes.get(at + 40..at + 56)?.try_into().ok()?;
        let number = |at| u64_at(self.bytes, at);
        let (seqnum, realtime, monotonic) = (number(at + 16)?, number(at + 24)?, number(at + 32)?);
        Some(Entry { place, seqnum, realtime, monotonic, boot })
    }

    fn is_past(&self, at: usize) -> bool {
        at.saturating_add(16) > self.end || (self.tail != 0 && at > self.tail)
    }

    /// The head of an object that is all there.
    fn object(&self, at: usize) -> Option<Head> {
        self.head(at).filter(|it| it.size >= self.least(it.kind) && it.size <= self.end.saturating_sub(at))
    }

    fn head(&self, at: usize) -> Option<Head> {
        let head = self.bytes.get(at..at.checked_add(16)?)?;
        let size = usize::try_from(u64_at(head, 8)?).ok()?;
        let fits = (DATA..=TAG).contains(&head[0]) && head[2..8] == [0; 6] && size >= 16;
        fits.then_some(Head { kind: head[0], flags: head[1], size })
    }

    /// The smallest object of a kind.
    fn least(&self, kind: u8) -> usize {
        match kind {
            DATA if self.compact => 72,
            DATA | ENTRY | TAG => 64,
            FIELD => 40,
            ENTRY_ARRAY => 24,
            _ => 16,
        }
    }

    /// The next place that could be an object, behind one that is none.
    fn resume(&self, from: usize) -> usize {
        for (offset, size) in self.tables {
            // the header says how long a hash table is, too
            let next = offset.saturating_add(size);
            if offset.checked_sub(16) == Some(from) && next > from && next <= self.end {
                return align(next);
            }
        }
        let mut at = from + 8;
        while !self.is_past(at) && !self.is_plausible(at) {
            at += 8;
        }
        if at.saturating_add(16) > self.end { self.end } else { at }
    }

    fn is_plausible(&self, at: usize) -> bool {
        let Some(head) = self.object(at).filter(|it| it.size < OBJECT_BYTES) else { return false };
        let next = at + align(head.size);
        let unwritten = || self.tail == 0 && self.bytes.get(next..next + 16) == Some(&[0; 16]);
        self.is_past(next) || self.head(next).is_some() || unwritten()
    }

    /// Where the zeros begin that fill the file to its end.
    fn written(&self, from: usize) -> usize {
        self.bytes[from..self.end].iter().rposition(|it| *it != 0).map_or(from, |it| from + it + 1)
    }
}

fn align(size: usize) -> usize {
    size.saturating_add(7) & !7
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
