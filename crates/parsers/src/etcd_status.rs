//! `etcdctl endpoint status|health`, `member list`, `alarm list`, `check perf`: the members of etcd, and how fast they are.
//!
//! ```text
//! [{"Endpoint":"https://10.0.0.1:2379","Status":{"version":"3.4.14","dbSize":105885696,"leader":961661703505595398,…}}]
//! +-----------------------+------------------+---------+---------+-----------+…
//! https://10.0.0.1:2379 is healthy: successfully committed proposal: took = 12.3ms
//! memberID:10501334649042878790 alarm:NOSPACE
//! Slowest request took too long: 0.553545s
//! {"members":{"node-a":"https://10.0.0.1:2380"}}                        k0s etcd member-list
//! ```
//!
//! One row a member and command; JSON (`-w json`), tables (`-w table`) and lines. A row of `etcd.check` for each thing that
//! `check perf` measured. Units: bytes, milliseconds, of a check those it prints. Time: none.
//!
//! Source: etcdctl/ctlv3/command/printer*.go, check.go; k0s `cmd/etcd`.

use std::sync::LazyLock;

use regex::Regex;
use timeline::{MemberRecords, Row, relation};

use crate::expression::expression;
use crate::json_elements::{Documents, elements, entries, entry};
use crate::places::Places;
use crate::state::{State, bytes_of, first_line};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "etcd-status",
    produced_by: "etcdctl endpoint status, endpoint health, member list, alarm list, check perf; k0s etcd member-list",
    samples: &[
        "[{\"Endpoint\":\"https://10.0.0.1:2379\",\"Status\":{\"header\":{\"member_id\":7,\"revision\":34576,\"raft_term\":6},\"version\":\"3.4.14\",\"dbSize\":105885696,\"leader\":7,\"raftIndex\":38078,\"raftTerm\":6,\"raftAppliedIndex\":38078,\"dbSizeInUse\":68759552,\"errors\":[\"memberID:7 alarm:NOSPACE \"]}}]\n",
        "[{\"endpoint\":\"https://10.0.0.1:2379\",\"health\":true,\"took\":\"18.110715ms\"},{\"endpoint\":\"https://10.0.0.2:2379\",\"health\":false,\"took\":\"5.000256342s\",\"error\":\"context deadline exceeded\"}]\n",
        "{\"header\":{\"cluster_id\":1},\"members\":[{\"ID\":7,\"name\":\"node-a\",\"peerURLs\":[\"https://10.0.0.1:2380\"],\"clientURLs\":[\"https://10.0.0.1:2379\"]}]}\n",
        concat!(
            "+-----------------------+------------------+---------+---------+-----------+------------+-----------+------------+--------------------+--------+\n",
            "|       ENDPOINT        |        ID        | VERSION | DB SIZE | IS LEADER | IS LEARNER | RAFT TERM | RAFT INDEX | RAFT APPLIED INDEX | ERRORS |\n",
            "+-----------------------+------------------+---------+---------+-----------+------------+-----------+------------+--------------------+--------+\n",
            "| https://10.0.0.1:2379 | 8e9e05c52164694d |  3.4.14 |  106 MB |      true |      false |         6 |      38078 |              38078 |        |\n",
            "+-----------------------+------------------+---------+---------+-----------+------------+-----------+------------+--------------------+--------+\n",
        ),
        "https://10.0.0.1:2379 is healthy: successfully committed proposal: took = 12.3ms\nhttps://10.0.0.2:2379 is unhealthy: failed to commit proposal: context deadline exceeded\n",
        "memberID:10501334649042878790 alarm:NOSPACE \n",
        " 60 / 60 Booooooooooooooooooooooooooooooooooooooooooooooooooooooo! 100.00% 1m0s\nPASS: Throughput is 150 writes/s\nSlowest request took too long: 0.553545s\nPASS: Stddev is 0.017743s\nFAIL\n",
        "{\"members\":{\"node-a\":\"https://10.0.0.1:2380\",\"node-b\":\"https://10.0.0.2:2380\"}}\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let known = match first_line(sniff.text) {
        Some(first) if first.trim_start().starts_with(['{', '[']) => Documents::of(sniff.text).next().is_some_and(|it| is_json(it.text)),
        Some(_) if sniff.text.lines().take(20).any(|it| checked(it).is_some_and(|it| it.0 == "throughput")) => true,
        Some(_) => {
            let any = sniff.text.lines().any(|it| line_row(it).is_some() || header(it).is_some());
            any && sniff.share(50, |it| line_row(it).is_some() || it.starts_with(['+', '|']) || it.starts_with("Error:") || it.starts_with('{')) >= 0.8
        }
        None => false,
    };
    if known { Certainty::Sure } else { Certainty::No }
}

fn is_json(document: &str) -> bool {
    let one = |it: &str| {
        entry(it, "Endpoint").is_some() && entry(it, "Status").is_some()
            || entry(it, "endpoint").is_some() && entry(it, "health").is_some() && entry(it, "took").is_some()
    };
    let members = || {
        let listed = entry(document, "members").and_then(|it| elements(it.value).next());
        listed.is_some_and(|it| entry(it.text, "peerURLs").is_some()) && entry(document, "header").is_some()
    };
    // each member with the address its peers use
    let named = || {
        let Some(found) = entry(document, "members").filter(|it| it.value.starts_with('{')) else { return false };
        let mut urls = entries(found.value).map(|it| it.value.trim_matches('"').starts_with("http")).peekable();
        urls.peek().is_some() && urls.all(|it| it)
    };
    elements(document).take(1).any(|it| one(it.text)) || members() || named() || entry(document, "alarms").is_some() && entry(document, "header").is_some()
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    if input.text.lines().take(20).any(|it| checked(it).is_some()) {
        state.each(check_line);
        return state.collected(&relation::ETCD_CHECK);
    }
    if first_line(input.text).is_some_and(|it| it.trim_start().starts_with(['{', '['])) {
        let mut places = Places::of(input);
        for document in Documents::of(input.text) {
            json(document.text, &mut places, &mut state);
        }
        state.each(|_, _| true);
    } else {
        lines(&mut state);
    }
    state.collected(&relation::ETCD_MEMBER);
}

fn json<'t>(document: &'t str, places: &mut Places<'t>, state: &mut State<'_, 't, '_>) {
    for element in elements(document) {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(element.text) else { continue };
        let row = if value.get("Status").is_some() { status(&value) } else { health(&value) };
        state.fact(timeline::Fact::new(row, None, places.quote(short(element.text))), timeline::Stamp::None);
    }
    for it in entry(document, "members").into_iter().flat_map(|it| entries(it.value)) {
        let url = it.value.trim_matches('"');
        let row = Row::new(&relation::ETCD_MEMBER).with("name", it.key).with("endpoint", url);
        state.fact(timeline::Fact::new(row, None, places.quote(it.pair)), timeline::Stamp::None);
    }
    let listed = entry(document, "members").or_else(|| entry(document, "alarms"));
    for element in listed.into_iter().flat_map(|it| elements(it.value)) {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(element.text) else { continue };
        let row = Row::new(&relation::ETCD_MEMBER)
            .with("name", value["name"].as_str().map(str::to_owned).or_else(|| id(&value["memberID"])))
            .with("endpoint", value["clientURLs"][0].as_str())
            .with("learner", value["isLearner"].as_bool())
            .with("alarm", alarm(&value["alarm"]));
        state.fact(timeline::Fact::new(row, None, places.quote(short(element.text))), timeline::Stamp::None);
    }
}

/// `PASS: Throughput is 150 writes/s`, `Slowest request took too long: 0.553545s`: what was measured, whether it is good, how much.
fn checked(line: &str) -> Option<(&'static str, &'static str, f64, &'static str)> {
    const LINES: &[(&str, &str, &str, &str)] = &[
        ("PASS: Throughput is ", "throughput", "pass", " writes/s"),
        ("FAIL: Throughput too low: ", "throughput", "fail", " writes/s"),
        ("PASS: Slowest request took ", "slowest-request", "pass", "s"),
        ("Slowest request took too long: ", "slowest-request", "fail", "s"),
        ("PASS: Stddev is ", "deviation", "pass", "s"),
        ("Stddev too high: ", "deviation", "fail", "s"),
    ];
    let (front, check, result, unit) = *LINES.iter().find(|it| line.starts_with(it.0))?;
    let value = line[front.len()..].trim_end().strip_suffix(unit)?.parse().ok()?;
    Some((check, result, value, unit.trim_start()))
}

fn check_line<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let row = |check: &'static str| Row::new(&relation::ETCD_CHECK).with("check", check);
    if let Some((check, result, value, unit)) = checked(line.text) {
        state.push(row(check).with("result", result).with("value", value).with("unit", unit), line);
        return true;
    }
    // `FAIL: ERROR(context deadline exceeded) -> 12`
    if let Some(count) = line.text.strip_prefix("FAIL: ERROR(").and_then(|it| it.rsplit_once(") -> ")) {
        let count = count.1.trim().parse::<i64>().ok();
        state.push(row("errors").with("result", "fail").with("value", count), line);
        return true;
    }
    let text = line.text.trim();
    // the bar of its progress
    matches!(text, "PASS" | "FAIL" | "FAIL: too many errors") || text.contains(" / ") && text.contains('%')
}

/// A quote need not hold a whole object.
fn short(text: &str) -> &str {
    let mut end = text.len().min(400);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn id(value: &serde_json::Value) -> Option<String> {
    value.as_u64().map(|it| format!("{it:x}"))
}

/// 1 is NOSPACE, 2 CORRUPT.
fn alarm(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(it) => Some(it.clone()),
        serde_json::Value::Number(it) => match it.as_i64() {
            Some(1) => Some("NOSPACE".to_owned()),
            Some(2) => Some("CORRUPT".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn status(value: &serde_json::Value) -> Row {
    let status = &value["Status"];
    let member = status["header"]["member_id"].as_u64();
    let errors: Vec<&str> = status["errors"].as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect();
    let errors = errors.join(", ");
    let number = |key: &str| status[key].as_i64();
    Row::new(&relation::ETCD_MEMBER)
        .with("name", member.map(|it| format!("{it:x}")))
        .with("endpoint", value["Endpoint"].as_str())
        .with("leader", status["leader"].as_u64().map(|it| Some(it) == member))
        .with("learner", status["isLearner"].as_bool())
        .with("version", status["version"].as_str())
        .with("db_bytes", number("dbSize"))
        .with("in_use_bytes", number("dbSizeInUse"))
        .with("raft_term", number("raftTerm"))
        .with("raft_index", number("raftIndex"))
        .with("applied_index", number("raftAppliedIndex"))
        .with("alarm", alarm_in(&errors))
        .with("error", (!errors.is_empty()).then_some(errors))
}

fn alarm_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("alarm:")?;
    Some(rest.split([' ', ',']).next().unwrap_or(rest)).filter(|it| !it.is_empty())
}

fn health(value: &serde_json::Value) -> Row {
    Row::new(&relation::ETCD_MEMBER)
        .with("endpoint", value["endpoint"].as_str())
        .with("healthy", value["health"].as_bool().or_else(|| value["health"].as_str().map(|it| it == "true")))
        .with("took_millis", value["took"].as_str().and_then(took_millis))
        .with("error", value["error"].as_str())
}

/// `18.110715ms`, `5.000256342s`, `740.1µs`
fn took_millis(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|it: char| !it.is_ascii_digit());
    let scale = match &text[digits.len()..] {
        "ms" => 1.0,
        "s" => 1000.0,
        "µs" | "us" => 0.001,
        _ => return None,
    };
    Some(digits.parse::<f64>().ok()? * scale)
}

/// The columns of a table.
fn header(line: &str) -> Option<Vec<String>> {
    let cells: Vec<String> = line.trim().strip_prefix('|')?.split('|').map(|it| it.trim().to_ascii_uppercase()).collect();
    let has = |name: &str| cells.iter().any(|it| it == name);
    (has("ENDPOINT") && (has("DB SIZE") || has("HEALTH")) || has("PEER ADDRS") && has("CLIENT ADDRS")).then_some(cells)
}

fn lines<'t>(state: &mut State<'_, 't, '_>) {
    let mut columns: Option<Vec<String>> = None;
    state.each(|state, line| {
        if let Some(found) = header(line.text) {
            columns = Some(found);
            return true;
        }
        if let Some(row) = line_row(line.text) {
            push(row, line, state);
            return true;
        }
        let Some(cells) = line.text.trim().strip_prefix('|').map(|it| it.split('|').map(str::trim)) else {
            return line.text.starts_with(['+', '{']) || line.text.starts_with("Error:");
        };
        let Some(columns) = &columns else { return false };
        let mut row = Row::new(&relation::ETCD_MEMBER);
        for (column, cell) in columns.iter().zip(cells).filter(|(_, it)| !it.is_empty()) {
            row = match column.as_str() {
                "ENDPOINT" => row.with("endpoint", cell),
                "CLIENT ADDRS" => row.with("endpoint", cell.split(',').next()),
                "ID" => row.with("name", cell),
                "NAME" => row.with("name", cell),
                "VERSION" => row.with("version", cell),
                "DB SIZE" => row.with("db_bytes", decimal_bytes(cell)),
                "DB SIZE IN USE" | "IN USE" => row.with("in_use_bytes", decimal_bytes(cell)),
                "IS LEADER" => row.with("leader", cell == "true"),
                "IS LEARNER" => row.with("learner", cell == "true"),
                "RAFT TERM" => row.with("raft_term", cell.parse::<i64>().ok()),
                "RAFT INDEX" => row.with("raft_index", cell.parse::<i64>().ok()),
                "RAFT APPLIED INDEX" => row.with("applied_index", cell.parse::<i64>().ok()),
                "HEALTH" => row.with("healthy", cell == "true"),
                "TOOK" => row.with("took_millis", took_millis(cell)),
                "ERROR" | "ERRORS" => row.with("error", cell).with("alarm", alarm_in(cell)),
                _ => row,
            };
        }
        push(row, line, state);
        true
    });
}

fn push<'t>(row: Row, line: &Line<'t>, state: &mut State<'_, 't, '_>) {
    // the file's node is where the command ran, not the member
    let quote = state.input.origin.quote(line);
    state.fact(timeline::Fact::new(row, None, quote), timeline::Stamp::None);
}

/// `106 MB`, `20 kB`, of go-humanize
fn decimal_bytes(cell: &str) -> Option<i64> {
    let (number, unit) = cell.split_once(' ')?;
    let scale = match unit {
        "B" => 1e0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        it => return bytes_of(&format!("{number}{it}"), 1),
    };
    Some((number.parse::<f64>().ok()? * scale) as i64)
}

/// `https://10.0.0.1:2379 is healthy: … took = 12.3ms`, `memberID:7 alarm:NOSPACE`, a row of the comma separated forms
fn line_row(line: &str) -> Option<Row> {
    static HEALTH: LazyLock<Regex> = LazyLock::new(|| {
        expression(r"^(\S+) is (healthy|unhealthy): (.*)$")
    });
    static STATUS: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^(\S+), ([0-9a-f]{8,16}), (\d+\.\d+\.\d+\S*), (\S+ [kMG]?B), (true|false), (true|false), (\d+), (\d+), (\d+), ?(.*)$";
        expression(pattern)
    });
    static MEMBER: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^[0-9a-f]{8,16}, (?:started|unstarted), ([^,]*), (?:https?|unixs?)://\S+, (\S+?), (true|false)$";
        expression(pattern)
    });
    let row = || Row::new(&relation::ETCD_MEMBER);
    if let Some(rest) = line.strip_prefix("memberID:") {
        let (id, rest) = rest.split_once(' ')?;
        let alarm = rest.trim().strip_prefix("alarm:")?;
        let name = id.parse::<u64>().map_or_else(|_| id.to_owned(), |it| format!("{it:x}"));
        return Some(row().with("name", name).with("alarm", alarm));
    }
    // every other line of a bundle is asked, and an expression that is never asked is never built
    let asked = |words: &[&str], pattern: &'static LazyLock<Regex>| {
        if words.iter().any(|it| line.contains(it)) { pattern.captures(line) } else { None }
    };
    if let Some(found) = asked(&["healthy: "], &HEALTH) {
        let healthy = &found[2] == "healthy";
        let took = found[3].rsplit_once("took = ").and_then(|(_, it)| took_millis(it.trim()));
        let error = (!healthy).then(|| found[3].to_owned());
        let endpoint = found[1].contains(':').then(|| found[1].to_owned())?;
        return Some(row().with("endpoint", endpoint).with("healthy", healthy).with("took_millis", took).with("error", error));
    }
    if let Some(found) = asked(&[", true, ", ", false, "], &STATUS) {
        let number = |at: usize| found[at].parse::<i64>().ok();
        return Some(
            row()
                .with("endpoint", &found[1])
                .with("name", &found[2])
                .with("version", &found[3])
                .with("db_bytes", decimal_bytes(&found[4]))
                .with("leader", &found[5] == "true")
                .with("learner", &found[6] == "true")
                .with("raft_term", number(7))
                .with("raft_index", number(8))
                .with("applied_index", number(9))
                .with("error", Some(found[10].to_owned()).filter(|it| !it.is_empty()))
                .with("alarm", alarm_in(&found[10])),
        );
    }
    let found = asked(&["started, "], &MEMBER)?;
    Some(row().with("name", &found[1]).with("endpoint", found[2].split(',').next()).with("learner", &found[3] == "true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    #[test]
    fn members_from_every_command() {
        let rows = |text: &str| -> Vec<String> {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            let out = read_at(&FORMAT, "x", text);
            let cells = |it: &timeline::Fact| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            facts(&out, "etcd.member").map(|it| cells(it).replace("unknown", "-")).collect()
        };
        let all: Vec<String> = FORMAT.samples.iter().flat_map(|it| rows(it)).collect();
        insta::assert_snapshot!(all.join("\n"), @r"
        7 https://10.0.0.1:2379 - true - 3.4.14 105885696 68759552 6 38078 38078 - NOSPACE memberID:7 alarm:NOSPACE 
        - https://10.0.0.1:2379 true - - - - - - - - 18.111 - -
        - https://10.0.0.2:2379 false - - - - - - - - 5000.256 - context deadline exceeded
        node-a https://10.0.0.1:2379 - - - - - - - - - - - -
        8e9e05c52164694d https://10.0.0.1:2379 - true false 3.4.14 106000000 - 6 38078 38078 - - -
        - https://10.0.0.1:2379 true - - - - - - - - 12.300 - -
        - https://10.0.0.2:2379 false - - - - - - - - - - failed to commit proposal: context deadline exceeded
        91bc3c398fb3c146 - - - - - - - - - - - NOSPACE -
        node-a https://10.0.0.1:2380 - - - - - - - - - - - -
        node-b https://10.0.0.2:2380 - - - - - - - - - - - -
        ");
        assert_eq!(
            rows("127.0.0.1:2379, 8e9e05c52164694d, 3.4.14, 25 kB, true, false, 2, 9, 9, \n"),
            ["8e9e05c52164694d 127.0.0.1:2379 - true false 3.4.14 25000 - 2 9 9 - - -"]
        );
        assert_eq!(
            rows("8211f1d0f64f3269, started, infra1, https://127.0.0.1:12380, https://127.0.0.1:2379, false\n"),
            ["infra1 https://127.0.0.1:2379 - - false - - - - - - - - -"]
        );
    }

    #[test]
    fn what_a_check_measured() {
        let rows = |text: &str| crate::testing::sure_rows_of(&FORMAT, text, "etcd.check", ["check", "result", "value", "unit"]);
        assert_eq!(
            rows(FORMAT.samples[6]),
            ["throughput pass 150 writes/s", "slowest-request fail 0.554 s", "deviation pass 0.018 s"],
        );
        let bad = "FAIL: too many errors\nFAIL: ERROR(context deadline exceeded) -> 12\nFAIL: Throughput too low: 16 writes/s\nStddev too high: 0.4s\nFAIL\n";
        assert_eq!(rows(bad), ["errors fail 12 unknown", "throughput fail 16 writes/s", "deviation fail 0.400 s"]);
    }

    #[test]
    fn other_healthy_things_are_not_etcd() {
        for text in ["everything is healthy: good\n", "{\"members\":[{\"name\":\"x\"}]}\n", "{\"members\":{\"a\":7}}\n", "[{\"endpoint\":\"x\"}]\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
