//! Who speaks in a log: machines, their programs, and from when to when each was heard.

use std::collections::BTreeMap;

use timeline::{Carrier, Hole, MemberRecords, Name, Quote, Record, Seen, Source, Stamp};

use super::backwards::Backwards;
use super::boots::Boots;
use super::clock::WallClock;
use super::losses::Losses;
use super::quiet::{Manner, Waiting};
use super::silence::{self, Numbers, Silences};
use super::{Entry, HOSTS, Log, MONTHS, SLOTS, VOICES, WHOLE_JOURNAL, clock, notice, speaker};
use crate::Line;
use crate::kernel::Reports;

/// A machine that speaks in the member.
pub(super) struct Host {
    /// As its lines print it.
    pub(super) key: Box<str>,
    pub(super) node: Option<Name>,
    pub(super) names: u32,
    pub(super) first: Stamp,
    pub(super) last: Stamp,
    /// Of the last stamp, on whatever clock it is.
    last_secs: Option<i64>,
    pub(super) span: (u64, u64),
    /// The first line with a stamp, and who said it.
    pub(super) top: Option<Box<(usize, Quote)>>,
    pub(super) seen: Vec<(Source, SeenLines)>,
    pub(super) reports: Reports,
    pub(super) backwards: Backwards,
    pub(super) boots: Boots,
    pub(super) clock: WallClock,
    pub(super) release: Option<Name>,
    pub(super) silences: Silences,
    pub(super) numbers: Numbers,
    /// Stretches that no source of the host was read in.
    pub(super) torn: Vec<Hole>,
    pub(super) losses: Losses,
}

impl Host {
    /// Whether this is the log of the machine, not of one unit: several programs speak, the kernel among them.
    pub(super) fn is_whole(&self) -> bool {
        self.names >= WHOLE_JOURNAL && self.hears_kernel()
    }

    pub(super) fn hears_kernel(&self) -> bool {
        self.seen.iter().any(|it| it.0 == Source::Kernel)
    }
}

#[derive(Default)]
pub(super) struct SeenLines {
    pub(super) lines: u64,
    pub(super) first: Stamp,
    pub(super) last: Stamp,
    pub(super) span: (u64, u64),
    pub(super) incomplete: Option<String>,
    pub(super) silences: Silences,
    pub(super) holes: Vec<Hole>,
}

/// A program on a host.
pub(super) struct Voice {
    pub(super) host: usize,
    /// Identifier and unit, as printed; none where there were too many to tell them apart.
    pub(super) words: Option<[Option<Box<str>>; 2]>,
    pub(super) source: Source,
    pub(super) ident: Box<str>,
    pub(super) name: Option<Name>,
    pub(super) kernel: bool,
    /// Tells of shutdowns and losses.
    pub(super) attended: bool,
    /// Sets the clock.
    pub(super) timekeeper: bool,
    /// A runtime under whose name a kubelet may run, or a log that does not say whose it is.
    pub(super) docker: bool,
    /// Which of its entries may pass by.
    pub(super) manner: Manner,
    /// Where its own source stands among those of its host.
    seen: Option<usize>,
    /// An entry of it that may go on after others have spoken.
    pub(super) waiting: Waiting,
    /// How many of its entries are open.
    pub(super) open: u32,
}

impl Log {
    /// The host of an entry, made when it is new.
    pub(super) fn host(&mut self, name: Option<&str>) -> usize {
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

    pub(super) fn new_host(&mut self, key: &str, name: Option<&str>) -> usize {
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
            last_secs: None,
            span: (0, 0),
            top: None,
            seen: Vec::new(),
            reports: Reports::default(),
            backwards: Backwards::default(),
            boots: Boots::default(),
            clock: WallClock::default(),
            release: None,
            silences: Silences::default(),
            numbers: Numbers::default(),
            torn: Vec::new(),
            losses: Losses::default(),
        });
        self.host_names.insert(key.into(), self.hosts.len() - 1);
        self.hosts.len() - 1
    }

    /// Who speaks; made when it is new.
    pub(super) fn voice(&mut self, entry: &Entry<'_>) -> usize {
        let at = entry.speaker as usize % SLOTS;
        if entry.speaker != 0 && self.speakers[at].0 == entry.speaker {
            return self.speakers[at].1;
        }
        let voice = self.voice_by_words(entry);
        // `localhost` is whoever spoke before
        if entry.speaker != 0 && entry.host.is_none_or(|it| !is_no_host(it)) {
            self.speakers[at] = (entry.speaker, voice);
        }
        voice
    }

    fn voice_by_words(&mut self, entry: &Entry<'_>) -> usize {
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

    pub(super) fn find_voice(&mut self, host: usize, ident: Option<&str>, unit: Option<&str>) -> usize {
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
        let waiting = Waiting::default();
        let mut voice = Voice {
            host,
            words,
            source,
            ident,
            name,
            kernel,
            attended,
            timekeeper,
            docker,
            manner: Manner::Watched,
            seen: None,
            waiting,
            open: 0,
        };
        voice.manner = voice.manner();
        self.voices.push(voice);
        if self.voices.len() <= VOICES + HOSTS {
            self.voice_names.insert(self.key.as_str().into(), self.voices.len() - 1);
        }
        self.voices.len() - 1
    }

    /// Counts a line for its source.
    pub(super) fn see(&mut self, voice: usize, source: Option<Source>, stamp: &Stamp, line: &Line<'_>) {
        let Voice { host, source: own, seen: known, .. } = self.voices[voice];
        let of = &mut self.hosts[host];
        let secs = silence::secs(stamp);
        if !stamp.is_none() {
            if of.first.is_none() {
                (of.first, of.span.0) = (*stamp, line.start);
                of.top = Some(Box::new((voice, self.origin.quote(line))));
            } else if self.last_host == Some(host) {
                let one_clock = std::mem::discriminant(&of.last) == std::mem::discriminant(stamp);
                match (of.last_secs, secs) {
                    (Some(before), Some(now)) if one_clock && before != now => self.order.count(before.cmp(&now)),
                    _ => self.order.note(&of.last, stamp),
                }
            }
            of.last_secs = secs;
            if let Some(secs) = secs
                && !of.silences.follows(secs)
            {
                of.silences.note(secs, &of.last, stamp, of.span.1, line);
            }
            if let (Stamp::Yearless { month: before, .. }, Stamp::Yearless { month, .. }) = (&of.last, stamp)
                && before != month
                && self.months.len() < MONTHS
            {
                self.months.push((line.start, *stamp));
            }
            (of.last, of.span.1) = (*stamp, line.start);
        }
        let at = match (source, known) {
            (None, Some(at)) => at,
            _ => {
                let at = seen_place(&mut of.seen, source.unwrap_or(own));
                if source.is_none() {
                    self.voices[voice].seen = Some(at);
                }
                at
            }
        };
        let seen = &mut of.seen[at].1;
        seen.lines += 1;
        if !stamp.is_none() {
            if seen.first.is_none() {
                (seen.first, seen.span.0) = (*stamp, line.start);
            }
            if let Some(secs) = secs
                && !seen.silences.follows(secs)
            {
                seen.silences.note(secs, &seen.last, stamp, seen.span.1, line);
            }
            (seen.last, seen.span.1) = (*stamp, line.start);
        }
        self.last_host = Some(host);
    }

    /// Gives the lines from before a machine knew its name that name.
    pub(super) fn rename(&mut self, out: &mut MemberRecords) {
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
}

/// Where to look first for a voice: not to hash the words of every line.
pub(super) fn slot(host: usize, word: &str) -> usize {
    let bytes = word.as_bytes();
    let at = |at: usize| bytes.get(at).map_or(0, |it| usize::from(*it));
    let last = bytes.last().map_or(0, |it| usize::from(*it));
    (host.wrapping_mul(7) ^ at(0) ^ at(3) << 2 ^ last << 1 ^ bytes.len() << 3) % SLOTS
}

pub(super) fn seen_lines(seen: &mut Vec<(Source, SeenLines)>, source: Source) -> &mut SeenLines {
    let at = seen_place(seen, source);
    &mut seen[at].1
}

/// Where what was seen of a source stands; it stays there.
fn seen_place(seen: &mut Vec<(Source, SeenLines)>, source: Source) -> usize {
    seen.iter().position(|it| it.0 == source).unwrap_or_else(|| {
        seen.push((source, SeenLines::default()));
        seen.len() - 1
    })
}

pub(super) fn seen(node: Option<Name>, source: Source, lines: SeenLines) -> Seen {
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
pub(super) fn is_no_host(name: &str) -> bool {
    matches!(name, "" | "-" | "localhost" | "localhost.localdomain" | "(none)" | "unknown")
}
