//! `vmstat 1`, `iostat -x 1`, `sar`: how busy a machine was, line by line.
//!
//! ```text
//! procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----
//!  r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st
//!  1  0      0 129248 143936 2725340    0    0   120   300  500  900  3  2 94  1  0
//! avg-cpu:  %user   %nice %system %iowait  %steal   %idle
//! 12:10:01 AM   runq-sz  plist-sz   ldavg-1   ldavg-5  ldavg-15   blocked
//! ```
//!
//! Cells are taken by the names above them, which versions add to. The first figures of vmstat and iostat are averages since
//! boot and say so. `plist-sz` of sar is the number of tasks of the machine. Skipped: single processors, rates of single
//! counters, other tables of sar, averages. Units: percent, milliseconds, KiB a second. Time: of sar the local clock with the
//! date of the heading, month first unless that cannot be; else none. The heading names the host.
//!
//! Source: procps' vmstat.c, sysstat's iostat.c and sar.c.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::state::{State, first_line, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "system-activity",
    produced_by: "vmstat 1 5, iostat -x 1 3, sar -q, sar -u, sar -A",
    samples: &[
        concat!(
            "procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----\n",
            " r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st\n",
            " 1  0      0 129248 143936 2725340    0    0   120   300  500  900  3  2 94  1  0\n",
            " 9  4      0 129248 143936 2725340   12   80     0     8  500  900 13  2 44 41  0\n",
        ),
        concat!(
            "Linux 5.4.0-99-generic (node-a) \t02/11/22 \t_x86_64_\t(4 CPU)\n\n",
            "avg-cpu:  %user   %nice %system %iowait  %steal   %idle\n",
            "           3.10    0.04    2.01    0.90    0.02   93.93\n\n",
            "Device            r/s     rkB/s   rrqm/s  %rrqm r_await rareq-sz     w/s     wkB/s   wrqm/s  %wrqm w_await wareq-sz  aqu-sz  %util\n",
            "vda             10.00    300.00     0.10   1.00    0.50    30.00   20.00    500.00    10.00  33.33    1.50    25.00    0.02   2.00\n",
        ),
        concat!(
            "Linux 5.4.0-99-generic (node-a) \t02/11/2022 \t_x86_64_\t(4 CPU)\n\n",
            "12:00:01 AM   runq-sz  plist-sz   ldavg-1   ldavg-5  ldavg-15   blocked\n",
            "12:10:01 AM         1      3518      0.83      0.73      0.76         0\n",
            "12:20:01 AM         1     41518      9.83      5.73      3.76         2\n",
            "Average:            1     22518      5.33      3.23      2.26         1\n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Which table the lines belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Vmstat,
    /// The processors, of iostat.
    Processors,
    Disks,
    /// The queue, of sar.
    Queue,
    /// The processors, of sar.
    Shares,
    /// Another table of sar.
    Other,
}

/// The names of the columns.
#[derive(Debug, Clone)]
struct Heading<'t> {
    table: Table,
    names: Vec<&'t str>,
}

fn heading(line: &str) -> Option<Heading<'_>> {
    let names: Vec<&str> = words(line).take(60).collect();
    let table = match *names.first()? {
        "r" if names.get(1) == Some(&"b") && names.contains(&"us") => Table::Vmstat,
        "avg-cpu:" => return Some(Heading { table: Table::Processors, names: names[1..].to_vec() }),
        "Device" | "Device:" if names.contains(&"%util") => Table::Disks,
        _ => {
            let (_, clock) = clock(&names)?;
            let names = names[clock..].to_vec();
            let table = match () {
                () if names.contains(&"plist-sz") => Table::Queue,
                () if names.first() == Some(&"CPU") && names.contains(&"%idle") => Table::Shares,
                () => Table::Other,
            };
            let titled = names.first().is_some_and(|it| it.starts_with(|it: char| it.is_ascii_alphabetic() || it == '%'));
            return titled.then_some(Heading { table, names }).filter(|it| it.names.iter().skip(1).all(|it| it.parse::<f64>().is_err()));
        }
    };
    Some(Heading { table, names })
}

/// `12:10:01 AM`, `00:10:01`: the time, and how many words it takes
fn clock(cells: &[&str]) -> Option<(NaiveTime, usize)> {
    let first = cells.first()?;
    let time = NaiveTime::parse_from_str(first, "%H:%M:%S").ok()?;
    use chrono::Timelike;
    match cells.get(1) {
        Some(&half @ ("AM" | "PM")) => {
            let hour = time.hour() % 12 + if half == "PM" { 12 } else { 0 };
            Some((time.with_hour(hour)?, 2))
        }
        _ => Some((time, 1)),
    }
}

/// What stands above the tables.
struct Title<'t> {
    host: &'t str,
    date: Option<NaiveDate>,
}

/// `Linux 5.4.0-99-generic (node-a) 	02/11/2022 	_x86_64_	(4 CPU)`
fn title(line: &str) -> Option<Title<'_>> {
    let rest = line.strip_prefix("Linux ")?;
    let (_, rest) = rest.split_once(" (")?;
    let (host, rest) = rest.split_once(')')?;
    rest.contains("CPU)").then(|| Title { host, date: words(rest).next().and_then(date) })
}

/// `2022-02-11`, `02/11/2022`, `02/11/22`, `11.02.2022`
fn date(word: &str) -> Option<NaiveDate> {
    if let Ok(date) = NaiveDate::parse_from_str(word, "%Y-%m-%d") {
        return Some(date);
    }
    let dotted = word.contains('.');
    let numbers: Option<Vec<u32>> = word.split(['/', '.']).map(|it| it.parse().ok()).collect();
    let [first, second, year] = numbers?[..] else { return None };
    let year = i32::try_from(if year < 100 { 2000 + year } else { year }).ok()?;
    let (month, day) = if dotted || first > 12 { (second, first) } else { (first, second) };
    NaiveDate::from_ymd_opt(year, month, day)
}

/// Whether the cells are those of a row.
fn is_row(heading: &Heading<'_>, line: &str) -> bool {
    let mut cells: Vec<&str> = words(line).take(60).collect();
    let sar = matches!(heading.table, Table::Queue | Table::Shares | Table::Other);
    if sar {
        match clock(&cells) {
            Some((_, taken)) => drop(cells.drain(..taken)),
            None if cells.first() == Some(&"Average:") => drop(cells.remove(0)),
            None => return line.contains("LINUX RESTART"),
        }
    }
    let named = usize::from(matches!(heading.table, Table::Disks | Table::Shares | Table::Other));
    !cells.is_empty() && cells.iter().skip(named).all(|it| number(it).is_some()) || heading.table == Table::Other
}

fn number(cell: &str) -> Option<f64> {
    cell.replace(',', ".").parse().ok().filter(|it: &f64| it.is_finite())
}

fn is_known(line: &str) -> bool {
    title(line).is_some() || line.starts_with("procs ") || line.contains("LINUX RESTART")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(first) = first_line(sniff.text) else { return Certainty::No };
    let own = is_known(first) || heading(first).is_some_and(|it| it.table != Table::Other);
    if !own {
        return Certainty::No;
    }
    let mut open: Option<Heading<'_>> = None;
    let mut tables = 0;
    let mut good = 0_u32;
    let mut all = 0_u32;
    for line in sniff.text.lines().filter(|it| !it.trim().is_empty()).take(200) {
        all += 1;
        if let Some(found) = heading(line) {
            tables += u32::from(found.table != Table::Other);
            open = Some(found);
            good += 1;
        } else {
            good += u32::from(is_known(line) || open.as_ref().is_some_and(|it| is_row(it, line)));
        }
    }
    let sar = title(first).is_some() && open.is_some();
    if (tables > 0 || sar) && good * 10 >= all * 9 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut reading = Activity { heading: None, date: None, before: None, named: false, vmstat: false, processors: false, round: 0 };
    let mut state = State::of(input, out);
    state.each(|state, line| reading.line(state, line));
}

struct Activity<'t> {
    heading: Option<Heading<'t>>,
    date: Option<NaiveDate>,
    /// The clock of the row before, to see midnight.
    before: Option<NaiveTime>,
    /// Whether the host has been named.
    named: bool,
    /// Whether vmstat's first row has been seen, which counts from the boot.
    vmstat: bool,
    /// The same of iostat.
    processors: bool,
    /// Rounds of iostat.
    round: u32,
}

impl<'t> Activity<'t> {
    fn line(&mut self, state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
        if let Some(title) = title(line.text) {
            self.date = title.date;
            self.before = None;
            let node = state.input.origin.node.clone();
            // of which kernel that day was is not what runs now
            if !self.named && node.as_deref() != Some(title.host) && !matches!(title.host, "localhost" | "localhost.localdomain" | "") {
                self.named = true;
                state.push(Row::new(&relation::ALIAS).with("name", node).with("other", title.host), line);
            }
            return true;
        }
        if let Some(found) = heading(line.text) {
            if matches!(found.table, Table::Queue | Table::Shares | Table::Other) {
                self.before = None;
            }
            self.round += u32::from(found.table == Table::Processors);
            self.heading = Some(found);
            return true;
        }
        let Some(heading) = self.heading.clone() else { return is_known(line.text) };
        if !is_row(&heading, line.text) {
            return is_known(line.text);
        }
        self.row(state, line, &heading);
        true
    }

    fn row(&mut self, state: &mut State<'_, 't, '_>, line: &Line<'t>, heading: &Heading<'_>) {
        let mut cells: Vec<&str> = words(line.text).take(60).collect();
        let mut stamp = Stamp::None;
        if matches!(heading.table, Table::Queue | Table::Shares | Table::Other) {
            // sums over the day tell of no moment
            let Some((time, taken)) = clock(&cells) else { return };
            cells.drain(..taken);
            stamp = self.stamp(time);
        }
        let at = |name: &str| heading.names.iter().position(|it| *it == name).and_then(|at| cells.get(at)).copied();
        let value = |name: &str| at(name).and_then(number);
        match heading.table {
            Table::Vmstat => {
                let first = !std::mem::replace(&mut self.vmstat, true);
                let whole = |name: &str| value(name).map(|it| it as i64);
                let row = Row::new(&relation::HOST_SAMPLE)
                    .with("source", if first { "vmstat since-boot" } else { "vmstat" })
                    .with("user", value("us"))
                    .with("system", value("sy"))
                    .with("idle", value("id"))
                    .with("iowait", value("wa"))
                    .with("steal", value("st"))
                    .with("runnable", whole("r"))
                    .with("blocked", whole("b"))
                    .with("swap_in_kib", whole("si"))
                    .with("swap_out_kib", whole("so"));
                state.push(row, line);
            }
            Table::Processors | Table::Shares => {
                let iostat = heading.table == Table::Processors;
                let first = iostat && !std::mem::replace(&mut self.processors, true);
                // one row for each processor: the sum says it
                if !iostat && at("CPU") != Some("all") {
                    return;
                }
                let row = Row::new(&relation::HOST_SAMPLE)
                    .with("source", if first { "iostat since-boot" } else if iostat { "iostat" } else { "sar" })
                    .with("user", value("%user").or_else(|| value("%usr")))
                    .with("system", value("%system").or_else(|| value("%sys")))
                    .with("idle", value("%idle"))
                    .with("iowait", value("%iowait"))
                    .with("steal", value("%steal"));
                state.push_at(row, line, stamp);
            }
            Table::Disks => {
                let row = Row::new(&relation::DISK_LOAD)
                    .with("device", cells.first().copied())
                    .with("util_percent", value("%util"))
                    .with("read_await_millis", value("r_await").or_else(|| value("await")))
                    .with("write_await_millis", value("w_await").or_else(|| value("await")))
                    .with("queue", value("aqu-sz").or_else(|| value("avgqu-sz")))
                    .with("source", if self.round <= 1 { "iostat since-boot" } else { "iostat" });
                state.push(row, line);
            }
            Table::Queue => {
                if let Some(threads) = value("plist-sz").map(|it| it as i64) {
                    state.push_at(Row::new(&relation::TASKS).with("threads", threads), line, stamp);
                }
                let row = Row::new(&relation::LOAD)
                    .with("one", value("ldavg-1"))
                    .with("five", value("ldavg-5"))
                    .with("fifteen", value("ldavg-15"))
                    .with("running", value("runq-sz").map(|it| it as i64));
                state.push_at(row, line, stamp);
            }
            Table::Other => {}
        }
    }

    /// A clock that runs backwards has passed midnight.
    fn stamp(&mut self, time: NaiveTime) -> Stamp {
        if self.before.is_some_and(|it| time < it) {
            self.date = self.date.and_then(|it| it.succ_opt());
        }
        self.before = Some(time);
        match self.date {
            Some(date) => Stamp::Zoneless { local: date.and_time(time), resolution: TimeDelta::seconds(1), abbreviation: None },
            None => Stamp::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sniff_certainty, sure_rows_of};
    use timeline::Record;

    fn rows<const N: usize>(text: &str, relation: &str, columns: [&str; N]) -> Vec<String> {
        sure_rows_of(&FORMAT, text, relation, columns)
    }

    #[test]
    fn rounds_of_vmstat_and_iostat() {
        let columns = ["source", "idle", "iowait", "runnable", "blocked", "swap_out_kib"];
        assert_eq!(rows(FORMAT.samples[0], "host.sample", columns), ["vmstat since-boot 94 1 1 0 0", "vmstat 44 41 9 4 80"]);
        assert_eq!(
            rows(FORMAT.samples[1], "host.sample", ["source", "iowait", "steal"]),
            ["iostat since-boot 0.900 0.020"]
        );
        let columns = ["device", "util_percent", "read_await_millis", "write_await_millis", "queue"];
        assert_eq!(rows(FORMAT.samples[1], "disk.load", columns), ["vda 2 0.500 1.500 0.020"]);
    }

    #[test]
    fn a_day_of_sar() {
        assert_eq!(rows(FORMAT.samples[2], "tasks", ["threads"]), ["3518", "41518"]);
        assert_eq!(rows(FORMAT.samples[2], "load", ["one", "running"]), ["0.830 1", "9.830 1"]);
        let stamps = |text: &str| -> Vec<String> {
            let stamp = |it: &Record| match it {
                Record::Fact(fact, Stamp::Zoneless { local, .. }) if fact.row.relation.name == "tasks" => Some(local.to_string()),
                _ => None,
            };
            read_at(&FORMAT, "x", text).records.iter().filter_map(stamp).collect()
        };
        assert_eq!(stamps(FORMAT.samples[2]), ["2022-02-11 00:10:01", "2022-02-11 00:20:01"]);
        let night = "Linux 3.10.0 (a) \t25.07.2023 \t_x86_64_\t(8 CPU)\n\n23:40:01      runq-sz  plist-sz   ldavg-1   ldavg-5  ldavg-15   blocked\n23:50:01            1      3518      0,83      0,73      0,76         0\n00:00:01            1      3519      0,83      0,73      0,76         0\n";
        assert_eq!(stamps(night), ["2023-07-25 23:50:01", "2023-07-26 00:00:01"]);
        let shares = "Linux 3.10.0 (a) \t2023-07-25 \t_x86_64_\t(8 CPU)\n\n00:00:01        CPU     %user     %nice   %system   %iowait    %steal     %idle\n00:10:01        all      1.00      0.00      1.00      0.50     22.00     75.50\n00:10:01          0      1.00      0.00      1.00      0.50     22.00     75.50\n\n00:00:01       tps      rtps      wtps   bread/s   bwrtn/s\n00:10:01      8.00      1.00      7.00     10.00     90.00\n";
        assert_eq!(rows(shares, "host.sample", ["source", "steal"]), ["sar 22"]);
        // the tests read as node-a, which the heading of the first names, too
        assert!(rows(FORMAT.samples[2], "node.alias", ["name", "other"]).is_empty());
        assert_eq!(rows(shares, "node.alias", ["name", "other"]), ["node-a a"]);
    }

    #[test]
    fn other_tables_are_not_claimed() {
        for text in [
            "r b c\n1 2 3\n",
            "Device is broken\n",
            "12:00:01 kubelet started\n12:00:02 kubelet ended\n",
            "Linux node-a 5.4.0 #1 SMP x86_64 GNU/Linux\n",
            "",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
