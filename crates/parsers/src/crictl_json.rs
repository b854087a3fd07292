//! `crictl info`, `crictl inspect`, `crictl inspectp`: how a container runtime is, and one container at length.
//!
//! ```text
//! {"status":{"conditions":[{"type":"RuntimeReady","status":true,"reason":"","message":""},
//!                          {"type":"NetworkReady","status":false,"reason":"NetworkPluginNotReady","message":"…"}]},"config":{…}}
//! {"status":{"id":"87d3…","metadata":{"attempt":3,"name":"nginx"},"state":"CONTAINER_EXITED","exitCode":137,"reason":"OOMKilled",…}}
//! ```
//!
//! One row a condition or a container. Skipped: mounts, environment, what the runtime is configured with. Units: none. Time:
//! of a container that has ended, when it did.
//!
//! Source: `StatusResponse`, `ContainerStatus` in cri-api's pkg/apis/runtime/v1/api.proto, printed by cri-tools.

use chrono::DateTime;
use serde_json::Value;
use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::json_elements::{Documents, elements, entry};
use crate::places::Places;
use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "crictl-json",
    produced_by: "crictl info, crictl inspect, crictl inspectp",
    samples: &[
        concat!(
            "{\n  \"status\": {\n    \"conditions\": [\n      {\n        \"type\": \"RuntimeReady\",\n        \"status\": true,\n        \"reason\": \"\",\n        \"message\": \"\"\n      },\n",
            "      {\n        \"type\": \"NetworkReady\",\n        \"status\": false,\n        \"reason\": \"NetworkPluginNotReady\",\n        \"message\": \"Network plugin returns error: cni plugin not initialized\"\n      }\n    ]\n  },\n  \"config\": {}\n}\n",
        ),
        concat!(
            "{\"status\":{\"id\":\"87d3992f84f7\",\"metadata\":{\"attempt\":3,\"name\":\"nginx\"},\"state\":\"CONTAINER_EXITED\",",
            "\"createdAt\":\"2023-07-23T22:00:00Z\",\"startedAt\":\"2023-07-23T22:00:01Z\",\"finishedAt\":\"2023-07-23T22:09:02.5Z\",\"exitCode\":137,\"reason\":\"OOMKilled\",",
            "\"labels\":{\"io.kubernetes.container.name\":\"nginx\",\"io.kubernetes.pod.name\":\"web-0\",\"io.kubernetes.pod.namespace\":\"prod\"}},\"info\":{\"pid\":0}}\n",
        ),
        "{\"status\":{\"id\":\"1f73f2d81bf9\",\"metadata\":{\"attempt\":0,\"name\":\"web-0\",\"namespace\":\"prod\"},\"state\":\"SANDBOX_NOTREADY\",\"createdAt\":\"2023-07-23T22:00:00Z\"},\"info\":{}}\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Info,
    Container,
    Sandbox,
}

/// What a document is; `status` comes first in all of them.
fn kind(document: &str) -> Option<Kind> {
    let status = entry(document, "status")?.value;
    if let Some(conditions) = entry(status, "conditions") {
        let first = elements(conditions.value).next()?;
        let runtime = entry(first.text, "type").is_some_and(|it| matches!(it.value, "\"RuntimeReady\"" | "\"NetworkReady\""));
        return runtime.then_some(Kind::Info);
    }
    let state = entry(status, "state")?.value;
    match () {
        () if entry(status, "metadata").is_none() => None,
        () if state.starts_with("\"CONTAINER_") => Some(Kind::Container),
        () if state.starts_with("\"SANDBOX_") => Some(Kind::Sandbox),
        () => None,
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    match Documents::of(sniff.text).next().and_then(|it| kind(it.text)) {
        Some(_) => Certainty::Sure,
        None => Certainty::No,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    let mut state = State::of(input, out);
    let (mut all, mut read) = (0, 0);
    for document in Documents::of(input.text) {
        all += 1;
        let told = match kind(document.text) {
            Some(Kind::Info) => info(document.text, &mut places, &mut state),
            Some(Kind::Container) => container(document.text, &mut places, &mut state),
            Some(Kind::Sandbox) => true,
            None => false,
        };
        read += usize::from(told);
    }
    if read < all {
        state.issue(0, format!("{} of {all} objects are cut or of another kind", all - read));
    }
    state.each(|_, _| read == all);
}

fn info<'t>(document: &'t str, places: &mut Places<'t>, state: &mut State<'_, 't, '_>) -> bool {
    let conditions = entry(document, "status").and_then(|it| entry(it.value, "conditions"));
    let mut whole = conditions.is_some_and(|it| it.whole);
    for condition in conditions.into_iter().flat_map(|it| elements(it.value)) {
        let Ok(value) = serde_json::from_str::<Value>(condition.text) else {
            whole = false;
            continue;
        };
        let text = |key: &str| value[key].as_str().filter(|it| !it.is_empty());
        let row = Row::new(&relation::RUNTIME_CONDITION)
            .with("type", text("type"))
            .with("status", value["status"].as_bool())
            .with("reason", text("reason"))
            .with("message", text("message"));
        let place = ["message", "type"].iter().find_map(|it| entry(condition.text, it).filter(|_| text(it).is_some()));
        let node = state.input.origin.node.clone();
        state.fact(Fact::new(row, node, places.quote(place.map_or(condition.text, |it| it.pair))), Stamp::None);
    }
    if whole {
        state.collected(&relation::RUNTIME_CONDITION);
    }
    whole
}

fn container<'t>(document: &'t str, places: &mut Places<'t>, state: &mut State<'_, 't, '_>) -> bool {
    let Some(status) = entry(document, "status").filter(|it| it.whole) else { return false };
    let Ok(value) = serde_json::from_str::<Value>(status.value) else { return false };
    let text = |it: &Value| it.as_str().filter(|it| !it.is_empty()).map(str::to_owned);
    let label = |name: &str| text(&value["labels"][format!("io.kubernetes.{name}")]);
    let shown = match value["state"].as_str() {
        Some("CONTAINER_RUNNING") => "running",
        Some("CONTAINER_EXITED") => "terminated",
        _ => "waiting",
    };
    let ended = shown == "terminated";
    let row = Row::new(&relation::CONTAINER_STATE)
        .with("namespace", label("pod.namespace"))
        .with("pod", label("pod.name"))
        .with("container", label("container.name").or_else(|| text(&value["metadata"]["name"])))
        .with("state", shown)
        .with("reason", text(&value["reason"]))
        .with("exit_code", value["exitCode"].as_i64().filter(|_| ended))
        .with("restarts", value["metadata"]["attempt"].as_i64())
        .with("on", state.input.origin.node.as_deref());
    let finished = text(&value["finishedAt"]).and_then(|it| DateTime::parse_from_rfc3339(&it).ok());
    let micros = finished.filter(|_| ended).map(|it| it.timestamp_micros()).filter(|it| *it > 0);
    let pair = entry(status.value, "state").map_or(status.pair, |it| it.pair);
    state.fact(Fact::new(row, None, places.quote(pair)), micros.map_or(Stamp::None, Stamp::epoch_micros));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sniff_certainty, sure_rows_of};

    #[test]
    fn conditions_and_containers() {
        let rows = sure_rows_of(&FORMAT, FORMAT.samples[0], "runtime.condition", ["type", "status", "reason"]);
        assert_eq!(rows, ["RuntimeReady true unknown", "NetworkReady false NetworkPluginNotReady"]);
        let columns = ["namespace", "pod", "container", "state", "reason", "exit_code", "restarts"];
        let rows = sure_rows_of(&FORMAT, FORMAT.samples[1], "container.state", columns);
        assert_eq!(rows, ["prod web-0 nginx terminated OOMKilled 137 3"]);
        let rows = sure_rows_of(&FORMAT, FORMAT.samples[2], "container.state", columns);
        assert!(rows.is_empty());
    }

    #[test]
    fn what_is_cut_is_told() {
        let text = &FORMAT.samples[0][..FORMAT.samples[0].len() - 60];
        let out = read_at(&FORMAT, "x", text);
        assert!(out.tally.understood < out.tally.lines && !out.issues.is_empty());
    }

    #[test]
    fn objects_of_kubernetes_are_left_alone() {
        for text in [
            "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]},\"kind\":\"Node\"}",
            "{\"status\":\"success\",\"data\":{}}",
            "{\"status\":{\"state\":\"CONTAINER_RUNNING\"}}",
            "{\"status\":{\"conditions\":[]}}",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
