//! What is common to some messages, as a literal to find them by and an expression to know them by.

use regex::Regex;

/// What messages of one kind have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    regex: String,
    literal: String,
    words: Vec<String>,
    values: Vec<&'static str>,
}

/// A piece of a message: a word, or what lies between words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Gap(String),
}

/// A word of a message: itself, or a value that has a name, such as a device or an address, with what stands around it.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    value: Option<Value>,
}

/// `(device sda1):` is `sda1` with nothing before it and `):` behind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    name: &'static str,
    before: String,
    behind: String,
}

impl PartialEq for Word {
    fn eq(&self, other: &Word) -> bool {
        match (&self.value, &other.value) {
            (None, None) => self.text == other.text,
            (one, two) => one == two,
        }
    }
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
        let words = common.into_iter().filter(|it| it.value.is_none()).map(|it| it.text).collect();
        let values = NAMES.iter().copied().filter(|it| compiled.capture_names().flatten().any(|name| name == *it));
        let values = values.collect();
        finds.then_some(Pattern { regex, literal, words, values })
    }

    pub(crate) fn regex(&self) -> &str {
        &self.regex
    }

    pub(crate) fn literal(&self) -> &str {
        &self.literal
    }

    /// The values it captures, by name: `device`, `ip`.
    pub(crate) fn values(&self) -> &[&'static str] {
        &self.values
    }

    /// What it captures of a message under a name.
    pub(crate) fn value(&self, name: &str, message: &str) -> Option<String> {
        Some(Regex::new(&self.regex).ok()?.captures(message)?.name(name)?.as_str().to_owned())
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

fn words(message: &str) -> Vec<Word> {
    let mut before = "";
    let mut found: Vec<Word> = Vec::new();
    for text in message.split_whitespace() {
        // the first of a name is it, so that no name stands twice in an expression
        let value =
            value(before, text).filter(|it| !found.iter().flat_map(|it| &it.value).any(|of| of.name == it.name));
        found.push(Word { text: text.to_owned(), value });
        before = text;
    }
    found
}

/// Names of values, as columns of a signal are called.
const NAMES: &[&str] = &["ip", "device", "pod", "container", "other", "pid"];

/// The value in a word, by the word before it, the key it has, or its shape.
fn value(before: &str, word: &str) -> Option<Value> {
    let key = |text: &str| -> Option<&'static str> {
        let text = text.trim_matches(|it: char| !it.is_ascii_alphanumeric()).to_ascii_lowercase();
        match text.as_str() {
            "dev" | "device" | "interface" => Some("device"),
            // a column `node` would take the place of the node that wrote the line
            "node" => Some("other"),
            "pod" | "container" | "pid" | "ip" => NAMES.iter().copied().find(|it| *it == text),
            "containername" => Some("container"),
            "process" => Some("pid"),
            _ => None,
        }
    };
    let (head, rest) = match word.find('=') {
        Some(at) if key(&word[..at]).is_some() => word.split_at(at + 1),
        _ => ("", word),
    };
    let start = rest.find(|it: char| it.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (open, rest) = rest.split_at(start);
    let inside = |it: char| it.is_ascii_alphanumeric() || "-._/".contains(it);
    let end = rest.find(|it: char| !inside(it)).unwrap_or(rest.len());
    let text = rest[..end].trim_end_matches(['.', '-', '/']);
    let name = match head {
        "" if text.parse::<std::net::Ipv4Addr>().is_ok() => Some("ip"),
        "" if is_device(text) => Some("device"),
        // a word after such a word may be any word; a value has a digit
        "" => key(before).filter(|_| text.bytes().any(|it| it.is_ascii_digit())),
        head => key(head),
    }?;
    let fits = match name {
        "pid" => text.bytes().all(|it| it.is_ascii_digit()),
        "ip" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        _ => true,
    };
    let behind = rest[text.len()..].to_owned();
    // what follows may be a value of its own, as in `10.0.0.5:43742->…`: then it is a gap
    (fits && !text.is_empty()).then(|| Value { name, before: format!("{head}{open}"), behind: tame(behind) })
}

/// Punctuation as it is; anything with letters or digits is left to a gap.
fn tame(behind: String) -> String {
    if behind.bytes().any(|it| it.is_ascii_alphanumeric()) { "\u{0}".to_owned() } else { behind }
}

/// `eth0`, `cali21fc9e9645e`, `nvme0n1`, `sda1`
fn is_device(text: &str) -> bool {
    let begins = ["eth", "ens", "enp", "eno", "bond", "veth", "cali", "nvme", "vxlan", "flannel", "tunl", "wg"];
    let numbered = text.bytes().any(|it| it.is_ascii_digit()) && begins.iter().any(|it| text.starts_with(it));
    let disk = ["sd", "vd", "xvd"].iter().filter_map(|it| text.strip_prefix(it)).any(|it| {
        let letters = it.trim_end_matches(|it: char| it.is_ascii_digit());
        (1..=2).contains(&letters.len()) && letters.bytes().all(|it| it.is_ascii_lowercase())
    });
    (numbered || disk) && text.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// A group that captures a value.
fn group(name: &str) -> String {
    let text = match name {
        "ip" => r"\d{1,3}(?:\.\d{1,3}){3}",
        "pid" => r"\d+",
        "pod" => r"[\w./-]+",
        _ => r"[\w.-]+",
    };
    format!("(?P<{name}>{text})")
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

/// The words in order with what lies between them; a word that is a name keeps its wording up to the first digit, and a value
/// becomes a group of its name.
fn pieces(common: &[Word], messages: &[&str], elided: bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut text = String::new();
    let flush = |text: &mut String, pieces: &mut Vec<Piece>| {
        pieces.extend((!text.is_empty()).then(|| Piece::Text(std::mem::take(text))));
    };
    let worded: Vec<Vec<Word>> = messages.iter().map(|it| words(it)).collect();
    for (at, word) in common.iter().enumerate() {
        if at > 0 {
            let last = &common[at - 1];
            let pair = format!("{} {}", last.text, word.text);
            let named = last.value.is_some() || word.value.is_some();
            let beside = |it: &Vec<Word>| it.windows(2).any(|it| it[0] == *last && it[1] == *word);
            let joined = match named {
                true => worded.iter().all(beside) && messages.iter().all(|it| !it.contains("  ")),
                false => messages.iter().all(|it| it.contains(&pair)),
            };
            if joined {
                text.push(' ');
            } else {
                flush(&mut text, &mut pieces);
                pieces.push(Piece::Gap(if elided { ".*" } else { r"\s+" }.to_owned()));
            }
        }
        if let Some(value) = &word.value {
            text.push_str(&value.before);
            flush(&mut text, &mut pieces);
            pieces.push(Piece::Gap(group(value.name)));
            if value.behind == "\u{0}" {
                pieces.push(Piece::Gap(r"\S+".to_owned()));
            } else {
                text.push_str(&value.behind);
            }
            continue;
        }
        match gap(&word.text) {
            None => text.push_str(&word.text),
            Some(gap) => {
                let word = &word.text;
                let start = word.find(|it: char| it.is_ascii_digit() || it == '"' || it == '/').unwrap_or(0);
                let kept = if word.contains('=') { word.find('=').map_or(0, |it| it + 1) } else { start };
                text.push_str(if gap == r"\S+" && kept >= 4 { &word[..kept] } else { "" });
                flush(&mut text, &mut pieces);
                pieces.push(Piece::Gap(gap.to_owned()));
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
fn longest_common(a: &[Word], b: &[Word]) -> Vec<Word> {
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
        let (regex, literal) = of(&["veth12ab: renamed from eth0", "veth99: renamed from eth0"]);
        assert_eq!((regex.as_str(), literal.as_str()), (": renamed from", ": renamed from"));
    }

    #[test]
    fn values_that_have_a_name_are_captured_under_it() {
        let (regex, literal) =
            of(&["EXT4-fs error (device sda1): ext4_lookup: bogus", "EXT4-fs error (device sdb7): ext4_lookup: bogus"]);
        assert_eq!(regex, r"error \(device (?P<device>[\w.-]+)\): \S+ bogus");
        assert_eq!(literal, "error (device");
        let (regex, _) = of(&["read udp 10.0.0.5:43742->10.225.30.181:53: i/o timeout"]);
        assert!(regex.contains(r"read udp (?P<ip>\d{1,3}(?:\.\d{1,3}){3})\S+ \S+ timeout"), "{regex}");
        let (regex, _) = of(&[r#""Probe failed" pod="shop/web-0" containerName="web" pid 4711"#]);
        assert!(
            regex.contains(r#"pod="(?P<pod>[\w./-]+)" containerName="(?P<container>[\w.-]+)" pid (?P<pid>\d+)"#),
            "{regex}"
        );
        let pattern = Pattern::of(&["link of device eth0 is down"]).expect("a pattern");
        assert_eq!(
            (pattern.values(), pattern.value("device", "link of device ens3 is down")),
            (&["device"][..], Some("ens3".to_owned()))
        );
        // a word after `device` is no device by that alone
        assert_eq!(of(&["no such device exists here"]).0, "no such device exists here");
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
