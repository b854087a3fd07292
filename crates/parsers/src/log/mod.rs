//! What all logs share, whatever carried them: who speaks, which stamp counts, what is kept, where a boot ends.
//!
//! A carrier (journal text, syslog, `dmesg`, a container's log file) takes a line apart into an [`Entry`] and hands it
//! to the [`Log`], which turns entries into events. A line that no signal wants costs a look and two copies into
//! buffers that are used again; only what is kept is allocated.
//!
//! The log counts every line it is handed ([`Log::entry`], [`Log::continuation`], [`Log::marker`], [`Log::stray`]) in
//! the tally, so a carrier counts only lines it hands to nobody.

mod boot;
mod clock;
mod crash;
pub(crate) mod fields;
pub(crate) mod head;
pub(crate) mod inner;
mod kept;
mod notice;
mod open;
mod silence;
pub(crate) mod speaker;
pub(crate) mod stamp;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use timeline::{
    Carrier, Event, Fact, GapKind, Hole, MemberRecords, Name, Quote, Record, Row, Seen, Severity, Source, Span, Stamp,
    Time, relation,
};

use crate::kernel::{self, KernelLine, Report, Reports};
use crate::{Line, Origin, kubelet_config};
use boot::Boots;
use clock::WallClock;
use inner::Header;
use open::Open;
pub(crate) use silence::Number;
use silence::{Numbers, Silences};

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
    /// The message without the carrier's prefix; it may have several lines.
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

/// Entries that may still grow, at most; the one longest untouched is closed for the next.
const OPEN: usize = 32;
/// Hosts and names are counted apart up to here; a file with more of them is no log.
const HOSTS: usize = 4096;
const VOICES: usize = 8192;
/// Changes of the month that are remembered; a file with more of them is in no order.
const MONTHS: usize = 4096;
const SLOTS: usize = 64;
/// Stretches without lines that are told one by one.
const HOLES: usize = 32;
/// Flags a kubelet prints at its start that are kept, of all its starts.
const FLAGS: usize = 2000;
/// An unfiltered journal of a machine shows at least so many programs.
const WHOLE_JOURNAL: u32 = 3;

/// Turns the entries of one member into events.
pub(crate) struct Log {
    origin: Origin,
    carrier: Carrier,
    hosts: Vec<Host>,
    host_names: HashMap<Box<str>, usize>,
    voices: Vec<Voice>,
    voice_names: HashMap<Box<str>, usize>,
    /// Voices that spoke last, by [`slot`].
    recent: [usize; SLOTS],
    /// The key last looked up.
    key: String,
    open: Vec<Open>,
    current: Current,
    last_host: Option<usize>,
    entries: u64,
    marker: Option<(Quote, Option<Name>)>,
    /// Names that a machine had from its image until its system set the true one.
    renames: Vec<(Name, Name)>,
    /// Facts that wait for the first entry, because it names the node.
    stated: Vec<(Row, Stamp, Quote)>,
    order: Order,
    /// Where the month changed, of stamps without a year.
    months: Vec<(u64, Stamp)>,
    no_entries: bool,
    limited: Option<String>,
    done: Vec<Report>,
    stated_flags: usize,
    /// Both clocks of the reception of the next entry.
    received: Option<(i64, i64)>,
    /// The number of the next entry.
    number: Option<Number>,
    /// Before the next entry others stood that cannot be read: why.
    torn: Option<String>,
}

/// Where a continuation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Current {
    Nothing,
    Open(usize),
    /// Into the kernel's report on this host.
    Report(usize),
}

/// A machine that speaks in the member.
struct Host {
    /// As its lines print it.
    key: Box<str>,
    node: Option<Name>,
    names: u32,
    first: Stamp,
    last: Stamp,
    span: (u64, u64),
    seen: Vec<(Source, SeenLines)>,
    reports: Reports,
    boots: Boots,
    clock: WallClock,
    release: Option<Name>,
    silences: Silences,
    numbers: Numbers,
    /// Stretches that no source of the host was read in.
    torn: Vec<Hole>,
}

impl Host {
    /// Whether this is the log of the machine, not of one unit: several programs speak, the kernel among them.
    fn is_whole(&self) -> bool {
        self.names >= WHOLE_JOURNAL && self.hears_kernel()
    }

    fn hears_kernel(&self) -> bool {
        self.seen.iter().any(|it| it.0 == Source::Kernel)
    }
}

#[derive(Default)]
struct SeenLines {
    lines: u64,
    first: Stamp,
    last: Stamp,
    span: (u64, u64),
    incomplete: Option<String>,
    silences: Silences,
    holes: Vec<Hole>,
}

/// A program on a host.
struct Voice {
    host: usize,
    /// Identifier and unit, as printed; none where there were too many to tell them apart.
    words: Option<[Option<Box<str>>; 2]>,
    source: Source,
    ident: Box<str>,
    name: Option<Name>,
    kernel: bool,
    /// Tells of shutdowns and losses.
    attended: bool,
    /// Sets the clock.
    timekeeper: bool,
    /// A runtime under whose name a kubelet may run, or a log that does not say whose it is.
    docker: bool,
}

/// Whether the file runs forwards.
#[derive(Default)]
struct Order {
    later: u32,
    earlier: u32,
}

impl Order {
    fn note(&mut self, before: &Stamp, now: &Stamp) {
        let order = match (before, now) {
            (Stamp::Exact { at: a, .. }, Stamp::Exact { at: b, .. }) => a.cmp(b),
            (Stamp::Zoneless { local: a, .. }, Stamp::Zoneless { local: b, .. }) => a.cmp(b),
            (Stamp::Yearless { month: a, day: b, time: c, .. }, Stamp::Yearless { month: d, day: e, time: f, .. }) => {
                (a, b, c).cmp(&(d, e, f))
            }
            (Stamp::Monotonic { micros: a }, Stamp::Monotonic { micros: b }) => a.cmp(b),
            _ => return,
        };
        match order {
            std::cmp::Ordering::Less => self.later = self.later.saturating_add(1),
            std::cmp::Ordering::Greater => self.earlier = self.earlier.saturating_add(1),
            std::cmp::Ordering::Equal => {}
        }
    }

    fn newest_first(&self) -> bool {
        self.earlier >= 2 && self.earlier > 4 * self.later
    }
}

impl Log {
    pub(crate) fn new(origin: &Origin, carrier: Carrier) -> Log {
        Log {
            origin: origin.clone(),
            carrier,
            hosts: Vec::new(),
            host_names: HashMap::new(),
            voices: Vec::new(),
            voice_names: HashMap::new(),
            recent: [usize::MAX; SLOTS],
            key: String::new(),
            open: Vec::new(),
            current: Current::Nothing,
            last_host: None,
            entries: 0,
            marker: None,
            renames: Vec::new(),
            stated: Vec::new(),
            order: Order::default(),
            months: Vec::new(),
            no_entries: false,
            limited: None,
            done: Vec::new(),
            stated_flags: 0,
            received: None,
            number: None,
            torn: None,
        }
    }

    /// Takes the next entry, in file order.
    pub(crate) fn entry(&mut self, entry: Entry<'_>, out: &mut MemberRecords) {
        out.tally.lines += 1;
        out.tally.understood += 1;
        self.entries += 1;
        let voice = self.voice(&entry);
        let host = self.voices[voice].host;
        let mut message: &str = &entry.message;
        if entry.ident.is_none()
            && let Some(more) = notice::repeated_last(message)
        {
            self.see(voice, None, &entry.stamp, &entry.line);
            if let Current::Open(at) = self.current
                && self.voices[self.open[at].voice].host == host
            {
                self.open[at].count = self.open[at].count.saturating_add(more);
            }
            return;
        }
        let mut count = 1;
        if message.starts_with("message repeated ")
            && let Some((more, inner)) = notice::repeated(message)
        {
            (count, message) = (more, inner);
        }
        let (mut micros, mut caller, kernel) = (entry.micros, None, self.voices[voice].kernel);
        if kernel && message.starts_with('[') {
            if let Some((found, by, rest)) = notice::kernel_clock(message) {
                (micros, caller, message) = (micros.or(Some(found)), by, rest);
            } else if let Some((by, rest)) = notice::caller(message) {
                (caller, message) = (Some(by), rest.strip_prefix(' ').unwrap_or(rest));
            }
        }
        let header = if kernel { Header::None } else { inner::header(message) };
        let carried = !matches!(entry.stamp, Stamp::None | Stamp::Exact { .. });
        let (stamp, own_stamp) = match (entry.stamp, micros) {
            (Stamp::None, Some(micros)) if kernel => (Stamp::Monotonic { micros }, false),
            (Stamp::None, _) if header != Header::None => (inner::read(message, header).0.unwrap_or_default(), true),
            (stamp, _) => (stamp, false),
        };
        if !self.stated.is_empty() {
            self.state(host, out);
        }
        let (head, rest) = match memchr::memchr(b'\n', message.as_bytes()) {
            Some(at) => (&message[..at], &message[at + 1..]),
            None => (message, ""),
        };
        let line = entry.line;
        self.follow_boots(voice, head, entry.boot, entry.pid, &stamp, &line, out);
        if self.received.is_some() {
            self.follow_clock(host, entry.boot, &stamp, &line, out);
        }
        if self.voices[voice].timekeeper {
            let ident = self.voices[voice].ident.clone();
            if let Some(by_secs) = clock::stepped(&ident, head) {
                self.told_step(host, by_secs, &ident, &stamp, &line, out);
            } else if let Some(ahead_secs) = clock::ahead_of_peer(&ident, head) {
                self.told_peer(host, ahead_secs, &stamp, &line, out);
            }
        }
        let docker_kubelet = self.voices[voice].docker && matches!(header, Header::Klog(_)) && is_kubelet_file(head);
        let device = self.carrier == Carrier::Syslog && is_device(&self.voices[voice].ident, head);
        let source = match (docker_kubelet, device) {
            (true, _) => Some(Source::Kubelet),
            (_, true) => Some(Source::NetworkDevice),
            _ => None,
        };
        if carried && matches!(header, Header::Logrus | Header::Json) && self.hosts[host].clock.wants_zone() {
            self.tell_zone(host, message, header, &stamp, &line, out);
        }
        if self.number.is_some() || self.torn.is_some() {
            self.note_loss(host, &stamp, &line);
        }
        self.see(voice, source, &stamp, &line);
        if header == Header::Klog(b'I') && self.stated_flags < FLAGS && inner::klog_file(head) == Some("flags.go") {
            self.flag(voice, head, &stamp, &line, out);
        }
        if kernel || self.voices[voice].attended {
            self.attend(voice, head, micros, &stamp, &line, out);
        }
        if kernel && self.kernel(host, head, micros, caller, &stamp, &line, out) {
            for text in rest.split('\n').filter(|_| !rest.is_empty()) {
                self.kernel(host, text, micros, caller, &stamp, &line, out);
            }
            self.settle(None, out);
            self.current = Current::Report(host);
            return;
        }
        let source = source.unwrap_or(self.voices[voice].source);
        let severity = entry.severity;
        // only files of one program have lines without a stamp
        let before = if stamp == Stamp::None { self.hosts[host].last.clone() } else { Stamp::None };
        let fresh = open::Fresh { voice, source, pid: entry.pid, severity, count, header, stamp, own_stamp, before };
        let at = self.put(fresh, head, &line, out);
        self.current = Current::Open(at);
        if !rest.is_empty() {
            for text in rest.strip_suffix('\n').unwrap_or(rest).split('\n') {
                self.grow(at, &line, text);
            }
        }
    }

    /// Takes a line that belongs to the entry before it; `text` is the line without its indentation.
    pub(crate) fn continuation(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        if !line.text.trim().is_empty() {
            out.tally.lines += 1;
            out.tally.understood += 1;
        }
        self.more(line, text, out);
    }

    /// Takes a line whose shape says nothing; it may belong to the entry before it.
    pub(crate) fn stray(&mut self, line: Line<'_>, out: &mut MemberRecords) {
        if line.text.trim().is_empty() {
            return;
        }
        out.tally.lines += 1;
        out.tally.odd_bytes += line.text.len() as u64;
        self.more(line, line.text, out);
    }

    fn more(&mut self, line: Line<'_>, text: &str, out: &mut MemberRecords) {
        match self.current {
            Current::Open(at) => self.grow(at, &line, text),
            Current::Report(host) => {
                let stamp = self.hosts[host].last.clone();
                self.kernel(host, text, None, None, &stamp, &line, out);
            }
            Current::Nothing => {}
        }
    }

    /// Takes a line that speaks about its neighbours.
    pub(crate) fn marker(&mut self, marker: Marker<'_>, line: Line<'_>, out: &mut MemberRecords) {
        out.tally.lines += 1;
        out.tally.understood += 1;
        match marker {
            Marker::Reboot => self.marker = Some((self.origin.quote(&line), None)),
            Marker::Boot(id) => self.marker = Some((self.origin.quote(&line), Some(Name::from(id)))),
            Marker::NoEntries => self.no_entries = true,
        }
    }

    /// Takes a fact about the node whose log this is, which only the entries will name.
    pub(crate) fn state_fact(&mut self, row: Row, stamp: Stamp, quote: Quote) {
        self.stated.push((row, stamp, quote));
    }

    /// The file that is read.
    pub(crate) fn member(&self) -> timeline::MemberId {
        self.origin.member
    }

    /// Says why lines of any source may be missing.
    pub(crate) fn limit(&mut self, why: &str) {
        self.limited.get_or_insert_with(|| why.to_owned());
    }

    /// The number that the carrier gave the next entry.
    pub(crate) fn number(&mut self, number: Number) {
        self.number = Some(number);
    }

    /// Before the next entry others stood that cannot be read.
    pub(crate) fn tear(&mut self, why: &str) {
        self.torn.get_or_insert_with(|| why.to_owned());
    }

    fn note_loss(&mut self, host: usize, stamp: &Stamp, line: &Line<'_>) {
        let host = &mut self.hosts[host];
        if let Some(number) = self.number.take() {
            host.numbers.note(number, &host.last, stamp, host.span.1, line);
        }
        if let Some(what) = self.torn.take()
            && host.last != Stamp::None
            && host.torn.len() < HOLES
        {
            let (from, to, span) = (host.last.clone(), stamp.clone(), (host.span.1, line.start));
            host.torn.push(Hole { kind: GapKind::Unreadable, from, to, span, line: line.number, what });
        }
    }

    /// The member has ended: hands out what was still open and the record of what was seen.
    pub(crate) fn finish(&mut self, out: &mut MemberRecords) {
        self.close_all(None, out);
        for host in 0..self.hosts.len() {
            self.end_of_host(host, out);
        }
        if self.order.newest_first() && self.hosts.iter().any(|it| it.seen.iter().any(|it| it.0 == Source::Kernel)) {
            out.issue(self.origin.member, 0, "newest line first: kernel reports were not put together");
        }
        if self.no_entries && self.entries == 0 {
            let source = speaker::by_path(&self.origin.path).and_then(speaker::known).unwrap_or(Source::System);
            let incomplete = self.limited.clone();
            let seen = seen(self.origin.node.clone(), source, SeenLines { incomplete, ..SeenLines::default() });
            out.seen.push(Seen { member: self.origin.member, ..seen });
        }
        let stated = std::mem::take(&mut self.stated);
        for (row, stamp, quote) in stated {
            out.records.push(Record::Fact(Box::new(Fact::new(row, self.origin.node.clone(), quote)), stamp));
        }
        out.months.append(&mut self.months);
        self.rename(out);
        for host in std::mem::take(&mut self.hosts) {
            let whole = host.is_whole();
            let silent = host.silences.found();
            let mut torn = host.torn;
            torn.extend(host.numbers.found());
            for (source, mut lines) in host.seen {
                if whole {
                    (lines.first, lines.last, lines.span) = (host.first.clone(), host.last.clone(), host.span);
                    lines.holes.extend(silent.iter().cloned());
                }
                silence::add(&mut lines.holes, torn.clone());
                silence::add(&mut lines.holes, std::mem::take(&mut lines.silences).found());
                lines.incomplete = lines.incomplete.or_else(|| self.limited.clone());
                out.seen.push(Seen { member: self.origin.member, ..seen(host.node.clone(), source, lines) });
            }
        }
        // entries that lingered were closed late
        out.records.sort_by_key(|it| match it {
            Record::Event(event) => event.quote.span.start,
            Record::Fact(fact, _) => fact.quotes.first().map_or(0, |it| it.span.start),
            Record::Series(series) => series.start,
        });
    }

    /// Gives the lines from before a machine knew its name that name.
    fn rename(&mut self, out: &mut MemberRecords) {
        let mut names: BTreeMap<Name, Option<Name>> = BTreeMap::new();
        for (old, new) in self.renames.drain(..) {
            // one image on several machines: whose line it was cannot be told
            let known = names.entry(old).or_insert_with(|| Some(new.clone()));
            if known.as_ref() != Some(&new) {
                *known = None;
            }
        }
        if names.is_empty() {
            return;
        }
        let change = |node: &mut Option<Name>| {
            if let Some(Some(new)) = node.as_ref().and_then(|it| names.get(it)) {
                *node = Some(new.clone());
            }
        };
        self.hosts.iter_mut().for_each(|it| change(&mut it.node));
        for record in &mut out.records {
            match record {
                Record::Event(event) => change(&mut event.node),
                Record::Fact(fact, _) => change(&mut fact.node),
                Record::Series(_) => {}
            }
        }
    }

    /// The host of an entry, made when it is new.
    fn host(&mut self, name: Option<&str>) -> usize {
        // a line without a host is of the machine that spoke before it
        let Some(name) = name.filter(|it| !is_no_host(it)) else {
            return self.last_host.unwrap_or_else(|| self.new_host("", None));
        };
        if let Some(at) = self.last_host.filter(|it| *self.hosts[*it].key == *name) {
            return at;
        }
        match self.host_names.get(name) {
            Some(&at) => at,
            None => self.new_host(name, Some(name)),
        }
    }

    fn new_host(&mut self, key: &str, name: Option<&str>) -> usize {
        if let Some(&at) = self.host_names.get(key) {
            return at;
        }
        if self.hosts.len() >= HOSTS {
            return 0;
        }
        let node = match name {
            // the layout names the same machine: its spelling is one name less to unify
            Some(name) => match &self.origin.node {
                Some(node) if node.as_ref() == name => Some(node.clone()),
                _ => Some(Name::from(name)),
            },
            None => self.origin.node.clone(),
        };
        self.hosts.push(Host {
            key: key.into(),
            node,
            names: 0,
            first: Stamp::None,
            last: Stamp::None,
            span: (0, 0),
            seen: Vec::new(),
            reports: Reports::default(),
            boots: Boots::default(),
            clock: WallClock::default(),
            release: None,
            silences: Silences::default(),
            numbers: Numbers::default(),
            torn: Vec::new(),
        });
        self.host_names.insert(key.into(), self.hosts.len() - 1);
        self.hosts.len() - 1
    }

    fn voice(&mut self, entry: &Entry<'_>) -> usize {
        let host = self.host(entry.host);
        let (ident, unit) = (entry.ident.as_deref(), entry.unit.as_deref());
        let slot = slot(host, ident.or(unit).unwrap_or_default());
        let recent = self.recent[slot];
        if let Some(voice) = self.voices.get(recent)
            && voice.host == host
            && let Some([own_ident, own_unit]) = &voice.words
            && own_ident.as_deref() == ident
            && own_unit.as_deref() == unit
        {
            return recent;
        }
        let at = self.find_voice(host, ident, unit);
        self.recent[slot] = at;
        at
    }

    fn find_voice(&mut self, host: usize, ident: Option<&str>, unit: Option<&str>) -> usize {
        self.key.clear();
        // hosts are fewer than 2^14
        let parts = [host & 0x7f, host >> 7 & 0x7f, usize::from(ident.is_some())];
        self.key.extend(parts.map(|it| char::from(it as u8)));
        self.key.push_str(ident.unwrap_or_default());
        self.key.push('\0');
        self.key.push_str(unit.unwrap_or_default());
        if let Some(&at) = self.voice_names.get(self.key.as_str()) {
            return at;
        }
        let many = self.voices.len() >= VOICES;
        let words = (!many).then(|| [ident, unit].map(|it| it.map(Box::from)));
        let (ident, unit) = if many { (None, None) } else { (ident, unit) };
        let source = speaker::source(ident, unit, self.carrier);
        let word = ident.or(unit).unwrap_or_default();
        let plain = word.strip_suffix(".service").unwrap_or(word);
        let kernel = source == Source::Kernel;
        let attended = kernel || notice::tells_of_shutdown(plain) || plain.starts_with("rsyslogd");
        let nameless = word.is_empty() && self.carrier == Carrier::File;
        let docker = nameless || matches!(plain, "docker" | "dockerd" | "dockerd-current");
        let name = ident.or(unit).filter(|it| !it.is_empty()).map(Name::from);
        self.hosts[host].names += u32::from(name.is_some());
        let timekeeper = clock::keeps_time(plain);
        let ident = plain.into();
        self.voices.push(Voice { host, words, source, ident, name, kernel, attended, timekeeper, docker });
        if self.voices.len() <= VOICES + HOSTS {
            self.voice_names.insert(self.key.as_str().into(), self.voices.len() - 1);
        }
        self.voices.len() - 1
    }

    /// Counts a line for its source.
    fn see(&mut self, voice: usize, source: Option<Source>, stamp: &Stamp, line: &Line<'_>) {
        let Voice { host, source: own, .. } = self.voices[voice];
        let of = &mut self.hosts[host];
        if *stamp != Stamp::None {
            if of.first == Stamp::None {
                (of.first, of.span.0) = (stamp.clone(), line.start);
            } else if self.last_host == Some(host) {
                self.order.note(&of.last, stamp);
            }
            of.silences.note(&of.last, stamp, of.span.1, line);
            if let (Stamp::Yearless { month: before, .. }, Stamp::Yearless { month, .. }) = (&of.last, stamp)
                && before != month
                && self.months.len() < MONTHS
            {
                self.months.push((line.start, stamp.clone()));
            }
            (of.last, of.span.1) = (stamp.clone(), line.start);
        }
        let seen = seen_lines(&mut of.seen, source.unwrap_or(own));
        seen.lines += 1;
        if *stamp != Stamp::None {
            if seen.first == Stamp::None {
                (seen.first, seen.span.0) = (stamp.clone(), line.start);
            }
            seen.silences.note(&seen.last, stamp, seen.span.1, line);
            (seen.last, seen.span.1) = (stamp.clone(), line.start);
        }
        self.last_host = Some(host);
    }

    /// Looks for what the kernel, journald and rsyslogd say about the log itself.
    fn attend(
        &mut self,
        voice: usize,
        message: &str,
        micros: Option<u64>,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) {
        let Voice { host, kernel, .. } = self.voices[voice];
        if let Some(loss) = notice::loss(&self.voices[voice].ident, message) {
            if !loss.narrow {
                let what = format!("lines were lost: {}", message.chars().take(200).collect::<String>());
                match loss.source {
                    Some(source) => {
                        let lines = seen_lines(&mut self.hosts[host].seen, source);
                        // of a source with one speaker they were lost since its last line; of many, who knows
                        let one = matches!(source, Source::Kernel | Source::Kubelet);
                        if one && lines.last != Stamp::None && *stamp != Stamp::None && lines.holes.len() < HOLES {
                            let (from, to, span) = (lines.last.clone(), stamp.clone(), (lines.span.1, line.start));
                            lines.holes.push(Hole { kind: GapKind::Lost, from, to, span, line: line.number, what });
                        } else {
                            lines.incomplete.get_or_insert(what);
                        }
                    }
                    None => self.limit(&what),
                }
            }
            let source = loss.of.or(loss.source.map(Source::name));
            let row = Row::new(&relation::LOSS).with("count", loss.count).with("text", message);
            let row = match source {
                Some(source) => row.with("source", source),
                None => row,
            };
            self.fact(host, row, stamp, line, out);
        }
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
            let row = boot::anchor(micros, epoch_micros, error_micros, how);
            self.fact(host, row, stamp, line, out);
        }
        if let Stamp::Exact { at, .. } = stamp {
            self.hosts[host].boots.envelope(micros, at.timestamp_micros(), line);
        }
    }

    fn fact(&self, host: usize, row: Row, stamp: &Stamp, line: &Line<'_>, out: &mut MemberRecords) {
        let fact = Fact::new(row, self.hosts[host].node.clone(), self.origin.quote(line));
        out.records.push(Record::Fact(Box::new(fact), stamp.clone()));
    }

    /// `flags.go:64] FLAG: --pod-max-pids="4096"` of a kubelet that starts.
    fn flag(&mut self, voice: usize, message: &str, stamp: &Stamp, line: &Line<'_>, out: &mut MemberRecords) {
        let kubelet = self.voices[voice].source == Source::Kubelet || self.voices[voice].docker;
        for (key, value) in kubelet_config::logged(message).into_iter().filter(|_| kubelet) {
            self.stated_flags += 1;
            self.fact(self.voices[voice].host, kubelet_config::row(&key, &value, "flag"), stamp, line, out);
        }
    }

    fn state(&mut self, host: usize, out: &mut MemberRecords) {
        for (row, stamp, quote) in std::mem::take(&mut self.stated) {
            let fact = Fact::new(row, self.hosts[host].node.clone(), quote);
            out.records.push(Record::Fact(Box::new(fact), stamp));
        }
    }

    /// Gives a kernel line to the reports; true where it is part of one.
    #[allow(clippy::too_many_arguments)]
    fn kernel(
        &mut self,
        host: usize,
        text: &str,
        micros: Option<u64>,
        caller: Option<&str>,
        stamp: &Stamp,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) -> bool {
        // backwards, the lines of a report say nothing
        if self.order.newest_first() {
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

    fn hand_out_reports(&mut self, host: usize, out: &mut MemberRecords) {
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
    fn end_of_host(&mut self, host: usize, out: &mut MemberRecords) {
        self.hosts[host].reports.flush(&mut self.done);
        self.hand_out_reports(host, out);
        self.end_pending(host, true, out);
        let node = self.hosts[host].node.clone();
        if let Some((row, stamp, quote)) = self.hosts[host].boots.take_envelope(&self.origin, self.carrier) {
            out.records.push(Record::Fact(Box::new(Fact::new(row, node, quote)), stamp));
        }
    }
}

/// Where to look first for a voice: not to hash the words of every line.
fn slot(host: usize, word: &str) -> usize {
    let bytes = word.as_bytes();
    let at = |at: usize| bytes.get(at).map_or(0, |it| usize::from(*it));
    let last = bytes.last().map_or(0, |it| usize::from(*it));
    (host.wrapping_mul(7) ^ at(0) ^ at(3) << 2 ^ last << 1 ^ bytes.len() << 3) % SLOTS
}

fn seen_lines(seen: &mut Vec<(Source, SeenLines)>, source: Source) -> &mut SeenLines {
    let at = match seen.iter().position(|it| it.0 == source) {
        Some(at) => at,
        None => {
            seen.push((source, SeenLines::default()));
            seen.len() - 1
        }
    };
    &mut seen[at].1
}

fn seen(node: Option<Name>, source: Source, lines: SeenLines) -> Seen {
    Seen {
        node,
        source,
        lines: lines.lines,
        first: lines.first,
        last: lines.last,
        span: lines.span,
        incomplete: lines.incomplete,
        holes: lines.holes,
        covers: None,
        member: timeline::MemberId(0),
    }
}

/// Words that stand where a host name would: `localhost` while a machine boots, `-` where the sender had none.
fn is_no_host(name: &str) -> bool {
    matches!(name, "" | "-" | "localhost" | "localhost.localdomain" | "(none)" | "unknown")
}

/// `2214: Jul 23 21:42:16.902 CST: %SYS-6-LOGOUT: …`: a switch or router, which numbers its messages.
pub(crate) fn is_device(ident: &str, message: &str) -> bool {
    let (ident, body) = match ident.strip_prefix('%') {
        Some(mnemonic) => ("", mnemonic),
        None => (ident, ""),
    };
    let numbered = ident.bytes().all(|it| it.is_ascii_digit());
    let mnemonic = |text: &str| {
        let word = text.split(':').next().unwrap_or_default();
        let mut parts = word.rsplitn(3, '-');
        let (_, level) = (parts.next(), parts.next().unwrap_or_default());
        level.len() == 1 && level.bytes().all(|it| it.is_ascii_digit()) && parts.next().is_some()
    };
    numbered && (mnemonic(body) || message.find('%').is_some_and(|at| mnemonic(&message[at + 1..])))
}

/// `… kubelet.go:1882] …`: files that only the kubelet is built from, to tell it from the runtime whose name it bears.
fn is_kubelet_file(message: &str) -> bool {
    const FILES: &[&str] =
        &["kubelet", "kuberuntime", "pod_", "prober", "eviction", "docker_", "cpu_manager", "volume_"];
    const WHOLE: &[&str] = &[
        "generic.go",
        "setters.go",
        "reconciler.go",
        "operation_generator.go",
        "nestedpendingoperations.go",
        "status_manager.go",
        "summary_sys_containers.go",
        "topology_manager.go",
        "container_manager_linux.go",
        "cni.go",
        "remote_runtime.go",
        "server.go",
        "worker.go",
        "helpers.go",
    ];
    inner::klog_file(message).is_some_and(|it| FILES.iter().any(|front| it.starts_with(front)) || WHOLE.contains(&it))
}

/// The line as it stands, from buffers.
fn quote(origin: &Origin, text: &str, start: u64, number: u32) -> Quote {
    let span = Span { member: origin.member, start, len: text.len() as u32, line: number };
    Quote { span, text: text.into() }
}

#[cfg(test)]
mod tests;
