//! KASAN, lockdep and SLUB: prose between rulers.
//!
//! ```text
//! =============================================
//! [ INFO: possible recursive locking detected ]
//! 2.6.33.1-19.fc13.x86_64 #1
//! ---------------------------------------------
//! ```

use std::sync::LazyLock;

use regex::Regex;

use super::block::{Block, Phase};
use super::shape::Shape;
use super::start::Start;
use crate::expression::expression;

/// Lines of prose that may follow one another without a word this reader knows.
const MOST_FOREIGN: u32 = 8;

pub(super) fn fit(block: &Block, start: Option<&Start>, shape: Shape) -> Option<u8> {
    if start.is_some() {
        return None;
    }
    let near = block.foreign < MOST_FOREIGN;
    match shape {
        Shape::Ruler => near.then_some(1),
        Shape::EndTrace | Shape::EndPanic => None,
        _ if shape.is_dump() => near.then_some(1),
        // prose is only recognised by standing where it stands
        _ if block.kind == "lockdep" => (block.foreign == 0 && block.phase != Phase::Trace).then_some(5),
        _ => (block.foreign == 0).then_some(5),
    }
}

/// Whether a line has words of lockdep's prose.
pub(super) fn is_prose(text: &str) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        expression(concat!(
            r"is trying to acquire lock|already holding lock|\{[-.+?=]{4,}\}|already depends on the new lock",
            r"|existing dependency chain|ther info that might help|Possible .*unsafe locking|^ *CPU\d+(?: +CPU\d+)*$",
            r"|^ *[-=]{4,}(?: +-{4,})*$|^ *(?:un)?lock\(.*\);$|\*\*\* DEADLOCK|missing lock nesting|locks? held by|stack backtrace:",
            r"|^Chain exists of|^ .* --> |^ *<Interrupt>$|^-> #\d|^\S+ #\d+ (?:Not tainted|Tainted)",
        ))
    });
    WORDS.is_match(text)
}

pub(super) fn learn(block: &mut Block, shape: Shape) -> bool {
    let traced = block.phase == Phase::Trace;
    block.complete |= traced && matches!(shape, Shape::Frame | Shape::TraceEnd | Shape::Ruler);
    if shape == Shape::TraceEnd {
        return block.kind == "lockdep";
    }
    // the closing ruler of KASAN; lockdep rules off its title with dashes, before any stack
    shape == Shape::Ruler && traced && block.kind != "lockdep"
}
