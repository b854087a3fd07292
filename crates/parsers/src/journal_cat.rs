//! `journalctl -o cat`: the bare messages of a journal.
//!
//! ```text
//! E0614 13:14:31.001000    2345 pod_workers.go:186] Error syncing pod 5a1f
//! runtime: failed to create new OS thread (have 5 already; errno=11)
//! ```
//!
//! Nothing in it says what it is, so the name of the file has to; the unit asked for stands there as well. Messages of many
//! lines cannot be told apart. Skipped: nothing. Time: only what the messages themselves print, klog's stamps say; marks of
//! boots are not printed.
//!
//! Source: `man 1 journalctl`, output_cat in systemd's src/shared/logs-show.c.

use std::borrow::Cow;

use timeline::{Carrier, MemberRecords, Stamp};

use crate::log::{Entry, Log, speaker};
use crate::{Certainty, Chunk, Format, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "journal-cat",
    produced_by: "journalctl -o cat",
    samples: &["Started kubelet: The Kubernetes Node Agent.\nruntime: failed to create new OS thread (have 5 already; errno=11)\n"],
    recognizes,
    reading: Reading::Stream(open),
};

/// `journalctl_-u_kubelet_-o_cat.txt`, `journalctl-v257/cat.txt`, and for samples `journal-cat.txt`
fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let path = sniff.path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let asked = path.contains("journal") && (stem == "cat" || stem == "journal-cat")
        || name.contains("journalctl")
            && ["-o_cat", "-o cat", "-ocat", "output=cat", "output_cat", "-o-cat"].iter().any(|it| name.contains(it));
    if asked && !sniff.text.trim().is_empty() { Certainty::Likely } else { Certainty::No }
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    let name = origin.path.rsplit('/').next().unwrap_or_default();
    let kernel = name.contains("_-k") || name.contains("dmesg");
    let program = speaker::by_path(&origin.path).or(kernel.then_some("kernel"));
    Box::new(JournalCat { log: Log::new(origin, Carrier::Journal), program: program.map(str::to_owned) })
}

struct JournalCat {
    log: Log,
    program: Option<String>,
}

impl Reader for JournalCat {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.log.chunk(chunk);
        for line in chunk.lines() {
            if line.text.trim().is_empty() {
                self.log.continuation(line, "", out);
                continue;
            }
            let entry = Entry {
                stamp: Stamp::None,
                micros: None,
                host: None,
                ident: self.program.as_deref().map(Cow::Borrowed),
                unit: None,
                pid: None,
                severity: None,
                speaker: 0,
                boot: None,
                message: line.text.into(),
                line,
            };
            self.log.entry(entry, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.log.finish(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify;
    use crate::testing::{events, read_at, sample, sniff, sniff_certainty};

    #[test]
    fn the_name_says_what_it_is_and_whose() {
        let text = FORMAT.samples[0];
        assert_eq!(sniff_certainty(&FORMAT, "node-a/journalctl_-u_kubelet_-o_cat.txt", text), Certainty::Likely);
        assert_eq!(sniff_certainty(&FORMAT, "node-a/cat.txt", text), Certainty::No);
        let out = read_at(&FORMAT, "node-a/journalctl_-u_kubelet_-o_cat.txt", text);
        let told: Vec<&str> = events(&out).map(|it| &*it.message).collect();
        assert_eq!((told.len(), out.tally.lines, out.tally.understood), (2, 2, 2));
    }

    #[test]
    fn real_messages() {
        for version in ["v247", "v257"] {
            let path = format!("journal/synthetic-oracle/journalctl-{version}/cat.txt");
            let Some(text) = sample(&path) else { return };
            assert_eq!(identify(&sniff(&path, &text)).map(|it| it.name), Some("journal-cat"), "{path}");
            let out = read_at(&FORMAT, &path, &text);
            assert_eq!(out.tally.lines, out.tally.understood, "{path}");
            assert!(events(&out).any(|it| it.message.contains("newosproc") || it.message.contains("errno=11")), "{path}");
        }
    }
}
