//! One member: read whole or in chunks of whole lines.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parsers::{Chunk, Format, Input, Origin, Reading};
use timeline::{Issue, MemberId, MemberRecords, Name, Outcome, Watch};

use crate::archive::Limits;
use crate::ready::{Preparation, Ready, whole_lines};
use crate::recognise::near;
use crate::text::text;
use crate::thin::{MANY, thin};

/// A member with what was read from it; its id is given later, when the order of all members is known.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) member: timeline::Member,
    pub(crate) records: MemberRecords,
}

/// Issues of one file that are kept one by one; what goes wrong on every line need not be told of every line.
const ISSUES: usize = 10_000;

/// What no format reads is looked at so far.
const STRANGE_BYTES: usize = 8 << 10;

/// Room is made for no more than this on the word of a container, and no more is kept for the next member.
const MOST_EXPECTED: usize = 16 << 20;
/// Room is made in steps of this, so that it does for the next member, too.
const EXPECTED_STEP: usize = 1 << 20;

thread_local! {
    /// Where the last member stood that this thread held whole. What is given back and asked for again leaves holes behind in
    /// which small things settle, so that the next member needs room of its own. Who begins a log gives it back: logs are
    /// long, and what is found in them is held beside it.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Reads a member piece by piece.
pub(crate) struct Consumer {
    done: Done,
    origin: Origin,
    state: State,
    line_bytes: usize,
    most_records: usize,
    dropped: u64,
    /// The first bytes of what no format reads, to say what it is.
    strange: Option<Vec<u8>>,
    /// The reader asks for the places of interest of each chunk.
    asks: bool,
    /// The line that was told to be too long.
    long_line: Option<u32>,
    /// Issues beyond those that are kept.
    more_issues: u64,
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    start: u64,
    line: u32,
    /// How many records are to be thinned next.
    thin_at: usize,
    /// Lines were left out that said something of their own.
    thinned: bool,
}

enum State {
    Whole(&'static Format),
    Stream(Box<dyn parsers::Reader>),
    /// Not recognised, or given up: only counted.
    Count,
}

impl Consumer {
    pub(crate) fn new(
        path: Name,
        format: Option<&'static Format>,
        modified: Option<i64>,
        watch: &Arc<dyn Watch>,
        limits: &Limits,
    ) -> Consumer {
        let origin = Origin {
            member: MemberId(0),
            path: path.clone(),
            node: None,
            watch: watch.clone(),
            hold_bytes: limits.hold_bytes(),
        };
        let mut member = timeline::Member::new(path, 0);
        member.modified = modified;
        let state = match format.map(|it| (it, &it.reading)) {
            Some((format, Reading::Whole(_))) => State::Whole(format),
            Some((_, Reading::Stream(open))) => {
                drop(ROOM.take());
                State::Stream(open(&origin))
            }
            None => State::Count,
        };
        if let Some(format) = format {
            member.format = Some(format.name);
            member.outcome = Outcome::Parsed;
        }
        let done = Done { member, records: MemberRecords::default() };
        let (line_bytes, most_records) = (limits.line_bytes, limits.records);
        Consumer {
            done,
            origin,
            state,
            line_bytes,
            most_records,
            dropped: 0,
            strange: None,
            asks: false,
            long_line: None,
            more_issues: 0,
            rest: Vec::new(),
            start: 0,
            line: 1,
            thin_at: MANY,
            thinned: false,
        }
    }

    /// Makes room for a member that is to have so many bytes, if it is held whole: what grows by doubling leaves holes behind
    /// that nothing fits in again.
    pub(crate) fn expect(&mut self, bytes: u64) {
        if matches!(self.state, State::Whole(_)) {
            let bytes = usize::try_from(bytes).map_or(MOST_EXPECTED, |it| it.min(MOST_EXPECTED));
            self.rest = ROOM.take();
            if self.rest.capacity() < bytes {
                self.rest = Vec::with_capacity(if bytes > EXPECTED_STEP {
                    bytes.next_multiple_of(EXPECTED_STEP)
                } else {
                    bytes
                });
            }
        }
    }

    /// Whether it is read line by line, so that something can be done ahead.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.state, State::Stream(_))
    }

    /// How pieces are got ready for [`Consumer::take_ready`], if that is worth the while by those that were read so far: a
    /// reader that does not look for the places of interest leaves little that can be done ahead.
    pub(crate) fn preparation(&self) -> Option<Preparation> {
        self.asks.then(|| Preparation { watch: self.origin.watch.clone() })
    }

    /// Takes the next bytes, cut anywhere.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.take_ready(bytes, None);
    }

    /// Takes the next bytes with what is known of them.
    pub(crate) fn take_ready(&mut self, bytes: &[u8], ready: Option<&Ready>) {
        self.done.member.bytes += bytes.len() as u64;
        match self.state {
            State::Count if self.done.member.format.is_some() => {
                self.done.records.tally.odd_bytes += bytes.len() as u64;
            }
            State::Count => {
                let head = self.strange.get_or_insert_default();
                head.extend_from_slice(&bytes[..bytes.len().min(STRANGE_BYTES.saturating_sub(head.len()))]);
            }
            State::Whole(_) => self.rest.extend_from_slice(bytes),
            State::Stream(_) => self.lines(bytes, ready),
        }
    }

    /// Hands on whole lines and keeps the rest.
    fn lines(&mut self, bytes: &[u8], ready: Option<&Ready>) {
        let begins = self.start == 0 && self.rest.is_empty();
        let Some(whole) = whole_lines(bytes, begins) else {
            self.rest.extend_from_slice(bytes);
            while self.rest.len() >= self.line_bytes {
                let tail = self.rest.split_off(self.line_bytes);
                let long = std::mem::replace(&mut self.rest, tail);
                if self.long_line != Some(self.line) {
                    self.long_line = Some(self.line);
                    let what = format!("a line longer than {} bytes is read in parts", self.line_bytes);
                    self.done.records.issue(MemberId(0), self.line, what);
                }
                self.chunk(&long, None);
            }
            return;
        };
        if whole.start > 0 {
            let mut line = std::mem::take(&mut self.rest);
            line.extend_from_slice(&bytes[..whole.start]);
            self.chunk(&line, None);
            line.clear();
            self.rest = line;
        }
        if !whole.is_empty() {
            // of the first lines of a member nobody knows ahead that they are the first
            self.chunk(&bytes[whole.clone()], ready.filter(|_| !begins));
        }
        self.rest.extend_from_slice(&bytes[whole.end..]);
    }

    fn chunk(&mut self, bytes: &[u8], ready: Option<&Ready>) {
        let (start, line) = (self.start, self.line);
        let lines = ready.map_or_else(|| memchr::memchr_iter(b'\n', bytes).count(), |it| it.ahead.ends()) as u32;
        self.start += bytes.len() as u64;
        self.line = self.line.saturating_add(lines);
        let State::Stream(reader) = &mut self.state else { return };
        let mended = ready.and_then(|it| it.mended.as_deref()).map_or_else(|| text(bytes), Cow::Borrowed);
        let mut chunk = Chunk::new(&mended, bytes, start, line);
        if let Some(ready) = ready {
            chunk = chunk.with(&ready.ahead);
        }
        let records = &mut self.done.records;
        let read = catch_unwind(AssertUnwindSafe(|| reader.read(&chunk, records)));
        self.asks |= chunk.was_asked();
        if read.is_err() {
            self.give_up(line, bytes.len());
        }
        self.thin();
        self.drop_records();
    }

    /// Thins by the number of records, whatever chunks they came in.
    fn thin(&mut self) {
        let records = &mut self.done.records.records;
        while records.len() >= self.thin_at {
            let mut later = records.split_off(self.thin_at);
            self.thinned |= thin(records, &*self.origin.watch);
            self.thin_at = (2 * records.len()).max(MANY);
            records.append(&mut later);
        }
    }

    /// Keeps no more records than the limit allows.
    fn drop_records(&mut self) {
        let records = &mut self.done.records.records;
        let over = records.len().saturating_sub(self.most_records);
        if over > 0 {
            self.dropped += over as u64;
            records.truncate(self.most_records);
        }
        let issues = &mut self.done.records.issues;
        if issues.len() > ISSUES {
            self.more_issues += (issues.len() - ISSUES) as u64;
            issues.truncate(ISSUES);
        }
    }

    /// The reader broke on these bytes; they and all that follows are counted as not understood.
    fn give_up(&mut self, line: u32, bytes: usize) {
        self.state = State::Count;
        self.done.records.tally.odd_bytes += bytes as u64;
        self.done.records.issue(MemberId(0), line, "the reader of this format failed here; the rest is not read");
        self.done.member.truncated = Some("its reader failed".to_owned());
    }

    /// The member has ended.
    pub(crate) fn finish(mut self, truncated: bool) -> Done {
        let mut rest = std::mem::take(&mut self.rest);
        match &mut self.state {
            State::Count => {
                if self.done.member.bytes == 0 {
                    self.done.member.outcome = Outcome::Skipped { reason: "empty".to_owned() };
                } else if let Some(head) = &self.strange {
                    let whole = head.len() as u64 == self.done.member.bytes;
                    self.done.member.outcome = Outcome::NotRecognised { closest: near(&self.origin.path, head, whole) };
                }
            }
            State::Whole(format) => {
                let Reading::Whole(parse) = format.reading else { return self.done };
                let mended = text(&rest);
                let input = Input { origin: &self.origin, text: &mended, bytes: &rest, truncated };
                let records = &mut self.done.records;
                if catch_unwind(AssertUnwindSafe(|| parse(&input, records))).is_err() {
                    self.give_up(1, rest.len());
                }
                drop(mended);
                rest.clear();
                ROOM.set(if rest.capacity() > MOST_EXPECTED { Vec::new() } else { rest });
            }
            State::Stream(_) => {
                if !rest.is_empty() {
                    self.chunk(&rest, None);
                }
                if let State::Stream(reader) = &mut self.state {
                    let records = &mut self.done.records;
                    if catch_unwind(AssertUnwindSafe(|| reader.finish(records))).is_err() {
                        self.give_up(self.line, 0);
                    }
                }
            }
        }
        if self.done.records.records.len() >= MANY {
            self.thinned |= thin(&mut self.done.records.records, &*self.origin.watch);
        }
        self.drop_records();
        if self.more_issues > 0 {
            self.done.records.issue(MemberId(0), 0, format!("{} more places could not be read", self.more_issues));
        }
        if self.dropped > 0 {
            let words = over_records(self.most_records);
            incomplete(&mut self.done.records, &words);
            self.done.member.truncated.get_or_insert(words);
        }
        if self.thinned {
            let what = "too many lines of interest to keep one of every kind; they are counted, and some of them shown";
            self.done.records.issue(MemberId(0), 0, what);
        }
        self.done
    }
}

/// Why a file with very many records is not all there.
pub(crate) fn over_records(limit: usize) -> String {
    format!("over the limit of records per file ({limit})")
}

/// What a file does not list may have stood where it breaks off.
pub(crate) fn incomplete(records: &mut MemberRecords, why: &str) {
    for collected in &mut records.collected {
        collected.incomplete.get_or_insert_with(|| why.to_owned());
    }
    for seen in &mut records.seen {
        seen.incomplete.get_or_insert_with(|| why.to_owned());
    }
}

/// Gives the records of a member the id it ends up with.
pub(crate) fn number(records: &mut MemberRecords, id: MemberId) {
    use timeline::Record;
    records.issues.iter_mut().for_each(|it: &mut Issue| it.member = id);
    records.edges.iter_mut().for_each(|it| it.quote.span.member = id);
    for record in &mut records.records {
        match record {
            Record::Event(event) => event.quote.span.member = id,
            Record::Fact(fact, _) => fact.quotes.iter_mut().for_each(|it| it.span.member = id),
            Record::Series(series) => series.member = id,
        }
    }
}

#[cfg(test)]
mod tests {
    use parsers::{Certainty, Reader, Sniff};

    use super::*;
    use crate::buffers::CHUNK_BYTES;

    /// Breaks on a line that says so.
    struct Brittle;

    impl Reader for Brittle {
        fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
            for line in chunk.lines() {
                out.tally.lines += 1;
                assert!(line.text != "break", "a slip in a parser");
            }
        }

        fn finish(&mut self, out: &mut MemberRecords) {
            out.tally.understood = out.tally.lines;
        }
    }

    fn format(reading: Reading) -> &'static Format {
        let recognizes = |_: &Sniff<'_>| Certainty::No;
        Box::leak(Box::new(Format { name: "brittle", produced_by: "a test", samples: &[], recognizes, reading }))
    }

    fn read(format: &'static Format, parts: &[&str]) -> Done {
        let watch: Arc<dyn Watch> = Arc::new(true);
        let mut consumer = Consumer::new(
            "x/y".into(),
            Some(format),
            None,
            &watch,
            &Limits { line_bytes: 1 << 10, ..Limits::default() },
        );
        parts.iter().for_each(|it| consumer.take(it.as_bytes()));
        consumer.finish(false)
    }

    #[test]
    fn a_reader_that_breaks_leaves_an_issue_and_the_rest_is_counted() {
        let stream = format(Reading::Stream(|_| Box::new(Brittle)));
        let parts = ["one\ntwo\nth", "ree\nfour\nbreak\n", "five\nsi", "x\n"];
        let done = read(stream, &parts);
        assert_eq!(done.member.bytes, parts.concat().len() as u64);
        assert_eq!(done.member.truncated.as_deref(), Some("its reader failed"));
        let read_before = "one\ntwo\nthree\n".len();
        assert_eq!(done.records.tally.odd_bytes, (parts.concat().len() - read_before) as u64);
        let [issue] = done.records.issues.as_slice() else { panic!("{:?}", done.records.issues) };
        assert_eq!(issue.line, 4, "the chunk in which it broke: {issue:?}");
        assert_eq!(read(stream, &["one\n", "two"]).records.tally.understood, 2);
        let whole = format(Reading::Whole(|input, _| assert!(!input.text.contains("break"), "a slip in a parser")));
        let done = read(whole, &parts);
        assert_eq!((done.member.bytes, done.records.issues.len()), (parts.concat().len() as u64, 1));
        assert!(done.member.truncated.is_some());
        assert!(read(whole, &["one\n"]).records.issues.is_empty());
    }

    /// Counts bytes and calls.
    struct Counting(u64, u64);

    impl Reader for Counting {
        fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
            self.0 += chunk.bytes.len() as u64;
            self.1 = self.1.max(chunk.bytes.len() as u64);
            out.tally.lines += 1;
        }
        fn finish(&mut self, out: &mut MemberRecords) {
            out.issue(MemberId(0), 0, format!("{} bytes, {} at once", self.0, self.1));
        }
    }

    #[test]
    fn a_line_without_end_is_read_in_parts_and_never_held() {
        let format = format(Reading::Stream(|_| Box::new(Counting(0, 0))));
        let watch: Arc<dyn Watch> = Arc::new(true);
        let mut consumer = Consumer::new("x".into(), Some(format), None, &watch, &Limits::default());
        let (chunk, line_bytes) = (vec![b'a'; CHUNK_BYTES], Limits::default().line_bytes);
        for _ in 0..(64 << 20) / CHUNK_BYTES {
            consumer.take(&chunk);
            assert!(consumer.rest.len() < line_bytes + CHUNK_BYTES, "{} bytes are held", consumer.rest.len());
        }
        consumer.take(b"\nlast\n");
        let done = consumer.finish(false);
        assert_eq!(done.member.bytes, (64 << 20) + 6);
        let issues: Vec<&str> = done.records.issues.iter().map(|it| it.what.as_str()).collect();
        let whole = format!("{} bytes, {line_bytes} at once", (64 << 20) + 6);
        assert_eq!(issues, ["a line longer than 1048576 bytes is read in parts", whole.as_str()], "told once");
    }

    #[test]
    fn what_goes_wrong_on_every_line_is_not_told_of_every_line() {
        struct Wrong;
        impl Reader for Wrong {
            fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
                chunk.lines().for_each(|it| out.issue(MemberId(0), it.number, "wrong"));
            }
            fn finish(&mut self, _: &mut MemberRecords) {}
        }
        let done = read(format(Reading::Stream(|_| Box::new(Wrong))), &["x\n".repeat(30_000).as_str(), "y\n"]);
        assert_eq!(done.records.issues.len(), ISSUES + 1);
        assert_eq!(done.records.issues[ISSUES].what, "20001 more places could not be read");
    }

    #[test]
    fn lines_are_whole_however_the_bytes_come() {
        struct Lines(Vec<(u32, u64, String)>);
        impl Reader for Lines {
            fn read(&mut self, chunk: &Chunk<'_>, _: &mut MemberRecords) {
                self.0.extend(chunk.lines().map(|it| (it.number, it.start, it.text.to_owned())));
            }
            fn finish(&mut self, out: &mut MemberRecords) {
                for (number, start, text) in &self.0 {
                    out.issue(MemberId(0), *number, format!("{start} {text}"));
                }
            }
        }
        let lines = format(Reading::Stream(|_| Box::new(Lines(Vec::new()))));
        let text = "a\nbb\n\ncc\u{fc}c\r\nd\u{20ac}d\nlast";
        let issues = |parts: &[&str]| read(lines, parts).records.issues;
        let expected = issues(&[text]);
        assert_eq!(expected.len(), 6);
        let cut: Vec<&str> = text.char_indices().map(|(at, it)| &text[at..at + it.len_utf8()]).collect();
        assert_eq!(issues(&cut), expected);
    }
}
