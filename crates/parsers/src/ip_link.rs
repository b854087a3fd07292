//! `ip link`, `ip -s link`, `/proc/net/dev`, `netstat -i`: the interfaces of a node and what they lost.
//!
//! ```text
//! 2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
//!     link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netns h3torp
//!     RX:  bytes packets errors dropped  missed   mcast
//!           1006      13      0       0       0       0
//! ```
//!
//! One row an interface. The columns of counters are read by their names, which every version arranges anew. Skipped:
//! bytes and packets, details of `-d` other than the kind. Time: none.
//!
//! Source: `print_linkinfo` in iproute2's `ip/ipaddress.c`, net/core/net-procfs.c.

use serde_json::Value as Json;
use timeline::{Fact, MemberRecords, Row, Stamp, Value, relation};

use crate::ip_addr::link as header;
use crate::json_elements::{Documents, elements, entry};
use crate::places::Places;
use crate::state::{State, begins, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-link",
    produced_by: "ip [-s] [-d] link, ip -j link, cat /proc/net/dev, netstat -i",
    samples: &[
        concat!(
            "2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\n",
            "    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netns h3torp\n",
            "    RX:  bytes packets errors dropped  missed   mcast           \n          1006      13      1       7       0       0 \n",
            "    TX:  bytes packets errors dropped carrier collsns           \n          1170      15      2       3       0       0 \n",
        ),
        "[{\"ifindex\":2,\"ifname\":\"eth0\",\"flags\":[\"UP\"],\"mtu\":1500,\"operstate\":\"UP\",\"address\":\"02:00:00:00:00:01\",\"stats64\":{\"rx\":{\"errors\":1,\"dropped\":7},\"tx\":{\"errors\":2,\"dropped\":3}}}]\n",
        "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n  eth0:    1006      13    1    7    0     0          0         0     1170      15    2    3    0     0       0          0\n",
        "Kernel Interface table\nIface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\neth0             1500       13      1      7 0            15      2      3      0 BMRU\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Json,
    Dev,
    Netstat,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if of(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn of(text: &str) -> Option<Kind> {
    let lines = || text.lines().filter(|it| !it.trim().is_empty()).take(400);
    let first = lines().next()?;
    if first.trim_start().starts_with('[') {
        let array = Documents::of(text).next()?;
        let link = |it: &str| entry(it, "ifname").is_some() && entry(it, "operstate").is_some() && entry(it, "addr_info").is_none();
        return elements(array.text).take(4).any(|it| link(it.text)).then_some(Kind::Json);
    }
    if first.starts_with("Inter-|") {
        return Some(Kind::Dev);
    }
    if lines().take(2).any(|it| begins(it, &["Iface", "MTU"]) && it.contains("RX-ERR")) {
        return Some(Kind::Netstat);
    }
    // addresses belong to `ip addr`
    let addressed = lines().any(|it| it.trim_start().starts_with("inet"));
    let shaped = |it: &str| header(it).is_some() || it.starts_with("    ");
    (header(first).is_some() && !addressed && lines().all(shaped)).then_some(Kind::Text)
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let head = input.text.get(..65_536.min(input.text.len())).unwrap_or(input.text);
    let Some(kind) = of(head) else { return };
    let mut state = State::of(input, out);
    match kind {
        Kind::Text => text(&mut state),
        Kind::Json => json(&mut state),
        Kind::Dev => state.each(dev_line),
        Kind::Netstat => state.each(netstat_line),
    }
    state.collected(&relation::LINK);
}

fn text<'t>(state: &mut State<'_, 't, '_>) {
    let mut open: Option<(Row, Line<'t>)> = None;
    let mut columns: Option<(&str, Vec<&str>)> = None;
    // what follows `vf 0` is counted of a function that was lent out
    let mut of_function = false;
    state.each(|state, line| {
        if let Some(row) = header(line.text) {
            if let Some((row, line)) = open.replace((row, *line)) {
                state.push(row, &line);
            }
            (columns, of_function) = (None, false);
            return true;
        }
        let Some((row, _)) = &mut open else { return false };
        let set = |row: &mut Row, column: &str, value: Value| {
            *row = std::mem::replace(row, Row::new(&relation::LINK)).with(column, value);
        };
        let bare = line.text.trim();
        of_function |= bare.starts_with("vf ");
        if of_function {
            return true;
        }
        if let Some(rest) = bare.strip_prefix("link/") {
            let mac = words(rest).nth(1).filter(|it| it.contains(':'));
            set(row, "mac", mac.into());
        } else if let Some(names) = bare.strip_prefix("RX:").or(bare.strip_prefix("TX:")) {
            columns = Some((&bare[..2], words(names).collect()));
        } else if let Some(names) = bare.strip_prefix("RX errors:").or(bare.strip_prefix("TX errors:")) {
            columns = Some((if bare.starts_with('R') { "rx" } else { "tx" }, words(names).collect()));
        } else if let Some((side, names)) = columns.take() {
            for (name, cell) in names.into_iter().zip(words(bare)) {
                let column = match (side, name) {
                    ("RX", "errors") => "rx_errors",
                    ("RX", "dropped") => "rx_dropped",
                    ("TX", "errors") => "tx_errors",
                    ("TX", "dropped") => "tx_dropped",
                    ("tx", "transns") => "carrier_changes",
                    _ => continue,
                };
                set(row, column, cell.parse::<i64>().ok().into());
            }
        } else if let Some(kind) = words(bare).next().filter(|_| bare.contains("numtxqueues") || bare.contains("addrgenmode")) {
            set(row, "kind", kind.into());
        }
        true
    });
    if let Some((row, line)) = open {
        state.push(row, &line);
    }
}

fn json(state: &mut State<'_, '_, '_>) {
    let mut places = Places::of(state.input);
    for document in Documents::of(state.input.text) {
        for link in elements(document.text) {
            let Ok(value) = serde_json::from_str::<Json>(link.text) else { continue };
            let Some(dev) = value["ifname"].as_str() else { continue };
            let flags: Vec<&str> = value["flags"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            let stats = if value["stats64"].is_object() { &value["stats64"] } else { &value["stats"] };
            let row = Row::new(&relation::LINK)
                .with("dev", dev)
                .with("state", value["operstate"].as_str())
                .with("flags", flags.join(","))
                .with("mtu", value["mtu"].as_i64())
                .with("mac", value["address"].as_str())
                .with("master", value["master"].as_str())
                .with("kind", value["linkinfo"]["info_kind"].as_str())
                .with("rx_errors", stats["rx"]["errors"].as_i64())
                .with("rx_dropped", stats["rx"]["dropped"].as_i64())
                .with("tx_errors", stats["tx"]["errors"].as_i64())
                .with("tx_dropped", stats["tx"]["dropped"].as_i64())
                .with("carrier_changes", stats["tx"]["carrier_changes"].as_i64());
            let place = entry(link.text, "ifname").map_or(link.text, |it| it.pair);
            state.fact(Fact::new(row, state.input.origin.node.clone(), places.quote(place)), Stamp::None);
        }
    }
    state.each(|_, _| true);
}

/// `  eth0:    1006      13    1    7    0     0          0         0     1170      15    2    3    0     0       0          0`
fn dev_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some((name, rest)) = line.text.split_once(':') else { return line.text.contains('|') };
    let cells: Vec<i64> = words(rest).filter_map(|it| it.parse().ok()).collect();
    if cells.len() != 16 {
        return false;
    }
    let row = Row::new(&relation::LINK)
        .with("dev", name.trim())
        .with("rx_errors", cells[2])
        .with("rx_dropped", cells[3])
        .with("tx_errors", cells[10])
        .with("tx_dropped", cells[11]);
    state.push(row, line);
    true
}

/// `eth0             1500       13      1      7 0            15      2      3      0 BMRU`
fn netstat_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    if line.text.starts_with("Kernel Interface table") || begins(line.text, &["Iface", "MTU"]) {
        return true;
    }
    let cells: Vec<&str> = words(line.text).collect();
    // before 2013 a column Met stood behind MTU
    let at = if cells.len() == 12 { 3 } else { 2 };
    if cells.len() != at + 9 {
        return false;
    }
    let number = |at: usize| cells[at].parse::<i64>().ok();
    let row = Row::new(&relation::LINK)
        .with("dev", cells[0])
        .with("mtu", number(1))
        .with("flags", cells[at + 8])
        .with("rx_errors", number(at + 1))
        .with("rx_dropped", number(at + 2))
        .with("tx_errors", number(at + 5))
        .with("tx_dropped", number(at + 6));
    state.push(row, line);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample};

    fn rows(text: &str) -> Vec<String> {
        rows_of(&FORMAT, "x", text, "link", ["dev", "state", "mtu", "mac", "rx_errors", "rx_dropped", "tx_errors", "tx_dropped"]).into_iter().map(|it| it.replace("unknown", "-")).collect()
    }

    #[test]
    fn interfaces_and_what_they_lost() {
        for text in &FORMAT.samples[..2] {
            assert_eq!(rows(text), ["eth0 UP 1500 02:00:00:00:00:01 1 7 2 3"], "{text}");
        }
        assert_eq!(rows(FORMAT.samples[2]), ["eth0 - - - 1 7 2 3"]);
        assert_eq!(rows(FORMAT.samples[3]), ["eth0 - 1500 - 1 7 2 3"]);
    }

    /// The text says what the JSON says.
    #[test]
    fn text_equals_json() {
        let (Some(text), Some(json)) = (sample("network/netstate/ip_-s_link.txt"), sample("network/netstate/ip_-j_-s_link.txt")) else {
            return;
        };
        assert_eq!(rows(&text), rows(&json));
        for version in ["3.12.0", "4.4.0", "5.10.0", "5.15.0", "7.1.0"] {
            let Some(text) = sample(&format!("network/iproute2-link/ip_s_link_lo.{version}.txt")) else { return };
            let found = rows(&text);
            assert!(found[0].ends_with(" 0 0 0 0") && found[0].starts_with("lo UNKNOWN"), "{version}: {found:?}");
        }
    }

    #[test]
    fn what_virtual_functions_count_is_theirs() {
        let text = "7: ens1f1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP mode DEFAULT group default qlen 1000\n    \
            link/ether b4:96:91:00:00:a9 brd ff:ff:ff:ff:ff:ff\n    \
            RX: bytes  packets  errors  dropped missed  mcast\n    \
            17496609   257835   3       67      0       792\n    \
            TX: bytes  packets  errors  dropped carrier collsns\n    \
            33991      231      0       1       0       0\n    \
            vf 0     link/ether 6e:cc:c3:00:00:7f brd ff:ff:ff:ff:ff:ff, spoof checking on, link-state auto, trust off\n    \
            RX: bytes  packets  mcast   bcast   dropped\n    \
            14069717   192865   0       192865  192865\n    \
            TX: bytes  packets   dropped\n    \
            0          0        9\n";
        let columns = ["dev", "mac", "rx_errors", "rx_dropped", "tx_errors", "tx_dropped"];
        assert_eq!(
            crate::testing::sure_rows_of(&FORMAT, text, "link", columns),
            ["ens1f1 b4:96:91:00:00:a9 3 67 0 1"]
        );
    }
}
