//! What a metric may grow to: the pair of a value and its limit, from the series or from the node's settings.
//!
//! ```text
//! node_nf_conntrack_entries 262140      node_nf_conntrack_entries_limit 262144
//! node_filefd_allocated                 fs.file-max of `sysctl -a`
//! node_filesystem_avail_bytes           counts down: node_filesystem_size_bytes less it is used
//! ```
//!
//! A limit series comes first, then the node's own sysctl. A limit of zero or less is none. A value counts against the
//! limit's newest value by then, or its first one. Units: those of the metric.

use std::collections::BTreeMap;

use timeline::{Fact, Name, Quote, Series, Timeline};

use super::samples::distinct;

/// Where a limit stands.
#[derive(Clone, Copy)]
enum Of {
    Series(&'static str),
    Sysctl(&'static str),
}

/// A metric and its limits, the first that is known counts.
struct Pair {
    metric: &'static str,
    limits: &'static [Of],
    /// The metric is what is left of its limit.
    left: bool,
    /// What all series of the metric on a node add up to is what counts.
    sum: bool,
}

const fn used(metric: &'static str, limits: &'static [Of]) -> Pair {
    Pair { metric, limits, left: false, sum: false }
}

const fn left(metric: &'static str, limits: &'static [Of]) -> Pair {
    Pair { metric, limits, left: true, sum: false }
}

const fn summed(metric: &'static str, limits: &'static [Of]) -> Pair {
    Pair { metric, limits, left: false, sum: true }
}

use Of::{Series as By, Sysctl};

#[rustfmt::skip]
static PAIRS: &[Pair] = &[
    used("node_processes_threads", &[By("node_processes_max_processes"), Sysctl("kernel.pid_max")]),
    used("node_processes_threads", &[By("node_processes_max_threads"), Sysctl("kernel.threads-max")]),
    summed("container_threads", &[Sysctl("kernel.pid_max"), By("node_processes_max_processes")]),
    used("container_threads", &[By("container_threads_max")]),
    used("container_memory_working_set_bytes", &[By("container_spec_memory_limit_bytes"), By("kube_pod_container_resource_limits_memory_bytes")]),
    used("container_memory_rss", &[By("container_spec_memory_limit_bytes"), By("kube_pod_container_resource_limits_memory_bytes")]),
    used("node_filefd_allocated", &[By("node_filefd_maximum"), Sysctl("fs.file-max")]),
    used("node_nf_conntrack_entries", &[By("node_nf_conntrack_entries_limit"), Sysctl("net.netfilter.nf_conntrack_max")]),
    summed("node_arp_entries", &[Sysctl("net.ipv4.neigh.default.gc_thresh3")]),
    used("node_sockstat_TCP_orphan", &[Sysctl("net.ipv4.tcp_max_orphans")]),
    used("node_sockstat_TCP_tw", &[Sysctl("net.ipv4.tcp_max_tw_buckets")]),
    used("process_open_fds", &[By("process_max_fds")]),
    used("etcd_mvcc_db_total_size_in_bytes", &[By("etcd_server_quota_backend_bytes")]),
    used("etcd_debugging_mvcc_db_total_size_in_bytes", &[By("etcd_server_quota_backend_bytes")]),
    used("kubelet_volume_stats_used_bytes", &[By("kubelet_volume_stats_capacity_bytes")]),
    used("kubelet_volume_stats_inodes_used", &[By("kubelet_volume_stats_inodes")]),
    used("prometheus_remote_storage_shards", &[By("prometheus_remote_storage_shards_max")]),
    left("node_filesystem_avail_bytes", &[By("node_filesystem_size_bytes")]),
    left("node_filesystem_avail", &[By("node_filesystem_size")]),
    left("node_filesystem_files_free", &[By("node_filesystem_files")]),
    left("kubelet_volume_stats_available_bytes", &[By("kubelet_volume_stats_capacity_bytes")]),
    left("kubelet_volume_stats_inodes_free", &[By("kubelet_volume_stats_inodes")]),
    left("node_memory_MemAvailable_bytes", &[By("node_memory_MemTotal_bytes")]),
    left("node_memory_MemAvailable", &[By("node_memory_MemTotal")]),
];

/// Labels that tell apart what one node has several of; a limit must agree in those that both carry.
const JOINED: [&str; 15] = [
    "namespace",
    "pod",
    "pod_name",
    "container",
    "container_name",
    "id",
    "device",
    "mountpoint",
    "instance",
    "job",
    "persistentvolumeclaim",
    "ippool",
    "remote_name",
    "url",
    "name",
];

/// The limit of one series.
pub(super) struct Limit<'t> {
    /// What it is called: a metric, or a key of sysctl.
    pub of: &'static str,
    /// Whether the metric counts what is left of it.
    pub left: bool,
    /// Whether it limits the sum of all series of the metric on the node.
    pub sum: bool,
    from: From<'t>,
}

enum From<'t> {
    Series(&'t Series),
    Fact(&'t Fact, f64),
}

impl Limit<'_> {
    /// The limit at an instant: its newest value by then, or its first.
    pub(super) fn at(&self, millis: i64) -> f64 {
        match &self.from {
            From::Fact(_, value) => *value,
            From::Series(series) => {
                series.points.get(series.points.until(millis).saturating_sub(1)).map_or(f64::NAN, |it| it.value)
            }
        }
    }

    /// Where the limit at an instant stands.
    pub(super) fn quote(&self, millis: i64) -> Option<Quote> {
        match &self.from {
            From::Fact(fact, _) => fact.quotes.first().cloned(),
            From::Series(series) => {
                let newest = series.points.get(series.points.until(millis).saturating_sub(1))?;
                Some(series.quote(newest.millis))
            }
        }
    }
}

/// The limits of a case.
pub(super) struct Limits<'t> {
    series: BTreeMap<(&'t str, Option<&'t Name>), Vec<&'t Series>>,
    sysctl: BTreeMap<(String, Option<&'t Name>), (&'t Fact, f64)>,
}

impl<'t> Limits<'t> {
    pub(super) fn of(timeline: &'t Timeline) -> Limits<'t> {
        let names = PAIRS.iter().flat_map(|it| it.limits);
        let names: Vec<&str> = names.filter_map(|it| if let By(name) = it { Some(*name) } else { None }).collect();
        let mut series: BTreeMap<(&str, Option<&Name>), Vec<&Series>> = BTreeMap::new();
        for it in distinct(timeline).into_iter().filter(|it| names.contains(&it.metric.as_ref())) {
            series.entry((it.metric.as_ref(), it.node.as_ref())).or_default().push(it);
        }
        let mut sysctl = BTreeMap::new();
        for fact in super::facts(timeline, &timeline::relation::SYSCTL) {
            if let Some(value) = fact.get("value").as_number() {
                sysctl.entry((fact.get("key").to_string(), fact.node.as_ref())).or_insert((fact, value));
            }
        }
        Limits { series, sysctl }
    }

    /// What limits a series, one for each pair it is in whose limit is known.
    pub(super) fn limiting(&self, series: &Series) -> Vec<Limit<'t>> {
        let pairs = PAIRS.iter().filter(|it| it.metric == series.metric.as_ref());
        let first = |pair: &Pair| {
            pair.limits.iter().find_map(|of| {
                let (name, from) = match of {
                    By(name) => {
                        let found = self.series.get(&(*name, series.node.as_ref()))?;
                        let fits = |it: &&&Series| pair.sum || agree(it, series);
                        (*name, From::Series(found.iter().find(fits)?))
                    }
                    Sysctl(key) => {
                        let (fact, value) = self.sysctl.get(&((*key).to_owned(), series.node.as_ref()))?;
                        (*key, From::Fact(fact, *value))
                    }
                };
                let limit = Limit { of: name, left: pair.left, sum: pair.sum, from };
                let last = limit.at(i64::MAX);
                (last.is_finite() && last > 0.0).then_some(limit)
            })
        };
        pairs.filter_map(first).collect()
    }
}

/// Whether two series are of one thing: equal in every telling label that both carry.
fn agree(a: &Series, b: &Series) -> bool {
    JOINED.iter().all(|name| match (a.label(name), b.label(name)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    })
}
