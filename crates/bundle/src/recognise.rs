//! What format a member has, by its first bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parsers::{Certainty, Format, Sniff, surest};

use crate::text::text;

/// How much of a member is looked at to recognise it.
pub(crate) const SNIFF_BYTES: usize = 64 << 10;

/// What is enough for a format that is sure: every format looks at it, so it is short.
const GLANCE_BYTES: usize = 6 << 10;

/// Finds the format of a member from its beginning.
pub(crate) fn recognise(path: &str, head: &[u8], whole: bool) -> Option<&'static Format> {
    if head.len() > 2 * GLANCE_BYTES
        && let Some((format, Certainty::Sure)) = look(path, &head[..GLANCE_BYTES], false)
    {
        return Some(format);
    }
    look(path, head, whole).map(|(format, _)| format)
}

fn look(path: &str, head: &[u8], whole: bool) -> Option<(&'static Format, Certainty)> {
    let end = if whole { head.len() } else { memchr::memrchr(b'\n', head).map_or(head.len(), |it| it + 1) };
    let head = &head[..end];
    let mended = text(head);
    let sniff = Sniff { path, text: &mended, bytes: head, whole };
    catch_unwind(AssertUnwindSafe(|| surest(&sniff))).ok().flatten()
}

/// What a file is that no format reads.
pub(crate) fn near(path: &str, head: &[u8], whole: bool) -> Option<String> {
    let mended = text(head);
    let sniff = Sniff { path, text: &mended, bytes: head, whole };
    catch_unwind(AssertUnwindSafe(|| parsers::closest(&sniff))).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a file turns out to be by its first bytes, it is by more of them.
    #[test]
    #[allow(clippy::print_stderr)]
    fn a_glance_says_what_a_long_look_says() {
        fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { files(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        for folder in ["/../../../shared/samples", "/../../corpus"] {
            files(std::path::Path::new(&format!("{}{folder}", env!("CARGO_MANIFEST_DIR"))), &mut found);
        }
        let (mut longer, mut sure, mut differ) = (0, 0, Vec::new());
        for path in found {
            let Ok(bytes) = std::fs::read(&path) else { continue };
            if bytes.len() <= 2 * GLANCE_BYTES {
                continue;
            }
            let name = path.to_string_lossy();
            let head = &bytes[..bytes.len().min(SNIFF_BYTES)];
            longer += 1;
            let long = look(&name, head, head.len() < SNIFF_BYTES).map(|it| it.0.name);
            let glance = look(&name, &head[..GLANCE_BYTES], false);
            if let Some((format, Certainty::Sure)) = glance {
                sure += 1;
                if Some(format.name) != long {
                    differ.push(format!("{name}: {} then {long:?}", format.name));
                }
            }
        }
        eprintln!("a glance was enough for {sure} of {longer} files");
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }
}
