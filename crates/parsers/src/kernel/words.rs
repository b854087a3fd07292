//! Whether any of many words may stand in a line, at a few instructions a byte whatever their number.
//!
//! All words are looked for at once, in the bits of one number: eight places of a word, eight groups of words. A bit is
//! set where the last bytes of the text fit some word of the group up to that place. A group of one word would be exact;
//! of several, their letters are mixed, so that a yes must be looked at again. A no is a no.
//!
//! Method: Baeza-Yates and Gonnet, "A new approach to text searching" (shift-and), over classes of letters.

/// Places of a word; of a longer one its first bytes are looked for.
const PLACES: usize = 8;
const GROUPS: usize = 8;

/// Words, to be looked for all at once.
pub(super) struct Words {
    /// For each byte, at which places of which groups it stands: eight bits a place, the first place lowest.
    stands: [u64; 256],
    /// The places where anything passes, as before the first byte of a text.
    anything: u64,
}

impl Words {
    /// Words are not empty.
    pub(super) fn new(words: &[&str]) -> Words {
        let mut fronts: Vec<&[u8]> = words.iter().map(|it| &it.as_bytes()[..it.len().min(PLACES)]).collect();
        fronts.sort_unstable();
        // a short word lets anything pass at the places it lacks, for its whole group: groups are of one length, or nearly
        let (short, long): (Vec<&[u8]>, Vec<&[u8]>) = fronts.into_iter().partition(|it| it.len() < PLACES);
        let mut groups: [Vec<&[u8]>; GROUPS] = Default::default();
        for front in short {
            let group = match front.len() {
                ..4 => 0,
                4 => 1,
                5 => 2,
                _ => 3,
            };
            groups[group].push(front);
        }
        for (group, fronts) in groups[4..].iter_mut().zip(long.chunks(long.len().div_ceil(4).max(1))) {
            group.extend(fronts);
        }
        let mut stands = [0u64; 256];
        for (group, fronts) in groups.iter().enumerate() {
            for front in fronts {
                let lacks = PLACES - front.len();
                for place in 0..PLACES {
                    let bit = 1 << (place * GROUPS + group);
                    match place.checked_sub(lacks) {
                        Some(at) => stands[usize::from(front[at])] |= bit,
                        None => stands.iter_mut().for_each(|it| *it |= bit),
                    }
                }
            }
        }
        let anything = stands.iter().fold(u64::MAX, |all, it| all & it);
        Words { stands, anything }
    }

    /// Whether one of the words may stand in the text; where one stands, always.
    pub(super) fn may_stand_in(&self, text: &str) -> bool {
        let (mut fits, mut found) = (self.anything, 0);
        for byte in text.bytes() {
            fits = (fits << GROUPS | u64::MAX >> (64 - GROUPS)) & self.stands[usize::from(byte)];
            found |= fits;
        }
        found >> (GROUPS * (PLACES - 1)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    #[test]
    fn a_word_that_stands_in_a_text_is_never_missed() {
        let mut dice = Dice(0x5eed);
        let mut words = |letters: &[u8], most: usize, longest: usize| -> Vec<String> {
            let mut word =
                || (0..1 + dice.roll(longest)).map(|_| char::from(letters[dice.roll(letters.len())])).collect();
            (0..1 + most / 2).map(|_| word()).collect()
        };
        let (mut stand, mut rejected) = (0, 0);
        for round in 0..3000 {
            let letters: &[u8] = if round % 2 == 0 { b"abc" } else { b"abcdefghijklmnopqrstuvwxyz :[#" };
            let wanted = words(letters, 1 + round % 40, 12);
            let set = Words::new(&wanted.iter().map(String::as_str).collect::<Vec<_>>());
            for text in words(letters, 20, 40) {
                let stands = wanted.iter().any(|it| text.contains(it));
                stand += u32::from(stands);
                assert!(set.may_stand_in(&text) || !stands, "{wanted:?} in {text:?}");
                rejected += u32::from(!set.may_stand_in(&text));
            }
        }
        assert!(stand > 1000 && rejected > 1000, "{stand} {rejected}");
        assert!(!Words::new(&["BUG", "Oops"]).may_stand_in("device eth0 entered promiscuous mode"));
        assert!(!Words::new(&["BUG"]).may_stand_in(""));
        assert!(Words::new(&["BUG", "segfault at"]).may_stand_in("BUG"));
    }
}
