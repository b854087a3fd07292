//! `uptime`, and the first line of `w`: how long the machine is up and how much it has to do.
//!
//! ```text
//!  19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76
//! ```
//!
//! One row. Skipped: who is logged in. Units: load averages. Time: none; a clock without a date is printed.
//!
//! Source: procps' library/uptime.c, BusyBox's procps/uptime.c.

use timeline::{MemberRecords, Row, relation};

use crate::state::State;
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "uptime",
    produced_by: "uptime, w",
    samples: &[
        " 19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76\n",
        concat!(
            " 19:23:40 up 12 days,  3:04,  1 user,  load average: 0.83, 0.73, 0.76\n",
            "USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n",
            "root     pts/0    10.0.0.9         19:20    1.00s  0.02s  0.00s w\n"
        ),
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let mut lines = sniff.text.lines().filter(|it| !it.trim().is_empty());
    let first = lines.next().is_some_and(|it| load(it).is_some());
    // `top` begins alike and goes on otherwise
    match lines.next() {
        None if first && sniff.whole => Certainty::Sure,
        Some(header) if first && is_users(header) => Certainty::Sure,
        _ => Certainty::No,
    }
}

fn is_users(line: &str) -> bool {
    line.starts_with("USER ") && line.contains("LOGIN@")
}

/// ` 19:23:40 up 25 min,  1 user,  load average: 0.83, 0.73, 0.76`, also with commas for points
fn load(line: &str) -> Option<[f64; 3]> {
    let (head, averages) = line.split_once("load average: ")?;
    if !head.contains(" up ") || !head.trim_start().starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let mut numbers = averages.split(", ").map(|it| it.trim().replace(',', ".").parse::<f64>().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut users = false;
    state.each(|state, line| {
        if let Some([one, five, fifteen]) = load(line.text) {
            state.push(Row::new(&relation::LOAD).with("one", one).with("five", five).with("fifteen", fifteen), line);
            return true;
        }
        users |= is_users(line.text);
        users
    });
    state.collected(&relation::LOAD);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sample, sniff_certainty};

    #[test]
    fn three_averages() {
        let shown = |text: &str| -> Vec<String> {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            let out = read_at(&FORMAT, "x", text);
            facts(&out, "load").map(|it| ["one", "five", "fifteen"].map(|column| it.get(column).to_string()).join(" ")).collect()
        };
        assert_eq!(shown(FORMAT.samples[0]), ["0.830 0.730 0.760"]);
        assert_eq!(shown(FORMAT.samples[1]), ["0.830 0.730 0.760"]);
        assert_eq!(shown(" 19:23:40 up 1 day,  1 user,  load average: 1,5, 0,73, 0,76\n"), ["1.500 0.730 0.760"]);
        for text in ["the load average: 1, 2, 3\n", "9 nodes are up now\n", " 19:23:40 up 1 min, load average: 1, 2\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
        let Some(text) = sample("journal/public/hotsos-sosreports/kubernetes/uptime") else { return };
        assert_eq!(shown(&text).len(), 1);
    }
}
