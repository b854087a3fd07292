//! Saying that something is not so: what was asked for, and what was seen instead.
//!
//! The words a rule has for an item tell it as it is when it holds: "it did so 7 times". Of an item that does not hold,
//! those with the value at hand would be a claim that is wrong or says nothing ("it did so 1 times"), so where a number
//! decided, the number that was asked for is told and the one that was seen.

use timeline::Truth;

use crate::engine::{Binding, Case, holds};
use crate::language::condition::Condition;
use crate::language::expression::{Expression, Scope};
use crate::language::window::Counted;
use crate::language::{Clause, ClauseKind, Item, Rule, When};

/// What is not so about an item that is false, where a number decided; none where the words of the rule say it.
pub(super) fn of(case: &Case<'_>, rule: &Rule, item: &Item, binding: &Binding) -> Option<String> {
    denied(case, rule, item, &item.when, binding)
}

fn denied(case: &Case<'_>, rule: &Rule, item: &Item, when: &When, binding: &Binding) -> Option<String> {
    let parts = |of: &[When]| -> Vec<String> {
        let failing = of.iter().filter(|it| holds(it, binding) == Truth::False);
        failing.filter_map(|it| denied(case, rule, item, it, binding)).collect()
    };
    match when {
        // one that fails is enough; of alternatives all do
        When::All(of) => parts(of).into_iter().next(),
        When::Any(of) => {
            let all = parts(of);
            (!all.is_empty()).then(|| all.join(", or "))
        }
        When::Compare(expression) => Some(match expression.at_least() {
            Some((name, least)) => {
                let clause = rule.clauses.iter().find(|it| it.name == name)?;
                let seen = binding.answers.get(name)?.found.as_ref()?.count;
                records(&phrase(case, rule, clause), clause, &format!("at least {least}"), &format!("only {seen}"))
            }
            None => compared(expression, binding),
        }),
        When::Clause(name) => {
            let clause = rule.clauses.iter().find(|it| it.name == *name)?;
            // words without a number in them are true of what is not there as well
            let shows = item.why.as_ref().is_none_or(|it| it.columns().any(|it| it.0 == name));
            if shows { counted(case, rule, clause, binding) } else { None }
        }
        When::Not(_) | When::Before(..) | When::Gap { .. } => None,
    }
}

/// `$queue <= 128 ($queue is 4096)`
fn compared(expression: &Expression, binding: &Binding) -> String {
    let variables = expression.variables().into_iter().map(|it| (format!("${it}"), binding.variable(it)));
    let columns = expression.columns().into_iter().map(|it| (format!("{}.{}", it.0, it.1), binding.column(it.0, it.1)));
    let mut values: Vec<String> = Vec::new();
    for (name, value) in variables.chain(columns) {
        let told = value.map(|it| format!("{name} is {it}"));
        values.extend(told.filter(|it| !values.contains(it)));
    }
    if values.is_empty() { expression.to_string() } else { format!("{expression} ({})", values.join(", ")) }
}

/// `a card lost its link at least 3 times (only 2 times)`, `at least 5 rows of process (only 2)`
fn records(phrase: &str, clause: &Clause, asked: &str, seen: &str) -> String {
    match clause.kind {
        ClauseKind::Signal(_) => format!("{phrase} {asked} times ({seen})"),
        _ => format!("{asked} rows of {phrase} ({seen})"),
    }
}

fn counted(case: &Case<'_>, rule: &Rule, clause: &Clause, binding: &Binding) -> Option<String> {
    let judged = binding.answers.get(&clause.name)?;
    let found = judged.found.as_ref()?;
    let phrase = phrase(case, rule, clause);
    if let ([tally], false) = (&clause.tallies[..], matches!(clause.kind, ClauseKind::Signal(_)))
        && (&tally.what, tally.below) == (&Counted::Records, false)
    {
        let (asked, seen) = (format!("at least {}", tally.limit), format!("only {}", found.count));
        return Some(records(&phrase, clause, &asked, &seen));
    }
    if !clause.tallies.is_empty() && judged.reason != "looked for and not found" {
        let asked: Vec<String> = clause.tallies.iter().map(|it| it.asks()).collect();
        let asked = asked.join(" and ");
        // the stretch of time is told once
        let span = asked.find(" within ").map_or("", |at| &asked[at..]);
        let seen = judged.reason.strip_suffix(span).unwrap_or(&judged.reason);
        return Some(format!("{phrase} {asked} ({seen})"));
    }
    if let ClauseKind::Metric(query) = &clause.kind {
        let value = found.cells.get("value")?;
        let asked = query.asks().map_or_else(String::new, |it| format!(" {it}"));
        return Some(format!("{phrase}{asked} (it was {value})"));
    }
    // of the columns of the row that was there instead, those whose number does not do
    let failing = clause.conditions.iter().filter(|(column, condition)| {
        let ordered = matches!(condition, Condition::Compare(_) | Condition::Older(..) | Condition::Newer(_));
        ordered && !condition.passes(&found.cells.get(column).cloned().unwrap_or_default(), binding)
    });
    let told: Vec<String> = failing
        .filter_map(|(column, condition)| {
            let value = found.cells.get(column).filter(|it| it.is_some())?;
            let others = if let Condition::Compare(it) = condition { it.own_columns() } else { Vec::new() };
            let others = others.into_iter().filter_map(|it| Some(format!(", {it} is {}", found.cells.get(it)?)));
            Some(format!("{column} {} (it is {value}{})", clause.asked.get(column)?, others.collect::<String>()))
        })
        .collect();
    (!told.is_empty()).then(|| format!("{phrase} with {}", told.join(" and ")))
}

/// What a clause looks for, in words: what the signal means, else the name of the table or metric.
fn phrase(case: &Case<'_>, rule: &Rule, clause: &Clause) -> String {
    let plain =
        rule.says.get(&clause.name).filter(|it| it.variables().next().is_none() && it.columns().next().is_none());
    if let Some(says) = plain {
        return says.written().to_owned();
    }
    match &clause.kind {
        ClauseKind::Signal(name) => {
            case.signals.get(name.as_str()).map_or_else(|| name.clone(), |it| sentence(&it.about))
        }
        ClauseKind::Fact(relation) => relation.name.to_owned(),
        ClauseKind::Derived(detector) => detector.relation.name.to_owned(),
        ClauseKind::Metric(query) => query.metrics().join(", "),
    }
}

/// A sentence as part of another: `A card lost its link.` becomes `a card lost its link`.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let common = ["A", "An", "The", "Some", "One", "No", "Several", "Programs", "Packets", "Requests"];
    if !common.contains(&first) {
        return text.to_owned();
    }
    format!("{} {rest}", first.to_lowercase())
}
