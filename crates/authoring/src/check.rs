//! An incident as a regression test: the truth first, then a text to compare with the one that was accepted.

use std::sync::Arc;

use coroner::report::{Look, Report};
use coroner::{Analyzer, Pack};

use crate::Error;
use crate::incident::{Incident, against_truth};
use crate::quotes::quotes;

/// Analyses an incident and holds the report against what is known of it: cause, band, bindings, rejected theories, and
/// that every line it quotes stands where it says.
///
/// ```no_run
/// # use std::{path::Path, sync::Arc};
/// # use coroner_authoring as authoring;
/// let pack = Arc::new(coroner::Pack::with(&["my-rules"])?);
/// for incident in authoring::incidents(Path::new("my-corpus"))? {
///     let report = authoring::checked(&pack, &incident)?;
///     // insta::assert_snapshot!(incident.name.as_str(), authoring::readable(&report));
/// #   let _ = authoring::readable(&report);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Wrong`] with everything that is not so; a bundle that cannot be read.
pub fn checked(pack: &Arc<Pack>, incident: &Incident) -> Result<Report, Error> {
    let report = Analyzer::new().pack(pack.clone()).input(incident.bundle()).analyze()?;
    let mut wrong = against_truth(&incident.truth, &report);
    let files = incident.files()?;
    wrong.extend(
        quotes(&report)
            .iter()
            .filter(|it| !it.stands_in(&files))
            .map(|it| format!("{}:{} does not hold what is quoted from there: {}", it.file, it.line, it.text)),
    );
    for quoted in &incident.truth.verbatim {
        let there = files
            .iter()
            .any(|(path, bytes)| *path == quoted.file && String::from_utf8_lossy(bytes).contains(quoted.text.as_str()));
        if !there {
            wrong.push(format!("{} must hold, byte for byte: {}", quoted.file, quoted.text));
        }
    }
    if wrong.is_empty() { Ok(report) } else { Err(Error::Wrong { name: incident.name.clone(), wrong }) }
}

/// A report as a text that is the same everywhere and stays so: no colours, a fixed width, and nothing that changes with
/// every new rule, such as how many there are, which were tried in vain and which could not be asked.
#[must_use]
pub fn readable(report: &Report) -> String {
    let text = coroner::report::text(report, &Look { colour: false, width: 120, verbose: false });
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
