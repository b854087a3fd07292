use std::cell::Cell;
use std::sync::Arc;

use timeline::{MemberId, Watch};

use crate::testing::Dice;
use crate::{Origin, Reading, Sniff};

const LINES: &[&str] = &[
    "-- Logs begin at Fri 2020-05-15 03:12:40 CST, end at Sun 2020-06-14 15:22:30 CST. --",
    "-- Reboot --",
    "-- Boot 9a7be1c2d3f44a5b8c6d7e8f90a1b2c3 --",
    "Jun 14 13:14:38 node-a kubelet[2877]: runtime: failed to create new OS thread (have 5 already; errno=11)",
    "                                      fatal error: newosproc",
    "Jun 14 13:14:38 node-a kernel: [ 4301.999258] audit: type=1400 audit(1644450589.972:424): x",
    "Jun 14 13:14:38 node-a kernel: Linux version 4.4.0-104-generic (b@l) #127-Ubuntu SMP",
    "Sun 2020-06-14 13:14:31 UTC node-a init.scope[1]: Reached target Reboot.",
    "[432001.235567 <    0.001000 >] node-a kubelet[2345]: I0614 13:14:31.001000    2345 a.go:1] \"x\" y=<",
    "6月 14 21:14:31 node-a systemd-journald[1]: Suppressed 12 messages from kubelet.service",
    "<30>1 2026-11-21T00:40:29.479442+00:00 vm app 7 - [a b=\"\\]\"] line#012two",
    "Feb  4 09:34:05 node-a last message repeated 4 times",
    "{\"__REALTIME_TIMESTAMP\":\"1592140471001000\",\"_HOSTNAME\":\"node-a\",\"MESSAGE\":[72,10,105]}",
    "{\"log\":\"one \\u00e9\\n\",\"stream\":\"stderr\",\"time\":\"2020-06-14T05:15:06.123456789Z\"}",
    "2025-03-21T14:51:22.427859146Z stderr P time=\"2021-09-14T14:12:34Z\" level=warning msg=\"é\"",
    "2023-07-23 22:13:40.123 [INFO][65] felix/summary.go 100: Summarising",
    "__REALTIME_TIMESTAMP=1592140471000000",
    "MESSAGE\n\u{5}\0\0\0\0\0\0\0a\nb\nc",
    "goroutine 1 [running]:",
    "Jun 14 13:14:38 node-a app[7]: at work",
    "Jun 14 13:14:38 node-a kernel: eth0: renamed from tmp",
    "Jun 14 13:14:38 node-a kernel: [ 4302.999258] eth0: link of two becomes ready",
    "Jun 14 13:14:38 node-a kernel: [ 4303.999258][    T1] device eth0 entered promiscuous mode",
    "Jun 14 13:14:38 node-a kernel: [ 4303.999258] device eth0 left promiscuous mode",
    "Jun 14 13:14:39 node-a kernel: net_ratelimit: 3 callbacks suppressed",
    "Jun 14 13:14:39 node-a kernel: BUG: soft lockup - CPU#1 stuck for 22s! [two:1]",
    "Jun 14 13:14:39 node-a kernel: CPU: 1 PID: 1 Comm: two Not tainted 4.4.0-104-generic",
    "Jun 14 13:14:39 node-a kernel: pid_max: default: 32768 minimum: 301",
    "2026-11-21T00:40:29.479442+00:00 node-a kernel: [ 4303.999258] eth0: renamed from tmp",
    "2026-11-21T00:40:29.479442+00:00 node-a kernel: [ 4304.000258] two of it",
    "[ 4304.000258] eth0: renamed from tmp",
    "[ 4304.000259] systemd[1]: two of it",
    "6,1203,88731200,-;eth0: renamed from tmp",
    "Jun 14 13:14:39 node-a chronyd[3]: Selected source 10.0.0.1",
    "Jun 14 13:14:39 node-a chronyd[3]: System clock was stepped by 14400.123456 seconds",
    "I0614 13:14:31.001000    2345 a.go:1] at work",
    "I0614 13:14:32.001000    2345 a.go:1] two of it",
    "    more of it",
    "Jun 14 13:14:38 node-a systemd[1]: Started Session 7 of user two.",
    "Jun 14 13:14:38 node-a systemd[1]: Started Session 8 of user root.",
    "Jun 14 13:14:39 node-a systemd[1]: Stopped target Multi-User System.",
    "Jun 14 13:14:39 node-a systemd[1]: Set hostname to <node-b>.",
    "{\"__REALTIME_TIMESTAMP\":\"1592140471001000\",\"_HOSTNAME\":\"node-a\",\"_BOOT_ID\":\"9a7b\",\"__MONOTONIC_TIMESTAMP\":\"71001000\",\"SYSLOG_IDENTIFIER\":\"app\",\"MESSAGE\":\"at work\"}",
    "{\"__REALTIME_TIMESTAMP\":\"1592140472001000\",\"_HOSTNAME\":\"node-a\",\"_BOOT_ID\":\"9a7b\",\"__MONOTONIC_TIMESTAMP\":\"72001000\",\"SYSLOG_IDENTIFIER\":\"app\",\"MESSAGE\":\"two of it\"}",
    "{\"__REALTIME_TIMESTAMP\":\"1592150472001000\",\"_HOSTNAME\":\"node-a\",\"_BOOT_ID\":\"9a7b\",\"__MONOTONIC_TIMESTAMP\":\"73001000\",\"SYSLOG_IDENTIFIER\":\"kubelet\",\"MESSAGE\":\"I0614 13:14:31.001000    2877 a.go:1] x=<\"}",
    "{\"__CURSOR\":\"s=1;i=2f00;b=5;m=1;t=5a80b1734dbc0;x=1\",\"_HOSTNAME\":\"node-a\",\"SYSLOG_IDENTIFIER\":\"app\",\"MESSAGE\":\"at work\"}",
    "Jun 14 13:14:38 node-a kubelet[2877]: I0614 13:14:31.001000    2877 a.go:1] at work",
    "Jun 14 13:14:38 node-a kubelet[2877]: two of it",
    "Jun 14 13:14:39 node-a kubelet[2877]: more of it",
    "Jun 14 13:14:39 node-a kubelet[2878]: E0614 13:14:31.002000    2878 a.go:1] at work",
    "Jun 14 13:14:39 node-a kubelet[2878]: two of the other",
    "Jun 14 13:14:39 node-b kubelet[2877]: I0614 13:14:31.003000    2877 a.go:1] at work",
    "Jun 14 13:14:40 node-a etcd[9]: I0614 13:14:31.003000       9 a.go:1] at work",
    "Jun 14 13:14:40 node-a etcd[9]:  >",
    "                               two of it",
    "Jun 14 13:14:38 node-a app[7]: [ERROR] two",
    "2025-03-21T14:51:22.427859147Z stdout F at work",
    "2025-03-21T14:51:22.427859148Z stdout F   two of it",
    "2025-03-21T14:51:22.427859149Z stdout F W0614 13:14:31.001000    2345 a.go:1] two",
    "\u{1b}[0;1;31mF0614 13:14:31.001000    2345 a.go:1] x\u{1b}[0m",
    "",
];

thread_local! {
    /// Whether every entry is opened, none passes by: how what passes by is told from.
    pub(super) static OPENS_ALL: Cell<bool> = const { Cell::new(false) };
}

/// Wants what holds a word, and may say where it stands.
struct Words {
    places: bool,
}

const WORDS: [&str; 4] = ["two", "errno", "Hi", "\u{e9}"];

impl Watch for Words {
    fn wants(&self, message: &str) -> bool {
        WORDS.iter().any(|it| message.contains(it))
    }

    fn places(&self, text: &str, found: &mut Vec<usize>) -> bool {
        found.extend(WORDS.iter().flat_map(|it| text.match_indices(it)).map(|it| it.0));
        found.sort_unstable();
        self.places
    }
}

/// Whatever the text: no panic, the same records for every cut, quotes that stand where they say.
#[test]
fn any_text_is_read_to_the_end() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let origin = |path: &str| Origin {
        member: MemberId(0),
        path: path.into(),
        node: None,
        watch: Arc::new(true),
        hold_bytes: crate::HOLD_BYTES,
    };
    for round in 0..1000 {
        let mut text = String::new();
        for _ in 0..dice.roll(30) {
            let mut line = LINES[dice.roll(LINES.len())].to_owned();
            if dice.roll(3) == 0 {
                let places: Vec<usize> = line.char_indices().map(|it| it.0).collect();
                if let Some(&at) = places.get(dice.roll(places.len())) {
                    match dice.roll(3) {
                        0 => line.truncate(at),
                        1 => line.insert(at, ['[', ':', ' ', '9', '\u{e9}', '"', '\r'][dice.roll(7)]),
                        _ => line = line[at..].to_owned(),
                    }
                }
            }
            text.push_str(&line);
            text.push('\n');
        }
        let path = ["journalctl_-u_kubelet", "var/log/messages", "pods/a_b_c/kubelet/0.log"][dice.roll(3)];
        let sniff = Sniff { path, text: &text, bytes: text.as_bytes(), whole: true };
        for format in crate::FORMATS.iter().filter(|it| matches!(it.reading, Reading::Stream(_))) {
            let _ = (format.recognizes)(&sniff);
            let whole = crate::read(format, &origin(path), &text, 1 << 20);
            for record in &whole.records {
                let quotes = match record {
                    timeline::Record::Event(event) => vec![&event.quote],
                    timeline::Record::Fact(fact, _) => fact.quotes.iter().collect(),
                    timeline::Record::Series(_) => Vec::new(),
                };
                for quote in quotes {
                    let start = quote.span.start as usize;
                    let stands = text.get(start..).is_some_and(|it| it.starts_with(&*quote.text));
                    let line = 1 + text[..start.min(text.len())].matches('\n').count() as u32;
                    assert!(stands, "{} in round {round}: {:?}", format.name, quote.text);
                    assert_eq!(quote.span.line, line, "{} in round {round}: {:?}", format.name, quote.text);
                }
            }
            assert!(whole.tally.understood <= whole.tally.lines, "{} in round {round}", format.name);
            // lines that pass by unopened change nothing
            let watched = |places, bytes| {
                crate::read(format, &Origin { watch: Arc::new(Words { places }), ..origin(path) }, &text, bytes)
            };
            OPENS_ALL.set(true);
            let slow = watched(false, 1 << 20);
            OPENS_ALL.set(false);
            for fast in [watched(true, 1 << 20), watched(true, 1), watched(false, 1 << 20)] {
                assert_eq!(fast.records, slow.records, "{} in round {round}: {text}", format.name);
                assert_eq!(
                    (fast.seen, fast.tally),
                    (slow.seen.clone(), slow.tally),
                    "{} in round {round}: {text:?}",
                    format.name
                );
            }
            let parts = crate::read(format, &origin(path), &text, 1);
            assert_eq!(parts.records, whole.records, "{} in round {round}", format.name);
            assert_eq!((parts.seen, parts.tally), (whole.seen, whole.tally), "{} in round {round}", format.name);
        }
    }
}

/// More speakers than are remembered, in changing order, some of them under a name that is whoever spoke before.
#[test]
fn a_remembered_speaker_is_the_one_who_speaks() {
    let mut dice = Dice(0x51ed_270b_9d2f_a3c1);
    for (name, stamp) in [("journal-text", "Jun 14 13:14:38"), ("syslog", "2026-11-21T00:40:29.479442+00:00")] {
        let format = crate::FORMATS.iter().find(|it| it.name == name).expect("a format");
        let (mut text, mut expected, mut before) = (String::new(), Vec::new(), None);
        for _ in 0..1500 {
            let host = ["node-a", "node-b", "localhost"][dice.roll(3)];
            let (program, pid) = (format!("{}-program", dice.roll(40)), dice.roll(2) as u32);
            before = if host == "localhost" { before } else { Some(host) };
            // what comes once is not remembered
            for at in 0..=dice.roll(5) {
                text.push_str(&format!("{stamp} {host} {program}[{pid}]: line {at}\n"));
                expected.push((before.unwrap_or("").to_owned(), program.clone(), Some(pid)));
            }
        }
        let origin = Origin {
            member: MemberId(0),
            path: "x".into(),
            node: None,
            watch: Arc::new(true),
            hold_bytes: crate::HOLD_BYTES,
        };
        let records = crate::read(format, &origin, &text, 1 << 20).records;
        let found: Vec<_> = records
            .iter()
            .filter_map(|it| if let timeline::Record::Event(event) = it { Some(event) } else { None })
            .map(|it| {
                let unit = it.unit.as_deref().unwrap_or("").to_owned();
                (it.node.as_deref().unwrap_or("").to_owned(), unit, it.pid)
            })
            .collect();
        assert_eq!(found.len(), expected.len(), "{name}");
        let wrong = found.iter().zip(&expected).enumerate().find(|it| it.1.0 != it.1.1);
        assert!(wrong.is_none(), "{name}: {wrong:?}");
    }
}
