//! Writes the seeds: `seed DIR` fills `DIR/<format>` for every format, `DIR/any`, `DIR/bundle` and `DIR/rules`.
//!
//! They are the samples of the registry, the rules of the pack, and of each real sample beside the repository
//! (`../shared/samples`, where it is there) the beginning, under the format that recognises it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use parsers::{FORMATS, Sniff};

/// Of a text this much is a seed: more only makes the fuzzer slow.
const TEXT_BYTES: usize = 6 << 10;
/// A binary file is one whole.
const BINARY_BYTES: usize = 160 << 10;
/// Seeds of one format from real files.
const MOST: usize = 40;
/// A sample is unpacked up to here.
const UNPACKED_BYTES: u64 = 64 << 20;

fn main() -> io::Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "corpus".into()));
    for (at, format) in FORMATS.iter().enumerate() {
        for (number, sample) in format.samples.iter().enumerate() {
            let name = format!("{}-{number}", format.name);
            put(&dir.join(format.name), &name, sample.as_bytes())?;
            let mut chosen = vec![at as u8];
            chosen.extend_from_slice(sample.as_bytes());
            put(&dir.join("any"), &name, &chosen)?;
            if number == 0 {
                packed(&dir.join("bundle"), &name, sample.as_bytes())?;
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    rules(&root.join("../../rules/pack"), &dir.join("rules"))?;
    let samples = root.join("../../../../shared/samples");
    if !samples.is_dir() {
        eprintln!("no ../shared/samples: seeds are the samples of the registry alone");
        return Ok(());
    }
    let mut counts = vec![0; FORMATS.len()];
    let mut files = Vec::new();
    collect(&samples, &mut files)?;
    for path in files {
        unpack(&path.to_string_lossy(), &fs::read(&path)?, &mut |path, bytes| real(&dir, &mut counts, path, bytes))?;
    }
    Ok(())
}

fn put(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join(name), bytes)
}

/// The beginning of a real file, under its format.
fn real(dir: &Path, counts: &mut [usize], path: &str, bytes: &[u8]) -> io::Result<()> {
    let head = &bytes[..bytes.len().min(64 << 10)];
    let text: String = match std::str::from_utf8(head) {
        Ok(text) => text.to_owned(),
        Err(_) => head.iter().map(|it| if it.is_ascii() { char::from(*it) } else { '?' }).collect(),
    };
    let sniff = Sniff { path, text: &text, bytes: head, whole: head.len() == bytes.len() };
    let Some(format) = parsers::identify(&sniff) else { return Ok(()) };
    let Some(at) = FORMATS.iter().position(|it| it.name == format.name) else { return Ok(()) };
    counts[at] += 1;
    if counts[at] > MOST {
        return Ok(());
    }
    let binary = matches!(format.name, "journal-binary" | "tsdb-chunks" | "tsdb-index");
    let seed = if binary {
        // a journal is allocated in blocks: what follows the last entry is nought
        let used = bytes.iter().rposition(|it| *it != 0).map_or(0, |it| it + 1);
        if used > BINARY_BYTES {
            return Ok(());
        }
        &bytes[..used]
    } else {
        let cut = bytes.len().min(TEXT_BYTES);
        let end = bytes[..cut].iter().rposition(|it| *it == b'\n').map_or(cut, |it| it + 1);
        &bytes[..if cut == bytes.len() { cut } else { end }]
    };
    put(&dir.join(format.name), &format!("real-{}", counts[at]), seed)
}

/// Hands over a file, and what is in it where it is packed.
fn unpack(path: &str, bytes: &[u8], to: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let decoder: Box<dyn Read + '_> = match bytes {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(bytes)?),
        _ if bytes.get(257..262) == Some(b"ustar") => {
            for entry in tar::Archive::new(bytes).entries()? {
                // a sample may be damaged: what stands before the damage will do
                let Ok(mut entry) = entry else { return Ok(()) };
                if !entry.header().entry_type().is_file() {
                    continue;
                }
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                let mut inner = Vec::new();
                if entry.by_ref().take(UNPACKED_BYTES).read_to_end(&mut inner).is_err() {
                    return Ok(());
                }
                unpack(&name, &inner, to)?;
            }
            return Ok(());
        }
        _ => return to(path, bytes),
    };
    let mut inner = Vec::new();
    if decoder.take(UNPACKED_BYTES).read_to_end(&mut inner).is_err() {
        return Ok(());
    }
    let name = ["gz", "xz", "zst", "tgz"].iter().find_map(|it| path.strip_suffix(it)).unwrap_or(path);
    unpack(name.trim_end_matches('.'), &inner, to)
}

/// One file as it is, in a tar, and in a tar within a tar; each of the compressions, and a zip.
fn packed(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let bytes = &bytes[..bytes.len().min(TEXT_BYTES)];
    put(dir, name, bytes)?;
    let inner = tar(&[("node-a/file.txt", bytes)])?;
    let outer = tar(&[("node-b/other.txt", bytes), ("inner.tar", &inner)])?;
    put(dir, &format!("{name}.tar"), &outer)?;
    let gzip = {
        let mut it = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        it.write_all(&inner)?;
        it.finish()?
    };
    // each kind of packing once in a few: they only differ in what they hold
    match name.len() % 6 {
        0 => put(dir, &format!("{name}.gz"), &gzip),
        1 => {
            let mut it = liblzma::write::XzEncoder::new(Vec::new(), 1);
            it.write_all(&inner)?;
            put(dir, &format!("{name}.xz"), &it.finish()?)
        }
        2 => put(dir, &format!("{name}.zst"), &zstd::encode_all(&inner[..], 1)?),
        3 => {
            let mut it = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            it.write_all(&inner)?;
            put(dir, &format!("{name}.bz2"), &it.finish()?)
        }
        4 => put(dir, &format!("{name}.zip"), &zip(&[("node-a/file.txt", bytes), ("inner.tgz", &gzip)])?),
        _ => put(dir, &format!("{name}.tgz"), &tar(&[("node-a.tgz", &gzip)])?),
    }
}

fn tar(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, name, *bytes)?;
    }
    builder.into_inner()
}

fn zip(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut out);
    for (name, bytes) in files {
        let (mut entry, config) =
            archive.new_file(name).compression_method(rawzip::CompressionMethod::DEFLATE).start().map_err(io::Error::other)?;
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
        let mut writer = config.wrap(encoder);
        writer.write_all(bytes)?;
        let (encoder, sums) = writer.finish().map_err(io::Error::other)?;
        encoder.finish()?;
        entry.finish(sums).map_err(io::Error::other)?;
    }
    archive.finish().map_err(io::Error::other)?;
    Ok(out)
}

/// Every rule with the signals it names, and every signal alone; files in one seed are parted by `%%%`.
fn rules(pack: &Path, to: &Path) -> io::Result<()> {
    let mut paths = Vec::new();
    collect(pack, &mut paths)?;
    let mut files = Vec::new();
    for path in paths {
        if let Some(name) = path.file_name() {
            files.push((name.to_string_lossy().into_owned(), fs::read_to_string(&path)?));
        }
    }
    let signals: Vec<&(String, String)> = files.iter().filter(|it| it.1.starts_with("signal:")).collect();
    for (name, text) in &files {
        let mut seed = text.clone();
        for (signal, of) in &signals {
            let stem = signal.trim_end_matches(".yaml");
            if !text.starts_with("signal:") && text.contains(stem) {
                seed.push_str("\n%%%\n");
                seed.push_str(of);
            }
        }
        put(to, name, seed.as_bytes())?;
    }
    Ok(())
}

/// Every file under a folder, in order.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
