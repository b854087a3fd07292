//! Numbers with a unit: `512Mi`, `524288kB`, `90%`, `3m46.7s`.
//!
//! Bytes become bytes, lengths of time seconds, percent a share. `kB` is 1024 bytes, as the kernel means it; `MB` and `GB`
//! are powers of ten, `Mi`, `MiB`, `Gi` … powers of two, as Kubernetes writes them. `m` alone is minutes.

/// The number a text stands for, with its unit applied.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return Some(number).filter(|it| it.is_finite());
    }
    if !text.starts_with(|it: char| it.is_ascii_digit() || it == '-' || it == '.') {
        return None;
    }
    let (number, unit) = split(text)?;
    let number: f64 = number.parse().ok()?;
    if let Some(factor) = size(unit.trim_start()) {
        return Some(number * factor);
    }
    seconds(text)
}

/// A length of time such as `90s`, `10m`, `2h`, `1d` or `1h2m3.5s`, in seconds.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split(rest)?;
        let end = after.find(|it: char| !it.is_alphabetic()).unwrap_or(after.len());
        let factor = match &after[..end] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = &after[end..];
    }
    Some(total)
}

fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.char_indices().find(|(at, it)| !(it.is_ascii_digit() || *it == '.' || (*at == 0 && *it == '-')));
    let (number, unit) = text.split_at(end?.0);
    (!number.is_empty()).then_some((number, unit))
}

fn size(unit: &str) -> Option<f64> {
    const KI: f64 = 1024.0;
    Some(match unit {
        "%" => 0.01,
        "B" => 1.0,
        "kB" | "KB" | "Ki" | "KiB" | "K" => KI,
        "Mi" | "MiB" => KI * KI,
        "Gi" | "GiB" => KI * KI * KI,
        "Ti" | "TiB" => KI * KI * KI * KI,
        "k" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "T" | "TB" => 1e12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_applied_and_words_are_none() {
        let table = [
            ("49152", Some(49152.0)),
            ("-3", Some(-3.0)),
            ("512Mi", Some(536_870_912.0)),
            ("524288kB", Some(536_870_912.0)),
            ("8 GB", Some(8e9)),
            ("90%", Some(0.9)),
            ("90s", Some(90.0)),
            ("3m46.752815514s", Some(226.752_815_514)),
            ("27h14m51s", Some(98_091.0)),
            ("78.009036ms", Some(0.078_009_036)),
            ("1d", Some(86_400.0)),
            ("inf", None),
            ("nan", None),
            ("kubelet", None),
            ("10.0.0.1", None),
            ("4.4.0-104", None),
            ("", None),
            ("5 apples", None),
        ];
        for (text, expected) in table {
            let found = quantity(text);
            let same = match (found, expected) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-6,
                (a, b) => a == b,
            };
            assert!(same, "{text}: {found:?} instead of {expected:?}");
        }
    }
}
