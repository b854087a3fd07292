//! From a file to its objects, one at a time: JSON documents, YAML documents, the items of lists.

use std::ops::ControlFlow;

use serde::de::IgnoredAny;
use serde_json::Value;
use timeline::{MemberId, MemberRecords, Quote};

use crate::json_elements::{Documents, Element, Step as PathStep, elements, entry, find};
use crate::places::Places;
use crate::{Input, lines};

/// One object and where it stands.
pub(crate) struct Object<'t> {
    /// Its text: of JSON the object, of YAML its lines.
    pub(crate) text: &'t str,
    /// What it says.
    pub(crate) value: Value,
    /// `PodList`, where it is an item of one.
    pub(crate) list_kind: Option<&'t str>,
    yaml: bool,
}

impl<'t> Object<'t> {
    /// The key and the value a path leads to, as they stand: of JSON the pair, of YAML the line.
    pub(crate) fn find(&self, path: &[PathStep<'_>]) -> Option<&'t str> {
        if self.yaml { yaml_find(self.text, path) } else { find(self.text, path) }
    }

    /// The first of several paths that leads anywhere, as a quote; the first line of the object where none does.
    pub(crate) fn quote(&self, paths: &[&[PathStep<'_>]], places: &mut Places<'t>) -> Quote {
        let found = paths.iter().find_map(|it| self.find(it));
        places.quote(found.unwrap_or_else(|| self.text.lines().next().unwrap_or_default()))
    }
}

/// What the walk meets.
pub(crate) enum Step<'t> {
    /// A list begins; its kind, where it stands.
    List(Option<&'t str>),
    /// An object.
    Object(Object<'t>),
    /// An object of a kind nobody asked for; its inside is not read.
    Other,
    /// The text ends inside a value.
    Cut,
}

/// Whether the inside of an object of this kind and API version is to be read.
type Wanted = fn(&str, Option<&str>) -> bool;

type Visit<'v, 't> = &'v mut dyn FnMut(Step<'t>, &mut Places<'t>, &mut MemberRecords);

/// Walks all objects of a member; those that are not wanted are met and not read.
pub(crate) fn each<'t>(
    input: &Input<'t>,
    wanted: Wanted,
    places: &mut Places<'t>,
    out: &mut MemberRecords,
    visit: Visit<'_, 't>,
) {
    let start = input.text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    if start.starts_with(['{', '[']) {
        each_json(input, wanted, places, out, visit);
    } else {
        each_yaml(input, wanted, places, out, visit);
    }
}

fn each_json<'t>(
    input: &Input<'t>,
    wanted: Wanted,
    places: &mut Places<'t>,
    out: &mut MemberRecords,
    visit: Visit<'_, 't>,
) {
    let around = |list_kind| Around { member: input.origin.member, wanted, list_kind };
    let mut documents = Documents::of(input.text);
    for document in documents.by_ref() {
        // client-go prints an empty list as null
        let items = entry(document.text, "items").filter(|it| it.value.starts_with('[') || it.value == "null");
        let (array, list_kind) = match items {
            Some(items) => {
                let kind = entry(document.text, "kind").map(|it| it.value.trim_matches('"'));
                (items.value, kind)
            }
            None if document.text.starts_with('[') => (document.text, None),
            None => {
                one_json(document, around(None), places, out, visit);
                continue;
            }
        };
        visit(Step::List(list_kind), places, out);
        for element in elements(array) {
            one_json(element, around(list_kind), places, out, visit);
        }
        if !document.whole {
            visit(Step::Cut, places, out);
        }
    }
    let rest = documents.rest().trim_start();
    if !rest.is_empty() {
        let line = places.line(rest);
        out.issue(input.origin.member, line, "text after the last JSON document");
        out.tally.lines += rest.lines().filter(|it| !it.trim().is_empty()).count() as u64;
        out.tally.odd_bytes += rest.len() as u64;
    }
}

/// What an object stands in.
#[derive(Clone, Copy)]
struct Around<'t> {
    member: MemberId,
    wanted: Wanted,
    list_kind: Option<&'t str>,
}

impl Around<'_> {
    /// Whether to read the inside of an object; one without a kind is of that of its list, or must be looked at.
    fn wants(&self, kind: Option<&str>, version: Option<&str>) -> bool {
        match kind.or(self.list_kind.filter(|it| *it != "List")) {
            Some(kind) => (self.wanted)(kind, version),
            None => true,
        }
    }
}

fn one_json<'t>(
    element: Element<'t>,
    around: Around<'t>,
    places: &mut Places<'t>,
    out: &mut MemberRecords,
    visit: Visit<'_, 't>,
) {
    let Element { text, whole } = element;
    let Around { member, list_kind, .. } = around;
    let string = |key| entry(text, key).filter(|it| it.value.starts_with('"')).map(|it| it.value.trim_matches('"'));
    let read = if around.wants(string("kind"), string("apiVersion")) {
        serde_json::from_str(text).map(|value| Step::Object(Object { text, value, list_kind, yaml: false }))
    } else {
        serde_json::from_str::<IgnoredAny>(text).map(|_| Step::Other)
    };
    match read {
        Ok(step) => visit(step, places, out),
        Err(error) => {
            let line = places.line(text);
            let what = if whole { format!("an object that is no JSON: {error}") } else { "the file ends here".into() };
            out.issue(member, line, what);
            out.tally.lines += 1;
            out.tally.odd_bytes += text.len() as u64;
            if !whole {
                visit(Step::Cut, places, out);
            }
        }
    }
}

fn each_yaml<'t>(
    input: &Input<'t>,
    wanted: Wanted,
    places: &mut Places<'t>,
    out: &mut MemberRecords,
    visit: Visit<'_, 't>,
) {
    let around = |list_kind| Around { member: input.origin.member, wanted, list_kind };
    for document in yaml_documents(input.text) {
        let (items, list_kind) = yaml_items(document);
        if items.is_empty() {
            let list = top_level(document, "items").is_some();
            if list {
                visit(Step::List(list_kind), places, out);
            } else if document.lines().any(|it| it.starts_with("kind:") || it.starts_with("metadata:")) {
                one_yaml(document, false, around(None), places, out, visit);
            } else if !document.trim().is_empty() {
                out.tally.lines += document.lines().filter(|it| !it.trim().is_empty()).count() as u64;
                out.tally.odd_bytes += document.len() as u64;
            }
            continue;
        }
        visit(Step::List(list_kind), places, out);
        for item in items {
            one_yaml(item, true, around(list_kind), places, out, visit);
        }
    }
}

fn one_yaml<'t>(
    text: &'t str,
    item: bool,
    around: Around<'t>,
    places: &mut Places<'t>,
    out: &mut MemberRecords,
    visit: Visit<'_, 't>,
) {
    let Around { member, list_kind, .. } = around;
    if !around.wants(yaml_word(text, "kind"), yaml_word(text, "apiVersion")) {
        visit(Step::Other, places, out);
        return;
    }
    let value = if item {
        serde_saphyr::from_str::<Vec<Value>>(text).map(|it| it.into_iter().next().unwrap_or(Value::Null))
    } else {
        serde_saphyr::from_str::<Value>(text)
    };
    match value {
        Ok(value) => visit(Step::Object(Object { text, value, list_kind, yaml: true }), places, out),
        Err(error) => {
            let line = places.line(text);
            let reason = error.to_string();
            let reason = reason.lines().next().unwrap_or_default();
            out.issue(member, line, format!("an object that is no YAML: {reason}"));
            out.tally.lines += 1;
            out.tally.odd_bytes += text.len() as u64;
        }
    }
}

/// The documents between lines of `---`.
fn yaml_documents(text: &str) -> impl Iterator<Item = &str> {
    let mut starts = vec![0];
    let mut ends = Vec::new();
    for line in lines(text, 0, 1).filter(|it| it.text == "---" || it.text.starts_with("--- ")) {
        ends.push(line.start as usize);
        let after = line.start as usize + line.text.len();
        starts.push(text[after..].find('\n').map_or(text.len(), |it| after + it + 1));
    }
    ends.push(text.len());
    starts.into_iter().zip(ends).map(|(start, end)| &text[start..end]).filter(|it| !it.trim().is_empty())
}

/// The value of a key in column 0, and the text after its line.
fn top_level<'t>(document: &'t str, key: &str) -> Option<(&'t str, &'t str)> {
    lines(document, 0, 1).find_map(|line| {
        let value = line.text.strip_prefix(key)?.strip_prefix(':')?;
        let after = line.start as usize + line.text.len();
        Some((value.trim(), document[after..].split_once('\n').map_or("", |(_, rest)| rest)))
    })
}

/// The items of a list, each with the lines it stands in, and the kind of the list.
fn yaml_items(document: &str) -> (Vec<&str>, Option<&str>) {
    let kind = top_level(document, "kind").map(|(it, _)| it.trim_matches('"'));
    let body = match top_level(document, "items") {
        Some((_, rest)) => rest,
        None if document.trim_start().starts_with("- ") => document,
        None => return (Vec::new(), kind),
    };
    let mut items = Vec::new();
    let mut indent = None;
    let mut open: Option<usize> = None;
    let mut end = body.len();
    for line in lines(body, 0, 1).filter(|it| !it.text.trim().is_empty()) {
        let column = column(line.text);
        let dash = line.text[column..].starts_with("- ");
        let at = *indent.get_or_insert(column);
        let start = line.start as usize;
        if dash && column == at {
            items.extend(open.replace(start).map(|it| &body[it..start]));
        } else if column <= at {
            end = start;
            break;
        }
    }
    items.extend(open.map(|it| &body[it..end]));
    (items, kind)
}

fn column(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Kinds with their API versions, in column 0 or in the items of a list.
pub(crate) fn yaml_kinds(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut found = Vec::new();
    for document in yaml_documents(text).take(20) {
        let version = top_level(document, "apiVersion").map(|(it, _)| unquoted(it));
        if let (Some((kind, _)), Some(version)) = (top_level(document, "kind"), version) {
            found.push((unquoted(kind), Some(version)));
        }
        for item in yaml_items(document).0.into_iter().take(50) {
            if let (Some(kind), Some(version)) = (yaml_word(item, "kind"), yaml_word(item, "apiVersion")) {
                found.push((kind, Some(version)));
            }
        }
    }
    found.into_iter()
}

/// The API version in column 0 of the first document.
pub(crate) fn yaml_version(text: &str) -> Option<&str> {
    top_level(yaml_documents(text).next()?, "apiVersion").map(|(it, _)| unquoted(it))
}

/// The value of a key of an object, where it stands in the key's line.
fn yaml_word<'t>(object: &'t str, key: &str) -> Option<&'t str> {
    let line = yaml_find(object, &[PathStep::Key(key)])?;
    Some(unquoted(line.split_once(':')?.1.trim())).filter(|it| !it.is_empty())
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\''])
}

/// The line a path leads to, without its indentation and its dash.
///
/// Works on block style as `kubectl` and Go's YAML write it; in flow style it ends at the line of the last block key.
fn yaml_find<'t>(block: &'t str, path: &[PathStep<'_>]) -> Option<&'t str> {
    let (mut block, mut found) = (block, None);
    for step in path {
        let (line, inner) = match step {
            PathStep::Key(key) => yaml_key(block, key)?,
            PathStep::Index(at) => yaml_index(block, *at)?,
        };
        found = Some(line);
        block = inner;
    }
    found
}

/// Lines of a block with the column of their content, dashes counted as part of the indentation.
fn contents(block: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    lines(block, 0, 1).filter_map(|line| {
        let indent = column(line.text);
        let content = &line.text[indent..];
        (!content.trim().is_empty() && !content.starts_with('#')).then_some((line.start as usize, indent, content))
    })
}

fn yaml_key<'t>(block: &'t str, key: &str) -> Option<(&'t str, &'t str)> {
    let (_, first, content) = contents(block).next()?;
    let keys = first + if content.starts_with("- ") { 2 } else { 0 };
    let mut found: Option<(&str, usize)> = None;
    let mut end = block.len();
    let walked = contents(block).enumerate().try_for_each(|(nth, (start, indent, content))| {
        let (at, content) = match content.strip_prefix("- ") {
            Some(rest) if nth == 0 && indent == first => (keys, rest),
            _ => (indent, content),
        };
        if found.is_some() {
            // a sequence may stand in the column of its key
            if at < keys || at == keys && !content.starts_with("- ") && content != "-" {
                end = start;
                return ControlFlow::Break(());
            }
        } else if at == keys && content.strip_prefix(key).is_some_and(|it| it.starts_with(':')) {
            let line_end = block[start..].find('\n').map_or(block.len(), |it| start + it + 1);
            found = Some((content, line_end));
        }
        ControlFlow::Continue(())
    });
    let _ = walked;
    let (line, inner) = found?;
    Some((line.trim_end(), &block[inner.min(end)..end]))
}

fn yaml_index(block: &str, nth: usize) -> Option<(&str, &str)> {
    let (_, dashes, _) = contents(block).next()?;
    let starts: Vec<usize> = contents(block)
        .filter(|(_, indent, content)| *indent == dashes && content.starts_with("- "))
        .map(|(start, _, _)| start)
        .collect();
    let start = *starts.get(nth)?;
    let end = starts.get(nth + 1).copied().unwrap_or(block.len());
    let inner = &block[start..end];
    Some((inner.lines().next()?.trim().trim_start_matches("- "), inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use PathStep::{Index, Key};

    const POD: &str = "- kind: Pod\n  metadata:\n    name: web-0\n  status:\n    containerStatuses:\n    - name: a\n      restartCount: 0\n    - lastState:\n        terminated:\n          exitCode: 137\n      name: b\n    phase: Running\n";

    #[test]
    fn a_path_leads_to_its_line() {
        let find = |path: &[PathStep<'_>]| yaml_find(POD, path);
        assert_eq!(find(&[Key("kind")]), Some("kind: Pod"));
        assert_eq!(find(&[Key("metadata"), Key("name")]), Some("name: web-0"));
        let second = [Key("status"), Key("containerStatuses"), Index(1)];
        let exit = [&second[..], &[Key("lastState"), Key("terminated"), Key("exitCode")]].concat();
        assert_eq!(find(&exit), Some("exitCode: 137"));
        assert_eq!(find(&[&second[..], &[Key("name")]].concat()), Some("name: b"));
        assert_eq!(find(&[Key("status"), Key("phase")]), Some("phase: Running"));
        assert_eq!(find(&[Key("status"), Key("none")]), None);
    }

    #[test]
    fn items_end_where_the_list_ends() {
        let document = "apiVersion: v1\nitems:\n- kind: Pod\n  a: 1\n\n- kind: Node\n  text: |-\n    - x\nkind: List\n";
        let (items, kind) = yaml_items(document);
        assert_eq!(items, ["- kind: Pod\n  a: 1\n\n", "- kind: Node\n  text: |-\n    - x\n"]);
        assert_eq!(kind, Some("List"));
        assert_eq!(yaml_items("items: []\nkind: PodList\n").0.len(), 0);
    }

    #[test]
    fn documents_are_separated_by_dashes() {
        let found: Vec<_> = yaml_documents("---\na: 1\n--- # two\nb: 2\n---\n").collect();
        assert_eq!(found, ["a: 1\n", "b: 2\n"]);
    }
}
