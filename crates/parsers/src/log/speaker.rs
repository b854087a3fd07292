//! Who speaks: from the name a carrier prints to the source rules ask for.
//!
//! ```text
//! kubelet  snap.kubelet.daemon  hyperkube  k3s-agent      the kubelet under its many names
//! dockerd  containerd  crio  runc  containerd-shim-runc-v2
//! calico-node  felix  bird6  confd  calico-kube-controllers
//! ```

use timeline::{Carrier, Source};

/// Programs that speak as one of our sources; a trailing `*` matches any rest.
const NAMES: &[(Source, &[&str])] = &[
    (Source::Kernel, &["kernel"]),
    (
        Source::Kubelet,
        &[
            "kubelet",
            "kubelet.*",
            "kubelet-*",
            "snap.kubelet*",
            "hyperkube",
            "kube-kubelet",
            "k3s",
            "k3s-*",
            "k3s.*",
            "rke2*",
            "microk8s.daemon-kubelite",
            "*daemon-kubelite",
            "kubelite",
            "origin-node",
            "atomic-openshift-node",
        ],
    ),
    (
        Source::Runtime,
        &[
            "containerd",
            "containerd-shim*",
            "containerd.*",
            "containerd-*",
            "snap.containerd*",
            "*daemon-containerd",
            "docker",
            "dockerd",
            "dockerd-current",
            "docker-containerd*",
            "docker.*",
            "snap.docker*",
            "crio",
            "cri-o",
            "conmon",
            "runc",
            "crun",
            "cri-dockerd",
            "nvidia-container-runtime",
            "podman",
        ],
    ),
    (Source::Calico, &["calico*", "felix", "bird", "bird6", "confd", "typha", "install-cni", "bird.log", "canal*"]),
    (
        Source::ControlPlane,
        &[
            "etcd*",
            "kube-apiserver*",
            "kube-scheduler*",
            "kube-controller-manager*",
            "kube-proxy*",
            "snap.kube-*",
            "snap.etcd*",
            "coredns*",
            "cloud-controller-manager*",
            "kube-controller*",
            "openshift-apiserver",
            "apiserver",
        ],
    ),
    // of the host, whatever carries their lines; what k0s runs speaks for itself
    (Source::System, &["cloud-init", "talos", "k0s*"]),
];

/// Who a name stands for, where it is one of the programs we know.
pub(crate) fn known(name: &str) -> Option<Source> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.strip_suffix(".service").unwrap_or(name);
    let fits = |pattern: &str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(front), _) => name.starts_with(front),
        (None, Some(end)) => name.ends_with(end),
        (None, None) => name == pattern,
    };
    NAMES.iter().find(|(_, names)| names.iter().any(|it| fits(it))).map(|(source, _)| *source)
}

/// Who speaks under an identifier or as a unit; a host's other programs are its system, a container's are the container.
pub(crate) fn source(ident: Option<&str>, unit: Option<&str>, carrier: Carrier) -> Source {
    let lower = |it: &str| it.bytes().any(|it| it.is_ascii_uppercase()).then(|| it.to_ascii_lowercase());
    let of = |name: &str| known(lower(name).as_deref().unwrap_or(name));
    let own = ident.and_then(of);
    // systemd speaks of a unit under that unit's name in some carriers, but it is systemd that speaks
    let host_word = matches!(ident, Some("systemd" | "init" | "(systemd)" | "audit" | "sudo" | "CRON"));
    let found = own.or_else(|| if host_word { None } else { unit.and_then(of) });
    found.unwrap_or(match carrier {
        Carrier::Kmsg => Source::Kernel,
        Carrier::File => Source::ContainerLog,
        Carrier::Journal | Carrier::Syslog | Carrier::Object => Source::System,
    })
}

/// Words of a file name that tell whose log it is, most telling first.
const WORDS: &[(&str, &str)] = &[
    ("kube-controllers", "calico-kube-controllers"),
    ("calico-node", "calico-node"),
    ("calico", "calico"),
    ("felix", "felix"),
    ("bird", "bird"),
    ("confd", "confd"),
    ("typha", "calico-typha"),
    ("kube-apiserver", "kube-apiserver"),
    ("kube-controller-manager", "kube-controller-manager"),
    ("kube-scheduler", "kube-scheduler"),
    ("kube-proxy", "kube-proxy"),
    ("kube-dns", "coredns"),
    ("coredns", "coredns"),
    ("etcd", "etcd"),
    ("kubelet", "kubelet"),
    ("hyperkube", "kubelet"),
    ("containerd", "containerd"),
    ("dockerd", "dockerd"),
    ("docker.", "dockerd"),
    ("docker_", "dockerd"),
    ("crio", "crio"),
    ("cri-o", "crio"),
];

/// The program a file name speaks of: `journalctl_-u_kubelet.txt`, `kubelet.log`, `calico-node-x_calico-node.log`.
pub(crate) fn by_path(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    if name.starts_with("journalctl") && (name.contains("_-k") || name.contains("-dmesg")) {
        return Some("kernel");
    }
    WORDS.iter().find(|(word, _)| name.contains(word)).map(|(_, program)| *program)
}

/// `2214: Jul 23 21:42:16.902 CST: %SYS-6-LOGOUT: …`: a switch or router, which numbers its messages.
pub(crate) fn is_device(ident: &str, message: &str) -> bool {
    let (ident, body) = match ident.strip_prefix('%') {
        Some(mnemonic) => ("", mnemonic),
        None => (ident, ""),
    };
    let numbered = ident.bytes().all(|it| it.is_ascii_digit());
    let mnemonic = |text: &str| {
        let word = text.split(':').next().unwrap_or_default();
        let mut parts = word.rsplitn(3, '-');
        let (_, level) = (parts.next(), parts.next().unwrap_or_default());
        level.len() == 1 && level.bytes().all(|it| it.is_ascii_digit()) && parts.next().is_some()
    };
    numbered && (mnemonic(body) || message.find('%').is_some_and(|at| mnemonic(&message[at + 1..])))
}

/// `… kubelet.go:1882] …`: files that only the kubelet is built from, to tell it from the runtime whose name it bears.
pub(super) fn is_kubelet_file(message: &str) -> bool {
    const FILES: &[&str] =
        &["kubelet", "kuberuntime", "pod_", "prober", "eviction", "docker_", "cpu_manager", "volume_"];
    const WHOLE: &[&str] = &[
        "generic.go",
        "setters.go",
        "reconciler.go",
        "operation_generator.go",
        "nestedpendingoperations.go",
        "status_manager.go",
        "summary_sys_containers.go",
        "topology_manager.go",
        "container_manager_linux.go",
        "cni.go",
        "remote_runtime.go",
        "server.go",
        "worker.go",
        "helpers.go",
    ];
    super::inner::klog_file(message)
        .is_some_and(|it| FILES.iter().any(|front| it.starts_with(front)) || WHOLE.contains(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_under_their_many_names() {
        for (ident, unit, source_of) in [
            (Some("kernel"), None, Source::Kernel),
            (Some("kubelet"), Some("kubelet.service"), Source::Kubelet),
            (Some("snap.kubelet.daemon"), None, Source::Kubelet),
            (Some("kubelet.service"), None, Source::Kubelet),
            (Some("k3s-agent"), None, Source::Kubelet),
            (Some("hyperkube"), None, Source::Kubelet),
            (Some("sh"), Some("kubelet.service"), Source::Kubelet),
            (Some("systemd"), Some("init.scope"), Source::System),
            (Some("dockerd"), None, Source::Runtime),
            (Some("containerd-shim-runc-v2"), None, Source::Runtime),
            (Some("bird6"), None, Source::Calico),
            (Some("kube-apiserver"), None, Source::ControlPlane),
            (Some("sshd"), None, Source::System),
            (Some("k0s"), Some("k0sworker.service"), Source::System),
            (None, None, Source::System),
        ] {
            assert_eq!(source(ident, unit, Carrier::Journal), source_of, "{ident:?} {unit:?}");
        }
        assert_eq!(source(Some("app"), None, Carrier::File), Source::ContainerLog);
        assert_eq!(by_path("node-xx/journalctl_-u_kubelet.txt"), Some("kubelet"));
        assert_eq!(by_path("node-xx/journalctl_-k.txt"), Some("kernel"));
        assert_eq!(by_path("a/journalctl_--no-pager"), None);
    }
}
