//! When alerts would have fired.

use std::collections::BTreeMap;

use chrono::DateTime;
use timeline::{Fact, Interval, MemberId, Name, Point, Printed, Row, Series, Time, Timeline};

use super::{Alert, AlertRule, Alerts, Kind};
use crate::detectors::alert::RELATION;
use crate::promql::{Dialect, Outcome, Output, Store};

/// A series of gaps no longer than this is whole.
const MOST_GAP_MS: i64 = 5 * 60 * 1000;
/// More instants than this are too many; the interval grows.
const MOST_INSTANTS: i64 = 20_000;
/// Alerts beyond this many are not told one by one.
const MOST_ALERTS: usize = 1000;

/// Evaluates rules over the series of a case: what fired, by time, and what could not be evaluated.
pub(crate) fn evaluate(alerts: &Alerts, timeline: &Timeline) -> (Vec<Alert>, Vec<String>) {
    let (mut fired, mut limits) = (Vec::new(), Vec::new());
    if alerts.is_empty() {
        return (fired, limits);
    }
    let mut store = Store::of(timeline);
    let is_record = |it: &&AlertRule| matches!(it.what, Kind::Record);
    for rule in alerts.rules.iter().filter(is_record) {
        // what Prometheus recorded itself is what its alerts saw
        if !store.was_scraped(&rule.name) {
            let (outcome, times) = asked(rule, &store, &mut limits);
            let series = outcome.vectors.into_iter().map(|it| recorded(rule, it, &times, timeline)).collect();
            store.record(&rule.name, series);
        }
    }
    for rule in alerts.rules.iter().filter(|it| !is_record(it)) {
        let (outcome, times) = asked(rule, &store, &mut limits);
        for output in &outcome.vectors {
            fired.extend(alert(rule, output, &times, timeline));
        }
    }
    fired.sort_by(|a: &Alert, b: &Alert| {
        let key = |it: &Alert| (!it.at.is_known(), it.at.nominal.lo);
        key(a).cmp(&key(b)).then_with(|| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)))
    });
    if fired.len() > MOST_ALERTS {
        limits.push(format!("alerts: {} fired, the first {MOST_ALERTS} are told", fired.len()));
        fired.truncate(MOST_ALERTS);
    }
    (fired, limits)
}

/// The instants of a rule, and its values there.
fn asked(rule: &AlertRule, store: &Store<'_>, limits: &mut Vec<String>) -> (Outcome, Vec<i64>) {
    let times = instants(rule, store);
    let outcome = rule.query.evaluate_at(store, times.clone(), Dialect::default());
    if outcome.costly {
        limits.push(format!("alert rule {}: it would look at too many values and was not evaluated", rule.name));
    }
    (outcome, times)
}

/// The grid of the rule's group, or where the series are sparser than it, when they have points.
fn instants(rule: &AlertRule, store: &Store<'_>) -> Vec<i64> {
    let points = rule.query.instants(store);
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else { return points };
    if spacing(&points) > rule.interval_ms || points.len() < 2 {
        return points;
    }
    let step = rule.interval_ms.max(last.saturating_sub(first) / MOST_INSTANTS);
    let first = first.saturating_add(step - 1).div_euclid(step).saturating_mul(step);
    // the instant after the last point still sees it
    (0..=(last.saturating_sub(first) / step + 1).max(0)).map(|it| first + it * step).collect()
}

fn spacing(times: &[i64]) -> i64 {
    let mut steps: Vec<i64> = times.windows(2).map(|it| it[1].saturating_sub(it[0])).collect();
    let middle = steps.len() / 2;
    if steps.is_empty() { 0 } else { *steps.select_nth_unstable(middle).1 }
}

/// The labels of an output, with those the rule adds; an empty one takes a label away.
fn labels(rule: &AlertRule, output: &Output, value: f64) -> Vec<(Name, Name)> {
    let mut labels: BTreeMap<Name, Name> = output.labels.iter().cloned().collect();
    for (name, template) in &rule.labels {
        let text = template.render(&output.labels, value);
        if text.is_empty() {
            labels.remove(name)
        } else {
            labels.insert(name.clone(), text.into())
        };
    }
    labels.into_iter().collect()
}

/// A series of a recording rule. Its points quote the sample that counts most where the value is greatest: a line of the
/// bundle, for the value itself stands nowhere. Where it has no value any more it ends, as Prometheus marks it.
fn recorded(rule: &AlertRule, output: Output, times: &[i64], timeline: &Timeline) -> Series {
    let labels = labels(rule, &output, output.peak.1);
    let quote = output.cited.first();
    let text = Printed::whole(quote.map_or("", |it| &it.text));
    let point = |(millis, value): &(i64, f64)| Point { millis: *millis, value: *value };
    let end = times.last().map(|it| it.saturating_add(1));
    let instants = || times.iter().copied().chain(end);
    let holds = |t: i64| output.points.binary_search_by_key(&t, |it| it.0).is_ok();
    let ends = instants().zip(instants().skip(1)).filter(|(before, after)| holds(*before) && !holds(*after));
    let stale = ends.map(|it| it.1).collect();
    Series {
        metric: rule.name.clone(),
        node: node(&labels, timeline),
        labels,
        points: output.points.iter().map(point).collect(),
        stale,
        member: quote.map_or(MemberId(0), |it| it.span.member),
        start: quote.map_or(0, |it| it.span.start),
        line: quote.map_or(1, |it| it.span.line),
        text,
    }
}

/// The node that labels speak of, where the case knows it.
fn node(labels: &[(Name, Name)], timeline: &Timeline) -> Option<Name> {
    let label = |name: &str| labels.iter().find(|it| it.0.as_ref() == name).map(|it| it.1.as_ref());
    let named =
        ["node", "nodename", "kubernetes_node", "exported_node", "host", "hostname"].into_iter().find_map(label);
    let named = named.or_else(|| label("instance").map(|it| it.rsplit_once(':').map_or(it, |(host, _)| host)));
    named.and_then(|it| timeline.nodes.known(it))
}

/// An alert of one label set, where its condition held long enough.
fn alert(rule: &AlertRule, output: &Output, times: &[i64], timeline: &Timeline) -> Option<Alert> {
    let Kind::Alert { for_ms, keep_ms, annotations } = &rule.what else { return None };
    let gap = MOST_GAP_MS.max(spacing(times) * 5 / 2).max(rule.interval_ms);
    let held = stretches(&output.points, times, gap);
    let mut fired: Vec<(i64, i64, i64)> = Vec::new();
    for (begun, ended) in held {
        // what keeps firing takes the next stretch in, whatever it waited
        match fired.last_mut().filter(|it| *keep_ms > 0 && begun - it.1 <= *keep_ms) {
            Some(before) => before.1 = ended,
            None if ended - begun >= *for_ms => fired.push((begun, ended, begun + for_ms)),
            None => {}
        }
    }
    let (&(begun, _, firing), &(_, ended, _)) = (fired.first()?, fired.last()?);
    let value = |at: i64| output.points[output.points.partition_point(|it| it.0 < at).min(output.points.len() - 1)].1;
    let labels = labels(rule, output, value(firing));
    let said = |(name, it): &(String, super::Template)| (name.clone(), it.render(&output.labels, value(firing)));
    let annotations = annotations.iter().map(said).collect();
    let before = times[..times.partition_point(|it| *it < begun)].last().copied().unwrap_or(begun);
    Some(Alert {
        name: rule.name.clone(),
        node: node(&labels, timeline),
        labels,
        annotations,
        expression: rule.expression.clone(),
        for_secs: for_ms / 1000,
        at: time(before, begun),
        last: time(ended, ended),
        times: fired.len() as u64,
        value: output.peak.1,
        quotes: output.cited.clone(),
        file: rule.file.clone(),
        line: rule.line,
    })
}

/// From when to when there was a value at every instant.
fn stretches(points: &[(i64, f64)], times: &[i64], gap: i64) -> Vec<(i64, i64)> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    let mut next = 0;
    let mut before: Option<i64> = None;
    for &t in times {
        while next < points.len() && points[next].0 < t {
            next += 1;
        }
        let holds = points.get(next).is_some_and(|it| it.0 == t);
        match before.filter(|it| holds && t.saturating_sub(*it) <= gap).and(found.last_mut()) {
            Some(last) => last.1 = t,
            None if holds => found.push((t, t)),
            None => {}
        }
        before = holds.then_some(t);
    }
    found
}

fn time(lo: i64, hi: i64) -> Time {
    match (DateTime::from_timestamp_millis(lo), DateTime::from_timestamp_millis(hi)) {
        (Some(lo), Some(hi)) => Time::utc(Interval { lo, hi }),
        _ => Time::UNKNOWN,
    }
}

/// The rows of the relation `alert`.
pub(crate) fn rows(alerts: &[Alert]) -> Vec<Fact> {
    let row = |it: &Alert| {
        let labels: Vec<String> = it.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let known = it.at.is_known() && it.last.is_known();
        let lasted = known.then(|| (it.last.nominal.hi - it.at.nominal.hi).num_seconds());
        let row = Row::new(&RELATION)
            .with("name", it.name.clone())
            .with("severity", it.label("severity").cloned())
            .with("title", it.title())
            .with("labels", Some(labels.join(", ")).filter(|it| !it.is_empty()))
            .with("value", it.value)
            .with("lasted_secs", lasted)
            .with("times", it.times as i64);
        Fact { row, node: it.node.clone(), at: it.at, quotes: it.quotes.clone() }
    };
    alerts.iter().map(row).collect()
}
