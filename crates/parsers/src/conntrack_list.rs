//! `conntrack -L`, `/proc/net/nf_conntrack`: the connections a node tracks.
//!
//! ```text
//! tcp      6 86399 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=44556 dport=6443 src=10.0.0.2 dst=10.0.0.1 sport=6443 dport=44556 [ASSURED] mark=0 use=1
//! ipv4     2 udp      17 29 src=10.0.0.1 dst=10.96.0.10 sport=5353 dport=53 [UNREPLIED] src=10.244.0.2 dst=10.0.0.1 sport=53 dport=5353 mark=0 use=2
//! conntrack v1.4.5 (conntrack-tools): 2 flow entries have been shown.
//! ```
//!
//! Counted: how many there are, by protocol and state; of UDP those that nobody answered. Skipped: who talks to whom. Units and
//! time: none, true when collected.
//!
//! Source: `nfct_snprintf` in libnetfilter_conntrack, net/netfilter/nf_conntrack_standalone.c of Linux.

use std::collections::BTreeMap;

use timeline::{Fact, MemberRecords, Quote, Record, Row, Stamp, Time, relation};

use crate::state::{count_lines, words};
use crate::{Certainty, Chunk, Format, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "conntrack-list",
    produced_by: "conntrack -L, cat /proc/net/nf_conntrack",
    samples: &[
        concat!(
            "tcp      6 86399 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=44556 dport=6443 src=10.0.0.2 dst=10.0.0.1 sport=6443 dport=44556 [ASSURED] mark=0 use=1\n",
            "udp      17 29 src=10.0.0.1 dst=10.96.0.10 sport=5353 dport=53 [UNREPLIED] src=10.244.0.2 dst=10.0.0.1 sport=53 dport=5353 mark=0 use=1\n",
            "conntrack v1.4.5 (conntrack-tools): 2 flow entries have been shown.\n",
        ),
        "ipv4     2 tcp      6 117 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=44557 dport=6443 src=10.0.0.2 dst=10.0.0.1 sport=6443 dport=44557 [ASSURED] mark=0 zone=0 use=2\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

/// `tcp … ESTABLISHED`, `udp … UNREPLIED`: the key it is counted under
fn flow(line: &str) -> Option<String> {
    let mut cells = words(line).peekable();
    if cells.next_if(|it| matches!(*it, "ipv4" | "ipv6")).is_some() {
        cells.next().filter(|it| matches!(*it, "2" | "10"))?;
    }
    let protocol = cells.next().filter(|it| it.bytes().all(|it| it.is_ascii_alphanumeric()))?;
    let number = cells.next()?.parse::<u8>().ok()?;
    if !line.contains(" src=") || !line.contains(" dst=") {
        return None;
    }
    // a flow that was handed to hardware has no seconds
    cells.next_if(|it| it.parse::<u64>().is_ok());
    let state = cells.peek().copied().filter(|it| it.bytes().all(|it| it.is_ascii_uppercase() || it == b'_' || it.is_ascii_digit()));
    let state = state.or_else(|| line.contains("[UNREPLIED]").then_some("UNREPLIED"));
    Some(match (protocol, state) {
        ("unknown", _) => format!("protocol-{number}"),
        (it, Some(state)) => format!("{it}.{state}"),
        (it, None) => it.to_owned(),
    })
}

/// `conntrack v1.4.5 (conntrack-tools): 2 flow entries have been shown.`
fn sum(line: &str) -> bool {
    line.starts_with("conntrack v") && line.contains(" flow entries have been shown")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let any = sniff.text.lines().take(50).any(|it| flow(it).is_some());
    if any && sniff.share(200, |it| flow(it).is_some() || sum(it)) >= 0.9 { Certainty::Sure } else { Certainty::No }
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    Box::new(ConntrackList { origin: origin.clone(), counts: BTreeMap::new(), all: 0, first: None })
}

/// Different kinds of flows; more are no list of the kernel.
const MOST_KINDS: usize = 200;

struct ConntrackList {
    origin: Origin,
    counts: BTreeMap<String, (i64, Quote)>,
    all: i64,
    first: Option<Quote>,
}

impl Reader for ConntrackList {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        count_lines(chunk, out, |line| {
            let Some(key) = flow(line.text) else { return sum(line.text) };
            self.all += 1;
            if self.first.is_none() {
                self.first = Some(self.origin.quote(line));
            }
            if let Some((count, _)) = self.counts.get_mut(&key) {
                *count += 1;
            } else if self.counts.len() < MOST_KINDS {
                self.counts.insert(key, (1, self.origin.quote(line)));
            }
            true
        });
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        let all = self.first.take().map(|it| ("entries".to_owned(), (self.all, it)));
        for (key, (count, quote)) in all.into_iter().chain(std::mem::take(&mut self.counts)) {
            let row = Row::new(&relation::NET_COUNTER).with("source", "conntrack-list").with("key", key).with("value", count);
            let fact = Fact { row, node: self.origin.node.clone(), at: Time::UNKNOWN, quotes: vec![quote] };
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    #[test]
    fn flows_are_counted() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "net.counter", ["source", "key", "value"]);
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["conntrack-list entries 2", "conntrack-list tcp.ESTABLISHED 1", "conntrack-list udp.UNREPLIED 1"]
        );
        assert_eq!(rows(FORMAT.samples[1]), ["conntrack-list entries 1", "conntrack-list tcp.TIME_WAIT 1"]);
        let two = "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=0 use=1\nunknown  4 549 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 mark=0 use=1\n";
        assert_eq!(rows(two), ["conntrack-list entries 2", "conntrack-list icmp 1", "conntrack-list protocol-4 1"]);
        for text in ["tcp 6 is a number\n", "cpu=0 found=0 invalid=123 insert=0\n", "tcp LISTEN 0 128 0.0.0.0:443\n", "a src= dst=\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
