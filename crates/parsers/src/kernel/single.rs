//! What the kernel says in one line: faults of programs, of disks, of file systems, of links.
//!
//! ```text
//! hog[301]: segfault at 10 ip 00000000004016c7 sp 00007ffd46595ef0 error 6 in hog[401000+8c000]
//! critical medium error, dev nvme0n1, sector 2048 op 0x0:(READ) flags 0x800 phys_seg 1 prio class 2
//! EXT4-fs error (device loop0): trigger_test_error:132: comm init: crashme test error
//! e1000: eth0 NIC Link is Down
//! ```
//!
//! Each is a report of its own, with its device and what went wrong. A failing disk repeats itself without end: of one
//! kind only the first in a boot are reports, the rest are lines like others.
//!
//! Source: arch/x86/mm/fault.c, block/blk-core.c, drivers/nvme/host, drivers/scsi/scsi_logging.c, fs/{ext4,xfs,btrfs},
//! drivers/edac/edac_mc.c, net/sched/sch_generic.c, net/core/neighbour.c.

use super::fields::Fields;
use super::start::{Family, Start};
use crate::expression::Table;

/// Reports of one kind in one boot.
pub(super) const MOST_OF_A_KIND: u32 = 200;

/// Words one of which stands in every such line.
pub(super) const WORDS: &[&str] = &[
    "segfault at",
    "traps: ",
    "Uhhuh",
    "NMI: ",
    "EDAC MC",
    "Memory failure",
    "Bus Error",
    "AER: ",
    " error, dev ",
    "Buffer I/O",
    "FAILED Result",
    "Sense Key",
    "exception Emask",
    "failed command",
    "hard resetting",
    "SATA link down",
    "nvme",
    "EXT4-fs",
    "XFS (",
    "BTRFS ",
    "Aborting journal",
    "NETDEV WATCHDOG",
    "Link is Down",
    "Link down",
    "definitely down",
    "tx hang",
    "Unit Hang",
    "resetting adapter",
    "PF reset",
    "table full",
    "table overflow",
    "file-max limit",
    "unregister_netdevice",
    "as unstable",
    "critical temperature",
    "Disk failure",
    "Failing path",
    "not responding",
    "SYN flooding",
    "orphaned sockets",
    "consider tuning tcp_mem",
];

/// Words that stand in the lines, the lines' expressions, and their kinds.
static TABLE: Table<&str, 38> = Table::of([
    ("segfault at", r"^(?P<comm>.{1,64})\[(?P<pid>\d+)\]: (?P<error>segfault) at \S+ ip ", "segfault"),
    (
        "traps: ",
        r"^traps: (?P<comm>.{1,64})\[(?P<pid>\d+)\] (?P<error>general protection|trap [a-z0-9 ]+?|[a-z ]+ fault)(?: fault)? ip:",
        "segfault",
    ),
    ("Uhhuh. NMI", r"^Uhhuh\. NMI received for unknown (?P<error>reason \w+) on CPU (?P<cpu>\d+)", "nmi"),
    ("NMI: ", r"^NMI: (?P<error>PCI system error|IOCK error)(?:.* on CPU (?P<cpu>\d+))?", "nmi"),
    ("EDAC MC", r"^EDAC (?P<device>MC\d+): (?P<number>\d+) (?P<error>CE|UE) ", "edac"),
    ("Memory failure", r"^Memory failure: (?:0x[0-9a-f]+: )?(?P<error>.+)", "memory-failure"),
    (
        "PCIe Bus Error",
        r"^(?:pcieport )?(?P<device>[0-9a-f]{4}:[0-9a-f:.]+): (?:AER: )?PCIe Bus Error: (?P<error>severity=[^,]+)",
        "pcie-error",
    ),
    ("AER: ", r"^(?:pcieport )?(?P<device>[0-9a-f]{4}:[0-9a-f:.]+): AER: (?P<error>.*error.*received)", "pcie-error"),
    (
        " error, dev ",
        r"^(?:blk_update_request: |end_request: |print_req_error: )?(?P<error>I/O|critical medium|critical target|critical nexus|critical space allocation|timeout|protection|recoverable transport|device offline|operation not supported) error, dev (?P<device>[^, ]+), sector",
        "block-error",
    ),
    ("Buffer I/O error", r"^(?P<error>Buffer I/O error) on dev(?:ice)? (?P<device>[^, ]+)", "block-error"),
    ("FAILED Result", r"^sd \S+: \[(?P<device>\w+)\] .*FAILED Result: (?P<error>hostbyte=\S+)", "scsi-error"),
    (
        "Sense Key",
        r"^sd \S+: \[(?P<device>\w+)\] .*Sense Key : (?P<error>Medium Error|Hardware Error|Aborted Command|Not Ready|Data Protect)",
        "scsi-error",
    ),
    (
        "exception Emask|failed command|hard resetting link|SATA link down",
        r"^(?P<device>ata\d+(?:\.\d+)?): (?P<error>exception Emask|failed command: [A-Z ]+|hard resetting link|SATA link down)",
        "ata-error",
    ),
    (
        "nvme",
        r"^nvme (?P<device>nvme\d+): (?P<error>I/O .*timeout.*|controller is down.*|Device not ready.*|Removing after probe failure.*|Abort status: 0x[1-9a-f]\w*|Disabling device.*)",
        "nvme-error",
    ),
    ("I/O Error", r"^(?P<device>nvme\d+n\d+): .*I/O Error \((?P<error>[^)]*\S) *\)", "nvme-error"),
    (
        "Remounting filesystem",
        r"^EXT4-fs \((?P<device>[^)]+)\): (?P<error>Remounting filesystem read-only)",
        "filesystem-read-only",
    ),
    (
        "EXT4-fs ",
        r"^EXT4-fs (?:error|\(\S+ error) \(?(?:device )?(?P<device>[^):]+)\)?(?::| in) ?(?P<location>\w+:\d+): (?:inode #\d+: )?(?:block \d+: )?(?:comm (?P<comm>.+?): )?(?P<error>.*)",
        "filesystem-error",
    ),
    (
        "I/O error to superblock",
        r"^EXT4-fs \((?P<device>[^)]+)\): (?P<error>previous I/O error to superblock detected)",
        "filesystem-error",
    ),
    ("Aborting journal", r"^(?P<error>Aborting journal) on device (?P<device>\S+?)(?:-\d+)?\.$", "filesystem-error"),
    (
        "XFS (",
        r"^XFS \((?P<device>[^)]+)\): (?P<error>Metadata I/O Error|Corruption of in-memory data|Log I/O Error|log I/O error|metadata I/O error|Metadata corruption detected|xfs_log_force: error|possible memory allocation deadlock)",
        "filesystem-error",
    ),
    ("BTRFS", r"^BTRFS:? (?:error|critical) \(device (?P<device>[^ )]+)[^)]*\):? (?P<error>.+)", "filesystem-error"),
    (
        "NETDEV WATCHDOG: ",
        r"^(?:.* )?NETDEV WATCHDOG: (?P<device>\S+) \(\w+\): (?P<error>transmit queue \d+ timed out)",
        "link-reset",
    ),
    (
        "NETDEV WATCHDOG: ",
        r"^(?P<device>\S+) \(\w+\): NETDEV WATCHDOG: .*(?P<error>transmit queue \d+ timed out)",
        "link-reset",
    ),
    (
        "tx hang|Tx Unit Hang|Reset adapter|resetting adapter|PF reset",
        r"^\S+ (?:[0-9a-f:.]+ )?(?P<device>\w[\w.-]*): (?P<error>.*(?:tx hang|Detected Tx Unit Hang|Reset adapter|resetting adapter|PF reset issued).*)",
        "link-reset",
    ),
    (
        "ink down|ink is down|ink Down|ink is Down",
        r"^(?:\S+ )?(?:[0-9a-f:.]+ )?(?P<device>\w[\w.-]*):? (?:NIC )?Link (?:is )?[Dd]own",
        "link-down",
    ),
    ("definitely down", r"^\w+: \(slave (?P<device>\S+)\): link status definitely down", "link-down"),
    ("definitely down", r"^\w+: link status definitely down for interface (?P<device>[^, ]+)", "link-down"),
    ("table full", r"^(?:nf_conntrack: )+(?P<error>.*table full, dropping packet)", "conntrack-full"),
    (
        "neighbor table overflow|Neighbour table overflow",
        r"^(?:neighbour: )?(?P<device>\w+): (?P<error>neighbor table overflow)|^Neighbour table overflow",
        "neighbour-overflow",
    ),
    ("file-max limit", r"^VFS: (?P<error>file-max limit \d+ reached)", "file-max"),
    (
        "unregister_netdevice",
        r"^unregister_netdevice: waiting for (?P<device>\S+) to become free\. Usage count = (?P<number>\d+)",
        "netdevice-leak",
    ),
    ("as unstable", r"[Mm]arking clocksource '?(?P<device>[\w-]+)'? as unstable", "clock-unstable"),
    ("critical temperature", r"^thermal (?P<device>\w+): (?P<error>critical temperature reached)", "thermal"),
    ("Disk failure", r"^md/\S+: (?P<error>Disk failure) on (?P<device>[^, ]+)", "disk-failed"),
    ("Failing path", r"multipath: \S+ (?P<error>Failing path) (?P<device>\S+?)\.?$", "disk-failed"),
    ("not responding", r"^(?:nfs|NFS): (?P<error>server) (?P<device>\S+) not responding", "nfs-silent"),
    (
        "SYN flooding",
        r"^TCP: (?:request_sock_\w+: )?(?P<error>Possible SYN flooding) on port (?P<device>[\w.:\[\]]+?)\. ",
        "syn-flood",
    ),
    ("orphaned sockets|out of memory", r"^TCP: (?P<error>too many orphaned sockets|out of memory)", "tcp-memory"),
]);

/// Whether a report of this kind is one line.
#[cfg(test)]
pub(super) fn is_kind(kind: &str) -> bool {
    TABLE.rows.iter().any(|it| it.2 == kind)
}

/// What a line opens, and at once ends.
pub(super) fn of(text: &str) -> Option<Start> {
    TABLE.first(text).map(|(_, kind)| Start { family: Family::Single, kind, rank: super::start::BUG })
}

/// Reads the columns of such a line.
pub(super) fn learn(text: &str, fields: &mut Fields) {
    let Some(found) = TABLE.first(text).and_then(|(regex, _)| regex.captures(text)) else { return };
    let part = |name: &str| found.name(name).map(|it| it.as_str().trim().to_owned());
    let number = |name: &str| found.name(name).and_then(|it| it.as_str().parse::<u32>().ok());
    fields.device = part("device");
    fields.error = part("error");
    fields.comm = part("comm");
    fields.pid = number("pid");
    fields.cpu = number("cpu");
    fields.number = number("number").map(i64::from);
    fields.location = part("location");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        assert!(super::super::start::possible(line), "{line}");
        let Some(start) = of(line) else { return format!("none: {line}") };
        let mut fields = Fields::default();
        learn(line, &mut fields);
        let row = fields.row(start.kind, line, true);
        let columns = ["device", "error", "comm", "pid", "cpu", "number", "location"];
        let cells: Vec<String> =
            columns.iter().filter(|it| row.get(it).is_some()).map(|it| format!("{it}={}", row.get(it))).collect();
        format!("{}: {}", start.kind, cells.join(" "))
    }

    #[test]
    fn one_line_says_it() {
        let lines = [
            "hog[301]: segfault at 10 ip 00000000004016c7 sp 00007ffd46595ef0 error 6 in hog[401000+8c000]",
            "my prog[318]: segfault at 10 ip 00000000004016c7 sp 00007ffe038e0d20 error 6 likely on CPU 1 (core 1, socket 0)",
            "traps: hog[303] general protection fault ip:deadbeefcaf0 sp:7fff9f1a6d28 error:0",
            "traps: hog[309] trap invalid opcode ip:401762 sp:7ffdaba9c010 error:0 in hog[401000+8c000]",
            "Uhhuh. NMI received for unknown reason 31 on CPU 0.",
            "NMI: PCI system error (SERR) for reason a1 on CPU 0.",
            "EDAC MC0: 1 CE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0 (channel:1 slot:0 page:0x1)",
            "pcieport 0000:00:03.0: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)",
            "pcieport 0000:00:03.0: AER: Corrected error received: 0000:03:00.0",
            "critical medium error, dev nvme0n1, sector 2048 op 0x0:(READ) flags 0x800 phys_seg 1 prio class 2",
            "blk_update_request: I/O error, dev loop2, sector 0 op 0x0:(READ) flags 0x80700 phys_seg 4 prio class 0",
            "end_request: I/O error, dev sda, sector 12345",
            "Buffer I/O error on dev sda, logical block 582, async page read",
            "Buffer I/O error on device sda1, logical block 9",
            "sd 0:0:0:0: [sda] tag#62 FAILED Result: hostbyte=DID_OK driverbyte=DRIVER_OK cmd_age=0s",
            "sd 0:0:0:0: [sda] tag#62 Sense Key : Medium Error [current] ",
            "ata1.00: exception Emask 0x0 SAct 0x0 SErr 0x0 action 0x6 frozen",
            "ata1: hard resetting link",
            "nvme nvme0: I/O 12 QID 1 timeout, aborting",
            "nvme nvme0: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0xffff",
            "nvme0n1: I/O Cmd(0x2) @ LBA 2048, 1 blocks, I/O Error (sct 0x2 / sc 0x81) ",
            "EXT4-fs error (device loop0): trigger_test_error:132: comm init: crashme test error",
            "EXT4-fs error (device sda1) in ext4_reserve_inode_write:5753: Journal has aborted",
            "EXT4-fs error (device sda1): ext4_lookup:1701: inode #2: comm ls: deleted inode referenced: 12",
            "EXT4-fs (loop0): Remounting filesystem read-only",
            "Aborting journal on device loop0-8.",
            "XFS (dm-0): Metadata I/O Error (0x1) detected at xfs_trans+0x1/0x2 [xfs] (fs/xfs/x.c:1).  Shutting down filesystem.",
            "XFS (dm-0): log I/O error -5",
            "BTRFS error (device sdb1): parent transid verify failed on 1",
            "NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out",
            "e1000e 0000:00:19.0 eth0: NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out",
            "e1000: eth0 NIC Link is Down",
            "ixgbe 0000:03:00.0 eth0: NIC Link is Down",
            "mlx5_core 0000:3b:00.0 eth0: Link down",
            "bond0: (slave eth0): link status definitely down, disabling slave",
            "ixgbe 0000:03:00.0 eth0: initiating reset due to tx hang",
            "nf_conntrack: nf_conntrack: table full, dropping packet",
            "neighbour: arp_cache: neighbor table overflow!",
            "VFS: file-max limit 98312 reached",
            "unregister_netdevice: waiting for lo to become free. Usage count = 1",
            "clocksource: timekeeping watchdog on CPU3: Marking clocksource 'tsc' as unstable because the skew is too large:",
            "md/raid1:md0: Disk failure on sdb1, disabling device.",
            "device-mapper: multipath: 253:2: Failing path 8:32.",
            "nfs: server 10.0.0.9 not responding, still trying",
            "TCP: request_sock_TCP: Possible SYN flooding on port 10250. Sending cookies.  Check SNMP counters.",
        ];
        let all: Vec<String> = lines.iter().map(|it| read(it)).collect();
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn the_healthy_say_nothing() {
        for line in [
            "e1000: eth0 NIC Link is Up 1000 Mbps Full Duplex, Flow Control: RX",
            "nvme nvme0: 2/0/0 default/read/poll queues",
            "nvme nvme0: Abort status: 0x0",
            "EXT4-fs (loop0): mounted filesystem with ordered data mode. Opts: (null)",
            "EXT4-fs (loop0): recovery complete",
            "EDAC MC: Ver: 3.0.0",
            "XFS (dm-0): Ending clean mount",
            "nfs: server 10.0.0.9 OK",
            "traps: PANIC: double fault, error_code: 0x0",
            "NMI watchdog: enabled on all CPUs",
            "sd 0:0:0:0: [sda] tag#62 Sense Key : Unit Attention [current] ",
        ] {
            assert!(of(line).is_none(), "{line}");
        }
    }
}
