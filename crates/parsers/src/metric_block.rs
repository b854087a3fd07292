//! Blocks of Prometheus' storage: an index of series and files of chunks, joined once both are read.
//!
//! ```text
//! 01M7XPTMDK4QGE1E70JSFEQPVE/index           BA AA D7 00 02 …   labels, and where the chunks are
//! 01M7XPTMDK4QGE1E70JSFEQPVE/chunks/000001   85 BD 40 DD 01 …   XOR-packed samples
//! ```
//!
//! Index versions 1 and 2; chunks of encoding XOR, which is all but native histograms. A series joined from a block quotes its
//! samples as promtool prints them (`13 @1795219037764`): packed bits cannot be quoted as they stand. Skipped: postings,
//! tombstones, checksums, the write-ahead log. Units: milliseconds.
//!
//! Source: prometheus/tsdb/docs/format/{index,chunks}.md, tsdb/chunkenc/xor.go.

use std::collections::BTreeMap;
use std::fmt::Write;

use timeline::{BlockPart, IndexedSeries, MemberId, Name, SampleChunk, Series};

use crate::exposition::Builder;

pub(crate) const INDEX_MAGIC: [u8; 4] = [0xba, 0xaa, 0xd7, 0x00];
pub(crate) const CHUNKS_MAGIC: [u8; 4] = [0x85, 0xbd, 0x40, 0xdd];

/// Series of one index; more are no evidence but a database.
const MOST_SERIES: usize = 2_000_000;
/// Samples of one file of chunks.
const MOST_SAMPLES: usize = 20_000_000;

/// Reads numbers from bytes; nothing where they end.
struct Bytes<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Bytes<'b> {
    fn at(bytes: &'b [u8], at: usize) -> Bytes<'b> {
        Bytes { bytes, at }
    }

    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let found = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(found)
    }

    fn number(&mut self, len: usize) -> Option<u64> {
        Some(self.take(len)?.iter().fold(0, |all, it| all << 8 | u64::from(*it)))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        self.varint().map(zigzag)
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// The series of an index, as far as it can be read; the flag tells whether that is all.
pub(crate) fn index(bytes: &[u8]) -> Option<(Vec<IndexedSeries>, bool)> {
    let version = *bytes.get(4)?;
    if !bytes.starts_with(&INDEX_MAGIC) || !matches!(version, 1 | 2) {
        return None;
    }
    // the table of contents ends the file
    let contents = bytes.len().checked_sub(52)?;
    let mut toc = Bytes::at(bytes, contents);
    let mut offsets = [0usize; 6];
    for offset in &mut offsets {
        *offset = usize::try_from(toc.number(8)?).ok()?;
    }
    let [symbols, series, ..] = offsets;
    let names = if version == 2 { symbol_table(bytes, symbols)? } else { Vec::new() };
    let end = offsets.iter().copied().filter(|it| *it > series).min().unwrap_or(contents).min(contents);
    let mut found = Vec::new();
    let mut at = series;
    while at < end && found.len() < MOST_SERIES {
        // entries of version 2 begin at multiples of 16
        if version == 2 && at % 16 != 0 {
            at += 16 - at % 16;
            continue;
        }
        let mut entry = Bytes::at(bytes, at);
        let Some(len) = entry.varint().and_then(|it| usize::try_from(it).ok()) else { return Some((found, false)) };
        if len == 0 {
            at += if version == 2 { 16 } else { 1 };
            continue;
        }
        let content = entry.at;
        let symbol = |reference: u64| -> Option<Name> {
            let reference = usize::try_from(reference).ok()?;
            if version == 2 {
                return names.get(reference).cloned();
            }
            let mut text = Bytes::at(bytes, reference);
            let len = usize::try_from(text.varint()?).ok()?;
            Some(std::str::from_utf8(text.take(len)?).ok()?.into())
        };
        let Some(one) = series_entry(&mut Bytes::at(bytes, content), symbol, at as u64) else {
            return Some((found, false));
        };
        found.push(one);
        let Some(next) = content.checked_add(len).and_then(|it| it.checked_add(4)) else { return Some((found, false)) };
        at = next;
    }
    Some((found, at >= end))
}

fn symbol_table(bytes: &[u8], at: usize) -> Option<Vec<Name>> {
    let mut table = Bytes::at(bytes, at);
    let _len = table.number(4)?;
    let count = usize::try_from(table.number(4)?).ok()?;
    let mut names = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        let len = usize::try_from(table.varint()?).ok()?;
        names.push(Name::from(String::from_utf8_lossy(table.take(len)?).as_ref()));
    }
    Some(names)
}

fn series_entry(entry: &mut Bytes<'_>, symbol: impl Fn(u64) -> Option<Name>, start: u64) -> Option<IndexedSeries> {
    let (mut metric, mut labels) = (Name::from(""), Vec::new());
    for _ in 0..entry.varint()? {
        let (name, value) = (symbol(entry.varint()?)?, symbol(entry.varint()?)?);
        if &*name == "__name__" {
            metric = value;
        } else {
            labels.push((name, value));
        }
    }
    labels.sort();
    let count = entry.varint()?;
    let mut chunks = Vec::new();
    let mut reference = 0u64;
    for number in 0..count {
        // times are in the chunks as well; references after the first are signed differences
        if number == 0 {
            let _ = (entry.signed()?, entry.varint()?);
            reference = entry.varint()?;
        } else {
            let _ = (entry.varint()?, entry.varint()?);
            reference = reference.checked_add_signed(entry.signed()?)?;
        }
        chunks.push(((reference >> 32) as u32, reference as u32));
    }
    Some(IndexedSeries { metric, labels, chunks, start })
}

/// What a file of chunks holds.
pub(crate) struct Chunks {
    pub(crate) chunks: Vec<SampleChunk>,
    /// Chunks of another encoding.
    pub(crate) others: u32,
    /// Whether the file was read to its end.
    pub(crate) whole: bool,
}

/// The chunks of a file, one after the other.
pub(crate) fn chunks(bytes: &[u8]) -> Option<Chunks> {
    if !bytes.starts_with(&CHUNKS_MAGIC) || bytes.get(4) != Some(&1) {
        return None;
    }
    let mut found = Chunks { chunks: Vec::new(), others: 0, whole: true };
    let (mut at, mut samples) = (8, 0usize);
    while at < bytes.len() {
        let mut entry = Bytes::at(bytes, at);
        let data = entry.varint().and_then(|len| {
            let encoding = entry.number(1)?;
            Some((encoding, entry.take(usize::try_from(len).ok()?)?))
        });
        // preallocated files end in zeros
        let Some((encoding, data)) = data.filter(|(_, data)| !data.is_empty()) else {
            found.whole = bytes[at..].iter().all(|it| *it == 0);
            break;
        };
        let end = (entry.at + 4).min(bytes.len());
        if encoding == 1 {
            match xor(data) {
                Some(read) => {
                    samples += read.len();
                    found.chunks.push(SampleChunk { start: at as u32, len: (end - at) as u32, samples: read });
                }
                None => found.whole = false,
            }
        } else {
            found.others += 1;
        }
        if samples > MOST_SAMPLES {
            found.whole = false;
            break;
        }
        at = end;
    }
    Some(found)
}

/// Bits, most significant first.
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let found = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Some(found)
    }

    fn bits(&mut self, count: u32) -> Option<u64> {
        let mut value = 0u64;
        let mut left = count;
        while left > 0 {
            let byte = u64::from(*self.bytes.get(self.at / 8)?);
            let room = 8 - (self.at % 8) as u32;
            let take = room.min(left);
            let part = byte >> (room - take) & ((1 << take) - 1);
            value = value << take | part;
            self.at += take as usize;
            left -= take;
        }
        Some(value)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.bits(8)?;
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// Times as differences of differences, values as XOR with the one before.
fn xor(data: &[u8]) -> Option<Vec<(i64, f64)>> {
    let count = usize::from(u16::from_be_bytes([*data.first()?, *data.get(1)?]));
    let mut bits = Bits { bytes: data, at: 16 };
    let mut samples = Vec::with_capacity(count.min(data.len() * 8));
    let (mut millis, mut delta) = (0i64, 0i64);
    let (mut value, mut leading, mut trailing) = (0u64, 0u32, 0u32);
    for number in 0..count {
        match number {
            0 => {
                millis = zigzag(bits.varint()?);
                value = bits.bits(64)?;
                samples.push((millis, f64::from_bits(value)));
                continue;
            }
            1 => delta = i64::try_from(bits.varint()?).ok()?,
            _ => delta = delta.wrapping_add(difference(&mut bits)?),
        }
        millis = millis.wrapping_add(delta);
        if bits.bit()? {
            if bits.bit()? {
                leading = bits.bits(5)? as u32;
                // 0 stands for all 64
                let meaningful = match bits.bits(6)? as u32 {
                    0 => 64,
                    it => it,
                };
                trailing = 64u32.checked_sub(leading + meaningful)?;
            }
            let meaningful = 64 - leading - trailing;
            value ^= bits.bits(meaningful)? << trailing;
        }
        samples.push((millis, f64::from_bits(value)));
    }
    Some(samples)
}

fn difference(bits: &mut Bits<'_>) -> Option<i64> {
    let mut size = 0;
    for next in [14, 17, 20, 64] {
        if !bits.bit()? {
            break;
        }
        size = next;
    }
    if size == 0 {
        return Some(0);
    }
    let found = bits.bits(size)?;
    if size == 64 {
        return Some(found as i64);
    }
    let found = found as i64;
    Some(if found > 1 << (size - 1) { found - (1 << size) } else { found })
}

/// The series of a block, from its index and its files of chunks in order.
#[must_use]
pub fn join_block(index: &BlockPart, files: &[(MemberId, &BlockPart)]) -> Vec<Series> {
    let BlockPart::Index(all) = index else { return Vec::new() };
    let mut by_place: BTreeMap<(u32, u32), (MemberId, &SampleChunk)> = BTreeMap::new();
    for (number, (member, part)) in (0u32..).zip(files) {
        if let BlockPart::Chunks(chunks) = part {
            by_place.extend(chunks.iter().map(|it| ((number, it.start), (*member, it))));
        }
    }
    let mut found = Vec::new();
    for one in all {
        let chunks: Vec<_> = one.chunks.iter().filter_map(|it| by_place.get(it)).collect();
        let Some((member, first)) = chunks.first() else { continue };
        let labelled = (one.metric.clone(), one.labels.clone());
        let mut builder = Builder::new(labelled, *member, u64::from(first.start), 1);
        let mut text = String::new();
        for (millis, value) in chunks.iter().flat_map(|(_, it)| &it.samples) {
            let start = text.len();
            let _ = writeln!(text, "{value} @{millis}");
            builder.add(*millis, *value, start, text.len() - 1 - start);
        }
        found.push(builder.kept(&text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promtool_dump;
    use crate::testing::{read_at, sample, sample_bytes, series};

    const BLOCK: &str = "metrics/snapshot-block/01M7XPTMDK4QGE1E70JSFEQPVE";

    /// The block and what promtool prints of it.
    #[test]
    fn a_real_block_says_what_promtool_prints_of_it() {
        let Some(packed) = sample_bytes(&format!("{BLOCK}/index")) else { return };
        let (all, whole) = index(&packed).expect("an index");
        assert!(whole);
        let chunks_read =
            chunks(&sample_bytes(&format!("{BLOCK}/chunks/000001")).expect("its chunks")).expect("chunks");
        assert!(chunks_read.whole && chunks_read.others == 0);
        let samples: usize = chunks_read.chunks.iter().map(|it| it.samples.len()).sum();
        assert_eq!((all.len(), chunks_read.chunks.len(), samples), (973, 1916, 101_662));
        let stale = chunks_read
            .chunks
            .iter()
            .flat_map(|it| &it.samples)
            .filter(|(_, it)| it.to_bits() == 0x7ff0_0000_0000_0002);
        assert_eq!(stale.count(), 532);
        assert_eq!(all.iter().map(|it| it.chunks.len()).sum::<usize>(), 1916);
        let (index, files) = (BlockPart::Index(all), BlockPart::Chunks(chunks_read.chunks));
        let joined = join_block(&index, &[(MemberId(3), &files)]);
        assert_eq!(joined.len(), 973);
        let dump = sample("metrics/promtool/tsdb_dump.txt").expect("its dump");
        let dumped = read_at(&promtool_dump::FORMAT, "dump.txt", &dump);
        let (mut points, mut compared) = (0, 0);
        for one in series(&dumped) {
            let same =
                joined.iter().find(|it| it.metric == one.metric && it.labels == one.labels).expect("the same series");
            let at: BTreeMap<i64, f64> = same.points.iter().map(|it| (it.millis, it.value)).collect();
            for point in one.points.iter() {
                // the dump prints seven digits of large values
                let value = at.get(&point.millis).copied().expect("a sample at the same instant");
                assert!(
                    (value - point.value).abs() <= point.value.abs() * 1e-9,
                    "{}: {value} {}",
                    one.title(),
                    point.value
                );
                points += 1;
            }
            compared += 1;
        }
        assert!(points > 1_000 && compared > 3, "{points} {compared}");
        let one = joined.iter().find(|it| !it.points.is_empty()).expect("a series with samples");
        assert!(one.quote(one.points.first().expect("a sample").millis).text.contains(" @"));
    }

    #[test]
    fn an_index_of_the_first_version() {
        // upstream's fixture has no chunks beside it
        let Some(packed) = sample_bytes("metrics/prometheus-testdata/index_format_v1/index") else { return };
        let (all, _) = index(&packed).expect("an index");
        assert!(!all.is_empty() && all.iter().all(|it| !it.labels.is_empty() || !it.metric.is_empty()));
    }

    #[test]
    fn damaged_blocks_are_read_as_far_as_they_go() {
        let mut packed = CHUNKS_MAGIC.to_vec();
        packed.extend([1, 0, 0, 0]);
        // one sample: 16 bits of count, a time, a value
        let mut data = vec![0, 1, 0x02];
        data.extend(13f64.to_bits().to_be_bytes());
        packed.extend([data.len() as u8, 1]);
        packed.extend(&data);
        packed.extend([0; 4]);
        let read = chunks(&packed).expect("chunks");
        assert_eq!((read.chunks[0].samples.clone(), read.whole), (vec![(1, 13.0)], true));
        for end in 0..packed.len() {
            let _ = chunks(&packed[..end]);
            let _ = index(&packed[..end]);
        }
        packed.push(0xff);
        assert!(!chunks(&packed).expect("chunks").whole);
        let mut odd = INDEX_MAGIC.to_vec();
        odd.push(2);
        odd.extend([0xff; 60]);
        assert!(index(&odd).is_none());
    }
}
