//! A log of several boots as a file for each: what `journalctl -b -1` and `-b 0` print, and what a rotation leaves.
//!
//! ```text
//! journalctl.txt                                   journalctl_-b_-1.txt    up to the marker
//!     … -- Reboot -- …                             journalctl_-b_0.txt     from behind it on
//! var/log/messages                                 var/log/messages.1      up to the kernel's first line
//!     … kernel: Linux version …                    var/log/messages        from that line on
//! ```

use crate::variants::Files;

/// The files with every log of several boots split where a boot ends; none where there is no such log.
pub(crate) fn split(files: &Files) -> Option<Files> {
    let mut found = false;
    let mut after = Files::new();
    for (path, bytes) in files {
        let parts = std::str::from_utf8(bytes).ok().map(|text| parts(path, text)).unwrap_or_default();
        if parts.len() < 2 {
            after.push((path.clone(), bytes.clone()));
            continue;
        }
        found = true;
        let last = parts.len() - 1;
        after.extend(parts.into_iter().enumerate().map(|(at, part)| (named(path, last - at), part.into_bytes())));
    }
    found.then_some(after)
}

/// The text of each boot, the oldest first.
fn parts(path: &str, text: &str) -> Vec<String> {
    let newest_first = path.contains("_-r") || path.contains(" -r");
    if newest_first {
        return Vec::new();
    }
    let syslog = is_syslog(path);
    let mut parts = vec![String::new()];
    let mut head = String::new();
    for line in text.split_inclusive('\n') {
        let plain = line.trim_end();
        if plain.starts_with("-- Logs begin at ") || plain.starts_with("-- Journal begins at ") {
            head.push_str(line);
        }
        let marker = plain == "-- Reboot --" || plain.starts_with("-- Boot ") && plain.ends_with(" --");
        let boots = syslog && plain.contains(" kernel: ") && plain.contains("Linux version ");
        let begun = parts.last().is_some_and(|it| it.len() > head.len());
        if (marker || boots) && begun {
            parts.push(head.clone());
        }
        if let Some(part) = parts.last_mut().filter(|_| !marker) {
            part.push_str(line);
        }
    }
    parts
}

fn is_syslog(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["messages", "syslog", "kern.log"].iter().any(|it| name.starts_with(it))
}

/// The name of the part that is so many boots old.
fn named(path: &str, ago: usize) -> String {
    if is_syslog(path) {
        return if ago == 0 { path.to_owned() } else { format!("{path}.{ago}") };
    }
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    let stem = stem.replace("_-b_all", "").replace(" -b all", "");
    let blank = if stem.contains(' ') { ' ' } else { '_' };
    let which = if ago == 0 { "0".to_owned() } else { format!("-{ago}") };
    let name = format!("{stem}{blank}-b{blank}{which}");
    let name = if end.is_empty() { name } else { format!("{name}.{end}") };
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<(String, String)> {
        let files = vec![(path.to_owned(), text.as_bytes().to_vec())];
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        split(&files).unwrap_or_default().into_iter().map(|(path, bytes)| (path, text(bytes))).collect()
    }

    fn owned(parts: [(&str, &str); 2]) -> Vec<(String, String)> {
        parts.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec()
    }

    #[test]
    fn a_file_for_each_boot() {
        let found = of("node-a/journalctl.txt", "-- Logs begin at x --\na\nb\n-- Reboot --\nc\n");
        let first = ("node-a/journalctl_-b_-1.txt", "-- Logs begin at x --\na\nb\n");
        assert_eq!(found, owned([first, ("node-a/journalctl_-b_0.txt", "-- Logs begin at x --\nc\n")]));
        let found = of("journalctl_-b_all", "a\n-- Boot 9a7b --\nc\n");
        assert_eq!(found, owned([("journalctl_-b_-1", "a\n"), ("journalctl_-b_0", "c\n")]));
        let booted = "Jun 14 13:17:06 node-a kernel: Linux version 5.10\n";
        let found = of("n/messages", &format!("a\n{booted}c\n"));
        assert_eq!(found, owned([("n/messages.1", "a\n"), ("n/messages", &format!("{booted}c\n"))]));
        assert!(of("n/journalctl.txt", "a\nb\n").is_empty());
        assert!(of("n/journalctl.txt", "-- Boot 9a7b --\na\nb\n").is_empty(), "one boot");
    }
}
