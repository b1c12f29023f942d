//! `backup` and `restore`: all data in a file, and back.

use std::{io, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::{
    run::{MIGRATION, Running, Sharing},
    say,
    stop::stop_signal,
};
use crate::{
    config::{Config, Database},
    db::{backup, embedded::DataDir},
};

/// Where to.
#[derive(Args)]
pub(super) struct Backup {
    /// The file that is made; nothing may be there yet
    file: PathBuf,
}

/// Where from.
#[derive(Args)]
pub(super) struct Restore {
    /// A file that `backup` made
    file: PathBuf,
}

/// Makes a backup.
pub(super) async fn back_up(config: &Config, Backup { file }: &Backup) -> Result<()> {
    ensure_data(config)?;
    with_running(config, async |database, bindir| {
        let made = backup::back_up(&database.options, bindir, file).await.context("no backup was made")?;
        let (version, size) = (&made.version, made.size.div_ceil(1024));
        say(&mut io::stdout(), &format!("{} is the backup of {}", file.display(), database.name));
        say(&mut io::stdout(), &format!("It was made by pg_dump {version}, has {size} KiB, and was read back whole."));
        Ok(())
    })
    .await
}

/// Restores a backup.
pub(super) async fn restore(config: &Config, Restore { file }: &Restore) -> Result<()> {
    // a wrong name should not make a private database first
    ensure!(file.is_file(), "{} is no file", file.display());
    with_running(config, async |database, bindir| {
        let restored = backup::restore(&database.options, bindir, file, MIGRATION).await;
        restored.with_context(|| format!("{} is not restored into {}", file.display(), database.name))?;
        say(&mut io::stdout(), &format!("{} is restored into {}", file.display(), database.name));
        Ok(())
    })
    .await
}

/// Does the work on the database of the configuration, until the process is told to stop.
async fn with_running(
    config: &Config,
    work: impl AsyncFnOnce(&Running, Option<&std::path::Path>) -> Result<()>,
) -> Result<()> {
    let stop = stop_signal()?;
    let database = Running::new(config, Sharing::Wanted).await?;
    let done = tokio::select! {
        () = stop => Err(anyhow::anyhow!("interrupted")),
        done = work(&database, config.pg_bindir.as_deref()) => done,
    };
    database.stop().await?;
    done
}

/// A private database that does not exist yet is not made only to be backed up.
fn ensure_data(config: &Config) -> Result<()> {
    if let Database::External(..) = config.database {
        return Ok(());
    }
    let data_dir = DataDir::existing(&config.data_dir, config.data_dir_is_default)?;
    match data_dir {
        Some(data_dir) if data_dir.cluster().exists() => Ok(()),
        _ => bail!(
            "there is nothing to back up: no data is in {}, and no DATABASE_URL is set",
            std::path::absolute(&config.data_dir)?.display()
        ),
    }
}
