//! What is known to be incomplete, with many files of one kind in one line.
//!
//! ```text
//! k8s-event log, kube.event in each of 56 files: only namespace …
//! pod, container.state, probe in 248 files: single objects, not a list
//! ```
//!
//! A must-gather has a file for every namespace and object, so a line for each of them would hide the one that matters.
//! Reasons that differ in one word are of one kind; the word becomes an ellipsis.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::Coverage;
use crate::list::some_of;

/// Logs and tables that are incomplete for the same kind of reason in the same files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    /// What, of whom, where and why.
    pub(crate) text: String,
    /// File and reason of each, where there is more than one.
    pub(crate) each: Vec<String>,
}

/// One log or table in one file.
struct Piece<'c> {
    what: String,
    node: Option<&'c str>,
    why: &'c str,
    file: &'c str,
}

/// Those of nodes first: whether an absence counts depends on them.
pub(crate) fn partials(coverage: &Coverage, root: &str) -> Vec<Partial> {
    let logs = coverage.sources.iter().filter_map(|it| {
        let why = it.incomplete.as_deref()?;
        Some(Piece { what: format!("{} log", it.source), node: it.node.as_deref(), why, file: &it.file })
    });
    let tables = coverage.relations.iter().filter_map(|it| {
        let why = it.incomplete.as_deref()?;
        Some(Piece { what: it.relation.clone(), node: it.node.as_deref(), why, file: &it.file })
    });
    let pieces: Vec<Piece<'_>> = logs.chain(tables).collect();
    let kinds = kinds(pieces.iter().map(|it| it.why));

    // what is said of one log or table, then of all that are said the same of
    let mut single: BTreeMap<(bool, &str, &str), Vec<&Piece<'_>>> = BTreeMap::new();
    for piece in &pieces {
        single.entry((piece.node.is_none(), &piece.what, &kinds[piece.why])).or_default().push(piece);
    }
    type Same<'c> = (bool, &'c str, BTreeSet<(&'c str, Option<&'c str>)>);
    let mut together: HashMap<Same<'_>, usize> = HashMap::new();
    let mut groups: Vec<(Vec<&str>, Vec<&Piece<'_>>, &str)> = Vec::new();
    for ((cluster, what, kind), pieces) in &single {
        let places = pieces.iter().map(|it| (it.file, it.node)).collect();
        let at = *together.entry((*cluster, kind, places)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.0.push(what),
            None => groups.push((vec![what], pieces.clone(), kind)),
        }
    }
    groups.iter().map(|(whats, pieces, kind)| partial(whats, pieces, kind, root)).collect()
}

fn partial(whats: &[&str], pieces: &[&Piece<'_>], kind: &str, root: &str) -> Partial {
    let mut nodes: Vec<String> = pieces.iter().filter_map(|it| it.node).map(ToOwned::to_owned).collect();
    nodes.sort();
    nodes.dedup();
    let whose = if nodes.is_empty() { String::new() } else { format!(" of {}", some_of(&nodes, false)) };
    let what = format!("{}{whose}", whats.join(", "));
    let mut each: Vec<(&str, &str)> = pieces.iter().map(|it| (below(root, it.file), it.why)).collect();
    each.sort_unstable();
    each.dedup();
    let files: BTreeSet<&str> = each.iter().map(|it| it.0).collect();
    let text = match &each[..] {
        [(file, why)] => return Partial { text: format!("{what} in {file}: {why}"), each: Vec::new() },
        [(_, first), ..] if *first == kind => format!("{what} in {} files: {kind}", files.len()),
        _ if files.len() == 1 => format!("{what} in {}: {kind}", each[0].0),
        _ => format!("{what} in each of {} files: {kind}", files.len()),
    };
    Partial { text, each: each.iter().map(|(file, why)| format!("{file}: {why}")).collect() }
}

/// Words of a reason that are compared; a longer one is a kind of its own.
const WORDS: usize = 24;

/// The kind of each reason: itself with an ellipsis for the one word in which most others differ from it.
fn kinds<'c>(reasons: impl Iterator<Item = &'c str>) -> HashMap<&'c str, String> {
    let reasons: BTreeSet<&str> = reasons.collect();
    let mut shared: HashMap<String, u32> = HashMap::new();
    for masked in reasons.iter().flat_map(|it| masks(it)) {
        *shared.entry(masked).or_default() += 1;
    }
    let kind = |reason: &str| {
        let mut best = (1, reason.to_owned());
        for masked in masks(reason) {
            let count = shared.get(&masked).copied().unwrap_or(0);
            if count > best.0 {
                best = (count, masked);
            }
        }
        best.1
    };
    reasons.iter().map(|it| (*it, kind(it))).collect()
}

/// `only namespace default`: `only namespace …`, `only … default`, `… namespace default`
fn masks(reason: &str) -> Vec<String> {
    let words: Vec<&str> = reason.split(' ').collect();
    if !(2..=WORDS).contains(&words.len()) {
        return Vec::new();
    }
    let mask = |hidden: usize| {
        let shown = words.iter().enumerate().map(|(at, word)| if at == hidden { "…" } else { *word });
        shown.collect::<Vec<_>>().join(" ")
    };
    (0..words.len()).rev().map(mask).collect()
}

/// The folder that all files of a bundle lie in, with its slash; nothing where they share none.
pub(crate) fn root(coverage: &Coverage) -> &str {
    let mut paths = coverage.members.iter().map(|it| it.path.as_str());
    let Some(mut root) = paths.next().map(folder) else { return "" };
    for path in paths {
        while !path.starts_with(root) {
            root = folder(root.trim_end_matches('/'));
        }
    }
    root
}

/// The path up to its last slash.
fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

/// The path below a folder.
pub(crate) fn below<'p>(root: &str, path: &'p str) -> &'p str {
    path.strip_prefix(root).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogSource, Member, RelationSource};

    fn log(node: Option<&str>, why: &str, file: &str) -> LogSource {
        LogSource {
            node: node.map(ToOwned::to_owned),
            source: if node.is_some() { "kernel" } else { "k8s-event" }.to_owned(),
            incomplete: Some(why.to_owned()),
            file: file.to_owned(),
            ..LogSource::default()
        }
    }

    fn table(relation: &str, why: &str, file: &str) -> RelationSource {
        let incomplete = Some(why.to_owned());
        RelationSource { relation: relation.to_owned(), node: None, incomplete, file: file.to_owned() }
    }

    fn texts(coverage: &Coverage, root: &str) -> Vec<String> {
        partials(coverage, root).into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn files_of_one_kind_share_a_line() {
        let coverage = Coverage {
            sources: vec![
                log(None, "only namespace default", "b/default.yaml"),
                log(None, "only namespace kube-system", "b/kube-system.yaml"),
                log(Some("node-08"), "the ring buffer had wrapped", "b/node-08/dmesg"),
                log(Some("node-07"), "the ring buffer had wrapped", "b/node-07/dmesg"),
            ],
            relations: vec![
                table("kube.event", "only namespace default", "b/default.yaml"),
                table("kube.event", "only namespace kube-system", "b/kube-system.yaml"),
                table("pod", "single objects, not a list", "b/a.yaml"),
                table("probe", "single objects, not a list", "b/a.yaml"),
                table("pod", "only namespace default", "b/pods.yaml"),
            ],
            ..Coverage::default()
        };
        assert_eq!(
            texts(&coverage, "b/"),
            [
                "kernel log of node-07, node-08 in 2 files: the ring buffer had wrapped",
                "k8s-event log, kube.event in each of 2 files: only namespace …",
                "pod in pods.yaml: only namespace default",
                "pod, probe in a.yaml: single objects, not a list",
            ]
        );
        let each = &partials(&coverage, "b/")[1].each;
        assert_eq!(each[..], ["default.yaml: only namespace default", "kube-system.yaml: only namespace kube-system"]);
    }

    #[test]
    fn reasons_that_share_nothing_stay_as_they_are() {
        let reasons = ["cut", "only borrowed addresses are listed", "journald suppressed 3 lines", "a cut of two"];
        let kinds = kinds(reasons.into_iter());
        assert!(reasons.iter().all(|it| kinds[it] == *it), "{kinds:?}");
    }

    #[test]
    fn the_root_is_the_folder_of_all_files() {
        let of = |paths: &[&str]| {
            let member = |path: &&str| Member { path: (*path).to_owned(), ..Member::default() };
            let coverage = Coverage { members: paths.iter().map(member).collect(), ..Coverage::default() };
            root(&coverage).to_owned()
        };
        assert_eq!(of(&["a/b/c.txt", "a/b/d/e.txt"]), "a/b/");
        assert_eq!(of(&["a/bc.txt", "a/b/c.txt"]), "a/");
        assert_eq!(of(&["a.tar!/x/y", "a.tar!/x/z/y"]), "a.tar!/x/");
        assert_eq!(of(&["a/b.txt", "c/b.txt"]), "");
        assert_eq!([of(&[]), of(&["a.txt"])], ["", ""]);
        assert_eq!(below("a/", "a/b.txt"), "b.txt");
    }
}
