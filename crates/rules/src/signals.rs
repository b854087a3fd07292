//! Finding signals: one pass for all literals decides which lines are worth a regular expression.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use timeline::{Event, Name, Timeline, Value, Watch};

use crate::hearsay;
use crate::language::{Signal, SignalMatch};
use crate::scan::Scan;

/// All literals of all signals. Gives the reader its [`Watch`] and the engine its candidates.
#[derive(Debug)]
pub(crate) struct Prefilter {
    literals: Scan,
    /// Signal and match, by literal.
    owners: Vec<(usize, usize)>,
    /// What each signal is called.
    names: Vec<Box<str>>,
    /// The ways each signal shows.
    ways: Vec<Arc<[SignalMatch]>>,
}

/// A line that shows a signal.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    /// Index into the timeline's events.
    pub(crate) event: usize,
    /// What the expression captured.
    pub(crate) captures: Vec<(Name, Value)>,
}

impl Prefilter {
    pub(crate) fn new(signals: &[&Signal]) -> Prefilter {
        let (mut patterns, mut owners) = (Vec::new(), Vec::new());
        for (at, signal) in signals.iter().enumerate() {
            for (nth, of) in signal.matches.iter().enumerate() {
                for literal in &of.literals {
                    patterns.push(literal.as_str());
                    owners.push((at, nth));
                }
            }
        }
        let literals = Scan::new(patterns);
        let names = signals.iter().map(|it| it.name.as_str().into()).collect();
        let ways = signals.iter().map(|it| it.matches.clone()).collect();
        Prefilter { literals, owners, names, ways }
    }

    /// Every signal each event shows, by the signal's name; matches in event order.
    ///
    /// What an expression captures as `node` becomes the node's one name.
    pub(crate) fn find(&self, timeline: &Timeline) -> BTreeMap<&str, Vec<Match>> {
        let named = |captures: &mut Vec<(Name, Value)>| {
            for (_, value) in captures.iter_mut().filter(|it| &*it.0 == "node") {
                *value = Value::Text(timeline.nodes.canonical(&value.to_string()));
            }
        };
        let mut found: BTreeMap<&str, Vec<Match>> = BTreeMap::new();
        for (event_at, event) in timeline.events.iter().enumerate() {
            self.show(event, |signal, captures| {
                let mut captures = cells(captures);
                named(&mut captures);
                found.entry(&self.names[signal]).or_default().push(Match { event: event_at, captures });
            });
        }
        found
    }

    /// Every signal an event shows, each once, with what it captures.
    fn show(&self, event: &Event, mut found: impl FnMut(usize, Vec<(&str, &str)>)) {
        let mut candidates: Vec<(usize, usize)> = Vec::new();
        self.literals.each(event.message.as_bytes(), |it| candidates.push(self.owners[it]));
        candidates.sort_unstable();
        candidates.dedup();
        let mut last = None;
        for (signal, nth) in candidates {
            let of = &self.ways[signal][nth];
            if last != Some(signal)
                && of.reads(event)
                && let Some(captures) = captured(of, &event.message)
                && !is_hearsay(of, event)
            {
                found(signal, captures);
                last = Some(signal);
            }
        }
    }
}

impl Watch for Prefilter {
    fn wants(&self, message: &str) -> bool {
        self.literals.is_match(message.as_bytes())
    }

    fn places(&self, text: &str, found: &mut Vec<usize>) -> bool {
        self.literals.places(text.as_bytes(), found);
        true
    }

    fn shows(&self, message: &str) -> bool {
        self.literals.any(message.as_bytes(), |it| {
            let (signal, nth) = self.owners[it];
            let of = &self.ways[signal][nth];
            of.regex.is_match(message) && of.unless.as_ref().is_none_or(|it| !it.is_match(message))
        })
    }

    fn mark(&self, event: &Event) -> Option<[u64; 2]> {
        let (mut signals, mut all) = (DefaultHasher::new(), DefaultHasher::new());
        self.show(event, |signal, captures| {
            signal.hash(&mut signals);
            signal.hash(&mut all);
            captures.hash(&mut all);
        });
        Some([signals.finish(), all.finish()])
    }
}

/// Whether an event only repeats what would show a signal.
fn is_hearsay(of: &SignalMatch, event: &Event) -> bool {
    hearsay::may_repeat(event)
        && of.regex.place(&event.message).is_some_and(|it| hearsay::is_repeated(&event.message, it))
}

/// What one way of showing a signal captures in a message, if it fits.
pub(crate) fn captures(of: &SignalMatch, message: &str) -> Option<Vec<(Name, Value)>> {
    captured(of, message).map(cells)
}

fn captured<'t>(of: &'t SignalMatch, message: &'t str) -> Option<Vec<(&'t str, &'t str)>> {
    let found = of.regex.captures(message)?;
    if of.unless.as_ref().is_some_and(|it| it.is_match(message)) {
        return None;
    }
    Some(found)
}

fn cells(captures: Vec<(&str, &str)>) -> Vec<(Name, Value)> {
    captures.into_iter().map(|(name, text)| (Name::from(name), Value::from(text))).collect()
}

/// Whether a text shows a signal, whoever wrote it: for samples.
pub(crate) fn shows(signal: &Signal, message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    signal.matches.iter().any(|of| {
        of.literals.iter().any(|it| lower.contains(&it.to_ascii_lowercase())) && captures(of, message).is_some()
    })
}
