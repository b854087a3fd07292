//! Compressions, one stream after another as `cat a.gz b.gz` leaves them.
//!
//! Everything that could be unpacked before the damage comes out before the error does.
//!
//! Zeros behind the last stream are padding (tapes, block devices); anything else there is an error.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::Decompress as Bunzip2;
use flate2::{Decompress as Inflate, FlushDecompress};

use super::Limits;
use super::ahead::{self, Divided, Held, Unit};
use super::budget::Count;
use super::encoding::{Unmarked, Utf16};
use super::layer::Counted;
use super::lz4::Lz4;
use super::xz::Xz;
use super::zstd::Zstd;

/// Large enough that the operating system and the layers cost nothing per byte.
pub(super) const BUFFER_BYTES: usize = 256 << 10;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Lz4,
    /// Without any frame around it, as in zip.
    Deflate,
    /// Text in UTF-16, the lower byte of each unit first.
    Utf16Little,
    /// Text in UTF-16, the upper byte of each unit first.
    Utf16Big,
    /// Text in UTF-8 with a mark in front.
    Utf8Marked,
}

impl Packing {
    pub(super) fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Xz => "xz",
            Packing::Bzip2 => "bzip2",
            Packing::Lz4 => "lz4",
            Packing::Deflate => "deflate",
            Packing::Utf16Little | Packing::Utf16Big => "UTF-16",
            Packing::Utf8Marked => "UTF-8",
        }
    }

    /// Deflated data of unknown length; not one byte behind it is read.
    pub(super) fn inflate<'r>(reader: impl BufRead + 'r, used: Count) -> Box<dyn Read + 'r> {
        Box::new(Streams::new(Counted { inner: reader, count: used }, Deflate(Inflate::new(false))))
    }

    /// What `reader` holds, unpacked; `used` counts the bytes that this took, without what is read ahead. Members that say
    /// where they end are unpacked on so many threads.
    pub(super) fn unpack<'r>(
        self,
        reader: impl Read + 'r,
        used: Count,
        limits: &Limits,
        threads: usize,
    ) -> Box<dyn Read + 'r> {
        let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        let ahead = threads > 1 && limits.memory_bytes / 8 >= ahead::AHEAD_BYTES;
        match self {
            Packing::Gzip if ahead => return ahead::unpack::<Gzip>(reader, used, limits, threads),
            Packing::Zstd if ahead => return ahead::unpack::<Zstd>(reader, used, limits, threads),
            _ => {}
        }
        let reader = Counted { inner: reader, count: used };
        match self {
            Packing::Gzip => Box::new(Streams::new(reader, Gzip::open(limits.whole_bytes))),
            Packing::Deflate => Box::new(Streams::new(reader, Deflate(Inflate::new(false)))),
            Packing::Bzip2 => Box::new(Streams::new(reader, Bzip2(Bunzip2::new(false)))),
            Packing::Lz4 => Box::new(Lz4::new(reader)),
            Packing::Utf16Little => Box::new(Utf16::new(reader, false)),
            Packing::Utf16Big => Box::new(Utf16::new(reader, true)),
            Packing::Utf8Marked => Box::new(Unmarked::new(reader)),
            Packing::Zstd => Box::new(Streams::new(reader, Zstd::new(limits.whole_bytes))),
            Packing::Xz => Box::new(Streams::new(reader, Xz::new(limits.whole_bytes))),
        }
    }
}

/// A decoder that works on buffers.
pub(super) trait Codec {
    /// The first bytes that streams may have; none where there is no more than one stream.
    const MARKS: &'static [u8];
    const NAME: &'static str;

    /// Unpacks some of `input` into `output`; the counts hold whether it worked or not.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step;
    fn restart(&mut self);
}

pub(super) struct Step {
    pub(super) read: usize,
    pub(super) wrote: usize,
    /// Whether the stream is over, or what is wrong with it.
    pub(super) ended: Result<bool, String>,
}

struct Gzip(Inflate);
struct Deflate(Inflate);
struct Bzip2(Bunzip2);

impl Codec for Gzip {
    const MARKS: &'static [u8] = &[0x1f];
    const NAME: &'static str = "gzip";

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        inflate(&mut self.0, input, output)
    }

    fn restart(&mut self) {
        self.0 = Inflate::new_gzip(15);
    }
}

/// A member of bgzip has at most so many bytes, packed and unpacked.
const BGZIP_BYTES: usize = 64 << 10;

impl Divided for Gzip {
    fn open(_: u64) -> Self {
        Gzip(Inflate::new_gzip(15))
    }

    fn unit(held: &mut Held<impl BufRead>, at: usize) -> Option<Unit> {
        let fixed = &held.upto(at + 12)?[at..];
        let has_extra = fixed[3] & 4 != 0;
        if !fixed.starts_with(&[0x1f, 0x8b, 8]) || !has_extra {
            return None;
        }
        let extra = usize::from(u16::from_le_bytes([fixed[10], fixed[11]]));
        let mut fields = &held.upto(at + 12 + extra)?[at + 12..];
        while let [one, two, low, high, behind @ ..] = fields {
            let (field, others) = behind.split_at_checked(usize::from(u16::from_le_bytes([*low, *high])))?;
            match (one, two, field) {
                (b'B', b'C', [low, high]) => {
                    let len = usize::from(u16::from_le_bytes([*low, *high])) + 1;
                    return Some(Unit { len, unpacked: BGZIP_BYTES });
                }
                _ => fields = others,
            }
        }
        None
    }
}

impl Codec for Deflate {
    const MARKS: &'static [u8] = &[];
    const NAME: &'static str = "deflate";

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        inflate(&mut self.0, input, output)
    }

    fn restart(&mut self) {}
}

fn inflate(inflate: &mut Inflate, input: &[u8], output: &mut [u8]) -> Step {
    let (read, wrote) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, FlushDecompress::None);
    Step {
        read: (inflate.total_in() - read) as usize,
        wrote: (inflate.total_out() - wrote) as usize,
        ended: match status {
            Ok(status) => Ok(status == flate2::Status::StreamEnd),
            Err(error) => Err(error.message().map_or_else(|| error.to_string(), str::to_owned)),
        },
    }
}

impl Codec for Bzip2 {
    const MARKS: &'static [u8] = b"B";
    const NAME: &'static str = "bzip2";

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (read, wrote) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output);
        Step {
            read: (self.0.total_in() - read) as usize,
            wrote: (self.0.total_out() - wrote) as usize,
            ended: match status {
                Ok(bzip2::Status::MemNeeded) => Err("not enough memory".to_owned()),
                Ok(status) => Ok(status == bzip2::Status::StreamEnd),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    fn restart(&mut self) {
        self.0 = Bunzip2::new(false);
    }
}

/// Reads the streams of one codec, one after another.
pub(super) struct Streams<R, C> {
    reader: R,
    codec: C,
    at: At,
}

enum At {
    Stream,
    /// Behind a stream.
    Between,
    End,
    /// The error to give once what was unpacked before it has been given.
    Broken(String),
}

impl<R: BufRead, C: Codec> Streams<R, C> {
    fn new(reader: R, codec: C) -> Self {
        Streams::resumed(reader, codec, false)
    }

    /// Streams of which some may have been read.
    pub(super) fn resumed(reader: R, codec: C, begun: bool) -> Self {
        Streams { reader, codec, at: if begun { At::Between } else { At::Stream } }
    }

    /// Looks at what stands behind a stream.
    fn next(&mut self) -> io::Result<At> {
        loop {
            let ahead = self.reader.fill_buf()?;
            let Some(first) = ahead.first().filter(|_| !C::MARKS.is_empty()) else { return Ok(At::End) };
            if C::MARKS.contains(first) {
                self.codec.restart();
                return Ok(At::Stream); // and if it is none after all, the decoder says so
            }
            let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            if zeros == 0 {
                return Ok(broken::<C>("something else follows the compressed data"));
            }
            self.reader.consume(zeros);
        }
    }
}

fn broken<C: Codec>(what: &str) -> At {
    At::Broken(format!("{}: {what}", C::NAME))
}

impl<R: BufRead, C: Codec> Read for Streams<R, C> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match &self.at {
                At::End => return Ok(0),
                At::Broken(what) => return Err(io::Error::new(io::ErrorKind::InvalidData, what.clone())),
                At::Between => self.at = self.next()?,
                At::Stream => {
                    let input = self.reader.fill_buf()?;
                    let over = input.is_empty();
                    let step = self.codec.step(input, buf);
                    self.reader.consume(step.read);
                    match step.ended {
                        Ok(true) => self.at = At::Between,
                        Ok(false) if over && step.wrote == 0 => self.at = broken::<C>("ends in the middle"),
                        Ok(false) => {}
                        Err(what) => self.at = broken::<C>(&what),
                    }
                    if step.wrote > 0 {
                        return Ok(step.wrote);
                    }
                }
            }
        }
    }
}
