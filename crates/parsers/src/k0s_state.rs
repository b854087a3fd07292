//! `k0s sysinfo` and `k0s status`: what k0s finds on a host, and what it says of itself.
//!
//! ```text
//! Total memory: 15.6 GiB (pass)
//! Operating system: Linux (pass)
//!   Linux kernel release: 5.15.0-91-generic (pass)
//!   Control Groups: version 1 (rejected: cgroup v1 is not supported)
//!     cgroup controller "pids": unavailable (rejected)
//! Name resolution: localhost: error: lookup localhost: no such host
//!
//! Version: v1.28.4+k0s.0
//! Process ID: 1817
//! Role: controller
//! Kube-api probing successful: true
//! ```
//!
//! One row of `preflight` a check, and the release of the kernel; one row of `distribution` for a status in text, JSON or
//! YAML. Which check belongs below which is not kept: their names tell. Skipped: the configuration that a status in JSON
//! repeats, colours. Units: as printed. Time: none.
//!
//! Source: k0s `cmd/sysinfo/sysinfo.go`, `internal/pkg/sysinfo`, `cmd/status/status.go`.

use timeline::{MemberRecords, Row, relation};

use crate::log::head::plain;
use crate::state::{State, first_line};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "k0s-state",
    produced_by: "k0s sysinfo, k0s status [-o json|yaml]",
    samples: &[
        concat!(
            "Machine ID: \"8a4c5bd7\" (from machine) (pass)\n",
            "Total memory: 15.6 GiB (pass)\n",
            "Operating system: Linux (pass)\n",
            "  Linux kernel release: 5.15.0-91-generic (pass)\n",
            "  Max. file descriptors per process: current: 1024 / max: 1048576 (warning: < 65536)\n",
            "  Control Groups: version 1 (rejected: cgroup v1 is not supported)\n",
        ),
        "Version: v1.28.4+k0s.0\nProcess ID: 1817\nRole: controller\nWorkloads: true\nSingleNode: false\nKube-api probing successful: true\nKube-api probing last error:  \n",
        "{\n   \"Version\": \"v1.28.4+k0s.0\",\n   \"Pid\": 1817,\n   \"Role\": \"worker\",\n   \"Workloads\": true,\n   \"SingleNode\": false,\n   \"WorkerToAPIConnectionStatus\": {\n      \"Message\": \"dial tcp 10.0.0.1:6443: i/o timeout\",\n      \"Success\": false\n   }\n}\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// A line of `k0s sysinfo` taken apart.
struct Check<'t> {
    name: &'t str,
    value: &'t str,
    result: &'static str,
    why: Option<&'t str>,
}

/// `Control Groups: version 1 (rejected: cgroup v1 is not supported)`, `Name resolution: localhost: error: no such host`
fn check(line: &str) -> Option<Check<'_>> {
    let line = line.trim();
    for (mark, result) in [(" (pass)", "pass"), (" (warning)", "warning"), (" (rejected)", "rejected")] {
        if let Some(rest) = line.strip_suffix(mark) {
            let (name, value) = named(rest)?;
            return Some(Check { name, value, result, why: None });
        }
    }
    for (mark, result) in [(" (warning: ", "warning"), (" (rejected: ", "rejected")] {
        // the reason may have parentheses of its own
        if let Some((rest, why)) = line.strip_suffix(')').and_then(|it| it.split_once(mark)) {
            let (name, value) = named(rest)?;
            return Some(Check { name, value, result, why: Some(why) });
        }
    }
    let (name, why) = line.split_once(": error")?;
    let why = if why.is_empty() { None } else { Some(why.strip_prefix(": ")?) };
    is_name(name).then_some(Check { name, value: "", result: "error", why })
}

/// `CONFIG_CGROUPS: Control Group support: built-in`: what is checked, and what was found; a name may have a colon.
fn named(text: &str) -> Option<(&str, &str)> {
    let split = match text.rsplit_once(": ") {
        // `current: 1024 / max: 1048576`
        Some((front, _)) if front.contains(": current: ") => text.split_once(": current: "),
        other => other,
    };
    let (name, value) = split.or_else(|| Some((text.strip_suffix(':')?, "")))?;
    is_name(name).then_some((name.trim(), value.trim()))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 120 && name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sysinfo,
    Status,
    Json,
}

fn kind(text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    let has = |key: &str| text.starts_with(key) || text.contains(&format!("\n{key}"));
    if first.trim() == "{" {
        let keys = ["\"Version\"", "\"Pid\"", "\"Role\"", "\"Workloads\""];
        return keys.iter().all(|it| text.contains(it)).then_some(Kind::Json);
    }
    if has("Version: v") && has("Role: ") && (has("Process ID: ") || has("Pid: ")) {
        return Some(Kind::Status);
    }
    let (mut all, mut good, mut sure) = (0, 0, false);
    for line in text.lines().filter(|it| !it.trim().is_empty()).take(60) {
        let line = plain(line);
        all += 1;
        good += u32::from(check(&line).is_some());
        let name = line.trim_start();
        let known = ["Machine ID: ", "Total memory: ", "Linux kernel release: ", "Operating system: ", "Control Groups: ", "CONFIG_"];
        sure |= known.iter().any(|it| name.starts_with(it));
    }
    (sure && good * 10 >= all * 7).then_some(Kind::Sysinfo)
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let Some(kind) = kind(input.text) else { return };
    let mut state = State::of(input, out);
    match kind {
        Kind::Sysinfo => {
            state.each(sysinfo_line);
            state.collected(&relation::PREFLIGHT);
        }
        Kind::Status | Kind::Json => {
            status(&mut state, if kind == Kind::Json { 3 } else { 0 });
            state.collected(&relation::DISTRIBUTION);
        }
    }
}

fn sysinfo_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let text = plain(line.text);
    let Some(Check { name, value, result, why }) = check(&text) else {
        // what the command ends with on stderr
        return text.starts_with("Error: ");
    };
    if name == "Linux kernel release" && !value.is_empty() {
        state.push(Row::new(&relation::KERNEL).with("release", value), line);
    }
    let value = Some(value).filter(|it| !it.is_empty());
    let row = Row::new(&relation::PREFLIGHT).with("check", name).with("value", value).with("result", result);
    state.push(row.with("why", why), line);
    true
}

/// The lines of a status, whatever form it has: each key stands in a line of its own, so far in.
fn status(state: &mut State<'_, '_, '_>, indent: usize) {
    let mut row = Row::new(&relation::DISTRIBUTION).with("name", "k0s");
    let (mut first, mut nested) = (None, false);
    state.each(|_, line| {
        let text = line.text.trim().trim_end_matches(',');
        let Some((key, value)) = text.split_once(':') else {
            return text.chars().all(|it| "{}[]".contains(it)) || text.starts_with(['-', '"']);
        };
        let (key, value) = (key.trim_matches('"'), value.trim().trim_matches('"'));
        let deep = line.text.len() - line.text.trim_start().len();
        if key == "WorkerToAPIConnectionStatus" {
            nested = true;
            return true;
        }
        // a configuration that is repeated has keys of the same names further in
        let top = deep == indent;
        nested &= !top;
        let flag = || (value == "true" || value == "false").then_some(value == "true");
        let said = Some(value).filter(|it| !it.is_empty());
        let known = row.clone();
        row = match key {
            "Version" if top && first.is_none() => {
                first = Some(*line);
                known.with("version", said)
            }
            "Role" if top => known.with("role", said),
            "Workloads" if top => known.with("workloads", flag()),
            "Kube-api probing successful" => known.with("api_reachable", flag()),
            "Kube-api probing last error" => known.with("error", said),
            "Success" if nested => known.with("api_reachable", flag()),
            "Message" if nested => known.with("error", said),
            _ => known,
        };
        true
    });
    if let Some(line) = first {
        state.push(row, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    #[test]
    fn checks_and_what_came_of_them() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "preflight", ["check", "value", "result", "why"]);
        insta::assert_snapshot!(rows(FORMAT.samples[0]).join("\n"), @r#"
        Machine ID "8a4c5bd7" (from machine) pass unknown
        Total memory 15.6 GiB pass unknown
        Operating system Linux pass unknown
        Linux kernel release 5.15.0-91-generic pass unknown
        Max. file descriptors per process 1024 / max: 1048576 warning < 65536
        Control Groups version 1 rejected cgroup v1 is not supported
        "#);
        let text = concat!(
            "\u{1b}[97mTotal memory: \u{1b}[0m\u{1b}[32m976.5 MiB\u{1b}[0m (pass)\n",
            "    cgroup controller \"pids\": unavailable (rejected)\n",
            "  CONFIG_CGROUPS: Control Group support: built-in (pass)\n",
            "  AppArmor: unavailable (pass)\n",
            "Name resolution: localhost: error: lookup localhost: no such host\n",
            "Error: sysinfo failed\n",
        );
        insta::assert_snapshot!(rows(text).join("\n"), @r#"
        Total memory 976.5 MiB pass unknown
        cgroup controller "pids" unavailable rejected unknown
        CONFIG_CGROUPS: Control Group support built-in pass unknown
        AppArmor unavailable pass unknown
        Name resolution: localhost unknown error lookup localhost: no such host
        "#);
        assert_eq!(sure_rows_of(&FORMAT, FORMAT.samples[0], "kernel", ["release"]), ["5.15.0-91-generic"]);
    }

    #[test]
    fn a_status_in_every_form() {
        let columns = ["name", "version", "role", "workloads", "api_reachable", "error"];
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "distribution", columns).join(";");
        assert_eq!(rows(FORMAT.samples[1]), "k0s v1.28.4+k0s.0 controller true true unknown");
        assert_eq!(rows(FORMAT.samples[2]), "k0s v1.28.4+k0s.0 worker true false dial tcp 10.0.0.1:6443: i/o timeout");
        let yaml = "Args:\n- k0s\n- worker\nClusterConfig:\n  spec:\n    api:\n      Version: 7\nPid: 1817\nRole: worker\nSingleNode: false\nVersion: v1.28.4+k0s.0\nWorkerToAPIConnectionStatus:\n  Message: \"\"\n  Success: true\nWorkloads: true\n";
        assert_eq!(rows(yaml), "k0s v1.28.4+k0s.0 worker true true unknown");
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in [
            "Total memory: 15.6 GiB\n",
            "the test (pass)\n",
            "check one: good (pass)\ncheck two: good (pass)\n",
            "Version: v1.28.4\nBuild: 7\n",
            "{\n  \"Version\": \"v1\"\n}\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
