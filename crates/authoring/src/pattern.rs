//! What is common to some messages, as a literal to find them by and an expression to know them by.

use regex::Regex;

/// What messages of one kind have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    regex: String,
    literal: String,
    words: Vec<String>,
}

/// A piece of a message: a word, or what lies between words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Gap(&'static str),
}

/// Shorter ones find too much.
const SHORTEST_LITERAL: usize = 5;

/// Whether two messages say the same with other names and numbers: most of their words agree.
pub(crate) fn similar(a: &str, b: &str) -> bool {
    let (a, b) = (words(a), words(b));
    let common = longest_common(&a, &b).len();
    2 * common > a.len().max(b.len())
}

impl Pattern {
    /// `None` where nothing is left that could find such a message.
    pub(crate) fn of(messages: &[&str]) -> Option<Pattern> {
        let mut common = words(messages.first()?);
        let mut elided = false;
        for message in &messages[1..] {
            let next = words(message);
            let kept = longest_common(&common, &next);
            elided |= kept.len() < common.len() || kept.len() < next.len();
            common = kept;
        }
        let pieces = pieces(&common, messages, elided);
        let literal = literals(&pieces).into_iter().max_by_key(String::len)?;
        if literal.trim().len() < SHORTEST_LITERAL {
            return None;
        }
        let regex = pieces.iter().fold(String::new(), |regex, it| match it {
            Piece::Text(text) => regex + &regex::escape(text).replace("\\-", "-").replace("\\#", "#"),
            Piece::Gap(gap) => regex + gap,
        });
        let ends = |it: &str| {
            it.len()
                - [r"\S+", r"\s+", r"\d+", ".*", " "].iter().find(|end| it.ends_with(*end)).map_or(0, |it| it.len())
        };
        let mut regex = regex.as_str();
        while ends(regex) < regex.len() {
            regex = &regex[..ends(regex)];
        }
        let regex = regex.to_owned();
        let compiled = Regex::new(&regex).ok()?;
        let finds = messages.iter().all(|it| compiled.is_match(it) && it.contains(&literal));
        finds.then_some(Pattern { regex, literal, words: common })
    }

    pub(crate) fn regex(&self) -> &str {
        &self.regex
    }

    pub(crate) fn literal(&self) -> &str {
        &self.literal
    }

    /// A name from its first telling words: `nf-conntrack-table-full`.
    pub(crate) fn name(&self) -> String {
        let plain = |word: &String| -> String {
            let kept = word.chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' });
            kept.collect::<String>().trim_matches('-').to_owned()
        };
        let mut names: Vec<String> =
            self.words.iter().filter(|it| gap(it).is_none()).map(plain).filter(|it| it.len() > 1).collect();
        names.dedup();
        names.truncate(4);
        let name = names.join("-");
        name.trim_start_matches(|it: char| !it.is_ascii_lowercase()).split("--").collect::<Vec<_>>().join("-")
    }

    /// A text that holds the literal's first half only.
    pub(crate) fn near_miss(&self) -> String {
        let half = self.literal.chars().take(self.literal.chars().count() / 2).collect::<String>();
        format!("{} and then something else", half.trim_end())
    }
}

fn words(message: &str) -> Vec<String> {
    message.split_whitespace().map(str::to_owned).collect()
}

/// What stands for a word that is a name or a number and not part of the wording.
fn gap(word: &str) -> Option<&'static str> {
    let inner = word.trim_matches(|it: char| !it.is_ascii_alphanumeric());
    let digits = inner.bytes().filter(u8::is_ascii_digit).count();
    let is_number = !inner.is_empty() && digits == inner.len();
    let odd = digits > 0 || word.contains('/') || (word.contains('"') && word.len() > 2) || word.contains('=');
    match (is_number && inner == word, odd) {
        (true, _) => Some(r"\d+"),
        (_, true) => Some(r"\S+"),
        _ => None,
    }
}

/// The words in order with what lies between them; a word that is a name keeps its wording up to the first digit.
fn pieces(common: &[String], messages: &[&str], elided: bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut text = String::new();
    for (at, word) in common.iter().enumerate() {
        if at > 0 {
            let pair = format!("{} {word}", common[at - 1]);
            if messages.iter().all(|it| it.contains(&pair)) {
                text.push(' ');
            } else {
                pieces.extend((!text.is_empty()).then(|| Piece::Text(std::mem::take(&mut text))));
                pieces.push(Piece::Gap(if elided { ".*" } else { r"\s+" }));
            }
        }
        match gap(word) {
            None => text.push_str(word),
            Some(gap) => {
                let start = word.find(|it: char| it.is_ascii_digit() || it == '"' || it == '/').unwrap_or(0);
                let kept = if word.contains('=') { word.find('=').map_or(0, |it| it + 1) } else { start };
                text.push_str(if gap == r"\S+" && kept >= 4 { &word[..kept] } else { "" });
                pieces.extend((!text.is_empty()).then(|| Piece::Text(std::mem::take(&mut text))));
                pieces.push(Piece::Gap(gap));
            }
        }
    }
    pieces.extend((!text.is_empty()).then_some(Piece::Text(text)));
    // an expression need not begin where the message does: stamps, process ids and source lines are of no use
    let says = |it: &Piece| matches!(it, Piece::Text(text) if text.bytes().filter(u8::is_ascii_alphabetic).count() > 2);
    let first = pieces.iter().position(says).unwrap_or(0);
    pieces.drain(..first);
    if let Some(Piece::Text(text)) = pieces.first_mut() {
        *text = text.trim_start().to_owned();
    }
    pieces
}

fn literals(pieces: &[Piece]) -> Vec<String> {
    let text = |it: &Piece| match it {
        Piece::Text(text) => Some(text.trim().to_owned()),
        Piece::Gap(_) => None,
    };
    pieces.iter().filter_map(text).collect()
}

/// The longest list of words that stand in both in this order.
fn longest_common(a: &[String], b: &[String]) -> Vec<String> {
    // longest[i][j]: of a[i..] and b[j..]
    let mut longest = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] =
                if a[i] == b[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            common.push(a[i].clone());
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(messages: &[&str]) -> (String, String) {
        let pattern = Pattern::of(messages).expect("a pattern");
        (pattern.regex, pattern.literal)
    }

    #[test]
    fn names_and_numbers_become_gaps() {
        let (regex, literal) = of(&["java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0"]);
        assert_eq!(regex, r"java invoked oom-killer: gfp_mask=\S+ order=");
        assert_eq!(literal, "java invoked oom-killer: gfp_mask=");
        let (regex, _) = of(&["veth12ab: renamed from eth0", "veth99: renamed from eth0"]);
        assert_eq!(regex, "renamed from eth0".replace("eth0", "").trim_end());
    }

    #[test]
    fn what_differs_is_left_out() {
        let lines = ["java invoked oom-killer: order=0", "python3 invoked oom-killer: order=1"];
        let (regex, literal) = of(&lines);
        assert_eq!((regex.as_str(), literal.as_str()), ("invoked oom-killer:", "invoked oom-killer:"));
        assert!(similar("I/O error, dev sda, sector 17", "I/O error, dev sdb, sector 99"));
        assert!(!similar("I/O error, dev sda, sector 17", "Out of memory: Killed process 17 (java)"));
    }

    #[test]
    fn signals_get_names_from_their_words() {
        let pattern = Pattern::of(&["nf_conntrack: table full, dropping packet"]).expect("a pattern");
        assert_eq!(pattern.name(), "nf-conntrack-table-full-dropping");
        assert_eq!(Pattern::of(&["17 a 3"]), None);
    }
}
