//! A first draft of a rule from lines that somebody pointed at.
//!
//! ```text
//! java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0
//! → regex '\S+ invoked oom-killer: gfp_mask=\S+ order=\d+', any ['invoked oom-killer: gfp_mask=']
//! ```
//!
//! Words that stand in all lines of one kind stay, the rest and whatever looks like a number or a name becomes a gap. The
//! draft loads and its tests pass as it stands; what it means is left to its author.

use std::fmt::Write as _;

use crate::Error;
use crate::pattern::{Pattern, similar};

/// A line to draft from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its file in the bundle.
    pub file: String,
    /// The whole line as it stands.
    pub text: String,
    /// What it says, without time and program.
    pub message: String,
    /// Who says it, as rules name it: `kubelet`.
    pub source: String,
}

/// A file of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The path below the folder of rules: `signals/oom-killer-invoked.yaml`.
    pub path: String,
    /// The YAML.
    pub text: String,
}

/// The files of a new rule: a signal for each kind of line that was shown, and the rule that asks for them. Without any
/// line a skeleton with places to fill in.
///
/// # Errors
/// A name that is no kebab-case word, lines without any words of their own.
pub fn draft(name: &str, lines: &[Shown]) -> Result<Vec<Draft>, Error> {
    if !is_name(name) {
        return Err(Error::Draft(format!(
            "{name} is no name for a rule: small letters, digits and -, such as disk-full"
        )));
    }
    if lines.is_empty() {
        return Ok(vec![Draft { path: format!("causes/{name}.yaml"), text: skeleton(name) }]);
    }
    let kinds = kinds(lines)?;
    let mut files = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (number, kind) in kinds.iter().enumerate() {
        let mut signal = kind.pattern.name();
        if signal.is_empty() || names.contains(&signal) {
            let suffix = ["seen", "also-seen", "then-seen"].get(number).copied().unwrap_or("seen-too");
            signal = format!("{name}-{suffix}");
        }
        files.push(Draft { path: format!("signals/{signal}.yaml"), text: signal_text(&signal, kind) });
        names.push(signal);
    }
    files.push(Draft { path: format!("causes/{name}.yaml"), text: rule_text(name, &names, &kinds, lines) });
    Ok(files)
}

/// Lines that say the same.
struct Kind<'l> {
    lines: Vec<&'l Shown>,
    pattern: Pattern,
}

fn kinds<'l>(lines: &'l [Shown]) -> Result<Vec<Kind<'l>>, Error> {
    let mut groups: Vec<Vec<&Shown>> = Vec::new();
    for line in lines {
        match groups.iter_mut().find(|it| similar(&it[0].message, &line.message)) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    let kind = |lines: Vec<&'l Shown>| {
        let messages: Vec<&str> = lines.iter().map(|it| it.message.as_str()).collect();
        let nothing = || Error::Draft(format!("nothing in this line could find it again: {}", lines[0].message));
        Ok(Kind { pattern: Pattern::of(&messages).ok_or_else(nothing)?, lines })
    };
    groups.into_iter().map(kind).collect()
}

fn is_name(name: &str) -> bool {
    let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    name.bytes().all(fits) && name.starts_with(|it: char| it.is_ascii_lowercase()) && !name.ends_with('-')
}

fn signal_text(name: &str, kind: &Kind<'_>) -> String {
    let mut sources: Vec<&str> = kind.lines.iter().map(|it| it.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut text = format!(
        "signal: {name}\nabout: What this line means, in a sentence.\nmatch:\n  - from: [{}]\n    any: [{}]\n    regex: {}\nsamples:\n",
        sources.join(", "),
        quoted(kind.pattern.literal()),
        quoted(kind.pattern.regex()),
    );
    let mut messages: Vec<&str> = kind.lines.iter().map(|it| it.message.as_str()).collect();
    messages.dedup();
    for message in messages {
        let _ = writeln!(text, "  - {}", quoted(message));
    }
    text.push_str("not_samples: # lines that look like it and mean something else\n");
    let _ = writeln!(text, "  - {}", quoted(&kind.pattern.near_miss()));
    text
}

fn rule_text(name: &str, signals: &[String], kinds: &[Kind<'_>], lines: &[Shown]) -> String {
    let mut text = format!(
        "rule: {name}\ntitle: 'what went wrong on {{$node}}'\nimpact: What it does to users of the cluster.\nstatus: experimental\nlet:\n"
    );
    for (number, signal) in signals.iter().enumerate() {
        let time = if number == 0 { ", at: $t" } else { ", within: 1h around $t" };
        let binds: String = bound(kinds, number).iter().map(|it| format!(", {it}: ${it}")).collect();
        let _ = writeln!(text, "  {signal}: {{ signal: {signal}, node: $node{binds}{time} }}");
    }
    let _ = writeln!(text, "frame: [{}]\nfor:", signals[0]);
    for signal in signals {
        let _ = writeln!(text, "  - {{ when: {signal}, weight: moderate, why: 'what it shows' }}");
    }
    text.push_str("# against: what would speak against it, and what excludes it\nagainst: []\n");
    let _ = writeln!(text, "chain: [{}] # the cause first", signals.join(", "));
    text.push_str("explains: [] # symptoms it accounts for: node-rebooted within 20m\nmissing:\n");
    for signal in signals {
        let _ = writeln!(text, "  {signal}: 'the command or file that would show it'");
    }
    text.push_str("fix:\n  now: ['what ends it']\n  later: ['what keeps it from coming back']\nrefs: []\ntests:\n  - name: it happened\n    files:\n");
    let mut files: Vec<&str> = lines.iter().map(|it| it.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    for file in &files {
        let _ = writeln!(text, "      {}: |", quoted(file));
        for line in lines.iter().filter(|it| it.file == *file) {
            let _ = writeln!(text, "        {}", line.text);
        }
    }
    text.push_str("    expect: { band: possible }\n");
    text.push_str("  - name: a healthy bundle\n    files:\n      node-a/journalctl.txt: |\n");
    text.push_str(
        "        Jul 23 22:09:08 node-a systemd[1]: Started Session 1 of user root.\n    expect: { band: none }\n",
    );
    text.push_str("  # a near miss, and the same without the deciding source, belong here too\n");
    text
}

/// The values a signal's clause binds: those nobody bound before it, and those that are the same as before.
fn bound<'k>(kinds: &'k [Kind<'_>], number: usize) -> Vec<&'k str> {
    let first = |kind: &Kind<'_>, name: &str| kind.pattern.value(name, &kind.lines[0].message);
    let own = |name: &&&'static str| {
        let before = kinds[..number].iter().find_map(|it| first(it, name));
        before.is_none_or(|it| Some(it) == first(&kinds[number], name))
    };
    kinds[number].pattern.values().iter().filter(own).copied().collect()
}

fn skeleton(name: &str) -> String {
    format!(
        "rule: {name}
title: 'what went wrong on {{$node}}'
impact: What it does to users of the cluster.
status: experimental
let: # clauses: signal, fact, relation, promql or absent; $variables unify across them
  seen: {{ signal: fork-refused, node: $node, at: $t }}
  limit: {{ fact: sysctl, node: $node, key: kernel.pid_max, value: '< 40000' }}
frame: [seen] # no frame, no hypothesis
for:
  - {{ when: seen, weight: moderate, why: 'what it shows' }} # weak, moderate, strong or conclusive
  - {{ when: limit, weight: weak, why: 'the limit is low: {{limit.value}}' }}
against: [] # the same words, or excludes
chain: [seen] # the cause first; clauses and symptoms
explains: [probe-failed] # symptoms it accounts for
missing:
  limit: 'sysctl kernel.pid_max'
fix:
  now: ['what ends it']
  later: ['what keeps it from coming back']
refs: []
tests: # a hit, a near miss, a source missing, a healthy bundle
  - name: it happened
    files:
      node-a/journalctl.txt: |
        Jul 23 22:09:08 node-a kubelet[2817]: runtime: failed to create new OS thread (have 5 already; errno=11)
    expect: {{ band: possible, missing: [limit] }}
  - name: a healthy node
    files:
      node-a/journalctl.txt: |
        Jul 23 22:09:08 node-a kubelet[2817]: ordinary line
    expect: {{ band: none }}
"
    )
}

/// In single quotes, as YAML wants them.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use coroner::Pack;

    fn shown(message: &str) -> Shown {
        Shown {
            file: "node-a/journalctl.txt".to_owned(),
            text: format!("Jul 23 22:09:08 node-a kernel: {message}"),
            message: message.to_owned(),
            source: "kernel".to_owned(),
        }
    }

    fn outcomes(name: &str, lines: &[Shown]) -> Vec<crate::CaseOutcome> {
        let dir = tempfile::tempdir().expect("a folder");
        for file in draft(name, lines).expect("a draft") {
            let path = dir.path().join(&file.path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, file.text).expect("a file");
        }
        let pack = Pack::with(&[dir.path()]).unwrap_or_else(|error| panic!("{error}"));
        crate::rule_tests(&std::sync::Arc::new(pack), |rule, _| rule == name)
    }

    #[test]
    fn a_draft_loads_and_its_tests_pass() {
        let lines = [
            shown("nf_conntrack: nf_conntrack: table full, dropping packet"),
            shown("EXT4-fs error (device sda1): ext4_lookup:1590: inode #2: comm it's: iget: bogus i_mode (0)"),
            shown("EXT4-fs error (device sdb7): ext4_lookup:1590: inode #77: comm ls: iget: bogus i_mode (17)"),
        ];
        for (name, lines) in
            [("table-full", &lines[..1]), ("disk-odd", &lines[1..]), ("both", &lines[..]), ("new", &[])]
        {
            let outcomes = outcomes(name, lines);
            assert_eq!(outcomes.len(), 2, "{name}");
            assert!(outcomes.iter().all(|it| it.wrong.is_none()), "{name}: {outcomes:?}");
        }
    }

    #[test]
    fn values_are_bound_and_shared_where_they_are_the_same() {
        let lines = [
            shown("EXT4-fs error (device sda1): ext4_lookup:1590: inode #2: iget: bogus i_mode (0)"),
            shown("Buffer I/O error on dev sda1, logical block 17, lost async page write"),
        ];
        let files = draft("disk-odd", &lines).expect("a draft");
        let rule = &files.last().expect("the rule").text;
        assert_eq!(rule.matches(", device: $device").count(), 2, "{rule}");
        assert!(outcomes("disk-odd", &lines).iter().all(|it| it.wrong.is_none()));
        let other = [lines[0].clone(), shown("Buffer I/O error on dev sdb1, logical block 17, lost async page write")];
        let files = draft("disk-odd", &other).expect("a draft");
        assert_eq!(files.last().expect("the rule").text.matches(", device: $device").count(), 1);
    }

    #[test]
    fn a_node_that_a_line_names_does_not_take_the_place_of_the_one_that_wrote_it() {
        let lines = [shown("lost the lease of node=node-7 twice"), shown("peer node-7 of node=node-7 is fenced off")];
        let files = draft("lease-lost", &lines).expect("a draft");
        assert!(files[0].text.contains("(?P<other>") && !files[0].text.contains("(?P<node>"), "{}", files[0].text);
        let rule = &files.last().expect("the rule").text;
        assert_eq!(rule.matches(", other: $other").count(), 2, "{rule}");
        assert!(outcomes("lease-lost", &lines).iter().all(|it| it.wrong.is_none()));
    }

    #[test]
    fn names_and_lines_must_be_of_use() {
        assert!(draft("Disk Full", &[]).is_err() && draft("", &[]).is_err() && draft("disk-", &[]).is_err());
        assert!(draft("disk", &[shown("17")]).is_err());
    }
}
