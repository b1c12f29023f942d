//! The data moves to a newer PostgreSQL: it is dumped from the old one and restored into a new directory, which then takes
//! the place of the old.
//!
//! | directory | what it is |
//! |---|---|
//! | `postgres` | the data |
//! | `postgres.unfinished…` | what is being made; a start removes it |
//! | `postgres.upgraded` | the new data, whole, before it is in its place |
//! | `postgres.15` | the old data |

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use sqlx::{ConnectOptions, Connection};

use super::{
    DataDir, Durability, Embedded,
    cluster::{UNFINISHED, clear_unfinished, end_leftover},
    programs::{Programs, major_of},
};
use crate::db::backup::{Place, back_up_with, restore_with};

const UPGRADED: &str = "postgres.upgraded";
/// There is nobody else.
const CONNECTIONS: u32 = 0;

/// What an upgrade did.
pub struct Upgraded {
    /// The version that made the data: "15.18".
    pub from: String,
    /// The version that runs it now.
    pub to: String,
    /// Where the data is that was left behind.
    pub old: PathBuf,
    /// Databases of others, which are only there.
    pub left_behind: Vec<String>,
}

/// Moves the data to the newest PostgreSQL that there is. The old data stays beside it.
pub async fn upgrade(data_dir: &DataDir, bindir: Option<&Path>) -> Result<Upgraded> {
    let shown = data_dir.path().display();
    let lock = data_dir.lock()?;
    let lock = lock.with_context(|| format!("a server is using {shown}: stop it first"))?;
    finish(data_dir)?;
    let cluster = data_dir.cluster();
    let Some(major) = major_of(&cluster)? else {
        bail!("there is no data in {shown}");
    };
    let (old, new) = Programs::of_two_majors(bindir, major, &cluster)?;
    let kept = data_dir.path().join(format!("postgres.{major}"));
    ensure!(!kept.exists(), "{} is there already: remove it, or move it away", kept.display());
    end_leftover(data_dir, &old).await?;
    clear_unfinished(data_dir)?;

    let work = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(data_dir.path())?;
    data_dir.give(work.path(), 0o700)?;
    let dump = work.path().join("dump");
    let (from, to) = (old.version.clone(), new.version.clone());
    let running = Embedded::run(data_dir.clone(), old, Durability::Kept, CONNECTIONS, lock.try_clone()?).await?;
    let dumped = dump_all(&running, new.clone(), &dump).await;
    running.stop().await?;
    let left_behind = dumped?;

    let place = data_dir.with_cluster(work.path().join("postgres"));
    let running = Embedded::run(place.clone(), new.clone(), Durability::Kept, CONNECTIONS, lock).await?;
    let restored = restore_all(&running, new, &dump).await;
    // its lock is needed until the directories have changed places
    let _lock = running.stop_locked().await?;
    restored?;
    File::open(place.cluster())?.sync_all()?;
    let upgraded = data_dir.path().join(UPGRADED);
    rename(data_dir, &place.cluster(), &upgraded)?;
    rename(data_dir, &cluster, &kept)?;
    rename(data_dir, &upgraded, &cluster)?;
    Ok(Upgraded { from, to, old: kept, left_behind })
}

/// Ends an upgrade that was interrupted. While the old data is in its place, it is the data, and the new is thrown away.
/// The caller holds the lock of the directory.
pub(super) fn finish(data_dir: &DataDir) -> Result<()> {
    let (cluster, upgraded) = (data_dir.cluster(), data_dir.path().join(UPGRADED));
    if !upgraded.exists() {
        return Ok(());
    }
    if cluster.exists() {
        return Ok(fs::remove_dir_all(&upgraded)?);
    }
    rename(data_dir, &upgraded, &cluster)
}

/// Removes the data that upgrades left behind, and says which.
pub fn remove_old(data_dir: &DataDir) -> Result<Vec<PathBuf>> {
    let Some(major) = major_of(&data_dir.cluster())? else {
        bail!("there is no data in {}", data_dir.path().display());
    };
    let mut removed = Vec::new();
    for entry in fs::read_dir(data_dir.path())?.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("postgres.")?.parse::<u32>().ok());
        if number.is_some_and(|number| number < major) {
            fs::remove_dir_all(entry.path())?;
            removed.push(entry.path());
        }
    }
    Ok(removed)
}

async fn dump_all(old: &Embedded, new: Programs, dump: &Path) -> Result<Vec<String>> {
    back_up_with(&old.options(), new, &Place::new(dump)?).await.context("the old data stays as it is")?;
    let mut connection = old.options().connect().await?;
    let others = sqlx::query_scalar!(
        r#"
        select datname::text as "name!"
        from pg_database
        where not datistemplate and datname not in ('postgres', current_database())
        order by datname
        "#
    )
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    Ok(others)
}

async fn restore_all(new: &Embedded, programs: Programs, dump: &Path) -> Result<()> {
    let options = new.options();
    let mut connection = options.connect().await?;
    let restored = restore_with(&options, programs, dump, &mut connection).await;
    connection.close().await?;
    restored.context("the old data stays as it is")
}

fn rename(data_dir: &DataDir, from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("renaming {} to {}", from.display(), to.display()))?;
    Ok(File::open(data_dir.path())?.sync_all()?)
}
