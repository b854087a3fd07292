//! A share of a count, with the interval that its size allows.

use serde::Serialize;

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many are so.
    pub part: usize,
    /// Of how many.
    pub whole: usize,
}

impl Share {
    /// How many of some are so.
    pub(crate) fn of<T>(items: impl IntoIterator<Item = T>, is_so: impl Fn(&T) -> bool) -> Share {
        items.into_iter().fold(Share::default(), |share, it| Share {
            part: share.part + usize::from(is_so(&it)),
            whole: share.whole + 1,
        })
    }

    /// Between 0 and 1; 0 of nothing.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.whole == 0 { 0.0 } else { self.part as f64 / self.whole as f64 }
    }

    /// The 95 % interval after Wilson (1927), which holds for small counts and for shares near 0 and 1.
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        const Z: f64 = 1.959_963_984_540_054;
        if self.whole == 0 {
            return (0.0, 1.0);
        }
        let (n, p) = (self.whole as f64, self.value());
        let middle = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        (((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0))
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.whole == 0 {
            return f.write_str("none to count");
        }
        let (low, high) = self.interval();
        let percent = |it: f64| (it * 100.0).round();
        write!(
            f,
            "{} of {} = {} % (95 %: {} to {})",
            self.part,
            self.whole,
            percent(self.value()),
            percent(low),
            percent(high)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn intervals_are_those_of_the_textbook() {
        let close = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 5e-4 && (a.1 - b.1).abs() < 5e-4;
        // Newcombe 1998, table I, method 3
        assert!(close(Share { part: 81, whole: 263 }.interval(), (0.2553, 0.3662)));
        assert!(close(Share { part: 15, whole: 148 }.interval(), (0.0624, 0.1605)));
        assert!(close(Share { part: 0, whole: 20 }.interval(), (0.0, 0.1611)));
        assert!(close(Share { part: 29, whole: 29 }.interval(), (0.8830, 1.0)));
        assert_eq!(Share::default().interval(), (0.0, 1.0));
    }
}
