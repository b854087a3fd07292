//! Stretches of a log without lines where some are due.
//!
//! ```text
//! 10:00:07 … 10:00:09 … 10:00:12 … 10:00:14          a line every few seconds, all day,
//! 14:31:02 … 17:05:40                                but none for two and a half hours
//! 6,1203,88731200,-;…   6,1319,88790114,-;…          115 records of the kernel's ring were overwritten
//! ```
//!
//! A pause is a silence only in a log that is otherwise steady: it is many times as long as the longest ordinary pause,
//! and the ordinary ones were observed for long enough to know them. A log that speaks now and then has none. Newest first is
//! read in the other direction. Where stamps go back for a while, as after a small correction of the clock or where two logs
//! are merged, a pause is measured from the latest so far. Where they go back behind the first line, the file holds several
//! logs in a row, or its clock was set: from when to when it speaks its ends do not tell, so that its whole stretch is a
//! gap. Whether a machine was off meanwhile, or its clock was set, the timeline decides.

use timeline::{GapKind, Hole, Stamp};

use crate::Line;

/// A log of fewer lines has no pace.
const LEAST_LINES: u32 = 200;
/// A shorter pause is no silence in any log.
const LEAST_SECS: i64 = 600;
/// Ordinary pauses are taken to be at least so long.
const ORDINARY_SECS: i64 = 30;
/// A silence is so many times as long as the longest ordinary pause,
const TIMES: i64 = 12;
/// and the rest of the log at least so many times.
const OBSERVED: i64 = 36;
/// A log with more silences than this is one that is silent now and then.
const MOST: usize = 4;
/// The longest pauses that are remembered.
const KEPT: usize = 8;
/// Lines of several threads may be out of order by this.
const DISORDER_SECS: i64 = 60;
/// Jumps of record numbers, at most; more of them are a filter.
const JUMPS: usize = 8;
/// Of so many records in a row at most one may be a jump.
const DENSE: u64 = 50;

/// One end of the stretch of a file: seconds, stamp and place.
type End = (i64, Stamp, u64);

/// The longest pauses between the lines of a log.
#[derive(Default)]
pub(super) struct Silences {
    /// The first and the latest stamp, seconds on the clock of the stamps.
    stretch: Option<(i64, i64)>,
    lines: u32,
    /// The earliest stamp that is earlier than the first, and the latest before one of that kind: seconds, stamp and place.
    turned: Option<(End, End)>,
    /// Newest first: seconds are counted downwards.
    reversed: bool,
    /// A pause must be longer to be remembered.
    floor: i64,
    /// The longest first.
    longest: Vec<(i64, Hole)>,
}

impl Silences {
    /// Takes the stamp of a line that follows the one before as most do; false where it must be [noted](Self::note).
    #[inline]
    pub(super) fn follows(&mut self, secs: i64) -> bool {
        let (Some((_, latest)), false) = (&mut self.stretch, self.reversed) else { return false };
        let usual = (0..=self.floor).contains(&(secs - *latest));
        if usual {
            self.lines = self.lines.saturating_add(1);
            *latest = secs;
        }
        usual
    }

    /// Takes the stamp of a line, its [`secs`], and the stamp of the line before, at `place`.
    pub(super) fn note(&mut self, secs: i64, before: &Stamp, now: &Stamp, place: u64, line: &Line<'_>) {
        let secs = if self.reversed { -secs } else { secs };
        self.lines = self.lines.saturating_add(1);
        let Some((first, latest)) = &mut self.stretch else {
            self.stretch = Some((secs, secs));
            return;
        };
        let mut pause = secs - *latest;
        if pause < -DISORDER_SECS && first == latest && !self.reversed && !is_new_year(pause, now) {
            // it has not run forwards yet
            let last = self::secs(before).unwrap_or(*latest);
            (*first, *latest) = (-*first, -last);
            self.reversed = true;
            pause = last - secs;
        }
        let secs = *latest + pause;
        if pause <= self.floor {
            if pause < -DISORDER_SECS {
                // across New Year stamps without one begin again
                if is_new_year(pause, now) {
                    self.stretch = Some((secs, secs));
                } else if secs < *first - DISORDER_SECS {
                    let latest = *latest;
                    self.turn((secs, *now, line.start), (latest, *before, place));
                }
            } else if pause > 0 {
                *latest = secs;
            }
            return;
        }
        *latest = secs;
        let what = String::new();
        let ((from, start), (to, end)) =
            if self.reversed { ((now, line.start), (before, place)) } else { ((before, place), (now, line.start)) };
        let (from, to) = (*from, *to);
        let hole = Hole { kind: GapKind::Silence, from, to, span: (start, end), line: line.number, what };
        let at = self.longest.partition_point(|it| it.0 >= pause);
        self.longest.insert(at, (pause, hole));
        if self.longest.len() > KEPT {
            self.longest.truncate(KEPT);
            self.floor = self.longest[KEPT - 1].0;
        }
    }

    /// Takes a stamp that is earlier than the first of the file, and the one before it.
    fn turn(&mut self, low: End, high: End) {
        let Some((lowest, highest)) = &mut self.turned else {
            self.turned = Some((low, high));
            return;
        };
        if low.0 < lowest.0 {
            *lowest = low;
        }
        if high.0 > highest.0 {
            *highest = high;
        }
    }

    /// The silences, in file order; of a file that turns round its whole stretch, up to the last line at `place`.
    pub(super) fn found(self, last: &Stamp, place: u64) -> Vec<Hole> {
        let Some((first, latest)) = self.stretch else { return Vec::new() };
        if let Some((low, high)) = self.turned {
            // the kernel's clock begins again with each boot
            let now = secs(last).filter(|_| !matches!(last, Stamp::Monotonic { .. }));
            let Some(now) = now.map(|it| if self.reversed { -it } else { it }) else { return Vec::new() };
            let high = if now > high.0 { (now, *last, place) } else { high };
            let (from, to) = if self.reversed { (high, low) } else { (low, high) };
            let what = "its times run both ways: several logs in a row, or a clock that was set".to_owned();
            let span = (from.2, to.2);
            return vec![Hole { kind: GapKind::Turned, from: from.1, to: to.1, span, line: 0, what }];
        }
        if self.lines < LEAST_LINES {
            return Vec::new();
        }
        let mut left = latest - first;
        let (mut silent, mut ordinary) = (0, 0);
        for (at, (pause, _)) in self.longest.iter().take(MOST).enumerate() {
            left -= pause;
            let next = self.longest.get(at + 1).map_or(0, |it| it.0).max(ORDINARY_SECS);
            if *pause >= LEAST_SECS.max(next.saturating_mul(TIMES)) && left >= next.saturating_mul(OBSERVED) {
                (silent, ordinary) = (at + 1, self.longest.get(at + 1).map_or(0, |it| it.0));
            }
        }
        let told = self.longest.into_iter().take(silent).map(|(pause, hole)| {
            let what =
                format!("no line for {}, in a log that else pauses for {} at most", lasting(pause), lasting(ordinary));
            Hole { what, ..hole }
        });
        let mut holes: Vec<Hole> = told.collect();
        holes.sort_by_key(|it| it.span);
        holes
    }
}

/// Whether the stamps of a log without years begin again.
fn is_new_year(pause: i64, now: &Stamp) -> bool {
    pause < -180 * 86_400 && matches!(now, Stamp::Yearless { .. })
}

/// The number that a carrier gives a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    /// In which sequence.
    pub(crate) sequence: u64,
    pub(crate) number: u64,
    /// A jump of so many is a loss: of a journal, whose users write files of their own, a small one is none.
    pub(crate) least: u64,
}

/// The numbers of the records so far.
#[derive(Default)]
pub(super) struct Numbers {
    /// Of which sequence, and the number.
    last: Option<(u64, u64)>,
    first: Option<(u64, u64)>,
    steps: u64,
    jumps: u64,
    holes: Vec<Hole>,
}

impl Numbers {
    /// Takes the number of a record.
    pub(super) fn note(&mut self, of: Number, before: &Stamp, now: &Stamp, place: u64, line: &Line<'_>) {
        let Number { sequence, number, least } = of;
        self.first.get_or_insert((sequence, number));
        let Some((_, last)) = self.last.replace((sequence, number)).filter(|it| it.0 == sequence) else { return };
        self.steps += 1;
        let missing = number.saturating_sub(last).saturating_sub(1);
        if missing == 0 {
            return;
        }
        self.jumps += 1;
        if missing < least || self.holes.len() > JUMPS {
            return;
        }
        let what = format!("{missing} records are missing between number {last} and {number}");
        let (from, to) = (*before, *now);
        let span = (place, line.start);
        self.holes.push(Hole { kind: GapKind::Numbers, from, to, span, line: line.number, what });
    }

    /// The first and the last, with their sequences; zero where there are none.
    pub(super) fn ends(&self) -> ((u64, u64), (u64, u64)) {
        (self.first.unwrap_or_default(), self.last.unwrap_or_default())
    }

    /// The jumps, unless there are so many that the file is a selection.
    pub(super) fn found(self) -> Vec<Hole> {
        let dense = self.jumps.saturating_mul(DENSE) <= self.steps;
        if dense && self.holes.len() <= JUMPS { self.holes } else { Vec::new() }
    }
}

/// Adds holes; of a silence within a longer one the longer stays, and so of the stretch of a file that turns round.
pub(super) fn add(holes: &mut Vec<Hole>, more: Vec<Hole>) {
    // newest first, a stretch ends where it began in the file
    let ends = |it: &Hole| (it.span.0.min(it.span.1), it.span.0.max(it.span.1));
    let holds = |a: &Hole, b: &Hole| ends(a).0 <= ends(b).0 && ends(b).1 <= ends(a).1;
    for new in more {
        let silence = |it: &Hole| it.kind == new.kind && matches!(new.kind, GapKind::Silence | GapKind::Turned);
        if holes.iter().any(|it| silence(it) && holds(it, &new)) {
            continue;
        }
        holes.retain(|it| !(silence(it) && holds(&new, it)));
        holes.push(new);
    }
    holes.sort_by_key(|it| it.span);
}

/// Seconds on whatever clock the stamp is of.
pub(super) fn secs(stamp: &Stamp) -> Option<i64> {
    match stamp {
        Stamp::Exact { at, .. } => Some(at.timestamp()),
        Stamp::Zoneless { local, .. } => Some(local.and_utc().timestamp()),
        Stamp::Yearless { month, day, time, .. } => {
            // the 29th of February is not in every year: it shares its number with the first of March
            const DAYS: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
            let days = DAYS.get((*month as usize).checked_sub(1)?)? + i64::from(*day);
            use chrono::Timelike;
            Some(days * 86_400 + i64::from(time.num_seconds_from_midnight()))
        }
        Stamp::Monotonic { micros } => i64::try_from(micros / 1_000_000).ok(),
        Stamp::None | Stamp::Between { .. } => None,
    }
}

/// `90 s`, `14 min`, `2.5 h`, `3 d`
fn lasting(secs: i64) -> String {
    let tenths = |unit: i64, name: &str| {
        let tenths = secs.saturating_mul(10) / unit;
        if tenths % 10 == 0 || tenths >= 100 {
            format!("{} {name}", tenths / 10)
        } else {
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    };
    match secs {
        ..120 => format!("{secs} s"),
        120..7200 => tenths(60, "min"),
        7200..172_800 => tenths(3600, "h"),
        _ => tenths(86_400, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log with lines at these seconds.
    fn silences(secs: impl IntoIterator<Item = i64>) -> Vec<String> {
        let mut of = Silences::default();
        let mut last = Stamp::None;
        for (at, secs) in secs.into_iter().enumerate() {
            let now = Stamp::epoch_micros(1_700_000_000_000_000 + secs * 1_000_000);
            let line = Line { text: "x", start: at as u64 * 10, number: at as u32 + 1 };
            of.note(super::secs(&now).expect("seconds"), &last, &now, at.saturating_sub(1) as u64 * 10, &line);
            last = now;
        }
        of.found(&last, 0).into_iter().map(|it| format!("line {}: {}", it.line, it.what)).collect()
    }

    #[test]
    fn a_steady_log_that_stops_for_a_while_is_silent() {
        let steady = (0..500).map(|it| it * 7);
        assert_eq!(silences(steady.clone()), [""; 0]);
        let paused = steady.clone().map(|it| if it > 2000 { it + 9000 } else { it });
        assert_eq!(silences(paused), ["line 287: no line for 2.5 h, in a log that else pauses for 7 s at most"]);
        let twice = steady.clone().map(|it| it + 9000 * i64::from(it > 1000) + 4000 * i64::from(it > 2000));
        assert_eq!(silences(twice).len(), 2);
        let short = steady.map(|it| if it > 2000 { it + 400 } else { it });
        assert_eq!(silences(short), [""; 0], "less than ten minutes");
    }

    #[test]
    fn newest_first_is_read_in_the_other_direction() {
        let paused = (0..500).map(|it| it * 7).map(|it| if it > 2000 { it + 9000 } else { it });
        let reversed: Vec<i64> = paused.collect::<Vec<_>>().into_iter().rev().collect();
        let told = ["line 215: no line for 2.5 h, in a log that else pauses for 7 s at most"];
        assert_eq!(silences(reversed.clone()), told);
        // the silence may be the newest pause of all
        let first = std::iter::once(50_000).chain(reversed.iter().copied().filter(|it| *it <= 2000));
        assert_eq!(silences(first).len(), 1);
        let both = reversed.iter().copied().chain((0..300).map(|it| it * 7));
        assert_eq!(
            silences(both).len(),
            1,
            "newest first down to the beginning, and that again: the pause is still there"
        );
        let mut of = Silences::default();
        let stamp = |secs: i64| Stamp::epoch_micros((1_700_000_000 + secs) * 1_000_000);
        for (at, secs) in reversed.iter().enumerate() {
            let line = Line { text: "x", start: at as u64 * 10, number: at as u32 + 1 };
            let before = at.checked_sub(1).map_or(Stamp::None, |it| stamp(reversed[it]));
            of.note(
                super::secs(&stamp(*secs)).expect("seconds"),
                &before,
                &stamp(*secs),
                at.saturating_sub(1) as u64 * 10,
                &line,
            );
        }
        let hole = &of.found(&Stamp::None, 0)[0];
        assert_eq!((&hole.from, &hole.to), (&stamp(1995), &stamp(2002 + 9000)), "the earlier end comes first");
        assert_eq!(hole.span, (2140, 2130));
    }

    #[test]
    fn a_log_that_speaks_now_and_then_is_not() {
        // pauses of every length, as of a kernel: each next one half as long
        let mut at = 0;
        let uneven: Vec<i64> = (0..400)
            .map(|it: i64| {
                at += 20_000 >> (it % 15);
                at
            })
            .collect();
        assert_eq!(silences(uneven), [""; 0]);
        // a start-up, and nothing for hours
        assert_eq!(silences((0..300).map(|it| it / 100 + 30_000 * i64::from(it == 299))), [""; 0]);
        assert_eq!(silences((0..100).map(|it| it * 7 + 9000 * i64::from(it > 50))), [""; 0], "too short to tell");
    }

    #[test]
    fn a_file_that_turns_round_does_not_tell_what_it_covers() {
        let steady = |from: i64| (0..300).map(move |it| from + it * 7);
        let turned = ["line 0: its times run both ways: several logs in a row, or a clock that was set"];
        // the newer log first, and then the older one
        let two = || steady(20_000).chain(steady(0));
        assert_eq!(silences(two()), turned);
        let mut of = Silences::default();
        let stamp = |secs: i64| Stamp::epoch_micros((1_700_000_000 + secs) * 1_000_000);
        let mut last = Stamp::None;
        for (at, secs) in two().enumerate() {
            let line = Line { text: "x", start: at as u64 * 10, number: at as u32 + 1 };
            of.note(
                super::secs(&stamp(secs)).expect("seconds"),
                &last,
                &stamp(secs),
                (at as u64).saturating_sub(1) * 10,
                &line,
            );
            last = stamp(secs);
        }
        let hole = &of.found(&last, 5990)[0];
        assert_eq!(
            (hole.kind, &hole.from, &hole.to, hole.span),
            (GapKind::Turned, &stamp(0), &stamp(22_093), (3000, 2990))
        );
        // a part that is there twice, and a small correction of the clock, leave it as it was
        assert_eq!(silences(steady(0).chain(steady(0))), [""; 0]);
        assert_eq!(silences(steady(0).map(|it| if it > 1000 { it - 300 } else { it })), [""; 0]);
        // a silence is one whatever was merged before it
        let merged = steady(0).chain(steady(700)).chain(steady(12_000));
        assert_eq!(silences(merged), ["line 601: no line for 2.5 h, in a log that else pauses for 7 s at most"]);
        // the clock of a kernel that booted again
        let mut of = Silences::default();
        for (at, secs) in (5000..5300).chain(0..300).enumerate() {
            let line = Line { text: "x", start: at as u64, number: at as u32 + 1 };
            of.note(secs, &Stamp::None, &Stamp::Monotonic { micros: secs as u64 * 1_000_000 }, 0, &line);
        }
        assert_eq!(of.found(&Stamp::Monotonic { micros: 299_000_000 }, 0), []);
    }

    #[test]
    fn new_year_and_the_end_of_february_are_no_silence() {
        let day = |month, day| {
            let time = chrono::NaiveTime::from_hms_opt(23, 59, 0).expect("a time");
            secs(&Stamp::Yearless { month, day, time, resolution: chrono::TimeDelta::seconds(1) })
        };
        let days = |a: (u32, u32), b: (u32, u32)| day(b.0, b.1).zip(day(a.0, a.1)).map(|(b, a)| (b - a) / 86_400);
        assert_eq!((days((2, 28), (3, 1)), days((2, 28), (2, 29)), days((2, 29), (3, 1))), (Some(1), Some(1), Some(0)));
        assert_eq!(days((11, 30), (12, 1)), Some(1));
    }

    #[test]
    fn numbers_that_jump_once_are_a_loss_and_often_a_filter() {
        let found = |numbers: &mut dyn Iterator<Item = u64>, least| {
            let mut of = Numbers::default();
            for (at, number) in numbers.enumerate() {
                let line = Line { text: "x", start: at as u64, number: at as u32 + 1 };
                let number = Number { sequence: 0, number, least };
                of.note(number, &Stamp::None, &Stamp::None, 0, &line);
            }
            of.found().into_iter().map(|it| it.what).collect::<Vec<_>>()
        };
        let jump = |by: u64| move |it: u64| if it >= 100 { it + by } else { it };
        assert_eq!(found(&mut (0..200).map(jump(115)), 1), ["115 records are missing between number 99 and 215"]);
        assert_eq!(found(&mut (0..200).map(jump(115)), 1000), [""; 0], "another file holds them");
        assert_eq!(found(&mut (0..200).map(|it| it * 3), 1), [""; 0]);
    }

    #[test]
    fn lengths() {
        assert_eq!([90, 840, 9000, 36_000, 259_200].map(lasting), ["90 s", "14 min", "2.5 h", "10 h", "3 d"]);
    }
}
