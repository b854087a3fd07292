//! What a file is that no format reads, and which format came closest: words for the ledger.
//!
//! ```text
//! an HTML page
//! JSON: an object with the keys image, status
//! JSON: a list of 6, the first with the keys action, object
//! settings, key = value
//! text; closest is klog-file, which explains 12 of 40 lines, but not line 1
//! ```
//!
//! What stands in it is not told: a file that nobody knows may be a secret.

use std::sync::Arc;

use serde_json::Value;
use timeline::{MemberId, MemberRecords, Tally};

use crate::json_elements::{elements, entries};
use crate::{Chunk, FORMATS, Format, Origin, Reading, Sniff};

/// As much of a file is tried.
const TRIED_BYTES: usize = 4096;

/// Keys of an object that are named.
const KEYS: usize = 4;

/// What the beginning of a file shows; nothing where it shows nothing.
#[must_use]
pub fn closest(sniff: &Sniff<'_>) -> Option<String> {
    if sniff.bytes.is_empty() {
        return None;
    }
    if let Some(kind) = binary(sniff.bytes) {
        return Some(kind.to_owned());
    }
    let text = sniff.text.trim_start_matches('\u{feff}').trim_start();
    let starts = |it: &str| text.get(..it.len()).is_some_and(|head| head.eq_ignore_ascii_case(it));
    if starts("<!doctype html") || starts("<html") {
        return Some("an HTML page".to_owned());
    }
    if starts("<?xml") {
        return Some("XML".to_owned());
    }
    if text.starts_with("#!") {
        return Some("a script".to_owned());
    }
    if let Some(rest) = text.strip_prefix("-----BEGIN ") {
        let what = rest.split("-----").next().unwrap_or_default().to_ascii_lowercase();
        return Some(format!("a {what} in PEM"));
    }
    if is_json(text) {
        return Some(json(text, sniff.whole));
    }
    let nearest = nearest(sniff);
    let kind = text.lines().find_map(|it| it.strip_prefix("kind: ")).filter(|_| text.contains("apiVersion: "));
    match (kind, nearest) {
        (Some(kind), _) => Some(format!("YAML: an object of kind {}", word(kind))),
        (None, Some(nearest)) => Some(format!("{}; {nearest}", prose(text))),
        (None, None) => Some(prose(text).to_owned()),
    }
}

/// What the first bytes of a file that is no text say.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    let magics: &[(&[u8], &str)] = &[
        (b"\x7fELF", "an ELF file: a program or a crash dump"),
        (b"KDUMP   ", "a crash dump of makedumpfile"),
        (b"\x96\xd5", "a data file of sar"),
        (b"\xd5\x96", "a data file of sar"),
        (b"\xa1\xb2\xc3\xd4", "a packet capture"),
        (b"\xd4\xc3\xb2\xa1", "a packet capture"),
        (b"\x0a\x0d\x0d\x0a", "a packet capture"),
        (b"SQLite format 3", "an SQLite database"),
        (b"-----BEGIN PGP", "encrypted with PGP"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"%PDF", "a PDF document"),
    ];
    if let Some((_, what)) = magics.iter().find(|it| bytes.starts_with(it.0)) {
        return Some(what);
    }
    let head = &bytes[..bytes.len().min(TRIED_BYTES)];
    let odd = head.iter().filter(|it| **it < 9 || (14..27).contains(*it)).count();
    (odd * 20 > head.len()).then_some("binary data")
}

/// Whether a text begins as JSON does; `[    4.274377] usb 1-1: …` does not.
fn is_json(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('[') else { return text.starts_with('{') };
    let next = inside.trim_start().chars().next();
    let alone = || {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        values.next().is_some_and(|it| it.is_ok()) && text[values.byte_offset()..].trim().is_empty()
    };
    next.is_some_and(|it| "{[\"]".contains(it)) || next.is_some_and(|it| it.is_ascii_digit() || it == '-') && alone()
}

fn json(text: &str, whole: bool) -> String {
    let first = serde_json::Deserializer::from_str(text).into_iter::<Value>().next();
    match first {
        Some(Ok(Value::Object(map))) => {
            format!("JSON: an {}", object(map.keys().map(String::as_str), &map.get("kind")))
        }
        Some(Ok(Value::Array(items))) => match items.first() {
            None => "JSON: an empty list".to_owned(),
            Some(Value::Object(map)) => {
                format!("JSON: a list of {}, the first {}", items.len(), of_list(map.keys().map(String::as_str)))
            }
            Some(_) => format!("JSON: a list of {}", items.len()),
        },
        Some(Err(error)) if whole => format!("looks like JSON, but {error}"),
        // the beginning of a long one still names its first keys
        _ => {
            let list = elements(text).next().filter(|it| it.text.starts_with('{'));
            let keys: Vec<&str> = entries(list.map_or(text, |it| it.text)).map(|it| it.key).collect();
            match list {
                Some(_) if !keys.is_empty() => format!("JSON: a list, the first {}", of_list(keys.into_iter())),
                None if !keys.is_empty() => format!("JSON: an {}", object(keys.into_iter(), &None)),
                _ => "looks like JSON".to_owned(),
            }
        }
    }
}

fn object<'k>(keys: impl Iterator<Item = &'k str>, kind: &Option<&Value>) -> String {
    if let Some(kind) = kind.and_then(Value::as_str) {
        return format!("object of kind {}", word(kind));
    }
    match with(keys) {
        words if words.is_empty() => "empty object".to_owned(),
        words => format!("object {words}"),
    }
}

/// The first keys in words; of none, nothing.
fn with<'k>(mut keys: impl Iterator<Item = &'k str>) -> String {
    let first: Vec<String> = keys.by_ref().take(KEYS).map(word).collect();
    let more = if keys.next().is_some() { " …" } else { "" };
    match first.as_slice() {
        [] => String::new(),
        [one] => format!("with the key {one}"),
        all => format!("with the keys {}{more}", all.join(", ")),
    }
}

/// What the first of a list is.
fn of_list<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    Some(with(keys)).filter(|it| !it.is_empty()).unwrap_or_else(|| "an empty object".to_owned())
}

/// What most lines of a text have in common.
fn prose(text: &str) -> &'static str {
    let lines: Vec<&str> = text.lines().take(200).map(str::trim).filter(|it| !it.is_empty()).collect();
    let comment = |it: &&&str| it.starts_with('#') || it.starts_with(';') || it.starts_with("//");
    let own: Vec<&&str> = lines.iter().filter(|it| !comment(it)).collect();
    if own.is_empty() {
        return if lines.is_empty() { "text" } else { "comments and nothing else" };
    }
    let pair = |line: &str, sign: char| {
        let key = line.trim_start_matches("export ").split_once(sign).map(|it| it.0.trim());
        key.is_some_and(|it| !it.is_empty() && it.chars().all(|it| it.is_alphanumeric() || "_-. /[]".contains(it)))
    };
    // a heading in brackets belongs to settings
    let most = |sign: char| own.iter().filter(|it| pair(it, sign) || it.starts_with('[')).count() * 5 >= own.len() * 4;
    let some = |sign: char| own.iter().filter(|it| pair(it, sign)).count() > 1;
    if most('=') && some('=') {
        "settings, key = value"
    } else if most(':') && some(':') {
        "lines of key: value"
    } else if own.len() == 1 && lines.len() == 1 {
        "one line of text"
    } else {
        "text"
    }
}

/// The line format that explains most of the beginning, with the first line it does not.
fn nearest(sniff: &Sniff<'_>) -> Option<String> {
    let mut end = sniff.text.len().min(TRIED_BYTES);
    while !sniff.text.is_char_boundary(end) {
        end -= 1;
    }
    let end = if end < sniff.text.len() { sniff.text[..end].rfind('\n').map_or(end, |it| it + 1) } else { end };
    let head = &sniff.text[..end];
    // a file of settings is no log because both have comments
    let comments = head.lines().filter(|it| it.trim_start().starts_with('#')).count() as u64;
    let mut best: Option<(&'static Format, Tally)> = None;
    for format in FORMATS {
        let Reading::Stream(_) = format.reading else { continue };
        let tally = tally(format, sniff.path, head);
        let better =
            |(_, it): &(&Format, Tally)| tally.understood * it.lines.max(1) > it.understood * tally.lines.max(1);
        // what takes any prose is close to everything
        if tally.understood > comments && best.as_ref().is_none_or(better) && takes_no_prose(format, sniff.path) {
            best = Some((format, tally));
        }
    }
    let (format, all) = best.filter(|(_, it)| it.understood * 5 >= it.lines)?;
    if all.understood == all.lines {
        return Some(format!("its lines could be {}, but nothing shows that they are", format.name));
    }
    let but = first_odd(format, sniff.path, head).map(|it| format!(", but not line {it}")).unwrap_or_default();
    Some(format!("closest is {}, which explains {} of {} lines{but}", format.name, all.understood, all.lines))
}

fn takes_no_prose(format: &'static Format, path: &str) -> bool {
    tally(format, path, "what is this\n").understood == 0
}

/// The first line that a format does not understand, in one pass; one that holds lines back may be told of later.
fn first_odd(format: &'static Format, path: &str, head: &str) -> Option<usize> {
    let Reading::Stream(open) = format.reading else { return None };
    let origin = origin(path);
    let (mut reader, mut out) = (open(&origin), MemberRecords::default());
    let mut start = 0;
    for (at, part) in head.split_inclusive('\n').enumerate() {
        let chunk = Chunk::new(part, part.as_bytes(), start, at as u32 + 1);
        reader.read(&chunk, &mut out);
        start += part.len() as u64;
        if out.tally.lines > out.tally.understood {
            return Some(at + 1);
        }
    }
    None
}

fn origin(path: &str) -> Origin {
    Origin { member: MemberId(0), path: path.into(), node: None, watch: Arc::new(false), hold_bytes: crate::HOLD_BYTES }
}

fn tally(format: &'static Format, path: &str, head: &str) -> Tally {
    let Reading::Stream(open) = format.reading else { return Tally::default() };
    let origin = origin(path);
    let (mut reader, mut out) = (open(&origin), MemberRecords::default());
    reader.read(&Chunk::new(head, head.as_bytes(), 0, 1), &mut out);
    reader.finish(&mut out);
    out.tally
}

fn word(text: &str) -> String {
    text.chars().take(40).filter(|it| !it.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        closest(&Sniff { path: "a/b.txt", text, bytes: text.as_bytes(), whole: true })
    }

    #[test]
    fn what_it_is_in_words() {
        let cases = [
            ("<!DOCTYPE html><html></html>", "an HTML page"),
            ("#!/bin/sh\necho\n", "a script"),
            ("-----BEGIN CERTIFICATE REQUEST-----\nMII\n", "a certificate request in PEM"),
            ("{\"image\": 1, \"status\": {}}", "JSON: an object with the keys image, status"),
            ("{\"kind\": \"Odd\"}", "JSON: an object of kind Odd"),
            ("{}", "JSON: an empty object"),
            ("[ ]\n", "JSON: an empty list"),
            ("{\"image\": 1}", "JSON: an object with the key image"),
            ("[1, 2]", "JSON: a list of 2"),
            (
                "[{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5}]",
                "JSON: a list of 1, the first with the keys a, b, c, d …",
            ),
            ("[{}, {}]", "JSON: a list of 2, the first an empty object"),
            ("{\"a\": ", "looks like JSON, but EOF while parsing a value at line 1 column 6"),
            ("apiVersion: v1\nkind: Odd\n", "YAML: an object of kind Odd"),
            ("\u{7f}ELF\u{1}", "an ELF file: a program or a crash dump"),
            ("a\u{0}b\u{1}c\u{2}", "binary data"),
            ("hello\nworld\n", "text"),
            ("v1.32.2\n", "one line of text"),
            ("# how\nname = a\n[more]\nexport size=3\n", "settings, key = value"),
            ("name: a\nof what: b\nthree: c\n", "lines of key: value"),
            ("# nothing is set\n#name = a\n", "comments and nothing else"),
        ];
        for (text, said) in cases {
            assert_eq!(of(text).as_deref(), Some(said), "{text:?}");
        }
        assert_eq!(of(""), None);
        let cut = |text: &str| closest(&Sniff { path: "a/b", text, bytes: text.as_bytes(), whole: false });
        assert_eq!(cut("{\"a\": 1, \"b\": {\"c\": ").as_deref(), Some("JSON: an object with the keys a, b"));
        assert_eq!(cut("[{\"a\": 1, \"b\": [").as_deref(), Some("JSON: a list, the first with the keys a, b"));
        assert_eq!(cut("[\"a\", ").as_deref(), Some("looks like JSON"));
    }

    #[test]
    fn the_closest_format_and_where_it_fails() {
        let line = "[    4.274377] crashme: loading out-of-tree module taints kernel.\n";
        let said = of(&format!("what is this\n{line}{line}and this\n")).expect("words");
        assert!(said.starts_with("text; closest is ") && said.contains("but not line 1"), "{said}");
    }

    #[test]
    fn comments_are_no_likeness() {
        assert_eq!(of(&"# a setting\n# another\n".repeat(40)).as_deref(), Some("comments and nothing else"));
    }

    /// Only the beginning of a file is tried, each format once or twice: the size of the file does not matter.
    #[test]
    fn the_search_is_bounded() {
        let line = "[    4.274377] crashme: loading out-of-tree module taints kernel.\nwhat is this\n";
        let of = |text: &str| of(text).expect("words");
        let (short, long) = (line.repeat(60), line.repeat(200_000));
        assert!(short.len() > TRIED_BYTES && long.len() > 10 << 20);
        assert!(of(&short).contains("closest is ") && of(&short).contains(", but not line 2"), "{}", of(&short));
        assert_eq!(of(&long), of(&short));
    }
}
