//! `journalctl -o verbose`: every field of every entry, for people.
//!
//! ```text
//! Sun 2020-06-14 13:14:31.000000 UTC [s=8d30…;i=1;b=281c…;m=649547b687;t=5a80b1734dbc0;x=…]
//!     _HOSTNAME=node-a
//!     SYSLOG_IDENTIFIER=kubelet
//!     MESSAGE=runtime: failed to create new OS thread (have 5 already; errno=11)
//!             fatal error: newosproc
//! ```
//!
//! The bracket is the cursor; it holds the boot and the time of reception exactly. A further line of a value is indented
//! to where the value began. Skipped: values shown as `[24B blob data]`, all fields but those that say who, where and
//! when. Time: the cursor's and the sender's, microseconds since the epoch.
//!
//! Source: `output_verbose` in `src/shared/logs-show.c` of systemd.

use timeline::{Carrier, MemberRecords};

use crate::log::fields::{self, Values};
use crate::log::{Log, Marker, head};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "journal-verbose",
    produced_by: "journalctl -o verbose",
    samples: &["Sun 2020-06-14 13:14:31.000000 UTC [s=8d30;i=1;b=281c2a66;m=649547b687;t=5a80b1734dbc0;x=1]\n    \
         _HOSTNAME=node-a\n    SYSLOG_IDENTIFIER=kubelet\n    MESSAGE=started\n"],
    recognizes,
    reading: Reading::Stream(open),
};

/// Bytes of one value, at most.
const VALUE_BYTES: usize = 64 * 1024;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let first = sniff.text.lines().filter(|it| !it.starts_with("-- ") && !it.trim().is_empty()).find_map(cursor);
    let field = || sniff.text.lines().any(|it| it.starts_with("    __REALTIME_TIMESTAMP=") || it.starts_with("    _"));
    if first.is_some() && field() { Certainty::Sure } else { Certainty::No }
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    let log = Log::new(origin, Carrier::Journal);
    Box::new(Verbose { log, values: Values::default(), quote: Default::default(), lines: 0, value: None })
}

/// `Sun 2020-06-14 13:14:31.000000 UTC [s=…;i=…]`: what stands between the brackets.
fn cursor(line: &str) -> Option<&str> {
    let (stamp, rest) = line.split_once(" [")?;
    let cursor = rest.strip_suffix(']')?;
    head::full_stamp(stamp).filter(|_| cursor.starts_with("s=") && cursor.contains(";t="))?;
    Some(cursor)
}

struct Verbose {
    log: Log,
    values: Values<String>,
    quote: (String, u64, u32),
    lines: u64,
    /// The field whose value may go on, and how far its further lines are indented.
    value: Option<(usize, usize)>,
}

impl Reader for Verbose {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.log.chunk(chunk);
        for line in chunk.lines() {
            self.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.end(out);
        self.log.finish(out);
    }
}

impl Verbose {
    fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        let text = head::plain(line.text);
        let text: &str = &text;
        if let Some(cursor) = cursor(text) {
            self.end(out);
            self.values[fields::CURSOR] = Some(cursor.to_owned());
            self.quote = (line.text.to_owned(), line.start, line.number);
            self.lines = 1;
        } else if text.trim().is_empty() {
            // a blank line inside a value is indented; one between entries is not
        } else if self.lines > 0
            && let Some(more) = self.further(text)
        {
            self.lines += 1;
            if let Some((at, _)) = self.value
                && let Some(Some(value)) = self.values.get_mut(at)
                && value.len() + more.len() < VALUE_BYTES
            {
                value.push('\n');
                value.push_str(more);
            }
        } else if self.lines > 0
            && let Some((name, value)) = field(text)
        {
            self.lines += 1;
            let place = fields::place(name);
            self.value = Some((place.unwrap_or(usize::MAX), 4 + name.len() + 1));
            if let Some(at) = place.filter(|it| self.values[*it].is_none()) {
                self.values[at] = Some(value.to_owned());
                if name == "MESSAGE" {
                    self.quote = (line.text.to_owned(), line.start, line.number);
                }
            }
        } else if text == "-- No entries --" {
            self.log.marker(Marker::NoEntries, line, out);
        } else {
            out.tally.lines += 1;
            // headers and boot markers; every entry carries its boot itself
            match text.starts_with("-- ") {
                true => out.tally.understood += 1,
                false => out.tally.odd_bytes += line.text.len() as u64,
            }
        }
    }

    /// A further line of the value before, without its indentation.
    fn further<'t>(&self, text: &'t str) -> Option<&'t str> {
        let (_, indent) = self.value?;
        let front = text.as_bytes().get(..indent)?;
        front.iter().all(|it| *it == b' ').then(|| &text[indent..])
    }

    /// The entry is complete.
    fn end(&mut self, out: &mut MemberRecords) {
        let lines = std::mem::take(&mut self.lines);
        self.value = None;
        if lines == 0 {
            return;
        }
        let values = std::mem::take(&mut self.values);
        let line = Line { text: &self.quote.0, start: self.quote.1, number: self.quote.2 };
        fields::hand_over_lines(|at| values[at].as_deref(), line, lines, &mut self.log, out);
    }
}

/// `    _HOSTNAME=node-a`
fn field(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix("    ")?.split_once('=')?;
    fields::is_name(name.as_bytes()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use timeline::{MemberId, Record};

    use super::*;
    use crate::read;

    #[test]
    #[allow(clippy::print_stderr)]
    fn verbose_says_what_the_export_says() {
        let oracle =
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/journal/synthetic-oracle"));
        if !oracle.is_dir() {
            eprintln!("SKIPPED: {} is not here", oracle.display());
            return;
        }
        let origin = Origin { member: MemberId(0), path: "x".into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES };
        let shown = |records: &MemberRecords| {
            let mut lines = Vec::new();
            for record in &records.records {
                if let Record::Event(event) = record {
                    // what is printed of messages differs: tabs, blobs, cuts
                    let first: String = event.message.chars().take(12).take_while(|it| !it.is_control()).collect();
                    let row = event.row.as_ref().map(|it| it.relation.name);
                    lines.push((event.stamp, event.unit.clone(), event.pid, event.severity, row, first));
                }
            }
            lines
        };
        let mut same = 0;
        for version in ["v247", "v252", "v257", "v262"] {
            let Ok(text) = std::fs::read_to_string(oracle.join(format!("journalctl-{version}/verbose.txt"))) else { continue };
            let sniff = Sniff { path: "x.txt", text: &text, bytes: text.as_bytes(), whole: true };
            assert_eq!(crate::identify(&sniff).map(|it| it.name), Some("journal-verbose"));
            let records = read(&FORMAT, &origin, &text, 1 << 20);
            assert_eq!(records.seen.iter().map(|it| it.lines).sum::<u64>(), 57, "{version}");
            assert_eq!(records.tally.lines, records.tally.understood, "{version}");
            assert_eq!(read(&FORMAT, &origin, &text, 1).records, records.records);
            let json = std::fs::read_to_string(oracle.join(format!("journalctl-{version}/json.all.txt"))).expect("text");
            let json = read(&crate::journal_json::FORMAT, &origin, &json, 1 << 20);
            let (ours, theirs) = (shown(&records), shown(&json));
            assert_eq!(ours.len(), theirs.len(), "{version}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert_eq!((&ours.0, &ours.1, ours.2, ours.3, ours.4), (&theirs.0, &theirs.1, theirs.2, theirs.3, theirs.4));
                same += usize::from(ours.5 == theirs.5);
            }
        }
        assert!(same >= 4 * 45, "{same} messages agree");
    }
}
