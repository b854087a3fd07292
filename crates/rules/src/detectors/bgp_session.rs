//! The BGP sessions of each node in one row, and whether the same peer fails everywhere.
//!
//! ```text
//! | 192.168.11.19 | node-to-node mesh | start | 13:10:42 | Passive |     0 of 2 are up on this node
//! ```
//!
//! Relation `bgp.session`. Skipped: nodes whose peers could not be listed.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Fact, Name, Relation, Row, Time, Timeline, relation};

use super::routes::{quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "bgp.session",
    columns: &["peers", "up", "down", "down_peers", "info", "everywhere", "all_down"],
    about: "The BGP sessions of a node: how many are established, which are not and why; `everywhere` is whether each peer \
            that is down here is down on every other node that lists it, of which there is at least one.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["bgp.peer"], find };

fn is_up(fact: &Fact) -> bool {
    text(fact, "state") == "up" || text(fact, "info").starts_with("Established")
}

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut by_node: BTreeMap<Name, Vec<&Fact>> = BTreeMap::new();
    // who sees a peer up, and who down
    let mut seen: BTreeMap<String, [BTreeSet<Name>; 2]> = BTreeMap::new();
    for fact in facts(timeline, &relation::BGP_PEER) {
        let Some(node) = &fact.node else { continue };
        by_node.entry(node.clone()).or_default().push(fact);
        seen.entry(text(fact, "peer")).or_default()[usize::from(is_up(fact))].insert(node.clone());
    }
    let row = |(node, sessions): (&Name, &Vec<&Fact>)| {
        let down: Vec<&Fact> = sessions.iter().copied().filter(|it| !is_up(it)).collect();
        let peers: BTreeSet<String> = down.iter().map(|it| text(it, "peer")).collect();
        let common = |peer: &String| seen.get(peer).is_some_and(|[down, up]| up.is_empty() && down.len() > 1);
        let everywhere = !peers.is_empty() && peers.iter().all(common);
        let words: BTreeSet<String> = down.iter().map(|it| text(it, "info")).filter(|it| !it.is_empty()).collect();
        let joined = |words: BTreeSet<String>| Some(words.into_iter().collect::<Vec<_>>().join(", ")).filter(|it| !it.is_empty());
        let row = Row::new(&RELATION)
            .with("peers", sessions.len() as i64)
            .with("up", (sessions.len() - down.len()) as i64)
            .with("down", down.len() as i64)
            .with("everywhere", everywhere)
            .with("all_down", !down.is_empty() && down.len() == sessions.len())
            .with("down_peers", joined(peers))
            .with("info", joined(words));
        let shown = if down.is_empty() { sessions.clone() } else { down };
        let at = shown.iter().map(|it| it.at).find(Time::is_known).unwrap_or(Time::UNKNOWN);
        Fact { row, node: Some(node.clone()), at, quotes: quotes(shown.into_iter().map(Some).take(3)) }
    };
    by_node.iter().map(row).collect()
}
