//! SHIM: the shape of the facade, so that the command can be built before the analysis. To be replaced as a whole.

use std::path::PathBuf;
use std::sync::Arc;

pub use report;
pub use report::{Band, Inspection, Report, RuleDoc};

/// What an analysis may cost.
#[derive(Debug, Clone, Default)]
pub struct Limits;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input cannot be opened.
    #[error("cannot read {}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Reads bundles as one case.
#[derive(Debug, Clone, Default)]
pub struct Analyzer {
    inputs: Vec<PathBuf>,
    rules: Vec<PathBuf>,
}

impl Analyzer {
    /// With the built-in rules.
    #[must_use]
    pub fn new() -> Analyzer {
        Analyzer::default()
    }

    /// Adds a bundle; `-` is standard input.
    #[must_use]
    pub fn input(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(path.into());
        self
    }

    /// Adds a bundle in memory.
    #[must_use]
    pub fn bytes(self, _name: impl Into<String>, _bytes: impl Into<Arc<[u8]>>) -> Self {
        self
    }

    /// Adds rules.
    #[must_use]
    pub fn rules(mut self, dir: impl Into<PathBuf>) -> Self {
        self.rules.push(dir.into());
        self
    }

    /// The year of stamps without one.
    #[must_use]
    pub fn year(self, _year: i32) -> Self {
        self
    }

    /// The zone of a node.
    #[must_use]
    pub fn zone(self, _node: &str, _offset_secs: i32) -> Self {
        self
    }

    /// How far the clock of a node is ahead.
    #[must_use]
    pub fn skew(self, _node: &str, _secs: i64) -> Self {
        self
    }

    /// How many threads to use.
    #[must_use]
    pub fn threads(self, _threads: usize) -> Self {
        self
    }

    /// What it may cost.
    #[must_use]
    pub fn limits(self, _limits: Limits) -> Self {
        self
    }

    /// The report.
    ///
    /// # Errors
    /// When an input or a rule cannot be read.
    pub fn analyze(&self) -> Result<Report, Error> {
        Ok(Report { case: self.case()?, ..Report::default() })
    }

    /// What is in the bundles.
    ///
    /// # Errors
    /// When an input cannot be read.
    pub fn inspect(&self) -> Result<Inspection, Error> {
        Ok(Inspection::of(self.case()?, &timeline::Timeline::default()))
    }

    fn case(&self) -> Result<String, Error> {
        for path in self.inputs.iter().chain(&self.rules).filter(|it| it.as_os_str() != "-") {
            std::fs::metadata(path).map_err(|source| Error::Read { path: path.clone(), source })?;
        }
        let name = self.inputs.first().and_then(|it| it.file_name()).unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }
}

/// Names of the built-in rules.
#[must_use]
pub fn rule_names() -> Vec<String> {
    Vec::new()
}

/// A built-in rule by its name.
#[must_use]
pub fn rule(_name: &str) -> Option<RuleDoc> {
    None
}
