//! `upgrade`: the private PostgreSQL's data moves to a newer version of PostgreSQL.

use std::io;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::say;
use crate::{
    config::{Config, Database},
    db::embedded::{self, DataDir},
};

/// What else to do.
#[derive(Args)]
pub(super) struct Upgrade {
    /// Only remove the old data that earlier upgrades left
    #[arg(long)]
    remove_old: bool,
}

/// Moves the data, or removes what was left.
pub(super) async fn upgrade(config: &Config, arguments: &Upgrade) -> Result<()> {
    if let Database::External(_, name) = &config.database {
        bail!("upgrade is for the private PostgreSQL, and {name} is none: upgrade it with PostgreSQL's own means");
    }
    let data_dir = DataDir::existing(&config.data_dir, config.data_dir_is_default)?;
    let data_dir = data_dir.with_context(|| format!("there is no data in {}", config.data_dir.display()))?;
    if arguments.remove_old {
        let removed = embedded::remove_old(&data_dir)?;
        for dir in &removed {
            say(&mut io::stdout(), &format!("Removed {}", dir.display()));
        }
        if removed.is_empty() {
            say(&mut io::stdout(), "There is no old data.");
        }
        return Ok(());
    }
    let done = embedded::upgrade(&data_dir, config.pg_bindir.as_deref()).await?;
    let (from, to, old) = (&done.from, &done.to, done.old.display());
    say(
        &mut io::stdout(),
        &format!("The data in {} has moved from PostgreSQL {from} to {to}.", data_dir.path().display()),
    );
    if !done.left_behind.is_empty() {
        let others = done.left_behind.join(", ");
        say(&mut io::stdout(), &format!("These databases are not the server's, and were left behind: {others}"));
    }
    say(
        &mut io::stdout(),
        &format!("The old data is in {old}. When all is well, remove it: healthcare-backend upgrade --remove-old"),
    );
    Ok(())
}
