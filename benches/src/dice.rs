//! Numbers that are the same everywhere for the same seed.

/// A small generator of numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From a seed; seeds next to each other give numbers that have nothing to do with each other.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            dice.roll(2);
        }
        dice
    }

    /// From 0 to below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % sides.max(1)
    }

    /// From 0 to below `sides`, small ones far more often: as few pods write most of a log.
    pub fn skewed(&mut self, sides: u64) -> u64 {
        let sides = sides.max(1);
        (0..3).fold(self.roll(sides), |it, _| it * self.roll(sides) / sides)
    }

    /// One of a list, the first ones more often.
    pub fn pick<'l, T>(&mut self, of: &'l [T]) -> &'l T {
        &of[self.skewed(of.len() as u64) as usize]
    }
}
