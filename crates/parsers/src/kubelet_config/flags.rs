//! Flags of the kubelet, and the settings they set.

/// Flags by the setting they set, where it is not the flag in another spelling.
const NAMES: &[(&str, &str)] = &[
    ("cluster-dns", "clusterDNS"),
    ("pod-cidr", "podCIDR"),
    ("pod-max-pids", "podPidsLimit"),
    ("event-qps", "eventRecordQPS"),
    ("kube-api-qps", "kubeAPIQPS"),
    ("kube-api-burst", "kubeAPIBurst"),
    ("registry-qps", "registryPullQPS"),
    ("tls-cert-file", "tlsCertFile"),
    ("tls-private-key-file", "tlsPrivateKeyFile"),
    ("cpu-cfs-quota", "cpuCFSQuota"),
    ("image-gc-high-threshold", "imageGCHighThresholdPercent"),
    ("image-gc-low-threshold", "imageGCLowThresholdPercent"),
    ("cgroups-per-qos", "cgroupsPerQOS"),
    ("qos-reserved", "qosReserved"),
    ("resolv-conf", "resolvConf"),
    ("serialize-image-pulls", "serializeImagePulls"),
    ("node-lease-duration-seconds", "nodeLeaseDurationSeconds"),
    ("allowed-unsafe-sysctls", "allowedUnsafeSysctls"),
    ("reserved-cpus", "reservedSystemCPUs"),
    ("eviction-max-pod-grace-period", "evictionMaxPodGracePeriod"),
    ("eviction-pressure-transition-period", "evictionPressureTransitionPeriod"),
    ("rotate-server-certificates", "serverTLSBootstrap"),
];

/// Flags whose setting has their own words.
const PLAIN: &[&str] = &[
    "cgroup-driver", "cgroup-root", "cluster-domain", "container-log-max-size", "container-log-max-files",
    "container-runtime-endpoint", "image-service-endpoint", "eviction-hard", "eviction-soft",
    "eviction-soft-grace-period", "eviction-minimum-reclaim", "fail-swap-on", "feature-gates", "file-check-frequency",
    "hairpin-mode", "healthz-port", "image-minimum-gc-age", "kernel-memcg-notification", "kube-reserved",
    "kube-reserved-cgroup", "kubelet-cgroups", "make-iptables-util-chains", "max-open-files", "max-pods",
    "node-status-update-frequency", "node-status-report-frequency", "pods-per-core", "protect-kernel-defaults",
    "read-only-port", "rotate-certificates", "runtime-request-timeout", "sync-frequency", "system-cgroups",
    "system-reserved", "system-reserved-cgroup", "topology-manager-policy", "cpu-manager-policy", "memory-manager-policy",
    "volume-stats-agg-period", "streaming-connection-idle-timeout", "enforce-node-allocatable", "static-pod-path",
    "address", "port",
];

/// Settings that are maps: `memory.available<100Mi,nodefs.available<10%`, `cpu=140m,memory=3436Mi`.
const MAPS: &[&str] = &[
    "evictionHard", "evictionSoft", "evictionSoftGracePeriod", "evictionMinimumReclaim", "kubeReserved", "systemReserved",
    "featureGates", "qosReserved",
];

/// Flags whose default a kubelet's log prints although its configuration file says otherwise, with the defaults of all
/// versions from 1.16 on. Where another value is printed, the flag was given.
const DEFAULTS: &[(&str, &[&str])] = &[
    ("pod-max-pids", &["-1"]),
    ("max-pods", &["110"]),
    ("pods-per-core", &["0"]),
    ("event-qps", &["5", "50"]),
    ("kube-api-qps", &["5", "50"]),
    ("kube-api-burst", &["10", "100"]),
    ("registry-qps", &["5"]),
    ("cgroup-driver", &["cgroupfs"]),
    ("cluster-domain", &[""]),
    ("cluster-dns", &["[]", ""]),
    ("fail-swap-on", &["true"]),
    ("eviction-hard", &["imagefs.available<15%,memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%", ""]),
    ("eviction-soft", &[""]),
    ("kube-reserved", &[""]),
    ("system-reserved", &[""]),
    ("max-open-files", &["1000000"]),
    ("node-status-update-frequency", &["10s"]),
    ("runtime-request-timeout", &["2m0s"]),
    ("serialize-image-pulls", &["true"]),
    ("container-log-max-size", &["10Mi"]),
    ("container-log-max-files", &["5"]),
    ("image-gc-high-threshold", &["85"]),
    ("image-gc-low-threshold", &["80"]),
    ("read-only-port", &["10255"]),
    ("protect-kernel-defaults", &["false"]),
    ("rotate-certificates", &["false"]),
    ("cpu-manager-policy", &["none"]),
    ("topology-manager-policy", &["none"]),
    ("resolv-conf", &["/etc/resolv.conf"]),
    ("hairpin-mode", &["promiscuous-bridge"]),
];

/// Of `FLAG: --pod-max-pids="4096"` in a kubelet's log: the settings that are in force because of it. The log prints flags
/// that nobody gave with their defaults, over which the file wins: those say nothing.
pub(crate) fn logged(message: &str) -> Vec<(String, String)> {
    let Some((_, rest)) = message.split_once("FLAG: --") else { return Vec::new() };
    let Some((flag, value)) = rest.trim_end().split_once('=') else { return Vec::new() };
    let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value);
    match DEFAULTS.iter().find(|(name, _)| *name == flag) {
        Some((_, defaults)) if !defaults.contains(&value) => settings(flag, value),
        _ => Vec::new(),
    }
}

/// The flags in a text: `--k=v`, `--k v`, `--k`; words may be quoted, or parted by NUL.
pub(crate) fn flags(text: &str) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut words = text.split([' ', '\t', '\0', '\n', '"', '\'', '\\']).filter(|it| !it.is_empty()).peekable();
    while let Some(word) = words.next() {
        // `KUBELET_ARGS=--v=2`
        let start = match word.find("--") {
            Some(0) => 0,
            Some(at) if word[..at].ends_with('=') => at,
            _ => continue,
        };
        let word = &word[start + 2..];
        if !word.starts_with(|it: char| it.is_ascii_lowercase()) || found.len() >= 300 {
            continue;
        }
        match word.split_once('=') {
            Some((key, value)) => found.push((key, value)),
            None => {
                let value = words.next_if(|it| !it.starts_with('-') && !it.starts_with('$'));
                found.push((word, value.unwrap_or("true")));
            }
        }
    }
    found
}

/// The settings a flag sets.
pub(crate) fn settings(flag: &str, value: &str) -> Vec<(String, String)> {
    let key = match NAMES.iter().find(|(it, _)| *it == flag) {
        Some((_, name)) => (*name).to_owned(),
        None if PLAIN.contains(&flag) => camel(flag),
        None => flag.to_owned(),
    };
    if !MAPS.contains(&key.as_str()) || value.is_empty() {
        return vec![(key, value.to_owned())];
    }
    let pairs = value.split(',').filter_map(|it| it.split_once(['<', '=']));
    pairs.map(|(inner, value)| (format!("{key}.{}", inner.trim()), value.trim().to_owned())).collect()
}

/// `cgroup-driver`: `cgroupDriver`
fn camel(flag: &str) -> String {
    let mut words = flag.split('-');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|it| it.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_their_three_forms() {
        assert_eq!(
            flags("kubelet --a=1 --b 2 --c --d=x=y -v KUBELET_ARGS=\"--e\" --f $X"),
            [("a", "1"), ("b", "2"), ("c", "true"), ("d", "x=y"), ("e", "true"), ("f", "true")]
        );
        assert_eq!(camel("node-status-update-frequency"), "nodeStatusUpdateFrequency");
        assert_eq!(
            settings("kube-reserved", "cpu=140m,memory=3436Mi"),
            [("kubeReserved.cpu".into(), "140m".into()), ("kubeReserved.memory".into(), "3436Mi".into())]
        );
    }
}
