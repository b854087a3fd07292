//! `dpkg -l`, `rpm -qa`: the installed packages of a node.
//!
//! ```text
//! ii  adduser                3.118ubuntu2              all          add and remove users and groups
//! grub2-tools-2.02-87.el8_2.x86_64                            Tue Nov 17 12:00:01 2020
//! ```
//!
//! One row a package, as many as there are up to a bound. Skipped: descriptions, dates of installation. Columns of `dpkg`
//! are cut to the width of the terminal; a cut version is kept as it stands. Units: none. Time: none.
//!
//! Source: `man 1 dpkg-query`, `man 8 rpm`.

use std::sync::LazyLock;

use regex::Regex;
use timeline::{MemberRecords, Row, relation};

use crate::expression::expression;
use crate::state::{State, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "packages",
    produced_by: "dpkg -l, rpm -qa",
    samples: &[
        concat!(
            "Desired=Unknown/Install/Remove/Purge/Hold\n",
            "| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n",
            "|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n",
            "||/ Name                   Version                   Architecture Description\n",
            "+++-======================-=========================-============-==================\n",
            "ii  adduser                3.118ubuntu2              all          add and remove users and groups\n",
            "rc  linux-image-5.4.0-91-generic 5.4.0-91.102 amd64 Signed kernel image generic\n",
        ),
        "grub2-tools-2.02-87.el8_2.x86_64\nkernel-4.18.0-193.el8.x86_64    Tue Nov 17 12:00:01 2020\ngpg-pubkey-fd431d51-4ae0493b\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// A package as a line names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package<'t> {
    pub(crate) name: &'t str,
    pub(crate) version: &'t str,
    pub(crate) architecture: Option<&'t str>,
    state: &'static str,
}

/// `ii  accountsservice   0.6.55-0ubuntu12~20.04.5   amd64   query and manipulate user account information`
fn debian(line: &str) -> Option<Package<'_>> {
    let state = line.as_bytes();
    let shaped = state.len() > 4
        && b"uirph".contains(&state[0])
        && b"ncHUFWti".contains(&state[1])
        && b" R".contains(&state[2])
        && b" \t".contains(&state[3].min(state[2]));
    let mut cells = words(line).skip(1);
    let (name, version, architecture) = (cells.next()?, cells.next()?, cells.next()?);
    let (name, _) = name.split_once(':').unwrap_or((name, ""));
    let state = match state[1] {
        b'i' => "installed",
        b'c' => "config-files",
        b'n' => "not-installed",
        _ => "broken",
    };
    let versioned = version.starts_with(|it: char| it.is_ascii_digit()) || version == "<none>";
    (shaped && versioned).then_some(Package { name, version, architecture: Some(architecture), state })
}

/// `grub2-tools-2.02-87.el8_2.x86_64`, with or without the time of its installation
pub(crate) fn red_hat(line: &str) -> Option<Package<'_>> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let architectures = "x86_64|noarch|aarch64|i[3-6]86|s390x|ppc64le|armv7hl|riscv64|\\(none\\)";
        let pattern = format!(r"^(\S+)-([^-\s]+-[^-\s]+?)\.({architectures})(?:\s.*)?$|^(gpg-pubkey)-([0-9a-f]+-[0-9a-f]+)");
        expression(&pattern)
    });
    let found = LINE.captures(line)?;
    let text = |at: usize| found.get(at).map(|it| it.as_str());
    let (name, version) = (text(1).or(text(4))?, text(2).or(text(5))?);
    Some(Package { name, version, architecture: text(3), state: "installed" })
}

fn legend(line: &str) -> bool {
    line.starts_with("Desired=Unknown/Install/Remove") || line.starts_with(['|', '+'])
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let debian_list = sniff.text.lines().take(6).any(|it| it.starts_with("Desired=Unknown/Install/Remove"));
    let share = sniff.share(200, |it| if debian_list { legend(it) || debian(it).is_some() } else { red_hat(it).is_some() });
    // one line like a package makes no list of them
    if share >= 0.9 && sniff.text.lines().nth(1).is_some() { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let Some(package) = debian(line.text).or_else(|| red_hat(line.text)) else { return legend(line.text) };
        let row = Row::new(&relation::PACKAGE)
            .with("name", package.name)
            .with("version", package.version)
            .with("architecture", package.architecture)
            .with("state", package.state);
        state.push(row, line);
        true
    });
    state.collected(&relation::PACKAGE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, shown, sniff_certainty};

    #[test]
    fn both_families() {
        let rows = |text: &str| -> Vec<String> {
            let out = read_at(&FORMAT, "x", text);
            let columns = ["name", "version", "architecture", "state"];
            shown(&out, "package", columns)
        };
        assert_eq!(
            rows(FORMAT.samples[0]),
            [
                "adduser 3.118ubuntu2 all installed",
                "linux-image-5.4.0-91-generic 5.4.0-91.102 amd64 config-files"
            ]
        );
        assert_eq!(
            rows(FORMAT.samples[1]),
            [
                "grub2-tools 2.02-87.el8_2 x86_64 installed",
                "kernel 4.18.0-193.el8 x86_64 installed",
                "gpg-pubkey fd431d51-4ae0493b unknown installed"
            ]
        );
    }

    #[test]
    fn one_name_is_no_list() {
        assert_eq!(sniff_certainty(&FORMAT, "x", "glibc-2.28-1.x86_64\n"), Certainty::No);
        assert_eq!(sniff_certainty(&FORMAT, "x", "hello world\nii x\n"), Certainty::No);
        let Some(text) = sample("kubernetes/host/rpm_-qa-rhel8.txt") else { return };
        let out = read_at(&FORMAT, "rpm", &text);
        assert_eq!((out.tally.lines, facts(&out, "package").count() as u64), (out.tally.understood, out.tally.lines));
    }
}
