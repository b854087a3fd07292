//! `/proc/zoneinfo` and `/proc/pagetypeinfo`: the zones of memory, what is free in them and in pieces of which size.
//!
//! ```text
//! Node 0, zone   Normal
//!   pages free     12012
//!         min      11264
//!         low      14080
//!         high     16896
//!         managed  979144
//!
//! Page block order: 9
//! Free pages count per migrate type at order       0      1      2 …
//! Node    0, zone   Normal, type      Movable      0    225    183 …
//! ```
//!
//! A row of `memory.zone` a zone of zoneinfo; of pagetypeinfo rows of `buddyinfo`, its kinds of pages added up, as
//! `/proc/buddyinfo` says it. Skipped: statistics, processors, kinds of pages. Units: pages, of the machine's size.
//! Time: none, true when collected.
//!
//! Source: mm/vmstat.c of Linux (`zoneinfo_show_print`, `pagetypeinfo_showfree_print`).

use std::collections::BTreeMap;

use timeline::{Fact, MemberRecords, Quote, Row, Stamp, relation};

use crate::state::{State, first_line, is_number, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "memory-zones",
    produced_by: "cat /proc/zoneinfo /proc/pagetypeinfo",
    samples: &[
        concat!(
            "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 72\n  pages free     3962\n        min      67\n        low      83\n",
            "        high     99\n        spanned  4095\n        present  3998\n        managed  3977\n        protection: (0, 1910, 3916)\n",
            "      nr_free_pages 3962\n  pagesets\n    cpu: 0\n              count: 0\n              high:  0\n  node_unreclaimable:  0\n  start_pfn:           1\n",
            "Node 0, zone   Normal\n  pages free     9012\n        min      11264\n        low      14080\n        high     16896\n        managed  979144\n",
        ),
        concat!(
            "Page block order: 9\nPages per block:  512\n\n",
            "Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10 \n",
            "Node    0, zone   Normal, type    Unmovable     53     12     14      4     10      3      4      1      0      0      0 \n",
            "Node    0, zone   Normal, type      Movable      0    225    183    143     73     53      7      3      1      0      0 \n\n",
            "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic \nNode 0, zone   Normal           95          829            7            1 \n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zones,
    PageTypes,
}

fn kind(text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    if zone(first).is_some() {
        let free = text.lines().take(200).any(|it| it.starts_with("  pages free "));
        return free.then_some(Kind::Zones);
    }
    first.starts_with("Page block order: ").then_some(Kind::PageTypes)
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

/// `Node 0, zone   Normal`: `0/Normal`
fn zone(line: &str) -> Option<String> {
    let (node, rest) = line.trim_end().strip_prefix("Node ")?.split_once(", zone ")?;
    let name = rest.trim();
    let fits = is_number(node.trim()) && !name.is_empty() && !name.contains(' ');
    fits.then(|| format!("{}/{name}", node.trim()))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    match kind(input.text) {
        Some(Kind::Zones) => {
            zones(&mut state);
            state.collected(&relation::MEMORY_ZONE);
        }
        Some(Kind::PageTypes) => {
            page_types(&mut state);
            state.collected(&relation::BUDDYINFO);
        }
        None => {}
    }
}

fn zones<'t>(state: &mut State<'_, 't, '_>) {
    let mut current: Option<(Row, Line<'t>)> = None;
    // a zone that nothing is in has no marks
    let push = |it: Option<(Row, Line<'t>)>, state: &mut State<'_, 't, '_>| {
        if let Some((row, line)) = it.filter(|it| it.0.get("free_pages").is_some()) {
            state.push(row, &line);
        }
    };
    // marks stand between the free pages and the statistics: `high:` of a processor is another
    let mut marks = false;
    state.each(|state, line| {
        if let Some(name) = zone(line.text) {
            push(current.take(), state);
            current = Some((Row::new(&relation::MEMORY_ZONE).with("zone", name), *line));
            marks = false;
            return true;
        }
        let mut cells = words(line.text.trim_start().strip_prefix("pages ").unwrap_or(line.text));
        let (key, value) = (cells.next().unwrap_or_default(), cells.next().and_then(|it| it.parse::<i64>().ok()));
        marks = match key {
            "free" => line.text.trim_start().starts_with("pages free"),
            _ => marks && !key.starts_with("nr_") && key != "protection:",
        };
        let column = match key {
            "free" => "free_pages",
            "min" => "min_pages",
            "low" => "low_pages",
            "high" => "high_pages",
            "managed" => "managed_pages",
            _ => return line.text.starts_with(' '),
        };
        if let (true, Some((row, of)), Some(value)) = (marks, current.take(), value) {
            let of = if key == "free" { *line } else { of };
            current = Some((row.with(column, value), of));
        }
        true
    });
    push(current, state);
}

/// `Node    0, zone   Normal, type      Movable      0    225    183`; what is too many to count is printed `>100000`
fn free_blocks(line: &str) -> Option<(String, Vec<i64>)> {
    let (node, rest) = line.strip_prefix("Node ")?.split_once(", zone ")?;
    let (zone, rest) = rest.split_once(", type ")?;
    let mut cells = words(rest);
    cells.next()?;
    let blocks: Option<Vec<i64>> = cells.map(|it| it.trim_start_matches('>').parse().ok()).collect();
    let blocks = blocks.filter(|it| it.len() >= 8)?;
    is_number(node.trim()).then(|| (format!("{}/{}", node.trim(), zone.trim()), blocks))
}

fn page_types(state: &mut State<'_, '_, '_>) {
    let mut zones: BTreeMap<String, (Vec<i64>, Vec<Quote>)> = BTreeMap::new();
    state.each(|state, line| {
        let Some((zone, blocks)) = free_blocks(line.text) else {
            let known = ["Page", "Pages", "Free pages count", "Number of", "Node"];
            return known.iter().any(|it| line.text.starts_with(it));
        };
        let (sums, quotes) = zones.entry(zone).or_default();
        sums.resize(sums.len().max(blocks.len()), 0);
        sums.iter_mut().zip(blocks).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        quotes.push(state.input.origin.quote(line));
        true
    });
    for (zone, (sums, quotes)) in zones {
        for (order, blocks) in (0_i64..).zip(sums) {
            let row = Row::new(&relation::BUDDYINFO).with("zone", zone.as_str()).with("order", order).with("blocks", blocks);
            let Some(first) = quotes.first().cloned() else { continue };
            let mut fact = Fact::new(row, state.input.origin.node.clone(), first);
            fact.quotes.extend(quotes.iter().skip(1).take(5).cloned());
            state.fact(fact, Stamp::None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty, sure_rows_of};

    #[test]
    fn zones_and_their_marks() {
        let columns = ["zone", "free_pages", "min_pages", "low_pages", "high_pages", "managed_pages"];
        assert_eq!(
            sure_rows_of(&FORMAT, FORMAT.samples[0], "memory.zone", columns),
            ["0/DMA 3962 67 83 99 3977", "0/Normal 9012 11264 14080 16896 979144"],
        );
        let out = read_at(&FORMAT, "x", FORMAT.samples[0]);
        let quotes: Vec<&str> = facts(&out, "memory.zone").map(|it| &*it.quotes[0].text).collect();
        assert_eq!(quotes, ["  pages free     3962", "  pages free     9012"]);
    }

    #[test]
    fn kinds_of_pages_add_up_to_buddyinfo() {
        let rows = sure_rows_of(&FORMAT, FORMAT.samples[1], "buddyinfo", ["zone", "order", "blocks"]);
        assert_eq!((rows.len(), &*rows[0], &*rows[1], &*rows[10]), (11, "0/Normal 0 53", "0/Normal 1 237", "0/Normal 10 0"));
        let many = FORMAT.samples[1].replace("225", ">100000");
        let rows = sure_rows_of(&FORMAT, &many, "buddyinfo", ["order", "blocks"]);
        assert_eq!(rows[1], "1 100012");
    }

    #[test]
    fn others_are_left_alone() {
        for text in ["Node 0, zone   Normal     17    203    102     17     21      4      7     10      8      0      0\n", "Node 0, zone Normal\n", "pages free 7\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
        let Some(text) = sample("kubernetes/host/proc_buddyinfo.txt") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "proc_buddyinfo.txt", &text), Certainty::No);
    }
}
