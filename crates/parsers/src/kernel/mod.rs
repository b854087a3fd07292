//! Reports of the kernel that span many lines: BUG, oops, panic, lockups, stalls, hung tasks, OOM kills.
//!
//! ```text
//! ------------[ cut here ]------------
//! kernel BUG at /build/linux-SwhOyu/linux-4.4.0/include/linux/fs.h:2582!
//! invalid opcode: 0000 [#1] SMP
//! CPU: 7 PID: 22914 Comm: iptables-restor Not tainted 4.4.0-104-generic #127-Ubuntu
//! RIP: 0010:[<ffffffff81211d83>]  [<ffffffff81211d83>] __fput+0x223/0x230
//! ---[ end trace 0000000000000000 ]---
//! ```
//!
//! A report is opened by one of the lines in `start`, takes the lines that can belong to it (`shape`) and lets all others
//! pass by; it is over at its end marker, at the next start on the same CPU, after some silence of the kernel clock, or
//! with the boot. Lines are matched by their stable middle, since each kernel words its head differently.
//! Skipped: registers and stack contents are kept as text only; frames are not fingerprinted.
//! Time: the kernel's clock where printed, else the carrier's stamp, and only for the length of silences.
//!
//! Source: kernel/panic.c, arch/*/kernel/{dumpstack,traps}.c, kernel/{watchdog,hung_task}.c, kernel/rcu/tree_stall.h,
//! mm/oom_kill.c, arch/x86/kernel/cpu/mce/core.c of Linux 2.6.32 to 7.2.

mod block;
mod clock;
mod death;
mod fields;
mod framed;
mod hardware;
mod memory;
mod shape;
mod single;
mod stall;
mod start;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use block::{Answer, Block, Phase};
pub(crate) use clock::{Anchor, anchor, caller, prefix, priority, seconds};
use shape::Shape;
use start::Start;
use timeline::{Quote, Row, Stamp};

/// Reports open at once; more than this many CPUs do not report in the same breath.
const MOST_OPEN: usize = 8;

/// One line of the kernel log without its carrier's prefix.
pub(crate) struct KernelLine<'t> {
    /// The text after `[ 4301.999258] `.
    pub(crate) text: &'t str,
    /// Kernel clock, microseconds since boot, where printed.
    pub(crate) micros: Option<u64>,
    /// `T123` or `C0`, where the kernel prints its caller.
    pub(crate) caller: Option<&'t str>,
    /// The carrier's stamp.
    pub(crate) stamp: &'t Stamp,
    /// The line as it stands; called only for lines that are kept.
    pub(crate) quote: &'t dyn Fn() -> Quote,
}

/// A finished report.
pub(crate) struct Report {
    /// Of relation `kernel.report`.
    pub(crate) row: Row,
    /// All its lines, joined by `\n`, without prefixes.
    pub(crate) text: String,
    /// The line that says it best, as it stands.
    pub(crate) quote: Quote,
    /// The carrier's stamp of that line.
    pub(crate) stamp: Stamp,
    /// Its kernel clock.
    pub(crate) micros: Option<u64>,
}

/// Puts the lines of reports together, also where those of several CPUs interleave.
#[derive(Default)]
pub(crate) struct Reports {
    open: Vec<Block>,
    /// Lines seen, to know which report was fed last.
    count: u64,
    /// Reports of one line, by kind.
    singles: BTreeMap<&'static str, u32>,
}

/// What the line that names a report says alone, where the rest of the report is told by others.
pub(crate) fn row_of(title: &str) -> Option<Row> {
    let kind = if title.contains("Trigger a crash") { "panic" } else { start::of(title)?.kind };
    let mut fields = fields::Fields::default();
    fields.learn_start(title);
    Some(fields.row(kind, title, false))
}

/// Lines looked at for the beginning of a report, and those of the report that are looked at.
const FIRST_LINES: usize = 60;

/// Of the lines of a text from the first that opens a report on, the share that the report of a dying kernel could hold;
/// none where nothing opens one.
pub(crate) fn share_of_report(text: &str) -> f32 {
    let lines: Vec<&str> = text.lines().filter(|it| !it.trim().is_empty()).take(2 * FIRST_LINES).collect();
    let start = |it: &&str| if start::possible(it) { start::of(it) } else { None };
    let opens =
        |it: &&str| start(it).is_some_and(|it| !matches!(it.family, start::Family::Hardware | start::Family::Single));
    // a panic without a trace: what it is about stands in the line before
    let panics = lines.iter().any(|it| it.starts_with("Kernel panic - not syncing: "));
    if panics && lines.len() < FIRST_LINES && lines.iter().filter(|it| start(it).is_some()).count() > 1 {
        return 1.0;
    }
    let Some(at) = lines.iter().take(FIRST_LINES).position(&opens) else { return 0.0 };
    let report = &lines[at..lines.len().min(at + FIRST_LINES)];
    // what stands above may be of any program: then more must follow
    if report.len() < if at < 10 { 6 } else { 12 } {
        return 0.0;
    }
    let of = |wanted: &[start::Family]| report.iter().any(|it| start(it).is_some_and(|it| wanted.contains(&it.family)));
    let memory = of(&[start::Family::Oom, start::Family::Alloc]);
    let locks = of(&[start::Family::Framed]);
    let good = report.iter().filter(|it| {
        let shape = Shape::of(it);
        opens(it) || shape.is_dump() || memory && shape == Shape::Memory || locks && framed::is_prose(it)
    });
    good.count() as f32 / report.len() as f32
}

/// Whether a line is one that only the dump of a dying kernel holds: registers, a frame of a stack.
pub(crate) fn is_dump(text: &str) -> bool {
    !text.trim().is_empty() && Shape::of(text).is_dump()
}

impl Reports {
    /// Whether no report is open that a line might belong to, and the line opens none, tells of no lines that are gone and
    /// of no clock.
    pub(crate) fn is_dull(&self, text: &str) -> bool {
        const FRONTS: [&str; 4] = ["audit", "type=", "mce", "[Hardware Error]"];
        self.open.is_empty() && !FRONTS.iter().any(|it| text.starts_with(it)) && !start::may_tell(text)
    }

    /// Takes the next kernel line of one boot of one node; returns whether it is part of a report.
    pub(crate) fn line(&mut self, line: &KernelLine<'_>, done: &mut Vec<Report>) -> bool {
        let possible = start::possible(line.text);
        if self.open.is_empty() && !possible {
            return false;
        }
        self.count += 1;
        // a record may hold several lines; the first says what it is
        let head = line.text.split('\n').next().unwrap_or_default();
        let start = if possible { start::of(head) } else { None };
        self.expire(line, done);
        if head.starts_with("sysrq: ") || head.starts_with("SysRq : ") {
            // dumps by hand look like the reports of a stall
            self.close(|block| block.phase >= Phase::Trace, done);
        }
        let shape = Shape::of(head);
        if let Some(at) = self.candidate(head, start.as_ref(), shape, line) {
            return self.feed(at, head, start, shape, line, done);
        }
        for block in &mut self.open {
            block.pass();
        }
        let Some(start) = start else { return self.close_finished(done) };
        if start.family == start::Family::Single {
            let count = self.singles.entry(start.kind).or_default();
            *count += 1;
            if *count > single::MOST_OF_A_KIND {
                return self.close_finished(done);
            }
        }
        self.make_room(&start, line, done);
        let mut block = Block::open(&start, line, self.count);
        let over = block.learn(head, Some(&start), shape);
        if over {
            done.push(block.finish())
        } else {
            self.open.push(block)
        }
        true
    }

    /// The boot or the file has ended: hands out what is still open, as far as it got.
    pub(crate) fn flush(&mut self, done: &mut Vec<Report>) {
        done.extend(self.open.drain(..).map(Block::finish));
        self.singles.clear();
    }

    /// The open report this line belongs to: the one that still misses it, then the one fed last.
    fn candidate(&self, head: &str, start: Option<&Start>, shape: Shape, line: &KernelLine<'_>) -> Option<usize> {
        let fits = self.open.iter().enumerate().filter_map(|(at, block)| {
            let fit = block.fit(head, start, shape, line)?;
            Some(((fit, u64::MAX - block.fed), at))
        });
        fits.min().map(|(_, at)| at)
    }

    fn feed(
        &mut self,
        at: usize,
        head: &str,
        start: Option<Start>,
        shape: Shape,
        line: &KernelLine<'_>,
        done: &mut Vec<Report>,
    ) -> bool {
        match self.open[at].take(head, start.as_ref(), shape, line, self.count) {
            Answer::Perhaps => false,
            Answer::Mine => true,
            Answer::Last => {
                let block = self.open.remove(at);
                done.push(block.finish());
                true
            }
        }
    }

    /// Hands out the reports that have ended and wait for nothing that can still come.
    fn close_finished(&mut self, done: &mut Vec<Report>) -> bool {
        self.close(|block| block.passed_by(), done);
        false
    }

    /// Ends what a silence, a clock that starts again or sheer length has ended.
    fn expire(&mut self, line: &KernelLine<'_>, done: &mut Vec<Report>) {
        self.close(|block| block.expired(line), done);
    }

    /// A new report begins: what it ends is handed out.
    fn make_room(&mut self, start: &Start, line: &KernelLine<'_>, done: &mut Vec<Report>) {
        for block in &mut self.open {
            block.witness(start);
        }
        self.close(|block| block.ended_by(start, line), done);
        if self.open.len() >= MOST_OPEN {
            let block = self.open.remove(0);
            done.push(block.finish());
        }
    }

    fn close(&mut self, test: impl Fn(&Block) -> bool, done: &mut Vec<Report>) {
        if self.open.iter().any(&test) {
            let (over, open) = std::mem::take(&mut self.open).into_iter().partition(test);
            self.open = open;
            let over: Vec<Block> = over;
            done.extend(over.into_iter().map(Block::finish));
        }
    }
}
