//! How well a set of rules does on a corpus: right answers, false claims, quotes that stand, and how far variants of an
//! incident change its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coroner::report::{Band, Hypothesis, Report};
use coroner::{Analyzer, Pack};
use serde::Serialize;

use crate::baseline;
use crate::incident::{Incident, against_truth};
use crate::parallel;
use crate::quotes::quotes;
use crate::share::Share;
use crate::variants::{Effect, Files, Told, Variant, variants};
use crate::{Error, tar_gz};

/// What a set of rules did on a corpus.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Score {
    /// Every incident, by name.
    pub incidents: Vec<Scored>,
    /// The cause is first, of incidents with a cause.
    pub first: Share,
    /// The cause is among the first three.
    pub among_three: Share,
    /// What is named with confidence is the set of causes, no more and no less; of all incidents.
    pub exact_set: Share,
    /// The cause is first, with the right band and bindings, and every line it quotes stands where it says.
    pub grounded: Share,
    /// Something is named with confidence where nothing may be.
    pub false_claims: Share,
    /// Nothing is named with confidence, and rightly; of those where nothing is.
    pub unknown_precision: Share,
    /// Nothing is named with confidence, of those where nothing may be.
    pub unknown_recall: Share,
    /// Quoted lines that stand where they are said to stand.
    pub quotes: Share,
    /// Rejected theories that rank below their cause or are not named.
    pub rejected: Share,
    /// How often the first hypothesis of a band is right.
    pub bands: BTreeMap<&'static str, Share>,
    /// What others would have answered: right first answers.
    pub baselines: BTreeMap<&'static str, Share>,
    /// What a guess among all causes gets right, on average: 0 to 1.
    pub random: f64,
    /// The variants by kind.
    pub variants: BTreeMap<&'static str, Changed>,
}

/// One incident.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Scored {
    /// Its name.
    pub name: String,
    /// The rule that should rank first.
    pub cause: Option<String>,
    /// The first hypothesis and its band.
    pub first: Option<(String, &'static str)>,
    /// What the report says that is not so.
    pub wrong: Vec<String>,
}

/// What the variants of one kind did to the answers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Changed {
    /// The answer was what it should be.
    pub right: Share,
    /// The first hypothesis and its band stayed as they were.
    pub kept: usize,
    /// The same hypothesis is first in a lower band, or nothing is claimed any more.
    pub lowered: usize,
    /// What went wrong: incident, what was changed, what is said.
    pub wrong: Vec<String>,
}

struct Read<'i> {
    incident: &'i Incident,
    files: Files,
    report: Report,
}

impl Read<'_> {
    fn told(&self) -> Told<'_> {
        Told {
            name: &self.incident.name,
            family: self.incident.family(),
            silent: self.incident.truth.silent,
            files: &self.files,
            report: &self.report,
        }
    }
}

/// Scores a pack on some incidents; the variants of each as well where they are wanted.
///
/// # Errors
/// A bundle that cannot be read.
pub fn score(pack: &Arc<Pack>, incidents: &[Incident], with_variants: bool) -> Result<Score, Error> {
    let read = parallel::map(incidents, |it| read(pack, it)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let causes = pack.rules().iter().filter(|it| it.kind == "cause").count();
    let mut score = summed(&read, causes);
    if with_variants {
        score.variants = changed(pack, &read)?;
    }
    Ok(score)
}

fn read<'i>(pack: &Arc<Pack>, incident: &'i Incident) -> Result<Read<'i>, Error> {
    let files = incident.files()?;
    let report = Analyzer::new().pack(pack.clone()).threads(1).input(incident.bundle()).analyze()?;
    Ok(Read { incident, files, report })
}

fn confident(report: &Report) -> BTreeSet<&str> {
    report.hypotheses.iter().filter(|it| it.band >= Band::Likely).map(|it| it.rule.as_str()).collect()
}

fn summed(read: &[Read<'_>], causes: usize) -> Score {
    let first = |it: &Read<'_>| it.report.hypotheses.first().map(|it| it.rule.clone());
    let cause = |it: &Read<'_>| it.incident.truth.cause.clone();
    let with_cause = || read.iter().filter(|it| it.incident.truth.cause.is_some());
    let silent = || read.iter().filter(|it| it.incident.truth.silent);
    let quiet = |it: &&Read<'_>| confident(&it.report).is_empty();
    let mut score = Score {
        incidents: read.iter().map(scored).collect(),
        first: Share::of(with_cause(), |it| first(it) == cause(it)),
        among_three: Share::of(with_cause(), |it| {
            it.report.hypotheses.iter().take(3).any(|found| Some(&found.rule) == it.incident.truth.cause.as_ref())
        }),
        exact_set: Share::of(read, |it| is_exact(it)),
        grounded: Share::of(with_cause(), |it| is_grounded(it)),
        false_claims: Share::of(silent(), |it| !quiet(it)),
        unknown_precision: Share::of(read.iter().filter(quiet), |it| may_be_unknown(it)),
        unknown_recall: Share::of(silent(), quiet),
        random: if causes == 0 { 0.0 } else { 1.0 / causes as f64 },
        ..Score::default()
    };
    for it in read {
        let (stand, all) = quoted(&it.report, &it.files);
        score.quotes = Share { part: score.quotes.part + stand, whole: score.quotes.whole + all };
        for rule in it.incident.truth.not_cause.iter().chain(&it.incident.truth.ruled_out) {
            let above = !it.incident.truth.silent && first(it).as_ref() == Some(rule);
            let below = !above && !confident(&it.report).contains(rule.as_str());
            score.rejected = Share { part: score.rejected.part + usize::from(below), whole: score.rejected.whole + 1 };
        }
    }
    for band in [Band::Confirmed, Band::Likely, Band::Possible] {
        let of_band = read.iter().filter(|it| it.report.hypotheses.first().is_some_and(|it| it.band == band));
        score.bands.insert(band.name(), Share::of(of_band, |it| first(it) == cause(it)));
    }
    let answers: [(&'static str, Share); 2] = [
        (
            "most-frequent-error-line",
            Share::of(with_cause(), |it| baseline::loudest_line(&it.files, &it.report) == cause(it)),
        ),
        ("most-signals-matched", Share::of(with_cause(), |it| baseline::most_signals(&it.report) == cause(it))),
    ];
    score.baselines.extend(answers);
    score
}

fn scored(it: &Read<'_>) -> Scored {
    Scored {
        name: it.incident.name.clone(),
        cause: it.incident.truth.cause.clone(),
        first: it.report.hypotheses.first().map(|it| (it.rule.clone(), it.band.name())),
        wrong: against_truth(&it.incident.truth, &it.report),
    }
}

fn is_exact(it: &Read<'_>) -> bool {
    let truth = &it.incident.truth;
    let causes: BTreeSet<&str> = truth.cause.iter().chain(&truth.other_causes).map(String::as_str).collect();
    let named = confident(&it.report);
    // a cause that may be no better than possible is no part of what must be named
    named == causes || (named.is_empty() && may_be_unknown(it))
}

/// Whether it is right to name nothing with confidence.
fn may_be_unknown(it: &Read<'_>) -> bool {
    it.incident.truth.silent || it.incident.truth.band.iter().any(|it| it == Band::Possible.name())
}

fn is_grounded(it: &Read<'_>) -> bool {
    let (stand, all) = quoted(&it.report, &it.files);
    stand == all && against_truth(&it.incident.truth, &it.report).is_empty()
}

/// How many quoted lines stand where they are said to, and how many there are.
fn quoted(report: &Report, files: &Files) -> (usize, usize) {
    let quotes = quotes(report);
    (quotes.iter().filter(|it| it.stands_in(files)).count(), quotes.len())
}

fn changed(pack: &Arc<Pack>, read: &[Read<'_>]) -> Result<BTreeMap<&'static str, Changed>, Error> {
    let all: Vec<(usize, Variant)> = (0..read.len())
        .flat_map(|at| {
            let others: Vec<Told<'_>> =
                read.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, it)| it.told()).collect();
            variants(read[at].told(), &others).into_iter().map(move |it| (at, it))
        })
        .collect();
    let analyzed = |(at, variant): &(usize, Variant)| -> Result<Report, Error> {
        let mut analyzer = Analyzer::new().pack(pack.clone()).threads(1);
        for (number, files) in variant.bundles.iter().enumerate() {
            let packed = tar_gz(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))
                .map_err(|source| Error::Read { path: read[*at].incident.bundle(), source })?;
            analyzer = analyzer.bytes(format!("bundle-{number}.tar.gz"), packed);
        }
        Ok(analyzer.analyze()?)
    };
    let reports: Vec<Report> = parallel::map(&all, analyzed).into_iter().collect::<Result<_, _>>()?;
    let mut kinds: BTreeMap<&'static str, Changed> = BTreeMap::new();
    for ((at, variant), report) in all.iter().zip(&reports) {
        let changed = kinds.entry(variant.kind).or_default();
        let (before, other) = (&read[*at], read.iter().find(|it| it.incident.name == variant.what));
        let wrong = against_effect(before, other, variant.effect, report);
        changed.right =
            Share { part: changed.right.part + usize::from(wrong.is_none()), whole: changed.right.whole + 1 };
        let told = |it: &Report| it.hypotheses.first().map(|it| (it.rule.clone(), it.band));
        match (told(&before.report), told(report)) {
            (old, new) if old == new => changed.kept += 1,
            (Some((_, old)), new) if new.as_ref().is_none_or(|(_, new)| *new < old) => changed.lowered += 1,
            _ => {}
        }
        let named = || format!("{} ({}): ", before.incident.name, variant.what);
        changed.wrong.extend(wrong.map(|it| named() + &it));
    }
    Ok(kinds)
}

/// What a variant may not do to an answer.
fn against_effect(before: &Read<'_>, other: Option<&Read<'_>>, effect: Effect, report: &Report) -> Option<String> {
    let (old, new) = (confident(&before.report), confident(report));
    match effect {
        Effect::None => {
            let banded = |report: &Report| -> BTreeSet<(String, Band)> {
                let clear = report.hypotheses.iter().filter(|it| it.band >= Band::Likely);
                clear.map(|it| (it.rule.clone(), it.band)).collect()
            };
            (banded(&before.report) != banded(report))
                .then(|| format!("{} instead of {}", list(report), list(&before.report)))
        }
        Effect::Weaker => {
            let truth = &before.incident.truth;
            let known: BTreeSet<&str> = truth.cause.iter().chain(&truth.other_causes).map(String::as_str).collect();
            // the general form of a failure may stand in for the special one when what tells them apart is gone
            let general = |rule: &str| before.report.hypotheses.iter().any(|it| is_part(it, rule));
            let accused = |it: &&&str| {
                let rejected = truth.not_cause.iter().any(|not| not == **it);
                rejected || !(known.contains(**it) || old.contains(**it) || general(it))
            };
            new.iter().find(accused).map(|it| format!("{it} is accused"))
        }
        Effect::Both => {
            let theirs = other.map(|it| confident(&it.report)).unwrap_or_default();
            let causes = old.iter().chain(&theirs).find(|it| !new.contains(**it));
            causes.map(|it| format!("{it} is no longer named with confidence: {}", list(report)))
        }
    }
}

fn is_part(of: &Hypothesis, rule: &str) -> bool {
    of.includes.iter().any(|it| it.rule == rule)
}

fn list(report: &Report) -> String {
    let clear = report.hypotheses.iter().filter(|it| it.band >= Band::Likely);
    let named: Vec<String> = clear.map(|it| format!("{} ({})", it.rule, it.band.name())).collect();
    if named.is_empty() { "nothing".to_owned() } else { named.join(", ") }
}
