//! What the host collectors of Troubleshoot write in JSON: system, kernel modules, services, time, memory.
//!
//! ```text
//! {"name":"node-a","kernelVersion":"5.4.0-99-generic","platformVersion":"20.04","platform":"ubuntu"}
//! {"aufs":{"size":241664,"instances":0,"status":"loaded"}}
//! [{"Unit":"kubelet.service","Load":"loaded","Active":"failed","Sub":"failed"}]
//! {"timezone":"UTC","ntp_synchronized":true,"ntp_active":true}
//! ```
//!
//! One row a module that is loaded, a service, an answer. Processors, block devices, interfaces, control groups and the
//! configuration of the kernel are known for what they are. Units: bytes. Time: none, true when collected.
//!
//! Source: pkg/collect/host_*.go of replicatedhq/troubleshoot.

use serde_json::Value as Json;
use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::json_elements::{Documents, Entry, elements, entries, entry};
use crate::places::Places;
use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "host-collectors",
    produced_by: "support-bundle: host-collectors/system/*.json",
    samples: &[
        "{\"name\":\"node-a\",\"kernelVersion\":\"5.4.0-99-generic\",\"platformVersion\":\"20.04\",\"platform\":\"ubuntu\"}\n",
        "{\"aufs\":{\"size\":241664,\"instances\":2,\"status\":\"loaded\"},\"xfs\":{\"size\":0,\"instances\":0,\"status\":\"loadable\"}}\n",
        "[{\"Unit\":\"kubelet.service\",\"Load\":\"loaded\",\"Active\":\"failed\",\"Sub\":\"failed\"}]\n",
        "{\"timezone\":\"UTC\",\"ntp_synchronized\":true,\"ntp_active\":true}\n",
        "{\"logicalCount\":4,\"physicalCount\":2,\"flags\":[\"fpu\",\"vme\"]}\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    System,
    Modules,
    Services,
    Time,
    Memory,
    Other,
}

fn kind(path: &str, document: &str) -> Option<Kind> {
    let has = |object: &str, keys: &[&str]| keys.iter().all(|it| entry(object, it).is_some());
    let first = elements(document).next();
    let of_list = |keys: &[&str]| first.is_some_and(|it| has(it.text, keys));
    let module = |it: &Entry<'_>| has(it.value, &["size", "instances", "status"]);
    match () {
        () if has(document, &["kernelVersion", "platformVersion", "platform"]) => Some(Kind::System),
        () if has(document, &["timezone", "ntp_synchronized", "ntp_active"]) => Some(Kind::Time),
        () if of_list(&["Unit", "Load", "Active", "Sub"]) => Some(Kind::Services),
        () if of_list(&["kernel_name", "major", "minor", "filesystem_type"]) => Some(Kind::Other),
        () if of_list(&["Index", "MTU", "Name", "HardwareAddr", "Flags"]) => Some(Kind::Other),
        () if has(document, &["logicalCount", "physicalCount"]) => Some(Kind::Other),
        () if has(document, &["cgroup-enabled", "cgroup-v1", "cgroup-v2"]) => Some(Kind::Other),
        () if entries(document).next().is_some_and(|it| module(&it)) => Some(Kind::Modules),
        () if path.ends_with("host-collectors/system/memory.json") && has(document, &["total"]) => Some(Kind::Memory),
        () if entries(document).next().is_some_and(|it| it.key.starts_with("CONFIG_")) => Some(Kind::Other),
        () => None,
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let known = Documents::of(sniff.text).next().and_then(|it| kind(sniff.path, it.text));
    if known.is_some() { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    let mut state = State::of(input, out);
    let Some(document) = Documents::of(input.text).next() else { return };
    let kind = kind(&input.origin.path, document.text);
    let node = input.origin.node.clone();
    let push = |state: &mut State<'_, '_, '_>, row: Row, part: &str, places: &mut Places<'_>| {
        state.fact(Fact::new(row, node.clone(), places.quote(part)), Stamp::None);
    };
    let text = |it: &Json| it.as_str().filter(|it| !it.is_empty()).map(str::to_owned);
    let pair = |key: &str| entry(document.text, key).map_or(document.text, |it| it.pair);
    match kind {
        Some(Kind::System) => {
            let Ok(it) = serde_json::from_str::<Json>(document.text) else { return };
            let kernel = Row::new(&relation::KERNEL).with("release", text(&it["kernelVersion"]));
            push(&mut state, kernel, pair("kernelVersion"), &mut places);
            let os = Row::new(&relation::OS)
                .with("name", text(&it["platform"]))
                .with("version", text(&it["platformVersion"]))
                .with("id", text(&it["platform"]));
            push(&mut state, os, pair("platformVersion"), &mut places);
        }
        Some(Kind::Time) => {
            let synchronized = entry(document.text, "ntp_synchronized").map(|it| it.value == "true");
            let row = Row::new(&relation::CLOCK_SYNC).with("service", "timedated").with("synchronized", synchronized);
            push(&mut state, row, pair("ntp_synchronized"), &mut places);
        }
        Some(Kind::Memory) => {
            let total = entry(document.text, "total").and_then(|it| it.value.parse::<i64>().ok());
            let row = Row::new(&relation::MEMINFO).with("key", "MemTotal").with("bytes", total);
            push(&mut state, row, pair("total"), &mut places);
        }
        Some(Kind::Modules) => {
            for module in entries(document.text) {
                let Ok(it) = serde_json::from_str::<Json>(module.value) else { continue };
                if it["status"] != "loaded" {
                    continue;
                }
                let row = Row::new(&relation::MODULE)
                    .with("name", module.key)
                    .with("bytes", it["size"].as_i64())
                    .with("used", it["instances"].as_i64());
                push(&mut state, row, module.pair, &mut places);
            }
            if document.whole {
                state.collected(&relation::MODULE);
            }
        }
        Some(Kind::Services) => {
            for service in elements(document.text) {
                let Ok(it) = serde_json::from_str::<Json>(service.text) else { continue };
                let row = Row::new(&relation::UNIT)
                    .with("name", text(&it["Unit"]))
                    .with("load", text(&it["Load"]))
                    .with("active", text(&it["Active"]))
                    .with("sub", text(&it["Sub"]));
                push(&mut state, row, service.text, &mut places);
            }
        }
        Some(Kind::Other) | None => {}
    }
    state.each(|_, _| kind.is_some() && document.whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sniff_certainty, sure_rows_of};

    #[test]
    fn each_says_what_others_say_in_text() {
        let [system, modules, services, time, cpu] = FORMAT.samples else { panic!("five samples") };
        assert_eq!(sure_rows_of(&FORMAT, system, "kernel", ["release"]), ["5.4.0-99-generic"]);
        assert_eq!(sure_rows_of(&FORMAT, system, "os", ["name", "version"]), ["ubuntu 20.04"]);
        assert_eq!(sure_rows_of(&FORMAT, modules, "module", ["name", "bytes", "used"]), ["aufs 241664 2"]);
        assert_eq!(sure_rows_of(&FORMAT, services, "unit", ["name", "active"]), ["kubelet.service failed"]);
        assert_eq!(sure_rows_of(&FORMAT, time, "clock.sync", ["synchronized"]), ["true"]);
        assert!(sure_rows_of(&FORMAT, cpu, "module", ["name"]).is_empty());
        let path = "host-collectors/system/memory.json";
        assert_eq!(rows_of(&FORMAT, path, "{\"total\":16777216}", "meminfo", ["key", "bytes"]), ["MemTotal 16777216"]);
        for text in ["{\"total\":16777216}", "[]", "{}", "{\"a\":{\"size\":1}}", "[{\"Unit\":\"a\"}]", "{\"timezone\":\"UTC\"}"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
