//! Which points of the input stand behind a value.

use std::rc::Rc;

use timeline::{Point, Quote, Series};

use super::MOST_CITED;
use super::evaluate::Run;
use super::expr::Window;

/// Where the values of a column come from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// No series.
    Nothing,
    /// The newest point of one series.
    Last { selector: usize, group: usize },
    /// The points of one series over a range.
    Range { window: Window, selector: usize, group: usize },
    /// Several columns; the smallest value speaks first where the smallest was asked for.
    All { parts: Vec<Rc<Origin>>, least: bool },
    /// Both sides of an operator.
    Both(Rc<Origin>, Rc<Origin>),
}

impl Origin {
    /// The same series seen through a function of a range.
    pub(super) fn over(origin: &Origin, window: Window) -> Origin {
        match *origin {
            Origin::Last { selector, group } => Origin::Range { window, selector, group },
            _ => Origin::Nothing,
        }
    }
}

/// How many columns are asked for their points before the search for the largest stops.
const MOST_ASKED: usize = 4096;

/// A point and how much it weighs.
struct Cite<'s> {
    weight: f64,
    series: &'s Series,
    point: &'s Point,
}

impl<'s> Run<'s> {
    /// The points behind a value at an instant, the largest contributors first.
    pub(super) fn quotes(&self, origin: &Origin, t: i64) -> Vec<Quote> {
        let mut budget = MOST_ASKED;
        let cites = self.cites(origin, t, &mut budget);
        let mut quotes: Vec<Quote> = Vec::new();
        for cite in cites {
            let quote = cite.series.quote(cite.point);
            if !quotes.contains(&quote) {
                quotes.push(quote);
            }
        }
        quotes
    }

    fn cites(&self, origin: &Origin, t: i64, budget: &mut usize) -> Vec<Cite<'s>> {
        if *budget == 0 {
            return Vec::new();
        }
        match origin {
            Origin::Nothing => Vec::new(),
            Origin::Last { selector, group } => {
                *budget -= 1;
                let t = t.saturating_sub(self.selectors[*selector].offset_ms);
                let group = &self.groups[*selector][*group];
                let newest = |series: &&'s Series| {
                    let series: &'s Series = series;
                    let point = series.points[..series.points.partition_point(|it| it.millis <= t)].last()?;
                    group.stands(series, point, t).then_some(Cite { weight: point.value, series, point })
                };
                group.series.iter().find_map(newest).into_iter().collect()
            }
            Origin::Range { window, selector, group } => {
                *budget -= 1;
                let selector_ = &self.selectors[*selector];
                let t = t.saturating_sub(selector_.offset_ms);
                let group = &self.groups[*selector][*group];
                let inside = |series: &&'s Series| {
                    let series: &'s Series = series;
                    let lo = series.points.partition_point(|it| it.millis <= t.saturating_sub(selector_.range_ms));
                    let hi = series.points.partition_point(|it| it.millis <= t);
                    let cites = telling(*window, series, &series.points[lo..hi.max(lo)]);
                    (!cites.is_empty()).then_some(cites)
                };
                group.series.iter().find_map(inside).unwrap_or_default()
            }
            Origin::All { parts, least } => {
                let mut all: Vec<Cite<'s>> = Vec::new();
                for part in parts {
                    all.extend(self.cites(part, t, budget));
                    if all.len() > 64 {
                        shorten(&mut all, *least);
                    }
                }
                shorten(&mut all, *least);
                all
            }
            Origin::Both(left, right) => {
                let mut left = self.cites(left, t, budget);
                let right = self.cites(right, t, budget);
                left.truncate(if right.is_empty() { MOST_CITED } else { MOST_CITED - 1 });
                left.extend(right);
                left.truncate(MOST_CITED);
                left
            }
        }
    }
}

fn shorten(cites: &mut Vec<Cite<'_>>, least: bool) {
    cites.sort_by(|a, b| if least { a.weight.total_cmp(&b.weight) } else { b.weight.abs().total_cmp(&a.weight.abs()) });
    cites.truncate(MOST_CITED);
}

/// The points of a range that make its value: the extreme one, or the last and the first.
fn telling<'s>(window: Window, series: &'s Series, inside: &'s [Point]) -> Vec<Cite<'s>> {
    let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return Vec::new() };
    let cite = |weight, point| Cite { weight, series, point };
    let finite = || inside.iter().filter(|it| !it.value.is_nan());
    match window {
        Window::Max => {
            let most = finite().rev().max_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or(last);
            vec![cite(most.value, most)]
        }
        Window::Min => {
            let least = finite().min_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or(last);
            vec![cite(least.value, least)]
        }
        Window::Last => vec![cite(last.value, last)],
        _ if inside.len() == 1 => vec![cite(last.value, last)],
        Window::Sum | Window::Avg | Window::Count => vec![cite(last.value, last), cite(last.value, first)],
        Window::Irate => {
            let before = &inside[inside.len() - 2];
            vec![cite(last.value - before.value, last), cite(last.value - before.value, before)]
        }
        Window::Rate | Window::Increase | Window::Delta | Window::Deriv => {
            let growth = last.value - first.value;
            vec![cite(growth, last), cite(growth, first)]
        }
    }
}
