//! The page that text renderings write on: inks, wrapping, and the taming of whatever stands in a bundle.
//!
//! **Invariant:** nothing from a bundle reaches the page but through [`clean`], so no line of a log can move the cursor,
//! change a colour or turn the reading direction.

use std::collections::HashSet;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

/// How a text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// With ANSI colours.
    pub colour: bool,
    /// Columns to fill; quotes are never broken, so that they can be copied.
    pub width: usize,
    /// With everything that is left out of a first reading.
    pub verbose: bool,
}

impl Default for Look {
    fn default() -> Look {
        Look { colour: false, width: 100, verbose: false }
    }
}

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Strong,
    Faint,
    Time,
    Place,
    Good,
    Bad,
    Doubtful,
}

impl Ink {
    fn style(self) -> Style {
        match self {
            Ink::Plain => Style::new(),
            Ink::Strong => Style::new().bold(),
            Ink::Faint => Style::new().dimmed(),
            Ink::Time => AnsiColor::Cyan.on_default(),
            Ink::Place => AnsiColor::Blue.on_default(),
            Ink::Good => AnsiColor::Green.on_default().bold(),
            Ink::Bad => AnsiColor::Red.on_default().bold(),
            Ink::Doubtful => AnsiColor::Yellow.on_default().bold(),
        }
    }
}

/// A statement with its place and its quote.
#[derive(Default)]
pub(crate) struct Entry<'t> {
    pub(crate) text: &'t str,
    pub(crate) file: Option<&'t str>,
    pub(crate) line: Option<u32>,
    /// Lines that say the same, the quoted one included.
    pub(crate) count: u64,
    pub(crate) quote: Option<&'t str>,
    /// Words that make a part of a long line telling.
    pub(crate) telling: Vec<&'t str>,
}

pub(crate) struct Page {
    out: String,
    look: Look,
    /// Places and lines quoted since the last heading.
    quoted: HashSet<(String, Option<u32>, String)>,
}

/// Lines of a report of many lines that are shown on a first reading.
const QUOTED_LINES: usize = 6;

impl Page {
    pub(crate) fn new(look: &Look) -> Page {
        Page { out: String::new(), look: Look { width: look.width.max(40), ..*look }, quoted: HashSet::new() }
    }

    pub(crate) fn done(self) -> String {
        self.out
    }

    pub(crate) fn verbose(&self) -> bool {
        self.look.verbose
    }

    /// A blank line, unless the page is empty.
    pub(crate) fn gap(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    /// From here on every line is quoted again.
    pub(crate) fn forget_quotes(&mut self) {
        self.quoted.clear();
    }

    /// A heading of a section.
    pub(crate) fn heading(&mut self, text: &str) {
        self.gap();
        self.forget_quotes();
        self.put(Ink::Strong, text);
        self.out.push('\n');
    }

    /// One line as it is.
    pub(crate) fn line(&mut self, parts: &[(Ink, &str)]) {
        for (ink, text) in parts {
            self.put(*ink, text);
        }
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    /// A title with a word at the right edge.
    pub(crate) fn title(&mut self, label: &str, hang: usize, title: &str, word: (Ink, &str)) {
        let room = self.look.width.saturating_sub(hang + chars(word.1) + 2);
        let lines = wrap(&clean(title), room);
        // no word, no blanks before it
        let word = Some(word).filter(|it| !it.1.is_empty());
        for (at, line) in lines.iter().enumerate() {
            self.label(if at == 0 { (Ink::Strong, label) } else { (Ink::Plain, "") }, hang);
            self.put(Ink::Strong, line);
            if at == 0
                && let Some(word) = word
            {
                self.spaces(room.saturating_sub(chars(line)) + 2);
                self.put(word.0, word.1);
            }
            self.out.push('\n');
        }
    }

    /// Words after a label, broken at the edge and indented under themselves.
    pub(crate) fn prose(&mut self, label: (Ink, &str), hang: usize, text: &str) {
        self.words(label, hang, text);
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    /// A statement, its place at the right edge where it fits, its quote below.
    pub(crate) fn entry(&mut self, label: (Ink, &str), hang: usize, entry: &Entry<'_>) {
        let used = self.words(label, hang, entry.text);
        let quote = entry.quote.filter(|it| *it != entry.text);
        // a long line that stands above need not stand here again
        let again = quote.is_some_and(|quote| {
            let place = (entry.file.unwrap_or_default().to_owned(), entry.line, quote.to_owned());
            !self.quoted.insert(place) && chars(quote) > AGAIN_CHARS
        });
        if let Some(file) = entry.file {
            let mut place = clean(file);
            if let Some(line) = entry.line {
                let _ = write!(place, ":{line}");
            }
            let mut notes = Vec::new();
            if again {
                notes.push("quoted above".to_owned());
            }
            // the points of a series are no lines of their own
            if entry.count > 1 && !quote.is_some_and(is_sample) {
                notes.push(format!("+{} like it", entry.count - 1));
            }
            let like = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join(", ")) };
            let needed = chars(&place) + chars(&like);
            if used + 2 + needed <= self.look.width {
                self.spaces(self.look.width - used - needed);
            } else {
                self.out.push('\n');
                self.spaces(hang);
            }
            self.put(Ink::Place, &place);
            self.put(Ink::Faint, &like);
        }
        self.out.push('\n');
        if let Some(quote) = quote.filter(|_| !again) {
            self.quote(hang, quote, &entry.telling);
        }
    }

    /// The line as it stands; of a report of many lines, the first of them.
    fn quote(&mut self, hang: usize, quote: &str, telling: &[&str]) {
        let shown = if self.look.verbose { usize::MAX } else { QUOTED_LINES };
        for line in quote.lines().take(shown) {
            self.spaces(hang);
            self.put(Ink::Faint, "> ");
            self.put(Ink::Plain, &excerpt(line, telling));
            self.out.push('\n');
        }
        let more = quote.lines().count().saturating_sub(shown);
        if more > 0 {
            self.spaces(hang);
            self.line(&[(Ink::Faint, &format!("… {more} more lines"))]);
        }
    }

    fn words(&mut self, label: (Ink, &str), hang: usize, text: &str) -> usize {
        self.label(label, hang);
        let mut used = if label.1.is_empty() { hang } else { hang.max(chars(label.1) + 1) };
        for (at, line) in wrap(&clean(text), self.look.width.saturating_sub(hang)).iter().enumerate() {
            if at > 0 {
                self.out.push('\n');
                self.spaces(hang);
                used = hang;
            }
            self.put(Ink::Plain, line);
            used += chars(line);
        }
        used
    }

    fn label(&mut self, (ink, label): (Ink, &str), hang: usize) {
        let indent = label.len() - label.trim_start_matches(' ').len();
        self.spaces(indent);
        self.put(ink, &label[indent..]);
        self.spaces(hang.saturating_sub(chars(label)).max(usize::from(!label.is_empty())));
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    fn put(&mut self, ink: Ink, text: &str) {
        let text = clean(text);
        if !self.look.colour || ink == Ink::Plain || text.is_empty() {
            self.out.push_str(&text);
        } else {
            let style = ink.style();
            let _ = write!(self.out, "{style}{text}{style:#}");
        }
    }
}

/// Up to this length a line is quoted as often as it is cited.
const AGAIN_CHARS: usize = 60;

/// `[1690121550,"41884"]`: one point of a series as Prometheus writes it.
fn is_sample(quote: &str) -> bool {
    let inside = quote.strip_prefix('[').and_then(|it| it.strip_suffix("\"]"));
    inside.and_then(|it| it.split_once(",")).is_some_and(|(at, value)| {
        at.trim().parse::<f64>().is_ok() && value.trim_start().strip_prefix('"').is_some_and(|it| !it.contains('"'))
    })
}

pub(crate) fn chars(text: &str) -> usize {
    text.chars().count()
}

/// The text with everything a terminal would obey made visible: `\x1b[2J` stands there as it is spelled here.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if it.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(it));
            }
            // marks and overrides of direction, breaks that are no line ends, invisible joiners
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(it));
            }
            _ => out.push(it),
        }
    }
    out
}

/// Breaks at blanks; a word that is longer than the line stays whole.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let needed = chars(word);
        if used > 0 && used + 1 + needed > room {
            lines.push(String::new());
            used = 0;
        }
        let line = lines.last_mut().expect("there is always a last line");
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += needed;
    }
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
    }
    lines
}

/// Characters of a line that are shown; JSON has it whole.
const QUOTED_CHARS: usize = 300;
/// Characters shown before the telling part.
const BEFORE: usize = 40;
/// Words to search and places to weigh, so that a line of megabytes costs one look per word.
const WORDS: usize = 16;
const HITS_EACH: usize = 12;

/// What a line says when no word of its rule occurs in it.
const USUAL: [&str; 8] = ["error", "fail", "panic", "kernel bug", "killed", "refused", "unavailable", "timeout"];

/// A long line, cut to the parts around the words that made it evidence: one window, or two of half the size where the
/// words stand far apart.
fn excerpt(line: &str, telling: &[&str]) -> String {
    if line.len() <= QUOTED_CHARS || chars(line) <= QUOTED_CHARS {
        return line.to_owned();
    }
    let lower = line.to_ascii_lowercase();
    let mut words: Vec<String> = telling
        .iter()
        .flat_map(|it| it.split(|at: char| !(at.is_alphanumeric() || "._/-".contains(at))))
        .filter(|it| it.len() >= 4)
        .map(str::to_ascii_lowercase)
        .collect();
    words.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    words.dedup();
    words.truncate(WORDS);
    let own = hits(&lower, words.iter().map(String::as_str));
    let hits = if own.is_empty() { hits(&lower, USUAL.into_iter()) } else { own };

    let half = QUOTED_CHARS / 2;
    let first = best(&hits, half, &[]);
    let seen = first.map(|from| words_within(&hits, from, half)).unwrap_or_default();
    let second = best(&hits, half, &seen);
    let mut windows: Vec<(usize, usize)> = match (first, second) {
        (Some(a), Some(b)) => vec![window(line, a.min(b), half), window(line, a.max(b), half)],
        (a, _) => vec![window(line, a.unwrap_or(0), QUOTED_CHARS)],
    };
    if let [a, b] = windows[..]
        && a.1 >= b.0
    {
        windows = vec![(a.0, b.1)];
    }
    let mut out = String::new();
    for (from, to) in &windows {
        if *from > 0 {
            out.push('…');
        }
        out.push_str(&line[*from..*to]);
    }
    if windows.last().is_some_and(|(_, to)| *to < line.len()) {
        out.push('…');
    }
    out
}

/// A word of the rule in the line: where, and which.
type Hit = (usize, String);

fn hits<'t>(lower: &str, words: impl Iterator<Item = &'t str>) -> Vec<Hit> {
    let mut found: Vec<Hit> = words
        .flat_map(|word| {
            lower.match_indices(word).take(HITS_EACH).map(|(at, it)| (at, it.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    found.sort_unstable();
    found
}

fn words_within(hits: &[Hit], from: usize, size: usize) -> Vec<String> {
    let mut words: Vec<String> =
        hits.iter().filter(|(at, _)| (from..from + size - BEFORE).contains(at)).map(|(_, it)| it.clone()).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The hit from which a window shows most of the words that no other window shows; the first of equals.
fn best(hits: &[Hit], size: usize, seen: &[String]) -> Option<usize> {
    let weight = |from: usize| -> usize {
        words_within(hits, from, size).iter().filter(|it| !seen.contains(it)).map(String::len).sum()
    };
    let weighed = hits.iter().map(|(at, _)| (weight(*at), std::cmp::Reverse(*at)));
    weighed.max().filter(|(weight, _)| *weight > 0).map(|(_, at)| at.0)
}

/// So many characters around a hit; near an end of the line the window grows to the other side.
fn window(line: &str, hit: usize, size: usize) -> (usize, usize) {
    let start = line[..hit].char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    match line[start..].char_indices().nth(size) {
        Some((at, _)) => (start, start + at),
        None => (line.char_indices().rev().nth(size - 1).map_or(0, |(at, _)| at), line.len()),
    }
}

/// `1.2 GB`
pub(crate) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return if unit == "B" || value >= 99.95 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// `0.02 %`; a share that is not zero never shows as zero.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    if part >= whole {
        "100 %".to_owned()
    } else if share < 0.01 {
        "< 0.01 %".to_owned()
    } else if share >= 10.0 {
        // 99.99 % is not all of it
        format!("{:.1} %", share.min(99.9))
    } else {
        format!("{share:.2} %")
    }
}

/// `1 file`, `3 files`
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_line_cannot_drive_the_terminal() {
        assert_eq!(clean("a\x1b[2J\x07\u{9b}31m\u{202e}b\rc\td"), "a\\x1b[2J\\x07\\x9b31m\\u{202e}b\\rc\\td");
        assert_eq!(clean("Zürich … 東京"), "Zürich … 東京");
    }

    #[test]
    fn a_long_line_is_cut_around_the_words_of_its_rule() {
        let line = format!("{} thread limit reached at 49152 {}", "x".repeat(5000), "y ".repeat(4000));
        let cut = excerpt(&line, &["the thread limit"]);
        assert!(cut.contains("thread limit reached"), "{cut}");
        assert!(cut.starts_with('…') && cut.ends_with('…'));
        assert!(chars(&cut) <= QUOTED_CHARS + 2);
        assert!(line.contains(cut.trim_matches('…')));
    }

    #[test]
    fn words_far_apart_are_both_shown() {
        let line = format!("pod order-sync {} reached 41870 {}", "1 ".repeat(2000), "2 ".repeat(2000));
        let cut = excerpt(&line, &["order-sync grew to 41870"]);
        assert!(cut.contains("pod order-sync 1") && cut.contains("reached 41870 2"), "{cut}");
        assert!(chars(&cut) <= QUOTED_CHARS + 3);
        assert!(cut.split('…').all(|part| line.contains(part)), "{cut}");
    }

    #[test]
    fn the_cut_holds_at_both_ends_and_on_any_character() {
        let late = format!("{}panic", "ü".repeat(900));
        let cut = excerpt(&late, &[]);
        assert!(cut.ends_with("panic") && cut.starts_with('…'), "{cut}");
        assert_eq!(chars(&cut), QUOTED_CHARS + 1);
        let early = format!("panic{}", "ü".repeat(900));
        assert!(excerpt(&early, &[]).starts_with("panic"));
        assert_eq!(chars(&excerpt(&"東".repeat(301), &["nothing of it"])), QUOTED_CHARS + 1);
        assert_eq!(excerpt(&"東".repeat(300), &[]), "東".repeat(300));
    }

    #[test]
    fn a_point_of_a_series_is_told_from_a_log_line() {
        assert!(is_sample(r#"[1690121550,"41884"]"#) && is_sample(r#"[1690121550.781, "NaN"]"#));
        for line in
            ["[    0.000000] Linux version 4.4.0", r#"["a","b"]"#, r#"[1,"2"],[3,"4"]"#, "46210", "[]", r#"[1,""#]
        {
            assert!(!is_sample(line), "{line}");
        }
    }

    #[test]
    fn a_long_line_is_quoted_once_under_a_heading() {
        let mut page = Page::new(&Look::default());
        let line = format!("kubelet: {}", "x".repeat(80));
        let cite = |page: &mut Page, text| {
            let entry =
                Entry { text, file: Some("a.txt"), line: Some(3), count: 2, quote: Some(&line), telling: vec![] };
            page.entry((Ink::Plain, ""), 3, &entry);
        };
        cite(&mut page, "first");
        cite(&mut page, "again");
        page.heading("elsewhere");
        cite(&mut page, "here too");
        let text = page.done();
        assert_eq!(text.matches(&line).count(), 2, "{text}");
        assert_eq!(text.matches("(quoted above, +1 like it)").count(), 1, "{text}");
    }

    #[test]
    fn sizes_and_shares_read_well() {
        assert_eq!([999, 1000, 1_234_567, 999_999_999].map(bytes), ["999 B", "1.0 kB", "1.2 MB", "1.0 GB"]);
        assert_eq!(percent(1, 1_000_000), "< 0.01 %");
        assert_eq!(percent(999_999, 1_000_000), "99.9 %");
        assert_eq!(percent(2, 10_000), "0.02 %");
        assert_eq!(percent(5, 5), "100 %");
    }

    #[test]
    fn words_are_wrapped_and_long_ones_stay_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a looooooong one", 5), ["a", "looooooong", "one"]);
        assert_eq!(wrap("one  two three", 5), ["one", "two", "three"]);
    }
}
