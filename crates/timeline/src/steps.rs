//! Clocks that were set while a machine ran.
//!
//! ```text
//! boot  realtime             monotonic
//!   1   2022-10-24 00:00:20  19.4 s     a machine without a clock begins where it last was
//!   1   2022-10-24 04:00:21  19.6 s     the network told the time: a step of +14400 s
//! ```
//!
//! What was stamped between the start of the boot and the step is moved by the step, where the step came soon after the
//! start. A later one, after a pause of a virtual machine say, may leave what came before it right: it is told and
//! nothing is moved.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::{Fact, MemberId, MemberRecords, Name, Quote, Record, Stamp, Time, relation};

/// A clock that was set.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockStep {
    /// Whose.
    pub node: Option<Name>,
    /// By how much, microseconds; forwards is positive.
    pub by_micros: i64,
    /// When, as the clock showed it afterwards.
    pub at: Time,
    /// How it shows: `journal` (both clocks of each entry), or the time service that said so.
    pub how: Name,
    /// How many records were moved.
    pub moved: u64,
    /// The record after it.
    pub quote: Quote,
}

/// Steps smaller than this change no order that whole seconds show.
const LEAST_MICROS: i64 = 1_000_000;
/// A step this soon after the start of a boot sets right what was wrong from the start.
const SOON_MICROS: i64 = 900_000_000;

/// The steps of one member.
#[derive(Debug, Default, Clone)]
pub(crate) struct Steps {
    by_node: BTreeMap<Option<Name>, Vec<Step>>,
}

#[derive(Debug, Clone)]
struct Step {
    told: ClockStep,
    stamp: Stamp,
    /// Lines whose stamps are wrong by the step; none where that is not known.
    lines: Option<std::ops::Range<u32>>,
    /// The first and last stamp before it, microseconds since 1970, where they were read with their zone.
    before: Option<(i64, i64)>,
}

impl Steps {
    pub(crate) fn of(records: &MemberRecords) -> Steps {
        let mut steps = Steps::default();
        for record in &records.records {
            if let Record::Fact(fact, stamp) = record
                && fact.row.relation == &relation::CLOCK_STEP
                && let Some(step) = step(fact, stamp)
            {
                steps.by_node.entry(fact.node.clone()).or_default().push(step);
            }
        }
        steps
    }

    /// By how much a stamp on a line must be moved.
    pub(crate) fn shift(&mut self, node: Option<&Name>, line: u32) -> TimeDelta {
        if self.by_node.is_empty() {
            return TimeDelta::zero();
        }
        let mut sum = 0;
        for step in self.by_node.get_mut(&node.cloned()).into_iter().flatten() {
            if step.lines.as_ref().is_some_and(|it| it.contains(&line)) {
                step.told.moved += 1;
                sum += step.told.by_micros;
            }
        }
        TimeDelta::microseconds(sum)
    }

    /// By how much the first stamp of a log must be moved, of which the line is not known.
    pub(crate) fn shift_first(&self, node: Option<&Name>, stamp: &Stamp) -> TimeDelta {
        let Stamp::Exact { at, .. } = stamp else { return TimeDelta::zero() };
        if self.by_node.is_empty() {
            return TimeDelta::zero();
        }
        let at = at.timestamp_micros();
        let steps = self.by_node.get(&node.cloned()).into_iter().flatten();
        let first = steps.filter(|it| it.lines.is_some()).take_while(|it| it.before.is_some()).next();
        let inside = first.filter(|it| it.before.is_some_and(|(from, to)| (from..=to).contains(&at)));
        TimeDelta::microseconds(inside.map_or(0, |it| it.told.by_micros))
    }

    /// What was found, with the stamps for the caller to place.
    pub(crate) fn told(self) -> impl Iterator<Item = (ClockStep, Stamp)> {
        self.by_node.into_values().flatten().map(|it| (it.told, it.stamp))
    }
}

fn step(fact: &Fact, stamp: &Stamp) -> Option<Step> {
    let number = |column: &str| fact.get(column).as_number();
    let by_micros = (number("by_secs")? * 1e6).round() as i64;
    let quote = fact.quotes.first()?.clone();
    let since = number("since_line").map(|it| it as u32);
    // of a boot whose length so far nobody tells, nothing is moved
    let soon = number("after_secs").is_some_and(|it| it * 1e6 <= SOON_MICROS as f64);
    let lines = since.filter(|_| soon && by_micros.abs() >= LEAST_MICROS).map(|it| it..quote.span.line);
    let before = number("from_micros").zip(number("to_micros")).map(|(a, b)| (a as i64, b as i64));
    let how = crate::build::text(&fact.get("how")).unwrap_or_else(|| "journal".into());
    let told = ClockStep { node: fact.node.clone(), by_micros, at: Time::UNKNOWN, how, moved: 0, quote };
    Some(Step { told, stamp: *stamp, lines, before })
}

impl ClockStep {
    /// The file that shows it.
    #[must_use]
    pub fn member(&self) -> MemberId {
        self.quote.span.member
    }
}
