//! A report while its lines come in.

use timeline::{Quote, Stamp};

use super::fields::Fields;
use super::memory::Killing;
use super::shape::Shape;
use super::start::{Family, Start};
use super::{KernelLine, Report, death, framed, hardware, memory, stall};

/// Lines of one report.
const MOST_LINES: u32 = 2000;
/// Bytes of one report.
const MOST_BYTES: usize = 256 * 1024;
/// Lines of others after which an unfinished report is given up, for logs without any clock.
const MOST_FOREIGN: u32 = 500;
/// Lines of prose that may stand between `cut here` and the reason, or between the reason and the registers.
const MOST_PENDING: usize = 4;

/// Whether a line was taken.
pub(super) enum Answer {
    /// Kept aside: it belongs to the report if more of it follows.
    Perhaps,
    /// Taken.
    Mine,
    /// Taken, and the report is over.
    Last,
}

/// How far a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Lines that say what happened.
    Head,
    /// Process, registers.
    Body,
    /// Its stack.
    Trace,
    /// The end has been seen; afterthoughts may follow.
    Tail,
}

/// A point on whatever clock the carrier gives.
#[derive(Debug, Clone, Copy)]
enum Instant {
    Kernel(i64),
    Wall(i64),
}

impl Instant {
    fn of(line: &KernelLine<'_>) -> Option<Instant> {
        if let Some(micros) = line.micros {
            return Some(Instant::Kernel(i64::try_from(micros).ok()?));
        }
        match line.stamp {
            Stamp::None | Stamp::Between { .. } => None,
            Stamp::Monotonic { micros } => Some(Instant::Kernel(i64::try_from(*micros).ok()?)),
            Stamp::Exact { at, .. } => Some(Instant::Wall(at.timestamp_micros())),
            Stamp::Zoneless { local, .. } => Some(Instant::Wall(local.and_utc().timestamp_micros())),
            Stamp::Yearless { month, day, time, .. } => {
                use chrono::Timelike;
                let days = i64::from(*month) * 31 + i64::from(*day);
                Some(Instant::Wall((days * 86_400 + i64::from(time.num_seconds_from_midnight())) * 1_000_000))
            }
        }
    }

    /// Microseconds from this to the other, where both are of one clock.
    fn until(self, later: Instant) -> Option<i64> {
        match (self, later) {
            (Instant::Kernel(a), Instant::Kernel(b)) | (Instant::Wall(a), Instant::Wall(b)) => {
                Some(b.saturating_sub(a))
            }
            _ => None,
        }
    }
}

pub(super) struct Block {
    pub(super) family: Family,
    pub(super) kind: &'static str,
    pub(super) phase: Phase,
    pub(super) complete: bool,
    pub(super) fields: Fields,
    pub(super) killing: Killing,
    /// Number of the line taken last.
    pub(super) fed: u64,
    /// Lines of others since then.
    pub(super) foreign: u32,
    /// Shape of the line taken last.
    pub(super) last_shape: Shape,
    rank: u8,
    lines: u32,
    text: String,
    pending: Vec<String>,
    /// Whether prose of the head has been taken: a WARNING has one message, before it or after.
    has_message: bool,
    caller: Option<Box<str>>,
    last: Option<Instant>,
    title: String,
    quote: Quote,
    stamp: Stamp,
    micros: Option<u64>,
}

impl Block {
    pub(super) fn open(start: &Start, line: &KernelLine<'_>, count: u64) -> Block {
        Block {
            family: start.family,
            kind: start.kind,
            phase: Phase::Head,
            complete: false,
            fields: Fields::default(),
            killing: Killing::default(),
            fed: count,
            foreign: 0,
            last_shape: Shape::Free,
            rank: start.rank,
            lines: 1,
            text: line.text.to_owned(),
            pending: Vec::new(),
            has_message: false,
            caller: line.caller.map(Into::into),
            last: Instant::of(line),
            title: title(line.text),
            quote: (line.quote)(),
            stamp: *line.stamp,
            micros: line.micros,
        }
    }

    /// How much this report misses the line; smaller is more, nothing is not at all.
    pub(super) fn fit(&self, head: &str, start: Option<&Start>, shape: Shape, line: &KernelLine<'_>) -> Option<u8> {
        match (self.caller.as_deref(), line.caller) {
            (Some(mine), Some(its)) if mine != its => return None,
            // an inner line of a record shows no caller, but it has the shape of one
            (Some(_), None) if shape == Shape::Free => return None,
            _ => {}
        }
        match self.family {
            Family::Death => death::fit(self, head, start, shape),
            Family::Panic => death::fit_panic(head, start, shape),
            Family::Trace | Family::Stall => stall::fit(self, head, start, shape),
            Family::Oom | Family::Alloc => memory::fit(self, head, start, shape),
            Family::Hardware => hardware::fit(self, head, start, shape),
            Family::Framed => framed::fit(self, start, shape),
            Family::Single => None,
        }
    }

    /// Takes a line that fits.
    pub(super) fn take(
        &mut self,
        head: &str,
        start: Option<&Start>,
        shape: Shape,
        line: &KernelLine<'_>,
        count: u64,
    ) -> Answer {
        let more_modules = shape == Shape::Free && self.last_shape == Shape::Modules;
        if self.family == Family::Death && shape == Shape::Free && start.is_none() && !more_modules {
            self.pending.push(line.text.to_owned());
            return Answer::Perhaps;
        }
        for kept in std::mem::take(&mut self.pending) {
            self.has_message = true;
            self.add(&kept);
        }
        self.add(line.text);
        self.fed = count;
        self.foreign = 0;
        self.last = Instant::of(line).or(self.last);
        if more_modules {
            self.fields.add_modules(head);
            return Answer::Mine;
        }
        if let Some(start) = start
            && start.rank > self.rank
        {
            (self.kind, self.rank) = (start.kind, start.rank);
            self.title = title(line.text);
            self.quote = (line.quote)();
            self.stamp = *line.stamp;
            self.micros = line.micros;
        }
        let over = self.learn(head, start, shape);
        self.last_shape = shape;
        if over || self.lines >= MOST_LINES || self.text.len() >= MOST_BYTES { Answer::Last } else { Answer::Mine }
    }

    /// Reads a taken line; returns whether it is the last.
    pub(super) fn learn(&mut self, head: &str, start: Option<&Start>, shape: Shape) -> bool {
        if start.is_some() {
            self.fields.learn_start(head);
        } else if self.phase < Phase::Tail {
            self.fields.learn(head, shape);
            let phase = match shape {
                // `IP: [<f88dec25>] f+0x90/0x302` stands between the reason and `Oops: 0000 [#1]`
                Shape::Instruction if head.starts_with("IP: ") => Phase::Head,
                Shape::Cpu | Shape::Instruction | Shape::Modules => Phase::Body,
                Shape::TraceHead | Shape::Frame => Phase::Trace,
                _ => Phase::Head,
            };
            self.phase = self.phase.max(phase);
        }
        match self.family {
            Family::Death => death::learn(self, shape),
            Family::Panic => death::learn_panic(self, head, shape),
            Family::Trace | Family::Stall => stall::learn(self, head, shape),
            Family::Oom | Family::Alloc => memory::learn(self, head, start),
            Family::Hardware => hardware::learn(self, head),
            Family::Framed => framed::learn(self, shape),
            Family::Single => {
                self.complete = true;
                super::single::learn(head, &mut self.fields);
                self.fields.cgroup = head.split_once(" pids controller in ").map(|(_, it)| it.trim_end().to_owned());
                true
            }
        }
    }

    /// A line of somebody else went by.
    pub(super) fn pass(&mut self) {
        self.foreign = self.foreign.saturating_add(1);
    }

    /// Whether a line of prose may be the message of the report.
    pub(super) fn may_keep(&self) -> bool {
        let awaited = matches!(self.kind, "cut" | "warning" | "list-corruption" | "hard-lockup") && !self.has_message;
        // where callers are printed, the line is of the same one
        let adjacent = self.foreign == 0 || self.caller.is_some();
        awaited && adjacent && self.phase == Phase::Head && self.pending.len() < MOST_PENDING
    }

    /// Whether nothing more can come, other lines having passed since the end.
    pub(super) fn passed_by(&self) -> bool {
        let patience = match self.family {
            Family::Oom => 20,
            Family::Death => 4,
            Family::Trace | Family::Stall => 40,
            _ => 1,
        };
        self.complete && self.foreign >= patience
    }

    /// Whether the time or the number of lines says that it is over.
    pub(super) fn expired(&self, line: &KernelLine<'_>) -> bool {
        if self.foreign >= MOST_FOREIGN {
            return true;
        }
        let (Some(last), Some(now)) = (self.last, Instant::of(line)) else { return false };
        let patience_secs = match self.family {
            // who has said all may have fallen silent; who has not prints to a slow console
            _ if self.complete => 5,
            Family::Stall | Family::Oom | Family::Panic | Family::Alloc => 60,
            Family::Trace if self.kind == "hung-task" => 60,
            _ => 5,
        };
        // a clock that runs backwards is the next boot
        last.until(now).is_some_and(|it| it > patience_secs * 1_000_000 || it < -1_000_000)
    }

    /// A new report begins: what it tells about this one.
    pub(super) fn witness(&mut self, start: &Start) {
        if self.family == Family::Oom && start.family == Family::Panic {
            self.complete = true;
        }
    }

    /// Whether the beginning of another report ends this one.
    pub(super) fn ended_by(&self, start: &Start, line: &KernelLine<'_>) -> bool {
        if let (Some(mine), Some(its)) = (self.caller.as_deref(), line.caller) {
            return mine == its;
        }
        let traced = self.phase == Phase::Trace;
        self.complete
            || start.family == Family::Panic
            || self.family == start.family && matches!(self.family, Family::Oom | Family::Alloc | Family::Hardware)
            || traced && matches!(self.family, Family::Trace | Family::Stall | Family::Alloc | Family::Framed)
    }

    pub(super) fn finish(mut self) -> Report {
        memory::finish(&mut self);
        let row = self.fields.row(self.kind, &self.title, self.complete);
        Report { row, text: self.text, quote: self.quote, stamp: self.stamp, micros: self.micros }
    }

    fn add(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text);
        self.lines += 1;
    }
}

fn title(text: &str) -> String {
    text.split('\n').next().unwrap_or_default().trim().to_owned()
}
