//! `sum by (node) (x)`, `topk(3, x)`: columns put together by the labels that stay.

use std::collections::BTreeMap;
use std::rc::Rc;

use timeline::Name;

use super::cite::Origin;
use super::column::Column;
use super::expr::{How, Keep};
use super::statistics::{mean, quantile, variance};

/// The columns by the labels that are kept, in order.
fn grouped(columns: &[Column], keep: &Keep) -> BTreeMap<Vec<(Name, Name)>, Vec<usize>> {
    let mut groups: BTreeMap<Vec<(Name, Name)>, Vec<usize>> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        groups.entry(column.kept(keep)).or_default().push(at);
    }
    groups
}

/// The node of several columns, where they are of one.
fn node(columns: &[Column], parts: &[usize], keep: &Keep) -> Option<Name> {
    let node = columns[parts[0]].node.clone().filter(|_| matches!(keep, Keep::AllBut(_)));
    node.filter(|it| parts.iter().all(|at| columns[*at].node.as_ref() == Some(it)))
}

/// `sum by (node) (x)`, `quantile(0.9, x)`
pub(super) fn aggregated(columns: &[Column], keep: &Keep, how: How, param: &[f64], instants: usize) -> Vec<Column> {
    let groups = grouped(columns, keep).into_iter().map(|(labels, parts)| {
        let present = |at: usize| parts.iter().filter_map(move |it| columns[*it].values[at]);
        let values = match how {
            How::Sum | How::Min | How::Max | How::Count | How::Group => folded(columns, &parts, how, instants),
            _ => (0..instants)
                .map(|at| {
                    present(at).next()?;
                    Some(match how {
                        How::Stddev => variance(present(at)).sqrt(),
                        How::Stdvar => variance(present(at)),
                        How::Quantile => quantile(param.get(at).copied().unwrap_or(f64::NAN), present(at).collect()),
                        _ => mean(present(at)),
                    })
                })
                .collect(),
        };
        let origins = parts.iter().map(|it| columns[*it].origin.clone()).collect();
        let origin = Rc::new(Origin::All { parts: origins, least: how == How::Min });
        Column { metric: None, node: node(columns, &parts, keep), labels: labels.into(), values, origin }
    });
    groups.collect()
}

/// What one pass over the columns can add up.
fn folded(columns: &[Column], parts: &[usize], how: How, instants: usize) -> Vec<Option<f64>> {
    let mut values: Vec<Option<f64>> = vec![None; instants];
    for column in parts.iter().map(|it| &columns[*it]) {
        for (to, value) in values.iter_mut().zip(&column.values) {
            let Some(value) = *value else { continue };
            *to = Some(match (*to, how) {
                (_, How::Group) | (None, How::Count) => 1.0,
                (Some(count), How::Count) => count + 1.0,
                (None, _) => value,
                (Some(most), How::Max) => {
                    if most < value || most.is_nan() {
                        value
                    } else {
                        most
                    }
                }
                (Some(least), How::Min) => {
                    if least > value || least.is_nan() {
                        value
                    } else {
                        least
                    }
                }
                (Some(sum), _) => sum + value,
            });
        }
    }
    values
}

/// `topk(3, x)`: the columns stay, their values only where they are among the most.
pub(super) fn most(mut columns: Vec<Column>, keep: &Keep, count: &[f64], greatest: bool) -> Vec<Column> {
    for parts in grouped(&columns, keep).into_values() {
        for (at, count) in count.iter().enumerate() {
            let mut present: Vec<(f64, usize)> =
                parts.iter().filter_map(|part| Some((columns[*part].values[at]?, *part))).collect();
            present.sort_by(|a, b| {
                let order = if greatest { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) };
                a.0.is_nan().cmp(&b.0.is_nan()).then(order).then(a.1.cmp(&b.1))
            });
            let count = if *count >= 1.0 { *count as usize } else { 0 };
            for (_, part) in present.into_iter().skip(count) {
                columns[part].values[at] = None;
            }
        }
    }
    columns
}

/// `count_values("version", x)`: a column for each value there is, called by it.
pub(super) fn count_values(columns: &[Column], keep: &Keep, label: &str, instants: usize) -> Vec<Column> {
    let mut found: BTreeMap<Vec<(Name, Name)>, Column> = BTreeMap::new();
    for (labels, parts) in grouped(columns, keep) {
        for part in &parts {
            for (at, value) in columns[*part].values.iter().enumerate() {
                let Some(value) = *value else { continue };
                let mut labels: Vec<(Name, Name)> =
                    labels.iter().filter(|it| it.0.as_ref() != label).cloned().collect();
                labels.push((label.into(), printed(value).into()));
                labels.sort();
                let of = found.entry(labels).or_insert_with_key(|labels| Column {
                    metric: None,
                    labels: labels.clone().into(),
                    node: node(columns, &parts, keep),
                    values: vec![None; instants],
                    origin: columns[*part].origin.clone(),
                });
                of.values[at] = Some(of.values[at].unwrap_or(0.0) + 1.0);
            }
        }
    }
    found.into_values().collect()
}

/// A value as Prometheus writes it into a label.
pub(super) fn printed(value: f64) -> String {
    match value {
        it if it.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        it => it.to_string(),
    }
}
