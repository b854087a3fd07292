//! Incidents whose cause is known: `incident.toml` beside a `bundle/`, and what a report must say of them.
//!
//! The fields are described in `corpus/README.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coroner::report::{Band, Hypothesis, Report, Witness};
use serde::{Deserialize, Serialize};

use crate::Error;

/// An incident of a corpus.
#[derive(Debug, Clone)]
pub struct Incident {
    /// The name of its folder.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// What is known of it.
    pub truth: Truth,
}

/// `incident.toml`: what is known of an incident.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// One sentence.
    pub title: String,
    /// Where it was published.
    pub source: Vec<String>,
    /// A verbatim output is public, B fragments with numbers and times, C narrative only.
    pub grade: String,
    /// The rule that must rank first; none: nothing may be confident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Further causes, independent of the first, that must be named with confidence too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_causes: Vec<String>,
    /// The bands that are right for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub band: Vec<String>,
    /// Rules that must rank below it and never reach likely: the theories that were rejected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_cause: Vec<String>,
    /// Rules that, where reported, must be ruled out or at most possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ruled_out: Vec<String>,
    /// Rules that must not be named at all, not even as possible: what scares and is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<String>,
    /// Symptoms that the cause must account for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explains: Vec<String>,
    /// Words that must occur in what the report asks to collect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<String>,
    /// A healthy twin, or a case that cannot be decided: no hypothesis may reach likely.
    #[serde(default)]
    pub silent: bool,
    /// The main incident of its family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant_of: Option<String>,
    /// What happened and what misled people.
    pub summary: String,
    /// What was filled in, one entry each.
    pub synthetic: Vec<String>,
    /// Values the first hypothesis must bind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bindings: BTreeMap<String, String>,
    /// Published lines that must stand in a file byte for byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbatim: Vec<Verbatim>,
}

/// A quoted line and the file it must stand in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verbatim {
    /// The file below `bundle/`.
    pub file: String,
    /// The line or lines.
    pub text: String,
}

impl Incident {
    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> PathBuf {
        self.path.join("bundle")
    }

    /// The name of its family: itself, or the incident it is a variant of.
    #[must_use]
    pub fn family(&self) -> &str {
        self.truth.variant_of.as_deref().unwrap_or(&self.name)
    }

    /// The files of the bundle, by their path below it and in its order.
    ///
    /// # Errors
    /// A file or folder that cannot be read.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        files_below(&self.bundle())
    }
}

/// The incidents of a folder, by name.
///
/// # Errors
/// A folder without incidents, an `incident.toml` that is not what it should be, one without a bundle.
pub fn incidents(corpus: &Path) -> Result<Vec<Incident>, Error> {
    let failed = |source| Error::Read { path: corpus.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(corpus).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let about = path.join("incident.toml");
        if !about.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&about).map_err(|source| Error::Read { path: about.clone(), source })?;
        let truth: Truth = toml::from_str(&text)
            .map_err(|source| Error::Incident { path: about.clone(), why: source.to_string().trim_end().to_owned() })?;
        if let Some(why) = unsound(&truth) {
            return Err(Error::Incident { path: about, why });
        }
        if !path.join("bundle").is_dir() {
            return Err(Error::Incident { path: about, why: "there is no folder bundle/ beside it".to_owned() });
        }
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        found.push(Incident { name, path, truth });
    }
    if found.is_empty() {
        return Err(Error::NoIncidents { path: corpus.to_owned() });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// What makes an incident useless as a test.
fn unsound(truth: &Truth) -> Option<String> {
    if truth.silent == truth.cause.is_some() {
        return Some("either it is silent or it has a cause".to_owned());
    }
    if !["A", "B", "C"].contains(&truth.grade.as_str()) {
        return Some(format!("its grade is A, B or C, not {}", truth.grade));
    }
    if truth.cause.is_some() && truth.band.is_empty() {
        return Some("it has a cause but no band that is right for it".to_owned());
    }
    let bands = ["confirmed", "likely", "possible"];
    let odd = truth.band.iter().find(|it| !bands.contains(&it.as_str()));
    odd.map(|it| format!("a band is one of {}, not {it}", bands.join(", ")))
}

/// What a report says of an incident that is not so; nothing where all is right.
#[must_use]
pub fn against_truth(truth: &Truth, report: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    let confident: Vec<&Hypothesis> = report.hypotheses.iter().filter(|it| it.band >= Band::Likely).collect();
    match (&truth.cause, report.hypotheses.first()) {
        (None, _) if confident.is_empty() => {}
        (None, _) => {
            let named: Vec<&str> = confident.iter().map(|it| it.rule.as_str()).collect();
            wrong.push(format!("nothing may be named with confidence, but {}", named.join(", ")));
        }
        (Some(cause), Some(first)) if first.rule == *cause => against_first(truth, first, &mut wrong),
        (Some(cause), first) => {
            let first = first.map_or("nothing".to_owned(), |it| format!("{} ({})", it.rule, it.band.name()));
            wrong.push(format!("{cause} is not first but {first}"));
        }
    }
    for rule in &truth.other_causes {
        if !confident.iter().any(|it| it.rule == *rule) {
            wrong.push(format!("{rule} is not named with confidence"));
        }
    }
    for rule in truth.not_cause.iter().chain(&truth.ruled_out) {
        if confident.iter().any(|it| it.rule == *rule) {
            wrong.push(format!("{rule} is named with confidence"));
        }
    }
    for it in report.hypotheses.iter().filter(|it| it.band >= Band::Possible && truth.unnamed.contains(&it.rule)) {
        wrong.push(format!("{} is {}, and should not be named", it.rule, it.band.name()));
    }
    for asked in &truth.asks {
        let missing = report.hypotheses.iter().flat_map(|it| &it.missing).map(|it| it.collect.as_str());
        let mut all = missing.chain(report.collect_plan.iter().map(|it| it.collect.as_str()));
        if !all.any(|it| it.contains(asked.as_str())) {
            wrong.push(format!("nobody asks for {asked}"));
        }
    }
    wrong
}

fn against_first(truth: &Truth, first: &Hypothesis, wrong: &mut Vec<String>) {
    if !truth.band.iter().any(|it| it == first.band.name()) {
        wrong.push(format!("{} is {} instead of {}", first.rule, first.band.name(), truth.band.join(" or ")));
    }
    for (variable, value) in &truth.bindings {
        match first.bindings.get(variable) {
            Some(bound) if bound == value => {}
            Some(bound) => wrong.push(format!("{variable} is {bound} instead of {value}")),
            None => wrong.push(format!("{variable} is not bound")),
        }
    }
    for symptom in &truth.explains {
        if !first.explains.iter().any(|it| it.symptom == *symptom) {
            wrong.push(format!("{symptom} is not explained"));
        }
    }
    if first.witness != Witness::Agrees {
        wrong.push("its cited lines alone do not lead to it again".to_owned());
    }
}

/// The files below a folder, in order, by their path there.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let failed = |source| Error::Read { path: next.clone(), source };
        for entry in std::fs::read_dir(&next).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?));
            }
        }
    }
    found.sort();
    Ok(found)
}
