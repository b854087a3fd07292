//! Native histograms of an answer, as the series a classic histogram has.
//!
//! ```text
//! [1795219038,{"count":"42","sum":"34593.34","buckets":[[3,"-0.25","0.25","3"],[0,"0.25","0.5","12"]]}]
//! ```
//!
//! A bucket is its boundary rule, lower and upper bound, and count. Whether a bound belongs to a bucket is lost: classic
//! buckets hold theirs. Buckets that are empty are not printed, so that bounds come and go.

use timeline::MemberRecords;

use super::Answers;
use crate::exposition::{Labelled, value};
use crate::json_elements::{elements, entry};
use crate::native_histogram::{Bound, Gathered, Histogram};

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
        let mut gathered = Gathered::default();
        let mut odd = 0u32;
        let mut add = |point: &'t str| match read(point) {
            Some((millis, found)) => {
                gathered.add(millis, &found, point.as_ptr() as usize - text.as_ptr() as usize, point.len());
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
        gathered.push(labelled, member, start as u64, line, &text.into(), out);
    }
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
