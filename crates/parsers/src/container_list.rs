//! `docker ps -a`, `crictl ps -a`, `crictl pods`, `nerdctl ps`: what a container runtime of a node runs, and what ended.
//!
//! ```text
//! CONTAINER ID   IMAGE          COMMAND                  CREATED         STATUS                       PORTS     NAMES
//! 13e4da0e641d   263ad36fcb47   "/metrics-server --k…"   40 seconds ago  Exited (137) 37 seconds ago            k8s_metrics_metrics-server-8449844bf-s2dtd_kube-system_f44e45ba_3
//! CONTAINER           IMAGE          CREATED        STATE     NAME      ATTEMPT   POD ID          POD
//! 87d3992f84f74       nginx@sha256   8 minutes ago  Exited    nginx     3         1f73f2d81bf98   web-0
//! ```
//!
//! One row a container. The name that a kubelet gives through dockershim tells container, pod, namespace and how often it
//! was started. Skipped: sandboxes, images, ports. Units: none. Time: none; ages are of no use without the time of the list.
//!
//! Source: docker's cli/command/formatter, cri-tools' cmd/crictl/container.go.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, begins, is_number};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "container-list",
    produced_by: "docker ps, crictl ps, crictl pods, nerdctl ps",
    samples: &[
        concat!(
            "CONTAINER ID   IMAGE               COMMAND                  CREATED          STATUS                        PORTS     NAMES\n",
            "13e4da0e641d   263ad36fcb47        \"/metrics-server --k…\"   40 seconds ago   Exited (137) 37 seconds ago             k8s_metrics_metrics-server-8449844bf-s2dtd_kube-system_f44e45ba-5293_3\n",
            "9d0f687d3f3a   rancher/pause:3.2   \"/pause\"                 38 minutes ago   Up 38 minutes                           k8s_POD_metrics-server-8449844bf-s2dtd_kube-system_f44e45ba-5293_0\n",
        ),
        concat!(
            "CONTAINER           IMAGE               CREATED             STATE               NAME                ATTEMPT             POD ID              POD\n",
            "87d3992f84f74       nginx@sha256:d0a8   8 minutes ago       Exited              nginx               3                   1f73f2d81bf98       web-0\n",
        ),
        concat!(
            "POD ID              CREATED             STATE               NAME                NAMESPACE           ATTEMPT             RUNTIME\n",
            "1f73f2d81bf98       9 minutes ago       NotReady            web-0               default             0                   (default)\n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Whose table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Docker,
    Crictl,
    Pods,
}

fn header(line: &str) -> Option<Kind> {
    let has = |word: &str| line.contains(word);
    match () {
        () if begins(line, &["CONTAINER", "ID", "IMAGE", "COMMAND"]) && has("STATUS") && has("NAMES") => Some(Kind::Docker),
        () if begins(line, &["CONTAINER"]) && has("IMAGE") && has("STATE") && has("ATTEMPT") => Some(Kind::Crictl),
        () if begins(line, &["POD", "ID", "CREATED", "STATE", "NAME"]) => Some(Kind::Pods),
        () => None,
    }
}

/// Cells are parted by two blanks at least; a cell that is empty leaves none.
pub(crate) fn cells(line: &str) -> Vec<&str> {
    line.trim().split("  ").map(str::trim).filter(|it| !it.is_empty()).collect()
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(kind) = sniff.text.lines().take(3).find_map(header) else { return Certainty::No };
    let row = |line: &str| header(line).is_some() || read(kind, &cells(line)).is_some();
    if sniff.share(200, row) >= 0.8 { Certainty::Sure } else { Certainty::No }
}

/// A container; nothing inside for a sandbox.
type Found<'t> = Option<Container<'t>>;

struct Container<'t> {
    namespace: Option<&'t str>,
    pod: Option<&'t str>,
    name: &'t str,
    state: &'static str,
    reason: Option<&'t str>,
    exit_code: Option<i64>,
    starts: Option<i64>,
}

fn read<'t>(kind: Kind, cells: &[&'t str]) -> Option<Found<'t>> {
    match kind {
        Kind::Docker => docker(cells),
        Kind::Crictl => crictl(cells),
        Kind::Pods => cells.iter().any(|it| matches!(*it, "Ready" | "NotReady" | "SANDBOX_READY" | "SANDBOX_NOTREADY")).then_some(None),
    }
}

fn docker<'t>(cells: &[&'t str]) -> Option<Found<'t>> {
    let at = cells.iter().rposition(|it| status(it).is_some())?;
    let (state, reason, exit_code) = status(cells[at])?;
    let name = *cells.get(at + 1..)?.last()?;
    let Some(kubernetes) = of_kubernetes(name) else {
        return Some(Some(Container { namespace: None, pod: None, name, state, reason, exit_code, starts: None }));
    };
    let OfKubernetes { container: name, pod, namespace, starts } = kubernetes;
    Some((name != "POD").then_some(Container { namespace, pod, name, state, reason, exit_code, starts }))
}

/// What the kubelet put into the name of docker's container.
pub(crate) struct OfKubernetes<'t> {
    /// `POD` for a sandbox.
    pub(crate) container: &'t str,
    pub(crate) pod: Option<&'t str>,
    pub(crate) namespace: Option<&'t str>,
    pub(crate) starts: Option<i64>,
}

/// `k8s_metrics_metrics-server-8449844bf-s2dtd_kube-system_f44e45ba-5293_3`
pub(crate) fn of_kubernetes(name: &str) -> Option<OfKubernetes<'_>> {
    let mut words = name.strip_prefix("k8s_")?.split('_');
    let (container, pod, namespace) = (words.next()?, words.next(), words.next());
    let starts = words.nth(1).and_then(|it| it.parse().ok());
    Some(OfKubernetes { container, pod, namespace, starts })
}

/// `Up 37 minutes (unhealthy)`, `Exited (137) 2 minutes ago`, `Restarting (1) 5 seconds ago`, `Created`
fn status(cell: &str) -> Option<(&'static str, Option<&str>, Option<i64>)> {
    let word = cell.split([' ', '(']).next()?;
    let code = || cell.split_once('(')?.1.split(')').next()?.parse().ok();
    match word {
        "Up" => Some(("running", cell.split_once('(').and_then(|it| it.1.strip_suffix(')')), None)),
        "Exited" => Some(("terminated", None, code())),
        "Dead" | "Removal" => Some(("terminated", Some(word), None)),
        "Restarting" => Some(("waiting", Some(word), code())),
        "Created" | "Paused" => Some(("waiting", Some(word), None)),
        _ => None,
    }
}

fn crictl<'t>(cells: &[&'t str]) -> Option<Found<'t>> {
    let state = |it: &str| match it.trim_start_matches("CONTAINER_").to_ascii_lowercase().as_str() {
        "running" => Some("running"),
        "exited" => Some("terminated"),
        "created" | "unknown" => Some("waiting"),
        _ => None,
    };
    let at = cells.iter().position(|it| state(it).is_some())?;
    let (name, attempt) = (*cells.get(at + 1)?, cells.get(at + 2).filter(|it| is_number(it))?);
    let found = Container {
        namespace: cells.get(at + 5).copied(),
        pod: cells.get(at + 4).copied(),
        name,
        state: state(cells[at])?,
        reason: None,
        exit_code: None,
        starts: attempt.parse().ok(),
    };
    Some(Some(found))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut kind = None;
    let on = input.origin.node.as_deref();
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(found) = header(line.text) {
            kind = Some(found);
            return true;
        }
        let Some(found) = kind.and_then(|it| read(it, &cells(line.text))) else { return false };
        if let Some(it) = found {
            let row = Row::new(&relation::CONTAINER_STATE)
                .with("namespace", it.namespace)
                .with("pod", it.pod)
                .with("container", it.name)
                .with("state", it.state)
                .with("reason", it.reason)
                .with("exit_code", it.exit_code)
                .with("restarts", it.starts)
                .with("on", on);
            state.push(row, line);
        }
        true
    });
    // what one node runs is no list of the cluster's containers: nothing is said of what is not in it
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        rows_of(&FORMAT, "x", text, "container.state", ["namespace", "pod", "container", "state", "exit_code", "restarts", "on"])
    }

    #[test]
    fn containers_and_their_ends() {
        assert_eq!(rows(FORMAT.samples[0]), ["kube-system metrics-server-8449844bf-s2dtd metrics terminated 137 3 node-a"]);
        assert_eq!(rows(FORMAT.samples[1]), ["unknown web-0 nginx terminated unknown 3 node-a"]);
        assert!(rows(FORMAT.samples[2]).is_empty());
        let plain = "CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   PORTS   NAMES\nfd7d2c4a2dbf   r/agent:v2   \"run.sh -a  b\"   2 days ago   Up 2 days (unhealthy)   0.0.0.0:80->80/tcp   brave_wiles\n";
        assert_eq!(rows(plain), ["unknown unknown brave_wiles running unknown unknown node-a"]);
        for text in ["CONTAINER ID\nof nothing\n", "POD ID CREATED\n", "CONTAINER ID IMAGE COMMAND STATUS NAMES\nhello\nworld\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn a_real_list() {
        let Some(text) = sample("kubernetes/host/docker_ps-rke1.txt") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure);
        let found = rows(&text);
        let sandboxes = text.lines().filter(|it| it.contains(" k8s_POD_")).count();
        assert_eq!(found.len() + sandboxes + 1, text.lines().count());
        assert!(found.iter().any(|it| it.starts_with("kube-system metrics-server-8449844bf-s2dtd metrics-server terminated 2 ")), "{found:?}");
    }
}
