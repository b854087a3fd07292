//! Tables of `kubectl get events`, `get pods` and `get nodes`, and the event lists of cloud consoles.
//!
//! ```text
//! LAST SEEN   TYPE      REASON      OBJECT                  MESSAGE
//! 4m27s       Warning   Unhealthy   pod/calico-node-7hx2k   Liveness probe failed:
//! NAME    READY   STATUS    RESTARTS       AGE   IP           NODE            NOMINATED NODE   READINESS GATES
//! web-0   1/1     Running   5 (3h2m ago)   2d    10.64.75.4   kubestage1003   <none>           <none>
//! 2020-06-14 13:15:39  Warning Node 172.21.128.138.1618e2878157535e Rebooted  Node 172.21.128.138 has been rebooted
//! ```
//!
//! Columns are found by their headers, so all layouts from 1.5 on are read. Time: ages are relative to a moment that
//! is not printed; they become intervals where names of events in the same table (`….16d2d161151c2bd7`, nanoseconds
//! since the epoch) or a line of `date` above it tell it, else nothing. Consoles print wall clock without a zone; where the name of the event
//! contradicts it by more than any zone, an issue says so and the printed time stays.
//!
//! Source: kubectl `pkg/cmd/get`, `pkg/cmd/events`; `k8s.io/apimachinery/pkg/util/duration`.

mod console;
mod rows;

use chrono::TimeDelta;
use timeline::{Collected, Fact, MemberRecords, Name, Quote, Record, Row, Stamp, relation};

use crate::kube::{
    Age, Base, Columns, Events, KubeEvent, TableRow, container_in_path, instant, resolution, seen_for, stamp,
    time_in_name,
};
use crate::lines::is_elision;
use crate::host_identity::date_line;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};
use console::{Console, console_line};

pub(crate) static FORMAT: Format = Format {
    name: "kube-tables",
    produced_by: "kubectl get events|pods|nodes",
    samples: &[
        concat!(
            "LAST SEEN   TYPE      REASON      OBJECT                  MESSAGE\n",
            "4m27s       Warning   Unhealthy   pod/calico-node-7hx2k   Liveness probe failed: timeout\n"
        ),
        concat!(
            "NAMESPACE   NAME    READY   STATUS    RESTARTS   AGE   IP           NODE            NOMINATED NODE   READINESS GATES\n",
            "prod        web-0   1/1     Running   0          2d    10.64.75.4   kubestage1003   <none>           <none>\n"
        ),
        "NAME            STATUS     ROLES    AGE    VERSION\nkubestage1001   NotReady   <none>   212d   v1.17.3\n",
        "2020-06-14 13:15:39  Warning Node 10.0.0.7.16185131064ec4ea Rebooted  Node 10.0.0.7 has been rebooted\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Events,
    Pods,
    Nodes,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let first = sniff.text.lines().filter(|it| !it.trim().is_empty()).take(5);
    if first.filter(|it| !it.starts_with([' ', '\t'])).any(|it| header(it).is_some()) {
        return Certainty::Sure;
    }
    let console = sniff.share(50, |line| console_line(line).is_some());
    if console > 0.5 { Certainty::Sure } else { Certainty::No }
}

/// The header of a table this format reads.
fn header(line: &str) -> Option<(Table, Columns)> {
    if !line.bytes().all(|it| it.is_ascii_uppercase() || it == b' ' || it == b'-' || it == b'\t') {
        return None;
    }
    let columns = Columns::of(line);
    let all = |names: &[&str]| names.iter().all(|it| columns.has(it));
    let table = if (columns.has("LAST SEEN") || columns.has("LASTSEEN")) && all(&["REASON", "MESSAGE"]) {
        Table::Events
    } else if all(&["NAME", "READY", "STATUS", "RESTARTS", "AGE"]) {
        Table::Pods
    } else if all(&["NAME", "STATUS", "AGE", "VERSION"]) && (columns.has("ROLES") || columns.has("KERNEL-VERSION")) {
        Table::Nodes
    } else {
        return None;
    };
    Some((table, columns))
}

/// `NAME   READY   UP-TO-DATE   AVAILABLE   AGE`: a table of a kind that is not read here.
fn foreign_header(line: &str) -> bool {
    let shouted = line.bytes().all(|it| it.is_ascii_uppercase() || b" -()".contains(&it));
    shouted && Columns::of(line).has("NAME") && Columns::of(line).has("AGE")
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut reading = Tables { input, events: Events::default(), printed: None, rows: Vec::new() };
    let mut open: Option<(Table, Columns)> = None;
    let mut elided = false;
    let mut listed: Vec<(Table, Columns)> = Vec::new();
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        if let Some((table, columns)) = header(line.text) {
            reading.flush(open.take(), out);
            listed.push((table, columns.clone()));
            open = Some((table, columns));
        } else if foreign_header(line.text) {
            // `kubectl get all` goes on with other kinds
            reading.flush(open.take(), out);
            out.tally.odd_bytes += line.text.len() as u64;
            continue;
        } else if let Some(console) = console_line(line.text) {
            reading.console(&console, &line, out);
        } else if let Some(stamp) = date_line(line.text) {
            // `date; kubectl get events`
            if let Stamp::Exact { at, .. } = stamp {
                reading.printed = Some(Base { lo: at, hi: at + TimeDelta::seconds(60) });
            }
            let row = Row::new(&relation::COLLECTED).with("command", "date");
            let fact = Fact::new(row, input.origin.node.clone(), input.origin.quote(&line));
            out.records.push(Record::Fact(Box::new(fact), stamp));
        } else if is_elision(line.text) || !reading.row(open.as_ref(), &line, out) {
            out.tally.odd_bytes += line.text.len() as u64;
            let left_out = is_elision(line.text);
            elided |= left_out;
            if open.is_some() && !left_out {
                out.issue(input.origin.member, line.number, "no row of the table above");
            }
            continue;
        }
        out.tally.understood += 1;
    }
    reading.flush(open.take(), out);
    let member = input.origin.member;
    let mut events_incomplete = (!listed.iter().any(|(table, _)| *table == Table::Events))
        .then(|| "lines of a console: others may be left out".to_owned());
    for (table, columns) in listed {
        let incomplete = if input.truncated {
            Some("the file is cut off")
        } else if elided {
            Some("rows are left out")
        } else if table != Table::Nodes && !columns.has("NAMESPACE") {
            Some("only one namespace")
        } else if table == Table::Pods && !columns.has("IP") {
            Some("neither addresses nor nodes: not printed with -o wide")
        } else {
            None
        };
        let relation = match table {
            Table::Events => {
                events_incomplete = incomplete.map(str::to_owned);
                "kube.event"
            }
            Table::Pods => "pod",
            Table::Nodes => "node",
        };
        out.collected.push(Collected { relation, node: None, incomplete: incomplete.map(str::to_owned), member });
    }
    reading.events.finish(member, events_incomplete, out);
}

/// The tables of one member.
struct Tables<'i, 't> {
    input: &'i Input<'t>,
    events: Events,
    /// When the table was printed, where `date` was run before.
    printed: Option<Base>,
    /// Rows of the open event table: their times are known when all of them are.
    rows: Vec<Line<'t>>,
}

impl<'t> Tables<'_, 't> {
    fn row(&mut self, open: Option<&(Table, Columns)>, line: &Line<'t>, out: &mut MemberRecords) -> bool {
        let Some((table, columns)) = open else { return false };
        let Some(row) = columns.row(line.text) else {
            // a message may hold line ends
            return *table == Table::Events && !self.rows.is_empty();
        };
        let quote = self.input.origin.quote(line);
        match table {
            Table::Events => {
                // custom columns may lack the type, and print instants
                let known = match row.get("TYPE") {
                    Some(word) => matches!(word, "Normal" | "Warning"),
                    None => row.any(&["LAST SEEN", "LASTSEEN"]).is_some_and(|it| instant(it).is_some()),
                };
                if known {
                    self.rows.push(*line);
                }
                known || !self.rows.is_empty()
            }
            Table::Pods => rows::pod(&row, quote, out),
            Table::Nodes => rows::node(&row, quote, out),
        }
    }

    /// The rows of an event table, with times where the table tells when it was printed.
    fn flush(&mut self, table: Option<(Table, Columns)>, out: &mut MemberRecords) {
        let rows = std::mem::take(&mut self.rows);
        let Some((Table::Events, columns)) = table else { return };
        let mut base = self.printed;
        for row in rows.iter().filter_map(|it| columns.row(it.text)) {
            if let (Some(at), Some(age)) = (row.get("NAME").and_then(time_in_name), first_age(&row)) {
                let printed = age.after(at);
                base = Some(match base {
                    None => printed,
                    Some(base) => Base { lo: base.lo.max(printed.lo), hi: base.hi.min(printed.hi) },
                });
            }
        }
        // clocks that disagree leave nothing
        let base = base.filter(|it| it.lo <= it.hi);
        for line in rows {
            let Some(row) = columns.row(line.text) else { continue };
            let quote = self.input.origin.quote(&line);
            self.event(&row, base.as_ref(), quote, out);
        }
    }

    fn event(&mut self, row: &TableRow<'_, '_>, base: Option<&Base>, quote: Quote, out: &mut MemberRecords) {
        let last = row.any(&["LAST SEEN", "LASTSEEN"]).and_then(seen_for);
        let count = row.get("COUNT").and_then(|it| it.parse().ok()).or(last.map(|(_, count, _)| count)).unwrap_or(1);
        let named = row.get("NAME");
        let at = |age: Option<Age>| age.zip(base).map_or(Stamp::None, |(age, base)| age.before(base));
        let exact = |names: &[&str]| row.any(names).filter(|it| instant(it).is_some()).map(stamp);
        let first = match named.and_then(time_in_name) {
            Some(at) => Stamp::Exact { at, resolution: resolution(6), offset_secs: None },
            None => exact(&["FIRST SEEN", "FIRSTSEEN"]).unwrap_or_else(|| at(first_age(row))),
        };
        let (kind, name) = match row.get("OBJECT").and_then(|it| it.split_once('/')) {
            Some((kind, name)) => (Some(kind_named(kind)), Some(name)),
            // of old, the name of the event is that of the object and the time
            None => (
                row.any(&["KIND", "OBJECT"]).map(Name::from),
                named.map(|it| it.rsplit_once('.').map_or(it, |(name, _)| name)),
            ),
        };
        let (component, host) = source(row.get("SOURCE"));
        let about_node = name.filter(|_| kind.as_deref() == Some("Node"));
        let last_stamp =
            exact(&["LAST SEEN", "LASTSEEN"]).unwrap_or_else(|| at(last.map(|(age, _, _)| age)));
        let event = KubeEvent {
            reason: row.get("REASON"),
            severity: row.get("TYPE"),
            kind: kind.as_deref(),
            namespace: row.get("NAMESPACE"),
            name,
            container: row.get("SUBOBJECT").and_then(container_in_path),
            component,
            message: row.get("MESSAGE").unwrap_or_default(),
            on: about_node.or(host),
            // of an event that happened once, the name is the better stamp
            last: if count == 1 && first != Stamp::None { first } else { last_stamp },
            first,
            count,
        };
        self.events.push(&event, quote, out);
    }

    fn console(&mut self, line: &Console<'_>, at: &Line<'_>, out: &mut MemberRecords) {
        let stamp =
            Stamp::Zoneless { local: line.printed, resolution: TimeDelta::seconds(1), abbreviation: None };
        let named = time_in_name(line.name);
        if let Some(named) = named {
            let apart = line.printed.and_utc() - named;
            // no zone is farther from UTC than 14 hours
            let how = if apart < TimeDelta::hours(-13) {
                Some("no zone explains that")
            } else if apart > TimeDelta::hours(24) {
                Some("it was repeated over days, or the line is not of one piece")
            } else {
                None
            };
            if let Some(how) = how {
                let what = format!(
                    "the line says {}, but its event was named at {} UTC: {how}",
                    line.printed,
                    named.format("%Y-%m-%d %H:%M:%S")
                );
                out.issue(self.input.origin.member, at.number, what);
            }
        }
        let name = named.and_then(|_| line.name.rsplit_once('.')).map_or(line.name, |(name, _)| name);
        let event = KubeEvent {
            reason: Some(line.reason),
            severity: Some(line.severity),
            kind: Some(line.kind),
            name: Some(name),
            message: line.message,
            on: (line.kind == "Node").then_some(name),
            last: stamp,
            first: stamp,
            count: 1,
            ..KubeEvent::default()
        };
        self.events.push(&event, self.input.origin.quote(at), out);
    }
}

/// How old the first occurrence is: a column of its own, `(x11 over 26m)`, or the only occurrence.
fn first_age(row: &TableRow<'_, '_>) -> Option<Age> {
    if let Some(age) = row.any(&["FIRST SEEN", "FIRSTSEEN"]) {
        return Age::read(age);
    }
    match row.any(&["LAST SEEN", "LASTSEEN"]).and_then(seen_for)? {
        (_, _, Some(first)) => Some(first),
        (only, 1, None) if row.get("COUNT").is_none_or(|it| it == "1") => Some(only),
        _ => None,
    }
}

/// `kubelet, 10.10.252.4`
fn source(text: Option<&str>) -> (Option<&str>, Option<&str>) {
    match text.and_then(|it| it.split_once(',')) {
        Some((component, host)) => (Some(component.trim()), Some(host.trim())),
        None => (text, None),
    }
}

/// `replicaset.apps` as the API spells it.
fn kind_named(word: &str) -> Name {
    let word = word.split('.').next().unwrap_or(word);
    let known = [
        "Pod", "Node", "ReplicaSet", "DaemonSet", "Deployment", "StatefulSet", "Job", "CronJob", "Endpoints", "Service",
        "PersistentVolumeClaim", "PersistentVolume", "HorizontalPodAutoscaler", "ConfigMap", "Lease", "Namespace",
        "EndpointSlice", "Ingress", "PodDisruptionBudget", "ReplicationController",
    ];
    known.into_iter().find(|it| it.eq_ignore_ascii_case(word)).unwrap_or(word).into()
}

#[cfg(test)]
mod tests;
