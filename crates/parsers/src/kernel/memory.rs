//! The OOM killer and failed allocations.
//!
//! `X invoked oom-killer` names the task that asked for memory; the victim is named by `Killed process`. Up to 4.18 a
//! line `Kill process N (x) score 1 or sacrifice child` stands before it, and the two may name different tasks. Each kill
//! is one report, save those of one `memory.oom.group`.

use std::sync::LazyLock;

use regex::Regex;

use super::block::{Block, Phase};
use super::shape::Shape;
use super::start::{self, Family, Start};
use crate::expression::expression;

/// What an OOM report knows besides its columns.
#[derive(Debug, Default)]
pub(super) struct Killing {
    /// Chosen, but not yet killed.
    chosen: Option<(u32, String)>,
    killed: Vec<u32>,
    /// `memory.oom.group`: every task of the cgroup goes.
    group: bool,
    /// Text that speaks of a cgroup's limit.
    of_cgroup: bool,
    free_kib: Option<i64>,
}

/// `Memory cgroup out of memory: Killed process 98 (java) total-vm:…`, `Killed process 215701, UID 679, (java) total-vm:…`,
/// `Out of memory: Kill process 4481 (stress) score 1994 or sacrifice child`
fn kill(head: &str) -> Option<(bool, u32, &str)> {
    static KILL: LazyLock<Regex> =
        LazyLock::new(|| expression(r"^(?:[^:]+: )?Kill(ed)? process (\d+)(?:, UID \d+,)? \((.*)\)"));
    let found = KILL.captures(head)?;
    Some((found.get(1).is_some(), found[2].parse().ok()?, found.get(3)?.as_str()))
}

pub(super) fn fit(block: &Block, head: &str, start: Option<&Start>, shape: Shape) -> Option<u8> {
    let killing = &block.killing;
    if let Some(start) = start {
        if block.family != Family::Oom || start.family != Family::Oom {
            return (block.family == Family::Alloc && head.starts_with("SLUB: ")).then_some(1);
        }
        return match (start.rank, kill(head)) {
            (start::DIE, _) => None,
            (start::WARNING, _) => (!block.complete && block.fields.constraint.is_none()).then_some(0),
            (_, Some((_, pid, _))) if block.complete => (killing.group || killing.killed.contains(&pid)).then_some(0),
            _ => (!block.complete).then_some(0),
        };
    }
    if block.complete && block.family == Family::Oom {
        let group = head.starts_with("Tasks in ") && head.contains(" going to be killed");
        let reaped = head.strip_prefix("oom_reaper: reaped process ").and_then(|it| it.split(' ').next()?.parse().ok());
        let shared = head.starts_with("Kill process ");
        return (group || shared || reaped.is_some_and(|it: u32| killing.killed.contains(&it))).then_some(1);
    }
    match shape {
        Shape::Memory => Some(1),
        Shape::Cpu => (!block.fields.identified).then_some(0),
        Shape::Dump if head.trim().is_empty() => (block.foreign == 0).then_some(4),
        _ if shape.is_dump() => Some(1),
        _ => head.starts_with("Kill process ").then_some(1),
    }
}

pub(super) fn learn(block: &mut Block, head: &str, start: Option<&Start>) -> bool {
    let (fields, killing) = (&mut block.fields, &mut block.killing);
    if fields.order.is_none() && (head.contains("gfp_mask=") || head.contains("allocation failure")) {
        fields.order = order(head);
    }
    if let Some(kib) = zone_free_kib(head) {
        *killing.free_kib.get_or_insert(0) += kib;
    }
    if block.family == Family::Alloc {
        if let Some((comm, _)) = head.split_once(": page allocation ") {
            fields.comm = Some(comm.to_owned());
        }
        block.complete |= block.phase == Phase::Trace && head.ends_with(" pages RAM") || head.contains(", objs: ");
        return false;
    }
    if let Some((trigger, _)) = head.split_once(" invoked oom-killer: ") {
        fields.trigger = Some(trigger.to_owned());
    }
    if head.starts_with("oom-kill:") {
        constraint(block, head);
    } else if head.contains("emory cgroup out of memory") {
        killing.of_cgroup = true;
    } else if let Some((_, limit)) =
        head.strip_prefix("Task in ").and_then(|it| it.split_once(" killed as a result of limit of "))
    {
        killing.of_cgroup = true;
        fields.cgroup = Some(limit.trim_end().to_owned());
    } else if head.starts_with("memory: usage ") {
        killing.of_cgroup = true;
    } else if head.starts_with("Tasks in ") {
        killing.group = true;
    }
    if let Some((killed, pid, comm)) = kill(head) {
        let killing = &mut block.killing;
        if killed {
            if killing.killed.is_empty() {
                block.fields.victim = Some(comm.to_owned());
                block.fields.victim_pid = Some(pid);
            }
            if killing.killed.len() < 1000 && !killing.killed.contains(&pid) {
                killing.killed.push(pid);
            }
            block.complete = true;
        } else if killing.chosen.is_none() {
            killing.chosen = Some((pid, comm.to_owned()));
        }
    } else if start.is_some() && head.contains("no killable") {
        block.complete = true;
        return true;
    }
    false
}

/// `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,2-3,oom_memcg=/A,task_memcg=/A/B,task=x,pid=98,uid=0`
fn constraint(block: &mut Block, head: &str) {
    // commas stand inside mems_allowed, and in cgroup paths
    let field = |name: &str, next: &str| {
        let at = head.find(name)? + name.len();
        let rest = &head[at..];
        Some(&rest[..rest.find(next).unwrap_or(rest.len())])
    };
    let fields = &mut block.fields;
    fields.constraint = match field("constraint=", ",") {
        Some("CONSTRAINT_MEMCG") => Some("memcg"),
        Some("CONSTRAINT_CPUSET") => Some("cpuset"),
        Some("CONSTRAINT_MEMORY_POLICY") => Some("memory-policy"),
        Some("CONSTRAINT_NONE") => Some("global"),
        _ => None,
    };
    if let Some(cgroup) = field(",oom_memcg=", ",task_memcg=") {
        fields.cgroup = Some(cgroup.to_owned());
    }
    let pid = field(",pid=", ",").and_then(|it| it.parse().ok());
    if let (Some(task), Some(pid)) = (field(",task=", ",pid="), pid) {
        block.killing.chosen = Some((pid, task.to_owned()));
    }
}

pub(super) fn finish(block: &mut Block) {
    if block.family != Family::Oom && block.family != Family::Alloc {
        return;
    }
    let (fields, killing) = (&mut block.fields, &mut block.killing);
    fields.free_bytes = killing.free_kib.map(|it| it.saturating_mul(1024));
    if block.family == Family::Alloc {
        return;
    }
    if fields.victim.is_none()
        && let Some((pid, comm)) = killing.chosen.take()
    {
        (fields.victim, fields.victim_pid) = (Some(comm), Some(pid));
    }
    // the old wording has no word for it; without a kill or statistics nothing is known
    let told = fields.victim.is_some() || killing.free_kib.is_some();
    if fields.constraint.is_none() && (killing.of_cgroup || told) {
        fields.constraint = Some(if killing.of_cgroup { "memcg" } else { "global" });
    }
}

/// `order=0` or `order:4`; -1 is an order by hand (sysrq-f).
fn order(head: &str) -> Option<i64> {
    let at = head.find("order=").or_else(|| head.find("order:"))? + 6;
    let rest = &head[at..];
    let end = rest.find(|it: char| it != '-' && !it.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// `Node 0 DMA32 free:34028kB boost:0kB min:34520kB`: the free memory of one zone.
fn zone_free_kib(head: &str) -> Option<i64> {
    let (zone, rest) = head.split_once(" free:")?;
    let (kib, rest) = rest.split_once("kB")?;
    let zoned = zone.split(' ').count() <= 3 && rest.contains(" min:");
    zoned.then_some(kib.parse().ok()).flatten()
}
