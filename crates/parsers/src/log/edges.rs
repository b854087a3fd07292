//! Where the log of a machine begins and ends in a member, because a boot may end in one file and the next begin in another.
//!
//! ```text
//! journalctl_-b_-1.txt    Jun 14 13:14:38 node-a kernel: kernel BUG at include/linux/fs.h:2582!      its last record
//! journalctl_-b_0.txt     Jun 14 13:15:06 node-a kernel: Linux version 4.4.0-104-generic             its first
//! ```
//!
//! Each end is handed out with what the file knows of it: which boot, whether a boot begins there, whether the boot ended in
//! order. Whether two of them are the ends of one break, the timeline decides. Of a file that runs backwards the first line is
//! the last record.

use timeline::{Carrier, MemberRecords, Name, Quote, Row, Stamp, relation};

use super::boot::SHUTDOWN_ENTRIES;
use super::boots::Spoken;
use super::scope::{self, Scope};
use super::{Log, WHOLE_JOURNAL};

/// Entries that may stand below the kernel's first line in a file that runs backwards.
const BELOW_ENTRIES: u64 = 20;

/// A record at one end of a log.
struct Edge {
    voice: usize,
    pid: Option<u32>,
    stamp: Stamp,
    quote: Quote,
    row: Row,
}

impl Log {
    /// Hands out both ends of the log of each host, where they may be ends of boots.
    pub(super) fn hand_out_edges(&self, out: &mut MemberRecords) {
        // the kernel that saves a dump of another one is no boot of the machine
        let capture = self.origin.path.rsplit('/').next().is_some_and(|it| it.starts_with("kexec-dmesg"));
        if self.carrier == Carrier::File || self.carrier == Carrier::Object || capture {
            return;
        }
        let scope = scope::scope(&self.origin.path);
        for host in 0..self.hosts.len() {
            let Some((first, last)) = self.edges(host, &scope) else { continue };
            self.edge(first, out);
            self.edge(last, out);
        }
    }

    fn edges(&self, at: usize, scope: &Scope) -> Option<(Edge, Edge)> {
        let host = &self.hosts[at];
        let boots = &host.boots;
        let (top_voice, top) = host.top.as_deref().map(|it| (it.0, &it.1))?;
        let one = boots.breaks() == 0;
        let offset = scope.boot.filter(|_| one);
        let (first_id, last_id) = boots.ids();
        let given = scope.id.as_ref().filter(|_| one);
        let (first_id, last_id) = (first_id.or(given), last_id.or(given));
        let kernel = host.hears_kernel();
        let attended = boots.is_attended();
        let machine = self.carrier != Carrier::Kmsg
            && (boots.is_journald() || kernel && (attended || host.names >= WHOLE_JOURNAL));
        let stated = offset.is_some() || last_id.is_some();
        if !(machine || stated || kernel || host.names >= WHOLE_JOURNAL) {
            return None;
        }
        let row = |side: &str, id: Option<&Name>, cut: bool, (sequence, number): (u64, u64)| {
            Row::new(&relation::LOG_EDGE)
                .with("side", side)
                .with("boot_id", id.cloned())
                .with("offset", offset.map(i64::from))
                .with("machine", machine)
                .with("cut", cut)
                .with("sequence", sequence as i64)
                .with("number", number as i64)
        };
        let reverse = self.order.newest_first();
        let numbers = host.numbers.ends();
        let (bottom_stamp, bottom) = boots.bottom(&self.origin);
        let (bottom_voice, bottom_pid) = boots.bottom_voice();
        let (first_id, last_id) = if reverse { (last_id, first_id) } else { (first_id, last_id) };
        let (first_number, last_number) = if reverse { (numbers.1, numbers.0) } else { numbers };
        let opening = boots.opening().filter(|it| !reverse || it.entries + BELOW_ENTRIES >= boots.entries());
        let mut first = Edge {
            voice: top_voice,
            pid: None,
            stamp: host.first,
            quote: top.clone(),
            row: row("first", first_id, scope.begins_late, first_number),
        };
        if let Some(opening) = opening {
            (first.voice, first.stamp, first.quote) = (opening.voice, opening.stamp, opening.quote.clone());
            first.row = first.row.with("marker", opening.text.as_str());
        } else if reverse {
            (first.voice, first.stamp, first.quote) = (bottom_voice, bottom_stamp, bottom.clone());
        }
        // what was filtered may have been the shutdown
        let filtered = scope.narrowed || scope.ends_early || self.limited.is_some();
        let seen = boots.shut_down(reverse, SHUTDOWN_ENTRIES);
        // newest first, what speaks is forgotten with the newer boot
        let sure = !filtered && (one || !reverse);
        let orderly = self.orderly(at, seen);
        let orderly = if seen || sure { orderly } else { timeline::Value::Nothing };
        let row = row("last", last_id, scope.ends_early, last_number).with("orderly", orderly);
        let last = if reverse {
            let row = row.with("text", &*top.text);
            Edge { voice: top_voice, pid: None, stamp: host.first, quote: top.clone(), row }
        } else {
            let row = row.with("text", boots.bottom_message());
            Edge { voice: bottom_voice, pid: bottom_pid, stamp: bottom_stamp, quote: bottom, row }
        };
        Some((first, last))
    }

    fn edge(&self, Edge { voice, pid, stamp, quote, row }: Edge, out: &mut MemberRecords) {
        out.edges.push(self.own_event(Spoken { voice, pid, stamp }, row, "an end of a log", quote));
    }
}

#[cfg(test)]
mod tests {
    use timeline::Value;

    use crate::testing::read_at;

    const BOOT: [&str; 5] = [
        "Jun 14 13:17:06 node-a kernel: Linux version 5.10.0-32-amd64 (debian) (gcc-10) #1 SMP",
        "Jun 14 13:17:07 node-a systemd-journald[350]: Journal started",
        "Jun 14 13:17:40 node-a app[7]: nothing of note",
        "Jun 14 13:17:41 node-a app[7]: nothing of note",
        "Jun 14 13:18:20 node-a app[7]: its last words",
    ];

    /// Both ends: line, what shows that a boot begins, and which boot; then whether it ended in order.
    fn ends(path: &str, lines: &[&str]) -> Vec<String> {
        let out = read_at(&crate::journal_text::FORMAT, path, &lines.join("\n"));
        let cell =
            |it: &timeline::Event, column: &str| it.row.as_ref().map_or(Value::Nothing, |it| it.get(column).clone());
        let one = |it: &timeline::Event| {
            let marker = if cell(it, "marker").is_some() { " begins" } else { "" };
            let how = match cell(it, "orderly") {
                Value::Flag(true) => " in order",
                Value::Flag(false) => " not in order",
                _ => "",
            };
            format!("{} {}{marker} {}{how}", cell(it, "side"), it.quote.span.line, cell(it, "offset"))
        };
        out.edges.iter().map(one).collect()
    }

    #[test]
    fn both_ends_of_a_journal() {
        assert_eq!(ends("journalctl_-b_-1.txt", &BOOT), ["first 1 begins -1", "last 5 -1 not in order"]);
        assert_eq!(ends("journalctl_-b_-1.txt", &BOOT[1..]), ["first 1 -1", "last 4 -1 not in order"]);
        let mut backwards = BOOT;
        backwards.reverse();
        assert_eq!(ends("journalctl_-r_-b.txt", &backwards), ["first 5 begins 0", "last 1 0 not in order"]);
        // several boots: the name speaks of none of them
        let two: Vec<&str> = BOOT.into_iter().chain(["-- Reboot --"]).chain(BOOT).collect();
        assert_eq!(ends("journalctl_-b_-1.txt", &two)[0], "first 1 begins unknown");
    }

    #[test]
    fn what_was_filtered_ends_in_no_way() {
        assert_eq!(ends("journalctl_-p_err_-b.txt", &BOOT), ["first 1 begins 0", "last 5 0"]);
        let stopped: Vec<&str> =
            BOOT.into_iter().chain(["Jun 14 13:18:21 node-a systemd-journald[350]: Journal stopped"]).collect();
        assert_eq!(ends("journalctl_-b.txt", &stopped)[1], "last 6 0 in order");
        assert_eq!(ends("journalctl_-u_app.txt", &BOOT[2..]), [""; 0], "the log of one program");
        assert_eq!(ends("journalctl_-u_app_-b.txt", &BOOT[2..]), ["first 1 0", "last 3 0"]);
    }
}
