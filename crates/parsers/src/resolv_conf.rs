//! `resolv.conf`, `resolvectl status`: the nameservers a node asks.
//!
//! ```text
//! search example.net
//! nameserver 10.225.30.181
//! options timeout:1 attempts:2
//!          DNS Servers: 10.225.30.181
//!                       10.225.30.182
//! ```
//!
//! One row a nameserver. Skipped: search lists and options. Units: none. Time: none.
//!
//! Source: `man 5 resolv.conf`.

use std::net::IpAddr;

use timeline::{Collected, Fact, MemberRecords, Record, Row, Stamp, relation};

use crate::host_lines::host_lines;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "resolv-conf",
    produced_by: "cat /etc/resolv.conf, resolvectl status, systemd-resolve --status",
    samples: &[
        "search example.net\nnameserver 10.225.30.181\noptions timeout:1 attempts:2\n",
        "Global\n       LLMNR setting: no\n\nLink 2 (ens3)\n      Current Scopes: DNS\n         DNS Servers: 10.225.30.181\n                      10.225.30.182\n          DNS Domain: example.net\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if is_status(sniff.text) {
        return Certainty::Sure;
    }
    let known = sniff.share(60, |it| directive(it) || it.trim_start().starts_with(['#', ';']));
    let servers = sniff.text.lines().any(|it| nameserver(it).is_some());
    let directives = sniff.text.lines().any(directive);
    match sniff.file_name().contains("resolv") {
        _ if known < 0.95 => Certainty::No,
        true if servers || directives => Certainty::Sure,
        false if servers => Certainty::Likely,
        _ => Certainty::No,
    }
}

/// Whether it is what systemd-resolved says of itself.
fn is_status(text: &str) -> bool {
    let first = text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default().trim_end();
    let link = |it: &str| it.starts_with("Link ") && it.ends_with(')') && it.contains(" (");
    (first == "Global" || link(first)) && text.lines().take(200).any(link) && ["DNS Servers:", "Current Scopes:"].iter().any(|it| text.contains(it))
}

/// `resolvectl status`: servers stand below one another, each link of the node has its own.
fn status(input: &Input<'_>, out: &mut MemberRecords) {
    let mut below = false;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        out.tally.understood += 1;
        let (key, value) = match line.text.split_once(": ") {
            Some((key, value)) => (key.trim(), value.trim()),
            None => ("", line.text.trim()),
        };
        below = key == "DNS Servers" || below && key.is_empty();
        // `10.0.0.2#dns.example.net`, `fe80::1%2`
        let address = value.split(['#', '%']).next().and_then(|it| it.parse::<IpAddr>().ok());
        if let (true, Some(address)) = (below, address) {
            let row = Row::new(&relation::NAMESERVER).with("address", address).with("path", "systemd-resolved");
            let fact = Fact::new(row, input.origin.node.clone(), input.origin.quote(&line));
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
    }
}

fn directive(line: &str) -> bool {
    let first = line.split_ascii_whitespace().next().unwrap_or_default();
    matches!(first, "nameserver" | "search" | "domain" | "options" | "sortlist")
}

/// `nameserver 10.225.30.181`
fn nameserver(line: &str) -> Option<IpAddr> {
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|it| *it == "nameserver")?;
    words.next()?.split('%').next()?.parse().ok()
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    if is_status(input.text) {
        status(input, out);
        collected(input, out);
        return;
    }
    let path = input.origin.path.to_ascii_lowercase();
    // systemd keeps three: the stub, and what the links brought
    let which = ["stub-resolv", "systemd/resolve/resolv", "resolvconf/resolv.conf.d/base"];
    let which = which.iter().find(|it| path.contains(**it)).copied().unwrap_or("resolv.conf");
    for of in host_lines(input) {
        out.tally.lines += 1;
        if let Some(address) = nameserver(of.line.text) {
            of.push(input, Row::new(&relation::NAMESERVER).with("address", address).with("path", which), out);
        } else if !of.prompt && !directive(of.line.text) && !of.line.text.trim_start().starts_with(['#', ';']) {
            out.tally.odd_bytes += of.line.text.len() as u64;
            continue;
        }
        out.tally.understood += 1;
    }
    collected(input, out);
}

fn collected(input: &Input<'_>, out: &mut MemberRecords) {
    let incomplete = input.truncated.then(|| "the file is cut".to_owned());
    let node = input.origin.node.clone();
    out.collected.push(Collected { relation: relation::NAMESERVER.name, node, incomplete, member: input.origin.member });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    #[test]
    fn nameservers_and_none() {
        let out = read_at(&FORMAT, "node-a/etc/resolv.conf", "# made by hand\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\n");
        let shown: Vec<String> = facts(&out, "nameserver").map(|it| it.get("address").to_string()).collect();
        assert_eq!(shown, ["10.0.0.2", "fe80::1"]);
        let status = crate::testing::rows_of(&FORMAT, "x", FORMAT.samples[1], "nameserver", ["address", "path"]);
        assert_eq!(status, ["10.225.30.181 systemd-resolved", "10.225.30.182 systemd-resolved"]);
        let none = read_at(&FORMAT, "resolv.conf", "search example.net\n");
        assert!(none.records.is_empty() && none.collected.len() == 1);
        assert_eq!(sniff_certainty(&FORMAT, "notes.txt", "options are few\nsearch for the cause\n"), Certainty::No);
    }
}
