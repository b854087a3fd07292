//! The report as text: what is read at three in the morning.
//!
//! ```text
//! support-bundle.tar.gz   3 nodes, times are UTC, 2026-03-14
//!
//! 1  node-07 ran out of process IDs (kernel.pid_max = 49152)                          CONFIRMED
//!    22:09:02   the kubelet cannot create a thread   node-07/journal_kubelet.txt:20411  (+312 like it)
//!               > Mar 14 22:09:02 node-07 kubelet[812]: runtime: failed to create new OS thread …
//! ```
//!
//! First what wins, with chain, evidence, counter-evidence and what to do; then why the others lose, what is left
//! unexplained, and last how far the bundle can be trusted. A hypothesis that follows from another is named there.

use std::borrow::Cow;

use crate::block::{band_ink, band_word, block, entry, missing, reason_entry, symptom_name, to_collect};
use crate::care::{trust, wanted};
use crate::list::{LISTED, items, more, some_of};
use crate::page::{Entry, Ink, Look, Page, bytes, chars, counted, percent};
use crate::when::{Calendar, Days};
use crate::{
    Band, BootEnd, CauseUnknown, Collect, Coverage, Evidence, Hypothesis, HypothesisRef, Instant, Looked, Report,
    Symptom, SymptomRef, Verdict,
};

/// The report as text.
#[must_use]
pub fn text(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    let calendar = Calendar::of(instants(report).into_iter());
    let nodes = counted(report.nodes.len() as u64, "node", "nodes");
    page.line(&[(Ink::Strong, &report.case), (Ink::Faint, &format!("   {nodes}, {}", calendar.legend()))]);

    if report.verdict == Verdict::Healthy {
        healthy(&mut page, &calendar, report);
    }
    if report.verdict == Verdict::Unknown {
        cause_unknown(&mut page, report);
    }
    let (full, rest): (Vec<&Hypothesis>, Vec<&Hypothesis>) =
        report.hypotheses.iter().partition(|it| look.verbose || reads_first(report, it));
    for hypothesis in full {
        block(&mut page, &calendar, hypothesis);
    }
    if report.verdict == Verdict::Partly && report.cause_unknown.is_some() {
        cause_unknown(&mut page, report);
    }
    others(&mut page, &rest, &report.ruled_out);
    symptoms(&mut page, &calendar, report);
    alerts(&mut page, &calendar, report);
    boots(&mut page, &calendar, report);
    trust(&mut page, &calendar, report);
    last_line(&mut page, report);
    page.done()
}

/// The best one and every other good one get a block of their own; what follows from another is named there.
fn reads_first(report: &Report, hypothesis: &Hypothesis) -> bool {
    let best = report.hypotheses.first().is_some_and(|it| it.rank == hypothesis.rank);
    (best && hypothesis.band >= Band::Possible) || (hypothesis.band >= Band::Likely && hypothesis.caused_by.is_none())
}

/// Every instant that a reading of this page may show.
fn instants(report: &Report) -> Vec<&Instant> {
    let mut found = Vec::new();
    for it in &report.hypotheses {
        found.extend(it.chain.iter().map(|it| &it.at));
    }
    found.extend(report.symptoms.iter().map(|it| &it.at));
    found.extend(report.alerts.iter().map(|it| &it.at));
    let ended = |it: &&crate::Boot| matches!(it.ended, BootEnd::Unclean | BootEnd::Clean);
    found.extend(report.boots.iter().filter(ended).map(|it| &it.end));
    found.extend(report.coverage.gaps.iter().flat_map(|it| [&it.from, &it.to]));
    if report.verdict == Verdict::Healthy {
        found.extend(report.coverage.sources.iter().flat_map(|it| [&it.first, &it.last]));
    }
    found
}

fn others(page: &mut Page, rest: &[&Hypothesis], ruled_out: &[Hypothesis]) {
    let rest: Vec<&&Hypothesis> = rest.iter().filter(|it| it.caused_by.is_none()).collect();
    if rest.is_empty() && ruled_out.is_empty() {
        return;
    }
    page.heading("why not something else");
    let shown = if page.verbose() { usize::MAX } else { LISTED };
    for it in rest.iter().take(shown) {
        let rank = it.rank.to_string();
        page.title(&rank, chars(&rank) + 2, &it.title, (band_ink(it.band), &band_word(it.band)));
        match &it.why_not_first {
            Some(reason) => page.entry((Ink::Plain, ""), 6, &reason_entry(reason)),
            None if it.band == Band::NotAssessable => {
                page.prose((Ink::Plain, ""), 6, "what would show it was not collected");
            }
            None => page.prose((Ink::Plain, ""), 6, "less evidence than the ones above"),
        }
        if it.band == Band::NotAssessable {
            missing(page, it, 15);
        }
    }
    more(page, 3, rest.len(), shown);
    for it in ruled_out.iter().take(shown) {
        page.title("-", 3, &it.title, (band_ink(it.band), &band_word(it.band)));
        let by = it.ruled_out_by.as_ref();
        let excluding: Vec<&Evidence> = it.evidence.iter().filter(|it| Some(&it.clause) == by).collect();
        for evidence in &excluding {
            entry(page, (Ink::Plain, ""), 6, evidence);
        }
        match &it.why_not_first {
            Some(reason) if excluding.is_empty() => page.entry((Ink::Plain, ""), 6, &reason_entry(reason)),
            None if excluding.is_empty() => {
                page.prose((Ink::Plain, ""), 6, &by.map_or("not borne out".to_owned(), |it| format!("by {it}")));
            }
            _ => {}
        }
    }
    more(page, 3, ruled_out.len(), shown);
}

fn symptoms(page: &mut Page, calendar: &Calendar, report: &Report) {
    if report.symptoms.is_empty() && report.unexplained.is_empty() {
        return;
    }
    page.heading("symptoms");
    let (explained, open): (Vec<&Symptom>, Vec<&Symptom>) =
        report.symptoms.iter().partition(|it| !it.explained_by.is_empty());
    let widest = report.symptoms.iter().filter_map(|it| calendar.beside(&it.at)).map(|it| chars(&it)).max();
    let hang = 3 + widest.unwrap_or(0).max("no time".len()) + 3;
    let label = |it: &Symptom| format!("   {}", calendar.beside(&it.at).unwrap_or_else(|| "no time".to_owned()));
    let mut days = Days::new(calendar);
    for it in &open {
        days.turn(page, &it.at);
        let first = it.quotes.first();
        let text = format!("UNEXPLAINED  {}", it.title);
        let entry = Entry {
            text: &text,
            file: first.map(|it| it.file.as_str()),
            line: first.map(|it| it.line),
            count: it.count,
            quote: first.map(|it| it.text.as_str()),
            telling: vec![&it.title],
        };
        page.entry((Ink::Doubtful, &label(it)), hang, &entry);
    }
    let shown = if page.verbose() { usize::MAX } else { LISTED };
    for it in explained.iter().take(shown) {
        days.turn(page, &it.at);
        let by: Vec<String> = it.explained_by.iter().map(|by| explainer(by, it, report)).collect();
        page.prose((Ink::Time, &label(it)), hang, &format!("{}  ← {}", it.title, by.join(", ")));
    }
    more(page, hang, explained.len(), shown);
    // a name without its symptom would be a slip of the writer, but never a reason to hide it
    let named = |it: &&SymptomRef| !open.iter().any(|open| open.symptom == it.symptom && open.nodes == it.nodes);
    for it in report.unexplained.iter().filter(named) {
        page.prose((Ink::Doubtful, "   no time"), hang, &format!("UNEXPLAINED  {}", titled(it)));
    }
    if report.unexplained.is_empty() && open.is_empty() {
        page.prose((Ink::Plain, ""), 3, "none is left unexplained");
    }
}

/// What the reader's own alerting rules would have said: context, for they know no causes.
fn alerts(page: &mut Page, calendar: &Calendar, report: &Report) {
    if report.alerts.is_empty() {
        return;
    }
    page.heading("alerts of your rules that would have fired");
    let widest = report.alerts.iter().filter_map(|it| calendar.beside(&it.at)).map(|it| chars(&it)).max();
    let hang = 3 + widest.unwrap_or(0).max("no time".len()) + 3;
    let mut days = Days::new(calendar);
    let shown = if page.verbose() { usize::MAX } else { LISTED };
    for it in report.alerts.iter().take(shown) {
        days.turn(page, &it.at);
        let label = format!("   {}", calendar.beside(&it.at).unwrap_or_else(|| "no time".to_owned()));
        let severity = it.labels.get("severity");
        let about: Vec<&str> = severity.into_iter().chain(&it.node).map(String::as_str).collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        let often = if it.times > 1 { format!(", {} times", it.times) } else { String::new() };
        let first = it.quotes.first();
        let text = format!("{}{about}{often}: {}", it.name, it.title);
        let entry = Entry {
            text: &text,
            file: first.map(|it| it.file.as_str()),
            line: first.map(|it| it.line),
            count: 1,
            quote: first.map(|it| it.text.as_str()),
            telling: Vec::new(),
        };
        page.entry((Ink::Time, &label), hang, &entry);
    }
    more(page, hang, report.alerts.len(), shown);
}

/// The number of a hypothesis, or its rule where it has none; what was there before anything showed of it may have another
/// cause as well.
fn explainer(it: &HypothesisRef, symptom: &Symptom, report: &Report) -> String {
    let cause = it.rank.and_then(|rank| report.hypotheses.iter().find(|it| it.rank == rank));
    let earlier = cause.is_some_and(|cause| symptom.at.ends_before(&cause.start));
    let name = it.rank.map_or_else(|| it.rule.clone(), |it| it.to_string());
    if earlier { format!("{name}, seen before its first sign") } else { name }
}

fn titled(it: &SymptomRef) -> String {
    if it.title.is_empty() { symptom_name(it) } else { it.title.clone() }
}

fn boots(page: &mut Page, calendar: &Calendar, report: &Report) {
    unclean_boots(page, calendar, report);
    orderly_boots(page, calendar, report);
}

/// Reboots that somebody asked for: no finding, but the plain reason of much that is seen around them.
fn orderly_boots(page: &mut Page, calendar: &Calendar, report: &Report) {
    let clean: Vec<&crate::Boot> = report.boots.iter().filter(|it| it.ended == BootEnd::Clean).collect();
    if clean.is_empty() {
        return;
    }
    page.heading("boots that ended in order");
    let shown = if page.verbose() { usize::MAX } else { LISTED };
    for it in clean.iter().take(shown) {
        let when = calendar.show(&it.end).map(|it| format!(" ended {it}")).unwrap_or_default();
        let entry = Entry {
            text: &format!("{}{when}, as it was told to", it.node),
            file: it.file.as_deref(),
            line: it.line,
            count: 1,
            quote: it.text.as_deref().filter(|_| page.verbose()),
            telling: Vec::new(),
        };
        page.entry((Ink::Plain, ""), 3, &entry);
    }
    more(page, 3, clean.len(), shown);
}

fn unclean_boots(page: &mut Page, calendar: &Calendar, report: &Report) {
    let cited = |boot: &&crate::Boot| {
        let mut quotes = report.symptoms.iter().flat_map(|it| &it.quotes);
        quotes.any(|it| Some(&it.file) == boot.file.as_ref() && Some(it.line) == boot.line)
    };
    let unclean = report.boots.iter().filter(|it| it.ended == BootEnd::Unclean);
    // what the symptoms quote needs no second quote
    let unclean: Vec<_> = unclean.filter(|it| page.verbose() || !cited(it)).collect();
    if unclean.is_empty() {
        return;
    }
    page.heading("boots that did not end in order");
    let shown = if page.verbose() { usize::MAX } else { LISTED };
    for it in unclean.iter().take(shown) {
        let when = calendar.show(&it.end).map(|it| format!(" ended {it}")).unwrap_or_default();
        let text = format!("{}{when}; its last line:", it.node);
        let entry = Entry {
            text: if it.text.is_some() { &text } else { text.trim_end_matches("; its last line:") },
            file: it.file.as_deref(),
            line: it.line,
            count: 1,
            quote: it.text.as_deref(),
            telling: Vec::new(),
        };
        page.entry((Ink::Plain, ""), 3, &entry);
    }
    more(page, 3, unclean.len(), shown);
}

fn cause_unknown(page: &mut Page, report: &Report) {
    let open = report.unexplained.len();
    let all = report.symptoms.len().max(open);
    page.gap();
    let names: Vec<String> = report.unexplained.iter().map(titled).collect();
    let title = match open {
        _ if all == 0 => "CAUSE UNKNOWN. No symptom is visible, and no hypothesis wins.".to_owned(),
        0 => {
            let visible = match all {
                1 => "the one symptom".to_owned(),
                2 => "both symptoms".to_owned(),
                _ => format!("all {all} symptoms"),
            };
            format!("CAUSE UNKNOWN. What comes closest would explain {visible}, but is not more than possible.")
        }
        // the symptoms stand below, each with its line
        _ if names.len() > NAMED && !page.verbose() => format!("CAUSE UNKNOWN. {open} of {all} symptoms unexplained."),
        _ => {
            let all = counted(all as u64, "symptom", "symptoms");
            format!("CAUSE UNKNOWN. {open} of {all} unexplained: {}", names.join(", "))
        }
    };
    page.title("", 0, &title, (Ink::Plain, ""));
    let empty = CauseUnknown::default();
    let unknown = report.cause_unknown.as_ref().unwrap_or(&empty);
    let hang = 29;
    let in_vain: Vec<String> = by_reason(&unknown.looked_for)
        .into_iter()
        .map(|(reason, what)| match &*reason {
            "" | IN_VAIN => some_of(&what, page.verbose()),
            _ => format!("{}: {reason}", some_of(&what, page.verbose())),
        })
        .collect();
    items(page, IN_VAIN, Ink::Strong, hang, &in_vain);
    let unseen = if page.verbose() { by_reason(&unknown.could_not_look) } else { by_source(&unknown.could_not_look) };
    let unseen: Vec<String> = unseen
        .iter()
        .map(|(reason, what)| (&**reason, what))
        .map(|(reason, what)| match reason {
            "" => some_of(what, page.verbose()),
            _ if what.len() > NAMED && !page.verbose() => {
                format!("{reason}  (for {} and {} more)", what[..NAMED - 1].join(", "), what.len() + 1 - NAMED)
            }
            _ => format!("{reason}  (for {})", some_of(what, page.verbose())),
        })
        .collect();
    items(page, "could not look", Ink::Strong, hang, &unseen);
    let closest: Vec<String> = unknown.closest.iter().map(|it| closest(report, it, page.verbose())).collect();
    items(page, "closest", Ink::Strong, hang, &closest);
    // why nobody could look is no thing to collect, and stands above
    let told = |it: &&Collect| unknown.could_not_look.iter().any(|told| told.reason == it.collect);
    let plan: Vec<String> = report
        .collect_plan
        .iter()
        .filter(|it| !told(it))
        .map(|it| {
            let rules = &it.decides;
            let purpose = if rules.is_empty() { String::new() } else { format!("  (for {})", some_of(rules, false)) };
            format!("{}{purpose}", to_collect(it.node.as_deref(), &it.collect))
        })
        .collect();
    items(page, "to decide next time", Ink::Good, hang, &plan);
}

/// The heading of what was asked and is not there; some reasons say no more than it.
const IN_VAIN: &str = "looked for and not found";
/// Symptoms that are named in a title.
const NAMED: usize = 3;

/// What nobody could look at, by what would have to be collected, the most asked for first; a few stay as they are.
fn by_source(list: &[Looked]) -> Vec<(Cow<'_, str>, Vec<String>)> {
    let exact = by_reason(list);
    if exact.len() <= NAMED {
        return exact;
    }
    let mut groups: Vec<(Cow<'_, str>, Vec<String>)> = Vec::new();
    for (reason, what) in exact {
        let source = wanted(&reason);
        match groups.iter_mut().find(|it| it.0 == source) {
            Some(group) => group.1.extend(what),
            None => groups.push((source.into(), what)),
        }
    }
    groups.sort_by_key(|it| std::cmp::Reverse(it.1.len()));
    groups
}

/// What was looked for, by the reason it was not found; reasons in the order they come.
fn by_reason(list: &[Looked]) -> Vec<(Cow<'_, str>, Vec<String>)> {
    let mut groups: Vec<(Cow<'_, str>, Vec<String>)> = Vec::new();
    for it in list {
        match groups.iter_mut().find(|group| group.0 == it.reason) {
            Some(group) => group.1.push(it.what.clone()),
            None => groups.push((it.reason.as_str().into(), vec![it.what.clone()])),
        }
    }
    groups
}

/// A hypothesis that came close; one that has its own block is not told twice.
fn closest(report: &Report, it: &HypothesisRef, all: bool) -> String {
    let listed = report.hypotheses.iter().find(|of| Some(of.rank) == it.rank);
    match listed.filter(|of| all || reads_first(report, of)) {
        Some(of) => format!("see {} [{}, {}]", of.rank, it.rule, it.band.name()),
        None => format!("{} [{}, {}]", it.title, it.rule, it.band.name()),
    }
}

fn healthy(page: &mut Page, calendar: &Calendar, report: &Report) {
    page.gap();
    let logs = logs(&report.coverage, calendar);
    if logs.is_empty() && report.coverage.relations.is_empty() {
        let title =
            "NOTHING TO LOOK AT. No log and no table was recognised in this bundle; `coroner inspect` shows why.";
        page.title("", 0, title, (Ink::Plain, ""));
        return;
    }
    let rules = counted(u64::from(report.rules_checked), "rule", "rules");
    // a rule without anything to look at found nothing, which is no good news
    let blind = report.not_assessable.len() as u64;
    let asked = match u64::from(report.rules_checked).saturating_sub(blind) {
        _ if blind == 0 => format!("{rules} asked"),
        asked => format!("{asked} of {rules} had something to look at"),
    };
    // the lines a suspicion stands on were seen, whatever it is short of
    let open = report.hypotheses.iter().filter(|it| it.band == Band::NotAssessable).count() as u64;
    let but = match open {
        0 => String::new(),
        open => format!(", but {} cannot be judged", counted(open, "suspicion", "suspicions")),
    };
    let part = if report.limits_hit.is_empty() { "" } else { " in the part that was read" };
    page.title("", 0, &format!("NOTHING WRONG FOUND{part}{but}. {asked}, no symptom seen."), (Ink::Plain, ""));
    let hang = 16;
    items(page, "logs", Ink::Strong, hang, &logs);
    let mut tables: Vec<String> = report.coverage.relations.iter().map(|it| it.relation.clone()).collect();
    tables.sort();
    tables.dedup();
    if !tables.is_empty() {
        page.prose((Ink::Strong, "   tables"), hang, &tables.join(", "));
    }
}

/// `kernel: node-07, node-08, 21:00:00 .. 22:13:40`
pub(crate) fn logs(coverage: &Coverage, calendar: &Calendar) -> Vec<String> {
    let mut names: Vec<&str> = coverage.sources.iter().map(|it| it.source.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let earliest = |a: &&Instant, b: &&Instant| a.lo.cmp(&b.lo);
    names
        .iter()
        .map(|name| {
            let of: Vec<_> = coverage.sources.iter().filter(|it| it.source == *name).collect();
            let mut nodes: Vec<String> = of.iter().filter_map(|it| it.node.clone()).collect();
            nodes.sort();
            nodes.dedup();
            let lines: u64 = of.iter().map(|it| it.lines).sum();
            let unknown = Instant::default();
            let first = of.iter().map(|it| &it.first).filter(|it| it.lo.is_some()).min_by(earliest);
            let last = of.iter().map(|it| &it.last).filter(|it| it.lo.is_some()).max_by(earliest);
            let when = calendar.stretch(first.unwrap_or(&unknown), last.unwrap_or(&unknown));
            let nodes = if nodes.is_empty() { String::new() } else { format!(" of {}", some_of(&nodes, false)) };
            let when = when.map(|it| format!(", {it}")).unwrap_or_default();
            let lines = if lines == 0 { "not a line".to_owned() } else { counted(lines, "line", "lines") };
            format!("{name}{nodes}: {lines}{when}")
        })
        .collect()
}

fn last_line(page: &mut Page, report: &Report) {
    let coverage = &report.coverage;
    let count = |outcome| coverage.members.iter().filter(|it| it.outcome == outcome).count() as u64;
    let mut parts = vec![
        format!("read {} in {}", bytes(coverage.bytes), counted(coverage.members.len() as u64, "file", "files")),
        format!("{} not recognised", count(crate::MemberOutcome::NotRecognised)),
    ];
    let skipped = count(crate::MemberOutcome::Skipped);
    if skipped > 0 {
        parts.push(format!("{skipped} not read"));
    }
    let odd = coverage.lines.saturating_sub(coverage.understood);
    parts.push(format!("{} of lines not understood", percent(odd, coverage.lines)));
    parts.push(counted(u64::from(report.rules_checked), "rule", "rules"));
    page.gap();
    page.line(&[(Ink::Faint, &parts.join(" · "))]);
}
