//! One folder as an archive, in every packing.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How a bundle is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// `tar`
    Tar,
    /// `tar.gz`, level 6
    Gzip,
    /// `tar.zst`, level 3
    Zstd,
    /// `tar.xz` of several blocks, as `xz -T` writes it
    Xz,
    /// `tar.xz` of one block
    XzWhole,
}

impl Packing {
    /// All of them.
    pub const ALL: [Packing; 5] = [Packing::Tar, Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::XzWhole];

    /// What the file is called after the folder.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Packing::Tar => "tar",
            Packing::Gzip => "tar.gz",
            Packing::Zstd => "tar.zst",
            Packing::Xz => "tar.xz",
            Packing::XzWhole => "whole.tar.xz",
        }
    }

    /// The packing of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Packing> {
        Packing::ALL.into_iter().find(|it| it.extension() == name)
    }
}

/// Packs a folder beside itself, and says where.
///
/// # Errors
/// What the disk says.
pub fn pack(folder: &Path, packing: Packing) -> io::Result<PathBuf> {
    let path = PathBuf::from(format!("{}.{}", folder.display(), packing.extension()));
    // a file that is there is whole
    let part = path.with_extension("part");
    let file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
    match packing {
        Packing::Tar => tar(folder, file)?.flush()?,
        Packing::Gzip => {
            let encoder = flate2::write::GzEncoder::new(file, flate2::Compression::new(6));
            tar(folder, encoder)?.finish()?.flush()?;
        }
        Packing::Zstd => {
            let encoder = zstd::stream::write::Encoder::new(file, 3)?;
            tar(folder, encoder)?.finish()?.flush()?;
        }
        Packing::Xz | Packing::XzWhole => {
            let threads = if packing == Packing::Xz { 2 } else { 1 };
            let mut builder = liblzma::stream::MtStreamBuilder::new();
            builder.threads(threads).preset(2).check(liblzma::stream::Check::Crc64).block_size(16 << 20);
            let stream = match packing {
                Packing::Xz => builder.encoder()?,
                _ => liblzma::stream::Stream::new_easy_encoder(2, liblzma::stream::Check::Crc64)?,
            };
            tar(folder, liblzma::write::XzEncoder::new_stream(file, stream))?.finish()?.flush()?;
        }
    }
    fs::rename(part, &path)?;
    Ok(path)
}

fn tar<W: Write>(folder: &Path, out: W) -> io::Result<W> {
    let mut tar = tar::Builder::new(out);
    let mut pending = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() { pending.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for path in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(fs::metadata(&path)?.len());
        header.set_mode(0o644);
        header.set_mtime(1_690_152_060);
        let name = path.strip_prefix(folder).unwrap_or(&path);
        tar.append_data(&mut header, name, File::open(&path)?)?;
    }
    tar.into_inner()
}
