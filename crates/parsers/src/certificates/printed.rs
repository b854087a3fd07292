//! Certificates as tools print them.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use regex::Regex;

use crate::expression::expression;
use super::Found;
use crate::Line;
use crate::state::{State, first_line};

/// Whether the text is one of a tool's.
pub(super) fn begins(text: &str) -> bool {
    let Some(first) = first_line(text) else { return false };
    let openssl = first.trim_end() == "Certificate:" && text.contains("Not After :");
    let dates = text.lines().take(6).any(|it| it.starts_with("notAfter=")) && assignment(first).is_some();
    openssl || dates || text.lines().take(12).any(kubeadm_header)
}

/// `CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED`
fn kubeadm_header(line: &str) -> bool {
    line.starts_with("CERTIFICATE") && line.contains("EXPIRES") && line.contains("RESIDUAL TIME")
}

/// `notAfter=Jul 22 03:02:13 2023 GMT`
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    matches!(key, "notBefore" | "notAfter" | "subject" | "issuer" | "serial").then_some((key, value.trim()))
}

/// `Jul 22 03:02:13 2023 GMT`
fn openssl_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim().strip_suffix(" GMT")?;
    Some(NaiveDateTime::parse_from_str(text, "%b %e %H:%M:%S %Y").ok()?.and_utc())
}

pub(super) fn read(state: &mut State<'_, '_, '_>) {
    let mut open: Option<(Found, Line<'_>)> = None;
    state.each(|state, line| {
        let text = line.text.trim();
        if let Some(understood) = kubeadm(line, state) {
            return understood;
        }
        // what belongs to the next certificate ends the one before
        let (key, value) = match assignment(text).or_else(|| text.split_once(':')) {
            Some((key, value)) => (key.trim(), value.trim()),
            None => return open.is_some(),
        };
        let again = |found: &Found| match key {
            "notAfter" | "Not After" => found.not_after.is_some(),
            "notBefore" | "Not Before" => found.not_before.is_some(),
            "subject" | "Subject" => found.subject.is_some(),
            "issuer" | "Issuer" => found.issuer.is_some(),
            _ => key == "Certificate" && value.is_empty(),
        };
        if open.as_ref().is_some_and(|(found, _)| again(found)) {
            push(open.take(), state);
        }
        let (found, place) = open.get_or_insert_with(|| (Found::default(), *line));
        match key {
            "notAfter" | "Not After" => {
                found.not_after = openssl_date(value);
                *place = *line;
            }
            "notBefore" | "Not Before" => found.not_before = openssl_date(value),
            "subject" | "Subject" => found.subject = Some(value.to_owned()),
            "issuer" | "Issuer" => found.issuer = Some(value.to_owned()),
            "CA" => found.authority = Some(value.starts_with("TRUE")),
            _ => {}
        }
        true
    });
    push(open, state);
}

fn push(found: Option<(Found, Line<'_>)>, state: &mut State<'_, '_, '_>) {
    if let Some((found, line)) = found.filter(|(it, _)| it.not_after.is_some()) {
        let quote = state.input.origin.quote(&line);
        found.push(quote, TimeDelta::seconds(1), state);
    }
}

/// `apiserver                  Jul 23, 2023 03:02 UTC   <invalid>       ca                      no`; none where the line is
/// of another tool.
fn kubeadm(line: &Line<'_>, state: &mut State<'_, '_, '_>) -> Option<bool> {
    static ROW: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^(?P<name>!? ?\S+)\s+(?P<date>[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d) UTC\s+(?P<left>\S+)\s+(?P<rest>\S.*?)\s*$";
        expression(pattern)
    });
    if kubeadm_header(line.text) || line.text.starts_with('[') {
        return Some(true);
    }
    if line.text.starts_with("!MISSING!") {
        return Some(true);
    }
    let found = ROW.captures(line.text)?;
    let not_after = NaiveDateTime::parse_from_str(&found["date"], "%b %d, %Y %H:%M").ok()?.and_utc();
    let rest: Vec<&str> = found["rest"].split_ascii_whitespace().collect();
    // an authority has no column for one
    let issuer = (rest.len() > 1).then(|| rest[0].to_owned());
    let certificate = Found {
        subject: Some(found["name"].to_owned()),
        authority: Some(issuer.is_none()),
        issuer,
        not_before: None,
        not_after: Some(not_after),
        path: Some(found["name"].to_owned()),
    };
    let quote = state.input.origin.quote(line);
    certificate.push(quote, TimeDelta::minutes(1), state);
    Some(true)
}
