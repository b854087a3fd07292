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
    done
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
        assert_eq!(cell(first, "constraint"), "CONSTRAINT_MEMCG");
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
