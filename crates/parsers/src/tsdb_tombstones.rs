//! `tombstones` of a block of Prometheus' storage: which samples were deleted on purpose.
//!
//! ```text
//! 01 30 BA 30 01 <series> <from> <to> … <crc32>
//! ```
//!
//! One row a stretch. They are told, not applied: the samples are read as they stand in the chunks. Skipped: the checksum.
//! Time: milliseconds since the epoch, zigzag varints.
//!
//! Source: prometheus/tsdb/docs/format/tombstones.md.

use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::places::Places;
use crate::state::State;
use crate::tsdb_meta::utc;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "tsdb-tombstones",
    produced_by: "Prometheus, Thanos: a block or snapshot",
    samples: &[],
    recognizes,
    reading: Reading::Whole(parse),
};

const MAGIC: [u8; 5] = [0x01, 0x30, 0xba, 0x30, 0x01];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.bytes.starts_with(&MAGIC) { Certainty::Sure } else { Certainty::No }
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn signed(bytes: &[u8], at: &mut usize) -> Option<i64> {
    varint(bytes, at).map(|it| (it >> 1) as i64 ^ -((it & 1) as i64))
}

/// Series, from, to.
fn stone(bytes: &[u8], at: &mut usize) -> Option<(u64, i64, i64)> {
    Some((varint(bytes, at)?, signed(bytes, at)?, signed(bytes, at)?))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    if !input.bytes.starts_with(&MAGIC) {
        return;
    }
    // the last four bytes are a checksum
    let end = input.bytes.len().saturating_sub(4).max(MAGIC.len().min(input.bytes.len()));
    let bytes = &input.bytes[..end];
    let mut at = MAGIC.len();
    let (mut lines, mut understood) = (1, 1);
    let mut places = Places::of(input);
    let mut state = State::of(input, out);
    while at < bytes.len() {
        let begin = at;
        lines += 1;
        let Some((series, from, to)) = stone(bytes, &mut at) else {
            state.issue(0, "the tombstones end within one");
            break;
        };
        understood += 1;
        let row = Row::new(&relation::TSDB_TOMBSTONE)
            .with("series", series.to_string())
            .with("from", utc(from))
            .with("to", utc(to));
        // there is nothing to read aloud: the quote is a place
        let place = (0..=begin).rev().find(|it| input.text.is_char_boundary(*it)).unwrap_or(0);
        state.fact(Fact::new(row, None, places.quote(&input.text[place..place])), Stamp::None);
    }
    state.collected(&relation::TSDB_TOMBSTONE);
    out.tally.lines += lines;
    out.tally.understood += understood;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{origin, sample_bytes, shown, sniff};

    fn rows(bytes: &[u8]) -> (Vec<String>, u64, u64) {
        let text: String = bytes.iter().map(|it| if it.is_ascii() { char::from(*it) } else { '?' }).collect();
        let of = Sniff { bytes, ..sniff("tombstones", &text) };
        assert_eq!((FORMAT.recognizes)(&of), Certainty::Sure);
        let mut out = MemberRecords::default();
        parse(&Input { origin: &origin("tombstones"), text: &text, bytes, truncated: false }, &mut out);
        (shown(&out, "tsdb.tombstone", ["series", "from", "to"]), out.tally.lines, out.tally.understood)
    }

    #[test]
    fn stretches() {
        let zigzag = |it: i64| ((it << 1) ^ (it >> 63)) as u64;
        let mut bytes = MAGIC.to_vec();
        for mut value in [300, zigzag(1_690_120_800_000), zigzag(1_690_120_860_000)] {
            while value >= 0x80 {
                bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
        }
        bytes.extend([1, 2, 3, 4]);
        let (found, lines, understood) = rows(&bytes);
        assert_eq!(found, ["300 2023-07-23 14:00:00 UTC 2023-07-23 14:01:00 UTC"]);
        assert_eq!(lines, understood);
        // cut within a number: what is there is told, the rest is an odd line
        let (found, lines, understood) = rows(&bytes[..bytes.len() - 6]);
        assert!(found.is_empty());
        assert_eq!((lines, understood), (2, 1));
        for end in MAGIC.len()..bytes.len() {
            rows(&bytes[..end]);
        }
    }

    #[test]
    fn a_real_block_has_none() {
        let Some(bytes) = sample_bytes("metrics/snapshot-block/01M7XPTMDK4QGE1E70JSFEQPVE/tombstones") else { return };
        assert_eq!(rows(&bytes), (Vec::new(), 1, 1));
    }
}
