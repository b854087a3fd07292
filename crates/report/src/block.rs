//! A hypothesis on a page: what happened step by step, what else speaks for and against it, what to do.

use crate::list::{items, some_of};
use crate::page::{Entry, Ink, Page, chars};
use crate::when::Calendar;
use crate::{Answer, Band, Evidence, Hypothesis, HypothesisRef, Order, Polarity, SymptomRef, Witness};

pub(crate) fn band_ink(band: Band) -> Ink {
    match band {
        Band::Confirmed => Ink::Bad,
        Band::Likely => Ink::Doubtful,
        Band::Possible => Ink::Strong,
        Band::RuledOut | Band::NotAssessable => Ink::Faint,
    }
}

pub(crate) fn band_word(band: Band) -> String {
    band.name().to_uppercase().replace('-', " ")
}

pub(crate) fn block(page: &mut Page, calendar: &Calendar, it: &Hypothesis) {
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

pub(crate) fn entry(page: &mut Page, (ink, word): (Ink, &str), hang: usize, it: &Evidence) {
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

pub(crate) fn reason_entry(reason: &crate::Reason) -> Entry<'_> {
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

pub(crate) fn missing(page: &mut Page, it: &Hypothesis, hang: usize) {
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

fn reference(it: &HypothesisRef) -> String {
    let rank = it.rank.map(|it| format!("{it}. ")).unwrap_or_default();
    format!("{rank}{} [{}]", it.title, it.rule)
}

pub(crate) fn symptom_name(it: &SymptomRef) -> String {
    if it.nodes.is_empty() { it.symptom.clone() } else { format!("{} ({})", it.symptom, some_of(&it.nodes, false)) }
}
