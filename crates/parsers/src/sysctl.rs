//! `sysctl -a` and its other renderings: the kernel settings in force.
//!
//! ```text
//! kernel.pid_max = 49152
//! /proc/sys/net/ipv4/ip_forward = 1
//! {"kernel.pid_max":"49152","vm.max_map_count":"262144"}
//! proc/sys/kernel/pid_max: 49152
//! ```
//!
//! The last is a file of its own: the path gives the key. A dot in the name of an interface is printed as a slash,
//! `net.ipv4.conf.eth0/100.forwarding`. Skipped: what most interfaces repeat (all of `neigh` and most of `conf` but
//! for `all` and `default`), scheduler domains, and configuration (`sysctl.conf`, `sysctl.d`): it is what somebody
//! wished, not what holds. Units: none. Time: none, true when collected.
//!
//! Source: `man 8 sysctl`; procps `src/sysctl.c`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use timeline::{Collected, Fact, MemberRecords, Quote, Record, Row, Stamp, Value, relation};

use crate::lines::is_elision;
use crate::json_elements::{Documents, entries};
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "sysctl",
    produced_by: "sysctl -a",
    samples: &[
        "kernel.pid_max = 49152\nkernel.threads-max = 1545312\nnet.ipv4.tcp_rmem = 4096\t131072\t6291456\n",
        "/proc/sys/net/ipv4/ip_forward = 1\n/proc/sys/vm/max_map_count = 262144\n",
        "{\"kernel.pid_max\":\"49152\",\"vm.max_map_count\":\"262144\"}\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// The directories of /proc/sys.
const ROOTS: [&str; 10] =
    ["abi", "crypto", "debug", "dev", "fs", "kernel", "net", "sunrpc", "user", "vm"];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if key_of_path(sniff.path).is_some() {
        let short = sniff.whole && sniff.text.len() <= 4096 && !sniff.text.contains('=');
        return if short { Certainty::Likely } else { Certainty::No };
    }
    let text = sniff.text.trim_start();
    if text.starts_with('{') {
        let (mut all, mut good) = (0, 0);
        for entry in entries(text).take(20) {
            all += 1;
            good += usize::from(has_root(entry.key) && !entry.value.starts_with(['{', '[']));
        }
        return if all > 0 && good == all { Certainty::Sure } else { Certainty::No };
    }
    let share = sniff.share(100, |line| setting(line).is_some() || noise(line) || comment(line));
    let settings = sniff.share(100, |line| setting(line).is_some());
    if settings < 0.05 {
        Certainty::No
    } else if share > 0.95 {
        if settings > 0.9 { Certainty::Sure } else { Certainty::Likely }
    } else if share > 0.6 && sniff.file_name().contains("sysctl") {
        Certainty::Maybe
    } else {
        Certainty::No
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut keys = Keys::default();
    let path = &input.origin.path;
    if let Some(key) = key_of_path(path) {
        single(input, &key, out);
    } else if input.text.trim_start().starts_with('{') {
        json(input, &mut keys, out);
    } else {
        text(input, is_configuration(path), &mut keys, out);
    }
    // a handful of settings is somebody's choice of them
    if keys.count > 20 {
        let missing: Vec<&str> =
            ["fs", "kernel", "net", "vm"].into_iter().filter(|it| !keys.roots.contains(it)).collect();
        let incomplete = if input.truncated {
            Some("the file is cut off".to_owned())
        } else if keys.elided {
            Some("lines are left out".to_owned())
        } else if !missing.is_empty() {
            Some(format!("no settings of {}", missing.join(", ")))
        } else {
            keys.denied.then(|| "permission denied on some keys".to_owned())
        };
        let (node, member) = (input.origin.node.clone(), input.origin.member);
        out.collected.push(Collected { relation: "sysctl", node, incomplete, member });
    }
}

/// Which settings a listing holds.
#[derive(Default)]
struct Keys<'t> {
    count: usize,
    roots: BTreeSet<&'t str>,
    denied: bool,
    elided: bool,
}

impl<'t> Keys<'t> {
    fn saw(&mut self, key: &'t str) {
        self.count += 1;
        let key = key.strip_prefix("/proc/sys/").unwrap_or(key);
        self.roots.extend(key.split(['.', '/']).next());
    }
}

fn text<'t>(input: &Input<'t>, configuration: bool, keys: &mut Keys<'t>, out: &mut MemberRecords) {
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        if let Some((key, value)) = setting(line.text) {
            out.tally.understood += 1;
            if configuration {
                continue;
            }
            keys.saw(key);
            let key = dotted(key);
            if worth_keeping(&key) {
                push(input, &key, value, input.origin.quote(&line), out);
            }
        } else if noise(line.text) || comment(line.text) {
            out.tally.understood += 1;
            keys.denied |= line.text.contains("permission denied");
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
            keys.elided |= is_elision(line.text);
        }
    }
}

fn json<'t>(input: &Input<'t>, keys: &mut Keys<'t>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    for document in Documents::of(input.text) {
        for entry in entries(document.text) {
            out.tally.lines += 1;
            let value = serde_json::from_str::<serde_json::Value>(entry.value).ok();
            let value = match value {
                Some(serde_json::Value::String(it)) => it,
                Some(it @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => it.to_string(),
                _ => {
                    out.tally.odd_bytes += entry.pair.len() as u64;
                    continue;
                }
            };
            out.tally.understood += 1;
            keys.saw(entry.key);
            if worth_keeping(entry.key) {
                push(input, entry.key, &value, places.quote(entry.pair), out);
            }
        }
    }
}

fn single(input: &Input<'_>, key: &str, out: &mut MemberRecords) {
    let lines: Vec<_> = input.lines().filter(|it| !it.text.trim().is_empty()).collect();
    out.tally.lines += lines.len() as u64;
    out.tally.understood += lines.len() as u64;
    if let [line] = lines.as_slice() {
        push(input, key, line.text, input.origin.quote(line), out);
    }
}

fn push(input: &Input<'_>, key: &str, value: &str, quote: Quote, out: &mut MemberRecords) {
    let value = value.trim();
    let cell = match value.parse::<i64>() {
        Ok(number) => Value::Int(number),
        Err(_) => Value::from(value),
    };
    let row = Row::new(&relation::SYSCTL).with("key", key).with("value", cell);
    out.records.push(Record::Fact(Box::new(Fact::new(row, input.origin.node.clone(), quote)), Stamp::None));
}

/// `kernel.pid_max = 49152`, `/proc/sys/net/ipv4/ip_forward = 1`, `-net.ipv4.conf.all.rp_filter=2`
fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    // in configuration a dash in front forgives errors
    let key = key.strip_prefix('-').unwrap_or(key);
    let legal = |it: u8| it.is_ascii_alphanumeric() || b"._-/:@*".contains(&it);
    (has_root(key) && key.bytes().all(legal)).then(|| (key, value.trim()))
}

fn has_root(key: &str) -> bool {
    let key = key.strip_prefix("/proc/sys/").unwrap_or(key);
    key.split_once(['.', '/']).is_some_and(|(root, rest)| ROOTS.contains(&root) && !rest.is_empty())
}

/// `sysctl: permission denied on key 'fs.protected_fifos'`, `sysctl: reading key "net.ipv6.conf.all.stable_secret"`
fn noise(line: &str) -> bool {
    line.starts_with("sysctl: ") || line.starts_with("error: permission denied on key")
}

fn comment(line: &str) -> bool {
    line.trim_start().starts_with(['#', ';'])
}

/// `/proc/sys/net/ipv4/conf/eth0.100/forwarding` is `net.ipv4.conf.eth0/100.forwarding`.
fn dotted(key: &str) -> Cow<'_, str> {
    match key.strip_prefix("/proc/sys/") {
        Some(path) => Cow::Owned(swapped(path)),
        // `net/ipv4/ip_forward` is legal, too; a slash after a dot stands for a dot
        None if key.find('/').is_some_and(|slash| key.find('.').is_none_or(|dot| slash < dot)) => {
            Cow::Owned(swapped(key))
        }
        None => Cow::Borrowed(key),
    }
}

fn swapped(path: &str) -> String {
    path.chars()
        .map(|it| match it {
            '/' => '.',
            '.' => '/',
            other => other,
        })
        .collect()
}

/// `…/proc/sys/kernel/pid_max` is `kernel.pid_max`.
fn key_of_path(path: &str) -> Option<String> {
    // the collector of Rancher keeps these two apart
    for (name, key) in [("systeminfo/file-nr", "fs.file-nr"), ("systeminfo/file-max", "fs.file-max")] {
        if path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/')) {
            return Some(key.to_owned());
        }
    }
    let (_, key) = path.rsplit_once("proc/sys/").filter(|(before, _)| before.is_empty() || before.ends_with('/'))?;
    let key = key.strip_suffix(".txt").unwrap_or(key);
    has_root(&key.replace('/', ".")).then(|| swapped(key))
}

fn is_configuration(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.ends_with(".conf") || path.contains("sysctl.d/")
}

/// Not what a hundred interfaces or processors repeat.
fn worth_keeping(key: &str) -> bool {
    if key.starts_with("kernel.sched_domain.") {
        return false;
    }
    let mut parts = key.split('.');
    let (Some("net"), Some("ipv4" | "ipv6"), Some(table @ ("conf" | "neigh")), Some(interface), Some(name)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return true;
    };
    matches!(interface, "all" | "default")
        || table == "conf"
            && matches!(name, "rp_filter" | "forwarding" | "proxy_arp" | "disable_ipv6" | "accept_local")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn settings(path: &str, text: &str) -> Vec<(String, String)> {
        let out = read_at(&FORMAT, path, text);
        facts(&out, "sysctl").map(|it| (it.get("key").to_string(), it.get("value").to_string())).collect()
    }

    #[test]
    fn renderings_agree() {
        let expected = [
            ("kernel.pid_max".to_owned(), "49152".to_owned()),
            ("net.ipv4.conf.eth0/100.forwarding".to_owned(), "1".to_owned()),
            ("net.ipv4.tcp_rmem".to_owned(), "4096\t131072\t6291456".to_owned()),
        ];
        let dotted = "kernel.pid_max = 49152\nnet.ipv4.conf.eth0/100.forwarding = 1\nnet.ipv4.tcp_rmem = 4096\t131072\t6291456\n";
        let slashed = "/proc/sys/kernel/pid_max = 49152\n/proc/sys/net/ipv4/conf/eth0.100/forwarding = 1\n/proc/sys/net/ipv4/tcp_rmem = 4096\t131072\t6291456\n";
        let json = r#"{"kernel.pid_max":"49152","net.ipv4.conf.eth0/100.forwarding":"1","net.ipv4.tcp_rmem":"4096\t131072\t6291456"}"#;
        for text in [dotted, slashed, json] {
            assert_eq!(settings("sysctl", text), expected);
            assert_eq!(sniff_certainty(&FORMAT, "sysctl", text), Certainty::Sure);
        }
        for (key, value) in &expected {
            let path = format!("node-a/proc/sys/{}", swapped(key));
            assert_eq!(settings(&path, &format!("{value}\n")), [(key.clone(), value.clone())]);
        }
    }

    #[test]
    fn files_of_a_collector_that_are_one_key() {
        assert_eq!(
            settings("node-7-2023-07-23_22_13_40/systeminfo/file-nr", "2112\t0\t97816\n"),
            [("fs.file-nr".to_owned(), "2112\t0\t97816".to_owned())]
        );
        assert_eq!(settings("systeminfo/file-max", "97816\n"), [("fs.file-max".to_owned(), "97816".to_owned())]);
    }

    #[test]
    fn configuration_is_not_in_force() {
        let text = "# more tasks\n-kernel.pid_max=4194303\nvm.swappiness = 10\n";
        let out = read_at(&FORMAT, "etc/sysctl.d/90-tasks.conf", text);
        assert_eq!((out.records.len(), out.tally.understood), (0, 3));
        assert_eq!(settings("sysctl.txt", text).len(), 2);
    }

    #[test]
    fn other_texts_are_not_claimed() {
        for text in ["Tasks: 5\n", "a = b\n", "KEY=value\n", "default via 10.0.0.1 dev eth0\n", "{\"kind\":\"Pod\"}", "[Unit]\nAfter=net.target\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn a_whole_listing_says_so() {
        let mut text = String::new();
        for root in ["fs", "kernel", "net", "vm"] {
            (0..10).for_each(|it| text += &format!("{root}.x{it} = {it}\n"));
        }
        assert_eq!(read_at(&FORMAT, "sysctl", &text).collected[0].incomplete, None);
        let cut = format!("{text}[...]\n");
        let found = read_at(&FORMAT, "sysctl", &cut).collected[0].incomplete.clone();
        assert_eq!(found.as_deref(), Some("lines are left out"));
        let part = text.replace("kernel.", "vm.");
        let found = read_at(&FORMAT, "sysctl", &part).collected[0].incomplete.clone();
        assert_eq!(found.as_deref(), Some("no settings of kernel"));
    }

    #[test]
    fn a_real_listing() {
        let Some(text) = sample("kubernetes/host/sysctl_-a.txt") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "sysctl_-a", &text), Certainty::Sure);
        let out = read_at(&FORMAT, "sysctl_-a", &text);
        assert_eq!(out.tally.lines, out.tally.understood);
        let value = |key: &str| {
            let fact = facts(&out, "sysctl").find(|it| it.get("key").to_string() == key);
            fact.map(|it| it.get("value"))
        };
        assert_eq!(value("kernel.pid_max"), Some(Value::Int(4_194_304)));
        assert_eq!(value("kernel.threads-max"), Some(Value::Int(31_185)));
        assert_eq!(out.collected[0].incomplete, None);
    }
}
