//! When a clause looks: its window on the clock of what is known already.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use timeline::{Interval, Name, Time, Timeline, Truth};

use super::judge::asked_node;
use super::{Binding, Case, Row};
use crate::language::Clause;
use crate::language::window::{Anchor, Within};

/// The starts of boots, by node, in order.
#[derive(Debug, Default)]
pub(super) struct Boots {
    starts: BTreeMap<Name, Vec<Time>>,
}

impl Boots {
    pub(super) fn of(timeline: &Timeline) -> Boots {
        let mut starts: BTreeMap<Name, Vec<Time>> = BTreeMap::new();
        for fact in timeline.rows("boot.start").filter(|it| it.at.is_known()) {
            if let Some(node) = &fact.node {
                starts.entry(node.clone()).or_default().push(fact.at);
            }
        }
        for of in starts.values_mut() {
            of.sort_by_key(|it| it.nominal);
        }
        Boots { starts }
    }

    /// Whether no boot of the node surely begins between two times.
    fn may_be_one(&self, node: Option<&Name>, a: &Time, b: &Time) -> bool {
        let Some(starts) = node.and_then(|it| self.starts.get(it)) else { return true };
        let (first, last) = if a.nominal.lo <= b.nominal.lo { (a, b) } else { (b, a) };
        let begun = |it: &Time| {
            let same_clock = it.clock == last.clock && it.nominal.lo <= last.nominal.lo;
            same_clock || it.before(last) == Truth::True
        };
        !starts.iter().any(|it| first.before(it) == Truth::True && begun(it))
    }
}

/// The window of a clause.
pub(super) enum Window {
    /// A stretch of time.
    Stretch(Time),
    /// The boot in which a time lies.
    Boot(Time),
}

impl Window {
    /// The window of a clause; none where it has none, or hangs on something whose time nobody knows.
    pub(super) fn of(case: &Case<'_>, clause: &Clause, binding: &Binding) -> Option<Window> {
        let within = clause.within.as_ref()?;
        if let Anchor::Boot(variable) = &within.anchor {
            return binding.time(variable).filter(Time::is_known).map(Window::Boot);
        }
        let (from, to) = anchor(case, clause, within, binding)?;
        Some(Window::Stretch(stretch(&from, &to, within, UNBOUNDED_SECS)))
    }

    /// Whether a row may lie in it: only what surely lies outside does not.
    pub(super) fn may_hold(&self, case: &Case<'_>, row: &Row<'_>) -> bool {
        match self {
            Window::Stretch(stretch) => overlaps(&row.at(), stretch),
            Window::Boot(at) => !row.at().is_known() || case.boots.may_be_one(row.node().as_ref(), at, &row.at()),
        }
    }

    /// Whether an instant of the metrics' clock lies in it.
    pub(super) fn may_hold_instant(&self, case: &Case<'_>, node: Option<&Name>, at: DateTime<Utc>) -> bool {
        match self {
            Window::Stretch(stretch) => stretch.full.lo <= at && at <= stretch.full.hi,
            Window::Boot(of) => case.boots.may_be_one(node, of, &Time::utc(Interval { lo: at, hi: at })),
        }
    }
}

/// The time a clause asks about: its own window, or the moment of what is known already.
pub(super) fn asked(case: &Case<'_>, clause: &Clause, binding: &Binding) -> Option<Time> {
    if let Some(within) = &clause.within {
        if let Anchor::Boot(variable) = &within.anchor {
            return binding.time(variable);
        }
        // where a window is open to one side, nobody can say how far a source has to go
        return anchor(case, clause, within, binding).map(|(from, to)| stretch(&from, &to, within, 0));
    }
    let found = binding.answers.values().filter(|it| it.truth == Truth::True).filter_map(|it| it.found.as_ref());
    // what is asked without a window may follow that moment
    let after = |at: Time| {
        let late = |it: Interval| it.widened(TimeDelta::zero(), TimeDelta::seconds(AFTER_SECS));
        Time { nominal: late(at.nominal), full: late(at.full), ..at }
    };
    found.filter(|it| !it.state).map(|it| it.at).find(Time::is_known).map(after)
}

/// What belongs to a moment may be logged so long after it.
const AFTER_SECS: i64 = 1;

/// Longer than any bundle reaches back.
const UNBOUNDED_SECS: i64 = 100 * 366 * 86_400;

fn anchor(case: &Case<'_>, clause: &Clause, within: &Within, binding: &Binding) -> Option<(Time, Time)> {
    match &within.anchor {
        Anchor::Time(variable) | Anchor::Boot(variable) => binding.time(variable).map(|it| (it, it)),
        Anchor::Between(from, to) => Some((binding.time(from)?, binding.time(to)?)),
        Anchor::Collection => case.collected_at(asked_node(clause, binding).as_ref()).map(|it| (it, it)),
    }
}

fn stretch(from: &Time, to: &Time, within: &Within, unbounded_secs: i64) -> Time {
    let early = TimeDelta::seconds(-within.from_secs.unwrap_or(-unbounded_secs));
    let late = TimeDelta::seconds(within.to_secs.unwrap_or(unbounded_secs));
    let hull = |from: Interval, to: Interval| from.hull(&to).widened(early, late);
    if from.clock == to.clock {
        let (nominal, full) = (hull(from.nominal, to.nominal), hull(from.full, to.full));
        return Time { nominal, full, clock: from.clock };
    }
    Time::utc(hull(from.full, to.full))
}

/// Whether something may lie within a stretch: only what surely lies outside does not.
pub(super) fn overlaps(at: &Time, stretch: &Time) -> bool {
    if !at.is_known() || !stretch.is_known() {
        return true;
    }
    let (mine, theirs) =
        if at.clock == stretch.clock { (at.nominal, stretch.nominal) } else { (at.full, stretch.full) };
    mine.lo <= theirs.hi && theirs.lo <= mine.hi
}

impl Case<'_> {
    /// When a node's part of the bundle was taken: the last stamp that says so, else the last of its logs.
    fn collected_at(&self, node: Option<&Name>) -> Option<Time> {
        let own = |it: Option<&Name>| node.is_none() || it.is_none() || it == node;
        let stated = self.timeline.rows("clock.collected").filter(|it| own(it.node.as_ref())).map(|it| it.at);
        let seen = self.timeline.seen.iter().filter(|it| own(it.node.as_ref())).filter_map(|it| it.covers);
        let last = |a: &Time| a.nominal.hi;
        let stated = stated.filter(Time::is_known).max_by_key(last);
        stated.or_else(|| seen.map(|it| it.1).max_by_key(last))
    }
}
