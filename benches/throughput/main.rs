//! How fast the server is, beside what PostgreSQL alone can do. See `options` for its use.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a benchmark is for")]
#![expect(clippy::cast_precision_loss, reason = "counts that are divided")]

mod client;
mod drive;
mod load;
mod measure;
mod operations;
mod options;
mod pgbench;
mod picture;
mod process;
mod requests;
mod results;
mod server;
mod statements;
mod table;

use anyhow::{Result, bail};
use clap::Parser;
use options::Options;
use results::Results;

// one thread for all clients: the processors are the server's
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let results = tokio::select! {
        results = results(&options) => results?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    if options.check {
        println!("All answers were right: {}.", results.operations());
        return Ok(());
    }
    println!("{}", table::print(&results));
    if options.from.is_none() {
        results.write(&options.json)?;
        println!("As JSON: {}", options.json.display());
    }
    if let Some(file) = &options.svg {
        std::fs::write(file, picture::svg(&results)?)?;
    }
    if let Some(file) = &options.readme {
        table::put_into(file, &results)?;
    }
    Ok(())
}

async fn results(options: &Options) -> Result<Results> {
    if let Some(file) = &options.from { Results::read(file) } else { measure::measure(options).await }
}
