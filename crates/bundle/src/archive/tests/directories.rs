//! Directories on a real disk.

use std::fs;

use super::*;

#[cfg(unix)]
#[test]
fn a_directory_is_walked_in_order_without_following_anything() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("bundle");
    fs::create_dir_all(root.join("b/deep")).unwrap();
    fs::write(root.join("b/deep/file"), "deep").unwrap();
    fs::write(root.join("a.tar.gz"), gzip(&tar_of(&[("in", b"inside")]))).unwrap();
    fs::write(root.join("c.zip"), zip_of(&[("in", b"zipped")])).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::hard_link(root.join("b/deep/file"), root.join("hard")).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"n\xff")), "odd").unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink("..", root.join("loop")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let top = directory.path().join("named-by-the-user");
    symlink(&root, &top).unwrap();

    for input in [root, top] {
        let mut seen = Seen::default();
        walk(&Input::Path(input), &Limits::default(), &mut seen).unwrap();
        assert_eq!(seen.paths(), ["a.tar.gz!/in", "b/deep/file", "c.zip!/in", "empty", "n\\xff"]);
        assert_eq!(seen.content("c.zip!/in"), b"zipped");
        let outside = outside.path().display();
        assert_eq!(
            seen.notes(),
            format!(
                "linked dangling -> nowhere\nlinked hard -> b/deep/file\nlinked loop -> ..\nodd n\\xff NotUtf8\n\
                 linked out -> {outside}\nskipped socket 0 Special(\"socket\")"
            )
        );
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let message = |path: std::path::PathBuf| {
        let error = walk(&Input::Path(path), &Limits::default(), &mut Seen::default()).unwrap_err();
        error.to_string().replace(&directory.path().display().to_string(), "D")
    };
    fs::create_dir(directory.path().join("none")).unwrap();
    fs::write(directory.path().join("empty"), "").unwrap();
    assert_eq!(message(directory.path().join("missing")), "cannot read D/missing");
    assert_eq!(message(directory.path().join("none")), "D/none holds no files");
    assert_eq!(message(directory.path().join("empty")), "D/empty is empty");
}

#[test]
fn a_file_that_is_replaced_while_we_read_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a");
    fs::write(&file, "a").unwrap();
    let limits = Limits::default();
    let entries = list(directory.path(), &limits, &mut |_| {}).unwrap();
    fs::write(directory.path().join("b"), "b").unwrap();
    fs::rename(directory.path().join("b"), &file).unwrap();
    let mut seen = Seen::default();
    let _ = walk_file(&entries[0], &Budget::new(&limits), &limits, &mut seen);
    assert!(cfg!(not(unix)) || seen.notes() == "skipped a 1 Unreadable(\"it was replaced while we were reading\")");
}
