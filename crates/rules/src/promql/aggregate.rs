//! `sum by (node) (x)`, `topk(3, x)`: columns put together by the labels that stay.

use std::collections::BTreeMap;
use std::rc::Rc;

use timeline::Name;

use super::cite::Origin;
use super::evaluate::Column;
use super::expr::{How, Keep};

/// The columns by the labels that are kept, in order.
fn grouped(columns: &[Column], keep: &Keep) -> BTreeMap<Vec<(Name, Name)>, Vec<usize>> {
    let mut groups: BTreeMap<Vec<(Name, Name)>, Vec<usize>> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        groups.entry(column.kept(keep)).or_default().push(at);
    }
    groups
}

/// `sum by (node) (x)`
pub(super) fn aggregated(columns: Vec<Column>, keep: &Keep, how: How, instants: usize) -> Vec<Column> {
    let groups = grouped(&columns, keep);
    let groups = groups.into_iter().map(|(labels, parts)| {
        let mut values: Vec<Option<f64>> = vec![None; instants];
        let mut counts = vec![0u32; instants];
        for column in parts.iter().map(|it| &columns[*it]) {
            for (at, value) in column.values.iter().enumerate() {
                let Some(value) = *value else { continue };
                counts[at] += 1;
                values[at] = Some(match (values[at], how) {
                    (_, How::Count) => f64::from(counts[at]),
                    (None, _) => value,
                    (Some(sum), How::Sum | How::Avg) => sum + value,
                    (Some(most), How::Max) => most.max(value),
                    (Some(least), How::Min) => least.min(value),
                    (Some(it), How::Top | How::Bottom) => it,
                });
            }
        }
        if how == How::Avg {
            for (value, count) in values.iter_mut().zip(&counts) {
                *value = value.map(|it| it / f64::from(*count));
            }
        }
        let node = columns[parts[0]].node.clone();
        let node = node.filter(|_| matches!(keep, Keep::AllBut(_)));
        let node = node.filter(|it| parts.iter().all(|at| columns[*at].node.as_ref() == Some(it)));
        let origin = Rc::new(Origin::All {
            parts: parts.iter().map(|it| columns[*it].origin.clone()).collect(),
            least: how == How::Min,
        });
        Column { metric: None, labels: labels.into(), node, values, origin }
    });
    groups.collect()
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
