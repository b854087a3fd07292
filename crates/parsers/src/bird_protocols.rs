//! BIRD's `show protocols` and `show protocols all`: the BGP sessions of a node, BIRD 1.x and 2.x.
//!
//! ```text
//! BIRD 2.0.12 ready.
//! Name       Proto      Table      State  Since         Info
//! kernel1    Kernel     master4    up     00:04:58.245
//! Mesh_10_64_16_55 BGP        ---        start  00:06:06.027  Active        Socket: Connection refused
//! ```
//!
//! Also as the control socket sends it, with codes before the lines (`1002-kernel1  Kernel …`). Calico writes the address
//! of a peer into its name; elsewhere `Neighbor address:` of `show protocols all` tells it. A session that is not
//! established may still have its routes in the kernel while graceful restart lasts.
//! Skipped: protocols other than BGP, statistics. Units: none. Time: `since` is kept as printed.
//!
//! Source: `nest/proto.c` of BIRD, `proto_cmd_show`.

use std::net::IpAddr;

use timeline::{Collected, Fact, MemberRecords, Name, Record, Row, Stamp, relation};

use crate::ip_route::by_prompt;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "bird-protocols",
    produced_by: "birdc show protocols [all]",
    samples: &[
        "BIRD 2.0.12 ready.\nName       Proto      Table      State  Since         Info\ndevice1    Device     ---        up     00:04:58.245  \nkernel1    Kernel     master4    up     00:04:58.245  \nMesh_10_64_16_55 BGP        ---        start  00:06:06.027  Active        Socket: Connection refused\n",
        "0001 BIRD 1.5.0 ready.\n2002-name     proto    table    state  since       info\n1002-kernel1  Kernel   master   up     2016-11-21\n Global_172_17_8_103 BGP      master   up     2016-11-21  Established\n0000\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    match lines.by_ref().take(20).any(is_header) {
        true if lines.next().is_none_or(|_| sniff.share(400, |it| it.starts_with(' ') || row(it).is_some() || is_frame(it)) >= 0.8) => Certainty::Sure,
        true => Certainty::Likely,
        false => Certainty::No,
    }
}

/// `2002-name     proto    table    state  since       info`
fn is_header(line: &str) -> bool {
    let words = uncoded(line).split_ascii_whitespace().map(str::to_ascii_lowercase);
    words.eq(["name", "proto", "table", "state", "since", "info"].map(str::to_owned))
}

/// Banner, header and end.
fn is_frame(line: &str) -> bool {
    let line = line.trim();
    is_header(line) || is_code(line) || line == "bird>" || (line.contains("BIRD ") && line.ends_with(" ready.")) || line.contains("show protocols")
}

/// `0000`, `9001`: the control socket's last word; from 8000 on an error.
fn is_code(line: &str) -> bool {
    line.len() == 4 && line.bytes().all(|it| it.is_ascii_digit())
}

/// The line without the code of the control socket: `1002-`, `2002-`, `0001 `.
fn uncoded(line: &str) -> &str {
    let line = line.trim();
    match line.split_at_checked(4) {
        Some((code, rest)) if code.bytes().all(|it| it.is_ascii_digit()) && rest.starts_with(['-', ' ']) => rest[1..].trim_start(),
        _ => line,
    }
}

/// One protocol.
struct Protocol<'t> {
    name: &'t str,
    proto: &'t str,
    state: &'t str,
    since: String,
    info: String,
}

/// `Mesh_10_64_16_55 BGP        ---        start  00:06:06.027  Active        Socket: Connection refused`
fn row(line: &str) -> Option<Protocol<'_>> {
    let mut words = uncoded(line).split_ascii_whitespace().peekable();
    let (name, proto, _table, state) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if !matches!(state, "up" | "start" | "down" | "stop" | "feed" | "flush") {
        return None;
    }
    let mut since = words.next().filter(|it| it.starts_with(|it: char| it.is_ascii_digit()))?.to_owned();
    let is_time = |it: &&str| it.contains(':') && it.bytes().all(|it| matches!(it, b'0'..=b'9' | b':' | b'.'));
    if since.contains('-')
        && let Some(time) = words.next_if(is_time)
    {
        since = format!("{since} {time}");
    }
    Some(Protocol { name, proto, state, since, info: words.collect::<Vec<_>>().join(" ") })
}

/// `Mesh_10_64_16_55`, `Node_fd00_10__1_port_180`: what the peer is, and its address.
fn peer(name: &str) -> (Option<&'static str>, Option<IpAddr>) {
    let kinds = [("Mesh_", "node-to-node mesh"), ("Node_", "node specific"), ("Global_", "global")];
    let Some((rest, kind)) = kinds.iter().find_map(|(prefix, kind)| Some((name.strip_prefix(prefix)?, *kind))) else {
        return (None, None);
    };
    let rest = rest.split("_port_").next().unwrap_or_default();
    let address = rest.replace('_', ".").parse::<IpAddr>().or_else(|_| rest.replace('_', ":").parse());
    (Some(kind), address.ok())
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let sections = by_prompt(input);
    let mut at = 0;
    let (mut listed, mut failed) = (false, false);
    let mut open: Option<(Row, Line<'_>)> = None;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        let end = line.start as usize + line.text.len();
        while sections.get(at + 1).is_some_and(|(_, range)| range.start <= end) {
            close(input, open.take(), &sections[at].0, out);
            collected(input, std::mem::take(&mut listed), &sections[at].0, why(false, std::mem::take(&mut failed)), out);
            at += 1;
        }
        let node = &sections[at].0;
        failed |= is_code(line.text.trim()) && line.text.trim() >= "8000";
        if is_header(line.text) {
            close(input, open.take(), node, out);
            listed = true;
        } else if let Some(found) = row(line.text).filter(|_| listed) {
            close(input, open.take(), node, out);
            if found.proto == "BGP" {
                let (kind, address) = peer(found.name);
                let row = Row::new(&relation::BGP_PEER)
                    .with("peer", address)
                    .with("kind", kind)
                    .with("state", found.state)
                    .with("since", found.since)
                    .with("info", Some(found.info).filter(|it| !it.is_empty()));
                open = Some((row, line));
            }
        } else if let Some((row, _)) = open.as_mut().filter(|_| line.text.starts_with([' ', '\t'])) {
            // details of `show protocols all`
            if let Some(address) = line.text.trim().strip_prefix("Neighbor address:")
                && let Ok(address) = address.trim().split('%').next().unwrap_or_default().parse::<IpAddr>()
            {
                *row = row.clone().with("peer", address);
            }
        } else if !(is_frame(line.text) || (listed && line.text.starts_with([' ', '\t', '1']))) {
            out.tally.odd_bytes += line.text.len() as u64;
            continue;
        }
        out.tally.understood += 1;
    }
    close(input, open.take(), &sections[at].0, out);
    collected(input, listed, &sections[at].0, why(input.truncated, failed), out);
}

/// Why peers may be missing.
fn why(cut: bool, failed: bool) -> Option<String> {
    match (cut, failed) {
        (true, _) => Some("the file is cut".to_owned()),
        (false, true) => Some("BIRD answered with an error".to_owned()),
        (false, false) => None,
    }
}

fn close(input: &Input<'_>, open: Option<(Row, Line<'_>)>, node: &Option<Name>, out: &mut MemberRecords) {
    let Some((row, line)) = open else { return };
    let fact = Fact::new(row, node.clone(), input.origin.quote(&line));
    out.records.push(Record::Fact(Box::new(fact), Stamp::None));
}

fn collected(input: &Input<'_>, listed: bool, node: &Option<Name>, incomplete: Option<String>, out: &mut MemberRecords) {
    if listed {
        let member = input.origin.member;
        out.collected.push(Collected { relation: relation::BGP_PEER.name, node: node.clone(), incomplete, member });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, samples_in, sniff_certainty};

    fn peers(out: &MemberRecords) -> Vec<String> {
        let shown = |it: &Fact| ["node", "peer", "kind", "state", "since", "info"].map(|column| it.get(column).to_string()).join(" · ");
        facts(out, "bgp.peer").map(shown).collect()
    }

    #[test]
    fn both_dialects() {
        for sample in FORMAT.samples {
            assert_eq!(sniff_certainty(&FORMAT, "x", sample), Certainty::Sure);
            let out = read_at(&FORMAT, "x", sample);
            assert_eq!((out.tally.lines, out.collected.len()), (out.tally.understood, 1));
        }
        insta::assert_snapshot!(FORMAT.samples.iter().flat_map(|it| peers(&read_at(&FORMAT, "x", it))).collect::<Vec<_>>().join("\n"), @r#"
    node-a · 10.64.16.55 · node-to-node mesh · start · 00:06:06.027 · Active Socket: Connection refused
    node-a · 172.17.8.103 · global · up · 2016-11-21 · Established
    "#);
        let address = |name: &str| peer(name).1.map(|it| it.to_string());
        assert_eq!(address("Node_fd00_10__1_port_180").as_deref(), Some("fd00:10::1"));
        assert_eq!(address("uplink1"), None);
    }

    #[test]
    fn details_and_dates() {
        let text = "name proto table state since info\nuplink BGP --- up 2026-11-20 09:11:12 Established\n  BGP state: Established\n    Neighbor address: 10.64.0.1%eno1\n";
        assert_eq!(peers(&read_at(&FORMAT, "x", text)), ["node-a · 10.64.0.1 · unknown · up · 2026-11-20 09:11:12 · Established"]);
    }

    #[test]
    fn an_error_of_the_daemon_leaves_the_list_open() {
        let out = read_at(&FORMAT, "x", &FORMAT.samples[1].replace("0000", "9001"));
        assert_eq!(out.tally.lines, out.tally.understood);
        assert_eq!(out.collected[0].incomplete.as_deref(), Some("BIRD answered with an error"));
    }

    #[test]
    fn every_sample_with_a_header_is_read() {
        for file in samples_in("network/bird").iter().filter(|it| it.contains("show_protocols")) {
            let Some(text) = sample(file) else { return };
            let well = text.lines().any(is_header);
            assert_eq!(sniff_certainty(&FORMAT, "x", &text) >= Certainty::Likely, well, "{file}");
            let out = read_at(&FORMAT, "x", &text);
            assert_eq!(peers(&out).len(), if well { text.lines().filter(|it| row(it).is_some_and(|it| it.proto == "BGP")).count() } else { 0 }, "{file}");
            assert!(facts(&out, "bgp.peer").all(|it| it.get("peer").is_some()), "{file}");
        }
        assert_eq!(sniff_certainty(&FORMAT, "x", "name proto\n"), Certainty::No);
    }
}
