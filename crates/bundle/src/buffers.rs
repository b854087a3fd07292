//! Buffers that are used again, and how much of a bundle may be on its way at a time.

use std::io::Read;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How much of a member is handed on at a time.
pub(crate) const CHUNK_BYTES: usize = 1 << 18;
/// What is no longer than such a part of a chunk travels in a copy, so that a thousand small files do not hold a thousand buffers.
const SMALL_PART: usize = 4;

/// Lets the reader run ahead of the parsers by so much and no more.
pub(crate) struct Buffers {
    chunk_bytes: usize,
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    free: Vec<Vec<u8>>,
    out: usize,
    small_bytes: usize,
}

/// Bytes on their way from the reader to a parser.
pub(crate) struct Piece<'b> {
    bytes: Vec<u8>,
    len: usize,
    of: &'b Buffers,
}

impl Buffers {
    /// About so many bytes may be on their way, but at least `least` buffers.
    pub(crate) fn new(bytes: u64, least: usize) -> Buffers {
        Buffers::of(CHUNK_BYTES, bytes, least)
    }

    /// The same with chunks of another length.
    pub(crate) fn of(chunk_bytes: usize, bytes: u64, least: usize) -> Buffers {
        let most = usize::try_from(bytes / chunk_bytes as u64).unwrap_or(usize::MAX).max(least);
        Buffers { chunk_bytes, most, state: Mutex::default(), changed: Condvar::new() }
    }

    fn small_bytes(&self) -> usize {
        self.chunk_bytes / SMALL_PART
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next bytes of a stream; waits while too many are on their way. A piece that is not full is the last.
    pub(crate) fn read(&self, reader: &mut dyn Read) -> Piece<'_> {
        let mut bytes = self.take();
        let mut len = 0;
        // a member's reader never fails, and what an ordinary one loses ends the member
        while len < bytes.len()
            && let Ok(read @ 1..) = reader.read(&mut bytes[len..])
        {
            len += read;
        }
        if len > self.small_bytes() {
            return Piece { bytes, len, of: self };
        }
        let copy = bytes[..len].to_vec();
        self.give(bytes);
        let mut state = self.state();
        while state.small_bytes > 0 && state.small_bytes + len > self.most * self.chunk_bytes {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.small_bytes += len;
        Piece { bytes: copy, len, of: self }
    }

    fn take(&self) -> Vec<u8> {
        let mut state = self.state();
        while state.out >= self.most {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.out += 1;
        let free = state.free.pop();
        drop(state);
        free.unwrap_or_else(|| vec![0; self.chunk_bytes])
    }

    fn give(&self, bytes: Vec<u8>) {
        let mut state = self.state();
        state.out -= 1;
        state.free.push(bytes);
        drop(state);
        self.changed.notify_all();
    }
}

impl Piece<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Whether the member has ended with it.
    pub(crate) fn is_last(&self) -> bool {
        self.len < self.of.chunk_bytes
    }
}

impl Drop for Piece<'_> {
    fn drop(&mut self) {
        if self.len > self.of.small_bytes() {
            return self.of.give(std::mem::take(&mut self.bytes));
        }
        self.of.state().small_bytes -= self.len;
        self.of.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_what_was_read_and_buffers_come_back() {
        let content: Vec<u8> = (0..3 * CHUNK_BYTES + 5).map(|it| it as u8).collect();
        let buffers = Buffers::new(0, 2);
        let (mut reader, mut read) = (content.as_slice(), Vec::new());
        let mut last = false;
        while !last {
            let piece = buffers.read(&mut reader);
            read.extend_from_slice(piece.bytes());
            last = piece.is_last();
        }
        assert!(read == content);
        let state = buffers.state();
        assert_eq!((state.out, state.free.len(), state.small_bytes), (0, 1, 0));
    }

    #[test]
    fn the_reader_waits_for_the_parser() {
        let buffers = Buffers::new(0, 1);
        let first = buffers.read(&mut std::io::repeat(1));
        std::thread::scope(|scope| {
            let second = scope.spawn(|| buffers.read(&mut std::io::repeat(2)).bytes()[0]);
            assert_eq!(first.bytes()[0], 1);
            drop(first);
            assert_eq!(second.join().expect("no panic"), 2);
        });
        assert_eq!(buffers.state().free.len(), 1, "one buffer did for both");
    }
}
