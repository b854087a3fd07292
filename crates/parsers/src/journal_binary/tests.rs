//! Real files against what journalctl says of them, and damage of every kind.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use timeline::{MemberId, Record};

use super::*;
use crate::Origin;

/// Name and value of each field, sorted.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

#[allow(clippy::print_stderr)]
fn sample(path: &str) -> Option<Vec<u8>> {
    let samples = std::env::var_os("CORONER_SAMPLES").map(PathBuf::from);
    let samples =
        samples.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples").into());
    let Ok(packed) = std::fs::read(samples.join("journal").join(path)) else {
        eprintln!("SKIPPED: no sample journal/{path}");
        return None;
    };
    let mut bytes = Vec::new();
    match path.rsplit('.').next() {
        Some("zst") => {
            let mut packed = packed.as_slice();
            while !packed.is_empty() {
                let mut reader = StreamingFrame::new(&mut packed).expect("zstd");
                reader.read_to_end(&mut bytes).expect("zstd");
            }
        }
        Some("xz") => {
            lzma_rust2::XzReader::new(packed.as_slice(), true).read_to_end(&mut bytes).expect("xz");
        }
        _ => bytes = packed,
    }
    Some(bytes)
}

type StreamingFrame<R> = ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>;

fn read(bytes: &[u8]) -> MemberRecords {
    let origin = Origin { member: MemberId(0), path: "system.journal".into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES };
    let mut out = MemberRecords::default();
    parse(&Input { origin: &origin, text: "", bytes, truncated: false }, &mut out);
    assert!(out.tally.understood <= out.tally.lines);
    for record in &out.records {
        match record {
            Record::Event(event) => stands(&event.quote, bytes),
            Record::Fact(fact, _) => fact.quotes.iter().for_each(|it| stands(it, bytes)),
            Record::Series(_) => {}
        }
    }
    out
}

/// Every quote lies in the file, and is the text as it stands there where that is not compressed.
fn stands(quote: &Quote, bytes: &[u8]) {
    let start = quote.span.start as usize;
    let there = bytes.get(start..start + quote.span.len as usize).expect("the span lies in the file");
    let packed = there.len() >= 64 && there[0] == 1 && there[1] & 7 != 0;
    assert!(packed || text(there) == *quote.text, "{quote:?}");
}

/// All fields of all entries, without what is the reader's own.
fn entries(bytes: &[u8]) -> Vec<Fields> {
    let journal = Journal::open(bytes).expect("a journal");
    let mut unpacker = Unpacker::new();
    let mut all = Vec::new();
    for found in journal.walk() {
        let Found::Entry(entry) = found else { continue };
        let mut fields = vec![
            (b"__REALTIME_TIMESTAMP".to_vec(), entry.realtime.to_string().into_bytes()),
            (b"__MONOTONIC_TIMESTAMP".to_vec(), entry.monotonic.to_string().into_bytes()),
            (b"_BOOT_ID".to_vec(), format!("{:032x}", u128::from_be_bytes(entry.boot)).into_bytes()),
        ];
        for data in journal.items(&entry).flatten() {
            let payload = match data.packing {
                0 => data.payload.to_vec(),
                packing => unpacker.unpack(packing, data.payload, unpack::PAYLOAD_BYTES).expect("it unpacks"),
            };
            let split = payload.iter().position(|it| *it == b'=').expect("a name");
            fields.push((payload[..split].to_vec(), payload[split + 1..].to_vec()));
        }
        all.push(settled(fields));
    }
    all.sort();
    all
}

/// The same from an export.
fn exported(bytes: &[u8]) -> Vec<Fields> {
    let (mut all, mut fields, mut rest) = (Vec::new(), Fields::new(), bytes);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if let Some(split) = memchr::memchr(b'=', line) {
            fields.push((line[..split].to_vec(), line[split + 1..].to_vec()));
        } else if line.is_empty() {
            all.push(settled(std::mem::take(&mut fields)));
        } else {
            let size = u64::from_le_bytes(rest[..8].try_into().expect("a length")) as usize;
            fields.push((line.to_vec(), rest[8..8 + size].to_vec()));
            rest = &rest[8 + size + 1..];
        }
    }
    all.extend(Some(settled(fields)).filter(|it| !it.is_empty()));
    all.sort();
    all
}

fn settled(mut fields: Fields) -> Fields {
    let own: [&[u8]; 3] = [b"__CURSOR", b"__SEQNUM", b"__SEQNUM_ID"];
    fields.retain(|(name, _)| !own.contains(&name.as_slice()));
    fields.sort();
    // the boot id is of the entry and, mostly, a field as well; an export prints it once
    let mut boots = 0;
    fields.retain(|(name, _)| {
        boots += u32::from(name == b"_BOOT_ID");
        name != b"_BOOT_ID" || boots == 1
    });
    fields
}

fn count(bytes: &[u8]) -> (u64, u64) {
    let out = read(bytes);
    (out.tally.lines, out.tally.understood)
}

/// Check 2: whatever the compression, the layout and the version, the same entries.
#[test]
fn every_variant_holds_the_same_entries() {
    let Some(oracle) = sample("synthetic-oracle/edge.export") else { return };
    let oracle = exported(&oracle);
    assert_eq!(oracle.len(), 57);
    let mut names: Vec<String> =
        ["v247", "v252", "v257", "v262"].map(|it| format!("edge-default-written-by-{it}")).to_vec();
    for packing in ["XZ", "LZ4", "ZSTD"] {
        for layout in ["compact0-keyed0", "compact0-keyed1", "compact1-keyed0", "compact1-keyed1"] {
            names.push(format!("edge-{packing}-{layout}"));
        }
    }
    let mut messages: Option<Vec<String>> = None;
    for name in names {
        let bytes = sample(&format!("synthetic-oracle/journal-files/{name}.journal.zst")).expect("a variant");
        assert!(entries(&bytes) == oracle, "{name}");
        let out = read(&bytes);
        assert_eq!((out.tally.lines, out.tally.understood, out.tally.odd_bytes), (57, 57, 0), "{name}");
        assert_eq!(out.issues, [], "{name}");
        let mut found = Vec::new();
        let mut lines = Vec::new();
        for record in &out.records {
            if let Record::Event(event) = record {
                found.push(format!("{:?} {:?} {:?} {}", event.stamp, event.node, event.pid, event.message));
                lines.push(event.quote.span.line);
            }
        }
        assert!(lines.is_sorted(), "{name}");
        found.sort();
        assert_eq!(messages.get_or_insert_with(|| found.clone()), &found, "{name}");
    }
}

/// Check 3: what is left of damaged files, and what is said about the rest.
#[test]
fn damaged_files_give_what_they_hold() {
    for (name, wanted, issues) in [
        ("online", 57, 0),
        ("trunc", 57, 1),
        ("trunc-online", 0, 3),
        ("holes", 57, 1),
        ("cut-in-entries", 32, 3),
        ("hole-in-entries", 56, 2),
    ] {
        let Some(bytes) = sample(&format!("synthetic-oracle/journal-files/damaged-{name}.journal.zst")) else { return };
        assert_eq!(count(&bytes), (wanted, wanted), "{name}");
        let out = read(&bytes);
        assert_eq!(out.issues.len(), issues, "{name}: {:?}", out.issues);
        assert_eq!(out.tally.odd_bytes > 0, matches!(name, "trunc-online" | "holes" | "cut-in-entries" | "hole-in-entries"), "{name}");
        let limited = out.seen.iter().any(|it| it.incomplete.is_some());
        assert_eq!(limited, matches!(name, "cut-in-entries" | "hole-in-entries"), "{name}");
    }
}

/// Check 5: real files of four distributions.
#[test]
fn real_files_equal_their_exports() {
    for (name, wanted) in [
        ("RHE_91_system.journal.xz", 2081),
        ("OpenSUSE15_system.journal.zst", 1120),
        ("Ubuntu16_system.journal.zst", 289),
        ("Ubuntu22-user-1000x3.journal.xz", 3),
    ] {
        let folder = "public/s4-real-journals";
        let Some(bytes) = sample(&format!("{folder}/{name}")) else { return };
        let stem = name.split(".journal").next().unwrap_or_default();
        let oracle = sample(&format!("{folder}/{stem}.journalctl-v262.export.zst")).expect("its export");
        let out = read(&bytes);
        assert_eq!((out.tally.lines, out.tally.understood), (wanted, wanted), "{name}");
        assert!(entries(&bytes) == exported(&oracle), "{name}");
        // the events are those of the export, too
        let origin = Origin { member: MemberId(0), path: "x.export".into(), node: None, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES };
        let Reading::Stream(open) = crate::journal_export::FORMAT.reading else { panic!("a stream") };
        let (mut reader, mut export) = (open(&origin), MemberRecords::default());
        reader.read(&crate::Chunk::new(&text(&oracle), &oracle, 0, 1), &mut export);
        reader.finish(&mut export);
        assert!(said(&out) == said(&export), "{name}");
    }
}

fn said(out: &MemberRecords) -> BTreeMap<String, u32> {
    let mut all = BTreeMap::new();
    for record in &out.records {
        if let Record::Event(event) = record {
            let key = format!("{:?} {:?} {:?} {}", event.stamp, event.node, event.unit, event.message);
            *all.entry(key).or_default() += 1;
        }
    }
    all
}

/// Files that were renamed after an unclean stop: as many entries as journalctl finds.
#[test]
fn unclean_files_of_a_machine_without_a_clock() {
    for (name, wanted, empty) in [
        ("system@0005ebbfd4385848-2e5dff5354ab9bcf.journal~", 1836, 0),
        ("user-1000.journal", 296, 0),
        ("user-1000@0005ebbfe89faec4-a5e890e7b00bedd1.journal~", 817, 1),
    ] {
        let Some(bytes) = sample(&format!("public/systemd-test-journals-no-rtc/{name}.zst")) else { return };
        assert_eq!(count(&bytes), (wanted, wanted - empty), "{name}");
    }
}

/// A file of its own making: regular layout, plain payloads, two entries that share a message.
fn small() -> Vec<u8> {
    let mut bytes = vec![0; 272];
    bytes[..8].copy_from_slice(file::MAGIC);
    let object = |bytes: &mut Vec<u8>, kind: u8, flags: u8, body: &[u8]| {
        let at = bytes.len() as u64;
        bytes.extend([kind, flags, 0, 0, 0, 0, 0, 0]);
        bytes.extend((body.len() as u64 + 16).to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        at
    };
    let mut data = Vec::new();
    let mut packed = 9u64.to_le_bytes().to_vec();
    packed.extend(b"\x90_COMM=cat");
    let fields: [(u8, &[u8]); 4] =
        [(0, b"MESSAGE=one \xff\ntwo"), (0, b"_HOSTNAME=node-a"), (2, &packed), (0, b"SYSLOG_IDENTIFIER=app")];
    for (flags, payload) in fields {
        data.push(object(&mut bytes, 1, flags, &[&[0; 48], payload].concat()));
    }
    let mut tail = 0;
    for second in 1..=2u64 {
        let mut body = second.to_le_bytes().to_vec();
        body.extend((1_592_140_471_000_000 + second * 1_000_000).to_le_bytes());
        body.extend([0; 8]);
        body.extend([0x28; 16]);
        body.extend([0; 8]);
        for offset in &data {
            body.extend(offset.to_le_bytes());
            body.extend([0; 8]);
        }
        tail = object(&mut bytes, 3, 0, &body);
    }
    let arena = bytes.len() as u64 - 272;
    for (at, value) in [(88, 272), (96, arena), (136, tail), (144, 6), (152, 2)] {
        bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    bytes
}

#[test]
fn entries_that_share_a_message_stand_in_order() {
    let bytes = small();
    let out = read(&bytes);
    let mut shown = Vec::new();
    for record in &out.records {
        if let Record::Event(event) = record {
            let span = event.quote.span;
            let there = text(&bytes[span.start as usize..][..span.len as usize]).into_owned();
            shown.push((event.message.to_string(), event.node.as_deref().map(str::to_owned), span.line, there));
        }
    }
    let event = |line| ("one ?\ntwo".to_owned(), Some("node-a".to_owned()), line, "one ?".to_owned());
    assert_eq!(shown, [event(1), event(2)]);
    assert_eq!((out.tally.lines, out.tally.understood), (2, 2));
    assert_eq!(out.issues, []);
    assert_eq!(entries(&bytes)[0].len(), 7);
}

#[test]
fn flags_nobody_knows_are_told_and_read_over() {
    let mut bytes = small();
    bytes[12] |= 0x80;
    let out = read(&bytes);
    assert_eq!(out.tally.understood, 2);
    assert_eq!(out.issues.len(), 1);
    assert!(out.issues[0].what.contains("0x80"));
}

#[test]
fn payloads_that_lie_cost_nothing() {
    let mut unpacker = Unpacker::new();
    let mut huge = u64::MAX.to_le_bytes().to_vec();
    huge.extend([0; 64]);
    for packing in 1..=7 {
        for end in 0..huge.len() {
            assert_eq!(unpacker.unpack(packing, &huge[..end], 100), None, "{packing} {end}");
        }
    }
    assert!(unpacker.pays(1 << 30));
    assert!(!unpacker.pays(usize::MAX));
    assert_eq!(unpacker.unpack(2, b"\x01\0\0\0\0\0\0\0\x10a", 100), None, "the file has cost enough");
}

#[test]
fn no_damage_brings_the_reader_down() {
    // a fixed sequence, so that a failure comes again
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut files = vec![(small(), 1, 3000)];
    for name in ["XZ-compact0-keyed0", "LZ4-compact1-keyed1", "ZSTD-compact1-keyed0"] {
        let path = format!("synthetic-oracle/journal-files/edge-{name}.journal.zst");
        files.extend(sample(&path).map(|mut it| {
            // the indexes in front and the unused end are not what is tried here
            it.truncate(it.iter().rposition(|it| *it != 0).unwrap_or_default() + 1);
            (it, 4801, 150)
        }));
    }
    for (bytes, step, flips) in files {
        for end in (0..bytes.len()).step_by(step) {
            let out = read(&bytes[..end]);
            assert!(out.tally.lines <= 57);
        }
        let entries = bytes.len() - bytes.len().min(60_000);
        for _ in 0..flips {
            let mut odd = bytes.clone();
            for _ in 0..=random(6) {
                let at = if random(4) == 0 { random(odd.len().min(272)) } else { entries + random(odd.len() - entries) };
                odd[at] ^= 1 << random(8);
            }
            let _ = read(&odd);
        }
    }
}
