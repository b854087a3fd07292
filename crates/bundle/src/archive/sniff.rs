//! What a stream holds, told from its first 512 bytes.

use super::decode::Packing;
use super::encoding::is_wide;
use super::sections::Framing;

/// How many bytes a decision takes: one tar block.
pub(super) const HEAD: usize = 512;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Packed(Packing),
    Tar,
    Zip,
    Sections(Framing),
    Unsupported(&'static str),
}

/// `path` matters for a tar without any entry, which is nothing but zeros, and for a list of nodes.
pub(super) fn sniff(head: &[u8], path: &str) -> Kind {
    if let [b'=' | b'#' | b'*' | b'{' | b'\n' | b'\r', ..] = head
        && let Some(framing) = super::sections::begins(head, path)
    {
        return Kind::Sections(framing);
    }
    match head {
        // 1f 8b, method deflate
        [0x1f, 0x8b, 8, ..] => Kind::Packed(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::Packed(Packing::Zstd),
        // a skippable frame, as pzstd and seekable archives begin
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Kind::Packed(Packing::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Kind::Packed(Packing::Xz),
        // a block (pi) or, in an empty file, the end (sqrt pi)
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Kind::Packed(Packing::Bzip2),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] => Kind::Zip,
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Kind::Unsupported("7-zip"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Kind::Unsupported("rar"),
        // a frame, or one of the first versions
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Kind::Packed(Packing::Lz4),
        [0xff, 0xfe, rest @ ..] if is_wide(rest, 1) => Kind::Packed(Packing::Utf16Little),
        [0xfe, 0xff, rest @ ..] if is_wide(rest, 0) => Kind::Packed(Packing::Utf16Big),
        [0xef, 0xbb, 0xbf, ..] => Kind::Packed(Packing::Utf8Marked),
        [b'L', b'Z', b'I', b'P', 1, ..] => Kind::Unsupported("lzip"),
        _ if tar_header(head) => Kind::Tar,
        _ if head.len() == HEAD && head.iter().all(|byte| *byte == 0) && names_tar(path) => Kind::Tar,
        _ => Kind::Plain,
    }
}

/// Whether `block` is a tar header: its checksum fits, and it is not all zeros.
pub(super) fn tar_header(block: &[u8]) -> bool {
    let Ok(block) = <&[u8; HEAD]>::try_from(block) else { return false };
    let Ok(stated) = tar::Header::from_byte_slice(block).cksum() else { return false };
    let sum =
        |add: fn(i64, u8) -> i64| block[..148].iter().chain(&block[156..]).fold(8 * 32, |sum, byte| add(sum, *byte));
    let stated = i64::from(stated);
    let signed = sum(|sum, byte| sum + i64::from(byte.cast_signed())); // some old tars added signed bytes
    block[0] != 0 && (sum(|sum, byte| sum + i64::from(byte)) == stated || signed == stated)
}

/// Whether a name says that this is an archive, whatever it holds.
pub(super) fn names_archive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    names_tar(&path) || [".zip", ".gz", ".xz", ".bz2", ".zst", ".lz4"].iter().any(|end| path.ends_with(end))
}

fn names_tar(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    name.contains(".tar") || [".tgz", ".txz", ".tbz", ".tbz2", ".tzst"].iter().any(|end| name.ends_with(end))
}

/// Whether the first bytes could be text: UTF-8 or Latin-1, without NUL.
pub(super) fn text(head: &[u8]) -> bool {
    let odd = head.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127..)).count();
    !head.contains(&0) && (std::str::from_utf8(head).is_ok() || odd * 10 <= head.len())
}
