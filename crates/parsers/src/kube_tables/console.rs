//! The event lists of cloud consoles: one line an event, with wall clock and the name of the event object.

use std::sync::LazyLock;

use chrono::NaiveDateTime;
use regex::Regex;

use crate::expression::expression;
use crate::kube::word;

/// A line of a cloud console's event list.
pub(super) struct Console<'t> {
    pub(super) printed: NaiveDateTime,
    pub(super) severity: &'t str,
    pub(super) kind: &'t str,
    pub(super) name: &'t str,
    pub(super) reason: &'t str,
    pub(super) message: &'t str,
}

/// `2020-06-14 13:15:39  Warning Node 172.21.128.138.1618e2878157535e Rebooted  Node 172.21.128.138 has been rebooted`
pub(super) fn console_line(line: &str) -> Option<Console<'_>> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        expression(
            r"^\W{0,3}(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)\s+(Normal|Warning)\s+([A-Z][A-Za-z]+)\s+([a-z0-9][-a-z0-9.]*\.[0-9a-f]{14,16})\s+([A-Z][A-Za-z]+)\s*(.*)$",
        )
    });
    // every other line of a bundle is asked, and few begin with a date
    let date = line.bytes().take(16).position(|it| it.is_ascii_digit())?;
    let dashes = [4, 7].iter().all(|it| line.as_bytes().get(date + it) == Some(&b'-'));
    if !dashes || !(line.contains("Normal") || line.contains("Warning")) {
        return None;
    }
    let found = LINE.captures(line.trim_end())?;
    let cell = |at: usize| found.get(at).map_or("", |it| it.as_str());
    let printed = NaiveDateTime::parse_from_str(&cell(1).replace('T', " "), "%Y-%m-%d %H:%M:%S").ok()?;
    let (severity, kind, name, reason) = (cell(2), cell(3), cell(4), cell(5));
    Some(Console { printed, severity, kind, name, reason, message: word(Some(cell(6))).unwrap_or_default() })
}
