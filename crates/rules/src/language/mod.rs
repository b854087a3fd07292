//! The rule language: YAML files for signals, causes and symptoms.
//!
//! A document is read in two steps: [`document`] knows the keys, [`compile`] checks what they say (columns, variables,
//! patterns, queries) and refuses, with file, line and column, whatever the engine cannot honour.

mod bugs;
mod clause;
mod compile;
pub(crate) mod condition;
mod document;
pub(crate) mod expression;
mod names;
mod pattern;
mod quantity;
pub(crate) mod suggest;
pub(crate) mod template;
pub(crate) mod window;
mod written;

use std::path::PathBuf;

pub(crate) use bugs::{Affected, Bug, Range, compile_bug};
pub(crate) use compile::{
    Clause, ClauseKind, Explains, GapOp, Item, Rule, Signal, SignalMatch, When, Word, compile_rule, compile_signal,
};
pub(crate) use document::{Document, parse};
pub use written::{Expectation, TestCase};

/// Why a rule or signal file could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no rule: the message shows the place.
    #[error("{file}:{line}:{column}: {message}\n{excerpt}")]
    Broken {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        message: String,
        /// The line with a caret under the place.
        excerpt: String,
    },
    /// Two files of one pack define the same name.
    #[error("{file}: {name} is already defined in {other}")]
    Twice {
        /// The later file.
        file: String,
        /// The name.
        name: String,
        /// The earlier file.
        other: String,
    },
}

/// A place in a rule file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// The text of a rule file, to report against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'t> {
    pub(crate) name: &'t str,
    pub(crate) text: &'t str,
    /// Whether it was checked when coroner was built: then its samples and tests are not read again.
    pub(crate) trusted: bool,
}

impl File<'_> {
    /// Where a byte of a value stands, as far as the value stands in one line as it is.
    pub(crate) fn inside(&self, place: Place, value: &str, offset: usize) -> Place {
        let line = self.text.lines().nth(place.line.saturating_sub(1) as usize).unwrap_or_default();
        let starts = line.char_indices().nth(place.column.saturating_sub(1) as usize).map_or(0, |it| it.0);
        let Some(found) = line.get(starts..).and_then(|it| it.find(value)) else { return place };
        let at = (starts + found + offset).min(line.len());
        let column = line.get(..at).map_or(place.column, |it| it.chars().count() as u64 + 1);
        Place { line: place.line, column }
    }

    /// A mistake at a place, with the line and a caret under it.
    pub(crate) fn broken(&self, place: Place, message: impl Into<String>) -> Error {
        let line = self.text.lines().nth(place.line.saturating_sub(1) as usize).unwrap_or_default();
        let gutter = place.line.to_string();
        let indent = " ".repeat(place.column.saturating_sub(1) as usize);
        let excerpt = format!("{gutter} | {line}\n{} | {indent}^", " ".repeat(gutter.len()));
        let message = message.into();
        Error::Broken { file: self.name.to_owned(), line: place.line, column: place.column, message, excerpt }
    }
}
