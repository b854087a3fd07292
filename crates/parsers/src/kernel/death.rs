//! BUG, oops, general protection fault, WARNING and panic: the reports with registers.
//!
//! The executive summary after `---[ end trace` repeats the registers of the *first* oops of the boot, so nothing is
//! read from it.

use std::sync::LazyLock;

use regex::Regex;

use super::block::{Block, Phase};
use super::fields;
use super::shape::Shape;
use super::start::{self, Family, Start};
use crate::expression::expression;

/// How much a BUG, an oops or a WARNING misses the line.
pub(super) fn fit(block: &Block, head: &str, start: Option<&Start>, shape: Shape) -> Option<u8> {
    if let Some(start) = start {
        // `cut here` awaits a reason, and a reason its `Oops: 0000 [#1]`
        let awaited = (start.rank == start::DIE) == (block.kind != "cut");
        return absorbs(block, start).then_some(u8::from(!awaited));
    }
    if block.phase == Phase::Tail {
        let summary = match shape {
            Shape::Instruction => true,
            Shape::Dump => !head.trim().is_empty() && !ELSEWHERE.is_match(head.trim_start()),
            _ => false,
        };
        return (summary && block.foreign < 4).then_some(5);
    }
    match shape {
        // nothing of a dump follows `cut here`, unless the reason was lost
        Shape::Cpu if block.kind == "cut" => (!block.fields.identified).then_some(4),
        Shape::Instruction if block.kind == "cut" => Some(4),
        // who has named the process misses its line most
        Shape::Cpu => {
            (!block.fields.identified && same_process(block, head)).then_some(u8::from(block.fields.pid.is_none()))
        }
        Shape::Instruction => Some(match &block.fields.rip {
            // a WARNING has named the place already
            Some(known) if fields::symbol(head).is_some_and(|it| it == *known) => 0,
            Some(_) => 3,
            // the process stands before it
            None => 1 + u8::from(!block.fields.identified),
        }),
        Shape::EndTrace => Some(if block.phase >= Phase::Body { 0 } else { 3 }),
        Shape::Modules => Some(match block.phase {
            _ if block.fields.modules.is_some() => 3,
            // of a WARNING, and of any death up to 4.9, the modules stand before the process, later behind the stack
            Phase::Head if block.kind == "warning" => 0,
            Phase::Head | Phase::Trace => 1,
            Phase::Body | Phase::Tail => 2,
        }),
        Shape::Ruler => (block.phase == Phase::Trace).then_some(3),
        Shape::Dump if head.trim().is_empty() => (block.foreign == 0).then_some(4),
        Shape::TraceHead | Shape::TraceEnd | Shape::Frame | Shape::Dump if block.kind == "cut" => Some(4),
        Shape::TraceHead | Shape::TraceEnd | Shape::Frame | Shape::Dump => Some(1 + u8::from(early(block, shape))),
        Shape::Free if more_modules(block, head) => Some(4),
        Shape::Free => block.may_keep().then_some(4),
        Shape::EndPanic | Shape::Memory => None,
    }
}

/// Whether a report comes to such lines later: a stack behind the registers, frames behind `Call Trace:`.
fn early(block: &Block, shape: Shape) -> bool {
    let stands = block.fields.identified && block.fields.rip.is_some();
    match shape {
        Shape::TraceHead => !stands,
        Shape::TraceEnd | Shape::Frame => block.phase < Phase::Trace,
        _ => false,
    }
}

/// Lines of a dump that no executive summary holds.
static ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"^(?:Hardware name|Tainted|Not tainted|Workqueue|task|Process|Stack|Kernel Offset|Rebooting)")
});

/// Whether a line that names a report speaks of this one: `invalid opcode: 0000 [#1]` after `kernel BUG at`.
fn absorbs(block: &Block, start: &Start) -> bool {
    if block.phase != Phase::Head || block.foreign > 3 {
        return false;
    }
    let open = matches!(block.kind, "cut" | "list-corruption");
    match (start.family, start.rank) {
        // the message of a WARNING may name it better than its place
        (Family::Trace, start::REASON) => block.kind == "warning" && start.kind == "hard-lockup",
        (Family::Death, start::CUT) => block.kind == "list-corruption",
        (Family::Death, start::DIE) => block.fields.number.is_none() && block.kind != "warning",
        (Family::Death, start::REASON) if start.kind == "list-corruption" => matches!(block.kind, "cut" | "warning"),
        (Family::Death, start::BUG) => open,
        (Family::Death, _) => open,
        _ => false,
    }
}

/// Whether the process of a `CPU: … PID: … Comm:` line is the one the report has named.
pub(super) fn same_process(block: &Block, head: &str) -> bool {
    static PID: LazyLock<Regex> = LazyLock::new(|| expression(r"(?:PID|Pid): (\d+)"));
    let Some(known) = block.fields.pid else { return true };
    PID.captures(head).is_none_or(|it| it[1].parse() == Ok(known))
}

/// ` thinkpad_acpi rtsx_pci_ms [last unloaded: x]` right after `Modules linked in:`
fn more_modules(block: &Block, head: &str) -> bool {
    static NAMES: LazyLock<Regex> =
        LazyLock::new(|| expression(r"^ ?(?:[a-z0-9_\-]+(?:\([A-Z+\-]+\))* ?)*(?:\[last unloaded:.*)?$"));
    block.last_shape == Shape::Modules && block.foreign == 0 && NAMES.is_match(head)
}

pub(super) fn learn(block: &mut Block, shape: Shape) -> bool {
    if shape != Shape::EndTrace {
        return false;
    }
    block.complete = true;
    block.phase = Phase::Tail;
    // only a death has an executive summary
    block.fields.number.is_none()
}

pub(super) fn fit_panic(head: &str, start: Option<&Start>, shape: Shape) -> Option<u8> {
    if start.is_some() {
        return None;
    }
    let trace = shape.is_dump() && !head.trim().is_empty();
    (trace || shape == Shape::EndPanic || head.starts_with("Sending NMI") || head.starts_with("NMI backtrace"))
        .then_some(2)
}

pub(super) fn learn_panic(block: &mut Block, head: &str, shape: Shape) -> bool {
    let end = shape == Shape::EndPanic;
    block.complete |= end || head.starts_with("Rebooting in") || head.starts_with("Kernel Offset");
    end
}
