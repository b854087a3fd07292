//! The settings of a configuration file, flattened, each with its place.

use super::row;
use crate::Line;
use crate::json_elements::{Documents, elements, entries, entry};
use crate::places::Places;
use crate::state::State;

/// Deeper than this nothing of a kubelet's is nested.
const MOST_DEPTH: usize = 12;

/// Keys that say what the document is.
fn of_the_document(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

/// Block YAML, as all writers of such files print it.
pub(super) fn yaml(state: &mut State<'_, '_, '_>) {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut list: Option<(String, Vec<&str>, Line<'_>)> = None;
    state.each(|state, line| {
        let text = line.text.trim_end();
        let indent = text.len() - text.trim_start().len();
        let bare = text.trim_start();
        if bare.starts_with('#') || bare == "---" || bare == "..." {
            return true;
        }
        if let Some(item) = bare.strip_prefix("- ").or((bare == "-").then_some("")) {
            while open.last().is_some_and(|(at, _)| *at > indent) {
                open.pop();
            }
            let key = path(&open);
            match &mut list {
                Some((of, items, _)) if *of == key => items.push(scalar(item)),
                _ => {
                    flush(list.take(), state);
                    list = Some((key, vec![scalar(item)], *line));
                }
            }
            return true;
        }
        flush(list.take(), state);
        let Some((key, value)) = bare.split_once(':').filter(|(_, it)| it.is_empty() || it.starts_with(' ')) else {
            return false;
        };
        while open.last().is_some_and(|(at, _)| *at >= indent) {
            open.pop();
        }
        let value = value.trim();
        if open.is_empty() && of_the_document(key) || open.first().is_some_and(|(_, it)| of_the_document(it)) {
            if value.is_empty() {
                open.push((indent, key));
            }
            return true;
        }
        if value.is_empty() {
            if open.len() < MOST_DEPTH {
                open.push((indent, key.trim_matches(['"', '\''])));
            }
            return true;
        }
        let mut whole = path(&open);
        if !whole.is_empty() {
            whole.push('.');
        }
        whole.push_str(key.trim_matches(['"', '\'']));
        state.push(row(&whole, scalar(value), "file"), line);
        true
    });
    flush(list, state);
}

fn path(open: &[(usize, &str)]) -> String {
    open.iter().map(|(_, key)| *key).collect::<Vec<_>>().join(".")
}

fn scalar(text: &str) -> &str {
    let text = text.trim();
    let quoted = ['"', '\''].into_iter().find_map(|it| text.strip_prefix(it)?.strip_suffix(it));
    quoted.unwrap_or(text)
}

fn flush(list: Option<(String, Vec<&str>, Line<'_>)>, state: &mut State<'_, '_, '_>) {
    if let Some((key, items, line)) = list.filter(|(key, _, _)| !key.is_empty()) {
        let origin = state.input.origin;
        let fact = timeline::Fact::new(row(&key, &items.join(","), "file"), origin.node.clone(), origin.quote(&line));
        state.fact(fact, timeline::Stamp::None);
    }
}

/// A document of the kubelet's, or what `/configz` answers.
pub(super) fn json<'t>(state: &mut State<'_, 't, '_>, api: bool) {
    let mut places = Places::of(state.input);
    let mut read = false;
    for document in Documents::of(state.input.text) {
        let (object, source) = match entry(document.text, "kubeletconfig") {
            Some(inner) => (inner.value, "api"),
            None => (document.text, if api { "api" } else { "file" }),
        };
        object_of(object, "", source, &mut places, state, 0);
        read = true;
    }
    state.each(|_, _| read);
}

fn object_of<'t>(object: &'t str, prefix: &str, source: &str, places: &mut Places<'t>, state: &mut State<'_, 't, '_>, depth: usize) {
    for it in entries(object) {
        if prefix.is_empty() && of_the_document(it.key) || depth > MOST_DEPTH {
            continue;
        }
        let key = if prefix.is_empty() { it.key.to_owned() } else { format!("{prefix}.{}", it.key) };
        match it.value.as_bytes().first() {
            Some(b'{') => object_of(it.value, &key, source, places, state, depth + 1),
            Some(b'[') => {
                let items: Vec<&str> = elements(it.value).map(|it| it.text.trim_matches('"')).collect();
                push(&key, &items.join(","), source, it.pair, places, state);
            }
            _ => push(&key, it.value.trim_matches('"'), source, it.pair, places, state),
        }
    }
}

fn push<'t>(key: &str, value: &str, source: &str, pair: &'t str, places: &mut Places<'t>, state: &mut State<'_, 't, '_>) {
    let node = state.input.origin.node.clone();
    state.fact(timeline::Fact::new(row(key, value, source), node, places.quote(pair)), timeline::Stamp::None);
}
