//! What an author meant: the known word nearest to one that is not known.

/// `; did you mean x?`, or nothing where no known word is near.
pub(crate) fn did_you_mean<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> String {
    match nearest(word, known) {
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    }
}

/// The nearest known word, where it is near enough to be a slip of the pen.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let allowed = (word.len() / 3).clamp(1, 4);
    let plain = |it: &str| it.to_ascii_lowercase().replace(['_', '.', ' '], "-");
    let word = plain(word);
    known
        .into_iter()
        .map(|it| (strsim::damerau_levenshtein(&word, &plain(it)), it))
        .filter(|(distance, it)| *distance <= allowed || is_part(&word, &plain(it)))
        .min()
        .map(|it| it.1)
}

/// One of several words of a name was left out: `ipam-block` for `block`, `rebooted` for `node-rebooted`.
fn is_part(word: &str, known: &str) -> bool {
    word.len() >= 4 && known.len() >= 4 && (known.ends_with(word) || known.starts_with(word) || word.ends_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["kernel.report", "node", "ipam.block", "fork-refused", "node-rebooted"];
        let near = |word: &str| nearest(word, known);
        assert_eq!(near("kernel_report"), Some("kernel.report"));
        assert_eq!(near("nod"), Some("node"));
        assert_eq!(near("forkrefused"), Some("fork-refused"));
        assert_eq!(near("rebooted"), Some("node-rebooted"));
        assert_eq!(near("conntrack"), None);
    }
}
