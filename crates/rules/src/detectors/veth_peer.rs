//! Whether the network card of a pod ends at an interface of its node.
//!
//! ```text
//! 3: eth0@if104: <BROADCAST,MULTICAST,UP,LOWER_UP>            in the pod: the other end is number 104
//! 104: cali21fc9e9645e@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> on the node, and its other end is number 3
//! ```
//!
//! Relation `veth.peer`. A listing with an `eth0@ifN` and without interfaces of pods is one from within a pod; the list of the
//! node is one with them. Numbers of a network namespace are handed out again, so both ends must name each other.
//!
//! Source: `rtnl_fill_ifinfo` (IFLA_LINK) in net/core/rtnetlink.c of Linux.

use std::collections::BTreeMap;

use timeline::{Fact, MemberId, Name, Relation, Row, Timeline, relation};

use super::routes::{quotes, text};
use super::{Detector, facts};

pub(super) static RELATION: Relation = Relation {
    name: "veth.peer",
    columns: &["dev", "index", "peer", "host_dev", "verdict", "unmatched", "complete"],
    about: "A card of a pod, and what has the number of its other end on the node: `verdict` is matched, other (something else has it) or absent, `unmatched` 0 or 1, `complete` whether the node's list is whole; without a verdict and a number where no list of a pod was collected.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["link"], find };

/// So many cards of one node: a listing of each pod, not a flood.
const MOST_CARDS: usize = 1000;

/// The links of one file.
type Listing<'t> = Vec<&'t Fact>;

fn find(timeline: &Timeline) -> Vec<Fact> {
    let mut nodes: BTreeMap<Name, BTreeMap<MemberId, Listing<'_>>> = BTreeMap::new();
    for fact in facts(timeline, &relation::LINK) {
        let (Some(node), Some(quote)) = (&fact.node, fact.quotes.first()) else { continue };
        nodes.entry(node.clone()).or_default().entry(quote.span.member).or_default().push(fact);
    }
    let mut found = Vec::new();
    for (node, listings) in nodes {
        // of several lists of the node the longest
        let own = listings.iter().filter(|it| it.1.iter().any(|it| of_pod(it))).max_by_key(|it| (it.1.len(), it.0.0));
        let Some((member, own)) = own else { continue };
        let whole = |it: &&timeline::Collected| it.relation == relation::LINK.name && it.member == *member;
        let complete = timeline.collected.iter().filter(whole).any(|it| it.incomplete.is_none());
        let by_index: BTreeMap<String, &Fact> = own.iter().map(|it| (text(it, "index"), *it)).collect();
        let within = listings.iter().filter(|(at, it)| *at != member && !it.iter().any(|it| of_pod(it)));
        let cards = within.flat_map(|it| it.1).filter(|it| text(it, "dev") == "eth0");
        let before = found.len();
        found.extend(cards.filter_map(|it| judged(it, &by_index, complete, &node)).take(MOST_CARDS));
        if found.len() == before {
            // nobody looked into a pod, which is neither
            let row = Row::new(&RELATION).with("dev", "eth0").with("complete", complete);
            let at = own.first().map_or(timeline::Time::UNKNOWN, |it| it.at);
            found.push(Fact { row, node: Some(node.clone()), at, quotes: quotes([own.first().copied()]) });
        }
    }
    found
}

fn of_pod(link: &Fact) -> bool {
    text(link, "dev").starts_with("cali")
}

fn judged(card: &Fact, by_index: &BTreeMap<String, &Fact>, complete: bool, node: &Name) -> Option<Fact> {
    let (index, peer) = (text(card, "index"), text(card, "peer"));
    let number = peer.strip_prefix("if").filter(|it| it.bytes().all(|it| it.is_ascii_digit()) && !it.is_empty())?;
    let other = by_index.get(number).copied();
    let verdict = match other {
        None => "absent",
        Some(it) if of_pod(it) && text(it, "peer") == format!("if{index}") => "matched",
        Some(_) => "other",
    };
    let row = Row::new(&RELATION)
        .with("dev", text(card, "dev"))
        .with("index", index)
        .with("peer", number)
        .with("host_dev", other.map(|it| text(it, "dev")))
        .with("verdict", verdict)
        .with("unmatched", i64::from(verdict != "matched"))
        .with("complete", complete);
    Some(Fact { row, node: Some(node.clone()), at: card.at, quotes: quotes([Some(card), other]) })
}
