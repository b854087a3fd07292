//! A stream that never fails: it ends, and remembers why.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::budget::{Budget, Count};
use super::sniff::HEAD;
use super::{Limits, Note};

/// Below this much output a ratio says nothing: a few kilobytes of log repeat themselves a lot.
pub(super) const JUDGED_FROM_BYTES: u64 = 16 << 20;
/// What buffers may have read ahead, so that a ratio to the outermost bytes is not judged too early.
const READ_AHEAD_BYTES: u64 = 512 << 10;

/// One level of reading: a file, or what a decoder makes of the level below.
pub(super) struct Layer<'r> {
    inner: Box<dyn Read + 'r>,
    judge: Option<Judge>,
    given: u64,
    end: Option<End>,
}

/// Why a layer ended before its time.
pub(super) enum End {
    Broken(io::Error),
    Ratio,
}

/// What a decoder may make of its input.
pub(super) struct Judge {
    /// Bytes this layer has used.
    pub(super) own: Count,
    /// Bytes read of the outermost file, and how many they were when this layer began.
    pub(super) root: Count,
    pub(super) root_start: u64,
    pub(super) ratio: u64,
    /// Told when it is too much.
    pub(super) tripped: Rc<Cell<bool>>,
}

impl Judge {
    fn allows(&self, given: u64) -> bool {
        let root = (self.root.get() - self.root_start).saturating_add(READ_AHEAD_BYTES);
        given < JUDGED_FROM_BYTES || given / self.own.get().min(root).max(1) <= self.ratio
    }
}

impl<'r> Layer<'r> {
    pub(super) fn new(inner: Box<dyn Read + 'r>, judge: Option<Judge>) -> Self {
        Layer { inner, judge, given: 0, end: None }
    }

    /// Bytes that have come out.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Why it ended before its time, if it did.
    pub(super) fn take_end(&mut self) -> Option<End> {
        self.end.take()
    }
}

impl End {
    /// The note about a layer that ended before its time.
    pub(super) fn note(self, path: &str, at_byte: u64, lost: u64, limits: &Limits) -> Note {
        let path = path.to_owned();
        match self {
            End::Broken(error) => Note::Damaged { path, at_byte, lost, what: error.to_string() },
            End::Ratio => Note::LimitHit { which: super::Limit::Ratio, path, limit: limits.ratio },
        }
    }
}

impl Read for Layer<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.end.is_some() {
            return Ok(0);
        }
        let read = loop {
            // decoders of others, on data of others: what they do not foresee ends this layer and nothing else
            match catch_unwind(AssertUnwindSafe(|| self.inner.read(buf))) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => break read,
                Err(panic) => break Err(io::Error::other(format!("the decoder gave up: {}", words(&*panic)))),
            }
        };
        match read {
            Ok(read) => {
                self.given += read as u64;
                if let Some(judge) = self.judge.as_ref().filter(|it| !it.allows(self.given)) {
                    judge.tripped.set(true);
                    self.end = Some(End::Ratio);
                }
                Ok(read)
            }
            Err(error) => {
                self.end = Some(End::Broken(error));
                Ok(0)
            }
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

/// Counts what is read through it.
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) count: Count,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.count.add(read as u64);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.inner.consume(bytes);
        self.count.add(bytes as u64);
    }
}

/// A reader whose first bytes have been looked at.
pub(super) struct Headed<'r> {
    head: [u8; HEAD],
    len: usize,
    at: usize,
    rest: &'r mut dyn Read,
}

impl<'r> Headed<'r> {
    pub(super) fn new(rest: &'r mut dyn Read) -> Self {
        let mut head = [0; HEAD];
        let len = fill(rest, &mut head);
        Headed { head, len, at: 0, rest }
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head[..self.len]
    }
}

impl Read for Headed<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let head = &self.head[self.at..self.len];
        if head.is_empty() {
            return self.rest.read(buf);
        }
        let len = head.len().min(buf.len());
        buf[..len].copy_from_slice(&head[..len]);
        self.at += len;
        if len < buf.len() && self.len == HEAD {
            // one read more, so that whoever reads in blocks keeps getting whole blocks
            return Ok(len + self.rest.read(&mut buf[len..]).unwrap_or(0));
        }
        Ok(len)
    }
}

/// Reads until `buf` is full or the stream ends; an error is an end, the layer below remembers it.
pub(super) fn fill(reader: &mut dyn Read, buf: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < buf.len() {
        match reader.read(&mut buf[filled..]) {
            Ok(read) if read > 0 => filled += read,
            _ => break,
        }
    }
    filled
}

/// What a visitor reads of a member, as far as the budget goes.
pub(super) struct Leaf<'r> {
    pub(super) reader: &'r mut dyn Read,
    pub(super) budget: &'r Budget,
    pub(super) over: bool,
}

impl Leaf<'_> {
    /// Reads to the end and says how much that was.
    pub(super) fn drain(&mut self) -> u64 {
        let mut scratch = [0; 16 << 10];
        let mut drained = 0;
        loop {
            match fill(self, &mut scratch) {
                0 => return drained,
                read => drained += read as u64,
            }
        }
    }
}

impl Read for Leaf<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.over || buf.is_empty() {
            return Ok(0);
        }
        let read = self.reader.read(buf).unwrap_or(0);
        let granted = self.budget.take(read as u64) as usize;
        self.over = granted < read;
        Ok(granted)
    }
}
