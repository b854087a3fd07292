//! `promtool query range` and `promtool query instant` in text.

use timeline::{MemberRecords, Name, Record};

use crate::exposition::{Builder, Labelled, label_part, labels, value};
use crate::{Certainty, Input, Line, Sniff};

pub(super) fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let known = |line: &str| head(line).is_some() || point(line).is_some() || instant(line).is_some();
    let share = sniff.share(200, known);
    if share > 0.95 {
        Certainty::Sure
    } else if share > 0.7 {
        Certainty::Likely
    } else {
        Certainty::No
    }
}

pub(super) fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut open: Option<(Builder, usize, usize)> = None;
    for line in input.lines().filter(|it| !it.text.trim().is_empty()) {
        out.tally.lines += 1;
        let (start, end) = (line.start as usize, line.start as usize + line.text.len());
        let new = |labelled: Labelled| Builder::new(labelled, input.origin.member, line.start, line.number);
        if let Some(labelled) = head(line.text) {
            close(input, open.take(), out);
            open = Some((new(labelled), start, end));
        } else if let Some((labelled, millis, number)) = instant(line.text) {
            close(input, open.take(), out);
            let mut builder = new(labelled);
            builder.add(millis, number, 0, line.text.len());
            close(input, Some((builder, start, end)), out);
        } else if let (Some((millis, number)), Some((builder, from, to))) = (point(line.text), open.as_mut()) {
            builder.add(millis, number, start - *from, line.text.len());
            *to = end;
        } else {
            odd(input, &line, out);
            continue;
        }
        out.tally.understood += 1;
    }
    close(input, open, out);
}

fn odd(input: &Input<'_>, line: &Line<'_>, out: &mut MemberRecords) {
    out.tally.odd_bytes += line.text.len() as u64;
    out.issue(input.origin.member, line.number, "neither a series nor a value of one");
}

fn close(input: &Input<'_>, open: Option<(Builder, usize, usize)>, out: &mut MemberRecords) {
    let Some((builder, from, to)) = open else { return };
    let mut series = builder.kept(&input.text[from..to]);
    series.stale.clear();
    if !series.points.is_empty() {
        out.records.push(Record::Series(Box::new(series)));
    }
}

/// `up{instance="127.0.0.1:9100", job="node"} =>`
fn head(line: &str) -> Option<Labelled> {
    labels(line.trim_end().strip_suffix("=>")?)
}

/// `41870 @[1690120800]`
fn point(line: &str) -> Option<(i64, f64)> {
    let (number, stamp) = line.trim().split_once(" @[")?;
    let seconds: f64 = stamp.strip_suffix(']')?.parse().ok()?;
    let value = value(number.trim())?;
    (seconds.is_finite() && seconds.abs() < 1e12).then(|| ((seconds * 1000.0).round() as i64, value))
}

/// `up{job="node"} => 1 @[1690120800.123]`, `scalar: 3 @[1690120800.123]`
fn instant(line: &str) -> Option<(Labelled, i64, f64)> {
    if let Some(rest) = line.strip_prefix("scalar: ") {
        let (millis, value) = point(rest)?;
        return Some(((Name::from(""), Vec::new()), millis, value));
    }
    let (part, rest) = label_part(line)?;
    let (millis, value) = point(rest.strip_prefix("=> ")?)?;
    Some((labels(part)?, millis, value))
}
