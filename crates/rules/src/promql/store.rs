//! Where the series of a case are found: by metric, those that were scraped and those that facts make.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use timeline::{Fact, Name, Relation, Series, Timeline};

use super::state;

/// The series of a case, by metric.
pub(crate) struct Store<'t> {
    scraped: BTreeMap<&'t str, Vec<&'t Series>>,
    /// Worked out by recording rules.
    recorded: BTreeMap<Name, Vec<Series>>,
    /// Facts, which become series when somebody asks for them.
    facts: BTreeMap<&'static str, Vec<&'t Fact>>,
    made: Vec<(&'static Relation, OnceLock<Vec<Series>>)>,
}

impl<'t> Store<'t> {
    /// The series of a timeline and its facts.
    pub(crate) fn of(timeline: &'t Timeline) -> Store<'t> {
        let mut store = Store::with(timeline.series.iter());
        for fact in &timeline.facts {
            store.facts.entry(fact.row.relation.name).or_default().push(fact);
        }
        store.made = timeline::relation::ALL.iter().map(|it| (*it, OnceLock::new())).collect();
        store
    }

    /// Series alone.
    pub(crate) fn with(series: impl Iterator<Item = &'t Series>) -> Store<'t> {
        let mut scraped: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
        for it in series.filter(|it| !it.points.is_empty()) {
            scraped.entry(it.metric.as_ref()).or_default().push(it);
        }
        Store { scraped, recorded: BTreeMap::new(), facts: BTreeMap::new(), made: Vec::new() }
    }

    /// Whether a metric was scraped.
    pub(crate) fn was_scraped(&self, metric: &str) -> bool {
        self.scraped.contains_key(metric)
    }

    /// Adds what a recording rule has worked out.
    pub(crate) fn record(&mut self, metric: &Name, series: Vec<Series>) {
        self.recorded.entry(metric.clone()).or_default().extend(series.into_iter().filter(|it| !it.points.is_empty()));
    }

    /// The series of a metric, or of all that were scraped or recorded.
    pub(super) fn series(&self, metric: Option<&str>) -> Vec<&Series> {
        let Some(metric) = metric else {
            let scraped = self.scraped.values().flatten().copied();
            return scraped.chain(self.recorded.values().flatten()).collect();
        };
        if let Some(rest) = metric.strip_prefix(state::PREFIX) {
            return self.made(rest).iter().filter(|it| it.metric.as_ref() == metric).collect();
        }
        let scraped = self.scraped.get(metric).into_iter().flatten().copied();
        scraped.chain(self.recorded.get(metric).into_iter().flatten()).collect()
    }

    /// The series of the relation that a metric's name begins with.
    fn made(&self, name: &str) -> &[Series] {
        let of = self.made.iter().filter(|(it, _)| state::is_of(it, name));
        match of.max_by_key(|(it, _)| it.name.len()) {
            Some((relation, made)) => made.get_or_init(|| {
                self.facts.get(relation.name).into_iter().flatten().flat_map(|it| state::series(it)).collect()
            }),
            None => &[],
        }
    }
}
