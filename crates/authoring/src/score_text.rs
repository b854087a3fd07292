//! A score for people.

use std::fmt::Write as _;

use crate::score::Score;

/// The score as a page; every incident and variant that went wrong is named.
#[must_use]
pub fn score_text(score: &Score) -> String {
    let mut page = String::new();
    let mut line = |label: &str, value: String| {
        let _ = writeln!(page, "{label:<34}{value}");
    };
    let incidents = score.incidents.len();
    let with_cause = score.incidents.iter().filter(|it| it.cause.is_some()).count();
    line("incidents", format!("{incidents}: {with_cause} with a cause, {} silent", incidents - with_cause));
    line("cause is first (AC@1)", score.first.to_string());
    line("cause is among three (AC@3)", score.among_three.to_string());
    line("exact set of causes", score.exact_set.to_string());
    line("grounded", score.grounded.to_string());
    line("false claims where silent", score.false_claims.to_string());
    line("unknown: precision", score.unknown_precision.to_string());
    line("unknown: recall", score.unknown_recall.to_string());
    line("quotes that stand", score.quotes.to_string());
    line("rejected theories kept below", score.rejected.to_string());
    let _ = writeln!(page, "\nright, by band of the first hypothesis");
    for (band, share) in score.bands.iter().rev() {
        let _ = writeln!(page, "  {band:<32}{share}");
    }
    let _ = writeln!(page, "\nwhat others would have answered");
    for (name, share) in &score.baselines {
        let _ = writeln!(page, "  {name:<32}{share}");
    }
    let _ = writeln!(page, "  {:<32}{:.1} % on average", "random", score.random * 100.0);
    if !score.variants.is_empty() {
        let _ = writeln!(page, "\nvariants of the incidents         right        same answer   more modest");
        for (kind, changed) in &score.variants {
            let right = format!("{} of {}", changed.right.part, changed.right.whole);
            let _ = writeln!(page, "  {kind:<32}{right:<13}{:<14}{}", changed.kept, changed.lowered);
        }
    }
    let mut heading = "\nwhat went wrong\n";
    for it in &score.incidents {
        for wrong in &it.wrong {
            let _ = writeln!(page, "{heading}  {}: {wrong}", it.name);
            heading = "";
        }
    }
    for (kind, changed) in &score.variants {
        for wrong in &changed.wrong {
            let _ = writeln!(page, "{heading}  {kind}: {wrong}");
            heading = "";
        }
    }
    page
}
