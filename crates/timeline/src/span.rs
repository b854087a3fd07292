//! Places in the bundle, and what stands there.

use serde::Serialize;

/// One file of the case, by its index in the ledger ([`crate::Timeline::members`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct MemberId(pub u32);

/// A byte range in one member. The line number is counted while the member streams by, because nothing is kept to
/// count it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub member: MemberId,
    /// First byte, from the start of the (decompressed) member.
    pub start: u64,
    /// Length in bytes.
    pub len: u32,
    /// Number of the line that holds the first byte, from 1.
    pub line: u32,
}

/// Text that stands in the bundle, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quote {
    /// Where it stands.
    pub span: Span,
    /// What stands there, byte for byte (a byte that is no UTF-8 shows as `?`).
    pub text: Box<str>,
}

impl Quote {
    /// The first line of the quoted text; a kernel report spans many.
    #[must_use]
    pub fn first_line(&self) -> &str {
        self.text.split('\n').next().unwrap_or_default()
    }
}
