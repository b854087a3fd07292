//! What Grafana hands out of a panel: "Download CSV", and the answers of `/api/ds/query`.
//!
//! ```text
//! "Time","calico-node-7hx2k","consumer-5f7c9d8b9-lm4zn"
//! 1795219038000,13,
//! Series;Time;Value                                            up to Grafana 6, series as rows
//! up;2019-07-23T22:00:14+02:00;1
//! {"results":{"A":{"frames":[{"schema":{"fields":[{"name":"Time","type":"time"},{"name":"Value","labels":{…}}]},
//! ```
//!
//! One series a column, an empty cell is no value. A legend that is a selector (`up{job="node"}`) gives name and labels;
//! any other stands in a label `legend` of a series without a name. Separators are the browser's; values may carry units
//! (`46.2 K`, `1.54 GiB`, `99.1%`). Time: milliseconds, wall clock with its offset, or wall clock of the viewer, whose zone is
//! not printed: it is read as UTC, and that is an issue of the file.
//!
//! Source: grafana's packages/grafana-data toCSV and data frame JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime};
use timeline::{MemberRecords, Name, Record};

use crate::exposition::{Builder, Labelled, labels};
use crate::json_elements::{Documents, elements, entries, entry};
use crate::places::Places;
use crate::state::first_line;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "grafana",
    produced_by: "Grafana: Inspect, Data, Download CSV; /api/ds/query",
    samples: &[
        "\"Time\",\"calico-node-7hx2k\",\"up{job=\"\"node\"\"}\"\n1795219038000,13,\n1795219068000,13.5,4\n",
        "sep=;\n\"Time\";\"threads\"\n2026-11-20 23:57:18;1.5 K\n2026-11-20 23:57:48;99.1\n",
        "Series;Time;Value\nup{job=\"node\"};2019-07-23T22:00:14+02:00;1\nthreads;2019-07-23T22:00:14+02:00;812\nup{job=\"node\"};2019-07-23T22:00:29+02:00;0\n",
        "{\"results\":{\"A\":{\"status\":200,\"frames\":[{\"schema\":{\"fields\":[{\"name\":\"Time\",\"type\":\"time\"},{\"name\":\"Value\",\"type\":\"number\",\"labels\":{\"__name__\":\"up\",\"job\":\"node\"}}]},\"data\":{\"values\":[[1795219038000,1795219068000],[1,0]]}}]}}}\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Bytes of a table times its columns: each series keeps the text it stands in.
const MOST_BYTES: usize = 256 << 20;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let text = sniff.text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        let frames = Documents::of(text).next().and_then(|it| entry(it.text, "results"));
        let framed = |it: &str| entry(it, "frames").is_some();
        let known = frames.is_some_and(|it| entries(it.value).take(3).any(|it| framed(it.value)));
        return if known { Certainty::Sure } else { Certainty::No };
    }
    let mut lines = text.lines().filter(|it| !it.trim().is_empty() && !it.starts_with("sep="));
    let Some(head) = lines.next() else { return Certainty::No };
    let Some((separator, layout)) = header(head) else { return Certainty::No };
    let first = lines.next().map(|it| cells(it, separator));
    let timed = first.as_ref().map(|it| it.get(layout.time()).and_then(|(cell, _)| millis(cell)).is_some());
    // without its quotes a line is one of many that begin so
    let quoted = head.trim_start_matches('\u{feff}').starts_with('"');
    if timed.unwrap_or(quoted) { Certainty::Sure } else { Certainty::No }
}

/// How a table is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `"Time","a","b"`: a series a column.
    Columns,
    /// `Series;Time;Value`: a point a row.
    Rows,
}

/// The separator of a table, and how it is laid out, by its first line.
fn header(line: &str) -> Option<(char, Layout)> {
    let line = line.trim_start_matches('\u{feff}').trim_end();
    let rows = ["Series;Time;Value", "\"Series\";\"Time\";\"Value\"", "\"Series\",\"Time\",\"Value\""];
    if rows.contains(&line) {
        return Some((if line.contains(';') { ';' } else { ',' }, Layout::Rows));
    }
    if line.starts_with("Time;") {
        return Some((';', Layout::Columns));
    }
    let separator = line.strip_prefix("\"Time\"")?.chars().next()?;
    matches!(separator, ',' | ';' | '\t' | '|').then_some((separator, Layout::Columns))
}

impl Layout {
    /// Which cell of a row is its time.
    fn time(self) -> usize {
        usize::from(self == Layout::Rows)
    }
}

/// The cells of a line, unquoted, each with its place in the line.
fn cells(line: &str, separator: char) -> Vec<(String, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let (mut start, mut cell, mut quoted) = (0, String::new(), false);
    let mut chars = line.char_indices().peekable();
    while let Some((at, it)) = chars.next() {
        match it {
            '"' if quoted && chars.next_if(|(_, it)| *it == '"').is_some() => cell.push('"'),
            // within a cell that did not begin with one it stands for itself
            '"' if quoted || at == start => quoted = !quoted,
            it if it == separator && !quoted => {
                found.push((std::mem::take(&mut cell), start..at));
                start = at + it.len_utf8();
            }
            it => cell.push(it),
        }
    }
    found.push((cell, start..line.len()));
    found
}

/// `1795219038000`, `2026-11-20 23:57:18`: milliseconds, the second as if it were UTC.
fn millis(cell: &str) -> Option<i64> {
    if let Ok(number) = cell.parse::<i64>() {
        // seconds would be older than Grafana
        return (number > 100_000_000_000).then_some(number);
    }
    let offset = DateTime::parse_from_rfc3339(cell).ok().map(|it| it.timestamp_millis());
    offset.or_else(|| wall(cell).map(|it| it.and_utc().timestamp_millis()))
}

fn wall(cell: &str) -> Option<NaiveDateTime> {
    let forms = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f"];
    forms.iter().find_map(|it| NaiveDateTime::parse_from_str(cell, it).ok())
}

/// `46.2 K`, `1.54 GiB`, `99.1%`, `3.2 Mil`
fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    if let Ok(plain) = cell.parse::<f64>() {
        return Some(plain);
    }
    let end = cell.find(|it: char| !it.is_ascii_digit() && !matches!(it, '.' | '-' | '+'))?;
    let value: f64 = cell[..end].parse().ok()?;
    let unit = cell[end..].trim();
    let scale = match unit {
        "%" | "s" | "B" | "b" | "" => 1.0,
        "K" | "k" | "kB" | "KB" => 1e3,
        "M" | "Mil" | "MB" => 1e6,
        "G" | "Bil" | "GB" => 1e9,
        "T" | "Tri" | "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        "TiB" => 1_099_511_627_776.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        "min" | "mins" => 60.0,
        "hour" | "hours" => 3600.0,
        "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some(value * scale)
}

/// A legend as name and labels.
fn labelled(legend: &str) -> Labelled {
    if let Some(found) = labels(legend).filter(|_| legend.contains('{')) {
        return found;
    }
    (Name::from(""), vec![("legend".into(), legend.into())])
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    if first_line(input.text).is_some_and(|it| it.trim_start_matches('\u{feff}').trim_start().starts_with('{')) {
        frames(input, out);
    } else {
        table(input, out);
    }
}

/// A table, and how far it goes.
struct Table {
    separator: char,
    layout: Layout,
    builders: Vec<(Builder, bool)>,
    /// Where the builder of a series stands, by its legend: of tables of rows.
    legends: BTreeMap<String, usize>,
    start: usize,
    end: usize,
}

fn table(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<Table> = None;
    let (mut viewer, mut head) = (false, (0, 0));
    for line in input.lines() {
        if line.text.trim().is_empty() {
            close(input, open.take(), out);
            continue;
        }
        out.tally.lines += 1;
        let start = line.start as usize;
        let end = start + line.text.len();
        if line.text.trim_start_matches('\u{feff}').starts_with("sep=") {
            out.tally.understood += 1;
            continue;
        }
        if let Some((separator, layout)) = header(line.text) {
            close(input, open.take(), out);
            out.tally.understood += 1;
            let legends = cells(line.text.trim_start_matches('\u{feff}'), separator);
            let new = |legend: &str| (Builder::new(labelled(legend), input.origin.member, line.start, line.number), false);
            let builders = match layout {
                Layout::Columns => legends.iter().skip(1).map(|(legend, _)| new(legend)).collect(),
                Layout::Rows => Vec::new(),
            };
            open = Some(Table { separator, layout, builders, legends: BTreeMap::new(), start, end });
            head = (line.start, line.number);
            continue;
        }
        let Some(table) = &mut open else {
            out.tally.odd_bytes += line.text.len() as u64;
            continue;
        };
        let row = cells(line.text, table.separator);
        let time = row.get(table.layout.time()).map_or("", |(cell, _)| cell);
        let Some(at) = millis(time) else {
            out.tally.odd_bytes += line.text.len() as u64;
            continue;
        };
        if !viewer && wall(time).is_some() {
            viewer = true;
            out.issue(input.origin.member, line.number, "times are in the zone of whoever looked, which is not printed: read as UTC");
        }
        let first = match table.layout {
            Layout::Columns => 0,
            Layout::Rows => {
                let legend = row[0].0.as_str();
                let known = table.legends.get(legend).copied();
                known.unwrap_or_else(|| {
                    table.builders.push((Builder::new(labelled(legend), input.origin.member, head.0, head.1), false));
                    table.legends.insert(legend.to_owned(), table.builders.len() - 1);
                    table.builders.len() - 1
                })
            }
        };
        let mut good = true;
        let values = row.iter().skip(1 + table.layout.time());
        for ((cell, place), (builder, any)) in values.zip(&mut table.builders[first..]) {
            if cell.trim().is_empty() {
                continue;
            }
            match number(cell) {
                // the place of a value includes its quotes
                Some(value) => {
                    builder.add(at, value, start + place.start - table.start, place.len());
                    *any = true;
                }
                None => good = false,
            }
        }
        table.end = end;
        if good {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
    }
    close(input, open, out);
}

fn close(input: &Input<'_>, table: Option<Table>, out: &mut MemberRecords) {
    let Some(table) = table else { return };
    let Some(text) = input.text.get(table.start..table.end) else { return };
    let most = (MOST_BYTES / text.len().max(1)).max(1);
    if table.builders.len() > most {
        out.issue(input.origin.member, 0, format!("only the first {most} columns of a large table are read"));
    }
    let shared: std::sync::Arc<str> = text.into();
    for (builder, any) in table.builders.into_iter().take(most) {
        if any {
            let mut series = builder.finish(None, || shared.clone(), 0);
            series.stale.clear();
            out.records.push(Record::Series(Box::new(series)));
        }
    }
}

fn frames(input: &Input<'_>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    for document in Documents::of(input.text) {
        let results = entry(document.text, "results").map_or("", |it| it.value);
        for result in entries(results) {
            for frame in entry(result.value, "frames").into_iter().flat_map(|it| elements(it.value)) {
                out.tally.lines += 1;
                if read_frame(frame.text, &mut places, input, out).is_some() {
                    out.tally.understood += 1;
                } else {
                    out.tally.odd_bytes += frame.text.len() as u64;
                }
            }
        }
    }
}

fn read_frame<'t>(frame: &'t str, places: &mut Places<'t>, input: &Input<'t>, out: &mut MemberRecords) -> Option<()> {
    let schema = entry(frame, "schema")?.value;
    let fields: Vec<&str> = elements(entry(schema, "fields")?.value).map(|it| it.text).collect();
    let kind = |field: &str| entry(field, "type").map(|it| it.value.trim_matches('"').to_owned()).unwrap_or_default();
    let data = entry(frame, "data")?.value;
    let values: Vec<&str> = elements(entry(data, "values")?.value).map(|it| it.text).collect();
    let special: Vec<&str> = entry(data, "entities").into_iter().flat_map(|it| elements(it.value)).map(|it| it.text).collect();
    let time = fields.iter().position(|it| kind(it) == "time")?;
    let (start, line) = (places.start(frame), places.line(frame));
    for (at, field) in fields.iter().enumerate().filter(|(at, it)| *at != time && kind(it) == "number") {
        let labels: BTreeMap<String, String> =
            entry(field, "labels").and_then(|it| serde_json::from_str(it.value).ok()).unwrap_or_default();
        let mut labels = labels;
        let metric = labels.remove("__name__").unwrap_or_default();
        if metric.is_empty() && labels.is_empty() {
            let name = entry(schema, "name").map_or("", |it| it.value).trim_matches('"');
            labels.insert("legend".to_owned(), name.to_owned());
        }
        let labels = labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let mut builder = Builder::new((metric.into(), labels), input.origin.member, start as u64, line);
        let infinite = |key: &str| -> Vec<usize> {
            let found = special.get(at).and_then(|it| entry(it, key));
            found.into_iter().flat_map(|it| elements(it.value)).filter_map(|it| it.text.parse().ok()).collect()
        };
        let (up, down) = (infinite("Inf"), infinite("NegInf"));
        let cells = elements(values.get(at)?).zip(elements(values.get(time)?));
        for (index, (cell, stamp)) in cells.enumerate() {
            let value = match cell.text {
                "null" if up.contains(&index) => f64::INFINITY,
                "null" if down.contains(&index) => f64::NEG_INFINITY,
                "null" => continue,
                text => text.parse().ok()?,
            };
            let millis = stamp.text.parse::<f64>().ok().filter(|it| it.is_finite() && it.abs() < 1e15)? as i64;
            builder.add(millis, value, places.start(cell.text) - start, cell.text.len());
        }
        let mut series = builder.kept(frame);
        series.stale.clear();
        if !series.points.is_empty() {
            out.records.push(Record::Series(Box::new(series)));
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sample, series, sniff_certainty};

    fn shown(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "x.csv", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        let points = |it: &timeline::Series| {
            let points: Vec<String> = it.points.iter().map(|it| format!("{}={}", it.millis / 1000, it.value)).collect();
            format!("{} {}", it.title(), points.join(" "))
        };
        series(&out).map(points).collect()
    }

    #[test]
    fn columns_are_series() {
        assert_eq!(
            shown(FORMAT.samples[0]),
            ["{legend=\"calico-node-7hx2k\"} 1795219038=13 1795219068=13.5", "up{job=\"node\"} 1795219068=4"]
        );
        assert_eq!(shown(FORMAT.samples[1]), ["{legend=\"threads\"} 1795219038=1500 1795219068=99.1"]);
        assert_eq!(shown(FORMAT.samples[3]), ["up{job=\"node\"} 1795219038=1 1795219068=0"]);
        assert_eq!((number("1.54 GiB"), number("99.1%"), number("n/a")), (Some(1_653_562_408.96), Some(99.1), None));
    }

    #[test]
    fn tables_of_old_versions() {
        let rows = ["up{job=\"node\"} 1563912014=1 1563912029=0", "{legend=\"threads\"} 1563912014=812"];
        assert_eq!(shown(FORMAT.samples[2]), rows);
        let quoted = "\"Series\";\"Time\";\"Value\"\r\n\"a;b\";\"2019-07-23T20:00:14.000Z\";\"1.5\"\r\n\"a;b\";\"2019-07-23T20:00:29.000Z\";\r\n";
        assert_eq!(shown(quoted), ["{legend=\"a;b\"} 1563912014=1.5"]);
        let columns = "sep=;\nTime;a;b\n2019-07-23T22:00:14+02:00;1;\n2019-07-23T22:00:29+02:00;;2\n";
        assert_eq!(shown(columns), ["{legend=\"a\"} 1563912014=1", "{legend=\"b\"} 1563912029=2"]);
        for text in [FORMAT.samples[2], quoted, columns] {
            assert_eq!(sniff_certainty(&FORMAT, "x.csv", text), Certainty::Sure, "{text}");
            let out = crate::testing::read_at(&FORMAT, "x.csv", text);
            assert!(out.issues.is_empty(), "an offset is printed: {:?}", out.issues);
            for record in &out.records {
                let Record::Series(series) = record else { continue };
                for point in series.points.iter() {
                    let quote = series.quote(point.millis);
                    let at = quote.span.start as usize;
                    assert_eq!(&text[at..at + quote.text.len()], &*quote.text);
                    assert_eq!(number(quote.text.trim_matches('"')), Some(point.value), "{quote:?}");
                }
            }
        }
        assert_eq!(sniff_certainty(&FORMAT, "x.csv", "Time;what\nnoon;lunch\n"), Certainty::No);
    }

    #[test]
    fn other_tables_are_not_claimed() {
        for text in ["\"Time\",\"a\"\nnoon,1\n", "Time,a\n1,2\n", "{\"results\":[]}\n", "\"Time\"\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x.csv", text), Certainty::No, "{text}");
        }
    }

    /// One panel, handed out four ways.
    #[test]
    fn every_way_out_of_a_panel_says_the_same() {
        let read = |name: &str| {
            let text = sample(&format!("metrics/{name}"))?;
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
            let out = read_at(&FORMAT, name, &text);
            assert_eq!(out.tally.lines, out.tally.understood, "{name}");
            let key = |it: &timeline::Series| it.label("pod").or(it.label("legend")).map(ToString::to_string).unwrap_or_default();
            let mut found: Vec<_> =
                series(&out).map(|it| (key(it), it.points.iter().map(|it| (it.millis, it.value)).collect::<Vec<_>>())).collect();
            found.sort_by(|a, b| a.0.cmp(&b.0));
            Some(found)
        };
        let Some(raw) = read("grafana_panel_raw_ms.csv") else { return };
        assert_eq!(raw.len(), 3);
        // three digits are printed
        let near = |a: f64, b: f64| (a - b).abs() <= b.abs() * 0.005;
        for name in ["grafana_panel_formatted.csv", "grafana_panel_excel_semicolon.csv"] {
            let rounded = read(name).expect("its neighbours are there");
            assert_eq!(rounded.len(), raw.len(), "{name}");
            for ((key, points), (wanted, exact)) in rounded.iter().zip(&raw) {
                assert_eq!((key, points.len()), (wanted, exact.len()), "{name}");
                assert!(points.iter().zip(exact).all(|(a, b)| a.0 == b.0 && near(a.1, b.1)), "{name}: {key}");
            }
        }
        let frames = read("grafana_ds_query_frames.json").expect("its neighbours are there");
        // a frame has a clock of its own: the one that begins later is asked at other seconds
        assert_eq!((&frames[0], &frames[2]), (&raw[0], &raw[2]));
        assert_eq!((frames[1].0.as_str(), frames[1].1.len()), (raw[1].0.as_str(), raw[1].1.len()));
    }
}
