//! Numbers as the templates of Prometheus print them.

use chrono::DateTime;

/// Go's `%.Ng` of a number, `%g` without digits.
pub(super) fn general(value: f64, digits: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    // `d.ddd…e±x` with as many digits as asked for, or as tell it from its neighbours
    let printed = match digits {
        Some(digits) => format!("{:.*e}", digits.max(1) - 1, value),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((&printed, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let negative = mantissa.starts_with('-');
    let figures: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let figures = figures.trim_end_matches('0');
    let figures = if figures.is_empty() { "0" } else { figures };
    // the shortest form turns to the exponent where one of six digits would
    let widest = digits.map_or(6, |it| it as i32);
    let body = if exponent < -4 || exponent >= widest {
        let rest = &figures[1..];
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}{point}{rest}e{sign}{:02}", &figures[..1], exponent.abs())
    } else if exponent < 0 {
        format!("0.{}{figures}", "0".repeat((-exponent - 1) as usize))
    } else {
        let whole = exponent as usize + 1;
        if figures.len() <= whole {
            format!("{figures}{}", "0".repeat(whole - figures.len()))
        } else {
            format!("{}.{}", &figures[..whole], &figures[whole..])
        }
    };
    if negative { format!("-{body}") } else { body }
}

/// `1.234M`
pub(super) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return general(value, Some(4));
    }
    if value.abs() >= 1.0 { up(value, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"]) } else { down(value) }
}

/// `1.177Mi`
pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return general(value, Some(4));
    }
    up(value, 1024.0, &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
}

fn up(mut value: f64, base: f64, prefixes: &[&str]) -> String {
    let mut prefix = "";
    for it in prefixes {
        if value.abs() < base {
            break;
        }
        (prefix, value) = (it, value / base);
    }
    format!("{}{prefix}", general(value, Some(4)))
}

fn down(mut value: f64) -> String {
    let mut prefix = "";
    for it in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if value.abs() >= 1.0 {
            break;
        }
        (prefix, value) = (it, value * 1000.0);
    }
    format!("{}{prefix}", general(value, Some(4)))
}

/// `1h 12m 3s`
pub(super) fn duration(value: f64) -> String {
    if !value.is_finite() {
        return general(value, Some(4));
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        return format!("{}s", down(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs() as i64;
    let (secs, minutes, hours, days) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", general(value.abs(), Some(4))),
        (0, 0, _) => format!("{sign}{minutes}m {secs}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {secs}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {secs}s"),
    }
}

/// `12.3%`
pub(super) fn percentage(value: f64) -> String {
    format!("{}%", general(value * 100.0, Some(4)))
}

/// `2021-01-01 00:00:00 +0000 UTC`
pub(super) fn timestamp(value: f64) -> String {
    match Some(value).filter(|it| it.is_finite()).and_then(|it| DateTime::from_timestamp_millis((it * 1000.0) as i64)) {
        Some(at) if value.fract() != 0.0 => at.format("%Y-%m-%d %H:%M:%S%.3f +0000 UTC").to_string(),
        Some(at) => at.format("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        None => general(value, Some(4)),
    }
}
