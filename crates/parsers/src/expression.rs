//! Regular expressions of formats.

use regex::Regex;

/// Builds one in which `\\d`, `\\w`, `\\s` and `\\b` mean ASCII, as machines write it: those of all scripts take several times as long
/// to build, and most expressions meet a few lines.
///
/// # Panics
///
/// If it is no expression: they are constants.
pub(crate) fn expression(pattern: &str) -> Regex {
    Regex::new(&ascii(pattern)).expect("a constant pattern")
}

/// The pattern with classes of ASCII.
fn ascii(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len() + 32);
    let mut chars = pattern.chars();
    while let Some(it) = chars.next() {
        if it != '\\' {
            plain.push(it);
            continue;
        }
        match chars.next() {
            Some('d') => plain.push_str("[0-9]"),
            Some('w') => plain.push_str("[0-9A-Za-z_]"),
            Some('s') => plain.push_str("[\\t-\\r ]"),
            Some('b') => plain.push_str("(?-u:\\b)"),
            other => plain.extend(['\\'].into_iter().chain(other)),
        }
    }
    plain
}

/// A table of expressions, of which only those are built whose words a text holds.
pub(crate) struct Table<T: 'static, const N: usize> {
    /// Words one of which stands in whatever the expression fits, parted by bars; the expression; and what it says.
    pub(crate) rows: [(&'static str, &'static str, T); N],
    built: [std::sync::OnceLock<Regex>; N],
}

impl<T, const N: usize> Table<T, N> {
    pub(crate) const fn of(rows: [(&'static str, &'static str, T); N]) -> Table<T, N> {
        Table { rows, built: [const { std::sync::OnceLock::new() }; N] }
    }

    /// The first expression that fits, and what it says.
    pub(crate) fn first(&self, text: &str) -> Option<(&Regex, &T)> {
        let holds = |words: &str| words.split('|').any(|it| text.contains(it));
        self.rows.iter().zip(&self.built).find_map(|((words, pattern, says), built)| {
            let regex = || built.get_or_init(|| expression(pattern));
            (holds(words) && regex().is_match(text)).then(|| (regex(), says))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_ascii() {
        let of = |pattern: &str, text: &str| expression(pattern).is_match(text);
        assert!(of(r"^\d+ \w+\s\S+\b$", "12 a_B\tx.y"));
        assert!(of(r"^[\w.-]+[^\d]\\d\[$", r"a.b-9x\d["));
        for (pattern, text) in [(r"^\d$", "\u{664}"), (r"^\w$", "\u{e4}"), (r"\s", "\u{a0}")] {
            assert!(Regex::new(pattern).is_ok_and(|it| it.is_match(text)) && !of(pattern, text), "{pattern}");
        }
    }

    #[test]
    fn the_first_that_fits_is_found_by_its_words() {
        let table = Table::of([("one|two", "^(?:one|two)$", 0), ("o", "o", 1), ("never", "t", 2)]);
        let says = |text: &&str| table.first(text).map(|it| *it.1);
        let found: Vec<Option<usize>> = ["two", "one two", "three"].iter().map(says).collect();
        assert_eq!(found, [Some(0), Some(1), None]);
        assert!(table.built[2].get().is_none(), "its word was not there");
    }
}
