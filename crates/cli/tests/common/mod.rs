//! Running the command and reading what it says.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub(crate) fn coroner() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command.stdin(Stdio::null()).env_remove("COLUMNS").env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

pub(crate) fn run(args: &[&str]) -> Output {
    coroner().args(args).output().expect("the command starts")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

pub(crate) fn path(dir: &Path) -> &str {
    dir.to_str().expect("the path is UTF-8")
}
