//! What `describe node` says of a node.

use chrono::{DateTime, TimeDelta, Utc};
use timeline::{Fact, Interval, MemberRecords, Quote, Record, Row, Stamp, relation};

use super::{About, field, indent};
use crate::kube::{Columns, NodeFacts, aliases, long_stamp, word};
use crate::{Input, Line};

pub(super) fn read<'t>(
    input: &Input<'t>,
    block: &[Line<'t>],
    newest: &mut Option<(DateTime<Utc>, Quote, Stamp)>,
    out: &mut MemberRecords,
) -> About<'t> {
    let origin = &input.origin;
    // a section is the lines below a key in column 0
    let within = |section: &str, key: &str| -> Option<(&'t str, &Line<'t>)> {
        let start = block.iter().position(|it| field(it.text, 0, section).is_some())?;
        let lines = block[start + 1..].iter().take_while(|it| indent(it.text) > 0);
        lines.clone().find_map(|it| Some((word(field(it.text, 2, key))?, it)))
    };
    // labels and annotations begin beside their key
    let labelled = |section: &str, key: &str, between: char| -> Option<(&'t str, &Line<'t>)> {
        let start = block.iter().position(|it| field(it.text, 0, section).is_some())?;
        let first = std::iter::once((field(block[start].text, 0, section)?, &block[start]));
        let rest = block[start + 1..].iter().take_while(|it| indent(it.text) > 0).map(|it| (it.text.trim(), it));
        first.chain(rest).find_map(|(text, line)| {
            Some((word(Some(text.strip_prefix(key)?.strip_prefix(between)?.trim()))?, line))
        })
    };
    let Some((name, named)) = block.first().and_then(|it| Some((word(field(it.text, 0, "Name"))?, it))) else {
        return About::default();
    };
    let info = |key: &str| within("System Info", key).map(|(it, _)| it);
    let address = within("Addresses", "InternalIP");
    let conditions = conditions(input, block, name, out);
    let ready = conditions.as_deref().map(|it| it == "True");
    NodeFacts {
        name,
        address: address.map(|(it, _)| it),
        boot_id: info("Boot ID"),
        kernel: info("Kernel Version"),
        os: info("OS Image"),
        runtime: info("Container Runtime Version"),
        kubelet: info("Kubelet Version"),
        ready,
    }
    .push(
        &origin.quote(named),
        &mut |key| {
            let key = match key {
                "kernelVersion" => "Kernel Version",
                "osImage" => "OS Image",
                _ => "Container Runtime Version",
            };
            origin.quote(within("System Info", key).map_or(named, |(_, line)| line))
        },
        out,
    );
    let mut others = Vec::new();
    others.extend(address);
    others.extend(within("Addresses", "Hostname"));
    others.extend(labelled("Labels", "kubernetes.io/hostname", '='));
    others.extend(
        labelled("Annotations", "projectcalico.org/IPv4Address", ':')
            .map(|(it, line)| (it.split('/').next().unwrap_or(it), line)),
    );
    aliases(name, others.into_iter().map(|(it, line)| (it, origin.quote(line))).collect(), out);

    let mut base = None;
    if let Some((renewed, line)) = within("Lease", "RenewTime")
        && let stamp @ Stamp::Exact { at, .. } = long_stamp(renewed)
    {
        let quote = origin.quote(line);
        let row = Row::new(&relation::NODE_LEASE).with("name", name);
        out.records.push(Record::Fact(Box::new(Fact::new(row, Some(name.into()), quote.clone())), stamp));
        if newest.as_ref().is_none_or(|(old, _, _)| at > *old) {
            *newest = Some((at, quote, stamp));
        }
        // a node that is ready has renewed its lease within the grace period
        base = (ready == Some(true)).then(|| Interval { lo: at, hi: at + TimeDelta::seconds(41) });
    }
    About { kind: Some("Node"), namespace: None, name: Some(name), node: Some(name), base }
}

/// The table of conditions; returns the status of `Ready`.
fn conditions<'t>(input: &Input<'t>, block: &[Line<'t>], name: &str, out: &mut MemberRecords) -> Option<String> {
    let start = block.iter().position(|it| field(it.text, 0, "Conditions").is_some())?;
    let mut lines = block[start + 1..].iter().take_while(|it| indent(it.text) > 0);
    let columns = Columns::of(lines.next()?.text);
    let mut ready = None;
    for line in lines {
        let Some(row) = columns.row(line.text) else { continue };
        let Some(status) = row.get("STATUS").filter(|it| matches!(*it, "True" | "False" | "Unknown")) else { continue };
        if row.get("TYPE") == Some("Ready") {
            ready = Some(status.to_owned());
        }
        let fact = Row::new(&relation::NODE_CONDITION)
            .with("name", name)
            .with("type", row.get("TYPE"))
            .with("status", status)
            .with("reason", row.get("REASON"))
            .with("message", row.get("MESSAGE"));
        let since = row.get("LASTTRANSITIONTIME").map_or(Stamp::None, long_stamp);
        let quote = input.origin.quote(line);
        out.records.push(Record::Fact(Box::new(Fact::new(fact, Some(name.into()), quote)), since));
    }
    ready
}
