//! What was collected and how it was understood: the part of a report that `inspect` shows alone.

use serde::{Deserialize, Serialize};
use timeline::{Outcome, Timeline};

use crate::{Clock, ClockFindings, Instant, LimitHit};

/// What is in a bundle, without analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// [`Inspection::SCHEMA`].
    pub schema: String,
    /// Name of the case: the bundles it was read from.
    pub case: String,
    /// What was given, and how it is arranged.
    pub bundles: Vec<Bundle>,
    /// The nodes and their names.
    pub nodes: Vec<Node>,
    /// The clocks behind all times.
    pub clocks: Vec<Clock>,
    /// What was found out about them.
    pub clock_findings: ClockFindings,
    /// The boots of the nodes.
    pub boots: Vec<Boot>,
    /// The ledger.
    pub coverage: Coverage,
    /// Limits that cut the reading short.
    pub limits_hit: Vec<LimitHit>,
}

impl Inspection {
    /// Name and version of the contract.
    pub const SCHEMA: &'static str = "coroner.inspection/1";

    /// What a timeline knows of its own sources; bundles and limits are left to the caller.
    #[must_use]
    pub fn of(case: impl Into<String>, timeline: &Timeline) -> Inspection {
        Inspection {
            schema: Inspection::SCHEMA.to_owned(),
            case: case.into(),
            bundles: Vec::new(),
            nodes: Node::all(timeline),
            clocks: timeline.clocks.iter().map(Clock::from).collect(),
            clock_findings: ClockFindings::of(timeline),
            boots: Boot::all(timeline),
            coverage: Coverage::of(timeline),
            limits_hit: Vec::new(),
        }
    }
}

/// One of the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// What it is called.
    pub name: String,
    /// The collector that arranged it so: sos, must-gather, troubleshoot … or plain.
    pub layout: String,
    /// How many files it holds.
    pub files: u64,
    /// Layouts of parts that differ from the whole: a sosreport of one machine in a must-gather, say.
    pub parts: Vec<BundlePart>,
}

/// A part of a bundle with a layout of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BundlePart {
    /// The folder.
    pub folder: String,
    /// Its layout.
    pub layout: String,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Node {
    /// The name the report uses.
    pub name: String,
    /// The other names it goes by in the bundle.
    pub aliases: Vec<String>,
}

impl Node {
    /// Every node of a timeline.
    #[must_use]
    pub fn all(timeline: &Timeline) -> Vec<Node> {
        let nodes = &timeline.nodes;
        nodes
            .all()
            .iter()
            .map(|name| Node {
                name: name.to_string(),
                aliases: nodes.aliases_of(name).iter().map(ToString::to_string).collect(),
            })
            .collect()
    }
}

/// One kernel lifetime on a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Boot {
    /// The node.
    pub node: String,
    /// The kernel's id of the boot, where printed.
    pub boot_id: Option<String>,
    /// First record of it.
    pub start: Instant,
    /// Last record of it.
    pub end: Instant,
    /// How the file shows that it began: `-- Reboot --`, the kernel's first line, a new boot id.
    pub marker: Option<String>,
    /// How it ended.
    pub ended: BootEnd,
    /// The file that shows the end, or the start where there is none.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// The line as it stands.
    pub text: Option<String>,
}

/// How a boot ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootEnd {
    /// With the lines of an orderly shutdown.
    Clean,
    /// In the middle of things.
    Unclean,
    /// Not before the bundle was collected.
    Running,
    /// The bundle does not show.
    #[default]
    Unknown,
}

/// The ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// The files.
    pub members: Vec<Member>,
    /// Bytes of all files after decompression; the following four add up to it.
    pub bytes: u64,
    /// Bytes of lines that a format explains.
    pub bytes_understood: u64,
    /// Bytes of lines in recognised files that the format does not explain.
    pub bytes_odd: u64,
    /// Bytes of files that no format recognised.
    pub bytes_not_recognised: u64,
    /// Bytes of files that were not read.
    pub bytes_skipped: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines that a format explains.
    pub understood: u64,
    /// The logs: who speaks of which node, from when to when.
    pub sources: Vec<LogSource>,
    /// The tables: which relations were collected of which node.
    pub relations: Vec<RelationSource>,
    /// Stretches without records where some are due, by node and time: the longest of them.
    pub gaps: Vec<Gap>,
    /// How many such stretches there are in all.
    pub gaps_count: u64,
    /// What the collectors say they could not collect, or only in part.
    pub failures: Vec<CollectFailure>,
    /// Places that could not be read, the first of them.
    pub issues: Vec<Issue>,
    /// How many such places there are in all.
    pub issues_count: u64,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Member {
    /// Path inside the bundle; nested archives joined by `!/`.
    pub path: String,
    /// The format that read it.
    pub format: Option<String>,
    /// The node it belongs to as a whole.
    pub node: Option<String>,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines that the format explains.
    pub understood: u64,
    /// Bytes of the lines that it does not explain.
    pub odd_bytes: u64,
    /// What became of it.
    pub outcome: MemberOutcome,
    /// Why it was not read or not recognised.
    pub reason: Option<String>,
    /// Why the content is not all there.
    pub truncated: Option<String>,
    /// First instant in it.
    pub first: Instant,
    /// Last instant in it.
    pub last: Instant,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberOutcome {
    /// A format was recognised and read.
    Parsed,
    /// No format recognised it.
    #[default]
    NotRecognised,
    /// It was not read.
    Skipped,
}

/// Log lines of one source of one node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogSource {
    /// Whose lines.
    pub node: Option<String>,
    /// Who speaks: kernel, kubelet, runtime …
    pub source: String,
    /// How many lines.
    pub lines: u64,
    /// The first of them.
    pub first: Instant,
    /// The last of them.
    pub last: Instant,
    /// Why lines may be missing.
    pub incomplete: Option<String>,
    /// The file.
    pub file: String,
}

/// That a table was collected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelationSource {
    /// The relation: route, `ipam.block` …
    pub relation: String,
    /// Of which node; `null` for the cluster.
    pub node: Option<String>,
    /// Why rows may be missing.
    pub incomplete: Option<String>,
    /// The file.
    pub file: String,
}

/// A stretch without records where some are due.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gap {
    /// On which node.
    pub node: Option<String>,
    /// In which log or metric.
    pub source: String,
    /// From.
    pub from: Instant,
    /// To.
    pub to: Instant,
    /// How it shows: silence, turned (times run both ways), lost, numbers, unreadable, deleted (what was logged before),
    /// unsaved (at the end of a boot), scrape.
    pub kind: String,
    /// What is known of it.
    pub what: String,
    /// The file.
    pub file: String,
    /// The line after it, from 1; `null` where it has none.
    pub line: Option<u32>,
}

/// Something a collector could not collect, or not whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CollectFailure {
    /// On which node.
    pub node: Option<String>,
    /// The command, file or collector.
    pub what: String,
    /// Why.
    pub why: String,
    /// The file that says so.
    pub file: String,
    /// The line there, from 1.
    pub line: u32,
}

/// A place that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Issue {
    /// The file.
    pub file: String,
    /// The line, from 1; `null` for the file as a whole.
    pub line: Option<u32>,
    /// What is wrong.
    pub what: String,
}

/// How many gaps a report lists, the longest first; the rest is counted.
const GAPS_LISTED: usize = 200;

/// How many issues a report lists; the rest is counted.
const ISSUES_LISTED: usize = 1000;

impl Coverage {
    /// The ledger of a timeline.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Coverage {
        let path = |id: timeline::MemberId| {
            timeline.members.get(id.0 as usize).map(|it| it.path.to_string()).unwrap_or_default()
        };
        let covers = |it: &Option<(timeline::Time, timeline::Time)>| match it {
            Some((first, last)) => (Instant::from_time(first), Instant::from_time(last)),
            None => (Instant::default(), Instant::default()),
        };
        let mut coverage = Coverage::default();
        for member in &timeline.members {
            let (outcome, reason) = match &member.outcome {
                Outcome::Parsed => (MemberOutcome::Parsed, None),
                Outcome::NotRecognised { closest } => (MemberOutcome::NotRecognised, closest.clone()),
                Outcome::Skipped { reason } => (MemberOutcome::Skipped, Some(reason.clone())),
            };
            let odd_bytes = member.tally.odd_bytes.min(member.bytes);
            coverage.bytes += member.bytes;
            match outcome {
                MemberOutcome::Parsed => {
                    coverage.bytes_odd += odd_bytes;
                    coverage.bytes_understood += member.bytes - odd_bytes;
                }
                MemberOutcome::NotRecognised => coverage.bytes_not_recognised += member.bytes,
                MemberOutcome::Skipped => coverage.bytes_skipped += member.bytes,
            }
            coverage.lines += member.tally.lines;
            coverage.understood += member.tally.understood;
            let (first, last) = covers(&member.covers);
            coverage.members.push(Member {
                path: member.path.to_string(),
                format: member.format.map(ToOwned::to_owned),
                node: member.node.as_ref().map(ToString::to_string),
                bytes: member.bytes,
                lines: member.tally.lines,
                understood: member.tally.understood,
                odd_bytes,
                outcome,
                reason,
                truncated: member.truncated.clone(),
                first,
                last,
            });
        }
        for seen in &timeline.seen {
            let (first, last) = covers(&seen.covers);
            coverage.sources.push(LogSource {
                node: seen.node.as_ref().map(ToString::to_string),
                source: seen.source.name().to_owned(),
                lines: seen.lines,
                first,
                last,
                incomplete: seen.incomplete.clone(),
                file: path(seen.member),
            });
        }
        coverage.relations = timeline
            .collected
            .iter()
            .map(|it| RelationSource {
                relation: it.relation.to_owned(),
                node: it.node.as_ref().map(ToString::to_string),
                incomplete: it.incomplete.clone(),
                file: path(it.member),
            })
            .collect();
        (coverage.gaps, coverage.gaps_count) = gaps(timeline, path);
        let failed = timeline.facts.iter().filter(|it| it.row.relation == &timeline::relation::COLLECT_FAILURE);
        coverage.failures = failed
            .filter_map(|it| {
                let place = it.quotes.first()?.span;
                Some(CollectFailure {
                    node: it.node.as_ref().map(ToString::to_string),
                    what: it.get("what").to_string(),
                    why: it.get("why").to_string(),
                    file: path(place.member),
                    line: place.line,
                })
            })
            .collect();
        coverage.issues = timeline
            .issues
            .iter()
            .take(ISSUES_LISTED)
            .map(|it| Issue { file: path(it.member), line: (it.line > 0).then_some(it.line), what: it.what.clone() })
            .collect();
        coverage.issues_count = timeline.issues.len() as u64;
        coverage
    }
}

/// The longest gaps, by node and time, and how many there are.
fn gaps(timeline: &Timeline, path: impl Fn(timeline::MemberId) -> String) -> (Vec<Gap>, u64) {
    let mut found: Vec<&timeline::Gap> = timeline.gaps.iter().collect();
    let in_order = |found: &mut Vec<&timeline::Gap>| {
        found.sort_by(|a, b| {
            let key = |it: &timeline::Gap| (it.from.nominal.lo, it.to.nominal.lo, it.member, it.line, it.source);
            a.node.cmp(&b.node).then_with(|| key(a).cmp(&key(b))).then_with(|| a.of.cmp(&b.of))
        });
    };
    in_order(&mut found);
    // a gap of a whole file is one of each of its sources
    found.dedup_by(|a, b| {
        let key = |it: &timeline::Gap| (it.member, it.line, it.from, it.to, it.kind);
        key(a) == key(b) && (&a.node, &a.of, &a.what) == (&b.node, &b.of, &b.what)
    });
    let count = found.len() as u64;
    if found.len() > GAPS_LISTED {
        found.sort_by_key(|it| std::cmp::Reverse(it.to.nominal.lo - it.from.nominal.lo));
        found.truncate(GAPS_LISTED);
        in_order(&mut found);
    }
    let told = |gap: &timeline::Gap| Gap {
        node: gap.node.as_ref().map(ToString::to_string),
        source: gap.of.to_string(),
        from: Instant::from_time(&gap.from),
        to: Instant::from_time(&gap.to),
        kind: gap.kind.name().to_owned(),
        what: gap.what.clone(),
        file: path(gap.member),
        line: (gap.line > 0).then_some(gap.line),
    };
    (found.into_iter().map(told).collect(), count)
}
