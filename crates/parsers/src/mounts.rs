//! `/proc/mounts`, `mountinfo`, `mount`: what is mounted where, and whether it can be written.
//!
//! ```text
//! /dev/vda1 / ext4 rw,relatime 0 0
//! 29 1 252:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
//! /dev/vda1 on / type ext4 (rw,relatime) [cloudimg-rootfs]
//! ```
//!
//! One row for what holds data or says something of the node: devices, network file systems, overlays, cgroups. Skipped:
//! the kernel's own file systems. A mount counts as read-only where its own options or those of its device say so. Behind
//! them may stand what `df` says of the same file systems, as the EKS collector has it.
//!
//! Source: `man 5 proc`, `man 8 mount`.

use timeline::{MemberRecords, Row, relation};

use crate::disk_usage::Listing;
use crate::state::{State, is_number, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "mounts",
    produced_by: "cat /proc/mounts, cat /proc/PID/mountinfo, mount",
    samples: &[
        "sysfs /sys sysfs rw,nosuid 0 0\n/dev/vda1 / ext4 rw,relatime 0 0\n",
        "23 29 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n29 1 252:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n",
        "/dev/vda1 on / type ext4 (rw,relatime) [cloudimg-rootfs]\nproc on /proc type proc (rw,nosuid)\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// One mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mount<'t> {
    device: &'t str,
    mount: &'t str,
    kind: &'t str,
    options: &'t str,
    /// Options of the file system below, where they are told apart.
    inner: &'t str,
}

fn mount(line: &str) -> Option<Mount<'_>> {
    let line = line.trim_end();
    // `/dev/vda1 on / type ext4 (rw,relatime)`
    if let Some((device, rest)) = line.split_once(" on ")
        && let Some((mount, rest)) = rest.split_once(" type ")
        && let Some((kind, rest)) = rest.split_once(" (")
        && let Some((options, _)) = rest.split_once(')')
        && !kind.contains(' ')
        && options_of(options)
    {
        return Some(Mount { device, mount, kind, options, inner: "" });
    }
    let cells: Vec<&str> = words(line).collect();
    if let Some(dash) = cells.iter().position(|it| *it == "-")
        && (6..=12).contains(&dash)
        && cells.len() >= dash + 4
        && is_number(cells[0])
        && is_number(cells[1])
        && cells[2].split_once(':').is_some_and(|(a, b)| is_number(a) && is_number(b))
    {
        return Some(Mount {
            device: cells[dash + 2],
            mount: cells[4],
            kind: cells[dash + 1],
            options: cells[5],
            inner: cells[dash + 3],
        });
    }
    let [device, mount, kind, options, dump, pass] = cells[..] else { return None };
    let shaped = mount.starts_with('/') && options_of(options) && is_number(dump) && is_number(pass);
    shaped.then_some(Mount { device, mount, kind, options, inner: "" })
}

/// `rw,relatime`
fn options_of(text: &str) -> bool {
    text.split(',').any(|it| matches!(it, "rw" | "ro"))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut listing = Listing::default();
    let share = sniff.share(200, |it| mount(it).is_some() || listing.may_hold(it));
    let any = sniff.text.lines().take(200).filter(|it| is_mount(it)).count();
    // the head of what df says is as telling as a second mount
    if share >= 0.95 && (any >= 2 || any == 1 && listing.has_begun()) { Certainty::Sure } else { Certainty::No }
}

/// Whether a line tells of a mount.
pub(crate) fn is_mount(line: &str) -> bool {
    mount(line).is_some()
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut listing = Listing::default();
    let mut state = State::of(input, out);
    // of a pod's namespace nobody can say which node's mounts are in it
    let own = !input.origin.path.contains("proc/") || input.origin.path.contains("proc/1/") || input.origin.path.ends_with("proc/mounts");
    state.each(|state, line| {
        let Some(mount) = mount(line.text) else { return listing.line(state, line) };
        if own && worth(&mount) {
            let read_only = [mount.options, mount.inner].iter().any(|it| it.split(',').any(|it| it == "ro"));
            let row = Row::new(&relation::MOUNT)
                .with("device", mount.device)
                .with("mount", mount.mount)
                .with("type", mount.kind)
                .with("options", mount.options)
                .with("read_only", read_only);
            state.push(row, line);
        }
        true
    });
    if own {
        state.collected(&relation::MOUNT);
    }
    listing.finish(&mut state);
}

/// Whether a mount holds data or says how the node is set up.
fn worth(mount: &Mount<'_>) -> bool {
    let kinds = ["overlay", "aufs", "cgroup", "cgroup2", "hugetlbfs", "cifs", "ceph", "glusterfs", "zfs"];
    mount.device.starts_with("/dev/")
        || mount.device.contains(":/")
        || kinds.contains(&mount.kind)
        || mount.kind.starts_with("nfs")
        || mount.kind.starts_with("fuse.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    #[test]
    fn three_ways_to_print_a_mount() {
        for text in FORMAT.samples {
            let out = read_at(&FORMAT, "mount", text);
            let rows: Vec<String> = facts(&out, "mount")
                .map(|it| ["device", "mount", "type", "read_only"].map(|column| it.get(column).to_string()).join(" "))
                .collect();
            assert_eq!(rows, ["/dev/vda1 / ext4 false"], "{text}");
        }
        let out = read_at(&FORMAT, "mount", "/dev/sda1 / xfs rw 0 0\n/dev/sdb1 /data xfs ro,relatime 0 0\n");
        let read_only: Vec<String> = facts(&out, "mount").map(|it| it.get("read_only").to_string()).collect();
        assert_eq!(read_only, ["false", "true"]);
    }

    #[test]
    fn what_df_says_behind_the_mounts() {
        let mut text = String::from("/dev/xvda1 on / type xfs (rw,noatime)\n");
        (0..60).for_each(|at| text += &format!("tmpfs on /run/{at} type tmpfs (rw,nosuid,nodev,size=194608k)\n"));
        text += "\nFilesystem      Size  Used Avail Use% Mounted on\n/dev/xvda1       20G   20G     0 100% /\n";
        assert_eq!(crate::identify(&crate::testing::sniff("storage/mounts.txt", &text)).map(|it| it.name), Some("mounts"));
        let out = read_at(&FORMAT, "storage/mounts.txt", &text);
        assert_eq!(out.tally.lines, out.tally.understood);
        assert_eq!(crate::testing::shown(&out, "mount", ["device", "mount"]), ["/dev/xvda1 /"]);
        assert_eq!(crate::testing::shown(&out, "filesystem", ["device", "used_percent"]), ["/dev/xvda1 100"]);
        let collected: Vec<&str> = out.collected.iter().map(|it| it.relation).collect();
        assert_eq!(collected, ["mount", "filesystem"]);
        // one mount is enough where df stands behind it, and too little alone
        let of = |text: &str| crate::identify(&crate::testing::sniff("storage/mounts.txt", text)).map(|it| it.name);
        let one = "/dev/xvda1 on / type xfs (rw,noatime)\n";
        let both = format!("{one}\nFilesystem      Size  Used Avail Use% Mounted on\n/dev/xvda1       20G   20G     0 100% /\n");
        assert_eq!((of(&both), of(one)), (Some("mounts"), None));
    }

    #[test]
    fn words_are_no_mounts() {
        for text in ["he went on a type of (rw) thing\n", "a /b c d 0 0\nx /y z rw 0\n", "/dev/vda1 / ext4 rw 0 0\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
