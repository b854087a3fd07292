//! What renderings of nodes say: the node itself, its other names, its heartbeat.

use std::net::IpAddr;

use timeline::{Fact, MemberRecords, Name, Quote, Record, Row, Stamp, relation};

/// Pushes the other names of a node, each once.
pub(crate) fn aliases(name: &str, others: Vec<(&str, Quote)>, out: &mut MemberRecords) {
    let mut known = vec![name];
    for (other, quote) in others {
        if !known.contains(&other) {
            known.push(other);
            let row = Row::new(&relation::ALIAS).with("name", name).with("other", other);
            out.records.push(Record::Fact(Box::new(Fact::new(row, None, quote)), Stamp::None));
        }
    }
}

/// What renderings of a node say about it.
pub(crate) struct NodeFacts<'t> {
    pub(crate) name: &'t str,
    pub(crate) address: Option<&'t str>,
    pub(crate) boot_id: Option<&'t str>,
    pub(crate) kernel: Option<&'t str>,
    pub(crate) os: Option<&'t str>,
    /// `containerd://1.5.5`
    pub(crate) runtime: Option<&'t str>,
    pub(crate) kubelet: Option<&'t str>,
    pub(crate) ready: Option<bool>,
}

impl NodeFacts<'_> {
    /// Pushes the node and what it says of its kernel, system and runtime; `place` quotes a field by its API name.
    pub(crate) fn push(&self, quote: &Quote, place: &mut dyn FnMut(&str) -> Quote, out: &mut MemberRecords) {
        let node: Option<Name> = Some(self.name.into());
        let row = Row::new(&relation::NODE)
            .with("name", self.name)
            .with("address", self.address.and_then(|it| it.parse::<IpAddr>().ok()))
            // as the journal writes it, so that the two join
            .with("boot_id", self.boot_id.map(|it| it.replace('-', "").to_ascii_lowercase()))
            .with("kernel", self.kernel)
            .with("os", self.os)
            .with("runtime", self.runtime)
            .with("kubelet", self.kubelet)
            .with("ready", self.ready);
        let mut fact = |row: Row, quote: Quote| {
            out.records.push(Record::Fact(Box::new(Fact::new(row, node.clone(), quote)), Stamp::None));
        };
        fact(row, quote.clone());
        if let Some(release) = self.kernel {
            fact(Row::new(&relation::KERNEL).with("release", release), place("kernelVersion"));
        }
        if let Some(os) = self.os {
            fact(Row::new(&relation::OS).with("name", os), place("osImage"));
        }
        if let Some(runtime) = self.runtime {
            let (name, version) = runtime.split_once("://").map_or((runtime, None), |(a, b)| (a, Some(b)));
            let row = Row::new(&relation::RUNTIME).with("name", name).with("version", version);
            fact(row, place("containerRuntimeVersion"));
        }
    }
}

/// The newest heartbeat in a listing dates the listing: some lease is renewed every few seconds.
pub(crate) fn collected_by(quote: Quote, stamp: Stamp) -> Record {
    let row = Row::new(&relation::COLLECTED).with("command", "lease renewTime");
    Record::Fact(Box::new(Fact::new(row, None, quote)), stamp)
}
