//! Counters of the network stack: `nstat`, `netstat -s`, `/proc/net/netstat`, `/proc/net/snmp`, `conntrack -S`.
//!
//! ```text
//! TcpExtListenDrops               231                0.0
//!     231 SYNs to LISTEN sockets dropped
//! TcpExt: SyncookiesSent ListenDrops
//! TcpExt: 0 231
//! cpu=0   	found=27 invalid=2 insert=0 insert_failed=341 drop=341 early_drop=0
//! ```
//!
//! One row a counter, under the name nstat prints; of `netstat -s` only phrases whose name is known, and words printed
//! as `Name: 5`. Those of `conntrack -S` are summed over the processors. Units: packets or events. Time: since boot.
//!
//! Source: iproute2 `misc/nstat.c`; net-tools `statistics.c`; conntrack-tools `src/conntrack.c`.

use std::collections::BTreeMap;

use timeline::{Collected, Fact, MemberRecords, Name, Quote, Record, Row, Stamp, relation};

use crate::host_lines::{HostLine, host_lines};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "net-counters",
    produced_by: "nstat, netstat -s, conntrack -S, cat /proc/net/netstat",
    samples: &[
        "#kernel\nIpInReceives                    265936             0.0\nTcpExtListenDrops               231                0.0\n",
        "cpu=0   \tfound=27 invalid=2 insert=0 insert_failed=341 drop=341 early_drop=0 error=0 search_restart=9\ncpu=1   \tfound=11 invalid=0 insert=0 insert_failed=12 drop=12 early_drop=0 error=0 search_restart=1\n",
        "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 0 231\n",
        "Ip:\n    265936 total packets received\nTcpExt:\n    231 SYNs to LISTEN sockets dropped\n    IPReversePathFilter: 17\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What `netstat -s` prints in words, and the counter it means.
const PHRASES: [(&str, &str); 14] = [
    ("SYNs to LISTEN sockets dropped", "TcpExtListenDrops"),
    ("SYNs to LISTEN sockets ignored", "TcpExtListenDrops"),
    ("times the listen queue of a socket overflowed", "TcpExtListenOverflows"),
    ("passive connections rejected because of time stamp", "TcpExtPAWSPassive"),
    ("active connections rejected because of time stamp", "TcpExtPAWSActive"),
    ("packets rejects in established connections because of timestamp", "TcpExtPAWSEstab"),
    ("packetes rejected in established connections because of timestamp", "TcpExtPAWSEstab"),
    ("packets rejected in established connections because of timestamp", "TcpExtPAWSEstab"),
    ("TCP sockets finished time wait in fast timer", "TcpExtTW"),
    ("connection resets received", "TcpEstabResets"),
    ("failed connection attempts", "TcpAttemptFails"),
    ("segments retransmited", "TcpRetransSegs"),
    ("segments retransmitted", "TcpRetransSegs"),
    ("dropped because of missing route", "IpOutNoRoutes"),
];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let nstat = sniff.text.lines().take(4).any(|it| it.trim_end() == "#kernel");
    let share = |test: fn(&str) -> bool| sniff.share(60, test) >= 0.8;
    if nstat && share(|it| it.starts_with('#') || nstat_row(it).is_some()) {
        return Certainty::Sure;
    }
    if share(|it| conntrack_row(it).is_some()) {
        return Certainty::Sure;
    }
    let paired = lines.next().and_then(group).is_some_and(|(name, rest)| {
        let numbers = |it: &str| it.split_ascii_whitespace().all(|it| it.parse::<i64>().is_ok());
        !numbers(rest) && lines.next().and_then(group).is_some_and(|(other, values)| other == name && numbers(values))
    });
    if paired {
        return Certainty::Sure;
    }
    let sections = sniff.text.lines().filter(|it| section(it).is_some()).count();
    let inside = sniff.share(80, |it| section(it).is_some() || it.starts_with("    "));
    if sections >= 2 && inside >= 0.9 && sniff.text.lines().any(|it| section(it) == Some("Ip") || section(it) == Some("TcpExt")) {
        return Certainty::Sure;
    }
    Certainty::No
}

/// `TcpExtListenDrops               231                0.0`
fn nstat_row(line: &str) -> Option<(&str, f64)> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next().filter(|it| it.starts_with(|it: char| it.is_ascii_uppercase()))?;
    let value = words.next()?.parse().ok()?;
    words.next()?.parse::<f64>().ok()?;
    words.next().is_none().then_some((name, value))
}

/// `cpu=0   	found=27 invalid=2 … insert_failed=341`
fn conntrack_row(line: &str) -> Option<Vec<(&str, f64)>> {
    let mut words = line.split_ascii_whitespace();
    words.next()?.strip_prefix("cpu=")?.parse::<u32>().ok()?;
    let pairs: Vec<(&str, f64)> =
        words.filter_map(|it| it.split_once('=')).filter_map(|(key, value)| Some((key, value.parse().ok()?))).collect();
    pairs.iter().any(|it| matches!(it.0, "insert_failed" | "invalid")).then_some(pairs)
}

/// `TcpExt: SyncookiesSent ListenDrops`
fn group(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once(": ")?;
    let word = name.starts_with(|it: char| it.is_ascii_uppercase()) && name.bytes().all(|it| it.is_ascii_alphanumeric());
    // of a machine that only pings there is one kind of ICMP
    (word && (rest.split_ascii_whitespace().count() >= 2 || name == "IcmpMsg")).then_some((name, rest))
}

/// `TcpExt:`
fn section(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_suffix(':')?;
    let known = ["Ip", "Icmp", "IcmpMsg", "Tcp", "Udp", "UdpLite", "TcpExt", "IpExt", "Ip6", "Icmp6", "Udp6", "Sctp", "MPTcpExt", "UdpLite6"];
    known.contains(&name).then_some(name)
}

/// `    231 SYNs to LISTEN sockets dropped`, `    IPReversePathFilter: 17`
fn phrase(line: &str, section: &str) -> Option<(String, f64)> {
    let line = line.trim();
    if let Some((name, value)) = line.split_once(": ")
        && name.bytes().all(|it| it.is_ascii_alphanumeric())
    {
        return Some((format!("{section}{name}"), value.parse().ok()?));
    }
    let (value, words) = line.split_once(' ')?;
    let value = value.parse().ok()?;
    let known = PHRASES.iter().find(|(text, _)| *text == words)?;
    Some((known.1.to_owned(), value))
}

/// A counter with the line that says it.
struct Counter {
    value: f64,
    quote: Quote,
    node: Option<Name>,
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let lines = host_lines(input);
    let mut found: BTreeMap<(Option<Name>, String), Counter> = BTreeMap::new();
    let mut keep = |of: &HostLine<'_>, name: String, value: f64, sum: bool| {
        let new = || Counter { value: 0.0, quote: of.quote(input), node: of.node.clone() };
        let counter = found.entry((of.node.clone(), name)).or_insert_with(new);
        if counter.value == 0.0 && value > 0.0 {
            counter.quote = of.quote(input);
        }
        counter.value = if sum { counter.value + value } else { value };
    };
    let mut names: Option<(&str, Vec<&str>)> = None;
    let mut current = "";
    for of in &lines {
        let text = of.line.text;
        out.tally.lines += 1;
        out.tally.understood += 1;
        if let Some(pairs) = conntrack_row(text) {
            for (key, value) in pairs {
                keep(of, format!("conntrack {key}"), value, true);
            }
        } else if let Some((name, value)) = nstat_row(text) {
            keep(of, name.to_owned(), value, false);
        } else if let Some((name, rest)) = group(text).filter(|_| !text.starts_with(' ')) {
            let words: Vec<&str> = rest.split_ascii_whitespace().collect();
            match names.take() {
                Some((known, columns)) if known == name && columns.len() == words.len() => {
                    for (column, value) in columns.iter().zip(&words) {
                        if let Ok(value) = value.parse() {
                            keep(of, format!("{name}{column}"), value, false);
                        }
                    }
                }
                _ => names = Some((name, words)),
            }
        } else if let Some(name) = section(text) {
            current = name;
        } else if text.starts_with(' ') {
            if let Some((name, value)) = phrase(text, current) {
                keep(of, name, value, false);
            }
        } else if !of.prompt && !text.starts_with('#') {
            out.tally.understood -= 1;
            out.tally.odd_bytes += text.len() as u64;
        }
    }
    let mut nodes: Vec<Option<Name>> = Vec::new();
    for ((_, name), it) in found {
        let (source, key) = name.split_once(' ').unwrap_or(("snmp", &name));
        let row = Row::new(&relation::NET_COUNTER).with("source", source).with("key", key).with("value", it.value);
        if !nodes.contains(&it.node) {
            nodes.push(it.node.clone());
        }
        out.records.push(Record::Fact(Box::new(Fact::new(row, it.node, it.quote)), Stamp::None));
    }
    let incomplete = input.truncated.then(|| "the file is cut".to_owned());
    let (relation, member) = (relation::NET_COUNTER.name, input.origin.member);
    out.collected.extend(nodes.into_iter().map(|node| Collected { relation, node, incomplete: incomplete.clone(), member }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn value(text: &str, name: &str) -> Option<f64> {
        let out = read_at(&FORMAT, "x", text);
        facts(&out, "net.counter").find(|it| it.get("key").to_string() == name)?.get("value").as_number()
    }

    #[test]
    fn counters_of_each_form() {
        assert_eq!(value(FORMAT.samples[0], "TcpExtListenDrops"), Some(231.0));
        assert_eq!(value(FORMAT.samples[1], "insert_failed"), Some(353.0));
        assert_eq!(value(FORMAT.samples[2], "TcpExtListenDrops"), Some(231.0));
        assert_eq!(value(FORMAT.samples[3], "TcpExtListenDrops"), Some(231.0));
        assert_eq!(value(FORMAT.samples[3], "TcpExtIPReversePathFilter"), Some(17.0));
        assert_eq!(sniff_certainty(&FORMAT, "x", "Ip: is a protocol\nTcp: another one\n"), Certainty::No);
    }

    #[test]
    fn real_output() {
        for name in ["netstat_-s.txt", "nstat_-as.txt", "proc_net_netstat.txt", "proc_net_snmp.txt"] {
            let Some(text) = sample(&format!("network/netstate/{name}")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
            assert!(facts(&read_at(&FORMAT, name, &text), "net.counter").count() > 3, "{name}");
        }
    }
}
