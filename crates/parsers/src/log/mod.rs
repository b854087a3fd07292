//! What all logs share, whatever carried them: who speaks, which stamp counts, what is kept, where a boot ends.
//!
//! A carrier (journal text, syslog, `dmesg`, a container's log file) takes a line apart into an [`Entry`] and hands it
//! to the [`Log`], which turns entries into events. A line that no signal wants costs a look and two copies into
//! buffers that are used again; only what is kept is allocated.
//!
//! The log counts every line it is handed ([`Log::entry`], [`Log::continuation`], [`Log::marker`], [`Log::stray`]) in
//! the tally, so a carrier counts only lines it hands to nobody.

mod backwards;
mod boot;
mod boots;
mod clock;
mod crash;
mod edges;
pub(crate) mod fields;
pub(crate) mod head;
pub(crate) mod inner;
mod kept;
mod losses;
mod marks;
mod notice;
mod open;
mod quiet;
mod recovery;
mod scope;
mod silence;
pub(crate) mod speaker;
pub(crate) mod stamp;
mod supervised;
mod told;
mod voices;

use std::borrow::Cow;
use std::collections::HashMap;

use timeline::{
    Carrier, Fact, GapKind, Hole, MemberRecords, Name, Quote, Record, Row, Seen, Severity, Source, Span, Stamp,
};

use crate::kernel::Report;
use crate::{Chunk, Line, Origin};
use inner::Header;
use marks::Marks;
use open::Open;
use quiet::Quiet;
pub(crate) use silence::Number;
use voices::{Host, SeenLines, Voice, seen};

/// One log entry, as its carrier took it apart.
pub(crate) struct Entry<'t> {
    /// Carrier's stamp.
    pub(crate) stamp: Stamp,
    /// Microseconds of the kernel's clock, where the carrier or the line prints them.
    pub(crate) micros: Option<u64>,
    /// Host, where printed.
    pub(crate) host: Option<&'t str>,
    /// `kubelet`, `kernel`, `dockerd`; the container name for container logs.
    pub(crate) ident: Option<Cow<'t, str>>,
    /// systemd unit, where the carrier knows it.
    pub(crate) unit: Option<Cow<'t, str>>,
    /// Process id, where printed.
    pub(crate) pid: Option<u32>,
    /// Severity, where printed.
    pub(crate) severity: Option<Severity>,
    /// The number under which the carrier remembers host and identifier: entries with the same have the same. 0: none.
    pub(crate) speaker: u32,
    /// Boot id, 32 hex digits, where printed.
    pub(crate) boot: Option<&'t str>,
    /// The message without the carrier's prefix; it may have several lines.
    pub(crate) message: Cow<'t, str>,
    /// The line as it stands (of a multi-line record: the line to quote).
    pub(crate) line: Line<'t>,
}

/// What of an entry its boot is told by: who said what, and where it stands.
#[derive(Clone, Copy)]
struct Said<'s> {
    voice: usize,
    pid: Option<u32>,
    /// The first line of the message, without the kernel's clock.
    message: &'s str,
    stamp: &'s Stamp,
    line: &'s Line<'s>,
}

/// A line of a carrier that is no entry but says something about the entries around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker<'t> {
    /// `-- Reboot --`
    Reboot,
    /// `-- Boot 9a7be1c2d3f44a5b8c6d7e8f90a1b2c3 --`: the boot of the entries that follow.
    Boot(&'t str),
    /// `-- No entries --`
    NoEntries,
}

/// Entries that may still grow, at most; the one longest untouched is closed for the next.
const OPEN: usize = 32;
/// Hosts and names are counted apart up to here; a file with more of them is no log.
const HOSTS: usize = 4096;
const VOICES: usize = 8192;
/// Changes of the month that are remembered; a file with more of them is in no order.
const MONTHS: usize = 4096;
const SLOTS: usize = 64;
/// Stretches without lines that are told one by one.
const HOLES: usize = 32;
/// Flags a kubelet prints at its start that are kept, of all its starts.
const FLAGS: usize = 2000;
/// An unfiltered journal of a machine shows at least so many programs.
const WHOLE_JOURNAL: u32 = 3;

/// Turns the entries of one member into events.
pub(crate) struct Log {
    origin: Origin,
    carrier: Carrier,
    hosts: Vec<Host>,
    host_names: HashMap<Box<str>, usize>,
    voices: Vec<Voice>,
    voice_names: HashMap<Box<str>, usize>,
    /// Voices that spoke last, by [`voices::slot`].
    recent: [usize; SLOTS],
    /// Voices by the last digits of the numbers under which their carrier remembers them.
    speakers: [(u32, usize); SLOTS],
    /// The key last looked up.
    key: String,
    open: Vec<Open>,
    marks: Marks,
    quiet: Quiet,
    current: Current,
    last_host: Option<usize>,
    entries: u64,
    marker: Option<(Quote, Option<Name>)>,
    /// Names that a machine had from its image until its system set the true one.
    renames: Vec<(Name, Name)>,
    /// Facts that wait for the first entry, because it names the node.
    stated: Vec<(Row, Stamp, Quote)>,
    order: Order,
    /// Where the month changed, of stamps without a year.
    months: Vec<(u64, Stamp)>,
    no_entries: bool,
    limited: Option<String>,
    done: Vec<Report>,
    /// Where lines begin that turned out to be part of a report, in a file that runs backwards.
    parts: Vec<u64>,
    /// Bytes of lines that may still be kept of such a file.
    backwards_room: usize,
    stated_flags: usize,
    /// Both clocks of the reception of the next entry.
    received: Option<(i64, i64)>,
    klog_stamps: inner::KlogStamps,
    /// The number of the next entry.
    number: Option<Number>,
    /// Before the next entry others stood that cannot be read: why.
    torn: Option<String>,
}

/// Where a continuation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Current {
    Nothing,
    Open(usize),
    /// Into the entry that passed by, which is opened then.
    Quiet,
    /// Into the kernel's report on this host.
    Report(usize),
}

/// Whether the file runs forwards.
#[derive(Default)]
struct Order {
    later: u32,
    earlier: u32,
}

impl Order {
    fn note(&mut self, before: &Stamp, now: &Stamp) {
        let order = match (before, now) {
            (Stamp::Exact { at: a, .. }, Stamp::Exact { at: b, .. }) => a.cmp(b),
            (Stamp::Zoneless { local: a, .. }, Stamp::Zoneless { local: b, .. }) => a.cmp(b),
            (Stamp::Yearless { month: a, day: b, time: c, .. }, Stamp::Yearless { month: d, day: e, time: f, .. }) => {
                (a, b, c).cmp(&(d, e, f))
            }
            (Stamp::Monotonic { micros: a }, Stamp::Monotonic { micros: b }) => a.cmp(b),
            _ => return,
        };
        self.count(order);
    }

    /// Takes how the stamp of a line stands to that of the next.
    fn count(&mut self, order: std::cmp::Ordering) {
        match order {
            std::cmp::Ordering::Less => self.later = self.later.saturating_add(1),
            std::cmp::Ordering::Greater => self.earlier = self.earlier.saturating_add(1),
            std::cmp::Ordering::Equal => {}
        }
    }

    fn newest_first(&self) -> bool {
        self.earlier >= 2 && self.earlier > 4 * self.later
    }
}

impl Log {
    pub(crate) fn new(origin: &Origin, carrier: Carrier) -> Log {
        Log {
            origin: origin.clone(),
            carrier,
            hosts: Vec::new(),
            host_names: HashMap::new(),
            voices: Vec::new(),
            voice_names: HashMap::new(),
            recent: [usize::MAX; SLOTS],
            speakers: [(0, 0); SLOTS],
            key: String::new(),
            open: Vec::new(),
            marks: Marks::default(),
            quiet: Quiet::default(),
            current: Current::Nothing,
            last_host: None,
            entries: 0,
            marker: None,
            renames: Vec::new(),
            stated: Vec::new(),
            order: Order::default(),
            months: Vec::new(),
            no_entries: false,
            limited: None,
            done: Vec::new(),
            parts: Vec::new(),
            backwards_room: origin.hold_bytes,
            stated_flags: 0,
            received: None,
            klog_stamps: inner::KlogStamps::default(),
            number: None,
            torn: None,
        }
    }

    /// Looks through a chunk for what is wanted, before its lines come: for carriers whose bytes are mostly messages.
    pub(crate) fn chunk(&mut self, chunk: &Chunk<'_>) {
        self.marks.chunk(chunk, &*self.origin.watch);
    }

    /// Takes the next entry, in file order.
    pub(crate) fn entry(&mut self, mut entry: Entry<'_>, out: &mut MemberRecords) {
        out.tally.lines += 1;
        out.tally.understood += 1;
        self.entries += 1;
        if entry.message.starts_with("time=\"") {
            supervised::unwrap(&mut entry, self.carrier);
        }
        let voice = self.voice(&entry);
        if !self.pass_by(voice, &entry, out) {
            self.look_at(voice, entry, out);
        }
    }

    /// Takes an entry that may say something. Apart from the many that do not, whose way is short.
    #[inline(never)]
    fn look_at(&mut self, voice: usize, entry: Entry<'_>, out: &mut MemberRecords) {
        let host = self.voices[voice].host;
        let mut message: &str = &entry.message;
        if self.may_continue(message) || entry.ident.is_none() {
            self.recall(out);
        }
        self.follow(voice, &entry, out);
        if entry.ident.is_none()
            && let Some(more) = notice::repeated_last(message)
        {
            self.see(voice, None, &entry.stamp, &entry.line);
            if let Current::Open(at) = self.current
                && self.voices[self.open[at].voice].host == host
            {
                self.open[at].count = self.open[at].count.saturating_add(more);
            }
            return;
        }
        let mut count = 1;
        if message.starts_with("message repeated ")
            && let Some((more, inner)) = notice::repeated(message)
        {
            (count, message) = (more, inner);
        }
        let kernel = self.voices[voice].kernel;
        let (micros, caller, message) = match kernel {
            true => notice::bare(message, entry.micros),
            false => (entry.micros, None, message),
        };
        let header = if kernel { Header::None } else { inner::header(message) };
        let carried = !matches!(entry.stamp, Stamp::None | Stamp::Exact { .. });
        let (stamp, own_stamp) = match (entry.stamp, micros) {
            (Stamp::None, Some(micros)) if kernel => (Stamp::Monotonic { micros }, false),
            (Stamp::None, _) if header != Header::None => {
                (self.klog_stamps.read(message, header).unwrap_or_default(), true)
            }
            (stamp, _) => (stamp, false),
        };
        if !self.stated.is_empty() {
            self.state(host, out);
        }
        let line = entry.line;
        let (head, rest) = if kept::stands_in(message, line.text) {
            (message, "")
        } else {
            message.split_once('\n').unwrap_or((message, ""))
        };
        let said = Said { voice, pid: entry.pid, message: head, stamp: &stamp, line: &line };
        self.follow_boots(&said, entry.boot, out);
        if self.received.is_some() {
            self.follow_clock(host, entry.boot, &stamp, &line, out);
        }
        if self.voices[voice].timekeeper {
            let ident = self.voices[voice].ident.clone();
            if let Some(by_secs) = clock::stepped(&ident, head) {
                self.told_step(host, by_secs, &ident, &stamp, &line, out);
            } else if let Some(ahead_secs) = clock::ahead_of_peer(&ident, head) {
                self.told_peer(host, ahead_secs, &stamp, &line, out);
            }
        }
        let docker_kubelet =
            self.voices[voice].docker && matches!(header, Header::Klog(_)) && speaker::is_kubelet_file(head);
        let device = self.carrier == Carrier::Syslog && speaker::is_device(&self.voices[voice].ident, head);
        let source = match (docker_kubelet, device) {
            (true, _) => Some(Source::Kubelet),
            (_, true) => Some(Source::NetworkDevice),
            _ => None,
        };
        if carried && matches!(header, Header::Logrus | Header::Json) && self.hosts[host].clock.wants_zone() {
            self.tell_zone(host, message, header, &stamp, &line, out);
        }
        if self.number.is_some() || self.torn.is_some() {
            self.note_loss(host, &stamp, &line);
        }
        if kernel || self.voices[voice].attended {
            self.told_losses(voice, head, &stamp, &line, out);
        }
        self.see(voice, source, &stamp, &line);
        if header == Header::Klog(b'I') && self.stated_flags < FLAGS && inner::tells_flags(head) {
            self.flag(voice, head, &stamp, &line, out);
        }
        if kernel || self.voices[voice].attended {
            self.attend(voice, head, micros, &stamp, &line, out);
        }
        if kernel && self.kernel(host, head, micros, caller, &stamp, &line, out) {
            for text in rest.split('\n').filter(|_| !rest.is_empty()) {
                self.kernel(host, text, micros, caller, &stamp, &line, out);
            }
            self.settle(None, out);
            self.current = Current::Report(host);
            return;
        }
        let source = source.unwrap_or(self.voices[voice].source);
        let severity = entry.severity;
        // only files of one program have lines without a stamp
        let before = if stamp.is_none() { self.hosts[host].last } else { Stamp::None };
        let fresh = open::Fresh { voice, source, pid: entry.pid, severity, count, header, stamp, own_stamp, before };
        if rest.is_empty() && self.stays_closed(&fresh, head, &line, out) {
            self.settle(None, out);
            self.current = Current::Quiet;
            return;
        }
        let at = self.put(fresh, head, &line, out);
        self.current = Current::Open(at);
        if !rest.is_empty() {
            for text in rest.strip_suffix('\n').unwrap_or(rest).split('\n') {
                self.grow(at, &line, text);
            }
        }
    }

    /// Takes a line that belongs to the entry before it; `text` is the line without its indentation.
    pub(crate) fn continuation(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        if !line.text.trim().is_empty() {
            out.tally.lines += 1;
            out.tally.understood += 1;
        }
        self.more(line, text, out);
    }

    /// Takes a line whose shape says nothing; it may belong to the entry before it.
    pub(crate) fn stray(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        if line.text.trim().is_empty() {
            return;
        }
        out.tally.lines += 1;
        out.tally.odd_bytes += line.text.len() as u64;
        self.more(line, line.text, out);
    }

    fn more(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        self.recall(out);
        match self.current {
            Current::Open(at) => self.grow(at, &line, text),
            Current::Report(host) => {
                let stamp = self.hosts[host].last;
                self.kernel(host, text, None, None, &stamp, &line, out);
            }
            Current::Nothing | Current::Quiet => {}
        }
    }

    /// Takes a line that speaks about its neighbours.
    pub(crate) fn marker(&mut self, marker: Marker<'_>, line: Line<'_>, out: &mut MemberRecords) {
        out.tally.lines += 1;
        out.tally.understood += 1;
        match marker {
            Marker::Reboot => self.marker = Some((self.origin.quote(&line), None)),
            Marker::Boot(id) => self.marker = Some((self.origin.quote(&line), Some(Name::from(id)))),
            Marker::NoEntries => self.no_entries = true,
        }
    }

    /// Takes a fact about the node whose log this is, which only the entries will name.
    pub(crate) fn state_fact(&mut self, row: Row, stamp: Stamp, quote: Quote) {
        self.stated.push((row, stamp, quote));
    }

    /// The file that is read.
    pub(crate) fn member(&self) -> timeline::MemberId {
        self.origin.member
    }

    /// Says why lines of any source may be missing.
    pub(crate) fn limit(&mut self, why: &str) {
        self.limited.get_or_insert_with(|| why.to_owned());
    }

    /// The number that the carrier gave the next entry.
    pub(crate) fn number(&mut self, number: Number) {
        self.number = Some(number);
    }

    /// Before the next entry others stood that cannot be read.
    pub(crate) fn tear(&mut self, why: &str) {
        self.torn.get_or_insert_with(|| why.to_owned());
    }

    #[inline(never)]
    fn note_loss(&mut self, host: usize, stamp: &Stamp, line: &Line<'_>) {
        let host = &mut self.hosts[host];
        if let Some(number) = self.number.take() {
            host.numbers.note(number, &host.last, stamp, host.span.1, line);
        }
        if let Some(what) = self.torn.take()
            && host.last != Stamp::None
            && host.torn.len() < HOLES
        {
            let (from, to, span) = (host.last, *stamp, (host.span.1, line.start));
            host.torn.push(Hole { kind: GapKind::Unreadable, from, to, span, line: line.number, what });
        }
    }

    /// The member has ended: hands out what was still open and the record of what was seen.
    pub(crate) fn finish(&mut self, out: &mut MemberRecords) {
        self.close_all(None, out);
        for host in 0..self.hosts.len() {
            self.end_of_host(host, out);
        }
        self.without_parts(out);
        if self.no_entries && self.entries == 0 {
            let source = speaker::by_path(&self.origin.path).and_then(speaker::known).unwrap_or(Source::System);
            let incomplete = self.limited.clone();
            let seen = seen(self.origin.node.clone(), source, SeenLines { incomplete, ..SeenLines::default() });
            out.seen.push(Seen { member: self.origin.member, ..seen });
        }
        let stated = std::mem::take(&mut self.stated);
        for (row, stamp, quote) in stated {
            out.records.push(Record::Fact(Box::new(Fact::new(row, self.origin.node.clone(), quote)), stamp));
        }
        out.months.append(&mut self.months);
        self.rename(out);
        self.hand_out_edges(out);
        let newest_first = self.order.newest_first();
        for mut host in std::mem::take(&mut self.hosts) {
            host.last_losses(newest_first);
            let whole = host.is_whole();
            let silent = host.silences.found(&host.last, host.span.1);
            let mut torn = host.torn;
            torn.extend(host.numbers.found());
            for (source, mut lines) in host.seen {
                if whole {
                    (lines.first, lines.last, lines.span) = (host.first, host.last, host.span);
                    lines.holes.extend(silent.iter().cloned());
                }
                silence::add(&mut lines.holes, torn.clone());
                let own = std::mem::take(&mut lines.silences).found(&lines.last, lines.span.1);
                // one stretch is told once
                silence::add(&mut lines.holes, own);
                lines.incomplete = lines.incomplete.or_else(|| self.limited.clone());
                out.seen.push(Seen { member: self.origin.member, ..seen(host.node.clone(), source, lines) });
            }
        }
        // entries that lingered were closed late
        let start = |it: &Record| match it {
            Record::Event(event) => event.quote.span.start,
            Record::Fact(fact, _) => fact.quotes.first().map_or(0, |it| it.span.start),
            Record::Series(series) => series.start,
        };
        if !out.records.is_sorted_by_key(start) {
            out.records.sort_by_cached_key(start);
        }
    }
}

/// The line as it stands, from buffers.
fn quote(origin: &Origin, text: &str, start: u64, number: u32) -> Quote {
    let span = Span { member: origin.member, start, len: text.len() as u32, line: number };
    Quote { span, text: text.into() }
}

#[cfg(test)]
mod tests;
