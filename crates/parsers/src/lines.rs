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
pub fn lines(text: &str, start: u64, number: u32) -> impl Iterator<Item = Line<'_>> {
    let mut rest = text;
    let (mut start, mut number) = (start, number);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, next) = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        let found = Line { text: line.strip_suffix('\r').unwrap_or(line), start, number };
        start += (rest.len() - next.len()) as u64;
        number += 1;
        rest = next;
        Some(found)
    })
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
}
