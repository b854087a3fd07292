//! `crash`: what an analyst's session printed of a kernel dump: `sys`, `bt`, `log`.
//!
//! ```text
//!       KERNEL: /usr/lib/debug/boot/vmlinux-4.4.0-104-generic
//!     DUMPFILE: dump.201810191633  [PARTIAL DUMP]
//!         DATE: Fri Oct 19 16:32:38 2018
//!      RELEASE: 4.4.0-104-generic
//!      VERSION: #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017
//!        PANIC: "kernel BUG at /build/linux-SwhOyu/linux-4.4.0/include/linux/fs.h:2582!"
//!          PID: 16884
//!      COMMAND: "iptables-restor"
//! crash> bt
//!  #2 [ffff880199f33c38] oops_end at ffffffff81031c49
//!     [exception RIP: __fput+547]
//! ```
//!
//! The header says which kernel died, of what and where; the stack belongs to that report, and lines of `log` are the
//! kernel's. Skipped: every other command. Units: none. Time: DATE is when the dump was taken, in the zone of the machine
//! crash ran on.
//!
//! Source: `display_sys_stats` in kernel.c and `print_stack_trace_entry` of crash 8.

use chrono::{NaiveDateTime, TimeDelta};
use timeline::{Carrier, Event, Fact, MemberRecords, Name, Quote, Record, Row, Source, Stamp, Time, relation};

use crate::log::{Entry, Log};
use crate::{Certainty, Format, Input, Line, Origin, Reading, Sniff, kernel};

pub(crate) static FORMAT: Format = Format {
    name: "crash-utility",
    produced_by: "crash",
    samples: &["      KERNEL: vmlinux\n    DUMPFILE: vmcore\n        DATE: Fri Oct 19 16:32:38 2018\n     RELEASE: 4.4.0-104-generic\n       \
        PANIC: \"kernel BUG at fs/inode.c:1!\"\n         PID: 16884\n     COMMAND: \"sh\"\n"],
    recognizes,
    reading: Reading::Whole(parse),
};

const KEYS: [&str; 18] = [
    "KERNEL", "DEBUGINFO", "DEBUG KERNEL", "DUMPFILE", "CPUS", "DATE", "UPTIME", "LOAD AVERAGE", "TASKS", "NODENAME", "RELEASE",
    "VERSION", "MACHINE", "MEMORY", "PANIC", "PID", "COMMAND", "CPU",
];

/// Lines of one report.
const MOST_LINES: usize = 400;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let keys: Vec<&str> = sniff.text.lines().filter_map(|it| field(it)).map(|(key, _)| key).collect();
    let has = |key| keys.contains(&key);
    if has("RELEASE") && (has("PANIC") || has("DUMPFILE")) && keys.len() >= 5 { Certainty::Sure } else { Certainty::No }
}

/// `     RELEASE: 4.4.0-104-generic`
fn field(line: &str) -> Option<(&'static str, &str)> {
    let (key, value) = line.trim_start().split_once(": ")?;
    let key = KEYS.iter().find(|it| **it == key)?;
    Some((key, value.trim()))
}

/// What one header and its stack say.
#[derive(Default)]
struct Session<'t> {
    first: Option<Line<'t>>,
    panic: Option<(Line<'t>, String)>,
    release: Option<(Line<'t>, &'t str)>,
    version: Option<&'t str>,
    node: Option<&'t str>,
    comm: Option<&'t str>,
    pid: Option<u32>,
    rip: Option<&'t str>,
    stamp: Stamp,
    lines: Vec<&'t str>,
    /// Whether the stack shown is that of the panic: the first one asked for.
    stacks: u32,
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let origin = input.origin;
    let mut log = Log::new(origin, Carrier::Kmsg);
    let mut session = Session::default();
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        if let Some(known) = kernel::prefix(line.text) {
            let (stamp, micros) = (Stamp::Monotonic { micros: known.micros }, Some(known.micros));
            let message = known.text.into();
            let (ident, host) = (Some("kernel".into()), session.node);
            log.entry(Entry { stamp, micros, host, ident, unit: None, pid: None, severity: None, speaker: 0, boot: None, message, line }, out);
            continue;
        }
        out.tally.lines += 1;
        if session.line(line, origin, out) {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
    }
    session.end(origin, out);
    log.finish(out);
}

impl<'t> Session<'t> {
    fn line(&mut self, line: Line<'t>, origin: &Origin, out: &mut MemberRecords) -> bool {
        let text = line.text.trim();
        let Some((key, value)) = field(line.text) else {
            let frame = text.strip_prefix('#').is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()));
            let rip = text.strip_prefix("[exception RIP: ").and_then(|it| it.strip_suffix(']'));
            if let Some(rip) = rip
                && self.stacks <= 1
                && self.rip.is_none()
            {
                self.rip = Some(rip);
            }
            let header = ["TASK: ", "STATE: ", "crash>", "crash version"].iter().any(|it| text.starts_with(it));
            let stack = frame || rip.is_some() || text.starts_with("PID: ") || is_register(text);
            if stack && self.stacks <= 1 || header {
                self.keep(line);
            }
            return stack || header;
        };
        match key {
            "KERNEL" if self.release.is_some() => {
                std::mem::take(self).end(origin, out);
            }
            // `PID: 16884  TASK: ffff8808eb726200  CPU: 21  COMMAND: "iptables-restor"`: the head of a stack
            "PID" if value.contains("TASK: ") => self.stacks += 1,
            "PID" => self.pid = value.parse().ok(),
            "COMMAND" => self.comm = Some(value.trim_matches('"')),
            "RELEASE" => self.release = Some((line, value)),
            "VERSION" => self.version = Some(value),
            "NODENAME" => self.node = Some(value),
            "DATE" => self.stamp = date(value),
            "PANIC" => self.panic = Some((line, reason(value))),
            _ => {}
        }
        if self.stacks <= 1 {
            self.keep(line);
        }
        true
    }

    fn keep(&mut self, line: Line<'t>) {
        self.first.get_or_insert(line);
        if self.lines.len() < MOST_LINES {
            self.lines.push(line.text);
        }
    }

    fn end(self, origin: &Origin, out: &mut MemberRecords) {
        let node = self.node.map(Name::from).or_else(|| origin.node.clone());
        if let Some((line, release)) = self.release {
            let row = Row::new(&relation::KERNEL).with("release", release).with("version", self.version.map(Name::from));
            let fact = Fact::new(row, node.clone(), origin.quote(&line));
            out.records.push(Record::Fact(Box::new(fact), self.stamp));
        }
        let Some((line, title)) = self.panic else { return };
        let Some(row) = kernel::row_of(&title) else { return };
        let row = row
            .with("comm", self.comm.map(Name::from))
            .with("pid", self.pid)
            .with("release", self.release.map(|(_, it)| Name::from(it)))
            .with("rip", self.rip.map(Name::from));
        let quote: Quote = origin.quote(&line);
        out.records.push(Record::Event(Box::new(Event {
            stamp: self.stamp,
            inner: None,
            at: Time::UNKNOWN,
            node,
            source: Source::Kernel,
            carrier: Carrier::Kmsg,
            unit: Some(Name::from("kernel")),
            pid: None,
            severity: None,
            message: self.lines.join("\n").into(),
            count: 1,
            row: Some(row),
            quote,
        })));
    }
}

/// `"kernel BUG at fs/inode.c:1!"`, `"Oops: 0000 [#1] SMP " (check log for details)`, `"SysRq : Trigger a crash"`
fn reason(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|it| it.rsplit_once('"')).map_or(value, |(it, _)| it).trim();
    inner.strip_prefix("sysrq: ").unwrap_or(inner).to_owned()
}

/// `Fri Oct 19 16:32:38 2018`, `Tue Jun  2 10:10:10 CST 2020`
fn date(value: &str) -> Stamp {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let (zone, year) = match words.as_slice() {
        [_, _, _, _, year] => (None, year),
        [_, _, _, _, zone, year] => (Some(*zone), year),
        _ => return Stamp::None,
    };
    let text = format!("{} {} {} {year}", words[1], words[2], words[3]);
    match NaiveDateTime::parse_from_str(&text, "%b %d %H:%M:%S %Y") {
        Ok(local) => Stamp::Zoneless { local, resolution: TimeDelta::seconds(1), abbreviation: zone.map(Into::into) },
        Err(_) => Stamp::None,
    }
}

/// `    RIP: ffffffff81211d83  RSP: ffff8806a4d13ee0  RFLAGS: 00010246`
fn is_register(text: &str) -> bool {
    let key = text.split(": ").next().unwrap_or_default();
    let known = key.len() <= 8 && key.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
    known && text.contains(": ") && text.split_ascii_whitespace().nth(1).is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use timeline::MemberId;

    use super::*;

    const SESSION: &str = r#"
      KERNEL: /usr/lib/debug/boot/vmlinux-4.4.0-104-generic
    DUMPFILE: dump.202006231835  [PARTIAL DUMP]
        CPUS: 16
        DATE: Tue Jun 23 18:35:12 CST 2020
      UPTIME: 27 days, 03:11:35
LOAD AVERAGE: 8.26, 7.76, 7.45
       TASKS: 1474
    NODENAME: node7
     RELEASE: 4.4.0-104-generic
     VERSION: #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017
     MACHINE: x86_64  (2400 Mhz)
       PANIC: "kernel BUG at /build/linux-4.4.0/include/linux/fs.h:2582!"
         PID: 16884
     COMMAND: "iptables-restor"
        TASK: ffff8808eb726200  [THREAD_INFO: ffff880199f30000]
         CPU: 21
       STATE: TASK_RUNNING (PANIC)

crash> bt
PID: 16884  TASK: ffff8808eb726200  CPU: 21  COMMAND: "iptables-restor"
 #0 [ffff880199f33b08] machine_kexec at ffffffff8105c22b
 #7 [ffff880199f33dd0] invalid_op at ffffffff8184708e
    [exception RIP: __fput+547]
    RIP: ffffffff81211d83  RSP: ffff880199f33e80  RFLAGS: 00010246
crash> bt 1
PID: 1      TASK: ffff8808eb720000  CPU: 0  COMMAND: "systemd"
    [exception RIP: other+1]
crash> log
[2344268.402318] ------------[ cut here ]------------
[2344268.409118] kernel BUG at /build/linux-4.4.0/include/linux/fs.h:2582!
"#;

    fn read(text: &str) -> MemberRecords {
        let origin = Origin { member: MemberId(0), path: "bt.txt".into(), node: None, watch: Arc::new(false), hold_bytes: crate::HOLD_BYTES };
        crate::read(&FORMAT, &origin, text, 100)
    }

    #[test]
    fn a_session() {
        let sniff = Sniff { path: "notes/x.txt", text: SESSION, bytes: SESSION.as_bytes(), whole: true };
        assert_eq!(crate::identify(&sniff).map(|it| it.name), Some("crash-utility"));
        let records = read(SESSION);
        assert_eq!(records.tally.odd_bytes, 0, "{:?}", records.tally);
        let events: Vec<&Event> = records
            .records
            .iter()
            .filter_map(|it| match it {
                Record::Event(event) if event.row.is_some() => Some(&**event),
                _ => None,
            })
            .collect();
        let row = events[0].row.as_ref().expect("a report");
        let cell = |column: &str| row.get(column).to_string();
        let told = ["kind", "title", "location", "comm", "pid", "rip", "release", "complete"].map(cell);
        let title = "kernel BUG at /build/linux-4.4.0/include/linux/fs.h:2582!";
        let place = "/build/linux-4.4.0/include/linux/fs.h:2582";
        assert_eq!(told, ["bug", title, place, "iptables-restor", "16884", "__fput+547", "4.4.0-104-generic", "false"]);
        assert!(events[0].message.contains("invalid_op") && !events[0].message.contains("other+1"));
        assert_eq!(events[0].node.as_deref(), Some("node7"));
        assert!(matches!(&events[0].stamp, Stamp::Zoneless { local, abbreviation: Some(zone), .. }
            if local.to_string() == "2020-06-23 18:35:12" && &**zone == "CST"));
        // the log of the session, as the kernel's own words
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].row.as_ref().map(|it| it.get("title").to_string()).as_deref(), Some(title));
        let version = records.records.iter().any(|it| matches!(it, Record::Fact(fact, _) if fact.row.relation.name == "kernel"
            && fact.get("version").to_string().starts_with("#127-Ubuntu")));
        assert!(version);
    }

    #[test]
    fn reasons() {
        assert_eq!(reason(r#""Oops: 0000 [#1] SMP " (check log for details)"#), "Oops: 0000 [#1] SMP");
        assert_eq!(reason(r#""sysrq: SysRq : Trigger a crash""#), "SysRq : Trigger a crash");
        assert_eq!(reason(""), "");
        assert_eq!(date("yesterday"), Stamp::None);
        assert!(read("RELEASE: x\nPANIC: \"\"\n").records.iter().all(|it| matches!(it, Record::Fact(..))));
    }
}
