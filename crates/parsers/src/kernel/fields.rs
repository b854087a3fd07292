//! The columns of a report, read from its lines.

use std::sync::LazyLock;

use regex::Regex;
use timeline::{Row, relation};

use super::shape::Shape;
use crate::expression::expression;

/// Bytes of function names kept of one report.
const MOST_FRAMES: usize = 4096;

/// What a report says, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) location: Option<String>,
    pub(super) rip: Option<String>,
    pub(super) cpu: Option<u32>,
    pub(super) comm: Option<String>,
    pub(super) pid: Option<u32>,
    pub(super) taint: Option<String>,
    pub(super) release: Option<String>,
    pub(super) number: Option<i64>,
    pub(super) modules: Option<String>,
    pub(super) constraint: Option<&'static str>,
    pub(super) victim: Option<String>,
    pub(super) victim_pid: Option<u32>,
    pub(super) trigger: Option<String>,
    pub(super) cgroup: Option<String>,
    pub(super) order: Option<i64>,
    pub(super) free_bytes: Option<i64>,
    pub(super) frames: Option<String>,
    pub(super) secs: Option<i64>,
    pub(super) owner: Option<String>,
    pub(super) owner_pid: Option<u32>,
    pub(super) device: Option<String>,
    pub(super) error: Option<String>,
    /// Whether the line with CPU, process and release has been seen.
    pub(super) identified: bool,
}

impl Fields {
    pub(super) fn row(&self, kind: &'static str, title: &str, complete: bool) -> Row {
        let text = |it: &Option<String>| it.as_deref().map(timeline::Name::from);
        Row::new(&relation::KERNEL_REPORT)
            .with("kind", kind)
            .with("title", title)
            .with("location", text(&self.location))
            .with("rip", text(&self.rip))
            .with("comm", text(&self.comm))
            .with("pid", self.pid)
            .with("taint", text(&self.taint))
            .with("release", text(&self.release))
            .with("number", self.number)
            .with("modules", text(&self.modules))
            .with("constraint", self.constraint.map(timeline::Name::from))
            .with("victim", text(&self.victim))
            .with("victim_pid", self.victim_pid)
            .with("trigger", text(&self.trigger))
            .with("cgroup", text(&self.cgroup))
            .with("order", self.order)
            .with("free_bytes", self.free_bytes)
            .with("frames", text(&self.frames))
            .with("complete", complete)
            .with("cpu", self.cpu)
            .with("secs", self.secs)
            .with("owner", text(&self.owner))
            .with("owner_pid", self.owner_pid)
            .with("device", text(&self.device))
            .with("error", text(&self.error))
    }

    /// Reads what a line says whatever the report; the first to say something is believed.
    pub(super) fn learn(&mut self, text: &str, shape: Shape) {
        self.owner(text);
        match shape {
            Shape::Cpu => self.identity(text),
            Shape::Instruction if self.rip.is_none() => self.rip = symbol(text),
            Shape::Modules => self.add_modules(text.trim_start().trim_start_matches("Modules linked in:")),
            Shape::Frame => self.add_frame(text),
            Shape::Dump => {
                self.taint(text.trim_start());
                self.process(text.trim_start());
            }
            _ => {}
        }
    }

    /// `kernel BUG at FILE:LINE!`, `invalid opcode: 0000 [#1] SMP`, `WARNING: CPU: 0 PID: 97 at FILE:LINE f+0x1/0x2`
    pub(super) fn learn_start(&mut self, text: &str) {
        static PLACE: LazyLock<Regex> = LazyLock::new(|| {
            expression(r"(?:[Kk]ernel BUG|context|PID: \d+|WARNING:) at (\S+?:\d+)\b|^WARNING: (\S+:\d+) at ")
        });
        static NUMBER: LazyLock<Regex> = LazyLock::new(|| expression(r"\[#(\d+)\]"));
        static CPU: LazyLock<Regex> = LazyLock::new(|| expression(r"(?:CPU:? ?|CPU#|cpu ?)(\d+)"));
        static TASK: LazyLock<Regex> = LazyLock::new(|| {
            expression(
                r"INFO: task (?P<a>.+):(?P<b>\d+) blocked|stuck for .* \[(?P<c>.+):(?P<d>\d+)\]|CPU#\d+: (?P<e>.+)/(?P<f>\d+)$|while atomic: (?P<g>.+)/(?P<h>\d+)/0x|code: (?P<i>.+)/(?P<j>\d+)",
            )
        });
        static SECS: LazyLock<Regex> = LazyLock::new(|| {
            expression(
                r"(?:blocked for more than|stuck for|hogged CPU for) (\d+) ?s|workqueue lockup .*stuck for (\d+)s",
            )
        });
        if self.secs.is_none()
            && let Some(found) = SECS.captures(text)
        {
            self.secs = found.get(1).or(found.get(2)).and_then(|it| it.as_str().parse().ok());
        }
        static PID: LazyLock<Regex> = LazyLock::new(|| expression(r"^WARNING: CPU: \d+ PID: (\d+)"));
        if self.location.is_none()
            && let Some(found) = PLACE.captures(text)
        {
            self.location = found.get(1).or(found.get(2)).map(|it| it.as_str().to_owned());
        }
        if self.number.is_none() {
            self.number = NUMBER.captures(text).and_then(|it| it[1].parse().ok());
        }
        if self.cpu.is_none() {
            self.cpu = CPU.captures(text).and_then(|it| it[1].parse().ok());
        }
        if let Some(found) = TASK.captures(text.trim_end()) {
            let pick = |names: [&str; 5]| names.iter().find_map(|it| found.name(it)).map(|it| it.as_str());
            self.comm = pick(["a", "c", "e", "g", "i"]).map(str::to_owned);
            self.pid = pick(["b", "d", "f", "h", "j"]).and_then(|it| it.parse().ok());
        } else if let Some(found) = PID.captures(text) {
            self.pid = found[1].parse().ok();
        }
        if self.rip.is_none() && text.starts_with("WARNING: ") || text.starts_with("BUG: KASAN") {
            self.rip = symbol(text);
        }
    }

    /// `INFO: task sh:116 is blocked on a mutex likely owned by task sh:114.`
    fn owner(&mut self, text: &str) {
        if self.owner.is_none()
            && let Some((_, rest)) = text.split_once(" owned by task ")
            && let Some((comm, pid)) = rest.rsplit_once(':')
        {
            let digits = pid.bytes().take_while(u8::is_ascii_digit).count();
            self.owner = Some(comm.to_owned());
            self.owner_pid = pid[..digits].parse().ok();
        }
    }

    /// `CPU: 7 PID: 22914 Comm: iptables-restor Not tainted 4.4.0-104-generic #127-Ubuntu`,
    /// `Pid: 8003, comm: Xorg Not tainted (2.6.27.9-159.fc10.i686 #1)`
    fn identity(&mut self, text: &str) {
        static LINE: LazyLock<Regex> = LazyLock::new(|| {
            expression(
                r"^(?:CPU: ?(?P<cpu>\d+) .*?PID: (?P<a>\d+) Comm: |Pid: (?P<b>\d+), comm: )(?P<comm>.*?) *(?:Kdump: loaded )?(?P<rest>(?:Not tainted|Tainted:).*)$",
            )
        });
        if self.identified {
            return;
        }
        let Some(found) = LINE.captures(text.trim()) else { return };
        self.identified = true;
        if let Some(cpu) = found.name("cpu") {
            self.cpu = cpu.as_str().parse().ok();
        }
        self.pid = found.name("a").or(found.name("b")).and_then(|it| it.as_str().parse().ok());
        self.comm = Some(found["comm"].to_owned());
        self.taint(&found["rest"]);
    }

    /// `Tainted: G      D W  OE      6.1.0-50-amd64 #1 Debian 6.1.176-1`, `Not tainted 3.10.0-862.9.1.el7.x86_64 #1`
    fn taint(&mut self, text: &str) {
        let (flags, rest) = match (text.strip_prefix("Not tainted"), text.strip_prefix("Tainted: ")) {
            (Some(rest), _) => (Some("none".to_owned()), rest),
            // `Tainted: [D]=DIE, [W]=WARN` explains the line above it
            (_, Some(rest)) if !rest.starts_with('[') => (None, rest),
            _ => return,
        };
        if self.taint.is_some() {
            return;
        }
        let is_flags = |it: &str| it.bytes().all(|it| it.is_ascii_uppercase() || it == b'-');
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        let count = words.iter().take_while(|it| is_flags(it)).count();
        // `GF          O--------------`: RHEL draws a line through the columns it adds
        let letters = || words[..count].iter().flat_map(|it| it.chars()).filter(|it| *it != '-').collect();
        self.taint = Some(flags.unwrap_or_else(letters));
        if let Some(release) = words.get(count).map(|it| it.trim_matches(['(', ')']))
            && release.bytes().next().is_some_and(|it| it.is_ascii_digit())
        {
            self.release = Some(release.to_owned());
        }
    }

    /// `Process Xorg (pid: 8003, ti=f0a0c000 task=f2380000 task.ti=f0a0c000)`
    fn process(&mut self, text: &str) {
        if self.pid.is_none()
            && let Some((comm, rest)) = text.strip_prefix("Process ").and_then(|it| it.split_once(" (pid: "))
        {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            self.pid = rest[..digits].parse().ok();
            self.comm = Some(comm.to_owned());
        }
    }

    /// ` [<ffffffff81211dce>] ____fput+0xe/0x10`: the function; what the kernel itself doubts (`? f+0x1/0x2`) is left out.
    fn add_frame(&mut self, text: &str) {
        let Some(symbol) = symbol(text).filter(|_| !text.contains("? ")) else { return };
        let name = symbol.split('+').next().unwrap_or_default();
        let all = self.frames.get_or_insert_default();
        if all.len() + name.len() > MOST_FRAMES {
            return;
        }
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(name);
    }

    /// ` aufs(OE) overlay [last unloaded: x]`: names without their flags.
    pub(super) fn add_modules(&mut self, text: &str) {
        let listed = text.split('[').next().unwrap_or_default();
        let names = listed.split_ascii_whitespace().map(|it| it.split('(').next().unwrap_or_default());
        let all = self.modules.get_or_insert_default();
        for name in names.filter(|it| !it.is_empty()) {
            if all.len() > 16_384 {
                return;
            }
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(name);
        }
    }
}

/// `__fput+0x223/0x230` of `RIP: 0010:[<ffffffff81211d83>]  [<ffffffff81211d83>] __fput+0x223/0x230`
pub(super) fn symbol(text: &str) -> Option<String> {
    static SYMBOL: LazyLock<Regex> = LazyLock::new(|| expression(r"[.\w$]+\+0x[0-9a-f]+/0x[0-9a-f]+"));
    SYMBOL.find(text).map(|it| it.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Option<u32>, Option<String>, Option<String>, Option<String>) {
        let mut fields = Fields::default();
        fields.learn(line, Shape::of(line));
        (fields.pid, fields.comm, fields.taint, fields.release)
    }

    #[test]
    fn who_was_running() {
        let is = |line, pid, comm: &str, taint: &str, release: &str| {
            let want = (Some(pid), Some(comm.to_owned()), Some(taint.to_owned()), Some(release.to_owned()));
            assert_eq!(read(line), want, "{line}");
        };
        is(
            "CPU: 0 PID: 97 Comm: sh Tainted: G           OE      6.1.0-50-amd64 #1  Debian 6.1.176-1",
            97,
            "sh",
            "GOE",
            "6.1.0-50-amd64",
        );
        is(
            "Pid: 22695, comm: ksoftirqd/2 Not tainted 3.2.5-3.fc16.x86_64 #1 LENOVO 4177CTO/4177CTO",
            22695,
            "ksoftirqd/2",
            "none",
            "3.2.5-3.fc16.x86_64",
        );
        is(
            "CPU: 6 PID: 952 Comm: systemd-udevd Kdump: loaded Not tainted 3.10.0-862.9.1.el7.x86_64 #1",
            952,
            "systemd-udevd",
            "none",
            "3.10.0-862.9.1.el7.x86_64",
        );
        is(
            "CPU: 1 UID: 0 PID: 119 Comm: sh Tainted: G           OE       7.2.13+deb14-amd64 #1 PREEMPT(lazy)  Debian 7.2.13-1 ",
            119,
            "sh",
            "GOE",
            "7.2.13+deb14-amd64",
        );
        is(
            "CPU: 0 PID: 1 Comm: my prog: x Tainted: P           OE  ------------   3.10.0-327.el7.x86_64 #1",
            1,
            "my prog: x",
            "POE",
            "3.10.0-327.el7.x86_64",
        );
        is(
            "CPU: 2 PID: 7 Comm: runc:[2:INIT] Tainted: G      D    4.4.0-104-generic #127-Ubuntu",
            7,
            "runc:[2:INIT]",
            "GD",
            "4.4.0-104-generic",
        );
        is(
            "Pid: 8003, comm: Xorg Not tainted (2.6.27.9-159.fc10.i686 #1)",
            8003,
            "Xorg",
            "none",
            "2.6.27.9-159.fc10.i686",
        );
        is(
            "CPU: 0 PID: 32037 Comm: insmod Tainted: GF          O--------------   3.10.0-54.0.1.el7.s390x #1",
            32037,
            "insmod",
            "GFO",
            "3.10.0-54.0.1.el7.s390x",
        );
    }

    #[test]
    fn what_the_stack_goes_through() {
        let mut fields = Fields::default();
        for line in [
            " __schedule+0x2ea/0x640",
            " ? xfs_buf_read_map+0x54/0x280 [xfs]",
            " [<ffffffff81211dce>] ____fput+0xe/0x10",
            " __xfs_inobt_alloc_block.isra.0+0xbf/0x1a0 [xfs]",
        ] {
            fields.learn(line, Shape::of(line));
        }
        assert_eq!(fields.frames.as_deref(), Some("__schedule ____fput __xfs_inobt_alloc_block.isra.0"));
    }

    #[test]
    fn where_it_happened() {
        let rip = |line: &str| {
            let mut fields = Fields::default();
            fields.learn(line, Shape::of(line));
            fields.rip
        };
        let is = |line, want: &str| assert_eq!(rip(line).as_deref(), Some(want), "{line}");
        is("RIP: 0010:[<ffffffff81211d83>]  [<ffffffff81211d83>] __fput+0x223/0x230", "__fput+0x223/0x230");
        is("RIP: 0010:do_null+0x5/0x20 [crashme]", "do_null+0x5/0x20");
        is("IP: [<f88dec25>] :radeon:radeon_cp_init_ring_buffer+0x90/0x302", "radeon_cp_init_ring_buffer+0x90/0x302");
        is("EIP is at acpi_ns_internalize_name+0xd/0x83", "acpi_ns_internalize_name+0xd/0x83");
        is("PC is at shmem_getpage_gfp+0x584/0x72c", "shmem_getpage_gfp+0x584/0x72c");
        is("pc : el1_abort+0x10/0x20", "el1_abort+0x10/0x20");
        is("NIP [d0000000008cb4dc] .ipr_pci_error_detected+0x18c/0x220 [ipr]", ".ipr_pci_error_detected+0x18c/0x220");
        is(
            "Krnl PSW : 0404c00180000000 0000000000431f8e (scsi_alloc_sgtable+0x62/0x7c)",
            "scsi_alloc_sgtable+0x62/0x7c",
        );
        assert_eq!(rip("RIP: 0033:0x47b7a0"), None);
    }
}
