//! `df`: how full the file systems of a node are, in bytes or in inodes.
//!
//! ```text
//! Filesystem     Type 1K-blocks    Used Available Use% Mounted on
//! /dev/vda1      ext4  20145724 9116436  11012904  46% /
//! ```
//!
//! One row a file system, of bytes or of inodes, which are different relations; a long device stands in a line of its own.
//! File systems without a size (`sysfs`) give no row.
//! Units: from the header (`1K-blocks`, `1M-blocks`) or printed with the cells (`-h`). Time: none.
//!
//! Source: `man 1 df` of coreutils, BusyBox's df.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, bytes_of, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff, mounts};

pub(crate) static FORMAT: Format = Format {
    name: "disk-usage",
    produced_by: "df, df -i, df -h, df -T",
    samples: &[
        "Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/vda1       20145724 9116436  11012904  46% /\n",
        "Filesystem     Type      Inodes IUsed   IFree IUse% Mounted on\n/dev/mapper/ubuntu--vg-a--long--name\n               ext4     2580480 97324 2483156    4% /\nsysfs          sysfs         0     0       0     - /sys\n",
        "Filesystem      Size  Used Avail Use% Mounted on\noverlay          20G  8.7G   11G  46% /var/lib/x y\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What the header says of the columns.
#[derive(Clone, Copy)]
struct Header {
    inodes: bool,
    typed: bool,
    unit: i64,
}

fn header(line: &str) -> Option<Header> {
    let line = line.trim_end();
    let rest = line.strip_prefix("Filesystem ")?.strip_suffix("Mounted on")?;
    let cells: Vec<&str> = words(rest).collect();
    let (typed, cells) = match cells.split_first() {
        Some((&"Type", rest)) => (true, rest),
        _ => (false, &cells[..]),
    };
    let size = cells.first()?;
    let unit = match *size {
        "Inodes" => return (cells.len() == 4).then_some(Header { inodes: true, typed, unit: 1 }),
        "Size" => 1,
        it => {
            let block = it.strip_suffix("-blocks")?;
            bytes_of(block, 1)?
        }
    };
    (cells.len() == 4).then_some(Header { inodes: false, typed, unit })
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    if lines.clone().next().is_some_and(mounts::is_mount) {
        return Certainty::No;
    }
    let Some(header) = lines.by_ref().take(4).find_map(header) else { return Certainty::No };
    let (mut all, mut good) = (0u32, 0u32);
    for line in lines.take(100) {
        all += 1;
        good += u32::from(row(line, header).is_some() || words(line).count() == 1 || line.starts_with("df: "));
    }
    if good * 10 >= all * 8 { Certainty::Sure } else { Certainty::No }
}

/// A row: what stands before the numbers is the device and perhaps the type.
struct Cells<'t> {
    device: Option<&'t str>,
    kind: Option<&'t str>,
    numbers: [&'t str; 3],
    percent: &'t str,
    mount: &'t str,
}

fn row(line: &str, header: Header) -> Option<Cells<'_>> {
    let cells: Vec<&str> = words(line).collect();
    let is_cell = |it: &str| it == "-" || it.starts_with(|it: char| it.is_ascii_digit()) && bytes_of(it, 1).is_some();
    let is_percent = |it: &str| it == "-" || it.strip_suffix('%').is_some_and(|it| it.parse::<u32>().is_ok());
    let before = usize::from(header.typed);
    // with or without the device, which may stand in the line above
    let at = [before + 1, before]
        .into_iter()
        .find(|at| cells.len() > at + 4 && cells[*at..at + 3].iter().all(|it| is_cell(it)) && is_percent(cells[at + 3]))?;
    let mount = cells[at + 4];
    let offset = mount.as_ptr() as usize - line.as_ptr() as usize;
    Some(Cells {
        device: (at > before).then(|| cells[0]),
        kind: header.typed.then(|| cells[at - 1]),
        numbers: [cells[at], cells[at + 1], cells[at + 2]],
        percent: cells[at + 3],
        mount: line[offset..].trim_end(),
    })
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut listing = Listing::default();
    let mut state = State::of(input, out);
    state.each(|state, line| listing.line(state, line));
    listing.finish(&mut state);
}

/// What `df` printed, also behind the output of another command.
#[derive(Default)]
pub(crate) struct Listing<'t> {
    current: Option<Header>,
    wrapped: Option<&'t str>,
    /// What there are listings of: bytes, inodes.
    listed: [bool; 2],
}

impl<'t> Listing<'t> {
    /// Whether the line is one that `df` would print here; for a look at the beginning of a file.
    pub(crate) fn may_hold(&mut self, line: &str) -> bool {
        self.current = header(line).or(self.current);
        header(line).is_some() || self.current.is_some_and(|it| row(line, it).is_some() || words(line).count() == 1)
    }

    /// Whether the head of one was seen.
    pub(crate) fn has_begun(&self) -> bool {
        self.current.is_some()
    }

    /// Takes the next line; returns whether it is one of `df`.
    pub(crate) fn line(&mut self, state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
        if let Some(found) = header(line.text) {
            self.current = Some(found);
            self.listed[usize::from(found.inodes)] = true;
            return true;
        }
        let Some(header) = self.current else { return false };
        if let Some(cells) = row(line.text, header) {
            let device = cells.device.or(self.wrapped.take());
            return push(state, line, header, device, &cells);
        }
        let alone = words(line.text).count() == 1 && !line.text.starts_with(' ');
        self.wrapped = alone.then(|| line.text.trim());
        alone || line.text.starts_with("df: ")
    }

    /// Says what was listed.
    pub(crate) fn finish(self, state: &mut State<'_, 't, '_>) {
        for (listed, relation) in self.listed.into_iter().zip([&relation::FILESYSTEM, &relation::FILESYSTEM_INODES]) {
            if listed {
                state.collected(relation);
            }
        }
    }
}

fn push<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>, header: Header, device: Option<&str>, cells: &Cells<'_>) -> bool {
    let numbers = cells.numbers.map(|it| bytes_of(it, header.unit));
    let [Some(total), used, available] = numbers else { return true };
    if total == 0 {
        return true;
    }
    let percent = cells.percent.strip_suffix('%').and_then(|it| it.parse::<i64>().ok());
    let relation = if header.inodes { &relation::FILESYSTEM_INODES } else { &relation::FILESYSTEM };
    let [whole, taken, left] =
        if header.inodes { ["inodes", "used", "free"] } else { ["bytes", "used_bytes", "available_bytes"] };
    let row = Row::new(relation)
        .with("device", device)
        .with("mount", cells.mount)
        .with("type", cells.kind)
        .with(whole, total)
        .with(taken, used)
        .with(left, available)
        .with("used_percent", percent);
    state.push(row, line);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn rows(text: &str, relation: &'static str) -> Vec<String> {
        let out = read_at(&FORMAT, "df", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        facts(&out, relation)
            .map(|it| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join("|").replace("unknown", ""))
            .collect()
    }

    #[test]
    fn sizes_and_inodes() {
        let bytes = |text: &str| rows(text, "filesystem");
        assert_eq!(bytes(FORMAT.samples[0]), ["/dev/vda1|/||20629221376|9335230464|11277213696|46"]);
        assert_eq!(bytes(FORMAT.samples[2]), ["overlay|/var/lib/x y||21474836480|9341553868|11811160064|46"]);
        let posix = "Filesystem         1024-blocks     Used Available Capacity Mounted on\nnfs:/a  100 50 50 50% /mnt\n";
        assert_eq!(bytes(posix), ["nfs:/a|/mnt||102400|51200|51200|50"]);
        let inodes = FORMAT.samples[1];
        assert_eq!(rows(inodes, "filesystem.inodes"), ["/dev/mapper/ubuntu--vg-a--long--name|/|ext4|2580480|97324|2483156|4"]);
        assert!(bytes(inodes).is_empty());
    }

    #[test]
    fn a_listing_of_inodes_tells_nothing_of_bytes() {
        let collected = |text: &str| -> Vec<&str> {
            read_at(&FORMAT, "df", text).collected.iter().map(|it| it.relation).collect()
        };
        assert_eq!(collected(FORMAT.samples[0]), ["filesystem"]);
        assert_eq!(collected(FORMAT.samples[1]), ["filesystem.inodes"]);
        let both = format!("{}{}", FORMAT.samples[0], FORMAT.samples[1]);
        assert_eq!(collected(&both), ["filesystem", "filesystem.inodes"]);
    }

    #[test]
    fn prose_is_not_claimed() {
        for text in ["Filesystem usage Mounted on\n", "Filesystem 1K-blocks Used\n", "a b c\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "df", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_listings() {
        for (name, relation, count) in [("df_-al.txt", "filesystem", 10), ("df_-ali.txt", "filesystem.inodes", 10)] {
            let Some(text) = sample(&format!("kubernetes/host/{name}")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure);
            let rows = rows(&text, relation);
            assert!(rows.len() >= count, "{name}: {rows:?}");
        }
    }
}
