//! Facts as series, so that a metric can be held against a setting.
//!
//! ```text
//! sysctl      key=kernel.pid_max value=49152            coroner_sysctl{node="n", key="kernel.pid_max"} 49152
//! meminfo     key=MemTotal bytes=16824512512            coroner_meminfo_bytes{node="n", key="MemTotal"} 16824512512
//! ipam.pool   cidr=10.64.0.0/16 total=1024 free=0       coroner_ipam_pool_free{cidr="10.64.0.0/16"} 0
//! kernel      release=4.4.0-104-generic                 coroner_kernel_info{node="n", release="4.4.0-104-generic"} 1
//! ```
//!
//! A metric is `coroner_`, the relation with `_` for its dots, `_`, and a column that holds a number; a column called `value`
//! goes unsaid. Its labels are the columns that hold words, and `node`. A fact without a number is `…_info` with the value 1.
//! Numbers printed as text count as numbers; so `a b c` of a sysctl is none.
//!
//! What is a setting or a size holds at every instant; what was counted (free memory, threads) holds when it was
//! collected and for 5 minutes on. Where only facts are asked, all of them hold at once.

use timeline::{Fact, Name, Point, Printed, Relation, Series, Value};

/// How the names of such metrics begin.
pub(super) const PREFIX: &str = "coroner_";
/// The time of a point of which it is not known.
pub(super) const TIMELESS: i64 = i64::MIN;

/// Relations whose every row is a setting or a size.
const SETTINGS: [&str; 22] = [
    "sysctl",
    "limit",
    "kernel",
    "os",
    "runtime",
    "package",
    "module",
    "kubelet.config",
    "kernel.argument",
    "kdump.config",
    "ipam.config",
    "address",
    "route",
    "mount",
    "certificate",
    "cgroup.controller",
    "node",
    "probe",
    "clock.zone",
    "boot",
    "ip.rule",
    "link",
];
/// Columns, keys and cells that name one in the others.
const SIZES: [&str; 10] =
    ["total", "size", "limit", "max", "soft", "hard", "capacity", "quota", "desired", "object_bytes"];

/// Whether a metric's name, without the prefix, is of a relation.
pub(super) fn is_of(relation: &Relation, name: &str) -> bool {
    let own = relation.name.replace('.', "_");
    name.strip_prefix(own.as_str()).is_some_and(|it| it.is_empty() || it.starts_with('_'))
}

/// Whether a metric is made of facts.
pub(super) fn is_state(metric: &str) -> bool {
    metric.starts_with(PREFIX)
}

/// The relation whose facts a metric is made of; none for what was measured.
pub(crate) fn relation_of(metric: &str) -> Option<&'static Relation> {
    let name = metric.strip_prefix(PREFIX)?;
    let fits = timeline::relation::ALL.iter().filter(|it| is_of(it, name));
    fits.max_by_key(|it| it.name.len()).copied()
}

/// Whether a series of facts holds at every instant.
pub(super) fn holds_always(series: &Series) -> bool {
    // said when it was made, where the text of a scraped series would have its line
    series.metric.starts_with(PREFIX) && !series.stale.is_empty()
}

/// A number in a cell; a version such as 1.21 is none, and neither is an address.
fn number(column: &str, value: &Value) -> Option<f64> {
    if matches!(column, "version" | "release" | "pid" | "ppid" | "uid" | "boot_id" | "name" | "table" | "id" | "index")
    {
        return None;
    }
    value.as_number().filter(|_| !matches!(value, Value::Text(it) if it.trim().is_empty()))
}

/// The series of one fact, one for each number.
pub(super) fn series(fact: &Fact) -> Vec<Series> {
    let relation = fact.row.relation;
    let base = format!("{PREFIX}{}", relation.name.replace('.', "_"));
    let cells = || relation.columns.iter().copied().zip(&fact.row.values).filter(|(_, it)| it.is_some());
    let mut labels: Vec<(Name, Name)> = cells()
        .filter(|(column, value)| number(column, value).is_none())
        .map(|(column, value)| (Name::from(column), Name::from(value.to_string())))
        .collect();
    labels.extend(fact.node.iter().map(|it| (Name::from("node"), it.clone())));
    labels.sort();
    labels.dedup_by(|later, first| later.0 == first.0);
    let key = fact.get("key").to_string();
    let made = |metric: String, column: &str, value: f64| {
        let quote = fact.quotes.first();
        let text = Printed::whole(quote.map_or("", |it| it.text.as_ref()));
        let millis = if fact.at.is_known() { fact.at.nominal.lo.timestamp_millis() } else { TIMELESS };
        let size = |it: &str| SIZES.iter().any(|size| it.to_ascii_lowercase().ends_with(size));
        let always = SETTINGS.contains(&relation.name) || size(column) || (column != "info" && size(&key));
        Series {
            metric: metric.into(),
            labels: labels.clone(),
            points: [Point { millis, value }].into_iter().collect(),
            // what holds always never ends: a mark that no instant reaches
            stale: if always { vec![i64::MAX] } else { Vec::new() },
            node: fact.node.clone(),
            member: quote.map_or(timeline::MemberId(0), |it| it.span.member),
            start: quote.map_or(0, |it| it.span.start),
            line: quote.map_or(1, |it| it.span.line),
            text,
        }
    };
    let mut found: Vec<Series> = cells()
        .filter_map(|(column, value)| {
            let number = number(column, value)?;
            let metric = if column == "value" { base.clone() } else { format!("{base}_{column}") };
            Some(made(metric, column, number))
        })
        .collect();
    if found.is_empty() {
        found.push(made(format!("{base}_info"), "info", 1.0));
    }
    found
}
