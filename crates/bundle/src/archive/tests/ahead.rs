//! What is unpacked ahead is what is unpacked one after another: bytes, damage, and the place where a bomb is left.

use std::io::BufReader;

use super::super::budget::Count;
use super::super::decode::Packing;
use super::super::layer::{End, Judge, Layer};
use super::*;

/// Blocks as `bgzip` writes them, with its empty one at the end.
fn bgzip(data: &[u8], block: usize) -> Vec<u8> {
    data.chunks(block).chain([&[][..]]).flat_map(|it| bgzip_block(it, 0)).collect()
}

/// A block that claims to be so many bytes longer than it is.
fn bgzip_block(data: &[u8], lie: i32) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(1));
    encoder.write_all(data).unwrap();
    let deflated = encoder.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(data);
    let size = (18 + deflated.len() + 8 - 1) as i32 + lie;
    let mut block = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, b'B', b'C', 2, 0];
    block.extend_from_slice(&(size as u16).to_le_bytes());
    block.extend_from_slice(&deflated);
    block.extend_from_slice(&crc.sum().to_le_bytes());
    block.extend_from_slice(&(data.len() as u32).to_le_bytes());
    block
}

/// Frames as `pzstd` writes them, each behind a skippable one that says how long it is.
fn pzstd(data: &[u8], frame: usize) -> Vec<u8> {
    let packed = |it: &[u8]| -> Vec<u8> {
        let frame = ::zstd::encode_all(it, 1).unwrap();
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0];
        [&skippable[..], &(frame.len() as u32).to_le_bytes(), &frame].concat()
    };
    data.chunks(frame).flat_map(packed).collect()
}

/// All that comes out, how it ended, and how much that took.
fn unpacked(packing: Packing, bytes: &[u8], limits: &Limits, threads: usize) -> (Vec<u8>, String, u64) {
    let used = Count::default();
    let root = Count::default();
    let judge = Judge {
        own: used.clone(),
        root: root.clone(),
        root_start: 0,
        ratio: limits.ratio,
        tripped: Default::default(),
    };
    root.add(bytes.len() as u64);
    let mut layer = Layer::new(packing.unpack(bytes, used.clone(), limits, threads), Some(judge));
    let (mut out, mut buf) = (Vec::new(), vec![0; 10_007]);
    while let Ok(read @ 1..) = layer.read(&mut buf) {
        out.extend_from_slice(&buf[..read]);
    }
    let end = match layer.take_end() {
        Some(End::Broken(error)) => error.to_string(),
        Some(End::Ratio) => "ratio".to_owned(),
        None => String::new(),
    };
    (out, end, used.get())
}

/// Both ways give the same; the end of it.
#[track_caller]
fn agreed(packing: Packing, bytes: &[u8], limits: &Limits) -> (Vec<u8>, String) {
    let serial = unpacked(packing, bytes, limits, 1);
    let ahead = unpacked(packing, bytes, limits, 3);
    assert_eq!((ahead.0.len(), &ahead.1), (serial.0.len(), &serial.1));
    // what a decoder has used of a block in which it fails depends on how much of it it was shown
    assert!(ahead.2 == serial.2 || !serial.1.is_empty(), "{} {}", ahead.2, serial.2);
    assert!(ahead.0 == serial.0, "other bytes");
    (serial.0, serial.1)
}

fn dice(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |sides| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % sides as u64) as usize
    }
}

fn cases() -> Vec<(Packing, Vec<u8>, Vec<u8>)> {
    let content = log(120_000);
    let small = log(100);
    vec![
        (Packing::Gzip, bgzip(&content, 65_280), content.clone()),
        (Packing::Gzip, bgzip(&small, 700), small.clone()),
        (
            Packing::Gzip,
            [gzip(&content), bgzip(&content, 9_000), gzip(&small)].concat(),
            [&*content, &content, &small].concat(),
        ),
        (
            Packing::Gzip,
            [bgzip(&content, 30_000), gzip(&small), bgzip(&small, 50)].concat(),
            [&*content, &small, &small].concat(),
        ),
        (Packing::Zstd, pzstd(&content, 1 << 20), content.clone()),
        (Packing::Zstd, pzstd(&small, 500), small.clone()),
        (Packing::Zstd, [zstd(&content), pzstd(&content, 300_000), zstd(&[])].concat(), [&*content, &content].concat()),
    ]
}

#[test]
fn whole_streams_come_out_whole() {
    for (packing, packed, content) in cases() {
        for padding in [0, 1, 1000] {
            let packed = [&*packed, &vec![0; padding]].concat();
            let (out, end) = agreed(packing, &packed, &Limits::default());
            assert!(out == content && end.is_empty(), "{packing:?}: {end}");
        }
    }
    for packing in [Packing::Gzip, Packing::Zstd] {
        assert_ne!(agreed(packing, b"", &Limits::default()).1, "");
    }
}

#[test]
fn what_is_cut_anywhere_breaks_where_it_would_one_after_another() {
    let mut roll = dice(0x5eed);
    for (packing, packed, content) in cases() {
        for _ in 0..25 {
            let (out, _) = agreed(packing, &packed[..roll(packed.len())], &Limits::default());
            assert!(content.starts_with(&out));
        }
    }
}

#[test]
fn damage_anywhere_is_met_where_it_would_be_one_after_another() {
    let mut roll = dice(0xbad);
    let mut broken = 0;
    for (packing, packed, _) in cases() {
        for _ in 0..25 {
            let mut packed = packed.clone();
            let at = roll(packed.len());
            match roll(4) {
                0 => packed[at] ^= 1 << roll(8),
                1 => packed.truncate(at.max(1)),
                2 => drop(packed.splice(at..at, b"something else".iter().copied())),
                _ => drop(packed.drain(at..(at + 1 + roll(300)).min(packed.len()))),
            }
            broken += usize::from(!agreed(packing, &packed, &Limits::default()).1.is_empty());
        }
    }
    assert!(broken > 50, "{broken}");
}

#[test]
fn lengths_that_lie_are_not_believed() {
    let content = log(3_000);
    for lie in [-30_000, -100, -1, 1, 7, 300, 30_000] {
        for (before, behind) in [(0, 0), (0, 3), (30, 3)] {
            let mut packed = bgzip(&content.repeat(before), 60_000);
            packed.extend(bgzip_block(&content[..40_000], lie));
            packed.extend(bgzip(&content.repeat(behind), 60_000));
            let (out, end) = agreed(Packing::Gzip, &packed, &Limits::default());
            assert_eq!((out.len(), end.as_str()), (content.len() * (before + behind) + 40_000, ""), "{lie}");
        }
    }
    // a block that unpacks to more than blocks of bgzip do
    let large = [bgzip_block(&vec![b'a'; 5 << 20], 0), bgzip(&content, 60_000)].concat();
    assert_eq!(agreed(Packing::Gzip, &large, &Limits::default()).0.len(), (5 << 20) + content.len());
    // an extra field that ends before it should, and one with other fields in it
    let mut odd = bgzip_block(&content[..1000], 0);
    odd[14] = 200;
    agreed(Packing::Gzip, &odd, &Limits::default());
    let mut other = bgzip_block(&content[..1000], 0);
    other[10] = 12;
    other.splice(12..12, [b'X', b'Y', 2, 0, 1, 2]);
    let length = u16::from_le_bytes([other[22], other[23]]) + 6;
    other[22..24].copy_from_slice(&length.to_le_bytes());
    assert_eq!(
        agreed(Packing::Gzip, &other.repeat(50), &Limits::default()),
        (content[..1000].repeat(50), String::new())
    );
}

#[test]
fn a_bomb_is_left_at_the_same_byte() {
    let zeros = vec![0; 1 << 20];
    let mut left = 0;
    for ratio in [20, 100, 600, 20_000] {
        let limits = Limits { ratio, ..Limits::default() };
        let honest = log(200_000);
        let bombs = [
            (Packing::Gzip, bgzip(&zeros, 65_280).repeat(40)),
            (Packing::Gzip, [bgzip(&honest, 65_280), bgzip(&zeros, 65_280).repeat(60)].concat()),
            (Packing::Zstd, pzstd(&zeros, 1 << 20).repeat(40)),
            (Packing::Zstd, [pzstd(&honest, 1 << 20), pzstd(&zeros, 1 << 20).repeat(60)].concat()),
        ];
        for (packing, bomb) in bombs {
            let (_, end) = agreed(packing, &bomb, &limits);
            assert!(end.is_empty() || end == "ratio", "{end}");
            left += usize::from(end == "ratio");
        }
    }
    assert!((4..16).contains(&left), "{left}");
}

#[test]
fn an_archive_of_members_has_the_same_ledger() {
    let content = log(60_000);
    let tar = tar_of(&[("a/first", b"1"), ("a/big", &content), ("a/last", b"2")]);
    let (one, many) = (gzip(&tar), bgzip(&tar, 65_280));
    let whole = (walked("x.tar.gz", &one), walked("x.tar.gz", &many));
    assert!(whole.0.members == whole.1.members && whole.0.notes() == whole.1.notes());
    let mut damaged = many.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40].fill(0xff);
    let seen = walked("x.tar.gz", &damaged);
    assert_eq!(seen.paths(), ["a/first", "a/big"]);
    // within another archive members are unpacked one after another
    let inner = walked("y.tar", &tar_of(&[("x.tar.gz", &damaged)]));
    let same = |it: &Seen| it.notes().replace("x.tar.gz!/", "");
    assert!(seen.content("a/big") == inner.content("x.tar.gz!/a/big"));
    assert_eq!(same(&seen), same(&inner));
    assert!(same(&seen).contains("damaged x.tar.gz at "), "{}", same(&seen));
}

#[test]
fn an_error_of_the_reader_is_met_behind_what_it_gave() {
    struct Failing<'b>(&'b [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() { Err(std::io::Error::other("the disk is gone")) } else { self.0.read(buf) }
        }
    }
    let packed = bgzip(&log(60_000), 65_280);
    for len in [0, 5, 18, 1000, packed.len() / 2, packed.len()] {
        let read = |threads| {
            let mut out = Vec::new();
            let reader = BufReader::new(Failing(&packed[..len]));
            let limits = Limits::default();
            let mut unpacked = Packing::Gzip.unpack(reader, Count::default(), &limits, threads);
            let error = unpacked.read_to_end(&mut out).expect_err("it fails").to_string();
            (out, error)
        };
        let (serial, ahead) = (read(1), read(3));
        assert_eq!((serial.0.len(), &serial.1), (ahead.0.len(), &ahead.1), "{len}");
        assert!(serial.0 == ahead.0);
    }
}
