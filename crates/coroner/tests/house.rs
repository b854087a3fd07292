//! The house: imports point down and the wings never import each other.

use std::collections::BTreeMap;
use std::path::Path;

/// What each room may import of the others.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("timeline", &[]),
    ("parsers", &["timeline"]),
    ("bundle", &["timeline", "parsers"]),
    ("rules", &["timeline"]),
    ("report", &["timeline"]),
    ("coroner", &["timeline", "parsers", "bundle", "rules", "report"]),
    ("authoring", &["coroner"]),
    ("cli", &["coroner", "authoring"]),
];

#[test]
fn imports_point_down() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rooms: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut seen = 0;
    for entry in std::fs::read_dir(crates).expect("crates") {
        let path = entry.expect("an entry").path();
        let room = path.file_name().expect("a name").to_string_lossy().into_owned();
        let manifest = std::fs::read_to_string(path.join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("toml");
        let allowed = rooms.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no place in the house"));
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for name in table.keys().filter(|it| rooms.contains_key(it.as_str())) {
                assert!(allowed.contains(&name.as_str()), "{room} must not import {name}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, MAY_IMPORT.len(), "every room is listed");
}

#[test]
fn the_ground_floor_knows_no_files_no_patterns_and_no_threads() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../timeline/src");
    for entry in std::fs::read_dir(sources).expect("sources") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a source file");
        for word in ["std::fs", "std::thread", "std::io", "regex::", "SystemTime", "Instant::now"] {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}
