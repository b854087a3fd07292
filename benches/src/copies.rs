//! What more rules cost: every rule of the pack again under other names, asking for lines with other words.
//!
//! A copy of a signal looks for other literals (letters are turned by thirteen) and captures the same columns; a copy of a
//! rule asks everything the original asks, of the copied signals and of the same facts, metrics and relations. Tests and
//! samples are left out, as in a released pack.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use coroner::{Analyzer, Pack};
use serde_json::{Value, json};

/// Times `analyze` with so many times the rules beside the plain pack, in interleaved rounds, and prints both.
///
/// # Errors
/// A pack that cannot be read or copied, a bundle that cannot be analysed, or copies that change what is found.
pub fn copies(pack: &Path, bundle: &Path, times: &[usize], rounds: usize) -> anyhow::Result<()> {
    let files = sources(pack)?;
    let plain = Arc::new(Pack::built_in()?);
    say("rules             load s   analyze s   ratio");
    for &times in times {
        let (folder, start) = (tempfile::tempdir()?, Instant::now());
        for copy in 1..times {
            write_copy(&files, copy, &folder.path().join(format!("copy-{copy}")))?;
        }
        let written = start.elapsed();
        let start = Instant::now();
        let many = Arc::new(Pack::with(&[folder.path()])?);
        let load = start.elapsed();
        let (mut alone, mut with) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (time, first) = timed(&plain, bundle)?;
            alone.push(time);
            let (time, same) = timed(&many, bundle)?;
            with.push(time);
            ensure!(first == same, "with copies the first hypothesis is {same:?}, not {first:?}");
        }
        let (alone, with) = (median(alone), median(with));
        let ratio = with.as_secs_f64() / alone.as_secs_f64().max(1e-9);
        say(&format!("{:>5} (x1)                {:>9.3}", plain.rule_count(), alone.as_secs_f64()));
        say(&format!(
            "{:>5} (x{times:<3})   {:>8.3}   {:>9.3}   {ratio:>5.2}   (written in {:.1} s)",
            many.rule_count(),
            load.as_secs_f64(),
            with.as_secs_f64(),
            written.as_secs_f64()
        ));
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn say(text: &str) {
    println!("{text}");
}

/// Wall time and the rule that comes first.
fn timed(pack: &Arc<Pack>, bundle: &Path) -> anyhow::Result<(Duration, Option<String>)> {
    let start = Instant::now();
    let report = Analyzer::new().input(bundle).pack(pack.clone()).analyze()?;
    let time = start.elapsed();
    Ok((time, report.hypotheses.first().map(|it| it.rule.clone())))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The files of a pack: what kind, its name, its text without tests.
struct Source {
    signal: bool,
    name: String,
    text: String,
}

fn sources(pack: &Path) -> anyhow::Result<Vec<Source>> {
    let mut found = Vec::new();
    for (folder, key) in [("signals", "signal:"), ("causes", "rule:"), ("symptoms", "symptom:")] {
        let mut paths: Vec<PathBuf> = fs::read_dir(pack.join(folder))
            .with_context(|| format!("{} has no {folder}", pack.display()))?
            .map(|it| it.map(|it| it.path()))
            .collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path)?;
            let name = text.lines().find_map(|it| it.strip_prefix(key)).context("a file without a name")?;
            let name = name.trim().to_owned();
            let text = text.split("\ntests:\n").next().unwrap_or_default().to_owned() + "\n";
            found.push(Source { signal: key == "signal:", name, text });
        }
    }
    Ok(found)
}

fn write_copy(files: &[Source], copy: usize, into: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(into)?;
    let names: BTreeSet<&str> = files.iter().map(|it| it.name.as_str()).collect();
    for file in files {
        let text = if file.signal { other_signal(file, copy)? } else { renamed(&file.text, &names, copy) };
        let kind = if file.signal { "signal" } else { "rule" };
        fs::write(into.join(format!("{kind}-{}.yaml", file.name)), text)?;
    }
    Ok(())
}

/// The text with every name of a rule or signal followed by the number of the copy.
fn renamed(text: &str, names: &BTreeSet<&str>, copy: usize) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let mut rest = text;
    while !rest.is_empty() {
        let len = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(len);
        out.push_str(word);
        if names.contains(word) {
            out.push_str(&format!("-x{copy}"));
        }
        let gap = after.find(is_word).unwrap_or(after.len());
        out.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    out
}

/// A signal with the same columns that looks for other words.
fn other_signal(file: &Source, copy: usize) -> anyhow::Result<String> {
    let document: Value = serde_saphyr::from_str(&file.text).with_context(|| file.name.clone())?;
    let ways = document["match"].as_array().context("no `match`")?;
    let (mut matches, mut samples) = (Vec::new(), Vec::new());
    for way in ways {
        let words = way["any"].as_array().context("no `any`")?.iter().filter_map(Value::as_str);
        let words: Vec<String> = words.map(|it| format!("{} {copy}", turned(it))).collect();
        let alternatives: Vec<String> = words.iter().map(|it| escaped(it)).collect();
        let groups = names(way["regex"].as_str().unwrap_or_default());
        let groups: String = groups.iter().map(|it| format!("(?: {it}=(?P<{it}>\\S+))?")).collect();
        matches.push(
            json!({ "from": way["from"], "any": words, "regex": format!("(?:{}){groups}", alternatives.join("|")) }),
        );
        samples.extend(words);
    }
    Ok(format!(
        "signal: {}-x{copy}\nabout: A copy.\nmatch: {}\nsamples: {}\nnot_samples: ['nothing of it']\n",
        file.name,
        json!(matches),
        json!(samples)
    ))
}

/// The words of a literal with their letters turned by thirteen.
fn turned(text: &str) -> String {
    let turn = |it: char, first: u8| char::from(first + (it as u8 - first + 13) % 26);
    let one = |it: char| match it {
        'a'..='z' => turn(it, b'a'),
        'A'..='Z' => turn(it, b'A'),
        other => other,
    };
    text.chars().map(one).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for it in text.chars() {
        if !it.is_alphanumeric() && !it.is_whitespace() && it.is_ascii() {
            out.push('\\');
        }
        out.push(it);
    }
    format!("(?i){out}")
}

/// The names of groups, each once.
fn names(regex: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for part in regex.split("(?P<").skip(1) {
        if let Some((name, _)) = part.split_once('>')
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_pack_loads_and_finds_nothing_of_its_own() {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/rules/pack");
        let files = sources(&pack).expect("the pack");
        let folder = tempfile::tempdir().expect("a folder");
        write_copy(&files, 1, folder.path()).expect("a copy");
        let many = Pack::with(&[folder.path()]).unwrap_or_else(|error| panic!("{error}"));
        let plain = Pack::built_in().expect("built-in rules");
        assert_eq!(many.rule_count(), 2 * plain.rule_count());
    }

    #[test]
    fn names_get_a_number_and_nothing_else_does() {
        let names = BTreeSet::from(["disk-full", "full"]);
        assert_eq!(
            renamed("a: { signal: disk-full } # fuller disk-full-too {full.x}", &names, 2),
            "a: { signal: disk-full-x2 } # fuller disk-full-too {full-x2.x}"
        );
    }
}
