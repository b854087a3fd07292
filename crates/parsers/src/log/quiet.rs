//! Entries that nobody wants and that tell of nothing but that their program spoke: most of a log.
//!
//! Such an entry is seen, becomes the last of its boot, and is not opened. Where more of it comes after all, a further
//! line of its message, it is opened then, from the copy that the boot keeps of its last line.
//!
//! An entry with a klog header may go on after other programs have spoken; it passes by where there is no other.

use timeline::{Carrier, MemberRecords, Severity, Source, Stamp};

use super::inner::Header;
use super::{Current, Entry, Log, Voice, crash, inner, kept, open};
use crate::Line;

/// What is known of the entry that passed by last, beside what the boot keeps of it.
#[derive(Default)]
pub(super) struct Quiet {
    voice: usize,
    pid: Option<u32>,
    severity: Option<Severity>,
    /// None: the voice's own.
    source: Option<Source>,
    /// Whether lines without a header belong to it.
    klog: bool,
}

impl Voice {
    /// Whether the program says nothing about the machine, the log or a kubelet.
    pub(super) fn is_plain(&self) -> bool {
        let device = self.ident.starts_with('%') || self.ident.bytes().all(|it| it.is_ascii_digit());
        !(device || self.kernel || self.attended || self.timekeeper || self.docker)
    }
}

impl Log {
    /// Takes an entry that can pass by; false where it must be looked at.
    pub(super) fn pass_by(&mut self, voice: usize, entry: &Entry<'_>, out: &mut MemberRecords) -> bool {
        let (of, message, line) = (&self.voices[voice], &*entry.message, &entry.line);
        let told = self.marker.is_some() || self.received.is_some() || self.number.is_some() || self.torn.is_some();
        if !of.plain
            || told
            || self.quiet_klog()
            || entry.boot.is_some()
            || entry.ident.is_none()
            || !self.stated.is_empty()
        {
            return false;
        }
        let host = of.host;
        let begins = match message.as_bytes().first() {
            // more of the entry before, or nothing
            None | Some(b' ' | b'\t') => return false,
            // its stamp tells the zone, or it may take several lines
            Some(b't' | b'l' | b'{') => !self.hosts[host].clock.wants_zone(),
            Some(b'I' | b'W' | b'E' | b'F') => inner::klog_len(message.as_bytes()).is_none(),
            Some(b'm') => !message.starts_with("message repeated "),
            Some(b'r' | b'f' | b'p') => !crash::begins(message),
            Some(_) => true,
        };
        if !begins
            || entry.stamp.is_none()
            || self.hosts[host].boots.ends()
            || self.open.iter().any(|it| it.may_grow(voice))
            || !kept::stands_in(message, line.text)
            || !self.marks.nothing_in(line)
        {
            return false;
        }
        self.see(voice, None, &entry.stamp, line);
        self.hosts[host].boots.pass(voice, entry.pid, message, &entry.stamp, line);
        self.settle(None, out);
        self.quiet = Quiet { voice, pid: entry.pid, severity: entry.severity, source: None, klog: false };
        self.current = Current::Quiet;
        true
    }

    /// Whether an entry that was looked at and is the last of its boot needs not be opened.
    pub(super) fn stays_closed(&mut self, fresh: &open::Fresh, message: &str, line: &Line<'_>) -> bool {
        let may_go_on = match fresh.header {
            Header::Klog(letter) => letter == b'F' || self.voices.len() > 1 || message.ends_with("=<"),
            _ => crash::begins(message) || self.open.iter().any(|it| it.may_grow(fresh.voice)),
        };
        let host = self.voices[fresh.voice].host;
        let closed = !may_go_on
            && fresh.count == 1
            && !fresh.stamp.is_none()
            && !fresh.own_stamp
            && !self.may_continue(message)
            && self.hosts[host].boots.last_start() == line.start
            && kept::stands_in(message, line.text)
            && self.marks.nothing_in(line);
        if closed {
            let klog = matches!(fresh.header, Header::Klog(_));
            let (source, severity) = (Some(fresh.source), fresh.severity);
            self.quiet = Quiet { voice: fresh.voice, pid: fresh.pid, severity, source, klog };
        }
        closed
    }

    /// Whether a line without a header may belong to the entry that passed by last.
    fn quiet_klog(&self) -> bool {
        self.current == Current::Quiet && self.quiet.klog
    }

    /// Whether an entry goes on with the one that passed by last, or parts it from one that may.
    pub(super) fn continues_klog(&self, voice: usize, entry: &Entry<'_>) -> bool {
        let headless = || inner::klog_len(entry.message.as_bytes()).is_none();
        self.quiet_klog() && ((voice, entry.pid) != (self.quiet.voice, self.quiet.pid) || headless())
    }

    /// Opens the entry that passed by last, because more of it comes.
    pub(super) fn recall(&mut self, out: &mut MemberRecords) {
        if self.current != Current::Quiet {
            return;
        }
        let Quiet { voice, pid, severity, source, .. } = self.quiet;
        let host = self.voices[voice].host;
        let (last, stamp) = self.hosts[host].boots.take_last();
        let (line, message) = (last.line(), last.message());
        let (header, source) = (inner::header(message), source.unwrap_or(self.voices[voice].source));
        let fresh = open::Fresh {
            voice,
            source,
            pid,
            severity,
            count: 1,
            header,
            stamp,
            own_stamp: false,
            before: Stamp::None,
        };
        let at = self.put(fresh, message, &line, out);
        self.hosts[host].boots.give_last(last);
        self.current = Current::Open(at);
    }

    /// Whether an entry may be a further line of the one before.
    pub(super) fn may_continue(&self, message: &str) -> bool {
        self.carrier == Carrier::File && message.starts_with([' ', '\t'])
    }
}
