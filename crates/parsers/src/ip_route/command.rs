//! Prompts and commands around the output: whose table it is, and whether all of it.

use super::route::{destination, table_name};
use super::tokens::{Token, Tokens};

/// What a section of a paste shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shows {
    /// Routes of the node's own tables.
    Routes,
    /// Something else; its lines are not read.
    Other,
    /// Something that looks like routes and must not be taken for the node's table.
    NotTheTable(&'static str),
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) shows: Shows,
    /// The table, as printed; nothing is main.
    pub(crate) table: Option<String>,
    /// Whether only IPv6 was asked for.
    pub(crate) v6: bool,
    /// A selector or a filter behind a pipe.
    pub(crate) selected: Option<String>,
    /// The host of `ssh HOST ip route`.
    pub(crate) host: Option<String>,
}

impl Command {
    pub(crate) fn new(shows: Shows) -> Command {
        Command { shows, table: None, v6: false, selected: None, host: None }
    }
}

/// `root@kubestage1003:~#`, `[root@node-1 ~]#`, `node-1:~ #`, `$`: how many words, and the host where it is named.
pub(super) fn prompt(tokens: &mut Tokens<'_>) -> Option<(usize, Option<String>)> {
    let first = tokens.peek(0)?;
    let word = first.text;
    if word.contains('@') {
        let (user, rest) = word.trim_start_matches('[').split_once('@')?;
        let host = rest.split([':', '~', '/', ']', '#', '$']).next().unwrap_or_default();
        let after = &rest[host.len()..];
        if !is_host(host) || !is_host(user) {
            return None;
        }
        let host = named(host);
        if after.ends_with(['#', '$']) {
            return Some((1, host));
        }
        // `[root@node-1 ~]#`, `root@node-1 ~ #`, `root@node-1: #`
        if after.is_empty() || after.starts_with(':') {
            for at in 1..=2 {
                let next = tokens.peek(at).filter(|it| it.line == first.line)?.text;
                if is_mark(next) || next.ends_with("]#") || next.ends_with("]$") {
                    return Some((at + 1, host));
                }
                if !next.starts_with(['~', '/', ':']) {
                    return None;
                }
            }
        }
        return None;
    }
    let (second, third) = (same_line(tokens, 1), same_line(tokens, 2));
    // `node-1:~#`, and on SUSE `node-1:~ #`
    if let Some((host, path)) = word.split_once(':')
        && path.starts_with(['~', '/'])
        && is_host(host)
    {
        if path.ends_with(['#', '$']) {
            return Some((1, named(host)));
        }
        if second.is_some_and(is_mark) {
            return Some((2, named(host)));
        }
    }
    // `node-1# ip route`, `sh-4.4# ip route`
    if let Some(host) = word.strip_suffix(['#', '$', '%'])
        && is_host(host)
        && second.is_some_and(is_program)
    {
        return Some((1, named(host)));
    }
    // `$ ip route`, `/ # ip route`
    if is_mark(word) && second.is_some_and(is_program) && asks_for_routes(tokens, 1, first.line) {
        return Some((1, None));
    }
    if matches!(word, "/" | "~") && second.is_some_and(is_mark) && third.is_some_and(is_program) {
        return Some((2, None));
    }
    None
}

/// The word `at` places ahead, if it stands on the same line.
fn same_line<'t>(tokens: &mut Tokens<'t>, at: usize) -> Option<&'t str> {
    let line = tokens.peek(0)?.line;
    tokens.peek(at).filter(|it| it.line == line).map(|it| it.text)
}

/// Whether a command stands here without a prompt: `ip route show` as a heading.
pub(super) fn is_bare_command(tokens: &mut Tokens<'_>) -> bool {
    tokens.peek(0).is_some_and(|it| it.first && is_ip(it.text) && asks_for_routes(tokens, 0, it.line))
}

/// Reads the command behind a prompt, up to its output.
pub(super) fn command(tokens: &mut Tokens<'_>, line: u32) -> Command {
    let mut found = Command::new(Shows::Other);
    loop {
        let Some(word) = on_line(tokens, line) else { return found };
        match word.text {
            "sudo" | "time" | "nice" => {
                tokens.take();
                while on_line(tokens, line).is_some_and(|it| it.text.starts_with('-')) {
                    tokens.take();
                }
            }
            "chroot" => {
                tokens.take();
                tokens.take();
            }
            "ssh" => {
                tokens.take();
                while on_line(tokens, line).is_some_and(|it| it.text.starts_with('-')) {
                    let option = tokens.take().map_or("", |it| it.text);
                    if matches!(option, "-p" | "-i" | "-l" | "-o" | "-F" | "-J") {
                        tokens.take();
                    }
                }
                let Some(host) = on_line(tokens, line) else { return found };
                tokens.take();
                let host = host.text.rsplit('@').next().unwrap_or_default();
                found.host = is_host(host).then(|| named(host)).flatten();
            }
            "kubectl" | "oc" | "docker" | "crictl" | "nerdctl" | "podman" | "nsenter" => {
                found.shows = foreign(tokens, line);
                return found;
            }
            text if is_ip(text) => break,
            _ => return found,
        }
    }
    tokens.take();
    words(tokens, line, &mut found);
    found
}

/// The command a file is named after: `sos_commands/networking/ip_-6_route_show_table_all`.
pub(crate) fn by_file_name(name: &str) -> Option<Command> {
    let name = name.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".out")).or_else(|| name.strip_suffix(".log")).unwrap_or(name);
    let spaced = name.replace(['_', '.', ' '], " ").replace("ip-route", "ip route").replace("ip-r ", "ip route ");
    let mut tokens = Tokens::new(&spaced);
    while !is_ip(tokens.peek(0)?.text) || !asks_for_routes(&mut tokens, 0, 1) {
        tokens.take();
    }
    tokens.take();
    let mut found = Command::new(Shows::Other);
    words(&mut tokens, 1, &mut found);
    // what follows in a file name may be anything: a host, a date
    Some(found)
}

/// Options, object, verb and selectors behind `ip`.
fn words(tokens: &mut Tokens<'_>, line: u32, found: &mut Command) {
    while let Some(option) = on_line(tokens, line).filter(|it| it.text.starts_with('-')) {
        tokens.take();
        match option.text {
            "-6" => found.v6 = true,
            "-f" | "-family" => found.v6 = tokens.take().is_some_and(|it| it.text == "inet6"),
            "-rc" | "-rcvbuf" | "-b" | "-batch" | "-l" | "-loops" => {
                tokens.take();
            }
            "-n" | "-net" | "-netns" => {
                tokens.take();
                found.shows = Shows::NotTheTable("routes of another network namespace");
            }
            _ => {}
        }
    }
    let Some(object) = on_line(tokens, line) else { return };
    if object.text == "netns" {
        found.shows = Shows::NotTheTable("routes of another network namespace");
        return;
    }
    if !is_route_word(object.text) {
        return;
    }
    tokens.take();
    if found.shows == Shows::Other {
        found.shows = Shows::Routes;
    }
    if let Some(verb) = on_line(tokens, line) {
        match verb.text.trim_end_matches(':') {
            "s" | "sh" | "sho" | "show" | "l" | "li" | "lis" | "list" | "ls" | "lst" => {
                tokens.take();
            }
            "g" | "ge" | "get" => {
                tokens.take();
                if on_line(tokens, line).is_some_and(|it| it.text == "fibmatch") {
                    found.selected = Some("get fibmatch".to_owned());
                } else {
                    found.shows = Shows::NotTheTable("the answer of ip route get, which is no row of a table");
                }
            }
            "save" | "add" | "a" | "del" | "delete" | "change" | "replace" | "append" | "flush" | "restore" => {
                found.shows = Shows::Other;
            }
            _ => {}
        }
    }
    selectors(tokens, line, found);
}

/// `table all`, `proto bird`, `10.64.75.0/24`, `| grep bird`
fn selectors(tokens: &mut Tokens<'_>, line: u32, found: &mut Command) {
    while let Some(word) = on_line(tokens, line) {
        match word.text {
            "table" | "t" => {
                tokens.take();
                if let Some(table) = tokens.take() {
                    found.table = Some(table_name(table.text).to_owned());
                }
            }
            "dev" | "oif" | "iif" | "proto" | "protocol" | "type" | "scope" | "via" | "src" | "from" | "root" | "match"
            | "exact" | "tos" | "metric" | "vrf" | "to" | "realm" | "realms" => {
                tokens.take();
                let argument = tokens.take().map_or("", |it| it.text);
                found.selected.get_or_insert_with(|| format!("{} {argument}", word.text));
            }
            "cache" | "cached" => {
                tokens.take();
                found.shows = Shows::NotTheTable("the route cache, which is no table");
            }
            "inet6" => {
                tokens.take();
                found.v6 = true;
            }
            text if text.starts_with(['|', '>', '&', ';']) || text.starts_with("2>") => {
                pipe(tokens, line, found);
                return;
            }
            text if destination(text).is_some() && is_selector(tokens, line) => {
                tokens.take();
                found.selected.get_or_insert_with(|| text.to_owned());
            }
            _ => return,
        }
    }
}

/// `| grep bird`: programs that only reorder or copy leave the table whole.
fn pipe(tokens: &mut Tokens<'_>, line: u32, found: &mut Command) {
    let mut text = String::new();
    while let Some(word) = on_line(tokens, line) {
        if destination(word.text).is_some() && !is_selector(tokens, line) {
            break;
        }
        if super::route::kind(word.text).is_some() && tokens.peek(1).is_some_and(|it| destination(it.text).is_some()) {
            break;
        }
        tokens.take();
        if text.len() > 200 {
            continue; // long enough to say what was filtered
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word.text);
    }
    let harmless = text.split('|').filter(|it| !it.trim().is_empty()).all(|part| {
        let program = part.split_whitespace().next().unwrap_or_default();
        matches!(program, "sort" | "cat" | "tee" | "column" | "less" | "more") || program.starts_with(['>', '2', '&'])
    });
    if !harmless {
        found.selected = Some(text);
    }
}

/// Whether the destination at hand belongs to the command: it ends the line, or another destination follows it.
fn is_selector(tokens: &mut Tokens<'_>, line: u32) -> bool {
    match tokens.peek(1).filter(|it| it.line == line) {
        None => true,
        Some(next) => {
            destination(next.text).is_some() || super::route::kind(next.text).is_some() || next.text.starts_with('|')
        }
    }
}

/// A command that runs `ip` somewhere else: swallows the rest of it.
fn foreign(tokens: &mut Tokens<'_>, line: u32) -> Shows {
    let mut at = 0;
    while at < 24 && tokens.peek(at).is_some_and(|it| it.line == line) {
        if tokens.peek(at).is_some_and(|it| is_ip(it.text)) && asks_for_routes(tokens, at, line) {
            return Shows::NotTheTable("routes read inside a container or another namespace");
        }
        at += 1;
    }
    Shows::Other
}

fn on_line<'t>(tokens: &mut Tokens<'t>, line: u32) -> Option<Token<'t>> {
    tokens.peek(0).filter(|it| it.line == line)
}

/// Whether `ip [options] route` stands `at` words ahead.
fn asks_for_routes(tokens: &mut Tokens<'_>, at: usize, line: u32) -> bool {
    let mut at = at;
    while tokens.peek(at).is_some_and(|it| it.line == line && (it.text == "sudo" || it.text.starts_with('-'))) {
        at += 1;
    }
    if !tokens.peek(at).is_some_and(|it| it.line == line && is_ip(it.text)) {
        return false;
    }
    for next in at + 1..at + 8 {
        match tokens.peek(next).filter(|it| it.line == line).map(|it| it.text) {
            Some(option) if option.starts_with('-') || matches!(option, "inet" | "inet6") => {}
            Some(word) => return is_route_word(word.trim_end_matches(':')),
            None => return false,
        }
    }
    false
}

fn is_route_word(word: &str) -> bool {
    matches!(word.trim_end_matches(':'), "r" | "ro" | "rou" | "rout" | "route" | "routes")
}

fn is_ip(word: &str) -> bool {
    word == "ip" || (word.starts_with('/') && word.ends_with("/ip"))
}

/// Whether a word can begin a command line whose output we know.
fn is_program(word: &str) -> bool {
    is_ip(word) || matches!(word, "sudo" | "ssh" | "nsenter" | "chroot")
}

fn is_mark(word: &str) -> bool {
    matches!(word, "#" | "$" | "%")
}

fn is_host(word: &str) -> bool {
    word.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_')
        && word.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_'))
}

/// A shell is no host, and `localhost` names nobody.
fn named(host: &str) -> Option<String> {
    let shell = ["sh-", "bash-", "ash-", "zsh-"].iter().any(|it| host.starts_with(it));
    (!shell && !matches!(host, "localhost" | "sh" | "bash" | "localhost.localdomain")).then(|| host.to_owned())
}

/// `kubestage1003 | CHANGED | rc=0 >>` of ansible, or `kubestage1003:` before each line as pdsh writes it: how many words.
pub(super) fn heading(tokens: &mut Tokens<'_>) -> Option<(usize, String)> {
    let first = tokens.peek(0).filter(|it| it.first)?;
    let mut same = |at| tokens.peek(at).filter(|it| it.line == first.line).map(|it| it.text);
    if is_host(first.text) && same(1) == Some("|") && same(3) == Some("|") && same(4).is_some_and(|it| it.starts_with("rc=")) {
        return Some((if same(5) == Some(">>") { 6 } else { 5 }, first.text.to_owned()));
    }
    let host = first.text.strip_suffix(':').filter(|it| is_host(it))?;
    let starts = same(1).is_some_and(|it| destination(it).is_some())
        || (same(1).is_some_and(|it| super::route::kind(it).is_some()) && same(2).is_some_and(|it| destination(it).is_some()));
    // `fd00:` would be half an address, `1:` a rule or an interface
    (starts && host.len() > 1 && !host.bytes().all(|it| it.is_ascii_hexdigit())).then(|| (1, host.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<String>, Command)> {
        let mut tokens = Tokens::new(text);
        let (words, host) = prompt(&mut tokens)?;
        tokens.skip(words);
        Some((host, command(&mut tokens, 1)))
    }

    #[test]
    fn prompts_of_many_shells() {
        for (text, host) in [
            ("root@kubestage1003:~# ip route", Some("kubestage1003")),
            ("[root@node-1 ~]# ip route", Some("node-1")),
            ("[root@node-1]# ip route", Some("node-1")),
            ("core@node-1 ~ $ ip route", Some("node-1")),
            ("user@node-1:/var/log$ ip r", Some("node-1")),
            ("node-1:~ # ip route", Some("node-1")),
            ("node-1# ip route", Some("node-1")),
            ("sh-4.4# ip route", None),
            ("$ ip route", None),
            ("# sudo ip -6 route show table all", None),
            ("/ # ip route", None),
        ] {
            let (found, command) = read(text).expect(text);
            assert_eq!((found.as_deref(), command.shows), (host, Shows::Routes), "{text}");
        }
        for text in ["# But no explicit route for 10.64.75.0/32", "mail me@example.net for more", "# ip addr", "10.0.0.0/8 via x"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_asked_for() {
        let ask = |text: &str| read(&format!("root@h:~# {text}")).expect("a prompt").1;
        assert_eq!(ask("ip route show table all").table.as_deref(), Some("all"));
        assert_eq!(ask("ip ro sh t 255").table.as_deref(), Some("local"));
        assert!(ask("ip -6 -d route").v6);
        assert_eq!(ask("ip route | grep bird").selected.as_deref(), Some("| grep bird"));
        assert_eq!(ask("ip route | sort").selected, None);
        assert_eq!(ask("ip route show proto bird").selected.as_deref(), Some("proto bird"));
        assert_eq!(ask("ip route show default").selected.as_deref(), Some("default"));
        assert_eq!(ask("ip route show default default via 10.0.0.1 dev eth0").selected.as_deref(), Some("default"));
        assert_eq!(ask("ip route default via 10.0.0.1 dev eth0").selected, None);
        assert_eq!(ask("ip route get 10.0.0.1").shows, Shows::NotTheTable("the answer of ip route get, which is no row of a table"));
        assert_eq!(ask("ip addr").shows, Shows::Other);
        assert_eq!(ask("ip rule").shows, Shows::Other);
        assert_eq!(ask("calicoctl node status").shows, Shows::Other);
        assert!(matches!(ask("ip netns exec blue ip route").shows, Shows::NotTheTable(_)));
        assert!(matches!(ask("kubectl exec coredns-1 -- ip route").shows, Shows::NotTheTable(_)));
        assert_eq!(ask("ssh -p 22 root@node-2 ip route").host.as_deref(), Some("node-2"));
    }

    #[test]
    fn files_named_after_the_command() {
        let table = |name: &str| by_file_name(name).map(|it| (it.shows == Shows::Routes, it.table, it.v6));
        assert_eq!(table("ip_route"), Some((true, None, false)));
        assert_eq!(table("x/k1001.ip_route_show_table_local.txt"), Some((true, Some("local".to_owned()), false)));
        assert_eq!(table("ip_-6_route_show_table_all"), Some((true, Some("all".to_owned()), true)));
        assert_eq!(table("ip-route.txt"), Some((true, None, false)));
        assert_eq!(table("ip_route_get_10.244.4.1.txt"), Some((false, None, false)));
        assert_eq!(table("ip_addr.txt"), None);
        assert_eq!(table("route_table_all.txt"), None);
    }
}
