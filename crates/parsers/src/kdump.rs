//! Whether a crash of the kernel would leave a dump: `kdump.conf`, `kdump-config show`, `kdumpctl status`, kdump-tools.
//!
//! ```text
//! DUMP_MODE:        kdump
//! USE_KDUMP:        1
//! current state:    Not ready to kdump
//! core_collector makedumpfile -l --message-level 7 -d 31
//! kdump: Kdump is operational
//! ```
//!
//! `state` is ready or not-ready; settings keep their names. `/sys/kernel/kexec_crash_loaded` and `kexec_crash_size` hold
//! one number and are known by their path. Units: none. Time: none.
//!
//! Source: `man 5 kdump.conf`, `man 8 kdump-config`, kdumpctl of kexec-tools.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, first_line, is_number};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "kdump",
    produced_by: "kdump-config show, kdumpctl status, cat /etc/kdump.conf /etc/default/kdump-tools",
    samples: &[
        concat!(
            "DUMP_MODE:        kdump\nUSE_KDUMP:        1\nKDUMP_SYSCTL:     kernel.panic_on_oops=1\n",
            "KDUMP_COREDIR:    /var/crash\ncrashkernel addr: 0x2d000000\n   /var/lib/kdump/vmlinuz: symbolic link to /boot/vmlinuz-5.4.0\n",
            "current state:    ready to kdump\n\nkexec command:\n  /sbin/kexec -p --command-line=\"ro quiet\" /var/lib/kdump/vmlinuz\n",
        ),
        "kdump: Kdump is not operational\n",
        "# Configures where to put the kdump /proc/vmcore files\n#raw /dev/vg/lv_kdump\nauto_reset_crashkernel yes\npath /var/crash\ncore_collector makedumpfile -l --message-level 7 -d 31\n",
        "# kdump-tools configuration\nUSE_KDUMP=1\nKDUMP_COREDIR=\"/var/crash\"\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// Settings of kdump.conf.
const SETTINGS: [&str; 22] = [
    "raw", "nfs", "ssh", "sshkey", "path", "core_collector", "kdump_post", "kdump_pre", "extra_bins", "extra_modules",
    "failure_action", "default", "final_action", "force_rebuild", "force_no_rebuild", "override_resettable", "dracut_args",
    "fence_kdump_args", "fence_kdump_nodes", "auto_reset_crashkernel", "ext4", "xfs",
];

#[derive(Clone, Copy)]
enum Kind {
    Show,
    Status,
    Conf,
    Default,
    /// A file of one number in /sys/kernel.
    Number(&'static str),
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    match kind(sniff.path, sniff.text) {
        None => Certainty::No,
        Some(Kind::Conf | Kind::Default | Kind::Number(_)) => Certainty::Likely,
        Some(_) => Certainty::Sure,
    }
}

fn kind(path: &str, text: &str) -> Option<Kind> {
    let first = first_line(text)?;
    let content = || text.lines().filter(|it| !it.trim().is_empty() && !it.starts_with('#'));
    let number = || is_number(first.trim()) && text.trim().lines().count() == 1;
    if text.lines().take(40).any(|it| it.starts_with("current state") && it.contains("kdump")) {
        return Some(Kind::Show);
    }
    if status(first).is_some() && text.lines().count() <= 12 {
        return Some(Kind::Status);
    }
    for name in ["kexec_crash_loaded", "kexec_crash_size"] {
        if path.contains(name) && number() {
            return Some(Kind::Number(name));
        }
    }
    if text.contains("\nUSE_KDUMP=") || first.starts_with("USE_KDUMP=") {
        return Some(Kind::Default);
    }
    let marked = text.contains("\ncore_collector ") || first.starts_with("core_collector ") || path.ends_with("kdump.conf");
    (marked && content().all(|it| setting(it).is_some())).then_some(Kind::Conf)
}

/// `core_collector makedumpfile -l --message-level 7 -d 31`
fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().split_once([' ', '\t']).unwrap_or((line.trim(), ""));
    SETTINGS.contains(&key).then_some((key, value.trim()))
}

/// `kdump: Kdump is operational`, `Kdump is not operational`, `kdump: No memory reserved for crash kernel`
fn status(line: &str) -> Option<bool> {
    let text = line.trim();
    let text = text.strip_prefix("kdump: ").unwrap_or(text);
    let bad = ["Kdump is not operational", "No memory reserved for crash kernel", "No kdump initial ramdisk found", "Kdump already disabled", "Not ready to kdump"];
    match () {
        () if text.starts_with("Kdump is operational") => Some(true),
        () if bad.iter().any(|it| text.starts_with(it)) => Some(false),
        () => None,
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let Some(kind) = kind(&input.origin.path, input.text) else { return };
    let mut state = State::of(input, out);
    state.each(|state, line| match kind {
        Kind::Show => show(state, line),
        Kind::Status => {
            if let Some(ready) = status(line.text) {
                push(state, line, "state", if ready { "ready" } else { "not-ready" }, "kdumpctl");
            }
            status(line.text).is_some() || line.text.trim_start().starts_with("kdump:")
        }
        Kind::Conf => {
            let Some((key, value)) = setting(line.text) else { return line.text.starts_with('#') };
            push(state, line, key, value, "kdump.conf");
            true
        }
        Kind::Default => {
            let assigned = line.text.split_once('=').filter(|(key, _)| {
                !key.is_empty() && key.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
            });
            let Some((key, value)) = assigned else { return line.text.starts_with('#') };
            push(state, line, key, value.trim().trim_matches(['"', '\'']), "kdump-tools");
            true
        }
        Kind::Number(name) => {
            push(state, line, name, line.text.trim(), "sys");
            true
        }
    });
    state.collected(&relation::KDUMP_CONFIG);
}

fn push<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>, key: &str, value: &str, source: &str) {
    let row = Row::new(&relation::KDUMP_CONFIG).with("key", key).with("value", value).with("source", source);
    state.push(row, line);
}

/// `current state:    Not ready to kdump`, and the settings above it
fn show<'t>(state: &mut State<'_, 't, '_>, line: &Line<'t>) -> bool {
    let Some((key, value)) = line.text.split_once(':') else { return line.text.starts_with([' ', '\t']) };
    let (key, value) = (key.trim(), value.trim());
    match key {
        "current state" => {
            let ready = !value.to_ascii_lowercase().starts_with("not");
            push(state, line, "state", if ready { "ready" } else { "not-ready" }, "kdump-config");
        }
        "crashkernel addr" | "crashkernel" => push(state, line, "crashkernel", value, "kdump-config"),
        it if it.bytes().all(|it| it.is_ascii_uppercase() || it == b'_') && !it.is_empty() => {
            push(state, line, key, value, "kdump-config");
        }
        _ => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    #[test]
    fn state_and_settings() {
        let rows = |path: &str, text: &str| -> Vec<String> {
            assert!(sniff_certainty(&FORMAT, path, text) >= Certainty::Likely, "{text}");
            let out = read_at(&FORMAT, path, text);
            assert_eq!(out.tally.lines, out.tally.understood, "{text}");
            facts(&out, "kdump.config").map(|it| format!("{}={}", it.get("key"), it.get("value"))).collect()
        };
        let shown = rows("x", FORMAT.samples[0]);
        assert!(shown.contains(&"state=ready".to_owned()) && shown.contains(&"crashkernel=0x2d000000".to_owned()));
        assert!(rows("x", "DUMP_MODE: kdump\ncurrent state   : Not ready to kdump\n").contains(&"state=not-ready".to_owned()));
        assert_eq!(rows("x", FORMAT.samples[1]), ["state=not-ready"]);
        assert_eq!(rows("x", "Kdump is operational\n"), ["state=ready"]);
        assert_eq!(rows("etc/kdump.conf", FORMAT.samples[2])[1], "path=/var/crash");
        assert_eq!(rows("x", FORMAT.samples[3]), ["USE_KDUMP=1", "KDUMP_COREDIR=/var/crash"]);
        assert_eq!(rows("sys/kernel/kexec_crash_size", "0\n"), ["kexec_crash_size=0"]);
        assert_eq!(sniff_certainty(&FORMAT, "x", "path /var\n"), Certainty::No);
    }
}
