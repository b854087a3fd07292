//! `journalctl -o json`, `json-seq`, `json-sse` and `json-pretty`: an object for every entry.
//!
//! ```text
//! {"__REALTIME_TIMESTAMP":"1592140471001000","_HOSTNAME":"node-a","SYSLOG_IDENTIFIER":"kubelet","MESSAGE":"started"}
//! ```
//!
//! Values are strings; `null` is a value too long to print, an array of numbers bytes, any other array a field that
//! repeats. Older versions print blanks around the colons. An object that is no JSON is counted and the next one read.
//! Skipped: all fields but those that say who, where and when. Time: microseconds since the epoch.
//!
//! Source: `man journalctl`; `src/shared/logs-show.c` of systemd.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use timeline::{Carrier, MemberRecords};

use crate::printed_object::PrintedObject;
use crate::log::fields::{self, Fronts, Values};
use crate::log::{Log, Marker};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "journal-json",
    produced_by: "journalctl -o json, json-seq, json-sse, json-pretty",
    samples: &[
        "{\"__REALTIME_TIMESTAMP\":\"1592140471001000\",\"_HOSTNAME\":\"node-a\",\"_BOOT_ID\":\"281c\",\"SYSLOG_IDENTIFIER\":\"kubelet\",\"MESSAGE\":\"started\"}\n",
        "{\n\t\"__REALTIME_TIMESTAMP\" : \"1592140471000000\",\n\t\"_HOSTNAME\" : \"node-a\",\n\t\"MESSAGE\" : \"started\"\n}\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let front = sniff.text.trim_start_matches(['\u{feff}', '\u{1e}', '\n', '\r', ' ']);
    let front = front.strip_prefix("data: ").unwrap_or(front);
    if front.starts_with('{') && sniff.text.contains("\"__REALTIME_TIMESTAMP\"") { Certainty::Sure } else { Certainty::No }
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    Box::new(JournalJson { log: Log::new(origin, Carrier::Journal), object: None, fronts: Fronts::default() })
}

struct JournalJson {
    log: Log,
    object: Option<PrintedObject>,
    fronts: Fronts,
}

impl Reader for JournalJson {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        for line in chunk.lines() {
            self.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        if let Some(object) = self.object.take() {
            object.give_up(out);
        }
        self.log.finish(out);
    }
}

impl JournalJson {
    fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        let text = line.text.trim_start_matches(['\u{feff}', '\u{1e}']);
        let text = text.strip_prefix("data: ").unwrap_or(text);
        if let Some(object) = &mut self.object {
            // a new object where the old one should go on: the old one was cut
            if text.starts_with('{') || object.is_full() {
                if let Some(object) = self.object.take() {
                    object.give_up(out);
                }
            } else {
                return self.more(line, text, out);
            }
        }
        if text.trim().is_empty() {
            return;
        }
        if text.trim_end() == "{" {
            self.object = Some(PrintedObject::begin(&line, text));
        } else if text.starts_with('{') {
            match parse(text, &mut self.fronts).is_some_and(|it| fields::hand_over(&it, line, &mut self.log, out)) {
                true => {}
                false => odd(line, out),
            }
        } else if text == "-- No entries --" {
            self.log.marker(Marker::NoEntries, line, out);
        } else {
            odd(line, out);
        }
    }

    /// The next line of an object over several lines.
    fn more(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        let Some(object) = &mut self.object else { return };
        object.add(&line, text, &["\"MESSAGE\""]);
        if !text.starts_with('}') {
            return;
        }
        let Some(object) = self.object.take() else { return };
        match parse(&object.text, &mut self.fronts).is_some_and(|it| fields::hand_over(&it, object.line(), &mut self.log, out)) {
            // the log has counted one line
            true => {
                out.tally.lines += object.lines - 1;
                out.tally.understood += object.lines - 1;
            }
            false => object.give_up(out),
        }
    }
}

fn odd(line: Line<'_>, out: &mut MemberRecords) {
    out.tally.lines += 1;
    out.tally.odd_bytes += line.text.len() as u64;
}

fn parse<'t>(text: &'t str, fronts: &mut Fronts) -> Option<Values<Cow<'t, str>>> {
    strings(text, fronts).or_else(|| {
        let mut reader = serde_json::Deserializer::from_str(text);
        reader.deserialize_map(EntryVisitor).ok()
    })
}

/// What journalctl writes of nearly every entry: an object on one line with nothing in it but strings. Of anything else, and
/// of anything that is not sound, nothing: the library looks at it.
fn strings<'t>(text: &'t str, fronts: &mut Fronts) -> Option<Values<Cow<'t, str>>> {
    let bytes = text.as_bytes();
    let blank = |at: usize| at + bytes[at..].iter().take_while(|it| **it == b' ').count();
    let mut values = Values::default();
    // all of them, without a way out of the loop: so many bytes at a time as the processor takes
    let control = bytes.iter().fold(false, |any, it| any | (*it < b' '));
    if bytes.first() != Some(&b'{') || control {
        return None;
    }
    let mut at = 1;
    loop {
        let (start, place) = match fronts.expected(bytes.get(at..)?) {
            Some((front, place)) => (at + front - 1, place),
            None => {
                let name_start = blank(at);
                let (name_end, false) = string_end(bytes, name_start)? else { return None };
                let colon = blank(name_end);
                if bytes.get(colon) != Some(&b':') {
                    return None;
                }
                let start = blank(colon + 1);
                let place = fields::place(&text[name_start + 1..name_end - 1]);
                if bytes.get(start) == Some(&b'"') {
                    fronts.met(&bytes[at..=start], place);
                }
                (start, place)
            }
        };
        let (end, escaped) = string_end(bytes, start)?;
        let value = match (place, escaped) {
            (_, false) => Cow::Borrowed(&text[start + 1..end - 1]),
            (Some(_), true) => Cow::Owned(unescaped(&text[start + 1..end - 1])?),
            (None, true) => return None,
        };
        if let Some(place) = place {
            values[place].get_or_insert(value);
        }
        at = blank(end);
        match bytes.get(at)? {
            b',' => at += 1,
            b'}' => return Some(values),
            _ => return None,
        }
    }
}

/// The text of a string with escapes; none where an escape is wrong, or names its character by number.
fn unescaped(text: &str) -> Option<String> {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        plain.push(match rest.as_bytes().get(at + 1)? {
            it @ (b'"' | b'\\' | b'/') => char::from(*it),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            _ => return None,
        });
        rest = &rest[at + 2..];
    }
    plain.push_str(rest);
    Some(plain)
}

/// Behind the string that begins here, and whether anything in it is escaped.
fn string_end(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let (mut at, mut escaped) = (start + 1, false);
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some((at + 1, escaped));
        }
        (at, escaped) = (at + 2, true);
    }
}

/// Keeps the fields we read.
struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Values<Cow<'de, str>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a journal entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Values::default();
        while let Some(name) = map.next_key_seed(FieldSeed)? {
            match name.as_deref().and_then(fields::place) {
                Some(at) => {
                    let value = map.next_value_seed(FieldSeed)?;
                    if values[at].is_none() {
                        values[at] = value;
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

/// A string, bytes, or the first of several values.
struct FieldSeed;

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a field of a journal entry")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(flag.to_string())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let (mut bytes, mut first): (Vec<u8>, Option<Cow<'de, str>>) = (Vec::new(), None);
        while let Some(element) = seq.next_element_seed(ElementSeed)? {
            match element {
                Element::Byte(byte) => bytes.push(byte),
                Element::Value(value) => first = first.or(value),
            }
        }
        if first.is_none() && !bytes.is_empty() {
            return Ok(Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())));
        }
        Ok(first)
    }
}

/// An element of an array: a byte of one value, or one of several values.
enum Element<'de> {
    Byte(u8),
    Value(Option<Cow<'de, str>>),
}

struct ElementSeed;

impl<'de> DeserializeSeed<'de> for ElementSeed {
    type Value = Element<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed {
    type Value = Element<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a byte or a value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(u8::try_from(number).map_or(Element::Value(None), Element::Byte))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Element::Value(None))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Element::Value(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Element::Value(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Element::Value(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        FieldSeed.visit_seq(seq).map(Element::Value)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use timeline::{MemberId, Record};

    use super::*;
    use crate::read;

    fn origin() -> Origin {
        Origin { member: MemberId(0), path: "journal.json".into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES }
    }

    #[test]
    fn strings_are_read_as_the_library_reads_them() {
        fn library(text: &str) -> Option<Values<Cow<'_, str>>> {
            serde_json::Deserializer::from_str(text).deserialize_map(EntryVisitor).ok()
        }
        let plain = [
            r#"{"MESSAGE":"one","_PID":"7","X":"y"}"#,
            r#"{ "_PID" : "7" , "MESSAGE" : "say \"one\"\t\r\b\f\/\n" } trailing"#,
            r#"{"MESSAGE":"first","MESSAGE":"second","__CURSOR":"","_HOSTNAME":"grün"}"#,
            r#"{"MESSAGE":"a\\","_PID":"1"}"#,
        ];
        // what is remembered of the texts before changes nothing
        let mut fronts = Fronts::default();
        for text in plain.iter().chain(&plain) {
            let found = strings(text, &mut fronts);
            assert!(found.is_some() && found == library(text), "{text}");
        }
        let other = [
            r#"{"MESSAGE":[72,105],"_PID":"7"}"#,
            r#"{"MESSAGE":null}"#,
            r#"{"MESSAGE":"\u00e9"}"#,
            r#"{"_PID":7}"#,
            r#"{"X":"\q","_PID":"7"}"#,
            r#"{"MESSAGE":"\q"}"#,
            r#"{"MESSAGE":"\ud800"}"#,
            "{\"MESSAGE\":\"raw\ttab\"}",
            r#"{"MESS\u0041GE":"x"}"#,
            r#"{"MESSAGE":"x",}"#,
            r#"{"MESSAGE" "x"}"#,
            r#"{"MESSAGE":"x""#,
            r#"{"MESSAGE":"x\"#,
            r#"{"MESSAGE"#,
            "{}",
            "{",
            "",
        ];
        for text in other {
            assert!(strings(text, &mut fronts).is_none(), "{text}");
            assert_eq!(parse(text, &mut fronts), library(text), "{text}");
        }
    }

    #[test]
    fn values_of_every_form() {
        let text = concat!(
            "{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":[72,105,10],\"_HOSTNAME\":[\"a\",\"b\"],\"X\":[1,[2]],\"Y\":null}\n",
            "{ \"__REALTIME_TIMESTAMP\" : \"2\", \"MESSAGE\" : null, \"_HOSTNAME\":[null,[104,105]] }\n",
            "{\"__REALTIME_TIMESTAMP\":\"3\",\"MESSAGE\":\"cut\n",
            "{\n\t\"__REALTIME_TIMESTAMP\" : \"4\",\n\t\"MESSAGE\" : \"pretty\\nly\"\n}\n",
        );
        let records = read(&FORMAT, &origin(), text, 1);
        let mut shown = Vec::new();
        for record in &records.records {
            if let Record::Event(event) = record {
                shown.push((event.message.to_string(), event.node.as_deref().unwrap_or("-").to_owned(), event.quote.span.line));
            }
        }
        let wanted = [("Hi", "a", 1), ("", "hi", 2), ("pretty\nly", "hi", 6)];
        assert_eq!(shown, wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c)));
        assert_eq!((records.tally.lines, records.tally.understood), (7, 6));
    }

    /// Reads bytes as a bundle does: one question mark in the text for each byte that is no UTF-8.
    fn read_bytes(format: &Format, bytes: &[u8], size: usize) -> MemberRecords {
        let Reading::Stream(open) = format.reading else { panic!("{} is no stream", format.name) };
        let lossy = |bytes: &[u8]| {
            bytes.utf8_chunks().fold(String::new(), |sum, it| sum + it.valid() + &"?".repeat(it.invalid().len()))
        };
        let (mut reader, mut out, mut start, mut line) = (open(&origin()), MemberRecords::default(), 0, 1);
        while start < bytes.len() {
            let least = (start + size).min(bytes.len());
            let end = memchr::memchr(b'\n', &bytes[least - 1..]).map_or(bytes.len(), |at| least + at);
            let part = &bytes[start..end];
            reader.read(&Chunk::new(&lossy(part), part, start as u64, line), &mut out);
            line += memchr::memchr_iter(b'\n', part).count() as u32;
            start = end;
        }
        reader.finish(&mut out);
        out
    }

    /// Check 2: export and the four JSON shapes of every version say the same.
    #[test]
    #[allow(clippy::print_stderr)]
    fn structured_modes_agree() {
        let oracle =
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/journal/synthetic-oracle"));
        if !oracle.is_dir() {
            eprintln!("SKIPPED: {} is not here", oracle.display());
            return;
        }
        let mut files = 0;
        for version in ["v247", "v252", "v257", "v262"] {
            let mut first: Option<Vec<String>> = None;
            for mode in ["export", "json", "json.all", "json-seq", "json-sse", "json-pretty"] {
                let path = oracle.join(format!("journalctl-{version}/{mode}.txt"));
                let Ok(bytes) = std::fs::read(&path) else { continue };
                files += 1;
                let format = if mode == "export" { &crate::journal_export::FORMAT } else { &FORMAT };
                let records = read_bytes(format, &bytes, 1 << 20);
                let entries: u64 = records.seen.iter().map(|it| it.lines).sum();
                assert_eq!(entries, 57, "{version}/{mode}");
                assert_eq!(records.tally.lines, records.tally.understood, "{version}/{mode}");
                let mut shown = Vec::new();
                for record in &records.records {
                    if let Record::Event(event) = record {
                        // bytes that are no text show differently, and JSON leaves out what is longer than 4096
                        let message = event.message.replace(|it: char| !it.is_ascii_graphic(), "");
                        let message = if message.len() > 4000 { String::new() } else { message };
                        let message = message.replace('?', "");
                        let fields = (&event.stamp, &event.node, event.source, &event.unit, event.pid, event.severity);
                        let row = event.row.as_ref().map(|it| it.relation.name);
                        shown.push(format!("{fields:?} {row:?} {message}"));
                    }
                }
                match &first {
                    None => first = Some(shown),
                    Some(first) => {
                        for (ours, theirs) in shown.iter().zip(first) {
                            assert_eq!(ours, theirs, "{version}/{mode}");
                        }
                        assert_eq!(shown.len(), first.len(), "{version}/{mode}");
                    }
                }
                for size in [1, 64] {
                    let again = read_bytes(format, &bytes, size);
                    assert_eq!(again.records, records.records, "{version}/{mode} in chunks of {size}");
                }
            }
        }
        assert!(files >= 20, "only {files} files");
    }

    /// Check 4: four boots of a machine whose clock was wrong whenever it started.
    #[test]
    #[allow(clippy::print_stderr)]
    fn boots_of_a_machine_without_a_clock() {
        let folder = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/samples/journal/public/systemd-test-journals-no-rtc"
        ));
        if !folder.is_dir() {
            eprintln!("SKIPPED: {} is not here", folder.display());
            return;
        }
        let unpacked = |name: &str| {
            let packed = std::fs::read(folder.join(name)).expect("readable");
            let mut bytes = Vec::new();
            let mut reader = ruzstd::decoding::StreamingDecoder::new(packed.as_slice()).expect("zstd");
            std::io::Read::read_to_end(&mut reader, &mut bytes).expect("zstd");
            bytes
        };
        let mut boots: Option<Vec<String>> = None;
        for (name, format) in [
            ("journalctl-v262.export.zst", &crate::journal_export::FORMAT),
            ("journalctl-v262.json.zst", &FORMAT),
        ] {
            let records = read_bytes(format, &unpacked(name), 1 << 20);
            assert_eq!(records.seen.iter().map(|it| it.lines).sum::<u64>(), 10_757, "{name}");
            assert_eq!((records.tally.odd_bytes, records.issues.len()), (0, 0), "{name}");
            let mut found = Vec::new();
            for record in &records.records {
                if let Record::Event(event) = record
                    && let Some(row) = event.row.as_ref().filter(|it| it.relation.name.starts_with("boot."))
                {
                    found.push(format!("{} {} {}", row.relation.name, row.get("boot_id"), row.get("orderly")));
                }
            }
            assert_eq!(found.len(), 6, "{name}");
            assert_eq!(boots.get_or_insert_with(|| found.clone()), &found, "{name}");
        }
    }
}
