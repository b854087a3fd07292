//! All formats against all samples: each file goes to the format it belongs to, and no bytes bring a reader down.

use crate::testing::{origin, quotes_hold, read_at, read_cut, sample, samples_in, sniff};
use crate::{FORMATS, Reading, identify, read};

fn claimed(path: &str, text: &str) -> &'static str {
    identify(&sniff(path, text)).map_or("none", |it| it.name)
}

#[test]
fn formats_know_their_own_samples() {
    for format in FORMATS {
        // some formats differ from others by the names of their files only
        let path = format!("{}.txt", format.name);
        for text in format.samples {
            assert_eq!(claimed(&path, text), format.name, "{text}");
            let out = read_at(format, &path, text);
            assert_eq!(out.tally.lines, out.tally.understood, "{}: {text}", format.name);
        }
    }
}

#[test]
fn files_go_to_the_format_they_belong_to() {
    let expected: &[(&str, &str)] = &[
        ("kubernetes/objects/describe-", "kube-describe"),
        ("kubernetes/objects/get-nodes", "kube-tables"),
        ("kubernetes/objects/", "kube-objects"),
        ("kubernetes/host/sysctl", "sysctl"),
        ("kubernetes/host/free", "proc-files"),
        ("kubernetes/host/proc_1_limits", "proc-files"),
        ("kubernetes/host/proc_meminfo", "proc-files"),
        ("kubernetes/host/proc_vmstat", "proc-files"),
        ("kubernetes/host/date", "host-identity"),
        ("kubernetes/host/docker_info", "host-identity"),
        ("kubernetes/host/hostnamectl", "host-identity"),
        ("kubernetes/host/hwclock", "host-identity"),
        ("kubernetes/host/os-release", "host-identity"),
        ("kubernetes/host/timedatectl", "host-identity"),
        ("kubernetes/host/uname", "host-identity"),
        ("metrics/api/", "prometheus-api"),
        ("metrics/victoriametrics_export", "prometheus-api"),
        ("metrics/promtool/query_instant", "prometheus-api"),
        ("metrics/promtool/query_range", "prometheus-api"),
        ("metrics/promtool/tsdb_dump", "promtool-dump"),
        ("metrics/prometheus-testdata/dump-openmetrics", "promtool-dump"),
        ("metrics/prometheus-testdata/dump-test", "promtool-dump"),
        ("metrics/prometheus-testdata/metrics-test", "openmetrics-text"),
        ("metrics/prometheus-testdata/1histogram", "openmetrics-text"),
        ("metrics/prometheus-testdata/alltypes", "openmetrics-text"),
        ("metrics/cadvisor_like", "openmetrics-text"),
        ("metrics/federate", "openmetrics-text"),
        ("metrics/node_exporter_text", "openmetrics-text"),
        ("metrics/prometheus_self_text", "openmetrics-text"),
    ];
    let folders = [
        "kubernetes/objects",
        "kubernetes/host",
        "kubernetes/kubelet",
        "kubernetes/runtime",
        "kubernetes/lines",
        "metrics",
        "metrics/api",
        "metrics/promtool",
        "metrics/prometheus-testdata",
    ];
    let names: Vec<&str> = expected.iter().map(|(_, name)| *name).collect();
    let mut seen = 0;
    for path in folders.into_iter().flat_map(samples_in) {
        let Some(text) = sample(&path) else { continue };
        let found = claimed(&path, &text);
        match expected.iter().find(|(prefix, _)| path.starts_with(prefix)) {
            Some((_, name)) => assert_eq!(found, *name, "{path}"),
            None => assert!(!names.contains(&found), "{path} is no {found}"),
        }
        seen += 1;
    }
    assert!(seen == 0 || seen > 100, "{seen}");
}

#[test]
fn no_bytes_bring_a_reader_down() {
    // a fixed sequence, so that a failure comes again
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let spice = [
        "\"", "\\", "{", "}", "[", "]", ":", ",", "\n", "\r\n", " ", "  ", "-", "- ", "é", "\u{0}", "9", "=", "(", ")",
        "\t", "NaN",
    ];
    for format in FORMATS {
        for text in format.samples {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            for end in &ends {
                let _ = read_cut(format, "sample", &text[..*end]);
            }
            for _ in 0..60 {
                let mut odd = (*text).to_owned();
                for _ in 0..=random(4) {
                    let mut at = random(odd.len());
                    while !odd.is_char_boundary(at) {
                        at -= 1;
                    }
                    odd.insert_str(at, spice[random(spice.len())]);
                }
                let _ = identify(&sniff("sample", &odd));
                quotes_hold(&read_at(format, "sample", &odd), &odd);
            }
        }
    }
}

#[test]
fn what_is_said_does_not_depend_on_where_the_chunks_were_cut() {
    let mut streams = 0;
    for format in FORMATS.iter().filter(|it| matches!(it.reading, Reading::Stream(_))) {
        let path = format!("{}.txt", format.name);
        for text in format.samples {
            let whole = format!("{:?}", read_at(format, &path, text));
            for bytes in [1, 7, 40, 200] {
                let cut = format!("{:?}", read(format, &origin(&path), text, bytes));
                assert_eq!(cut, whole, "{} in chunks of {bytes}: {text}", format.name);
            }
        }
        streams += 1;
    }
    assert!(streams > 8);
}

#[test]
fn depth_and_length_do_no_harm() {
    let deep = 100_000;
    for text in [
        "[".repeat(deep),
        "{\"a\":".repeat(deep),
        format!("{{\"kind\":\"List\",\"items\":[{}", "[".repeat(deep)),
        format!("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Event\n  a: {}\n", "[".repeat(deep)),
        format!("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Event\n  a: {}x\n", "- ".repeat(deep)),
        format!("a{{b=\"{}\"}} 1 2\n", "\\".repeat(deep)),
        "a{".repeat(deep),
        "1s".repeat(deep),
    ] {
        for format in FORMATS {
            let _ = read_at(format, "sample", &text);
        }
    }
}

/// What an editor, a mail or a terminal does to an output on its way changes nothing of what it says.
#[test]
fn line_ends_and_blank_lines_do_not_matter() {
    for format in FORMATS {
        let path = format!("{}.txt", format.name);
        // binary files are no texts
        for text in format.samples.iter().filter(|it| !it.contains('\0') && it.contains('\n')) {
            let count = |text: &str| read(format, &origin(&path), text, 1 << 20).records.len();
            for changed in [
                text.replace('\n', "\r\n"),
                text.trim_end_matches('\n').to_owned(),
                format!("\n{text}"),
                format!("{text}\n\n"),
            ] {
                assert_eq!(claimed(&path, &changed), format.name, "{changed:?}");
                assert_eq!(count(&changed), count(text), "{}: {changed:?}", format.name);
            }
        }
    }
}
