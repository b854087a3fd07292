//! What the tests of whole bundles share.
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]
#![allow(dead_code, clippy::unwrap_used, unreachable_pub, missing_docs, reason = "each test takes what it needs")]

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use coroner_bundle::{Case, Input, Limits, Options, read};
use timeline::{Overrides, Timeline};

pub fn options(threads: usize) -> Options {
    Options { limits: Limits::default(), threads, watch: Arc::new(true) }
}

pub fn case(inputs: &[Input], threads: usize) -> Case {
    read(inputs, &options(threads)).unwrap()
}

/// Nothing is kept but counted: what a big sample needs here.
pub fn counted(input: Input) -> Case {
    read(&[input], &Options { watch: Arc::new(false), ..options(0) }).unwrap()
}

pub fn sample(name: &str) -> Option<PathBuf> {
    sample_at(&format!("bundles/{name}"))
}

pub fn sample_at(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {name} is not at hand");
        return None;
    }
    Some(path)
}

/// A bundle in memory: paths and contents.
pub fn tar<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.as_ref().len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_ref()).unwrap();
    }
    tar.into_inner().unwrap()
}

pub fn memory(name: &str, bytes: impl Into<Arc<[u8]>>) -> Input {
    Input::Memory { name: name.to_owned(), bytes: bytes.into() }
}

pub fn bundle(files: &[(&str, &str)]) -> Case {
    case(&[memory("bundle.tar", tar(files))], 1)
}

/// The nodes a report would list.
pub fn nodes(case: Case) -> Vec<String> {
    let timeline = Timeline::build(case.members, case.records, &Overrides::default());
    timeline.nodes.all().iter().map(ToString::to_string).collect()
}

/// Whose each member is.
pub fn owners(case: &Case) -> Vec<String> {
    case.members.iter().map(|it| format!("{} {}", it.path, it.node.as_deref().unwrap_or("-"))).collect()
}

/// Bytes of all files in it, compressed and packed ones by what they hold, by other code than ours.
pub fn unpacked_bytes(bytes: &[u8]) -> u64 {
    let inside = |mut reader: Box<dyn Read + '_>| {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        unpacked_bytes(&all)
    };
    if bytes.starts_with(&[0x1f, 0x8b]) {
        inside(Box::new(flate2::read::MultiGzDecoder::new(bytes)))
    } else if bytes.starts_with(b"\xfd7zXZ\0") {
        inside(Box::new(lzma_rust2::XzReader::new(bytes, true)))
    } else if bytes.get(257..262) == Some(b"ustar") || (bytes.len() >= 1024 && bytes.iter().all(|it| *it == 0)) {
        let mut tar = tar::Archive::new(bytes);
        let files = tar.entries().unwrap().map(|it| {
            let mut content = Vec::new();
            it.unwrap().read_to_end(&mut content).unwrap();
            unpacked_bytes(&content)
        });
        files.sum()
    } else {
        bytes.len() as u64
    }
}
