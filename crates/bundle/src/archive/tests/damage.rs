//! Broken bundles: what stands before the damage is shown, and what was lost is named.

use super::*;

/// Whether `part` is what `whole` begins with, and not much less than expected.
fn begins(whole: &[u8], part: &[u8], at_least: usize) {
    assert!(whole.starts_with(part), "something else came out");
    assert!(part.len() >= at_least, "only {} bytes came out, not {at_least}", part.len());
}

#[test]
fn a_cut_archive_gives_what_is_there() {
    let content = log(100_000);
    let tar = tar_of(&[("first", b"1"), ("big", &content), ("last", b"2")]);
    // an xz decoder does not begin a chunk before it is whole, so of a cut xz the last chunk is missing
    type Pack = fn(&[u8]) -> Vec<u8>;
    let cases: [(&str, Pack, usize); 5] =
        [("tar", <[u8]>::to_vec, 2), ("gzip", gzip, 3), ("bzip2", bzip2, 3), ("zstd", zstd, 3), ("xz", xz, 8)];
    for (name, pack, share) in cases {
        let packed = pack(&tar);
        let seen = walked("x.tar", &packed[..packed.len() / 2]);
        assert_eq!(seen.paths(), ["first", "big"], "{name}");
        begins(&content, seen.content("big"), content.len() / share);
        let len = seen.content("big").len();
        let notes = seen.notes();
        assert!(notes.starts_with(&format!("damaged big at {len} lost 0: ends after {len} of")), "{name}: {notes}");
        assert!(notes.contains("damaged x.tar at "), "{name}: {notes}");
    }
}

#[test]
fn a_zip_without_its_directory_gives_its_entries_one_after_another() {
    let content = log(100_000);
    let zip = zip_of(&[("dir/a.log", &content), ("b.gz", &gzip(b"inner")), ("c.log", &content), ("d", b"never")]);
    for outer in [false, true] {
        let cut = &zip[..zip.len() * 3 / 4];
        let (name, bytes) = if outer { ("in.zip!/", tar_of(&[("in.zip", cut)])) } else { ("", cut.to_vec()) };
        let seen = walked("x.zip", &bytes);
        assert_eq!(seen.paths(), ["dir/a.log", "b.gz", "c.log"].map(|path| format!("{name}{path}")));
        assert!(seen.content(&format!("{name}dir/a.log")) == content);
        assert_eq!(seen.content(&format!("{name}b.gz")), b"inner");
        begins(&content, seen.content(&format!("{name}c.log")), content.len() / 3);
        let notes = seen.notes();
        assert!(notes.starts_with(&format!("damaged {name}c.log at ")), "{notes}");
        assert!(notes.contains("its directory is missing"), "{notes}");
    }
}

#[test]
fn a_wrong_checksum_is_noted_behind_the_content() {
    let content = log(3_000);
    let mut gz = gzip(&content);
    let crc = gz.len() - 8;
    gz[crc] ^= 1;
    let mut zst = zstd(&content);
    let crc = zst.len() - 1;
    zst[crc] ^= 1;
    for (name, bytes) in [("gz", gz), ("zst", zst)] {
        let seen = walked("x", &bytes);
        assert!(seen.content("x") == content, "{name}");
        assert!(seen.notes().starts_with(&format!("damaged x at {} lost 0: ", content.len())), "{}", seen.notes());
    }
    let zip = zip_of(&[("a", &content), ("b", b"good")]);
    let at = zip.windows(4).rposition(|window| window == [b'P', b'K', 1, 2]).unwrap();
    let mut bad = zip.clone();
    bad[at + 16] ^= 1; // the checksum of `b` in the directory
    let seen = walked("x.zip", &bad);
    assert_eq!(seen.paths(), ["a", "b"]);
    assert_eq!(seen.content("b"), b"good");
    assert!(seen.notes().starts_with("damaged b at 4 lost 0: "), "{}", seen.notes());
}

#[test]
fn damage_in_the_middle_of_a_stream_loses_only_what_follows() {
    let content = log(100_000);
    type Pack = fn(&[u8]) -> Vec<u8>;
    let cases: [(&str, Pack, usize); 3] = [("gzip", gzip, 1000), ("bzip2", bzip2, 200_000), ("xz", xz, 1000)];
    for (name, pack, slack) in cases {
        let mut bytes = pack(&content);
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0xff);
        let seen = walked("x", &bytes);
        let got = seen.content("x");
        // until the decoder notices, some of what it gives is wrong: compare what is surely before the damage
        let sure = content.len() / 2 - content.len() / 20;
        assert!(got.len() + slack >= sure, "{name}: {} of {sure}", got.len());
        let compared = got.len().min(sure).saturating_sub(slack);
        assert!(got[..compared] == content[..compared], "{name}");
        assert!(seen.notes().starts_with(&format!("damaged x at {}", got.len())), "{name}: {}", seen.notes());
    }
}

#[test]
fn garbage_between_entries_is_named_and_the_next_header_found() {
    let mut tar = Tar::default().file("a", b"1").raw(&[0xaa; 1024]).file("b", b"2").end();
    let seen = walked("x.tar", &tar);
    assert_eq!(
        (seen.paths(), seen.notes()),
        (vec!["a", "b"], "damaged x.tar at 1024 lost 1024: this is no tar header".to_owned())
    );

    // a header of which one bit flipped: its content is lost with it, the next entry is not
    tar = tar_of(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
    tar[1024] ^= 1;
    assert_eq!(walked("x.tar", &tar).notes(), "damaged x.tar at 1024 lost 1024: this is no tar header");
}

#[test]
fn an_end_without_a_marker_is_named() {
    let tar = tar_of(&[("a", b"1")]);
    assert_eq!(
        walked("x.tar", &tar[..1024]).notes(),
        "damaged x.tar at 1024 lost 0: the archive ends without its end marker"
    );
    let both = [tar_of(&[("a", b"1")]), tar_of(&[("b", b"2")])].concat();
    assert_eq!((walked("x.tar", &both).paths(), walked("x.tar", &both).notes()), (vec!["a", "b"], String::new()));
}

#[test]
fn something_behind_a_stream_is_named() {
    for (packed, name) in
        [(gzip(b"data"), "gzip"), (bzip2(b"data"), "bzip2"), (zstd(b"data"), "zstd"), (xz(b"data"), "xz")]
    {
        let seen = walked("x", &[packed, b"trailing words".to_vec()].concat());
        assert_eq!(seen.content("x"), b"data", "{name}");
        assert!(seen.notes().starts_with("damaged x at 4 lost 0: "), "{name}: {}", seen.notes());
    }
}

#[test]
fn a_broken_archive_inside_does_not_stop_the_outer_one() {
    let outer = tar_of(&[
        ("a.gz", b"\x1f\x8b\x08garbage, not one byte of which can be unpacked"),
        ("b.zip", b"PK\x03\x04 garbage"),
        ("c.tar.gz", &gzip(&tar_of(&[("in", &log(9000))]))[..9000]),
        ("d.7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
        ("e", b"fine"),
    ]);
    let seen = walked("x.tar", &outer);
    assert_eq!(seen.paths(), ["c.tar.gz!/in", "e"]);
    let notes = seen.notes();
    for wanted in [
        "damaged a.gz at 0 lost 49: ",
        "damaged b.zip at 0 lost 12: ",
        "damaged c.tar.gz!/in at ",
        "damaged c.tar.gz at ",
        "skipped d.7z 8 Unsupported(\"7-zip\")",
    ] {
        assert!(notes.contains(wanted), "{wanted} is not in\n{notes}");
    }
}

#[test]
fn no_bytes_whatever_make_us_panic_or_hang() {
    let tar = tar_of(&[("a", &log(400)), ("b.gz", &gzip(&log(400))), ("c.zip", &zip_of(&[("in", &log(400))]))]);
    let limits = Limits { total_bytes: 1 << 24, ..Limits::default() };
    let mut random = 0x2545_f491_4f6c_dd1du64;
    for base in [tar.clone(), gzip(&tar), xz(&tar), bzip2(&tar), zstd(&tar), zip_of(&[("a.tar", &tar)])] {
        for _ in 0..60 {
            let mut bytes = base.clone();
            for _ in 0..4 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = (random >> 8) as usize % bytes.len();
                bytes[at] = random as u8;
            }
            let (seen, _) = open("x.tar", &bytes, &limits);
            assert!(!seen.notes().contains("the decoder gave up"), "{}", seen.notes());
        }
    }
}

/// An archive may lie about the size of what is in it, and what is in it may come to nothing: what is lost is counted.
#[test]
fn a_claimed_size_is_not_what_was_lost() {
    // a gzip header, and nothing that could follow it
    let broken = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff][..], &[0xff; 300]].concat();
    let mut zip = zip_of(&[("inner.gz", &broken)]);
    // in the directory and behind the content alike: 8 MiB more
    let size = (broken.len() as u32).to_le_bytes();
    let at: Vec<usize> = (0..zip.len() - 4).filter(|it| zip[*it..it + 4] == size).collect();
    assert!(!at.is_empty());
    at.iter().for_each(|it| zip[it + 2] = 0x80);
    for (name, bytes) in [("x.zip", zip.clone()), ("x.tar", tar_of(&[("x.zip", &zip)]))] {
        let lost: u64 = walked(name, &bytes)
            .notes
            .iter()
            .map(|it| if let Note::Damaged { lost, .. } = it { *lost } else { 0 })
            .sum();
        assert!((1..=broken.len() as u64).contains(&lost), "{lost} of {}", broken.len());
    }
    let tar = Tar::default().entry(b'0', b"inner.gz", 1 << 40, |_| {}, &broken).end();
    let seen = walked("x.tar", &tar);
    let lost: u64 = seen.notes.iter().map(|it| if let Note::Damaged { lost, .. } = it { *lost } else { 0 }).sum();
    assert!((1..=tar.len() as u64).contains(&lost), "{}", seen.notes());
}
