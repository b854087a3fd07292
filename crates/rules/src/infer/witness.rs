//! The witness: the lines a hypothesis cites, judged again without the rest of the bundle.

use std::collections::{BTreeMap, BTreeSet};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use timeline::{Event, Series, Span, Timeline};

use super::judge_case;
use super::outcome::{Band, Diagnosis, Hypothesis};
use crate::Pack;
use crate::alerts::Alerts;
use crate::engine::Case;

/// So many confident hypotheses are judged again.
const MOST: usize = 3;

/// Judges the first confident hypotheses again, each by its cited lines alone, and notes whether it comes first again. What
/// is confirmed only with the help of lines nobody cites is no more than likely.
pub(super) fn check(pack: &Pack, timeline: &Timeline, alerts: &Alerts, diagnosis: &mut Diagnosis) {
    let confident = diagnosis.hypotheses.iter().enumerate().take(MOST);
    let asked: Vec<&Hypothesis> =
        confident.take_while(|(at, it)| *at == 0 || it.band <= Band::Likely).map(|it| it.1).collect();
    // none of them knows of the others
    let agrees = asked.into_par_iter().map(|hypothesis| {
        let timeline = cited(timeline, hypothesis);
        let mut case = Case::new(&timeline, pack, alerts);
        case.whole = false;
        let again = judge_case(pack, &case);
        let same =
            |it: &Hypothesis| it.rule == hypothesis.rule && it.nodes.iter().any(|it| hypothesis.nodes.contains(it));
        let nowhere = |it: &Hypothesis| it.rule == hypothesis.rule && hypothesis.nodes.is_empty();
        again.hypotheses.first().is_some_and(|it| same(it) || nowhere(it))
    });
    let agrees: Vec<bool> = agrees.collect();
    for (hypothesis, agrees) in diagnosis.hypotheses.iter_mut().zip(agrees) {
        hypothesis.witness_agrees = Some(agrees);
        if !agrees && hypothesis.band == Band::Confirmed {
            hypothesis.band = Band::Likely;
        }
    }
}

/// The case with nothing in it but what the hypothesis quotes. What was collected stays known, or absence would change
/// its meaning.
fn cited(timeline: &Timeline, hypothesis: &Hypothesis) -> Timeline {
    let quotes = hypothesis.evidence.iter().flat_map(|it| &it.quotes);
    // one line is quoted of many like it: how many there were is part of what is cited
    let mut counts: BTreeMap<Span, u64> = BTreeMap::new();
    for evidence in &hypothesis.evidence {
        for quote in evidence.quotes.iter().take(1) {
            let count = counts.entry(quote.span).or_default();
            *count = (*count).max(evidence.count);
        }
    }
    let counted = |event: &Event| {
        let count = counts.get(&event.quote.span).copied().unwrap_or(1).min(u64::from(u32::MAX)) as u32;
        Event { count: event.count.max(count), ..event.clone() }
    };
    let steps = hypothesis.chain.iter().filter_map(|it| it.quote.as_ref());
    let spans: BTreeSet<Span> = quotes.chain(steps).map(|it| it.span).collect();
    let inside = |series: &&Series| {
        let range = series.range();
        let holds = |it: &Span| it.start == range.start || range.contains(&it.start);
        spans.iter().any(|it| it.member == series.member && holds(it))
    };
    Timeline {
        members: timeline.members.clone(),
        events: timeline
            .events
            .iter()
            .filter(|it| spans.contains(&it.quote.span))
            .map(|it| Box::new(counted(it)))
            .collect(),
        facts: timeline
            .facts
            .iter()
            .filter(|it| it.quotes.iter().any(|of| spans.contains(&of.span)))
            .cloned()
            .collect(),
        series: timeline.series.iter().filter(inside).cloned().collect(),
        seen: timeline.seen.clone(),
        gaps: timeline.gaps.clone(),
        collected: timeline.collected.clone(),
        clocks: timeline.clocks.clone(),
        skews: timeline.skews.clone(),
        steps: timeline.steps.clone(),
        kernel_clocks: timeline.kernel_clocks.clone(),
        nodes: timeline.nodes.clone(),
        issues: Vec::new(),
    }
}
