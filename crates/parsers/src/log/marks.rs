//! Which lines of a chunk may be wanted: the chunk is looked through once for all literals, not line by line.

use timeline::Watch;

use super::kept::within;
use crate::{Chunk, Line};

/// Where in the chunk that is being read something of interest stands.
#[derive(Default)]
pub(super) struct Marks {
    /// Offsets in the member, in order.
    places: Vec<usize>,
    /// The first of them that does not stand before the line last asked for.
    next: usize,
    /// Where that one stands in the member; the end of all places where there is none.
    upcoming: u64,
    /// The stretch of the member that was looked through and not asked for yet.
    from: u64,
    to: u64,
    start: u64,
    /// The message last asked for, by its line and its place in memory, and whether it is wanted.
    asked: Option<(u64, usize, usize)>,
    wanted: bool,
}

impl Marks {
    /// Looks through a chunk, unless somebody has done so already.
    pub(super) fn chunk(&mut self, chunk: &Chunk<'_>, watch: &dyn Watch) {
        self.places.clear();
        (self.next, self.asked) = (0, None);
        (self.start, self.from, self.to) = (chunk.start, chunk.start, chunk.start);
        if chunk.places(watch, &mut self.places) {
            self.to += chunk.text.len() as u64;
        }
        self.look_ahead();
    }

    fn look_ahead(&mut self) {
        self.upcoming = self.places.get(self.next).map_or(u64::MAX, |it| self.start + *it as u64);
    }

    /// Whether the watch wants the message, which may stand in the line. An entry is asked for more than once on its way.
    pub(super) fn wants(&mut self, line: &Line<'_>, message: &str, watch: &dyn Watch) -> bool {
        if let Some((start, end)) = within(line.text, message)
            && self.covers(line)
        {
            if self.upcoming >= line.start + u64::from(end) {
                return false;
            }
            let places = start_of(line, start)..start_of(line, end);
            return self.following().take_while(|it| *it < places.end).any(|it| it >= places.start);
        }
        let asked = (line.start, message.as_ptr() as usize, message.len());
        if self.asked != Some(asked) {
            (self.asked, self.wanted) = (Some(asked), watch.wants(message));
        }
        self.wanted
    }

    /// Whether the line was looked through; goes on to it.
    fn covers(&mut self, line: &Line<'_>) -> bool {
        let end = line.start + line.text.len() as u64;
        if line.start < self.from || end > self.to {
            return false;
        }
        self.from = line.start;
        while self.upcoming < line.start {
            self.next += 1;
            self.look_ahead();
        }
        true
    }

    /// The places that do not stand before the line last asked for.
    fn following(&self) -> impl Iterator<Item = u64> {
        self.places[self.next.min(self.places.len())..].iter().map(|it| self.start + *it as u64)
    }
}

fn start_of(line: &Line<'_>, at: u32) -> u64 {
    line.start + u64::from(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wants messages with a capital letter, and counts how often it is asked.
    #[derive(Default)]
    struct Capitals(std::sync::atomic::AtomicU32);

    impl Watch for Capitals {
        fn wants(&self, message: &str) -> bool {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            message.bytes().any(|it| it.is_ascii_uppercase())
        }

        fn places(&self, text: &str, found: &mut Vec<usize>) -> bool {
            found.extend(text.bytes().enumerate().filter(|it| it.1.is_ascii_uppercase()).map(|it| it.0));
            true
        }
    }

    #[test]
    fn only_lines_with_a_place_are_looked_at() {
        let text = "one\ntWo\nthree Four\n\nfive\n";
        let chunk = Chunk::new(text, text.as_bytes(), 100, 1);
        let (watch, mut marks) = (Capitals::default(), Marks::default());
        marks.chunk(&chunk, &watch);
        let wanted: Vec<bool> = chunk.lines().map(|it| marks.wants(&it, it.text, &watch)).collect();
        assert_eq!(wanted, [false, true, true, false, false]);
        assert_eq!(watch.0.load(std::sync::atomic::Ordering::Relaxed), 0, "what was looked through is not asked for");
        marks.chunk(&chunk, &watch);
        let two = chunk.lines().nth(1).expect("a line");
        let parts = [0..3, 0..1, 1..3, 2..3].map(|it| marks.wants(&two, &two.text[it], &watch));
        assert_eq!(parts, [true, false, true, false], "of a line only the message counts");
        let last = chunk.lines().last().expect("a line");
        let (wanted, idle) = ("Elsewhere", "elsewhere");
        assert!(!marks.wants(&last, idle, &watch) && marks.wants(&last, wanted, &watch));
        let again = watch.0.load(std::sync::atomic::Ordering::Relaxed);
        assert!((0..3).all(|_| marks.wants(&last, wanted, &watch)));
        assert_eq!(watch.0.load(std::sync::atomic::Ordering::Relaxed) - again, 0, "the same message is asked for once");
    }

    #[test]
    fn what_was_not_looked_through_is_asked_for() {
        let text = "one\ntwo\n";
        let chunk = Chunk::new(text, text.as_bytes(), 0, 1);
        let (watch, mut marks) = (Capitals::default(), Marks::default());
        marks.chunk(&chunk, &watch);
        let lines: Vec<Line<'_>> = chunk.lines().collect();
        assert!(marks.wants(&lines[0], "Decoded", &watch), "another text than the line's");
        assert!(!marks.wants(&lines[1], lines[1].text, &watch));
        let earlier = Line { text: "Earlier", ..lines[0] };
        assert!(marks.wants(&earlier, earlier.text, &watch), "a line from before the one last asked for");
        let later = Line { text: "Later", start: 8, number: 3 };
        assert!(marks.wants(&later, later.text, &watch), "a line of the next chunk");
        assert!(Marks::default().wants(&later, later.text, &watch), "no chunk");
        marks.chunk(&chunk, &true);
        assert!(marks.wants(&lines[0], lines[0].text, &true), "a watch without places");
    }
}
