//! The clocks of a case and what was found out about them: the data, and the page of `inspect --clocks`.
//!
//! ```text
//! node-07   also 10.0.0.7
//!    clock     zone UTC+08:00 (its own zone setting); year from the time of collection (date)
//!    skew      5.2 s ahead of the API server, between 4.2 s and 6 s (12 pairs: kube-event): its stamps were moved
//!                                                                              cluster-resources/leases.json:31
//!              > "renewTime": "2025-12-10T17:26:37.859850Z",
//!    step      set by +14400 s at 04:00:21 (journal); 680 records before it were moved
//!    kernel    stood at zero at 22:38:08.04, drifts by -14.8 ppm, good to 11 ms (229 anchors: audit)
//!    boot      04:00:01 .. 04:04:26  ended in order
//! ```

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use timeline::{Keeper, SkewUse, Timeline, YearBasis, ZoneBasis};

use crate::care::{NO_NODE, walls};
use crate::page::{Entry, Ink, Look, Page, clean, counted};
use crate::partial::{below, root};
use crate::when::Calendar;
use crate::{Boot, BootEnd, Inspection, Instant, Node};

/// A clock, and how well it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Clock {
    /// What instants refer to.
    pub id: u32,
    /// Whose it is; `null` for stamps that state year and zone themselves.
    pub node: Option<String>,
    /// What kind of clock: wall, kernel (placed by lines that carry both), dmesg (wall time made of the kernel's).
    pub keeper: String,
    /// Seconds east of UTC.
    pub offset_secs: i32,
    /// How the zone is known: stated, node, neighbours, ambiguous (an abbreviation of several zones), given, assumed.
    pub zone: String,
    /// The line or file that told the zone.
    pub zone_from: Option<String>,
    /// How the year is known: stated, collected, lines (that state the instant a second time), neighbours, given, modified,
    /// assumed.
    pub year: String,
    /// The stamp that told the year.
    pub year_from: Option<String>,
    /// How much earlier than read an instant may be.
    pub early_secs: i64,
    /// How much later than read an instant may be.
    pub late_secs: i64,
}

impl From<&timeline::Clock> for Clock {
    fn from(clock: &timeline::Clock) -> Clock {
        let (zone, zone_from) = match &clock.zone {
            ZoneBasis::Stated => ("stated", None),
            ZoneBasis::Node(from) => ("node", Some(from.to_string())),
            ZoneBasis::Neighbours => ("neighbours", None),
            ZoneBasis::Ambiguous(name, others) => ("ambiguous", Some(ambiguous(clock.offset_secs, name, others))),
            ZoneBasis::Given => ("given", None),
            ZoneBasis::Assumed => ("assumed", None),
        };
        let (year, year_from) = match &clock.year {
            YearBasis::Stated => ("stated", None),
            YearBasis::Collected(from) => ("collected", Some(from.to_string())),
            YearBasis::Lines => ("lines", None),
            YearBasis::Neighbours => ("neighbours", None),
            YearBasis::Given => ("given", None),
            YearBasis::Modified => ("modified", None),
            YearBasis::Assumed => ("assumed", None),
        };
        Clock {
            id: clock.id.0,
            node: clock.node.as_ref().map(ToString::to_string),
            keeper: match clock.keeper {
                Keeper::Wall => "wall",
                Keeper::Kernel(_) => "kernel",
                Keeper::Dmesg(_) => "dmesg",
            }
            .to_owned(),
            offset_secs: clock.offset_secs,
            zone: zone.to_owned(),
            zone_from,
            year: year.to_owned(),
            year_from,
            early_secs: clock.early_secs,
            late_secs: clock.late_secs,
        }
    }
}

/// `EST, which may also be UTC+10:00 or UTC+11:00`, `CST, which may be UTC-06:00, UTC+08:00 or UTC-05:00`
fn ambiguous(read_as: i32, name: &str, others: &[i32]) -> String {
    let others: Vec<String> = others.iter().map(|it| format!("UTC{}", crate::care::offset(*it))).collect();
    let also = if read_as == 0 { "" } else { " also" };
    let (last, before) = others.split_last().map_or((String::new(), &[][..]), |it| (it.0.clone(), it.1));
    let all = if before.is_empty() { last } else { format!("{} or {last}", before.join(", ")) };
    format!("{name}, which may{also} be {all}")
}

/// What was found out about clocks besides their zone and year.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClockFindings {
    /// How far the clocks of nodes are apart, where pairs of stamps tell.
    pub skews: Vec<Skew>,
    /// Clocks that were set while their machine ran.
    pub steps: Vec<ClockStep>,
    /// How the kernel's clocks were put on the wall clock.
    pub kernel_clocks: Vec<KernelClock>,
}

/// The difference between a node's clock and that of the API server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Skew {
    /// Whose clock.
    pub node: String,
    /// By how many seconds it is ahead: the best guess.
    pub ahead_secs: f64,
    /// It is ahead by no less than this; `null` where nothing bounds it.
    pub least_secs: Option<f64>,
    /// It is ahead by no more than this; `null` where nothing bounds it.
    pub most_secs: Option<f64>,
    /// How many pairs of stamps say so.
    pub anchors: u32,
    /// What they are: kube-event, container-start, pod-start, lease-update, node-status, pod-status, lease, etcd-peer,
    /// etcd-election, time-service, given.
    pub by: Vec<String>,
    /// What became of it: together, moved, widened.
    pub used: String,
    /// The file of the pair that says it best.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// The line as it stands.
    pub text: Option<String>,
}

/// A clock that was set while its machine ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClockStep {
    /// Whose.
    pub node: Option<String>,
    /// By how many seconds; forwards is positive.
    pub by_secs: f64,
    /// When, as the clock showed it afterwards.
    pub at: Instant,
    /// How it shows: journal (the two clocks of each entry), or the time service that said so.
    pub how: String,
    /// How many records before it were moved.
    pub moved: u64,
    /// The file.
    pub file: String,
    /// The line after it, from 1.
    pub line: u32,
    /// The line as it stands.
    pub text: String,
}

/// How the kernel's clock of one boot was put on the wall clock.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KernelClock {
    /// Whose kernel.
    pub node: Option<String>,
    /// The file whose stamps these are.
    pub file: String,
    /// Wall time when the kernel's clock stood at zero.
    pub zero: String,
    /// By how many millionths wall time runs faster; `null` where that is not known.
    pub drift_ppm: Option<f64>,
    /// How far off a stamp among the anchors may be.
    pub error_secs: f64,
    /// How many lines that carry both clocks were used.
    pub anchors: u32,
    /// Their kinds: audit, rtc, machine-check, journal, reception, btime.
    pub by: Vec<String>,
    /// How many stamps were placed by it.
    pub stamps: u64,
}

impl ClockFindings {
    /// What a timeline found out.
    #[must_use]
    pub fn of(timeline: &Timeline) -> ClockFindings {
        let secs = |micros: i64| micros as f64 / 1e6;
        let skew = |it: &timeline::Skew| Skew {
            node: it.node.to_string(),
            ahead_secs: secs(it.ahead_micros),
            least_secs: it.least_micros.map(secs),
            most_secs: it.most_micros.map(secs),
            anchors: it.anchors,
            by: it.by.iter().map(ToString::to_string).collect(),
            used: match it.used {
                SkewUse::Together => "together",
                SkewUse::Moved => "moved",
                SkewUse::Widened => "widened",
            }
            .to_owned(),
            file: it.quote.as_ref().map(|it| timeline.path(it.span.member).to_owned()),
            line: it.quote.as_ref().map(|it| it.span.line),
            text: it.quote.as_ref().map(|it| it.text.to_string()),
        };
        let step = |it: &timeline::ClockStep| ClockStep {
            node: it.node.as_ref().map(ToString::to_string),
            by_secs: secs(it.by_micros),
            at: Instant::from_time(&it.at),
            how: it.how.to_string(),
            moved: it.moved,
            file: timeline.path(it.member()).to_owned(),
            line: it.quote.span.line,
            text: it.quote.text.to_string(),
        };
        let kernel = |it: &timeline::KernelClock| KernelClock {
            node: it.node.as_ref().map(ToString::to_string),
            file: timeline.path(it.member).to_owned(),
            zero: it.zero.to_rfc3339_opts(SecondsFormat::Millis, true),
            // more digits than a drift is stable to
            drift_ppm: it.drift_ppm.map(|it| (it * 100.0).round() / 100.0),
            error_secs: secs(it.error_micros),
            anchors: it.anchors,
            by: it.by.iter().map(ToString::to_string).collect(),
            stamps: it.stamps,
        };
        ClockFindings {
            skews: timeline.skews.iter().map(skew).collect(),
            steps: timeline.steps.iter().map(step).collect(),
            kernel_clocks: timeline.kernel_clocks.iter().map(kernel).collect(),
        }
    }
}

/// What an inspection knows of nodes, clocks and boots, as JSON: these parts of the inspection, under the same names.
#[must_use]
pub fn clocks_json(it: &Inspection) -> String {
    #[derive(Serialize)]
    struct Clocks<'i> {
        schema: &'i str,
        case: &'i str,
        nodes: &'i [Node],
        clocks: &'i [Clock],
        clock_findings: &'i ClockFindings,
        boots: &'i [Boot],
    }
    let Inspection { schema, case, nodes, clocks, clock_findings, boots, .. } = it;
    crate::pretty(&Clocks { schema, case, nodes, clocks, clock_findings, boots })
}

/// Where texts begin on the page.
const HANG: usize = 13;

/// What an inspection knows of clocks and boots, node by node, as text.
#[must_use]
pub fn clocks_text(it: &Inspection, look: &Look) -> String {
    let mut page = Page::new(look);
    let boots = it.boots.iter().flat_map(|it| [&it.start, &it.end]);
    let calendar = Calendar::of(boots.chain(it.clock_findings.steps.iter().map(|it| &it.at)));
    page.line(&[(Ink::Strong, &it.case), (Ink::Faint, &format!("   {}", calendar.legend()))]);
    let mut names: Vec<Option<&str>> = it.nodes.iter().map(|it| Some(it.name.as_str())).collect();
    names.push(None);
    let mut said = false;
    for name in names {
        said |= of_node(&mut page, it, name, &calendar);
    }
    if !said {
        page.prose((Ink::Plain, ""), 3, "every stamp states its year and its zone, and no boot is seen");
    }
    page.done()
}

/// Whether there was anything to say.
fn of_node(page: &mut Page, it: &Inspection, name: Option<&str>, calendar: &Calendar) -> bool {
    let known = |node: &Option<String>| it.nodes.iter().any(|it| Some(&it.name) == node.as_ref());
    let mine = |node: &Option<String>| node.as_deref() == name || name.is_none() && !known(node);
    let findings = &it.clock_findings;
    let root = root(&it.coverage);
    let mut lines: Vec<(&str, Ink, String, Option<&Skew>)> = Vec::new();
    let walls = walls(it.clocks.iter().filter(|it| mine(&it.node)));
    lines.extend(walls.into_iter().map(|it| ("clock", Ink::Plain, it, None)));
    for skew in findings.skews.iter().filter(|it| Some(it.node.as_str()) == name) {
        let ink = if skew.used == "together" { Ink::Plain } else { Ink::Doubtful };
        lines.push(("skew", ink, skew_words(skew), Some(skew)));
    }
    for step in findings.steps.iter().filter(|it| mine(&it.node)) {
        let at = calendar.show(&step.at).map(|it| format!(" at {it}")).unwrap_or_default();
        let moved = match step.moved {
            0 => "nothing was moved".to_owned(),
            1 => "one record before it was moved".to_owned(),
            count => format!("{count} records before it were moved"),
        };
        let place = format!("{}:{}", below(root, &step.file), step.line);
        lines.push((
            "step",
            Ink::Doubtful,
            format!("set by {}{at} ({}, {place}); {moved}", signed(step.by_secs), step.how),
            None,
        ));
    }
    for kernel in findings.kernel_clocks.iter().filter(|it| mine(&it.node)) {
        lines.push(("kernel", Ink::Plain, kernel_words(kernel, root), None));
    }
    let boots: Vec<&Boot> = it.boots.iter().filter(|it| Some(it.node.as_str()) == name).collect();
    if lines.is_empty() && boots.is_empty() {
        return false;
    }
    let aliases = it.nodes.iter().find(|it| Some(it.name.as_str()) == name).map(|it| it.aliases.join(", "));
    page.gap();
    let also = aliases.filter(|it| !it.is_empty()).map(|it| format!("   also {it}")).unwrap_or_default();
    page.line(&[(Ink::Strong, name.unwrap_or(NO_NODE)), (Ink::Faint, &also)]);
    for (word, ink, text, anchor) in lines {
        let label = format!("   {word}");
        // the pair that says it best, where it says anything but that all is well
        let Some(skew) = anchor.filter(|it| it.used != "together" || page.verbose()) else {
            page.prose((ink, &label), HANG, &text);
            continue;
        };
        let file = skew.file.as_deref().map(|it| below(root, it).to_owned());
        let (line, quote) = (skew.line, skew.text.as_deref());
        let entry = Entry { text: &text, file: file.as_deref(), line, count: 1, quote, ..Entry::default() };
        page.entry((ink, &label), HANG, &entry);
    }
    for boot in boots {
        boot_line(page, boot, calendar, root);
    }
    true
}

fn boot_line(page: &mut Page, boot: &Boot, calendar: &Calendar, root: &str) {
    let when = calendar.stretch(&boot.start, &boot.end).unwrap_or_else(|| "no time".to_owned());
    let (ink, ended) = end_words(boot.ended);
    let id = boot.boot_id.as_ref().map(|it| format!(", boot {it}")).unwrap_or_default();
    let began = boot.marker.as_ref().map(|it| format!("; it began with {}", clean(it))).unwrap_or_default();
    let file = boot.file.as_deref().map(|it| below(root, it).to_owned());
    let text = format!("{when}  {ended}{id}{began}");
    let entry = Entry {
        text: &text,
        file: file.as_deref(),
        line: boot.line,
        count: 1,
        quote: boot.text.as_deref(),
        ..Entry::default()
    };
    page.entry((ink, "   boot"), HANG, &entry);
}

/// How a boot ended, in words.
pub(crate) fn end_words(ended: BootEnd) -> (Ink, &'static str) {
    match ended {
        BootEnd::Clean => (Ink::Plain, "ended in order"),
        BootEnd::Unclean => (Ink::Bad, "did not end in order"),
        BootEnd::Running => (Ink::Plain, "still running"),
        BootEnd::Unknown => (Ink::Plain, "its end is not known"),
    }
}

/// A difference between clocks, in words.
pub(crate) fn skew_words(it: &Skew) -> String {
    let far = |secs: f64| format!("{:.1} s", secs.abs()).replace(".0 s", " s");
    let side = if it.ahead_secs < 0.0 { "behind" } else { "ahead of" };
    let bounds = match (it.least_secs, it.most_secs) {
        (Some(least), Some(most)) if least < most && (least > 0.0 || most < 0.0) => {
            let (near, far_off) = if least > 0.0 { (least, most) } else { (most, least) };
            format!(", between {} and {}", far(near), far(far_off))
        }
        _ => String::new(),
    };
    let pairs = format!("{}: {}", counted(u64::from(it.anchors), "pair", "pairs"), it.by.join(", "));
    let by_user = it.by.iter().any(|it| it == "given");
    match it.used.as_str() {
        "together" => format!("together with the API server as far as stamps tell ({pairs})"),
        "moved" if by_user => format!("{} {side} true time as given: its stamps were moved", far(it.ahead_secs)),
        "moved" => format!("{} {side} the API server{bounds} ({pairs}): its stamps were moved", far(it.ahead_secs)),
        _ => format!(
            "perhaps {} {side} the API server{bounds} ({pairs}): its stamps are that much wider",
            far(it.ahead_secs)
        ),
    }
}

fn kernel_words(it: &KernelClock, root: &str) -> String {
    let drift = it.drift_ppm.map(|it| format!(", drifts by {it:.1} ppm")).unwrap_or_default();
    let good = if it.error_secs < 1.0 {
        format!("{:.0} ms", it.error_secs * 1000.0)
    } else {
        format!("{:.1} s", it.error_secs)
    };
    let anchors = format!("{}: {}", counted(u64::from(it.anchors), "anchor", "anchors"), it.by.join(", "));
    format!(
        "stood at zero at {}{drift}, good to {good} ({anchors}); {} of {}",
        it.zero,
        counted(it.stamps, "stamp", "stamps"),
        below(root, &it.file)
    )
}

/// `+14400 s`
fn signed(secs: f64) -> String {
    format!("{secs:+.1} s").replace(".0 s", " s")
}
