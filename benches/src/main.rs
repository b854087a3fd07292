//! Generates a big bundle from a fixed seed and times coroner on it against `gzip -dc`.
//!
//! ```text
//! cargo run --release -p coroner-benches -- generate /tmp/big.tar.gz 200
//! cargo run --release -p coroner-benches -- compare /tmp/big.tar.gz target/release/coroner
//! ```
//!
//! The bundle is journal-heavy: four nodes with `journalctl` output of varied ordinary lines, kernel noise, kubelet lines
//! with klog headers, and now and then a line a rule looks for. Figures are ratios of one run on one machine.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

const SEED: u64 = 0x5eed_c0de;
const NODES: [&str; 4] = ["node-a", "node-b", "node-c", "node-d"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["generate", path, megabytes] => generate(Path::new(path), megabytes.parse().context("megabytes")?),
        ["compare", path, coroner] => compare(path, coroner),
        _ => bail!("usage: generate PATH MEGABYTES | compare PATH CORONER"),
    }
}

/// A small generator of numbers; the same seed gives the same bundle everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn generate(path: &Path, megabytes: usize) -> anyhow::Result<()> {
    let file = BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?);
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::new(6)));
    let each = megabytes * 1_000_000 / NODES.len();
    for (at, node) in NODES.iter().enumerate() {
        let text = journal(node, each, SEED + at as u64);
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, format!("{node}/journalctl.txt"), text.as_bytes())?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

fn journal(node: &str, bytes: usize, seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut text = String::with_capacity(bytes + 4096);
    let mut millis: u64 = 0;
    while text.len() < bytes {
        millis += dice.roll(120);
        let secs = millis / 1000;
        let (day, hour, minute, second) = (1 + secs / 86_400 % 28, secs / 3600 % 24, secs / 60 % 60, secs % 60);
        let (a, b, c) = (dice.roll(1 << 20), dice.roll(1 << 32), dice.roll(1 << 16));
        let _ = write!(text, "Jul {day:02} {hour:02}:{minute:02}:{second:02} {node} ");
        let klog = format!("I07{day:02} {hour:02}:{minute:02}:{second:02}.{:06}    2817", millis % 1000 * 1000);
        let _ = match dice.roll(12) {
            0..=4 => writeln!(
                text,
                "kubelet[2817]: {klog} kubelet.go:{c}] \"SyncLoop (PLEG): event for pod\" pod=\"shop/order-{a:05x}\" event={{\"ID\":\"{b:08x}\",\"Type\":\"ContainerStarted\"}}"
            ),
            5..=6 => writeln!(text, "kernel: veth{a:05x}: port {c}(cali{b:08x}) entered forwarding state"),
            7 => writeln!(
                text,
                "dockerd[812]: time=\"2023-07-{day:02}T{hour:02}:{minute:02}:{second:02}Z\" level=info msg=\"shim reaped\" id={b:016x}{a:08x}"
            ),
            8 => writeln!(text, "systemd[1]: Started Session {c} of user svc-{a}."),
            9 => writeln!(
                text,
                "sshd[{c}]: Accepted publickey for svc-{a} from 10.{}.{}.{} port {c} ssh2",
                a % 256,
                b % 256,
                c % 256
            ),
            10 => writeln!(
                text,
                "containerd[900]: level=info msg=\"RemoveContainer for \\\"{b:016x}\\\" returns successfully\""
            ),
            _ if dice.roll(400) == 0 => writeln!(
                text,
                "kubelet[2817]: {klog} prober.go:117] Readiness probe for \"web-{a}_shop(1):web\" failed (failure): timeout"
            ),
            _ => writeln!(text, "CRON[{c}]: (root) CMD (test -x /usr/sbin/job-{a} && /usr/sbin/job-{a} --token {b:x})"),
        };
    }
    text
}

fn compare(path: &str, coroner: &str) -> anyhow::Result<()> {
    let gzip = best(|| run(Command::new("gzip").args(["-dc", path])))?;
    let analyze = best(|| run(Command::new(coroner).args(["analyze", "--format", "json", path])))?;
    let ratio = analyze.as_secs_f64() / gzip.as_secs_f64();
    report(&format!(
        "gzip -dc {:.2} s, coroner analyze {:.2} s, ratio {ratio:.2}",
        gzip.as_secs_f64(),
        analyze.as_secs_f64()
    ));
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn report(text: &str) {
    println!("{text}");
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { bail!("{command:?}: {status}") }
}

/// The best of five: what the machine can do when nothing disturbs it.
fn best(mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
