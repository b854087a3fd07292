//! What a boot repairs at its beginning, because the one before it did not end in order.
//!
//! ```text
//! kernel: EXT4-fs (sda2): recovery complete
//! kernel: XFS (dm-0): Starting recovery (logdev: internal)
//! kernel: BTRFS info (device vda3): start tree-log replay
//! systemd-fsck[412]: /dev/sda1: recovering journal
//! systemd-journald[350]: File /var/log/journal/9a7b…/system.journal corrupted or uncleanly shut down, renaming and replacing.
//! ```
//!
//! Later in a boot the same lines speak of a disk that was somebody else's, of a user's journal, or of a file that was damaged
//! meanwhile; volumes of pods are left open by many an orderly restart. So only the first minute or two count, of file systems
//! only before the kubelet speaks, and of devices that are no network's and no image. Skipped: orphans that ext4 cleans up,
//! which stay behind whenever a deleted file was open, and FAT's `Volume was not properly unmounted`, which it repeats from
//! boot to boot until somebody checks the disk.

use timeline::{MemberRecords, Row, Source, Stamp, relation};

use super::{Log, silence};
use crate::Line;

/// Seconds of a boot in which its file systems are mounted.
const MOUNTED_SECS: i64 = 60;
/// Seconds in which they are checked, and the journal is opened.
const OPENED_SECS: i64 = 120;
/// Lines of one boot that are told.
const TOLD: u8 = 16;

/// What is repaired: its kind, and of what.
#[derive(Debug, PartialEq, Eq)]
struct Recovery<'t> {
    what: &'static str,
    of: &'t str,
}

/// Whether a line of the kernel tells of a repair.
pub(super) fn repairs(message: &str) -> bool {
    of_kernel(message).is_some()
}

/// `EXT4-fs (sda2): recovery complete`
fn of_kernel(message: &str) -> Option<Recovery<'_>> {
    // every line of the kernel comes here
    let word = match message.as_bytes().first()? {
        b'E' => ["EXT4-fs", "EXT3-fs"].into_iter().find(|it| message.starts_with(it))?,
        b'X' => message.starts_with("XFS (").then_some("XFS")?,
        b'B' => message.starts_with("BTRFS").then_some("BTRFS")?,
        _ => return None,
    };
    let (head, said) = message[word.len()..].split_once(": ").unwrap_or((&message[word.len()..], ""));
    let what = match word {
        "XFS" if said.starts_with("Starting recovery") || said.starts_with("Ending recovery") => "xfs",
        "BTRFS" if said.contains("log replay") => "btrfs",
        "EXT4-fs" | "EXT3-fs" if said.starts_with("recovery complete") => "ext4",
        _ => return None,
    };
    let device = head.split(['(', ')']).nth(1).unwrap_or_default();
    let of = device.strip_prefix("device ").unwrap_or(device);
    let remote = ["rbd", "nbd", "drbd", "loop", "zd", "pxd", "ublk"];
    (!remote.iter().any(|it| of.starts_with(it))).then_some(Recovery { what, of })
}

/// `/dev/sda1: recovering journal`, `File …/system.journal corrupted or uncleanly shut down, renaming and replacing.`
fn of_program<'t>(ident: &str, message: &'t str) -> Option<Recovery<'t>> {
    if ident.starts_with("systemd-journal") || ident == "journal" {
        let path = message.strip_prefix("File ")?.split(" corrupted or uncleanly shut down").next()?;
        let of_system = path.ends_with("/system.journal") && path.len() + 5 < message.len();
        return of_system.then_some(Recovery { what: "journal", of: path });
    }
    if !ident.starts_with("systemd-fsck") {
        return None;
    }
    let said = ["recovering journal", "was not cleanly unmounted", "Fs was not properly unmounted"];
    let of = message.split_once(": ").map_or("", |it| it.0);
    let of = of.split_once(" was not cleanly").map_or(of, |it| it.0);
    said.iter().any(|it| message.contains(it)).then_some(Recovery { what: "fsck", of })
}

impl Log {
    /// Tells of what a boot repairs at its beginning, where the log shows that.
    #[inline]
    pub(super) fn note_recovery(
        &mut self,
        voice: usize,
        message: &str,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let of_voice = &self.voices[voice];
        let found = match of_voice.kernel {
            true => of_kernel(message),
            false if of_voice.attended => of_program(&of_voice.ident, message),
            false => None,
        };
        if let Some(found) = found {
            self.tell_recovery(voice, &found, stamp, line, out);
        }
    }

    #[inline(never)]
    fn tell_recovery(
        &mut self,
        voice: usize,
        found: &Recovery<'_>,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let host = self.voices[voice].host;
        let of = &mut self.hosts[host];
        let Some(beginning) = of.boots.beginning().copied() else { return };
        let since = |it: &Stamp| Some(silence::secs(it)? - silence::secs(&beginning)?);
        let mounts = matches!(found.what, "ext4" | "xfs" | "btrfs");
        let most = if mounts { MOUNTED_SECS } else { OPENED_SECS };
        let kubelet = of.seen.iter().find(|it| it.0 == Source::Kubelet).map(|it| it.1.last);
        let late = mounts && kubelet.as_ref().and_then(since).is_some_and(|it| it >= 0);
        if late || !since(stamp).is_some_and(|it| (0..=most).contains(&it)) || !of.boots.tells_recovery(TOLD) {
            return;
        }
        let row = Row::new(&relation::BOOT_RECOVERY).with("what", found.what).with("of", found.of);
        self.fact(host, row, stamp, line, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repaired() {
        let kernel = |message| of_kernel(message).map(|it| (it.what, it.of));
        assert_eq!(kernel("EXT4-fs (sda2): recovery complete"), Some(("ext4", "sda2")));
        assert_eq!(kernel("EXT3-fs: recovery complete."), Some(("ext4", "")));
        assert_eq!(kernel("XFS (dm-0): Starting recovery (logdev: internal)"), Some(("xfs", "dm-0")));
        assert_eq!(kernel("XFS (dm-0): Ending recovery (logdev: internal)"), Some(("xfs", "dm-0")));
        assert_eq!(kernel("BTRFS info (device vda3): start tree-log replay"), Some(("btrfs", "vda3")));
        for quiet in [
            "EXT4-fs (sda2): mounted filesystem with ordered data mode",
            "EXT4-fs (sda2): orphan cleanup on readonly fs",
            "EXT4-fs (rbd0): recovery complete",
            "XFS (dm-0): Ending clean mount",
            "FAT-fs (sda1): Volume was not properly unmounted. Some data may be corrupt. Please run fsck.",
            "EXT4-fs",
            "",
        ] {
            assert_eq!(kernel(quiet), None, "{quiet}");
        }
        let of = "/var/log/journal/9a7b/system.journal";
        let said = |path: &str| format!("File {path} corrupted or uncleanly shut down, renaming and replacing.");
        let program = |ident: &str, message: &str| of_program(ident, message).map(|it| (it.what, it.of.to_owned()));
        assert_eq!(program("systemd-journald", &said(of)), Some(("journal", of.to_owned())));
        assert_eq!(program("systemd-journald", &said("/var/log/journal/9a7b/user-1000.journal")), None);
        assert_eq!(program("systemd-journald", &format!("File {of}")), None);
        assert_eq!(program("app", &said(of)), None);
        let sda = "/dev/sda1".to_owned();
        assert_eq!(program("systemd-fsck", "/dev/sda1: recovering journal"), Some(("fsck", sda.clone())));
        assert_eq!(program("systemd-fsck", "/dev/sda1: clean, 389/65536 files, 75032/262144 blocks"), None);
        let forced = "/dev/sda1 was not cleanly unmounted, check forced.";
        assert_eq!(program("systemd-fsck", forced).map(|it| it.0), Some("fsck"));
    }
}
