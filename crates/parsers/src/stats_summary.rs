//! `/stats/summary` of a kubelet: what a node and its pods use.
//!
//! ```text
//! {"node": {"nodeName": "node-a", "memory": {"availableBytes": 16693448704, …},
//!   "fs": {"capacityBytes": …}, "rlimit": {"maxpid": 49152, "curproc": 1021}}, "pods": [{"podRef": {…}, …}]}
//! ```
//!
//! Rows of `tasks`, `meminfo`, `filesystem`, `filesystem.inodes` and `pod.usage`. Skipped: containers, networks, CPU. Units: bytes. Time: the
//! instant of each measurement, UTC.
//!
//! Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1.

use serde_json::Value;
use timeline::{Fact, MemberRecords, Name, Row, Stamp, relation};

use crate::json_elements::{Documents, elements, entry};
use crate::kube::stamp;
use crate::places::Places;
use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "stats-summary",
    produced_by: "kubectl get --raw /api/v1/nodes/NODE/proxy/stats/summary",
    samples: &[concat!(
        r#"{"node":{"nodeName":"node-a","memory":{"time":"2025-12-10T17:26:37Z","availableBytes":1669344,"workingSetBytes":7943},"#,
        r#""fs":{"time":"2025-12-10T17:26:37Z","availableBytes":5,"capacityBytes":10,"usedBytes":4,"inodesFree":60,"inodes":100,"inodesUsed":40},"#,
        r#""rlimit":{"time":"2025-12-10T17:26:40Z","maxpid":49152,"curproc":1021}},"#,
        r#""pods":[{"podRef":{"name":"web-0","namespace":"prod","uid":"u"},"memory":{"workingSetBytes":17},"process_stats":{"process_count":3}}]}"#,
        "\n"
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(document) = Documents::of(sniff.text).next() else { return Certainty::No };
    let node = entry(document.text, "node").is_some_and(|it| entry(it.value, "nodeName").is_some());
    if node { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut places = Places::of(input);
    for document in Documents::of(input.text) {
        let Some(node) = entry(document.text, "node") else { continue };
        let Ok(value) = serde_json::from_str::<Value>(node.value) else { continue };
        let name: Option<Name> = value["nodeName"].as_str().map(Into::into);
        read_node(node.value, &value, name.clone(), &mut places, &mut state);
        let pods = entry(document.text, "pods").map(|it| it.value).unwrap_or_default();
        for pod in elements(pods) {
            let Ok(value) = serde_json::from_str::<Value>(pod.text) else { continue };
            read_pod(pod.text, &value, name.clone(), &mut places, &mut state);
        }
    }
    state.each(|_, _| true);
    state.collected(&relation::POD_USAGE);
}

fn when(value: &Value) -> Stamp {
    value["time"].as_str().map_or(Stamp::None, stamp)
}

fn read_node<'t>(text: &'t str, value: &Value, name: Option<Name>, places: &mut Places<'t>, state: &mut State<'_, 't, '_>) {
    let at = |key: &str, inner: &str| {
        let outer = entry(text, key)?;
        entry(outer.value, inner).map(|it| it.pair)
    };
    let (memory, limit) = (&value["memory"], &value["rlimit"]);
    if let (Some(bytes), Some(pair)) = (memory["availableBytes"].as_i64(), at("memory", "availableBytes")) {
        let row = Row::new(&relation::MEMINFO).with("key", "MemAvailable").with("bytes", bytes);
        state.fact(Fact::new(row, name.clone(), places.quote(pair)), when(memory));
    }
    for (key, kind) in [("fs", "nodefs"), ("imageFs", "imagefs")] {
        let (fs, entry) = if key == "fs" {
            (&value["fs"], at("fs", "capacityBytes"))
        } else {
            let inner = entry(text, "runtime").and_then(|it| entry(it.value, "imageFs"));
            (&value["runtime"]["imageFs"], inner.and_then(|it| entry(it.value, "capacityBytes")).map(|it| it.pair))
        };
        let Some(pair) = entry else { continue };
        let number = |key: &str| fs[key].as_i64();
        let percent = |part: Option<i64>, whole: Option<i64>| {
            let (part, whole) = (part? as f64, whole.filter(|it| *it > 0)? as f64);
            Some((part / whole * 100.0).round() as i64)
        };
        let used = number("capacityBytes").zip(number("availableBytes")).map(|(all, free)| all.saturating_sub(free));
        let row = Row::new(&relation::FILESYSTEM)
            .with("type", kind)
            .with("bytes", number("capacityBytes"))
            .with("used_bytes", used)
            .with("available_bytes", number("availableBytes"))
            .with("used_percent", percent(used, number("capacityBytes")));
        let quote = places.quote(pair);
        if let Some(inodes) = number("inodes") {
            let row = Row::new(&relation::FILESYSTEM_INODES)
                .with("type", kind)
                .with("inodes", inodes)
                .with("used", number("inodesUsed"))
                .with("free", number("inodesFree"))
                .with("used_percent", percent(number("inodesUsed"), Some(inodes)));
            state.fact(Fact::new(row, name.clone(), quote.clone()), when(fs));
        }
        state.fact(Fact::new(row, name.clone(), quote), when(fs));
    }
    if let (Some(threads), Some(pair)) = (limit["curproc"].as_i64(), at("rlimit", "curproc")) {
        let row = Row::new(&relation::TASKS).with("threads", threads);
        state.fact(Fact::new(row, name, places.quote(pair)), when(limit));
    }
}

fn read_pod<'t>(text: &'t str, value: &Value, name: Option<Name>, places: &mut Places<'t>, state: &mut State<'_, 't, '_>) {
    let row = Row::new(&relation::POD_USAGE)
        .with("namespace", value["podRef"]["namespace"].as_str())
        .with("name", value["podRef"]["name"].as_str())
        .with("processes", value["process_stats"]["process_count"].as_i64())
        .with("memory_bytes", value["memory"]["workingSetBytes"].as_i64())
        .with("ephemeral_bytes", value["ephemeral-storage"]["usedBytes"].as_i64())
        .with("on", name.clone());
    let place = entry(text, "process_stats").or_else(|| entry(text, "podRef")).map_or(text, |it| it.pair);
    let stamp = when(&value["memory"]);
    state.fact(Fact::new(row, name, places.quote(place)), stamp);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at};

    #[test]
    fn a_node_and_its_pods() {
        let out = read_at(&FORMAT, "x.json", FORMAT.samples[0]);
        let rows = |relation: &'static str| -> Vec<String> {
            let cells = |it: &Fact| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            facts(&out, relation).map(|it| format!("{}: {}", it.get("node"), cells(it)).replace("unknown", "-")).collect()
        };
        assert_eq!(rows("tasks"), ["node-a: 1021 -"]);
        assert_eq!(rows("meminfo"), ["node-a: MemAvailable 1669344"]);
        assert_eq!(rows("filesystem"), ["node-a: - - nodefs 10 5 5 50"]);
        assert_eq!(rows("filesystem.inodes"), ["node-a: - - nodefs 100 40 60 40"]);
        assert_eq!(rows("pod.usage"), ["node-a: prod web-0 3 17 - node-a"]);
    }
}
