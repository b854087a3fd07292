//! `coroner`: arguments in, a report out. The only room that talks.
//!
//! Reports go to standard output, everything else to standard error; a reader that goes away (`| head`) is no error.

mod args;
mod corpus;
mod output;
mod rule;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Parser;
use coroner::report;
use coroner::{Analyzer, Pack};

use args::{Analyze, Case, Cli, Command, Format, Inspect};
use output::{Output, Waiting};

/// `--fail-on` was reached.
const REACHED: u8 = 1;
/// The question could not be asked.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.color);
    match run(&cli.command, &output) {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error, cli.color);
            ExitCode::from(FAILED)
        }
    }
}

fn run(command: &Command, output: &Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Analyze(args) => analyze(args, output),
        Command::Inspect(args) => inspect(args, output),
        Command::Explain(args) => explain(&args.rule, &args.rules.rules, output),
        Command::Rules(args) => rules(&args.rules, output),
        Command::Rule(command) => rule::run(command, output),
        Command::Corpus(command) => corpus::run(command, output),
    }
}

fn analyze(args: &Analyze, output: &Output) -> anyhow::Result<ExitCode> {
    let analyzer = args.rules.iter().fold(analyzer(&args.case)?, |analyzer, dir| analyzer.rules(dir));
    let analyzer = args.alerts.iter().fold(analyzer, |analyzer, file| analyzer.alerts(file));
    let waiting = Waiting::start(&args.case.inputs);
    let found = analyzer.analyze()?;
    drop(waiting);
    warn_of_strangers(&args.case, &found.nodes);
    output.print(&match args.case.format {
        Format::Text => report::text(&found, &output.look(args.case.verbose)),
        Format::Json => report::json(&found),
    })?;
    let reached = args.fail_on.is_some_and(|it| found.hypotheses.iter().any(|found| found.band >= it.band()));
    Ok(if reached { ExitCode::from(REACHED) } else { ExitCode::SUCCESS })
}

fn inspect(args: &Inspect, output: &Output) -> anyhow::Result<ExitCode> {
    let analyzer = analyzer(&args.case)?;
    let waiting = Waiting::start(&args.case.inputs);
    let found = analyzer.inspect()?;
    drop(waiting);
    warn_of_strangers(&args.case, &found.nodes);
    output.print(&match args.case.format {
        Format::Text if args.clocks => report::clocks_text(&found, &output.look(args.case.verbose)),
        Format::Text => report::inspection_text(&found, &output.look(args.case.verbose)),
        Format::Json if args.clocks => report::clocks_json(&found),
        Format::Json => report::inspection_json(&found),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn analyzer(case: &Case) -> anyhow::Result<Analyzer> {
    let stdin = PathBuf::from("-");
    let piped = case.inputs.iter().filter(|it| **it == stdin).count();
    ensure!(piped <= 1, "standard input (-) can be given only once");
    ensure!(piped == 0 || !std::io::stdin().is_terminal(), "standard input is a terminal; pipe a bundle into it");
    let mut analyzer = case.inputs.iter().fold(Analyzer::new(), Analyzer::input);
    if let Some(year) = case.year {
        analyzer = analyzer.year(year);
    }
    for (node, offset_secs) in &case.zone {
        analyzer = analyzer.zone(node, *offset_secs);
    }
    for (node, secs) in &case.skew {
        analyzer = analyzer.skew(node, *secs);
    }
    analyzer = analyzer.limits(case.limits.limits());
    if let Some(threads) = case.threads {
        analyzer = analyzer.threads(usize::from(threads));
    }
    Ok(analyzer)
}

/// What was said of a node that the bundle does not know changed nothing, and a slip in its name should not pass for an answer.
fn warn_of_strangers(case: &Case, nodes: &[report::Node]) {
    let known = |name: &str| nodes.iter().any(|it| it.name == name || it.aliases.iter().any(|it| it == name));
    let zones = case.zone.iter().map(|it| ("--zone", &it.0));
    let skews = case.skew.iter().map(|it| ("--skew", &it.0));
    for (flag, name) in zones.chain(skews).filter(|(_, name)| !known(name)) {
        output::warn(&format!("no node is called {name}: {flag} changed nothing; `coroner inspect` lists the nodes"));
    }
}

fn explain(name: &str, folders: &[PathBuf], output: &Output) -> anyhow::Result<ExitCode> {
    let rules = coroner::rule_docs(&Pack::with(folders)?);
    let Some(rule) = rules.iter().find(|it| it.name == name) else {
        let names: Vec<String> = rules.into_iter().map(|it| it.name).collect();
        match near(name, &names) {
            Some(near) => bail!("there is no rule {name}; did you mean {near}?"),
            None => bail!("there is no rule {name}; `coroner rules` lists them"),
        }
    };
    output.print(&report::rule_text(rule, &output.look(true)))?;
    Ok(ExitCode::SUCCESS)
}

/// The name that shares most words with the one that was meant.
fn near(meant: &str, names: &[String]) -> Option<String> {
    let words: Vec<&str> = meant.split('-').filter(|it| it.len() > 2).collect();
    let shared = |name: &str| name.split('-').filter(|it| words.contains(it)).count();
    let best = names.iter().max_by_key(|it| (shared(it), std::cmp::Reverse(it.len())))?;
    (shared(best) > 0).then(|| best.clone())
}

fn rules(folders: &[PathBuf], output: &Output) -> anyhow::Result<ExitCode> {
    let rules = coroner::rule_docs(&Pack::with(folders)?);
    output.print(&report::rules_text(&rules, &output.look(false)))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn a_slip_in_a_name_finds_the_rule() {
        let names = ["pid-max-exhausted", "inotify-exhausted", "oom"].map(ToOwned::to_owned);
        assert_eq!(near("pid-max-exausted", &names).as_deref(), Some("pid-max-exhausted"));
        assert_eq!(near("exhausted", &names).as_deref(), Some("inotify-exhausted"));
        assert_eq!(near("something-else", &names), None);
        assert_eq!(near("", &[]), None);
    }
}
