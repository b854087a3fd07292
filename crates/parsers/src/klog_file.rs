//! Log files of programs that log by klog or glog: `kubelet.log`, `kube-proxy.INFO`, the output of `docker logs kubelet`.
//!
//! ```text
//! Log file created at: 2019/08/05 10:11:12
//! Running on machine: node-a
//! Binary: Built with gc go1.12.5 for linux/amd64
//! Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg
//! E0805 10:11:13.890321    1734 kubelet.go:1882] skipping pod synchronization - PLEG is not healthy
//! ```
//!
//! The preamble, where there is one, tells year and machine. Lines without a header belong to the record before them or
//! are the words of a shell in front. Skipped: nothing. Time: month and day in the zone of the process; no year but the
//! preamble's or that of the file's name.
//!
//! Source: `klog.go` and `klog_file.go` of k8s.io/klog; github.com/golang/glog.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use timeline::{Carrier, MemberRecords, Stamp};

use crate::log::inner::{self, Header};
use crate::log::{Entry, Log, speaker, stamp};
use crate::{Certainty, Chunk, Format, Line, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "klog-file",
    produced_by: "kubelet, kube-proxy and other programs that log by klog",
    samples: &["Log file created at: 2019/08/05 10:11:12\n\
         Running on machine: node-a\n\
         Binary: Built with gc go1.12.5 for linux/amd64\n\
         Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n\
         E0805 10:11:13.890321    1734 kubelet.go:1882] skipping pod synchronization - PLEG is not healthy\n"],
    recognizes,
    reading: Reading::Stream(open),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.text.trim_start().starts_with("Log file created at: ") && sniff.text.contains("\nLog line format: ") {
        return Certainty::Sure;
    }
    let of = |line: &str| matches!(inner::header(line), Header::Klog(_));
    let share = sniff.share(5000, of);
    if share >= 0.6 {
        return Certainty::Sure;
    }
    let kubelet = speaker::by_path(sniff.path).is_some_and(|it| it == "kubelet");
    match share {
        it if it >= 0.3 && (kubelet || sniff.share(5000, is_dated) < 0.2) => Certainty::Likely,
        it if it > 0.0 && kubelet => Certainty::Maybe,
        // a container's entry script traces itself before it starts the kubelet
        _ if kubelet && sniff.share(5000, |line| line.starts_with('+')) >= 0.5 => Certainty::Maybe,
        _ => Certainty::No,
    }
}

/// Whether a line begins with another logger's stamp.
fn is_dated(line: &str) -> bool {
    matches!(inner::header(line), Header::Dated | Header::Logrus | Header::Json)
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    let created = created_by_name(&origin.path);
    let program = speaker::by_path(&origin.path);
    let log = Log::new(origin, Carrier::File);
    Box::new(KlogFile { log, program: program.map(str::to_owned), machine: None, machines: 0, created })
}

struct KlogFile {
    log: Log,
    program: Option<String>,
    machine: Option<String>,
    /// How many machines were named so far.
    machines: u32,
    /// When the file was begun: the year of its first stamps.
    created: Option<NaiveDate>,
}

impl Reader for KlogFile {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        self.log.chunk(chunk);
        for line in chunk.lines() {
            self.line(line, out);
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.log.finish(out);
    }
}

impl KlogFile {
    fn line(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        if self.preamble(line.text) {
            out.tally.lines += 1;
            out.tally.understood += 1;
            return;
        }
        if line.text.trim().is_empty() {
            return self.log.continuation(line, "", out);
        }
        let header = self.created.map(|it| (it, inner::header(line.text)));
        let stamp = match header {
            Some((created, header @ Header::Klog(_))) => dated(line.text, header, created),
            _ => Stamp::None,
        };
        let entry = Entry {
            stamp,
            micros: None,
            host: self.machine.as_deref(),
            ident: self.program.as_deref().map(Cow::Borrowed),
            unit: None,
            pid: None,
            severity: None,
            speaker: self.machines + 1,
            boot: None,
            message: line.text.into(),
            line,
        };
        self.log.entry(entry, out);
    }

    /// `Log file created at: …`, `Running on machine: …`
    fn preamble(&mut self, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix("Log file created at: ") {
            self.created = stamp::date(rest.as_bytes()).or(self.created);
            return true;
        }
        if let Some(rest) = line.strip_prefix("Running on machine: ") {
            self.machine = Some(rest.trim().to_owned());
            self.machines += 1;
            return true;
        }
        line.starts_with("Binary: Built with gc ") || line.starts_with("Log line format: ")
    }
}

/// A klog stamp with the year of its file: one that would lie long before the file was begun is of the next year.
fn dated(line: &str, header: Header, created: NaiveDate) -> Stamp {
    let (Some(Stamp::Yearless { month, day, time, resolution }), _) = inner::read(line, header) else {
        return Stamp::None;
    };
    let in_year = |year| NaiveDate::from_ymd_opt(year, month, day);
    let date = match in_year(created.year()) {
        Some(date) if (created - date).num_days() > 180 => in_year(created.year() + 1),
        Some(date) if (date - created).num_days() > 180 => in_year(created.year() - 1).or(Some(date)),
        found => found.or_else(|| in_year(created.year() + 1)),
    };
    match date {
        Some(date) => Stamp::Zoneless { local: date.and_time(time), resolution, abbreviation: None },
        None => Stamp::Yearless { month, day, time, resolution },
    }
}

/// `kubelet.node-a.root.log.INFO.20190805-101112.1734`: when it was begun.
fn created_by_name(path: &str) -> Option<NaiveDate> {
    let name = path.rsplit('/').next()?;
    let severities = [".INFO.", ".WARNING.", ".ERROR.", ".FATAL."];
    let rest = severities.iter().find_map(|it| name.split_once(it)).map(|it| it.1)?;
    let digits = rest.get(..8).filter(|it| it.bytes().all(|it| it.is_ascii_digit()))?;
    NaiveDate::from_ymd_opt(digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..].parse().ok()?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use timeline::{Event, MemberId, Record, Source};

    use super::*;
    use crate::read;

    fn origin(path: &str) -> Origin {
        Origin { member: MemberId(0), path: path.into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES }
    }

    fn events(records: &MemberRecords) -> Vec<&Event> {
        let mut found = Vec::new();
        for record in &records.records {
            if let Record::Event(event) = record {
                found.push(event.as_ref());
            }
        }
        found
    }

    #[test]
    fn logs_of_several_machines_in_a_row() {
        let line = "I0722 10:00:00.000001    1734 a.go:64] x\n";
        let text = ["node-a", "node-b", "node-a"].map(|it| format!("Running on machine: {it}\n{line}{line}")).concat();
        let records = read(&FORMAT, &origin("kubelet.log"), &text, 1 << 20);
        let nodes: Vec<_> = events(&records).iter().filter_map(|it| it.node.as_deref()).collect();
        assert_eq!(nodes, ["node-a", "node-a", "node-b", "node-b", "node-a", "node-a"]);
    }

    #[test]
    fn flags_of_a_kubelet_are_settings() {
        let text = "I0722 10:00:00.000001    1734 flags.go:64] FLAG: --address=\"0.0.0.0\"\n\
                    I0722 10:00:00.000002    1734 flags.go:64] FLAG: --pod-max-pids=\"4096\"\n\
                    I0722 10:00:00.000003    1734 flags.go:64] FLAG: --max-pods=\"110\"\n\
                    I0722 10:00:00.000004    1734 flags.go:64] FLAG: --eviction-hard=\"memory.available<200Mi,nodefs.available<5%\"\n";
        let of = |path: &str| -> Vec<String> {
            let out = crate::testing::read_at(&FORMAT, path, text);
            let columns = ["key", "value", "source"];
            crate::testing::shown(&out, "kubelet.config", columns)
        };
        // what was given counts as a setting; what may be a default says nothing: a file overrides it
        assert_eq!(
            of("node-a/kubelet.log"),
            [
                "podPidsLimit 4096 flag",
                "evictionHard.memory.available 200Mi flag",
                "evictionHard.nodefs.available 5% flag"
            ]
        );
        assert!(of("node-a/kube-proxy.log").is_empty());
    }

    #[test]
    fn the_preamble_tells_year_and_machine() {
        let text = "Log file created at: 2019/12/31 23:11:12\nRunning on machine: node-a\n\
                    Binary: Built with gc go1.12.5 for linux/amd64\nLog line format: [IWEF]mmdd …\n\
                    E1231 23:59:59.890321    1734 kubelet.go:1882] last\n\
                    I0101 00:00:00.000001    1734 kubelet.go:1882] Mount failed: exit status 32\nMounting command: mount\n";
        let records = read(&FORMAT, &origin("kubelet.log"), text, 1);
        let shown: Vec<String> =
            events(&records).iter().map(|it| format!("{:?} {:?} {}", it.node, it.stamp, it.message)).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        Some("node-a") Zoneless { local: 2019-12-31T23:59:59.890321, resolution: TimeDelta { secs: 0, nanos: 1000 }, abbreviation: None } E1231 23:59:59.890321    1734 kubelet.go:1882] last
        Some("node-a") Zoneless { local: 2020-01-01T00:00:00.000001, resolution: TimeDelta { secs: 0, nanos: 1000 }, abbreviation: None } I0101 00:00:00.000001    1734 kubelet.go:1882] Mount failed: exit status 32
        Mounting command: mount
        "#);
        assert_eq!(records.seen[0].source, Source::Kubelet);
        assert_eq!(created_by_name("a/kubelet.node-a.root.log.INFO.20190805-101112.17"), NaiveDate::from_ymd_opt(2019, 8, 5));
    }

    #[test]
    fn a_throw_ends_a_kubelet_log() {
        let text = "I0605 10:00:00.000001    1734 kubelet.go:1882] x\n\
                    runtime: failed to create new OS thread (have 43 already; errno=11)\nfatal error: newosproc\n\
                    \nruntime stack:\nruntime.throw(0x1, 0x2)\n\t/usr/local/go/src/runtime/panic.go:605 +0x95\n";
        let records = read(&FORMAT, &origin("var/log/kubelet.log"), text, 1);
        let found = events(&records);
        assert_eq!(found.len(), 2);
        let row = found[1].row.as_ref().expect("a crash");
        assert_eq!((row.get("threads").to_string(), row.get("program").to_string()), ("43".into(), "kubelet".into()));
        // the lines of a throw have no stamp: they follow the one before
        assert!(matches!(found[1].stamp, Stamp::Yearless { month: 6, day: 5, .. }));
    }

    /// Expected numbers: headers and what has none, in samples of real kubelets.
    #[test]
    #[allow(clippy::print_stderr)]
    fn headers_of_real_kubelets() {
        let samples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/kubernetes"));
        if !samples.is_dir() {
            eprintln!("SKIPPED: {} is not here", samples.display());
            return;
        }
        let klog = |text: &str| text.lines().filter(|it| matches!(inner::header(it), Header::Klog(_))).count();
        let path = "kubelet/kubelet-v1.19.6-rke1-docker-unstructured.log";
        let text = std::fs::read_to_string(samples.join(path)).expect("readable");
        assert_eq!(klog(&text), 1640);
        let sniff = Sniff { path, text: &text, bytes: text.as_bytes(), whole: true };
        assert!(recognizes(&sniff) >= Certainty::Likely);
        // its first 64 KiB are the trace of a shell
        let sniff = Sniff { path, text: &text[..60_000], bytes: &text.as_bytes()[..60_000], whole: false };
        assert_eq!(recognizes(&sniff), Certainty::Maybe);
        let records = read(&FORMAT, &origin(path), &text, 1 << 16);
        assert_eq!((records.tally.lines, records.tally.understood), (2251, 2251));
        assert_eq!(records.seen.iter().map(|it| it.lines).sum::<u64>(), 2251);
        assert!(records.seen.iter().all(|it| it.source == Source::Kubelet));
        for bytes in [1, 64] {
            assert_eq!(read(&FORMAT, &origin(path), &text, bytes).records, records.records);
        }

        // inside journals: path, headers, lines, records of the kubelet
        for (path, headers, lines) in [
            ("kubelet/kubelet-v1.21-ocp-vsphere-3masters.journal.log.xz", 12_899, 13_208),
            ("kubelet/kubelet-v1.22-ocp-metal-3masters.journal.log.xz", 11_824, 12_010),
            ("kubelet/kubelet-v1.32-kind-multiline.journal.log", 248, 286),
        ] {
            let bytes = std::fs::read(samples.join(path)).expect("readable");
            let text = if path.ends_with(".xz") {
                let mut text = String::new();
                let mut reader = lzma_rust2::XzReader::new(bytes.as_slice(), true);
                std::io::Read::read_to_string(&mut reader, &mut text).expect("xz");
                text
            } else {
                String::from_utf8(bytes).expect("text")
            };
            let records = read(&crate::journal_text::FORMAT, &origin("journal.log"), &text, 1 << 16);
            assert_eq!((records.tally.lines, records.tally.understood), (lines, lines), "{path}");
            let klog = events(&records).iter().filter(|it| matches!(inner::header(&it.message), Header::Klog(_))).count();
            assert_eq!(klog, headers, "{path}");
            assert!(events(&records).iter().all(|it| it.row.is_some() || it.inner.is_some() || it.source == Source::System || it.message.starts_with("Flag --")), "{path}");
        }
    }
}
