//! `ps`: the processes of a node, or their threads.
//!
//! ```text
//! F S UID          PID    PPID     LWP  C NLWP PRI  NI ADDR SZ WCHAN  STIME TTY          TIME CMD
//! 4 S root           1       0       1  1    1  80   0 - 26467 ep_pol 18:58 ?        00:00:22 /sbin/init
//! ```
//!
//! Any selection of columns with a process id and a command. Threads are summed where they can be: from NLWP, from rows
//! a thread (`-L`, `-T`, `m`). The sum is one of the node only where the listing is one of the node: process 1, the
//! kernel's threads, `ps` itself and more than one user are in it. Processes are named that wait uninterruptibly, that are
//! zombies, that have the most threads or memory, and the kubelet with its flags. Skipped: all others.
//! Units: none. Time: none, true when collected.
//!
//! Source: `man 1 ps` of procps-ng.

mod notable;

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Fact, MemberRecords, Record, Row, Stamp, relation};

use crate::lines::is_elision;
use notable::Notable;
pub(crate) use notable::state_name;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "process-list",
    produced_by: "ps -elfL, ps -eLf, ps -eTF, ps auxwwwm, ps axo …",
    samples: &[
        concat!(
            "UID          PID    PPID     LWP  C NLWP STIME TTY          TIME CMD\n",
            "root           1       0       1  0    1 Jul22 ?        00:00:09 /sbin/init\n",
            "root           2       0       2  0    1 Jul22 ?        00:00:00 [kthreadd]\n",
            "nobody      1742       1    1742  0    2 Jul22 ?        00:01:11 /usr/bin/exporter\n",
            "nobody      1742       1    1743  0    2 Jul22 ?        00:00:02 /usr/bin/exporter\n",
            "root        9120    9001    9120  0    1 03:10 pts/0    00:00:00 ps -eLf\n"
        ),
        concat!(
            "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n",
            "root           1  1.4  0.3 105868 13604 ?        -    18:58   0:22 /sbin/init\n",
            "root           -  1.4    -      -     - -        Ss   18:58   0:22 -\n"
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// The headers of columns that `ps` prints.
const COLUMNS: &[&str] = &[
    "F", "S", "STAT", "UID", "USER", "EUSER", "RUSER", "EUID", "RUID", "GID", "GROUP", "RGROUP", "EGROUP", "PID", "TGID",
    "PPID", "PGID", "PGRP", "SID", "SESS", "LWP", "SPID", "TID", "NLWP", "THCNT", "C", "%CPU", "CPU", "%MEM", "PRI", "NI",
    "CLS", "SCH", "POL", "RTPRIO", "ADDR", "SZ", "VSZ", "RSS", "RSZ", "SIZE", "WCHAN", "PSR", "STIME", "START", "STARTED",
    "TT", "TTY", "TIME", "ELAPSED", "CMD", "COMMAND", "COMM", "ARGS", "CGROUP", "UNIT", "SLICE", "LABEL", "MAJFL", "MINFL",
    "OOM_SCORE", "OOMADJ", "PIDNS", "NETNS", "MNTNS", "MAJFLT", "MINFLT", "NS", "MACHINE", "SUPGRP",
];

/// Columns that hold the command line, or the name of the program.
const COMMANDS: [&str; 4] = ["CMD", "COMMAND", "COMM", "ARGS"];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let Some(columns) = lines.by_ref().take(5).find_map(Columns::of) else { return Certainty::No };
    let (mut all, mut good) = (0u32, 0u32);
    for line in lines.take(200) {
        all += 1;
        good += u32::from(columns.row(line).is_some());
    }
    if good * 10 >= all * 9 && all > 0 { Certainty::Sure } else { Certainty::No }
}

/// Where in a row the words stand that matter.
struct Columns {
    pid: usize,
    /// LWP or SPID: one row a thread, where the listing is one of threads.
    thread: Option<usize>,
    nlwp: Option<usize>,
    user: Option<usize>,
    ppid: Option<usize>,
    state: Option<usize>,
    rss: Option<usize>,
    wait: Option<usize>,
    command: usize,
}

/// What matters of a row.
struct Process<'t> {
    /// None where the row is a thread of the process above.
    pid: Option<u32>,
    nlwp: Option<u64>,
    user: Option<&'t str>,
    ppid: Option<u32>,
    state: Option<char>,
    rss_kib: Option<i64>,
    wait: Option<&'t str>,
    command: &'t str,
    /// The command with its arguments.
    whole: &'t str,
}

impl Columns {
    /// `UID          PID    PPID     LWP  C NLWP STIME TTY          TIME CMD`
    fn of(header: &str) -> Option<Columns> {
        let words: Vec<&str> = header.split_ascii_whitespace().collect();
        if words.len() < 3 || !words.iter().all(|it| COLUMNS.contains(it)) {
            return None;
        }
        let command = words.iter().position(|it| COMMANDS.contains(it))?;
        // what follows a command line, or a date of five words, stands at no known place
        let place = |names: &[&str]| {
            let at = words.iter().position(|it| names.contains(it))?;
            let dated = words[..at].contains(&"STARTED");
            (at < command).then_some(at + if dated { 4 } else { 0 })
        };
        let dated = words[..command].contains(&"STARTED");
        Some(Columns {
            pid: place(&["PID", "TGID"])?,
            thread: place(&["LWP", "SPID", "TID"]),
            nlwp: place(&["NLWP", "THCNT"]),
            user: place(&["UID", "USER", "EUSER", "RUSER", "EUID", "RUID"]),
            ppid: place(&["PPID"]),
            state: place(&["S", "STAT"]),
            rss: place(&["RSS", "RSZ"]),
            wait: place(&["WCHAN"]),
            command: command + if dated { 4 } else { 0 },
        })
    }

    /// `root           1       0       1  0    1 Jul22 ?        00:00:09 /sbin/init`
    fn row<'t>(&self, line: &'t str) -> Option<Process<'t>> {
        let words: Vec<&str> = line.split_ascii_whitespace().take(self.command + 24).collect();
        let number = |at: usize| match *words.get(at)? {
            "-" => Some(None),
            it => it.parse::<u32>().ok().map(Some),
        };
        let pid = number(self.pid)?;
        if let Some(at) = self.thread {
            number(at)?;
        }
        let nlwp = match self.nlwp {
            Some(at) => number(at)?,
            None => None,
        };
        // a tree is drawn in front of the command
        let mut commands = words.get(self.command..).unwrap_or_default().iter();
        let command = commands.find(|it| !matches!(**it, "|" | "\\_")).copied().unwrap_or_default();
        let cell = |at: Option<usize>| at.and_then(|at| words.get(at).copied());
        let offset = (command.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
        Some(Process {
            pid,
            nlwp: nlwp.map(u64::from),
            user: cell(self.user),
            ppid: cell(self.ppid).and_then(|it| it.parse().ok()),
            state: cell(self.state).and_then(|it| it.chars().next()).filter(char::is_ascii_uppercase),
            rss_kib: cell(self.rss).and_then(|it| it.parse().ok()),
            wait: cell(self.wait).filter(|it| *it != "-"),
            command,
            whole: line.get(offset..).unwrap_or_default().trim_end(),
        })
    }
}

/// One listing: a header and what follows.
struct Listing<'t> {
    columns: Columns,
    header: Line<'t>,
    /// Rows of each process.
    rows: BTreeMap<u32, u64>,
    nlwp: BTreeMap<u32, u64>,
    bare_threads: u64,
    users: BTreeSet<&'t str>,
    kernel: bool,
    itself: bool,
    odd: bool,
    notable: Notable<'t>,
    last: Option<u32>,
}

impl<'t> Listing<'t> {
    fn of(header: Line<'t>) -> Option<Listing<'t>> {
        let columns = Columns::of(header.text)?;
        let (rows, nlwp, users) = Default::default();
        Some(Listing { columns, header, rows, nlwp, bare_threads: 0, users, kernel: false, itself: false, odd: false, notable: Notable::default(), last: None })
    }

    fn line(&mut self, line: Line<'t>) -> bool {
        let Some(process) = self.columns.row(line.text) else {
            self.odd = true;
            return false;
        };
        let pid = process.pid.or(self.last);
        self.last = pid;
        if let Some(pid) = pid {
            self.notable.take(pid, &process, line);
        }
        match process.pid {
            Some(pid) => {
                *self.rows.entry(pid).or_default() += 1;
                if let Some(nlwp) = process.nlwp {
                    self.nlwp.insert(pid, nlwp);
                }
                self.kernel |= pid == 2 && process.command.trim_matches(['[', ']']) == "kthreadd";
                self.itself |= process.command.rsplit('/').next() == Some("ps");
            }
            None => self.bare_threads += 1,
        }
        if self.users.len() < 2 {
            self.users.extend(process.user);
        }
        true
    }

    /// All threads there were, where the listing tells.
    fn threads(&self) -> Option<u64> {
        let of_the_node = self.rows.contains_key(&1) && self.kernel && self.itself && self.users.len() > 1;
        if !of_the_node || self.odd {
            return None;
        }
        let processes = self.rows.len();
        if self.nlwp.len() == processes {
            return Some(self.nlwp.values().sum());
        }
        // a column of thread ids may also stand in a listing of processes
        let rows: u64 = self.rows.values().sum();
        let by_thread = self.columns.thread.is_some() && rows > processes as u64;
        by_thread.then_some(rows).or_else(|| (self.bare_threads >= processes as u64).then_some(self.bare_threads))
    }

    fn finish(self, input: &Input<'t>, out: &mut MemberRecords) {
        let whole = self.rows.contains_key(&1) && self.kernel && self.itself && self.users.len() > 1 && !self.odd;
        let threads = self.threads().filter(|_| !input.truncated).and_then(|it| i64::try_from(it).ok());
        let header = input.origin.quote(&self.header);
        self.notable.push(whole && !input.truncated, input, out);
        if let Some(threads) = threads {
            let row = Row::new(&relation::TASKS).with("threads", threads);
            let fact = Fact::new(row, input.origin.node.clone(), header);
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut listing: Option<Listing<'_>> = None;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        let understood = if let Some(next) = Listing::of(line) {
            if let Some(done) = listing.replace(next) {
                done.finish(input, out);
            }
            true
        } else {
            listing.as_mut().is_some_and(|it| it.line(line)) && !is_elision(line.text)
        };
        if understood {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
    }
    if let Some(listing) = listing {
        listing.finish(input, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, read_cut, sample, sniff_certainty};

    fn threads(text: &str) -> Option<String> {
        facts(&read_at(&FORMAT, "ps", text), "tasks").next().map(|it| it.get("threads").to_string())
    }

    #[test]
    fn threads_are_counted_where_the_whole_node_is_listed() {
        let text = FORMAT.samples[0];
        assert_eq!(threads(text).as_deref(), Some("5"));
        let out = read_at(&FORMAT, "ps", text);
        let fact = facts(&out, "tasks").next().expect("a fact");
        assert!(fact.quotes[0].text.starts_with("UID ") && fact.quotes[0].span.line == 1);
        assert_eq!(fact.get("last_pid"), timeline::Value::Nothing);
        // one process, one user, the first lines: no count of the node
        let without = |word: &str| text.lines().filter(|it| !it.contains(word)).fold(String::new(), |all, it| all + it + "\n");
        for word in ["/sbin/init", "kthreadd", "ps -eLf", "nobody"] {
            assert_eq!(threads(&without(word)), None, "{word}");
        }
        assert_eq!(facts(&read_cut(&FORMAT, "ps", text), "tasks").count(), 0);
        assert_eq!(threads(&text.replace("nobody      1742       1    1743", "...\nnobody      1742       1    1743")), None);
    }

    #[test]
    fn each_way_to_print_threads() {
        let spid = "UID          PID    SPID    PPID  C    SZ   RSS PSR STIME TTY          TIME CMD\n\
            root           1       1       0  0 26467 13604   0 18:58 ?        00:00:22 /sbin/init\n\
            root           2       2       0  0     0     0   0 18:58 ?        00:00:00 [kthreadd]\n\
            a            300     300       1  0     9     9   0 18:58 ?        00:00:00 /usr/bin/x\n\
            a            300     301       1  0     9     9   0 18:58 ?        00:00:00 /usr/bin/x\n\
            root         400     400       1  0     9     9   0 18:58 ?        00:00:00 /bin/ps -eTF\n";
        assert_eq!(threads(spid).as_deref(), Some("5"));
        let processes = "    PID    PPID USER     GROUP        LWP NLWP START COMMAND         CGROUP\n\
            1       0 root     root           1    1 18:58 systemd         8:pids:/init.scope\n\
            2       0 root     root           2    1 18:58 kthreadd        -\n\
            9       1 a        root           9   70 18:58 tmux: server    -\n\
            12      9 root     root          12    1 18:58 ps              -\n";
        assert_eq!(threads(processes).as_deref(), Some("73"));
        let no_threads = "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n\
            root           1  1.4  0.3 105868 13604 ?        Ss   18:58   0:22 /sbin/init\n\
            root           2  0.0  0.0      0     0 ?        S    18:58   0:00 [kthreadd]\n\
            a              9  0.0  0.0      0     0 ?        S    18:58   0:00  \\_ sh -c x\n\
            root          12  0.0  0.0      0     0 ?        R    18:58   0:00      \\_ ps auxf\n";
        assert_eq!(threads(no_threads), None);
        let started = "F S   UID     PID    PPID CLS PRI                  STARTED TT           TIME CMD\n\
            4 S     0       1       0  TS  19 Fri Feb 11 18:58:06 2022 ?        00:00:22 /sbin/init\n";
        assert_eq!(sniff_certainty(&FORMAT, "x", started), Certainty::Sure);
        assert_eq!(Columns::of(started.lines().next().expect("a line")).map(|it| it.command), Some(14));
    }

    #[test]
    fn others_are_not_claimed() {
        for text in [
            "  PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n    1 root      20   0  1 1 1 S 0.0 0.1 0:22.1 x\n",
            "COMMAND      PID    TID TASKCMD       USER   FD      TYPE             DEVICE  SIZE/OFF       NODE NAME\nx 1 r cwd DIR 1 2 3 /\n",
            "PID USER CMD\nis what the header of ps shows\nwhen asked\n",
            "NAME   READY   STATUS\nx      1/1     Running\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "ps", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_listings() {
        for (name, count) in
            [("ps_-elfL.txt", Some("325")), ("ps_alxwww.txt", None), ("ps_auxwwwm.txt", Some("324")), ("ps_axo_group.txt", Some("325"))]
        {
            let Some(text) = sample(&format!("kubernetes/host/{name}")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
            let out = read_at(&FORMAT, name, &text);
            assert_eq!(out.tally.lines, out.tally.understood, "{name}");
            assert_eq!(threads(&text).as_deref(), count, "{name}");
        }
    }
}
