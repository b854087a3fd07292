//! The keys of rule and signal files. Unknown and duplicate keys are mistakes; scalars are strings until their meaning
//! is known, so that `no`, `011` and `1e3` stay what was written.

use super::written::read;
pub(crate) use super::written::{
    At, BugDocument, ClauseDocument, Document, ItemDocument, RangeDocument, RuleDocument, SignalDocument, Text,
};
use super::{Error, File, Place};

/// Reads one file.
pub(crate) fn parse(file: File<'_>) -> Result<Document, Error> {
    read(file.text, file.trusted).map_err(|error| {
        let at = error.location();
        let place = at.map_or(Place { line: 1, column: 1 }, |it| Place { line: it.line(), column: it.column() });
        let message = error.without_snippet().to_string();
        // the place stands in front already
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        file.broken(place, message)
    })
}

/// Where a word stands.
pub(crate) fn place<T>(of: &At<T>) -> Place {
    Place { line: of.line, column: of.column }
}
