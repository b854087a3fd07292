//! `docker stats`, `crictl stats`: what each container of a node uses.
//!
//! ```text
//! CONTAINER ID   NAME                 CPU %     MEM USAGE / LIMIT     MEM %     NET I/O     BLOCK I/O     PIDS
//! 13e4da0e641d   k8s_app_web-0_prod_… 0.21%     18.32MiB / 3.84GiB    0.47%     0B / 0B     12MB / 0B     1400
//! CONTAINER           NAME     CPU %               MEM                 DISK                INODES
//! ```
//!
//! One row a container, a sandbox none. Skipped: network, disks. Units: bytes, percent of one processor. Time: none, true when
//! collected.
//!
//! Source: docker's cli/command/formatter/stats.go, cri-tools' cmd/crictl/stats.go.

use timeline::{MemberRecords, Row, relation};

use crate::container_list::{cells, of_kubernetes};
use crate::state::{State, begins};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "container-stats",
    produced_by: "docker stats --no-stream, crictl stats",
    samples: &[
        concat!(
            "CONTAINER ID   NAME                                       CPU %     MEM USAGE / LIMIT     MEM %     NET I/O           BLOCK I/O         PIDS\n",
            "13e4da0e641d   k8s_app_web-0_prod_f44e45ba-5293_3         0.21%     18.32MiB / 3.84GiB    0.47%     0B / 0B           12.3MB / 0B       1400\n",
            "9d0f687d3f3a   k8s_POD_web-0_prod_f44e45ba-5293_0         0.00%     0.5MiB / 3.84GiB      0.01%     0B / 0B           0B / 0B           1\n",
        ),
        "CONTAINER           NAME                CPU %               MEM                 DISK                INODES\n13e4da0e641d1       web                 0.21                18.3MB              32.8kB              11\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Docker,
    /// Whether the container's name is printed.
    Crictl { named: bool },
}

fn header(line: &str) -> Option<Kind> {
    if begins(line, &["CONTAINER", "ID", "NAME", "CPU", "%"]) && line.contains("MEM USAGE / LIMIT") {
        return Some(Kind::Docker);
    }
    let crictl = line.starts_with("CONTAINER ") && line.contains(" CPU % ") && line.contains(" MEM ") && line.contains("INODES");
    crictl.then(|| Kind::Crictl { named: line.contains(" NAME ") })
}

/// `18.32MiB`, `18.3MB`, `512kB`, `0B`: docker counts in powers of two where it says so
fn bytes(cell: &str) -> Option<i64> {
    let digits = cell.bytes().take_while(|it| it.is_ascii_digit() || *it == b'.').count();
    let (number, unit) = cell.split_at(digits);
    let scale = match unit {
        "B" | "" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        "TiB" => 1_099_511_627_776.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * scale;
    (0.0..9e18).contains(&bytes).then_some(bytes as i64)
}

fn percent(cell: &str) -> Option<f64> {
    cell.trim_end_matches('%').parse().ok().filter(|it: &f64| it.is_finite())
}

/// The row of a container; nothing inside for a sandbox.
fn row(kind: Kind, line: &str) -> Option<Option<Row>> {
    let cells = cells(line);
    let row = Row::new(&relation::CONTAINER_USAGE);
    if let Kind::Crictl { named } = kind {
        let at = 1 + usize::from(named);
        let memory = bytes(cells.get(at + 1)?)?;
        let row = row.with("cpu_percent", percent(cells.get(at)?)?).with("memory_bytes", memory);
        return Some(Some(row.with("container", cells.get(usize::from(named)).copied())));
    }
    let [_, name, cpu, memory, ..] = cells[..] else { return None };
    let (used, limit) = memory.split_once(" / ")?;
    // what has ended is printed as dashes
    let (used, limit, cpu) = (bytes(used), bytes(limit), percent(cpu));
    if used.is_none() && memory != "-- / --" {
        return None;
    }
    let processes = cells.last().and_then(|it| it.parse::<i64>().ok());
    let row = row.with("processes", processes).with("memory_bytes", used).with("memory_limit_bytes", limit).with("cpu_percent", cpu);
    Some(match of_kubernetes(name) {
        Some(it) if it.container == "POD" => None,
        Some(it) => Some(row.with("namespace", it.namespace).with("pod", it.pod).with("container", it.container)),
        None => Some(row.with("container", name)),
    })
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let Some(kind) = sniff.text.lines().take(3).find_map(header) else { return Certainty::No };
    if sniff.share(200, |it| header(it).is_some() || row(kind, it).is_some()) >= 0.8 { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut kind: Option<Kind> = None;
    let mut state = State::of(input, out);
    state.each(|state, line| {
        if let Some(found) = header(line.text) {
            kind = Some(found);
            return true;
        }
        let Some(row) = kind.and_then(|it| row(it, line.text)) else { return false };
        if let Some(row) = row {
            state.push(row, line);
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sniff_certainty};

    #[test]
    fn containers_of_both_tools() {
        let rows = |text: &str| {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure, "{text}");
            let columns = ["namespace", "pod", "container", "processes", "memory_bytes", "memory_limit_bytes"];
            rows_of(&FORMAT, "x", text, "container.usage", columns)
        };
        assert_eq!(rows(FORMAT.samples[0]), ["prod web-0 app 1400 19209912 4123168604"]);
        assert_eq!(rows(FORMAT.samples[1]), ["unknown unknown web unknown 18300000 unknown"]);
        let plain = "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O   BLOCK I/O   PIDS\n13e4da0e641d   redis     --        -- / --             --        --        --          --\n";
        assert_eq!(rows(plain), ["unknown unknown redis unknown unknown unknown"]);
        for text in ["CONTAINER ID NAME\n", "CONTAINER CPU MEM\nx y z\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
