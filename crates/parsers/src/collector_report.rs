//! What collectors say of their own work: the reports of sos, the pages and stamps of must-gather, the summary of troubleshoot.
//!
//! ```text
//! {"version": "4.2", "cmdline": "report -a", "start_time": "2022-02-11 19:23:15.259812", …}
//! 2022-02-11 19:23:19,341 INFO: [sos.report:setup] executing 'sos report -a --all-logs'
//! 2021-09-14 12:14:04.302057327 +0200 CEST m=+2.026710185
//! ============ Collectors summary =============
//! ```
//!
//! They hold no evidence that does not stand in the files they are about, except the moment of collection, which is a row
//! of `clock.collected`, and what could not be collected, rows of `collect.failure`:
//!
//! ```text
//! "filepath": "sos_commands/logs/journalctl_--no-pager", "truncated": true, "return_code": 124      cut, timed out
//! … WARNING: [plugin:networking] skipped command 'ss -peaonmi': required kmods missing: inet_diag.
//! … WARNING: [plugin:logs] command 'journalctl --no-pager' timed out after 300s
//! … INFO: [plugin:logs] collecting tail of '/var/log/messages' due to size limit
//! etcd (F)                                    : 2ms
//! {"collector":"etcd","error":"current k8s distribution does not support etcd collector", …}
//! [ "pods is forbidden: User cannot list resource" ]                     cluster-resources/pods-errors.json
//! error: gather did not finish                                           gather.logs
//! 2024-01-31 10:21:04:  command timed out, killing process to prevent hanging.        collector-output.log
//! ```
//!
//! Rancher's collector does not say which command it broke off: it may be any of those that it gives so much time, of the part
//! that it was at.
//!
//! Time: sos and Rancher's collector print wall clock of the node without a zone, must-gather the offset.
//!
//! Source: sos/report/__init__.py and sos/report/reporting.py, must-gather's and oc adm inspect's event filter,
//! troubleshoot's pkg/collect; rancher2_logs_collector.sh of Rancher's support tools.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::json_elements::{Documents, elements, entries};
use crate::state::{State, first_line};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "collector-report",
    produced_by: "sos report (sos.json, manifest.json, sos.txt, sos.html, sos.log), must-gather (event-filter.html, timestamp), support-bundle, rancher2_logs_collector.sh (collector-output.log)",
    samples: &[
        "{\n    \"version\": \"4.2\",\n    \"cmdline\": \"report -a\",\n    \"start_time\": \"2022-02-11 19:23:15.259812\",\n    \"end_time\": \"2022-02-11 19:24:38.528784\"\n}\n",
        "[\n    [\n        \"apparmor\",\n        {\n            \"copied_files\": [],\n            \"commands\": []\n        }\n    ]\n]\n",
        "2022-02-11 19:23:19,341 INFO: [archive:TarFileArchive] initialised empty FileCacheArchive\n2022-02-11 19:23:19,341 INFO: [sos.report:setup] executing 'sos report -a --all-logs'\n",
        "Loaded Plugins:\n  apparmor  apport  apt  ata  block\n\nCommands Executed:\n  * df\n",
        "2021-09-14 12:14:04.302057327 +0200 CEST m=+2.026710185\n2021-09-14 12:17:49.820517427 +0200 CEST m=+227.545170152\n",
        "{\"collector\":\"etcd\",\"error\":\"current k8s distribution does not support etcd collector\",\"timestamp\":\"2025-12-10T17:27:09Z\"}\n",
        "\n============ Collectors summary =============\nSucceeded (S), eXcluded (X), Failed (F)\n=============================================\ngoldpinger (S) : 11,128ms\n",
        "2024-01-31 10:20:30: Detecting available commands... renice ionoice\n2024-01-31 10:20:31: Collecting system info\n2024-01-31 10:21:40: Created /tmp/node-a-2024-01-31_10_20_30.tar.gz\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// sos: manifest.json.
    Manifest,
    /// sos: sos.json, by plugin.
    Plugins,
    /// sos: sos.log.
    Log,
    /// sos: sos.txt.
    List,
    /// A page for a browser.
    Page,
    /// must-gather: timestamp.
    Stamps,
    /// troubleshoot: summary.txt.
    Summary,
    /// troubleshoot: why one collector, or one list, failed.
    Errors,
    /// must-gather: what its scripts printed.
    Gather,
    /// Rancher: collector-output.log.
    Rancher,
}

/// Failures of one report that are told.
const FAILURES: usize = 200;

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.path, sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn kind(path: &str, text: &str) -> Option<Kind> {
    let first = first_line(text)?.trim();
    let file = path.rsplit('/').next().unwrap_or_default();
    let errors = file == "errors.json" || file.ends_with("-errors.json") || path.contains("-errors/") && file.ends_with(".json");
    if errors && elements(text.trim_start()).take(100).all(|it| it.text.starts_with('"')) && text.trim_start().starts_with('[') {
        return Some(Kind::Errors);
    }
    if matches!(file, "gather.logs" | "gather.log") {
        return Some(Kind::Gather);
    }
    let is = |kind: Kind, yes: bool| yes.then_some(kind);
    let lines = || text.lines().filter(|it| !it.trim().is_empty()).take(20);
    if rancher_line(first).is_some() && lines().any(|it| rancher_line(it).is_some_and(|it| it.1.starts_with("Collecting system info"))) {
        return Some(Kind::Rancher);
    }
    match first.as_bytes().first()? {
        b'{' => {
            let document = Documents::of(text).next()?.text;
            let has = |key: &str| entries(document).take(12).any(|it| it.key == key);
            if has("collector") && has("error") && has("timestamp") {
                return Some(Kind::Errors);
            }
            is(Kind::Manifest, has("cmdline") && has("start_time") && has("version"))
        }
        b'[' => {
            let head = text.get(..4096.min(text.len())).unwrap_or_default();
            is(Kind::Plugins, head.contains("\"copied_files\": [") && (head.contains("\"href\": ") || text.contains("\"commands\": [")))
        }
        b'<' => {
            let head = text.get(..text.len().min(8192)).unwrap_or(text);
            let page = head.contains("<html");
            is(Kind::Page, page && (head.contains("<title>Sos System Report</title>") || event_filter(text)))
        }
        b'=' => is(Kind::Summary, first.starts_with("============ Collectors summary")),
        b'L' => is(Kind::List, first == "Loaded Plugins:"),
        _ => {
            let log = |it: &str| sos_line(it).is_some();
            let mut lines = text.lines().filter(|it| !it.trim().is_empty()).take(20);
            let sos = text.lines().take(20).any(|it| it.contains(" [sos.") || it.contains(" [plugin:"));
            if sos && log(first) {
                return Some(Kind::Log);
            }
            is(Kind::Stamps, lines.all(|it| go_stamp(it).is_some()))
        }
    }
}

/// The page that must-gather makes of all events.
fn event_filter(text: &str) -> bool {
    text.contains("<title>Events</title>") && text.contains("data-filter-control")
}

/// `2022-02-11 19:23:19,341 INFO: [sos.report:setup] executing 'sos report'`
fn sos_line(line: &str) -> Option<NaiveDateTime> {
    let (stamp, rest) = line.split_at_checked(23)?;
    let level = rest.trim_start().split(':').next()?;
    let known = matches!(level, "INFO" | "DEBUG" | "WARNING" | "ERROR" | "CRITICAL");
    known.then(|| NaiveDateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M:%S,%3f").ok()).flatten()
}

/// `2021-09-14 12:14:04.302057327 +0200 CEST m=+2.026710185`, as Go prints an instant
fn go_stamp(line: &str) -> Option<DateTime<Utc>> {
    let (stamp, mono) = line.trim().rsplit_once(" m=")?;
    mono.trim_start_matches(['+', '-']).parse::<f64>().ok()?;
    let (stamp, _) = stamp.rsplit_once(' ')?;
    Some(DateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M:%S%.f %z").ok()?.to_utc())
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let head = input.text.get(..65_536.min(input.text.len())).unwrap_or(input.text);
    let path = &input.origin.path;
    let Some(kind) = kind(path, head) else { return };
    let mut state = State::of(input, out);
    let (mut last, mut stamps, mut told) = (None, 0, 0);
    let (mut object, mut file, mut part) = ("", "", "");
    state.each(|state, line| {
        if kind == Kind::Rancher {
            for failure in rancher_failures(line.text, &mut part) {
                state.push(failure.row(), line);
            }
        }
        let failure = match kind {
            Kind::Manifest => manifest_failure(line.text, &mut object, &mut file),
            Kind::Log => log_failure(line.text),
            Kind::Summary => summary_failure(line.text),
            Kind::Gather => gather_failure(line.text),
            Kind::Plugins | Kind::List | Kind::Page | Kind::Stamps | Kind::Errors | Kind::Rancher => None,
        };
        if let Some(failure) = failure.filter(|_| told < FAILURES) {
            told += 1;
            state.push(failure.row(), line);
        }
        match kind {
            Kind::Manifest => {
                let end = line.text.trim().strip_prefix("\"end_time\": \"").and_then(|it| it.split('"').next());
                let end = end.and_then(|it| NaiveDateTime::parse_from_str(it, "%Y-%m-%d %H:%M:%S%.f").ok());
                if let Some(local) = end.filter(|_| last.is_none()) {
                    let stamp = Stamp::Zoneless { local, resolution: TimeDelta::seconds(1), abbreviation: None };
                    last = Some((*line, stamp));
                }
            }
            Kind::Log => {
                if let Some(local) = sos_line(line.text) {
                    let stamp = Stamp::Zoneless { local, resolution: TimeDelta::seconds(1), abbreviation: None };
                    last = Some((*line, stamp));
                }
            }
            Kind::Rancher => {
                if let Some((local, _)) = rancher_line(line.text) {
                    let stamp = Stamp::Zoneless { local, resolution: TimeDelta::seconds(1), abbreviation: None };
                    last = Some((*line, stamp));
                }
            }
            Kind::Stamps => {
                if let Some(at) = go_stamp(line.text) {
                    stamps += 1;
                    last = Some((*line, Stamp::Exact { at, resolution: TimeDelta::seconds(1), offset_secs: None }));
                }
                return go_stamp(line.text).is_some();
            }
            Kind::Plugins | Kind::List | Kind::Page | Kind::Summary | Kind::Errors | Kind::Gather => {}
        }
        true
    });
    if kind == Kind::Errors {
        let line = input.lines().find(|it| !it.text.trim().is_empty());
        let why = errors(input.text.trim_start());
        if let (Some(line), Some((of, why))) = (line, why) {
            let what = of.unwrap_or_else(|| subject(path));
            state.push(Failure { what, path: String::new(), tail: false, why }.row(), &line);
        }
    }
    if let (Kind::Stamps, 1, Some((line, _))) = (kind, stamps, &last) {
        let why = "it says when it began and not when it ended: it was broken off".to_owned();
        state.push(Failure { what: "must-gather".to_owned(), path: String::new(), tail: false, why }.row(), line);
    }
    if let Some((line, stamp)) = last {
        let command = match kind {
            Kind::Stamps => "must-gather",
            Kind::Rancher => "rancher2_logs_collector.sh",
            _ => "sos",
        };
        state.push_at(Row::new(&relation::COLLECTED).with("command", command), &line, stamp);
    }
}

/// `2024-01-31 10:20:31: Collecting system info`
fn rancher_line(line: &str) -> Option<(NaiveDateTime, &str)> {
    let (stamp, said) = line.split_at_checked(19)?;
    let said = said.strip_prefix(": ")?;
    Some((NaiveDateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M:%S").ok()?, said.trim()))
}

/// What Rancher's collector gives a minute each and then breaks off without saying which: the part it was at, and the files.
const BROKEN_OFF: &[(&str, &[&str])] = &[
    ("Collecting system info", &["systeminfo/lsof"]),
    ("Collecting docker info", &["docker/dockerinfo", "docker/dockerstats", "docker/dockerimages"]),
];

/// `2024-01-31 10:21:04:  command timed out, killing process …`, `…: [!] Containerd is offline, skipping crictl collection`
fn rancher_failures<'t>(line: &'t str, part: &mut &'t str) -> Vec<Failure> {
    let Some((_, said)) = rancher_line(line) else { return Vec::new() };
    if said.starts_with("Collecting ") {
        *part = said;
    }
    if said.contains("command timed out, killing process") {
        let of = BROKEN_OFF.iter().find(|it| *part == it.0).map_or(&[][..], |it| it.1);
        let why = "a command of this part was broken off after a minute".to_owned();
        let one = |path: &&str| Failure { what: (*path).to_owned(), path: (*path).to_owned(), tail: false, why: why.clone() };
        return of.iter().map(one).collect();
    }
    let why = match said.strip_prefix("[!] ") {
        Some(why) => why,
        None if said.starts_with("error: ") || said.starts_with("Creating the tar archive did not") => said,
        None => return Vec::new(),
    };
    let what = part.strip_prefix("Collecting ").unwrap_or(part).to_owned();
    vec![Failure { what, path: String::new(), tail: false, why: why.to_owned() }]
}

/// What could not be collected.
struct Failure {
    /// The command, file or collector, as the report names it.
    what: String,
    /// Where its output stands in the bundle; of all of a plugin, the folder with its slash.
    path: String,
    /// Only the end of it is there.
    tail: bool,
    why: String,
}

impl Failure {
    fn row(self) -> Row {
        let row = Row::new(&relation::COLLECT_FAILURE).with("what", cut(&self.what)).with("tail", self.tail);
        let row = if self.path.is_empty() { row } else { row.with("path", self.path) };
        row.with("why", cut(&self.why))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}

/// A line of manifest.json, whose keys stand in this order: the object, the file, what became of it.
fn manifest_failure<'t>(line: &'t str, object: &mut &'t str, file: &mut &'t str) -> Option<Failure> {
    let (key, value) = line.trim().trim_end_matches(',').strip_prefix('"')?.split_once("\": ")?;
    match (key, value) {
        (_, "{") => *object = key,
        ("command", _) => *file = "",
        ("filepath", _) => *file = value.trim_matches('"'),
        ("truncated", "true") if !file.is_empty() => {
            let (what, path) = ((*file).to_owned(), (*file).to_owned());
            let why = "it is larger than the collector's limit, and only its end was kept".to_owned();
            return Some(Failure { what, path, tail: true, why });
        }
        ("return_code", "124") if !file.is_empty() => {
            let (what, path) = ((*file).to_owned(), (*file).to_owned());
            return Some(Failure { what, path, tail: false, why: "the command timed out".to_owned() });
        }
        ("timeout_hit", "true") => {
            let (what, path) = (format!("plugin {object}"), format!("sos_commands/{object}/"));
            return Some(Failure { what, path, tail: false, why: "the plugin timed out".to_owned() });
        }
        _ => {}
    }
    None
}

/// `… WARNING: [plugin:logs] command 'journalctl --no-pager' timed out after 300s` and other lines of sos.log
fn log_failure(line: &str) -> Option<Failure> {
    sos_line(line)?;
    let (_, rest) = line.split_once(" [plugin:")?;
    let (plugin, said) = rest.split_once("] ")?;
    let quoted = |front: &str| said.strip_prefix(front)?.split_once('\'').filter(|it| !it.0.is_empty());
    let of = |command: &str| format!("sos_commands/{plugin}/{}", file_name(command));
    if let Some((command, after)) = quoted("command '").filter(|it| it.1.trim_start().starts_with("timed out")) {
        let why = format!("the command {}", after.trim());
        return Some(Failure { what: command.to_owned(), path: of(command), tail: false, why });
    }
    if let Some((command, after)) = quoted("skipped command '") {
        let why = format!("the command was not run: {}", after.trim_start_matches(':').trim());
        return Some(Failure { what: command.to_owned(), path: of(command), tail: false, why });
    }
    let size = |it: &(&str, &str)| it.1.contains("due to size limit");
    if let Some((path, _)) = quoted("collecting tail of '").filter(size) {
        let why = "it is larger than the collector's limit, and only its end was kept".to_owned();
        return Some(Failure { what: path.to_owned(), path: path.trim_start_matches('/').to_owned(), tail: true, why });
    }
    if said.eq_ignore_ascii_case("timed out") || said.eq_ignore_ascii_case("plugin timed out") {
        let (what, path) = (format!("plugin {plugin}"), format!("sos_commands/{plugin}/"));
        return Some(Failure { what, path, tail: false, why: "the plugin timed out".to_owned() });
    }
    None
}

/// The file sos writes the output of a command to.
fn file_name(command: &str) -> String {
    let fronts = ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"];
    let command = fronts.iter().find_map(|it| command.strip_prefix(it)).unwrap_or(command);
    let mut name = String::new();
    for it in command.chars() {
        match it {
            '/' => name.push('.'),
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '.' | '-' => name.push(it),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.trim_matches([' ', '.', '_', '-']).chars().take(255).collect()
}

/// `etcd (F)                  : 2ms`
fn summary_failure(line: &str) -> Option<Failure> {
    let (name, _) = line.rsplit_once(" (F)").filter(|it| it.1.trim_start().starts_with(':'))?;
    let why = "the collector failed".to_owned();
    Some(Failure { what: name.trim().to_owned(), path: String::new(), tail: false, why })
}

/// `error: …`, `[must-gather-x7k2p] POD 2023-… Error from server (NotFound): …`
fn gather_failure(line: &str) -> Option<Failure> {
    let at = ["error: ", "Error from server", "error running ", "gather did not start", "unable to "]
        .iter()
        .filter_map(|it| line.find(it))
        .min()?;
    let word = at == 0 || line.as_bytes()[at - 1] == b' ';
    let why = line[at..].trim().to_owned();
    word.then(|| Failure { what: "gather".to_owned(), path: String::new(), tail: false, why })
}

/// `{"collector":"etcd","error":"…"}` or `["…", "…"]`: which collector, where it says so, and its first reason.
fn errors(text: &str) -> Option<(Option<String>, String)> {
    let string = |it: &str| serde_json::from_str::<String>(it).ok();
    if text.starts_with('[') {
        let all: Vec<_> = elements(text).take(FAILURES).collect();
        let first = string(all.first()?.text)?;
        return Some((None, if all.len() > 1 { format!("{first} (and {} more)", all.len() - 1) } else { first }));
    }
    let value = |key: &str| entries(text).find(|it| it.key == key).and_then(|it| string(it.value));
    Some((value("collector"), value("error")?))
}

/// `…/cluster-resources/pods-errors.json`, `…/helm/errors.json`, `…/secrets-errors/default/x.json`: what it is about.
fn subject(path: &str) -> String {
    let parts: Vec<&str> = path.rsplit('/').take(3).collect();
    let stem = parts.first().map_or("", |it| it.trim_end_matches(".json"));
    match (stem.strip_suffix("-errors"), stem, parts.get(1), parts.get(2)) {
        (Some(kind), ..) => kind.to_owned(),
        (None, "errors", Some(folder), _) => (*folder).to_owned(),
        (None, name, Some(folder), Some(kind)) => format!("{} {folder}/{name}", kind.trim_end_matches("-errors")),
        (None, name, ..) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{events, facts, read_at, sniff_certainty};

    #[test]
    fn only_the_moment_counts() {
        for (at, count) in [(0, 1), (1, 0), (2, 1), (3, 0), (4, 1), (5, 0), (6, 0), (7, 1)] {
            let text = FORMAT.samples[at];
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            let out = read_at(&FORMAT, "x", text);
            assert_eq!((facts(&out, "clock.collected").count(), events(&out).count()), (count, 0), "{text}");
            assert_eq!(out.tally.lines, out.tally.understood);
        }
        let at = go_stamp("2021-09-14 12:17:49.820517427 +0200 CEST m=+227.545170152").map(|it| it.to_rfc3339());
        assert_eq!(at.as_deref(), Some("2021-09-14T10:17:49.820517427+00:00"));
    }

    fn failures(path: &str, text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, path, text);
        let cell = |it: &timeline::Fact, column: &str| match it.get(column) {
            timeline::Value::Text(it) => it.to_string(),
            _ => String::new(),
        };
        let shown = |it: &timeline::Fact| {
            let tail = if it.get("tail") == timeline::Value::Flag(true) { ", tail" } else { "" };
            format!("{} [{}{tail}]: {}", cell(it, "what"), cell(it, "path"), cell(it, "why"))
        };
        facts(&out, "collect.failure").map(shown).collect()
    }

    #[test]
    fn sos_says_what_is_cut_and_what_is_not_there() {
        let manifest = "{\n \"version\": \"4.2\",\n \"cmdline\": \"report\",\n \"start_time\": \"2022-02-11 19:23:15.259812\",\n \
            \"logs\": {\n  \"timeout_hit\": true,\n  \"commands\": [\n   {\n    \"command\": \"journalctl\",\n    \
            \"filepath\": \"sos_commands/logs/journalctl_--no-pager\",\n    \"truncated\": true,\n    \"return_code\": 124,\n   },\n   {\n    \
            \"command\": \"ls\",\n    \"filepath\": null,\n    \"truncated\": false,\n    \"return_code\": 2\n   }\n  ]\n }\n}\n";
        assert_eq!(failures("sos_reports/manifest.json", manifest), [
            "plugin logs [sos_commands/logs/]: the plugin timed out",
            "sos_commands/logs/journalctl_--no-pager [sos_commands/logs/journalctl_--no-pager, tail]: it is larger than the collector's limit, and only its end was kept",
            "sos_commands/logs/journalctl_--no-pager [sos_commands/logs/journalctl_--no-pager]: the command timed out",
        ]);
        let log = "2022-02-11 19:23:19,341 INFO: [sos.report:setup] executing 'sos report'\n\
            2022-02-11 19:28:19,341 WARNING: [plugin:kernel] command '/usr/sbin/sysctl -a' timed out after 300s\n\
            2022-02-11 19:28:19,341 WARNING: [plugin:networking] skipped command 'ss -peaonmi': required kmods missing: inet_diag.\n\
            2022-02-11 19:28:19,341 INFO: [plugin:logs] collecting tail of '/var/log/messages' due to size limit (25MB)\n\
            2022-02-11 19:28:19,341 INFO: [plugin:kernel] collecting path '/sys/kernel/debug/tracing/options/funcgraph-tail'\n";
        assert_eq!(failures("sos_logs/sos.log", log), [
            "/usr/sbin/sysctl -a [sos_commands/kernel/sysctl_-a]: the command timed out after 300s",
            "ss -peaonmi [sos_commands/networking/ss_-peaonmi]: the command was not run: required kmods missing: inet_diag.",
            "/var/log/messages [var/log/messages, tail]: it is larger than the collector's limit, and only its end was kept",
        ]);
    }

    #[test]
    fn troubleshoot_and_must_gather_say_what_failed() {
        assert_eq!(failures("execution-data/summary.txt", FORMAT.samples[6]), [""; 0]);
        let summary = FORMAT.samples[6].replace("goldpinger (S)", "goldpinger (F)");
        assert_eq!(failures("execution-data/summary.txt", &summary), ["goldpinger []: the collector failed"]);
        let failed = FORMAT.samples[5];
        assert_eq!(failures("collector-errors/etcd-error.json", failed), ["etcd []: current k8s distribution does not support etcd collector"]);
        let forbidden = "[\n  \"pods is forbidden\",\n  \"pods is forbidden in shop\"\n]";
        assert_eq!(failures("b/cluster-resources/pods-errors.json", forbidden), ["pods []: pods is forbidden (and 1 more)"]);
        assert_eq!(failures("b/helm/errors.json", "[\n  \"release: not found\"\n]"), ["helm []: release: not found"]);
        assert_eq!(failures("b/secrets-errors/shop/key.json", "[\"not found\"]"), ["secrets shop/key []: not found"]);
        let began = "2021-09-14 12:14:04.302057327 +0200 CEST m=+2.026710185\n";
        assert_eq!(failures("must-gather/timestamp", began), ["must-gather []: it says when it began and not when it ended: it was broken off"]);
        let gather = "Gathering data for ns/openshift-etcd...\nerror: the server doesn't have a resource type \"x\"\n";
        assert_eq!(failures("must-gather/x/gather.logs", gather), ["gather []: error: the server doesn't have a resource type \"x\""]);
    }

    #[test]
    fn ranchers_collector_says_that_it_broke_something_off() {
        let said = |text: &str| format!("2024-01-31 10:20:31: {text}\n");
        let all = [
            "Collecting system info",
            " command timed out, killing process to prevent hanging.",
            "Collecting docker info",
            " command timed out, killing process to prevent hanging.",
            "Collecting rke2 info",
            "[!] Containerd is offline, skipping crictl collection",
            "Collecting network info",
        ];
        let log = all.map(said).concat() + "2024-01-31 10:20:31: couldn't detect OS\n";
        assert_eq!(failures("collector-output.log", &log), [
            "systeminfo/lsof [systeminfo/lsof]: a command of this part was broken off after a minute",
            "docker/dockerinfo [docker/dockerinfo]: a command of this part was broken off after a minute",
            "docker/dockerstats [docker/dockerstats]: a command of this part was broken off after a minute",
            "docker/dockerimages [docker/dockerimages]: a command of this part was broken off after a minute",
            "rke2 info []: Containerd is offline, skipping crictl collection",
        ]);
    }

    #[test]
    fn other_pages_and_lists_are_not_claimed() {
        for text in [
            "<html><body>hello</body></html>\n",
            "2022-02-11 19:23:19,341 INFO: started\n",
            "[[\"a\", {\"b\": 1}]]\n",
            "{\"version\": \"1\", \"cmdline\": \"x\"}\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
