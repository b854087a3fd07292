use chrono::{DateTime, TimeDelta, Utc};
use timeline::{Record, Severity, Stamp};

use super::*;
use crate::json_elements::Step;
use crate::kube::time_in_name;
use crate::testing::{events, facts, read_at, read_cut, sample, sniff_certainty};

fn at(stamp: &Stamp) -> DateTime<Utc> {
    match stamp {
        Stamp::Exact { at, .. } => *at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_with_its_onset() {
    let text = FORMAT.samples[0];
    let out = read_at(&FORMAT, "events.json", text);
    let found: Vec<_> = events(&out).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found.iter().map(|it| it.count).sum::<u32>(), 4);
    assert_eq!(at(&found[0].stamp).to_rfc3339(), "2023-07-24T03:00:00+00:00");
    assert_eq!(at(&found[1].stamp).to_rfc3339(), "2023-07-24T03:05:00+00:00");
    let event = found[1];
    assert_eq!(event.node.as_deref(), Some("kubestage1001"));
    assert_eq!(event.severity, Some(Severity::Warning));
    assert_eq!(&*event.quote.text, "\"message\":\"Liveness probe failed: \"");
    let row = event.row.as_ref().expect("a row");
    let cells = ["reason", "kind", "namespace", "name", "container", "component", "count", "on"];
    let cells: Vec<_> = cells.iter().map(|it| row.get(it).to_string()).collect();
    assert_eq!(
        cells,
        ["Unhealthy", "Pod", "kube-system", "calico-node-7hx2k", "calico-node", "kubelet", "4", "kubestage1001"]
    );
    assert_eq!(out.seen.len(), 1);
    // the list is known to be whole from the oldest last occurrence on, and holds one namespace
    assert_eq!(at(&out.seen[0].first).to_rfc3339(), "2023-07-24T03:05:00+00:00");
    assert_eq!(out.seen[0].incomplete.as_deref(), Some("only namespace kube-system"));
    assert_eq!(out.collected[0].incomplete.as_deref(), Some("only namespace kube-system"));
}

#[test]
fn new_style_events_count_their_series_and_the_first() {
    let text = r#"{"apiVersion":"events.k8s.io/v1","kind":"Event","eventTime":"2023-07-24T03:00:00.123456Z",
        "reportingController":"kubelet","reportingInstance":"node-b","note":"n","reason":"R","type":"Normal",
        "regarding":{"kind":"Pod","name":"p","namespace":"ns"},"metadata":{"name":"p.x","namespace":"ns"},
        "series":{"count":9,"lastObservedTime":"2023-07-24T03:10:00.000001Z"}}"#;
    let out = read_at(&FORMAT, "x", text);
    let found: Vec<_> = events(&out).map(|it| (it.count, at(&it.stamp).to_rfc3339())).collect();
    assert_eq!(found[0], (1, "2023-07-24T03:00:00.123456+00:00".to_owned()));
    assert_eq!(found[1], (9, "2023-07-24T03:10:00.000001+00:00".to_owned()));
    assert_eq!(events(&out).next().and_then(|it| it.node.clone()).as_deref(), Some("node-b"));
    assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
}

#[test]
fn a_node_its_names_and_its_state() {
    let text = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"kubestage1001",
        "annotations":{"projectcalico.org/IPv4Address":"10.64.16.54/22"},"labels":{"kubernetes.io/hostname":"ks1001"}},
        "status":{"addresses":[{"address":"10.64.16.54","type":"InternalIP"},{"address":"1.2.3.4","type":"ExternalIP"}],
        "conditions":[{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown","message":"Kubelet stopped posting node status.","lastTransitionTime":"2023-07-24T03:00:40Z"}],
        "nodeInfo":{"bootID":"80ffd34e-1abc-48bc-a0ea-7ed294e5cde6","kernelVersion":"4.19.0","osImage":"Debian","containerRuntimeVersion":"docker://18.6.3","kubeletVersion":"v1.17.3"}}}"#;
    let out = read_at(&FORMAT, "node.json", text);
    let node = facts(&out, "node").next().expect("a node");
    assert_eq!(node.get("boot_id").to_string(), "80ffd34e1abc48bca0ea7ed294e5cde6");
    assert_eq!(node.get("ready").to_string(), "false");
    assert_eq!(node.get("address").to_string(), "10.64.16.54");
    let others: Vec<_> = facts(&out, "node.alias").map(|it| it.get("other").to_string()).collect();
    assert_eq!(others, ["10.64.16.54", "ks1001"]);
    let runtime = facts(&out, "runtime").next().expect("a runtime");
    assert_eq!((runtime.get("name").to_string(), runtime.get("version").to_string()), ("docker".into(), "18.6.3".into()));
    let condition = out.records.iter().find_map(|it| match it {
        Record::Fact(fact, stamp) if fact.row.relation.name == "node.condition" => Some((fact, stamp)),
        _ => None,
    });
    let (fact, stamp) = condition.expect("a condition");
    assert_eq!(at(stamp).to_rfc3339(), "2023-07-24T03:00:40+00:00");
    assert_eq!(&*fact.quotes[0].text, "\"message\":\"Kubelet stopped posting node status.\"");
}

const POD: &str = "apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: web-0
    namespace: prod
    uid: 1b2c
  spec:
    containers:
    - livenessProbe:
        exec:
          command:
          - /bin/calico-node
          - -felix-live
        periodSeconds: 10
      name: web
    nodeName: node-b
  status:
    containerStatuses:
    - lastState:
        terminated:
          exitCode: 137
          finishedAt: \"2023-07-24T03:04:05Z\"
          reason: OOMKilled
      name: web
      restartCount: 3
      state:
        waiting:
          message: back-off 5m0s restarting failed container
          reason: CrashLoopBackOff
    phase: Running
    podIP: 10.64.75.4
kind: List
";

#[test]
fn a_pod_in_yaml() {
    assert_eq!(sniff_certainty(&FORMAT, "pods.yaml", POD), Certainty::Sure);
    let out = read_at(&FORMAT, "pods.yaml", POD);
    let pod = facts(&out, "pod").next().expect("a pod");
    let cells: Vec<_> = ["name", "ip", "on", "restarts"].iter().map(|it| pod.get(it).to_string()).collect();
    assert_eq!(cells, ["web-0", "10.64.75.4", "node-b", "3"]);
    assert_eq!(&*pod.quotes[0].text, "podIP: 10.64.75.4");
    let states: Vec<_> = facts(&out, "container.state")
        .map(|it| format!("{} {} {} {}", it.get("state"), it.get("reason"), it.get("exit_code"), it.quotes[0].text))
        .collect();
    assert_eq!(
        states,
        [
            "waiting CrashLoopBackOff unknown reason: CrashLoopBackOff",
            "last-terminated OOMKilled 137 reason: OOMKilled"
        ]
    );
    let probe = facts(&out, "probe").next().expect("a probe");
    assert_eq!(probe.get("command").to_string(), "/bin/calico-node -felix-live");
    assert_eq!(probe.get("action").to_string(), "exec");
    assert_eq!((out.tally.lines, out.tally.understood), (1, 1));
}

#[test]
fn others_are_not_claimed() {
    for text in [
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata"}"#,
        r#"{"log":"x\n","stream":"stdout"}"#,
        "some prose: with a colon\n",
        "apiVersion: v1\nkind: ConfigMap\n\nApply this and wait.\n",
        "apiVersion: v2\nname: chart\n",
        r#"{"kind":"query","apiVersion":"2"}"#,
    ] {
        assert_eq!(sniff_certainty(&FORMAT, "nodes", text), Certainty::No, "{text}");
    }
}

#[test]
fn other_kinds_are_known_and_say_nothing() {
    for (text, objects) in [
        (r#"{"apiVersion":"projectcalico.org/v3","kind":"Node","metadata":{"name":"a"}}"#, 1),
        (r#"{"kind":"ConfigMapList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"data":{"nodes":"x"}}]}"#, 1),
        (r#"{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","items":null}"#, 0),
        (r#"[{"metadata":{"name":"a","uid":"b"}},{"metadata":{"name":"b","uid":"c"}}]"#, 2),
        (r#"[{"groupVersion":"apps/v1","resources":[{"name":"deployments","kind":"Deployment"}]}]"#, 1),
        ("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n", 1),
        ("apiVersion: v1\nkind: ConfigMap\ndata:\n  x: |\n    kind: Pod\n    apiVersion: v1\n", 1),
        ("---\n# one\napiVersion: v1\nkind: Secret\n---\napiVersion: batch/v1\nkind: Job\n", 2),
        ("- apiVersion: k3s.cattle.io/v1\n  kind: Addon\n  metadata:\n    name: a\n", 1),
    ] {
        assert_eq!(sniff_certainty(&FORMAT, "pods", text), Certainty::Likely, "{text}");
        let out = read_at(&FORMAT, "pods", text);
        assert_eq!((out.tally.lines, out.tally.understood, out.issues.len()), (objects, objects, 0), "{text}");
        assert!(out.records.is_empty() && out.collected.is_empty(), "{text}");
    }
}

#[test]
fn a_large_first_object_hides_its_kind() {
    let long = "x".repeat(70_000);
    let json = format!(r#"{{"apiVersion":"v1","items":[{{"apiVersion":"v1","data":{{"a":"{long}"}},"kind":"ConfigMap"}}]}}"#);
    let json = json.replace("},", "},\n").replace(":{", ":{\n");
    let yaml = format!("apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    a: |\n{}  kind: ConfigMap\n", "      b\n".repeat(10_000));
    for text in [json, yaml] {
        assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Likely);
        let out = read_at(&FORMAT, "x", &text);
        assert_eq!((out.tally.lines, out.tally.understood), (1, 1));
    }
}

#[test]
fn an_empty_list_is_known_by_its_path() {
    let text = "{\n    \"apiVersion\": \"v1\",\n    \"items\": [],\n    \"kind\": \"List\"\n}\n";
    assert_eq!(sniff_certainty(&FORMAT, "sos/get_-o_json_--namespace_x_events", text), Certainty::Maybe);
    assert_eq!(sniff_certainty(&FORMAT, "sos/get_-o_json_--namespace_x_pvc", text), Certainty::Maybe);
    assert!(read_at(&FORMAT, "sos/get_-o_json_--namespace_kube-node-lease_quotas", text).collected.is_empty());
    assert_eq!(sniff_certainty(&FORMAT, "cluster-resources/pods/default.json", text), Certainty::Maybe);
    let out = read_at(&FORMAT, "sos/get_-o_json_--namespace_x_events", text);
    assert_eq!(out.collected[0].relation, "kube.event");
    assert!(out.collected[0].incomplete.is_some());
}

#[test]
fn a_cut_list_keeps_its_whole_objects() {
    let whole = FORMAT.samples[0];
    let twice = whole.replace("],\"kind\":\"List\"}", ",{\"kind\":\"Event\",\"mess");
    let out = read_cut(&FORMAT, "x", twice.trim_end());
    assert_eq!(events(&out).count(), 2);
    assert_eq!(out.collected[0].incomplete.as_deref(), Some("the file is cut off"));
}

#[test]
fn odd_objects_do_no_harm() {
    for text in [
        r#"{"kind":"Event","apiVersion":"v1"}"#,
        r#"{"kind":"Event","apiVersion":"v1","count":-3,"message":7,"involvedObject":[],"metadata":"x"}"#,
        r#"{"kind":"Node","apiVersion":"v1","metadata":{"name":"a"},"status":{"addresses":{},"conditions":[1,null]}}"#,
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"status":{"phase":1,"containerStatuses":[[]]}}"#,
        r#"[1,null,{"kind":"Lease","spec":{"renewTime":"soon"}}]"#,
        "items:\n- \n- - x\n-\n",
        "- kind: Event\n  apiVersion: v1\n  message: \"unclosed\n",
    ] {
        let _ = read_at(&FORMAT, "events", text);
    }
}

#[test]
fn event_names_agree_with_printed_stamps() {
    let mut checked = 0;
    for path in ["events-kube-system-k3s-v1.31.json", "events-kube-system-v1.23.json"] {
        let Some(text) = sample(&format!("kubernetes/objects/{path}")) else { return };
        assert_eq!(sniff_certainty(&FORMAT, path, &text), Certainty::Sure);
        let out = read_at(&FORMAT, path, &text);
        assert_eq!(out.issues, []);
        assert_eq!(out.tally.lines, out.tally.understood);
        let items = crate::json_elements::find(&text, &[Step::Key("items")]).expect("a list");
        let items = items.split_once(':').expect("a pair").1.trim_start();
        for item in elements(items) {
            let value: Value = serde_json::from_str(item.text).expect("an event");
            let named = time_in_name(value["metadata"]["name"].as_str().expect("a name")).expect("a time");
            let first = value["eventTime"].as_str().or(value["firstTimestamp"].as_str()).expect("a stamp");
            let off = named - crate::kube::instant(first).expect("an instant");
            assert!(off >= TimeDelta::seconds(-1) && off < TimeDelta::seconds(1), "{first} {off}");
            checked += 1;
        }
        let rows = events(&out).filter(|it| it.row.is_some()).count();
        assert!(rows as u64 >= out.tally.lines);
    }
    assert_eq!(checked, 222);
}

#[test]
fn real_objects() {
    let read = |path: &str| {
        let text = sample(&format!("kubernetes/objects/{path}"))?;
        assert_eq!(sniff_certainty(&FORMAT, path, &text), Certainty::Sure, "{path}");
        let out = read_at(&FORMAT, path, &text);
        assert_eq!(out.issues, [], "{path}");
        assert_eq!(out.tally.lines, out.tally.understood, "{path}");
        Some(out)
    };
    let Some(yaml) = read("events-openshift-etcd-v1.21.yaml") else { return };
    assert_eq!(yaml.tally.lines as usize, sample("kubernetes/objects/events-openshift-etcd-v1.21.yaml").map_or(0, |it| it.matches("\n- ").count()));
    let nodes = read("nodes-k3s-v1.31.json").expect("a sample");
    assert_eq!(facts(&nodes, "node").count(), 1);
    let node = read("node-master-0-v1.21.yaml").expect("a sample");
    let found = facts(&node, "node").next().expect("a node");
    assert_eq!(found.get("name").to_string(), "ci-ln-i7gzws2-8c773-jn5dn-master-0");
    assert!(facts(&node, "node.condition").count() >= 4);
    let lease = read("leases-kube-node-lease-k3s-v1.31.json").expect("a sample");
    assert_eq!(facts(&lease, "clock.collected").count(), 1);
    let oom = read("message-oomkill-pod.json").expect("a sample");
    assert!(facts(&oom, "container.state").any(|it| it.get("reason").to_string() == "OOMKilled"));
    let crash = read("message-pod-crashloop-backoff.json").expect("a sample");
    assert!(facts(&crash, "container.state").any(|it| it.get("reason").to_string() == "CrashLoopBackOff"));
    assert!(events(&read("message-container-creating-failed-mount.json").expect("a sample")).count() > 0);
}
