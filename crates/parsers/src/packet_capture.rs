//! The text of `tcpdump` and `tshark`-like tools that print as it does: packets with their times.
//!
//! ```text
//! tcpdump: listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes
//! 22:09:02.123456 IP 10.0.0.5.443 > 10.0.0.9.41824: Flags [R.], seq 0, ack 1, win 0, length 0
//! 2023-07-23 22:09:02.123456 eth0  In  IP 10.0.0.1 > 10.0.0.5: ICMP 10.0.0.9 unreachable - need to frag (mtu 1450), length 556
//! ```
//!
//! One row a file: how many packets, from when to when as printed, how many resets, unreachables and demands for smaller
//! packets, ARP requests and replies. Skipped: what the packets say. Units: packets. Time: that of the first packet where a
//! date is printed; a clock alone (the default of tcpdump) is kept as text.
//!
//! Source: `man 8 tcpdump`; tcpdump's util-print.c and print-ip.c.

use timeline::{Fact, MemberRecords, Quote, Record, Row, Stamp, relation};

use crate::log::stamp;
use crate::state::count_lines;
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "packet-capture",
    produced_by: "tcpdump, printed as text",
    samples: &[
        concat!(
            "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n",
            "listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n",
            "22:09:02.123456 IP 10.0.0.5.443 > 10.0.0.9.41824: Flags [R.], seq 0, ack 1, win 0, length 0\n",
            "22:09:02.223456 ARP, Request who-has 10.0.0.1 tell 10.0.0.5, length 28\n",
            "2 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n",
        ),
        "2023-07-23 22:09:02.123456 eth0  In  IP 10.0.0.1 > 10.0.0.5: ICMP 10.0.0.9 unreachable - need to frag (mtu 1450), length 556\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let packets = sniff.text.lines().take(300).filter(|it| packet(it).is_some()).count();
    let share = sniff.share(300, |it| packet(it).is_some() || around(it) || is_detail(it));
    if packets > 0 && share >= 0.8 { Certainty::Sure } else { Certainty::No }
}

/// The stamp as printed, its meaning where it has a date, and what follows it from the protocol on.
fn packet(line: &str) -> Option<(&str, Stamp, &str)> {
    let bytes = line.as_bytes();
    if !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let (at, len) = match stamp::dated(bytes) {
        Some(found) => found,
        None => match bytes.get(2) {
            Some(b':') => (Stamp::None, stamp::clock(bytes)?.2),
            _ => stamp::epoch(bytes)?,
        },
    };
    let rest = line.get(len..)?.strip_prefix(' ')?;
    let is_protocol = |it: &str| matches!(it, "IP" | "IP6" | "ARP" | "ARP," | "ethertype" | "LLDP," | "STP" | "802.1Q");
    let mut words = rest.split_ascii_whitespace();
    let first = words.next()?;
    if is_protocol(first) {
        return Some((&line[..len], at, rest));
    }
    // of all interfaces: `eth0  In  IP …`; with -e: `02:42:ac:11:00:02 > 02:42:…, ethertype IPv4 …`
    let direction = words.next()?;
    let through = matches!(direction, "In" | "Out" | "B" | "M" | "P") && words.next().is_some_and(is_protocol);
    let framed = direction == ">" && first.len() == 17 && rest.contains("ethertype ");
    (through || framed).then_some((&line[..len], at, rest))
}

/// What `-v` and `-x` print of the packet above.
fn is_detail(line: &str) -> bool {
    line.starts_with(['\t', ' '])
}

/// What stands before and after the packets.
fn around(line: &str) -> bool {
    line.starts_with("tcpdump: ")
        || line.starts_with("listening on ")
        || line.starts_with("reading from ")
        || line.starts_with("dropped privs to ")
        || line.contains(" packets captured")
        || line.contains(" packet captured")
        || line.contains(" received by filter")
        || line.contains(" dropped by kernel")
        || line.contains(" dropped by interface")
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    Box::new(Capture { origin: origin.clone(), packets: 0, counts: [0; KINDS.len()], first: None, last: String::new(), quotes: Vec::new() })
}

/// Whether a packet is of a kind, by its text behind the stamp.
type IsKind = fn(&str) -> bool;

/// What is counted, and how a packet shows it.
const KINDS: [(&str, IsKind); 5] = [
    ("resets", |it| it.contains("Flags [R")),
    ("unreachable", |it| it.contains("unreachable")),
    ("too_big", |it| it.contains("need to frag") || it.contains("packet too big")),
    ("arp_requests", |it| it.contains("Request who-has ")),
    ("arp_replies", |it| it.contains("Reply ") && it.contains(" is-at ")),
];

struct Capture {
    origin: Origin,
    packets: i64,
    counts: [i64; KINDS.len()],
    /// The first stamp, as printed and as meant.
    first: Option<(String, Stamp)>,
    last: String,
    /// The first packet, and the first of each kind.
    quotes: Vec<Quote>,
}

impl Capture {
    fn line(&mut self, line: &Line<'_>) -> bool {
        let Some((printed, at, rest)) = packet(line.text) else {
            // before any packet an indented line is anybody's
            return around(line.text) || self.packets > 0 && is_detail(line.text);
        };
        self.packets += 1;
        let mut worth = self.first.is_none();
        for (count, (_, is)) in self.counts.iter_mut().zip(KINDS) {
            if is(rest) {
                worth |= *count == 0;
                *count += 1;
            }
        }
        if worth {
            self.quotes.push(self.origin.quote(line));
        }
        self.first.get_or_insert_with(|| (printed.to_owned(), at));
        self.last.clear();
        self.last.push_str(printed);
        true
    }
}

impl Reader for Capture {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        count_lines(chunk, out, |line| self.line(line));
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        let Some((first, at)) = self.first.take() else { return };
        let row = Row::new(&relation::PACKET_CAPTURE).with("packets", self.packets).with("first", first).with("last", self.last.as_str());
        let row = KINDS.iter().zip(self.counts).fold(row, |row, ((name, _), count)| row.with(name, count));
        let mut fact = Fact::new(row, self.origin.node.clone(), self.quotes.remove(0));
        fact.quotes.append(&mut self.quotes);
        out.records.push(Record::Fact(Box::new(fact), at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    #[test]
    fn packets_are_counted() {
        let columns = ["packets", "first", "last", "resets", "unreachable", "too_big", "arp_requests"];
        let shown = |text: &str| -> String {
            let out = read_at(&FORMAT, "x", text);
            assert_eq!(out.tally.lines, out.tally.understood, "{text}");
            let fact = facts(&out, "packet.capture").next().expect("a capture");
            columns.map(|column| fact.get(column).to_string()).join(" ")
        };
        assert_eq!(shown(FORMAT.samples[0]), "2 22:09:02.123456 22:09:02.223456 1 0 0 1");
        assert_eq!(shown(FORMAT.samples[1]), "1 2023-07-23 22:09:02.123456 2023-07-23 22:09:02.123456 0 1 1 0");
        let epoch = "1690150142.123456 IP6 fe80::1 > ff02::1: ICMP6, router advertisement, length 56\n\t0x0000:  6000 0000\n";
        assert_eq!(shown(epoch), "1 1690150142.123456 1690150142.123456 0 0 0 0");
        let framed = "22:09:02.123456 02:42:ac:11:00:02 > 02:42:ac:11:00:03, ethertype IPv4 (0x0800), length 74: 10.0.0.5.1 > 10.0.0.9.2: Flags [S]\n";
        assert_eq!(sniff_certainty(&FORMAT, "x", framed), Certainty::Sure);
        for text in ["22:09:02.123456 IP\nthe rest\nof it\n", "22:09 IP was taken\n", "2023-07-23 22:09:02 ARPA\n"] {
            assert_ne!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        }
    }
}
