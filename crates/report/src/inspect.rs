//! An inspection as text: what is in the bundle and how each file was understood.
//!
//! ```text
//! files
//!    format       node      lines  understood    bytes  first .. last             path
//!    kubelet-log  node-07   20411     99.9 %    2.1 MB  21:00:00 .. 22:13:40      node-07/journal_kubelet.txt
//! ```

use crate::care::{NO_NODE, Note, care, clock_words, coverage_notes, limit_notes, walls};
use crate::clocks::{end_words, skew_words};
use crate::list::LISTED;
use crate::page::{Ink, Look, Page, bytes, chars, clean, counted, percent};
use crate::partial::{below, root};
use crate::text::logs;
use crate::when::Calendar;
use crate::{Coverage, Inspection, Member, MemberOutcome};

/// The inspection as text.
#[must_use]
pub fn inspection_text(it: &Inspection, look: &Look) -> String {
    let mut page = Page::new(look);
    let members = it.coverage.members.iter().flat_map(|it| [&it.first, &it.last]);
    let sources = it.coverage.sources.iter().flat_map(|it| [&it.first, &it.last]);
    let boots = it.boots.iter().flat_map(|it| [&it.start, &it.end]);
    let gaps = it.coverage.gaps.iter().flat_map(|it| [&it.from, &it.to]);
    let calendar = Calendar::of(members.chain(sources).chain(boots).chain(gaps));
    page.line(&[(Ink::Strong, &it.case), (Ink::Faint, &format!("   {}", calendar.legend()))]);

    bundles(&mut page, it);
    nodes(&mut page, it);
    boot_lines(&mut page, it, &calendar);
    files(&mut page, &it.coverage, &calendar);
    tables(&mut page, &it.coverage);
    let logs = logs(&it.coverage, &calendar);
    if !logs.is_empty() {
        page.heading("logs");
        for log in &logs {
            page.prose((Ink::Plain, ""), 3, log);
        }
    }
    notes(&mut page, it, &calendar);
    totals(&mut page, &it.coverage);
    page.done()
}

fn bundles(page: &mut Page, it: &Inspection) {
    if it.bundles.is_empty() {
        return;
    }
    page.heading("layout");
    let widest = it.bundles.iter().map(|it| chars(&it.layout)).max().unwrap_or(0);
    for bundle in &it.bundles {
        let mut words = format!("{}, {}", bundle.name, counted(bundle.files, "file", "files"));
        let shown = if page.verbose() { usize::MAX } else { LISTED };
        for part in bundle.parts.iter().take(shown) {
            words.push_str(&format!("; {} in {}", part.layout, part.folder));
        }
        let more = bundle.parts.len().saturating_sub(shown);
        if more > 0 {
            words.push_str(&format!("; … and {}", counted(more as u64, "more part", "more parts")));
        }
        page.prose((Ink::Strong, &format!("   {}", bundle.layout)), widest + 6, &words);
    }
}

fn nodes(page: &mut Page, it: &Inspection) {
    page.heading("nodes and their clocks");
    let widest = it.nodes.iter().map(|it| chars(&clean(&it.name))).max().unwrap_or(0).min(40);
    for node in &it.nodes {
        let mut words = Vec::new();
        if !node.aliases.is_empty() {
            words.push(format!("also {}", node.aliases.join(", ")));
        }
        let own = it.clocks.iter().filter(|clock| clock.node.as_deref() == Some(node.name.as_str()));
        words.extend(walls(own));
        let skews = it.clock_findings.skews.iter().filter(|it| it.node == node.name && it.used != "together");
        words.extend(skews.map(skew_words));
        page.prose((Ink::Strong, &format!("   {}", clean(&node.name))), widest + 6, &words.join("; "));
    }
    if it.nodes.is_empty() {
        page.prose((Ink::Plain, ""), 3, "no node is named in this bundle");
    }
    let known = |node: &str| it.nodes.iter().any(|it| it.name == node);
    for clock in it.clocks.iter().filter(|it| !it.node.as_deref().is_some_and(known)) {
        if let Some(words) = clock_words(clock) {
            let whose = clock.node.as_deref().unwrap_or(NO_NODE);
            page.prose((Ink::Plain, ""), 3, &format!("{whose}: {words}"));
        }
    }
}

fn boot_lines(page: &mut Page, it: &Inspection, calendar: &Calendar) {
    if it.boots.is_empty() {
        return;
    }
    page.heading("boots");
    for boot in &it.boots {
        let when = calendar.stretch(&boot.start, &boot.end).unwrap_or_else(|| "no time".to_owned());
        let id = boot.boot_id.as_ref().map(|it| format!(", boot {it}")).unwrap_or_default();
        let (ink, ended) = end_words(boot.ended);
        page.line(&[
            (Ink::Plain, "   "),
            (Ink::Strong, &boot.node),
            (Ink::Plain, &format!("  {when}  ")),
            (ink, ended),
            (Ink::Faint, &id),
        ]);
    }
}

fn files(page: &mut Page, coverage: &Coverage, calendar: &Calendar) {
    if coverage.members.is_empty() {
        return;
    }
    page.heading("files");
    // what all paths begin with is said once; archives hold their files in any order
    let root = root(coverage);
    let path = if root.is_empty() { "path".to_owned() } else { format!("path below {}", clean(root)) };
    let [format, node, lines, understood, bytes, when] =
        ["format", "node", "lines", "understood", "bytes", "first .. last"].map(ToOwned::to_owned);
    let head = [format, node, lines, understood, bytes, when, path];
    let mut members: Vec<&Member> = coverage.members.iter().collect();
    members.sort_by(|a, b| a.path.cmp(&b.path));
    let rows: Vec<[String; 7]> = members.iter().map(|it| row(it, root, calendar)).collect();
    let widths: Vec<usize> =
        (0..6).map(|column| rows.iter().chain([&head]).map(|it| chars(&it[column])).max().unwrap_or(0)).collect();
    let laid = |row: &[String; 7]| {
        let mut line = String::from("   ");
        for (column, width) in widths.iter().enumerate() {
            let pad = " ".repeat(width - chars(&row[column]));
            // numbers stand under their last digit
            let cell = if (2..5).contains(&column) {
                format!("{pad}{}", row[column])
            } else {
                format!("{}{pad}", row[column])
            };
            line.push_str(&cell);
            line.push_str("  ");
        }
        line + &row[6]
    };
    page.line(&[(Ink::Faint, &laid(&head))]);
    for (row, member) in rows.iter().zip(members) {
        let ink = if member.outcome == MemberOutcome::Parsed { Ink::Plain } else { Ink::Faint };
        page.line(&[(ink, &laid(row))]);
        for (word, why) in [("cut", &member.truncated), ("because", &member.reason)] {
            if let Some(why) = why {
                page.prose((Ink::Doubtful, &format!("      {word}")), 16, why);
            }
        }
    }
}

fn row(it: &Member, root: &str, calendar: &Calendar) -> [String; 7] {
    let format = match it.outcome {
        MemberOutcome::Parsed => it.format.as_deref().unwrap_or("read"),
        MemberOutcome::NotRecognised => "(not recognised)",
        MemberOutcome::Skipped => "(not read)",
    };
    let parsed = it.outcome == MemberOutcome::Parsed;
    let share = if parsed && it.lines > 0 { percent(it.understood, it.lines) } else { String::new() };
    let lines = if parsed { it.lines.to_string() } else { String::new() };
    let when = calendar.stretch(&it.first, &it.last).unwrap_or_default();
    let path = clean(below(root, &it.path));
    [format.to_owned(), clean(it.node.as_deref().unwrap_or("")), lines, share, bytes(it.bytes), when, path]
}

fn tables(page: &mut Page, coverage: &Coverage) {
    let mut names: Vec<&str> = coverage.relations.iter().map(|it| it.relation.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    page.heading("tables");
    let hang = names.iter().map(|it| chars(it)).max().unwrap_or(0) + 6;
    for name in names {
        let of: Vec<_> = coverage.relations.iter().filter(|it| it.relation == name).collect();
        let mut whose: Vec<&str> = of.iter().map(|it| it.node.as_deref().unwrap_or("the cluster")).collect();
        whose.sort_unstable();
        whose.dedup();
        page.prose((Ink::Strong, &format!("   {name}")), hang, &whose.join(", "));
    }
}

fn notes(page: &mut Page, it: &Inspection, calendar: &Calendar) {
    let root = root(&it.coverage);
    // a cut file says so in its own row
    let mut notes: Vec<Note> =
        coverage_notes(&it.coverage, calendar, root).into_iter().filter(|it| it.word != "cut").collect();
    notes.extend(limit_notes(&it.limits_hit, root));
    // of many places with one thing wrong the first stands for all
    let mut kinds: Vec<(&crate::Issue, u64)> = Vec::new();
    for issue in &it.coverage.issues {
        match kinds.iter_mut().find(|it| !page.verbose() && it.0.what == issue.what) {
            Some((_, count)) => *count += 1,
            None => kinds.push((issue, 1)),
        }
    }
    let shown = if page.verbose() { kinds.len() } else { LISTED - 1 };
    notes.extend(kinds.iter().take(shown).map(|(it, count)| {
        let line = it.line.map(|it| format!(":{it}")).unwrap_or_default();
        let like = if *count > 1 { format!(" (+{} like it)", count - 1) } else { String::new() };
        Note::new("unread", format!("{}{line}: {}{like}", below(root, &it.file), it.what))
    }));
    let told: u64 = kinds.iter().take(shown).map(|it| it.1).sum();
    let more = it.coverage.issues_count.saturating_sub(told);
    if more > 0 {
        notes.push(Note::new("unread", format!("… and {}", counted(more, "more place", "more places"))));
    }
    care(page, root, &notes);
}

fn totals(page: &mut Page, coverage: &Coverage) {
    let count = |outcome| coverage.members.iter().filter(|it| it.outcome == outcome).count() as u64;
    let files = |count| counted(count, "file", "files");
    let odd = coverage.lines.saturating_sub(coverage.understood);
    let lines = [
        (coverage.bytes_understood, format!("understood, {}", counted(coverage.understood, "line", "lines"))),
        (coverage.bytes_odd, format!("in {} that their format does not explain", counted(odd, "line", "lines"))),
        (
            coverage.bytes_not_recognised,
            format!("in {} of no known format", files(count(MemberOutcome::NotRecognised))),
        ),
        (coverage.bytes_skipped, format!("in {} not read", files(count(MemberOutcome::Skipped)))),
        (coverage.bytes, format!("in all, {}", files(coverage.members.len() as u64))),
    ];
    page.heading("bytes");
    let width = lines.iter().map(|it| it.0.to_string().len()).max().unwrap_or(0);
    for (number, words) in lines {
        page.line(&[(Ink::Plain, &format!("   {number:>width$}  {words}"))]);
    }
}
