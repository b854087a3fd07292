//! Episodes: what is seen at nine and again at three in the afternoon is not one thing that lasts six hours.
//!
//! ```text
//! 09:02  x                                                    seen, and over
//! 15:10  x xx x xxx x x xx x x   15:40                        an episode, which a cause at 15:09 explains
//! ```
//!
//! A quiet stretch parts what was seen of a symptom where it is at least an hour long and ten times as long as the usual
//! distance (of two sightings alone: six hours), where no line that was left out for memory may stand in it, and where the
//! log was collected, whole, all through it. What is not proved to be quiet parts nothing.

use timeline::Event;

use super::outcome::Symptom;
use crate::engine::Case;

/// One record of a symptom: its place among the events. There may be thousands.
pub(crate) type Sighting = u32;

/// A stretch without any is quiet from this on,
const QUIET_SECS: i64 = 3600;
/// if it is so many times as long as is usual between two;
const TIMES: i64 = 10;
/// of two alone nobody knows what is usual.
const OF_TWO_SECS: i64 = 6 * 3600;
/// More episodes than this are one that comes and goes.
const MOST: usize = 8;

/// Parts symptoms at their quiet stretches; the count of each is its own.
pub(super) fn part(case: &Case<'_>, symptoms: &mut Vec<Symptom>) {
    let mut parted: Vec<Symptom> = Vec::new();
    for mut symptom in symptoms.drain(..) {
        let seen = std::mem::take(&mut symptom.sightings);
        let mut seen: Vec<&Event> = seen.into_iter().map(|it| &*case.timeline.events[it as usize]).collect();
        seen.sort_by(|a, b| (a.at.nominal, &a.quote.span).cmp(&(b.at.nominal, &b.quote.span)));
        let ends = ends(case, &seen);
        if ends.is_empty() {
            parted.push(symptom);
            continue;
        }
        let mut from = 0;
        for end in ends.into_iter().chain([seen.len()]) {
            let own = &seen[from..end];
            from = end;
            let (Some(first), Some(last)) = (own.first(), own.last()) else { continue };
            parted.push(Symptom {
                at: first.at,
                last: last.at,
                count: own.iter().map(|it| count(it)).sum(),
                quotes: vec![first.quote.clone()],
                ..symptom.clone()
            });
        }
    }
    *symptoms = parted;
}

/// How many like it, this one included: more than one where others after it were left out.
fn count(event: &Event) -> u64 {
    u64::from(event.count.max(1))
}

/// Where episodes end, by place in what was seen in order of time.
fn ends(case: &Case<'_>, seen: &[&Event]) -> Vec<usize> {
    let one_clock = seen.windows(2).all(|it| it[0].at.clock == it[1].at.clock);
    if seen.len() < 2 || !one_clock || seen.iter().any(|it| !it.at.is_known()) {
        return Vec::new();
    }
    let apart = |it: &[&Event]| (it[1].at.nominal.lo - it[0].at.nominal.hi).num_seconds();
    let gaps: Vec<i64> = seen.windows(2).map(apart).collect();
    let mut sorted = gaps.clone();
    sorted.sort_unstable();
    let least = match sorted[..] {
        [_] => OF_TWO_SECS,
        // the longest is the one in question
        _ => QUIET_SECS.max(TIMES.saturating_mul(sorted[(sorted.len() - 1) / 2].max(0))),
    };
    let quiet = |at: usize| {
        let (before, after) = (seen[at], seen[at + 1]);
        let through = |it: &Event| case.is_quiet(it.source, it.node.as_ref(), &before.at, &after.at);
        // others may have been left out after it
        gaps[at] >= least && count(before) <= 1 && through(before) && through(after)
    };
    let found: Vec<usize> = (0..gaps.len()).filter(|at| quiet(*at)).map(|at| at + 1).collect();
    if found.len() < MOST { found } else { Vec::new() }
}
