//! From bytes to records: the same outcome whatever the wrapping, the threads and the sizes.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod common;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use common::{bundle, case, memory, options, tar};
use coroner_bundle::{Case, Input, Limits, Options, read};
use timeline::{MemberRecords, Outcome, Quote, Record};

const ROUTES: &str = "default via 10.64.0.1 dev eno1 onlink\nblackhole 10.64.75.0/26 proto bird\n10.64.75.4 dev cali21fc9e9645e scope link\n";

fn journal(host: &str, lines: usize) -> String {
    let line = |at: usize| {
        let (hour, minute, second) = (at / 3600 % 24, at / 60 % 60, at % 60);
        // lengths differ, some bytes are no ASCII, some lines go on
        let tail = ["", " gr\u{fc}n", "\n        and goes on"][at % 3];
        format!(
            "Feb 11 {hour:02}:{minute:02}:{second:02} {host} kubelet[731]: E0211 {hour:02}:{minute:02}:{second:02}.000{:03}     731 pod_workers.go:190] \"Error syncing pod, number {at}\"{tail}\n",
            at % 1000
        )
    };
    (0..lines).map(line).collect()
}

fn files() -> Vec<(&'static str, String)> {
    vec![
        ("case/node-a/journal.txt", journal("node-a", 400)),
        ("case/node-a/ip_route.txt", ROUTES.to_owned()),
        ("case/node-b/ip_route.txt", ROUTES.to_owned()),
        ("case/node-b/notes.md", "nothing to see here, and no format that reads it\n".to_owned()),
        ("case/node-b/nothing", String::new()),
    ]
}

fn packed(files: &[(&'static str, String)]) -> Vec<u8> {
    tar(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>())
}

/// All that was read, without modification times.
fn shown(mut case: Case) -> String {
    case.members.iter_mut().for_each(|it| it.modified = None);
    let members: Vec<_> = case.members.iter().zip(&case.records).collect();
    format!("{members:#?}\n{:?}", case.limits_hit)
}

fn quotes(records: &MemberRecords) -> Vec<&Quote> {
    records.records.iter().flat_map(quotes_of).collect()
}

fn quotes_of(record: &Record) -> &[Quote] {
    match record {
        Record::Event(event) => std::slice::from_ref(&event.quote),
        Record::Fact(fact, _) => &fact.quotes,
        Record::Series(_) => &[],
    }
}

fn write(root: &Path, files: &[(&'static str, String)]) {
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn the_wrapping_does_not_matter() {
    let mut files = files();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files);
    // a folder is read in the order of its names
    files.sort();
    let tar = packed(&files);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(&tar).unwrap();
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz2.write_all(&tar).unwrap();
    let zst = ruzstd::encoding::compress_to_vec(tar.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);

    let expected = shown(case(&[memory("case.tar", tar.clone())], 1));
    assert!(expected.contains("ip-route") && expected.contains("journal-text"), "{expected}");
    let packings = [
        ("case.tar.gz", gz.finish().unwrap()),
        ("case.tar.xz", xz.finish().unwrap()),
        ("case.tar.bz2", bz2.finish().unwrap()),
        ("case.tar.zst", zst),
        ("case", tar),
    ];
    for (name, bytes) in packings {
        let file = folder.path().with_extension(name);
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(shown(case(&[Input::Path(file.clone())], 1)), expected, "{name} as a file");
        std::fs::remove_file(file).unwrap();
        assert_eq!(shown(case(&[memory(name, bytes)], 1)), expected, "{name} in memory");
    }
    assert_eq!(shown(case(&[Input::Path(folder.path().to_owned())], 1)), expected, "as a folder");
}

#[test]
fn the_threads_do_not_matter() {
    let files: Vec<(String, String)> =
        (0..60).map(|it| (format!("node-{it}/journal.txt"), journal(&format!("node-{it}"), 40 + it))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let input = memory("case.tar", tar(&files));
    let expected = shown(case(std::slice::from_ref(&input), 1));
    assert_eq!(shown(case(std::slice::from_ref(&input), 8)), expected);
    assert_eq!(shown(case(&[input], 0)), expected);
}

#[test]
fn a_big_member_is_read_in_chunks_and_every_quote_stands_where_it_says() {
    let text = journal("node-a", 40_000);
    assert!(text.len() > 4 << 20, "{}", text.len());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("journal.txt"), &text).unwrap();
    let lines: Vec<&str> = text.split('\n').collect();
    for input in [memory("journal.txt", text.as_bytes()), Input::Path(folder.path().to_owned())] {
        let case = case(&[input], 2);
        let [records] = case.records.as_slice() else { panic!("one member") };
        assert_eq!(case.members[0].bytes, text.len() as u64);
        assert_eq!(case.members[0].outcome, Outcome::Parsed);
        let events = records.records.iter().filter(|it| matches!(it, Record::Event(_)));
        assert_eq!(events.count(), 40_000);
        assert_eq!(records.tally.lines, text.lines().count() as u64);
        for quote in quotes(records) {
            let span = &quote.span;
            let (start, len) = (span.start as usize, span.len as usize);
            assert_eq!(&text[start..start + len], &*quote.text);
            let first = quote.text.split('\n').next().unwrap();
            assert!(lines[span.line as usize - 1].starts_with(first), "line {}: {first}", span.line);
        }
    }
}

#[test]
fn a_line_beyond_the_limit_is_read_in_parts() {
    let long = "x".repeat(3_000_000);
    let text =
        format!("{}Feb 11 10:00:00 node-a kubelet[731]: {long}\n{}", journal("node-a", 10), journal("node-a", 5));
    let case = case(&[memory("journal.txt", text.as_bytes())], 1);
    let (member, records) = (&case.members[0], &case.records[0]);
    assert_eq!((member.bytes, &member.outcome), (text.len() as u64, &Outcome::Parsed));
    let issues: Vec<&str> = records.issues.iter().map(|it| it.what.as_str()).collect();
    assert!(issues.iter().any(|it| it.starts_with("a line longer than 1048576 bytes")), "{issues:?}");
    for quote in quotes(records) {
        let start = quote.span.start as usize;
        assert!(text[start..].starts_with(&*quote.text), "line {}", quote.span.line);
    }
    let last = records.records.iter().rev().find_map(|it| match it {
        Record::Event(event) => Some(event),
        _ => None,
    });
    let last = last.unwrap();
    assert!(last.message.contains("number 4"), "the lines behind it are read: {}", last.message);
    // the last line of the file is the continuation of none
    let line = text[..last.quote.span.start as usize].matches('\n').count() + 1;
    assert_eq!(last.quote.span.line as usize, line);
}

#[test]
fn a_member_too_large_to_be_held_is_cut_and_says_so() {
    let routes: String =
        (0..2_000).map(|it| format!("10.{}.{}.0/26 via 10.0.0.1 dev eno1 proto bird\n", it / 250, it % 250)).collect();
    let mut options = options(1);
    options.limits.whole_bytes = 20_000;
    for input in [memory("ip_route.txt", routes.as_bytes()), memory("x.tar", tar(&[("ip_route.txt", &routes)]))] {
        let case = read(&[input], &options).unwrap();
        let (member, records) = (&case.members[0], &case.records[0]);
        assert_eq!(
            (member.format, member.bytes),
            (Some("ip-route"), routes.len() as u64),
            "nothing is lost from the count"
        );
        assert!(
            member.truncated.as_deref().is_some_and(|it| it.contains("more than is held whole")),
            "{:?}",
            member.truncated
        );
        // with the line that was cut in two
        let over = routes.len() as u64 - 20_000;
        assert!((over..over + 60).contains(&records.tally.odd_bytes), "{}", records.tally.odd_bytes);
        assert!(!records.collected.is_empty() && records.collected.iter().all(|it| it.incomplete.is_some()));
        let routes = records.records.len();
        assert!(routes > 100 && routes < 2_000, "{routes}");
    }
}

#[test]
fn several_inputs_are_one_case() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("first");
    write(&dir, &files());
    let inputs = [
        Input::Path(dir),
        memory("second.tar", tar(&[("node-c/ip_route.txt", ROUTES)])),
        memory("dmesg.txt", "x\n".as_bytes()),
    ];
    let case = case(&inputs, 2);
    let paths: Vec<&str> = case.members.iter().map(|it| it.path.as_ref()).collect();
    assert_eq!(paths.len(), 7);
    assert!(paths[..5].iter().all(|it| it.starts_with("first/case/")), "{paths:?}");
    assert_eq!(paths[5..], ["second.tar/node-c/ip_route.txt", "dmesg.txt/dmesg.txt"]);
    let bundles: Vec<(&str, usize, usize)> =
        case.bundles.iter().map(|it| (it.name.as_ref(), it.members.start, it.members.end)).collect();
    assert_eq!(bundles, [("first", 0, 5), ("second.tar", 5, 6), ("dmesg.txt", 6, 7)]);
    for (at, records) in case.records.iter().enumerate() {
        assert!(
            quotes(records).iter().all(|it| it.span.member.0 as usize == at),
            "records know their place in the ledger"
        );
    }
    // two unknown machines are two
    let inputs = [memory("a.txt", ROUTES.as_bytes()), memory("b.txt", ROUTES.as_bytes())];
    let two = common::case(&inputs, 1);
    let owners: Vec<_> = two.members.iter().map(|it| it.node.as_deref().unwrap_or("-").to_owned()).collect();
    assert_eq!(owners, ["unknown-1", "unknown-2"]);
}

#[test]
fn a_plain_file_is_a_bundle_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ip_route.txt");
    std::fs::write(&file, ROUTES).unwrap();
    let case = case(&[Input::Path(file)], 1);
    let [member] = case.members.as_slice() else { panic!("one member") };
    assert_eq!(
        (member.path.as_ref(), member.format, member.bytes),
        ("ip_route.txt", Some("ip-route"), ROUTES.len() as u64)
    );
}

#[test]
fn what_is_not_read_is_in_the_ledger_with_its_reason() {
    let case = bundle(&[("a/notes.md", "prose that no format reads\n"), ("a/empty", ""), ("a/ip_route.txt", ROUTES)]);
    let outcomes: Vec<String> =
        case.members.iter().map(|it| format!("{} {} {:?}", it.path, it.bytes, it.outcome)).collect();
    assert_eq!(outcomes[0], "a/notes.md 27 NotRecognised { closest: Some(\"one line of text\") }");
    assert_eq!(outcomes[1], "a/empty 0 Skipped { reason: \"empty\" }");
    assert_eq!(outcomes[2], format!("a/ip_route.txt {} Parsed", ROUTES.len()));
}

#[test]
fn what_a_limit_leaves_out_is_counted_with_it() {
    let files: Vec<(String, String)> = (0..50).map(|it| (format!("a/{it}.txt"), "x".repeat(999) + "\n")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut options = options(1);
    options.limits.total_bytes = 20_500;
    for (input, whole) in [(memory("x.tar", tar(&files)), false), (Input::Path(folder.path().to_owned()), true)] {
        let case = read(&[input], &options).unwrap();
        // files of a folder stay in the ledger, what an archive would have held nobody knows
        assert_eq!(case.members.iter().map(|it| it.bytes).sum::<u64>() == 50_000, whole);
        assert_eq!(case.limits_hit.len(), 1, "{:?}", case.limits_hit);
        assert!(case.limits_hit[0].starts_with("total unpacked bytes (20500) reached at "), "{:?}", case.limits_hit);
        let read = case.members.iter().filter(|it| !matches!(it.outcome, Outcome::Skipped { .. }));
        let read: u64 = read.map(|it| it.bytes).sum();
        // the limit counts what frames the files of an archive, too
        assert!((13_000..=20_500).contains(&read), "{read}");
        assert!(case.members.iter().any(|it| it.truncated.is_some() || matches!(it.outcome, Outcome::Skipped { .. })));
        let paths: std::collections::BTreeSet<&str> = case.members.iter().map(|it| it.path.as_ref()).collect();
        assert_eq!(paths.len(), case.members.len());
    }
    // an archive in an archive in an archive, and one of them too many
    options.limits = coroner_bundle::Limits::default();
    options.limits.depth = 1;
    let inner = tar(&[("deep.txt", ROUTES)]);
    let mut outer = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(inner.len() as u64);
    outer.append_data(&mut header, "inner.tar", inner.as_slice()).unwrap();
    let case =
        read(&[Input::Memory { name: "x.tar".to_owned(), bytes: Arc::from(outer.into_inner().unwrap()) }], &options)
            .unwrap();
    let [member] = case.members.as_slice() else { panic!("{:?}", case.members) };
    assert_eq!((member.path.as_ref(), member.bytes), ("inner.tar", inner.len() as u64));
    assert_eq!(member.outcome, Outcome::Skipped { reason: "over the limit of nesting".to_owned() });
}

/// A gibibyte without a newline, packed: read in parts, held never.
#[test]
fn a_line_of_a_gibibyte_is_read_in_parts_and_not_held() {
    use std::io::Write;
    const LENGTH: u64 = 1 << 30;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(journal("node-a", 10).as_bytes()).unwrap();
    encoder.write_all(b"Feb 11 10:00:00 node-a kubelet[731]: ").unwrap();
    let part = vec![b'x'; 1 << 20];
    (0..LENGTH >> 20).for_each(|_| encoder.write_all(&part).unwrap());
    encoder.write_all(format!("\n{}", journal("node-a", 5)).as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let mut options = options(2);
    options.limits.ratio = 10_000;
    let case = read(&[memory("journal.txt.gz", packed)], &options).unwrap();
    let (member, records) = (&case.members[0], &case.records[0]);
    assert!(member.bytes > LENGTH, "{}", member.bytes);
    let longest =
        records.records.iter().map(|it| if let Record::Event(event) = it { event.quote.text.len() } else { 0 });
    assert!(longest.max().unwrap_or(0) <= options.limits.line_bytes + 64);
    assert!(records.issues.iter().any(|it| it.what.starts_with("a line longer than")), "{:?}", records.issues.first());
    let last =
        records.records.iter().rev().find_map(|it| if let Record::Event(event) = it { Some(event) } else { None });
    assert!(last.unwrap().message.contains("number 4"), "what follows is read");
}

/// What a limit cut off, and what was done to a path, stands in the ledger.
fn told(case: &Case) -> Vec<String> {
    let member = |at: usize| case.members[at].path.to_string();
    let issues = case.records.iter().enumerate().flat_map(|(at, it)| it.issues.iter().map(move |it| (at, it)));
    let issues = issues.map(|(at, it)| format!("{}: {}", member(at), it.what));
    let cut = case.members.iter().filter_map(|it| Some(format!("{}: {}", it.path, it.truncated.as_ref()?)));
    let skipped = case.members.iter().filter_map(|it| match &it.outcome {
        Outcome::Skipped { reason } => Some(format!("{}: {reason}", it.path)),
        _ => None,
    });
    case.limits_hit.iter().cloned().chain(issues).chain(cut).chain(skipped).collect()
}

#[test]
fn what_was_done_to_a_path_is_told() {
    let mut builder = tar::Builder::new(Vec::new());
    let inner = tar(&[("kubelet.log", journal("node-a", 3))]);
    let long = "x".repeat(120);
    let files: [(&[u8], &[u8]); 6] = [
        (b"../../etc/passwd", b"root:x:0\n"),
        (b"caf\xe9.txt", b"text\n"),
        (b"dup", b"one\n"),
        (b"dup", b"two\n"),
        (b"in\x07.tar", &inner),
        (long.as_bytes(), b"text\n"),
    ];
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name = [0; 100];
        header.set_size(content.len() as u64);
        if path.len() <= 100 {
            header.as_old_mut().name[..path.len()].copy_from_slice(path);
            header.set_cksum();
            builder.append(&header, content).unwrap();
        } else {
            builder.append_data(&mut header, &long, content).unwrap();
        }
    }
    let bytes = builder.into_inner().unwrap();
    let mut options = options(1);
    options.limits.path_bytes = 100;
    let read = read(&[memory("x.tar", bytes)], &options).unwrap();
    let cut = "x".repeat(100);
    assert_eq!(
        told(&read),
        [
            format!("bytes of a path (100) reached at {cut}"),
            "etc/passwd: its path has `..` in it, which is left out".to_owned(),
            "caf\\xe9.txt: its path is no UTF-8: the bytes that are not are shown as \\xff".to_owned(),
            "dup (2): another file has the same path: this one is numbered".to_owned(),
            "in\\u{7}.tar!/kubelet.log: its path has control characters in it, which are shown as escapes".to_owned(),
            format!("{cut}: its path is longer than the limit and is cut"),
        ]
    );
}

#[test]
fn what_a_ratio_cut_is_not_called_damaged() {
    let zeros = vec![0u8; 40 << 20];
    let bytes = tar(&[("node-a/kubelet.log", journal("node-a", 3).as_bytes()), ("zeros", &zeros), ("after", b"x\n")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    let mut options = options(1);
    options.limits.ratio = 5;
    let read = read(&[memory("x.tar.gz", gzip.finish().unwrap())], &options).unwrap();
    assert_eq!(
        told(&read),
        ["unpacked to packed bytes (5) reached at zeros", "zeros: over the limit of unpacked to packed bytes"]
    );
}

#[test]
fn an_archive_without_times_tells_no_year() {
    // `tar` of the tests writes no time of modification
    let read = bundle(&[("node-a/journal.txt", "Jun 14 13:14:38 node-a kubelet[1]: x\n")]);
    assert_eq!(read.members[0].modified, None);
}

/// Kernel lines of a file that runs backwards wait for those before them, as far as memory is given.
#[test]
fn what_a_log_that_runs_backwards_holds_back_is_bounded() {
    let line = |it: u32| {
        format!("Jun 14 13:{:02}:{:02} node-a kernel: device veth{it} left promiscuous mode\n", it / 60, it % 60)
    };
    let lines: String = (0..200).rev().map(line).collect();
    for (bytes, over) in [(512 << 20, false), (64 << 10, true)] {
        let limits = Limits::default().memory(bytes);
        let case = read(&[memory("journal.txt", lines.as_bytes())], &Options { limits, ..options(1) }).unwrap();
        let records = &case.records[0];
        assert_eq!(records.seen.iter().map(|it| it.lines).sum::<u64>(), 200);
        let told = records.issues.iter().any(|it| it.what.starts_with("newest line first"));
        assert_eq!((told, records.seen[0].incomplete.is_some()), (over, over), "{bytes}");
    }
}
