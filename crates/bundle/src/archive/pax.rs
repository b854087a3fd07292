//! pax extended headers: `30 mtime=1732183446.123456789\n`.
//!
//! Read by the length each record states, since a value may hold newlines. Skipped: owners, xattrs, character sets.
//! Source: POSIX `pax`, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".

use super::sparse::{PIECES, Piece};

/// What the headers before an entry say about it.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<i64>,
    pub(super) sparse: Option<Sparse>,
}

/// `GNU.sparse.*`: formats 0.0 and 0.1 bring the map here, 1.0 before the data.
#[derive(Debug, Default)]
pub(super) struct Sparse {
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: u64,
    pub(super) pieces: Vec<Piece>,
    pub(super) map_in_data: bool,
    offset: u64,
}

impl Extended {
    /// Adds the records of an `x` header; false if some of it is no record.
    pub(super) fn read(&mut self, mut text: &[u8]) -> bool {
        while !text.is_empty() && text[0] != 0 {
            let Some((record, rest)) = record(text) else { return false };
            let Some(equals) = record.iter().position(|byte| *byte == b'=') else { return false };
            self.set(&record[..equals], &record[equals + 1..]);
            text = rest;
        }
        true
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = number(value),
            b"mtime" => self.modified = seconds(value),
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.get_or_insert_default().set(key, value);
                }
            }
        }
    }
}

impl Sparse {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.real_size = number(value).unwrap_or(0),
            b"major" => self.map_in_data = value == b"1",
            b"offset" => self.offset = number(value).unwrap_or(0),
            b"numbytes" if self.pieces.len() <= PIECES => {
                self.pieces.push(Piece { offset: self.offset, len: number(value).unwrap_or(0) });
            }
            b"map" => {
                let numbers: Vec<u64> = value.split(|byte| *byte == b',').filter_map(number).collect();
                self.pieces = numbers.chunks_exact(2).map(|pair| Piece { offset: pair[0], len: pair[1] }).collect();
            }
            _ => {}
        }
    }
}

/// `12 path=a/b\n`, without length and newline, and what follows it.
fn record(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().take(20).position(|byte| *byte == b' ')?;
    let len = usize::try_from(number(&text[..space])?).ok()?;
    let (record, rest) = text.split_at_checked(len)?;
    Some((record.strip_suffix(b"\n")?.get(space + 1..)?, rest))
}

/// Decimal digits and nothing else.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    text.first().filter(|byte| byte.is_ascii_digit())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `1732183446.123456789`, `-3`
fn seconds(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_length() {
        let mut extended = Extended::default();
        assert!(extended.read(b"14 path=a\nb/c\n30 mtime=1732183446.123456789\n11 size=12\n"));
        assert_eq!(extended.path.as_deref(), Some(b"a\nb/c".as_slice()));
        assert_eq!((extended.modified, extended.size), (Some(1_732_183_446), Some(12)));
        for bad in ["99 path=a\n", "path=a\n", "5 path\n", "0 x=\n", "99999999999999999999 x=y\n", "8 path=a\n"] {
            assert!(!Extended::default().read(bad.as_bytes()), "{bad}");
        }
    }
}
