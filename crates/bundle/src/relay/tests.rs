use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use parsers::Format;
use timeline::{Event, Watch};

use super::*;
use crate::archive::Limits;
use crate::buffers::Buffers;
use crate::member::Done;

/// Wants lines with a word, and can be made to break on another.
struct Words {
    shown: &'static str,
    breaks_on: &'static str,
    mark_breaks: bool,
    looks_ahead: bool,
}

impl Default for Words {
    fn default() -> Words {
        Words { shown: "refused", breaks_on: "\0", mark_breaks: false, looks_ahead: true }
    }
}

impl Watch for Words {
    fn wants(&self, message: &str) -> bool {
        message.contains(self.shown)
    }

    fn places(&self, text: &str, found: &mut Vec<usize>) -> bool {
        assert!(!text.contains(self.breaks_on), "a slip in the scan");
        found.extend(text.match_indices(self.shown).map(|it| it.0).filter(|_| self.looks_ahead));
        self.looks_ahead
    }

    fn mark(&self, _: &Event) -> Option<[u64; 2]> {
        assert!(!self.mark_breaks, "a slip behind the reader");
        None
    }
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A log of so many lines: entries of several programs, lines that go on, markers, kernel reports, nonsense, bytes that are no
/// text, lines longer than a piece.
fn log(dice: &mut Dice, lines: usize) -> Vec<u8> {
    let mut log = Vec::new();
    for at in 0..lines {
        let stamp = format!("Feb {:02} {:02}:{:02}:{:02}", 1 + at / 9000 % 28, at / 3600 % 24, at / 60 % 60, at % 60);
        let host = ["node-a", "node-b"][dice.roll(20) / 19];
        let line: Vec<u8> = match dice.roll(24) {
            0 => b"-- Reboot --".to_vec(),
            1 => b"                 and goes on: refused".to_vec(),
            2 => Vec::new(),
            3 => format!("{stamp} {host} kernel: [{at}.000001] BUG: unable to handle page fault for address: {at:x}")
                .into(),
            4 => format!("{stamp} {host} kernel: [{at}.000002] RIP: 0010:tcp_v4_rcv+0x{at:x}/0x1000").into(),
            5 => format!("{stamp} {host} kernel: [    0.000000] Linux version 6.1.0-{at} (builder@host)").into(),
            6 => [format!("{stamp} {host} app[7]: gr").as_bytes(), b"\xfc\xe2\x82n refused\r"].concat(),
            7 => format!("{stamp} {host} app[7]: {} refused", "long ".repeat(dice.roll(900))).into(),
            8 => (0..dice.roll(60)).map(|_| dice.roll(256) as u8).collect(),
            9 => format!("{stamp} {host} app[{}]: \u{20ac} connection refused {at}", dice.roll(3)).into(),
            10 => format!("{stamp} {host} dockerd[9]: time=\"2023-02-11T00:00:00Z\" level=error msg=\"refused {at}\"")
                .into(),
            _ => format!("{stamp} {host} kubelet[731]: I0211 00:00:{:02}.000001     731 a.go:1] nothing {at}", at % 60)
                .into(),
        };
        log.extend(line);
        log.push(b'\n');
    }
    log.truncate(log.len() - dice.roll(2));
    log
}

fn format(name: &str) -> &'static Format {
    parsers::FORMATS.iter().find(|it| it.name == name).expect("a format")
}

fn consumer(format: &'static Format, watch: &Arc<dyn Watch>) -> Box<Consumer> {
    let limits = Limits { line_bytes: 1 << 11, ..Limits::default() };
    Box::new(Consumer::new("node-a/log.txt".into(), Some(format), None, watch, &limits))
}

fn shown(done: &Done) -> String {
    format!("{:?}\n{:?}", done.member, done.records)
}

/// What one thread makes of it.
fn alone(format: &'static Format, watch: &Arc<dyn Watch>, bytes: &[u8], chunk_bytes: usize) -> String {
    let mut consumer = consumer(format, watch);
    bytes.chunks(chunk_bytes).for_each(|it| consumer.take(it));
    shown(&consumer.finish(false))
}

const MOMENT: Duration = Duration::from_millis(5);
const IMPATIENT: Duration = Duration::ZERO;
const PATIENT: Duration = Duration::from_secs(20);

/// How to read.
#[derive(Clone, Copy)]
struct Way {
    chunk_bytes: usize,
    threads: usize,
    buffers: usize,
    /// So long it goes on slowly, until a second thread has come.
    patience: Duration,
}

/// What several threads make of members that are read at the same time, and how many pieces went to a second one. Says so where
/// nothing goes on.
fn together(format: &'static Format, watch: &Arc<dyn Watch>, members: &[Vec<u8>], way: Way) -> (Vec<String>, usize) {
    let (sender, receiver) = channel();
    let (members, watch) = (members.to_vec(), watch.clone());
    let reading = std::thread::spawn(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(way.threads).build().expect("threads");
        let crew = Crew::new(way.threads);
        let buffers = Buffers::of(way.chunk_bytes, 0, way.buffers);
        let parts: Vec<Mutex<Option<String>>> = members.iter().map(|_| Mutex::default()).collect();
        members.iter().for_each(|_| crew.wait());
        pool.scope_fifo(|scope| {
            for (bytes, part) in members.iter().zip(&parts) {
                let (crew, buffers, watch) = (&crew, &buffers, &watch);
                scope.spawn_fifo(move |scope| {
                    crew.begin();
                    let (mut reader, mut last, mut patience) = (bytes.as_slice(), false, way.patience);
                    let next = || {
                        if way.threads > 1 && crew.handed() == 0 && patience > Duration::ZERO {
                            patience = patience.saturating_sub(MOMENT);
                            std::thread::sleep(MOMENT);
                        }
                        let piece = (!last).then(|| buffers.read(&mut reader))?;
                        last = piece.is_last();
                        assert!(!piece.bytes().starts_with(b"no disk"), "a slip in what is read from");
                        Some((piece, true))
                    };
                    let done = read(consumer(format, watch), next, &Help { scope, crew }).finish(false);
                    *part.lock().expect("no panic") = Some(shown(&done));
                });
            }
        });
        let shown = parts.into_iter().map(|it| it.into_inner().expect("no panic").expect("it was read")).collect();
        let _ = sender.send((shown, crew.handed()));
    });
    match receiver.recv_timeout(Duration::from_secs(120)) {
        Ok(done) => done,
        Err(RecvTimeoutError::Timeout) => panic!("nothing goes on"),
        Err(RecvTimeoutError::Disconnected) => {
            resume_unwind(reading.join().expect_err("it has ended without an answer"))
        }
    }
}

#[test]
fn records_are_the_same_whoever_reads_what() {
    let mut handed = 0;
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let format = format(["journal-text", "syslog", "program-log", "journal-text"][dice.roll(4)]);
        let watch: Arc<dyn Watch> = Arc::new(Words { looks_ahead: seed % 5 > 0, ..Words::default() });
        let count = 100 + dice.roll(400);
        let members: Vec<Vec<u8>> = (0..1 + dice.roll(3)).map(|_| log(&mut dice, count)).collect();
        let chunk_bytes = 40 + dice.roll(3000);
        let expected: Vec<String> = members.iter().map(|it| alone(format, &watch, it, chunk_bytes)).collect();
        for threads in [1, 2, 8] {
            let patience = if seed % 2 == 0 { Duration::from_millis(2) } else { IMPATIENT };
            let way = Way { chunk_bytes, threads, buffers: 1 + dice.roll(4), patience };
            let (found, more) = together(format, &watch, &members, way);
            assert!(found == expected, "seed {seed}, {threads} threads, {} in pieces of {chunk_bytes}", format.name);
            assert!(threads > 1 || more == 0, "one thread has no second");
            handed += more;
        }
    }
    assert!(handed > 300, "{handed} pieces went to a second thread");
}

#[test]
fn a_big_member_is_read_by_two_threads() {
    let watch: Arc<dyn Watch> = Arc::new(Words::default());
    let bytes = log(&mut Dice(7), 8000);
    let expected = alone(format("journal-text"), &watch, &bytes, 1 << 11);
    for (threads, buffers) in [(2, 1), (2, 4), (8, 10)] {
        let way = Way { chunk_bytes: 1 << 11, threads, buffers, patience: PATIENT };
        let (found, handed) = together(format("journal-text"), &watch, std::slice::from_ref(&bytes), way);
        assert!(found == [expected.as_str()]);
        let pieces = bytes.len() >> 11;
        assert!(handed > pieces / 2, "{handed} of {pieces} pieces went to the second of {threads} threads");
    }
}

#[test]
fn many_big_members_and_few_buffers_do_not_stand_still() {
    let watch: Arc<dyn Watch> = Arc::new(Words::default());
    let members: Vec<Vec<u8>> = (0..10).map(|it| log(&mut Dice(it), 500)).collect();
    let expected: Vec<String> = members.iter().map(|it| alone(format("syslog"), &watch, it, 500)).collect();
    for threads in [1, 2, 8] {
        for buffers in [1, 2, threads, threads + 2] {
            let way = Way { chunk_bytes: 500, threads, buffers, patience: IMPATIENT };
            let (found, _) = together(format("syslog"), &watch, &members, way);
            assert!(found == expected, "{threads} threads, {buffers} buffers");
        }
    }
}

#[test]
fn what_the_scan_or_the_reader_breaks_on_is_told_as_one_thread_would() {
    let mut bytes = log(&mut Dice(3), 3000);
    let sound = bytes.len();
    bytes.extend(b"Feb 11 10:00:00 node-a app[7]: this one\n");
    bytes.extend(log(&mut Dice(4), 1000));
    let watch: Arc<dyn Watch> = Arc::new(Words { breaks_on: "this one", ..Words::default() });
    let expected = alone(format("journal-text"), &watch, &bytes, 700);
    assert!(expected.contains("its reader failed"), "it does break");
    for threads in [1, 2, 8] {
        let way = Way { chunk_bytes: 700, threads, buffers: 3, patience: PATIENT };
        let (found, handed) = together(format("journal-text"), &watch, std::slice::from_ref(&bytes), way);
        assert!(found == [expected.as_str()], "{threads} threads");
        assert!(threads == 1 || handed > sound / 700 / 2, "{handed} pieces went to a second thread");
    }
}

#[test]
fn a_slip_outside_of_a_reader_reaches_whoever_reads() {
    let lines = |count: usize| "Feb 11 10:00:00 node-a app[7]: connection refused\n".repeat(count).into_bytes();
    let way = Way { chunk_bytes: 700, threads: 2, buffers: 3, patience: PATIENT };
    let reached = |watch: Words, bytes: Vec<u8>| {
        let watch: Arc<dyn Watch> = Arc::new(watch);
        let slip = catch_unwind(AssertUnwindSafe(|| together(format("journal-text"), &watch, &[bytes], way)));
        let slip = slip.expect_err("it was swallowed");
        *slip.downcast_ref::<&str>().expect("words")
    };
    // records are thinned where there are many of them, by whoever reads
    assert_eq!(reached(Words { mark_breaks: true, ..Words::default() }, lines(5000)), "a slip behind the reader");
    let mut bytes = lines(1400);
    bytes.splice(bytes.len() / 700 * 700 - 7000.., *b"no disk");
    assert_eq!(reached(Words::default(), bytes), "a slip in what is read from");
}

#[test]
fn nobody_comes_to_a_short_member_or_where_others_wait() {
    let watch: Arc<dyn Watch> = Arc::new(Words::default());
    let way = Way { chunk_bytes: 500, threads: 2, buffers: 4, patience: Duration::from_millis(20) };
    let short = log(&mut Dice(1), 4000)[..500 * SHORT].to_vec();
    assert_eq!(together(format("journal-text"), &watch, &[short], way).1, 0);
    let crew = Crew::new(2);
    assert!(crew.may_help());
    crew.wait();
    assert!(!crew.may_help());
    crew.begin();
    assert!(crew.may_help() && !Crew::new(1).may_help());
}
