//! What the records say of the clocks they were stamped by: zones, and years.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::build::text;
use crate::clock::{YearEvidence, ZoneClaim};
use crate::{Carrier, MemberRecords, Name, Record, Stamp, Value, abbreviation, relation};

/// What told a zone, where a line with two stamps did.
pub(crate) const BY_LINES: &str = "lines with a second stamp";

/// What nodes call their zones.
pub(crate) fn zone_names(records: &[MemberRecords]) -> Vec<(Option<Name>, Name)> {
    let mut names = Vec::new();
    for record in records.iter().flat_map(|it| &it.records) {
        if let Record::Fact(fact, _) = record
            && fact.row.relation == &relation::ZONE
            // `CET` is a zone of the database too, and what `date` prints in many others
            && let Some(name) = text(&fact.get("name")).filter(|it| it.contains('/'))
        {
            names.push((fact.node.clone(), name));
        }
    }
    names
}

/// What offsets from UTC nodes are said to have, and by what.
pub(crate) fn zone_claims(records: &[MemberRecords]) -> Vec<ZoneClaim> {
    let mut claims = Vec::new();
    for record in records.iter().flat_map(|it| &it.records) {
        match record {
            Record::Fact(fact, stamp) => {
                let offset = |value: Value| value.as_number().map(|it| it as i32);
                if fact.row.relation == &relation::ZONE {
                    let named = text(&fact.get("name")).and_then(|it| abbreviation::offset(&it));
                    if let Some(offset_secs) = offset(fact.get("offset_secs")).or(named) {
                        let by = match fact.get("name") {
                            Value::Text(it) if &*it == relation::TWO_STAMPS => BY_LINES,
                            _ => "its own zone setting",
                        };
                        claims.push(ZoneClaim { node: fact.node.clone(), offset_secs, by });
                    }
                } else if let Stamp::Zoneless { abbreviation: Some(name), .. } = stamp
                    && let Some(offset_secs) = abbreviation::offset(name)
                    && fact.row.relation == &relation::COLLECTED
                {
                    claims.push(ZoneClaim { node: fact.node.clone(), offset_secs, by: "the zone its date prints" });
                }
            }
            Record::Event(event) if matches!(event.carrier, Carrier::Journal | Carrier::Syslog) => {
                if let Stamp::Exact { offset_secs: Some(offset_secs), .. } = event.stamp {
                    claims.push(ZoneClaim { node: event.node.clone(), offset_secs, by: "stamps with an offset" });
                }
            }
            Record::Event(_) | Record::Series(_) => {}
        }
    }
    without_contradiction(&mut claims, &foreign_abbreviations(records));
    claims
}

/// Abbreviations with several meanings that nodes print when they are asked for the time, with the offsets that fit what else
/// is known: stamps of the node that are in UTC.
pub(crate) fn zone_hints(records: &[MemberRecords]) -> BTreeMap<Name, (Name, Vec<i32>)> {
    let mut hints: BTreeMap<Name, (Name, Vec<i32>)> = BTreeMap::new();
    let mut asked: Vec<(&Name, &str, NaiveDateTime)> = Vec::new();
    for record in records.iter().flat_map(|it| &it.records) {
        if let Record::Fact(fact, Stamp::Zoneless { abbreviation: Some(name), local, .. }) = record
            && fact.row.relation == &relation::COLLECTED
            && let Some(node) = &fact.node
        {
            asked.push((node, name, *local));
        }
    }
    if asked.iter().all(|it| abbreviation::offsets(it.1).is_empty()) {
        return hints;
    }
    let mut last: BTreeMap<&Name, DateTime<Utc>> = BTreeMap::new();
    for (node, stamp) in
        records.iter().flat_map(|it| &it.seen).flat_map(|it| [(&it.node, &it.first), (&it.node, &it.last)])
    {
        if let (Some(node), Stamp::Exact { at, .. }) = (node, stamp) {
            let at = at.with_timezone(&Utc);
            let known = last.entry(node).or_insert(at);
            *known = at.max(*known);
        }
    }
    for (node, name, local) in asked {
        let offsets = abbreviation::offsets(name);
        if offsets.is_empty() {
            continue;
        }
        let fitting = last.get(node).map_or_else(|| offsets.to_vec(), |it| abbreviation::fitting(offsets, local, *it));
        hints.entry(node.clone()).or_insert_with(|| (Name::from(name), fitting));
    }
    hints
}

/// Nodes, or none for the case as a whole, whose tools print an abbreviation that is not UTC's: `CST` is one of three zones
/// and none of them is UTC.
fn foreign_abbreviations(records: &[MemberRecords]) -> BTreeSet<Option<Name>> {
    let mut found = BTreeSet::new();
    for record in records.iter().flat_map(|it| &it.records) {
        if let Record::Fact(fact, Stamp::Zoneless { abbreviation: Some(name), .. }) = record
            && abbreviation::offset(name) != Some(0)
        {
            found.insert(fact.node.clone());
        }
    }
    found
}

/// Lines with two stamps count where they agree: a program that calls its local time UTC is no witness.
fn without_contradiction(claims: &mut Vec<ZoneClaim>, foreign: &BTreeSet<Option<Name>>) {
    let mut told: BTreeMap<Option<Name>, BTreeSet<i32>> = BTreeMap::new();
    for claim in claims.iter().filter(|it| it.by == BY_LINES) {
        told.entry(claim.node.clone()).or_default().insert(claim.offset_secs);
    }
    claims.retain(|it| {
        let excluded = it.offset_secs == 0 && (foreign.contains(&it.node) || foreign.contains(&None));
        it.by != BY_LINES || !excluded && told.get(&it.node).is_none_or(|all| all.len() == 1)
    });
}

/// What tells the year of stamps without one; `given` by the user.
pub(crate) fn year_evidence(records: &[MemberRecords], given: Option<i32>) -> YearEvidence {
    let mut evidence = YearEvidence { given, ..YearEvidence::default() };
    let stated = |stamp: &Stamp| -> Option<NaiveDateTime> {
        match stamp {
            Stamp::Exact { at, .. } => Some(at.naive_utc()),
            Stamp::Zoneless { local, .. } => Some(*local),
            Stamp::Between { lo, .. } => Some(lo.naive_utc()),
            Stamp::None | Stamp::Yearless { .. } | Stamp::Monotonic { .. } => None,
        }
    };
    let seen = records.iter().flat_map(|it| &it.seen);
    evidence.stated.extend(seen.flat_map(|it| [&it.first, &it.last]).filter_map(stated));
    for record in records.iter().flat_map(|it| &it.records) {
        match record {
            Record::Fact(fact, stamp) if fact.row.relation == &relation::COLLECTED => {
                let Some(at) = stated(stamp) else { continue };
                match text(&fact.get("command")) {
                    // a crash directory dates the crash, not the collection
                    Some(command) if &*command == "crash directory" => evidence.stated.push(at),
                    command => {
                        evidence.collected.push((fact.node.clone(), at, command.as_deref().unwrap_or("date").into()))
                    }
                }
            }
            Record::Event(event) => evidence.stated.extend(stated(&event.stamp)),
            Record::Fact(_, stamp) => evidence.stated.extend(stated(stamp)),
            Record::Series(series) => {
                let ends = [series.points.first(), series.points.last()].into_iter().flatten();
                let ends = ends.filter_map(|it| chrono::DateTime::from_timestamp_millis(it.millis));
                evidence.stated.extend(ends.map(|it| it.naive_utc()));
            }
        }
    }
    evidence.stated.sort();
    evidence.stated.dedup();
    evidence
}
