//! `ctr`: what containerd knows below Kubernetes: containers, tasks, plugins, images, snapshots.
//!
//! ```text
//! TASK                     PID      STATUS
//! 4f1c0b7de9a1             1234     RUNNING
//! TYPE                            ID          PLATFORMS      STATUS
//! io.containerd.snapshotter.v1    aufs        linux/amd64    error
//! ```
//!
//! One row a task; the others are known for what they are. Units and time: none.
//!
//! Source: cmd/ctr/commands of containerd.

use timeline::{MemberRecords, Row, relation};

use crate::container_list::cells;
use crate::state::{State, begins, first_line, is_number, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ctr",
    produced_by: "ctr tasks list, ctr containers list, ctr plugins list, ctr images list, ctr snapshots list, ctr namespaces list",
    samples: &[
        "TASK                     PID      STATUS    \n4f1c0b7de9a1             1234     RUNNING\n9d0f687d3f3a             0        STOPPED\n",
        "CONTAINER       IMAGE                   RUNTIME                  \n4f1c0b7de9a1    k8s.gcr.io/pause:3.5    io.containerd.runc.v2    \n",
        "TYPE                            ID          PLATFORMS      STATUS    \nio.containerd.content.v1        content     -              ok        \nio.containerd.snapshotter.v1    aufs        linux/amd64    error     \n",
        "NAME    LABELS \nk8s.io         \nmoby           \n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tasks,
    Containers,
    Plugins,
    Images,
    Snapshots,
    Namespaces,
}

fn header(line: &str) -> Option<Kind> {
    let all: Vec<&str> = words(line).collect();
    match all[..] {
        ["TASK", "PID", "STATUS"] => Some(Kind::Tasks),
        ["CONTAINER", "IMAGE", "RUNTIME"] => Some(Kind::Containers),
        ["TYPE", "ID", "PLATFORMS", "STATUS"] => Some(Kind::Plugins),
        ["REF", "TYPE", "DIGEST", "SIZE", "PLATFORMS", "LABELS"] => Some(Kind::Images),
        ["KEY", "PARENT", "KIND"] => Some(Kind::Snapshots),
        ["NAME", "LABELS"] => Some(Kind::Namespaces),
        _ => None,
    }
}

fn task(line: &str) -> Option<Row> {
    let all: Vec<&str> = words(line).collect();
    let [id, pid, status] = all[..] else { return None };
    let known = matches!(status, "RUNNING" | "STOPPED" | "CREATED" | "PAUSED" | "PAUSING" | "UNKNOWN") && is_number(pid);
    let row = || Row::new(&relation::RUNTIME_TASK).with("id", id).with("pid", pid.parse::<i64>().ok());
    known.then(|| row().with("status", status.to_ascii_lowercase()))
}

fn row(kind: Kind, line: &str) -> bool {
    let cells = cells(line);
    match kind {
        Kind::Tasks => task(line).is_some(),
        Kind::Containers => cells.last().is_some_and(|it| it.starts_with("io.containerd.") || it.starts_with("runc") || it.starts_with("io.")),
        Kind::Plugins => cells.first().is_some_and(|it| it.starts_with("io.containerd.")) && words(line).count() >= 3,
        Kind::Images => line.contains(" sha256:"),
        Kind::Snapshots => matches!(words(line).last(), Some("Committed" | "Active" | "View")),
        Kind::Namespaces => {
            let name = |it: &str| it.bytes().all(|it| it.is_ascii_alphanumeric() || b".-_".contains(&it));
            words(line).next().is_some_and(name) && words(line).skip(1).all(|it| it.contains('=') || it.contains(','))
        }
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(kind) = first_line(sniff.text).and_then(header) else { return Certainty::No };
    let whole = sniff.share(300, |it| header(it).is_some() || row(kind, it)) >= 0.95;
    // a list of names under a header that others print, too
    let rows = sniff.text.lines().filter(|it| !it.trim().is_empty()).count() > 1;
    match kind {
        Kind::Namespaces if whole && rows && sniff.text.lines().any(|it| begins(it, &["k8s.io"]) || begins(it, &["moby"])) => Certainty::Sure,
        Kind::Namespaces => Certainty::No,
        _ if whole => Certainty::Sure,
        _ => Certainty::No,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut kind = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(found) = header(line.text) {
            kind = Some(found);
            return true;
        }
        let Some(kind) = kind else { return false };
        if let Some(row) = task(line.text).filter(|_| kind == Kind::Tasks) {
            state.push(row, line);
            return true;
        }
        row(kind, line.text)
    });
    if kind == Some(Kind::Tasks) {
        state.collected(&relation::RUNTIME_TASK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    #[test]
    fn tasks_and_other_lists() {
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "runtime.task", ["id", "pid", "status"]);
        assert_eq!(rows(FORMAT.samples[0]), ["4f1c0b7de9a1 1234 running", "9d0f687d3f3a 0 stopped"]);
        for text in &FORMAT.samples[1..] {
            assert!(rows(text).is_empty(), "{text}");
        }
        assert!(rows("KEY         PARENT      KIND         \nsha256:ab                 Committed    \n4f1c        sha256:ab   Active       \n").is_empty());
        for text in ["NAME    LABELS\nweb-0   app=web\n", "TASK PID STATUS\nbuy milk\nsoon\n", "CONTAINER IMAGE RUNTIME\na b c\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
