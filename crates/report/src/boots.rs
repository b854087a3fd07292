//! Boots, from the facts that mark their ends.
//!
//! A boot is opened by a `boot.start` and closed by the next `boot.end` of its node; either may be missing, because a log
//! begins in the middle of a boot and a bundle is collected in the middle of another one.

use std::collections::BTreeMap;

use timeline::{Fact, Timeline, Value, relation};

use crate::{Boot, BootEnd, Instant};

impl Boot {
    /// The boots of every node, in order.
    #[must_use]
    pub fn all(timeline: &Timeline) -> Vec<Boot> {
        let mut marks: BTreeMap<String, Vec<&Fact>> = BTreeMap::new();
        for fact in &timeline.facts {
            let name = fact.row.relation.name;
            if let Some(node) = &fact.node
                && (name == relation::BOOT_START.name || name == relation::BOOT_END.name)
            {
                marks.entry(node.to_string()).or_default().push(fact);
            }
        }
        let mut boots = Vec::new();
        for (node, mut marks) in marks {
            marks.sort_by_key(|it| (it.at.nominal.lo, it.quotes.first().map(|it| (it.span.member, it.span.start))));
            boots.extend(of_node(&node, &marks, timeline));
        }
        boots
    }
}

fn of_node(node: &str, marks: &[&Fact], timeline: &Timeline) -> Vec<Boot> {
    let mut boots: Vec<Boot> = Vec::new();
    let mut open = false;
    for fact in marks {
        let id = text(&fact.get("boot_id"));
        if fact.row.relation.name == relation::BOOT_START.name {
            // one boot may be marked by several files
            let again = open && id.is_some() && boots.last().is_some_and(|it| it.boot_id == id);
            if !again {
                boots.push(Boot {
                    node: node.to_owned(),
                    boot_id: id,
                    start: Instant::from_time(&fact.at),
                    ..cited(fact, timeline)
                });
                open = true;
            }
            continue;
        }
        let end = Boot {
            node: node.to_owned(),
            boot_id: id.clone(),
            end: Instant::from_time(&fact.at),
            ended: match fact.get("orderly") {
                Value::Flag(true) => BootEnd::Clean,
                Value::Flag(false) => BootEnd::Unclean,
                _ => BootEnd::Unknown,
            },
            ..cited(fact, timeline)
        };
        match boots.last_mut() {
            Some(last) if open && (last.boot_id == id || id.is_none() || last.boot_id.is_none()) => {
                let (start, boot_id) = (last.start.clone(), last.boot_id.take().or(id));
                *last = Boot { start, boot_id, ..end };
            }
            Some(last) if id.is_some() && last.boot_id == id && last.ended == end.ended => {}
            _ => boots.push(end),
        }
        open = false;
    }
    if open && let Some(last) = boots.last_mut() {
        last.ended = BootEnd::Running;
    }
    boots
}

fn text(value: &Value) -> Option<String> {
    value.is_some().then(|| value.to_string())
}

fn cited(fact: &Fact, timeline: &Timeline) -> Boot {
    let Some(quote) = fact.quotes.first() else { return Boot::default() };
    Boot {
        file: timeline.members.get(quote.span.member.0 as usize).map(|it| it.path.to_string()),
        line: Some(quote.span.line),
        text: Some(quote.text.to_string()),
        ..Boot::default()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use timeline::{Interval, Member, MemberId, Name, Quote, Row, Span, Time};

    use super::*;

    fn mark(row: Row, secs: i64, id: &str, text: &str) -> Fact {
        let span = Span { member: MemberId(0), start: secs as u64, len: text.len() as u32, line: secs as u32 };
        let row = if id.is_empty() { row } else { row.with("boot_id", id) };
        let mut fact = Fact::new(row, Some(Name::from("node-08")), Quote { span, text: text.into() });
        let at = DateTime::from_timestamp(secs, 0).unwrap();
        fact.at = Time::utc(Interval::from(at, TimeDelta::seconds(1)));
        fact
    }

    fn start(secs: i64, id: &str) -> Fact {
        mark(Row::new(&relation::BOOT_START), secs, id, "Linux version 4.4.0")
    }

    fn end(secs: i64, id: &str, orderly: bool) -> Fact {
        mark(Row::new(&relation::BOOT_END).with("orderly", orderly), secs, id, "the last line")
    }

    fn boots(facts: Vec<Fact>) -> Vec<(Option<String>, Option<String>, BootEnd, u32)> {
        let timeline = Timeline { facts, members: vec![Member::new("journal.txt", 1)], ..Timeline::default() };
        let clock = |it: &Instant| it.lo.as_ref().map(|it| it[14..19].to_owned());
        Boot::all(&timeline)
            .iter()
            .map(|it| (clock(&it.start), clock(&it.end), it.ended, it.line.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_log_that_begins_in_a_boot_and_ends_in_another() {
        let found = boots(vec![start(70, "b"), end(60, "a", false)]);
        let some = |it: &str| Some(it.to_owned());
        assert_eq!(found, [(None, some("01:00"), BootEnd::Unclean, 60), (some("01:10"), None, BootEnd::Running, 70)]);
    }

    #[test]
    fn start_and_end_are_one_boot_and_the_end_is_cited() {
        let found = boots(vec![start(10, "a"), start(11, "a"), end(60, "a", true), start(70, ""), end(90, "", false)]);
        let some = |it: &str| Some(it.to_owned());
        assert_eq!(
            found,
            [(some("00:10"), some("01:00"), BootEnd::Clean, 60), (some("01:10"), some("01:30"), BootEnd::Unclean, 90)]
        );
    }

    #[test]
    fn ends_of_different_boots_are_not_joined() {
        let found = boots(vec![start(10, "a"), end(60, "b", false)]);
        let some = |it: &str| Some(it.to_owned());
        assert_eq!(found, [(some("00:10"), None, BootEnd::Unknown, 10), (None, some("01:00"), BootEnd::Unclean, 60)]);
        assert!(boots(Vec::new()).is_empty());
    }
}
