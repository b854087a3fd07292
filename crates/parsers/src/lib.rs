//! The formats coroner reads, one module each: bytes in, records and issues out.
//!
//! A [`Format`] recognises its files by content (the path is a hint) and reads them either whole or as a stream of
//! chunks. Bad input never fails: a line that is no record becomes an [`timeline::Issue`] or stays uncounted in the
//! tally, and the next line is read.
//!
//! **Invariant:** no I/O, no clock, no blame. A parser says what a line says, never what it means for the node.
//! **Invariant:** every quote is the text as it stands at its span.
//! **Invariant:** no panic, whatever the bytes.
//!
//! Adding a format is one new file and one word in `formats!` below.

#[cfg(test)]
mod acceptance;
mod ascii_table;
mod chunk;
mod closest;
mod exposition;
mod expression;
mod host_lines;
mod json_elements;
mod kernel;
mod kube;
mod lines;
mod log;
mod metric_block;
mod native_histogram;
mod packet_filter;
mod paste;
mod places;
mod printed_object;
#[cfg(test)]
mod recognition;
mod state;
#[cfg(test)]
mod testing;

use std::sync::Arc;

pub use chunk::{Ahead, Chunk};
pub use closest::closest;
pub use lines::{Line, lines};
pub use metric_block::join_block;
use timeline::{MemberId, MemberRecords, Name, Quote, Span, Watch};

/// A grammar we read.
pub struct Format {
    /// Kebab-case name, stable once released.
    pub name: &'static str,
    /// The command or program that writes it.
    pub produced_by: &'static str,
    /// Real output in small, for the docs and the tests.
    pub samples: &'static [&'static str],
    /// How sure the format is that this is its own, from the first bytes.
    pub recognizes: fn(&Sniff<'_>) -> Certainty,
    /// How it is read.
    pub reading: Reading,
}

/// How sure a format is of a file. The surest wins; equal ones by the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Not this format.
    No,
    /// The content allows it and the path suggests it.
    Maybe,
    /// Most lines have its shape.
    Likely,
    /// A marker that no other format has.
    Sure,
}

/// The beginning of a member, to recognise it by.
pub struct Sniff<'t> {
    /// Path inside the bundle.
    pub path: &'t str,
    /// Up to the first 64 KiB, cut at a line end; invalid bytes show as `?`.
    pub text: &'t str,
    /// The same bytes as they are.
    pub bytes: &'t [u8],
    /// Whether this is all of it.
    pub whole: bool,
}

impl<'t> Sniff<'t> {
    /// The file name, lower case.
    #[must_use]
    pub fn file_name(&self) -> String {
        self.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// Of the first `most` lines that are not blank, the share that passes the test; none when there is no line.
    #[must_use]
    pub fn share(&self, most: usize, mut test: impl FnMut(&str) -> bool) -> f32 {
        let (mut all, mut good) = (0u32, 0u32);
        let mut rest = self.text;
        while !rest.is_empty() && (all as usize) < most {
            let end = memchr::memchr(b'\n', rest.as_bytes());
            let line = &rest[..end.unwrap_or(rest.len())];
            rest = end.map_or("", |it| &rest[it + 1..]);
            let line = if end.is_some() { line.strip_suffix('\r').unwrap_or(line) } else { line };
            // most lines begin with something that is no blank
            let blank = !line.starts_with(|it: char| it.is_ascii_graphic()) && line.trim().is_empty();
            if !blank {
                all += 1;
                good += u32::from(test(line));
            }
        }
        if all == 0 { 0.0 } else { good as f32 / all as f32 }
    }
}

/// How a format is read.
pub enum Reading {
    /// Needs the whole member at hand: JSON, YAML, tables.
    Whole(fn(&Input<'_>, &mut MemberRecords)),
    /// Reads line by line and keeps little.
    Stream(fn(&Origin) -> Box<dyn Reader>),
}

/// How much a reader may hold back of a member, unless told otherwise.
pub const HOLD_BYTES: usize = 32 << 20;

/// Where a member comes from, as far as its path tells.
#[derive(Clone)]
pub struct Origin {
    /// The member, for spans.
    pub member: MemberId,
    /// Path inside the bundle.
    pub path: Name,
    /// The node by the layout; a line that names its host overrides it.
    pub node: Option<Name>,
    /// Which lines are worth keeping.
    pub watch: Arc<dyn Watch>,
    /// How many bytes of its lines a reader may hold back until it knows what they say.
    pub hold_bytes: usize,
}

impl Origin {
    /// The text with its place.
    #[must_use]
    pub fn quote(&self, line: &Line<'_>) -> Quote {
        let span = Span { member: self.member, start: line.start, len: line.text.len() as u32, line: line.number };
        Quote { span, text: line.text.into() }
    }
}

/// A whole member.
pub struct Input<'t> {
    /// Where it comes from.
    pub origin: &'t Origin,
    /// Its text; each byte that is no UTF-8 is replaced by one `?`, so offsets hold.
    pub text: &'t str,
    /// Its bytes as they are.
    pub bytes: &'t [u8],
    /// Whether the end is missing (a limit, a damaged archive).
    pub truncated: bool,
}

impl<'t> Input<'t> {
    /// The lines of the text.
    pub fn lines(&self) -> impl Iterator<Item = Line<'t>> {
        lines(self.text, 0, 1)
    }

    /// The place of a part of the text, with the part as its quote.
    ///
    /// The line number is counted from the start; for many parts in order use [`Input::lines`].
    #[must_use]
    pub fn quote(&self, part: &str) -> Quote {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        let line = 1 + memchr::memchr_iter(b'\n', &self.text.as_bytes()[..start]).count() as u32;
        let span = Span { member: self.origin.member, start: start as u64, len: part.len() as u32, line };
        Quote { span, text: part.into() }
    }
}

/// Reads a member chunk by chunk. What it says does not depend on where the chunks were cut.
pub trait Reader: Send {
    /// Takes the next chunk.
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords);
    /// The member has ended.
    fn finish(&mut self, out: &mut MemberRecords);
}

macro_rules! formats {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every format, in the order ties are settled.
        pub static FORMATS: &[&Format] = &[$(&$module::FORMAT),*];
    };
}

formats! {
    active_queries,
    api_audit,
    api_fairness,
    audit_log,
    bird_protocols,
    bird_status,
    bonding,
    boot_list,
    bridge_fdb,
    calico_names,
    calico_resources,
    calicoctl_ipam_check,
    calicoctl_ipam_show,
    calicoctl_node_status,
    certificates,
    cgroup_files,
    clock_sync,
    cloud_logging,
    collector_report,
    command_table,
    conntrack_list,
    container_list,
    container_log,
    container_stats,
    crash_utility,
    crictl_json,
    ctr,
    disk_usage,
    // a crash dump is a kernel log with a path of its own: it is asked first
    vmcore_dmesg,
    pstore,
    dmesg,
    etcd_status,
    ethtool_features,
    ethtool_link,
    fib_trie,
    fib_triestat,
    frr_json,
    frr_text,
    grafana,
    host_addresses,
    host_collectors,
    host_identity,
    if_inet6,
    ip_addr,
    ip_link,
    ip_monitor,
    ip_neigh,
    ip_neigh_proxy,
    ip_netconf,
    ip_nexthop,
    ip_route,
    ip_route_json,
    ip_rule,
    ipmi_sel,
    iptables_save,
    ipvsadm,
    journal_binary,
    journal_cat,
    journal_export,
    journal_files,
    journal_json,
    journal_text,
    journal_verbose,
    k0s_state,
    kdump,
    klog_file,
    kube_describe,
    kube_objects,
    kube_tables,
    kubelet_config,
    lsof,
    lvm,
    memory_zones,
    mounts,
    multipath,
    net_counters,
    nft_ruleset,
    openmetrics_text,
    package_log,
    packages,
    packet_capture,
    ping,
    pressure,
    proc_files,
    proc_pid_stat,
    proc_stat,
    process_list,
    process_tree,
    program_log,
    prometheus_api,
    promtool_tables,
    promtool_dump,
    queue_discipline,
    raid,
    raid_detail,
    resolv_conf,
    rib_routes,
    route_table,
    runtime_version,
    slabinfo,
    socket_counters,
    sockets,
    stats_summary,
    swap_areas,
    sysctl,
    syslog,
    system_activity,
    systemd_units,
    top,
    tsdb_chunks,
    tsdb_index,
    tsdb_meta,
    tsdb_tombstones,
    uptime,
}

/// The format that fits best, if any does.
#[must_use]
pub fn identify(sniff: &Sniff<'_>) -> Option<&'static Format> {
    surest(sniff).map(|(format, _)| format)
}

/// The format that fits best, if any does, and how sure it is.
#[must_use]
pub fn surest(sniff: &Sniff<'_>) -> Option<(&'static Format, Certainty)> {
    let mut best: Option<(&'static Format, Certainty)> = None;
    for format in FORMATS {
        let certainty = (format.recognizes)(sniff);
        if certainty > best.map_or(Certainty::No, |(_, it)| it) {
            best = Some((format, certainty));
        }
        // ties are settled by the order
        if certainty == Certainty::Sure {
            break;
        }
    }
    best
}

/// Reads a text held in memory, in chunks of whole lines of about the given size: what tests and small tools need.
#[must_use]
pub fn read(format: &Format, origin: &Origin, text: &str, chunk_bytes: usize) -> MemberRecords {
    let mut out = MemberRecords::default();
    match format.reading {
        Reading::Whole(parse) => {
            parse(&Input { origin, text, bytes: text.as_bytes(), truncated: false }, &mut out);
        }
        Reading::Stream(open) => {
            let mut reader = open(origin);
            let (mut start, mut line) = (0, 1);
            while start < text.len() {
                let wanted = (start + chunk_bytes.max(1)).min(text.len());
                let end = memchr::memchr(b'\n', &text.as_bytes()[wanted - 1..]).map_or(text.len(), |at| wanted + at);
                let part = &text[start..end];
                reader.read(&Chunk::new(part, part.as_bytes(), start as u64, line), &mut out);
                line += memchr::memchr_iter(b'\n', part.as_bytes()).count() as u32;
                start = end;
            }
            reader.finish(&mut out);
        }
    }
    out
}
