//! How far a bundle and its clocks can be trusted.

use crate::clocks::skew_words;
use crate::list::{LISTED, more, some_of};
use crate::page::{Ink, Page, counted};
use crate::partial::{below, partials, root};
use crate::when::Calendar;
use crate::{Clock, Coverage, Gap, LimitHit, Report};

/// Lines of one kind of care: what is shown on a first reading, and what stands below it in detail.
pub(crate) struct Note {
    pub(crate) word: &'static str,
    pub(crate) text: String,
    pub(crate) each: Vec<String>,
}

impl Note {
    pub(crate) fn new(word: &'static str, text: impl Into<String>) -> Note {
        Note { word, text: text.into(), each: Vec::new() }
    }
}

/// How far the bundle and its clocks can be trusted.
pub(crate) fn trust(page: &mut Page, calendar: &Calendar, report: &Report) {
    let root = root(&report.coverage);
    let mut notes = clock_notes(&report.clocks, page.verbose());
    let apart = report.clock_findings.skews.iter().filter(|it| page.verbose() || it.used != "together");
    notes.extend(apart.map(|it| Note::new("clock", format!("{}: {}", it.node, skew_words(it)))));
    notes.extend(coverage_notes(&report.coverage, calendar, root));
    notes.extend(limit_notes(&report.limits_hit, root));
    notes.extend(not_asked(report, page.verbose()));
    care(page, root, &notes);
}

/// The notes under their heading, each word once; the first few of each on a first reading.
pub(crate) fn care(page: &mut Page, root: &str, notes: &[Note]) {
    if notes.is_empty() {
        return;
    }
    page.heading("to be read with care");
    let of_files = |it: &Note| ["cut", "incomplete", "limit", "unread"].contains(&it.word);
    if !root.is_empty() && notes.iter().any(of_files) {
        page.prose((Ink::Faint, "   files"), 16, &format!("below {root}"));
    }
    let mut last = "";
    let mut same = 0;
    for note in notes {
        same = if note.word == last { same + 1 } else { 0 };
        last = note.word;
        let most = if note.word == "incomplete" { PARTIALS } else { LISTED };
        if same >= most && !page.verbose() {
            if same == most {
                let all = notes.iter().filter(|it| it.word == note.word).count();
                more(page, 16, all, most);
            }
            continue;
        }
        let label = if same == 0 { format!("   {}", note.word) } else { String::new() };
        page.prose((Ink::Doubtful, &label), 16, &note.text);
        let detail = if page.verbose() { &note.each[..] } else { &[] };
        for each in detail {
            page.prose((Ink::Plain, ""), 18, each);
        }
    }
}

/// Groups of what is incomplete on a first reading.
const PARTIALS: usize = 5;

pub(crate) fn limit_notes(hit: &[LimitHit], root: &str) -> Vec<Note> {
    let note = |it: &LimitHit| {
        let place = it.file.as_ref().map(|it| format!("{}: ", below(root, it))).unwrap_or_default();
        // some say their name by themselves
        let name = if it.what.starts_with(&it.limit) { String::new() } else { format!(" ({})", it.limit) };
        Note::new("limit", format!("{place}{}{name}", it.what))
    };
    hit.iter().map(note).collect()
}

/// The rules that had nothing to look at, but for those that the cause being unknown has told of.
fn not_asked(report: &Report, all: bool) -> Option<Note> {
    let told = report.cause_unknown.as_ref().map_or(&[][..], |it| &it.could_not_look);
    let rules: Vec<String> = report
        .not_assessable
        .iter()
        .filter(|it| !told.iter().any(|told| told.rule == it.rule && told.reason == it.reason))
        .map(|it| if all { format!("{} ({})", it.rule, it.reason) } else { it.rule.clone() })
        .collect();
    let words = || match rules.len() > LISTED && !all {
        true => format!("{} rules, for want of {}; -v names them", rules.len(), wanting(report)),
        false => format!("what these look at was not collected: {}", some_of(&rules, all)),
    };
    (!rules.is_empty()).then(|| Note::new("not asked", words()))
}

/// `kernel logs (24 rules), metrics (14), route (2)`: what most of them would look at.
fn wanting(report: &Report) -> String {
    let mut all: Vec<(String, usize)> = Vec::new();
    for it in &report.not_assessable {
        let what = wanted(&it.reason);
        match all.iter_mut().find(|known| known.0 == what) {
            Some(known) => known.1 += 1,
            None => all.push((what, 1)),
        }
    }
    // as many as there are, by name where equally many
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let rest: usize = all.iter().skip(WANTED).map(|it| it.1).sum();
    let mut texts: Vec<String> = all.iter().take(WANTED).map(|(what, rules)| format!("{what} ({rules})")).collect();
    if rest > 0 {
        texts.push(format!("other things ({rest})"));
    }
    texts.join(", ")
}

/// Sources that are named on a first reading.
const WANTED: usize = 5;

/// What was not collected, in a word or two, from the reason a rule had nothing to look at.
pub(crate) fn wanted(reason: &str) -> String {
    let logs = reason.strip_prefix("no log").and_then(|it| it.split_once("(")).and_then(|it| it.1.split_once(')'));
    if let Some((sources, _)) = logs {
        let words = match sources {
            "kernel" => "kernel logs",
            // a journal holds them
            it if it.starts_with("kernel, kubelet") => "journals",
            it if it.contains("kubelet") => "logs of the kubelet",
            _ => "logs of pods",
        };
        return words.to_owned();
    }
    let named = reason.split_once(" was not collected").or_else(|| reason.split_once(" were collected"));
    if named.is_some_and(|it| it.0 == "no metrics" || it.0.contains('_')) {
        return "metrics".to_owned();
    }
    let table = reason.strip_prefix("no ").and_then(|it| it.split_once(" was collected"));
    table.map_or_else(|| "other sources".to_owned(), |it| it.0.split(" of ").next().unwrap_or(it.0).to_owned())
}

/// The clocks that were guessed, in words; nodes of which the same is true share a line.
fn clock_notes(clocks: &[Clock], all: bool) -> Vec<Note> {
    let guessed = |it: &&Clock| {
        let by_guess = |basis: &str| matches!(basis, "assumed" | "ambiguous" | "neighbours" | "modified");
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
    groups.into_iter().map(|(words, whose)| Note::new("clock", format!("{}: {words}", some_of(&whose, all)))).collect()
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
        "ambiguous" if it.offset_secs == 0 => {
            Some(format!("zone {}, read as UTC{offset}", it.zone_from.as_deref().unwrap_or("not clear")))
        }
        "node" | "ambiguous" => Some(format!("zone UTC{offset}{}", from(&it.zone_from))),
        _ => None,
    };
    let year = match it.year.as_str() {
        "assumed" => Some("year not stated, a guess".to_owned()),
        "lines" => Some("year from lines with a second stamp".to_owned()),
        "neighbours" => Some("year as in the other stamps of the case".to_owned()),
        "given" => Some("year as given".to_owned()),
        "modified" => Some("year from a file's modification time, a weak hint".to_owned()),
        "collected" => Some(format!("year from the time of collection{}", from(&it.year_from))),
        _ => None,
    };
    let error = (it.early_secs > 1 || it.late_secs > 1)
        .then(|| format!("may be off by -{} to +{}", lasting(it.early_secs), lasting(it.late_secs)));
    let kind = match it.keeper.as_str() {
        "kernel" => Some("the kernel's clock".to_owned()),
        "dmesg" => Some("the kernel's clock as dmesg turned it into wall time".to_owned()),
        _ => None,
    };
    // that a kernel has a clock is no news, and how it was put on the wall is said elsewhere
    let kind = kind.filter(|_| it.keeper != "kernel" || zone.is_some() || year.is_some() || error.is_some());
    let words: Vec<String> = [kind, zone, year, error].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// The words of the clocks of one node, without those that say no more than the beginning of others.
pub(crate) fn walls<'c>(clocks: impl Iterator<Item = &'c Clock>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for words in clocks.filter_map(clock_words) {
        let says =
            |more: &str, less: &str| more == less || more.strip_prefix(less).is_some_and(|it| it.starts_with(';'));
        if !all.iter().any(|it| says(it, &words)) {
            all.retain(|it| !says(&words, it));
            all.push(words);
        }
    }
    all
}

/// `+08:00`
pub(crate) fn offset(secs: i32) -> String {
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

/// Stretches without records. Several files may show how one boot ended: that is said once.
fn gap_notes(coverage: &Coverage, calendar: &Calendar) -> Vec<Note> {
    let mut told: Vec<(&Gap, Vec<&str>)> = Vec::new();
    for it in &coverage.gaps {
        match told.last_mut() {
            Some((last, of)) if it.kind == "unsaved" && last.kind == it.kind && one_end(last, it) => {
                of.extend(it.source.split(", "));
            }
            _ => told.push((it, it.source.split(", ").collect())),
        }
    }
    let note = |(it, mut of): (&Gap, Vec<&str>)| {
        of.sort_unstable();
        of.dedup();
        let whose = it.node.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
        let when = calendar.stretch(&it.from, &it.to).map(|it| format!(", {it}")).unwrap_or_default();
        Note::new("gap", format!("{}{whose}{when}: {}", of.join(", "), it.what))
    };
    let mut notes: Vec<Note> = told.into_iter().map(note).collect();
    let more = coverage.gaps_count.saturating_sub(coverage.gaps.len() as u64);
    if more > 0 {
        notes.push(Note::new("gap", format!("… and {}, shorter ones", counted(more, "more", "more"))));
    }
    notes
}

/// Whether two gaps, the earlier one first, follow the end of one boot.
fn one_end(a: &Gap, b: &Gap) -> bool {
    a.node == b.node && a.what == b.what && (a.from == b.from || b.from.lo < a.to.lo)
}

/// Failures of collectors that are told one by one.
const FAILURES: usize = 6;

/// Where the bundle is known to lack something.
pub(crate) fn coverage_notes(coverage: &Coverage, calendar: &Calendar, root: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    notes.extend(gap_notes(coverage, calendar));
    // a file that is cut says so itself
    let said = |it: &&crate::CollectFailure| !coverage.members.iter().any(|of| of.truncated.as_ref() == Some(&it.why));
    // and one that gives its reason elsewhere needs no second line
    let bare = |it: &&crate::CollectFailure| it.why == "the collector failed";
    let reason = |it: &&crate::CollectFailure| coverage.failures.iter().any(|of| of.what == it.what && !bare(&of));
    let failures: Vec<_> = coverage.failures.iter().filter(said).filter(|it| !(bare(it) && reason(it))).collect();
    for it in failures.iter().take(FAILURES) {
        let whose = it.node.as_ref().map(|it| format!(" on {it}")).unwrap_or_default();
        notes.push(Note::new("failed", format!("{}{whose}: {}", it.what, it.why)));
    }
    if failures.len() > FAILURES {
        let more = counted((failures.len() - FAILURES) as u64, "thing", "things");
        notes.push(Note::new("failed", format!("… and {more} more")));
    }
    for it in &coverage.members {
        if let Some(why) = &it.truncated {
            notes.push(Note::new("cut", format!("{}: {why}", below(root, &it.path))));
        }
    }
    let partials = partials(coverage, root).into_iter();
    notes.extend(partials.map(|it| Note { each: it.each, ..Note::new("incomplete", it.text) }));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_said_in_a_word() {
        let cases = [
            ("no log that would show it (kernel) was collected", "kernel logs"),
            ("no log of node-a that would show it (kernel) was collected", "kernel logs"),
            ("no log that would show it (kernel, kubelet, runtime, system) was collected", "journals"),
            ("no log that would show it (control-plane, container-log) was collected", "logs of pods"),
            ("no metrics were collected", "metrics"),
            ("etcd_server_has_leader was not collected of node-a", "metrics"),
            (
                "no log that would show it (control-plane, system) was collected of all that may write it",
                "logs of pods",
            ),
            ("no sysctl of node-a was collected", "sysctl"),
            ("no ipam.block was collected", "ipam.block"),
            ("no bgp.peer of node-a was collected", "bgp.peer"),
            ("$t is not known", "other sources"),
        ];
        for (reason, what) in cases {
            assert_eq!(wanted(reason), what, "{reason}");
        }
    }
}
