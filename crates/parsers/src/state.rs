//! What parsers of state files share: line by line, perhaps a fact a line, everything counted.

use timeline::{Collected, Fact, MemberRecords, Record, Relation, Row, Stamp};

use crate::lines::is_elision;
use crate::{Chunk, Input, Line};

/// Rows of one relation from one file; a list is evidence, not a copy of the node.
const MOST_ROWS: usize = 20_000;

/// The facts of one file.
pub(crate) struct State<'i, 't, 'o> {
    /// The file.
    pub(crate) input: &'i Input<'t>,
    out: &'o mut MemberRecords,
    elided: bool,
    rows: usize,
}

impl<'i, 't, 'o> State<'i, 't, 'o> {
    /// Nothing read yet.
    pub(crate) fn of(input: &'i Input<'t>, out: &'o mut MemberRecords) -> State<'i, 't, 'o> {
        State { input, out, elided: false, rows: 0 }
    }

    /// Hands every line that is not blank to `read`, which says whether it understood it.
    pub(crate) fn each(&mut self, mut read: impl FnMut(&mut State<'i, 't, 'o>, &Line<'t>) -> bool) {
        for line in self.input.lines().filter(|it| !it.text.trim().is_empty()) {
            let understood = read(self, &line);
            self.count(&line, understood);
        }
    }

    /// Counts a line.
    pub(crate) fn count(&mut self, line: &Line<'t>, understood: bool) {
        self.out.tally.lines += 1;
        if understood {
            self.out.tally.understood += 1;
        } else {
            self.out.tally.odd_bytes += line.text.len() as u64;
            self.elided |= is_elision(line.text);
        }
    }

    /// A fact a line states.
    pub(crate) fn push(&mut self, row: Row, line: &Line<'t>) {
        self.push_at(row, line, Stamp::None);
    }

    /// A fact a line states, with its instant.
    pub(crate) fn push_at(&mut self, row: Row, line: &Line<'t>, stamp: Stamp) {
        let origin = self.input.origin;
        self.fact(Fact::new(row, origin.node.clone(), origin.quote(line)), stamp);
    }

    /// A fact with a place of its own.
    pub(crate) fn fact(&mut self, fact: Fact, stamp: Stamp) {
        self.rows += 1;
        if self.rows <= MOST_ROWS {
            self.out.records.push(Record::Fact(Box::new(fact), stamp));
        }
    }

    /// Something that could not be read.
    pub(crate) fn issue(&mut self, line: u32, what: impl Into<String>) {
        self.out.issue(self.input.origin.member, line, what);
    }

    /// The file is a collection of this relation, as whole as it can be seen to be.
    pub(crate) fn collected(&mut self, relation: &'static Relation) {
        let incomplete = match () {
            () if self.input.truncated => Some("the file is cut off".to_owned()),
            () if self.elided => Some("lines are left out".to_owned()),
            () if self.rows > MOST_ROWS => Some(format!("only the first {MOST_ROWS} rows are kept")),
            () => None,
        };
        self.collected_but(relation, incomplete);
    }

    /// The file is a collection of this relation, with what is missing of it.
    pub(crate) fn collected_but(&mut self, relation: &'static Relation, incomplete: Option<String>) {
        let origin = self.input.origin;
        let node = origin.node.clone().filter(|_| relation.per_node);
        self.out.collected.push(Collected { relation: relation.name, node, incomplete, member: origin.member });
    }
}

/// Counts the lines of a chunk that are not blank; `read` says whether it understood one.
pub(crate) fn count_lines<'t>(chunk: &Chunk<'t>, out: &mut MemberRecords, mut read: impl FnMut(&Line<'t>) -> bool) {
    for line in chunk.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        if read(&line) {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
    }
}

/// The words of a line.
pub(crate) fn words(line: &str) -> std::str::SplitAsciiWhitespace<'_> {
    line.split_ascii_whitespace()
}

/// Whether the line begins with these words.
pub(crate) fn begins(line: &str, with: &[&str]) -> bool {
    words(line).take(with.len()).eq(with.iter().copied())
}

/// The first line that is not blank.
pub(crate) fn first_line(text: &str) -> Option<&str> {
    text.lines().find(|it| !it.trim().is_empty())
}

/// Whether a word is a plain whole number.
pub(crate) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|it| it.is_ascii_digit())
}

/// `4026036`, `3.8G`, `15Gi`, `123Mi`, `512kB`: bytes, where a bare number counts `unit` bytes.
pub(crate) fn bytes_of(cell: &str, unit: i64) -> Option<i64> {
    let digits = cell.bytes().take_while(|it| it.is_ascii_digit() || *it == b'.').count();
    let (number, suffix) = cell.split_at(digits);
    let suffix = suffix.trim_end_matches('B').trim_end_matches('i');
    let scale: f64 = match suffix {
        "" if cell.len() == digits => return number.parse::<i64>().ok()?.checked_mul(unit),
        "" => 1.0,
        "K" | "k" => 1024.0,
        "M" => 1_048_576.0,
        "G" => 1_073_741_824.0,
        "T" => 1_099_511_627_776.0,
        "P" => 1_125_899_906_842_624.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * scale;
    (bytes.is_finite() && bytes < 9e18).then_some(bytes as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_people_read() {
        for (cell, bytes) in
            [("7", 7168), ("3.8G", 4_080_218_931), ("15Gi", 16_106_127_360), ("512kB", 524_288), ("9B", 9)]
        {
            assert_eq!(bytes_of(cell, 1024), Some(bytes), "{cell}");
        }
        for cell in ["-", "", "G", "1.2.3G", "12Q"] {
            assert_eq!(bytes_of(cell, 1), None, "{cell}");
        }
    }
}
