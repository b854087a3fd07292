//! Reports on real logs; the third-party ones are read where they lie.

#![allow(clippy::print_stderr)]

use std::path::PathBuf;

use timeline::{MemberId, Quote, Span, Stamp};

use super::{KernelLine, Report, Reports, prefix};

/// Reads kernel lines with their printk prefix; `kernel: ` lines of a syslog file count too, others are foreign.
pub(super) fn read(text: &str) -> Vec<Report> {
    let (mut reports, mut done) = (Reports::default(), Vec::new());
    feed(&mut reports, text, &mut done);
    reports.flush(&mut done);
    // what one line says has its own tests
    done.retain(|it| !super::single::is_kind(&cell(it, "kind")));
    done
}

/// Disks, file systems, links and programs in trouble, by kind and device, of each kernel.
#[test]
fn trouble_in_one_line() {
    for version in ["5.10", "6.1", "6.12", "7.2"] {
        let told = |name: &str| -> Option<std::collections::BTreeMap<String, u32>> {
            let text = file(&format!("qemu-serial-console/{version}-{name}.console.log"))?;
            let (mut reports, mut done) = (Reports::default(), Vec::new());
            feed(&mut reports, &text, &mut done);
            reports.flush(&mut done);
            let mut found = std::collections::BTreeMap::new();
            for report in done.iter().filter(|it| super::single::is_kind(&cell(it, "kind"))) {
                *found.entry(format!("{} {}", cell(report, "kind"), cell(report, "device"))).or_default() += 1;
            }
            Some(found)
        };
        let Some(found) = told("net-disk-fs-hungtask-nmi-mce") else { return };
        for expected in [
            "block-error sda",
            "scsi-error sda",
            "block-error nvme0n1",
            "filesystem-error loop0",
            "link-down eth0",
            "nmi unknown",
        ] {
            assert!(found.contains_key(expected), "{version}: {expected}: {found:?}");
        }
        let Some(found) = told("oom-cgroup1-pids-userfaults") else { return };
        assert!(found.get("segfault unknown").is_some_and(|it| *it >= 4), "{version}: {found:?}");
    }
}

fn feed(reports: &mut Reports, text: &str, done: &mut Vec<Report>) {
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let quote = || Quote {
            span: Span { member: MemberId(0), start: 0, len: line.len() as u32, line: number as u32 + 1 },
            text: line.into(),
        };
        let message = line.split_once(" kernel: ").map_or(line, |(_, it)| it);
        let known = prefix(message);
        let (text, micros, caller) = known.map_or((message, None, None), |it| (it.text, Some(it.micros), it.caller));
        let line = KernelLine { text, micros, caller, stamp: &Stamp::None, quote: &quote };
        reports.line(&line, done);
    }
}

fn samples(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/kernel")).join(folder);
    let path = path.exists().then_some(path);
    if path.is_none() {
        eprintln!("SKIPPED: no samples of {folder}");
    }
    path
}

fn file(path: &str) -> Option<String> {
    let bytes = std::fs::read(samples(path)?).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn cell(report: &Report, column: &str) -> String {
    report.row.get(column).to_string()
}

/// Kind of the first report of each file, the rest counted; a file not listed holds none.
fn kinds(folder: &str) -> Option<Vec<(String, Vec<String>)>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(samples(folder)?).expect("a folder").map(|it| it.expect("an entry").path()).collect();
    files.sort();
    let kinds = |path: &PathBuf| {
        let text = String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned();
        let name = path.file_name().expect("a name").to_string_lossy().split('.').next().unwrap_or_default().to_owned();
        (name, read(&text).iter().map(|it| cell(it, "kind")).collect())
    };
    Some(files.iter().map(kinds).collect())
}

#[test]
fn every_oops_of_satyr_has_its_kind() {
    let Some(found) = kinds("public/satyr-kerneloopses") else { return };
    assert_eq!(found.len(), 49);
    let wanted = |name: &str| match name {
        "arm-hung-task-oops-2" | "rhbz-1518943" => vec!["oops"],
        "arm-hung-task-oops" => vec!["panic"],
        "gitlog-01" | "gitlog-02" => vec!["lockdep", "spinlock-lockup"],
        "gitlog-07" | "gitlog-19" | "gitlog-29" | "gitlog-30" => vec!["slab-corruption"],
        "rhbz-1040900-s390x-2" => vec!["bug"],
        "rhbz-1140681" => vec!["gpf"],
        "rhbz-1235021" => vec!["soft-lockup"],
        "rhbz-836206" => vec!["scheduling-while-atomic"; 2],
        it if it.starts_with("gitlog") => vec!["lockdep"],
        it if it.starts_with("rhbz-865695") => vec!["bug"],
        _ => vec!["warning"],
    };
    for (name, kinds) in found {
        assert_eq!(kinds, wanted(&name), "{name}");
    }
}

#[test]
fn every_example_of_abrt_has_its_kind() {
    let Some(found) = kinds("public/abrt-examples") else { return };
    assert_eq!(found.len(), 40);
    let wanted = |name: &str| match name {
        "10_oopses" => vec!["warning"; 10],
        "1_oops" => vec!["warning", "cut"],
        "no_oops" => vec!["cut"],
        "not_oops1" | "oops7" | "xorg_journal_crash1" | "xorg_journal_crash2" => vec![],
        "kernel_panic_oom" | "oops-kernel-panic-hung-tasks-arm" | "oops-without-addrs" => vec!["panic"],
        "mce1" => vec!["machine-check", "panic"],
        "mce2" | "oops-non-fatal-mce" | "oops_full_hostname" | "not_oops_foreign_hostname" => vec!["machine-check"],
        "nmi_oops" | "nmi_oops_hash" => vec!["hard-lockup"],
        "debug_messages" | "not_oops2" | "oops1" | "oops9_ppc64" | "oops_no_reliable_frame" => vec!["oops"],
        "oops-32bit-graphics" => vec!["oops", "list-corruption"],
        "oops-module-ati" | "oops10_s390x" => vec!["bug"],
        "oops1-module-nouveau" => vec!["soft-lockup"],
        "oops2" | "oops_recursive_locking1" => vec!["lockdep"],
        "oops3" => vec!["gpf"; 3],
        "oops6" => vec!["alloc-failure"],
        _ => vec!["warning"],
    };
    for (name, kinds) in found {
        assert_eq!(kinds, wanted(&name), "{name}");
    }
}

#[test]
fn five_deaths_two_hangs_and_the_stalls_of_four_kernels() {
    for (version, hung) in [("5.10", 3), ("6.1", 3), ("6.12", 3), ("7.2", 3)] {
        let Some(text) = file(&format!("qemu-serial-console/{version}-oops-lockup-stall-sysrq.console.log")) else {
            return;
        };
        let found = read(&text);
        let of = |kind: &str| -> Vec<&Report> { found.iter().filter(|it| cell(it, "kind") == kind).collect() };
        let deaths: Vec<(String, String, String)> = found
            .iter()
            .filter(|it| it.row.get("number").is_some())
            .map(|it| {
                (cell(it, "number"), cell(it, "kind"), cell(it, "rip").split('+').next().unwrap_or_default().to_owned())
            })
            .collect();
        let want = [
            ("1", "oops", "do_null"),
            ("2", "oops", "w"),
            ("3", "gpf", "w"),
            ("4", "bug", "do_bug"),
            ("5", "oops", "in_timer"),
        ];
        let want: Vec<_> = want.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
        assert_eq!(deaths, want, "{version}");
        let mut tasks: Vec<String> = of("hung-task").iter().map(|it| cell(it, "pid")).collect();
        assert_eq!(tasks.len(), hung, "{version}");
        tasks.sort();
        tasks.dedup();
        assert_eq!(tasks.len(), 2, "{version}: two tasks hang");
        let owner = found.iter().any(|it| it.text.contains("is blocked on a mutex likely owned by task"));
        assert_eq!(owner, version == "7.2", "{version}");
        let soft = of("soft-lockup");
        let pids: Vec<String> = soft.iter().map(|it| cell(it, "pid")).collect();
        assert!(soft.len() == 2 && pids[0] == pids[1], "{version}: one series of soft lockups");
        let stalls = of("rcu-stall");
        assert_eq!(stalls.len(), 3, "{version}");
        assert!(stalls[0].text.contains("(t=125"), "{version}: {}", stalls[0].text);
        assert!(stalls.iter().all(|it| !it.text.contains("sysrq") && !it.text.contains("Mem-Info")), "{version}");
        let panics: Vec<String> = of("panic").iter().map(|it| cell(it, "title")).collect();
        assert_eq!(panics, ["Kernel panic - not syncing: Fatal exception in interrupt"], "{version}");
        assert!(found.iter().all(|it| cell(it, "complete") == "true"), "{version}");
    }
}

#[test]
fn kills_of_cgroups_of_groups_and_of_all() {
    for version in ["5.10", "6.1", "6.12", "7.2"] {
        let Some(text) = file(&format!("qemu-serial-console/{version}-oom-cgroup2-global-pids.console.log")) else {
            return;
        };
        let found = read(&text);
        let kills: Vec<&Report> = found.iter().filter(|it| cell(it, "kind") == "oom-kill").collect();
        assert_eq!(kills.len(), 6, "{version}");
        let first = kills[0];
        assert_eq!((cell(first, "trigger").as_str(), cell(first, "victim").as_str()), ("java", "java"));
        assert_eq!(cell(first, "constraint"), "memcg");
        assert!(
            cell(first, "cgroup").ends_with("pod5a1f0c2d_1b2c_4d3e_8f90_a1b2c3d4e5f6.slice"),
            "{}",
            cell(first, "cgroup")
        );
        assert!(first.quote.text.contains("Memory cgroup out of memory: Killed process"), "{}", first.quote.text);
        let group = kills[1];
        let mut pids: Vec<&str> = group
            .text
            .lines()
            .filter_map(|it| it.split_once("Killed process "))
            .map(|(_, it)| it.split(' ').next().unwrap_or_default())
            .collect();
        assert_eq!(pids.len(), 4, "{version}: the first victim is printed twice");
        pids.sort_unstable();
        pids.dedup();
        assert_eq!(pids.len(), 3, "{version}");
        let global: Vec<(String, String)> =
            kills[2..].iter().map(|it| (cell(it, "constraint"), cell(it, "order"))).collect();
        let want: Vec<(String, String)> =
            ["0", "0", "-1", "0"].iter().map(|it| ("global".to_owned(), (*it).to_owned())).collect();
        assert_eq!(global, want, "{version}");
        assert!(kills[2..5].iter().all(|it| it.row.get("victim").is_some()), "{version}");
        assert!(!kills[5].row.get("victim").is_some(), "{version}: the last one panics instead");
        // the sum of the zones
        assert!(kills[2].row.get("free_bytes").as_number().is_some_and(|it| it > 30e6 && it < 60e6), "{version}");
        let last = found.last().expect("a report");
        assert_eq!(
            cell(last, "title"),
            "Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled"
        );
        let rejected = found.iter().find(|it| cell(it, "kind") == "fork-rejected").expect("a rejected fork");
        assert!(cell(rejected, "cgroup").ends_with("/cri-containerd-0123456789abcdef.scope"), "{version}");
    }
}

/// Start lines, each as a report of its own.
#[test]
fn lines_that_open_a_report() {
    for (line, kind) in [
        ("------------[ cut here ]------------", "cut"),
        ("kernel BUG at /build/linux-SwhOyu/linux-4.4.0/include/linux/fs.h:2582!", "bug"),
        ("kernel BUG at fs/inode.c:1234!", "bug"),
        ("Internal error: Oops - BUG: 00000000f2000800 [#1] SMP", "bug"),
        ("BUG: unable to handle kernel NULL pointer dereference at 0000000000000098", "oops"),
        ("BUG: unable to handle kernel paging request at ffffc90000a3c000", "oops"),
        ("BUG: kernel NULL pointer dereference, address: 0000000000000000", "oops"),
        ("BUG: unable to handle page fault for address: ffff888123456789", "oops"),
        ("BUG: Unable to handle kernel data access at 0x6b6b6b6b6b6b6b6b", "oops"),
        ("BUG: Kernel NULL pointer dereference on read at 0x00000000", "oops"),
        ("Unable to handle kernel paging request at virtual address dead000000000108", "oops"),
        ("Unable to handle kernel pointer dereference in virtual kernel address space", "oops"),
        ("Internal error: Oops: 96000004 [#1] SMP", "oops"),
        ("Internal error: Oops: 0000000096000006 [#1] PREEMPT SMP", "oops"),
        ("Oops: Kernel access of bad area, sig: 11 [#1]", "oops"),
        ("Oops: 0004 ilc:3 [#1] SMP", "oops"),
        ("Oops: Oops: 0002 [#1] SMP NOPTI", "oops"),
        ("Oops [#1]", "oops"),
        ("general protection fault: 0000 [#1] SMP", "gpf"),
        ("general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#3] SMP", "gpf"),
        ("Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#3] SMP", "gpf"),
        ("divide error: 0000 [#1] SMP", "die"),
        ("Oops: divide error: 0000 [#1] SMP", "die"),
        ("stack segment: 0000 [#1] SMP", "die"),
        ("invalid opcode: 0000 [#1] SMP", "die"),
        ("Internal error: undefined instruction: 0 [#1] SMP ARM", "die"),
        ("illegal operation: 0001 ilc:1 [#1] SMP", "die"),
        ("int3: 0000 [#1] PREEMPT SMP", "die"),
        ("Oops: Exception in kernel mode, sig: 5 [#1]", "die"),
        ("Oops - undefined instruction [#1]", "die"),
        ("traps: PANIC: double fault, error_code: 0x0", "die"),
        ("WARNING: CPU: 0 PID: 97 at mm/page_alloc.c:5634 __alloc_pages+0x2a9/0x330", "warning"),
        ("WARNING: crashme.c:26 at w+0x279/0x434 [crashme], CPU#1: sh/118", "warning"),
        ("WARNING: at mm/page_alloc.c:2204 __alloc_pages_nodemask+0x231/0x8f0()", "warning"),
        ("Kernel panic - not syncing: Fatal exception", "panic"),
        ("watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [sh:119]", "soft-lockup"),
        ("NMI watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [pulseaudio:1580]", "soft-lockup"),
        ("BUG: soft lockup - CPU#1 stuck for 67s! [kworker/1:2:311]", "soft-lockup"),
        ("NMI watchdog: Watchdog detected hard LOCKUP on cpu 3", "hard-lockup"),
        ("watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 2", "hard-lockup"),
        ("rcu: INFO: rcu_preempt self-detected stall on CPU", "rcu-stall"),
        ("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:", "rcu-stall"),
        ("INFO: rcu_sched self-detected stall on CPU { 3}  (t=60000 jiffies g=10 c=9 q=0)", "rcu-stall"),
        ("INFO: rcu_sched detected stalls on CPUs/tasks: { 1} (detected by 0, t=60002 jiffies)", "rcu-stall"),
        ("INFO: task java:4481 blocked for more than 120 seconds.", "hung-task"),
        ("INFO: task runc:[2:INIT]:4481 blocked for more than 241 seconds.", "hung-task"),
        ("java invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0", "oom-kill"),
        ("Out of memory: Kill process 9177 (java) score 703 or sacrifice child", "oom-kill"),
        ("Memory cgroup out of memory: Killed process 98 (java) total-vm:43060kB, anon-rss:40596kB", "oom-kill"),
        ("Killed process 215701, UID 679, (java) total-vm:1kB, anon-rss:1kB, file-rss:1kB", "oom-kill"),
        ("Out of memory and no killable processes...", "oom-kill"),
        ("chrome: page allocation failure: order:5, mode:0x24040c0(GFP_KERNEL|__GFP_COMP)", "alloc-failure"),
        ("kworker/u4:1: page allocation failure. order:4, mode:0x40d0", "alloc-failure"),
        ("BUG: scheduling while atomic: sh/101/0x00000002", "scheduling-while-atomic"),
        ("BUG: sleeping function called from invalid context at mm/memory.c:3927", "scheduling-while-atomic"),
        ("BUG: Bad page state in process java  pfn:3a5b2", "bad-page"),
        ("BUG: Bad rss-counter state mm:00000000e8f0f9d5 idx:1 val:2", "bad-page"),
        ("BUG: KASAN: use-after-free in ext4_search_dir+0x1a/0x2b0", "kasan"),
        ("list_del corruption. prev->next should be ffff, but was dead000000000200", "list-corruption"),
        ("mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 2: b200000000000005", "machine-check"),
        ("[Hardware Error]: CPU 0: Machine Check Exception: 5 Bank 4: b200000000070f0f", "machine-check"),
        ("{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 0", "machine-check"),
        ("BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 41s!", "workqueue-lockup"),
        ("cgroup: fork rejected by pids controller in /kubepods/burstable/pod1/c", "fork-rejected"),
    ] {
        let found = read(&format!("[   10.000001] usb 1-1: new device\n[   11.000001] {line}\n"));
        let kinds: Vec<String> = found.iter().map(|it| cell(it, "kind")).collect();
        assert_eq!(kinds, [kind], "{line}");
        assert_eq!(cell(&found[0], "title"), line);
    }
}

#[test]
fn lines_that_open_none() {
    for line in [
        "ALSA sound/core/pcm_lib.c:181: BUG: pcmC0D0p:0, pos = 0x4000, buffer size = 0x4000, period size = 0x400",
        "Oops: efitime: can't read time!",
        "EXT4-fs warning (device loop0): ext4_clear_journal_err:6236: Filesystem error recorded",
        "oom_reaper: reaped process 98 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
        "INFO: NMI handler (nmi_cpu_backtrace_handler) took too long to run: 7.638 msecs",
        "---[ end Kernel panic - not syncing: Fatal exception ]---",
        "Linux version 4.4.0 (b@l) (gcc) #1 SMP",
        "NMI watchdog: enabled on all CPUs, permanently consumes one hw-PMU counter.",
        "WARNING! power/level is deprecated; use power/control instead",
        "nvme nvme0: queue [#2] of [#8] is ready",
        "Call Trace:",
        "RIP: 0010:do_null+0x5/0x20",
        "Unable to handle this at all",
    ] {
        assert!(read(line).is_empty(), "{line}");
    }
}

/// The same with one report some lines ahead of the other: each line goes to the report that has come so far.
#[test]
fn reports_of_two_cpus_interleave_in_any_step() {
    let oops = [
        "BUG: kernel NULL pointer dereference, address: 0000000000000000",
        "#PF: supervisor write access in kernel mode",
        "#PF: error_code(0x0002) - not-present page",
        "PGD 0 P4D 0",
        "Oops: 0002 [#1] PREEMPT SMP NOPTI",
        "CPU: 0 PID: 106 Comm: alpha Not tainted 6.1.0-50-amd64 #1",
        "Hardware name: QEMU Standard PC",
        "RIP: 0010:alpha_fault+0xb8/0x3fd [a]",
        "Call Trace:",
        " <TASK>",
        " alpha_write+0x56/0xa0",
        " </TASK>",
        "Modules linked in: a(OE)",
        "---[ end trace 0000000000000000 ]---",
    ];
    let warning = [
        "------------[ cut here ]------------",
        "WARNING: CPU: 1 PID: 207 at drivers/b.c:26 beta_warn+0x269/0x3fd [b]",
        "Modules linked in: b(OE) c",
        "CPU: 1 PID: 207 Comm: my prog Tainted: G           OE      6.1.0-50-amd64 #1",
        "RIP: 0010:beta_warn+0x269/0x3fd [b]",
        "Call Trace:",
        " <TASK>",
        " beta_read+0x56/0xa0",
        " </TASK>",
        "---[ end trace 0000000000000000 ]---",
    ];
    for ahead in 0..=8 {
        // the warning begins that many lines later
        let mut lines: Vec<&str> = Vec::new();
        for at in 0..oops.len() + ahead {
            lines.extend(oops.get(at));
            lines.extend(at.checked_sub(ahead).and_then(|at| warning.get(at)));
        }
        let text: String = lines.iter().map(|it| format!("[   10.000001] {it}\n")).collect();
        let found = read(&text);
        let mut told: Vec<String> =
            found.iter().map(|it| ["kind", "comm", "pid", "rip"].map(|column| cell(it, column)).join(" ")).collect();
        told.sort();
        let expected = ["oops alpha 106 alpha_fault+0xb8/0x3fd", "warning my prog 207 beta_warn+0x269/0x3fd"];
        assert_eq!(told, expected, "{ahead} lines ahead\n{text}");
    }
}

/// Two CPUs die in the same breath, line by line.
#[test]
fn reports_of_two_cpus_interleave() {
    let one = [
        "BUG: unable to handle page fault for address: ffff888123456789",
        "#PF: supervisor write access in kernel mode",
        "Oops: 0002 [#1] SMP NOPTI",
        "CPU: 0 PID: 106 Comm: alpha Not tainted 6.1.0-50-amd64 #1",
        "RIP: 0010:alpha_fault+0xb8/0x3fd [a]",
        "Call Trace:",
        " alpha_write+0x56/0xa0",
        " ksys_write+0x6b/0xf0",
        "Modules linked in: a(OE)",
        "---[ end trace 0000000000000000 ]---",
    ];
    let other = [
        "------------[ cut here ]------------",
        "beta is not amused",
        "WARNING: CPU: 1 PID: 207 at drivers/b.c:26 beta_warn+0x269/0x3fd [b]",
        "Modules linked in: b(OE) c",
        "CPU: 1 PID: 207 Comm: beta Tainted: G           OE      6.1.0-50-amd64 #1",
        "RIP: 0010:beta_warn+0x269/0x3fd [b]",
        "Call Trace:",
        " beta_read+0x56/0xa0",
        " vfs_read+0xc7/0x3f0",
        "---[ end trace 0000000000000000 ]---",
    ];
    for callers in [true, false] {
        let mut text = String::new();
        for (at, (a, b)) in one.iter().zip(&other).enumerate() {
            let (first, second, third) = if callers { ("[  T106]", "[  T207]", "[    C1]") } else { ("", "", "") };
            text += &format!(
                "[   10.{at:06}]{first} {a}\n[   10.{at:06}]{third} usb 1-1: reset\n[   10.{at:06}]{second} {b}\n"
            );
        }
        let found = read(&text);
        let mut told: Vec<String> = found
            .iter()
            .map(|it| {
                ["kind", "comm", "pid", "rip", "modules", "taint", "complete"].map(|column| cell(it, column)).join(" ")
            })
            .collect();
        told.sort();
        let want = [
            "oops alpha 106 alpha_fault+0xb8/0x3fd a none true",
            "warning beta 207 beta_warn+0x269/0x3fd b c GOE true",
        ];
        assert_eq!(told, want, "with callers: {callers}\n{text}");
        if callers {
            assert!(found.iter().any(|it| it.text == one.join("\n")), "{}", found[0].text);
            assert!(found.iter().any(|it| it.text == other.join("\n")), "{}", found[1].text);
        }
        let oops = found.iter().find(|it| cell(it, "kind") == "oops").expect("an oops");
        assert!(!oops.text.contains("usb"), "{}", oops.text);
    }
}

/// What a journal holds that lost its last seconds.
#[test]
fn a_report_cut_short_is_a_report() {
    let cut = read(
        "Jun 14 13:14:38 host kernel: ------------[ cut here ]------------\n\
        Jun 14 13:14:38 host kernel: kernel BUG at /build/linux-SwhOyu/linux-4.4.0/include/linux/fs.h:2582!\n",
    );
    assert_eq!(cut.len(), 1);
    assert_eq!(cell(&cut[0], "kind"), "bug");
    assert_eq!(cell(&cut[0], "location"), "/build/linux-SwhOyu/linux-4.4.0/include/linux/fs.h:2582");
    assert_eq!(cell(&cut[0], "complete"), "false");
    assert_eq!(cut[0].quote.span.line, 2, "the line that says it best");
    assert_eq!(cut[0].text.lines().count(), 2);
    let bare = read("x\n------------[ cut here ]------------\n");
    assert_eq!((cell(&bare[0], "kind").as_str(), bare.len()), ("cut", 1));
    // lines of the next boot belong to nobody's report
    let next = read(
        "[ 4000.000001] ------------[ cut here ]------------\n[    0.000000] Linux version 4.4.0\n[    0.000001] RSP: x\n",
    );
    assert_eq!((cell(&next[0], "kind").as_str(), next[0].text.lines().count()), ("cut", 1));
}

/// Up to 4.18: two lines, whose tasks may differ, and a line that names both cgroups.
#[test]
fn kills_in_the_old_wording() {
    let memcg = read(
        "java invoked oom-killer: gfp_mask=0x24000c0, order=0, oom_score_adj=968\n\
        java cpuset=297c06 mems_allowed=0\n\
        CPU: 5 PID: 21877 Comm: java Not tainted 4.4.0-104-generic #127-Ubuntu\n\
        Call Trace:\n\
        \x20[<ffffffff813fb2c3>] dump_stack+0x63/0x90\n\
        Task in /kubepods/burstable/pod1/c killed as a result of limit of /kubepods/burstable/pod1\n\
        memory: usage 2097152kB, limit 2097152kB, failcnt 18211\n\
        [ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name\n\
        [21790]     0 21790      256        1       4       2        0          -998 pause\n\
        device veth1 entered promiscuous mode\n\
        Memory cgroup out of memory: Kill process 21877 (java) score 1965 or sacrifice child\n\
        Killed process 21880 (child (x)) total-vm:6417244kB, anon-rss:2081332kB, file-rss:7908kB\n\
        usb 1-1: reset\n\
        oom_reaper: reaped process 21880 (child (x)), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n",
    );
    assert_eq!(memcg.len(), 1);
    let columns = ["trigger", "victim", "victim_pid", "constraint", "cgroup", "order", "release", "complete"];
    let told = columns.map(|it| cell(&memcg[0], it)).join(" ");
    assert_eq!(told, "java child (x) 21880 memcg /kubepods/burstable/pod1 0 4.4.0-104-generic true");
    assert!(
        memcg[0].text.ends_with("shmem-rss:0kB") && !memcg[0].text.contains("usb") && !memcg[0].text.contains("veth1")
    );
    assert!(memcg[0].quote.text.starts_with("Memory cgroup out of memory: Kill process"));
    let global = read(
        "Out of memory: Kill process 9177 (java) score 703 or sacrifice child\n\
        Killed process 9177 (java) total-vm:15644816kB, anon-rss:5153644kB, file-rss:0kB\n\
        Out of memory: Kill process 14060 (mysqld) score 203 or sacrifice child\n\
        Killed process 14060 (mysqld) total-vm:3672880kB, anon-rss:1608472kB, file-rss:0kB\n",
    );
    let told: Vec<String> = global.iter().map(|it| cell(it, "constraint") + " " + &cell(it, "victim")).collect();
    assert_eq!(told, ["global java", "global mysqld"]);
}

#[test]
fn garbage_opens_and_closes_without_a_panic() {
    let words = [
        "[#1]",
        "BUG: ",
        "WARNING: at x:1",
        "\u{fffd}",
        "Killed process 1 (",
        "oom-kill:constraint=",
        ")",
        "CPU: ",
        "order=",
        "+0x",
        "\n",
    ];
    let mut seed = 7u64;
    let mut text = String::new();
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push_str(words[(seed >> 33) as usize % words.len()]);
    }
    let found = read(&text);
    assert!(!found.is_empty());
    assert!(found.iter().all(|it| it.text.lines().count() <= 2001));
}
