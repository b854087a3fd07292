//! `top -b`: what a machine did at the moment somebody looked.
//!
//! ```text
//! top - 19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76
//! Threads: 5123 total,   1 running, 5122 sleeping,   0 stopped,   0 zombie
//! %Cpu(s):  1.2 us,  0.8 sy,  0.0 ni, 97.9 id,  0.1 wa,  0.0 hi,  0.0 si,  0.0 st
//! MiB Mem :   3931.7 total,    126.2 free,   1003.3 used,   2802.1 buff/cache
//! ```
//!
//! Every round gives its load, its processors and its memory. With `-H` the tasks are threads and their sum is that of the
//! machine. Processes that wait uninterruptibly or are zombies have a row. Skipped: other processes, of which top shows as
//! many as fit. Units: percent, bytes. Time: none; a clock without a date is printed.
//!
//! Source: procps' top/top.c of 3.2 to 4.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, begins, first_line, is_number, words};
use crate::uptime::{load, printed_seconds};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "top",
    produced_by: "top -b -n1, top -bH",
    samples: &[concat!(
        "top - 19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76\n",
        "Threads: 5123 total,   1 running, 5121 sleeping,   0 stopped,   1 zombie\n",
        "%Cpu(s):  1.2 us,  0.8 sy,  0.0 ni, 97.9 id,  0.1 wa,  0.0 hi,  0.0 si,  0.0 st\n",
        "MiB Mem :   3931.7 total,    126.2 free,   1003.3 used,   2802.1 buff/cache\n",
        "MiB Swap:      0.0 total,      0.0 free,      0.0 used.   2710.8 avail Mem \n\n",
        "    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n",
        "   2042 root      20   0 1235972 104204  45600 S   6.7   2.6   1:10.11 kubelet\n",
        "   2077 root      20   0       0      0      0 D   0.0   0.0   0:00.00 jbd2/vda1-8\n",
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let own = first_line(sniff.text).is_some_and(|it| it.starts_with("top - ") && load(&it[6..]).is_some());
    let tasks = sniff.text.lines().take(6).any(|it| it.starts_with("Tasks:") || it.starts_with("Threads:"));
    if own && tasks { Certainty::Sure } else { Certainty::No }
}

/// `  1.2 us`, `97.9%id`, `2802.1 buff/cache`: the amount before a name, in a list parted by commas
fn named<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let (_, list) = line.split_once(':')?;
    list.split(", ").flat_map(|it| it.split(". ")).find_map(|part| {
        let bare = part.trim().trim_end_matches('.');
        let (amount, after) = bare.split_once([' ', '%'])?;
        (after.trim() == name).then_some(amount)
    })
}

fn number(text: &str) -> Option<f64> {
    text.replace(',', ".").parse().ok().filter(|it: &f64| it.is_finite())
}

/// `3931.7` of `MiB Mem`, `4026036k` of old versions
fn bytes(amount: &str, unit: f64) -> Option<i64> {
    let (digits, unit) = match amount.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1024.0),
        None => (amount.trim_end_matches('+'), unit),
    };
    number(digits).map(|it| it * unit).filter(|it| (0.0..9e18).contains(it)).map(|it| it as i64)
}

fn unit(line: &str) -> f64 {
    match line.get(..3) {
        Some("MiB") => 1_048_576.0,
        Some("GiB") => 1_073_741_824.0,
        _ => 1024.0,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut columns: Option<Columns> = None;
    let mut seen = std::collections::BTreeSet::new();
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(found) = Columns::of(line.text) {
            columns = Some(found);
            return true;
        }
        if let Some(read) = summary(state, line) {
            return read;
        }
        let Some(process) = columns.and_then(|it| it.process(line.text)) else { return false };
        if matches!(process.state, "D" | "Z") && seen.len() < 300 && seen.insert(process.pid) {
            let row = Row::new(&relation::PROCESS)
                .with("pid", process.pid)
                .with("user", process.user)
                .with("state", process.state)
                .with("name", process.command);
            state.push(row, line);
        }
        true
    });
}

/// The lines above the processes; nothing for a line that is none of them.
fn summary<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> Option<bool> {
    let text = line.text;
    let head = text.split(':').next()?;
    if let Some(rest) = text.strip_prefix("top - ") {
        let [one, five, fifteen] = load(rest)?;
        state.push(Row::new(&relation::LOAD).with("one", one).with("five", five).with("fifteen", fifteen), line);
        if let Some(secs) = printed_seconds(rest) {
            state.push(Row::new(&relation::UPTIME).with("secs", secs), line);
        }
        return Some(true);
    }
    match head.trim_end() {
        "Tasks" | "Threads" => {
            if let Some(total) = named(text, "total").filter(|_| head == "Threads").and_then(|it| it.parse::<i64>().ok()) {
                state.push(Row::new(&relation::TASKS).with("threads", total), line);
            }
            if let Some(zombies) = named(text, "zombie").and_then(|it| it.parse::<i64>().ok()).filter(|_| head == "Tasks") {
                state.push(Row::new(&relation::PROCESS_STATE).with("state", "zombie").with("processes", zombies), line);
            }
        }
        "%Cpu(s)" | "Cpu(s)" => {
            let share = |name: &str| named(text, name).and_then(number);
            let row = Row::new(&relation::HOST_SAMPLE)
                .with("source", "top")
                .with("user", share("us"))
                .with("system", share("sy"))
                .with("idle", share("id"))
                .with("iowait", share("wa"))
                .with("steal", share("st"));
            state.push(row, line);
        }
        "KiB Mem" | "MiB Mem" | "GiB Mem" | "Mem" => memory(state, line, &[("total", "MemTotal"), ("free", "MemFree")]),
        "KiB Swap" | "MiB Swap" | "GiB Swap" | "Swap" => {
            memory(state, line, &[("total", "SwapTotal"), ("free", "SwapFree"), ("avail Mem", "MemAvailable")]);
        }
        _ => return text.starts_with('%').then_some(true),
    }
    Some(true)
}

fn memory<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>, names: &[(&str, &str)]) {
    for (name, key) in names {
        if let Some(bytes) = named(line.text, name).and_then(|it| bytes(it, unit(line.text))) {
            state.push(Row::new(&relation::MEMINFO).with("key", *key).with("bytes", bytes), line);
        }
    }
}

/// Which cells of a process are where, counted by words.
#[derive(Clone, Copy)]
struct Columns {
    pid: usize,
    user: usize,
    state: usize,
    command: usize,
}

struct Process<'t> {
    pid: i64,
    user: &'t str,
    state: &'t str,
    command: &'t str,
}

impl Columns {
    fn of(line: &str) -> Option<Columns> {
        begins(line, &["PID", "USER"]).then_some(())?;
        let at = |name: &str| words(line).position(|it| it == name);
        Some(Columns { pid: 0, user: 1, state: at("S")?, command: at("COMMAND")? })
    }

    fn process(self, line: &str) -> Option<Process<'_>> {
        let cells: Vec<&str> = words(line).take(40).collect();
        let pid = cells.get(self.pid).filter(|it| is_number(it))?.parse().ok()?;
        let state = cells.get(self.state).filter(|it| it.len() == 1)?;
        Some(Process { pid, user: cells.get(self.user)?, state, command: cells.get(self.command)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    fn rows<const N: usize>(text: &str, relation: &str, columns: [&str; N]) -> Vec<String> {
        sure_rows_of(&FORMAT, text, relation, columns)
    }

    #[test]
    fn a_round_of_threads() {
        let text = FORMAT.samples[0];
        assert_eq!(rows(text, "tasks", ["threads"]), ["5123"]);
        assert_eq!(rows(text, "host.sample", ["user", "system", "idle", "iowait", "steal"]), ["1.200 0.800 97.900 0.100 0"]);
        let memory = rows(text, "meminfo", ["key", "bytes"]);
        assert!(memory.contains(&"MemTotal 4122686259".to_owned()), "{memory:?}");
        assert!(memory.iter().any(|it| it.starts_with("MemAvailable ")));
        assert_eq!(rows(text, "process", ["pid", "state", "name"]), ["2077 D jbd2/vda1-8"]);
        assert_eq!(rows(text, "uptime", ["secs"]), ["1500"]);
    }

    #[test]
    fn old_versions_count_in_kibibytes() {
        let text = concat!(
            "top - 19:23:40 up 12 days,  3:04,  1 user,  load average: 10.83, 8.73, 4.76\n",
            "Tasks: 326 total,   1 running, 325 sleeping,   0 stopped,   2 zombie\n",
            "Cpu(s):  1.2%us,  0.8%sy,  0.0%ni, 57.9%id, 40.1%wa,  0.0%hi,  0.0%si,  0.0%st\n",
            "Mem:   4026036k total,  3896788k used,   129248k free,   143936k buffers\n",
            "Swap:        0k total,        0k used,        0k free,  2725340k cached\n",
        );
        assert!(rows(text, "tasks", ["threads"]).is_empty(), "processes are not threads");
        assert_eq!(rows(text, "process.state", ["state", "processes"]), ["zombie 2"]);
        assert_eq!(rows(text, "host.sample", ["idle", "iowait"]), ["57.900 40.100"]);
        assert_eq!(rows(text, "meminfo", ["key", "bytes"])[0], "MemTotal 4122660864");
        for text in ["top - notch\nTasks: many\n", "top - 19:23:40 up 1 min, load average: 1, 2, 3\nno tasks\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
