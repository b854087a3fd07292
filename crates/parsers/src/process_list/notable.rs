//! Which processes of a listing are worth a name.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Collected, Fact, MemberRecords, Record, Row, Stamp, relation};

use super::Process;
use crate::{Input, Line, kubelet_config};

/// Processes named for their state.
const MOST_STUCK: usize = 300;
/// Processes named for their threads, and for their memory.
const MOST_LARGE: usize = 20;

/// One process, its rows added up.
struct One<'t> {
    line: Line<'t>,
    ppid: Option<u32>,
    user: Option<&'t str>,
    name: &'t str,
    command: &'t str,
    wait: Option<&'t str>,
    state: Option<char>,
    rows: i64,
    /// Rows without a number of their own: `m` prints one for each thread below the process.
    bare: i64,
    nlwp: Option<i64>,
    rss_bytes: Option<i64>,
}

/// All processes of a listing.
#[derive(Default)]
pub(super) struct Notable<'t> {
    all: BTreeMap<u32, One<'t>>,
}

/// Of a process' threads the one that is stuck speaks for it.
fn weight(state: Option<char>) -> u8 {
    match state {
        Some('D') => 4,
        Some('Z' | 'X') => 3,
        Some('R') => 2,
        Some(_) => 1,
        None => 0,
    }
}

/// What the letter of a state means.
pub(crate) fn state_name(state: char) -> Option<&'static str> {
    Some(match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "uninterruptible",
        'Z' | 'X' => "zombie",
        'T' | 't' => "stopped",
        'I' => "idle",
        _ => return None,
    })
}

impl<'t> Notable<'t> {
    pub(super) fn take(&mut self, pid: u32, process: &Process<'t>, line: Line<'t>) {
        let one = self.all.entry(pid).or_insert(One {
            line,
            ppid: process.ppid,
            user: process.user,
            name: process.command,
            command: process.whole,
            wait: process.wait,
            state: None,
            rows: 0,
            bare: 0,
            nlwp: None,
            rss_bytes: process.rss_kib.and_then(|it| it.checked_mul(1024)),
        });
        *if process.pid.is_some() { &mut one.rows } else { &mut one.bare } += 1;
        one.nlwp = process.nlwp.and_then(|it| i64::try_from(it).ok()).or(one.nlwp);
        if weight(process.state) > weight(one.state) {
            one.state = process.state;
            if process.pid.is_some() {
                (one.line, one.wait) = (line, process.wait);
            }
        }
    }

    pub(super) fn push(self, whole: bool, input: &Input<'t>, out: &mut MemberRecords) {
        let origin = input.origin;
        let stated = self.all.values().any(|it| it.state.is_some());
        let mut states: BTreeMap<&'static str, (i64, Line<'t>)> = BTreeMap::new();
        let mut chosen: BTreeSet<u32> = BTreeSet::new();
        for (pid, one) in &self.all {
            if let Some(name) = one.state.and_then(state_name) {
                states.entry(name).or_insert((0, one.line)).0 += 1;
            }
            if matches!(one.state, Some('D' | 'Z' | 'X')) && chosen.len() < MOST_STUCK {
                chosen.insert(*pid);
            }
            if one.name.rsplit('/').next() == Some("kubelet") || one.command.contains("hyperkube kubelet ") {
                for (flag, value) in kubelet_config::flags(one.command) {
                    for (key, value) in kubelet_config::settings(flag, value) {
                        let row = kubelet_config::row(&key, &value, "flag");
                        let fact = Fact::new(row, origin.node.clone(), origin.quote(&one.line));
                        out.records.push(Record::Fact(Box::new(fact), Stamp::None));
                    }
                }
            }
        }
        for measure in [One::threads as fn(&One<'t>) -> i64, |it: &One<'t>| it.rss_bytes.unwrap_or(0)] {
            let mut by_size: Vec<(i64, u32)> = self.all.iter().map(|(pid, it)| (-measure(it), *pid)).collect();
            by_size.sort_unstable();
            chosen.extend(by_size.iter().take(MOST_LARGE).filter(|(size, _)| *size < -1).map(|(_, pid)| *pid));
        }
        for pid in chosen {
            let Some(one) = self.all.get(&pid) else { continue };
            let mut command = one.command;
            if let Some((at, _)) = command.char_indices().nth(300) {
                command = &command[..at];
            }
            let row = Row::new(&relation::PROCESS)
                .with("pid", pid)
                .with("ppid", one.ppid)
                .with("user", one.user)
                .with("name", one.name)
                .with("state", one.state.map(String::from))
                .with("threads", one.threads())
                .with("rss_bytes", one.rss_bytes)
                .with("wait", one.wait)
                .with("command", command);
            let fact = Fact::new(row, origin.node.clone(), origin.quote(&one.line));
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
        for (state, (count, line)) in states {
            let row = Row::new(&relation::PROCESS_STATE).with("state", state).with("processes", count);
            let fact = Fact::new(row, origin.node.clone(), origin.quote(&line));
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
        if stated {
            let incomplete = (!whole).then(|| "not all processes of the node are listed".to_owned());
            for relation in [&relation::PROCESS, &relation::PROCESS_STATE] {
                let (node, incomplete) = (origin.node.clone(), incomplete.clone());
                out.collected.push(Collected { relation: relation.name, node, incomplete, member: origin.member });
            }
        }
    }
}

impl One<'_> {
    fn threads(&self) -> i64 {
        self.nlwp.unwrap_or(if self.bare > 0 { self.bare } else { self.rows })
    }
}

#[cfg(test)]
mod tests {
    use crate::process_list::FORMAT;
    use crate::testing::{facts, read_at};

    #[test]
    fn stuck_large_and_the_kubelet() {
        let text = "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n\
            root           1  1.4  0.3 105868 13604 ?        Ss   18:58   0:22 /sbin/init\n\
            root          77  0.0  0.0      0     0 ?        D    18:58   0:00 [nfsd]\n\
            root          78  0.0  0.0      0     0 ?        Z    18:58   0:00 [sh] <defunct>\n\
            root          79  0.0  0.0      9     9 ?        Ssl  18:58   0:00 /usr/bin/kubelet --max-pods=250 --v=2\n";
        let out = read_at(&FORMAT, "ps", text);
        let cells = |it: &timeline::Fact| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").replace("unknown", "-");
        let rows = |relation: &'static str| facts(&out, relation).map(cells).collect::<Vec<_>>();
        assert_eq!(rows("kubelet.config"), ["maxPods 250 flag", "v 2 flag"]);
        assert_eq!(rows("process.state"), ["sleeping 2", "uninterruptible 1", "zombie 1"]);
        let processes = rows("process");
        assert!(processes.contains(&"77 - root [nfsd] D 1 0 - - [nfsd]".to_owned()), "{processes:?}");
        assert!(processes.contains(&"78 - root [sh] Z 1 0 - - [sh] <defunct>".to_owned()), "{processes:?}");
        assert!(processes.iter().any(|it| it.starts_with("1 - root /sbin/init S 1 13930496")), "{processes:?}");
        assert!(out.collected.iter().all(|it| it.incomplete.is_some()));
    }
    #[test]
    fn threads_below_their_process_are_its_threads() {
        let text = "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n\
            root           1  0.0  0.1 167000 13000 ?        -    Feb11   0:05 /sbin/init\n\
            root           -  0.0    -      -     - -        Ss   Feb11   0:05 -\n\
            root         700  0.0  0.1 167000 13000 ?        -    Feb11   0:05 java -jar x\n\
            root           -  0.0    -      -     - -        Sl   Feb11   0:05 -\n\
            root           -  0.0    -      -     - -        Sl   Feb11   0:05 -\n\
            root           -  0.0    -      -     - -        Dl   Feb11   0:05 -\n";
        let out = read_at(&FORMAT, "ps", text);
        let told: Vec<String> = facts(&out, "process")
            .map(|it| ["pid", "name", "state", "threads"].map(|column| it.get(column).to_string()).join(" "))
            .collect();
        assert_eq!(told, ["1 /sbin/init S 1", "700 java D 3"]);
    }
}
