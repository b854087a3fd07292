//! `/proc/pressure/{cpu,memory,io}`: how much of the time tasks stood still for want of something.
//!
//! ```text
//! some avg10=0.00 avg60=0.12 avg300=0.05 total=1234567
//! full avg10=0.00 avg60=0.00 avg300=0.00 total=345678
//! ```
//!
//! The resource is named by the path, by a `==> /proc/pressure/io <==` above or by `io: some …`. Units: percent, and
//! microseconds since boot. Time: none. Files of a single cgroup are not the node's and give nothing.
//!
//! Source: Documentation/accounting/psi.rst of Linux 4.20 and later.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "pressure",
    produced_by: "cat /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io",
    samples: &[
        "some avg10=0.00 avg60=0.12 avg300=0.05 total=1234567\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=345678\n",
        "==> /proc/pressure/memory <==\nsome avg10=1.00 avg60=0.12 avg300=0.05 total=1234567\n\n==> /proc/pressure/io <==\nsome avg10=99.00 avg60=90.12 avg300=80.05 total=12\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// A stall as a line states it.
struct Stall<'t> {
    resource: Option<&'static str>,
    kind: &'t str,
    averages: [f64; 3],
    total_micros: i64,
}

fn stall(line: &str) -> Option<Stall<'_>> {
    let mut cells = words(line);
    let first = cells.next()?;
    let (resource, kind) = match resource(first.trim_end_matches(':')) {
        Some(resource) => (Some(resource), cells.next()?),
        None => (None, first),
    };
    let mut number = |key: &str| cells.next()?.strip_prefix(key)?.strip_prefix('=')?.parse::<f64>().ok();
    let averages = [number("avg10")?, number("avg60")?, number("avg300")?];
    let total_micros = number("total")? as i64;
    matches!(kind, "some" | "full").then_some(Stall { resource, kind, averages, total_micros })
}

fn resource(word: &str) -> Option<&'static str> {
    ["cpu", "memory", "io", "irq"].into_iter().find(|it| *it == word)
}

/// `==> /proc/pressure/io <==`, `/proc/pressure/io:`, `io:`
fn heading(line: &str) -> Option<&'static str> {
    let bare = line.trim().trim_matches(['=', '<', '>', '#', ' ', ':']);
    if bare.contains(' ') {
        return None;
    }
    resource(bare.rsplit('/').next()?)
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let any = sniff.text.lines().take(6).any(|it| stall(it).is_some());
    let all = any && sniff.share(40, |it| stall(it).is_some() || heading(it).is_some()) >= 0.99;
    if all { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let path = input.origin.path.to_ascii_lowercase();
    let of_cgroup = path.contains("cgroup");
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut named = name.split(['.', '_', '-']).rev().find_map(resource);
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(resource) = heading(line.text) {
            named = Some(resource);
            return true;
        }
        let Some(stall) = stall(line.text) else { return false };
        if let Some(resource) = stall.resource.or(named).filter(|_| !of_cgroup) {
            let [avg10, avg60, avg300] = stall.averages;
            let row = Row::new(&relation::PRESSURE)
                .with("resource", resource)
                .with("kind", stall.kind)
                .with("avg10", avg10)
                .with("avg60", avg60)
                .with("avg300", avg300)
                .with("total_micros", stall.total_micros);
            state.push(row, line);
        }
        true
    });
    if !of_cgroup {
        // each resource has a file of its own
        state.collected(&relation::PRESSURE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, shown};

    #[test]
    fn the_resource_comes_from_path_or_heading() {
        let rows = |path: &str, text: &str| -> Vec<String> {
            let out = read_at(&FORMAT, path, text);
            let columns = ["resource", "kind", "avg10", "avg300", "total_micros"];
            shown(&out, "pressure", columns)
        };
        assert_eq!(
            rows("proc/pressure/memory", FORMAT.samples[0]),
            ["memory some 0 0.050 1234567", "memory full 0 0 345678"]
        );
        assert_eq!(rows("psi.txt", FORMAT.samples[1]), ["memory some 1 0.050 1234567", "io some 99 80.050 12"]);
        assert_eq!(rows("x", "cpu: some avg10=1.00 avg60=2.00 avg300=3.00 total=4\n"), ["cpu some 1 3 4"]);
        assert!(rows("sys/fs/cgroup/system.slice/memory.pressure", FORMAT.samples[0]).is_empty());
    }
}
