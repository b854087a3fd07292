//! Where one boot of a node ended and the next began, and what an end that was not in order took with it.
//!
//! ```text
//! Jun 14 13:14:38 node-a kernel: IPVS: Creating netns size=2104 id=812     the last line that was saved
//!                                                                          what was logged here is lost
//! Jun 14 13:17:06 node-a kernel: Linux version 5.10.0-32-amd64             the first line of the next boot
//! ```
//!
//! journald hands its files to the disk every five minutes (`SyncIntervalSec`), and at once only for what is critical or
//! worse; syslog leaves it to the kernel. What a crash, a reset or a power cut ends is therefore followed by a stretch of
//! which nothing is known: it runs from the last line in the file to the first of the next boot. The file is written in
//! order, so that what stands before its last line is whole. A ring buffer, a console and a dump of the kernel lose nothing
//! in this way.
//!
//! ```text
//! reboot   system boot  5.10.0-32-amd64  Sun Jun 14 13:17   still running     `last` knows of it, too
//! ubuntu   pts/0        10.0.0.9         Sun Jun 14 11:02 - crash  (02:15)
//! ```
//!
//! ```text
//! Jun 14 13:17:08 node-a kernel: EXT4-fs (sda2): recovery complete          the next boot repairs what was left open
//! ```
//!
//! Where the log does not show how a boot ended, what the next one repairs at its beginning does ([`relation::BOOT_RECOVERY`]).
//!
//! Where only a list of boots tells of such an end, it does not say when it was: the stretch begins with the silence of each
//! log before the next boot, or as long before it as lines wait for the disk.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Event, Fact, Gap, GapKind, Interval, Member, MemberId, Name, Quote, Row, Seen, Source, Span, Time, Timeline, Truth,
    Value, relation,
};

/// How long lines may wait for the disk: journald's default.
const SYNC_SECS: i64 = 300;
/// Breaks of one node that are so close together are one, told by two files.
const SAME_SECS: i64 = 600;
/// A log that ends so shortly before a boot does ended with it.
const NEAR_SECS: i64 = 120;
/// Formats of what the kernel kept itself.
const RINGS: [&str; 4] = ["dmesg", "vmcore-dmesg", "pstore", "crash-utility"];

/// The end of a boot and the beginning of the next.
#[derive(Debug, Clone, Copy)]
pub struct BootBreak<'t> {
    /// The last record of the boot: a row of `boot.end`.
    pub end: &'t Fact,
    /// The first record of the next: a row of `boot.start`.
    pub start: &'t Fact,
}

impl BootBreak<'_> {
    /// Whether the boot ended in order, where its log would show it.
    #[must_use]
    pub fn orderly(&self) -> Option<bool> {
        match self.end.get("orderly") {
            Value::Flag(orderly) => Some(orderly),
            _ => None,
        }
    }

    fn member(&self) -> Option<MemberId> {
        self.end.quotes.first().map(|it| it.span.member)
    }
}

impl Timeline {
    /// The breaks between boots: an end and a start next to each other in a file, else next to each other in time.
    #[must_use]
    pub fn boot_breaks(&self) -> Vec<BootBreak<'_>> {
        let mut marks: BTreeMap<Option<&Name>, Vec<(&Fact, bool)>> = BTreeMap::new();
        for (relation, ends) in [(&relation::BOOT_END, true), (&relation::BOOT_START, false)] {
            for fact in self.facts.iter().filter(|it| it.row.relation == relation) {
                marks.entry(fact.node.as_ref()).or_default().push((fact, ends));
            }
        }
        let mut found = Vec::new();
        for marks in marks.values_mut() {
            let member = |it: &Fact| it.quotes.first().map(|it| it.span.member);
            marks.sort_by_key(|(it, ends)| (member(it), it.quotes.first().map(|it| it.span.start), !ends));
            let mut left: Vec<(&Fact, bool)> = Vec::new();
            for of_file in marks.chunk_by_mut(|a, b| member(a.0) == member(b.0)) {
                if is_newest_first(of_file) {
                    of_file.reverse();
                }
                let mut open: Option<&Fact> = None;
                for &(fact, ends) in of_file.iter() {
                    match open.take() {
                        Some(end) if !ends => found.push(BootBreak { end, start: fact }),
                        other => {
                            left.extend(other.map(|it| (it, true)).into_iter().chain((!ends).then_some((fact, false))))
                        }
                    }
                    if ends {
                        open = Some(fact);
                    }
                }
                left.extend(open.map(|it| (it, true)));
            }
            // an end and a start in two files, which only their times can bring together
            left.retain(|(it, _)| it.at.is_known());
            left.sort_by_key(|(it, ends)| (it.at.nominal, !ends));
            for two in left.windows(2) {
                let &[(end, true), (start, false)] = two else { continue };
                let one_boot = end.get("boot_id").same(&start.get("boot_id"));
                if !one_boot && end.at.before(&start.at) != Truth::False {
                    found.push(BootBreak { end, start });
                }
            }
        }
        found
    }
}

/// So long after the first line of a boot in one file its repairs are told in another, and so much earlier by another clock.
const REPAIR_SECS: i64 = 180;
const REPAIR_EARLY_SECS: i64 = 10;

/// Where no log shows how a boot ended, and the next one repairs what it left open, it did not end in order.
pub(crate) fn judge_by_repairs(timeline: &mut Timeline) {
    let mut repairs: BTreeMap<&Name, Vec<&Fact>> = BTreeMap::new();
    for fact in timeline.rows(relation::BOOT_RECOVERY.name).filter(|it| it.at.is_known()) {
        if let Some(node) = &fact.node {
            repairs.entry(node).or_default().push(fact);
        }
    }
    if repairs.is_empty() {
        return;
    }
    repairs.values_mut().for_each(|it| it.sort_by_key(|it| it.at.nominal.lo));
    let breaks = timeline.boot_breaks();
    let endings = endings(timeline);
    let known = breaks.iter().filter(|it| it.orderly().is_some() && it.start.at.is_known());
    let told: BTreeSet<(&Name, DateTime<Utc>)> =
        known.filter_map(|it| Some((it.end.node.as_ref()?, it.start.at.nominal.lo))).collect();
    let mut found: BTreeMap<Span, Vec<Quote>> = BTreeMap::new();
    for it in breaks.iter().filter(|it| it.orderly().is_none() && it.start.at.is_known()) {
        let (Some(node), Some(quote)) = (&it.end.node, it.end.quotes.first()) else { continue };
        let Some(own) = repairs.get(node) else { continue };
        let (began, reach) = (it.start.at.nominal.lo, TimeDelta::seconds(SAME_SECS));
        let around = Interval { lo: began, hi: began }.widened(reach, reach);
        let near = told.range((node, around.lo)..=(node, around.hi)).next().is_some();
        let listed = endings.get(node).and_then(|all| ended_in_order(all, it.end.at.nominal.lo));
        if near || listed.is_some() {
            continue;
        }
        let (early, late) = (TimeDelta::seconds(REPAIR_EARLY_SECS), TimeDelta::seconds(REPAIR_SECS));
        let around = Interval { lo: began, hi: began }.widened(early, late);
        let first = own.partition_point(|it| it.at.nominal.lo < around.lo);
        let of_boot = own[first..].iter().take_while(|it| it.at.nominal.lo <= around.hi);
        let quotes: Vec<Quote> = of_boot.flat_map(|it| it.quotes.first().cloned()).collect();
        if !quotes.is_empty() {
            found.insert(quote.span, quotes);
        }
    }
    let unclean = |row: &mut Row| {
        if let Some(at) = row.relation.column("orderly") {
            row.values[at] = Value::Flag(false);
        }
    };
    let is_end = |row: &Row| row.relation == &relation::BOOT_END;
    for fact in timeline.facts.iter_mut().filter(|it| is_end(&it.row)) {
        if let Some(quotes) = fact.quotes.first().and_then(|it| found.get(&it.span)) {
            unclean(&mut fact.row);
            fact.quotes.extend(quotes.iter().cloned());
        }
    }
    for event in timeline.events.iter_mut().filter(|it| found.contains_key(&it.quote.span)) {
        event.row.iter_mut().filter(|it| is_end(it)).for_each(unclean);
    }
}

/// Whether the times of a file run backwards.
fn is_newest_first(marks: &[(&Fact, bool)]) -> bool {
    let known: Vec<_> = marks.iter().filter(|it| it.0.at.is_known()).map(|it| it.0.at.nominal.lo).collect();
    let falls = known.windows(2).filter(|it| it[1] < it[0]).count();
    falls > known.windows(2).filter(|it| it[1] > it[0]).count()
}

/// One break, with what all files say of it.
struct Lost<'t> {
    node: &'t Name,
    member: Option<MemberId>,
    from: Time,
    to: Time,
    /// The first line of the next boot.
    line: u32,
    orderly: Option<bool>,
    /// Only a list of boots tells of it: `from` is the beginning of the boot that ended.
    listed: bool,
}

/// Gaps of this kind that are told; of logs beyond it all is in doubt.
const MOST: usize = 20_000;

/// The stretches that boots which did not end in order may have taken with them, in every log of their node. `off` are the
/// silences of logs that end with a boot.
pub(crate) fn unsaved(timeline: &mut Timeline, off: &[Gap]) -> Vec<Gap> {
    let mut lost: Vec<Lost<'_>> = timeline.boot_breaks().iter().filter_map(of_break).collect();
    settle(&mut lost, timeline);
    let listed = listed(timeline, &lost);
    lost.extend(listed);
    if lost.is_empty() {
        return Vec::new();
    }
    lost.sort_by_key(|it| (it.node, it.from.nominal, it.member));
    let mut by_node: BTreeMap<&Name, Vec<&Lost<'_>>> = BTreeMap::new();
    let mut by_file: BTreeMap<(MemberId, &Name), Vec<&Lost<'_>>> = BTreeMap::new();
    // in order of time
    for it in lost.iter().filter(|it| it.orderly != Some(true)) {
        by_node.entry(it.node).or_default().push(it);
        if let Some(member) = it.member {
            by_file.entry((member, it.node)).or_default().push(it);
        }
    }
    let rings = rings(timeline);
    let mut gaps = Vec::new();
    let mut doubted = Vec::new();
    for (at, seen) in timeline.seen.iter().enumerate().filter(|(_, it)| may_lose(it, &timeline.members)) {
        let Some(of_node) = seen.node.as_ref().and_then(|it| by_node.get(it)) else { continue };
        let own = seen.node.as_ref().and_then(|it| by_file.get(&(seen.member, it))).map_or(&[][..], Vec::as_slice);
        let near = TimeDelta::seconds(NEAR_SECS);
        let last = seen.covers.map(|it| it.1.nominal.hi).and_then(|it| it.checked_add_signed(near));
        let until = last.map_or(0, |last| of_node.partition_point(|it| it.from.nominal.lo <= last));
        // a file that shows an end in its own way needs no other's word
        let others = of_node[..until].iter().filter(|it| it.member != Some(seen.member) && !close(own, it));
        let others = others.filter_map(|it| {
            let from = if it.listed { since_silence(seen, it, off)? } else { since(seen, it)? };
            Some((*it, from, 0))
        });
        for (lost, from, line) in own.iter().map(|it| (*it, it.from, it.line)).chain(others) {
            if seen.source == Source::Kernel && rings.iter().any(|it| shows_end(it, lost)) {
                continue;
            }
            if gaps.len() >= MOST {
                doubted.push(at);
                break;
            }
            gaps.push(gap(seen, lost, from, line));
        }
    }
    for at in doubted {
        timeline.seen[at].incomplete.get_or_insert_with(|| "boots ended too often without order".to_owned());
    }
    gaps
}

/// One log may not show what another does: a shutdown that was seen was one.
fn settle(lost: &mut [Lost<'_>], timeline: &Timeline) {
    let endings = endings(timeline);
    lost.sort_by_key(|it| (it.node, it.from.nominal, it.member));
    let told: Vec<(&Name, DateTime<Utc>, bool)> =
        lost.iter().filter_map(|it| Some((it.node, it.from.nominal.lo, it.orderly?))).collect();
    let reach = TimeDelta::seconds(SAME_SECS);
    for it in lost {
        let (node, at) = (it.node, it.from.nominal.lo);
        let first = told.partition_point(|of| (of.0, of.1) < (node, at - reach));
        let near = || told[first..].iter().take_while(|of| of.0 == node && of.1 <= at + reach);
        let listed = endings.get(node).and_then(|all| ended_in_order(all, at));
        if near().any(|of| of.2) || listed == Some(true) {
            it.orderly = Some(true);
        } else if near().next().is_some() || listed == Some(false) {
            it.orderly = Some(false);
        }
    }
}

/// The ends that only a list of boots tells of: boots that another one of the list follows, and that ended in a crash.
fn listed<'t>(timeline: &'t Timeline, known: &[Lost<'t>]) -> Vec<Lost<'t>> {
    let mut lists: BTreeMap<(&Name, MemberId), Vec<&Fact>> = BTreeMap::new();
    for fact in timeline.facts.iter().filter(|it| it.row.relation == &relation::BOOT && it.at.is_known()) {
        if let (Some(node), Some(quote)) = (&fact.node, fact.quotes.first()) {
            lists.entry((node, quote.span.member)).or_default().push(fact);
        }
    }
    let mut found: Vec<Lost<'t>> = Vec::new();
    for ((node, _), mut boots) in lists {
        boots.sort_by_key(|it| it.at.nominal);
        for two in boots.windows(2).filter(|it| it[0].get("ending").same(&Value::from("crash"))) {
            let (from, to) = (two[0].at, two[1].at);
            let near =
                |it: &Lost<'_>| it.node == node && (it.to.nominal.lo - to.nominal.lo).num_seconds().abs() <= SAME_SECS;
            if !known.iter().chain(&found).any(near) {
                found.push(Lost { node, member: None, from, to, line: 0, orderly: Some(false), listed: true });
            }
        }
    }
    found
}

/// Whether one of some breaks, in order of time, is the same as another file's.
fn close(own: &[&Lost<'_>], other: &Lost<'_>) -> bool {
    if other.listed {
        return false; // no file shows it
    }
    let (at, reach) = (other.from.nominal.lo, TimeDelta::seconds(SAME_SECS));
    let first = own.partition_point(|it| it.from.nominal.lo < at - reach);
    own.get(first).is_some_and(|it| it.from.nominal.lo <= at + reach)
}

fn of_break<'t>(it: &BootBreak<'t>) -> Option<Lost<'t>> {
    let (from, to) = (it.end.at, it.start.at);
    if !from.is_known() || !to.is_known() {
        return None;
    }
    // a clock that was set back as the next boot began tells nothing of its length
    let to = if to.nominal.lo < from.nominal.lo {
        let late = |it: Interval| {
            let at = it.hi.checked_add_signed(TimeDelta::seconds(SYNC_SECS)).unwrap_or(it.hi);
            Interval { lo: at, hi: at }
        };
        Time { nominal: late(from.nominal), full: late(from.full), clock: from.clock }
    } else {
        to
    };
    // the next boot may begin in another file
    let line = it.start.quotes.first().filter(|of| Some(of.span.member) == it.member()).map_or(0, |it| it.span.line);
    let (node, member, orderly) = (it.end.node.as_ref()?, it.member(), it.orderly());
    Some(Lost { node, member, from, to, line, orderly, listed: false })
}

/// When a boot of a list began, and whether it ended in order.
type Listed = (DateTime<Utc>, Option<bool>);

/// When the boots of nodes began that lists of boots name, in order, and whether these say that they ended in order.
fn endings(timeline: &Timeline) -> BTreeMap<&Name, Vec<Listed>> {
    let mut listed: BTreeMap<&Name, Vec<Listed>> = BTreeMap::new();
    for fact in timeline.facts.iter().filter(|it| it.row.relation == &relation::BOOT && it.at.is_known()) {
        if let (Some(node), Value::Text(ending)) = (&fact.node, fact.get("ending")) {
            let orderly = match &*ending {
                "shutdown" => Some(true),
                "crash" => Some(false),
                _ => None,
            };
            listed.entry(node).or_default().push((fact.at.nominal.lo, orderly));
        }
    }
    listed.values_mut().for_each(|it| it.sort_unstable());
    listed
}

/// Whether the boot in which an instant lies ended in order, where a list of boots says so.
fn ended_in_order(listed: &[Listed], at: DateTime<Utc>) -> Option<bool> {
    let begun = listed.partition_point(|it| it.0 <= at);
    begun.checked_sub(1).and_then(|it| listed[it].1)
}

/// Whether lines of it may be lost because they were not yet on the disk.
fn may_lose(seen: &Seen, members: &[Member]) -> bool {
    let elsewhere = matches!(seen.source, Source::KubeEvent | Source::Note | Source::NetworkDevice);
    !elsewhere && !is_ring(seen, members)
}

/// Whether it is what the kernel kept itself.
fn is_ring(seen: &Seen, members: &[Member]) -> bool {
    let format = members.get(seen.member.0 as usize).and_then(|it| it.format);
    format.is_some_and(|it| RINGS.contains(&it))
}

/// What the kernel kept itself: whose, from when to when. Of a dump whose clock nothing ties to wall time, when the kernel reported
/// its own end.
fn rings(timeline: &Timeline) -> Vec<(&Name, Interval)> {
    let of = |it: &Seen| is_ring(it, &timeline.members);
    let mut found = Vec::new();
    for ring in timeline.seen.iter().filter(|it| of(it)) {
        let Some(node) = &ring.node else { continue };
        if let Some((first, last)) = ring.covers {
            found.push((node, Interval { lo: first.nominal.hi, hi: last.nominal.lo }));
            continue;
        }
        let report = |it: &&Event| it.row.as_ref().is_some_and(|row| row.relation == &relation::KERNEL_REPORT);
        let own = timeline.events.iter().filter(|it| it.quote.span.member == ring.member && it.at.is_known());
        found.extend(own.map(AsRef::as_ref).filter(report).map(|it| (node, it.at.nominal)));
    }
    found
}

/// Whether what the kernel kept itself reaches to the end of a boot, so that all it said then is known.
fn shows_end((node, covers): &(&Name, Interval), lost: &Lost<'_>) -> bool {
    let near = TimeDelta::seconds(NEAR_SECS);
    *node == lost.node
        && covers.lo <= lost.to.nominal.hi
        && lost.from.nominal.lo - near <= covers.hi
        && covers.lo <= lost.from.nominal.hi + near
}

/// Since when a file that does not show the end itself may lack lines; none where it does not reach there.
fn since(seen: &Seen, lost: &Lost<'_>) -> Option<Time> {
    let (first, last) = seen.covers?;
    let near = TimeDelta::seconds(NEAR_SECS);
    let reaches = first.nominal.lo < lost.to.nominal.lo && lost.from.nominal.lo - near <= last.nominal.hi;
    let ends_before = last.clock == lost.from.clock && last.nominal.hi < lost.from.nominal.lo;
    reaches.then_some(if ends_before { last } else { lost.from })
}

/// Since when a file may lack lines before a boot that only a list of boots tells of; none where it was not written then.
fn since_silence(seen: &Seen, lost: &Lost<'_>, off: &[Gap]) -> Option<Time> {
    let (first, last) = seen.covers?;
    let near = TimeDelta::seconds(NEAR_SECS);
    let (began, next) = (lost.from.nominal.lo, lost.to.nominal.lo);
    if first.nominal.lo > next || last.nominal.hi < began - near {
        return None;
    }
    if last.clock == lost.to.clock && last.nominal.hi < next {
        return Some(last);
    }
    let silent = off.iter().filter(|it| {
        it.member == seen.member
            && it.node == seen.node
            && it.source == Some(seen.source)
            && it.from.clock == lost.to.clock
    });
    let around =
        |it: &&Gap| it.from.nominal.lo <= next && next - near <= it.to.nominal.hi && began - near <= it.from.nominal.lo;
    if let Some(gap) = silent.into_iter().find(around) {
        return Some(gap.from);
    }
    // no line is missed: as long as lines wait for the disk, and no longer than the boot was
    let before = |it: Interval, began: Interval| {
        let at = it.lo.checked_sub_signed(TimeDelta::seconds(SYNC_SECS)).unwrap_or(it.lo).max(began.lo);
        Interval { lo: at, hi: at }
    };
    let (nominal, full) = (before(lost.to.nominal, lost.from.nominal), before(lost.to.full, lost.from.full));
    Some(Time { nominal, full, clock: lost.to.clock })
}

fn gap(seen: &Seen, lost: &Lost<'_>, from: Time, line: u32) -> Gap {
    let how = if lost.orderly == Some(false) { "did not end" } else { "may not have ended" };
    Gap {
        kind: GapKind::Unsaved,
        node: seen.node.clone(),
        source: Some(seen.source),
        of: seen.source.name().into(),
        from,
        to: lost.to,
        what: format!("the boot {how} in order: what was logged last may not have been saved"),
        member: seen.member,
        line,
    }
}
