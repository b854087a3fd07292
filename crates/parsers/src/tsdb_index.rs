//! `index` of a block of Prometheus' storage: which series it has and where their chunks stand.
//!
//! ```text
//! BA AA D7 00 02 …
//! ```
//!
//! Joined with the files under `chunks/` once all members are read; see `metric_block`. Units and time: none of its own.
//!
//! Source: prometheus/tsdb/docs/format/index.md.

use timeline::{BlockPart, MemberRecords};

use crate::metric_block::{INDEX_MAGIC, index};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "tsdb-index",
    produced_by: "Prometheus, Thanos: a block or snapshot",
    samples: &[],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.bytes.starts_with(&INDEX_MAGIC) { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let Some((all, whole)) = index(input.bytes) else {
        out.issue(input.origin.member, 0, "an index that cannot be read");
        return;
    };
    out.tally.lines += all.len() as u64 + u64::from(!whole);
    out.tally.understood += all.len() as u64;
    if !whole {
        out.issue(input.origin.member, 0, "the index is damaged or too large: not all series are read");
    }
    out.part = Some(BlockPart::Index(all));
}
