//! `ethtool -k`: what a network card does in the kernel's place.
//!
//! ```text
//! Features for ens18:
//! rx-checksumming: on [fixed]
//! tx-checksumming: on
//! 	tx-checksum-ip-generic: on
//! ```
//!
//! One row a feature. Skipped: what was requested but cannot be changed. Units: none. Time: none.
//!
//! Source: `dump_features` in ethtool.

use timeline::{MemberRecords, Row, relation};

use crate::host_lines::{Said, table};
use crate::{Certainty, Format, Input, Reading, Sniff};

pub(crate) static FORMAT: Format = Format {
    name: "ethtool-features",
    produced_by: "ethtool -k",
    samples: &[
        "Features for ens18:\nrx-checksumming: on [fixed]\ntx-checksumming: on\n\ttx-checksum-ipv4: off [fixed]\n\ttx-checksum-ip-generic: on\n",
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    let features = sniff.text.lines().take(40).filter(|it| feature(it).is_some()).count();
    let headed = sniff.text.lines().take(8).any(|it| device(it).is_some());
    let share = sniff.share(80, |it| feature(it).is_some() || device(it).is_some());
    match () {
        () if headed && features > 0 && share >= 0.7 => Certainty::Sure,
        // a grep for a few features leaves out the header; the path names the card
        () if features > 0 && share >= 0.7 && sniff.file_name().contains("ethtool") => Certainty::Likely,
        () => Certainty::No,
    }
}

/// `Features for ens18:`, `Offload parameters for eth0:`
fn device(line: &str) -> Option<&str> {
    let line = line.trim();
    line.strip_prefix("Features for ").or_else(|| line.strip_prefix("Offload parameters for "))?.strip_suffix(':')
}

/// `	tx-checksum-ip-generic: on [fixed]`
fn feature(line: &str) -> Option<(&str, bool, bool)> {
    let (name, state) = line.trim().split_once(": ")?;
    if name.is_empty() || !name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-_".contains(&it)) {
        return None;
    }
    let mut words = state.split_ascii_whitespace();
    let on = match words.next()? {
        "on" => true,
        "off" => false,
        _ => return None,
    };
    Some((name, on, state.contains("[fixed]")))
}

/// `ethtool_-k_ens18.txt`
fn device_in_path(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let name = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".out")).unwrap_or(name);
    let rest = name.split_once("ethtool")?.1;
    let device = rest.rsplit(['_', ' ']).next()?;
    (!device.is_empty() && !device.starts_with('-')).then_some(device)
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut dev = device_in_path(&input.origin.path);
    // a grep for a few features leaves out the header
    let headed = input.text.lines().any(|it| device(it).is_some());
    let missing = (!headed).then(|| "some features only".to_owned());
    table(input, &relation::OFFLOAD, missing, out, |line| {
        if let Some(it) = device(line) {
            dev = Some(it);
            return Said::Known;
        }
        let Some((name, on, fixed)) = feature(line) else { return Said::Nothing };
        Said::Row(Row::new(&relation::OFFLOAD).with("dev", dev).with("feature", name).with("on", on).with("fixed", fixed))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, sniff_certainty};

    #[test]
    fn features_of_a_card() {
        let out = read_at(&FORMAT, "x", FORMAT.samples[0]);
        let shown: Vec<String> = facts(&out, "offload").map(|it| ["dev", "feature", "on", "fixed"].map(|column| it.get(column).to_string()).join(" ")).collect();
        assert_eq!(shown[3], "ens18 tx-checksum-ip-generic true false");
        let grep = read_at(&FORMAT, "pc01/ethtool_-k_ens18.txt", "tx-checksum-ip-generic: on\ntx-udp_tnl-segmentation: on\n");
        assert_eq!(facts(&grep, "offload").next().expect("a row").get("dev").to_string(), "ens18");
        assert!(grep.collected[0].incomplete.is_some());
        assert_eq!(sniff_certainty(&FORMAT, "x", "verbose: on\nretries: 3\n"), Certainty::No);
    }
}
