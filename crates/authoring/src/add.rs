//! A bundle becomes an incident of a corpus.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coroner::report::{Band, Report, Witness};
use coroner::{Analyzer, Pack};

use crate::incident::{Truth, files_below};
use crate::variants::Files;
use crate::{Error, parallel, tar_gz};

/// What was written of a new incident.
#[derive(Debug, Clone)]
pub struct Added {
    /// Its folder.
    pub path: PathBuf,
    /// How many files it keeps, of how many.
    pub files: (usize, usize),
    /// What stands first in its report.
    pub first: Option<(String, Band)>,
}

/// Writes `corpus/<name>/{incident.toml,bundle/}` for a bundle, a folder or an archive. The truth is taken from what the rules say
/// now and is there to be corrected: cause, band and bindings of the first hypothesis, or silence where nothing reaches
/// likely. With `minimise` only files are kept without which that answer would be another one.
///
/// # Errors
/// A folder that cannot be read, an incident of that name that exists, a corpus that cannot be written.
pub fn add(pack: &Arc<Pack>, bundle: &Path, corpus: &Path, name: &str, minimise: bool) -> Result<Added, Error> {
    let path = corpus.join(name);
    if path.exists() {
        return Err(Error::Exists { path });
    }
    let all = if bundle.is_dir() { files_below(bundle)? } else { vec![one_file(bundle)?] };
    let report = analyze(pack, &all)?;
    let files = if minimise { minimised(pack, &all, &report) } else { all.clone() };
    let report = analyze(pack, &files)?;
    for (file, bytes) in &files {
        write(&path.join("bundle").join(file), bytes)?;
    }
    let truth = truth(name, &report);
    let text =
        toml::to_string(&truth).map_err(|source| Error::Incident { path: path.clone(), why: source.to_string() })?;
    write(&path.join("incident.toml"), text.as_bytes())?;
    let first = report.hypotheses.first().map(|it| (it.rule.clone(), it.band));
    Ok(Added { path, files: (files.len(), all.len()), first })
}

/// An archive stays one file of the new bundle.
fn one_file(bundle: &Path) -> Result<(String, Vec<u8>), Error> {
    let bytes = std::fs::read(bundle).map_err(|source| Error::Read { path: bundle.to_owned(), source })?;
    let name = bundle.file_name().map(|it| it.to_string_lossy().into_owned());
    Ok((name.unwrap_or_else(|| "bundle".to_owned()), bytes))
}

fn analyze(pack: &Arc<Pack>, files: &Files) -> Result<Report, Error> {
    let packed = tar_gz(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))
        .map_err(|source| Error::Read { path: PathBuf::from("bundle"), source })?;
    Ok(Analyzer::new().pack(pack.clone()).threads(1).bytes("bundle.tar.gz", packed).analyze()?)
}

/// What the answer is, without the words of it.
fn answer(report: &Report) -> Vec<(String, Band, Witness)> {
    let named = report.hypotheses.iter().filter(|it| it.band >= Band::Possible);
    named.map(|it| (it.rule.clone(), it.band, it.witness)).collect()
}

/// The files without which the answer is another one. First whatever is cited nowhere goes, then one file at a time.
fn minimised(pack: &Arc<Pack>, all: &Files, report: &Report) -> Files {
    let meant = answer(report);
    let same = |files: &Files| !files.is_empty() && analyze(pack, files).is_ok_and(|it| answer(&it) == meant);
    let cited = cited(report);
    let witness: Files = all.iter().filter(|(path, _)| cited.contains(path)).cloned().collect();
    let mut kept = if same(&witness) { witness } else { all.clone() };
    loop {
        let fewer = |gone: &usize| -> Files {
            kept.iter().enumerate().filter(|(at, _)| at != gone).map(|(_, it)| it.clone()).collect()
        };
        let tries: Vec<usize> = (0..kept.len()).collect();
        let can_go = parallel::map(&tries, |gone| same(&fewer(gone)));
        // two files may stand in for each other, so they go one by one
        let Some(gone) = can_go.iter().position(|it| *it) else { return kept };
        kept.remove(gone);
    }
}

fn cited(report: &Report) -> BTreeSet<String> {
    let hypotheses = report.hypotheses.iter().chain(&report.ruled_out);
    let evidence = hypotheses.flat_map(|it| {
        it.evidence.iter().filter_map(|it| it.file.clone()).chain(it.chain.iter().filter_map(|it| it.file.clone()))
    });
    let symptoms = report.symptoms.iter().flat_map(|it| it.quotes.iter().map(|it| it.file.clone()));
    evidence.chain(symptoms).collect()
}

fn truth(name: &str, report: &Report) -> Truth {
    let first = report.hypotheses.first().filter(|it| it.band >= Band::Likely);
    let others = report.hypotheses.iter().skip(1).filter(|it| it.band >= Band::Likely);
    let rejected = report.ruled_out.iter().map(|it| it.rule.clone()).collect::<BTreeSet<_>>();
    Truth {
        title: first.map_or_else(|| format!("{name}: nothing is named with confidence"), |it| it.title.clone()),
        source: vec!["where it happened and where it is written up".to_owned()],
        grade: "A".to_owned(),
        cause: first.map(|it| it.rule.clone()),
        other_causes: others.map(|it| it.rule.clone()).collect(),
        band: first.map(|it| it.band.name().to_owned()).into_iter().collect(),
        ruled_out: rejected.into_iter().filter(|it| first.is_none_or(|first| first.rule != *it)).collect(),
        explains: first.map(|it| it.explains.iter().map(|it| it.symptom.clone()).collect()).unwrap_or_default(),
        silent: first.is_none(),
        summary: "What happened, and what misled people.".to_owned(),
        bindings: first.map(|it| it.bindings.clone()).unwrap_or_default(),
        ..Truth::default()
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, bytes).map_err(failed)
}

/// Writes the files of a draft or the pages of a documentation below a folder. What exists is kept, unless `replace`.
///
/// # Errors
/// A file that exists or cannot be written; none is written where one exists.
pub fn write_below<'f>(
    folder: &Path,
    files: impl Iterator<Item = (&'f str, &'f str)> + Clone,
    replace: bool,
) -> Result<Vec<PathBuf>, Error> {
    let paths: Vec<PathBuf> = files.clone().map(|(path, _)| folder.join(path)).collect();
    if let Some(path) = paths.iter().find(|it| !replace && it.exists()) {
        return Err(Error::Exists { path: path.clone() });
    }
    for (path, (_, text)) in paths.iter().zip(files) {
        write(path, text.as_bytes())?;
    }
    Ok(paths)
}
