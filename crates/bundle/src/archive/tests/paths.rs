//! Names that mean harm, and entries that are no files.

use super::*;

#[test]
fn paths_stay_inside_and_links_and_devices_are_named() {
    let tar = Tar::default()
        .file("/etc/passwd", b"1")
        .file("../../up", b"2")
        .file("./same", b"3")
        .file("same", b"4")
        .entry(b'0', b"caf\xe9.log", 1, |_| {}, b"5")
        .entry(b'0', b"a\x1b[2Jb", 1, |_| {}, b"6")
        .link(b'2', "date", "../../../etc/shadow")
        .link(b'1', "hard", "same")
        .entry(b'6', b"pipe", 0, |_| {}, b"")
        .entry(b'3', b"null", 0, |_| {}, b"")
        .entry(b'4', b"sda", 0, |_| {}, b"")
        .entry(b'5', b"dir/", 0, |_| {}, b"")
        .entry(b'M', b"rest", 3, |_| {}, b"???")
        .file("last", b"7")
        .end();
    let seen = walked("x.tar", &tar);
    assert_eq!(seen.paths(), ["etc/passwd", "up", "same", "same (2)", "caf\\xe9.log", "a\\u{1b}[2Jb", "last"]);
    assert_eq!(
        seen.notes(),
        "odd up Parent\n\
         odd same (2) Duplicate\n\
         odd caf\\xe9.log NotUtf8\n\
         odd a\\u{1b}[2Jb Control\n\
         linked date -> ../../../etc/shadow\n\
         linked hard -> same\n\
         skipped pipe 0 Special(\"fifo\")\n\
         skipped null 0 Special(\"character device\")\n\
         skipped sda 0 Special(\"block device\")\n\
         skipped rest 3 Special(\"volume part\")"
    );
}

#[test]
fn a_header_that_claims_the_world_gets_what_is_there() {
    let tar = Tar::default().file("first", b"1").entry(b'0', b"huge", 8 << 60 >> 1, |_| {}, b"rest").end();
    let seen = walked("x.tar", &tar);
    assert_eq!(seen.content("first"), b"1");
    assert_eq!(seen.content("huge").len(), 512 + 1024);
    assert!(seen.notes().starts_with("damaged huge at 1536 lost 0: ends after 1536 of 4611686018427387904 bytes"));

    for kind in [b'L', b'K', b'x', b'g'] {
        let tar = Tar::default().file("first", b"1").entry(kind, b"x", 1 << 60, |_| {}, b"rest").end();
        let seen = walked("x.tar", &tar);
        assert_eq!(seen.paths(), ["first"]);
        assert!(seen.notes().contains("too long to be believed"), "{}", seen.notes());
    }
}

#[test]
fn links_in_a_zip_are_named() {
    let mut zip = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut zip);
    let link = archive.new_file("ps").unix_permissions(0o120_777);
    let (mut entry, config) = link.start().unwrap();
    let mut writer = config.wrap(&mut entry);
    writer.write_all(b"/etc/shadow").unwrap();
    let (_, descriptor) = writer.finish().unwrap();
    entry.finish(descriptor).unwrap();
    archive.finish().unwrap();
    let outer = tar_of(&[("in.zip", &zip), ("a", b"1")]);
    let seen = walked("x.tar", &outer);
    assert_eq!(
        (seen.paths(), seen.notes()),
        (vec!["a"], "linked in.zip!/ps -> /etc/shadow\nskipped in.zip 0 NoFiles".to_owned())
    );
}

/// A record of a pax header: its length, in decimal, counts itself.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let len = (rest..).find(|len| len.to_string().len() + rest == *len).unwrap();
    [format!("{len} {key}=").as_bytes(), value, b"\n"].concat()
}

#[test]
fn a_pax_header_means_no_more_harm_than_a_name() {
    let with = |tar: Tar, records: &[u8], file: &[u8]| {
        tar.entry(b'x', b"PaxHeaders/x", records.len() as u64, |_| {}, records).file("plain", file)
    };
    let tar = with(Tar::default(), &record("path", b"../../etc/cron.d/job"), b"1");
    let tar = with(tar, &record("path", b"/etc/shadow"), b"2");
    let tar = with(tar, &record("path", b"a\nb\xff"), b"3");
    let tar = with(tar, &record("path", b".."), b"4");
    // the size that a header claims for the next entry is read, but not trusted
    let tar = with(tar, &record("size", b"99999999999999999999"), b"5");
    let tar = with(tar, &record("size", b"-1"), b"6");
    let tar = with(tar, b"999999 path=x\n", b"7");
    let tar = with(tar, &[record("path", b"first"), record("path", b"second")].concat(), b"8");
    let long = vec![b'l'; 9000];
    let tar = with(tar, &record("path", &long), b"9");
    let linked = record("linkpath", b"../../../srv/keys/id");
    let tar = tar.entry(b'x', b"PaxHeaders/x", linked.len() as u64, |_| {}, &linked).link(b'2', "key", "short");
    let sparse =
        [record("GNU.sparse.major", b"0"), record("GNU.sparse.minor", b"1"), record("GNU.sparse.name", b"../holes")];
    let map = [record("GNU.sparse.size", b"8"), record("GNU.sparse.map", b"1,2,6,1")];
    let tar = with(tar, &[sparse.concat(), map.concat()].concat(), b"ABC");
    let seen = walked("x.tar", &with(tar, &record("GNU.sparse.map", b"5,2,1,1"), b"XYZ").end());
    let cut = "l".repeat(4096);
    assert_eq!(
        seen.paths(),
        [
            "etc/cron.d/job",
            "etc/shadow",
            "a\\nb\\xff",
            "unnamed",
            "plain",
            "plain (2)",
            "plain (3)",
            "second",
            cut.as_str(),
            "holes",
        ]
    );
    assert_eq!(seen.content("plain"), b"5", "a size that is no number is none");
    assert_eq!(seen.content("holes"), b"\0AB\0\0\0C\0");
    let notes = seen.notes();
    for expected in [
        "odd etc/cron.d/job Parent",
        "odd a\\nb\\xff Control",
        "odd a\\nb\\xff NotUtf8",
        "odd unnamed Parent",
        "a pax header that cannot be read",
        "linked key -> ../../../srv/keys/id",
        "odd holes Parent",
        "lost 3: the map of its holes cannot be right",
    ] {
        assert!(notes.contains(expected), "{expected} is not in\n{notes}");
    }
}
