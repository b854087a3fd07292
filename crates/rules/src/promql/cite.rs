//! Which points of the input stand behind a value.

use std::rc::Rc;

use timeline::{Point, Quote, Series};

use super::MOST_CITED;
use super::evaluate::Run;
use super::expr::Window;
use super::window::farthest;

/// Where the values of a column come from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// No series.
    Nothing,
    /// The newest point of one series.
    Last { selector: usize, group: usize },
    /// The points of one series over a range.
    Range { window: Window, selector: usize, group: usize },
    /// The values of an expression over a range: what it was at the instants of a grid.
    Sub { window: Window, inner: Rc<Origin>, points: Vec<Point>, range_ms: i64, offset_ms: i64, at: Option<i64> },
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
    point: Point,
}

impl<'s> Run<'s> {
    /// The points behind a value at an instant, the largest contributors first.
    pub(super) fn quotes(&self, origin: &Origin, t: i64) -> Vec<Quote> {
        let mut budget = MOST_ASKED;
        let cites = self.cites(origin, t, &mut budget);
        let mut quotes: Vec<Quote> = Vec::new();
        for cite in cites {
            let quote = cite.series.quote(cite.point.millis);
            if !quotes.contains(&quote) {
                quotes.push(quote);
            }
        }
        quotes
    }

    /// The instant a selector looks at.
    fn moved_one(&self, selector: usize, t: i64) -> i64 {
        let selector = &self.selectors[selector];
        self.pin(selector).unwrap_or(t).saturating_sub(selector.offset_ms)
    }

    fn cites(&self, origin: &Origin, t: i64, budget: &mut usize) -> Vec<Cite<'s>> {
        if *budget == 0 {
            return Vec::new();
        }
        match origin {
            Origin::Nothing => Vec::new(),
            Origin::Last { selector, group } => {
                *budget -= 1;
                let t = self.moved_one(*selector, t);
                let group = &self.groups[*selector][*group];
                if group.always {
                    let series = group.series[0];
                    let cite = |point| Cite { weight: 0.0, series, point };
                    return series.points.last().map(cite).into_iter().collect();
                }
                let newest = |series: &&'s Series| {
                    let series: &'s Series = series;
                    let point = series.points.get(series.points.until(t).checked_sub(1)?)?;
                    group.stands(series, &point, t).then_some(Cite { weight: point.value, series, point })
                };
                group.series.iter().find_map(newest).into_iter().collect()
            }
            Origin::Range { window, selector, group } => {
                *budget -= 1;
                let at_group = *group;
                let selector_ = &self.selectors[*selector];
                let t = self.moved_one(*selector, t);
                let group = &self.groups[*selector][*group];
                if group.always {
                    return self.cites(&Origin::Last { selector: *selector, group: at_group }, t, budget);
                }
                let inside = |series: &&'s Series| {
                    let series: &'s Series = series;
                    let lo = series.points.until(t.saturating_sub(selector_.range_ms));
                    let inside: Vec<Point> = series.points.within(lo..series.points.until(t).max(lo)).collect();
                    let cites = telling(*window, series, &inside);
                    (!cites.is_empty()).then_some(cites)
                };
                group.series.iter().find_map(inside).unwrap_or_default()
            }
            Origin::Sub { window, inner, points, range_ms, offset_ms, at } => {
                *budget -= 1;
                let end = at.unwrap_or(t).saturating_sub(*offset_ms);
                let lo = points.partition_point(|it| it.millis <= end.saturating_sub(*range_ms));
                let hi = points.partition_point(|it| it.millis <= end).max(lo);
                let telling = instants(*window, &points[lo..hi]);
                let mut found: Vec<Cite<'s>> = Vec::new();
                for instant in telling {
                    found.extend(self.cites(inner, instant, budget));
                }
                found.truncate(MOST_CITED);
                found
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
fn telling<'s>(window: Window, series: &'s Series, inside: &[Point]) -> Vec<Cite<'s>> {
    let (Some(&first), Some(&last)) = (inside.first(), inside.last()) else { return Vec::new() };
    let cite = |weight, point| Cite { weight, series, point };
    let growth = last.value - first.value;
    match window {
        Window::Max | Window::WhenMax => {
            let most = *farthest(inside, true);
            vec![cite(most.value, most)]
        }
        Window::Min | Window::WhenMin => {
            let least = *farthest(inside, false);
            vec![cite(least.value, least)]
        }
        Window::Last | Window::WhenLast | Window::Present => vec![cite(last.value, last)],
        Window::First | Window::WhenFirst => vec![cite(first.value, first)],
        _ if inside.len() == 1 => vec![cite(last.value, last)],
        Window::Irate | Window::Idelta => {
            let before = inside[inside.len() - 2];
            vec![cite(last.value - before.value, last), cite(last.value - before.value, before)]
        }
        Window::Changes | Window::Resets => {
            let turn = inside.windows(2).rfind(|it| match window {
                Window::Resets => it[1].value < it[0].value,
                _ => it[1].value != it[0].value,
            });
            let (before, after) = turn.map_or((first, last), |it| (it[0], it[1]));
            vec![cite(after.value, after), cite(after.value, before)]
        }
        Window::Rate | Window::Increase | Window::Delta | Window::Deriv | Window::PredictLinear | Window::Smooth => {
            vec![cite(growth, last), cite(growth, first)]
        }
        _ => vec![cite(last.value, last), cite(last.value, first)],
    }
}

/// The instants of a grid that make the value of a range over it.
fn instants(window: Window, inside: &[Point]) -> Vec<i64> {
    let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return Vec::new() };
    match window {
        Window::Max | Window::WhenMax => vec![farthest(inside, true).millis],
        Window::Min | Window::WhenMin => vec![farthest(inside, false).millis],
        Window::First | Window::WhenFirst => vec![first.millis],
        Window::Rate | Window::Increase | Window::Delta | Window::Deriv | Window::PredictLinear | Window::Smooth => {
            vec![last.millis, first.millis]
        }
        _ => vec![last.millis],
    }
}
