//! LZ4 frames, one after another, as `lz4` writes them. Blocks hold 8 MiB at most, so that memory is bounded.

use std::io::{self, BufRead, Read};

use lz4_flex::frame::FrameDecoder;

/// Unpacks frames until something else follows them.
pub(super) struct Lz4<R: BufRead>(FrameDecoder<R>);

impl<R: BufRead> Lz4<R> {
    pub(super) fn new(reader: R) -> Self {
        Lz4(FrameDecoder::new(reader))
    }
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("lz4: {what}"));
        loop {
            let read = self.0.read(buf).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => wrong("ends in the middle".to_owned()),
                _ => wrong(error.to_string()),
            })?;
            if read > 0 || buf.is_empty() {
                return Ok(read);
            }
            // a frame is over; another one may follow, or padding
            match self.0.get_mut().fill_buf()? {
                [] => return Ok(0),
                [4 | 2 | 0x50..=0x5f, ..] => {}
                [0, ..] => {
                    let reader = self.0.get_mut();
                    let zeros = reader.fill_buf()?.iter().take_while(|byte| **byte == 0).count();
                    reader.consume(zeros);
                }
                _ => return Err(wrong("something else follows the compressed data".to_owned())),
            }
        }
    }
}
