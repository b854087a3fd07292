//! Lines with their places.

/// One line without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'t> {
    /// The text, without `\n` and without a `\r` before it.
    pub text: &'t str,
    /// Offset of its first byte in the member.
    pub start: u64,
    /// Number in the member, from 1.
    pub number: u32,
}

/// Splits at `\n` only: a carriage return or a vertical tab inside a message ends no line.
///
/// NULs in front of a line are no part of it: a file system that lost power leaves them where the file had grown and its
/// content had not been saved, and the first line of the next boot stands behind them.
pub fn lines(text: &str, start: u64, number: u32) -> impl Iterator<Item = Line<'_>> {
    cut(text, memchr::memchr_iter(b'\n', text.as_bytes()), start, number)
}

/// The same where it is told where lines end.
#[inline]
pub(crate) fn cut<'t>(
    text: &'t str,
    mut ends: impl Iterator<Item = usize>,
    start: u64,
    number: u32,
) -> impl Iterator<Item = Line<'t>> {
    let (mut at, mut number) = (0, number);
    std::iter::from_fn(move || {
        if at >= text.len() {
            return None;
        }
        let end = ends.next().unwrap_or(text.len());
        let line = &text[at..end];
        let bare = if line.starts_with('\0') { line.trim_start_matches('\0') } else { line };
        let lost = line.len() - bare.len();
        let found = Line { text: bare.strip_suffix('\r').unwrap_or(bare), start: start + (at + lost) as u64, number };
        (at, number) = (end + 1, number + 1);
        Some(found)
    })
}

/// A line that stands for lines somebody left out: `...`, `[...]`, `…`, `<snip>`, `(output omitted)`.
///
/// Of a listing that holds one nobody can say what it does not hold.
pub(crate) fn is_elision(line: &str) -> bool {
    let bare = line.trim().trim_matches(['[', ']', '(', ')', '<', '>', '-', '*', '#', ' ']).to_ascii_lowercase();
    let dots = |it: &str| !it.is_empty() && it.chars().all(|it| matches!(it, '.' | '…')) && (it.len() >= 2);
    dots(&bare)
        || bare.starts_with("...") && bare.ends_with("...")
        || matches!(
            bare.as_str(),
            "snip" | "snipped" | "cut" | "omitted" | "truncated" | "output omitted" | "output truncated"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_hold_across_carriage_returns_and_blank_lines() {
        let text = "a\r\n\nb\rc\nd";
        let found: Vec<_> = lines(text, 100, 7).map(|it| (it.text, it.start, it.number)).collect();
        assert_eq!(found, [("a", 100, 7), ("", 103, 8), ("b\rc", 104, 9), ("d", 108, 10)]);
    }

    #[test]
    fn a_line_begins_behind_what_was_never_saved() {
        let text = "a\n\0\0\0b\0c\r\n\0\0\nd";
        let found: Vec<_> = lines(text, 10, 1).map(|it| (it.text, it.start, it.number)).collect();
        assert_eq!(found, [("a", 10, 1), ("b\0c", 15, 2), ("", 22, 3), ("d", 23, 4)]);
    }

    #[test]
    fn dots_and_snips() {
        for line in ["...", "  [...]", "…", "<snip>", "--- snip ---", "(output omitted)", "... 12 more ..."] {
            assert!(is_elision(line), "{line}");
        }
        for line in ["", "-", "a...", "1.5", "[x]", "---", "."] {
            assert!(!is_elision(line), "{line}");
        }
    }
}
