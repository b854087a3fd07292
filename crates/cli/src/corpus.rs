//! `coroner corpus …`: for people who keep incidents whose cause is known.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use coroner::Pack;

use crate::args::{Corpus, CorpusAdd, CorpusScore, Format};
use crate::output::Output;

/// An answer is not what it should be.
const WRONG: u8 = 1;

pub(crate) fn run(command: &Corpus, output: &Output) -> anyhow::Result<ExitCode> {
    match command {
        Corpus::Score(args) => score(args, output),
        Corpus::Add(args) => add(args, output),
    }
}

fn score(args: &CorpusScore, output: &Output) -> anyhow::Result<ExitCode> {
    let pack = Arc::new(Pack::with(&args.rules)?);
    let incidents = authoring::incidents(&args.corpus)?;
    let score = authoring::score(&pack, &incidents, args.variants)?;
    output.print(&match args.format {
        Format::Text => authoring::score_text(&score),
        Format::Json => serde_json::to_string_pretty(&score).context("a score is plain data")? + "\n",
    })?;
    let wrong = score.incidents.iter().any(|it| !it.wrong.is_empty());
    let wrong = wrong || score.variants.values().any(|it| !it.wrong.is_empty());
    Ok(if wrong { ExitCode::from(WRONG) } else { ExitCode::SUCCESS })
}

fn add(args: &CorpusAdd, output: &Output) -> anyhow::Result<ExitCode> {
    let pack = Arc::new(Pack::with(&args.rules)?);
    let added = authoring::add(&pack, &args.bundle, &args.into, &args.name, args.minimise)?;
    let (kept, all) = added.files;
    let first = added.first.map_or("nothing".to_owned(), |(rule, band)| format!("{rule} ({})", band.name()));
    output.print(&format!(
        "wrote {} with {kept} of {all} files; first: {first}\n\nnext: correct incident.toml, then  coroner corpus score {}\n",
        added.path.display(),
        args.into.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
