//! `multipath -ll`: disks that are reached by several ways, and which of the ways work.
//!
//! ```text
//! mpatha (360000000000000000e00000000010001) dm-3 IET,VIRTUAL-DISK
//! size=10G features='1 queue_if_no_path' hwhandler='0' wp=rw
//! |-+- policy='service-time 0' prio=50 status=active
//! | `- 2:0:0:1 sda 8:0  active ready running
//! `-+- policy='service-time 0' prio=0 status=enabled
//!   `- 3:0:0:1 sdb 8:16 failed faulty offline
//! ```
//!
//! One row a disk. A way works where the kernel's state is active and the checker's is ready or ghost. Lines that `-v3` and
//! `-v4` print beforehand are known. Skipped: sizes, priorities. Units: none. Time: none, true when collected.
//!
//! Source: `man 8 multipath`, libmultipath/print.c of multipath-tools.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "multipath",
    produced_by: "multipath -ll, multipath -v4 -ll",
    samples: &[
        concat!(
            "mpatha (360000000000000000e00000000010001) dm-3 IET,VIRTUAL-DISK\n",
            "size=10G features='1 queue_if_no_path' hwhandler='0' wp=rw\n",
            "|-+- policy='service-time 0' prio=50 status=active\n| `- 2:0:0:1 sda 8:0  active ready running\n",
            "`-+- policy='service-time 0' prio=0 status=enabled\n  `- 3:0:0:1 sdb 8:16 failed faulty offline\n",
        ),
        concat!(
            "3600d0230003228bc000339414edb8101 dm-1 SGI,TP9100\n[size=17G][features=0][hwhandler=0][rw]\n",
            "\\_ round-robin 0 [prio=1][active]\n \\_ 2:0:0:6 sdb 8:16  [active][ready]\n",
        ),
        "Feb 11 19:23:51 | set open fds limit to 1048576/1048576\nFeb 11 19:23:51 | loading //lib/multipath/libchecktur.so checker\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// `mpatha (3600…) dm-3 IET,VIRTUAL-DISK`, `3600… dm-1 SGI,TP9100`, `create: mpatha (3600…) dm-3 …`
fn disk(line: &str) -> Option<Row> {
    let line = line.strip_prefix("create: ").or_else(|| line.strip_prefix("reload: ")).unwrap_or(line);
    if line.starts_with([' ', '|', '`', '\\']) {
        return None;
    }
    let all: Vec<&str> = words(line).collect();
    let at = all.iter().position(|it| it.strip_prefix("dm-").is_some_and(|it| it.parse::<u32>().is_ok()))?;
    let wwid = match all[..at] {
        [_, wwid] => wwid.strip_prefix('(')?.strip_suffix(')')?,
        [wwid] => wwid,
        _ => return None,
    };
    let product = all[at + 1..].join(" ");
    // vendor and product, parted by a comma
    if !product.contains(',') {
        return None;
    }
    let row = Row::new(&relation::MULTIPATH).with("name", all[0]).with("wwid", wwid);
    Some(row.with("device", all[at]).with("product", product))
}

/// `| `- 2:0:0:1 sda 8:0  active ready running`: the device, and whether it works; unknown states say neither
fn way(line: &str) -> Option<(String, Option<bool>)> {
    let line = line.replace(['[', ']'], " ");
    let all: Vec<&str> = words(line.trim_start_matches([' ', '|', '`', '\\', '-', '_', '+'])).collect();
    let [address, device, numbers, states @ ..] = &all[..] else { return None };
    let scsi = address.split(':').count() == 4 && address.bytes().all(|it| it.is_ascii_digit() || it == b':' || it == b'#' || it == b'-');
    let nvme = numbers.split_once(':').is_some_and(|(major, minor)| major.parse::<u32>().is_ok() && minor.parse::<u32>().is_ok());
    let lost = *numbers == "-" || *numbers == "#:#";
    if !scsi || !nvme && !lost || states.is_empty() {
        return None;
    }
    let has = |words: &[&str]| states.iter().any(|it| words.contains(it));
    let works = match () {
        () if has(&["failed", "faulty", "shaky", "offline"]) => Some(false),
        () if has(&["active"]) && has(&["ready", "ghost"]) => Some(true),
        () => None,
    };
    Some(((*device).to_owned(), works))
}

/// `size=10G features='0' …`, `[size=17G][features=0]…`
fn features(line: &str) -> bool {
    let line = line.trim_start_matches('[');
    line.starts_with("size=") && line.contains("features=") && line.contains("hwhandler=")
}

/// `|-+- policy='service-time 0' prio=50 status=active`, `\_ round-robin 0 [prio=1][active]`
fn group(line: &str) -> bool {
    line.contains("policy='") && line.contains("status=") || line.trim_start().starts_with("\\_ ") && line.contains("[prio=")
}

/// `Feb 11 19:23:51 | set open fds limit to 1048576/1048576`
fn told(line: &str) -> bool {
    let Some((stamp, _)) = line.split_once(" | ") else { return false };
    let parts: Vec<&str> = words(stamp).collect();
    let [month, day, clock] = parts[..] else { return false };
    month.len() == 3 && day.parse::<u8>().is_ok() && clock.len() == 8 && clock.split(':').count() == 3
}

/// What `-v3` prints of the paths it looked at.
fn listing(line: &str) -> bool {
    ["===== ", "uuid ", "hcil "].iter().any(|it| line.starts_with(it)) || line.split_whitespace().any(|it| it == "undef")
}

fn is_known(line: &str) -> bool {
    features(line) || group(line) || way(line).is_some() || told(line) || listing(line)
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mapped = sniff.text.lines().any(|it| disk(it).is_some()) && sniff.text.lines().any(features);
    let spoken = || sniff.text.contains("multipath") && sniff.share(200, |it| told(it) || listing(it)) >= 0.95;
    if mapped && sniff.share(400, |it| disk(it).is_some() || is_known(it)) >= 0.9 || spoken() { Certainty::Sure } else { Certainty::No }
}

/// A disk and its ways so far.
struct Open<'t> {
    row: Row,
    line: Line<'t>,
    paths: i64,
    active: i64,
    failed: Vec<String>,
    queues: bool,
}

impl<'t> Open<'t> {
    fn hand_out(self, state: &mut State<'_, 't, '_>) {
        let row = self
            .row
            .with("paths", self.paths)
            .with("active", self.active)
            .with("failed", self.failed.len() as i64)
            .with("failed_devices", (!self.failed.is_empty()).then(|| self.failed.join(" ")))
            .with("queues", self.queues);
        state.push(row, &self.line);
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<Open<'_>> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(row) = disk(line.text) {
            let next = Open { row, line: *line, paths: 0, active: 0, failed: Vec::new(), queues: false };
            if let Some(it) = open.replace(next) {
                it.hand_out(state);
            }
            return true;
        }
        if let Some(open) = &mut open {
            open.queues |= features(line.text) && line.text.contains("queue_if_no_path");
            if let Some((device, works)) = way(line.text) {
                open.paths += 1;
                open.active += i64::from(works == Some(true));
                if works == Some(false) && open.failed.len() < 100 {
                    open.failed.push(device);
                }
            }
        }
        is_known(line.text)
    });
    if let Some(it) = open {
        it.hand_out(&mut state);
    }
    state.collected(&relation::MULTIPATH);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{sniff_certainty, sure_rows_of};

    fn rows(text: &str) -> Vec<String> {
        let columns = ["name", "device", "product", "paths", "active", "failed", "failed_devices", "queues"];
        sure_rows_of(&FORMAT, text, "multipath", columns)
    }

    #[test]
    fn disks_and_their_ways() {
        assert_eq!(rows(FORMAT.samples[0]), ["mpatha dm-3 IET,VIRTUAL-DISK 2 1 1 sdb true"]);
        assert_eq!(rows(FORMAT.samples[1]), ["3600d0230003228bc000339414edb8101 dm-1 SGI,TP9100 1 1 0 unknown false"]);
        assert!(rows(FORMAT.samples[2]).is_empty());
        let two = "mpathb (3600a) dm-4 NETAPP,LUN C-Mode\nsize=1.0T features='0' hwhandler='1 alua' wp=rw\n`-+- policy='service-time 0' prio=0 status=enabled\n  |- 2:0:0:1 sdc 8:32 failed faulty running\n  `- #:#:#:# -   #:#  active undef unknown\nmpathc (3600b) dm-5 NETAPP,LUN\nsize=1.0T features='0' hwhandler='1 alua' wp=rw\n`-+- policy='service-time 0' prio=50 status=active\n  `- 2:0:0:2 sdd 8:48 active ready running\n";
        assert_eq!(
            rows(two),
            ["mpathb dm-4 NETAPP,LUN C-Mode 2 0 1 sdc false", "mpathc dm-5 NETAPP,LUN 1 1 0 unknown false"]
        );
    }

    #[test]
    fn others_are_left_alone() {
        for text in [
            "brw-rw---- 1 root disk 253, 3 Feb 11 18:58 dm-3\n",
            "sda 8:0 0 20G 0 disk\n`-mpatha 253:3 0 20G 0 mpath\n",
            "Feb 11 19:23:51 | a table\nFeb 11 19:23:52 | of somebody else\n",
            "vg-root (253:0) dm-0\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
