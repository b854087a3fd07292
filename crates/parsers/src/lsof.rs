//! `lsof`: which files processes hold open, which of them are deleted, and who holds the most.
//!
//! ```text
//! COMMAND  PID  TID TASKCMD USER   FD   TYPE DEVICE SIZE/OFF NODE NAME
//! systemd    1                 0  cwd    DIR  252,1     4096    2 /
//! java    2042                 0   12w   REG  252,1 53687091200 131 /var/log/app.log (deleted)
//! ```
//!
//! Columns stand below their names, and empty cells are blank, so cells are taken by place. One row for each large file that
//! is deleted and still open, whose space is free only when the process closes it, and one for each of the processes that
//! hold the most descriptors. Threads repeat the files of their process and are not counted. Skipped: everything else.
//! Units: bytes. Time: none, true when collected.
//!
//! Source: `man 8 lsof`.

use std::collections::BTreeMap;

use timeline::{Fact, MemberRecords, Quote, Record, Row, Stamp, relation};

use crate::state::{count_lines, is_number, words};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "lsof",
    produced_by: "lsof, lsof +L1, lsof -n -l",
    samples: &[
        concat!(
            "COMMAND  PID  TID TASKCMD USER   FD   TYPE DEVICE    SIZE/OFF NODE NAME\n",
            "systemd    1                 0  cwd    DIR  252,1        4096    2 /\n",
            "java    2042                 0   12w   REG  252,1 53687091200  131 /var/log/app.log (deleted)\n",
            "java    2042 2043 gc         0   12w   REG  252,1 53687091200  131 /var/log/app.log (deleted)\n",
        ),
        concat!(
            "COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF NLINK NODE NAME\n",
            "nginx    1734 root    5w   REG  253,0  7340032     0  812 /var/log/nginx/access.log (deleted)\n",
        ),
    ],
    recognizes,
    reading: Reading::Stream(|origin| Box::new(Lsof { origin: origin.clone(), columns: None, holders: BTreeMap::new(), deleted: Vec::new() })),
};

/// Deleted files below this size fill no disk.
const LEAST_BYTES: i64 = 1 << 20;
/// Deleted files named.
const MOST_DELETED: usize = 100;
/// Processes named for what they hold.
const MOST_HOLDERS: usize = 20;
/// Processes counted; a machine has no more of them.
const MOST_PROCESSES: usize = 200_000;

/// Where the columns stand, by the names above them.
#[derive(Debug, Clone, Copy)]
struct Columns {
    /// End of the process number.
    pid: usize,
    /// End of the thread number, where there is one.
    tid: Option<usize>,
    user: usize,
    fd: usize,
    kind: usize,
    size: usize,
    name: usize,
}

fn columns(line: &str) -> Option<Columns> {
    // sos blanks out the warnings that stood in front of the names
    let line = line.trim_start_matches(' ');
    if !line.starts_with("COMMAND ") || !line.is_ascii() {
        return None;
    }
    let at = |word: &str| -> Option<(usize, usize)> {
        let found = words(line).find(|it| *it == word)?;
        let start = found.as_ptr() as usize - line.as_ptr() as usize;
        Some((start, start + found.len()))
    };
    Some(Columns {
        pid: at("PID")?.1,
        tid: at("TID").map(|it| it.1),
        user: at("USER")?.1,
        fd: at("FD")?.0,
        kind: at("TYPE")?.1,
        size: at("SIZE/OFF").or_else(|| at("SIZE"))?.1,
        name: at("NAME")?.0,
    })
}

/// A row, by the places of its columns.
struct Open<'t> {
    command: &'t str,
    pid: &'t str,
    thread: bool,
    user: Option<&'t str>,
    /// Whether it is a descriptor, not a directory or a mapping.
    descriptor: bool,
    regular: bool,
    bytes: Option<i64>,
    name: &'t str,
}

/// The word that ends at a place, or runs across it: columns of numbers are set flush right.
fn cell(line: &str, end: usize) -> Option<&str> {
    let bytes = line.as_bytes();
    let last = end.checked_sub(1)?;
    if *bytes.get(last)? == b' ' {
        return None;
    }
    let start = bytes[..last].iter().rposition(|it| *it == b' ').map_or(0, |it| it + 1);
    let stop = bytes[last..].iter().position(|it| *it == b' ').map_or(bytes.len(), |it| last + it);
    line.get(start..stop)
}

fn row(line: &str, columns: Columns) -> Option<Open<'_>> {
    let command = words(line).next()?;
    let pid = cell(line, columns.pid).filter(|it| is_number(it))?;
    let thread = columns.tid.is_some_and(|end| cell(line, end).is_some_and(is_number));
    // `cwd`, ` 12w`, `DEL`: the number ends where the name of the column does, a letter for the mode may follow
    let fd = cell(line, columns.fd + 1).or_else(|| cell(line, columns.fd + 2))?;
    let kind = cell(line, columns.kind)?;
    let descriptor = fd.starts_with(|it: char| it.is_ascii_digit());
    let bytes = cell(line, columns.size).and_then(|it| it.parse().ok());
    let name = line.get(columns.name..)?.trim_end();
    Some(Open { command, pid, thread, user: cell(line, columns.user), descriptor, regular: kind == "REG", bytes, name })
}

fn warning(line: &str) -> bool {
    line.starts_with("lsof: ") || line.trim_start().starts_with("Output information may be incomplete")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let lines = || sniff.text.lines().filter(|it| !it.trim().is_empty());
    let Some(columns) = lines().take(12).find_map(columns) else { return Certainty::No };
    let rows = || lines().skip_while(|it| self::columns(it).is_none()).skip(1).take(300).filter(|it| !warning(it));
    let good = rows().filter(|it| row(it, columns).is_some()).count();
    let all = rows().count();
    if all == 0 || good * 10 >= all * 9 { Certainty::Sure } else { Certainty::No }
}

/// What one process holds.
struct Holder {
    command: String,
    user: Option<String>,
    files: i64,
    quote: Quote,
}

/// A deleted file that is open.
struct Deleted {
    bytes: i64,
    row: Row,
    quote: Quote,
}

struct Lsof {
    origin: Origin,
    columns: Option<Columns>,
    holders: BTreeMap<u32, Holder>,
    deleted: Vec<Deleted>,
}

impl Lsof {
    fn line(&mut self, line: &Line<'_>) -> bool {
        if let Some(found) = columns(line.text) {
            self.columns = Some(found);
            return true;
        }
        let Some(columns) = self.columns else { return warning(line.text) };
        let Some(open) = row(line.text, columns) else { return warning(line.text) };
        let Ok(pid) = open.pid.parse::<u32>() else { return true };
        if open.thread {
            return true;
        }
        if open.descriptor {
            self.count(pid, &open, line);
        }
        let on_disk = open.name.starts_with('/') && !["/memfd:", "/dev/", "/SYSV", "/run/", "/proc/"].iter().any(|it| open.name.starts_with(it));
        if let (true, true, Some(bytes), Some(path)) =
            (open.regular, on_disk, open.bytes.filter(|it| *it >= LEAST_BYTES), open.name.strip_suffix(" (deleted)"))
        {
            self.keep(pid, &open, bytes, path, line);
        }
        true
    }

    fn count(&mut self, pid: u32, open: &Open<'_>, line: &Line<'_>) {
        let full = self.holders.len() >= MOST_PROCESSES;
        match self.holders.get_mut(&pid) {
            Some(holder) => holder.files += 1,
            None if full => {}
            None => {
                let (command, user) = (open.command.to_owned(), open.user.map(str::to_owned));
                self.holders.insert(pid, Holder { command, user, files: 1, quote: self.origin.quote(line) });
            }
        }
    }

    /// Keeps the largest, once a process.
    fn keep(&mut self, pid: u32, open: &Open<'_>, bytes: i64, path: &str, line: &Line<'_>) {
        let row = Row::new(&relation::DELETED_FILE)
            .with("process", open.command)
            .with("pid", i64::from(pid))
            .with("path", path)
            .with("bytes", bytes);
        if self.deleted.iter().any(|it| it.row == row) {
            return;
        }
        self.deleted.push(Deleted { bytes, row, quote: self.origin.quote(line) });
        if self.deleted.len() > 2 * MOST_DELETED {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        self.deleted.sort_by_key(|it| (std::cmp::Reverse(it.bytes), it.quote.span.start));
        self.deleted.truncate(MOST_DELETED);
    }
}

impl Reader for Lsof {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        count_lines(chunk, out, |line| self.line(line));
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.shorten();
        let node = self.origin.node.clone();
        let mut push = |row: Row, quote: Quote| {
            out.records.push(Record::Fact(Box::new(Fact::new(row, node.clone(), quote)), Stamp::None));
        };
        for it in std::mem::take(&mut self.deleted) {
            push(it.row, it.quote);
        }
        let mut holders: Vec<(u32, Holder)> = std::mem::take(&mut self.holders).into_iter().collect();
        holders.sort_by_key(|(pid, it)| (std::cmp::Reverse(it.files), *pid));
        for (pid, it) in holders.into_iter().take(MOST_HOLDERS) {
            let row = Row::new(&relation::PROCESS)
                .with("pid", i64::from(pid))
                .with("user", it.user)
                .with("name", it.command)
                .with("files", it.files);
            push(row, it.quote);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{origin, read_at, shown, sniff_certainty};

    #[test]
    fn files_that_are_deleted_and_processes_that_hold_many() {
        for text in FORMAT.samples {
            assert_eq!(sniff_certainty(&FORMAT, "lsof", text), Certainty::Sure, "{text}");
        }
        let out = read_at(&FORMAT, "lsof", FORMAT.samples[0]);
        assert_eq!(out.tally.lines, out.tally.understood);
        let deleted = |out: &MemberRecords| shown(out, "deleted.file", ["process", "pid", "path", "bytes"]);
        assert_eq!(deleted(&out), ["java 2042 /var/log/app.log 53687091200"]);
        assert_eq!(shown(&out, "process", ["pid", "user", "name", "files"]), ["2042 0 java 1"]);
        // sos leaves blanks where the warnings stood
        let table = &FORMAT.samples[0][FORMAT.samples[0].find("COMMAND").expect("a header")..];
        let blanked = format!("{}{table}", " ".repeat(330));
        assert_eq!(sniff_certainty(&FORMAT, "lsof", &blanked), Certainty::Sure);
        let out = read_at(&FORMAT, "lsof", &blanked);
        assert_eq!(out.tally.lines, out.tally.understood);
        assert_eq!(deleted(&out), ["java 2042 /var/log/app.log 53687091200"]);
        let out = read_at(&FORMAT, "lsof", FORMAT.samples[1]);
        assert_eq!(deleted(&out), ["nginx 1734 /var/log/nginx/access.log 7340032"]);
        assert_eq!(shown(&out, "process", ["pid", "user", "name", "files"]), ["1734 root nginx 1"]);
    }

    #[test]
    fn memory_and_small_files_fill_no_disk() {
        let text = concat!(
            "COMMAND  PID USER   FD   TYPE DEVICE SIZE/OFF NODE NAME\n",
            "Xorg     734 root   10u   REG    0,1 67108864 2049 /memfd:xshmfence (deleted)\n",
            "Xorg     734 root   11u   REG  252,1     4096 2050 /tmp/.x (deleted)\n",
            "Xorg     734 root   12u  IPv4  90812      0t0  TCP *:6000 (LISTEN)\n",
            "Xorg     734 root  mem    REG  252,1  2029592 2051 /lib/libc.so (deleted)\n",
        );
        let out = read_at(&FORMAT, "lsof", text);
        assert_eq!(out.tally.lines, out.tally.understood);
        // a library that was replaced keeps its blocks, too
        assert_eq!(shown(&out, "deleted.file", ["path", "bytes"]), ["/lib/libc.so 2029592"]);
        assert_eq!(shown(&out, "process", ["name", "files"]), ["Xorg 3"]);
    }

    #[test]
    fn where_chunks_are_cut_makes_no_difference() {
        let text = FORMAT.samples[0];
        let rows = |bytes: usize| {
            let out = crate::read(&FORMAT, &origin("x"), text, bytes);
            (shown(&out, "deleted.file", ["path"]), shown(&out, "process", ["pid"]), out.tally)
        };
        for bytes in [1, 30, 100] {
            assert_eq!(rows(bytes), rows(1 << 20), "{bytes}");
        }
    }

    #[test]
    fn other_lists_of_commands_are_not_claimed() {
        for text in ["COMMAND PID\n", "COMMAND of the day\n", "USER PID COMMAND\nroot 1 init\n", "COMMAND PID USER FD TYPE SIZE NAME\nnever was\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
