//! Metric values over time.

use std::ops::Range;
use std::sync::Arc;

use crate::{MemberId, Name, Point, Points, Quote, Span};

/// A metric with one set of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric's name; empty where a query has aggregated it away.
    pub metric: Name,
    /// Labels without the name, sorted.
    pub labels: Vec<(Name, Name)>,
    /// Values in time order, one a timestamp.
    pub points: Points,
    /// When the source said that the series had ended (staleness markers), milliseconds.
    pub stale: Vec<i64>,
    /// The node by its labels; filled in when the timeline is built.
    pub node: Option<Name>,
    /// The file.
    pub member: MemberId,
    /// Byte offset in the file of the series' text.
    pub start: u64,
    /// Line of the first byte.
    pub line: u32,
    /// How its points stand there.
    pub text: Printed,
}

/// How the points of a series stand in its file, to be quoted.
#[derive(Debug, Clone, PartialEq)]
pub struct Printed(How);

#[derive(Debug, Clone, PartialEq)]
enum How {
    /// Every point is quoted by the same text.
    Whole(Arc<str>),
    /// The bytes of the series, or of a table that holds several, and where in them each point stands.
    Kept { text: Arc<str>, places: Box<[(u32, u32)]> },
    /// One point behind the other at a place of the series' text, each as numbers are usually printed: what they say is what stands there.
    Usual { style: Style, place: Range<u32>, lines: u32 },
}

/// How points are printed that need not be kept as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    /// `[1690120800,"41870"],[1690120815,"48990"]`: whole seconds.
    Pairs,
    /// `{__name__="up", job="node"} 1 1690120800000`, each in a line of its own, with the same words in front: milliseconds.
    Lines(Box<str>),
}

impl Style {
    /// A point as it is printed.
    fn point(&self, point: Point) -> String {
        match self {
            Style::Pairs => format!("[{},\"{}\"]", point.millis / 1000, point.value),
            Style::Lines(words) => format!("{words} {} {}", point.value, point.millis),
        }
    }

    /// The length of [`Style::point`]; whole numbers are counted, not printed.
    fn length(&self, point: Point) -> usize {
        if point.value.fract() != 0.0 || point.value.abs() >= 1e15 || point.millis < 1000 {
            return self.point(point).len();
        }
        let digits = |it: u64| it.checked_ilog10().unwrap_or(0) as usize + 1;
        let value = digits(point.value.abs() as u64) + usize::from(point.value.is_sign_negative());
        let millis = point.millis.unsigned_abs();
        match self {
            Style::Pairs => digits(millis / 1000) + value + 5,
            Style::Lines(words) => words.len() + digits(millis) + value + 2,
        }
    }
}

impl Printed {
    /// Every point is quoted by this text.
    #[must_use]
    pub fn whole(text: &str) -> Printed {
        Printed(How::Whole(text.into()))
    }

    /// The text of the series, or of a table it stands in, and for each point where in it it begins and its length.
    #[must_use]
    pub fn kept(text: Arc<str>, places: Vec<(u32, u32)>) -> Printed {
        Printed(How::Kept { text, places: places.into() })
    }

    /// Points that are printed as numbers usually are ([`is_usual`]), one behind the other; `place` is where in the series'
    /// text they stand, and `lines` how many lines end before them.
    #[must_use]
    pub fn usual(style: Style, place: Range<u32>, lines: u32) -> Printed {
        Printed(How::Usual { style, place, lines })
    }
}

/// Whether a number is printed as one usually is: a value read from it prints the same.
///
/// Up to fifteen digits, without an exponent, a plus, a needless zero or a negative zero. Of so few digits the shortest number
/// that reads as the value is the one that was read.
#[must_use]
pub fn is_usual(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number).as_bytes();
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {}
            b'.' if point.is_none() => point = Some(at),
            _ => return false,
        }
    }
    let whole = point.unwrap_or(digits.len());
    let needless = whole > 1 && digits[0] == b'0' || point.is_some() && digits.ends_with(b"0");
    let count = digits.len() - usize::from(point.is_some());
    whole > 0 && count <= 15 && !needless && point.is_none_or(|it| it + 1 < digits.len()) && number != "-0"
}

impl Series {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&Name> {
        self.labels.binary_search_by(|(key, _)| key.as_ref().cmp(name)).ok().map(|at| &self.labels[at].1)
    }

    /// The point of an instant as it stands in the file, together with the labels' text where both stand in one line.
    #[must_use]
    pub fn quote(&self, millis: i64) -> Quote {
        let at = self.points.before(millis).min(self.points.len().saturating_sub(1));
        let (text, start, lines): (Box<str>, usize, u32) = match &self.text.0 {
            How::Whole(text) => (Box::from(&**text), 0, 0),
            How::Kept { text, places } => {
                let (start, len) = places.get(at).map_or((0, 0), |it| (it.0 as usize, it.1 as usize));
                let before = text.get(..start).map_or(0, |it| it.bytes().filter(|it| *it == b'\n').count());
                (text.get(start..start + len).unwrap_or_default().into(), start, before as u32)
            }
            How::Usual { style, place, lines } => {
                // a comma or the end of a line parts them
                let before: usize = self.points.within(0..at).map(|it| style.length(it) + 1).sum();
                let above = if *style == Style::Pairs { 0 } else { at as u32 };
                let text = self.points.get(at).map(|it| style.point(it)).unwrap_or_default();
                (text.into(), place.start as usize + before, lines + above)
            }
        };
        let (start, len) = (self.start + start as u64, text.len() as u32);
        Quote { span: Span { member: self.member, start, len, line: self.line + lines }, text }
    }

    /// The bytes of the file that its points stand in.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        let end = match &self.text.0 {
            How::Whole(text) | How::Kept { text, .. } => self.start + text.len() as u64,
            How::Usual { place, .. } => self.start + u64::from(place.end),
        };
        self.start..end
    }

    /// `container_threads{container="app", pod="order-sync"}`
    #[must_use]
    pub fn title(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        format!("{}{{{}}}", self.metric, labels.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice() -> impl FnMut(u64) -> u64 {
        let mut dice = 0x5eedu64;
        move |sides| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % sides
        }
    }

    #[test]
    fn what_is_usual_prints_as_it_was_read() {
        let mut roll = dice();
        let mut usual = 0;
        for _ in 0..50_000 {
            let text: String =
                (0..1 + roll(17)).map(|_| char::from(b"01234567890123456789.-"[roll(22) as usize])).collect();
            if is_usual(&text) {
                usual += 1;
                assert_eq!(text.parse::<f64>().map(|it| it.to_string()).as_deref(), Ok(text.as_str()));
            }
        }
        assert!(usual > 1000, "{usual}");
        for (text, expected) in [("0", true), ("0.000001", true), ("-3.5", true), ("41870", true)].into_iter().chain(
            ["", "-0", "007", "1.50", "1.", ".5", "1e3", "+1", "NaN", "0.1234567890123456", "--1", "1.2.3"]
                .map(|it| (it, false)),
        ) {
            assert_eq!(is_usual(text), expected, "{text}");
        }
    }

    #[test]
    fn points_that_are_not_kept_are_quoted_where_they_stand() {
        let mut roll = dice();
        for style in [Style::Pairs, Style::Lines("{__name__=\"up\"}".into())] {
            let (between, front) = if style == Style::Pairs { (",", "{\"values\":[") } else { ("\n", "") };
            let mut text = front.to_owned();
            let mut points = Vec::new();
            for at in 0..200i64 {
                let value = match roll(4) {
                    0 => -(roll(100) as f64),
                    1 => roll(10_000) as f64 / 100.0,
                    _ => roll(10_000_000_000) as f64,
                };
                let point = Point { millis: at * 15_000, value: if value == 0.0 { 0.0 } else { value } };
                text.push_str(if at == 0 { "" } else { between });
                text.push_str(&style.point(point));
                assert_eq!(style.length(point), style.point(point).len(), "{point:?}");
                points.push(point);
            }
            let series = Series {
                metric: "up".into(),
                labels: Vec::new(),
                points: points.into_iter().collect(),
                stale: Vec::new(),
                node: None,
                member: MemberId(0),
                start: 100,
                line: 7,
                text: Printed::usual(style, front.len() as u32..text.len() as u32, 0),
            };
            for point in series.points.iter() {
                let quote = series.quote(point.millis);
                let start = (quote.span.start - 100) as usize;
                assert_eq!(text.get(start..start + quote.span.len as usize), Some(&*quote.text));
                let above = text[..start].bytes().filter(|it| *it == b'\n').count() as u32;
                assert_eq!(quote.span.line, 7 + above);
            }
            assert_eq!(series.range(), 100..100 + text.len() as u64);
        }
    }
}
