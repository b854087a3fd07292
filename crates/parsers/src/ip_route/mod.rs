//! `ip route`: a node's routing table, as any version of iproute2 or BusyBox prints it.
//!
//! ```text
//! root@kubestage1001:~# ip route
//! default via 10.64.0.1 dev eno1 onlink
//! 10.64.0.0/22 dev eno1 proto kernel scope link src 10.64.0.247
//! blackhole 10.64.75.0/26 proto bird
//! 10.64.75.4 dev cali21fc9e9645e scope link
//! ```
//!
//! An optional type, a prefix, then keywords with a fixed number of arguments; so a paste that lost its line ends reads
//! the same. A prompt begins the table of the host it names. The table is main unless the line, the command or the file
//! name says otherwise. A route is believed only when the kernel could have printed it: a prefix in a comment has no
//! device and is none. BusyBox prints nothing of several next hops, so that in its listings a prefix alone is a route.
//!
//! Skipped: path metrics, encapsulation, all next hops but the first. Not taken for the node's table: the answers of
//! `ip route get`, cloned cache entries, `ip monitor`, and a table read inside a pod (`default via 169.254.1.1 dev eth0`).
//! Units: none. Time: none, a route is a fact of collection time.
//!
//! Source: `man 8 ip-route`; `print_route` in iproute2's `ip/iproute.c`.

mod command;
mod grammar;
mod route;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

pub(crate) use command::{Command, Shows, by_file_name};
use grammar::{Candidate, Grammar, continues, is_elision, is_keyword};
use ipnet::IpNet;
use regex::Regex;
pub(crate) use route::{Route, destination, kind};
use timeline::{Collected, Fact, MemberId, MemberRecords, Name, Quote, Record, Span, Stamp, relation};
use tokens::{Token, Tokens};

use crate::expression::expression;
use crate::{Certainty, Format, Input, Origin, Reading, Sniff, paste};

pub(crate) static FORMAT: Format = Format {
    name: "ip-route",
    produced_by: "ip route",
    samples: &[
        "default via 10.64.0.1 dev eno1 onlink \n10.64.0.0/22 dev eno1 proto kernel scope link src 10.64.0.247 \nblackhole 10.64.75.0/26 proto bird \n10.64.75.4 dev cali21fc9e9645e scope link \n",
        "default via fe80::1 dev eth0 proto ra metric 100 expires 1755sec mtu 1480 hoplimit 64 pref high\nfd00:30::/64 proto bird metric 1024 pref medium\n\tnexthop via fd00:10::31 dev eth0 weight 1 \n\tnexthop via fd00:20::31 dev eth1 weight 2 linkdown \n",
        "root@node-1:~# ip route default via 10.0.0.1 dev eno1 onlink blackhole 10.1.0.0/26 proto bird root@node-2:~# ip route default via 10.0.0.1 dev eno1 [...]",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// `/usr/sbin/ip: bad command or file name`, `Object "rout" is unknown, try "ip help".`
static FAILED: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r#"(?i)^(?:\S*\bip: .*(?:not found|bad command|no such file)|object ".*" is unknown|cannot open network namespace|rtnetlink answers:|command ".*" is unknown|bash: .*ip: |dump (?:terminated|was interrupted)|cannot (?:find device|send dump|open netlink)|fib table does not exist|timeout: )|command not found|^error: "#,
    )
});

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let path = sniff.path.to_ascii_lowercase();
    // configuration of routes to be: the same grammar, another meaning
    if path.contains("network-scripts") || path.contains("/etc/") || path.starts_with("etc/") {
        return Certainty::No;
    }
    let named = by_file_name(&path).is_some();
    let hints = [" dev ", "ip route", "ip r", "blackhole "];
    if !named && !hints.iter().any(|it| sniff.text.contains(it)) {
        return Certainty::No;
    }
    let origin = Origin { member: MemberId(0), path: path.as_str().into(), node: None, watch: Arc::new(false), hold_bytes: crate::HOLD_BYTES };
    let input = Input { origin: &origin, text: sniff.text, bytes: sniff.bytes, truncated: !sniff.whole };
    let mut out = MemberRecords::default();
    read(&input, by_file_name(&path).unwrap_or_else(|| Command::new(Shows::Routes)), &mut out);
    let routes = out.records.len() as u64;
    let share = out.tally.understood as f64 / out.tally.lines.max(1) as f64;
    let prompted = out.collected.iter().any(|it| it.node.is_some());
    match () {
        () if out.tally.lines == 0 => Certainty::No,
        () if named && sniff.text.lines().take(3).any(|it| FAILED.is_match(it)) => Certainty::Likely,
        () if named && share >= 0.5 && sniff.text.len() < 64 => Certainty::Likely,
        () if routes == 0 && out.issues.iter().any(|it| it.what.contains("no table of the node")) && share >= 0.9 => Certainty::Likely,
        () if routes == 0 => Certainty::No,
        () if share >= 0.95 && (routes >= 2 || named || prompted) => Certainty::Sure,
        () if share >= 0.6 || (prompted && share >= 0.3) => Certainty::Likely,
        () if prompted || named || path.contains("route") => Certainty::Maybe,
        () => Certainty::No,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let by_name = by_file_name(&input.origin.path).filter(|it| it.shows != Shows::Other);
    read(input, by_name.unwrap_or_else(|| Command::new(Shows::Routes)), out);
    paste::others(input, FORMAT.name, out);
}

/// Reads only what follows a prompt with `ip route`.
pub(crate) fn read_prompted(input: &Input<'_>, out: &mut MemberRecords) {
    read(input, Command::new(Shows::Other), out);
}

fn read(input: &Input<'_>, begun: Command, out: &mut MemberRecords) {
    let (by_line, numeric) = shape(input.text);
    let grammar = Grammar { tokens: Tokens::new(input.text), by_line, numeric };
    let sections = vec![Section::new(begun, input.origin.node.clone(), 1)];
    let (labels, odd) = (BTreeMap::new(), Odd::default());
    let busybox = by_line && is_busybox(input.text);
    Reader { input, out, grammar, sections, current: 0, labels, odd, prose: None, busybox }.read();
}

/// Whether line ends mean anything here, and whether types are numbers.
fn shape(text: &str) -> (bool, bool) {
    let (mut starts, mut middles) = (0u32, 0u32);
    for line in crate::lines(text, 0, 1) {
        let Some((word, indented)) = tokens::first_word(&line) else { continue };
        if destination(word).is_some() || kind(word).is_some() {
            starts += 1;
        } else if is_keyword(word) && !continues(word) && !indented {
            middles += 1;
        }
    }
    let (mut numbers, mut names, mut inside) = (false, false, false);
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.peek(0) {
        if matches!(token.text, "proto" | "scope")
            && let Some(next) = tokens.peek(1)
        {
            let number = next.text.bytes().all(|it| it.is_ascii_digit());
            numbers |= number;
            names |= !number;
        }
        inside |= token.text.contains('@') && !token.first && command::prompt(&mut tokens).is_some();
        tokens.take();
    }
    (!inside && middles * 2 <= starts, numbers && !names)
}

/// Whether BusyBox printed this: it never says who made a route, and puts two blanks before `src` and `metric`.
fn is_busybox(text: &str) -> bool {
    let marked = |line: &str| line.contains(" dev ") && (line.contains("  src ") || line.contains("  metric "));
    !text.contains(" proto ") && !text.contains("nexthop ") && text.lines().filter(|it| marked(it)).count() >= 2
}

/// The table of one host as one command printed it.
struct Section<'t> {
    command: Command,
    node: Option<Name>,
    line: u32,
    routes: Vec<Candidate<'t>>,
    /// Why rows may be missing.
    incomplete: Option<String>,
    failed: Option<&'t str>,
}

impl Section<'_> {
    fn new(command: Command, node: Option<Name>, line: u32) -> Self {
        Section { command, node, line, routes: Vec::new(), incomplete: None, failed: None }
    }

    fn lacks(&mut self, why: impl FnOnce() -> String) {
        self.incomplete.get_or_insert_with(why);
    }
}

/// Lines that nothing explains.
#[derive(Default)]
struct Odd {
    line: u32,
    count: u64,
}

struct Reader<'i, 't> {
    input: &'i Input<'t>,
    out: &'i mut MemberRecords,
    grammar: Grammar<'t>,
    sections: Vec<Section<'t>>,
    current: usize,
    /// Sections whose lines carry the host's name.
    labels: BTreeMap<Name, usize>,
    odd: Odd,
    /// Line of a word of prose just before, if it announces nothing.
    prose: Option<u32>,
    /// Whether next hops may be missing.
    busybox: bool,
}

impl<'t> Reader<'_, 't> {
    fn read(&mut self) {
        for line in self.input.lines() {
            self.out.tally.lines += u64::from(!line.text.trim().is_empty());
        }
        while let Some(token) = self.grammar.tokens.peek(0) {
            self.step(token);
        }
        self.out.tally.understood = self.out.tally.lines.saturating_sub(self.odd.count);
        if self.input.truncated
            && let Some(last) = self.sections.get_mut(self.current)
        {
            // the last word may be half a word
            if !self.input.text.ends_with('\n')
                && last.routes.last().is_some_and(|it| it.end == self.input.text.trim_end().len())
            {
                last.routes.pop();
            }
            last.lacks(|| "the file is cut".to_owned());
        }
        for section in std::mem::take(&mut self.sections) {
            self.close(section);
        }
    }

    /// Takes what stands at the next word.
    fn step(&mut self, token: Token<'t>) {
        if let Some((words, host)) = command::prompt(&mut self.grammar.tokens) {
            self.grammar.tokens.skip(words);
            self.begin(token.line, host);
            return;
        }
        if command::is_bare_command(&mut self.grammar.tokens) {
            self.begin(token.line, None);
            return;
        }
        if let Some((words, host)) = command::heading(&mut self.grammar.tokens) {
            self.grammar.tokens.skip(words);
            self.label(token.line, &host, words == 1);
            return;
        }
        if is_elision(token.text) {
            self.section().lacks(|| format!("the listing is elided at {}", token.text));
            self.grammar.tokens.take();
            return;
        }
        if is_comment(token.text) {
            self.comment(token.line);
            return;
        }
        if token.first && (token.text.starts_with("[nsid") || token.text.starts_with("[ROUTE]") || token.text == "Timestamp:") {
            self.section().command.shows = Shows::NotTheTable("changes of ip monitor");
        }
        if token.first && FAILED.is_match(line_of(self.input.text, token.start)) {
            let text = line_of(self.input.text, token.start);
            let end = text.char_indices().nth(160).map_or(text.len(), |(at, _)| at);
            self.section().failed = Some(&text[..end]);
            self.skip_line(token.line);
            return;
        }
        if self.section().command.shows != Shows::Other && self.grammar.at_start() {
            // `ip route add 10.64.75.0/32 via …`, `a route for 10.64.75.0/32 via …`: talk, no listing
            let in_prose = self.prose.take() == Some(token.line);
            if let Some(candidate) = self.grammar.route() {
                self.take(candidate, in_prose);
            }
            return;
        }
        self.prose = (!token.text.ends_with([':', ']', ')', '>', '='])).then_some(token.line);
        self.strange(token);
        self.grammar.tokens.take();
    }

    fn section(&mut self) -> &mut Section<'t> {
        &mut self.sections[self.current]
    }

    /// A prompt: another command, maybe of another host.
    fn begin(&mut self, line: u32, host: Option<String>) {
        let command = command::command(&mut self.grammar.tokens, line);
        let node = command.host.clone().or(host).map(Name::from).or_else(|| self.section().node.clone());
        if command.shows == Shows::Other {
            self.skip_line_unless_joined(line);
        }
        self.sections.push(Section::new(command, node, line));
        self.current = self.sections.len() - 1;
    }

    /// The name of a host before its lines, which may come back after those of others.
    fn label(&mut self, line: u32, host: &str, labelled: bool) {
        if let Some(at) = self.labels.get(host).filter(|_| labelled) {
            self.current = *at;
            return;
        }
        let command = Command { host: None, ..self.sections[0].command.clone() };
        let node = Name::from(host);
        self.sections.push(Section::new(command, Some(node.clone()), line));
        self.current = self.sections.len() - 1;
        if labelled {
            self.labels.insert(node, self.current);
        }
    }

    /// `# But no explicit route for 10.64.75.0/32`: to the end of the line or the next prompt.
    fn comment(&mut self, line: u32) {
        self.grammar.tokens.take();
        while let Some(token) = self.grammar.tokens.peek(0).filter(|it| it.line == line) {
            if token.text.contains(['@', '#', '$']) && command::prompt(&mut self.grammar.tokens).is_some() {
                return;
            }
            if is_elision(token.text) {
                self.section().lacks(|| format!("the listing is elided at {}", token.text));
            }
            self.grammar.tokens.take();
        }
    }

    fn skip_line(&mut self, line: u32) {
        while self.grammar.tokens.peek(0).is_some_and(|it| it.line == line) {
            self.grammar.tokens.take();
        }
    }

    /// The rest of a command we do not read.
    fn skip_line_unless_joined(&mut self, line: u32) {
        while let Some(token) = self.grammar.tokens.peek(0).filter(|it| it.line == line) {
            if token.text.contains(['@', '#', '$']) && command::prompt(&mut self.grammar.tokens).is_some() {
                return;
            }
            self.grammar.tokens.take();
        }
    }

    /// A word that nothing explains.
    fn strange(&mut self, token: Token<'t>) {
        if token.line != self.odd.line {
            self.odd = Odd { line: token.line, count: self.odd.count + 1 };
            self.out.tally.odd_bytes += line_of(self.input.text, token.start).len() as u64;
        }
    }

    /// Keeps a candidate if the kernel could have printed it.
    fn take(&mut self, mut found: Candidate<'t>, in_prose: bool) {
        if found.deleted || found.cloned {
            return;
        }
        // a bare prefix in the middle of a line is a word of some sentence; anything more may be a route we lost
        let alone = self.input.text[..found.start].chars().rev().take_while(|it| *it != '\n').all(|it| it.is_ascii_whitespace());
        let ends = || self.input.text[found.end..].chars().take_while(|it| *it != '\n').all(|it| it.is_ascii_whitespace());
        if self.busybox && alone && !found.route.is_possible() && found.route.kind == "unicast" && ends() {
            found.route.hops = 2;
        }
        let possible = (found.route.is_possible() || (found.cut && found.words > 0)) && !found.broken;
        if possible && !in_prose {
            if found.cut {
                self.section().lacks(|| format!("line {} is cut", found.line));
            }
            self.section().routes.push(found);
            return;
        }
        let token = Token { text: "", start: found.start, end: found.end, line: found.line, first: false, indented: false };
        self.strange(token);
        if !possible {
            self.prose = Some(found.line);
        }
        if (found.words > 0 || alone) && self.section().command.shows == Shows::Routes {
            self.section().lacks(|| format!("line {} could not be read as a route", found.line));
            let text: String = self.input.text[found.start..found.end].chars().take(120).collect();
            self.out.issue(self.input.origin.member, found.line, format!("no route the kernel prints: {text}"));
        }
    }

    /// Hands out the facts of a section.
    fn close(&mut self, mut section: Section<'t>) {
        let member = self.input.origin.member;
        if let Shows::NotTheTable(what) = section.command.shows {
            self.out.issue(member, section.line, format!("{what}: no table of the node"));
            return;
        }
        if section.command.shows == Shows::Other {
            return;
        }
        if let Some(text) = section.failed {
            section.lacks(|| format!("the command failed: {text}"));
            self.out.issue(member, section.line, format!("the command failed: {text}"));
        }
        // what stood before the first prompt
        if section.routes.is_empty() && section.incomplete.is_none() && section.line == 1 && self.current > 0 {
            return;
        }
        let quoted = |found: Candidate<'t>| {
            let text = &self.input.text[found.start..found.end];
            let span = Span { member, start: found.start as u64, len: text.len() as u32, line: found.line };
            (found.route, Quote { span, text: text.into() })
        };
        let routes = section.routes.into_iter().map(quoted).collect();
        let listing = Listing { routes, command: section.command, node: section.node, incomplete: section.incomplete };
        listing.hand_out(member, section.line, self.out);
    }
}

/// The routes one command printed.
pub(crate) struct Listing<'t> {
    /// In the order they were printed.
    pub(crate) routes: Vec<(Route<'t>, Quote)>,
    /// What was asked for, as far as it is known.
    pub(crate) command: Command,
    /// Whose.
    pub(crate) node: Option<Name>,
    /// Why routes may be missing, apart from what the command leaves out.
    pub(crate) incomplete: Option<String>,
}

impl Listing<'_> {
    /// Turns it into facts, and says whether it is the whole table; `line` is where it begins.
    pub(crate) fn hand_out(self, member: MemberId, line: u32, out: &mut MemberRecords) {
        if self.routes.iter().any(|(it, _)| is_pod_gateway(it)) {
            out.issue(member, line, "a routing table of a pod's network namespace: no table of the node");
            return;
        }
        let asked = self.command.table.as_deref();
        let families = families(&self.routes, self.command.v6);
        let only_v6 = !families.is_empty() && families.iter().all(|it| *it);
        let incomplete = self
            .incomplete
            .or_else(|| self.routes.is_empty().then(|| "no route is listed".to_owned()))
            .or_else(|| self.command.selected.map(|it| format!("the listing is filtered by {it}")))
            .or_else(|| asked.filter(|it| !matches!(*it, "main" | "all")).map(|it| format!("only table {it} is listed")))
            .or_else(|| only_v6.then(|| "only IPv6 routes are listed".to_owned()));
        let table = asked.filter(|it| *it != "all").unwrap_or("main");
        for ((route, quote), v6) in self.routes.into_iter().zip(families) {
            let fact = Fact::new(route.row(v6, table), self.node.clone(), quote);
            out.records.push(Record::Fact(Box::new(fact), Stamp::None));
        }
        out.collected.push(Collected { relation: relation::ROUTE.name, node: self.node, incomplete, member });
    }
}

/// Settles which routes are IPv6: a `default` may not say so itself, but IPv4 is printed before IPv6.
fn families(routes: &[(Route<'_>, Quote)], v6_asked: bool) -> Vec<bool> {
    let own: Vec<Option<bool>> = routes.iter().map(|(it, _)| it.is_v6()).collect();
    let only_v6 = v6_asked || (own.contains(&Some(true)) && !own.contains(&Some(false)));
    let mut v6_begun = false;
    let settle = |(own, (route, _)): (Option<bool>, &(Route<'_>, Quote))| {
        v6_begun |= matches!(route.dst, Some(IpNet::V6(_)));
        own.unwrap_or(v6_begun || only_v6)
    };
    own.into_iter().zip(routes).map(settle).collect()
}

/// `default via 169.254.1.1 dev eth0`: how Calico's pods reach their node.
fn is_pod_gateway(route: &Route<'_>) -> bool {
    let gateway = route.via.map(|it| it.to_string());
    route.dst.is_none()
        && matches!(gateway.as_deref(), Some("169.254.1.1" | "fe80::ecee:eeff:feee:eeee"))
        && route.dev.as_deref().is_some_and(|it| it.starts_with("eth"))
}

/// The prompts of a paste: where they end, and the host they name.
pub(crate) fn prompts(text: &str) -> Vec<(usize, Option<Name>)> {
    let mut found = Vec::new();
    // most files have none
    if !text.contains(['$', '#', '%']) {
        return found;
    }
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.peek(0) {
        match command::prompt(&mut tokens) {
            Some((words, host)) => {
                tokens.skip(words);
                found.push((token.end, host.map(Name::from)));
            }
            None => tokens.skip(1),
        }
    }
    found
}

/// The parts of a paste, by the hosts its prompts name.
pub(crate) fn by_prompt(input: &Input<'_>) -> Vec<(Option<Name>, Range<usize>)> {
    let mut found = vec![(input.origin.node.clone(), 0..input.text.len())];
    for (at, host) in prompts(input.text) {
        let node = host.or_else(|| found.last().and_then(|(it, _)| it.clone()));
        if let Some((_, last)) = found.last_mut() {
            last.end = at;
        }
        found.push((node, at..input.text.len()));
    }
    found
}

/// `#`, `//`, `<--`: what follows is a person's remark.
fn is_comment(word: &str) -> bool {
    word.starts_with('#') || matches!(word, "//" | ";" | "←") || word.starts_with("<-") || word.starts_with("<=")
}

/// The line an offset lies in.
fn line_of(text: &str, at: usize) -> &str {
    let from = memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |it| it + 1);
    let to = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |it| at + it);
    text[from..to].trim_end_matches('\r')
}
