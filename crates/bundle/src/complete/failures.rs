//! What a collector says it collected only in part, said of the file itself.
//!
//! ```text
//! sos_reports/manifest.json     "filepath": "sos_commands/logs/journalctl_--no-pager", "return_code": 124
//! sos_strings/logs/var.log.messages.tailed          the end of a file that was too large
//! var_log/messages                                  100 MiB exactly: the EKS collector takes no more
//! ```
//!
//! A table of which a part is missing cannot show that a row is absent. A log of which the beginning is missing still
//! shows what happened after it; one whose command timed out may lack anything.

use std::collections::BTreeMap;

use timeline::{Record, Value, relation};

use crate::layout::Layouts;
use crate::member::{Done, incomplete};

/// What one file lacks.
#[derive(Clone)]
struct Lack {
    why: String,
    /// Only its beginning.
    tail: bool,
}

/// The EKS collector takes the last so many bytes of `messages`.
const EKS_TAIL_BYTES: u64 = 100 << 20;

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
        let lack = files.get(path.as_ref()).or_else(of_folder).cloned().or_else(|| by_path(it, layouts));
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
    let tailed = layout.name == "sos" && below.starts_with("sos_strings/") && below.ends_with(".tailed");
    let messages = below.trim_start_matches("var/").trim_start_matches("var_log/").trim_start_matches("log/");
    let eks = layout.name == "eks-collector" && messages == "messages" && it.member.bytes >= EKS_TAIL_BYTES;
    (tailed || eks).then(|| Lack {
        why: "only the end of it was collected: it is larger than the collector's limit".to_owned(),
        tail: true,
    })
}
