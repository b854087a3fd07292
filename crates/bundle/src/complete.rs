//! Lists of one namespace each are a whole list together, where there is one for every namespace.
//!
//! ```text
//! cluster-resources/serviceaccounts/{default,kube-system,shop}.json     every namespace has one of these
//! cluster-resources/pods/{default,kube-system,shop}.json                so these are all pods
//! ```
//!
//! Only where a layout puts the lists of a kind into a folder of its own, and says which namespaces there are.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::Layouts;
use crate::member::Done;

/// Folders with a file for every namespace, whatever lives in it.
const EVERYWHERE: &[&str] = &["serviceaccounts", "auth-cani-list", "configmaps"];

/// Takes back that a list is of one namespace only, where the others lie beside it.
pub(crate) fn lists(done: &mut [Done], layouts: &Layouts) {
    let mut folders: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for it in done.iter() {
        if let Some((root, folder, namespace)) = place(&it.member.path, layouts) {
            folders.entry((root, folder)).or_default().insert(namespace);
        }
    }
    let whole = |root: &str, folder: &str| {
        let listed = |it: &str| folders.get(&(root.to_owned(), it.to_owned()));
        let all = EVERYWHERE.iter().find_map(|it| listed(it));
        all.is_some_and(|all| listed(folder).is_some_and(|it| it.is_superset(all)))
    };
    let complete: BTreeSet<(String, String)> =
        folders.keys().filter(|(root, folder)| whole(root, folder)).cloned().collect();
    for it in done.iter_mut() {
        let Some((root, folder, namespace)) = place(&it.member.path, layouts) else { continue };
        if !complete.contains(&(root, folder)) || it.member.truncated.is_some() {
            continue;
        }
        let only = format!("only namespace {namespace}");
        let collected = it.records.collected.iter_mut().map(|it| &mut it.incomplete);
        for incomplete in collected.chain(it.records.seen.iter_mut().map(|it| &mut it.incomplete)) {
            incomplete.take_if(|it| *it == only);
        }
    }
}

/// `cluster-resources/pods/shop.json` of a troubleshoot bundle: its root, the folder, the namespace.
fn place(path: &str, layouts: &Layouts) -> Option<(String, String, String)> {
    let layout = layouts.of(path);
    if layout.name != "troubleshoot" {
        return None;
    }
    let below = path.strip_prefix(layout.root.as_str())?.strip_prefix("cluster-resources/")?;
    let (folder, file) = below.split_once('/')?;
    let namespace = file.strip_suffix(".json").filter(|it| !it.contains('/') && !it.ends_with("-errors"))?;
    Some((layout.root.clone(), folder.to_owned(), namespace.to_owned()))
}
