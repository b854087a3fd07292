//! Where the wall clock of a machine was set while it ran.
//!
//! ```text
//! __REALTIME_TIMESTAMP=1666569620000000  __MONOTONIC_TIMESTAMP=19400000
//! __REALTIME_TIMESTAMP=1666584021000000  __MONOTONIC_TIMESTAMP=19600000     a step of four hours
//! Oct 24 04:00:21 node-a chronyd[612]: System clock was stepped by 14400.123456 seconds
//! ```
//!
//! A structured journal shows a step by its two clocks, which are read at the same moment for each entry. A text shows it
//! where the time service says so and the stamps around its line jump by as much.

use std::sync::LazyLock;

use chrono::{Datelike, TimeDelta};
use memchr::memmem;
use timeline::{MemberRecords, Name, Row, Stamp, relation};

use super::Log;
use super::inner::{self, Header};
use crate::Line;

/// Less than this is the slewing of a clock that is kept right.
const STEP_MICROS: i64 = 200_000;
/// How fast a clock is slewed at most.
const SLEW_PER_MILLION: i64 = 500;
/// Steps of one host that are told.
const STEPS: u32 = 64;
/// Lines of one host that tell its zone, of each kind, and those that are looked at for it.
const ZONES: u32 = 5;
const LOOKED: u32 = 500;
/// How long a line may be on its way from the program to the log.
const DELIVERY_SECS: i64 = 120;
/// Lines of etcd about the clocks of its peers that are told.
const PEERS: u32 = 64;
/// How far the jump of the stamps may be from what the time service said: entries are not written every second.
const NEAR_SECS: f64 = 60.0;

/// What the two clocks of one host said last, within one boot.
#[derive(Default)]
pub(super) struct WallClock {
    boot: Option<Name>,
    since_line: u32,
    from: i64,
    /// Monotonic and wall clock of the last entry.
    last: Option<(i64, i64)>,
    told: u32,
    zones: Zones,
    peers: u32,
}

/// Lines that told the zone: those that say UTC, those that print an offset, how many were looked at, and the year the last
/// one told.
#[derive(Default, Clone, Copy)]
struct Zones {
    utc: u32,
    offset: u32,
    looked: u32,
    year: i32,
}

impl WallClock {
    /// Whether another line with two stamps would tell more about the zone.
    pub(super) fn wants_zone(&self) -> bool {
        let Zones { utc, offset, looked, .. } = self.zones;
        (utc < ZONES || offset < ZONES) && looked < LOOKED
    }
}

impl Log {
    /// Both clocks of journald when it received the entry that follows.
    pub(crate) fn received(&mut self, monotonic: i64, realtime: i64) {
        self.received = Some((monotonic, realtime));
    }

    pub(super) fn follow_clock(
        &mut self,
        host: usize,
        boot: Option<&str>,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let Some((monotonic, realtime)) = self.received.take() else { return };
        let clock = &mut self.hosts[host].clock;
        if clock.last.is_none() || clock.boot.as_deref() != boot {
            *clock = WallClock {
                boot: boot.map(Name::from),
                since_line: line.number,
                from: realtime,
                last: Some((monotonic, realtime)),
                told: clock.told,
                zones: clock.zones,
                peers: clock.peers,
            };
            return;
        }
        let Some((mono_before, real_before)) = clock.last else { return };
        let passed = monotonic.saturating_sub(mono_before);
        if passed < 0 {
            return; // newest first, or two journals merged
        }
        clock.last = Some((monotonic, realtime));
        let by = realtime.saturating_sub(real_before).saturating_sub(passed);
        if by.saturating_abs() <= STEP_MICROS + passed / 1_000_000 * SLEW_PER_MILLION || clock.told >= STEPS {
            return;
        }
        clock.told += 1;
        let row = Row::new(&relation::CLOCK_STEP)
            .with("by_secs", by as f64 / 1e6)
            .with("after_secs", mono_before as f64 / 1e6)
            .with("since_line", clock.since_line)
            .with("from_micros", clock.from)
            .with("to_micros", real_before)
            .with("how", "journal");
        self.fact(host, row, stamp, line, out);
    }

    /// A program states an instant with its zone behind the local stamp of the carrier: the difference is the zone.
    pub(super) fn tell_zone(
        &mut self,
        host: usize,
        message: &str,
        header: Header,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let zones = &mut self.hosts[host].clock.zones;
        zones.looked += 1;
        let Some(Stamp::Exact { at, offset_secs: printed, resolution }) = inner::read(message, header).0 else {
            return;
        };
        let count = if printed.is_some_and(|it| it != 0) { &mut zones.offset } else { &mut zones.utc };
        // a clock that was set by years tells another one
        if *count >= ZONES && zones.year == at.year() {
            return;
        }
        let (local, date) = match stamp {
            Stamp::Zoneless { local, .. } => (local.time(), (local.month(), local.day())),
            Stamp::Yearless { month, day, time, .. } => (*time, (*month, *day)),
            _ => return,
        };
        // by the time of day alone: zones lie between -12 and +14 hours
        let secs = (local - at.time()).num_seconds().rem_euclid(86_400);
        let secs = if secs > 14 * 3600 + DELIVERY_SECS { secs - 86_400 } else { secs };
        let offset_secs = (secs + 450).div_euclid(900) * 900;
        if (secs - offset_secs).abs() > DELIVERY_SECS {
            return;
        }
        *count += 1;
        zones.year = at.year();
        let row = Row::new(&relation::ZONE).with("offset_secs", offset_secs).with("name", relation::TWO_STAMPS);
        // of the same day in that zone it tells the year as well
        let there = at.naive_utc().checked_add_signed(TimeDelta::seconds(offset_secs));
        let same_day = there.is_some_and(|it| (it.month(), it.day()) == date);
        let told = Stamp::Exact { at, offset_secs: printed, resolution };
        self.fact(host, row, if same_day { &told } else { &Stamp::None }, line, out);
    }

    /// etcd says that its clock is ahead of that of a peer.
    pub(super) fn told_peer(
        &mut self,
        host: usize,
        ahead_secs: f64,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        if self.hosts[host].clock.peers >= PEERS {
            return;
        }
        self.hosts[host].clock.peers += 1;
        let row = Row::new(&relation::CLOCK_PAIR)
            .with("first", "peer")
            .with("ahead_micros", (ahead_secs * 1e6) as i64)
            .with("width_micros", 0_i64)
            .with("how", "etcd-peer");
        self.fact(host, row, stamp, line, out);
    }

    /// A time service says by how much it set the clock.
    pub(super) fn told_step(
        &mut self,
        host: usize,
        by_secs: f64,
        ident: &str,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let of = &mut self.hosts[host];
        if by_secs.abs() < 1.0 || of.clock.last.is_some() || of.clock.told >= STEPS {
            return;
        }
        of.clock.told += 1;
        let mut row = Row::new(&relation::CLOCK_STEP).with("by_secs", by_secs).with("how", ident);
        let seen = jump(&of.last, stamp).is_some_and(|it| (it - by_secs).abs() <= NEAR_SECS);
        if let Some((since_line, first)) = of.boots.began()
            && seen
            && let Some(after) = jump(first, &of.last)
        {
            row = row.with("since_line", since_line).with("after_secs", after);
        }
        self.fact(host, row, stamp, line, out);
    }
}

/// Seconds from one stamp to another of the same kind.
fn jump(from: &Stamp, to: &Stamp) -> Option<f64> {
    let secs = |stamp: &Stamp| match stamp {
        Stamp::Exact { at, .. } => Some(at.timestamp_micros() as f64 / 1e6),
        Stamp::Zoneless { local, .. } => Some(local.and_utc().timestamp_micros() as f64 / 1e6),
        Stamp::Yearless { month, day, time, .. } => {
            // within a month or so the length of months does not matter, and New Year is no step
            let at = chrono::NaiveDate::from_ymd_opt(2000, *month, *day)?.and_time(*time);
            Some(at.and_utc().timestamp_micros() as f64 / 1e6)
        }
        _ => None,
    };
    Some(secs(to)? - secs(from)?)
}

/// `System clock was stepped by 14400.123456 seconds` (chronyd), `time reset +14400.123456 s` (ntpd),
/// `step time server 10.0.0.1 offset 14400.123456 sec` (ntpdate): seconds, forwards is positive.
pub(super) fn stepped(ident: &str, message: &str) -> Option<f64> {
    let number = |text: &str| text.split(' ').next()?.parse::<f64>().ok().filter(|it| it.is_finite());
    match ident {
        "chronyd" => number(message.strip_prefix("System clock was stepped by ")?),
        "ntpd" => number(message.strip_prefix("time reset ").or_else(|| message.strip_prefix("clock_step "))?),
        "ntpdate" => {
            let rest = message.strip_prefix("step time server ")?;
            number(&rest[rest.find(" offset ")? + 8..])
        }
        _ => None,
    }
}

/// Whether a program of this name sets the clock.
pub(super) fn keeps_time(ident: &str) -> bool {
    matches!(ident, "chronyd" | "ntpd" | "ntpdate" | "etcd")
}

/// `rafthttp: the clock difference against peer 8211f1d0f64f3269 is too high [4m37.123s > 1s]`,
/// `{"msg":"prober found high clock drift",…,"clock-drift":"4m37s",…}`: seconds by which this member is ahead.
pub(super) fn ahead_of_peer(ident: &str, message: &str) -> Option<f64> {
    static FRONTS: LazyLock<[memmem::Finder<'static>; 2]> = LazyLock::new(|| {
        ["the clock difference against peer ", "prober found high clock drift"].map(memmem::Finder::new)
    });
    if ident != "etcd" {
        return None;
    }
    let behind = |nth: usize| FRONTS[nth].find(message.as_bytes()).map(|at| &message[at..]);
    let old = || behind(0)?.split_once('[')?.1.split(" >").next();
    let new = || behind(1)?.split_once("\"clock-drift\":\"")?.1.split('"').next();
    go_duration(old().or_else(new)?).filter(|it| *it > 0.0)
}

/// `4m37.123s`, `1h0m0.5s`, `1.5s`, `850ms`: seconds.
fn go_duration(text: &str) -> Option<f64> {
    let (mut rest, mut secs) = (text.trim(), 0.0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|it| it.is_ascii_digit() || *it == b'.').count();
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        secs += number
            * match &rest[digits..digits + unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                _ => return None,
            };
        rest = &rest[digits + unit..];
    }
    (secs.is_finite() && secs < 1e9).then_some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_etcd_says_of_its_peers() {
        let old = "2018-06-14 05:15:06.123456 W | rafthttp: the clock difference against peer 8211f1d0f64f3269 is too high [4m37.5s > 1s]";
        let new = r#"{"level":"warn","msg":"prober found high clock drift","remote-peer-id":"8211","clock-drift":"1.5s","rtt":"1ms"}"#;
        assert_eq!((ahead_of_peer("etcd", old), ahead_of_peer("etcd", new)), (Some(277.5), Some(1.5)));
        assert_eq!((ahead_of_peer("app", new), ahead_of_peer("etcd", "clock")), (None, None));
        assert_eq!(
            ["1h0m0.5s", "850ms", "s", "4x", ""].map(go_duration),
            [Some(3600.5), Some(0.85), None, None, Some(0.0)]
        );
    }

    #[test]
    fn what_time_services_say() {
        let cases = [
            ("chronyd", "System clock was stepped by 14400.123456 seconds", Some(14_400.123_456)),
            ("chronyd", "System clock wrong by 14400.1 seconds", None),
            ("ntpd", "time reset -3.5 s", Some(-3.5)),
            ("ntpdate", "step time server 10.0.0.1 offset 7200.250000 sec", Some(7200.25)),
            ("app", "System clock was stepped by 14400.1 seconds", None),
        ];
        for (ident, message, by) in cases {
            assert_eq!(stepped(ident, message), by, "{message}");
        }
    }
}
