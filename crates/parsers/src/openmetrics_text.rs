//! Scrapes: the Prometheus text format and OpenMetrics.
//!
//! ```text
//! # HELP container_threads Number of threads running inside the container
//! # TYPE container_threads gauge
//! container_threads{namespace="prod",pod="order-sync"} 41870 1690120800000
//! # EOF
//! ```
//!
//! Only values with a timestamp become series (`/federate`, cAdvisor, `dump-openmetrics`); of a plain scrape nobody
//! wrote down when it was made, which is said once. A series whose values stand apart comes in pieces. Skipped:
//! metadata, exemplars, native histograms. Time: milliseconds since the epoch, in OpenMetrics seconds.
//!
//! Source: prometheus.io/docs/instrumenting/exposition_formats; the OpenMetrics 1.0 specification.

use timeline::MemberRecords;

use crate::exposition::{Samples, Unit, label_part, labels, millis, value};
use crate::{Certainty, Chunk, Format, Origin, Reader, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "openmetrics-text",
    produced_by: "curl …/metrics, curl …/federate",
    samples: &[concat!(
        "# HELP container_threads Number of threads running inside the container\n",
        "# TYPE container_threads gauge\n",
        "container_threads{namespace=\"prod\",pod=\"order-sync\"} 41870 1690120800000\n",
        "container_threads{namespace=\"prod\",pod=\"web-0\"} 17 1690120800000\n"
    )],
    recognizes,
    reading: Reading::Stream(|origin| {
        Box::new(Scrape { origin: origin.clone(), samples: Samples::new(origin, Unit::BySize), odd: 0 })
    }),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let share = sniff.share(200, |line| metadata(line) || is_sample(line));
    if share < 0.9 {
        return Certainty::No;
    }
    // promtool's dump has an end mark, too
    if sniff.text.lines().take(400).any(|it| metadata(it) && it != "# EOF") {
        return Certainty::Sure;
    }
    // without metadata only braces tell a sample from any word and number
    let braced = sniff.share(200, |line| line.contains('{') && is_sample(line));
    if braced > 0.5 { Certainty::Likely } else { Certainty::No }
}

/// `# HELP x …`, `# TYPE x gauge`, `# UNIT x seconds`, `# EOF`
fn metadata(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("# ") else { return false };
    rest == "EOF"
        || rest.strip_prefix("TYPE ").is_some_and(|it| {
            let kind = it.rsplit(' ').next().unwrap_or_default();
            matches!(
                kind,
                "counter" | "gauge" | "histogram" | "summary" | "untyped" | "unknown" | "info" | "stateset" | "gaugehistogram"
            )
        })
        || rest.strip_prefix("HELP ").or_else(|| rest.strip_prefix("UNIT ")).is_some_and(|it| {
            let name = it.split(' ').next().unwrap_or_default();
            labels(name).is_some_and(|(metric, _)| !metric.is_empty()) || name.starts_with('"')
        })
}

/// `a{x="1"} 1`, `a 1 1690120800000`, `a 1 1690120800.5 # {trace="t"} 0.6`
fn is_sample(line: &str) -> bool {
    let Some((part, rest)) = label_part(line) else { return false };
    let (rest, _exemplar) = rest.split_once(" # ").unwrap_or((rest, ""));
    let mut cells = rest.split_ascii_whitespace();
    cells.next().and_then(value).is_some()
        && cells.next().is_none_or(|it| millis(it, Unit::BySize).is_some())
        && cells.next().is_none()
        && labels(part).is_some_and(|(metric, _)| !metric.is_empty())
}

struct Scrape {
    origin: Origin,
    samples: Samples,
    odd: u32,
}

/// After so many lines that are no samples it is not worth naming each.
const MOST_ISSUES: u32 = 20;

impl Reader for Scrape {
    fn read(&mut self, chunk: &Chunk<'_>, out: &mut MemberRecords) {
        for line in chunk.lines().filter(|it| !it.text.trim().is_empty()) {
            out.tally.lines += 1;
            if line.text.starts_with('#') || self.samples.line(&line, out) {
                out.tally.understood += 1;
            } else {
                out.tally.odd_bytes += line.text.len() as u64;
                self.odd += 1;
                if self.odd <= MOST_ISSUES {
                    out.issue(self.origin.member, line.number, "no sample of a metric");
                }
            }
        }
    }

    fn finish(&mut self, out: &mut MemberRecords) {
        self.samples.finish(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sample, series, sniff_certainty};

    #[test]
    fn values_with_a_time_become_series() {
        let text = "# TYPE a gauge\na{x=\"1\"} 1 1690120800000\na{x=\"2\"} 2 1690120800000 # {trace=\"t\"} 0.6\nb 3 1690120800.25\nc 4\n";
        let out = read_at(&FORMAT, "x", text);
        let found: Vec<_> = series(&out).map(|it| (it.title(), it.points.first().map_or(0, |it| it.millis))).collect();
        let at = 1_690_120_800_000;
        assert_eq!(
            found,
            [("a{x=\"1\"}".to_owned(), at), ("a{x=\"2\"}".to_owned(), at), ("b{}".to_owned(), at + 250)]
        );
        assert_eq!(out.issues.len(), 1);
        assert_eq!((out.tally.lines, out.tally.understood), (5, 5));
    }

    #[test]
    fn words_and_numbers_are_not_metrics() {
        for text in ["nr_free_pages 32312\noom_kill 0\n", "# TYPE what?\n", "# HELP me please\nsay what\n", "cpu 1 2 3\n",
            "Feb 11 19:23:39 node-a kubelet[1]: x=\"y\" {\n", "free 1\nused 2\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn real_scrapes() {
        for (path, with_time) in [
            ("metrics/federate.txt", true),
            ("metrics/cadvisor_like_text_with_timestamps.txt", true),
            ("metrics/node_exporter_text.txt", false),
            ("metrics/prometheus_self_text.txt", false),
            ("metrics/prometheus-testdata/alltypes.5mfs.om.txt", false),
            ("metrics/prometheus-testdata/metrics-test.prom", false),
        ] {
            let Some(text) = sample(path) else { return };
            assert_eq!(sniff_certainty(&FORMAT, path, &text), Certainty::Sure, "{path}");
            let out = read_at(&FORMAT, path, &text);
            assert_eq!(out.tally.lines, out.tally.understood, "{path}");
            assert_eq!(series(&out).count() > 0, with_time, "{path}");
        }
    }
}
