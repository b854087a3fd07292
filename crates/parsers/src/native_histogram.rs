//! Native histograms, as the series a classic histogram has.
//!
//! ```text
//! [1795219038,{"count":"42","sum":"34593.34","buckets":[[3,"-0.25","0.25","3"],[0,"0.25","0.5","12"]]}]   an answer
//! {__name__="h", job="x"} {count:42, sum:34593.34, [-0.25,0.25]:3, (0.25,0.5]:12} 1795219038000           a dump
//! ```
//!
//! Whether a bound belongs to a bucket is lost: classic buckets hold theirs. Buckets that are empty are not printed, so that
//! bounds come and go.

use std::collections::BTreeMap;
use std::sync::Arc;

use timeline::{MemberId, MemberRecords, Name, Record};

use crate::exposition::{Builder, Labelled, value};

/// Upper bounds of one series, at most.
const MOST_BOUNDS: usize = 400;

/// An upper bound, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound(pub(crate) f64);

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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) buckets: Vec<(Bound, f64)>,
}

/// `{count:42, sum:34593.34, [-0.25,0.25]:3, (0.25,0.5]:12} 1795219038000`: the histogram and what follows it.
pub(crate) fn printed(text: &str) -> Option<(Histogram, &str)> {
    let (inner, rest) = text.strip_prefix('{')?.split_once('}')?;
    let (mut count, mut sum, mut buckets) = (None, None, Vec::new());
    for part in inner.split(", ") {
        let (key, number) = part.rsplit_once(':')?;
        let number = value(number)?;
        match key {
            "count" => count = Some(number),
            "sum" => sum = Some(number),
            _ => {
                let bounds = key.strip_prefix(['[', '('])?.strip_suffix([']', ')'])?;
                buckets.push((Bound(value(bounds.split_once(',')?.1)?), number));
            }
        }
    }
    buckets.sort_by_key(|it| it.0);
    Some((Histogram { count: count?, sum: sum?, buckets }, rest.trim_start()))
}

/// Where a value stands in the text of its series.
type Places = Vec<(i64, f64, usize, usize)>;

/// The histograms of one series.
#[derive(Default)]
pub(crate) struct Gathered {
    series: BTreeMap<(&'static str, Option<Bound>), Places>,
}

impl Gathered {
    /// Adds the histogram that stands at `start` of the series' text.
    pub(crate) fn add(&mut self, millis: i64, found: &Histogram, start: usize, len: usize) {
        // a staleness marker is a sum that is no number
        let count = if found.sum.is_nan() && found.count == 0.0 { f64::NAN } else { found.count };
        let mut put = |name, bound, number| {
            self.series.entry((name, bound)).or_default().push((millis, number, start, len));
            self.series.len()
        };
        put("_count", None, count);
        put("_sum", None, found.sum);
        let mut known = put("_bucket", Some(Bound(f64::INFINITY)), count);
        let mut below = 0.0;
        for (bound, count) in &found.buckets {
            below += count;
            if known < MOST_BOUNDS {
                known = put("_bucket", Some(*bound), below);
            }
        }
    }

    /// Hands out the series, whose text begins at `start`.
    pub(crate) fn push(
        self,
        (metric, labels): &Labelled,
        member: MemberId,
        start: u64,
        line: u32,
        text: &Arc<str>,
        out: &mut MemberRecords,
    ) {
        for ((suffix, bound), points) in self.series {
            let mut labels = labels.clone();
            if let Some(bound) = bound {
                labels.push((Name::from("le"), Name::from(bound.printed())));
                labels.sort();
            }
            let name = Name::from(format!("{metric}{suffix}"));
            let mut builder = Builder::new((name, labels), member, start, line);
            for (millis, value, start, len) in points {
                builder.add(millis, value, start, len);
            }
            out.records.push(Record::Series(Box::new(builder.finish(None, || text.clone(), 0))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_promtool_prints_them() {
        let text = "{count:42, sum:34593.34, [-0.25,0.25]:3, (0.25,0.5]:12, (0.5,+Inf]:27} 1795219038000";
        let (found, rest) = printed(text).expect("a histogram");
        assert_eq!((found.count, found.sum, rest), (42.0, 34593.34, "1795219038000"));
        assert_eq!(found.buckets, [(Bound(0.25), 3.0), (Bound(0.5), 12.0), (Bound(f64::INFINITY), 27.0)]);
        for text in ["{}", "{count:1}", "{count:x, sum:1}", "{count:1, sum:2, 0.5:3}", "count:1, sum:2}"] {
            assert_eq!(printed(text), None, "{text}");
        }
    }
}
