//! `kubectl get ipamblocks,blockaffinities`: tables of names, which say which node claimed which block.
//!
//! ```text
//! NAME                                                          AGE
//! ipamblock.crd.projectcalico.org/10-64-75-0-26                 12d
//! blockaffinity.crd.projectcalico.org/kubestage1001-10-64-75-0-26   12d
//! ```
//!
//! Calico makes the names from prefixes, with dashes for what a name may not hold. Only names with their kind in front are
//! read, as kubectl prints them when it is asked for several kinds. Skipped: affinities for blocks of IPv6, whose names do not
//! show where the node's ends; ages. Units: none. Time: none.
//!
//! Source: libcalico-go's `lib/names/cidr.go`, `lib/backend/k8s/resources/affinityblock.go`.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use timeline::{MemberRecords, Row, relation};

use crate::state::{State, begins, words};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "calico-names",
    produced_by: "kubectl get ipamblocks,blockaffinities",
    samples: &[
        "NAME                                            AGE\nipamblock.crd.projectcalico.org/10-64-75-0-26   12d\n\nNAME                                                              AGE\nblockaffinity.crd.projectcalico.org/kubestage1001-10-64-75-0-26   12d\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// What a name says.
enum Named<'t> {
    Block(IpNet),
    Affinity(&'t str, IpNet),
    /// Of another kind of Calico's, or of IPv6.
    Other,
}

fn named(line: &str) -> Option<Named<'_>> {
    let (kind, name) = words(line).next()?.split_once('/')?;
    let kind = kind.strip_suffix(".crd.projectcalico.org").or_else(|| kind.strip_suffix(".projectcalico.org"))?;
    if kind.is_empty() || !kind.bytes().all(|it| it.is_ascii_lowercase()) {
        return None;
    }
    Some(match kind {
        "ipamblock" => prefix(name).map_or(Named::Other, Named::Block),
        "blockaffinity" => affinity(name).map_or(Named::Other, |(node, cidr)| Named::Affinity(node, cidr)),
        _ => Named::Other,
    })
}

/// `10-64-75-0-26`, `fd00-10-244--40-122`
fn prefix(name: &str) -> Option<IpNet> {
    let (address, length) = name.rsplit_once('-')?;
    let length = length.parse().ok()?;
    if let Ok(address) = address.replace('-', ".").parse() {
        return Ipv4Net::new(address, length).ok().map(IpNet::V4);
    }
    Ipv6Net::new(address.replace('-', ":").parse().ok()?, length).ok().map(IpNet::V6)
}

/// `kubestage1001-10-64-75-0-26`: the last five numbers are the prefix
fn affinity(name: &str) -> Option<(&str, IpNet)> {
    let (at, _) = name.rmatch_indices('-').nth(4)?;
    let cidr = prefix(&name[at + 1..]).filter(|it| matches!(it, IpNet::V4(_)))?;
    (at > 0).then(|| (&name[..at], cidr))
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let named = sniff.text.contains("projectcalico.org/")
        && sniff.share(100, |it| named(it).is_some() || begins(it, &["NAME"])) >= 0.9
        && sniff.text.lines().any(|it| named(it).is_some());
    if named { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut state = State::of(input, out);
    state.each(|state, line| {
        match named(line.text) {
            Some(Named::Block(cidr)) => state.push(Row::new(&relation::IPAM_BLOCK).with("cidr", cidr), line),
            Some(Named::Affinity(node, cidr)) => {
                state.push(Row::new(&relation::IPAM_AFFINITY).with("cidr", cidr).with("owner", node), line);
            }
            Some(Named::Other) => {}
            None => return begins(line.text, &["NAME"]),
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rows_of, sample, sniff_certainty};

    #[test]
    fn blocks_and_who_claimed_them() {
        let text = FORMAT.samples[0];
        assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::Sure);
        assert_eq!(rows_of(&FORMAT, "x", text, "ipam.block", ["cidr", "owner"]), ["10.64.75.0/26 unknown"]);
        assert_eq!(rows_of(&FORMAT, "x", text, "ipam.affinity", ["cidr", "owner"]), ["10.64.75.0/26 kubestage1001"]);
        let more = concat!(
            "NAME   AGE\n",
            "ipamblock.crd.projectcalico.org/fd00-10-244--40-122   1d\n",
            "blockaffinity.crd.projectcalico.org/ip-10-42-10-121.ec2.internal-10-64-75-0-26   1d\n",
            "blockaffinity.crd.projectcalico.org/node-a-fd00-10-244--40-122   1d\n",
            "ippool.crd.projectcalico.org/default-ipv4-ippool   1d\n",
        );
        assert_eq!(rows_of(&FORMAT, "x", more, "ipam.block", ["cidr"]), ["fd00:10:244::40/122"]);
        let owners = rows_of(&FORMAT, "x", more, "ipam.affinity", ["owner"]);
        assert_eq!(owners, ["ip-10-42-10-121.ec2.internal"]);
        for text in ["NAME   AGE\nweb-0   1d\n", "see projectcalico.org/docs\n", "apiVersion: projectcalico.org/v3\n", ""] {
            assert_eq!(sniff_certainty(&FORMAT, "x", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn the_names_of_a_cluster() {
        let Some(text) = sample("network/calico-crds/kubectl_get_ipamblocks_blockaffinities.txt") else { return };
        assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure);
        assert_eq!(rows_of(&FORMAT, "x", &text, "ipam.block", ["cidr"]).len(), 4);
        let owners = rows_of(&FORMAT, "x", &text, "ipam.affinity", ["owner", "cidr"]);
        assert_eq!(owners.len(), 6);
        assert!(owners.contains(&"kubestage1001 10.64.75.0/26".to_owned()), "{owners:?}");
    }
}
