//! Functions of each value: mathematics, limits, parts of a date.

use chrono::{DateTime, Datelike, Timelike};

use super::expr::Map;

/// The function of a value with its numbers; nothing where it leaves the value out.
pub(super) fn apply(map: Map, value: f64, numbers: &[f64]) -> Option<f64> {
    let number = |at: usize| numbers.get(at).copied().unwrap_or(f64::NAN);
    Some(match map {
        Map::Abs => value.abs(),
        Map::Ceil => value.ceil(),
        Map::Floor => value.floor(),
        Map::Exp => value.exp(),
        Map::Ln => value.ln(),
        Map::Log2 => value.log2(),
        Map::Log10 => value.log10(),
        Map::Sqrt => value.sqrt(),
        Map::Sgn if value > 0.0 => 1.0,
        Map::Sgn if value < 0.0 => -1.0,
        Map::Sgn => value,
        Map::Sin => value.sin(),
        Map::Cos => value.cos(),
        Map::Tan => value.tan(),
        Map::Asin => value.asin(),
        Map::Acos => value.acos(),
        Map::Atan => value.atan(),
        Map::Sinh => value.sinh(),
        Map::Cosh => value.cosh(),
        Map::Tanh => value.tanh(),
        Map::Asinh => value.asinh(),
        Map::Acosh => value.acosh(),
        Map::Atanh => value.atanh(),
        Map::Deg => value.to_degrees(),
        Map::Rad => value.to_radians(),
        Map::Clamp if number(1) < number(0) => return None,
        Map::Clamp => greater(number(0), lesser(number(1), value)),
        Map::ClampMin => greater(number(0), value),
        Map::ClampMax => lesser(number(0), value),
        Map::Round => {
            let inverse = 1.0 / numbers.first().copied().unwrap_or(1.0);
            (value * inverse + 0.5).floor() / inverse
        }
        _ => return Some(date(map, value)),
    })
}

/// The greater; what is no number makes it none, unless infinity is greater than whatever it is.
fn greater(a: f64, b: f64) -> f64 {
    match a.is_nan() || b.is_nan() {
        true if a == f64::INFINITY || b == f64::INFINITY => f64::INFINITY,
        true => f64::NAN,
        false => a.max(b),
    }
}

fn lesser(a: f64, b: f64) -> f64 {
    -greater(-a, -b)
}

/// A part of the date that so many seconds since the epoch are, in UTC.
fn date(map: Map, secs: f64) -> f64 {
    let Some(at) = Some(secs).filter(|it| it.is_finite()).and_then(|it| DateTime::from_timestamp(it as i64, 0)) else {
        return f64::NAN;
    };
    f64::from(match map {
        Map::Minute => at.minute(),
        Map::Hour => at.hour(),
        Map::DayOfWeek => at.weekday().num_days_from_sunday(),
        Map::DayOfMonth => at.day(),
        Map::DayOfYear => at.ordinal(),
        Map::DaysInMonth => u32::from(at.num_days_in_month()),
        Map::Month => at.month(),
        _ => return f64::from(at.year()),
    })
}
