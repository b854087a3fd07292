//! What ordinary programs of a node say, with holes; and what stands in the holes.

use crate::dice::Dice;

/// A program and the lines it writes; the number says how often, of all.
pub(crate) const HOST: &[(&str, u64, &[&str])] = &[
    (
        "kubelet",
        46,
        &[
            "{klog:I} kubelet.go:2083] \"SyncLoop (PLEG): event for pod\" pod=\"{ns}/{pod}\" event=&{ID:{uid} Type:ContainerStarted Data:{id}}",
            "{klog:I} kubelet.go:2097] \"SyncLoop (probe)\" probe=\"readiness\" status=\"ready\" pod=\"{ns}/{pod}\"",
            "{klog:I} reconciler.go:224] \"operationExecutor.VerifyControllerAttachedVolume started for volume \\\"kube-api-access-{tail}\\\" (UniqueName: \\\"kubernetes.io/projected/{uid}-kube-api-access-{tail}\\\") pod \\\"{pod}\\\" (UID: \\\"{uid}\\\") \"",
            "{klog:I} operation_generator.go:698] \"MountVolume.SetUp succeeded for volume \\\"{word}-config\\\" (UniqueName: \\\"kubernetes.io/configmap/{uid}-{word}-config\\\") pod \\\"{pod}\\\" (UID: \\\"{uid}\\\") \"",
            "{klog:I} scope.go:117] \"RemoveContainer\" containerID=\"{id}\"",
            "{klog:I} pod_container_manager_linux.go:194] \"Failed to delete cgroup paths\" cgroupName=[kubepods burstable pod{uid}] err=\"unable to destroy cgroup paths for cgroup [kubepods burstable pod{uid}] : Timed out while waiting for systemd to remove kubepods-burstable-pod{uid}.slice\"",
            "{klog:W} manager.go:1176] Failed to process watch event {EventType:0 Name:/kubepods/burstable/pod{uid}/{id} WatchSource:0}: task {id} not found: not found",
            "{klog:E} remote_runtime.go:116] \"StopPodSandbox from runtime service failed\" err=\"rpc error: code = Unknown desc = failed to destroy network for sandbox \\\"{id}\\\": connection is unauthorized: Unauthorized\" podSandboxID=\"{id}\"",
            "{klog:I} kubelet_volumes.go:160] \"Cleaned up orphaned pod volumes dir\" podUID={uid} path=\"/var/lib/kubelet/pods/{uid}/volumes\"",
            "{klog:E} summary_sys_containers.go:48] \"Failed to get system container stats\" err=\"failed to get cgroup stats for \\\"/system.slice/{word}.service\\\": failed to get container info for \\\"/system.slice/{word}.service\\\": unknown container \\\"/system.slice/{word}.service\\\"\" containerName=\"/system.slice/{word}.service\"",
            "{klog:I} image_gc_manager.go:310] \"Disk usage on image filesystem is over the high threshold, trying to free bytes down to the low threshold\" usage={num:100} highThreshold=85 amountToFree={num:99999999999} lowThreshold=80",
            "{klog:I} status_manager.go:566] \"Failed to get status for pod\" podUID={uid} pod=\"{ns}/{pod}\" err=\"Get \\\"https://{ip}:6443/api/v1/namespaces/{ns}/pods/{pod}\\\": net/http: TLS handshake timeout\"",
        ],
    ),
    (
        "containerd",
        14,
        &[
            "time=\"{iso}\" level=info msg=\"RemoveContainer for \\\"{id}\\\" returns successfully\"",
            "time=\"{iso}\" level=info msg=\"PullImage \\\"registry.example.com/{ns}/{word}:{num:9}.{num:40}.{num:9}\\\" returns image reference \\\"sha256:{id}\\\"\"",
            "time=\"{iso}\" level=info msg=\"StartContainer for \\\"{id}\\\" returns successfully\"",
            "time=\"{iso}\" level=warning msg=\"cleaning up after shim disconnected\" id={id} namespace=k8s.io",
            "time=\"{iso}\" level=info msg=\"CreateContainer within sandbox \\\"{id}\\\" for &ContainerMetadata{Name:{word},Attempt:{num:9},} returns container id \\\"{id}\\\"\"",
            "time=\"{iso}\" level=error msg=\"ExecSync for \\\"{id}\\\" failed\" error=\"rpc error: code = NotFound desc = failed to exec in container: failed to load task: no running task found: task {id} not found: not found\"",
        ],
    ),
    (
        "kernel",
        12,
        &[
            "[{up}] cali{tail}{tail}: renamed from tmp{tail}",
            "[{up}] IPv6: ADDRCONF(NETDEV_CHANGE): cali{tail}{tail}: link becomes ready",
            "[{up}] device veth{tail} entered promiscuous mode",
            "[{up}] docker0: port {num:64}(veth{tail}) entered forwarding state",
            "[{up}] audit: type=1400 audit({epoch}.{num:999}:{num:99999}): apparmor=\"STATUS\" operation=\"profile_load\" profile=\"unconfined\" name=\"cri-containerd.apparmor.d\" pid={num:99999} comm=\"apparmor_parser\"",
            "[{up}] TCP: request_sock_TCP: Possible SYN flooding on port {num:65000}. Sending cookies.  Check SNMP counters.",
            "[{up}] IPVS: rr: TCP {ip}:{num:65000} - no destination available",
            "[{up}] EXT4-fs (sd{letter}{num:9}): mounted filesystem with ordered data mode. Opts: (null)",
            "[{up}] nfs: server {ip} OK",
            "[{up}] ixgbe 0000:{num:99}:00.{num:2} ens{num:9}f{num:2}: NIC Link is Up 10 Gbps, Flow Control: RX/TX",
        ],
    ),
    (
        "systemd",
        10,
        &[
            "Started Session {num:99999} of user {user}.",
            "Created slice libcontainer container kubepods-burstable-pod{uid}.slice.",
            "Removed slice libcontainer container kubepods-besteffort-pod{uid}.slice.",
            "run-containerd-io.containerd.runtime.v2.task-k8s.io-{id}-rootfs.mount: Succeeded.",
            "cri-containerd-{id}.scope: Succeeded.",
            "cri-containerd-{id}.scope: Consumed {num:600}.{num:999}s CPU time.",
            "Starting Daily apt {word} activities...",
            "Finished Rotate log files.",
            "{word}.timer: Adding {num:59}min {num:59}.{num:999999}s random time.",
        ],
    ),
    (
        "sshd",
        5,
        &[
            "Accepted publickey for {user} from {ip} port {num:65000} ssh2: RSA SHA256:{id}",
            "pam_unix(sshd:session): session opened for user {user} by (uid=0)",
            "Received disconnect from {ip} port {num:65000}:11: disconnected by user",
            "Disconnected from user {user} {ip} port {num:65000}",
        ],
    ),
    (
        "CRON",
        4,
        &[
            "({user}) CMD (/usr/local/bin/{word} --quiet >/dev/null 2>&1)",
            "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
        ],
    ),
    (
        "chronyd",
        2,
        &[
            "Selected source {ip} ({word}.pool.example.com)",
            "Source {ip} replaced with {ip}",
            "System clock wrong by 0.{num:999999} seconds",
        ],
    ),
    (
        "node_exporter",
        4,
        &[
            "ts={iso} caller=collector.go:169 level=error msg=\"collector failed\" name={word} duration_seconds=0.0{num:99999} err=\"couldn't get {word}stats: strconv.ParseFloat: parsing \\\"-\\\": invalid syntax\"",
            "ts={iso} caller=stdlib.go:105 level=error msg=\"error encoding and sending metric family: write tcp {ip}:9100->{ip}:{num:65000}: write: broken pipe\"",
        ],
    ),
    ("dhclient", 1, &["DHCPREQUEST for {ip} on ens{num:9} to {ip} port 67", "DHCPACK of {ip} from {ip}"]),
    (
        "snmpd",
        2,
        &["Connection from UDP: [{ip}]:{num:65000}->[{ip}]:161", "error on subcontainer 'ia_addr' insert (-1)"],
    ),
];

/// What the containers of pods write: the name of the container, and its lines.
pub(crate) const PODS: &[(&str, &[&str])] = &[
    (
        "calico-node",
        &[
            "{date} [INFO][{num:99}] felix/summary.go 100: Summarising {num:20} dataplane reconciliation loops over 1m3.{num:9}s: avg={num:40}ms longest={num:900}ms (resync-nat-v4)",
            "{date} [INFO][{num:99}] felix/int_dataplane.go 1693: Received *proto.WorkloadEndpointUpdate update from calculation graph msg=id:<orchestrator_id:\"k8s\" workload_id:\"{ns}/{pod}\" endpoint_id:\"eth0\" > endpoint:<state:\"active\" name:\"cali{tail}{tail}\" ipv4_nets:\"{ip}/32\" >",
            "{date} [INFO][{num:99}] felix/endpoint_mgr.go 1145: Applying /proc/sys configuration to interface. ifaceName=\"cali{tail}{tail}\"",
            "{date} [INFO][{num:99}] felix/route_table.go 237: Queueing a resync of routing table. ifaceRegex=\"^cali.*\" ipVersion=0x4 tableIndex=254",
            "bird: Mesh_{under}: State changed to start",
        ],
    ),
    (
        "etcd",
        &[
            "{\"level\":\"info\",\"ts\":\"{iso}\",\"caller\":\"mvcc/hash.go:137\",\"msg\":\"storing new hash\",\"hash\":{num:4294967295},\"revision\":{num:99999999},\"compact-revision\":{num:99999999}}",
            "{\"level\":\"info\",\"ts\":\"{iso}\",\"caller\":\"mvcc/kvstore_compaction.go:66\",\"msg\":\"finished scheduled compaction\",\"compact-revision\":{num:99999999},\"took\":\"{num:90}.{num:999999}ms\"}",
            "{\"level\":\"info\",\"ts\":\"{iso}\",\"caller\":\"traceutil/trace.go:171\",\"msg\":\"trace[{num:2147483647}] range\",\"detail\":\"{range_begin:/registry/{word}/{ns}/{pod}; range_end:; response_count:1; response_revision:{num:99999999}; }\",\"duration\":\"{num:400}.{num:999999}ms\",\"step_count\":{num:5}}",
        ],
    ),
    (
        "web",
        &[
            "{ip} - - [{clf}] \"GET /api/v{num:3}/{word}/{num:99999} HTTP/1.1\" 200 {num:99999} \"-\" \"{word}-client/{num:9}.{num:30}\" {num:900} 0.0{num:99} [{ns}-{word}-8080] [] {ip}:8080 {num:9999} 0.0{num:99} 200 {hex}{hex}",
            "{ip} - {user} [{clf}] \"POST /{word}/{word} HTTP/2.0\" 201 {num:999} \"https://{word}.example.com/{word}\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\" {num:900} 0.{num:999} [{ns}-{word}-8080] [] {ip}:8080 {num:999} 0.{num:999} 201 {hex}{hex}",
        ],
    ),
    (
        "order",
        &[
            "{date} INFO  [{word}-pool-{num:40}] c.e.shop.{word}.OrderService - order {num:9999999} of customer {num:99999} moved to {word} in {num:900} ms",
            "{date} DEBUG [http-nio-8080-exec-{num:200}] c.e.shop.{word}.Repository - select o from Order o where o.id = {num:9999999} took {num:40} ms, {num:90} rows",
            "{date} WARN  [{word}-pool-{num:40}] c.e.shop.{word}.Retry - attempt {num:3} of 3 for {word} at {ip}:{num:9999}: response 503 after {num:2000} ms",
        ],
    ),
    (
        "coredns",
        &[
            "[INFO] {ip}:{num:65000} - {num:65000} \"A IN {word}.{ns}.svc.cluster.local. udp {num:90} false 512\" NOERROR qr,aa,rd {num:200} 0.000{num:999999}s",
        ],
    ),
];

const WORDS: &[&str] = &[
    "account",
    "adapter",
    "agent",
    "archive",
    "audit",
    "backup",
    "basket",
    "batch",
    "billing",
    "broker",
    "bucket",
    "cache",
    "catalog",
    "checkout",
    "cleanup",
    "cluster",
    "config",
    "courier",
    "cursor",
    "customer",
    "daily",
    "delivery",
    "device",
    "digest",
    "dispatch",
    "engine",
    "event",
    "export",
    "feed",
    "filter",
    "flush",
    "forecast",
    "gateway",
    "graph",
    "handler",
    "import",
    "index",
    "ingest",
    "invoice",
    "journal",
    "label",
    "ledger",
    "listener",
    "loader",
    "locale",
    "mailer",
    "market",
    "media",
    "merge",
    "message",
    "metric",
    "migrate",
    "mirror",
    "monitor",
    "notify",
    "offer",
    "order",
    "parcel",
    "partner",
    "payment",
    "planner",
    "policy",
    "portal",
    "price",
    "profile",
    "proxy",
    "quota",
    "ranking",
    "rebuild",
    "recommend",
    "refund",
    "region",
    "render",
    "replica",
    "report",
    "reward",
    "route",
    "sampler",
    "schedule",
    "search",
    "segment",
    "session",
    "shard",
    "shipping",
    "snapshot",
    "stock",
    "storage",
    "stream",
    "summary",
    "supplier",
    "sync",
    "tenant",
    "ticket",
    "token",
    "tracker",
    "transfer",
    "update",
    "upload",
    "vendor",
    "voucher",
    "wallet",
    "warehouse",
    "webhook",
    "worker",
    "zone",
];

/// Names and numbers that come back, as they do on a real cluster.
pub(crate) struct World {
    pub(crate) pods: Vec<String>,
    namespaces: Vec<String>,
    pub(crate) ids: Vec<String>,
    pub(crate) uids: Vec<String>,
    ips: Vec<String>,
    tails: Vec<String>,
    users: Vec<String>,
}

fn hex(dice: &mut Dice, len: usize) -> String {
    (0..len).map(|_| char::from(b"0123456789abcdef"[dice.roll(16) as usize])).collect()
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed);
        let tail = |dice: &mut Dice| -> String {
            (0..5).map(|_| char::from(b"bcdfghjklmnpqrstvwxz2456789"[dice.roll(27) as usize])).collect()
        };
        let mut list = |count: usize, make: &dyn Fn(&mut Dice) -> String| -> Vec<String> {
            (0..count).map(|_| make(&mut dice)).collect()
        };
        let word = |dice: &mut Dice| WORDS[dice.roll(WORDS.len() as u64) as usize];
        World {
            pods: list(240, &|dice| format!("{}-{}-{}-{}", word(dice), word(dice), hex(dice, 9), tail(dice))),
            namespaces: list(24, &|dice| format!("{}-{}", word(dice), word(dice))),
            ids: list(160, &|dice| hex(dice, 64)),
            uids: list(120, &|dice| {
                let part = |dice: &mut Dice, len| hex(dice, len);
                format!("{}-{}-4{}-a{}-{}", part(dice, 8), part(dice, 4), part(dice, 3), part(dice, 3), part(dice, 12))
            }),
            ips: list(120, &|dice| format!("10.{}.{}.{}", dice.roll(20), dice.roll(256), dice.roll(254) + 1)),
            tails: list(160, &tail),
            users: list(12, &|dice| format!("svc-{}", word(dice))),
        }
    }

    /// Writes what stands in a hole; `at` is milliseconds since 1970.
    pub(crate) fn fill(&self, hole: &str, at: i64, dice: &mut Dice, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let mut text = |it: &str| out.extend_from_slice(it.as_bytes());
        match hole {
            "pod" => text(dice.pick::<String>(&self.pods)),
            "ns" => text(dice.pick::<String>(&self.namespaces)),
            "id" => text(dice.pick::<String>(&self.ids)),
            "uid" => text(dice.pick::<String>(&self.uids)),
            "ip" => text(dice.pick::<String>(&self.ips)),
            "under" => text(&dice.pick::<String>(&self.ips).replace('.', "_")),
            "tail" => text(dice.pick::<String>(&self.tails)),
            "user" => text(dice.pick::<String>(&self.users)),
            "word" => text(WORDS[dice.roll(WORDS.len() as u64) as usize]),
            "letter" => text(["a", "b", "c", "d"][dice.roll(4) as usize]),
            "hex" => text(dice.pick::<String>(&self.ids).get(..16).unwrap_or_default()),
            "up" => {
                _ = write!(
                    out,
                    "{:5}.{:06}",
                    (at - crate::generate::BEGIN_MS) / 1000 + 2_344_000,
                    at % 1000 * 1000 + 417
                )
            }
            "epoch" => _ = write!(out, "{}", at / 1000),
            "iso" => crate::time::iso(at, "Z", 9, out),
            "date" => {
                let start = out.len();
                crate::time::iso(at, "", 3, out);
                out[start + 10] = b' ';
            }
            "clf" => crate::time::clf(at, out),
            _ => match hole.split_once(':') {
                Some(("num", most)) => _ = write!(out, "{}", number(most.parse().unwrap_or(10), dice)),
                Some(("klog", level)) => {
                    out.extend_from_slice(level.as_bytes());
                    crate::time::klog(at, out);
                    out.extend_from_slice(b"    2817");
                }
                // a brace of the line itself
                _ => {
                    text("{");
                    text(hole);
                    text("}");
                }
            },
        }
    }
}

/// A number below `most`: ports, sizes and revisions come back, too, so of large ones there are few.
fn number(most: u64, dice: &mut Dice) -> u64 {
    const VALUES: u64 = 64;
    if most <= VALUES { dice.skewed(most) } else { dice.skewed(VALUES) * (most / VALUES) + most % VALUES }
}

/// A line taken apart: text and holes in turn.
pub(crate) struct Template {
    parts: Vec<(&'static str, Option<&'static str>)>,
}

impl Template {
    pub(crate) fn new(text: &'static str) -> Template {
        let (mut parts, mut rest) = (Vec::new(), text);
        let mut from = 0;
        while let Some(open) = rest[from..].find('{').map(|it| from + it) {
            let inside = &rest[open + 1..];
            let close = inside.find(['{', '}', ' ']).filter(|it| inside.as_bytes()[*it] == b'}');
            let word = |it: &str| {
                !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b':' | b'_'))
            };
            match close.filter(|it| word(&inside[..*it])) {
                Some(close) => {
                    parts.push((&rest[..open], Some(&inside[..close])));
                    (rest, from) = (&inside[close + 1..], 0);
                }
                None => from = open + 1,
            }
        }
        parts.push((rest, None));
        Template { parts }
    }

    pub(crate) fn write(&self, world: &World, at: i64, dice: &mut Dice, out: &mut Vec<u8>) {
        for (text, hole) in &self.parts {
            out.extend_from_slice(text.as_bytes());
            if let Some(hole) = hole {
                world.fill(hole, at, dice, out);
            }
        }
    }
}
