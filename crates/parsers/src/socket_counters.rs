//! Counters of sockets, queues and cards: `ss -s`, `/proc/net/sockstat`, `softnet_stat`, `snmp6`, `/proc/net/stat/nf_conntrack`,
//! `ethtool -S`, `nstat -j`.
//!
//! ```text
//! TCP:   345 (estab 120, closed 180, orphaned 0, timewait 180)
//! 00015583 00000002 00000003 00000000 …
//!      rx_queue_0_drops: 0
//! ```
//!
//! One row a counter; sums over CPUs. Skipped: counters of cards that are 0. Time: none, since boot.
//!
//! Source: `man 8 ss`, net/core/net-procfs.c, net/ipv4/proc.c, `man 8 ethtool`, iproute2's misc/nstat.c.

use std::collections::BTreeMap;
use timeline::{MemberRecords, Row, relation};

use crate::json_elements::{Documents, entries, entry};
use crate::places::Places;
use crate::state::{State, begins, first_line, is_number, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "socket-counters",
    produced_by: "ss -s, cat /proc/net/sockstat softnet_stat snmp6 stat/nf_conntrack stat/rt_cache, ethtool -S, nstat -j",
    samples: &[
        "{\"kernel\":{\"IpInReceives\":265936,\"TcpExtListenOverflows\":12}}\n",
        "00001197 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n00015583 00000002 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n",
        "Total: 812\nTCP:   345 (estab 120, closed 180, orphaned 3, timewait 180)\n\nTransport Total     IP        IPv6\nRAW\t  0         0         0        \nTCP\t  165       120       45       \n",
        "sockets: used 812\nTCP: inuse 120 orphan 3 tw 180 alloc 240 mem 474\nUDP: inuse 7 mem 3\n",
        "entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n0000001f  00000000 00000011 00000000 00000002 00000000 00000000 00000000 00000000 00000161 0000000f 00000000 00000000 00000000 00000000 00000000 00000000\n0000001f  00000000 00000012 00000000 00000002 00000000 00000000 00000000 00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n",
        "NIC statistics:\n     rx_queue_0_packets: 232850\n     rx_queue_0_drops: 17\n     tx_queue_0_drops: 0\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    /// A name and a number a line, /proc/net/snmp6.
    Names,
    Softnet,
    /// A header, then a line of hexadecimal numbers a CPU: /proc/net/stat.
    Stat,
    Sockets,
    Sockstat,
    Nic,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    match kind(sniff.path, sniff.text) {
        Some(Kind::Names | Kind::Softnet) => Certainty::Likely,
        Some(_) => Certainty::Sure,
        None => Certainty::No,
    }
}

fn kind(path: &str, text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    let is = |kind: Kind, yes: bool| yes.then_some(kind);
    let lines = || text.lines().filter(|it| !it.trim().is_empty()).take(60);
    let most = |test: fn(&str) -> bool| lines().filter(|it| test(it)).count() * 10 >= lines().count() * 9;
    is(Kind::Json, first.starts_with("{\"kernel\":{"))
        .or_else(|| is(Kind::Sockets, first.starts_with("Total: ") && text.contains("(estab ")))
        .or_else(|| is(Kind::Sockstat, first.starts_with("sockets: used ") || first.starts_with("TCP6: inuse ")))
        .or_else(|| is(Kind::Stat, stat(first).is_some() && lines().skip(1).all(|it| hexadecimal(it).is_some())))
        .or_else(|| is(Kind::Nic, first.trim_end() == "NIC statistics:"))
        .or_else(|| is(Kind::Softnet, most(|it| softnet(it).is_some()) && (path.contains("softnet") || lines().count() > 1)))
        .or_else(|| is(Kind::Names, first.starts_with("Ip6InReceives") && most(|it| name_and_number(it).is_some())))
}

/// `00015583 00000002 00000003 …`: packets, drops, squeezes.
fn softnet(line: &str) -> Option<[i64; 3]> {
    let cells: Vec<&str> = words(line).collect();
    if cells.len() < 9 || !cells.iter().all(|it| it.len() == 8 && it.bytes().all(|it| it.is_ascii_hexdigit())) {
        return None;
    }
    let number = |at: usize| i64::from_str_radix(cells[at], 16).ok();
    Some([number(0)?, number(1)?, number(2)?])
}

/// `entries  searched found new …`: whose counters these are, and their names.
fn stat(line: &str) -> Option<(&'static str, Vec<&str>)> {
    let names: Vec<&str> = words(line).collect();
    let has = |name: &str| names.contains(&name);
    let word = |it: &&str| it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_' || it.is_ascii_digit());
    let source = match () {
        () if has("insert_failed") && has("drop") => "conntrack",
        () if has("in_hit") && has("out_hit") => "routing",
        () => return None,
    };
    (names.first() == Some(&"entries") && names.iter().all(word)).then_some((source, names))
}

fn hexadecimal(line: &str) -> Option<Vec<i64>> {
    words(line).map(|it| i64::from_str_radix(it, 16).ok().filter(|_| it.len() == 8)).collect()
}

fn name_and_number(line: &str) -> Option<(&str, i64)> {
    let mut cells = words(line);
    let name = cells.next().filter(|it| it.starts_with(|it: char| it.is_ascii_alphabetic()))?;
    let value = cells.next()?.parse().ok()?;
    Some((name, value))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let head = input.text.get(..65_536.min(input.text.len())).unwrap_or(input.text);
    let Some(kind) = kind(&input.origin.path, head) else { return };
    let mut state = State::of(input, out);
    match kind {
        Kind::Names => state.each(|state, line| {
            let Some((name, value)) = name_and_number(line.text) else { return line.text.starts_with('#') };
            push(state, line, "snmp", None, name, value);
            true
        }),
        Kind::Json => json(&mut state),
        Kind::Softnet => sums(&mut state, "softnet", |line| {
            let [packets, dropped, squeezed] = softnet(line)?;
            let named = [("processed", packets), ("dropped", dropped), ("time_squeeze", squeezed)];
            Some(named.map(|(key, value)| (key.to_owned(), value)).to_vec())
        }),
        Kind::Stat => {
            let Some((source, names)) = first_line(input.text).and_then(stat) else { return };
            sums(&mut state, source, |line| {
                if stat(line).is_some() {
                    return Some(Vec::new());
                }
                let values = hexadecimal(line)?;
                // each CPU says how many entries there are in all
                let named = names.iter().zip(values).filter(|(name, _)| **name != "entries");
                Some(named.map(|(name, value)| ((*name).to_owned(), value)).collect())
            });
        }
        Kind::Sockets | Kind::Sockstat => state.each(|state, line| sockets(kind, state, line)),
        Kind::Nic => {
            let device = device(&input.origin.path);
            state.each(|state, line| {
                let Some((name, value)) = line.text.trim().rsplit_once(": ") else { return line.text.starts_with("NIC ") };
                let Ok(value) = value.trim().parse::<i64>() else { return false };
                if value != 0 || name == "rx_dropped" || name == "tx_dropped" {
                    push(state, line, "ethtool", device.as_deref(), name.trim(), value);
                }
                true
            });
        }
    }
    // each command shows another part
    state.collected(&relation::NET_COUNTER);
}

/// `ethtool_-S_ens3`, `ethtool -S ens3.txt`
fn device(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (_, rest) = name.split_once("-S")?;
    let device = rest.trim_matches(['_', ' ']).trim_end_matches(".txt");
    (!device.is_empty()).then(|| device.to_owned())
}

fn push<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>, source: &str, dev: Option<&str>, key: &str, value: i64) {
    let row = Row::new(&relation::NET_COUNTER).with("source", source).with("dev", dev).with("key", key).with("value", value);
    state.push(row, line);
}

fn json(state: &mut State<'_, '_, '_>) {
    let mut places = Places::of(state.input);
    for document in Documents::of(state.input.text) {
        let Some(kernel) = entry(document.text, "kernel") else { continue };
        for it in entries(kernel.value) {
            let Ok(value) = it.value.parse::<i64>() else { continue };
            let row = Row::new(&relation::NET_COUNTER).with("source", "snmp").with("key", it.key).with("value", value);
            let fact = timeline::Fact::new(row, state.input.origin.node.clone(), places.quote(it.pair));
            state.fact(fact, timeline::Stamp::None);
        }
    }
    state.each(|_, _| true);
}

/// Adds up what stands in a line a CPU; each sum is quoted by the line that adds most.
fn sums(state: &mut State<'_, '_, '_>, source: &str, read: impl Fn(&str) -> Option<Vec<(String, i64)>>) {
    let mut sums: BTreeMap<String, (i64, i64, Line<'_>)> = BTreeMap::new();
    state.each(|_, line| {
        let Some(found) = read(line.text) else { return false };
        for (key, value) in found {
            let entry = sums.entry(key).or_insert((0, i64::MIN, *line));
            entry.0 = entry.0.saturating_add(value);
            if value > entry.1 {
                (entry.1, entry.2) = (value, *line);
            }
        }
        true
    });
    for (key, (sum, _, line)) in sums {
        let origin = state.input.origin;
        let row = Row::new(&relation::NET_COUNTER).with("source", source).with("key", key).with("value", sum);
        let fact = timeline::Fact::new(row, origin.node.clone(), origin.quote(&line));
        state.fact(fact, timeline::Stamp::None);
    }
}

/// `TCP:   345 (estab 120, closed 180, orphaned 3, timewait 180)`, `TCP: inuse 120 orphan 3 tw 180 alloc 240 mem 474`
fn sockets<'t>(kind: Kind, state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some((group, rest)) = line.text.split_once(':') else {
        // the table below says it once more
        return begins(line.text, &["Transport", "Total"]) || words(line.text).skip(1).all(is_number);
    };
    let group = group.to_ascii_lowercase();
    let rest = rest.replace(['(', ')', ','], " ");
    let mut cells = words(&rest).peekable();
    if let Some(total) = cells.next_if(|it| is_number(it)).and_then(|it| it.parse::<i64>().ok()) {
        push(state, line, "sockets", None, &format!("{group}.total"), total);
    }
    while let (Some(name), Some(value)) = (cells.next(), cells.next()) {
        let Ok(value) = value.split('/').next().unwrap_or(value).parse::<i64>() else { continue };
        // both tools, one name
        let name = match (kind, name) {
            (Kind::Sockstat, "orphan") => "orphaned",
            (Kind::Sockstat, "tw") => "timewait",
            (_, it) => it,
        };
        push(state, line, "sockets", None, &format!("{group}.{name}"), value);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn rows(path: &str, text: &str) -> Vec<String> {
        assert!(sniff_certainty(&FORMAT, path, text) >= Certainty::Likely, "{path} {text}");
        let out = read_at(&FORMAT, path, text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        facts(&out, "net.counter").map(|it| format!("{} {} {}", it.get("source"), it.get("key"), it.get("value"))).collect()
    }

    #[test]
    fn counters_by_one_name() {
        for (at, expected) in [
            (0, "snmp TcpExtListenOverflows 12"),
            (1, "softnet dropped 2"),
            (2, "sockets tcp.orphaned 3"),
            (3, "sockets tcp.orphaned 3"),
            (3, "sockets tcp.timewait 180"),
            (4, "conntrack insert_failed 354"),
            (5, "ethtool rx_queue_0_drops 17"),
        ] {
            let found = rows("x", FORMAT.samples[at]);
            assert!(found.iter().any(|it| it == expected), "{expected}: {found:?}");
        }
        assert_eq!(device("networking/ethtool_-S_flannel.1").as_deref(), Some("flannel.1"));
    }

    #[test]
    fn real_counters() {
        for (name, count) in [
            ("nstat_-azj.txt", 300),
            ("ss_-s.txt", 5),
            ("proc_net_sockstat.txt", 8),
            ("proc_net_softnet_stat.txt", 3),
            ("proc_net_sockstat6.txt", 6),
            ("proc_net_stat_rt_cache.txt", 16),
        ] {
            let Some(text) = sample(&format!("network/netstate/{name}")) else { return };
            let found = rows(name, &text).len();
            assert!(found >= count, "{name}: {found}");
        }
    }
}
