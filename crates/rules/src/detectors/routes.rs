//! The routing tables of all nodes, and what each does with an address.
//!
//! The node's own addresses win before any table, for `ip route` prints only table main and a node's tunnel address lies
//! inside its own blackhole. Then the tables in the order of the policy rules (`ip rule`), without those in the order of
//! the default rules: local, main, default; in each the longest prefix, of equal ones the lowest metric. A rule that asks
//! for more than the destination may or may not hold for a packet: where its table knows another way, the verdict is
//! marked as diverted, and so it is where a further table has one and no rules were collected.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use timeline::{Fact, MemberId, Name, Quote, Timeline, Value, relation};

use super::facts;

/// Calico's blocks are of these lengths: /20 to /32, /116 to /128.
const BLOCK_BITS: u8 = 12;

/// What a node does with a packet to an address.
pub(super) struct Verdict<'t> {
    /// `delivered`, `local`, `blackhole`, `unreachable`, `prohibit`, `via`, `on-link` or `no-route`.
    pub word: &'static str,
    /// The route or address that matched.
    pub fact: Option<&'t Fact>,
    /// The matching prefix.
    pub dst: Option<IpNet>,
    /// Whether a policy rule or a table that no known rule asks for may send the packet elsewhere.
    pub diverted: bool,
}

/// The routes of one table: prefix length, longest last; network.
type Prefixes<'t> = BTreeMap<u8, BTreeMap<IpNet, Route<'t>>>;

/// The tables the default rules ask, in their order.
const DEFAULT_TABLES: [&str; 3] = ["local", "main", "default"];

/// Whether a route that forwards tells nothing of where to.
fn is_bare(fact: &Fact) -> bool {
    text(fact, "type") == "unicast" && ["via", "dev", "flags"].iter().all(|it| !fact.get(it).is_some())
}

/// The routes of one node.
#[derive(Default)]
pub(super) struct Table<'t> {
    own: BTreeMap<IpAddr, &'t Fact>,
    /// By the name of the table.
    levels: BTreeMap<String, Prefixes<'t>>,
    /// The policy rules by family and priority; none where they were not collected.
    policies: [Vec<Policy<'t>>; 2],
    /// Members with routes, by family: IPv4, IPv6.
    members: [BTreeSet<MemberId>; 2],
    first: [Option<&'t Fact>; 2],
}

struct Route<'t> {
    metric: f64,
    fact: &'t Fact,
}

/// A rule of `ip rule`.
struct Policy<'t> {
    priority: f64,
    table: String,
    to: Option<IpNet>,
    action: String,
    /// It asks for more than the destination.
    conditional: bool,
    /// Matches no longer than this do not count.
    suppress: Option<u8>,
    fact: &'t Fact,
}

/// The tables of all nodes.
pub(super) struct Tables<'t> {
    pub nodes: BTreeMap<Name, Table<'t>>,
    whole: BTreeSet<(Name, MemberId)>,
}

impl<'t> Tables<'t> {
    pub(super) fn of(timeline: &'t Timeline) -> Tables<'t> {
        let mut nodes: BTreeMap<Name, Table<'t>> = BTreeMap::new();
        for fact in facts(timeline, &relation::ROUTE) {
            if let (Some(node), Some(dst)) = (&fact.node, fact.get("dst").as_prefix()) {
                nodes.entry(node.clone()).or_default().add(dst.trunc(), fact);
            }
        }
        for fact in facts(timeline, &relation::ADDRESS) {
            let address = fact.get("address").as_prefix().or_else(|| fact.get("prefix").as_prefix());
            if let (Some(address), Some(table)) = (address, fact.node.as_ref().and_then(|it| nodes.get_mut(it))) {
                table.own.entry(address.addr()).or_insert(fact);
            }
        }
        for fact in facts(timeline, &relation::IP_RULE) {
            if let Some(table) = fact.node.as_ref().and_then(|it| nodes.get_mut(it)) {
                table.add_policy(fact);
            }
        }
        let routes = timeline.collected.iter().filter(|it| it.relation == relation::ROUTE.name);
        let whole = routes.filter(|it| it.incomplete.is_none());
        let whole = whole.filter_map(|it| Some((it.node.clone()?, it.member))).collect();
        Tables { nodes, whole }
    }

    /// The nodes whose table holds routes of the address' family, in order.
    pub(super) fn knowing(&self, ip: IpAddr) -> impl Iterator<Item = (&Name, &Table<'t>)> {
        self.nodes.iter().filter(move |(_, table)| !table.members[family(ip)].is_empty())
    }

    /// The table of a node, if it holds routes of the address' family.
    pub(super) fn table(&self, node: &str, ip: IpAddr) -> Option<&Table<'t>> {
        self.nodes.get(node).filter(|it| !it.members[family(ip)].is_empty())
    }

    /// Whether all routes of the address' family were collected from the node.
    pub(super) fn is_whole(&self, node: &Name, ip: IpAddr) -> bool {
        let members = self.nodes.get(node).map(|it| &it.members[family(ip)]);
        members.is_some_and(|it| it.iter().any(|member| self.whole.contains(&(node.clone(), *member))))
    }

    /// The nodes with `10.64.75.0 dev calidda3b144ba9`: the pod with that address runs there.
    pub(super) fn delivering(&self, ip: IpAddr) -> Vec<(&Name, &'t Fact)> {
        self.knowing(ip).filter_map(|(node, table)| Some((node, table.pod_route(ip)?))).collect()
    }

    /// The only node with a block's `blackhole` over the address which does not deliver it itself.
    pub(super) fn holder(&self, ip: IpAddr) -> Option<(&Name, IpNet, &'t Fact)> {
        let mut found = self.knowing(ip).filter_map(|(node, table)| {
            let (block, fact) = table.block_of(ip)?;
            Some((node, block, fact))
        });
        found.next().filter(|_| found.next().is_none())
    }

    /// Every address that some table delivers to a pod.
    pub(super) fn pod_addresses(&self) -> BTreeSet<IpAddr> {
        let mut found = BTreeSet::new();
        for table in self.nodes.values() {
            for hosts in table.main().into_iter().flat_map(|it| [it.get(&32), it.get(&128)]).flatten() {
                let pods = hosts.keys().filter(|it| it.prefix_len() == it.max_prefix_len()).map(IpNet::addr);
                found.extend(pods.filter(|it| table.pod_route(*it).is_some()));
            }
        }
        found
    }
}

impl<'t> Table<'t> {
    fn add(&mut self, dst: IpNet, fact: &'t Fact) {
        let family = family(dst.addr());
        self.members[family].extend(fact.quotes.first().map(|it| it.span.member));
        self.first[family].get_or_insert(fact);
        if matches!(text(fact, "type").as_str(), "broadcast" | "multicast" | "anycast") || is_dead(fact) {
            return;
        }
        let default = if family == 0 { 0.0 } else { 1024.0 };
        let metric = fact.get("metric").as_number().unwrap_or(default);
        let level = self.levels.entry(table_name(&text(fact, "table"))).or_default();
        let routes = level.entry(dst.prefix_len()).or_default();
        match routes.get_mut(&dst) {
            // what tells no next hop (/proc/net/fib_trie) says less than any other listing of the same route
            Some(known) if is_bare(known.fact) != is_bare(fact) => {
                if is_bare(known.fact) {
                    *known = Route { metric, fact };
                }
            }
            Some(known) if known.metric <= metric => {}
            Some(known) => *known = Route { metric, fact },
            None => {
                routes.insert(dst, Route { metric, fact });
            }
        }
    }

    fn add_policy(&mut self, fact: &'t Fact) {
        let prefix = |column: &str| fact.get(column).as_prefix();
        let inverted = text(fact, "inverted") == "true";
        let policy = Policy {
            priority: fact.get("priority").as_number().unwrap_or_default(),
            table: table_name(&text(fact, "table")),
            to: prefix("dst"),
            action: text(fact, "action"),
            conditional: inverted || prefix("src").is_some() || fact.get("selector").is_some(),
            suppress: fact.get("suppress").as_number().map(|it| it as u8),
            fact,
        };
        let policies = &mut self.policies[usize::from(text(fact, "family") == "inet6")];
        if policies.iter().any(|it| it.priority == policy.priority && it.fact.row == fact.row) {
            return;
        }
        let at = policies.partition_point(|it| it.priority <= policy.priority);
        policies.insert(at, policy);
    }

    fn main(&self) -> Option<&Prefixes<'t>> {
        self.levels.get("main")
    }

    /// What the node does with a packet to the address.
    pub(super) fn lookup(&self, ip: IpAddr) -> Verdict<'t> {
        if let Some(fact) = self.own.get(&ip) {
            return Verdict { word: "local", fact: Some(fact), dst: Some(IpNet::from(ip)), diverted: false };
        }
        let none = || Verdict { word: "no-route", fact: None, dst: None, diverted: false };
        let policies = &self.policies[family(ip)];
        let mut others: Vec<Verdict<'t>> = Vec::new();
        let mut jumps = false;
        let mut verdict = if policies.is_empty() {
            let further = self.levels.keys().filter(|it| !DEFAULT_TABLES.contains(&it.as_str()));
            others.extend(further.filter_map(|it| self.matching(it, ip, None)));
            DEFAULT_TABLES.iter().find_map(|it| self.matching(it, ip, None)).unwrap_or_else(none)
        } else {
            let mut found = None;
            for policy in policies.iter().filter(|it| it.conditional || it.to.is_none_or(|to| to.contains(&ip))) {
                let answer = match policy.action.as_str() {
                    "lookup" => self.matching(&policy.table, ip, policy.suppress),
                    word @ ("blackhole" | "unreachable" | "prohibit") => {
                        let word = ["blackhole", "unreachable", "prohibit"].into_iter().find(|it| *it == word);
                        word.map(|word| Verdict { word, fact: Some(policy.fact), dst: None, diverted: false })
                    }
                    "goto" => {
                        jumps = true;
                        None
                    }
                    _ => None,
                };
                match answer {
                    Some(it) if policy.conditional => others.push(it),
                    Some(it) => {
                        found = Some(it);
                        break;
                    }
                    None => {}
                }
            }
            found.unwrap_or_else(none)
        };
        verdict.diverted = jumps || others.iter().any(|it| it.word != verdict.word || it.dst != verdict.dst);
        verdict
    }

    /// The best route of one table; nothing where it has none, or says to ask the next.
    fn matching(&self, table: &str, ip: IpAddr, suppress: Option<u8>) -> Option<Verdict<'t>> {
        for (len, routes) in self.levels.get(table)?.iter().rev() {
            let Some(wanted) = IpNet::new(ip, *len).ok().map(|it| it.trunc()) else { continue };
            let Some(route) = routes.get(&wanted) else { continue };
            let word = match text(route.fact, "type").as_str() {
                "throw" => return None,
                "local" => "local",
                "blackhole" => "blackhole",
                "unreachable" => "unreachable",
                "prohibit" => "prohibit",
                _ if to_pod(route.fact) => "delivered",
                _ if route.fact.get("via").is_some() => "via",
                _ if route.fact.get("dev").is_some() => "on-link",
                _ => "via", // several next hops, or one by its number
            };
            if suppress.is_some_and(|it| *len <= it) {
                return None;
            }
            return Some(Verdict { word, fact: Some(route.fact), dst: Some(wanted), diverted: false });
        }
        None
    }

    /// The route `10.64.75.0 dev calidda3b144ba9`.
    pub(super) fn pod_route(&self, ip: IpAddr) -> Option<&'t Fact> {
        let host = IpNet::from(ip);
        let route = self.main()?.get(&host.prefix_len())?.get(&host)?;
        to_pod(route.fact).then_some(route.fact)
    }

    /// The blackhole over the address that a node has for each block it owns.
    fn block_of(&self, ip: IpAddr) -> Option<(IpNet, &'t Fact)> {
        let shortest = IpNet::from(ip).max_prefix_len() - BLOCK_BITS;
        self.main()?.range(shortest..).rev().find_map(|(len, routes)| {
            let block = IpNet::new(ip, *len).ok()?.trunc();
            let route = routes.get(&block)?;
            (text(route.fact, "type") == "blackhole").then_some((block, route.fact))
        })
    }

    /// Whether the node holds any block of the address' family, as far as its routes show.
    pub(super) fn shows_block(&self, ip: IpAddr) -> bool {
        let shortest = IpNet::from(ip).max_prefix_len() - BLOCK_BITS;
        let same =
            |it: &&Route<'t>| it.fact.get("dst").as_prefix().is_some_and(|it| it.addr().is_ipv4() == ip.is_ipv4());
        let blocks =
            self.main().into_iter().flat_map(|it| it.range(shortest..)).flat_map(|(_, routes)| routes.values());
        blocks.filter(same).any(|it| text(it.fact, "type") == "blackhole" && !is_default(it.fact))
    }

    /// Whether any route of the family was learnt by BGP or set by Felix: `10.64.75.64/26 via 10.64.16.55 dev eno1 proto bird`.
    pub(super) fn learns_routes(&self, v4: bool) -> bool {
        let routes = self.main().into_iter().flat_map(BTreeMap::values).flatten();
        let mut learnt = routes.filter(|(dst, route)| {
            dst.addr().is_ipv4() == v4
                && route.fact.get("via").is_some()
                && matches!(text(route.fact, "proto").as_str(), "bird" | "12" | "80")
        });
        learnt.next().is_some()
    }

    /// A line that shows what the table is, where nothing in it matches: its default route, else its first.
    pub(super) fn sample(&self, ip: IpAddr) -> Option<&'t Fact> {
        let default =
            self.main().and_then(|it| it.get(&0)).and_then(|it| it.values().find(|it| is_family(it.fact, ip)));
        default.map(|it| it.fact).or(self.first[family(ip)])
    }
}

/// `254` is main, and so is no name.
fn table_name(text: &str) -> String {
    match text {
        "local" | "255" => "local",
        "" | "main" | "254" => "main",
        "default" | "253" => "default",
        other => other,
    }
    .to_owned()
}

fn family(ip: IpAddr) -> usize {
    usize::from(ip.is_ipv6())
}

fn is_family(fact: &Fact, ip: IpAddr) -> bool {
    fact.get("dst").as_prefix().is_some_and(|it| it.addr().is_ipv4() == ip.is_ipv4())
}

fn is_default(fact: &Fact) -> bool {
    fact.get("dst").as_prefix().is_some_and(|it| it.prefix_len() == 0)
}

fn is_dead(fact: &Fact) -> bool {
    text(fact, "flags").split([' ', ',']).any(|it| it == "dead")
}

/// `10.64.75.4 dev cali21fc9e9645e scope link`
fn to_pod(fact: &Fact) -> bool {
    let unicast = matches!(text(fact, "type").as_str(), "" | "unicast");
    unicast && !fact.get("via").is_some() && text(fact, "dev").starts_with("cali")
}

/// A cell as text; empty where the source did not say.
pub(super) fn text(fact: &Fact, column: &str) -> String {
    match fact.get(column) {
        Value::Nothing => String::new(),
        it => it.to_string(),
    }
}

/// A cell as a single address.
pub(super) fn address(fact: &Fact, column: &str) -> Option<IpAddr> {
    let prefix = fact.get(column).as_prefix()?;
    (prefix.prefix_len() == prefix.max_prefix_len()).then(|| prefix.addr())
}

/// The quotes of several facts, the first ones first, each once.
pub(super) fn quotes<'f>(facts: impl IntoIterator<Item = Option<&'f Fact>>) -> Vec<Quote> {
    let mut found: Vec<Quote> = Vec::new();
    for fact in facts.into_iter().flatten() {
        if let Some(quote) = fact.quotes.first()
            && !found.contains(quote)
        {
            found.push(quote.clone());
        }
    }
    found
}
