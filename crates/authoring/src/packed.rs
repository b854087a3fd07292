//! Files in memory as one archive.

use std::io::Error;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A tar.gz of some files, each a path and its bytes; what [`coroner::Analyzer::bytes`] takes.
///
/// # Errors
/// A path that tar cannot hold.
pub fn tar_gz<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Result<Vec<u8>, Error> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes)?;
    }
    tar.into_inner()?.finish()
}
