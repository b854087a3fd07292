//! One fault on many nodes is one hypothesis.

use std::collections::BTreeMap;

use timeline::{Name, Time, Truth};

use super::field::Standing;
use super::outcome::{Evidence, Hypothesis, Polarity};

/// From so many nodes on, the same statement of each of them is one of all of them.
const FEWEST: usize = 3;
/// Nodes named in a title; and others quoted as evidence.
const NAMED: usize = 3;
const QUOTED: usize = 20;
/// What begins farther apart is not one story.
const APART_SECS: i64 = 6 * 3600;

/// Merges hypotheses that say the same of different nodes at about the same time.
pub(super) fn nodes(alive: Vec<Hypothesis>) -> Vec<Hypothesis> {
    let mut alike: BTreeMap<(String, String, bool), Vec<Hypothesis>> = BTreeMap::new();
    let mut single: Vec<Hypothesis> = Vec::new();
    for it in alive {
        // whoever names one node twice, or two of them, tells of a relation between nodes
        if it.nodes.len() == 1 && it.statement.contains('\u{0}') {
            let stands = Standing::of(&it).stands();
            alike.entry((it.rule.clone(), it.statement.clone(), stands)).or_default().push(it);
        } else {
            single.push(it);
        }
    }
    for (_, mut of) in alike {
        of.sort_by(|a, b| a.start.nominal.cmp(&b.start.nominal).then_with(|| a.nodes.cmp(&b.nodes)));
        let mut stories: Vec<Vec<Hypothesis>> = Vec::new();
        for it in of {
            let near = |story: &&mut Vec<Hypothesis>| {
                story.last().is_some_and(|last| last.start.near(&it.start, APART_SECS, APART_SECS) != Truth::False)
                    && story.iter().all(|other| other.nodes != it.nodes)
            };
            match stories.iter_mut().find(near) {
                Some(story) => story.push(it),
                None => stories.push(vec![it]),
            }
        }
        for story in stories {
            if story.len() < FEWEST { single.extend(story) } else { single.extend(merged(story)) }
        }
    }
    single
}

fn merged(mut of: Vec<Hypothesis>) -> Option<Hypothesis> {
    let best = (0..of.len()).max_by(|a, b| of[*a].score_db.total_cmp(&of[*b].score_db).then(b.cmp(a)))?;
    let mut whole = of.remove(best);
    let mut nodes: Vec<Name> = of.iter().chain([&whole]).flat_map(|it| it.nodes.iter().cloned()).collect();
    nodes.sort();
    let named: Vec<&str> = nodes.iter().take(NAMED).map(|it| &**it).collect();
    let more = if nodes.len() > NAMED { ", …" } else { "" };
    whole.title = whole.statement.replacen('\u{0}', &format!("{} nodes ({}{more})", nodes.len(), named.join(", ")), 1);
    whole.title = whole.title.replace('\u{0}', "them");
    for other in of {
        whole.bindings.retain(|name, value| other.bindings.get(name) == Some(value));
        let first = other.evidence.iter().find(|it| !it.quotes.is_empty());
        if let Some(first) = first.filter(|_| whole.evidence.iter().filter(|it| it.clause == SAME).count() < QUOTED) {
            let why = format!("the same on {}: {}", other.nodes[0], first.why);
            let (node, polarity) = (Some(other.nodes[0].clone()), Polarity::Context);
            whole.evidence.push(Evidence {
                clause: SAME.to_owned(),
                polarity,
                weight_db: 0.0,
                why,
                node,
                ..first.clone()
            });
        }
        for at in other.explains {
            if !whole.explains.contains(&at) {
                whole.explains.push(at);
            }
        }
        whole.explains.sort_unstable();
        let earlier =
            |a: Time, b: Time| if !a.is_known() || (b.is_known() && b.nominal.lo < a.nominal.lo) { b } else { a };
        let later =
            |a: Time, b: Time| if !a.is_known() || (b.is_known() && b.nominal.hi > a.nominal.hi) { b } else { a };
        whole.start = earlier(whole.start, other.start);
        whole.end = later(whole.end, other.end);
        whole.frame_spans.extend(other.frame_spans);
        for bug in other.known_bugs {
            if !whole.known_bugs.iter().any(|it| it.name == bug.name) {
                whole.known_bugs.push(bug);
            }
        }
    }
    whole.nodes = nodes;
    Some(whole)
}

/// The name under which the other nodes stand in the evidence.
const SAME: &str = "same-elsewhere";
