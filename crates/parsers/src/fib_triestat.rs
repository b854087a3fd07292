//! `/proc/net/fib_triestat`: how large the routing tables of the kernel are.
//!
//! ```text
//! Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.
//! Main:
//! 	Leaves:         29
//! 	Prefixes:       30
//! ```
//!
//! One row a table and number: leaves and prefixes. Without a list of the routes it tells how many there are. Skipped: the
//! shape of the tree. Units: none. Time: none, true when collected.
//!
//! Source: `fib_triestat_seq_show` in net/ipv4/fib_trie.c of Linux.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, first_line};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "fib-triestat",
    produced_by: "cat /proc/net/fib_triestat",
    samples: &[concat!(
        "Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.\nMain:\n\tAver depth:     4.41\n\tMax depth:      6\n",
        "\tLeaves:         29\n\tPrefixes:       30\n\tInternal nodes: 17\n\t  2: 13  3: 4\n\tPointers: 84\nNull ptrs: 39\nTotal size: 5  kB\n",
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let first = first_line(sniff.text).is_some_and(|it| it.starts_with("Basic info: size of leaf: "));
    if first && sniff.share(100, is_known) >= 0.9 { Certainty::Sure } else { Certainty::No }
}

/// `Main:`, `Local:`, `Id 100:`
fn table(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_suffix(':')?;
    let id = name.strip_prefix("Id ").filter(|it| it.parse::<u32>().is_ok());
    id.or_else(|| (!name.is_empty() && name.bytes().all(|it| it.is_ascii_alphabetic())).then_some(name))
}

fn is_known(line: &str) -> bool {
    let counters = ["Basic info: ", "Null ptrs: ", "Total size: ", "Counters:", "---------", "gets = ", "backtracks = "];
    let more = ["semantic match ", "null node hit= ", "skipped node resize = "];
    line.starts_with('\t') || table(line).is_some() || counters.iter().chain(&more).any(|it| line.starts_with(it))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<String> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(name) = table(line.text) {
            open = Some(name.to_ascii_lowercase());
            return true;
        }
        let told = line.text.trim().split_once(':').filter(|(key, _)| matches!(*key, "Leaves" | "Prefixes"));
        if let (Some((key, value)), Some(table)) = (told, &open) {
            let Ok(value) = value.trim().parse::<i64>() else { return false };
            let row = Row::new(&relation::NET_COUNTER)
                .with("source", "fib-trie")
                .with("dev", table.as_str())
                .with("key", key)
                .with("value", value);
            state.push(row, line);
        }
        is_known(line.text)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sample, sniff_certainty, sure_rows_of};

    fn rows(text: &str) -> Vec<String> {
        sure_rows_of(&FORMAT, text, "net.counter", ["source", "dev", "key", "value"])
    }

    #[test]
    fn tables() {
        assert_eq!(rows(FORMAT.samples[0]), ["fib-trie main Leaves 29", "fib-trie main Prefixes 30"]);
        assert_eq!(sniff_certainty(&FORMAT, "x", "Basic info: size of leaf: 48 bytes\nall is well\nhere\n"), Certainty::No);
    }

    #[test]
    fn real_tables() {
        let Some(text) = sample("network/netstate/proc_net_fib_triestat.txt") else { return };
        let rows = rows(&text);
        assert_eq!(rows.len(), 10);
        assert!(rows.contains(&"fib-trie 100 Prefixes 5".to_owned()) && rows.contains(&"fib-trie local Leaves 12".to_owned()));
    }
}
