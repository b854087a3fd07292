//! Pod objects: where they run, what their containers do, and what probes them.

use std::net::IpAddr;

use serde_json::Value;
use timeline::{Fact, MemberRecords, Name, Record, Row, Stamp, relation};

use super::node::list;
use super::{noted, text};
use super::walk::Object;
use crate::json_elements::Step::{Index, Key};
use crate::kube::{instant, pair, stamp};
use crate::places::Places;

pub(super) fn read<'t>(object: &Object<'t>, places: &mut Places<'t>, out: &mut MemberRecords) {
    let value = &object.value;
    let (spec, status) = (&value["spec"], &value["status"]);
    let Some(name) = text(&value["metadata"]["name"]) else { return };
    if status.get("phase").is_none() {
        return;
    }
    let namespace = text(&value["metadata"]["namespace"]);
    let on = text(&spec["nodeName"]);
    let node: Option<Name> = on.map(Name::from);
    let mut fact = |row: Row, quote, stamp| {
        out.records.push(Record::Fact(Box::new(Fact::new(row, node.clone(), quote)), stamp));
    };

    // no container runs before its pod is there; the mirror of a static pod is made later
    let mirror = value["metadata"]["annotations"].get("kubernetes.io/config.mirror").is_some();
    let created = text(&value["metadata"]["creationTimestamp"]).filter(|it| instant(it).is_some()).map(stamp);
    let containers = list(status, "containerStatuses");
    let restarts: i64 = containers.iter().filter_map(|it| it["restartCount"].as_i64()).sum();
    let row = Row::new(&relation::POD)
        .with("namespace", namespace)
        .with("name", name)
        .with("ip", text(&status["podIP"]).and_then(|it| it.parse::<IpAddr>().ok()))
        .with("on", on)
        .with("phase", text(&status["phase"]))
        .with("uid", text(&value["metadata"]["uid"]))
        .with("host_network", spec["hostNetwork"].as_bool().unwrap_or(false))
        .with("restarts", status.get("containerStatuses").map(|_| restarts));
    let quote = object
        .quote(&[&[Key("status"), Key("podIP")], &[Key("metadata"), Key("name")], &[Key("status"), Key("phase")]], places);
    let mut quotes = Fact::new(row, node.clone(), quote);
    let named = object.quote(&[&[Key("metadata"), Key("name")]], places);
    if named != quotes.quotes[0] {
        quotes.quotes.push(named);
    }
    if let Some(line) = object.find(&[Key("spec"), Key("nodeName")]) {
        quotes.quotes.push(places.quote(line));
    }

    let mut pairs = Vec::new();
    for group in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        for (at, container) in list(status, group).iter().enumerate() {
            for (field, last) in [("state", false), ("lastState", true)] {
                let Some((state, detail)) = state(&container[field]) else { continue };
                let path = |key| [Key("status"), Key(group), Index(at), Key(field), Key(state), Key(key)];
                let own = [Key("status"), Key(group), Index(at), Key("name")];
                let quote = object
                    .quote(&[&path("reason"), &path("exitCode"), &path("startedAt"), &path("message"), &own], places);
                let row = Row::new(&relation::CONTAINER_STATE)
                    .with("namespace", namespace)
                    .with("pod", name)
                    .with("container", text(&container["name"]))
                    .with("state", if last && state == "terminated" { "last-terminated" } else { state })
                    .with("reason", text(&detail["reason"]))
                    .with("exit_code", detail["exitCode"].as_i64())
                    .with("signal", detail["signal"].as_i64())
                    .with("restarts", container["restartCount"].as_i64())
                    .with("on", on);
                let started = text(&detail["startedAt"]).filter(|it| instant(it).is_some()).map(stamp);
                if let (Some(on), Some(created), Some(started), false) = (on, &created, started, mirror)
                    && let Some(line) = object.find(&path("startedAt"))
                {
                    pairs.push((on, started, *created, places.quote(line)));
                }
                let finished = text(&detail["finishedAt"]).filter(|it| instant(it).is_some());
                fact(row, quote, finished.map_or(Stamp::None, stamp));
            }
        }
    }

    for (at, container) in list(spec, "containers").iter().enumerate() {
        if let Some((image, part, version)) = text(&container["image"]).and_then(part_of_cluster) {
            let row = Row::new(&relation::CONTAINER_IMAGE)
                .with("namespace", namespace)
                .with("pod", name)
                .with("container", text(&container["name"]))
                .with("image", image)
                .with("name", part)
                .with("version", version)
                .with("on", on);
            let path = [Key("spec"), Key("containers"), Index(at), Key("image")];
            fact(row, object.quote(&[&path], places), Stamp::None);
        }
        for (field, kind) in
            [("livenessProbe", "liveness"), ("readinessProbe", "readiness"), ("startupProbe", "startup")]
        {
            let probe = &container[field];
            if !probe.is_object() {
                continue;
            }
            let action = ["exec", "httpGet", "tcpSocket", "grpc"].into_iter().find(|it| probe.get(it).is_some());
            let command: Vec<&str> = list(&probe["exec"], "command").iter().filter_map(Value::as_str).collect();
            let row = Row::new(&relation::PROBE)
                .with("namespace", namespace)
                .with("pod", name)
                .with("container", text(&container["name"]))
                .with("kind", kind)
                .with("action", action.map(|it| it.to_ascii_lowercase().replace("get", "-get").replace("socket", "-socket")))
                .with("command", (!command.is_empty()).then(|| command.join(" ")))
                .with("period_secs", probe["periodSeconds"].as_i64())
                .with("timeout_secs", probe["timeoutSeconds"].as_i64())
                .with("on", on);
            let path = [Key("spec"), Key("containers"), Index(at), Key(field)];
            let first = [&path[..], &[Key("exec"), Key("command"), Index(0)]].concat();
            let period = [&path[..], &[Key("periodSeconds")]].concat();
            let own = [Key("spec"), Key("containers"), Index(at), Key("name")];
            fact(row, object.quote(&[&first, &period, &own], places), Stamp::None);
        }
    }
    for (on, started, created, quote) in pairs {
        pair(on, "api", &started, &created, "container-start", quote, out);
    }
    if let Some(on) = on {
        // the kubelet takes up a pod that is there; who bound it to the node cannot be told
        let taken = text(&status["startTime"]).filter(|it| instant(it).is_some()).map(stamp);
        if let (Some(created), Some(taken), false) = (&created, taken, mirror) {
            let quote = object.quote(&[&[Key("status"), Key("startTime")]], places);
            pair(on, "api", &taken, created, "pod-start", quote, out);
        }
        noted::ready(object, on, places, out);
    }
    out.records.push(Record::Fact(Box::new(quotes), Stamp::None));
}

/// `registry.k8s.io/kube-proxy:v1.28.4`, `docker.io/calico/node:v3.27.0@sha256:…`: image, part and version, of what the
/// cluster itself is made of. Other images are too many to keep and tell nothing of a known bug.
fn part_of_cluster(image: &str) -> Option<(&str, &str, &str)> {
    const PARTS: [&str; 10] = [
        "kube-proxy",
        "coredns",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "flannel",
        "cilium",
        "k8s-dns-node-cache",
        "metrics-server",
    ];
    let (path, version) = image.split('@').next()?.rsplit_once(':')?;
    let mut parts = path.rsplit('/');
    let (last, folder) = (parts.next()?, parts.next());
    let part = match folder {
        Some("calico") if last == "node" => "calico",
        _ => PARTS.into_iter().find(|it| *it == last)?,
    };
    let tagged = !version.contains('/') && version.contains(|it: char| it.is_ascii_digit());
    tagged.then_some((image, part, version))
}

/// `{"terminated": {"exitCode": 137, …}}`: the one state a container is in.
fn state(value: &Value) -> Option<(&'static str, &Value)> {
    ["running", "waiting", "terminated"].into_iter().find_map(|it| Some((it, value.get(it)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_the_cluster_itself() {
        let table = [
            ("registry.k8s.io/kube-proxy:v1.28.4", Some(("kube-proxy", "v1.28.4"))),
            ("docker.io/calico/node:v3.27.0@sha256:6e4b", Some(("calico", "v3.27.0"))),
            ("calico/node:v3.16.5", Some(("calico", "v3.16.5"))),
            ("localhost:5000/coredns:1.11.1", Some(("coredns", "1.11.1"))),
            ("localhost:5000/coredns", None),
            ("shop/order:v3", None),
            ("calico/cni:latest", None),
            ("", None),
        ];
        for (image, expected) in table {
            assert_eq!(part_of_cluster(image).map(|it| (it.1, it.2)), expected, "{image}");
        }
    }
}
