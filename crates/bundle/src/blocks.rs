//! Blocks of metrics whose index and chunks are members of their own, put together.

use std::collections::BTreeMap;

use timeline::{BlockPart, Member, MemberId, MemberRecords, Record};

/// Joins every index with the files of chunks beside it; the series stand in the records of the index.
pub(crate) fn join(members: &[Member], records: &mut [MemberRecords]) {
    let mut blocks: BTreeMap<String, (Option<usize>, BTreeMap<String, usize>)> = BTreeMap::new();
    for (at, (member, of)) in members.iter().zip(records.iter()).enumerate() {
        let path: &str = &member.path;
        match &of.part {
            Some(BlockPart::Index(_)) => {
                let folder = path.rsplit_once('/').map_or("", |(it, _)| it);
                blocks.entry(folder.to_owned()).or_default().0 = Some(at);
            }
            Some(BlockPart::Chunks(_)) => {
                let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
                let folder = folder.strip_suffix("/chunks").or(folder.strip_suffix("chunks")).unwrap_or(folder);
                blocks.entry(folder.to_owned()).or_default().1.insert(name.to_owned(), at);
            }
            None => {}
        }
    }
    for (index, files) in blocks.into_values() {
        let Some(index) = index else { continue };
        let Some(part) = records[index].part.take() else { continue };
        let chunks: Vec<(MemberId, &BlockPart)> =
            files.values().filter_map(|at| Some((MemberId(*at as u32), records[*at].part.as_ref()?))).collect();
        let found = parsers::join_block(&part, &chunks);
        if chunks.is_empty() {
            records[index].issue(MemberId(index as u32), 0, "the chunks of this block were not collected");
        }
        records[index].records.extend(found.into_iter().map(|it| Record::Series(Box::new(it))));
    }
    for of in records {
        of.part = None;
    }
}

#[cfg(test)]
#[allow(clippy::print_stderr)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use crate::{Input, Limits, Options, read};
    use timeline::Record;

    /// A folder with a block, as a snapshot is handed over.
    #[test]
    fn a_block_in_a_folder_becomes_its_series() {
        let folder =
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/metrics/snapshot-block"));
        if !folder.exists() {
            eprintln!("SKIPPED: no sample of a block");
            return;
        }
        let options = Options { limits: Limits::default(), threads: 1, watch: Arc::new(false) };
        let case = read(&[Input::Path(folder)], &options).expect("a folder");
        let series = |it: &Record| matches!(it, Record::Series(_));
        let count: usize = case.records.iter().map(|it| it.records.iter().filter(|it| series(it)).count()).sum();
        assert_eq!(count, 973);
        let issues: Vec<_> = case.records.iter().flat_map(|it| &it.issues).collect();
        assert!(issues.is_empty(), "{issues:?}");
    }
}
