//! Ages as kubectl prints them, and the instants they mean once the moment of printing is known.
//!
//! ```text
//! 45s   4m27s   26m   5h12m   3d4h   4m27s (x11 over 26m)
//! ```

use chrono::{DateTime, TimeDelta, Utc};
use timeline::{Interval, Stamp};

/// How long ago something was: at least `least` seconds, less than `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    least: i64,
    most: i64,
}

/// When the ages were printed.
pub(crate) type Base = Interval;

impl Age {
    /// `4m27s`, `26m`, `3d4h`: rounded down to the last unit printed. Newer versions leave out a unit of zero and are
    /// more exact than that; older ones are not.
    pub(crate) fn read(text: &str) -> Option<Age> {
        let mut rest = text.trim();
        let (mut least, mut finest, mut parts) = (0i64, 0i64, 0);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: i64 = rest[..digits].parse().ok()?;
            finest = match rest.as_bytes().get(digits)? {
                b's' => 1,
                b'm' => 60,
                b'h' => 3_600,
                b'd' => 86_400,
                b'y' => 365 * 86_400,
                _ => return None,
            };
            least = least.checked_add(number.checked_mul(finest)?)?;
            rest = &rest[digits + 1..];
            parts += 1;
        }
        (parts > 0 && parts <= 5 && least < 100 * 365 * 86_400).then_some(Age { least, most: least + finest })
    }

    /// The instant that is this old at a moment.
    pub(crate) fn before(&self, base: &Base) -> Stamp {
        let lo = base.lo.checked_sub_signed(TimeDelta::seconds(self.most));
        let hi = base.hi.checked_sub_signed(TimeDelta::seconds(self.least));
        match (lo, hi) {
            (Some(lo), Some(hi)) => Stamp::Between { lo, hi },
            _ => Stamp::None,
        }
    }

    /// The moment of printing, from an instant that was this old then.
    pub(crate) fn after(&self, at: DateTime<Utc>) -> Base {
        Interval { lo: at + TimeDelta::seconds(self.least), hi: at + TimeDelta::seconds(self.most) }
    }
}

/// `4m27s (x11 over 26m)`: how old the last occurrence is, how often there was one, how old the first is.
pub(crate) fn seen_for(text: &str) -> Option<(Age, u32, Option<Age>)> {
    let Some((last, rest)) = text.trim().split_once(" (x") else {
        return Some((Age::read(text)?, 1, None));
    };
    let (count, first) = rest.strip_suffix(')')?.split_once(" over ")?;
    Some((Age::read(last)?, count.trim().parse().ok()?, Some(Age::read(first)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_as_wide_as_their_last_unit() {
        let age = |text| Age::read(text).map(|it| (it.least, it.most));
        assert_eq!(age("45s"), Some((45, 46)));
        assert_eq!(age("4m27s"), Some((267, 268)));
        assert_eq!(age("26m"), Some((1_560, 1_620)));
        assert_eq!(age("3d4h"), Some((273_600, 277_200)));
        for odd in ["", "<unknown>", "<invalid>", "m", "5", "99999999999999999999s", "9999y", "1s2s3s4s5s6s", "é"] {
            assert_eq!(age(odd), None, "{odd}");
        }
    }

    #[test]
    fn counted_ages() {
        let found = seen_for("4m27s (x11 over 26m)").expect("an age");
        assert_eq!((found.0.least, found.1, found.2.map(|it| it.least)), (267, 11, Some(1_560)));
        assert_eq!(seen_for("4m (x over 5m)"), None);
    }
}
