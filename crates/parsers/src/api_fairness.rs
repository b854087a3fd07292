//! What an API server's priority and fairness says of its queues: `/debug/api_priority_and_fairness/dump_…`.
//!
//! ```text
//! PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests
//! workload-low,      3,            false,  false,       41,              14,                90211,              312
//! exempt,            <none>,       <none>, <none>,      <none>,          <none>,            <none>,             <none>
//! ```
//!
//! One row a level. Queues and requests are known for what they are: a level sums up its queues. Counters run since the API
//! server began. Skipped: seats. Units: requests. Time: none, true when collected.
//!
//! Source: `staging/src/k8s.io/apiserver/pkg/util/flowcontrol/dump.go`.

use timeline::{MemberRecords, Row, relation};

use crate::state::{State, first_line};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "api-fairness",
    produced_by: "kubectl get --raw /debug/api_priority_and_fairness/dump_priority_levels (dump_queues, dump_requests), must-gather",
    samples: &[
        concat!(
            "PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests\n",
            "workload-low,      3,            false,  false,       41,              14,                90211,              312,              7,                0\n",
            "exempt,            0,            true,   false,       0,               0,                 1200,               0,                0,                0\n",
        ),
        "PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests\nworkload-high,     0,            false,  false,       0,               12\nexempt,            <none>,       <none>, <none>,      <none>,          <none>\n",
        "PriorityLevelName,                 Index,  PendingRequests, ExecutingRequests, VirtualStart\nworkload-high,                     0,      0,               0,                 0.0000\n",
        "PriorityLevelName, FlowSchemaName, QueueIndex, RequestIndexInQueue, FlowDistingsher, ArriveTime\nworkload-low, service-accounts, 7, 0, system:serviceaccount:monitoring:agent, 2024-01-31T10:00:00.100000000Z\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// The names of the columns, where this is a header of one of the three.
fn header(line: &str) -> Option<Vec<&str>> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let known = ["WaitingRequests", "PendingRequests", "FlowSchemaName"];
    (cells[0] == "PriorityLevelName" && cells.iter().any(|it| known.contains(it))).then_some(cells)
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if first_line(sniff.text).and_then(header).is_some() { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    let mut columns: Vec<&str> = Vec::new();
    let mut levels = false;
    state.each(|state, line| {
        if let Some(found) = header(line.text) {
            levels = found.contains(&"WaitingRequests");
            columns = found;
            return true;
        }
        let cells: Vec<&str> = line.text.split(',').map(str::trim).collect();
        // what distinguishes a flow may hold a comma
        if columns.is_empty() || cells.len() < columns.len() || cells[0].is_empty() {
            return false;
        }
        if levels {
            let number = |name: &str| {
                let at = columns.iter().position(|it| *it == name)?;
                cells.get(at)?.parse::<i64>().ok()
            };
            let row = Row::new(&relation::API_PRIORITY)
                .with("level", cells[0])
                .with("waiting", number("WaitingRequests"))
                .with("executing", number("ExecutingRequests"))
                .with("dispatched", number("DispatchedRequests"))
                .with("rejected", number("RejectedRequests"))
                .with("timed_out", number("TimedoutRequests"))
                .with("cancelled", number("CancelledRequests"));
            state.push(row, line);
        }
        true
    });
    if levels {
        state.collected(&relation::API_PRIORITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read_at, sniff_certainty, sure_rows_of};

    #[test]
    fn levels_of_old_and_new() {
        let columns = ["level", "waiting", "executing", "dispatched", "rejected", "timed_out", "cancelled"];
        let rows = |text: &str| sure_rows_of(&FORMAT, text, "api.priority", columns);
        assert_eq!(rows(FORMAT.samples[0]), ["workload-low 41 14 90211 312 7 0", "exempt 0 0 1200 0 0 0"]);
        assert_eq!(
            rows(FORMAT.samples[1]),
            [
                "workload-high 0 12 unknown unknown unknown unknown",
                "exempt unknown unknown unknown unknown unknown unknown"
            ],
        );
        for text in &FORMAT.samples[2..] {
            assert!(rows(text).is_empty());
            assert!(read_at(&FORMAT, "x", text).collected.is_empty(), "no list of levels");
        }
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in ["PriorityLevelName, Index\nx, 7\n", "name, WaitingRequests\nx, 7\n", "PriorityLevelName\n"] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }
}
