//! stand-in
use timeline::{Fact, Relation, Timeline};
#[derive(Debug)]
pub(crate) struct Detector {
    pub(crate) relation: &'static Relation,
    pub(crate) needs: &'static [&'static str],
    pub(crate) find: fn(&Timeline) -> Vec<Fact>,
}
pub(crate) static DETECTORS: &[&Detector] = &[];
pub(crate) fn named(name: &str) -> Option<&'static Detector> {
    DETECTORS.iter().copied().find(|it| it.relation.name == name)
}
