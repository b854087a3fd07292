use std::path::Path;
use std::sync::Arc;

use timeline::{MemberId, Record, Source};

use super::*;
use crate::read;

fn origin(path: &str) -> Origin {
    Origin { member: MemberId(0), path: path.into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES }
}

fn shown(path: &str, text: &str) -> String {
    let records = read(&FORMAT, &origin(path), text, 1);
    let stamp = |it: &Stamp| match it {
        Stamp::Exact { at, .. } => at.format("%T%.f").to_string(),
        Stamp::Zoneless { local, resolution, .. } => format!("{} local ±{}", local.time(), resolution.num_seconds()),
        other => format!("{other:?}"),
    };
    let mut lines = Vec::new();
    for record in &records.records {
        if let Record::Event(event) = record {
            let (unit, source) = (event.unit.as_deref().unwrap_or("-"), event.source.name());
            let inner = event.inner.as_ref().map_or("-".to_owned(), stamp);
            lines.push(format!(
                "{}: {} | {inner} | {source} {unit} {:?} {:?}",
                event.quote.span.line,
                stamp(&event.stamp),
                event.severity,
                event.message
            ));
        }
    }
    assert_eq!(records.tally.lines, text.lines().filter(|it| !it.trim().is_empty()).count() as u64);
    lines.join("\n")
}

#[test]
fn lines_of_a_runtime() {
    insta::assert_snapshot!(
        shown(
            "var/log/pods/kube-system_calico-node-x7k2p_0b0c/calico-node/0.log",
            concat!(
                "2023-07-23T13:50:05.200180569Z stdout F 2023-07-23 21:50:05.200 [WARNING][69] felix/x.go 990: x\n",
                "2023-07-23T13:50:06.1Z stdout P one \n",
                "2023-07-23T13:50:06.2Z stderr F between\n",
                "2023-07-23T13:50:06.3Z stdout F line\n",
                "2023-07-23T13:50:07Z stdout F bird: Mesh_10_0_1_1: State changed to down\n",
                "2023-07-23T21:50:08+08:00 stderr F \n",
            )
        ),
        @r#"
    1: 13:50:05.200180569 | 21:50:05.200 local ±0 | calico calico-node Some(Warning) "2023-07-23 21:50:05.200 [WARNING][69] felix/x.go 990: x"
    2: 13:50:06.100 | - | calico calico-node None "one line"
    3: 13:50:06.200 | - | calico calico-node None "between"
    5: 13:50:07 | - | calico bird None "bird: Mesh_10_0_1_1: State changed to down"
    6: 13:50:08 | - | calico calico-node None ""
    "#
    );
    insta::assert_snapshot!(
        shown(
            "containers/0123/0123-json.log",
            concat!(
                "{\"log\":\"one \",\"stream\":\"stderr\",\"time\":\"2020-06-14T05:15:06.123456789Z\"}\n",
                "{\"log\":\"line\\n\",\"stream\":\"stderr\",\"time\":\"2020-06-14T05:15:06.2Z\",\"attrs\":{\"a\":\"b\"}}\n",
                "\0\0\0{\"log\":\"after\\tpower loss\\n\",\"stream\":\"stdout\",\"time\":\"2020-06-14T05:15:07Z\"}\n",
                "{\"log\":\"torn",
            )
        ),
        @r#"
    1: 05:15:06.123456789 | - | container-log 0123-json None "one line"
    3: 05:15:07 | - | container-log 0123-json None "after\tpower loss"
    4: 05:15:07 | - | container-log 0123-json None "{\"log\":\"torn"
    "#
    );
}

#[test]
fn lines_of_a_program() {
    insta::assert_snapshot!(
        shown(
            "node-xx/calico-node-xx_calico-node.log",
            concat!(
                "2023-07-23 22:13:40.123 [INFO][65] felix/summary.go 100: Summarising\n",
                "bird: Mesh_10_0_1_1: State changed to down\n",
                "2023-07-23 22:15:40.123 [ERROR][65] confd/x.go 1: gone\n",
                "[pod/app-1/web] 2023-07-23T13:50:05Z level=error msg=\"check failed\"\n",
            )
        ),
        @r#"
    1: 22:13:40.123 local ±0 | - | calico calico-node Some(Info) "2023-07-23 22:13:40.123 [INFO][65] felix/summary.go 100: Summarising"
    2: 22:13:40.123 local ±120 | - | calico bird None "bird: Mesh_10_0_1_1: State changed to down"
    3: 22:15:40.123 local ±0 | - | calico calico-node Some(Error) "2023-07-23 22:15:40.123 [ERROR][65] confd/x.go 1: gone"
    4: 13:50:05 | - | container-log web None "2023-07-23T13:50:05Z level=error msg=\"check failed\""
    "#
    );
}

#[test]
fn containers_and_nodes_by_path() {
    let uid = "7f1c0a2b3c4d5e6f708192a3b4c5d6e7";
    let hash = "0".repeat(64);
    for (path, container, node) in [
        (format!("var/log/pods/kube-system_etcd-node-a_{uid}/etcd/0.log"), "etcd", Some("node-a")),
        ("pods/db_etcd-0_0b0c-11/etcd/12.log.20210101-000000".to_owned(), "etcd", None),
        ("namespaces/x/pods/etcd-0/etcd/etcd/logs/current.log".to_owned(), "etcd", None),
        (format!("var/log/containers/kube-proxy-x7k2p_kube-system_kube-proxy-{hash}.log"), "kube-proxy", None),
        ("node-xx/calico-node-xx_calico-node.log".to_owned(), "calico-node", None),
        ("kubestage1001/ci_smoke-check-5d8f7c9b6d-2xk8q_smoke-check.log".to_owned(), "smoke-check", None),
        ("coredns--coredns.cri.log".to_owned(), "coredns", None),
        ("app.log".to_owned(), "app", None),
    ] {
        let found = by_path(&path);
        assert_eq!((found.0.as_deref(), found.1.as_deref()), (Some(container), node), "{path}");
    }
}

#[test]
#[allow(clippy::print_stderr)]
fn real_containers() {
    let samples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/kubernetes"));
    if !samples.is_dir() {
        eprintln!("SKIPPED: {} is not here", samples.display());
        return;
    }
    let mut files = 0;
    for folder in ["container-logs", "go-crash"] {
        for file in std::fs::read_dir(samples.join(folder)).expect("a folder") {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("text");
            let sniff = Sniff { path: &name, text: &text, bytes: text.as_bytes(), whole: true };
            assert_eq!(crate::identify(&sniff).map(|it| it.name), Some("container-log"), "{name}");
            let records = read(&FORMAT, &origin(&name), &text, 1 << 20);
            assert_eq!(records.tally.lines, records.tally.understood, "{name}");
            assert_eq!(read(&FORMAT, &origin(&name), &text, 1).records, records.records, "{name}");
            assert!(records.seen.iter().all(|it| it.first != Stamp::None), "{name}");
            files += 1;
            if name.starts_with("calico-kube-controllers") {
                let klog = text.lines().filter(|it| matches!(inner::header(it), Header::Klog(_))).count();
                let dated = text.lines().filter(|it| inner::header(it) == Header::Dated).count();
                assert_eq!((klog, dated), (11, 186));
                assert!(records.seen.iter().all(|it| it.source == Source::Calico));
            }
            if folder == "go-crash" {
                // a fatal of klog is no throw, and its dump of a thousand lines is not kept
                assert!(records.records.len() < 120, "{} records", records.records.len());
                let kept: usize = records.records.iter().map(|it| if let Record::Event(it) = it { it.message.len() } else { 0 }).sum();
                assert!(kept < 40_000, "{kept} bytes");
            }
        }
    }
    assert!(files >= 11, "only {files} files");
}

/// Under runit each daemon of an old calico-node has a file of its own, stamped by svlogd.
#[test]
fn lines_with_the_stamp_of_a_supervisor() {
    let text = "2021-11-22_10:00:04.12345 bird: Mesh_10_0_1_1: State changed to down\n\
                @40000000619b6aee1a2b3c4d 2021-11-22 10:00:04.439 [ERROR][65] felix/int_dataplane.go 990: x\n";
    let out = crate::testing::read_at(&FORMAT, "var/log/calico/bird/current", text);
    assert_eq!(out.tally.lines, out.tally.understood);
    let told: Vec<String> = crate::testing::events(&out)
        .map(|it| {
            let Stamp::Exact { at, .. } = it.stamp else { panic!("{:?}", it.stamp) };
            format!("{} {:?} {}", at.to_rfc3339(), it.severity, it.message)
        })
        .collect();
    assert_eq!(
        told,
        [
            "2021-11-22T10:00:04.123450+00:00 None bird: Mesh_10_0_1_1: State changed to down",
            "2021-11-22T10:03:16.439041101+00:00 Some(Error) 2021-11-22 10:00:04.439 [ERROR][65] felix/int_dataplane.go 990: x",
        ]
    );
}
