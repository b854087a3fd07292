//! Files of cgroups, version 1 and 2: limits, what is used, how often a limit was hit.
//!
//! ```text
//! /sys/fs/cgroup/pids/kubepods/pids.max        1000
//! /sys/fs/cgroup/kubepods.slice/memory.events  low 0 / high 0 / max 12 / oom 3 / oom_kill 3
//! /sys/fs/cgroup/kubepods.slice/pids.max:1000
//! ==> /sys/fs/cgroup/cgroup.stat <==
//! ```
//!
//! A file is known by its name, at the end of the path or, in the output of `grep -r .` and `head`, in front of its value.
//! One row a value: of a file of several lines the name of the line belongs to the key (`memory.events.oom_kill`). `max`, and
//! the number version 1 says instead, is -1. The path is the cgroup without the mount point and, of version 1, without the
//! controller. Skipped: most of `memory.stat`, lists of processes and CPUs, input and output of single devices.
//! Units: bytes, processes, microseconds (`cpu.stat` of version 1: nanoseconds). Time: none, true when collected.
//!
//! Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/*.rst of Linux.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "cgroup-files",
    produced_by: "cat or grep -r . of /sys/fs/cgroup: pids.max, pids.current, memory.max, memory.events, cpu.stat, cgroup.stat",
    samples: &[
        "/sys/fs/cgroup/kubepods.slice/pids.max:1000\n/sys/fs/cgroup/kubepods.slice/pids.current:998\n/sys/fs/cgroup/kubepods.slice/pids.events:max 12\n",
        "==> /sys/fs/cgroup/system.slice/memory.max <==\nmax\n\n==> /sys/fs/cgroup/system.slice/memory.events <==\nlow 0\nhigh 0\nmax 4\noom 2\noom_kill 2\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a file of a cgroup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// One number, or `max`.
    One,
    /// A name and a number a line.
    Named,
    /// A name and a number a line, most of which say little.
    Statistics,
    /// A quota, or `max`, and its period.
    Quota,
}

/// The files that are read.
const FILES: [(&str, Holds); 44] = [
    ("pids.max", Holds::One),
    ("pids.current", Holds::One),
    ("pids.peak", Holds::One),
    ("pids.events", Holds::Named),
    ("pids.events.local", Holds::Named),
    ("memory.max", Holds::One),
    ("memory.high", Holds::One),
    ("memory.low", Holds::One),
    ("memory.min", Holds::One),
    ("memory.current", Holds::One),
    ("memory.peak", Holds::One),
    ("memory.oom.group", Holds::One),
    ("memory.events", Holds::Named),
    ("memory.events.local", Holds::Named),
    ("memory.stat", Holds::Statistics),
    ("memory.swap.max", Holds::One),
    ("memory.swap.high", Holds::One),
    ("memory.swap.current", Holds::One),
    ("memory.swap.events", Holds::Named),
    ("memory.limit_in_bytes", Holds::One),
    ("memory.soft_limit_in_bytes", Holds::One),
    ("memory.usage_in_bytes", Holds::One),
    ("memory.max_usage_in_bytes", Holds::One),
    ("memory.failcnt", Holds::One),
    ("memory.oom_control", Holds::Named),
    ("memory.swappiness", Holds::One),
    ("memory.memsw.limit_in_bytes", Holds::One),
    ("memory.memsw.usage_in_bytes", Holds::One),
    ("memory.memsw.failcnt", Holds::One),
    ("memory.kmem.limit_in_bytes", Holds::One),
    ("memory.kmem.usage_in_bytes", Holds::One),
    ("memory.kmem.failcnt", Holds::One),
    ("cpu.max", Holds::Quota),
    ("cpu.weight", Holds::One),
    ("cpu.shares", Holds::One),
    ("cpu.cfs_quota_us", Holds::One),
    ("cpu.cfs_period_us", Holds::One),
    ("cpu.stat", Holds::Named),
    ("cpuacct.usage", Holds::One),
    ("cgroup.stat", Holds::Named),
    ("cgroup.events", Holds::Named),
    ("cgroup.freeze", Holds::One),
    ("cgroup.max.descendants", Holds::One),
    ("cgroup.max.depth", Holds::One),
];

/// Lines of `memory.stat` that rules may ask for.
const STATISTICS: [&str; 22] = [
    "anon", "file", "kernel", "kernel_stack", "slab", "slab_reclaimable", "slab_unreclaimable", "sock", "shmem", "file_dirty",
    "file_writeback", "inactive_file", "pgmajfault", "workingset_refault_file", "rss", "cache", "mapped_file", "swap",
    "total_rss", "total_cache", "total_inactive_file", "hierarchical_memory_limit",
];

/// The controllers whose names are directories of version 1.
const CONTROLLERS: [&str; 8] = ["pids", "memory", "cpu", "cpuacct", "cpu,cpuacct", "cpuacct,cpu", "unified", "systemd"];

/// What version 1 says for no limit: the largest number of whole pages.
const NO_LIMIT: i64 = 0x7fff_ffff_ffff_0000;

/// A file of a cgroup.
#[derive(Clone, Copy)]
struct File<'t> {
    /// The cgroup, as far as the path tells.
    group: &'t str,
    key: &'static str,
    holds: Holds,
}

/// `sys/fs/cgroup/pids/kubepods/pids.max`, `cat_.sys.fs.cgroup.memory.kubepods.memory.limit_in_bytes.txt`
fn file(path: &str) -> Option<File<'_>> {
    let bare = [".txt", ".log", ".out"].into_iter().find_map(|it| path.strip_suffix(it)).unwrap_or(path);
    let ends = |(name, holds): (&'static str, Holds)| {
        let before = bare.strip_suffix(name)?;
        let apart = before.is_empty() || before.ends_with(['/', '.', '_', ' ', '-']);
        apart.then_some((before, name, holds))
    };
    // `memory.events.local` ends with no other name, but `memory.swap.max` with none either: the longest counts
    let (before, key, holds) = FILES.into_iter().filter_map(ends).max_by_key(|it| it.1.len())?;
    Some(File { group: group(before), key, holds })
}

/// `/sys/fs/cgroup/pids/kubepods/` is the cgroup `kubepods`, the root has no name.
fn group(before: &str) -> &str {
    let trimmed = before.trim_end_matches(['/', '.', '_', ' ', '-']);
    let inside = trimmed.rfind("cgroup").map_or("", |at| &trimmed[at + "cgroup".len()..]);
    let inside = inside.strip_prefix('s').unwrap_or(inside);
    let name = inside.trim_start_matches(['/', '.', '_']);
    let controller = CONTROLLERS.into_iter().filter(|it| name.strip_prefix(it).is_some_and(|it| it.is_empty() || it.starts_with(['/', '.'])));
    let cut = controller.map(str::len).max().unwrap_or(0);
    name[cut..].trim_start_matches(['/', '.'])
}

/// `/sys/fs/cgroup/kubepods.slice/pids.max:1000`: the file and where the value begins.
fn prefixed(line: &str) -> Option<(File<'_>, &str)> {
    let (path, value) = line.split_once(':')?;
    let file = file(path)?;
    value_of(file, value)?;
    Some((file, value))
}

/// `==> /sys/fs/cgroup/cgroup.stat <==`
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("==> ")?.strip_suffix(" <==")
}

/// A number of a cgroup; no limit is -1.
fn number(word: &str) -> Option<i64> {
    if word == "max" || word == "infinity" {
        return Some(-1);
    }
    match word.parse::<u64>() {
        Ok(it) => Some(i64::try_from(it).ok().filter(|it| *it < NO_LIMIT).unwrap_or(-1)),
        Err(_) => word.parse().ok(),
    }
}

/// What one line of a file says: the end of the key, and the value.
fn value_of<'t>(file: File<'_>, line: &'t str) -> Option<(&'t str, i64)> {
    let mut cells = words(line);
    let first = cells.next()?;
    let second = cells.next();
    if cells.next().is_some() {
        return None;
    }
    match (file.holds, second) {
        (Holds::One, None) | (Holds::Quota, None | Some(_)) => number(first).map(|it| ("", it)),
        (Holds::Named | Holds::Statistics, Some(value)) => {
            let name = first.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'.');
            number(value).filter(|_| name).map(|it| (first, it))
        }
        _ => None,
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let of_path = file(sniff.path);
    let mut open = of_path;
    let (mut all, mut good) = (0u32, 0u32);
    for line in sniff.text.lines().filter(|it| !it.trim().is_empty()).take(100) {
        all += 1;
        if let Some(path) = heading(line) {
            open = file(path);
            good += u32::from(open.is_some());
        } else {
            good += u32::from(prefixed(line).is_some() || open.is_some_and(|it| value_of(it, line).is_some()));
        }
    }
    match () {
        () if good == 0 => Certainty::No,
        () if good == all => Certainty::Sure,
        // a tree of files has some that are of no interest here
        () if good * 3 >= all && sniff.text.contains("/cgroup/") => Certainty::Likely,
        () => Certainty::No,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let path = input.origin.path.clone();
    let mut open = file(&path);
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(path) = heading(line.text) {
            open = file(path);
            return true;
        }
        if let Some((file, value)) = prefixed(line.text) {
            return push(state, line, file, value);
        }
        if line.text.starts_with('/') && line.text.contains("/cgroup/") && line.text.contains(':') {
            // another file of the tree
            return true;
        }
        open.is_some_and(|it| push(state, line, it, line.text))
    });
}

fn push<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>, file: File<'_>, value: &str) -> bool {
    let Some((name, number)) = value_of(file, value) else { return false };
    if file.holds == Holds::Statistics && !STATISTICS.contains(&name) {
        return true;
    }
    let key = if name.is_empty() { file.key.to_owned() } else { format!("{}.{name}", file.key) };
    let row = Row::new(&relation::CGROUP_VALUE).with("path", format!("/{}", file.group)).with("key", key).with("value", number);
    state.push(row, line);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, shown, sniff_certainty};

    fn rows(path: &str, text: &str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, path, text), Certainty::Sure, "{path}");
        let out = read_at(&FORMAT, path, text);
        assert_eq!(out.tally.lines, out.tally.understood, "{path}");
        shown(&out, "cgroup.value", ["path", "key", "value"])
    }

    #[test]
    fn single_files_of_both_versions() {
        assert_eq!(rows("n/sys/fs/cgroup/pids/kubepods/burstable/pids.max", "1000\n"), ["/kubepods/burstable pids.max 1000"]);
        assert_eq!(rows("n/sys/fs/cgroup/pids.max", "max\n"), ["/ pids.max -1"]);
        assert_eq!(
            rows("sys/fs/cgroup/memory/kubepods/memory.limit_in_bytes", "9223372036854771712\n"),
            ["/kubepods memory.limit_in_bytes -1"]
        );
        assert_eq!(
            rows("sos_commands/cgroups/cat_.sys.fs.cgroup.memory.memory.usage_in_bytes", "734003200\n"),
            ["/ memory.usage_in_bytes 734003200"]
        );
        assert_eq!(rows("a/cpu.max", "200000 100000\n"), ["/ cpu.max 200000"]);
        assert_eq!(rows("a/sys/fs/cgroup/x.slice/cpu.max", "max 100000\n"), ["/x.slice cpu.max -1"]);
        assert_eq!(rows("a/sys/fs/cgroup/x.slice/memory.swap.max", "0\n"), ["/x.slice memory.swap.max 0"]);
    }

    #[test]
    fn files_of_several_lines() {
        let stat = "usage_usec 10\nuser_usec 7\nsystem_usec 3\nnr_periods 40\nnr_throttled 12\nthrottled_usec 99000\n";
        let found = rows("sys/fs/cgroup/kubepods.slice/cpu.stat", stat);
        assert!(found.contains(&"/kubepods.slice cpu.stat.nr_throttled 12".to_owned()), "{found:?}");
        let stat = "nr_descendants 112\nnr_dying_descendants 5312\n";
        assert_eq!(rows("sys/fs/cgroup/cgroup.stat", stat)[1], "/ cgroup.stat.nr_dying_descendants 5312");
        let stat = "anon 4096\nfile 8192\nthp_fault_alloc 0\n";
        assert_eq!(rows("sys/fs/cgroup/a/memory.stat", stat), ["/a memory.stat.anon 4096", "/a memory.stat.file 8192"]);
    }

    #[test]
    fn trees_of_files() {
        assert_eq!(
            rows("grep.txt", FORMAT.samples[0]),
            ["/kubepods.slice pids.max 1000", "/kubepods.slice pids.current 998", "/kubepods.slice pids.events.max 12"]
        );
        assert_eq!(rows("head.txt", FORMAT.samples[1]).last().map(String::as_str), Some("/system.slice memory.events.oom_kill 2"));
    }

    #[test]
    fn other_files_are_not_claimed() {
        for (path, text) in [
            ("etc/pids.max.md", "1000\n"),
            ("sys/fs/cgroup/pids.max", "many\n"),
            ("sys/fs/cgroup/cgroup.procs", "1\n2\n"),
            ("proc/sys/kernel/pid_max", "32768\n"),
            ("notes.txt", "pids.max: see below\n"),
            ("x.yaml", "memory.max: none\n"),
        ] {
            assert_eq!(sniff_certainty(&FORMAT, path, text), Certainty::No, "{path}");
        }
    }
}
