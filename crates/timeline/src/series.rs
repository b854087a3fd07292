//! Metric values over time.

use crate::{MemberId, Name, Quote, Span};

/// One value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the epoch.
    pub millis: i64,
    /// The value; staleness markers are not points.
    pub value: f64,
    /// Where the point stands in [`Series::text`].
    pub start: u32,
    /// Its length there.
    pub len: u32,
}

/// A metric with one set of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric's name; empty where a query has aggregated it away.
    pub metric: Name,
    /// Labels without the name, sorted.
    pub labels: Vec<(Name, Name)>,
    /// Values in time order, one a timestamp.
    pub points: Vec<Point>,
    /// When the source said that the series had ended (staleness markers), milliseconds.
    pub stale: Vec<i64>,
    /// The node by its labels; filled in when the timeline is built.
    pub node: Option<Name>,
    /// The file.
    pub member: MemberId,
    /// Byte offset of [`Series::text`] in the file.
    pub start: u64,
    /// Line of the first byte.
    pub line: u32,
    /// The bytes of the series as they stand.
    pub text: Box<str>,
}

impl Series {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&Name> {
        self.labels.binary_search_by(|(key, _)| key.as_ref().cmp(name)).ok().map(|at| &self.labels[at].1)
    }

    /// One point as it stands in the file, together with the labels' text where both stand in one line.
    #[must_use]
    pub fn quote(&self, point: &Point) -> Quote {
        let (start, end) = (point.start as usize, (point.start + point.len) as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        let line =
            self.line + self.text.get(..start).map_or(0, |it| it.bytes().filter(|it| *it == b'\n').count() as u32);
        let span = Span { member: self.member, start: self.start + u64::from(point.start), len: point.len, line };
        Quote { span, text: text.into() }
    }

    /// `container_threads{container="app", pod="order-sync"}`
    #[must_use]
    pub fn title(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        format!("{}{{{}}}", self.metric, labels.join(", "))
    }
}
