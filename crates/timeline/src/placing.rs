//! The stamps of one member, put on the clocks of its nodes.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDateTime, TimeDelta};

use crate::clock::{Clocks, Dial, Keeper, Local, YearEvidence, Yearless, Zone, Zones, relative_years};
use crate::kernel_clock::{KernelClocks, Pair};
use crate::steps::Steps;
use crate::{
    Carrier, Event, Fact, Gap, Hole, Interval, Member, MemberId, MemberRecords, Name, Record, Seen, Source, Stamp,
    Time, YearBasis, relation,
};

/// Drift to allow for between wall time and what `dmesg -T` makes of the kernel's clock: 50 parts per million.
const DMESG_DRIFT_PER_MILLION: i64 = 50;

/// Places the stamps of one member.
pub(crate) struct Placing<'z> {
    zones: &'z Zones,
    year: YearBasis,
    /// Absolute year by byte offset, ascending.
    years: Vec<(u64, i32)>,
    /// Where local time went back by up to an hour, and what it was afterwards: the end of summer time may be there.
    back: Vec<(u64, NaiveDateTime)>,
    /// Difference between the zone of inner stamps and that of the carrier, seconds.
    inner_shift_secs: i32,
    pub(crate) kernel: KernelClocks,
    pub(crate) steps: Steps,
    member: MemberId,
    /// Whether wall stamps of this member were computed from the kernel's clock, and how far that may have drifted.
    dmesg_drift_secs: Option<i64>,
}

impl<'z> Placing<'z> {
    pub(crate) fn of(
        id: MemberId,
        member: &Member,
        records: &MemberRecords,
        zones: &'z Zones,
        evidence: &YearEvidence,
        running: &BTreeMap<Name, Pair>,
    ) -> Placing<'z> {
        let mut stamps: Vec<(u64, Yearless)> = Vec::new();
        let mut locals: Vec<(u64, NaiveDateTime)> = Vec::new();
        let mut push = |at: u64, stamp: &Stamp| match stamp {
            Stamp::Yearless { month, day, time, .. } => {
                stamps.push((at, Yearless { month: *month, day: *day, time: *time }));
            }
            Stamp::Zoneless { local, .. } => locals.push((at, *local)),
            _ => {}
        };
        for seen in &records.seen {
            push(seen.span.0, &seen.first);
            push(seen.span.1, &seen.last);
        }
        records.months.iter().for_each(|(at, stamp)| push(*at, stamp));
        let mut pairs: Vec<(Option<Name>, u64, Pair)> = Vec::new();
        let mut starts: Vec<(Option<Name>, u64)> = Vec::new();
        let mut shifts: BTreeMap<i32, usize> = BTreeMap::new();
        let mut told: Vec<(u64, i32)> = Vec::new();
        for record in &records.records {
            match record {
                Record::Event(event) => {
                    let at = event.quote.span.start;
                    push(at, &event.stamp);
                    if event.stamp == Stamp::None
                        && let Some(inner) = &event.inner
                    {
                        push(at, inner);
                    }
                    if let Some(shift) = event.inner.as_ref().and_then(|it| quarter_hours(&event.stamp, it)) {
                        *shifts.entry(shift).or_default() += 1;
                    }
                    if event.row.as_ref().is_some_and(|it| it.relation == &relation::BOOT_START) {
                        starts.push((event.node.clone(), at));
                    }
                }
                Record::Fact(fact, stamp) => {
                    let place = fact.quotes.first().map_or(0, |it| it.span.start);
                    push(place, stamp);
                    told.extend(told_year(fact, stamp).map(|year| (place, year)));
                    if fact.row.relation == &relation::ANCHOR {
                        let number = |column: &str| fact.get(column).as_number().map(|it| it as i64);
                        if let (Some(micros), Some(epoch_micros)) = (number("micros"), number("epoch_micros")) {
                            let error_micros = number("error_micros").unwrap_or(1_000_000);
                            let how = crate::build::text(&fact.get("how")).unwrap_or_else(|| "anchor".into());
                            let pair = Pair { micros, epoch_micros, error_micros, how };
                            pairs.push((fact.node.clone(), place, pair));
                        }
                    }
                }
                Record::Series(_) => {}
            }
        }
        if is_running_ring(member)
            && let Some(node) = &member.node
            && let Some(pair) = running.get(node)
        {
            pairs.push((Some(node.clone()), u64::MAX, pair.clone()));
        }
        stamps.sort_by_key(|it| it.0);
        let (places, plain): (Vec<u64>, Vec<Yearless>) = stamps.into_iter().unzip();
        let relative = relative_years(&plain);
        let told = Told::of(told, &places, &relative);
        let (last, year) = if plain.is_empty() {
            (0, YearBasis::Stated)
        } else {
            evidence.last_year(member.node.as_ref(), &plain, &relative, member.modified, told.last())
        };
        let first_of = |at: u64| if year == YearBasis::Lines { told.base(at) } else { last };
        let years: Vec<(u64, i32)> =
            places.iter().copied().zip(relative).map(|(at, by)| (at, first_of(at) + by)).collect();
        let dated =
            places.iter().zip(&plain).zip(&years).filter_map(|((at, it), (_, year))| Some((*at, it.in_year(*year)?)));
        let back = went_back(locals.into_iter().chain(dated).collect());
        let inner_shift_secs =
            shifts.into_iter().max_by_key(|(shift, count)| (*count, -shift.abs())).map_or(0, |it| it.0);
        Placing {
            zones,
            year,
            years,
            back,
            inner_shift_secs,
            kernel: KernelClocks::of(pairs, &starts),
            steps: Steps::of(records),
            member: id,
            dmesg_drift_secs: dmesg_drift(member, records),
        }
    }

    fn year_at(&self, place: u64) -> i32 {
        let at = self.years.partition_point(|(start, _)| *start <= place);
        let near = at.checked_sub(1).or(if self.years.is_empty() { None } else { Some(0) });
        near.map_or(1970, |it| self.years[it].1)
    }

    /// When a log begins and ends.
    pub(crate) fn covers(&mut self, seen: &Seen, clocks: &mut Clocks) -> Option<(Time, Time)> {
        let node = seen.node.as_ref().filter(|_| seen.source != Source::KubeEvent);
        let moved = self.steps.shift_first(node, &seen.first);
        let first = self.shifted(&seen.first, node, seen.span.0, 0, clocks);
        let first = if moved.is_zero() { first } else { later(first, moved) };
        let last = self.shifted(&seen.last, node, seen.span.1, 0, clocks);
        if !first.is_known() || !last.is_known() {
            return None;
        }
        Some(if last.nominal < first.nominal { (last, first) } else { (first, last) })
    }

    /// A hole of a log with its times.
    pub(crate) fn gap(&mut self, seen: &Seen, hole: Hole, clocks: &mut Clocks) -> Gap {
        let node = seen.node.as_ref();
        let from = self.shifted(&hole.from, node, hole.span.0, 0, clocks);
        let to = self.shifted(&hole.to, node, hole.span.1, 0, clocks);
        Gap {
            kind: hole.kind,
            node: seen.node.clone(),
            source: Some(seen.source),
            of: seen.source.name().into(),
            from,
            to,
            what: hole.what,
            member: self.member,
            line: hole.line,
        }
    }

    fn shifted(&mut self, stamp: &Stamp, node: Option<&Name>, place: u64, shift: i32, clocks: &mut Clocks) -> Time {
        let dial = match self.dmesg_drift_secs {
            Some(drift_secs) => Dial { node, keeper: Keeper::Dmesg(self.member), drift_secs },
            None => Dial::wall(node),
        };
        match stamp {
            Stamp::None => Time::UNKNOWN,
            Stamp::Exact { at, resolution, .. } => clocks.stated(dial, Interval::from(*at, *resolution)),
            Stamp::Between { lo, hi } => clocks.stated(dial, Interval { lo: *lo, hi: *hi }),
            Stamp::Zoneless { local, resolution, abbreviation } => {
                let (zone, late) = self.zone(abbreviation.as_deref(), node, *local, place, shift);
                let clock = clocks.get(dial, &zone, &YearBasis::Stated);
                maybe_later(clocks.time(clock, *local, *resolution), late)
            }
            Stamp::Yearless { month, day, time, resolution } => {
                let yearless = Yearless { month: *month, day: *day, time: *time };
                let Some(local) = yearless.in_year(self.year_at(place)) else { return Time::UNKNOWN };
                let (zone, late) = self.zone(None, node, local, place, shift);
                let clock = clocks.get(dial, &zone, &self.year);
                maybe_later(clocks.time(clock, local, *resolution), late)
            }
            Stamp::Monotonic { micros } => {
                let placed = i64::try_from(*micros).ok().and_then(|it| self.kernel.at(node, place, it));
                let dial = Dial { keeper: Keeper::Kernel(self.member), ..dial };
                placed.map_or(Time::UNKNOWN, |(at, sure)| clocks.kernel(dial, at, sure))
            }
        }
    }

    /// The zone of a local stamp, and how much later it may have been.
    fn zone(
        &self,
        abbreviation: Option<&str>,
        node: Option<&Name>,
        local: NaiveDateTime,
        place: u64,
        shift: i32,
    ) -> (Zone, TimeDelta) {
        if let Some(offset_secs) = abbreviation.and_then(crate::abbreviation::offset) {
            return (Zone { offset_secs, basis: crate::ZoneBasis::Stated }, TimeDelta::zero());
        }
        if shift != 0 {
            // a program with a zone of its own
            let mut zone = self.zones.of(node);
            zone.offset_secs += shift;
            return (zone, TimeDelta::zero());
        }
        let Local { mut zone, again } = self.zones.at(node, local);
        let Some(again) = again else { return (zone, TimeDelta::zero()) };
        let near = |it: &&(u64, NaiveDateTime)| (it.1 - local).abs() <= TimeDelta::hours(2);
        match self.back.iter().find(near) {
            Some((back, _)) if place >= *back => zone.offset_secs = again,
            Some(_) => {}
            None => {
                // nothing shows which of the two hours it is: in order among its own kind only
                let late = TimeDelta::seconds(i64::from(zone.offset_secs - again));
                zone.basis = crate::ZoneBasis::Node("its own zone setting, in the hour that comes twice".into());
                return (zone, late);
            }
        }
        (zone, TimeDelta::zero())
    }

    /// Gives a record its time; returns the stamp it came from.
    pub(crate) fn place(&mut self, record: &mut Record, clocks: &mut Clocks) -> Stamp {
        match record {
            Record::Event(event) => {
                let place = event.quote.span.start;
                // what is not said by the machine itself was stamped by another's clock
                let node = event.node.clone().filter(|_| own_stamp(event));
                let outer = self.shifted(&event.stamp, node.as_ref(), place, 0, clocks);
                let moved = match event.stamp {
                    Stamp::None | Stamp::Monotonic { .. } => TimeDelta::zero(),
                    _ => self.steps.shift(node.as_ref(), event.quote.span.line),
                };
                event.at = later(outer, moved);
                if let Some(inner) = &event.inner {
                    let shift = if outer.is_known() { self.inner_shift_secs } else { 0 };
                    let own = later(self.shifted(inner, node.as_ref(), place, shift, clocks), moved);
                    let outer = event.at;
                    // the program's own stamp is finer; but a stamp far from its carrier's is another zone or a stale clock
                    let near = TimeDelta::minutes(10);
                    let agrees = (own.nominal.lo - outer.nominal.lo).abs() <= near;
                    if own.is_known() && (!outer.is_known() || (agrees && width(&own) <= width(&outer))) {
                        event.at = own;
                    }
                }
                event.stamp
            }
            Record::Fact(fact, stamp) => {
                let (place, line) = fact.quotes.first().map_or((0, 0), |it| (it.span.start, it.span.line));
                let node = fact.node.as_ref();
                let at = self.shifted(stamp, node, place, 0, clocks);
                let moved = match stamp {
                    Stamp::None | Stamp::Monotonic { .. } => TimeDelta::zero(),
                    _ => self.steps.shift(node, line),
                };
                fact.at = later(at, moved);
                *stamp
            }
            Record::Series(_) => Stamp::None,
        }
    }

    /// The instant of a stamp of a node, on a line where no step is in force.
    pub(crate) fn time(&mut self, stamp: &Stamp, node: Option<&Name>, place: u64, clocks: &mut Clocks) -> Time {
        self.shifted(stamp, node, place, 0, clocks)
    }
}

/// The year of a local stamp whose line states the instant a second time.
fn told_year(fact: &Fact, stamp: &Stamp) -> Option<i32> {
    let Stamp::Exact { at, .. } = stamp else { return None };
    let two = fact.row.relation == &relation::ZONE
        && crate::build::text(&fact.get("name")).as_deref() == Some(relation::TWO_STAMPS);
    let offset = fact.get("offset_secs").as_number().filter(|_| two)?;
    Some(at.naive_utc().checked_add_signed(TimeDelta::seconds(offset as i64))?.year())
}

/// What lines with a second stamp say of the years of a file: by place, the year of the file's last stamp as it follows
/// from there. Where a clock that was years off is set, it is another one behind that place.
struct Told(Vec<(u64, i32)>);

impl Told {
    fn of(mut told: Vec<(u64, i32)>, places: &[u64], relative: &[i32]) -> Told {
        told.sort_unstable();
        let by = |place: u64| {
            let at = places.partition_point(|it| *it <= place).saturating_sub(1);
            relative.get(at).copied().unwrap_or(0)
        };
        Told(told.into_iter().map(|(place, year)| (place, year - by(place))).collect())
    }

    fn last(&self) -> Option<i32> {
        self.0.last().map(|it| it.1)
    }

    fn base(&self, place: u64) -> i32 {
        let at = self.0.partition_point(|it| it.0 <= place).saturating_sub(1);
        self.0.get(at).map_or(0, |it| it.1)
    }
}

/// Whether a member is the ring buffer of the kernel that ran when the bundle was collected, not one saved by a crash.
fn is_running_ring(member: &Member) -> bool {
    let saved = ["pstore", "crash", "console", "serial", "vmcore", "dmesg.0", "dmesg.1", "previous"];
    member.format == Some("dmesg") && !saved.iter().any(|it| member.path.contains(it))
}

/// When the kernels that ran at collection time were started, as they tell it: good to a second or two.
pub(crate) fn running_boots(records: &[MemberRecords]) -> BTreeMap<Name, Pair> {
    let mut boots = BTreeMap::new();
    for record in records.iter().flat_map(|it| &it.records) {
        if let Record::Fact(fact, _) = record
            && fact.row.relation == &relation::STAT
            && crate::build::text(&fact.get("key")).as_deref() == Some("btime")
            && let Some(node) = &fact.node
            && let Some(secs) = fact.get("value").as_number().filter(|it| (1e9..1e11).contains(it))
        {
            let pair =
                Pair { micros: 0, epoch_micros: secs as i64 * 1_000_000, error_micros: 2_000_000, how: "btime".into() };
            boots.entry(node.clone()).or_insert(pair);
        }
    }
    boots
}

/// Whether the clock of the node an event is about made its stamp.
fn own_stamp(event: &Event) -> bool {
    if event.source != Source::KubeEvent {
        return true;
    }
    let component = event.row.as_ref().and_then(|it| crate::build::text(it.get("component")));
    matches!(component.as_deref(), Some("kubelet" | "kube-proxy" | "kubernetes.io/kubelet"))
}

/// Where local stamps, by their place, go back by up to an hour.
fn went_back(mut locals: Vec<(u64, NaiveDateTime)>) -> Vec<(u64, NaiveDateTime)> {
    locals.sort_unstable();
    let hour = TimeDelta::minutes(1)..=TimeDelta::minutes(61);
    locals.windows(2).filter(|it| hour.contains(&(it[0].1 - it[1].1))).map(|it| it[1]).collect()
}

/// The same time, which may have been later.
fn maybe_later(time: Time, by: TimeDelta) -> Time {
    if by.is_zero() { time } else { Time { full: time.full.widened(TimeDelta::zero(), by), ..time } }
}

/// The same time, moved.
fn later(time: Time, by: TimeDelta) -> Time {
    if by.is_zero() || !time.is_known() {
        return time;
    }
    let one = |it: Interval| {
        let moved = it.lo.checked_add_signed(by).zip(it.hi.checked_add_signed(by));
        moved.map_or(it, |(lo, hi)| Interval { lo, hi })
    };
    Time { nominal: one(time.nominal), full: one(time.full), ..time }
}

/// How far the wall stamps of a ring buffer may have drifted from the wall clock: by the length it covers.
fn dmesg_drift(member: &Member, records: &MemberRecords) -> Option<i64> {
    if member.format != Some("dmesg") {
        return None;
    }
    let local = |stamp: &Stamp| -> Option<NaiveDateTime> {
        match stamp {
            Stamp::Zoneless { local, .. } => Some(*local),
            Stamp::Exact { at, .. } => Some(at.naive_utc()),
            _ => None,
        }
    };
    let events = records.records.iter().filter_map(|it| match it {
        Record::Event(event) if event.carrier == Carrier::Kmsg => local(&event.stamp),
        _ => None,
    });
    let seen = records.seen.iter().flat_map(|it| [&it.first, &it.last]).filter_map(local);
    let all: Vec<NaiveDateTime> = events.chain(seen).collect();
    let length = *all.iter().max()? - *all.iter().min()?;
    Some(1 + length.num_seconds().saturating_mul(DMESG_DRIFT_PER_MILLION) / 1_000_000)
}

fn width(time: &Time) -> TimeDelta {
    time.nominal.hi - time.nominal.lo
}

/// By how many seconds, in quarters of an hour, a program's own stamp differs from its carrier's: the difference of
/// their zones. The rest is delivery lag.
fn quarter_hours(outer: &Stamp, inner: &Stamp) -> Option<i32> {
    let time = |stamp: &Stamp| match stamp {
        Stamp::Yearless { time, .. } => Some(*time),
        Stamp::Zoneless { local, .. } => Some(local.time()),
        Stamp::None | Stamp::Exact { .. } | Stamp::Monotonic { .. } | Stamp::Between { .. } => None,
    };
    let secs = (time(inner)? - time(outer)?).num_seconds();
    // across midnight the shorter way round counts
    let secs = if secs > 43_200 {
        secs - 86_400
    } else if secs < -43_200 {
        secs + 86_400
    } else {
        secs
    };
    Some(((secs as f64 / 900.0).round() as i32) * 900)
}
