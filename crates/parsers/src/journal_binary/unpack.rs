//! Payloads that journald stored compressed: an XZ stream, an LZ4 block behind its size, a ZSTD frame.
//!
//! Nothing unpacks to more than [`PAYLOAD_BYTES`], and all of a file to no more than [`FILE_BYTES`]: a few bytes may
//! claim to be a terabyte, and many entries may share them.

use std::io::Read;

use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// One payload, and what a decoder may hold for it.
pub(super) const PAYLOAD_BYTES: usize = 64 << 20;
/// All payloads of a file.
const FILE_BYTES: u64 = 4 << 30;

pub(super) struct Unpacker {
    zstd: FrameDecoder,
    left: u64,
}

impl Unpacker {
    pub(super) fn new() -> Unpacker {
        let mut zstd = FrameDecoder::new();
        zstd.set_max_window_size(PAYLOAD_BYTES as u64);
        Unpacker { zstd, left: FILE_BYTES }
    }

    /// The first bytes of a payload; nothing where it is damaged, too large, or more than the file is worth.
    pub(super) fn unpack(&mut self, packing: u8, packed: &[u8], most: usize) -> Option<Vec<u8>> {
        if !self.pays(packed.len()) {
            return None;
        }
        let most = most.min(PAYLOAD_BYTES);
        let bytes = match packing {
            1 => first(XzReader::new_mem_limit(packed, false, (PAYLOAD_BYTES >> 10) as u32), most),
            2 => {
                let (size, block) = packed.split_first_chunk()?;
                let size = usize::try_from(u64::from_le_bytes(*size)).ok()?;
                // a block grows to 255 times its size at most
                let possible = size <= PAYLOAD_BYTES && size / 255 <= block.len();
                // it comes whole or not at all
                let mut bytes = lz4_flex::block::decompress(block, Some(size).filter(|_| possible)?).ok()?;
                self.left = self.left.saturating_sub(bytes.len() as u64);
                bytes.truncate(most);
                return Some(bytes);
            }
            4 => first(StreamingDecoder::new_with_decoder(packed, &mut self.zstd).ok()?, most),
            _ => None,
        };
        bytes.filter(|it| self.pays(it.len()))
    }

    /// Whether the file may still cost so many bytes.
    pub(super) fn pays(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes as u64);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

fn first(reader: impl Read, most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
