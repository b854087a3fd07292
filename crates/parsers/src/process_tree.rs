//! `pstree -p`: processes by descent, each with its threads.
//!
//! ```text
//! systemd(1)-+-accounts-daemon(678)-+-{accounts-daemon}(691)
//!            |                      `-{accounts-daemon}(755)
//!            |-java(4120)-+-{java}(4121)
//! systemd─┬─dockerd───12*[{dockerd}]                            without numbers: equal branches are folded
//! ```
//!
//! Rows of `process` for the twenty processes with the most threads. With numbers only: without them processes of one
//! name cannot be told apart. Skipped: who descends from whom, users. The tree lacks the kernel's own threads, and lines
//! that were cut at the width of a terminal lack what stood behind: it is no list of all. Units: threads, the
//! first of them included. Time: none, true when collected.
//!
//! Source: psmisc's `src/pstree.c`.

use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::state::State;
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "process-tree",
    produced_by: "pstree, pstree -lp",
    samples: &[
        concat!(
            "systemd(1)-+-accounts-daemon(678)-+-{accounts-daemon}(691)\n",
            "           |                      `-{accounts-daemon}(755)\n",
            "           |-agetty(738)\n",
            "           `-containerd(812)---containerd-shim(4012)-+-java(4120)-+-{java}(4121)\n",
            "                                                     |            `-{java}(4122)\n",
            "                                                     `-{containerd-shim}(4013)\n",
        ),
        "systemd─┬─ModemManager───2*[{ModemManager}]\n        ├─agetty\n        └─sshd───sshd───bash───pstree\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Processes named for their threads.
const MOST: usize = 20;

/// A process or a thread in a line of the tree, and the column it stands in.
#[derive(Debug, PartialEq, Eq)]
struct Leaf<'t> {
    column: usize,
    name: &'t str,
    number: Option<u32>,
    thread: bool,
}

/// What draws the tree, in ASCII, VT100 as it is pasted, and Unicode.
fn draws(letter: char) -> bool {
    matches!(letter, ' ' | '|' | '`' | '-' | '+' | '─' | '┬' | '├' | '└' | '│')
}

/// The joints between a process and what it started.
const JOINTS: [&str; 6] = ["-+-", "---", "─┬─", "───", "-", "─"];

/// The names in a line; nothing where it is none of a tree.
fn leaves(line: &str) -> Option<Vec<Leaf<'_>>> {
    let mut found = Vec::new();
    let mut rest = line.trim_start_matches(draws);
    let mut column = line[..line.len() - rest.len()].chars().count();
    // `+` ends what a terminal cut
    while !rest.is_empty() && rest != "+" {
        let end = name_end(rest)?;
        let (text, after) = rest.split_at(end);
        found.push(leaf(text, column)?);
        let joint = JOINTS.iter().find(|it| after.starts_with(**it)).copied();
        let more = match joint {
            Some(joint) => &after[joint.len()..],
            None if after.trim_matches(['+', ' ']).is_empty() => "",
            None => return None,
        };
        column += text.chars().count() + joint.map_or(0, |it| it.chars().count());
        rest = more;
    }
    (!found.is_empty()).then_some(found)
}

/// Where a name ends: behind its number, its brackets, or before a joint.
fn name_end(rest: &str) -> Option<usize> {
    let folded = rest.find("*[").filter(|at| rest[..*at].bytes().all(|it| it.is_ascii_digit()) && *at > 0);
    if let Some(at) = folded {
        let mut depth = 0;
        for (place, letter) in rest[at..].char_indices() {
            match letter {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 && letter == ']' {
                return Some(at + place + 1);
            }
        }
        return None;
    }
    let thread = rest.starts_with('{');
    let closed = |close: &str| rest.find(close).map(|it| it + close.len());
    let bare = || JOINTS[..4].iter().filter_map(|it| rest.find(it)).min().unwrap_or(rest.trim_end_matches('+').len());
    let number = rest.find('(').and_then(|open| {
        let inside = rest[open + 1..].split([')', ',']).next()?;
        let digits = !inside.is_empty() && inside.bytes().all(|it| it.is_ascii_digit());
        digits.then(|| rest[open..].find(')').map(|it| open + it + 1))?
    });
    match (thread, number) {
        (true, Some(end)) if closed("}").is_some_and(|it| it < end && rest[it..].starts_with('(')) => Some(end),
        (true, _) => closed("}"),
        (false, Some(end)) if end <= bare() || bare() == rest.len() || rest[..end].contains("---") => Some(end),
        _ => Some(bare()).filter(|it| *it > 0),
    }
}

fn leaf(text: &str, column: usize) -> Option<Leaf<'_>> {
    let (name, number) = match text.strip_suffix(')').and_then(|it| it.rsplit_once('(')) {
        Some((name, inside)) => (name, inside.split(',').next().and_then(|it| it.parse().ok())),
        None => (text, None),
    };
    let thread = name.starts_with('{') && name.ends_with('}');
    let name = name.trim_matches(['{', '}']);
    let fits = !name.is_empty() && name.len() <= 64 && !name.contains(['\t', '=']);
    fits.then_some(Leaf { column, name, number, thread })
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let Some(first) = lines.next() else { return Certainty::No };
    let grows = leaves(first).is_some_and(|it| it.len() > 1) && (first.contains("-+-") || first.contains("─┬─"));
    let begins = first.starts_with(|it: char| it.is_ascii_alphanumeric());
    // nothing but the tree stands below its root
    let branch = |it: &str| it.starts_with([' ', '|', '`', '│', '├', '└']) && leaves(it).is_some();
    let all: Vec<&str> = lines.take(100).collect();
    let good = all.iter().filter(|it| branch(it)).count();
    if begins && grows && !all.is_empty() && good * 10 >= all.len() * 9 { Certainty::Sure } else { Certainty::No }
}

/// A process with the threads that were seen of it.
struct One<'t> {
    name: &'t str,
    number: u32,
    parent: Option<u32>,
    threads: i64,
    line: Line<'t>,
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut all: Vec<One<'_>> = Vec::new();
    // whose branch a column lies in
    let mut above: Vec<(usize, usize)> = Vec::new();
    state.each(|_, line| {
        let Some(found) = leaves(line.text) else { return false };
        for leaf in found {
            while above.last().is_some_and(|it| it.0 >= leaf.column) {
                above.pop();
            }
            let parent = above.last().map(|it| it.1);
            match (leaf.thread, leaf.number) {
                (true, _) => {
                    if let Some(at) = parent {
                        all[at].threads += 1;
                    }
                }
                (false, Some(number)) => {
                    above.push((leaf.column, all.len()));
                    let parent = parent.map(|it| all[it].number);
                    all.push(One { name: leaf.name, number, parent, threads: 1, line: *line });
                }
                (false, None) => {}
            }
        }
        true
    });
    let mut by_size: Vec<usize> = (0..all.len()).filter(|at| all[*at].threads > 1).collect();
    by_size.sort_by_key(|at| (-all[*at].threads, all[*at].number));
    by_size.truncate(MOST);
    by_size.sort_unstable();
    for one in by_size.into_iter().map(|at| &all[at]) {
        let row = Row::new(&relation::PROCESS)
            .with("pid", one.number)
            .with("ppid", one.parent)
            .with("name", one.name)
            .with("threads", one.threads);
        let origin = state.input.origin;
        state.fact(Fact::new(row, origin.node.clone(), origin.quote(&one.line)), Stamp::None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    #[test]
    fn threads_belong_to_whose_branch_they_are() {
        let columns = ["pid", "ppid", "name", "threads"];
        assert_eq!(
            sure_rows_of(&FORMAT, FORMAT.samples[0], "process", columns),
            ["678 1 accounts-daemon 3", "4012 812 containerd-shim 2", "4120 4012 java 3"],
        );
        assert!(sure_rows_of(&FORMAT, FORMAT.samples[1], "process", columns).is_empty(), "without numbers");
    }

    #[test]
    fn names_and_where_they_end() {
        let names = |line: &str| -> Vec<String> {
            let one = |it: Leaf<'_>| format!("{} {}{}", it.column, it.name, if it.thread { " thread" } else { "" });
            leaves(line).unwrap_or_default().into_iter().map(one).collect()
        };
        assert_eq!(names("  |-bash(8796)---jujud(8800)-+-{jujud}(8801)"), ["4 bash", "17 jujud", "31 jujud thread"]);
        assert_eq!(names("  `-sshd(9,root)---sshd(12,ubuntu)"), ["4 sshd", "19 sshd"]);
        assert_eq!(names("  |-kube-controller(77)-+"), ["4 kube-controller"]);
        assert_eq!(names("        ├─3*[sh───2*[{sh}]]"), ["10 3*[sh───2*[{sh}]]"]);
        assert_eq!(names("  |-(sd-pam)(1200)"), ["4 (sd-pam)"]);
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in [
            "a---b\nc---d\n",
            "one -+- two\nthree\n",
            "+------+\n| NAME |\n+------+\n",
            "total 4\n-rw-r--r-- 1 root root 7 Jan  1 00:00 a\n",
            "/\n|-- bin\n`-- etc\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
