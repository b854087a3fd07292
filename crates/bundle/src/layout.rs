//! How collectors arrange what they collect.

/// A collector's arrangement, recognised by files that only it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `sos`, `must-gather`, `troubleshoot`, `kind`, … or `plain`.
    pub name: &'static str,
    /// The folder all members stand in, with its slash; empty when there is none.
    pub root: String,
    /// Whether the whole bundle was taken on one machine.
    pub one_host: bool,
}

/// Name, whether it is one machine, and paths below the root of which all must be there (a prefix or a file).
const FAMILIES: &[(&str, bool, &[&str])] = &[
    ("sos", true, &["sos_commands/", "sos_logs/"]),
    ("sos", true, &["sos_commands/", "version.txt"]),
    ("troubleshoot", false, &["cluster-resources/", "version.yaml"]),
    ("troubleshoot", false, &["cluster-resources/", "cluster-info/"]),
    ("must-gather", false, &["cluster-scoped-resources/", "namespaces/"]),
    ("must-gather", false, &["namespaces/"]),
    ("rancher-collector", true, &["systeminfo/", "journald/"]),
    ("eks-collector", true, &["kubelet/kubelet_service.txt"]),
    ("eks-collector", true, &["system/instance-id.txt"]),
    ("calico-diags", false, &["cluster/crd/", "nodes/"]),
    ("kind-export", false, &["kind-version.txt"]),
    ("microk8s-inspect", true, &["inspection-report/"]),
    ("cluster-info-dump", false, &["nodes.json", "kube-system/events.json"]),
    ("supportconfig", true, &["basic-environment.txt"]),
];

/// Recognises the layout from the paths of a bundle.
pub(crate) fn recognise<'p>(paths: impl Iterator<Item = &'p str>) -> Layout {
    let paths: Vec<&str> = paths.collect();
    let mut roots = vec![common_root(&paths)];
    // must-gather puts one folder for its image between the root and the content
    roots.extend(
        paths.iter().filter_map(|it| it.find("/cluster-scoped-resources/").map(|at| it[..=at].to_owned())).take(1),
    );
    roots.push(String::new());
    for root in &roots {
        for (name, one_host, marks) in FAMILIES {
            let has = |mark: &str| {
                paths.iter().any(|it| it.strip_prefix(root.as_str()).is_some_and(|it| it.starts_with(mark)))
            };
            if marks.iter().all(|it| has(it)) {
                return Layout { name, root: root.clone(), one_host: *one_host };
            }
        }
    }
    Layout { name: "plain", root: roots.swap_remove(0), one_host: false }
}

/// The folders that all paths share.
fn common_root(paths: &[&str]) -> String {
    let Some(first) = paths.first() else { return String::new() };
    let mut root = first.rfind('/').map_or("", |it| &first[..=it]);
    for path in paths {
        while !path.starts_with(root) {
            root = root[..root.len() - 1].rfind('/').map_or("", |it| &root[..=it]);
        }
    }
    root.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_by_what_only_they_write() {
        let name = |paths: &[&str]| recognise(paths.iter().copied()).name;
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
    }

    #[test]
    fn the_root_is_what_all_paths_share() {
        assert_eq!(common_root(&["a/b/c", "a/b/d/e"]), "a/b/");
        assert_eq!(common_root(&["a/b", "c/d"]), "");
        assert_eq!(common_root(&["file"]), "");
    }
}
