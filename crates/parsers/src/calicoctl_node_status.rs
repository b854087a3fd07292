//! `calicoctl node status`: the BGP sessions of a node.
//!
//! ```text
//! Calico process is running.
//!
//! IPv4 BGP status
//! +-----------------+-------------------+-------+----------+----------------------------+
//! |  PEER ADDRESS   |     PEER TYPE     | STATE |  SINCE   |            INFO            |
//! +-----------------+-------------------+-------+----------+----------------------------+
//! | 192.168.250.111 | node-to-node mesh | up    | 21:39:05 | Established                |
//! | 192.168.240.111 | node-to-node mesh | start | 19:54:35 | Connect Socket: Connection |
//! |                 |                   |       |          | reset by peer              |
//! +-----------------+-------------------+-------+----------+----------------------------+
//! ```
//!
//! A prompt names the node. Where BIRD could not be asked, the list of peers is not empty but unknown.
//! Skipped: nothing. Units: none. Time: `SINCE` is kept as printed, a time of today or a date.
//!
//! Source: `calicoctl/calicoctl/commands/node/status.go` in projectcalico/calico.

use std::net::IpAddr;
use std::ops::Range;

use timeline::{Collected, Fact, MemberRecords, Name, Record, Row, Stamp, relation};

use crate::ascii_table::{Table, explained, tables};
use crate::ip_route::by_prompt;
use crate::paste;
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "calicoctl-node-status",
    produced_by: "calicoctl node status",
    samples: &[
        "Calico process is running.\n\nIPv4 BGP status\n+-----------------+-------------------+-------+----------+----------------------------+\n|  PEER ADDRESS   |     PEER TYPE     | STATE |  SINCE   |            INFO            |\n+-----------------+-------------------+-------+----------+----------------------------+\n| 192.168.250.111 | node-to-node mesh | up    | 21:39:05 | Established                |\n| 192.168.240.111 | node-to-node mesh | start | 19:54:35 | Connect Socket: Connection |\n|                 |                   |       |          | reset by peer              |\n+-----------------+-------------------+-------+----------+----------------------------+\n\nIPv6 BGP status\nNo IPv6 peers found.\n\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

const HEADERS: &[&[&str]] = &[&["PEER ADDRESS", "PEER TYPE", "STATE", "SINCE", "INFO"]];

/// Lines around the tables.
const REMARKS: [&str; 8] = [
    "Calico process is running.",
    "Calico process is not running.",
    "IPv4 BGP status",
    "IPv6 BGP status",
    "No IPv4 peers found.",
    "No IPv6 peers found.",
    "calicoctl node status",
    "calico-node -bird-ready",
];

/// What is printed where the peers could not be listed.
const FAILURES: [&str; 4] = [
    "Error querying BIRD",
    "BIRDv4 process: 'bird' is not running",
    "The BGP backend process (BIRD) is not running",
    "Calico process is not running",
];

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let begins = sniff.text.lines().find(|it| !it.trim().is_empty()).is_some_and(|it| it.starts_with("Calico process is "));
    if begins {
        return Certainty::Sure;
    }
    let found = tables(sniff.text, HEADERS);
    let inside: usize = found.iter().map(|it| it.range.len()).sum();
    match () {
        () if found.is_empty() => Certainty::No,
        () if inside * 2 >= sniff.text.trim().len() => Certainty::Sure,
        () => Certainty::Likely,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let found = read_tables(input, out);
    let mut inside = explained(&found);
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        if inside(&line) || REMARKS.iter().chain(&FAILURES).any(|it| line.text.contains(it)) {
            out.tally.understood += 1;
        } else {
            out.tally.odd_bytes += line.text.len() as u64;
        }
    }
    paste::others(input, FORMAT.name, out);
}

/// Reads the tables wherever they stand, by the hosts of the prompts before them.
pub(crate) fn read_tables(input: &Input<'_>, out: &mut MemberRecords) -> Vec<Table> {
    let found = tables(input.text, HEADERS);
    let mut places = Places::of(input);
    let mut rest = &found[..];
    for (node, range) in by_prompt(input) {
        let (mine, later) = rest.split_at(rest.partition_point(|it| it.range.start < range.end));
        rest = later;
        section(input, node, range, mine, &mut places, out);
    }
    found
}

fn section<'t>(
    input: &Input<'t>,
    node: Option<Name>,
    range: Range<usize>,
    found: &[Table],
    places: &mut Places<'t>,
    out: &mut MemberRecords,
) {
    let member = input.origin.member;
    let text = &input.text[range];
    let failed = FAILURES.iter().find_map(|it| text.find(it)).map(|at| {
        let line = text[at..].lines().next().unwrap_or_default();
        &line[..line.char_indices().nth(160).map_or(line.len(), |(end, _)| end)]
    });
    if found.is_empty() && failed.is_none() && !REMARKS[..6].iter().any(|it| text.contains(it)) {
        return;
    }
    for table in found {
        for row in &table.rows {
            let quoted = &input.text[row.range.clone()];
            let Ok(peer) = row.cells[0].parse::<IpAddr>() else {
                let line = places.line(quoted);
                out.issue(member, line, format!("no BGP peer: {}", row.cells[0].chars().take(60).collect::<String>()));
                continue;
            };
            let word = |at: usize| Some(row.cells[at].as_str()).filter(|it| !it.is_empty());
            let row = Row::new(&relation::BGP_PEER)
                .with("peer", peer)
                .with("kind", word(1))
                .with("state", word(2))
                .with("since", word(3))
                .with("info", word(4));
            let fact = Fact::new(row, node.clone(), places.quote(quoted));
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
    }
    if let Some(failed) = failed {
        let line = places.line(failed);
        out.issue(member, line, format!("the peers could not be listed: {failed}"));
    }
    let cut = input.truncated || found.iter().any(|it| !it.whole);
    let incomplete = failed.map(ToOwned::to_owned).or_else(|| cut.then(|| "the table is cut or elided".to_owned()));
    out.collected.push(Collected { relation: relation::BGP_PEER.name, node, incomplete, member });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn peers(out: &MemberRecords) -> Vec<String> {
        let shown = |it: &Fact| {
            let cells = ["node", "peer", "kind", "state", "since", "info"].map(|column| it.get(column).to_string());
            cells.join(" · ")
        };
        facts(out, "bgp.peer").map(shown).collect()
    }

    #[test]
    fn wrapped_cells_are_one() {
        let out = read_at(&FORMAT, "x", FORMAT.samples[0]);
        insta::assert_snapshot!(peers(&out).join("\n"), @r#"
    node-a · 192.168.250.111 · node-to-node mesh · up · 21:39:05 · Established
    node-a · 192.168.240.111 · node-to-node mesh · start · 19:54:35 · Connect Socket: Connection reset by peer
    "#);
        assert_eq!(out.tally.lines, out.tally.understood);
        assert_eq!(out.collected[0].incomplete, None);
        let joined = FORMAT.samples[0].split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(peers(&read_at(&FORMAT, "x", &joined)), peers(&out));
    }

    #[test]
    fn a_prompt_names_the_node() {
        let sample = FORMAT.samples[0];
        let text = format!("root@k1:~# calicoctl node status\n{sample}root@k2:~# sudo calicoctl node status\nCalico process is running.\n\nIPv4 BGP status\nNo IPv4 peers found.\n");
        let out = read_at(&FORMAT, "x", &text);
        assert!(peers(&out).len() == 2 && peers(&out).iter().all(|it| it.starts_with("k1 ")));
        let whose: Vec<_> = out.collected.iter().map(|it| (it.node.as_deref(), it.incomplete.is_none())).collect();
        assert_eq!(whose, [(Some("k1"), true), (Some("k2"), true)]);
    }

    #[test]
    fn unknown_is_not_none() {
        for text in [
            "Calico process is not running.\n",
            "Calico process is running.\n\nIPv4 BGP status\nError querying BIRD: unable to connect to BIRDv4 socket: dial unix /var/run/bird/bird.ctl: connect: no such file or directory",
            "Calico process is running.\n\nThe BGP backend process (BIRD) is not running.\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
            let out = read_at(&FORMAT, "x", text);
            assert!(out.collected[0].incomplete.is_some() && out.issues.len() == 1, "{text}");
        }
        let cut = read_at(&FORMAT, "x", &FORMAT.samples[0][..600]);
        assert!(cut.collected[0].incomplete.is_some());
    }

    #[test]
    fn every_sample_of_every_renderer() {
        let read = |name: &str| {
            let text = sample(&format!("network/{name}"))?;
            assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure, "{name}");
            let out = read_at(&FORMAT, "x", &text);
            assert!(out.issues.is_empty(), "{:?}", out.issues);
            Some(peers(&out))
        };
        let Some(wrapped) = read("calicoctl/node_status.tablewriter.txt") else { return };
        assert_eq!(wrapped.len(), 5);
        assert_eq!(read("calicoctl/node_status.gopretty.txt").as_ref(), Some(&wrapped));
        assert_eq!(read("calicoctl/node_status.tablewriter.oneline.txt").as_ref(), Some(&wrapped));
        assert!(read("issues/kubespray-6675.node_status.txt").is_some_and(|it| it.len() >= 3));
    }
}
