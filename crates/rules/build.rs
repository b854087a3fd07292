//! Reads the built-in rules once, when coroner is built: a binary takes them as bytes and parses no YAML of its own.

use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/language/written.rs"]
#[allow(dead_code, unreachable_pub, reason = "the build only reads and writes what the library looks at")]
mod written;

fn main() {
    println!("cargo:rerun-if-changed=pack");
    println!("cargo:rerun-if-changed=src/language/written.rs");
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    collect(Path::new("pack"), &mut files);
    // by their names within the pack, as the library looks them up
    let mut named: Vec<(String, PathBuf)> = files
        .into_iter()
        .filter_map(|it| Some((it.strip_prefix("pack").ok()?.to_str()?.replace('\\', "/"), it)))
        .collect();
    named.sort();
    let read = |(name, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document = written::read(&text, true).unwrap_or_else(|error| panic!("pack/{name}: {error}"));
        (name, document)
    };
    let all: Vec<(String, written::Document)> = named.into_iter().map(read).collect();
    let bytes = postcard::to_stdvec(&all).expect("plain data can be written");
    let into = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("pack.postcard");
    fs::write(&into, bytes).unwrap_or_else(|error| panic!("{}: {error}", into.display()));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "yaml" || it == "yml") {
            files.push(path);
        }
    }
}
