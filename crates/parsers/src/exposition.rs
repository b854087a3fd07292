//! Samples in text, one a line, as the exposition formats and promtool's dumps write them.
//!
//! ```text
//! {__name__="up", instance="127.0.0.1:9100", job="node"} 1 1795219037764
//! my_counter{baz="abc",foo="bar"} 2 60.000
//! container_threads{pod="web-0"} 41870 1690120800000
//! ```
//!
//! Timestamps are milliseconds or, in OpenMetrics, seconds with a point; a number too large for seconds is
//! milliseconds. Values are Go's, `NaN` and `+Inf` among them. Exemplars after ` # ` are skipped.

use std::collections::HashSet;
use std::sync::Arc;

use timeline::{MemberId, MemberRecords, Name, Point, Points, Printed, Record, Series, Style, is_usual};

use crate::native_histogram::{self, Gathered};
use crate::{Line, Origin};

/// Metric name and labels, the labels sorted.
pub(crate) type Labelled = (Name, Vec<(Name, Name)>);

/// Gives the series of a file one copy of each word: the names of labels stand in all of them, and most values in many.
pub(crate) fn share_words(records: &mut [Record]) {
    let mut known: HashSet<Name> = HashSet::new();
    let mut share = |name: &mut Name| match known.get(&**name) {
        Some(it) => *name = it.clone(),
        None => {
            known.insert(name.clone());
        }
    };
    for record in records {
        if let Record::Series(series) = record {
            share(&mut series.metric);
            series.labels.iter_mut().for_each(|(name, value)| {
                share(name);
                share(value);
            });
        }
    }
}

/// The label part of a line and what follows it: `name{a="b"} 1 2` gives `name{a="b"}` and `1 2`.
pub(crate) fn label_part(line: &str) -> Option<(&str, &str)> {
    let open = line.find(['{', ' ', '\t'])?;
    let end = if line.as_bytes()[open] == b'{' { open + closing_brace(&line[open..])? } else { open };
    let (labels, rest) = line.split_at(end);
    Some((labels, rest.trim_start()))
}

/// The length of `{…}` with respect to quoted values.
fn closing_brace(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut quoted) = (1, false);
    loop {
        at += memchr::memchr3(b'"', b'\\', b'}', bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b'}' if !quoted => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

/// `name{a="b", c="d"}`, `{__name__="name", a="b"}`, `{"my.metric","label with space"="v"}`, `{}`
pub(crate) fn labels(text: &str) -> Option<Labelled> {
    let text = text.trim();
    let (name, inner) = match text.split_once('{') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix('}')?),
        None => (text, ""),
    };
    let legal = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b':' || it >= 0x80;
    if !name.bytes().all(legal) || name.starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let mut metric: Option<String> = (!name.is_empty()).then(|| name.to_owned());
    let mut found: Vec<(Name, Name)> = Vec::new();
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let (key, after) = if rest.starts_with('"') {
            quoted(rest)?
        } else {
            let end = rest.find(['=', ' ', ',']).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        let after = after.trim_start();
        if let Some(value) = after.strip_prefix('=') {
            let (value, after) = quoted(value.trim_start())?;
            if key == "__name__" {
                metric = Some(value);
            } else {
                found.push((key.into(), value.into()));
            }
            rest = after;
        } else if metric.is_none() && !key.is_empty() {
            // a quoted word alone is the name of the metric
            metric = Some(key);
            rest = after;
        } else {
            return None;
        }
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    found.sort();
    Some((metric.unwrap_or_default().into(), found))
}

/// A string in double quotes with Go's escapes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut found = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, it)) = chars.next() {
        match it {
            '"' => return Some((found, &inner[at + 1..])),
            '\\' => {
                let (_, escape) = chars.next()?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                match escape {
                    'n' => found.push('\n'),
                    't' => found.push('\t'),
                    'r' => found.push('\r'),
                    _ if digits > 0 => {
                        let hex: String = chars.by_ref().take(digits).map(|(_, it)| it).collect();
                        let number = u32::from_str_radix(&hex, 16).ok();
                        found.push(number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    other => found.push(other),
                }
            }
            other => found.push(other),
        }
    }
    None
}

/// How the integers in the place of a timestamp are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// `promtool tsdb dump` writes milliseconds.
    Millis,
    /// Elsewhere the size and the point decide.
    BySize,
}

/// Milliseconds since the epoch.
pub(crate) fn millis(text: &str, unit: Unit) -> Option<i64> {
    if unit == Unit::Millis {
        return text.parse().ok();
    }
    let number: f64 = text.parse().ok().filter(|it: &f64| it.is_finite() && it.abs() < 1e15)?;
    let seconds = text.contains(['.', 'e', 'E']) && number.abs() < 1e11 || number.abs() <= 1e11;
    Some(if seconds { (number * 1000.0).round() as i64 } else { number.round() as i64 })
}

/// A value as Go prints it.
pub(crate) fn value(text: &str) -> Option<f64> {
    if let Some(number) = decimal(text) {
        return Some(number);
    }
    let plain = text.as_bytes().first().is_some_and(|it| it.is_ascii_digit() || b"+-.NnIi".contains(it));
    if plain { text.parse().ok() } else { None }
}

/// Up to fifteen digits, perhaps with a sign and a point: both the digits and the power of ten are exact as floats, and so the
/// quotient is the nearest one (W. D. Clinger, How to Read Floating Point Numbers Accurately).
fn decimal(text: &str) -> Option<f64> {
    let (digits, negative) = text.strip_prefix('-').map_or((text, false), |it| (it, true));
    if digits.len() > 16 {
        return None;
    }
    let (mut number, mut count, mut point) = (0u64, 0usize, None);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => (number, count) = (number * 10 + u64::from(byte - b'0'), count + 1),
            b'.' if point.is_none() => point = Some(count),
            _ => return None,
        }
    }
    if !(1..=15).contains(&count) {
        return None;
    }
    let value = of_digits(number, count - point.unwrap_or(count));
    Some(if negative { -value } else { value })
}

/// Up to fifteen digits of which so many stand behind the point.
pub(crate) fn of_digits(number: u64, behind: usize) -> f64 {
    const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    number as f64 / POWERS[behind]
}

/// One to eleven digits: what most stamps and counts are, and what a float holds exactly.
pub(crate) fn whole(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 11 {
        return None;
    }
    text.bytes().try_fold(0, |sum, it| it.is_ascii_digit().then(|| sum * 10 + i64::from(it - b'0')))
}

/// Puts a series together.
pub(crate) struct Builder {
    series: Series,
    places: Vec<(u32, u32)>,
    last_was_number: bool,
    /// The newest, as long as each is after the one before it.
    newest: Option<i64>,
    in_order: bool,
    /// Where the next point begins if each stands behind the other as numbers are usually printed; none once one did not.
    next: Option<usize>,
}

impl Builder {
    /// A series whose text begins here.
    pub(crate) fn new((metric, labels): Labelled, member: MemberId, start: u64, line: u32) -> Builder {
        let series = Series {
            metric,
            labels,
            points: Points::default(),
            stale: Vec::new(),
            node: None,
            member,
            start,
            line,
            text: Printed::whole(""),
        };
        Builder { series, places: Vec::new(), last_was_number: false, newest: None, in_order: true, next: None }
    }

    /// Adds a value that stands at `start` of the series' text.
    ///
    /// A value that is no number after one that is ends the series for now.
    pub(crate) fn add(&mut self, millis: i64, value: f64, start: usize, len: usize) {
        self.next = None;
        self.put(millis, value, start, len);
    }

    /// Adds a value that is printed as numbers usually are.
    pub(crate) fn add_usual(&mut self, millis: i64, value: f64, start: usize, len: usize) {
        let follows = self.series.points.is_empty() || self.next == Some(start);
        self.next = (follows && value.is_finite()).then_some(start + len + 1);
        self.put(millis, value, start, len);
    }

    fn put(&mut self, millis: i64, value: f64, start: usize, len: usize) {
        if value.is_nan() {
            if self.last_was_number {
                self.series.stale.push(millis);
            }
            self.last_was_number = false;
            return;
        }
        self.last_was_number = true;
        self.in_order &= self.newest.is_none_or(|it| it < millis);
        self.newest = Some(millis);
        self.series.points.push(Point { millis, value });
        self.places.push((start as u32, len as u32));
    }

    /// The series: points in time order, of several at one instant the last. Its text is kept unless all of them stand
    /// behind each other in the given style, as numbers are usually printed.
    pub(crate) fn finish(mut self, style: Option<Style>, text: impl FnOnce() -> Arc<str>, lines: u32) -> Series {
        if !self.in_order {
            let mut placed: Vec<(Point, (u32, u32))> = self.series.points.iter().zip(self.places.drain(..)).collect();
            // the last of an instant first, so that the others go
            placed.reverse();
            placed.sort_by_key(|it| it.0.millis);
            placed.dedup_by_key(|it| it.0.millis);
            self.series.points = placed.iter().map(|it| it.0).collect();
            self.places = placed.into_iter().map(|it| it.1).collect();
        }
        self.series.points.shrink();
        self.series.text = match (style, &*self.places) {
            (Some(style), [(first, _), ..]) if self.in_order && self.next.is_some() => {
                let (last, len) = self.places[self.places.len() - 1];
                Printed::usual(style, *first..last + len, lines)
            }
            _ => Printed::kept(text(), self.places),
        };
        self.series
    }

    /// The series, with its text.
    pub(crate) fn kept(self, text: &str) -> Series {
        self.finish(None, || text.into(), 0)
    }
}

/// Series from lines: consecutive lines with the same labels are one series.
pub(crate) struct Samples {
    origin: Origin,
    unit: Unit,
    open: Option<Open>,
    timeless: u64,
    histograms: Option<Histograms>,
}

/// The histograms of a series in a row.
struct Histograms {
    key: String,
    labelled: Labelled,
    text: String,
    start: u64,
    line: u32,
    gathered: Gathered,
}

struct Open {
    key: String,
    text: String,
    builder: Builder,
    start: u64,
}

/// Beyond this a series is cut into pieces, so that offsets fit.
const MOST_BYTES: usize = 1 << 30;

impl Samples {
    pub(crate) fn new(origin: &Origin, unit: Unit) -> Samples {
        Samples { origin: origin.clone(), unit, open: None, timeless: 0, histograms: None }
    }

    /// Takes a line that is a sample; anything else is left to the caller.
    pub(crate) fn line(&mut self, line: &Line<'_>, out: &mut MemberRecords) -> bool {
        let same = self.open.as_ref().and_then(|open| {
            let rest = line.text.strip_prefix(open.key.as_str())?;
            rest.starts_with([' ', '\t']).then(|| rest.trim_start())
        });
        let parsed = match same {
            Some(rest) => Some((None, rest)),
            None => label_part(line.text).and_then(|(part, rest)| Some((Some((part, labels(part)?)), rest))),
        };
        let Some((new, rest)) = parsed else { return false };
        if rest.starts_with('{') {
            let (key, labelled) = match new {
                Some((part, labelled)) => (part.to_owned(), Some(labelled)),
                None => (self.open.as_ref().map(|it| it.key.clone()).unwrap_or_default(), None),
            };
            return self.histogram(&key, labelled, rest, line, out);
        }
        let mut cells = rest.split_ascii_whitespace();
        let Some(printed) = cells.next() else { return false };
        let Some(number) = value(printed) else { return false };
        let (mut usual, stamp_cell) = (is_usual(printed), cells.next());
        let stamp = match stamp_cell {
            None | Some("#") => {
                self.timeless += 1;
                return true;
            }
            Some(it) => millis(it, self.unit),
        };
        let Some(stamp) = stamp else { return false };
        if !matches!(cells.next(), None | Some("#")) {
            return false;
        }
        let joined = self.open.as_ref().is_some_and(|open| {
            let gap = line.start - open.start - open.text.len() as u64;
            new.is_none() && (1..=2).contains(&gap) && open.text.len() < MOST_BYTES
        });
        if !joined {
            let key = match &new {
                Some((part, _)) => (*part).to_owned(),
                None => self.open.as_ref().map(|it| it.key.clone()).unwrap_or_default(),
            };
            let Some(labelled) = new.map(|(_, it)| it).or_else(|| labels(&key)) else { return false };
            self.close(out);
            let builder = Builder::new(labelled, self.origin.member, line.start, line.number);
            self.open = Some(Open { key, text: String::new(), builder, start: line.start });
        }
        if let Some(open) = &mut self.open {
            let words = open.key.len() + printed.len() + stamp_cell.map_or(0, str::len) + 2;
            usual &= line.text.len() == words && stamp_cell.is_some_and(is_usual) && self.unit == Unit::Millis;
            if !open.text.is_empty() {
                let gap = line.start - open.start - open.text.len() as u64;
                open.text.push_str(if gap == 2 { "\r\n" } else { "\n" });
            }
            let start = open.text.len();
            open.text.push_str(line.text);
            if usual && open.text.len() < u32::MAX as usize {
                open.builder.add_usual(stamp, number, start, line.text.len());
            } else {
                open.builder.add(stamp, number, start, line.text.len());
            }
        }
        true
    }

    /// `{count:42, sum:34593.34, (0.25,0.5]:12} 1795219038000` behind the labels.
    fn histogram(
        &mut self,
        key: &str,
        labelled: Option<Labelled>,
        rest: &str,
        line: &Line<'_>,
        out: &mut MemberRecords,
    ) -> bool {
        let Some((found, stamp)) = native_histogram::printed(rest) else { return false };
        let Some(stamp) = millis(stamp.trim_end(), self.unit) else { return false };
        let joined = self.histograms.as_ref().is_some_and(|open| {
            let gap = line.start - open.start - open.text.len() as u64;
            open.key == key && (1..=2).contains(&gap) && open.text.len() < MOST_BYTES
        });
        if !joined {
            let Some(labelled) = labelled.or_else(|| labels(key)) else { return false };
            self.close(out);
            let (text, gathered) = Default::default();
            let (start, line) = (line.start, line.number);
            self.histograms = Some(Histograms { key: key.to_owned(), labelled, text, start, line, gathered });
        }
        if let Some(open) = &mut self.histograms {
            if !open.text.is_empty() {
                let gap = line.start - open.start - open.text.len() as u64;
                open.text.push_str(if gap == 2 { "\r\n" } else { "\n" });
            }
            open.gathered.add(stamp, &found, open.text.len(), line.text.len());
            open.text.push_str(line.text);
        }
        true
    }

    fn close(&mut self, out: &mut MemberRecords) {
        if let Some(Histograms { labelled, text, start, line, gathered, .. }) = self.histograms.take() {
            gathered.push(&labelled, self.origin.member, start, line, &text.as_str().into(), out);
        }
        if let Some(open) = self.open.take() {
            let style = Style::Lines(open.key.as_str().into());
            let series = open.builder.finish(Some(style), || open.text.as_str().into(), 0);
            if !series.points.is_empty() || !series.stale.is_empty() {
                out.records.push(Record::Series(Box::new(series)));
            }
        }
    }

    /// The member has ended.
    pub(crate) fn finish(&mut self, out: &mut MemberRecords) {
        self.close(out);
        share_words(&mut out.records);
        if self.timeless > 0 {
            let what = format!("{} values without a time: a single scrape gives no series", self.timeless);
            out.issue(self.origin.member, 0, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_of_every_spelling() {
        let text = |line: &str| {
            let (part, rest) = label_part(line)?;
            let (metric, found) = labels(part)?;
            let found: Vec<String> = found.iter().map(|(key, value)| format!("{key}={value}")).collect();
            Some(format!("{metric}|{}|{rest}", found.join(",")))
        };
        assert_eq!(text("up 1").as_deref(), Some("up||1"));
        assert_eq!(text("up{} 1 2").as_deref(), Some("up||1 2"));
        assert_eq!(text(r#"up{z="1",a="}, \"x\"",} 1"#).as_deref(), Some(r#"up|a=}, "x",z=1|1"#));
        assert_eq!(text(r#"{__name__="up", job="node"} 1 2"#).as_deref(), Some("up|job=node|1 2"));
        assert_eq!(
            text(r#"{"my.metric","label with space"="v"} 1"#).as_deref(),
            Some("my.metric|label with space=v|1")
        );
        assert_eq!(text(r#"up{a="\u00e9\n"} 1"#).as_deref(), Some("up|a=é\n|1"));
        for odd in ["", "9up 1", "up{a=\"b 1", "up{a=b} 1", "a-b 1", "{ 1", "x{\"", "x{a=\"\\"] {
            assert_eq!(text(odd), None, "{odd}");
        }
    }

    #[test]
    fn numbers_are_those_the_library_reads() {
        let mut dice = crate::testing::Dice(0x5eed);
        for _ in 0..20_000 {
            let length = 1 + dice.roll(19);
            let text: String = (0..length).map(|_| char::from(b"0123456789012345678900..-+"[dice.roll(26)])).collect();
            let read = value(&text).map(f64::to_bits);
            assert_eq!(read, text.parse::<f64>().ok().map(f64::to_bits), "{text}");
        }
        for text in ["0.1", "123456789.012345", "-0", "1e3", "+Inf", "-Inf", "0.30000000000000004", "9007199254740993"]
        {
            assert_eq!(value(text).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits), "{text}");
        }
        assert!(value("NaN").is_some_and(f64::is_nan));
        assert_eq!([value(""), value("-"), value("."), value("x"), value("infinite")], [None; 5]);
    }

    #[test]
    fn timestamps_are_seconds_or_milliseconds() {
        assert_eq!(millis("1690120800", Unit::BySize), Some(1_690_120_800_000));
        assert_eq!(millis("1690120800.5", Unit::BySize), Some(1_690_120_800_500));
        assert_eq!(millis("1.6901208005e+09", Unit::BySize), Some(1_690_120_800_500));
        assert_eq!(millis("1690120800123", Unit::BySize), Some(1_690_120_800_123));
        assert_eq!(millis("60000", Unit::Millis), Some(60_000));
        assert_eq!(millis("NaN", Unit::BySize), None);
    }

    #[test]
    fn points_are_sorted_and_the_last_of_an_instant_wins() {
        let mut builder = Builder::new(("m".into(), Vec::new()), MemberId(0), 0, 1);
        for (at, number) in [(2, 1.0), (1, 2.0), (2, 3.0), (3, f64::NAN), (4, f64::NAN), (5, f64::INFINITY)] {
            builder.add(at, number, 0, 0);
        }
        let series = builder.kept("");
        let found: Vec<_> = series.points.iter().map(|it| (it.millis, it.value)).collect();
        assert_eq!(found, [(1, 2.0), (2, 3.0), (5, f64::INFINITY)]);
        assert_eq!(series.stale, [3]);
    }
}
