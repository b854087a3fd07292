//! Sums, means, variances and quantiles of values, with the roundings and the odd values of Prometheus.

/// A sum with Neumaier's compensation.
pub(super) fn kahan(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, lost) = values.fold((0.0, 0.0), |(sum, lost), it| added(it, sum, lost));
    if sum.is_infinite() { sum } else { sum + lost }
}

fn added(it: f64, sum: f64, lost: f64) -> (f64, f64) {
    let total: f64 = sum + it;
    let rounded = if sum.abs() >= it.abs() { (sum - total) + it } else { (it - total) + sum };
    (total, lost + rounded)
}

/// The mean, which an infinity makes infinite and two of them, unlike, make none.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut lost, mut count) = (0.0f64, 0.0, 0.0);
    for it in values {
        count += 1.0;
        if mean.is_infinite() && (it.is_finite() || (it.is_infinite() && (it > 0.0) == (mean > 0.0))) {
            continue;
        }
        (mean, lost) = added(it / count - mean / count, mean, lost);
    }
    if mean.is_infinite() { mean } else { mean + lost }
}

/// The variance of all values there are.
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut mean_lost, mut sum, mut sum_lost) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for it in values {
        count += 1.0;
        let delta = it - (mean + mean_lost);
        (mean, mean_lost) = added(delta / count, mean, mean_lost);
        (sum, sum_lost) = added(delta * (it - (mean + mean_lost)), sum, sum_lost);
    }
    (sum + sum_lost) / count
}

/// The quantile, between two values by weight; beyond 0 and 1 it is infinite.
pub(super) fn quantile(which: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || which.is_nan() {
        return f64::NAN;
    }
    if which < 0.0 {
        return f64::NEG_INFINITY;
    }
    if which > 1.0 {
        return f64::INFINITY;
    }
    // what is no number stands first
    values.sort_unstable_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = which * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// The quantile of a histogram from its cumulative buckets: upper bound and count.
pub(super) fn of_buckets(which: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if which.is_nan() || buckets.is_empty() {
        return f64::NAN;
    }
    if which < 0.0 {
        return f64::NEG_INFINITY;
    }
    if which > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            first.1 += later.1;
        }
        same
    });
    if buckets.last().is_none_or(|it| it.0 != f64::INFINITY) || buckets.len() < 2 {
        return f64::NAN;
    }
    // scraped at slightly different moments, they may not grow all along
    let mut most = f64::NEG_INFINITY;
    for (_, count) in &mut buckets {
        most = if *count > most { *count } else { most };
        *count = most;
    }
    let last = buckets.len() - 1;
    let all = buckets[last].1;
    if all == 0.0 || all.is_nan() {
        return f64::NAN;
    }
    let mut rank = which * all;
    let at = buckets[..last].partition_point(|it| it.1 < rank);
    if at == last {
        return buckets[last - 1].0;
    }
    if at == 0 && buckets[0].0 <= 0.0 {
        return buckets[0].0;
    }
    let (end, mut count) = buckets[at];
    let mut start = 0.0;
    if at > 0 {
        start = buckets[at - 1].0;
        count -= buckets[at - 1].1;
        rank -= buckets[at - 1].1;
    }
    start + (end - start) * (rank / count)
}
