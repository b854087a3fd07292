//! Operators between two expressions, and the matching of their labels.

use std::collections::BTreeMap;
use std::rc::Rc;

use timeline::Name;

use super::cite::Origin;
use super::column::{Column, Data};
use super::evaluate::Run;
use super::expr::{Expr, Keep, Many, NAME, Op};

/// The value of an operator.
pub(super) fn value(run: &Run<'_>, expr: &Expr, times: &[i64]) -> Data {
    let Expr::Binary { op, left, right, on, many, bool } = expr else { return Data::Vector(Vec::new()) };
    let (left, right) = (run.value(left, times), run.value(right, times));
    match (left, right) {
        (Data::Scalar(left), Data::Scalar(right)) => {
            Data::Scalar(left.iter().zip(&right).map(|(a, b)| plain(*op, *a, *b)).collect())
        }
        (Data::Vector(columns), Data::Scalar(other)) => {
            Data::Vector(with_scalar(columns, *op, *bool, |value, at| (value, other[at])))
        }
        (Data::Scalar(other), Data::Vector(columns)) => {
            Data::Vector(with_scalar(columns, *op, *bool, |value, at| (other[at], value)))
        }
        (Data::Vector(left), Data::Vector(right)) => {
            let mut columns = match (op, many) {
                (Op::And | Op::Or | Op::Unless, _) => return Data::Vector(sets(*op, left, right, on)),
                (_, Many::Neither) => one_to_one(*op, *bool, &left, &right, on, run),
                (_, Many::Left(taken)) => {
                    many_to_one(&left, &right, on, taken, run, |many, one| pair(*op, *bool, many, one))
                }
                (_, Many::Right(taken)) => {
                    many_to_one(&right, &left, on, taken, run, |many, one| pair(*op, *bool, one, many))
                }
            };
            if !op.compares() || *bool {
                // it is no longer the metric it was
                columns.iter_mut().for_each(|it| it.metric = None);
            }
            Data::Vector(columns)
        }
    }
}

/// The arithmetic of an operator; comparisons give 1 or 0.
fn plain(op: Op, a: f64, b: f64) -> f64 {
    match op {
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        Op::Divide => a / b,
        Op::Modulo => a % b,
        Op::Power => a.powf(b),
        Op::Atan2 => a.atan2(b),
        Op::Equal => f64::from(u8::from(a == b)),
        Op::NotEqual => f64::from(u8::from(a != b)),
        Op::Greater => f64::from(u8::from(a > b)),
        Op::GreaterEqual => f64::from(u8::from(a >= b)),
        Op::Less => f64::from(u8::from(a < b)),
        Op::LessEqual => f64::from(u8::from(a <= b)),
        Op::And | Op::Or | Op::Unless => f64::NAN,
    }
}

/// Two values that matched: a comparison without `bool` lets the left one through or not.
fn pair(op: Op, bool: bool, a: f64, b: f64) -> Option<f64> {
    let result = plain(op, a, b);
    if op.compares() && !bool { (result != 0.0).then_some(a) } else { Some(result) }
}

/// `x > 5`, `5 < x`: a filter keeps the value of the vector, whichever side it stands on.
fn with_scalar(mut columns: Vec<Column>, op: Op, bool: bool, sides: impl Fn(f64, usize) -> (f64, f64)) -> Vec<Column> {
    let filters = op.compares() && !bool;
    for column in &mut columns {
        for (at, value) in column.values.iter_mut().enumerate() {
            *value = value.and_then(|it| {
                let (a, b) = sides(it, at);
                let result = plain(op, a, b);
                if filters { (result != 0.0).then_some(it) } else { Some(result) }
            });
        }
        if !filters {
            column.metric = None;
        }
    }
    columns
}

type Signature = Vec<(Name, Name)>;

fn by_signature(columns: &[Column], on: &Keep) -> BTreeMap<Signature, Vec<usize>> {
    let mut found: BTreeMap<Signature, Vec<usize>> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        found.entry(column.kept(on)).or_default().push(at);
    }
    found
}

/// The only column with a value at an instant; several are no answer.
enum Only {
    None,
    One(usize, f64),
    Several,
}

fn only(columns: &[Column], among: &[usize], at: usize) -> Only {
    let mut present = among.iter().filter_map(|it| Some((*it, columns[*it].values[at]?)));
    match (present.next(), present.next()) {
        (None, _) => Only::None,
        (Some((column, value)), None) => Only::One(column, value),
        (Some(_), Some(_)) => Only::Several,
    }
}

/// `a / b`, `a / on (node) b`: the labels that matched are those of the result. Of several on the left only one may have
/// a result at an instant; a comparison may have left the others out.
fn one_to_one(op: Op, bool: bool, left: &[Column], right: &[Column], on: &Keep, run: &Run<'_>) -> Vec<Column> {
    let others = by_signature(right, on);
    let keeps_name = match on {
        Keep::Only(names) => names.iter().any(|it| it == NAME),
        Keep::AllBut(names) => !names.iter().any(|it| it == NAME),
    };
    let mut result = Vec::new();
    for (signature, lefts) in by_signature(left, on) {
        let Some(rights) = others.get(&signature) else { continue };
        let signature: Rc<[(Name, Name)]> = signature.into_iter().filter(|it| it.0.as_ref() != NAME).collect();
        let from = result.len();
        for column in lefts.iter().map(|it| &left[*it]) {
            let mut used: Option<usize> = None;
            let values: Vec<Option<f64>> = column
                .values
                .iter()
                .enumerate()
                .map(|(at, value)| {
                    let value = (*value)?;
                    match only(right, rights, at) {
                        Only::None => None,
                        Only::One(which, other) => {
                            used = used.or(Some(which));
                            pair(op, bool, value, other)
                        }
                        Only::Several => {
                            run.ambiguous.set(true);
                            None
                        }
                    }
                })
                .collect();
            let Some(used) = used else { continue };
            let other = match &rights[..] {
                [_] => right[used].origin.clone(),
                several => {
                    let parts = several.iter().map(|it| right[*it].origin.clone()).collect();
                    Rc::new(Origin::All { parts, least: false })
                }
            };
            result.push(Column {
                metric: column.metric.clone().filter(|_| keeps_name),
                labels: signature.clone(),
                node: column.node.clone(),
                values,
                origin: Rc::new(Origin::Both(column.origin.clone(), other)),
            });
        }
        apart(&mut result[from..], run);
    }
    result
}

/// Leaves out the instants at which several columns of one match have a value.
fn apart(columns: &mut [Column], run: &Run<'_>) {
    if columns.len() < 2 {
        return;
    }
    for at in 0..columns[0].values.len() {
        if columns.iter().filter(|it| it.values[at].is_some()).count() > 1 {
            run.ambiguous.set(true);
            columns.iter_mut().for_each(|it| it.values[at] = None);
        }
    }
}

/// `a / on (node) group_left (kernel) b`: each of the many keeps its labels and takes some of the one.
fn many_to_one(
    many: &[Column],
    one: &[Column],
    on: &Keep,
    taken: &[String],
    run: &Run<'_>,
    combine: impl Fn(f64, f64) -> Option<f64>,
) -> Vec<Column> {
    let ones = by_signature(one, on);
    let mut result = Vec::new();
    for column in many {
        let Some(candidates) = ones.get(&column.kept(on)) else { continue };
        let mut parts: BTreeMap<usize, Vec<Option<f64>>> = BTreeMap::new();
        for (at, value) in column.values.iter().enumerate() {
            let Some(value) = *value else { continue };
            match only(one, candidates, at) {
                Only::None => {}
                Only::Several => run.ambiguous.set(true),
                Only::One(which, other) => {
                    let values = parts.entry(which).or_insert_with(|| vec![None; column.values.len()]);
                    values[at] = combine(value, other);
                }
            }
        }
        for (which, values) in parts {
            let mut labels: Vec<(Name, Name)> = column.labels.to_vec();
            labels.retain(|(key, _)| !taken.iter().any(|it| it == key.as_ref()));
            labels.extend(taken.iter().filter_map(|it| Some((Name::from(it.as_str()), one[which].label(it)?.clone()))));
            labels.sort();
            let origin = Rc::new(Origin::Both(column.origin.clone(), one[which].origin.clone()));
            result.push(Column { labels: labels.into(), values, origin, ..column.clone() });
        }
    }
    result
}

/// `and`, `or`, `unless`: by the presence of a match, whatever its value.
fn sets(op: Op, mut left: Vec<Column>, mut right: Vec<Column>, on: &Keep) -> Vec<Column> {
    let present = |columns: &[Column], among: Option<&Vec<usize>>, at: usize| {
        among.is_some_and(|it| it.iter().any(|column| columns[*column].values[at].is_some()))
    };
    if op == Op::Or {
        let lefts = by_signature(&left, on);
        for column in &mut right {
            let matches = lefts.get(&column.kept(on));
            for (at, value) in column.values.iter_mut().enumerate() {
                if present(&left, matches, at) {
                    *value = None;
                }
            }
        }
        left.extend(right);
        return left;
    }
    let rights = by_signature(&right, on);
    for column in &mut left {
        let matches = rights.get(&column.kept(on));
        for (at, value) in column.values.iter_mut().enumerate() {
            if present(&right, matches, at) != (op == Op::And) {
                *value = None;
            }
        }
        if let (Op::And, Some(matches)) = (op, matches) {
            let parts = matches.iter().map(|it| right[*it].origin.clone()).collect();
            let other = Rc::new(Origin::All { parts, least: false });
            column.origin = Rc::new(Origin::Both(column.origin.clone(), other));
        }
    }
    left
}
