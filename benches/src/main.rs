//! Generates big bundles and times coroner on them.
//!
//! ```text
//! cargo build --release -p coroner-cli -p coroner-benches
//! target/release/coroner-benches run --sizes 200,1000 --work /tmp/bundles
//! target/release/coroner-benches generate /tmp/bundles/b200 200 --pack tar.gz --pack tar.zst
//! ```

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use coroner_benches::{Packing, Run, bundle, copies, pack, run};

#[derive(Parser)]
#[command(about, version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a bundle of so many megabytes as a folder, and packs it
    Generate {
        folder: PathBuf,
        megabytes: u64,
        /// tar, tar.gz, tar.zst, tar.xz, whole.tar.xz
        #[arg(long, value_parser = |it: &str| Packing::named(it).ok_or("no such packing"))]
        pack: Vec<Packing>,
    },
    /// Times the analysis of a bundle with so many times the rules
    Pack {
        bundle: PathBuf,
        /// How many times the rules, the originals counted
        #[arg(long, value_delimiter = ',', default_value = "10,100")]
        copies: Vec<usize>,
        /// The folder of the rules to copy
        #[arg(long, default_value = "crates/rules/pack")]
        rules: PathBuf,
        /// Interleaved rounds
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Times coroner beside gzip, zstd, xz, ripgrep and lnav, and checks what it says
    Run {
        /// Megabytes of the bundles
        #[arg(long, value_delimiter = ',', default_value = "200,1000")]
        sizes: Vec<u64>,
        /// Where bundles are kept between runs
        #[arg(long)]
        work: PathBuf,
        #[arg(long, default_value = "target/release/coroner")]
        coroner: PathBuf,
        /// Interleaved rounds of each comparison
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Only comparisons whose name holds this
        #[arg(long, default_value = "")]
        only: String,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Generate { folder, megabytes, pack: packings } => {
            bundle(&folder, megabytes * 1_000_000)?;
            for packing in packings {
                pack(&folder, packing)?;
            }
            Ok(())
        }
        Command::Pack { bundle, copies: times, rules, rounds } => copies(&rules, &bundle, &times, rounds),
        Command::Run { sizes, work, coroner, rounds, only } => run(&Run { sizes, work, coroner, rounds, only }),
    }
}
