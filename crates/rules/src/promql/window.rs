//! Functions over a range, for many instants in one walk along a series.
//!
//! Short ranges are added up as Prometheus does, point by point with compensation; over long ones running sums of twice
//! the precision are subtracted, so that a range costs the same however long it is.
//!
//! `rate`, `increase` and `delta` extrapolate to the edges of the range as Prometheus does; so their first and last
//! values beside a gap are artefacts of that, there and here.

use std::cell::OnceCell;
use std::collections::VecDeque;

use timeline::{Point, Points};

use super::Dialect;
use super::expr::Window;
use super::statistics::{kahan, mean, quantile, variance};

/// What is asked of a series.
pub(super) struct Asked<'a> {
    pub range_ms: i64,
    /// The ends of the ranges, ascending.
    pub ends: &'a [i64],
    /// The instants they are asked for.
    pub instants: &'a [i64],
    /// The numbers of the function at each instant.
    pub numbers: &'a [Vec<f64>],
    pub dialect: Dialect,
}

impl Asked<'_> {
    /// What the range that ends at an instant leaves out: its start, unless the dialect is that of Prometheus 2.
    fn begin(&self, end: i64) -> i64 {
        end.saturating_sub(self.range_ms).saturating_sub(i64::from(self.dialect.closed))
    }

    fn number(&self, which: usize, at: usize) -> f64 {
        self.numbers.get(which).and_then(|it| it.get(at)).copied().unwrap_or(f64::NAN)
    }
}

/// Ranges of more points than this are not walked point by point.
const LONG: usize = 256;

/// Those of a series' points that lie in one of the ranges.
pub(super) fn within(points: &Points, asked: &Asked<'_>) -> Vec<Point> {
    let (Some(&start), Some(&end)) = (asked.ends.first(), asked.ends.last()) else { return Vec::new() };
    let (from, to) = (points.until(asked.begin(start)), points.until(end));
    points.within(from..to.max(from)).collect()
}

/// The function at every instant.
pub(super) fn over(window: Window, points: &[Point], asked: &Asked<'_>) -> Vec<Option<f64>> {
    let (Some(&start), Some(&end)) = (asked.ends.first(), asked.ends.last()) else { return Vec::new() };
    let points = &points[..points.partition_point(|it| it.millis <= end)];
    let base = points.partition_point(|it| it.millis <= asked.begin(start));
    let sums = OnceCell::new();
    let sums = || sums.get_or_init(|| Sums::new(window, &points[base..]));
    let mut extreme = Extreme::default();
    let (mut lo, mut hi) = (base, base);
    let one = |(at, &t): (usize, &i64)| {
        while hi < points.len() && points[hi].millis <= t {
            if matches!(window, Window::Max | Window::Min) {
                extreme.push(hi, points, window == Window::Max);
            }
            hi += 1;
        }
        while lo < hi && points[lo].millis <= asked.begin(t) {
            lo += 1;
        }
        extreme.drop_before(lo);
        let inside = points.get(lo..hi).filter(|it| !it.is_empty())?;
        let (from, to) = (lo - base, hi - base);
        let long = inside.len() > LONG && sums().finite;
        let (first, last) = (&inside[0], &inside[inside.len() - 1]);
        let values = || inside.iter().map(|it| it.value);
        let secs = |it: &Point| it.millis as f64 / 1000.0;
        match window {
            Window::Count => Some(inside.len() as f64),
            Window::Present => Some(1.0),
            Window::Last => Some(last.value),
            Window::First => Some(first.value),
            Window::WhenLast => Some(secs(last)),
            Window::WhenFirst => Some(secs(first)),
            Window::WhenMax | Window::WhenMin => Some(secs(farthest(inside, window == Window::WhenMax))),
            Window::Max | Window::Min => Some(extreme.best().map_or(f64::NAN, |at| points[at].value)),
            Window::Sum if long => Some(sums().sum(from, to)),
            Window::Avg if long => Some(sums().sum(from, to) / inside.len() as f64),
            Window::Sum => Some(kahan(values())),
            Window::Avg => Some(mean(values())),
            Window::Stdvar => Some(variance(values())),
            Window::Stddev => Some(variance(values()).sqrt()),
            Window::Quantile => Some(quantile(asked.number(0, at), values().collect())),
            Window::Mad => {
                let middle = quantile(0.5, values().collect());
                Some(quantile(0.5, values().map(|it| (it - middle).abs()).collect()))
            }
            Window::Changes | Window::Resets if long => Some(sums().counted(from, to)),
            Window::Changes => Some(inside.windows(2).filter(|it| changed(it)).count() as f64),
            Window::Resets => Some(inside.windows(2).filter(|it| it[1].value < it[0].value).count() as f64),
            Window::Irate | Window::Idelta => instant(inside, window == Window::Irate),
            Window::Deriv | Window::PredictLinear if inside.len() < 2 => None,
            Window::Deriv => Some(if long { sums().line(from, to, 0.0).0 } else { line(inside, first.millis).0 }),
            Window::PredictLinear => {
                let now = asked.instants.get(at).copied().unwrap_or(t);
                let since = |base: &Point| (now - base.millis) as f64 / 1000.0;
                let (slope, level) = if long { sums().line(from, to, since(&points[base])) } else { line(inside, now) };
                Some(slope * asked.number(0, at) + level)
            }
            Window::Smooth => smooth(inside, asked.number(0, at), asked.number(1, at)),
            Window::Rate | Window::Increase | Window::Delta => {
                let counter = window != Window::Delta;
                let resets = match (counter, long) {
                    (false, _) => 0.0,
                    (_, true) => sums().counted(from, to),
                    _ => inside.windows(2).map(lost).sum(),
                };
                let total = extrapolated(inside, resets, counter, t.saturating_sub(asked.range_ms), t, asked.dialect)?;
                Some(if window == Window::Rate { total / (asked.range_ms as f64 / 1000.0) } else { total })
            }
        }
    };
    asked.ends.iter().enumerate().map(one).collect()
}

/// Growth over a range from the points inside it, as `extrapolatedRate` of Prometheus computes it.
fn extrapolated(inside: &[Point], resets: f64, counter: bool, start: i64, end: i64, dialect: Dialect) -> Option<f64> {
    let (first, last) = (inside.first()?, inside.last()?);
    if inside.len() < 2 {
        return None;
    }
    let growth = last.value - first.value + resets;
    let secs = |millis: i64| millis as f64 / 1000.0;
    let sampled = secs(last.millis - first.millis);
    let spacing = sampled / (inside.len() - 1) as f64;
    let (mut before, mut after) = (secs(first.millis - start), secs(end - last.millis));
    // a counter cannot have been below zero
    let since_zero =
        if counter && growth > 0.0 && first.value >= 0.0 { sampled * (first.value / growth) } else { f64::INFINITY };
    // the second generation of Prometheus asked for that before it looked how far the edge is
    if dialect.closed {
        before = before.min(since_zero);
    }
    if before >= spacing * 1.1 {
        before = spacing / 2.0;
    }
    if !dialect.closed {
        before = before.min(since_zero);
    }
    if after >= spacing * 1.1 {
        after = spacing / 2.0;
    }
    Some(growth * ((sampled + before + after) / sampled))
}

/// The difference of the last two points, as a rate over a reset.
fn instant(inside: &[Point], rate: bool) -> Option<f64> {
    let [.., a, b] = inside else { return None };
    if !rate {
        return Some(b.value - a.value);
    }
    let growth = if b.value < a.value { b.value } else { b.value - a.value };
    Some(growth / ((b.millis - a.millis) as f64 / 1000.0))
}

/// What a reset between two points took away.
fn lost(pair: &[Point]) -> f64 {
    if pair[1].value < pair[0].value { pair[0].value } else { 0.0 }
}

fn changed(pair: &[Point]) -> bool {
    pair[1].value != pair[0].value && !(pair[1].value.is_nan() && pair[0].value.is_nan())
}

/// The point with the greatest or smallest value, the last of several.
pub(super) fn farthest(inside: &[Point], greatest: bool) -> &Point {
    let mut best = &inside[0];
    for it in inside {
        let beats = if greatest { it.value >= best.value } else { it.value <= best.value };
        if beats || best.value.is_nan() {
            best = it;
        }
    }
    best
}

/// Least squares: the slope per second, and the level of the line at an instant.
fn line(inside: &[Point], at: i64) -> (f64, f64) {
    let level = inside[0].value;
    if inside.iter().all(|it| it.value == level) {
        return if level.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, level) };
    }
    let n = inside.len() as f64;
    let x = |it: &Point| it.millis.saturating_sub(at) as f64 / 1000.0;
    let t = kahan(inside.iter().map(x));
    let v = kahan(inside.iter().map(|it| it.value));
    let tv = kahan(inside.iter().map(|it| x(it) * it.value));
    let tt = kahan(inside.iter().map(|it| x(it) * x(it)));
    let slope = (tv - t * v / n) / (tt - t * t / n);
    (slope, v / n - slope * t / n)
}

/// Holt and Winters: smoothed value and trend.
fn smooth(inside: &[Point], smoothing: f64, trending: f64) -> Option<f64> {
    let inside_unit = |it: f64| it > 0.0 && it < 1.0;
    if inside.len() < 2 || !inside_unit(smoothing) || !inside_unit(trending) {
        return None;
    }
    let (mut before, mut level) = (0.0, inside[0].value);
    let mut trend = inside[1].value - inside[0].value;
    for (at, point) in inside.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trending * (level - before) + (1.0 - trending) * trend;
        }
        (before, level) = (level, smoothing * point.value + (1.0 - smoothing) * (level + trend));
    }
    Some(level)
}

/// A sum with what rounding took from it.
#[derive(Clone, Copy, Default)]
struct Double(f64, f64);

impl Double {
    fn plus(self, it: f64) -> Double {
        let sum = self.0 + it;
        let part = sum - self.0;
        Double(sum, self.1 + ((self.0 - (sum - part)) + (it - part)))
    }

    fn minus(self, other: Double) -> f64 {
        (self.0 - other.0) + (self.1 - other.1)
    }
}

/// Running sums of what a function needs, so that a range costs one subtraction.
struct Sums {
    /// Of values, or of what resets of a counter took away.
    values: Vec<Double>,
    /// Of t, t², v and t·v, seconds and values counted from the first point.
    lines: Vec<[Double; 4]>,
    level: f64,
    finite: bool,
}

impl Sums {
    fn new(window: Window, points: &[Point]) -> Sums {
        let finite = points.iter().all(|it| it.value.is_finite());
        let level = points.first().map_or(0.0, |it| it.value);
        let mut sums = Sums { values: Vec::new(), lines: Vec::new(), level, finite };
        let pairs = || points.windows(2);
        let flag = |it: bool| f64::from(u8::from(it));
        match window {
            Window::Sum | Window::Avg if finite => sums.values = running(points.iter().map(|it| it.value)),
            Window::Rate | Window::Increase => sums.values = running(pairs().map(lost)),
            Window::Resets => sums.values = running(pairs().map(|it| flag(it[1].value < it[0].value))),
            Window::Changes => sums.values = running(pairs().map(|it| flag(changed(it)))),
            Window::Deriv | Window::PredictLinear => {
                let Some(first) = points.first() else { return sums };
                let mut total = [Double::default(); 4];
                sums.lines.push(total);
                for point in points {
                    let (t, v) = ((point.millis - first.millis) as f64 / 1000.0, point.value - first.value);
                    for (sum, part) in total.iter_mut().zip([t, t * t, v, t * v]) {
                        *sum = sum.plus(part);
                    }
                    sums.lines.push(total);
                }
            }
            _ => {}
        }
        sums.finite &= sums.values.iter().all(|it| it.0.is_finite());
        sums
    }

    fn sum(&self, from: usize, to: usize) -> f64 {
        self.values[to].minus(self.values[from])
    }

    /// What is counted between the points `from..to`; what lies before the first one lies before the range.
    fn counted(&self, from: usize, to: usize) -> f64 {
        self.values[to - 1].minus(self.values[from])
    }

    /// Least squares: the slope, and the level of the line so many seconds after the first point of all.
    fn line(&self, from: usize, to: usize, at: f64) -> (f64, f64) {
        let n = (to - from) as f64;
        let [t, tt, v, tv] = [0, 1, 2, 3].map(|it| self.lines[to][it].minus(self.lines[from][it]));
        let slope = (tv - t * v / n) / (tt - t * t / n);
        (slope, self.level + v / n + slope * (at - t / n))
    }
}

fn running(parts: impl Iterator<Item = f64>) -> Vec<Double> {
    let mut total = Double::default();
    let mut sums = vec![total];
    sums.extend(parts.map(|it| {
        total = total.plus(it);
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
