//! Event objects, old fields (`involvedObject`, `source`, `firstTimestamp`) and new ones (`regarding`,
//! `reportingController`, `eventTime`, `series`).

use chrono::TimeDelta;
use serde_json::Value;
use timeline::{MemberRecords, Stamp};

use super::text;
use super::walk::Object;
use crate::json_elements::Step::Key;
use crate::kube::{Events, KubeEvent, pair, container_in_path, instant, resolution, stamp, time_in_name};
use crate::places::Places;

pub(super) fn read<'t>(object: &Object<'t>, events: &mut Events, places: &mut Places<'t>, out: &mut MemberRecords) {
    let value = &object.value;
    let about = first_of(value, &["involvedObject", "regarding"]);
    let source = first_of(value, &["source", "deprecatedSource"]);
    let message = text(&value["message"]).or_else(|| text(&value["note"])).unwrap_or_default();
    let component = text(&source["component"])
        .or_else(|| text(&value["reportingComponent"]))
        .or_else(|| text(&value["reportingController"]));
    let kind = text(&about["kind"]);
    let about_node = (kind == Some("Node")).then(|| text(&about["name"])).flatten();
    // the instance of a scheduler or an operator is a pod or a host with a prefix; that of these is the node
    let instance = matches!(component, Some("kubelet" | "kube-proxy" | "kubernetes.io/kubelet"))
        .then(|| text(&value["reportingInstance"]))
        .flatten();
    let (first, last) = stamps(value);
    let first = refined(first, text(&value["metadata"]["name"]));
    let event = KubeEvent {
        reason: text(&value["reason"]),
        severity: text(&value["type"]),
        kind,
        namespace: text(&about["namespace"]).or_else(|| text(&value["metadata"]["namespace"])),
        name: text(&about["name"]),
        container: text(&about["fieldPath"]).and_then(container_in_path),
        component,
        message,
        on: about_node.or_else(|| text(&source["host"])).or(instance),
        last: if same_second(&first, &last) { first } else { last },
        first,
        count: count(value),
    };
    let quote = object.quote(
        &[&[Key("message")], &[Key("note")], &[Key("reason")], &[Key("metadata"), Key("name")], &[Key("kind")]],
        places,
    );
    let created = text(&value["metadata"]["creationTimestamp"]).filter(|it| instant(it).is_some()).map(stamp);
    let from_node = matches!(component, Some("kubelet" | "kube-proxy" | "kubernetes.io/kubelet"));
    if let (Some(node), Some(created), true) = (event.on, created, from_node) {
        // the kubelet stamps what happened, the API server the object that tells of it
        pair(node, "node", &event.first, &created, "kube-event", quote.clone(), out);
    }
    events.push(&event, quote, out);
}

fn first_of<'v>(value: &'v Value, keys: &[&str]) -> &'v Value {
    keys.iter().map(|it| &value[*it]).find(|it| !it.is_null()).unwrap_or(&Value::Null)
}

/// First and last occurrence: the old pair of fields, else `eventTime` and the end of its series.
fn stamps(value: &Value) -> (Stamp, Stamp) {
    let of = |keys: &[&str]| keys.iter().find_map(|it| text(&value[*it]).filter(|it| instant(it).is_some())).map(stamp);
    let series = text(&value["series"]["lastObservedTime"]).filter(|it| instant(it).is_some()).map(stamp);
    let created = text(&value["metadata"]["creationTimestamp"]).map(stamp);
    let event_time = of(&["eventTime"]);
    let first = of(&["firstTimestamp", "deprecatedFirstTimestamp"]);
    let last = of(&["lastTimestamp", "deprecatedLastTimestamp"]);
    // a new-style event may carry old fields in whole seconds beside its microseconds
    let first = event_time.or(first).or(last).or(created).unwrap_or_default();
    let last = series.or(last).unwrap_or(first);
    (first, last)
}

/// A series does not count its first event.
fn count(value: &Value) -> u32 {
    let number = |it: &Value| it.as_u64().map(|it| it.min(u64::from(u32::MAX)) as u32);
    number(&value["series"]["count"])
        .map(|it| it.saturating_add(1))
        .or_else(|| number(&value["count"]))
        .or_else(|| number(&value["deprecatedCount"]))
        .unwrap_or(1)
        .max(1)
}

/// The stamp in the event's name, where it falls into the printed second: the same instant, to the microsecond.
fn refined(printed: Stamp, name: Option<&str>) -> Stamp {
    let Stamp::Exact { at, resolution: wide, .. } = printed else { return printed };
    let Some(named) = name.and_then(time_in_name) else { return printed };
    let inside = named >= at && named - at < wide;
    if inside && wide == TimeDelta::seconds(1) {
        Stamp::Exact { at: named, resolution: resolution(6), offset_secs: None }
    } else {
        printed
    }
}

fn same_second(first: &Stamp, last: &Stamp) -> bool {
    match (first, last) {
        (Stamp::Exact { at: a, .. }, Stamp::Exact { at: b, resolution, .. }) => {
            a.timestamp() == b.timestamp() && *resolution == TimeDelta::seconds(1)
        }
        _ => false,
    }
}
