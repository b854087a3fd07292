//! Every layout on a small tree in its shape: what it is called, which nodes it has, and whose each file is.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::collections::BTreeMap;

use common::{bundle, case, memory, nodes, tar};
use coroner_bundle::Case;

const ROUTES: &str = "default via 10.64.0.1 dev eno1 onlink\n10.64.75.4 dev cali21fc9e9645e scope link\n";
const SYSCTL: &str = "kernel.pid_max = 49152\nkernel.threads-max = 1545000\nvm.swappiness = 60\n";
const DMESG: &str = "[    0.000000] Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n\
                     [    0.000000] Command line: quiet\n[    1.000000] random: crng init done\n";
const KLOG: &str = "I0914 09:36:25.890321    1734 server.go:410] Version: v1.20.4\n\
                    I0914 09:36:26.890321    1734 kubelet.go:1888] SyncLoop (ADD, \"api\"): \"web-1_shop(21c3)\"\n";
const LOG: &str = "2022-02-11T10:00:00.200180569Z 2022-02-11 10:00:00.200 [INFO][69] felix/int_dataplane.go 990: up\n";
const CRI: &str = "2022-02-11T10:00:00.200180569Z stdout F 2022-02-11 10:00:00.200 [INFO][69] felix/a.go 990: up\n";

fn journal(host: &str) -> String {
    let line =
        |at: u32| format!("Feb 11 10:00:{at:02} {host} kubelet[77]: I0211 10:00:{at:02}.000001      77 a.go:1] x\n");
    format!(
        "-- Logs begin at Fri 2022-02-11 10:00:00 UTC, end at Fri 2022-02-11 12:00:00 UTC. --\n{}",
        (0..9).map(line).collect::<String>()
    )
}

fn object(kind: &str, name: &str, rest: &str) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"name":"{name}","namespace":"kube-system"}}{rest}}}"#)
}

fn node(name: &str) -> String {
    object("Node", name, r#","status":{"nodeInfo":{"kernelVersion":"5.10.0"}}"#)
}

fn pod(name: &str, on: &str) -> String {
    object("Pod", name, &format!(r#","spec":{{"nodeName":"{on}","containers":[]}},"status":{{"phase":"Running"}}"#))
}

fn list(items: &[String]) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(","))
}

fn two_nodes() -> String {
    list(&[node("node-a"), node("node-b")])
}

fn two_pods() -> String {
    list(&[pod("calico-node-aaaaa", "node-a"), pod("calico-node-bbbbb", "node-b")])
}

/// The layout and the owner of every file of a tree.
fn read(files: &[(&str, &str)]) -> (Case, BTreeMap<String, String>) {
    let case = bundle(files);
    let owner = |it: &timeline::Member| (it.path.to_string(), it.node.as_deref().unwrap_or("-").to_owned());
    let owners = case.members.iter().map(owner).collect();
    (case, owners)
}

#[track_caller]
fn check(layout: &str, of_nodes: &[&str], files: &[(&str, &str, &str)]) {
    let tree: Vec<(&str, &str)> = files.iter().map(|(path, _, text)| (*path, *text)).collect();
    let (case, owners) = read(&tree);
    assert_eq!(case.bundles[0].layout.name, layout);
    for (path, owner, _) in files {
        assert_eq!(owners[*path], *owner, "{path}");
    }
    assert_eq!(nodes(case), of_nodes);
}

#[test]
fn sos() {
    let root = |path: &str| format!("sosreport-node-a-2022-02-11-abcdefg/{path}");
    let files = [
        (root("version.txt"), "sosreport: 4.3\n".to_owned()),
        (root("sos_commands/networking/ip_route_show_table_all"), ROUTES.to_owned()),
        (root("sos_commands/logs/journalctl_--no-pager"), journal("node-a")),
        (root("sos_commands/host/hostname"), "node-a\n".to_owned()),
        (root("proc/sys/kernel/pid_max"), "49152\n".to_owned()),
        (root("sos_commands/kubernetes/nodes"), two_nodes()),
    ];
    let files: Vec<(&str, &str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), "node-a", text.as_str())).collect();
    check("sos", &["node-a", "node-b"], &files);
}

#[test]
fn a_collection_of_sosreports() {
    let report = |host: &str| {
        let root = format!("sosreport-{host}-2022-02-11-abcdefg");
        tar(&[
            (&*format!("{root}/version.txt"), "sosreport: 4.3\n".to_owned()),
            (&*format!("{root}/sos_commands/host/hostname"), format!("{host}\n")),
            (&*format!("{root}/sos_commands/networking/ip_route_show_table_all"), ROUTES.to_owned()),
        ])
    };
    let outer = tar(&[("c/sosreport-a.tar", report("node-a")), ("c/sosreport-b.tar", report("node-b"))]);
    let case = case(&[memory("sos-collector.tar", outer)], 1);
    assert_eq!(case.bundles[0].layout.name, "sos");
    assert_eq!(nodes(case), ["node-a", "node-b"]);
}

#[test]
fn must_gather() {
    let mixed = "-- Logs begin at Fri 2022-02-11 10:00:00 UTC, end at Fri 2022-02-11 12:00:00 UTC. --\n\
        Feb 11 10:00:00.000001 node-a hyperkube[77]: I0211 10:00:00.000001      77 a.go:1] x\n\
        Feb 11 10:00:01.000001 node-b hyperkube[78]: I0211 10:00:01.000001      78 a.go:1] x\n";
    let (a, b) = (node("node-a"), node("node-b"));
    let pods = two_pods();
    check(
        "must-gather",
        &["node-a", "node-b"],
        &[
            ("must-gather.local.1/quay-io/version", "-", "x\n4.8\n"),
            ("must-gather.local.1/quay-io/cluster-scoped-resources/core/nodes/node-a.yaml", "node-a", &a),
            ("must-gather.local.1/quay-io/cluster-scoped-resources/core/nodes/node-b.yaml", "node-b", &b),
            ("must-gather.local.1/quay-io/namespaces/kube-system/core/pods.yaml", "-", &pods),
            (
                "must-gather.local.1/quay-io/namespaces/kube-system/pods/calico-node-bbbbb/calico-node/calico-node/logs/current.log",
                "node-b",
                LOG,
            ),
            ("must-gather.local.1/quay-io/nodes/node-b/dmesg", "node-b", DMESG),
            ("must-gather.local.1/quay-io/host_service_logs/masters/kubelet_service.log", "-", mixed),
        ],
    );
    let (case, _) = read(&[
        ("m/cluster-scoped-resources/x.yaml", "---\n"),
        ("m/namespaces/y.yaml", "---\n"),
        ("m/host_service_logs/masters/kubelet_service.log", mixed),
    ]);
    let lines: Vec<_> = case.records.iter().flat_map(|it| &it.seen).map(|it| (it.node.as_deref(), it.lines)).collect();
    assert_eq!(lines, [(Some("node-a"), 1), (Some("node-b"), 1)], "each line is of the machine it names");
}

#[test]
fn kind_export() {
    let (one, two) = (journal("kind-control-plane"), journal("kind-worker"));
    check(
        "kind-export",
        &["kind-control-plane", "kind-worker"],
        &[
            ("logs/kind-version.txt", "-", "kind v0.20.0 go1.20.5 linux/amd64\n"),
            ("logs/kind-control-plane/kubelet.log", "kind-control-plane", &one),
            ("logs/kind-worker/journal.log", "kind-worker", &two),
            ("logs/kind-worker/pods/kube-system_kube-proxy-x_0c0f/kube-proxy/0.log", "kind-worker", CRI),
        ],
    );
}

#[test]
fn rancher_collector() {
    let kubelet = journal("node-a");
    let nodes = two_nodes();
    check(
        "rancher-collector",
        &["node-a", "node-b"],
        &[
            ("./node-a-2024-01-31_10_20_30/systeminfo/hostname", "node-a", "node-a\n"),
            ("./node-a-2024-01-31_10_20_30/systeminfo/sysctla", "node-a", SYSCTL),
            ("./node-a-2024-01-31_10_20_30/journald/rke2-server", "node-a", &kubelet),
            ("./node-a-2024-01-31_10_20_30/networking/iproute", "node-a", ROUTES),
            ("./node-a-2024-01-31_10_20_30/rke2/agent-logs/kubelet.log", "node-a", KLOG),
            ("./node-a-2024-01-31_10_20_30/rke2/kubectl/nodes.json", "node-a", &nodes),
        ]
        .map(|(path, owner, text)| (path.trim_start_matches("./"), owner, text)),
    );
}

#[test]
fn eks_collector() {
    let kubelet = journal("ip-10-0-1-2.eu-west-1.compute.internal");
    check(
        "eks-collector",
        &["ip-10-0-1-2.eu-west-1.compute.internal"],
        &[
            ("system/instance-id.txt", "ip-10-0-1-2.eu-west-1.compute.internal", "i-0c0ffee000000001\n"),
            ("kubelet/kubelet.log", "ip-10-0-1-2.eu-west-1.compute.internal", &kubelet),
            ("networking/iproute.txt", "ip-10-0-1-2.eu-west-1.compute.internal", ROUTES),
            ("sysctls/sysctl_all.txt", "ip-10-0-1-2.eu-west-1.compute.internal", SYSCTL),
        ],
    );
}

#[test]
fn troubleshoot() {
    let (nodes, pods) = (two_nodes(), two_pods());
    check(
        "troubleshoot",
        &["node-a", "node-b"],
        &[
            ("support-bundle-x/version.yaml", "-", "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n"),
            ("support-bundle-x/cluster-resources/nodes.json", "-", &nodes),
            ("support-bundle-x/cluster-resources/pods/kube-system.json", "-", &pods),
            (
                "support-bundle-x/cluster-resources/pods/logs/kube-system/calico-node-bbbbb/calico-node.log",
                "node-b",
                LOG,
            ),
            (
                "support-bundle-x/sysctl/node-a",
                "node-a",
                "/proc/sys/net/ipv4/ip_forward = 1\n/proc/sys/vm/swappiness = 60\n",
            ),
            ("support-bundle-x/host-collectors/run-host/node-b/ip-route-table.txt", "node-b", ROUTES),
        ],
    );
}

#[test]
fn lists_of_every_namespace_are_a_whole_list() {
    let of = |namespaces: &[&str]| {
        let pods = two_pods();
        let version = "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n".to_owned();
        let mut files = vec![("version.yaml".to_owned(), version)];
        for namespace in ["kube-system", "shop"] {
            let path = format!("cluster-resources/serviceaccounts/{namespace}.json");
            files.push((path, r#"{"kind":"ServiceAccountList","apiVersion":"v1","items":[]}"#.to_owned()));
        }
        for namespace in namespaces {
            let path = format!("cluster-resources/pods/{namespace}.json");
            files.push((path, pods.replace("kube-system", namespace)));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let (case, _) = read(&files);
        let pods = case.records.into_iter().flat_map(|it| it.collected).filter(|it| it.relation == "pod");
        pods.map(|it| it.incomplete).collect::<Vec<_>>()
    };
    assert_eq!(of(&["kube-system", "shop"]), [None, None]);
    let empty = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#;
    let pods = two_pods();
    let files = [
        ("version.yaml", "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n"),
        (
            "cluster-resources/serviceaccounts/kube-system.json",
            r#"{"kind":"ServiceAccountList","apiVersion":"v1","items":[]}"#,
        ),
        (
            "cluster-resources/serviceaccounts/shop.json",
            r#"{"kind":"ServiceAccountList","apiVersion":"v1","items":[]}"#,
        ),
        ("cluster-resources/pods/kube-system.json", pods.as_str()),
        ("cluster-resources/pods/shop.json", empty),
    ];
    let whole = read(&files).0.records.into_iter().flat_map(|it| it.collected).filter(|it| it.relation == "pod");
    assert_eq!(
        whole.map(|it| it.incomplete).collect::<Vec<_>>(),
        [None, None],
        "a namespace without pods has a list of none"
    );
    assert_eq!(of(&["shop"]), [Some("only namespace shop; 1 of 2 namespaces were collected".to_owned())]);
}

/// What is said of the lists of pods at these paths; a path names its namespace by its file or its folder.
fn pods_of(files: &[&str], others: &[(&str, &str)]) -> Vec<Option<String>> {
    let namespaces = ["shop", "kube-system", "kube-node-lease", "default"];
    let text = |path: &str| {
        let namespace = namespaces.iter().find(|it| path.contains(*it)).unwrap();
        two_pods().replace("\"namespace\":\"kube-system\"", &format!("\"namespace\":\"{namespace}\""))
    };
    let texts: Vec<(&str, String)> = files.iter().map(|it| (*it, text(it))).collect();
    let mut all: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (*path, text.as_str())).collect();
    all.extend_from_slice(others);
    let (case, _) = read(&all);
    case.records
        .into_iter()
        .flat_map(|it| it.collected)
        .filter(|it| it.relation == "pod")
        .map(|it| it.incomplete)
        .collect()
}

#[test]
fn lists_of_other_collectors_are_whole_where_no_namespace_is_missing() {
    let namespace = |name: &str| format!("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n");
    let (shop, system) = (namespace("shop"), namespace("kube-system"));
    let objects = [
        ("mg/x/cluster-scoped-resources/core/namespaces/shop.yaml", shop.as_str()),
        ("mg/x/cluster-scoped-resources/core/namespaces/kube-system.yaml", system.as_str()),
    ];
    let both = ["mg/x/namespaces/kube-system/core/pods.yaml", "mg/x/namespaces/shop/core/pods.yaml"];
    assert_eq!(pods_of(&both, &objects), [None, None]);
    let some = |words: &str| Some(words.to_owned());
    assert_eq!(pods_of(&both[..1], &objects), [some("only namespace kube-system; 1 of 2 namespaces were collected")]);
    let other = [("mg/x/cluster-scoped-resources/core/nodes/node-a.yaml", node("node-a"))];
    let other: Vec<(&str, &str)> = other.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(
        pods_of(&both, &other),
        [some("only namespace kube-system"), some("only namespace shop")],
        "nothing says which namespaces there are"
    );
    let nodes = two_nodes();
    let dump = [
        ("dump/nodes.json", nodes.as_str()),
        ("dump/kube-system/events.json", "{\"kind\":\"EventList\",\"apiVersion\":\"v1\",\"items\":[]}"),
    ];
    let of = |files: &[&str]| pods_of(files, &dump);
    assert_eq!(of(&["dump/kube-node-lease/pods.json", "dump/kube-system/pods.json"]), [None, None]);
    assert_eq!(
        of(&["dump/default/pods.json", "dump/kube-system/pods.json"]),
        [some("only namespace default"), some("only namespace kube-system")]
    );
    let front = "sosreport-a/sos_commands/kubernetes/cluster-info";
    let list =
        |namespace: &str, kind: &str| format!("{front}/{namespace}/kubectl_get_-o_json_--namespace_{namespace}_{kind}");
    let (a, b, c) = (list("shop", "pods"), list("kube-system", "pods"), list("default", "deployments"));
    let version = [("sosreport-a/version.txt", "sosreport: 4.8.0\n")];
    assert_eq!(pods_of(&[&b, &a], &version), [None, None]);
    let deployments = [version[0], (c.as_str(), "{\"kind\":\"DeploymentList\",\"apiVersion\":\"v1\",\"items\":[]}")];
    assert_eq!(pods_of(&[&b], &deployments), [some("only namespace kube-system; 1 of 2 namespaces were collected")]);
}

#[test]
fn what_a_collector_cut_is_not_whole() {
    let manifest = "{\n    \"version\": \"4.8\",\n    \"cmdline\": \"report\",\n    \"start_time\": \"2022-02-11 10:00:00.0\",\n    \
                    \"kernel\": {\n        \"command\": \"ip\",\n        \"filepath\": \"sos_commands/networking/ip_route_show_table_all\",\n        \
                    \"truncated\": false,\n        \"return_code\": 124\n    }\n}\n";
    let syslog = journal("node-a");
    let files = [
        ("sosreport-node-a-2022-02-11-abcdefg/version.txt", "sosreport: 4.8.0\n"),
        ("sosreport-node-a-2022-02-11-abcdefg/sos_reports/manifest.json", manifest),
        ("sosreport-node-a-2022-02-11-abcdefg/sos_commands/kernel/sysctl_-a", SYSCTL),
        ("sosreport-node-a-2022-02-11-abcdefg/sos_commands/networking/ip_route_show_table_all", ROUTES),
        ("sosreport-node-a-2022-02-11-abcdefg/sos_strings/logs/var.log.messages.tailed", syslog.as_str()),
    ];
    let (case, _) = read(&files);
    let at = |end: &str| case.members.iter().position(|it| it.path.ends_with(end)).unwrap();
    let (sysctl, routes, tail) = (at("sysctl_-a"), at("table_all"), at(".tailed"));
    let whys: Vec<_> = case.records[routes].collected.iter().map(|it| it.incomplete.as_deref()).collect();
    assert!(!whys.is_empty() && whys.iter().all(|it| *it == Some("the command timed out")), "{whys:?}");
    assert_eq!(case.members[routes].truncated.as_deref(), Some("the command timed out"));
    assert_eq!(case.members[sysctl].truncated, None);
    // what is left of a log counts from its first line on
    assert!(case.members[tail].truncated.is_some());
    assert!(!case.records[tail].seen.is_empty() && case.records[tail].seen.iter().all(|it| it.incomplete.is_none()));
}

#[test]
fn what_a_command_filtered_is_not_whole() {
    let text = journal("node-a");
    let files = [
        ("node-a/journalctl_-p_err.txt", text.as_str()),
        ("node-a/journalctl_-n_9.txt", text.as_str()),
        ("node-a/journalctl_--no-pager.txt", text.as_str()),
    ];
    let (case, _) = read(&files);
    let of = |at: usize| {
        let seen = &case.records[at].seen;
        assert!(!seen.is_empty());
        (case.members[at].truncated.as_deref(), seen.iter().all(|it| it.incomplete.is_some()))
    };
    assert_eq!(of(0), (Some("only lines of priority err"), true));
    assert_eq!(of(1), (Some("only its last 9 lines were asked for"), false), "what is there counts");
    assert_eq!(of(2), (None, false));
}

#[test]
fn a_log_of_exactly_as_many_lines_as_are_collected_is_cut() {
    let of = |lines: usize| {
        let text = LOG.repeat(lines);
        let path = "support-bundle-x/cluster-resources/pods/logs/kube-system/calico-node-bbbbb/calico-node.log";
        let files = [
            ("support-bundle-x/version.yaml", "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n"),
            (path, text.as_str()),
        ];
        let (case, _) = read(&files);
        let at = case.members.iter().position(|it| it.path.as_ref() == path).unwrap();
        let seen = &case.records[at].seen;
        assert!(!seen.is_empty() && seen.iter().all(|it| it.incomplete.is_none()), "what is there counts");
        case.members[at].truncated.clone()
    };
    assert!(of(10_000).is_some_and(|it| it.starts_with("only the end of it was collected")));
    assert_eq!((of(9_999), of(10_001)), (None, None));
}

#[test]
fn collectors_of_other_distributions() {
    let k3s = journal("node-a");
    let nodes = two_nodes();
    let pods = "NAMESPACE     NAME                READY   STATUS    RESTARTS   AGE   IP          NODE     NOMINATED NODE   READINESS GATES\n\
                kube-system   calico-node-bbbbb   1/1     Running   0          10d   10.64.0.2   node-b   <none>           <none>\n";
    for kind in ["k3s", "rke2", "kubeadm", "rke"] {
        let root = |path: &str| format!("node-a-2024-01-31_10_20_30/{path}");
        let files = [
            (root("systeminfo/hostname"), "node-a", "node-a\n"),
            (root("systeminfo/dmesg"), "node-a", DMESG),
            (root("journald/k3s"), "node-a", k3s.as_str()),
            (root(&format!("{kind}/kubectl/nodes.json")), "node-a", nodes.as_str()),
            (root(&format!("{kind}/kubectl/pods")), "node-a", pods),
            (root(&format!("{kind}/podlogs/kube-system-calico-node-bbbbb")), "node-b", LOG),
        ];
        let files: Vec<(&str, &str, &str)> =
            files.iter().map(|(path, owner, text)| (path.as_str(), *owner, *text)).collect();
        check("rancher-collector", &["node-a", "node-b"], &files);
    }
    let (a, pods) = (node("node-a"), two_pods());
    check(
        "must-gather",
        &["node-a", "node-b"],
        &[
            ("inspect.local.7/cluster-scoped-resources/core/nodes/node-a.yaml", "node-a", &a),
            ("inspect.local.7/namespaces/kube-system/core/pods.yaml", "-", &pods),
            ("inspect.local.7/namespaces/kube-system/pods/calico-node-bbbbb/c/c/logs/current.log", "node-b", LOG),
        ],
    );
}

#[test]
fn minikube_logs_are_one_text() {
    let kubelet = journal("minikube");
    let (_, kubelet) = kubelet.split_once('\n').unwrap();
    let text = format!(
        "\n==> Audit <==\n|---|\n\n==> container status <==\nCONTAINER IMAGE\n\n==> coredns [4f5b1a2c3d4e] <==\n[INFO] plugin/reload: x\n\n\
         ==> describe nodes <==\nName:               minikube\nRoles:              control-plane\n\n\
         ==> dmesg <==\n{DMESG}\n==> kubelet <==\n{kubelet}"
    );
    let case = case(&[memory("logs.txt", text.clone().into_bytes())], 1);
    assert_eq!(case.bundles[0].layout.name, "minikube-logs");
    let of = |path: &str| case.members.iter().find(|it| it.path.as_ref() == path).unwrap();
    for (path, format) in [("dmesg", "dmesg"), ("kubelet", "journal-text")] {
        assert_eq!((of(path).format, of(path).node.as_deref()), (Some(format), Some("minikube")), "{path}");
    }
    let frames: usize = text.lines().filter(|it| it.starts_with("==> ")).map(|it| it.len() + 1).sum();
    let bytes: u64 = case.members.iter().map(|it| it.bytes).sum();
    assert_eq!(bytes as usize + frames + 1, text.len(), "the names and the blank line before them are framing");
}

#[test]
fn calico_diags() {
    let (nodes, pods) = (two_nodes(), two_pods());
    check(
        "calico-diags",
        &["node-a", "node-b"],
        &[
            (
                "calico-diagnostics-20240131_102030/cluster/crd/ippools.yaml",
                "-",
                "apiVersion: v1\nitems: []\nkind: List\n",
            ),
            ("calico-diagnostics-20240131_102030/cluster/kubernetes/nodes.yaml", "-", &nodes),
            ("calico-diagnostics-20240131_102030/cluster/kubernetes/pods.yaml", "-", &pods),
            ("calico-diagnostics-20240131_102030/nodes/node-a/ip-route.txt", "node-a", ROUTES),
            ("calico-diagnostics-20240131_102030/nodes/node-b/calico-system/calico-node-bbbbb.log", "node-b", LOG),
        ],
    );
    check(
        "calico-node-diags",
        &["node-a"],
        &[("diagnostics/hostname", "node-a", "node-a\n"), ("diagnostics/ipv4_route", "node-a", ROUTES)],
    );
}

#[test]
fn cilium_sysdump() {
    let pods = list(&[pod("cilium-aaaaa", "node-a"), pod("cilium-bbbbb", "node-b")]);
    let (nodes, bugtool) = (two_nodes(), tar(&[("cilium-bugtool/cmd/ip--4-r.md", ROUTES)]));
    let outer = tar(&[
        ("cilium-sysdump-20240131/k8s-nodes-20240131.yaml", nodes.as_bytes()),
        ("cilium-sysdump-20240131/k8s-pods-20240131.yaml", pods.as_bytes()),
        ("cilium-sysdump-20240131/ciliumnodes-20240131.yaml", b"apiVersion: v1\nitems: []\nkind: List\n"),
        ("cilium-sysdump-20240131/logs-cilium-aaaaa-cilium-agent-20240131.log", CRI.as_bytes()),
        ("cilium-sysdump-20240131/cilium-bugtool-cilium-bbbbb-20240131.tar", &bugtool),
    ]);
    let case = case(&[memory("sysdump.tar", outer)], 1);
    assert_eq!(case.bundles[0].layout.name, "cilium-sysdump");
    let owner =
        |end: &str| case.members.iter().find(|it| it.path.ends_with(end)).unwrap().node.as_deref().map(str::to_owned);
    assert_eq!(owner("cilium-agent-20240131.log").as_deref(), Some("node-a"));
    assert_eq!(owner("ip--4-r.md").as_deref(), Some("node-b"), "an archive of a pod is of its node");
}

#[test]
fn cluster_info_dump() {
    let (nodes, pods) = (two_nodes(), two_pods());
    let events = r#"{"apiVersion":"v1","kind":"EventList","items":[]}"#;
    check(
        "cluster-info-dump",
        &["node-a", "node-b"],
        &[
            ("dump/nodes.json", "-", &nodes),
            ("dump/kube-system/events.json", "-", events),
            ("dump/kube-system/pods.json", "-", &pods),
            ("dump/kube-system/calico-node-bbbbb/logs.txt", "node-b", LOG),
        ],
    );
}

#[test]
fn microk8s() {
    let kubelite = journal("node-a");
    check(
        "microk8s-inspect",
        &["node-a"],
        &[
            ("inspection-report/snap.microk8s.daemon-kubelite/journal.log", "node-a", &kubelite),
            ("inspection-report/apparmor/dmesg", "node-a", DMESG),
        ],
    );
}

#[test]
fn clouds() {
    let (a, b) = (journal("aks-pool-a"), journal("aks-pool-b"));
    check(
        "aks-periscope",
        &["aks-pool-a", "aks-pool-b"],
        &[
            ("2024-01-31T10-20-30Z/aks-pool-a/systemlogs/kubelet", "aks-pool-a", &a),
            (
                "2024-01-31T10-20-30Z/aks-pool-a/nodelogs/_var_log_syslog",
                "aks-pool-a",
                "Feb 11 10:00:00 aks-pool-a systemd[1]: Started x.\n",
            ),
            ("2024-01-31T10-20-30Z/aks-pool-b/systemlogs/kubelet", "aks-pool-b", &b),
            (
                "2024-01-31T10-20-30Z/aks-pool-b/nodelogs/_var_log_syslog",
                "aks-pool-b",
                "Feb 11 10:00:00 aks-pool-b systemd[1]: Started x.\n",
            ),
        ],
    );
    check(
        "log-dump",
        &["gke-a", "gke-b"],
        &[
            ("artifacts/gke-a/kubelet.log", "gke-a", KLOG),
            ("artifacts/gke-a/startupscript.log", "gke-a", "done\n"),
            ("artifacts/gke-b/kubelet.log", "gke-b", KLOG),
            ("artifacts/gke-b/startupscript.log", "gke-b", "done\n"),
        ],
    );
}

#[test]
fn others() {
    let nodes = two_nodes();
    check(
        "support-bundle-kit",
        &["node-a", "node-b"],
        &[
            ("supportbundle_x/yamls/cluster/core/nodes.yaml", "-", &nodes),
            ("supportbundle_x/nodes/node-a/logs/dmesg.log", "node-a", DMESG),
        ],
    );
    check(
        "talos-support",
        &["10.0.0.1", "10.0.0.2"],
        &[
            ("support/10.0.0.1/dmesg.log", "10.0.0.1", DMESG),
            ("support/10.0.0.2/dmesg.log", "10.0.0.2", DMESG),
            ("support/kubernetesResources/readme", "-", "x\n"),
        ],
    );
    let a = node("node-a");
    check(
        "insights-archive",
        &["node-a"],
        &[
            ("config/version.json", "-", "{}"),
            ("config/node/node-a.json", "node-a", &a),
            ("config/node/logs/node-a.log", "node-a", KLOG),
        ],
    );
}

#[test]
fn a_flat_folder_of_command_outputs() {
    let nodes = two_nodes();
    check(
        "plain",
        &["node-a", "node-b", "unknown-1"],
        &[
            ("case-4711/nodes.json", "-", &nodes),
            ("case-4711/ip_route_node-a.txt", "node-a", ROUTES),
            ("case-4711/node-b-dmesg.txt", "node-b", DMESG),
            ("case-4711/sysctl.txt", "unknown-1", SYSCTL),
        ],
    );
}
