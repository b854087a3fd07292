//! What is counted of a table of the packet filter, whoever printed it.

use timeline::{Fact, MemberRecords, Name, Quote, Record, Row, Stamp, relation};

/// A table and what it holds.
pub(crate) struct Table<'t> {
    /// inet or inet6, or another of nftables' families.
    pub(crate) family: &'t str,
    pub(crate) name: &'t str,
    pub(crate) node: Option<Name>,
    /// Where it begins.
    pub(crate) quote: Quote,
    pub(crate) chains: i64,
    /// Whether a chain of kube-proxy's or Calico's is among them, even an empty one.
    pub(crate) theirs: bool,
    pub(crate) rules: i64,
    pub(crate) kube: i64,
    pub(crate) cali: i64,
    pub(crate) drops: i64,
    pub(crate) masquerades: i64,
    /// The policy of what is forwarded, upper case.
    pub(crate) forward: Option<(String, Quote)>,
    /// The first rule of kube-proxy or Calico.
    pub(crate) first: Option<Quote>,
}

/// What one rule counts as.
#[derive(Default, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) kube: bool,
    pub(crate) cali: bool,
    pub(crate) drops: bool,
    pub(crate) masquerades: bool,
}

impl<'t> Table<'t> {
    pub(crate) fn new(family: &'t str, name: &'t str, node: Option<Name>, quote: Quote) -> Table<'t> {
        Table {
            family,
            name,
            node,
            quote,
            chains: 0,
            theirs: false,
            rules: 0,
            kube: 0,
            cali: 0,
            drops: 0,
            masquerades: 0,
            forward: None,
            first: None,
        }
    }

    /// A chain of a table, and whose it is.
    pub(crate) fn chain(&mut self, owner: Rule) {
        self.chains += 1;
        self.theirs |= owner.kube || owner.cali;
    }

    pub(crate) fn rule(&mut self, rule: Rule, quote: impl FnOnce() -> Quote) {
        self.rules += 1;
        self.kube += i64::from(rule.kube);
        self.cali += i64::from(rule.cali);
        self.drops += i64::from(rule.drops);
        self.masquerades += i64::from(rule.masquerades);
        if self.first.is_none() && (rule.kube || rule.cali) {
            self.first = Some(quote());
        }
    }

    /// The row; `owners` is whether it is known that nobody else holds rules of kube-proxy and Calico.
    pub(crate) fn push(self, legacy_too: Option<bool>, backend: Option<&str>, owners: bool, out: &mut MemberRecords) {
        let of = |count: i64| (count > 0 || owners).then_some(count);
        let row = Row::new(&relation::IPTABLES)
            .with("family", self.family)
            .with("table", self.name)
            .with("rules", self.rules)
            .with("kube", of(self.kube))
            .with("cali", of(self.cali))
            .with("forward", self.forward.as_ref().map(|it| it.0.as_str()))
            .with("legacy_too", legacy_too)
            .with("chains", self.chains)
            .with("drops", self.drops)
            .with("masquerades", self.masquerades)
            .with("backend", backend);
        let mut fact = Fact::new(row, self.node, self.quote);
        fact.quotes.extend(self.forward.map(|it| it.1));
        fact.quotes.extend(self.first);
        out.records.push(Record::Fact(Box::new(fact), Stamp::None));
    }
}
