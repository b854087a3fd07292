//! What was installed and when: `dpkg.log`, apt's `history.log`, `yum.log`, `dnf.rpm.log`.
//!
//! ```text
//! 2023-07-22 06:12:44 upgrade linux-image-generic:amd64 5.4.0.150.148 5.4.0.155.152
//! Start-Date: 2023-07-22  06:12:40
//! Upgrade: containerd:amd64 (1.6.12-0ubuntu1, 1.6.21-0ubuntu1), runc:amd64 (1.1.4-0ubuntu1, 1.1.7-0ubuntu1)
//! Jul 22 06:12:44 Updated: kernel-3.10.0-1160.el7.x86_64
//! 2023-07-22T06:12:44Z SUBDEBUG Upgrade: containerd.io-1.6.21-3.1.el8.x86_64
//! ```
//!
//! One row a change of a package. Skipped: states in between (unpacked, configured, triggers), commands, messages. Units: none.
//! Time: of the change, of apt the beginning of its run; wall clock of the node.
//!
//! Source: dpkg's lib/dpkg/log.c, apt's apt-pkg/deb/dpkgpm.cc, yum's output of its rpm callback, dnf's logging.py.

use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::log::stamp;
use crate::packages::red_hat;
use crate::places::Places;
use crate::state::{State, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "package-log",
    produced_by: "dpkg (dpkg.log), apt (history.log), yum (yum.log), dnf (dnf.rpm.log)",
    samples: &[
        concat!(
            "2023-07-22 06:12:44 startup archives unpack\n",
            "2023-07-22 06:12:44 upgrade linux-image-generic:amd64 5.4.0.150.148 5.4.0.155.152\n",
            "2023-07-22 06:12:45 status half-configured linux-image-generic:amd64 5.4.0.150.148\n",
            "2023-07-22 06:12:46 install jq:amd64 <none> 1.6-1\n",
        ),
        concat!(
            "Start-Date: 2023-07-22  06:12:40\nCommandline: /usr/bin/unattended-upgrade\n",
            "Install: linux-image-5.4.0-155-generic:amd64 (5.4.0-155.172, automatic)\n",
            "Upgrade: containerd:amd64 (1.6.12-0ubuntu1, 1.6.21-0ubuntu1), runc:amd64 (1.1.4-0ubuntu1, 1.1.7-0ubuntu1)\n",
            "End-Date: 2023-07-22  06:12:59\n",
        ),
        "Jul 22 06:12:44 Updated: kernel-3.10.0-1160.el7.x86_64\nJul 22 06:12:49 Erased: jq-1.6-2.el7.x86_64\n",
        concat!(
            "2023-07-22T06:12:40Z INFO --- logging initialized ---\n",
            "2023-07-22T06:12:44+0000 SUBDEBUG Upgrade: containerd.io-1.6.21-3.1.el8.x86_64\n",
            "2023-07-22T06:12:45+0000 SUBDEBUG Upgraded: containerd.io-1.6.12-3.1.el8.x86_64\n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// A change of a package.
#[derive(Debug, PartialEq, Eq)]
struct Change<'t> {
    action: &'static str,
    name: &'t str,
    version: Option<&'t str>,
    previous: Option<&'t str>,
    architecture: Option<&'t str>,
}

/// One line.
enum Said<'t> {
    Change(Stamp, Change<'t>),
    /// When a run of apt began.
    Begins(Stamp),
    /// A list of packages with what happens to them: `name:arch (old, new), …`
    List(&'static str, &'t str),
    Other,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let share = sniff.share(300, |line| read(line).is_some());
    let is_change = |line: &&str| matches!(read(line), Some(Said::Change(..) | Said::Begins(_)));
    let changes = sniff.text.lines().take(300).filter(is_change).count();
    let name = sniff.file_name();
    let named = ["dpkg.log", "history.log", "yum.log", "dnf.rpm.log", "dnf.log"].iter().any(|it| name.contains(it));
    match changes {
        1.. if share >= 0.9 => Certainty::Sure,
        _ if named && share >= 0.9 => Certainty::Likely,
        _ => Certainty::No,
    }
}

fn read(line: &str) -> Option<Said<'_>> {
    apt(line).or_else(|| dated(line)).or_else(|| yum(line))
}

/// `Upgrade: containerd:amd64 (1.6.12-0ubuntu1, 1.6.21-0ubuntu1), …`
fn apt(line: &str) -> Option<Said<'_>> {
    let (key, value) = line.split_once(": ")?;
    let action = match key {
        "Start-Date" => return stamp::dated(single(value).as_bytes()).map(|it| Said::Begins(it.0)),
        "End-Date" | "Commandline" | "Requested-By" | "Error" | "Comment" => return Some(Said::Other),
        "Install" => "install",
        "Reinstall" => "reinstall",
        "Upgrade" => "upgrade",
        "Downgrade" => "downgrade",
        "Remove" | "Purge" => "remove",
        _ => return None,
    };
    (value.contains(" (") && value.contains(':')).then_some(Said::List(action, value))
}

/// apt puts two blanks between date and time.
fn single(value: &str) -> String {
    value.trim().replacen("  ", " ", 1)
}

/// `2023-07-22 06:12:44 upgrade linux-image-generic:amd64 5.4.0.150.148 5.4.0.155.152`,
/// `2023-07-22T06:12:44+0000 SUBDEBUG Upgrade: containerd.io-1.6.21-3.1.el8.x86_64`
fn dated(line: &str) -> Option<Said<'_>> {
    if !line.starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let (at, len) = stamp::dated(line.as_bytes())?;
    let rest = line.get(len..)?.trim_start();
    if line.as_bytes().get(10) == Some(&b'T') {
        return dnf(at, rest);
    }
    let mut cells = words(rest);
    let action = match cells.next()? {
        "install" => "install",
        "upgrade" => "upgrade",
        "remove" | "purge" => "remove",
        "startup" | "status" | "configure" | "trigproc" | "conffile" | "disappear" => return Some(Said::Other),
        _ => return None,
    };
    let (name, architecture) = named(cells.next()?);
    let mut version = || cells.next().map(|it| Some(it).filter(|it| *it != "<none>"));
    let (previous, version) = (version()?, version()?);
    // dpkg calls what goes backwards an upgrade, too
    Some(Said::Change(at, Change { action, name, version, previous, architecture }))
}

/// `SUBDEBUG Upgrade: containerd.io-1.6.21-3.1.el8.x86_64`, `INFO Complete!`
fn dnf(at: Stamp, rest: &str) -> Option<Said<'_>> {
    let (level, rest) = rest.split_once(' ')?;
    if !matches!(level, "SUBDEBUG" | "INFO" | "DEBUG" | "DDEBUG" | "WARNING" | "ERROR" | "CRITICAL" | "TRACE") {
        return None;
    }
    Some(action(rest).map_or(Said::Other, |change| Said::Change(at, change)))
}

/// `Jul 22 06:12:44 Updated: kernel-3.10.0-1160.el7.x86_64`
fn yum(line: &str) -> Option<Said<'_>> {
    let (at, len) = stamp::yearless(line)?;
    let change = action(line.get(len..)?.trim_start())?;
    Some(Said::Change(at, change))
}

/// `Upgrade: containerd.io-1.6.21-3.1.el8.x86_64`, also with an epoch in front: `1:NetworkManager-1.10…`
fn action(text: &str) -> Option<Change<'_>> {
    let (word, package) = text.split_once(": ")?;
    let action = match word {
        "Installed" | "Install" => "install",
        "Upgrade" | "Updated" => "upgrade",
        "Downgrade" => "downgrade",
        "Reinstall" | "Reinstalled" => "reinstall",
        "Erased" | "Erase" | "Removed" => "remove",
        // the version that goes: the new one has a line of its own
        _ => return None,
    };
    let package = package.trim();
    let package = package.split_once(':').filter(|(it, _)| it.bytes().all(|it| it.is_ascii_digit())).map_or(package, |it| it.1);
    let found = red_hat(package)?;
    let (version, previous) = if action == "remove" { (None, Some(found.version)) } else { (Some(found.version), None) };
    Some(Change { action, name: found.name, version, previous, architecture: found.architecture })
}

impl Change<'_> {
    fn row(&self) -> Row {
        Row::new(&relation::PACKAGE_CHANGE)
            .with("action", self.action)
            .with("name", self.name)
            .with("version", self.version)
            .with("previous", self.previous)
            .with("architecture", self.architecture)
    }
}

/// `linux-image-generic:amd64`
fn named(word: &str) -> (&str, Option<&str>) {
    word.split_once(':').map_or((word, None), |(name, architecture)| (name, Some(architecture)))
}

/// `containerd:amd64 (1.6.12-0ubuntu1, 1.6.21-0ubuntu1)`
fn listed<'t>(action: &'static str, item: &'t str) -> Option<Change<'t>> {
    let (name, versions) = item.split_once(" (")?;
    let (name, architecture) = named(name.trim());
    let mut versions = versions.strip_suffix(')')?.split(", ").filter(|it| *it != "automatic");
    let first = versions.next();
    let (previous, version) = match action {
        "upgrade" | "downgrade" => (first, versions.next()),
        "remove" => (first, None),
        _ => (None, first),
    };
    Some(Change { action, name, version, previous, architecture })
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut begun = Stamp::None;
    let mut places = Places::of(input);
    let node = input.origin.node.clone();
    let mut state = State::of(input, out);
    state.each(|state, line: &Line<'_>| {
        match read(line.text) {
            Some(Said::Change(at, change)) => state.push_at(change.row(), line, at),
            Some(Said::Begins(at)) => begun = at,
            Some(Said::List(action, list)) => {
                // a comma parts packages and, inside brackets, versions
                for item in list.split_inclusive("), ") {
                    let item = item.strip_suffix(", ").unwrap_or(item).trim();
                    if let Some(change) = listed(action, item) {
                        state.fact(Fact::new(change.row(), node.clone(), places.quote(item)), begun);
                    }
                }
            }
            Some(Said::Other) => {}
            None => return false,
        }
        true
    });
    // a log is rotated: nothing is said of what is not in it
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, rows_of, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        rows_of(&FORMAT, "x", text, "package.change", ["action", "name", "version", "previous", "architecture"])
    }

    #[test]
    fn changes_of_four_tools() {
        assert_eq!(
            rows(FORMAT.samples[0]),
            ["upgrade linux-image-generic 5.4.0.155.152 5.4.0.150.148 amd64", "install jq 1.6-1 unknown amd64"]
        );
        assert_eq!(
            rows(FORMAT.samples[1]),
            [
                "install linux-image-5.4.0-155-generic 5.4.0-155.172 unknown amd64",
                "upgrade containerd 1.6.21-0ubuntu1 1.6.12-0ubuntu1 amd64",
                "upgrade runc 1.1.7-0ubuntu1 1.1.4-0ubuntu1 amd64"
            ]
        );
        assert_eq!(
            rows(FORMAT.samples[2]),
            ["upgrade kernel 3.10.0-1160.el7 unknown x86_64", "remove jq unknown 1.6-2.el7 x86_64"]
        );
        assert_eq!(rows(FORMAT.samples[3]), ["upgrade containerd.io 1.6.21-3.1.el8 unknown x86_64"]);
    }

    #[test]
    fn each_change_has_its_time() {
        for sample in FORMAT.samples {
            let out = read_at(&FORMAT, "x", sample);
            for record in &out.records {
                assert!(!matches!(record, timeline::Record::Fact(_, Stamp::None)), "{sample}");
            }
        }
        for text in ["2023-07-22 06:12:44 the night began\n", "Upgrade: (all) of it\n", "Jul 22 06:12:44 host a: b\n", "Error: no\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
