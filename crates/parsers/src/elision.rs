//! Lines that stand for lines somebody left out.

/// `...`, `[...]`, `…`, `<snip>`, `(output omitted)`: what follows "nothing else" cannot be known of such a listing.
pub(crate) fn is_elision(line: &str) -> bool {
    let bare = line.trim().trim_matches(['[', ']', '(', ')', '<', '>', '-', '*', '#', ' ']).to_ascii_lowercase();
    let dots = |it: &str| !it.is_empty() && it.chars().all(|it| matches!(it, '.' | '…')) && (it.len() >= 2);
    dots(&bare)
        || bare.starts_with("...") && bare.ends_with("...")
        || matches!(
            bare.as_str(),
            "snip" | "snipped" | "cut" | "omitted" | "truncated" | "output omitted" | "output truncated"
        )
}

#[cfg(test)]
mod tests {
    use super::is_elision;

    #[test]
    fn dots_and_snips() {
        for line in ["...", "  [...]", "…", "<snip>", "--- snip ---", "(output omitted)", "... 12 more ..."] {
            assert!(is_elision(line), "{line}");
        }
        for line in ["", "-", "a...", "1.5", "[x]", "---", "."] {
            assert!(!is_elision(line), "{line}");
        }
    }
}
