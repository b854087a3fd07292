//! A line and its message, kept in buffers that are used again.

use crate::Line;

/// A line that may be needed later. A message that stands in it is not copied once more.
#[derive(Default)]
pub(super) struct Kept {
    line: String,
    pub(super) start: u64,
    pub(super) number: u32,
    /// Where in the line the message stands; none: it is in `own`.
    place: Option<(u32, u32)>,
    own: String,
}

impl Clone for Kept {
    fn clone(&self) -> Kept {
        let mut kept = Kept::default();
        kept.clone_from(self);
        kept
    }

    fn clone_from(&mut self, other: &Kept) {
        self.line.clone_from(&other.line);
        self.own.clone_from(&other.own);
        (self.start, self.number, self.place) = (other.start, other.number, other.place);
    }
}

impl Kept {
    pub(super) fn set(&mut self, line: &Line<'_>, message: &str) {
        self.line.clear();
        self.line.push_str(line.text);
        (self.start, self.number) = (line.start, line.number);
        self.place = within(line.text, message);
        if self.place.is_none() {
            self.own.clear();
            self.own.push_str(message);
        }
    }

    /// The line as it stands.
    pub(super) fn line(&self) -> Line<'_> {
        Line { text: &self.line, start: self.start, number: self.number }
    }

    pub(super) fn message(&self) -> &str {
        match self.place {
            Some((start, end)) => &self.line[start as usize..end as usize],
            None => &self.own,
        }
    }

    /// Adds a line to the message.
    pub(super) fn grow(&mut self, text: &str) {
        if let Some((start, end)) = self.place.take() {
            self.own.clear();
            self.own.push_str(&self.line[start as usize..end as usize]);
        }
        self.own.push('\n');
        self.own.push_str(text);
    }
}

/// Whether a text is a part of this very line, not one that reads alike.
pub(super) fn stands_in(part: &str, line: &str) -> bool {
    within(line, part).is_some()
}

/// Where in a text a part of it stands, if it is one.
pub(super) fn within(text: &str, part: &str) -> Option<(u32, u32)> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let end = start.checked_add(part.len()).filter(|it| *it <= text.len())?;
    // an empty part of another text may lie anywhere; one with letters holds whole ones
    let whole = start < end || text.is_char_boundary(start);
    whole.then_some((start as u32, end as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_same_in_its_line_and_beside_it() {
        let text = "Jun 14 13:14:31 node-a app[1]: gr\u{fc}n";
        let line = Line { text, start: 7, number: 3 };
        let mut kept = Kept::default();
        for message in [&text[31..], "decoded \"text\"", "", &text[..0], text] {
            kept.set(&line, message);
            assert_eq!((kept.message(), kept.line()), (message, line));
            kept.grow("more");
            kept.grow("");
            assert_eq!((kept.message(), kept.line()), (format!("{message}\nmore\n").as_str(), line));
        }
    }
}
