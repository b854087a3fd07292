//! Alerts of the user's own Prometheus rules that would have fired.
//!
//! Relation `alert`, one row an alert and label set. The rows are worked out by the engine, which knows the files given by
//! `--alerts`; this says what they look like. Without such files nothing is known of any alert.

use timeline::Relation;

use super::Detector;

pub(crate) static RELATION: Relation = Relation {
    name: "alert",
    columns: &["name", "severity", "title", "labels", "value", "lasted_secs", "times"],
    about: "An alert of the user's own rules (--alerts) that would have fired: from when its condition held to when it last \
            did; `value` is the farthest it went.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["series"], find: |_| Vec::new() };
