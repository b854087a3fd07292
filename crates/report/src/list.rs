//! Lists on a page: one item a line or one after the other, on a first reading the first few.

use crate::page::{Ink, Page};

/// Items of a list on a first reading.
pub(crate) const LISTED: usize = 8;

/// One item a line under one label; on a first reading the first few.
pub(crate) fn items(page: &mut Page, word: &str, ink: Ink, hang: usize, texts: &[String]) {
    some_items(page, word, ink, hang, texts, LISTED);
}

/// The same, with a number of its own on a first reading.
pub(crate) fn some_items(page: &mut Page, word: &str, ink: Ink, hang: usize, texts: &[String], few: usize) {
    let shown = if page.verbose() { texts.len() } else { few };
    let first = format!("   {word}");
    for (at, text) in texts.iter().take(shown).enumerate() {
        page.prose((ink, if at == 0 { &first } else { "" }), hang, text);
    }
    more(page, hang, texts.len(), shown);
}

pub(crate) fn more(page: &mut Page, hang: usize, all: usize, shown: usize) {
    if all > shown {
        page.prose((Ink::Plain, ""), hang, &format!("… and {} more, see -v", all - shown));
    }
}

/// `a, b and 3 more`
pub(crate) fn some_of(names: &[String], all: bool) -> String {
    let shown = if all { names.len() } else { LISTED };
    let mut text = names.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > shown {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}
