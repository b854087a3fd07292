//! An address that one node borrowed of another, rebuilt with real routing tables: what must be found, and what must not
//! be where a detail differs (properties P3 to P6 of the acceptance checks).
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail anywhere, and says when it did not run")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use coroner::{Analyzer, Band, Report};

const RULE: &str = "borrowed-ip-blackholed";
const IP: &str = "10.64.75.0";

type Files = BTreeMap<String, String>;

/// The tables of both nodes and what Calico's IPAM says; nothing where the samples are not at hand.
fn scenario(mesh: &str) -> Option<Files> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/network");
    if !folder.exists() {
        eprintln!("SKIPPED: no samples of routing tables");
        return None;
    }
    let mut files = Files::new();
    let mut take = |name: String, path: String| {
        files.insert(name, std::fs::read_to_string(folder.join(path)).unwrap());
    };
    for node in ["1001", "1003"] {
        for table in ["ip_route", "ip_route_show_table_all", "ip_addr", "ip_rule"] {
            take(format!("kubestage{node}/{table}.txt"), format!("scenario-borrowed-{mesh}/k{node}.{table}.txt"));
        }
    }
    for resource in ["ipamblocks", "ipamconfigs", "ippools", "blockaffinities"] {
        take(format!("{resource}.yaml"), format!("calico-crds/{resource}.yaml"));
    }
    Some(files)
}

fn analyze(files: &Files) -> Report {
    let archive = common::tar_gz(files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())));
    Analyzer::new().bytes("case.tar.gz", archive).analyze().unwrap()
}

/// How sure the report is of the rule for an address; nothing where it does not speak of it or rules it out.
fn band(report: &Report, rule: &str, ip: &str) -> Option<Band> {
    let mut all = report.hypotheses.iter();
    all.find(|it| it.rule == rule && it.bindings.get("ip").is_some_and(|it| it == ip)).map(|it| it.band)
}

#[test]
fn the_owner_drops_what_is_meant_for_the_borrower() {
    let Some(files) = scenario("nomesh") else { return };
    let report = analyze(&files);
    assert_eq!(report.hypotheses[0].rule, RULE);
    assert_eq!(band(&report, RULE, IP), Some(Band::Confirmed));
    let bound = &report.hypotheses[0].bindings;
    assert_eq!((bound["owner"].as_str(), bound["user"].as_str()), ("kubestage1001", "kubestage1003"));
    // P6: the tunnel address of a node is no pod's, whether or not its own table was collected
    for absent in ["ip_addr", "ip_route_show_table_all"] {
        let mut less = files.clone();
        less.retain(|name, _| !name.contains(absent));
        let report = analyze(&less);
        assert_eq!(band(&report, RULE, "10.64.75.63"), None, "without {absent}");
        assert_eq!(band(&report, "calico-tunnel-borrowed", "10.64.75.63"), None, "without {absent}");
        assert_eq!(report.hypotheses[0].rule, RULE, "without {absent}");
    }
}

/// P4: of a listing that is elided nobody can say what it does not hold.
#[test]
fn an_elided_table_proves_no_absence() {
    let Some(mut files) = scenario("nomesh") else { return };
    for (name, text) in &mut files {
        if name.starts_with("kubestage1001/ip_route") {
            let first = text.find('\n').unwrap() + 1;
            text.insert_str(first, "[...]\n");
        }
    }
    let found = band(&analyze(&files), RULE, IP);
    assert!(matches!(found, Some(Band::Likely | Band::Possible)), "{found:?}");
}

/// P5: one route more, and there is no fault.
#[test]
fn a_route_to_the_borrower_clears_it() {
    let Some(mut files) = scenario("nomesh") else { return };
    for (name, text) in &mut files {
        if name.starts_with("kubestage1001/ip_route") {
            text.push_str("10.64.75.0 via 10.64.0.1 dev eno1 proto bird onlink \n");
        }
    }
    let report = analyze(&files);
    assert_eq!(band(&report, RULE, IP), None);
    let out = report.ruled_out.iter().find(|it| it.rule == RULE && it.bindings["ip"] == IP);
    assert!(out.is_some());
}

/// The same cluster with sessions of real BIRDs between all nodes: the owner learns the address, and all is well.
#[test]
fn with_a_mesh_nothing_is_wrong() {
    let Some(files) = scenario("mesh") else { return };
    let report = analyze(&files);
    for ip in [IP, "10.64.75.63"] {
        assert_eq!(band(&report, RULE, ip), None, "{ip}");
        assert_eq!(band(&report, "calico-tunnel-borrowed", ip), None, "{ip}");
    }
    assert!(report.hypotheses.iter().all(|it| it.band == Band::Possible), "nothing is named with confidence");
}
