//! Of lines that say the same thousands of times some stand for all: the first, the last, and evenly spread ones between.
//!
//! Nothing is lost from the counts: an event that is left out adds its count to the one before it of its kind. Lines are of
//! one kind that show the same with the same values in it; where that leaves too many, whatever their values.

use std::collections::HashMap;

use timeline::{Carrier, Name, Record, Severity, Source, Watch};

/// Records of a member are left as they are up to here.
pub(crate) const MANY: usize = 2048;
/// Beyond this the values in a line no longer make a kind.
const MOST: usize = 8 * MANY;
/// About so many of one kind are kept.
const KEPT: u64 = 256;

/// What events must share to stand for each other.
#[derive(PartialEq, Eq, Hash)]
struct Kind {
    mark: u64,
    node: Option<Name>,
    unit: Option<Name>,
    source: Source,
    carrier: Carrier,
    severity: Option<Severity>,
}

#[derive(Default)]
struct Group {
    events: u64,
    count: u64,
    seen: u64,
    /// Count since the last one that was kept, and where that one is.
    since: u64,
    kept: usize,
}

/// Leaves out events of kinds of which there are many; true where lines with other values had to go, too.
pub(crate) fn thin(records: &mut Vec<Record>, watch: &dyn Watch) -> bool {
    thin_by(1, records, watch);
    let still = records.len() > MOST;
    if still {
        thin_by(0, records, watch);
    }
    still
}

/// Thins by one of the two marks.
fn thin_by(which: usize, records: &mut Vec<Record>, watch: &dyn Watch) {
    let mut places: HashMap<Kind, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let of: Vec<Option<usize>> = records
        .iter()
        .map(|record| {
            // what has fields of its own stands for itself
            let Record::Event(event) = record else { return None };
            let mark = watch.mark(event).filter(|_| event.row.is_none())?[which];
            let (node, unit) = (event.node.clone(), event.unit.clone());
            let (source, carrier, severity) = (event.source, event.carrier, event.severity);
            let at = *places.entry(Kind { mark, node, unit, source, carrier, severity }).or_insert(groups.len());
            if at == groups.len() {
                groups.push(Group::default());
            }
            groups[at].events += 1;
            groups[at].count += u64::from(event.count.max(1));
            Some(at)
        })
        .collect();
    let mut keep = vec![true; records.len()];
    for at in 0..records.len() {
        let (Some(group), Record::Event(event)) = (of[at].map(|it| &mut groups[it]), &records[at]) else { continue };
        if group.events <= KEPT {
            continue;
        }
        let count = event.count.max(1);
        group.seen += 1;
        group.since += u64::from(count);
        let spacing = group.count.div_ceil(KEPT / 2);
        if group.seen == 1 || group.seen == group.events || group.since >= spacing {
            (group.since, group.kept) = (0, at);
            continue;
        }
        keep[at] = false;
        if let Record::Event(stands) = &mut records[group.kept] {
            stands.count = stands.count.max(1).saturating_add(count);
        }
    }
    let mut keep = keep.into_iter();
    records.retain(|_| keep.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use timeline::{Event, MemberId, Quote, Span, Stamp, Time};

    use super::*;

    /// Events that begin with the same letter say the same; those with an x must stay.
    struct Letters;

    impl Watch for Letters {
        fn wants(&self, _: &str) -> bool {
            true
        }

        fn mark(&self, event: &Event) -> Option<[u64; 2]> {
            let letter = event.message.bytes().next().filter(|it| *it != b'x').map(u64::from)?;
            // the number behind a v is a value
            let value = if letter == u64::from(b'v') { event.quote.span.start } else { 0 };
            Some([letter, letter ^ value << 8])
        }
    }

    fn event(message: String, node: &str, start: u64) -> Record {
        let span = Span { member: MemberId(0), start, len: 1, line: start as u32 };
        Record::Event(Box::new(Event {
            stamp: Stamp::None,
            inner: None,
            at: Time::UNKNOWN,
            node: Some(node.into()),
            source: Source::Kubelet,
            carrier: Carrier::Journal,
            unit: None,
            pid: None,
            severity: None,
            message: message.into(),
            count: 1,
            row: None,
            quote: Quote { span, text: "".into() },
        }))
    }

    fn of<'r>(records: &'r [Record], letter: char, node: &'r str) -> impl Iterator<Item = &'r Event> {
        records.iter().filter_map(move |it| match it {
            Record::Event(it) if it.message.starts_with(letter) && it.node.as_deref() == Some(node) => Some(&**it),
            _ => None,
        })
    }

    #[test]
    fn counts_are_exact_and_what_is_kept_is_spread_evenly_however_often_it_is_thinned() {
        let mut records = Vec::new();
        for at in 0..50_000u64 {
            let letter = if at % 1000 == 7 {
                'b'
            } else if at % 100 == 3 {
                'x'
            } else {
                'a'
            };
            records.push(event(format!("{letter}{at}"), if at % 2 == 0 { "one" } else { "two" }, at));
            if records.len() % 5000 == 0 {
                assert!(!thin(&mut records, &Letters));
            }
        }
        assert!(!thin(&mut records, &Letters));
        let sum = |letter: char, node: &str| of(&records, letter, node).map(|it| u64::from(it.count)).sum::<u64>();
        assert_eq!((sum('a', "one"), sum('a', "two")), (25_000, 25_000 - 500 - 50));
        assert_eq!((sum('b', "two"), of(&records, 'b', "two").count()), (50, 50), "there were few of them");
        assert_eq!(of(&records, 'x', "two").count(), 500, "these must stay");
        let kept: Vec<u64> = of(&records, 'a', "one").map(|it| it.quote.span.start).collect();
        assert_eq!((kept[0], kept[kept.len() - 1]), (0, 49_998));
        assert!(kept.len() > 64 && kept.len() <= 256, "{}", kept.len());
        let widest = kept.windows(2).map(|it| it[1] - it[0]).max();
        assert!(widest.is_some_and(|it| it <= 50_000 / 32), "{widest:?}");
        assert!(records.windows(2).all(|it| start(&it[0]) < start(&it[1])), "in the order they stood");
    }

    #[test]
    fn values_are_told_apart_as_long_as_they_are_few_enough() {
        let mut few: Vec<Record> = (0..4000).map(|at| event(format!("v{at}"), "one", at)).collect();
        assert!(!thin(&mut few, &Letters));
        assert_eq!(few.len(), 4000);
        let mut many: Vec<Record> = (0..40_000).map(|at| event(format!("v{at}"), "one", at)).collect();
        assert!(thin(&mut many, &Letters));
        assert!(many.len() <= 256);
        assert_eq!(of(&many, 'v', "one").map(|it| u64::from(it.count)).sum::<u64>(), 40_000);
    }

    fn start(record: &Record) -> u64 {
        match record {
            Record::Event(it) => it.quote.span.start,
            _ => 0,
        }
    }
}
