//! `journalctl`: the journal as text, in any of the short modes.
//!
//! ```text
//! -- Logs begin at Fri 2020-05-15 03:12:40 CST, end at Sun 2020-06-14 15:22:30 CST. --
//! Jun 14 13:14:38 node-a kubelet[2877]: runtime: failed to create new OS thread (have 5 already; errno=11)
//!                                       fatal error: newosproc
//! Jun 14 13:14:38 node-a kernel: kernel BUG at include/linux/fs.h:2582!
//! -- Reboot --
//! Jun 14 13:15:06 node-a systemd-journald[623]: Journal started
//! ```
//!
//! Reads `-o short`, `short-precise`, `short-iso`, `short-iso-precise`, `short-full`, `with-unit`, `short-unix`,
//! `short-monotonic` and `short-delta` of every systemd version, with colours, in several languages, newest first, and
//! joined from several nodes. A further line of a message is indented by exactly the length of its head. Skipped: the
//! explanations of `--catalog`. Time: `short` prints neither year nor zone, `short-full` the zone's abbreviation, the
//! monotonic modes the time since boot.
//!
//! Source: `src/shared/logs-show.c` and `src/journal/journalctl.c` of systemd.

use timeline::{Carrier, MemberRecords, Row, relation};

use crate::log::head::{self, Heads, Mode, Style};
use crate::log::{Entry, Log, Marker};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "journal-text",
    produced_by: "journalctl [-u UNIT] [-k] [-o short-…]",
    samples: &[
        "-- Logs begin at Fri 2020-05-15 03:12:40 UTC, end at Sun 2020-06-14 15:22:30 UTC. --\n\
         Jun 14 13:14:37 node-a kubelet[2877]: I0614 13:14:37.190372    2877 kubelet.go:1883] SyncLoop (ADD, \"api\")\n\
         Jun 14 13:14:38 node-a kernel: device veth0 entered promiscuous mode\n\
         -- Reboot --\n\
         Jun 14 13:15:06 node-a systemd-journald[623]: Journal started\n",
        "[    5.034567] node-a kernel: device veth0 entered promiscuous mode\n\
         [    5.035567] node-a kubelet[2345]: started\n",
        "Sun 2020-06-14 13:14:31 UTC node-a kubelet.service[2345]: started\n",
        "-- No entries --\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

fn open(origin: &Origin) -> Box<dyn Reader> {
    let mut log = Log::new(origin, Carrier::Journal);
    if let Some(why) = filter(&origin.path) {
        log.limit(why);
    }
    Box::new(JournalText { origin: origin.clone(), heads: Heads::new(Style::Journal), log, prefix: 0, narrow: None })
}

/// `journalctl_-p_err`, `journalctl_--grep_oom`: what the command left out, as far as its file name tells.
fn filter(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if ["_-p_", "_-p3", "_-perr", "_--priority", "_-p="].iter().any(|it| name.contains(it)) {
        Some("filtered by priority")
    } else if ["_-g_", "_--grep"].iter().any(|it| name.contains(it)) {
        Some("filtered by text")
    } else {
        None
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut heads = Heads::new(Style::Journal);
    let (mut lines, mut good, mut padded, mut spaced, mut marker) = (0u32, 0u32, 0u32, 0u32, false);
    for line in sniff.text.lines().filter(|it| !it.trim().is_empty()).take(200) {
        let line = head::plain(line);
        if is_marker(&line) {
            marker = true;
            continue;
        }
        if is_aside(&line) || line.starts_with("   ") {
            continue;
        }
        lines += 1;
        let Some(head) = heads.read(&line).filter(|it| it.ident.is_some()) else { continue };
        good += 1;
        // journalctl writes `Jun 04`, syslog daemons `Jun  4`
        padded += u32::from(line.as_bytes().get(4) == Some(&b'0'));
        spaced += u32::from(line.get(3..5) == Some("  "));
        if heads.mode() == Some(Mode::Monotonic) && head.host.is_none() && head.ident != Some("kernel") {
            // `[    1.234567] usb 1-1: new device` is the kernel's own buffer
            good -= 1;
        }
    }
    let path = sniff.path.to_ascii_lowercase();
    if good == 0 {
        let empty = lines == 0 && marker && sniff.text.contains("-- No entries --");
        return if empty || (marker && lines <= 3) { Certainty::Likely } else { Certainty::No };
    }
    let share = f64::from(good) / f64::from(lines.max(1));
    if marker && share >= 0.5 {
        return Certainty::Sure;
    }
    let mode = heads.mode();
    if matches!(mode, Some(Mode::Monotonic)) && !dominated_by_hosts(sniff.text) {
        return Certainty::No;
    }
    let syslog_file = crate::syslog::is_syslog_path(&path);
    if share < 0.5 {
        return if path.contains("journal") && share >= 0.2 { Certainty::Maybe } else { Certainty::No };
    }
    match mode {
        Some(Mode::Full | Mode::Unix | Mode::Monotonic) => Certainty::Sure,
        Some(Mode::Short | Mode::Iso) if syslog_file || (spaced > 0 && padded == 0) => Certainty::Maybe,
        _ if path.contains("journal") || padded > 0 => Certainty::Sure,
        _ => Certainty::Likely,
    }
}

/// Whether the lines after `] ` begin with `host ident: `, not with the kernel's own words.
fn dominated_by_hosts(text: &str) -> bool {
    let (mut all, mut kernel, mut tagged) = (0u32, 0u32, 0u32);
    for line in text.lines().filter(|it| it.starts_with('[')).take(200) {
        let Some((_, rest)) = line.split_once("] ") else { continue };
        all += 1;
        let mut words = rest.split(' ');
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        kernel += u32::from(first == "kernel:" || second == "kernel:");
        tagged += u32::from(first.ends_with("]:") || second.ends_with("]:"));
    }
    all > 0 && (kernel + tagged) * 2 > all
}

/// `-- Reboot --`, `-- Logs begin at …`: lines only journalctl prints.
fn is_marker(line: &str) -> bool {
    line.starts_with("-- ")
        && (line == "-- Reboot --"
            || line == "-- No entries --"
            || line.starts_with("-- Boot ")
            || line.starts_with("-- Logs begin at ")
            || line.starts_with("-- Journal begins at ")
            || line.starts_with("-- cursor: "))
}

/// Explanations of `--catalog` and what journalctl says to its user.
fn is_aside(line: &str) -> bool {
    line.starts_with("-- ") || line == "--" || line.starts_with("░░") || is_hint(line)
}

/// Lines that say that somebody was not allowed to see everything.
fn is_hint(line: &str) -> bool {
    line.starts_with("Hint: You are currently not seeing messages")
        || line.starts_with("No journal files were found")
        || line.starts_with("No journal files were opened due to insufficient permissions")
        || line.starts_with("Failed to open files: ")
}

struct JournalText {
    origin: Origin,
    heads: Heads,
    log: Log,
    /// Length of the head of the last entry: how far its further lines are indented.
    prefix: usize,
    /// Whether this version indents by one byte less.
    narrow: Option<bool>,
}

impl Reader for JournalText {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.log.chunk(chunk);
        let coloured = memchr::memchr(0x1b, chunk.bytes).is_some();
        for line in chunk.lines() {
            if !coloured || !line.text.contains('\u{1b}') {
                self.line(line, line.text, out);
            } else {
                self.line(line, &head::plain(line.text), out);
            }
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.log.finish(out);
    }
}

impl JournalText {
    /// `text` is the line without colours.
    fn line(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        // a byte order mark stands before the first line only
        let text = if line.start == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        if text.starts_with("   ") && self.prefix > 0 {
            self.indented(line, text, out);
        } else if let Some(head) = self.heads.read(text) {
            self.prefix = head.message;
            let entry = Entry {
                stamp: head.stamp,
                micros: head.micros,
                host: head.host,
                ident: head.ident.map(Into::into),
                unit: None,
                pid: head.pid,
                severity: None,
                speaker: head.speaker,
                boot: None,
                message: text[head.message..].into(),
                line,
            };
            self.log.entry(entry, out);
        } else if text.starts_with("--") || text.starts_with("░░") {
            self.marker(line, text, out);
        } else if is_hint(text) {
            out.tally.lines += 1;
            out.tally.understood += 1;
            self.log.limit("whoever collected it was not allowed to see all messages");
        } else if text.trim().is_empty() {
            if self.prefix > 0 && !text.is_empty() {
                self.log.continuation(line, "", out);
            }
        } else {
            self.log.stray(line, out);
        }
    }

    /// A further line of the message before.
    fn indented(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        let blanks = text.bytes().take_while(|it| *it == b' ').count();
        if blanks == text.len() {
            return self.log.continuation(line, text.get(self.indent()..).unwrap_or_default(), out);
        }
        if self.narrow.is_none() && blanks + 1 >= self.prefix {
            // systemd 247 counts one less in the monotonic modes
            self.narrow = Some(blanks + 1 == self.prefix);
        }
        if blanks >= self.indent() {
            self.log.continuation(line, &text[self.indent()..], out);
        } else {
            self.log.stray(line, out);
        }
    }

    fn indent(&self) -> usize {
        self.prefix - usize::from(self.narrow == Some(true))
    }

    /// A line between dashes: a boundary, a header, or an explanation of the entry before.
    fn marker(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        let body = text.strip_prefix("-- ").and_then(|it| it.strip_suffix(" --")).unwrap_or_default();
        if body == "Reboot" {
            self.log.marker(Marker::Reboot, line, out);
        } else if body == "No entries" {
            self.log.marker(Marker::NoEntries, line, out);
        } else if let Some(id) = body.strip_prefix("Boot ").filter(|it| is_boot_id(it)) {
            self.log.marker(Marker::Boot(id), line, out);
        } else {
            out.tally.lines += 1;
            out.tally.understood += 1;
            self.range(line, body);
        }
    }

    /// `Logs begin at Fri 2022-02-11 18:58:10 UTC, end at Fri 2022-02-11 19:23:41 UTC.`
    fn range(&mut self, line: Line<'_>, body: &str) {
        let rest = body.strip_prefix("Logs begin at ").or_else(|| body.strip_prefix("Journal begins at "));
        let Some((begin, end)) = rest.map(|it| it.split_once(" end").unwrap_or((it, ""))) else { return };
        let end = end.strip_prefix('s').unwrap_or(end).strip_prefix(" at ").unwrap_or_default();
        if let Some((_, zone)) = head::full_stamp(end).or_else(|| head::full_stamp(begin)) {
            let row = Row::new(&relation::ZONE).with("name", zone);
            self.log.state_fact(row, timeline::Stamp::None, self.origin.quote(&line));
        }
        if let Some((stamp, _)) = head::full_stamp(end) {
            let row = Row::new(&relation::COLLECTED).with("command", "journal header");
            self.log.state_fact(row, stamp, self.origin.quote(&line));
        }
    }
}

/// `9a7be1c2d3f44a5b8c6d7e8f90a1b2c3`
fn is_boot_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
