//! Which folders are a machine's, and what the machine is called.
//!
//! ```text
//! sosreport-node-7-2022-02-11-hotsos/       taken on one machine
//! node-a/ip_route.txt  node-b/ip_route.txt  a folder for each
//! ```
//!
//! A folder's journal knows the machine's name better than the folder does, unless the cluster uses the folder's. The
//! names a machine had before, in the first seconds of its first boot say, are the same machine's.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Name, NodeNames, Outcome, Record, Value, relation};

use super::names::{Spoken, is_host_name, is_of_cluster, is_word, speaks};
use super::pods::Pods;
use crate::layout::{self, Layouts};
use crate::member::Done;

/// Folders that are no node's name, whatever stands in them.
const NOT_NODES: &[&str] = &[
    "after",
    "artifacts",
    "attachments",
    "before",
    "bundle",
    "calico",
    "cluster",
    "cluster-info",
    "cluster-resources",
    "cluster-scoped-resources",
    "cmd",
    "collected",
    "commands",
    "configs",
    "container-logs",
    "containerd",
    "containers",
    "core",
    "crash",
    "crio",
    "data",
    "default",
    "describe",
    "diagnostics",
    "diags",
    "docker",
    "docs",
    "dump",
    "dumps",
    "etc",
    "etcd",
    "events",
    "execution-data",
    "files",
    "home",
    "host",
    "host-collectors",
    "host_service_logs",
    "info",
    "journal",
    "journald",
    "k3s",
    "kernel",
    "kube-system",
    "kubeadm",
    "kubectl",
    "kubelet",
    "kubernetes",
    "limits.d",
    "log",
    "logs",
    "masters",
    "memory",
    "metrics",
    "misc",
    "namespaces",
    "net",
    "network",
    "networking",
    "node",
    "nodes",
    "objects",
    "opt",
    "output",
    "pods",
    "previous",
    "proc",
    "process",
    "prometheus",
    "raw",
    "resources",
    "rke",
    "rke2",
    "root",
    "routes",
    "run",
    "run-host",
    "security",
    "sos_commands",
    "sos_logs",
    "sos_reports",
    "state",
    "storage",
    "support",
    "support-bundle",
    "supportbundle",
    "switches",
    "sys",
    "sysctl.d",
    "sysctls",
    "system",
    "systemd",
    "systeminfo",
    "systemlogs",
    "tmp",
    "txt",
    "usr",
    "var",
    "workers",
];

/// Below these stands what one machine holds: `proc/pressure`, `etc/security`.
const OF_ONE: &[&str] = &["etc", "proc", "sys"];

/// Below these stand pods, not machines.
const OF_PODS: &[&str] = &["container-logs", "containers", "namespaces", "pod-logs", "podlogs", "pods"];

/// A machine that the bundle holds files of.
pub(super) struct Machine {
    pub(super) name: Name,
    /// Whether only this one speaks, so that what says nothing of its machine is taken for its own.
    pub(super) lone: bool,
    /// What its own journal called it before.
    former: BTreeSet<Name>,
}

/// Machines by the folder in which all is theirs.
pub(super) struct Machines {
    by_folder: BTreeMap<String, Machine>,
}

/// What the files of one folder say their machine is called, with the number of lines.
#[derive(Default)]
struct Voices {
    journal: BTreeMap<Name, u64>,
    other: BTreeMap<Name, u64>,
    stated: BTreeMap<Name, u64>,
}

impl Voices {
    fn hear(&mut self, done: &Done) {
        let journal = done.member.format.is_some_and(|it| it.starts_with("journal"));
        for seen in done.records.seen.iter().filter(|it| speaks(it.source)) {
            if let Some(node) = seen.node.as_ref().filter(|it| is_host_name(it)) {
                let heard = if journal { &mut self.journal } else { &mut self.other };
                *heard.entry(node.clone()).or_default() += seen.lines;
            }
        }
        for other in stated(done) {
            *self.stated.entry(other).or_default() += 1;
        }
    }

    /// What the machine is called: as it says itself, else as its folder or the cluster calls it, else by most lines.
    fn host(&self, layout: &layout::Layout, sure: &NodeNames) -> Option<Name> {
        let in_root = layout::host_in_root(layout);
        let known = |it: &Name| in_root == Some(it) || sure.known(it).is_some();
        let of_cluster = self.journal.iter().filter(|it| known(it.0)).map(|(it, lines)| (it.clone(), *lines)).collect();
        loudest(&self.stated)
            .or_else(|| loudest(&of_cluster))
            .or_else(|| loudest(&self.journal))
            .or_else(|| loudest(&self.other))
            .or_else(|| in_root.map(Name::from))
    }

    /// The one name of the machine, if its files agree on it but for some lines.
    fn agreed(&self) -> Option<Name> {
        let name = loudest(&self.stated).or_else(|| loudest(&self.journal)).or_else(|| loudest(&self.other))?;
        let all: u64 = self.journal.values().sum();
        let most = self.journal.values().max().copied().unwrap_or(0);
        (most * 10 >= all * 9).then_some(name)
    }
}

fn loudest(of: &BTreeMap<Name, u64>) -> Option<Name> {
    of.iter().max_by_key(|(name, count)| (**count, std::cmp::Reverse(*name))).map(|it| it.0.clone())
}

/// What a file of `hostname` or `uname` calls the machine it was taken on.
pub(super) fn stated(done: &Done) -> impl Iterator<Item = Name> {
    done.records.records.iter().filter_map(|it| match it {
        Record::Fact(fact, _) if fact.row.relation == &relation::ALIAS && !fact.get("name").is_some() => {
            match fact.get("other") {
                Value::Text(it) if is_host_name(&it) => Some(it),
                _ => None,
            }
        }
        _ => None,
    })
}

impl Machines {
    pub(super) fn of(done: &[Done], layouts: &Layouts, spoken: &Spoken, names: &NodeNames, pods: &Pods) -> Machines {
        let sure = spoken.sure_names();
        let plain: Vec<&Done> = done
            .iter()
            .filter(|it| {
                layouts.of(&it.member.path).name == "plain" && needs_node(it) && pods.node(&it.member.path).is_none()
            })
            .collect();
        let shared = layout::common_root(plain.iter().map(|it| it.member.path.as_ref()));
        let mut folders: BTreeSet<String> =
            plain.iter().filter_map(|it| folder(&it.member.path, &layouts.whole.root, &shared, names)).collect();
        let mut voices: BTreeMap<String, Voices> = BTreeMap::new();
        let mut local: BTreeMap<String, &layout::Layout> = BTreeMap::new();
        for it in done {
            let path: &str = &it.member.path;
            let layout = layouts.of(path);
            if layout.name == "plain" {
                if let Some(folder) = ancestors(path).find(|it| folders.contains(*it)) {
                    voices.entry(folder.to_owned()).or_default().hear(it);
                }
            } else if let Some(folder) = local_folder(layout, path) {
                local.insert(folder.clone(), layout);
                voices.entry(folder).or_default().hear(it);
            }
        }
        let mut by_folder = BTreeMap::new();
        for (folder, layout) in local {
            let voices = voices.remove(&folder).unwrap_or_default();
            if let Some(name) = voices.host(layout, &sure) {
                let former = former(&voices, &name, &sure, &BTreeSet::new());
                by_folder.insert(folder, Machine { name, lone: false, former });
            }
        }
        let folder_names: BTreeSet<Name> = folders.iter().map(|it| last(it).into()).collect();
        let agreed: BTreeMap<&String, Name> =
            voices.iter().filter_map(|(it, voices)| Some((it, voices.agreed()?))).collect();
        let mut times: BTreeMap<Name, u32> = BTreeMap::new();
        agreed.values().for_each(|it| *times.entry(it.clone()).or_default() += 1);
        for folder in std::mem::take(&mut folders) {
            let of = voices.get(&folder);
            let own = Name::from(last(&folder));
            let mixed = of.is_some_and(|it| !it.journal.is_empty()) && !agreed.contains_key(&folder);
            let name = match agreed.get(&folder) {
                _ if sure.known(&own).is_some() => own,
                _ if mixed => continue,
                Some(name) if times[name] == 1 && !folder_names.contains(name) => name.clone(),
                _ => own,
            };
            let former = of.map(|it| former(it, &name, &sure, &folder_names)).unwrap_or_default();
            by_folder.insert(folder, Machine { name, lone: false, former });
        }
        if by_folder.is_empty()
            && layouts.whole.name == "plain"
            && let Some(name) = spoken.only()
        {
            by_folder.insert(
                layouts.whole.root.clone(),
                Machine { name: name.clone(), lone: true, former: BTreeSet::new() },
            );
        }
        Machines { by_folder }
    }

    /// The machine in whose folder a member stands.
    pub(super) fn at(&self, path: &str) -> Option<&Machine> {
        if self.by_folder.is_empty() {
            return None;
        }
        ancestors(path).find_map(|it| self.by_folder.get(it))
    }
}

impl Machine {
    /// Calls the machine by its one name throughout a member of its own.
    pub(super) fn rename(&self, done: &mut Done) {
        if self.former.is_empty() {
            return;
        }
        let one = |node: &mut Option<Name>| {
            if node.as_ref().is_some_and(|it| self.former.contains(it)) {
                *node = Some(self.name.clone());
            }
        };
        let records = &mut done.records;
        records.seen.iter_mut().filter(|it| speaks(it.source)).for_each(|it| one(&mut it.node));
        records.collected.iter_mut().for_each(|it| one(&mut it.node));
        records.edges.iter_mut().for_each(|it| one(&mut it.node));
        for record in &mut records.records {
            match record {
                Record::Event(event) if speaks(event.source) => one(&mut event.node),
                Record::Fact(fact, _) if fact.row.relation.per_node => one(&mut fact.node),
                _ => {}
            }
        }
    }
}

/// Other names in a machine's own journal. The name of another machine of the cluster or of the bundle is none.
fn former(voices: &Voices, name: &Name, sure: &NodeNames, folders: &BTreeSet<Name>) -> BTreeSet<Name> {
    let others = voices.journal.keys().filter(|it| *it != name && sure.known(it).is_none() && !folders.contains(*it));
    others.cloned().collect()
}

/// The folder of the machine the collector ran on.
fn local_folder(layout: &layout::Layout, path: &str) -> Option<String> {
    let below = path.strip_prefix(layout.root.as_str())?;
    if layout.one_host {
        return Some(layout.root.clone());
    }
    let local = layout::is_local(layout, below) && layout::node_in_path(layout, below).is_none();
    local.then(|| path[..path.len() - below.len() + below.find('/').map_or(0, |it| it + 1)].to_owned())
}

/// The folders around a path, each with its slash, the nearest first, and at last the empty one.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    memchr::memrchr_iter(b'/', path.as_bytes()).map(|it| &path[..=it]).chain([""])
}

/// The name of a folder; of an archive, without its endings.
fn last(folder: &str) -> &str {
    let name = folder.trim_end_matches('/');
    let name = name.rsplit('/').next().unwrap_or(name);
    let Some(archive) = name.strip_suffix('!') else { return name };
    let ends = [".tar", ".tgz", ".txz", ".tbz2", ".tzst", ".zip", ".gz", ".xz", ".zst", ".bz2", ".lz4"];
    let end = ends.iter().filter_map(|it| archive.rfind(it)).min().unwrap_or(archive.len());
    &archive[..end]
}

/// The folder of a plain bundle that is the machine's whose file this is.
///
/// One that is called like a node wins. Else it is the first of those by which the files of machines differ, else the
/// last of those they share, common words aside.
fn folder(path: &str, root: &str, shared: &str, names: &NodeNames) -> Option<String> {
    let folders: Vec<&str> = ancestors(path).filter(|it| !it.is_empty()).collect();
    let outermost = folders.iter().rev().take_while(|it| !OF_PODS.contains(&last(it).to_ascii_lowercase().as_str()));
    if let Some(known) = outermost.clone().find(|it| names.known(last(it)).is_some()) {
        return Some((*known).to_owned());
    }
    let of_one = |it: &&&str| OF_ONE.contains(&last(it).to_ascii_lowercase().as_str());
    let candidates = outermost.take_while(|it| !of_one(it)).filter(|it| it.len() > root.len() && !is_common(last(it)));
    let (inside, around): (Vec<&&str>, Vec<&&str>) = candidates.partition(|it| it.len() > shared.len());
    inside.first().or(around.last()).map(|it| (**it).to_owned())
}

fn is_common(folder: &str) -> bool {
    let lower = folder.to_ascii_lowercase();
    NOT_NODES.contains(&lower.as_str()) || lower.starts_with('.') || !is_word(&lower)
}

/// Whether a member says things of a node without naming it.
pub(super) fn needs_node(done: &Done) -> bool {
    if done.member.outcome != Outcome::Parsed {
        return false;
    }
    let records = &done.records;
    // the date in a listing of the cluster is the cluster's
    let of_cluster = is_of_cluster(done);
    records.collected.iter().any(|it| it.node.is_none() && per_node(it.relation))
        || records.seen.iter().any(|it| it.node.is_none() && speaks(it.source))
        || records.records.iter().any(|it| match it {
            Record::Fact(fact, _) => {
                let date = fact.row.relation == &relation::COLLECTED && of_cluster;
                fact.node.is_none() && (fact.row.relation.per_node || is_own_name(fact)) && !date
            }
            Record::Event(event) => event.node.is_none() && speaks(event.source),
            Record::Series(_) => false,
        })
}

/// A machine's name that no other name is given for.
pub(super) fn is_own_name(fact: &timeline::Fact) -> bool {
    fact.row.relation == &relation::ALIAS && !fact.get("name").is_some()
}

pub(super) fn per_node(relation: &str) -> bool {
    timeline::relation::named(relation).is_some_and(|it| it.per_node)
}
