//! `ip nexthop`: the next-hop objects that routes name by `nhid`, as text or JSON (`-j`).
//!
//! ```text
//! id 11 via 192.168.10.41 dev eth0 scope link proto bird
//! id 13 blackhole
//! id 100 group 11/12,3 type resilient
//! ```
//!
//! One row an object; of a group the numbers of its members, without their weights. Skipped: weights, buckets, encapsulation.
//! Units: none. Time: none.
//!
//! Source: `man 8 ip-nexthop`; `print_nexthop` in iproute2's `ip/ipnexthop.c`.

use std::net::IpAddr;

use serde_json::Value;
use timeline::{Collected, Fact, MemberRecords, Record, Row, Stamp, relation};

use crate::host_lines::{Said, table};
use crate::json_elements::{Documents, elements, entry};
use crate::places::Places;
use crate::state::{is_number, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-nexthop",
    produced_by: "ip nexthop",
    samples: &[
        "id 11 via 192.168.10.41 dev eth0 scope link \nid 13 blackhole \nid 100 group 11/12,3 \n",
        "[{\"id\":11,\"gateway\":\"192.168.10.41\",\"dev\":\"eth0\",\"scope\":\"link\",\"flags\":[]},{\"id\":13,\"blackhole\":null,\"flags\":[]},{\"id\":100,\"group\":[{\"id\":11},{\"id\":12,\"weight\":3}],\"flags\":[]}]\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if let Some(array) = Documents::of(sniff.text).next().filter(|it| it.text.starts_with('[')) {
        let object = |it: &str| {
            let has = |key| entry(it, key).is_some();
            has("id") && has("flags") && !has("dst") && ["gateway", "via", "dev", "blackhole", "group", "fdb"].into_iter().any(has)
        };
        return if elements(array.text).next().is_some_and(|it| object(it.text)) { Certainty::Sure } else { Certainty::No };
    }
    let found = sniff.text.lines().take(200).filter(|it| object(it).is_some()).count();
    if found > 0 && sniff.share(200, |it| object(it).is_some()) >= 0.9 { Certainty::Sure } else { Certainty::No }
}

/// An object as a line prints it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Object {
    id: i64,
    via: Option<IpAddr>,
    dev: Option<String>,
    group: Vec<String>,
    blackhole: bool,
    protocol: Option<String>,
    scope: Option<String>,
    flags: Vec<String>,
}

/// `id 11 via 192.168.10.41 dev eth0 scope link proto bird onlink`
fn object(line: &str) -> Option<Object> {
    let mut words = words(line);
    if words.next() != Some("id") {
        return None;
    }
    let mut found = Object { id: words.next()?.parse().ok()?, ..Object::default() };
    let mut known = false;
    while let Some(word) = words.next() {
        match word {
            "via" => {
                let next = words.next()?;
                // `via inet6 fe80::1`: a gateway of the other family
                let next = if matches!(next, "inet" | "inet6") { words.next()? } else { next };
                found.via = Some(next.parse().ok()?);
            }
            "dev" => found.dev = Some(words.next()?.to_owned()),
            "group" => found.group = words.next()?.split('/').map(|it| it.split(',').next().unwrap_or(it).to_owned()).collect(),
            "blackhole" => found.blackhole = true,
            "proto" | "protocol" => found.protocol = Some(words.next()?.to_owned()),
            "scope" => found.scope = Some(words.next()?.to_owned()),
            "onlink" | "linkdown" | "dead" | "offload" | "trap" | "pervasive" | "fdb" => found.flags.push(word.to_owned()),
            _ => continue,
        }
        known |= !matches!(word, "proto" | "protocol" | "scope");
    }
    (known && found.group.iter().all(|it| is_number(it))).then_some(found)
}

/// `{"id":11,"gateway":"192.168.10.41","dev":"eth0","scope":"link","flags":[]}`
fn from_json(text: &str) -> Option<Object> {
    let value: Value = serde_json::from_str(text).ok()?;
    let word = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let via = value.get("via").and_then(|it| it.get("host")).or(value.get("gateway")).and_then(Value::as_str);
    let group = value.get("group").and_then(Value::as_array).into_iter().flatten();
    let flags = value.get("flags").and_then(Value::as_array).into_iter().flatten();
    Some(Object {
        id: value.get("id")?.as_i64()?,
        via: via.and_then(|it| it.parse().ok()),
        dev: word("dev"),
        group: group.filter_map(|it| it.get("id")?.as_i64()).map(|it| it.to_string()).collect(),
        blackhole: value.get("blackhole").is_some(),
        protocol: word("protocol"),
        scope: word("scope"),
        flags: flags.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

impl Object {
    fn row(self) -> Row {
        let text = |it: Vec<String>| Some(it.join(" ")).filter(|it| !it.is_empty());
        let kind = match () {
            () if self.blackhole => "blackhole",
            () if !self.group.is_empty() => "group",
            () => "unicast",
        };
        Row::new(&relation::NEXTHOP)
            .with("id", self.id)
            .with("type", kind)
            .with("via", self.via)
            .with("dev", self.dev)
            .with("group", text(self.group))
            .with("proto", self.protocol)
            .with("scope", self.scope)
            .with("flags", text(self.flags))
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    if !input.text.trim_start().starts_with('[') {
        return table(input, &relation::NEXTHOP, None, out, |line| match object(line) {
            Some(object) => Said::Row(object.row()),
            None => Said::Nothing,
        });
    }
    let mut places = Places::of(input);
    let mut whole = !input.truncated;
    for document in Documents::of(input.text) {
        whole &= document.whole;
        for element in elements(document.text) {
            out.tally.lines += 1;
            let Some(object) = from_json(element.text) else {
                out.tally.odd_bytes += element.text.len() as u64;
                continue;
            };
            out.tally.understood += 1;
            let fact = Fact::new(object.row(), input.origin.node.clone(), places.quote(element.text));
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
    }
    let incomplete = (!whole).then(|| "the file is cut".to_owned());
    let (relation, node, member) = (relation::NEXTHOP.name, input.origin.node.clone(), input.origin.member);
    out.collected.push(Collected { relation, node, incomplete, member });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        rows_of(&FORMAT, "x", text, "nexthop", ["id", "type", "via", "dev", "group", "scope"])
    }

    #[test]
    fn objects_in_text_and_json() {
        let expected = [
            "11 unicast 192.168.10.41 eth0 unknown link",
            "13 blackhole unknown unknown unknown unknown",
            "100 group unknown unknown 11 12 unknown",
        ];
        assert_eq!(rows(FORMAT.samples[0]), expected);
        assert_eq!(rows(FORMAT.samples[1]), expected);
        for text in ["id 7\n", "id 11 via nobody\n", "identity via x\n", "[{\"id\":1,\"name\":\"x\"}]\n", "id 3 scope link\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_objects() {
        let names = ["ip_nexthop.txt", "ip_-j_nexthop.txt", "ip_-d_nexthop.txt"];
        let read = |name: &str| Some(rows(&sample(&format!("network/netstate/{name}"))?));
        let [Some(text), Some(json), Some(details)] = names.map(read) else { return };
        assert_eq!((text.len(), &text), (4, &json));
        assert_eq!(details.len(), 4);
    }
}
