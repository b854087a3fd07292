//! What is remembered of the boots of a host while its log is read.

use timeline::{Carrier, Name, Quote, Row, Stamp, relation};

use super::kept::Kept;
use super::{Said, quote};
use crate::{Line, Origin};

/// Anchors of one kind are taken at least so far apart, further apart the longer a boot lasts, and so many at most.
const ANCHOR_MICROS: u64 = 60_000_000;
const ANCHORS_A_DOUBLING: u64 = 64;
const ANCHORS: u32 = 4096;

/// The boots of one host.
#[derive(Default)]
pub(super) struct Boots {
    pub(super) entries: u64,
    pub(super) since_start: u64,
    /// Entries of journald and rsyslogd at the end so far, by which the next boot may have begun.
    pub(super) prelude: u64,
    pub(super) shutdown: Option<u64>,
    /// The first one in the file.
    pub(super) first_shutdown: Option<u64>,
    /// A program has spoken that would tell of a shutdown.
    pub(super) attended: bool,
    /// journald has spoken: this is no log of one unit.
    pub(super) journald: bool,
    pub(super) marked: bool,
    pub(super) version: bool,
    pub(super) id: Option<Name>,
    pub(super) known: Vec<Name>,
    /// How many breaks between boots the file shows.
    pub(super) breaks: u32,
    pub(super) last: Last,
    /// How often everything of the host was closed: at the end of each boot.
    pub(super) ended: u64,
    /// Newest first: the end of the older boot waits for the lines before it.
    pub(super) pending: Option<End>,
    /// The first line of the boot and its stamp, where the file shows its beginning.
    pub(super) began: Option<(u32, Stamp)>,
    /// Where the oldest boot begins, if its beginning is there.
    pub(super) opening: Option<Box<Opening>>,
    pub(super) recoveries: u8,
    anchors: u32,
    pub(super) last_anchor: Option<u64>,
    envelope: Option<Envelope>,
}

/// Who spoke, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken {
    pub(super) voice: usize,
    pub(super) pid: Option<u32>,
    pub(super) stamp: Stamp,
}

/// The last entry; its buffers are used again.
#[derive(Default)]
pub(super) struct Last {
    pub(super) kept: Kept,
    pub(super) stamp: Stamp,
    pub(super) voice: usize,
    pub(super) pid: Option<u32>,
}

pub(super) struct End {
    pub(super) until: u64,
    pub(super) id: Option<Name>,
    pub(super) quote: Quote,
    pub(super) message: String,
    pub(super) by: Spoken,
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

impl Last {
    pub(super) fn set(&mut self, said: &Said<'_>) {
        self.kept.set(said.line, said.message);
        (self.voice, self.pid, self.stamp) = (said.voice, said.pid, *said.stamp);
    }

    pub(super) fn spoken(&self) -> Spoken {
        Spoken { voice: self.voice, pid: self.pid, stamp: self.stamp }
    }
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
    pub(super) fn pass(&mut self, said: &Said<'_>, announces: bool) {
        self.attended |= announces;
        self.entries += 1;
        self.since_start += 1;
        self.prelude = 0;
        self.last.set(said);
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
