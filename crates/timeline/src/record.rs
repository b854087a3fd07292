//! What parsers give: events, samples and facts.

use crate::{Collected, Fact, Issue, MemberId, Name, Quote, Row, Seen, Series, Stamp, Tally, Time};

/// Who speaks in a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The kernel, on whatever road its lines came.
    Kernel,
    /// The kubelet, under any of its names.
    Kubelet,
    /// containerd, dockerd, CRI-O, runc and their shims.
    Runtime,
    /// calico-node and its parts (felix, bird, confd), the CNI plugin, calico-kube-controllers.
    Calico,
    /// etcd, the API server, the scheduler, the controller manager, kube-proxy, coredns.
    ControlPlane,
    /// systemd and every other program of the host.
    System,
    /// A container that is none of the above.
    ContainerLog,
    /// An event object of the Kubernetes API.
    KubeEvent,
    /// A network device outside the cluster.
    NetworkDevice,
    /// Prose by a person: a claim, not evidence.
    Note,
}

impl Source {
    /// Every source, in order.
    pub const ALL: [Source; 10] = [
        Source::Kernel,
        Source::Kubelet,
        Source::Runtime,
        Source::Calico,
        Source::ControlPlane,
        Source::System,
        Source::ContainerLog,
        Source::KubeEvent,
        Source::NetworkDevice,
        Source::Note,
    ];

    /// The name rules and reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Source::Kernel => "kernel",
            Source::Kubelet => "kubelet",
            Source::Runtime => "runtime",
            Source::Calico => "calico",
            Source::ControlPlane => "control-plane",
            Source::System => "system",
            Source::ContainerLog => "container-log",
            Source::KubeEvent => "k8s-event",
            Source::NetworkDevice => "network-device",
            Source::Note => "note",
        }
    }
}

/// On what road a line reached the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// The systemd journal, in any of its forms.
    Journal,
    /// A syslog file.
    Syslog,
    /// The kernel ring buffer or a crash dump of it.
    Kmsg,
    /// A log file of a program or a container.
    File,
    /// An object of the Kubernetes API.
    Object,
}

/// How bad its author thought it was; syslog numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// 0
    Emergency,
    /// 1
    Alert,
    /// 2
    Critical,
    /// 3
    Error,
    /// 4
    Warning,
    /// 5
    Notice,
    /// 6
    Info,
    /// 7
    Debug,
}

impl Severity {
    /// From the number syslog and the journal use.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Severity> {
        use Severity::*;
        [Emergency, Alert, Critical, Error, Warning, Notice, Info, Debug].get(number as usize).copied()
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The stamp of the carrier: journald's, the container runtime's.
    pub stamp: Stamp,
    /// The stamp the program itself wrote inside its message, klog's say. Preferred where it can be placed.
    pub inner: Option<Stamp>,
    /// When it happened; filled in when the timeline is built.
    pub at: Time,
    /// The node it happened on.
    pub node: Option<Name>,
    /// Who says so.
    pub source: Source,
    /// On what road.
    pub carrier: Carrier,
    /// Unit, identifier or container that wrote it.
    pub unit: Option<Name>,
    /// Process id, where printed.
    pub pid: Option<u32>,
    /// Severity, where printed.
    pub severity: Option<Severity>,
    /// The message without its prefixes; of a report, all its lines.
    pub message: Box<str>,
    /// How often, where the record itself counts (`x41`, "message repeated 4 times").
    pub count: u32,
    /// Typed fields of a structured record.
    pub row: Option<Row>,
    /// The lines as they stand.
    pub quote: Quote,
}

/// One statement of a parser.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// Happened at an instant.
    Event(Box<Event>),
    /// True when collected. The stamp, where there is one, is when.
    Fact(Box<Fact>, Stamp),
    /// Metric values over time.
    Series(Box<Series>),
}

/// Everything read from one member.
#[derive(Debug, Default)]
pub struct MemberRecords {
    /// What it says, in file order.
    pub records: Vec<Record>,
    /// What could not be read.
    pub issues: Vec<Issue>,
    /// Which sources of which nodes it holds, from when to when.
    pub seen: Vec<Seen>,
    /// Which relations it is a collection of.
    pub collected: Vec<Collected>,
    /// How much of it was understood.
    pub tally: Tally,
    /// Where the month changed between stamps without a year, by byte offset: between its first and its last line a file
    /// may run through more than half a year, and only the months on the way tell in which direction.
    pub months: Vec<(u64, Stamp)>,
    /// Where the log of each machine begins and ends in it, as rows of [`crate::relation::LOG_EDGE`]: no records of their
    /// own, but a boot may end with one of them.
    pub edges: Vec<Event>,
    /// What it holds of series whose other half stands in another member.
    pub part: Option<BlockPart>,
}

/// One half of a block of metrics, as Prometheus stores it: labels and values stand in files of their own.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockPart {
    /// The series, and where their chunks stand.
    Index(Vec<IndexedSeries>),
    /// The chunks of one file, by their place in it.
    Chunks(Vec<SampleChunk>),
}

/// A series in the index of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedSeries {
    /// The name of the metric.
    pub metric: Name,
    /// The other labels, sorted.
    pub labels: Vec<(Name, Name)>,
    /// Number of the file, from 0, and place in it, of each chunk in time order.
    pub chunks: Vec<(u32, u32)>,
    /// Where the entry stands in the index.
    pub start: u64,
}

/// Samples that were packed together.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleChunk {
    /// Place in the file.
    pub start: u32,
    /// Length in the file.
    pub len: u32,
    /// Milliseconds since the epoch and values, staleness markers among them.
    pub samples: Vec<(i64, f64)>,
}

/// Decides which log lines are worth keeping; everything else is only counted.
///
/// The rules give this to the reader, so that memory follows the findings and not the bundle.
pub trait Watch: Send + Sync {
    /// Whether some signal may match this message.
    fn wants(&self, message: &str) -> bool;

    /// Adds the places of a text, in order, where a message must lie over to be wanted; false where that is not known and
    /// each message must be asked for.
    fn places(&self, text: &str, found: &mut Vec<usize>) -> bool {
        let _ = (text, found);
        false
    }

    /// Whether some signal matches this message, all lines of it: what [`Watch::wants`] took, looked at closely.
    fn shows(&self, message: &str) -> bool {
        let _ = message;
        true
    }

    /// What an event shows, first without the values in it, then with them: of thousands of one mark, on one node, by one
    /// program, some may stand for all. Without a mark each is kept.
    fn mark(&self, event: &Event) -> Option<[u64; 2]> {
        let _ = event;
        None
    }
}

/// Keeps everything: for tests and for the merged stream.
impl Watch for bool {
    fn wants(&self, _message: &str) -> bool {
        *self
    }
}

impl MemberRecords {
    /// Notes a stretch that could not be read.
    pub fn issue(&mut self, member: MemberId, line: u32, what: impl Into<String>) {
        self.issues.push(Issue { member, line, what: what.into() });
    }
}
