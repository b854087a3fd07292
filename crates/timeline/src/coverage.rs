//! The ledger: what was collected, and how complete it is.

use crate::{MemberId, Name, Source, Stamp, Time};

/// What became of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A format was recognised and read.
    Parsed,
    /// No format recognised it.
    NotRecognised {
        /// The closest format and why it does not fit, where one came close.
        closest: Option<String>,
    },
    /// It was not read.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// Lines and bytes of a member by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines that were read; for formats without lines, records.
    pub lines: u64,
    /// Lines that the format explains.
    pub understood: u64,
    /// Bytes of the lines that it does not explain.
    pub odd_bytes: u64,
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Path inside the bundle; nested archives joined by `!/`.
    pub path: Name,
    /// The format that read it.
    pub format: Option<&'static str>,
    /// The node it belongs to as a whole.
    pub node: Option<Name>,
    /// Bytes after decompression.
    pub bytes: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// How much was understood.
    pub tally: Tally,
    /// Why the content is not all there: a truncated archive, a cut line, a limit.
    pub truncated: Option<String>,
    /// First and last instant in it.
    pub covers: Option<(Time, Time)>,
    /// Hint of the archive: modification time, epoch seconds.
    pub modified: Option<i64>,
}

impl Member {
    /// A member of which nothing is known but its name and size.
    #[must_use]
    pub fn new(path: impl Into<Name>, bytes: u64) -> Member {
        Member {
            path: path.into(),
            format: None,
            node: None,
            bytes,
            outcome: Outcome::NotRecognised { closest: None },
            tally: Tally::default(),
            truncated: None,
            covers: None,
            modified: None,
        }
    }
}

/// A stretch of a member that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Issue {
    /// The file.
    pub member: MemberId,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u32,
    /// What is wrong, in lower case.
    pub what: String,
}

/// That a member holds lines of one source of one node, over some time.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Whose lines.
    pub node: Option<Name>,
    /// Who speaks.
    pub source: Source,
    /// How many lines.
    pub lines: u64,
    /// First stamp in file order.
    pub first: Stamp,
    /// Last stamp in file order.
    pub last: Stamp,
    /// Position of the first and last line, for the placing of years.
    pub span: (u64, u64),
    /// Why the source may lack lines it should have: a filter, a rate limit, a cut.
    pub incomplete: Option<String>,
    /// Stretches within it of which lines are missing.
    pub holes: Vec<Hole>,
    /// When, filled in when the timeline is built.
    pub covers: Option<(Time, Time)>,
    /// The file, filled in when the timeline is built.
    pub member: MemberId,
}

/// A stretch of a log without the lines that are due in it, as its parser found it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hole {
    /// How it shows.
    pub kind: GapKind,
    /// The last stamp before it.
    pub from: Stamp,
    /// The first stamp after it.
    pub to: Stamp,
    /// Position of the lines with these stamps.
    pub span: (u64, u64),
    /// The line after it, from 1; 0 where the format has none.
    pub line: u32,
    /// What is known of it, in lower case: `lines were lost: Missed 57 kernel messages`.
    pub what: String,
}

/// How a gap shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapKind {
    /// An otherwise steady log has no line for a long time.
    Silence,
    /// The times of a file run both ways, so that its ends do not tell what it covers.
    Turned,
    /// The log says itself that lines were lost: a rate limit, an overrun.
    Lost,
    /// The numbers of its records jump.
    Numbers,
    /// Records stood there and cannot be read.
    Unreadable,
    /// What was logged before this instant was deleted to make room.
    Deleted,
    /// A boot that did not end in order took with it what was not yet on the disk.
    Unsaved,
    /// A metric has no points where some were due.
    Scrape,
}

impl GapKind {
    /// The name reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            GapKind::Silence => "silence",
            GapKind::Turned => "turned",
            GapKind::Lost => "lost",
            GapKind::Numbers => "numbers",
            GapKind::Unreadable => "unreadable",
            GapKind::Deleted => "deleted",
            GapKind::Unsaved => "unsaved",
            GapKind::Scrape => "scrape",
        }
    }
}

/// A stretch without records where some are due. What is not seen there may have happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// How it shows.
    pub kind: GapKind,
    /// On which node.
    pub node: Option<Name>,
    /// In whose lines; none for metrics.
    pub source: Option<Source>,
    /// In what: the name of the source, or of the metric.
    pub of: Name,
    /// The last record before it.
    pub from: Time,
    /// The first record after it.
    pub to: Time,
    /// What is known of it.
    pub what: String,
    /// The file.
    pub member: MemberId,
    /// The line after it, from 1; 0 where there is none.
    pub line: u32,
}

/// That a member is a collection of a relation, for one node or for the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Name of the relation.
    pub relation: &'static str,
    /// Whose, for relations that are per node.
    pub node: Option<Name>,
    /// Why rows may be missing: an elision, a filter, a cut. Nothing: it is whole.
    pub incomplete: Option<String>,
    /// The file, filled in when the timeline is built.
    pub member: MemberId,
}
