//! What the collectors of five layouts would have left of an incident: one or several archives.

use chrono::{FixedOffset, Utc};
use serde_json::Value;

use super::objects::{json_list, yaml, yaml_list};
use super::text::{Journal, cri, docker_json, journal, promtool, route_json};
use super::{Entry, Incident, Machine};
use crate::common::tar_gz;

/// Archives by name.
pub(crate) type Archives = Vec<(String, Vec<u8>)>;
type Files = Vec<(String, String)>;

pub(crate) type Collector = fn(&Incident) -> Archives;

/// The layouts an incident is written in.
pub(crate) const COLLECTORS: [(&str, Collector); 5] = [
    ("sos", sos),
    ("must-gather", must_gather),
    ("kind-export", kind),
    ("eks-collector", eks),
    ("troubleshoot", troubleshoot),
];

fn archive(name: &str, files: &Files) -> (String, Vec<u8>) {
    (name.to_owned(), tar_gz(files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()))))
}

/// What no collector of the kind takes along: metrics, as a dump of the database, and what other people sent.
fn extras(of: &Incident, tables: bool) -> Option<(String, Vec<u8>)> {
    let mut files: Files = Vec::new();
    for (name, api) in &of.metrics {
        files.push((format!("attachments/metrics/{name}.txt"), promtool(api)));
    }
    for (name, text) in &of.cluster {
        let table = name.starts_with("kubectl") || name.starts_with("calicoctl") || name.starts_with("events");
        if tables || !table && !name.starts_with("describe") {
            files.push((format!("attachments/{name}"), text.clone()));
        }
    }
    (!files.is_empty()).then(|| archive("attachments.tar.gz", &files))
}

fn of_kubelet(it: &&Entry) -> bool {
    it.ident == "kubelet"
}

/// Other files of a machine under the names of a layout; what the layout has no place for is left out.
fn placed<'m>(machine: &'m Machine, places: &'m [(&str, &str)]) -> impl Iterator<Item = (String, String)> + 'm {
    places.iter().filter_map(|(file, place)| Some(((*place).to_owned(), machine.files.get(*file)?.clone())))
}

/// One archive with a sosreport for each machine; kubectl was at hand on the first of them.
fn sos(of: &Incident) -> Archives {
    let mut reports = Vec::new();
    for (at, (node, machine)) in of.machines.iter().enumerate() {
        let root = format!("sosreport-{node}-2024-01-01-abcdefg");
        let mut files: Files = vec![
            ("version.txt".into(), "sosreport: 4.5.6\n".into()),
            (
                "sos_logs/sos.log".into(),
                "2024-01-01 00:00:01,000 INFO: [sos_report:setup] executing 'sos report'\n".into(),
            ),
            ("sos_commands/host/hostname".into(), format!("{}\n", machine.journal.first().map_or(node, |it| &it.host))),
        ];
        let export = journal(machine.journal.iter(), Journal::Export, of.zone());
        files.push(("sos_commands/logs/journalctl_--no-pager_-o_export".into(), export));
        files.extend(placed(
            machine,
            &[
                ("date.txt", "sos_commands/date/date"),
                ("timedatectl.txt", "sos_commands/systemd/timedatectl"),
                ("uname_-a.txt", "sos_commands/kernel/uname_-a"),
                ("sysctl_-a.txt", "sos_commands/kernel/sysctl_-a"),
                ("dmesg.txt", "sos_commands/kernel/dmesg"),
                ("meminfo.txt", "proc/meminfo"),
                ("limits.d/20-nofile.conf", "etc/security/limits.d/20-nofile.conf"),
                ("calicoctl_node_status.txt", "sos_commands/calico/calicoctl_node_status"),
            ],
        ));
        if let Some(routes) = machine.files.get("ip_route.txt") {
            let local = "local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1\n";
            files.push(("sos_commands/networking/ip_route_show_table_all".into(), format!("{routes}{local}")));
        }
        for [namespace, pod, container, text] in &machine.logs {
            let name = format!("var/log/pods/{namespace}_{pod}_0c0ffee0/{container}/0.log");
            files.push((name, cri(text)));
        }
        if at == 0 {
            let kubectl = |name: &str| format!("sos_commands/kubernetes/kubectl_{name}");
            files.extend(of.nodes().map(|it| (kubectl("get_-o_json_nodes"), json_list("List", it))));
            files.extend(of.pods().map(|it| (kubectl("get_-o_json_pods_--all-namespaces"), json_list("List", it))));
            files.extend(of.events().map(|it| (kubectl("get_-o_json_events_--all-namespaces"), json_list("List", it))));
            let tables = of.cluster.iter().filter(|it| it.0.starts_with("calicoctl") || it.0.starts_with("describe"));
            files.extend(tables.map(|(name, text)| {
                (format!("sos_commands/kubernetes/{}", name.trim_end_matches(".txt")), text.clone())
            }));
        }
        let files: Files = files.into_iter().map(|(path, text)| (format!("{root}/{path}"), text)).collect();
        reports.push((format!("collection/{root}.tar.gz"), archive(&root, &files).1));
    }
    let collection = tar_gz(reports.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
    [("sos-collector-2024-01-01-abcde.tar.gz".into(), collection)].into_iter().chain(extras(of, false)).collect()
}

/// Journals of all machines merged into one file, objects one in a file, Calico's as its own.
fn must_gather(of: &Incident) -> Archives {
    let root = "must-gather.local.3141/quay-io-example-must-gather-sha256-0c0ffee";
    let mut files: Files = vec![("version".into(), "example/must-gather\n4.8.0\n".into())];
    let utc = FixedOffset::east_opt(0).unwrap();
    let all = || {
        let mut all: Vec<&Entry> = of.machines.values().flat_map(|it| &it.journal).collect();
        all.sort_by_key(|it| it.at);
        all
    };
    let header = |it: &Vec<&Entry>| {
        let end = it.last().map_or(chrono::DateTime::<Utc>::UNIX_EPOCH, |it| it.at);
        let begin = end - chrono::TimeDelta::days(30);
        let stamp = |at: chrono::DateTime<Utc>| at.format("%a %Y-%m-%d %H:%M:%S UTC").to_string();
        format!("-- Logs begin at {}, end at {}. --\n", stamp(begin), stamp(end))
    };
    if of.machines.len() > 1 {
        let kubelet: Vec<&Entry> = all().into_iter().filter(of_kubelet).collect();
        if !kubelet.is_empty() {
            let text = header(&kubelet) + &journal(kubelet.into_iter(), Journal::ShortPrecise, utc);
            files.push(("host_service_logs/workers/kubelet_service.log".into(), text));
        }
    }
    for (node, machine) in &of.machines {
        // what the merged file does not hold stands in the folder of its node
        let own: Vec<&Entry> = machine.journal.iter().filter(|it| of.machines.len() == 1 || !of_kubelet(it)).collect();
        if !own.is_empty() {
            let text = header(&own) + &journal(own.into_iter(), Journal::ShortPrecise, utc);
            files.push((format!("nodes/{node}/{node}_logs_journal"), text));
        }
        let place = |(path, text): (String, String)| (format!("nodes/{node}/{path}"), text);
        files.extend(
            placed(
                machine,
                &[
                    ("uname_-a.txt", "uname"),
                    ("sysctl_-a.txt", "sysctl"),
                    ("dmesg.txt", "dmesg"),
                    ("meminfo.txt", "meminfo"),
                    ("calicoctl_node_status.txt", "calicoctl_node_status"),
                    ("limits.d/20-nofile.conf", "limits.d/20-nofile.conf"),
                ],
            )
            .map(place),
        );
        if let Some(routes) = machine.files.get("ip_route.txt") {
            files.push((format!("nodes/{node}/ip_route.json"), route_json(routes)));
        }
        for [namespace, pod, container, text] in &machine.logs {
            let path = format!("namespaces/{namespace}/pods/{pod}/{container}/{container}/logs/current.log");
            files.push((path, text.clone()));
        }
    }
    let name = |it: &Value| it["metadata"]["name"].as_str().unwrap().to_owned();
    for node in of.nodes().into_iter().flatten() {
        files.push((format!("cluster-scoped-resources/core/nodes/{}.yaml", name(&node)), yaml(&node)));
    }
    for (resource, objects) in of.ipam().into_iter().flatten() {
        for object in objects {
            let path = format!("cluster-scoped-resources/crd.projectcalico.org/{resource}/{}.yaml", name(&object));
            files.push((path, yaml(&object)));
        }
    }
    for (kind, resource, objects) in [("EventList", "events", of.events()), ("PodList", "pods", of.pods())] {
        for (namespace, objects) in by_namespace(objects.unwrap_or_default()) {
            files.push((format!("namespaces/{namespace}/core/{resource}.yaml"), yaml_list(kind, objects)));
        }
    }
    files.push(("cluster-scoped-resources/core/persistentvolumes/none.yaml".into(), String::new()));
    files.push(("namespaces/default/default.yaml".into(), "---\napiVersion: v1\nkind: Namespace\n".into()));
    let files: Files = files.into_iter().map(|(path, text)| (format!("{root}/{path}"), text)).collect();
    [archive("must-gather.tar.gz", &files)].into_iter().chain(extras(of, false)).collect()
}

fn by_namespace(objects: Vec<Value>) -> Vec<(String, Vec<Value>)> {
    let mut groups: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for object in objects {
        groups.entry(object["metadata"]["namespace"].as_str().unwrap().to_owned()).or_default().push(object);
    }
    groups.into_iter().collect()
}

/// Folders of nodes with their journals, and what somebody typed beside it.
fn kind(of: &Incident) -> Archives {
    let mut files: Files = vec![("kind-version.txt".into(), "kind v0.20.0 go1.20.5 linux/amd64\n".into())];
    for (node, machine) in &of.machines {
        let mut put = |path: &str, text: String| files.push((format!("{node}/{path}"), text));
        if !machine.journal.is_empty() {
            put("journal.log", journal(machine.journal.iter(), Journal::ShortIso, of.zone()));
            put("kubelet.log", journal(machine.journal.iter().filter(of_kubelet), Journal::ShortIso, of.zone()));
        }
        put("kubernetes-version.txt", "v1.20.4".into());
        for [namespace, pod, container, text] in &machine.logs {
            put(&format!("pods/{namespace}_{pod}_0c0ffee0/{container}/0.log"), cri(text));
        }
        if let Some(routes) = machine.files.get("ip_route.txt") {
            put("ip_-j_route.json", route_json(routes));
        }
        for (path, text) in placed(
            machine,
            &[
                ("uname_-a.txt", "uname.txt"),
                ("sysctl_-a.txt", "sysctl.txt"),
                ("dmesg.txt", "dmesg.txt"),
                ("meminfo.txt", "proc/meminfo"),
                ("calicoctl_node_status.txt", "calicoctl-node-status.txt"),
                ("limits.d/20-nofile.conf", "limits.d/20-nofile.conf"),
            ],
        ) {
            put(&path, text);
        }
    }
    [archive("kind-logs.tar.gz", &files)].into_iter().chain(extras(of, true)).collect()
}

/// An archive for each machine.
fn eks(of: &Incident) -> Archives {
    let mut archives = Vec::new();
    for (at, (node, machine)) in of.machines.iter().enumerate() {
        let mut files: Files = vec![("./system/instance-id.txt".into(), format!("i-0c0ffee{at:09}\n"))];
        if !machine.journal.is_empty() {
            files.push((
                "./kubelet/kubelet.log".into(),
                journal(machine.journal.iter().filter(of_kubelet), Journal::Short, of.zone()),
            ));
            files.push(("./var_log/messages".into(), journal(machine.journal.iter(), Journal::Short, of.zone())));
        } else {
            files.push(("./system/hostname.txt".into(), format!("{node}\n")));
        }
        files.extend(placed(
            machine,
            &[
                ("date.txt", "./system/date.txt"),
                ("timedatectl.txt", "./system/timedatectl.txt"),
                ("uname_-a.txt", "./kernel/uname.txt"),
                ("sysctl_-a.txt", "./sysctls/sysctl_all.txt"),
                ("dmesg.txt", "./kernel/dmesg.current"),
                ("meminfo.txt", "./system/meminfo.txt"),
                ("ip_route.txt", "./networking/iproute.txt"),
                ("calicoctl_node_status.txt", "./networking/calicoctl-node-status.txt"),
                ("limits.d/20-nofile.conf", "./system/limits.d/20-nofile.conf"),
            ],
        ));
        for [namespace, pod, container, text] in &machine.logs {
            let id = "0c0ffee0".repeat(8);
            files.push((format!("./var_log/{pod}_{namespace}_{container}-{id}.log"), docker_json(text)));
        }
        archives.push(archive(&format!("eks_i-0c0ffee{at:09}_2024-01-01_0000-UTC_0.7.6.tar.gz"), &files));
    }
    archives.extend(extras(of, true));
    archives
}

/// Objects as JSON lists, one for each namespace, and host collectors for each machine.
fn troubleshoot(of: &Incident) -> Archives {
    let root = "support-bundle-2024-01-01T00_00_00";
    let mut files: Files =
        vec![("version.yaml".into(), "apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n".into())];
    for (node, machine) in &of.machines {
        let host = format!("host-collectors/run-host/{node}");
        if !machine.journal.is_empty() {
            files.push((format!("{host}/journal.txt"), journal(machine.journal.iter(), Journal::Json, of.zone())));
        }
        files.extend(
            placed(
                machine,
                &[
                    ("date.txt", "date.txt"),
                    ("timedatectl.txt", "timedatectl.txt"),
                    ("uname_-a.txt", "uname.txt"),
                    ("sysctl_-a.txt", "sysctl.txt"),
                    ("dmesg.txt", "dmesg.txt"),
                    ("meminfo.txt", "meminfo.txt"),
                    ("ip_route.txt", "ip-route-table.txt"),
                    ("calicoctl_node_status.txt", "calicoctl-node-status.txt"),
                    ("limits.d/20-nofile.conf", "20-nofile.conf"),
                ],
            )
            .map(|(path, text)| (format!("{host}/{path}"), text)),
        );
        for [namespace, pod, container, text] in &machine.logs {
            files.push((format!("cluster-resources/pods/logs/{namespace}/{pod}/{container}.log"), text.clone()));
        }
    }
    let nodes = of.nodes().unwrap_or_default();
    files.push(("cluster-resources/nodes.json".into(), json_list("NodeList", nodes)));
    for (kind, resource, objects) in [("EventList", "events", of.events()), ("PodList", "pods", of.pods())] {
        for (namespace, objects) in by_namespace(objects.unwrap_or_default()) {
            files.push((format!("cluster-resources/{resource}/{namespace}.json"), json_list(kind, objects)));
        }
    }
    for (resource, objects) in of.ipam().into_iter().flatten() {
        let path = format!("cluster-resources/custom-resources/{resource}.crd.projectcalico.org.json");
        files.push((path, format!("{:#}\n", Value::Array(objects))));
    }
    let files: Files = files.into_iter().map(|(path, text)| (format!("{root}/{path}"), text)).collect();
    [archive("support-bundle.tar.gz", &files)].into_iter().chain(extras(of, false)).collect()
}
