//! What several tests need: packing a bundle into a tar.gz in memory, and analysing one with rules made for the test.

use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The files of a folder, in order, by their path below it.
#[allow(dead_code, reason = "not every test reads folders")]
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

/// A tar.gz of some files.
pub(crate) fn tar_gz<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes).expect("memory takes all");
    }
    tar.into_inner().expect("memory").finish().expect("memory")
}

/// What is said of some files with rules of the test's own beside the built-in ones, both by name and text.
#[allow(dead_code, reason = "not every test brings rules")]
pub(crate) fn report_with(rules: &[(&str, &str)], files: &[(&str, &str)]) -> coroner::report::Report {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in rules {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let packed = tar_gz(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    let analyzer = coroner::Analyzer::new().rules(folder.path()).bytes("bundle.tar.gz", packed);
    analyzer.analyze().unwrap_or_else(|error| panic!("{error}"))
}
