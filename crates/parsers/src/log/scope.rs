//! What the name of a log's file says of its boots: most often it is the command that wrote it.
//!
//! ```text
//! sos_commands/logs/journalctl_--no-pager_--catalog_--boot_-1     all of the boot before this one
//! node-a/journalctl -xb.txt                                       all of this boot
//! journalctl_-u_kubelet_-b_0_--since_10_00                        one unit, and not from the beginning of the boot on
//! node-a/journal.prev, journal-boot-1.log                         named by hand
//! ```
//!
//! `-k` without `-b` means this boot. Boots that are counted from the oldest one (`-b 1`) cannot be told from here. Rotated
//! files are compared by the timeline, which knows all of them.

use timeline::Name;

/// What a file's name states.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// The only boot of it: 0 is the last one when it was written, -1 the one before.
    pub(super) boot: Option<i32>,
    /// The same, by its id.
    pub(super) id: Option<Name>,
    /// Only some lines: of a unit, a priority, with a word.
    pub(super) narrowed: bool,
    /// It may begin later than its boot.
    pub(super) begins_late: bool,
    /// It may end earlier than its boot.
    pub(super) ends_early: bool,
}

/// Options that let through only some lines, with a word behind them.
const NARROW: [&str; 12] = [
    "-u",
    "--unit",
    "--user-unit",
    "-t",
    "--identifier",
    "-p",
    "--priority",
    "-g",
    "--grep",
    "--facility",
    "-T",
    "--exclude-identifier",
];

pub(super) fn scope(path: &str) -> Scope {
    let (_, section) = path.rsplit_once("!/").unwrap_or(("", path));
    let name = if section.contains(' ') { section } else { path.rsplit('/').next().unwrap_or(path) };
    let ends = [".gz", ".xz", ".zst", ".bz2", ".txt", ".log", ".out", ".json", ".export"];
    let name = ends.iter().fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
    match name.find("journalctl") {
        Some(at) => command(&name[at + "journalctl".len()..]),
        None => Scope { boot: by_hand(name), ..Scope::default() },
    }
}

/// What stands behind `journalctl`.
fn command(options: &str) -> Scope {
    let blank = |it: char| it == '_' && !options.contains(' ') || it == ' ' || it == '=';
    // names by hand: journalctl-b-1
    let options = options.strip_prefix("-b").map_or(options.to_owned(), |rest| format!("_-b{rest}"));
    let mut words = options.split(blank).map(|it| it.trim_matches(['\'', '"'])).filter(|it| !it.is_empty()).peekable();
    let mut scope = Scope::default();
    let mut kernel = false;
    while let Some(word) = words.next() {
        match word {
            "--boot" => scope.of_boot(words.next_if(|it| is_boot(it))),
            "--this-boot" => scope.boot = Some(0),
            "-k" | "--dmesg" => (kernel, scope.narrowed) = (true, true),
            "-S" | "--since" | "-n" | "--lines" | "-e" | "--pager-end" | "tail" | "--after-cursor" => {
                scope.begins_late = true;
            }
            "-U" | "--until" | "head" => scope.ends_early = true,
            "grep" | "egrep" | "awk" | "--user" => scope.narrowed = true,
            _ if NARROW.contains(&word) => {
                scope.narrowed = true;
                words.next();
            }
            _ if word.starts_with("--") => {}
            _ => {
                // -xb, -kb, -b-1, -n500
                let Some(letters) = word.strip_prefix('-') else { continue };
                let flags = letters.split(|it: char| !it.is_ascii_lowercase()).next().unwrap_or_default();
                let rest = &letters[flags.len()..];
                kernel |= flags.contains('k');
                scope.narrowed |= flags.contains(['k', 'u', 't', 'p', 'g']);
                scope.begins_late |= flags.contains(['e', 'n']);
                if flags.ends_with('b') {
                    let joined = Some(rest).filter(|it| !it.is_empty());
                    scope.of_boot(joined.or_else(|| words.next_if(|it| is_boot(it))));
                } else if flags.contains('b') {
                    scope.boot = Some(0);
                }
            }
        }
    }
    if kernel && scope.boot.is_none() && scope.id.is_none() && !options.contains("-b") {
        scope.boot = Some(0);
    }
    scope
}

impl Scope {
    /// Takes what stands behind `-b`.
    fn of_boot(&mut self, which: Option<&str>) {
        match which {
            None => self.boot = Some(0),
            Some(id) if is_id(id) => self.id = Some(id.to_ascii_lowercase().into()),
            // a number without a sign counts from the oldest
            Some(it) => self.boot = it.parse().ok().filter(|it| *it <= 0),
        }
    }
}

/// Whether a word may say which boot.
fn is_boot(word: &str) -> bool {
    word == "all" || is_id(word) || word.parse::<i32>().is_ok()
}

fn is_id(word: &str) -> bool {
    word.len() == 32 && word.bytes().all(|it| it.is_ascii_hexdigit())
}

/// `journal.prev`, `journal-boot-1`, `kernel_boot_-1`, `journal-this-boot`
fn by_hand(name: &str) -> Option<i32> {
    let name = name.to_ascii_lowercase();
    if let Some(at) = name.find("boot") {
        let rest = name[at + 4..].trim_start_matches(['_', '.', ' ']);
        let number = rest.trim_start_matches('-');
        let digits = number.len() - number.trim_start_matches(|it: char| it.is_ascii_digit()).len();
        if (1..3).contains(&digits) && (rest.starts_with('-') || &number[..digits] == "0") {
            return number[..digits].parse::<i32>().ok().map(|it| -it);
        }
    }
    let mut words = name.split(|it: char| !it.is_ascii_alphanumeric());
    if words.any(|it| matches!(it, "prev" | "previous" | "lastboot")) || name.contains("last-boot") {
        return Some(-1);
    }
    let this = ["this-boot", "this_boot", "thisboot", "current-boot", "current_boot"];
    this.iter().any(|it| name.contains(it)).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_boot_a_name_states() {
        for (path, boot) in [
            ("a/sos_commands/logs/journalctl_--no-pager_--catalog_--boot_-1", Some(-1)),
            ("a/sos_commands/logs/journalctl_--no-pager_--boot", Some(0)),
            ("a/journalctl_--all_--this-boot_--no-pager", Some(0)),
            ("gpu-12/journalctl_-b_-1.txt", Some(-1)),
            ("gpu-12/journalctl_-b_0.txt", Some(0)),
            ("gpu-12/journalctl -b -2.log.gz", Some(-2)),
            ("messages.txt!/bin/journalctl --boot=-1 --no-pager", Some(-1)),
            ("x/journalctl_-xb.txt", Some(0)),
            ("x/journalctl_-b-1_-o_short-iso.txt", Some(-1)),
            ("x/journalctl-b-1.txt", Some(-1)),
            ("x/journalctl-b.txt", Some(0)),
            ("x/journalctl_-k.txt", Some(0)),
            ("x/journalctl_-k_-b_-1.txt", Some(-1)),
            ("x/journalctl_-kb_-1.txt", Some(-1)),
            ("x/journalctl_-b_all.txt", None),
            ("x/journalctl_-k_-b_all.txt", None),
            ("x/journalctl_-b_1.txt", None),
            ("x/journalctl_--no-pager", None),
            ("x/journalctl.txt", None),
            ("x/journal.prev", Some(-1)),
            ("x/journal-previous.log", Some(-1)),
            ("x/journal-boot-1.log", Some(-1)),
            ("x/journal_boot_-1", Some(-1)),
            ("x/journal_boot0.txt", Some(0)),
            ("x/journal-this-boot.txt", Some(0)),
            ("x/boot.log", None),
            ("x/bootlog-2024.txt", None),
            ("x/messages.1", None),
            ("prev/messages", None),
        ] {
            assert_eq!(scope(path).boot, boot, "{path}");
        }
        let id = "9a7be1c2d3f44a5b8c6d7e8f90a1b2c3";
        assert_eq!(scope(&format!("x/journalctl_-b_{id}.txt")).id.as_deref(), Some(id));
    }

    #[test]
    fn what_a_name_says_is_missing() {
        let of = |path: &str| {
            let Scope { narrowed, begins_late, ends_early, .. } = scope(path);
            (narrowed, begins_late, ends_early)
        };
        assert_eq!(of("x/journalctl_-b_-1.txt"), (false, false, false));
        assert_eq!(of("x/journalctl_-o_short-precise_-a_-b.txt"), (false, false, false));
        assert_eq!(of("x/journalctl_-u_kubelet_-b_-1.txt"), (true, false, false));
        assert_eq!(of("x/journalctl_-p3_-b.txt"), (true, false, false));
        assert_eq!(of("x/journalctl_-p_err_-xb.txt"), (true, false, false));
        assert_eq!(of("x/journalctl_-b_--since_10_00"), (false, true, false));
        assert_eq!(of("x/journalctl_-b_-n_500"), (false, true, false));
        assert_eq!(of("x/journalctl_-xe"), (false, true, false));
        assert_eq!(of("x/journalctl_-b_--until_2023-05-12.txt"), (false, false, true));
        assert_eq!(of("x/journalctl_-b_grep_-i_oom.txt"), (true, false, false));
    }
}
