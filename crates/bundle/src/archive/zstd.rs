//! zstd: frames one after another, skippable ones between them.
//!
//! Checksums are compared; a window larger than the limit is refused before it is allocated.
//! Source: RFC 8878.

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use std::io::BufRead;

use super::ahead::{Divided, Held, UNIT_BYTES, Unit};
use super::decode::{Codec, Step};

/// Decodes one unit at a time, as the decoder asks for it, because in a call that fails it forgets what it has unpacked.
pub(super) struct Zstd {
    decoder: Option<Decoder<'static>>,
    window_log: u32,
    /// Bytes that make up the next unit: a header, a block, a checksum.
    unit: usize,
    /// The last call filled its output, so that more may be waiting.
    full: bool,
}

/// Bytes of the shortest frame header, which tells how long it is.
const HEADER: usize = 5;
/// A block unpacks to no more than this.
const BLOCK_BYTES: usize = 128 << 10;

impl Zstd {
    pub(super) fn new(window_limit_bytes: u64) -> Self {
        let window_log = window_limit_bytes.max(1 << 10).ilog2().min(31);
        let mut zstd = Zstd { decoder: None, window_log, unit: HEADER, full: false };
        zstd.restart();
        zstd
    }
}

impl Codec for Zstd {
    // a frame, and the sixteen kinds of skippable ones
    const MARKS: &'static [u8] =
        &[0x28, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f];
    const NAME: &'static str = "zstd";

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let Some(decoder) = &mut self.decoder else {
            return Step { read: 0, wrote: 0, ended: Err("not enough memory".to_owned()) };
        };
        loop {
            // what is unpacked already is handed out before anything that may fail is tried
            let waiting = self.full;
            let unit = if waiting { 0 } else { self.unit.min(input.len()) };
            let (mut from, mut to) = (InBuffer::around(&input[..unit]), OutBuffer::around(&mut *output));
            let ended = decoder.run(&mut from, &mut to);
            let (read, wrote) = (from.pos(), to.pos());
            self.full = wrote > 0 && wrote == to.capacity();
            match ended {
                Ok(0) => return Step { read, wrote, ended: Ok(true) },
                Ok(hint) => self.unit = hint,
                Err(error) => return Step { read, wrote, ended: Err(error.to_string()) },
            }
            if !waiting || wrote > 0 {
                return Step { read, wrote, ended: Ok(false) };
            }
        }
    }

    fn restart(&mut self) {
        self.decoder = Decoder::new().ok().and_then(|mut decoder| {
            decoder.set_parameter(DParameter::WindowLogMax(self.window_log)).ok()?;
            Some(decoder)
        });
        (self.unit, self.full) = (HEADER, false);
    }
}

impl Divided for Zstd {
    fn open(most_bytes: u64) -> Self {
        Zstd::new(most_bytes)
    }

    /// A frame's length is that of its header, of its blocks, each of which says how long it is, and of a checksum.
    fn unit(held: &mut Held<impl BufRead>, at: usize) -> Option<Unit> {
        let [a, b, c, d, flags] = *held.upto(at + HEADER)?.last_chunk()?;
        if (0x50..=0x5f).contains(&a) && [b, c, d] == [0x2a, 0x4d, 0x18] {
            let size = u32::from_le_bytes(*held.upto(at + 8)?.last_chunk()?);
            return Some(Unit { len: 8 + usize::try_from(size).ok()?, unpacked: 0 });
        }
        if [a, b, c, d] != [0x28, 0xb5, 0x2f, 0xfd] {
            return None;
        }
        let single = flags & 0x20 != 0;
        let window = usize::from(!single);
        let dictionary = [0, 1, 2, 4][usize::from(flags & 3)];
        let content = [usize::from(single), 2, 4, 8][usize::from(flags >> 6)];
        let (mut end, mut unpacked) = (at + HEADER + window + dictionary + content, 0);
        while end - at <= UNIT_BYTES && unpacked <= UNIT_BYTES {
            let [low, middle, high] = *held.upto(end + 3)?.last_chunk()?;
            let block = u32::from_le_bytes([low, middle, high, 0]);
            let size = (block >> 3) as usize;
            let (packed, becomes) = match block >> 1 & 3 {
                0 => (size, size),
                1 => (1, size),
                2 => (size, BLOCK_BYTES),
                _ => return None,
            };
            end += 3 + packed;
            unpacked += becomes;
            if block & 1 != 0 {
                let checksum = if flags & 4 != 0 { 4 } else { 0 };
                return Some(Unit { len: end + checksum - at, unpacked });
            }
        }
        None
    }
}
