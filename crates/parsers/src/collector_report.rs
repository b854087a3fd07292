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
//! of `clock.collected`. Time: sos prints wall clock of the node without a zone, must-gather the offset.
//!
//! Source: sos/report/__init__.py and sos/report/reporting.py, must-gather's and oc adm inspect's event filter,
//! troubleshoot's pkg/collect.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::json_elements::{Documents, entries};
use crate::state::{State, first_line};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "collector-report",
    produced_by: "sos report (sos.json, manifest.json, sos.txt, sos.html, sos.log), must-gather (event-filter.html, timestamp), support-bundle",
    samples: &[
        "{\n    \"version\": \"4.2\",\n    \"cmdline\": \"report -a\",\n    \"start_time\": \"2022-02-11 19:23:15.259812\",\n    \"end_time\": \"2022-02-11 19:24:38.528784\"\n}\n",
        "[\n    [\n        \"apparmor\",\n        {\n            \"copied_files\": [],\n            \"commands\": []\n        }\n    ]\n]\n",
        "2022-02-11 19:23:19,341 INFO: [archive:TarFileArchive] initialised empty FileCacheArchive\n2022-02-11 19:23:19,341 INFO: [sos.report:setup] executing 'sos report -a --all-logs'\n",
        "Loaded Plugins:\n  apparmor  apport  apt  ata  block\n\nCommands Executed:\n  * df\n",
        "2021-09-14 12:14:04.302057327 +0200 CEST m=+2.026710185\n2021-09-14 12:17:49.820517427 +0200 CEST m=+227.545170152\n",
        "\n============ Collectors summary =============\nSucceeded (S), eXcluded (X), Failed (F)\n=============================================\ngoldpinger (S) : 11,128ms\n",
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
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn kind(text: &str) -> Option<Kind> {
    let first = first_line(text)?.trim();
    let is = |kind: Kind, yes: bool| yes.then_some(kind);
    match first.as_bytes().first()? {
        b'{' => {
            let document = Documents::of(text).next()?.text;
            let has = |key: &str| entries(document).take(12).any(|it| it.key == key);
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
    let Some(kind) = kind(head) else { return };
    let mut state = State::of(input, out);
    let mut last = None;
    state.each(|_, line| {
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
            Kind::Stamps => {
                if let Some(at) = go_stamp(line.text) {
                    last = Some((*line, Stamp::Exact { at, resolution: TimeDelta::seconds(1), offset_secs: None }));
                }
                return go_stamp(line.text).is_some();
            }
            Kind::Plugins | Kind::List | Kind::Page | Kind::Summary => {}
        }
        true
    });
    if let Some((line, stamp)) = last {
        let command = if matches!(kind, Kind::Stamps) { "must-gather" } else { "sos" };
        state.push_at(Row::new(&relation::COLLECTED).with("command", command), &line, stamp);
    }
}


#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{events, facts, read_at, sniff_certainty};

    #[test]
    fn only_the_moment_counts() {
        for (at, count) in [(0, 1), (1, 0), (2, 1), (3, 0), (4, 1), (5, 0)] {
            let text = FORMAT.samples[at];
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            let out = read_at(&FORMAT, "x", text);
            assert_eq!((facts(&out, "clock.collected").count(), events(&out).count()), (count, 0), "{text}");
            assert_eq!(out.tally.lines, out.tally.understood);
        }
        let at = go_stamp("2021-09-14 12:17:49.820517427 +0200 CEST m=+227.545170152").map(|it| it.to_rfc3339());
        assert_eq!(at.as_deref(), Some("2021-09-14T10:17:49.820517427+00:00"));
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
