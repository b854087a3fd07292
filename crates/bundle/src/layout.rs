//! How collectors arrange what they collect.
//!
//! ```text
//! supportbundle/cluster-resources/nodes.json      troubleshoot, below `supportbundle/`
//! collected/sosreport-a.tar.xz!/sosreport-a/sos_commands/kernel/dmesg      sos, one of several machines
//! ```
//!
//! An arrangement may be the whole bundle, a part of it, or stand in it many times, once a machine.

use std::collections::BTreeMap;

use memchr::memmem::Finder;

/// A collector's arrangement, recognised by files that only it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `sos`, `must-gather`, `troubleshoot`, `kind-export`, … or `plain`.
    pub name: &'static str,
    /// The folder all members stand in, with its slash; empty when there is none.
    pub root: String,
    /// Whether the whole bundle was taken on one machine.
    pub one_host: bool,
}

struct Family {
    name: &'static str,
    one_host: bool,
    /// Paths below the root of which all must be there: a folder with its slash, or the beginning of a file name.
    marks: &'static [&'static str],
    /// Whether the marks are words that may stand in any bundle: then they count at its top only.
    at_top: bool,
}

const fn family(name: &'static str, one_host: bool, marks: &'static [&'static str]) -> Family {
    Family { name, one_host, marks, at_top: false }
}

const FAMILIES: &[Family] = &[
    family("sos", true, &["sos_commands/", "sos_logs/"]),
    family("sos", true, &["sos_commands/", "version.txt"]),
    family("troubleshoot", false, &["cluster-resources/", "version.yaml"]),
    family("troubleshoot", false, &["cluster-resources/", "cluster-info/"]),
    family("troubleshoot", false, &["host-collectors/", "version.yaml"]),
    family("must-gather", false, &["cluster-scoped-resources/", "namespaces/"]),
    family("rancher-collector", true, &["systeminfo/", "journald/"]),
    family("eks-collector", true, &["kubelet/kubelet_service.txt"]),
    family("eks-collector", true, &["system/instance-id.txt"]),
    family("calico-diags", false, &["cluster/crd/", "nodes/"]),
    family("calico-node-diags", true, &["diagnostics/ipv4_route"]),
    family("kind-export", false, &["kind-version.txt"]),
    family("support-bundle-kit", false, &["yamls/", "nodes/"]),
    family("microk8s-inspect", true, &["inspection-report/"]),
    // the sections of one text
    family("minikube-logs", true, &["container status", "describe nodes", "kubelet"]),
    family("cluster-info-dump", false, &["nodes.json", "kube-system/events.json"]),
    family("cluster-info-dump", false, &["nodes.yaml", "kube-system/events.yaml"]),
    // the lists of one text
    family("cluster-info-dump", false, &["NodeList.json", "EventList.json"]),
    family("supportconfig", true, &["basic-environment.txt"]),
    family("cilium-sysdump", false, &["k8s-nodes-", "ciliumnodes-"]),
    family("cilium-sysdump", false, &["k8s-nodes-", "logs-cilium-"]),
    family("cilium-sysdump", false, &["k8s-nodes-", "cilium-bugtool-"]),
    // a folder for each host, below one of the run
    family("aks-periscope", true, &["systemlogs/", "nodelogs/"]),
    family("aks-periscope", true, &["kubeletcmd/", "networkoutbound/"]),
    family("log-dump", true, &["startupscript.log", "kubelet.log"]),
    family("log-dump", true, &["serial-1.log", "kubelet.log"]),
    family("talos-support", false, &["kubernetesResources/"]),
    family("insights-archive", false, &["config/node/", "config/version.json"]),
    Family { name: "must-gather", one_host: false, marks: &["namespaces/"], at_top: true },
];

/// What a bundle consists of.
#[derive(Debug)]
pub(crate) struct Layouts {
    /// The bundle as a whole: its only part, or what all its parts are, or plain.
    pub(crate) whole: Layout,
    /// By root. A machine's part may stand in a cluster's.
    parts: BTreeMap<String, Layout>,
}

impl Layouts {
    /// The parts that are not arranged as the whole is.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Layout> {
        self.parts.values().filter(|it| it.root != self.whole.root || it.name != self.whole.name)
    }

    /// The part a member stands in; what stands in none is the whole's.
    pub(crate) fn of(&self, path: &str) -> &Layout {
        self.inside(path).unwrap_or(&self.whole)
    }

    fn inside(&self, path: &str) -> Option<&Layout> {
        if self.parts.is_empty() {
            return None;
        }
        let ends = memchr::memrchr_iter(b'/', path.as_bytes()).map(|it| it + 1).chain([0]);
        ends.into_iter().find_map(|end| self.parts.get(&path[..end]))
    }
}

/// Recognises the layouts from the paths of a bundle.
pub(crate) fn recognise<'p>(paths: impl Iterator<Item = &'p str> + Clone) -> Layouts {
    let top = common_root(paths.clone());
    let whole = Layout { name: "plain", root: top.clone(), one_host: false };
    let mut layouts = Layouts { whole, parts: BTreeMap::new() };
    let mut outer: Vec<Layout> = Vec::new();
    // a root comes before the roots inside it
    for (root, marks) in roots(paths) {
        let found = FAMILIES
            .iter()
            .find(|it| (!it.at_top || top.starts_with(&root)) && it.marks.iter().all(|it| marks.contains(it)));
        let Some(Family { name, one_host, .. }) = found else { continue };
        let part = Layout { name, root, one_host: *one_host };
        match layouts.inside(&part.root) {
            Some(around) if around.one_host || !part.one_host => continue,
            Some(_) => {}
            None => outer.push(part.clone()),
        }
        layouts.parts.insert(part.root.clone(), part);
    }
    match outer.as_slice() {
        [] => {}
        [only] => layouts.whole = only.clone(),
        [first, others @ ..] if others.iter().all(|it| it.name == first.name) => layouts.whole.name = first.name,
        _ => {}
    }
    layouts
}

/// Every folder below which some mark stands, with the marks below it.
fn roots<'p>(paths: impl Iterator<Item = &'p str>) -> BTreeMap<String, Vec<&'static str>> {
    let mut marks: Vec<&'static str> = FAMILIES.iter().flat_map(|it| it.marks).copied().collect();
    marks.sort_unstable();
    marks.dedup();
    let finders: Vec<Finder<'_>> = marks.iter().map(|it| Finder::new(*it)).collect();
    let mut roots: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for path in paths {
        for (mark, finder) in marks.iter().zip(&finders) {
            for at in finder.find_iter(path.as_bytes()).filter(|it| *it == 0 || path.as_bytes()[it - 1] == b'/') {
                match roots.get_mut(&path[..at]) {
                    Some(found) if found.contains(mark) => {}
                    Some(found) => found.push(mark),
                    None => {
                        roots.insert(path[..at].to_owned(), vec![mark]);
                    }
                }
            }
        }
    }
    roots
}

/// The folders that all paths share.
pub(crate) fn common_root<'p>(mut paths: impl Iterator<Item = &'p str>) -> String {
    let folder = |path: &str| path.rfind('/').map_or(0, |it| it + 1);
    let Some(first) = paths.next() else { return String::new() };
    let mut root = &first[..folder(first)];
    for path in paths {
        while !path.starts_with(root) {
            root = &root[..folder(&root[..root.len() - 1])];
        }
    }
    root.to_owned()
}

/// The node that the layout names in a path below its root: `sysctl/NODE`, `nodes/NODE/ip-route`.
pub(crate) fn node_in_path<'p>(layout: &Layout, below: &'p str) -> Option<&'p str> {
    let mut parts = below.split('/');
    let (first, second, third) = (parts.next()?, parts.next(), parts.next());
    let deeper = third.is_some();
    let stem = |it: &'p str| it.strip_suffix(".json").or_else(|| it.strip_suffix(".log")).unwrap_or(it);
    match layout.name {
        "kind-export" => second.map(|_| first),
        "calico-diags" if first == "nodes" => second.filter(|_| deeper),
        "support-bundle-kit" if first == "nodes" => second.map(|it| it.strip_suffix(".zip!").unwrap_or(it)),
        "must-gather" if first == "nodes" => second.filter(|_| deeper),
        // audit_logs/kube-apiserver/NODE-audit-2024-01-31.log.gz
        "must-gather" if first == "audit_logs" => third.and_then(|it| Some(it.split_once("-audit")?.0)),
        "talos-support" if first != "kubernetesResources" => second.map(|_| first),
        // kubelet [minikube-m02]; containers have their id there
        "minikube-logs" => below
            .strip_suffix(']')
            .and_then(|it| Some(it.rsplit_once(" [")?.1))
            .filter(|it| !it.bytes().all(|it| it.is_ascii_hexdigit())),
        "insights-archive" if below.starts_with("config/node/logs/") => parts.next().map(stem),
        "insights-archive" if below.starts_with("config/node/") => third.map(stem),
        "troubleshoot" => match first {
            "sysctl" | "node-metrics" => second.filter(|_| !deeper).map(stem),
            // host-collectors/run-host/NODE/uname.txt; without the folder it is the machine the collector ran on
            "host-collectors" => third.filter(|_| parts.next().is_some()),
            _ if first.starts_with("copy-from-host") => second.filter(|_| deeper),
            _ if first.starts_with("run-daemonset") => second.filter(|it| !deeper && it.ends_with(".log")).map(stem),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a member is about the machine the collector ran on, whatever cluster the rest is about.
pub(crate) fn is_local(layout: &Layout, below: &str) -> bool {
    layout.one_host || (layout.name == "troubleshoot" && below.starts_with("host-collectors/"))
}

/// The host in the name of a one-machine bundle: `sosreport-HOST-2022-02-11-hotsos/`, `HOST-2024-01-31_10_20_30/`.
pub(crate) fn host_in_root(layout: &Layout) -> Option<&str> {
    let folder = layout.root.strip_suffix('/')?.rsplit('/').next()?;
    let name = match layout.name {
        "sos" => folder.strip_prefix("sosreport-")?,
        "rancher-collector" => folder,
        "aks-periscope" | "log-dump" => return Some(folder),
        // scc_HOST_240131_1020
        "supportconfig" => {
            let name = folder.strip_prefix("scc_").or_else(|| folder.strip_prefix("nts_"))?;
            let (name, time) = name.rsplit_once('_')?;
            let (name, day) = name.rsplit_once('_')?;
            let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
            return (!name.is_empty() && digits(day) && digits(time)).then_some(name);
        }
        _ => return None,
    };
    let is_date = |at: usize| {
        let date = name.as_bytes().get(at..at + 11);
        date.is_some_and(|it| {
            it.iter().zip(b"-0000-00-00").all(|(a, b)| if *b == b'0' { a.is_ascii_digit() } else { a == b })
        })
    };
    let end = memchr::memchr_iter(b'-', name.as_bytes()).find(|it| is_date(*it))?;
    (end > 0).then(|| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Layouts {
        recognise(paths.iter().copied())
    }

    #[test]
    fn known_by_what_only_they_write() {
        let name = |paths: &[&str]| of(paths).whole.name;
        assert_eq!(name(&["sosreport-a/sos_commands/kernel/dmesg", "sosreport-a/version.txt"]), "sos");
        assert_eq!(name(&["supportbundle/version.yaml", "supportbundle/cluster-resources/nodes.json"]), "troubleshoot");
        assert_eq!(
            name(&[
                "mg/quay-io/cluster-scoped-resources/core/nodes/a.yaml",
                "mg/quay-io/namespaces/x/y",
                "mg/timestamp"
            ]),
            "must-gather"
        );
        assert_eq!(name(&["kind-version.txt", "kind-control-plane/kubelet.log"]), "kind-export");
        assert_eq!(name(&["node-a/ip_route.txt", "node-b/ip_route.txt"]), "plain");
        assert_eq!(name(&["x/namespaces/shop/pods/a/a.yaml", "x/namespaces/shop/core/events.yaml"]), "must-gather");
        assert_eq!(name(&["a/proc/1/status", "a/namespaces/shop/core/events.yaml"]), "must-gather");
        assert_eq!(name(&["a/proc/1/status", "b/namespaces/shop/core/events.yaml"]), "plain");
    }

    #[test]
    fn a_collection_of_machines_has_a_part_for_each() {
        let (a, b) = ("all/sosreport-a.tar.xz!/sosreport-a/", "all/sosreport-b.tar.xz!/sosreport-b/");
        let paths = [
            format!("{a}sos_commands/x"),
            format!("{a}version.txt"),
            format!("{b}sos_commands/x"),
            format!("{b}version.txt"),
            "all/log".to_owned(),
        ];
        let layouts = recognise(paths.iter().map(String::as_str));
        assert_eq!(layouts.whole, Layout { name: "sos", root: "all/".to_owned(), one_host: false });
        assert_eq!(layouts.of(&paths[2]).root, b);
        assert!(layouts.of(&paths[2]).one_host);
        assert!(!layouts.of("all/log").one_host);
    }

    #[test]
    fn a_machine_in_a_cluster_is_a_part_and_a_cluster_in_a_machine_is_not() {
        let layouts = of(&[
            "cluster-scoped-resources/a",
            "namespaces/b",
            "node/sos_commands/c",
            "node/version.txt",
            "node/sos_commands/namespaces/x",
            "node/sos_commands/cluster-scoped-resources/y",
        ]);
        assert_eq!(layouts.whole.name, "must-gather");
        assert_eq!(layouts.of("node/sos_commands/namespaces/x").name, "sos");
    }

    #[test]
    fn the_root_is_what_all_paths_share() {
        let root = |paths: &[&'static str]| common_root(paths.iter().copied());
        assert_eq!(root(&["a/b/c", "a/b/d/e"]), "a/b/");
        assert_eq!(root(&["a/b", "c/d"]), "");
        assert_eq!(root(&["file"]), "");
        assert_eq!(root(&[]), "");
    }

    #[test]
    fn the_node_stands_where_the_collector_puts_it() {
        let node = |name: &'static str, below: &'static str| {
            node_in_path(&Layout { name, root: String::new(), one_host: false }, below)
        };
        assert_eq!(node("kind-export", "kind-worker/kubelet.log"), Some("kind-worker"));
        assert_eq!(node("kind-export", "docker-info.txt"), None);
        assert_eq!(node("calico-diags", "nodes/node-a/ip-route"), Some("node-a"));
        assert_eq!(node("must-gather", "nodes/node-a/node-a_logs_kubelet.gz"), Some("node-a"));
        assert_eq!(node("must-gather", "namespaces/openshift-dns/core/events.yaml"), None);
        assert_eq!(node("troubleshoot", "sysctl/node-a"), Some("node-a"));
        assert_eq!(node("troubleshoot", "node-metrics/node-a.example.net.json"), Some("node-a.example.net"));
        assert_eq!(node("troubleshoot", "copy-from-host-logs/node-a/archive.tar!/x"), Some("node-a"));
        assert_eq!(node("troubleshoot", "host-collectors/run-host/node-a/uname.txt"), Some("node-a"));
        assert_eq!(node("troubleshoot", "host-collectors/run-host/uname.txt"), None);
        assert_eq!(node("minikube-logs", "kubelet [minikube-m02]"), Some("minikube-m02"));
        assert_eq!(node("minikube-logs", "coredns [4f5b1a2c3d4e]"), None);
        assert_eq!(node("support-bundle-kit", "nodes/node-a.zip!/node-a/logs/kubelet.log"), Some("node-a"));
    }

    #[test]
    fn the_host_in_the_name_of_its_bundle() {
        let host = |name: &'static str, root: &str| {
            host_in_root(&Layout { name, root: root.to_owned(), one_host: true }).map(str::to_owned)
        };
        assert_eq!(host("sos", "x/sosreport-node-7-2022-02-11-hotsos/").as_deref(), Some("node-7"));
        assert_eq!(host("rancher-collector", "node-7-2024-01-31_10_20_30/").as_deref(), Some("node-7"));
        assert_eq!(host("sos", "sosreport-2022-02-11/"), None);
        assert_eq!(host("supportconfig", "scc_node_7_240131_1020/").as_deref(), Some("node_7"));
        assert_eq!(host("supportconfig", "scc_node-7/"), None);
        assert_eq!(host("sos", "extracted/"), None);
    }
}
