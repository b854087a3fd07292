//! Names, and the several names of one node.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A short string that many records share.
pub type Name = Arc<str>;

/// Which names mean the same machine.
///
/// Host name and FQDN, `host-172-21-128-138` and `ip-10-42-10-121` (the address a cloud wrote into the host name), the
/// `InternalIP` of a Node object and the `instance` of a scrape all name one node. Two unknown nodes are never merged.
#[derive(Debug, Clone, Default)]
pub struct NodeNames {
    canonical: BTreeMap<Name, Name>,
}

impl NodeNames {
    /// Finds out which of the names seen in a case are one node.
    ///
    /// `seen` are names records carry; `pairs` are equations stated by the bundle itself (a Node object's name and its
    /// address, say) with the preferred name first.
    #[must_use]
    pub fn unify(seen: &[Name], pairs: &[(Name, Name)]) -> NodeNames {
        let mut all: Vec<Name> = seen.to_vec();
        all.extend(pairs.iter().flat_map(|(a, b)| [a.clone(), b.clone()]));
        all.sort();
        all.dedup();
        let mut groups = Groups { parent: (0..all.len()).collect() };
        let index: BTreeMap<&str, usize> = all.iter().enumerate().map(|(at, name)| (name.as_ref(), at)).collect();
        for (a, b) in pairs {
            groups.join(index[a.as_ref()], index[b.as_ref()]);
        }
        for name in &all {
            for alias in aliases(name) {
                if let Some(&other) = index.get(alias.as_str()) {
                    groups.join(index[name.as_ref()], other);
                }
            }
        }
        let preferred: Vec<&str> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
        let mut best: BTreeMap<usize, Name> = BTreeMap::new();
        for (at, name) in all.iter().enumerate() {
            let root = groups.root(at);
            let rank =
                |it: &str| (!preferred.contains(&it), it.contains('.') && !is_address(it), it.len(), it.to_owned());
            match best.get(&root) {
                Some(old) if rank(old) <= rank(name) => {}
                _ => {
                    best.insert(root, name.clone());
                }
            }
        }
        let canonical =
            all.iter().enumerate().map(|(at, name)| (name.clone(), best[&groups.root(at)].clone())).collect();
        NodeNames { canonical }
    }

    /// The one name of a node, however it is called here.
    #[must_use]
    pub fn canonical(&self, name: &str) -> Name {
        if let Some(found) = self.canonical.get(name) {
            return found.clone();
        }
        let lower = name.to_ascii_lowercase();
        if let Some(found) = self.canonical.get(lower.as_str()) {
            return found.clone();
        }
        let known = aliases(name).into_iter().find_map(|alias| self.canonical.get(alias.as_str()).cloned());
        known.unwrap_or_else(|| Name::from(name))
    }

    /// The name of a node this bundle knows, or nothing: for words that may or may not be a node.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<Name> {
        self.canonical
            .get(name)
            .cloned()
            .or_else(|| aliases(name).into_iter().find_map(|it| self.canonical.get(it.as_str()).cloned()))
    }

    /// Every node, by its one name, in order.
    #[must_use]
    pub fn all(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.canonical.values().cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// The other names a node goes by.
    #[must_use]
    pub fn aliases_of(&self, node: &str) -> Vec<Name> {
        self.canonical
            .iter()
            .filter(|(name, to)| to.as_ref() == node && name.as_ref() != node)
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// Union by lower index, so the outcome does not depend on order.
struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    fn root(&self, mut at: usize) -> usize {
        while self.parent[at] != at {
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

fn is_address(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok()
}

/// Other spellings of a node name that follow from the name alone.
fn aliases(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lower = name.to_ascii_lowercase();
    if lower != name {
        found.push(lower.clone());
    }
    if is_address(&lower) {
        return found;
    }
    // `10.0.0.7:9100` is the instance label of 10.0.0.7
    if let Some((host, port)) = lower.rsplit_once(':')
        && !port.is_empty()
        && port.bytes().all(|it| it.is_ascii_digit())
    {
        found.push(host.to_owned());
        found.extend(aliases(host));
        return found;
    }
    // `node-07.example.net` is `node-07`
    if let Some((short, _)) = lower.split_once('.') {
        found.push(short.to_owned());
    }
    // `host-172-21-128-138` (Tencent), `ip-10-42-10-121` (AWS)
    let short = lower.split('.').next().unwrap_or_default();
    for prefix in ["host-", "ip-"] {
        if let Some(rest) = short.strip_prefix(prefix) {
            let dotted = rest.replace('-', ".");
            if is_address(&dotted) {
                found.push(dotted);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<Name> {
        list.iter().map(|it| Name::from(*it)).collect()
    }

    #[test]
    fn one_node_under_many_names() {
        let pairs = [(Name::from("worker-a"), Name::from("10.0.0.7"))];
        let nodes = NodeNames::unify(&names(&["worker-a.example.net", "10.0.0.7:9100", "worker-b"]), &pairs);
        assert_eq!(nodes.canonical("worker-a.example.net").as_ref(), "worker-a");
        assert_eq!(nodes.canonical("10.0.0.7:9100").as_ref(), "worker-a");
        assert_eq!(nodes.canonical("10.0.0.7:10250").as_ref(), "worker-a");
        assert_eq!(nodes.canonical("worker-b").as_ref(), "worker-b");
        assert_eq!(nodes.all(), names(&["worker-a", "worker-b"]));
    }

    #[test]
    fn a_cloud_host_name_holds_the_address() {
        let nodes = NodeNames::unify(&names(&["host-172-21-128-138", "172.21.128.138"]), &[]);
        assert_eq!(nodes.canonical("host-172-21-128-138"), nodes.canonical("172.21.128.138"));
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_not_cut_at_its_first_dot() {
        let nodes = NodeNames::unify(&names(&["10.0.0.7", "10.9.9.9"]), &[]);
        assert_ne!(nodes.canonical("10.0.0.7"), nodes.canonical("10.9.9.9"));
    }
}
