//! The tests that stand in rule files: a bundle in a string, and what a reader would see.

use std::collections::BTreeMap;
use std::sync::Arc;

use coroner::report::{Band, Hypothesis, Report};
use coroner::{Analyzer, Pack, RuleTests, TestCase};

use crate::{parallel, tar_gz};

/// How one case of one rule went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOutcome {
    /// The rule.
    pub rule: String,
    /// The file it stands in.
    pub file: String,
    /// Name of the case.
    pub case: String,
    /// What the report said instead; `None` where it said what was expected.
    pub wrong: Option<String>,
}

/// Runs the tests of the rules of a pack that `wanted` picks by name and file, in order of their names.
#[must_use]
pub fn rule_tests(pack: &Arc<Pack>, wanted: impl Fn(&str, &str) -> bool) -> Vec<CaseOutcome> {
    let tests: Vec<RuleTests> = pack.tests().into_iter().filter(|it| wanted(&it.rule, &it.file)).collect();
    let cases: Vec<(&RuleTests, &TestCase)> =
        tests.iter().flat_map(|tests| tests.cases.iter().map(move |it| (tests, it))).collect();
    let outcome = |(tests, case): &(&RuleTests, &TestCase)| CaseOutcome {
        rule: tests.rule.clone(),
        file: tests.file.clone(),
        case: case.name.clone(),
        wrong: run(pack, tests, case).err(),
    };
    parallel::map(&cases, outcome)
}

fn run(pack: &Arc<Pack>, tests: &RuleTests, case: &TestCase) -> Result<(), String> {
    let files = files_of(tests, case, &mut Vec::new())?;
    let packed = tar_gz(files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())));
    let packed = packed.map_err(|error| format!("its files make no bundle: {error}"))?;
    let analyzer = Analyzer::new().pack(pack.clone()).threads(1).bytes("bundle.tar.gz", packed);
    let report = analyzer.analyze().map_err(|error| error.to_string())?;
    judge(tests, case, &report)
}

/// The files of a case, built on those of the case it starts from.
fn files_of(tests: &RuleTests, case: &TestCase, above: &mut Vec<String>) -> Result<BTreeMap<String, String>, String> {
    let mut files = match &case.from {
        None => BTreeMap::new(),
        Some(name) => {
            if above.contains(name) {
                return Err(format!("it starts from itself: {}", above.join(", ")));
            }
            above.push(name.clone());
            let base = tests.cases.iter().find(|it| it.name == *name);
            files_of(tests, base.ok_or_else(|| format!("no case is called {name}"))?, above)?
        }
    };
    files.extend(case.files.clone());
    for gone in &case.drop {
        if files.remove(gone).is_none() {
            return Err(format!("there is no file {gone} to drop"));
        }
    }
    for (path, patch) in &case.patch {
        let file = files.entry(path.clone()).or_default();
        for line in patch.lines() {
            match line.split_at_checked(1) {
                Some(("+", added)) => {
                    file.push_str(added);
                    file.push('\n');
                }
                Some(("-", gone)) if file.lines().any(|it| it == gone) => {
                    *file = file.lines().filter(|it| *it != gone).fold(String::new(), |text, it| text + it + "\n");
                }
                Some(("-", gone)) => return Err(format!("{path} has no line {gone}")),
                _ => return Err(format!("{path}: a patch line begins with + or -, not {line}")),
            }
        }
    }
    Ok(files)
}

fn judge(tests: &RuleTests, case: &TestCase, report: &Report) -> Result<(), String> {
    let expect = &case.expect;
    let symptom = report.symptoms.iter().find(|it| it.symptom == tests.rule);
    let found: Option<&Hypothesis> = report.hypotheses.iter().chain(&report.ruled_out).find(|it| it.rule == tests.rule);
    let band = match expect.band.as_deref() {
        Some("none") if found.is_none() && symptom.is_none() => return Ok(()),
        Some("none") => {
            let said = found.map(|it| format!("{}: {}", it.band.name(), it.title));
            return Err(format!(
                "nothing may be said, but {}",
                said.or(symptom.map(|it| it.title.clone())).unwrap_or_default()
            ));
        }
        Some("symptom") => return symptom.map(|_| ()).ok_or_else(|| "the symptom is not seen".to_owned()),
        band => band,
    };
    let Some(found) = found else {
        let not_asked = report.not_assessable.iter().find(|it| it.rule == tests.rule);
        if band == Some("not-assessable") && not_asked.is_some() {
            return Ok(());
        }
        let named: Vec<&str> = report.hypotheses.iter().map(|it| it.rule.as_str()).collect();
        let asked = not_asked.map_or(String::new(), |it| format!(" ({}: {})", it.what, it.reason));
        return Err(format!("it is not named{asked}; there are [{}]", named.join(", ")));
    };
    if let Some(band) = band
        && band != found.band.name()
    {
        return Err(format!("{} at {} dB instead of {band}: {}", found.band.name(), found.score_db, weighed(found)));
    }
    if expect.rank.is_some_and(|it| it != found.rank as usize) {
        let first = report.hypotheses.first().map_or(String::new(), |it| format!("{} ({} dB)", it.rule, it.score_db));
        return Err(format!("rank {} at {} dB behind {first}: {}", found.rank, found.score_db, weighed(found)));
    }
    if expect.because.is_some() && expect.because != found.ruled_out_by {
        return Err(format!("ruled out by {}", found.ruled_out_by.as_deref().unwrap_or("nothing")));
    }
    for (variable, value) in &expect.bind {
        let name = variable.trim_start_matches('$');
        match found.bindings.get(name) {
            Some(bound) if bound == value => {}
            Some(bound) => return Err(format!("{name} is {bound} instead of {value}")),
            None => return Err(format!("{name} is not bound")),
        }
    }
    if let Some(clause) = expect.missing.iter().find(|it| !found.missing.iter().any(|missing| missing.clause == **it)) {
        let listed: Vec<&str> = found.missing.iter().map(|it| it.clause.as_str()).collect();
        return Err(format!("{clause} is not listed as missing; there are [{}]", listed.join(", ")));
    }
    if found.band == Band::Confirmed && found.evidence.is_empty() {
        return Err("confirmed without evidence".to_owned());
    }
    Ok(())
}

/// `refused true +10, host unknown 0`
fn weighed(found: &Hypothesis) -> String {
    let items = found.evidence.iter().map(|it| {
        let value = match it.value {
            coroner::report::Answer::True => "true",
            coroner::report::Answer::False => "false",
            coroner::report::Answer::Unknown => "unknown",
        };
        format!("{} {value} {:+}", it.clause, it.weight_db)
    });
    items.collect::<Vec<_>>().join(", ")
}
