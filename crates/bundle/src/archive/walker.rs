//! One stream, from its first bytes down to the members in it.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::thread::available_parallelism;

use super::budget::{Budget, Count};
use super::decode::Packing;
use super::layer::{Counted, End, Headed, Judge, Layer, Leaf};
use super::open::dated;
use super::sniff::{Kind, names_archive, sniff, text};
use super::{Limit, Limits, Member, Note, SkipReason, Visitor};

/// How many members of a compressed file are unpacked at the same time.
const MOST_THREADS: usize = 4;

/// What one walk carries along.
pub(super) struct Walker<'w> {
    pub(super) limits: &'w Limits,
    pub(super) budget: &'w Budget,
    pub(super) visitor: &'w mut dyn Visitor,
    /// Bytes held in memory by the zips around the present one.
    pub(super) held: u64,
    /// What the visitor was told, besides links and odd paths.
    pub(super) said: u64,
    /// Whether a compression around the present place gave too much and was ended.
    pub(super) tripped: Rc<Cell<bool>>,
    /// Whether the visitor was told so at what was then cut.
    pub(super) told: bool,
}

/// Where in the bundle a stream stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The path of what is read; of a file that the user named, its name.
    pub(super) path: String,
    pub(super) modified: Option<i64>,
    pub(super) size: Option<u64>,
    /// Containers around it.
    pub(super) depth: u32,
    /// Whether it is what the user named, so that members carry no prefix and a bad beginning is an error.
    pub(super) top: bool,
    /// Whether it comes out of a compression; another one inside counts as a container.
    pub(super) unpacked: bool,
    /// Bytes read of the outermost file.
    pub(super) root: Count,
}

/// Why a walk ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The visitor, or a limit that holds for everything.
    Quit,
    /// What the user named cannot be opened.
    Unreadable {
        kind: &'static str,
        source: io::Error,
    },
    Unrecognized,
    Unsupported(&'static str),
}

impl Place {
    /// What stands before the paths of this container's members.
    pub(super) fn prefix(&self) -> String {
        if self.top { String::new() } else { format!("{}!/", self.path) }
    }

    /// A member of the container that stands here.
    pub(super) fn member(&self, path: String, modified: Option<i64>, size: Option<u64>) -> Place {
        let (modified, root) = (dated(modified), self.root.clone());
        Place { path, modified, size, depth: self.depth + 1, top: false, unpacked: false, root }
    }
}

impl Walker<'_> {
    pub(super) fn stream(&mut self, place: &Place, mut reader: Headed<'_>) -> Result<(), Stop> {
        match sniff(reader.head(), &place.path) {
            Kind::Plain if place.top && names_archive(&place.path) && !place.unpacked && !text(reader.head()) => {
                Err(Stop::Unrecognized)
            }
            Kind::Plain => self.plain(place, &mut reader),
            Kind::Packed(packing) => {
                let within = place.depth + u32::from(place.unpacked);
                self.enter(place, within, reader, |walker, reader| walker.packed(place, packing, within, reader))
            }
            Kind::Tar => self.enter(place, place.depth, reader, |walker, reader| {
                walker.container(place, |walker| walker.tar(place, reader))
            }),
            Kind::Zip => self.enter(place, place.depth, reader, |walker, reader| {
                walker.container(place, |walker| walker.zip_stream(place, reader))
            }),
            Kind::Sections(framing) => self.enter(place, place.depth, reader, |walker, reader| {
                let limits = walker.limits;
                walker.container(place, |walker| walker.sections(place, framing, reader, limits))
            }),
            Kind::Unsupported(kind) if place.top => Err(Stop::Unsupported(kind)),
            Kind::Unsupported(kind) => self.skip(place, &mut reader, SkipReason::Unsupported(kind.to_owned())),
        }
    }

    /// Goes one level deeper, if that is allowed.
    fn enter<'r>(
        &mut self,
        place: &Place,
        depth: u32,
        mut reader: Headed<'r>,
        walk: impl FnOnce(&mut Self, Headed<'r>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if depth < self.limits.depth {
            return walk(self, reader);
        }
        self.limit(Limit::Depth, &place.path, u64::from(self.limits.depth));
        self.skip(place, &mut reader, SkipReason::Limit(Limit::Depth))
    }

    /// Walks an archive, and says so if nothing was in it.
    pub(super) fn container(
        &mut self,
        place: &Place,
        walk: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let before = self.said;
        walk(self)?;
        if self.said > before || place.top { Ok(()) } else { self.skipped(place, 0, false, SkipReason::NoFiles) }
    }

    pub(super) fn plain(&mut self, place: &Place, reader: &mut dyn Read) -> Result<(), Stop> {
        let mut leaf = Leaf { reader, budget: self.budget, over: false };
        let (path, modified, size) = (place.path.clone(), place.modified, place.size);
        let member = Member { path, modified, size, reader: &mut leaf };
        self.said += 1;
        if self.visitor.member(member) == ControlFlow::Break(()) {
            return Err(Stop::Quit);
        }
        let (unread, over) = (leaf.drain(), leaf.over);
        if unread == 0 { self.check(place, over) } else { self.skipped(place, unread, over, SkipReason::Unread) }
    }

    /// Passes over what stands at `place`, and says so.
    pub(super) fn skip(&mut self, place: &Place, reader: &mut dyn Read, reason: SkipReason) -> Result<(), Stop> {
        let mut leaf = Leaf { reader, budget: self.budget, over: false };
        let bytes = leaf.drain();
        let over = leaf.over;
        self.skipped(place, bytes, over, reason)
    }

    pub(super) fn skipped(&mut self, place: &Place, bytes: u64, over: bool, reason: SkipReason) -> Result<(), Stop> {
        self.note(Note::Skipped { path: place.path.clone(), bytes, reason });
        self.check(place, over)
    }

    fn check(&mut self, place: &Place, over: bool) -> Result<(), Stop> {
        if over { Err(self.total(&place.path)) } else { Ok(()) }
    }

    pub(super) fn packed(
        &mut self,
        place: &Place,
        packing: Packing,
        depth: u32,
        reader: impl Read,
    ) -> Result<(), Stop> {
        let (own, taken) = (Count::default(), Count::default());
        let judge = self.judge(own.clone(), place);
        let mut reader = Counted { inner: reader, count: taken.clone() };
        // further in, what is read ahead would be counted among the bytes of the outermost file that a ratio is judged by
        let outermost = place.depth == 0 && !place.unpacked;
        let threads = if outermost { available_parallelism().map_or(1, |it| it.get().min(MOST_THREADS)) } else { 1 };
        let mut layer = Layer::new(packing.unpack(&mut reader, own, self.limits, threads), Some(judge));
        let inside = Headed::new(&mut layer);
        let nothing = inside.head().is_empty();
        let mut ended = Ok(());
        if !nothing {
            ended = self.stream(&Place { unpacked: true, size: None, depth, ..place.clone() }, inside);
        }
        let end = layer.take_end();
        match end {
            Some(End::Broken(source)) if nothing && place.top => {
                return Err(Stop::Unreadable { kind: packing.name(), source });
            }
            None if nothing => return self.plain(place, &mut io::empty()),
            _ => {}
        }
        if let Some(end) = end {
            let given = layer.given();
            drop(layer);
            // what is stored has come to nothing; once something came out, how much is missing cannot be told. It is counted,
            // because the size an archive states may be a lie
            let counted = nothing && place.size.is_some();
            let mut rest = Leaf { reader: &mut reader, budget: self.budget, over: false };
            let lost = if counted { taken.get().saturating_add(rest.drain()) } else { 0 };
            let over = rest.over;
            self.ended(end, &place.path, given, lost);
            self.check(place, over)?;
        }
        ended
    }

    /// A layer ended before its time.
    pub(super) fn ended(&mut self, end: End, path: &str, given: u64, lost: u64) {
        let told = std::mem::take(&mut self.told);
        self.tripped.set(false);
        if !(told && matches!(end, End::Ratio)) {
            self.note(end.note(path, given, lost, self.limits));
        }
    }

    pub(super) fn judge(&self, own: Count, place: &Place) -> Judge {
        let (root, root_start) = (place.root.clone(), place.root.get());
        Judge { own, root, root_start, ratio: self.limits.ratio, tripped: self.tripped.clone() }
    }

    pub(super) fn note(&mut self, mut note: Note) {
        // what is cut because too much came out of a compression is not damaged
        if let Note::Damaged { path, lost: 0, .. } = &mut note
            && self.tripped.get()
        {
            if std::mem::replace(&mut self.told, true) {
                return;
            }
            note = Note::LimitHit { which: Limit::Ratio, path: std::mem::take(path), limit: self.limits.ratio };
        }
        self.said += u64::from(!matches!(note, Note::Linked { .. } | Note::OddPath { .. }));
        self.visitor.note(note);
    }

    pub(super) fn limit(&mut self, which: Limit, path: &str, limit: u64) {
        self.note(Note::LimitHit { which, path: path.to_owned(), limit });
    }

    /// Counts an entry of a container.
    pub(super) fn count(&mut self, path: &str) -> Result<(), Stop> {
        if self.budget.take_member() {
            return Ok(());
        }
        self.limit(Limit::Members, path, self.limits.members);
        Err(Stop::Quit)
    }

    /// Counts bytes that no member shows.
    pub(super) fn pass(&mut self, path: &str, bytes: u64) -> Result<(), Stop> {
        if self.budget.take(bytes) == bytes { Ok(()) } else { Err(self.total(path)) }
    }

    pub(super) fn total(&mut self, path: &str) -> Stop {
        self.limit(Limit::TotalBytes, path, self.limits.total_bytes);
        Stop::Quit
    }
}
