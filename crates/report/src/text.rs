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

use crate::page::{Entry, Ink, Look, Page, bytes, chars, counted, percent};
use crate::when::Calendar;
use crate::{
    Answer, Band, BootEnd, CauseUnknown, Clock, Coverage, Evidence, Hypothesis, HypothesisRef, Instant, Looked, Order,
    Polarity, Report, Symptom, SymptomRef, Verdict, Witness,
};

/// Items of a list on a first reading.
const LISTED: usize = 8;

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
    found.extend(report.boots.iter().filter(|it| it.ended == BootEnd::Unclean).map(|it| &it.end));
    found.extend(report.coverage.gaps.iter().flat_map(|it| [&it.from, &it.to]));
    if report.verdict == Verdict::Healthy {
        found.extend(report.coverage.sources.iter().flat_map(|it| [&it.first, &it.last]));
    }
    found
}

fn band_ink(band: Band) -> Ink {
    match band {
        Band::Confirmed => Ink::Bad,
        Band::Likely => Ink::Doubtful,
        Band::Possible => Ink::Strong,
        Band::RuledOut | Band::NotAssessable => Ink::Faint,
    }
}

fn band_word(band: Band) -> String {
    band.name().to_uppercase().replace('-', " ")
}

fn block(page: &mut Page, calendar: &Calendar, it: &Hypothesis) {
    page.gap();
    let rank = it.rank.to_string();
    page.title(&rank, chars(&rank) + 2, &it.title, (band_ink(it.band), &band_word(it.band)));
    if page.verbose() {
        page.prose((Ink::Plain, ""), 3, &format!("rule {}, {:+.1} dB", it.rule, it.score_db));
    }
    if !it.impact.is_empty() {
        page.prose((Ink::Plain, ""), 3, &it.impact);
    }
    let widest = it.chain.iter().filter_map(|it| calendar.show(&it.at)).map(|it| chars(&it)).max().unwrap_or(0);
    let hang = 3 + widest.max("fix later".len()) + 3;
    chain(page, calendar, it, hang);

    let in_chain = |evidence: &&Evidence| it.chain.iter().any(|link| link.clause == evidence.clause);
    let of =
        |polarity, value| it.evidence.iter().filter(move |it: &&Evidence| it.polarity == polarity && it.value == value);
    for (word, polarity) in [("also", Polarity::For), ("given", Polarity::Context)] {
        let mut word = word;
        for evidence in of(polarity, Answer::True).filter(|it| !in_chain(it)) {
            entry(page, (Ink::Strong, word), hang, evidence);
            word = "";
        }
    }
    against(page, it, hang, &of);
    if let Some(reason) = &it.why_not_first {
        page.entry((Ink::Strong, "   not first"), hang, &reason_entry(reason));
    }
    missing(page, it, hang);
    items(page, "fix now", Ink::Good, hang, &it.fix.now);
    items(page, "fix later", Ink::Good, hang, &it.fix.later);
    if !it.includes.is_empty() {
        items(page, "leads to", Ink::Strong, hang, &it.includes.iter().map(reference).collect::<Vec<_>>());
    }
    if let Some(cause) = &it.caused_by {
        items(page, "caused by", Ink::Strong, hang, &[reference(cause)]);
    }
    if !it.explains.is_empty() {
        let names: Vec<String> = it.explains.iter().map(symptom_name).collect();
        page.prose((Ink::Strong, "   explains"), hang, &some_of(&names, page.verbose()));
    }
    if it.witness == Witness::Differs {
        page.prose(
            (Ink::Doubtful, "   doubt"),
            hang,
            "the cited lines alone do not lead here; do not rely on them alone",
        );
    }
    if page.verbose() {
        items(page, "read", Ink::Strong, hang, &it.refs);
    }
}

fn chain(page: &mut Page, calendar: &Calendar, it: &Hypothesis, hang: usize) {
    for (at, link) in it.chain.iter().enumerate() {
        let mark = match link.order.filter(|_| at > 0) {
            None => "   ",
            Some(Order::Before) => " ↓ ",
            Some(Order::Unknown) => " ┊ ",
            Some(Order::After) => " ✗ ",
        };
        let label = format!("{mark}{}", calendar.show(&link.at).unwrap_or_else(|| "no time".to_owned()));
        let evidence = it.evidence.iter().find(|it| it.clause == link.clause);
        page.entry(
            (Ink::Time, &label),
            hang,
            &Entry {
                text: &link.text,
                file: link.file.as_deref().or(evidence.and_then(|it| it.file.as_deref())),
                line: link.line.or(evidence.and_then(|it| it.line)),
                count: if link.quote.is_some() { link.count } else { evidence.map_or(link.count, |it| it.count) },
                quote: link.quote.as_deref().or(evidence.and_then(|it| it.text.as_deref())),
                telling: telling(&link.text, it),
            },
        );
    }
    let has = |order| it.chain.iter().any(|it| it.order == Some(order));
    if has(Order::Unknown) {
        page.prose((Ink::Plain, ""), hang, "┊ the clocks cannot tell which came first");
    }
    if has(Order::After) {
        page.prose((Ink::Plain, ""), hang, "✗ came before the step above it, which contradicts the chain");
    }
}

fn telling<'t>(text: &'t str, it: &'t Hypothesis) -> Vec<&'t str> {
    std::iter::once(text).chain(it.bindings.values().map(String::as_str)).collect()
}

fn entry(page: &mut Page, (ink, word): (Ink, &str), hang: usize, it: &Evidence) {
    let weight = if page.verbose() { format!(" ({:+.0} dB)", it.weight_db) } else { String::new() };
    let text = format!("{}{weight}", if it.why.is_empty() { &it.clause } else { &it.why });
    let entry = Entry {
        text: &text,
        file: it.file.as_deref(),
        line: it.line,
        count: it.count,
        quote: it.text.as_deref(),
        telling: vec![&it.why],
    };
    let label = if word.is_empty() { String::new() } else { format!("   {word}") };
    page.entry((ink, &label), hang, &entry);
}

fn reason_entry(reason: &crate::Reason) -> Entry<'_> {
    Entry {
        text: &reason.why,
        file: reason.file.as_deref(),
        line: reason.line,
        count: 1,
        quote: reason.text.as_deref(),
        telling: vec![&reason.why],
    }
}

fn against<'h, I>(page: &mut Page, it: &Hypothesis, hang: usize, of: &impl Fn(Polarity, Answer) -> I)
where
    I: Iterator<Item = &'h Evidence>,
{
    let mut word = "against";
    for evidence in of(Polarity::Against, Answer::True) {
        entry(page, (Ink::Bad, word), hang, evidence);
        word = "";
    }
    for evidence in of(Polarity::For, Answer::False) {
        let expected = Evidence { why: format!("expected, and not there: {}", meaning(evidence)), ..evidence.clone() };
        entry(page, (Ink::Bad, word), hang, &expected);
        word = "";
    }
    let label = if word.is_empty() { "" } else { "   against" };
    let nothing = if word.is_empty() { "" } else { "nothing found" };
    let asked: Vec<String> = of(Polarity::Against, Answer::False).map(meaning).collect();
    let open: Vec<String> = of(Polarity::Against, Answer::Unknown).map(meaning).collect();
    let mut parts = vec![nothing.to_owned()];
    if !asked.is_empty() {
        parts.push(format!("looked for and not there: {}", asked.join("; ")));
    }
    if !open.is_empty() {
        parts.push(format!("could not be checked: {}", open.join("; ")));
    }
    parts.retain(|it| !it.is_empty());
    for (at, part) in parts.iter().enumerate() {
        page.prose((Ink::Strong, if at == 0 { label } else { "" }), hang, part);
    }
    if it.evidence.is_empty() && it.chain.is_empty() {
        page.prose((Ink::Doubtful, "   evidence"), hang, "none is cited");
    }
}

fn meaning(it: &Evidence) -> String {
    if it.why.is_empty() { it.clause.clone() } else { it.why.clone() }
}

fn missing(page: &mut Page, it: &Hypothesis, hang: usize) {
    let verbose = page.verbose();
    let mut wanted: Vec<_> = it.missing.iter().collect();
    wanted.sort_by(|a, b| b.would_add_db.total_cmp(&a.would_add_db));
    let texts: Vec<String> = wanted
        .iter()
        .map(|it| {
            let place = it.node.as_ref().map(|it| format!("on {it}: ")).unwrap_or_default();
            let reason = if it.reason.is_empty() { String::new() } else { format!(": {}", it.reason) };
            let weight = if verbose { format!(", {:+.0} dB", it.would_add_db) } else { String::new() };
            format!("{place}{}  (would decide {}{weight}{reason})", it.collect, it.clause)
        })
        .collect();
    items(page, "missing", Ink::Doubtful, hang, &texts);
}

/// One item a line under one label; on a first reading the first few.
fn items(page: &mut Page, word: &str, ink: Ink, hang: usize, texts: &[String]) {
    let shown = if page.verbose() { texts.len() } else { LISTED };
    let first = format!("   {word}");
    for (at, text) in texts.iter().take(shown).enumerate() {
        page.prose((ink, if at == 0 { &first } else { "" }), hang, text);
    }
    more(page, hang, texts.len(), shown);
}

fn more(page: &mut Page, hang: usize, all: usize, shown: usize) {
    if all > shown {
        page.prose((Ink::Plain, ""), hang, &format!("… and {} more, see -v", all - shown));
    }
}

fn some_of(names: &[String], all: bool) -> String {
    let shown = if all { names.len() } else { LISTED };
    let mut text = names.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > shown {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}

fn reference(it: &HypothesisRef) -> String {
    let rank = it.rank.map(|it| format!("{it}. ")).unwrap_or_default();
    format!("{rank}{} [{}]", it.title, it.rule)
}

fn symptom_name(it: &SymptomRef) -> String {
    if it.nodes.is_empty() { it.symptom.clone() } else { format!("{} ({})", it.symptom, some_of(&it.nodes, false)) }
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
    let widest = report.symptoms.iter().filter_map(|it| calendar.show(&it.at)).map(|it| chars(&it)).max();
    let hang = 3 + widest.unwrap_or(0).max("no time".len()) + 3;
    let label = |it: &Symptom| format!("   {}", calendar.show(&it.at).unwrap_or_else(|| "no time".to_owned()));
    for it in &open {
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
        let by: Vec<String> = it.explained_by.iter().map(explainer).collect();
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

/// The number of a hypothesis, or its rule where it has none.
fn explainer(it: &HypothesisRef) -> String {
    it.rank.map_or_else(|| it.rule.clone(), |it| it.to_string())
}

fn titled(it: &SymptomRef) -> String {
    if it.title.is_empty() { symptom_name(it) } else { it.title.clone() }
}

fn boots(page: &mut Page, calendar: &Calendar, report: &Report) {
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

/// How far the bundle and its clocks can be trusted.
fn trust(page: &mut Page, calendar: &Calendar, report: &Report) {
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

fn cause_unknown(page: &mut Page, report: &Report) {
    let open = report.unexplained.len();
    let all = report.symptoms.len().max(open);
    page.gap();
    let names: Vec<String> = report.unexplained.iter().map(titled).collect();
    let list = if names.is_empty() { String::new() } else { format!(": {}", some_of(&names, page.verbose())) };
    let title = if all == 0 {
        "CAUSE UNKNOWN. No symptom is visible, and no hypothesis wins.".to_owned()
    } else {
        format!("CAUSE UNKNOWN. {open} of {} unexplained{list}", counted(all as u64, "symptom", "symptoms"))
    };
    page.title("", 0, &title, (Ink::Plain, ""));
    let empty = CauseUnknown::default();
    let unknown = report.cause_unknown.as_ref().unwrap_or(&empty);
    let hang = 29;
    let words = |list: &[Looked]| -> Vec<String> {
        let reason = |it: &Looked| if it.reason.is_empty() { String::new() } else { format!(" ({})", it.reason) };
        list.iter().map(|it| format!("{}{}", it.what, reason(it))).collect()
    };
    items(page, "looked for and not found", Ink::Strong, hang, &words(&unknown.looked_for));
    items(page, "could not look", Ink::Strong, hang, &words(&unknown.could_not_look));
    let closest: Vec<String> =
        unknown.closest.iter().map(|it| format!("{} [{}, {}]", it.title, it.rule, it.band.name())).collect();
    items(page, "closest", Ink::Strong, hang, &closest);
    let plan: Vec<String> = report
        .collect_plan
        .iter()
        .map(|it| {
            let place = it.node.as_ref().map(|it| format!("on {it}: ")).unwrap_or_default();
            let rules = &it.decides;
            let purpose = if rules.is_empty() { String::new() } else { format!("  (for {})", some_of(rules, false)) };
            format!("{place}{}{purpose}", it.collect)
        })
        .collect();
    items(page, "to decide next time", Ink::Good, hang, &plan);
}

fn healthy(page: &mut Page, calendar: &Calendar, report: &Report) {
    page.gap();
    let rules = counted(u64::from(report.rules_checked), "rule", "rules");
    page.title("", 0, &format!("NOTHING WRONG FOUND. {rules} asked, no symptom seen."), (Ink::Plain, ""));
    let hang = 16;
    let logs = logs(&report.coverage, calendar);
    items(page, "logs", Ink::Strong, hang, &logs);
    let mut tables: Vec<String> = report.coverage.relations.iter().map(|it| it.relation.clone()).collect();
    tables.sort();
    tables.dedup();
    if !tables.is_empty() {
        page.prose((Ink::Strong, "   tables"), hang, &tables.join(", "));
    }
    if logs.is_empty() && tables.is_empty() {
        page.prose((Ink::Bad, "   looked at"), hang, "nothing: no log and no table was recognised in this bundle");
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
            format!("{name}{nodes}: {}{when}", counted(lines, "line", "lines"))
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
