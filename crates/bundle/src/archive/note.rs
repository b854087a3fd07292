//! What the walker tells its visitor.

use std::io::Read;
use std::ops::ControlFlow;

/// One file inside a bundle.
pub(crate) struct Member<'r> {
    /// Cleaned, slashes between names, nested archives joined by `!/`, unique within its container.
    pub(crate) path: String,
    /// Seconds since 1970 as the container tells them; a hint only.
    pub(crate) modified: Option<i64>,
    /// How many bytes the container says it has; a hint only.
    pub(crate) size: Option<u64>,
    /// The content. Never fails: it ends early, and the note that says why follows.
    pub(crate) reader: &'r mut dyn Read,
}

/// What is to be said besides members. A note about a member follows it directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// Stands in the bundle and was not presented, `bytes` of it (as stored).
    Skipped { path: String, bytes: u64, reason: SkipReason },
    /// What follows `at_byte` of `path` (unpacked) could not be read; `lost` bytes of it are there and were passed over.
    Damaged { path: String, at_byte: u64, lost: u64, what: String },
    /// A bound was reached at `path`. `TotalBytes` and `Members` end the walk, the others end or pass over `path`.
    LimitHit { which: Limit, path: String, limit: u64 },
    /// A symbolic or hard link; what it points at is read where that stands. The target is as written, only escaped.
    Linked { path: String, target: String },
    /// The path was not presented as it is written.
    OddPath { path: String, what: Oddity },
}

/// Why something was not presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// `fifo`, `socket`, `character device`, `block device`, `volume part`, `directory listing`.
    Special(&'static str),
    /// A container or compression we do not open: `7-zip`, `zip method 9`.
    Unsupported(String),
    /// Encrypted.
    Encrypted,
    /// An archive in which no file stands.
    NoFiles,
    /// The operating system would not let us read it.
    Unreadable(String),
    /// A limit, named by the note before this one.
    Limit(Limit),
    /// The visitor did not read to the end.
    Unread,
}

/// Which field of `Limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    TotalBytes,
    Ratio,
    Members,
    Depth,
    WholeBytes,
}

/// What was done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// `..` was dropped.
    Parent,
    /// Bytes that are not UTF-8 were written as `\xff`.
    NotUtf8,
    /// Control characters were escaped.
    Control,
    /// Longer than `path_bytes`, and cut.
    TooLong,
    /// The container has a path of this name already; ` (2)` was added.
    Duplicate,
    /// There was no name at all.
    Unnamed,
}

/// Who is shown the members and the notes, in the order in which they stand.
pub(crate) trait Visitor {
    /// Reads what it wants of `member`; `Break` ends the walk quietly.
    fn member(&mut self, member: Member<'_>) -> ControlFlow<()>;
    /// Takes down a note.
    fn note(&mut self, note: Note);
}
