//! The pages under `docs/rules/` and the schema say what the rules are. `UPDATE_DOCS=1 cargo test -p coroner-authoring
//! --test docs` writes them anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use coroner_authoring::rule_pages;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn the_pages_of_the_rules_are_current() {
    let pack = coroner::Pack::built_in().expect("built-in rules are sound");
    let pages = rule_pages(&coroner::rule_docs(&pack));
    let meant: BTreeSet<PathBuf> = pages.iter().map(|it| docs().join(&it.path)).collect();
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::create_dir_all(docs().join("rules")).expect("a folder");
    }
    let there = std::fs::read_dir(docs().join("rules")).expect("docs/rules").map(|it| it.expect("an entry").path());
    for stale in there.filter(|it| !meant.contains(it)) {
        assert!(update, "{} is about a rule that does not exist", stale.display());
        std::fs::remove_file(stale).expect("docs can be written");
    }
    for page in &pages {
        let path = docs().join(&page.path);
        if update {
            std::fs::write(&path, &page.text).expect("docs can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let how = "UPDATE_DOCS=1 cargo test -p coroner-authoring --test docs";
        assert!(written == page.text, "docs/{} is out of date: {how}", page.path);
    }
}
