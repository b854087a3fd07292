//! The witness: the lines a hypothesis cites, judged again without the rest of the bundle.

use std::collections::BTreeSet;

use timeline::{Span, Timeline};

use super::judge_all;
use super::outcome::{Diagnosis, Hypothesis};
use crate::Pack;

/// Judges the first hypothesis again by its cited lines alone and notes whether it comes first again.
pub(super) fn check(pack: &Pack, timeline: &Timeline, diagnosis: &mut Diagnosis) {
    let Some(first) = diagnosis.hypotheses.first_mut() else { return };
    let again = judge_all(pack, &cited(timeline, first));
    let agrees = again.hypotheses.first().is_some_and(|it| it.rule == first.rule && it.nodes == first.nodes);
    first.witness_agrees = Some(agrees);
}

/// The case with nothing in it but what the hypothesis quotes. What was collected stays known, or absence would change
/// its meaning.
fn cited(timeline: &Timeline, hypothesis: &Hypothesis) -> Timeline {
    let quotes = hypothesis.evidence.iter().flat_map(|it| &it.quotes);
    let steps = hypothesis.chain.iter().filter_map(|it| it.quote.as_ref());
    let spans: BTreeSet<Span> = quotes.chain(steps).map(|it| it.span).collect();
    let inside = |member, start: u64, len: u64| {
        spans.iter().any(|it| it.member == member && it.start >= start && it.start < start + len.max(1))
    };
    Timeline {
        members: timeline.members.clone(),
        events: timeline.events.iter().filter(|it| spans.contains(&it.quote.span)).cloned().collect(),
        facts: timeline
            .facts
            .iter()
            .filter(|it| it.quotes.iter().any(|of| spans.contains(&of.span)))
            .cloned()
            .collect(),
        series: timeline
            .series
            .iter()
            .filter(|it| inside(it.member, it.start, it.text.len() as u64))
            .cloned()
            .collect(),
        seen: timeline.seen.clone(),
        collected: timeline.collected.clone(),
        clocks: timeline.clocks.clone(),
        skews: timeline.skews.clone(),
        steps: timeline.steps.clone(),
        kernel_clocks: timeline.kernel_clocks.clone(),
        nodes: timeline.nodes.clone(),
        issues: Vec::new(),
    }
}
