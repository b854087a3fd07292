//! Clocks: which zone and year a node's stamps are in, and how sure that is.

use crate::Name;

/// One clock of the case, by its place in [`crate::Timeline::clocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockId(pub u32);

impl ClockId {
    /// The shared clock: stamps that state year and zone themselves.
    pub const UTC: ClockId = ClockId(0);
}

/// How the zone of a clock is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneBasis {
    /// Printed with every stamp.
    Stated,
    /// Taken from another line or file of the same node.
    Node(Box<str>),
    /// The other nodes of the case all have it.
    Neighbours,
    /// The user said so.
    Given,
    /// Unknown: read as UTC, with the error that implies.
    Assumed,
}

/// How the year of a clock is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum YearBasis {
    /// Printed with every stamp.
    Stated,
    /// The latest year that is not after this collection time.
    Collected(Box<str>),
    /// The year of other stamps of the case.
    Neighbours,
    /// The user said so.
    Given,
    /// The archive's modification time, a last hint.
    Modified,
    /// Unknown.
    Assumed,
}

/// A clock and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Its place in the list.
    pub id: ClockId,
    /// Whose clock it is; none for the shared one.
    pub node: Option<Name>,
    /// Seconds east of UTC.
    pub offset_secs: i32,
    /// How the zone is known.
    pub zone: ZoneBasis,
    /// How the year is known.
    pub year: YearBasis,
    /// How much earlier than printed an instant may be, in seconds.
    pub early_secs: i64,
    /// How much later than printed an instant may be, in seconds.
    pub late_secs: i64,
}
