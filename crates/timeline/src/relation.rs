//! The relations: which tables of facts exist and what their columns mean.
//!
//! Parsers fill them, detectors add to them, rules join them by name. A new kind of statement is a new entry here.

/// The name of a zone that shows by a local stamp and, in the same line, one that states its zone.
pub const TWO_STAMPS: &str = "by two stamps of one line";

/// A named, typed table of facts.
#[derive(Debug, PartialEq, Eq)]
pub struct Relation {
    /// The name rules use: `ipam.block`.
    pub name: &'static str,
    /// The columns besides `node`, which every relation has.
    pub columns: &'static [&'static str],
    /// What one row says.
    pub about: &'static str,
    /// Whether rows are said of one node each; otherwise one collection covers the whole cluster.
    pub per_node: bool,
}

impl Relation {
    /// The place of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|it| *it == name)
    }
}

macro_rules! relations {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $scope:ident, [$($column:literal),* $(,)?], $about:literal;)*) => {
        $($(#[$doc])* pub static $id: Relation =
            Relation { name: $name, columns: &[$($column),*], about: $about, per_node: relations!(@$scope) };)*
        /// Every relation a parser can fill.
        pub static ALL: &[&Relation] = &[$(&$id),*];
    };
    (@node) => { true };
    (@cluster) => { false };
}

relations! {
    /// One route of a node's routing table.
    ROUTE = "route", node, ["dst", "type", "via", "dev", "proto", "scope", "src", "table", "metric", "flags", "family"],
        "A route in a node's routing table; `type` is unicast unless printed, `dst` default is 0.0.0.0/0 or ::/0.";
    /// An address on an interface.
    ADDRESS = "address", node, ["address", "prefix", "dev", "scope"], "An address configured on an interface of the node.";
    /// A block of addresses and the node it belongs to.
    IPAM_BLOCK = "ipam.block", cluster, ["cidr", "owner", "total", "used", "free", "pool"],
        "A Calico IPAM block; `owner` is the node with the affinity, where the source names it.";
    /// One allocated address.
    IPAM_ALLOCATION = "ipam.allocation", cluster, ["ip", "block", "owner", "user", "pod", "type", "borrowed", "handle", "leaked"],
        "An address handed out by Calico IPAM: `user` is the node that uses it, `owner` the node its block belongs to; `leaked` is whether `calicoctl ipam check` found nobody using it.";
    /// An address pool.
    IPAM_POOL = "ipam.pool", cluster, ["cidr", "total", "used", "free", "block_size", "disabled", "ipip", "vxlan"],
        "A Calico IP pool and how full it is.";
    /// Cluster-wide IPAM settings.
    IPAM_CONFIG = "ipam.config", cluster, ["strict_affinity", "auto_allocate_blocks", "max_blocks_per_host"],
        "The Calico IPAM configuration.";
    /// Which node claimed which block.
    IPAM_AFFINITY = "ipam.affinity", cluster, ["cidr", "owner", "state", "deleted"], "A Calico block affinity.";
    /// A BGP session as a tool printed it.
    BGP_PEER = "bgp.peer", node, ["peer", "kind", "state", "since", "info"], "A BGP session of a node, as calicoctl or BIRD prints it.";
    /// A kernel setting in force.
    SYSCTL = "sysctl", node, ["key", "value"], "A sysctl as it was in force on the node.";
    /// A limit of one process.
    PROCESS_LIMIT = "limit", node, ["scope", "name", "soft", "hard"], "A resource limit (ulimit, /proc/PID/limits, limits.d).";
    /// A line of /proc/meminfo.
    MEMINFO = "meminfo", node, ["key", "bytes"], "A value of /proc/meminfo, in bytes.";
    /// How many tasks exist.
    TASKS = "tasks", node, ["threads", "last_pid"], "Number of tasks (threads) alive on the node, from /proc/loadavg or counted in the output of ps.";
    /// The running kernel.
    KERNEL = "kernel", node, ["release", "version"], "The kernel of a node: release 4.4.0-104-generic and build text.";
    /// The operating system.
    OS = "os", node, ["name", "version", "id"], "The operating system of a node, from os-release or its Node object.";
    /// A distribution of Kubernetes that speaks of itself.
    DISTRIBUTION = "distribution", node, ["name", "version", "role", "workloads", "api_reachable", "error"],
        "A distribution of Kubernetes as it speaks of itself (`k0s status`): `role` is controller or worker, `api_reachable` whether the node reached the API server when it was asked, `error` what it got instead.";
    /// A requirement of the host that was checked.
    PREFLIGHT = "preflight", node, ["check", "value", "result", "why"],
        "What was checked of a host before it becomes a node (`k0s sysinfo`): `result` is pass, warning, rejected or error.";
    /// Storage driver and version of the container runtime.
    RUNTIME = "runtime", node, ["name", "version", "storage_driver"], "The container runtime of a node.";
    /// A loaded kernel module.
    MODULE = "module", node, ["name", "bytes", "used"], "A kernel module that was loaded, how large it is and how often it is used.";
    /// A Node object.
    NODE = "node", cluster, ["name", "address", "boot_id", "kernel", "os", "runtime", "kubelet", "ready"], "A Kubernetes Node object.";
    /// A Pod object.
    POD = "pod", cluster, ["namespace", "name", "ip", "on", "phase", "uid", "host_network", "restarts"],
        "A Kubernetes pod; `on` is the node it is scheduled to.";
    /// The state of one container of a pod.
    CONTAINER_STATE = "container.state", cluster,
        ["namespace", "pod", "container", "state", "reason", "exit_code", "signal", "restarts", "on"],
        "The current or last state of a container; `state` is running, waiting, terminated or last-terminated.";
    /// The image of a container of the cluster's own.
    CONTAINER_IMAGE = "container.image", cluster, ["namespace", "pod", "container", "image", "name", "version", "on"],
        "The image a part of the cluster runs: `name` is calico, kube-proxy, coredns, etcd, kube-apiserver …, `version` its tag.";
    /// A Kubernetes event.
    KUBE_EVENT = "kube.event", cluster,
        ["reason", "type", "kind", "namespace", "name", "container", "component", "count", "message", "on"],
        "A Kubernetes event; `on` is the node that emitted it or that it is about.";
    /// A kernel report of many lines.
    KERNEL_REPORT = "kernel.report", node,
        ["kind", "title", "location", "rip", "comm", "pid", "taint", "release", "number", "modules", "constraint", "victim",
         "victim_pid", "trigger", "cgroup", "order", "free_bytes", "complete", "cpu", "secs", "owner", "owner_pid", "frames",
         "device", "error"],
        "A report of the kernel: bug, oops, gpf, warning, panic, soft-lockup, hard-lockup, rcu-stall, hung-task, oom-kill, machine-check, nmi, edac, segfault, block-error, scsi-error, nvme-error, filesystem-error, link-reset …; `secs` is how long it was stuck, `owner` who held what it waited for, `frames` the functions of its first trace, innermost first.";
    /// A boot ended here.
    BOOT_END = "boot.end", node, ["boot_id", "orderly", "last"],
        "The last record of a boot; `orderly` is true where shutdown lines precede it, `last` is its text.";
    /// A boot began here.
    BOOT_START = "boot.start", node, ["boot_id", "marker"], "The first record of a boot; `marker` is how the file shows it.";
    /// What a boot repaired at its beginning.
    BOOT_RECOVERY = "boot.recovery", node, ["what", "of"],
        "At its beginning a boot repaired what the one before had left open, which did not end in order: `what` is ext4, xfs or btrfs (the journal of a file system was replayed), fsck, or journal (system.journal was put aside); `of` is the device or file.";
    /// A crash of a Go program.
    GO_CRASH = "go.crash", node, ["reason", "threads", "errno", "program"], "A Go runtime throw or panic, as one record.";
    /// Time zone of a node.
    ZONE = "clock.zone", node, ["offset_secs", "name"], "The time zone of a node, stated by timedatectl, date or a header line.";
    /// When the bundle was taken.
    COLLECTED = "clock.collected", node, ["command"], "The moment something was collected; `at` is the stamp that was printed.";
    /// An equation between the kernel clock and wall time.
    ANCHOR = "clock.anchor", node, ["micros", "epoch_micros", "error_micros", "how"],
        "One line that carries the kernel's clock and wall time together.";
    /// A clock that was set.
    CLOCK_STEP = "clock.step", node,
        ["by_secs", "after_secs", "since_line", "from_micros", "to_micros", "how"],
        "The wall clock was set while the machine ran: by how much, how long after the boot began, and since which line of the file it was wrong.";
    /// Two clocks at one occasion.
    CLOCK_PAIR = "clock.pair", cluster, ["on", "first", "ahead_micros", "width_micros", "how"],
        "A node and the API server stamped one occasion: by how much the node's stamp is later, and whose was made first (node or api; mirror: the API server noted at once what the node wrote); or by how much etcd says that it is ahead of a peer.";
    /// Two names of one node.
    ALIAS = "node.alias", cluster, ["name", "other"], "The bundle says that both names mean one node; the first is preferred.";
    /// A log that lost lines.
    LOSS = "log.loss", node, ["source", "count", "text"], "A notice that lines are missing: rate limits, overruns, suppressed callbacks.";
    /// Something a collector could not collect, or not whole.
    COLLECT_FAILURE = "collect.failure", node, ["what", "path", "tail", "why"],
        "What a collector says it could not collect, or only in part; `path` is the file it belongs in, `tail` that only its end is there.";
    /// A file of the ledger.
    MEMBER = "member", cluster, ["path", "format", "complete"], "A file of the bundle and how it was understood.";
    /// A condition of a Node object.
    NODE_CONDITION = "node.condition", cluster, ["name", "type", "status", "reason", "message"],
        "A condition of a Kubernetes Node object; `at` is when it last changed.";
    /// The heartbeat of a node.
    NODE_LEASE = "node.lease", cluster, ["name", "duration_secs"], "The lease of a node; `at` is its last renewal.";
    /// A probe of a container.
    PROBE = "probe", cluster,
        ["namespace", "pod", "container", "kind", "action", "command", "period_secs", "timeout_secs", "on"],
        "How the kubelet probes a container: `kind` is liveness, readiness or startup; `action` exec (which forks), http-get, tcp-socket or grpc.";
    /// A counter of /proc/vmstat.
    VMSTAT = "vmstat", node, ["key", "value"], "A counter of /proc/vmstat, such as oom_kill, since boot.";
    /// An interface.
    LINK = "link", node,
        ["dev", "state", "flags", "mtu", "mac", "master", "kind", "rx_errors", "rx_dropped", "tx_errors", "tx_dropped",
         "carrier_changes", "index", "peer", "carrier"],
        "A network interface: its state and flags, and counters of errors where the source prints them; `carrier` is false where NO-CARRIER is printed, `peer` what stands behind the @.";
    /// A neighbour of the node: ARP and NDP.
    NEIGHBOUR = "neighbour", node, ["ip", "dev", "mac", "state"], "An entry of the neighbour table; `state` as printed, such as FAILED or REACHABLE.";
    /// A rule that picks a routing table.
    IP_RULE = "ip.rule", node, ["priority", "src", "dst", "fwmark", "iif", "oif", "table", "action", "family", "inverted", "selector", "suppress"],
        "A policy routing rule: which packets are looked up in which table; `selector` is whatever it asks for besides addresses, `suppress` the prefix length whose matches do not count.";
    /// An entry of a bridge's or VXLAN device's forwarding table.
    BRIDGE_FDB = "bridge.fdb", node, ["mac", "dev", "dst", "flags"], "A forwarding entry; `dst` is the remote end of a VXLAN tunnel.";
    /// A route a routing daemon knows.
    RIB_ROUTE = "rib.route", node, ["dst", "type", "via", "dev", "protocol", "from", "selected", "installed", "daemon"],
        "A route in the table of a routing daemon (BIRD, FRR), which need not be one of the kernel; `installed` is false where the kernel refused it.";
    /// A counter of the network stack.
    NET_COUNTER = "net.counter", node, ["source", "dev", "key", "value"],
        "A counter of the network stack, summed over CPUs: `source` is conntrack, conntrack-list (flows of a list, counted by protocol and state), qdisc (what was thrown away before it was sent), snmp (nstat, netstat -s, /proc/net/snmp), softnet, sockets (ss -s), socket-list (sockets of a list, counted by state), routing (/proc/net/stat/rt_cache), fib-trie (/proc/net/fib_triestat, `dev` is the table) or ethtool.";
    /// A next-hop object.
    NEXTHOP = "nexthop", node, ["id", "type", "via", "dev", "group", "proto", "scope", "flags"],
        "A next-hop object of the kernel, which routes name by its number (`nhid`); `type` is unicast, blackhole or group, `group` the numbers of its members.";
    /// A socket that listens.
    SOCKET = "socket", node, ["protocol", "state", "local", "port", "recv_q", "send_q", "program", "pid"],
        "A socket that listens (`ss`, `netstat`): `recv_q` connections wait to be accepted, `send_q` may wait at most where ss prints it.";
    /// What a packet capture holds.
    PACKET_CAPTURE = "packet.capture", node,
        ["packets", "first", "last", "resets", "unreachable", "too_big", "arp_requests", "arp_replies"],
        "A packet capture in text: how many packets, from when to when as printed, and how many of them are resets, ICMP unreachable, or ask for smaller packets.";
    /// A file system and how full it is.
    FILESYSTEM = "filesystem", node,
        ["device", "mount", "type", "bytes", "used_bytes", "available_bytes", "used_percent"],
        "A mounted file system and how many of its bytes are used, from df.";
    /// The inodes of a file system.
    FILESYSTEM_INODES = "filesystem.inodes", node, ["device", "mount", "type", "inodes", "used", "free", "used_percent"],
        "A mounted file system and how many of its inodes are used, from df -i.";
    /// Space that a deleted file still takes.
    DELETED_FILE = "deleted.file", node, ["process", "pid", "path", "bytes"],
        "A file that is deleted but held open by a process (lsof): its space is free only when the process closes it.";
    /// An array of disks.
    RAID = "raid", node, ["name", "level", "state", "disks", "working", "failed", "doing", "done_percent"],
        "A software RAID of /proc/mdstat: `disks` it should have and `working` it has, `failed` the names of those that failed, `doing` is resync, recovery, check or reshape.";
    /// A disk of several ways.
    MULTIPATH = "multipath", node, ["name", "wwid", "device", "product", "paths", "active", "failed", "failed_devices", "queues"],
        "A disk that is reached by several paths (`multipath -ll`): how many there are, how many work, how many failed and under which names; `queues` is whether it waits without an error when none is left.";
    /// A volume of LVM.
    VOLUME = "volume", node,
        ["kind", "name", "group", "attributes", "bytes", "free_bytes", "pool", "data_percent", "metadata_percent", "missing"],
        "A volume of LVM (pvs, vgs, lvs, and the displays): `kind` is physical, group or logical; `data_percent` and `metadata_percent` say how full a thin pool or snapshot is, `missing` is whether a part of it is not there.";
    /// A change of the network.
    NET_CHANGE = "net.change", node, ["kind", "action", "what", "type", "via", "dev", "state"],
        "A change that `ip monitor` saw: `kind` is route, address, link, neighbour, rule or nexthop, `action` added or deleted (what is changed is added again), `what` the prefix, address or interface.";
    /// An answer to ping.
    PING = "ping", node, ["target", "sent", "received", "loss_percent", "rtt_avg_millis", "error"],
        "What ping found: how many packets came back, and the first error that was printed.";
    /// A routing daemon.
    ROUTING_DAEMON = "routing.daemon", node, ["name", "version", "router_id", "started", "reconfigured", "state"],
        "A routing daemon (bird, frr) as it speaks of itself: show status, show version; `state` is running, or what else it says.";
    /// How long a machine is up.
    UPTIME = "uptime", node, ["secs"], "For how many seconds the machine was up, from /proc/uptime or uptime (which prints minutes).";
    /// How busy a machine was.
    HOST_SAMPLE = "host.sample", node,
        ["source", "user", "system", "idle", "iowait", "steal", "runnable", "blocked", "swap_in_kib", "swap_out_kib"],
        "How busy a machine was when top, vmstat, iostat or sar looked: shares of its processors in percent, tasks that run and that wait for a disk, KiB a second swapped in and out. The first line of vmstat and iostat is an average since boot (`source` ends with since-boot).";
    /// How busy a disk was.
    DISK_LOAD = "disk.load", node, ["device", "util_percent", "read_await_millis", "write_await_millis", "queue", "source"],
        "How busy a disk was (iostat -x): the share of time it worked, how long requests took, how many waited.";
    /// What a container uses.
    CONTAINER_USAGE = "container.usage", node,
        ["namespace", "pod", "container", "processes", "memory_bytes", "memory_limit_bytes", "cpu_percent"],
        "What a container used when docker stats or crictl stats looked; `processes` counts threads, too.";
    /// What a runtime says of itself.
    RUNTIME_CONDITION = "runtime.condition", node, ["type", "status", "reason", "message"],
        "A condition a container runtime reports of itself (`crictl info`): RuntimeReady, NetworkReady.";
    /// A task of containerd.
    RUNTIME_TASK = "runtime.task", node, ["id", "pid", "status"], "A task of containerd (`ctr tasks list`) and whether it runs.";
    /// How a network card is connected.
    LINK_MODE = "link.mode", node, ["dev", "detected", "speed_mbit", "duplex", "auto_negotiation", "port"],
        "How a network card is connected, from `ethtool DEV`.";
    /// A mount.
    MOUNT = "mount", node, ["device", "mount", "type", "options", "read_only"], "A mount in force on the node.";
    /// Pressure stall information.
    PRESSURE = "pressure", node, ["resource", "kind", "avg10", "avg60", "avg300", "total_micros"],
        "Share of time tasks stalled, in percent: `resource` is cpu, memory, io or irq, `kind` some or full.";
    /// A cache of the slab allocator.
    SLAB = "slab", node, ["name", "active", "objects", "object_bytes", "bytes"], "A slab cache of the kernel and the memory it takes.";
    /// Free memory by order.
    BUDDYINFO = "buddyinfo", node, ["zone", "order", "blocks"], "Free blocks of 2^order pages in a zone (/proc/buddyinfo): fragmentation.";
    /// A zone of memory and its marks.
    MEMORY_ZONE = "memory.zone", node, ["zone", "free_pages", "min_pages", "low_pages", "high_pages", "managed_pages"],
        "A zone of memory (/proc/zoneinfo), in pages: below `low` the kernel reclaims in the background, below `min` only allocations that must not wait get any.";
    /// A swap area.
    SWAP = "swap", node, ["device", "type", "bytes", "used_bytes", "priority"],
        "An area the node swaps to (/proc/swaps, swapon); none is there where a listing has none.";
    /// A cgroup controller.
    CGROUP_CONTROLLER = "cgroup.controller", node, ["name", "hierarchy", "cgroups", "enabled"], "A line of /proc/cgroups: how many cgroups a controller has.";
    /// A value of a cgroup.
    CGROUP_VALUE = "cgroup.value", node, ["path", "key", "value"], "A value of a cgroup, of v1 or v2: `key` is the file (pids.max, memory.current), with the name of the line where the file has several (memory.events.oom_kill, cpu.stat.nr_throttled); no limit (`max`) is -1; `path` is the cgroup as far as the place of the file tells.";
    /// A process worth naming.
    PROCESS = "process", node, ["pid", "ppid", "user", "name", "state", "threads", "rss_bytes", "files", "wait", "command"],
        "A process: those that wait uninterruptibly or are zombies, and those with the most threads, memory or open files.";
    /// An entry of the board management controller's log.
    BMC_EVENT = "bmc.event", node, ["sensor", "event", "asserted"],
        "An event the board management controller logged (ipmitool sel): which sensor, what happened, and whether it began or ended.";
    /// How many processes are in a state.
    PROCESS_STATE = "process.state", node, ["state", "processes"], "How many processes were in a state: running, sleeping, uninterruptible, zombie, stopped, idle.";
    /// The load of a node.
    LOAD = "load", node, ["one", "five", "fifteen", "running"], "Load averages, from /proc/loadavg, uptime or top.";
    /// A counter of /proc/stat.
    STAT = "stat", node, ["key", "value"], "A value of /proc/stat: processes, procs_running, procs_blocked, btime, and cpu_user, cpu_system, cpu_iowait, cpu_steal … in ticks.";
    /// A word of the kernel's command line.
    KERNEL_ARGUMENT = "kernel.argument", node, ["key", "value"], "An argument the kernel was started with, such as crashkernel.";
    /// An installed package.
    PACKAGE = "package", node, ["name", "version", "architecture", "state"], "An installed package, from dpkg -l or rpm -qa.";
    /// A package that was installed, changed or removed.
    PACKAGE_CHANGE = "package.change", node, ["action", "name", "version", "previous", "architecture"],
        "A change of an installed package, from dpkg.log, apt's history.log, yum.log or dnf.rpm.log: `action` is install, reinstall, upgrade, downgrade or remove.";
    /// A certificate.
    CERTIFICATE = "certificate", node, ["subject", "issuer", "not_before", "not_after", "authority", "path"],
        "A certificate; `at` is when it stops being valid, `path` the file it stands in or is said to stand in.";
    /// A setting of the kubelet.
    KUBELET_CONFIG = "kubelet.config", node, ["key", "value", "source"],
        "A setting of the kubelet under its name in KubeletConfiguration (`evictionHard.memory.available`); `source` is file, flag or api. A flag that a kubelet's log prints with another value than its default is one, too.";
    /// A setting or a state of kdump.
    KDUMP_CONFIG = "kdump.config", node, ["key", "value", "source"],
        "How a crash dump is prepared: `state` is ready or not-ready, the others are settings of kdump.conf and kdump-tools, kexec_crash_loaded, kexec_crash_size.";
    /// Whether the clock is kept right.
    CLOCK_SYNC = "clock.sync", node, ["service", "synchronized", "reference", "stratum", "offset_secs", "leap"],
        "What a time service says of the node's clock: chronyc tracking, timedatectl, ntpstat.";
    /// A server of a time service.
    CLOCK_SOURCE = "clock.source", node, ["name", "mode", "state", "stratum", "reach", "last_rx_secs", "offset_secs"],
        "A server a time service knows, from chronyc sources or ntpq -p; `state` is selected, combined, unreachable, falseticker, variable or excluded.";
    /// Something that SELinux or AppArmor denied.
    LSM_DENIAL = "lsm.denial", node, ["module", "comm", "operation", "target", "class", "profile", "permissive"],
        "What SELinux or AppArmor denied a program, from auditd's log; `permissive` where it was only noted, `profile` the label or profile it ran under.";
    /// A unit of systemd.
    UNIT = "unit", node,
        ["name", "load", "active", "sub", "result", "exit_code", "restarts", "tasks", "tasks_max", "memory_bytes"],
        "A unit of systemd as systemctl shows it; of list-units only services, mounts and what has failed.";
    /// A boot as a list names it.
    BOOT = "boot", node, ["index", "boot_id", "kernel", "first", "last", "ending"],
        "A boot from journalctl --list-boots or last -x; `at` is its beginning, `ending` is shutdown, crash or running.";
    /// A file of the journal.
    JOURNAL_FILE = "journal.file", node,
        ["path", "state", "entries", "bytes", "boot_id", "first", "last", "intact", "damage"],
        "A file of the journal (`journalctl --header`, `--verify`, `--disk-usage`): `state` is online (being written), offline or archived, `intact` whether its verification passed; `at` is its last entry.";
    /// A block of Prometheus' storage.
    TSDB_BLOCK = "tsdb.block", cluster, ["ulid", "from", "to", "samples", "series", "chunks", "tombstones", "level", "bytes"],
        "A block of Prometheus' storage as its meta.json or `promtool tsdb list` names it; `to` is exclusive.";
    /// A stretch of deleted samples.
    TSDB_TOMBSTONE = "tsdb.tombstone", cluster, ["series", "from", "to"],
        "Samples of a series, by its number in the block, that were deleted on purpose: their absence shows nothing.";
    /// A query that was running.
    METRIC_QUERY = "metric.query", cluster, ["query"],
        "A query that Prometheus was working on when it stopped (`queries.active`); `at` is when it began.";
    /// A member of etcd.
    ETCD_MEMBER = "etcd.member", cluster,
        ["name", "endpoint", "healthy", "leader", "learner", "version", "db_bytes", "in_use_bytes", "raft_term", "raft_index",
         "applied_index", "took_millis", "alarm", "error"],
        "A member of etcd, from etcdctl endpoint status, endpoint health, member list or alarm list.";
    /// A test of how fast etcd is.
    ETCD_CHECK = "etcd.check", node, ["check", "result", "value", "unit"],
        "What `etcdctl check perf` measured where it ran: `check` is throughput (writes a second), slowest-request or deviation (seconds), or errors; `result` pass or fail.";
    /// A request to the API server, as its audit log has it.
    API_REQUEST = "api.request", cluster,
        ["verb", "resource", "namespace", "name", "client", "agent", "source_ip", "code", "reason", "message", "millis", "stage"],
        "A request in the audit log of an API server that changed something or that was refused for load or failed on its side (429, 5xx); `resource` has the group and the subresource (pods/eviction, deployments.apps), `millis` how long it took. The many changes that keep a cluster running (leases, events, status) are left out.";
    /// What one client asks of the API server.
    API_CLIENT = "api.client", cluster,
        ["client", "agent", "verb", "resource", "requests", "failed", "limited", "share_percent", "slowest_millis", "per_second"],
        "How much one client asked of an API server, counted over one audit log: `failed` with 5xx, `limited` with 429, `share_percent` of all requests in the file, `per_second` over the time it covers. Watches count once.";
    /// A priority level of an API server.
    API_PRIORITY = "api.priority", cluster, ["level", "waiting", "executing", "dispatched", "rejected", "timed_out", "cancelled"],
        "A priority level of an API server's priority and fairness: how many requests wait and are served, and how many were served, turned away or gave up since it began.";
    /// A lease that is no node's.
    LEASE = "lease", cluster, ["namespace", "name", "holder", "duration_secs", "transitions"],
        "A lease that elects a leader; `at` is its last renewal.";
    /// A workload of the cluster.
    WORKLOAD = "workload", cluster, ["kind", "namespace", "name", "desired", "ready", "available", "updated"],
        "A Deployment, DaemonSet, StatefulSet or ReplicaSet and how much of it runs.";
    /// A control group or pod and what it uses.
    POD_USAGE = "pod.usage", cluster, ["namespace", "name", "processes", "memory_bytes", "ephemeral_bytes", "on"],
        "What a pod used when the kubelet's stats/summary was taken.";
    /// An address a node answers for.
    NEIGHBOUR_PROXY = "neighbour.proxy", node, ["ip", "dev"], "An address that a node answers ARP or NDP for although it is not its own (`ip neigh show proxy`).";
    /// How many neighbours a node knows.
    NEIGHBOUR_COUNT = "neighbour.count", node, ["entries", "failed"],
        "How many IPv4 neighbours a listing holds, and how many of them do not answer.";
    /// A real server behind an IPVS service.
    IPVS_SERVER = "ipvs.server", node, ["service", "protocol", "server", "weight", "active", "inactive"],
        "A real server of an IPVS service; weight 0 takes no new connections.";
    /// What a network card does for the kernel.
    OFFLOAD = "offload", node, ["dev", "feature", "on", "fixed"], "An offload feature of an interface, from `ethtool -k`.";
    /// A resolver of a node.
    NAMESERVER = "nameserver", node, ["address", "path"], "A nameserver in the resolv.conf of a node.";
    /// A table of netfilter rules.
    IPTABLES = "iptables.table", node,
        ["family", "table", "rules", "kube", "cali", "forward", "legacy_too", "chains", "drops", "masquerades", "backend"],
        "A table of `iptables-save` or `nft list ruleset`: how many rules, how many of them in chains of kube-proxy and of Calico, the policy of FORWARD; how many rules drop or reject, how many masquerade. `backend` is nft where nft printed it: what iptables-legacy holds does not show there.";
    /// What Calico knows of a node.
    CALICO_NODE = "calico.node", cluster, ["name", "bgp_address", "bgp_network", "internal", "ipip_tunnel", "vxlan_tunnel"],
        "Addresses Calico gave or found for a node, from its Calico Node or the annotations of its Node object.";
    /// A label of a node.
    NODE_LABEL = "node.label", cluster, ["name", "key", "value"], "A label of a Node object.";
    /// Cluster-wide BGP settings.
    BGP_CONFIG = "bgp.config", cluster, ["name", "mesh", "as_number"], "A Calico BGPConfiguration; `mesh` is whether nodes peer with each other.";
    /// A configured BGP peering.
    BGP_PEERING = "bgp.peering", cluster, ["name", "on", "node_selector", "peer_selector", "peer_ip", "as_number"],
        "A Calico BGPPeer: which nodes (by name or selector) peer with whom.";
    /// A setting of Felix.
    FELIX_CONFIG = "felix.config", cluster, ["name", "key", "value"], "A setting of a FelixConfiguration.";
    /// A Service object.
    SERVICE = "service", cluster, ["namespace", "name", "type", "cluster_ip", "external_ip", "traffic_policy"],
        "A Kubernetes Service; `external_ip` is the address its load balancer got.";
}

/// The first and the last record of a machine's log in one member: what [`crate::Timeline::build`] makes of them are ends and
/// beginnings of boots. No rule sees the rest.
pub static LOG_EDGE: Relation = Relation {
    name: "log.edge",
    columns: &["side", "boot_id", "offset", "machine", "cut", "sequence", "number", "marker", "orderly", "text"],
    about: "An end of a machine's log in one file: `side` is first or last, `offset` the boot that the name of the file states.",
    per_node: true,
};

/// A relation by its name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Relation> {
    ALL.iter().copied().find(|it| it.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_columns_are_unique() {
        let mut names: Vec<_> = ALL.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for relation in ALL {
            let mut columns = relation.columns.to_vec();
            columns.sort_unstable();
            columns.dedup();
            assert_eq!(columns.len(), relation.columns.len(), "{}", relation.name);
            assert!(!columns.contains(&"node"), "{}: node is implied", relation.name);
        }
    }
}
