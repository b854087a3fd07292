//! `vmcore-dmesg`: the ring buffer of a kernel that has died, as kdump saves it.
//!
//! ```text
//! [2344268.402318] ------------[ cut here ]------------
//! [2344268.409118] kernel BUG at /build/linux-SwhOyu/linux-4.4.0/include/linux/fs.h:2582!
//! [    0.000000] [      T0] Linux version 6.12.107+deb13-amd64
//! ```
//!
//! kexec-tools prints the inner lines of a record bare, makedumpfile indents them. The file ends where the crash kernel took
//! over, most often before `---[ end trace` and without any `Kernel panic`. Skipped: nothing. Units: microseconds.
//! Time: the kernel's clock only; the name of the crash directory says when the dump was saved, in the zone of the capture
//! kernel: an upper bound for everything in it.
//!
//! Source: `util_lib/elf_info.c` of kexec-tools 2.0.29; `makedumpfile --dump-dmesg` 1.7.2 and 1.7.6; kdump-utils and Debian's
//! kdump-tools for the directories.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use timeline::{Carrier, Fact, MemberRecords, Record, Row, Stamp, relation};

use crate::dmesg::{self, Dmesg, Loose};
use crate::log::Log;
use crate::{Certainty, Chunk, Format, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "vmcore-dmesg",
    produced_by: "vmcore-dmesg, makedumpfile --dump-dmesg",
    samples: &["[    0.000000] [      T0] Linux version 6.12.107+deb13-amd64 (debian) (gcc-14) #1 SMP\n\
        [    0.000000] [      T0] Command line: quiet\n"],
    recognizes,
    reading: Reading::Stream(|origin| {
        let reader = Dmesg::new(Log::new(origin, Carrier::Kmsg), Loose::Continuation);
        Box::new(Dump { origin: origin.clone(), reader, saved: saved(&origin.path) })
    }),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let name = sniff.file_name();
    // the log of the capture kernel lies beside the one of the dead
    if name.starts_with("kexec-dmesg") {
        return Certainty::No;
    }
    let dump = name.starts_with("vmcore-dmesg") || saved(sniff.path).is_some() && name.starts_with("dmesg");
    // makedumpfile sets the caller apart by a space and eight columns, which no kernel does
    let spaced = |it: &str| it.split_once("] [").is_some_and(|(_, it)| it.as_bytes().get(8) == Some(&b']'));
    if dump || sniff.share(50, spaced) > 0.8 { (dmesg::FORMAT.recognizes)(sniff) } else { Certainty::No }
}

struct Dump {
    origin: Origin,
    reader: Dmesg<Log>,
    /// What the directory's name says, until it is told.
    saved: Option<Stamp>,
}

impl Reader for Dump {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.reader.chunk(chunk);
        for line in chunk.lines() {
            if let Some(stamp) = self.saved.take_if(|_| !line.text.trim().is_empty()) {
                let row = Row::new(&relation::COLLECTED).with("command", "crash directory");
                let fact = Fact::new(row, self.origin.node.clone(), self.origin.quote(&line));
                out.records.push(Record::Fact(Box::new(fact), stamp));
            }
            self.reader.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.reader.end(out);
    }
}

/// `127.0.0.1-2020-06-14-13:14:40` (RHEL), `202006141314` (Debian, Ubuntu), `2020-06-14-13:14` (SUSE): the nearest folder that
/// names an instant.
fn saved(path: &str) -> Option<Stamp> {
    let mut folders = path.rsplit('/').skip(1);
    folders.find_map(|folder| {
        // archives and Windows do not keep colons: `13_14_40`, `13%3A14%3A40`
        let folder = folder.replace("%3A", ":").replace('_', ":");
        dashed(&folder).or_else(|| digits(&folder))
    })
}

/// The `2020-06-14-13:14:40` at the end of a name
fn dashed(folder: &str) -> Option<Stamp> {
    for (len, format, secs) in [(19, "%Y-%m-%d-%H:%M:%S", 1), (16, "%Y-%m-%d-%H:%M", 60)] {
        let Some(text) = folder.len().checked_sub(len).and_then(|at| folder.get(at..)) else { continue };
        let text = if len == 16 { format!("{text}:00") } else { text.to_owned() };
        let format = if len == 16 { "%Y-%m-%d-%H:%M:%S" } else { format };
        if let Ok(local) = NaiveDateTime::parse_from_str(&text, format) {
            return Some(Stamp::Zoneless { local, resolution: TimeDelta::seconds(secs), abbreviation: None });
        }
    }
    None
}

/// The `202006141314` that a name is, or ends with after a host and a dash
fn digits(folder: &str) -> Option<Stamp> {
    let text = folder.rsplit('-').next()?;
    if text.len() != 12 || !text.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let year = i32::try_from(part(0, 4)?).ok().filter(|it| (2000..2100).contains(it))?;
    let local = NaiveDate::from_ymd_opt(year, part(4, 6)?, part(6, 8)?)?.and_hms_opt(part(8, 10)?, part(10, 12)?, 0)?;
    Some(Stamp::Zoneless { local, resolution: TimeDelta::minutes(1), abbreviation: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_crash_directories() {
        let is = |path, want: &str| match saved(path) {
            Some(Stamp::Zoneless { local, resolution, .. }) => {
                assert_eq!(format!("{local} {}", resolution.num_seconds()), want, "{path}");
            }
            other => assert_eq!(format!("{other:?}"), want, "{path}"),
        };
        is("var/crash/127.0.0.1-2020-06-14-13:14:40/vmcore-dmesg.txt", "2020-06-14 13:14:40 1");
        is("var/crash/10.0.0.7-2020-06-14-13_14_40/vmcore-dmesg.txt", "2020-06-14 13:14:40 1");
        is("n1/var/crash/202006141314/dmesg.202006141314", "2020-06-14 13:14:00 60");
        is("var/crash/node7-202006141314/dmesg.202006141314", "2020-06-14 13:14:00 60");
        is("var/crash/2020-06-14-13:14/dmesg.txt", "2020-06-14 13:14:00 60");
        is("var/crash/202013141314/dmesg", "None");
        is("vmcore-dmesg.txt", "None");
        is("a/123456789012/x", "None");
    }
}
