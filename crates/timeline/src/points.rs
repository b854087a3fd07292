//! Points of a series, packed: what would take sixteen bytes takes two or three.
//!
//! ```text
//! 22:00:14.123  41870        times   a line from 22:00:14.123 on, 15 s a point, no point beside it       no bits
//! 22:00:29.123  41912        values  a line from 41870 on, 40 a point, points up to 31 beside it         5 bits each
//! 22:00:44.123  41933
//! ```
//!
//! A hundred and twenty-eight points are a block. Its times and its values are two columns of whole numbers, and a column is a
//! straight line and how far each number lies above it, in as many bits as the farthest needs. So any point is read by
//! itself, and the points of a scrape that keeps its pace cost nothing for their times. Values as exporters print them are whole
//! numbers of ones, tenths, hundredths; a block with a value that is none keeps the floats as they are. Nothing is rounded:
//! a point comes out with the bits it went in with.
//!
//! Points on their way into a block are kept as they are, and so are those of a short series.

use std::ops::Range;

/// One value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the epoch.
    pub millis: i64,
    /// The value; staleness markers are not points.
    pub value: f64,
}

/// Points of a block; the last may have fewer.
const BLOCK: usize = 128;
/// Fewer points than this are smaller as they are.
const LEAST: usize = 12;

/// Points in time order, in little room.
#[derive(Debug, Clone, Default)]
pub struct Points {
    packed: Vec<Block>,
    /// Those behind the last block; none where that is not full.
    open: Vec<Point>,
    len: usize,
}

impl Points {
    /// Adds a point behind the others.
    pub fn push(&mut self, point: Point) {
        if self.open.is_empty() && !self.len.is_multiple_of(BLOCK) {
            self.open = self.within(self.len - self.len % BLOCK..self.len).collect();
            self.packed.pop();
        }
        self.open.push(point);
        self.len += 1;
        if self.open.len() == BLOCK {
            self.packed.push(Block::pack(&self.open));
            self.open.clear();
        }
    }

    /// Packs the last points, too: nothing, or not much, will follow.
    pub fn shrink(&mut self) {
        if self.open.len() >= LEAST {
            self.packed.push(Block::pack(&self.open));
            self.open.clear();
        }
        self.packed.shrink_to_fit();
        self.open.shrink_to_fit();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The point at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Point> {
        if at >= self.len {
            return None;
        }
        let point = match self.packed.get(at / BLOCK) {
            Some(block) => Point { millis: block.times.get(at % BLOCK), value: block.value(at % BLOCK) },
            None => self.open[at - self.packed.len() * BLOCK],
        };
        Some(point)
    }

    /// The oldest.
    #[must_use]
    pub fn first(&self) -> Option<Point> {
        self.get(0)
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<Point> {
        self.len().checked_sub(1).and_then(|it| self.get(it))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator + Clone {
        self.within(0..self.len())
    }

    /// Those at some places.
    ///
    /// # Panics
    /// Where the places do not exist.
    pub fn within(&self, places: Range<usize>) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator + Clone {
        assert!(places.end <= self.len(), "{places:?} of {}", self.len());
        places.map(|it| self.get(it).expect("the place exists"))
    }

    /// Each with the one behind it.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (Point, Point)> + Clone {
        self.iter().zip(self.iter().skip(1))
    }

    /// How many are not after an instant.
    #[must_use]
    pub fn until(&self, millis: i64) -> usize {
        self.partition(|it| it <= millis)
    }

    /// How many are before an instant.
    #[must_use]
    pub fn before(&self, millis: i64) -> usize {
        self.partition(|it| it < millis)
    }

    /// How many come first whose times pass.
    fn partition(&self, passes: impl Fn(i64) -> bool) -> usize {
        // of the blocks that begin with one that passes all but the last pass as a whole
        let blocks = self.packed.partition_point(|it| passes(it.times.get(0)));
        let open = self.open.partition_point(|it| passes(it.millis));
        let (mut low, mut high) = match blocks.checked_sub(1) {
            Some(block) if open == 0 => (block * BLOCK, self.len.min((block + 1) * BLOCK)),
            _ => return blocks * BLOCK + open,
        };
        while low < high {
            let middle = low.midpoint(high);
            if passes(self.packed[middle / BLOCK].times.get(middle % BLOCK)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The distance of each to the one behind it, where all are the same; of a single point none.
    #[must_use]
    pub fn pace(&self) -> Option<i64> {
        let pace = self.get(1)?.millis.checked_sub(self.get(0)?.millis)?;
        let mut due = self.get(0)?.millis;
        for block in &self.packed {
            let even = block.times.offsets.is_empty() && block.times.slope == pace;
            if !even || block.times.base != due {
                return None;
            }
            due = due.checked_add(pace.checked_mul(BLOCK as i64)?)?;
        }
        for point in &self.open {
            if point.millis != due {
                return None;
            }
            due = due.checked_add(pace)?;
        }
        Some(pace)
    }
}

impl PartialEq for Points {
    fn eq(&self, other: &Points) -> bool {
        self.iter().eq(other.iter())
    }
}

impl FromIterator<Point> for Points {
    fn from_iter<I: IntoIterator<Item = Point>>(points: I) -> Points {
        let mut found = Points::default();
        points.into_iter().for_each(|it| found.push(it));
        found.shrink();
        found
    }
}

/// Up to [`BLOCK`] points.
#[derive(Debug, Clone)]
struct Block {
    times: Column,
    values: Column,
    scale: Scale,
}

/// What the whole numbers of a column of values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// Ones, tenths, hundredths: so many digits behind the point.
    Digits(u8),
    /// The floats' own bits.
    Bits,
}

/// Beyond these not every whole number is a float.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;
/// Powers of ten that floats hold exactly, as far as values have digits behind the point.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

impl Block {
    fn pack(points: &[Point]) -> Block {
        let times: Vec<i64> = points.iter().map(|it| it.millis).collect();
        let (scale, values) = whole(points);
        Block { times: Column::pack(&times), values: Column::pack(&values), scale }
    }

    fn value(&self, at: usize) -> f64 {
        let number = self.values.get(at);
        match self.scale {
            Scale::Digits(0) => number as f64,
            Scale::Digits(digits) => number as f64 / POWERS[usize::from(digits)],
            Scale::Bits => f64::from_bits(number as u64),
        }
    }
}

/// Values as whole numbers, of the least scale that gives every one of them back.
fn whole(points: &[Point]) -> (Scale, Vec<i64>) {
    let mut found = Vec::with_capacity(points.len());
    let mut digits = 0;
    while let Some(point) = points.get(found.len()) {
        let number = (point.value * POWERS[digits]).round();
        // a negative zero, an infinity and what is no number do not come back
        let back = number as i64 as f64 / POWERS[digits];
        if number.abs() < MOST_WHOLE && back.to_bits() == point.value.to_bits() {
            found.push(number as i64);
            continue;
        }
        // with more digits the ones before it come back as well, or it fails again
        found.clear();
        digits += 1;
        if digits == POWERS.len() || !point.value.is_finite() {
            return (Scale::Bits, points.iter().map(|it| it.value.to_bits() as i64).collect());
        }
    }
    (Scale::Digits(digits as u8), found)
}

/// Whole numbers as a line and what lies above it. All sums wrap around, so that nothing is too far apart.
#[derive(Debug, Clone)]
struct Column {
    base: i64,
    slope: i64,
    bits: u8,
    /// How far each lies above the line, one behind the other, lowest bits first; none where all lie on it.
    offsets: Box<[u8]>,
}

impl Column {
    fn pack(numbers: &[i64]) -> Column {
        let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
        let steps = (numbers.len() - 1).max(1) as i64;
        let slope = last.checked_sub(first).map_or(0, |it| it / steps);
        let line = |at: usize| first.wrapping_add(slope.wrapping_mul(at as i64));
        let above = |(at, it): (usize, &i64)| it.wrapping_sub(line(at));
        let least = numbers.iter().enumerate().map(above).min().unwrap_or(0);
        let offset = |it: (usize, &i64)| above(it).wrapping_sub(least) as u64;
        let most = numbers.iter().enumerate().map(offset).max().unwrap_or(0);
        let bits = match 64 - most.leading_zeros() {
            // what is read at once is eight bytes from the byte in which it begins
            58.. => 64,
            bits => bits as usize,
        };
        let mut offsets = vec![0u8; if bits == 0 { 0 } else { (numbers.len() * bits).div_ceil(8) + 8 }];
        if bits > 0 {
            for (at, number) in numbers.iter().enumerate() {
                let (byte, bit) = (at * bits / 8, at * bits % 8);
                let place = &mut offsets[byte..byte + 8];
                let there = u64::from_le_bytes(place.try_into().expect("eight bytes"));
                place.copy_from_slice(&(there | offset((at, number)) << bit).to_le_bytes());
            }
        }
        Column { base: first.wrapping_add(least), slope, bits: bits as u8, offsets: offsets.into() }
    }

    fn get(&self, at: usize) -> i64 {
        let line = self.base.wrapping_add(self.slope.wrapping_mul(at as i64));
        if self.offsets.is_empty() {
            return line;
        }
        let bits = usize::from(self.bits);
        let (byte, bit) = (at * bits / 8, at * bits % 8);
        let read = u64::from_le_bytes(self.offsets[byte..byte + 8].try_into().expect("eight bytes"));
        line.wrapping_add((read >> bit & u64::MAX >> (64 - bits)) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A die of as many sides as are asked for.
    fn dice(mut seed: u64) -> impl FnMut(u64) -> u64 {
        move |sides| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % sides
        }
    }

    fn bits(it: Point) -> (i64, u64) {
        (it.millis, it.value.to_bits())
    }

    /// Series as they are met and as they are not.
    fn series(roll: &mut impl FnMut(u64) -> u64) -> Vec<Point> {
        const ODD: [f64; 12] = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.0,
            f64::MIN_POSITIVE,
            5e-324,
            f64::MAX,
            f64::MIN,
            1e300,
            0.1 + 0.2,
            9_007_199_254_740_993.0,
        ];
        let size = roll(11);
        let (length, times, values, odd) = (roll(1 << size), roll(4), roll(7), roll(3));
        let mut millis = if roll(8) == 0 { i64::MIN } else { roll(1 << 41) as i64 };
        let mut level = roll(1 << 33) as i64 - (1 << 32);
        let mut point = |_: u64| {
            millis = millis.wrapping_add(match times {
                0 => 15_000,
                1 => 14_990 + roll(20) as i64,
                2 => roll(3) as i64 * 1_000_000,
                _ => (roll(u64::MAX) >> roll(64)) as i64,
            });
            level = level.wrapping_add(roll(90_000) as i64 - 45_000);
            let value = match values {
                0 => level as f64,
                1 => level as f64 / 100.0,
                2 => 49_152.0,
                3 => level as f64 / 7.0,
                4 => (level + (1 << 40)) as f64 * 1e6,
                5 => level as f64 / 1e9,
                _ => f64::from_bits(roll(u64::MAX)),
            };
            let value = match odd {
                0 if roll(50) == 0 => ODD[roll(12) as usize],
                // what is no number has many faces
                0 if roll(50) == 0 => f64::from_bits(0x7ff0_0000_0000_0000 | roll(1 << 52)),
                _ => value,
            };
            Point { millis, value }
        };
        let mut points: Vec<Point> = (0..length).map(&mut point).collect();
        points.sort_by_key(|it| it.millis);
        points
    }

    #[test]
    fn every_series_comes_out_bit_for_bit() {
        let mut roll = dice(0x5eed);
        for _ in 0..400 {
            let wanted = series(&mut roll);
            let points: Points = wanted.iter().copied().collect();
            assert_eq!((points.len(), points.is_empty()), (wanted.len(), wanted.is_empty()));
            assert!(points.iter().map(bits).eq(wanted.iter().copied().map(bits)));
            assert!(points.iter().rev().map(bits).eq(wanted.iter().rev().copied().map(bits)));
            let pairs = wanted.windows(2).map(|it| (bits(it[0]), bits(it[1])));
            assert!(points.pairs().map(|(a, b)| (bits(a), bits(b))).eq(pairs));
            assert_eq!(points.first().map(bits), wanted.first().copied().map(bits));
            assert_eq!(points.last().map(bits), wanted.last().copied().map(bits));
            assert_eq!(points.get(wanted.len()).map(bits), None);
            let (mut grown, more) = (points.clone(), Point { millis: i64::MAX, value: 1.5 });
            grown.push(more);
            assert!(grown.iter().map(bits).eq(wanted.iter().chain([&more]).copied().map(bits)));
            let from = roll(wanted.len() as u64 + 1) as usize;
            assert!(points.within(from..wanted.len()).map(bits).eq(wanted[from..].iter().copied().map(bits)));
        }
    }

    #[test]
    fn points_are_found_by_their_time() {
        let mut roll = dice(0xc0ffee);
        for _ in 0..200 {
            let wanted = series(&mut roll);
            let points: Points = wanted.iter().copied().collect();
            let asked =
                wanted.iter().flat_map(|it| [it.millis.saturating_sub(1), it.millis, it.millis.saturating_add(1)]);
            for millis in asked.step_by(1 + wanted.len() / 50).chain([i64::MIN, 0, i64::MAX]) {
                assert_eq!(points.until(millis), wanted.partition_point(|it| it.millis <= millis));
                assert_eq!(points.before(millis), wanted.partition_point(|it| it.millis < millis));
            }
            let steps: Vec<i64> = wanted.windows(2).map(|it| it[1].millis.wrapping_sub(it[0].millis)).collect();
            let same = steps.first().copied().filter(|first| steps.iter().all(|it| it == first));
            if points.pace() != same {
                // only what is too far apart to be counted may be called uneven
                assert!(
                    points.pace().is_none() && same.is_some_and(|it| !(0..=i64::MAX / 1000).contains(&it)),
                    "{same:?}"
                );
            }
        }
    }

    #[test]
    fn points_as_exporters_print_them_take_little_room() {
        let size = |points: &Points| {
            let column = |it: &Column| it.offsets.len() + size_of::<Column>();
            let blocks: usize = points.packed.iter().map(|it| column(&it.times) + column(&it.values) + 8).sum();
            (blocks + points.open.len() * size_of::<Point>()) as f64 / points.len() as f64
        };
        let mut roll = dice(0xdecade);
        let mut level = 2_303_753_787i64;
        let mut walk = |at: i64| {
            level += roll(90_000) as i64 - 45_000;
            Point { millis: at * 60_000, value: level as f64 }
        };
        let gauge: Points = (0..1280).map(&mut walk).collect();
        assert!(size(&gauge) < 4.0, "{}", size(&gauge));
        assert_eq!(gauge.pace(), Some(60_000));
        let constant: Points = (0..1280).map(|at| Point { millis: at * 15_000 + 123, value: 49_152.0 }).collect();
        assert!(size(&constant) < 0.8, "{}", size(&constant));
        let load: Points = (0..1280).map(|at| Point { millis: at * 15_000, value: (at % 97) as f64 / 100.0 }).collect();
        assert!(size(&load) < 2.0, "{}", size(&load));
    }
}
