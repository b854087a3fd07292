//! Node objects and the leases that are their heartbeats.

use chrono::{DateTime, Utc};
use serde_json::Value;
use timeline::{Fact, MemberRecords, Quote, Record, Row, Stamp, relation};

use super::{noted, text};
use super::walk::Object;
use crate::calico_resources::calico_node;
use crate::json_elements::Step::{Index, Key};
use crate::kube::{NodeFacts, aliases, instant, stamp};
use crate::places::Places;

pub(super) fn read<'t>(object: &Object<'t>, places: &mut Places<'t>, out: &mut MemberRecords) {
    let value = &object.value;
    let Some(name) = text(&value["metadata"]["name"]) else { return };
    let info = &value["status"]["nodeInfo"];
    let of = |key: &str| text(&info[key]);
    let conditions = value["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().find(|it| it["type"] == "Ready").and_then(|it| text(&it["status"]));
    let addresses = value["status"]["addresses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let address = addresses.iter().find(|it| it["type"] == "InternalIP").and_then(|it| text(&it["address"]));
    let quote = object.quote(&[&[Key("metadata"), Key("name")]], places);
    NodeFacts {
        name,
        address,
        boot_id: of("bootID"),
        kernel: of("kernelVersion"),
        os: of("osImage"),
        runtime: of("containerRuntimeVersion"),
        kubelet: of("kubeletVersion"),
        ready: ready.map(|it| it == "True"),
    }
    .push(&quote, &mut |key| object.quote(&[&[Key("status"), Key("nodeInfo"), Key(key)]], places), out);

    for (at, condition) in conditions.iter().enumerate() {
        let path = |key| [Key("status"), Key("conditions"), Index(at), Key(key)];
        let quote = object.quote(&[&path("message"), &path("reason"), &path("type")], places);
        let row = Row::new(&relation::NODE_CONDITION)
            .with("name", name)
            .with("type", text(&condition["type"]))
            .with("status", text(&condition["status"]))
            .with("reason", text(&condition["reason"]))
            .with("message", text(&condition["message"]));
        let since = text(&condition["lastTransitionTime"]).map_or(Stamp::None, stamp);
        out.records.push(Record::Fact(Box::new(Fact::new(row, Some(name.into()), quote)), since));
    }

    noted::heartbeat(object, places, out);
    let metadata = &value["metadata"];
    for (key, label) in metadata["labels"].as_object().into_iter().flatten() {
        let quote = object.quote(&[&[Key("metadata"), Key("labels"), Key(key)], &[Key("metadata"), Key("name")]], places);
        let row = Row::new(&relation::NODE_LABEL)
            .with("name", name)
            .with("key", key.as_str())
            .with("value", label.as_str().unwrap_or_default());
        out.records.push(Record::Fact(Box::new(Fact::new(row, Some(name.into()), quote)), Stamp::None));
    }
    let annotated = |key: &str| text(&metadata["annotations"][key]);
    let keys = ["projectcalico.org/IPv4Address", "projectcalico.org/IPv4IPIPTunnelAddr", "projectcalico.org/IPv4VXLANTunnelAddr"];
    if keys.iter().any(|it| annotated(it).is_some()) {
        let row = calico_node(name, annotated(keys[0]), address, annotated(keys[1]), annotated(keys[2]));
        let places_of = keys.map(|key| [Key("metadata"), Key("annotations"), Key(key)]);
        let quote = object.quote(&[&places_of[0], &places_of[1], &places_of[2]], places);
        out.records.push(Record::Fact(Box::new(Fact::new(row, Some(name.into()), quote)), Stamp::None));
    }
    let annotation = "projectcalico.org/IPv4Address";
    let label = "kubernetes.io/hostname";
    let mut others: Vec<(&str, Quote)> = Vec::new();
    for (at, entry) in addresses.iter().enumerate() {
        // an external address may be a load balancer's, shared by many
        if matches!(text(&entry["type"]), Some("InternalIP" | "Hostname" | "InternalDNS"))
            && let Some(other) = text(&entry["address"])
        {
            let path = [Key("status"), Key("addresses"), Index(at), Key("address")];
            others.push((other, object.quote(&[&path], places)));
        }
    }
    if let Some(other) = text(&metadata["labels"][label]) {
        others.push((other, object.quote(&[&[Key("metadata"), Key("labels"), Key(label)]], places)));
    }
    if let Some(other) = text(&metadata["annotations"][annotation]) {
        let bare = other.split('/').next().unwrap_or(other);
        others.push((bare, object.quote(&[&[Key("metadata"), Key("annotations"), Key(annotation)]], places)));
    }
    aliases(name, others, out);
}

/// A lease of `kube-node-lease` is the heartbeat of a node; leases of other namespaces are elections.
pub(super) fn lease<'t>(
    object: &Object<'t>,
    newest: &mut Option<(DateTime<Utc>, Quote, Stamp)>,
    places: &mut Places<'t>,
    out: &mut MemberRecords,
) {
    let value = &object.value;
    let Some(renewed) = text(&value["spec"]["renewTime"]) else { return };
    let Some(at) = instant(renewed) else { return };
    let quote = object.quote(&[&[Key("spec"), Key("renewTime")], &[Key("metadata"), Key("name")]], places);
    if text(&value["metadata"]["namespace"]) == Some("kube-node-lease")
        && let Some(name) = text(&value["metadata"]["name"])
    {
        let row = Row::new(&relation::NODE_LEASE)
            .with("name", name)
            .with("duration_secs", value["spec"]["leaseDurationSeconds"].as_i64());
        out.records.push(Record::Fact(Box::new(Fact::new(row, Some(name.into()), quote.clone())), stamp(renewed)));
        noted::lease(object, places, out);
    } else if let Some(name) = text(&value["metadata"]["name"]) {
        let row = Row::new(&relation::LEASE)
            .with("namespace", text(&value["metadata"]["namespace"]))
            .with("name", name)
            .with("holder", text(&value["spec"]["holderIdentity"]))
            .with("duration_secs", value["spec"]["leaseDurationSeconds"].as_i64())
            .with("transitions", value["spec"]["leaseTransitions"].as_i64());
        out.records.push(Record::Fact(Box::new(Fact::new(row, None, quote.clone())), stamp(renewed)));
    }
    if newest.as_ref().is_none_or(|(old, _, _)| at > *old) {
        *newest = Some((at, quote, stamp(renewed)));
    }
}

/// A list of values at a key.
pub(super) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}
