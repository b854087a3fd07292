//! When a crash happened: a dump of the ring buffer has the kernel's clock only.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};

use crate::build::text;
use crate::clock::{Clocks, Dial};
use crate::kernel_clock::{Pair, nearest};
use crate::{Interval, MemberId, Name, Record, Stamp, Time, relation};

/// A kernel report from a crash dump carries only the kernel's clock. Where the journal of the same node holds the very
/// same report, that is its time.
pub(crate) fn anchor(stamped: &mut [(Record, Stamp)], clocks: &mut Clocks) {
    let report = |record: &Record| -> Option<(Option<Name>, Name)> {
        let Record::Event(event) = record else { return None };
        let row = event.row.as_ref().filter(|it| it.relation == &relation::KERNEL_REPORT)?;
        Some((event.node.clone(), text(row.get("title"))?))
    };
    let mut known: BTreeMap<(Option<Name>, Name), Vec<Interval>> = BTreeMap::new();
    for (record, _) in stamped.iter() {
        if let (Some(key), Record::Event(event)) = (report(record), record)
            && event.at.is_known()
        {
            known.entry(key).or_default().push(event.at.full);
        }
    }
    let saved = saved(stamped);
    let mut members: BTreeMap<MemberId, Vec<Pair>> = BTreeMap::new();
    for (record, stamp) in stamped.iter() {
        let Record::Event(event) = record else { continue };
        if let (Stamp::Monotonic { micros }, Some(key)) = (stamp, report(record))
            && !event.at.is_known()
            && let Some([at]) = known.get(&key).map(Vec::as_slice)
            && saved.get(&event.quote.span.member).is_none_or(|it| may_be_of(it, at))
        {
            let middle = at.lo + (at.hi - at.lo) / 2;
            let error = ((at.hi - at.lo) / 2).num_microseconds().unwrap_or(i64::MAX / 4) + 1_000_000;
            let micros = i64::try_from(*micros).unwrap_or(i64::MAX / 4);
            let pair = Pair {
                micros,
                epoch_micros: middle.timestamp_micros(),
                error_micros: error,
                how: "same report".into(),
            };
            members.entry(event.quote.span.member).or_default().push(pair);
        }
    }
    for (record, stamp) in stamped.iter_mut() {
        let Stamp::Monotonic { micros } = stamp else { continue };
        let (member, node, at) = match record {
            Record::Event(event) => (event.quote.span.member, &event.node, &mut event.at),
            Record::Fact(fact, _) => match fact.quotes.first() {
                Some(quote) => (quote.span.member, &fact.node, &mut fact.at),
                None => continue,
            },
            Record::Series(_) => continue,
        };
        if !at.is_known()
            && let Some(pairs) = members.get(&member)
            && let Some(interval) = i64::try_from(*micros).ok().and_then(|it| around(pairs, it))
        {
            *at = clocks.stated(Dial::wall(node.as_ref()), interval);
        }
    }
}

fn around(pairs: &[Pair], micros: i64) -> Option<Interval> {
    let (guess, error) = nearest(pairs, micros)?;
    let at = DateTime::from_timestamp_micros(guess)?;
    let error = TimeDelta::microseconds(error.max(1));
    Some(Interval { lo: at, hi: at }.widened(error, error))
}

/// When the directory of each dump was named, where that is known.
fn saved(stamped: &[(Record, Stamp)]) -> BTreeMap<MemberId, Time> {
    let directory = |(record, _): &(Record, Stamp)| {
        let Record::Fact(fact, _) = record else { return None };
        let named = text(&fact.get("command")).as_deref() == Some("crash directory") && fact.at.is_known();
        fact.quotes.first().filter(|_| named).map(|it| (it.span.member, fact.at))
    };
    stamped.iter().filter_map(directory).collect()
}

/// A bug may strike again: a report so far from when a dump was saved is of another crash.
const ANOTHER_CRASH_SECS: i64 = 86_400;

/// Whether a report in a log may be the one in a dump.
fn may_be_of(saved: &Time, at: &Interval) -> bool {
    let near = TimeDelta::seconds(ANOTHER_CRASH_SECS);
    let around = saved.full.widened(near, near);
    around.lo <= at.hi && at.lo <= around.hi
}

/// How long before its directory was named a crash may lie: the capture kernel boots and saves first.
const CRASH_BEFORE_SECS: i64 = 600;
/// How long after: some directories are named to the minute, and clocks differ.
const CRASH_AFTER_SECS: i64 = 60;

/// A crash dump that nothing else dates ends shortly before its directory was named.
pub(crate) fn bound(stamped: &mut [(Record, Stamp)], clocks: &mut Clocks) {
    let saved = saved(stamped);
    let mut last: BTreeMap<MemberId, u64> = BTreeMap::new();
    for (record, stamp) in stamped.iter() {
        if let (Record::Event(event), Stamp::Monotonic { micros }) = (record, stamp) {
            let latest = last.entry(event.quote.span.member).or_default();
            *latest = (*latest).max(*micros);
        }
    }
    for (record, stamp) in stamped.iter_mut() {
        let (Record::Event(event), Stamp::Monotonic { micros }) = (record, stamp) else { continue };
        let member = event.quote.span.member;
        let (Some(saved), Some(last)) = (saved.get(&member), last.get(&member)) else { continue };
        if event.at.is_known() {
            continue;
        }
        let (early, late) = (TimeDelta::seconds(CRASH_BEFORE_SECS), TimeDelta::seconds(CRASH_AFTER_SECS));
        let before_end = TimeDelta::microseconds(i64::try_from(last - *micros).unwrap_or(i64::MAX));
        let crash = Interval { lo: saved.full.lo, hi: saved.full.hi }.widened(early, late);
        if let (Some(lo), Some(hi)) = (crash.lo.checked_sub_signed(before_end), crash.hi.checked_sub_signed(before_end))
        {
            event.at = clocks.stated(Dial::wall(event.node.as_ref()), Interval { lo, hi });
        }
    }
}
