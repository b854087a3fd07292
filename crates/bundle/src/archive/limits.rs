//! What a user hands us, and how far we go with it.

use std::path::PathBuf;
use std::sync::Arc;

/// Bounds on what a hostile or broken bundle can make us do. The defaults suit a laptop.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Unpacked bytes of everything together; reaching it ends the walk.
    pub total_bytes: u64,
    /// Unpacked bytes per compressed byte, judged once a stream has given 16 MiB; reaching it ends that stream.
    pub ratio: u64,
    /// Entries of everything together; reaching it ends the walk.
    pub members: u64,
    /// Containers inside each other; a deeper one is passed over unread.
    pub depth: u32,
    /// Length of a member's path; a longer one is cut.
    pub path_bytes: usize,
    /// Length of a line, for those who read members.
    pub line_bytes: usize,
    /// Records that are kept of one file; further ones are dropped and the file counts as incomplete.
    pub records: usize,
    /// What may be held in memory whole at any time, such as a zip inside a tar; something larger is passed over unread.
    pub whole_bytes: u64,
    /// What reading should hold at any time, besides what it finds: bytes on their way to the parsers, a sixteenth; of each log
    /// that runs backwards and is read at the time another sixteenth at most; and the members and windows that must be held
    /// whole, of which [`Limits::whole_bytes`] bounds each.
    pub memory_bytes: u64,
}

impl Limits {
    /// What the reader of one member may hold back of it: the same for each, so that what is found does not depend on how many
    /// are read at a time.
    pub(crate) fn hold_bytes(&self) -> usize {
        usize::try_from(self.memory_bytes / 16).unwrap_or(usize::MAX).min(parsers::HOLD_BYTES)
    }

    /// Bounds what reading holds at any time.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self.whole_bytes = self.whole_bytes.min(bytes / 2);
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            total_bytes: 64 << 30,
            ratio: 1000,
            members: 1_000_000,
            depth: 8,
            path_bytes: 4096,
            line_bytes: 1 << 20,
            records: 5_000_000,
            whole_bytes: 256 << 20,
            memory_bytes: 512 << 20,
        }
    }
}

/// Where a bundle comes from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// A directory, an archive, or a single file; a link given here is followed.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// Bytes that somebody else has read.
    Memory {
        /// What to call them in messages.
        name: String,
        /// What a file would hold.
        bytes: Arc<[u8]>,
    },
}
