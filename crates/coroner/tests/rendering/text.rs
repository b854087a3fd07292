//! Journals, routes, container logs and metrics in other formats.

use std::fmt::Write;

use chrono::FixedOffset;
use serde_json::{Value, json};

use super::Entry;

/// `journalctl -o FORMAT`.
#[derive(Clone, Copy)]
pub(crate) enum Journal {
    Short,
    ShortPrecise,
    ShortIso,
    Export,
    Json,
}

pub(crate) fn journal<'e>(entries: impl Iterator<Item = &'e Entry>, format: Journal, zone: FixedOffset) -> String {
    let mut out = String::new();
    let mut boot = None;
    for (number, it) in entries.enumerate() {
        let text = matches!(format, Journal::Short | Journal::ShortPrecise | Journal::ShortIso);
        if text && boot.is_some_and(|boot| boot != it.boot) {
            out.push_str("-- Reboot --\n");
        }
        boot = Some(it.boot);
        let local = it.at.with_timezone(&zone);
        let pid = it.pid.map(|it| format!("[{it}]")).unwrap_or_default();
        let head = match format {
            Journal::Short => local.format("%b %d %H:%M:%S").to_string(),
            Journal::ShortPrecise => local.format("%b %d %H:%M:%S%.6f").to_string(),
            Journal::ShortIso => local.format("%Y-%m-%dT%H:%M:%S%z").to_string(),
            Journal::Export | Journal::Json => String::new(),
        };
        if text {
            let _ = writeln!(out, "{head} {} {}{pid}: {}", it.host, it.ident, it.message);
            continue;
        }
        let micros = it.at.timestamp_micros();
        let transport = if it.ident == "kernel" { "kernel" } else { "syslog" };
        let mut fields = vec![
            ("__CURSOR", format!("s=5c1f;i={number:x}")),
            ("__REALTIME_TIMESTAMP", micros.to_string()),
            ("_BOOT_ID", format!("{:032x}", 0xb007_u64 + u64::from(it.boot))),
            ("_TRANSPORT", transport.to_owned()),
            ("_HOSTNAME", it.host.clone()),
            ("SYSLOG_IDENTIFIER", it.ident.clone()),
            ("MESSAGE", it.message.clone()),
        ];
        fields.extend(it.pid.map(|it| ("_PID", it.to_string())));
        if matches!(format, Journal::Export) {
            fields.iter().for_each(|(name, value)| {
                let _ = writeln!(out, "{name}={value}");
            });
            out.push('\n');
        } else {
            let object: serde_json::Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
            let _ = writeln!(out, "{}", Value::Object(object));
        }
    }
    out
}

/// `ip -j route`.
pub(crate) fn route_json(text: &str) -> String {
    let routes: Vec<Value> = text
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace().peekable();
            let mut route = serde_json::Map::new();
            if let Some(kind) = words.next_if(|it| ["blackhole", "unreachable", "prohibit"].contains(it)) {
                route.insert("type".to_owned(), json!(kind));
            }
            route.insert("dst".to_owned(), json!(words.next().unwrap()));
            let mut flags = Vec::new();
            while let Some(word) = words.next() {
                let key = match word {
                    "via" => "gateway",
                    "proto" => "protocol",
                    "src" => "prefsrc",
                    "dev" | "scope" | "metric" => word,
                    flag => {
                        flags.push(flag);
                        continue;
                    }
                };
                route.insert(key.to_owned(), json!(words.next().unwrap()));
            }
            route.insert("flags".to_owned(), json!(flags));
            Value::Object(route)
        })
        .collect();
    format!("{}\n", Value::Array(routes))
}

/// The lines a container runtime keeps: `stamp stdout F text`.
pub(crate) fn cri(text: &str) -> String {
    text.lines().map(|line| line.split_once(' ').unwrap()).fold(String::new(), |mut out, (stamp, rest)| {
        let _ = writeln!(out, "{stamp} stdout F {rest}");
        out
    })
}

/// The lines docker keeps.
pub(crate) fn docker_json(text: &str) -> String {
    text.lines().map(|line| line.split_once(' ').unwrap()).fold(String::new(), |mut out, (stamp, rest)| {
        let _ = writeln!(out, "{}", json!({ "log": format!("{rest}\n"), "stream": "stdout", "time": stamp }));
        out
    })
}

/// `promtool tsdb dump`: a line for each sample.
pub(crate) fn promtool(api: &str) -> String {
    let answer: Value = serde_json::from_str(api).unwrap();
    let mut out = String::new();
    for series in answer["data"]["result"].as_array().unwrap() {
        let labels: Vec<String> =
            series["metric"].as_object().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        for point in series["values"].as_array().unwrap() {
            let millis = (point[0].as_f64().unwrap() * 1000.0) as i64;
            let _ = writeln!(out, "{{{}}} {} {millis}", labels.join(", "), point[1].as_str().unwrap());
        }
    }
    out
}
