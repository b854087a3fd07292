//! The comparisons: interleaved rounds, medians, one table; and what coroner said is checked in the same run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::measure::{Cost, cost, median};
use crate::pack::{Packing, pack};

/// What to run.
#[derive(Debug)]
pub struct Run {
    /// Megabytes of the bundles.
    pub sizes: Vec<u64>,
    /// Where bundles are kept.
    pub work: PathBuf,
    /// The binary.
    pub coroner: PathBuf,
    /// Interleaved rounds.
    pub rounds: usize,
    /// Only comparisons whose name holds this.
    pub only: String,
}

/// Bundles larger than this are not packed in ways that take minutes.
const SLOW_MEGABYTES: u64 = 200;
/// Bundles larger than this are not read by lnav, which takes ten seconds for a gigabyte and holds most of it.
const LNAV_MEGABYTES: u64 = 1000;

struct Comparison {
    name: String,
    other: Vec<String>,
    ours: Vec<String>,
    must: f64,
}

/// Runs all comparisons and prints their table.
///
/// # Errors
/// A command that fails, or a report that does not say what it must.
pub fn run(run: &Run) -> anyhow::Result<()> {
    fs::create_dir_all(&run.work)?;
    let literals = run.work.join("literals.txt");
    let pack = rules::Pack::built_in()?;
    fs::write(&literals, pack.literals().join("\n") + "\n")?;
    say(&format!("{} literals; median of {} interleaved rounds", pack.literals().len(), run.rounds));
    say("comparison                     other s  cpu     coroner s  cpu     peak MB   ratio   must be");
    for &size in &run.sizes {
        let folder = bundle(run, size)?;
        for it in comparisons(run, size, &folder, &literals)? {
            let (mut theirs, mut ours) = (Vec::new(), Vec::new());
            let report = run.work.join("report.json");
            for _ in 0..run.rounds {
                theirs.push(cost(&it.other, None)?);
                ours.push(cost(&it.ours, Some(&report))?);
            }
            print(&it, &median(&theirs), &median(&ours));
            check(&folder, &report).with_context(|| it.name.clone())?;
        }
        if run.only.is_empty() {
            same_bytes(run, size, &folder)?;
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn say(text: &str) {
    println!("{text}");
}

fn print(of: &Comparison, theirs: &Cost, ours: &Cost) {
    let ratio = ours.wall.as_secs_f64() / theirs.wall.as_secs_f64().max(1e-9);
    let secs = |it: std::time::Duration| it.as_secs_f64();
    say(&format!(
        "{:<30} {:>7.2} {:>7.2}   {:>7.2} {:>7.2}   {:>7.0}   {ratio:>5.2}   {}{:.2}",
        of.name,
        secs(theirs.wall),
        secs(theirs.cpu),
        secs(ours.wall),
        secs(ours.cpu),
        ours.peak_bytes as f64 / 1e6,
        if ratio <= of.must { "<= " } else { "MISSED <= " },
        of.must
    ));
}

fn bundle(run: &Run, size: u64) -> anyhow::Result<PathBuf> {
    let folder = run.work.join(format!("b{size}"));
    if !(folder.is_dir() && folder.with_extension("expected.json").exists()) {
        crate::bundle(&folder, size * 1_000_000)?;
    }
    Ok(folder)
}

fn packed(folder: &Path, packing: Packing) -> anyhow::Result<String> {
    let path = PathBuf::from(format!("{}.{}", folder.display(), packing.extension()));
    if !path.exists() {
        pack(folder, packing)?;
        // a process begins with the memory of the one that starts it
        say(&format!("{} was packed in this run, so that peak memory may be the packer's", path.display()));
    }
    Ok(path.display().to_string())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

fn comparisons(run: &Run, size: u64, folder: &Path, literals: &Path) -> anyhow::Result<Vec<Comparison>> {
    let coroner = run.coroner.display().to_string();
    let analyze = |of: &str, threads: &str| words(&[&coroner, "analyze", "--format", "json", "--threads", threads, of]);
    let folder_text = folder.display().to_string();
    let mut all = Vec::new();
    let tools = [
        (Packing::Gzip, "gzip", 0.6),
        (Packing::Zstd, "zstd", 1.3),
        (Packing::Xz, "xz", 1.05),
        (Packing::XzWhole, "xz", 1.05),
    ];
    for (packing, tool, must) in tools {
        let name = format!("{size} MB {} : {tool} -dc", packing.extension());
        if !name.contains(&run.only) || size > SLOW_MEGABYTES && packing == Packing::XzWhole {
            continue;
        }
        let file = packed(folder, packing)?;
        let other = words(&["sh", "-c", &format!("{tool} -dc '{file}' | wc -c")]);
        all.push(Comparison { name, other, ours: analyze(&file, "2"), must });
    }
    let mut more = |name: &str, other: Vec<String>, ours: Vec<String>, must: f64| {
        let name = format!("{size} MB {name}");
        if name.contains(&run.only) && installed(&other[0]) {
            all.push(Comparison { name, other, ours, must });
        }
    };
    let list = literals.display().to_string();
    let grep = words(&["rg", "-c", "-j2", "-F", "-f", &list, &folder_text]);
    more("folder : rg, same literals", grep, analyze(&folder_text, "2"), 1.0);
    more("folder : one thread", analyze(&folder_text, "1"), analyze(&folder_text, "2"), 1.0 / 1.7);
    if size <= LNAV_MEGABYTES {
        let lnav = words(&["lnav", "-n", "-q", "-r", &folder_text]);
        more("folder : lnav", lnav, analyze(&folder_text, "2"), 0.1);
    }
    Ok(all)
}

fn installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    program.contains('/') || std::env::split_paths(&folders).any(|it| it.join(program).is_file())
}

/// The planted incident stands first, and what was planted is counted exactly.
fn check(folder: &Path, report: &Path) -> anyhow::Result<()> {
    let read = |path: &Path| -> anyhow::Result<Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let (report, expected) = (read(report)?, read(&folder.with_extension("expected.json"))?);
    let first = &report["hypotheses"][0];
    ensure!(first["rule"] == expected["rule"], "the first hypothesis is {}", first["rule"]);
    ensure!(first["nodes"][0] == expected["node"], "it is found on {}", first["nodes"]);
    let evidence = first["evidence"].as_array().context("no evidence")?;
    let refused = evidence.iter().find(|it| it["clause"] == "refused").context("no refused fork is quoted")?;
    ensure!(refused["count"] == expected["refused"], "{} refused forks, not {}", refused["count"], expected["refused"]);
    let symptoms = report["symptoms"].as_array().context("no symptoms")?;
    for pair in expected["probes"].as_array().context("no probes")? {
        let (node, count) = (&pair[0], pair[1].as_u64().unwrap_or_default());
        let failed = symptoms.iter().filter(|it| it["symptom"] == "probe-failed" && it["nodes"][0] == *node);
        let found: u64 = failed.filter_map(|it| it["count"].as_u64()).sum();
        ensure!(found == count, "{found} failed probes on {node}, not {count}");
    }
    Ok(())
}

/// The same bytes come out of one, two and eight threads, of a folder and of an archive.
fn same_bytes(run: &Run, size: u64, folder: &Path) -> anyhow::Result<()> {
    let coroner = run.coroner.display().to_string();
    let report = run.work.join("same.json");
    let mut first: Option<String> = None;
    let archive = packed(folder, Packing::Gzip)?;
    let folder = folder.display().to_string();
    for (input, threads) in [(&folder, "1"), (&folder, "2"), (&folder, "8"), (&archive, "1"), (&archive, "8")] {
        cost(&words(&[&coroner, "analyze", "--format", "json", "--threads", threads, input]), Some(&report))?;
        let text = fs::read_to_string(&report)?;
        // the name of the bundle is its own
        let text: Vec<&str> = text.lines().filter(|it| !it.trim_start().starts_with("\"case\":")).collect();
        let text = text.join("\n");
        match &first {
            None => first = Some(text),
            Some(first) => ensure!(*first == text, "{input} on {threads} threads gives another report"),
        }
    }
    say(&format!("{size} MB: the same report on 1, 2 and 8 threads, from folder and archive"));
    Ok(())
}
