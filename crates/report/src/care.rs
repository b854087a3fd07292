//! How far a bundle and its clocks can be trusted.

use crate::list::{LISTED, more, some_of};
use crate::page::{Ink, Page};
use crate::when::Calendar;
use crate::{Clock, Coverage, Report};

/// How far the bundle and its clocks can be trusted.
pub(crate) fn trust(page: &mut Page, calendar: &Calendar, report: &Report) {
    let mut notes = clock_notes(&report.clocks, page.verbose());
    notes.extend(coverage_notes(&report.coverage, calendar));
    notes.extend(report.limits_hit.iter().map(|it| {
        let place = it.file.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
        ("limit", format!("{place}{} ({})", it.what, it.limit))
    }));
    if !report.not_assessable.is_empty() {
        let rules: Vec<String> = report
            .not_assessable
            .iter()
            .map(|it| if page.verbose() { format!("{} ({})", it.rule, it.reason) } else { it.rule.clone() })
            .collect();
        notes.push(("not asked", format!("what these look at was not collected: {}", some_of(&rules, page.verbose()))));
    }
    if notes.is_empty() {
        return;
    }
    page.heading("to be read with care");
    let mut last = "";
    let mut same = 0;
    for (word, text) in &notes {
        same = if *word == last { same + 1 } else { 0 };
        if same >= LISTED && !page.verbose() {
            if same == LISTED {
                let all = notes.iter().filter(|(other, _)| other == word).count();
                more(page, 16, all, LISTED);
            }
            continue;
        }
        let label = if same == 0 { format!("   {word}") } else { String::new() };
        page.prose((Ink::Doubtful, &label), 16, text);
        last = word;
    }
}

/// The clocks that were guessed, in words; nodes of which the same is true share a line.
fn clock_notes(clocks: &[Clock], all: bool) -> Vec<(&'static str, String)> {
    let guessed = |it: &&Clock| {
        let by_guess = |basis: &str| matches!(basis, "assumed" | "neighbours" | "modified");
        all || by_guess(&it.zone) || by_guess(&it.year) || it.early_secs > 1 || it.late_secs > 1
    };
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for clock in clocks.iter().filter(guessed) {
        let Some(words) = clock_words(clock) else { continue };
        let whose = clock.node.clone().unwrap_or_else(|| NO_NODE.to_owned());
        match groups.iter_mut().find(|it| it.0 == words) {
            Some(group) => group.1.push(whose),
            None => groups.push((words, vec![whose])),
        }
    }
    groups.into_iter().map(|(words, whose)| ("clock", format!("{}: {words}", some_of(&whose, all)))).collect()
}

/// Whose clock it is when no node is named.
pub(crate) const NO_NODE: &str = "stamps that name no node";

/// Nothing where the clock states its zone and year.
pub(crate) fn clock_words(it: &Clock) -> Option<String> {
    let offset = offset(it.offset_secs);
    let from = |from: &Option<String>| from.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    let zone = match it.zone.as_str() {
        "assumed" => Some(format!("zone not stated, read as UTC{offset}")),
        "neighbours" => Some(format!("zone UTC{offset} as on the other nodes")),
        "given" => Some(format!("zone UTC{offset} as given")),
        "node" => Some(format!("zone UTC{offset}{}", from(&it.zone_from))),
        _ => None,
    };
    let year = match it.year.as_str() {
        "assumed" => Some("year not stated, a guess".to_owned()),
        "neighbours" => Some("year as in the other stamps of the case".to_owned()),
        "given" => Some("year as given".to_owned()),
        "modified" => Some("year from the modification time in the archive, a weak hint".to_owned()),
        "collected" => Some(format!("year from the time of collection{}", from(&it.year_from))),
        _ => None,
    };
    let error = (it.early_secs > 1 || it.late_secs > 1)
        .then(|| format!("may be off by -{} to +{}", lasting(it.early_secs), lasting(it.late_secs)));
    let words: Vec<String> = [zone, year, error].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// `+08:00`
fn offset(secs: i32) -> String {
    let (sign, all) = (if secs < 0 { '-' } else { '+' }, secs.unsigned_abs());
    format!("{sign}{:02}:{:02}", all / 3600, all / 60 % 60)
}

/// `14 h`, `90 s`
fn lasting(secs: i64) -> String {
    match secs {
        0 => "0".to_owned(),
        _ if secs % 86_400 == 0 => format!("{} d", secs / 86_400),
        _ if secs % 3600 == 0 => format!("{} h", secs / 3600),
        _ if secs % 60 == 0 => format!("{} min", secs / 60),
        _ => format!("{secs} s"),
    }
}

/// Where the bundle is known to lack something.
pub(crate) fn coverage_notes(coverage: &Coverage, calendar: &Calendar) -> Vec<(&'static str, String)> {
    let mut notes = Vec::new();
    let whose = |node: &Option<String>| node.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
    for it in &coverage.gaps {
        let when = calendar.stretch(&it.from, &it.to).map(|it| format!(", {it}")).unwrap_or_default();
        notes.push(("gap", format!("{}{}{when}: {}", it.source, whose(&it.node), it.what)));
    }
    for it in coverage.members.iter() {
        if let Some(why) = &it.truncated {
            notes.push(("cut", format!("{}: {why}", it.path)));
        }
    }
    for it in &coverage.sources {
        if let Some(why) = &it.incomplete {
            notes.push(("incomplete", format!("{} log{} in {}: {why}", it.source, whose(&it.node), it.file)));
        }
    }
    for it in &coverage.relations {
        if let Some(why) = &it.incomplete {
            notes.push(("incomplete", format!("{}{} in {}: {why}", it.relation, whose(&it.node), it.file)));
        }
    }
    notes
}
