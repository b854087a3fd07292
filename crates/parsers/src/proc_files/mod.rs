//! Small files of /proc and the commands that print them: memory, load, limits, counters, modules.
//!
//! ```text
//! MemTotal:        4026036 kB
//! 1.36 3.49 4.53 2/3518 3715089
//! Max processes             15592                15592                processes
//! max user processes              (-u) 204800
//! *    soft    nproc    204800
//! oom_kill 0
//! aufs                  241664  0
//! ```
//!
//! `/proc/meminfo`, `free`, `/proc/loadavg`, `/proc/PID/limits`, `ulimit -a`, `limits.conf` and `limits.d`,
//! `/proc/vmstat`, `lsmod`, `/proc/modules`. Units: memory in bytes; of `free` only where the unit is printed or
//! follows from the command in the file name, of limits as the kernel counts them. Skipped: memory zones, what a
//! module is used by, counters of `/proc/vmstat` that say nothing of pressure. Time: none, true when collected.
//!
//! Source: `man 5 proc`, `man 1 free`, `man 5 limits.conf`, `man 8 lsmod`.

mod limits;

use std::sync::LazyLock;

use regex::Regex;

use crate::expression::expression;
use timeline::{Collected, Fact, MemberRecords, Record, Relation, Row, Stamp, relation};

use crate::lines::is_elision;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "proc-files",
    produced_by: "cat /proc/meminfo /proc/loadavg /proc/PID/limits /proc/vmstat, free, ulimit -a, lsmod",
    samples: &[
        "MemTotal:        4026036 kB\nMemFree:          129248 kB\nMemAvailable:    2775844 kB\n",
        "1.36 3.49 4.53 2/3518 3715089\n",
        concat!(
            "Limit                     Soft Limit           Hard Limit           Units     \n",
            "Max processes             15592                15592                processes \n"
        ),
        "core file size          (blocks, -c) 0\nmax user processes              (-u) 204800\n",
        "nr_free_pages 32312\npgfault 1\noom_kill 0\n",
        "Module                  Size  Used by\naufs                  241664  0\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Meminfo,
    Free,
    Loadavg,
    ProcessLimits,
    Ulimit,
    LimitsConf,
    Vmstat,
    Modules,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    kind(sniff.path, sniff.text).map_or(Certainty::No, |(_, it)| it)
}

fn kind(path: &str, text: &str) -> Option<(Kind, Certainty)> {
    let mut lines = text.lines().filter(|it| !it.trim().is_empty());
    let first = lines.next()?;
    let share = |test: fn(&str) -> bool| {
        let (mut all, mut good) = (0u32, 0u32);
        for line in text.lines().filter(|it| !it.trim().is_empty()).take(60) {
            all += 1;
            good += u32::from(test(line));
        }
        f64::from(good) / f64::from(all.max(1))
    };
    let likely = |it: Kind, yes: bool| yes.then_some((it, Certainty::Likely));
    let sure = |it: Kind, yes: bool| yes.then_some((it, Certainty::Sure));
    let words: Vec<&str> = first.split_ascii_whitespace().collect();
    sure(Kind::Meminfo, first.starts_with("MemTotal:") && meminfo(first).is_some())
        .or_else(|| sure(Kind::Free, words.starts_with(&["total", "used", "free"]) && text.contains("Mem:")))
        .or_else(|| sure(Kind::Loadavg, loadavg(first).is_some() && lines.clone().next().is_none()))
        .or_else(|| sure(Kind::ProcessLimits, words.starts_with(&["Limit", "Soft", "Limit", "Hard", "Limit"])))
        .or_else(|| sure(Kind::Modules, words == ["Module", "Size", "Used", "by"]))
        .or_else(|| likely(Kind::Modules, share(|it| proc_module(it).is_some()) > 0.9))
        .or_else(|| likely(Kind::Ulimit, share(|it| limits::ulimit(it).is_some()) > 0.8))
        .or_else(|| {
            let counter = |it: &str| counter(it).is_some();
            let marked = first.starts_with("nr_free_pages ") || text.contains("\npgfault ");
            sure(Kind::Vmstat, marked && share(counter) > 0.9)
        })
        .or_else(|| {
            let named = path.contains("limits.conf") || path.contains("limits.d/");
            let good = share(|it| it.trim_start().starts_with('#') || limits::conf(it).is_some());
            let any = text.lines().any(|it| limits::conf(it).is_some());
            // a file of comments is known by its name alone
            likely(Kind::LimitsConf, good > 0.8 && (any || named)).filter(|_| named || any)
        })
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let head = input.text.get(..65_536.min(input.text.len())).unwrap_or(input.text);
    let Some((kind, _)) = kind(&input.origin.path, head) else { return };
    let mut found = Found { input, columns: None, collected: None };
    let mut elided = false;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        if found.line(kind, &line, out) {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
            elided |= is_elision(line.text);
        }
    }
    if let Some(relation) = found.collected {
        let incomplete = if input.truncated {
            Some("the file is cut off".to_owned())
        } else {
            elided.then(|| "lines are left out".to_owned())
        };
        let (node, member) = (input.origin.node.clone(), input.origin.member);
        out.collected.push(Collected { relation: relation.name, node, incomplete, member });
    }
}

/// The reading of one file.
struct Found<'i, 't> {
    input: &'i Input<'t>,
    /// The header of `free`.
    columns: Option<Vec<&'t str>>,
    collected: Option<&'static Relation>,
}

impl<'t> Found<'_, 't> {
    fn push(&mut self, row: Row, line: &Line<'_>, out: &mut MemberRecords) {
        let origin = self.input.origin;
        let fact = Fact::new(row, origin.node.clone(), origin.quote(line));
        out.records.push(Record::Fact(Box::new(fact), Stamp::None));
    }

    fn line(&mut self, kind: Kind, line: &Line<'t>, out: &mut MemberRecords) -> bool {
        let text = line.text;
        match kind {
            Kind::Meminfo => {
                let Some((key, bytes)) = meminfo(text) else { return false };
                self.collected = Some(&relation::MEMINFO);
                if let Some(bytes) = bytes {
                    self.push(Row::new(&relation::MEMINFO).with("key", key).with("bytes", bytes), line, out);
                }
            }
            Kind::Free => return self.free(line, out),
            Kind::Loadavg => {
                let Some(load) = loadavg(text) else { return false };
                let row = Row::new(&relation::TASKS).with("threads", load.threads).with("last_pid", load.last_pid);
                self.push(row, line, out);
                let [one, five, fifteen] = load.averages;
                let row = Row::new(&relation::LOAD).with("one", one).with("five", five).with("fifteen", fifteen);
                self.push(row.with("running", load.running), line, out);
            }
            Kind::ProcessLimits => {
                if text.starts_with("Limit ") {
                    return true;
                }
                let Some((name, soft, hard)) = limits::process(text) else { return false };
                let row = limits::row(&limits::scope(&self.input.origin.path), name, soft, hard);
                self.push(row, line, out);
            }
            Kind::Ulimit => {
                let Some((name, value)) = limits::ulimit(text) else { return false };
                let hard = self.input.origin.path.to_ascii_lowercase().contains("hard");
                let nothing = timeline::Value::Nothing;
                let (soft, hard) = if hard { (nothing, value) } else { (value, nothing) };
                if let Some(name) = name {
                    self.push(limits::row("shell", name, soft, hard), line, out);
                }
            }
            Kind::LimitsConf => {
                let Some((domain, name, soft, hard)) = limits::conf(text) else {
                    return text.trim_start().starts_with('#');
                };
                self.push(limits::row(&format!("limits.d/{domain}"), name, soft, hard), line, out);
            }
            Kind::Vmstat => {
                let Some((key, value)) = counter(text) else { return false };
                let pressure = ["oom_kill", "allocstall", "compact_", "pgscan_direct", "pgsteal_direct", "pswp", "pgmajfault"];
                if pressure.iter().any(|it| key.starts_with(it)) {
                    self.push(Row::new(&relation::VMSTAT).with("key", key).with("value", value), line, out);
                }
                self.collected = Some(&relation::VMSTAT);
            }
            Kind::Modules => {
                let listed = lsmod(text).or_else(|| proc_module(text));
                let Some((name, bytes, used)) = listed else { return text.starts_with("Module ") };
                self.collected = Some(&relation::MODULE);
                let row = Row::new(&relation::MODULE).with("name", name).with("bytes", bytes).with("used", used);
                self.push(row, line, out);
            }
        }
        true
    }

    /// `Mem:        4026036      963044      127976        1256     2935016     2775572`
    fn free(&mut self, line: &Line<'t>, out: &mut MemberRecords) -> bool {
        let mut words = line.text.split_ascii_whitespace();
        let first = words.clone().next().unwrap_or_default();
        match first {
            "total" => {
                self.columns = Some(words.collect());
                return true;
            }
            "Mem:" | "Swap:" => {}
            "-/+" | "Low:" | "High:" | "Total:" => return true,
            _ => return false,
        }
        words.next();
        let unit = unit_of_free(&self.input.origin.path);
        let columns = self.columns.clone().unwrap_or_default();
        for (column, cell) in columns.iter().zip(words) {
            let key = match (first, *column) {
                ("Mem:", "total") => "MemTotal",
                ("Mem:", "free") => "MemFree",
                ("Mem:", "available") => "MemAvailable",
                // before 3.3.10; today's buff/cache is a sum
                ("Mem:", "cached" | "cache") => "Cached",
                ("Mem:", "buffers") => "Buffers",
                ("Swap:", "total") => "SwapTotal",
                ("Swap:", "free") => "SwapFree",
                _ => continue,
            };
            if let Some(bytes) = bytes_of(cell, unit) {
                self.push(Row::new(&relation::MEMINFO).with("key", key).with("bytes", bytes), line, out);
            }
        }
        true
    }
}

/// `MemAvailable:    2775844 kB`; counts such as `HugePages_Total:       0` have no unit and are no memory.
fn meminfo(line: &str) -> Option<(&str, Option<i64>)> {
    let (key, rest) = line.split_once(':')?;
    let mut words = rest.split_ascii_whitespace();
    let number: i64 = words.next()?.parse().ok()?;
    let plain = !key.is_empty() && key.bytes().all(|it| it.is_ascii_alphanumeric() || b"_()".contains(&it));
    let bytes = match words.next() {
        Some("kB") => Some(number.checked_mul(1024)?),
        None => None,
        Some(_) => return None,
    };
    (plain && number >= 0).then_some((key, bytes))
}

/// `1.36 3.49 4.53 2/3518 3715089`: three averages, running and all threads, the last process id given out.
fn loadavg(line: &str) -> Option<Load> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        expression(r"^(\d+\.\d\d) (\d+\.\d\d) (\d+\.\d\d) (\d{1,9})/(\d{1,9}) (\d{1,9})\s*$")
    });
    let found = LINE.captures(line)?;
    let average = |at: usize| found[at].parse::<f64>().ok();
    Some(Load {
        averages: [average(1)?, average(2)?, average(3)?],
        running: found[4].parse().ok()?,
        threads: found[5].parse().ok()?,
        last_pid: found[6].parse().ok()?,
    })
}

/// What /proc/loadavg says.
struct Load {
    averages: [f64; 3],
    running: i64,
    threads: i64,
    last_pid: i64,
}

/// `oom_kill 0`
fn counter(line: &str) -> Option<(&str, i64)> {
    let (key, value) = line.split_once(' ')?;
    let plain = !key.is_empty() && key.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
    plain.then_some((key, value.trim().parse().ok()?))
}

/// `aufs                  241664  0` of `lsmod`
fn lsmod(line: &str) -> Option<(&str, i64, i64)> {
    let mut words = line.split_ascii_whitespace();
    Some((words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// `aufs 241664 0 - Live 0x0000000000000000` of /proc/modules
fn proc_module(line: &str) -> Option<(&str, i64, i64)> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let state = matches!(words.get(4), Some(&("Live" | "Loading" | "Unloading")));
    (state && words.get(5).is_some_and(|it| it.starts_with("0x"))).then(|| lsmod(line)).flatten()
}

/// Bytes one unit of `free` stands for, by the options in the name of its file; none where the options are not there.
fn unit_of_free(path: &str) -> Option<i64> {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let name = name.strip_suffix(".txt").or(name.strip_suffix(".log")).unwrap_or(&name);
    let (_, options) = name.split_once("free")?;
    let options = options.trim_matches(['_', '-', ' ']);
    match options.bytes().find(|it| b"bkmgth".contains(it)) {
        None => Some(1024),
        Some(b'b') => Some(1),
        Some(b'k') => Some(1024),
        Some(b'm') => Some(1 << 20),
        Some(b'g') => Some(1 << 30),
        // with -h every cell prints its own
        _ => None,
    }
}

/// `4026036`, `3.8G`, `15Gi`, `123Mi`
fn bytes_of(cell: &str, unit: Option<i64>) -> Option<i64> {
    let digits = cell.bytes().take_while(|it| it.is_ascii_digit() || *it == b'.').count();
    let (number, suffix) = cell.split_at(digits);
    let scale: f64 = match suffix.trim_end_matches('i') {
        "" => return number.parse::<i64>().ok()?.checked_mul(unit?),
        "B" => 1.0,
        "K" => 1024.0,
        "M" => 1_048_576.0,
        "G" => 1_073_741_824.0,
        "T" => 1_099_511_627_776.0,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * scale) as i64)
}

#[cfg(test)]
mod tests;
