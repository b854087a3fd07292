//! coroner: offline incident forensics for Kubernetes and Linux support bundles.
//!
//! Give it a bundle, get ranked root-cause hypotheses with the lines that prove them:
//!
//! ```no_run
//! let report = coroner::Analyzer::new().input("support-bundle.tar.gz").analyze()?;
//! for hypothesis in &report.hypotheses {
//!     println!("{} ({})", hypothesis.title, hypothesis.band.name());
//! }
//! # Ok::<(), coroner::Error>(())
//! ```
//!
//! This is the front door: it reads the bundle (`bundle`), puts it on one clock (`timeline`), asks the rules (`rules`)
//! and writes down what they say (`report`).
//!
//! **Invariant:** no logic of its own, no printing; everything the command does goes through here.

mod convert;
mod traced;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bundle::Input;
pub use bundle::Limits;
pub use report;
pub use report::{Band, Inspection, Report, RuleDoc, Verdict};
use rules::Alerts;
pub use rules::{Finding, Level, Pack, RuleTests, TestCase, rule_schema};
use timeline::{Overrides, Timeline, Watch};

/// Why there is no report. Once a bundle is open there always is one: what cannot be read is part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input cannot be opened.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    /// A rule is broken.
    #[error(transparent)]
    Rules(#[from] rules::Error),
    /// No input was given.
    #[error("no bundle was given")]
    NoInput,
}

/// Reads one or several bundles as one case and finds out what went wrong.
#[derive(Debug, Clone, Default)]
pub struct Analyzer {
    inputs: Vec<Input>,
    rules: Vec<PathBuf>,
    alerts: Vec<PathBuf>,
    pack: Option<Arc<Pack>>,
    overrides: Overrides,
    threads: usize,
    limits: Limits,
}

impl Analyzer {
    /// With the built-in rules and nothing to read yet.
    #[must_use]
    pub fn new() -> Analyzer {
        Analyzer::default()
    }

    /// Adds a bundle: a directory, an archive, or a single file; `-` is standard input.
    #[must_use]
    pub fn input(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.inputs.push(if path.as_os_str() == "-" { Input::Stdin } else { Input::Path(path) });
        self
    }

    /// Adds a bundle in memory: what a file of that name would hold.
    #[must_use]
    pub fn bytes(mut self, name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.inputs.push(Input::Memory { name: name.into(), bytes: bytes.into() });
        self
    }

    /// Adds a folder of rules; one with the name of a built-in rule takes its place.
    #[must_use]
    pub fn rules(mut self, dir: impl Into<PathBuf>) -> Self {
        self.rules.push(dir.into());
        self
    }

    /// Asks the rules of a pack that is loaded already, in place of the built-in ones and of any [`Analyzer::rules`]: for
    /// many analyses in a row.
    #[must_use]
    pub fn pack(mut self, pack: Arc<Pack>) -> Self {
        self.pack = Some(pack);
        self
    }

    /// Adds a file of Prometheus alerting and recording rules of one's own. They are evaluated over the series of the
    /// bundle; alerts that would have fired are told in [`Report::alerts`], and rules can ask for them as the relation `alert`.
    #[must_use]
    pub fn alerts(mut self, file: impl Into<PathBuf>) -> Self {
        self.alerts.push(file.into());
        self
    }

    /// The year of stamps that print none.
    #[must_use]
    pub fn year(mut self, year: i32) -> Self {
        self.overrides.year = Some(year);
        self
    }

    /// The zone of a node, in seconds east of UTC.
    #[must_use]
    pub fn zone(mut self, node: &str, offset_secs: i32) -> Self {
        self.overrides.zones.insert(node.into(), offset_secs);
        self
    }

    /// How many seconds a node's clock is ahead of true time.
    #[must_use]
    pub fn skew(mut self, node: &str, secs: i64) -> Self {
        self.overrides.skews.insert(node.into(), secs);
        self
    }

    /// How many threads parse and reason; 0, the default, for one a processor. The report does not depend on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// What reading may hold in memory besides what it finds.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.limits = self.limits.memory(bytes);
        self
    }

    /// How far to go with a hostile bundle.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What went wrong.
    ///
    /// # Errors
    /// When an input cannot be opened at all, or a rule is broken.
    pub fn analyze(&self) -> Result<Report, Error> {
        let pack = self.loaded()?;
        let mut alerts = Alerts::default();
        for file in &self.alerts {
            alerts.extend(Alerts::read(file)?);
        }
        let (name, timeline, mut limits_hit) = self.read(&pack)?;
        let diagnosis = self.on_threads(|| pack.diagnose_alerting(&timeline, &alerts));
        limits_hit.extend(diagnosis.limits_hit.iter().cloned());
        Ok(convert::report(name, &timeline, &diagnosis, pack.rule_count(), &limits_hit))
    }

    /// How one rule comes to its answer: every clause with its line or the missing source, every weight with what it added.
    /// Nothing where there is no rule of that name.
    ///
    /// # Errors
    /// As [`Analyzer::analyze`].
    pub fn trace(&self, rule: &str) -> Result<Option<report::RuleTrace>, Error> {
        let pack = self.loaded()?;
        let (_, timeline, _) = self.read(&pack)?;
        Ok(pack.trace(&timeline, rule).map(|it| traced::trace(&timeline, &it)))
    }

    /// What is in the bundles and how it was understood, without asking the rules.
    ///
    /// # Errors
    /// As [`Analyzer::analyze`].
    pub fn inspect(&self) -> Result<Inspection, Error> {
        let pack = self.loaded()?;
        let case = self.case(pack.watch())?;
        let (name, bundles) = (name_of(&case), convert::bundles(&case));
        let limits_hit = convert::limits(&case.limits_hit);
        let timeline = Timeline::build(case.members, case.records, &self.overrides);
        Ok(Inspection { bundles, limits_hit, ..Inspection::of(name, &timeline) })
    }

    /// The lines of logs that stand at some places, each a file as reports name it and a line from 1, in the order they
    /// were asked for; `None` where no line of a log stands. To write rules by: every line of every log is held in memory.
    ///
    /// # Errors
    /// As [`Analyzer::analyze`].
    pub fn log_lines(&self, places: &[(String, u32)]) -> Result<Vec<Option<LogLine>>, Error> {
        let (_, timeline, _) = self.read_watching(Arc::new(true))?;
        let found = |(file, line): &(String, u32)| {
            let stands = |it: &&timeline::Event| {
                let span = &it.quote.span;
                let lines = u32::try_from(it.quote.text.lines().count()).unwrap_or(1).max(1);
                (span.line..span.line + lines).contains(line) && timeline.path(span.member) == file
            };
            let event = timeline.events.iter().map(AsRef::as_ref).find(stands)?;
            Some(LogLine {
                file: file.clone(),
                line: *line,
                text: event.quote.first_line().to_owned(),
                message: event.message.lines().next().unwrap_or_default().to_owned(),
                source: event.source.name(),
            })
        };
        Ok(places.iter().map(found).collect())
    }

    fn loaded(&self) -> Result<Arc<Pack>, Error> {
        /// The built-in rules alone: the same for as long as the process lives.
        static BUILT_IN: OnceLock<Arc<Pack>> = OnceLock::new();
        if let Some(pack) = &self.pack {
            return Ok(pack.clone());
        }
        let load = || Ok(Arc::new(self.on_threads(|| Pack::with(&self.rules))?));
        match BUILT_IN.get() {
            _ if !self.rules.is_empty() => load(),
            Some(pack) => Ok(pack.clone()),
            None => load().map(|pack| BUILT_IN.get_or_init(|| pack).clone()),
        }
    }

    /// Works on as many threads as were asked for.
    fn on_threads<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let pool = || rayon::ThreadPoolBuilder::new().num_threads(self.threads).build().ok();
        match if self.threads == 0 { None } else { pool() } {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    fn read(&self, pack: &Pack) -> Result<(String, Timeline, Vec<String>), Error> {
        self.read_watching(pack.watch())
    }

    fn case(&self, watch: Arc<dyn Watch>) -> Result<bundle::Case, Error> {
        if self.inputs.is_empty() {
            return Err(Error::NoInput);
        }
        let options = bundle::Options { limits: self.limits.clone(), threads: self.threads, watch };
        Ok(bundle::read(&self.inputs, &options)?)
    }

    fn read_watching(&self, watch: Arc<dyn Watch>) -> Result<(String, Timeline, Vec<String>), Error> {
        let case = self.case(watch)?;
        let name = name_of(&case);
        let timeline = Timeline::build(case.members, case.records, &self.overrides);
        Ok((name, timeline, case.limits_hit))
    }
}

/// The names of its bundles.
fn name_of(case: &bundle::Case) -> String {
    let names: Vec<&str> = case.bundles.iter().map(|it| it.name.as_ref()).collect();
    names.join(" + ")
}

/// A line of a log in a bundle, as a rule would see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its file, as reports name it.
    pub file: String,
    /// Its line there, from 1.
    pub line: u32,
    /// The line as it stands.
    pub text: String,
    /// What it says, without time and program.
    pub message: String,
    /// Who says it, in the words of rules: `kubelet`.
    pub source: &'static str,
}

/// The rules of a pack as documentation, by name.
#[must_use]
pub fn rule_docs(pack: &Pack) -> Vec<RuleDoc> {
    pack.rules().into_iter().map(convert::rule).collect()
}
