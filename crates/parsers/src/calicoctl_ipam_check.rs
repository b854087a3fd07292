//! `calicoctl ipam check`: blocks with their owners, and addresses that are leaked; with `-o`, every allocation as JSON.
//!
//! ```text
//! Checking IPAM for inconsistencies...
//!
//! Loading all IPAM blocks...
//! Found 4 IPAM blocks.
//!  IPAM block 10.64.75.0/26 affinity=host:kubestage1001:
//!   10.64.75.200 leaked; attrs Main:k8s-pod-network.dc5c Extra:namespace=staging,node=kubestage1002,pod=app-1
//! Check complete; found 1 problems.
//! ```
//!
//! In the report `borrowed` is stated for every address. Skipped: handles, load balancers, totals. Units: addresses.
//! Time: none.
//!
//! Source: `calicoctl/calicoctl/commands/ipam/check.go` in projectcalico/calico.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use timeline::{Collected, Fact, MemberRecords, Quote, Record, Row, Stamp, relation};

use crate::json_elements::{Documents, elements, entries, entry};
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "calicoctl-ipam-check",
    produced_by: "calicoctl ipam check",
    samples: &[
        "Checking IPAM for inconsistencies...\n\nLoading all IPAM blocks...\nFound 1 IPAM blocks.\n IPAM block 10.64.75.0/26 affinity=host:kubestage1001:\nIPAM blocks record 64 allocations.\n\nLoading all IPAM pools...\n  10.64.75.0/24\nFound 1 active IP pools.\n\nScanning for IPs that are allocated but not actually in use...\n  10.64.75.20 leaked; attrs Main:k8s-pod-network.dc5c Extra:namespace=staging,node=kubestage1002,pod=app-1\nFound 1 IPs that are allocated in IPAM but not actually in use.\nCheck complete; found 1 problems.\n",
        r#"{"version":"v3.21.5","datastoreLocked":false,"allocations":{"10.64.75.0":[{"ip":"10.64.75.0","handle":"k8s-pod-network.ce08","pod":"coredns-1","namespace":"kube-system","node":"kubestage1003","inUse":true,"borrowed":true,"owners":["Workload(kube-system/kubestage1003-k8s-coredns--1-eth0)"]}]},"leakedHandles":[]}
"#,
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// How its lines begin or end, over all versions.
const BEGINS: [&str; 17] = [
    "Checking IPAM for inconsistencies...",
    "Loading all IPAM ",
    "Loading all nodes.",
    "Loading all service load balancer IPs.",
    "Loading all workload endpoints.",
    "Loading all handles",
    "No configuration for LoadBalancer kubecontroller found",
    "Found ",
    "IPAM block ",
    "IPAM blocks record ",
    "IPAMBlock ",
    "Workloads and nodes are using ",
    "Looking for top (up to 20) nodes by allocations...",
    "Node with most allocations has ",
    "Scanning for ",
    "Validating IPAMBlock structures...",
    "Check complete; found ",
];
const CONTAINS: [&str; 8] = [
    " has multiple owners.",
    " in use by ",
    " belongs to ",
    " doesn't have any active IPs.",
    " is in use in a block but doesn't exist.",
    " leaked; attrs ",
    " allocated; attrs ",
    " allocations",
];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.text.trim_start().starts_with('{') {
        let Some(document) = Documents::of(sniff.text).next() else { return Certainty::No };
        let report = ["allocations", "datastoreLocked"].iter().all(|it| entry(document.text, it).is_some());
        return if report { Certainty::Sure } else { Certainty::No };
    }
    if sniff.text.contains("Checking IPAM for inconsistencies...") || sniff.text.contains("IPs that are allocated in IPAM but not actually in use.") {
        if sniff.share(200, is_explained) >= 0.8 { Certainty::Sure } else { Certainty::Likely }
    } else {
        Certainty::No
    }
}

fn is_explained(line: &str) -> bool {
    let line = line.trim();
    BEGINS.iter().any(|it| line.starts_with(it)) || CONTAINS.iter().any(|it| line.contains(it)) || line.parse::<IpNet>().is_ok()
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    if input.text.trim_start().starts_with('{') {
        report(input, out);
    } else {
        text(input, out);
    }
}

fn push(row: Row, quote: Quote, out: &mut MemberRecords) {
    out.records.push(Record::Fact(Box::new(Fact::new(row, None, quote)), Stamp::None));
}

fn text(input: &Input<'_>, out: &mut MemberRecords) {
    let member = input.origin.member;
    let (mut announced, mut blocks, mut addresses) = (None, 0u64, 0u64);
    let mut recorded = None;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        let trimmed = line.text.trim();
        if is_explained(trimmed) {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
        let count = |before: &str, after: &str| trimmed.strip_prefix(before)?.strip_suffix(after)?.parse::<u64>().ok();
        announced = count("Found ", " IPAM blocks.").or(announced);
        recorded = count("IPAM blocks record ", " allocations.").or(recorded);
        if let Some(row) = block(trimmed) {
            blocks += 1;
            push(row, input.origin.quote(&line), out);
        } else if let Some(row) = allocated(trimmed) {
            addresses += 1;
            push(row, input.origin.quote(&line), out);
        }
    }
    if let Some(announced) = announced {
        let incomplete = (input.truncated || announced != blocks).then(|| format!("{blocks} of {announced} blocks are listed"));
        out.collected.push(Collected { relation: relation::IPAM_BLOCK.name, node: None, incomplete, member });
    }
    if let Some(recorded) = recorded.filter(|_| addresses > 0) {
        let whole = !input.truncated && addresses == recorded;
        let incomplete = (!whole).then(|| format!("{addresses} of {recorded} allocations are listed"));
        out.collected.push(Collected { relation: relation::IPAM_ALLOCATION.name, node: None, incomplete, member });
    }
}

/// ` IPAM block 10.64.75.0/26 affinity=host:kubestage1001:`
fn block(line: &str) -> Option<Row> {
    let (cidr, affinity) = line.strip_prefix("IPAM block ")?.split_once(" affinity=")?;
    let cidr = cidr.parse::<IpNet>().ok()?;
    let owner = affinity.trim_end_matches(':').strip_prefix("host:");
    Some(Row::new(&relation::IPAM_BLOCK).with("cidr", cidr).with("owner", owner))
}

/// `  10.64.75.200 leaked; attrs Main:k8s-pod-network.dc5c Extra:namespace=staging,node=kubestage1002,pod=app-1`
fn allocated(line: &str) -> Option<Row> {
    let (ip, attributes) = line.split_once(" leaked; attrs ").or_else(|| line.split_once(" allocated; attrs "))?;
    let ip = ip.trim().parse::<IpAddr>().ok()?;
    let part = |name: &str| attributes.split_once(name).map(|(_, rest)| rest.split(" Alternate:").next().unwrap_or_default());
    let handle = part("Main:").and_then(|it| it.split(' ').next()).filter(|it| !it.is_empty());
    let extra = part("Extra:").unwrap_or_default();
    let value = |key: &str| extra.split(',').find_map(|it| it.trim().strip_prefix(key)?.strip_prefix('=')).filter(|it| !it.is_empty());
    let row = allocation(ip, handle, value);
    Some(if line.contains(" leaked; attrs ") { row.with("leaked", true) } else { row })
}

/// One allocated address by its attributes.
fn allocation<'t>(ip: IpAddr, handle: Option<&str>, value: impl Fn(&str) -> Option<&'t str>) -> Row {
    let pod = value("namespace").zip(value("pod")).map(|(namespace, pod)| format!("{namespace}/{pod}"));
    Row::new(&relation::IPAM_ALLOCATION)
        .with("ip", ip)
        .with("user", value("node"))
        .with("type", value("type").or(pod.as_ref().map(|_| "pod")))
        .with("pod", pod)
        .with("handle", handle)
}

/// `-o report.json`
fn report(input: &Input<'_>, out: &mut MemberRecords) {
    let member = input.origin.member;
    let mut places = Places::of(input);
    let mut gap = input.truncated.then(|| "the file is cut".to_owned());
    for document in Documents::of(input.text) {
        let Some(all) = entry(document.text, "allocations") else { continue };
        if !document.whole {
            gap.get_or_insert_with(|| "the file is cut".to_owned());
        }
        for address in entries(all.value) {
            for element in elements(address.value) {
                out.tally.lines += 1;
                let value = serde_json::from_str::<Value>(element.text).unwrap_or_default();
                let Some(ip) = value["ip"].as_str().and_then(|it| it.parse::<IpAddr>().ok()) else {
                    let line = places.line(element.text);
                    out.issue(member, line, "an allocation that cannot be read");
                    out.tally.odd_bytes += element.text.len() as u64;
                    gap.get_or_insert_with(|| "an allocation could not be read".to_owned());
                    continue;
                };
                out.tally.understood += 1;
                let text = |key: &str| value[key].as_str().filter(|it| !it.is_empty());
                // left out where false
                let borrowed = value["borrowed"].as_bool().unwrap_or(false);
                let known = text("node").map(|_| borrowed);
                let unused = (value["inUse"].as_bool() == Some(false)).then_some(true);
                let row = allocation(ip, text("handle"), text).with("borrowed", known).with("leaked", unused);
                push(row, places.quote(element.text), out);
            }
        }
        out.collected.push(Collected { relation: relation::IPAM_ALLOCATION.name, node: None, incomplete: gap.clone(), member });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, read_cut, sample, sniff_certainty};

    fn rows(out: &MemberRecords) -> Vec<String> {
        let shown = |fact: &Fact| {
            let cells = fact.row.relation.columns.iter().zip(&fact.row.values).filter(|(_, it)| it.is_some());
            cells.map(|(column, value)| format!("{column}={value}")).collect::<Vec<_>>().join(" ")
        };
        ["ipam.block", "ipam.allocation"].iter().flat_map(|it| facts(out, it).map(shown).collect::<Vec<_>>()).collect()
    }

    fn collected(out: &MemberRecords) -> Vec<(&str, Option<&str>)> {
        out.collected.iter().map(|it| (it.relation, it.incomplete.as_deref())).collect()
    }

    #[test]
    fn the_text() {
        let out = read_at(&FORMAT, "x", FORMAT.samples[0]);
        insta::assert_snapshot!(rows(&out).join("\n"), @r#"
    cidr=10.64.75.0/26 owner=kubestage1001
    ip=10.64.75.20 user=kubestage1002 pod=staging/app-1 type=pod handle=k8s-pod-network.dc5c leaked=true
    "#);
        assert_eq!(collected(&out), [("ipam.block", None), ("ipam.allocation", Some("1 of 64 allocations are listed"))]);
        assert_eq!(out.tally.lines, out.tally.understood);
    }

    #[test]
    fn the_report() {
        let out = read_at(&FORMAT, "x", FORMAT.samples[1]);
        insta::assert_snapshot!(rows(&out).join("\n"), @"ip=10.64.75.0 user=kubestage1003 pod=kube-system/coredns-1 type=pod borrowed=true handle=k8s-pod-network.ce08");
        assert_eq!(collected(&out), [("ipam.allocation", None)]);
        let cut = read_cut(&FORMAT, "x", &FORMAT.samples[1][..200]);
        assert!(collected(&cut).iter().all(|it| it.1.is_some()));
    }

    #[test]
    fn other_texts_are_left_alone() {
        for text in ["", "{}", "{\"allocations\":{}}", "Checking IPAM data consistency...\nFound 0 inconsistencies.\n", "Loading all nodes.\n", "{\"allocations\":"] {
            assert_eq!(sniff_certainty(&FORMAT, "report.json", text), Certainty::No, "{text}");
            read_at(&FORMAT, "x", text);
        }
    }

    #[test]
    fn one_cluster_in_every_version() {
        let read = |name: &str| {
            let text = sample(&format!("network/{name}"))?;
            assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure, "{name}");
            let out = read_at(&FORMAT, "x", &text);
            assert_eq!(out.tally.lines, out.tally.understood, "{name}");
            Some(out)
        };
        let Some(report) = read("calico-crds/ipam_check_report.json") else { return };
        let blocks = sample("network/calico-crds/ipamblocks.yaml").expect("its neighbour is there");
        let blocks = read_at(&crate::calico_resources::FORMAT, "x", &blocks);
        let cells = |out: &MemberRecords| {
            let key = |it: &Fact| ["ip", "user", "pod", "type", "borrowed", "handle"].map(|column| it.get(column).to_string());
            let mut found: Vec<_> = facts(out, "ipam.allocation").map(key).collect();
            found.sort();
            found
        };
        // one address is both allocated and leaked: the report and the blocks agree on all of them
        assert_eq!(cells(&report), cells(&blocks));
        let expected = rows(&read("calico-crds/ipam_check.latest.txt").expect("its neighbour is there"));
        assert_eq!(expected.len(), 5);
        for version in ["v3.18-3.22", "v3.24-3.29"] {
            let out = read(&format!("calico-crds/ipam_check.{version}.txt")).expect("its neighbour is there");
            assert_eq!(rows(&out), expected);
        }
        let excerpt = read("issues/calico-7192.ipam_check_excerpt.txt").expect("its neighbour is there");
        assert!(excerpt.records.is_empty() && excerpt.collected.is_empty());
    }
}
