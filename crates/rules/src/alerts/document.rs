//! The keys of a Prometheus rule file; unknown and duplicate ones are mistakes, as they are for Prometheus.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;
use timeline::Name;

use super::template::Template;
use super::{AlertRule, Alerts, Kind};
use crate::language::{Error, File, Place};
use crate::promql::Query;

type Text = Spanned<String>;

/// How often a group that says nothing is evaluated.
const INTERVAL_MS: i64 = 60_000;

/// A rule file, or the Kubernetes object around it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "what an object is called says nothing to us")]
struct FileDocument {
    groups: Option<Vec<GroupDocument>>,
    #[serde(rename = "apiVersion")]
    api_version: Option<IgnoredAny>,
    kind: Option<Text>,
    metadata: Option<IgnoredAny>,
    status: Option<IgnoredAny>,
    namespace: Option<IgnoredAny>,
    spec: Option<SpecDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecDocument {
    #[serde(default)]
    groups: Vec<GroupDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "keys of Prometheus, Thanos and Mimir that change nothing offline")]
struct GroupDocument {
    name: Text,
    interval: Option<Text>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    rules: Vec<Spanned<RuleDocument>>,
    limit: Option<IgnoredAny>,
    query_offset: Option<IgnoredAny>,
    evaluation_delay: Option<IgnoredAny>,
    partial_response_strategy: Option<IgnoredAny>,
    source_tenants: Option<IgnoredAny>,
    concurrency: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleDocument {
    alert: Option<Text>,
    record: Option<Text>,
    expr: Text,
    #[serde(rename = "for")]
    held: Option<Text>,
    keep_firing_for: Option<Text>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Reads a file.
pub(super) fn parse(name: &str, text: &str) -> Result<Alerts, Error> {
    let file = File { name, text, trusted: false };
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    let document: FileDocument = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let at = error.location();
        let place = at.map_or(Place { line: 1, column: 1 }, |it| Place { line: it.line(), column: it.column() });
        let message = error.without_snippet().to_string();
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        file.broken(place, message)
    })?;
    let groups = document.groups.or(document.spec.map(|it| it.groups)).ok_or_else(|| {
        let message = "no `groups`: this is no file of Prometheus rules, nor a PrometheusRule object";
        file.broken(Place { line: 1, column: 1 }, message)
    })?;
    let mut rules = Vec::new();
    for group in &groups {
        let interval_ms = group.interval.as_ref().map(|it| duration(file, it)).transpose()?;
        for rule in &group.rules {
            let interval_ms = interval_ms.unwrap_or(INTERVAL_MS).max(1000);
            rules.push(compile(file, group, rule, interval_ms)?);
        }
    }
    Ok(Alerts { rules })
}

fn compile(
    file: File<'_>,
    group: &GroupDocument,
    rule: &Spanned<RuleDocument>,
    interval_ms: i64,
) -> Result<AlertRule, Error> {
    let of = &rule.value;
    let (name, alert) = match (&of.alert, &of.record) {
        (Some(name), None) => (name, true),
        (None, Some(name)) => (name, false),
        _ => return Err(file.broken(place(rule), "a rule has either `alert` or `record`")),
    };
    if name.value.is_empty() {
        return Err(file.broken(place(name), "the name is empty"));
    }
    let query = Query::plain(of.expr.value.trim()).map_err(|error| {
        let at = place(&of.expr);
        let at = error.offset.map_or(at, |offset| file.inside(at, of.expr.value.trim(), offset));
        file.broken(at, format!("{}: {error}", name.value))
    })?;
    let millis = |it: &Option<Text>| it.as_ref().map_or(Ok(0), |it| duration(file, it));
    let (for_ms, keep_ms) = (millis(&of.held)?, millis(&of.keep_firing_for)?);
    if let (false, Some(slip)) = (alert, of.held.as_ref().or(of.keep_firing_for.as_ref())) {
        return Err(file.broken(place(slip), "a recording rule waits for nothing"));
    }
    let annotations = of.annotations.iter().map(|(key, it)| (key.clone(), Template::parse(it))).collect();
    let mut labels: BTreeMap<&String, &String> = group.labels.iter().collect();
    labels.extend(&of.labels);
    let labels = labels.into_iter().map(|(key, it)| (Name::from(key.as_str()), Template::parse(it))).collect();
    Ok(AlertRule {
        name: name.value.as_str().into(),
        what: if alert { Kind::Alert { for_ms, keep_ms, annotations } } else { Kind::Record },
        query,
        expression: of.expr.value.trim().to_owned(),
        interval_ms,
        labels,
        file: file.name.into(),
        line: name.referenced.line(),
    })
}

fn place<T>(of: &Spanned<T>) -> Place {
    Place { line: of.referenced.line(), column: of.referenced.column() }
}

fn duration(file: File<'_>, text: &Text) -> Result<i64, Error> {
    let slip = || file.broken(place(text), format!("`{}` is no length of time such as 5m or 1h30m", text.value));
    millis(text.value.trim()).ok_or_else(slip)
}

/// `5m`, `1h30m`, `250ms`, `0`
fn millis(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total = 0i64;
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit()).filter(|it| *it > 0)?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|it: char| it.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end..];
    }
    (!text.is_empty()).then_some(total)
}
