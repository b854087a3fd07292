//! The kernel's clock of each boot, put on the wall clock.
//!
//! ```text
//! [ 4301.999258] audit: type=1400 audit(1644450589.972:424)     both clocks on one line, to the millisecond
//! wall(ts) = ts + offset + drift * ts
//! ```
//!
//! A member may hold several boots, each with a kernel clock of its own: a stamp is never placed by another boot's pairs.
//! Where the pairs of a boot are many, fine and far apart, a line through them gives offset and drift; pairs from before
//! the wall clock was set are of another clock and left out. Else the pair with the least error there counts, and drift
//! is allowed for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Interval, MemberId, Name};

/// Both clocks at one instant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    /// The kernel's clock, microseconds.
    pub(crate) micros: i64,
    /// Wall time, microseconds since 1970.
    pub(crate) epoch_micros: i64,
    /// How far they may be off each other, microseconds.
    pub(crate) error_micros: i64,
    /// What kind of line says so.
    pub(crate) how: Name,
}

/// How the kernel's clock of one boot was put on the wall clock.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelClock {
    /// Whose kernel.
    pub node: Option<Name>,
    /// The file whose stamps these are.
    pub member: MemberId,
    /// How many lines that carry both clocks were used.
    pub anchors: u32,
    /// What kinds of lines they are: `audit`, `rtc`, `journal` …
    pub by: Vec<Name>,
    /// Wall time when the kernel's clock stood at zero.
    pub zero: DateTime<Utc>,
    /// By how many millionths wall time runs faster than the kernel's clock; none where that is not known.
    pub drift_ppm: Option<f64>,
    /// How far off a stamp may be that lies among the anchors, microseconds.
    pub error_micros: i64,
    /// How many stamps were placed by it.
    pub stamps: u64,
}

/// Drift to allow for where it is not known: 50 parts per million.
const DRIFT_PER_MILLION: i64 = 50;
/// Fewer pairs than this, or closer together, tell no drift.
const PAIRS: usize = 8;
const SPAN_MICROS: i64 = 600_000_000;
/// A pair as fine as this can tell the drift.
const FINE_MICROS: i64 = 50_000;
/// How fast a disciplined clock is slewed at most, in parts per million: more between two pairs is a step.
const SLEW_PER_MILLION: i64 = 500;
/// How far two pairs of one clock may differ besides.
const SCATTER_MICROS: i64 = 100_000;
/// How much the drift itself may change beyond the pairs, in parts per million.
const WANDER_PER_MILLION: f64 = 2.0;

/// The kernel clocks of one member.
#[derive(Debug, Default)]
pub(crate) struct KernelClocks {
    by_node: BTreeMap<Option<Name>, Vec<Boot>>,
}

#[derive(Debug)]
struct Boot {
    since: u64,
    pairs: Vec<Pair>,
    fit: Option<Fit>,
    stamps: u64,
}

/// A line through the pairs: wall minus kernel time, by kernel time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fit {
    /// Where the line is best known, microseconds of the kernel's clock.
    middle: f64,
    /// Wall minus kernel time there, microseconds since 1970.
    offset: f64,
    /// Change of that per microsecond.
    slope: f64,
    deviation: f64,
    /// Sum of squared distances from the middle.
    spread: f64,
    first: f64,
    last: f64,
    count: usize,
}

impl KernelClocks {
    /// From the pairs of a member and the places where boots begin in it; both by node and place.
    pub(crate) fn of(mut pairs: Vec<(Option<Name>, u64, Pair)>, starts: &[(Option<Name>, u64)]) -> KernelClocks {
        pairs.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let mut by_node: BTreeMap<Option<Name>, Vec<Boot>> = BTreeMap::new();
        for (node, place, pair) in pairs {
            let boots = by_node.entry(node.clone()).or_default();
            let start = starts.iter().filter(|it| it.0 == node && it.1 <= place).map(|it| it.1).max().unwrap_or(0);
            match boots.last_mut().filter(|it| it.since == start) {
                Some(boot) => boot.pairs.push(pair),
                None => boots.push(Boot { since: start, pairs: vec![pair], fit: None, stamps: 0 }),
            }
        }
        for (node, start) in starts {
            // a boot without pairs has no wall clock, and must not borrow one
            if let Some(boots) = by_node.get_mut(node)
                && boots.iter().all(|it| it.since != *start)
            {
                boots.push(Boot { since: *start, pairs: Vec::new(), fit: None, stamps: 0 });
            }
        }
        for boots in by_node.values_mut() {
            boots.sort_by_key(|it| it.since);
            boots.iter_mut().for_each(|it| it.fit = fit(&it.pairs));
        }
        KernelClocks { by_node }
    }

    /// The instant of a kernel stamp: the best guess, and what is sure.
    pub(crate) fn at(&mut self, node: Option<&Name>, place: u64, micros: i64) -> Option<(DateTime<Utc>, Interval)> {
        let alone = self.by_node.len() == 1;
        let boots = match self.by_node.get_mut(&node.cloned()) {
            Some(boots) => boots,
            // a member that names no host is of one machine
            None if alone => self.by_node.values_mut().next()?,
            None => return None,
        };
        let boot = boots.iter_mut().rev().find(|it| it.since <= place)?;
        let (guess, error) = match boot.fit {
            Some(fit) => fit.at(micros)?,
            None => nearest(&boot.pairs, micros)?,
        };
        boot.stamps += 1;
        let at = DateTime::from_timestamp_micros(guess)?;
        let error = TimeDelta::microseconds(error.max(1));
        Some((at, Interval { lo: at, hi: at }.widened(error, error)))
    }

    /// What was found out, of boots with stamps that needed it.
    pub(crate) fn told(&self, member: MemberId) -> impl Iterator<Item = KernelClock> {
        self.by_node.iter().flat_map(move |(node, boots)| {
            let used = boots.iter().filter(|it| it.stamps > 0);
            used.filter_map(move |boot| boot.told(node.clone(), member))
        })
    }
}

impl Boot {
    fn told(&self, node: Option<Name>, member: MemberId) -> Option<KernelClock> {
        let fine = self.fit.map(|_| cluster(&self.pairs));
        let used: Vec<&Pair> = fine.unwrap_or_else(|| self.pairs.iter().collect());
        let best = used.iter().min_by_key(|it| (it.error_micros, it.micros))?;
        let (zero, error) = match self.fit {
            Some(fit) => (fit.at(0)?.0, fit.error(fit.middle)),
            None => (best.epoch_micros.checked_sub(best.micros)?, best.error_micros),
        };
        let by: BTreeSet<Name> = used.iter().map(|it| it.how.clone()).collect();
        Some(KernelClock {
            node,
            member,
            anchors: used.len() as u32,
            by: by.into_iter().collect(),
            zero: DateTime::from_timestamp_micros(zero)?,
            drift_ppm: self.fit.map(|it| it.slope * 1e6),
            error_micros: error,
            stamps: self.stamps,
        })
    }
}

/// By the pair with the least error there, drift counted from it.
pub(crate) fn nearest(pairs: &[Pair], micros: i64) -> Option<(i64, i64)> {
    let error = |it: &Pair| {
        it.error_micros.saturating_add((micros - it.micros).saturating_abs() / 1_000_000 * DRIFT_PER_MILLION)
    };
    let best = pairs.iter().min_by_key(|it| (error(it), it.micros, it.epoch_micros))?;
    Some((best.epoch_micros.checked_add(micros.checked_sub(best.micros)?)?, error(best)))
}

/// The fine pairs of the clock that was in force last, by kernel time: those before a step are of another clock.
fn cluster(pairs: &[Pair]) -> Vec<&Pair> {
    let mut fine: Vec<&Pair> = pairs.iter().filter(|it| it.error_micros <= FINE_MICROS).collect();
    fine.sort_by_key(|it| (it.micros, it.epoch_micros));
    let offset = |it: &Pair| it.epoch_micros.saturating_sub(it.micros);
    let same = |early: &Pair, late: &Pair| {
        let allowed = SCATTER_MICROS + (late.micros - early.micros) / 1_000_000 * SLEW_PER_MILLION;
        offset(late).saturating_sub(offset(early)).saturating_abs() <= allowed
    };
    let step = fine.windows(2).rposition(|it| !same(it[0], it[1]));
    fine.split_off(step.map_or(0, |it| it + 1))
}

fn fit(pairs: &[Pair]) -> Option<Fit> {
    let used = cluster(pairs);
    let (first, last) = (used.first()?, used.last()?);
    if used.len() < PAIRS || last.micros - first.micros < SPAN_MICROS {
        return None;
    }
    let points: Vec<(f64, f64)> =
        used.iter().map(|it| (it.micros as f64, (it.epoch_micros - it.micros) as f64)).collect();
    let rough = line(&points)?;
    // a line printed late is no measure of the clock
    let allowed = (4.0 * rough.deviation).max(5000.0);
    let good: Vec<(f64, f64)> =
        points.iter().filter(|(x, y)| (y - rough.offset_at(*x)).abs() <= allowed).copied().collect();
    if good.len() < PAIRS { Some(rough) } else { line(&good) }
}

/// Least squares.
fn line(points: &[(f64, f64)]) -> Option<Fit> {
    let count = points.len() as f64;
    let (first, last) = (points.first()?, points.last()?);
    let middle = points.iter().map(|it| it.0).sum::<f64>() / count;
    // offsets are counted from the first one, so that their squares keep their digits
    let base = first.1;
    let mean = points.iter().map(|it| it.1 - base).sum::<f64>() / count;
    let spread = points.iter().map(|it| (it.0 - middle).powi(2)).sum::<f64>();
    let slope = points.iter().map(|it| (it.0 - middle) * (it.1 - base - mean)).sum::<f64>() / spread;
    let offset = base + mean;
    let squares = points.iter().map(|it| (it.1 - offset - slope * (it.0 - middle)).powi(2)).sum::<f64>();
    let deviation = (squares / (count - 2.0)).sqrt();
    let fit = Fit { middle, offset, slope, deviation, spread, first: first.0, last: last.0, count: points.len() };
    slope.is_finite().then_some(fit)
}

impl Fit {
    fn offset_at(&self, micros: f64) -> f64 {
        self.offset + self.slope * (micros - self.middle)
    }

    fn at(&self, micros: i64) -> Option<(i64, i64)> {
        let offset = self.offset_at(micros as f64).round();
        Some((micros.checked_add(offset as i64)?, self.error(micros as f64)))
    }

    /// Three standard errors of one stamp, and what the drift may do beyond the pairs; microseconds.
    fn error(&self, micros: f64) -> i64 {
        let within = 1.0 + 1.0 / self.count as f64 + (micros - self.middle).powi(2) / self.spread;
        let beyond = (self.first - micros).max(micros - self.last).max(0.0) * WANDER_PER_MILLION / 1e6;
        (3.0 * self.deviation * within.sqrt() + beyond).ceil().max(1.0) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(micros: i64, epoch_micros: i64, error_micros: i64) -> Pair {
        Pair {
            micros,
            epoch_micros,
            error_micros,
            how: if error_micros < FINE_MICROS { "audit" } else { "rtc" }.into(),
        }
    }

    fn clocks(pairs: Vec<(u64, Pair)>, starts: &[u64]) -> KernelClocks {
        let starts: Vec<_> = starts.iter().map(|it| (None, *it)).collect();
        KernelClocks::of(pairs.into_iter().map(|(place, pair)| (None, place, pair)).collect(), &starts)
    }

    #[test]
    fn few_pairs_count_by_the_nearest() {
        let pairs = vec![(0, pair(0, 1_000_000_000, 1_000_000)), (9, pair(100_000_000, 1_100_020_000, 1000))];
        let (at, sure) = clocks(pairs, &[]).at(None, 9, 101_000_000).expect("anchored");
        assert_eq!(at.timestamp_micros(), 1_101_020_000);
        assert_eq!(sure.lo.timestamp_micros(), 1_101_020_000 - 1050);
    }

    #[test]
    fn many_pairs_tell_the_drift_and_those_before_a_step_are_left_out() {
        let true_wall = |micros: i64| 1_600_000_000_000_000 + micros - micros / 1_000_000 * 20;
        let mut pairs: Vec<(u64, Pair)> = Vec::new();
        for at in 0..100_i64 {
            let micros = at * 60_000_000;
            // in the first minutes the clock of the battery was hours off
            let wrong = if at < 10 { 16_498_000_000 } else { 0 };
            let late = [0, 2000, 1000, 3000][at as usize % 4];
            pairs.push((at as u64, pair(micros, true_wall(micros) - late + wrong, 20_000)));
        }
        let mut clocks = clocks(pairs, &[]);
        let (at, sure) = clocks.at(None, 0, 0).expect("anchored");
        assert!((at.timestamp_micros() - true_wall(0)).abs() < 5000, "{at}");
        assert!(sure.lo.timestamp_micros() <= true_wall(0) && true_wall(0) <= sure.hi.timestamp_micros());
        let told: Vec<KernelClock> = clocks.told(MemberId(3)).collect();
        let [told] = &told[..] else { panic!("{told:?}") };
        assert_eq!((told.anchors, told.stamps, told.member), (90, 1, MemberId(3)));
        assert!((told.drift_ppm.expect("a drift") + 20.0).abs() < 0.5, "{told:?}");
        assert!(told.error_micros < 10_000, "{told:?}");
    }

    #[test]
    fn no_boot_borrows_the_clock_of_another() {
        let mut clocks = clocks(vec![(10, pair(0, 5_000_000, 1000)), (30, pair(0, 900_000_000, 1000))], &[0, 20, 40]);
        let at = |it: Option<(DateTime<Utc>, Interval)>| it.map(|it| it.0.timestamp_micros());
        assert_eq!(at(clocks.at(None, 15, 1_000_000)), Some(6_000_000));
        assert_eq!(at(clocks.at(None, 35, 1_000_000)), Some(901_000_000));
        assert_eq!(at(clocks.at(None, 45, 1_000_000)), None, "the third boot has no pair");
        let named = Name::from("a");
        assert_eq!(at(clocks.at(Some(&named), 35, 0)), Some(900_000_000), "the file is of one machine");
    }
}
