//! Instants as people read them, never surer than they are.
//!
//! ```text
//! 22:09:02               within one second
//! 22:09:02..22:09:41     some seconds wide
//! 22:09..22:21           minutes wide
//! 2026-03-14..2026-03-16 days wide
//! ~13:14:38              as printed, on a clock whose zone or year is guessed
//! before 22:09:02        only one end is known
//! ```
//!
//! All in UTC. The day is left out where all instants of a page share it; the page says so once.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};

use crate::Instant;
use crate::page::{Ink, Page, clean};

/// Up to this width a stretch shows seconds.
const SECONDS_UP_TO: TimeDelta = TimeDelta::minutes(10);
/// From this width on only days are shown.
const DAYS_FROM: TimeDelta = TimeDelta::days(2);

/// Which parts of a date go without saying.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calendar {
    day: Option<NaiveDate>,
    year: Option<i32>,
    /// Whether some instant stands on a guessed clock.
    pub(crate) guesses: bool,
}

impl Calendar {
    /// What all these instants share.
    pub(crate) fn of<'t>(instants: impl Iterator<Item = &'t Instant>) -> Calendar {
        let mut days: Vec<NaiveDate> = Vec::new();
        let mut guesses = false;
        for instant in instants {
            match Shape::of(instant) {
                Shape::Guess(at) => {
                    guesses = true;
                    days.push(at.date_naive());
                }
                Shape::Between(lo, hi) => days.extend([lo.date_naive(), hi.date_naive()]),
                Shape::Before(at) | Shape::After(at) => days.push(at.date_naive()),
                Shape::Unknown => {}
            }
        }
        let Some(first) = days.first().copied() else { return Calendar { guesses, ..Calendar::default() } };
        Calendar {
            day: days.iter().all(|it| *it == first).then_some(first),
            year: days.iter().all(|it| it.year() == first.year()).then_some(first.year()),
            guesses,
        }
    }

    /// `times are UTC, 2026-03-14`
    pub(crate) fn legend(&self) -> String {
        let mut legend = "times are UTC".to_owned();
        if let Some(day) = self.day {
            legend.push_str(&format!(", {day}"));
        } else if let Some(year) = self.year {
            legend.push_str(&format!(", {year}"));
        }
        if self.guesses {
            legend.push_str("; ~ is a stamp whose zone or year is a guess, see clocks");
        }
        legend
    }

    /// The instant in words; nothing where nothing is known.
    pub(crate) fn show(&self, instant: &Instant) -> Option<String> {
        Some(match Shape::of(instant) {
            Shape::Unknown => {
                // a stamp that is no time of ours is shown as it is
                let odd = instant.lo.as_deref().or(instant.hi.as_deref())?;
                return Some(clean(odd));
            }
            Shape::Guess(at) => format!("~{}", self.second(at)),
            Shape::Before(at) => format!("before {}", self.second(at)),
            Shape::After(at) => format!("after {}", self.second(at)),
            Shape::Between(lo, hi) => self.between(lo, hi),
        })
    }

    /// The instant as it stands in a column where a day has its own line, see [`Days`].
    pub(crate) fn beside(&self, instant: &Instant) -> Option<String> {
        self.on(self.day_of(instant)).show(instant)
    }

    /// The same page below a line that tells the day.
    fn on(&self, day: Option<NaiveDate>) -> Calendar {
        day.map_or(*self, |day| Calendar { day: Some(day), year: self.year.or(Some(day.year())), ..*self })
    }

    /// The day on which an instant is shown; nothing where only days are.
    fn day_of(&self, instant: &Instant) -> Option<NaiveDate> {
        match Shape::of(instant) {
            Shape::Between(lo, hi) => (hi - lo < DAYS_FROM).then(|| lo.date_naive()),
            Shape::Guess(at) | Shape::Before(at) | Shape::After(at) => Some(at.date_naive()),
            Shape::Unknown => None,
        }
    }

    /// From the start of the first to the end of the second.
    pub(crate) fn stretch(&self, from: &Instant, to: &Instant) -> Option<String> {
        let same_day = self.day_of(from).filter(|it| self.day_of(to) == Some(*it));
        match (self.show(from), self.on(same_day).show(to)) {
            (Some(_), Some(_)) if from == to => self.show(from),
            (Some(from), Some(to)) if from == to => Some(from),
            (Some(from), Some(to)) => Some(format!("{from} .. {to}")),
            (Some(from), None) => Some(format!("from {from}")),
            (None, Some(to)) => Some(format!("to {to}")),
            (None, None) => None,
        }
    }

    fn between(&self, lo: DateTime<Utc>, hi: DateTime<Utc>) -> String {
        let width = hi - lo;
        // the upper end of a stamp with whole seconds is the next second
        let last = if width > TimeDelta::zero() { later(hi, TimeDelta::microseconds(-1)) } else { hi };
        if lo.timestamp() == last.timestamp() {
            return self.second(lo);
        }
        if width <= SECONDS_UP_TO {
            let whole = hi.timestamp_subsec_nanos() == 0;
            let up = if whole { hi } else { later(hi, TimeDelta::seconds(1)) };
            return self.pair(lo, up, "%H:%M:%S");
        }
        if width < DAYS_FROM {
            let whole = hi.second() == 0 && hi.timestamp_subsec_nanos() == 0;
            let up = if whole { hi } else { later(hi, TimeDelta::minutes(1)) };
            return self.pair(lo, up, "%H:%M");
        }
        format!("{}..{}", lo.date_naive(), last.date_naive())
    }

    fn pair(&self, lo: DateTime<Utc>, hi: DateTime<Utc>, clock: &str) -> String {
        let day = if lo.date_naive() == hi.date_naive() { String::new() } else { self.date(hi) };
        format!("{}{}..{day}{}", self.date(lo), lo.format(clock), hi.format(clock))
    }

    fn second(&self, at: DateTime<Utc>) -> String {
        format!("{}{}", self.date(at), at.format("%H:%M:%S"))
    }

    /// As much of the date as the page has not said.
    fn date(&self, at: DateTime<Utc>) -> String {
        if self.day == Some(at.date_naive()) {
            String::new()
        } else if self.year == Some(at.year()) {
            at.format("%m-%d ").to_string()
        } else {
            at.format("%Y-%m-%d ").to_string()
        }
    }
}

/// The lines of a column of times that tell the day, where a page has more than one.
pub(crate) struct Days<'c> {
    calendar: &'c Calendar,
    day: Option<NaiveDate>,
}

impl<'c> Days<'c> {
    pub(crate) fn new(calendar: &'c Calendar) -> Days<'c> {
        Days { calendar, day: calendar.day }
    }

    /// Tells the day where it is not that of the line above.
    pub(crate) fn turn(&mut self, page: &mut Page, instant: &Instant) {
        if let Some(day) = self.calendar.day_of(instant).filter(|it| self.day != Some(*it)) {
            page.line(&[(Ink::Plain, "   "), (Ink::Time, &day.to_string())]);
            self.day = Some(day);
        }
    }
}

fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}

/// What kind of knowledge an instant is.
enum Shape {
    Unknown,
    Between(DateTime<Utc>, DateTime<Utc>),
    Before(DateTime<Utc>),
    After(DateTime<Utc>),
    Guess(DateTime<Utc>),
}

impl Shape {
    fn of(instant: &Instant) -> Shape {
        let read = |it: &Option<String>| it.as_deref().and_then(|it| it.parse::<DateTime<Utc>>().ok());
        match (read(&instant.lo), read(&instant.hi), read(&instant.read_as)) {
            (Some(lo), Some(hi), None) => Shape::Between(lo, hi.max(lo)),
            // an error of seconds is shown as such, one of hours hides the stamp
            (Some(lo), Some(hi), Some(_)) if hi - lo <= SECONDS_UP_TO => Shape::Between(lo, hi.max(lo)),
            (_, _, Some(at)) => Shape::Guess(at),
            (None, Some(hi), None) => Shape::Before(hi),
            (Some(lo), None, None) => Shape::After(lo),
            (None, None, None) => Shape::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(lo: &str, hi: &str) -> Instant {
        let some = |it: &str| (!it.is_empty()).then(|| it.to_owned());
        Instant { lo: some(lo), hi: some(hi), ..Instant::default() }
    }

    fn shown(lo: &str, hi: &str) -> String {
        let day = instant("2026-03-14T00:00:00Z", "2026-03-14T00:00:01Z");
        Calendar::of([&day].into_iter()).show(&instant(lo, hi)).unwrap_or_default()
    }

    #[test]
    fn a_time_is_never_surer_than_it_is() {
        assert_eq!(shown("2026-03-14T22:09:02Z", "2026-03-14T22:09:03Z"), "22:09:02");
        assert_eq!(shown("2026-03-14T22:09:02.5Z", "2026-03-14T22:09:02.5Z"), "22:09:02");
        assert_eq!(shown("2026-03-14T22:09:02.5Z", "2026-03-14T22:09:03.5Z"), "22:09:02..22:09:04");
        assert_eq!(shown("2026-03-14T22:09:02Z", "2026-03-14T22:09:41Z"), "22:09:02..22:09:41");
        assert_eq!(shown("2026-03-14T22:09:00Z", "2026-03-14T22:20:30Z"), "22:09..22:21");
        assert_eq!(shown("2026-03-14T22:09:00Z", "2026-03-15T02:00:00Z"), "22:09..03-15 02:00");
        assert_eq!(shown("2026-03-14T00:00:00Z", "2026-03-17T00:00:00Z"), "2026-03-14..2026-03-16");
        assert_eq!(shown("", "2026-03-14T22:09:02Z"), "before 22:09:02");
        assert_eq!(shown("2026-03-14T22:09:02Z", ""), "after 22:09:02");
        assert_eq!(shown("", ""), "");
    }

    #[test]
    fn a_guessed_clock_shows_as_a_guess() {
        let mut wide = instant("2020-06-13T23:14:38Z", "2020-06-15T01:14:39Z");
        wide.read_as = Some("2020-06-14T13:14:38Z".to_owned());
        let calendar = Calendar::of([&wide].into_iter());
        assert_eq!(calendar.show(&wide).as_deref(), Some("~13:14:38"));
        assert_eq!(
            calendar.legend(),
            "times are UTC, 2020-06-14; ~ is a stamp whose zone or year is a guess, see clocks"
        );
        let mut near = instant("2020-06-14T13:14:36Z", "2020-06-14T13:14:41Z");
        near.read_as = Some("2020-06-14T13:14:38Z".to_owned());
        assert_eq!(calendar.show(&near).as_deref(), Some("13:14:36..13:14:41"));
    }

    #[test]
    fn only_what_all_share_goes_without_saying() {
        let instants = [
            instant("2026-03-14T22:00:00Z", "2026-03-14T22:00:01Z"),
            instant("2026-03-15T01:00:00Z", "2026-03-15T01:00:01Z"),
        ];
        let calendar = Calendar::of(instants.iter());
        assert_eq!(calendar.legend(), "times are UTC, 2026");
        assert_eq!(calendar.show(&instants[1]).as_deref(), Some("03-15 01:00:00"));
    }

    #[test]
    fn what_is_no_stamp_is_shown_tamed() {
        assert_eq!(Calendar::default().show(&instant("soon\x1b[2J", "")).as_deref(), Some("soon\\x1b[2J"));
    }
}
