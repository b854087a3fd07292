//! What the answers of a rule add up to.

use std::collections::BTreeMap;

use timeline::Truth;

use crate::language::Word;

/// The answer to one line of `for` or `against`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The line as written.
    pub(crate) written: String,
    /// The clauses in it that are open.
    pub(crate) open: Vec<String>,
    /// Shadows of one event share a group.
    pub(crate) group: Option<String>,
    pub(crate) word: Word,
    pub(crate) truth: Truth,
    pub(crate) against: bool,
    /// It is always there when the rule is right.
    pub(crate) expected: bool,
}

/// The sum of the answers of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sum {
    /// Decibans.
    pub(crate) db: f64,
    /// What could still be added.
    pub(crate) open_db: f64,
    /// Something conclusive, or two strong groups.
    pub(crate) firm: bool,
    /// Something strong.
    pub(crate) strong: bool,
    /// Something rules it out.
    pub(crate) excluded: bool,
}

/// Decibans of a word.
pub(crate) fn decibans(word: Word) -> f64 {
    match word {
        Word::Weak => 3.0,
        Word::Moderate => 6.0,
        Word::Strong => 10.0,
        Word::Conclusive => 20.0,
        Word::Excludes => 0.0,
    }
}

impl Answer {
    /// What it moves the score by, taken alone.
    pub(crate) fn weight_db(&self) -> f64 {
        let full = decibans(self.word);
        match (self.against, self.truth) {
            (false, Truth::True) => full,
            (false, Truth::False) if self.expected => -full,
            (false, Truth::False) => -full / 3.0,
            (true, Truth::True) => -full,
            _ => 0.0,
        }
    }
}

/// Adds up answers: of a group the best counts; a shadow that is not there says nothing where another of its group is.
pub(crate) fn sum<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Sum {
    let mut supports: BTreeMap<String, (f64, Word)> = BTreeMap::new();
    let mut costs: BTreeMap<String, f64> = BTreeMap::new();
    let mut against: BTreeMap<String, f64> = BTreeMap::new();
    let mut open: BTreeMap<String, f64> = BTreeMap::new();
    let mut sum = Sum::default();
    for (nth, it) in answers.into_iter().enumerate() {
        // a group of its own; names of groups are words
        let group = it.group.clone().unwrap_or_else(|| format!(" {nth}"));
        let db = it.weight_db();
        match (it.against, it.truth) {
            (false, Truth::True) => {
                let best = supports.entry(group).or_insert((db, it.word));
                if db > best.0 {
                    *best = (db, it.word);
                }
            }
            (false, Truth::False) => {
                let worst = costs.entry(group).or_insert(0.0);
                *worst = worst.min(db);
            }
            (false, Truth::Unknown) => {
                let most = open.entry(group).or_insert(0.0);
                *most = most.max(decibans(it.word));
            }
            (true, Truth::True) if it.word == Word::Excludes => sum.excluded = true,
            (true, Truth::True) => {
                let worst = against.entry(group).or_insert(0.0);
                *worst = worst.min(db);
            }
            (true, _) => {}
        }
    }
    sum.db = supports.values().map(|it| it.0).sum::<f64>()
        + costs.iter().filter(|it| !supports.contains_key(it.0)).map(|it| it.1).sum::<f64>()
        + against.values().sum::<f64>();
    // what is open in a group counts once, and only beyond what is known of it
    let known = |group: &String| supports.get(group).map_or(0.0, |it| it.0);
    sum.open_db = open.iter().map(|(group, most)| (most - known(group)).max(0.0)).sum();
    let strong = supports.values().filter(|it| it.1 >= Word::Strong).count();
    sum.strong = strong > 0;
    sum.firm = strong >= 2 || supports.values().any(|it| it.1 == Word::Conclusive);
    sum
}

/// What each answer added: of a group the best gets all of it, the others nothing.
pub(crate) fn added(answers: &[Answer]) -> Vec<f64> {
    let held = |it: &Answer| answers.iter().any(|of| of.group == it.group && !of.against && of.truth == Truth::True);
    let mut taken: Vec<(bool, &str)> = Vec::new();
    let mut order: Vec<usize> = (0..answers.len()).collect();
    order.sort_by(|a, b| answers[*b].weight_db().abs().total_cmp(&answers[*a].weight_db().abs()).then(a.cmp(b)));
    let mut found = vec![0.0; answers.len()];
    for at in order {
        let it = &answers[at];
        let shadow = !it.against && it.truth == Truth::False && it.group.is_some() && held(it);
        if it.weight_db() == 0.0 || shadow {
            continue;
        }
        if let Some(group) = &it.group {
            if taken.contains(&(it.against, group)) {
                continue;
            }
            taken.push((it.against, group));
        }
        found[at] = it.weight_db();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(word: Word, truth: Truth, against: bool, group: Option<&str>) -> Answer {
        let group = group.map(str::to_owned);
        Answer { written: String::new(), open: Vec::new(), group, word, truth, against, expected: false }
    }

    #[test]
    fn shadows_count_once_and_unknown_costs_nothing() {
        use Truth::*;
        use Word::*;
        let db = |answers: &[Answer]| sum(answers).db;
        assert_eq!(db(&[answer(Strong, True, false, Some("a")), answer(Moderate, True, false, Some("a"))]), 10.0);
        assert_eq!(db(&[answer(Strong, True, false, Some("a")), answer(Conclusive, False, false, Some("a"))]), 10.0);
        assert_eq!(db(&[answer(Strong, Unknown, false, None), answer(Moderate, False, false, None)]), -2.0);
        assert_eq!(db(&[answer(Strong, True, false, None), answer(Weak, True, true, None)]), 7.0);
        let always = Answer { expected: true, ..answer(Strong, False, false, None) };
        assert_eq!(db(&[always]), -10.0);
        let open = sum(&[answer(Strong, Unknown, false, None), answer(Strong, Unknown, true, None)]);
        assert_eq!((open.db, open.open_db), (0.0, 10.0));
        let shadows = [
            answer(Moderate, True, false, Some("a")),
            answer(Strong, True, false, Some("a")),
            answer(Weak, False, false, None),
            answer(Weak, True, true, Some("a")),
        ];
        assert_eq!(added(&shadows), [0.0, 10.0, -1.0, -3.0]);
        assert_eq!(added(&shadows).iter().sum::<f64>(), db(&shadows));
        assert!(sum(&[answer(Excludes, True, true, None)]).excluded);
        assert!(sum(&[answer(Strong, True, false, None), answer(Strong, True, false, None)]).firm);
        assert!(!sum(&[answer(Strong, True, false, Some("a")), answer(Strong, True, false, Some("a"))]).firm);
    }
}
