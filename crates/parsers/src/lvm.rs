//! `pvs`, `vgs`, `lvs` and `pvdisplay`, `vgdisplay`, `lvdisplay`: the volumes of LVM and how full they are.
//!
//! ```text
//!   LV    VG  Attr       LSize   Pool Origin Data%  Meta%  Move Log Cpy%Sync Convert
//!   pool  vg0 twi-aotz-- 100.00g             99.87  12.40
//!   root  vg0 -wi-ao----  20.00g
//!   --- Volume group ---
//!   VG Name               vg0
//!   Free  PE / Size       100 / 400.00 MiB
//! ```
//!
//! One row a volume. A column reaches from where its name begins to where the next one does, whichever way its cells are
//! aligned; empty cells leave no mark. Lines that `-v` prints are known. Skipped: extents, UUIDs, segments, tags.
//! Units: bytes, where `20.00g` counts in powers of two and `<20.00g` is a little less. Time: none, true when collected.
//!
//! Source: `man 8 lvs`, lib/report/columns.h and lib/display/display.c of lvm2.

use timeline::{MemberRecords, Row, Value, relation};

use crate::state::{State, bytes_of, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "lvm",
    produced_by: "pvs, vgs, lvs, pvscan, pvdisplay, vgdisplay, lvdisplay",
    samples: &[
        concat!(
            "  LV   VG  Attr       LSize   Pool Origin Data%  Meta%  Move Log Cpy%Sync Convert\n",
            "  pool vg0 twi-aotz-- 100.00g             99.87  12.40                           \n",
            "  root vg0 -wi-ao----  20.00g                                                    \n",
        ),
        concat!(
            "  Reloading config files\n  WARNING: Couldn't find device with uuid 7g0oRs-x.\n",
            "  PV         VG  Fmt  Attr PSize   PFree \n  /dev/sda2  vg0 lvm2 a--  <99.00g  4.00m\n  [unknown]  vg0 lvm2 a-m  <99.00g     0 \n",
        ),
        "  VG  #PV #LV #SN Attr   VSize    VFree\n  vg0   2   3   0 wz-pn- <198.00g 4.00m\n",
        concat!(
            "  --- Logical volume ---\n  LV Path                /dev/vg0/root\n  LV Name                root\n  VG Name                vg0\n",
            "  LV Status              available\n  LV Size                20.00 GiB\n  Allocated pool data    88.50%\n\n",
            "  --- Volume group ---\n  VG Name               vg0\n  VG Size               <20.00 GiB\n  Free  PE / Size       100 / 400.00 MiB\n",
        ),
        "  WARNING: File locking is disabled.\n  No volume groups found.\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// The columns of a table: name, and where it begins.
struct Columns {
    kind: &'static str,
    spans: Vec<(String, usize)>,
}

/// Words with where they begin.
fn placed(line: &str) -> Vec<(&str, usize)> {
    words(line).map(|it| (it, it.as_ptr() as usize - line.as_ptr() as usize)).collect()
}

/// `  LV   VG  Attr       LSize …`
fn columns(line: &str) -> Option<Columns> {
    let all = placed(line);
    let kind = match all.first()?.0 {
        "PV" => "physical",
        "VG" => "group",
        "LV" => "logical",
        _ => return None,
    };
    let has = |name: &str| all.iter().any(|it| it.0 == name);
    let sized = has("PSize") || has("VSize") || has("LSize") || has("#PMda") || has("#VMda");
    let known = has("Attr") && sized;
    known.then(|| Columns { kind, spans: all.into_iter().map(|(name, begin)| (name.to_owned(), begin)).collect() })
}

impl Columns {
    /// The cell of a column; the first of a name counts, as `PV UUID` repeats one.
    fn cell<'t>(&self, cells: &[(&'t str, usize)], name: &str) -> Option<&'t str> {
        let at = self.spans.iter().position(|it| it.0 == name)?;
        let (begin, end) = (self.spans[at].1, self.spans.get(at + 1).map_or(usize::MAX, |it| it.1));
        cells.iter().find(|it| it.1 >= begin && it.1 < end).map(|it| it.0)
    }

    fn row(&self, line: &str) -> Option<Row> {
        let cells = placed(line);
        let attributes = self.cell(&cells, "Attr")?;
        let flag = |it: u8| it.is_ascii_alphabetic() || it == b'-';
        if attributes.len() < 3 || !attributes.bytes().all(flag) {
            return None;
        }
        let size = |name: &str| self.cell(&cells, name).and_then(size);
        let percent = |name: &str| self.cell(&cells, name).and_then(|it| it.parse::<f64>().ok()).filter(|it| it.is_finite());
        let (own, sized, free) = match self.kind {
            "physical" => ("PV", "PSize", "PFree"),
            "group" => ("VG", "VSize", "VFree"),
            _ => ("LV", "LSize", ""),
        };
        // the letter for "partial" stands last for a disk, fourth for a group, ninth for a volume
        let letter = match self.kind {
            "physical" => attributes.as_bytes().get(2) == Some(&b'm'),
            "group" => attributes.as_bytes().get(3) == Some(&b'p'),
            _ => attributes.as_bytes().get(8) == Some(&b'p'),
        };
        let name = self.cell(&cells, own)?.trim_matches(['[', ']']);
        let group = (self.kind != "group").then(|| self.cell(&cells, "VG")).flatten();
        // what is no disk of LVM is listed, too, with -a
        if self.kind == "physical" && group.is_none() && attributes == "---" {
            return Some(Row::new(&relation::VOLUME));
        }
        let row = Row::new(&relation::VOLUME).with("kind", self.kind).with("name", name).with("group", group);
        Some(
            row.with("attributes", attributes)
                .with("bytes", size(sized))
                .with("free_bytes", size(free))
                .with("pool", self.cell(&cells, "Pool"))
                .with("data_percent", percent("Data%"))
                .with("metadata_percent", percent("Meta%"))
                .with("missing", letter),
        )
    }
}

/// `<20.00g`, `4.00m`, `0`, `20.00 GiB`
fn size(cell: &str) -> Option<i64> {
    let cell = cell.trim().trim_start_matches(['<', '>']).replace(' ', "");
    bytes_of(&cell.to_ascii_uppercase().replace("IB", ""), 1)
}

/// `  --- Logical volume ---`
fn display(line: &str) -> Option<&'static str> {
    let name = line.trim().strip_prefix("--- ")?.strip_suffix(" ---")?;
    match name {
        "Physical volume" | "NEW Physical volume" => Some("physical"),
        "Volume group" => Some("group"),
        "Logical volume" => Some("logical"),
        "Physical volumes" | "Segments" | "Physical Segments" => Some("parts"),
        _ => None,
    }
}

/// What a line of a display tells, if that is kept.
fn told(kind: &str, line: &str) -> Option<(&'static str, Value)> {
    let line = line.trim();
    let after = |key: &str| line.strip_prefix(key).filter(|it| it.starts_with("  ")).map(str::trim).filter(|it| !it.is_empty());
    let percent = |it: &str| it.trim_end_matches('%').parse::<f64>().ok().filter(|it| it.is_finite());
    let own = match kind {
        "physical" => "PV",
        "group" => "VG",
        _ => "LV",
    };
    if let Some(name) = after(&format!("{own} Name")) {
        return Some(("name", name.into()));
    }
    if let Some(value) = after(&format!("{own} Size")) {
        return Some(("bytes", size(value.split(" / ").next().unwrap_or(value)).into()));
    }
    if let Some(name) = after("VG Name").filter(|_| kind != "group") {
        return Some(("group", name.into()));
    }
    if let Some(rest) = line.strip_prefix("Free").map(str::trim_start).and_then(|it| it.strip_prefix("PE / Size")) {
        return Some(("free_bytes", rest.split(" / ").nth(1).and_then(size).into()));
    }
    let data = after("Allocated pool data").or_else(|| after("Allocated to snapshot"));
    if let Some(value) = data {
        return Some(("data_percent", percent(value).into()));
    }
    after("Allocated metadata").map(|it| ("metadata_percent", percent(it).into()))
}

/// Beginnings of what the commands print beside their tables, on standard error or with `-v`.
const SAID: [&str; 17] = [
    "WARNING: ", "Reloading config", "Loading config", "No volume groups found", "No matching physical volumes found",
    "Using volume group(s)", "Using logical volume(s)", "Using physical volume(s)", "Finding all volume groups",
    "Couldn't find device", "There are ", "Cache: ", "Archiving volume group", "Wiping cache", "Wiping internal",
    "Total: ", "Scanning all devices",
];

/// Indented by two blanks, as everything LVM prints is.
fn said(line: &str) -> bool {
    let Some(text) = line.strip_prefix("  ").map(str::trim_start) else { return false };
    let device = || text.split_once(": ").is_some_and(|(at, _)| at.starts_with("/dev/"));
    let configured = || text.contains(" not found in config: ") || text.starts_with("Setting ") && text.contains(" to ");
    SAID.iter().any(|it| text.starts_with(it)) || device() || configured() || text.starts_with("PV /dev/")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let lines = || sniff.text.lines().take(300).filter(|it| !it.trim().is_empty());
    if let Some(table) = lines().find_map(columns) {
        let good = |line: &str| columns(line).is_some() || said(line) || table.row(line).is_some();
        return if sniff.share(300, good) >= 0.8 { Certainty::Sure } else { Certainty::No };
    }
    let displayed = lines().any(|it| display(it).is_some()) && sniff.share(300, |it| it.starts_with("  ")) >= 0.95;
    let only = ["No volume groups found", "No matching physical volumes found"];
    let empty = || lines().any(|it| only.iter().any(|only| it.trim_start().starts_with(only))) && sniff.share(300, said) >= 0.9;
    if displayed || empty() { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut table: Option<Columns> = None;
    let mut open: Option<(Row, Line<'_>)> = None;
    let mut kind = "";
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(found) = columns(line.text) {
            table = Some(found);
            return true;
        }
        if let Some(found) = display(line.text) {
            hand_out(open.take(), state);
            (kind, table) = (found, None);
            if found != "parts" {
                open = Some((Row::new(&relation::VOLUME).with("kind", found), *line));
            }
            return true;
        }
        if let Some((row, _)) = &mut open {
            if let Some((column, value)) = told(kind, line.text) {
                *row = std::mem::replace(row, Row::new(&relation::VOLUME)).with(column, value);
            }
            return line.text.starts_with("  ");
        }
        if let Some(row) = table.as_ref().and_then(|it| it.row(line.text)) {
            if row.get("kind").is_some() {
                state.push(row, line);
            }
            return true;
        }
        said(line.text) || kind == "parts" && line.text.starts_with("  ")
    });
    hand_out(open, &mut state);
}

fn hand_out<'t>(open: Option<(Row, Line<'t>)>, state: &mut State<'_, 't, '_>) {
    if let Some((row, line)) = open {
        state.push(row, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    fn rows(text: &str) -> Vec<String> {
        let columns = ["kind", "name", "group", "bytes", "free_bytes", "data_percent", "metadata_percent", "missing"];
        sure_rows_of(&FORMAT, text, "volume", columns).into_iter().map(|it| it.replace("unknown", "-")).collect()
    }

    #[test]
    fn tables_and_displays() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["logical pool vg0 107374182400 - 99.870 12.400 false", "logical root vg0 21474836480 - - - false"]
        );
        assert_eq!(
            rows(FORMAT.samples[1]),
            ["physical /dev/sda2 vg0 106300440576 4194304 - - false", "physical - vg0 106300440576 0 - - true"]
        );
        assert_eq!(rows(FORMAT.samples[2]), ["group vg0 - 212600881152 4194304 - - true"]);
        assert_eq!(
            rows(FORMAT.samples[3]),
            ["logical root vg0 21474836480 - 88.500 - -", "group vg0 - 21474836480 419430400 - - -"]
        );
        assert!(rows(FORMAT.samples[4]).is_empty());
    }

    #[test]
    fn what_is_no_disk_of_lvm_is_passed_over() {
        let text = "  PV          VG Fmt Attr PSize PFree DevSize \n  /dev/loop0         ---     0     0    61.91m\n  /dev/vda1          ---     0     0    39.89g\n";
        assert!(rows(text).is_empty());
    }

    #[test]
    fn others_are_left_alone() {
        for text in [
            "PV of the year\n  none\n",
            "NAME    MAJ:MIN RM   SIZE RO TYPE MOUNTPOINT\nvda     252:0    0    20G  0 disk\n",
            "  WARNING: something of another program\n",
            "--- Begin ---\nof a letter\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
