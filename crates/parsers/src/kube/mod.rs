//! What the renderings of the Kubernetes API share: stamps, event names, and events as records.

mod age;
mod node;
mod table;

pub(crate) use age::{Age, Base, seen_for};
pub(crate) use node::{NodeFacts, aliases, collected_by};
pub(crate) use table::{Columns, Row as TableRow};

use chrono::{DateTime, TimeDelta, Utc};
use timeline::{
    Carrier, Event, Fact, MemberRecords, Name, Quote, Record, Row, Seen, Severity, Source, Stamp, Time, relation,
};

/// `2022-02-11T19:17:08Z`, `2022-02-11T19:15:07.149649Z`: exact, as wide as the digits printed.
pub(crate) fn stamp(text: &str) -> Stamp {
    let Some(at) = instant(text) else { return Stamp::None };
    let digits = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    Stamp::Exact { at, resolution: resolution(digits), offset_secs: None }
}

/// How much a stamp with so many digits after the point may hide.
pub(crate) fn resolution(digits: usize) -> TimeDelta {
    TimeDelta::nanoseconds(10i64.pow(9 - digits.min(9) as u32))
}

/// An instant of the API; the zero time (`0001-01-01T00:00:00Z`) and the epoch mean "never".
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc();
    (at.timestamp() > 0).then_some(at)
}

/// `Fri, 11 Feb 2022 19:23:41 +0000`, as `kubectl describe` prints: exact to the second.
pub(crate) fn long_stamp(text: &str) -> Stamp {
    match DateTime::parse_from_rfc2822(text.trim()) {
        Ok(at) if at.timestamp() > 0 => {
            Stamp::Exact { at: at.to_utc(), resolution: TimeDelta::seconds(1), offset_secs: None }
        }
        _ => Stamp::None,
    }
}

/// The instant of a first emission in the name of an event: `web-1.16d2d161151c2bd7` ends in the hexadecimal
/// nanoseconds since the epoch. Suffixes that are no plausible time (some emitters use random ones) are none.
pub(crate) fn time_in_name(name: &str) -> Option<DateTime<Utc>> {
    let (_, suffix) = name.rsplit_once('.')?;
    if suffix.len() != 16 || !suffix.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let nanos = i64::from_str_radix(suffix, 16).ok()?;
    // 2014, when Kubernetes began, to 2100
    let plausible = 1_388_534_400_000_000_000..4_102_444_800_000_000_000;
    plausible.contains(&nanos).then(|| DateTime::from_timestamp_nanos(nanos))
}

/// The name of the container in `spec.containers{calico-node}`.
pub(crate) fn container_in_path(path: &str) -> Option<&str> {
    let (field, rest) = path.split_once('{')?;
    let name = rest.strip_suffix('}')?;
    (field.to_ascii_lowercase().ends_with("containers") && !name.is_empty()).then_some(name)
}

/// A node and the API server stamped one occasion; `first` tells whose stamp was made first, `mirror` that the API
/// server's followed at once.
pub(crate) fn pair(
    node: &str,
    first: &'static str,
    of_node: &Stamp,
    of_api: &Stamp,
    how: &'static str,
    quote: Quote,
    out: &mut MemberRecords,
) {
    let (Stamp::Exact { at, resolution, .. }, Stamp::Exact { at: api, resolution: api_resolution, .. }) =
        (of_node, of_api)
    else {
        return;
    };
    let (Some(ahead), Some(width)) =
        ((*at - *api).num_microseconds(), (*resolution + *api_resolution).num_microseconds())
    else {
        return;
    };
    // of two stamps of one instant the coarser is early by half of what it hides
    let half = (*resolution - *api_resolution).num_microseconds().unwrap_or_default() / 2;
    let ahead = if first == "mirror" { ahead.saturating_add(half) } else { ahead };
    let row = Row::new(&relation::CLOCK_PAIR)
        .with("on", node)
        .with("first", first)
        .with("ahead_micros", ahead)
        .with("width_micros", width)
        .with("how", how);
    out.records.push(Record::Fact(Box::new(Fact::new(row, None, quote)), *of_node));
}

/// What an event object says, whatever printed it.
#[derive(Debug, Clone, Default)]
pub(crate) struct KubeEvent<'t> {
    pub(crate) reason: Option<&'t str>,
    /// `Normal` or `Warning`.
    pub(crate) severity: Option<&'t str>,
    pub(crate) kind: Option<&'t str>,
    pub(crate) namespace: Option<&'t str>,
    pub(crate) name: Option<&'t str>,
    pub(crate) container: Option<&'t str>,
    pub(crate) component: Option<&'t str>,
    pub(crate) message: &'t str,
    pub(crate) on: Option<&'t str>,
    pub(crate) first: Stamp,
    pub(crate) last: Stamp,
    /// How often in all.
    pub(crate) count: u32,
}

/// Collects the events of a member and what they cover.
///
/// A list covers from its oldest last occurrence on: the server forgets an event an hour or so after that, however
/// early it occurred first.
#[derive(Default)]
pub(crate) struct Events {
    lines: u64,
    first: Option<(DateTime<Utc>, Stamp)>,
    last: Option<(DateTime<Utc>, Stamp)>,
    span: (u64, u64),
}

impl Events {
    /// Pushes an event: its last occurrence and, where that is another one, its first, so that the onset shows.
    ///
    /// The counts of the two add up to the count the object prints; the row of each keeps that count.
    pub(crate) fn push(&mut self, of: &KubeEvent<'_>, quote: Quote, out: &mut MemberRecords) {
        let row = Row::new(&relation::KUBE_EVENT)
            .with("reason", word(of.reason))
            .with("type", word(of.severity))
            .with("kind", word(of.kind))
            .with("namespace", word(of.namespace))
            .with("name", word(of.name))
            .with("container", word(of.container))
            .with("component", word(of.component))
            .with("count", of.count.max(1))
            .with("message", of.message)
            .with("on", word(of.on));
        let node = word(of.on).map(Name::from);
        let event = |stamp: &Stamp, count: u32| Event {
            stamp: *stamp,
            inner: None,
            at: Time::UNKNOWN,
            node: node.clone(),
            source: Source::KubeEvent,
            carrier: Carrier::Object,
            unit: word(of.component).map(Name::from),
            pid: None,
            severity: match of.severity {
                Some("Warning") => Some(Severity::Warning),
                Some("Normal") => Some(Severity::Info),
                _ => None,
            },
            message: of.message.into(),
            count,
            row: Some(row.clone()),
            quote: quote.clone(),
        };
        let last = if of.last == Stamp::None && of.count <= 1 { &of.first } else { &of.last };
        let twice = of.count > 1 && of.first != Stamp::None && of.first != *last;
        if twice {
            out.records.push(Record::Event(Box::new(event(&of.first, 1))));
        }
        let count = if twice { of.count - 1 } else { of.count.max(1) };
        out.records.push(Record::Event(Box::new(event(last, count))));
        self.cover(last, quote.span.start);
    }

    fn cover(&mut self, stamp: &Stamp, start: u64) {
        if self.lines == 0 {
            self.span.0 = start;
        }
        self.lines += 1;
        self.span.1 = start;
        let at = match stamp {
            Stamp::Exact { at, .. } => *at,
            Stamp::Between { lo, .. } => *lo,
            // a calendar without a zone still orders its own lines
            Stamp::Zoneless { local, .. } => local.and_utc(),
            _ => return,
        };
        if self.first.as_ref().is_none_or(|(old, _)| at < *old) {
            self.first = Some((at, *stamp));
        }
        if self.last.as_ref().is_none_or(|(old, _)| at > *old) {
            self.last = Some((at, *stamp));
        }
    }

    /// Hands out what was seen: a list speaks of every node.
    pub(crate) fn finish(self, member: timeline::MemberId, incomplete: Option<String>, out: &mut MemberRecords) {
        if self.lines > 0 {
            out.seen.push(Seen {
                node: None,
                source: Source::KubeEvent,
                lines: self.lines,
                first: self.first.map_or(Stamp::None, |(_, it)| it),
                last: self.last.map_or(Stamp::None, |(_, it)| it),
                span: self.span,
                incomplete,
                holes: Vec::new(),
                covers: None,
                member,
            });
        }
    }
}

/// A cell that says something: not empty, not `<none>`, `<unset>`, `<unknown>`.
pub(crate) fn word(text: Option<&str>) -> Option<&str> {
    text.filter(|it| !(it.is_empty() || it.starts_with('<') && it.ends_with('>')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names_carry_nanoseconds() {
        let at = time_in_name("172.21.128.138.1618e2878157535e").expect("a time");
        assert_eq!(at.to_rfc3339(), "2020-06-16T01:38:59.893916510+00:00");
        for name in ["web", "web.1", "web.zzzzzzzzzzzzzzzz", "web.ffffffffffffffff", "web.0000000000000001"] {
            assert_eq!(time_in_name(name), None, "{name}");
        }
    }

    #[test]
    fn stamps_are_as_wide_as_their_digits() {
        let wide = |text| match stamp(text) {
            Stamp::Exact { resolution, .. } => resolution.num_nanoseconds(),
            _ => None,
        };
        assert_eq!(wide("2022-02-11T19:17:08Z"), Some(1_000_000_000));
        assert_eq!(wide("2022-02-11T19:15:07.149649Z"), Some(1_000));
        assert_eq!(wide("0001-01-01T00:00:00Z"), None);
        assert_eq!(wide("1970-01-01T00:00:00Z"), None);
        assert_ne!(long_stamp("Fri, 11 Feb 2022 19:23:41 +0000"), Stamp::None);
    }

    #[test]
    fn containers_stand_in_field_paths() {
        assert_eq!(container_in_path("spec.containers{calico-node}"), Some("calico-node"));
        assert_eq!(container_in_path("spec.initContainers{setup}"), Some("setup"));
        assert_eq!(container_in_path("spec.nodeName"), None);
    }
}
