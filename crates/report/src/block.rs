//! A hypothesis on a page: what happened step by step, what else speaks for and against it, what to do.

use crate::list::{LISTED, items, some_items, some_of};
use crate::page::{Entry, Ink, Page, chars};
use crate::when::{Calendar, Days};
use crate::{Answer, Band, Evidence, Hypothesis, HypothesisRef, Link, Missing, Order, Polarity, SymptomRef, Witness};

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
    page.forget_quotes();
    let rank = it.rank.to_string();
    page.title(&rank, chars(&rank) + 2, &it.title, (band_ink(it.band), &band_word(it.band)));
    if page.verbose() {
        page.prose((Ink::Plain, ""), 3, &format!("rule {}, {:+.1} dB", it.rule, it.score_db));
    }
    if !it.impact.is_empty() {
        page.prose((Ink::Plain, ""), 3, &it.impact);
    }
    let widest = it.chain.iter().filter_map(|it| calendar.beside(&it.at)).map(|it| chars(&it)).max().unwrap_or(0);
    let hang = 3 + widest.max("fix later".len()) + 3;
    chain(page, calendar, it, hang);

    let in_chain = |evidence: &&Evidence| it.chain.iter().any(|link| says_the_same(link, evidence));
    let of =
        |polarity, value| it.evidence.iter().filter(move |it: &&Evidence| it.polarity == polarity && it.value == value);
    let verbose = page.verbose();
    for (word, polarity) in [("also", Polarity::For), ("given", Polarity::Context)] {
        let mut word = word;
        for evidence in of(polarity, Answer::True).filter(|of| !in_chain(of) && (verbose || !says_nothing(it, of))) {
            entry(page, (Ink::Strong, word), hang, evidence);
            word = "";
        }
    }
    against(page, it, hang);
    for bug in &it.known_bugs {
        page.prose((Ink::Strong, "   known bug"), hang, &known_bug(bug));
    }
    if !it.tied_with.is_empty() {
        let ranks: Vec<String> = it.tied_with.iter().map(|it| format!("#{it}")).collect();
        let words = format!("level with {}: nothing here tells them apart", ranks.join(", "));
        page.prose((Ink::Doubtful, "   tied"), hang, &words);
    }
    if let Some(reason) = &it.why_not_first {
        page.entry((Ink::Strong, "   not first"), hang, &reason_entry(reason));
    }
    missing(page, it, hang);
    let hinges: Vec<String> = it.decisive.iter().take(if page.verbose() { 4 } else { 1 }).map(decisive).collect();
    items(page, "hinges on", Ink::Strong, hang, &hinges);
    items(page, "fix now", Ink::Good, hang, &it.fix.now);
    items(page, "fix later", Ink::Good, hang, &it.fix.later);
    if !it.includes.is_empty() {
        items(page, "includes", Ink::Strong, hang, &it.includes.iter().map(reference).collect::<Vec<_>>());
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

/// `LP#1655842: allocations …; kernel 4.4.0-59 has it, fixed in 4.4.0-63 (2017-02)`
fn known_bug(it: &crate::KnownBug) -> String {
    let names = if it.ids.is_empty() { it.bug.clone() } else { it.ids.join(", ") };
    let here = match (&it.version, it.affected) {
        (Some(version), Answer::True) => format!("{} {version} has it", it.component),
        (Some(version), _) => format!("{} {version} has it unless its vendor took the fix", it.component),
        (None, _) => format!("the version of {} was not collected", it.component),
    };
    let fixed = match (&it.fixed, &it.fixed_on) {
        (Some(version), Some(on)) => format!(", fixed in {version} ({on})"),
        (Some(version), None) => format!(", fixed in {version}"),
        (None, Some(on)) => format!(", fixed {on}"),
        (None, None) => ", no fixed version is known".to_owned(),
    };
    let workaround = it.workaround.as_ref().map_or_else(String::new, |it| format!("; or {it}"));
    format!("{names}: {}; {here}{fixed}{workaround}", it.title)
}

/// `without leaker: possible, and bgp-session-lost would come first`
fn decisive(it: &crate::Decisive) -> String {
    let if_so = match it.supposed {
        Answer::Unknown => format!("without {}", it.clause),
        Answer::True => format!("if {} held", it.clause),
        Answer::False => format!("if {} did not hold", it.clause),
    };
    let first = it.first.as_ref().map_or_else(String::new, |it| format!(", and {it} would come first"));
    format!("{if_so}: {}{first}", it.band.name().replace('-', " "))
}

/// Whether evidence is told by a step of the chain: the clause itself, or the same words of the same line.
fn says_the_same(link: &Link, evidence: &Evidence) -> bool {
    let same_place = link.file.is_some() && link.file == evidence.file && link.line == evidence.line;
    link.clause == evidence.clause || (same_place && link.text == evidence.why)
}

/// Whether a row has no words but the name of its table, and stands in a line that was quoted for what it says.
fn says_nothing(of: &Hypothesis, evidence: &Evidence) -> bool {
    let place = (&evidence.file, evidence.line);
    let told = of.chain.iter().any(|it| (&it.file, it.line) == place);
    let bare = !evidence.why.contains(' ') && evidence.why.contains('.');
    evidence.polarity == Polarity::Context && bare && evidence.file.is_some() && told
}

fn chain(page: &mut Page, calendar: &Calendar, it: &Hypothesis, hang: usize) {
    let mut days = Days::new(calendar);
    for (at, link) in it.chain.iter().enumerate() {
        days.turn(page, &link.at);
        let mark = match link.order.filter(|_| at > 0) {
            None => "   ",
            Some(Order::Before) => " ↓ ",
            Some(Order::Unknown) => " ┊ ",
            Some(Order::After) => " ✗ ",
        };
        let label = format!("{mark}{}", calendar.beside(&link.at).unwrap_or_else(|| "no time".to_owned()));
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
    // of a symptom all that was seen on the node is one step
    let symptom = |link: &Link| it.explains.iter().any(|it| it.symptom == link.clause);
    let early = |of_symptom| it.chain.iter().any(|it| it.order == Some(Order::After) && symptom(it) == of_symptom);
    if has(Order::Unknown) {
        page.prose((Ink::Plain, ""), hang, "┊ which came first cannot be told");
    }
    if early(false) {
        page.prose((Ink::Plain, ""), hang, "✗ came before the step above it, which contradicts the chain");
    }
    if early(true) {
        let words = "✗ a symptom that was seen before the step above it as well: not all of it can be its effect";
        page.prose((Ink::Plain, ""), hang, words);
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

/// What speaks against it, what would and was looked for, and what nobody can tell.
fn against(page: &mut Page, it: &Hypothesis, hang: usize) {
    let of = |polarity, value| it.evidence.iter().filter(move |it| it.polarity == polarity && it.value == value);
    let mut label = (Ink::Bad, "   against");
    for evidence in of(Polarity::Against, Answer::True) {
        entry(page, (label.0, label.1.trim_start()), hang, evidence);
        label.1 = "";
    }
    let expected: Vec<&Evidence> = of(Polarity::For, Answer::False).collect();
    sentences(page, &mut label, hang, EXPECTED, &expected);
    if !label.1.is_empty() {
        page.prose((Ink::Strong, label.1), hang, "nothing found");
        label.1 = "";
    }
    sentences(page, &mut label, hang, NOT_THERE, &of(Polarity::Against, Answer::False).collect::<Vec<_>>());
    // what the list of the missing asks for is open for the reason that stands there
    let asked = |evidence: &&Evidence| {
        let same = |of: &Missing| of.clause == evidence.clause || evidence.why.ends_with(&format!(": {}", of.reason));
        it.missing.iter().any(same)
    };
    let open = of(Polarity::For, Answer::Unknown).filter(|it| !asked(it));
    let open: Vec<&Evidence> = of(Polarity::Against, Answer::Unknown).chain(open).collect();
    sentences(page, &mut label, hang, "could not be checked", &open);
    if it.evidence.is_empty() && it.chain.is_empty() {
        page.prose((Ink::Doubtful, "   evidence"), hang, "none is cited");
    }
}

const EXPECTED: &str = "expected, and not there";
const NOT_THERE: &str = "looked for and not there";

/// One item behind its heading; more of them one a line below it.
fn sentences(page: &mut Page, label: &mut (Ink, &str), hang: usize, heading: &str, items: &[&Evidence]) {
    let mut words: Vec<(String, &Evidence)> = Vec::new();
    for it in items {
        let sentence = sentence(it, heading);
        if !words.iter().any(|it| it.0 == sentence) {
            words.push((sentence, it));
        }
    }
    let below = if words.len() > 1 { 2 } else { 0 };
    if below > 0 {
        page.prose(*label, hang, &format!("{heading}:"));
        label.1 = "";
    }
    for (sentence, it) in words {
        let text = if below > 0 { sentence } else { format!("{heading}: {sentence}") };
        // the line that says otherwise is worth its room only where it speaks against the hypothesis
        if heading == EXPECTED {
            let word = label.1.trim_start();
            entry(page, (label.0, word), hang + below, &Evidence { why: text, ..it.clone() });
        } else {
            page.prose(*label, hang + below, &text);
        }
        label.1 = "";
    }
}

/// What an item says, without the reason where the heading gives it.
fn sentence(it: &Evidence, heading: &str) -> String {
    let text = if it.why.is_empty() { &it.clause } else { &it.why };
    let bare = text.strip_suffix(": looked for and not found").filter(|_| heading != "could not be checked");
    bare.unwrap_or(text).to_owned()
}

/// What is asked for on a first reading where nothing of a hypothesis could be judged.
const UNKNOWN_WANTED: usize = 2;

pub(crate) fn missing(page: &mut Page, it: &Hypothesis, hang: usize) {
    let verbose = page.verbose();
    let mut wanted: Vec<_> = it.missing.iter().collect();
    wanted.sort_by(|a, b| b.would_add_db.total_cmp(&a.would_add_db));
    // one thing to collect may decide several clauses
    let mut things: Vec<(&Missing, Vec<String>)> = Vec::new();
    for it in wanted {
        let clause = if verbose { format!("{}, {:+.0} dB", it.clause, it.would_add_db) } else { it.clause.clone() };
        let same = |of: &Missing| of.collect == it.collect && of.node == it.node && of.reason == it.reason;
        match things.iter_mut().find(|thing| same(thing.0)) {
            Some(thing) => thing.1.push(clause),
            None => things.push((it, vec![clause])),
        }
    }
    let text = |(it, clauses): &(&Missing, Vec<String>)| {
        let reason = if it.reason.is_empty() { String::new() } else { format!("; {}", it.reason) };
        let thing = to_collect(it.node.as_deref(), &it.collect);
        format!("{thing}  (decides {}{reason})", clauses.join(", "))
    };
    let texts: Vec<String> = things.iter().map(text).collect();
    // nobody knows yet whether it matters, so the two that would tell most
    let shown = if it.band == Band::NotAssessable { UNKNOWN_WANTED } else { LISTED };
    some_items(page, "missing", Ink::Doubtful, hang, &texts, shown);
}

/// `on node-07: ps -eLf | wc -l`; a command that names the node by itself needs no other word.
pub(crate) fn to_collect(node: Option<&str>, collect: &str) -> String {
    let part_of_name = |it: char| it.is_alphanumeric() || "-._".contains(it);
    match node {
        Some(node) if !collect.split(|it| !part_of_name(it)).any(|it| it == node) => format!("on {node}: {collect}"),
        _ => collect.to_owned(),
    }
}

fn reference(it: &HypothesisRef) -> String {
    let rank = it.rank.map(|it| format!("{it}. ")).unwrap_or_default();
    format!("{rank}{} [{}]", it.title, it.rule)
}

pub(crate) fn symptom_name(it: &SymptomRef) -> String {
    if it.nodes.is_empty() { it.symptom.clone() } else { format!("{} ({})", it.symptom, some_of(&it.nodes, false)) }
}
