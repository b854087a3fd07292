//! Hostile and broken bundles, built here, each with its one right answer.

mod ahead;
mod damage;
mod directories;
mod formats;
mod limits;
mod paths;
mod quines;
mod samples;

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::*;

/// Takes down all that it is shown.
#[derive(Default)]
struct Seen {
    members: Vec<(String, Vec<u8>)>,
    notes: Vec<Note>,
    /// Read no more than this of each member; everything if absent.
    sip: Option<u64>,
    stop_at: Option<usize>,
}

impl Visitor for Seen {
    fn member(&mut self, member: Member<'_>) -> ControlFlow<()> {
        let mut content = Vec::new();
        member.reader.take(self.sip.unwrap_or(u64::MAX)).read_to_end(&mut content).unwrap();
        self.members.push((member.path, content));
        if self.stop_at == Some(self.members.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn note(&mut self, note: Note) {
        self.notes.push(note);
    }
}

impl Seen {
    fn paths(&self) -> Vec<&str> {
        self.members.iter().map(|(path, _)| path.as_str()).collect()
    }

    fn content(&self, path: &str) -> &[u8] {
        let found = self.members.iter().find(|(member, _)| member == path);
        &found.unwrap_or_else(|| panic!("{path} is not among {:?}", self.paths())).1
    }

    /// Notes in short, one per line.
    fn notes(&self) -> String {
        let lines = self.notes.iter().map(|note| match note {
            Note::Skipped { path, bytes, reason } => format!("skipped {path} {bytes} {reason:?}"),
            Note::Damaged { path, at_byte, lost, what } => format!("damaged {path} at {at_byte} lost {lost}: {what}"),
            Note::LimitHit { which, path, limit } => format!("limit {which:?} {limit} {path}"),
            Note::Linked { path, target } => format!("linked {path} -> {target}"),
            Note::OddPath { path, what } => format!("odd {path} {what:?}"),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn open(name: &str, bytes: &[u8], limits: &Limits) -> (Seen, Result<(), Error>) {
    let mut seen = Seen::default();
    let input = Input::Memory { name: name.to_owned(), bytes: Arc::from(bytes) };
    let walked = walk(&input, limits, &mut seen);
    (seen, walked)
}

fn walked(name: &str, bytes: &[u8]) -> Seen {
    let (seen, walked) = open(name, bytes, &Limits::default());
    walked.unwrap();
    seen
}

/// Builds tars byte by byte, good ones and others.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn entry(mut self, kind: u8, name: &[u8], claimed: u64, edit: impl FnOnce(&mut ::tar::Header), data: &[u8]) -> Tar {
        let mut header = ::tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_entry_type(::tar::EntryType::new(kind));
        header.set_size(claimed);
        header.set_mtime(1_700_000_000);
        edit(&mut header);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, data: &[u8]) -> Tar {
        self.entry(b'0', name.as_bytes(), data.len() as u64, |_| {}, data)
    }

    fn link(self, kind: u8, name: &str, target: &str) -> Tar {
        self.entry(kind, name.as_bytes(), 0, |header| header.set_link_name_literal(target).unwrap(), b"")
    }

    fn raw(mut self, bytes: &[u8]) -> Tar {
        self.0.extend_from_slice(bytes);
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    files.iter().fold(Tar::default(), |tar, (name, data)| tar.file(name, data)).end()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn xz(data: &[u8]) -> Vec<u8> {
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

fn lz4(data: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, data) in files {
        let file = archive.new_file(*name).compression_method(rawzip::CompressionMethod::DEFLATE);
        let (mut entry, config) = file.start().unwrap();
        let mut writer = config.wrap(flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::new(6)));
        writer.write_all(data).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

/// Text that does not compress away: numbered lines with a scrambled word.
fn log(lines: u32) -> Vec<u8> {
    let word = |line: u32| line.wrapping_mul(2_654_435_761).rotate_left(13) ^ line.wrapping_mul(40_503);
    (0..lines).flat_map(|line| format!("{line:07} kubelet: {:08x}\n", word(line)).into_bytes()).collect()
}
