//! Instants of the report: what is known of a time, as two stamps of UTC.
//!
//! ```text
//! {"lo": "2026-03-14T22:09:02Z", "hi": "2026-03-14T22:09:03Z"}
//! {"lo": "2020-06-13T23:14:38Z", "hi": "2020-06-15T01:14:39Z", "read_as": "2020-06-14T13:14:38Z", "clock": 2}
//! {}
//! ```
//!
//! The second one stands on a clock whose zone nobody stated: `read_as` is the best guess, `lo` and `hi` are what is
//! sure, and `clock` is the entry of `clocks` that says why. `{}` is a time that nobody knows.

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use timeline::{ClockId, Interval, Time};

/// A time as far as it is known: not before `lo`, not after `hi`. RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Instant {
    /// Not earlier than this; absent when nothing is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lo: Option<String>,
    /// Not later than this; absent when nothing is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hi: Option<String>,
    /// The stamp by the best guess at its clock, where that guess is less sure than the stamp is fine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// The clock behind the guess: an `id` in `clocks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<u32>,
}

impl Instant {
    /// From a stretch of UTC.
    #[must_use]
    pub fn from_interval(interval: &Interval) -> Instant {
        let lo = (interval.lo != DateTime::<Utc>::MIN_UTC).then(|| stamp(floor(interval.lo)));
        let hi = (interval.hi != DateTime::<Utc>::MAX_UTC).then(|| stamp(ceil(interval.hi)));
        Instant { lo, hi, read_as: None, clock: None }
    }

    /// From a time of the timeline, with the error of its clock.
    #[must_use]
    pub fn from_time(time: &Time) -> Instant {
        if !time.is_known() {
            return Instant::default();
        }
        let mut instant = Instant::from_interval(&time.full);
        if time.full != time.nominal {
            instant.read_as = Some(stamp(floor(time.nominal.lo)));
            instant.clock = (time.clock != ClockId::UTC).then_some(time.clock.0);
        }
        instant
    }

    /// Whether it surely lies before another.
    #[must_use]
    pub fn ends_before(&self, other: &Instant) -> bool {
        let known = |at: &Option<String>| at.as_ref().and_then(|it| it.parse::<DateTime<Utc>>().ok());
        known(&self.hi).zip(known(&other.lo)).is_some_and(|(hi, lo)| hi < lo)
    }

    /// Whether anything at all is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.lo.is_some() || self.hi.is_some()
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

fn ceil(at: DateTime<Utc>) -> DateTime<Utc> {
    let cut = floor(at);
    if cut < at { cut.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(cut) } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn zero_fractions_are_not_printed_and_bounds_never_shrink() {
        let interval = Interval { lo: at("2026-03-14T22:09:02.000000Z"), hi: at("2026-03-14T22:09:02.1234567Z") };
        let instant = Instant::from_interval(&interval);
        assert_eq!(instant.lo.as_deref(), Some("2026-03-14T22:09:02Z"));
        assert_eq!(instant.hi.as_deref(), Some("2026-03-14T22:09:02.123457Z"));
    }

    #[test]
    fn an_unknown_time_is_an_empty_object() {
        let instant = Instant::from_time(&Time::UNKNOWN);
        assert_eq!(serde_json::to_string(&instant).unwrap(), "{}");
        assert!(!instant.is_known());
        assert_eq!(serde_json::from_str::<Instant>("{}").unwrap(), instant);
    }

    #[test]
    fn what_surely_lies_before() {
        let of = |lo: &str, hi: &str| Instant::from_interval(&Interval { lo: at(lo), hi: at(hi) });
        let first = of("2026-03-14T22:09:02Z", "2026-03-14T22:09:02.9Z");
        let next = of("2026-03-14T22:09:03Z", "2026-03-14T22:09:04Z");
        assert!(first.ends_before(&next) && !next.ends_before(&first));
        assert!(!of("2026-03-14T22:09:02Z", "2026-03-14T22:09:03.5Z").ends_before(&next), "they overlap");
        assert!(!Instant::default().ends_before(&next) && !first.ends_before(&Instant::default()));
    }

    #[test]
    fn one_open_end_stays_open() {
        let instant =
            Instant::from_interval(&Interval { lo: DateTime::<Utc>::MIN_UTC, hi: at("2026-03-14T22:09:02Z") });
        assert_eq!((instant.lo, instant.hi.as_deref()), (None, Some("2026-03-14T22:09:02Z")));
    }

    #[test]
    fn a_guessed_clock_shows_the_guess_and_its_error() {
        let nominal = Interval::from(at("2020-06-14T13:14:38Z"), TimeDelta::seconds(1));
        let full = nominal.widened(TimeDelta::hours(14), TimeDelta::hours(12));
        let instant = Instant::from_time(&Time { nominal, full, clock: ClockId(2) });
        assert_eq!(
            serde_json::to_string(&instant).unwrap(),
            r#"{"lo":"2020-06-13T23:14:38Z","hi":"2020-06-15T01:14:39Z","read_as":"2020-06-14T13:14:38Z","clock":2}"#
        );
        assert_eq!(Instant::from_time(&Time::utc(nominal)).read_as, None);
    }
}
