//! What `describe pod` says of a pod: where it runs, what its containers do, what probes them.

use std::net::IpAddr;

use timeline::{Fact, MemberRecords, Name, Record, Row, Stamp, relation};

use super::{About, field, indent};
use crate::kube::{long_stamp, word};
use crate::{Input, Line};

pub(super) fn read<'t>(input: &Input<'t>, block: &[Line<'t>], out: &mut MemberRecords) -> About<'t> {
    let top = |key: &str| block.iter().find_map(|it| Some((word(field(it.text, 0, key))?, it)));
    let Some((name, named)) = top("Name") else { return About::default() };
    let namespace = top("Namespace").map(|(it, _)| it);
    // `kubestage1001/10.64.16.54`
    let placed = top("Node");
    let on = placed.map(|(it, _)| it.split_once('/').map_or(it, |(name, _)| name));
    let address = top("IP");
    let pod = Pod { input, namespace, name, on };
    let restarts = pod.containers(block, out);
    let phase = top("Status").map(|(it, _)| it.split(' ').next().unwrap_or(it));
    let row = Row::new(&relation::POD)
        .with("namespace", namespace)
        .with("name", name)
        .with("ip", address.and_then(|(it, _)| it.parse::<IpAddr>().ok()))
        .with("on", on)
        .with("phase", phase)
        .with("restarts", restarts);
    let lines = address.into_iter().map(|(_, it)| it).chain([named]).chain(placed.map(|(_, it)| it));
    let quotes = lines.map(|it| input.origin.quote(it)).collect();
    let mut fact = Fact::new(row, on.map(Name::from), input.origin.quote(named));
    fact.quotes = quotes;
    out.records.push(Record::Fact(Box::new(fact), Stamp::None));
    About { kind: Some("Pod"), namespace, name: Some(name), node: on, base: None }
}

struct Pod<'i, 't> {
    input: &'i Input<'t>,
    namespace: Option<&'t str>,
    name: &'t str,
    on: Option<&'t str>,
}

/// One `State:` or `Last State:` with the lines below it.
#[derive(Default)]
struct State<'t> {
    lines: Vec<Line<'t>>,
    state: &'t str,
    last: bool,
    reason: Option<&'t str>,
    exit_code: Option<i64>,
    signal: Option<i64>,
    finished: Option<&'t str>,
}

impl<'t> Pod<'_, 't> {
    /// The containers of all sections; returns the restarts of the plain ones.
    fn containers(&self, block: &[Line<'t>], out: &mut MemberRecords) -> Option<i64> {
        let mut restarts = None;
        let mut section = "";
        let mut container: Option<(&'t str, Vec<Line<'t>>)> = None;
        for line in block {
            let depth = indent(line.text);
            if line.text.trim().is_empty() {
                continue;
            }
            let opens = depth == 2 && section.ends_with("ontainers") && line.text.trim_end().ends_with(':');
            if (depth == 0 || opens)
                && let Some((name, lines)) = container.take()
            {
                let own = self.container(name, &lines, out);
                if section == "Containers" {
                    restarts = Some(restarts.unwrap_or(0) + own.unwrap_or(0));
                }
            }
            if depth == 0 {
                section = line.text.split(':').next().unwrap_or_default();
            } else if opens {
                container = Some((line.text.trim().trim_end_matches(':'), Vec::new()));
            } else if let Some((_, lines)) = &mut container {
                lines.push(*line);
            }
        }
        if let Some((name, lines)) = container {
            let own = self.container(name, &lines, out);
            if section == "Containers" {
                restarts = Some(restarts.unwrap_or(0) + own.unwrap_or(0));
            }
        }
        restarts
    }

    fn container(&self, name: &'t str, lines: &[Line<'t>], out: &mut MemberRecords) -> Option<i64> {
        let mut states: Vec<State<'t>> = Vec::new();
        let mut inside = false;
        let mut restarts = None;
        for line in lines {
            let at = |key| field(line.text, 4, key);
            if let Some((state, last)) = at("State").map(|it| (it, false)).or(at("Last State").map(|it| (it, true))) {
                states.push(State { state, last, lines: vec![*line], ..State::default() });
                inside = true;
            } else if indent(line.text) <= 4 {
                inside = false;
                if let Some(count) = at("Restart Count") {
                    restarts = count.parse().ok();
                }
                for kind in ["Liveness", "Readiness", "Startup"] {
                    if let Some(probe) = at(kind) {
                        self.probe(name, kind, probe, line, out);
                    }
                }
            } else if let (true, Some(state)) = (inside, states.last_mut()) {
                let at = |key| field(line.text, 6, key);
                if let Some(reason) = at("Reason") {
                    state.reason = Some(reason);
                    // the reason says more than the state
                    state.lines.insert(0, *line);
                }
                state.exit_code = state.exit_code.or(at("Exit Code").and_then(|it| it.parse().ok()));
                state.signal = state.signal.or(at("Signal").and_then(|it| it.parse().ok()));
                state.finished = state.finished.or(at("Finished"));
            }
        }
        for state in states {
            let word = match (state.state, state.last) {
                ("Running", _) => "running",
                ("Waiting", _) => "waiting",
                ("Terminated", false) => "terminated",
                ("Terminated", true) => "last-terminated",
                _ => continue,
            };
            let row = Row::new(&relation::CONTAINER_STATE)
                .with("namespace", self.namespace)
                .with("pod", self.name)
                .with("container", name)
                .with("state", word)
                .with("reason", state.reason)
                .with("exit_code", state.exit_code)
                .with("signal", state.signal)
                .with("restarts", restarts)
                .with("on", self.on);
            let mut fact = Fact::new(row, self.on.map(Name::from), self.input.origin.quote(&state.lines[0]));
            fact.quotes.extend(state.lines[1..].iter().map(|it| self.input.origin.quote(it)));
            out.records.push(Record::Fact(Box::new(fact), state.finished.map_or(Stamp::None, long_stamp)));
        }
        restarts
    }

    /// `exec [/bin/calico-node -felix-live -bird-live] delay=10s timeout=10s period=10s #success=1 #failure=6`
    fn probe(&self, container: &str, kind: &str, text: &str, line: &Line<'t>, out: &mut MemberRecords) {
        let action = text.split(' ').next().unwrap_or_default();
        let command = text.strip_prefix("exec [").and_then(|it| it.split_once("] delay=")).map(|(it, _)| it);
        let secs = |key: &str| -> Option<i64> {
            let (_, rest) = text.rsplit_once(&format!(" {key}="))?;
            rest.split(' ').next()?.strip_suffix('s')?.parse().ok()
        };
        let row = Row::new(&relation::PROBE)
            .with("namespace", self.namespace)
            .with("pod", self.name)
            .with("container", container)
            .with("kind", kind.to_ascii_lowercase())
            .with("action", (!action.is_empty()).then_some(action))
            .with("command", command)
            .with("period_secs", secs("period"))
            .with("timeout_secs", secs("timeout"))
            .with("on", self.on);
        let fact = Fact::new(row, self.on.map(Name::from), self.input.origin.quote(line));
        out.records.push(Record::Fact(Box::new(fact), Stamp::None));
    }
}
