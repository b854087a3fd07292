//! Opening whatever the user hands us and walking its members, safely.
//!
//! ```text
//! support-bundle.tar.gz ─▶ sniff ─▶ gzip ─▶ sniff ─▶ tar ─▶ sniff ─▶ member "cluster/version.yaml"
//!                                                      └──▶ sniff ─▶ xz ─▶ tar ─▶ member "node.tar.xz!/proc/cmdline"
//! ```
//!
//! What a stream holds is decided by its first bytes, never by its name: directories, tar, gzip, zstd, xz, bzip2, lz4, zip,
//! texts of several outputs (`==> NAME <==`), text with the mark of UTF-16 or UTF-8, and each of them inside each other.
//! Everything else is a plain member.
//!
//! **Invariant:** nothing is written to disk, no link is followed except the one path the user names, no device is opened.
//! **Invariant:** a member's reader never fails; it ends early, and the note that says why follows after the member.
//! **Invariant:** memory does not depend on what a header claims, only on [`Limits`].
//! **Invariant:** the bytes of a file are presented in a member or counted in a note; the framing of containers is neither.
//! Only of compressed data that breaks off it cannot be told how much is missing.

mod ahead;
mod budget;
mod decode;
mod directory;
mod encoding;
mod error;
mod layer;
mod limits;
mod lz4;
mod names;
mod note;
mod open;
mod pax;
mod salvage;
mod sections;
mod sniff;
mod sparse;
mod tar;
mod walker;
mod xz;
mod zip;
mod zstd;

#[cfg(test)]
mod tests;

pub(crate) use budget::Budget;
pub(crate) use directory::{FileEntry, list, walk_file};
pub use error::Error;
pub use limits::{Input, Limits};
pub(crate) use note::{Limit, Member, Note, Oddity, SkipReason, Visitor};
pub(crate) use open::walk;
#[cfg(test)]
pub(crate) use open::walk_stream;
