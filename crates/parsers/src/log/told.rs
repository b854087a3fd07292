//! What a log says about itself and about the kernel: losses, names, versions, reports.

use timeline::{Event, Fact, MemberRecords, Name, Record, Row, Source, Stamp, Time};

use super::voices::Voice;
use super::{HOSTS, Log, boots, notice};
use crate::kernel::{self, KernelLine};
use crate::{Line, kubelet_config};

impl Log {
    /// Looks for what the kernel, journald and rsyslogd say about the machine.
    pub(super) fn attend(
        &mut self,
        voice: usize,
        message: &str,
        micros: Option<u64>,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let Voice { host, kernel, .. } = self.voices[voice];
        if let Some(name) = notice::hostname(&self.voices[voice].ident, message)
            && let Some(old) = &self.hosts[host].node
            && **old != *name
            && self.host_names.get(old.as_ref()) == Some(&host)
            && self.renames.len() < HOSTS
        {
            self.renames.push((old.clone(), name.into()));
        }
        if !kernel {
            return;
        }
        match message.as_bytes().first() {
            Some(b'L') => {
                if let Some(row) = notice::kernel_version(message) {
                    let release = Name::from(row.get("release").to_string());
                    if self.hosts[host].release.as_ref() != Some(&release) {
                        self.hosts[host].release = Some(release);
                        self.fact(host, row, stamp, line, out);
                    }
                }
            }
            Some(b'p') => {
                if let Some(row) = notice::boot_default(message) {
                    self.fact(host, row, stamp, line, out);
                }
            }
            _ => {}
        }
        let Some(micros) = micros else { return };
        if let Some(kernel::Anchor { epoch_micros, error_micros, how }) = kernel::anchor(message, micros)
            && self.hosts[host].boots.wants_anchor(micros, how)
        {
            let row = boots::anchor(micros, epoch_micros, error_micros, how);
            self.fact(host, row, stamp, line, out);
        }
        if let Stamp::Exact { at, .. } = stamp {
            self.hosts[host].boots.envelope(micros, at.timestamp_micros(), line);
        }
    }

    pub(super) fn fact(&self, host: usize, row: Row, stamp: &Stamp, line: &Line<'_>, out: &mut MemberRecords) {
        let fact = Fact::new(row, self.hosts[host].node.clone(), self.origin.quote(line));
        out.records.push(Record::Fact(Box::new(fact), *stamp));
    }

    /// `flags.go:64] FLAG: --pod-max-pids="4096"` of a kubelet that starts.
    pub(super) fn flag(
        &mut self,
        voice: usize,
        message: &str,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let kubelet = self.voices[voice].source == Source::Kubelet || self.voices[voice].docker;
        for (key, value) in kubelet_config::logged(message).into_iter().filter(|_| kubelet) {
            self.stated_flags += 1;
            self.fact(self.voices[voice].host, kubelet_config::row(&key, &value, "flag"), stamp, line, out);
        }
    }

    pub(super) fn state(&mut self, host: usize, out: &mut MemberRecords) {
        for (row, stamp, quote) in std::mem::take(&mut self.stated) {
            let fact = Fact::new(row, self.hosts[host].node.clone(), quote);
            out.records.push(Record::Fact(Box::new(fact), stamp));
        }
    }

    /// Gives a kernel line to the reports; true where it is part of one.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn kernel(
        &mut self,
        host: usize,
        text: &str,
        micros: Option<u64>,
        caller: Option<&str>,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) -> bool {
        // backwards, the lines of a report say nothing yet
        if self.order.newest_first() {
            let backwards = &mut self.hosts[host].backwards;
            backwards.keep(&mut self.backwards_room, text, micros, caller, stamp, line);
            return false;
        }
        let origin = &self.origin;
        let quote = || origin.quote(line);
        let part =
            self.hosts[host].reports.line(&KernelLine { text, micros, caller, stamp, quote: &quote }, &mut self.done);
        if !self.done.is_empty() {
            self.hand_out_reports(host, out);
        }
        part
    }

    pub(super) fn hand_out_reports(&mut self, host: usize, out: &mut MemberRecords) {
        for report in std::mem::take(&mut self.done) {
            let stamp = match (report.stamp, report.micros) {
                (Stamp::None, Some(micros)) => Stamp::Monotonic { micros },
                (stamp, _) => stamp,
            };
            out.records.push(Record::Event(Box::new(Event {
                stamp,
                inner: None,
                at: Time::UNKNOWN,
                node: self.hosts[host].node.clone(),
                source: Source::Kernel,
                carrier: self.carrier,
                unit: Some(Name::from("kernel")),
                pid: None,
                severity: None,
                message: report.text.into(),
                count: 1,
                row: Some(report.row),
                quote: report.quote,
            })));
        }
    }

    /// Hands out whatever the host's current boot has left.
    pub(super) fn end_of_host(&mut self, host: usize, out: &mut MemberRecords) {
        self.read_backwards(host, out);
        self.hosts[host].reports.flush(&mut self.done);
        self.hand_out_reports(host, out);
        self.end_pending(host, true, out);
        let node = self.hosts[host].node.clone();
        if let Some((row, stamp, quote)) = self.hosts[host].boots.take_envelope(&self.origin, self.carrier) {
            out.records.push(Record::Fact(Box::new(Fact::new(row, node, quote)), stamp));
        }
    }
}
