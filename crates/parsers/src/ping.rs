//! `ping`: whether an address answered.
//!
//! ```text
//! PING 10.64.75.0 (10.64.75.0) 56(84) bytes of data.
//! From 10.64.0.247 icmp_seq=1 Destination Host Unreachable
//! --- 10.64.75.0 ping statistics ---
//! 2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1008ms
//! rtt min/avg/max/mdev = 0.080/0.197/0.314/0.117 ms
//! ping: connect: Invalid argument
//! ```
//!
//! One row a run; its quotes are the counts and the first error. `Invalid argument` is what a sender gets whose own route is a
//! blackhole. Whose ping it is only the place of the file tells; a ping from a pod reads the same. Skipped: single answers.
//! Units: milliseconds. Time: none.
//!
//! Source: iputils' `ping/ping_common.c`, BusyBox's `networking/ping.c`.

use timeline::{Fact, MemberRecords, Quote, Row, Stamp, relation};

use crate::state::{State, words};
use crate::{Certainty, Format, Input, Line, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ping",
    produced_by: "ping, ping6",
    samples: &[
        "PING 10.64.75.0 (10.64.75.0) 56(84) bytes of data.\nFrom 10.64.0.247 icmp_seq=1 Destination Host Unreachable\n\n--- 10.64.75.0 ping statistics ---\n2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1008ms\n",
        "PING 10.64.75.4 (10.64.75.4): 56 data bytes\n64 bytes from 10.64.75.4: seq=0 ttl=62 time=0.211 ms\n\n--- 10.64.75.4 ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\nround-trip min/avg/max = 0.211/0.211/0.211 ms\n",
        "$ ping -c1 10.64.75.0\nping: connect: Invalid argument\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a line of ping's is.
#[derive(Debug, PartialEq)]
enum Said<'t> {
    /// `PING 10.64.75.0 (10.64.75.0) 56(84) bytes of data.`
    Begins(&'t str),
    /// `$ ping -c2 10.64.75.0`
    Asked(Option<&'t str>),
    /// `64 bytes from 10.64.75.0: icmp_seq=1 ttl=63 time=0.314 ms`
    Answer,
    /// `From 10.64.0.247 icmp_seq=1 Destination Host Unreachable`, `ping: connect: Invalid argument`
    Error(&'t str),
    /// `--- 10.64.75.0 ping statistics ---`
    Statistics(&'t str),
    /// `2 packets transmitted, 0 received, 100% packet loss, time 1008ms`
    Counts { sent: i64, received: i64, loss: f64 },
    /// `rtt min/avg/max/mdev = 0.080/0.197/0.314/0.117 ms`
    Times(f64),
    /// A command besides, and what it answered.
    Aside,
}

fn said(line: &str) -> Option<Said<'_>> {
    let bare = line.trim();
    if let Some(rest) = bare.strip_prefix("PING ") {
        return rest.contains("data").then(|| rest.split([' ', '(', ':']).next()).flatten().map(Said::Begins);
    }
    if let Some((_, command)) = prompt(bare) {
        let mut cells = words(command);
        let program = cells.next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        return Some(if matches!(program, "ping" | "ping6") { Said::Asked(target(command)) } else { Said::Aside });
    }
    if let Some(rest) = bare.strip_prefix("--- ") {
        return rest.strip_suffix(" ping statistics ---").map(Said::Statistics);
    }
    if bare.contains(" packets transmitted, ") {
        return counts(bare);
    }
    if let Some(rest) = bare.strip_prefix("rtt min/avg/max").or_else(|| bare.strip_prefix("round-trip min/avg/max")) {
        let numbers = rest.split_once(" = ")?.1;
        return numbers.split('/').nth(1)?.trim().parse().ok().map(Said::Times);
    }
    if bare.contains(" bytes from ") && bare.contains("seq=") {
        return Some(Said::Answer);
    }
    if let Some(error) = bare.strip_prefix("ping: ").or_else(|| bare.strip_prefix("ping6: ")) {
        return Some(Said::Error(error));
    }
    if let Some(rest) = bare.strip_prefix("From ") {
        let mut cells = rest.splitn(3, ' ');
        let (_, seq, error) = (cells.next()?, cells.next()?, cells.next()?);
        return (seq.contains("seq=")).then_some(Said::Error(error));
    }
    let errors = ["connect: ", "sendmsg: ", "no answer yet for icmp_seq=", "Request timeout for icmp_seq"];
    if errors.iter().any(|it| bare.starts_with(it)) {
        return Some(Said::Error(bare));
    }
    let around = ["RTNETLINK answers: ", "pipe ", "^C", "#", "WARNING: ", "command terminated with exit code "];
    around.iter().any(|it| bare.starts_with(it)).then_some(Said::Aside)
}

/// `$ ping -c2 10.64.75.0`, `root@node-a:~# ping 10.64.75.0`: what stands before the command, and the command.
fn prompt(line: &str) -> Option<(&str, &str)> {
    let (before, command) = line.split_once("$ ").or_else(|| line.split_once("# "))?;
    let named = before.is_empty() || before.contains('@') && !before.contains(' ');
    (named && command.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/')).then_some((before, command))
}

/// The address in a command: no option, and no value of one.
fn target(command: &str) -> Option<&str> {
    let command = command.split(" #").next().unwrap_or(command);
    words(command).skip(1).filter(|it| !it.starts_with('-') && it.contains(['.', ':'])).last()
}

/// `2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1008ms`
fn counts(line: &str) -> Option<Said<'static>> {
    let first = |it: &str| it.trim().split(' ').next().map(str::to_owned);
    let mut parts = line.split(',');
    let sent = first(parts.next()?)?.parse().ok()?;
    let received = first(parts.next()?)?.parse().ok()?;
    let loss = parts.find(|it| it.contains("packet loss"))?;
    let loss = first(loss)?.trim_end_matches('%').parse().ok().filter(|it: &f64| it.is_finite())?;
    Some(Said::Counts { sent, received, loss })
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if !["PING ", "ping: ", " ping statistics"].iter().any(|it| sniff.text.contains(it)) {
        return Certainty::No;
    }
    let (mut runs, mut asked) = (0, 0);
    let share = sniff.share(200, |line| match said(line) {
        Some(Said::Begins(_) | Said::Statistics(_)) => {
            runs += 1;
            true
        }
        Some(Said::Asked(_)) => {
            asked += 1;
            true
        }
        it => it.is_some(),
    });
    if (runs > 0 || asked > 0 && sniff.text.contains("ping: ")) && share >= 0.8 { Certainty::Sure } else { Certainty::No }
}

/// A run while its lines come in.
#[derive(Default)]
struct Run<'t> {
    target: Option<&'t str>,
    error: Option<(&'t str, Quote)>,
    counts: Option<(i64, i64, f64, Quote)>,
    average: Option<f64>,
}

impl Run<'_> {
    fn hand_out(self, state: &mut State<'_, '_, '_>) {
        let mut row = Row::new(&relation::PING).with("target", self.target);
        let mut quotes = Vec::new();
        if let Some((sent, received, loss, quote)) = self.counts {
            row = row.with("sent", sent).with("received", received).with("loss_percent", loss);
            quotes.push(quote);
        }
        if let Some((error, quote)) = self.error {
            row = row.with("error", error);
            quotes.push(quote);
        }
        let Some(first) = quotes.first().cloned() else { return };
        let row = row.with("rtt_avg_millis", self.average);
        let mut fact = Fact::new(row, state.input.origin.node.clone(), first);
        fact.quotes = quotes;
        state.fact(fact, Stamp::None);
    }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut run = Run::default();
    let mut state = State::of(input, out);
    state.each(|state, line| {
        let Some(said) = said(line.text) else { return false };
        take(&mut run, said, line, state);
        true
    });
    run.hand_out(&mut state);
}

fn take<'t>(run: &mut Run<'t>, said: Said<'t>, line: &Line<'t>, state: &mut State<'_, 't, '_>) {
    let quote = || state.input.origin.quote(line);
    match said {
        Said::Asked(target) => {
            let done = std::mem::replace(run, Run { target, ..Run::default() });
            done.hand_out(state);
        }
        Said::Begins(target) => {
            // what was asked for may be a name; the command and the answer are one run
            if run.counts.is_some() || run.error.is_some() {
                std::mem::take(run).hand_out(state);
            }
            run.target = Some(target);
        }
        Said::Statistics(target) => run.target = Some(target),
        Said::Error(error) => {
            let quote = quote();
            run.error.get_or_insert((error, quote));
        }
        Said::Counts { sent, received, loss } => run.counts = Some((sent, received, loss, quote())),
        Said::Times(average) => run.average = Some(average),
        Said::Aside if prompt(line.text.trim()).is_some() => std::mem::take(run).hand_out(state),
        Said::Answer | Said::Aside => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample, sniff_certainty};

    fn rows(text: &str) -> Vec<String> {
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
        rows_of(&FORMAT, "x", text, "ping", ["target", "sent", "received", "loss_percent", "rtt_avg_millis", "error"]).into_iter().map(|it| it.replace("unknown", "-")).collect()
    }

    #[test]
    fn runs_of_each_kind() {
        assert_eq!(rows(FORMAT.samples[0]), ["10.64.75.0 2 0 100 - Destination Host Unreachable"]);
        assert_eq!(rows(FORMAT.samples[1]), ["10.64.75.4 1 1 0 0.211 -"]);
        assert_eq!(rows(FORMAT.samples[2]), ["10.64.75.0 - - - - connect: Invalid argument"]);
    }

    #[test]
    fn prose_is_not_claimed() {
        for text in ["PING me at noon\n", "--- a/x\n+++ b/x\n", "ping: see below\n", "From node-a we see nothing\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn the_behaviour_of_a_blackhole() {
        let Some(text) = sample("network/scenario-borrowed-nomesh/ping.txt") else { return };
        // what else was measured stands below
        let end = text.find("rp_filter=").unwrap_or(text.len());
        let rows = rows(&text[..end]);
        assert_eq!(rows[0], "10.64.75.0 - - - - connect: Invalid argument");
        assert_eq!(rows[1], "10.64.75.0 2 0 100 - -");
        assert!(rows[2].starts_with("10.64.75.0 2 2 0 0.197"), "{rows:?}");
    }
}
