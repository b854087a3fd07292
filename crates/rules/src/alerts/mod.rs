//! The user's own alerting rules, evaluated over the series of a bundle.
//!
//! ```text
//! groups:
//!   - name: node
//!     interval: 30s
//!     rules:
//!       - record: node:threads:sum
//!         expr: sum by (node) (container_threads)
//!       - alert: ManyThreads
//!         expr: node:threads:sum > 40000
//!         for: 5m
//!         labels: { severity: page }
//!         annotations: { summary: '{{ $labels.node }} has {{ $value | humanize }} threads' }
//! ```
//!
//! Files are those Prometheus loads, or the `PrometheusRule` objects that hold them. Recording rules are evaluated first, in the
//! order they stand, unless the bundle holds the series they would record; then alerts. An expression is evaluated at every
//! interval of its group (a minute where it says none), or, where the series are sparser than that, whenever they have a point.
//! An alert fires once its expression has held at all instants for as long as `for` says; a hole in the data of more than 5 minutes
//! and 2.5 spacings ends it. What fires is shown and can be asked by rules as the relation `alert`; it is never a cause.
//!
//! Where it differs from Prometheus: what it is configured with (external labels, templates of its own) is not known; a template
//! we cannot expand stays as it is written. Skipped: `limit` of a group, `source_tenants`, partial responses.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>.

mod document;
mod evaluate;
mod humanize;
mod template;

use std::path::Path;

use timeline::{Name, Quote, Time};

use crate::language::Error;
use crate::promql::Query;
use template::Template;

pub(crate) use evaluate::{evaluate, rows};

/// Alerting and recording rules, ready to be evaluated.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    pub(crate) rules: Vec<AlertRule>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct AlertRule {
    pub(crate) name: Name,
    pub(crate) what: Kind,
    pub(crate) query: Query,
    pub(crate) expression: String,
    pub(crate) interval_ms: i64,
    pub(crate) labels: Vec<(Name, Template)>,
    pub(crate) file: Name,
    pub(crate) line: u64,
}

/// What comes of its values.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Record,
    Alert { for_ms: i64, keep_ms: i64, annotations: Vec<(String, Template)> },
}

/// An alert that would have fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its name.
    pub name: Name,
    /// The labels of its series, with those the rule adds.
    pub labels: Vec<(Name, Name)>,
    /// What it says: summary, description …
    pub annotations: Vec<(String, String)>,
    /// What it asks.
    pub expression: String,
    /// How long that had to hold, seconds.
    pub for_secs: i64,
    /// The node it is about, where its labels say so.
    pub node: Option<Name>,
    /// When its condition began to hold.
    pub at: Time,
    /// When it last held.
    pub last: Time,
    /// How often it fired.
    pub times: u64,
    /// The farthest its value went.
    pub value: f64,
    /// The samples behind that value.
    pub quotes: Vec<Quote>,
    /// The file of the rule.
    pub file: Name,
    /// The line of the rule there.
    pub line: u64,
}

impl Alert {
    /// A label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&Name> {
        self.labels.iter().find(|it| it.0.as_ref() == name).map(|it| &it.1)
    }

    /// What it says, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        let said = |name: &str| self.annotations.iter().find(|it| it.0 == name).map(|it| it.1.trim());
        let text = ["summary", "message", "description"].into_iter().find_map(said).filter(|it| !it.is_empty());
        let text = text.unwrap_or(&self.expression);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Alerts {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// A file that cannot be read or is no rule file, with line and column.
    pub fn read(path: &Path) -> Result<Alerts, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Alerts::parse(&path.display().to_string(), &text)
    }

    /// Reads the text of a file of rules.
    ///
    /// # Errors
    /// A text that is no rule file, with line and column.
    pub fn parse(name: &str, text: &str) -> Result<Alerts, Error> {
        document::parse(name, text)
    }

    /// Takes in those of another file, which stand after these.
    pub fn extend(&mut self, other: Alerts) {
        self.rules.extend(other.rules);
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

#[cfg(test)]
mod tests;
