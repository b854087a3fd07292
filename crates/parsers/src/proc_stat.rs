//! `/proc/stat`, `/proc/buddyinfo`, `/proc/cgroups`, `/proc/cmdline`, `/proc/PID/status`: one thing each the kernel counts.
//!
//! ```text
//! cpu  69486 896 22864 200523 11442 0 577 230 0 0
//! Node 0, zone   Normal     17    203    102     17     21      4      7     10      8      0      0
//! #subsys_name hierarchy num_cgroups enabled
//! BOOT_IMAGE=/boot/vmlinuz-5.4.0-99-generic root=LABEL=cloudimg-rootfs ro console=tty1
//! Threads: 1
//! ```
//!
//! Skipped: interrupts, single CPUs, signal masks. Units: ticks, pages of 2^order, bytes. Time: none, true when collected;
//! `btime` is the boot in seconds since the epoch.
//!
//! Source: `man 5 proc`.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, begins, first_line, is_number, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "proc-stat",
    produced_by: "cat /proc/stat /proc/buddyinfo /proc/cgroups /proc/cmdline /proc/PID/status",
    samples: &[
        "cpu  69486 896 22864 200523 11442 0 577 230 0 0\ncpu0 34101 414 11344 100219 6601 0 361 113 0 0\nintr 5717349 0 9\nctxt 11955301\nbtime 1644605889\nprocesses 101034\nprocs_running 3\nprocs_blocked 0\nsoftirq 1 2 3\n",
        "Node 0, zone      DMA      2      0      0      1      3      2      2      1      2      0      3 \nNode 0, zone   Normal     17    203    102     17     21      4      7     10      8      0      0 \n",
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t9\t3\t1\nmemory\t4\t2123\t1\n",
        "BOOT_IMAGE=/boot/vmlinuz-5.4.0-99-generic root=LABEL=cloudimg-rootfs ro console=tty1 crashkernel=512M-:192M\n",
        "Name:\tsystemd\nUmask:\t0000\nState:\tS (sleeping)\nTgid:\t1\nPid:\t1\nPPid:\t0\nUid:\t0\t0\t0\t0\nFDSize:\t256\nVmRSS:\t   13604 kB\nThreads:\t1\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stat,
    Buddyinfo,
    Cgroups,
    Arguments,
    Status,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn kind(text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    let is = |kind: Kind, yes: bool| yes.then_some(kind);
    is(Kind::Stat, stat(first).is_some() && (text.contains("\nctxt ") || is_boot_time(text)))
        .or_else(|| is(Kind::Buddyinfo, buddy(first).is_some()))
        .or_else(|| is(Kind::Cgroups, begins(first, &["#subsys_name", "hierarchy", "num_cgroups", "enabled"])))
        .or_else(|| is(Kind::Arguments, arguments(first) && text.trim().lines().count() == 1))
        .or_else(|| is(Kind::Status, first.starts_with("Name:\t") && text.contains("\nPPid:\t") && text.contains("\nTgid:\t")))
}

/// `btime 1644605889`: what a script picked out of it.
fn is_boot_time(text: &str) -> bool {
    let mut lines = text.trim().lines();
    let first = lines.next().and_then(stat).filter(|(key, numbers)| *key == "btime" && numbers.len() == 1);
    first.is_some_and(|(_, numbers)| numbers[0] > 1_000_000_000) && lines.next().is_none()
}

/// `cpu  69486 896 22864 200523 11442 0 577 230 0 0`
fn stat(line: &str) -> Option<(&str, Vec<i64>)> {
    let mut cells = words(line);
    let key = cells.next()?;
    let known = ["cpu", "intr", "ctxt", "btime", "processes", "procs_running", "procs_blocked", "softirq", "page", "swap"];
    let cpu = key.strip_prefix("cpu").is_some_and(|it| it.is_empty() || is_number(it));
    if !cpu && !known.contains(&key) {
        return None;
    }
    let numbers: Option<Vec<i64>> = cells.map(|it| it.parse().ok()).collect();
    numbers.filter(|it| !it.is_empty()).map(|it| (key, it))
}

/// `Node 0, zone   Normal     17    203 …`: the zone and the free blocks by order.
fn buddy(line: &str) -> Option<(String, Vec<i64>)> {
    let (node, rest) = line.strip_prefix("Node ")?.split_once(", zone ")?;
    let mut cells = words(rest);
    let zone = cells.next()?;
    let blocks: Option<Vec<i64>> = cells.map(|it| it.parse().ok()).collect();
    let blocks = blocks.filter(|it| it.len() >= 8)?;
    is_number(node).then(|| (format!("{node}/{zone}"), blocks))
}

/// Whether a line is a kernel's command line: it says where the root is, and how.
fn arguments(line: &str) -> bool {
    let has = |key: &str| words(line).any(|it| it.strip_prefix(key).is_some_and(|it| it.starts_with('=')));
    let flag = |key: &str| words(line).any(|it| it == key);
    let image = words(line).next().is_some_and(|it| it.starts_with("BOOT_IMAGE="));
    image || has("root") && (flag("ro") || flag("rw") || has("console"))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let Some(kind) = kind(input.text) else { return };
    let mut state = State::of(input, out);
    match kind {
        Kind::Stat => state.each(stat_line),
        Kind::Buddyinfo => state.each(buddy_line),
        Kind::Cgroups => state.each(cgroups_line),
        Kind::Arguments => state.each(arguments_line),
        Kind::Status => status(&mut state),
    }
    let relation = match kind {
        Kind::Stat => &relation::STAT,
        Kind::Buddyinfo => &relation::BUDDYINFO,
        Kind::Cgroups => &relation::CGROUP_CONTROLLER,
        Kind::Arguments => &relation::KERNEL_ARGUMENT,
        // one process is no collection of them
        Kind::Status => return,
    };
    state.collected(relation);
}

fn stat_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some((key, numbers)) = stat(line.text) else { return false };
    let mut push = |key: &str, value: i64| {
        state.push(Row::new(&relation::STAT).with("key", key).with("value", value), line);
    };
    match key {
        "cpu" => {
            let names = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];
            for (name, value) in names.into_iter().zip(numbers) {
                push(&format!("cpu_{name}"), value);
            }
        }
        "ctxt" | "btime" | "processes" | "procs_running" | "procs_blocked" => push(key, numbers[0]),
        _ => {}
    }
    true
}

fn buddy_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some((zone, blocks)) = buddy(line.text) else { return false };
    for (order, blocks) in (0_i64..).zip(blocks) {
        let row = Row::new(&relation::BUDDYINFO).with("zone", zone.as_str()).with("order", order).with("blocks", blocks);
        state.push(row, line);
    }
    true
}

fn cgroups_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    if line.text.starts_with("#subsys_name") {
        return true;
    }
    let cells: Vec<&str> = words(line.text).collect();
    let [name, hierarchy, cgroups, enabled] = cells[..] else { return false };
    let (Ok(hierarchy), Ok(cgroups)) = (hierarchy.parse::<i64>(), cgroups.parse::<i64>()) else { return false };
    let row = Row::new(&relation::CGROUP_CONTROLLER)
        .with("name", name)
        .with("hierarchy", hierarchy)
        .with("cgroups", cgroups)
        .with("enabled", enabled == "1");
    state.push(row, line);
    true
}

fn arguments_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    for word in words(line.text).take(500) {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, Some(value.trim_matches('"'))),
            None => (word, None),
        };
        state.push(Row::new(&relation::KERNEL_ARGUMENT).with("key", key).with("value", value), line);
    }
    true
}

fn status<'t>(state: &mut State<'_, 't, '_>) {
    let mut first: Option<Line<'t>> = None;
    let mut row = Row::new(&relation::PROCESS);
    state.each(|_, line| {
        let Some((key, value)) = line.text.split_once(':') else { return false };
        let value = value.trim();
        let number = || value.split_ascii_whitespace().next().and_then(|it| it.parse::<i64>().ok());
        let mut set = |column: &str, value: timeline::Value| {
            row = std::mem::replace(&mut row, Row::new(&relation::PROCESS)).with(column, value);
        };
        match key {
            "Name" => {
                first = Some(*line);
                set("name", value.into());
            }
            "State" => set("state", value.split(' ').next().into()),
            "Pid" => set("pid", number().into()),
            "PPid" => set("ppid", number().into()),
            "Uid" => set("user", value.split('\t').next().into()),
            "VmRSS" => set("rss_bytes", number().map(|it| it.saturating_mul(1024)).into()),
            "Threads" => set("threads", number().into()),
            _ => return key.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_'),
        }
        true
    });
    if let Some(line) = first {
        state.push(row, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn rows(text: &str, relation: &'static str) -> Vec<String> {
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        facts(&out, relation)
            .map(|it| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").replace("unknown", "-"))
            .collect()
    }

    #[test]
    fn what_each_file_says() {
        let stat = rows(FORMAT.samples[0], "stat");
        assert!(["cpu_steal 230", "btime 1644605889", "procs_blocked 0"].iter().all(|it| stat.iter().any(|row| row == it)));
        let buddy = rows(FORMAT.samples[1], "buddyinfo");
        assert_eq!((buddy.len(), buddy[12].as_str()), (22, "0/Normal 1 203"));
        assert_eq!(rows(FORMAT.samples[2], "cgroup.controller"), ["cpuset 9 3 true", "memory 4 2123 true"]);
        let arguments = rows(FORMAT.samples[3], "kernel.argument");
        assert_eq!((arguments[2].as_str(), arguments[4].as_str()), ("ro -", "crashkernel 512M-:192M"));
        assert_eq!(rows(FORMAT.samples[4], "process"), ["1 0 0 systemd S 1 13930496 - - -"]);
    }

    #[test]
    fn real_files() {
        for (name, relation, count) in [
            ("proc_stat.txt", "stat", 15),
            ("proc_buddyinfo.txt", "buddyinfo", 33),
            ("proc_cgroups.txt", "cgroup.controller", 13),
            ("proc_cmdline.txt", "kernel.argument", 5),
            ("proc_1_status.txt", "process", 1),
        ] {
            let Some(text) = sample(&format!("kubernetes/host/{name}")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
            assert_eq!(rows(&text, relation).len(), count, "{name}");
        }
        for text in ["cpu is busy\nctxt\n", "Name:\tx\n", "root=1\n", "Node 0, zone\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
