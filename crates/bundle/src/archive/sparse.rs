//! Files with holes: the pieces that are stored, and zeros between them.

use std::io::{self, Read};

use super::pax::number;
use super::sniff::HEAD;

/// More pieces than this and the file is passed over; a journal or a lastlog has a handful.
pub(super) const PIECES: usize = 1 << 16;

/// A stored stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// Whether the pieces are in order and add up to what is stored and to the size of the file.
pub(super) fn sound(pieces: &[Piece], stored: u64, real_size: u64) -> bool {
    let mut end = 0u64;
    let mut sum = 0u64;
    pieces.len() <= PIECES
        && pieces.iter().all(|piece| {
            let in_order = piece.offset >= end;
            sum = sum.saturating_add(piece.len);
            end = piece.offset.saturating_add(piece.len);
            in_order && end <= real_size
        })
        && sum == stored
}

/// The map of GNU sparse 1.0, which stands before the data: `2\n0\n512\n8192\n512\n` and zeros up to a full block.
/// Gives the pieces and the bytes read.
pub(super) fn read_map(reader: &mut dyn Read) -> Option<(Vec<Piece>, u64)> {
    let mut block = [0; HEAD];
    let mut numbers = Vec::new();
    let mut digits = Vec::new();
    let mut read = 0;
    loop {
        if super::layer::fill(reader, &mut block) < HEAD {
            return None;
        }
        read += HEAD as u64;
        for byte in block {
            if byte != b'\n' {
                digits.push(byte);
                if digits.len() > 20 {
                    return None;
                }
                continue;
            }
            numbers.push(number(&digits)?);
            digits.clear();
            let count = usize::try_from(numbers[0]).ok().filter(|count| *count <= PIECES)?;
            if numbers.len() == 1 + 2 * count {
                let pieces = numbers[1..].chunks_exact(2).map(|pair| Piece { offset: pair[0], len: pair[1] }).collect();
                return Some((pieces, read));
            }
        }
    }
}

/// Reads a sparse file as the system it came from would have.
pub(super) struct Filled<'r> {
    pub(super) stored: &'r mut dyn Read,
    pub(super) pieces: std::vec::IntoIter<Piece>,
    pub(super) piece: Option<Piece>,
    pub(super) at: u64,
    pub(super) real_size: u64,
}

impl<'r> Filled<'r> {
    pub(super) fn new(stored: &'r mut dyn Read, pieces: Vec<Piece>, real_size: u64) -> Self {
        let mut pieces = pieces.into_iter();
        Filled { stored, piece: pieces.next(), pieces, at: 0, real_size }
    }
}

impl Read for Filled<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.piece.filter(|piece| piece.offset + piece.len <= self.at) {
            debug_assert!(piece.offset <= self.at);
            self.piece = self.pieces.next();
        }
        let (stored, until) = match self.piece {
            Some(piece) if piece.offset <= self.at => (true, piece.offset + piece.len),
            Some(piece) => (false, piece.offset),
            None => (false, self.real_size),
        };
        let len = buf.len().min(usize::try_from(until.saturating_sub(self.at)).unwrap_or(usize::MAX));
        let read = if stored {
            self.stored.read(&mut buf[..len])?
        } else {
            buf[..len].fill(0);
            len
        };
        self.at += read as u64;
        Ok(read)
    }
}
