//! Boots that end in one file of a node and go on in another.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{counted, memory, sample_at, tar};
use timeline::{Overrides, Timeline};

/// A boot that breaks off, and the next one.
const CRASHED: &str = "\
Jun 14 13:10:01 node-a systemd[1]: Started Session 4 of user root.
Jun 14 13:12:20 node-a systemd-journald[412]: Forwarding to syslog missed 2 messages.
Jun 14 13:14:38 node-a kernel: IPVS: Creating netns size=2104 id=812
";
const STOPPED: &str = "\
Jun 14 13:10:01 node-a systemd[1]: Started Session 4 of user root.
Jun 14 13:14:31 node-a systemd[1]: Reached target Reboot.
Jun 14 13:14:38 node-a systemd-journald[412]: Journal stopped
";
/// One without the kernel and journald: a shutdown would not have to be in it.
const QUIET: &str = "\
Jun 14 13:10:01 node-a systemd[1]: Started Session 4 of user root.
Jun 14 13:12:20 node-a sshd[3001]: Connection closed by 10.0.9.142 port 42936 [preauth]
Jun 14 13:14:38 node-a CRON[2002]: (root) CMD (run-parts /etc/cron.hourly)
";
const BOOTED: &str = "\
Jun 14 13:17:06 node-a kernel: Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP
Jun 14 13:17:07 node-a systemd-journald[350]: Journal started
Jun 14 13:17:40 node-a systemd[1]: Started Session 1 of user root.
";
const REPAIRED: &str = "\
Jun 14 13:17:06 node-a kernel: Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP
Jun 14 13:17:07 node-a kernel: EXT4-fs (sda2): recovery complete
Jun 14 13:17:09 node-a systemd-journald[350]: File /var/log/journal/9a7b/system.journal corrupted or uncleanly shut down, renaming and replacing.
Jun 14 13:17:40 node-a systemd[1]: Started Session 1 of user root.
";

fn built(files: &[(&str, &str)]) -> Timeline {
    let read = counted(memory("bundle.tar", tar(files)));
    Timeline::build(read.members, read.records, &Overrides { year: Some(2020), ..Overrides::default() })
}

/// Every break: where it ends and begins, and whether in order; and that the facts are as many.
fn told(timeline: &Timeline) -> Vec<String> {
    let breaks = timeline.boot_breaks();
    for name in ["boot.end", "boot.start"] {
        assert_eq!(timeline.rows(name).count(), breaks.len(), "{name}");
    }
    let place = |it: &timeline::Fact| {
        let quote = &it.quotes[0];
        format!("{}:{}", timeline.path(quote.span.member).rsplit('/').next().unwrap(), quote.span.line)
    };
    let how = |it: Option<bool>| match it {
        Some(true) => "in order",
        Some(false) => "not in order",
        None => "unknown",
    };
    breaks.iter().map(|it| format!("{} {} {}", place(it.end), place(it.start), how(it.orderly()))).collect()
}

fn of(old: (&str, &str), new: (&str, &str)) -> Vec<String> {
    let named = |it: &str| format!("node-a/{it}");
    told(&built(&[(&named(old.0), old.1), (&named(new.0), new.1)]))
}

fn backwards(text: &str) -> String {
    text.lines().rev().map(|it| format!("{it}\n")).collect()
}

#[test]
fn two_boots_by_the_names_of_their_files() {
    for (old, new) in [
        ("journalctl_--no-pager_--boot_-1", "journalctl_--no-pager_--boot"),
        ("journalctl_-b_-1.txt", "journalctl_-b_0.txt"),
        ("journalctl -b -1.txt", "journalctl -b.txt"),
        ("journal.prev", "journal.log"),
        ("var/log/messages.1", "var/log/messages"),
        ("kernel.log.1", "kernel.log"),
    ] {
        let (new_at, old_at) = (new.rsplit('/').next().unwrap(), old.rsplit('/').next().unwrap());
        let found = |how: &str| [format!("{old_at}:3 {new_at}:1 {how}")];
        assert_eq!(of((old, CRASHED), (new, BOOTED)), found("not in order"), "{old}");
        assert_eq!(of((old, STOPPED), (new, BOOTED)), found("in order"), "{old}");
        assert_eq!(of((old, QUIET), (new, BOOTED)), found("unknown"), "{old}");
    }
}

#[test]
fn newest_first() {
    let more: String =
        (41..46).map(|it| format!("Jun 14 13:17:{it} node-a systemd[1]: Started Session 2.\n")).collect();
    let booted = backwards(&format!("{BOOTED}{more}"));
    let found = of(("journalctl_-r_-b_-1", &backwards(CRASHED)), ("journalctl_-r_-b", &booted));
    assert_eq!(found, ["journalctl_-r_-b_-1:1 journalctl_-r_-b:8 not in order"]);
    let found = of(("journalctl_-r_-b_-1", &backwards(STOPPED)), ("journalctl_-b", BOOTED));
    assert_eq!(found, ["journalctl_-r_-b_-1:1 journalctl_-b:1 in order"]);
}

#[test]
fn what_the_next_boot_repairs_settles_what_is_unknown() {
    let (old, new) = ("journalctl_-b_-1.txt", "journalctl_-b_0.txt");
    let found = |how: &str| [format!("{old}:3 {new}:1 {how}")];
    assert_eq!(of((old, QUIET), (new, REPAIRED)), found("not in order"));
    assert_eq!(of((old, STOPPED), (new, REPAIRED)), found("in order"), "a shutdown was seen");
    // also within one file, with the line that says so
    let timeline = built(&[("node-a/var/log/messages", &format!("{QUIET}{REPAIRED}"))]);
    assert_eq!(told(&timeline), ["messages:3 messages:4 not in order"]);
    let end = timeline.rows("boot.end").next().unwrap();
    assert!(end.quotes[1].text.contains("recovery complete"), "{end:?}");
    // a disk that comes later is no disk of the boot
    let later = REPAIRED.replace("13:17:07", "13:25:07").replace("13:17:09", "13:25:09");
    assert_eq!(of((old, QUIET), (new, &later)), found("unknown"));
    let kubelet = "Jun 14 13:17:06 node-a kubelet[90]: I0614 13:17:06.000000 90 server.go:1] \"Started kubelet\"\n";
    let mounted = BOOTED.replacen("Jun 14 13:17:07", &format!("{kubelet}Jun 14 13:17:07"), 1)
        + "Jun 14 13:17:50 node-a kernel: XFS (sdf): Starting recovery (logdev: internal)\n";
    assert_eq!(of((old, QUIET), (new, &mounted)), found("unknown"), "a volume of a pod");
}

#[test]
fn nothing_is_claimed_of_what_was_left_out() {
    // whatever was filtered away may have been the shutdown
    let found = of(("journalctl_-p_err_-b_-1", CRASHED), ("journalctl_-p_err_-b", BOOTED));
    assert_eq!(found, ["journalctl_-p_err_-b_-1:3 journalctl_-p_err_-b:1 unknown"]);
    let none: [&str; 0] = [];
    // it ends where it was told to
    assert_eq!(of(("journalctl_-b_-1_--until_13_15", CRASHED), ("journalctl_-b", BOOTED)), none);
    // the journal was rotated: it begins in the middle of a boot, hours later
    let hours = BOOTED.replace("13:17", "19:17").replace("kernel: Linux version", "kernel: usb 1-1: device");
    assert_eq!(of(("journalctl_-b_-1", CRASHED), ("journalctl_-b", &hours)), none);
    assert_eq!(of(("messages.1", CRASHED), ("messages", &hours)), none);
    let soon = BOOTED.replace("kernel: Linux version", "kernel: usb 1-1: device");
    assert_eq!(of(("messages.1", CRASHED), ("messages", &soon)), none, "one log that was rotated");
    assert_eq!(of(("journalctl_-b_-1", CRASHED), ("journalctl_-b", &soon)).len(), 1, "two boots, by their names");
    // a file between them is not there
    let found = of(("messages.2", CRASHED), ("messages", BOOTED));
    assert_eq!(found, ["messages.2:3 messages:1 unknown"], "it rebooted; how, the missing file would show");
    assert_eq!(of(("messages.2", CRASHED), ("messages", &BOOTED.replace("13:17", "19:17"))), none);
    // nor does one unit say more than of itself
    let unit = "Jun 14 13:10:01 node-a kubelet[90]: I0614 13:10:01.000000 90 a.go:1] x\n";
    assert_eq!(of(("journalctl_-u_kubelet", unit), ("dmesg", BOOTED)), none);
}

#[test]
fn a_break_that_a_file_shows_is_told_once() {
    let whole = format!("{CRASHED}-- Reboot --\n{BOOTED}");
    let timeline = built(&[
        ("node-a/journalctl.txt", &whole),
        ("node-a/journalctl_-b_-1.txt", CRASHED),
        ("node-a/journalctl_-b_0.txt", BOOTED),
        ("node-a/messages.1", CRASHED),
        ("node-a/messages", BOOTED),
    ]);
    assert_eq!(told(&timeline), ["journalctl.txt:3 journalctl.txt:4 not in order"]);
    let timeline = built(&[
        ("node-a/journalctl_-b_-1.txt", CRASHED),
        ("node-a/journalctl_-b_0.txt", BOOTED),
        ("node-a/messages.1", CRASHED),
        ("node-a/messages", BOOTED),
    ]);
    assert_eq!(told(&timeline).len(), 1);
}

#[test]
fn three_boots_in_three_files() {
    let crash = "Jun 14 13:18:20 node-a kernel: BUG: unable to handle kernel paging request at ffff8800\n";
    let last = BOOTED.replace("13:17", "13:19");
    let timeline = built(&[
        ("node-a/journalctl_-b_-2.txt", STOPPED),
        ("node-a/journalctl_-b_-1.txt", &format!("{BOOTED}{crash}")),
        ("node-a/journalctl_-b_0.txt", &last),
    ]);
    assert_eq!(
        told(&timeline),
        [
            "journalctl_-b_-2.txt:3 journalctl_-b_-1.txt:1 in order",
            "journalctl_-b_-1.txt:4 journalctl_-b_0.txt:1 not in order"
        ]
    );
}

#[test]
fn the_ring_buffer_of_this_boot_beside_a_journal_of_the_former() {
    let dmesg = "[Sun Jun 14 13:17:06 2020] Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n\
                 [Sun Jun 14 13:17:06 2020] Command line: quiet\n[Sun Jun 14 13:17:07 2020] x86/fpu: Supporting XSAVE\n";
    let found = of(("journalctl_-b_-1", CRASHED), ("dmesg_-T", dmesg));
    assert_eq!(found, ["journalctl_-b_-1:3 dmesg_-T:1 not in order"]);
}

#[test]
fn a_kernel_that_dies_tells_its_end_itself() {
    let date = ("node-a/date.txt", "Sun Jun 14 14:00:00 UTC 2020\n");
    let panic = |reason: &str, line: &str| {
        format!(
            "{reason}#2 Part1\n<4>[38000.274380] CPU: 3 PID: 2213 Comm: dockerd Not tainted 4.4.0-104-generic\n{line}\n"
        )
    };
    let fatal = panic("Panic", "<0>[38000.274390] Kernel panic - not syncing: Fatal exception");
    let store = "node-a/sys/fs/pstore/dmesg-efi-159214047801001"; // 13:14:38
    let new = ("node-a/journalctl_-b.txt", BOOTED);
    let timeline = built(&[date, (store, &fatal), new]);
    assert_eq!(told(&timeline), ["dmesg-efi-159214047801001:3 journalctl_-b.txt:1 not in order"]);
    // a log of that boot ends it, the dump says how
    let timeline = built(&[date, ("node-a/journalctl_-b_-1.txt", QUIET), (store, &fatal), new]);
    assert_eq!(told(&timeline), ["journalctl_-b_-1.txt:3 journalctl_-b.txt:1 not in order"]);
    // the kernel survived it; it was another night; nobody knows when
    let oops = panic("Oops", "<1>[38000.274390] BUG: kernel NULL pointer dereference, address: 0000000000000028");
    let none: [&str; 0] = [];
    assert_eq!(told(&built(&[date, (store, &oops), new])), none);
    assert_eq!(told(&built(&[date, ("node-a/sys/fs/pstore/dmesg-efi-159205407801001", &fatal), new])), none);
    assert_eq!(told(&built(&[date, ("node-a/sys/fs/pstore/dmesg-ramoops-0", &fatal), new])), none);
}

#[test]
fn exports_of_two_boots() {
    let entry = |boot: &str, number: u32, secs: i64, ident: &str, message: &str| {
        let (boot, sequence) = (boot.repeat(32), "c".repeat(32));
        let (real, since) = ((1_592_140_000 + secs) * 1_000_000, secs * 1_000_000);
        format!(
            "{{\"__CURSOR\":\"s={sequence};i={number:x};b={boot};m={since:x};t={real:x};x=1\",\
             \"__REALTIME_TIMESTAMP\":\"{real}\",\"__MONOTONIC_TIMESTAMP\":\"{since}\",\"_BOOT_ID\":\"{boot}\",\
             \"_HOSTNAME\":\"node-a\",\"SYSLOG_IDENTIFIER\":\"{ident}\",\"MESSAGE\":\"{message}\"}}\n",
        )
    };
    let transport = |line: String| {
        line.replace("\"SYSLOG_IDENTIFIER\":\"kernel\"", "\"_TRANSPORT\":\"kernel\",\"SYSLOG_IDENTIFIER\":\"kernel\"")
    };
    let old = entry("a", 70, 0, "systemd-journald", "Journal started") + &entry("a", 71, 60, "app", "nothing of note");
    let new = |number| {
        transport(entry("b", number, 200, "kernel", "Linux version 5.10.0-32-amd64 (debian) #1 SMP"))
            + &entry("b", number + 1, 201, "systemd-journald", "Journal started")
    };
    let found = |number| of(("one.json", &old), ("two.json", &new(number)));
    assert_eq!(found(72), ["one.json:2 two.json:1 not in order"], "nothing stands between them");
    assert_eq!(found(172), ["one.json:2 two.json:1 unknown"], "a hundred entries do");
}

/// A real journal of two boots, five days apart, and the same as a file for each.
#[test]
fn a_real_journal_split_where_it_reboots() {
    let Some(path) = sample_at("journal/public/hotsos-sosreports/openstack/journalctl_--no-pager.zst") else { return };
    let whole = String::from_utf8(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()).unwrap();
    let (old, new) = whole.split_once("-- Reboot --\n").unwrap();
    let told = |files: &[(&str, &str)]| {
        let timeline = built(files);
        let breaks = timeline.boot_breaks();
        let text = |it: &timeline::Fact| (it.node.clone(), it.at.nominal, it.quotes[0].text.to_string());
        breaks.iter().map(|it| (text(it.end), it.start.at.nominal, it.orderly())).collect::<Vec<_>>()
    };
    let one = told(&[("sos/sos_commands/logs/journalctl_--no-pager", &whole)]);
    let two = [
        ("sos/sos_commands/logs/journalctl_--no-pager_--boot_-1", old),
        ("sos/sos_commands/logs/journalctl_--no-pager_--boot", new),
    ];
    assert_eq!(one.len(), 1, "{one:?}");
    assert_eq!((one[0].2, &one), (Some(true), &told(&two)));
}
