//! When the API server noted what a kubelet wrote: both clocks at one instant.
//!
//! ```text
//! spec.renewTime: 2025-12-10T17:26:37.859850Z                       by the clock of the node
//! metadata.managedFields[0]: {manager: kubelet, time: 2025-12-10T17:26:37Z, fieldsV1: {f:spec: {f:renewTime: {}}}}
//! ```
//!
//! The entry of `managedFields` that owns a field has the time of the last write to it, by the clock of the API server.
//! Taken of leases, of the heartbeat in the Node object, and of the last change of a pod that is ready. Before 1.24 the
//! time stood still where only values changed: so the lease or the heartbeat, which change all the time, must agree with
//! the others (`timeline/skew`). kubectl leaves `managedFields` out, the API and most collectors do not.
//!
//! Source: `staging/src/k8s.io/apimachinery/pkg/util/managedfields`; Kubernetes API reference, `ManagedFieldsEntry`.

use serde_json::Value;
use timeline::MemberRecords;

use super::node::list;
use super::text;
use super::walk::Object;
use crate::json_elements::Step::{Index, Key};
use crate::kube::{instant, pair, stamp};
use crate::places::Places;

/// When the field at this path was last written, and the fields that were written with it.
fn owner<'v>(object: &'v Value, path: &[&str]) -> Option<(&'v str, &'v Value)> {
    let entries = list(&object["metadata"], "managedFields").iter();
    let of = |it: &'v Value| {
        let owned = path.iter().try_fold(&it["fieldsV1"], |at, key| at.get(key)).is_some();
        (owned && it["operation"] == "Update").then(|| Some((text(&it["time"])?, &it["fieldsV1"])))?
    };
    // a field that two write is nobody's
    let mut found = entries.filter_map(of);
    found.next().filter(|_| found.next().is_none())
}

/// A lease of `kube-node-lease`.
pub(super) fn lease<'t>(object: &Object<'t>, places: &mut Places<'t>, out: &mut MemberRecords) {
    let value = &object.value;
    let renewed = &value["spec"]["renewTime"];
    let (Some(node), Some(renewed), Some((noted, _))) =
        (text(&value["metadata"]["name"]), text(renewed), owner(value, &["f:spec", "f:renewTime"]))
    else {
        return;
    };
    let quote = object.quote(&[&[Key("spec"), Key("renewTime")]], places);
    mirror(node, renewed, noted, "lease-update", quote, out);
}

/// The heartbeat in a Node object.
pub(super) fn heartbeat<'t>(object: &Object<'t>, places: &mut Places<'t>, out: &mut MemberRecords) {
    let value = &object.value;
    let conditions = list(&value["status"], "conditions");
    let Some(at) = conditions.iter().position(|it| it["type"] == "Ready") else { return };
    let path = ["f:status", "f:conditions", r#"k:{"type":"Ready"}"#, "f:lastHeartbeatTime"];
    let (Some(node), Some(beat), Some((noted, _))) =
        (text(&value["metadata"]["name"]), text(&conditions[at]["lastHeartbeatTime"]), owner(value, &path))
    else {
        return;
    };
    let quote = object.quote(&[&[Key("status"), Key("conditions"), Index(at), Key("lastHeartbeatTime")]], places);
    mirror(node, beat, noted, "node-status", quote, out);
}

/// The last change of a pod that is ready, which its kubelet alone can say.
pub(super) fn ready<'t>(object: &Object<'t>, node: &str, places: &mut Places<'t>, out: &mut MemberRecords) {
    let value = &object.value;
    let conditions = list(&value["status"], "conditions");
    let Some(at) = conditions.iter().position(|it| it["type"] == "Ready" && it["status"] == "True") else { return };
    let path = ["f:status", "f:conditions", r#"k:{"type":"Ready"}"#, "f:lastTransitionTime"];
    // what a controller says of a pod stands with no state of containers
    let of_kubelet = |it: &Value| it["f:status"].get("f:containerStatuses").is_some();
    let Some((noted, _)) = owner(value, &path).filter(|it| of_kubelet(it.1)) else { return };
    let newest = conditions
        .iter()
        .filter(|it| it["type"] != "PodScheduled" && it["status"] == "True")
        .filter_map(|it| text(&it["lastTransitionTime"]).filter(|it| instant(it).is_some()))
        .max_by_key(|it| instant(it));
    let Some(newest) = newest else { return };
    let quote = object.quote(&[&[Key("status"), Key("conditions"), Index(at), Key("lastTransitionTime")]], places);
    mirror(node, newest, noted, "pod-status", quote, out);
}

fn mirror(
    node: &str,
    written: &str,
    noted: &str,
    how: &'static str,
    quote: timeline::Quote,
    out: &mut MemberRecords,
) {
    if instant(written).is_some() && instant(noted).is_some() {
        pair(node, "mirror", &stamp(written), &stamp(noted), how, quote, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::FORMAT;
    use crate::testing::{facts, read_at, sample};

    /// How, by how many seconds the node is ahead, and how wide that is.
    fn mirrored(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "x.json", text);
        let pairs = facts(&out, "clock.pair").filter(|it| it.get("first").to_string() == "mirror");
        let secs = |it: &timeline::Fact, column| it.get(column).as_number().unwrap_or_default() / 1e6;
        pairs.map(|it| format!("{} {} {} {}", it.get("on"), it.get("how"), secs(it, "ahead_micros"), it.quotes[0].text)).collect()
    }

    fn lease(fields: &str) -> String {
        format!(
            r#"{{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{{"name":"node-a","namespace":"kube-node-lease",
            "managedFields":[{fields}]}},
            "spec":{{"holderIdentity":"node-a","leaseDurationSeconds":40,"renewTime":"2025-12-10T17:26:47.859850Z"}}}}"#
        )
    }

    const RENEWED: &str = r#"{"manager":"kubelet","operation":"Update","time":"2025-12-10T17:26:37Z","fieldsV1":{"f:spec":{"f:renewTime":{}}}}"#;

    #[test]
    fn a_lease_that_the_api_server_dated() {
        let told = ["node-a lease-update 10.359851 \"renewTime\":\"2025-12-10T17:26:47.859850Z\""];
        assert_eq!(mirrored(&lease(RENEWED)), told, "half of the second that the API server hides is taken off");
        assert_eq!(mirrored(&lease("")), [""; 0]);
        let labelled = RENEWED.replace("f:renewTime", "f:holderIdentity");
        assert_eq!(mirrored(&lease(&labelled)), [""; 0], "another field was written then");
        assert_eq!(mirrored(&lease(&format!("{RENEWED},{RENEWED}"))), [""; 0], "two write it");
    }

    #[test]
    fn a_pod_that_is_ready_and_one_that_is_not() {
        let pod = |status: &str, owned: &str| {
            format!(
                r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web-1","namespace":"shop","managedFields":[
                {{"manager":"kubelet","operation":"Update","subresource":"status","time":"2025-12-10T17:26:21Z","fieldsV1":
                {{"f:status":{{"f:conditions":{{"k:{{\"type\":\"Ready\"}}":{{"f:lastTransitionTime":{{}}}}}}{owned}}}}}}}]}},
                "spec":{{"nodeName":"node-a"}},"status":{{"phase":"Running","conditions":[
                {{"type":"PodScheduled","status":"True","lastTransitionTime":"2025-12-10T19:00:00Z"}},
                {{"type":"Initialized","status":"True","lastTransitionTime":"2025-12-10T17:25:00Z"}},
                {{"type":"Ready","status":"{status}","lastTransitionTime":"2025-12-10T17:26:26Z"}}]}}}}"#
            )
        };
        let containers = r#","f:containerStatuses":{}"#;
        let told = ["node-a pod-status 5 \"lastTransitionTime\":\"2025-12-10T17:26:26Z\""];
        assert_eq!(mirrored(&pod("True", containers)), told);
        assert_eq!(mirrored(&pod("False", containers)), [""; 0], "a controller may have said so");
        assert_eq!(mirrored(&pod("True", "")), [""; 0], "not written by a kubelet");
    }

    #[test]
    fn a_real_cluster_agrees_with_itself() {
        let names = ["leases-kube-node-lease-k3s-v1.31.json", "nodes-k3s-v1.31.json"];
        for name in names {
            let Some(text) = sample(&format!("kubernetes/objects/{name}")) else { return };
            let found = mirrored(&text);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            let secs: f64 = found[0].split(' ').nth(2).and_then(|it| it.parse().ok()).expect("a number");
            assert!(secs.abs() < 1.0, "{found:?}");
        }
    }
}
