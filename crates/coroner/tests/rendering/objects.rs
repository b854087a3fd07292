//! Objects of the API, from the tables people paste.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Incident;

/// The rows of a table of kubectl, cells parted by at least two blanks.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().skip(1).map(|line| line.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect())
}

/// The cells of a table of calicoctl.
fn cells(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table
        .lines()
        .filter(|it| it.starts_with('|'))
        .skip(1)
        .map(|it| it.trim_matches('|').split('|').map(str::trim).collect())
}

fn list(kind: &str, items: Vec<Value>) -> Value {
    json!({ "apiVersion": "v1", "kind": kind, "items": items })
}

impl Incident {
    pub(crate) fn nodes(&self) -> Option<Vec<Value>> {
        let node = |it: Vec<&str>| {
            json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": { "name": it[0], "labels": { "kubernetes.io/hostname": it[0] } },
                "status": {
                    "addresses": [{ "type": "InternalIP", "address": it[5] }, { "type": "Hostname", "address": it[0] }],
                    "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }],
                    "nodeInfo": {
                        "kubeletVersion": it[4], "osImage": it[7], "kernelVersion": it[8],
                        "containerRuntimeVersion": it[9]
                    }
                }
            })
        };
        Some(rows(self.cluster_file("kubectl_get_nodes")?).map(node).collect())
    }

    pub(crate) fn pods(&self) -> Option<Vec<Value>> {
        let pod = |it: Vec<&str>| {
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "namespace": it[0], "name": it[1] },
                "spec": { "nodeName": it[7], "containers": [{ "name": "main" }] },
                "status": {
                    "phase": it[3], "podIP": it[6],
                    "containerStatuses": [{ "name": "main", "restartCount": it[4].parse::<u32>().unwrap_or(0),
                                            "state": { "running": {} } }]
                }
            })
        };
        Some(rows(self.cluster_file("kubectl_get_pods")?).map(pod).collect())
    }

    /// The events, whether they stand as objects or as the list of a console.
    pub(crate) fn events(&self) -> Option<Vec<Value>> {
        if let Some(text) = self.cluster_file("events.json") {
            let all: Value = serde_json::from_str(text).unwrap();
            return Some(all["items"].as_array().unwrap().clone());
        }
        let event = |line: &str| {
            let (stamp, rest) = line.split_at(19);
            let local = chrono::NaiveDateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M:%S").unwrap();
            let at = (local - chrono::TimeDelta::seconds(i64::from(self.offset))).and_utc();
            let at = at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let (head, message) = rest.trim().split_once("  ").unwrap();
            let head: Vec<&str> = head.split(' ').collect();
            let [kind, of, name, reason] = head[..] else { panic!("{line}") };
            let about = name.rsplit_once('.').unwrap().0;
            json!({
                "apiVersion": "v1", "kind": "Event", "type": kind, "reason": reason, "message": message, "count": 1,
                "metadata": { "name": name, "namespace": "default", "creationTimestamp": at },
                "involvedObject": { "kind": of, "name": about },
                "source": { "component": "kubelet", "host": about },
                "firstTimestamp": at, "lastTimestamp": at
            })
        };
        Some(self.cluster_file("events.txt")?.lines().map(event).collect())
    }

    /// Blocks, pools and configuration of Calico's IPAM as its objects: name of the resource, objects.
    pub(crate) fn ipam(&self) -> Option<Vec<(&'static str, Vec<Value>)>> {
        let blocks = self.cluster_file("calicoctl_ipam_show_--show-blocks")?;
        let pods: Vec<Vec<&str>> = rows(self.cluster_file("kubectl_get_pods")?).collect();
        let owner = |cidr: &str| {
            let line = format!("blackhole {cidr} proto bird");
            let owns = |files: &super::Machine| files.files["ip_route.txt"].contains(&line);
            self.machines.iter().find(|it| owns(it.1)).map(|it| it.0.clone())
        };
        let meta = |kind: &str, name: &str| json!({ "apiVersion": "crd.projectcalico.org/v1", "kind": kind, "metadata": { "name": name } });
        let mut block_objects = Vec::new();
        let mut pools = Vec::new();
        for row in cells(blocks) {
            let cidr = row[1];
            let (base, len) = cidr.split_once('/').unwrap();
            if row[0] == "IP Pool" {
                let mut pool = meta("IPPool", "default-ipv4-ippool");
                pool["spec"] = json!({ "cidr": cidr, "blockSize": 26, "ipipMode": "Never", "vxlanMode": "Never" });
                pools.push(pool);
                continue;
            }
            let (net, last) = base.rsplit_once('.').unwrap();
            let (first, size) = (last.parse::<u32>().unwrap(), 1_u32 << (32 - len.parse::<u32>().unwrap()));
            let mut allocations = vec![Value::Null; size as usize];
            let mut attributes = Vec::new();
            for pod in &pods {
                let inside = pod[6].rsplit_once('.').filter(|it| it.0 == net).and_then(|it| it.1.parse::<u32>().ok());
                let Some(at) = inside.and_then(|it| it.checked_sub(first)).filter(|it| *it < size) else { continue };
                allocations[at as usize] = json!(attributes.len());
                attributes.push(json!({
                    "handle_id": format!("k8s-pod-network.{}.{}", pod[0], pod[1]),
                    "secondary": { "namespace": pod[0], "node": pod[7], "pod": pod[1] }
                }));
            }
            let unallocated: Vec<usize> =
                allocations.iter().enumerate().filter(|it| it.1.is_null()).map(|it| it.0).collect();
            let mut block = meta("IPAMBlock", &cidr.replace(['.', '/'], "-"));
            block["spec"] = json!({
                "cidr": cidr, "affinity": owner(cidr).map(|it| format!("host:{it}")), "allocations": allocations,
                "attributes": attributes, "unallocated": unallocated, "strictAffinity": false, "deleted": false
            });
            block_objects.push(block);
        }
        let mut config = meta("IPAMConfig", "default");
        config["spec"] = json!({ "strictAffinity": false, "autoAllocateBlocks": true, "maxBlocksPerHost": 0 });
        Some(vec![("ipamblocks", block_objects), ("ippools", pools), ("ipamconfigs", vec![config])])
    }
}

/// A list as JSON.
pub(crate) fn json_list(kind: &str, items: Vec<Value>) -> String {
    format!("{:#}\n", list(kind, items))
}

/// A list as YAML.
pub(crate) fn yaml_list(kind: &str, items: Vec<Value>) -> String {
    yaml(&list(kind, items))
}

/// Any JSON as block YAML, strings as JSON writes them.
pub(crate) fn yaml(value: &Value) -> String {
    let mut out = String::from("---\n");
    put(value, 0, &mut out);
    out
}

fn put(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let _ = write!(out, "{pad}{key}:");
                nested(value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                if matches!(item, Value::Object(it) if !it.is_empty()) {
                    put(item, indent + 2, &mut inner);
                    let _ = write!(out, "{pad}- {}", &inner[indent + 2..]);
                } else {
                    let _ = write!(out, "{pad}-");
                    nested(item, indent + 2, out);
                }
            }
        }
        other => {
            let _ = writeln!(out, "{pad}{other}");
        }
    }
}

fn nested(value: &Value, indent: usize, out: &mut String) {
    let deep =
        matches!(value, Value::Object(it) if !it.is_empty()) || matches!(value, Value::Array(it) if !it.is_empty());
    if deep {
        out.push('\n');
        put(value, indent, out);
    } else {
        let _ = writeln!(out, " {value}");
    }
}
