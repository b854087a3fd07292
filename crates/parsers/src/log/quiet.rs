//! Entries that nobody wants and that tell of nothing but that their program spoke: most of a log.
//!
//! Such an entry is seen, becomes the last of its boot, and is not opened. Where more of it comes after all, a further
//! line of its message, it is opened then, from the copy that the boot keeps of its last line.
//!
//! ```text
//! kubelet[2877]: I0614 13:14:31.001000    2877 a.go:1] "Swap is on" contents=<     passes by
//! dockerd[801]: time="…" level=info msg="…"                                        another speaks: the first waits
//! kubelet[2877]:         Filename                                Type              more of it: it is opened
//! ```
//!
//! An entry with a klog header may go on after other programs have spoken. It waits then with its program, until that
//! program begins another.

use timeline::{Carrier, MemberRecords, Severity, Source, Stamp};

use super::boots::Boots;
use super::inner::Header;
use super::kept::Kept;
use super::{Current, Entry, Log, Said, Voice, clock, crash, inner, kept, notice, open};
use crate::Line;

/// Longer lines do not wait, because every program may have one that does.
const WAITING_BYTES: usize = 1024;

/// What is known of an entry that passed by, beside its line.
#[derive(Default)]
pub(super) struct Quiet {
    voice: usize,
    pid: Option<u32>,
    severity: Option<Severity>,
    /// None: the voice's own.
    source: Option<Source>,
    /// Whether lines without a header belong to it.
    klog: bool,
    /// Whether the stamp is the message's own.
    own_stamp: bool,
    /// Its number in the log.
    entry: u64,
}

/// An entry with a klog header after which others have spoken; its buffers are used again.
#[derive(Default)]
pub(super) struct Waiting {
    live: bool,
    /// Of which boot, as its host counts them: none goes on after the end of its own.
    boot: u64,
    quiet: Quiet,
    stamp: Stamp,
    kept: Kept,
}

impl Waiting {
    /// Forgets it: its process has begun another.
    fn end(&mut self, pid: Option<u32>) {
        self.live &= self.quiet.pid != pid;
    }
}

/// Which of a program's entries may pass by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// All of them: it says nothing about the machine, the log or a kubelet.
    Plain,
    /// systemd's, but for the few by which it says how the machine is called and when it goes down.
    Announcing,
    /// A clock's keeper's, but for those that say how it was set.
    Timekeeping,
    /// The kernel's, but for reports, beginnings and ends of boots, and what says what time it is.
    Kernel,
    /// None.
    Watched,
}

impl Voice {
    pub(super) fn manner(&self) -> Manner {
        let device = self.ident.starts_with('%') || self.ident.bytes().all(|it| it.is_ascii_digit());
        match (self.kernel, self.timekeeper, self.attended) {
            _ if device || self.docker => Manner::Watched,
            (true, ..) => Manner::Kernel,
            (_, true, false) => Manner::Timekeeping,
            (_, false, true) if notice::announces(&self.ident) => Manner::Announcing,
            (_, false, false) => Manner::Plain,
            _ => Manner::Watched,
        }
    }
}

/// What is known of an entry that can pass by.
struct Passing<'m> {
    /// Without the kernel's clock.
    message: &'m str,
    micros: Option<u64>,
    stamp: Stamp,
    own_stamp: bool,
    klog: bool,
}

impl Log {
    /// Takes an entry that can pass by; false where it must be looked at.
    pub(super) fn pass_by(&mut self, voice: usize, entry: &Entry<'_>, out: &mut MemberRecords) -> bool {
        let Some(Passing { message, micros, stamp, own_stamp, klog }) = self.passing(voice, entry) else {
            return false;
        };
        let line = &entry.line;
        // nothing asks for the last line of the boot before this one has become it
        self.park(voice, entry.pid, Boots::swap_last, out);
        let Voice { host, manner, .. } = self.voices[voice];
        if self.received.is_some() {
            self.follow_clock(host, entry.boot, &stamp, line, out);
        }
        if self.number.is_some() {
            self.note_loss(host, &stamp, line);
        }
        self.see(voice, None, &stamp, line);
        let boots = &mut self.hosts[host].boots;
        boots.pass(&Said { voice, pid: entry.pid, message, stamp: &stamp, line }, manner == Manner::Announcing);
        if let (Manner::Kernel, Some(micros), Stamp::Exact { at, .. }) = (manner, micros, &stamp) {
            boots.envelope(micros, at.timestamp_micros(), line);
        }
        if klog {
            self.open_no_more(voice, entry.pid, out);
        }
        self.settle(None, out);
        let (pid, severity) = (entry.pid, entry.severity);
        self.quiet = Quiet { voice, pid, severity, source: None, klog, own_stamp, entry: self.entries };
        self.current = Current::Quiet;
        true
    }

    /// What of an entry is needed where it can pass by.
    fn passing<'m>(&mut self, voice: usize, entry: &'m Entry<'_>) -> Option<Passing<'m>> {
        #[cfg(test)]
        if super::tests::OPENS_ALL.get() {
            return None;
        }
        let (of, mut message, mut micros) = (&self.voices[voice], &*entry.message, entry.micros);
        let host = &self.hosts[of.host];
        let kernel = of.manner == Manner::Kernel;
        let dull = match of.manner {
            Manner::Plain => true,
            Manner::Announcing => !notice::may_announce(message),
            Manner::Timekeeping => {
                clock::stepped(&of.ident, message).is_none() && clock::ahead_of_peer(&of.ident, message).is_none()
            }
            Manner::Kernel => {
                (micros, _, message) = notice::bare(message, micros);
                !self.order.newest_first() && notice::is_within_boot(message) && host.reports.is_dull(message)
            }
            Manner::Watched => false,
        };
        let told = self.marker.is_some() || self.torn.is_some() || !self.stated.is_empty();
        if !dull || told || entry.ident.is_none() || entry.boot.is_some_and(|it| !host.boots.is_in(it)) {
            return None;
        }
        let klog = match message.as_bytes().first() {
            // more of the entry before, or nothing
            None | Some(b' ' | b'\t') => return None,
            // beside one without a zone its own stamp tells it
            Some(b't' | b'l' | b'{') if !matches!(entry.stamp, Stamp::Exact { .. }) && host.clock.wants_zone() => {
                return None;
            }
            Some(b'm') if message.starts_with("message repeated ") => return None,
            Some(b'r' | b'f' | b'p') if crash::begins(message) => return None,
            Some(letter @ (b'I' | b'W' | b'E' | b'F')) if !kernel && inner::klog_len(message.as_bytes()).is_some() => {
                if *letter == b'F' || message.ends_with("=<") || *letter == b'I' && inner::tells_flags(message) {
                    return None;
                }
                true
            }
            Some(_) => false,
        };
        let several = || !kept::stands_in(message, entry.line.text) && message.contains('\n');
        if host.boots.ends() || several() || self.marks.wants(&entry.line, message, &*self.origin.watch) {
            return None;
        }
        let (stamp, own_stamp) = match (entry.stamp, micros) {
            (Stamp::None, Some(micros)) if kernel => (Stamp::Monotonic { micros }, false),
            (Stamp::None, _) if klog => (self.klog_stamps.read(message, Header::Klog(message.as_bytes()[0]))?, true),
            (Stamp::None, _) => return None,
            (stamp, _) => (stamp, false),
        };
        let of_another = || self.waits(voice) || self.is_quiet_klog_of(voice) || self.may_grow(voice);
        if !klog && of_another() {
            return None;
        }
        Some(Passing { message, micros, stamp, own_stamp, klog })
    }

    /// Whether an entry that was looked at and is the last of its boot needs not be opened.
    pub(super) fn stays_closed(
        &mut self,
        fresh: &open::Fresh,
        message: &str,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) -> bool {
        #[cfg(test)]
        if super::tests::OPENS_ALL.get() {
            return false;
        }
        let may_go_on = match fresh.header {
            Header::Klog(letter) => letter == b'F' || message.ends_with("=<"),
            _ => crash::begins(message) || self.may_grow(fresh.voice),
        };
        let host = self.voices[fresh.voice].host;
        let closed = !may_go_on
            && fresh.count == 1
            && !fresh.stamp.is_none()
            && !self.may_continue(message)
            && self.hosts[host].boots.last_start() == line.start
            && kept::stands_in(message, line.text)
            && !self.marks.wants(line, message, &*self.origin.watch);
        if closed {
            let klog = matches!(fresh.header, Header::Klog(_));
            if klog {
                self.open_no_more(fresh.voice, fresh.pid, out);
            }
            let open::Fresh { voice, pid, severity, own_stamp, .. } = *fresh;
            let source = Some(fresh.source);
            self.quiet = Quiet { voice, pid, severity, source, klog, own_stamp, entry: self.entries };
        }
        closed
    }

    /// Whether an entry of this program waits.
    fn waits(&self, voice: usize) -> bool {
        let of = &self.voices[voice];
        of.waiting.live && of.waiting.boot == self.hosts[of.host].boots.ended()
    }

    /// Whether the entry that passed by last has a klog header and is this program's.
    fn is_quiet_klog_of(&self, voice: usize) -> bool {
        self.current == Current::Quiet && self.quiet.klog && self.quiet.voice == voice
    }

    /// Closes an entry that this process had open, because it begins another.
    fn open_no_more(&mut self, voice: usize, pid: Option<u32>, out: &mut MemberRecords) {
        self.voices[voice].waiting.end(pid);
        if let Some(at) = self.open_of(voice, pid) {
            self.close(at, out);
        }
    }

    /// Before an entry of another process is looked at: the one with a klog header that passed by last waits, or is opened.
    ///
    /// `take` is how its line is had from its boot.
    fn park(
        &mut self,
        voice: usize,
        pid: Option<u32>,
        take: impl Fn(&mut Boots, &mut Kept) -> Stamp,
        out: &mut MemberRecords,
    ) {
        let of = (self.quiet.voice, self.quiet.pid);
        if self.current != Current::Quiet || !self.quiet.klog || of == (voice, pid) {
            return;
        }
        let host = self.voices[of.0].host;
        let boots = &mut self.hosts[host].boots;
        // of another machine the line stays the last one
        if host != self.voices[voice].host || boots.last_len() > WAITING_BYTES {
            return self.recall(out);
        }
        if self.waits(of.0) {
            self.unpark(of.0, out);
        }
        let waiting = &mut self.voices[of.0].waiting;
        let boots = &mut self.hosts[host].boots;
        (waiting.stamp, waiting.boot) = (take(boots, &mut waiting.kept), boots.ended());
        (waiting.quiet, waiting.live) = (std::mem::take(&mut self.quiet), true);
        self.current = Current::Nothing;
    }

    /// Opens the entry that waits or passed by last, if this one may belong to it or part it from what may.
    pub(super) fn follow(&mut self, voice: usize, entry: &Entry<'_>, out: &mut MemberRecords) {
        self.park(voice, entry.pid, Boots::copy_last, out);
        let last = self.is_quiet_klog_of(voice);
        let waits = self.waits(voice) && self.voices[voice].waiting.quiet.pid == entry.pid;
        if !last && !waits {
            return;
        }
        match inner::header(&entry.message) {
            Header::None if last => self.recall(out),
            Header::None => self.unpark(voice, out),
            _ => self.voices[voice].waiting.end(entry.pid),
        }
    }

    /// Opens the entry that waits.
    fn unpark(&mut self, voice: usize, out: &mut MemberRecords) {
        let waiting = std::mem::take(&mut self.voices[voice].waiting);
        let current = std::mem::replace(&mut self.current, Current::Nothing);
        self.open_quiet(&waiting.quiet, waiting.stamp, &waiting.kept, out);
        self.current = current;
        self.voices[voice].waiting = Waiting { live: false, ..waiting };
    }

    /// Opens the entry that passed by last, because more of it comes.
    pub(super) fn recall(&mut self, out: &mut MemberRecords) {
        if self.current != Current::Quiet {
            return;
        }
        let quiet = std::mem::take(&mut self.quiet);
        let host = self.voices[quiet.voice].host;
        let (last, stamp) = self.hosts[host].boots.take_last();
        let at = self.open_quiet(&quiet, stamp, &last, out);
        self.hosts[host].boots.give_last(last);
        self.current = Current::Open(at);
    }

    fn open_quiet(&mut self, quiet: &Quiet, stamp: Stamp, kept: &Kept, out: &mut MemberRecords) -> usize {
        let (line, message) = (kept.line(), kept.message());
        let (header, source) = (inner::header(message), quiet.source.unwrap_or(self.voices[quiet.voice].source));
        let fresh = open::Fresh {
            voice: quiet.voice,
            source,
            pid: quiet.pid,
            severity: quiet.severity,
            count: 1,
            header,
            stamp,
            own_stamp: quiet.own_stamp,
            before: Stamp::None,
        };
        let at = self.put(fresh, message, &line, out);
        self.touched(at, quiet.entry);
        at
    }

    /// Whether an entry may be a further line of the one before.
    pub(super) fn may_continue(&self, message: &str) -> bool {
        self.carrier == Carrier::File && message.starts_with([' ', '\t'])
    }
}
