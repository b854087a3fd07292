//! `bridge fdb`, and neighbours as JSON: behind which port or tunnel an address of the link layer is.
//!
//! ```text
//! 66:1d:5a:00:00:02 dev vxlan.calico dst 192.168.10.23 self permanent
//! [{"dst":"192.168.10.77","dev":"eth0","state":["FAILED"]}]
//! ```
//!
//! Skipped: how long ago an entry was used. Time: none.
//!
//! Source: iproute2's bridge/fdb.c, ip/ipneigh.c.

use serde_json::Value as Json;
use timeline::{Fact, MemberRecords, Relation, Row, Stamp, relation};

use crate::json_elements::{Documents, elements, entry};
use crate::places::Places;
use crate::state::{State, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "bridge-fdb",
    produced_by: "bridge fdb show, bridge -j fdb, ip -j neigh",
    samples: &[
        "66:1d:5a:00:00:02 dev vxlan.calico dst 192.168.10.23 self permanent\n33:33:00:00:00:01 dev eth0 self permanent\n",
        "[{\"dst\":\"192.168.10.77\",\"dev\":\"eth0\",\"state\":[\"FAILED\"]}]\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn is_mac(word: &str) -> bool {
    word.len() == 17 && word.split(':').count() == 6 && word.bytes().all(|it| it.is_ascii_hexdigit() || it == b':')
}

/// `66:1d:5a:00:00:02 dev vxlan.calico dst 192.168.10.23 self permanent`
fn fdb(line: &str) -> Option<Row> {
    let mut cells = words(line);
    let mac = cells.next().filter(|it| is_mac(it))?;
    let (mut dev, mut dst, mut flags) = (None, None, Vec::new());
    while let Some(cell) = cells.next() {
        match cell {
            "dev" => dev = cells.next(),
            "dst" => dst = cells.next(),
            "self" | "permanent" | "master" | "extern_learn" | "sticky" | "offload" => flags.push(cell),
            _ => {}
        }
    }
    let row = Row::new(&relation::BRIDGE_FDB).with("mac", mac).with("dev", dev?).with("dst", dst);
    Some(row.with("flags", (!flags.is_empty()).then(|| flags.join(" "))))
}

fn json_row(value: &Json) -> Option<Row> {
    let text = |key: &str| value[key].as_str();
    let list = |key: &str| value[key].as_array().map(|it| it.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" "));
    if let Some(mac) = text("mac") {
        let flags: Vec<String> = list("flags").into_iter().chain(text("state").map(str::to_owned)).filter(|it| !it.is_empty()).collect();
        let row = Row::new(&relation::BRIDGE_FDB).with("mac", mac).with("dev", text("ifname")).with("dst", text("dst"));
        return Some(row.with("flags", (!flags.is_empty()).then(|| flags.join(" "))));
    }
    let ip: std::net::IpAddr = text("dst")?.parse().ok()?;
    let state = list("state")?;
    Some(Row::new(&relation::NEIGHBOUR).with("ip", ip).with("dev", text("dev")).with("mac", text("lladdr")).with("state", state))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if let Some(array) = Documents::of(sniff.text).next().filter(|it| it.text.starts_with('[')) {
        let has = |it: &str, keys: &[&str]| keys.iter().all(|key| entry(it, key).is_some());
        let one = |it: &str| {
            has(it, &["dst", "dev", "state"]) && entry(it, "gateway").is_none()
                || has(it, &["mac", "ifname", "flags"])
        };
        return if elements(array.text).take(2).any(|it| one(it.text)) { Certainty::Sure } else { Certainty::No };
    }
    let any = sniff.text.lines().take(20).any(|it| fdb(it).is_some());
    if any && sniff.share(200, |it| fdb(it).is_some()) >= 0.9 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut relations: Vec<&'static Relation> = Vec::new();
    let mut note = |relation: &'static Relation| {
        if !relations.contains(&relation) {
            relations.push(relation);
        }
    };
    if Documents::of(input.text).next().is_some_and(|it| it.text.starts_with('[')) {
        let mut places = Places::of(input);
        for document in Documents::of(input.text) {
            for element in elements(document.text) {
                let Some(row) = serde_json::from_str::<Json>(element.text).ok().and_then(|it| json_row(&it)) else { continue };
                note(row.relation);
                state.fact(Fact::new(row, input.origin.node.clone(), places.quote(element.text)), Stamp::None);
            }
        }
        state.each(|_, _| true);
    } else {
        state.each(|state, line| match fdb(line.text) {
            Some(row) => {
                note(row.relation);
                state.push(row, line);
                true
            }
            None => false,
        });
    }
    for relation in relations {
        state.collected(relation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn rows(text: &str, relation: &'static str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        let out = read_at(&FORMAT, "x", text);
        assert_eq!(out.tally.lines, out.tally.understood, "{text}");
        let cells = |it: &Fact| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        facts(&out, relation).map(|it| cells(it).replace("unknown", "-")).collect()
    }

    #[test]
    fn ports_and_tunnels() {
        assert_eq!(rows(FORMAT.samples[0], "bridge.fdb")[0], "66:1d:5a:00:00:02 vxlan.calico 192.168.10.23 self permanent");
        assert_eq!(rows(FORMAT.samples[1], "neighbour"), ["192.168.10.77 eth0 - FAILED"]);
        for text in ["10.0.0.1 dev eth0 scope link\n", "[{\"dst\":\"default\",\"dev\":\"eth0\"}]\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn text_equals_json() {
        let read = |name: &str| sample(&format!("network/netstate/{name}"));
        let (Some(text), Some(json)) = (read("bridge_fdb_show.txt"), read("bridge_-j_fdb_show.txt")) else { return };
        let bare = |it: &String| it.split(' ').take(3).collect::<Vec<_>>().join(" ");
        let rows = |text: &str| rows(text, "bridge.fdb").iter().map(bare).collect::<Vec<_>>();
        assert_eq!(rows(&text), rows(&json));
    }
}
