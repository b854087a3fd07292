//! `birdc show route`, `vtysh -c 'show ip route'`: the routes a routing daemon knows.
//!
//! ```text
//! 10.64.75.0/32        unicast [Mesh_10_64_16_55 00:05:00.249 from 10.64.16.55] * (100/?) [i]
//! 	via 10.64.0.1 on eno1 onlink
//! 192.168.82.0/26    via 172.17.0.4 on eth0 [Mesh_172_17_0_4 20:11:00] * (100/0) [i]
//! K>* 10.20.0.0/16 [0/0] via 192.168.10.1, eth0, 00:00:06
//! ```
//!
//! BIRD 1 and 2, also as raw answers of its socket, and FRR in text. A route the daemon has need not be one of the kernel:
//! `!` failed there. Of several next hops the first counts. Skipped: attributes of `all`, ages. Time: none.
//!
//! Source: BIRD's nest/rt-show.c, FRR's zebra/zebra_vty.c.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use regex::Regex;
use timeline::{MemberRecords, Row, relation};

use crate::expression::expression;
use crate::state::{State, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "rib-routes",
    produced_by: "birdc show route, birdcl show route, vtysh -c 'show ip route'",
    samples: &[
        "BIRD 2.0.12 ready.\nTable master4:\n0.0.0.0/0            unicast [kernel1 00:04:58.246] * (10)\n\tvia 10.64.0.1 on eno1 onlink\n10.64.75.0/26        blackhole [static1 00:04:58.245] * (200)\n",
        "BIRD v0.3.3+birdv1.6.8 ready.\n0.0.0.0/0          via 172.17.0.1 on eth0 [kernel1 20:10:57] * (10)\n192.168.82.0/26    via 172.17.0.4 on eth0 [Mesh_172_17_0_4 20:11:00] ! (100/0) [i]\n                   via 100.100.100.100 on em0 [Global_100_100_100_100 20:11:00] (100/?) [AS65001?]\n192.168.162.128/26 blackhole [static1 20:10:56] * (200)\n",
        "Codes: K - kernel route, C - connected, S - static, R - RIP,\n       > - selected route, * - FIB route, q - queued, r - rejected, b - backup\n\nK>* 10.20.0.0/16 [0/0] via 192.168.10.1, eth0, 00:00:06\nS>* 10.51.0.0/16 [1/0] unreachable (blackhole), weight 1, 00:00:03\nC>* 10.244.12.64/32 is directly connected, tunl0, 00:00:06\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// `10.64.75.0/26        blackhole [static1 00:04:58.245] * (200)`; the prefix may stand in the line above
fn bird(line: &str) -> Option<regex::Captures<'_>> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        expression(concat!(
            r"^(?:\d{4}[- ]| )?(?P<dst>[0-9a-f:.]+/\d+|\s+)\s*(?:(?P<kind>unicast|blackhole|unreachable|prohibit|multipath)|via (?P<via>\S+) on (?P<dev>\S+)(?: onlink)?|dev (?P<only>\S+))",
            r" \[(?P<protocol>\S+) \S+(?: from (?P<from>\S+))?\] ?(?P<mark>[*!]?) ?\((?P<preference>\d+)"
        ))
    });
    LINE.captures(line)
}

/// `K>* 10.20.0.0/16 [0/0] via 192.168.10.1, eth0, 00:00:06`
fn frr(line: &str) -> Option<regex::Captures<'_>> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        expression(concat!(
            r"^(?P<code>[A-Za-z])(?P<selected>[> ])(?P<fib>[*qrbto ])? ?(?P<dst>[0-9a-f:.]+/\d+) (?:from [0-9a-f:.]+/\d+ )?(?:\[\d+/\d+\] )?",
            r"(?:via (?P<via>[0-9a-f:.]+), (?P<dev>[^ ,]+)|is directly connected, (?P<only>[^ ,]+)|(?P<none>unreachable)(?: \((?P<how>[^)]+)\))?)"
        ))
    });
    let coded = matches!(line.as_bytes(), [code, b' ' | b'>', ..] if code.is_ascii_alphabetic());
    if coded { LINE.captures(line) } else { None }
}

/// What stands between the routes.
fn around(line: &str) -> bool {
    let bare = line.trim();
    bare.starts_with("BIRD ") && bare.ends_with("ready.")
        || bare.get(..4).is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit())) && (bare.len() == 4 || bare.contains("BIRD ") || bare.contains("Access restricted"))
        || bare.starts_with("Table ")
        || bare.starts_with("Access restricted")
        || line.starts_with(['\t', ' ']) && (bare.starts_with("via ") || bare.starts_with("dev ") || bare.starts_with("unreachable"))
        || (bare.contains(": ") || bare.ends_with(':')) && line.starts_with(['\t', ' '])
        || bare.starts_with("Type: ")
        || bare.starts_with("Codes: ") || line.starts_with("       ")
        || bare.starts_with("VRF ")
        || bare.starts_with("* ") && bare.contains("via ")
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let routes = sniff.text.lines().take(300).filter(|it| bird(it).is_some() || frr(it).is_some()).count();
    let marked = sniff.text.lines().take(3).any(|it| it.contains("BIRD ") || it.starts_with("Codes: K"));
    let share = sniff.share(300, |it| bird(it).is_some() || frr(it).is_some() || around(it));
    if routes > 0 && (marked || routes > 1) && share >= 0.8 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut last: Option<IpNet> = None;
    // a route of BIRD 2 without its next hop, which stands in the line below
    let mut open: Option<(Row, Line<'_>)> = None;
    state.each(|state, line| {
        if let Some(found) = bird(line.text) {
            if let Some((row, line)) = open.take() {
                state.push(row, &line);
            }
            let text = |name: &str| found.name(name).map(|it| it.as_str());
            let dst = text("dst").and_then(|it| it.trim().parse::<IpNet>().ok()).or(last);
            let Some(dst) = dst else { return false };
            last = Some(dst);
            let row = Row::new(&relation::RIB_ROUTE)
                .with("dst", dst)
                .with("type", text("kind").filter(|it| *it != "multipath").unwrap_or("unicast"))
                .with("via", text("via").and_then(|it| it.parse::<IpAddr>().ok()))
                .with("dev", text("dev").or(text("only")))
                .with("protocol", text("protocol"))
                .with("from", text("from").and_then(|it| it.parse::<IpAddr>().ok()))
                .with("selected", matches!(text("mark"), Some("*" | "!")))
                .with("installed", match text("mark") {
                    Some("!") => Some(false),
                    _ => None,
                })
                .with("daemon", "bird");
            open = Some((row, *line));
            return true;
        }
        if let Some(found) = frr(line.text) {
            let text = |name: &str| found.name(name).map(|it| it.as_str());
            let Some(dst) = text("dst").and_then(|it| it.parse::<IpNet>().ok()) else { return false };
            let kind = match (text("none"), text("how")) {
                (Some(_), Some("blackhole")) => "blackhole",
                (Some(_), Some("ICMP admin-prohibited")) => "prohibit",
                (Some(_), _) => "unreachable",
                (None, _) => "unicast",
            };
            let row = Row::new(&relation::RIB_ROUTE)
                .with("dst", dst)
                .with("type", kind)
                .with("via", text("via").and_then(|it| it.parse::<IpAddr>().ok()))
                .with("dev", text("dev").or(text("only")))
                .with("protocol", text("code").and_then(protocol))
                .with("selected", text("selected") == Some(">"))
                .with("installed", text("fib") == Some("*"))
                .with("daemon", "frr");
            state.push(row, line);
            return true;
        }
        let mut cells = words(line.text);
        if let (Some((row, at)), Some("via" | "dev")) = (&mut open, cells.next()) {
            let via = line.text.trim_start().starts_with("via ");
            let value = cells.next();
            let old = std::mem::replace(row, Row::new(&relation::RIB_ROUTE));
            let first = !old.get("via").is_some() && !old.get("dev").is_some();
            *row = match (first, via) {
                (true, true) => {
                    let dev = (cells.next() == Some("on")).then(|| cells.next()).flatten();
                    old.with("via", value.and_then(|it| it.parse::<IpAddr>().ok())).with("dev", dev)
                }
                (true, false) => old.with("dev", value),
                (false, _) => old,
            };
            let _ = at;
            return true;
        }
        around(line.text)
    });
    if let Some((row, line)) = open {
        state.push(row, &line);
    }
    state.collected(&relation::RIB_ROUTE);
}

/// FRR's letters.
fn protocol(code: &str) -> Option<&'static str> {
    Some(match code {
        "K" => "kernel",
        "C" => "connected",
        "L" => "local",
        "S" => "static",
        "R" => "rip",
        "O" => "ospf",
        "I" => "isis",
        "B" => "bgp",
        "E" => "eigrp",
        "A" => "babel",
        "T" => "table",
        "F" => "pbr",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        let out = read_at(&FORMAT, "x", text);
        let cells = |it: &timeline::Fact| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        facts(&out, "rib.route").map(|it| cells(it).replace("unknown", "-")).collect()
    }

    #[test]
    fn routes_of_three_daemons() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            [
                "0.0.0.0/0 unicast 10.64.0.1 eno1 kernel1 - true - bird",
                "10.64.75.0/26 blackhole - - static1 - true - bird"
            ]
        );
        assert_eq!(
            rows(FORMAT.samples[1])[1..3],
            [
                "192.168.82.0/26 unicast 172.17.0.4 eth0 Mesh_172_17_0_4 - true false bird",
                "192.168.82.0/26 unicast 100.100.100.100 em0 Global_100_100_100_100 - false - bird"
            ]
        );
        assert_eq!(
            rows(FORMAT.samples[2]),
            [
                "10.20.0.0/16 unicast 192.168.10.1 eth0 kernel - true true frr",
                "10.51.0.0/16 blackhole - - static - true true frr",
                "10.244.12.64/32 unicast - tunl0 connected - true true frr"
            ]
        );
    }

    #[test]
    fn real_tables() {
        for (name, count) in [
            ("bird/bird2-k1001-show_route-up.txt", 5),
            ("bird/bird16-show_route-raw.0.txt", 8),
            ("frr/show_ip_route.txt", 30),
        ] {
            let Some(text) = sample(&format!("network/{name}")) else { return };
            let found = rows(&text);
            assert!(found.len() >= count, "{name}: {found:?}");
        }
    }
}
