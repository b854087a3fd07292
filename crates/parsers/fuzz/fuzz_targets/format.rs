//! Any bytes through one format: no panic, quotes that stand where they say, the same however the bytes are cut.
//!
//! `CORONER_FORMAT=klog-file` picks the format; without it the first byte of the input does, so that one run tries all.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use parsers::{FORMATS, Format, Input, Origin, Reading, Sniff};
use timeline::{MemberId, MemberRecords, Record};

static CHOSEN: LazyLock<Option<&'static Format>> = LazyLock::new(|| {
    let name = std::env::var("CORONER_FORMAT").ok()?;
    Some(FORMATS.iter().copied().find(|it| it.name == name).expect("CORONER_FORMAT names a format"))
});

fuzz_target!(|data: &[u8]| {
    let (format, bytes) = match *CHOSEN {
        Some(format) => (format, data),
        None => match data.split_first() {
            Some((first, rest)) => (FORMATS[usize::from(*first) % FORMATS.len()], rest),
            None => return,
        },
    };
    // as the reader of bundles does: one `?` for each byte that is no UTF-8
    let text: String = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|it| if it.is_ascii() { char::from(*it) } else { '?' }).collect(),
    };
    let sniff = Sniff { path: "node-a/file.txt", text: &text, bytes, whole: true };
    let _ = (format.recognizes)(&sniff);
    let origin = Origin { member: MemberId(0), path: "node-a/file.txt".into(), node: None, watch: Arc::new(true), hold_bytes: parsers::HOLD_BYTES };
    match format.reading {
        Reading::Whole(parse) => {
            let mut out = MemberRecords::default();
            parse(&Input { origin: &origin, text: &text, bytes, truncated: false }, &mut out);
            // what is unpacked from a binary file stands nowhere as text
            if std::str::from_utf8(bytes).is_ok() && format.name != "journal-binary" {
                quotes_stand(&out, &text);
            }
            adds_up(&out, text.len());
            // the same with its end missing, which a parser may be told
            parse(&Input { origin: &origin, text: &text, bytes, truncated: true }, &mut MemberRecords::default());
        }
        Reading::Stream(_) => {
            let whole = parsers::read(format, &origin, &text, usize::MAX >> 1);
            quotes_stand(&whole, &text);
            adds_up(&whole, text.len());
            for chunk in [1, 300] {
                let cut = parsers::read(format, &origin, &text, chunk);
                assert_eq!(whole.records, cut.records, "{}: records depend on where the bytes were cut", format.name);
                assert_eq!(whole.tally, cut.tally, "{}: the tally depends on where the bytes were cut", format.name);
            }
        }
    }
});

fn quotes_stand(records: &MemberRecords, text: &str) {
    let stands = |quote: &timeline::Quote| {
        let (start, len) = (quote.span.start as usize, quote.span.len as usize);
        let there = text.get(start..start + len);
        assert_eq!(there, Some(&*quote.text), "a quote of line {} is not what stands there", quote.span.line);
    };
    for record in &records.records {
        match record {
            Record::Event(event) => stands(&event.quote),
            Record::Fact(fact, _) => fact.quotes.iter().for_each(stands),
            Record::Series(_) => {}
        }
    }
}

fn adds_up(records: &MemberRecords, bytes: usize) {
    assert!(records.tally.understood <= records.tally.lines, "{:?}", records.tally);
    assert!(records.tally.odd_bytes <= bytes as u64, "{:?} of {bytes} bytes", records.tally);
}
