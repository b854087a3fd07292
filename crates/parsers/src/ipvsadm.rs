//! `ipvsadm -ln`: the services of IPVS and the servers behind them.
//!
//! ```text
//! TCP  172.16.255.241:80 rr
//!   -> 172.16.8.106:80              Masq    0      5          14048
//! ```
//!
//! One row a real server, with its service. Skipped: schedulers, flags, rates. Units: connections. Time: none.
//!
//! Source: `print_service_entry` in ipvsadm.

use timeline::{MemberRecords, Row, relation};

use crate::host_lines::{Said, table};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ipvsadm",
    produced_by: "ipvsadm -ln",
    samples: &[
        "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\nTCP  172.16.255.241:80 rr\n  -> 172.16.8.106:80              Masq    0      5          14048\n  -> 172.16.8.107:80              Masq    1      2          243\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let header = sniff.text.lines().take(6).any(header);
    if header && sniff.share(200, |it| header_line(it) || service(it).is_some() || server(it).is_some()) >= 0.6 {
        Certainty::Sure
    } else {
        Certainty::No
    }
}

fn header(line: &str) -> bool {
    line.contains("-> RemoteAddress:Port") || line.starts_with("IP Virtual Server version")
}

fn header_line(line: &str) -> bool {
    header(line) || line.starts_with("Prot LocalAddress:Port")
}

/// `TCP  172.16.255.241:80 rr`
fn service(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_ascii_whitespace();
    let protocol = words.next().filter(|it| matches!(*it, "TCP" | "UDP" | "SCTP" | "FWM"))?;
    Some((protocol, words.next()?))
}

/// `  -> 172.16.8.106:80              Masq    0      5          14048`
fn server(line: &str) -> Option<(&str, [i64; 3])> {
    let mut words = line.trim_start().strip_prefix("-> ")?.split_ascii_whitespace();
    let server = words.next()?;
    words.next().filter(|it| matches!(*it, "Masq" | "Route" | "Tunnel" | "Local"))?;
    let mut number = || words.next()?.parse::<i64>().ok();
    Some((server, [number()?, number()?, number()?]))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    // `ipvsadm -ln -t 172.16.255.241:80` shows one service
    let one = |it: &str| it.contains("ipvsadm") && (it.contains(" -t ") || it.contains(" -u "));
    let missing = input.text.lines().take(3).any(one).then(|| "one service only".to_owned());
    let mut of_service: Option<(&str, &str)> = None;
    table(input, &relation::IPVS_SERVER, missing, out, |line| {
        if let Some(it) = service(line) {
            of_service = Some(it);
            return Said::Known;
        }
        let Some((address, [weight, active, inactive])) = server(line) else {
            return if header_line(line) { Said::Known } else { Said::Nothing };
        };
        let row = Row::new(&relation::IPVS_SERVER)
            .with("service", of_service.map(|it| it.1))
            .with("protocol", of_service.map(|it| it.0))
            .with("server", address)
            .with("weight", weight)
            .with("active", active)
            .with("inactive", inactive);
        Said::Row(row)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, shown};

    #[test]
    fn servers_with_their_service() {
        let prompted = "root@n1:~# ipvsadm -ln -t 172.16.255.241:80\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\nTCP  172.16.255.241:80 rr\n  -> 172.16.8.106:80              Masq    0      5          14048\n";
        let out = read_at(&FORMAT, "x", prompted);
        let columns = ["node", "service", "server", "weight", "active", "inactive"];
        let rows: Vec<String> = shown(&out, "ipvs.server", columns);
        assert_eq!(rows, ["n1 172.16.255.241:80 172.16.8.106:80 0 5 14048"]);
        assert_eq!(out.collected[0].incomplete.as_deref(), Some("one service only"));
        assert_eq!(out.tally.lines, out.tally.understood);
    }
}
