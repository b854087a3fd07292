//! The way in: a path, standard input, or bytes in memory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::budget::Count;
use super::directory::modified;
use super::layer::{Counted, End, Headed, Layer};
use super::sniff::{Kind, sniff};
use super::walker::{Place, Stop, Walker};
use super::{Budget, Error, Input, Limits, Visitor, list, walk_file};

/// 1980-01-01 in any zone, where the clock of DOS and zip begins; a file that is older has no time at all.
const FIRST_DAY_OF_DOS: i64 = 315_619_200;

/// Shows `visitor` every member of `input`, in the order in which they stand; of a directory, sorted by name.
pub(crate) fn walk(input: &Input, limits: &Limits, visitor: &mut dyn Visitor) -> Result<(), Error> {
    match input {
        Input::Path(path) => walk_path(path, limits, visitor),
        Input::Stdin => {
            let place = Place::new("stdin".to_owned(), None, None, 0, true);
            top(Path::new("stdin"), place, Source::Stream(Box::new(io::stdin().lock())), limits, visitor)
        }
        Input::Memory { name, bytes } => {
            let place = Place::new(name.clone(), None, Some(bytes.len() as u64), 0, true);
            if sniff(&bytes[..bytes.len().min(super::sniff::HEAD)], name) != Kind::Zip {
                return top(Path::new(name), place, Source::Stream(Box::new(bytes.as_ref())), limits, visitor);
            }
            let budget = Budget::new(limits);
            let mut walker = Walker::new(limits, &budget, visitor);
            let walked = walker.zip_memory(&place, bytes.clone());
            outcome(Path::new(name), walked, walker.said > 0)
        }
    }
}

#[cfg(test)]
/// Walks what an opened stream holds; `depth` containers are around it already. Plain data is one member at `path`.
pub(crate) fn walk_stream(
    path: &str,
    reader: &mut dyn Read,
    depth: u32,
    budget: &Budget,
    limits: &Limits,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let place = Place::new(path.to_owned(), None, None, depth, false);
    let mut walker = Walker::new(limits, budget, visitor);
    quit(&walker.source(&place, Source::Stream(Box::new(reader))))
}

/// Walks a file of a directory.
pub(super) fn open_file(
    place: Place,
    file: File,
    budget: &Budget,
    limits: &Limits,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let mut walker = Walker::new(limits, budget, visitor);
    quit(&walker.source(&place, Source::File(file)))
}

fn quit(walked: &Result<Found, Stop>) -> ControlFlow<()> {
    if walked.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Where bytes come from; only a file can be read twice.
enum Source<'r> {
    File(File),
    Stream(Box<dyn Read + 'r>),
}

/// Whether there was anything at all.
enum Found {
    Bytes,
    Nothing,
    /// Not one byte could be read.
    Failed(io::Error),
}

fn walk_path(path: &Path, limits: &Limits, visitor: &mut dyn Visitor) -> Result<(), Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(read)?;
    if metadata.is_dir() {
        let budget = Budget::new(limits);
        for file in list(path, limits, &mut |note| visitor.note(note))? {
            if walk_file(&file, &budget, limits, visitor).is_break() {
                break;
            }
        }
        return Ok(());
    }
    let file = File::open(path).map_err(read)?;
    let name = super::names::printable(path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes());
    let size = Some(metadata.len()).filter(|_| metadata.is_file());
    let place = Place::new(name, modified(&metadata), size, 0, true);
    // a pipe is fine here, `coroner analyze <(ssh node sosreport)`, but it can be read only once
    let source = if metadata.is_file() { Source::File(file) } else { Source::Stream(Box::new(file)) };
    top(path, place, source, limits, visitor)
}

fn top(path: &Path, place: Place, source: Source<'_>, limits: &Limits, visitor: &mut dyn Visitor) -> Result<(), Error> {
    let path = PathBuf::from(path);
    let budget = Budget::new(limits);
    let mut walker = Walker::new(limits, &budget, visitor);
    match walker.source(&place, source) {
        Ok(Found::Nothing) => Err(Error::Empty { path }),
        Ok(Found::Failed(source)) => Err(Error::Read { path, source }),
        Ok(Found::Bytes) => outcome(&path, Ok(()), walker.said > 0),
        Err(stop) => outcome(&path, Err(stop), walker.said > 0),
    }
}

fn outcome(path: &Path, walked: Result<(), Stop>, spoke: bool) -> Result<(), Error> {
    let path = path.to_owned();
    match walked {
        Ok(()) if !spoke => Err(Error::NoFiles { path }),
        Ok(()) | Err(Stop::Quit) => Ok(()),
        Err(Stop::Unreadable { kind, source }) => Err(Error::Unreadable { path, kind, source }),
        Err(Stop::Unrecognized) => Err(Error::Unrecognized { path }),
        Err(Stop::Unsupported(kind)) => Err(Error::Unsupported { path, kind }),
    }
}

/// A time of modification that says something: archives made without times have the epoch or the first day of DOS.
pub(super) fn dated(modified: Option<i64>) -> Option<i64> {
    modified.filter(|it| *it > FIRST_DAY_OF_DOS)
}

impl Place {
    pub(super) fn new(path: String, modified: Option<i64>, size: Option<u64>, depth: u32, top: bool) -> Self {
        Place { path, modified: dated(modified), size, depth, top, unpacked: false, root: Count::default() }
    }
}

impl<'w> Walker<'w> {
    fn new(limits: &'w Limits, budget: &'w Budget, visitor: &'w mut dyn Visitor) -> Self {
        let (tripped, told) = Default::default();
        Walker { limits, budget, visitor, held: 0, said: 0, tripped, told }
    }

    fn source(&mut self, place: &Place, source: Source<'_>) -> Result<Found, Stop> {
        let reader = match source {
            Source::Stream(reader) => reader,
            Source::File(mut file) => {
                let mut head = [0; super::sniff::HEAD];
                let len = super::layer::fill(&mut file, &mut head);
                if sniff(&head[..len], &place.path) == Kind::Zip && self.limits.depth > place.depth {
                    let len = place.size.unwrap_or(0);
                    return self.container(place, |walker| walker.zip_file(place, file, len)).map(|()| Found::Bytes);
                }
                Box::new(io::Cursor::new(head).take(len as u64).chain(file))
            }
        };
        // what unpacks to nothing, without end, draws on no other account
        let most = self.limits.total_bytes.saturating_add(1);
        let bounded = Counted { inner: reader.take(most), count: place.root.clone() };
        let mut layer = Layer::new(Box::new(bounded), None);
        let headed = Headed::new(&mut layer);
        let nothing = headed.head().is_empty();
        let walked = if nothing && place.top { Ok(()) } else { self.stream(place, headed) };
        match layer.take_end() {
            Some(End::Broken(error)) if nothing && place.top => return Ok(Found::Failed(error)),
            Some(end) => self.note(end.note(&place.path, layer.given(), 0, self.limits)),
            None => {}
        }
        if walked.is_ok() && place.root.get() >= most {
            return Err(self.total(&place.path));
        }
        walked.map(|()| if nothing { Found::Nothing } else { Found::Bytes })
    }
}
