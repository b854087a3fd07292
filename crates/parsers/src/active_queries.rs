//! `queries.active` of Prometheus: what it was working on when it stopped.
//!
//! ```text
//! [{"query":"sum(rate(container_cpu_usage_seconds_total[5m]))","timestamp_sec":1690120800},
//! ```
//!
//! One row a query that had not ended: after a crash the ones that may have been too much for it. A list that is never
//! closed and padded with NULs, where a query has ended blanks stand. Time: seconds since the epoch.
//!
//! Source: `promql/query_logger.go` in prometheus.

use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::json_elements::elements;
use crate::places::Places;
use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "active-queries",
    produced_by: "Prometheus: data/queries.active",
    samples: &[
        "[{\"query\":\"sum(rate(container_cpu_usage_seconds_total[5m]))\",\"timestamp_sec\":1690120800},\u{0}\u{0}\u{0}{\"query\":\"up\",\"timestamp_sec\":1690120801},\u{0}\u{0}\u{0}\u{0}",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let text = sniff.text.trim_start_matches(['[', '\u{0}', ' ', '\n', ',']);
    let opened = sniff.text.starts_with('[') && text.len() < sniff.text.len();
    let query = text.starts_with("{\"query\":\"") && text.contains("\"timestamp_sec\":");
    // nothing was running: a bracket and NULs
    let idle = || text.is_empty() && sniff.file_name() == "queries.active";
    if opened && (query || idle()) { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    let mut state = State::of(input, out);
    let (mut lines, mut understood) = (0, 0);
    for slot in input.text.split('\u{0}').map(|it| it.trim_matches(['[', ',', ' ', '\n'])).filter(|it| !it.is_empty()) {
        // several may stand between NULs; one that was torn is a line not understood
        let Some(start) = slot.find('{') else { continue };
        let slot = &slot[start..];
        let base = state.input.text.as_ptr() as usize;
        let from = slot.as_ptr() as usize - base;
        let wrapped = format!("[{slot}");
        for element in elements(&wrapped) {
            lines += 1;
            let at = element.text.as_ptr() as usize - wrapped.as_ptr() as usize - 1;
            let text = &state.input.text[from + at..from + at + element.text.len()];
            let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { continue };
            let Some(query) = value["query"].as_str() else { continue };
            understood += 1;
            let begun = value["timestamp_sec"].as_i64().and_then(|it| it.checked_mul(1_000_000));
            let row = Row::new(&relation::METRIC_QUERY).with("query", query);
            state.fact(Fact::new(row, None, places.quote(text)), begun.map_or(Stamp::None, Stamp::epoch_micros));
        }
    }
    out.tally.lines += lines;
    out.tally.understood += understood;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty, sure_rows_of};

    #[test]
    fn what_was_running() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "metric.query", ["query"]);
        assert_eq!(rows(FORMAT.samples[0]), ["sum(rate(container_cpu_usage_seconds_total[5m]))", "up"]);
        let two = "[{\"query\":\"a\\\"b\",\"timestamp_sec\":1690120800},{\"query\":\"c\",\"timestamp_sec\":1690120801},   \u{0}";
        assert_eq!(rows(two), ["a\"b", "c"]);
        let idle = "[\u{0}\u{0}\u{0}";
        assert_eq!(sniff_certainty(&FORMAT, "data/queries.active", idle), Certainty::Sure);
        assert_eq!(facts(&read_at(&FORMAT, "data/queries.active", idle), "metric.query").count(), 0);
        // torn by the crash
        let out = read_at(&FORMAT, "x", "[{\"query\":\"a\",\"timestamp_sec\":1690120800},\u{0}{\"query\":\"sum(ra");
        assert_eq!((out.tally.lines, out.tally.understood), (2, 1));
        for text in ["[{\"query\":\"a\"}]", "[]", "{\"query\":\"a\",\"timestamp_sec\":1}"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
