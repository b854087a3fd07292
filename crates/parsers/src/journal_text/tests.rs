use std::path::Path;
use std::sync::Arc;

use timeline::{Event, MemberId, Record, Row, Source, Value, Watch};

use super::*;
use crate::read;

struct Words(&'static [&'static str]);

impl Watch for Words {
    fn wants(&self, message: &str) -> bool {
        self.0.iter().any(|it| message.contains(it))
    }
}

fn origin(path: &str, watch: impl Watch + 'static) -> Origin {
    Origin { member: MemberId(0), path: path.into(), node: None, watch: Arc::new(watch), hold_bytes: crate::HOLD_BYTES }
}

fn events(records: &MemberRecords) -> Vec<&Event> {
    let mut found = Vec::new();
    for record in &records.records {
        if let Record::Event(event) = record {
            found.push(event.as_ref());
        }
    }
    found
}

fn shown(records: &MemberRecords) -> String {
    let mut lines = Vec::new();
    for record in &records.records {
        match record {
            Record::Event(event) => {
                let (node, unit) = (event.node.as_deref().unwrap_or("-"), event.unit.as_deref().unwrap_or("-"));
                let row = event.row.as_ref().map_or(String::new(), |it| {
                    let cells: Vec<String> =
                        it.relation.columns.iter().zip(&it.values).filter(|it| it.1.is_some()).map(|(a, b)| format!("{a}={b}")).collect();
                    format!(" <{} {}>", it.relation.name, cells.join(", "))
                });
                lines.push(format!("{}: {node} {} {unit} {:?}{row}", event.quote.span.line, event.source.name(), event.message));
            }
            Record::Fact(fact, _) => {
                let row = &fact.row;
                let cells: Vec<String> =
                    row.relation.columns.iter().zip(&row.values).filter(|it| it.1.is_some()).map(|(a, b)| format!("{a}={b}")).collect();
                let node = fact.node.as_deref().unwrap_or("-");
                lines.push(format!("{}: {node} fact <{} {}>", fact.quotes[0].span.line, row.relation.name, cells.join(", ")));
            }
            Record::Series(_) => lines.push("series".to_owned()),
        }
    }
    lines.join("\n")
}

#[test]
fn a_reboot_out_of_the_blue() {
    let text = "\
-- Logs begin at Fri 2020-05-15 03:12:40 CST, end at Sun 2020-06-14 15:22:30 CST. --
Jun 14 13:13:06 host-172-21-128-138 kubelet[2877]: I0614 13:13:06.577473    2877 kubelet.go:1928] SyncLoop (PLEG)
Jun 14 13:13:06 host-172-21-128-138 systemd[1]: Started Session 4 of user root.
Jun 14 13:14:38 host-172-21-128-138 kernel: device veth0ee46328 left promiscuous mode
-- Reboot --
Jun 14 13:15:06 host-172-21-128-138 systemd-journald[623]: Runtime journal is 8.0M, max 643.0M, 635.0M free.
Jun 14 13:15:06 host-172-21-128-138 kernel: Initializing cgroup subsys cpuset
Jun 14 13:15:06 host-172-21-128-138 kernel: Linux version 4.4.0-104-generic (buildd@lgw01) (gcc 5) #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017 (Ubuntu)
Jun 14 13:15:06 host-172-21-128-138 kernel: pid_max: default: 49152 minimum: 384
";
    let records = read(&FORMAT, &origin("journalctl.txt", false), text, 64);
    insta::assert_snapshot!(shown(&records), @r#"
    1: host-172-21-128-138 fact <clock.zone name=CST>
    1: host-172-21-128-138 fact <clock.collected command=journal header>
    4: host-172-21-128-138 kernel kernel "the last record of a boot" <boot.end orderly=false, last=device veth0ee46328 left promiscuous mode>
    5: host-172-21-128-138 system systemd-journald "the first record of a boot" <boot.start marker=-- Reboot -->
    8: host-172-21-128-138 fact <kernel release=4.4.0-104-generic, version=#127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017>
    9: host-172-21-128-138 fact <sysctl key=kernel.pid_max.boot-default, value=49152>
    "#);
    // an unfiltered journal: every source is covered from its first line to its last
    assert_eq!(records.seen.len(), 3);
    assert!(records.seen.iter().all(|it| it.first == records.seen[0].first && it.last == records.seen[0].last));
    assert_eq!((records.tally.lines, records.tally.understood), (9, 9));
}

#[test]
fn a_reboot_in_order_also_newest_first() {
    let lines = [
        "Jun 21 03:02:30 node-a kernel: device veth0 left promiscuous mode",
        "Jun 21 03:02:36 node-a systemd[1]: Reached target Shutdown.",
        "Jun 21 03:02:37 node-a sshd[7]: Received signal 15; terminating.",
        "Jun 21 03:02:38 node-a systemd-journald[623]: Journal stopped",
        "-- Boot 9a7be1c2d3f44a5b8c6d7e8f90a1b2c3 --",
        "Jun 21 03:02:58 node-a kernel: Initializing cgroup subsys cpuset",
        "Jun 21 03:02:59 node-a kernel: Initializing cgroup subsys cpu",
        "Jun 21 03:03:00 node-a systemd[1]: Started Session 1.",
    ];
    let records = read(&FORMAT, &origin("journalctl.txt", false), &lines.join("\n"), 64);
    insta::assert_snapshot!(shown(&records), @r#"
    4: node-a system systemd-journald "the last record of a boot" <boot.end orderly=true, last=Journal stopped>
    5: node-a kernel kernel "the first record of a boot" <boot.start boot_id=9a7be1c2d3f44a5b8c6d7e8f90a1b2c3, marker=-- Boot 9a7be1c2d3f44a5b8c6d7e8f90a1b2c3 -->
    "#);
    let backwards: Vec<&str> = lines.into_iter().rev().collect();
    let records = read(&FORMAT, &origin("journalctl_-r.txt", false), &backwards.join("\n"), 64);
    insta::assert_snapshot!(shown(&records), @r#"
    4: node-a kernel kernel "the first record of a boot" <boot.start marker=-- Boot 9a7be1c2d3f44a5b8c6d7e8f90a1b2c3 -->
    5: node-a system systemd-journald "the last record of a boot" <boot.end boot_id=9a7be1c2d3f44a5b8c6d7e8f90a1b2c3, orderly=true, last=Journal stopped>
    "#);
    assert!(records.issues.is_empty());
}

#[test]
fn reports_of_the_kernel_are_put_together_newest_first_as_well() {
    let mut lines = vec!["Sep  9 02:20:00 node-a systemd[1]: Started Session 1.".to_owned()];
    let oom = [
        "python3 invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0",
        "CPU: 2 PID: 999 Comm: python3 Not tainted 5.15.0-91-generic #101-Ubuntu",
        "Call Trace:",
        " dump_stack_lvl+0x4a/0x63",
        " out_of_memory+0x106/0x2e0",
        "Mem-Info:",
        "Node 0 Normal free:62980kB min:64748kB low:80932kB high:97116kB",
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a,task=python3,pid=999,uid=0",
        "Out of memory: Killed process 999 (python3) total-vm:14480000kB, anon-rss:13990000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:29000kB oom_score_adj:0",
    ];
    for second in [20, 50] {
        lines.extend(oom.iter().map(|it| format!("Sep  9 02:23:{second} node-a kernel: {it}")));
    }
    lines.push("-- Reboot --".to_owned());
    for second in 10..20 {
        lines.push(format!("Sep  9 02:25:{second} node-a kernel: device veth{second} entered promiscuous mode"));
    }
    let reports = |lines: &[String]| {
        let records = read(&FORMAT, &origin("journalctl", false), &lines.join("\n"), 64);
        assert!(records.issues.is_empty());
        let rows: Vec<Row> = events(&records).into_iter().filter_map(|it| it.row.clone()).collect();
        let mut rows: Vec<String> =
            rows.iter().filter(|it| it.relation == &timeline::relation::KERNEL_REPORT).map(|it| format!("{it:?}")).collect();
        rows.sort();
        (rows, events(&records).len())
    };
    let forwards = reports(&lines);
    lines.reverse();
    assert_eq!(forwards.0.len(), 2);
    assert_eq!(reports(&lines), forwards, "and no line of theirs is an event besides");
}

#[test]
fn a_journal_of_one_unit_does_not_tell_how_a_boot_ended() {
    let text = "Jun 21 03:02:30 node-a kubelet[1]: x\n-- Reboot --\nJun 21 03:02:58 node-a kubelet[2]: y\n";
    let records = read(&FORMAT, &origin("journalctl_-u_kubelet", false), text, 64);
    let end = events(&records)[0].row.clone().expect("the end of a boot");
    assert_eq!(*end.get("orderly"), Value::Nothing);
}

#[test]
fn a_boot_shows_without_a_marker() {
    let text = "\
Jun 21 03:02:30 node-a systemd[1]: Started Session 1.
Jun 21 03:02:58 node-a kernel: Linux version 5.4.0-1-generic (b@l) #1 SMP
Jun 21 03:02:58 node-a kernel: Command line: quiet
";
    let records = read(&FORMAT, &origin("journalctl", false), text, 64);
    insta::assert_snapshot!(shown(&records), @r#"
    1: node-a system systemd "the last record of a boot" <boot.end last=Started Session 1.>
    2: node-a kernel kernel "the first record of a boot" <boot.start marker=Linux version 5.4.0-1-generic (b@l) #1 SMP>
    2: node-a fact <kernel release=5.4.0-1-generic, version=#1 SMP>
    "#);
}

#[test]
fn journald_may_speak_before_the_kernel() {
    let boot = "\
May 11 10:22:46 node-a systemd-journald[688]: Runtime journal is using 8.0M (max allowed 4.0G).
May 11 10:22:46 node-a kernel: Linux version 5.4.219-1.el7 (b@l) #1 SMP
May 11 10:22:47 node-a systemd[1]: Detected architecture x86-64.
May 11 10:22:48 node-a crond[9]: x
";
    let records = read(&FORMAT, &origin("journalctl_-b", false), boot, 64);
    assert_eq!(events(&records).len(), 0, "{}", shown(&records));
    let records = read(&FORMAT, &origin("journalctl_-q", false), &boot.repeat(2), 64);
    assert_eq!(events(&records).len(), 0, "an echo within a few lines");
    let long = format!("{boot}{}{}", "May 11 10:22:49 node-a crond[9]: y\n".repeat(60), boot.replace("May 11", "May 12"));
    let records = read(&FORMAT, &origin("journalctl_-q", false), &long, 64);
    insta::assert_snapshot!(shown(&records), @r#"
    2: node-a fact <kernel release=5.4.219-1.el7, version=#1 SMP>
    64: node-a system crond "the last record of a boot" <boot.end orderly=false, last=y>
    66: node-a kernel kernel "the first record of a boot" <boot.start marker=Linux version 5.4.219-1.el7 (b@l) #1 SMP>
    "#);
}

#[test]
fn a_crash_over_many_entries_is_one_event() {
    let text = "\
Jul 23 22:10:06 node-xx kubelet[2817]: I0723 22:10:06.777591    2817 kubelet.go:1933] SyncLoop (PLEG)
Jul 23 22:10:07 node-xx kubelet[2817]: runtime: failed to create new OS thread (have 5 already; errno=11)
Jul 23 22:10:07 node-xx dockerd[2000]: time=\"2023-07-23T22:10:07+08:00\" level=info msg=\"x\"
Jul 23 22:10:07 node-xx kubelet[2817]: runtime: may need to increase max user processes (ulimit -u)
Jul 23 22:10:07 node-xx kubelet[2817]: fatal error: newosproc
Jul 23 22:10:07 node-xx kubelet[2817]: runtime stack:
Jul 23 22:10:07 node-xx kubelet[2817]: runtime.throw(0x1df6a5e, 0x9)
Jul 23 22:10:07 node-xx kubelet[2817]:         /usr/local/go/src/runtime/panic.go:1116 +0x72
Jul 23 22:10:08 node-xx systemd[1]: kubelet.service: Main process exited, code=exited, status=2/INVALIDARGUMENT
";
    let records = read(&FORMAT, &origin("journalctl_-u_kubelet", Words(&["Main process"])), text, 1);
    insta::assert_snapshot!(shown(&records), @r#"
    2: node-xx kubelet kubelet "runtime: failed to create new OS thread (have 5 already; errno=11)\nruntime: may need to increase max user processes (ulimit -u)\nfatal error: newosproc" <go.crash reason=newosproc, threads=5, errno=11, program=kubelet>
    3: node-xx fact <clock.zone offset_secs=28800, name=by two stamps of one line>
    9: node-xx system systemd "kubelet.service: Main process exited, code=exited, status=2/INVALIDARGUMENT"
    "#);
}

#[test]
fn a_probe_that_crashes_stays_in_the_kubelets_words() {
    let text = "\
Jul 23 22:10:07 node-xx kubelet[2817]: I0723 22:10:07.777591    2817 prober.go:117] Liveness probe failed: runtime: failed to create new OS thread (have 11 already; errno=11)
Jul 23 22:10:07 node-xx kubelet[2817]: runtime: may need to increase max user processes (ulimit -u)
Jul 23 22:10:07 node-xx kubelet[2817]: fatal error: newosproc
Jul 23 22:10:08 node-xx kubelet[2817]: I0723 22:10:08.000001    2817 kubelet.go:1] next
";
    let records = read(&FORMAT, &origin("journalctl_-u_kubelet", Words(&["newosproc"])), text, 1);
    let found = events(&records);
    assert_eq!(found.len(), 1);
    assert!(found[0].row.is_none());
    assert_eq!(found[0].message.lines().count(), 3);
    // the line that made it wanted is the one to quote
    assert_eq!(found[0].quote.span.line, 3);
    assert!(matches!(found[0].inner, Some(timeline::Stamp::Yearless { month: 7, day: 23, .. })));
}

#[test]
fn losses_repetitions_and_emptiness() {
    let text = "\
Jul 23 22:10:07 node-xx systemd-journald[300]: Suppressed 1234 messages from kubelet.service
Jul 23 22:10:07 node-xx kernel: net_ratelimit: 371 callbacks suppressed
";
    let records = read(&FORMAT, &origin("journalctl", false), text, 64);
    insta::assert_snapshot!(shown(&records), @r"
    1: node-xx fact <log.loss source=kubelet.service, count=1234, text=Suppressed 1234 messages from kubelet.service>
    2: node-xx fact <log.loss source=net_ratelimit, count=371, text=net_ratelimit: 371 callbacks suppressed>
    ");
    let incomplete: Vec<_> = records.seen.iter().map(|it| (it.source, it.incomplete.is_some())).collect();
    assert_eq!(incomplete, [(Source::Kubelet, true), (Source::System, false), (Source::Kernel, false)]);

    let records = read(&FORMAT, &origin("node-a/journalctl_-u_kubelet.txt", false), "-- No entries --\n", 64);
    let seen: Vec<_> = records.seen.iter().map(|it| (it.source, it.lines)).collect();
    assert_eq!(seen, [(Source::Kubelet, 0)]);

    let text = "Hint: You are currently not seeing messages from other users and the system.\n\
                Jul 23 22:10:07 node-xx sshd[300]: x\n";
    let records = read(&FORMAT, &origin("journalctl", false), text, 64);
    assert!(records.seen[0].incomplete.is_some());
}

/// Gaps of the sources, without those that are the same in all.
fn gaps(text: &str) -> Vec<String> {
    let records = read(&FORMAT, &origin("var/log/messages", false), text, 64);
    let clock = |it: &timeline::Stamp| match it {
        timeline::Stamp::Yearless { time, .. } => time.to_string(),
        other => format!("{other:?}"),
    };
    let shown = |it: &timeline::Hole| format!("{} {} {}: {}", it.kind.name(), clock(&it.from), clock(&it.to), it.what);
    let mut all: Vec<String> = records.seen.iter().flat_map(|it| it.holes.iter().map(shown)).collect();
    all.dedup();
    all
}

#[test]
fn what_a_log_says_of_its_own_lines_that_are_gone() {
    let text = "\
Jul 23 22:10:00 node-xx kernel: eth0: link up
Jul 23 22:10:03 node-xx sshd[300]: x
Jul 23 22:10:07 node-xx kernel: ** 123 printk messages dropped **
Jul 23 22:10:08 node-xx kernel: eth0: link down
Jul 23 22:11:00 node-xx systemd-journald[300]: Missed 57 kernel messages
Jul 23 22:12:00 node-xx systemd-journald[300]: Failed to write entry (22 items, 793 bytes), ignoring: No space left on device
Jul 23 22:12:04 node-xx rsyslogd[400]: imjournal: begin to drop messages due to rate-limiting
Jul 23 22:15:00 node-xx kernel: eth0: link up
Jul 23 22:22:04 node-xx rsyslogd[400]: imjournal: 84 messages lost due to rate-limiting (20000 allowed within 600 seconds)
Jul 23 22:30:00 node-xx systemd-journald[300]: Vacuuming done, freed 72.0M of archived journals from /var/log/journal/9a7b.
Jul 23 22:31:00 node-xx rsyslogd[400]: imuxsock[pid 77]: begin to drop messages due to rate-limiting
Jul 23 22:32:00 node-xx kernel: eth0: link down
";
    assert_eq!(
        gaps(text)[..6],
        [
            "deleted 22:10:00 22:10:00: what was logged before is deleted: Vacuuming done, freed 72.0M of archived journals from /var/log/journal/9a7b.",
            "lost 22:10:00 22:10:07: lines were lost: ** 123 printk messages dropped **",
            "lost 22:10:08 22:11:00: lines were lost: Missed 57 kernel messages",
            "lost 22:11:00 22:12:00: lines were lost: Failed to write entry (22 items, 793 bytes), ignoring: No space left on device",
            "lost 22:12:04 22:22:04: lines were lost: imjournal: 84 messages lost due to rate-limiting (20000 allowed within 600 seconds)",
            "lost 22:31:00 22:32:00: lines were lost: imuxsock[pid 77]: begin to drop messages due to rate-limiting",
        ]
    );
    let records = read(&FORMAT, &origin("var/log/messages", false), text, 64);
    assert!(records.seen.iter().all(|it| it.incomplete.is_none()), "each is known to a stretch: {:?}", records.seen);
    // the beginning of the dropping is not in the file: it may be anywhere
    let text = "\
Jul 23 22:15:00 node-xx kernel: eth0: link up
Jul 23 22:22:04 node-xx rsyslogd[400]: imjournal: 84 messages lost due to rate-limiting (20000 allowed within 600 seconds)
";
    let records = read(&FORMAT, &origin("var/log/messages", false), text, 64);
    assert!(records.seen.iter().all(|it| it.incomplete.is_some() && it.holes.is_empty()), "{:?}", records.seen);
}

fn samples() -> Option<&'static Path> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples"));
    Some(path).filter(|it| it.is_dir())
}

#[allow(clippy::print_stderr)]
fn skipped() {
    eprintln!("SKIPPED: shared/samples is not here");
}

/// `NAME=text` or `NAME`, length, bytes: the MESSAGE of every entry of an export.
fn exported(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let (mut found, mut message, mut at, mut any) = (Vec::new(), None, 0, false);
    while at < bytes.len() {
        let end = at + bytes[at..].iter().position(|it| *it == b'\n').unwrap_or(bytes.len() - at);
        let line = &bytes[at..end];
        at = end + 1;
        if line.is_empty() {
            if any {
                found.push(message.take());
            }
            any = false;
            continue;
        }
        any = true;
        let (name, value) = match line.iter().position(|it| *it == b'=') {
            Some(split) => (&line[..split], line[split + 1..].to_vec()),
            None => {
                let len = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
                let value = bytes[at + 8..at + 8 + len].to_vec();
                at += 8 + len + 1;
                (line, value)
            }
        };
        if name == b"MESSAGE" && message.is_none() {
            message = Some(value);
        }
    }
    if any {
        found.push(message);
    }
    found
}

/// What journalctl prints for a message without `-a`.
fn printed(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message).into_owned();
    let valid = std::str::from_utf8(message).is_ok();
    let text = head::plain(&text).replace('\t', "        ");
    let odd = |it: char| (it < ' ' && it != '\t' && it != '\n') || ('\u{7f}'..='\u{9f}').contains(&it);
    if !valid || text.contains(odd) {
        let len = if valid { text.len() } else { message.len() };
        return format!("[{len}B blob data]");
    }
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// Check 1: every text mode of every version says the same as the export.
#[test]
fn text_modes_agree_with_the_export() {
    let Some(samples) = samples() else { return skipped() };
    let oracle = samples.join("journal/synthetic-oracle");
    let wanted: Vec<String> = exported(&std::fs::read(oracle.join("edge.export")).unwrap())
        .into_iter()
        .flatten()
        .map(|it| printed(&it))
        .collect();
    assert_eq!(wanted.len(), 56);
    // the lines of kernel reports come as one event; what they are is the kernel's own business
    let kernel = |it: &str| it.starts_with("------------[") || it.starts_with("kernel BUG") || it.starts_with("oom-kill:");
    let wanted: Vec<&String> = wanted.iter().filter(|it| !kernel(it)).collect();
    let mut files = 0;
    for version in ["v247", "v252", "v257", "v262"] {
        let Ok(folder) = std::fs::read_dir(oracle.join(format!("journalctl-{version}"))) else { continue };
        for file in folder {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let other = ["all", "kernel", "no-full", "reverse", "since", "show-cursor"].iter().any(|it| name.contains(it));
            if !(name.starts_with("short") || name.starts_with("with-unit")) || other {
                continue;
            }
            files += 1;
            // what stands above the entries is no entry; only old versions print it
            let text: String = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
            let plain = name.matches('.').count() == 1;
            assert!(!plain || text.starts_with("-- Journal begins at ") == (version == "v247"), "{version}/{name}");
            let records = read(&FORMAT, &origin("journalctl", true), &text, 1 << 20);
            let entries: u64 = records.seen.iter().map(|it| it.lines).sum();
            assert_eq!(entries, 56, "{version}/{name}");
            assert_eq!(records.tally.lines, records.tally.understood, "{version}/{name}");
            let mut found = events(&records);
            let boots = |it: &Event| it.row.as_ref().is_some_and(|it| it.relation.name.starts_with("boot."));
            let borders = found.iter().filter(|it| boots(it)).count();
            assert_eq!(borders, 4, "{version}/{name}");
            found.retain(|it| !boots(it) && !kernel(&it.message));
            found.sort_by_key(|it| it.quote.span);
            assert_eq!(found.len(), wanted.len(), "{version}/{name}");
            for (event, wanted) in found.iter().zip(&wanted) {
                let crash = event.row.is_some();
                assert!(
                    if crash { wanted.starts_with(&*event.message) } else { *event.message == ***wanted },
                    "{version}/{name}:{}: {:?} is not {wanted:?}",
                    event.quote.span.line,
                    event.message
                );
            }
            let origin = origin("journalctl", true);
            for bytes in [1, 64] {
                let again = read(&FORMAT, &origin, &text, bytes);
                assert_eq!(again.records, records.records, "{version}/{name} in chunks of {bytes}");
                assert_eq!((again.seen, again.tally), (records.seen.clone(), records.tally));
            }
            let sniff = Sniff { path: "x.txt", text: &text, bytes: text.as_bytes(), whole: true };
            assert!(recognizes(&sniff) >= Certainty::Likely, "{version}/{name}");
        }
    }
    assert!(files >= 30, "only {files} files");
}

#[test]
fn garbage_is_read_to_the_end() {
    let Some(samples) = samples() else { return skipped() };
    let text = std::fs::read(samples.join("journal/synthetic-oracle/journalctl-v257/short.txt")).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let ends: Vec<usize> = text.char_indices().map(|it| it.0).filter(|it| it % 37 == 0).collect();
    for end in ends {
        let cut = read(&FORMAT, &origin("journalctl", true), &text[end..], 1 << 20);
        assert!(cut.tally.lines > 0);
    }
    for text in ["\u{1b}[", "[", "[ 1.", "-- Boot --", "Jun", "Jun 14 13:14:31", "Jun 14 13:14:31 ", " ", "\u{feff}", "6月"] {
        let records = read(&FORMAT, &origin("journalctl", true), text, 1);
        assert!(records.tally.lines <= 1, "{text}");
    }
}

#[test]
fn a_logout_is_no_shutdown_and_a_unit_does_not_see_one() {
    let end = |text: &str| {
        let out = crate::testing::read_at(&FORMAT, "x.txt", text);
        let rows = events(&out).into_iter().filter_map(|it| it.row.clone());
        let ends: Vec<_> = rows.filter(|it| it.relation.name == "boot.end").collect();
        assert_eq!(ends.len(), 1, "{text}");
        ends[0].get("orderly").to_string()
    };
    let crashed = "\
Jun 14 13:57:30 node-a systemd[2211]: Reached target Shutdown.
Jun 14 13:57:36 node-a kubelet[2877]: I0614 13:57:36.190372    2877 kubelet.go:1883] SyncLoop (ADD, \"api\")
Jun 14 13:57:37 node-a kernel: cbr0: port 5(vetheafed3ac) entered disabled state
-- Reboot --
Jun 14 14:02:11 node-a systemd-journald[623]: Runtime journal is using 8.0M
";
    assert_eq!(end(crashed), "false");
    assert_eq!(end(&crashed.replace("2211", "1")), "true");
    let unit = "\
Jun 14 13:57:30 node-a kubelet[2877]: I0614 13:57:30.190372    2877 kubelet.go:1883] SyncLoop (ADD, \"api\")
Jun 14 13:57:36 node-a systemd[1]: Stopping Kubernetes Kubelet Server...
Jun 14 13:57:37 node-a systemd[1]: Stopped Kubernetes Kubelet Server.
-- Reboot --
Jun 14 14:02:11 node-a systemd[1]: Started Kubernetes Kubelet Server.
";
    assert_eq!(end(unit), "unknown");
}

#[test]
fn the_name_of_an_image_is_no_node() {
    let text = "\
Feb 04 09:34:04 ubuntu kernel: Linux version 5.4.0-97-generic (b@l) (gcc) #110-Ubuntu SMP 2022
Feb 04 09:34:05 ubuntu systemd[1]: Set hostname to <compute4>.
Feb 04 09:34:08 compute4 app[3]: cannot fork
";
    let out = crate::testing::read_at(&FORMAT, "x.txt", text);
    insta::assert_snapshot!(shown(&out), @r#"
    1: compute4 fact <kernel release=5.4.0-97-generic, version=#110-Ubuntu SMP 2022>
    1: compute4 kernel kernel "Linux version 5.4.0-97-generic (b@l) (gcc) #110-Ubuntu SMP 2022"
    2: compute4 system systemd "Set hostname to <compute4>."
    3: compute4 system app "cannot fork"
    "#);
    assert!(out.seen.iter().all(|it| it.node.as_deref() == Some("compute4")), "{:?}", out.seen);
    // one image on two machines of one file: whose line it was cannot be told
    let both = format!("{text}{}", text.replace("compute4", "compute5"));
    let out = crate::testing::read_at(&FORMAT, "x.txt", &both);
    assert!(out.seen.iter().any(|it| it.node.as_deref() == Some("ubuntu")));
}

#[test]
fn a_line_without_a_header_belongs_to_an_entry_of_its_own_moment_only() {
    let text = "\
Jul 23 22:10:07 node-xx kubelet[2817]: E0723 22:10:07.777591    2817 kubelet.go:1883] cannot start, wanted
Jul 23 22:10:08 node-xx kubelet[2817]: more of it
Jul 23 23:15:00 node-xx kubelet[2817]: wanted: level=error msg=\"a library speaks\"
Jul 23 23:15:01 node-xx kubelet[2817]: I0723 23:15:01.777591    2817 kubelet.go:1884] at work
Jul 24 01:00:00 node-xx kubelet[2817]: wanted by somebody else
";
    let found = read(&FORMAT, &origin("journalctl_-u_kubelet", Words(&["wanted"])), text, 1 << 20);
    let told: Vec<(u32, usize, bool)> =
        events(&found).iter().map(|it| (it.quote.span.line, it.message.lines().count(), it.inner.is_some())).collect();
    // line, lines of the message, whether it has klog's stamp
    assert_eq!(told, [(1, 2, true), (3, 1, false), (5, 1, false)]);
}
