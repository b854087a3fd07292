//! Finding any of many literals, whatever the case of ASCII letters, in time that hardly depends on how many they are.
//!
//! ```text
//! literal   b a c k - o f f   r e s t a r t i n g        its window: the eight bytes least usual in logs
//!                     └─────────────┘
//! text      . . . . . . . . . . . . . . . . . . . . .    every fourth place is looked at
//!                   ^       ^       ^       ^
//! ```
//!
//! Of each literal one window is chosen, and all fragments of it at as many places as a step is long are noted in a set of
//! bits. The text is looked at once a step: wherever a literal stands, one of its noted fragments stands at such a place.
//! Only there the literal is compared. Fragments are taken from the text eight bytes at a time, lower case for nothing.
//!
//! Literals shorter than a window have a table of their own: one short word would shorten the step and the fragments of all.

/// The longest window, and the longest fragment of it.
const WINDOW: usize = 8;
const FRAGMENT: usize = 5;
const LOWER: u64 = 0x2020_2020_2020_2020;

/// A set of literals to look for.
#[derive(Debug)]
pub(crate) struct Scan {
    tables: Vec<Table>,
}

impl Scan {
    /// Literals of less than four bytes are looked for at every place, which takes its time.
    pub(crate) fn new<'l>(literals: impl IntoIterator<Item = &'l str>) -> Scan {
        let all = literals.into_iter().enumerate().map(|(at, it)| (at, Box::from(it.as_bytes())));
        let (long, short): (Vec<_>, Vec<_>) = all.partition(|(_, it): &(usize, Box<[u8]>)| it.len() >= WINDOW);
        let tables = [long, short].into_iter().filter(|it| !it.is_empty()).map(Table::new).collect();
        Scan { tables }
    }

    /// Whether any of the literals stands in the text.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.tables.iter().any(|it| it.search(text, &mut |_| true))
    }

    /// Shows every literal that stands in the text, some of them more than once.
    pub(crate) fn each(&self, text: &[u8], mut show: impl FnMut(usize)) {
        for table in &self.tables {
            table.search(text, &mut |literal| {
                show(literal);
                false
            });
        }
    }
}

/// Literals that are looked for with the same step.
#[derive(Debug)]
struct Table {
    /// Each with its number among all of them.
    literals: Vec<(usize, Box<[u8]>)>,
    step: usize,
    mask: u64,
    shift: u32,
    /// Hashes of fragments there are.
    bits: Vec<u64>,
    /// Literals and the place of the fragment in them, by hash; hashes ascend.
    hashes: Vec<u32>,
    places: Vec<(u32, u32)>,
}

impl Table {
    fn new(literals: Vec<(usize, Box<[u8]>)>) -> Table {
        let shortest = literals.iter().map(|(_, it)| it.len()).filter(|it| *it > 0).min().unwrap_or(WINDOW);
        let window = shortest.min(WINDOW);
        let fragment = FRAGMENT.min(window.div_ceil(2) + 1).min(window);
        let step = window - fragment + 1;
        let mask = u64::MAX >> (64 - 8 * fragment as u32);
        let wanted = (literals.len() * step).max(64) * 64;
        let shift = 64 - wanted.next_power_of_two().ilog2().min(23);
        let mut table = Table {
            literals,
            step,
            mask,
            shift,
            bits: vec![0; 1 << (58 - shift)],
            hashes: Vec::new(),
            places: Vec::new(),
        };
        let mut found: Vec<(u32, u32, u32)> = Vec::new();
        for (at, (_, literal)) in table.literals.iter().enumerate() {
            let Some(start) = rarest(literal, window, fragment) else { continue };
            for place in start..start + step {
                let mut bytes = [0; 8];
                bytes[..fragment].copy_from_slice(&literal[place..place + fragment]);
                found.push((table.hash(u64::from_le_bytes(bytes)), at as u32, place as u32));
            }
        }
        found.sort_unstable();
        for (hash, literal, place) in found {
            table.bits[(hash >> 6) as usize] |= 1 << (hash & 63);
            table.hashes.push(hash);
            table.places.push((literal, place));
        }
        table
    }

    #[inline(always)]
    fn hash(&self, bytes: u64) -> u32 {
        (((bytes | LOWER) & self.mask).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as u32
    }

    /// Whether one of the literals that stand in the text is taken.
    fn search(&self, text: &[u8], take: &mut dyn FnMut(usize) -> bool) -> bool {
        let mut at = 0;
        // whole words first: nothing but a load, a product and a bit
        while let Some(bytes) = text.get(at..).and_then(|it| it.first_chunk::<8>()) {
            let hash = self.hash(u64::from_le_bytes(*bytes));
            if self.holds(hash) && self.compare(hash, text, at, take) {
                return true;
            }
            at += self.step;
        }
        while at < text.len() {
            let mut bytes = [0; 8];
            bytes[..text.len() - at].copy_from_slice(&text[at..]);
            let hash = self.hash(u64::from_le_bytes(bytes));
            if self.holds(hash) && self.compare(hash, text, at, take) {
                return true;
            }
            at += self.step;
        }
        false
    }

    #[inline(always)]
    fn holds(&self, hash: u32) -> bool {
        self.bits.get((hash >> 6) as usize).is_some_and(|it| it >> (hash & 63) & 1 != 0)
    }

    /// Compares the literals that have a fragment of this hash, which stands at a place of the text.
    #[cold]
    fn compare(&self, hash: u32, text: &[u8], at: usize, take: &mut dyn FnMut(usize) -> bool) -> bool {
        let first = self.hashes.partition_point(|it| *it < hash);
        let same = self.hashes[first..].iter().take_while(|it| **it == hash).count();
        self.places[first..first + same].iter().any(|&(literal, place)| {
            let Some(start) = at.checked_sub(place as usize) else { return false };
            let (number, wanted) = &self.literals[literal as usize];
            let stands = text.get(start..start + wanted.len()).is_some_and(|it| it.eq_ignore_ascii_case(wanted));
            stands && take(*number)
        })
    }
}

/// Where in a literal the window begins whose most usual fragment is the least usual in logs.
fn rarest(literal: &[u8], window: usize, fragment: usize) -> Option<usize> {
    let last = literal.len().checked_sub(window).filter(|_| !literal.is_empty())?;
    let usual = |start: usize| {
        let fragments = literal[start..start + window].windows(fragment);
        fragments.map(|it| it.iter().map(|byte| usual(*byte)).sum::<u32>()).max().unwrap_or(0)
    };
    (0..=last).min_by_key(|it| usual(*it))
}

/// How usual a byte is in logs, in steps of about two.
fn usual(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b'e' | b' ' | b't' | b'o' | b'a' | b'i' | b'n' | b'r' | b's' => 6,
        b'd' | b'l' | b'c' | b'u' | b'm' | b'p' | b'0'..=b'3' | b'-' | b'.' | b':' | b'/' | b'"' => 5,
        b'g' | b'f' | b'h' | b'b' | b'v' | b'4'..=b'9' | b'=' | b'_' => 4,
        b'k' | b'w' | b'y' | b',' | b'[' | b']' | b'(' | b')' => 3,
        b'x' | b'q' | b'z' | b'j' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(scan: &Scan, text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        scan.each(text.as_bytes(), |it| found.push(it));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What a plain search says.
    fn plain(literals: &[String], text: &str) -> Vec<usize> {
        let lower = text.to_ascii_lowercase();
        (0..literals.len()).filter(|it| lower.contains(&literals[*it].to_ascii_lowercase())).collect()
    }

    #[test]
    fn agrees_with_a_plain_search_at_every_place_and_length() {
        let mut dice = 0x5eedu64;
        let mut roll = |sides: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        };
        for shortest in 1..=9u64 {
            for round in 0..60 {
                // few letters, so that much of it fits
                let alphabet = b"abAB-.Z\n@`";
                let mut word = |len: u64| -> String {
                    (0..len).map(|_| char::from(alphabet[roll(if round % 2 == 0 { 3 } else { 10 }) as usize])).collect()
                };
                let literals: Vec<String> = (0..8).map(|it| word(shortest + it % 4)).collect();
                let texts: Vec<String> = (0..40).map(word).collect();
                let scan = Scan::new(literals.iter().map(String::as_str));
                for text in texts {
                    let expected = plain(&literals, &text);
                    assert_eq!(found(&scan, &text), expected, "{literals:?} in {text:?}");
                    assert_eq!(scan.is_match(text.as_bytes()), !expected.is_empty());
                }
            }
        }
    }

    #[test]
    fn nothing_is_found_by_no_literals_and_in_no_text() {
        assert!(!Scan::new([]).is_match(b"anything at all"));
        assert!(!Scan::new(["errno=11"]).is_match(b""));
        assert!(Scan::new(["errno=11"]).is_match(b"ERRNO=11"));
    }
}
