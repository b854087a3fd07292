//! What is opened, and as what.

use super::*;

#[test]
fn every_compression_of_a_tar_is_opened_by_its_first_bytes() {
    let content = log(20_000);
    let tar = tar_of(&[("top/a.log", &content), ("top/b", b"two")]);
    for bytes in [tar.clone(), gzip(&tar), xz(&tar), bzip2(&tar), zstd(&tar), lz4(&tar)] {
        let seen = walked("no-extension", &bytes);
        assert_eq!(seen.paths(), ["top/a.log", "top/b"]);
        assert!(seen.content("top/a.log") == content && seen.notes.is_empty());
    }
}

#[test]
fn a_plain_or_compressed_file_is_one_member_under_its_own_name() {
    assert_eq!(walked("kubelet.log", b"one line\n").content("kubelet.log"), b"one line\n");
    for bytes in [gzip(b"one line\n"), xz(b"one line\n"), bzip2(b"one line\n"), zstd(b"one line\n"), lz4(b"one line\n")]
    {
        assert_eq!(walked("kubelet.log.gz", &bytes).content("kubelet.log.gz"), b"one line\n");
    }
    assert_eq!(walked("page.tar.gz", b"<html>404 Not Found</html>").paths(), ["page.tar.gz"]);
    assert_eq!(walked("empty.log.gz", &gzip(b"")).content("empty.log.gz"), b"");
}

#[test]
fn streams_one_after_another_are_one() {
    let skippable = [&[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let padded = [xz(b"one "), vec![0; 8], xz(b"two")].concat();
    let cases = [
        [gzip(b"one "), gzip(b"two")].concat(),
        [gzip(b"one "), gzip(b""), gzip(b"two"), vec![0; 700]].concat(),
        [xz(b"one "), xz(b"two")].concat(),
        padded,
        [bzip2(b"one "), bzip2(b"two")].concat(),
        [zstd(b"one "), zstd(b"two")].concat(),
        [lz4(b"one "), lz4(b"two"), vec![0; 700]].concat(),
        [lz4(b"one "), lz4(b""), lz4(b"two")].concat(),
        [skippable.clone(), zstd(b"one "), skippable.clone(), zstd(b"two"), skippable].concat(),
    ];
    for (index, bytes) in cases.iter().enumerate() {
        let seen = walked("x", bytes);
        assert_eq!((seen.content("x"), seen.notes()), (b"one two".as_slice(), String::new()), "case {index}");
    }
}

#[test]
fn archives_in_archives_are_joined_by_a_bang() {
    let fs = tar_of(&[("cmdline", b"quiet")]);
    let scc = xz(&tar_of(&[("boot.txt", b"boot"), ("fs.tar", &fs)]));
    let node = zip_of(&[("node-1/scc.txz", &scc), ("node-1/dmesg.gz", &gzip(b"dmesg"))]);
    let outer = gzip(&tar_of(&[("nodes/node-1.zip", &node), ("version", b"1")]));
    let expected = [
        "nodes/node-1.zip!/node-1/scc.txz!/boot.txt",
        "nodes/node-1.zip!/node-1/scc.txz!/fs.tar!/cmdline",
        "nodes/node-1.zip!/node-1/dmesg.gz",
        "version",
    ];
    let seen = walked("b.tgz", &outer);
    assert_eq!((seen.paths(), seen.notes()), (expected.to_vec(), String::new()));
    assert_eq!(seen.content("nodes/node-1.zip!/node-1/dmesg.gz"), b"dmesg");
    assert_eq!(walked("z.zip", &zip_of(&[("n.zip", &node)])).paths()[1], "n.zip!/node-1/scc.txz!/fs.tar!/cmdline");
}

#[test]
fn a_text_of_several_outputs_is_taken_apart() {
    let long = log(20_000);
    let text = [
        b"\n==> Audit <==\n|---|\n\n==> kubelet <==\n".as_slice(),
        &long,
        b"==> is no name\n==> /var/log/messages <==\r\none\n\n==> kubelet <==\nagain\n==> empty <==\n==> last <==\nno end",
    ]
    .concat();
    let kubelet = [long.as_slice(), b"==> is no name\n"].concat();
    for bytes in [text.clone(), gzip(&text)] {
        let seen = walked("logs.txt", &bytes);
        assert_eq!(seen.paths(), ["Audit", "kubelet", "var/log/messages", "kubelet (2)", "empty", "last"]);
        assert_eq!(seen.content("Audit"), b"|---|\n\n");
        assert!(seen.content("kubelet") == kubelet);
        assert_eq!(seen.content("var/log/messages"), b"one\n\n");
        assert_eq!((seen.content("empty"), seen.content("last")), (b"".as_slice(), b"no end".as_slice()));
        assert_eq!(seen.notes(), "odd kubelet (2) Duplicate");
    }
    let seen = walked("x.tar", &tar_of(&[("a/logs.txt", &text), ("b", b"a\n==> kubelet <==\nb\n")]));
    assert_eq!((seen.paths()[1], seen.paths()[6]), ("a/logs.txt!/kubelet", "b"));
    // any of its bytes may be the last that is at hand: what is shown does not change
    for cut in [1, 2, 5, 13, 14, 20, 30] {
        let seen = walked("x", &text[..cut + 100]);
        assert!(seen.content("kubelet").starts_with(b"0000000 kubelet: "), "{cut}");
    }
}

/// A member costs a thousand times what its name does: a text of nothing but names is not as many members.
#[test]
fn a_text_of_nothing_but_names_is_a_bounded_number_of_outputs() {
    let list = "{\n    \"kind\": \"NodeList\",\n    \"items\": []\n}\n";
    let texts = [
        ("==> a <==\n".repeat(30_000), 10_000),
        (list.repeat(30_000), 10_000),
        (list.to_owned() + &"{\n".repeat(30_000), 1),
    ];
    for (text, outputs) in texts {
        let seen = walked("logs.txt", text.as_bytes());
        assert_eq!(seen.paths().len(), outputs, "{}", &text[..20]);
        // what comes after the last name is a part of the last
        let names = if text.starts_with('=') { outputs * "==> a <==\n".len() } else { 0 };
        let held: usize = seen.members.iter().map(|it| it.1.len()).sum();
        assert_eq!(held + names, text.len());
    }
}

#[test]
fn pax_and_gnu_names_times_and_global_headers_are_read() {
    let long = "d/".repeat(120) + "file";
    let pax = format!("30 mtime=1732183446.123456789\n{} path={long}\n", long.len() + 10);
    let tar = Tar::default()
        .entry(b'g', b"pax_global_header", 19, |_| {}, b"19 comment=a7c9e0f\n")
        .entry(b'x', b"PaxHeaders/file", pax.len() as u64, |_| {}, pax.as_bytes())
        .file("short", b"pax")
        .entry(b'L', b"././@LongLink", long.len() as u64 + 1, |_| {}, format!("{long}2\0").as_bytes())
        .file("short", b"gnu")
        .file("plain", b"!")
        .end();
    let seen = walked("x.tar", &tar);
    // the long link claims one byte less than it has: the name loses its end, nothing else happens
    assert_eq!(seen.paths(), [long.as_str(), (long.clone() + "2").as_str(), "plain"]);
    assert_eq!(seen.notes(), "");
}

#[test]
fn holes_are_zeros_again() {
    let map = b"2\n4\n4\n12\n2\n";
    let mut data = map.to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"ABCDEF");
    let records =
        b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.name=real/a\n26 GNU.sparse.realsize=16\n";
    let gnu = |header: &mut ::tar::Header| {
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(16);
        gnu.sparse[0].set_offset(4);
        gnu.sparse[0].set_length(4);
        gnu.sparse[1].set_offset(16);
        gnu.sparse[1].set_length(0);
    };
    let tar = Tar::default()
        .entry(b'x', b"p", records.len() as u64, |_| {}, records)
        .file("GNUSparseFile.1/a", &data)
        .entry(b'S', b"old", 4, gnu, b"WXYZ")
        .entry(b'S', b"lies", 5, gnu, b"WXYZ!")
        .entry(
            b'S',
            b"bomb",
            4,
            |header| {
                gnu(header);
                header.as_gnu_mut().unwrap().set_real_size(1 << 50);
            },
            b"WXYZ",
        )
        .file("after", b"!")
        .end();
    let seen = walked("x.tar", &tar);
    assert_eq!(seen.content("real/a"), b"\0\0\0\0ABCD\0\0\0\0EF\0\0");
    assert_eq!(seen.content("old"), b"\0\0\0\0WXYZ\0\0\0\0\0\0\0\0");
    assert_eq!(seen.paths(), ["real/a", "old", "after"]);
    assert_eq!(
        seen.notes(),
        "damaged lies at 0 lost 5: the map of its holes cannot be right\n\
         limit Ratio 1000 bomb\n\
         skipped bomb 4 Limit(Ratio)"
    );
}

#[test]
fn what_cannot_be_opened_is_an_error_that_names_it() {
    let message = |name: &str, bytes: &[u8]| open(name, bytes, &Limits::default()).1.unwrap_err().to_string();
    assert_eq!(message("a.log", b""), "a.log is empty");
    assert_eq!(message("a.tar", &tar_of(&[])), "a.tar holds no files");
    assert_eq!(message("a.tgz", &gzip(&tar_of(&[]))), "a.tgz holds no files");
    assert_eq!(message("a.zip", &zip_of(&[])), "a.zip holds no files");
    assert_eq!(message("a.tar.gz", b"\x1f\x8b\x08garbage garbage"), "a.tar.gz begins like gzip but cannot be unpacked");
    assert_eq!(message("a.xz", b"\xfd7zXZ\0garbage garbage"), "a.xz begins like xz but cannot be unpacked");
    assert_eq!(message("a.zst", b"\x28\xb5\x2f\xfdgarbage"), "a.zst begins like zstd but cannot be unpacked");
    assert_eq!(message("a.bz2", b"BZh91AY&SYgarbage"), "a.bz2 begins like bzip2 but cannot be unpacked");
    assert_eq!(message("a.zip", b"PK\x03\x04garbage"), "a.zip begins like zip but cannot be unpacked");
    assert_eq!(
        message("a.tar.gz", &[0, 1, 2, 3, 200, 201]),
        "a.tar.gz is named like an archive but holds neither an archive nor text"
    );
    assert!(message("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04").starts_with("a.7z is 7-zip, which is not supported"));
}
