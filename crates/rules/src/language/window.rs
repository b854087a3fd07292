//! When a clause looks, and how often something must be there.
//!
//! ```text
//! within: 10m before $t      also after, around; `collection` for the time the bundle was taken
//! within: before $t          as far back as the source goes; also after
//! within: 90s to 240s after $t
//! within: between $a and $b
//! within: same boot as $t
//! count: '>= 5'              records in all;   '>= 3 in 20m' within some twenty minutes
//! distinct: 'pod >= 3'       different pods;   'node >= 2 in 5s'
//! lasts: '>= 2m'             from the first to the last of them
//! ```

use super::quantity::{quantity, seconds};

/// A window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Within {
    pub(crate) anchor: Anchor,
    /// From so many seconds after the anchor (negative: before); none is without bound.
    pub(crate) from_secs: Option<i64>,
    /// To so many seconds after it.
    pub(crate) to_secs: Option<i64>,
}

/// What a window hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// A time variable.
    Time(String),
    /// From one to the other.
    Between(String, String),
    /// The boot in which a time lies.
    Boot(String),
    /// The moment the bundle was taken.
    Collection,
}

impl Within {
    /// How it is written, for messages.
    pub(crate) const HELP: &'static str = "`within` reads like: 10m before $t, 1h after $t, 5m around $t, before $t, \
        90s to 240s after $t, between $a and $b, same boot as $t, 1d before collection";

    /// Reads it.
    pub(crate) fn parse(text: &str) -> Option<Within> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let variable = |word: &str| word.strip_prefix('$').filter(|it| !it.is_empty()).map(str::to_owned);
        let anchor = |word: &str| match word {
            "collection" => Some(Anchor::Collection),
            other => variable(other).map(Anchor::Time),
        };
        let length = |word: &str| seconds(word).map(|it| it.round() as i64);
        let (anchor, from_secs, to_secs) = match words[..] {
            ["between", from, "and", to] => (Anchor::Between(variable(from)?, variable(to)?), Some(0), Some(0)),
            ["same", "boot", "as", at] => (Anchor::Boot(variable(at)?), None, None),
            ["before", at] => (anchor(at)?, None, Some(0)),
            ["after", at] => (anchor(at)?, Some(0), None),
            [far, "before", at] => (anchor(at)?, Some(-length(far)?), Some(0)),
            [far, "after", at] => (anchor(at)?, Some(0), Some(length(far)?)),
            [far, "around", at] => (anchor(at)?, Some(-length(far)?), Some(length(far)?)),
            [near, "to", far, "after", at] => (anchor(at)?, Some(length(near)?), Some(length(far)?)),
            [near, "to", far, "before", at] => (anchor(at)?, Some(-length(far)?), Some(-length(near)?)),
            _ => return None,
        };
        if from_secs.zip(to_secs).is_some_and(|(from, to)| from > to) {
            return None;
        }
        Some(Within { anchor, from_secs, to_secs })
    }

    /// The time variables it hangs on.
    pub(crate) fn variables(&self) -> Vec<&str> {
        match &self.anchor {
            Anchor::Time(name) | Anchor::Boot(name) => vec![name],
            Anchor::Between(from, to) => vec![from, to],
            Anchor::Collection => Vec::new(),
        }
    }
}

/// How many of something there must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tally {
    pub(crate) what: Counted,
    /// At least this many; with `below`, fewer than this.
    pub(crate) limit: f64,
    pub(crate) below: bool,
    /// Within some stretch of so many seconds.
    pub(crate) span_secs: Option<i64>,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Records.
    Records,
    /// Different values of a column.
    Distinct(String),
    /// Seconds from the first to the last.
    Seconds,
}

/// `3`, `3.5`
fn short(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.1}") }
}

/// A length of time in words: `45 s`, `20 min`, `2 h`.
pub(crate) fn length(secs: f64) -> String {
    match secs {
        it if it >= 3600.0 && it % 1800.0 == 0.0 => format!("{} h", short(it / 3600.0)),
        it if it >= 120.0 && it % 30.0 == 0.0 => format!("{} min", short(it / 60.0)),
        it => format!("{} s", short(it)),
    }
}

impl Tally {
    /// What is asked, in words that follow a statement: `at least 3 times within 20 min`.
    pub(crate) fn asks(&self) -> String {
        self.told(if self.below { "fewer than" } else { "at least" }, self.limit)
    }

    /// How many there are, in words: `only once`, `as many as 5 times within 20 min`.
    pub(crate) fn tells(&self, most: f64) -> String {
        self.told(if self.below { "as many as" } else { "only" }, most)
    }

    fn told(&self, how: &str, number: f64) -> String {
        let span = self.span_secs.map_or_else(String::new, |it| format!(" within {}", length(it as f64)));
        match &self.what {
            Counted::Records if number == 1.0 => format!("{how} once{span}"),
            Counted::Records => format!("{how} {} times{span}", short(number)),
            Counted::Distinct(column) if number == 1.0 => format!("{how} one {column}{span}"),
            Counted::Distinct(column) => format!("{how} {} different values of {column}{span}", short(number)),
            Counted::Seconds => {
                let how = match how {
                    "fewer than" => "less than",
                    "as many as" => "as long as",
                    how => how,
                };
                format!("for {how} {}", length(number))
            }
        }
    }

    /// The keys of a clause that are tallies.
    pub(crate) const KEYS: [&'static str; 3] = ["count", "distinct", "lasts"];

    /// Reads one.
    pub(crate) fn parse(key: &str, text: &str) -> Result<Tally, String> {
        let help = || match key {
            "count" => "`count` reads like: '>= 5', '< 3', '>= 3 in 20m'".to_owned(),
            "distinct" => "`distinct` reads like: 'pod >= 3', 'node >= 2 in 5s'".to_owned(),
            _ => "`lasts` reads like: '>= 2m', '< 30s'".to_owned(),
        };
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let (what, rest) = match (key, &words[..]) {
            ("count", rest) => (Counted::Records, rest),
            ("distinct", [column, rest @ ..]) => (Counted::Distinct((*column).to_owned()), rest),
            ("lasts", rest) => (Counted::Seconds, rest),
            _ => return Err(help()),
        };
        let (op, number, span_secs) = match *rest {
            [op, number] => (op, number, None),
            [op, number, "in", span] if what != Counted::Seconds => {
                (op, number, Some(seconds(span).ok_or_else(help)?.round() as i64))
            }
            _ => return Err(help()),
        };
        let number = quantity(number).ok_or_else(help)?;
        // of whole things, more than five is at least six
        let step = if what == Counted::Seconds { 1e-3 } else { 1.0 };
        let (limit, below) = match op {
            ">=" => (number, false),
            ">" => (number + step, false),
            "<" => (number, true),
            "<=" => (number + step, true),
            _ => return Err(help()),
        };
        Ok(Tally { what, limit, below, span_secs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_every_kind() {
        let read = |text: &str| Within::parse(text).map(|it| (it.anchor, it.from_secs, it.to_secs));
        let t = || Anchor::Time("t".to_owned());
        assert_eq!(read("10m before $t"), Some((t(), Some(-600), Some(0))));
        assert_eq!(read("5m around $t"), Some((t(), Some(-300), Some(300))));
        assert_eq!(read("before $t"), Some((t(), None, Some(0))));
        assert_eq!(read("90s to 240s after $t"), Some((t(), Some(90), Some(240))));
        assert_eq!(read("1h to 2h before $t"), Some((t(), Some(-7200), Some(-3600))));
        assert_eq!(read("1d before collection"), Some((Anchor::Collection, Some(-86_400), Some(0))));
        assert_eq!(read("same boot as $t"), Some((Anchor::Boot("t".to_owned()), None, None)));
        let between = Anchor::Between("a".to_owned(), "b".to_owned());
        assert_eq!(read("between $a and $b"), Some((between, Some(0), Some(0))));
        for wrong in
            ["", "10m", "10m before t", "soon after $t", "240s to 90s after $t", "before $", "10m before $t $u"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tallies_in_words() {
        let of = |key: &str, text: &str, most: f64| {
            let tally = Tally::parse(key, text).expect("a tally");
            format!("{}, {}", tally.asks(), tally.tells(most))
        };
        assert_eq!(of("count", ">= 3 in 20m", 1.0), "at least 3 times within 20 min, only once within 20 min");
        assert_eq!(of("count", "< 3", 5.0), "fewer than 3 times, as many as 5 times");
        assert_eq!(of("distinct", "pod >= 2", 1.0), "at least 2 different values of pod, only one pod");
        assert_eq!(of("lasts", ">= 5m", 12.0), "for at least 5 min, for only 12 s");
        assert_eq!(of("lasts", "< 90s", 7200.0), "for less than 90 s, for as long as 2 h");
    }

    #[test]
    fn tallies_of_every_kind() {
        let read =
            |key: &str, text: &str| Tally::parse(key, text).map(|it| (it.what, it.limit, it.below, it.span_secs));
        assert_eq!(read("count", ">= 5"), Ok((Counted::Records, 5.0, false, None)));
        assert_eq!(read("count", "> 5"), Ok((Counted::Records, 6.0, false, None)));
        assert_eq!(read("count", ">= 3 in 20m"), Ok((Counted::Records, 3.0, false, Some(1200))));
        let pods = Counted::Distinct("pod".to_owned());
        assert_eq!(read("distinct", "pod < 2"), Ok((pods, 2.0, true, None)));
        assert_eq!(read("lasts", ">= 2m"), Ok((Counted::Seconds, 120.0, false, None)));
        for (key, wrong) in [("count", "5"), ("count", ">= many"), ("distinct", ">= 3"), ("lasts", ">= 2m in 3m")] {
            assert!(read(key, wrong).is_err(), "{key}: {wrong}");
        }
    }
}
