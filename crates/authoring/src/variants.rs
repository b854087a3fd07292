//! The same incident told differently: what must not change an answer, and how far it may change when evidence goes.
//!
//! A variant is made on the fly from the files of an incident, so that every corpus is tested this way, a user's too.

use std::collections::BTreeSet;

use coroner::report::Report;

use crate::{boots, stamps};

/// Path and bytes of the files of one bundle.
pub type Files = Vec<(String, Vec<u8>)>;

/// What a variant may do to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the same rules with the same bands.
    None,
    /// It may become more modest; nobody new may be accused.
    Weaker,
    /// The causes of both incidents are named with confidence.
    Both,
}

/// One incident, told differently.
#[derive(Debug, Clone)]
pub struct Variant {
    /// What kind of change it is: `without-a-file`.
    pub kind: &'static str,
    /// What was changed: the file that is gone, the name of the other incident.
    pub what: String,
    /// The bundles that make the case.
    pub bundles: Vec<Files>,
    /// What it may do to the answer.
    pub effect: Effect,
}

/// An incident with its files and what was said of it as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Told<'c> {
    /// Its name.
    pub name: &'c str,
    /// The main incident of its family.
    pub family: &'c str,
    /// Whether it is silent.
    pub silent: bool,
    /// Its files.
    pub files: &'c Files,
    /// Its report.
    pub report: &'c Report,
}

/// Every variant of one incident; `others` are the rest of the corpus, to be merged with.
#[must_use]
pub fn variants(incident: Told<'_>, others: &[Told<'_>]) -> Vec<Variant> {
    let mut made = Vec::new();
    without_a_file(incident, &mut made);
    made.extend(without_years(incident));
    made.extend(split_at_boots(incident));
    made.extend(one_clock_ahead(incident));
    made.extend(renamed_nodes(incident));
    made.push(shuffled(incident));
    made.push(doubled(incident));
    made.extend(merged(incident, others));
    made
}

/// What one file shows of a reboot, two files must show as well.
fn split_at_boots(incident: Told<'_>) -> Option<Variant> {
    let files = boots::split(incident.files)?;
    let what = "logs of several boots".to_owned();
    Some(Variant { kind: "split-at-boots", what, bundles: vec![files], effect: Effect::None })
}

fn without_a_file(incident: Told<'_>, made: &mut Vec<Variant>) {
    if incident.files.len() < 2 {
        return;
    }
    for (gone, (path, _)) in incident.files.iter().enumerate() {
        let mut fewer = incident.files.clone();
        fewer.remove(gone);
        let what = path.clone();
        made.push(Variant { kind: "without-a-file", what, bundles: vec![fewer], effect: Effect::Weaker });
    }
}

/// Stamps that name the year lose it, and so do the files that tell the date.
fn without_years(incident: Told<'_>) -> Option<Variant> {
    let tells_date = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        ["date", "timedatectl", "chronyc", "uptime"].iter().any(|it| name.starts_with(it))
    };
    let kept = incident.files.iter().filter(|(path, _)| !tells_date(path));
    let files: Files = kept.map(|(path, bytes)| (path.clone(), stamps::without_years(bytes))).collect();
    let changed = files != *incident.files && !files.is_empty();
    let what = "dates of the logs".to_owned();
    changed.then(|| Variant { kind: "without-years", what, bundles: vec![files], effect: Effect::Weaker })
}

/// Seconds by which [`one_clock_ahead`] puts a clock wrong: more than any network delay, less than a zone.
const AHEAD_SECS: i64 = 420;

fn one_clock_ahead(incident: Told<'_>) -> Option<Variant> {
    let nodes: BTreeSet<&str> = incident.report.nodes.iter().map(|it| it.name.as_str()).collect();
    let folder_of = |path: &str| path.split('/').find(|it| nodes.contains(it)).map(str::to_owned);
    let node = incident.files.iter().find_map(|(path, _)| folder_of(path))?;
    let files: Files = incident
        .files
        .iter()
        .map(|(path, bytes)| {
            let its = folder_of(path).as_deref() == Some(node.as_str());
            (path.clone(), if its { stamps::shifted(bytes, AHEAD_SECS) } else { bytes.clone() })
        })
        .collect();
    let changed = files != *incident.files;
    changed.then(|| Variant { kind: "one-clock-ahead", what: node, bundles: vec![files], effect: Effect::Weaker })
}

/// Nodes get other names of the same length, so that tables keep their columns.
fn renamed_nodes(incident: Told<'_>) -> Option<Variant> {
    let is_name = |it: &&str| it.len() >= 4 && it.bytes().any(|it| it.is_ascii_lowercase());
    let mut names: Vec<&str> = incident.report.nodes.iter().map(|it| it.name.as_str()).filter(is_name).collect();
    names.sort_by_key(|it| (std::cmp::Reverse(it.len()), *it));
    if names.is_empty() {
        return None;
    }
    let other: Vec<(&str, String)> = names.iter().map(|it| (*it, rotated(it))).collect();
    let rename = |bytes: &[u8]| other.iter().fold(bytes.to_vec(), |text, (from, to)| replaced(&text, from, to));
    let path = |it: &str| String::from_utf8_lossy(&rename(it.as_bytes())).into_owned();
    let files = incident.files.iter().map(|(name, bytes)| (path(name), rename(bytes))).collect();
    let what = names.join(", ");
    Some(Variant { kind: "renamed-nodes", what, bundles: vec![files], effect: Effect::None })
}

/// `node-a` becomes `abqr-n`: every letter moves by half the alphabet.
fn rotated(name: &str) -> String {
    let letter = |it: char| match it {
        'a'..='z' => char::from((it as u8 - b'a' + 13) % 26 + b'a'),
        other => other,
    };
    name.chars().map(letter).collect()
}

/// Replaces a name where it does not stand in the middle of a word.
fn replaced(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let in_word = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let before = at.checked_sub(1).and_then(|it| text.get(it));
        if text[at..].starts_with(from) && !in_word(before) && !in_word(text.get(at + from.len())) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

fn shuffled(incident: Told<'_>) -> Variant {
    let (even, odd): (Vec<_>, Vec<_>) = incident.files.iter().cloned().enumerate().partition(|(at, _)| at % 2 == 0);
    let files = odd.into_iter().rev().chain(even).map(|(_, file)| file).collect();
    Variant { kind: "shuffled-files", what: "order".to_owned(), bundles: vec![files], effect: Effect::None }
}

fn doubled(incident: Told<'_>) -> Variant {
    let copy = |path: &str| match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/copy_of_{name}"),
        None => format!("copy_of_{path}"),
    };
    let copies = incident.files.iter().map(|(path, bytes)| (copy(path), bytes.clone()));
    let files = incident.files.iter().cloned().chain(copies).collect();
    Variant { kind: "doubled-files", what: "every file".to_owned(), bundles: vec![files], effect: Effect::None }
}

/// With a healthy bundle, and with an incident of another kind, where they have no node in common.
fn merged(incident: Told<'_>, others: &[Told<'_>]) -> Vec<Variant> {
    let names = |it: &Told<'_>| it.report.nodes.iter().map(|it| it.name.clone()).collect::<BTreeSet<_>>();
    let mine = names(&incident);
    let apart = |it: &&Told<'_>| it.family != incident.family && names(it).is_disjoint(&mine);
    let merge = |other: &Told<'_>, kind, effect| {
        let bundles = vec![incident.files.clone(), other.files.clone()];
        Variant { kind, what: other.name.to_owned(), bundles, effect }
    };
    let healthy = others.iter().filter(apart).find(|it| it.silent);
    let mut made: Vec<Variant> =
        healthy.into_iter().map(|it| merge(it, "with-a-healthy-bundle", Effect::None)).collect();
    // the next in the alphabet, so that each is merged with another one
    let (before, after): (Vec<_>, Vec<_>) = others.iter().partition(|it| it.name < incident.name);
    let second = after.into_iter().chain(before).filter(apart).find(|it| is_clear(it));
    if let Some(second) = second.filter(|_| is_clear(&incident)) {
        made.push(merge(second, "with-another-incident", Effect::Both));
    }
    made
}

fn is_clear(incident: &Told<'_>) -> bool {
    use coroner::report::Band;
    !incident.silent && incident.report.hypotheses.first().is_some_and(|it| it.band >= Band::Likely)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_only_where_it_is_one() {
        let text = b"worker kworker/0:1 worker-1 workers";
        assert_eq!(replaced(text, "worker", "jbexre"), b"jbexre kworker/0:1 jbexre-1 workers");
        assert_eq!(rotated("node-a.example-07"), "abqr-n.rknzcyr-07");
    }

    #[test]
    fn files_are_shuffled_and_none_is_lost() {
        let files: Files = (0..5).map(|it| (format!("f{it}"), vec![it])).collect();
        let report = Report::default();
        let told = Told { name: "x", family: "x", silent: false, files: &files, report: &report };
        let mut after = shuffled(told).bundles.remove(0);
        assert_ne!(after, files);
        after.sort();
        assert_eq!(after, files);
        assert_eq!(doubled(told).bundles[0].len(), 10);
        let fewer = variants(told, &[]).into_iter().filter(|it| it.kind == "without-a-file");
        assert!(fewer.map(|it| it.bundles[0].len()).eq([4; 5]));
    }
}
