//! The founding incidents, written again as five collectors would have: the answer does not depend on who packed the bundle.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;
mod rendering;

use std::collections::BTreeMap;
use std::path::PathBuf;

use coroner::{Analyzer, Band, Report};
use rendering::Incident;
use rendering::collect::COLLECTORS;

/// What must not change.
#[derive(Debug, PartialEq)]
struct Answer {
    rule: String,
    band: Band,
    bindings: BTreeMap<String, String>,
    nodes: Vec<String>,
}

fn first(report: &Report) -> Option<Answer> {
    let first = report.hypotheses.first()?;
    let (rule, bindings, nodes) = (first.rule.clone(), first.bindings.clone(), first.nodes.clone());
    Some(Answer { rule, band: first.band, bindings, nodes })
}

fn same_answer(name: &str, year: i32, offset: i32) {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../corpus", name, "bundle"].iter().collect();
    let meant = first(&Analyzer::new().input(folder).analyze().unwrap());
    assert!(meant.is_some(), "{name}");
    let incident = Incident::load(name, year, offset);
    let mut wrong = Vec::new();
    for (layout, collect) in COLLECTORS {
        let archives = collect(&incident);
        let count = archives.len();
        let analyzer = archives.into_iter().fold(Analyzer::new(), |it, (name, bytes)| it.bytes(name, bytes));
        let found = first(&analyzer.analyze().unwrap());
        if found != meant {
            wrong.push(format!("{layout} ({count} archives): {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{name} should be {meant:#?}, but\n{}", wrong.join("\n"));
}

#[test]
fn thread_leak() {
    same_answer("thread-leak-pid-max", 2023, 8 * 3600);
}

#[test]
fn aufs_kernel_bug() {
    same_answer("aufs-kernel-bug", 2020, 8 * 3600);
}

#[test]
fn borrowed_ip() {
    same_answer("borrowed-ip-blackhole", 2021, 0);
}
