//! The tests that stand in the rule files: a bundle in a string, and what a reader would see.

mod common;

use std::collections::BTreeMap;

use coroner::report::{Band, Hypothesis, Report};
use rules::{Pack, RuleTests, TestCase};

fn files_of(tests: &RuleTests, case: &TestCase) -> BTreeMap<String, String> {
    let mut files = match &case.from {
        None => BTreeMap::new(),
        Some(name) => {
            let base = tests.cases.iter().find(|it| it.name == *name);
            files_of(tests, base.unwrap_or_else(|| panic!("{}: no case is called {name}", tests.rule)))
        }
    };
    files.extend(case.files.clone());
    files.retain(|path, _| !case.drop.contains(path));
    for (path, patch) in &case.patch {
        let file = files.entry(path.clone()).or_default();
        for line in patch.lines() {
            match line.split_at_checked(1) {
                Some(("+", added)) => file.push_str(&format!("{added}\n")),
                Some(("-", gone)) => {
                    *file = file.lines().filter(|it| *it != gone).map(|it| format!("{it}\n")).collect()
                }
                _ => panic!("{}: {}: a patch line begins with + or -", tests.rule, case.name),
            }
        }
    }
    files
}

fn analyze(files: &BTreeMap<String, String>) -> Report {
    let packed = common::tar_gz(files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())));
    coroner::Analyzer::new().bytes("bundle.tar.gz", packed).analyze().expect("a bundle of plain files opens")
}

#[test]
fn rules_do_what_their_tests_say() {
    let pack = Pack::built_in().expect("built-in rules are sound");
    let mut wrong = Vec::new();
    for tests in pack.tests() {
        for case in &tests.cases {
            let report = analyze(&files_of(&tests, case));
            wrong.extend(judge(&tests, case, &report).map(|it| format!("{}: {}: {it}", tests.rule, case.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn judge(tests: &RuleTests, case: &TestCase, report: &Report) -> Option<String> {
    let expect = &case.expect;
    let symptom = report.symptoms.iter().find(|it| it.symptom == tests.rule);
    let found: Option<&Hypothesis> = report.hypotheses.iter().chain(&report.ruled_out).find(|it| it.rule == tests.rule);
    let band = match expect.band.as_deref() {
        Some("none") if found.is_none() && symptom.is_none() => return None,
        Some("none") => return Some(format!("nothing may be said, but {:?}", found.map(|it| (it.band, &it.title)))),
        Some("symptom") => return symptom.is_none().then(|| "the symptom is not seen".to_owned()),
        band => band,
    };
    let Some(found) = found else {
        return Some(format!(
            "it is not named; there are {:?}",
            report.hypotheses.iter().map(|it| &it.rule).collect::<Vec<_>>()
        ));
    };
    if band.is_some_and(|it| it != found.band.name()) {
        let scores: Vec<_> = found.evidence.iter().map(|it| (&it.clause, it.value, it.weight_db)).collect();
        return Some(format!(
            "{} at {} dB instead of {}: {scores:?}",
            found.band.name(),
            found.score_db,
            band.unwrap_or_default()
        ));
    }
    if expect.rank.is_some_and(|it| it != found.rank as usize) {
        return Some(format!("rank {} behind {:?}", found.rank, report.hypotheses.first().map(|it| &it.rule)));
    }
    if expect.because.is_some() && expect.because != found.ruled_out_by {
        return Some(format!("ruled out by {:?}", found.ruled_out_by));
    }
    for (variable, value) in &expect.bind {
        let name = variable.trim_start_matches('$');
        if found.bindings.get(name) != Some(value) {
            return Some(format!("{name} is {:?} instead of {value}", found.bindings.get(name)));
        }
    }
    for clause in &expect.missing {
        if !found.missing.iter().any(|it| it.clause == *clause) {
            return Some(format!("{clause} is not listed as missing"));
        }
    }
    assert!(found.band != Band::Confirmed || !found.evidence.is_empty(), "confirmed without evidence");
    None
}
