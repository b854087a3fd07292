//! `ip -j route`: the routing table as JSON, from iproute2 5.3 on.
//!
//! ```text
//! [{"dst":"default","gateway":"10.64.0.1","dev":"eno1","flags":["onlink"]},
//!  {"type":"blackhole","dst":"10.64.75.0/26","protocol":"bird","flags":[]}]
//! ```
//!
//! The rows are those of `ip-route`. Before 6.3 an encapsulated route has two `dst` keys, of which the first is the
//! route's. Versions 4.17 to 4.20 print types without a key, metrics without commas and next hops without quotes; that
//! is no JSON, and nothing of it is read. Skipped: path metrics, encapsulation, all next hops but the first.
//! Units: none. Time: none.
//!
//! Source: `print_route` in iproute2's `ip/iproute.c`.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use timeline::MemberRecords;

use crate::ip_route::{Command, Listing, Route, Shows, by_file_name, destination, kind};
use crate::json_elements::{Documents, elements, entry};
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ip-route-json",
    produced_by: "ip -j route",
    samples: &[
        r#"[{"dst":"default","gateway":"10.64.0.1","dev":"eno1","flags":["onlink"]},{"type":"blackhole","dst":"10.64.75.0/26","protocol":"bird","flags":[]},{"dst":"10.64.75.4","dev":"cali21fc9e9645e","scope":"link","flags":[]}]
"#,
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(array) = Documents::of(sniff.text).next().filter(|it| it.text.starts_with('[')) else {
        return Certainty::No;
    };
    let Some(first) = elements(array.text).next() else {
        let named = by_file_name(&sniff.path.to_ascii_lowercase()).is_some();
        return if named && sniff.whole { Certainty::Maybe } else { Certainty::No };
    };
    let has = |key: &str| entry(first.text, key).is_some();
    // `ip -j neigh` prints dst, dev, lladdr and state
    let route = has("dst") && !has("state") && !has("lladdr") && !has("mac") && ["flags", "gateway", "dev"].into_iter().any(has);
    match () {
        () if route || is_keyless(first.text) => Certainty::Sure,
        () => Certainty::No,
    }
}

/// `{"blackhole","dst":"default",…`
fn is_keyless(object: &str) -> bool {
    let word = object.strip_prefix("{\"").and_then(|it| it.split_once('"'));
    word.is_some_and(|(word, rest)| kind(word).is_some() && rest.starts_with(','))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let member = input.origin.member;
    let mut places = Places::of(input);
    let command = by_file_name(&input.origin.path).unwrap_or_else(|| Command::new(Shows::Routes));
    let mut listing = Listing { routes: Vec::new(), command, node: input.origin.node.clone(), incomplete: None };
    if input.truncated {
        listing.incomplete = Some("the file is cut".to_owned());
    }
    let mut answers = false;
    let mut documents = Documents::of(input.text);
    for document in documents.by_ref() {
        for element in elements(document.text) {
            out.tally.lines += 1;
            let read = serde_json::from_str::<Pairs>(element.text);
            let Ok(pairs) = read else {
                let line = places.line(element.text);
                out.tally.odd_bytes += element.text.len() as u64;
                if !element.whole {
                    listing.incomplete = Some(format!("line {line} is cut"));
                    out.issue(member, line, "the file ends inside a route");
                    continue;
                }
                let why = "ip of iproute2 4.17 to 4.20 prints routes as text that is no JSON (types without a key, flattened next hops); collect ip route without -j";
                out.issue(member, line, why);
                out.tally.understood = 0;
                out.records.clear();
                listing.routes.clear();
                listing.incomplete = Some("the JSON of this version of ip cannot be read".to_owned());
                listing.hand_out(member, line, out);
                return;
            };
            match route(&pairs) {
                Some(Answer::Route(route)) => {
                    out.tally.understood += 1;
                    listing.routes.push((*route, places.quote(element.text)));
                }
                Some(Answer::Cloned) => {
                    out.tally.understood += 1;
                    answers = true;
                }
                None => {
                    let line = places.line(element.text);
                    out.tally.odd_bytes += element.text.len() as u64;
                    let shown: String = element.text.chars().take(120).collect();
                    out.issue(member, line, format!("no route the kernel prints: {shown}"));
                    listing.incomplete.get_or_insert_with(|| format!("line {line} could not be read as a route"));
                }
            }
        }
        if !document.whole {
            listing.incomplete.get_or_insert_with(|| "the file is cut".to_owned());
        }
    }
    let rest = documents.rest().trim();
    if !rest.is_empty() {
        out.tally.lines += 1;
        out.tally.odd_bytes += rest.len() as u64;
        out.issue(member, places.line(rest), "text after the routes");
    }
    let shows = match listing.command.shows {
        Shows::NotTheTable(what) => Some(what),
        _ if answers && listing.routes.is_empty() => Some("the answer of ip route get, which is no row of a table"),
        _ => None,
    };
    match shows {
        Some(what) => out.issue(member, 1, format!("{what}: no table of the node")),
        None => listing.hand_out(member, 1, out),
    }
}

/// An object with its keys in order, also those that come twice.
struct Pairs(Vec<(String, Value)>);

impl Pairs {
    fn first(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(it, _)| it == key).map(|(_, value)| value)
    }

    /// Of a key that comes twice, the route's own comes after that of its encapsulation.
    fn last(&self, key: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(it, _)| it == key).map(|(_, value)| value)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.last(key).and_then(Value::as_str)
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        struct Keep;
        impl<'de> Visitor<'de> for Keep {
            type Value = Pairs;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Keep)
    }
}

enum Answer {
    Route(Box<Route<'static>>),
    /// A cached or computed entry, no row of a table.
    Cloned,
}

/// `{"dst":"10.244.4.0/26","protocol":"bird","flags":[],"nexthops":[{"gateway":"192.168.10.31","dev":"eth0",…`
fn route(pairs: &Pairs) -> Option<Answer> {
    let of_type = match pairs.text("type") {
        Some(word) => kind(word)?,
        None => "unicast",
    };
    let dst = pairs.first("dst").and_then(Value::as_str).and_then(destination)?;
    if pairs.last("uid").is_some() || pairs.last("cache").is_some() {
        return Some(Answer::Cloned);
    }
    let owned = |key: &str| pairs.text(key).map(|it| Cow::Owned(it.to_owned()));
    let mut route = Route::new(of_type, dst);
    (route.via, route.foreign_via) = gateway(pairs.last("gateway"), pairs.last("via"));
    route.dev = owned("dev");
    route.proto = owned("protocol");
    route.scope = owned("scope");
    route.table = owned("table");
    route.src = address(pairs.last("prefsrc"));
    route.from = pairs.text("from").and_then(destination).flatten();
    route.metric = pairs.last("metric").and_then(Value::as_i64);
    route.pref = pairs.last("pref").is_some();
    route.nhid = pairs.last("nhid").is_some();
    let flags = pairs.last("flags").and_then(Value::as_array);
    route.flags = flags.into_iter().flatten().filter_map(Value::as_str).map(|it| Cow::Owned(it.to_owned())).collect();
    if let Some(hops) = pairs.last("nexthops").and_then(Value::as_array) {
        route.hops = u32::try_from(hops.len()).unwrap_or(u32::MAX);
        if let Some(first) = hops.first() {
            (route.via, route.foreign_via) = gateway(first.get("gateway"), first.get("via"));
            route.dev = first.get("dev").and_then(Value::as_str).map(|it| Cow::Owned(it.to_owned()));
        }
    }
    route.is_possible().then(|| Answer::Route(Box::new(route)))
}

/// `"gateway":"10.64.0.1"`, or `"via":{"family":"inet6","host":"fd00:10::1"}` where the families differ.
fn gateway(gateway: Option<&Value>, via: Option<&Value>) -> (Option<IpAddr>, bool) {
    match via.and_then(|it| it.get("host")) {
        Some(host) => (address(Some(host)), true),
        None => (address(gateway), false),
    }
}

fn address(value: Option<&Value>) -> Option<IpAddr> {
    value?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, read_cut, sample, samples_in, sniff_certainty};

    fn rows(out: &MemberRecords) -> Vec<String> {
        facts(out, "route").map(|it| format!("{:?} {:?}", it.node, it.row.values)).collect()
    }

    fn text_rows(path: &str, text: &str) -> Vec<String> {
        rows(&read_at(&crate::ip_route::FORMAT, path, text))
    }

    #[test]
    fn text_and_json_say_the_same_in_every_version() {
        let mut routes = 0;
        for version in ["5.4.0", "5.10.0", "5.15.0", "6.1.0-debian", "6.6.0", "7.1.0"] {
            let files = samples_in(&format!("network/iproute2/{version}"));
            for file in files.iter().filter(|it| it.ends_with(".json")) {
                let (Some(json), Some(text)) = (sample(file), sample(&file.replace(".json", ".txt"))) else { return };
                assert_eq!(sniff_certainty(&FORMAT, "x", &json), Certainty::Sure);
                let out = read_at(&FORMAT, "x", &json);
                assert!(out.issues.is_empty(), "{file}: {:?}", out.issues);
                assert_eq!(out.tally.lines, out.tally.understood);
                assert_eq!(rows(&out), text_rows("x", &text), "{file}");
                routes += rows(&out).len();
            }
        }
        assert!(routes == 0 || routes == 1524, "{routes}");
    }

    #[test]
    fn text_and_json_of_a_cluster() {
        for scenario in ["nomesh", "mesh"] {
            for node in ["k1001", "k1003"] {
                for table in ["", "_show_table_all"] {
                    let file = format!("network/scenario-borrowed-{scenario}/{node}.ip");
                    let (json, text) = (format!("{file}_-j_route{table}.txt"), format!("{file}_route{table}.txt"));
                    let (Some(json_text), Some(plain)) = (sample(&json), sample(&text)) else { return };
                    let (found, expected) = (read_at(&FORMAT, &json, &json_text), read_at(&crate::ip_route::FORMAT, &text, &plain));
                    assert_eq!(rows(&found), rows(&expected), "{json}");
                    assert_eq!(found.collected, expected.collected);
                    assert_eq!(found.collected[0].incomplete, None);
                }
            }
        }
    }

    #[test]
    fn what_no_json_is_gives_nothing() {
        for dump in ["route_table_all", "route_d_table_all", "route6_table_all", "route6_d_table_all"] {
            let Some(text) = sample(&format!("network/iproute2/4.20.0/{dump}.invalid-json")) else { return };
            assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure, "{dump}");
            let out = read_at(&FORMAT, "x", &text);
            assert!(out.records.is_empty());
            assert!(out.issues[0].what.contains("4.17 to 4.20"));
            assert!(out.collected[0].incomplete.is_some());
        }
    }

    #[test]
    fn the_first_of_two_destinations_is_the_routes() {
        let text = r#"[{"dst":"10.26.0.0/16","encap":"ip","id":100,"src":"0.0.0.0","dst":"192.168.10.9","ttl":64,"tos":0,"gateway":"192.168.10.9","dev":"eth0","flags":[]}]"#;
        let expected = text_rows("x", "10.26.0.0/16  encap ip id 100 src 0.0.0.0 dst 192.168.10.9 ttl 64 tos 0 via 192.168.10.9 dev eth0");
        assert_eq!(rows(&read_at(&FORMAT, "x", text)), expected);
    }

    #[test]
    fn cut_pods_and_answers() {
        let sample = FORMAT.samples[0];
        let cut = read_cut(&FORMAT, "x", &sample[..sample.len() - 30]);
        assert_eq!(rows(&cut).len(), 2);
        assert!(cut.collected[0].incomplete.is_some());
        let pod = r#"[{"dst":"default","gateway":"169.254.1.1","dev":"eth0","flags":[]},{"dst":"169.254.1.1","dev":"eth0","scope":"link","flags":[]}]"#;
        let pod = read_at(&FORMAT, "x", pod);
        assert!(pod.records.is_empty() && pod.collected.is_empty() && pod.issues.len() == 1);
        let answer = read_at(&FORMAT, "x", r#"[{"dst":"10.244.4.1","gateway":"192.168.10.31","dev":"eth0","prefsrc":"192.168.10.5","flags":[],"uid":0,"cache":[]}]"#);
        assert!(answer.records.is_empty() && answer.collected.is_empty());
        let strange = read_at(&FORMAT, "x", r#"[{"dst":"10.64.75.4/26","dev":"x","flags":[]},{"dst":7},3]"#);
        assert!(strange.records.is_empty() && strange.collected[0].incomplete.is_some());
    }

    #[test]
    fn other_json_is_left_alone() {
        for text in ["[]", "{}", "", "[1,2]", r#"[{"dst":"10.0.0.1","dev":"eth0","lladdr":"02:00:00:00:00:01","state":["REACHABLE"]}]"#, r#"[{"priority":0,"src":"all","table":"local"}]"#, r#"{"kind":"List","items":[]}"#] {
            assert_eq!(sniff_certainty(&FORMAT, "x.json", text), Certainty::No, "{text}");
            read_at(&FORMAT, "x", text);
        }
    }
}
