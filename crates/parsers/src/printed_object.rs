//! A JSON object that is printed over several lines of a log.

use timeline::MemberRecords;

use crate::Line;

/// An object longer than this is none.
const MOST_BYTES: usize = 16 << 20;

/// The lines of an object so far.
pub(crate) struct PrintedObject {
    pub(crate) text: String,
    /// The line to quote: its message's, else its first.
    quote: (String, u64, u32),
    /// Those that are not blank.
    pub(crate) lines: u64,
}

impl PrintedObject {
    /// Its first line, whose part that belongs to it is `text`.
    pub(crate) fn begin(line: &Line<'_>, text: &str) -> PrintedObject {
        PrintedObject { text: text.to_owned(), quote: (line.text.to_owned(), line.start, line.number), lines: 1 }
    }

    /// Adds its next line; it is the one to quote where it begins with one of these keys.
    pub(crate) fn add(&mut self, line: &Line<'_>, text: &str, keys: &[&str]) {
        self.text.push('\n');
        self.text.push_str(text);
        self.lines += u64::from(!text.trim().is_empty());
        if keys.iter().any(|it| text.trim_start().starts_with(it)) {
            self.quote = (line.text.to_owned(), line.start, line.number);
        }
    }

    /// Whether it is too long to be one.
    pub(crate) fn is_full(&self) -> bool {
        self.text.len() > MOST_BYTES
    }

    /// The line to quote.
    pub(crate) fn line(&self) -> Line<'_> {
        Line { text: &self.quote.0, start: self.quote.1, number: self.quote.2 }
    }

    /// Counts its lines as not understood.
    pub(crate) fn give_up(self, out: &mut MemberRecords) {
        out.tally.lines += self.lines;
        out.tally.odd_bytes += self.text.len() as u64;
    }
}
