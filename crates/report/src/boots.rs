//! Boots, from the facts that mark their ends and from the lists that name them.
//!
//! A boot is opened by a `boot.start` and closed by a `boot.end` of its node; either may be missing, because a log
//! begins in the middle of a boot and a bundle is collected in the middle of another one. Several files may show the
//! same reboot: marks with one boot id, or close together, are of one boot.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use timeline::{Fact, MemberId, Timeline, Value, relation};

use crate::{Boot, BootEnd, Instant};

/// Marks of two files so close together are of one boot.
const SAME_SECS: i64 = 180;

impl Boot {
    /// The boots of every node, in order.
    #[must_use]
    pub fn all(timeline: &Timeline) -> Vec<Boot> {
        let mut marks: BTreeMap<String, Vec<&Fact>> = BTreeMap::new();
        for fact in &timeline.facts {
            let name = fact.row.relation.name;
            let names = [relation::BOOT_START.name, relation::BOOT_END.name, relation::BOOT.name];
            if let Some(node) = &fact.node
                && names.contains(&name)
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

/// What is known of one boot.
#[derive(Default)]
struct Draft<'t> {
    id: Option<String>,
    start: Option<&'t Fact>,
    /// Files that show its beginning.
    shown_by: Vec<MemberId>,
    ends: Vec<&'t Fact>,
    listed: Option<&'t Fact>,
}

impl Draft<'_> {
    fn fits(&self, id: &Option<String>) -> bool {
        id.is_none() || self.id.is_none() || self.id == *id
    }

    fn began(&self) -> Option<DateTime<Utc>> {
        self.start.or(self.listed).filter(|it| it.at.is_known()).map(|it| it.at.nominal.lo)
    }

    fn ended(&self) -> Option<DateTime<Utc>> {
        self.ends.iter().filter(|it| it.at.is_known()).map(|it| it.at.nominal.lo).max()
    }
}

fn of_node(node: &str, marks: &[&Fact], timeline: &Timeline) -> Vec<Boot> {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let kind = |name: &'static str| marks.iter().copied().filter(move |it| it.row.relation.name == name);
    let close = |a: Option<DateTime<Utc>>, b: &Fact| {
        b.at.is_known() && a.is_some_and(|a| (b.at.nominal.lo - a).num_seconds().abs() <= SAME_SECS)
    };
    for start in kind(relation::BOOT_START.name) {
        let id = text(&start.get("boot_id"));
        let same_id = drafts.iter().position(|it| id.is_some() && it.id == id);
        let member = start.quotes.first().map(|it| it.span.member);
        // a machine may boot twice in a minute, but then one file shows both
        let other = |it: &Draft<'_>| !member.is_some_and(|member| it.shown_by.contains(&member));
        let near = || drafts.iter().rposition(|it| it.fits(&id) && close(it.began(), start) && other(it));
        match same_id.or_else(near) {
            Some(at) => {
                drafts[at].id = drafts[at].id.take().or(id);
                drafts[at].shown_by.extend(member);
            }
            None => {
                let shown_by = member.into_iter().collect();
                drafts.push(Draft { id, start: Some(start), shown_by, ..Draft::default() });
            }
        }
    }
    for end in kind(relation::BOOT_END.name) {
        let id = text(&end.get("boot_id"));
        let same_id = drafts.iter().position(|it| id.is_some() && it.id == id);
        let open = || {
            drafts.iter().rposition(|it| {
                it.fits(&id)
                    && match it.began() {
                        Some(began) => end.at.is_known() && began <= end.at.nominal.lo,
                        None => close(it.ended(), end),
                    }
            })
        };
        match same_id.or_else(open) {
            Some(at) => {
                drafts[at].id = drafts[at].id.take().or(id);
                drafts[at].ends.push(end);
            }
            None => drafts.push(Draft { id, ends: vec![end], ..Draft::default() }),
        }
    }
    for listed in kind(relation::BOOT.name) {
        let id = text(&listed.get("boot_id"));
        let same_id = drafts.iter().position(|it| id.is_some() && it.id == id);
        let known = same_id.or_else(|| drafts.iter().rposition(|it| it.fits(&id) && close(it.began(), listed)));
        match known {
            Some(at) => {
                drafts[at].id = drafts[at].id.take().or(id);
                drafts[at].listed.get_or_insert(listed);
            }
            None => drafts.push(Draft { id, listed: Some(listed), ..Draft::default() }),
        }
    }
    // a boot whose beginning nobody saw stands where it ended
    drafts.sort_by_key(|it| it.began().or(it.ended()));
    let last = drafts.len().saturating_sub(1);
    drafts.iter().enumerate().map(|(at, draft)| boot(node, draft, at == last, timeline)).collect()
}

fn boot(node: &str, draft: &Draft<'_>, last: bool, timeline: &Timeline) -> Boot {
    let flag = |fact: &Fact| match fact.get("orderly") {
        Value::Flag(it) => Some(it),
        _ => None,
    };
    // one log may not show what another does: a shutdown that was seen was one
    let orderly = |wanted: Option<bool>| draft.ends.iter().rev().find(|it| flag(it) == wanted).copied();
    let end = orderly(Some(true)).or_else(|| orderly(Some(false))).or_else(|| draft.ends.last().copied());
    let ending = draft.listed.and_then(|it| text(&it.get("ending")));
    let ended = match (end.map(flag), ending.as_deref()) {
        (Some(Some(true)), _) => BootEnd::Clean,
        (Some(Some(false)), _) => BootEnd::Unclean,
        (_, Some("shutdown")) => BootEnd::Clean,
        (_, Some("crash")) => BootEnd::Unclean,
        (None, Some("running")) => BootEnd::Running,
        (None, None) if last => BootEnd::Running,
        _ => BootEnd::Unknown,
    };
    let instant = |it: Option<&Fact>| it.map(|it| Instant::from_time(&it.at)).unwrap_or_default();
    let began = draft.start.or(draft.listed);
    Boot {
        node: node.to_owned(),
        boot_id: draft.id.clone(),
        start: instant(began),
        end: instant(end),
        marker: draft.start.and_then(|it| text(&it.get("marker"))),
        ended,
        ..cited(end.or(began), timeline)
    }
}

fn text(value: &Value) -> Option<String> {
    value.is_some().then(|| value.to_string())
}

fn cited(fact: Option<&Fact>, timeline: &Timeline) -> Boot {
    let Some(quote) = fact.and_then(|it| it.quotes.first()) else { return Boot::default() };
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
