//! Service objects: their addresses in the cluster and outside.

use std::net::IpAddr;

use timeline::{Fact, MemberRecords, Record, Row, Stamp, relation};

use super::node::list;
use super::text;
use super::walk::Object;
use crate::json_elements::Step::{Index, Key};
use crate::places::Places;

pub(super) fn read<'t>(object: &Object<'t>, places: &mut Places<'t>, out: &mut MemberRecords) {
    let (metadata, spec) = (&object.value["metadata"], &object.value["spec"]);
    let Some(name) = text(&metadata["name"]) else { return };
    let address = |it: Option<&str>| it.and_then(|it| it.parse::<IpAddr>().ok());
    let ingress = list(&object.value["status"]["loadBalancer"], "ingress");
    let external = ingress.iter().find_map(|it| address(text(&it["ip"])));
    let row = Row::new(&relation::SERVICE)
        .with("namespace", text(&metadata["namespace"]))
        .with("name", name)
        .with("type", text(&spec["type"]))
        .with("cluster_ip", address(text(&spec["clusterIP"])))
        .with("external_ip", external)
        .with("traffic_policy", text(&spec["externalTrafficPolicy"]));
    let shown = [Key("status"), Key("loadBalancer"), Key("ingress"), Index(0), Key("ip")];
    let mut quotes = Vec::new();
    if external.is_some() {
        quotes.push(object.quote(&[&shown, &[Key("metadata"), Key("name")]], places));
    }
    let own = object.quote(&[&[Key("spec"), Key("clusterIP")], &[Key("metadata"), Key("name")]], places);
    if !quotes.contains(&own) {
        quotes.push(own);
    }
    let first = quotes.remove(0);
    let mut fact = Fact::new(row, None, first);
    fact.quotes.extend(quotes);
    out.records.push(Record::Fact(Box::new(fact), Stamp::None));
}
