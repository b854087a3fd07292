//! Clocks: which zone and year a node's stamps are in, and how sure that is.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::skew::Correction;
use crate::{Interval, MemberId, Name, Time};

/// One clock of the case, by its place in [`crate::Timeline::clocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockId(pub u32);

impl ClockId {
    /// The shared clock: stamps that state year and zone themselves.
    pub const UTC: ClockId = ClockId(0);
}

/// How the zone of a clock is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneBasis {
    /// Printed with every stamp.
    Stated,
    /// Taken from another line or file of the same node.
    Node(Box<str>),
    /// The other nodes of the case all have it.
    Neighbours,
    /// An abbreviation with several meanings: its name, and the offsets it may mean besides the one it is read as, which is that
    /// of UTC where none is more usual than the others.
    Ambiguous(Box<str>, Vec<i32>),
    /// The user said so.
    Given,
    /// Unknown: read as UTC, with the error that implies.
    Assumed,
}

/// How the year of a clock is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum YearBasis {
    /// Printed with every stamp.
    Stated,
    /// The latest year that is not after this collection time.
    Collected(Box<str>),
    /// Lines of the same file that state the instant a second time.
    Lines,
    /// The year of other stamps of the case.
    Neighbours,
    /// The user said so.
    Given,
    /// The archive's modification time, a last hint.
    Modified,
    /// Unknown.
    Assumed,
}

/// What kind of clock it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeper {
    /// The wall clock of a machine.
    Wall,
    /// The kernel's clock of the boots in a file, put on the wall clock by lines that carry both.
    Kernel(MemberId),
    /// The kernel's clock, turned into wall time by `dmesg` when it ran: it drifts from the wall clock.
    Dmesg(MemberId),
}

/// A clock and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Its place in the list.
    pub id: ClockId,
    /// Whose clock it is; none for the shared one.
    pub node: Option<Name>,
    /// What kind of clock.
    pub keeper: Keeper,
    /// Seconds east of UTC.
    pub offset_secs: i32,
    /// How the zone is known.
    pub zone: ZoneBasis,
    /// How the year is known.
    pub year: YearBasis,
    /// How much earlier than printed an instant may be, in seconds.
    pub early_secs: i64,
    /// How much later than printed an instant may be, in seconds.
    pub late_secs: i64,
}

/// What is known of one node's zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone {
    pub(crate) offset_secs: i32,
    pub(crate) basis: ZoneBasis,
}

/// The zones of a case, from what its nodes say of themselves.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    by_node: BTreeMap<Name, Zone>,
    shared: Option<Zone>,
    /// Nodes that name their zone as the tz database does, so that summer time is known.
    rules: BTreeMap<Name, Tz>,
    shared_rule: Option<Tz>,
    /// Abbreviations with several meanings that nodes print, and the offsets that fit.
    hints: BTreeMap<Name, (Name, Vec<i32>)>,
}

/// The zone of one local stamp.
#[derive(Debug, PartialEq)]
pub(crate) struct Local {
    pub(crate) zone: Zone,
    /// In the hour that the end of summer time repeats: the offset of its second half.
    pub(crate) again: Option<i32>,
}

/// A statement about a zone: the node (none: the case as a whole), the offset and where it stands.
pub(crate) struct ZoneClaim {
    pub(crate) node: Option<Name>,
    pub(crate) offset_secs: i32,
    pub(crate) by: &'static str,
}

impl Zones {
    /// Weighs the claims: of one node the most frequent, the first named among equals; the case's zone is what all agree on.
    pub(crate) fn settle(claims: &[ZoneClaim], given: &BTreeMap<Name, i32>) -> Zones {
        let mut votes: BTreeMap<Option<Name>, BTreeMap<i32, (usize, &'static str)>> = BTreeMap::new();
        for claim in claims {
            let vote = votes.entry(claim.node.clone()).or_default().entry(claim.offset_secs).or_insert((0, claim.by));
            // a tool that was asked for the zone outweighs any number of stamps
            let stamp = matches!(claim.by, "stamps with an offset" | crate::testimony::BY_LINES);
            vote.0 += if stamp { 1 } else { 1_000_000 };
        }
        let winner = |of: &BTreeMap<i32, (usize, &'static str)>| {
            of.iter().max_by_key(|(offset, (count, _))| (*count, -**offset)).map(|(offset, (_, by))| (*offset, *by))
        };
        let mut zones = Zones::default();
        for (node, of) in &votes {
            if let (Some(node), Some((offset_secs, by))) = (node, winner(of)) {
                zones.by_node.insert(node.clone(), Zone { offset_secs, basis: ZoneBasis::Node(by.into()) });
            }
        }
        for (node, &offset_secs) in given {
            zones.by_node.insert(node.clone(), Zone { offset_secs, basis: ZoneBasis::Given });
        }
        let mut offsets: Vec<i32> = zones.by_node.values().map(|it| it.offset_secs).collect();
        if let Some((offset, _)) = votes.get(&None).and_then(winner) {
            offsets.push(offset);
        }
        offsets.sort_unstable();
        offsets.dedup();
        if let [offset_secs] = offsets[..] {
            zones.shared = Some(Zone { offset_secs, basis: ZoneBasis::Neighbours });
        }
        zones
    }

    /// Adds abbreviations with several meanings, with the offsets that may be meant.
    pub(crate) fn hinted(mut self, hints: BTreeMap<Name, (Name, Vec<i32>)>) -> Zones {
        self.hints = hints;
        self
    }

    /// Adds the names that nodes give their zones; a zone that the user states has no rules.
    pub(crate) fn named(mut self, names: &[(Option<Name>, Name)]) -> Zones {
        let mut shared: Vec<Tz> = Vec::new();
        for (node, name) in names {
            let Ok(rule) = name.parse::<Tz>() else { continue };
            shared.push(rule);
            if let Some(node) = node
                && self.by_node.get(node).is_none_or(|it| it.basis != ZoneBasis::Given)
            {
                self.rules.entry(node.clone()).or_insert(rule);
            }
        }
        self.shared_rule = match shared.as_slice() {
            [first, others @ ..] if others.iter().all(|it| it == first) => Some(*first),
            _ => None,
        };
        self
    }

    /// The zone to read one stamp of a node in: of a zone whose rules are known, the one in force then.
    pub(crate) fn at(&self, node: Option<&Name>, local: NaiveDateTime) -> Local {
        let zone = self.of(node);
        let own = node.and_then(|it| self.rules.get(it));
        let guessed = matches!(zone.basis, ZoneBasis::Neighbours | ZoneBasis::Ambiguous(..) | ZoneBasis::Assumed);
        let shared = self.shared_rule.as_ref().filter(|_| guessed);
        let Some(rule) = own.or(shared) else { return Local { zone, again: None } };
        let offset =
            |local: NaiveDateTime| rule.offset_from_local_datetime(&local).map(|it| it.fix().local_minus_utc());
        // a name that contradicts what the node says of its clock is another's
        let fits = |offset_secs: i32| {
            let days = [(1, 1), (7, 1)].map(|(month, day)| NaiveDate::from_ymd_opt(local.year(), month, day));
            days.into_iter().flatten().any(|it| offset(it.and_time(NaiveTime::MIN)).earliest() == Some(offset_secs))
        };
        let may_be = match &zone.basis {
            ZoneBasis::Assumed => true,
            ZoneBasis::Ambiguous(_, others) => fits(zone.offset_secs) || others.iter().any(|it| fits(*it)),
            _ => fits(zone.offset_secs),
        };
        if !may_be {
            return Local { zone, again: None };
        }
        let basis = match (&zone.basis, own) {
            (ZoneBasis::Assumed | ZoneBasis::Ambiguous(..), Some(_)) => ZoneBasis::Node("its own zone setting".into()),
            (ZoneBasis::Assumed, None) => ZoneBasis::Neighbours,
            (ZoneBasis::Ambiguous(name, _), None) => as_others(name),
            (basis, _) => basis.clone(),
        };
        match offset(local) {
            chrono::LocalResult::Single(offset_secs) => Local { zone: Zone { offset_secs, basis }, again: None },
            chrono::LocalResult::Ambiguous(first, again) => {
                Local { zone: Zone { offset_secs: first, basis }, again: Some(again) }
            }
            // the hour that summer time leaves out: this was stamped otherwise
            chrono::LocalResult::None => Local { zone, again: None },
        }
    }

    /// The zone to read a node's stamps in.
    pub(crate) fn of(&self, node: Option<&Name>) -> Zone {
        if let Some(own) = node.and_then(|it| self.by_node.get(it)) {
            return own.clone();
        }
        let shared = self.shared.as_ref();
        let Some((name, offsets)) = node.and_then(|it| self.hints.get(it)) else {
            return shared.cloned().unwrap_or(Zone { offset_secs: 0, basis: ZoneBasis::Assumed });
        };
        match (&offsets[..], shared) {
            ([offset_secs], _) => {
                let basis = ZoneBasis::Node(format!("{name}, borne out by stamps in UTC").into());
                Zone { offset_secs: *offset_secs, basis }
            }
            (_, Some(shared)) if offsets.contains(&shared.offset_secs) => {
                Zone { offset_secs: shared.offset_secs, basis: as_others(name) }
            }
            (offsets, _) => {
                let (offset_secs, others) = crate::abbreviation::read_as(name, offsets);
                Zone { offset_secs, basis: ZoneBasis::Ambiguous((&**name).into(), others) }
            }
        }
    }
}

/// An abbreviation with several meanings, one of which is the zone of the other nodes.
fn as_others(name: &str) -> ZoneBasis {
    ZoneBasis::Node(format!("{name}, as on the other nodes").into())
}

/// Hands out clocks, one for each combination of node, kind, zone and year basis.
#[derive(Debug)]
pub(crate) struct Clocks {
    pub(crate) list: Vec<Clock>,
    corrections: BTreeMap<Name, Correction>,
}

/// Civil offsets run from UTC-12 to UTC+14; a stamp read as UTC is wrong by at most that.
const ZONE_UNKNOWN_EARLY_SECS: i64 = 14 * 3600;
const ZONE_UNKNOWN_LATE_SECS: i64 = 12 * 3600;
const YEAR_UNKNOWN_SECS: i64 = 100 * 366 * 86_400;

/// A clock to read: whose, what kind, and what it may be off by besides zone and year.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dial<'n> {
    pub(crate) node: Option<&'n Name>,
    pub(crate) keeper: Keeper,
    pub(crate) drift_secs: i64,
}

impl<'n> Dial<'n> {
    pub(crate) fn wall(node: Option<&'n Name>) -> Dial<'n> {
        Dial { node, keeper: Keeper::Wall, drift_secs: 0 }
    }
}

const STATED: Zone = Zone { offset_secs: 0, basis: ZoneBasis::Stated };

impl Clocks {
    pub(crate) fn new(corrections: BTreeMap<Name, Correction>) -> Clocks {
        let utc = Clock {
            id: ClockId::UTC,
            node: None,
            keeper: Keeper::Wall,
            offset_secs: 0,
            zone: ZoneBasis::Stated,
            year: YearBasis::Stated,
            early_secs: 0,
            late_secs: 0,
        };
        Clocks { list: vec![utc], corrections }
    }

    /// The clock of a dial in a zone, with the year known in some way.
    pub(crate) fn get(&mut self, dial: Dial<'_>, zone: &Zone, year: &YearBasis) -> ClockId {
        let same = |it: &Clock| {
            it.node.as_ref() == dial.node
                && it.keeper == dial.keeper
                && it.offset_secs == zone.offset_secs
                && it.zone == zone.basis
                && it.year == *year
        };
        if let Some(known) = self.list.iter().skip(1).find(|it| same(it)) {
            return known.id;
        }
        let id = ClockId(self.list.len() as u32);
        let correction = self.correction(dial.node);
        let (mut early_secs, mut late_secs) =
            (correction.early_secs + dial.drift_secs, correction.late_secs + dial.drift_secs);
        if zone.basis == ZoneBasis::Assumed {
            early_secs += ZONE_UNKNOWN_EARLY_SECS;
            late_secs += ZONE_UNKNOWN_LATE_SECS;
        }
        if let ZoneBasis::Ambiguous(_, others) = &zone.basis {
            // farther east is earlier
            let apart = || others.iter().map(|it| i64::from(it - zone.offset_secs));
            early_secs += apart().max().unwrap_or(0).max(0);
            late_secs += apart().map(|it| -it).max().unwrap_or(0).max(0);
        }
        if *year == YearBasis::Assumed {
            early_secs += YEAR_UNKNOWN_SECS;
            late_secs += YEAR_UNKNOWN_SECS;
        }
        self.list.push(Clock {
            id,
            node: dial.node.cloned(),
            keeper: dial.keeper,
            offset_secs: zone.offset_secs,
            zone: zone.basis.clone(),
            year: year.clone(),
            early_secs,
            late_secs,
        });
        id
    }

    fn correction(&self, node: Option<&Name>) -> Correction {
        node.and_then(|it| self.corrections.get(it)).copied().unwrap_or_default()
    }

    /// An instant read off a clock.
    pub(crate) fn time(&self, id: ClockId, local: NaiveDateTime, resolution: TimeDelta) -> Time {
        let clock = &self.list[id.0 as usize];
        let shift = TimeDelta::seconds(i64::from(clock.offset_secs)) + self.correction(clock.node.as_ref()).shift;
        let Some(utc) = local.checked_sub_signed(shift) else { return Time::UNKNOWN };
        let nominal = Interval::from(utc.and_utc(), resolution);
        let full = nominal.widened(TimeDelta::seconds(clock.early_secs), TimeDelta::seconds(clock.late_secs));
        Time { nominal, full, clock: id }
    }

    /// An instant that states its zone itself, corrected for what is known of the clock it was read from.
    pub(crate) fn stated(&mut self, dial: Dial<'_>, interval: Interval) -> Time {
        let correction = self.correction(dial.node);
        let plain = correction == Correction::default() && dial.keeper == Keeper::Wall;
        if plain || !interval.is_known() {
            return Time::utc(interval);
        }
        let earlier = |at: DateTime<Utc>| at.checked_sub_signed(correction.shift).unwrap_or(at);
        let nominal = Interval { lo: earlier(interval.lo), hi: earlier(interval.hi) };
        if correction.early_secs == 0 && correction.late_secs == 0 && dial.keeper == Keeper::Wall {
            return Time::utc(nominal);
        }
        let clock = self.get(dial, &STATED, &YearBasis::Stated);
        let Clock { early_secs, late_secs, .. } = self.list[clock.0 as usize];
        let full = nominal.widened(TimeDelta::seconds(early_secs), TimeDelta::seconds(late_secs));
        Time { nominal, full, clock }
    }

    /// An instant of the kernel's clock: in order among its own whatever the error of its anchors.
    pub(crate) fn kernel(&mut self, dial: Dial<'_>, at: DateTime<Utc>, sure: Interval) -> Time {
        let time = self.stated(dial, Interval::from(at, TimeDelta::microseconds(1)));
        let (early, late) = (at - sure.lo, sure.hi - at);
        Time { full: time.full.widened(early, late), ..time }
    }
}

/// A month and day with a time, waiting for its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Yearless {
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) time: NaiveTime,
}

impl Yearless {
    /// The instant in a year; the 29th of February of a common year is read as the 28th.
    pub(crate) fn in_year(self, year: i32) -> Option<NaiveDateTime> {
        let date = NaiveDate::from_ymd_opt(year, self.month, self.day)
            .or_else(|| NaiveDate::from_ymd_opt(year, self.month, self.day.saturating_sub(1)))?;
        Some(date.and_time(self.time))
    }
}

/// How many years each stamp lies behind the last one, by walking the file from its end: a jump of more than half a
/// year between neighbours is a New Year between them, in either direction of the file.
pub(crate) fn relative_years(stamps: &[Yearless]) -> Vec<i32> {
    const LEAP: i32 = 2000;
    let mut years = vec![0; stamps.len()];
    let (mut year, mut next): (i32, Option<NaiveDateTime>) = (0, None);
    for at in (0..stamps.len()).rev() {
        let Some(here) = stamps[at].in_year(LEAP) else {
            years[at] = year;
            continue;
        };
        if let Some(next) = next {
            let days = (here - next).num_days();
            if days > 180 {
                year -= 1;
            } else if days < -180 {
                year += 1;
            }
        }
        years[at] = year;
        next = Some(here);
    }
    years
}

/// What the case knows about the year of its stamps.
#[derive(Debug, Default)]
pub(crate) struct YearEvidence {
    /// The user said so.
    pub(crate) given: Option<i32>,
    /// When the bundle was collected, by node; none for the case as a whole. With the words for the report.
    pub(crate) collected: Vec<(Option<Name>, NaiveDateTime, Box<str>)>,
    /// Other stamps that state their year.
    pub(crate) stated: Vec<NaiveDateTime>,
}

impl YearEvidence {
    /// The year of the last stamp of a file, given its stamps, their relative years, and what its own lines say of it.
    pub(crate) fn last_year(
        &self,
        node: Option<&Name>,
        stamps: &[Yearless],
        years: &[i32],
        modified: Option<i64>,
        lines: Option<i32>,
    ) -> (i32, YearBasis) {
        if let Some(year) = self.given {
            // of a file that crosses New Year the newest stamp is meant, which stands first where it runs backwards
            return (year - years.iter().copied().max().unwrap_or(0).max(0), YearBasis::Given);
        }
        if let Some(year) = lines {
            return (year, YearBasis::Lines);
        }
        // the newest stamp decides: in a newest-first file that is not the last one
        let newest = |year: i32| stamps.iter().zip(years).filter_map(|(it, by)| it.in_year(year + by)).max();
        let latest_not_after = |limit: NaiveDateTime| {
            let limit = limit + TimeDelta::days(1);
            (0..3).map(|back| limit.year() + 1 - back).find(|year| newest(*year).is_some_and(|it| it <= limit))
        };
        let own = self.collected.iter().filter(|(of, ..)| of.is_some() && of.as_ref() == node);
        let any = self.collected.iter();
        for (_, limit, words) in own.chain(any) {
            if let Some(year) = latest_not_after(*limit) {
                return (year, YearBasis::Collected(words.clone()));
            }
        }
        let nearest = self.stated.iter().flat_map(|near| {
            let newest = &newest;
            (-1..=1).filter_map(move |by| {
                let year = near.year() + by;
                newest(year).map(|it| ((it - *near).num_seconds().abs(), year))
            })
        });
        if let Some((_, year)) = nearest.min() {
            return (year, YearBasis::Neighbours);
        }
        if let Some(limit) = modified.and_then(|it| DateTime::from_timestamp(it, 0))
            && let Some(year) = latest_not_after(limit.naive_utc())
        {
            return (year, YearBasis::Modified);
        }
        (1970, YearBasis::Assumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(month: u32, day: u32) -> Yearless {
        Yearless { month, day, time: NaiveTime::MIN }
    }

    #[test]
    fn a_file_that_crosses_new_year() {
        assert_eq!(relative_years(&[stamp(12, 30), stamp(12, 31), stamp(1, 1), stamp(1, 2)]), [-1, -1, 0, 0]);
        assert_eq!(relative_years(&[stamp(1, 2), stamp(1, 1), stamp(12, 31)]), [1, 1, 0], "newest first");
        assert_eq!(relative_years(&[stamp(12, 31), stamp(1, 1), stamp(12, 31), stamp(1, 1)]), [-1, 0, -1, 0]);
    }

    #[test]
    fn the_year_comes_from_the_collection_time() {
        let collected = NaiveDate::from_ymd_opt(2024, 1, 3).expect("a date").and_time(NaiveTime::MIN);
        let evidence = YearEvidence { collected: vec![(None, collected, "date".into())], ..YearEvidence::default() };
        let stamps = [stamp(12, 30), stamp(1, 2)];
        let years = relative_years(&stamps);
        assert_eq!(evidence.last_year(None, &stamps, &years, None, None).0, 2024);
        assert_eq!(evidence.last_year(None, &[stamp(12, 30)], &[0], None, None).0, 2023);
    }

    #[test]
    fn a_given_year_is_the_newest_stamps_in_either_direction() {
        let evidence = YearEvidence { given: Some(2020), ..YearEvidence::default() };
        let newest = |stamps: &[Yearless]| {
            let years = relative_years(stamps);
            let last = evidence.last_year(None, stamps, &years, None, None).0;
            years.iter().map(|it| last + it).collect::<Vec<_>>()
        };
        assert_eq!(newest(&[stamp(12, 30), stamp(12, 31), stamp(1, 1)]), [2019, 2019, 2020]);
        assert_eq!(newest(&[stamp(1, 1), stamp(12, 31), stamp(12, 30)]), [2020, 2019, 2019]);
    }

    #[test]
    fn without_evidence_the_year_stays_unknown() {
        assert_eq!(
            YearEvidence::default().last_year(None, &[stamp(6, 14)], &[0], None, None),
            (1970, YearBasis::Assumed)
        );
    }

    #[test]
    fn summer_time_follows_the_rules_of_a_named_zone() {
        let claim = ZoneClaim { node: Some("a".into()), offset_secs: 3600, by: "timedatectl" };
        let given = BTreeMap::from([("b".into(), 0)]);
        let berlin = [(Some("a".into()), "Europe/Berlin".into()), (Some("b".into()), "Europe/Berlin".into())];
        let zones = Zones::settle(&[claim], &given).named(&berlin);
        let at = |node: &str, month, day, hour| {
            let local =
                NaiveDate::from_ymd_opt(2023, month, day).and_then(|it| it.and_hms_opt(hour, 30, 0)).expect("a time");
            let Local { zone, again } = zones.at(Some(&node.into()), local);
            (zone.offset_secs, again)
        };
        assert_eq!(at("a", 1, 15, 12), (3600, None));
        assert_eq!(at("a", 7, 15, 12), (7200, None));
        assert_eq!(at("a", 10, 29, 1), (7200, None));
        assert_eq!(at("a", 10, 29, 2), (7200, Some(3600)), "twice that night");
        assert_eq!(at("a", 10, 29, 3), (3600, None));
        assert_eq!(at("a", 3, 26, 2), (3600, None), "never that night");
        assert_eq!(at("b", 7, 15, 12), (0, None), "the user knows better");
        // a name that the clock contradicts
        let claim = ZoneClaim { node: Some("a".into()), offset_secs: 28_800, by: "date" };
        let zones = Zones::settle(&[claim], &BTreeMap::new()).named(&berlin[..1]);
        let july = NaiveDate::from_ymd_opt(2023, 7, 1).expect("a date").and_time(NaiveTime::MIN);
        assert_eq!(zones.at(Some(&"a".into()), july).zone.offset_secs, 28_800);
    }

    #[test]
    fn an_abbreviation_with_several_meanings_is_a_hint_with_an_error() {
        let hints = |offsets: &[i32]| BTreeMap::from([("a".into(), ("EST".into(), offsets.to_vec()))]);
        let claim = |offset_secs| ZoneClaim { node: Some("b".into()), offset_secs, by: "timedatectl" };
        let of = |claims: &[ZoneClaim], offsets: &[i32]| {
            Zones::settle(claims, &BTreeMap::new()).hinted(hints(offsets)).of(Some(&"a".into()))
        };
        let all = [-18_000, 36_000, 39_600];
        let zone = of(&[], &all);
        assert_eq!(zone.basis, ZoneBasis::Ambiguous("EST".into(), vec![36_000, 39_600]));
        let mut clocks = Clocks::new(BTreeMap::new());
        let id = clocks.get(Dial::wall(Some(&"a".into())), &zone, &YearBasis::Stated);
        let clock = &clocks.list[id.0 as usize];
        assert_eq!((clock.offset_secs, clock.early_secs, clock.late_secs), (-18_000, 57_600, 0));
        // where none is more usual, it is read as printed
        let cst = BTreeMap::from([("a".into(), ("CST".into(), vec![-21_600, 28_800]))]);
        let zone = Zones::settle(&[], &BTreeMap::new()).hinted(cst).of(Some(&"a".into()));
        let id = clocks.get(Dial::wall(Some(&"a".into())), &zone, &YearBasis::Stated);
        let clock = &clocks.list[id.0 as usize];
        assert_eq!((clock.offset_secs, clock.early_secs, clock.late_secs), (0, 28_800, 21_600));
        let zone = of(&[], &all);
        // something else agrees with one of them
        assert_eq!((of(&[claim(36_000)], &all).offset_secs, of(&[], &all[..1]).offset_secs), (36_000, -18_000));
        assert_eq!(of(&[claim(36_000)], &all).basis, ZoneBasis::Node("EST, as on the other nodes".into()));
        // the others are elsewhere: its own word counts
        assert_eq!(of(&[claim(0)], &all), zone);
        let named = Zones::settle(&[], &BTreeMap::new())
            .hinted(hints(&all))
            .named(&[(Some("b".into()), "America/New_York".into())]);
        let july = NaiveDate::from_ymd_opt(2023, 7, 1).expect("a date").and_time(NaiveTime::MIN);
        assert_eq!(named.at(Some(&"a".into()), july).zone.offset_secs, -14_400, "summer time of that zone");
    }

    #[test]
    fn a_zone_is_shared_only_when_all_agree() {
        let claim = |node: &str, offset_secs| ZoneClaim { node: Some(node.into()), offset_secs, by: "timedatectl" };
        let zones = Zones::settle(&[claim("a", 28_800)], &BTreeMap::new());
        assert_eq!(zones.of(Some(&"b".into())), Zone { offset_secs: 28_800, basis: ZoneBasis::Neighbours });
        let zones = Zones::settle(&[claim("a", 28_800), claim("b", 0)], &BTreeMap::new());
        assert_eq!(zones.of(Some(&"c".into())).basis, ZoneBasis::Assumed);
    }
}
