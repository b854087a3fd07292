//! Text in another encoding than plain UTF-8, told by its mark, as PowerShell and editors of Windows write it:
//! `kubectl logs … > kubelet.log` there is UTF-16, and UTF-8 may begin with a mark that no tool of Linux expects.
//!
//! What comes out is UTF-8 without the mark, so that all formats read it; a unit that is no character becomes one `?`. A
//! place in such a file is one in the text that came out: lines keep their numbers.

use std::io::{self, BufRead, Read};

/// How many bytes of output a round makes at most, and therefore how much of the input it takes.
const ROUND_UNITS: usize = 16 << 10;

/// Whether what follows the mark of UTF-16 is mostly ASCII; `high` is where the upper byte of a unit stands.
pub(super) fn is_wide(rest: &[u8], high: usize) -> bool {
    let units = rest.chunks_exact(2);
    let all = units.len();
    let ascii = |it: &&[u8]| it[high] == 0 && matches!(it[1 - high], b'\t' | b'\n' | b'\r' | 0x1b | 0x20..=0x7e);
    all > 0 && units.filter(ascii).count() * 4 >= all * 3
}

/// UTF-16 as UTF-8.
pub(super) struct Utf16<R: BufRead> {
    inner: R,
    big: bool,
    begun: bool,
    /// The first half of a unit, and of a pair of units, whose other half has not come yet.
    byte: Option<u8>,
    high: Option<u16>,
    made: Vec<u8>,
    given: usize,
}

impl<R: BufRead> Utf16<R> {
    pub(super) fn new(inner: R, big: bool) -> Self {
        Utf16 { inner, big, begun: false, byte: None, high: None, made: Vec::new(), given: 0 }
    }

    /// Takes what has been read so far; false at the end.
    fn round(&mut self) -> io::Result<bool> {
        self.made.clear();
        self.given = 0;
        let read = self.inner.fill_buf()?;
        let input = &read[..read.len().min(2 * ROUND_UNITS)];
        let taken = input.len();
        if taken == 0 {
            let left = usize::from(self.high.take().is_some()) + usize::from(self.byte.take().is_some());
            self.made.extend(std::iter::repeat_n(b'?', left));
            return Ok(left > 0);
        }
        let mut units: Vec<u16> = Vec::with_capacity(taken / 2 + 2);
        units.extend(self.high.take());
        for byte in input {
            match self.byte.take() {
                None => self.byte = Some(*byte),
                Some(first) if self.big => units.push(u16::from_be_bytes([first, *byte])),
                Some(first) => units.push(u16::from_le_bytes([first, *byte])),
            }
        }
        self.inner.consume(taken);
        if !self.begun && !units.is_empty() {
            self.begun = true;
            if units[0] == 0xfeff {
                units.remove(0);
            }
        }
        if let Some(last) = units.last().copied().filter(|it| (0xd800..0xdc00).contains(it)) {
            self.high = Some(last);
            units.pop();
        }
        let mut letter = [0; 4];
        for it in char::decode_utf16(units) {
            self.made.extend_from_slice(it.unwrap_or('?').encode_utf8(&mut letter).as_bytes());
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.made.len() {
            if buf.is_empty() || !self.round()? {
                return Ok(0);
            }
        }
        let ready = &self.made[self.given..];
        let count = ready.len().min(buf.len());
        buf[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        Ok(count)
    }
}

/// UTF-8 without its mark.
pub(super) struct Unmarked<R: BufRead> {
    inner: R,
    mark: usize,
}

impl<R: BufRead> Unmarked<R> {
    pub(super) fn new(inner: R) -> Self {
        Unmarked { inner, mark: 3 }
    }
}

impl<R: BufRead> Read for Unmarked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.mark > 0 {
            let skipped = self.inner.fill_buf()?.len().min(self.mark);
            if skipped == 0 {
                return Ok(0);
            }
            self.inner.consume(skipped);
            self.mark -= skipped;
        }
        self.inner.read(buf)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn wide(text: &str, big: bool) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|it| if big { it.to_be_bytes() } else { it.to_le_bytes() }).collect()
    }

    fn narrow(bytes: &[u8], big: bool, at_once: usize) -> Vec<u8> {
        let mut out = Vec::new();
        Utf16::new(BufReader::with_capacity(at_once, bytes), big).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn the_same_text_however_the_bytes_come() {
        let text = "Jan  1 node-a kernel: gr\u{fc}n \u{20ac} \u{1f600} end\r\n".repeat(3);
        for big in [false, true] {
            for at_once in [1, 2, 3, 7, 1 << 16] {
                assert_eq!(narrow(&wide(&text, big), big, at_once), text.as_bytes(), "{at_once} at once");
            }
        }
    }

    #[test]
    fn halves_that_stand_alone_are_question_marks() {
        let mut bytes = wide("ab", false);
        bytes.extend([0x00, 0xd8, b'c', 0x00, 0x00, 0xd8, b'd']);
        for at_once in [1, 4, 64] {
            assert_eq!(narrow(&bytes, false, at_once), b"ab?c??");
        }
        assert_eq!(narrow(&[0xff, 0xfe], false, 8), b"");
    }

    #[test]
    fn the_mark_of_utf_8_is_taken_away() {
        for at_once in [1, 2, 64] {
            let mut out = Vec::new();
            let bytes: &[u8] = b"\xef\xbb\xbf{\"a\": 1}";
            Unmarked::new(BufReader::with_capacity(at_once, bytes)).read_to_end(&mut out).unwrap();
            assert_eq!(out, b"{\"a\": 1}");
        }
    }

    #[test]
    fn what_looks_like_text() {
        assert!(is_wide(&wide("Jan  1 node", false)[2..], 1) && is_wide(&wide("Jan  1 node", true)[2..], 0));
        assert!(!is_wide(&[], 1) && !is_wide(&[0x12, 0x80, 0x00, 0x00, 0x41, 0x00], 1));
    }
}
