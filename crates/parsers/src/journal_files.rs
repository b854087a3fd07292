//! `journalctl --header`, `--verify`, `--disk-usage`, `--fields`: what the files of a journal are, not what they say.
//!
//! ```text
//! File path: /var/log/journal/1111/system.journal
//! State: ONLINE
//! Tail realtime timestamp: Sun 2020-06-14 13:16:13 UTC (5a80b1d494140)
//! FAIL: /var/log/journal/1111/user-1000.journal (Bad message)
//! Archived and active journals take up 1.2G in the file system.
//! ```
//!
//! One row a file; of `--disk-usage` one with the sum. The names of fields are known and say nothing, and what
//! `journalctl -F FIELD` prints are bare values that nobody can know for what they are. Skipped: hash tables, object
//! counts, sealing. Units: bytes. Time: the last entry's, in microseconds between parentheses.
//!
//! Source: `journal_file_print_header` in src/libsystemd/sd-journal/journal-file.c, src/journal/journalctl*.c of systemd.

use timeline::{MemberRecords, Row, Stamp, Value, relation};

use crate::state::{State, bytes_of};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "journal-files",
    produced_by: "journalctl --header, journalctl --verify, journalctl --disk-usage, journalctl --fields",
    samples: &[
        concat!(
            "File path: /var/log/journal/1111/system.journal\nFile ID: 2c3d\nMachine ID: 1111\nBoot ID: 0f1e2d3c4b5a69788796a5b4c3d2e1f0\n",
            "State: ONLINE\nCompatible flags:\nHead realtime timestamp: Sun 2020-06-14 13:14:31 UTC (5a80b1734dbc0)\n",
            "Tail realtime timestamp: Sun 2020-06-14 13:16:13 UTC (5a80b1d494140)\nObjects: 442\nEntry objects: 57\nDisk usage: 8.0M\n",
        ),
        concat!(
            "1c9e50: Invalid hash (d4b53fbc3c1b4b6d vs. 21b8bfc9d7c0e9a6)\n",
            "File corruption detected at /var/log/journal/1111/user-1000.journal:1c9e50 (of 8388608 bytes, 22%).\n",
            "FAIL: /var/log/journal/1111/user-1000.journal (Bad message)\nPASS: /var/log/journal/1111/system.journal\n",
        ),
        "Archived and active journals take up 1.2G in the file system.\n",
        "_BOOT_ID\nMESSAGE\n_HOSTNAME\nPRIORITY\n_PID\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Keys of a header, in lower case: they were written in capitals once.
const KEYS: [&str; 35] = [
    "file path", "file id", "machine id", "boot id", "tail entry boot id", "sequential number id", "state",
    "compatible flags", "incompatible flags", "header size", "arena size", "data hash table size",
    "field hash table size", "rotate suggested", "head sequential number", "tail sequential number",
    "head realtime timestamp", "tail realtime timestamp", "tail monotonic timestamp", "objects", "entry objects",
    "data objects", "data hash table fill", "field objects", "field hash table fill", "tag objects",
    "entry array objects", "deepest field hash chain", "deepest data hash chain", "disk usage", "data hash chain depth",
    "field hash chain depth", "file size", "used", "sealed",
];

/// `State: ONLINE`: the key in lower case, and the value.
fn header(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.split_once(':')?;
    let key = key.to_ascii_lowercase();
    KEYS.contains(&key.as_str()).then(|| (key, value.trim()))
}

/// `PASS: /path`, `FAIL: /path (Bad message)`
fn verdict(line: &str) -> Option<(&str, Option<&str>)> {
    if let Some(path) = line.strip_prefix("PASS: ").filter(|it| is_journal(it)) {
        return Some((path.trim(), None));
    }
    let (path, why) = line.strip_prefix("FAIL: ")?.trim_end().strip_suffix(')')?.rsplit_once(" (")?;
    is_journal(path).then_some((path, Some(why)))
}

fn is_journal(path: &str) -> bool {
    let path = path.trim_end();
    path.starts_with('/') && (path.ends_with(".journal") || path.ends_with(".journal~"))
}

/// What a verification prints of a file that is damaged.
fn complaint(line: &str) -> bool {
    let offset = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_hexdigit());
    line.starts_with("File corruption detected at ") || line.split_once(": ").is_some_and(|(at, what)| offset(at) && !what.is_empty())
}

/// `Archived and active journals take up 1.2G in the file system.`, `Journals take up 1.2G on disk.`
fn usage(line: &str) -> Option<i64> {
    let (who, rest) = line.split_once(" take up ")?;
    matches!(who, "Archived and active journals" | "Journals").then_some(())?;
    bytes_of(rest.split(' ').next()?.trim_end_matches('.'), 1)
}

/// `_SYSTEMD_UNIT`
fn field(line: &str) -> bool {
    let line = line.trim_end();
    let allowed = |it: u8| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_';
    line.len() >= 2 && line.bytes().all(allowed) && line.bytes().any(|it| it.is_ascii_uppercase())
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let lines = || sniff.text.lines().take(200).map(str::trim_end);
    let headed = lines().any(|it| header(it).is_some_and(|(key, _)| key == "file path")) && sniff.share(200, |it| header(it).is_some()) >= 0.9;
    let verified = lines().any(|it| verdict(it).is_some()) && sniff.share(200, |it| verdict(it).is_some() || complaint(it)) >= 0.9;
    let used = lines().any(|it| usage(it).is_some()) && lines().count() <= 3;
    let named = ["MESSAGE", "_BOOT_ID"].iter().all(|name| lines().any(|it| it == *name)) && sniff.share(500, field) > 0.99;
    if headed || verified || used || named { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<(Row, Line<'_>, Stamp)> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let text = line.text.trim_end();
        if let Some((path, damage)) = verdict(text) {
            let row = Row::new(&relation::JOURNAL_FILE).with("path", path).with("intact", damage.is_none()).with("damage", damage);
            state.push(row, line);
            return true;
        }
        if let Some(bytes) = usage(text) {
            state.push(Row::new(&relation::JOURNAL_FILE).with("bytes", bytes), line);
            return true;
        }
        let Some((key, value)) = header(text) else { return complaint(text) || field(text) };
        if key == "file path" {
            let row = Row::new(&relation::JOURNAL_FILE).with("path", value);
            if let Some((row, line, stamp)) = open.replace((row, *line, Stamp::None)) {
                state.push_at(row, &line, stamp);
            }
            return true;
        }
        if let Some((row, _, stamp)) = open.as_mut() {
            let told: Option<(&str, Value)> = match key.as_str() {
                "state" => Some(("state", value.to_ascii_lowercase().into())),
                "boot id" | "tail entry boot id" => Some(("boot_id", value.into())),
                "entry objects" => Some(("entries", value.parse::<i64>().ok().into())),
                "disk usage" => Some(("bytes", bytes_of(value, 1).into())),
                "head realtime timestamp" => Some(("first", value.split(" (").next().into())),
                "tail realtime timestamp" => {
                    *stamp = micros(value).map_or(Stamp::None, Stamp::epoch_micros);
                    Some(("last", value.split(" (").next().into()))
                }
                _ => None,
            };
            if let Some((column, value)) = told {
                *row = std::mem::replace(row, Row::new(&relation::JOURNAL_FILE)).with(column, value);
            }
        }
        true
    });
    if let Some((row, line, stamp)) = open {
        state.push_at(row, &line, stamp);
    }
}

/// `Sun 2020-06-14 13:16:13 UTC (5a80b1d494140)`
fn micros(value: &str) -> Option<i64> {
    let hex = value.rsplit_once('(')?.1.strip_suffix(')')?;
    i64::from_str_radix(hex, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty, sure_rows_of};

    fn rows(text: &str) -> Vec<String> {
        sure_rows_of(&FORMAT, text, "journal.file", ["path", "state", "entries", "bytes", "intact", "damage"])
    }

    #[test]
    fn headers_verdicts_and_sums() {
        assert_eq!(rows(FORMAT.samples[0]), ["/var/log/journal/1111/system.journal online 57 8388608 unknown unknown"]);
        assert_eq!(
            rows(FORMAT.samples[1]),
            [
                "/var/log/journal/1111/user-1000.journal unknown unknown unknown false Bad message",
                "/var/log/journal/1111/system.journal unknown unknown unknown true unknown"
            ]
        );
        assert_eq!(rows("Journals take up 16.0M on disk.\n"), ["unknown unknown unknown 16777216 unknown unknown"]);
        assert!(rows(FORMAT.samples[3]).is_empty());
    }

    #[test]
    fn real_headers_of_four_versions() {
        for version in ["247", "252", "257", "262"] {
            let Some(text) = sample(&format!("journal/synthetic-oracle/journalctl-v{version}/header.txt")) else { return };
            let found = rows(&text);
            assert!(found[0].starts_with("/srv/j/edge-default.journal offline 57 8388608"), "{found:?}");
            let out = read_at(&FORMAT, "x", &text);
            let first = facts(&out, "journal.file").next().expect("a file");
            assert_eq!(first.get("last").to_string(), "Sun 2020-06-14 13:16:13 UTC", "{version}");
            let Some(text) = sample(&format!("journal/synthetic-oracle/journalctl-v{version}/fields.txt")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, "fields.txt", &text), Certainty::Sure, "{version}");
        }
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in [
            "PASS: test one\nFAIL: test two (Bad message)\n",
            "State: running\nBoot ID: 7\n",
            "MESSAGE\nOF THE DAY\n",
            "Archived and active journals take up 1.2G in the file system.\nand more\nand more\nand more\n",
            "HOME\nPATH\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
