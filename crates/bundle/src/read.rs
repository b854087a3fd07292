//! From inputs to records: walking on one thread, parsing on all.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};

use timeline::{MemberId, MemberRecords, Name, Outcome, Watch};

use crate::archive::{self, Budget, Error, Input, Limit, Limits, Note, Oddity, SkipReason, Visitor};
use crate::buffers::{Buffers, Piece};
use crate::layout::{self, Layout};
use crate::member::{Consumer, Done, incomplete, number, over_records};
use crate::recognise::{SNIFF_BYTES, recognise};
use crate::relay::{self, Crew, Help};
use crate::{attribute, blocks, complete};

/// How to read.
pub struct Options {
    /// How far to go with a hostile bundle.
    pub limits: Limits,
    /// How many threads parse; 0 for one a processor.
    pub threads: usize,
    /// Which log lines are worth keeping.
    pub watch: Arc<dyn Watch>,
}

/// One of the inputs.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// What it is called.
    pub name: Name,
    /// The collector's layout, where it is known.
    pub layout: Layout,
    /// Parts of it that are arranged in another way, or each as the whole.
    pub parts: Vec<Layout>,
    /// Its members, by place in the ledger.
    pub members: std::ops::Range<usize>,
}

/// Everything read from all inputs.
#[derive(Debug, Default)]
pub struct Case {
    /// The inputs.
    pub bundles: Vec<Bundle>,
    /// The ledger.
    pub members: Vec<timeline::Member>,
    /// What was read, by member.
    pub records: Vec<MemberRecords>,
    /// Limits that cut something short, in words.
    pub limits_hit: Vec<String>,
}

/// Reads all inputs as one case.
///
/// # Errors
/// An input that cannot be opened or holds nothing at all. Damage further in is in the ledger.
pub fn read(inputs: &[Input], options: &Options) -> Result<Case, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool = pool
        .map_err(|error| Error::Read { path: "the machine's threads".into(), source: std::io::Error::other(error) })?;
    let crew = Crew::new(pool.current_num_threads());
    let mut case = Case::default();
    for input in inputs {
        let name = name(input);
        let Outcomes { done, notes } = match input {
            Input::Path(path) if path.is_dir() => directory(path, options, &pool, &crew)?,
            input => stream(input, options, &pool, &crew)?,
        };
        let start = case.members.len();
        let prefix = if inputs.len() > 1 { format!("{name}/") } else { String::new() };
        let mut done = with_notes(done, notes, &options.limits, &mut case.limits_hit);
        let layouts = layout::recognise(done.iter().map(|it| it.member.path.as_ref()));
        attribute::nodes(&mut done, &layouts, &format!("unknown-{}", case.bundles.len() + 1));
        complete::settle(&mut done, &layouts);
        let over = over_records(options.limits.records);
        for it in done {
            let Done { mut member, mut records } = it;
            if member.truncated.as_ref() == Some(&over) {
                let limit = options.limits.records;
                case.limits_hit.push(format!("records per file ({limit}) reached at {}", member.path));
            }
            number(&mut records, MemberId(case.members.len() as u32));
            member.path = format!("{prefix}{}", member.path).into();
            case.members.push(member);
            case.records.push(records);
        }
        let parts = layouts.parts().cloned().collect();
        case.bundles.push(Bundle {
            name: name.into(),
            layout: layouts.whole,
            parts,
            members: start..case.members.len(),
        });
    }
    blocks::join(&case.members, &mut case.records);
    Ok(case)
}

fn name(input: &Input) -> String {
    match input {
        Input::Path(path) => {
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            path.file_name().map_or_else(|| path.display().to_string(), |it| it.to_string_lossy().into_owned())
        }
        Input::Stdin => "stdin".to_owned(),
        Input::Memory { name, .. } => name.clone(),
    }
}

/// Whether a name is that of one document, which is held whole until it is read, and not of a list of lines.
fn is_document(path: &str) -> bool {
    [".json", ".yaml", ".yml"].iter().any(|it| path.ends_with(it))
}

/// Members in the order they stand, and notes with the number of members before them.
#[derive(Default)]
struct Outcomes {
    done: Vec<Done>,
    notes: Vec<(usize, Note)>,
}

fn directory(path: &Path, options: &Options, pool: &rayon::ThreadPool, crew: &Crew) -> Result<Outcomes, Error> {
    let mut outcomes = Outcomes::default();
    let mut files = archive::list(path, &options.limits, &mut |note| outcomes.notes.push((0, note)))?;
    let over = files.split_off(within(&files, options.limits.total_bytes));
    let budget = Budget::new(&options.limits);
    let buffers = buffers(options, pool);
    files.iter().for_each(|_| crew.wait());
    // what may be held whole comes before lines are found that are held as well; and of either the largest first, so that
    // no thread is left with one of them at the end
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|it| (!is_document(&files[*it].path), std::cmp::Reverse(files[*it].size)));
    let parts: Vec<Mutex<Outcomes>> = files.iter().map(|_| Mutex::default()).collect();
    pool.scope_fifo(|scope| {
        for at in order {
            let (file, part, buffers, budget) = (&files[at], &parts[at], &buffers, &budget);
            scope.spawn_fifo(move |scope| {
                crew.begin();
                let help = Help { scope, crew };
                let mut visitor = Inline { options, buffers, help, outcomes: Outcomes::default() };
                let _ = archive::walk_file(file, budget, &options.limits, &mut visitor);
                *part.lock().unwrap_or_else(PoisonError::into_inner) = visitor.outcomes;
            });
        }
    });
    for part in parts {
        let mut part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
        let before = outcomes.done.len();
        outcomes.notes.extend(part.notes.drain(..).map(|(at, note)| (before + at, note)));
        outcomes.done.append(&mut part.done);
    }
    let at = outcomes.done.len();
    if let Some(first) = over.first() {
        let (which, limit) = (Limit::TotalBytes, options.limits.total_bytes);
        outcomes.notes.push((at, Note::LimitHit { which, path: first.path.clone(), limit }));
    }
    let skipped = |it: archive::FileEntry| Note::Skipped {
        path: it.path,
        bytes: it.size,
        reason: SkipReason::Limit(Limit::TotalBytes),
    };
    outcomes.notes.extend(over.into_iter().map(|it| (at, skipped(it))));
    Ok(outcomes)
}

/// How many files fit into the limit as they are stored, so that the threads do not race for the last of it.
fn within(files: &[archive::FileEntry], limit: u64) -> usize {
    let mut sum = 0u64;
    let fits = |it: &&archive::FileEntry| {
        sum = sum.saturating_add(it.size);
        sum <= limit
    };
    files.iter().take_while(fits).count()
}

/// Reads members where it stands.
struct Inline<'s, 'scope> {
    options: &'scope Options,
    buffers: &'scope Buffers,
    help: Help<'s, 'scope>,
    outcomes: Outcomes,
}

impl Visitor for Inline<'_, '_> {
    fn member(&mut self, member: archive::Member<'_>) -> ControlFlow<()> {
        let head = self.buffers.read(member.reader);
        let begun = Begun::new(member.path, member.modified, member.size, &head, self.options);
        let mut last = head.is_last();
        let next = || {
            let piece = (!last).then(|| self.buffers.read(member.reader))?;
            last = piece.is_last();
            Some((piece, true))
        };
        self.outcomes.done.push(begun.read(head, next, &self.help));
        ControlFlow::Continue(())
    }

    fn note(&mut self, note: Note) {
        self.outcomes.notes.push((self.outcomes.done.len(), note));
    }
}

/// A member that is recognised, of which nothing is read yet.
struct Begun {
    consumer: Box<Consumer>,
    room: Room,
}

impl Begun {
    /// Recognises a member by its first bytes.
    fn new(path: String, modified: Option<i64>, size: Option<u64>, head: &Piece<'_>, options: &Options) -> Begun {
        let sniffed = &head.bytes()[..head.bytes().len().min(SNIFF_BYTES)];
        // a sniff tells the end only where it is short of its own length
        let format = recognise(&path, sniffed, sniffed.len() < SNIFF_BYTES);
        let mut consumer = Consumer::new(path.into(), format, modified, &options.watch, &options.limits);
        consumer.expect(size.unwrap_or(0).max(head.bytes().len() as u64));
        Begun { consumer: Box::new(consumer), room: Room::new(format, &options.limits) }
    }

    /// Reads a member, its first piece and those that come; of each is told whether it came without waiting for it.
    fn read<'scope>(
        self,
        head: Piece<'scope>,
        mut next: impl FnMut() -> Option<(Piece<'scope>, bool)>,
        help: &Help<'_, 'scope>,
    ) -> Done {
        let Begun { mut consumer, mut room } = self;
        consumer.take(room.within(head.bytes()));
        drop(head);
        if consumer.is_stream() {
            consumer = relay::read(consumer, next, help);
        } else {
            while let Some((piece, _)) = next() {
                consumer.take(room.within(piece.bytes()));
            }
        }
        let mut done = consumer.finish(room.over > 0);
        room.note(&mut done);
        done
    }
}

/// What may be held of a member that must be read whole.
struct Room {
    left: u64,
    over: u64,
}

impl Room {
    fn new(format: Option<&'static parsers::Format>, limits: &Limits) -> Room {
        let whole = format.is_some_and(|it| matches!(it.reading, parsers::Reading::Whole(_)));
        Room { left: if whole { limits.whole_bytes } else { u64::MAX }, over: 0 }
    }

    fn within<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let taken = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= taken as u64;
        self.over += (bytes.len() - taken) as u64;
        &bytes[..taken]
    }

    fn note(&self, done: &mut Done) {
        if self.over > 0 {
            done.member.bytes += self.over;
            done.records.tally.odd_bytes += self.over;
            done.member.truncated = Some(format!("{} bytes are more than is held whole", self.over));
        }
    }
}

/// What may be on its way to the parsers: a sixteenth of what reading may hold.
fn buffers(options: &Options, pool: &rayon::ThreadPool) -> Buffers {
    Buffers::new(options.limits.memory_bytes / 16, pool.current_num_threads() + 2)
}

fn stream(input: &Input, options: &Options, pool: &rayon::ThreadPool, crew: &Crew) -> Result<Outcomes, Error> {
    let finished: Mutex<Vec<(usize, Done)>> = Mutex::new(Vec::new());
    let buffers = buffers(options, pool);
    let (walked, count, notes) = pool.in_place_scope_fifo(|scope| {
        let help = Help { scope, crew };
        let mut visitor =
            Spawning { help, options, finished: &finished, buffers: &buffers, count: 0, notes: Vec::new() };
        let walked = archive::walk(input, &options.limits, &mut visitor);
        (walked, visitor.count, visitor.notes)
    });
    walked?;
    let mut done = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|it| it.0);
    debug_assert_eq!(done.len(), count);
    Ok(Outcomes { done: done.into_iter().map(|it| it.1).collect(), notes })
}

/// Hands members to the pool while the walk goes on: this thread unpacks, the others parse.
struct Spawning<'s, 'scope> {
    help: Help<'s, 'scope>,
    options: &'scope Options,
    finished: &'scope Mutex<Vec<(usize, Done)>>,
    buffers: &'scope Buffers,
    count: usize,
    notes: Vec<(usize, Note)>,
}

impl Visitor for Spawning<'_, '_> {
    fn member(&mut self, member: archive::Member<'_>) -> ControlFlow<()> {
        let head = self.buffers.read(member.reader);
        let at = self.count;
        self.count += 1;
        let (options, finished, crew) = (self.options, self.finished, self.help.crew);
        let (path, modified, size) = (member.path, member.modified, member.size);
        let mut last = head.is_last();
        // what waits in the channel is bounded by the buffers
        let (sender, receiver) = channel::<Piece<'_>>();
        crew.wait();
        self.help.scope.spawn_fifo(move |scope| {
            crew.begin();
            let begun = Begun::new(path, modified, size, &head, options);
            let at_once = || receiver.try_recv().ok().map(|it| (it, true));
            let next = || at_once().or_else(|| receiver.recv().ok().map(|it| (it, false)));
            let done = begun.read(head, next, &Help { scope, crew });
            finished.lock().unwrap_or_else(PoisonError::into_inner).push((at, done));
        });
        while !last {
            let piece = self.buffers.read(member.reader);
            last = piece.is_last();
            if sender.send(piece).is_err() {
                break;
            }
        }
        ControlFlow::Continue(())
    }

    fn note(&mut self, note: Note) {
        self.notes.push((self.count, note));
    }
}

/// Puts what the walker noted into the ledger.
fn with_notes(done: Vec<Done>, notes: Vec<(usize, Note)>, limits: &Limits, limits_hit: &mut Vec<String>) -> Vec<Done> {
    let mut ledger: Vec<Done> = Vec::with_capacity(done.len() + notes.len());
    // what was done to a path is told before the file is shown
    let (odd, notes): (Vec<_>, Vec<_>) = notes.into_iter().partition(|it| matches!(it.1, Note::OddPath { .. }));
    let mut notes = notes.into_iter().peekable();
    let mut hit = Vec::new();
    let mut add = |at: usize, ledger: &mut Vec<Done>| {
        while let Some((_, note)) = notes.next_if(|it| it.0 <= at) {
            take_note(note, ledger, &mut hit);
        }
    };
    add(0, &mut ledger);
    for (at, it) in done.into_iter().enumerate() {
        ledger.push(it);
        add(at + 1, &mut ledger);
    }
    add(usize::MAX, &mut ledger);
    limits_hit.append(&mut hit);
    note_odd_paths(&mut ledger, odd.into_iter().map(|it| it.1), limits, limits_hit);
    ledger
}

/// Says of each file what was done to its path; of an archive, where its first file stands.
fn note_odd_paths(
    ledger: &mut [Done],
    notes: impl Iterator<Item = Note>,
    limits: &Limits,
    limits_hit: &mut Vec<String>,
) {
    let mut odd: BTreeMap<String, Vec<Oddity>> = BTreeMap::new();
    for note in notes {
        if let Note::OddPath { path, what } = note {
            odd.entry(path).or_default().push(what);
        }
    }
    let mut cut = None;
    for it in ledger {
        if odd.is_empty() {
            break;
        }
        let path = it.member.path.clone();
        let archives = path.match_indices("!/").map(|(at, _)| at);
        for end in archives.chain([path.len()]) {
            for what in odd.remove(&path[..end]).unwrap_or_default() {
                if what == Oddity::TooLong {
                    cut.get_or_insert_with(|| path[..end].to_owned());
                }
                it.records.issue(MemberId(0), 0, odd_path(what));
            }
        }
    }
    if let Some(path) = cut {
        limits_hit.push(format!("bytes of a path ({}) reached at {path}", limits.path_bytes));
    }
}

fn odd_path(what: Oddity) -> &'static str {
    match what {
        Oddity::Parent => "its path has `..` in it, which is left out",
        Oddity::NotUtf8 => "its path is no UTF-8: the bytes that are not are shown as \\xff",
        Oddity::Control => "its path has control characters in it, which are shown as escapes",
        Oddity::TooLong => "its path is longer than the limit and is cut",
        Oddity::Duplicate => "another file has the same path: this one is numbered",
        Oddity::Unnamed => "it has no name",
    }
}

fn take_note(note: Note, ledger: &mut Vec<Done>, limits_hit: &mut Vec<String>) {
    let skipped = |path: String, bytes: u64, reason: String| {
        let mut member = timeline::Member::new(path, bytes);
        member.outcome = Outcome::Skipped { reason };
        Done { member, records: MemberRecords::default() }
    };
    match note {
        Note::Skipped { path, bytes, reason } => {
            let words = match reason {
                SkipReason::Special(what) => format!("a {what}"),
                SkipReason::Unsupported(what) => format!("{what} is not read"),
                SkipReason::Encrypted => "encrypted".to_owned(),
                SkipReason::NoFiles => "an archive without files".to_owned(),
                SkipReason::Unreadable(why) => format!("cannot be read: {why}"),
                SkipReason::Limit(limit) => format!("over the limit of {}", limit_name(limit)),
                SkipReason::Unread => "not read to its end".to_owned(),
            };
            ledger.push(skipped(path, bytes, words));
        }
        Note::Damaged { path, at_byte, lost, what } => {
            let words = format!("damaged after byte {at_byte}: {what}");
            match ledger.iter_mut().rev().find(|it| it.member.path.as_ref() == path) {
                Some(it) => {
                    it.member.truncated = Some(words);
                    it.member.bytes += lost;
                    it.records.tally.odd_bytes += lost;
                    incomplete(&mut it.records, "the file is damaged");
                }
                None => ledger.push(skipped(path, lost, words)),
            }
        }
        Note::LimitHit { which, path, limit } => {
            let cut = matches!(which, Limit::TotalBytes | Limit::Ratio);
            if let Some(it) = ledger.last_mut().filter(|it| cut && it.member.path.as_ref() == path) {
                let words = format!("over the limit of {}", limit_name(which));
                incomplete(&mut it.records, &words);
                it.member.truncated = Some(words);
            }
            let name = limit_name(which);
            // of files read at the same time each may meet the end of what all share
            let known = cut && which == Limit::TotalBytes && limits_hit.iter().any(|it| it.starts_with(name));
            if !known {
                limits_hit.push(format!("{name} ({limit}) reached at {path}"));
            }
        }
        Note::Linked { path, target } => ledger.push(skipped(path, 0, format!("a link to {target}"))),
        Note::OddPath { .. } => {}
    }
}

fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::TotalBytes => "total unpacked bytes",
        Limit::Ratio => "unpacked to packed bytes",
        Limit::Members => "members",
        Limit::Depth => "nesting",
        Limit::WholeBytes => "bytes held whole",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::buffers::CHUNK_BYTES;

    /// A bundle that is one large file has both threads of two, folder or archive; a bundle of many files needs no help with one.
    #[test]
    fn a_large_file_has_a_second_thread() {
        let folder = tempfile::tempdir().expect("a folder");
        let line = |at: usize| format!("Feb 11 10:{:02}:{:02} node-a kubelet[731]: line {at}\n", at / 60 % 60, at % 60);
        let text: String = (0..150_000).map(line).collect();
        let pieces = text.len() / CHUNK_BYTES;
        let file = folder.path().join("journal.txt");
        fs::write(&file, text).expect("a file");
        let options = Options { limits: Limits::default(), threads: 2, watch: Arc::new(false) };
        let handed = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            [folder.path(), file.as_path()].map(|path| {
                let crew = Crew::new(threads);
                let outcomes = match path.is_dir() {
                    true => directory(path, &options, &pool, &crew),
                    false => stream(&Input::Path(path.to_owned()), &options, &pool, &crew),
                };
                let [done] = outcomes.expect("it is read").done.try_into().expect("one member");
                assert_eq!(done.records.tally.lines, 150_000);
                crew.handed()
            })
        };
        assert_eq!(handed(1), [0, 0], "one thread has no second");
        let found = handed(2);
        assert!(found.iter().all(|it| *it > 0), "{found:?} of {pieces} pieces went to a second thread");
    }
}
