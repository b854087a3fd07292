//! Every rule sees every incident of the corpus. The truth of an incident is asserted before its report is compared with
//! the snapshot, so that no accepted snapshot can change it; and each incident is told differently in many ways.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use coroner::report::{Answer, Evidence, Polarity};
use coroner::{Analyzer, Pack, Report};
use coroner_authoring::{Incident, checked, incidents, readable, score, tar_gz};

static PACK: LazyLock<Arc<Pack>> = LazyLock::new(|| Arc::new(Pack::built_in().expect("built-in rules are sound")));

fn corpus() -> Vec<Incident> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let found = incidents(&folder).unwrap_or_else(|error| panic!("{error}"));
    assert!(found.len() >= 15, "the founding incidents with their variants and twins");
    found
}

#[test]
fn incidents_say_where_they_come_from_and_what_is_filled_in() {
    let all = corpus();
    for Incident { name, truth, .. } in &all {
        assert!(!truth.title.is_empty() && !truth.summary.is_empty(), "{name}");
        assert!(!truth.source.is_empty() && !truth.synthetic.is_empty(), "{name}: source and what is filled in");
        if let Some(main) = &truth.variant_of {
            assert!(all.iter().any(|it| it.name == *main), "{name}: variant of {main}");
        }
    }
}

/// The cause first, rejected theories below, quotes where they are said to stand: all that [`checked`] holds.
#[test]
fn reports_are_true_and_read_as_they_did() {
    let mut wrong = Vec::new();
    for incident in corpus() {
        match checked(&PACK, &incident) {
            Ok(report) => {
                let steps = report.hypotheses.iter().flat_map(|it| &it.chain);
                let dumb: Vec<&str> = steps.filter(|it| it.text == "unknown").map(|it| it.clause.as_str()).collect();
                assert!(dumb.is_empty(), "{}: steps that say nothing: {dumb:?}", incident.name);
                denied_is_not_claimed(&incident.name, &report);
                let mut settings = insta::Settings::clone_current();
                settings.set_snapshot_path(&incident.path);
                settings.set_prepend_module_to_snapshot(false);
                settings.set_omit_expression(true);
                settings.bind(|| insta::assert_snapshot!("report", readable(&report)));
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Why a theory is not the first says of what was not found that it was not, and quotes the line of what it says.
fn denied_is_not_claimed(name: &str, report: &Report) {
    for theory in report.hypotheses.iter().chain(&report.ruled_out) {
        let Some(reason) = &theory.why_not_first else { continue };
        let denied = theory.evidence.iter().filter(|it| it.polarity == Polarity::For && it.value == Answer::False);
        for it in denied.filter(|it| !it.why.is_empty()) {
            let told = reason.why.split(&it.why).next().filter(|before| before.len() < reason.why.len());
            let owned = told.is_none_or(|before| before.ends_with("looked for and not there: "));
            assert!(owned, "{name}: {}: {}", theory.rule, reason.why);
        }
        if let Some(line) = reason.line {
            let of_it = |it: &Evidence| it.line == Some(line) && it.file == reason.file && reason.why.contains(&it.why);
            assert!(theory.evidence.iter().any(of_it), "{name}: {}: {} quotes another line", theory.rule, reason.why);
        }
    }
}

#[test]
fn a_folder_and_its_archive_give_the_same_report_on_any_number_of_threads() {
    for incident in corpus() {
        let analyze = |analyzer: Analyzer| {
            let report = analyzer.pack(PACK.clone()).analyze().unwrap_or_else(|it| panic!("{}: {it}", incident.name));
            coroner::report::json(&Report { case: String::new(), ..report })
        };
        let folder = analyze(Analyzer::new().input(incident.bundle()));
        let files = incident.files().expect("its files");
        let packed = tar_gz(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))).expect("an archive");
        for threads in [1, 4] {
            let archive = analyze(Analyzer::new().bytes("bundle.tar.gz", packed.clone()).threads(threads));
            assert_eq!(folder, archive, "{} on {threads} threads", incident.name);
        }
    }
}

/// What must not change an answer, and how far an answer may change when evidence goes; and that weighing beats counting.
#[test]
fn the_corpus_scores_as_it_should_in_every_variant() {
    let score = score(&PACK, &corpus(), true).unwrap_or_else(|error| panic!("{error}"));
    let text = coroner_authoring::score_text(&score);
    for (kind, changed) in &score.variants {
        // two incidents in one case may compete for a symptom; everything else must hold in every single case
        let least = if *kind == "with-another-incident" { 0.95 } else { 1.0 };
        assert!(changed.right.value() >= least, "{kind}: {:#?}\n{text}", changed.wrong);
    }
    assert!(score.first.value() >= 0.95, "{text}");
    assert_eq!((score.false_claims.part, score.quotes.part), (0, score.quotes.whole), "{text}");
    assert_eq!(score.rejected.part, score.rejected.whole, "{text}");
    for others in score.baselines.values() {
        assert!(others.part < score.first.part, "{text}");
    }
    let kinds: Vec<&str> = score.variants.keys().copied().collect();
    let all = [
        "doubled-files",
        "one-clock-ahead",
        "renamed-nodes",
        "shuffled-files",
        "split-at-boots",
        "with-a-healthy-bundle",
        "with-another-incident",
        "without-a-file",
        "without-years",
    ];
    assert_eq!(kinds, all, "every kind of variant occurs");
}
