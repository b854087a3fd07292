//! How long a command takes, and how much memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use wait4::Wait4;

/// What one run cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time, of all threads and children.
    pub(crate) cpu: Duration,
    pub(crate) peak_bytes: u64,
}

/// Runs a shell line or a program with arguments, its output into a file or nowhere.
pub(crate) fn cost(command: &[String], output: Option<&Path>) -> anyhow::Result<Cost> {
    let (program, arguments) = command.split_first().context("no command")?;
    let stdout = match output {
        Some(path) => std::fs::File::create(path)?.into(),
        None => Stdio::null(),
    };
    let start = Instant::now();
    let mut child =
        Command::new(program).args(arguments).stdout(stdout).stderr(Stdio::null()).stdin(Stdio::null()).spawn()?;
    let used = child.wait4()?;
    let wall = start.elapsed();
    // ripgrep says 1 where nothing was found
    if !matches!(used.status.code(), Some(0 | 1)) {
        bail!("{command:?}: {}", used.status);
    }
    Ok(Cost { wall, cpu: used.rusage.utime + used.rusage.stime, peak_bytes: used.rusage.maxrss })
}

/// The median of each figure.
pub(crate) fn median(costs: &[Cost]) -> Cost {
    let of = |it: &dyn Fn(&Cost) -> u128| -> u128 {
        let mut all: Vec<u128> = costs.iter().map(it).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let time = |nanos: u128| Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    Cost {
        wall: time(of(&|it| it.wall.as_nanos())),
        cpu: time(of(&|it| it.cpu.as_nanos())),
        peak_bytes: of(&|it| u128::from(it.peak_bytes)) as u64,
    }
}
