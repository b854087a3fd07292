use timeline::{Record, Stamp};

use super::*;
use crate::testing::{events, facts, read_at, sample, sniff_certainty};

const POD: &str = "Name:         calico-node-7hx2k
Namespace:    kube-system
Priority:     0
Node:         kubestage1001/10.64.16.54
Start Time:   Mon, 24 Jul 2023 10:00:00 +0800
Labels:       k8s-app=calico-node
Status:       Running
IP:           10.64.16.54
Init Containers:
  install-cni:
    State:          Terminated
      Reason:       Completed
      Exit Code:    0
      Finished:     Mon, 24 Jul 2023 10:00:02 +0800
    Restart Count:  0
Containers:
  calico-node:
    Image:          calico/node:v3.17.4
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Message:      runtime: failed to create new OS thread
      Exit Code:    2
      Started:      Mon, 24 Jul 2023 11:02:10 +0800
      Finished:     Mon, 24 Jul 2023 11:02:12 +0800
    Ready:          False
    Restart Count:  3
    Liveness:       exec [/bin/calico-node -felix-live -bird-live] delay=10s timeout=10s period=10s #success=1 #failure=6
    Readiness:      http-get http://localhost:9099/readiness delay=0s timeout=1s period=10s #success=1 #failure=3
    Environment:
      State:  not-a-state
Conditions:
  Type              Status
  Ready             False
Events:
  Type     Reason     Age                From               Message
  ----     ------     ----               ----               -------
  Normal   Scheduled  27m                default-scheduler  Successfully assigned kube-system/calico-node-7hx2k
  Warning  Unhealthy  2m (x41 over 26m)  kubelet            Liveness probe failed:
and one more line of it
";

#[test]
fn a_pod_its_containers_and_its_probes() {
    assert_eq!(sniff_certainty(&FORMAT, "x", POD), Certainty::Sure);
    let out = read_at(&FORMAT, "x", POD);
    let pod = facts(&out, "pod").next().expect("a pod");
    let cells: Vec<_> = ["namespace", "name", "ip", "on", "phase", "restarts"].iter().map(|it| pod.get(it).to_string()).collect();
    assert_eq!(cells, ["kube-system", "calico-node-7hx2k", "10.64.16.54", "kubestage1001", "Running", "3"]);
    let states: Vec<_> = facts(&out, "container.state")
        .map(|it| ["container", "state", "reason", "exit_code", "restarts"].map(|name| it.get(name).to_string()).join(" "))
        .collect();
    assert_eq!(
        states,
        [
            "install-cni terminated Completed 0 0",
            "calico-node waiting CrashLoopBackOff unknown 3",
            "calico-node last-terminated Error 2 3"
        ]
    );
    let finished = out.records.iter().find_map(|it| match it {
        Record::Fact(fact, Stamp::Exact { at, .. }) if fact.get("state").to_string() == "last-terminated" => Some(*at),
        _ => None,
    });
    assert_eq!(finished.map(|it| it.to_rfc3339()).as_deref(), Some("2023-07-24T03:02:12+00:00"));
    let probes: Vec<_> = facts(&out, "probe")
        .map(|it| ["kind", "action", "command", "period_secs", "timeout_secs"].map(|name| it.get(name).to_string()).join(" | "))
        .collect();
    assert_eq!(
        probes,
        ["liveness | exec | /bin/calico-node -felix-live -bird-live | 10 | 10", "readiness | http-get | unknown | 10 | 1"]
    );
    let found: Vec<_> = events(&out).map(|it| (it.count, it.node.clone(), it.stamp)).collect();
    assert_eq!(found, [(1, None, Stamp::None), (41, Some("kubestage1001".into()), Stamp::None)]);
    assert_eq!(out.tally.lines, out.tally.understood);
}

#[test]
fn a_ready_node_tells_the_moment_by_its_lease() {
    let text = "Name:               node-b
Roles:              <none>
Labels:             kubernetes.io/hostname=host-b
Annotations:        projectcalico.org/IPv4Address: 10.0.0.8/24
Taints:             <none>
Lease:
  HolderIdentity:  node-b
  RenewTime:       Fri, 11 Feb 2022 19:23:41 +0000
Conditions:
  Type             Status  LastHeartbeatTime                 LastTransitionTime                Reason         Message
  ----             ------  -----------------                 ------------------                ------         -------
  Ready            True    Fri, 11 Feb 2022 19:19:35 +0000   Fri, 11 Feb 2022 19:19:35 +0000   KubeletReady   kubelet is posting ready status
Addresses:
  InternalIP:  10.0.0.8
System Info:
  Kernel Version:             5.4.0-99-generic
  Container Runtime Version:  containerd://1.5.5
Events:
  Type     Reason     Age                From     Message
  ----     ------     ----               ----     -------
  Warning  Rebooted   60s                kubelet  Node node-b has been rebooted, boot id: x
";
    let out = read_at(&FORMAT, "x", text);
    let event = events(&out).next().expect("an event");
    let Stamp::Between { lo, hi } = &event.stamp else { panic!("{:?}", event.stamp) };
    assert_eq!((lo.format("%T").to_string(), hi.format("%T").to_string()), ("19:22:40".into(), "19:23:22".into()));
    assert_eq!(event.node.as_deref(), Some("node-b"));
    let others: Vec<_> = facts(&out, "node.alias").map(|it| it.get("other").to_string()).collect();
    assert_eq!(others, ["10.0.0.8", "host-b"]);
    assert_eq!(facts(&out, "node").next().map(|it| it.get("ready").to_string()).as_deref(), Some("true"));
    let dead = text.replace("  Ready            True    ", "  Ready            Unknown ");
    assert_eq!(events(&read_at(&FORMAT, "x", &dead)).next().map(|it| it.stamp), Some(Stamp::None));
    let twice = format!("{text}\n\n{text}");
    assert_eq!(facts(&read_at(&FORMAT, "x", &twice), "node").count(), 2);
}

#[test]
fn prose_with_names_is_not_claimed() {
    for text in ["Name: Bob\nSubject: a pod\n", "Name:\tkubelet\nUmask:\t0022\nState:\tS (sleeping)\n", "Events:\n"] {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
    }
}

#[test]
fn odd_blocks_do_no_harm() {
    for cut in (0..POD.len()).step_by(7) {
        let _ = read_at(&FORMAT, "x", &POD[..cut]);
    }
    let _ = read_at(&FORMAT, "x", "Name:\nName: é\nRoles:\nTaints:\nSystem Info:\n é\nEvents:\n  é\n");
}

#[test]
fn real_descriptions() {
    for (path, relation, events_due) in [
        ("describe-node-juju-110cc2-k8stest-5-v1.23.txt", "node", 17),
        ("describe-node-juju-110cc2-k8stest-6-v1.23.txt", "node", 1),
        ("describe-pod-calico-kube-controllers-v1.23.txt", "pod", 8),
        ("describe-pod-csi-cinder-controllerplugin-v1.23.txt", "pod", 1),
    ] {
        let Some(text) = sample(&format!("kubernetes/objects/{path}")) else { return };
        assert_eq!(sniff_certainty(&FORMAT, path, &text), Certainty::Sure, "{path}");
        let out = read_at(&FORMAT, path, &text);
        assert_eq!(facts(&out, relation).count(), 1, "{path}");
        let rows = events(&out).map(|it| it.quote.span.line).collect::<std::collections::BTreeSet<_>>().len();
        let printed = text.lines().filter(|it| it.starts_with("  Normal ") || it.starts_with("  Warning ")).count();
        assert_eq!(rows, printed, "{path}");
        assert!(rows >= events_due, "{path}: {rows}");
        if relation == "node" {
            assert_eq!(facts(&out, "node.condition").count(), 4, "{path}");
            assert_eq!(facts(&out, "kernel").next().map(|it| it.get("release").to_string()).as_deref(), Some("5.4.0-99-generic"));
        } else {
            assert!(facts(&out, "container.state").count() > 0, "{path}");
        }
    }
}
