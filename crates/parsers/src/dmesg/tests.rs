//! Every mode of dmesg on the same buffer, read where the samples lie.

#![allow(clippy::print_stderr)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use timeline::{Event, MemberId, MemberRecords, Name, Record, Severity, Stamp};

use super::{Dmesg, FORMAT, Loose, Sink};
use crate::log::Entry;
use crate::{Certainty, Chunk, Line, Origin, Reader, Sniff};

/// An entry as it reaches the log.
#[derive(Debug, Clone, PartialEq, Default)]
struct Found {
    micros: Option<u64>,
    stamp: Stamp,
    ident: String,
    pid: Option<u32>,
    severity: Option<Severity>,
    message: String,
}

/// What came out, in order.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Found>>>);

impl Sink for Recorder {
    fn entry(&mut self, entry: Entry<'_>, _out: &mut MemberRecords) {
        let Entry { micros, stamp, pid, severity, .. } = entry;
        let (ident, message) = (entry.ident.unwrap_or_default().into_owned(), entry.message.into_owned());
        self.0.lock().expect("one thread").push(Found { micros, stamp, ident, pid, severity, message });
    }

    fn continuation(&mut self, _line: Line<'_>, text: &str, _out: &mut MemberRecords) {
        if let Some(found) = self.0.lock().expect("one thread").last_mut() {
            found.message.push('\n');
            found.message.push_str(text);
        }
    }

    fn member(&self) -> timeline::MemberId {
        timeline::MemberId(0)
    }

    fn finish(&mut self, _out: &mut MemberRecords) {}
}

fn decode(text: &str, loose: Loose, chunk_lines: usize) -> (Vec<Found>, MemberRecords) {
    let recorder = Recorder::default();
    let mut reader = Dmesg::new(recorder.clone(), loose);
    let mut out = MemberRecords::default();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut start, mut line) = (0, 1);
    for part in lines.chunks(chunk_lines) {
        let text: String = part.concat();
        reader.read(&Chunk::new(&text, text.as_bytes(), start, line), &mut out);
        start += text.len() as u64;
        line += part.len() as u32;
    }
    reader.finish(&mut out);
    let entries = std::mem::take(&mut *recorder.0.lock().expect("one thread"));
    (entries, out)
}

fn file(path: &str) -> Option<String> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/kernel"));
    let Ok(bytes) = std::fs::read(folder.join(path)) else {
        eprintln!("SKIPPED: no sample {path}");
        return None;
    };
    // as the reader of bundles does: one `?` for each byte that is no UTF-8
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Some(text)
}

/// The text with everything a mode may escape in its own way made equal.
fn level(text: &str) -> String {
    let text = text.strip_prefix('[').and_then(|it| it.split_once("] ")).filter(|(it, _)| it.contains(['T', 'C']) && it.trim_start().len() < 8).map_or(text, |(_, it)| it);
    let mut out = String::new();
    let mut rest = text;
    while let Some(it) = rest.chars().next() {
        let escape = rest.strip_prefix("\\x").map(|it| it.len() - it.trim_start_matches(['f', '0', '1']).len());
        match escape {
            Some(len) if len >= 2 => {
                out.push('?');
                rest = &rest[2 + len..];
            }
            _ => {
                out.push(if it == '\u{fffd}' || it.is_control() && it != '\t' && it != '\n' { '?' } else { it });
                rest = &rest[it.len_utf8()..];
            }
        }
    }
    out.trim_end().to_owned()
}

/// Time and text of each entry, as far as the mode tells; `myapp[77]: ` is only told apart where the facility is printed.
fn texts(found: &[Found]) -> Vec<String> {
    let text = |it: &Found| match it.pid {
        Some(pid) => level(&format!("{}[{pid}]: {}", it.ident, it.message)),
        None => level(&it.message),
    };
    found.iter().map(text).collect()
}

#[test]
fn every_mode_tells_the_same() {
    let folders = ["2.36.1-on-linux-5.10", "2.38.1-on-linux-6.1", "2.41.5-on-linux-6.12", "2.42.4-on-linux-7.2"];
    for folder in folders {
        let Some(text) = file(&format!("dmesg-util-linux/{folder}/kmsg-raw.txt")) else { return };
        let (want, out) = decode(&text, Loose::Foreign, 7);
        let last = want.iter().map(|it| it.micros.expect("a kernel time")).next_back().expect("a record");
        // the shell said `Terminated` into the file
        assert!(want.len() > 400 && out.tally.odd_bytes <= 10, "{folder}");
        let same_boot = ["default", "raw-ts", "decode-x", "color", "json", "ctime-T", "decode-xT", "iso", "ctime-delta", "reltime", "delta"];
        for mode in same_boot {
            let path = format!("dmesg-util-linux/{folder}/{mode}.txt");
            if matches!(mode, "raw-ts" | "json") && folder < "2.4" && !(mode == "json" && folder > "2.38") {
                continue; // not yet an option
            }
            let Some(text) = file(&path) else { return };
            assert_eq!(recognized(&path, &text), Certainty::Sure, "{path}");
            // the console it was captured on put a line of its own into another
            let text = match mode {
                "color" => text.replacen("[    9.611574] random: crng init done\r\n", "", 1).replacen("[    9.611574] random: crng init done\n", "", 1),
                _ => text,
            };
            let (found, out) = decode(&text, Loose::Foreign, 7);
            assert_eq!(out.tally.odd_bytes, 0, "{path}");
            // the last record of the newest kernel is a moment younger in some modes
            let shorter = found.len().min(want.len());
            assert!(want.len() - shorter <= 1, "{path}: {} of {}", found.len(), want.len());
            assert_eq!(texts(&found)[..shorter], texts(&want)[..shorter], "{path}");
            let micros = |it: &Found| it.micros.map(|it| it as i64);
            let starts: Vec<i64> = found.iter().zip(&want).filter_map(|(a, b)| Some(wall(&a.stamp)? - micros(b)?)).collect();
            let spread = starts.iter().max().zip(starts.iter().min()).map(|(a, b)| a - b);
            match mode {
                "delta" => assert!(found.iter().all(|it| it.stamp == Stamp::None), "{path}"),
                "reltime" => assert!(found.iter().all(|it| matches!(it.stamp, Stamp::Yearless { month: 11, day: 20, .. }))),
                "iso" => assert_eq!(spread, Some(0), "{path}: one start of the boot"),
                "ctime-T" | "decode-xT" | "ctime-delta" => assert!(spread.is_some_and(|it| it <= 1_000_000), "{path}"),
                _ => assert!(found.iter().zip(&want).all(|(a, b)| a.micros == b.micros), "{path}"),
            }
            // where the chunks were cut does not matter
            for lines in [1, 2, 1000] {
                assert_eq!(decode(&text, Loose::Foreign, lines).0, found, "{path} in chunks of {lines}");
            }
        }
        // another boot of the same kernel
        let Some(text) = file(&format!("dmesg-util-linux/{folder}/raw-r.txt")) else { return };
        let (raw, out) = decode(&text, Loose::Foreign, 7);
        assert!(raw.len() > 360 && raw.iter().all(|it| it.severity.is_some()) && out.tally.odd_bytes == 0, "{folder}");
        let Some(text) = file(&format!("dmesg-util-linux/{folder}/raw-r-S.txt")) else { return };
        // the old system call repeats the prefix on inner lines
        let flat = |it: Vec<Found>| -> Vec<String> { texts(&it).join("\n").lines().map(|it| it.trim().to_owned()).collect() };
        let (twin, raw) = (flat(decode(&text, Loose::Foreign, 7).0), flat(raw));
        let shared = twin.iter().filter(|it| raw.contains(it)).count();
        assert!(shared * 10 > twin.len() * 7, "{folder}: {shared} of {}", twin.len());
        let Some(text) = file(&format!("dmesg-util-linux/{folder}/notime.txt")) else { return };
        assert_eq!(recognized("host/dmesg.txt", &text), Certainty::Sure);
        let bare = flat(decode(&text, Loose::Foreign, 7).0);
        assert!(bare.iter().zip(flat(want)).all(|(a, b)| *a == b), "{folder}: notime");
        assert!(last > 3_000_000);
    }
}

fn wall(stamp: &Stamp) -> Option<i64> {
    match stamp {
        Stamp::Exact { at, .. } => Some(at.timestamp_micros()),
        Stamp::Zoneless { local, .. } => Some(local.and_utc().timestamp_micros()),
        _ => None,
    }
}

fn recognized(path: &str, text: &str) -> Certainty {
    let end = text.len().min(65_536);
    let end = text[..end].rfind('\n').map_or(end, |it| it + 1);
    (FORMAT.recognizes)(&Sniff { path, text: &text[..end], bytes: &text.as_bytes()[..end], whole: false })
}

/// Reads a member as a bundle would, keeping every event.
fn member(path: &str, text: &str) -> MemberRecords {
    let end = text.len().min(65_536);
    let end = text[..end].rfind('\n').map_or(end, |it| it + 1);
    let sniff = Sniff { path, text: &text[..end], bytes: &text.as_bytes()[..end], whole: false };
    let format = crate::identify(&sniff).expect("a format");
    let folders = [("vmcore-dmesg/", "vmcore-dmesg"), ("pstore/", "pstore")];
    let expected = folders.iter().find(|it| path.contains(it.0)).map_or("dmesg", |it| it.1);
    assert_eq!(format.name, expected, "{path}");
    let node = Some(Name::from("node7"));
    let origin = Origin { member: MemberId(0), path: path.into(), node, watch: Arc::new(true), hold_bytes: crate::HOLD_BYTES };
    let whole = crate::read(format, &origin, text, usize::MAX / 2);
    let pieces = crate::read(format, &origin, text, 100);
    assert_eq!(whole.records, pieces.records, "{path}: where the chunks were cut matters");
    for event in events(&whole) {
        let span = event.quote.span;
        let place = &text[span.start as usize..span.start as usize + span.len as usize];
        assert_eq!(place, event.quote.text.as_ref(), "{path}");
    }
    whole
}

fn events(records: &MemberRecords) -> impl Iterator<Item = &Event> {
    records.records.iter().filter_map(|it| match it {
        Record::Event(event) => Some(&**event),
        _ => None,
    })
}

/// Kind, title, RIP and die count.
type Told = (String, String, String, String);

fn reports(records: &MemberRecords) -> Vec<Told> {
    let row = |it: &Event| {
        let row = it.row.as_ref().filter(|it| it.relation.name == "kernel.report")?;
        let cell = |column: &str| row.get(column).to_string();
        Some((cell("kind"), cell("title"), cell("rip"), cell("number")))
    };
    events(records).filter_map(row).collect()
}

#[test]
fn three_producers_of_one_crash() {
    for version in ["5.10", "6.1", "6.12", "7.2"] {
        let mut said: Option<(Vec<String>, Vec<Told>)> = None;
        for producer in ["vmcore-dmesg.kexec-tools-2.0.29.txt", "dmesg.makedumpfile-1.7.2.txt", "dmesg.makedumpfile-1.7.6.txt"] {
            let path = format!("vmcore-dmesg/{version}/{producer}");
            let Some(text) = file(&path) else { return };
            let (found, out) = decode(&text, Loose::Continuation, 7);
            assert_eq!(out.tally.odd_bytes, 0, "{path}");
            // makedumpfile sign-extends: `\xffffffff`
            let lines = texts(&found);
            // in a bundle both lie in a crash directory
            let place = format!("vmcore-dmesg/{version}/var/crash/202006141314/{producer}");
            let records = member(&place, &text);
            let saved = records.records.iter().filter(|it| matches!(it, Record::Fact(fact, Stamp::Zoneless { .. }) if fact.row.relation.name == "clock.collected"));
            assert_eq!(saved.count(), 1, "{path}");
            let reports = reports(&records);
            let bugs: Vec<_> = reports.iter().filter(|it| it.0 == "bug").collect();
            assert_eq!(bugs.len(), 1, "{path}: {reports:?}");
            assert!(bugs[0].1.ends_with("crashme.c:19!") && bugs[0].2 == "do_bug+0x5/0x10" && bugs[0].3 == "1", "{path}: {bugs:?}");
            let warnings: Vec<_> = events(&records).filter(|it| it.message.contains("value 42") && it.row.is_some()).collect();
            assert_eq!(warnings.len(), 1, "{path}");
            let panics: Vec<_> = reports.iter().filter(|it| it.0 == "panic").map(|it| it.1.as_str()).collect();
            assert_eq!(panics, ["Kernel panic - not syncing: Fatal exception"], "{path}");
            assert_eq!(reports.len(), 3, "{path}: {reports:?}");
            match &said {
                Some((first, told)) => {
                    assert_eq!(first, &lines, "{path}");
                    assert_eq!(told, &reports, "{path}");
                }
                None => said = Some((lines, reports)),
            }
        }
    }
}

#[test]
fn consoles_and_pstore() {
    for version in ["5.10", "6.1", "6.12", "7.2"] {
        let path = format!("qemu-serial-console/{version}-oops-lockup-stall-sysrq.console.log");
        let Some(text) = file(&path) else { return };
        let records = member(&path, &text);
        let found = reports(&records);
        let deaths: Vec<&str> = found.iter().filter(|it| it.3 != "unknown").map(|it| it.3.as_str()).collect();
        assert_eq!(deaths, ["1", "2", "3", "4", "5"], "{path}");
        assert!(records.tally.understood * 100 > records.tally.lines * 80, "{path}: {:?}", records.tally);
        for (file_name, last) in [("dmesg-ramoops-0", "oops"), ("dmesg-ramoops-1", "panic")] {
            let path = format!("pstore/{version}/{file_name}");
            let Some(text) = file(&path) else { return };
            let records = member(&path, &text);
            assert_eq!(reports(&records).last().map(|it| it.0.as_str()), Some(last), "{path}");
            assert!(records.tally.odd_bytes < 200, "{path}: {:?}", records.tally);
        }
    }
    for name in ["kubernetes", "openstack", "rabbitmq"] {
        let path = format!("public/hotsos-sosreports/{name}/dmesg");
        let Some(text) = file(&path) else { return };
        let records = member(&path, &text);
        assert_eq!(records.tally.odd_bytes, 0, "{path}: {:?}", records.tally);
        let wrapped = records.issues.iter().any(|it| it.what.contains("ring buffer had wrapped"));
        assert_eq!(wrapped, name == "openstack", "{path}: {:?}", records.seen);
    }
}

/// A receiver of netconsole that draws a rule above each datagram: all lines are known, both forms tell the same.
#[test]
fn netconsole_with_the_marks_of_its_recorder() {
    for version in ["5.10", "6.12"] {
        let paths = ["plain", "extended"].map(|form| format!("netconsole/{version}.{form}.datagrams.txt"));
        let told = paths.map(|path| {
            let text = file(&path)?;
            let records = member(&path, &text);
            let tally = records.tally;
            assert!((tally.lines - tally.understood) * 200 < tally.lines, "{path}: {tally:?}");
            Some(texts(&decode(&text, Loose::Foreign, 100).0))
        });
        let [Some(plain), Some(extended)] = told else { return };
        let lines = |it: &[String]| -> Vec<String> { it.iter().flat_map(|it| it.lines()).map(|it| it.trim().to_owned()).collect() };
        assert_eq!(lines(&plain), lines(&extended), "{version}");
    }
}

#[test]
fn long_records_are_put_together_again() {
    let text = "6.12.0,6,416,1758426,-,ncfrag=0/33;the first chunk,\n6.12.0,6,416,1758426,-,ncfrag=16/33; the second\n6,417,1758427,-;next\n";
    let (found, out) = decode(text, Loose::Foreign, 1);
    assert_eq!(texts(&found), ["the first chunk,\n the second", "next"]);
    assert_eq!(out.tally.odd_bytes, 0);
}

/// A dump that some logger wrapped, or that a kernel prints in records of several lines.
#[test]
fn lines_of_a_dump_without_a_stamp_belong_to_it() {
    let text = concat!(
        "[ 104.630158] ------------[ cut here ]------------\n",
        "[ 104.630167] WARNING: at arch/powerpc/platforms/pseries/eeh.c:390\n",
        "[ 104.630174] Modules linked in: sd_mod ipr(+)\nlibata dm_mirror [last unloaded: scsi_wait_scan]\n",
        "[ 104.630288] \n",
        "GPR00: c000000008068df8 c000000010f930b0 c0000000091380e0 0000000000000015\n",
        "the machine was hot that day\n",
    );
    let (found, out) = decode(text, Loose::Foreign, 1);
    assert_eq!(found.len(), 4);
    assert_eq!(out.tally.odd_bytes, "the machine was hot that day".len() as u64);
}

/// Dumps without any stamp, as they are pasted into reports of bugs, are files of their own.
#[test]
fn crashes_without_stamps_are_whole_files() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/kernel/public"));
    let mut unknown = Vec::new();
    for collection in ["satyr-kerneloopses", "abrt-examples"] {
        let Ok(entries) = std::fs::read_dir(folder.join(collection)) else {
            eprintln!("SKIPPED: no samples {collection}");
            return;
        };
        for entry in entries.filter_map(Result::ok) {
            let path = format!("public/{collection}/{}", entry.file_name().to_string_lossy());
            let Some(text) = file(&path) else { return };
            let sniff = Sniff { path: &path, text: &text, bytes: text.as_bytes(), whole: true };
            if crate::identify(&sniff).is_none() {
                unknown.push(path);
            }
        }
    }
    unknown.sort();
    // an X server's crash is no kernel's
    assert_eq!(unknown, ["public/abrt-examples/xorg_journal_crash2.test.txt"]);
    for version in ["2.36.1-on-linux-5.10", "2.38.1-on-linux-6.1", "2.41.5-on-linux-6.12", "2.42.4-on-linux-7.2"] {
        let path = format!("dmesg-util-linux/{version}/notime.txt");
        let Some(text) = file(&path) else { return };
        let records = member(&path, &text);
        assert_eq!(records.tally.odd_bytes, 0, "{path}");
    }
    let prose = "the kernel said BUG: unable to handle kernel paging request at 0\nand then\nnothing\nmore\nwas\nseen\nat all\n";
    for text in [prose, "Linux version 5.4.0 (x) #1 SMP\n"] {
        assert_eq!(recognized("notes.txt", text), Certainty::No, "{text}");
    }
}

#[test]
fn every_prefix_of_a_console_is_read() {
    let Some(text) = file("qemu-serial-console/6.1-oops-lockup-stall-sysrq.console.log") else { return };
    let node = Some(Name::from("node7"));
    let origin = Origin { member: MemberId(0), path: "dmesg".into(), node, watch: Arc::new(false), hold_bytes: crate::HOLD_BYTES };
    let ends = text.bytes().enumerate().filter(|(_, it)| *it == b'\n').map(|(at, _)| at + 1);
    let mut most = 0;
    for end in ends.step_by(7) {
        let found = reports(&crate::read(&FORMAT, &origin, &text[..end], 4096)).len();
        assert!(found + 1 >= most, "reports vanish at byte {end}");
        most = most.max(found);
    }
    assert!(most >= 15, "{most}");
}

/// Most records of `/dev/kmsg` about devices have a dictionary of two lines.
#[test]
fn a_dictionary_is_no_foreign_text() {
    let text = "6,127,321352,-;usb 1-1: new device\n SUBSYSTEM=usb\n DEVICE=c189:1\n\
                12,379,4275432,-;multi\\x0aline kmsg write\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n";
    let sniff = crate::testing::sniff("x.txt", text);
    assert_eq!((FORMAT.recognizes)(&sniff), Certainty::Sure);
    let out = crate::testing::read_at(&FORMAT, "x.txt", text);
    assert_eq!((out.tally.lines, out.tally.understood), (6, 6));
    let said: Vec<&str> = crate::testing::events(&out).map(|it| &*it.message).collect();
    assert_eq!(said, ["usb 1-1: new device", "multi\nline kmsg write"]);
}
