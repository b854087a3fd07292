//! How a rule came to its answer, with places as paths and lines.

use report::{Cited, HypothesisRef, Instant, RuleTrace, TraceOutcome, TracedClause, TracedItem, TracedWay};
use timeline::Timeline;

use crate::convert::band;

pub(crate) fn trace(timeline: &Timeline, it: &rules::Trace) -> RuleTrace {
    RuleTrace {
        rule: it.rule.clone(),
        symptom: it.symptom,
        framed: it.framed,
        ways: it.ways.iter().map(|it| way(timeline, it)).collect(),
        limits_hit: it.limits_hit.clone(),
    }
}

fn way(timeline: &Timeline, it: &rules::Way) -> TracedWay {
    let mut way = TracedWay {
        title: it.title.clone(),
        bindings: it.bindings.clone(),
        clauses: it.clauses.iter().map(|it| clause(timeline, it)).collect(),
        items: it.items.iter().map(item).collect(),
        order_db: it.order_db,
        prior_db: it.prior_db,
        score_db: it.score_db,
        ..TracedWay::default()
    };
    way.outcome = match &it.outcome {
        rules::Outcome::Listed { rank, band: of, why_not_first } => {
            (way.rank, way.band, way.why) = (Some(*rank as u32), Some(band(*of)), why_not_first.clone());
            TraceOutcome::Listed
        }
        rules::Outcome::Included { rank, rule } => {
            let part_of = HypothesisRef { rank: Some(*rank as u32), rule: rule.clone(), ..HypothesisRef::default() };
            way.part_of = Some(part_of);
            TraceOutcome::Included
        }
        rules::Outcome::RuledOut { why } => {
            way.why = Some(why.clone());
            TraceOutcome::RuledOut
        }
        rules::Outcome::Seen => TraceOutcome::Seen,
        rules::Outcome::NotFramed => TraceOutcome::NotFramed,
        rules::Outcome::Dropped => TraceOutcome::Dropped,
    };
    way
}

fn clause(timeline: &Timeline, it: &rules::ClauseTrace) -> TracedClause {
    let cited = |it: &timeline::Quote| Cited {
        file: timeline.path(it.span.member).to_owned(),
        line: it.span.line,
        text: it.first_line().trim_end_matches('\r').to_owned(),
    };
    TracedClause {
        name: it.name.clone(),
        written: it.written.clone(),
        frame: it.frame,
        value: it.value.into(),
        reason: it.reason.clone(),
        collect: it.collect.clone(),
        node: it.node.as_deref().map(str::to_owned),
        cited: it.quotes.iter().map(cited).collect(),
        count: it.count,
        at: Instant::from_time(&it.at),
        cells: it.cells.clone(),
    }
}

fn item(it: &rules::ItemTrace) -> TracedItem {
    TracedItem {
        when: it.when.clone(),
        against: it.against,
        weight: it.weight.to_owned(),
        group: it.group.clone(),
        value: it.value.into(),
        alone_db: it.alone_db,
        added_db: it.added_db,
    }
}
