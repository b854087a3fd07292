//! What all members of etcd see at once: that one of them was elected.
//!
//! ```text
//! raft.node: 8e9e05c52164694d elected leader 91bc3c398fb3c146 at term 5      master-1, 10:00:00.101
//! raft.node: fd422379fda50e48 elected leader 91bc3c398fb3c146 at term 5      master-2, 10:00:00.093
//! raft.node: 91bc3c398fb3c146 elected leader 91bc3c398fb3c146 at term 5      master-3, 10:00:31.110: 31 s ahead
//! ```
//!
//! A follower hears of it within a heartbeat, which is far less than what is called together. One that starts later says the
//! same of the same term: what a single election shows may be that. Only where the others agree, and several terms do, is it
//! a difference of clocks.

use std::collections::BTreeMap;

use crate::{Name, Quote, Record, Source, Stamp};

/// Members besides the one in question that must agree.
const WITNESSES: usize = 2;
/// Members see an election within so much of each other.
const AT_ONCE_MICROS: i64 = 1_500_000;
/// Elections that are looked at.
const MOST: usize = 10_000;

/// By how much a node is ahead of the others, with its line, for each term.
pub(crate) type Ahead = BTreeMap<Name, Vec<(i64, Quote)>>;

/// Who was elected, and for which term.
type Election<'r> = (&'r str, &'r str);

/// Collects elections.
#[derive(Default)]
pub(crate) struct Elections<'r> {
    seen: BTreeMap<Election<'r>, BTreeMap<&'r Name, (i64, &'r Quote)>>,
}

impl<'r> Elections<'r> {
    /// Takes a record, if it tells of one.
    pub(crate) fn note(&mut self, record: &'r Record) {
        let Record::Event(event) = record else { return };
        if event.source != Source::ControlPlane {
            return;
        }
        let (Some(node), Some(election)) = (&event.node, election(&event.message)) else { return };
        // only what states its zone is an instant before the clocks are known
        let exact = |stamp: &Stamp| match stamp {
            Stamp::Exact { at, .. } => Some(at.timestamp_micros()),
            _ => None,
        };
        let Some(at) = event.inner.as_ref().and_then(exact).or_else(|| exact(&event.stamp)) else { return };
        if self.seen.len() >= MOST && !self.seen.contains_key(&election) {
            return;
        }
        let first = self.seen.entry(election).or_default().entry(node).or_insert((at, &event.quote));
        if at < first.0 {
            *first = (at, &event.quote);
        }
    }

    /// By how much each node is ahead of the others, where these agree.
    pub(crate) fn ahead(&self) -> Ahead {
        let mut ahead = Ahead::new();
        for members in self.seen.values() {
            for (node, (at, quote)) in members {
                let mut others: Vec<i64> = members.iter().filter(|it| it.0 != node).map(|it| it.1.0).collect();
                others.sort_unstable();
                let (Some(first), Some(last)) = (others.first(), others.last()) else { continue };
                if others.len() < WITNESSES || last - first > AT_ONCE_MICROS {
                    continue;
                }
                let by = at.saturating_sub(others[others.len() / 2]);
                ahead.entry((*node).clone()).or_default().push((by, (*quote).clone()));
            }
        }
        ahead
    }
}

/// `raft.node: 8e9e05c52164694d elected leader 91bc3c398fb3c146 at term 5`
fn election(message: &str) -> Option<Election<'_>> {
    let (before, rest) = message.split_once(" elected leader ")?;
    let (leader, rest) = rest.split_once(" at term ")?;
    let hex = |it: &str| !it.is_empty() && it.len() <= 16 && it.bytes().all(|it| it.is_ascii_hexdigit());
    let term = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
    (before.contains("raft.node: ") && hex(leader) && !term.is_empty()).then_some((leader, term))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Carrier, Event, MemberId, Span, Time};

    fn elected(node: &str, term: u32, secs: f64) -> Record {
        let message = format!("raft.node: 8e9e05c52164694d elected leader 91bc3c398fb3c146 at term {term}");
        let quote = Quote { span: Span { member: MemberId(0), start: 0, len: 1, line: term }, text: "x".into() };
        Record::Event(Box::new(Event {
            stamp: Stamp::epoch_micros(1_700_000_000_000_000 + (secs * 1e6) as i64),
            inner: None,
            at: Time::UNKNOWN,
            node: Some(node.into()),
            source: Source::ControlPlane,
            carrier: Carrier::File,
            unit: None,
            pid: None,
            severity: None,
            message: message.into(),
            count: 1,
            row: None,
            quote,
        }))
    }

    fn ahead(records: &[Record]) -> Vec<(String, Vec<i64>)> {
        let mut elections = Elections::default();
        records.iter().for_each(|it| elections.note(it));
        let millis = |all: Vec<(i64, Quote)>| all.into_iter().map(|it| it.0 / 1000).collect();
        elections.ahead().into_iter().map(|(node, all)| (node.to_string(), millis(all))).collect()
    }

    #[test]
    fn one_that_is_off_is_measured_by_the_others() {
        let term =
            |term: u32, at: f64| [elected("a", term, at), elected("b", term, at + 0.1), elected("c", term, at + 31.0)];
        let records: Vec<Record> = term(5, 0.0).into_iter().chain(term(6, 900.0)).collect();
        assert_eq!(ahead(&records), [("c".to_owned(), vec![30_900, 30_900])], "of a and b, c is no witness");
        assert_eq!(ahead(&records[..2]), [], "of two nobody knows which is off");
        let together = [elected("a", 5, 0.0), elected("b", 5, 0.1), elected("c", 5, 0.2), elected("c", 5, 7200.0)];
        assert_eq!(ahead(&together).len(), 3, "it said so again when it was restarted");
    }

    #[test]
    fn only_what_etcd_prints() {
        let leader = "raft.node: 8e9e05c52164694d elected leader 91bc3c398fb3c146 at term 5\"}";
        assert_eq!(election(leader), Some(("91bc3c398fb3c146", "5")));
        for other in ["a was elected leader of all at term 5", "raft.node: 8e elected leader x at term 5", ""] {
            assert_eq!(election(other), None, "{other}");
        }
    }
}
