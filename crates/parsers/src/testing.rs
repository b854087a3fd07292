//! What the tests of formats share.

use std::path::PathBuf;
use std::sync::Arc;

use timeline::{Event, Fact, MemberId, MemberRecords, Quote, Record, Series};

use crate::{Certainty, Format, Input, Origin, Reading, Sniff, read};

/// Where a test's text is said to come from.
pub(crate) fn origin(path: &str) -> Origin {
    Origin {
        member: MemberId(7),
        path: path.into(),
        node: Some("node-a".into()),
        watch: Arc::new(true),
        hold_bytes: crate::HOLD_BYTES,
    }
}

/// Reads a text in one go and holds every quote against it.
pub(crate) fn read_at(format: &Format, path: &str, text: &str) -> MemberRecords {
    let out = read(format, &origin(path), text, usize::MAX / 2);
    quotes_hold(&out, text);
    out
}

/// Reads a text that was cut off at its end.
pub(crate) fn read_cut(format: &Format, path: &str, text: &str) -> MemberRecords {
    let mut out = MemberRecords::default();
    match format.reading {
        Reading::Whole(parse) => {
            let origin = origin(path);
            parse(&Input { origin: &origin, text, bytes: text.as_bytes(), truncated: true }, &mut out);
        }
        Reading::Stream(_) => out = read(format, &origin(path), text, usize::MAX / 2),
    }
    quotes_hold(&out, text);
    out
}

/// How sure a format is of a text.
pub(crate) fn sniff_certainty(format: &Format, path: &str, text: &str) -> Certainty {
    (format.recognizes)(&sniff(path, text))
}

/// The beginning of a text, as the bundle reader cuts it.
pub(crate) fn sniff<'t>(path: &'t str, text: &'t str) -> Sniff<'t> {
    let whole = text.len() <= 65_536;
    let head = if whole {
        text
    } else {
        let mut end = 65_536;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].rfind('\n').map_or(&text[..end], |it| &text[..=it])
    };
    Sniff { path, text: head, bytes: head.as_bytes(), whole }
}

/// The rows of a relation.
pub(crate) fn facts<'o>(out: &'o MemberRecords, relation: &'o str) -> impl Iterator<Item = &'o Fact> {
    out.records.iter().filter_map(move |it| match it {
        Record::Fact(fact, _) if fact.row.relation.name == relation => Some(fact.as_ref()),
        _ => None,
    })
}

/// Rows of a relation, some of their columns side by side.
pub(crate) fn shown<const N: usize>(out: &MemberRecords, relation: &str, columns: [&str; N]) -> Vec<String> {
    facts(out, relation).map(|it| columns.map(|column| it.get(column).to_string()).join(" ")).collect()
}

/// The same of a text of which every line is understood.
pub(crate) fn rows_of<const N: usize>(
    format: &Format,
    path: &str,
    text: &str,
    relation: &str,
    columns: [&str; N],
) -> Vec<String> {
    let out = read_at(format, path, text);
    assert_eq!(out.tally.lines, out.tally.understood, "{path}: {text}");
    shown(&out, relation, columns)
}

/// The same of a text that the format is sure of.
pub(crate) fn sure_rows_of<const N: usize>(
    format: &Format,
    text: &str,
    relation: &str,
    columns: [&str; N],
) -> Vec<String> {
    assert_eq!(sniff_certainty(format, "x", text), Certainty::Sure, "{text}");
    rows_of(format, "x", text, relation, columns)
}

/// The events.
pub(crate) fn events(out: &MemberRecords) -> impl Iterator<Item = &Event> {
    out.records.iter().filter_map(|it| match it {
        Record::Event(event) => Some(event.as_ref()),
        _ => None,
    })
}

/// The series.
pub(crate) fn series(out: &MemberRecords) -> impl Iterator<Item = &Series> {
    out.records.iter().filter_map(|it| match it {
        Record::Series(series) => Some(series.as_ref()),
        _ => None,
    })
}

/// Numbers from a seed, the same on every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

/// Every quote is the text at its span, and stands in the line it names.
pub(crate) fn quotes_hold(out: &MemberRecords, text: &str) {
    let mut line_starts = vec![0];
    line_starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|it| it + 1));
    let holds = |quote: &Quote| {
        let start = quote.span.start as usize;
        assert_eq!(text.get(start..start + quote.span.len as usize), Some(&*quote.text));
        let line = line_starts.partition_point(|it| *it <= start);
        assert_eq!(line as u32, quote.span.line, "{}", quote.text);
    };
    out.edges.iter().for_each(|it| holds(&it.quote));
    for record in &out.records {
        match record {
            Record::Event(event) => holds(&event.quote),
            Record::Fact(fact, _) => fact.quotes.iter().for_each(holds),
            Record::Series(series) => {
                let some = series.points.iter().step_by(1 + series.points.len() / 100);
                some.chain(series.points.last()).for_each(|it| holds(&series.quote(it.millis)));
            }
        }
    }
}

/// The bytes of a sample; nothing where the samples are not at hand.
pub(crate) fn sample_bytes(path: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(samples().join(path)).ok();
    if bytes.is_none() {
        skipped(path);
    }
    bytes
}

/// A sample beside the repository; nothing where the samples are not at hand.
pub(crate) fn sample(path: &str) -> Option<String> {
    let file = samples().join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => {
            skipped(path);
            None
        }
    }
}

/// The names of the files of a folder of samples.
pub(crate) fn samples_in(path: &str) -> Vec<String> {
    let mut names: Vec<String> = match std::fs::read_dir(samples().join(path)) {
        Ok(entries) => {
            let files = entries.filter_map(Result::ok).filter(|it| it.path().is_file());
            files.map(|it| format!("{path}/{}", it.file_name().to_string_lossy())).collect()
        }
        Err(_) => {
            skipped(path);
            Vec::new()
        }
    };
    names.sort();
    names
}

/// The folders in a folder of the samples.
pub(crate) fn folders_in(path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(samples().join(path)).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|it| it.path().is_dir());
    let mut names: Vec<String> = folders.map(|it| format!("{path}/{}", it.file_name().to_string_lossy())).collect();
    names.sort();
    names
}

fn samples() -> PathBuf {
    let beside = |it: &str| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../..")).join(it);
    let found = std::env::var_os("CORONER_SAMPLES").map(PathBuf::from);
    found.unwrap_or_else(|| beside("shared/samples"))
}

#[allow(clippy::print_stderr)]
fn skipped(path: &str) {
    eprintln!("SKIPPED: no sample {path}");
}
