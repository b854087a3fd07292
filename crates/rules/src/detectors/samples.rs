//! Series made ready for statistics, and the robust statistics themselves.
//!
//! Medians and their deviations instead of means, with a floor under the deviation because a constant series has none.

use std::collections::BTreeMap;

use timeline::{Name, Point, Quote, Row, Series, Timeline};

use crate::promql::spacing;

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

/// Whether a metric's values are instants, so that their size says nothing.
fn is_instant(metric: &str) -> bool {
    metric.ends_with("_timestamp_seconds")
        || metric.ends_with("_timestamp")
        || metric.ends_with("_time_seconds") && metric.contains("start")
        || metric.ends_with("_created")
        || matches!(
            metric,
            "node_boot_time_seconds" | "node_boot_time" | "node_time_seconds" | "node_time" | "ALERTS_FOR_STATE"
        )
}

/// Whether a row of cAdvisor is of one container.
fn is_leaf(series: &Series) -> bool {
    label(series, &["container", "container_name"]).is_some_and(|it| it.as_ref() != "POD")
}

/// The series of each metric of each node that a change can be looked for in: of cAdvisor's rows those of single
/// containers, for a cgroup includes its children; no buckets of histograms, and no metric whose values are instants.
pub(super) fn groups(timeline: &Timeline) -> Vec<Vec<&Series>> {
    let mut groups: BTreeMap<(&Name, Option<&Name>), Vec<&Series>> = BTreeMap::new();
    for series in distinct(timeline).into_iter().filter(|it| !is_instant(&it.metric) && !it.metric.ends_with("_bucket"))
    {
        groups.entry((&series.metric, series.node.as_ref())).or_default().push(series);
    }
    let mut kept = Vec::with_capacity(groups.len());
    for ((metric, _), mut group) in groups {
        if metric.starts_with("container_") && group.iter().any(|it| is_leaf(it)) {
            group.retain(|it| is_leaf(it));
        }
        kept.push(group);
    }
    kept
}

/// Fills in whose series a row speaks of, as far as its relation has columns for that; `labels` is all of them as printed.
pub(super) fn subject(mut row: Row, series: &Series) -> Row {
    const NAMES: [(&str, &[&str]); 6] = [
        ("namespace", &["namespace", "kubernetes_namespace"]),
        ("pod", &["pod", "pod_name", "kubernetes_pod_name"]),
        ("container", &["container", "container_name"]),
        ("device", &["device", "interface"]),
        ("mountpoint", &["mountpoint"]),
        ("job", &["job"]),
    ];
    for (column, names) in NAMES {
        if row.relation.column(column).is_some() {
            row = row.with(column, label(series, names));
        }
    }
    let labels: Vec<String> = series.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
    let labels = Some(labels.join(", ")).filter(|it| !it.is_empty());
    row.with("metric", Some(series.metric.clone()).filter(|it| !it.is_empty())).with("labels", labels)
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

/// A value of a series: a point of it, or the rate of the pair of points that ends at its instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub millis: i64,
    pub value: f64,
}

/// The finite values of a gauge.
pub(super) fn levels(series: &Series) -> Vec<Sample> {
    let finite = series.points.iter().filter(|it| it.value.is_finite());
    finite.map(|it| Sample { millis: it.millis, value: it.value }).collect()
}

/// The smallest and the largest finite value of a series.
pub(super) fn range(series: &Series) -> (f64, f64) {
    let finite = series.points.iter().map(|it| it.value).filter(|it| it.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), it| (it.min(least), it.max(most)))
}

/// Whether a value may become so many times what it was: most series do not, and their range tells.
pub(super) fn may_multiply((least, most): (f64, f64), by: f64) -> bool {
    least <= 0.0 || most >= by * least
}

/// The rates of a counter, per second: a fall is a reset, after which it counts from zero; pairs across a gap are left
/// out, for what happened in it is not known.
pub(super) fn rates(series: &Series, spacing: i64) -> Vec<Sample> {
    let pair = |(a, b): (Point, Point)| -> Option<Sample> {
        let millis = b.millis - a.millis;
        if !a.value.is_finite() || !b.value.is_finite() || millis <= 0 || is_gap(millis, spacing) {
            return None;
        }
        let growth = if b.value < a.value { b.value } else { b.value - a.value };
        Some(Sample { millis: b.millis, value: growth / (millis as f64 / 1000.0) })
    };
    series.points.pairs().filter_map(pair).collect()
}

/// Whether so long without a point is a gap in a series of this spacing.
pub(super) fn is_gap(millis: i64, spacing: i64) -> bool {
    millis as f64 > 2.5 * spacing as f64
}

/// The smallest difference that means anything.
pub(super) fn resolution(series: &Series, counter: bool, spacing: i64) -> f64 {
    let finite = || series.points.iter().map(|it| it.value).filter(|it| it.is_finite());
    let whole = finite().all(|it| it.fract() == 0.0);
    let least = if whole { 1.0 } else { finite().fold(0.0, |a: f64, b| a.max(b.abs())) / 1000.0 };
    if counter { least / (spacing as f64 / 1000.0) } else { least }.max(f64::MIN_POSITIVE)
}

/// The pair of samples, in order, with the greatest rise between them; a single sample that sticks out is not seen.
pub(super) fn greatest_rise(samples: &[Sample]) -> Option<(usize, usize)> {
    let smooth = |at: usize| {
        let value = |at: usize| samples[at].value;
        if at == 0 || at + 1 == samples.len() {
            return value(at);
        }
        let (before, now, after) = (value(at - 1), value(at), value(at + 1));
        before.min(now).max(before.max(now).min(after))
    };
    if samples.is_empty() {
        return None;
    }
    let (mut low, mut lowest, mut best, mut rise) = (0, smooth(0), None, 0.0);
    for at in 1..samples.len() {
        let value = smooth(at);
        if value < lowest {
            (low, lowest) = (at, value);
        } else if value - lowest > rise {
            rise = value - lowest;
            best = Some((low, at));
        }
    }
    best
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

/// How many samples are compared each with each.
const MOST_PAIRED: usize = 128;

/// Theil and Sen's line through samples: slope per second, value at the first sample, and the share of pairs that rise.
/// Of many samples every n-th speaks, which bounds the pairs.
pub(super) fn line(samples: &[Sample]) -> (f64, f64, f64) {
    let every = samples.len().div_ceil(MOST_PAIRED).max(1);
    let chosen: Vec<&Sample> = samples.iter().step_by(every).collect();
    let Some(first) = chosen.first() else { return (0.0, 0.0, 0.0) };
    let secs = |it: &Sample| (it.millis - first.millis) as f64 / 1000.0;
    let mut slopes = Vec::with_capacity(chosen.len() * chosen.len() / 2);
    for (at, a) in chosen.iter().enumerate() {
        slopes.extend(chosen[at + 1..].iter().map(|b| (b.value - a.value) / (secs(b) - secs(a))));
    }
    let rising = slopes.iter().filter(|it| **it >= 0.0).count() as f64 / slopes.len().max(1) as f64;
    let slope = median(&mut slopes);
    let mut starts: Vec<f64> = chosen.iter().map(|it| it.value - slope * secs(it)).collect();
    (slope, median(&mut starts), rising)
}

/// What a rise is by robust measures.
pub(super) struct Trend {
    /// Theil and Sen's, per second.
    pub slope: f64,
    /// The part of all pairs that do not fall.
    pub rising: f64,
    /// Mann and Kendall's statistic.
    pub z: f64,
    /// The median distance from the line, as a deviation.
    pub spread: f64,
}

/// Measures a rise. Of many samples every n-th speaks, which bounds the pairs.
pub(super) fn trend(samples: &[Sample]) -> Trend {
    let (slope, start, rising) = line(samples);
    let first = samples.first().map_or(0, |it| it.millis);
    let off = |it: &Sample| (it.value - start - slope * (it.millis - first) as f64 / 1000.0).abs();
    let spread = 1.4826 * median(&mut samples.iter().map(off).collect::<Vec<_>>());
    let every = samples.len().div_ceil(MOST_PAIRED).max(1);
    let chosen: Vec<f64> = samples.iter().step_by(every).map(|it| it.value).collect();
    let mut sum = 0.0;
    for (at, a) in chosen.iter().enumerate() {
        sum += chosen[at + 1..]
            .iter()
            .map(|b| {
                if b > a {
                    1.0
                } else if b < a {
                    -1.0
                } else {
                    0.0
                }
            })
            .sum::<f64>();
    }
    let n = chosen.len() as f64;
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let z = if variance > 0.0 { (sum - 1.0) / variance.sqrt() } else { 0.0 };
    Trend { slope, rising, z, spread }
}

/// Several series of a metric, added up on one grid of instants.
pub(super) struct Sum<'s> {
    series: Vec<&'s Series>,
    /// Of each series its values, a counter's as rates.
    samples: Vec<Vec<Sample>>,
    /// How long a value of each series stands for the next one.
    stands: Vec<i64>,
    /// What they add up to.
    pub points: Vec<(i64, f64)>,
}

/// More instants than this are taken together.
const MOST_INSTANTS: i64 = 2000;

/// Adds up series of one metric: at each instant of a grid of the median spacing, the values that still stand.
pub(super) fn summed<'s>(group: &[&'s Series], counter: bool) -> Sum<'s> {
    let spacings: Vec<i64> = group.iter().map(|it| spacing(it).unwrap_or(60_000)).collect();
    let own = |(it, spacing): (&&'s Series, &i64)| if counter { rates(it, *spacing) } else { levels(it) };
    let samples: Vec<Vec<Sample>> = group.iter().zip(&spacings).map(own).collect();
    let stands: Vec<i64> = spacings.iter().map(|it| it * 5 / 2).collect();
    let mut sum = Sum { series: group.to_vec(), samples, stands, points: Vec::new() };
    let first = sum.samples.iter().filter_map(|it| it.first()).map(|it| it.millis).min();
    let last = sum.samples.iter().filter_map(|it| it.last()).map(|it| it.millis).max();
    let (Some(first), Some(last)) = (first, last) else { return sum };
    let step = spacings.iter().copied().min().unwrap_or(1).max((last - first) / MOST_INSTANTS).max(1);
    let instants = (last - first) / step + 1;
    let mut totals: Vec<Option<f64>> = vec![None; instants as usize];
    for (samples, stands) in sum.samples.iter().zip(&sum.stands) {
        let mut next = 0;
        for (at, total) in totals.iter_mut().enumerate() {
            // the end of a step, so that series scraped at different moments of it are added
            let millis = first + at as i64 * step + step - 1;
            while next < samples.len() && samples[next].millis <= millis {
                next += 1;
            }
            if let Some(it) = samples[..next].last().filter(|it| millis - it.millis <= *stands) {
                *total = Some(total.unwrap_or(0.0) + it.value);
            }
        }
    }
    let at = |(at, total): (usize, Option<f64>)| Some(((first + at as i64 * step + step - 1).min(last), total?));
    sum.points = totals.into_iter().enumerate().filter_map(at).collect();
    sum
}

impl<'s> Sum<'s> {
    /// The totals, as samples; no series has them as points.
    pub(super) fn samples(&self) -> Vec<Sample> {
        self.points.iter().map(|(millis, value)| Sample { millis: *millis, value: *value }).collect()
    }

    /// The value of one series at an instant, where one stands.
    pub(super) fn value(&self, series: usize, millis: i64) -> Option<f64> {
        let samples = &self.samples[series];
        let last = samples[..samples.partition_point(|it| it.millis <= millis)].last()?;
        (millis - last.millis <= self.stands[series]).then_some(last.value)
    }

    /// How much one series added between two instants.
    pub(super) fn grown(&self, series: usize, from: i64, to: i64) -> f64 {
        self.value(series, to).unwrap_or(0.0) - self.value(series, from).unwrap_or(0.0)
    }

    /// The points of the largest at an instant.
    pub(super) fn quotes(&self, millis: i64) -> Vec<Quote> {
        let mut values: Vec<(f64, usize)> =
            (0..self.series.len()).filter_map(|at| Some((self.value(at, millis)?, at))).collect();
        values.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let quote = |(_, at): (f64, usize)| {
            let samples = &self.samples[at];
            let last = samples[..samples.partition_point(|it| it.millis <= millis)].last()?;
            Some(self.series[at].quote(last.millis))
        };
        values.into_iter().take(3).filter_map(quote).collect()
    }
}

/// Whether a rise adds at least that part of itself in each third of its time, and no step is half of it: no step, and nothing that warms up and settles.
pub(super) fn is_steady(rise: &[Sample], least: f64) -> bool {
    let (first, last) = (&rise[0], &rise[rise.len() - 1]);
    let growth = last.value - first.value;
    let most = rise.windows(2).map(|it| it[1].value - it[0].value).fold(0.0, f64::max);
    let third = (last.millis - first.millis) / 3;
    let by = |millis: i64| rise[rise.partition_point(|it| it.millis <= millis).saturating_sub(1)].value;
    let marks = [first.value, by(first.millis + third), by(first.millis + 2 * third), last.value];
    most <= growth / 2.0 && marks.windows(2).all(|it| it[1] - it[0] >= growth * least)
}
