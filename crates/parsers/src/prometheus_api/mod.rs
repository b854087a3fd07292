//! Answers of the Prometheus HTTP API and of `promtool query`.
//!
//! ```text
//! {"status":"success","data":{"resultType":"matrix","result":[
//!   {"metric":{"__name__":"node_processes_threads","node":"kubestage1001"},"values":[[1690120800,"41870"],…]},…]}}
//! container_threads{pod="order-sync", namespace="prod"} =>
//! 41870 @[1690120800]
//! {"metric":{"__name__":"up"},"values":[1,1],"timestamps":[1690120800000,1690120815000]}
//! ```
//!
//! Range and instant answers (matrix, vector, scalar), the bare array of `promtool -o json`, several documents in a
//! row, promtool's text, the lines of VictoriaMetrics' export. Skipped, though understood: strings, label and target listings. A native histogram gives the series that a
//! classic one has: `_count`, `_sum` and cumulative `_bucket`s by their upper bound. An error
//! answer is an issue, an empty result is no series. Values are strings in Go's notation; `NaN` is no point, `+Inf`
//! is one. Time: seconds since the epoch with up to three decimals.
//!
//! The export counts milliseconds and holds raw samples; its `NaN` and null end a series for now.
//!
//! Source: prometheus.io/docs/prometheus/latest/querying/api; `cmd/promtool` in prometheus;
//! docs.victoriametrics.com, "How to export data in JSON line format".

mod histogram;
mod text;

use std::collections::BTreeMap;

use timeline::{MemberRecords, Name, Record, Style};

use crate::exposition::{Builder, Labelled, of_digits, share_words, value, whole};
use crate::json_elements::{Documents, Outline, elements, entries, entry, next_element, value_end};
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "prometheus-api",
    produced_by: "curl …/api/v1/query_range, promtool query range",
    samples: &[
        concat!(
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"node_processes_threads","#,
            r#""node":"kubestage1001"},"values":[[1690120800,"41870"],[1690120815.5,"48990"]]}]}}"#,
            "\n"
        ),
        r#"[{"metric":{"__name__":"up","job":"node"},"value":[1690120800.123,"1"]}]"#,
        "container_threads{pod=\"order-sync\", namespace=\"prod\"} =>\n41870 @[1690120800]\n48990 @[1690120815]\n",
        "up{job=\"node\"} => 1 @[1690120800.123]\n",
        "{\"metric\":{\"__name__\":\"up\"},\"values\":[1,1],\"timestamps\":[1690120800000,1690120815000]}\n",
        concat!(
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"request_seconds"},"#,
            r#""histograms":[[1690120800,{"count":"15","sum":"7.5","buckets":[[3,"-0.25","0.25","3"],[0,"0.25","0.5","12"]]}]]}]}}"#,
            "\n"
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let text = sniff.text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    if !text.starts_with(['{', '[']) {
        return text::recognizes(sniff);
    }
    let Some(document) = Documents::of(text).next() else { return Certainty::No };
    if document.text.starts_with('[') {
        let series = elements(document.text).next().is_some_and(|it| is_series(it.text));
        return if series { Certainty::Sure } else { Certainty::No };
    }
    if is_export(document.text) {
        return Certainty::Sure;
    }
    match entry(document.text, "status").map(|it| it.value) {
        Some("\"error\"") if entry(document.text, "errorType").is_some() => Certainty::Sure,
        Some("\"success\"") => match entry(document.text, "data") {
            // Loki answers alike, with log lines
            Some(data) => match entry(data.value, "resultType").map(|it| it.value) {
                Some("\"matrix\"" | "\"vector\"" | "\"scalar\"" | "\"string\"") => Certainty::Sure,
                Some(_) => Certainty::No,
                None => Certainty::Likely,
            },
            None => Certainty::No,
        },
        _ => Certainty::No,
    }
}

/// `{"metric":{…},"values":[…]}`, in this order or another.
fn is_series(element: &str) -> bool {
    let has = |key| entry(element, key).is_some();
    entry(element, "metric").is_some_and(|it| it.value.starts_with('{'))
        && (has("values") || has("value") || has("histograms") || has("histogram"))
        && !has("timestamps")
}

/// A line of `/api/v1/export`.
fn is_export(document: &str) -> bool {
    // an answer begins with its status: no need to look for the end of its data
    if entries(document).next().is_none_or(|it| matches!(it.key, "status" | "data")) {
        return false;
    }
    let has = |key, open| entry(document, key).is_some_and(|it| it.value.starts_with(open));
    has("metric", '{') && has("values", '[') && has("timestamps", '[')
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let start = input.text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    if !start.starts_with(['{', '[']) {
        return text::parse(input, out);
    }
    let mut answers = Answers { input, places: Places::of(input) };
    let mut documents = Documents::of(input.text);
    while let Some((document, outline)) = documents.outlined() {
        answers.document(&outline, document.text, out);
        if !document.whole {
            let line = answers.places.line(document.text);
            out.issue(input.origin.member, line, "the file ends inside this answer");
        }
    }
    let rest = documents.rest().trim();
    if !rest.is_empty() {
        let line = answers.places.line(rest);
        out.issue(input.origin.member, line, "text after the last answer");
        out.tally.lines += rest.lines().count() as u64;
        out.tally.odd_bytes += rest.len() as u64;
    }
    share_words(&mut out.records);
}

struct Answers<'i, 't> {
    input: &'i Input<'t>,
    places: Places<'t>,
}

impl<'t> Answers<'_, 't> {
    fn document(&mut self, outline: &Outline<'t>, document: &'t str, out: &mut MemberRecords) {
        if !document.starts_with('[') && is_export(document) {
            return self.export(document, out);
        }
        if document.starts_with('[') {
            return self.series_list(outline, document, out);
        }
        let mut status = "";
        let mut data = None;
        let (mut error_type, mut error) = (String::new(), String::new());
        for entry in outline.entries(document) {
            match entry.key {
                "status" => status = entry.value,
                "data" => data = Some(entry.value),
                "errorType" => error_type = string(entry.value),
                "error" => error = string(entry.value),
                "warnings" | "infos" => {
                    for warning in elements(entry.value) {
                        let line = self.places.line(warning.text);
                        out.issue(self.input.origin.member, line, format!("the answer warns: {}", string(warning.text)));
                    }
                }
                _ => {}
            }
        }
        if status == "\"error\"" {
            out.tally.lines += 1;
            out.tally.understood += 1;
            let line = self.places.line(document);
            out.issue(self.input.origin.member, line, format!("the metrics backend answered {error_type}: {error}"));
        }
        let Some(data) = data else {
            if status != "\"error\"" {
                out.tally.lines += 1;
                out.tally.odd_bytes += document.len() as u64;
            }
            return;
        };
        let kind = outline.entry(data, "resultType").map_or("", |it| it.value);
        let result = outline.entry(data, "result").map_or("", |it| it.value);
        match kind {
            "\"matrix\"" | "\"vector\"" => self.series_list(outline, result, out),
            "\"scalar\"" => {
                out.tally.lines += 1;
                out.tally.understood += 1;
                let labelled: Labelled = (Name::from(""), Vec::new());
                self.series(result, labelled, result, false, out);
            }
            // label values, targets, rules: no values over time
            _ if status != "\"error\"" => {
                out.tally.lines += 1;
                out.tally.understood += 1;
            }
            _ => {}
        }
    }

    fn series_list(&mut self, outline: &Outline<'t>, list: &'t str, out: &mut MemberRecords) {
        for element in outline.elements(list) {
            out.tally.lines += 1;
            let mut labelled = None;
            let (mut values, mut many, mut histograms) = (None, false, None);
            for entry in outline.entries(element.text) {
                match entry.key {
                    "metric" => labelled = metric(entry.value),
                    "values" => (values, many) = (Some(entry.value), true),
                    "value" => values = Some(entry.value),
                    "histograms" => histograms = Some((entry.value, true)),
                    "histogram" => histograms = Some((entry.value, false)),
                    _ => {}
                }
            }
            match labelled {
                // a series may change from numbers to histograms
                Some(labelled) if values.is_some() || histograms.is_some() => {
                    out.tally.understood += 1;
                    if let Some((values, many)) = histograms {
                        self.histograms(element.text, &labelled, values, many, out);
                    }
                    if let Some(values) = values {
                        self.series(element.text, labelled, values, many, out);
                    }
                }
                _ => {
                    out.tally.odd_bytes += element.text.len() as u64;
                    let line = self.places.line(element.text);
                    let what = if element.whole { "an element that is no series" } else { "the file ends inside a series" };
                    out.issue(self.input.origin.member, line, what);
                }
            }
        }
    }

    /// Values and times of one series, side by side; a series may go on in another line.
    fn export(&mut self, document: &'t str, out: &mut MemberRecords) {
        out.tally.lines += 1;
        let value_of = |key| entry(document, key).map_or("", |it| it.value);
        let Some(labelled) = metric(value_of("metric")) else {
            out.tally.odd_bytes += document.len() as u64;
            return;
        };
        out.tally.understood += 1;
        let (start, line) = (self.places.start(document), self.places.line(document));
        let mut builder = Builder::new(labelled, self.input.origin.member, start as u64, line);
        for (number, stamp) in elements(value_of("values")).zip(elements(value_of("timestamps"))) {
            // bare NaN of old versions is null in new ones
            let parsed = match number.text.trim_matches('"') {
                "null" => Some(f64::NAN),
                other => value(other),
            };
            if let (Some(parsed), Ok(millis)) = (parsed, stamp.text.parse()) {
                builder.add(millis, parsed, self.places.start(number.text) - start, number.text.len());
            }
        }
        let series = builder.kept(document);
        if !series.points.is_empty() {
            out.records.push(Record::Series(Box::new(series)));
        }
    }

    /// `values` are a list of points, or one, within `text`.
    fn series(&mut self, text: &'t str, labelled: Labelled, values: &'t str, many: bool, out: &mut MemberRecords) {
        let start = self.places.start(text);
        let line = self.places.line(text);
        let mut builder = Builder::new(labelled, self.input.origin.member, start as u64, line);
        let mut odd = 0u32;
        let from = values.as_ptr() as usize - text.as_ptr() as usize;
        if many {
            points(values, |sample, start, end| match sample {
                Some((millis, value, true)) => builder.add_usual(millis, value, from + start, end - start),
                Some((millis, value, false)) => builder.add(millis, value, from + start, end - start),
                None => odd += 1,
            });
        } else {
            match sample(values) {
                Some((millis, value)) => builder.add(millis, value, from, values.len()),
                None => odd += 1,
            }
        }
        if odd > 0 {
            out.issue(self.input.origin.member, line, format!("{odd} values of a series could not be read"));
        }
        let lines = memchr::memchr_iter(b'\n', &text.as_bytes()[..from]).count() as u32;
        let mut series = builder.finish(Some(Style::Pairs), || text.into(), lines);
        // an answer holds no staleness markers: here NaN is what an expression gave
        series.stale.clear();
        if !series.points.is_empty() {
            out.records.push(Record::Series(Box::new(series)));
        }
    }
}

/// `[[1690120800,"41870"],[1690120815,"48990"]]`: shows every point, whether it is printed as usual, and from where to where it
/// stands.
fn points(list: &str, mut show: impl FnMut(Option<(i64, f64, bool)>, usize, usize)) {
    let bytes = list.as_bytes();
    let mut at = if bytes.first() == Some(&b'[') { 1 } else { bytes.len() };
    while let Some(start) = next_element(bytes, at) {
        let (found, end) = match usual_sample(list, start) {
            Some((millis, value, usual, end)) => (Some((millis, value, usual)), end),
            None => {
                let end = value_end(bytes, start).0;
                (sample(&list[start..end]).map(|(millis, value)| (millis, value, false)), end)
            }
        };
        show(found, start, end);
        at = end;
    }
}

/// A point with whole seconds and a number of up to fifteen digits, as nearly all are printed; whether they print as they were
/// read, and where the point ends.
fn usual_sample(list: &str, start: usize) -> Option<(i64, f64, bool, usize)> {
    let bytes = list.as_bytes();
    let (seconds, digits, at) = number(bytes, start + 1)?;
    if bytes[start] != b'[' || !(1..=11).contains(&digits) || bytes.get(at..at + 2)? != b",\"" {
        return None;
    }
    let from = at + 2;
    let negative = bytes.get(from) == Some(&b'-');
    let first = from + usize::from(negative);
    let (mut number_of, whole, mut end) = number(bytes, first)?;
    let mut parts = 0;
    if bytes.get(end) == Some(&b'.') {
        (number_of, parts, end) = number_on(bytes, end + 1, number_of)?;
    }
    if !(1..=15).contains(&(whole + parts)) || bytes.get(end..end + 2)? != b"\"]" {
        return None;
    }
    let value = of_digits(number_of, parts);
    let value = if negative { -value } else { value };
    let point = end - first > whole;
    let needless = whole == 0
        || whole > 1 && bytes[first] == b'0'
        || point && (parts == 0 || bytes[end - 1] == b'0')
        || negative && &list[first..end] == "0";
    Some((seconds as i64 * 1000, value, !needless && bytes[start + 1] != b'0', end + 2))
}

/// The digits from a place on, what number they are, how many, and where they end; none where they are too many.
fn number(bytes: &[u8], from: usize) -> Option<(u64, usize, usize)> {
    number_on(bytes, from, 0)
}

/// As [`number`], behind the digits of another.
fn number_on(bytes: &[u8], from: usize, before: u64) -> Option<(u64, usize, usize)> {
    let (mut sum, mut at) = (before, from);
    while let Some(digit) = bytes.get(at).map(|it| it.wrapping_sub(b'0')).filter(|it| *it < 10) {
        sum = sum.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (at - from <= 15).then_some((sum, at - from, at))
}

/// `[1690120800.5,"41870"]`
fn sample(point: &str) -> Option<(i64, f64)> {
    let inner = point.strip_prefix('[')?.strip_suffix(']')?;
    let comma = memchr::memchr(b',', inner.as_bytes())?;
    let (stamp, number) = (inner[..comma].trim(), inner[comma + 1..].trim());
    let value = value(number.strip_prefix('"')?.strip_suffix('"')?)?;
    if let Some(seconds) = whole(stamp) {
        return Some((seconds * 1000, value));
    }
    let seconds: f64 = stamp.parse().ok()?;
    (seconds.is_finite() && seconds.abs() < 1e12).then(|| ((seconds * 1000.0).round() as i64, value))
}

/// `{"__name__":"up","job":"node"}`
fn metric(object: &str) -> Option<Labelled> {
    let mut labels: BTreeMap<String, String> = serde_json::from_str(object).ok()?;
    let metric = labels.remove("__name__").unwrap_or_default();
    Some((metric.into(), labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect()))
}

/// A JSON string without its quotes; anything else as it stands.
fn string(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests;
