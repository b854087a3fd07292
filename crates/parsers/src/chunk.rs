//! What a reader takes at a time, and what somebody else may have found out of it before.

use std::cell::Cell;

use timeline::Watch;

use crate::lines::{Line, cut};

/// A part of a member that ends at a line end, or at the end of the member.
pub struct Chunk<'t> {
    /// Its text; each byte that is no UTF-8 is replaced by one `?`.
    pub text: &'t str,
    /// Its bytes as they are.
    pub bytes: &'t [u8],
    /// Offset in the member.
    pub start: u64,
    /// Number of its first line, from 1.
    pub line: u32,
    ahead: Option<&'t Ahead>,
    asked: Cell<bool>,
}

/// Lines of a log are rarely shorter than this on the average: room is made for so many.
const SHORT_LINE: usize = 80;

/// What is found in the text of a chunk without those before it, by whoever has the time: a reader that is given it does not
/// look again, and finds the same without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// Where lines end.
    ends: Vec<u32>,
    /// The places of interest, where the watch knows them.
    places: Option<Vec<usize>>,
}

impl Ahead {
    /// Looks through the text of a chunk.
    #[must_use]
    pub fn look(text: &str, watch: &dyn Watch) -> Ahead {
        let mut ends = Vec::with_capacity(text.len() / SHORT_LINE);
        ends.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|it| it as u32));
        let mut places = Vec::new();
        let known = watch.places(text, &mut places);
        Ahead { ends, places: known.then_some(places) }
    }

    /// How many lines end in the text.
    #[must_use]
    pub fn ends(&self) -> usize {
        self.ends.len()
    }
}

impl<'t> Chunk<'t> {
    /// A part of a member.
    #[must_use]
    pub fn new(text: &'t str, bytes: &'t [u8], start: u64, line: u32) -> Chunk<'t> {
        Chunk { text, bytes, start, line, ahead: None, asked: Cell::new(false) }
    }

    /// The same with what was found in its text.
    #[must_use]
    pub fn with(self, ahead: &'t Ahead) -> Chunk<'t> {
        Chunk { ahead: Some(ahead), ..self }
    }

    /// The lines of the chunk.
    pub fn lines(&self) -> impl Iterator<Item = Line<'t>> + use<'t> {
        let ends = match self.ahead {
            Some(ahead) => Ends::Known(ahead.ends.iter()),
            None => Ends::Sought(memchr::memchr_iter(b'\n', self.text.as_bytes())),
        };
        cut(self.text, ends, self.start, self.line)
    }

    /// Adds the places of interest as [`Watch::places`] does; it is asked unless somebody has done so already.
    pub fn places(&self, watch: &dyn Watch, found: &mut Vec<usize>) -> bool {
        self.asked.set(true);
        match self.ahead.and_then(|it| it.places.as_ref()) {
            Some(places) => {
                found.extend_from_slice(places);
                true
            }
            None => watch.places(self.text, found),
        }
    }

    /// Whether the places of interest were asked for: who asks for those of one chunk asks for those of all.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.asked.get()
    }
}

/// Where the lines of a chunk end.
enum Ends<'t> {
    Known(std::slice::Iter<'t, u32>),
    Sought(memchr::Memchr<'t>),
}

impl Iterator for Ends<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        match self {
            Ends::Known(ends) => ends.next().map(|it| *it as usize),
            Ends::Sought(ends) => ends.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wants what has a 7 in it; may be asked so often.
    struct Sevens(std::sync::atomic::AtomicU32);

    impl Watch for Sevens {
        fn wants(&self, message: &str) -> bool {
            message.contains('7')
        }

        fn places(&self, text: &str, found: &mut Vec<usize>) -> bool {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            found.extend(text.match_indices('7').map(|it| it.0));
            true
        }
    }

    #[test]
    fn what_was_found_ahead_is_what_would_be_found() {
        let texts = ["", "\n", "one", "7 one\n\ntwo 7\r\n\0\0gr\u{fc}n7\nlast", "\n\n7\n"];
        for text in texts {
            let watch = Sevens(0.into());
            let ahead = Ahead::look(text, &watch);
            let [plain, known] = [(); 2].map(|()| Chunk::new(text, text.as_bytes(), 40, 7));
            let known = known.with(&ahead);
            assert!(plain.lines().eq(known.lines()), "{text:?}");
            assert_eq!(ahead.ends(), text.matches('\n').count());
            let (mut one, mut other) = (vec![1], vec![1]);
            assert!(plain.places(&watch, &mut one) && !known.was_asked() && known.places(&watch, &mut other));
            assert_eq!(one, other, "{text:?}");
            assert!(plain.was_asked() && known.was_asked());
            assert_eq!(watch.0.into_inner(), 2, "once ahead, once for who was not told");
        }
    }

    #[test]
    fn places_that_are_not_known_are_asked_for() {
        let text = "7\n77";
        let ahead = Ahead::look(text, &true);
        let watch = Sevens(0.into());
        let chunk = Chunk::new(text, text.as_bytes(), 0, 1).with(&ahead);
        let mut found = Vec::new();
        assert!(chunk.places(&watch, &mut found));
        assert_eq!((found, watch.0.into_inner()), (vec![0, 2, 3], 1));
    }
}
