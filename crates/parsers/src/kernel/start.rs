//! Which lines open a report, old wordings and new.

use std::sync::LazyLock;

use regex::Regex;

use super::words::Words;
use crate::expression::{Table, expression};

/// How the lines of a report are told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// BUG, oops, general protection fault, WARNING: registers, a trace, `---[ end trace`.
    Death,
    /// `Kernel panic - not syncing`.
    Panic,
    /// A complaint with one stack: soft and hard lockups, hung tasks, `scheduling while atomic`.
    Trace,
    /// An RCU stall: lines of several CPUs.
    Stall,
    /// The OOM killer.
    Oom,
    /// A failed allocation with its memory statistics.
    Alloc,
    /// Lines marked `[Hardware Error]`.
    Hardware,
    /// KASAN, lockdep, SLUB: prose between rulers.
    Framed,
    /// One line that says all.
    Single,
}

/// A line that opens a report, or names what an opened one is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) family: Family,
    pub(super) kind: &'static str,
    /// How well this line names the report: `kernel BUG at` better than `cut here`.
    pub(super) rank: u8,
}

/// `------------[ cut here ]------------`
pub(super) const CUT: u8 = 0;
/// `invalid opcode: 0000 [#1] SMP`
pub(super) const DIE: u8 = 1;
/// `WARNING: CPU: 0 PID: 97 at mm/page_alloc.c:5634`
pub(super) const WARNING: u8 = 2;
/// `BUG: unable to handle page fault for address`
pub(super) const REASON: u8 = 3;
/// `kernel BUG at fs/inode.c:1!`
pub(super) const BUG: u8 = 4;

/// Words one of which stands in every line that opens a report of several lines.
const WORDS: &[&str] = &[
    "cut here",
    "BUG",
    "WARNING: ",
    "Oops",
    "[#",
    "Unable to handle",
    "protection fault",
    "anic",
    "PANIC",
    "lockup",
    "LOCKUP",
    "detected stall",
    "detected expedited",
    "blocked for more",
    "oom-kill",
    "allocation ",
    "ut of memory",
    "Killed process",
    "Unable to allocate",
    "corruption",
    "Hardware Error",
    "Machine Check",
    "INFO: possible",
    "suspicious ",
    "inconsistent lock",
    "fork rejected",
    "UBSAN",
];

/// Words of lines that tell of something else: of lines that are gone, of the clock.
const ASIDES: &[&str] = &["suppressed", " printk messages dropped", "audit_lost", "setting system clock"];

/// All words of lines that tell of something, and an expression of those that open a report.
static LITERALS: LazyLock<(Words, Regex)> = LazyLock::new(|| {
    let all = [WORDS, super::single::WORDS].concat();
    let pattern: Vec<String> = all.iter().map(|it| regex::escape(it)).collect();
    (Words::new(&[&all, ASIDES].concat()), expression(&pattern.join("|")))
});

/// Whether a line may open a report, or tell of lines that are gone or of the clock: false of nearly all others.
pub(super) fn may_tell(text: &str) -> bool {
    LITERALS.0.may_stand_in(text)
}

/// Whether a line may open a report: a pass for the millions that do not.
pub(super) fn possible(text: &str) -> bool {
    LITERALS.0.may_stand_in(text) && LITERALS.1.is_match(text)
}

/// What a line opens, if it opens anything.
pub(super) fn of(text: &str) -> Option<Start> {
    let first = TABLE.first(text).map(|(_, &(family, kind, rank))| Start { family, kind, rank });
    first.or_else(|| super::single::of(text))
}

/// What opens a report: the first that fits counts. Words of the lines, their expressions, and what they say.
static TABLE: Table<(Family, &str, u8), 36> = Table::of({
    use Family::*;
    [
        ("cut here", r"^-{8,}\[ cut here \]-{8,}", (Death, "cut", CUT)),
        ("Kernel panic", r"^Kernel panic - not syncing", (Panic, "panic", BUG)),
        ("ernel BUG", r"[Kk]ernel BUG at \S|^Kernel BUG \[#", (Death, "bug", BUG)),
        // 5.1 says `BUG: kernel NULL pointer dereference, address`, ppc64 `BUG: Kernel NULL pointer dereference on read`
        (
            "BUG: ",
            r"^BUG: (?:unable to handle|Unable to handle|[Kk]ernel NULL pointer|TASK stack guard|stack guard page|.*stack overflow)",
            (Death, "oops", REASON),
        ),
        ("Unable to handle", r"^(?:CPU \d+ )?Unable to handle kernel ", (Death, "oops", REASON)),
        ("PANIC: ", r"^(?:traps: )?PANIC: (?:double fault|early exception)", (Death, "die", REASON)),
        (
            "corruption",
            r"^list_(?:add|del)(?:_rcu)? corruption|^list_del corruption",
            (Death, "list-corruption", REASON),
        ),
        // what follows the colon: `Oops: general protection fault, probably for …: 0000 [#3]`
        ("protection fault", r"general protection fault.*\[#\d+\]", (Death, "gpf", DIE)),
        ("Oops - BUG", r"^Internal error: Oops - BUG.*\[#\d+\]", (Death, "bug", DIE)),
        (
            "Oops",
            r"^(?:Internal error: )?Oops(?:: (?:Oops: |Kernel access of bad area|[0-9a-fA-F]{4,}\b|[0-9a-fA-F]{3}\b)| ?\[#)(?:.*\[#\d+\])?",
            (Death, "oops", DIE),
        ),
        // a driver may count its own things as `[#2]`: an error code or a word of the kernel's stands before
        (
            "[#",
            r"^(?:Oops|Internal error|Kernel)\b.*\[#\d+\]|^[A-Za-z][^\[\]]*: [0-9a-f]{1,16}(?: ilc:\d)? ?\[#\d+\]",
            (Death, "die", DIE),
        ),
        (
            "INFO: |BUG: |WARNING: ",
            r"^(?:\[ ?| )?(?:INFO|BUG|WARNING): (?:possible (?:circular|recursive|irq|deadlock|reason)|suspicious |inconsistent |bad unlock|bad contention|lock held|held lock freed|.*lock order|[Ii]nvalid wait context|.*still has locks held)",
            (Framed, "lockdep", BUG),
        ),
        ("WARNING: ", r"^WARNING: (?:CPU: ?\d+ |at \S+:\d|\S+:\d+ at )", (Death, "warning", WARNING)),
        ("KASAN", r"^BUG: KASAN: ", (Framed, "kasan", BUG)),
        ("KFENCE", r"^BUG: KFENCE: ", (Framed, "kfence", BUG)),
        ("BUG: K", r"^BUG: K[CM]SAN: ", (Framed, "sanitizer", BUG)),
        ("UBSAN: ", r"^UBSAN: ", (Framed, "sanitizer", BUG)),
        ("BUG ", r"^BUG [^:]*\S: (?:[A-Z]\w+ )?\S", (Framed, "slab-corruption", BUG)),
        ("soft lockup", r"BUG: soft lockup", (Trace, "soft-lockup", BUG)),
        ("LOCKUP", r"[Hh]ard LOCKUP on |Hard LOCKUP$|detected LOCKUP on CPU", (Trace, "hard-lockup", REASON)),
        ("workqueue lockup", r"^BUG: workqueue lockup", (Trace, "workqueue-lockup", BUG)),
        ("BUG: spinlock|BUG: rwlock", r"^BUG: (?:spinlock|rwlock)", (Trace, "spinlock-lockup", BUG)),
        (
            "BUG: ",
            r"^BUG: (?:scheduling while atomic|sleeping function called|using .* in (?:preemptible|atomic))",
            (Trace, "scheduling-while-atomic", BUG),
        ),
        (
            "BUG: Bad|BUG: non-zero|pgtables_bytes",
            r"^BUG: (?:Bad page|Bad rss|non-zero|.*pgtables_bytes)",
            (Trace, "bad-page", BUG),
        ),
        ("detected ", r"INFO: \S+ (?:self-)?detected (?:expedited )?stall", (Stall, "rcu-stall", BUG)),
        ("blocked for more", r"^INFO: task .+:\d+ blocked for more than \d", (Trace, "hung-task", BUG)),
        ("oom-killer", r"^.{1,64} invoked oom-killer: ", (Oom, "oom-kill", DIE)),
        ("oom-kill:", r"^oom-kill:constraint=", (Oom, "oom-kill", WARNING)),
        (
            "ut of memory",
            r"^(?:Memory cgroup out of memory|Out of memory[^:]*): Kill(?:ed)? process \d",
            (Oom, "oom-kill", BUG),
        ),
        (
            "ut of memory",
            r"^(?:Memory cgroup out of memory|Out of memory)(?::| and) no killable process",
            (Oom, "oom-kill", BUG),
        ),
        ("Killed process", r"^Killed process \d+[ ,].*\bvm", (Oom, "oom-kill", REASON)),
        (
            "allocation ",
            r": page allocation (?:failure|stalls)|vmalloc.*: allocation failure",
            (Alloc, "alloc-failure", BUG),
        ),
        ("SLUB: ", r"^SLUB: Unable to allocate memory", (Alloc, "alloc-failure", BUG)),
        (
            "Hardware Error|Machine Check",
            r"\[Hardware Error\]|^(?:CPU ?\d+: )?Machine Check Exception",
            (Hardware, "machine-check", DIE),
        ),
        ("fork rejected", r"^cgroup: fork rejected by pids controller in ", (Single, "fork-rejected", BUG)),
        ("BUG: ", r"^BUG: \S", (Trace, "self-check", REASON)),
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_lines_are_told_from_reports_by_one_pass() {
        let lines = [
            "device eth0 entered promiscuous mode",
            "cali872btfmknl: renamed from tmp872bt",
            "IPv6: ADDRCONF(NETDEV_CHANGE): califmknlhxjz4: link becomes ready",
            "audit: type=1400 audit(1644450589.972:424): apparmor=\"DENIED\" operation=\"open\"",
            "usb 1-1: new high-speed USB device number 2 using xhci_hcd",
            "docker0: port 4(veth1a2b) entered disabled state",
            "NET: Registered protocol family 17",
            "IPVS: Creating netns size=2048 id=12",
            "ACPI: PCI Interrupt Link [LNKA] enabled at IRQ 10",
            "systemd[1]: Started Load Kernel Modules.",
        ];
        let looked_at: Vec<&str> = lines.into_iter().filter(|it| LITERALS.0.may_stand_in(it)).collect();
        assert!(looked_at.len() <= 2, "{looked_at:?}");
        assert!(lines.iter().all(|it| !possible(it)));
    }
}
