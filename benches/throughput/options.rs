//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::operations::Operation;

/// How many requests a second the server answers, and how many the same statements of pgbench alone make of the same
/// PostgreSQL.
///
/// It starts the server with the settings that it ships with, on a new database of its own, fills that, and measures in
/// rounds: each operation by 32 clients over HTTP, then by pgbench. The figures are the medians of the rounds. It needs
/// Linux, and pgbench, which comes with PostgreSQL. Run it on a quiet machine; shares of pgbench can be compared between
/// runs, other figures only within one.
#[derive(Parser)]
#[command(name = "cargo bench --", bin_name = "cargo bench --")]
pub(crate) struct Options {
    /// How often each operation is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// For how many seconds each time, and as long again by pgbench; 0: only for a moment
    #[arg(long, default_value_t = 4)]
    pub(crate) seconds: u32,
    /// Only these operations, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "OPERATION")]
    pub(crate) only: Vec<Operation>,
    /// Another server program than the one of this source; given twice, both in turn, to compare them
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) server: Vec<PathBuf>,
    /// Only looks whether it works, and whether all answers are right: one round of moments on a small database, of which
    /// the figures mean nothing
    #[arg(long)]
    pub(crate) check: bool,
    /// Leaves pgbench out, to compare servers only
    #[arg(long)]
    pub(crate) without_pgbench: bool,
    /// Where the databases are for the time being; they need about 1 GB, on a disk
    #[arg(long, default_value_os_t = std::env::temp_dir(), value_name = "FOLDER")]
    pub(crate) dir: PathBuf,
    /// Where the results are written
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/throughput.json"), value_name = "FILE")]
    pub(crate) json: PathBuf,
    /// Shows results that were written before, and measures nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Draws the picture of the README
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Puts the table into a README, between the lines `<!-- throughput -->` and `<!-- end of throughput -->`
    #[arg(long, value_name = "FILE")]
    pub(crate) readme: Option<PathBuf>,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// The operations to measure, in the order of the table.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let all = Operation::ALL.iter().copied();
        all.filter(|operation| self.only.is_empty() || self.only.contains(operation)).collect()
    }
}
