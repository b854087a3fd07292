//! Boots that end in one file and go on in another.
//!
//! ```text
//! journalctl_-b_-1.txt      Jun 14 13:14:38 node-a kernel: kernel BUG at include/linux/fs.h:2582!
//! journalctl_-b_0.txt       Jun 14 13:15:06 node-a kernel: Linux version 4.4.0-104-generic
//! var/log/messages.1        … and the rotated files of a syslog, and those of the journal itself
//! var/log/messages
//! ```
//!
//! Parsers state where the log of a machine begins and ends in each file ([`relation::LOG_EDGE`]). Where a boot begins with a
//! file, the log of the machine that ended last before it holds the end of the boot before. Of that end more is claimed the
//! better it is known that nothing lies between: two boots that follow each other by the names of their files, files of one
//! rotation, numbers that go on. Else the machine rebooted, and how the boot ended only a shutdown that is seen can tell.
//! A break that one file shows whole is told by that file.
//!
//! A kernel that dumps its buffer when it dies tells its end itself: `vmcore-dmesg`, and a record of pstore with a panic. Where no
//! log of that boot is there, the report is its last record.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Gap, GapKind, Member, MemberId, Name, Record, Row, Seen, Stamp, Time, Truth, Value, relation};

/// Beginnings so close together are one boot's, in several files.
const SAME_BOOT_SECS: i64 = 180;
/// The first line of another file may be stamped so much earlier than the kernel's.
const EARLY_SECS: i64 = 5;
/// Ends so close together are one boot's.
const SAME_END_SECS: i64 = 600;
/// How long a boot may lie after the last line before it, where nothing says that they belong together.
const NEAR_SECS: i64 = 3600;
/// The same where files of one rotation are not numbered, so that one between them may be missing.
const DATED_SECS: i64 = 86_400;
/// Ends of one node's logs that are compared; of a node with more of them nothing is told.
const MOST: usize = 500;
/// Numbers of records that leave so few out go on: other users' entries are numbered along.
const GOES_ON: i64 = 8;

/// One end of the log of a machine in a file.
struct Edge<'r> {
    /// Where its record stands.
    at: usize,
    member: MemberId,
    time: Time,
    row: &'r Row,
    /// The collection and its file's place among rotated ones.
    folder: &'r str,
    series: Series<'r>,
}

impl Edge<'_> {
    fn text(&self, column: &str) -> Option<Name> {
        crate::build::text(self.row.get(column))
    }

    fn flag(&self, column: &str) -> bool {
        *self.row.get(column) == Value::Flag(true)
    }

    fn number(&self, column: &str) -> Option<i64> {
        match self.row.get(column) {
            Value::Int(it) => Some(*it),
            _ => None,
        }
    }

    fn offset(&self) -> Option<i64> {
        self.number("offset")
    }
}

/// A boot that begins with one or several files.
struct Beginning<'e, 'r> {
    edges: Vec<&'e Edge<'r>>,
}

impl<'e, 'r> Beginning<'e, 'r> {
    /// The edge that shows it best: the kernel's first line, on the finest clock.
    fn best(&self) -> &'e Edge<'r> {
        let width = |it: &Edge<'_>| it.time.full.hi - it.time.full.lo;
        let key = |it: &&&Edge<'_>| (it.text("marker").is_none(), width(it), it.member);
        self.edges.iter().min_by_key(key).copied().unwrap_or(self.edges[0])
    }

    fn id(&self) -> Option<Name> {
        self.edges.iter().find_map(|it| it.text("boot_id"))
    }

    fn takes(&self, edge: &Edge<'_>) -> bool {
        if let Some((a, b)) = self.id().zip(edge.text("boot_id")) {
            return a == b;
        }
        // a log that begins in the middle of a boot may end with it
        let earliest = if edge.text("marker").is_some() { -SAME_BOOT_SECS } else { -EARLY_SECS };
        let near = |it: &Edge<'_>| (earliest..=SAME_BOOT_SECS).contains(&secs(it.time, edge.time));
        let other = |it: &Edge<'_>| {
            let offsets = it.offset().zip(edge.offset()).filter(|_| it.folder == edge.folder);
            offsets.is_some_and(|(a, b)| a != b)
        };
        self.edges.iter().any(|it| near(it)) && !self.edges.iter().any(|it| other(it))
    }
}

/// What becomes of an edge, or is made of a kernel's report of its end.
struct Mark {
    of: Of,
    row: Row,
    message: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Edge(usize),
    Report(usize),
}

/// What a dying kernel reported in its dump: where the record stands, and when it was.
struct Death {
    at: usize,
    time: Time,
}

/// A break that one file shows.
struct Known {
    start: Time,
    id: Option<Name>,
}

/// Adds the ends and beginnings of boots that two ends of logs make together.
pub(crate) fn join(
    edges: Vec<(Record, Stamp)>,
    stamped: &mut Vec<(Record, Stamp)>,
    members: &[Member],
    seen: &[Seen],
    gaps: &[Gap],
) {
    let place = |it: &Record| match it {
        Record::Event(event) => (event.quote.span.member, event.quote.span.start),
        Record::Fact(fact, _) => fact.quotes.first().map_or((MemberId(0), 0), |it| (it.span.member, it.span.start)),
        Record::Series(series) => (series.member, series.start),
    };
    let mut made = Vec::new();
    for Mark { of, row, message } in marks(&edges, stamped, members, seen, gaps) {
        let (record, stamp) = match of {
            Of::Edge(at) => (edges[at].0.clone(), edges[at].1),
            Of::Report(at) => (stamped[at].0.clone(), stamped[at].1),
        };
        if let Record::Event(mut event) = record {
            (event.row, event.message) = (Some(row), message.into());
            made.push((Record::Event(event), stamp));
        }
    }
    for (record, stamp) in made {
        // records stand in the order of their places
        let own = place(&record);
        let behind = stamped.partition_point(|it| place(&it.0) <= own);
        stamped.insert(behind, (record, stamp));
    }
}

fn is(row: Option<&Row>, relation: &'static crate::Relation) -> bool {
    row.is_some_and(|it| it.relation == relation)
}

fn marks(
    edges: &[(Record, Stamp)],
    stamped: &[(Record, Stamp)],
    members: &[Member],
    seen: &[Seen],
    gaps: &[Gap],
) -> Vec<Mark> {
    let turned = gaps.iter().filter(|it| it.kind == GapKind::Turned);
    let turned: BTreeSet<(MemberId, &Name)> = turned.filter_map(|it| Some((it.member, it.node.as_ref()?))).collect();
    let machine = |it: &&Seen| matches!(it.source, crate::Source::Kernel | crate::Source::System);
    let torn = seen.iter().filter(machine).filter(|it| it.incomplete.is_some());
    let torn: BTreeSet<(MemberId, &Name)> = torn.filter_map(|it| Some((it.member, it.node.as_ref()?))).collect();
    let mut firsts: BTreeMap<&Name, Vec<Edge<'_>>> = BTreeMap::new();
    let mut lasts: BTreeMap<&Name, Vec<Edge<'_>>> = BTreeMap::new();
    for (at, (record, _)) in edges.iter().enumerate() {
        let Record::Event(event) = record else { continue };
        let (Some(row), Some(node)) = (&event.row, &event.node) else { continue };
        let id = event.quote.span.member;
        let Some(member) = members.get(id.0 as usize) else { continue };
        if !event.at.is_known() {
            continue;
        }
        // several logs in a row: its ends are not its first and last record
        if turned.contains(&(id, node)) {
            continue;
        }
        let (folder, series) = (collection(&member.path), Series::of(&member.path));
        let edge = Edge { at, member: id, time: event.at, row, folder, series };
        let side = if row.get("side").same(&Value::from("first")) { &mut firsts } else { &mut lasts };
        side.entry(node).or_default().push(edge);
    }
    let known = known(stamped);
    let deaths = deaths(stamped, members);
    let mut marks = Vec::new();
    for (node, mut firsts) in firsts {
        let lasts = lasts.get(node).map_or(&[][..], Vec::as_slice);
        // a log that begins anywhere begins no boot
        firsts.retain(|it| it.text("marker").is_some() || it.offset().is_some() || it.text("boot_id").is_some());
        if firsts.len() > MOST || lasts.len() > MOST {
            continue;
        }
        firsts.sort_by_key(|it| (it.time.nominal, it.member));
        let mut taken: Vec<Of> = Vec::new();
        let beginnings = beginnings(&firsts);
        let shown = beginnings.iter().map(Beginning::best).filter(|it| it.text("marker").is_some());
        let shown: Vec<Time> = shown.map(|it| it.time).collect();
        for beginning in &beginnings {
            let of_node = known.get(node).map_or(&[][..], Vec::as_slice);
            let told = |it: &Known| {
                let one = it.id.is_some() && it.id == beginning.id();
                one || beginning.edges.iter().any(|edge| secs(it.start, edge.time).abs() <= SAME_BOOT_SECS)
            };
            if of_node.iter().any(told) {
                continue;
            }
            // what ended before a boot began that lies between is another boot's end
            let start = beginning.best().time.nominal.lo;
            let told = of_node.iter().map(|it| it.start).filter(|it| it.is_known());
            let since = told.chain(shown.iter().copied()).map(|it| it.nominal.lo).filter(|it| *it < start).max();
            let after = |it: &Time| since.is_none_or(|since| since <= it.nominal.hi);
            let ended = ending(beginning, lasts.iter().filter(|it| after(&it.time)), node, &torn);
            let deaths = deaths.get(node).into_iter().flatten().filter(|it| after(&it.time));
            let died = deaths.filter(|it| it.is_before(&beginning.best().time)).max_by_key(|it| it.time.nominal);
            let (of, row) = match (ended, died) {
                (Some((end, orderly)), died) => {
                    let same = |it: &&Death| secs(end.time, it.time) >= -SAME_END_SECS;
                    let orderly = match orderly {
                        Value::Nothing if died.filter(same).is_some() => Value::Flag(false),
                        other => other,
                    };
                    (Of::Edge(end.at), end_row(end.row.get("boot_id").clone(), orderly, end.text("text")))
                }
                (None, Some(Death { at, .. })) if beginning.best().text("marker").is_some() => {
                    let Record::Event(report) = &stamped[*at].0 else { continue };
                    let last = report.message.lines().next().map(Name::from);
                    (Of::Report(*at), end_row(Value::Nothing, Value::Flag(false), last))
                }
                _ => continue,
            };
            if taken.contains(&of) {
                continue;
            }
            taken.push(of);
            marks.push(Mark { of, row, message: "the last record of a boot" });
            marks.push(start_mark(beginning));
        }
    }
    marks
}

impl Death {
    /// Whether a boot may follow it, by what both clocks know.
    fn is_before(&self, start: &Time) -> bool {
        let longest = (start.full.hi - self.time.full.lo).num_seconds();
        self.time.before(start) != Truth::False && secs(self.time, *start) >= 0 && longest <= NEAR_SECS
    }
}

/// The last that each dump of a dying kernel reports, by node. A record of pstore may be of a bug that the kernel survived.
fn deaths<'r>(stamped: &'r [(Record, Stamp)], members: &[Member]) -> BTreeMap<&'r Name, Vec<Death>> {
    let mut found: BTreeMap<&Name, BTreeMap<MemberId, Death>> = BTreeMap::new();
    for (at, (record, _)) in stamped.iter().enumerate() {
        let Record::Event(event) = record else { continue };
        let Some(node) = event.node.as_ref().filter(|_| is(event.row.as_ref(), &relation::KERNEL_REPORT)) else {
            continue;
        };
        let id = event.quote.span.member;
        let fatal = match members.get(id.0 as usize).and_then(|it| it.format) {
            Some("vmcore-dmesg") => true,
            Some("pstore") => event.row.as_ref().is_some_and(|it| it.get("kind").same(&Value::from("panic"))),
            _ => false,
        };
        if fatal && event.at.is_known() {
            found.entry(node).or_default().insert(id, Death { at, time: event.at });
        }
    }
    found.into_iter().map(|(node, dumps)| (node, dumps.into_values().collect())).collect()
}

/// The beginnings of boots, several files of one put together.
fn beginnings<'e, 'r>(firsts: &'e [Edge<'r>]) -> Vec<Beginning<'e, 'r>> {
    let mut found: Vec<Beginning<'e, 'r>> = Vec::new();
    let (shown, others): (Vec<&Edge<'_>>, Vec<&Edge<'_>>) = firsts.iter().partition(|it| it.text("marker").is_some());
    for edge in shown.into_iter().chain(others) {
        match found.iter_mut().find(|it| it.takes(edge)) {
            Some(of) => of.edges.push(edge),
            None => found.push(Beginning { edges: vec![edge] }),
        }
    }
    found.sort_by_key(|it| it.best().time.nominal);
    found
}

/// The end of the boot before, and whether it was in order.
fn ending<'e, 'r: 'e>(
    beginning: &Beginning<'_, '_>,
    lasts: impl Iterator<Item = &'e Edge<'r>>,
    node: &Name,
    torn: &BTreeSet<(MemberId, &Name)>,
) -> Option<(&'e Edge<'r>, Value)> {
    let start = beginning.best();
    let id = beginning.id();
    let mut before: Vec<(&'e Edge<'r>, Option<Reach>)> = Vec::new();
    for last in lasts {
        let own = beginning.edges.iter().any(|it| it.member == last.member);
        let one_boot = id.is_some() && last.text("boot_id") == id;
        let later = last.time.before(&start.time) == Truth::False || last.time.nominal.lo > start.time.nominal.hi;
        if own || one_boot || later || last.flag("cut") {
            continue;
        }
        let reach = beginning.edges.iter().filter_map(|it| reach(last, it)).max();
        if reach.is_some() || last.flag("machine") {
            before.push((last, reach));
        }
    }
    let (end, _) = *before.iter().max_by_key(|(it, reach)| (it.time.nominal.hi, reach.is_some(), it.member))?;
    let gap = secs(end.time, start.time);
    before.retain(|(it, _)| secs(it.time, end.time).abs() <= SAME_END_SECS);
    let adjacent = |it: &(&Edge<'_>, Option<Reach>)| it.1.is_some_and(|reach| gap <= reach.secs());
    let follows = before.iter().any(adjacent);
    if !follows && gap > NEAR_SECS {
        return None;
    }
    if start.text("marker").is_none() {
        // it may begin in the middle of its boot
        let ids = id.is_some() && end.text("boot_id").is_some();
        let others = ids || before.iter().any(|it| it.1 == Some(Reach::OtherBoot));
        if start.flag("cut") || gap > NEAR_SECS || !others {
            return None;
        }
    }
    let says = |it: &Edge<'_>, wanted: bool| *it.row.get("orderly") == Value::Flag(wanted);
    let whole = |it: &Edge<'_>| !torn.contains(&(it.member, node));
    let orderly = if before.iter().any(|it| says(it.0, true)) {
        Value::Flag(true)
    } else if before.iter().any(|it| adjacent(it) && says(it.0, false) && whole(it.0)) {
        Value::Flag(false)
    } else {
        Value::Nothing
    };
    Some((end, orderly))
}

/// How it is known that one log goes on where another ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Files of one rotation, one of which may be missing between them.
    Dated,
    /// Numbered ones, or records whose numbers go on.
    Next,
    /// Two boots that follow each other.
    OtherBoot,
}

impl Reach {
    /// How long after the end of the one the other may begin.
    fn secs(self) -> i64 {
        match self {
            Reach::Dated => DATED_SECS,
            Reach::Next | Reach::OtherBoot => i64::MAX,
        }
    }
}

/// Whether two ends belong together, where something says so.
fn reach(last: &Edge<'_>, first: &Edge<'_>) -> Option<Reach> {
    if last.folder == first.folder
        && let Some(before) = last.offset()
    {
        // the one before this boot, and a log that begins with a boot and names none
        let after = first.offset().or(first.text("marker").is_some().then_some(0));
        if after == before.checked_add(1) {
            return Some(Reach::OtherBoot);
        }
    }
    if let (Some(a), Some(b)) = (last.number("sequence"), first.number("sequence"))
        && a == b
        && a != 0
        && let (Some(before), Some(after)) = (last.number("number"), first.number("number"))
    {
        return (1..=GOES_ON).contains(&after.saturating_sub(before)).then_some(Reach::Next);
    }
    last.series.reach(&first.series)
}

fn end_row(id: Value, orderly: Value, last: Option<Name>) -> Row {
    let last = Value::Text(last.unwrap_or_else(|| "".into()));
    Row::new(&relation::BOOT_END).with("boot_id", id).with("orderly", orderly).with("last", last)
}

fn start_mark(beginning: &Beginning<'_, '_>) -> Mark {
    let start = beginning.best();
    let id = beginning.id();
    let marker = match (start.text("marker"), &id, start.offset()) {
        (Some(marker), ..) => marker,
        (None, Some(id), _) => format!("_BOOT_ID={id}").into(),
        (None, None, offset) => format!("journalctl -b {}", offset.unwrap_or(0)).into(),
    };
    let row = Row::new(&relation::BOOT_START)
        .with("boot_id", id.map_or(Value::Nothing, Value::Text))
        .with("marker", Value::Text(marker));
    Mark { of: Of::Edge(start.at), row, message: "the first record of a boot" }
}

/// The breaks that one file shows, by node: a beginning next to an end.
fn known(stamped: &[(Record, Stamp)]) -> BTreeMap<&Name, Vec<Known>> {
    let mut found: BTreeMap<&Name, Vec<Known>> = BTreeMap::new();
    let mut last: BTreeMap<(&Name, MemberId), (bool, Time, Option<Name>)> = BTreeMap::new();
    for (record, _) in stamped {
        let Record::Event(event) = record else { continue };
        let (Some(row), Some(node)) = (&event.row, &event.node) else { continue };
        let starts = is(Some(row), &relation::BOOT_START);
        if !starts && !is(Some(row), &relation::BOOT_END) {
            continue;
        }
        let id = crate::build::text(row.get("boot_id"));
        let before = last.insert((node, event.quote.span.member), (starts, event.at, id.clone()));
        // newest first, the end stands behind the beginning
        match before {
            Some((false, ..)) if starts => found.entry(node).or_default().push(Known { start: event.at, id }),
            Some((true, start, id)) if !starts => found.entry(node).or_default().push(Known { start, id }),
            _ => {}
        }
    }
    found
}

/// Seconds from one time to another, as they are most likely.
fn secs(from: Time, to: Time) -> i64 {
    if !from.is_known() || !to.is_known() {
        return i64::MAX;
    }
    (to.nominal.lo - from.nominal.lo).num_seconds()
}

/// What a member was collected with: numbers of boots are counted from one instant there.
fn collection(path: &str) -> &str {
    let archive = path.rfind("!/").map_or(0, |it| it + 2);
    let top = path[archive..].find('/').map_or(0, |it| it + 1);
    &path[..archive + top]
}

/// Where a file stands among the rotated ones of a log.
struct Series<'p> {
    stem: &'p str,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// `messages`: the one that is written.
    Current,
    /// `messages.2`: so many rotations ago.
    Rotated(u32),
    /// `messages-20250610`, `system@000…-0….journal`
    Dated,
}

impl<'p> Series<'p> {
    fn of(path: &'p str) -> Series<'p> {
        let ends = [".gz", ".xz", ".zst", ".bz2", "~"];
        let path = ends.iter().fold(path, |path, end| path.strip_suffix(end).unwrap_or(path));
        if let Some(stem) = path.strip_suffix(".journal") {
            // user-1000@….journal is another log
            return match stem.rsplit_once('@') {
                Some((stem, _)) if !stem.ends_with('/') => Series { stem, place: Place::Dated },
                _ => Series { stem, place: Place::Current },
            };
        }
        let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        if let Some((stem, number)) = path.rsplit_once('.')
            && digits(number)
            && number.len() <= 3
        {
            return Series { stem, place: Place::Rotated(number.parse().unwrap_or(u32::MAX)) };
        }
        let date = |it: &str| {
            it.len() >= 8
                && it.len() <= 16
                && it.starts_with("20")
                && it.bytes().all(|it| it.is_ascii_digit() || it == b'-')
        };
        if let Some(at) = path.find("-20").filter(|at| date(&path[at + 1..])) {
            return Series { stem: &path[..at], place: Place::Dated };
        }
        Series { stem: path, place: Place::Current }
    }

    /// Whether another file of the rotation is the next.
    fn reach(&self, next: &Series<'_>) -> Option<Reach> {
        if self.stem != next.stem {
            return None;
        }
        match (self.place, next.place) {
            (Place::Rotated(1), Place::Current) => Some(Reach::Next),
            (Place::Rotated(a), Place::Rotated(b)) if b.checked_add(1) == Some(a) => Some(Reach::Next),
            (Place::Dated, Place::Current | Place::Dated | Place::Rotated(1)) => Some(Reach::Dated),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "seams_tests.rs"]
mod tests;
