//! What can go wrong with a corpus or a draft.

use std::path::PathBuf;

/// Why a corpus cannot be read or a draft not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file or folder that cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something stands there already.
    #[error("{path} exists; it is not overwritten")]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// An `incident.toml` that is not what it should be.
    #[error("{path}: {why}")]
    Incident {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A folder that is no corpus.
    #[error("no folder in {path} holds an incident.toml")]
    NoIncidents {
        /// The folder.
        path: PathBuf,
    },
    /// A report that is not what is known of an incident.
    #[error("{name}: {}", wrong.join("; "))]
    Wrong {
        /// The incident.
        name: String,
        /// Everything that is not so.
        wrong: Vec<String>,
    },
    /// Something that no rule can be drafted from.
    #[error("{0}")]
    Draft(String),
    /// A bundle or rule that cannot be used.
    #[error(transparent)]
    Coroner(#[from] coroner::Error),
}
