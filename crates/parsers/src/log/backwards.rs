//! Kernel lines of a file that runs backwards.
//!
//! ```text
//! Sep  9 02:23:20 node-a kernel: Out of memory: Killed process 999 (python3) total-vm:14480000kB, …
//! Sep  9 02:23:20 node-a kernel: python3 invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0, …
//! ```
//!
//! `journalctl -r` and what log stores export print the newest line first. The lines of a report say nothing in this order,
//! so they are kept until their boot ends and are then read in the order in which the kernel wrote them. Until then they are
//! entries like others; those that turn out to be part of a report are taken out again. All machines of a file share what may be
//! held back ([`crate::Origin::hold_bytes`]).

use timeline::{MemberRecords, Record, Source, Stamp};

use super::{Log, quote};
use crate::Line;
use crate::kernel::KernelLine;

/// What a kept line takes besides its text.
const EACH_BYTES: usize = 128;

/// The kernel lines of one host since its boot ended, newest first.
#[derive(Default)]
pub(super) struct Backwards {
    lines: Vec<Kept>,
    bytes: usize,
    /// There were more.
    over: bool,
}

struct Kept {
    text: Box<str>,
    micros: Option<u64>,
    caller: Option<Box<str>>,
    stamp: Stamp,
    line: Box<str>,
    start: u64,
    number: u32,
}

impl Backwards {
    /// Keeps a line while there is room for it.
    pub(super) fn keep(
        &mut self,
        room: &mut usize,
        text: &str,
        micros: Option<u64>,
        caller: Option<&str>,
        stamp: &Stamp,
        line: &Line<'_>,
    ) {
        let bytes = text.len() + line.text.len() + EACH_BYTES;
        let Some(left) = room.checked_sub(bytes) else {
            self.over = true;
            return;
        };
        *room = left;
        self.bytes += bytes;
        self.lines.push(Kept {
            text: text.into(),
            micros,
            caller: caller.map(Box::from),
            stamp: *stamp,
            line: line.text.into(),
            start: line.start,
            number: line.number,
        });
    }
}

impl Log {
    /// A boot ends, or begins in a file that runs backwards: puts the reports of its kernel together.
    pub(super) fn read_backwards(&mut self, host: usize, out: &mut MemberRecords) {
        let kept = std::mem::take(&mut self.hosts[host].backwards);
        self.backwards_room += kept.bytes;
        let origin = &self.origin;
        for it in kept.lines.iter().rev() {
            let quote = || quote(origin, &it.line, it.start, it.number);
            let line = KernelLine {
                text: &it.text,
                micros: it.micros,
                caller: it.caller.as_deref(),
                stamp: &it.stamp,
                quote: &quote,
            };
            if self.hosts[host].reports.line(&line, &mut self.done) {
                self.parts.push(it.start);
            }
        }
        if kept.over {
            let why = "newest line first: reports of the older kernel lines were not put together";
            out.issue(self.origin.member, 0, why);
            let of_kernel = self.hosts[host].seen.iter_mut().filter(|it| it.0 == Source::Kernel);
            of_kernel.for_each(|it| it.1.incomplete = Some(why.to_owned()));
        }
    }

    /// The file has ended: entries that were lines of a report are none.
    pub(super) fn without_parts(&mut self, out: &mut MemberRecords) {
        let mut parts = std::mem::take(&mut self.parts);
        if parts.is_empty() {
            return;
        }
        parts.sort_unstable();
        out.records.retain(|it| match it {
            Record::Event(event) => event.row.is_some() || parts.binary_search(&event.quote.span.start).is_err(),
            Record::Fact(..) | Record::Series(_) => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_machines_of_a_file_share_the_room() {
        let line = Line { text: "node-a kernel: device veth0 left promiscuous mode", start: 0, number: 1 };
        let mut room = 2 * (line.text.len() + 4 + EACH_BYTES);
        let mut hosts = [Backwards::default(), Backwards::default()];
        for host in [0, 1, 1, 0] {
            hosts[host].keep(&mut room, "text", None, None, &Stamp::None, &line);
        }
        assert_eq!(hosts.each_ref().map(|it| (it.lines.len(), it.over)), [(1, true), (1, true)]);
        assert_eq!((room, hosts[0].bytes), (0, line.text.len() + 4 + EACH_BYTES));
    }
}
