//! Calico's resources: `kubectl get ipamblocks,blockaffinities,ipamconfigs,ippools,bgppeers,bgpconfigurations,
//! felixconfigurations -o yaml|json`, and its own nodes (`calicoctl get node -o yaml`).
//!
//! ```text
//! - apiVersion: crd.projectcalico.org/v1
//!   kind: IPAMBlock
//!   spec:
//!     affinity: host:kubestage1001
//!     allocations: [0, null]
//!     attributes:
//!     - handle_id: k8s-pod-network.ce08…
//!       secondary: {namespace: kube-system, node: kubestage1003, pod: coredns-7d9c7d8cbd-7jzqk}
//!     cidr: 10.64.75.0/31
//! ```
//!
//! An allocation is an index into the attributes; its place in the list is the address counted from the network. A block
//! belongs to the node of its affinity, an address is used by the node in its attribute: where they differ it is
//! borrowed. Deleted blocks and addresses that cool down are left out. `strictAffinity` inside a block has had no
//! meaning since Calico 3.14 and is not read. Skipped: handles. Units: addresses. Time: none.
//!
//! Source: `libcalico-go/lib/apis/crd.projectcalico.org/v1` and `lib/ipam/ipam_block.go` in projectcalico/calico.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use timeline::{Collected, Fact, MemberRecords, Quote, Record, Row, Stamp, Time, relation};

use crate::json_elements::{Documents, Step::Key, elements, entry};
use crate::kube_objects::walk::{self, Object, Step};
use crate::places::Places;
use crate::{Certainty, Format, Input, Reading, Sniff, lines};

pub(crate) static FORMAT: Format = Format {
    name: "calico-resources",
    produced_by: "kubectl get ipamblocks,blockaffinities,ipamconfigs,ippools,bgppeers,bgpconfigurations,felixconfigurations -o yaml|json",
    samples: &[
        "apiVersion: v1\nitems:\n- apiVersion: crd.projectcalico.org/v1\n  kind: IPAMBlock\n  metadata:\n    name: 10-64-75-0-31\n  spec:\n    affinity: host:kubestage1001\n    allocations:\n    - 0\n    - null\n    attributes:\n    - handle_id: k8s-pod-network.ce08\n      secondary:\n        namespace: kube-system\n        node: kubestage1003\n        pod: coredns-7d9c7d8cbd-7jzqk\n    cidr: 10.64.75.0/31\n    deleted: false\n    strictAffinity: false\n    unallocated:\n    - 1\nkind: List\n",
        r#"{"apiVersion":"crd.projectcalico.org/v1","kind":"BlockAffinity","metadata":{"name":"k1-10-64-75-0-26"},"spec":{"cidr":"10.64.75.0/26","deleted":"false","node":"k1","state":"confirmed"}}
"#,
    ],
    recognizes,
    reading: Reading::Whole(parse),
};

/// The kinds of objects that are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Block,
    Affinity,
    Handle,
    Config,
    Pool,
    Node,
    Peering,
    Bgp,
    Felix,
}

fn kind_of(kind: &str, version: Option<&str>) -> Option<Kind> {
    if !version.is_none_or(|it| it.contains("projectcalico.org/")) {
        return None;
    }
    match kind.strip_suffix("List").unwrap_or(kind) {
        "IPAMBlock" => Some(Kind::Block),
        "BlockAffinity" => Some(Kind::Affinity),
        "IPAMHandle" => Some(Kind::Handle),
        "IPAMConfig" | "IPAMConfiguration" => Some(Kind::Config),
        "IPPool" => Some(Kind::Pool),
        // a list of Kubernetes' nodes says no version
        "Node" if version.is_some() => Some(Kind::Node),
        "BGPPeer" => Some(Kind::Peering),
        "BGPConfiguration" => Some(Kind::Bgp),
        "FelixConfiguration" => Some(Kind::Felix),
        _ => None,
    }
}

fn recognizes(sniff: &Sniff<'_>) -> Certainty {
    if !sniff.text.contains("projectcalico.org/") {
        return Certainty::No;
    }
    let text = sniff.text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    let ours = |object: &str| {
        let string = |key| entry(object, key).map(|it| it.value.trim_matches('"'));
        string("kind").is_some_and(|kind| string("apiVersion").is_some_and(|it| kind_of(kind, Some(it)).is_some()))
    };
    let known = if text.starts_with(['{', '[']) {
        Documents::of(text).take(3).any(|document| {
            let items = entry(document.text, "items").map_or(document.text, |it| it.value);
            ours(document.text) || elements(items).take(50).any(|it| ours(it.text))
        })
    } else {
        walk::yaml_kinds(text).any(|(kind, version)| kind_of(kind, version).is_some())
    };
    if known { Certainty::Sure } else { Certainty::No }
}

fn parse(input: &Input<'_>, out: &mut MemberRecords) {
    let mut places = Places::of(input);
    let mut listed: BTreeSet<Kind> = BTreeSet::new();
    let (mut in_list, mut cut, issues) = (false, input.truncated, out.issues.len());
    walk::each(input, |_, _| true, &mut places, out, &mut |step, places, out| match step {
        Step::List(kind) => {
            in_list = true;
            listed.extend(kind.and_then(|it| kind_of(it, None)));
        }
        Step::Cut => cut = true,
        Step::Other => {}
        Step::Object(object) => {
            out.tally.lines += 1;
            let kind = match object.value["kind"].as_str() {
                Some(kind) => kind_of(kind, object.value["apiVersion"].as_str()),
                None => object.list_kind.and_then(|it| kind_of(it, None)),
            };
            let Some(kind) = kind else {
                out.tally.odd_bytes += object.text.len() as u64;
                return;
            };
            out.tally.understood += 1;
            if in_list {
                listed.insert(kind);
            }
            let member = input.origin.member;
            let mut reader = Reader { member, object: &object, places, out };
            match kind {
                Kind::Block => reader.block(),
                Kind::Affinity => reader.affinity(),
                Kind::Config => reader.config(),
                Kind::Pool => reader.pool(),
                Kind::Handle => {}
                Kind::Node => reader.node(),
                Kind::Peering => reader.peering(),
                Kind::Bgp => reader.bgp(),
                Kind::Felix => reader.felix(),
            }
        }
    });
    let incomplete = if cut {
        Some("the file is cut".to_owned())
    } else {
        (out.issues.len() > issues).then(|| "an object could not be read".to_owned())
    };
    for kind in listed {
        let relations: &[&'static str] = match kind {
            Kind::Block => &["ipam.block", "ipam.allocation"],
            Kind::Affinity => &["ipam.affinity"],
            Kind::Config => &["ipam.config"],
            Kind::Pool => &["ipam.pool"],
            Kind::Handle => &[],
            Kind::Node => &["calico.node"],
            Kind::Peering => &["bgp.peering"],
            Kind::Bgp => &["bgp.config"],
            Kind::Felix => &["felix.config"],
        };
        for relation in relations {
            let member = input.origin.member;
            out.collected.push(Collected { relation, node: None, incomplete: incomplete.clone(), member });
        }
    }
}

struct Reader<'r, 't> {
    member: timeline::MemberId,
    object: &'r Object<'t>,
    places: &'r mut Places<'t>,
    out: &'r mut MemberRecords,
}

impl<'t> Reader<'_, 't> {
    /// `spec.cidr`, without which an object says nothing.
    fn cidr(&mut self) -> Option<IpNet> {
        let found = self.object.value["spec"]["cidr"].as_str().and_then(|it| it.parse::<IpNet>().ok());
        if found.is_none() {
            self.issue("an object without a cidr");
        }
        found
    }

    fn issue(&mut self, what: impl Into<String>) {
        let line = self.places.line(self.object.text);
        self.out.issue(self.member, line, what);
    }

    fn quote(&mut self, key: &str) -> Quote {
        self.object.quote(&[&[Key("spec"), Key(key)], &[Key("metadata"), Key("name")]], self.places)
    }

    fn fact(&mut self, row: Row, quotes: Vec<Quote>) {
        let fact = Fact { row, node: None, at: Time::UNKNOWN, quotes };
        self.out.records.push(Record::Fact(Box::new(fact), Stamp::None));
    }

    fn block(&mut self) {
        let spec = &self.object.value["spec"];
        if is_true(&spec["deleted"]) {
            return;
        }
        let Some(cidr) = self.cidr() else { return };
        // `host:kubestage1001`; services have `virtual:load-balancer`; very old blocks a field of their own
        let affinity = spec["affinity"].as_str().and_then(|it| it.strip_prefix("host:"));
        let owner = affinity.or(spec["hostAffinity"].as_str()).filter(|it| !it.is_empty());
        let none = Vec::new();
        let allocations = spec["allocations"].as_array().unwrap_or(&none);
        let attributes = spec["attributes"].as_array().unwrap_or(&none);
        let used = allocations.iter().filter(|it| !it.is_null()).count() as i64;
        let total = allocations.len() as i64;
        let free = spec["unallocated"].as_array().map_or(total - used, |it| it.len() as i64);
        let known = spec["allocations"].is_array();
        let row = Row::new(&relation::IPAM_BLOCK)
            .with("cidr", cidr)
            .with("owner", owner)
            .with("total", known.then_some(total))
            .with("used", known.then_some(used))
            .with("free", known.then_some(free));
        let stated = self.quote("cidr");
        let by_affinity = owner.map(|_| self.quote(if affinity.is_some() { "affinity" } else { "hostAffinity" }));
        self.fact(row, std::iter::once(stated.clone()).chain(by_affinity).collect());
        let texts = sequence(self.object.text, "attributes").filter(|it| it.len() == attributes.len());
        let mut lost = 0u32;
        for (ordinal, index) in allocations.iter().enumerate() {
            let Some(index) = index.as_u64() else { continue };
            let Some(ip) = nth_address(cidr, ordinal) else {
                lost += 1;
                continue;
            };
            let at = usize::try_from(index).ok().filter(|it| *it < attributes.len());
            lost += u32::from(at.is_none());
            let attribute = at.map_or(&Value::Null, |it| &attributes[it]);
            if attribute["releasedAt"].as_str().is_some_and(|it| !it.is_empty()) {
                continue;
            }
            let row = allocation(ip, cidr, owner, attribute);
            let text = at.and_then(|it| texts.as_ref().map(|texts| texts[it]));
            let quote = text.map(|it| self.places.quote(it));
            self.fact(row, quote.into_iter().chain([stated.clone()]).collect());
        }
        if lost > 0 {
            self.issue(format!("{lost} allocations of block {cidr} point nowhere"));
        }
    }

    fn affinity(&mut self) {
        let Some(cidr) = self.cidr() else { return };
        let spec = &self.object.value["spec"];
        // an empty state is a confirmed one
        let state = spec["state"].as_str().filter(|it| !it.is_empty()).unwrap_or("confirmed");
        let row = Row::new(&relation::IPAM_AFFINITY)
            .with("cidr", cidr)
            .with("owner", spec["node"].as_str())
            .with("state", state)
            .with("deleted", is_true(&spec["deleted"]));
        let quotes = ["cidr", "node", "state"].map(|it| self.quote(it)).to_vec();
        self.fact(row, quotes);
    }

    fn config(&mut self) {
        let spec = &self.object.value["spec"];
        let row = Row::new(&relation::IPAM_CONFIG)
            .with("strict_affinity", spec["strictAffinity"].as_bool())
            .with("auto_allocate_blocks", spec["autoAllocateBlocks"].as_bool())
            .with("max_blocks_per_host", spec["maxBlocksPerHost"].as_i64());
        let quotes = vec![self.quote("strictAffinity"), self.quote("autoAllocateBlocks")];
        self.fact(row, quotes);
    }

    fn pool(&mut self) {
        let Some(cidr) = self.cidr() else { return };
        let spec = &self.object.value["spec"];
        // up to v2 of the API the mode stood in an object, and its absence meant off
        let ipip = spec["ipipMode"].as_str().or(spec["ipip"]["mode"].as_str());
        let row = Row::new(&relation::IPAM_POOL)
            .with("cidr", cidr)
            .with("block_size", spec["blockSize"].as_i64())
            .with("disabled", is_true(&spec["disabled"]))
            .with("ipip", ipip)
            .with("vxlan", spec["vxlanMode"].as_str());
        let quote = self.quote("cidr");
        self.fact(row, vec![quote]);
    }

    /// The object's name, without which nothing can be said of it.
    fn name(&self) -> Option<String> {
        self.object.value["metadata"]["name"].as_str().map(str::to_owned)
    }

    fn inner_quote(&mut self, outer: &str, inner: &str) -> Quote {
        self.object.quote(&[&[Key("spec"), Key(outer), Key(inner)], &[Key("metadata"), Key("name")]], self.places)
    }

    fn node(&mut self) {
        let Some(name) = self.name() else { return };
        let bgp = &self.object.value["spec"]["bgp"];
        let addresses = self.object.value["spec"]["addresses"].as_array().map(Vec::as_slice).unwrap_or_default();
        let internal = addresses.iter().find(|it| it["type"] == "InternalIP").and_then(|it| it["address"].as_str());
        let tunnel = self.object.value["spec"]["ipv4VXLANTunnelAddr"].as_str();
        let row = calico_node(&name, bgp["ipv4Address"].as_str(), internal, bgp["ipv4IPIPTunnelAddr"].as_str(), tunnel);
        let quote = self.inner_quote("bgp", "ipv4Address");
        self.fact(row, vec![quote]);
    }

    fn peering(&mut self) {
        let Some(name) = self.name() else { return };
        let spec = &self.object.value["spec"];
        let row = Row::new(&relation::BGP_PEERING)
            .with("name", name)
            .with("on", spec["node"].as_str().filter(|it| !it.is_empty()))
            .with("node_selector", spec["nodeSelector"].as_str().filter(|it| !it.is_empty()))
            .with("peer_selector", spec["peerSelector"].as_str().filter(|it| !it.is_empty()))
            .with("peer_ip", spec["peerIP"].as_str().filter(|it| !it.is_empty()))
            .with("as_number", spec["asNumber"].as_i64());
        let quotes = ["peerSelector", "nodeSelector"].map(|it| self.quote(it)).to_vec();
        self.fact(row, quotes);
    }

    fn bgp(&mut self) {
        let Some(name) = self.name() else { return };
        let spec = &self.object.value["spec"];
        let row = Row::new(&relation::BGP_CONFIG)
            .with("name", name)
            .with("mesh", spec["nodeToNodeMeshEnabled"].as_bool())
            .with("as_number", spec["asNumber"].as_i64());
        let quote = self.quote("nodeToNodeMeshEnabled");
        self.fact(row, vec![quote]);
    }

    /// One row a setting that is a word, a number or a flag.
    fn felix(&mut self) {
        let Some(name) = self.name() else { return };
        let settings = self.object.value["spec"].as_object().cloned().unwrap_or_default();
        for (key, value) in settings {
            let value = match value {
                Value::Bool(it) => timeline::Value::Flag(it),
                Value::Number(it) if it.is_i64() => it.as_i64().into(),
                Value::String(it) => it.into(),
                _ => continue,
            };
            let quote = self.quote(&key);
            let row = Row::new(&relation::FELIX_CONFIG).with("name", name.clone()).with("key", key).with("value", value);
            self.fact(row, vec![quote]);
        }
    }
}

/// What Calico knows of a node; `10.0.0.11/24` is an address in its network.
pub(crate) fn calico_node(
    name: &str,
    bgp: Option<&str>,
    internal: Option<&str>,
    ipip: Option<&str>,
    vxlan: Option<&str>,
) -> Row {
    let address = |it: &str| it.split('/').next().and_then(|it| it.parse::<IpAddr>().ok());
    Row::new(&relation::CALICO_NODE)
        .with("name", name)
        .with("bgp_address", bgp.and_then(address))
        .with("bgp_network", bgp.and_then(|it| it.parse::<IpNet>().ok()).map(|it| it.trunc()))
        .with("internal", internal.and_then(address))
        .with("ipip_tunnel", ipip.and_then(address))
        .with("vxlan_tunnel", vxlan.and_then(address))
}

/// One allocated address by its attribute.
fn allocation(ip: IpAddr, block: IpNet, owner: Option<&str>, attribute: &Value) -> Row {
    let secondary = &attribute["secondary"];
    let text = |key: &str| secondary[key].as_str().filter(|it| !it.is_empty());
    let pod = text("namespace").zip(text("pod")).map(|(namespace, pod)| format!("{namespace}/{pod}"));
    let user = text("node");
    Row::new(&relation::IPAM_ALLOCATION)
        .with("ip", ip)
        .with("block", block)
        .with("owner", owner)
        .with("user", user)
        .with("type", text("type").or(pod.as_ref().map(|_| "pod")))
        .with("pod", pod)
        .with("borrowed", user.map(|it| owner != Some(it)))
        .with("handle", attribute["handle_id"].as_str())
}

/// The address so many places behind the network's; none behind its end.
fn nth_address(network: IpNet, ordinal: usize) -> Option<IpAddr> {
    let found = match network {
        IpNet::V4(it) => {
            let ordinal = u32::try_from(ordinal).ok()?;
            IpAddr::from(std::net::Ipv4Addr::from(u32::from(it.network()).checked_add(ordinal)?))
        }
        IpNet::V6(it) => {
            IpAddr::from(std::net::Ipv6Addr::from(u128::from(it.network()).checked_add(ordinal as u128)?))
        }
    };
    network.contains(&found).then_some(found)
}

/// Version 1 of the resources writes this flag as a string.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}

/// The elements of a list under `spec`, each as it stands; nothing where the style is unusual.
fn sequence<'t>(object: &'t str, key: &str) -> Option<Vec<&'t str>> {
    if object.starts_with('{') {
        let list = entry(entry(object, "spec")?.value, key)?;
        return Some(elements(list.value).map(|it| it.text).collect());
    }
    let mut dash = None;
    let mut begun = None;
    let mut starts: Vec<usize> = Vec::new();
    let mut end = object.len();
    for line in lines(object, 0, 1).filter(|it| !it.text.trim().is_empty()) {
        let indent = line.text.len() - line.text.trim_start_matches(' ').len();
        let content = &line.text[indent..];
        let start = line.start as usize;
        let Some(column) = begun else {
            if content.strip_prefix(key) == Some(":") {
                begun = Some(indent);
            }
            continue;
        };
        let is_item = content.starts_with("- ") && indent == *dash.get_or_insert(indent);
        if is_item {
            starts.push(start + indent);
        } else if indent <= column {
            end = start;
            break;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([end]);
    Some(starts.iter().zip(ends).map(|(start, end)| object[*start..end].trim_end()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, read_at, read_cut, sample, sniff_certainty};

    fn rows(out: &MemberRecords, relation: &str) -> Vec<String> {
        let shown = |fact: &Fact| {
            let cells = fact.row.relation.columns.iter().zip(&fact.row.values).filter(|(_, it)| it.is_some());
            cells.map(|(column, value)| format!("{column}={value}")).collect::<Vec<_>>().join(" ")
        };
        facts(out, relation).map(shown).collect()
    }

    fn all_rows(out: &MemberRecords) -> Vec<String> {
        ["ipam.block", "ipam.allocation", "ipam.affinity", "ipam.config", "ipam.pool"].iter().flat_map(|it| rows(out, it)).collect()
    }

    fn collected(out: &MemberRecords) -> Vec<(&str, Option<&str>)> {
        out.collected.iter().map(|it| (it.relation, it.incomplete.as_deref())).collect()
    }

    #[test]
    fn a_block_and_its_addresses() {
        let out = read_at(&FORMAT, "x", FORMAT.samples[0]);
        insta::assert_snapshot!(all_rows(&out).join("\n"), @r#"
    cidr=10.64.75.0/31 owner=kubestage1001 total=2 used=1 free=1
    ip=10.64.75.0 block=10.64.75.0/31 owner=kubestage1001 user=kubestage1003 pod=kube-system/coredns-7d9c7d8cbd-7jzqk type=pod borrowed=true handle=k8s-pod-network.ce08
    "#);
        let fact = facts(&out, "ipam.allocation").next().expect("one address");
        insta::assert_snapshot!(fact.quotes.iter().map(|it| it.text.as_ref()).collect::<Vec<_>>().join("\n---\n"), @r#"
    - handle_id: k8s-pod-network.ce08
          secondary:
            namespace: kube-system
            node: kubestage1003
            pod: coredns-7d9c7d8cbd-7jzqk
    ---
    cidr: 10.64.75.0/31
    "#);
        assert_eq!(collected(&out), [("ipam.block", None), ("ipam.allocation", None)]);
        let single = read_at(&FORMAT, "x", FORMAT.samples[1]);
        insta::assert_snapshot!(all_rows(&single).join("\n"), @"cidr=10.64.75.0/26 owner=k1 state=confirmed deleted=false");
        assert!(single.collected.is_empty());
    }

    #[test]
    fn what_is_gone_and_what_is_broken() {
        let block = |spec: &str| {
            let text = format!("{{\"apiVersion\":\"crd.projectcalico.org/v1\",\"kind\":\"IPAMBlock\",\"spec\":{{{spec}}}}}");
            let out = read_at(&FORMAT, "x", &text);
            (all_rows(&out), out.issues.iter().map(|it| it.what.clone()).collect::<Vec<_>>())
        };
        assert!(block(r#""cidr":"10.0.0.0/31","deleted":true,"allocations":[0,0],"attributes":[{}]"#).0.is_empty());
        let cooling = block(r#""cidr":"10.0.0.0/31","affinity":"host:a","allocations":[0,1],"attributes":[{"secondary":{"node":"a"},"releasedAt":"2026-01-01T00:00:00Z"},{"secondary":{"node":"a"}}]"#).0;
        assert_eq!(cooling[1..], ["ip=10.0.0.1 block=10.0.0.0/31 owner=a user=a borrowed=false"]);
        let (rows, issues) = block(r#""cidr":"10.0.0.0/31","allocations":[7,0,0],"attributes":[{"secondary":{"node":"b"}}]"#);
        assert_eq!(rows[1..], ["ip=10.0.0.0 block=10.0.0.0/31", "ip=10.0.0.1 block=10.0.0.0/31 user=b borrowed=true"]);
        assert_eq!(issues, ["2 allocations of block 10.0.0.0/31 point nowhere"]);
        assert_eq!(block(r#""cidr":"no","allocations":3"#).1, ["an object without a cidr"]);
        let services = block(r#""cidr":"10.0.0.0/32","affinity":"virtual:load-balancer","allocations":[0],"attributes":[{"handle_id":"lb-1"}]"#).0;
        assert_eq!(services[1..], ["ip=10.0.0.0 block=10.0.0.0/32 handle=lb-1"]);
        let old = block(r#""cidr":"fd00::40/122","hostAffinity":"a","allocations":[null,0],"attributes":[{"secondary":{"node":"a"}}]"#).0;
        assert_eq!(old[1..], ["ip=fd00::41 block=fd00::40/122 owner=a user=a borrowed=false"]);
    }

    #[test]
    fn many_documents_and_cut_ones() {
        let two = format!("---\n{}---\n{}", FORMAT.samples[0], "apiVersion: projectcalico.org/v3\nkind: IPPool\nspec:\n  cidr: 10.64.75.0/24\n  blockSize: 26\n  vxlanMode: Always\n");
        let out = read_at(&FORMAT, "x", &two);
        assert_eq!(rows(&out, "ipam.pool"), ["cidr=10.64.75.0/24 block_size=26 disabled=false vxlan=Always"]);
        assert_eq!(rows(&out, "ipam.block").len(), 1);
        let json = r#"{"kind":"IPAMBlockList","apiVersion":"crd.projectcalico.org/v1","items":[{"kind":"IPAMBlock","apiVersion":"crd.projectcalico.org/v1","spec":{"cidr":"10.0.0.0/31","allocations":[null,null],"attributes":[]}},{"kind":"IPAMB"#;
        let cut = read_cut(&FORMAT, "x", json);
        assert_eq!(rows(&cut, "ipam.block"), ["cidr=10.0.0.0/31 total=2 used=0 free=2"]);
        assert!(collected(&cut).iter().all(|it| it.1.is_some()));
    }

    #[test]
    fn other_objects_are_left_alone() {
        for text in [
            "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    cni.projectcalico.org/podIP: 10.0.0.1/32\n",
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: calico-node\n",
            "kind: IPPool\napiVersion: example.com/v1\n# not projectcalico.org/\n",
            "The kind: IPAMBlock of crd.projectcalico.org/v1 holds addresses.\n",
            "",
        ] {
            assert_eq!(sniff_certainty(&FORMAT, "ipamblocks.yaml", text), Certainty::No, "{text}");
        }
    }

    #[test]
    fn one_cluster_in_every_form() {
        let read = |name: &str| {
            let text = sample(&format!("network/calico-crds/{name}"))?;
            assert_eq!(sniff_certainty(&FORMAT, "x", &text), Certainty::Sure, "{name}");
            let out = read_at(&FORMAT, "x", &text);
            assert!(out.issues.is_empty(), "{:?}", out.issues);
            assert_eq!(out.tally.lines, out.tally.understood);
            Some(out)
        };
        let Some(yaml) = read("ipamblocks.yaml") else { return };
        let json = read("ipamblocks.json").expect("its neighbour is there");
        assert_eq!(all_rows(&yaml), all_rows(&json));
        assert_eq!(rows(&yaml, "ipam.allocation").len(), 91);
        for out in [&yaml, &json] {
            let borrowed = facts(out, "ipam.allocation").filter(|it| it.get("borrowed") == timeline::Value::Flag(true));
            let borrowed: Vec<_> = borrowed.map(|it| it.get("ip").to_string()).collect();
            assert_eq!(borrowed, ["10.64.75.0", "10.64.75.63"]);
            // the quote names the node that uses the address
            for fact in facts(out, "ipam.allocation") {
                assert!(fact.quotes[0].text.contains(&fact.get("user").to_string()));
            }
        }
        insta::assert_snapshot!(rows(&yaml, "ipam.block").join("\n"), @r#"
    cidr=10.64.75.0/26 owner=kubestage1001 total=64 used=64 free=0
    cidr=10.64.75.128/26 owner=kubestage1002 total=64 used=3 free=61
    cidr=10.64.75.192/26 owner=kubestage1002 total=64 used=24 free=40
    cidr=10.64.75.64/26 owner=kubestage1001 total=64 used=0 free=64
    "#);
        let affinities = read("blockaffinities.yaml").expect("its neighbour is there");
        insta::assert_snapshot!(rows(&affinities, "ipam.affinity").join("\n"), @r#"
    cidr=10.64.75.0/26 owner=kubestage1001 state=confirmed deleted=false
    cidr=10.64.75.64/26 owner=kubestage1001 state=confirmed deleted=false
    cidr=10.64.75.128/26 owner=kubestage1002 state=confirmed deleted=false
    cidr=10.64.75.192/26 owner=kubestage1002 state=confirmed deleted=false
    cidr=10.64.76.0/26 owner=kubestage2009 state=pending deleted=false
    cidr=10.64.76.64/26 owner=kubestage1009 state=pendingDeletion deleted=true
    "#);
        assert_eq!(rows(&read("ipamconfigs.yaml").expect("a neighbour"), "ipam.config"), ["strict_affinity=false auto_allocate_blocks=true"]);
        assert_eq!(rows(&read("ippools.yaml").expect("a neighbour"), "ipam.pool"), ["cidr=10.64.75.0/24 block_size=26 disabled=false ipip=Never vxlan=Never"]);
        assert!(read("ipamhandles.yaml").expect("a neighbour").records.is_empty());
    }
}
