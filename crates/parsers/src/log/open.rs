//! Entries that may still grow: klog values over several lines, printf messages with newlines, crash dumps.
//!
//! ```text
//! I0321 14:51:20.617186     287 swap_util.go:115] "Swap is on" /proc/swaps contents=<
//!         Filename                                Type                Size                Used
//!  >
//! ```
//!
//! A line without a header of its own joins the entry before it of the same process; a journal gives each physical line
//! an own entry. Whether the whole is kept is decided by any of its lines.

use chrono::TimeDelta;
use timeline::{Carrier, Event, MemberRecords, Quote, Record, Row, Severity, Source, Stamp, Time};

use super::crash::{self, Crash};
use super::inner::{self, Header};
use super::kept::Kept;
use super::{Log, OPEN, silence};
use crate::Line;

/// Bytes and lines of one event, at most.
const BYTES: usize = 64 * 1024;
const LINES: u32 = 2000;
/// Entries of other processes that may stand between two lines of one.
const GAP: u64 = 200;
/// So far apart two lines of one entry may be received: it was written at once.
const APART_SECS: u64 = 10;

/// What is known of an entry when it is opened.
pub(super) struct Fresh {
    pub(super) voice: usize,
    pub(super) source: Source,
    pub(super) pid: Option<u32>,
    pub(super) severity: Option<Severity>,
    pub(super) count: u32,
    pub(super) header: Header,
    pub(super) stamp: Stamp,
    /// Whether the stamp is the message's own, because the carrier has none.
    pub(super) own_stamp: bool,
    /// The stamp of the entry before, where this one has none.
    pub(super) before: Stamp,
}

/// An entry that may still grow; its buffers are used again.
pub(super) struct Open {
    live: bool,
    pub(super) voice: usize,
    pid: Option<u32>,
    source: Source,
    severity: Option<Severity>,
    pub(super) count: u32,
    header: Header,
    stamp: Stamp,
    own_stamp: bool,
    /// Where neither carrier nor message have a stamp: the one of the entry before.
    before: Stamp,
    kept: Kept,
    lines: u32,
    wanted: Option<Quote>,
    /// Inside `=<` … ` >`.
    block: bool,
    /// Inside the goroutine dump of a klog fatal: counted, not kept.
    dumping: bool,
    crash: Option<Box<Crash>>,
    touched: u64,
}

impl Open {
    /// Whether lines may join although other processes speak in between.
    fn lingers(&self) -> bool {
        self.block || self.crash.is_some() || matches!(self.header, Header::Klog(_))
    }

    /// Whether the message quotes a crash of another program, a probe's say, so that more of it may follow.
    fn quotes_crash(&self) -> bool {
        ["runtime: ", "fatal error: ", "panic: ", "goroutine "].iter().any(|it| self.kept.message().contains(it))
    }
}

/// A line without a stamp came after the one before it and before the one behind: the first stamp, as wide as the gap,
/// at least a minute where no later one is known.
fn between(before: &Stamp, after: &Stamp) -> Stamp {
    let least = TimeDelta::minutes(1);
    match (before, after) {
        (Stamp::Exact { at, offset_secs, .. }, Stamp::Exact { at: end, .. }) => {
            let resolution = (*end - *at).clamp(least, TimeDelta::days(1));
            Stamp::Exact { at: *at, resolution, offset_secs: *offset_secs }
        }
        (Stamp::Zoneless { local, abbreviation, .. }, Stamp::Zoneless { local: end, .. }) => {
            let resolution = (*end - *local).clamp(least, TimeDelta::days(1));
            Stamp::Zoneless { local: *local, resolution, abbreviation: *abbreviation }
        }
        (Stamp::Yearless { month, day, time, .. }, _) => {
            Stamp::Yearless { month: *month, day: *day, time: *time, resolution: least }
        }
        (Stamp::Exact { at, offset_secs, .. }, _) => {
            Stamp::Exact { at: *at, resolution: least, offset_secs: *offset_secs }
        }
        (Stamp::Zoneless { local, abbreviation, .. }, _) => {
            Stamp::Zoneless { local: *local, resolution: least, abbreviation: *abbreviation }
        }
        (other, _) => *other,
    }
}

/// Lines without a header that still begin something new.
fn begins_anew(message: &str) -> bool {
    const FRONTS: &[&str] =
        &["Flag --", "+ ", "++ ", "bird: ", "bird6: ", "confd", "[INFO]", "[ERROR]", "[WARNING]", "==> "];
    FRONTS.iter().any(|it| message.starts_with(it))
}

impl Log {
    /// Opens an entry or lets it join the one it belongs to; returns where it is.
    pub(super) fn put(&mut self, fresh: Fresh, message: &str, line: &Line<'_>, out: &mut MemberRecords) -> usize {
        let before = self.open_of(fresh.voice, fresh.pid);
        if let Some(at) = before {
            if self.joins(at, &fresh, message) {
                self.grow(at, line, message);
                return at;
            }
            self.close(at, out);
        }
        self.settle(before, out);
        let at = self.slot(out);
        let crash = (fresh.header == Header::None && crash::begins(message)).then(|| Box::new(Crash::new(message)));
        let wanted = self.marks.wants(line, message, &*self.origin.watch).then(|| self.origin.quote(line));
        self.voices[fresh.voice].open += 1;
        let open = &mut self.open[at];
        open.live = true;
        (open.voice, open.pid, open.source) = (fresh.voice, fresh.pid, fresh.source);
        (open.severity, open.count, open.header) = (fresh.severity, fresh.count, fresh.header);
        (open.stamp, open.own_stamp, open.before) = (fresh.stamp, fresh.own_stamp, fresh.before);
        open.kept.set(line, message);
        open.lines = 1;
        open.block = matches!(fresh.header, Header::Klog(_)) && message.ends_with("=<");
        open.dumping = false;
        (open.wanted, open.crash, open.touched) = (wanted, crash, self.entries);
        at
    }

    /// Which open entry is of this process.
    pub(super) fn open_of(&self, voice: usize, pid: Option<u32>) -> Option<usize> {
        // most programs have none
        let any = self.voices[voice].open > 0;
        any.then(|| self.open.iter().position(|it| it.live && it.voice == voice && it.pid == pid)).flatten()
    }

    /// Whether an entry of this program may join one that is open.
    pub(super) fn may_grow(&self, voice: usize) -> bool {
        self.voices[voice].open > 0 && self.open.iter().any(|it| it.live && it.voice == voice && it.lingers())
    }

    /// An entry was opened after others had spoken: this is its number.
    pub(super) fn touched(&mut self, at: usize, entry: u64) {
        self.open[at].touched = entry;
    }

    fn joins(&mut self, at: usize, fresh: &Fresh, message: &str) -> bool {
        let (now, file) = (self.entries, self.carrier == Carrier::File);
        let open = &mut self.open[at];
        let apart = silence::secs(&open.stamp).zip(silence::secs(&fresh.stamp)).map_or(0, |(a, b)| a.abs_diff(b));
        if fresh.header != Header::None || apart > APART_SECS {
            return false;
        }
        if let Some(crash) = &mut open.crash {
            return now - open.touched <= GAP && crash.fits(message);
        }
        if file && message.starts_with([' ', '\t']) {
            return true;
        }
        if !matches!(open.header, Header::Klog(_)) || now - open.touched > GAP {
            return false;
        }
        open.block || open.dumping && !begins_anew(message) || {
            if crash::begins(message) { open.quotes_crash() } else { !begins_anew(message) }
        }
    }

    /// Adds a line to an open entry.
    pub(super) fn grow(&mut self, at: usize, line: &Line<'_>, text: &str) {
        let Some(open) = self.open.get_mut(at).filter(|it| it.live) else { return };
        open.touched = self.entries;
        let klog = matches!(open.header, Header::Klog(_));
        if let Some(crash) = &mut open.crash {
            if !crash.take(text) {
                return;
            }
        } else {
            open.dumping |= open.header == Header::Klog(b'F') && crash::dumps(text);
            if open.dumping || open.lines >= LINES || open.kept.message().len() + text.len() >= BYTES {
                return;
            }
            open.lines += 1;
            open.kept.grow(text);
            if open.block && text.trim_start().starts_with('>') {
                open.block = text.ends_with("=<");
            } else if klog && text.ends_with("=<") {
                open.block = true;
            }
        }
        if open.wanted.is_none() && self.marks.wants(line, text, &*self.origin.watch) {
            open.wanted = Some(self.origin.quote(line));
        }
    }

    /// Closes the entry before, unless more of it may come after other processes have spoken.
    pub(super) fn settle(&mut self, but: Option<usize>, out: &mut MemberRecords) {
        if let super::Current::Open(at) = self.current
            && but != Some(at)
            && !self.open[at].lingers()
        {
            self.close(at, out);
        }
    }

    fn slot(&mut self, out: &mut MemberRecords) -> usize {
        if let Some(at) = self.open.iter().position(|it| !it.live) {
            return at;
        }
        if self.open.len() >= OPEN {
            let oldest = (0..self.open.len()).min_by_key(|at| self.open[*at].touched).unwrap_or_default();
            self.close(oldest, out);
            return oldest;
        }
        self.open.push(Open {
            live: false,
            voice: 0,
            pid: None,
            source: Source::System,
            severity: None,
            count: 1,
            header: Header::None,
            stamp: Stamp::None,
            own_stamp: false,
            before: Stamp::None,
            kept: Kept::default(),
            lines: 0,
            wanted: None,
            block: false,
            dumping: false,
            crash: None,
            touched: 0,
        });
        self.open.len() - 1
    }

    /// Closes what is open, of one host or of all, in file order.
    pub(super) fn close_all(&mut self, host: Option<usize>, out: &mut MemberRecords) {
        let mut places: Vec<usize> = (0..self.open.len())
            .filter(|at| self.open[*at].live)
            .filter(|at| host.is_none_or(|it| self.voices[self.open[*at].voice].host == it))
            .collect();
        places.sort_by_key(|at| self.open[*at].kept.start);
        for at in places {
            self.close(at, out);
        }
        let hosts = host.map_or(0..self.hosts.len(), |it| it..it + 1);
        self.hosts[hosts].iter_mut().for_each(|it| it.boots.end());
        self.current = super::Current::Nothing;
    }

    pub(super) fn close(&mut self, at: usize, out: &mut MemberRecords) {
        let open = &mut self.open[at];
        if !std::mem::take(&mut open.live) {
            return;
        }
        self.voices[open.voice].open -= 1;
        if open.wanted.is_none() && open.crash.is_none() {
            return;
        }
        let (wanted, crash) = (open.wanted.take(), open.crash.take());
        let sure = crash.as_ref().is_some_and(|it| it.is_sure());
        if wanted.is_none() && !sure {
            return;
        }
        let open = &self.open[at];
        let voice = &self.voices[open.voice];
        let quote = wanted.unwrap_or_else(|| self.origin.quote(&open.kept.line()));
        let message = crash.as_ref().map_or(open.kept.message(), |it| it.message.as_str());
        if !sure && !self.origin.watch.shows(message) {
            return;
        }
        let row: Option<Row> = crash.as_ref().filter(|it| it.is_sure()).map(|it| it.row(voice.name.as_deref()));
        let (own, severity) = inner::read(message, open.header);
        let stamp = match &open.stamp {
            Stamp::None => between(&open.before, &self.hosts[voice.host].last),
            stamp => *stamp,
        };
        out.records.push(Record::Event(Box::new(Event {
            stamp,
            inner: own.filter(|_| !open.own_stamp),
            at: Time::UNKNOWN,
            node: self.hosts[voice.host].node.clone(),
            source: open.source,
            carrier: self.carrier,
            unit: voice.name.clone(),
            pid: open.pid,
            severity: severity.or(open.severity),
            message: message.into(),
            count: open.count,
            row,
            quote,
        })));
    }
}
