//! One route, word by word.
//!
//! Every attribute is a keyword with a fixed number of arguments, and no keyword can begin a route: so a listing reads
//! the same with and without its line ends. A device may be called `blackhole`: arguments are never interpreted.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::command;
use super::route::{Route, destination, kind, kind_by_number, metric};
use super::tokens::{Token, Tokens};

/// A route as it was read, and what is odd about it.
#[derive(Debug)]
pub(super) struct Candidate<'t> {
    pub(super) route: Route<'t>,
    /// Bounds in the text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Line of the first word.
    pub(super) line: u32,
    /// Words after the destination.
    pub(super) words: u32,
    /// An argument is missing.
    pub(super) cut: bool,
    /// A keyword came twice, or a word only other tables print.
    pub(super) broken: bool,
    /// A cloned entry or the answer of `ip route get`: no row of a table.
    pub(super) cloned: bool,
    /// `Deleted`, from `ip monitor`.
    pub(super) deleted: bool,
}

/// Reads routes out of words.
pub(super) struct Grammar<'t> {
    pub(super) tokens: Tokens<'t>,
    /// Line ends end routes: the text is not a paste that was joined or wrapped.
    pub(super) by_line: bool,
    /// Types are numbers: `ip -N`.
    pub(super) numeric: bool,
}

const FLAGS: [&str; 11] = [
    "dead", "onlink", "pervasive", "offload", "trap", "notify", "linkdown", "unresolved", "rt_offload", "rt_trap",
    "rt_offload_failed",
];
const METRICS: [&str; 16] = [
    "mtu", "window", "rtt", "rttvar", "ssthresh", "cwnd", "advmss", "reordering", "hoplimit", "initcwnd", "features",
    "rto_min", "initrwnd", "quickack", "congctl", "fastopen_no_cookie",
];
/// Keywords with one argument that no row shows.
const PLAIN: [&str; 20] = [
    "tos", "dsfield", "mark", "realm", "realms", "uid", "expires", "error", "users", "used", "age", "ipid", "ts",
    "tsage", "iif", "pref", "ttl-propogate", "ttl-propagate", "weight", "nhid",
];
const STRUCTURE: [&str; 14] = [
    "via", "dev", "table", "proto", "protocol", "scope", "src", "metric", "from", "as", "encap", "nexthop", "nh_info",
    "cache",
];
/// Words of `ip neigh` and of BIRD's tables, whose lines begin like routes.
const FOREIGN: [&str; 13] = [
    "lladdr", "on", "PERMANENT", "NOARP", "REACHABLE", "STALE", "INCOMPLETE", "DELAY", "PROBE", "FAILED", "extern_learn",
    "managed", "UG",
];
const FAMILIES: [&str; 6] = ["inet", "inet6", "mpls", "bridge", "link", "packet"];

/// Whether a word continues a route.
pub(super) fn is_keyword(word: &str) -> bool {
    STRUCTURE.contains(&word) || FLAGS.contains(&word) || METRICS.contains(&word) || PLAIN.contains(&word)
}

/// Keywords that stand at the beginning of a line of their own.
pub(super) fn continues(word: &str) -> bool {
    matches!(word, "nexthop" | "nh_info" | "cache" | "Oifs:")
}

/// `[...]`, `…`, `<snip>`: somebody left something out here.
pub(super) fn is_elision(word: &str) -> bool {
    let bare = word.trim_matches(['[', ']', '<', '>', '(', ')', '-', '{', '}', '*', ',', ':']);
    let bracketed = bare.len() + 2 <= word.len();
    bare.starts_with("...")
        || bare.starts_with('…')
        || (bracketed && ["snip", "snipped", "truncated", "cut", "omitted", "elided", "More", "more"].contains(&bare))
}

/// `multicast ef00:0:800:400:200:0:3c00:0/8 dev eth0`: how iproute2 4.9 prints the IPv4 group 239.0.0.0/8, as if it were
/// IPv6, with what stood behind it in memory. No IPv6 group begins with anything but `ff`.
fn group(printed: IpNet) -> IpNet {
    match printed {
        IpNet::V6(it) if it.addr().octets()[0] != 0xff => {
            let [a, b, c, d, ..] = it.addr().octets();
            Ipv4Net::new([a, b, c, d].into(), it.prefix_len()).map_or(printed, IpNet::V4)
        }
        _ => printed,
    }
}

impl<'t> Grammar<'t> {
    /// Whether a route begins at the word at hand.
    pub(super) fn at_start(&mut self) -> bool {
        let Some(first) = self.tokens.peek(0) else { return false };
        if destination(first.text).is_some() {
            return true;
        }
        if first.text != "Deleted" && kind(first.text).is_none() && !(self.numeric && kind_by_number(first.text).is_some()) {
            return false;
        }
        let next = self.tokens.peek(1).filter(|it| !self.by_line || it.line == first.line);
        next.is_some_and(|it| destination(it.text).is_some() || (first.text == "Deleted" && kind(it.text).is_some()))
    }

    /// Reads a route; the caller has asked [`Grammar::at_start`].
    pub(super) fn route(&mut self) -> Option<Candidate<'t>> {
        let first = self.tokens.peek(0)?;
        let mut word = self.tokens.take()?;
        let deleted = word.text == "Deleted";
        if deleted {
            word = self.tokens.take()?;
        }
        let named = kind(word.text).or_else(|| kind_by_number(word.text).filter(|_| self.numeric));
        if named.is_some() {
            word = self.tokens.take()?;
        }
        let mut found = Candidate {
            route: Route::new(named.unwrap_or("unicast"), destination(word.text)?),
            start: first.start,
            end: word.end,
            line: first.line,
            words: 0,
            cut: false,
            broken: false,
            cloned: false,
            deleted,
        };
        while self.attribute(&mut found) {}
        if found.route.kind == "multicast" {
            found.route.dst = found.route.dst.map(group);
        }
        Some(found)
    }

    /// The next word, if it can still belong to the route.
    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.tokens.peek(0)?;
        let new_line = self.by_line && token.first && !token.indented && !continues(token.text);
        (!new_line).then_some(token)
    }

    /// Takes the keyword at hand.
    fn keyword(&mut self, found: &mut Candidate<'t>) {
        if let Some(token) = self.tokens.take() {
            found.end = token.end;
            found.words += 1;
        }
    }

    /// Takes the argument of a keyword; none when the text was cut there.
    fn argument(&mut self, found: &mut Candidate<'t>) -> Option<&'t str> {
        let token = self.tokens.peek(0).filter(|it| !(self.by_line && it.first));
        let prompt = token.is_some_and(|it| it.text.contains(['@', '#', '$'])) && command::prompt(&mut self.tokens).is_some();
        let Some(token) = token.filter(|it| !prompt && !is_elision(it.text)) else {
            found.cut = true;
            return None;
        };
        self.tokens.take();
        found.end = token.end;
        found.words += 1;
        Some(token.text)
    }

    /// Reads one attribute; false where the route ends.
    fn attribute(&mut self, found: &mut Candidate<'t>) -> bool {
        let Some(token) = self.next() else { return false };
        match token.text {
            "via" | "dev" | "table" | "proto" | "protocol" | "scope" | "src" => return self.single(token.text, found),
            "metric" => self.metric(found),
            "from" => {
                self.keyword(found);
                found.route.from = self.argument(found).and_then(destination).flatten();
            }
            "nhid" => {
                self.keyword(found);
                found.route.nhid = self.argument(found).is_some();
            }
            "as" => {
                self.keyword(found);
                if self.next().is_some_and(|it| it.text == "to") {
                    self.keyword(found);
                }
                self.argument(found);
            }
            "pref" => {
                self.keyword(found);
                found.route.pref = self.argument(found).is_some();
            }
            "cache" => {
                self.keyword(found);
                found.cloned = true;
                if self.next().is_some_and(|it| it.text.starts_with('<')) {
                    self.keyword(found);
                }
            }
            "uid" => {
                self.keyword(found);
                self.argument(found);
                found.cloned = true;
            }
            "encap" => self.encap(found),
            "nexthop" => self.nexthop(found),
            "nh_info" => self.nexthop_object(found),
            "Oifs:" => {
                let line = token.line;
                while self.tokens.peek(0).is_some_and(|it| it.line == line) && !self.at_start() {
                    self.keyword(found);
                }
            }
            word if FLAGS.contains(&word) => {
                self.keyword(found);
                found.route.flags.push(Cow::Borrowed(word));
            }
            word if METRICS.contains(&word) => self.path_metric(word, found),
            word if PLAIN.contains(&word) => {
                self.keyword(found);
                self.argument(found);
            }
            _ => return self.unknown(token, found),
        }
        true
    }

    /// Attributes that come once: a second one means that a boundary was missed.
    fn single(&mut self, word: &str, found: &mut Candidate<'t>) -> bool {
        let route = &found.route;
        let taken = match word {
            "via" => route.via.is_some() || route.hops > 0,
            "dev" => route.dev.is_some() || route.hops > 0,
            "table" => route.table.is_some(),
            "scope" => route.scope.is_some(),
            "src" => route.src.is_some(),
            _ => route.proto.is_some(),
        };
        if taken {
            found.broken = true;
            return false;
        }
        self.keyword(found);
        match word {
            "via" => {
                let (via, foreign) = self.gateway(found);
                (found.route.via, found.route.foreign_via) = (via, foreign);
            }
            "dev" => found.route.dev = self.argument(found).map(Cow::Borrowed),
            "table" => found.route.table = self.argument(found).map(Cow::Borrowed),
            "scope" => found.route.scope = self.argument(found).map(Cow::Borrowed),
            "src" => found.route.src = self.argument(found).and_then(|it| it.parse().ok()),
            _ => found.route.proto = self.argument(found).map(Cow::Borrowed),
        }
        true
    }

    /// `192.168.10.1`, `inet6 fd00:10::1`: the address, and whether the family was named.
    fn gateway(&mut self, found: &mut Candidate<'t>) -> (Option<IpAddr>, bool) {
        let foreign = self.next().is_some_and(|it| FAMILIES.contains(&it.text));
        if foreign {
            self.keyword(found);
        }
        (self.argument(found).and_then(|it| it.parse().ok()), foreign)
    }

    /// `metric 1024`; of an index no tool knows, `metric 18 5`
    fn metric(&mut self, found: &mut Candidate<'t>) {
        self.keyword(found);
        let Some(value) = self.argument(found) else { return };
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        let another = self.next().is_some_and(|it| !it.first && is_number(it.text));
        if another && !self.at_start() {
            self.keyword(found);
        } else if found.route.metric.is_none() {
            found.route.metric = metric(value);
        }
    }

    /// `mtu lock 1400`, `rtt 300ms`, `features ecn tcp_usec_ts 0x10`
    fn path_metric(&mut self, word: &str, found: &mut Candidate<'t>) {
        self.keyword(found);
        if self.next().is_some_and(|it| it.text == "lock") {
            self.keyword(found);
        }
        self.argument(found);
        let more = |it: &str| matches!(it, "ecn" | "tcp_usec_ts") || it.starts_with("0x");
        while word == "features" && self.next().is_some_and(|it| more(it.text)) {
            self.keyword(found);
        }
    }

    /// `nexthop via 192.168.10.31 dev eth0 weight 1`: the first one gives the row its gateway and device.
    fn nexthop(&mut self, found: &mut Candidate<'t>) {
        self.keyword(found);
        found.route.hops += 1;
        let (mut via, mut dev) = (None, None);
        while let Some(token) = self.next() {
            match token.text {
                "via" if via.is_none() => {
                    self.keyword(found);
                    via = Some(self.gateway(found));
                }
                "dev" if dev.is_none() => {
                    self.keyword(found);
                    dev = Some(self.argument(found).map(Cow::Borrowed));
                }
                "encap" => self.encap(found),
                "as" => {
                    self.keyword(found);
                    self.keyword(found);
                    self.argument(found);
                }
                "weight" | "realm" | "realms" => {
                    self.keyword(found);
                    self.argument(found);
                }
                word if FLAGS.contains(&word) => self.keyword(found),
                _ => break,
            }
        }
        if found.route.hops == 1 {
            (found.route.via, found.route.foreign_via) = via.unwrap_or((None, false));
            found.route.dev = dev.flatten();
        }
    }

    /// `nh_info id 11 via 192.168.10.41 dev eth0 scope link proto unspec`
    fn nexthop_object(&mut self, found: &mut Candidate<'t>) {
        self.keyword(found);
        while let Some(token) = self.next() {
            match token.text {
                "id" | "group" | "type" | "buckets" | "idle_timer" | "unbalanced_timer" | "unbalanced_time" | "dev"
                | "scope" | "proto" => {
                    self.keyword(found);
                    self.argument(found);
                }
                "via" => {
                    self.keyword(found);
                    self.gateway(found);
                }
                "encap" => self.encap(found),
                // of a next hop a flag, unless it is the type of the next route
                "blackhole" if !self.at_start() => self.keyword(found),
                "fdb" => self.keyword(found),
                word if FLAGS.contains(&word) => self.keyword(found),
                _ => break,
            }
        }
    }

    /// ` encap ip id 100 src 0.0.0.0 dst 192.168.10.9 ttl 64 tos 0`, ` encap seg6 mode encap segs 2 [ fd00:10::a fd00:10::b ]`
    fn encap(&mut self, found: &mut Candidate<'t>) {
        self.keyword(found);
        let Some(kind) = self.argument(found) else { return };
        let keys: &[&str] = match kind {
            "ip" => &["id", "src", "dst", "ttl", "tos", "geneve_opts", "vxlan_opts", "erspan_opts"],
            "ip6" => &["id", "src", "dst", "hoplimit", "tc", "tos", "geneve_opts", "vxlan_opts", "erspan_opts"],
            "mpls" => &["ttl"],
            "seg6" => &["mode", "tunsrc", "segs", "hmac"],
            "seg6local" => &["action", "table", "vrftable", "nh4", "nh6", "iif", "oif", "srh", "segs", "hmac", "endpoint", "flavors", "count"],
            "bpf" => &["in", "out", "xmit", "headroom"],
            "xfrm" => &["if_id", "link_dev"],
            "ila" => &["csum-mode", "ident-type", "hook-type"],
            "rpl" => &["segs"],
            "ioam6" => &["freq", "mode", "tundst", "tunsrc", "trace", "prealloc", "type", "ns", "size"],
            _ => &[],
        };
        // labels and locators stand without a keyword
        if matches!(kind, "mpls" | "ila") {
            self.argument(found);
        }
        let mut seen: Vec<&str> = Vec::new();
        while let Some(token) = self.next() {
            match token.text {
                "key" | "csum" | "seq" | "notify" if kind.starts_with("ip") => self.keyword(found),
                "srh" | "trace" | "prealloc" if keys.contains(&token.text) => self.keyword(found),
                word if keys.contains(&word) && !seen.contains(&word) => {
                    seen.push(word);
                    self.keyword(found);
                    self.argument(found);
                    if self.next().is_some_and(|it| it.text == "[") {
                        self.bracket(found);
                    }
                }
                _ => break,
            }
        }
    }

    /// `[ fd00:10::a fd00:10::b ]`: the addresses in it are no routes.
    fn bracket(&mut self, found: &mut Candidate<'t>) {
        while let Some(token) = self.next() {
            self.keyword(found);
            if token.text == "]" {
                return;
            }
        }
        found.cut = true;
    }

    /// A keyword of a newer tool is taken with its value where known ones follow; anything else ends the route.
    fn unknown(&mut self, token: Token<'t>, found: &mut Candidate<'t>) -> bool {
        // `10.64.75.4/32 dev cali21fc9e9645e [kernel1 20:11:10] * (10)` is BIRD's
        let bracket = token.text.starts_with('[') && !token.text.contains('@') && !is_elision(token.text);
        if FOREIGN.contains(&token.text) || (bracket && token.text.len() > 1 && !token.first) {
            found.broken = true;
            return false;
        }
        if !token.text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-')) || self.at_start() {
            return false;
        }
        let mut on_line = |at| self.tokens.peek(at).filter(|it| it.line == token.line).map(|it| it.text);
        let (value, after) = (on_line(1), on_line(2));
        if value.is_some_and(is_keyword) {
            self.keyword(found);
            return true;
        }
        if value.is_some_and(|it| destination(it).is_none() && !it.starts_with(['#', '['])) && after.is_some_and(is_keyword) {
            self.keyword(found);
            self.keyword(found);
            return true;
        }
        false
    }
}
