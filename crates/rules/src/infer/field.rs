//! The field of hypotheses: who competes with whom, and what band each deserves.

use timeline::Truth;

use super::explain::causes;
use super::outcome::{Band, Hypothesis};
use super::weigh::{Sum, sum};

/// How likely it is, before looking, that the cause is none of our rules.
const OUTSIDE_PRIOR: f64 = 0.25;
/// Ahead of an unknown cause by this much to be likely, of the next to be confirmed.
pub(super) const CLEAR_DB: f64 = 10.0;
/// Ahead of the next by this much to be likely.
const AHEAD_DB: f64 = 6.0;
/// Closer than this is level.
const LEVEL_DB: f64 = 1.0;

/// How a hypothesis stands by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) score_db: f64,
    pub(super) open_db: f64,
    pub(super) firm: bool,
    pub(super) strong: bool,
    pub(super) excluded: bool,
}

impl Standing {
    pub(super) fn of(hypothesis: &Hypothesis) -> Standing {
        Standing::with(hypothesis, sum(&hypothesis.answers))
    }

    pub(super) fn with(hypothesis: &Hypothesis, sum: Sum) -> Standing {
        Standing {
            score_db: sum.db + hypothesis.order_db + hypothesis.moment_db + hypothesis.prior_db,
            open_db: sum.open_db,
            firm: sum.firm && hypothesis.order_db >= 0.0,
            strong: sum.strong,
            excluded: sum.excluded,
        }
    }

    /// Whether it is told with confidence, whoever else there is.
    pub(super) fn stands(&self) -> bool {
        self.firm || (self.strong && self.score_db >= CLEAR_DB)
    }
}

/// All hypotheses that are not excluded, with who threatens whom.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) standings: Vec<Standing>,
    /// For each, those it must be ahead of.
    rivals: Vec<Vec<usize>>,
    /// For each, what a cause outside the rules has to say to the same question.
    outside_db: Vec<f64>,
}

impl Field {
    pub(super) fn of(alive: &[Hypothesis]) -> Field {
        let threats = |at: usize| {
            (0..alive.len()).filter(|other| *other != at && threatens(&alive[*other], &alive[at])).collect()
        };
        let rivals: Vec<Vec<usize>> = (0..alive.len()).map(threats).collect();
        // another incident in the same case is another question
        let fitting = |(at, rivals): (usize, &Vec<usize>)| {
            let mut rules: Vec<&str> = rivals.iter().chain([&at]).map(|it| alive[*it].rule.as_str()).collect();
            rules.sort_unstable();
            rules.dedup();
            outside(rules.len())
        };
        let outside_db = rivals.iter().enumerate().map(fitting).collect();
        Field { standings: alive.iter().map(Standing::of).collect(), rivals, outside_db }
    }

    /// What a cause outside the rules has to say of anything in the field, at most.
    pub(super) fn most_outside_db(&self) -> f64 {
        self.outside_db.iter().copied().fold(0.0, f64::max)
    }

    /// The band of each.
    pub(super) fn bands(&self) -> Vec<Band> {
        (0..self.standings.len()).map(|at| self.band(at)).collect()
    }

    /// The band of one.
    pub(super) fn band(&self, at: usize) -> Band {
        let it = &self.standings[at];
        let over_outside = it.score_db - self.outside_db[at];
        let over_next = it.score_db - self.next_db(at);
        if it.excluded {
            Band::RuledOut
        } else if over_outside <= 0.0 {
            if over_outside + it.open_db > 0.0 { Band::NotAssessable } else { Band::RuledOut }
        } else if it.firm && over_outside >= CLEAR_DB && over_next >= CLEAR_DB {
            Band::Confirmed
        } else if it.strong && over_outside >= CLEAR_DB && over_next >= AHEAD_DB {
            Band::Likely
        } else {
            Band::Possible
        }
    }

    fn next_db(&self, at: usize) -> f64 {
        let rivals = self.rivals[at].iter().map(|it| &self.standings[*it]).filter(|it| !it.excluded);
        rivals.map(|it| it.score_db).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Its share among its rivals and a cause outside the rules.
    pub(super) fn confidence(&self, at: usize) -> f64 {
        let odds = |db: f64| 10f64.powf(db / 10.0);
        let own = odds(self.standings[at].score_db);
        let rivals = self.rivals[at].iter().map(|it| &self.standings[*it]).filter(|it| !it.excluded);
        let all = odds(self.outside_db[at]) + own + rivals.map(|it| odds(it.score_db)).sum::<f64>();
        (own / all * 100.0).round() / 100.0
    }

    /// Those that stand level with it and compete with it.
    pub(super) fn level(&self, at: usize) -> Vec<usize> {
        let own = self.standings[at].score_db;
        let near = |it: &usize| {
            let both = self.rivals[at].contains(it) || self.rivals[*it].contains(&at);
            both && (self.standings[*it].score_db - own).abs() < LEVEL_DB
        };
        (0..self.standings.len()).filter(|it| *it != at).filter(near).collect()
    }
}

/// The score a cause outside the rules starts with: the rest of the prior is shared by the rules that fit. Never
/// below nothing, or a rule without any support would beat it.
fn outside(fitting: usize) -> f64 {
    (10.0 * (OUTSIDE_PRIOR * fitting.max(1) as f64 / (1.0 - OUTSIDE_PRIOR)).log10()).max(0.0)
}

/// Whether one hypothesis takes away from another.
///
/// They compete when they stand on the same line, or explain the same symptom; but two that each explain something the
/// other does not are two causes. Where the other explains nothing that was seen, whatever goes on near it at the
/// time may be the real story. Cause and effect do not compete.
fn threatens(it: &Hypothesis, other: &Hypothesis) -> bool {
    if causes(it, other) || causes(other, it) {
        return false;
    }
    // the same fault on two nodes, even where a setting of both is part of it
    if it.rule == other.rule && !it.nodes.is_empty() && !it.nodes.iter().any(|node| other.nodes.contains(node)) {
        return false;
    }
    if !it.frame_spans.is_disjoint(&other.frame_spans) {
        return true;
    }
    if it.rule == other.rule {
        return false;
    }
    let own = |a: &Hypothesis, b: &Hypothesis| a.explains.iter().any(|it| !b.explains.contains(it));
    if it.explains.iter().any(|at| other.explains.contains(at)) {
        return !(own(it, other) && own(other, it));
    }
    let same_node = it.nodes.iter().any(|node| other.nodes.contains(node));
    const APART_SECS: i64 = 3600;
    other.explains.is_empty() && same_node && it.start.near(&other.start, APART_SECS, APART_SECS) != Truth::False
}
