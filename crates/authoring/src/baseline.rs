//! What somebody would answer who does not weigh: the answers a rule set has to beat.

use std::collections::BTreeMap;

use coroner::report::{Answer, Hypothesis, Polarity, Report};
use regex::bytes::Regex;

/// Words that make people stop at a line.
const ALARM: &str =
    r"(?i)error|fail|fatal|panic|oom|kill|refus|timed? ?out|unhealthy|denied|unable|cannot|corrupt|\bbug\b|warn";

/// The rule that the most frequent alarming line points to: lines are counted by their words, numbers left out, and the
/// rule is one that cites such a line. `None` where the line means nothing to any rule, or only a symptom cites it.
pub(crate) fn loudest_line(files: &[(String, Vec<u8>)], report: &Report) -> Option<String> {
    let alarm = Regex::new(ALARM).expect("it is sound");
    let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for line in files.iter().flat_map(|(_, bytes)| bytes.split(|it| *it == b'\n')).filter(|it| alarm.is_match(it)) {
        *counts.entry(shape(line)).or_default() += 1;
    }
    let (loudest, _) = counts.into_iter().max_by_key(|(shape, count)| (*count, std::cmp::Reverse(shape.clone())))?;
    let cites = |it: &&Hypothesis| {
        it.evidence.iter().filter_map(|it| it.text.as_ref()).any(|it| shape(it.as_bytes()) == loudest)
    };
    everyone(report).find(cites).map(|it| it.rule.clone())
}

/// The words of a line: whatever holds a digit goes.
fn shape(line: &[u8]) -> Vec<u8> {
    let words = line.split(|it| it.is_ascii_whitespace()).filter(|it| !it.iter().any(u8::is_ascii_digit));
    words.collect::<Vec<_>>().join(&b' ')
}

/// The rule with most clauses that hold, however they weigh and whatever speaks against it.
pub(crate) fn most_signals(report: &Report) -> Option<String> {
    let matched = |it: &Hypothesis| {
        it.evidence.iter().filter(|it| it.value == Answer::True && it.polarity != Polarity::Against).count()
    };
    let best = everyone(report).max_by_key(|it| (matched(it), std::cmp::Reverse(it.rule.clone())))?;
    (matched(best) > 0).then(|| best.rule.clone())
}

fn everyone(report: &Report) -> impl Iterator<Item = &Hypothesis> {
    report.hypotheses.iter().chain(&report.ruled_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coroner::report::Evidence;

    fn hypothesis(rule: &str, texts: &[&str]) -> Hypothesis {
        let evidence = |it: &&str| Evidence {
            text: Some((*it).to_owned()),
            value: Answer::True,
            polarity: Polarity::For,
            ..Evidence::default()
        };
        Hypothesis { rule: rule.to_owned(), evidence: texts.iter().map(evidence).collect(), ..Hypothesis::default() }
    }

    #[test]
    fn the_loudest_line_and_the_longest_list_mislead() {
        let log = b"10:00 probe failed 1\n10:01 probe failed 2\n10:00 kernel BUG at fs.h:2\nall is well\nall is well\n";
        let files = [("a.log".to_owned(), log.to_vec())];
        let cause = hypothesis("kernel-bug", &["10:00 kernel BUG at fs.h:2"]);
        let loud = hypothesis("probe-broken", &["10:00 probe failed 1", "10:01 probe failed 2"]);
        let report = Report { hypotheses: vec![cause, loud], ..Report::default() };
        assert_eq!(loudest_line(&files, &report).as_deref(), Some("probe-broken"));
        assert_eq!(most_signals(&report).as_deref(), Some("probe-broken"));
        assert_eq!(most_signals(&Report::default()), None);
    }
}
