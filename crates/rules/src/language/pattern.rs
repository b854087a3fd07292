//! Regular expressions of signals: checked where somebody may have mistyped one, built where a line asks for it.
//!
//! Most signals of a pack never meet a line that holds one of their literals, and building an expression takes a hundred
//! times as long as reading it. For lines of ASCII, nearly all, it is built without the classes of all scripts, which takes
//! half the time; of such a line it says the same.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder, bytes};

/// A pattern longer than this is a list that belongs into several patterns.
const MOST_BYTES: usize = 4096;
/// What one pattern may take when it is built, and what its search may remember.
const MOST_MEMORY_BYTES: usize = 1 << 20;
const TOO_BIG: &str = "the pattern becomes too large when it is built (more than 1 MB): write `+` or `*` instead of counting high \
    (`{1,1000}`), `[a-z]` or `(?-u:\\w)` instead of `\\w` under a count";

fn built(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(MOST_MEMORY_BYTES).dfa_size_limit(2 * MOST_MEMORY_BYTES).build()
}

/// Where the highest count of a pattern stands: what makes one too large.
fn largest_repetition(text: &str) -> usize {
    let counts = text.match_indices('{').filter_map(|(at, _)| {
        let inside = text[at + 1..].split('}').next()?;
        let most = inside.split(',').filter_map(|it| it.trim().parse::<u64>().ok()).max()?;
        Some((most, at))
    });
    counts.max_by_key(|it| (it.0, std::cmp::Reverse(it.1))).map_or(0, |it| it.1)
}

/// A regular expression that is built when it is first needed, once for all its clones.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: Arc<str>,
    built: Arc<Built>,
}

#[derive(Debug, Default)]
struct Built {
    /// For lines of ASCII; none where it speaks of other scripts.
    ascii: OnceLock<Option<bytes::Regex>>,
    whole: OnceLock<Option<Regex>>,
    /// Where in the text its groups are named.
    names: OnceLock<Box<[Range<usize>]>>,
}

impl Pattern {
    /// One that is known to be sound; an unsound one matches nothing.
    pub(crate) fn trusted(text: &str) -> Pattern {
        Pattern { text: text.into(), built: Arc::default() }
    }

    /// One that is built at once, to see whether it is sound and small enough; if it is not, why and at which byte.
    pub(crate) fn checked(text: &str) -> Result<Pattern, (String, usize)> {
        if text.len() > MOST_BYTES {
            let why = format!(
                "a pattern of {} bytes, and {MOST_BYTES} are allowed; split it into several ways under `match`",
                text.len()
            );
            return Err((why, MOST_BYTES));
        }
        let regex = built(text).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => (TOO_BIG.to_owned(), largest_repetition(text)),
            error => (format!("not a regular expression: {error}"), 0),
        })?;
        let built = Built { whole: OnceLock::from(Some(regex)), ..Built::default() };
        Ok(Pattern { text: text.into(), built: Arc::new(built) })
    }

    /// As written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    fn whole(&self) -> Option<&Regex> {
        self.built.whole.get_or_init(|| built(&self.text).ok()).as_ref()
    }

    /// The expression for a text of ASCII.
    fn ascii(&self, text: &str) -> Option<&bytes::Regex> {
        let build = || {
            let mut builder = bytes::RegexBuilder::new(&self.text);
            builder.unicode(false).size_limit(MOST_MEMORY_BYTES).dfa_size_limit(2 * MOST_MEMORY_BYTES).build().ok()
        };
        if text.is_ascii() { self.built.ascii.get_or_init(build).as_ref() } else { None }
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self.ascii(text) {
            Some(ascii) => ascii.is_match(text.as_bytes()),
            None => self.whole().is_some_and(|it| it.is_match(text)),
        }
    }

    /// Where it fits first.
    pub(crate) fn place(&self, text: &str) -> Option<Range<usize>> {
        match self.ascii(text) {
            Some(ascii) => ascii.find(text.as_bytes()).map(|it| it.range()),
            None => self.whole()?.find(text).map(|it| it.range()),
        }
    }

    /// What its named groups hold, if it fits.
    pub(crate) fn captures<'t>(&self, text: &'t str) -> Option<Vec<(&str, &'t str)>> {
        if self.names().next().is_none() {
            return self.is_match(text).then(Vec::new);
        }
        let part = |name, range: Range<usize>| Some((name, text.get(range)?));
        Some(match self.ascii(text) {
            Some(ascii) => {
                let found = ascii.captures(text.as_bytes())?;
                self.names().filter_map(|name| part(name, found.name(name)?.range())).collect()
            }
            None => {
                let found = self.whole()?.captures(text)?;
                self.names().filter_map(|name| part(name, found.name(name)?.range())).collect()
            }
        })
    }

    /// The names of its groups, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let places = self.built.names.get_or_init(|| named(&self.text));
        places.iter().map(|it| &self.text[it.clone()])
    }
}

/// Where in an expression its groups are named, in order.
fn named(text: &str) -> Box<[Range<usize>]> {
    let bytes = text.as_bytes();
    let mut names = Vec::new();
    let (mut at, mut class) = (0, 0u32);
    while at < bytes.len() {
        let rest = &text[at..];
        let len = rest.chars().next().map_or(1, char::len_utf8);
        match bytes[at] {
            // whatever is escaped
            b'\\' => at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            b'[' => {
                (class, at) = (class + 1, at + 1);
                // a bracket at the beginning of a class stands for itself
                at += usize::from(bytes.get(at) == Some(&b'^'));
                at += usize::from(bytes.get(at) == Some(&b']'));
            }
            b']' => (class, at) = (class.saturating_sub(1), at + 1),
            b'(' if class == 0 => {
                let front = ["(?P<", "(?<"].into_iter().find(|it| rest.starts_with(it)).map_or(0, str::len);
                if front > 0
                    && let Some(end) = rest.find('>')
                {
                    names.push(at + front..at + end);
                }
                at += 1;
            }
            _ => at += len,
        }
    }
    names.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_the_expression_has() {
        for text in [
            r"plain (?:a|b) (c)",
            r"(?P<one>a)(?<two>b(?P<three>c))",
            r"\(?P<none>x\) (?P<one>[(?P<no>]+) \[(?P<two>x)\]",
            r"[^](?P<no>]*(?P<yes>\S+?/\d+)",
            r"[]a(?P<no>]x(?i)gr\u{fc}n(?P<e>f\u{fc}r)",
            r"(?x) (?P<a> [[:alpha:](?P<no>] )",
        ] {
            let regex = Regex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let expected: Vec<&str> = regex.capture_names().flatten().collect();
            assert_eq!(Pattern::trusted(text).names().collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_line_of_ascii_is_read_alike_by_both() {
        let patterns = [
            r"(?i)(?P<word>\w+) failed after (?P<number>\d+)(?P<rest>.*)$",
            r"\bpod\b[^\n]*(?P<name>[^\s:]+)",
            r"\p{Greek}+(?P<letter>\pL)?",
            "gr\u{fc}n|(?P<colour>green)",
            r"(?x) (?P<a> [[:alpha:]]{2,} ) \s (?-i:B)",
            r"[\w.-]+(?P<dot>.)\S\W\D",
        ];
        let lines = [
            "mount FAILED after 12 s",
            "pod a.b-c: green",
            "x",
            "",
            "ab B.\tz 9",
            "gr\u{fc}n failed after \u{664} \u{3b1}\u{3b2}",
        ];
        let mut fits = 0;
        for text in patterns {
            let regex = Regex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            for line in lines {
                let pattern = Pattern::trusted(text);
                let expected = regex.captures(line).map(|it| {
                    let named = regex.capture_names().flatten();
                    named.filter_map(|name| Some((name, it.name(name)?.as_str()))).collect::<Vec<_>>()
                });
                fits += usize::from(expected.is_some());
                assert_eq!(pattern.is_match(line), expected.is_some(), "{text}: {line}");
                assert_eq!(pattern.captures(line), expected, "{text}: {line}");
                assert_eq!(pattern.built.ascii.get().is_some(), line.is_ascii());
            }
        }
        assert!(fits >= 8, "{fits}");
    }

    #[test]
    fn one_that_is_not_sound_is_refused_where_it_is_checked_and_matches_nothing_elsewhere() {
        assert!(Pattern::checked("a(").is_err_and(|it| it.0.contains("unclosed group")));
        assert!(!Pattern::trusted("a(").is_match("a("));
        assert!(Pattern::trusted("a.c").is_match("xabcx"));
    }
    #[test]
    fn one_that_is_too_large_is_refused_with_the_count_that_makes_it_so() {
        let (why, at) = Pattern::checked(r"\d{4} (?:\w{1,40} ){1,5000}x").expect_err("is too large");
        assert!(why.contains("instead of counting high"), "{why}");
        assert_eq!(at, 19);
        let (why, at) = Pattern::checked(&"x".repeat(MOST_BYTES + 1)).expect_err("is too long");
        assert!(why.contains("4096 are allowed"), "{why}");
        assert_eq!(at, MOST_BYTES);
    }
}
