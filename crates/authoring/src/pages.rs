//! A page for each rule, in Markdown, and the list of them.

use std::fmt::Write as _;

use coroner::RuleDoc;

/// A page below a folder of documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePage {
    /// `rules.md`, `rules/pid-max-exhausted.md`.
    pub path: String,
    /// Its Markdown.
    pub text: String,
}

/// The list of some rules, `rules.md`, and a page for each under `rules/`.
#[must_use]
pub fn rule_pages(rules: &[RuleDoc]) -> Vec<RulePage> {
    let mut list = String::from("# Rules\n\n`coroner explain RULE` shows one with all its clauses.\n");
    for (kind, about) in [
        ("cause", "What can have gone wrong."),
        ("symptom", "What is seen, whatever its cause; never the root of anything."),
    ] {
        let of_kind: Vec<&RuleDoc> = rules.iter().filter(|it| it.kind == kind).collect();
        if !of_kind.is_empty() {
            let _ = write!(list, "\n## {}{}s\n\n{about}\n\n", kind[..1].to_uppercase(), &kind[1..]);
        }
        for rule in of_kind {
            let _ = writeln!(list, "- [{}](rules/{}.md): {}", rule.name, rule.name, rule.title);
        }
    }
    let mut pages = vec![RulePage { path: "rules.md".to_owned(), text: list }];
    pages.extend(rules.iter().map(|it| RulePage { path: format!("rules/{}.md", it.name), text: page(it) }));
    pages
}

fn page(rule: &RuleDoc) -> String {
    let mut page = format!("# {}\n\n{}, {}: {}\n", rule.name, rule.kind, rule.status, rule.title);
    let mut paragraph = |text: &str| {
        if !text.is_empty() {
            let _ = write!(page, "\n{text}\n");
        }
    };
    paragraph(&rule.about);
    paragraph(&rule.impact);
    let clauses: Vec<String> = rule.clauses.iter().map(|(name, asks)| format!("- `{name}`: `{asks}`")).collect();
    paragraph(&format!("## What it looks at\n\n{}", clauses.join("\n")));
    paragraph(&format!("Asked only where there is: {}.", names(&rule.frame)));
    if !rule.weights.is_empty() {
        let row = |it: &coroner::report::Weight| {
            let side = if it.against { "against, " } else { "" };
            format!("| `{}` | {side}{} | {} |", cell(&it.when), it.weight, cell(&it.why))
        };
        let rows: Vec<String> = rule.weights.iter().map(row).collect();
        paragraph(&format!("| evidence | weight | meaning |\n| --- | --- | --- |\n{}", rows.join("\n")));
    }
    if !rule.chain.is_empty() {
        paragraph(&format!("From cause to symptom: {}.", rule.chain.join(" → ")));
    }
    if !rule.explains.is_empty() {
        paragraph(&format!("Accounts for {}.", names(&rule.explains)));
    }
    if !rule.missing.is_empty() {
        let rows: Vec<String> = rule.missing.iter().map(|(clause, how)| format!("- `{clause}`: {how}")).collect();
        paragraph(&format!("## To confirm it\n\n{}", rows.join("\n")));
    }
    for (heading, steps) in [("Now", &rule.fix.now), ("Later", &rule.fix.later)] {
        if !steps.is_empty() {
            paragraph(&format!("## {heading}\n\n- {}", steps.join("\n- ")));
        }
    }
    if !rule.refs.is_empty() {
        let links: Vec<String> = rule.refs.iter().map(|it| format!("- <{it}>")).collect();
        let plain = rule.refs.iter().any(|it| !it.starts_with("http"));
        let links = if plain { rule.refs.iter().map(|it| format!("- {it}")).collect() } else { links };
        paragraph(&format!("## See\n\n{}", links.join("\n")));
    }
    page
}

fn names(of: &[String]) -> String {
    of.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
