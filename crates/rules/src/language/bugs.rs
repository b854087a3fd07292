//! Known bugs: which versions have them, which version fixed them and when, and what they look like.
//!
//! ```yaml
//! known-bugs:
//!   - bug: ubuntu-44-spurious-oom
//!     title: order-2 allocations kill processes while memory is free
//!     component: kernel              # kernel, kubelet, containerd, docker, cri-o, or a package by its name
//!     ids: ['LP#1655842']
//!     affected:
//!       - { from: 4.4.0-58, before: 4.4.0-63, only: '^4\\.4\\.0-\\d+', fixed: 4.4.0-63, on: 2017-02-01 }
//!     rows: { fact: kernel.report, kind: oom-kill, order: 2 }      # or `lines:`, as in a signal
//!     refs: ['https://bugs.launchpad.net/bugs/1655842']
//! ```

use std::collections::BTreeMap;

use super::clause::compile_clause;
use super::compile::{Clause, Signal, compile_signal, pattern};
use super::condition::{Condition, versions};
use super::document::{At, BugDocument, ClauseDocument, RangeDocument, SignalDocument, Text, place};
use super::pattern::Pattern;
use super::{Error, File};

/// A bug that is known, with the versions that have it.
#[derive(Debug)]
pub(crate) struct Bug {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) component: String,
    pub(crate) ids: Vec<String>,
    pub(crate) affected: Vec<Range>,
    /// What it looks like.
    pub(crate) signature: Option<Clause>,
    pub(crate) workaround: Option<String>,
    pub(crate) refs: Vec<String>,
    pub(crate) file: String,
}

/// A stretch of versions.
#[derive(Debug)]
pub(crate) struct Range {
    from: Option<String>,
    before: Option<String>,
    through: Option<String>,
    only: Option<Pattern>,
    /// Vendors may have taken the fix into older versions.
    backports: bool,
    /// The version that has the fix.
    pub(crate) fixed: Option<String>,
    /// Its date.
    pub(crate) on: Option<String>,
}

/// Whether a version has a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affected {
    Yes,
    /// By its number; whoever built it may have fixed it.
    Maybe,
    No,
}

impl Bug {
    /// Whether a version has it, and the stretch that says so: else the first, which names the fix.
    pub(crate) fn affects(&self, version: &str) -> (Affected, Option<&Range>) {
        match self.affected.iter().find(|it| it.holds(version)) {
            Some(range) if range.backports && version.contains(['-', '+', '~']) => (Affected::Maybe, Some(range)),
            Some(range) => (Affected::Yes, Some(range)),
            None => (Affected::No, self.affected.first()),
        }
    }
}

impl Range {
    fn holds(&self, version: &str) -> bool {
        self.only.as_ref().is_none_or(|it| it.is_match(version))
            && self.from.as_ref().is_none_or(|it| versions(version, it).is_ge())
            && self.before.as_ref().is_none_or(|it| versions(version, it).is_lt())
            // 4.16 goes through 4.16.18
            && self.through.as_ref().is_none_or(|it| versions(version, it).is_le() || starts(version, it))
    }

    /// The versions in words.
    pub(crate) fn words(&self) -> String {
        let only = self.only.as_ref().map_or_else(String::new, |it| format!(" ({})", it.as_str()));
        let text = match (&self.from, &self.before, &self.through) {
            (Some(from), Some(before), _) => format!("{from} to before {before}"),
            (Some(from), None, Some(through)) => format!("{from} to {through}"),
            (Some(from), None, None) => format!("{from} and later"),
            (None, Some(before), _) => format!("before {before}"),
            (None, None, Some(through)) => format!("up to {through}"),
            (None, None, None) => "all".to_owned(),
        };
        format!("{text}{only}{}", if self.backports { ", unless the vendor took the fix" } else { "" })
    }
}

fn starts(version: &str, with: &str) -> bool {
    let bare = |it: &str| it.trim_start_matches('v').to_owned();
    bare(version).strip_prefix(&bare(with)).is_some_and(|it| it.starts_with(['.', '-']))
}

/// Checks a known bug. What it looks like in logs becomes a signal of its own.
pub(crate) fn compile_bug(
    file: File<'_>,
    document: BugDocument,
    signals: &mut BTreeMap<String, Signal>,
) -> Result<Bug, Error> {
    let name = document.bug.value.clone();
    let word = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-' || it == '.';
    if name.is_empty() || !name.chars().all(word) {
        return Err(file.broken(place(&document.bug), "a bug is called in lower case words joined by -"));
    }
    if document.refs.is_empty() {
        return Err(file.broken(place(&document.bug), "a known bug names where it is described (`refs`)"));
    }
    if document.affected.is_empty() {
        return Err(file.broken(place(&document.bug), "a known bug names the versions that have it (`affected`)"));
    }
    let mut affected = Vec::new();
    for range in document.affected {
        affected.push(compile_range(file, range)?);
    }
    let mut signature = None;
    if let Some(rows) = &document.rows {
        if !document.lines.is_empty() {
            return Err(file.broken(place(rows), "a known bug shows in `lines` or in `rows`, not both"));
        }
        signature = Some(checked_rows(file, rows, signals)?);
    } else if !document.lines.is_empty() {
        let signal = format!("known-bug.{name}");
        let compiled = compile_signal(
            file,
            SignalDocument {
                signal: renamed(&document.bug, signal.clone()),
                about: document.title.value.clone(),
                matches: document.lines,
                samples: document.samples,
                not_samples: document.not_samples,
            },
        )?;
        signals.insert(signal.clone(), compiled);
        let clause = ClauseDocument::from([("signal".to_owned(), renamed(&document.bug, signal))]);
        signature = Some(checked_rows(file, &renamed(&document.bug, clause), signals)?);
    }
    Ok(Bug {
        name,
        title: document.title.value,
        component: document.component.value,
        ids: document.ids,
        affected,
        signature,
        workaround: document.workaround,
        refs: document.refs.into_iter().map(|it| it.value).collect(),
        file: file.name.to_owned(),
    })
}

/// The same place with another value.
fn renamed<T>(place: &Text, value: T) -> At<T> {
    At { value, line: place.line, column: place.column }
}

fn checked_rows(
    file: File<'_>,
    rows: &At<ClauseDocument>,
    signals: &BTreeMap<String, Signal>,
) -> Result<Clause, Error> {
    let mut clause = compile_clause(file, "rows", rows, signals)?;
    let variable =
        clause.conditions.iter().any(|it| matches!(it.1, Condition::Variable(_)) || !it.1.needs().is_empty());
    if variable || clause.within.is_some() || clause.at.is_some() || clause.absent {
        return Err(
            file.broken(place(rows), "what a known bug looks like stands alone: without variables, window or absence")
        );
    }
    clause.conditions.push(("node".to_owned(), Condition::Variable("node".into())));
    Ok(clause)
}

fn compile_range(file: File<'_>, range: RangeDocument) -> Result<Range, Error> {
    let only = range.only.as_ref().map(|it| pattern(file, it)).transpose()?;
    for version in [&range.from, &range.before, &range.through].into_iter().flatten() {
        if !version.value.contains(|it: char| it.is_ascii_digit()) {
            return Err(file.broken(place(version), format!("{} is no version", version.value)));
        }
    }
    if let (Some(before), Some(_)) = (&range.before, &range.through) {
        return Err(file.broken(place(before), "a stretch of versions ends with `before` or with `through`, not both"));
    }
    if let Some(on) = range.on.as_ref().filter(|it| !is_date(&it.value)) {
        return Err(file.broken(place(on), "a date reads like 2020-07-22, 2020-07 or 2020"));
    }
    let backports = match &range.backports {
        None => false,
        Some(it) if it.value == "maybe" => true,
        Some(it) => return Err(file.broken(place(it), "`backports: maybe`, or leave it out")),
    };
    let text = |it: Option<Text>| it.map(|it| it.value);
    Ok(Range {
        from: text(range.from),
        before: text(range.before),
        through: text(range.through),
        only,
        backports,
        fixed: text(range.fixed),
        on: text(range.on),
    })
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |it: &str, len: usize| it.len() == len && it.bytes().all(|it| it.is_ascii_digit());
    match parts[..] {
        [year] => number(year, 4),
        [year, month] => number(year, 4) && number(month, 2),
        [year, month, day] => number(year, 4) && number(month, 2) && number(day, 2),
        _ => false,
    }
}
