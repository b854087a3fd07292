//! How the kubelet of a node is set up: its configuration file, `/configz`, and the flags it is started with.
//!
//! ```text
//! apiVersion: kubelet.config.k8s.io/v1beta1
//! kind: KubeletConfiguration
//! evictionHard:
//!   memory.available: 100Mi
//! KUBELET_KUBEADM_ARGS="--pod-max-pids=4096 --eviction-hard=memory.available<100Mi"
//! ```
//!
//! One row a setting, under its name in KubeletConfiguration: nested ones joined by dots (`evictionHard.memory.available`),
//! lists by commas; flags under the name of the setting they set. A flag without such a name keeps its own without dashes.
//! Units: as printed. Time: none.
//!
//! Source: k8s.io/kubelet/config/v1beta1, cmd/kubelet/app/options/options.go.

mod flags;
mod walk;

pub(crate) use flags::{flags, logged, settings};
use timeline::{MemberRecords, Row, relation};

use crate::json_elements::{Documents, entry};
use crate::state::{State, first_line};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "kubelet-config",
    produced_by: "cat /var/lib/kubelet/config.yaml kubeadm-flags.env, systemctl cat kubelet, curl …/configz, cat /proc/PID/cmdline",
    samples: &[
        concat!(
            "apiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n",
            "cgroupDriver: systemd\nclusterDNS:\n- 10.96.0.10\nevictionHard:\n  memory.available: 100Mi\n  nodefs.available: \"10%\"\n",
            "kind: KubeletConfiguration\npodPidsLimit: 4096\n",
        ),
        "{\"kubeletconfig\":{\"podPidsLimit\":-1,\"maxPods\":110,\"evictionHard\":{\"memory.available\":\"100Mi\"}}}\n",
        "KUBELET_KUBEADM_ARGS=\"--network-plugin=cni --pod-infra-container-image=k8s.gcr.io/pause:3.2 --pod-max-pids=4096\"\n",
        "/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --eviction-hard=nodefs.available<10%,memory.available<100Mi --max-pods 250\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Clone, Copy)]
enum Kind {
    Yaml,
    Json,
    /// Lines with flags, the kubelet named or set by a variable.
    Flags,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    match kind(sniff.path, sniff.text) {
        Some(Kind::Flags) => Certainty::Likely,
        // surer than that it is an object of Kubernetes
        Some(_) => Certainty::Sure,
        None => Certainty::No,
    }
}

fn kind(path: &str, text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    if first.trim_start().starts_with('{') {
        let document = Documents::of(text).next()?.text;
        let named = entry(document, "kind").is_some_and(|it| it.value == "\"KubeletConfiguration\"");
        return (named || entry(document, "kubeletconfig").is_some()).then_some(Kind::Json);
    }
    if text.lines().any(|it| it.trim_end() == "kind: KubeletConfiguration") {
        return Some(Kind::Yaml);
    }
    // a unit file, an environment file, a command line
    let short = text.lines().count() <= 200;
    let named = |line: &str| {
        line.starts_with("KUBELET_") || line.starts_with("Environment=\"KUBELET_") || line.starts_with("Environment=KUBELET_")
    };
    let program = |line: &str| {
        let line = line.trim_start_matches("ExecStart=");
        line.split([' ', '\0']).next().unwrap_or_default().rsplit('/').next() == Some("kubelet")
    };
    let command = |line: &str| program(line) && line.contains("--");
    // a unit file may give each flag a line of its own
    let continued = |line: &str| line.starts_with([' ', '\t']) && line.trim_start().starts_with("--");
    let by_line = || {
        path.rsplit('/').next().is_some_and(|it| it.contains("kubelet")) && text.lines().all(|it| it.trim().is_empty() || it.starts_with("--"))
    };
    let content = |it: &&str| !it.trim().is_empty() && !it.starts_with('#') && !it.starts_with('[');
    let lines = || text.lines().filter(content);
    let unit = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_'));
    let broken = || lines().any(|it| program(it) && it.trim_end().ends_with('\\')) && lines().any(continued);
    let any = lines().any(|it| (named(it) || command(it)) && (it.contains("--") || it.contains("_ARGS"))) || broken();
    let known = |line: &str| named(line) || command(line) || unit(line) || continued(line);
    (short && (any && lines().all(known) || by_line())).then_some(Kind::Flags)
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let head = input.text.get(..65_536.min(input.text.len())).unwrap_or(input.text);
    let Some(kind) = kind(&input.origin.path, head) else { return };
    let mut state = State::of(input, out);
    let api = input.origin.path.contains("configz");
    match kind {
        Kind::Yaml => walk::yaml(&mut state),
        Kind::Json => walk::json(&mut state, api),
        Kind::Flags => state.each(|state, line| {
            push_flags(state, line);
            true
        }),
    }
    // a file need not hold what is left at its default, and flags add to it
    let whole = matches!(kind, Kind::Json) && entry(head.trim_start(), "kubeletconfig").is_some();
    let incomplete = (!whole || input.truncated).then(|| "settings left at their default are not in it".to_owned());
    state.collected_but(&relation::KUBELET_CONFIG, incomplete);
}

fn push_flags<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) {
    for (flag, value) in flags(line.text) {
        for (key, value) in settings(flag, value) {
            state.push(row(&key, &value, "flag"), line);
        }
    }
}

/// A row of the relation.
pub(crate) fn row(key: &str, value: &str, source: &str) -> Row {
    Row::new(&relation::KUBELET_CONFIG).with("key", key).with("value", value).with("source", source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    fn rows(path: &str, text: &str) -> Vec<String> {
        let out = read_at(&FORMAT, path, text);
        facts(&out, "kubelet.config")
            .map(|it| format!("{}={} {}", it.get("key"), it.get("value"), it.get("source")))
            .collect()
    }

    #[test]
    fn settings_from_everywhere() {
        insta::assert_snapshot!(rows("config.yaml", FORMAT.samples[0]).join("\n"), @r"
        authentication.anonymous.enabled=false file
        cgroupDriver=systemd file
        clusterDNS=10.96.0.10 file
        evictionHard.memory.available=100Mi file
        evictionHard.nodefs.available=10% file
        podPidsLimit=4096 file
        ");
        insta::assert_snapshot!(rows("node-a/configz.json", FORMAT.samples[1]).join("\n"), @r"
        podPidsLimit=-1 api
        maxPods=110 api
        evictionHard.memory.available=100Mi api
        ");
        insta::assert_snapshot!(rows("kubeadm-flags.env", FORMAT.samples[2]).join("\n"), @r"
        network-plugin=cni flag
        pod-infra-container-image=k8s.gcr.io/pause:3.2 flag
        podPidsLimit=4096 flag
        ");
        insta::assert_snapshot!(rows("ps", FORMAT.samples[3]).join("\n"), @r"
        config=/var/lib/kubelet/config.yaml flag
        evictionHard.nodefs.available=10% flag
        evictionHard.memory.available=100Mi flag
        maxPods=250 flag
        ");
        let unit = "[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/x.yaml\"\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS\n";
        assert_eq!(rows("10-kubeadm.conf", unit), ["config=/x.yaml flag"]);
        let unit = "# /etc/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet \\\n    --config /x.json \\\n    --max-pods=29\nRestart=always\n";
        assert_eq!(sniff_certainty(&FORMAT, "kubelet/kubelet_service.txt", unit), Certainty::Likely);
        assert_eq!(rows("kubelet/kubelet_service.txt", unit), ["config=/x.json flag", "maxPods=29 flag"]);
        assert_eq!(rows("cmdline", "/usr/bin/kubelet\0--max-pods=10\0--v=2\0"), ["maxPods=10 flag", "v=2 flag"]);
        assert_eq!(rows("var/snap/microk8s/args/kubelet", "--max-pods=10\n--v=2\n"), ["maxPods=10 flag", "v=2 flag"]);
    }

    #[test]
    fn lines_about_the_kubelet_are_not_its_settings() {
        for text in ["the kubelet --help text\nis long\n", "kubelet 1.2\n", "KUBELET=1 is\nnot it\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "notes.txt", text), Certainty::No, "{text}");
        }
    }
}
