//! Limits of processes: as the kernel holds them, as a shell prints them, as PAM is told to set them.

use timeline::{Row, Value, relation};

/// Names of `/proc/PID/limits` and of `ulimit -a` by those of limits.conf.
const NAMES: [(&str, &str, u8, &str); 16] = [
    ("core", "core file size", b'c', "core"),
    ("data", "data size", b'd', "data"),
    ("nice", "nice priority", b'e', "scheduling priority"),
    ("fsize", "file size", b'f', "file size"),
    ("sigpending", "pending signals", b'i', "pending signals"),
    ("memlock", "locked memory", b'l', "max locked memory"),
    ("rss", "resident set", b'm', "max memory size"),
    ("nofile", "open files", b'n', "open files"),
    ("pipe", "", b'p', "pipe size"),
    ("msgqueue", "msgqueue size", b'q', "POSIX message queues"),
    ("rtprio", "realtime priority", b'r', "real-time priority"),
    ("stack", "stack size", b's', "stack size"),
    ("cpu", "cpu time", b't', "cpu time"),
    ("nproc", "processes", b'u', "max user processes"),
    ("as", "address space", b'v', "virtual memory"),
    ("locks", "file locks", b'x', "file locks"),
];

/// A row of relation `limit`.
pub(super) fn row(scope: &str, name: &str, soft: Value, hard: Value) -> Row {
    Row::new(&relation::PROCESS_LIMIT).with("scope", scope).with("name", name).with("soft", soft).with("hard", hard)
}

/// `…/proc/1234/limits`, `proc_1_limits.txt`: the process; any other file by its name.
pub(super) fn scope(path: &str) -> String {
    let words: Vec<&str> = path.split(['/', '_', '.']).filter(|it| !it.is_empty()).collect();
    let process = words.iter().rposition(|it| *it == "limits").and_then(|at| words.get(at.checked_sub(1)?));
    match process {
        Some(word) => (*word).to_owned(),
        None => words.last().map_or_else(|| "process".to_owned(), |it| (*it).to_owned()),
    }
}

/// `Max processes             15592                15592                processes`
pub(super) fn process(line: &str) -> Option<(&'static str, Value, Value)> {
    let rest = line.strip_prefix("Max ")?;
    let (name, kernel, _, _) = NAMES.iter().find(|(_, kernel, _, _)| {
        !kernel.is_empty() && rest.strip_prefix(kernel).is_some_and(|it| it.starts_with(' '))
    })
    .copied()
    .or_else(|| rest.starts_with("realtime timeout ").then_some(("rttime", "realtime timeout", b'R', "")))?;
    let mut cells = rest[kernel.len()..].split_ascii_whitespace();
    Some((name, amount(cells.next()?, 1)?, amount(cells.next()?, 1)?))
}

/// `max user processes              (-u) 204800`, `max locked memory       (kbytes, -l) 65536`, of dash
/// `process                     (-u) 31185`; the name is missing for what is no limit.
pub(super) fn ulimit(line: &str) -> Option<(Option<&'static str>, Value)> {
    lettered(line).or_else(|| short(line))
}

/// `process              31185`, `vmemory(kbytes)      unlimited` of dash; `-n: open files                       1024`,
/// `-v: address space (kb)               unlimited` of BusyBox.
fn short(line: &str) -> Option<(Option<&'static str>, Value)> {
    const DASH: [(&str, &str, i64); 12] = [
        ("time(seconds)", "cpu", 1),
        ("file(blocks)", "fsize", 512),
        ("data(kbytes)", "data", 1024),
        ("stack(kbytes)", "stack", 1024),
        ("coredump(blocks)", "core", 512),
        ("memory(kbytes)", "rss", 1024),
        ("locked memory(kbytes)", "memlock", 1024),
        ("process", "nproc", 1),
        ("nofiles", "nofile", 1),
        ("vmemory(kbytes)", "as", 1024),
        ("locks", "locks", 1),
        ("rtprio", "rtprio", 1),
    ];
    const BUSYBOX: [(u8, &str); 10] = [
        (b'c', "core"),
        (b'd', "data"),
        (b'l', "memlock"),
        (b'm', "rss"),
        (b'n', "nofile"),
        (b'p', "nproc"),
        (b'r', "rtprio"),
        (b's', "stack"),
        (b't', "cpu"),
        (b'v', "as"),
    ];
    let (words, value) = line.trim_end().rsplit_once(' ')?;
    let words = words.trim_end();
    if let Some((letter, words)) = words.strip_prefix('-').and_then(|it| it.split_once(": ")) {
        let [letter] = letter.as_bytes() else { return None };
        let scale = if words.ends_with("(kb)") { 1024 } else { 1 };
        // what a block is depends on the shell
        let name = BUSYBOX.iter().find(|it| it.0 == *letter && !words.ends_with("(blocks)")).map(|it| it.1);
        return Some((name, amount(value, scale)?));
    }
    let (_, name, scale) = DASH.iter().find(|it| it.0 == words)?;
    Some((Some(name), amount(value, *scale)?))
}

/// `open files                      (-n) 1024`
fn lettered(line: &str) -> Option<(Option<&'static str>, Value)> {
    let (_, rest) = line.split_once('(')?;
    let (inside, value) = rest.split_once(')')?;
    let (unit, option) = match inside.rsplit_once(", ") {
        Some((unit, option)) => (unit, option),
        None => ("", inside),
    };
    let [b'-', letter] = option.as_bytes() else { return None };
    let scale = match unit {
        "kbytes" => 1024,
        "512 bytes" => 512,
        _ => 1,
    };
    // what a block is depends on the shell
    let named = NAMES.iter().find(|(_, _, it, _)| it == letter && unit != "blocks");
    let value = amount(value.trim(), scale)?;
    Some((named.map(|(name, _, _, _)| *name), value))
}

/// `*    soft    nproc    204800`: domain, item, soft and hard value.
pub(super) fn conf(line: &str) -> Option<(&str, &'static str, Value, Value)> {
    let line = line.split('#').next()?;
    let mut words = line.split_ascii_whitespace();
    let (domain, kind, item, value) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let others = ["maxlogins", "maxsyslogins", "priority", "chroot", "nonewprivs"];
    let name = NAMES
        .iter()
        .map(|(name, _, _, _)| *name)
        .chain(others)
        .find(|it| it.eq_ignore_ascii_case(item))?;
    // core, memory and stack are in kilobytes here
    let scale = if matches!(name, "core" | "data" | "fsize" | "memlock" | "rss" | "stack" | "as") { 1024 } else { 1 };
    let value = if value == "-1" { "unlimited".into() } else { amount(value, scale)? };
    match kind {
        "soft" => Some((domain, name, value, Value::Nothing)),
        "hard" => Some((domain, name, Value::Nothing, value)),
        "-" => Some((domain, name, value.clone(), value)),
        _ => None,
    }
}

fn amount(text: &str, scale: i64) -> Option<Value> {
    if matches!(text, "unlimited" | "infinity") {
        return Some("unlimited".into());
    }
    Some(Value::Int(text.parse::<i64>().ok()?.checked_mul(scale)?))
}
