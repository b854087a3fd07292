//! Where pods run, and which pod a path speaks of.
//!
//! ```text
//! namespaces/kube-system/pods/calico-node-x7k2p/calico-node/calico-node/logs/current.log
//! kubectl_--kubeconfig_.root.config_--namespace_default_logs_ubuntu-debug-5c8d99cd56-dvcdv
//! podlogs/kube-system-calico-node-x7k2p
//! ```

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Name, Record, Value, relation};

use crate::member::Done;

/// Words of a file name that are tried; more are no name.
const WORDS: usize = 24;

/// The nodes of pods, by the pod's name.
#[derive(Default)]
pub(super) struct Pods {
    by_name: BTreeMap<Name, Vec<Placed>>,
}

struct Placed {
    namespace: Name,
    node: Name,
}

impl Pods {
    pub(super) fn of(done: &[Done]) -> Pods {
        let mut pods = Pods::default();
        let mut known: BTreeSet<(Name, Name, Name)> = BTreeSet::new();
        for record in done.iter().flat_map(|it| &it.records.records) {
            if let Record::Fact(fact, _) = record
                && fact.row.relation == &relation::POD
                && let (Value::Text(name), Value::Text(node)) = (fact.get("name"), fact.get("on"))
            {
                let namespace = match fact.get("namespace") {
                    Value::Text(it) => it,
                    _ => "".into(),
                };
                if known.insert((name.clone(), namespace.clone(), node.clone())) {
                    let joined = Name::from(format!("{namespace}-{name}"));
                    pods.by_name
                        .entry(joined)
                        .or_default()
                        .push(Placed { namespace: namespace.clone(), node: node.clone() });
                    pods.by_name.entry(name).or_default().push(Placed { namespace, node });
                }
            }
        }
        pods
    }

    /// The node of the pod that a path names.
    pub(super) fn node(&self, path: &str) -> Option<&Name> {
        if self.by_name.is_empty() {
            return None;
        }
        let folders =
            path.split('/').flat_map(|it| std::iter::once(it).chain(it.split('_').filter(move |part| *part != it)));
        let words: Vec<&str> = folders.collect();
        let found = words.iter().find_map(|it| self.placed(it, &words));
        // of an archive inside, too, the name may hold the pod's: `cilium-bugtool-cilium-x7k2p-20240131-101010.tar.gz!`
        let archives = path.split('/').filter_map(|it| it.strip_suffix('!'));
        let names = path.rsplit('/').next().into_iter().chain(archives);
        found.or_else(|| names.flat_map(phrases).find_map(|it| self.placed(it, &words)))
    }

    /// The node of one pod, where only one is meant: names repeat across namespaces, and a pod of a set moves.
    fn placed(&self, name: &str, words: &[&str]) -> Option<&Name> {
        let all = self.by_name.get(name)?;
        // a bare word (`web`) may be any folder's name
        let named: Vec<&Placed> = if all.iter().all(|it| it.node == all[0].node) && name.contains('-') {
            all.iter().collect()
        } else {
            all.iter().filter(|it| words.contains(&it.namespace.as_ref())).collect()
        };
        let first = named.first()?;
        named.iter().all(|it| it.node == first.node).then_some(&first.node)
    }
}

/// The words of a file name in a row, longest rows first: `logs-calico-node-x7k2p-felix.log` holds `calico-node-x7k2p`.
pub(super) fn phrases(file: &str) -> impl Iterator<Item = &str> {
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    for (at, it) in file.char_indices() {
        if matches!(it, '-' | '_' | '.') {
            ends.push((start, at));
            start = at + 1;
        }
    }
    ends.push((start, file.len()));
    let count = if ends.len() > WORDS { 0 } else { ends.len() };
    (1..=count).rev().flat_map(move |len| {
        let ends = ends.clone();
        (0..=count - len).map(move |at| &file[ends[at].0..ends[at + len - 1].1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(of: &[(&str, &str, &str)]) -> Pods {
        let mut pods = Pods::default();
        for (namespace, name, node) in of {
            let placed = || Placed { namespace: Name::from(*namespace), node: Name::from(*node) };
            pods.by_name.entry(Name::from(*name)).or_default().push(placed());
            pods.by_name.entry(format!("{namespace}-{name}").into()).or_default().push(placed());
        }
        pods
    }

    #[test]
    fn a_pod_is_found_wherever_a_collector_writes_its_name() {
        let pods = pods(&[("kube-system", "calico-node-x7k2p", "node-a"), ("default", "web", "node-b")]);
        let node = |path: &str| pods.node(path).map(ToString::to_string);
        for path in [
            "namespaces/kube-system/pods/calico-node-x7k2p/calico-node/calico-node/logs/current.log",
            "node/pods/kube-system_calico-node-x7k2p_55f2/felix/0.log",
            "x/kubectl_--kubeconfig_.root.config_--namespace_kube-system_logs_calico-node-x7k2p",
            "rke2/podlogs/kube-system-calico-node-x7k2p",
            "logs-calico-node-x7k2p-felix-20240131.log",
        ] {
            assert_eq!(node(path).as_deref(), Some("node-a"), "{path}");
        }
        assert_eq!(node("logs/default/web/nginx.log").as_deref(), Some("node-b"));
        assert_eq!(node("web/access.log"), None);
        assert_eq!(node("calico-node/felix.log"), None);
    }

    #[test]
    fn a_name_in_two_namespaces_needs_its_namespace() {
        let pods =
            pods(&[("a", "db-0", "node-a"), ("b", "db-0", "node-b"), ("c", "db-1", "node-a"), ("c", "db-1", "node-b")]);
        assert_eq!(pods.node("b/db-0/db.log").map(|it| it.as_ref()), Some("node-b"));
        assert_eq!(pods.node("db-0.log"), None);
        assert_eq!(pods.node("c/db-1.log"), None, "it was on both");
    }

    #[test]
    fn long_names_are_not_taken_apart() {
        assert_eq!(phrases(&"a-".repeat(10_000)).count(), 0);
        assert_eq!(phrases("a-b.c").collect::<Vec<_>>(), ["a-b.c", "a-b", "b.c", "a", "b", "c"]);
    }
}
