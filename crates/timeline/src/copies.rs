//! The same line in several files: a journal and the file of one unit, a log and its rotated copy, a bundle in a bundle.
//!
//! Such a line happened once. Files are told apart, not lines: a program that says the same five times within a second
//! said it five times, and the file that holds most of them is believed.

use std::cmp::Ordering;

use crate::{Event, MemberId, Record, Stamp};

/// Leaves out events that stand in another file as well: same node, speaker, time and words.
pub(crate) fn without_copies(stamped: Vec<(Record, Stamp)>) -> Vec<(Record, Stamp)> {
    let event = |at: usize| match &stamped[at].0 {
        Record::Event(event) if event.at.is_known() => Some(event.as_ref()),
        _ => None,
    };
    let mut order: Vec<(usize, &Event)> = (0..stamped.len()).filter_map(|at| Some((at, event(at)?))).collect();
    order.sort_by(|a, b| compare(a.1, b.1));
    let mut copies = vec![false; stamped.len()];
    for same in order.chunk_by(|a, b| compare(a.1, b.1) == Ordering::Equal) {
        let Some(kept) = fullest(same) else { continue };
        for (at, _) in same.iter().filter(|it| it.1.quote.span.member != kept) {
            copies[*at] = true;
        }
    }
    let mut copies = copies.into_iter();
    let mut stamped = stamped;
    stamped.retain(|_| !copies.next().unwrap_or(false));
    stamped
}

fn compare(a: &Event, b: &Event) -> Ordering {
    let time = |it: &Event| (it.at.nominal.lo, it.at.nominal.hi);
    let who = time(a).cmp(&time(b)).then_with(|| a.source.cmp(&b.source)).then_with(|| a.node.cmp(&b.node));
    who.then_with(|| a.message.cmp(&b.message))
}

/// The file with most of them, the first of several; `None` where all stand in one file.
fn fullest(same: &[(usize, &Event)]) -> Option<MemberId> {
    let member = |it: &(usize, &Event)| it.1.quote.span.member;
    if same.iter().all(|it| member(it) == member(&same[0])) {
        return None;
    }
    let files = same.chunk_by(|a, b| member(a) == member(b));
    let counted = files.map(|of| (of.iter().map(|it| u64::from(it.1.count.max(1))).sum::<u64>(), member(&of[0])));
    // the first of equals
    counted.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, member)| member)
}
