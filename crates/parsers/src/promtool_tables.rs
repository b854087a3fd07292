//! `promtool tsdb list`, `promtool tsdb analyze`, `promtool query series`: what a Prometheus holds, without its samples.
//!
//! ```text
//! BLOCK ULID                  MIN TIME       MAX TIME       DURATION     NUM SAMPLES  NUM CHUNKS   NUM SERIES   SIZE
//! 01M7XPTMDK4QGE1E70JSFEQPVE  1795219036695  1795219607767  9m31.072s    101662       1916         973          343071
//! Block ID: 01M7XPTMDK4QGE1E70JSFEQPVE
//! {__name__="up", instance="127.0.0.1:9100", job="node"}
//! ```
//!
//! One row a block. Which labels churn and which metrics have many series is known for what it is and says nothing here, nor
//! do sets of labels without a value; `promtool query labels` prints bare words that nobody can know. Time: milliseconds
//! since the epoch, or with `-r` a date with its zone.
//!
//! Source: `printBlocks`, `analyzeBlock` in cmd/promtool/tsdb.go of prometheus.

use chrono::NaiveDateTime;
use timeline::{MemberRecords, Row, relation};

use crate::container_list::cells;
use crate::exposition::{label_part, labels};
use crate::state::{State, begins, bytes_of, is_number};
use crate::tsdb_meta::{stamp, utc};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "promtool-tables",
    produced_by: "promtool tsdb list, promtool tsdb analyze, promtool query series",
    samples: &[
        concat!(
            "BLOCK ULID                  MIN TIME       MAX TIME       DURATION     NUM SAMPLES  NUM CHUNKS   NUM SERIES   SIZE\n",
            "01M7XPTMDK4QGE1E70JSFEQPVE  1795219036695  1795219607767  9m31.072s    101662       1916         973          343071\n",
        ),
        "Block ID: 01M7XPTMDK4QGE1E70JSFEQPVE\nDuration: 9m31.072s\nSeries: 973\nLabel names: 59\n\nLabel pairs most involved in churning:\n28 job=prometheus\n\nHighest cardinality labels:\n19 le\n",
        "{__name__=\"up\", instance=\"127.0.0.1:9100\", job=\"node\"}\n{__name__=\"up\", instance=\"127.0.0.1:9101\", job=\"cadvisor\"}\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn listed(line: &str) -> bool {
    begins(line, &["BLOCK", "ULID", "MIN", "TIME", "MAX", "TIME"])
}

fn ulid(word: &str) -> bool {
    word.len() == 26 && word.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
}

/// `01M7XPTMDK4QGE1E70JSFEQPVE  1795219036695  1795219607767  9m31.072s    101662 …`: the row, and its end
fn block(line: &str) -> Option<(Row, Option<i64>)> {
    let cells = cells(line);
    let [id, from, to, _, samples, chunks, series, rest @ ..] = &cells[..] else { return None };
    let (from, to) = (millis(from)?, millis(to)?);
    if !ulid(id) || ![samples, chunks, series].iter().all(|it| is_number(it)) {
        return None;
    }
    let row = Row::new(&relation::TSDB_BLOCK)
        .with("ulid", *id)
        .with("from", utc(from))
        .with("to", utc(to))
        .with("samples", samples.parse::<i64>().ok())
        .with("chunks", chunks.parse::<i64>().ok())
        .with("series", series.parse::<i64>().ok())
        .with("bytes", rest.first().and_then(|it| size(it)));
    Some((row, Some(to)))
}

/// `1795219036695`, `2026-11-20 23:57:16 +0000 UTC`
fn millis(cell: &str) -> Option<i64> {
    if is_number(cell) {
        return cell.parse().ok();
    }
    let date = cell.strip_suffix(" +0000 UTC")?;
    NaiveDateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S").ok().map(|it| it.and_utc().timestamp_millis())
}

/// `343071`, and with `-r` one unit after the other: `335KiB31B`
fn size(cell: &str) -> Option<i64> {
    if is_number(cell) {
        return cell.parse().ok();
    }
    let mut sum = (!cell.is_empty()).then_some(0i64)?;
    let mut rest = cell;
    while !rest.is_empty() {
        let unit = rest.find(|it: char| !it.is_ascii_digit())?;
        let end = rest[unit..].find('B').map(|it| unit + it + 1)?;
        sum = sum.checked_add(bytes_of(&rest[..end], 1)?)?;
        rest = &rest[end..];
    }
    Some(sum)
}

/// `Block ID: 01M7…`
fn analysed(line: &str) -> Option<&str> {
    line.strip_prefix("Block ID: ").map(str::trim).filter(|it| ulid(it))
}

/// `28 job=prometheus`, `Series: 973`, `Highest cardinality labels:`
fn analysis(line: &str) -> bool {
    let count = line.split_once(' ').is_some_and(|(count, what)| is_number(count) && !what.trim().is_empty());
    let keys = ["Block ID", "Block path", "Duration", "Total Series", "Series", "Label names", "Postings"];
    count || line.trim_end().ends_with(':') || keys.iter().any(|it| line.starts_with(it) && line.contains(": "))
}

/// `{__name__="up", job="node"}`, or the same as JSON
fn label_set(line: &str) -> bool {
    if line.starts_with("{\"__name__\":\"") {
        return line.trim_end().ends_with('}') && serde_json::from_str::<std::collections::BTreeMap<String, String>>(line).is_ok();
    }
    line.starts_with('{')
        && line.contains("__name__=\"")
        && label_part(line).is_some_and(|(part, rest)| labels(part).is_some() && rest.trim().is_empty())
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let Some(first) = lines.next() else { return Certainty::No };
    let known = match () {
        () if listed(first) => sniff.share(100, |it| listed(it) || block(it).is_some()) >= 0.9,
        () if first.starts_with("Block ") => sniff.text.lines().any(|it| analysed(it).is_some()) && sniff.share(200, analysis) >= 0.9,
        () => label_set(first) && sniff.share(100, label_set) >= 0.95,
    };
    if known { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut block_id: Option<&str> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some((row, to)) = block(line.text) {
            state.push_at(row, line, stamp(to));
            return true;
        }
        block_id = analysed(line.text).or(block_id);
        let series = line.text.strip_prefix("Series: ").or_else(|| line.text.strip_prefix("Total Series: "));
        if let (Some(id), Some(series)) = (block_id, series.and_then(|it| it.trim().parse::<i64>().ok())) {
            state.push(Row::new(&relation::TSDB_BLOCK).with("ulid", id).with("series", series), line);
            return true;
        }
        listed(line.text) || block_id.is_some() && analysis(line.text) || label_set(line.text)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sample, sniff_certainty, sure_rows_of};

    fn rows(text: &str) -> Vec<String> {
        sure_rows_of(&FORMAT, text, "tsdb.block", ["ulid", "to", "samples", "chunks", "series", "bytes"])
    }

    #[test]
    fn blocks() {
        let row = "01M7XPTMDK4QGE1E70JSFEQPVE 2026-11-21 00:06:47 UTC 101662 1916 973 343071";
        assert_eq!(rows(FORMAT.samples[0]), [row]);
        assert_eq!(rows(FORMAT.samples[1]), ["01M7XPTMDK4QGE1E70JSFEQPVE unknown unknown unknown 973 unknown"]);
        assert!(rows(FORMAT.samples[2]).is_empty());
        assert!(rows("{\"__name__\":\"up\",\"job\":\"node\"}\n").is_empty());
        for name in ["tsdb_list.txt", "tsdb_list_human.txt"] {
            let Some(text) = sample(&format!("metrics/promtool/{name}")) else { return };
            assert_eq!(rows(&text), [row], "{name}");
        }
        let Some(text) = sample("metrics/promtool/tsdb_analyze.txt") else { return };
        assert_eq!(rows(&text).len(), 1);
        let Some(text) = sample("metrics/promtool/query_series.txt") else { return };
        assert!(rows(&text).is_empty());
    }

    #[test]
    fn sizes_in_several_units() {
        assert_eq!(size("335KiB31B"), Some(343_071));
        for cell in ["", "KiB", "3x", "12"] {
            assert_eq!(size(cell), cell.parse().ok(), "{cell}");
        }
    }

    #[test]
    fn others_are_left_alone() {
        for text in [
            "{__name__=\"up\", job=\"node\"} 1 1690120800123\n",
            "{\"__name__\":\"up\",\"values\":[1]}\n",
            "Block ID: none\nof the flats\n",
            "BLOCK ULID MIN TIME MAX TIME\nnothing\nhere\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
