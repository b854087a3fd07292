//! `nft list ruleset`, `nft -j list ruleset`: how many rules each table holds, and whose they are.
//!
//! ```text
//! # Warning: table ip filter is managed by iptables-nft, do not touch!
//! table ip filter {
//!         chain FORWARD {
//!                 type filter hook forward priority filter; policy drop;
//!                 counter packets 12 bytes 720 jump cali-FORWARD
//!         }
//!         set addresses { type ipv4_addr; elements = { 10.0.0.1 } }
//! }
//! {"nftables":[{"metainfo":{…}},{"table":{"family":"ip","name":"filter"}},{"chain":{…}},{"rule":{…}}]}
//! ```
//!
//! One row a table, in the relation of `iptables-save`, with inet and inet6 for ip and ip6. Chains of kube-proxy are those it
//! has under iptables (KUBE-) and all of a table named kube-proxy; Calico's have cali- in their names. The rules that
//! iptables-legacy keeps do not show here: that a table holds none of kube-proxy's or Calico's is said only where one of
//! them shows elsewhere in the ruleset. Skipped: what the rules say, sets and maps, tables without rules of families other
//! than IP's. Units: rules. Time: none.
//!
//! Source: `man 8 nft`, `man 5 libnftables-json`; `pkg/proxy/nftables` of Kubernetes; Felix' nftables tables.

use timeline::{Collected, MemberRecords, relation};

use crate::json_elements::{elements, entry};
use crate::packet_filter::{Rule, Table};
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "nft-ruleset",
    produced_by: "nft list ruleset, nft -j list ruleset",
    samples: &[
        concat!(
            "# Warning: table ip filter is managed by iptables-nft, do not touch!\n",
            "table ip filter {\n\tchain KUBE-FIREWALL {\n\t\tip daddr 127.0.0.0/8 ct status & dnat != dnat counter packets 0 bytes 0 drop\n\t}\n\n",
            "\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n",
            "\t\tcounter packets 12 bytes 720 jump cali-FORWARD\n\t}\n}\n",
            "table ip nat {\n\tset local {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1,\n\t\t\t     10.0.0.2 }\n\t}\n\n",
            "\tchain KUBE-POSTROUTING {\n\t\tmeta mark & 0x00004000 == 0x00004000 counter packets 3 bytes 180 masquerade fully-random\n\t}\n}\n",
        ),
        concat!(
            "{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\",\"json_schema_version\":1}},{\"table\":{\"family\":\"ip\",\"name\":\"kube-proxy\",\"handle\":4}},",
            "{\"chain\":{\"family\":\"ip\",\"table\":\"kube-proxy\",\"name\":\"filter-forward\",\"handle\":1,\"type\":\"filter\",\"hook\":\"forward\",\"prio\":-110,\"policy\":\"accept\"}},",
            "{\"rule\":{\"family\":\"ip\",\"table\":\"kube-proxy\",\"chain\":\"filter-forward\",\"handle\":9,\"expr\":[{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":\"new\"}},{\"jump\":{\"target\":\"service-endpoints-check\"}}]}}]}\n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let text = sniff.text.trim_start();
    if let Some(inside) = text.strip_prefix('{') {
        let begins = inside.trim_start().starts_with("\"nftables\"");
        return if begins { Certainty::Sure } else { Certainty::No };
    }
    let first = text.lines().find(|it| !it.trim().is_empty() && !it.starts_with('#'));
    if first.is_some_and(|it| table(it).is_some()) { Certainty::Sure } else { Certainty::No }
}

/// `table ip filter {`, `table ip6 nat { # handle 3`
fn table(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("table ")?;
    let (head, _) = rest.split_once(" {")?;
    let (family, name) = head.split_once(' ')?;
    let named = !name.is_empty() && !name.contains(' ');
    (FAMILIES.contains(&family) && named).then(|| (as_iptables(family), name))
}

/// The words of iptables' tools for the families they know.
fn as_iptables(family: &str) -> &str {
    match family {
        "ip" => "inet",
        "ip6" => "inet6",
        // of both, which iptables does not have
        "inet" => "ip-both",
        other => other,
    }
}

/// Whose a chain is, by its name and its table's.
fn owner(table: &str, chain: &str) -> Rule {
    let kube = chain.starts_with("KUBE-") || table == "kube-proxy";
    let cali = chain.starts_with("cali-") || chain.contains("-cali-") || table == "calico";
    Rule { kube, cali, ..Rule::default() }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let json = input.text.trim_start().starts_with('{');
    let (tables, whole) = if json { of_json(input, out) } else { of_text(input, out) };
    // rules that iptables-legacy keeps do not show
    let owners = tables.iter().any(|it| it.theirs || it.kube > 0 || it.cali > 0);
    for it in tables {
        it.push(None, Some("nft"), owners, out);
    }
    let incomplete = match () {
        () if input.truncated || !whole => Some("the listing is cut".to_owned()),
        () if !owners => Some("the rules of iptables-legacy do not show in it".to_owned()),
        () => None,
    };
    let (relation, node, member) = (relation::IPTABLES.name, input.origin.node.clone(), input.origin.member);
    out.collected.push(Collected { relation, node, incomplete, member });
}

/// What braces are open around a line.
#[derive(PartialEq, Eq)]
enum Inside<'t> {
    Nothing,
    Table,
    Chain(&'t str),
    /// A set, a map, a flow table: so many braces are open.
    Other(usize),
}

fn of_text<'t>(input: &Input<'t>, out: &mut MemberRecords) -> (Vec<Table<'t>>, bool) {
    let (mut tables, mut inside) = (Vec::<Table<'t>>::new(), Inside::Nothing);
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        let quote = || input.origin.quote(&line);
        let text = line.text.trim();
        let understood = match (&mut inside, tables.last_mut()) {
            _ if text.starts_with('#') => true,
            (Inside::Nothing, _) | (_, None) => match table(text) {
                Some((family, name)) => {
                    tables.push(Table::new(family, name, input.origin.node.clone(), quote()));
                    // `table ip raw { }`
                    inside = if text.ends_with('}') { Inside::Nothing } else { Inside::Table };
                    true
                }
                None => false,
            },
            (Inside::Table, Some(_)) if text == "}" => {
                inside = Inside::Nothing;
                true
            }
            (Inside::Table, Some(table)) => match text.strip_prefix("chain ").and_then(|it| it.split_once(" {")) {
                Some((name, rest)) => {
                    table.chain(owner(table.name, name));
                    if !rest.trim_end().ends_with('}') {
                        inside = Inside::Chain(name);
                    }
                    true
                }
                None => {
                    let open = braces(text, 0);
                    if open > 0 {
                        inside = Inside::Other(open);
                    }
                    // `comment "rules for kube-proxy"`, `flags owner`
                    open > 0 || !text.starts_with('}')
                }
            },
            (Inside::Chain(_), Some(_)) if text == "}" => {
                inside = Inside::Table;
                true
            }
            (Inside::Chain(chain), Some(table)) => {
                if let Some(policy) = base_chain(text) {
                    if let Some(policy) = policy {
                        table.forward = Some((policy.to_ascii_uppercase(), quote()));
                    }
                } else if !text.starts_with("comment ") {
                    table.rule(counted(table.name, chain, text), quote);
                }
                true
            }
            (Inside::Other(open), Some(_)) => {
                *open = braces(text, *open);
                if *open == 0 {
                    inside = Inside::Table;
                }
                true
            }
        };
        if understood {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
    }
    (tables, inside == Inside::Nothing)
}

/// Braces that are open behind a line, quoted ones aside.
fn braces(text: &str, mut open: usize) -> usize {
    let mut quoted = false;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'{' if !quoted => open += 1,
            b'}' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open
}

/// `type filter hook forward priority filter; policy drop;`: the policy of what is forwarded, if this is where it is filtered.
fn base_chain(text: &str) -> Option<Option<&str>> {
    let rest = text.strip_prefix("type ")?;
    let (kind, rest) = rest.split_once(" hook ")?;
    let filters = kind == "filter" && rest.starts_with("forward ");
    let policy = rest.split_once("policy ").and_then(|(_, it)| it.split([';', ' ']).next());
    Some(policy.filter(|_| filters))
}

/// `ip saddr 10.0.0.0/8 counter packets 3 bytes 180 jump cali-FORWARD`
fn counted(table: &str, chain: &str, text: &str) -> Rule {
    // the handle that `-a` prints, and what a comment says, are no part of what a rule does
    let text = text.rsplit_once(" # handle ").map_or(text, |it| it.0);
    let owner = owner(table, chain);
    let mut words = text.split_ascii_whitespace().peekable();
    let mut rule = owner;
    while let Some(word) = words.next() {
        match word {
            "jump" | "goto" => {
                let target = owner_of_target(words.peek().copied().unwrap_or_default());
                (rule.kube, rule.cali) = (rule.kube || target.kube, rule.cali || target.cali);
            }
            "comment" => break,
            "drop" | "reject" => rule.drops = true,
            "masquerade" => rule.masquerades = true,
            _ => {}
        }
    }
    // how nft prints a target it cannot translate
    rule.masquerades |= text.contains("xt target \"MASQUERADE\"");
    rule.drops |= text.contains("xt target \"REJECT\"");
    rule
}

fn owner_of_target(chain: &str) -> Rule {
    owner("", chain)
}

fn of_json<'t>(input: &Input<'t>, out: &mut MemberRecords) -> (Vec<Table<'t>>, bool) {
    out.tally.lines += input.text.lines().filter(|it| !it.trim().is_empty()).count() as u64;
    out.tally.understood = out.tally.lines;
    let mut tables = Vec::<Table<'t>>::new();
    let document = input.text.trim();
    let Some(list) = entry(document, "nftables") else { return (tables, false) };
    let mut places = Places::of(input);
    let text = |object: &'t str, key: &str| entry(object, key).map(|it| it.value.trim_matches('"'));
    let find = |tables: &mut Vec<Table<'t>>, object: &'t str| {
        let (family, name) = (as_iptables(text(object, "family")?), text(object, "table")?);
        tables.iter().position(|it| it.family == family && it.name == name)
    };
    for element in elements(list.value) {
        let short = places.quote(front(element.text));
        if let Some(it) = entry(element.text, "table").filter(|it| it.value.starts_with('{')) {
            if let (Some(family), Some(name)) = (text(it.value, "family"), text(it.value, "name")) {
                tables.push(Table::new(as_iptables(family), name, input.origin.node.clone(), short));
            }
        } else if let Some(it) = entry(element.text, "chain").filter(|it| it.value.starts_with('{')) {
            let Some(at) = find(&mut tables, it.value) else { continue };
            let name = text(it.value, "name").unwrap_or_default();
            let owner = owner(tables[at].name, name);
            tables[at].chain(owner);
            if text(it.value, "hook") == Some("forward") && text(it.value, "type") == Some("filter") {
                tables[at].forward = text(it.value, "policy").map(|it| (it.to_ascii_uppercase(), short));
            }
        } else if let Some(it) = entry(element.text, "rule").filter(|it| it.value.starts_with('{')) {
            let Some(at) = find(&mut tables, it.value) else { continue };
            let chain = text(it.value, "chain").unwrap_or_default();
            let rule = counted_json(tables[at].name, chain, entry(it.value, "expr").map_or("", |it| it.value));
            tables[at].rule(rule, || short);
        }
    }
    (tables, list.whole)
}

/// A quote need not hold a whole rule.
fn front(text: &str) -> &str {
    let mut end = text.len().min(400);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `[{"counter":{}},{"jump":{"target":"cali-FORWARD"}}]`
fn counted_json(table: &str, chain: &str, expressions: &str) -> Rule {
    let mut rule = owner(table, chain);
    for one in elements(expressions) {
        let is = |key: &str| entry(one.text, key).is_some();
        rule.drops |= is("drop") || is("reject");
        rule.masquerades |= is("masquerade");
        if let Some(it) = entry(one.text, "xt") {
            rule.masquerades |= it.value.contains("\"MASQUERADE\"");
            rule.drops |= it.value.contains("\"REJECT\"");
        }
        for key in ["jump", "goto"] {
            let target = entry(one.text, key).and_then(|it| entry(it.value, "target"));
            let target = target.map_or(Rule::default(), |it| owner_of_target(it.value.trim_matches('"')));
            (rule.kube, rule.cali) = (rule.kube || target.kube, rule.cali || target.cali);
        }
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, read_cut, shown, sniff_certainty};

    const COLUMNS: [&str; 9] =
        ["family", "table", "chains", "rules", "kube", "cali", "drops", "masquerades", "forward"];

    fn rows(text: &str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        shown(&out, "iptables.table", COLUMNS)
    }

    #[test]
    fn tables_in_text() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["inet filter 2 2 1 1 1 0 DROP", "inet nat 1 1 1 0 0 1 unknown"],
        );
        assert_eq!(rows(FORMAT.samples[1]), ["inet kube-proxy 1 1 1 0 0 0 ACCEPT"]);
    }

    #[test]
    fn text_and_json_say_the_same() {
        let text = concat!(
            "table ip6 calico { # handle 7\n\tcomment \"managed\"\n\tchain filter-cali-FORWARD { # handle 1\n",
            "\t\tmeta mark & 0x1 == 0x1 counter packets 1 bytes 2 reject with icmp type port-unreachable # handle 5\n",
            "\t\tip6 saddr @cali60s counter packets 1 bytes 2 comment \"cali:x drop\" # handle 6\n\t}\n",
            "\tmap nat { # handle 2\n\t\ttype inet_proto . inet_service : verdict\n\t\telements = { tcp . 80 : goto svc,\n\t\t\t     udp . 53 : drop }\n\t}\n}\n",
        );
        let json = concat!(
            "{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.9\"}},\n{\"table\": {\"family\": \"ip6\", \"name\": \"calico\", \"handle\": 7}},\n",
            "{\"chain\": {\"family\": \"ip6\", \"table\": \"calico\", \"name\": \"filter-cali-FORWARD\", \"handle\": 1}},\n",
            "{\"rule\": {\"family\": \"ip6\", \"table\": \"calico\", \"chain\": \"filter-cali-FORWARD\", \"handle\": 5, \"expr\": [{\"reject\": {\"type\": \"icmp\"}}]}},\n",
            "{\"rule\": {\"family\": \"ip6\", \"table\": \"calico\", \"chain\": \"filter-cali-FORWARD\", \"handle\": 6, \"comment\": \"drop\", \"expr\": [{\"counter\": {\"packets\": 1}}]}},\n",
            "{\"map\": {\"family\": \"ip6\", \"table\": \"calico\", \"name\": \"nat\", \"elem\": [[\"x\", {\"drop\": null}]]}}]}\n",
        );
        assert_eq!(rows(text), ["inet6 calico 1 2 0 2 1 0 unknown"]);
        assert_eq!(rows(json), rows(text));
    }

    #[test]
    fn none_of_theirs_is_said_only_where_they_use_nftables() {
        let docker = "table ip nat {\n\tchain POSTROUTING {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t\tip saddr 172.17.0.0/16 oifname != \"docker0\" counter packets 0 bytes 0 xt target \"MASQUERADE\"\n\t}\n}\ntable ip raw {\n}\n";
        assert_eq!(
            rows(docker),
            ["inet nat 1 1 unknown unknown 0 1 unknown", "inet raw 0 0 unknown unknown 0 0 unknown"],
        );
        let out = read_at(&FORMAT, "x", docker);
        assert_eq!(out.collected[0].incomplete.as_deref(), Some("the rules of iptables-legacy do not show in it"));
        let flushed = format!("{docker}table ip mangle {{\n\tchain KUBE-KUBELET-CANARY {{\n\t}}\n\tchain KUBE-IPTABLES-HINT {{\n\t\tcounter packets 0 bytes 0 return\n\t}}\n}}\n");
        assert_eq!(rows(&flushed)[0], "inet nat 1 1 0 0 0 1 unknown");
        assert_eq!(read_at(&FORMAT, "x", &flushed).collected[0].incomplete, None);
        assert!(read_cut(&FORMAT, "x", &flushed).collected[0].incomplete.is_some());
        assert!(read_at(&FORMAT, "x", &flushed[..flushed.len() - 3]).collected[0].incomplete.is_some());
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in ["table ip filter\n", "table tennis club {\n}\n", "{\"table\":{\"nftables\":1}}\n", "chain x {\n}\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
