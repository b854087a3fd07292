//! Native histograms of an answer, as the series a classic histogram has.
//!
//! ```text
//! [1795219038,{"count":"42","sum":"34593.34","buckets":[[3,"-0.25","0.25","3"],[0,"0.25","0.5","12"]]}]
//! ```
//!
//! A bucket is its boundary rule, lower and upper bound, and count. Whether a bound belongs to a bucket is lost: classic
//! buckets hold theirs. Buckets that are empty are not printed, so that bounds come and go.

use std::collections::BTreeMap;

use timeline::{MemberRecords, Name, Record};

use super::Answers;
use crate::exposition::{Builder, Labelled, value};
use crate::json_elements::{elements, entry};

/// Upper bounds of one series, at most.
const MOST_BOUNDS: usize = 400;

/// A value of one of the series, with the point that says it.
type Points<'t> = Vec<(i64, f64, &'t str)>;

impl<'t> Answers<'_, 't> {
    /// `values` are a list of histograms, or one, within `text`.
    pub(super) fn histograms(
        &mut self,
        text: &'t str,
        labelled: &Labelled,
        values: &'t str,
        many: bool,
        out: &mut MemberRecords,
    ) {
        let mut series: BTreeMap<(&str, Option<Bound>), Points<'t>> = BTreeMap::new();
        let mut odd = 0u32;
        let mut add = |point: &'t str| match read(point) {
            Some((millis, found)) => {
                series.entry(("_count", None)).or_default().push((millis, found.count, point));
                series.entry(("_sum", None)).or_default().push((millis, found.sum, point));
                let mut below = 0.0;
                for (bound, count) in found.buckets {
                    below += count;
                    if series.len() < MOST_BOUNDS {
                        series.entry(("_bucket", Some(bound))).or_default().push((millis, below, point));
                    }
                }
                let all = Bound(f64::INFINITY);
                series.entry(("_bucket", Some(all))).or_default().push((millis, found.count, point));
            }
            None => odd += 1,
        };
        if many {
            elements(values).for_each(|it| add(it.text));
        } else {
            add(values);
        }
        let (start, line) = (self.places.start(text), self.places.line(text));
        let member = self.input.origin.member;
        if odd > 0 {
            out.issue(member, line, format!("{odd} histograms of a series could not be read"));
        }
        let shared: std::sync::Arc<str> = text.into();
        for ((suffix, bound), points) in series {
            let mut labels = labelled.1.clone();
            if let Some(bound) = bound {
                labels.push((Name::from("le"), Name::from(bound.printed())));
                labels.sort();
            }
            let name = Name::from(format!("{}{suffix}", labelled.0));
            let mut builder = Builder::new((name, labels), member, start as u64, line);
            for (millis, value, point) in points {
                builder.add(millis, value, point.as_ptr() as usize - text.as_ptr() as usize, point.len());
            }
            out.records.push(Record::Series(Box::new(builder.finish(None, || shared.clone(), 0))));
        }
    }
}

/// An upper bound, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Bound) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Bound) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Bound {
    fn printed(self) -> String {
        if self.0 == f64::INFINITY { "+Inf".to_owned() } else { self.0.to_string() }
    }
}

/// A histogram at one instant; its buckets in the order of their bounds.
struct Histogram {
    count: f64,
    sum: f64,
    buckets: Vec<(Bound, f64)>,
}

/// `[1795219038,{"count":"42","sum":"34593.34","buckets":[…]}]`
fn read(point: &str) -> Option<(i64, Histogram)> {
    let mut parts = elements(point);
    let seconds: f64 = parts.next()?.text.parse().ok()?;
    let object = parts.next().filter(|it| it.whole)?.text;
    let number = |text: &str| value(text.trim_matches('"'));
    let (count, sum) = (number(entry(object, "count")?.value)?, number(entry(object, "sum")?.value)?);
    let mut buckets = Vec::new();
    for bucket in elements(entry(object, "buckets").map_or("[]", |it| it.value)) {
        let mut parts = elements(bucket.text).skip(2);
        let (bound, count) = (number(parts.next()?.text)?, number(parts.next()?.text)?);
        buckets.push((Bound(bound), count));
    }
    buckets.sort_by_key(|it| it.0);
    let millis = (seconds.is_finite() && seconds.abs() < 1e12).then(|| (seconds * 1000.0).round() as i64)?;
    Some((millis, Histogram { count, sum, buckets }))
}
