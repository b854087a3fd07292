//! Objects of the Kubernetes API as `kubectl get … -o json|yaml` and bundle collectors write them.
//!
//! ```text
//! {"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Event","reason":"BackOff",
//!   "involvedObject":{"kind":"Pod","name":"web-0","fieldPath":"spec.containers{web}"},
//!   "firstTimestamp":"2022-02-11T19:18:39Z","lastTimestamp":"2022-02-11T19:23:20Z","count":4,…
//! ```
//!
//! Lists of `kubectl` (`kind: List`), of client-go (`PodList`, whose items may lack their kind), bare arrays, single
//! objects, several documents in a row, all in JSON or YAML. Kinds: Event (core and `events.k8s.io`), Node, Pod,
//! Lease, Deployment, DaemonSet, StatefulSet, ReplicaSet. An object of any other kind is known for what it is and says nothing; what an API server lists of its own
//! resources likewise. Skipped within these: managed fields, volumes, resources. A Pod without a status is a
//! manifest and gives no pod. Time: RFC 3339 in UTC, whole seconds or microseconds; an event whose name carries the
//! nanoseconds of its first emission, within the printed second, is as precise as its name.
//!
//! Source: k8s.io/api core/v1, events/v1, coordination/v1.

mod event;
mod node;
mod noted;
mod pod;
mod service;
pub(crate) mod walk;
mod workload;

use std::collections::BTreeSet;

use serde_json::Value;
use timeline::{Collected, MemberRecords};

use crate::json_elements::{Documents, elements, entries, entry};
use crate::kube::{Events, collected_by};
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};
use walk::Object;

pub(crate) static FORMAT: Format = Format {
    name: "kube-objects",
    produced_by: "kubectl get … -o json|yaml; read are events, nodes, pods, leases, workloads",
    samples: &[
        concat!(
            r#"{"apiVersion":"v1","items":[{"apiVersion":"v1","count":4,"eventTime":null,"#,
            r#""firstTimestamp":"2023-07-24T03:00:00Z","involvedObject":{"fieldPath":"spec.containers{calico-node}","#,
            r#""kind":"Pod","name":"calico-node-7hx2k","namespace":"kube-system"},"kind":"Event","#,
            r#""lastTimestamp":"2023-07-24T03:05:00Z","message":"Liveness probe failed: ","metadata":{"#,
            r#""name":"calico-node-7hx2k.1774b3a2c9d0e400","namespace":"kube-system"},"reason":"Unhealthy","#,
            r#""source":{"component":"kubelet","host":"kubestage1001"},"type":"Warning"}],"kind":"List"}"#,
            "\n"
        ),
        concat!(
            "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: kubestage1001\nstatus:\n  addresses:\n",
            "  - address: 10.64.16.54\n    type: InternalIP\n  nodeInfo:\n    kernelVersion: 4.19.0-18-amd64\n"
        ),
        "apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    key: value\n  kind: ConfigMap\n  metadata:\n    name: settings\nkind: ConfigMapList\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// The kinds read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Event,
    Node,
    Pod,
    Lease,
    Service,
    Workload,
}

/// Kind and API version decide; a `Node` of Calico and an `Event` of the audit log are others' objects.
fn kind_of(kind: &str, version: Option<&str>) -> Option<Kind> {
    let of = |versions: &[&str]| version.is_none_or(|it| versions.contains(&it));
    match kind {
        "Event" | "EventList" if of(&["v1", "events.k8s.io/v1", "events.k8s.io/v1beta1"]) => Some(Kind::Event),
        "Node" | "NodeList" if of(&["v1"]) => Some(Kind::Node),
        "Pod" | "PodList" if of(&["v1"]) => Some(Kind::Pod),
        "Service" | "ServiceList" if of(&["v1"]) => Some(Kind::Service),
        "Lease" | "LeaseList" if version.is_none_or(|it| it.starts_with("coordination.k8s.io/")) => Some(Kind::Lease),
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "DeploymentList" | "DaemonSetList" | "StatefulSetList"
        | "ReplicaSetList"
            if version.is_none_or(|it| it.starts_with("apps/") || it == "extensions/v1beta1") =>
        {
            Some(Kind::Workload)
        }
        _ => None,
    }
}

/// An object without a kind, by fields no other kind has.
fn kind_by_shape(has: impl Fn(&str, Option<&str>) -> bool) -> Option<Kind> {
    if has("involvedObject", None) || has("regarding", None) && has("reportingController", None) {
        Some(Kind::Event)
    } else if has("status", Some("nodeInfo")) {
        Some(Kind::Node)
    } else if has("spec", Some("containers")) && has("status", Some("phase")) {
        Some(Kind::Pod)
    } else if has("spec", Some("renewTime")) && has("spec", Some("holderIdentity")) {
        Some(Kind::Lease)
    } else {
        None
    }
}

/// `ConfigMap` of `v1`, `CronJob` of `batch/v1beta1`; an `Event` of the audit log is a line of a log.
fn is_kubernetes(kind: Option<&str>, version: Option<&str>) -> bool {
    let (Some(kind), Some(version)) = (kind.or(Some("Any")), version) else { return false };
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let number = version.strip_prefix('v').is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()));
    let word = |it: &str| it.bytes().all(|it| it.is_ascii_alphanumeric() || b".-".contains(&it));
    let named = kind.starts_with(|it: char| it.is_ascii_uppercase()) && kind.bytes().all(|it| it.is_ascii_alphanumeric());
    named && number && word(version) && word(group) && group != "audit.k8s.io"
}

/// What objects without a kind have in common, and the lists of resources and groups an API server answers with.
fn is_object_by_shape(has: impl Fn(&str, Option<&str>) -> bool) -> bool {
    let metadata = |key| has("metadata", Some(key));
    metadata("name") && (metadata("uid") || metadata("creationTimestamp"))
        || has("groupVersion", None) && has("resources", None)
        || has("preferredVersion", None) && has("versions", None)
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let text = sniff.text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    let found = if text.starts_with(['{', '[']) {
        Documents::of(text).take(3).find_map(|it| json_certainty(it.text))
    } else {
        yaml_certainty(text, sniff.whole)
    };
    found.unwrap_or(Certainty::No)
}

fn yaml_certainty(text: &str, whole: bool) -> Option<Certainty> {
    if walk::yaml_kinds(text).any(|(kind, version)| kind_of(kind, version).is_some()) {
        return Some(Certainty::Sure);
    }
    // a text about objects shows them too; a file of objects holds nothing else
    let in_yaml = |line: &str| {
        let key = || line.split_once(':').filter(|(_, rest)| rest.is_empty() || rest.starts_with(' '));
        line.starts_with([' ', '#', '-'])
            || line == "..."
            || key().is_some_and(|(key, _)| key.bytes().all(|it| it.is_ascii_alphanumeric()))
    };
    let other = walk::yaml_kinds(text).any(|(kind, version)| is_kubernetes(Some(kind), version))
        // the kind of a large object stands behind its data
        || !whole && is_kubernetes(None, walk::yaml_version(text));
    (other && text.lines().all(|it| it.trim().is_empty() || in_yaml(it))).then_some(Certainty::Likely)
}

fn json_certainty(document: &str) -> Option<Certainty> {
    let known = |object: &str| -> Option<Certainty> {
        let string = |key| entry(object, key).map(|it| it.value.trim_matches('"'));
        if let Some(kind) = string("kind") {
            let version = string("apiVersion");
            let other = || is_kubernetes(Some(kind), version).then_some(Certainty::Likely);
            // a `List` is what its items are
            return match kind_of(kind, version) {
                Some(_) => Some(Certainty::Sure),
                None if kind == "List" => None,
                None => other(),
            };
        }
        let has = |key: &str, inner: Option<&str>| {
            entry(object, key).is_some_and(|it| inner.is_none_or(|inner| entry(it.value, inner).is_some()))
        };
        (kind_by_shape(has).is_some() || is_object_by_shape(has)).then_some(Certainty::Likely)
    };
    if document.starts_with('[') {
        return elements(document).take(3).find_map(|it| known(it.text).or_else(|| cut_object(it.text)));
    }
    if let Some(certainty) = known(document) {
        return Some(certainty);
    }
    let Some(items) = entry(document, "items").filter(|it| it.value.starts_with('[')) else {
        return cut_object(document);
    };
    if elements(items.value).next().is_none() {
        // an empty list does not say of what
        let list = entries(document).any(|it| it.pair.ends_with("\"List\"") && it.key == "kind");
        return list.then_some(Certainty::Maybe);
    }
    let found = elements(items.value).take(50).find_map(|it| known(it.text));
    found.or_else(|| cut_object(document)).or_else(|| cut_object(elements(items.value).next()?.text))
}

/// An object whose kind may stand behind the end of the text.
fn cut_object(object: &str) -> Option<Certainty> {
    let version = entry(object, "apiVersion").map(|it| it.value.trim_matches('"'));
    let cut = entries(object).any(|it| !it.whole);
    (cut && entry(object, "kind").is_none() && is_kubernetes(None, version)).then_some(Certainty::Likely)
}

/// What was found in a member, over all its objects.
#[derive(Default)]
struct Found {
    events: Events,
    kinds: BTreeSet<Kind>,
    namespaces: BTreeSet<(Kind, String)>,
    newest_lease: Option<(chrono::DateTime<chrono::Utc>, timeline::Quote, timeline::Stamp)>,
    objects: u32,
    lists: u32,
    others: u32,
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    let mut found = Found::default();
    let mut cut = input.truncated;
    let wanted = |kind: &str, version: Option<&str>| {
        kind_of(kind, version).is_some() || !is_kubernetes(Some(kind), version.or(Some("v1")))
    };
    walk::each(input, wanted, &mut places, out, &mut |step, places, out| match step {
        walk::Step::List(kind) => {
            found.lists += 1;
            found.kinds.extend(kind.and_then(|it| kind_of(it, None)));
            // an empty `PodMetricsList` in a file of that name is no list of pods
            found.others += u32::from(kind.is_some_and(|it| it != "List" && kind_of(it, None).is_none()));
        }
        walk::Step::Other => {
            found.others += 1;
            out.tally.lines += 1;
            out.tally.understood += 1;
        }
        walk::Step::Cut => cut = true,
        walk::Step::Object(object) => {
            out.tally.lines += 1;
            if read(&object, &mut found, places, out) {
                out.tally.understood += 1;
            } else {
                out.tally.odd_bytes += object.text.len() as u64;
            }
        }
    });
    if found.objects == 0 && found.others == 0 && found.kinds.is_empty() {
        found.kinds.extend(kind_in_path(&input.origin.path));
    }
    finish(input, found, cut, out);
}

fn read<'t>(object: &Object<'t>, found: &mut Found, places: &mut Places<'t>, out: &mut MemberRecords) -> bool {
    let value = &object.value;
    let has = |key: &str, inner: Option<&str>| match inner {
        Some(inner) => value[key].get(inner).is_some(),
        None => value.get(key).is_some(),
    };
    let kind = match text(&value["kind"]) {
        Some(kind) => kind_of(kind, text(&value["apiVersion"])),
        None => object.list_kind.and_then(|it| kind_of(it, None)).or_else(|| kind_by_shape(has)),
    };
    let Some(kind) = kind else {
        let other = value.get("kind").is_none() && is_object_by_shape(has);
        found.others += u32::from(other);
        return other;
    };
    found.objects += 1;
    found.kinds.insert(kind);
    if let Some(namespace) = text(&value["metadata"]["namespace"]) {
        found.namespaces.insert((kind, namespace.to_owned()));
    }
    match kind {
        Kind::Event => event::read(object, &mut found.events, places, out),
        Kind::Node => node::read(object, places, out),
        Kind::Pod => pod::read(object, places, out),
        Kind::Lease => node::lease(object, &mut found.newest_lease, places, out),
        Kind::Service => service::read(object, places, out),
        Kind::Workload => workload::read(object, places, out),
    }
    true
}

fn finish(input: &Input<'_>, mut found: Found, cut: bool, out: &mut MemberRecords) {
    let member = input.origin.member;
    if let Some((_, quote, stamp)) = found.newest_lease.take() {
        out.records.push(collected_by(quote, stamp));
    }
    let mut events_incomplete = None;
    for kind in &found.kinds {
        let mut namespaces = found.namespaces.iter().filter(|(of, _)| of == kind).map(|(_, it)| it.as_str());
        let incomplete = if cut {
            Some("the file is cut off".to_owned())
        } else if found.lists == 0 {
            Some("single objects, not a list".to_owned())
        } else {
            match (namespaces.next(), namespaces.next(), kind) {
                (Some(only), None, Kind::Event | Kind::Pod | Kind::Service | Kind::Workload) => Some(format!("only namespace {only}")),
                (None, _, Kind::Event | Kind::Pod) => Some("an empty list does not say of which namespace".to_owned()),
                _ => None,
            }
        };
        if *kind == Kind::Event {
            events_incomplete.clone_from(&incomplete);
        }
        let relations: &[&'static str] = match kind {
            Kind::Event => &["kube.event"],
            Kind::Node => &["node", "node.condition", "node.label", "calico.node"],
            Kind::Pod => &["pod", "container.state", "probe", "container.image"],
            Kind::Lease => &["node.lease", "lease"],
            Kind::Service => &["service"],
            Kind::Workload => &["workload"],
        };
        for relation in relations {
            out.collected.push(Collected { relation, node: None, incomplete: incomplete.clone(), member });
        }
    }
    found.events.finish(member, events_incomplete, out);
}

/// `…/events/kube-system.json`, `…_get_-o_json_--namespace_kube-node-lease_pods`: what an empty list was a list of.
fn kind_in_path(path: &str) -> Option<Kind> {
    let parts = path.rsplitn(3, '/').take(2);
    parts.into_iter().find_map(|part| {
        part.to_ascii_lowercase().rsplit(|it: char| !it.is_ascii_alphanumeric()).find_map(|word| match word {
            "events" => Some(Kind::Event),
            "nodes" => Some(Kind::Node),
            "pods" => Some(Kind::Pod),
            "leases" => Some(Kind::Lease),
            _ => None,
        })
    })
}

/// A string that says something.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests;
