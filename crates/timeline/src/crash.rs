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
    let mut members: BTreeMap<MemberId, Vec<Pair>> = BTreeMap::new();
    for (record, stamp) in stamped.iter() {
        let Record::Event(event) = record else { continue };
        if let (Stamp::Monotonic { micros }, Some(key)) = (stamp, report(record))
            && !event.at.is_known()
            && let Some([at]) = known.get(&key).map(Vec::as_slice)
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

/// How long before its directory was named a crash may lie: the capture kernel boots and saves first.
const CRASH_BEFORE_SECS: i64 = 600;
/// How long after: some directories are named to the minute, and clocks differ.
const CRASH_AFTER_SECS: i64 = 60;

/// A crash dump that nothing else dates ends shortly before its directory was named.
pub(crate) fn bound(stamped: &mut [(Record, Stamp)], clocks: &mut Clocks) {
    let mut saved: BTreeMap<MemberId, Time> = BTreeMap::new();
    let mut last: BTreeMap<MemberId, u64> = BTreeMap::new();
    for (record, stamp) in stamped.iter() {
        match (record, stamp) {
            (Record::Fact(fact, _), _) if text(&fact.get("command")).as_deref() == Some("crash directory") => {
                if let Some(quote) = fact.quotes.first() {
                    saved.insert(quote.span.member, fact.at);
                }
            }
            (Record::Event(event), Stamp::Monotonic { micros }) => {
                let latest = last.entry(event.quote.span.member).or_default();
                *latest = (*latest).max(*micros);
            }
            _ => {}
        }
    }
    for (record, stamp) in stamped.iter_mut() {
        let (Record::Event(event), Stamp::Monotonic { micros }) = (record, stamp) else { continue };
        let member = event.quote.span.member;
        let (Some(saved), Some(last)) = (saved.get(&member).filter(|it| it.is_known()), last.get(&member)) else {
            continue;
        };
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
