//! Which hypotheses together account for the symptoms at the least cost.

/// A hypothesis as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause<'h> {
    pub(super) score_db: f64,
    /// The symptoms it explains.
    pub(super) explains: &'h [usize],
}

/// Every further cause is one more thing that has to have gone wrong; strong evidence makes it cheap, never free.
const DEAREST_DB: f64 = 40.0;
const CHEAPEST_DB: f64 = 1.0;
/// A symptom that nobody explains costs more than a cause that is told with confidence.
const UNEXPLAINED_DB: f64 = 40.0;
/// Up to so many candidates every combination is tried.
const MOST_EXACT: usize = 12;

/// The cheapest of some hypotheses, given by place, that together explain what any of them explains.
pub(super) fn cheapest(causes: &[Cause<'_>], candidates: &[usize]) -> Vec<usize> {
    let useful: Vec<usize> = candidates.iter().copied().filter(|it| !causes[*it].explains.is_empty()).collect();
    let mut symptoms: Vec<usize> = useful.iter().flat_map(|it| causes[*it].explains.iter().copied()).collect();
    symptoms.sort_unstable();
    symptoms.dedup();
    if useful.len() <= MOST_EXACT { exact(causes, &useful, &symptoms) } else { greedy(causes, &useful, &symptoms) }
}

fn cost(it: &Cause<'_>) -> f64 {
    (DEAREST_DB - it.score_db).clamp(CHEAPEST_DB, DEAREST_DB)
}

fn exact(causes: &[Cause<'_>], useful: &[usize], symptoms: &[usize]) -> Vec<usize> {
    let mut best: Option<(f64, u32, u32)> = None;
    for set in 0u32..1 << useful.len() {
        let chosen = || useful.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|it| &causes[*it.1]);
        let open = symptoms.iter().filter(|at| !chosen().any(|it| it.explains.contains(at))).count();
        let total = chosen().map(cost).sum::<f64>() + open as f64 * UNEXPLAINED_DB;
        // of equals the fewer, then those that rank higher: lower bits
        let key = (total, set.count_ones(), set);
        let better = best
            .is_none_or(|it| key.0 < it.0 - 1e-9 || ((key.0 - it.0).abs() <= 1e-9 && (key.1, key.2) < (it.1, it.2)));
        if better {
            best = Some(key);
        }
    }
    let set = best.map_or(0, |it| it.2);
    useful.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|it| *it.1).collect()
}

fn greedy(causes: &[Cause<'_>], useful: &[usize], symptoms: &[usize]) -> Vec<usize> {
    let mut open = symptoms.to_vec();
    let mut chosen: Vec<usize> = Vec::new();
    while !open.is_empty() {
        let gain = |at: usize| open.iter().filter(|it| causes[at].explains.contains(it)).count();
        let left = useful.iter().copied().filter(|it| !chosen.contains(it) && gain(*it) > 0);
        let price = |at: usize| cost(&causes[at]) / gain(at) as f64;
        let Some(next) = left.min_by(|a, b| price(*a).total_cmp(&price(*b)).then(a.cmp(b))) else { break };
        open.retain(|it| !causes[next].explains.contains(it));
        chosen.push(next);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(score_db: f64, explains: &[usize]) -> Cause<'_> {
        Cause { score_db, explains }
    }

    #[test]
    fn the_fewest_and_strongest_that_explain_everything() {
        let one = [cause(30.0, &[0, 1, 2]), cause(25.0, &[0]), cause(25.0, &[1, 2])];
        assert_eq!(cheapest(&one, &[0, 1, 2]), [0]);
        let two = [cause(30.0, &[0, 1]), cause(28.0, &[2]), cause(12.0, &[1])];
        assert_eq!(cheapest(&two, &[0, 1, 2]), [0, 1]);
        assert_eq!(cheapest(&two, &[]), [0usize; 0]);
    }

    #[test]
    fn of_many_candidates_the_cheapest_for_what_they_explain() {
        let all: Vec<usize> = (0..20).collect();
        let mut many: Vec<Cause<'_>> = all.chunks(1).map(|it| cause(20.0, it)).collect();
        many.push(cause(25.0, &all));
        assert_eq!(cheapest(&many, &(0..21).collect::<Vec<_>>()), [20]);
    }
}
