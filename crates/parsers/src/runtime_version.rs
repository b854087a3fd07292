//! `docker version`, `crictl version`, `ctr version`, `containerd --version`: which container runtime a node has.
//!
//! ```text
//! Server: Docker Engine - Community
//!  Engine:
//!   Version:          20.10.7
//! RuntimeName:  containerd
//! RuntimeVersion:  v1.6.8
//! containerd github.com/containerd/containerd v1.6.8 9cd3357b7fd7
//! ```
//!
//! One row, of the server, not of the client. Skipped: runc, builds, Go. Units and time: none.
//!
//! Source: docker's cli/command/system/version.go, cri-tools' cmd/crictl/version.go, containerd's cmd/ctr/commands/version.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, first_line, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "runtime-version",
    produced_by: "docker version, crictl version, ctr version, containerd --version",
    samples: &[
        concat!(
            "Client: Docker Engine - Community\n Version:           20.10.7\n API version:       1.41\n OS/Arch:           linux/amd64\n\n",
            "Server: Docker Engine - Community\n Engine:\n  Version:          20.10.7\n  API version:      1.41 (minimum version 1.12)\n",
            " containerd:\n  Version:          1.4.6\n  GitCommit:        d71fcd7d8303\n",
        ),
        "Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v1.6.8\nRuntimeApiVersion:  v1\n",
        "Client:\n  Version:  1.6.8\n  Revision: 9cd3357b7fd7\n  Go version: go1.17.13\n\nServer:\n  Version:  1.6.8\n  Revision: 9cd3357b7fd7\n  UUID: 0d4a\n",
        "containerd github.com/containerd/containerd v1.6.8 9cd3357b7fd7\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Docker,
    Crictl,
    Ctr,
    Daemon,
}

fn kind(text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    let has = |beginning: &str| text.lines().any(|it| it.trim_start().starts_with(beginning));
    let indented = || text.lines().filter(|it| !it.trim().is_empty()).all(|it| it.starts_with([' ', '\t']) || section(it).is_some() || complaint(it));
    match () {
        () if daemon(first).is_some() && text.lines().filter(|it| !it.trim().is_empty()).count() == 1 => Some(Kind::Daemon),
        () if first.starts_with("Version:") && has("RuntimeName:") && has("RuntimeVersion:") => Some(Kind::Crictl),
        () if section(first) != Some("Client") || !indented() => None,
        () if has("API version:") => Some(Kind::Docker),
        () if has("Revision:") => Some(Kind::Ctr),
        () => None,
    }
}

/// `Client:`, `Server: Docker Engine - Community`
fn section(line: &str) -> Option<&'static str> {
    ["Client", "Server"].into_iter().find(|it| line.strip_prefix(it).is_some_and(|it| it.starts_with(':')))
}

/// What takes the place of the server.
fn complaint(line: &str) -> bool {
    ["Cannot connect to the Docker daemon", "Got permission denied", "ctr: ", "Error response from daemon", "WARNING: "]
        .iter()
        .any(|it| line.starts_with(it))
}

/// `containerd github.com/containerd/containerd v1.6.8 9cd3357b7fd7`
fn daemon(line: &str) -> Option<&str> {
    let all: Vec<&str> = words(line).collect();
    match all[..] {
        ["containerd", module, version, ..] if module.starts_with("github.com/containerd/") || module.starts_with("containerd.io") => Some(version),
        _ => None,
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if kind(sniff.text).is_some() { Certainty::Sure } else { Certainty::No }
}

fn row(name: &str, version: &str) -> Row {
    Row::new(&relation::RUNTIME).with("name", name).with("version", version.trim().trim_start_matches('v'))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let Some(kind) = kind(input.text) else { return };
    let (mut place, mut part, mut name) = ("Client", String::new(), None);
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(version) = daemon(line.text).filter(|_| kind == Kind::Daemon) {
            state.push(row("containerd", version), line);
            return true;
        }
        if let Some(found) = section(line.text) {
            (place, part) = (found, String::new());
            return true;
        }
        let Some((key, value)) = line.text.trim().split_once(':') else { return complaint(line.text) };
        match (kind, key, value.trim()) {
            (Kind::Docker, it, "") => part = it.to_owned(),
            (Kind::Docker, "Version", it) if place == "Server" && matches!(part.as_str(), "" | "Engine") => state.push(row("docker", it), line),
            (Kind::Ctr, "Version", it) if place == "Server" => state.push(row("containerd", it), line),
            (Kind::Crictl, "RuntimeName", it) => name = Some(it.to_owned()),
            (Kind::Crictl, "RuntimeVersion", it) => {
                if let Some(name) = &name {
                    state.push(row(name, it), line);
                }
            }
            _ => {}
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    #[test]
    fn of_the_server() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "runtime", ["name", "version"]);
        let found: Vec<_> = FORMAT.samples.iter().map(|it| rows(it).join(", ")).collect();
        assert_eq!(found, ["docker 20.10.7", "containerd 1.6.8", "containerd 1.6.8", "containerd 1.6.8"]);
        let down = "Client:\n Version:           18.09.1\n API version:       1.39\nCannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";
        assert!(rows(down).is_empty());
        for text in ["Client:\n a friend\nof the house\n", "Version: 1\n", "containerd is down v1\n", "Client:\n Version: 1.20\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
