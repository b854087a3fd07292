//! `/proc/PID/stat` of all processes in one file: their states and how many threads they have.
//!
//! ```text
//! 1 (systemd) S 0 1 1 0 -1 4194560 28094 2022917 93 2012 158 303 25017 4507 20 0 1 0 3 173076480 3401 …
//! 2042 (java (old)) D 1 2042 2042 0 -1 4194560 0 0 0 0 9 8 0 0 20 0 41870 0 250 …
//! ```
//!
//! The name may hold blanks and brackets, so it ends at the last one that closes. Their threads are those of the node when
//! many processes are listed. A row for each process that waits uninterruptibly or is a zombie, and for those with the most
//! threads. Skipped: memory in pages, whose size is not printed; times. Units: threads. Time: none, true when collected.
//!
//! Source: `man 5 proc`.

use std::collections::BTreeMap;

use timeline::{MemberRecords, Row, relation};

use crate::state::State;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "proc-pid-stat",
    produced_by: "cat /proc/[0-9]*/stat",
    samples: &[
        "1 (systemd) S 0 1 1 0 -1 4194560 28094 2022917 93 2012 158 303 25017 4507 20 0 1 0 3 173076480 3401\n2042 (java (old)) D 1 2042 2042 0 -1 4194560 0 0 0 0 9 8 0 0 20 0 41870 0 250 173076480 3401\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Fewer are not the processes of a machine.
const LEAST_PROCESSES: usize = 20;
/// Processes named for their state, and for their threads.
const MOST_STUCK: usize = 300;
const MOST_LARGE: usize = 20;

struct Process<'t> {
    pid: u32,
    name: &'t str,
    state: char,
    ppid: i64,
    threads: i64,
}

fn process(line: &str) -> Option<Process<'_>> {
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').take(24).collect();
    // the third field is the first after the name
    let field = |number: usize| fields.get(number - 3).copied();
    let mut state = field(3)?.chars();
    let letter = state.next().filter(|it| "RSDZTtWXxKPI".contains(*it))?;
    if state.next().is_some() || name.len() > 64 {
        return None;
    }
    let number = |at: usize| field(at)?.parse::<i64>().ok();
    number(5)?;
    Some(Process { pid: pid.parse().ok()?, name, state: letter, ppid: number(4)?, threads: number(20).filter(|it| *it >= 0)? })
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.share(100, |it| process(it).is_some()) >= 0.95 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut all: Vec<(Process<'_>, Line<'_>)> = Vec::new();
    let mut state = State::of(input, out);
    state.each(|_, line| {
        let found = process(line.text);
        let read = found.is_some();
        all.extend(found.map(|it| (it, *line)));
        read
    });
    let mut large: Vec<(i64, usize)> = all.iter().enumerate().map(|(at, (it, _))| (-it.threads, at)).collect();
    large.sort_unstable();
    let large: Vec<usize> = large.into_iter().filter(|(threads, _)| *threads < -1).take(MOST_LARGE).map(|(_, at)| at).collect();
    let mut stuck = 0;
    let mut states: BTreeMap<&'static str, (i64, Line<'_>)> = BTreeMap::new();
    for (at, (process, line)) in all.iter().enumerate() {
        if let Some(name) = crate::process_list::state_name(process.state) {
            states.entry(name).or_insert((0, *line)).0 += 1;
        }
        let waits = matches!(process.state, 'D' | 'Z' | 'X') && stuck < MOST_STUCK;
        stuck += usize::from(waits);
        if waits || large.contains(&at) {
            let row = Row::new(&relation::PROCESS)
                .with("pid", process.pid)
                .with("ppid", process.ppid)
                .with("name", process.name)
                .with("state", process.state.to_string())
                .with("threads", process.threads);
            state.push(row, line);
        }
    }
    if all.len() < LEAST_PROCESSES {
        return;
    }
    let threads = all.iter().fold(0_i64, |sum, (it, _)| sum.saturating_add(it.threads));
    state.push(Row::new(&relation::TASKS).with("threads", threads), &all[0].1);
    for (name, (count, line)) in states {
        state.push(Row::new(&relation::PROCESS_STATE).with("state", name).with("processes", count), &line);
    }
    state.collected(&relation::PROCESS);
    state.collected(&relation::PROCESS_STATE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, rows_of, shown, sniff_certainty};

    #[test]
    fn names_may_hold_brackets() {
        let text = FORMAT.samples[0];
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
        let rows = rows_of(&FORMAT, "x", text, "process", ["pid", "ppid", "name", "state", "threads"]);
        assert_eq!(rows, ["2042 1 java (old) D 41870"]);
        let out = read_at(&FORMAT, "x", text);
        assert!(shown(&out, "tasks", ["threads"]).is_empty() && out.collected.is_empty(), "two are not all");
        for text in ["1 (one) of many\n", "(a) b\n", "1 (x) S 0 1\n", "cpu  1 2 3\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn many_are_the_machine() {
        let line = |pid: u32| format!("{pid} (w{pid}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 {} 0 250 1 1\n", pid % 3);
        let text: String = (1..=30).map(line).collect();
        assert_eq!(rows_of(&FORMAT, "x", &text, "tasks", ["threads"]), ["30"]);
        assert_eq!(rows_of(&FORMAT, "x", &text, "process.state", ["state", "processes"]), ["sleeping 30"]);
    }
}
