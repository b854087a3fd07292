//! Judging clauses: what the rows of a case say, and whether a row that is not there would have been.

mod bugs;
mod coverage;
mod frame;
mod holds;
mod judge;
mod metric;
mod recall;
mod rows;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use timeline::{Fact, Interval, Name, Quote, Source, Time, Timeline, Truth, Value};

pub(crate) use frame::{MOST_FRAMES, frames};
pub(crate) use holds::holds;
pub(crate) use judge::judge;
pub(crate) use rows::sightings;

use crate::Pack;
use crate::alerts::{self, Alert, Alerts};
use crate::detectors;
use crate::language::expression::Scope;
use crate::language::{Clause, ClauseKind, Signal, When};
use crate::promql::{Outcome, Store};
use crate::signals::Match;
use recall::Recall;
use window::Boots;

/// A query as written, the node it is asked of, and the values of its variables.
type Asked = (Name, Option<Name>, Vec<String>);

/// A timeline prepared for questions, and what of its budget the rule at hand has left. What a rule is told does not hang on the
/// rules that were asked before it, so parts of a pack may ask at the same time, each a case of its own ([`Case::of`]).
pub(crate) struct Case<'t> {
    known: Arc<Known<'t>>,
    /// What metric clauses were told.
    answers: RefCell<BTreeMap<Asked, Rc<Outcome>>>,
    recall: Recall,
    /// Rows the rule at hand may still look at.
    budget: Cell<u64>,
    /// Values of metrics the rule at hand may still look at.
    steps: Cell<u64>,
    /// How many of them each rule has.
    pub(crate) most_steps: u64,
    /// Whether this is the case itself, and not what a hypothesis cites of it: only then does it say what else was seen.
    pub(crate) whole: bool,
}

/// What is known of a case before any rule is asked.
pub(crate) struct Known<'t> {
    pub(crate) timeline: &'t Timeline,
    pub(crate) signals: &'t BTreeMap<String, Signal>,
    matches: BTreeMap<&'t str, Vec<Match>>,
    facts: BTreeMap<&'static str, Vec<&'t Fact>>,
    derived: BTreeMap<&'static str, Vec<Fact>>,
    /// Rows of a relation or signal said of one node, by place.
    by_node: BTreeMap<&'t str, BTreeMap<Name, Vec<u32>>>,
    boots: Boots,
    /// What metric clauses ask.
    metrics: Store<'t>,
    /// Alerts of the user that would have fired, and what of them could not be evaluated.
    pub(crate) alerts: (Vec<Alert>, Vec<String>),
    /// Whether there are any that could.
    pub(crate) alerting: bool,
}

impl<'t> Deref for Case<'t> {
    type Target = Known<'t>;

    fn deref(&self) -> &Known<'t> {
        &self.known
    }
}

/// How many rows a rule may look at, over all its bindings and clauses: a rule that joins large tables without a shared
/// variable must not hold up the others.
pub(crate) const MOST_ROWS: u64 = 20_000_000;
/// How many values of metrics (series times instants) the queries of a rule may look at, over all its nodes and bindings.
pub(crate) const MOST_STEPS: u64 = 300_000_000;

impl<'t> Case<'t> {
    pub(crate) fn new(timeline: &'t Timeline, pack: &'t Pack, alerts: &Alerts) -> Case<'t> {
        let mut facts: BTreeMap<&'static str, Vec<&Fact>> = BTreeMap::new();
        for fact in &timeline.facts {
            facts.entry(fact.row.relation.name).or_default().push(fact);
        }
        let found = |it: &&detectors::Detector| (it.relation.name, (it.find)(timeline));
        let derived: Vec<(&'static str, Vec<Fact>)> = detectors::DETECTORS.par_iter().map(found).collect();
        let derived = derived.into_iter().collect();
        let matches = pack.prefilter.find(timeline);
        let boots = Boots::of(timeline);
        let (by_node, metrics) = (BTreeMap::new(), Store::of(timeline));
        let (alerting, alerts) = (!alerts.is_empty(), alerts::evaluate(alerts, timeline));
        let mut known = Known {
            alerts,
            alerting,
            timeline,
            signals: &pack.signals,
            matches,
            facts,
            derived,
            by_node,
            boots,
            metrics,
        };
        known.index();
        let case = Case::of(Arc::new(known), MOST_STEPS, true);
        let bugs = bugs::rows(&case, &pack.bugs);
        // what was remembered on the way goes: there are more rows now than it was looked for in
        let mut known = Arc::into_inner(case.known).expect("nobody else has it yet");
        known.derived.insert(detectors::known_bug::RELATION.name, bugs);
        known.derived.insert(detectors::alert::RELATION.name, alerts::rows(&known.alerts.0));
        known.index();
        Case::of(Arc::new(known), MOST_STEPS, true)
    }

    /// The same, with nothing asked yet.
    pub(crate) fn of(known: Arc<Known<'t>>, most_steps: u64, whole: bool) -> Case<'t> {
        let (budget, steps) = (Cell::new(MOST_ROWS), Cell::new(most_steps));
        let (answers, recall) = (RefCell::default(), Recall::default());
        Case { known, answers, recall, budget, steps, most_steps, whole }
    }

    /// What is known before any rule is asked, for others to ask as well.
    pub(crate) fn known(&self) -> &Arc<Known<'t>> {
        &self.known
    }
}

impl<'t> Known<'t> {
    /// Notes which rows are said of which node, where there are enough of them to matter.
    fn index(&mut self) {
        let mut by_node: BTreeMap<&'t str, BTreeMap<Name, Vec<u32>>> = BTreeMap::new();
        let mut note = |name: &'t str, rows: &mut dyn Iterator<Item = Option<Name>>| {
            let index = by_node.entry(name).or_default();
            for (at, node) in rows.enumerate() {
                index.entry(node.unwrap_or_default()).or_default().push(at as u32);
            }
        };
        for (name, facts) in self.facts.iter().filter(|it| it.1.len() >= WORTH_AN_INDEX) {
            note(name, &mut facts.iter().map(|it| it.node.clone()));
        }
        for (name, facts) in self.derived.iter().filter(|it| it.1.len() >= WORTH_AN_INDEX) {
            note(name, &mut facts.iter().map(|it| it.node.clone()));
        }
        for (name, matches) in self.matches.iter().filter(|it| it.1.len() >= WORTH_AN_INDEX) {
            note(name, &mut matches.iter().map(|it| Row::Line(&self.timeline.events[it.event], it).node()));
        }
        self.by_node = by_node;
    }
}

impl Case<'_> {
    /// The rows of a relation that was worked out.
    pub(crate) fn derived_rows(&self, relation: &str) -> &[Fact] {
        self.derived.get(relation).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the relations leave out.
    pub(crate) fn limits_hit(&self) -> Vec<String> {
        let rows = self.derived_rows("route.lookup").len();
        detectors::route_lookup::cut(self.timeline, rows).into_iter().collect()
    }

    /// Whether the log in which a clause found something was collected, whole, over a stretch of time; of what a container
    /// says, whether any other was that would show it.
    pub(crate) fn goes_on(&self, clause: &Clause, found: &Found, node: Option<&Name>, stretch: Time) -> bool {
        let name = found.cells.get("source").map(ToString::to_string);
        let source = Source::ALL.into_iter().find(|it| name.as_deref() == Some(it.name()));
        let coverage = match source {
            Some(source) if source != Source::ContainerLog => {
                coverage::logs(self.timeline, &[source], node, node.is_none(), Some(stretch))
            }
            _ => self.coverage(clause, node, Some(stretch)),
        };
        matches!(coverage, coverage::Coverage::Covered)
    }

    /// Whether the log of a source goes on, whole, from one time to another of the same clock.
    pub(crate) fn is_quiet(&self, source: Source, node: Option<&Name>, from: &Time, to: &Time) -> bool {
        let between = |a: Interval, b: Interval| Interval { lo: a.hi, hi: b.lo.max(a.hi) };
        let stretch =
            Time { nominal: between(from.nominal, to.nominal), full: between(from.full, to.full), clock: from.clock };
        let coverage = coverage::logs(self.timeline, &[source], node, node.is_none(), Some(stretch));
        matches!(coverage, coverage::Coverage::Covered)
    }

    /// Begins a rule: it has the whole budget.
    pub(crate) fn begin(&self) {
        self.budget.set(MOST_ROWS);
        self.steps.set(self.most_steps);
    }

    /// Whether the queries of the rule at hand have used up theirs.
    pub(crate) fn is_out_of_steps(&self) -> bool {
        self.steps.get() == 0
    }

    /// Whether the rule at hand has used up its budget.
    pub(crate) fn is_spent(&self) -> bool {
        self.budget.get() == 0
    }

    /// Takes so many rows off the budget of the rule at hand.
    fn spend(&self, rows: usize) -> bool {
        // a clause costs something even where there is nothing to look at
        let left = self.budget.get().saturating_sub(rows as u64 + 1);
        self.budget.set(left);
        left > 0
    }

    /// The rows a clause looks at: those of its node, where it asks for one.
    fn rows<'c>(&'c self, clause: &Clause, binding: &Binding) -> Vec<Row<'c>> {
        let index = |name: &str| {
            let node = judge::asked_node(clause, binding)?;
            Some(self.by_node.get(name)?.get(&node).map(Vec::as_slice).unwrap_or_default())
        };
        let fact = |name: &'static str, all: &'c [Fact]| match index(name) {
            Some(places) => places.iter().map(|it| Row::Fact(&all[*it as usize])).collect(),
            None => all.iter().map(Row::Fact).collect(),
        };
        match &clause.kind {
            ClauseKind::Signal(name) => {
                let matches = self.matches.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
                let row = |it: &'c Match| Row::Line(&self.timeline.events[it.event], it);
                match index(name) {
                    Some(places) => places.iter().map(|it| row(&matches[*it as usize])).collect(),
                    None => matches.iter().map(row).collect(),
                }
            }
            ClauseKind::Fact(relation) => {
                let all = self.facts.get(relation.name).map(Vec::as_slice).unwrap_or_default();
                match index(relation.name) {
                    Some(places) => places.iter().map(|it| Row::Fact(all[*it as usize])).collect(),
                    None => all.iter().map(|it| Row::Fact(it)).collect(),
                }
            }
            ClauseKind::Derived(detector) => {
                let name = detector.relation.name;
                fact(name, self.derived.get(name).map(Vec::as_slice).unwrap_or_default())
            }
            ClauseKind::Metric(_) => Vec::new(),
        }
    }
}

/// Below this, looking at every row costs less than an index.
const WORTH_AN_INDEX: usize = 64;

/// One row, whatever it was read from.
#[derive(Clone, Copy)]
enum Row<'c> {
    Line(&'c timeline::Event, &'c Match),
    Fact(&'c Fact),
}

impl<'c> Row<'c> {
    fn get(&self, column: &str) -> Value {
        match self {
            Row::Fact(fact) => fact.get(column),
            Row::Line(event, of) => match column {
                // a line may speak of another node than the one it was written on: a router of its neighbour
                "node" => {
                    let named = of.captures.iter().find(|(name, _)| &**name == "node").map(|it| it.1.clone());
                    named.unwrap_or_else(|| event.node.clone().into())
                }
                "unit" => event.unit.clone().into(),
                "source" => Value::from(event.source.name()),
                "message" => Value::from(&*event.message),
                "severity" => event.severity.map(|it| i64::from(it as u8)).into(),
                "count" => Value::from(event.count),
                other => {
                    of.captures.iter().find(|(name, _)| &**name == other).map_or(Value::Nothing, |it| it.1.clone())
                }
            },
        }
    }

    /// The node it is said of.
    fn node(&self) -> Option<Name> {
        match self.get("node") {
            Value::Text(it) => Some(it),
            _ => None,
        }
    }

    /// How often at this very instant: what an object counts over hours is one there.
    fn count_at_once(&self) -> u64 {
        match self {
            Row::Line(event, _) if event.source != Source::KubeEvent => u64::from(event.count.max(1)),
            _ => 1,
        }
    }

    fn at(&self) -> Time {
        match self {
            Row::Fact(fact) => fact.at,
            Row::Line(event, _) => event.at,
        }
    }

    fn quotes(&self) -> &'c [Quote] {
        match self {
            Row::Fact(fact) => &fact.quotes,
            Row::Line(event, _) => std::slice::from_ref(&event.quote),
        }
    }

    fn count(&self) -> u64 {
        match self {
            Row::Fact(fact) => fact.get("count").as_number().map_or(1, |it| it.max(1.0) as u64),
            Row::Line(event, _) => u64::from(event.count.max(1)),
        }
    }
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bound {
    Value(Value),
    Time(Time),
}

/// What a clause found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// The first of its kind.
    pub(crate) at: Time,
    /// The last of its kind.
    pub(crate) last: Time,
    /// What to show, the most telling first.
    pub(crate) quotes: Vec<Quote>,
    /// How many like it.
    pub(crate) count: u64,
    /// The cells of the row shown, by column.
    pub(crate) cells: BTreeMap<String, Value>,
    /// Whether this is state: it held when it was collected, at `at`, and nobody knows since when.
    pub(crate) state: bool,
}

/// The answer to one clause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub(crate) truth: Truth,
    /// What makes it true; of a false clause, what it ran into.
    pub(crate) found: Option<Found>,
    /// Why it is false or unknown.
    pub(crate) reason: String,
    /// Of an unknown one: what to collect.
    pub(crate) collect: String,
    /// The node it was asked of.
    pub(crate) node: Option<Name>,
}

/// One way to fill in the variables of a rule, with the answers so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Binding {
    pub(crate) variables: BTreeMap<String, Bound>,
    pub(crate) answers: BTreeMap<String, Judged>,
}

impl Judged {
    fn unknown(reason: String, found: Option<Found>, node: Option<Name>) -> Judged {
        Judged { truth: Truth::Unknown, found, reason, collect: String::new(), node }
    }
}

impl Binding {
    pub(crate) fn time(&self, variable: &str) -> Option<Time> {
        match self.variables.get(variable)? {
            Bound::Time(time) => Some(*time),
            Bound::Value(_) => None,
        }
    }

    /// The variables that are not times, in order: what tells one hypothesis from another.
    pub(crate) fn values(&self) -> BTreeMap<&str, String> {
        self.variables
            .iter()
            .filter_map(|(name, bound)| match bound {
                Bound::Value(it) => Some((name.as_str(), it.to_string())),
                Bound::Time(_) => None,
            })
            .collect()
    }
}

impl Scope for Binding {
    fn variable(&self, name: &str) -> Option<Value> {
        match self.variables.get(name)? {
            Bound::Value(value) => Some(value.clone()),
            Bound::Time(time) if time.is_known() => {
                Some(Value::from(time.nominal.lo.format("%Y-%m-%d %H:%M:%S").to_string()))
            }
            Bound::Time(_) => None,
        }
    }

    fn column(&self, clause: &str, column: &str) -> Option<Value> {
        let judged = self.answers.get(clause)?;
        let found = judged.found.as_ref()?;
        match column {
            "count" if !found.cells.contains_key("count") => i64::try_from(found.count).ok().map(Value::Int),
            _ => found.cells.get(column).cloned(),
        }
    }
}

/// The sources that would show the rows of a relation that comes from logs.
fn log_sources(relation: &str) -> Option<&'static [Source]> {
    match relation {
        "kernel.report" => Some(&[Source::Kernel]),
        "kube.event" => Some(&[Source::KubeEvent]),
        "boot.end" | "boot.start" => Some(&[Source::Kernel, Source::System, Source::Kubelet]),
        "boot.recovery" => Some(&[Source::Kernel, Source::System]),
        "go.crash" => Some(&[Source::Kubelet, Source::Runtime, Source::ContainerLog, Source::Calico]),
        _ => None,
    }
}

/// Relations besides those of logs whose rows carry the time of what they tell.
const DATED: [&str; 9] = [
    "container.state",
    "log.loss",
    "clock.anchor",
    "boot",
    "certificate",
    "lease",
    "node.condition",
    "net.change",
    "lsm.denial",
];

/// Whether nothing ever tells that a relation was collected: rows of it say what they found, not what they looked through.
pub(crate) fn shows_nothing(relation: &str) -> bool {
    const REMARKS: [&str; 7] =
        ["log.loss", "collect.failure", "clock.anchor", "clock.zone", "clock.collected", "node.alias", "member"];
    REMARKS.contains(&relation)
}

/// Whether a clause looks at lines of logs, of which there may always be more.
pub(crate) fn is_log(clause: &Clause) -> bool {
    match &clause.kind {
        ClauseKind::Signal(_) => true,
        ClauseKind::Fact(relation) => log_sources(relation.name).is_some(),
        ClauseKind::Derived(_) | ClauseKind::Metric(_) => false,
    }
}

/// Whether what a clause finds is state rather than something that happened.
fn is_state(clause: &Clause) -> bool {
    let state = |relation: &str| log_sources(relation).is_none() && !DATED.contains(&relation);
    match &clause.kind {
        ClauseKind::Signal(_) => false,
        ClauseKind::Metric(query) => query.is_state(),
        ClauseKind::Fact(relation) => state(relation.name),
        ClauseKind::Derived(detector) => detector.needs.iter().all(|it| *it != "series" && state(it)),
    }
}

/// The clauses that make a condition true: of alternatives only those that hold.
pub(crate) fn supporting<'w>(when: &'w When, binding: &Binding) -> Vec<&'w str> {
    match when {
        When::All(parts) => parts.iter().flat_map(|it| supporting(it, binding)).collect(),
        When::Any(parts) => {
            let holding = parts.iter().filter(|it| holds(it, binding) == Truth::True);
            holding.flat_map(|it| supporting(it, binding)).collect()
        }
        When::Clause(_) | When::Not(_) | When::Compare(_) | When::Before(..) | When::Gap { .. } => mentioned(when),
    }
}

/// The clauses a condition mentions.
pub(crate) fn mentioned(when: &When) -> Vec<&str> {
    match when {
        When::Clause(name) => vec![name],
        When::Not(inner) => mentioned(inner),
        When::All(parts) | When::Any(parts) => parts.iter().flat_map(mentioned).collect(),
        When::Compare(expression) => expression.clauses(),
        When::Before(..) | When::Gap { .. } => Vec::new(),
    }
}
