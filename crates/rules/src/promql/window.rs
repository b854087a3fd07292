//! Functions over a range, for many instants in one walk along a series.
//!
//! `rate`, `increase` and `delta` extrapolate to the edges of the range as Prometheus does; so their first and last
//! values beside a gap are artefacts of that, there and here.

use std::collections::VecDeque;

use timeline::Point;

use super::expr::Window;

/// The function at every instant, over `(t - range_ms, t]`; instants are ascending. Costs what the points and the
/// instants cost, however long the range.
pub(super) fn over(window: Window, points: &[Point], range_ms: i64, times: &[i64]) -> Vec<Option<f64>> {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return Vec::new() };
    let points = &points[..points.partition_point(|it| it.millis <= end)];
    let base = points.partition_point(|it| it.millis <= start.saturating_sub(range_ms));
    let sums = Sums::new(window, &points[base..]);
    let mut extreme = Extreme::default();
    let (mut lo, mut hi) = (base, base);
    times
        .iter()
        .map(|&t| {
            while hi < points.len() && points[hi].millis <= t {
                if matches!(window, Window::Max | Window::Min) {
                    extreme.push(hi, points, window == Window::Max);
                }
                hi += 1;
            }
            while lo < hi && points[lo].millis <= t.saturating_sub(range_ms) {
                lo += 1;
            }
            extreme.drop_before(lo);
            let inside = points.get(lo..hi).filter(|it| !it.is_empty())?;
            let (from, to) = (lo - base, hi - base);
            match window {
                Window::Count => Some(inside.len() as f64),
                Window::Last => inside.last().map(|it| it.value),
                Window::Max | Window::Min => Some(extreme.best().map_or(f64::NAN, |at| points[at].value)),
                Window::Sum => Some(sums.sum(inside, from, to)),
                Window::Avg => Some(sums.sum(inside, from, to) / inside.len() as f64),
                Window::Irate => irate(inside),
                Window::Deriv => sums.slope(from, to),
                Window::Rate | Window::Increase | Window::Delta => {
                    let counter = window != Window::Delta;
                    let resets = if counter { sums.resets(from, to) } else { 0.0 };
                    let total = extrapolated(inside, resets, counter, t.saturating_sub(range_ms), t)?;
                    Some(if window == Window::Rate { total / (range_ms as f64 / 1000.0) } else { total })
                }
            }
        })
        .collect()
}

/// Growth over a range from the points inside it, as `extrapolatedRate` of Prometheus computes it.
fn extrapolated(inside: &[Point], resets: f64, counter: bool, start: i64, end: i64) -> Option<f64> {
    let (first, last) = (inside.first()?, inside.last()?);
    if inside.len() < 2 {
        return None;
    }
    let growth = last.value - first.value + resets;
    let secs = |millis: i64| millis as f64 / 1000.0;
    let sampled = secs(last.millis - first.millis);
    let spacing = sampled / (inside.len() - 1) as f64;
    let (mut before, mut after) = (secs(first.millis - start), secs(end - last.millis));
    if before >= spacing * 1.1 {
        before = spacing / 2.0;
    }
    if counter && growth > 0.0 && first.value >= 0.0 {
        // a counter cannot have been below zero
        before = before.min(sampled * (first.value / growth));
    }
    if after >= spacing * 1.1 {
        after = spacing / 2.0;
    }
    Some(growth * (sampled + before + after) / sampled)
}

fn irate(inside: &[Point]) -> Option<f64> {
    let [.., a, b] = inside else { return None };
    let growth = if b.value < a.value { b.value } else { b.value - a.value };
    Some(growth / ((b.millis - a.millis) as f64 / 1000.0))
}

/// Running sums of what a function needs, so that a range costs one subtraction.
struct Sums {
    /// Of values, or of what resets of a counter took away.
    values: Vec<f64>,
    /// Of t, t², v and t·v, seconds and values counted from the first point.
    line: Vec<[f64; 4]>,
    finite: bool,
}

impl Sums {
    fn new(window: Window, points: &[Point]) -> Sums {
        let finite = points.iter().all(|it| it.value.is_finite());
        let mut sums = Sums { values: Vec::new(), line: Vec::new(), finite };
        match window {
            Window::Sum | Window::Avg if finite => {
                sums.values = running(points.iter().map(|it| it.value));
            }
            Window::Rate | Window::Increase => {
                let lost = points.windows(2).map(|it| if it[1].value < it[0].value { it[0].value } else { 0.0 });
                sums.values = running(lost);
            }
            Window::Deriv => {
                let Some(first) = points.first() else { return sums };
                let mut total = [0.0; 4];
                sums.line.push(total);
                for point in points {
                    let (t, v) = ((point.millis - first.millis) as f64 / 1000.0, point.value - first.value);
                    for (sum, part) in total.iter_mut().zip([t, t * t, v, t * v]) {
                        *sum += part;
                    }
                    sums.line.push(total);
                }
            }
            _ => {}
        }
        sums
    }

    fn sum(&self, inside: &[Point], from: usize, to: usize) -> f64 {
        if self.finite { self.values[to] - self.values[from] } else { inside.iter().map(|it| it.value).sum() }
    }

    /// What resets between the points `from..to` took away; the first one's own reset lies before the range.
    fn resets(&self, from: usize, to: usize) -> f64 {
        self.values[to - 1] - self.values[from]
    }

    /// Least squares.
    fn slope(&self, from: usize, to: usize) -> Option<f64> {
        let n = (to - from) as f64;
        if n < 2.0 {
            return None;
        }
        let [t, tt, v, tv] = [0, 1, 2, 3].map(|it| self.line[to][it] - self.line[from][it]);
        Some((n * tv - t * v) / (n * tt - t * t))
    }
}

fn running(parts: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut total = 0.0;
    let mut sums = vec![0.0];
    sums.extend(parts.map(|it| {
        total += it;
        total
    }));
    sums
}

/// The greatest or smallest value of a moving range: a queue of those that may still become it.
#[derive(Default)]
struct Extreme {
    queue: VecDeque<usize>,
}

impl Extreme {
    fn push(&mut self, at: usize, points: &[Point], greatest: bool) {
        let value = points[at].value;
        if value.is_nan() {
            return;
        }
        let beats = |it: f64| if greatest { value >= it } else { value <= it };
        while self.queue.back().is_some_and(|&it| beats(points[it].value)) {
            self.queue.pop_back();
        }
        self.queue.push_back(at);
    }

    fn drop_before(&mut self, lo: usize) {
        while self.queue.front().is_some_and(|&it| it < lo) {
            self.queue.pop_front();
        }
    }

    fn best(&self) -> Option<usize> {
        self.queue.front().copied()
    }
}
