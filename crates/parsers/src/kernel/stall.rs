//! Lockups, RCU stalls, hung tasks and complaints with one stack.

use std::sync::LazyLock;

use regex::Regex;

use crate::expression::expression;

use super::block::{Block, Phase};
use super::death::same_process;
use super::shape::Shape;
use super::start::{Family, Start};

/// Lines only these reports have.
static OWN: LazyLock<Regex> = LazyLock::new(|| {
    expression(concat!(
        r#"^(?:"echo 0 > /proc/sys/kernel/hung|Future hung task|INFO: task .* is blocked on|INFO: lockdep"#,
        r"|Showing busy workqueues|Showing backtraces|workqueue \S+: flags|pwq \d|pending: |in-flight: |delayed: |pool \d|inactive: ",
        r"|lock: |page:|page dumped|flags: 0x|raw: |bad because of|addr:[0-9a-f]|file:|Sending NMI|NMI backtrace|CPU#\d+ Utilization|#\d+: +\d+%|Detect HardIRQ)"
    ))
});

/// `1-....: (731 ticks this GP) idle=0264/1/0x4000000000000000`, `(t=1250 jiffies g=-587 q=11 ncpus=2)`
static STALL: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"^(?:rcu: *)?\s*(?:\d+-\S{4,7}: \(|\(t=\d|\(detected by|\{|Tasks blocked|blocking|Blocked by|rcu_\w+ kthread|RCU grace-period|Unless rcu_|INFO: Stall ended|Possible timer|all QSes|Offline CPU|P\d+|hardirqs:|hardirq|softirq|number:|cputime:|current:|\S+ kthread (?:starved|timer)|rcu_)",
    )
});

pub(super) fn fit(block: &Block, head: &str, start: Option<&Start>, shape: Shape) -> Option<u8> {
    if start.is_some() {
        return None;
    }
    let bare = head.trim_start();
    let stall = block.family == Family::Stall;
    if stall && STALL.is_match(bare) || OWN.is_match(bare) {
        return Some(1);
    }
    match shape {
        _ if block.phase == Phase::Tail => {
            // the stack of the owner of a lock
            let owner = block.complete && block.last_shape == Shape::Free;
            (owner && shape.is_dump() || shape == Shape::EndTrace && block.foreign == 0).then_some(3)
        }
        Shape::Cpu if stall => Some(2),
        Shape::Cpu => {
            (!block.fields.identified && same_process(block, head)).then_some(u8::from(block.fields.pid.is_none()))
        }
        Shape::Instruction => Some(if stall || block.fields.rip.is_some() { 2 } else { 1 }),
        Shape::Dump if head.trim().is_empty() => (block.foreign == 0).then_some(4),
        Shape::EndTrace => Some(3),
        it => it.is_dump().then_some(1),
    }
}

pub(super) fn learn(block: &mut Block, head: &str, shape: Shape) -> bool {
    block.complete |= block.phase == Phase::Trace && matches!(shape, Shape::Frame | Shape::TraceEnd);
    if head.contains("INFO: Stall ended") {
        block.complete = true;
    }
    if shape == Shape::EndTrace || block.kind == "bad-page" && head.starts_with("BUG: Bad rss") {
        block.complete = true;
        return true;
    }
    if shape != Shape::TraceEnd || block.family == Family::Stall {
        return false;
    }
    // what follows a hung task is the task that holds its lock
    block.phase = Phase::Tail;
    !matches!(block.kind, "hung-task" | "hard-lockup" | "workqueue-lockup")
}
