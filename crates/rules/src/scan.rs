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
//! Literals of different lengths have tables of their own: one short word would shorten the step and the fragments of all.

/// How long the window and the fragments of a table are, for literals at least as long: long ones are looked for every
/// ninth byte, the usual ones every fourth, the few short words every other, and what is shorter at every place.
const SHAPES: [(usize, usize); 4] = [(16, 8), (7, 4), (4, 3), (1, 1)];
/// The fragment of a table whose window is as long as the shortest of its literals: it is looked for every fourth or third byte
/// where none of the short words is as short as it may be.
const SHORT: usize = 3;
/// Words of bits of a table, powers of two: of each word one bit is set at most, on the average.
const FEW: usize = 1 << 13;
const MANY: usize = 1 << 15;
const MOST: usize = 1 << 17;
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
        let mut left: Vec<(usize, Box<[u8]>)> = all.collect();
        let mut tables = Vec::new();
        for (window, fragment) in SHAPES {
            let (fit, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, it)| it.len() >= window);
            let shortest = fit.iter().map(|it| it.1.len()).min();
            if let Some(shortest) = shortest {
                let window = if fragment == SHORT { shortest } else { window };
                tables.push(Table::new(fit, window, fragment));
            }
            left = rest;
        }
        Scan { tables }
    }

    /// Whether any of the literals stands in the text.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.any(text, |_| true)
    }

    /// Whether one of the literals that stand in the text is what is looked for; some are shown more than once.
    pub(crate) fn any(&self, text: &[u8], mut is_it: impl FnMut(usize) -> bool) -> bool {
        self.tables.iter().any(|it| it.search(text, &mut |literal, _| is_it(literal)))
    }

    /// Shows every literal that stands in the text, some of them more than once.
    pub(crate) fn each(&self, text: &[u8], mut show: impl FnMut(usize)) {
        self.any(text, |literal| {
            show(literal);
            false
        });
    }

    /// Adds where literals begin in the text, in order.
    pub(crate) fn places(&self, text: &[u8], found: &mut Vec<usize>) {
        let known = found.len();
        for table in &self.tables {
            table.search(text, &mut |_, start| {
                found.push(start);
                false
            });
        }
        found[known..].sort_unstable();
    }
}

/// Literals that are looked for with the same step.
#[derive(Debug)]
struct Table {
    /// Each with its number among all of them.
    literals: Vec<(usize, Box<[u8]>)>,
    fragment: usize,
    step: usize,
    /// Hashes of fragments there are: `FEW`, `MANY` or `MOST` words of bits.
    bits: Vec<u64>,
    /// Where the fragments of a hash begin, by the word of bits its hash is noted in.
    firsts: Vec<u32>,
    /// In the order of their hashes.
    fragments: Vec<Fragment>,
}

/// A part of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fragment {
    hash: u32,
    literal: u32,
    /// Where in the literal it stands.
    place: u32,
    /// Its bytes as the text is looked at.
    bytes: u64,
    /// The end of the literal, or its beginning where the fragment is the end: how far from the fragment it stands, and
    /// its bytes. Most places that hold the fragment do not hold this.
    other: (i32, u64),
}

impl Table {
    /// All literals are at least as long as the window.
    fn new(literals: Vec<(usize, Box<[u8]>)>, window: usize, fragment: usize) -> Table {
        let step = window - fragment + 1;
        let words = literals.len() * step;
        let words = [FEW, MANY, MOST].into_iter().find(|it| words <= *it).unwrap_or(MOST);
        let mut table =
            Table { literals, fragment, step, bits: vec![0; words], firsts: Vec::new(), fragments: Vec::new() };
        let mut usual: Vec<u64> = USUAL.as_bytes().windows(fragment).map(folded).collect();
        usual.sort_unstable();
        for (at, (_, literal)) in table.literals.iter().enumerate() {
            let Some(start) = rarest(literal, window, fragment, &usual) else { continue };
            for place in start..start + step {
                let bytes = folded(&literal[place..place + fragment]);
                let hash = hash(bytes, words);
                table.bits[(hash >> 6) as usize] |= 1 << (hash & 63);
                // the half of the literal that lies farther away
                let last = literal.len() - fragment;
                let far = if last - place > place { last } else { 0 };
                let other = (far as i32 - place as i32, folded(&literal[far..far + fragment]));
                table.fragments.push(Fragment { hash, literal: at as u32, place: place as u32, bytes, other });
            }
        }
        table.fragments.sort_unstable();
        let before = |word: usize| table.fragments.partition_point(|it| (it.hash >> 6) as usize <= word) as u32;
        table.firsts = std::iter::once(0).chain((0..table.bits.len()).map(before)).collect();
        table
    }

    /// Whether one of the literals that stand in the text is taken.
    fn search(&self, text: &[u8], take: &mut dyn FnMut(usize, usize) -> bool) -> bool {
        // shapes and sizes that the compiler knows: a place costs eight instructions
        match (self.fragment, self.step) {
            (8, _) => self.search_in::<9, 8, 72>(text, take),
            (4, _) => self.search_in::<4, 4, 32>(text, take),
            (3, 4) => self.search_in::<4, 3, 32>(text, take),
            (3, 3) => self.search_in::<3, 3, 24>(text, take),
            (3, _) => self.search_in::<2, 3, 17>(text, take),
            _ => self.search_in::<1, 1, 8>(text, take),
        }
    }

    fn search_in<const STEP: usize, const FRAGMENT: usize, const BLOCK: usize>(
        &self,
        text: &[u8],
        take: &mut dyn FnMut(usize, usize) -> bool,
    ) -> bool {
        match self.bits.len() {
            FEW => self.search_by::<STEP, FRAGMENT, BLOCK, FEW>(text, take),
            MANY => self.search_by::<STEP, FRAGMENT, BLOCK, MANY>(text, take),
            _ => self.search_by::<STEP, FRAGMENT, BLOCK, MOST>(text, take),
        }
    }

    fn search_by<const STEP: usize, const FRAGMENT: usize, const BLOCK: usize, const WORDS: usize>(
        &self,
        text: &[u8],
        take: &mut dyn FnMut(usize, usize) -> bool,
    ) -> bool {
        let Some(bits) = self.bits.first_chunk::<WORDS>() else { return false };
        let mut at = 0;
        while let Some((next, bytes)) = next_place::<STEP, FRAGMENT, BLOCK, WORDS>(bits, text, at) {
            at = next + STEP;
            let word = (hash(bytes, WORDS) >> 6) as usize;
            let Some([first, end]) = self.firsts.get(word..).and_then(|it| it.first_chunk::<2>()) else { continue };
            for fragment in self.fragments.get(*first as usize..*end as usize).unwrap_or_default() {
                if fragment.bytes == bytes && self.compare::<FRAGMENT>(fragment, text, next, take) {
                    return true;
                }
            }
        }
        false
    }

    /// Compares a literal whose fragment stands at a place of the text.
    fn compare<const FRAGMENT: usize>(
        &self,
        fragment: &Fragment,
        text: &[u8],
        at: usize,
        take: &mut dyn FnMut(usize, usize) -> bool,
    ) -> bool {
        let (away, other) = fragment.other;
        let there = text.get(at.wrapping_add_signed(away as isize)..).and_then(|it| it.first_chunk::<FRAGMENT>());
        if there.is_none_or(|it| folded(it) != other) {
            return false;
        }
        let Some(start) = at.checked_sub(fragment.place as usize) else { return false };
        let (number, wanted) = &self.literals[fragment.literal as usize];
        let stands = text.get(start..start + wanted.len()).is_some_and(|it| it.eq_ignore_ascii_case(wanted));
        stands && take(*number, start)
    }
}

/// The next place, some steps from here, where a fragment may stand.
///
/// Nothing but a load, a product and a bit, and no call, so that all of it stays in registers.
fn next_place<const STEP: usize, const FRAGMENT: usize, const BLOCK: usize, const WORDS: usize>(
    bits: &[u64; WORDS],
    text: &[u8],
    from: usize,
) -> Option<(usize, u64)> {
    let noted = |word: &[u8; FRAGMENT]| {
        let bytes = folded(word);
        let hash = hash(bytes, WORDS);
        (bits[(hash >> 6) as usize] >> (hash & 63) & 1 != 0).then_some(bytes)
    };
    let mut rest = text.get(from..)?;
    while let Some(block) = rest.first_chunk::<BLOCK>() {
        for nth in 0..8 {
            if let Some(bytes) = block[nth * STEP..].first_chunk().and_then(noted) {
                return Some((text.len() - rest.len() + nth * STEP, bytes));
            }
        }
        rest = &rest[8 * STEP..];
    }
    while let Some(word) = rest.first_chunk() {
        if let Some(bytes) = noted(word) {
            return Some((text.len() - rest.len(), bytes));
        }
        rest = rest.get(STEP..)?;
    }
    None
}

/// What of eight bytes is a fragment of so many.
const fn mask(fragment: usize) -> u64 {
    u64::MAX >> (64 - 8 * fragment as u32)
}

/// The upper bits of a product, as many as there are bits to note them in.
#[inline(always)]
const fn hash(bytes: u64, words: usize) -> u32 {
    (bytes.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (58 - words.trailing_zeros())) as u32
}

/// One to eight bytes as the text is looked at.
#[inline(always)]
fn folded(bytes: &[u8]) -> u64 {
    let mut whole = [0; 8];
    whole[..bytes.len()].copy_from_slice(bytes);
    (u64::from_le_bytes(whole) | LOWER) & mask(bytes.len())
}

/// What logs are full of: fragments that stand here are the last to be chosen.
const USUAL: &str = "container containerd kubelet kubernetes kubepods.slice libcontainer runtime service.name namespace \
    connection connected refused timed out timeout request response error: code = failed to failure failing successful \
    successfully started starting stopped stopping running restart created creating removed updated update warning \
    message msg=\" level=info level=error level=warning time=\"20 \"level\":\"info\" \"ts\":\" \"caller\":\" \"msg\":\" rpc \
    default kube-system controller manager process system systemd[1]: kernel: kubelet[ dockerd[ containerd[ session \
    network interface device address .go: .slice .scope .service .mount HTTP GET /api/v1/ status for pod \"volume \
    worker- syncing working systemd-resolved service.timer syslogd kernel unit=\"boot pid= hostname return returned \
    removed time timed probes command comm= file profile=\" space socket source resources master instance server use used \
    user lock locked clock block apparmor=\"denied\" operation=\" audit reading renamed pull image layer event policy \
    mounted read write from with that this node name=\" id=\" path=\" err=\" duration 0000000000 2020 2021 2022 2023 2024 2025 2026 ";

/// Where in a literal the window begins whose fragments are the least usual in logs, all in all.
fn rarest(literal: &[u8], window: usize, fragment: usize, known: &[u64]) -> Option<usize> {
    let last = literal.len().checked_sub(window).filter(|_| !literal.is_empty())?;
    let known = |it: &[u8]| known.binary_search(&folded(it)).is_ok();
    let cost = |it: &[u8]| it.iter().map(|byte| usual(*byte)).sum::<u32>() + if known(it) { 100 } else { 0 };
    let usual = |start: usize| literal[start..start + window].windows(fragment).map(cost).sum::<u32>();
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
        for shortest in 1..=20u64 {
            for round in 0..40 {
                // few letters, so that much of it fits
                let alphabet = b"abAB-.Z\n@`";
                let mut word = |len: u64| -> String {
                    (0..len).map(|_| char::from(alphabet[roll(if round % 2 == 0 { 3 } else { 10 }) as usize])).collect()
                };
                let literals: Vec<String> = (0..8).map(|it| word(shortest + it % 4)).collect();
                let texts: Vec<String> = (0..60).map(word).collect();
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
