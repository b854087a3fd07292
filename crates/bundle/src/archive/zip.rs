//! zip: by its central directory, from a file or from memory; without one, see `salvage`.
//!
//! A zip inside another archive is held in memory, as its directory stands at its end. Stored, deflated, bzip2, xz and
//! zstd entries are read; others and encrypted ones are named and passed over. Times without a zone are not used.
//!
//! Source: PKWARE APPNOTE 6.3.10.

use std::fs::File;
use std::io::{self, Read, Seek};

use rawzip::time::ZipDateTimeKind;
use rawzip::{
    CompressionMethod, Crc32, EntryMode, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder, ZipFileHeaderRecord,
    ZipLocator, ZipVerification,
};

use super::budget::Count;
use super::decode::Packing;
use super::layer::{Counted, Headed, Layer};
use super::names::{Names, cut, printable};
use super::walker::{Place, Stop, Walker};
use super::{Limit, Note, SkipReason};

/// What the central directory says about an entry.
struct Entry {
    path: Vec<u8>,
    wayfinder: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    mode: EntryMode,
    encrypted: bool,
    directory: bool,
    modified: Option<i64>,
    stored: u64,
    size: u64,
}

impl From<ZipFileHeaderRecord<'_>> for Entry {
    fn from(record: ZipFileHeaderRecord<'_>) -> Self {
        Entry {
            path: record.file_path().as_bytes().to_vec(),
            wayfinder: record.wayfinder(),
            method: record.compression_method(),
            mode: record.mode(),
            encrypted: record.flags().is_encrypted(),
            directory: record.is_dir(),
            modified: match record.last_modified() {
                ZipDateTimeKind::Utc(time) => Some(time.to_unix()),
                ZipDateTimeKind::Local(_) => None,
            },
            stored: record.compressed_size_hint(),
            size: record.uncompressed_size_hint(),
        }
    }
}

impl Walker<'_> {
    /// A zip that only comes by once: it is held in memory.
    pub(super) fn zip_stream(&mut self, place: &Place, mut reader: Headed<'_>) -> Result<(), Stop> {
        let room = self.limits.whole_bytes.saturating_sub(self.held);
        let mut bytes = Vec::new();
        let _ = (&mut reader).take(room.saturating_add(1)).read_to_end(&mut bytes);
        let len = bytes.len() as u64;
        if len > room {
            self.limit(Limit::WholeBytes, &place.path, self.limits.whole_bytes);
            let mut all = bytes.as_slice().chain(reader);
            return self.skip(place, &mut all, SkipReason::Limit(Limit::WholeBytes));
        }
        self.held += len;
        let walked = self.zip_memory(place, bytes);
        self.held -= len;
        walked
    }

    pub(super) fn zip_memory<B: AsRef<[u8]> + ReaderAt>(&mut self, place: &Place, bytes: B) -> Result<(), Stop> {
        let len = bytes.as_ref().len() as u64;
        match ZipLocator::new().locate_in_slice(bytes) {
            Ok(archive) => self.zip(place, &archive.into_reader_archive(), len),
            Err((bytes, error)) => {
                // its own size may be a claim of the archive it stands in
                let place = Place { size: place.size.map(|it| it.min(len)), ..place.clone() };
                self.no_zip(&place, bytes.as_ref(), error)
            }
        }
    }

    pub(super) fn zip_file(&mut self, place: &Place, file: File, len: u64) -> Result<(), Stop> {
        let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
        match ZipLocator::new().locate_in_file(file, &mut buffer) {
            Ok(archive) => self.zip(place, &archive, len),
            Err((file, error)) => {
                let mut file = file;
                let _ = file.rewind(); // if it fails, so will reading
                self.no_zip(place, file, error)
            }
        }
    }

    /// Without a directory, entries are looked for one after another.
    fn no_zip(&mut self, place: &Place, reader: impl Read, error: rawzip::Error) -> Result<(), Stop> {
        let before = self.said;
        self.salvage(place, reader)?;
        if place.top && self.said == before {
            return Err(Stop::Unreadable { kind: "zip", source: io::Error::other(error) });
        }
        let lost = place.size.filter(|_| self.said == before).unwrap_or(0);
        let what = format!("its directory is missing: {error}");
        self.note(Note::Damaged { path: place.path.clone(), at_byte: 0, lost, what });
        Ok(())
    }

    fn zip<R: ReaderAt>(&mut self, place: &Place, archive: &ZipArchive<R>, len: u64) -> Result<(), Stop> {
        let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let mut entries = archive.entries(&mut buffer);
        let mut names = Names::new(place.prefix(), self.limits.path_bytes);
        let inside = Place { root: Count::default(), ..place.clone() }; // its own bytes are what entries are judged by
        let mut stored = 0u64;
        let mut seen = 0;
        loop {
            let entry = match entries.next_entry() {
                Ok(Some(record)) => Entry::from(record),
                Ok(None) if seen < archive.entries_hint() => {
                    let what = format!("its directory ends after {seen} of {} entries", archive.entries_hint());
                    self.note(Note::Damaged { path: place.path.clone(), at_byte: 0, lost: 0, what });
                    return Ok(());
                }
                Ok(None) => return Ok(()),
                Err(error) => {
                    let what = format!("its directory cannot be read: {error}");
                    self.note(Note::Damaged { path: place.path.clone(), at_byte: 0, lost: 0, what });
                    return Ok(());
                }
            };
            seen += 1;
            stored = stored.saturating_add(entry.stored);
            if stored > len {
                // entries that share their bytes: the trick of bombs without nesting
                self.limit(Limit::Ratio, &place.path, self.limits.ratio);
                return Ok(());
            }
            self.zip_entry(&inside, archive, &entry, &mut names)?;
        }
    }

    fn zip_entry<R: ReaderAt>(
        &mut self,
        place: &Place,
        archive: &ZipArchive<R>,
        entry: &Entry,
        names: &mut Names,
    ) -> Result<(), Stop> {
        if entry.directory {
            return self.count(&place.path);
        }
        let (path, odd) = names.present(&entry.path);
        self.count(&path)?;
        for what in odd {
            self.note(Note::OddPath { path: path.clone(), what });
        }
        let member = place.member(path, entry.modified, Some(entry.size));
        let reason = match entry.method {
            _ if entry.encrypted => Some(SkipReason::Encrypted),
            CompressionMethod::STORE
            | CompressionMethod::DEFLATE
            | CompressionMethod::BZIP2
            | CompressionMethod::XZ
            | CompressionMethod::ZSTD => None,
            method => Some(SkipReason::Unsupported(format!("zip method {}", method.as_u16()))),
        };
        if let Some(reason) = reason {
            return self.skipped(&member, entry.stored, false, reason);
        }
        let found = match archive.get_entry(entry.wayfinder) {
            Ok(found) => found,
            Err(error) => {
                let what = error.to_string();
                self.note(Note::Damaged { path: member.path, at_byte: 0, lost: entry.stored, what });
                return Ok(());
            }
        };
        let claim = found.reader().claim_verifier();
        let reader = Counted { inner: found.reader(), count: place.root.clone() };
        let packing = match entry.method {
            CompressionMethod::DEFLATE => Packing::Deflate,
            CompressionMethod::BZIP2 => Packing::Bzip2,
            CompressionMethod::XZ => Packing::Xz,
            CompressionMethod::ZSTD => Packing::Zstd,
            _ => return self.zip_content(&member, entry, Layer::new(Box::new(Verified::new(reader, claim)), None)),
        };
        let own = Count::default();
        let judge = self.judge(own.clone(), place);
        let unpacked = packing.unpack(reader, own, self.limits, 1);
        self.zip_content(&member, entry, Layer::new(Box::new(Verified::new(unpacked, claim)), Some(judge)))
    }

    fn zip_content(&mut self, member: &Place, entry: &Entry, mut layer: Layer<'_>) -> Result<(), Stop> {
        let walked = if entry.mode.is_symlink() {
            let mut raw = Vec::new();
            let _ = (&mut layer).take(self.limits.path_bytes as u64).read_to_end(&mut raw);
            let len = raw.len();
            let mut target = printable(&raw);
            cut(&mut target, self.limits.path_bytes);
            self.note(Note::Linked { path: member.path.clone(), target });
            self.pass(&member.path, len as u64)
        } else {
            self.stream(member, Headed::new(&mut layer))
        };
        if let Some(end) = layer.take_end() {
            let given = layer.given();
            self.ended(end, &member.path, given, 0);
        }
        walked
    }
}

/// Compares length and checksum at the end. The crate's own reader does so with the last bytes, and drops them if it fails.
struct Verified<R> {
    reader: R,
    claim: ZipVerification,
    crc: Crc32,
    size: u64,
}

impl<R> Verified<R> {
    fn new(reader: R, claim: ZipVerification) -> Self {
        Verified { reader, claim, crc: Crc32::new(), size: 0 }
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        self.crc.update(&buf[..read]);
        self.size += read as u64;
        if read == 0 && !buf.is_empty() {
            let found = ZipVerification { crc: self.crc.checksum(), uncompressed_size: self.size };
            self.claim.valid(found).map_err(io::Error::other)?;
        }
        Ok(read)
    }
}
