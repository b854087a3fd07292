//! Lines by which a log speaks about itself or its machine: losses, repetitions, shutdowns, the kernel's version, clocks.

use std::sync::LazyLock;

use memchr::memmem;
use timeline::{Carrier, Row, Source, relation};

/// Lines are missing: of whom, how many, and whether only of one place in the code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loss<'t> {
    /// Whose lines; none: anybody's.
    pub(super) source: Option<Source>,
    /// Unit or function, as printed.
    pub(super) of: Option<&'t str>,
    /// How many.
    pub(super) count: Option<i64>,
    /// Only repetitions of one message were dropped, so that whatever else there was still stands.
    pub(super) narrow: bool,
    /// Since when; of a source that is named it is since its last line.
    pub(super) since: Since,
}

/// Since when lines are missing that end with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// The line before it.
    Last,
    /// So long before it.
    Secs(i64),
    /// It says that they are dropped from now on.
    Begin,
    /// An earlier notice said so.
    BeganBefore,
}

/// How long journald waits between notices that it could not pass lines on, and a bit.
const FORWARD_SECS: i64 = 60;

/// `Suppressed 1234 messages from kubelet.service`, `Missed 57 kernel messages`, `net_ratelimit: 371 callbacks suppressed`
pub(super) fn loss<'t>(ident: &str, carrier: Carrier, message: &'t str) -> Option<Loss<'t>> {
    let since = Since::Last;
    let journald = ident.starts_with("systemd-journal") || ident == "journal";
    if journald {
        if let Some(rest) = message.strip_prefix("Suppressed ") {
            let (count, of) = rest.split_once(" messages from ")?;
            let unit = of.trim_end_matches('.').rsplit('/').next().unwrap_or(of);
            let source = super::speaker::source(Some(unit), None, timeline::Carrier::Journal);
            return Some(Loss {
                source: Some(source),
                of: Some(unit),
                count: count.parse().ok(),
                narrow: false,
                since,
            });
        }
        if let Some(rest) = message.strip_prefix("Missed ") {
            let count = rest.split(' ').next().and_then(|it| it.parse().ok());
            return Some(Loss { source: Some(Source::Kernel), of: Some("kernel"), count, narrow: false, since });
        }
        if message.starts_with("/dev/kmsg buffer overrun") {
            return Some(Loss { source: Some(Source::Kernel), of: Some("kernel"), count: None, narrow: false, since });
        }
        if message.starts_with("Failed to write entry") && message.contains("ignoring") {
            return Some(Loss { source: None, of: None, count: Some(1), narrow: false, since });
        }
        // the journal itself has them
        if carrier == Carrier::Syslog
            && let Some(rest) = message.strip_prefix("Forwarding to syslog missed ")
        {
            let count = rest.split(' ').next().and_then(|it| it.parse().ok());
            return Some(Loss { source: None, of: None, count, narrow: false, since: Since::Secs(FORWARD_SECS) });
        }
        return None;
    }
    if ident == "kernel" {
        if !speaks_of_loss(message) {
            return None;
        }
        if let Some(at) = message.find(" callbacks suppressed") {
            let (function, count) = message[..at].rsplit_once(": ")?;
            let of = function.rsplit(' ').next();
            return Some(Loss { source: Some(Source::Kernel), of, count: count.parse().ok(), narrow: true, since });
        }
        if message.contains(" printk messages dropped") || message.contains("messages suppressed") {
            let count = message.split(' ').find_map(|it| it.parse().ok());
            let narrow = message.contains("messages suppressed");
            return Some(Loss { source: Some(Source::Kernel), of: Some("printk"), count, narrow, since });
        }
        if let Some(rest) = message.strip_prefix("audit: audit_lost=") {
            let count = rest.split(' ').next().and_then(|it| it.parse().ok());
            return Some(Loss { source: Some(Source::Kernel), of: Some("audit"), count, narrow: true, since });
        }
        return None;
    }
    if ident.starts_with("rsyslogd") || ident == "journal" || message.starts_with("imjournal") {
        let limited = message.contains("lost due to rate-limiting")
            || message.contains("due to rate-limiting") && (message.contains("drop") || message.contains("lost"))
            || message.starts_with("imjournal") && message.contains("messages lost");
        if !limited {
            return None;
        }
        let begin = message.contains("begin to drop");
        let count = message.split([' ', ':']).find_map(|it| it.parse().ok()).filter(|_| !begin);
        let since = if begin { Since::Begin } else { Since::BeganBefore };
        return Some(Loss { source: None, of: None, count, narrow: false, since });
    }
    None
}

/// What every notice of the kernel's about lost lines says, looked for in every line of it.
fn speaks_of_loss(message: &str) -> bool {
    static WORDS: LazyLock<[memmem::Finder<'static>; 2]> =
        LazyLock::new(|| ["suppressed", " printk messages dropped"].map(memmem::Finder::new));
    message.starts_with("audit: audit_lost=") || WORDS.iter().any(|it| it.find(message.as_bytes()).is_some())
}

/// `Vacuuming done, freed 72.0M of archived journals from /var/log/journal/9a7b….`,
/// `Deleted archived journal /var/log/journal/9a7b…/system@….journal (8.0M).`: what stood before is gone.
pub(super) fn deleted(ident: &str, message: &str) -> bool {
    is_journald(ident)
        && (message.strip_prefix("Vacuuming done, freed ").is_some_and(|it| !it.starts_with("0B "))
            || message.starts_with("Deleted archived journal "))
}

/// `last message repeated 4 times`, `--- last message repeated 4 times ---`: how often more.
pub(super) fn repeated_last(message: &str) -> Option<u32> {
    let rest = message.trim_start_matches(['-', ' ']).strip_prefix("last message repeated ")?;
    let (count, rest) = rest.split_once(' ')?;
    rest.starts_with("time").then(|| count.parse().ok())?
}

/// `message repeated 4 times: [ same message again]`: how often more, and what.
pub(super) fn repeated(message: &str) -> Option<(u32, &str)> {
    let rest = message.strip_prefix("message repeated ")?;
    let (count, rest) = rest.split_once(" times: [")?;
    let inner = rest.strip_suffix(']').unwrap_or(rest);
    Some((count.parse().ok()?, inner.strip_prefix(' ').unwrap_or(inner)))
}

/// Whether the machine goes down in order with this line.
pub(super) fn is_shutdown(ident: &str, pid: Option<u32>, message: &str) -> bool {
    if ident == "kernel" && !matches!(message.as_bytes().first(), Some(b'r' | b'R' | b's')) {
        return false;
    }
    let name = ident.rsplit('/').next().unwrap_or(ident);
    // a user's own manager reaches the same targets when the user logs out
    if name == "systemd" && pid.is_some_and(|it| it != 1) {
        return false;
    }
    if name.starts_with("systemd-shutdown") {
        return true;
    }
    if name == "kernel" {
        return message.starts_with("reboot: Restarting system")
            || message.starts_with("reboot: Power down")
            || message.starts_with("reboot: System halted")
            || message.starts_with("reboot: machine restart")
            || message.starts_with("Restarting system")
            || message.starts_with("systemd-shutdown[");
    }
    if message.starts_with("Journal stopped") {
        return name.starts_with("systemd-journal") || name == "journal";
    }
    if let Some(target) = message.strip_prefix("Reached target ") {
        let last = |word: &str| target.contains(word);
        return last("Reboot")
            || last("Power-Off")
            || last("Power Off")
            || last("Shutdown")
            || last("Halt")
            || ["reboot.target", "poweroff.target", "shutdown.target", "halt.target", "kexec.target", "final.target"]
                .iter()
                .any(|it| target.starts_with(it))
            || target.starts_with("Final Step");
    }
    // a syslog daemon goes down before the last targets are reached
    message.starts_with("Stopped target Multi-User")
        || message.starts_with("Stopped target multi-user.target")
        || message.starts_with("System is rebooting")
        || message.starts_with("System is powering down")
        || message.starts_with("System is halting")
        || message.starts_with("Shutting down.")
        || message.starts_with("Powering off.")
        || message.starts_with("Rebooting.")
        || message.starts_with("Starting Reboot...")
        || message.starts_with("Starting Power-Off...")
        || message.starts_with("shutting down for system ")
        || message.starts_with("exiting on signal 15") && name.starts_with("rsyslogd")
}

/// Whether a program tells of the machine by nothing but [`hostname`] and [`is_shutdown`], of which its name alone does not say
/// the latter.
pub(super) fn announces(ident: &str) -> bool {
    matches!(ident.rsplit('/').next(), Some("systemd" | "systemd-logind" | "init" | "init.scope"))
}

/// Whether a message of a program that [`announces`] may be one of these; false of nearly all.
pub(super) fn may_announce(message: &str) -> bool {
    let Some(front) = message.as_bytes().first_chunk::<8>() else { return true };
    match front {
        b"Starting" => message[8..].starts_with(" Reboot") || message[8..].starts_with(" Power"),
        b"Stopped " => message[8..].starts_with("target "),
        b"Set host" | b"Hostname" | b"Journal " | b"Reached " | b"System i" | b"Shutting" | b"Powering"
        | b"Rebootin" | b"shutting" | b"exiting " => true,
        _ => false,
    }
}

/// Whether this is how journald or rsyslogd begin to speak in a boot, which may stand before the kernel's first line.
pub(super) fn is_prelude(ident: &str, message: &str) -> bool {
    let fronts: &[&str] = if ident.starts_with("systemd-journal") || ident == "journal" {
        &[
            "Runtime journal",
            "Runtime Journal",
            "System journal",
            "System Journal",
            "Permanent journal",
            "Journal started",
            "Collecting audit messages",
            "Time spent on flushing",
            "Received client request to flush runtime journal",
        ]
    } else if ident.starts_with("rsyslogd") {
        &["[origin software="]
    } else {
        return false;
    };
    fronts.iter().any(|it| message.starts_with(it)) && !message.contains("exiting")
}

/// `Set hostname to <compute4>.`, `Hostname set to <compute4>.`: the name that holds from here on.
pub(super) fn hostname<'t>(ident: &str, message: &'t str) -> Option<&'t str> {
    if !matches!(ident, "systemd" | "init.scope") {
        return None;
    }
    let rest = message.strip_prefix("Set hostname to <").or_else(|| message.strip_prefix("Hostname set to <"))?;
    rest.split_once('>').map(|it| it.0).filter(|it| !it.is_empty() && !it.contains(' '))
}

/// Whether the journal itself speaks: it is in the log of the machine, not in that of a unit.
pub(super) fn is_journald(ident: &str) -> bool {
    ident.starts_with("systemd-journal") || ident == "journal"
}

/// Whether a program of this name takes the machine down or would tell of it.
pub(super) fn tells_of_shutdown(ident: &str) -> bool {
    let name = ident.rsplit('/').next().unwrap_or(ident);
    name.starts_with("systemd") || matches!(name, "init" | "init.scope" | "shutdown" | "journal")
}

/// `Linux version 4.4.0-104-generic (buildd@lgw01) (gcc …) #127-Ubuntu SMP Mon Dec 11 12:16:42 UTC 2017 (Ubuntu …)`
pub(super) fn kernel_version(message: &str) -> Option<Row> {
    let rest = message.strip_prefix("Linux version ")?;
    let release = rest.split(' ').next().filter(|it| !it.is_empty())?;
    let row = Row::new(&relation::KERNEL).with("release", release);
    let build = rest.find(" #").map(|at| &rest[at + 1..]);
    let build = build.map(|it| it.split(" (").next().unwrap_or(it).trim_end());
    Some(match build {
        Some(build) => row.with("version", build),
        None => row,
    })
}

/// Whether a boot begins with this line of the kernel; the second says whether `Linux version` is still to come.
pub(super) fn boots(message: &str) -> Option<bool> {
    if message.starts_with("Linux version ") {
        Some(false)
    } else if message.starts_with("Booting Linux on physical CPU")
        // up to 4.x the control groups are the first to speak
        || message == "Initializing cgroup subsys cpuset"
        || message.starts_with("microcode: microcode updated early to")
        || message.starts_with("microcode: updated early")
    {
        Some(true)
    } else {
        None
    }
}

/// `pid_max: default: 49152 minimum: 384`: what the kernel chose at boot, not what is in force.
pub(super) fn boot_default(message: &str) -> Option<Row> {
    let value: i64 = message.strip_prefix("pid_max: default: ")?.split(' ').next()?.parse().ok()?;
    Some(Row::new(&relation::SYSCTL).with("key", "kernel.pid_max.boot-default").with("value", value))
}

/// Whether a line of the kernel says nothing of a boot: not its beginning, not its end, not the version, not what it repairs.
pub(super) fn is_within_boot(message: &str) -> bool {
    match message.as_bytes().first() {
        Some(b'L' | b'I' | b'm') => boots(message).is_none(),
        Some(b'B') => boots(message).is_none() && !super::recovery::repairs(message),
        Some(b'E' | b'X') => !super::recovery::repairs(message),
        Some(b'r' | b'R' | b's') => !is_shutdown("kernel", None, message),
        Some(b'p') => !message.starts_with("pid_max: default: "),
        _ => true,
    }
}

/// A line of the kernel without its clock and its caller, and both.
pub(super) fn bare(message: &str, micros: Option<u64>) -> (Option<u64>, Option<&str>, &str) {
    if !message.starts_with('[') {
        (micros, None, message)
    } else if let Some((found, by, rest)) = kernel_clock(message) {
        (micros.or(Some(found)), by, rest)
    } else if let Some((by, rest)) = caller(message) {
        (micros, Some(by), rest.strip_prefix(' ').unwrap_or(rest))
    } else {
        (micros, None, message)
    }
}

/// `[ 4301.999258] text`, also with a caller behind: the kernel's clock, the caller, the text.
pub(super) fn kernel_clock(message: &str) -> Option<(u64, Option<&str>, &str)> {
    let rest = message.strip_prefix('[')?;
    let padded = rest.trim_start_matches(' ');
    let (micros, len) = super::stamp::micros(padded.as_bytes())?;
    let rest = padded[len..].strip_prefix(']')?;
    let (caller, rest) =
        caller(rest.strip_prefix(' ').unwrap_or(rest)).map_or((None, rest), |(it, rest)| (Some(it), rest));
    Some((micros, caller, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// `[    T1] `, `[  C0] `
pub(super) fn caller(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    let name = inside.trim_start();
    let number = name.strip_prefix(['T', 'C'])?;
    let fits = !number.is_empty() && number.len() <= 9 && number.bytes().all(|it| it.is_ascii_digit());
    fits.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses() {
        let shown = |ident: &str, message: &str| format!("{:?}", loss(ident, Carrier::Syslog, message));
        insta::assert_snapshot!(
            [
                shown("systemd-journald", "Suppressed 1234 messages from /system.slice/kubelet.service"),
                shown("systemd-journald", "Missed 57 kernel messages"),
                shown("systemd-journald", "/dev/kmsg buffer overrun, some messages lost."),
                shown("kernel", "net_ratelimit: 371 callbacks suppressed"),
                shown("kernel", "** 123 printk messages dropped **"),
                shown("rsyslogd", "imjournal: 84 messages lost due to rate-limiting (20000 allowed within 600 seconds)"),
                shown("rsyslogd", "imjournal: begin to drop messages due to rate-limiting"),
                shown("systemd-journald", "Forwarding to syslog missed 12 messages."),
                shown("systemd-journald", "Failed to write entry (22 items, 793 bytes), ignoring: No space left on device"),
                shown("kernel", "audit: audit_lost=44 audit_rate_limit=0 audit_backlog_limit=64"),
                shown("sshd", "Missed 57 kernel messages"),
            ]
            .join("\n"),
            @r#"
        Some(Loss { source: Some(Kubelet), of: Some("kubelet.service"), count: Some(1234), narrow: false, since: Last })
        Some(Loss { source: Some(Kernel), of: Some("kernel"), count: Some(57), narrow: false, since: Last })
        Some(Loss { source: Some(Kernel), of: Some("kernel"), count: None, narrow: false, since: Last })
        Some(Loss { source: Some(Kernel), of: Some("net_ratelimit"), count: Some(371), narrow: true, since: Last })
        Some(Loss { source: Some(Kernel), of: Some("printk"), count: Some(123), narrow: false, since: Last })
        Some(Loss { source: None, of: None, count: Some(84), narrow: false, since: BeganBefore })
        Some(Loss { source: None, of: None, count: None, narrow: false, since: Begin })
        Some(Loss { source: None, of: None, count: Some(12), narrow: false, since: Secs(60) })
        Some(Loss { source: None, of: None, count: Some(1), narrow: false, since: Last })
        Some(Loss { source: Some(Kernel), of: Some("audit"), count: Some(44), narrow: true, since: Last })
        None
        "#
        );
    }

    #[test]
    fn deletions() {
        let freed =
            |size: &str| format!("Vacuuming done, freed {size} of archived journals from /var/log/journal/9a7b.");
        assert!(deleted("systemd-journald", &freed("72.0M")));
        assert!(!deleted("systemd-journald", &freed("0B")), "nothing was deleted");
        assert!(deleted("systemd-journal", "Deleted archived journal /var/log/journal/9a7b/system@1.journal (8.0M)."));
        assert!(!deleted("app", &freed("72.0M")));
        let missed = "Forwarding to syslog missed 12 messages.";
        assert_eq!(loss("systemd-journald", Carrier::Journal, missed), None, "the journal has them");
    }

    #[test]
    fn repetitions() {
        assert_eq!(repeated_last("last message repeated 4 times"), Some(4));
        assert_eq!(repeated_last("--- last message repeated 1 time ---"), Some(1));
        assert_eq!(repeated("message repeated 4 times: [ same message again]"), Some((4, "same message again")));
    }

    #[test]
    fn clocks_and_versions() {
        assert_eq!(kernel_clock("[ 4301.999258] x"), Some((4_301_999_258, None, "x")));
        assert_eq!(kernel_clock("[    0.100000][    T1] x"), Some((100_000, Some("T1"), "x")));
        assert_eq!(kernel_clock("[preauth] x"), None);
        let row = kernel_version("Linux version 4.4.0-104-generic (b@l) (gcc 5) #127-Ubuntu SMP Mon Dec 11 2017 (U)");
        let row = row.expect("a version");
        assert_eq!(row.get("release").to_string(), "4.4.0-104-generic");
        assert_eq!(row.get("version").to_string(), "#127-Ubuntu SMP Mon Dec 11 2017");
    }

    #[test]
    fn shutdowns() {
        for (ident, message) in [
            ("systemd", "Reached target Reboot."),
            ("systemd", "Reached target Shutdown."),
            ("systemd", "Reached target reboot.target - System Reboot."),
            ("systemd-shutdown", "Syncing filesystems and block devices."),
            ("systemd-journald", "Journal stopped"),
            ("kernel", "reboot: Restarting system"),
            ("systemd-logind", "System is rebooting."),
            ("systemd-logind", "System is powering down."),
            ("systemd-logind", "System is halting."),
            ("systemd", "Stopped target multi-user.target - Multi-User System."),
            ("systemd", "Shutting down."),
            ("systemd", "Powering off."),
            ("systemd", "Rebooting."),
            ("systemd", "Starting Reboot..."),
            ("systemd", "Starting Power-Off..."),
            ("init", "shutting down for system halt"),
        ] {
            assert!(is_shutdown(ident, None, message), "{ident} {message}");
            assert!(!announces(ident) || may_announce(message), "{ident} {message}");
        }
        assert!(!is_shutdown("systemd", Some(1), "Reached target Multi-User System."));
        assert!(is_shutdown("systemd", Some(1), "Stopped target Multi-User System."));
        assert!(!is_shutdown("systemd", Some(2211), "Reached target Shutdown."), "a user has logged out");
        for message in
            ["Started Session 3 of user root.", "Starting Daily apt download activities...", "Stopped Foo.", ""]
        {
            assert!(!is_shutdown("systemd", Some(1), message), "{message}");
            assert!(message.is_empty() || !may_announce(message), "{message}");
        }
    }
}
