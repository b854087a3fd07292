//! A generated bundle gives the same report, byte for byte, however it is packed and on any number of threads.

use std::fs;

use coroner::{Analyzer, Report};
use coroner_benches::{Packing, bundle, pack};

fn json(report: &mut Report, name: &str) -> String {
    assert_eq!(report.case, name);
    report.case = String::new();
    coroner::report::json(report)
}

#[test]
fn the_report_is_the_same_on_any_number_of_threads_from_a_folder_and_from_every_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("b");
    bundle(&root, 2_000_000).expect("a bundle");
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(root.with_extension("expected.json")).expect("beside it")).expect("JSON");
    let mut first = None;
    for threads in [1, 2, 8] {
        let mut report = Analyzer::new().input(&root).threads(threads).analyze().expect("a report");
        let hypothesis = &report.hypotheses[0];
        assert_eq!(expected["rule"], hypothesis.rule.as_str());
        assert_eq!(expected["node"], hypothesis.nodes[0].as_str());
        let refused = hypothesis.evidence.iter().find(|it| it.clause == "refused").expect("a quote");
        assert_eq!(expected["refused"], refused.count);
        let text = json(&mut report, "b");
        assert!(*first.get_or_insert_with(|| text.clone()) == text, "{threads} threads");
    }
    for packing in Packing::ALL {
        let path = pack(&root, packing).expect("an archive");
        for threads in [1, 8] {
            let mut report =
                Analyzer::new().input(&path).threads(threads).max_memory(64 << 20).analyze().expect("a report");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(first.as_ref() == Some(&json(&mut report, &name)), "{packing:?} on {threads} threads");
        }
    }
}
