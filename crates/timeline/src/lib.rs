//! The ground floor of coroner: the words every other room speaks.
//!
//! A parser turns bytes into [`Record`]s, [`Timeline::build`] puts them on one clock, a rule reads them back as rows
//! and quotes. Nothing here opens a file, matches a pattern or asks the machine for the time.
//!
//! **Invariant:** no I/O, no threads, no clock, no regular expressions.
//! **Invariant:** every record carries the [`Quote`] it was read from.

mod abbreviation;
mod boots;
mod build;
mod clock;
mod copies;
mod coverage;
mod crash;
mod elections;
mod fact;
mod gaps;
mod kernel_clock;
mod names;
mod placing;
mod points;
mod record;
pub mod relation;
mod seams;
mod series;
mod skew;
mod span;
mod steps;
mod testimony;
mod time;

pub use boots::BootBreak;
pub use build::{Overrides, Timeline};
pub use clock::{Clock, ClockId, Keeper, YearBasis, ZoneBasis};
pub use coverage::{Collected, Gap, GapKind, Hole, Issue, Member, Outcome, Seen, Tally};
pub use fact::{Fact, Row, Value};
pub use kernel_clock::KernelClock;
pub use names::{Name, NodeNames};
pub use points::{Point, Points};
pub use record::{
    BlockPart, Carrier, Event, IndexedSeries, MemberRecords, Record, SampleChunk, Severity, Source, Watch,
};
pub use relation::Relation;
pub use series::{Printed, Series, Style, is_usual};
pub use skew::{Skew, SkewUse};
pub use span::{MemberId, Quote, Span};
pub use steps::ClockStep;
pub use time::{Abbreviation, Interval, Stamp, Time, Truth};
