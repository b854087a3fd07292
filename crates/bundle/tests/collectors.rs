//! Collectors whose bundles are told apart by more than their folders: for each a small bundle in its shape, with the
//! layout, and of every file the format and the node.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{case, memory, nodes, tar};
use coroner_bundle::Case;
use timeline::{Overrides, Source, Timeline};

const ROUTES: &str = "default via 10.64.0.1 dev eno1 onlink\n10.64.75.4 dev cali21fc9e9645e scope link\n";
const ADDRESSES: &str = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    \
                         link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       \
                         valid_lft forever preferred_lft forever\n";
const SYSCTL: &str = "kernel.pid_max = 49152\nkernel.threads-max = 1545000\nvm.swappiness = 60\n";
const DMESG: &str = "[    0.000000] Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n\
                     [    0.000000] Command line: quiet\n[    1.000000] random: crng init done\n";
const MEMINFO: &str = "MemTotal:       16393412 kB\nMemFree:         1219368 kB\nMemAvailable:    9219368 kB\nBuffers:          119368 kB\n";
const PS: &str = "UID          PID    PPID  C STIME TTY          TIME CMD\n\
                  root           1       0  0 Jan30 ?        00:00:09 /sbin/init splash\n\
                  root         612       1  0 Jan30 ?        00:01:09 /usr/bin/containerd\n";
const CALICO: &str = "2024-01-31 10:00:00.200 [INFO][69] felix/int_dataplane.go 990: Applied 1 of 2\n";
const KLOG: &str = "I0131 10:00:00.890321    1734 server.go:410] Version: v1.28.4\n\
                    I0131 10:00:01.890321    1734 kubelet.go:1888] SyncLoop (ADD, \"api\"): \"web-1_shop(21c3)\"\n";
const CRI: &str = "2024-01-31T10:00:00.200180569Z stdout F 2024-01-31 10:00:00.200 [INFO][69] felix/a.go 990: up\n";

/// Some lines of the journal of a host, in UTC.
fn journal(host: &str) -> String {
    let line = |at: u32| {
        format!(
            "Jan 31 10:00:{at:02} {host} kubelet[1734]: I0131 10:00:{at:02}.000001    1734 a.go:1] node ready {at}\n"
        )
    };
    (0..9).map(line).collect()
}

fn object(kind: &str, name: &str, rest: &str) -> String {
    format!(
        "        {{\n            \"kind\": \"{kind}\",\n            \"apiVersion\": \"v1\",\n            \"metadata\": {{\n                \
         \"name\": \"{name}\",\n                \"namespace\": \"kube-system\"\n            }}{rest}\n        }}"
    )
}

fn pod(name: &str, on: &str) -> String {
    let rest = format!(
        ",\n            \"spec\": {{ \"nodeName\": \"{on}\", \"containers\": [] }},\n            \"status\": {{ \"phase\": \"Running\" }}"
    );
    object("Pod", name, &rest)
}

fn node(name: &str) -> String {
    object("Node", name, ",\n            \"status\": { \"nodeInfo\": { \"kernelVersion\": \"5.10.0\" } }")
}

/// A list as kubectl prints it.
fn list(kind: &str, items: &[String]) -> String {
    let head = format!(
        "{{\n    \"kind\": \"{kind}\",\n    \"apiVersion\": \"v1\",\n    \"metadata\": {{\n        \"resourceVersion\": \"7\"\n    }},\n"
    );
    format!("{head}    \"items\": [\n{}\n    ]\n}}\n", items.join(",\n"))
}

fn events(host: &str) -> String {
    let rest = format!(
        ",\n            \"involvedObject\": {{ \"kind\": \"Node\", \"name\": \"{host}\" }},\n            \"reason\": \"NodeReady\",\n            \
         \"message\": \"ready\",\n            \"source\": {{ \"component\": \"kubelet\", \"host\": \"{host}\" }},\n            \
         \"firstTimestamp\": \"2024-01-31T10:00:00Z\",\n            \"lastTimestamp\": \"2024-01-31T10:00:00Z\",\n            \"count\": 1,\n            \"type\": \"Normal\""
    );
    list("EventList", &[object("Event", &format!("{host}.17af3c0f6f0e6c5a"), &rest)])
}

/// What kubectl prints of a dump that goes to no folder.
fn dump() -> String {
    let nodes = list("NodeList", &[node("node-a"), node("node-b")]);
    let pods = list("PodList", &[pod("calico-node-aaaaa", "node-a"), pod("calico-node-bbbbb", "node-b")]);
    let log = |pod: &str, text: &str| {
        format!(
            "==== START logs for container calico-node of pod kube-system/{pod} ====\n{text}\
             ==== END logs for container calico-node of pod kube-system/{pod} ====\n"
        )
    };
    // a log may print what looks like a list
    let odd = format!("{CALICO}{{\n    \"kind\": \"NodeList\"\n}}\n{CALICO}");
    let logs = [log("calico-node-aaaaa", &odd), log("calico-node-bbbbb", CALICO)].concat();
    format!("{nodes}{}{pods}{logs}{}", events("node-a"), list("EventList", &[]))
}

/// What is said of each file that is named, and what of it is wrong.
#[track_caller]
fn check(bundle: &[(&str, String)], layout: &str, of_nodes: &[&str], files: &[(&str, &str, &str)]) -> Case {
    let case = case(&[memory("bundle.tar", tar(bundle))], 1);
    let mut wrong = Vec::new();
    for (path, format, owner) in files {
        match case.members.iter().find(|it| it.path.as_ref() == *path) {
            Some(it) => {
                let found = (it.format.unwrap_or("-"), it.node.as_deref().unwrap_or("-"));
                if found != (*format, *owner) {
                    wrong.push(format!("{path}: {found:?} for {:?}; {:?}", (format, owner), it.outcome));
                }
            }
            None => wrong.push(format!("{path} is not there")),
        }
    }
    let all: Vec<&str> = case.members.iter().map(|it| it.path.as_ref()).collect();
    assert!(wrong.is_empty(), "{}\n{all:#?}", wrong.join("\n"));
    assert_eq!(case.bundles[0].layout.name, layout);
    let whole = common::case(&[memory("bundle.tar", tar(bundle))], 1);
    assert_eq!(nodes(whole), of_nodes);
    case
}

fn texts(files: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect()
}

#[test]
fn supportconfig_files_hold_several_outputs() {
    let command =
        |name: &str, text: &str| format!("#==[ Command ]======================================#\n# {name}\n{text}\n");
    let log =
        |name: &str, text: &str| format!("#==[ Log File ]=====================================#\n# {name}\n{text}\n");
    let banner = "=============================================================================\n                     \
                  Support Utilities - Supportconfig\n                          Script Version: 3.1.11\n\
                  =============================================================================\n\n";
    let uname = "Linux node-7 5.14.21-150500.55.44-default #1 SMP PREEMPT_DYNAMIC Mon Jan 15 10:03:40 UTC 2024 (cc7d8b6) x86_64 x86_64 x86_64 GNU/Linux\n";
    let basic = [command("/bin/date", "Wed Jan 31 10:20:01 UTC 2024\n"), command("/bin/uname -a", uname)].concat();
    let network = [command("/sbin/ip addr", ADDRESSES), command("/sbin/ip route", ROUTES)].concat();
    let syslog: String = (0..500)
        .map(|at| {
            format!(
                "2024-01-31T10:{:02}:{:02}.100000+01:00 node-7 systemd[1]: Started Session {at} of user root.\n",
                at / 60,
                at % 60
            )
        })
        .collect();
    let bundle = [
        ("scc_node-7_240131_1020/basic-environment.txt", format!("{banner}{basic}")),
        ("scc_node-7_240131_1020/network.txt", format!("\n{network}")),
        ("scc_node-7_240131_1020/boot.txt", command("/bin/dmesg", DMESG)),
        (
            "scc_node-7_240131_1020/memory.txt",
            [command("/proc/meminfo", MEMINFO), command("/sbin/sysctl -a", SYSCTL)].concat(),
        ),
        ("scc_node-7_240131_1020/messages.txt", log("/var/log/messages - Last 500 Lines", &syslog)),
    ];
    let at = |file: &str, name: &str| format!("scc_node-7_240131_1020/{file}!/{name}");
    let files = [
        (at("basic-environment.txt", "bin/date"), "host-identity"),
        (at("basic-environment.txt", "bin/uname -a"), "host-identity"),
        (at("network.txt", "sbin/ip addr"), "ip-addr"),
        (at("network.txt", "sbin/ip route"), "ip-route"),
        (at("boot.txt", "bin/dmesg"), "dmesg"),
        (at("memory.txt", "proc/meminfo"), "proc-files"),
        (at("memory.txt", "sbin/sysctl -a"), "sysctl"),
        (at("messages.txt", "var/log/messages - Last 500 Lines"), "journal-text"),
    ];
    let files: Vec<(&str, &str, &str)> =
        files.iter().map(|(path, format)| (path.as_str(), *format, "node-7")).collect();
    let case = check(&bundle, "supportconfig", &["node-7"], &files);
    let log = case.members.iter().find(|it| it.format == Some("journal-text")).unwrap();
    assert!(log.truncated.as_ref().is_some_and(|it| it.starts_with("only the end of it")), "{:?}", log.truncated);
    // nothing of it is lost, but for the names and the blank lines before them
    let framing: usize =
        bundle.iter().flat_map(|it| it.1.lines()).filter(|it| it.starts_with('#')).map(|it| it.len() + 1).sum();
    let bytes: u64 = case.members.iter().map(|it| it.bytes).sum();
    let all: usize = bundle.iter().map(|it| it.1.len()).sum();
    assert_eq!(bytes as usize + framing + 1, all);
}

#[test]
fn a_dump_of_the_cluster_in_one_text() {
    let text = dump();
    let whole = case(&[memory("cluster-info.txt", text.clone().into_bytes())], 1);
    assert_eq!(whole.bundles[0].layout.name, "cluster-info-dump");
    let told: Vec<(&str, &str, &str)> = whole
        .members
        .iter()
        .map(|it| (it.path.as_ref(), it.format.unwrap_or("-"), it.node.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        told,
        [
            ("NodeList.json", "kube-objects", "-"),
            ("EventList.json", "kube-objects", "-"),
            ("PodList.json", "kube-objects", "-"),
            ("kube-system/calico-node-aaaaa/calico-node.log", "container-log", "node-a"),
            ("kube-system/calico-node-bbbbb/calico-node.log", "container-log", "node-b"),
            ("EventList.json (2)", "kube-objects", "-"),
        ]
    );
    let framing: usize = text.lines().filter(|it| it.starts_with("==== ")).map(|it| it.len() + 1).sum();
    assert_eq!(whole.members.iter().map(|it| it.bytes).sum::<u64>() as usize + framing, text.len());
    assert_eq!(nodes(whole), ["node-a", "node-b"]);
    // one list is one file
    let alone = case(&[memory("nodes.json", list("NodeList", &[node("node-a")]).into_bytes())], 1);
    assert_eq!(alone.members.iter().map(|it| it.path.as_ref()).collect::<Vec<_>>(), ["nodes.json"]);
}

#[test]
fn microk8s_inspect() {
    let kubelite = format!(
        "-- Logs begin at Wed 2024-01-31 09:00:00 UTC, end at Wed 2024-01-31 10:20:00 UTC. --\n{}",
        journal("node-a")
    );
    let flags = "--resolv-conf=/run/systemd/resolve/resolv.conf\n--kubeconfig=${SNAP_DATA}/credentials/kubelet.config\n--eviction-hard=\"memory.available<100Mi,nodefs.available<1Gi\"\n";
    let free = "              total        used        free      shared  buff/cache   available\n\
                Mem:          16009        6401        1190         201        8417        9100\nSwap:             0           0           0\n";
    let bundle = [
        ("inspection-report/snap.microk8s.daemon-kubelite/journal.log", kubelite.clone()),
        (
            "inspection-report/snap.microk8s.daemon-containerd/journal.log",
            kubelite.replace("kubelet[1734]: I0131", "microk8s.daemon-containerd[90]: I0131"),
        ),
        ("inspection-report/args/kubelet", flags.to_owned()),
        ("inspection-report/sys/ps", PS.to_owned()),
        ("inspection-report/sys/memory_usage", free.to_owned()),
        (
            "inspection-report/sys/uptime",
            " 10:20:01 up 9 days,  1:02,  1 user,  load average: 0.52, 0.58, 0.59\n".to_owned(),
        ),
        ("inspection-report/apparmor/dmesg", DMESG.to_owned()),
        ("inspection-report/k8s/cluster-info-dump", dump()),
    ];
    let files = [
        ("inspection-report/snap.microk8s.daemon-kubelite/journal.log", "journal-text", "node-a"),
        ("inspection-report/snap.microk8s.daemon-containerd/journal.log", "journal-text", "node-a"),
        ("inspection-report/args/kubelet", "kubelet-config", "node-a"),
        ("inspection-report/sys/ps", "process-list", "node-a"),
        ("inspection-report/sys/memory_usage", "proc-files", "node-a"),
        ("inspection-report/sys/uptime", "uptime", "node-a"),
        ("inspection-report/apparmor/dmesg", "dmesg", "node-a"),
        ("inspection-report/k8s/cluster-info-dump!/PodList.json", "kube-objects", "-"),
        (
            "inspection-report/k8s/cluster-info-dump!/kube-system/calico-node-bbbbb/calico-node.log",
            "container-log",
            "node-b",
        ),
    ];
    check(&bundle, "microk8s-inspect", &["node-a", "node-b"], &files);
}

#[test]
fn aks_periscope_has_a_folder_for_each_host() {
    let folder = |host: &str, path: &str| format!("2024-01-31T10-20-30Z/{host}/{path}");
    let hosts = ["aks-pool-a", "aks-pool-b"];
    let mut bundle: Vec<(String, String)> = Vec::new();
    let mut files: Vec<(String, &str, &str)> = Vec::new();
    for host in hosts {
        let of = [
            ("systemlogs/kubelet", journal(host), "journal-text"),
            ("nodelogs/_var_log_syslog", journal(host).replace("kubelet[1734]", "systemd[1]"), "journal-text"),
            ("containerlogs/kube-system_calico-node-aaaaa_calico-node", CALICO.to_owned(), "container-log"),
            ("kubeletcmd/kubeletcmd", "/usr/local/bin/kubelet --node-labels=a=b --max-pods=30 --v=2\n".to_owned(), "-"),
            ("networkoutbound/AKS API Server", "{\"time\":\"2024-01-31T10:20:30Z\"}\n".to_owned(), "-"),
        ];
        for (path, text, format) in of {
            bundle.push((folder(host, path), text));
            if format != "-" {
                files.push((folder(host, path), format, host));
            }
        }
    }
    let bundle: Vec<(&str, String)> = bundle.iter().map(|it| (it.0.as_str(), it.1.clone())).collect();
    let files: Vec<(&str, &str, &str)> = files.iter().map(|it| (it.0.as_str(), it.1, it.2)).collect();
    check(&bundle, "aks-periscope", &hosts, &files);
}

#[test]
fn a_log_dump_of_nodes_on_gce() {
    let bundle = texts(&[
        ("artifacts/gke-a/kubelet.log", KLOG),
        ("artifacts/gke-a/kube-proxy.log", KLOG),
        ("artifacts/gke-a/startupscript.log", "done\n"),
        ("artifacts/gke-a/serial-1.log", DMESG),
        ("artifacts/gke-b/kubelet.log", KLOG),
        ("artifacts/gke-b/startupscript.log", "done\n"),
        (
            "artifacts/gke-b/kern.log",
            "Jan 31 10:00:01 gke-b kernel: random: crng init done\nJan 31 10:00:02 gke-b kernel: IPVS: Creating netns size=2104 id=812\n",
        ),
    ]);
    let files = [
        ("artifacts/gke-a/kubelet.log", "klog-file", "gke-a"),
        ("artifacts/gke-a/kube-proxy.log", "klog-file", "gke-a"),
        ("artifacts/gke-a/serial-1.log", "dmesg", "gke-a"),
        ("artifacts/gke-b/kubelet.log", "klog-file", "gke-b"),
        ("artifacts/gke-b/kern.log", "syslog", "gke-b"),
    ];
    check(&bundle, "log-dump", &["gke-a", "gke-b"], &files);
}

#[test]
fn a_sysdump_of_cilium_holds_a_bugtool_of_each_pod() {
    let fenced = |command: &str, text: &str| format!("# {command}\n\n```\n{text}\n```\n");
    let yaml = |items: &str, kind: &str| {
        format!("apiVersion: v1\nitems:\n{items}kind: {kind}\nmetadata:\n  resourceVersion: \"7\"\n")
    };
    let pods = "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: cilium-bbbbb\n    namespace: kube-system\n  spec:\n    containers: []\n    nodeName: node-b\n  status:\n    phase: Running\n";
    let node = "- apiVersion: v1\n  kind: Node\n  metadata:\n    name: node-b\n  status:\n    nodeInfo:\n      kernelVersion: 5.10.0\n";
    let inner = tar(&[
        (
            "cilium-bugtool-20240131-101010/cmd/ip--4-route-show-table-all.md",
            fenced("ip -4 route show table all", ROUTES),
        ),
        ("cilium-bugtool-20240131-101010/cmd/dmesg.md", fenced("dmesg --time-format=iso", DMESG)),
        ("cilium-bugtool-20240131-101010/cmd/sysctl--a.md", fenced("sysctl -a", SYSCTL)),
    ]);
    let outer = tar(&[
        ("cilium-sysdump-20240131-101010/k8s-nodes-20240131-101010.yaml", yaml(node, "NodeList").into_bytes()),
        ("cilium-sysdump-20240131-101010/k8s-pods-20240131-101010.yaml", yaml(pods, "PodList").into_bytes()),
        (
            "cilium-sysdump-20240131-101010/ciliumnodes-20240131-101010.yaml",
            b"apiVersion: cilium.io/v2\nitems: []\nkind: CiliumNodeList\n".to_vec(),
        ),
        ("cilium-sysdump-20240131-101010/logs-cilium-bbbbb-cilium-agent-20240131-101010.log", CRI.as_bytes().to_vec()),
        ("cilium-sysdump-20240131-101010/cilium-bugtool-cilium-bbbbb-20240131-101010.tar", inner),
    ]);
    let case = case(&[memory("sysdump.tar", outer)], 1);
    assert_eq!(case.bundles[0].layout.name, "cilium-sysdump");
    let told = |end: &str| {
        let it = case.members.iter().find(|it| it.path.ends_with(end)).unwrap_or_else(|| panic!("{end}"));
        (it.format.unwrap_or("-"), it.node.as_deref().unwrap_or("-"), it.tally.lines - it.tally.understood)
    };
    assert_eq!(told("cmd/ip--4-route-show-table-all.md!/ip -4 route show table all"), ("ip-route", "node-b", 0));
    assert_eq!(told("cmd/dmesg.md!/dmesg --time-format=iso"), ("dmesg", "node-b", 0));
    assert_eq!(told("cmd/sysctl--a.md!/sysctl -a"), ("sysctl", "node-b", 0));
    assert_eq!(told("cilium-agent-20240131-101010.log"), ("container-log", "node-b", 0));
    assert_eq!(nodes(case), ["node-b"]);
}

#[test]
fn calicoctl_cluster_diags() {
    let root = |path: &str| format!("calico-diagnostics-20240131_102030/{path}");
    let blocks = "apiVersion: crd.projectcalico.org/v1\nitems:\n- apiVersion: crd.projectcalico.org/v1\n  kind: IPAMBlock\n  metadata:\n    name: 10-64-75-0-26\n  \
                  spec:\n    affinity: host:node-a\n    allocations:\n    - null\n    - 0\n    attributes:\n    - handle_id: k8s-pod-network.x\n      \
                  secondary:\n        namespace: shop\n        node: node-b\n        pod: web-1\n    cidr: 10.64.75.0/26\n    deleted: false\n    strictAffinity: false\n    \
                  unallocated: [2]\nkind: IPAMBlockList\nmetadata:\n  resourceVersion: \"7\"\n";
    let bundle = [
        (root("cluster/crd/ipamblocks.yaml"), blocks.to_owned()),
        (root("cluster/kubernetes/nodes.yaml"), list("NodeList", &[node("node-a"), node("node-b")])),
        (root("cluster/kubernetes/pods.yaml"), list("PodList", &[pod("calico-node-bbbbb", "node-b")])),
        (root("nodes/node-a/ip-route.txt"), ROUTES.to_owned()),
        (root("nodes/node-a/ip-addr.txt"), ADDRESSES.to_owned()),
        (root("nodes/node-b/ip-route.txt"), ROUTES.to_owned()),
        (root("nodes/node-b/calico-system/calico-node-bbbbb.log"), CALICO.to_owned()),
    ];
    let files = [
        (root("cluster/crd/ipamblocks.yaml"), "calico-resources", "-"),
        (root("cluster/kubernetes/nodes.yaml"), "kube-objects", "-"),
        (root("nodes/node-a/ip-route.txt"), "ip-route", "node-a"),
        (root("nodes/node-a/ip-addr.txt"), "ip-addr", "node-a"),
        (root("nodes/node-b/ip-route.txt"), "ip-route", "node-b"),
        (root("nodes/node-b/calico-system/calico-node-bbbbb.log"), "container-log", "node-b"),
    ];
    let bundle: Vec<(&str, String)> = bundle.iter().map(|it| (it.0.as_str(), it.1.clone())).collect();
    let files: Vec<(&str, &str, &str)> = files.iter().map(|it| (it.0.as_str(), it.1, it.2)).collect();
    check(&bundle, "calico-diags", &["node-a", "node-b"], &files);
}

#[test]
fn the_eks_collector() {
    let host = "ip-10-0-1-2.eu-west-1.compute.internal";
    let threads = "UID          PID    SPID    PPID  C    SZ   RSS PSR STIME TTY          TIME CMD\n\
                   root           1       1       0  0 42103 13164   0 Jan30 ?        00:00:09 /usr/lib/systemd/systemd\n\
                   root        1734    1801       1  1 42103 93164   0 Jan30 ?        00:01:09 /usr/bin/kubelet --config /etc/kubernetes/kubelet/config.json\n";
    let unit = "# /etc/systemd/system/kubelet.service\n[Unit]\nDescription=Kubernetes Kubelet\n[Service]\nExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/config.json $NODEADM_KUBELET_ARGS\n";
    let config = "{\n  \"kind\": \"KubeletConfiguration\",\n  \"apiVersion\": \"kubelet.config.k8s.io/v1beta1\",\n  \"maxPods\": 29,\n  \"podPidsLimit\": 4096\n}\n";
    let mounts = "/dev/nvme0n1p1 on / type xfs (rw,noatime,attr2,inode64,logbufs=8,logbsize=32k,sunit=1024,swidth=1024,noquota)\n\
                  tmpfs on /tmp type tmpfs (rw,nosuid,nodev,size=1946088k)\n\nFilesystem      Size  Used Avail Use% Mounted on\n/dev/nvme0n1p1   80G  4.3G   76G   6% /\n";
    let conntrack = "*** Output of conntrack -S *** \ncpu=0   \tfound=6 invalid=4 insert=0 insert_failed=0 drop=0 early_drop=0 error=0 search_restart=0 \n\
                     *** Output of conntrack -L ***\ntcp      6 86396 ESTABLISHED src=10.0.1.2 dst=10.0.1.3 sport=443 dport=33412 src=10.0.1.3 dst=10.0.1.2 sport=33412 dport=443 [ASSURED] mark=0 use=1\n";
    let klog = journal(host);
    let bundle = texts(&[
        ("system/instance-id.txt", "i-0c0ffee000000001\n"),
        ("kernel/dmesg.current", DMESG),
        (
            "kernel/dmesg.human.current",
            "[Wed Jan 31 09:00:00 2024] Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP\n[Wed Jan 31 09:00:01 2024] random: crng init done\n",
        ),
        (
            "kernel/uname.txt",
            "Linux ip-10-0-1-2.eu-west-1.compute.internal 6.1.72-96.166.amzn2023.x86_64 #1 SMP PREEMPT_DYNAMIC Mon Jan 15 01:23:45 UTC 2024 x86_64 x86_64 x86_64 GNU/Linux\n",
        ),
        ("kubelet/kubelet.log", &klog),
        ("kubelet/kubelet_service.txt", unit),
        ("kubelet/config.json", config),
        (
            "containerd/containerd-log.txt",
            "Jan 31 10:00:01 ip-10-0-1-2.eu-west-1.compute.internal containerd[612]: time=\"2024-01-31T10:00:01.100000000Z\" level=info msg=\"started\"\n",
        ),
        (
            "var_log/messages",
            "Jan 31 10:00:01 ip-10-0-1-2 systemd[1]: Started Session 4 of user root.\nJan 31 10:00:02 ip-10-0-1-2 systemd[1]: Started Session 5 of user root.\n",
        ),
        ("var_log/kube-system_aws-node-x7k2p_0c0f6b9a-0000-4000-8000-000000000001/aws-node/0.log", CRI),
        ("sysctls/sysctl_all.txt", SYSCTL),
        ("system/ps-threads.txt", threads),
        ("networking/iproute.txt", ROUTES),
        ("networking/conntrack.txt", conntrack),
        ("storage/mounts.txt", mounts),
        (
            "storage/inodes.txt",
            "Filesystem       Inodes IUsed    IFree IUse% Mounted on\n/dev/nvme0n1p1 41941952 63134 41878818    1% /\n",
        ),
    ]);
    let files = [
        ("kernel/dmesg.current", "dmesg"),
        ("kernel/dmesg.human.current", "dmesg"),
        ("kernel/uname.txt", "host-identity"),
        ("kubelet/kubelet.log", "journal-text"),
        ("kubelet/kubelet_service.txt", "kubelet-config"),
        ("kubelet/config.json", "kubelet-config"),
        ("containerd/containerd-log.txt", "journal-text"),
        ("var_log/messages", "syslog"),
        ("var_log/kube-system_aws-node-x7k2p_0c0f6b9a-0000-4000-8000-000000000001/aws-node/0.log", "container-log"),
        ("sysctls/sysctl_all.txt", "sysctl"),
        ("system/ps-threads.txt", "process-list"),
        ("networking/iproute.txt", "ip-route"),
        ("networking/conntrack.txt!/conntrack -S", "net-counters"),
        ("storage/mounts.txt", "mounts"),
        ("storage/inodes.txt", "disk-usage"),
    ];
    let files: Vec<(&str, &str, &str)> = files.iter().map(|(path, format)| (*path, *format, host)).collect();
    check(&bundle, "eks-collector", &["ip-10-0-1-2"], &files);
}

/// k0s runs the programs of a node itself and logs what they print as messages of its own: each speaks for itself.
#[test]
fn the_journal_of_k0s() {
    let line = |at: u32, message: &str, fields: &str| {
        format!(
            "Jan 31 10:00:{at:02} node-a k0s[612]: time=\"2024-01-31 10:00:{at:02}\" level=info msg=\"{message}\" {fields}\n"
        )
    };
    let text = [
        line(0, "Starting to supervise", "component=kubelet"),
        line(
            1,
            "I0131 10:00:01.100000    1734 kubelet.go:1888] \\\"SyncLoop ADD\\\" source=\\\"api\\\"",
            "component=kubelet stream=stderr",
        ),
        line(
            2,
            "E0131 10:00:02.100000    1734 kubelet.go:2448] \\\"Error getting node\\\" err=\\\"node \\\\\\\"node-a\\\\\\\" not found\\\"",
            "component=kubelet",
        ),
        line(
            3,
            "time=\\\"2024-01-31T10:00:03Z\\\" level=info msg=\\\"starting containerd\\\"",
            "component=containerd stream=stderr",
        ),
        line(
            4,
            "{\\\"level\\\":\\\"warn\\\",\\\"ts\\\":\\\"2024-01-31T10:00:04.1Z\\\",\\\"msg\\\":\\\"slow fdatasync\\\"}",
            "component=etcd stream=stderr",
        ),
    ];
    let files = [
        ("node-a/k0scontroller.log", text.concat()),
        (
            "node-a/k0s_sysinfo.txt",
            "Total memory: 15.6 GiB (pass)\n  Control Groups: version 1 (rejected: cgroup v1 is not supported)\n"
                .to_owned(),
        ),
        (
            "node-a/k0s_status.txt",
            "Version: v1.28.4+k0s.0\nProcess ID: 612\nRole: controller\nWorkloads: true\n".to_owned(),
        ),
    ];
    let formats = [
        ("node-a/k0scontroller.log", "journal-text", "node-a"),
        ("node-a/k0s_sysinfo.txt", "k0s-state", "node-a"),
        ("node-a/k0s_status.txt", "k0s-state", "node-a"),
    ];
    let case = check(&files, "plain", &["node-a"], &formats);
    let timeline = Timeline::build(case.members, case.records, &Overrides { year: Some(2024), ..Overrides::default() });
    let told: Vec<(Source, &str)> = timeline.events.iter().map(|it| (it.source, &*it.message)).collect();
    for (source, message) in [
        (Source::System, "msg=\"Starting to supervise\""),
        (Source::Kubelet, "kubelet.go:1888] \"SyncLoop ADD\" source=\"api\""),
        (Source::Kubelet, "err=\"node \\\"node-a\\\" not found\""),
        (Source::Runtime, "msg=\"starting containerd\""),
        (Source::ControlPlane, "\"msg\":\"slow fdatasync\""),
    ] {
        assert!(told.iter().any(|it| it.0 == source && it.1.contains(message)), "{message} of {told:#?}");
    }
}

/// GKE keeps the logs of its nodes elsewhere: each line of an export is of the node it names.
#[test]
fn an_export_of_cloud_logging() {
    let line = |node: &str, at: u32| {
        format!(
            "{{\"insertId\":\"{node}{at}\",\"jsonPayload\":{{\"MESSAGE\":\"I0131 10:00:{at:02}.000001    1734 a.go:1] node ready\",\
             \"SYSLOG_IDENTIFIER\":\"kubelet\",\"_HOSTNAME\":\"{node}\"}},\"logName\":\"projects/p/logs/kubelet\",\
             \"resource\":{{\"labels\":{{\"node_name\":\"{node}\"}},\"type\":\"k8s_node\"}},\"timestamp\":\"2024-01-31T10:00:{at:02}.5Z\"}}\n"
        )
    };
    let text: String = (0..9).map(|at| line(if at % 2 == 0 { "gke-a" } else { "gke-b" }, at)).collect();
    let case = case(&[memory("bundle.tar", tar(&[("case/downloaded-logs.json", text.as_str())]))], 1);
    assert_eq!(case.members[0].format, Some("cloud-logging"));
    let seen: Vec<_> = case.records[0].seen.iter().map(|it| (it.node.as_deref(), it.source, it.lines)).collect();
    assert_eq!(seen, [(Some("gke-a"), Source::Kubelet, 5), (Some("gke-b"), Source::Kubelet, 4)]);
    let timeline = Timeline::build(case.members, case.records, &Overrides::default());
    let wide = timeline.events.iter().filter(|it| it.at.full.hi - it.at.full.lo > chrono::TimeDelta::seconds(1));
    assert_eq!((wide.count(), timeline.events.len()), (0, 9), "UTC is stated, whatever klog leaves out");
}
