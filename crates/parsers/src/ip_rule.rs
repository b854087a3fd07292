//! `ip rule`: which routing table is asked for which packet, as text or JSON (`-j`).
//!
//! ```text
//! 0:	from all lookup local
//! 99:	not from all fwmark 0x200000/0x200000 lookup 1
//! 32766:	from all lookup main
//! ```
//!
//! One row a rule. `selector` keeps every condition that is not an address. Skipped: realms, protocols. Time: none.
//!
//! Source: `print_rule` in iproute2's `ip/iprule.c`.

use ipnet::IpNet;
use serde_json::Value;
use timeline::{Collected, Fact, MemberRecords, Record, Row, Stamp, relation};

use crate::host_lines::{Said, table};
use crate::json_elements::{Documents, elements, entry};
use crate::lines::is_elision;
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-rule",
    produced_by: "ip rule",
    samples: &[
        "0:\tfrom all lookup local\n99:\tnot from all fwmark 0x200000/0x200000 lookup 1\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
        r#"[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"}]
"#,
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Words that are followed by a value and are no address.
const SELECTORS: [&str; 8] = ["tos", "fwmark", "iif", "oif", "uidrange", "ipproto", "sport", "dport"];
const ACTIONS: [&str; 5] = ["blackhole", "unreachable", "prohibit", "nop", "masquerade"];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if let Some(array) = Documents::of(sniff.text).next().filter(|it| it.text.starts_with('[')) {
        let rule = |it: &str| entry(it, "priority").is_some() && entry(it, "src").is_some();
        return if elements(array.text).take(4).any(|it| rule(it.text)) { Certainty::Sure } else { Certainty::No };
    }
    let rules = sniff.text.lines().take(200).filter(|it| rule(it).is_some()).count();
    let share = sniff.share(200, |it| rule(it).is_some() || is_elision(it));
    match rules {
        2.. if share >= 0.9 => Certainty::Sure,
        1.. if share >= 0.5 => Certainty::Likely,
        _ => Certainty::No,
    }
}

/// A rule as it was printed.
#[derive(Default)]
struct Rule<'t> {
    priority: i64,
    inverted: bool,
    from: Option<&'t str>,
    to: Option<&'t str>,
    selector: Vec<&'t str>,
    table: Option<&'t str>,
    action: &'t str,
    suppress: Option<i64>,
    v6: bool,
}

/// `99:	not from all fwmark 0x200000/0x200000 lookup 1`
fn rule(line: &str) -> Option<Rule<'_>> {
    let (priority, rest) = line.split_once(':')?;
    let priority = priority.trim().parse::<u32>().ok()?;
    let mut words = rest.split_ascii_whitespace();
    let mut found = Rule { priority: priority.into(), action: "lookup", ..Rule::default() };
    let mut known = false;
    while let Some(word) = words.next() {
        match word {
            "not" => found.inverted = true,
            "from" => {
                found.from = words.next().filter(|it| *it != "all");
                known = true;
            }
            "to" => found.to = words.next(),
            "lookup" | "table" => match words.next() {
                Some("[l3mdev-table]") => found.selector.push("l3mdev"),
                table => found.table = table,
            },
            "suppress_prefixlength" => found.suppress = words.next().and_then(|it| it.parse().ok()),
            "goto" => {
                found.action = "goto";
                words.next();
            }
            it if ACTIONS.contains(&it) => found.action = it,
            it if SELECTORS.contains(&it) => {
                found.selector.push(it);
                found.selector.extend(words.next());
            }
            _ => {}
        }
    }
    found.v6 = [found.from, found.to].into_iter().flatten().any(|it| it.contains(':'));
    known.then_some(found)
}

impl Rule<'_> {
    /// The value behind a word of the selector.
    fn word(&self, key: &str) -> Option<&str> {
        self.selector.iter().position(|it| *it == key).and_then(|at| self.selector.get(at + 1).copied())
    }

    fn row(&self, family: Option<&str>) -> Row {
        let network = |it: &str| it.parse::<IpNet>().ok().or_else(|| it.parse::<std::net::IpAddr>().ok().map(IpNet::from));
        Row::new(&relation::IP_RULE)
            .with("priority", self.priority)
            .with("family", if self.v6 { Some("inet6") } else { family })
            .with("inverted", self.inverted)
            .with("src", self.from.and_then(network))
            .with("dst", self.to.and_then(network))
            .with("fwmark", self.word("fwmark"))
            .with("iif", self.word("iif"))
            .with("oif", self.word("oif"))
            .with("selector", Some(self.selector.join(" ")).filter(|it| !it.is_empty()))
            .with("table", self.table)
            .with("action", self.action)
            .with("suppress", self.suppress)
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let path = input.origin.path.to_ascii_lowercase();
    let family = if path.contains("-6") || path.contains("ipv6") { Some("inet6") } else { None };
    let member = input.origin.member;
    let mut incomplete = input.truncated.then(|| "the file is cut".to_owned());
    if Documents::of(input.text).next().is_some_and(|it| it.text.starts_with('[')) {
        let mut places = Places::of(input);
        for document in Documents::of(input.text) {
            for element in elements(document.text) {
                out.tally.lines += 1;
                let Ok(value) = serde_json::from_str::<Value>(element.text) else {
                    out.tally.odd_bytes += element.text.len() as u64;
                    incomplete = Some("a rule could not be read".to_owned());
                    continue;
                };
                out.tally.understood += 1;
                let row = from_json(&value, family);
                let fact = Fact::new(row, input.origin.node.clone(), places.quote(element.text));
                out.records.push(Record::Fact(Box::new(fact), Stamp::None));
            }
        }
    } else {
        return table(input, &relation::IP_RULE, None, out, |line| match rule(line) {
            Some(it) => Said::Row(it.row(family)),
            None => Said::Nothing,
        });
    }
    let (relation, node) = (relation::IP_RULE.name, input.origin.node.clone());
    out.collected.push(Collected { relation, node, incomplete, member });
}

fn from_json(value: &Value, family: Option<&str>) -> Row {
    let word = |key: &str| value[key].as_str();
    let network = |key: &str, len: &str| {
        let address = word(key).filter(|it| *it != "all")?.parse::<std::net::IpAddr>().ok()?;
        match value[len].as_u64().and_then(|it| u8::try_from(it).ok()) {
            Some(bits) => IpNet::new(address, bits).ok(),
            None => Some(IpNet::from(address)),
        }
    };
    let selector: Vec<String> = ["fwmark", "iif", "oif", "tos", "uid_start", "ipproto", "sport", "dport", "l3mdev"]
        .iter()
        .filter(|it| value.get(**it).is_some())
        .map(|it| format!("{it} {}", word(it).unwrap_or_default()))
        .collect();
    let (from, to) = (network("src", "srclen"), network("dst", "dstlen"));
    let v6 = [from, to].into_iter().flatten().any(|it| it.addr().is_ipv6());
    let action = word("action").or_else(|| value.get("goto").map(|_| "goto")).unwrap_or("lookup");
    Row::new(&relation::IP_RULE)
        .with("priority", value["priority"].as_i64())
        .with("family", if v6 { Some("inet6") } else { family })
        .with("inverted", value.get("not").is_some())
        .with("src", from)
        .with("dst", to)
        .with("fwmark", word("fwmark"))
        .with("iif", word("iif"))
        .with("oif", word("oif"))
        .with("selector", Some(selector.join(" ")).filter(|it| !it.is_empty()))
        .with("table", word("table"))
        .with("action", action)
        .with("suppress", value["suppress_prefixlen"].as_i64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, shown, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        let columns = ["node", "priority", "inverted", "src", "dst", "selector", "table", "action"];
        let out = read_at(&FORMAT, "x", text);
        shown(&out, "ip.rule", columns)
    }

    #[test]
    fn rules_of_both_forms() {
        insta::assert_snapshot!(rows(FORMAT.samples[0]).join("\n"), @r#"
        node-a 0 false unknown unknown unknown local lookup
        node-a 99 true unknown unknown fwmark 0x200000/0x200000 1 lookup
        node-a 32766 false unknown unknown unknown main lookup
        node-a 32767 false unknown unknown unknown default lookup
        "#);
        insta::assert_snapshot!(rows("root@n7:~# ip rule\n100:\tfrom 10.1.0.0/16 to 10.2.0.1 iif eth1 lookup 42\n101:\tfrom all unreachable\n").join("\n"), @r#"
        n7 100 false 10.1.0.0/16 10.2.0.1/32 iif eth1 42 lookup
        n7 101 false unknown unknown unknown unknown unreachable
        "#);
        assert_eq!(rows(FORMAT.samples[1])[1], "node-a 32766 false unknown unknown unknown main lookup");
        assert_eq!(sniff_certainty(&FORMAT, "x", "12: from here on nothing\nthe rest is prose\nand more\n"), Certainty::No);
    }

    #[test]
    fn real_output() {
        for name in ["ip_rule.txt", "ip_-6_rule.txt", "ip_-d_rule.txt", "busybox_ip_rule.txt", "ip_-j_rule.txt"] {
            let Some(text) = sample(&format!("network/netstate/{name}")) else { return };
            let out = read_at(&FORMAT, name, &text);
            assert_eq!(out.tally.lines, out.tally.understood, "{name}");
            assert!(facts(&out, "ip.rule").count() >= 2, "{name}");
        }
    }
}
