//! One filled-in rule: its score, its evidence, its chain.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Name, Span, Time, Truth, Value};

use super::denial;
use super::moment;
use super::outcome::{Band, Evidence, Hypothesis, KnownBug, Missing, Order, Polarity, Step};
use super::weigh::{Answer, decibans, sum};
use crate::Pack;
use crate::detectors::known_bug;
use crate::engine::{Binding, Bound, Case, Found, holds, mentioned, supporting};
use crate::language::condition::Condition;
use crate::language::expression::Scope;
use crate::language::{Clause, ClauseKind, Item, Rule, When, Word};

/// Columns that hold the name of a node.
const NODE_COLUMNS: [&str; 4] = ["node", "owner", "user", "on"];

/// The variables of a rule that hold names of nodes.
fn node_variables(rule: &Rule) -> BTreeSet<&str> {
    let conditions = rule.clauses.iter().flat_map(|it| &it.conditions);
    conditions
        .filter_map(|(column, condition)| match condition {
            Condition::Variable(name) if NODE_COLUMNS.contains(&column.as_str()) => Some(&**name),
            _ => None,
        })
        .collect()
}

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
pub(crate) fn hypothesis(case: &Case<'_>, pack: &Pack, rule: &Rule, binding: &Binding) -> Hypothesis {
    let mut evidence = frame_evidence(rule, binding);
    let frame_spans = evidence.iter().filter(|it| it.polarity == Polarity::For).flat_map(|it| &it.quotes);
    let mut frame_spans: BTreeSet<Span> = frame_spans.map(|it| it.span).collect();
    for name in rule.frame.iter().flat_map(mentioned) {
        let found = binding.answers.get(name).and_then(|it| it.found.as_ref());
        frame_spans.extend(found.into_iter().flat_map(|it| &it.quotes).map(|it| it.span));
    }
    let mut excluded: Option<String> = None;
    let mut missing: Vec<Missing> = Vec::new();
    let mut answers: Vec<Answer> = Vec::new();
    for item in &rule.supports {
        let answer = answer(item, binding, false);
        if answer.truth == Truth::Unknown {
            missing.extend(missing_of(rule, item, binding, decibans(item.word)));
        }
        answers.push(answer);
    }
    let held = |group: &Option<String>| {
        group.is_some() && answers.iter().any(|it| it.group == *group && it.truth == Truth::True)
    };
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for (item, answer) in rule.supports.iter().zip(&answers) {
        // an `a or b` that stands on nothing but what another of its group stands on needs no line of its own
        if let (Some(group), Truth::True) = (&item.group, answer.truth) {
            let names = supporting(&item.when, binding);
            let either = matches!(item.when, When::Any(_));
            if either && told.iter().any(|it| it.0 == group && names.iter().all(|name| it.1.contains(name))) {
                continue;
            }
            told.push((group, names));
        }
        // a shadow that is not there says nothing where another of its group is
        if answer.truth != Truth::False || !held(&answer.group) {
            evidence.push(item_evidence(case, rule, item, binding, answer, Polarity::For));
        }
    }
    for item in &rule.against {
        let answer = answer(item, binding, true);
        match (answer.truth, item.word) {
            (Truth::True, Word::Excludes) => {
                excluded.get_or_insert_with(|| item.written.clone());
            }
            (Truth::Unknown, word) => {
                let would = if word == Word::Excludes { 20.0 } else { decibans(word) };
                missing.extend(missing_of(rule, item, binding, would));
            }
            _ => {}
        }
        // that a comparison does not hold is no finding
        if answer.truth != Truth::False || matches!(item.when, When::Clause(_)) {
            evidence.push(item_evidence(case, rule, item, binding, &answer, Polarity::Against));
        }
        answers.push(answer);
    }
    let sum = sum(&answers);
    missing.sort_by(|a, b| b.would_add_db.total_cmp(&a.would_add_db));
    let mut named: Vec<String> = Vec::new();
    missing.retain(|it| {
        let new = !named.contains(&it.clause);
        named.push(it.clause.clone());
        new
    });

    let chain = chain(rule, binding);
    let links = || chain.windows(2).filter(|it| !shadows(&it[0], &it[1])).map(|it| it[1].order);
    let proved = links().any(|it| it == Order::Before);
    let contradicted = links().any(|it| it == Order::After);
    let order_db = match (contradicted, proved) {
        (true, _) => -decibans(Word::Strong),
        (false, true) => decibans(Word::Weak),
        (false, false) => 0.0,
    };
    let moment = moment::of(case, rule, binding, &answers);
    let moment_db = moment.as_ref().map_or(0.0, |it| it.weight_db);
    evidence.extend(moment);
    let (start, end) = extent(rule, binding);
    let templates = |of: &[crate::language::template::Template]| of.iter().map(|it| it.render(binding)).collect();
    let known_bugs = known_bugs(case, pack, rule, binding, &evidence);
    Hypothesis {
        rule: rule.name.clone(),
        title: rule.title.render(binding),
        impact: rule.impact.render(binding),
        band: if excluded.is_some() { Band::RuledOut } else { Band::NotAssessable },
        score_db: sum.db + order_db + moment_db,
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
        known_bugs,
        decisive: Vec::new(),
        tied_with: Vec::new(),
        caused_by: None,
        answers,
        order_db,
        moment_db,
        prior_db: pack.prior_db(&rule.name),
        frame_spans,
        statement: statement(rule, binding),
        may_explain: rule.explains.clone(),
        absorbs: rule.absorbs.clone(),
        chain_names: rule.chain.clone(),
    }
}

fn answer(item: &Item, binding: &Binding, against: bool) -> Answer {
    let open = mentioned(&item.when)
        .into_iter()
        .filter(|it| binding.answers.get(*it).is_none_or(|it| it.truth == Truth::Unknown));
    Answer {
        written: item.written.clone(),
        open: open.map(str::to_owned).collect(),
        group: item.group.clone(),
        word: item.word,
        truth: holds(&item.when, binding),
        against,
        expected: item.expected,
    }
}

/// What the rule says here, with the names of nodes left out: two that agree in it say the same of different nodes.
fn statement(rule: &Rule, binding: &Binding) -> String {
    struct Nameless<'b>(&'b Binding, BTreeSet<&'b str>);
    impl Scope for Nameless<'_> {
        fn variable(&self, name: &str) -> Option<Value> {
            if self.1.contains(name) { Some(Value::from("\u{0}")) } else { self.0.variable(name) }
        }
        fn column(&self, clause: &str, column: &str) -> Option<Value> {
            self.0.column(clause, column)
        }
    }
    rule.title.render(&Nameless(binding, node_variables(rule)))
}

/// The known bugs behind it: those its clauses ask for, and those whose signature it cites on a version that has them.
fn known_bugs(case: &Case<'_>, pack: &Pack, rule: &Rule, binding: &Binding, evidence: &[Evidence]) -> Vec<KnownBug> {
    let cited: BTreeSet<Span> = evidence.iter().flat_map(|it| &it.quotes).map(|it| it.span).collect();
    let nodes = nodes(rule, binding);
    let asked: BTreeSet<String> = rule
        .clauses
        .iter()
        .filter(|it| !it.absent && matches!(it.kind, ClauseKind::Derived(of) if of.relation == &known_bug::RELATION))
        .filter_map(|it| binding.answers.get(&it.name).filter(|it| it.truth == Truth::True)?.found.as_ref())
        .filter_map(|it| it.cells.get("bug").map(ToString::to_string))
        .collect();
    let mut found: Vec<KnownBug> = Vec::new();
    for fact in case.derived_rows(known_bug::RELATION.name) {
        let name = fact.get("bug").to_string();
        let here = fact.node.as_ref().is_some_and(|it| nodes.contains(it));
        let fits = fact.get("affected") != Value::Flag(false);
        let shown = fact.get("seen").is_some() && fact.quotes.iter().any(|it| cited.contains(&it.span));
        if !here || !fits || !(asked.contains(&name) || shown) || found.iter().any(|it| it.name == name) {
            continue;
        }
        let Some(bug) = pack.bugs.iter().find(|it| it.name == name) else { continue };
        let text = |column: &str| Some(fact.get(column)).filter(Value::is_some).map(|it| it.to_string());
        found.push(KnownBug {
            title: bug.title.clone(),
            component: bug.component.clone(),
            version: text("version"),
            affected: match fact.get("affected") {
                Value::Flag(true) => Truth::True,
                _ => Truth::Unknown,
            },
            ids: bug.ids.clone(),
            fixed: text("fixed"),
            fixed_on: text("fixed_on"),
            workaround: bug.workaround.clone(),
            refs: bug.refs.clone(),
            name,
        });
    }
    found
}

/// The clauses of the frame: without them there is no hypothesis, so they weigh nothing by themselves.
fn frame_evidence(rule: &Rule, binding: &Binding) -> Vec<Evidence> {
    let cited = |name: &str| {
        let items = rule.supports.iter().chain(&rule.against);
        items.flat_map(|it| mentioned(&it.when)).any(|it| it == name)
    };
    let mut names: Vec<&str> = rule.frame.iter().flat_map(|it| supporting(it, binding)).collect();
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

fn item_evidence(
    case: &Case<'_>,
    rule: &Rule,
    item: &Item,
    binding: &Binding,
    answer: &Answer,
    polarity: Polarity,
) -> Evidence {
    let (value, weight_db) = (answer.truth, answer.weight_db());
    // of a true `a or b` what does not hold is no evidence for it
    let names = if value == Truth::True { supporting(&item.when, binding) } else { mentioned(&item.when) };
    let judged: Vec<_> = names.iter().filter_map(|it| binding.answers.get(*it)).collect();
    let found: Vec<&Found> = judged.iter().filter_map(|it| it.found.as_ref()).collect();
    let reason = judged.iter().map(|it| it.reason.as_str()).find(|it| !it.is_empty()).unwrap_or_default();
    let says = item.why.as_ref().and_then(|it| it.known(binding)).unwrap_or_else(|| item.written.clone());
    let why = match (value, reason) {
        (Truth::True, _) => item.why.as_ref().map_or_else(|| item.written.clone(), |it| it.render(binding)),
        (Truth::False, _) => denial::of(case, rule, item, binding).unwrap_or(says),
        (_, "") => says,
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
        ClauseKind::Signal(signal) => signal.clone(),
        ClauseKind::Fact(relation) => relation.name.to_owned(),
        ClauseKind::Derived(detector) => detector.relation.name.to_owned(),
        ClauseKind::Metric(query) => query.metrics().join(", "),
    }
}

/// What an open item needs: one entry for each clause in it that is unknown and that the rule tells how to collect.
fn missing_of(rule: &Rule, item: &Item, binding: &Binding, would_add_db: f64) -> Vec<Missing> {
    // a comparison is open where a variable in it is: what would bind that is what to collect
    let unbound: BTreeSet<&str> =
        compared(&item.when).into_iter().filter(|it| !binding.variables.contains_key(*it)).collect();
    let binders = rule.clauses.iter().filter(|it| it.binds().any(|it| unbound.contains(it))).map(|it| it.name.as_str());
    let mut names = mentioned(&item.when);
    names.extend(binders);
    let mut told = BTreeSet::new();
    names.retain(|it| told.insert(*it));
    let open = names.into_iter().filter_map(|name| {
        let judged = binding.answers.get(name).filter(|it| it.truth == Truth::Unknown)?;
        let collect = rule.missing.get(name)?.render(binding);
        let (node, reason) = (judged.node.clone(), judged.reason.clone());
        Some(Missing { clause: name.to_owned(), node, collect, reason, would_add_db })
    });
    open.collect()
}

/// The variables a condition compares.
fn compared(when: &When) -> Vec<&str> {
    match when {
        When::Not(inner) => compared(inner),
        When::All(parts) | When::Any(parts) => parts.iter().flat_map(compared).collect(),
        When::Compare(expression) => expression.variables(),
        When::Clause(_) | When::Before(..) | When::Gap { .. } => Vec::new(),
    }
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
            group: item.and_then(|it| it.group.clone()),
        });
    }
    order(&mut steps);
    steps
}

/// Whether two steps are shadows of one event: which of them was seen first says nothing of cause and effect.
fn shadows(a: &Step, b: &Step) -> bool {
    a.group.is_some() && a.group == b.group
}

/// Compares each step with the one before it; shadows of one event stand as they were seen.
pub(super) fn order(steps: &mut [Step]) {
    for run in steps.chunk_by_mut(shadows) {
        if run.iter().all(|it| it.at.is_known() && !it.state) {
            run.sort_by_key(|it| it.at.nominal.lo);
        }
    }
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
