//! Gaps: where nothing was recorded though something was due, so that absence says nothing.
//!
//! Logs bring theirs along. Three kinds of silence are none: the machine was off (its boots say so), its clock was set
//! forwards (no time passed), and many sources of one file that are silent together are silent once, the file is. A boot
//! that did not end in order leaves a gap of its own kind ([`crate::boots`]).
//!
//! Of metrics, a series without points at its own pace has a gap; many of one target that miss the same stretch are one
//! gap of the target. A target that was scraped now and then has no pace.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::boots;
use crate::{Gap, GapKind, Interval, MemberId, Name, Series, Source, Time, Timeline, relation};

/// A boot may be noted so long after the first line of it.
const BOOT_SECS: i64 = 180;
/// Series with fewer points have no pace.
const LEAST_POINTS: usize = 10;
/// So many scrapes must be missed in a row: one may be late and the next early.
const MISSED: i64 = 3;
/// A series with more gaps than this has no pace.
const MOST_GAPS: usize = 5;
/// Drops what is no gap and adds those of the metrics.
pub(crate) fn settle(timeline: &mut Timeline) {
    let mut gaps = std::mem::take(&mut timeline.gaps);
    let boots = boots(timeline);
    let mut off = Vec::new();
    gaps.retain(|it| match it.kind {
        GapKind::Silence if was_off(it, &boots) => {
            off.push(it.clone());
            false
        }
        GapKind::Silence => !was_set(it, timeline),
        // what it turns round by is known and repaired
        GapKind::Turned => !timeline.steps.iter().any(|step| step.node == it.node && step.member() == it.member),
        _ => true,
    });
    gaps.extend(boots::unsaved(timeline, &off));
    together(&mut gaps);
    gaps.extend(of_metrics(&timeline.series));
    gaps.sort_by(|a, b| {
        let key = |it: &Gap| (it.member, it.source, it.from.nominal.lo, it.to.nominal.lo, it.line);
        key(a).cmp(&key(b)).then_with(|| (&a.node, &a.of).cmp(&(&b.node, &b.of)))
    });
    timeline.gaps = gaps;
}

/// When boots of nodes began.
fn boots(timeline: &Timeline) -> BTreeMap<Name, Vec<DateTime<Utc>>> {
    let mut boots: BTreeMap<Name, Vec<DateTime<Utc>>> = BTreeMap::new();
    for fact in timeline.facts.iter().filter(|it| it.at.is_known()) {
        if (fact.row.relation == &relation::BOOT_START || fact.row.relation == &relation::BOOT)
            && let Some(node) = &fact.node
        {
            boots.entry(node.clone()).or_default().push(fact.at.nominal.lo);
        }
    }
    boots
}

/// Whether the machine began a boot at the end of the silence.
fn was_off(gap: &Gap, boots: &BTreeMap<Name, Vec<DateTime<Utc>>>) -> bool {
    if !gap.from.is_known() || !gap.to.is_known() {
        return false;
    }
    let after = gap.to.nominal.hi + TimeDelta::seconds(BOOT_SECS);
    let own = gap.node.as_ref().and_then(|it| boots.get(it));
    own.is_some_and(|it| it.iter().any(|boot| gap.from.nominal.lo <= *boot && *boot <= after))
}

/// Whether the clock was set forwards by most of the silence.
fn was_set(gap: &Gap, timeline: &Timeline) -> bool {
    if !gap.from.is_known() || !gap.to.is_known() {
        return false;
    }
    let length = (gap.to.nominal.lo - gap.from.nominal.lo).num_microseconds().unwrap_or(i64::MAX);
    let near = TimeDelta::seconds(BOOT_SECS);
    timeline.steps.iter().filter(|it| it.node == gap.node && it.by_micros > length / 2).any(|it| {
        !it.at.is_known()
            || (gap.from.nominal.lo - near <= it.at.nominal.lo && it.at.nominal.lo <= gap.to.nominal.hi + near)
    })
}

/// The sources of one file that are silent over the same lines stay apart for the rules; that they are one is told by
/// the words of the first alone. Nothing else is merged.
fn together(gaps: &mut [Gap]) {
    let mut files: BTreeMap<(MemberId, u32, DateTime<Utc>), Vec<usize>> = BTreeMap::new();
    for (at, gap) in gaps.iter().enumerate() {
        files.entry((gap.member, gap.line, gap.from.nominal.lo)).or_default().push(at);
    }
    for same in files.into_values().filter(|it| it.len() > 1) {
        let mut names: Vec<&str> = same.iter().map(|it| gaps[*it].of.as_ref()).collect();
        names.dedup();
        let of: Name = names.join(", ").into();
        same.iter().for_each(|it| gaps[*it].of = of.clone());
    }
}

/// What is scraped: job, instance, node.
type Target<'t> = (Option<&'t Name>, Option<&'t Name>, Option<&'t Name>);

fn of_metrics(series: &[Series]) -> Vec<Gap> {
    let mut targets: BTreeMap<Target<'_>, Vec<(i64, i64, &Series)>> = BTreeMap::new();
    for series in series {
        let target = (series.label("job"), series.label("instance"), series.node.as_ref());
        targets.entry(target).or_default().extend(missed(series).into_iter().map(|(from, to)| (from, to, series)));
    }
    let mut found = Vec::new();
    for ((job, instance, node), mut missed) in targets {
        missed.sort_by_key(|it| (it.0, it.1));
        let mut gaps: Vec<(i64, i64, Vec<&Series>)> = Vec::new();
        for (from, to, series) in missed {
            match gaps.last_mut().filter(|it| from < it.1) {
                Some(gap) => {
                    (gap.0, gap.1) = (gap.0.max(from), gap.1.min(to));
                    gap.2.push(series);
                }
                None => gaps.push((from, to, vec![series])),
            }
        }
        for (from, to, series) in gaps {
            let (Some(start), Some(end)) = (DateTime::from_timestamp_millis(from), DateTime::from_timestamp_millis(to))
            else {
                continue;
            };
            let metric = &series[0].metric;
            let of: Name = if series.iter().all(|it| it.metric == *metric) && !metric.is_empty() {
                metric.clone()
            } else {
                // a node is told beside it
                match instance.or(job).filter(|_| node.is_none()) {
                    Some(target) => format!("metrics of {target}").into(),
                    None => "metrics".into(),
                }
            };
            let many = if series.len() > 1 { format!(" in {} series", series.len()) } else { String::new() };
            found.push(Gap {
                kind: GapKind::Scrape,
                node: node.cloned(),
                source: None,
                of,
                from: Time::utc(Interval { lo: start, hi: start }),
                to: Time::utc(Interval { lo: end, hi: end }),
                what: format!("no point for {} s{many}", (to - from) / 1000),
                member: series[0].member,
                line: 0,
            });
        }
    }
    found
}

/// The stretches in which a series misses points at its own pace.
fn missed(series: &Series) -> Vec<(i64, i64)> {
    if series.points.len() < LEAST_POINTS || series.points.pace().is_some() {
        return Vec::new();
    }
    let mut steps: Vec<i64> = series.points.pairs().map(|(a, b)| b.millis.saturating_sub(a.millis)).collect();
    let middle = steps.len() / 2;
    let pace = *steps.select_nth_unstable(middle).1;
    if pace <= 0 {
        return Vec::new();
    }
    let stretches = series.points.pairs().map(|(a, b)| (a.millis, b.millis));
    let found: Vec<(i64, i64)> =
        stretches.filter(|(from, to)| to.saturating_sub(*from) > pace.saturating_mul(MISSED) + pace / 2).collect();
    // the source has said that the series ended: it may have come back as another
    let ended = |from: i64, to: i64| series.stale.iter().any(|it| from < *it && *it < to);
    if found.len() > MOST_GAPS { Vec::new() } else { found.into_iter().filter(|it| !ended(it.0, it.1)).collect() }
}

impl Timeline {
    /// The gap in a log within which an instant of the stretch lies, if there is one: what is not seen may have happened.
    ///
    /// Asked of one file, because another file may hold the same lines.
    #[must_use]
    pub fn gap(&self, member: MemberId, node: Option<&Name>, source: Source, stretch: &Time) -> Option<&Gap> {
        let first = self.gaps.partition_point(|it| (it.member, it.source) < (member, Some(source)));
        let own = self.gaps[first..].iter().take_while(|it| it.member == member && it.source == Some(source));
        own.into_iter().find(|it| it.node.as_ref() == node && it.touches(stretch))
    }
}

impl Gap {
    /// Whether a stretch and the gap may overlap.
    #[must_use]
    pub fn touches(&self, stretch: &Time) -> bool {
        if !stretch.is_known() || !self.from.is_known() || !self.to.is_known() {
            return true;
        }
        let same = self.from.clock == stretch.clock;
        let pick = |it: &Time| if same { it.nominal } else { it.full };
        let (from, to, of) = (pick(&self.from), pick(&self.to), pick(stretch));
        if same && self.kind == GapKind::Unsaved {
            // what is asked up to the last line, or from the first on, was all saved
            return from.hi < of.hi && of.lo < to.lo;
        }
        from.lo <= of.hi && of.lo <= to.hi
    }
}
