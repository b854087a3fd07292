//! Sockets one by one: `ss -tanp`, `ss -tulpn`, `ss -tinm`, `netstat -tulpn`, `netstat -anp`.
//!
//! ```text
//! Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process
//! tcp   LISTEN 129    128          0.0.0.0:443        0.0.0.0:*    users:(("apiserver",pid=1734,fd=8))
//! tcp   ESTAB  0      0          10.0.0.5:443       10.0.0.9:41824
//! ```
//!
//! One row a socket that listens; of the others how many are in each state. Of a listening socket `recv_q` is how many
//! connections wait to be accepted and `send_q` how many may (`netstat` prints 0 there). Skipped: sockets of one machine
//! (unix, netlink), details of `-i`. Units: as said. Time: none.
//!
//! Source: iproute2's misc/ss.c, net-tools' netstat.c.

use std::collections::BTreeMap;

use timeline::{Fact, MemberRecords, Name, Quote, Record, Row, Stamp, relation};

use crate::host_lines::{Said, table_by_host};
use crate::state::{begins, is_number, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "sockets",
    produced_by: "ss -tanp, ss -tulpn, netstat -tulpn, netstat -anp",
    samples: &[
        concat!(
            "Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n",
            "tcp   LISTEN 129    128          0.0.0.0:443        0.0.0.0:*    users:((\"apiserver\",pid=1734,fd=8))\n",
            "tcp   CLOSE-WAIT 1  0          10.0.0.5:443       10.0.0.9:41824\n",
            "u_str ESTAB  0      0                 * 18171            * 18172\n"
        ),
        "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n",
        concat!(
            "Active Internet connections (only servers)\n",
            "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n",
            "tcp        0      0 127.0.0.1:10248         0.0.0.0:*               LISTEN      1734/kubelet\n",
            "udp        0      0 0.0.0.0:68              0.0.0.0:*                           812/dhclient\n"
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if !sniff.text.lines().take(6).any(|it| ss_header(it) || netstat_header(it)) {
        return Certainty::No;
    }
    let mut list = List::default();
    let lines: Vec<bool> =
        sniff.text.lines().filter(|it| !it.trim().is_empty()).take(200).map(|it| list.read(it).is_some()).collect();
    let good = lines.iter().filter(|it| **it).count();
    if good * 10 >= lines.len() * 8 { Certainty::Sure } else { Certainty::No }
}

/// `Netid State Recv-Q Send-Q Local Address:Port Peer Address:PortProcess`
fn ss_header(line: &str) -> bool {
    (begins(line, &["Netid"]) || begins(line, &["State", "Recv-Q"]) || begins(line, &["Recv-Q", "Send-Q"]))
        && line.contains("Recv-Q")
        && line.contains("Address:Port")
}

/// `Active Internet connections (servers and established)`, `Proto Recv-Q Send-Q Local Address …`
fn netstat_header(line: &str) -> bool {
    line.starts_with("Active Internet connections")
        || line.starts_with("Active UNIX domain sockets")
        || begins(line, &["Proto", "Recv-Q", "Send-Q", "Local"])
        || begins(line, &["Proto", "RefCnt", "Flags"])
}

/// What the header told of the rows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    #[default]
    Unknown,
    /// `ss`: whether it prints the kind and the state of a socket.
    Ss { netid: bool, state: bool },
    Netstat,
}

/// The table so far.
#[derive(Default)]
struct List {
    shape: Shape,
}

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
enum Item<'t> {
    Socket(Socket<'t>),
    /// A header, details, a socket inside the machine.
    Other,
}

#[derive(Debug, PartialEq, Eq)]
struct Socket<'t> {
    protocol: &'t str,
    state: String,
    recv_q: i64,
    send_q: i64,
    local: &'t str,
    program: Option<&'t str>,
    pid: Option<i64>,
}

impl List {
    fn read<'t>(&mut self, line: &'t str) -> Option<Item<'t>> {
        if ss_header(line) {
            self.shape = Shape::Ss { netid: begins(line, &["Netid"]), state: line.contains("State") };
            return Some(Item::Other);
        }
        if netstat_header(line) {
            self.shape = Shape::Netstat;
            return Some(Item::Other);
        }
        match self.shape {
            Shape::Unknown => None,
            // what `-i` and `-m` tell of the socket above
            Shape::Ss { .. } if line.starts_with(['\t', ' ']) => Some(Item::Other),
            Shape::Ss { netid, state } => ss(line, netid, state),
            Shape::Netstat => netstat(line),
        }
    }
}

/// `tcp   LISTEN 129 128 0.0.0.0:443 0.0.0.0:* users:(("apiserver",pid=1734,fd=8))`
fn ss(line: &str, netid: bool, state: bool) -> Option<Item<'_>> {
    let mut cells = words(line);
    let protocol = if netid { cells.next()? } else { "tcp" };
    let inside = matches!(protocol, "u_str" | "u_dgr" | "u_seq" | "nl" | "p_raw" | "p_dgr" | "v_str" | "v_dgr" | "xdp" | "tipc" | "ti_st");
    let state = if state { cells.next()? } else { "ESTAB" };
    let (recv_q, send_q) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
    let local = cells.next()?;
    let peer = cells.next()?;
    if inside || !local.contains(':') || !peer.contains(':') {
        return Some(Item::Other);
    }
    let process = line.split_once("users:((\"").map(|it| it.1);
    let program = process.and_then(|it| it.split('"').next());
    let pid = process.and_then(|it| it.split_once("pid=")?.1.split(',').next()?.parse().ok());
    let state = state.to_ascii_lowercase();
    Some(Item::Socket(Socket { protocol, state, recv_q, send_q, local, program, pid }))
}

/// `tcp        0      0 127.0.0.1:10248         0.0.0.0:*               LISTEN      1734/kubelet`
fn netstat(line: &str) -> Option<Item<'_>> {
    let mut cells = words(line);
    let protocol = cells.next()?;
    if !["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "sctp", "unix"].contains(&protocol) {
        return None;
    }
    let queues = (cells.next().filter(|it| is_number(it))?, cells.next()?);
    if protocol == "unix" {
        return Some(Item::Other);
    }
    let (recv_q, send_q) = (queues.0.parse().ok()?, queues.1.parse().ok()?);
    let local = cells.next()?;
    let _peer = cells.next()?;
    let rest: Vec<&str> = cells.collect();
    let named = rest.first().filter(|it| it.len() > 3 && it.bytes().all(|it| it.is_ascii_uppercase() || b"_12".contains(&it)));
    // the states of `ss`
    let state = match named.copied() {
        Some("ESTABLISHED") => "estab".to_owned(),
        Some(other) => other.to_ascii_lowercase().replace('_', "-"),
        None => "unconn".to_owned(),
    };
    let process = rest.iter().find_map(|it| it.split_once('/').filter(|(pid, _)| is_number(pid)));
    let (program, pid) = (process.map(|it| it.1), process.and_then(|it| it.0.parse().ok()));
    Some(Item::Socket(Socket { protocol, state, recv_q, send_q, local, program, pid }))
}

/// How many sockets are in a state, with the first of them.
struct Count {
    sockets: i64,
    first: Quote,
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut list = List::default();
    let mut counts: BTreeMap<(Option<Name>, String), Count> = BTreeMap::new();
    let listening = |it: &str| matches!(it, "listen" | "unconn");
    let head = |it: &str| it.contains("only servers") || it.contains("servers and established");
    let mut asked = input.text.lines().take(4).any(head);
    let mut probe = List::default();
    for line in input.text.lines() {
        asked |= matches!(probe.read(line), Some(Item::Socket(it)) if listening(&it.state));
    }
    let missing = (!asked).then(|| "no listening socket is in the list".to_owned());
    table_by_host(input, &relation::SOCKET, missing, out, |of| {
        let socket = match list.read(of.line.text) {
            Some(Item::Socket(it)) => it,
            Some(Item::Other) => return Said::Known,
            None => return Said::Nothing,
        };
        let family = socket.protocol.trim_end_matches('6');
        let key = format!("{family}.{}", socket.state);
        let new = || Count { sockets: 0, first: of.quote(input) };
        counts.entry((of.node.clone(), key)).or_insert_with(new).sockets += 1;
        if !listening(&socket.state) {
            return Said::Known;
        }
        let (address, port) = socket.local.rsplit_once(':').unwrap_or((socket.local, ""));
        let row = Row::new(&relation::SOCKET)
            .with("protocol", family)
            .with("state", socket.state)
            .with("local", address.trim_matches(['[', ']']))
            .with("port", port.parse::<i64>().ok())
            .with("recv_q", socket.recv_q)
            .with("send_q", socket.send_q)
            .with("program", socket.program)
            .with("pid", socket.pid);
        Said::Row(row)
    });
    for ((node, key), count) in counts {
        let row = Row::new(&relation::NET_COUNTER).with("source", "socket-list").with("key", key).with("value", count.sockets);
        out.records.push(Record::Fact(Box::new(Fact::new(row, node, count.first)), Stamp::None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, shown, sniff_certainty};

    fn rows(out: &MemberRecords) -> Vec<String> {
        let columns = ["protocol", "state", "local", "port", "recv_q", "send_q", "program", "pid"];
        shown(out, "socket", columns)
    }

    fn counts(out: &MemberRecords) -> Vec<String> {
        facts(out, "net.counter").map(|it| format!("{} {}", it.get("key"), it.get("value"))).collect()
    }

    #[test]
    fn who_listens_and_how_many_hang() {
        let out = read_at(&FORMAT, "x", FORMAT.samples[0]);
        assert_eq!(rows(&out), ["tcp listen 0.0.0.0 443 129 128 apiserver 1734"]);
        assert_eq!(counts(&out), ["tcp.close-wait 1", "tcp.listen 1"]);
        assert_eq!(out.collected[0].incomplete, None);
        let out = read_at(&FORMAT, "x", FORMAT.samples[2]);
        assert_eq!(rows(&out), ["tcp listen 127.0.0.1 10248 0 0 kubelet 1734", "udp unconn 0.0.0.0 68 0 0 dhclient 812"]);
        let v6 = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\ntcp LISTEN 0 128 [::]:22 [::]:*\ntcp ESTAB 0 0 [fe80::1%eth0]:22 [fe80::2]:5022\n\t cubic wscale:7,7 rto:204\n";
        let out = read_at(&FORMAT, "x", v6);
        assert_eq!((rows(&out), out.tally.lines), (vec!["tcp listen :: 22 0 128 unknown unknown".to_owned()], out.tally.understood));
        // an empty answer says nothing of who listens
        assert!(read_at(&FORMAT, "x", FORMAT.samples[1]).collected.iter().all(|it| it.incomplete.is_some()));
        for text in ["State of the nodes\nall up\n", "Proto Recv\ntcp is a protocol\n", "Netid\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_lists() {
        for (name, sockets) in [
            ("centos-7.7__ss-sudo-a.out", 8),
            ("ubuntu-18.04__ss-sudo-tulpen.out", 10),
            ("centos-7.7__netstat-sudo-lnp.out", 5),
            ("ubuntu-18.04__netstat-sudo-lnp.out", 5),
        ] {
            let Some(text) = sample(&format!("network/jc/{name}")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
            let out = read_at(&FORMAT, name, &text);
            assert_eq!(out.tally.lines, out.tally.understood, "{name}");
            assert!(rows(&out).len() >= sockets, "{name}: {}", rows(&out).len());
        }
        for name in ["ss_-tanp.txt", "ss_-tulpn.txt", "ss_-anx.txt", "ss_-tinm.txt"] {
            let Some(text) = sample(&format!("network/netstate/{name}")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
        }
    }
}
