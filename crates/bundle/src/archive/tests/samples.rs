//! Bundles as real collectors leave them, where they are at hand.
#![allow(clippy::print_stderr, reason = "a test that did not run says so")]

use std::path::PathBuf;

use super::*;

fn sample(name: &str) -> Option<Seen> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/bundles").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {name} is not at hand");
        return None;
    }
    let mut seen = Seen::default();
    walk(&Input::Path(path), &Limits::default(), &mut seen).unwrap();
    Some(seen)
}

fn linked(seen: &Seen) -> usize {
    seen.notes.iter().filter(|note| matches!(note, Note::Linked { .. })).count()
}

/// Members, links, and unpacked bytes, as GNU tar counts them.
fn counts(seen: &Seen) -> (usize, usize, usize) {
    (seen.members.len(), linked(seen), seen.members.iter().map(|(_, content)| content.len()).sum())
}

#[test]
fn troubleshoot() {
    let Some(seen) = sample("troubleshoot-supportbundle-k3s-v1.31.tar.gz") else { return };
    assert_eq!(counts(&seen), (145, 2, 1_525_693));
    let empty = seen.notes.iter().filter(|note| matches!(note, Note::Skipped { reason: SkipReason::NoFiles, .. }));
    assert_eq!((empty.count(), seen.notes.len()), (2, 4), "{}", seen.notes());
}

#[test]
fn must_gather() {
    let Some(seen) = sample("must-gather-ocp4.8-vsphere.tar.xz") else { return };
    assert_eq!(counts(&seen), (3681, 0, 76_933_646));
    assert_eq!(seen.notes(), "");
}

#[test]
fn sosreport() {
    let Some(seen) = sample("sosreport-juju-110cc2-k8stest-4-2022-02-11-hotsos.tar.xz") else { return };
    // two of its journals are tars of one file each, whatever they are called
    assert_eq!(counts(&seen), (1741, 25, 63_587_585));
    assert_eq!(seen.notes.len(), 25, "{}", seen.notes());
}

#[test]
fn directories() {
    let Some(seen) = sample("kind-export-logs-v1.32.2") else { return };
    assert!(seen.members.len() > 10);
    let Some(seen) = sample("omc-must-gather-rotated-logs") else { return };
    let rotated = seen.members.iter().filter(|(path, _)| path.ends_with(".gz"));
    assert!(rotated.clone().count() > 0 && rotated.clone().all(|(_, content)| !content.starts_with(&[0x1f, 0x8b])));
}
