//! Bugs that are known, and the nodes whose versions have them.
//!
//! Relation `known-bug`, one row a bug and node, where the version of what it is in was collected or the bug was seen. The
//! rows are worked out by the engine, which knows the registry and the signals; this says what they look like.

use timeline::Relation;

use super::Detector;

pub(crate) static RELATION: Relation = Relation {
    name: "known-bug",
    columns: &["bug", "title", "component", "version", "affected", "seen", "fixed", "fixed_on", "ids"],
    about: "A known bug and a node: `affected` is yes, no, or maybe where a vendor may have taken the fix into this version, \
            and empty where the version is not known; `seen` is yes where it looks like the bug, else empty.",
    per_node: true,
};

pub(super) static DETECTOR: Detector = Detector { relation: &RELATION, needs: &["kernel"], find: |_| Vec::new() };
