//! Several commands in one file: a shell session, copied with its prompts, maybe onto one line.
//!
//! ```text
//! root@k1:~# ip route default via 10.64.0.1 dev eno1 [...] root@k2:~# calicoctl node status Calico process is running. …
//! ```
//!
//! One format reads the file; where it has prompts, the others that know their own output anywhere are asked as well.

use timeline::{MemberRecords, Record};

use crate::{Input, calicoctl_ipam_show, calicoctl_node_status, ip_route};

/// Lets the other formats read their parts of a file with prompts; `reader` is the format that reads it as a whole.
pub(crate) fn others(input: &Input<'_>, reader: &str, out: &mut MemberRecords) {
    let text = input.text;
    let shows_tables = text.contains("IPS TOTAL") || text.contains("BORROWING-NODE") || text.contains("PROPERTY");
    let shows_peers = text.contains("PEER ADDRESS");
    let shows_routes = text.contains("ip r") || text.contains("ip -");
    if !(shows_tables || shows_peers || shows_routes) || ip_route::prompts(text).is_empty() {
        return;
    }
    let mut found = MemberRecords::default();
    if shows_tables && reader != calicoctl_ipam_show::FORMAT.name {
        calicoctl_ipam_show::read_tables(input, &mut found);
    }
    if shows_peers && reader != calicoctl_node_status::FORMAT.name {
        calicoctl_node_status::read_tables(input, &mut found);
    }
    if shows_routes && reader != ip_route::FORMAT.name {
        ip_route::read_prompted(input, &mut found);
    }
    out.issues.append(&mut found.issues);
    out.collected.append(&mut found.collected);
    if !found.records.is_empty() {
        out.records.append(&mut found.records);
        out.records.sort_by_key(place);
    }
}

fn place(record: &Record) -> u64 {
    match record {
        Record::Event(event) => event.quote.span.start,
        Record::Fact(fact, _) => fact.quotes.first().map_or(0, |it| it.span.start),
        Record::Series(series) => series.start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_at;

    const ROUTES: &str =
        "root@k1:~# ip route default via 10.64.0.1 dev eno1 blackhole 10.64.75.0/26 proto bird [...] # no more ";
    const SETTINGS: &str = "root@k9:~# calicoctl ipam show --show-configuration +---+---+ | PROPERTY | VALUE | +---+---+ | StrictAffinity | true | +---+---+ ";
    const PEERS: &str = "root@k2:~# calicoctl node status Calico process is running. IPv4 BGP status +--+--+--+--+--+ | PEER ADDRESS | PEER TYPE | STATE | SINCE | INFO | +--+--+--+--+--+ | 10.64.0.1 | global | up | 09:11:12 | Established | +--+--+--+--+--+ ";

    fn read(format: &crate::Format, parts: &[&str]) -> Vec<String> {
        let out = read_at(format, "paste.txt", &parts.concat());
        let facts = out.records.iter().filter_map(|it| match it {
            Record::Fact(fact, _) => {
                Some(format!("{} {}: {}", fact.get("node"), fact.row.relation.name, fact.quotes[0].text))
            }
            _ => None,
        });
        let mut found: Vec<String> = facts.collect();
        let collected = out.collected.iter().map(|it| format!("{} of {:?}: {:?}", it.relation, it.node, it.incomplete));
        found.extend(collected);
        found.sort();
        found
    }

    #[test]
    fn whoever_reads_it_says_the_same() {
        let by_routes = read(&ip_route::FORMAT, &[ROUTES, SETTINGS, PEERS]);
        insta::assert_snapshot!(by_routes.join("\n"), @r#"
    bgp.peer of Some("k2"): None
    ipam.config of None: None
    k1 route: blackhole 10.64.75.0/26 proto bird
    k1 route: default via 10.64.0.1 dev eno1
    k2 bgp.peer: | 10.64.0.1 | global | up | 09:11:12 | Established |
    route of Some("k1"): Some("the listing is elided at [...]")
    unknown ipam.config: | StrictAffinity | true |
    "#);
        assert_eq!(read(&calicoctl_ipam_show::FORMAT, &[ROUTES, SETTINGS, PEERS]), by_routes);
        assert_eq!(read(&calicoctl_node_status::FORMAT, &[ROUTES, SETTINGS, PEERS]), by_routes);
        assert_eq!(read(&ip_route::FORMAT, &[PEERS, ROUTES, SETTINGS]), by_routes);
    }

    #[test]
    fn without_prompts_only_one_format_reads() {
        let text = format!("default via 10.64.0.1 dev eno1\n{}", SETTINGS.trim_start_matches("root@k9:~# "));
        assert_eq!(read(&ip_route::FORMAT, &[&text]).len(), 2);
    }
}
