//! `/var/log/audit/audit.log`: what the kernel's audit and auditd note.
//!
//! ```text
//! type=AVC msg=audit(1644607421.123:456): avc:  denied  { read } for  pid=701 comm="dockerd" name="x" tclass=file permissive=0
//! node=node-a type=SYSCALL msg=audit(1644607421.123:456): arch=c000003e syscall=2 success=no exit=-13
//! ----
//! time->Fri Feb 11 19:23:41 2022
//! ```
//!
//! One row a denial of SELinux or AppArmor. The other records are known for what they are: they are of logins, system calls and
//! changes of rules. What is told of is not a log of the machine, so it covers nothing. Skipped: what is encoded in hex. Time:
//! seconds and milliseconds since the epoch.
//!
//! Source: `audit_log_start` in kernel/audit.c of Linux, `man 8 auditd`, `man 8 ausearch`.

use timeline::{Fact, MemberRecords, Row, Stamp, relation};

use crate::state::{State, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "audit-log",
    produced_by: "auditd (/var/log/audit/audit.log), ausearch",
    samples: &[
        concat!(
            "type=AVC msg=audit(1644607421.123:456): avc:  denied  { read } for  pid=701 comm=\"dockerd\" name=\"x\" dev=\"vda1\" ino=12 scontext=a tcontext=b tclass=file permissive=0\n",
            "type=SYSCALL msg=audit(1644607421.123:456): arch=c000003e syscall=2 success=no exit=-13 pid=701 comm=\"dockerd\"\n",
        ),
        concat!(
            "----\ntime->Fri Feb 11 19:23:41 2022\n",
            "node=node-a type=ANOM_ABEND msg=audit(1644607421.123:457): auid=4294967295 uid=0 pid=911 comm=\"runc\" sig=11 res=1\n",
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// A record taken apart.
struct Record<'t> {
    host: Option<&'t str>,
    micros: i64,
    message: &'t str,
}

/// `node=node-a type=AVC msg=audit(1644607421.123:456): avc:  denied …`
fn record(line: &str) -> Option<Record<'_>> {
    let (host, rest) = match line.strip_prefix("node=") {
        Some(rest) => rest.split_once(' ').map(|(host, rest)| (Some(host), rest))?,
        None => (None, line),
    };
    let (kind, rest) = rest.strip_prefix("type=")?.split_once(" msg=audit(")?;
    let (clock, message) = rest.split_once("):")?;
    let (time, number) = clock.split_once(':')?;
    let (secs, millis) = time.split_once('.')?;
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    if kind.is_empty() || kind.contains(' ') || !digits(number) || !digits(secs) || millis.len() != 3 || !digits(millis) {
        return None;
    }
    let micros = secs.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(millis.parse::<i64>().ok()? * 1000)?;
    Some(Record { host, micros, message: message.trim_start() })
}

/// What `ausearch` prints between groups.
fn between(line: &str) -> bool {
    let line = line.trim_end();
    line == "----" || line.starts_with("time->") || line == "<no matches>"
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let any = sniff.text.lines().take(50).any(|it| record(it).is_some());
    if any && sniff.share(200, |it| record(it).is_some() || between(it)) >= 0.9 { Certainty::Sure } else { Certainty::No }
}

/// `comm="dockerd"`, `permissive=0`
fn field<'t>(message: &'t str, key: &str) -> Option<&'t str> {
    let cell = words(message).find_map(|it| it.strip_prefix(key)?.strip_prefix('='))?;
    Some(cell.trim_matches('"')).filter(|it| !it.is_empty())
}

/// `avc:  denied  { read } for …`, `apparmor="DENIED" operation="mount" …`
fn denial(message: &str) -> Option<Row> {
    let row = Row::new(&relation::LSM_DENIAL).with("comm", field(message, "comm")).with("target", field(message, "name"));
    if let Some((_, rest)) = message.split_once("avc:  denied  { ") {
        let operation = rest.split_once(" }")?.0;
        let row = row.with("module", "selinux").with("operation", operation).with("class", field(message, "tclass"));
        return Some(row.with("profile", field(message, "scontext")).with("permissive", field(message, "permissive") == Some("1")));
    }
    matches!(field(message, "apparmor")?, "DENIED" | "ALLOWED").then_some(())?;
    let row = row.with("module", "apparmor").with("operation", field(message, "operation"));
    Some(row.with("profile", field(message, "profile")).with("permissive", field(message, "apparmor") == Some("ALLOWED")))
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let Some(record) = record(line.text) else { return between(line.text) };
        if let Some(row) = denial(record.message) {
            let node = record.host.map(Into::into).or_else(|| state.input.origin.node.clone());
            state.fact(Fact::new(row, node, state.input.origin.quote(line)), Stamp::epoch_micros(record.micros));
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sniff_certainty, sure_rows_of};

    #[test]
    fn denials_have_the_time_of_the_kernel() {
        let columns = ["module", "comm", "operation", "target", "profile", "permissive"];
        assert_eq!(
            sure_rows_of(&FORMAT, FORMAT.samples[0], "lsm.denial", columns),
            ["selinux dockerd read x a false"]
        );
        assert!(sure_rows_of(&FORMAT, FORMAT.samples[1], "lsm.denial", columns).is_empty());
        let text = "node=b type=AVC msg=audit(1644607421.123:456): apparmor=\"DENIED\" operation=\"mount\" profile=\"docker-default\" name=\"/proc/\" pid=7123 comm=\"runc\"\n";
        assert_eq!(
            sure_rows_of(&FORMAT, text, "lsm.denial", columns),
            ["apparmor runc mount /proc/ docker-default false"]
        );
        let out = read_at(&FORMAT, "x", text);
        let Some(timeline::Record::Fact(fact, stamp)) = out.records.first() else { panic!("a fact") };
        assert_eq!(*stamp, Stamp::epoch_micros(1_644_607_421_123_000));
        assert_eq!(fact.node.as_deref(), Some("b"));
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in [
            "type=AVC msg=audit(now): avc: denied\n",
            "audit: type=1400 audit(1644607421.123:456): avc:  denied  { read }\n",
            "----\ntime->now\n",
            "node=a is down\n",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
