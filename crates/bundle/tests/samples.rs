//! Bundles as real collectors leave them, where they are at hand: the ledger adds up, and the nodes are the nodes.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{counted, nodes, sample, unpacked_bytes};
use coroner_bundle::{Case, Input};
use timeline::Outcome;

/// Bytes of a file, or of all files in a folder.
fn bytes_at(path: &Path) -> u64 {
    if !path.is_dir() {
        return unpacked_bytes(&std::fs::read(path).expect("a sample can be read"));
    }
    let entries = std::fs::read_dir(path).expect("a sample can be listed");
    entries.map(|it| bytes_at(&it.expect("an entry").path())).sum()
}

/// Reads a sample, holds its ledger against a count of its own, and says layout and nodes.
fn layout_and_nodes(name: &str) -> Option<(&'static str, Vec<String>)> {
    let path = sample(name)?;
    let case = counted(Input::Path(path.clone()));
    assert_eq!(case.members.iter().map(|it| it.bytes).sum::<u64>(), bytes_at(&path), "{name}");
    let paths: BTreeSet<&str> = case.members.iter().map(|it| it.path.as_ref()).collect();
    assert_eq!(paths.len(), case.members.len(), "no member twice");
    for member in &case.members {
        match &member.outcome {
            Outcome::Parsed => assert!(member.format.is_some(), "{}", member.path),
            Outcome::NotRecognised { .. } => assert!(member.format.is_none() && member.bytes > 0, "{}", member.path),
            Outcome::Skipped { reason } => assert!(!reason.is_empty() && member.format.is_none(), "{}", member.path),
        }
        assert_eq!(member.truncated, None, "{}", member.path);
    }
    assert!(case.limits_hit.is_empty(), "{:?}", case.limits_hit);
    let known = case.members.iter().filter(|it| it.outcome == Outcome::Parsed).map(|it| it.bytes).sum::<u64>();
    let odd: u64 = case.records.iter().map(|it| it.tally.odd_bytes).sum();
    let all = case.members.iter().map(|it| it.bytes).sum::<u64>();
    assert!((known - odd) * 100 >= all * 95, "{name}: {odd} odd bytes in {known} of {all} bytes known");
    let layout = case.bundles[0].layout.name;
    Some((layout, nodes(case)))
}

#[test]
fn must_gather() {
    let Some((layout, nodes)) = layout_and_nodes("must-gather-ocp4.8-vsphere.tar.xz") else { return };
    assert_eq!(layout, "must-gather");
    let short: Vec<&str> = nodes.iter().filter_map(|it| it.strip_prefix("ci-ln-i7gzws2-8c773-jn5dn-")).collect();
    assert_eq!(short, ["master-0", "master-1", "master-2", "worker-c547l", "worker-gwzt6", "worker-smst9"]);
    assert_eq!(nodes.len(), short.len(), "{nodes:?}");
}

#[test]
fn sosreport() {
    let name = "sosreport-juju-110cc2-k8stest-4-2022-02-11-hotsos.tar.xz";
    let Some((layout, nodes)) = layout_and_nodes(name) else { return };
    assert_eq!(layout, "sos");
    // the machine itself, and the two workers that its kubectl lists
    assert_eq!(nodes, ["juju-110cc2-k8stest-4", "juju-110cc2-k8stest-5", "juju-110cc2-k8stest-6"]);
}

#[test]
fn troubleshoot() {
    let Some((layout, nodes)) = layout_and_nodes("troubleshoot-supportbundle-k3s-v1.31.tar.gz") else { return };
    assert_eq!((layout, nodes), ("troubleshoot", vec!["primary-node".to_owned()]));
}

#[test]
fn kind_export() {
    let Some((layout, nodes)) = layout_and_nodes("kind-export-logs-v1.32.2") else { return };
    assert_eq!((layout, nodes), ("kind-export", vec!["kind-control-plane".to_owned()]));
}

#[test]
fn a_namespace_without_its_list_of_pods() {
    let Some((layout, nodes)) = layout_and_nodes("omc-must-gather-rotated-logs") else { return };
    assert_eq!((layout, nodes), ("must-gather", vec!["unknown-1".to_owned()]));
}

#[test]
fn a_machine_owns_what_was_taken_on_it() {
    let Some(path) = sample("sosreport-juju-110cc2-k8stest-4-2022-02-11-hotsos.tar.xz") else { return };
    let case: Case = counted(Input::Path(path));
    let host = "juju-110cc2-k8stest-4";
    let seen = case.records.iter().flat_map(|it| &it.seen).filter(|it| it.source.name() == "kernel");
    assert!(seen.clone().count() > 1);
    assert!(
        seen.clone().all(|it| it.node.as_deref() == Some(host)),
        "what it was called before its first boot is it too"
    );
    let node = |end: &str| {
        let member = case.members.iter().find(|it| it.path.ends_with(end)).expect("a member of the sample");
        member.node.as_deref().map(str::to_owned)
    };
    assert_eq!(node("proc/1/limits").as_deref(), Some(host));
    assert_eq!(node("networking/ip_-d_address").as_deref(), Some(host));
    assert_eq!(node("_logs_calico-kube-controllers-5f885f6465-zpvgw").as_deref(), Some("juju-110cc2-k8stest-5"));
}

#[test]
fn a_log_of_a_pod_is_its_nodes() {
    let Some(path) = sample("must-gather-ocp4.8-vsphere.tar.xz") else { return };
    let case = counted(Input::Path(path));
    let logs = case.members.iter().filter(|it| it.path.contains("/logs/") && it.format == Some("container-log"));
    let (with, without): (Vec<_>, Vec<_>) = logs.partition(|it| it.node.is_some());
    assert!(with.len() > 1000, "{}", with.len());
    assert_eq!(without.len(), 0, "{:?}", without.first().map(|it| &it.path));
    let tuned = with.iter().find(|it| it.path.contains("/pods/tuned-sxcjv/")).expect("a pod of the sample");
    assert_eq!(tuned.node.as_deref(), Some("ci-ln-i7gzws2-8c773-jn5dn-worker-c547l"));
    // namespaces are no nodes, and neither is the folder of the image
    assert!(case.members.iter().filter_map(|it| it.node.as_deref()).all(|it| it.starts_with("ci-ln-")));
}
