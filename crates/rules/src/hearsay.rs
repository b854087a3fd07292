//! Hearsay: lines in which somebody repeats what was said elsewhere, in a ticket, a test, a search or an alerting rule.
//!
//! ```text
//! ticket 4: customer reports 'no space left on device' from their server       repeated
//! query="{app=\"shop\"} |= `no space left on device`"                          repeated
//! msg="cannot save" err="write /data/a: no space left on device"               said
//! ```
//!
//! What the kernel and the parts of the platform print is theirs, whatever quotes they put around it: they hand on the
//! errors of what they call. Any other program may speak of anything. Of those, a line counts as hearsay only where
//! what it shows stands in quotation marks, and the words before them, or the key whose value it is, say that it is quoted.

use std::ops::Range;

use timeline::{Event, Source};

/// Words before a quotation which say that it is one.
const WORDS: &[&str] = &[
    "alert",
    "alerts",
    "assert",
    "asserts",
    "awk",
    "comment",
    "commented",
    "customer",
    "customers",
    "describes",
    "documentation",
    "example",
    "expect",
    "expected",
    "expects",
    "grep",
    "matching",
    "mock",
    "pattern",
    "phrase",
    "query",
    "quote",
    "quoted",
    "quotes",
    "quoting",
    "replied",
    "reports",
    "runbook",
    "said",
    "says",
    "search",
    "searching",
    "simulated",
    "simulates",
    "simulating",
    "subject",
    "test",
    "testing",
    "tests",
    "ticket",
    "wrote",
    "zgrep",
];
/// Keys whose values are what somebody looks for or writes about.
const KEYS: &[&str] = &[
    "alert",
    "annotations",
    "comment",
    "description",
    "expr",
    "expression",
    "filter",
    "pattern",
    "q",
    "query",
    "regex",
    "regexp",
    "rule",
    "runbook",
    "search",
    "subject",
    "summary",
    "ticket",
];
/// Quotations stand in each other, not much deeper than this.
const DEEPEST: usize = 8;

/// Whether a writer may speak of what it did not see itself.
pub(crate) fn may_repeat(event: &Event) -> bool {
    matches!(event.source, Source::ContainerLog | Source::System)
        && event.message.contains(['\'', '"', '`', '\u{201c}', '\u{2018}'])
}

/// Whether what stands at a place of a message is repeated there rather than said.
pub(crate) fn is_repeated(message: &str, place: Range<usize>) -> bool {
    let Some(before) = message.get(..place.end) else { return false };
    // the last character of it decides: a pattern may begin with words outside of the quotation
    let last = before.char_indices().next_back().map_or(0, |it| it.0);
    let opened = open_at(message, last);
    let mut from = 0;
    for open in opened {
        if message.get(from..open).is_some_and(speaks_of_it) {
            return true;
        }
        from = open;
    }
    false
}

/// Where the quotations begin that are open at a place, the outermost first.
fn open_at(message: &str, place: usize) -> Vec<usize> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut before = ' ';
    let mut chars = message.char_indices().peekable();
    while let Some((at, it)) = chars.next() {
        if at >= place {
            break;
        }
        // an escaped mark is one within another
        if it == '\\' {
            continue;
        }
        if let Some(ends) = closing(it) {
            let next = chars.peek().map_or(' ', |it| it.1);
            if let Some(depth) = open.iter().rposition(|of| of.1 == it).filter(|_| !next.is_alphanumeric()) {
                open.truncate(depth);
            } else if !before.is_alphanumeric() && !next.is_whitespace() && ends != ' ' && open.len() < DEEPEST {
                open.push((at, ends));
            }
        }
        before = it;
    }
    open.into_iter().map(|it| it.0).collect()
}

/// What ends a quotation that begins with a character; a blank where it can only end one.
fn closing(it: char) -> Option<char> {
    match it {
        '\'' | '"' | '`' => Some(it),
        '\u{201c}' => Some('\u{201d}'),
        '\u{2018}' => Some('\u{2019}'),
        '\u{201d}' | '\u{2019}' => Some(' '),
        _ => None,
    }
}

/// Whether the words before a quotation say that it is one: the key where it is a value, else any of them.
fn speaks_of_it(before: &str) -> bool {
    let words = |text: &str, list: &[&str]| {
        let mut found = text.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
        found.any(|word| list.iter().any(|it| it.eq_ignore_ascii_case(word)))
    };
    let end = before.trim_end_matches(['\\', ' ']);
    match end.strip_suffix(['=', ':']) {
        Some(key) => {
            let key = key.trim_end_matches(['"', '\'', '\\', ' ']);
            let start = key.rfind(|it: char| !(it.is_alphanumeric() || it == '_' || it == '-')).map_or(0, |at| at + 1);
            key.get(start..).is_some_and(|it| words(it, KEYS))
        }
        None => words(end, WORDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(message: &str) -> bool {
        let at = message.find("no space left").expect("it stands there");
        is_repeated(message, at..at + "no space left on device".len())
    }

    #[test]
    fn what_is_quoted_from_elsewhere_is_hearsay() {
        for message in [
            "ticket #0: customer reports 'x509: certificate has expired' and 'no space left on device' from their server",
            r#"{"level":"info","msg":"customer says \"no space left on device\", again"}"#,
            r#"level=info component=querier query="{app=\"shop\"} |= `no space left on device`" took=2s"#,
            r#"{"ticket":{"subject":"no space left on device","id":4}}"#,
            "root : TTY=pts/0 ; COMMAND=/usr/bin/grep -r 'no space left on device' /var/log",
            r#"--- FAIL: TestWrite (0.00s) write_test.go:12: expected "no space left on device", got nil"#,
            "it’s a ticket that says “no space left on device”",
        ] {
            assert!(repeated(message), "{message}");
        }
    }

    #[test]
    fn what_a_program_says_of_itself_is_not() {
        for message in [
            "write /data/a: no space left on device",
            r#"time="2025-05-05" level=error msg="cannot save" error="write /data/a: no space left on device""#,
            r#"{"level":"error","test":"x","msg":"cannot save","err":"write '/data/a': no space left on device"}"#,
            r#"{"query":"select 1","error":"could not write: no space left on device"}"#,
            "can't write the test's report: no space left on device",
            "tar: write failed with 'no space left on device'",
            r#"Failed to test "/data": no space left on device"#,
            "the customers' folder: no space left on device",
        ] {
            assert!(!repeated(message), "{message}");
        }
    }

    #[test]
    fn odd_places_and_deep_quotations_do_no_harm() {
        let deep = "\"'`".repeat(10_000) + "no space left on device";
        let _ = repeated(&deep);
        assert!(!is_repeated("é", 0..1));
        assert!(!is_repeated("", 0..0));
        assert!(!is_repeated("a", 0..99));
    }
}
