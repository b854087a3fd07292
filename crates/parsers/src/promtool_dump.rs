//! `promtool tsdb dump` and `promtool tsdb dump-openmetrics`: raw samples with the times of their scrapes.
//!
//! ```text
//! {__name__="node_processes_threads", instance="127.0.0.1:9100", job="node"} 41870 1690120800123
//! node_processes_threads{instance="127.0.0.1:9100",job="node"} 41870 1690120800.123
//! ```
//!
//! Ordered by labels, then time. Native histograms become the series of classic ones. A `NaN` after a number is a staleness marker or a value
//! that is none; either way the series has no value from then on. Time: milliseconds since the epoch in the first
//! form, seconds with three decimals in the second.
//!
//! Source: `cmd/promtool/tsdb.go` in prometheus.

use timeline::MemberRecords;

use crate::exposition::{Samples, Unit, label_part, labels, millis, value};
use crate::{Certainty, Chunk, Format, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "promtool-dump",
    produced_by: "promtool tsdb dump",
    samples: &[
        concat!(
            "{__name__=\"up\", instance=\"127.0.0.1:9100\", job=\"node\"} 1 1690120800123\n",
            "{__name__=\"up\", instance=\"127.0.0.1:9100\", job=\"node\"} NaN 1690120815123\n"
        ),
        "my_counter{baz=\"abc\",foo=\"bar\"} 1 0.000\nmy_counter{baz=\"abc\",foo=\"bar\"} 2 60.000\n# EOF\n",
    ],
    recognizes,
    reading: Reading::Stream(open),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if sniff.share(100, is_dump_line) > 0.9 {
        return Certainty::Sure;
    }
    // dump-openmetrics has no HELP and no TYPE, and seconds with exactly three decimals
    if sniff.share(100, |line| is_openmetrics_line(line) || line == "# EOF") > 0.95
        && sniff.share(100, is_openmetrics_line) > 0.5
    {
        return Certainty::Sure;
    }
    Certainty::No
}

/// `{__name__="up", job="node"} 1 1690120800123`
fn is_dump_line(line: &str) -> bool {
    let Some((part, rest)) = label_part(line) else { return false };
    part.starts_with('{')
        && part.contains("__name__=\"")
        && labels(part).is_some()
        && rest.rsplit_once(' ').is_some_and(|(_, stamp)| millis(stamp, Unit::Millis).is_some())
}

/// `my_counter{baz="abc",foo="bar"} 2 60.000`
fn is_openmetrics_line(line: &str) -> bool {
    let Some((part, rest)) = label_part(line) else { return false };
    let Some((number, stamp)) = rest.split_once(' ') else { return false };
    let decimals = stamp.split_once('.').is_some_and(|(whole, part)| {
        part.len() == 3 && whole.bytes().chain(part.bytes()).all(|it| it.is_ascii_digit() || it == b'-')
    });
    decimals && value(number).is_some() && labels(part).is_some_and(|(metric, _)| !metric.is_empty())
}

fn open(origin: &Origin) -> Box<dyn Reader> {
    Box::new(Dump { origin: origin.clone(), samples: None })
}

struct Dump {
    origin: Origin,
    samples: Option<Samples>,
}

impl Reader for Dump {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        for line in chunk.lines().filter(|it| !it.text.trim().is_empty()) {
            out.tally.lines += 1;
            let unit = if line.text.starts_with('{') { Unit::Millis } else { Unit::BySize };
            let samples = self.samples.get_or_insert_with(|| Samples::new(&self.origin, unit));
            if line.text.starts_with('#') || samples.line(&line, out) {
                out.tally.understood += 1;
            } else {
                out.tally.odd_bytes += line.text.len() as u64;
                out.issue(self.origin.member, line.number, "no sample of a series");
            }
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        if let Some(samples) = &mut self.samples {
            samples.finish(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{origin, read_at, sample, samples_in, series, sniff_certainty};

    #[test]
    fn both_dumps_give_the_same_series() {
        let dump = "{__name__=\"a\", x=\"1\"} 1 1690120800123\n{__name__=\"a\", x=\"1\"} 2.5e+06 1690120815123\n{__name__=\"b\"} +Inf 1690120800123\n";
        let text = "a{x=\"1\"} 1 1690120800.123\na{x=\"1\"} 2.5e+06 1690120815.123\nb +Inf 1690120800.123\n# EOF\n";
        let found = |text: &str| -> Vec<_> {
            let out = read_at(&FORMAT, "x", text);
            assert_eq!(out.tally.lines, out.tally.understood);
            series(&out)
                .map(|it| (it.title(), it.points.iter().map(|it| (it.millis, it.value)).collect::<Vec<_>>()))
                .collect()
        };
        let expected = [
            ("a{x=\"1\"}".to_owned(), vec![(1_690_120_800_123, 1.0), (1_690_120_815_123, 2.5e6)]),
            ("b{}".to_owned(), vec![(1_690_120_800_123, f64::INFINITY)]),
        ];
        assert_eq!(found(dump), expected);
        assert_eq!(found(text), expected);
        assert_eq!(sniff_certainty(&FORMAT, "x", dump), Certainty::Sure);
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
    }

    #[test]
    fn series_of_a_file_share_their_words() {
        let dump = "{__name__=\"a\", job=\"x\"} 1 1690120800000\n{__name__=\"b\", job=\"x\"} 1 1690120800000\n";
        let answer = "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[\
            {\"metric\":{\"__name__\":\"a\",\"job\":\"x\"},\"values\":[[1690120800,\"1\"]]},\
            {\"metric\":{\"__name__\":\"b\",\"job\":\"x\"},\"values\":[[1690120800,\"1\"]]}]}}\n";
        for (format, text) in [(&FORMAT, dump), (&crate::prometheus_api::FORMAT, answer)] {
            let out = read_at(format, "x", text);
            let labels: Vec<_> = series(&out).map(|it| it.labels[0].clone()).collect();
            assert_eq!(labels.len(), 2, "{}", format.name);
            assert!(std::sync::Arc::ptr_eq(&labels[0].0, &labels[1].0) && std::sync::Arc::ptr_eq(&labels[0].1, &labels[1].1));
        }
    }

    #[test]
    fn native_histograms_are_series_of_classic_ones() {
        let text = concat!(
            "{__name__=\"h\", job=\"x\"} {count:3, sum:1.5, (0.5,1]:2, (1,2]:1} 1690120800000\n",
            "{__name__=\"h\", job=\"x\"} {count:5, sum:4.5, (0.5,1]:3, (1,2]:2} 1690120815000\n",
            "{__name__=\"h\", job=\"x\"} {count:0, sum:NaN} 1690120830000\n",
            "{__name__=\"up\", job=\"x\"} 1 1690120800000\n",
        );
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
        let out = read_at(&FORMAT, "x", text);
        assert_eq!((out.tally.lines, out.tally.understood, out.issues.len()), (4, 4, 0));
        let told: Vec<String> = series(&out)
            .map(|it| {
                let points: Vec<String> = it.points.iter().map(|it| it.value.to_string()).collect();
                format!("{} {} stale {}", it.title(), points.join(" "), it.stale.len())
            })
            .collect();
        assert_eq!(
            told,
            [
                "h_bucket{job=\"x\", le=\"1\"} 2 3 stale 0",
                "h_bucket{job=\"x\", le=\"2\"} 3 5 stale 0",
                "h_bucket{job=\"x\", le=\"+Inf\"} 3 5 stale 1",
                "h_count{job=\"x\"} 3 5 stale 1",
                "h_sum{job=\"x\"} 1.5 4.5 stale 1",
                "up{job=\"x\"} 1 stale 0",
            ]
        );
        let parts = crate::read(&FORMAT, &origin("x"), text, 10);
        assert_eq!(out.records, parts.records);
    }

    #[test]
    fn chunks_do_not_matter() {
        let Some(text) = sample("metrics/promtool/tsdb_dump.txt") else { return };
        let whole = read_at(&FORMAT, "tsdb_dump.txt", &text);
        let parts = crate::read(&FORMAT, &origin("tsdb_dump.txt"), &text, 1000);
        assert_eq!(whole.records, parts.records);
        assert_eq!(whole.tally.lines, whole.tally.understood);
        let points: usize = series(&whole).map(|it| it.points.len()).sum();
        let stale: usize = series(&whole).map(|it| it.stale.len()).sum();
        let not_numbers = text.lines().filter(|it| it.contains("} NaN ")).count();
        assert_eq!(points as u64, whole.tally.lines - not_numbers as u64);
        assert!(stale > 0 && stale <= not_numbers);
    }

    #[test]
    fn upstream_dumps() {
        for path in samples_in("metrics/prometheus-testdata") {
            let Some(text) = sample(&path) else { return };
            let dump = path.contains("dump-test") || path.contains("dump-openmetrics");
            let expected = if dump { Certainty::Sure } else { Certainty::No };
            assert_eq!(sniff_certainty(&FORMAT, &path, &text), expected, "{path}");
            if dump {
                let out = read_at(&FORMAT, &path, &text);
                assert_eq!(out.issues, [], "{path}");
                assert!(series(&out).count() > 0, "{path}");
            }
        }
    }
}
