//! A table of values: one column a label set, one row an instant.

use std::rc::Rc;

use timeline::Name;

use super::cite::Origin;
use super::expr::{Keep, NAME};

/// One label set over the instants of a block.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub metric: Option<Name>,
    /// Sorted.
    pub labels: Labels,
    /// The node by the timeline, where no label is called so.
    pub node: Option<Name>,
    pub values: Vec<Option<f64>>,
    pub origin: Rc<Origin>,
}

pub(super) type Labels = Rc<[(Name, Name)]>;

impl Column {
    /// A label as PromQL sees it; an empty one is none.
    pub(super) fn label(&self, name: &str) -> Option<&Name> {
        if name == NAME {
            return self.metric.as_ref();
        }
        let found = self.labels.iter().find(|(key, _)| key.as_ref() == name).map(|(_, value)| value);
        found.filter(|it| !it.is_empty()).or_else(|| self.node.as_ref().filter(|_| name == "node"))
    }

    /// The labels that a modifier keeps.
    pub(super) fn kept(&self, keep: &Keep) -> Vec<(Name, Name)> {
        match keep {
            Keep::Only(names) => {
                let found = names.iter().filter_map(|it| Some((Name::from(it.as_str()), self.label(it)?.clone())));
                let mut labels: Vec<(Name, Name)> = found.collect();
                labels.sort();
                labels.dedup();
                labels
            }
            Keep::AllBut(names) => {
                let stays = |it: &&(Name, Name)| !it.1.is_empty() && !names.iter().any(|name| name == it.0.as_ref());
                self.labels.iter().filter(stays).cloned().collect()
            }
        }
    }

    /// The same with a label set, or without it where the value is empty.
    pub(super) fn with(mut self, name: &str, value: &str) -> Column {
        if name == NAME {
            self.metric = Some(Name::from(value)).filter(|it| !it.is_empty());
            return self;
        }
        let mut labels: Vec<(Name, Name)> = self.labels.iter().filter(|it| it.0.as_ref() != name).cloned().collect();
        if !value.is_empty() {
            labels.push((name.into(), value.into()));
            labels.sort();
        }
        self.labels = labels.into();
        self
    }

    /// The same without the metric's name, unless it keeps it.
    pub(super) fn named(self, keeps: bool) -> Column {
        if keeps { self } else { self.unnamed() }
    }

    /// The same without the metric's name.
    pub(super) fn unnamed(mut self) -> Column {
        self.metric = None;
        self
    }
}

/// What an expression is over the instants of a block.
pub(super) enum Data {
    Scalar(Vec<f64>),
    Vector(Vec<Column>),
}

/// A column without labels.
pub(super) fn nameless(values: Vec<Option<f64>>) -> Column {
    Column { metric: None, labels: Vec::new().into(), node: None, values, origin: Rc::new(Origin::Nothing) }
}

/// A function of each value; the metric's name goes, for it is no longer that metric.
pub(super) fn mapped(data: Data, by: &dyn Fn(f64, usize) -> Option<f64>) -> Data {
    match data {
        Data::Scalar(values) => {
            Data::Scalar(values.into_iter().enumerate().map(|(at, it)| by(it, at).unwrap_or(f64::NAN)).collect())
        }
        Data::Vector(mut columns) => {
            for column in &mut columns {
                column.metric = None;
                for (at, value) in column.values.iter_mut().enumerate() {
                    *value = value.and_then(|it| by(it, at));
                }
            }
            Data::Vector(columns)
        }
    }
}
