//! Would we have seen it? Absence counts only where the source was collected, whole, over the time in question.

use timeline::{Interval, Name, Seen, Source, Time, Timeline};

use super::{Case, log_sources};
use crate::language::{Clause, ClauseKind};

/// Whether what a clause asks for would have been seen.
pub(super) enum Coverage {
    /// Yes: the answer "no" can be trusted.
    Covered,
    /// No, and why.
    Open(String),
}

/// A source may end a little before the instant asked about and still have shown it.
const EDGE_SECS: i64 = 120;

impl Case<'_> {
    pub(super) fn coverage(&self, clause: &Clause, node: Option<&Name>, window: Option<Time>) -> Coverage {
        // a clause that asks for some node is answered by the nodes there are, one that names none by all of them
        let everywhere = node.is_none() && !clause.conditions.iter().any(|(column, _)| column == "node");
        let logs = |sources: &[Source]| logs(self.timeline, sources, node, everywhere, window);
        match &clause.kind {
            ClauseKind::Signal(name) => {
                let sources = self.signals.get(name.as_str()).map(|it| it.sources()).unwrap_or_default();
                logs(&sources.into_iter().collect::<Vec<_>>())
            }
            ClauseKind::Fact(relation) => match log_sources(relation.name) {
                Some(sources) => logs(sources),
                None => collected(self.timeline, relation.name, relation.per_node, node),
            },
            ClauseKind::Derived(detector) => {
                for need in detector.needs {
                    let coverage = match *need {
                        "series" => series(self.timeline, node),
                        need => match (log_sources(need), timeline::relation::named(need)) {
                            (Some(sources), _) => logs(sources),
                            (None, Some(relation)) => collected(self.timeline, need, relation.per_node, node),
                            (None, None) => Coverage::Open(format!("nothing tells whether {need} was collected")),
                        },
                    };
                    if let Coverage::Open(_) = coverage {
                        return coverage;
                    }
                }
                Coverage::Covered
            }
            ClauseKind::Metric(query) => {
                let metrics = query.metrics();
                Coverage::Open(format!("{} was not collected{}", metrics.join(", "), of(node)))
            }
        }
    }
}

fn of(node: Option<&Name>) -> String {
    node.map_or_else(String::new, |it| format!(" of {it}"))
}

fn series(timeline: &Timeline, node: Option<&Name>) -> Coverage {
    let any = timeline.series.iter().any(|it| node.is_none() || it.node.as_ref() == node);
    if any { Coverage::Covered } else { Coverage::Open(format!("no metrics{} were collected", of(node))) }
}

fn collected(timeline: &Timeline, relation: &str, per_node: bool, node: Option<&Name>) -> Coverage {
    let mut reason = format!("no {relation}{} was collected", if per_node { of(node) } else { String::new() });
    for it in timeline.collected.iter().filter(|it| it.relation == relation) {
        if per_node && node.is_some() && it.node.as_ref() != node {
            continue;
        }
        match &it.incomplete {
            None => return Coverage::Covered,
            Some(why) => reason = format!("{relation}{} is incomplete: {why}", of(it.node.as_ref())),
        }
    }
    Coverage::Open(reason)
}

fn logs(
    timeline: &Timeline,
    sources: &[Source],
    node: Option<&Name>,
    everywhere: bool,
    window: Option<Time>,
) -> Coverage {
    let names: Vec<&str> = sources.iter().map(|it| it.name()).collect();
    let mut reason = format!("no log{} that would show it ({}) was collected", of(node), names.join(", "));
    for seen in timeline.seen.iter().filter(|it| sources.contains(&it.source)) {
        // an event list speaks of every node
        let cluster = seen.source == Source::KubeEvent;
        if !cluster && node.is_some() && seen.node.as_ref() != node {
            continue;
        }
        // the log of one container says nothing of what others did, nor that of one node of the others
        if seen.source == Source::ContainerLog || (!cluster && everywhere) {
            continue;
        }
        if let Some(why) = &seen.incomplete {
            reason = format!("the {} log{} is incomplete: {why}", seen.source.name(), of(seen.node.as_ref()));
        } else if covers(seen, window) {
            return Coverage::Covered;
        } else {
            reason = format!("the {} log{} does not cover that time", seen.source.name(), of(seen.node.as_ref()));
        }
    }
    Coverage::Open(reason)
}

fn covers(seen: &Seen, window: Option<Time>) -> bool {
    let Some(window) = window else { return seen.covers.is_some() };
    let Some((first, last)) = seen.covers else { return false };
    if !window.is_known() {
        return false;
    }
    let same = first.clock == window.clock;
    let pick = |it: &Time| -> Interval { if same { it.nominal } else { it.full } };
    let edge = chrono::TimeDelta::seconds(EDGE_SECS);
    let asked = pick(&window);
    pick(&first).hi - edge <= asked.lo && asked.hi <= pick(&last).lo + edge
}
