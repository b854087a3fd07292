//! Relations that need code: joins by longest prefix, change points, pairs of boots.
//!
//! A [`Detector`] reads the timeline and publishes facts under its own [`Relation`]. It names what is seen and blames
//! nobody; a rule decides what it means.
//!
//! Adding one is a file and its word in `detectors!` below.
//!
//! **Invariant:** the same timeline gives the same facts in the same order.
//! **Invariant:** every fact quotes records of the timeline as they stand, unless it says that nothing was found.

mod leases;
mod limits;
mod route_walk;
mod routes;
mod samples;
mod selector;

use chrono::DateTime;
use timeline::{Fact, Interval, Relation, Time, Timeline};

/// A relation worked out from others.
#[derive(Debug)]
pub(crate) struct Detector {
    /// What it publishes.
    pub relation: &'static Relation,
    /// What must have been collected for a row that is not there to mean anything: relations, `series` for metrics. A
    /// detector may well join more than these.
    pub needs: &'static [&'static str],
    /// Works it out.
    pub find: fn(&Timeline) -> Vec<Fact>,
}

macro_rules! detectors {
    ($($module:ident),* $(,)?) => {
        $(pub(crate) mod $module;)*
        /// Every detector.
        pub(crate) static DETECTORS: &[&Detector] = &[$(&$module::DETECTOR),*];
    };
}

detectors! {
    alert, address_conflict,
    bgp_selector,
    bgp_session,
    block_route,
    boot_reboot,
    borrowed_ip,
    cidr_overlap,
    ipam_inconsistency,
    ipam_usage,
    known_bug,
    metric_gap,
    metric_leak,
    metric_saturation,
    metric_spike,
    metric_step,
    metric_top,
    nameserver_spread,
    neighbour_usage,
    pod_route,
    route_lookup,
    route_path,
    rp_filter,
    tunnel_mtu,
    veth_peer,
}

/// The detector that publishes a relation.
pub(crate) fn named(name: &str) -> Option<&'static Detector> {
    DETECTORS.iter().copied().find(|it| it.relation.name == name)
}

/// The facts of one relation, in the order of the timeline.
fn facts<'t>(timeline: &'t Timeline, relation: &'static Relation) -> impl Iterator<Item = &'t Fact> {
    timeline.facts.iter().filter(move |it| it.row.relation.name == relation.name)
}

/// Whether a relation of the whole cluster was collected, and whole.
fn collected_whole(timeline: &Timeline, relation: &Relation) -> bool {
    timeline.collected.iter().any(|it| it.relation == relation.name && it.incomplete.is_none())
}

/// A stretch between two stamps of the metrics' clock.
fn between(from_millis: i64, to_millis: i64) -> Time {
    match (DateTime::from_timestamp_millis(from_millis), DateTime::from_timestamp_millis(to_millis)) {
        (Some(lo), Some(hi)) => Time::utc(Interval { lo, hi }),
        _ => Time::UNKNOWN,
    }
}

#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod tests;
