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

use timeline::{Event, MemberRecords, Name, Quote, Record, Row, Source, Time, Value, relation};

use super::boots::{End, Opening, Spoken};
use super::{Log, Said, WHOLE_JOURNAL, notice};

/// Entries before the end of a boot in which a shutdown would be announced.
pub(super) const SHUTDOWN_ENTRIES: u64 = 200;
/// Entries after a marker in which `Linux version` belongs to that marker.
const SAME_BOOT_ENTRIES: u64 = 500;
/// Entries after `Linux version` in which a second one is the same line on another road.
const ECHO_ENTRIES: u64 = 50;
/// Boot ids that are remembered, to tell a new boot from interleaved ones.
const BOOTS: usize = 1024;
/// What the events are called that the log makes of itself.
const FIRST: &str = "the first record of a boot";
const LAST: &str = "the last record of a boot";

/// How a boot shows.
struct Sign {
    quote: Quote,
    text: String,
    id: Option<Name>,
}

impl Log {
    /// Notices the ends and beginnings of boots; called for every entry, before it counts.
    pub(super) fn follow_boots(&mut self, said: &Said<'_>, id: Option<&str>, out: &mut MemberRecords) {
        let Said { voice, pid, message, stamp, line } = *said;
        let host = self.voices[voice].host;
        if let Some((quote, id)) = self.marker.take() {
            let text = quote.text.to_string();
            // the marker stands between two lines of one machine, even where its name changed while it booted
            let before = self.last_host;
            self.boot_break(before, Sign { quote, text, id }, true, said, out);
        }
        if let Some(id) = id {
            self.follow_boot_id(id, said, out);
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
                self.boot_break(Some(host), sign, false, said, out);
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
        boots.last.set(said);
        if boots.pending.is_some() {
            self.end_pending(host, false, out);
        }
    }

    fn follow_boot_id(&mut self, id: &str, said: &Said<'_>, out: &mut MemberRecords) {
        let host = self.voices[said.voice].host;
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
            let (quote, text) = (self.origin.quote(said.line), format!("_BOOT_ID={id}"));
            let sign = Sign { quote, text, id: Some(name.clone()) };
            self.boot_break(Some(host), sign, true, said, out);
        }
        self.hosts[host].boots.id = Some(name);
    }

    /// One boot has ended before this entry and another begins with it; newest first, the other way round.
    fn boot_break(
        &mut self,
        before: Option<usize>,
        sign: Sign,
        marked: bool,
        said: &Said<'_>,
        out: &mut MemberRecords,
    ) {
        let Said { voice, pid, message, stamp, line } = *said;
        let by = Spoken { voice, pid, stamp: *stamp };
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
            self.boot_event(by, row, FIRST, sign.quote, out);
            self.begin(host, host, sign.id, marked);
            self.hosts[host].boots.began = Some((line.number, *stamp));
            return;
        };
        if reverse {
            let boots = &self.hosts[before].boots;
            let (row, last) = (start(boots.id.as_ref()), boots.last.spoken());
            self.boot_event(last, row, FIRST, sign.quote, out);
            let end = End {
                until: self.hosts[host].boots.entries + 1 + SHUTDOWN_ENTRIES,
                id: sign.id.clone(),
                quote: self.origin.quote(line),
                message: message.chars().take(2000).collect(),
                by,
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
        self.boot_event(last.spoken(), row, LAST, place, out);
        let row = start(sign.id.as_ref());
        self.boot_event(by, row, FIRST, sign.quote, out);
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
        self.boot_event(end.by, row, LAST, end.quote, out);
    }

    /// The message says what the record is, not what it quotes: no signal may see the same line twice.
    fn boot_event(&self, by: Spoken, row: Row, message: &str, quote: Quote, out: &mut MemberRecords) {
        out.records.push(Record::Event(Box::new(self.own_event(by, row, message, quote))));
    }

    /// What the log says of itself, not one of its lines.
    pub(super) fn own_event(&self, by: Spoken, row: Row, message: &str, quote: Quote) -> Event {
        let Spoken { voice, pid, stamp } = by;
        let voice = &self.voices[voice];
        let source = if voice.source == Source::Kernel { Source::Kernel } else { Source::System };
        Event {
            stamp,
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
