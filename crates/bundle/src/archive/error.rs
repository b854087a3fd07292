//! Why an input could not be opened at all.

use std::io;
use std::path::PathBuf;

/// Why a bundle could not be opened. Once it is open nothing fails: what cannot be read becomes a note.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system would not let us read it.
    #[error("cannot read {path}")]
    Read {
        /// What the user named.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file without a single byte.
    #[error("{path} is empty")]
    Empty {
        /// What the user named.
        path: PathBuf,
    },
    /// A directory or an archive in which no file stands.
    #[error("{path} holds no files")]
    NoFiles {
        /// What the user named.
        path: PathBuf,
    },
    /// It begins like `kind`, and not one byte of it can be unpacked.
    #[error("{path} begins like {kind} but cannot be unpacked")]
    Unreadable {
        /// What the user named.
        path: PathBuf,
        /// What its first bytes promise: `gzip`, `zip`.
        kind: &'static str,
        /// What the decoder says.
        source: io::Error,
    },
    /// Its name ends like an archive's, but it holds neither an archive nor text.
    #[error("{path} is named like an archive but holds neither an archive nor text")]
    Unrecognized {
        /// What the user named.
        path: PathBuf,
    },
    /// A container we know of and do not open.
    #[error("{path} is {kind}, which is not supported; unpack it and give the directory")]
    Unsupported {
        /// What the user named.
        path: PathBuf,
        /// What its first bytes say: `7-zip`.
        kind: &'static str,
    },
}
