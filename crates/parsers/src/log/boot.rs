//! Where a boot ends and the next begins, and what ties the kernel's clock to wall time meanwhile.
//!
//! ```text
//! Jun 14 13:14:38 node-a kernel: kernel BUG at include/linux/fs.h:2582!     the last record of a boot
//! -- Reboot --                                                             the journal's marker
//! Jun 14 13:15:06 node-a systemd-journald[623]: Runtime journal is 8.0M    the first record of the next
//! ```
//!
//! A carrier without markers shows a boot by the kernel's first line, a structured one by a new boot id. Whether a boot
//! ended in order is told by the lines before its end: false only where the log would have shown them.

use timeline::{Carrier, Event, MemberRecords, Name, Quote, Record, Row, Source, Stamp, Time, Value, relation};

use super::kept::Kept;
use super::{Log, WHOLE_JOURNAL, notice, quote};
use crate::{Line, Origin};

/// Entries before the end of a boot in which a shutdown would be announced.
pub(super) const SHUTDOWN_ENTRIES: u64 = 200;
/// Entries after a marker in which `Linux version` belongs to that marker.
const SAME_BOOT_ENTRIES: u64 = 500;
/// Entries after `Linux version` in which a second one is the same line on another road.
const ECHO_ENTRIES: u64 = 50;
/// Anchors of one kind are taken at least so far apart, further apart the longer a boot lasts, and so many at most.
const ANCHOR_MICROS: u64 = 60_000_000;
const ANCHORS_A_DOUBLING: u64 = 64;
const ANCHORS: u32 = 4096;
/// Boot ids that are remembered, to tell a new boot from interleaved ones.
const BOOTS: usize = 1024;

/// The boots of one host.
#[derive(Default)]
pub(super) struct Boots {
    entries: u64,
    since_start: u64,
    /// Entries of journald and rsyslogd at the end so far, by which the next boot may have begun.
    prelude: u64,
    shutdown: Option<u64>,
    /// The first one in the file.
    first_shutdown: Option<u64>,
    /// A program has spoken that would tell of a shutdown.
    attended: bool,
    /// journald has spoken: this is no log of one unit.
    journald: bool,
    marked: bool,
    version: bool,
    id: Option<Name>,
    known: Vec<Name>,
    /// How many breaks between boots the file shows.
    breaks: u32,
    last: Last,
    /// How often everything of the host was closed: at the end of each boot.
    ended: u64,
    /// Newest first: the end of the older boot waits for the lines before it.
    pending: Option<End>,
    /// The first line of the boot and its stamp, where the file shows its beginning.
    began: Option<(u32, Stamp)>,
    /// Where the oldest boot begins, if its beginning is there.
    opening: Option<Box<Opening>>,
    recoveries: u8,
    anchors: u32,
    last_anchor: Option<u64>,
    envelope: Option<Envelope>,
}

/// The last entry; its buffers are used again.
#[derive(Default)]
struct Last {
    kept: Kept,
    stamp: Stamp,
    voice: usize,
    pid: Option<u32>,
}

struct End {
    until: u64,
    id: Option<Name>,
    quote: Quote,
    message: String,
    stamp: Stamp,
    voice: usize,
    pid: Option<u32>,
}

/// The earliest wall time seen for the kernel's clock: reception is late, never early.
#[derive(Default)]
struct Envelope {
    offset: i64,
    micros: u64,
    epoch_micros: i64,
    line: String,
    start: u64,
    number: u32,
}

/// The kernel's first line in a file whose first record it is, or in one that runs backwards its last.
pub(super) struct Opening {
    pub(super) voice: usize,
    pub(super) stamp: Stamp,
    pub(super) quote: Quote,
    pub(super) text: String,
    /// How many entries stand before it.
    pub(super) entries: u64,
}

/// How a boot shows.
struct Sign {
    quote: Quote,
    text: String,
    id: Option<Name>,
}

pub(super) fn anchor(micros: u64, epoch_micros: i64, error_micros: i64, how: &str) -> Row {
    Row::new(&relation::ANCHOR)
        .with("micros", i64::try_from(micros).unwrap_or(i64::MAX))
        .with("epoch_micros", epoch_micros)
        .with("error_micros", error_micros)
        .with("how", how)
}

impl Boots {
    /// Whether one more anchor of the kind adds anything.
    pub(super) fn wants_anchor(&mut self, micros: u64, how: &str) -> bool {
        if how == "audit" {
            // a boot of years is measured by no more pairs than one of hours
            let apart = ANCHOR_MICROS.max(micros / ANCHORS_A_DOUBLING);
            let near = self.last_anchor.is_some_and(|it| micros.abs_diff(it) < apart);
            if near || self.anchors >= ANCHORS {
                return false;
            }
            self.last_anchor = Some(micros);
        }
        self.anchors += 1;
        true
    }

    /// How many boots have ended so far.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    /// Nothing that was said before goes on.
    pub(super) fn end(&mut self) {
        self.ended += 1;
    }

    /// Whether this is the id of the boot that goes on.
    pub(super) fn is_in(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// Whether a boot waits for its end.
    pub(super) fn ends(&self) -> bool {
        self.pending.is_some()
    }

    /// Takes an entry that says nothing of boots, of a program that would announce their ends or of any other.
    pub(super) fn pass(
        &mut self,
        voice: usize,
        pid: Option<u32>,
        announces: bool,
        message: &str,
        stamp: &Stamp,
        line: &Line<'_>,
    ) {
        self.attended |= announces;
        self.entries += 1;
        self.since_start += 1;
        self.prelude = 0;
        self.last.kept.set(line, message);
        (self.last.voice, self.last.pid) = (voice, pid);
        self.last.stamp.clone_from(stamp);
    }

    /// Where the last line begins.
    pub(super) fn last_start(&self) -> u64 {
        self.last.kept.start
    }

    /// How long the last line is.
    pub(super) fn last_len(&self) -> usize {
        self.last.kept.line().text.len()
    }

    /// Gives the last line for an older one, whose buffers are used again, and its stamp.
    pub(super) fn swap_last(&mut self, kept: &mut Kept) -> Stamp {
        std::mem::swap(&mut self.last.kept, kept);
        self.last.stamp
    }

    /// Copies the last line, and gives its stamp.
    pub(super) fn copy_last(&mut self, kept: &mut Kept) -> Stamp {
        kept.clone_from(&self.last.kept);
        self.last.stamp
    }

    /// The last line, to be given back, and its stamp.
    pub(super) fn take_last(&mut self) -> (Kept, Stamp) {
        (std::mem::take(&mut self.last.kept), self.last.stamp)
    }

    pub(super) fn give_last(&mut self, last: Kept) {
        self.last.kept = last;
    }

    /// The first line of the boot and its stamp.
    pub(super) fn began(&self) -> Option<(u32, &Stamp)> {
        self.began.as_ref().map(|(line, stamp)| (*line, stamp))
    }

    /// When the boot began, where the file shows its beginning.
    pub(super) fn beginning(&self) -> Option<&Stamp> {
        self.began.as_ref().map(|it| &it.1).or(self.opening.as_deref().filter(|_| self.breaks == 0).map(|it| &it.stamp))
    }

    /// Whether one more repair of this boot is told.
    pub(super) fn tells_recovery(&mut self, most: u8) -> bool {
        self.recoveries = self.recoveries.saturating_add(1);
        self.recoveries <= most
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn breaks(&self) -> u32 {
        self.breaks
    }

    pub(super) fn opening(&self) -> Option<&Opening> {
        self.opening.as_deref()
    }

    pub(super) fn is_attended(&self) -> bool {
        self.attended
    }

    pub(super) fn is_journald(&self) -> bool {
        self.journald
    }

    /// The ids of the first and the last boot in file order, where they are known.
    pub(super) fn ids(&self) -> (Option<&Name>, Option<&Name>) {
        // a boot without an id is not the first of those that have one
        let first = self.known.first().filter(|_| self.breaks == 0 || self.known.len() > self.breaks as usize);
        (first, self.id.as_ref())
    }

    /// The last line and its stamp.
    pub(super) fn bottom(&self, origin: &Origin) -> (Stamp, Quote) {
        (self.last.stamp, origin.quote(&self.last.kept.line()))
    }

    pub(super) fn bottom_voice(&self) -> (usize, Option<u32>) {
        (self.last.voice, self.last.pid)
    }

    pub(super) fn bottom_message(&self) -> &str {
        self.last.kept.message()
    }

    /// Whether a shutdown is seen so shortly before the newest record.
    pub(super) fn shut_down(&self, reverse: bool, entries: u64) -> bool {
        match reverse {
            true => self.first_shutdown.is_some_and(|it| it <= entries),
            false => self.shutdown.is_some_and(|it| self.entries - it <= entries),
        }
    }

    /// Takes a pair of the kernel's clock and wall time of reception.
    pub(super) fn envelope(&mut self, micros: u64, epoch_micros: i64, line: &Line<'_>) {
        let Some(offset) = i64::try_from(micros).ok().and_then(|it| epoch_micros.checked_sub(it)) else { return };
        if self.envelope.as_ref().is_some_and(|it| it.offset <= offset) {
            return;
        }
        let best = self.envelope.get_or_insert_default();
        (best.offset, best.micros, best.epoch_micros) = (offset, micros, epoch_micros);
        best.line.clear();
        best.line.push_str(line.text);
        (best.start, best.number) = (line.start, line.number);
    }

    pub(super) fn take_envelope(&mut self, origin: &Origin, carrier: Carrier) -> Option<(Row, Stamp, Quote)> {
        let best = self.envelope.take()?;
        let how = if carrier == Carrier::Journal { "journal" } else { "reception" };
        let row = anchor(best.micros, best.epoch_micros, 500_000, how);
        let place = quote(origin, &best.line, best.start, best.number);
        Some((row, Stamp::epoch_micros(best.epoch_micros), place))
    }
}

impl Log {
    /// Notices the ends and beginnings of boots; called for every entry, before it counts.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn follow_boots(
        &mut self,
        voice: usize,
        message: &str,
        id: Option<&str>,
        pid: Option<u32>,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let host = self.voices[voice].host;
        if let Some((quote, id)) = self.marker.take() {
            let text = quote.text.to_string();
            // the marker stands between two lines of one machine, even where its name changed while it booted
            let before = self.last_host;
            self.boot_break(before, voice, Sign { quote, text, id }, true, pid, message, stamp, line, out);
        }
        if let Some(id) = id {
            self.follow_boot_id(voice, id, pid, message, stamp, line, out);
        }
        let voice_of = &self.voices[voice];
        if voice_of.kernel
            && let Some(early) = notice::boots(message)
        {
            let boots = &self.hosts[host].boots;
            let same = boots.marked && !boots.version && boots.since_start <= SAME_BOOT_ENTRIES;
            // one kernel line may reach a file on two roads
            let release = message.strip_prefix("Linux version ").and_then(|it| it.split(' ').next());
            let again = release == self.hosts[host].release.as_deref();
            let echo = again && boots.version && boots.since_start <= ECHO_ENTRIES;
            // most early lines stand on either side of the version, by the kernel's age
            let within = early
                && ((boots.marked || boots.version) && boots.since_start <= SAME_BOOT_ENTRIES
                    || self.order.earlier > self.order.later);
            let preceded = boots.entries > boots.prelude;
            if !preceded && boots.opening.is_none() || self.order.newest_first() {
                let (text, entries) = (message.chars().take(200).collect(), boots.entries);
                let opening = Opening { voice, stamp: *stamp, quote: self.origin.quote(line), text, entries };
                self.hosts[host].boots.opening = Some(Box::new(opening));
            }
            if preceded && !same && !within && !echo && !self.order.newest_first() {
                let text = message.chars().take(200).collect();
                let sign = Sign { quote: self.origin.quote(line), text, id: None };
                self.boot_break(Some(host), voice, sign, false, pid, message, stamp, line, out);
            }
            let boots = &mut self.hosts[host].boots;
            boots.marked = boots.marked || early;
            boots.version |= !early;
        }
        self.note_recovery(voice, message, stamp, line, out);
        let voice_of = &self.voices[voice];
        let shutdown = voice_of.attended && notice::is_shutdown(&voice_of.ident, pid, message);
        let (attended, journald) = (voice_of.attended && !voice_of.kernel, notice::is_journald(&voice_of.ident));
        let boots = &mut self.hosts[host].boots;
        boots.entries += 1;
        boots.since_start += 1;
        boots.attended |= attended;
        boots.journald |= journald;
        if shutdown {
            boots.shutdown = Some(boots.entries);
            boots.first_shutdown.get_or_insert(boots.entries);
        }
        if voice_of.attended && notice::is_prelude(&voice_of.ident, message) {
            boots.prelude += 1;
            // where no marker tells, the last entry of the boot before stands in front of these
            if boots.prelude < boots.entries {
                return;
            }
        } else {
            boots.prelude = 0;
        }
        let last = &mut boots.last;
        last.kept.set(line, message);
        (last.voice, last.pid) = (voice, pid);
        last.stamp.clone_from(stamp);
        if boots.pending.is_some() {
            self.end_pending(host, false, out);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn follow_boot_id(
        &mut self,
        voice: usize,
        id: &str,
        pid: Option<u32>,
        message: &str,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let host = self.voices[voice].host;
        let boots = &mut self.hosts[host].boots;
        if boots.id.as_deref() == Some(id) {
            return;
        }
        let known = boots.known.iter().any(|it| it.as_ref() == id);
        let name = Name::from(id);
        if !known && boots.known.len() < BOOTS {
            boots.known.push(name.clone());
        }
        if boots.id.is_some() && !known {
            let sign = Sign { quote: self.origin.quote(line), text: format!("_BOOT_ID={id}"), id: Some(name.clone()) };
            self.boot_break(Some(host), voice, sign, true, pid, message, stamp, line, out);
        }
        self.hosts[host].boots.id = Some(name);
    }

    /// One boot has ended before this entry and another begins with it; newest first, the other way round.
    #[allow(clippy::too_many_arguments)]
    fn boot_break(
        &mut self,
        before: Option<usize>,
        voice: usize,
        sign: Sign,
        marked: bool,
        pid: Option<u32>,
        message: &str,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let host = self.voices[voice].host;
        let reverse = self.order.newest_first();
        self.hosts[host].boots.breaks += 1;
        self.close_all(before, out);
        if let Some(before) = before {
            self.end_of_host(before, out);
        }
        let start = |boot: Option<&Name>| {
            Row::new(&relation::BOOT_START).with("boot_id", boot.cloned()).with("marker", sign.text.as_str())
        };
        let Some(before) = before.filter(|it| self.hosts[*it].boots.entries > 0) else {
            let row = start(sign.id.as_ref());
            self.boot_event(voice, pid, stamp, row, "the first record of a boot", sign.quote, out);
            self.begin(host, host, sign.id, marked);
            self.hosts[host].boots.began = Some((line.number, *stamp));
            return;
        };
        if reverse {
            let boots = &self.hosts[before].boots;
            let (row, last) = (start(boots.id.as_ref()), (boots.last.voice, boots.last.pid, boots.last.stamp));
            self.boot_event(last.0, last.1, &last.2, row, "the first record of a boot", sign.quote, out);
            let end = End {
                until: self.hosts[host].boots.entries + 1 + SHUTDOWN_ENTRIES,
                id: sign.id.clone(),
                quote: self.origin.quote(line),
                message: message.chars().take(2000).collect(),
                stamp: *stamp,
                voice,
                pid,
            };
            self.begin(before, host, sign.id, marked);
            self.hosts[host].boots.pending = Some(end);
            return;
        }
        let boots = &self.hosts[before].boots;
        let seen = boots.shutdown.is_some_and(|it| boots.entries - it <= SHUTDOWN_ENTRIES);
        let orderly = self.orderly(before, seen);
        let boots = &self.hosts[before].boots;
        let last = &boots.last;
        let row = Row::new(&relation::BOOT_END)
            .with("boot_id", boots.id.clone())
            .with("orderly", orderly)
            .with("last", last.kept.message());
        let place = self.origin.quote(&last.kept.line());
        let (of, pid_of, at) = (last.voice, last.pid, last.stamp);
        self.boot_event(of, pid_of, &at, row, "the last record of a boot", place, out);
        let row = start(sign.id.as_ref());
        self.boot_event(voice, pid, stamp, row, "the first record of a boot", sign.quote, out);
        self.begin(before, host, sign.id, marked);
        self.hosts[host].boots.began = Some((line.number, *stamp));
    }

    /// True where a shutdown was announced, false where it would have been and was not.
    pub(super) fn orderly(&self, host: usize, seen: bool) -> Value {
        let host = &self.hosts[host];
        // systemd speaks in the log of each unit, the kernel in `journalctl -k`: only both show the whole machine
        let all = host.boots.journald || host.hears_kernel() && (host.boots.attended || host.names >= WHOLE_JOURNAL);
        if seen || all { Value::Flag(seen) } else { Value::Nothing }
    }

    fn begin(&mut self, before: usize, host: usize, id: Option<Name>, marked: bool) {
        for at in [before, host] {
            let boots = &mut self.hosts[at].boots;
            (boots.since_start, boots.shutdown) = (0, None);
            (boots.attended, boots.journald) = (false, false);
            (boots.marked, boots.version, boots.last_anchor) = (marked, false, None);
            (boots.began, boots.recoveries) = (None, 0);
        }
        let boots = &mut self.hosts[host].boots;
        if let Some(id) = &id
            && !boots.known.contains(id)
            && boots.known.len() < BOOTS
        {
            boots.known.push(id.clone());
        }
        boots.id = id;
    }

    /// Newest first: hands out the end of the older boot once a shutdown was seen, or none can come any more.
    pub(super) fn end_pending(&mut self, host: usize, at_end: bool, out: &mut MemberRecords) {
        let boots = &self.hosts[host].boots;
        let Some(until) = boots.pending.as_ref().map(|it| it.until) else { return };
        let seen = boots.shutdown.is_some();
        if !seen && !at_end && boots.entries < until {
            return;
        }
        let orderly = self.orderly(host, seen);
        let Some(end) = self.hosts[host].boots.pending.take() else { return };
        let row = Row::new(&relation::BOOT_END)
            .with("boot_id", end.id)
            .with("orderly", orderly)
            .with("last", end.message.as_str());
        self.boot_event(end.voice, end.pid, &end.stamp, row, "the last record of a boot", end.quote, out);
    }

    /// The message says what the record is, not what it quotes: no signal may see the same line twice.
    #[allow(clippy::too_many_arguments)]
    fn boot_event(
        &self,
        voice: usize,
        pid: Option<u32>,
        stamp: &Stamp,
        row: Row,
        message: &str,
        quote: Quote,
        out: &mut MemberRecords,
    ) {
        out.records.push(Record::Event(Box::new(self.own_event(voice, pid, stamp, row, message, quote))));
    }

    /// What the log says of itself, not one of its lines.
    pub(super) fn own_event(
        &self,
        voice: usize,
        pid: Option<u32>,
        stamp: &Stamp,
        row: Row,
        message: &str,
        quote: Quote,
    ) -> Event {
        let voice = &self.voices[voice];
        let source = if voice.source == Source::Kernel { Source::Kernel } else { Source::System };
        Event {
            stamp: *stamp,
            inner: None,
            at: Time::UNKNOWN,
            node: self.hosts[voice.host].node.clone(),
            source,
            carrier: self.carrier,
            unit: voice.name.clone(),
            pid,
            severity: None,
            message: message.into(),
            count: 1,
            row: Some(row),
            quote,
        }
    }
}
