//! `/proc/swaps`, `swapon -s`, `swapon --show`: what a node swaps to.
//!
//! ```text
//! Filename                                Type            Size            Used            Priority
//! /dev/sda2                               partition       2097148         13568           -2
//!
//! NAME      TYPE SIZE USED PRIO
//! /dev/sda2 partition   2G  13M   -2
//! ```
//!
//! One row an area; a header alone says that there is none. Units: KiB in /proc/swaps, what is printed behind the number
//! in `swapon --show`, else bytes. Time: none, true when collected.
//!
//! Source: mm/swapfile.c of Linux, `man 8 swapon`.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, begins, bytes_of, first_line, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "swap-areas",
    produced_by: "cat /proc/swaps, swapon -s, swapon --show",
    samples: &[
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/sda2                               partition\t2097148\t\t13568\t\t-2\n",
        "NAME      TYPE      SIZE USED PRIO\n/dev/sda2 partition   2G  13M   -2\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Kernel,
    Swapon,
}

fn header(line: &str) -> Option<Header> {
    if begins(line, &["Filename", "Type", "Size", "Used", "Priority"]) {
        return Some(Header::Kernel);
    }
    begins(line, &["NAME", "TYPE", "SIZE", "USED", "PRIO"]).then_some(Header::Swapon)
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if first_line(sniff.text).and_then(header).is_some() { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut shape = Header::Kernel;
    state.each(|state, line| match header(line.text) {
        Some(it) => {
            shape = it;
            true
        }
        None => area(state, line, shape),
    });
    state.collected(&relation::SWAP);
}

fn area<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>, shape: Header) -> bool {
    // a path may hold blanks, and says so in octal
    let cells: Vec<&str> = words(line.text).collect();
    let [device, kind, size, used, priority, ..] = cells[..] else { return false };
    let unit = if shape == Header::Kernel { 1024 } else { 1 };
    let (Some(size), Some(used)) = (bytes_of(size, unit), bytes_of(used, unit)) else { return false };
    let Ok(priority) = priority.parse::<i64>() else { return false };
    let row = Row::new(&relation::SWAP)
        .with("device", device)
        .with("type", kind)
        .with("bytes", size)
        .with("used_bytes", used)
        .with("priority", priority);
    state.push(row, line);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sniff_certainty, sure_rows_of};

    #[test]
    fn areas_in_both_forms() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "swap", ["device", "type", "bytes", "used_bytes", "priority"]);
        assert_eq!(rows(FORMAT.samples[0]), ["/dev/sda2 partition 2147479552 13893632 -2"]);
        assert_eq!(rows(FORMAT.samples[1]), ["/dev/sda2 partition 2147483648 13631488 -2"]);
        assert_eq!(rows("NAME TYPE SIZE USED PRIO UUID LABEL\n/swap.img file 4294967296 0 -2 a b\n"), ["/swap.img file 4294967296 0 -2"]);
    }

    #[test]
    fn none_is_an_answer() {
        let out = read_at(&FORMAT, "proc/swaps", "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n");
        assert!(out.records.is_empty());
        assert_eq!(out.collected[0].incomplete, None);
        for text in ["Filename Size\n/dev/sda2 7\n", "NAME TYPE\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
