//! `coroner rule …`: for people who write rules.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use authoring::{CaseOutcome, Shown};
use coroner::{Analyzer, Finding, Level, Pack, report};

use crate::args::{Format, Rule, RuleDocs, RuleExplain, RuleFrom, RuleLint, RuleNew, RuleTest};
use crate::output::Output;

/// A test did not pass.
const WRONG: u8 = 1;

pub(crate) fn run(command: &Rule, output: &Output) -> anyhow::Result<ExitCode> {
    match command {
        Rule::New(args) => write(args, &[], output),
        Rule::From(args) => from(args, output),
        Rule::Test(args) => test(args, output),
        Rule::Explain(args) => explain(args, output),
        Rule::Lint(args) => lint(args, output),
        Rule::Docs(args) => docs(args, output),
        Rule::Schema => output.print(&coroner::rule_schema()).map(|()| ExitCode::SUCCESS),
    }
}

fn explain(args: &RuleExplain, output: &Output) -> anyhow::Result<ExitCode> {
    let analyzer = args.rules.iter().fold(crate::analyzer(&args.case)?, |analyzer, dir| analyzer.rules(dir));
    let Some(trace) = analyzer.trace(&args.rule)? else {
        bail!("there is no rule {}; `coroner rules` lists them", args.rule);
    };
    output.print(&match args.case.format {
        Format::Text => report::trace_text(&trace, &output.look(args.case.verbose)),
        Format::Json => serde_json::to_string_pretty(&trace).context("a trace is plain data")? + "\n",
    })?;
    Ok(ExitCode::SUCCESS)
}

fn lint(args: &RuleLint, output: &Output) -> anyhow::Result<ExitCode> {
    let pack = Pack::with(&args.rules)?;
    let theirs = |file: &str| args.rules.is_empty() || args.rules.iter().any(|it| Path::new(file).starts_with(it));
    let findings: Vec<Finding> = pack.lint().into_iter().filter(|it| theirs(&it.file)).collect();
    let mut text = String::new();
    for it in &findings {
        let level = match it.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let _ =
            writeln!(text, "{}:{}:{}: {level}: {}: {} [{}]", it.file, it.line, it.column, it.of, it.message, it.name);
    }
    let errors = findings.iter().filter(|it| it.level == Level::Error).count();
    let _ = writeln!(text, "{errors} errors, {} warnings", findings.len() - errors);
    output.print(&text)?;
    let wrong = errors > 0 || (args.strict && !findings.is_empty());
    Ok(if wrong { ExitCode::from(WRONG) } else { ExitCode::SUCCESS })
}

fn from(args: &RuleFrom, output: &Output) -> anyhow::Result<ExitCode> {
    let found = Analyzer::new().input(&args.bundle).log_lines(&args.places)?;
    let mut lines = Vec::new();
    for (line, (file, number)) in found.into_iter().zip(&args.places) {
        let Some(it) = line else {
            bail!(
                "no line of a log stands at {file}:{number}; `coroner inspect` lists files and how they are understood"
            );
        };
        lines.push(Shown { file: it.file, text: it.text, message: it.message, source: it.source.to_owned() });
    }
    write(&args.new, &lines, output)
}

fn write(args: &RuleNew, lines: &[Shown], output: &Output) -> anyhow::Result<ExitCode> {
    let files = authoring::draft(&args.name, lines)?;
    let texts = files.iter().map(|it| (it.path.as_str(), it.text.as_str()));
    let written = authoring::write_below(&args.into, texts, false)?;
    let mut text: String = written.iter().map(|it| format!("wrote {}\n", it.display())).collect();
    let _ = writeln!(text, "\nnext: fill in what it means, then  coroner rule test --rules {}", args.into.display());
    output.print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn docs(args: &RuleDocs, output: &Output) -> anyhow::Result<ExitCode> {
    let pages = authoring::rule_pages(&coroner::rule_docs(&Pack::with(&args.rules)?));
    let texts = pages.iter().map(|it| (it.path.as_str(), it.text.as_str()));
    let written = authoring::write_below(&args.into, texts, true)?;
    output.print(&format!("wrote {} pages below {}\n", written.len(), args.into.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn test(args: &RuleTest, output: &Output) -> anyhow::Result<ExitCode> {
    let pack = Arc::new(Pack::with(&args.rules)?);
    let outcomes = authoring::rule_tests(&pack, |rule, file| {
        let stands_there = args.rules.is_empty() || args.rules.iter().any(|it| Path::new(file).starts_with(it));
        let is_meant = args.names.is_empty() || args.names.iter().any(|it| is_called(rule, it));
        stands_there && is_meant
    });
    ensure!(!outcomes.is_empty(), "no rule {}has a test", chosen(&args.names, &args.rules));
    let wrong: Vec<&CaseOutcome> = outcomes.iter().filter(|it| it.wrong.is_some()).collect();
    let mut text = String::new();
    for it in &wrong {
        let _ =
            writeln!(text, "{}: {}\n  {}\n  {}\n", it.rule, it.case, it.wrong.as_deref().unwrap_or_default(), it.file);
    }
    let _ = writeln!(text, "{} passed, {} failed", outcomes.len() - wrong.len(), wrong.len());
    output.print(&text)?;
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

/// `pid-*` is called pid-max-exhausted.
fn is_called(rule: &str, meant: &str) -> bool {
    meant.strip_suffix('*').map_or(rule == meant, |start| rule.starts_with(start))
}

fn chosen(names: &[String], folders: &[PathBuf]) -> String {
    let folders = folders.iter().map(|it| it.display().to_string());
    let chosen: Vec<String> = names.iter().cloned().chain(folders.map(|it| format!("in {it}"))).collect();
    if chosen.is_empty() { String::new() } else { format!("{} ", chosen.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::is_called;

    #[test]
    fn names_may_be_cut_short() {
        assert!(is_called("pid-max-exhausted", "pid-*") && is_called("pid-max-exhausted", "pid-max-exhausted"));
        assert!(!is_called("pid-max-exhausted", "pid") && !is_called("pid-max-exhausted", "max*"));
    }
}
