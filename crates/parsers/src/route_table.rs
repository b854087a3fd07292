//! `route -n`, `netstat -rn`, `/proc/net/route`, `/proc/net/ipv6_route`: the main table in the older ways to print it.
//!
//! ```text
//! Kernel IP routing table
//! Destination     Gateway         Genmask         Flags Metric Ref    Use Iface
//! 10.244.12.64    0.0.0.0         255.255.255.192 U     0      0        0 *
//! Iface Destination Gateway  Flags RefCnt Use Metric Mask  MTU Window IRTT
//! * 400CF40A 00000000 0001 0 0 0 C0FFFFFF 0 0 0
//! ```
//!
//! A blackhole has the interface `*`; `!` and 0x200 reject, whether as unreachable or prohibited is not printed. Of several
//! next hops only the first is. Skipped: routes by name (`route` without `-n`). Addresses in /proc are of the machine's byte
//! order, little-endian where the masks say so. Time: none.
//!
//! Source: `man 8 route`, net/ipv4/fib_trie.c (fib_route_seq_show), net/ipv6/ip6_fib.c.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use timeline::{MemberRecords, relation};

use crate::ip_route::Route;
use crate::state::{State, begins, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "route-table",
    produced_by: "route -n, netstat -rn, cat /proc/net/route /proc/net/ipv6_route",
    samples: &[
        "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n0.0.0.0         192.168.10.1    0.0.0.0         UG    100    0        0 eth0\n10.8.0.0        -               255.255.0.0     !     0      -        0 -\n10.244.12.64    0.0.0.0         255.255.255.192 U     0      0        0 *\n",
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT        \neth0\t00000000\t010AA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0       \n*\t400CF40A\t00000000\t0001\t0\t0\t0\tC0FFFFFF\t0\t0\t0      \n",
        "fd000010000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000006 00000000 00000001     eth0\nfd000030000000000000000000000000 40 00000000000000000000000000000000 00 fd000010000000000000000000000031 00000400 00000003 00000000 00000003     eth0\n",
        "Kernel IPv6 routing table\nDestination                    Next Hop                   Flag Met Ref  Use If\nfd97::/16                      ::                         !n   1024 1      0 lo\nfd00:30::/64                   fd00:10::31                UG   1024 3      0 eth0\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `route -n` and `netstat -rn`.
    Table,
    /// `route -A inet6 -n`.
    Table6,
    Proc,
    Proc6,
}

fn header(line: &str) -> Option<Kind> {
    if begins(line, &["Destination", "Gateway", "Genmask", "Flags"]) {
        Some(Kind::Table)
    } else if begins(line, &["Destination", "Next", "Hop", "Flag"]) {
        Some(Kind::Table6)
    } else if begins(line, &["Iface", "Destination", "Gateway", "Flags"]) {
        Some(Kind::Proc)
    } else {
        None
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let lines = || sniff.text.lines().filter(|it| !it.trim().is_empty());
    if lines().take(3).any(|it| header(it).is_some()) {
        return Certainty::Sure;
    }
    let six = lines().take(20).all(|it| proc6(it).is_some()) && lines().next().is_some();
    if six { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut kind = Kind::Proc6;
    let mut named = false;
    let little = little_endian(input.text);
    state.each(|state, line| {
        if let Some(found) = header(line.text) {
            kind = found;
            return true;
        }
        if line.text.starts_with("Kernel IP") {
            return true;
        }
        match route(line.text, kind, little) {
            Some(Some((route, v6))) => {
                push(&route, v6, state, line);
                true
            }
            // a line for what is no route of the main table
            Some(None) => true,
            None => {
                named |= words(line.text).count() >= 7;
                named
            }
        }
    });
    let incomplete = named.then(|| "routes are printed by names".to_owned());
    if incomplete.is_some() {
        state.collected_but(&relation::ROUTE, incomplete);
    } else {
        state.collected(&relation::ROUTE);
    }
}

fn push<'t>(route: &Route<'_>, v6: bool, state: &mut State<'_, 't, '_>, line: &Line<'t>) {
    state.push(route.row(v6, "main"), line);
}

/// A row; the inner nothing is one that the main table does not hold.
fn route(line: &str, kind: Kind, little: bool) -> Option<Option<(Route<'_>, bool)>> {
    match kind {
        Kind::Table => table(line).map(|it| Some((it, false))),
        Kind::Table6 => table6(line),
        Kind::Proc => proc4(line, little).map(|it| Some((it, false))),
        Kind::Proc6 => proc6(line),
    }
}

fn built<'t>(kind: &'static str, dst: IpNet, via: Option<IpAddr>, dev: &'t str, metric: Option<i64>) -> Route<'t> {
    let mut route = Route::new(kind, (dst.prefix_len() > 0).then_some(dst));
    route.via = via.filter(|it| !it.is_unspecified());
    route.dev = (!matches!(dev, "*" | "-")).then_some(Cow::Borrowed(dev));
    route.metric = metric.filter(|it| *it != 0);
    route
}

/// `10.244.12.64    0.0.0.0         255.255.255.192 U     0      0        0 *`
fn table(line: &str) -> Option<Route<'_>> {
    let cells: Vec<&str> = words(line).collect();
    let [dst, gateway, mask, flags, .., last] = cells[..] else { return None };
    let dev = if cells.len() > 8 { cells[7] } else { last };
    let (dst, mask): (Ipv4Addr, Ipv4Addr) = (dst.parse().ok()?, mask.parse().ok()?);
    let prefix = ipnet::ip_mask_to_prefix(IpAddr::V4(mask)).ok()?;
    let via: Option<IpAddr> = gateway.parse().ok();
    // of `route`; `netstat` prints MSS, Window and irtt instead
    let metric = (cells.len() >= 8 && cells[5..7].iter().all(|it| *it != "-") || flags.contains('!'))
        .then(|| cells[4].parse::<i64>().ok())
        .flatten()
        .map(|it| if it < 0 { it + (1 << 32) } else { it });
    let kind = match () {
        () if flags.contains('!') => "unreachable",
        () if dev == "*" => "blackhole",
        () => "unicast",
    };
    Some(built(kind, IpNet::new(IpAddr::V4(dst), prefix).ok()?, via, dev, metric))
}

/// `fd97::/16                      ::                         !n   1024 1      0 lo`
fn table6(line: &str) -> Option<Option<(Route<'_>, bool)>> {
    let cells: Vec<&str> = words(line).collect();
    let [dst, gateway, flags, metric, _, _, dev] = cells[..] else { return None };
    let dst: IpNet = dst.parse().ok()?;
    // `Un` are the node's own addresses, of the local table; the last `!n` with metric -1 is the null entry
    if metric == "-1" || flags.starts_with("Un") || dst.addr().is_multicast() {
        return Some(None);
    }
    let kind = if flags.contains('!') { "unreachable" } else { "unicast" };
    let metric = metric.parse::<i64>().ok();
    Some(Some((built(kind, dst, gateway.parse().ok(), dev, metric), true)))
}

/// `* 400CF40A 00000000 0001 0 0 0 C0FFFFFF 0 0 0`
fn proc4(line: &str, little: bool) -> Option<Route<'_>> {
    let cells: Vec<&str> = words(line).collect();
    let [dev, dst, gateway, flags, _, _, metric, mask, ..] = cells[..] else { return None };
    let address = |it: &str| {
        let number = (it.len() == 8).then(|| u32::from_str_radix(it, 16).ok()).flatten()?;
        Some(Ipv4Addr::from(if little { number.swap_bytes() } else { number }))
    };
    let flags = u32::from_str_radix(flags, 16).ok()?;
    let prefix = ipnet::ip_mask_to_prefix(IpAddr::V4(address(mask)?)).ok()?;
    let kind = match () {
        () if flags & 0x200 != 0 => "unreachable",
        () if dev == "*" => "blackhole",
        () => "unicast",
    };
    let dst = IpNet::new(IpAddr::V4(address(dst)?), prefix).ok()?;
    Some(built(kind, dst, Some(IpAddr::V4(address(gateway)?)), dev, metric.parse().ok()))
}

/// Masks of whole bytes stand at the end on the machines nearly everybody has.
fn little_endian(text: &str) -> bool {
    let masks = text.lines().skip(1).filter_map(|it| words(it).nth(7)).filter(|it| it.len() == 8);
    let mut little = true;
    for mask in masks {
        let Ok(number) = u32::from_str_radix(mask, 16) else { continue };
        let valid = |it: u32| it.leading_ones() + it.trailing_zeros().min(32) >= 32;
        if valid(number) && !valid(number.swap_bytes()) {
            little = false;
        }
    }
    little
}

/// `fd0000300000… 40 000… 00 fd00001000…0031 00000400 00000003 00000000 00000003     eth0`
fn proc6(line: &str) -> Option<Option<(Route<'_>, bool)>> {
    let cells: Vec<&str> = words(line).collect();
    let [dst, length, _, _, gateway, metric, _, _, flags, dev] = cells[..] else { return None };
    let address = |it: &str| (it.len() == 32).then(|| u128::from_str_radix(it, 16).ok()).flatten().map(Ipv6Addr::from);
    let number = |it: &str| u32::from_str_radix(it, 16).ok();
    let (flags, metric) = (number(flags)?, number(metric)?);
    let prefix = u8::from_str_radix(length, 16).ok()?;
    let dst = IpNet::new(IpAddr::V6(address(dst)?), prefix).ok()?;
    // own addresses (RTF_LOCAL) and the null entry are of other tables
    if flags & 0x8000_0000 != 0 || metric == u32::MAX || dst.addr().is_multicast() {
        return Some(None);
    }
    let kind = if flags & 0x200 != 0 { "unreachable" } else { "unicast" };
    let via = IpAddr::V6(address(gateway)?);
    Some(Some((built(kind, dst, Some(via), dev, Some(i64::from(metric))), true)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        rows_of(&FORMAT, "x", text, "route", ["dst", "type", "via", "dev", "metric"]).into_iter().map(|it| it.replace("unknown", "-")).collect()
    }

    #[test]
    fn old_tables() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["0.0.0.0/0 unicast 192.168.10.1 eth0 100", "10.8.0.0/16 unreachable - - -", "10.244.12.64/26 blackhole - - -"]
        );
        assert_eq!(
            rows(FORMAT.samples[1]),
            ["0.0.0.0/0 unicast 192.168.10.1 eth0 100", "10.244.12.64/26 blackhole - - -"]
        );
        assert_eq!(
            rows(FORMAT.samples[2]),
            ["fd00:10::/64 unicast - eth0 256", "fd00:30::/64 unicast fd00:10::31 eth0 1024"]
        );
        assert_eq!(
            rows(FORMAT.samples[3]),
            ["fd97::/16 unreachable - lo 1024", "fd00:30::/64 unicast fd00:10::31 eth0 1024"]
        );
        let big = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t0A000000\t00000000\t0001\t0\t0\t0\tFF000000\n";
        assert_eq!(rows(big), ["10.0.0.0/8 unicast - eth0 -"]);
    }

    /// One kernel state printed four ways.
    #[test]
    fn the_ways_to_print_it_agree() {
        let read = |name: &str| {
            let text = sample(&format!("network/netstate/{name}"))?;
            assert_eq!(sniff_certainty(&FORMAT, name, &text), Certainty::Sure, "{name}");
            let bare = |it: String| it.rsplit_once(' ').map(|(it, _)| it.to_owned()).unwrap_or_default();
            let mut rows: Vec<String> = rows(&text).into_iter().map(bare).collect();
            rows.sort();
            Some(rows)
        };
        let Some(proc) = read("proc_net_route.txt") else { return };
        assert_eq!(proc.len(), 30);
        for name in ["route_-n.txt", "netstat_-rn.txt", "busybox_route_-n.txt", "busybox_netstat_-rn.txt"] {
            assert_eq!(read(name).as_ref(), Some(&proc), "{name}");
        }
        let six = read("route_-A_inet6_-n.txt").expect("the other samples are there");
        assert!(six.iter().any(|it| it == "fd00:30::/64 unicast fd00:20::31 eth1"));
        assert!(read("proc_net_ipv6_route.txt").is_some_and(|it| it.len() == six.len()));
    }
}
