//! One filled-in rule: its score, its evidence, its chain.

use std::collections::BTreeMap;

use timeline::{Name, Time, Truth, Value};

use super::outcome::{Band, Evidence, Hypothesis, Missing, Order, Polarity, Step};
use crate::engine::{Binding, Bound, Case, Found, holds, mentioned};
use crate::language::condition::Condition;
use crate::language::{Clause, Item, Rule, When, Word};

/// Decibans of a word.
fn decibans(word: Word) -> f64 {
    match word {
        Word::Weak => 3.0,
        Word::Moderate => 6.0,
        Word::Strong => 10.0,
        Word::Conclusive => 20.0,
        Word::Excludes => 0.0,
    }
}

/// Columns that hold the name of a node.
const NODE_COLUMNS: [&str; 4] = ["node", "owner", "user", "on"];

/// The nodes a filled-in rule speaks of.
pub(super) fn nodes(rule: &Rule, binding: &Binding) -> Vec<Name> {
    let mut found: Vec<Name> = Vec::new();
    for clause in &rule.clauses {
        for (column, condition) in &clause.conditions {
            if let Condition::Variable(name) = condition
                && NODE_COLUMNS.contains(&column.as_str())
                && let Some(Bound::Value(Value::Text(node))) = binding.variables.get(&**name)
                && !found.contains(node)
            {
                found.push(node.clone());
            }
        }
    }
    found
}

/// The values a filled-in rule has settled.
pub(super) fn values(binding: &Binding) -> BTreeMap<String, String> {
    binding.values().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Scores a filled-in rule; band, confidence and what it explains follow from the others.
pub(super) fn hypothesis(case: &Case<'_>, rule: &Rule, binding: &Binding) -> Hypothesis {
    let mut evidence = frame_evidence(rule, binding);
    let mut score_db = 0.0;
    let mut excluded: Option<String> = None;
    let mut missing: Vec<Missing> = Vec::new();
    // by group: the best answer counts; an item without a group is its own
    let mut groups: BTreeMap<String, (f64, Word)> = BTreeMap::new();
    let mut costs: BTreeMap<String, f64> = BTreeMap::new();
    let mut open: BTreeMap<String, f64> = BTreeMap::new();
    let mut answers = Vec::new();
    for (nth, item) in rule.supports.iter().enumerate() {
        let group = item.group.clone().unwrap_or_else(|| format!("for {nth}"));
        let truth = holds(&item.when, binding);
        let full = decibans(item.word);
        let weight_db = match truth {
            Truth::True => full,
            Truth::False if item.expected => -full,
            Truth::False => -full / 3.0,
            Truth::Unknown => 0.0,
        };
        match truth {
            Truth::True => {
                let best = groups.entry(group.clone()).or_insert((full, item.word));
                if full > best.0 {
                    *best = (full, item.word);
                }
            }
            Truth::False => {
                let worst = costs.entry(group.clone()).or_insert(0.0);
                *worst = worst.min(weight_db);
            }
            Truth::Unknown => {
                let most = open.entry(group.clone()).or_insert(0.0);
                *most = most.max(full);
                missing.extend(missing_of(rule, item, binding, full));
            }
        }
        answers.push((group, truth, item_evidence(item, binding, truth, weight_db, Polarity::For)));
    }
    // a shadow that is not there says nothing where another of its group is
    evidence
        .extend(answers.into_iter().filter(|it| it.1 != Truth::False || !groups.contains_key(&it.0)).map(|it| it.2));
    // of shadows of one event only the best would count
    let known = |group: &String| groups.get(group).map_or(0.0, |it| it.0);
    let open_db = open.iter().map(|(group, most)| (most - known(group)).max(0.0)).sum();
    score_db += groups.values().map(|it| it.0).sum::<f64>();
    score_db += costs.iter().filter(|(group, _)| !groups.contains_key(*group)).map(|(_, cost)| cost).sum::<f64>();

    let mut against: BTreeMap<String, f64> = BTreeMap::new();
    for (nth, item) in rule.against.iter().enumerate() {
        let truth = holds(&item.when, binding);
        let mut weight_db = 0.0;
        match (truth, item.word) {
            (Truth::True, Word::Excludes) => {
                excluded.get_or_insert_with(|| item.written.clone());
            }
            (Truth::True, word) => {
                weight_db = -decibans(word);
                let worst =
                    against.entry(item.group.clone().unwrap_or_else(|| format!("against {nth}"))).or_insert(0.0);
                *worst = worst.min(weight_db);
            }
            (Truth::Unknown, word) => {
                let would = if word == Word::Excludes { 20.0 } else { decibans(word) };
                missing.extend(missing_of(rule, item, binding, would));
            }
            (Truth::False, _) => {}
        }
        // that a comparison does not hold is no finding
        if truth != Truth::False || matches!(item.when, When::Clause(_)) {
            evidence.push(item_evidence(item, binding, truth, weight_db, Polarity::Against));
        }
    }
    score_db += against.values().sum::<f64>();
    missing.sort_by(|a, b| b.would_add_db.total_cmp(&a.would_add_db));
    let mut named: Vec<String> = Vec::new();
    missing.retain(|it| {
        let new = !named.contains(&it.clause);
        named.push(it.clause.clone());
        new
    });

    let chain = chain(rule, binding);
    let proved = chain.iter().any(|it| it.order == Order::Before);
    let contradicted = chain.iter().any(|it| it.order == Order::After);
    if contradicted {
        score_db -= decibans(Word::Strong);
    } else if proved {
        score_db += decibans(Word::Weak);
    }
    let strong = groups.values().filter(|it| it.1 >= Word::Strong).count();
    let conclusive = groups.values().any(|it| it.1 == Word::Conclusive);
    let (start, end) = extent(rule, binding);
    let templates = |of: &[crate::language::template::Template]| of.iter().map(|it| it.render(binding)).collect();
    let _ = case;
    Hypothesis {
        rule: rule.name.clone(),
        title: rule.title.render(binding),
        impact: rule.impact.render(binding),
        band: if excluded.is_some() { Band::RuledOut } else { Band::NotAssessable },
        score_db,
        confidence: 0.0,
        nodes: nodes(rule, binding),
        bindings: values(binding),
        start,
        end,
        chain,
        evidence,
        missing,
        explains: Vec::new(),
        includes: Vec::new(),
        why_not: None,
        because: excluded,
        fix_now: templates(&rule.fix_now),
        fix_later: templates(&rule.fix_later),
        refs: rule.refs.clone(),
        witness_agrees: None,
        open_db,
        firm: (conclusive || strong >= 2) && !contradicted,
        strong: strong > 0,
        may_explain: rule.explains.clone(),
        absorbs: rule.absorbs.clone(),
        chain_names: rule.chain.clone(),
    }
}

/// The clauses of the frame: without them there is no hypothesis, so they weigh nothing by themselves.
fn frame_evidence(rule: &Rule, binding: &Binding) -> Vec<Evidence> {
    let cited = |name: &str| {
        let items = rule.supports.iter().chain(&rule.against);
        items.flat_map(|it| mentioned(&it.when)).any(|it| it == name)
    };
    let mut names: Vec<&str> = rule.frame.iter().flat_map(mentioned).collect();
    names.dedup();
    let mut evidence: Vec<Evidence> = Vec::new();
    for name in names.into_iter().filter(|it| !cited(it)) {
        let Some(judged) = binding.answers.get(name) else { continue };
        let Some(found) = &judged.found else { continue };
        evidence.push(Evidence {
            clause: name.to_owned(),
            polarity: Polarity::For,
            value: judged.truth,
            weight_db: 0.0,
            why: describe(name, rule, binding),
            count: found.count,
            at: found.at,
            node: judged.node.clone(),
            quotes: found.quotes.clone(),
        });
    }
    // state that only fills in a number still belongs to the picture
    for clause in rule.clauses.iter().filter(|it| !it.absent && !cited(&it.name)) {
        let Some(judged) = binding.answers.get(&clause.name) else { continue };
        let Some(found) = judged.found.as_ref().filter(|_| judged.truth == Truth::True) else { continue };
        if rule.frame.iter().flat_map(mentioned).any(|it| it == clause.name) {
            continue;
        }
        evidence.push(Evidence {
            clause: clause.name.clone(),
            polarity: Polarity::Context,
            value: Truth::True,
            weight_db: 0.0,
            why: describe(&clause.name, rule, binding),
            count: found.count,
            at: found.at,
            node: judged.node.clone(),
            quotes: found.quotes.clone(),
        });
    }
    evidence
}

fn item_evidence(item: &Item, binding: &Binding, value: Truth, weight_db: f64, polarity: Polarity) -> Evidence {
    let names = mentioned(&item.when);
    let judged: Vec<_> = names.iter().filter_map(|it| binding.answers.get(*it)).collect();
    let found: Vec<&Found> = judged.iter().filter_map(|it| it.found.as_ref()).collect();
    let reason = judged.iter().map(|it| it.reason.as_str()).find(|it| !it.is_empty()).unwrap_or_default();
    let says = item.why.as_ref().and_then(|it| it.known(binding)).unwrap_or_else(|| item.written.clone());
    let why = match (value, reason) {
        (Truth::True, _) => item.why.as_ref().map_or_else(|| item.written.clone(), |it| it.render(binding)),
        (Truth::False, _) | (_, "") => says,
        (_, reason) => format!("{says}: {reason}"),
    };
    Evidence {
        clause: item.written.clone(),
        polarity,
        value,
        weight_db,
        why,
        count: found.first().map_or(0, |it| it.count),
        at: found.first().map_or(Time::UNKNOWN, |it| it.at),
        node: judged.first().and_then(|it| it.node.clone()),
        quotes: found.iter().flat_map(|it| it.quotes.iter().cloned()).collect(),
    }
}

/// A clause in words: what the rule says of it, else what it looks at.
fn describe(name: &str, rule: &Rule, binding: &Binding) -> String {
    if let Some(says) = rule.says.get(name) {
        return says.render(binding);
    }
    rule.clauses.iter().find(|it| it.name == name).map_or_else(|| name.to_owned(), subject)
}

fn subject(clause: &Clause) -> String {
    match &clause.kind {
        crate::language::ClauseKind::Signal(signal) => signal.clone(),
        crate::language::ClauseKind::Fact(relation) => relation.name.to_owned(),
        crate::language::ClauseKind::Derived(detector) => detector.relation.name.to_owned(),
        crate::language::ClauseKind::Metric(query) => query.metrics().join(", "),
    }
}

/// What an open item needs: one entry for each clause in it that is unknown and that the rule tells how to collect.
fn missing_of(rule: &Rule, item: &Item, binding: &Binding, would_add_db: f64) -> Vec<Missing> {
    let open = mentioned(&item.when).into_iter().filter_map(|name| {
        let judged = binding.answers.get(name).filter(|it| it.truth == Truth::Unknown)?;
        let collect = rule.missing.get(name)?.render(binding);
        let (node, reason) = (judged.node.clone(), judged.reason.clone());
        Some(Missing { clause: name.to_owned(), node, collect, reason, would_add_db })
    });
    open.collect()
}

/// The steps that are known, in the order of the rule, each compared with the last one whose time is known.
fn chain(rule: &Rule, binding: &Binding) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for name in &rule.chain {
        let Some(judged) = binding.answers.get(name).filter(|it| it.truth == Truth::True) else { continue };
        let Some(found) = &judged.found else { continue };
        let item = rule
            .supports
            .iter()
            .find(|it| mentioned(&it.when).contains(&name.as_str()) && holds(&it.when, binding) == Truth::True);
        let says = rule.says.get(name).or(item.and_then(|it| it.why.as_ref()));
        let text = says.map(|it| it.render(binding));
        steps.push(Step {
            clause: name.clone(),
            text: text.unwrap_or_else(|| describe(name, rule, binding)),
            at: found.at,
            order: Order::Unknown,
            count: found.count,
            quote: found.quotes.first().cloned(),
            state: found.state,
        });
    }
    order(&mut steps);
    steps
}

/// Compares each step with the one before it.
pub(super) fn order(steps: &mut [Step]) {
    for at in 1..steps.len() {
        if steps[at].state || steps[at - 1].state {
            steps[at].order = Order::Unknown;
            continue;
        }
        steps[at].order = match steps[at - 1].at.before(&steps[at].at) {
            Truth::True => Order::Before,
            Truth::False => Order::After,
            Truth::Unknown => Order::Unknown,
        };
    }
}

/// From the first thing in the chain or frame to the last one seen.
fn extent(rule: &Rule, binding: &Binding) -> (Time, Time) {
    let framed = rule.frame.iter().flat_map(mentioned);
    let names: Vec<&str> = rule.chain.iter().map(String::as_str).chain(framed).collect();
    let found: Vec<&Found> = names
        .iter()
        .filter_map(|it| binding.answers.get(*it))
        .filter(|it| it.truth == Truth::True)
        .filter_map(|it| it.found.as_ref())
        .filter(|it| it.at.is_known() && !it.state)
        .collect();
    let start = found.iter().map(|it| it.at).min_by_key(|it| it.nominal.lo).unwrap_or(Time::UNKNOWN);
    let end = found.iter().map(|it| it.last).max_by_key(|it| it.nominal.hi).unwrap_or(Time::UNKNOWN);
    (start, end)
}
