//! pstore: what a dying kernel wrote into the memory of its firmware.
//!
//! ```text
//! Panic#2 Part1
//! <4>[38000.274380] CPU: 3 PID: 2213 Comm: dockerd Not tainted 4.4.0-104-generic #127-Ubuntu
//! <0>[38000.274390] Kernel panic - not syncing: Fatal exception
//! ```
//!
//! A record that does not fit is cut in parts, of which `Part1` holds the newest lines; each file is read for itself.
//! `dmesg-efi-159214047801001` is called after the instant: seconds since the epoch, part and count in decimal digits.
//! Skipped: compressed records (`.enc.z`). Units: microseconds. Time: the kernel's clock; a name of EFI puts the last line
//! of the newest part on the wall clock, to the second and as right as the clock of the firmware is.
//!
//! Source: fs/pstore/platform.c and drivers/firmware/efi/efi-pstore.c of Linux 3.10 to 7.2.

use timeline::{Carrier, Fact, MemberRecords, Quote, Record, Row, Stamp, relation};

use crate::dmesg::{self, Dmesg, Loose};
use crate::log::Log;
use crate::state::first_line;
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff, kernel};

pub(crate) static FORMAT: Format = Format {
    name: "pstore",
    produced_by: "/sys/fs/pstore/dmesg-*, /var/lib/systemd/pstore",
    samples: &["Panic#2 Part1\n<4>[38000.274380] CPU: 3 PID: 2213 Comm: dockerd Not tainted 4.4.0-104-generic #127-Ubuntu\n\
        <0>[38000.274390] Kernel panic - not syncing: Fatal exception\n"],
    recognizes: |sniff: &Sniff<'_>| match first_line(sniff.text) {
        Some(first) if dmesg::is_pstore_head(first) => Certainty::Sure,
        _ => Certainty::No,
    },
    reading: Reading::Stream(|origin| {
        let reader = Dmesg::new(Log::new(origin, Carrier::Kmsg), Loose::Foreign);
        Box::new(Dump { origin: origin.clone(), reader, saved: saved(&origin.path), last: None })
    }),
};

/// Bytes of the last line that are kept.
const MOST_BYTES: usize = 4096;

struct Dump {
    origin: Origin,
    reader: Dmesg<Log>,
    /// Seconds since the epoch, as the file is called.
    saved: Option<i64>,
    /// The last line with a stamp of the kernel's.
    last: Option<(u64, Quote)>,
}

impl Reader for Dump {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.reader.chunk(chunk);
        for line in chunk.lines() {
            if self.saved.is_some() {
                self.note(&line);
            }
            self.reader.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        if let (Some(secs), Some((micros, quote))) = (self.saved, self.last.take()) {
            let epoch_micros = secs.saturating_mul(1_000_000);
            let row = Row::new(&relation::ANCHOR)
                .with("micros", i64::try_from(micros).unwrap_or(i64::MAX))
                .with("epoch_micros", epoch_micros)
                // the second is cut off, and the clock of the firmware is read
                .with("error_micros", 2_000_000_i64)
                .with("how", "pstore");
            let fact = Fact::new(row, self.origin.node.clone(), quote);
            out.records.push(Record::Fact(Box::new(fact), Stamp::epoch_micros(epoch_micros)));
        }
        self.reader.end(out);
    }
}

impl Dump {
    fn note(&mut self, line: &Line<'_>) {
        if let Some(prefix) = kernel::prefix(line.text).filter(|_| line.text.len() <= MOST_BYTES) {
            self.last = Some((prefix.micros, self.origin.quote(line)));
        }
    }
}

/// `dmesg-efi-159214047801001`, `dmesg-efi_pstore-159214047801001`: when the newest part was saved. Older parts end earlier,
/// nobody knows how much.
fn saved(path: &str) -> Option<i64> {
    let name = path.rsplit('/').next()?;
    let name = name.strip_suffix(".txt").unwrap_or(name);
    let id = name.strip_prefix("dmesg-efi-").or_else(|| name.strip_prefix("dmesg-efi_pstore-"))?;
    let id: i64 = if id.len() >= 14 { id.parse().ok()? } else { return None };
    let (secs, part) = (id / 100_000, id / 1000 % 100);
    // a clock that was set at all
    (part == 1 && (946_684_800..4_102_444_800).contains(&secs)).then_some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, shown};

    #[test]
    fn the_name_of_a_record_is_a_clock() {
        let columns = ["micros", "epoch_micros", "how"];
        let of = |path: &str| shown(&read_at(&FORMAT, path, FORMAT.samples[0]), "clock.anchor", columns);
        assert_eq!(of("sys/fs/pstore/dmesg-efi-159214047801001"), ["38000274390 1592140478000000 pstore"]);
        assert_eq!(of("dmesg-efi_pstore-159214047801002.txt"), ["38000274390 1592140478000000 pstore"]);
        // an older part, another store, a clock that was never set
        for path in ["dmesg-efi-159214047802001", "dmesg-erst-6830000000000000001", "dmesg-efi-12301001", "dmesg-ramoops-0"] {
            assert_eq!(of(path), [""; 0], "{path}");
        }
    }

    #[test]
    fn a_record_is_read_as_the_kernels_log() {
        let out = read_at(&FORMAT, "dmesg-ramoops-0", FORMAT.samples[0]);
        assert_eq!(out.tally.lines, out.tally.understood);
        assert_eq!(shown(&out, "kernel.report", ["kind", "title"]), [""; 0], "reports are events until a boot is built");
        let kinds: Vec<String> = crate::testing::events(&out)
            .filter_map(|it| it.row.as_ref().map(|row| row.get("kind").to_string()))
            .collect();
        assert_eq!(kinds, ["panic"]);
    }
}
