//! Every rule sees every incident of the corpus. The truth of an incident is asserted before its report is compared with
//! the snapshot, so that no accepted snapshot can change it.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coroner::{Analyzer, Band, Report};
use serde::Deserialize;

/// `incident.toml`: what is known of an incident.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Incident {
    title: String,
    source: Vec<String>,
    grade: String,
    cause: Option<String>,
    #[serde(default)]
    band: Vec<String>,
    #[serde(default)]
    not_cause: Vec<String>,
    #[serde(default)]
    ruled_out: Vec<String>,
    #[serde(default)]
    explains: Vec<String>,
    #[serde(default)]
    asks: Vec<String>,
    #[serde(default)]
    silent: bool,
    variant_of: Option<String>,
    summary: String,
    synthetic: Vec<String>,
    #[serde(default)]
    bindings: BTreeMap<String, String>,
    #[serde(default)]
    verbatim: Vec<Verbatim>,
}

/// A quoted line and the file it must stand in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verbatim {
    file: String,
    text: String,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus")
}

fn incidents() -> Vec<(String, PathBuf, Incident)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(corpus()).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let about = path.join("incident.toml");
        if about.exists() {
            let text = std::fs::read_to_string(&about).expect("incident.toml");
            let incident = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", about.display()));
            found.push((path.file_name().expect("a name").to_string_lossy().into_owned(), path, incident));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(found.len() >= 15, "the founding incidents with their variants and twins");
    found
}

fn analyze(name: &str, path: &Path) -> Report {
    let analyzer = Analyzer::new().input(path.join("bundle"));
    analyzer.analyze().unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn incidents_say_where_they_come_from_and_quote_rightly() {
    for (name, path, incident) in incidents() {
        assert!(!incident.title.is_empty() && !incident.summary.is_empty(), "{name}");
        assert!(!incident.source.is_empty() && !incident.synthetic.is_empty(), "{name}: source and what is filled in");
        assert!(["A", "B", "C"].contains(&incident.grade.as_str()), "{name}: grade");
        assert!(incident.silent != incident.cause.is_some(), "{name}: either silent or with a cause");
        if let Some(main) = &incident.variant_of {
            assert!(corpus().join(main).join("incident.toml").exists(), "{name}: variant of {main}");
        }
        for quoted in &incident.verbatim {
            let file = path.join("bundle").join(&quoted.file);
            let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert!(text.contains(&quoted.text), "{name}: {} must stand in {}", quoted.text, quoted.file);
        }
    }
}

#[test]
fn the_cause_comes_first_and_what_it_is_not_comes_below() {
    let mut wrong = Vec::new();
    for (name, path, incident) in incidents() {
        let report = analyze(&name, &path);
        wrong.extend(against_truth(&incident, &report).into_iter().map(|it| format!("{name}: {it}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a report says that is not so.
fn against_truth(incident: &Incident, report: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    let confident = |it: &&coroner::report::Hypothesis| it.band >= Band::Likely;
    let first = report.hypotheses.first();
    match &incident.cause {
        None => {
            let named: Vec<&str> = report.hypotheses.iter().filter(confident).map(|it| it.rule.as_str()).collect();
            if !named.is_empty() {
                wrong.push(format!("nothing may be named with confidence, but {}", named.join(", ")));
            }
        }
        Some(cause) => match first {
            Some(first) if first.rule == *cause => {
                if !incident.band.iter().any(|it| it == first.band.name()) {
                    wrong.push(format!("{cause} is {} instead of {}", first.band.name(), incident.band.join(" or ")));
                }
                for (variable, value) in &incident.bindings {
                    if first.bindings.get(variable) != Some(value) {
                        wrong.push(format!("{variable} is {:?} instead of {value}", first.bindings.get(variable)));
                    }
                }
                for symptom in &incident.explains {
                    if !first.explains.iter().any(|it| it.symptom == *symptom) {
                        wrong.push(format!("{symptom} is not explained"));
                    }
                }
                if first.witness != coroner::report::Witness::Agrees {
                    wrong.push("its cited lines alone do not lead to it again".to_owned());
                }
            }
            other => wrong.push(format!("{cause} is not first but {:?}", other.map(|it| (&it.rule, it.band)))),
        },
    }
    for rule in incident.not_cause.iter().chain(&incident.ruled_out) {
        if report.hypotheses.iter().filter(confident).any(|it| it.rule == *rule) {
            wrong.push(format!("{rule} is named with confidence"));
        }
    }
    for asked in &incident.asks {
        let missing = report.hypotheses.iter().flat_map(|it| &it.missing).map(|it| it.collect.as_str());
        if !missing
            .chain(report.collect_plan.iter().map(|it| it.collect.as_str()))
            .any(|it| it.contains(asked.as_str()))
        {
            wrong.push(format!("nobody asks for {asked}"));
        }
    }
    wrong
}

#[test]
fn every_quote_stands_where_it_is_said_to_stand() {
    for (name, path, _) in incidents() {
        let report = analyze(&name, &path);
        let mut cited: Vec<(String, u32, String)> = Vec::new();
        let mut cite = |file: &Option<String>, line: Option<u32>, text: &Option<String>| {
            if let (Some(file), Some(line), Some(text)) = (file, line, text) {
                cited.push((file.clone(), line, text.clone()));
            }
        };
        for hypothesis in report.hypotheses.iter().chain(&report.ruled_out) {
            hypothesis.evidence.iter().for_each(|it| cite(&it.file, it.line, &it.text));
            hypothesis.chain.iter().for_each(|it| cite(&it.file, it.line, &it.quote));
            hypothesis.why_not_first.iter().for_each(|it| cite(&it.file, it.line, &it.text));
        }
        for symptom in &report.symptoms {
            symptom.quotes.iter().for_each(|it| cite(&Some(it.file.clone()), Some(it.line), &Some(it.text.clone())));
        }
        for (file, line, text) in cited {
            let bytes =
                std::fs::read(path.join("bundle").join(&file)).unwrap_or_else(|it| panic!("{name}: {file}: {it}"));
            let content = String::from_utf8_lossy(&bytes).into_owned();
            let found = content.split('\n').nth(line as usize - 1);
            assert!(
                found.is_some_and(|it| it.contains(&text)),
                "{name}: {file}:{line} does not hold: {text}\nbut {found:?}"
            );
        }
    }
}

#[test]
fn a_folder_and_its_archive_give_the_same_report_on_any_number_of_threads() {
    for (name, path, _) in incidents() {
        let json = |report: Report| coroner::report::json(&Report { case: String::new(), ..report });
        let folder = json(analyze(&name, &path));
        let files = common::files(&path.join("bundle"));
        let packed = common::tar_gz(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
        for threads in [1, 4] {
            let archive = Analyzer::new().bytes("bundle.tar.gz", packed.clone()).threads(threads).analyze();
            let archive = json(archive.unwrap_or_else(|error| panic!("{name}: {error}")));
            assert_eq!(folder, archive, "{name} on {threads} threads");
        }
    }
}

/// A report without what changes with every new rule: how many there are, which were tried in vain and which could not
/// be asked.
fn without_totals(text: &str) -> String {
    let (mut kept, mut dropped) = (String::new(), false);
    for line in text.lines() {
        let list = ["   not asked ", "   could not look ", "   looked for "].iter().any(|it| line.starts_with(it));
        dropped = list || (dropped && line.starts_with("                "));
        if dropped {
            continue;
        }
        let rules = line.rsplit_once(" · ").filter(|(_, last)| line.starts_with("read ") && last.ends_with(" rules"));
        let nothing = line.split_once(". ").filter(|(front, _)| *front == "NOTHING WRONG FOUND");
        kept.push_str(rules.or(nothing).map_or(line, |(front, _)| front));
        kept.push('\n');
    }
    kept
}

#[test]
fn reports_read_as_they_did() {
    for (name, path, incident) in incidents() {
        let report = analyze(&name, &path);
        assert_eq!(against_truth(&incident, &report), [] as [&str; 0], "{name}");
        let look = coroner::report::Look { colour: false, width: 120, verbose: false };
        let text = without_totals(&coroner::report::text(&report, &look));
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&path);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("report", text));
    }
}
