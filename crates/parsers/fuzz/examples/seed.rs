//! Writes the seeds: `seed DIR` fills `DIR/format`, `DIR/bundle` and `DIR/rules`, `seed DIR FORMAT` one format's.

use std::fs;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let dir = PathBuf::from(args.next().unwrap_or_else(|| "corpus".into()));
    let only = args.next().map(|it| it.to_string_lossy().into_owned());
    for (at, format) in parsers::FORMATS.iter().enumerate() {
        for (number, sample) in format.samples.iter().enumerate() {
            let name = format!("{}-{number}", format.name);
            match &only {
                Some(only) if only == format.name => put(&dir.join(only), &name, sample.as_bytes())?,
                Some(_) => {}
                None => {
                    let mut chosen = vec![at as u8];
                    chosen.extend_from_slice(sample.as_bytes());
                    put(&dir.join("format"), &name, &chosen)?;
                    put(&dir.join("bundle"), &name, sample.as_bytes())?;
                    put(&dir.join("bundle"), &format!("{name}.tar"), &tar(sample.as_bytes()))?;
                }
            }
        }
    }
    if only.is_none() {
        let pack: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../rules/pack"].iter().collect();
        rules(&pack, &dir.join("rules"))?;
    }
    Ok(())
}

fn put(dir: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join(name), bytes)
}

/// One file in a tar, twice: as it is and in a second tar.
fn tar(bytes: &[u8]) -> Vec<u8> {
    let entry = |name: &str, bytes: &[u8]| {
        let mut block = [0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..107].copy_from_slice(b"0000644");
        block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        block[136..147].copy_from_slice(b"14371573600");
        block[148..156].fill(b' ');
        block[156] = b'0';
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = block.iter().map(|it| u32::from(*it)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut out = block.to_vec();
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
        out
    };
    let mut inner = entry("node-a/file.txt", bytes);
    inner.resize(inner.len() + 1024, 0);
    let mut outer = entry("node-b/other.txt", bytes);
    outer.extend(entry("inner.tar", &inner));
    outer.resize(outer.len() + 1024, 0);
    outer
}

/// Every rule with the signals it names, and every signal alone; files in one seed are parted by `%%%`.
fn rules(pack: &Path, to: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    collect(pack, &mut files)?;
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

fn collect(folder: &Path, files: &mut Vec<(String, String)>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else if let Some(name) = path.file_name() {
            files.push((name.to_string_lossy().into_owned(), fs::read_to_string(&path)?));
        }
    }
    Ok(())
}
