//! zstd: frames one after another, skippable ones between them.
//!
//! Checksums are compared; a window larger than the limit is refused before it is allocated.
//! Source: RFC 8878.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// A last block, raw and empty, and a checksum. Given to a decoder whose input failed it makes it hand out its window,
/// up to 128 MiB of good data that it keeps for later references otherwise.
const CLOSING: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

pub(super) struct ZstdReader<R> {
    reader: R,
    decoder: FrameDecoder,
    in_frame: bool,
    /// The error to give once the window has been handed out.
    broken: Option<String>,
}

impl<R: BufRead> ZstdReader<R> {
    pub(super) fn new(reader: R, window_limit_bytes: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window_limit_bytes);
        ZstdReader { reader, decoder, in_frame: false, broken: None }
    }

    /// Whether another frame has begun.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            let ahead = self.reader.fill_buf()?;
            if ahead.is_empty() {
                return Ok(false);
            }
            let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            if zeros > 0 {
                self.reader.consume(zeros);
                continue;
            }
            return match self.decoder.init(&mut self.reader) {
                Ok(()) => Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = io::copy(&mut (&mut self.reader).take(u64::from(length)), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(invalid("ends in a skippable frame"));
                    }
                    continue;
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_))) => {
                    Err(invalid("something else follows the compressed data"))
                }
                Err(error) => Err(invalid(&error.to_string())),
            };
        }
    }

    fn decode_block(&mut self) {
        let block = self.decoder.decode_blocks(&mut self.reader, BlockDecodingStrategy::UptoBlocks(1));
        if let Err(error) = block {
            self.broken = Some(error.to_string());
            let _ = self.decoder.decode_blocks(CLOSING.as_slice(), BlockDecodingStrategy::All);
        }
    }

    fn checksum_fits(&self) -> bool {
        let stated = self.decoder.get_checksum_from_data();
        stated.is_none() || stated == self.decoder.get_calculated_checksum()
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.in_frame && self.decoder.can_collect() > 0 {
                return self.decoder.read(buf);
            }
            if let Some(what) = &self.broken {
                return Err(invalid(what));
            }
            if self.in_frame && !self.decoder.is_finished() {
                self.decode_block();
                continue;
            }
            if self.in_frame && !self.checksum_fits() {
                self.broken = Some("the checksum does not fit".to_owned());
                continue;
            }
            self.in_frame = self.next_frame()?;
            if !self.in_frame {
                return Ok(0);
            }
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("zstd: {what}"))
}
