//! Bombs, and the bounds they meet.

use std::io;

use super::*;

#[test]
fn a_ratio_bomb_ends_at_its_ratio() {
    let zeros = vec![0; 64 << 20];
    let bomb = gzip(&zeros);
    let seen = walked("x.gz", &bomb);
    assert_eq!(seen.notes(), "limit Ratio 1000 x.gz");
    let given = seen.content("x.gz").len();
    assert!((16 << 20..18 << 20).contains(&given), "{given}");

    // inside other archives the rest goes on
    let outer = gzip(&tar_of(&[("bomb.gz", &bomb), ("bomb.zip", &zip_of(&[("zeros", &zeros)])), ("after", b"fine")]));
    let seen = walked("x.tgz", &outer);
    assert_eq!(seen.paths(), ["bomb.gz", "bomb.zip!/zeros", "after"]);
    assert_eq!(seen.notes(), "limit Ratio 1000 bomb.gz\nlimit Ratio 1000 bomb.zip!/zeros");

    // a bomb in a bomb
    let seen = walked("x.gz.gz", &gzip(&bomb));
    assert!(seen.notes().contains("limit Ratio 1000 x.gz.gz"), "{}", seen.notes());
}

#[test]
fn honest_logs_are_no_bombs() {
    let line =
        b"E1121 10:00:00.000000    1 kubelet.go:2448] \"Error getting node\" err=\"node not found\"\n".repeat(400_000);
    let seen = walked("x.tgz", &gzip(&tar_of(&[("a.log.gz", &gzip(&line))])));
    assert_eq!((seen.content("a.log.gz").len(), seen.notes()), (line.len(), String::new()));
}

#[test]
fn nesting_ends_at_its_depth() {
    let mut nested = tar_of(&[("innermost", b"!")]);
    for _ in 0..7 {
        nested = tar_of(&[("t", &nested)]);
    }
    assert_eq!(walked("x.tar", &nested).paths(), ["t!/t!/t!/t!/t!/t!/t!/innermost"]);
    let too_deep = tar_of(&[("t", &nested), ("after", b"fine")]);
    let seen = walked("x.tar", &too_deep);
    assert_eq!(seen.paths(), ["after"]);
    let path = "t!/t!/t!/t!/t!/t!/t!/t";
    assert_eq!(
        seen.notes(),
        format!("limit Depth 8 {path}\nskipped {path} {} Limit(Depth)", tar_of(&[("innermost", b"!")]).len())
    );

    let mut squeezed = b"core".to_vec();
    for _ in 0..20 {
        squeezed = gzip(&squeezed);
    }
    let seen = walked("x.gz", &squeezed);
    assert!(
        seen.members.is_empty() && seen.notes().starts_with("limit Depth 8 x.gz\nskipped x.gz "),
        "{}",
        seen.notes()
    );
}

/// A tar that contains itself without end, as a quine would.
struct Quine(Vec<u8>, usize);

impl io::Read for Quine {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let header = &self.0;
        for byte in &mut *buf {
            *byte = header[self.1 % header.len()];
            self.1 += 1;
        }
        Ok(buf.len())
    }
}

#[test]
fn endless_streams_end_at_the_total() {
    let limits = Limits { total_bytes: 4 << 20, ..Limits::default() };
    let entry = Tar::default().entry(b'0', b"self.tar", 1 << 40, |_| {}, b"").0;
    let small = Tar::default().file("again", b"and again").0;
    for (name, head) in [("self", entry), ("small", small), ("zeros", vec![0; 512]), ("text", b"a line\n".repeat(512))]
    {
        let budget = Budget::new(&limits);
        let mut seen = Seen::default();
        let flow = walk_stream("x.tar", &mut Quine(head, 0), 0, &budget, &limits, &mut seen);
        assert!(flow.is_break(), "{name}");
        let read: usize = seen.members.iter().map(|(_, content)| content.len()).sum();
        assert!(read <= 4 << 20, "{name}");
        assert!(seen.notes().contains("limit TotalBytes 4194304"), "{name}: {}", seen.notes());
    }
    for nothing in [gzip(b""), bzip2(b""), xz(b""), [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9].to_vec()] {
        let mut seen = Seen::default();
        let budget = Budget::new(&limits);
        let flow = walk_stream("x.gz", &mut Quine(nothing, 0), 0, &budget, &limits, &mut seen);
        assert!(flow.is_break() && seen.notes().ends_with("limit TotalBytes 4194304 x.gz"), "{}", seen.notes());
    }
    // a gzip that never ends, of text: one block of a stream after the other
    struct Endless(Vec<u8>, Vec<u8>, usize);
    impl io::Read for Endless {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            for byte in &mut *buf {
                let at = self.2;
                *byte = if at < self.0.len() { self.0[at] } else { self.1[(at - self.0.len()) % self.1.len()] };
                self.2 += 1;
            }
            Ok(buf.len())
        }
    }
    let text = b"a line\n".repeat(1000);
    let len = u16::try_from(text.len()).unwrap().to_le_bytes();
    let block = [&[0, len[0], len[1], !len[0], !len[1]], text.as_slice()].concat();
    let mut seen = Seen::default();
    let endless = &mut Endless(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], block, 0);
    let flow = walk_stream("x.log.gz", endless, 0, &Budget::new(&limits), &limits, &mut seen);
    let given = seen.content("x.log.gz").len();
    assert!(flow.is_break() && (4_000_000..=4 << 20).contains(&given), "{given}: {}", seen.notes());
    assert!(seen.notes().ends_with("limit TotalBytes 4194304 x.log.gz"), "{}", seen.notes());
    // the same twice gives the same
    let tar = tar_of(&[("a", &log(3000)), ("b", &log(3000)), ("c", b"c")]);
    let few = Limits { total_bytes: 100_000, ..Limits::default() };
    let (one, two) = (open("x.tar", &tar, &few).0, open("x.tar", &tar, &few).0);
    assert!(one.members == two.members && one.notes == two.notes);
    assert_eq!((one.paths(), one.notes()), (vec!["a", "b"], "limit TotalBytes 100000 b".to_owned()));
}

#[test]
fn members_are_counted_and_whole_things_weighed() {
    let tar = tar_of(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
    let seen = open("x.tar", &tar, &Limits { members: 2, ..Limits::default() }).0;
    assert_eq!((seen.paths(), seen.notes()), (vec!["a", "b"], "limit Members 2 c".to_owned()));

    let zip = zip_of(&[("in", &log(3000))]);
    let tar = tar_of(&[("big.zip", &zip), ("b", b"2")]);
    let seen = open("x.tar", &tar, &Limits { whole_bytes: 4096, ..Limits::default() }).0;
    let notes = format!("limit WholeBytes 4096 big.zip\nskipped big.zip {} Limit(WholeBytes)", zip.len());
    assert_eq!((seen.paths(), seen.notes()), (vec!["b"], notes));
}

#[test]
fn every_byte_is_shown_or_named() {
    let files: [(&str, Vec<u8>); 4] =
        [("a", log(5000)), ("b.7z", b"7z\xbc\xaf\x27\x1c rest".to_vec()), ("c", b"cc".to_vec()), ("d", log(100))];
    let stored: usize = files.iter().map(|(_, content)| content.len()).sum();
    let refs: Vec<_> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    for bytes in [gzip(&tar_of(&refs)), zip_of(&refs), tar_of(&refs)] {
        for sip in [None, Some(0), Some(10), Some(70_000)] {
            let mut seen = Seen { sip, ..Seen::default() };
            let input = Input::Memory { name: "x".to_owned(), bytes: Arc::from(bytes.as_slice()) };
            walk(&input, &Limits::default(), &mut seen).unwrap();
            let shown: usize = seen.members.iter().map(|(_, content)| content.len()).sum();
            let named: u64 = seen
                .notes
                .iter()
                .map(|note| match note {
                    Note::Skipped { bytes, .. } => *bytes,
                    Note::Damaged { lost, .. } => *lost,
                    _ => 0,
                })
                .sum();
            assert_eq!(shown as u64 + named, stored as u64, "{sip:?}: {}", seen.notes());
        }
    }
}

#[test]
fn a_visitor_can_stop() {
    let mut seen = Seen { stop_at: Some(2), ..Seen::default() };
    let bytes = Arc::from(gzip(&tar_of(&[("a", b"1"), ("b", b"2"), ("c", b"3")])));
    walk(&Input::Memory { name: "x".to_owned(), bytes }, &Limits::default(), &mut seen).unwrap();
    assert_eq!((seen.paths(), seen.notes()), (vec!["a", "b"], String::new()));
}
