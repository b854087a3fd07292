use timeline::Stamp;

use super::*;
use crate::testing::{events, facts, read_at, shown, sniff_certainty};

/// A request as the API server notes it.
fn asked(at: u32, verb: &str, client: &str, object: &str, status: &str) -> String {
    format!(
        "{{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"auditID\":\"a{at}\",\"stage\":\"ResponseComplete\",\
         \"requestURI\":\"/readyz?verbose\",\"verb\":\"{verb}\",\"user\":{{\"username\":\"{client}\"}},\"sourceIPs\":[\"10.0.0.9\"],\
         \"userAgent\":\"tool/v1 (linux)\",{object}\"responseStatus\":{{{status}}},\
         \"requestReceivedTimestamp\":\"2024-01-31T10:00:{at:02}.000000Z\",\"stageTimestamp\":\"2024-01-31T10:00:{at:02}.250000Z\"}}\n"
    )
}

const PODS: &str = "\"objectRef\":{\"resource\":\"pods\",\"namespace\":\"shop\",\"name\":\"web-1\"},";

#[test]
fn changes_and_failures_are_events() {
    let lines = [
        asked(1, "delete", "admin", PODS, "\"code\":200"),
        asked(2, "list", "agent", PODS, "\"code\":429,\"reason\":\"TooManyRequests\",\"message\":\"asked \\\"us\\\" to wait\""),
        asked(3, "get", "agent", "", "\"code\":500"),
        // upkeep, reads, refusals, and what the parts of the cluster do for others
        asked(4, "update", "system:node:node-a", "\"objectRef\":{\"resource\":\"leases\"},", "\"code\":200"),
        asked(5, "get", "admin", PODS, "\"code\":200"),
        asked(6, "delete", "admin", PODS, "\"code\":404"),
        asked(7, "patch", "admin", "\"objectRef\":{\"resource\":\"nodes\",\"subresource\":\"status\"},", "\"code\":200"),
        asked(8, "create", "system:kube-scheduler", PODS, "\"code\":201"),
        asked(9, "delete", "system:kube-controller-manager", PODS, "\"code\":200"),
        asked(10, "delete", "admin", PODS, "\"code\":200").replace("ResponseComplete", "RequestReceived"),
        asked(11, "get", "admin", "", "").replace("ResponseComplete", "Panic"),
    ];
    let out = read_at(&FORMAT, "audit.log", &lines.concat());
    assert_eq!((out.tally.lines, out.tally.understood), (11, 11));
    let told: Vec<&str> = events(&out).map(|it| &*it.message).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    delete pods shop/web-1 by admin (tool/v1): answered 200
    list pods shop/web-1 by agent (tool/v1): answered 429 TooManyRequests asked "us" to wait
    get /readyz by agent (tool/v1): answered 500
    delete pods shop/web-1 by system:kube-controller-manager (tool/v1): answered 200
    get /readyz by admin (tool/v1)
    "#);
    let first = events(&out).next().expect("an event");
    let Stamp::Exact { resolution, .. } = first.stamp else { panic!("an exact stamp") };
    assert_eq!(resolution, TimeDelta::milliseconds(250), "from receipt to answer");
    assert!(out.seen.is_empty(), "it is no log of the control plane");
    assert!(out.collected.iter().all(|it| it.incomplete.is_some()));
}

#[test]
fn lists_and_hosts_in_front() {
    let out = read_at(&FORMAT, "webhook.json", FORMAT.samples[1]);
    let told: Vec<&str> = events(&out).map(|it| &*it.message).collect();
    assert_eq!(told, ["update deployments.apps/scale shop/web by admin: answered 200"]);
    let text = format!("master-0 {}master-1 {}", FORMAT.samples[0].lines().next().unwrap_or_default().to_owned() + "\n", asked(1, "delete", "b", PODS, "\"code\":200"));
    assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure);
    let out = read_at(&FORMAT, "x", &text);
    let nodes: Vec<Option<&str>> = events(&out).map(|it| it.node.as_deref()).collect();
    assert_eq!(nodes, [Some("master-0"), Some("master-1")]);
}

#[test]
fn who_asked_most() {
    let mut text = String::new();
    for at in 0..20 {
        text += &asked(at, "list", "system:node:node-a", PODS, "\"code\":200");
        text += &asked(at, "list", "system:node:node-b", PODS, "\"code\":429");
    }
    text += &asked(20, "get", "admin as root", "", "\"code\":503");
    let out = read_at(&FORMAT, "audit.log", &text);
    let columns = ["client", "agent", "verb", "resource", "requests", "failed", "limited", "share_percent", "slowest_millis"];
    insta::assert_snapshot!(shown(&out, "api.client", columns).join("\n"), @r"
    admin as root tool/v1 get /readyz 1 1 0 2.400 250
    system:nodes tool/v1 list pods 40 0 20 97.600 250
    ");
    let row = facts(&out, "api.client").last().expect("a row");
    assert_eq!(row.get("per_second").to_string(), "1.980");
}

#[test]
fn very_many_changes_are_told_and_counted() {
    let one = asked(1, "delete", "admin", PODS, "\"code\":200");
    let out = read_at(&FORMAT, "audit.log", &one.repeat(MOST_KEPT as usize + 7));
    assert_eq!(events(&out).count(), MOST_KEPT as usize);
    assert_eq!(out.issues[0].what, "of 5007 changes only the first 5000 are kept");
    assert_eq!(shown(&out, "api.client", ["requests"]), ["5007"]);
}

#[test]
fn what_only_looks_like_it() {
    for text in [
        "{\"kind\":\"Event\",\"apiVersion\":\"v1\"}\n",
        "a line with {\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"} in it\n",
        "{\"apiVersion\":\"audit.k8s.io/v1\",\"kind\":\"Policy\"}\n",
        "{\"level\":\"info\",\"msg\":\"audit.k8s.io\"}\n",
    ] {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
    }
    let torn = read_at(&FORMAT, "x", "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\n");
    assert_eq!((torn.tally.lines, torn.tally.understood), (1, 0));
}
