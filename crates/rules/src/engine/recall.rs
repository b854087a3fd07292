//! What was asked before: of many rules that begin with the same question only the first two look for the answer.
//!
//! A question is the same where a clause asks the same of the same rows, in whatever rule it stands, and nothing that is
//! known of the variables narrows it yet. The first answer is not kept: most questions are asked once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use timeline::{Name, Relation, Source};

use super::coverage::{self, Coverage};
use super::rows::Rows;
use super::{Binding, Case};
use crate::language::window::{Tally, Within};
use crate::language::{Clause, ClauseKind};

/// Answers of more groups than this are looked for each time.
const MOST_GROUPS: usize = 256;

/// Logs of some sources, of a node, or of every node.
type Logs = (Vec<Source>, Option<Name>, bool);

/// Questions of a case that were asked, and answers.
#[derive(Default)]
pub(super) struct Recall {
    /// By the clause as written, which tells most of them apart.
    asked: RefCell<BTreeMap<String, Vec<Remembered>>>,
    /// Whether logs of some sources were collected at all: of a node, or of every node.
    logs: RefCell<BTreeMap<Logs, Coverage>>,
    /// Whether the rows of a relation were.
    collected: RefCell<BTreeMap<(&'static str, Option<Name>), Coverage>>,
}

/// A question, and its answer once that was looked for twice.
struct Remembered {
    question: Question,
    answer: Option<Answer>,
}

/// What was found, and what of the budgets of a rule it took.
struct Answer {
    rows: Rc<Rows>,
    spent: u64,
    steps: u64,
}

/// What a clause asks, without the names of the clause and its rule.
#[derive(PartialEq)]
struct Question {
    of: Name,
    asked: BTreeMap<String, String>,
    within: Option<Within>,
    tallies: Vec<Tally>,
    best: Option<String>,
    latest: bool,
}

impl Question {
    fn of(clause: &Clause) -> Question {
        Question {
            of: subject(clause),
            asked: clause.asked.clone(),
            within: clause.within.clone(),
            tallies: clause.tallies.clone(),
            best: clause.best.clone(),
            latest: clause.latest,
        }
    }

    fn is_asked_by(&self, clause: &Clause) -> bool {
        let alike = self.asked == clause.asked && self.within == clause.within && self.tallies == clause.tallies;
        alike && self.best == clause.best && self.latest == clause.latest && self.of == subject(clause)
    }
}

/// Where it looks. The names of signals, relations and detectors differ; a query is more than a name.
fn subject(clause: &Clause) -> Name {
    match &clause.kind {
        ClauseKind::Signal(name) => name.as_str().into(),
        ClauseKind::Fact(relation) => relation.name.into(),
        ClauseKind::Derived(detector) => detector.relation.name.into(),
        ClauseKind::Metric(query) => query.text().clone(),
    }
}

/// The answer to a clause: looked for, or remembered.
pub(super) fn recalled(case: &Case<'_>, clause: &Clause, binding: &Binding, look: impl FnOnce() -> Rows) -> Rows {
    if !binding.variables.is_empty() || !binding.answers.is_empty() {
        return look();
    }
    let (rows_left, steps_left) = (case.budget.get(), case.steps.get());
    let mut second = false;
    if let Some(known) = case.recall.asked.borrow().get(&clause.written)
        && let Some(known) = known.iter().find(|it| it.question.is_asked_by(clause))
    {
        match &known.answer {
            // it costs a rule what it would have cost alone; where that is too much, it looks how far it gets
            Some(it) if it.spent < rows_left && it.steps < steps_left => {
                case.budget.set(rows_left - it.spent);
                case.steps.set(steps_left - it.steps);
                return Rows::clone(&it.rows);
            }
            Some(_) => {}
            None => second = true,
        }
    }
    let rows = look();
    let (spent, steps) = (rows_left - case.budget.get(), steps_left - case.steps.get());
    if rows.over_budget || case.budget.get() == 0 || case.steps.get() == 0 {
        return rows;
    }
    let mut asked = case.recall.asked.borrow_mut();
    let known = asked.entry(clause.written.clone()).or_default();
    match known.iter_mut().find(|it| it.question.is_asked_by(clause)) {
        None => known.push(Remembered { question: Question::of(clause), answer: None }),
        Some(it) if second && rows.groups.len() <= MOST_GROUPS => {
            it.answer = Some(Answer { rows: Rc::new(rows.clone()), spent, steps });
        }
        Some(_) => {}
    }
    rows
}

impl Case<'_> {
    /// Whether logs of some sources were collected, whenever it was.
    pub(super) fn logs(&self, sources: &[Source], node: Option<&Name>, everywhere: bool) -> Coverage {
        let key = (sources.to_vec(), node.cloned(), everywhere);
        let mut known = self.recall.logs.borrow_mut();
        let look = || coverage::logs(self.timeline, sources, node, everywhere, None);
        known.entry(key).or_insert_with(look).clone()
    }

    /// Whether the rows of a relation were collected.
    pub(super) fn collected(&self, relation: &'static Relation, node: Option<&Name>) -> Coverage {
        let node = node.filter(|_| relation.per_node);
        let mut known = self.recall.collected.borrow_mut();
        let look = || coverage::collected(self.timeline, relation.name, node);
        known.entry((relation.name, node.cloned())).or_insert_with(look).clone()
    }
}

#[cfg(test)]
mod tests {
    use timeline::{Fact, MemberId, NodeNames, Quote, Row, Span, Timeline, relation};

    use crate::Pack;
    use crate::promql::testing::series;

    fn fact(key: &str, value: i64, line: u32) -> Fact {
        let row = Row::new(&relation::SYSCTL).with("key", key).with("value", value);
        let span = Span { member: MemberId(0), start: u64::from(line), len: 1, line };
        Fact::new(row, Some("node-a".into()), Quote { span, text: format!("{key} = {value}").into() })
    }

    fn rule(name: &str, clause: &str) -> (String, String) {
        let frame = format!("let:\n  a: {clause}\nframe: [a]\nfor:\n  - {{ when: a, weight: strong }}\n");
        (format!("{name}.yaml"), format!("rule: {name}\ntitle: 't {{$node}}'\nimpact: i\n{frame}"))
    }

    #[test]
    fn however_many_rules_ask_the_same_each_has_the_answer_it_would_have_alone() {
        let points: Vec<(i64, f64)> = (0..50).map(|it| (1_690_120_800 + it * 15, it as f64)).collect();
        let timeline = Timeline {
            facts: vec![fact("x", 7, 1), fact("y", 3, 2)],
            series: vec![series("m", &[], Some("node-a"), &points)],
            nodes: NodeNames::unify(&["node-a".into()], &[]),
            ..Timeline::default()
        };
        let questions = [
            ("high", "{ fact: sysctl, node: $node, key: x, value: '> 5' }"),
            ("low", "{ fact: sysctl, node: $node, key: x, value: '> 50' }"),
            // these two read the same when they are written in one line
            ("split", "{ fact: sysctl, node: $node, key: y, value: 3 }"),
            ("whole", "{ fact: sysctl, node: $node, key: 'y, value: 3' }"),
            ("measured", "{ promql: 'max by (node) (m) > 40', node: $node }"),
            ("quiet", "{ promql: 'max by (node) (m) > 400', node: $node }"),
            ("silent", "{ promql: 'max by (node) (other) > 400', node: $node }"),
        ];
        let alone = |(name, clause): &(&str, &str)| {
            let pack = Pack::of_texts(&[rule(name, clause)]).expect("a rule");
            format!("{:?}", pack.diagnose(&timeline)).replace(&format!("\"{name}\""), "\"\"")
        };
        let copies = (0..4).flat_map(|nth| questions.iter().map(move |it| rule(&format!("{}-{nth}", it.0), it.1)));
        let many = Pack::of_texts(&copies.collect::<Vec<_>>()).expect("rules");
        let many = many.diagnose(&timeline);
        for question in &questions {
            let own = alone(question);
            for nth in 0..4 {
                let name = format!("{}-{nth}", question.0);
                let found = many.hypotheses.iter().find(|it| it.rule == name);
                assert_eq!(found.is_some(), own.contains("hypotheses: [Hypothesis"), "{name}");
                if let Some(found) = found {
                    let evidence = format!("{:?}", found.evidence[0].quotes);
                    assert!(own.contains(&evidence), "{name}: {evidence} is not in {own}");
                }
                for list in [&many.looked_for, &many.could_not_look] {
                    let told = list.iter().find(|it| it.rule == name);
                    assert!(
                        told.is_none_or(|it| own.contains(&it.reason) && own.contains(&it.collect)),
                        "{name}: {told:?}"
                    );
                }
            }
        }
        let told = |name: &str| many.looked_for.iter().chain(&many.could_not_look).any(|it| it.rule == name);
        assert!(["low-3", "whole-3", "quiet-3", "silent-3"].iter().all(|it| told(it)) && !told("split-3"));
    }
}
