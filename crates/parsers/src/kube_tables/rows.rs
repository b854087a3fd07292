//! Rows of `kubectl get pods` and `kubectl get nodes`.

use std::net::IpAddr;

use timeline::{Fact, MemberRecords, Name, Quote, Record, Row, Stamp, relation};

use crate::kube::{NodeFacts, TableRow, aliases};

/// `web-0   1/1     Running   5 (3h2m ago)   2d    10.64.75.4   kubestage1003`
pub(super) fn pod(row: &TableRow<'_, '_>, quote: Quote, out: &mut MemberRecords) -> bool {
    let Some(name) = row.get("NAME") else { return false };
    // `kubectl get all` puts the kind before the name
    let name = name.strip_prefix("pod/").unwrap_or(name);
    let Some(status) = row.get("STATUS") else { return false };
    let Some(restarts) = row.get("RESTARTS").and_then(|it| it.split(' ').next()?.parse::<i64>().ok()) else {
        return false;
    };
    let phase = match status {
        "Running" | "Pending" | "Succeeded" | "Failed" | "Unknown" => Some(status),
        "Completed" => Some("Succeeded"),
        _ => None,
    };
    let on = row.get("NODE");
    let pod = Row::new(&relation::POD)
        .with("namespace", row.get("NAMESPACE"))
        .with("name", name)
        .with("ip", row.get("IP").and_then(|it| it.parse::<IpAddr>().ok()))
        .with("on", on)
        .with("phase", phase)
        .with("restarts", restarts);
    let mut fact = |row: Row, quote: Quote| {
        out.records.push(Record::Fact(Box::new(Fact::new(row, on.map(Name::from), quote)), Stamp::None));
    };
    fact(pod, quote.clone());
    let waiting = ["BackOff", "ErrImage", "ContainerCreating", "CreateContainer", "RunContainerError", "PodInitializing"];
    let state = if waiting.iter().any(|it| status.contains(it)) {
        "waiting"
    } else if matches!(status, "OOMKilled" | "Error" | "ContainerCannotRun" | "StartError") {
        "terminated"
    } else {
        return true;
    };
    let state = Row::new(&relation::CONTAINER_STATE)
        .with("namespace", row.get("NAMESPACE"))
        .with("pod", name)
        .with("state", state)
        .with("reason", status.rsplit(':').next())
        .with("restarts", restarts)
        .with("on", on);
    fact(state, quote);
    true
}

/// `a      Ready,SchedulingDisabled   <none>   212d   v1.17.3   10.0.0.7`
pub(super) fn node(row: &TableRow<'_, '_>, quote: Quote, out: &mut MemberRecords) -> bool {
    let (Some(name), Some(status)) = (row.get("NAME"), row.get("STATUS")) else { return false };
    let ready = status.split(',').find_map(|it| match it {
        "Ready" => Some(true),
        "NotReady" | "Unknown" => Some(false),
        _ => None,
    });
    if ready.is_none() {
        return false;
    }
    let address = row.get("INTERNAL-IP");
    NodeFacts {
        name,
        address,
        boot_id: None,
        kernel: row.get("KERNEL-VERSION"),
        os: row.get("OS-IMAGE"),
        runtime: row.get("CONTAINER-RUNTIME"),
        kubelet: row.get("VERSION"),
        ready,
    }
    .push(&quote, &mut |_| quote.clone(), out);
    aliases(name, address.map(|it| (it, quote)).into_iter().collect(), out);
    true
}
