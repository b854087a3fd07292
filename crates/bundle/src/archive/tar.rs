//! tar: v7, ustar, GNU and pax, read as a stream.
//!
//! The header's fields are read by the `tar` crate, the walk is ours: that crate holds long names and pax headers whole
//! whatever size they claim, takes a cut member for a whole one, and gives up at the first bad header, where we look
//! for the next good one. Zeros between entries are passed over (`cat a.tar b.tar`). Skipped: owners, modes, global headers.
//!
//! Source: POSIX `pax`; GNU tar manual, "Basic Tar Format"; `man 5 tar`.

use std::io::{self, BufReader, Read};

use ::tar::{EntryType, GnuExtSparseHeader, Header};

use super::layer::{Headed, fill};
use super::names::{Names, cut, printable};
use super::pax::Extended;
use super::sniff::{HEAD, tar_header};
use super::sparse::{Filled, PIECES, Piece, read_map, sound};
use super::walker::{Place, Stop, Walker};
use super::{Limit, Note, SkipReason};

/// A name or a pax header longer than this is not believed.
const EXTENSION_BYTES: u64 = 1 << 20;

/// The bytes of the archive, and where we are in them.
struct Blocks<'r> {
    reader: BufReader<Headed<'r>>,
    at: u64,
}

/// The content of one entry.
struct Body<'b, 'r> {
    blocks: &'b mut Blocks<'r>,
    left: u64,
    read: u64,
}

impl Read for Blocks<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Read for Body<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.blocks.read(&mut buf[..len])?;
        self.left -= read as u64;
        self.read += read as u64;
        Ok(read)
    }
}

/// Enough for headers and small members; what is read in larger pieces goes past this buffer.
const HEADERS_BYTES: usize = 32 << 10;

/// Whether the archive goes on.
type More = bool;

impl Walker<'_> {
    pub(super) fn tar(&mut self, place: &Place, reader: Headed<'_>) -> Result<(), Stop> {
        let mut blocks = Blocks { reader: BufReader::with_capacity(HEADERS_BYTES, reader), at: 0 };
        let mut names = Names::new(place.prefix(), self.limits.path_bytes);
        let mut extended = Extended::default();
        let mut garbage: Option<(u64, u64)> = None;
        let mut marked = false; // whether the end marker, a block of zeros, was the last thing seen
        loop {
            let mut block = [0; HEAD];
            let at = blocks.at;
            let len = fill(&mut blocks, &mut block);
            let header = tar_header(&block[..len]);
            if !header && block[..len].iter().any(|byte| *byte != 0) {
                let (_, lost) = garbage.get_or_insert((at, 0));
                *lost += len as u64;
                marked = false;
            } else if let Some((at_byte, lost)) = garbage.take() {
                self.damaged(&place.path, at_byte, lost, "this is no tar header");
            }
            if len > 0 {
                self.pass(&place.path, len as u64)?;
            }
            if len < HEAD {
                if let Some((at_byte, lost)) = garbage {
                    self.damaged(&place.path, at_byte, lost, "this is no tar header, and nothing follows");
                } else if !marked {
                    self.damaged(&place.path, at, 0, "the archive ends without its end marker");
                }
                return Ok(());
            }
            if garbage.is_some() {
                continue;
            }
            marked = !header;
            if header && !self.entry(place, Header::from_byte_slice(&block), &mut blocks, &mut names, &mut extended)? {
                self.damaged(&place.path, blocks.at, 0, "the archive ends in the middle of an entry");
                return Ok(());
            }
        }
    }

    fn damaged(&mut self, path: &str, at_byte: u64, lost: u64, what: &str) {
        self.note(Note::Damaged { path: path.to_owned(), at_byte, lost, what: what.to_owned() });
    }

    fn entry(
        &mut self,
        place: &Place,
        header: &Header,
        blocks: &mut Blocks<'_>,
        names: &mut Names,
        extended: &mut Extended,
    ) -> Result<More, Stop> {
        let kind = header.entry_type();
        let Ok(stated) = header.entry_size() else {
            self.damaged(&place.path, blocks.at - HEAD as u64, 0, "a header without a readable size");
            return Ok(true);
        };
        let describes_next = kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions();
        if describes_next {
            return self.extension(place, kind, stated, blocks, extended);
        }
        let extended = std::mem::take(extended);
        let has_content = !(kind.is_hard_link()
            || kind.is_symlink()
            || kind.is_character_special()
            || kind.is_block_special()
            || kind.is_fifo()
            || kind.is_dir());
        let size = if has_content { extended.size.unwrap_or(stated) } else { 0 };
        let sparse_name = extended.sparse.as_ref().and_then(|sparse| sparse.name.as_deref());
        let header_path = header.path_bytes();
        let raw = sparse_name.or(extended.path.as_deref()).unwrap_or(&header_path);
        if kind.is_dir() || (raw.ends_with(b"/") && size == 0 && kind.is_file()) || kind.as_byte() == b'V' {
            self.count(&place.path)?;
            return Ok(true);
        }
        let (path, odd) = names.present(raw);
        self.count(&path)?;
        for what in odd {
            self.note(Note::OddPath { path: path.clone(), what });
        }
        let modified = extended.modified.or_else(|| header.mtime().ok().and_then(|secs| i64::try_from(secs).ok()));
        let member = place.member(path, modified, Some(size));

        let special = match kind {
            EntryType::Symlink | EntryType::Link => {
                let target = extended.link.as_deref().map(printable);
                let mut target = target.unwrap_or_else(|| printable(&header.link_name_bytes().unwrap_or_default()));
                cut(&mut target, self.limits.path_bytes);
                self.note(Note::Linked { path: member.path, target });
                return Ok(true);
            }
            EntryType::Char => Some("character device"),
            EntryType::Block => Some("block device"),
            EntryType::Fifo => Some("fifo"),
            kind if kind.as_byte() == b'M' => Some("volume part"),
            kind if kind.as_byte() == b'D' => Some("directory listing"),
            _ => None,
        };
        if let Some(special) = special {
            let mut body = Body { blocks, left: size, read: 0 };
            self.skip(&member, &mut body, SkipReason::Special(special))?;
            return self.finish(&member, body, size);
        }
        if kind.is_gnu_sparse() || extended.sparse.is_some() {
            return self.sparse(&member, header, extended, blocks, size);
        }
        let mut body = Body { blocks, left: size, read: 0 };
        self.stream(&member, Headed::new(&mut body))?;
        self.finish(&member, body, size)
    }

    /// `L`, `K`, `x`, `g`: says something about the entry that follows.
    fn extension(
        &mut self,
        place: &Place,
        kind: EntryType,
        size: u64,
        blocks: &mut Blocks<'_>,
        extended: &mut Extended,
    ) -> Result<More, Stop> {
        let at = blocks.at;
        let mut body = Body { blocks, left: size, read: 0 };
        let mut text = Vec::new();
        // an error is an end here, and `finish` sees it
        let _ = (&mut body).take(EXTENSION_BYTES).read_to_end(&mut text);
        self.pass(&place.path, text.len() as u64)?;
        if size > EXTENSION_BYTES {
            self.damaged(&place.path, at, 0, "a tar extension header too long to be believed");
        } else if kind.is_pax_local_extensions() {
            if !extended.read(&text) {
                self.damaged(&place.path, at, 0, "a pax header that cannot be read");
            }
        } else if !kind.is_pax_global_extensions() {
            let name = text.split(|byte| *byte == 0).next().map(<[u8]>::to_vec);
            if kind.is_gnu_longname() { extended.path = name } else { extended.link = name }
        }
        self.finish(place, body, size)
    }

    /// A file with holes: old GNU brings the map in headers, pax in its records or before the data.
    fn sparse(
        &mut self,
        member: &Place,
        header: &Header,
        extended: Extended,
        blocks: &mut Blocks<'_>,
        size: u64,
    ) -> Result<More, Stop> {
        let mut pieces = Vec::new();
        let mut real_size = 0;
        if let Some(gnu) = header.as_gnu().filter(|_| header.entry_type().is_gnu_sparse()) {
            real_size = gnu.real_size().unwrap_or(0);
            let mut more = gnu.is_extended();
            add(&mut pieces, &gnu.sparse);
            while more {
                let mut next = GnuExtSparseHeader::new();
                if fill(blocks, next.as_mut_bytes()) < HEAD {
                    break;
                }
                self.pass(&member.path, HEAD as u64)?;
                add(&mut pieces, next.sparse());
                more = next.is_extended();
            }
        }
        let mut body = Body { blocks, left: size, read: 0 };
        if let Some(sparse) = extended.sparse {
            real_size = sparse.real_size;
            pieces = sparse.pieces;
            if sparse.map_in_data {
                pieces = read_map(&mut body).map(|(pieces, _)| pieces).unwrap_or_default();
                let read = body.read;
                self.pass(&member.path, read)?;
            }
        }
        let stored = body.left;
        let member = Place { size: Some(real_size), ..member.clone() };
        if !sound(&pieces, stored, real_size) {
            let lost = stored;
            self.damaged(&member.path, 0, lost, "the map of its holes cannot be right");
        } else if real_size / stored.max(HEAD as u64) > self.limits.ratio && real_size > (16 << 20) {
            self.limit(Limit::Ratio, &member.path, self.limits.ratio);
            self.skip(&member, &mut body, SkipReason::Limit(Limit::Ratio))?;
        } else {
            let mut filled = Filled::new(&mut body, pieces, real_size);
            self.stream(&member, Headed::new(&mut filled))?;
        }
        self.finish(&member, body, size)
    }

    /// Passes over what is left of an entry, and its padding.
    fn finish(&mut self, place: &Place, mut body: Body<'_, '_>, size: u64) -> Result<More, Stop> {
        let mut scratch = [0; 16 << 10];
        while body.left > 0 {
            let passed = body.read(&mut scratch).unwrap_or(0);
            if passed == 0 {
                let what = format!("ends after {} of {size} bytes", body.read);
                self.damaged(&place.path, body.read, 0, &what);
                return Ok(false);
            }
            self.pass(&place.path, passed as u64)?;
        }
        let padding = (HEAD as u64 - size % HEAD as u64) % HEAD as u64;
        let padded = fill(body.blocks, &mut scratch[..padding as usize]) as u64;
        self.pass(&place.path, padded)?;
        Ok(true)
    }
}

fn add(pieces: &mut Vec<Piece>, headers: &[::tar::GnuSparseHeader]) {
    for header in headers.iter().filter(|header| !header.is_empty()) {
        if pieces.len() > PIECES {
            return; // one too many, and `sound` says no
        }
        let (offset, len) = (header.offset().unwrap_or(u64::MAX), header.length().unwrap_or(u64::MAX));
        pieces.push(Piece { offset, len });
    }
}
