//! The rows of a clause: those that pass, grouped by what they bind, and how many there are.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Quote, Span, Time, Value};

use super::metric::metric_groups;
use super::recall::recalled;
use super::window::Window;
use super::{Binding, Case, Found, Row, is_state};
use crate::infer::Sighting;
use crate::language::condition::Condition;
use crate::language::expression::{Scope, number};
use crate::language::window::{Counted, Tally};
use crate::language::{Clause, ClauseKind};

/// Rows that agree in the variables a clause binds.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) binds: BTreeMap<String, Value>,
    pub(super) found: Found,
}

/// What a clause found among the rows it looks at.
#[derive(Clone, Default)]
pub(super) struct Rows {
    /// The rows that pass, grouped by the variables they would bind.
    pub(super) groups: Vec<Group>,
    /// A row that was picked but judged otherwise.
    pub(super) near_miss: Option<Found>,
    /// What a metric clause compares was measured, and there is nothing to show of it.
    pub(super) measured: bool,
    /// A column that had to be judged and is empty in a row that was picked: neither true nor false.
    pub(super) silent: Option<String>,
    /// Some that pass, but not as many as must be, and how many in words.
    pub(super) few: Option<(Found, String)>,
    /// The rule may look at no more rows.
    pub(super) over_budget: bool,
}

/// What is counted of a group whose number matters.
#[derive(Default)]
struct Counts<'c> {
    /// When, how often, the value of the column whose values are counted, and where it stands.
    rows: Vec<(Time, u64, String, Option<&'c Quote>)>,
}

/// So many rows are quoted at most to show that there are enough.
const MOST_CITED: usize = 20;

/// What a condition on one row can read: the row's other columns, then what is bound.
pub(super) struct OnRow<'r, F: Fn(&str) -> Value> {
    pub(super) cell: F,
    pub(super) binding: &'r Binding,
}

impl<F: Fn(&str) -> Value> Scope for OnRow<'_, F> {
    fn variable(&self, name: &str) -> Option<Value> {
        self.binding.variable(name)
    }

    fn column(&self, clause: &str, column: &str) -> Option<Value> {
        if clause.is_empty() {
            return Some((self.cell)(column)).filter(Value::is_some);
        }
        self.binding.column(clause, column)
    }
}

/// Looks at the rows of a clause, or remembers what was found there.
pub(super) fn groups(case: &Case<'_>, clause: &Clause, binding: &Binding) -> Rows {
    match &clause.kind {
        // most signals of most cases were never seen
        ClauseKind::Signal(name) if !case.matches.contains_key(name.as_str()) => {
            Rows { over_budget: !case.spend(0), ..Rows::default() }
        }
        ClauseKind::Signal(_) => grouped(case, clause, binding),
        ClauseKind::Metric(query) => recalled(case, clause, binding, || metric_groups(case, clause, query, binding)),
        ClauseKind::Fact(_) | ClauseKind::Derived(_) => {
            recalled(case, clause, binding, || grouped(case, clause, binding))
        }
    }
}

/// What passes of the rows of a clause.
fn grouped(case: &Case<'_>, clause: &Clause, binding: &Binding) -> Rows {
    let mut groups: Vec<Group> = Vec::new();
    let mut at_key: BTreeMap<String, usize> = BTreeMap::new();
    let mut counts: Vec<Counts> = Vec::new();
    let counted = clause.tallies.iter().find_map(|it| match &it.what {
        Counted::Distinct(column) => Some(column.as_str()),
        _ => None,
    });
    let (mut near_miss, mut silent) = (None, None);
    let window = Window::of(case, clause, binding);
    let identified = is_identified(clause, binding);
    let rows = case.rows(clause, binding);
    if !case.spend(rows.len()) {
        return Rows { over_budget: true, ..Rows::default() };
    }
    'rows: for row in rows {
        let (mut judged_false, mut empty) = (false, None);
        for (column, condition) in &clause.conditions {
            let value = row.get(column);
            if !condition.passes(&value, &OnRow { cell: |it| row.get(it), binding }) {
                if condition.picks() && !(identified && is_verdict(column, condition)) {
                    continue 'rows;
                }
                if value.is_some() {
                    judged_false = true;
                } else {
                    empty = Some(column);
                }
            }
        }
        if window.as_ref().is_some_and(|it| !it.may_hold(case, &row)) {
            continue;
        }
        if judged_false {
            near_miss.get_or_insert_with(|| found(&row, clause));
            continue;
        }
        if let Some(column) = empty {
            silent.get_or_insert_with(|| column.clone());
            continue;
        }
        let binds: BTreeMap<String, Value> = clause
            .conditions
            .iter()
            .filter_map(|(column, condition)| match condition {
                Condition::Variable(name) => Some((name.to_string(), row.get(column))),
                _ => None,
            })
            .collect();
        let key: String = binds.values().map(|it| format!("{it}\u{0}")).collect();
        let at = match at_key.get(&key) {
            Some(&at) => {
                merge(&mut groups[at].found, &row, clause);
                at
            }
            None => {
                at_key.insert(key, groups.len());
                groups.push(Group { binds, found: found(&row, clause) });
                counts.push(Counts::default());
                groups.len() - 1
            }
        };
        if !clause.tallies.is_empty() {
            let value = counted.map_or_else(String::new, |it| row.get(it).to_string());
            counts[at].rows.push((row.at(), row.count_at_once(), value, row.quotes().first()));
        }
    }
    if clause.tallies.is_empty() {
        return Rows { groups, near_miss, silent, ..Rows::default() };
    }
    let (mut enough, mut few) = (Vec::new(), None);
    for (mut group, mut counts) in groups.into_iter().zip(counts) {
        match clause.tallies.iter().find_map(|it| counts.falls_short(it, group.found.count)) {
            None => {
                for tally in &clause.tallies {
                    counts.cite(tally, &clause.kind, &mut group.found.quotes);
                }
                enough.push(group);
            }
            Some(words) => {
                few.get_or_insert((group.found, words));
            }
        }
    }
    Rows { groups: enough, near_miss, silent, few, ..Rows::default() }
}

/// Every line that a clause found with its variables bound, where it looks at lines without counting them.
pub(crate) fn sightings(case: &Case<'_>, clause: &Clause, binding: &Binding) -> Vec<Sighting> {
    if !matches!(clause.kind, ClauseKind::Signal(_)) || clause.absent || !clause.tallies.is_empty() {
        return Vec::new();
    }
    let window = Window::of(case, clause, binding);
    let passes = |row: &Row<'_>| {
        let on_row = OnRow { cell: |it: &str| row.get(it), binding };
        clause.conditions.iter().all(|(column, it)| it.passes(&row.get(column), &on_row))
            && window.as_ref().is_none_or(|it| it.may_hold(case, row))
    };
    let sighting = |row: Row<'_>| match row {
        Row::Line(_, it) => Some(it.event as Sighting),
        Row::Fact(_) => None,
    };
    case.rows(clause, binding).into_iter().filter(passes).filter_map(sighting).collect()
}

impl Counts<'_> {
    /// How many there are, in words, where that is not what is asked for.
    fn falls_short(&mut self, tally: &Tally, all: u64) -> Option<String> {
        self.rows.sort_by_key(|it| (!it.0.is_known(), it.0.nominal));
        let most = match &tally.what {
            Counted::Seconds => self.lasted(),
            Counted::Records if tally.span_secs.is_none() => all as f64,
            _ => self.most(tally),
        };
        let holds = if tally.below { most < tally.limit } else { most >= tally.limit };
        (!holds).then(|| tally.tells(most))
    }

    /// Quotes as many rows as were asked for: of lines the number is told with the first, but a fact is one row, and of
    /// different values each is another line.
    fn cite(&self, tally: &Tally, kind: &ClauseKind, quotes: &mut Vec<Quote>) {
        let distinct = matches!(tally.what, Counted::Distinct(_));
        let counted = matches!(tally.what, Counted::Records) && !matches!(kind, ClauseKind::Signal(_));
        let need = tally.limit.ceil();
        if tally.below || !(distinct || counted) || !(2.0..=MOST_CITED as f64).contains(&need) {
            return;
        }
        let timed = tally.span_secs.is_some();
        let rows: Vec<_> = self.rows.iter().filter(|it| !timed || it.0.is_known()).collect();
        let (mut start, mut sum) = (0, 0);
        let mut values: BTreeMap<&str, u64> = BTreeMap::new();
        for (end, row) in rows.iter().enumerate() {
            sum += row.1;
            *values.entry(&row.2).or_insert(0) += 1;
            while tally.span_secs.is_some_and(|it| (row.0.nominal.lo - rows[start].0.nominal.lo).num_seconds() > it) {
                sum -= rows[start].1;
                if let Some(left) = values.get_mut(rows[start].2.as_str()) {
                    *left -= 1;
                    if *left == 0 {
                        values.remove(rows[start].2.as_str());
                    }
                }
                start += 1;
            }
            if (if distinct { values.len() as f64 } else { sum as f64 }) < need {
                continue;
            }
            // the first stretch that has enough
            let mut seen = BTreeSet::new();
            let known: BTreeSet<Span> = quotes.iter().map(|it| it.span).collect();
            let cited =
                rows[start..=end].iter().filter(|it| !distinct || seen.insert(it.2.as_str())).filter_map(|it| it.3);
            quotes.extend(cited.filter(|it| !known.contains(&it.span)).take(MOST_CITED).cloned());
            return;
        }
    }

    fn lasted(&self) -> f64 {
        let known = || self.rows.iter().map(|it| it.0).filter(Time::is_known);
        match (known().map(|it| it.nominal.lo).min(), known().map(|it| it.nominal.lo).max()) {
            (Some(first), Some(last)) => (last - first).as_seconds_f64(),
            _ => 0.0,
        }
    }

    /// The most records, or different values, within any stretch of the asked length.
    fn most(&self, tally: &Tally) -> f64 {
        let distinct = matches!(tally.what, Counted::Distinct(_));
        let Some(span_secs) = tally.span_secs else {
            return self.rows.iter().map(|it| it.2.as_str()).collect::<BTreeSet<_>>().len() as f64;
        };
        let (mut best, mut start, mut sum) = (0, 0, 0);
        let mut values: BTreeMap<&str, u64> = BTreeMap::new();
        // what has no time cannot be told to be near anything
        let rows: Vec<_> = self.rows.iter().filter(|it| it.0.is_known()).collect();
        for end in &rows {
            sum += end.1;
            *values.entry(&end.2).or_insert(0) += 1;
            while (end.0.nominal.lo - rows[start].0.nominal.lo).num_seconds() > span_secs {
                sum -= rows[start].1;
                if let Some(left) = values.get_mut(rows[start].2.as_str()) {
                    *left -= 1;
                    if *left == 0 {
                        values.remove(rows[start].2.as_str());
                    }
                }
                start += 1;
            }
            best = best.max(if distinct { values.len() as u64 } else { sum });
        }
        best as f64
    }
}

/// Whether the rows of a detector are picked by something settled besides the node, an address say: then a word in
/// another column is the detector's verdict on it, and a different verdict is an answer.
fn is_identified(clause: &Clause, binding: &Binding) -> bool {
    let settled = |(column, condition): &(String, Condition)| {
        column != "node" && matches!(condition, Condition::Variable(name) if binding.variable(name).is_some())
    };
    matches!(clause.kind, ClauseKind::Derived(_)) && clause.conditions.iter().any(settled)
}

fn is_verdict(column: &str, condition: &Condition) -> bool {
    column != "metric" && column != "node" && matches!(condition, Condition::OneOf(_))
}

fn found(row: &Row<'_>, clause: &Clause) -> Found {
    let mut cells = BTreeMap::new();
    match row {
        Row::Fact(fact) => {
            for column in fact.row.relation.columns {
                cells.insert((*column).to_owned(), fact.get(column));
            }
        }
        Row::Line(_, of) => cells.extend(of.captures.iter().map(|(name, value)| (name.to_string(), value.clone()))),
    }
    cells.insert("node".to_owned(), row.get("node"));
    if let Row::Line(..) = row {
        for column in ["source", "unit", "severity", "message"] {
            cells.entry(column.to_owned()).or_insert_with(|| row.get(column));
        }
    }
    let (quotes, state) = (row.quotes().to_vec(), is_state(clause));
    Found { at: row.at(), last: row.at(), quotes, count: row.count(), cells, state }
}

/// Adds a row to its group; the earlier one is shown, or the one with more in the `best` column.
fn merge(group: &mut Found, row: &Row<'_>, clause: &Clause) {
    let at = row.at();
    let count = group.count + row.count();
    let last =
        if at.is_known() && (!group.last.is_known() || at.nominal > group.last.nominal) { at } else { group.last };
    let better = match &clause.best {
        Some(column) => match (number(&row.get(column)), group.cells.get(column).and_then(number)) {
            (Some(new), Some(old)) => new > old,
            (Some(_), None) => true,
            _ => false,
        },
        None if clause.latest => at.is_known() && (!group.at.is_known() || at.nominal.lo >= group.last.nominal.lo),
        None => at.is_known() && (!group.at.is_known() || at.nominal.lo < group.at.nominal.lo),
    };
    if better {
        let first = if group.at.is_known() && group.at.nominal.lo < at.nominal.lo && clause.best.is_none() {
            group.at
        } else {
            at
        };
        *group = Found { at: first, ..found(row, clause) };
    }
    group.count = count;
    group.last = last;
}
