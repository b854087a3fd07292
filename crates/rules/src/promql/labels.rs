//! Functions that read or write labels: `label_replace`, `label_join`, `absent`, `histogram_quantile`.

use std::collections::BTreeMap;
use std::rc::Rc;

use timeline::Name;

use super::cite::Origin;
use super::column::Column;
use super::expr::{Bound, Keep, NAME, Relabel, Selector};
use super::statistics::of_buckets;

/// `label_replace(x, …)`, `label_join(x, …)`
pub(super) fn relabelled(relabel: &Relabel, column: Column) -> Column {
    let label = |name: &str| column.label(name).map_or("", |it| it.as_ref()).to_owned();
    match relabel {
        Relabel::Replace { to, replacement, from, pattern } => {
            let value = label(from);
            let Some(found) = pattern.captures(&value) else { return column };
            let mut expanded = String::new();
            found.expand(replacement, &mut expanded);
            column.with(to, &expanded)
        }
        Relabel::Join { to, separator, from } => {
            let joined = from.iter().map(|it| label(it)).collect::<Vec<_>>().join(separator);
            column.with(to, &joined)
        }
    }
}

/// The labels that a selector asks for by equality, each once: those that an absence has.
pub(super) fn asked(selector: &Selector, text: &dyn Fn(&str) -> Option<String>) -> Vec<(Name, Name)> {
    let mut labels: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for it in selector.matchers.iter().filter(|it| it.label != NAME) {
        let value = match it.test.bind(text) {
            Some(Bound::Text(value)) if !it.negated && !labels.contains_key(it.label.as_str()) => Some(value),
            _ => None,
        };
        labels.insert(&it.label, value);
    }
    let known = labels.into_iter().filter_map(|(name, value)| Some((Name::from(name), Name::from(value?))));
    known.filter(|it| !it.1.is_empty()).collect()
}

/// An upper bound and how many lie under it.
type Bucket<'c> = (f64, &'c Column);

/// `histogram_quantile(0.99, x)`: over the buckets that differ in nothing but `le`.
pub(super) fn histogram_quantile(which: &[f64], columns: &[Column]) -> Vec<Column> {
    let without = Keep::AllBut(vec!["le".to_owned()]);
    let mut histograms: BTreeMap<Vec<(Name, Name)>, Vec<Bucket<'_>>> = BTreeMap::new();
    for column in columns {
        if let Some(bound) = column.label("le").and_then(|it| it.parse().ok()) {
            histograms.entry(column.kept(&without)).or_default().push((bound, column));
        }
    }
    let one = |(labels, buckets): (Vec<(Name, Name)>, Vec<Bucket<'_>>)| {
        let value = |(at, which): (usize, &f64)| {
            let counts: Vec<(f64, f64)> =
                buckets.iter().filter_map(|(bound, it)| Some((*bound, it.values[at]?))).collect();
            (!counts.is_empty()).then(|| of_buckets(*which, counts))
        };
        let node = buckets[0].1.node.clone();
        let node = node.filter(|it| buckets.iter().all(|(_, column)| column.node.as_ref() == Some(it)));
        let parts = buckets.iter().map(|it| it.1.origin.clone()).collect();
        Column {
            metric: None,
            labels: labels.into(),
            node,
            values: which.iter().enumerate().map(value).collect(),
            origin: Rc::new(Origin::All { parts, least: false }),
        }
    };
    histograms.into_iter().map(one).collect()
}
