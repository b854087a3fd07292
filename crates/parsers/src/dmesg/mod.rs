//! `dmesg`: the kernel's ring buffer, as text of any mode, as records of `/dev/kmsg`, or from a serial console.
//!
//! ```text
//! [    0.000000] Linux version 5.4.219-1.el7.elrepo.x86_64 (mockbuild@Build64R7) (gcc version 9.3.1) #1 SMP
//! [Fri Nov 20 09:59:59 2026] device veth93c7da8e entered promiscuous mode
//! kern  :warn  : [    4.274377] crashme: loading out-of-tree module taints kernel.
//! 2026-11-20T09:59:55,685619+00:00 devtmpfs: initialized
//! <6>[    0.741095] devtmpfs: initialized
//! 12,379,4275432,-;multi\x0aline kmsg write
//! ```
//!
//! A line without a stamp continues the record before it where it is indented, and where it is of a dump of registers or of
//! a list of modules; else, on a serial console, it is of somebody else (the init script, a login prompt) and not understood.
//! Rules that a recorder drew between records (`--DGRAM 193--`) are known. Lines of programs that write to the kernel's log keep their
//! own name (`systemd[1]: …`). Skipped: the device dictionary of `/dev/kmsg`; escapes of `dmesg` (`\x01`), which cannot be
//! undone. Units: microseconds. Time: the kernel's clock; `-T` and iso are wall clock, computed by dmesg when it ran;
//! deltas alone (`-d`) tell no time.
//!
//! Source: sys-utils/dmesg.c of util-linux 2.36 to 2.42; Documentation/ABI/testing/dev-kmsg; fs/pstore of Linux.

mod json;
mod line;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use line::{Parsed, When};
use timeline::{Carrier, MemberRecords, Severity, Stamp};

use crate::log::{Entry, Log, Number};
use crate::{Certainty, Chunk, Format, Line, Reader, Reading, Sniff, kernel};

/// Lines kept until one shows a stamp; a log without any is read as `dmesg --notime`.
const MOST_UNDECIDED: usize = 200;

/// The kernel's clock still stands near zero when the first lines are printed.
const EARLY_MICROS: u64 = 1_000_000;

pub(crate) static FORMAT: Format = Format {
    name: "dmesg",
    produced_by: "dmesg, /dev/kmsg, a serial console",
    samples: &[
        "[    0.000000] Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n[    0.000000] Command line: quiet\n",
        "[Fri Nov 20 09:59:55 2026] Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n",
        "kern  :info  : [    0.741095] devtmpfs: initialized\n",
        "6,127,321352,-;landlock: Up and running.\n SUBSYSTEM=acpi\n",
        "--DGRAM 48--\n6,127,321352,-;landlock: Up and running.\n--DGRAM 46--\n6,128,321360,-;Yama: becoming mindful.\n",
        "Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\nCommand line: quiet\nBIOS-provided physical RAM map:\n",
    ],
    recognizes,
    reading: Reading::Stream(|origin| Box::new(Dmesg::new(Log::new(origin, Carrier::Kmsg), Loose::Foreign))),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.text.trim_start().starts_with('{') {
        let head = sniff.text.get(..200).unwrap_or(sniff.text);
        return if head.contains("\"dmesg\"") { Certainty::Sure } else { Certainty::No };
    }
    if is_bare_boot(sniff.text) {
        return Certainty::Sure;
    }
    let marks = sniff.share(400, is_mark);
    // the dictionary of a record of `/dev/kmsg` has more lines than the record itself
    let words = if sniff.text.contains(",-;") || sniff.text.contains(",c;") { sniff.share(400, is_word) } else { 0.0 };
    let stamped = sniff.share(400, |it| line::parse(&line::plain(it)).is_some()) / (1.0 - marks - words).max(0.01);
    // `journalctl -o short-monotonic` prints the host and the program after the same bracket
    let journal = sniff.share(400, |it| {
        line::parse(it).is_some_and(|it| {
            let mut words = it.text.split(' ');
            let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            first == "kernel:" || second == "kernel:" || second.ends_with("]:") && !first.ends_with(':')
        })
    });
    let boots = sniff.text.contains("] Linux version ");
    if stamped > 0.0 && journal > stamped * 0.4 {
        return Certainty::No;
    }
    let apache = sniff.share(50, |it| it.starts_with('[') && it.contains("] [") && !it.contains(" T0] ") && line::parse(it).is_some_and(|it| matches!(it.when, When::Wall(_))));
    if apache > 0.5 {
        Certainty::No
    } else if stamped > 0.6 {
        Certainty::Sure
    } else if stamped > 0.25 && boots {
        Certainty::Likely
    } else if kernel::share_of_report(sniff.text) > 0.6 {
        // a report somebody pasted
        Certainty::Likely
    } else if sniff.file_name().contains("dmesg") && (stamped > 0.1 || sniff.text.contains("Linux version ")) {
        Certainty::Maybe
    } else {
        Certainty::No
    }
}

/// `dmesg --notime` from the beginning of a boot; `/proc/version` is its first line alone.
fn is_bare_boot(text: &str) -> bool {
    let mut lines = text.lines().filter(|it| !it.trim().is_empty()).map(|it| kernel::priority(it).map_or(it, |it| it.1));
    let booting = |it: &str| it.starts_with("Linux version ") || it.starts_with("Booting Linux on ");
    let command = |it: &str| it.starts_with("Command line: ") || it.starts_with("Kernel command line: ");
    lines.next().is_some_and(booting) && lines.take(100).any(command)
}

/// `--DGRAM 193--`, `=== 10.0.0.5 ===`: a rule that a recorder drew between what it received.
fn is_mark(text: &str) -> bool {
    let text = text.trim_end();
    let ruled = ["--", "==", "##", "**"].iter().any(|it| text.len() > 4 && text.starts_with(it) && text.ends_with(it));
    ruled && text.len() <= 100 && !text.contains("[ cut here ]") && !text.contains("[ end ")
}

/// `Oops#1 Part1`, `Panic#2 Part 1`: the first line of a pstore record.
pub(crate) fn is_pstore_head(line: &str) -> bool {
    let Some((reason, rest)) = line.split_once('#') else { return false };
    let Some((count, part)) = rest.split_once(" Part") else { return false };
    let digits = |it: &str| !it.is_empty() && it.len() < 8 && it.bytes().all(|it| it.is_ascii_digit());
    ["Oops", "Panic", "Emergency", "Unknown", "Restart", "Halt", "Poweroff", "Shutdown"].contains(&reason)
        && digits(count)
        && digits(part.trim())
}

/// What a line without any stamp is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loose {
    /// Of somebody else, unless it is indented.
    Foreign,
    /// Part of the record before it: `vmcore-dmesg` prints inner lines bare.
    Continuation,
}

/// Where entries go: the log, or a test.
pub(crate) trait Sink: Send {
    /// The lines of a chunk are about to come.
    fn chunk(&mut self, _chunk: &Chunk<'_>) {}
    fn entry(&mut self, entry: Entry<'_>, out: &mut MemberRecords);
    fn continuation(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords);
    /// The number that the carrier gave the next entry.
    fn number(&mut self, _number: Number) {}
    fn member(&self) -> timeline::MemberId;
    fn finish(&mut self, out: &mut MemberRecords);
}

impl Sink for Log {
    fn chunk(&mut self, chunk: &Chunk<'_>) {
        Log::chunk(self, chunk);
    }

    fn entry(&mut self, entry: Entry<'_>, out: &mut MemberRecords) {
        Log::entry(self, entry, out);
    }

    fn continuation(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        Log::continuation(self, line, text, out);
    }

    fn number(&mut self, number: Number) {
        Log::number(self, number);
    }

    fn member(&self) -> timeline::MemberId {
        Log::member(self)
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        Log::finish(self, out);
    }
}

/// Reads kernel lines of any mode.
pub(crate) struct Dmesg<S> {
    log: S,
    loose: Loose,
    /// Lines before the first stamp.
    undecided: Vec<(String, Line<'static>)>,
    mode: Mode,
    /// Whether the first entry has been seen.
    begun: bool,
    /// The minute printed last by `dmesg -H`.
    minute: Stamp,
    /// Width of the prefix of the last record, for its continuation lines.
    width: usize,
    /// Whether the last record is a list of modules, which some loggers wrap.
    modules: bool,
    json: json::Record,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Unknown,
    Stamped,
    Bare,
    Json,
}

impl<S: Sink> Dmesg<S> {
    pub(crate) fn new(log: S, loose: Loose) -> Dmesg<S> {
        Dmesg {
            log,
            loose,
            undecided: Vec::new(),
            mode: Mode::Unknown,
            begun: false,
            minute: Stamp::None,
            width: 0,
            modules: false,
            json: json::Record::default(),
        }
    }

    /// The lines of a chunk are about to come.
    pub(crate) fn chunk(&mut self, chunk: &Chunk<'_>) {
        self.log.chunk(chunk);
    }

    /// Takes the next line.
    pub(crate) fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        if self.mode == Mode::Unknown && line.text.trim_start().starts_with('{') && self.undecided.is_empty() {
            self.mode = Mode::Json;
        }
        match self.mode {
            Mode::Json => return self.json_line(line, out),
            Mode::Bare => return self.bare(line, out),
            Mode::Unknown | Mode::Stamped => {}
        }
        let plain = line::plain(line.text);
        match line::parse(&plain).or_else(|| within(&plain)) {
            Some(parsed) => {
                if self.mode == Mode::Unknown {
                    self.mode = Mode::Stamped;
                    for (text, line) in std::mem::take(&mut self.undecided) {
                        self.unstamped(Line { text: &text, ..line }, out);
                    }
                }
                self.stamped(parsed, line, out);
            }
            None if self.mode == Mode::Stamped || is_pstore_head(&plain) => self.unstamped(line, out),
            None => {
                self.undecided.push((line.text.to_owned(), Line { text: "", ..line }));
                if self.undecided.len() >= MOST_UNDECIDED {
                    self.give_up_stamps(out);
                }
            }
        }
    }

    /// The member has ended.
    pub(crate) fn end(&mut self, out: &mut MemberRecords) {
        self.give_up_stamps(out);
        self.log.finish(out);
    }

    /// No line has a stamp: all are the kernel's.
    fn give_up_stamps(&mut self, out: &mut MemberRecords) {
        if self.mode == Mode::Unknown {
            self.mode = Mode::Bare;
            for (text, line) in std::mem::take(&mut self.undecided) {
                self.bare(Line { text: &text, ..line }, out);
            }
        }
    }

    fn stamped(&mut self, parsed: Parsed<'_>, line: Line<'_>, out: &mut MemberRecords) {
        let Parsed { when, pri, text, width, number, piece } = parsed;
        self.width = width;
        if piece {
            return self.log.continuation(line, &text, out);
        }
        self.modules = text.starts_with("Modules linked in:");
        if let Some(number) = number {
            self.log.number(Number { sequence: 0, number, least: 1 });
        }
        let (stamp, micros) = match when {
            When::Kernel(micros) => (Stamp::Monotonic { micros }, Some(micros)),
            When::Since => (Stamp::None, None),
            When::Later => (self.minute, None),
            When::Minute(stamp) => {
                self.minute = stamp;
                (stamp, None)
            }
            When::Wall(stamp) => (stamp, None),
        };
        self.entry(text, stamp, micros, pri, line, out);
    }

    /// A ring that has wrapped no longer holds the beginning of the boot. What it does hold it holds whole, so this is
    /// worth a note but no gap.
    fn judge_first(&mut self, text: &str, micros: Option<u64>, line: &Line<'_>, out: &mut MemberRecords) {
        let begins = ["Linux version ", "Booting Linux", "Initializing cgroup", "microcode: ", "random: get_random"];
        if !begins.iter().any(|it| text.starts_with(it)) && micros.is_none_or(|it| it > EARLY_MICROS) {
            let what = "the beginning of the boot is missing: the kernel's ring buffer had wrapped, or was cleared";
            out.issue(self.log.member(), line.number, what);
        }
    }

    fn entry(
        &mut self,
        text: Cow<'_, str>,
        stamp: Stamp,
        micros: Option<u64>,
        pri: Option<u32>,
        line: Line<'_>,
        out: &mut MemberRecords,
    ) {
        if !std::mem::replace(&mut self.begun, true) {
            self.judge_first(&text, micros, &line, out);
        }
        let program = program(&text, pri).map(|(ident, pid, rest)| (ident.to_owned(), pid, rest.to_owned()));
        let (ident, pid, message, speaker) = match program {
            Some((ident, pid, rest)) => (Cow::Owned(ident), pid, Cow::Owned(rest), 0),
            None => (Cow::Borrowed("kernel"), None, text, 1),
        };
        let severity = pri.and_then(|it| Severity::from_number(it & 7));
        let entry =
            Entry { stamp, micros, host: None, ident: Some(ident), unit: None, pid, severity, speaker, boot: None, message, line };
        self.log.entry(entry, out);
    }

    /// A line without a stamp among lines with one.
    fn unstamped(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        let text = line::plain(line.text);
        let text: &str = &text;
        if text.trim().is_empty() {
            return;
        }
        let indent = text.len() - text.trim_start_matches(' ').len();
        // makedumpfile, dmesg and `-x` indent by the width of the prefix
        if indent >= 15 || self.width > 0 && indent >= self.width {
            let cut = if self.width > 0 { self.width.min(indent) } else { indent };
            self.log.continuation(line, &text[cut..], out);
        } else if is_aside(text) {
            out.tally.lines += 1;
            out.tally.understood += 1;
        } else if self.loose == Loose::Continuation || kernel::is_dump(text) || self.modules && is_modules(text) {
            self.log.continuation(line, text, out);
        } else {
            out.tally.lines += 1;
            out.tally.odd_bytes += text.len() as u64;
        }
    }

    fn bare(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        if !line.text.trim().is_empty() {
            let text = line::plain(line.text);
            // what `dmesg -r` or `-x` leaves of a kernel without printk.time
            let (pri, text) = match kernel::priority(&text) {
                Some((pri, rest)) => (Some(pri), Cow::Owned(rest.to_owned())),
                None => (None, text),
            };
            self.entry(text, Stamp::None, None, pri, line, out);
        }
    }

    fn json_line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        if line.text.trim().is_empty() {
            return;
        }
        match self.json.line(line.text) {
            json::Said::Message { text, micros, pri } => {
                let stamp = micros.map_or(Stamp::None, |micros| Stamp::Monotonic { micros });
                self.entry(text.into(), stamp, micros, pri, line, out);
            }
            json::Said::Part => {
                out.tally.lines += 1;
                out.tally.understood += 1;
            }
            json::Said::Nothing => {
                out.tally.lines += 1;
                out.tally.odd_bytes += line.text.len() as u64;
            }
        }
    }
}

impl<S: Sink> Reader for Dmesg<S> {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.log.chunk(chunk);
        for line in chunk.lines() {
            self.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.end(out);
    }
}

/// `login: [   12.345678] device eth0 …`: a console prints the kernel's line wherever the cursor stands.
fn within(line: &str) -> Option<Parsed<'_>> {
    let at = memchr::memchr_iter(b'[', line.as_bytes()).skip_while(|at| *at == 0).take(4);
    at.filter_map(|at| kernel::prefix(&line[at..])).next().map(|it| {
        let text = it.text;
        Parsed { when: When::Kernel(it.micros), pri: None, text: text.into(), width: 0, number: None, piece: false }
    })
}

/// `c_core video(OE) [last unloaded: scsi_wait_scan]`: more of a list of modules
fn is_modules(text: &str) -> bool {
    let list = text.split_once(" [last unloaded: ").map_or(text, |it| it.0);
    let module = |it: &str| {
        let name = it.split('(').next().unwrap_or_default();
        !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-')
    };
    list.split_ascii_whitespace().all(module)
}

/// ` SUBSYSTEM=acpi`: a word of the dictionary of `/dev/kmsg`.
fn is_word(text: &str) -> bool {
    text.strip_prefix(' ').and_then(|it| it.split_once('=')).is_some_and(|(key, _)| {
        !key.is_empty() && key.bytes().all(|it| it.is_ascii_uppercase() || it == b'_')
    })
}

/// Lines that belong to the carrier: the dictionary of `/dev/kmsg`, the frame of pstore.
fn is_aside(text: &str) -> bool {
    is_word(text) || is_mark(text) || is_pstore_head(text) || text.trim_start_matches("ECC: ").starts_with("No errors detected")
}

/// `systemd[1]: Detected virtualization kvm.`: a program that writes to the kernel's log.
///
/// The facility says so where it is printed. Else only names that are surely no kernel subsystem do: the kernel writes
/// `java[2979]: segfault at 10` itself.
fn program(text: &str, pri: Option<u32>) -> Option<(&str, Option<u32>, &str)> {
    let may_be = match pri {
        Some(pri) => pri >= 8,
        None => text.starts_with("systemd") || text.starts_with("dracut"),
    };
    if !may_be {
        return None;
    }
    let (tag, rest) = text.split_once(": ")?;
    let (ident, pid) = match tag.split_once('[') {
        Some((ident, pid)) => (ident, Some(pid.strip_suffix(']')?.parse().ok()?)),
        None => (tag, None),
    };
    let named = ident == "systemd" || ident.starts_with("systemd-") || ident == "dracut" || ident.starts_with("dracut-");
    let theirs = (pri.is_some() || named) && pid.is_some();
    let word = !ident.is_empty() && !ident.contains(char::is_whitespace);
    (theirs && word).then_some((ident, pid, rest))
}
