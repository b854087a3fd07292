//! Whose file it is, in small bundles.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use common::{bundle, case, memory, nodes, owners, tar};
use timeline::{Overrides, Record, Timeline};

const JOURNAL: &str = "-- Logs begin at Fri 2022-02-11 10:00:00 UTC, end at Fri 2022-02-11 12:00:00 UTC. --\n";
const NODES: &str = r#"{"apiVersion":"v1","kind":"List","items":[
 {"kind":"Node","apiVersion":"v1","metadata":{"name":"node-a"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}},
 {"kind":"Node","apiVersion":"v1","metadata":{"name":"node-b"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.2"}]}}]}"#;
const ROUTES: &str = "default via 10.64.0.1 dev eno1 onlink\n10.64.75.4 dev cali21fc9e9645e scope link\n";
const SYSCTL: &str = "kernel.pid_max = 49152\nkernel.threads-max = 1545000\nvm.swappiness = 60\n";

/// Lines of a journal: `host message`.
fn journal(lines: &[(&str, usize)]) -> String {
    let mut text = JOURNAL.to_owned();
    for (host, times) in lines {
        for at in 0..*times {
            text += &format!(
                "Feb 11 10:{:02}:{:02} {host} systemd[1]: Started Session {at} of user root.\n",
                at / 60,
                at % 60
            );
        }
    }
    text
}

#[test]
fn folders_of_a_plain_bundle_are_machines() {
    let case = bundle(&[
        ("case/node-a/ip_route.txt", ROUTES),
        ("case/node-a/etc/sysctl.d/sysctl.txt", SYSCTL),
        ("case/node-b/ip_route.txt", ROUTES),
        ("case/kubectl/nodes.json", NODES),
    ]);
    assert_eq!(
        owners(&case),
        [
            "case/node-a/ip_route.txt node-a",
            "case/node-a/etc/sysctl.d/sysctl.txt node-a",
            "case/node-b/ip_route.txt node-b",
            "case/kubectl/nodes.json -"
        ]
    );
    assert_eq!(case.bundles[0].layout.name, "plain");
    assert_eq!(nodes(case), ["node-a", "node-b"]);
}

#[test]
fn machines_stand_where_their_folders_differ() {
    let case = bundle(&[
        ("x/logs/site-1/alpha/ip_route.txt", ROUTES),
        ("x/logs/site-1/beta/ip_route.txt", ROUTES),
        ("x/readme", "hello\n"),
    ]);
    assert_eq!(nodes(case), ["alpha", "beta"]);
    let case = bundle(&[("x/logs/alpha/ip_route.txt", ROUTES), ("x/readme", "hello\n")]);
    assert_eq!(nodes(case), ["alpha"], "one machine, whose folder the readme does not share");
    let case = bundle(&[("172.21.128.138/ip_route.txt", ROUTES), ("172.21.128.139/ip_route.txt", ROUTES)]);
    assert_eq!(nodes(case), ["172.21.128.138", "172.21.128.139"]);
    let case = bundle(&[("var/crash/202307232213/ip_route.txt", ROUTES), ("node-a.tar.gz!/var/ip_route.txt", ROUTES)]);
    assert_eq!(nodes(case), ["node-a", "unknown-1"], "a date is no machine, an archive may be");
}

#[test]
fn folders_of_the_system_are_no_machines() {
    let case = bundle(&[
        ("x/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345\n"),
        ("x/proc/loadavg", "1.36 3.49 4.53 2/3518 3715089\n"),
        ("x/etc/security/limits.conf", "* soft nproc 100\n"),
        ("x/ip_route.txt", ROUTES),
    ]);
    assert_eq!(nodes(case), ["unknown-1"]);
    let case = bundle(&[
        ("node-a/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345\n"),
        ("node-b/sys/fs/cgroup/kubepods/pids.current", "46123\n"),
    ]);
    assert_eq!(nodes(case), ["node-a", "node-b"]);
}

#[test]
fn a_file_of_nobody_is_one_unknown_machines() {
    let case = bundle(&[("ip_route.txt", ROUTES)]);
    assert_eq!(owners(&case), ["ip_route.txt unknown-1"]);
    let plain = case.bundles[0].layout.name;
    assert_eq!((plain, nodes(case)), ("plain", vec!["unknown-1".to_owned()]));
    // beside a list of nodes it is still nobody's
    let case = bundle(&[("ip_route.txt", ROUTES), ("nodes.json", NODES)]);
    assert_eq!(nodes(case), ["node-a", "node-b", "unknown-1"]);
    // the file says whose it is
    let case = bundle(&[("ip_route-node-b.txt", ROUTES), ("nodes.json", NODES)]);
    assert_eq!(owners(&case), ["ip_route-node-b.txt node-b", "nodes.json -"]);
}

#[test]
fn the_only_machine_that_speaks_owns_what_lies_beside() {
    let journal = journal(&[("node-a", 20)]);
    let case = bundle(&[("journal.txt", &journal), ("ip_route.txt", ROUTES), ("nodes.json", NODES)]);
    assert_eq!(owners(&case), ["journal.txt node-a", "ip_route.txt node-a", "nodes.json -"]);
    let case = bundle(&[("hostname", "node-a\n"), ("ip_route.txt", ROUTES)]);
    assert_eq!(nodes(case), ["node-a"]);
    let case = bundle(&[("uname-1.txt", &uname("node-a")), ("uname-2.txt", &uname("node-b"))]);
    assert_eq!(owners(&case), ["uname-1.txt node-a", "uname-2.txt node-b"]);
}

fn uname(host: &str) -> String {
    format!(
        "Linux {host} 4.4.0-104-generic #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017 x86_64 x86_64 x86_64 GNU/Linux\n"
    )
}

#[test]
fn a_folder_is_called_as_its_journal_calls_the_machine() {
    let files = [
        ("m1/journal.txt", journal(&[("ubuntu", 3), ("node-a", 60)])),
        ("m1/ip_route.txt", ROUTES.to_owned()),
        ("m2/ip_route.txt", ROUTES.to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert_eq!(nodes(bundle(&files)), ["m2", "node-a"]);
    // unless the cluster calls it as the folder does
    let journal_of = journal(&[("ip-10-0-0-1", 60)]);
    let case = bundle(&[("node-a/journal.txt", &journal_of), ("node-a/ip_route.txt", ROUTES), ("nodes.json", NODES)]);
    assert_eq!(nodes(case), ["node-a", "node-b"]);
    // journals of several machines in one folder make it nobody's
    let merged = journal(&[("node-a", 30), ("node-b", 30)]);
    let case =
        bundle(&[("logs-of-all/journal.txt", &merged), ("logs-of-all/ip_route.txt", ROUTES), ("z/y", "hello\n")]);
    assert_eq!(nodes(case), ["node-a", "node-b", "unknown-1"]);
}

#[test]
fn a_sosreport_is_of_one_machine_whatever_it_was_called_before() {
    let journal = journal(&[("ubuntu", 30), ("node-7", 20)]);
    let root = "sosreport-node-7-2022-02-11-hotsos";
    let files = [
        ("version.txt", "sosreport: 4.3\n".to_owned()),
        ("sos_commands/logs/journalctl_--no-pager", journal),
        ("sos_commands/host/hostname", "node-7\n".to_owned()),
        ("sos_commands/networking/ip_route_show_table_all", ROUTES.to_owned()),
        ("sos_commands/kubernetes/nodes.json", NODES.to_owned()),
        ("boot/efi/EFI/ubuntu/sysctl.conf", SYSCTL.to_owned()),
    ];
    let files: Vec<(String, &str)> =
        files.iter().map(|(path, text)| (format!("{root}/{path}"), text.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let case = bundle(&files);
    assert_eq!(case.bundles[0].layout.name, "sos");
    assert!(case.members.iter().all(|it| it.node.as_deref() == Some("node-7")), "{:#?}", owners(&case));
    assert_eq!(nodes(case), ["node-7", "node-a", "node-b"]);
}

#[test]
fn sosreports_of_several_machines_in_one_archive_stay_apart() {
    let sos = |host: &str| {
        let root = format!("sosreport-{host}-2022-02-11-abcdefg");
        let journal = journal(&[("ubuntu", 30), (host, 20)]);
        tar(&[
            (&format!("{root}/version.txt"), "sosreport: 4.3\n"),
            (&format!("{root}/sos_commands/logs/journalctl_--no-pager"), &journal),
            (&format!("{root}/sos_commands/networking/ip_route_show_table_all"), ROUTES),
        ])
    };
    let mut all = ::tar::Builder::new(Vec::new());
    for host in ["node-a", "node-b"] {
        let bytes = sos(host);
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        all.append_data(&mut header, format!("sos-collector-x/sosreport-{host}.tar"), bytes.as_slice()).unwrap();
    }
    let case = case(&[memory("sos-collector-x.tar", all.into_inner().unwrap())], 1);
    assert_eq!(case.bundles[0].layout.name, "sos");
    let of_b = case.members.iter().filter(|it| it.path.contains("sosreport-node-b"));
    assert!(
        of_b.clone().count() == 3 && of_b.clone().all(|it| it.node.as_deref() == Some("node-b")),
        "{:#?}",
        owners(&case)
    );
    assert_eq!(nodes(case), ["node-a", "node-b"], "both were called ubuntu once");
}

#[test]
fn namespaces_and_containers_are_no_nodes() {
    let pods = "apiVersion: v1\nkind: PodList\nitems:\n- kind: Pod\n  apiVersion: v1\n  metadata:\n    name: web-0\n    namespace: shop\n  spec:\n    nodeName: node-b\n  status:\n    phase: Running\n";
    let log = "2023-11-02T06:12:07.604163210Z one\n2023-11-02T06:12:08.604163210Z two\n";
    let case = bundle(&[
        ("mg/quay-io/cluster-scoped-resources/core/nodes.json", NODES),
        ("mg/quay-io/namespaces/shop/core/pods.yaml", pods),
        ("mg/quay-io/namespaces/shop/pods/web-0/nginx/nginx/logs/current.log", log),
        ("mg/quay-io/namespaces/shop/pods/gone-0/nginx/nginx/logs/current.log", log),
        ("mg/timestamp", "2021-09-14 12:14:04.302057327 +0200 CEST m=+2.026710185\n"),
    ]);
    assert_eq!(case.bundles[0].layout.name, "must-gather");
    assert_eq!(case.members[2].node.as_deref(), Some("node-b"));
    assert_eq!(case.members[3].node, None, "its pod is not listed");
    assert_eq!(nodes(case), ["node-a", "node-b"]);
}

#[test]
fn an_event_names_a_node_only_where_there_is_one() {
    let event = |component: &str, host: &str, kind: &str| {
        format!(
            r#"{{"kind":"Event","apiVersion":"v1","metadata":{{"name":"e.1","namespace":"shop"}},"involvedObject":{{"kind":"{kind}","name":"x","namespace":"shop"}},
            "reason":"R","message":"m","type":"Normal","count":1,"firstTimestamp":"2023-11-02T06:12:07Z","lastTimestamp":"2023-11-02T06:12:07Z",
            "source":{{"component":"{component}","host":"{host}"}}}}"#
        )
    };
    let events = [
        event("apiserver", "apiserver-7d847f5b75-4v257", "Namespace"),
        event("kubelet", "node-gone", "Pod"),
        event("daemon", "node-b", "Pod"),
    ];
    let events = format!(r#"{{"kind":"List","apiVersion":"v1","items":[{}]}}"#, events.join(","));
    let case = bundle(&[("nodes.json", NODES), ("events.json", &events)]);
    let timeline = Timeline::build(case.members, case.records, &Overrides::default());
    let names: Vec<String> = timeline.nodes.all().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["node-a", "node-b", "node-gone"]);
    let on: Vec<&str> = timeline.events.iter().map(|it| it.node.as_deref().unwrap_or("-")).collect();
    assert_eq!(on, ["-", "node-gone", "node-b"]);
}

#[test]
fn a_troubleshoot_bundle_tells_its_machine_from_its_nodes() {
    let case = bundle(&[
        ("sb/version.yaml", "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n"),
        ("sb/cluster-resources/nodes.json", NODES),
        ("sb/sysctl/node-a", "/proc/sys/net/ipv4/ip_forward = 1\n/proc/sys/vm/swappiness = 60\n"),
        ("sb/host-collectors/run-host/ip-route-table.txt", ROUTES),
        ("sb/host-collectors/run-host/node-b/ip-route-table.txt", ROUTES),
    ]);
    let owned: Vec<_> = case.members.iter().map(|it| it.node.as_deref().unwrap_or("-").to_owned()).collect();
    assert_eq!(owned, ["-", "-", "node-a", "unknown-1", "node-b"]);
}

#[test]
fn many_logs_of_many_pods() {
    let pods: Vec<String> = (0..2_000).map(|it| format!("- kind: Pod\n  apiVersion: v1\n  metadata:\n    name: web-{it}\n    namespace: shop\n  spec:\n    nodeName: node-{}\n  status:\n    phase: Running\n", it % 50)).collect();
    let pods = format!("apiVersion: v1\nkind: PodList\nitems:\n{}", pods.concat());
    let log = "2023-11-02T06:12:07.604163210Z one\n";
    let paths: Vec<String> =
        (0..20_000).map(|it| format!("d/namespaces/shop/pods/web-{}/c/c/logs/{it}.log", it % 2_000)).collect();
    let mut files: Vec<(&str, &str)> = paths.iter().map(|it| (it.as_str(), log)).collect();
    files.push(("d/cluster-scoped-resources/x.yaml", "kind: X\n"));
    files.push(("d/namespaces/shop/core/pods.yaml", &pods));
    let case = bundle(&files);
    for (at, member) in case.members.iter().take(20_000).enumerate() {
        assert_eq!(member.node.as_deref(), Some(format!("node-{}", at % 2_000 % 50).as_str()));
    }
    let events = case
        .records
        .iter()
        .flat_map(|it| &it.records)
        .filter(|it| matches!(it, Record::Event(it) if it.node.is_some()));
    assert_eq!(events.count(), 20_000);
}
