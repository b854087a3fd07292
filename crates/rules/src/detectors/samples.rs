//! Series made ready for statistics, and the robust statistics themselves.
//!
//! Medians and their deviations instead of means, with a floor under the deviation because a constant series has none.

use timeline::{Name, Point, Series, Timeline};

/// Every series with points, once: of several with one name and one set of labels (the same query in two files) the one
/// with most points. Sorted by name and labels.
pub(super) fn distinct(timeline: &Timeline) -> Vec<&Series> {
    let mut found: Vec<&Series> = timeline.series.iter().filter(|it| !it.points.is_empty()).collect();
    found.sort_by(|a, b| {
        (&a.metric, &a.labels, b.points.len(), a.member).cmp(&(&b.metric, &b.labels, a.points.len(), b.member))
    });
    found.dedup_by(|later, first| later.metric == first.metric && later.labels == first.labels);
    found
}

/// The first of these labels that is there and not empty.
pub(super) fn label(series: &Series, names: &[&str]) -> Option<Name> {
    names.iter().find_map(|it| series.label(it).filter(|it| !it.is_empty()).cloned())
}

/// Whether a metric only ever grows, by its name: the catalogue's counters, and the endings counters have.
pub(super) fn is_counter(metric: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "container_memory_failcnt",
        "felix_int_dataplane_failures",
        "felix_ipset_errors",
        "felix_iptables_restore_errors",
        "felix_iptables_save_errors",
        "felix_log_errors",
        "ipam_allocations_gc_reclamations",
        "kubelet_evictions",
        "node_context_switches",
        "node_cpu",
        "node_forks",
        "node_intr",
        "node_network_receive_drop",
        "node_network_transmit_drop",
    ];
    let gauge_count = metric == "kubelet_running_pod_count" || metric == "kubelet_running_container_count";
    metric.ends_with("_total")
        || metric.ends_with("_bucket")
        || metric.ends_with("_sum")
        || (metric.ends_with("_count") && !gauge_count)
        || metric.starts_with("node_vmstat_")
        || metric.starts_with("node_nf_conntrack_stat_")
        || (metric.starts_with("node_netstat_") && !metric.ends_with("_CurrEstab"))
        || OTHERS.contains(&metric)
}

/// A value with the points it was worked out from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'s> {
    pub millis: i64,
    pub value: f64,
    /// The point that the value is of, or the end of the pair it is the rate of.
    pub point: &'s Point,
}

/// The finite values of a gauge.
pub(super) fn levels(series: &Series) -> Vec<Sample<'_>> {
    let finite = series.points.iter().filter(|it| it.value.is_finite());
    finite.map(|point| Sample { millis: point.millis, value: point.value, point }).collect()
}

/// The rates of a counter, per second: a fall is a reset, after which it counts from zero; pairs across a gap are left
/// out, for what happened in it is not known.
pub(super) fn rates(series: &Series, spacing: i64) -> Vec<Sample<'_>> {
    let pair = |it: &'_ [Point]| -> Option<f64> {
        let (a, b) = (it[0], it[1]);
        let millis = b.millis - a.millis;
        if !a.value.is_finite() || !b.value.is_finite() || millis <= 0 || is_gap(millis, spacing) {
            return None;
        }
        let growth = if b.value < a.value { b.value } else { b.value - a.value };
        Some(growth / (millis as f64 / 1000.0))
    };
    let pairs = series.points.windows(2);
    pairs.filter_map(|it| Some(Sample { millis: it[1].millis, value: pair(it)?, point: &it[1] })).collect()
}

/// Whether so long without a point is a gap in a series of this spacing.
pub(super) fn is_gap(millis: i64, spacing: i64) -> bool {
    millis as f64 > 2.5 * spacing as f64
}

/// The middle value; of none, zero.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (middle, odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return upper;
    }
    let lower = below.iter().copied().max_by(f64::total_cmp).unwrap_or(upper);
    lower + (upper - lower) / 2.0
}

/// Middle and robust deviation of a baseline: 1.4826 times the median distance from the median, at least 5 % of the
/// level and one step of the scale.
pub(super) fn baseline(values: impl Iterator<Item = f64>, resolution: f64) -> (f64, f64) {
    let mut values: Vec<f64> = values.collect();
    let middle = median(&mut values);
    let mut distances: Vec<f64> = values.iter().map(|it| (it - middle).abs()).collect();
    (middle, (1.4826 * median(&mut distances)).max(0.05 * middle.abs()).max(resolution))
}

/// Theil and Sen's line through samples: slope per second, value at the first sample, and the share of pairs that rise.
/// Of many samples every n-th speaks, which bounds the pairs.
pub(super) fn line(samples: &[Sample<'_>]) -> (f64, f64, f64) {
    const MOST: usize = 128;
    let every = samples.len().div_ceil(MOST).max(1);
    let chosen: Vec<&Sample<'_>> = samples.iter().step_by(every).collect();
    let Some(first) = chosen.first() else { return (0.0, 0.0, 0.0) };
    let secs = |it: &Sample<'_>| (it.millis - first.millis) as f64 / 1000.0;
    let mut slopes = Vec::with_capacity(chosen.len() * chosen.len() / 2);
    for (at, a) in chosen.iter().enumerate() {
        slopes.extend(chosen[at + 1..].iter().map(|b| (b.value - a.value) / (secs(b) - secs(a))));
    }
    let rising = slopes.iter().filter(|it| **it >= 0.0).count() as f64 / slopes.len().max(1) as f64;
    let slope = median(&mut slopes);
    let mut starts: Vec<f64> = chosen.iter().map(|it| it.value - slope * secs(it)).collect();
    (slope, median(&mut starts), rising)
}
