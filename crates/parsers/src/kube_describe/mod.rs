//! `kubectl describe node` and `kubectl describe pod`.
//!
//! ```text
//! Name:         calico-node-7hx2k
//! Namespace:    kube-system
//! Node:         kubestage1001/10.64.16.54
//! Containers:
//!   calico-node:
//!     Last State:     Terminated
//!       Reason:       Error
//!       Exit Code:    2
//!     Liveness:       exec [/bin/calico-node -felix-live] delay=10s timeout=10s period=10s #success=1 #failure=6
//! Events:
//!   Type     Reason     Age                   From     Message
//!   ----     ------     ----                  ----     -------
//!   Warning  Unhealthy  2m (x41 over 26m)     kubelet  Liveness probe failed:
//! ```
//!
//! Several objects in one file begin with a `Name:` each; of kinds other than node and pod only the events are read.
//! Skipped: volumes, resources, tolerations. Time: RFC 1123 with its offset; the ages of events are relative to a
//! moment that is not printed. For a node that is ready its lease tells the moment to 40 s, for others nothing does.
//!
//! Source: kubectl `pkg/describe/describe.go`.

mod node;
mod pod;

use timeline::{Collected, MemberRecords, Quote};

use crate::kube::{Base, Columns, Events, KubeEvent, seen_for, word};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "kube-describe",
    produced_by: "kubectl describe node|pod",
    samples: &[concat!(
        "Name:         calico-node-7hx2k\nNamespace:    kube-system\nNode:         kubestage1001/10.64.16.54\n",
        "Status:       Running\nIP:           10.64.16.54\nContainers:\n  calico-node:\n",
        "    State:          Running\n      Started:      Mon, 24 Jul 2023 11:02:13 +0800\n",
        "    Last State:     Terminated\n      Reason:       Error\n      Exit Code:    2\n",
        "      Finished:     Mon, 24 Jul 2023 11:02:12 +0800\n    Ready:          True\n    Restart Count:  3\n",
        "Events:\n  Type     Reason     Age                From     Message\n",
        "  ----     ------     ----               ----     -------\n",
        "  Warning  Unhealthy  2m (x41 over 26m)  kubelet  Liveness probe failed:\n"
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    // the first object may have a prompt or a separator above it
    if !lines.by_ref().take(3).any(|it| field(it, 0, "Name").is_some()) {
        return Certainty::No;
    }
    let has = |key: &str| sniff.text.lines().any(|it| it.strip_prefix(key).is_some_and(|it| it.starts_with(':')));
    if has("Roles") && has("Labels") || has("Node") && has("Namespace") && (has("Containers") || has("Start Time")) {
        Certainty::Sure
    } else if has("System Info") || has("Labels") && has("Events") {
        Certainty::Likely
    } else {
        Certainty::No
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut reading = Describe { input, events: Events::default(), nodes: 0, pods: 0, newest: None };
    let mut block: Vec<Line<'_>> = Vec::new();
    for line in input.lines() {
        if field(line.text, 0, "Name").is_some() && begins(&block) {
            reading.block(&block, out);
            block.clear();
        }
        block.push(line);
    }
    reading.block(&block, out);
    let member = input.origin.member;
    if let Some((_, quote, stamp)) = reading.newest.take() {
        out.records.push(crate::kube::collected_by(quote, stamp));
    }
    for (count, relations) in [
        (reading.nodes, &["node", "node.condition"][..]),
        (reading.pods, &["pod", "container.state", "probe"][..]),
        (reading.nodes + reading.pods, &["kube.event"][..]),
    ] {
        for relation in relations.iter().filter(|_| count > 0) {
            // whether all were described is not written anywhere
            let incomplete = Some(format!("only the {count} described"));
            out.collected.push(Collected { relation, node: None, incomplete, member });
        }
    }
    reading.events.finish(member, Some("only events of what was described".to_owned()), out);
}

/// Whether a block already holds an object: `Name:` may stand in column 0 only at its top.
fn begins(block: &[Line<'_>]) -> bool {
    block.iter().any(|it| field(it.text, 0, "Name").is_some())
}

struct Describe<'i, 't> {
    input: &'i Input<'t>,
    events: Events,
    nodes: usize,
    pods: usize,
    newest: Option<(chrono::DateTime<chrono::Utc>, Quote, timeline::Stamp)>,
}

/// What an object says of itself, for its events.
#[derive(Default)]
struct About<'t> {
    kind: Option<&'static str>,
    namespace: Option<&'t str>,
    name: Option<&'t str>,
    node: Option<&'t str>,
    base: Option<Base>,
}

impl<'t> Describe<'_, 't> {
    fn block(&mut self, block: &[Line<'t>], out: &mut MemberRecords) {
        let lines = block.iter().filter(|it| !it.text.trim().is_empty()).count() as u64;
        out.tally.lines += lines;
        let named = block.iter().position(|it| field(it.text, 0, "Name").is_some());
        let Some(named) = named else {
            out.tally.odd_bytes += block.iter().map(|it| it.text.len() as u64).sum::<u64>();
            return;
        };
        let above = block[..named].iter().filter(|it| !it.text.trim().is_empty()).count() as u64;
        out.tally.understood += lines - above;
        out.tally.odd_bytes += block[..named].iter().map(|it| it.text.len() as u64).sum::<u64>();
        let block = &block[named..];
        let has = |key| block.iter().any(|it| field(it.text, 0, key).is_some());
        let about = if has("System Info") || has("Roles") && has("Taints") {
            self.nodes += 1;
            node::read(self.input, block, &mut self.newest, out)
        } else if has("Namespace") && has("Node") && (has("Containers") || has("Start Time")) {
            self.pods += 1;
            pod::read(self.input, block, out)
        } else {
            let top = |key| block.iter().find_map(|it| word(field(it.text, 0, key)));
            About { namespace: top("Namespace"), name: top("Name"), ..About::default() }
        };
        if let Some(at) = block.iter().rposition(|it| field(it.text, 0, "Events").is_some()) {
            self.event_table(&block[at + 1..], &about, out);
        }
    }

    fn event_table(&mut self, lines: &[Line<'t>], about: &About<'t>, out: &mut MemberRecords) {
        let mut columns: Option<Columns> = None;
        for line in lines {
            let text = line.text.trim_start();
            if text.starts_with("---") {
                continue;
            }
            let Some(table) = &columns else {
                let found = Columns::of(line.text);
                if found.has("REASON") && found.has("MESSAGE") {
                    columns = Some(found);
                }
                continue;
            };
            // a message may go on in column 0
            let Some(row) = table.row(line.text).filter(|it| matches!(it.get("TYPE"), Some("Normal" | "Warning")))
            else {
                continue;
            };
            let age = row.any(&["AGE", "LASTSEEN", "LAST SEEN"]).and_then(seen_for);
            let (component, host) = match row.get("FROM").and_then(|it| it.split_once(',')) {
                Some((component, host)) => (Some(component.trim()), Some(host.trim())),
                None => (row.get("FROM"), None),
            };
            let old_first = row.any(&["FIRSTSEEN", "FIRST SEEN"]).and_then(crate::kube::Age::read);
            let first = age.and_then(|(last, count, first)| first.or(old_first).or((count == 1).then_some(last)));
            let place = |age: Option<crate::kube::Age>| {
                age.zip(about.base.as_ref()).map_or(timeline::Stamp::None, |(age, base)| age.before(base))
            };
            let own = matches!(component, Some("kubelet" | "kube-proxy"));
            let on = host.or(if own || about.kind == Some("Node") { about.node } else { None });
            let event = KubeEvent {
                reason: row.get("REASON"),
                severity: row.get("TYPE"),
                kind: about.kind,
                namespace: about.namespace,
                name: about.name,
                container: row.any(&["SUBOBJECTPATH", "SUBOBJECT"]).and_then(crate::kube::container_in_path),
                component,
                message: row.get("MESSAGE").unwrap_or_default(),
                on,
                first: place(first),
                last: place(age.map(|it| it.0)),
                count: row
                    .get("COUNT")
                    .and_then(|it| it.parse().ok())
                    .or(age.map(|it| it.1))
                    .unwrap_or(1),
            };
            self.events.push(&event, self.input.origin.quote(line), out);
        }
    }
}

/// The value of `Key:  value` at an indentation; empty where only the key stands there.
fn field<'t>(line: &'t str, indent: usize, key: &str) -> Option<&'t str> {
    let rest = line.get(indent..)?;
    let value = rest.strip_prefix(key)?.strip_prefix(':')?;
    let blank = line.as_bytes()[..indent].iter().all(|it| *it == b' ');
    (blank && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| value.trim())
}

/// The indentation of a line.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests;
