//! From the records of all members to one timeline.

use std::collections::BTreeMap;

use crate::{Clock, Collected, Event, Fact, Issue, Member, Name, NodeNames, Seen, Series};

/// What the user knows better than the bundle.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The year of stamps that print none.
    pub year: Option<i32>,
    /// Zone of a node, seconds east of UTC.
    pub zones: BTreeMap<Name, i32>,
    /// How far a node's clock is ahead of true time, seconds.
    pub skews: BTreeMap<Name, i64>,
}

/// A case on one clock: what happened, what was measured, what was true, and what of it was collected.
#[derive(Debug, Default, Clone)]
pub struct Timeline {
    /// The ledger, by [`crate::MemberId`].
    pub members: Vec<Member>,
    /// What happened, in time order; ties by place in the case.
    pub events: Vec<Event>,
    /// What was true, by relation and place in the case. Structured events appear here as well.
    pub facts: Vec<Fact>,
    /// What was measured, by metric and labels.
    pub series: Vec<Series>,
    /// Which sources were collected, from when to when.
    pub seen: Vec<Seen>,
    /// Which relations were collected.
    pub collected: Vec<Collected>,
    /// The clocks behind all times.
    pub clocks: Vec<Clock>,
    /// The nodes and their names.
    pub nodes: NodeNames,
    /// What could not be read.
    pub issues: Vec<Issue>,
}
