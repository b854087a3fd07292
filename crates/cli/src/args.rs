//! What the command line says.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use coroner::{Band, Limits};

const EXAMPLES: &str = "\
Examples:
  coroner analyze support-bundle.tar.gz
  coroner analyze node-07/ metrics/ --format json > report.json
  kubectl exec collector -- cat bundle.tar.zst | coroner analyze - --fail-on likely

What goes in:
  A directory, a tar with any usual compression, a zip, archives inside archives, single files, or
  - for standard input. Several inputs make one case. Journals, kubelet and container logs, dmesg,
  routing tables, Calico IPAM, sysctls, Kubernetes objects and Prometheus dumps are recognised by
  their content; `coroner inspect` shows how each file was understood. Nothing leaves the machine.

Exit codes:
  0  analysed, whatever was found
  1  only with --fail-on: a hypothesis reached that band; with rule test and
     corpus score: something is not as it should be
  2  an input could not be read, the arguments are wrong, or a rule is broken";

/// Finds out from a support bundle what went wrong, offline.
#[derive(Debug, Parser)]
#[command(name = "coroner", version, max_term_width = 100, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Colours: on a terminal only, always or never; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub(crate) color: Colour,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ranks what may have happened, with the lines that say so
    #[command(after_help = EXAMPLES)]
    Analyze(Analyze),
    /// Shows what is in a bundle and how each file was understood, without analysis
    Inspect(Inspect),
    /// Prints a rule: what it looks at, how that weighs, what to do
    Explain(Explain),
    /// Lists the rules
    Rules(Rules),
    /// For people who write rules
    #[command(subcommand)]
    Rule(Rule),
    /// For people who keep incidents whose cause is known
    #[command(subcommand)]
    Corpus(Corpus),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Corpus {
    /// Says how well the rules do on a corpus: right answers, false claims, quotes that stand
    Score(CorpusScore),
    /// Makes an incident of a bundle: what the rules say now is its expected answer, to be corrected
    Add(CorpusAdd),
}

#[derive(Debug, Args)]
pub(crate) struct CorpusAdd {
    /// The bundle: a directory or an archive
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// The corpus
    #[arg(long, value_name = "DIR", default_value = "corpus")]
    pub(crate) into: PathBuf,
    /// What the incident is called
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Adds the rules of a directory; a rule with the name of a built-in one replaces it
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// Keeps only the files without which the answer would be another one
    #[arg(long)]
    pub(crate) minimise: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CorpusScore {
    /// A folder of incidents, each with an incident.toml and a bundle/
    #[arg(value_name = "DIR")]
    pub(crate) corpus: PathBuf,
    /// Adds the rules of a directory; a rule with the name of a built-in one replaces it
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// Also tells each incident differently (a file gone, years gone, a clock wrong, nodes renamed, files shuffled or
    /// doubled, merged with others) and says how that changes the answer
    #[arg(long)]
    pub(crate) variants: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rule {
    /// Writes a skeleton of a rule with everything it can have
    New(RuleNew),
    /// Drafts a rule and its signals from lines of a bundle
    #[command(after_help = FROM_EXAMPLE)]
    From(RuleFrom),
    /// Runs the tests that stand in rule files
    Test(RuleTest),
    /// Shows clause by clause how a rule came to its answer on a bundle, and what each weight added
    Explain(RuleExplain),
    /// Says what a reviewer would object to: tests that lack, literals that find everything, rules nothing tells apart
    Lint(RuleLint),
    /// Writes a page for each rule, and a list of them
    Docs(RuleDocs),
    /// Prints the JSON Schema of rule files, for editors
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct RuleExplain {
    /// Name of the rule, as reports print it
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
    #[command(flatten)]
    pub(crate) case: Case,
    /// Adds the rules of a directory; a rule with the name of a built-in one replaces it
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RuleLint {
    /// Looks at the rules of a directory, beside the built-in ones; without it at the built-in rules
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    pub(crate) strict: bool,
}

const FROM_EXAMPLE: &str = "\
Example:
  coroner rule from disk-dies node-07/ node-07/dmesg.txt:812 node-07/dmesg.txt:815 --into my-rules
  coroner rule test --rules my-rules";

#[derive(Debug, Args)]
pub(crate) struct RuleNew {
    /// What it is called: small letters, digits and -
    #[arg(value_name = "RULE")]
    pub(crate) name: String,
    /// The directory of rules to write it to
    #[arg(long, value_name = "DIR", default_value = "rules")]
    pub(crate) into: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RuleFrom {
    #[command(flatten)]
    pub(crate) new: RuleNew,
    /// The bundle: a directory, an archive or a file
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// Lines that show what happened, as reports name them
    #[arg(value_name = "FILE:LINE", required = true, value_parser = place)]
    pub(crate) places: Vec<(String, u32)>,
}

#[derive(Debug, Args)]
pub(crate) struct RuleDocs {
    /// Documents the rules of a directory as well
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// Where rules.md and rules/ are written; pages of the same name are replaced
    #[arg(long, value_name = "DIR", default_value = "docs")]
    pub(crate) into: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RuleTest {
    /// Only the tests of these rules; an ending of * stands for any rest
    #[arg(value_name = "RULE")]
    pub(crate) names: Vec<String>,
    /// Tests the rules of a directory, beside the built-in ones; without it the built-in rules are tested
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Analyze {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Adds the rules of a directory; a rule with the name of a built-in one replaces it
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// Evaluates Prometheus alerting and recording rules of one's own over the series of the bundle, and tells what would
    /// have fired
    #[arg(long, value_name = "FILE")]
    pub(crate) alerts: Vec<PathBuf>,
    /// Exits with 1 when a hypothesis reaches this band or a better one
    #[arg(long, value_enum, value_name = "BAND")]
    pub(crate) fail_on: Option<FailOn>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) case: Case,
    /// Shows only the clocks and the boots: zones, years, skews, anchors, and why
    #[arg(long)]
    pub(crate) clocks: bool,
}

/// What every command that reads bundles understands.
#[derive(Debug, Args)]
pub(crate) struct Case {
    /// Bundles: directories, archives, files, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// The year of stamps that print none
    #[arg(long, value_parser = clap::value_parser!(i32).range(1970..=9999))]
    pub(crate) year: Option<i32>,
    /// The zone of a node's stamps that print none: node-07=+08:00
    #[arg(long, value_name = "NODE=OFFSET", value_parser = zone)]
    pub(crate) zone: Vec<(String, i32)>,
    /// How many seconds a node's clock is ahead: node-07=-30
    #[arg(long, value_name = "NODE=SECS", value_parser = skew)]
    pub(crate) skew: Vec<(String, i64)>,
    /// Threads to work with [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Shows what a first reading leaves out
    #[arg(short, long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// The heading of the limits in the help.
const LIMITS: &str = "Limits (what they cut off is named in the report)";

/// How far to go with a hostile or broken bundle.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Unpacked bytes in all [default: 64G]
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", value_parser = bytes)]
    max_bytes: Option<u64>,
    /// Unpacked bytes for one packed byte [default: 1000]
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_ratio: Option<u64>,
    /// Files and folders in all [default: 1000000]
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_members: Option<u64>,
    /// Archives inside archives [default: 8]
    #[arg(long, help_heading = LIMITS, value_name = "N")]
    max_depth: Option<u32>,
    /// Bytes of a path [default: 4096]
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", value_parser = bytes)]
    max_path: Option<u64>,
    /// Bytes of a line; a longer one is read in parts [default: 1M]
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", value_parser = bytes)]
    max_line: Option<u64>,
    /// Records kept of one file [default: 5000000]
    #[arg(long, help_heading = LIMITS, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_records: Option<u64>,
    /// Bytes of what must be held whole, such as a zip inside a tar [default: 256M]
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", value_parser = bytes)]
    max_whole: Option<u64>,
    /// What reading may hold in memory besides what it finds [default: 512M]
    #[arg(long, help_heading = LIMITS, value_name = "BYTES", value_parser = bytes)]
    max_memory: Option<u64>,
}

impl LimitArgs {
    /// The defaults, but for what was given.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let size = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
        limits.total_bytes = self.max_bytes.unwrap_or(limits.total_bytes);
        limits.ratio = self.max_ratio.unwrap_or(limits.ratio);
        limits.members = self.max_members.unwrap_or(limits.members);
        limits.depth = self.max_depth.unwrap_or(limits.depth);
        limits.path_bytes = self.max_path.map_or(limits.path_bytes, size);
        limits.line_bytes = self.max_line.map_or(limits.line_bytes, size);
        limits.records = self.max_records.map_or(limits.records, size);
        limits.whole_bytes = self.max_whole.unwrap_or(limits.whole_bytes);
        match self.max_memory {
            Some(bytes) => limits.memory(bytes),
            None => limits,
        }
    }
}

/// `4096`, `64k`, `256M`, `2GiB`: powers of 1024; at least one byte.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match text[digits..].to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err("it must be a number of bytes such as 4096, 64k, 256M or 2G".to_owned()),
    };
    let number: u64 = text[..digits].parse().map_err(|_| "it must begin with a whole number".to_owned())?;
    number.checked_mul(1 << unit).filter(|it| *it > 0).ok_or_else(|| "it must be between 1 and 16777216T".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Name of the rule, as reports print it
    pub(crate) rule: String,
    #[command(flatten)]
    pub(crate) rules: Rules,
}

/// Which rules there are.
#[derive(Debug, Args)]
pub(crate) struct Rules {
    /// Adds the rules of a directory; a rule with the name of a built-in one replaces it
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For tools: stable names, described by a JSON Schema
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Better than a cause outside the rules
    Possible,
    /// Clearly ahead
    Likely,
    /// Conclusive, and contradicted by nothing
    Confirmed,
}

impl FailOn {
    pub(crate) fn band(self) -> Band {
        match self {
            FailOn::Possible => Band::Possible,
            FailOn::Likely => Band::Likely,
            FailOn::Confirmed => Band::Confirmed,
        }
    }
}

/// `node-07/dmesg.txt:812`
fn place(text: &str) -> Result<(String, u32), String> {
    let (file, line) = text.rsplit_once(':').unwrap_or((text, ""));
    match line.parse() {
        Ok(line) if line > 0 && !file.is_empty() => Ok((file.to_owned(), line)),
        _ => Err("it must be FILE:LINE, lines counted from 1".to_owned()),
    }
}

fn pair(text: &str) -> Result<(&str, &str), String> {
    match text.rsplit_once('=') {
        Some((node, value)) if !node.is_empty() => Ok((node, value)),
        _ => Err("it must be NODE=VALUE".to_owned()),
    }
}

/// `node-07=+08:00`, `node-07=-0530`, `node-07=UTC`
fn zone(text: &str) -> Result<(String, i32), String> {
    let (node, offset) = pair(text)?;
    let secs = offset_secs(offset).ok_or("the zone must be an offset such as +08:00, or UTC")?;
    Ok((node.to_owned(), secs))
}

fn offset_secs(text: &str) -> Option<i32> {
    if text == "Z" || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = text[1..].replacen(':', "", 1);
    let colon_fits = !text.contains(':') || text.find(':') == Some(3);
    if !colon_fits || !digits.bytes().all(|it| it.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    let secs = sign * (hours * 3600 + minutes * 60);
    // no place on earth is further ahead or behind
    (minutes < 60 && (-12 * 3600..=14 * 3600).contains(&secs)).then_some(secs)
}

/// `node-07=-30`
fn skew(text: &str) -> Result<(String, i64), String> {
    const MOST: i64 = 100 * 366 * 86_400;
    let (node, secs) = pair(text)?;
    let secs: i64 = secs.parse().map_err(|_| "the skew must be a whole number of seconds")?;
    if !(-MOST..=MOST).contains(&secs) {
        return Err("the skew must be less than a hundred years".to_owned());
    }
    Ok((node.to_owned(), secs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn zones_are_offsets() {
        let good = ["+08:00", "-0530", "+14", "UTC", "Z", "-12:00"].map(offset_secs);
        assert_eq!(good, [Some(28_800), Some(-19_800), Some(50_400), Some(0), Some(0), Some(-43_200)]);
        for bad in
            ["", "8", "08:00", "+8:00", "+08:60", "+15:00", "-13:00", "+080:0", "+08:0", "CST", "+1é", "++08", "+-8"]
        {
            assert_eq!(offset_secs(bad), None, "{bad}");
        }
        assert_eq!(zone("a=b=+01:00"), Ok(("a=b".to_owned(), 3600)));
        assert!(zone("+08:00").is_err() && zone("=+08:00").is_err());
    }

    #[test]
    fn places_are_files_and_lines() {
        assert_eq!(place("a:b/c.txt:12"), Ok(("a:b/c.txt".to_owned(), 12)));
        for bad in ["a.txt", "a.txt:", "a.txt:0", ":3", "a.txt:x", ""] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_have_units() {
        let good = ["4096", "64k", "256M", "2GiB", "1TB", "1b"].map(|it| bytes(it).ok());
        let of = |power: u32| Some(1_u64 << power);
        assert_eq!(good, [of(12), of(16), of(28), of(31), of(40), Some(1)]);
        for bad in ["", "k", "0", "-1", "1.5G", "12x", "99999999999999999999", "99999999T", "1é"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn skews_are_seconds() {
        assert_eq!(skew("node-07=-30"), Ok(("node-07".to_owned(), -30)));
        for bad in ["node-07", "node-07=", "node-07=1.5", "node-07=99999999999", "node-07=-9223372036854775808"] {
            assert!(skew(bad).is_err(), "{bad}");
        }
    }
}
