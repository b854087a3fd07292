//! Paths as we present them: relative, printable, unique, bounded.
//!
//! ```text
//! ./a//b       a/b
//! /etc/passwd  etc/passwd
//! ../../x      x            odd: parent
//! caf\xe9      caf\xe9      odd: not UTF-8 (four characters, so that distinct names stay distinct)
//! ```

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Oddity;

/// The paths of one container.
pub(super) struct Names {
    prefix: String,
    limit_bytes: usize,
    /// By hash, because a million paths weigh more than the rest of us; a collision costs a needless ` (2)`.
    seen: HashMap<u64, u32>,
}

impl Names {
    /// `prefix` is put before every path: empty, or `outer.tar!/`.
    pub(super) fn new(prefix: String, limit_bytes: usize) -> Self {
        Names { prefix, limit_bytes, seen: HashMap::new() }
    }

    /// The path under which `raw` is presented, and what had to be done to it.
    pub(super) fn present(&mut self, raw: &[u8]) -> (String, Vec<Oddity>) {
        let (clean, mut odd) = clean(raw);
        let mut path = format!("{}{clean}", self.prefix);
        if cut(&mut path, self.limit_bytes) {
            odd.push(Oddity::TooLong);
        }
        let count = self.seen.entry(hash(&path)).and_modify(|count| *count = count.saturating_add(1)).or_insert(1);
        let mut number = *count;
        if number > 1 {
            odd.push(Oddity::Duplicate);
            let base = hash(&path);
            path = loop {
                let numbered = format!("{path} ({number})");
                if self.seen.insert(hash(&numbered), 1).is_none() || number == u32::MAX {
                    break numbered;
                }
                number += 1;
            };
            self.seen.insert(base, number); // the next one need not try these again
        }
        (path, odd)
    }
}

fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new(); // fixed keys: the same bundle gives the same paths
    path.hash(&mut hasher);
    hasher.finish()
}

fn clean(raw: &[u8]) -> (String, Vec<Oddity>) {
    let mut odd = Vec::new();
    let parts = raw.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let mut path = String::with_capacity(raw.len());
    for part in parts {
        if part == b".." {
            odd.push(Oddity::Parent);
            continue;
        }
        if !path.is_empty() {
            path.push('/');
        }
        escape(part, &mut path, &mut odd);
    }
    if path.is_empty() {
        path.push_str("unnamed");
        odd.push(Oddity::Unnamed);
    }
    odd.dedup();
    (path, odd)
}

/// Text that can be printed on one line of a terminal, whatever the bytes.
pub(super) fn printable(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    escape(raw, &mut text, &mut Vec::new());
    text
}

fn escape(raw: &[u8], text: &mut String, odd: &mut Vec<Oddity>) {
    let mut note = |oddity| {
        if !odd.contains(&oddity) {
            odd.push(oddity);
        }
    };
    for chunk in raw.utf8_chunks() {
        for letter in chunk.valid().chars() {
            // besides control characters those that turn the direction of writing: they make a name look like another
            if letter.is_control()
                || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                note(Oddity::Control);
                let _ = write!(text, "{}", letter.escape_default());
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            note(Oddity::NotUtf8);
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
}

/// Shortens `text` to `limit_bytes`, between characters.
pub(super) fn cut(text: &mut String, limit_bytes: usize) -> bool {
    let long = text.len() > limit_bytes;
    if long {
        let end = (0..=limit_bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_take_the_numbers_first_cost_no_more() {
        let mut names = Names::new(String::new(), 4096);
        for number in 2..100_000 {
            names.present(format!("a ({number})").as_bytes());
        }
        let last = (0..100_000).map(|_| names.present(b"a").0).last();
        assert_eq!(last.as_deref(), Some("a (199998)"));
    }

    #[test]
    fn paths_are_relative_printable_unique_and_bounded() {
        let mut names = Names::new("x.tar!/".to_owned(), 32);
        let mut present = |raw: &[u8]| names.present(raw);
        assert_eq!(present(b"./a//b"), ("x.tar!/a/b".to_owned(), vec![]));
        assert_eq!(present(b"/a/b"), ("x.tar!/a/b (2)".to_owned(), vec![Oddity::Duplicate]));
        assert_eq!(present(b"a/b (2)"), ("x.tar!/a/b (2) (2)".to_owned(), vec![Oddity::Duplicate]));
        assert_eq!(present(b"a/b").0, "x.tar!/a/b (3)");
        assert_eq!(present(b"../../c"), ("x.tar!/c".to_owned(), vec![Oddity::Parent]));
        assert_eq!(present(b"caf\xe9"), ("x.tar!/caf\\xe9".to_owned(), vec![Oddity::NotUtf8]));
        assert_eq!(present(b"caf\xe8").0, "x.tar!/caf\\xe8");
        assert_eq!(present(b"a\x1b[2J\n"), ("x.tar!/a\\u{1b}[2J\\n".to_owned(), vec![Oddity::Control]));
        assert_eq!(present("\u{202e}gol".as_bytes()).0, "x.tar!/\\u{202e}gol");
        assert_eq!(present(b"./"), ("x.tar!/unnamed".to_owned(), vec![Oddity::Unnamed]));
        assert_eq!(present(b"systemd-\\x2d.service").0, "x.tar!/systemd-\\x2d.service");
        let long = present("é".repeat(40).as_bytes());
        assert_eq!((long.0.len(), long.1), (31, vec![Oddity::TooLong]));
    }
}
