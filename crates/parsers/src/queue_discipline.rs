//! `tc -s qdisc`: what waits before it is sent, and what was thrown away there.
//!
//! ```text
//! qdisc fq_codel 0: dev ens3 root refcnt 2 limit 10240p flows 1024
//!  Sent 30406877 bytes 171821 pkt (dropped 17, overlimits 0 requeues 3)
//!  backlog 0b 0p requeues 3
//! ```
//!
//! One row a device and number: dropped, overlimits, requeues, of its root. Skipped: parameters, single queues. Units: packets. Time: none, since the
//! discipline was set up.
//!
//! Source: `print_qdisc` in iproute2's tc/tc_qdisc.c.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, first_line, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "queue-discipline",
    produced_by: "tc -s qdisc show",
    samples: &[concat!(
        "qdisc noqueue 0: dev lo root refcnt 2 \n Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0) \n backlog 0b 0p requeues 0\n",
        "qdisc fq_codel 0: dev ens3 root refcnt 2 limit 10240p flows 1024 quantum 8972 target 5.0ms interval 100.0ms memory_limit 32Mb ecn \n",
        " Sent 30406877 bytes 171821 pkt (dropped 17, overlimits 0 requeues 3) \n backlog 0b 0p requeues 3\n",
        "  maxpacket 4325 drop_overlimit 0 new_flow_count 355 ecn_mark 0\n  new_flows_len 0 old_flows_len 0\n",
    )],
    recognizes,
    reading: Reading::Whole(parse),
};

/// `qdisc fq_codel 0: dev ens3 root …`: the device
fn discipline(line: &str) -> Option<&str> {
    let mut words = words(line.strip_prefix("qdisc ")?);
    let (_, handle) = (words.next()?, words.next()?);
    (handle.ends_with(':') && words.next() == Some("dev")).then_some(())?;
    words.next()
}

/// ` Sent 30406877 bytes 171821 pkt (dropped 17, overlimits 0 requeues 3)`
fn sent(line: &str) -> Option<[(&'static str, i64); 3]> {
    let inside = line.trim().strip_prefix("Sent ")?.split_once('(')?.1.strip_suffix(')')?;
    let number = |key: &str| -> Option<i64> { inside.split_once(key)?.1.trim_start().split([',', ' ']).next()?.parse().ok() };
    Some([("dropped", number("dropped ")?), ("overlimits", number("overlimits ")?), ("requeues", number("requeues ")?)])
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let first = first_line(sniff.text).is_some_and(|it| discipline(it).is_some());
    let known = |line: &str| discipline(line).is_some() || line.starts_with(' ');
    if first && sniff.share(200, known) >= 0.95 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut dev: Option<&str> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(found) = discipline(line.text) {
            // the root of several queues prints what they add up to
            dev = Some(found).filter(|_| words(line.text).any(|it| it == "root"));
            return true;
        }
        if let (Some(dev), Some(numbers)) = (dev, sent(line.text)) {
            for (key, value) in numbers {
                let row = Row::new(&relation::NET_COUNTER).with("source", "qdisc").with("dev", dev);
                state.push(row.with("key", key).with("value", value), line);
            }
        }
        line.text.starts_with(' ')
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    #[test]
    fn what_was_thrown_away() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "net.counter", ["source", "dev", "key", "value"]);
        assert_eq!(
            rows(FORMAT.samples[0]),
            [
                "qdisc lo dropped 0", "qdisc lo overlimits 0", "qdisc lo requeues 0", "qdisc ens3 dropped 17",
                "qdisc ens3 overlimits 0", "qdisc ens3 requeues 3",
            ]
        );
        let queues = "qdisc mq 0: dev eno1 root \n Sent 9 bytes 3 pkt (dropped 5, overlimits 0 requeues 0) \nqdisc fq_codel 0: dev eno1 parent :2 limit 10240p \n Sent 9 bytes 3 pkt (dropped 4, overlimits 0 requeues 0) \n";
        assert_eq!(rows(queues)[0], "qdisc eno1 dropped 5");
        assert_eq!(rows(queues).len(), 3);
        for text in ["qdisc of the day\n", "qdisc a b: dev x\nfoo\nbar\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
