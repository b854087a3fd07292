//! `/proc/slabinfo`, `slabtop -o`: the caches of the kernel's slab allocator.
//!
//! ```text
//! slabinfo - version: 2.1
//! # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables …
//! dentry             41811  42210    192   21    1 : tunables    0    0    0 : slabdata   2010   2010      0
//! ```
//!
//! One row a cache that has objects. The memory of a cache is its slabs times the pages of one; pages are taken for 4 KiB.
//! Time: none.
//!
//! Source: `man 5 slabinfo`, `man 1 slabtop`.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, bytes_of, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "slabinfo",
    produced_by: "cat /proc/slabinfo, slabtop -o",
    samples: &[
        concat!(
            "slabinfo - version: 2.1\n",
            "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n",
            "dentry             41811  42210    192   21    1 : tunables    0    0    0 : slabdata   2010   2010      0\n",
            "unused                 0      0     64   64    1 : tunables    0    0    0 : slabdata      0      0      0\n",
        ),
        concat!(
            " Active / Total Objects (% used)    : 1096341 / 1140041 (96.2%)\n",
            " Active / Total Slabs (% used)      : 39101 / 39101 (100.0%)\n",
            " Minimum / Average / Maximum Object : 0.01K / 0.24K / 8.00K\n\n",
            "  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME                   \n",
            "282555 280118  99%    0.10K   7245       39     28980K buffer_head            \n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

const PAGE_BYTES: i64 = 4096;

/// A cache as a line shows it.
struct Cache<'t> {
    name: &'t str,
    active: i64,
    objects: i64,
    object_bytes: i64,
    bytes: i64,
}

/// `dentry             41811  42210    192   21    1 : tunables    0    0    0 : slabdata   2010   2010      0`
fn slab(line: &str) -> Option<Cache<'_>> {
    let mut parts = line.split(" : ");
    let (head, _, data) = (parts.next()?, parts.next()?.trim_start().strip_prefix("tunables")?, parts.next()?);
    let mut cells = words(head);
    let name = cells.next()?;
    let mut number = || cells.next()?.parse::<i64>().ok();
    let (active, objects, object_bytes, _, pages) = (number()?, number()?, number()?, number()?, number()?);
    let slabs: i64 = words(data.trim_start().strip_prefix("slabdata")?).nth(1)?.parse().ok()?;
    let bytes = slabs.checked_mul(pages)?.checked_mul(PAGE_BYTES)?;
    Some(Cache { name, active, objects, object_bytes, bytes })
}

/// `282555 280118  99%    0.10K   7245       39     28980K buffer_head`
fn top(line: &str) -> Option<Cache<'_>> {
    let cells: Vec<&str> = words(line).collect();
    let [objects, active, _, size, _, _, bytes, name] = cells[..] else { return None };
    Some(Cache {
        name,
        active: active.parse().ok()?,
        objects: objects.parse().ok()?,
        object_bytes: bytes_of(size, 1)?,
        bytes: bytes_of(bytes, 1)?,
    })
}

fn legend(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("slabinfo - version")
        || line.starts_with("# name")
        || line.starts_with("OBJS ACTIVE")
        || line.starts_with("Active / Total ")
        || line.starts_with("Minimum / Average / Maximum Object")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let marked = sniff.text.lines().take(3).any(|it| it.starts_with("slabinfo - version: ") || it.starts_with(" Active / Total Objects"));
    if marked { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let Some(cache) = slab(line.text).or_else(|| top(line.text)) else { return legend(line.text) };
        if cache.objects > 0 {
            let row = Row::new(&relation::SLAB)
                .with("name", cache.name)
                .with("active", cache.active)
                .with("objects", cache.objects)
                .with("object_bytes", cache.object_bytes)
                .with("bytes", cache.bytes);
            state.push(row, line);
        }
        true
    });
    state.collected(&relation::SLAB);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample};

    #[test]
    fn caches_and_their_memory() {
        let rows = |text: &str| -> Vec<String> {
            let out = read_at(&FORMAT, "x", text);
            assert_eq!(out.tally.lines, out.tally.understood);
            facts(&out, "slab")
                .map(|it| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
                .collect()
        };
        assert_eq!(rows(FORMAT.samples[0]), ["dentry 41811 42210 192 8232960"]);
        assert_eq!(rows(FORMAT.samples[1]), ["buffer_head 280118 282555 102 29675520"]);
        let Some(text) = sample("kubernetes/host/proc_slabinfo.txt") else { return };
        assert!(rows(&text).len() > 50);
    }
}
