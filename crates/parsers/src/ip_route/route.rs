//! A route, whoever printed it, as a row.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use timeline::{Row, relation};

/// A route before its family is settled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route<'t> {
    /// Where to; nothing for `default`, whose family shows elsewhere.
    pub(crate) dst: Option<IpNet>,
    /// `unicast`, `blackhole`, …
    pub(crate) kind: &'static str,
    /// Gateway; of several next hops the first one's.
    pub(crate) via: Option<IpAddr>,
    /// Whether the gateway's family differs from the route's (`via inet6 fd00:10::1`).
    pub(crate) foreign_via: bool,
    /// Device; of several next hops the first one's.
    pub(crate) dev: Option<Cow<'t, str>>,
    /// Who installed it.
    pub(crate) proto: Option<Cow<'t, str>>,
    /// How far it reaches.
    pub(crate) scope: Option<Cow<'t, str>>,
    /// Preferred source address.
    pub(crate) src: Option<IpAddr>,
    /// Source prefix (IPv6 subtrees).
    pub(crate) from: Option<IpNet>,
    /// Table, where printed.
    pub(crate) table: Option<Cow<'t, str>>,
    /// Metric, where printed.
    pub(crate) metric: Option<i64>,
    /// `onlink`, `linkdown`, …
    pub(crate) flags: Vec<Cow<'t, str>>,
    /// Number of next hops, 0 where the route has its own gateway or device.
    pub(crate) hops: u32,
    /// Whether it names a next-hop object.
    pub(crate) nhid: bool,
    /// Whether it prints a preference, which only IPv6 routes have.
    pub(crate) pref: bool,
}

impl<'t> Route<'t> {
    pub(crate) fn new(kind: &'static str, dst: Option<IpNet>) -> Route<'t> {
        Route {
            dst,
            kind,
            via: None,
            foreign_via: false,
            dev: None,
            proto: None,
            scope: None,
            src: None,
            from: None,
            table: None,
            metric: None,
            flags: Vec::new(),
            hops: 0,
            nhid: false,
            pref: false,
        }
    }

    /// Whether the kernel could have printed it: what forwards must say how, and no bits stand behind the prefix.
    pub(crate) fn is_possible(&self) -> bool {
        let forwards = self.via.is_some() || self.dev.is_some() || self.hops > 0 || self.nhid;
        let rejects = matches!(self.kind, "blackhole" | "unreachable" | "prohibit" | "throw");
        (forwards || rejects) && self.dst.is_none_or(|it| it == it.trunc())
    }

    /// Whether it is an IPv6 route, where the route itself shows it.
    pub(crate) fn is_v6(&self) -> Option<bool> {
        let by_prefix = self.dst.or(self.from).map(|it| matches!(it, IpNet::V6(_)));
        let by_address = self.src.map(|it| it.is_ipv6());
        let by_gateway = self.via.map(|it| it.is_ipv6() != self.foreign_via);
        let rejects = matches!(self.kind, "blackhole" | "unreachable" | "prohibit" | "throw");
        let by_shape = (self.pref || (rejects && self.dev.as_deref() == Some("lo"))).then_some(true);
        by_prefix.or(by_address).or(by_gateway).or(by_shape)
    }

    /// The row of the relation `route`; `table` is the one that was asked for.
    pub(crate) fn row(&self, v6: bool, table: &str) -> Row {
        let everything =
            if v6 { IpNet::V6(Ipv6Net::default()) } else { IpNet::V4(Ipv4Net::default()) };
        let mut flags = self.flags.join(" ");
        if self.hops > 1 {
            flags.push_str(if flags.is_empty() { "multipath" } else { " multipath" });
        }
        Row::new(&relation::ROUTE)
            .with("dst", self.dst.unwrap_or(everything))
            .with("type", self.kind)
            .with("via", self.via)
            .with("dev", self.dev.as_deref())
            .with("proto", self.proto.as_deref().map(proto_name))
            .with("scope", self.scope.as_deref().map(scope_name))
            .with("src", self.src)
            .with("table", self.table.as_deref().map_or(table, table_name))
            .with("metric", self.metric)
            .with("flags", (!flags.is_empty()).then_some(flags))
            .with("family", if v6 { "inet6" } else { "inet" })
    }
}

const KINDS: [&str; 12] = [
    "none", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw",
    "nat", "xresolve",
];

/// A route type by its word.
pub(crate) fn kind(word: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|it| *it == word)
}

/// A route type by the number `ip -N` prints.
pub(crate) fn kind_by_number(word: &str) -> Option<&'static str> {
    word.parse::<usize>().ok().and_then(|it| KINDS.get(it).copied())
}

/// `default`, `0/0`, `10.64.75.0/26`, `10.64.75.4`, `fd00:10::/64`: the inner nothing is `default`.
pub(crate) fn destination(word: &str) -> Option<Option<IpNet>> {
    // most words are no destination: look at one byte before parsing
    match word.as_bytes().first()? {
        b'd' if word == "default" => return Some(None),
        b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':' => {}
        _ => return None,
    }
    if let Ok(address) = word.parse::<IpAddr>() {
        return Some(Some(IpNet::from(address)));
    }
    if let Some(bits) = word.strip_prefix("0/") {
        return bits.parse::<u8>().ok().and_then(|it| Ipv4Net::new([0, 0, 0, 0].into(), it).ok()).map(|it| Some(it.into()));
    }
    word.parse::<IpNet>().ok().map(Some)
}

/// `12` is `bird` where the tool had no names; 80, Calico's Felix, never had one.
fn proto_name(word: &str) -> &str {
    match word {
        "0" => "unspec",
        "1" => "redirect",
        "2" => "kernel",
        "3" => "boot",
        "4" => "static",
        "8" => "gated",
        "9" => "ra",
        "10" => "mrt",
        "11" => "zebra",
        "12" => "bird",
        "13" => "dnrouted",
        "14" => "xorp",
        "15" => "ntk",
        "16" => "dhcp",
        "18" => "keepalived",
        "42" => "babel",
        "84" => "ovn",
        "99" => "openr",
        "186" => "bgp",
        "187" => "isis",
        "188" => "ospf",
        "189" => "rip",
        "192" => "eigrp",
        _ => word,
    }
}

fn scope_name(word: &str) -> &str {
    match word {
        "0" => "global",
        "200" => "site",
        "253" => "link",
        "254" => "host",
        "255" => "nowhere",
        _ => word,
    }
}

/// `254` is `main`.
pub(crate) fn table_name(word: &str) -> &str {
    match word {
        "253" => "default",
        "254" => "main",
        "255" => "local",
        _ => word,
    }
}

/// Metrics are unsigned; BusyBox prints them signed.
pub(crate) fn metric(word: &str) -> Option<i64> {
    let number: i64 = word.parse().ok()?;
    Some(if (-0x8000_0000..0).contains(&number) { number + 0x1_0000_0000 } else { number })
}
