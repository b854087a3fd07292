//! Would we have seen it? Absence counts only where the source was collected, whole, over the time in question.

use timeline::{Interval, Name, Seen, Source, Time, Timeline};

use super::{Case, log_sources};
use crate::language::condition::Condition;
use crate::language::{Clause, ClauseKind};
use crate::promql::relation_of;

/// Whether what a clause asks for would have been seen.
#[derive(Clone)]
pub(super) enum Coverage {
    /// Yes: the answer "no" can be trusted.
    Covered,
    /// No: why, and what to collect so that it can be told.
    Open {
        /// Why not.
        reason: String,
        /// The command or file that would show it.
        collect: String,
    },
}

impl Coverage {
    fn open(reason: impl Into<String>, collect: impl Into<String>) -> Coverage {
        Coverage::Open { reason: reason.into(), collect: collect.into() }
    }
}

/// What shows the lines of a source.
fn command(source: Source) -> &'static str {
    match source {
        Source::Kernel => "journalctl -k -b all, dmesg, /var/crash",
        Source::Kubelet => "journalctl -u kubelet",
        Source::Runtime => "journalctl -u containerd -u docker -u crio",
        Source::Calico => "kubectl logs (and --previous) of calico-node",
        Source::ControlPlane => "logs of the control plane",
        Source::System => "journalctl -b all",
        Source::ContainerLog => "/var/log/pods",
        Source::KubeEvent => "kubectl get events -A -o json",
        Source::NetworkDevice => "syslog of the routers",
        Source::Note => "",
    }
}

/// What shows the rows of a relation.
fn command_for(relation: &str) -> &'static str {
    match relation {
        "route" => "ip route show table all",
        "address" => "ip addr",
        "ipam.block" | "ipam.pool" => "calicoctl ipam show --show-blocks",
        "ipam.allocation" => {
            "kubectl get ipamblocks.crd.projectcalico.org -o yaml, calicoctl ipam show --show-borrowed"
        }
        "ipam.config" => "calicoctl ipam show --show-configuration",
        "ipam.affinity" => "kubectl get blockaffinities.crd.projectcalico.org -o yaml",
        "bgp.peer" => "calicoctl node status",
        "sysctl" => "sysctl -a",
        "limit" => "/proc/PID/limits, /etc/security/limits.d",
        "meminfo" => "/proc/meminfo",
        "kernel" => "uname -a",
        "runtime" => "docker info, crictl info",
        "module" => "lsmod",
        "node" => "kubectl get nodes -o json",
        "pod" | "container.state" => "kubectl get pods -A -o json",
        "api.client" | "api.request" => "audit log of the API servers",
        "api.priority" => "kubectl get --raw /debug/api_priority_and_fairness/dump_priority_levels",
        "etcd.check" => "etcdctl check perf",
        "iptables.table" => "iptables-save, nft list ruleset",
        "runtime.task" => "ctr -n k8s.io tasks list",
        "memory.zone" => "/proc/zoneinfo",
        "buddyinfo" => "/proc/buddyinfo",
        "swap" => "/proc/swaps",
        "boot" => "last -x, journalctl --list-boots",
        _ => "",
    }
}

/// A source may end a little before the instant asked about and still have shown it.
const EDGE_SECS: i64 = 120;

impl Case<'_> {
    pub(super) fn coverage(&self, clause: &Clause, node: Option<&Name>, window: Option<Time>) -> Coverage {
        // a clause that asks for some node is answered by the nodes there are, one that names none by all of them
        let everywhere = node.is_none() && !clause.conditions.iter().any(|(column, _)| column == "node");
        let logs = |sources: &[Source]| match window {
            Some(_) => logs(self.timeline, sources, node, everywhere, window),
            None => self.logs(sources, node, everywhere),
        };
        match &clause.kind {
            ClauseKind::Signal(_) => {
                // a clause that asks for the word of one source is answered by that source
                match clause.conditions.iter().find(|it| it.0 == "source").map(|it| &it.1) {
                    Some(Condition::OneOf(names)) => {
                        let may = |it: &Source| names.iter().any(|name| name.same(&it.name().into()));
                        logs(&clause.sources.iter().copied().filter(may).collect::<Vec<_>>())
                    }
                    _ => logs(&clause.sources),
                }
            }
            ClauseKind::Fact(relation) => match log_sources(relation.name) {
                Some(sources) => logs(sources),
                None => self.collected(relation, node),
            },
            // whoever's version is known has a row for every bug of it
            ClauseKind::Derived(detector) if detector.relation.name == "known-bug" => {
                let bug = clause.conditions.iter().find(|it| it.0 == "bug");
                let asked = |it: &timeline::Value| match bug {
                    Some((_, Condition::OneOf(names))) => names.iter().any(|name| name.same(it)),
                    _ => true,
                };
                let rows = self.derived.get(detector.relation.name).into_iter().flatten();
                let mut own = rows.filter(|it| node.is_none() || it.node.as_ref() == node);
                let known = own.any(|it| asked(&it.get("bug")) && it.get("version").is_some());
                let collect = "uname -a; dpkg -l or rpm -qa; kubectl get nodes -o yaml";
                if known {
                    Coverage::Covered
                } else {
                    Coverage::open(format!("the version{} is not known", of(node)), collect)
                }
            }
            ClauseKind::Derived(detector) => {
                if detector.relation.name == crate::detectors::alert::RELATION.name && !self.alerting {
                    return Coverage::open("no alerting rules were given", "--alerts FILE");
                }
                for need in detector.needs {
                    let coverage = match *need {
                        "series" => series(self.timeline, node),
                        need => match (log_sources(need), timeline::relation::named(need)) {
                            (Some(sources), _) => logs(sources),
                            (None, Some(relation)) => self.collected(relation, node),
                            (None, None) => Coverage::open(format!("nothing tells whether {need} was collected"), ""),
                        },
                    };
                    if let Coverage::Open { .. } = coverage {
                        return coverage;
                    }
                }
                Coverage::Covered
            }
            ClauseKind::Metric(query) => {
                let (facts, measured): (Vec<&str>, Vec<&str>) =
                    query.metrics().into_iter().partition(|it| relation_of(it).is_some());
                // nobody asks Prometheus for what coroner made of facts
                for relation in facts.into_iter().filter_map(relation_of) {
                    let coverage = self.collected(relation, node);
                    if let Coverage::Open { .. } = coverage {
                        return coverage;
                    }
                    if measured.is_empty() {
                        let reason = format!("{}{} says nothing of it", relation.name, of(node));
                        return Coverage::open(reason, command_for(relation.name));
                    }
                }
                let names = measured.join(", ");
                Coverage::open(format!("{names} was not collected{}", of(node)), format!("Prometheus: {names}"))
            }
        }
    }
}

fn of(node: Option<&Name>) -> String {
    node.map_or_else(String::new, |it| format!(" of {it}"))
}

fn series(timeline: &Timeline, node: Option<&Name>) -> Coverage {
    let any = timeline.series.iter().any(|it| node.is_none() || it.node.as_ref() == node);
    let collect = "Prometheus range dumps of the node and its containers";
    if any { Coverage::Covered } else { Coverage::open(format!("no metrics{} were collected", of(node)), collect) }
}

/// Of a node, or of any.
pub(super) fn collected(timeline: &Timeline, relation: &str, node: Option<&Name>) -> Coverage {
    let mut reason = format!("no {relation}{} was collected", of(node));
    for it in timeline.collected.iter().filter(|it| it.relation == relation) {
        if node.is_some() && it.node.as_ref() != node {
            continue;
        }
        match &it.incomplete {
            None => return Coverage::Covered,
            Some(why) => reason = format!("{relation}{} is incomplete: {why}", of(it.node.as_ref())),
        }
    }
    Coverage::open(reason, command_for(relation))
}

pub(super) fn logs(
    timeline: &Timeline,
    sources: &[Source],
    node: Option<&Name>,
    everywhere: bool,
    window: Option<Time>,
) -> Coverage {
    let names: Vec<&str> = sources.iter().map(|it| it.name()).collect();
    let none = format!("no log{} that would show it ({}) was collected", of(node), names.join(", "));
    let mut reason = none.clone();
    for seen in timeline.seen.iter().filter(|it| sources.contains(&it.source)) {
        // an event list speaks of every node
        let cluster = seen.source == Source::KubeEvent;
        if !cluster && node.is_some() && seen.node.as_ref() != node {
            continue;
        }
        // the log of one container says nothing of what others did, nor that of one node of the others
        if seen.source == Source::ContainerLog || (!cluster && everywhere) {
            if reason == none {
                reason = format!("{none} of all that may write it");
            }
            continue;
        }
        if let Some(why) = &seen.incomplete {
            reason = format!("the {} log{} is incomplete: {why}", seen.source.name(), of(seen.node.as_ref()));
        } else if covers(reach(timeline, seen), window) {
            match window.and_then(|it| timeline.gap(seen.member, seen.node.as_ref(), seen.source, &it)) {
                None => return Coverage::Covered,
                Some(gap) => {
                    let whose = of(seen.node.as_ref());
                    reason = format!("the {} log{whose} has a gap then: {}", seen.source.name(), gap.what);
                }
            }
        } else {
            reason = format!("the {} log{} does not cover that time", seen.source.name(), of(seen.node.as_ref()));
        }
    }
    {
        let commands: Vec<&str> = sources.iter().map(|it| command(*it)).filter(|it| !it.is_empty()).take(3).collect();
        Coverage::open(reason, commands.join("; "))
    }
}

/// From when to when a log would have shown what a source says. Where one file holds the lines of several speakers of a
/// node, as a syslog does, one of them is silent while the others speak, not missing.
fn reach(timeline: &Timeline, seen: &Seen) -> Option<(Time, Time)> {
    let shares = |it: &Seen| !matches!(it.source, Source::ContainerLog | Source::KubeEvent | Source::Note);
    let own = seen.covers?;
    if !shares(seen) {
        return Some(own);
    }
    let from = timeline.seen.partition_point(|it| it.member < seen.member);
    let same = timeline.seen[from..].iter().take_while(|it| it.member == seen.member);
    let others = same.filter(|it| it.node == seen.node && shares(it)).filter_map(|it| it.covers);
    let on_clock = others.filter(|it| it.0.clock == own.0.clock && it.1.clock == own.0.clock);
    Some(on_clock.fold(own, |all, it| {
        let first = if it.0.nominal.lo < all.0.nominal.lo { it.0 } else { all.0 };
        (first, if it.1.nominal.hi > all.1.nominal.hi { it.1 } else { all.1 })
    }))
}

fn covers(of: Option<(Time, Time)>, window: Option<Time>) -> bool {
    let Some(window) = window else { return of.is_some() };
    let Some((first, last)) = of else { return false };
    if !window.is_known() {
        return false;
    }
    let same = first.clock == window.clock;
    let pick = |it: &Time| -> Interval { if same { it.nominal } else { it.full } };
    let edge = chrono::TimeDelta::seconds(EDGE_SECS);
    let asked = pick(&window);
    pick(&first).hi - edge <= asked.lo && asked.hi <= pick(&last).lo + edge
}
