//! What a collector says it collected only in part, said of the file itself.
//!
//! ```text
//! sos_reports/manifest.json     "filepath": "sos_commands/logs/journalctl_--no-pager", "return_code": 124
//! sos_strings/logs/var.log.messages.tailed          the end of a file that was too large
//! var_log/messages                                  100 MiB exactly: the EKS collector takes no more
//! cluster-resources/pods/logs/shop/web-1/web.log    10 000 lines exactly: nor does Troubleshoot
//! messages.txt!/var/log/messages - Last 500 Lines   supportconfig says so itself
//! ```
//!
//! A table of which a part is missing cannot show that a row is absent. A log of which the beginning is missing still
//! shows what happened after it; one whose command timed out may lack anything.

use std::collections::BTreeMap;

use timeline::{Record, Value, relation};

use super::commands;
use crate::layout::Layouts;
use crate::member::{Done, incomplete};

/// What one file lacks.
#[derive(Clone)]
pub(super) struct Lack {
    pub(super) why: String,
    /// Only its beginning.
    pub(super) tail: bool,
}

/// The EKS collector takes the last so many bytes of `messages`.
const EKS_TAIL_BYTES: u64 = 100 << 20;
/// Lines of a container that Troubleshoot asks for, unless told otherwise.
const TROUBLESHOOT_LINES: u64 = 10_000;
/// `journalctl -n` of microk8s.
const MICROK8S_LINES: u64 = 100_000;
/// `tail -c` of the node's logs in Harvester's and Longhorn's bundles.
const KIT_BYTES: u64 = 10 << 20;

/// Marks the members that their collector says are not whole.
pub(crate) fn failures(done: &mut [Done], layouts: &Layouts) {
    let mut files: BTreeMap<String, Lack> = BTreeMap::new();
    let mut folders: BTreeMap<String, Lack> = BTreeMap::new();
    for it in done.iter() {
        for record in &it.records.records {
            let Record::Fact(fact, _) = record else { continue };
            if fact.row.relation != &relation::COLLECT_FAILURE {
                continue;
            }
            let (Value::Text(path), why) = (fact.get("path"), fact.get("why").to_string()) else { continue };
            let tail = fact.get("tail") == Value::Flag(true);
            let whole = format!("{}{path}", layouts.of(&it.member.path).root);
            let map = if whole.ends_with('/') { &mut folders } else { &mut files };
            let old = map.entry(whole).or_insert(Lack { why, tail });
            old.tail &= tail;
        }
    }
    for it in done.iter_mut() {
        let path = &it.member.path;
        let of_folder = || {
            let ends = memchr::memrchr_iter(b'/', path.as_bytes()).map(|it| it + 1);
            ends.into_iter().find_map(|end| folders.get(&path[..end]))
        };
        let lack = files
            .get(path.as_ref())
            .or_else(of_folder)
            .cloned()
            .or_else(|| by_path(it, layouts))
            .or_else(|| commands::lack(path, it.records.tally.lines));
        let Some(Lack { why, tail }) = lack else { continue };
        if tail {
            for collected in &mut it.records.collected {
                collected.incomplete.get_or_insert_with(|| why.clone());
            }
        } else {
            incomplete(&mut it.records, &why);
        }
        it.member.truncated.get_or_insert(why);
    }
}

/// What the place and the size of a file tell.
fn by_path(it: &Done, layouts: &Layouts) -> Option<Lack> {
    let path = &it.member.path;
    let layout = layouts.of(path);
    let below = path.strip_prefix(layout.root.as_str())?;
    let (bytes, lines) = (it.member.bytes, it.records.tally.lines);
    let messages = below.trim_start_matches("var/").trim_start_matches("var_log/").trim_start_matches("log/");
    let ends = match layout.name {
        "sos" => below.starts_with("sos_strings/") && below.ends_with(".tailed"),
        "eks-collector" => messages == "messages" && bytes >= EKS_TAIL_BYTES,
        "troubleshoot" => below.contains("pods/logs/") && lines == TROUBLESHOOT_LINES,
        // with a header
        "microk8s-inspect" => below.ends_with("/journal.log") && lines >= MICROK8S_LINES,
        "support-bundle-kit" => below.contains("/logs/") && bytes == KIT_BYTES,
        "supportconfig" => last_lines(below).is_some_and(|it| lines >= it),
        _ => false,
    };
    ends.then(|| Lack {
        why: "only the end of it was collected: it is larger than the collector's limit".to_owned(),
        tail: true,
    })
}

/// `messages.txt!/var/log/messages - Last 500 Lines`: how many lines supportconfig takes of the end of a log.
fn last_lines(path: &str) -> Option<u64> {
    path.rsplit_once(" - Last ")?.1.strip_suffix(" Lines")?.parse().ok()
}
