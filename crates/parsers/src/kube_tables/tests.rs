use chrono::DateTime;
use timeline::Event;

use super::*;
use crate::testing::{events, facts, read_at, sample, sniff_certainty};

fn render(event: &Event) -> String {
    let stamp = match &event.stamp {
        Stamp::Exact { at, .. } => at.format("%H:%M:%S%.3f").to_string(),
        Stamp::Between { lo, hi } => format!("{}..{}", lo.format("%H:%M:%S"), hi.format("%H:%M:%S")),
        Stamp::Zoneless { local, .. } => format!("{local} local"),
        other => format!("{other:?}"),
    };
    let row = event.row.as_ref().expect("a row");
    let cells = ["reason", "type", "kind", "namespace", "name", "container", "component", "count", "on"];
    let cells: Vec<_> = cells.iter().map(|it| row.get(it).to_string()).collect();
    format!("{stamp} x{} | {} | {}", event.count, cells.join(" "), event.message)
}

fn rendered(text: &str) -> Vec<String> {
    assert_eq!(crate::identify(&crate::testing::sniff("x", text)).map(|it| it.name), Some("kube-tables"));
    let out = read_at(&FORMAT, "x", text);
    assert_eq!(out.tally.lines, out.tally.understood);
    events(&out).map(render).collect()
}


fn named() -> String {
    let nanos = 1_592_111_739_276_543_210i64;
    format!("{nanos:016x}")
}

#[test]
fn the_layout_of_today_has_no_moment() {
    let text = "LAST SEEN   TYPE      REASON      OBJECT                  MESSAGE\n4m27s       Warning   Unhealthy   pod/calico-node-7hx2k   Liveness probe failed: timeout\n12m         Normal    NodeNotReady   node/node-b   Node node-b status is now: NodeNotReady\n";
    let found = rendered(text);
    assert_eq!(
        found[0],
        "None x1 | Unhealthy Warning Pod unknown calico-node-7hx2k unknown unknown 1 unknown | Liveness probe failed: timeout"
    );
    // shifted by a long word, and still read by counting
    assert_eq!(
        found[1],
        "None x1 | NodeNotReady Normal Node unknown node-b unknown unknown 1 node-b | Node node-b status is now: NodeNotReady"
    );
}

#[test]
fn the_wide_layout_tells_its_moment_by_the_names() {
    let name = named();
    let text = format!(
        "NAMESPACE     LAST SEEN   TYPE      REASON      OBJECT      SUBOBJECT                SOURCE            MESSAGE   FIRST SEEN   COUNT   NAME\n\
         kube-system   2m          Warning   Unhealthy   pod/cal-1   spec.containers{{calico}}  kubelet, node-b   failed    10m          41      cal-1.{name}\n"
    );
    // first at 05:15:39, ten minutes before printing, last two minutes before
    assert_eq!(
        rendered(&text),
        [
            "05:15:39.276 x1 | Unhealthy Warning Pod kube-system cal-1 calico kubelet 41 node-b | failed",
            "05:22:39..05:24:39 x40 | Unhealthy Warning Pod kube-system cal-1 calico kubelet 41 node-b | failed"
        ]
    );
}

#[test]
fn layouts_of_old() {
    let name = format!("10.0.0.7.{}", named());
    let line = |cells: [&str; 10]| -> String {
        let widths = [12, 13, 8, 30, 7, 12, 10, 11, 20, 0];
        let padded: String = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded + "\n"
    };
    let row = ["3m", "3m", "1", &name, "Node", "", "Warning", "Rebooted", "kubelet, 10.0.0.7", "Node 10.0.0.7 has been rebooted"];
    for (last, first) in [("LAST SEEN", "FIRST SEEN"), ("LASTSEEN", "FIRSTSEEN")] {
        let mut header = [last, first, "COUNT", "NAME", "KIND", "SUBOBJECT", "TYPE", "REASON", "SOURCE", "MESSAGE"];
        let expected = ["05:15:39.276 x1 | Rebooted Warning Node unknown 10.0.0.7 unknown kubelet 1 10.0.0.7 | Node 10.0.0.7 has been rebooted"];
        assert_eq!(rendered(&(line(header) + &line(row))), expected);
        header.swap(0, 1);
        assert_eq!(rendered(&(line(header) + &line(row))), expected);
    }
}

#[test]
fn a_date_above_the_table_tells_its_moment() {
    let text = "Mon Jul 24 03:02:13 UTC 2023\nLAST SEEN   TYPE      REASON      OBJECT      MESSAGE\n2m13s       Warning   Unhealthy   pod/cal-1   failed\n";
    assert_eq!(
        rendered(text),
        ["02:59:59..03:01:00 x1 | Unhealthy Warning Pod unknown cal-1 unknown unknown 1 unknown | failed"]
    );
    assert_eq!(facts(&read_at(&FORMAT, "x", text), "clock.collected").count(), 1);
}

#[test]
fn custom_columns_may_print_instants() {
    let text = "LASTSEEN               REASON      KIND   MESSAGE\n2023-07-24T03:00:00Z   Unhealthy   Pod    failed\n";
    assert_eq!(
        rendered(text),
        ["03:00:00.000 x1 | Unhealthy unknown Pod unknown unknown unknown unknown 1 unknown | failed"]
    );
}

#[test]
fn kubectl_events_counts_in_its_ages() {
    let text = "LAST SEEN               TYPE      REASON    OBJECT      MESSAGE\n4m27s (x11 over 26m)    Warning   BackOff   Pod/web-0   Back-off restarting failed container\n";
    assert_eq!(
        rendered(text),
        ["None x11 | BackOff Warning Pod unknown web-0 unknown unknown 11 unknown | Back-off restarting failed container"]
    );
}

#[test]
fn a_console_line_and_its_contradiction() {
    let line = "2020-06-14 13:15:39  Warning Node 172.21.128.138.1618e2878157535e Rebooted  Node 172.21.128.138 has been rebooted, boot id: 1\n";
    assert_eq!(
        rendered(line),
        ["2020-06-14 13:15:39 local x1 | Rebooted Warning Node unknown 172.21.128.138 unknown unknown 1 172.21.128.138 | Node 172.21.128.138 has been rebooted, boot id: 1"]
    );
    let out = read_at(&FORMAT, "x", line);
    assert_eq!(
        out.issues[0].what,
        "the line says 2020-06-14 13:15:39, but its event was named at 2020-06-16 01:38:59 UTC: no zone explains that"
    );
    let good = line.replace("1618e2878157535e", &named());
    assert_eq!(read_at(&FORMAT, "x", &good).issues, []);
    assert_eq!(DateTime::from_timestamp_nanos(1_592_111_739_276_543_210).format("%H:%M").to_string(), "05:15");
}

#[test]
fn pods_with_their_addresses() {
    let text = "NAMESPACE   NAME    READY   STATUS             RESTARTS       AGE   IP           NODE            NOMINATED NODE   READINESS GATES
prod        web-0   1/1     Running            5 (3h2m ago)   2d    10.64.75.4   kubestage1003   <none>           <none>
prod        web-1   0/1     CrashLoopBackOff   17             2d    <none>       kubestage1003   <none>           <none>
";
    let out = read_at(&FORMAT, "x", text);
    let cells = |it: &Fact| ["name", "ip", "on", "phase", "restarts"].map(|name| it.get(name).to_string()).join(" ");
    let found: Vec<_> = facts(&out, "pod").map(cells).collect();
    assert_eq!(found, ["web-0 10.64.75.4 kubestage1003 Running 5", "web-1 unknown kubestage1003 unknown 17"]);
    let state = facts(&out, "container.state").next().expect("a state");
    assert_eq!(state.get("reason").to_string(), "CrashLoopBackOff");
    assert_eq!(out.collected[0].incomplete, None);
    let cut = text.replace("prod        web-1", "...\nprod        web-1");
    assert_eq!(read_at(&FORMAT, "x", &cut).collected[0].incomplete.as_deref(), Some("rows are left out"));
    let narrow = "NAME    READY   STATUS    RESTARTS   AGE\nweb-0   1/1     Running   0          2d\n";
    assert_eq!(read_at(&FORMAT, "x", narrow).collected[0].incomplete.as_deref(), Some("only one namespace"));
}

#[test]
fn all_of_a_namespace_gives_its_pods() {
    let text = "NAME        READY   STATUS    RESTARTS   AGE\npod/web-0   1/1     Running   0          2d\n\nNAME              TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nservice/web       ClusterIP   10.96.0.1    <none>        80/TCP    2d\n";
    let out = read_at(&FORMAT, "x", text);
    let names: Vec<_> = facts(&out, "pod").map(|it| it.get("name").to_string()).collect();
    assert_eq!((names, out.issues.len()), (vec!["web-0".to_owned()], 0));
    assert_eq!((out.tally.lines, out.tally.understood), (4, 2));
}

#[test]
fn nodes_with_their_kernels() {
    let text = "NAME   STATUS                     ROLES    AGE    VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE             KERNEL-VERSION      CONTAINER-RUNTIME
a      Ready,SchedulingDisabled   <none>   212d   v1.17.3   10.0.0.7      <none>        Ubuntu 16.04.3 LTS   4.4.0-104-generic   docker://18.6.3
b      NotReady                   master   212d   v1.17.3   10.0.0.8      <none>        Ubuntu 16.04.3 LTS   4.4.0-104-generic   docker://18.6.3
";
    let out = read_at(&FORMAT, "x", text);
    let found: Vec<_> = facts(&out, "node").map(|it| format!("{} {} {}", it.get("name"), it.get("ready"), it.get("address"))).collect();
    assert_eq!(found, ["a true 10.0.0.7", "b false 10.0.0.8"]);
    let kernels: Vec<_> = facts(&out, "kernel").map(|it| format!("{} {}", it.get("node"), it.get("release"))).collect();
    assert_eq!(kernels, ["a 4.4.0-104-generic", "b 4.4.0-104-generic"]);
    assert_eq!(facts(&out, "node.alias").count(), 2);
    let Some(text) = sample("kubernetes/objects/get-nodes-v1.23.txt") else { return };
    assert_eq!(sniff_certainty(&FORMAT, "get-nodes", &text), Certainty::Sure);
    assert_eq!(facts(&read_at(&FORMAT, "get-nodes", &text), "node").count(), 2);
}

#[test]
fn other_tables_are_not_claimed() {
    for text in [
        "NAME    STATUS   AGE\ndefault Active   2d\n",
        "NAME         STATUS   VOLUME   CAPACITY\n",
        "USER PID %CPU\n",
        "2020-06-14 13:15:39 Warning: something is odd\n",
        "Events:\n  Type  Reason  Age\n",
    ] {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
    }
}

#[test]
fn odd_rows_do_no_harm() {
    for text in [
        "LAST SEEN   TYPE   REASON   OBJECT   MESSAGE\né\n\t\n<unknown>   Normal   x   é/é   é\n",
        "LAST SEEN TYPE REASON OBJECT MESSAGE\nx\n",
        "NAME   READY   STATUS   RESTARTS   AGE\n   \nx   x   x   x   x\n",
    ] {
        let _ = read_at(&FORMAT, "x", text);
    }
}
