//! A rule as documentation: what `explain` shows of it.

use serde::{Deserialize, Serialize};

use crate::Fix;
use crate::page::{Ink, Look, Page, chars, clean, counted};

/// A rule in words, as far as its file says them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleDoc {
    /// Kebab-case name.
    pub name: String,
    /// What it says when it fits; `{$node}` stands for what is found.
    pub title: String,
    /// cause, symptom or signal.
    pub kind: String,
    /// experimental, stable or deprecated.
    pub status: String,
    /// What it is about, in a sentence or two.
    pub about: String,
    /// What it does to users of the cluster.
    pub impact: String,
    /// The clauses by name, as they stand in the file.
    pub clauses: Vec<(String, String)>,
    /// What must hold for the question to be asked at all.
    pub frame: Vec<String>,
    /// How the clauses weigh.
    pub weights: Vec<Weight>,
    /// What led to what, the cause first.
    pub chain: Vec<String>,
    /// The symptoms it accounts for.
    pub explains: Vec<String>,
    /// What to collect for which clause.
    pub missing: Vec<(String, String)>,
    /// What to do.
    pub fix: Fix,
    /// Where to read more.
    pub refs: Vec<String>,
}

/// How one clause, or several together, weigh.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Weight {
    /// Whether it speaks against.
    pub against: bool,
    /// The clause or the expression over clauses.
    pub when: String,
    /// weak, moderate, strong, conclusive or excludes.
    pub weight: String,
    /// What it means.
    pub why: String,
}

/// A rule as a page.
#[must_use]
pub fn rule_text(rule: &RuleDoc, look: &Look) -> String {
    let mut page = Page::new(look);
    let word = [&rule.kind, &rule.status].iter().filter(|it| !it.is_empty()).map(|it| it.as_str()).collect::<Vec<_>>();
    page.title("", 0, &rule.name, (Ink::Faint, &word.join(", ")));
    for text in [&rule.title, &rule.about, &rule.impact] {
        if !text.is_empty() {
            page.prose((Ink::Plain, ""), 3, text);
        }
    }
    pairs(&mut page, "clauses", &rule.clauses);
    list(&mut page, "asked only where these hold", &rule.frame);
    for (heading, against) in [("speaks for it", false), ("speaks against it", true)] {
        let weights: Vec<(String, String)> = rule
            .weights
            .iter()
            .filter(|it| it.against == against)
            .map(|it| {
                let why = if it.why.is_empty() { String::new() } else { format!(": {}", it.why) };
                (it.weight.clone(), format!("{}{why}", it.when))
            })
            .collect();
        pairs(&mut page, heading, &weights);
    }
    if !rule.chain.is_empty() {
        page.heading("chain");
        page.prose((Ink::Plain, ""), 3, &rule.chain.join(" → "));
    }
    if !rule.explains.is_empty() {
        page.heading("explains");
        page.prose((Ink::Plain, ""), 3, &rule.explains.join(", "));
    }
    pairs(&mut page, "to collect where it is missing", &rule.missing);
    list(&mut page, "fix now", &rule.fix.now);
    list(&mut page, "fix later", &rule.fix.later);
    list(&mut page, "read more", &rule.refs);
    page.done()
}

/// The rules as a list, by kind.
#[must_use]
pub fn rules_text(rules: &[RuleDoc], look: &Look) -> String {
    let mut page = Page::new(look);
    let mut kinds: Vec<&str> = rules.iter().map(|it| it.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of: Vec<(String, String)> = rules
            .iter()
            .filter(|it| it.kind == kind)
            .map(|it| {
                let mark = if it.status.is_empty() || it.status == "stable" {
                    String::new()
                } else {
                    format!("  ({})", it.status)
                };
                (it.name.clone(), format!("{}{mark}", if it.title.is_empty() { &it.about } else { &it.title }))
            })
            .collect();
        pairs(&mut page, &counted(of.len() as u64, kind, &format!("{kind}s")), &of);
    }
    page.done()
}

fn pairs(page: &mut Page, heading: &str, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    page.heading(heading);
    let hang = 3 + pairs.iter().map(|it| chars(&clean(&it.0))).max().unwrap_or(0).min(40) + 2;
    for (name, text) in pairs {
        page.prose((Ink::Strong, &format!("   {}", clean(name))), hang, text);
    }
}

fn list(page: &mut Page, heading: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    page.heading(heading);
    for item in items {
        page.prose((Ink::Plain, ""), 3, item);
    }
}
