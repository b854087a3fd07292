//! Byte ranges of JSON values, so that a document of any size is read one element at a time and every value knows
//! where it stands.
//!
//! ```text
//! {"data":{"result":[ {"metric":{}} , {"metric":{}} ]}}
//!                     └─ element ─┘   └─ element ─┘
//! ```
//!
//! Nothing here judges the inside of a value; `serde_json` does, one element at a time. A document that was cut off
//! still gives its whole elements.

/// A key and its value in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'t> {
    /// The key without its quotes, escapes as they stand.
    pub(crate) key: &'t str,
    /// The value; up to the end of the text where it is cut off.
    pub(crate) value: &'t str,
    /// `"key": value`, as it stands.
    pub(crate) pair: &'t str,
    /// Whether the value ends before the text does.
    pub(crate) whole: bool,
}

/// An element of an array, or one of several documents in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'t> {
    /// The value; up to the end of the text where it is cut off.
    pub(crate) text: &'t str,
    /// Whether the value ends before the text does.
    pub(crate) whole: bool,
}

/// The elements of an array, whose text begins with `[`; of anything else, none.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = Element<'_>> {
    elements_by(array, |at| value_end(array.as_bytes(), at))
}

/// The entries of an object, whose text begins with `{`; of anything else, none.
pub(crate) fn entries(object: &str) -> impl Iterator<Item = Entry<'_>> {
    entries_by(object, |at| value_end(object.as_bytes(), at))
}

/// Where the outer objects and arrays of a document end, found in one pass: a walk into a large document would else look
/// for the end of everything at each of its levels.
pub(crate) struct Outline<'t> {
    document: &'t str,
    /// Beginning and end of each, by beginning; of what is cut off there is no end.
    ends: Vec<(usize, usize)>,
}

/// Levels of a document whose ends are noted: an answer, its data, the list, a series, its labels and values.
const LEVELS: usize = 5;

impl<'t> Outline<'t> {
    pub(crate) fn of(document: &'t str) -> Outline<'t> {
        let bytes = document.as_bytes();
        let mut ends = Vec::new();
        // places in `ends` of what is open, and how much lies open within
        let (mut open, mut deeper, mut at) = (Vec::new(), 0u32, 0);
        while let Some(more) = bytes[at..].iter().position(|it| STRUCTURE[usize::from(*it)]) {
            at += more;
            match bytes[at] {
                b'"' => match string_end(bytes, at) {
                    Some(end) => at = end - 1,
                    None => break,
                },
                b'{' | b'[' if open.len() < LEVELS => {
                    open.push(ends.len());
                    ends.push((at, usize::MAX));
                }
                b'{' | b'[' => deeper += 1,
                _ if deeper > 0 => deeper -= 1,
                _ => {
                    let Some(place) = open.pop() else { break };
                    ends[place].1 = at + 1;
                    if open.is_empty() {
                        break;
                    }
                }
            }
            at += 1;
        }
        Outline { document, ends }
    }

    /// As [`elements`], of an array of the document.
    pub(crate) fn elements<'a>(&'a self, array: &'t str) -> impl Iterator<Item = Element<'t>> + 'a {
        let start = self.place(array);
        elements_by(array, move |at| self.value_end(array, start, at))
    }

    /// As [`entries`], of an object of the document.
    pub(crate) fn entries<'a>(&'a self, object: &'t str) -> impl Iterator<Item = Entry<'t>> + 'a {
        let start = self.place(object);
        entries_by(object, move |at| self.value_end(object, start, at))
    }

    /// As [`entry`], of an object of the document.
    pub(crate) fn entry(&self, object: &'t str, key: &str) -> Option<Entry<'t>> {
        self.entries(object).find(|it| it.key == key)
    }

    fn place(&self, part: &str) -> usize {
        (part.as_ptr() as usize).wrapping_sub(self.document.as_ptr() as usize)
    }

    fn value_end(&self, part: &str, start: usize, at: usize) -> (usize, bool) {
        let known = self.ends.binary_search_by_key(&start.wrapping_add(at), |it| it.0);
        match known.ok().and_then(|it| self.ends[it].1.checked_sub(start)).filter(|it| *it <= part.len()) {
            Some(end) => (end, true),
            None => value_end(part.as_bytes(), at),
        }
    }
}

fn elements_by<'t>(array: &'t str, ends: impl Fn(usize) -> (usize, bool)) -> impl Iterator<Item = Element<'t>> {
    let bytes = array.as_bytes();
    let mut at = if bytes.first() == Some(&b'[') { 1 } else { bytes.len() };
    std::iter::from_fn(move || {
        let Some(start) = next_element(bytes, at) else {
            at = bytes.len();
            return None;
        };
        at = start;
        let (end, whole) = ends(at);
        let text = &array[at..end];
        at = end;
        Some(Element { text, whole })
    })
}

fn entries_by<'t>(object: &'t str, ends: impl Fn(usize) -> (usize, bool)) -> impl Iterator<Item = Entry<'t>> {
    let bytes = object.as_bytes();
    let mut at = if bytes.first() == Some(&b'{') { 1 } else { bytes.len() };
    std::iter::from_fn(move || {
        at = skip_blank(bytes, at);
        if bytes.get(at) == Some(&b',') {
            at = skip_blank(bytes, at + 1);
        }
        if bytes.get(at) != Some(&b'"') {
            at = bytes.len();
            return None;
        }
        let (start, key_end) = (at, string_end(bytes, at)?);
        let colon = skip_blank(bytes, key_end);
        if bytes.get(colon) != Some(&b':') {
            at = bytes.len();
            return None;
        }
        let value_start = skip_blank(bytes, colon + 1);
        if value_start >= bytes.len() {
            at = bytes.len();
            return None;
        }
        let (end, whole) = ends(value_start);
        at = end;
        Some(Entry {
            key: &object[start + 1..key_end - 1],
            value: &object[value_start..end],
            pair: &object[start..end],
            whole,
        })
    })
}

/// The entry of an object with this key.
pub(crate) fn entry<'t>(object: &'t str, key: &str) -> Option<Entry<'t>> {
    entries(object).find(|it| it.key == key)
}

/// A step into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'k> {
    /// The value of a key.
    Key(&'k str),
    /// An element, from 0.
    Index(usize),
}

/// The text of the value a path leads to; for a last step by key, together with its key.
pub(crate) fn find<'t>(value: &'t str, path: &[Step<'_>]) -> Option<&'t str> {
    let (mut value, mut found) = (value, value);
    for step in path {
        match step {
            Step::Key(key) => {
                let entry = entry(value, key)?;
                (value, found) = (entry.value, entry.pair);
            }
            Step::Index(at) => {
                value = elements(value).nth(*at)?.text;
                found = value;
            }
        }
    }
    Some(found)
}

/// Objects and arrays standing one after the other (`for q in …; do curl …; done`), and where the last one ended.
pub(crate) struct Documents<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Documents<'t> {
    /// From the first document on.
    pub(crate) fn of(text: &'t str) -> Documents<'t> {
        Documents { text, at: 0 }
    }

    /// The next document and its outline, both found in one pass.
    pub(crate) fn outlined(&mut self) -> Option<(Element<'t>, Outline<'t>)> {
        let start = self.start()?;
        let mut outline = Outline::of(&self.text[start..]);
        let (end, whole) = match outline.ends.first() {
            Some((_, end)) if *end != usize::MAX => (start + end, true),
            _ => (self.text.len(), false),
        };
        self.at = end;
        outline.document = &self.text[start..end];
        Some((Element { text: outline.document, whole }, outline))
    }

    /// Where the next document begins.
    fn start(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let start = skip_blank(bytes, self.at);
        // a byte order mark may open the file
        let start = if self.text[start..].starts_with('\u{feff}') { skip_blank(bytes, start + 3) } else { start };
        matches!(bytes.get(start), Some(b'{' | b'[')).then_some(start)
    }

    /// What follows the documents that were read.
    pub(crate) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }
}

impl<'t> Iterator for Documents<'t> {
    type Item = Element<'t>;

    fn next(&mut self) -> Option<Element<'t>> {
        let start = self.start()?;
        let (end, whole) = value_end(self.text.as_bytes(), start);
        self.at = end;
        Some(Element { text: &self.text[start..end], whole })
    }
}

/// Where the next element of an array begins, from behind its bracket or the element before.
pub(crate) fn next_element(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = skip_blank(bytes, at);
    if bytes.get(at) == Some(&b',') {
        at = skip_blank(bytes, at + 1);
    }
    bytes.get(at).filter(|it| **it != b']').map(|_| at)
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The end of a string, after its closing quote; `at` is the opening one.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    // numbers and keys are short
    for byte in bytes.get(at..)?.iter().take(SHORT) {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => break,
            _ => at += 1,
        }
    }
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Up to here a string is looked at byte by byte.
const SHORT: usize = 24;

/// Bytes that mean something between strings.
const STRUCTURE: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"\"{}[]";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// The end of the value that begins here, and whether it really ends there.
pub(crate) fn value_end(bytes: &[u8], start: usize) -> (usize, bool) {
    let none = (bytes.len(), false);
    match bytes[start] {
        b'"' => string_end(bytes, start).map_or(none, |it| (it, true)),
        b'{' | b'[' => {
            let (mut at, mut depth) = (start, 0u32);
            while let Some(more) = bytes[at..].iter().position(|it| STRUCTURE[usize::from(*it)]) {
                at += more;
                match bytes[at] {
                    b'"' => {
                        let Some(end) = string_end(bytes, at) else { return none };
                        at = end;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    _ => depth -= 1,
                }
                at += 1;
                if depth == 0 {
                    return (at, true);
                }
            }
            none
        }
        _ => {
            let ends = |it: &u8| matches!(it, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
            bytes[start + 1..].iter().position(ends).map_or(none, |it| (start + 1 + it, true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_know_where_they_stand() {
        let text = r#"[ {"a":[1,2]} , "x]\"," ,3]"#;
        let found: Vec<_> = elements(text).map(|it| (it.text, it.whole)).collect();
        assert_eq!(found, [(r#"{"a":[1,2]}"#, true), (r#""x]\",""#, true), ("3", true)]);
        assert_eq!(elements("{}").count(), 0);
        assert_eq!(elements("[]").count(), 0);
    }

    #[test]
    fn entries_give_their_pairs() {
        let text = "{\n  \"a\": {\"b\": 1},\n  \"c\": null\n}";
        let found: Vec<_> = entries(text).map(|it| (it.key, it.value, it.pair)).collect();
        assert_eq!(found, [("a", "{\"b\": 1}", "\"a\": {\"b\": 1}"), ("c", "null", "\"c\": null")]);
        assert_eq!(find(text, &[Step::Key("a"), Step::Key("b")]), Some("\"b\": 1"));
        assert_eq!(find(r#"{"a":[{"n":1},{"n":2}]}"#, &[Step::Key("a"), Step::Index(1)]), Some(r#"{"n":2}"#));
    }

    #[test]
    fn a_cut_document_keeps_its_whole_elements() {
        let text = r#"{"data":{"result":[{"v":1},{"v":2},{"v"#;
        let data = entry(text, "data").expect("an entry");
        assert!(!data.whole);
        let result = entry(data.value, "result").expect("an entry");
        let found: Vec<_> = elements(result.value).map(|it| it.whole).collect();
        assert_eq!(found, [true, true, false]);
    }

    #[test]
    fn an_outline_says_what_a_walk_says() {
        let texts = [
            r#"{"status":"success","data":{"result":[{"metric":{"a":"]}"},"values":[[1,"2"],[3,"4"]]},{"v":[[[[[1]]]]]}]}}"#,
            r#"[{"a":1},[2,[3,[4,[5,[6,[7]]]]]],"x\"]" , 8]"#,
            r#"{"data":{"result":[{"v":1},{"v":[1,2"#,
            r#"{"a":"never closed"#,
            "[1,,]",
            "[}",
            "",
        ];
        fn walk(outline: &Outline<'_>, text: &str) -> usize {
            let (plain, known): (Vec<_>, Vec<_>) = (elements(text).collect(), outline.elements(text).collect());
            assert_eq!(plain, known, "{text}");
            let (pairs, pairs_known): (Vec<_>, Vec<_>) = (entries(text).collect(), outline.entries(text).collect());
            assert_eq!(pairs, pairs_known, "{text}");
            let inner = plain.iter().map(|it| it.text).chain(pairs.iter().map(|it| it.value));
            1 + inner.map(|it| walk(outline, it)).sum::<usize>()
        }
        let seen: Vec<usize> = texts.iter().map(|it| walk(&Outline::of(it), it)).collect();
        assert_eq!(seen, [21, 17, 9, 2, 3, 2, 1]);
        assert_eq!(Outline::of(texts[0]).entry(texts[0], "status").map(|it| it.value), Some("\"success\""));
    }

    #[test]
    fn documents_stand_in_a_row() {
        let mut documents = Documents::of("\u{feff}{\"a\":1}\n[2] {} ==== START\n");
        let found: Vec<_> = documents.by_ref().map(|it| it.text).collect();
        assert_eq!(found, ["{\"a\":1}", "[2]", "{}"]);
        assert_eq!(documents.rest(), " ==== START\n");
        for text in
            ["\u{feff}{\"a\":{\"b\":[]}}\n[2,[[[[[[3]]]]]]] {} ==== START\n", "{\"a\":[1,2", "[\"\\", "{]", "", "x"]
        {
            let mut documents = Documents::of(text);
            let outlined: Vec<_> = std::iter::from_fn(|| documents.outlined()).map(|it| it.0).collect();
            let mut plain = Documents::of(text);
            assert_eq!((outlined, documents.rest()), (plain.by_ref().collect(), plain.rest()), "{text}");
        }
    }

    #[test]
    fn broken_text_ends_the_walk() {
        for text in ["{", "[", "{\"", "{\"a\"", "{\"a\":", "[\"\\", "[1,,]", "{\"a\" 1}", "[}", "]", "\"", "[é"] {
            let _ = entries(text).count() + elements(text).count() + Documents::of(text).count();
        }
    }
}
