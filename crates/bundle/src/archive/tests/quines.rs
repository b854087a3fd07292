//! Archives that hold themselves, and the bound they meet.
//!
//! A gzip file that unpacks to itself, byte for byte, and a zip whose only entry is itself. Both are made here, of two
//! words of deflate: a stored block prints what stands in it, and a block of matches repeats what was printed last. The
//! checksum of the whole stands in the whole; it is linear over its bits, and solved for.

use super::*;

/// Prints the next `len` bytes of the stream: the head of a stored block.
fn print(len: usize) -> Vec<u8> {
    let len = u16::try_from(len).unwrap().to_le_bytes();
    [0, len[0], len[1], !len[0], !len[1]].to_vec()
}

/// Bits as deflate packs them: the lowest first, the words of a code from its highest bit on.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn number(&mut self, value: usize, bits: u32) {
        self.0.extend((0..bits).map(|at| value >> at & 1 == 1));
    }

    fn code(&mut self, value: usize, bits: u32) {
        self.0.extend((0..bits).rev().map(|at| value >> at & 1 == 1));
    }

    /// A match, in the fixed codes.
    fn copy(&mut self, len: usize, distance: usize) {
        let (code, bits, base) = coded(len - 3, 4);
        let code = 257 + code;
        if code < 280 {
            self.code(code - 256, 7)
        } else {
            self.code(code - 280 + 192, 8)
        }
        self.number(len - 3 - base, bits);
        let (code, bits, base) = coded(distance - 1, 2);
        self.code(code, 5);
        self.number(distance - 1 - base, bits);
    }

    fn bytes(self) -> Vec<u8> {
        self.0.chunks(8).map(|it| it.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
    }
}

/// The code of a value, its extra bits, and the least value of the code: `group` codes share a number of bits.
fn coded(value: usize, group: usize) -> (usize, u32, usize) {
    let (mut base, mut code) = (0, 0);
    loop {
        let bits = (code / group).saturating_sub(1) as u32;
        if value < base + (1 << bits) {
            return (code, bits, base);
        }
        (base, code) = (base + (1 << bits), code + 1);
    }
}

/// Repeats the last `len` bytes, in a block of these matches that ends with a byte of its own: exactly five bytes.
fn repeat(copies: &[usize]) -> Vec<u8> {
    let len = copies.iter().sum();
    let mut bits = Bits::default();
    bits.number(0b010, 3);
    copies.iter().for_each(|it| bits.copy(*it, len));
    bits.code(0, 7);
    if bits.0.len() == 30 {
        // a block of nothing fills the byte
        bits.number(0b010, 3);
        bits.code(0, 7);
    }
    assert_eq!(bits.0.len(), 40, "{len} bytes as {copies:?}");
    bits.bytes()
}

/// The same in as many bytes as it takes: a stored block of nothing ends it.
fn repeat_long(len: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(0b010, 3);
    bits.copy(len, len);
    bits.code(0, 7);
    bits.number(0, 3);
    [bits.bytes(), vec![0, 0, 0xff, 0xff]].concat()
}

/// A stream that prints `before`, itself and `after`. `copies` add up to the length of `before` and five.
///
/// Each literal is followed by its repetition, so that what was printed once stands twice, as it does in the stream.
fn itself(before: &[u8], copies: &[usize], after: &[u8]) -> Vec<u8> {
    assert_eq!(copies.iter().sum::<usize>(), before.len() + 5);
    let (first, four, nothing, word) = (repeat(copies), repeat(&[10, 10]), print(0), print(5));
    let start = [before, &print(before.len() + 5)].concat();
    let last = (5..12).map(|it| (it, repeat_long(after.len() + it))).find(|(len, it)| it.len() == *len).unwrap().1;
    let end = [last.as_slice(), after].concat();
    let (twenty, tail) = (print(20), print(end.len()));
    let parts: &[&[u8]] = &[
        &start[before.len()..],
        &start,
        &first,
        &word,
        &first,
        &word,
        &word,
        // twice `first word word twenty`: once printed, once repeated
        &twenty,
        &first,
        &word,
        &word,
        &twenty,
        &four,
        // twice `four twenty four twenty`
        &twenty,
        &four,
        &twenty,
        &four,
        &twenty,
        &four,
        // twice `four nothing nothing tail`
        &twenty,
        &four,
        &nothing,
        &nothing,
        &tail,
        &four,
        // twice the end
        &nothing,
        &nothing,
        &tail,
        &end,
        &end,
    ];
    [before, &parts.concat()].concat()
}

/// Finds the checksum that makes a whole have it. `whole` is linear over the bits of the checksum it is given.
fn solved(whole: impl Fn(u32) -> Vec<u8>) -> Option<Vec<u8>> {
    let sum = |bits: u32| {
        let mut crc = flate2::Crc::new();
        crc.update(&whole(bits));
        crc.sum()
    };
    let zero = sum(0);
    // a row for each bit of the sum: which bits of the unknown change it, itself among them, and what it shall be
    let columns: Vec<u32> = (0..32).map(|it| sum(1 << it) ^ zero ^ 1 << it).collect();
    let row = |at: usize| {
        let of = columns.iter().enumerate().fold(0u64, |row, (bit, it)| row | u64::from(it >> at & 1) << bit);
        of | u64::from(zero >> at & 1) << 32
    };
    let mut rows: Vec<u64> = (0..32).map(row).collect();
    for bit in 0..32 {
        let pivot = (bit..32).find(|it| rows[*it] >> bit & 1 == 1)?;
        rows.swap(bit, pivot);
        for other in (0..32).filter(|it| *it != bit) {
            if rows[other] >> bit & 1 == 1 {
                rows[other] ^= rows[bit];
            }
        }
    }
    let unknown = rows.iter().enumerate().fold(0u32, |all, (bit, row)| all | ((row >> 32) as u32 & 1) << bit);
    (sum(unknown) == unknown).then(|| whole(unknown))
}

/// A gzip that unpacks to itself; `mtime` is free.
fn gzip_quine() -> Vec<u8> {
    let of = |mtime: u8, crc: u32, size: u32| {
        let before = [&[0x1f, 0x8b, 8, 8, mtime, 0, 0, 0, 0, 3], b"self\0".as_slice()].concat();
        let after = [&[1, 0, 0, 0xff, 0xff], crc.to_le_bytes().as_slice(), &size.to_le_bytes()].concat();
        itself(&before, &[10, 10], &after)
    };
    let size = of(0, 0, 0).len() as u32;
    (0..=255).find_map(|mtime| solved(|crc| of(mtime, crc, size))).expect("a checksum that fits")
}

/// A zip of one entry, itself.
fn zip_quine() -> Vec<u8> {
    let name = b"a-zip-that-holds-only-itself.a";
    let le = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let of = |free: u8, crc: u32, size: usize, packed: usize| {
        // version, flags, method, time and date, checksum, sizes, lengths of name and extra field
        let entry = |extra: u8| {
            let fixed = [20, 0, 0, 0, 8, 0, free, 0, 0x21, 0];
            let lens = [name.len() as u8, 0, extra, 0];
            [&fixed, crc.to_le_bytes().as_slice(), &le(packed), &le(size), &lens].concat()
        };
        let before = [b"PK\x03\x04".as_slice(), &entry(0), name].concat();
        let central = [b"PK\x01\x02\x14\0".as_slice(), &entry(0), &[0; 14], name].concat();
        let start = size - central.len() - 22;
        let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &le(central.len()), &le(start), &[0, 0]].concat();
        let after = [&[1, 0, 0, 0xff, 0xff], central.as_slice(), &end].concat();
        itself(&before, &[65], &after)
    };
    let size = of(0, 0, 1000, 0).len();
    let packed = size - (30 + name.len()) - (46 + name.len()) - 22;
    (0..=255).find_map(|free| solved(|crc| of(free, crc, size, packed))).expect("a checksum that fits")
}

#[test]
fn a_gzip_that_holds_itself_ends_at_its_depth() {
    let quine = gzip_quine();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(quine.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == quine, "it does not hold itself");
    let seen = walked("self.gz", &quine);
    assert!(seen.members.is_empty());
    assert_eq!(seen.notes(), format!("limit Depth 8 self.gz\nskipped self.gz {} Limit(Depth)", quine.len()));
    // beside other files it harms none
    let seen = walked("x.tar", &tar_of(&[("before", b"1"), ("self.gz", &quine), ("after", b"2")]));
    assert_eq!(seen.paths(), ["before", "after"]);
    assert_eq!(seen.notes(), format!("limit Depth 8 self.gz\nskipped self.gz {} Limit(Depth)", quine.len()));
}

#[test]
fn a_zip_that_holds_itself_ends_at_its_depth() {
    let quine = zip_quine();
    let name = "a-zip-that-holds-only-itself.a";
    for len in [1, 3, 8] {
        let limits = Limits { depth: len, ..Limits::default() };
        let (seen, walked) = open("self.zip", &quine, &limits);
        walked.unwrap();
        let path = vec![name; len as usize].join("!/");
        assert!(seen.members.is_empty());
        assert_eq!(
            seen.notes(),
            format!("limit Depth {len} {path}\nskipped {path} {} Limit(Depth)", quine.len()),
            "what stands in it is the same zip, whole and unharmed, at every depth"
        );
    }
}

/// Sixteen zips in each of sixteen zips, and so on: small, and without an end for who opens them all.
#[test]
fn a_tree_of_zips_ends_at_the_members() {
    let mut zip = zip_of(&[("leaf", b"a line\n")]);
    for _ in 0..6 {
        let names: Vec<String> = (0..16).map(|it| format!("{it}.zip")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|it| (it.as_str(), zip.as_slice())).collect();
        zip = zip_of(&files);
    }
    let limits = Limits { members: 5000, ..Limits::default() };
    let (seen, walked) = open("tree.zip", &zip, &limits);
    walked.unwrap();
    assert!(seen.members.len() < 5000 && seen.members.iter().all(|it| it.1 == b"a line\n"), "{}", seen.members.len());
    let notes = seen.notes();
    assert!(notes.starts_with("limit Members 5000 ") && notes.lines().count() == 1, "{notes}");
}
