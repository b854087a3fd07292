//! Who a host is and what its clock says: `date`, `timedatectl`, `hostname`, `uname`, os-release, `docker info`.
//!
//! ```text
//! Mon Jul 24 11:02:13 CST 2023
//!                 Time zone: Asia/Shanghai (CST, +0800)
//! Linux kubestage1001 4.4.0-104-generic #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017 x86_64 GNU/Linux
//! PRETTY_NAME="Ubuntu 16.04.3 LTS"
//!  Storage Driver: aufs
//! ```
//!
//! Skipped: everything else these commands print. Time: `date` prints wall clock and an abbreviation; `UTC` and
//! offsets are exact, other abbreviations are left to whoever settles zones. A `date` in UTC says nothing of the zone
//! of the node when its file name says that UTC was asked for.
//!
//! Source: `man 1 date`, `man 1 timedatectl`, `man 1 uname`, `man 5 os-release`.

mod clock;

use timeline::{Fact, MemberRecords, Record, Row, Stamp, relation};

use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "host-identity",
    produced_by: "date, timedatectl, hostname, hostnamectl, uname -a, cat /etc/os-release, docker info",
    samples: &[
        "Mon Jul 24 11:02:13 CST 2023\n",
        "               Local time: Mon 2023-07-24 11:02:13 CST\n           Universal time: Mon 2023-07-24 03:02:13 UTC\n                Time zone: Asia/Shanghai (CST, +0800)\n",
        "Linux kubestage1001 4.4.0-104-generic #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017 x86_64 x86_64 x86_64 GNU/Linux\n",
        "NAME=\"Ubuntu\"\nVERSION_ID=\"16.04\"\nID=ubuntu\nPRETTY_NAME=\"Ubuntu 16.04.3 LTS\"\n",
        "Containers: 36\n Running: 24\nServer Version: 18.06.3-ce\nStorage Driver: aufs\nKernel Version: 4.4.0-104-generic\nName: kubestage1001\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Date,
    Timedatectl,
    Hostname,
    Hostnamectl,
    Uname,
    Release,
    OsRelease,
    ReleaseLine,
    DockerInfo,
    Timezone,
    /// `uptime`, `uname -a` and the name of the system, as minikube prints them.
    Kernel,
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    kind(sniff.path, sniff.text, sniff.whole).map_or(Certainty::No, |(_, it)| it)
}

fn kind(path: &str, text: &str, whole: bool) -> Option<(Kind, Certainty)> {
    let lines: Vec<&str> = text.lines().filter(|it| !it.trim().is_empty()).take(200).collect();
    let first = *lines.first()?;
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    let any = |key: &str| lines.iter().any(|it| it.trim_start().starts_with(key));
    let few = whole && lines.len() <= 3;
    let dates = lines.iter().take(3).filter(|it| clock::date(it).is_some()).count();
    let word = few && lines.len() == 1 && !first.trim().contains(char::is_whitespace) && first.trim().len() <= 253;
    let is = |it: Kind, certainty: Certainty, yes: bool| yes.then_some((it, certainty));
    is(Kind::Timedatectl, Certainty::Sure, any("Universal time:") && any("Time zone:"))
        .or_else(|| is(Kind::Hostnamectl, Certainty::Sure, any("Static hostname:")))
        .or_else(|| is(Kind::DockerInfo, Certainty::Sure, any("Server Version:") && any("Storage Driver:")))
        .or_else(|| is(Kind::Uname, Certainty::Sure, few && uname(first).is_some()))
        .or_else(|| {
            let named = lines.get(1).is_some_and(|it| uname(it).is_some()) && any("PRETTY_NAME=");
            is(Kind::Kernel, Certainty::Sure, few && named && first.contains(" load average: "))
        })
        .or_else(|| {
            let assignments = lines.iter().filter(|it| assignment(it).is_some()).count();
            let marks = lines.iter().any(|it| it.starts_with("ID=") || it.starts_with("PRETTY_NAME="));
            is(Kind::OsRelease, Certainty::Sure, marks && assignments * 3 > lines.len() * 2)
        })
        .or_else(|| is(Kind::Date, Certainty::Sure, few && dates * 2 > lines.len()))
        .or_else(|| is(Kind::Timezone, Certainty::Likely, word && path.ends_with("etc/timezone")))
        .or_else(|| {
            let legal = |it: u8| it.is_ascii_alphanumeric() || b".-_".contains(&it);
            let yes = word && name.contains("hostname") && first.trim().bytes().all(legal);
            is(Kind::Hostname, Certainty::Likely, yes)
        })
        .or_else(|| is(Kind::Release, Certainty::Likely, word && name.contains("uname") && release(first.trim())))
        .or_else(|| {
            let named = ["redhat-release", "centos-release", "system-release", "debian_version"];
            is(Kind::ReleaseLine, Certainty::Likely, few && named.iter().any(|it| name.contains(it)))
        })
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let head = input.text.get(..65_536.min(input.text.len())).unwrap_or(input.text);
    let Some((kind, _)) = kind(&input.origin.path, head, head.len() == input.text.len()) else { return };
    let lines: Vec<Line<'_>> = input.lines().filter(|it| !it.text.trim().is_empty()).collect();
    out.tally.lines += lines.len() as u64;
    let host = Host { input, lines: &lines };
    let read = match kind {
        Kind::Date => clock::read_date(&host, out),
        Kind::Timedatectl => clock::read_timedatectl(&host, out),
        Kind::Timezone => {
            let name = Row::new(&relation::ZONE).with("name", lines[0].text.trim());
            host.push(name, &lines[0], Stamp::None, out);
            1
        }
        Kind::Hostname => {
            host.alias(lines[0].text.trim(), &lines[0], out);
            1
        }
        Kind::Hostnamectl => host.hostnamectl(out),
        Kind::Uname => host.uname(&lines[0], out),
        Kind::Kernel => host.uname(&lines[1], out).min(host.os_release(out)) * lines.len(),
        Kind::Release => {
            host.push(Row::new(&relation::KERNEL).with("release", lines[0].text.trim()), &lines[0], Stamp::None, out);
            1
        }
        Kind::OsRelease => host.os_release(out),
        Kind::ReleaseLine => {
            host.push(Row::new(&relation::OS).with("name", lines[0].text.trim()), &lines[0], Stamp::None, out);
            1
        }
        Kind::DockerInfo => host.docker_info(out),
    };
    out.tally.understood += read as u64;
    if read < lines.len() {
        out.tally.odd_bytes += lines[read..].iter().map(|it| it.text.len() as u64).sum::<u64>();
    }
}

/// What a line of `date` says, in any of its shapes.
pub(crate) fn date_line(line: &str) -> Option<Stamp> {
    // nearly every other line is told apart by its first letter
    let first = line.trim_start().bytes().next()?;
    (first.is_ascii_digit() || b"MTWFS".contains(&first)).then(|| clock::date(line))?.map(|it| it.stamp)
}

/// The lines of one file that are not blank; never none.
struct Host<'i, 't> {
    input: &'i Input<'t>,
    lines: &'i [Line<'t>],
}

impl<'t> Host<'_, 't> {
    fn push(&self, row: Row, line: &Line<'_>, stamp: Stamp, out: &mut MemberRecords) {
        let origin = self.input.origin;
        let fact = Fact::new(row, origin.node.clone(), origin.quote(line));
        out.records.push(Record::Fact(Box::new(fact), stamp));
    }

    /// The host calls itself so; the layout may call it otherwise, or leave it to the host.
    fn alias(&self, other: &str, line: &Line<'_>, out: &mut MemberRecords) {
        let unhelpful = ["localhost", "localhost.localdomain", "(none)", ""];
        let node = self.input.origin.node.clone();
        if node.as_deref() != Some(other) && !unhelpful.contains(&other) {
            let row = Row::new(&relation::ALIAS).with("name", node).with("other", other);
            self.push(row, line, Stamp::None, out);
        }
    }

    /// The value of `  Key: value`, whatever the indentation.
    fn field(&self, key: &str) -> Option<(&'t str, &Line<'t>)> {
        self.lines.iter().find_map(|line| {
            let value = line.text.trim_start().strip_prefix(key)?.strip_prefix(':')?.trim();
            (!value.is_empty()).then_some((value, line))
        })
    }

    fn hostnamectl(&self, out: &mut MemberRecords) -> usize {
        if let Some((name, line)) = self.field("Static hostname") {
            self.alias(name, line, out);
        }
        if let Some((os, line)) = self.field("Operating System") {
            self.push(Row::new(&relation::OS).with("name", os), line, Stamp::None, out);
        }
        if let Some((kernel, line)) = self.field("Kernel") {
            let release = kernel.strip_prefix("Linux ").unwrap_or(kernel);
            self.push(Row::new(&relation::KERNEL).with("release", release), line, Stamp::None, out);
        }
        self.lines.len()
    }

    fn uname(&self, line: &Line<'_>, out: &mut MemberRecords) -> usize {
        let Some((host, release, version)) = uname(line.text) else { return 0 };
        let row = Row::new(&relation::KERNEL).with("release", release).with("version", version);
        self.push(row, line, Stamp::None, out);
        self.alias(host, line, out);
        1
    }

    /// Of several files in a row the first counts.
    fn os_release(&self, out: &mut MemberRecords) -> usize {
        let find = |key: &str| {
            self.lines.iter().find_map(|line| assignment(line.text).filter(|it| it.0 == key).map(|it| (it.1, line)))
        };
        let named = find("PRETTY_NAME").or_else(|| find("NAME"));
        if let Some((_, line)) = named.as_ref().or(find("ID").as_ref()) {
            let row = Row::new(&relation::OS)
                .with("name", named.as_ref().map(|(it, _)| it.clone()))
                .with("version", find("VERSION_ID").map(|(it, _)| it))
                .with("id", find("ID").map(|(it, _)| it));
            self.push(row, line, Stamp::None, out);
        }
        self.lines.len()
    }

    fn docker_info(&self, out: &mut MemberRecords) -> usize {
        if let Some((driver, line)) = self.field("Storage Driver") {
            let row = Row::new(&relation::RUNTIME)
                .with("name", "docker")
                .with("version", self.field("Server Version").map(|(it, _)| it))
                .with("storage_driver", driver);
            self.push(row, line, Stamp::None, out);
        }
        if let Some((release, line)) = self.field("Kernel Version") {
            self.push(Row::new(&relation::KERNEL).with("release", release), line, Stamp::None, out);
        }
        if let Some((os, line)) = self.field("Operating System") {
            self.push(Row::new(&relation::OS).with("name", os), line, Stamp::None, out);
        }
        if let Some((name, line)) = self.field("Name") {
            self.alias(name, line, out);
        }
        self.lines.len()
    }
}

/// `Linux juju-4 5.4.0-99-generic #112-Ubuntu SMP Thu Feb 3 13:50:55 UTC 2022 x86_64 x86_64 x86_64 GNU/Linux`: host,
/// release and build.
fn uname(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.trim().strip_prefix("Linux ")?;
    let (host, rest) = rest.split_once(' ')?;
    let (kernel, build) = rest.split_once(' ')?;
    if !release(kernel) || !build.starts_with('#') {
        return None;
    }
    // the machine follows the year
    let end = build.find(" x86_64").or_else(|| build.find(" aarch64")).or_else(|| build.find(" GNU/Linux"));
    Some((host, kernel, build[..end.unwrap_or(build.len())].trim()))
}

/// `5.4.0-99-generic`
fn release(word: &str) -> bool {
    let mut parts = word.splitn(3, '.');
    let digits = |it: Option<&str>| it.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    digits(parts.next()) && digits(parts.next()) && parts.next().is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()))
}

/// `VERSION_ID="16.04"`, with the value as a shell would have it
fn assignment(line: &str) -> Option<(&str, String)> {
    let (key, value) = line.trim().split_once('=')?;
    if key.is_empty() || !key.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_') {
        return None;
    }
    let value = value.trim();
    let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''));
    let Some(quote) = quote else { return Some((key, value.to_owned())) };
    let inner = value[1..].strip_suffix(quote).unwrap_or(&value[1..]);
    Some((key, if quote == '"' { inner.replace('\\', "") } else { inner.to_owned() }))
}

#[cfg(test)]
mod tests;
