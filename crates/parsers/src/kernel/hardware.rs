//! Machine checks and what firmware reports: lines marked `[Hardware Error]`.

use super::block::{Block, Phase};
use super::shape::Shape;
use super::start::{Family, Start};

/// The part before the mark tells one source from another: `mce: `, `{1}`.
fn source(head: &str) -> Option<&str> {
    head.split_once("[Hardware Error]").map(|(it, _)| it)
}

/// `CPU 1: Machine Check Exception: 5 Bank 2`
fn cpu(head: &str) -> Option<u32> {
    let rest = &head[head.find("CPU")? + 3..];
    let rest = rest.trim_start_matches([' ', ':']);
    rest[..rest.bytes().take_while(u8::is_ascii_digit).count()].parse().ok()
}

pub(super) fn fit(block: &Block, head: &str, start: Option<&Start>, shape: Shape) -> Option<u8> {
    let old = ["Bank ", "TSC ", "RIP ", "PROCESSOR ", "This is not a software", "Run the above", "ADDR ", "MISC "];
    let text = source(head).map_or(head, |it| &head[it.len() + 16..]).trim_start_matches([':', ' ']);
    match start {
        Some(start) if start.family == Family::Hardware => {
            let other_cpu = text.starts_with("CPU") && cpu(text) != block.fields.cpu;
            (block.foreign < 20 && !other_cpu && !text.contains("APEI Generic")).then_some(0)
        }
        Some(_) => None,
        None => (block.foreign == 0 && shape != Shape::Cpu && old.iter().any(|it| text.starts_with(it))).then_some(2),
    }
}

pub(super) fn learn(block: &mut Block, head: &str) -> bool {
    if block.fields.cpu.is_none() && head.contains("CPU") {
        block.fields.cpu = cpu(head);
    }
    block.phase = Phase::Body;
    let ends = ["PROCESSOR ", "Machine check: ", "Run the above", "section_type", "events logged", "Bank "];
    block.complete |= ends.iter().any(|it| head.contains(it));
    head.contains("events logged")
}
