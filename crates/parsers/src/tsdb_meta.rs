//! `meta.json` of a block of Prometheus' storage: what it holds, and from when to when.
//!
//! ```text
//! {"ulid":"01M7XPTMDK4QGE1E70JSFEQPVE","minTime":1795219036695,"maxTime":1795219607767,"stats":{"numSamples":101662},"version":1}
//! ```
//!
//! One row. Skipped: which blocks it was made of, what Thanos adds. Time: milliseconds since the epoch, the end exclusive.
//!
//! Source: `BlockMeta` in tsdb/block.go of prometheus.

use chrono::DateTime;
use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::json_elements::{Documents, entry};
use crate::places::Places;
use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "tsdb-meta",
    produced_by: "Prometheus, Thanos: a block or snapshot",
    samples: &[
        "{\n\t\"ulid\": \"01M7XPTMDK4QGE1E70JSFEQPVE\",\n\t\"minTime\": 1795219036695,\n\t\"maxTime\": 1795219607767,\n\t\"stats\": {\n\t\t\"numSamples\": 101662,\n\t\t\"numSeries\": 973,\n\t\t\"numChunks\": 1916\n\t},\n\t\"compaction\": {\n\t\t\"level\": 1\n\t},\n\t\"version\": 1\n}",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(document) = Documents::of(sniff.text).next() else { return Certainty::No };
    let has = ["ulid", "minTime", "maxTime", "version"].iter().all(|it| entry(document.text, it).is_some());
    if has { Certainty::Sure } else { Certainty::No }
}

/// `2026-11-21 00:06:47 UTC`, of milliseconds.
pub(crate) fn utc(millis: i64) -> Option<String> {
    DateTime::from_timestamp_millis(millis).map(|it| it.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The instant of milliseconds.
pub(crate) fn stamp(millis: Option<i64>) -> Stamp {
    millis.and_then(|it| it.checked_mul(1000)).map_or(Stamp::None, Stamp::epoch_micros)
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    let mut state = State::of(input, out);
    let mut whole = false;
    for document in Documents::of(input.text).take(1) {
        let Ok(meta) = serde_json::from_str::<serde_json::Value>(document.text) else {
            state.issue(1, "the description of the block is cut");
            continue;
        };
        whole = true;
        let (from, to) = (meta["minTime"].as_i64(), meta["maxTime"].as_i64());
        let stat = |key: &str| meta["stats"][key].as_i64();
        let row = Row::new(&relation::TSDB_BLOCK)
            .with("ulid", meta["ulid"].as_str())
            .with("from", from.and_then(utc))
            .with("to", to.and_then(utc))
            .with("samples", stat("numSamples"))
            .with("series", stat("numSeries"))
            .with("chunks", stat("numChunks"))
            .with("tombstones", stat("numTombstones").unwrap_or(0))
            .with("level", meta["compaction"]["level"].as_i64());
        let quote = entry(document.text, "ulid").map_or(document.text, |it| it.pair);
        state.fact(Fact::new(row, None, places.quote(quote)), stamp(to));
    }
    state.each(|_, _| whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sample, sniff_certainty, sure_rows_of};

    #[test]
    fn a_block() {
        let columns = ["ulid", "from", "to", "samples", "series", "chunks", "tombstones", "level"];
        let expected = "01M7XPTMDK4QGE1E70JSFEQPVE 2026-11-20 23:57:16 UTC 2026-11-21 00:06:47 UTC 101662 973 1916 0 1";
        assert_eq!(sure_rows_of(&FORMAT, FORMAT.samples[0], "tsdb.block", columns), [expected]);
        for text in ["{\"ulid\":\"x\",\"version\":1}", "{\"version\":1}", "[1]"] {
            assert_eq!(sniff_certainty(&FORMAT, "meta.json", text), Certainty::No, "{text}");
        }
        let Some(text) = sample("metrics/snapshot-block/01M7XPTMDK4QGE1E70JSFEQPVE/meta.json") else { return };
        assert_eq!(sure_rows_of(&FORMAT, &text, "tsdb.block", columns), [expected]);
    }
}
