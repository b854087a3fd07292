//! Conditions over the answers to clauses.

use chrono::TimeDelta;
use timeline::{Time, Truth};

use super::Binding;
use crate::language::{GapOp, When};

/// Whether a condition holds, given the answers.
pub(crate) fn holds(when: &When, binding: &Binding) -> Truth {
    match when {
        When::Clause(name) => binding.answers.get(name).map_or(Truth::Unknown, |it| it.truth),
        When::Not(inner) => match holds(inner, binding) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        },
        When::All(parts) => parts.iter().map(|it| holds(it, binding)).fold(Truth::True, |all, it| match (all, it) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            _ => Truth::True,
        }),
        When::Any(parts) => parts.iter().map(|it| holds(it, binding)).fold(Truth::False, |any, it| match (any, it) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            _ => Truth::False,
        }),
        When::Compare(expression) => expression.judge(binding),
        When::Before(earlier, later) => match (binding.time(earlier), binding.time(later)) {
            (Some(earlier), Some(later)) => earlier.before(&later),
            _ => Truth::Unknown,
        },
        When::Gap { later, earlier, op, secs } => match (binding.time(later), binding.time(earlier)) {
            (Some(later), Some(earlier)) => gap(&later, &earlier, *op, *secs),
            _ => Truth::Unknown,
        },
    }
}

/// Whether one time is later than another by so much, as far as the clocks allow.
fn gap(later: &Time, earlier: &Time, op: GapOp, secs: i64) -> Truth {
    if !later.is_known() || !earlier.is_known() {
        return Truth::Unknown;
    }
    let same = later.clock == earlier.clock;
    let (later, earlier) = if same { (later.nominal, earlier.nominal) } else { (later.full, earlier.full) };
    let (least, most) = (later.lo - earlier.hi, later.hi - earlier.lo);
    let asked = TimeDelta::seconds(secs);
    let at_least = if least >= asked {
        Truth::True
    } else if most < asked {
        Truth::False
    } else {
        Truth::Unknown
    };
    match (op, at_least) {
        (GapOp::AtLeast, it) => it,
        (GapOp::LessThan, Truth::True) => Truth::False,
        (GapOp::LessThan, Truth::False) => Truth::True,
        (GapOp::LessThan, Truth::Unknown) => Truth::Unknown,
    }
}
