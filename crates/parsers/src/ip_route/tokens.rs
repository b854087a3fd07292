//! Words with their places, read on demand: a routing table may have a million lines.

use std::collections::VecDeque;

use crate::Line;

/// A word of the dump.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    /// The word, without colour escapes.
    pub(super) text: &'t str,
    /// Offset of its first byte.
    pub(super) start: usize,
    /// Offset behind its last byte.
    pub(super) end: usize,
    /// Line, from 1.
    pub(super) line: u32,
    /// Whether it begins its line, apart from quote marks and bullets.
    pub(super) first: bool,
    /// Whether its line is indented.
    pub(super) indented: bool,
}

/// The words of a text, with a look ahead of a few.
pub(super) struct Tokens<'t> {
    text: &'t str,
    /// Offset of the next line that was not taken apart yet.
    next_line: usize,
    line: u32,
    /// What is left of a line: its bounds, and whether a word of it was handed out.
    rest: (usize, usize),
    begun: bool,
    indented: bool,
    ahead: VecDeque<Token<'t>>,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str) -> Tokens<'t> {
        Tokens { text, next_line: 0, line: 0, rest: (0, 0), begun: false, indented: false, ahead: VecDeque::new() }
    }

    /// The word `at` places ahead.
    pub(super) fn peek(&mut self, at: usize) -> Option<Token<'t>> {
        while self.ahead.len() <= at {
            if !self.fill() {
                return None;
            }
        }
        self.ahead.get(at).copied()
    }

    /// Takes the next word.
    pub(super) fn take(&mut self) -> Option<Token<'t>> {
        self.peek(0)?;
        self.ahead.pop_front()
    }

    /// Passes over some words.
    pub(super) fn skip(&mut self, words: usize) {
        for _ in 0..words {
            self.take();
        }
    }

    /// Reads one more word into the look-ahead.
    fn fill(&mut self) -> bool {
        loop {
            if let Some((from, to)) = self.word() {
                let text = &self.text[from..to];
                if !self.begun && is_decoration(text) {
                    continue;
                }
                let token = Token { text, start: from, end: to, line: self.line, first: !self.begun, indented: self.indented };
                self.begun = true;
                // iproute2 4.1 to 4.10 print `nexthopvia inet6 fd00:10::1`
                if text == "nexthopvia" {
                    let middle = from + "nexthop".len();
                    self.ahead.push_back(Token { text: "nexthop", end: middle, ..token });
                    self.ahead.push_back(Token { text: "via", start: middle, first: false, ..token });
                } else {
                    self.ahead.push_back(token);
                }
                return true;
            }
            if self.next_line >= self.text.len() {
                return false;
            }
            let bytes = self.text.as_bytes();
            let from = self.next_line;
            let to = memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |it| from + it);
            self.next_line = to + 1;
            self.line += 1;
            self.rest = (from, to);
            self.begun = false;
            self.indented = bytes.get(from).is_some_and(|it| matches!(it, b' ' | b'\t'));
        }
    }

    /// Bounds of the next word of the line at hand.
    fn word(&mut self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let (mut at, end) = self.rest;
        while at < end {
            match blank(&bytes[at..end]) {
                0 => break,
                length => at += length,
            }
        }
        let from = at;
        while at < end && blank(&bytes[at..end]) == 0 {
            at += 1;
        }
        self.rest = (at, end);
        (from < at).then_some((from, at))
    }
}

/// How many bytes of blank lie here: white space, the `\` of `ip -o`, an escaped line end, a colour of `ip -c`.
fn blank(bytes: &[u8]) -> usize {
    match bytes {
        [b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c', ..] => 1,
        [b'\\', b'n' | b't' | b'r', ..] => 2,
        [b'\\', ..] => 1,
        [0x1b, b'[', rest @ ..] => {
            let body = rest.iter().take(16).take_while(|it| matches!(it, b'0'..=b'9' | b';')).count();
            2 + body + usize::from(rest.get(body).is_some_and(u8::is_ascii_alphabetic))
        }
        _ => 0,
    }
}

/// Quote marks, bullets and code fences before a line.
fn is_decoration(word: &str) -> bool {
    matches!(word, ">" | "*" | "-" | "•" | "|" | ">>" | "+") || word.starts_with("```")
}

/// The first word of a line, as [`Tokens`] would give it, and whether the line is indented.
pub(super) fn first_word<'t>(line: &Line<'t>) -> Option<(&'t str, bool)> {
    let mut tokens = Tokens::new(line.text);
    tokens.peek(0).map(|it| (it.text, it.indented))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(&str, u32, bool)> {
        let mut tokens = Tokens::new(text);
        std::iter::from_fn(|| tokens.take().map(|it| (it.text, it.line, it.first))).collect()
    }

    #[test]
    fn words_lie_where_they_say() {
        let text = "> default  via\r\n\t\x1b[36m10.0.0.1\x1b[0m dev\\\tnexthopvia x\\n*";
        let mut tokens = Tokens::new(text);
        while let Some(token) = tokens.take() {
            assert_eq!(&text[token.start..token.end], token.text);
        }
        insta::assert_compact_debug_snapshot!(words(text), @r#"[("default", 1, true), ("via", 1, false), ("10.0.0.1", 2, true), ("dev", 2, false), ("nexthop", 2, false), ("via", 2, false), ("x", 2, false), ("*", 2, false)]"#);
    }

    #[test]
    fn a_colour_that_is_cut_ends_quietly() {
        assert_eq!(words("a\x1b["), [("a", 1, true)]);
        assert_eq!(words("a\x1b[3"), [("a", 1, true)]);
        assert_eq!(words("a\x1b[3é"), [("a", 1, true), ("é", 1, false)]);
        assert_eq!(words("ü\x1b[3mé"), [("ü", 1, true), ("é", 1, false)]);
    }
}
