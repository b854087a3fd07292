//! `chunks/000001` of a block of Prometheus' storage: the samples.
//!
//! ```text
//! 85 BD 40 DD 01 …
//! ```
//!
//! Joined with the `index` once all members are read; see `metric_block`. Skipped: native histograms. Time: milliseconds.
//!
//! Source: prometheus/tsdb/docs/format/chunks.md.

use timeline::{BlockPart, MemberRecords};

use crate::metric_block::{CHUNKS_MAGIC, chunks};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "tsdb-chunks",
    produced_by: "Prometheus, Thanos: a block or snapshot",
    samples: &[],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.bytes.starts_with(&CHUNKS_MAGIC) { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let Some(read) = chunks(input.bytes) else {
        out.issue(input.origin.member, 0, "chunks of a version that is not read");
        return;
    };
    let others = u64::from(read.others);
    out.tally.lines += read.chunks.len() as u64 + others + u64::from(!read.whole);
    out.tally.understood += read.chunks.len() as u64;
    if others > 0 {
        out.issue(input.origin.member, 0, format!("{others} chunks of native histograms are not read"));
    }
    if !read.whole {
        out.issue(input.origin.member, 0, "the file is damaged or too large: not all chunks are read");
    }
    out.part = Some(BlockPart::Chunks(read.chunks));
}
