//! The lists under `docs/` say what there is. `UPDATE_DOCS=1 cargo test -p coroner --test docs` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

fn current(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/{name} is out of date: UPDATE_DOCS=1 cargo test -p coroner --test docs");
}

/// A page with bytes in it that are no text would be shown by nobody.
fn printable(line: &str) -> String {
    let shown = |it: char| if it.is_control() && it != '\t' { it.escape_default().to_string() } else { it.to_string() };
    line.chars().map(shown).collect()
}

/// Each format can be fuzzed, since one target takes them all by name; the page says of each that it was.
#[test]
fn every_format_was_fuzzed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    assert!(read("crates/parsers/fuzz/fuzz_targets/format.rs").contains("FORMATS"));
    let page = read("docs/fuzzing.md");
    let missing: Vec<&str> =
        parsers::FORMATS.iter().map(|it| it.name).filter(|it| !page.contains(&format!("`{it}`"))).collect();
    assert!(missing.is_empty(), "docs/fuzzing.md does not say that these were fuzzed: {}", missing.join(", "));
    // the samples of a format are its seeds; binary ones are seeded with real files
    let unseeded = parsers::FORMATS.iter().filter(|it| it.samples.is_empty()).map(|it| it.name);
    assert!(
        unseeded.clone().all(|it| it.starts_with("tsdb-") || it == "journal-binary"),
        "{:?}",
        unseeded.collect::<Vec<_>>()
    );
}

#[test]
fn the_list_of_formats_is_current() {
    let mut text = String::from(
        "# Formats\n\nWhat coroner reads, from the parsers themselves. A file is recognised by its content.\n",
    );
    for format in parsers::FORMATS {
        let reading = match format.reading {
            parsers::Reading::Whole(_) => "read whole",
            parsers::Reading::Stream(_) => "read line by line",
        };
        let _ = write!(text, "\n## {}\n\nWritten by {}; {reading}.\n", format.name, format.produced_by);
        if let Some(sample) = format.samples.first() {
            let lines: Vec<String> = sample.lines().take(6).map(printable).collect();
            let _ = write!(text, "\n```text\n{}\n```\n", lines.join("\n"));
        }
    }
    current("formats.md", &text);
}

#[test]
fn the_list_of_relations_is_current() {
    let mut text = String::from(
        "# Relations\n\nThe tables of facts that parsers fill and rules join: `fact: NAME`. Each has a column `node` besides its own.\n",
    );
    let mut all: Vec<_> = timeline::relation::ALL.to_vec();
    all.sort_by_key(|it| it.name);
    for relation in all {
        let columns: Vec<String> = relation.columns.iter().map(|it| format!("`{it}`")).collect();
        let scope = if relation.per_node { "one node each" } else { "the whole cluster" };
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\nColumns: {}. Said of {scope}.\n",
            relation.name,
            relation.about,
            columns.join(", ")
        );
    }
    current("relations.md", &text);
}
