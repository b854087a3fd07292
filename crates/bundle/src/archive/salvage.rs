//! A zip whose directory is missing, as a download that broke off leaves it: entry after entry from the beginning.
//!
//! ```text
//! PK\3\4  version  flags  method  time  crc  stored  size  name-len  extra-len   name  extra  data  [PK\7\8 crc stored size]
//! ```
//!
//! Deflated entries may leave their lengths to the descriptor behind them (all that Go writes do); the end of the data
//! is where deflate says. Other entries of unknown length end the walk. Skipped: zip64 lengths, checksums, links' modes.
//!
//! Source: PKWARE APPNOTE 6.3.10, 4.3.7 and 4.3.9.

use std::io::{BufRead, BufReader, Read};

use super::budget::Count;
use super::decode::{BUFFER_BYTES, Packing};
use super::layer::{Counted, Headed, Layer, fill};
use super::names::Names;
use super::walker::{Place, Stop, Walker};
use super::{Note, SkipReason};

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

impl Walker<'_> {
    /// Reads what can be read without a directory. Nothing at all is the caller's to tell.
    pub(super) fn salvage(&mut self, place: &Place, reader: impl Read) -> Result<(), Stop> {
        let inside = Place { root: Count::default(), ..place.clone() };
        let counted = Counted { inner: reader, count: inside.root.clone() };
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, counted);
        let mut names = Names::new(place.prefix(), self.limits.path_bytes);
        loop {
            let mut header = [0; 30];
            if fill(&mut reader, &mut header) < header.len() || !header.starts_with(LOCAL_HEADER) {
                return Ok(());
            }
            let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
            let long = |at: usize| u64::from(short(at)) | u64::from(short(at + 2)) << 16;
            let mut name = vec![0; usize::from(short(26))];
            let mut extra = vec![0; usize::from(short(28))];
            if fill(&mut reader, &mut name) < name.len() || fill(&mut reader, &mut extra) < extra.len() {
                return Ok(());
            }
            let (flags, method) = (short(6), short(8));
            let stored = Some(long(18)).filter(|stored| flags & 8 == 0 && *stored != u64::from(u32::MAX));
            let more = if name.ends_with(b"/") {
                self.count(&place.path)?;
                stored.unwrap_or(0) == 0
            } else {
                let (path, odd) = names.present(&name);
                self.count(&path)?;
                for what in odd {
                    self.note(Note::OddPath { path: path.clone(), what });
                }
                self.salvaged(&inside.member(path, None, None), method, flags & 1 != 0, stored, &mut reader)?
            };
            if !more || flags & 8 != 0 && !pass_descriptor(&mut reader) {
                return Ok(());
            }
        }
    }

    /// Whether it is known where the next entry begins.
    fn salvaged(
        &mut self,
        member: &Place,
        method: u16,
        encrypted: bool,
        stored: Option<u64>,
        reader: &mut impl BufRead,
    ) -> Result<bool, Stop> {
        let mut body: Box<dyn BufRead + '_> = match stored {
            Some(stored) => Box::new(reader.take(stored)),
            None if method == DEFLATED && !encrypted => Box::new(reader),
            None => {
                self.skipped(member, 0, false, SkipReason::Unsupported("zip entry without a length".to_owned()))?;
                return Ok(false);
            }
        };
        if encrypted || !matches!(method, STORED | DEFLATED) {
            let reason =
                if encrypted { SkipReason::Encrypted } else { SkipReason::Unsupported(format!("zip method {method}")) };
            self.skip(member, &mut body, reason)?;
            return Ok(true);
        }
        if method == STORED {
            let read = Count::default();
            let mut counted = Counted { inner: &mut body, count: read.clone() };
            self.stream(member, Headed::new(&mut counted))?;
            if let Some(stored) = stored.filter(|stored| read.get() < *stored) {
                let what = format!("ends after {} of {stored} bytes", read.get());
                self.note(Note::Damaged { path: member.path.clone(), at_byte: read.get(), lost: 0, what });
            }
            let rest = pass_rest(&mut body);
            self.pass(&member.path, rest)?;
            return Ok(true);
        }
        let own = Count::default();
        let judge = self.judge(own.clone(), member);
        let mut layer = Layer::new(Packing::inflate(&mut body, own), Some(judge));
        self.stream(member, Headed::new(&mut layer))?;
        let (end, given) = (layer.take_end(), layer.given());
        drop(layer);
        let whole = end.is_none();
        if let Some(end) = end {
            self.ended(end, &member.path, given, 0);
        }
        let rest = if stored.is_some() { pass_rest(&mut body) } else { 0 };
        self.pass(&member.path, rest)?;
        Ok(whole || stored.is_some())
    }
}

fn pass_rest(reader: &mut dyn Read) -> u64 {
    std::io::copy(reader, &mut std::io::sink()).unwrap_or(0)
}

/// Passes over the descriptor: four numbers, of which two are twice as long in zip64. What follows begins with `PK`.
fn pass_descriptor(reader: &mut impl BufRead) -> bool {
    let mut descriptor = [0; 16];
    if fill(reader, &mut descriptor) < descriptor.len() || !descriptor.starts_with(DESCRIPTOR) {
        return false;
    }
    let mut ahead = [0; 8];
    match reader.fill_buf() {
        Ok(next) if next.first() != Some(&b'P') => fill(reader, &mut ahead) == ahead.len(),
        Ok(_) => true,
        Err(_) => false,
    }
}
