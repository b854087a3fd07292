//! `systemctl status`, `list-units`, `show`: what systemd says of its units.
//!
//! ```text
//!   UNIT            LOAD   ACTIVE SUB     DESCRIPTION
//! ● kubelet.service loaded failed failed kubelet: The Kubernetes Node Agent
//!      Active: failed (Result: exit-code) since Tue 2023-07-24 03:02:13 UTC; 3min ago
//!      Tasks: 46123 (limit: 49152)
//! NRestarts=7
//! ```
//!
//! One row a unit; of lists only services, mounts, and what has failed. Skipped: the tree of processes, dependencies; the
//! lines of the journal below a status are read as no log, the journal itself has them. Units: bytes. Time: `Active: …
//! since` is the instant of the row, wall clock of the node.
//!
//! Source: `man 1 systemctl`.

use chrono::{NaiveDateTime, TimeDelta};
use timeline::{MemberRecords, Row, Stamp, relation};

use crate::state::{State, begins, bytes_of, first_line, is_number, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "systemd-units",
    produced_by: "systemctl list-units, systemctl status, systemctl show",
    samples: &[
        "  UNIT            LOAD   ACTIVE SUB     DESCRIPTION\n● kubelet.service loaded failed failed  kubelet: The Kubernetes Node Agent\n  cron.service    loaded active running Regular background program processing daemon\n\nLOAD   = Reflects whether the unit definition was properly loaded.\n2 loaded units listed.\n",
        concat!(
            "● kubelet.service - kubelet: The Kubernetes Node Agent\n",
            "     Loaded: loaded (/lib/systemd/system/kubelet.service; enabled; vendor preset: enabled)\n",
            "    Drop-In: /etc/systemd/system/kubelet.service.d\n             └─10-kubeadm.conf\n",
            "     Active: failed (Result: exit-code) since Mon 2023-07-24 03:02:13 UTC; 3min ago\n",
            "   Main PID: 1234 (code=exited, status=255/EXCEPTION)\n",
            "      Tasks: 46123 (limit: 49152)\n     Memory: 1.2G\n     CGroup: /system.slice/kubelet.service\n",
            "             └─1234 /usr/bin/kubelet --config=/var/lib/kubelet/config.yaml\n\n",
            "Jul 24 03:02:13 node-a systemd[1]: kubelet.service: Failed with result 'exit-code'.\n",
        ),
        "Type=simple\nRestart=always\nNRestarts=7\nResult=exit-code\nExecMainStatus=255\nId=kubelet.service\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\nTasksMax=49152\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Clone, Copy)]
enum Kind {
    List,
    Status,
    Show,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn kind(text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    let share = |test: fn(&str) -> bool| {
        let lines = || text.lines().filter(|it| !it.trim().is_empty()).take(200);
        lines().filter(|it| test(it)).count() * 10 >= lines().count() * 9
    };
    if text.lines().take(4).any(|it| begins(it, &["UNIT", "LOAD", "ACTIVE", "SUB"])) && share(|it| listed(it).is_some() || legend(it)) {
        return Some(Kind::List);
    }
    // of a host as a whole, then of its units
    let machine = first.starts_with(['●', '*']) && text.lines().nth(1).is_some_and(|it| it.trim().starts_with("State: "));
    let unit = heading(first).is_some() && text.lines().take(4).any(|it| it.trim().starts_with("Loaded: "));
    if machine || unit {
        return Some(Kind::Status);
    }
    let of_units = text.contains("\nActiveState=") && text.contains("\nLoadState=");
    (of_units && share(|it| property(it).is_some())).then_some(Kind::Show)
}

/// `● kubelet.service loaded failed failed kubelet`
fn listed(line: &str) -> Option<[&str; 4]> {
    let mut cells = words(line).skip_while(|it| is_mark(it));
    let (unit, load, active, sub) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let loads = ["loaded", "not-found", "masked", "error", "bad-setting", "merged", "stub"];
    (unit.contains('.') && loads.contains(&load)).then_some([unit, load, active, sub])
}

fn is_mark(word: &str) -> bool {
    matches!(word, "●" | "*" | "○" | "?" | "x" | "×" | "↻")
}

/// What `systemctl` prints around its tables.
fn legend(line: &str) -> bool {
    let line = line.trim();
    let explained = ["LOAD ", "ACTIVE ", "SUB ", "JOB "];
    begins(line, &["UNIT", "LOAD"])
        || explained.iter().any(|it| line.strip_prefix(it).is_some_and(|it| it.trim_start().starts_with(['=', '→'])))
        || words(line).next().is_some_and(is_number) && line.contains(" listed")
        || line.starts_with("Pass --all")
        || line.starts_with("To show all installed")
}

/// `● kubelet.service - kubelet: The Kubernetes Node Agent`
fn heading(line: &str) -> Option<&str> {
    let mut cells = words(line);
    let mark = cells.next().filter(|it| is_mark(it) && line.starts_with(*it))?;
    let unit = cells.next()?;
    let kinds = ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];
    let kind = unit.rsplit('.').next().filter(|it| kinds.contains(it));
    (!mark.is_empty() && kind.is_some() && matches!(cells.next(), None | Some("-" | "–"))).then_some(unit)
}

/// `ActiveState=active`
fn property(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let named = key.starts_with(|it: char| it.is_ascii_uppercase()) && key.bytes().all(|it| it.is_ascii_alphanumeric());
    named.then_some((key, value))
}

/// Units a rule may ask for.
fn worth(unit: &str, active: &str) -> bool {
    unit.ends_with(".service") || unit.ends_with(".mount") || active == "failed"
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let head = input.text.get(..65_536.min(input.text.len())).unwrap_or(input.text);
    let Some(kind) = kind(head) else { return };
    let mut state = State::of(input, out);
    match kind {
        Kind::List => {
            state.each(|state, line| {
                let Some([unit, load, active, sub]) = listed(line.text) else { return legend(line.text) };
                if worth(unit, active) {
                    let row = Row::new(&relation::UNIT).with("name", unit).with("load", load).with("active", active).with("sub", sub);
                    state.push(row, line);
                }
                true
            });
            let failed = input.origin.path.contains("failed");
            let incomplete = failed.then(|| "only what has failed".to_owned());
            if incomplete.is_some() { state.collected_but(&relation::UNIT, incomplete) } else { state.collected(&relation::UNIT) }
        }
        Kind::Status => sections(&mut state, status_line),
        Kind::Show => sections(&mut state, show_line),
    }
}

/// A unit while its lines come in.
#[derive(Default)]
struct Unit<'t> {
    row: Option<Row>,
    place: Option<Line<'t>>,
    stamp: Stamp,
    name: &'t str,
}

impl<'t> Unit<'t> {
    fn set(&mut self, column: &str, value: impl Into<timeline::Value>) {
        let row = self.row.take().unwrap_or_else(|| Row::new(&relation::UNIT));
        self.row = Some(row.with(column, value));
    }

    fn push(&mut self, state: &mut State<'_, 't, '_>) {
        let done = std::mem::take(self);
        if let (Some(row), Some(line)) = (done.row, done.place)
            && worth(done.name, &row.get("active").to_string())
        {
            state.push_at(row, &line, done.stamp);
        }
    }
}

fn sections<'t>(state: &mut State<'_, 't, '_>, read: fn(&mut Unit<'t>, &Line<'t>) -> bool) {
    let mut unit = Unit::default();
    let mut last = 0;
    state.each(|state, line| {
        // `show` parts units by a blank line
        let parted = line.number > last + 1 && property(line.text).is_some();
        if heading(line.text).is_some() || parted {
            unit.push(state);
        }
        last = line.number;
        read(&mut unit, line)
    });
    unit.push(state);
}

fn status_line<'t>(unit: &mut Unit<'t>, line: &Line<'t>) -> bool {
    if let Some(name) = heading(line.text) {
        unit.name = name;
        unit.place = Some(*line);
        unit.set("name", name);
        return true;
    }
    let Some((key, value)) = line.text.split_once(':') else { return true };
    let value = value.trim();
    match key.trim() {
        "Loaded" => unit.set("load", words(value).next()),
        "Active" if !unit.name.is_empty() => {
            // `failed (Result: exit-code) since Mon 2023-07-24 03:02:13 UTC; 3min ago`
            unit.set("active", words(value).next());
            let inner = value.split_once('(').and_then(|(_, it)| it.split_once(')')).map(|(it, _)| it);
            match inner.and_then(|it| it.strip_prefix("Result: ")) {
                Some(result) => unit.set("result", result),
                None => unit.set("sub", inner),
            }
            unit.place = Some(*line);
            unit.stamp = value.split_once(" since ").map_or(Stamp::None, |(_, it)| since(it));
        }
        "Main PID" => {
            let status = value.split_once("status=").map(|(_, it)| it.split(['/', ')']).next().unwrap_or_default());
            if let Some(code) = status.and_then(|it| it.parse::<i64>().ok()) {
                unit.set("exit_code", code);
            }
        }
        "Tasks" => {
            unit.set("tasks", words(value).next().and_then(|it| it.parse::<i64>().ok()));
            // `Limit` up to systemd 231
            let limit = value.split_once("imit: ").map(|(_, it)| it.trim_end_matches(')'));
            if let Some(limit) = limit.and_then(|it| it.parse::<i64>().ok()) {
                unit.set("tasks_max", limit);
            }
        }
        "Memory" => unit.set("memory_bytes", words(value).next().and_then(|it| bytes_of(it, 1))),
        _ => {}
    }
    true
}

/// `Mon 2023-07-24 03:02:13 UTC; 3min ago`
fn since(text: &str) -> Stamp {
    let cells: Vec<&str> = text.split(';').next().unwrap_or_default().split_ascii_whitespace().collect();
    let [_, date, clock, zone] = cells[..] else { return Stamp::None };
    let Ok(local) = NaiveDateTime::parse_from_str(&format!("{date} {clock}"), "%Y-%m-%d %H:%M:%S") else { return Stamp::None };
    let resolution = TimeDelta::seconds(1);
    match zone {
        "UTC" => Stamp::Exact { at: local.and_utc(), resolution, offset_secs: None },
        it => Stamp::Zoneless { local, resolution, abbreviation: Some(it.into()) },
    }
}

fn show_line<'t>(unit: &mut Unit<'t>, line: &Line<'t>) -> bool {
    let Some((key, value)) = property(line.text) else { return line.text.starts_with([' ', '\t']) };
    let number = || value.parse::<i64>().ok();
    match key {
        "Id" => {
            unit.name = value;
            unit.set("name", value);
            unit.place.get_or_insert(*line);
        }
        "LoadState" => unit.set("load", value),
        "ActiveState" => {
            unit.set("active", value);
            unit.place = Some(*line);
        }
        "SubState" => unit.set("sub", value),
        "Result" => unit.set("result", value),
        "ExecMainStatus" => unit.set("exit_code", number()),
        "NRestarts" => unit.set("restarts", number()),
        "TasksCurrent" => unit.set("tasks", number()),
        "TasksMax" => unit.set("tasks_max", number()),
        "MemoryCurrent" => unit.set("memory_bytes", number()),
        _ => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, "x", text);
        facts(&out, "unit")
            .map(|it| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").replace("unknown", "-"))
            .collect()
    }

    #[test]
    fn lists_states_and_properties() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["kubelet.service loaded failed failed - - - - - -", "cron.service loaded active running - - - - - -"]
        );
        assert_eq!(
            rows(FORMAT.samples[1]),
            ["kubelet.service loaded failed - exit-code 255 - 46123 49152 1288490188"]
        );
        assert_eq!(
            rows(FORMAT.samples[2]),
            ["kubelet.service loaded activating auto-restart exit-code 255 7 - 49152 -"]
        );
    }

    #[test]
    fn settings_of_a_unit_file_are_not_its_state() {
        for text in ["Type=oneshot\nRestart=no\n", "UNIT LOAD ACTIVE SUB is the header of systemctl.\nNothing was failed.\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
