//! Line numbers for parts of a text, counted from the part before: linear where parts come roughly in order.

use timeline::{Quote, Span};

use crate::Input;

/// Counts lines from wherever it counted last.
pub(crate) struct Places<'t> {
    member: timeline::MemberId,
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Places<'t> {
    /// From the beginning of the member.
    pub(crate) fn of(input: &Input<'t>) -> Places<'t> {
        Places { member: input.origin.member, text: input.text, at: 0, line: 1 }
    }

    /// Offset of a part of the text.
    pub(crate) fn start(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }

    /// The line a part of the text begins in.
    pub(crate) fn line(&mut self, part: &str) -> u32 {
        let to = self.start(part);
        let count = |from: usize, to: usize| memchr::memchr_iter(b'\n', &self.text.as_bytes()[from..to]).count() as u32;
        self.line = if to >= self.at { self.line + count(self.at, to) } else { self.line - count(to, self.at) };
        self.at = to;
        self.line
    }

    /// A part of the text as a quote.
    pub(crate) fn quote(&mut self, part: &str) -> Quote {
        let (start, line) = (self.start(part) as u64, self.line(part));
        Quote { span: Span { member: self.member, start, len: part.len() as u32, line }, text: part.into() }
    }
}
