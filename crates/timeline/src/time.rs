//! Time as a measurement: what a record printed, and the interval of UTC it can mean.

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::ClockId;

/// True, false, or not to be known from this bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// Shown by the bundle.
    True,
    /// Excluded by the bundle.
    False,
    /// The bundle cannot tell.
    Unknown,
}

/// The name of a zone as a stamp prints it: `CST`, `+0530`. Of anything longer than any of them the beginning.
///
/// It stands in the stamp of every line, and so needs no room of its own.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Abbreviation {
    bytes: [u8; ABBREVIATION_BYTES],
    len: u8,
}

const ABBREVIATION_BYTES: usize = 11;

impl From<&str> for Abbreviation {
    fn from(name: &str) -> Abbreviation {
        let len = (0..=name.len().min(ABBREVIATION_BYTES)).rev().find(|it| name.is_char_boundary(*it)).unwrap_or(0);
        let mut bytes = [0; ABBREVIATION_BYTES];
        bytes[..len].copy_from_slice(&name.as_bytes()[..len]);
        Abbreviation { bytes, len: len as u8 }
    }
}

impl std::ops::Deref for Abbreviation {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl std::fmt::Debug for Abbreviation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, out)
    }
}

impl std::fmt::Display for Abbreviation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self)
    }
}

/// A stamp as it was printed, before anyone guessed a year or a zone.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stamp {
    /// The record carries no time.
    #[default]
    None,
    /// Year and zone are explicit: `2020-06-14T13:14:38+08:00`, epoch microseconds.
    Exact {
        /// The start of the instant.
        at: DateTime<Utc>,
        /// How much the stamp may hide: 1 s for whole seconds.
        resolution: TimeDelta,
        /// The printed offset from UTC in seconds, where one was printed; it tells the zone of its neighbours.
        offset_secs: Option<i32>,
    },
    /// A calendar date without a zone: `2020-06-14 13:14:38`.
    Zoneless {
        /// Wall clock of whoever printed it.
        local: NaiveDateTime,
        /// How much the stamp may hide.
        resolution: TimeDelta,
        /// `CST`: ambiguous, but a hint.
        abbreviation: Option<Abbreviation>,
    },
    /// No year either: `Jun 14 13:14:38`, klog's `0614 13:14:38.123456`.
    Yearless {
        /// 1 to 12.
        month: u32,
        /// 1 to 31.
        day: u32,
        /// Wall clock of whoever printed it.
        time: NaiveTime,
        /// How much the stamp may hide.
        resolution: TimeDelta,
    },
    /// The kernel's own clock: `[ 4301.999258]`, microseconds since boot.
    Monotonic {
        /// Microseconds since boot.
        micros: u64,
    },
    /// Known only to lie between two instants, such as an age printed by kubectl.
    Between {
        /// Earliest.
        lo: DateTime<Utc>,
        /// Latest.
        hi: DateTime<Utc>,
    },
}

impl Stamp {
    /// Whether the record carries no time.
    #[inline]
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Stamp::None)
    }

    /// An epoch stamp in microseconds, as journald and Prometheus write it.
    #[must_use]
    pub fn epoch_micros(micros: i64) -> Stamp {
        match DateTime::from_timestamp_micros(micros) {
            Some(at) => Stamp::Exact { at, resolution: TimeDelta::microseconds(1), offset_secs: None },
            None => Stamp::None,
        }
    }
}

/// A stretch of UTC that contains the instant meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// Not earlier than this.
    pub lo: DateTime<Utc>,
    /// Not later than this.
    pub hi: DateTime<Utc>,
}

impl Interval {
    /// Nothing is known.
    pub const UNKNOWN: Interval = Interval { lo: DateTime::<Utc>::MIN_UTC, hi: DateTime::<Utc>::MAX_UTC };

    /// From an instant over a length.
    #[must_use]
    pub fn from(at: DateTime<Utc>, length: TimeDelta) -> Interval {
        Interval { lo: at, hi: at.checked_add_signed(length).unwrap_or(at) }
    }

    /// Whether anything at all is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        *self != Interval::UNKNOWN
    }

    /// The same stretch, grown on both sides.
    #[must_use]
    pub fn widened(&self, early: TimeDelta, late: TimeDelta) -> Interval {
        if !self.is_known() {
            return *self;
        }
        Interval {
            lo: self.lo.checked_sub_signed(early).unwrap_or(DateTime::<Utc>::MIN_UTC),
            hi: self.hi.checked_add_signed(late).unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }

    /// The smallest stretch that holds both.
    #[must_use]
    pub fn hull(&self, other: &Interval) -> Interval {
        Interval { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// Whether this one ends before the other begins; unknown where they overlap.
    #[must_use]
    pub fn before(&self, other: &Interval) -> Truth {
        if self.hi < other.lo {
            Truth::True
        } else if other.hi < self.lo {
            Truth::False
        } else {
            Truth::Unknown
        }
    }
}

/// When something happened: an interval on a clock, and the error of that clock as a whole.
///
/// Two stamps of one clock share its error, so their order is known even where the zone is not; stamps of different
/// clocks are compared with both errors added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// The instant as this clock's best guess has it, with only the resolution of the stamp.
    pub nominal: Interval,
    /// The instant with the error of the clock added.
    pub full: Interval,
    /// The clock that was read.
    pub clock: ClockId,
}

impl Time {
    /// No time is known.
    pub const UNKNOWN: Time = Time { nominal: Interval::UNKNOWN, full: Interval::UNKNOWN, clock: ClockId::UTC };

    /// A time of the shared clock, exact but for its own width.
    #[must_use]
    pub fn utc(interval: Interval) -> Time {
        Time { nominal: interval, full: interval, clock: ClockId::UTC }
    }

    /// Whether anything at all is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.nominal.is_known()
    }

    /// Whether this happened before the other, as far as the clocks allow.
    #[must_use]
    pub fn before(&self, other: &Time) -> Truth {
        if !self.is_known() || !other.is_known() {
            Truth::Unknown
        } else if self.clock == other.clock {
            self.nominal.before(&other.nominal)
        } else {
            self.full.before(&other.full)
        }
    }

    /// Whether this may lie within so many seconds before and after the other.
    #[must_use]
    pub fn near(&self, other: &Time, before_secs: i64, after_secs: i64) -> Truth {
        if !self.is_known() || !other.is_known() {
            return Truth::Unknown;
        }
        let (mine, theirs) =
            if self.clock == other.clock { (self.nominal, other.nominal) } else { (self.full, other.full) };
        let window = theirs.widened(TimeDelta::seconds(before_secs), TimeDelta::seconds(after_secs));
        if mine.hi < window.lo || window.hi < mine.lo {
            return Truth::False;
        }
        let sure = Interval {
            lo: theirs.hi - TimeDelta::seconds(before_secs),
            hi: theirs.lo + TimeDelta::seconds(after_secs),
        };
        if mine.lo >= sure.lo && mine.hi <= sure.hi { Truth::True } else { Truth::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64, width: i64) -> Interval {
        Interval::from(DateTime::from_timestamp(secs, 0).expect("in range"), TimeDelta::seconds(width))
    }

    #[test]
    fn order_is_claimed_only_where_intervals_do_not_touch() {
        assert_eq!(at(10, 1).before(&at(12, 1)), Truth::True);
        assert_eq!(at(12, 1).before(&at(10, 1)), Truth::False);
        assert_eq!(at(10, 5).before(&at(12, 1)), Truth::Unknown);
    }

    #[test]
    fn one_clock_orders_its_own_stamps_whatever_its_error() {
        let wide = |it: Interval| it.widened(TimeDelta::hours(14), TimeDelta::hours(14));
        let time = |secs, clock| Time { nominal: at(secs, 0), full: wide(at(secs, 0)), clock: ClockId(clock) };
        assert_eq!(time(10, 1).before(&time(20, 1)), Truth::True);
        assert_eq!(time(10, 1).before(&time(20, 2)), Truth::Unknown);
    }

    #[test]
    fn nearness_is_unknown_at_the_edge() {
        let time = |secs, width| Time::utc(at(secs, width));
        assert_eq!(time(95, 0).near(&time(100, 0), 10, 0), Truth::True);
        assert_eq!(time(80, 0).near(&time(100, 0), 10, 0), Truth::False);
        assert_eq!(time(85, 10).near(&time(100, 0), 10, 0), Truth::Unknown);
    }
}
