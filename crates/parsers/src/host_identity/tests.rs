use super::*;
use crate::testing::{facts, read_at, sample, samples_in, sniff_certainty};

fn rows(path: &str, text: &str, relation: &'static str) -> Vec<String> {
    assert!(sniff_certainty(&FORMAT, path, text) >= Certainty::Likely, "{path}: {text}");
    let out = read_at(&FORMAT, path, text);
    facts(&out, relation)
        .map(|it| it.row.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))
        .collect()
}

fn stamp(text: &str) -> String {
    match clock::date(text).map(|it| it.stamp) {
        Some(Stamp::Exact { at, .. }) => at.to_rfc3339(),
        Some(Stamp::Zoneless { local, abbreviation, .. }) => format!("{local} {}", abbreviation.unwrap_or_default()),
        other => format!("{other:?}"),
    }
}

#[test]
fn dates_of_every_locale() {
    assert_eq!(stamp("Mon Jul 24 11:02:13 CST 2023"), "2023-07-24 11:02:13 CST");
    assert_eq!(stamp("Mon Jul  3 11:02:13 PM CST 2023"), "2023-07-03 23:02:13 CST");
    assert_eq!(stamp("Mon 24 Jul 2023 12:02:13 AM CST"), "2023-07-24 00:02:13 CST");
    assert_eq!(stamp("2023年 07月 24日 星期一 11:02:13 CST"), "2023-07-24 11:02:13 CST");
    assert_eq!(stamp("Fri Feb 11 19:23:39 UTC 2022"), "2022-02-11T19:23:39+00:00");
    assert_eq!(stamp("Mon Jul 24 11:02:13 +03 2023"), "2023-07-24T08:02:13+00:00");
    assert_eq!(stamp("2023-07-24T11:02:13+08:00"), "2023-07-24T03:02:13+00:00");
    assert_eq!(stamp("2022-02-11 19:23:40.393733+00:00"), "2022-02-11T19:23:40.393733+00:00");
    for odd in ["Mon Jul 24 11:02:13", "Mon Jul 44 11:02:13 CST 2023", "Jul 24 11:02:13 host x: y", "é"] {
        assert_eq!(stamp(odd), "None", "{odd}");
    }
}

#[test]
fn a_date_in_utc_on_request_says_nothing_of_the_zone() {
    let text = "Fri Feb 11 19:23:39 UTC 2022\n";
    assert_eq!(rows("sos_commands/date/date", text, "clock.zone"), ["0 | UTC"]);
    assert_eq!(rows("sos_commands/date/date_--utc", text, "clock.zone").len(), 0);
    assert_eq!(rows("date", "Mon Jul 24 11:02:13 CST 2023\n", "clock.zone").len(), 0);
    assert_eq!(rows("date", "Mon Jul 24 11:02:13 CST 2023\n", "clock.collected"), ["date"]);
}

#[test]
fn zones_kernels_and_systems() {
    assert_eq!(rows("timedatectl", FORMAT.samples[1], "clock.zone"), ["28800 | Asia/Shanghai"]);
    assert_eq!(rows("etc/timezone", "Asia/Shanghai\n", "clock.zone"), ["unknown | Asia/Shanghai"]);
    assert_eq!(
        rows("uname", FORMAT.samples[2], "kernel"),
        ["4.4.0-104-generic | #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017"]
    );
    assert_eq!(rows("uname", FORMAT.samples[2], "node.alias"), ["node-a | kubestage1001"]);
    assert_eq!(rows("uname_-r", "4.4.0-104-generic\n", "kernel"), ["4.4.0-104-generic | unknown"]);
    assert_eq!(rows("etc/os-release", FORMAT.samples[3], "os"), ["Ubuntu 16.04.3 LTS | 16.04 | ubuntu"]);
    assert_eq!(rows("docker_info", FORMAT.samples[4], "runtime"), ["docker | 18.06.3-ce | aufs"]);
    assert_eq!(rows("hostname", "kubestage1001\n", "node.alias"), ["node-a | kubestage1001"]);
    assert_eq!(rows("hostname", "node-a\n", "node.alias").len(), 0);
}

#[test]
fn other_files_are_not_claimed() {
    for (path, text) in [
        ("x", "kubestage1001\n"),
        ("hostname", "two words\n"),
        ("x", "A=1\nB=2\n"),
        ("updated", "1\n"),
        ("x", "Linux is fine\n"),
        ("x", ""),
        ("dates.log", "Mon Jul 24 11:02:13 CST 2023\nfoo\nbar\nbaz\n"),
    ] {
        assert_eq!(sniff_certainty(&FORMAT, path, text), Certainty::No, "{path}: {text}");
    }
}

#[test]
fn real_hosts() {
    for (name, relation, expected) in [
        ("date.txt", "clock.collected", "date"),
        ("date_--utc.txt", "clock.collected", "date"),
        ("hwclock.txt", "clock.collected", "hwclock"),
        ("timedatectl.txt", "clock.zone", "0 | Etc/UTC"),
        ("hostnamectl.txt", "kernel", "5.4.0-99-generic | unknown"),
        ("uname_-a.txt", "kernel", "5.4.0-99-generic | #112-Ubuntu SMP Thu Feb 3 13:50:55 UTC 2022"),
        ("docker_info-19.03.txt", "runtime", "docker | 19.03.13 | overlay2"),
    ] {
        let Some(text) = sample(&format!("kubernetes/host/{name}")) else { return };
        assert_eq!(rows(name, &text, relation), [expected], "{name}");
    }
    for path in samples_in("kubernetes/host").into_iter().filter(|it| it.contains("os-release")) {
        let Some(text) = sample(&path) else { return };
        let found = rows(&path, &text, "os");
        assert!(found.len() == 1 && !found[0].contains("unknown"), "{path}: {found:?}");
    }
}

#[test]
fn a_host_without_a_node_says_its_own_name_alone() {
    let mut origin = crate::testing::origin("hostname");
    origin.node = None;
    let out = crate::read(&FORMAT, &origin, "kubestage1001\n", 100);
    let rows: Vec<String> = facts(&out, "node.alias").map(|it| format!("{} {}", it.get("name"), it.get("other"))).collect();
    assert_eq!(rows, ["unknown kubestage1001"]);
}

#[test]
fn the_kernel_of_minikube() {
    let text = " 14:52:31 up 2 min,  0 users,  load average: 0.52, 0.58, 0.59\n\
        Linux minikube 5.10.207 #1 SMP Tue Feb 11 10:00:00 UTC 2025 x86_64 x86_64 x86_64 GNU/Linux\n\
        PRETTY_NAME=\"Buildroot 2023.02.9\"\n";
    assert_eq!(sniff_certainty(&FORMAT, "kernel", text), Certainty::Sure);
    assert_eq!(rows("kernel", text, "kernel"), ["5.10.207 | #1 SMP Tue Feb 11 10:00:00 UTC 2025"]);
    assert_eq!(rows("kernel", text, "os"), ["Buildroot 2023.02.9 | unknown | unknown"]);
}
