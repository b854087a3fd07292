//! Directories: the files in sorted order, each to be opened on its own, so that several can be read at once.
//!
//! Links are named, not followed; devices, pipes and sockets are named, not opened. Of several hard links to one file
//! the first in order is the file.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::names::{Names, cut, printable};
use super::open::open_file;
use super::walker::Place;
use super::{Budget, Error, Limit, Limits, Note, SkipReason, Visitor};

/// A file in a directory.
#[derive(Debug, Clone)]
pub(crate) struct FileEntry {
    /// As a member's path: relative to the directory the user named, cleaned, unique.
    pub(crate) path: String,
    /// Where the operating system finds it.
    pub(crate) file: PathBuf,
    /// Seconds since 1970.
    pub(crate) modified: Option<i64>,
    /// Bytes as stored.
    pub(crate) size: u64,
    identity: Identity,
}

/// Device and inode; of a file seen when listing and opened later, it shows that nobody put a link in its place.
type Identity = Option<(u64, u64)>;

/// The files below `path`, sorted by name, and notes about everything else there.
pub(crate) fn list(path: &Path, limits: &Limits, note: &mut dyn FnMut(Note)) -> Result<Vec<FileEntry>, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let mut names = Names::new(String::new(), limits.path_bytes);
    let mut links = HashMap::new();
    let mut files = Vec::new();
    let mut spoke = false;
    let mut count = 0u64;
    let mut pending = children(path).map_err(read)?;
    while let Some(file) = pending.pop() {
        let relative = file.strip_prefix(path).unwrap_or(&file);
        count += 1;
        if count > limits.members {
            let path = printable(relative.as_os_str().as_encoded_bytes());
            note(Note::LimitHit { which: Limit::Members, path, limit: limits.members });
            spoke = true;
            break;
        }
        let metadata = fs::symlink_metadata(&file);
        if metadata.as_ref().is_ok_and(Metadata::is_dir) {
            match children(&file) {
                Ok(children) => pending.extend(children),
                Err(error) => {
                    let path = printable(relative.as_os_str().as_encoded_bytes());
                    note(Note::Skipped { path, bytes: 0, reason: SkipReason::Unreadable(error.to_string()) });
                    spoke = true;
                }
            }
            continue;
        }
        let (path, odd) = names.present(relative.as_os_str().as_encoded_bytes());
        for what in odd {
            note(Note::OddPath { path: path.clone(), what });
        }
        let reason = match metadata {
            Err(error) => SkipReason::Unreadable(error.to_string()),
            Ok(metadata) if metadata.is_symlink() => {
                let target = fs::read_link(&file).unwrap_or_default();
                let mut target = printable(target.as_os_str().as_encoded_bytes());
                cut(&mut target, limits.path_bytes);
                note(Note::Linked { path, target });
                continue;
            }
            Ok(metadata) if metadata.is_file() => {
                let identity = identity(&metadata);
                if let Some(first) = identity.filter(|_| shared(&metadata)).and_then(|same| links.get(&same)) {
                    note(Note::Linked { path, target: String::clone(first) });
                    continue;
                }
                if let Some(identity) = identity.filter(|_| shared(&metadata)) {
                    links.insert(identity, path.clone());
                }
                files.push(FileEntry { path, file, modified: modified(&metadata), size: metadata.len(), identity });
                continue;
            }
            Ok(metadata) => SkipReason::Special(special(&metadata)),
        };
        note(Note::Skipped { path, bytes: 0, reason });
        spoke = true;
    }
    if files.is_empty() && !spoke {
        return Err(Error::NoFiles { path: path.to_owned() });
    }
    Ok(files)
}

/// Walks what one file of a directory holds; an archive's members follow its path and `!/`.
pub(crate) fn walk_file(
    entry: &FileEntry,
    budget: &Budget,
    limits: &Limits,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let opened = File::open(&entry.file).and_then(|file| {
        let metadata = file.metadata()?;
        if metadata.is_file() && identity(&metadata) == entry.identity {
            return Ok(file);
        }
        Err(io::Error::other("it was replaced while we were reading"))
    });
    let file = match opened {
        Ok(file) => file,
        Err(error) => {
            let reason = SkipReason::Unreadable(error.to_string());
            visitor.note(Note::Skipped { path: entry.path.clone(), bytes: entry.size, reason });
            return ControlFlow::Continue(());
        }
    };
    let place = Place::new(entry.path.clone(), entry.modified, Some(entry.size), 0, false);
    open_file(place, file, budget, limits, visitor)
}

/// What stands in a directory, last name first, since they are taken from the end.
fn children(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut children = fs::read_dir(directory)?.map(|child| Ok(child?.path())).collect::<io::Result<Vec<_>>>()?;
    children.sort_unstable_by(|one, other| other.file_name().cmp(&one.file_name()));
    Ok(children)
}

pub(super) fn modified(metadata: &Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Identity {
    None
}

#[cfg(unix)]
fn shared(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

#[cfg(not(unix))]
fn shared(_metadata: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn special(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match metadata.file_type() {
        kind if kind.is_fifo() => "fifo",
        kind if kind.is_socket() => "socket",
        kind if kind.is_char_device() => "character device",
        kind if kind.is_block_device() => "block device",
        _ => "special file",
    }
}

#[cfg(not(unix))]
fn special(_metadata: &Metadata) -> &'static str {
    "special file"
}
