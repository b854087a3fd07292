//! What all logs share, whatever carried them: who speaks, which stamp counts, what is kept, where a boot ends.
//!
//! A carrier (journal text, syslog, `dmesg`, a container's log file) takes a line apart into an [`Entry`] and hands it
//! to the [`Log`], which turns entries into events.

use std::borrow::Cow;

use timeline::{Carrier, MemberRecords, Severity, Stamp};

use crate::{Line, Origin};

/// One log entry, as its carrier took it apart.
pub(crate) struct Entry<'t> {
    /// Carrier's stamp.
    pub(crate) stamp: Stamp,
    /// Microseconds of the kernel's clock, where the carrier or the line prints them.
    pub(crate) micros: Option<u64>,
    /// Host, where printed.
    pub(crate) host: Option<&'t str>,
    /// `kubelet`, `kernel`, `dockerd`; the container name for container logs.
    pub(crate) ident: Option<Cow<'t, str>>,
    /// systemd unit, where the carrier knows it.
    pub(crate) unit: Option<Cow<'t, str>>,
    /// Process id, where printed.
    pub(crate) pid: Option<u32>,
    /// Severity, where printed.
    pub(crate) severity: Option<Severity>,
    /// Boot id, 32 hex digits, where printed.
    pub(crate) boot: Option<&'t str>,
    /// The message without the carrier's prefix.
    pub(crate) message: Cow<'t, str>,
    /// The line as it stands (of a multi-line record: the line to quote).
    pub(crate) line: Line<'t>,
}

/// A line of a carrier that is no entry but says something about the entries around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker<'t> {
    /// `-- Reboot --`
    Reboot,
    /// `-- Boot 9a7be1c2d3f44a5b8c6d7e8f90a1b2c3 --`: the boot of the entries that follow.
    Boot(&'t str),
    /// `-- No entries --`
    NoEntries,
}

/// Turns the entries of one member into events.
pub(crate) struct Log {
    origin: Origin,
    carrier: Carrier,
}

impl Log {
    pub(crate) fn new(origin: &Origin, carrier: Carrier) -> Log {
        Log { origin: origin.clone(), carrier }
    }

    /// Takes the next entry, in file order.
    pub(crate) fn entry(&mut self, entry: Entry<'_>, out: &mut MemberRecords) {
        let _ = (&self.origin, self.carrier, entry, out);
    }

    /// Takes a line that belongs to the entry before it; `text` is the line without its indentation.
    pub(crate) fn continuation(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        let _ = (line, text, out);
    }

    /// Takes a line that speaks about its neighbours.
    pub(crate) fn marker(&mut self, marker: Marker<'_>, line: Line<'_>, out: &mut MemberRecords) {
        let _ = (marker, line, out);
    }

    /// The member has ended: hands out what was still open and the record of what was seen.
    pub(crate) fn finish(&mut self, out: &mut MemberRecords) {
        let _ = out;
    }
}
