//! Theories that stand on one moment: a line or two, hours of log after them, and nothing that followed.
//!
//! A kernel that waits once for a device, a CPU that was hot for a second, one connection refused at noon: it happened,
//! and it is over. What lasts says so again, and what matters has effects. So it costs a hypothesis a strong item, and the weak
//! ones it has, where all that speaks for it was seen within a minute, three times at most, and its log goes on for half an hour without more.
//! It does not where the item says everything by itself (`conclusive`), where the kernel or a daemon that watches the
//! hardware states a fact once (`strong`), where state or metrics agree, and where a symptom that it explains begins then.

use chrono::TimeDelta;
use timeline::{Interval, Time, Truth, Value};

use super::outcome::{Evidence, Hypothesis, Polarity, Symptom};
use super::weigh::{Answer, decibans, sum};
use crate::engine::{Binding, Case, Found, holds, is_log, supporting};
use crate::language::{Rule, Word};

/// So short is a moment,
const SHORT_SECS: i64 = 60;
/// and so often something is said in it at most.
const MOST: u64 = 3;
/// So long the log must go on.
const AFTER_SECS: i64 = 30 * 60;
/// The name of the item in the evidence.
const CLAUSE: &str = "one-moment";

/// Who says once what it found.
const WATCHERS: [&str; 4] = ["mdadm", "smartd", "rasdaemon", "mcelog"];

/// What it costs a hypothesis that all of it was seen in one moment, if it was.
pub(super) fn of(case: &Case<'_>, rule: &Rule, binding: &Binding, answers: &[Answer]) -> Option<Evidence> {
    if !case.whole {
        return None;
    }
    let mut names: Vec<&str> = rule.frame.iter().flat_map(|it| supporting(it, binding)).collect();
    for item in rule.supports.iter().filter(|it| holds(&it.when, binding) == Truth::True) {
        let of_item = supporting(&item.when, binding);
        let told_once = |name: &&str| binding.answers.get(*name).and_then(|it| it.found.as_ref()).is_some_and(is_fact);
        match item.word {
            Word::Conclusive => return None,
            Word::Strong if of_item.iter().any(told_once) => return None,
            // a setting and what goes on anyway make nothing of a moment
            Word::Weak => continue,
            _ => names.extend(of_item),
        }
    }
    names.sort_unstable();
    names.dedup();
    let mut seen: Vec<(&str, &Found)> = Vec::new();
    for name in names {
        let judged = binding.answers.get(name).filter(|it| it.truth == Truth::True);
        let clause = rule.clauses.iter().find(|it| it.name == name)?;
        let Some(found) = judged.and_then(|it| it.found.as_ref()) else { continue };
        if !is_log(clause) || clause.absent || !found.at.is_known() {
            return None;
        }
        seen.push((name, found));
    }
    let first = seen.iter().map(|it| it.1.at).min_by_key(|it| it.nominal.lo)?;
    let last = seen.iter().map(|it| it.1.last).max_by_key(|it| it.nominal.hi)?;
    let lasted_secs = (last.nominal.lo - first.nominal.lo).num_seconds();
    let count = seen.iter().map(|it| it.1.count).max().unwrap_or(0);
    if first.clock != last.clock || lasted_secs > SHORT_SECS || count > MOST {
        return None;
    }
    let after = Time { nominal: after(last.nominal), full: after(last.full), clock: last.clock };
    let goes_on = |(name, found): &(&str, &Found)| {
        let clause = rule.clauses.iter().find(|it| it.name == *name);
        let asked = binding.answers.get(*name).and_then(|it| it.node.clone());
        // what is asked of no node was said on one all the same
        let node = asked.or_else(|| match found.cells.get("node") {
            Some(Value::Text(node)) => Some(node.clone()),
            _ => None,
        });
        clause.is_some_and(|it| case.goes_on(it, found, node.as_ref(), after))
    };
    if !seen.iter().all(goes_on) {
        return None;
    }
    let often = match (count, lasted_secs) {
        (0 | 1, _) => "once".to_owned(),
        (count, 0) => format!("{count} times in one second"),
        (count, secs) => format!("{count} times within {secs} s"),
    };
    let minutes = AFTER_SECS / 60;
    let quotes = seen.first().and_then(|it| it.1.quotes.first()).cloned().into_iter().collect();
    Some(Evidence {
        clause: CLAUSE.to_owned(),
        polarity: Polarity::Against,
        value: Truth::True,
        weight_db: -decibans(Word::Strong) - beside_db(answers),
        why: format!("it was seen {often}, and the log goes on for {minutes} min and more without it"),
        count,
        at: first,
        node: binding.answers.get(seen.first()?.0).and_then(|it| it.node.clone()),
        quotes,
    })
}

/// What weak items add beside the others: settings and what goes on anyway do not make up for a moment.
fn beside_db(answers: &[Answer]) -> f64 {
    let held = || answers.iter().filter(|it| !it.against && it.truth == Truth::True);
    sum(held()).db - sum(held().filter(|it| it.word > Word::Weak)).db
}

/// Takes it back where a symptom it explains begins then: something did follow.
pub(super) fn unless_followed(hypothesis: &mut Hypothesis, symptoms: &[Symptom]) {
    let follows = |it: &&Symptom| it.at.is_known() && it.at.before(&hypothesis.start) != Truth::True;
    if hypothesis.moment_db < 0.0 && hypothesis.explains.iter().map(|at| &symptoms[*at]).any(|it| follows(&it)) {
        hypothesis.score_db -= hypothesis.moment_db;
        hypothesis.moment_db = 0.0;
        hypothesis.evidence.retain(|it| it.clause != CLAUSE);
    }
}

/// Whether somebody says it who finds a thing broken once and need not repeat it.
fn is_fact(found: &Found) -> bool {
    let says = |column: &str| found.cells.get(column).map(ToString::to_string).unwrap_or_default();
    let unit = says("unit");
    // a report of the kernel has no column for its source
    let kernel = says("source") == "kernel" || found.cells.contains_key("kind");
    kernel || WATCHERS.iter().any(|it| unit.starts_with(it))
}

/// From a time to the end of the stretch in which more should have been seen.
fn after(it: Interval) -> Interval {
    let hi = it.hi.checked_add_signed(TimeDelta::seconds(AFTER_SECS)).unwrap_or(it.hi);
    Interval { lo: it.lo, hi }
}
