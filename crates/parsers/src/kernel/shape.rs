//! What a line of a report looks like, whatever the report.

use std::sync::LazyLock;

use regex::Regex;

use crate::expression::expression;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `---[ end trace 81e3cf9431f7af0c ]---`
    EndTrace,
    /// `---[ end Kernel panic - not syncing: Fatal exception ]---`
    EndPanic,
    /// `CPU: 7 PID: 22914 Comm: iptables-restor Not tainted 4.4.0-104-generic #127-Ubuntu`
    Cpu,
    /// `RIP: 0010:do_null+0x5/0x20 [crashme]`: where in the kernel it happened.
    Instruction,
    /// `Modules linked in: aufs(OE)`
    Modules,
    /// `Call Trace:`, ` <IRQ>`
    TraceHead,
    /// ` </TASK>`
    TraceEnd,
    /// ` ____fput+0xe/0x10`
    Frame,
    /// Registers, stack contents, `Hardware name:` and the like.
    Dump,
    /// `=====================`
    Ruler,
    /// Statistics of the memory, `[  pid  ]   uid  tgid …`
    Memory,
    /// Anything else.
    Free,
}

impl Shape {
    pub(super) fn of(text: &str) -> Shape {
        let bare = text.trim_start();
        match bare.as_bytes().first() {
            None => return Shape::Dump,
            Some(b'-') if bare.starts_with("---[ end trace") => return Shape::EndTrace,
            Some(b'-') if bare.starts_with("---[ end Kernel panic") => return Shape::EndPanic,
            Some(b'-' | b'=') if bare.len() > 8 && bare.trim_end().bytes().all(|it| it == bare.as_bytes()[0]) => {
                return Shape::Ruler;
            }
            Some(b'<') if bare.starts_with("</TASK>") => return Shape::TraceEnd,
            Some(b'C') if bare.starts_with("Call Trace") || bare.starts_with("Call trace") => return Shape::TraceHead,
            Some(b'M') if bare.starts_with("Modules linked in:") => return Shape::Modules,
            Some(b'C' | b'P') if CPU.is_match(bare) => return Shape::Cpu,
            _ => {}
        }
        if INSTRUCTION.is_match(bare) {
            Shape::Instruction
        } else if DUMP.is_match(bare) {
            Shape::Dump
        } else if FRAME.is_match(bare) {
            Shape::Frame
        } else if MEMORY.is_match(bare) {
            Shape::Memory
        } else {
            Shape::Free
        }
    }

    /// Whether any report with registers and a stack may hold it.
    pub(super) fn is_dump(self) -> bool {
        use Shape::*;
        matches!(self, Cpu | Instruction | Modules | TraceHead | TraceEnd | Frame | Dump)
    }
}

static CPU: LazyLock<Regex> = LazyLock::new(|| expression(r"^(?:CPU: ?\d+ .*PID: \d+ Comm: |Pid: \d+, comm: )"));

/// `RIP: 0010:[<ffffffff81211d83>]  [<ffffffff81211d83>] __fput+0x223/0x230`, `PC is at f+0x584/0x72c`, `NIP [c…] .f+0x18c/0x220`
static INSTRUCTION: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"^(?:RIP|EIP|IP|PC|pc|NIP|epc|Krnl PSW)(?::| : | is at | \[| +:)(?:.*[^ ])?\+0x[0-9a-f]+/0x[0-9a-f]+")
});

/// ` [<ffffffff81211dce>] ____fput+0xe/0x10`, ` ? 0xffffffffc0407000`, `([<00000000027f8000>] 0x27f8000)`
static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"^(?:\(?\[<?[0-9a-f]{8,16}>?\]|(?:\? )?0x[0-9a-f]{6,16}$|(?:\? |<[A-Z#/0-9 ]+> +)?(?:\[<[0-9a-f]+>\] )?(?:\? )?[.\w$]+\+0x[0-9a-f]+/0x[0-9a-f]+|<<?/?[A-Z#]+[0-9]?>>?)",
    )
});

/// Everything else a dump of registers and stacks prints, on x86, arm, arm64, ppc64, s390x and riscv.
static DUMP: LazyLock<Regex> = LazyLock::new(|| {
    expression(concat!(
        r"^(?:Hardware name:|Tainted: |Not tainted|Workqueue:|Stopper:|Code:|Code starting|Stack:|Stack from|Backtrace:",
        r"|RIP|RSP|EIP|ESP|IP:|EFLAGS|Process .*\(pid: \d+|task:|Task dump|task\.ti|thread: |ti: |PGD |P4D |PUD |PMD |PTE |#PF:",
        r"|\*p[gdumte]+ ?=|\*pdpt|\[[0-9a-f]{8,16}\] (?:\*?p[g4um]d|address)|pgd =|printing eip|[0-9a-f]{8,16}$|SMP\b|PREEMPT\b|[BL]E PAGE_SIZE",
        r"|(?:R[A-Z0-9]{2}|E[A-D]X|E[SD]I|EBP|e[a-d]x|e[sd]i|[C-GS]S|[c-gs]s|CR[0-9]|DR[0-9]|PKRU|knlGS|LR|CTR|MSR|XER|CR|CFAR|DAR|DSISR|IRQMASK|SOFTE|PACATMSCRATCH|REGS|TRAP|NIP|GPR\d\d)\s*:? ?[\[(]?[0-9a-fx]",
        r"|(?:pc|lr|sp|fp|ra|gp|tp|epc|pstate|psr|ip|x\d+|r\d+|[ast]\d+|status|cause|badaddr)\s*: |LR |PC is at|LR is at|Flags: |Control: |Register r\d",
        r"|Mem abort info|Data abort info|ESR = |Exception class|EC = |SET = |EA = |FSC = |ISV = |CM = |GCS = |(?:user|swapper) pgtable|Internal error:|Exception stack",
        r"|Faulting instruction|Instruction dump|CPU: *\d+ *$|CPU \d+ ?$|CPU:? *\d+$|---- \w+|Krnl |Last Breaking|R:\d T:\d|PSW |Failing address|Fault in |AS:[0-9a-f]|User PSW|User Code|User GPRS",
        r"|[#>*]? ?[0-9a-f]{8,16}: |(?:[0-9a-f]{4,16}: )?(?:[(<]?[0-9a-f]{8,16}[>)]? *){2,}|irq event stamp|hardirqs last|softirqs last|last sysfs file|\d+ locks? held by|no locks held|#\d+: +[(f]",
        r"|Kernel Offset|Rebooting in|Shutting down cpus|Dumping ftrace|\(ftrace|note: |Fixing recursive|INFO: lockdep is turned off|Preemption disabled at|in_atomic\(\)|preempt_count|cpu=\d|Showing all locks|DAR: |audit: type=1701.*sig=",
        r"|(?:r\d{1,2}:[0-9a-f]{8} ?)+$|R\d{1,2}: +[0-9a-f]{8}|CPSR: |PC:[0-9a-f]{8} ",
        r"|\[last unloaded|CR2: |Unable to access opcode|Disabling lock debugging|Bits 55-60|Kdump: )",
    ))
});

/// Statistics the OOM killer and a failed allocation print.
static MEMORY: LazyLock<Regex> = LazyLock::new(|| {
    expression(concat!(
        r"^(?:Mem-Info:|Mem-info:|(?:in)?active(?:_\w+)?:\d|unevictable:|slab_\w+:|mapped:|free:\d|kernel_misc|sec_pagetables:|all_unreclaimable",
        r"|Node \d+ |lowmem_reserve|\d+ total pagecache|\d+ pages? |\d+ (?:slab|free|reserved|shared|swap) |Swap cache stats|Free swap|Total swap|hugepages",
        r"|CPU +\d+: (?:hi|Hot)|cpu \d+ (?:hot|cold)|(?:DMA|DMA32|Normal|HighMem|Movable)(?::| free| per-cpu)|\[ *\d+\] +\d|\[ *pid *\]|Tasks state",
        r"|(?:memory|memory\+swap|swap|kmem): usage |Memory cgroup stats|Memory cgroup min protection|Task in |cache:\d+[kK]B|[a-z_0-9]{3,32}(?:\([a-z]+\))? \d+(?:[kK]B)?$|.{1,64} cpuset=\S+ mems_allowed=",
        r"|oom-kill:|oom_reaper: |Tasks in .* going to be killed|Unreclaimable slab info|Name +Used +Total|\S+ +\d+KB +\d+KB$|cache: \S+, object|node \d+: slabs|SLUB: |warn_alloc|Call to )",
    ))
});
