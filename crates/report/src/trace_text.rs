//! A trace for people: why a rule came to its answer on this bundle, clause by clause.

use crate::page::{Entry, Ink, Look, Page};
use crate::trace::{RuleTrace, TraceOutcome, TracedClause, TracedItem, TracedWay};
use crate::{Answer, Band};

/// Ways that are shown on a first reading; they come strongest first.
const WAYS: usize = 3;

/// How one rule came to its answer, as a page.
#[must_use]
pub fn trace_text(trace: &RuleTrace, look: &Look) -> String {
    let mut page = Page::new(look);
    let shown = if look.verbose { trace.ways.len() } else { WAYS.min(trace.ways.len()) };
    for way in &trace.ways[..shown] {
        page.gap();
        page.forget_quotes();
        show(&mut page, trace, way);
    }
    if trace.ways.is_empty() {
        page.prose((Ink::Plain, ""), 0, &format!("{}: its clauses were tried, and no node or object fits", trace.rule));
    }
    if shown < trace.ways.len() {
        page.gap();
        page.prose((Ink::Faint, ""), 0, &format!("… and {} more, see -v", trace.ways.len() - shown));
    }
    for limit in &trace.limits_hit {
        page.prose((Ink::Doubtful, "cut short"), 12, limit);
    }
    page.done()
}

fn show(page: &mut Page, trace: &RuleTrace, way: &TracedWay) {
    let word = outcome(way);
    page.title("", 0, if way.title.is_empty() { &trace.rule } else { &way.title }, (ink(way), &word));
    if !way.bindings.is_empty() {
        let values: Vec<String> = way.bindings.iter().map(|(name, value)| format!("${name} = {value}")).collect();
        page.prose((Ink::Faint, ""), 3, &values.join("   "));
    }
    if let Some(part) = &way.part_of {
        page.prose((Ink::Plain, "   part of"), 12, &format!("{} [{}]", part.title, part.rule));
    }
    if let Some(why) = &way.why {
        page.prose((Ink::Plain, "   because"), 12, why);
    }
    page.line(&[(Ink::Strong, "   clauses")]);
    for clause in &way.clauses {
        show_clause(page, clause);
    }
    if trace.symptom {
        return;
    }
    page.line(&[(Ink::Strong, "   weighs")]);
    for item in &way.items {
        show_item(page, item);
    }
    for (db, what) in [(way.order_db, "the order of the chain"), (way.prior_db, "what is known before looking")] {
        if db != 0.0 {
            page.prose((Ink::Plain, &format!("     {:>5}", signed(db))), 12, what);
        }
    }
    page.prose((Ink::Strong, &format!("     {:>5}", signed(way.score_db))), 12, "in all, in decibans");
}

fn show_clause(page: &mut Page, clause: &TracedClause) {
    let (word, ink) = match clause.value {
        Answer::True => ("true", Ink::Good),
        Answer::False => ("false", Ink::Bad),
        Answer::Unknown => ("unknown", Ink::Doubtful),
    };
    let frame = if clause.frame { " (frame)" } else { "" };
    let text = format!("{}{frame}: {}", clause.name, clause.written);
    let cited = clause.cited.first();
    let entry = Entry {
        text: &text,
        file: cited.map(|it| it.file.as_str()),
        line: cited.map(|it| it.line),
        count: clause.count,
        quote: cited.map(|it| it.text.as_str()),
        ..Entry::default()
    };
    page.entry((ink, &format!("     {word}")), 14, &entry);
    if !clause.reason.is_empty() {
        page.prose((Ink::Plain, ""), 16, &clause.reason);
    }
    if !clause.collect.is_empty() {
        page.prose((Ink::Plain, ""), 16, &format!("collect: {}", clause.collect));
    }
}

fn show_item(page: &mut Page, item: &TracedItem) {
    let side = if item.against { "against, " } else { "" };
    let group = item.group.as_ref().map_or(String::new(), |it| format!(", group {it}"));
    let value = match item.value {
        Answer::True => "true",
        Answer::False => "false",
        Answer::Unknown => "unknown",
    };
    // of a group only the best counts
    let alone =
        if item.alone_db == item.added_db { String::new() } else { format!("; alone {}", signed(item.alone_db)) };
    let text = format!("{} is {value} ({side}{}{group}{alone})", item.when, item.weight);
    page.prose((Ink::Plain, &format!("     {:>5}", signed(item.added_db))), 12, &text);
}

/// `+10`, `-3.3`, `0`
fn signed(db: f64) -> String {
    let near = (db * 10.0).round() / 10.0;
    if near == 0.0 { "0".to_owned() } else { format!("{near:+}") }
}

fn outcome(way: &TracedWay) -> String {
    match (way.outcome, way.band) {
        (TraceOutcome::Listed, Some(band)) => {
            let rank = way.rank.map_or(String::new(), |it| format!("rank {it}, "));
            format!("{rank}{}", band.name().replace('-', " ").to_uppercase())
        }
        (TraceOutcome::Listed, None) => "LISTED".to_owned(),
        (TraceOutcome::Included, _) => "PART OF ANOTHER".to_owned(),
        (TraceOutcome::RuledOut, _) => "RULED OUT".to_owned(),
        (TraceOutcome::Seen, _) => "SEEN".to_owned(),
        (TraceOutcome::NotFramed, _) => "NOT ASKED".to_owned(),
        (TraceOutcome::Dropped, _) => "DROPPED".to_owned(),
    }
}

fn ink(way: &TracedWay) -> Ink {
    match (way.outcome, way.band) {
        (TraceOutcome::Listed, Some(band)) if band >= Band::Likely => Ink::Bad,
        (TraceOutcome::RuledOut, _) => Ink::Good,
        _ => Ink::Doubtful,
    }
}
