//! Deployments, DaemonSets, StatefulSets and ReplicaSets: how many of their pods run.

use timeline::{Fact, MemberRecords, Record, Row, Stamp, relation};

use super::text;
use super::walk::Object;
use crate::json_elements::Step::Key;
use crate::places::Places;

pub(super) fn read<'t>(object: &Object<'t>, places: &mut Places<'t>, out: &mut MemberRecords) {
    let value = &object.value;
    let (spec, status) = (&value["spec"], &value["status"]);
    let Some(name) = text(&value["metadata"]["name"]) else { return };
    // a manifest says what shall be, not what is
    if !status.is_object() {
        return;
    }
    let kind = text(&value["kind"]).or(object.list_kind.and_then(|it| it.strip_suffix("List"))).unwrap_or("Workload");
    let daemon = kind == "DaemonSet";
    let number = |key: &str| status[key].as_i64();
    // what is 0 is left out of a status
    let of = |daemons: &str, others: &str| Some(number(if daemon { daemons } else { others }).unwrap_or(0));
    let desired = if daemon { number("desiredNumberScheduled") } else { spec["replicas"].as_i64() };
    let row = Row::new(&relation::WORKLOAD)
        .with("kind", kind)
        .with("namespace", text(&value["metadata"]["namespace"]))
        .with("name", name)
        .with("desired", desired)
        .with("ready", of("numberReady", "readyReplicas"))
        .with("available", of("numberAvailable", "availableReplicas"))
        .with("updated", of("updatedNumberScheduled", "updatedReplicas"));
    let ready = if daemon { "numberReady" } else { "readyReplicas" };
    let quote = object.quote(&[&[Key("status"), Key(ready)], &[Key("metadata"), Key("name")]], places);
    out.records.push(Record::Fact(Box::new(Fact::new(row, None, quote)), Stamp::None));
}

#[cfg(test)]
mod tests {
    use crate::kube_objects::FORMAT;
    use crate::testing::{facts, read_at};

    #[test]
    fn what_runs_of_what_should() {
        let text = r#"{"kind":"List","apiVersion":"v1","items":[
            {"kind":"DaemonSet","apiVersion":"apps/v1","metadata":{"name":"calico-node","namespace":"kube-system"},
             "status":{"desiredNumberScheduled":5,"numberReady":3,"numberAvailable":3}},
            {"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"coredns","namespace":"kube-system"},
             "spec":{"replicas":2},"status":{"replicas":2,"updatedReplicas":2}},
            {"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"manifest"},"spec":{"replicas":2}}]}"#;
        let out = read_at(&FORMAT, "x", text);
        let cells = |it: &timeline::Fact| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let rows: Vec<String> = facts(&out, "workload").map(cells).collect();
        assert_eq!(rows, ["DaemonSet kube-system calico-node 5 3 3 0", "Deployment kube-system coredns 2 0 0 2"]);
    }
}
