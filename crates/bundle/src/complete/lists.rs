//! Lists of one namespace each are a whole list together, where there is one for every namespace.
//!
//! ```text
//! cluster-resources/serviceaccounts/{default,kube-system,shop}.json     troubleshoot: every namespace has one of these
//! cluster-resources/pods/{default,kube-system,shop}.json                so these are all pods
//! namespaces/{default,shop}/core/{pods,events}.yaml                     must-gather: all, where the Namespace objects
//! cluster-scoped-resources/core/namespaces/{default,shop}.yaml          name no other
//! {default,kube-node-lease,kube-system}/events.json                     cluster-info dump: a dump of some namespaces
//!                                                                       does not hold that of the leases
//! sos_commands/kubernetes/cluster-info/{default,shop}/…_pods            sos asks in each namespace there is
//! ```
//!
//! Only where a layout says which namespaces there are. A must-gather of the cluster's own namespaces says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::{Layout, Layouts};
use crate::member::Done;

/// Folders of troubleshoot with a file for every namespace, whatever lives in it.
const EVERYWHERE: &[&str] = &["serviceaccounts", "auth-cani-list", "configmaps"];
/// Namespaces that nobody dumps by name.
const OWN: &[&str] = &["kube-node-lease", "kube-public"];
/// The lists of namespaces themselves, as the kind of a place.
const NAMESPACES: &str = "namespaces";

/// What the lists of one kind cover.
enum Cover {
    /// Every namespace.
    Whole,
    /// So many of so many.
    Some(usize, usize),
    /// Nothing tells which namespaces there are.
    Unknown,
}

/// Takes back that a list is of one namespace only, where the others lie beside it.
pub(crate) fn lists(done: &mut [Done], layouts: &Layouts) {
    let mut kinds: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for it in done.iter() {
        let layout = layouts.of(&it.member.path);
        if let Some((kind, namespace)) = place(&it.member.path, layout) {
            if layout.name == "sos" {
                // it asks for some lists in every namespace
                let all = (layout.root.clone(), NAMESPACES.to_owned());
                kinds.entry(all).or_default().insert(namespace.clone());
            }
            kinds.entry((layout.root.clone(), kind)).or_default().insert(namespace);
        }
    }
    let none = BTreeSet::new();
    let listed = |root: &str, kind: &str| kinds.get(&(root.to_owned(), kind.to_owned())).unwrap_or(&none);
    let cover = |layout: &Layout, kind: &str| -> Cover {
        let (root, own) = (layout.root.as_str(), listed(&layout.root, kind));
        let all = match layout.name {
            "troubleshoot" => EVERYWHERE.iter().map(|it| listed(root, it)).find(|it| !it.is_empty()),
            "cluster-info-dump" => Some(own).filter(|it| OWN.iter().any(|own| it.contains(*own))),
            _ => Some(listed(root, NAMESPACES)).filter(|it| !it.is_empty()),
        };
        match all {
            None => Cover::Unknown,
            Some(all) if own.is_superset(all) => Cover::Whole,
            Some(all) => Cover::Some(own.intersection(all).count(), all.len()),
        }
    };
    let mut words: Vec<(usize, Option<String>)> = Vec::new();
    for (at, it) in done.iter().enumerate().filter(|(_, it)| it.member.truncated.is_none()) {
        let layout = layouts.of(&it.member.path);
        let Some((kind, namespace)) = place(&it.member.path, layout) else { continue };
        match cover(layout, &kind) {
            Cover::Whole => words.push((at, None)),
            Cover::Some(own, all) => {
                words.push((at, Some(format!("only namespace {namespace}; {own} of {all} namespaces were collected"))));
            }
            Cover::Unknown => {}
        }
    }
    for (at, words) in words {
        let records = &mut done[at].records;
        let collected = records.collected.iter_mut().map(|it| &mut it.incomplete);
        for incomplete in collected.chain(records.seen.iter_mut().map(|it| &mut it.incomplete)) {
            // an empty list does not say its namespace, but its place does
            let of_one = |it: &String| it.starts_with("only namespace ") || it.starts_with("an empty list ");
            if incomplete.as_ref().is_some_and(of_one) {
                incomplete.clone_from(&words);
            }
        }
    }
}

/// `cluster-resources/pods/shop.json`: what it lists, and in which namespace.
fn place(path: &str, layout: &Layout) -> Option<(String, String)> {
    let below = path.strip_prefix(layout.root.as_str())?;
    let parts: Vec<&str> = below.split('/').collect();
    let stem = |it: &str| it.rsplit_once('.').map_or(it, |it| it.0).to_owned();
    match (layout.name, parts.as_slice()) {
        ("troubleshoot", ["cluster-resources", folder, file]) => {
            let namespace = file.strip_suffix(".json").filter(|it| !it.ends_with("-errors"))?;
            Some(((*folder).to_owned(), namespace.to_owned()))
        }
        ("must-gather", ["cluster-scoped-resources", "core", "namespaces", file]) => {
            Some((NAMESPACES.to_owned(), stem(file)))
        }
        // of a list, not of single objects
        ("must-gather", ["namespaces", namespace, group, file]) => {
            Some((format!("{group}/{}", stem(file)), (*namespace).to_owned()))
        }
        ("cluster-info-dump", [namespace, file]) => Some((stem(file), (*namespace).to_owned())),
        ("sos", ["sos_commands", "kubernetes", "cluster-info", namespace, file]) => {
            let (_, kind) = file.rsplit_once(&format!("_{namespace}_"))?;
            Some((kind.to_owned(), (*namespace).to_owned()))
        }
        _ => None,
    }
}
