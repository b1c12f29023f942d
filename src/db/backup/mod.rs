//! A database in a file, and back, by PostgreSQL's own pg_dump and pg_restore.
//!
//! The file is pg_dump's custom format, and a checksum behind it, which pg_restore does not look at. It gets its name when
//! all of it is on the disk and was read back, so what has the name is whole.

use std::{
    fs::File,
    io::{Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, ensure};
use sqlx::{Connection, postgres::PgConnectOptions};

use super::{
    embedded::Programs,
    schema::{SchemaError, connect},
};

mod checksum;
mod restore;
mod tools;

pub use restore::restore;
pub(super) use restore::restore_with;

use tools::Tools;

/// A backup that was made.
pub struct BackedUp {
    /// Its size in bytes.
    pub size: u64,
    /// What made it, and whose data it holds: "15.18".
    pub version: String,
}

/// Puts all of a database as it is now into a new file, while it serves.
pub async fn back_up(options: &PgConnectOptions, bindir: Option<&Path>, path: &Path) -> Result<BackedUp> {
    let place = Place::new(path)?;
    let programs = Programs::for_files(bindir, major_of(options).await?)?;
    back_up_with(options, programs, &place).await
}

/// The same with these programs.
pub(super) async fn back_up_with(options: &PgConnectOptions, programs: Programs, place: &Place) -> Result<BackedUp> {
    ensure!(
        is_migrated(options).await.map_err(in_words)?,
        "there is nothing to back up: the database has no tables of this server"
    );
    let tools = Tools::new(programs, options);
    let mut name = std::ffi::OsString::from(".");
    name.push(&place.name);
    let mut unfinished = tempfile::Builder::new()
        .prefix(&name)
        .suffix(".unfinished")
        .tempfile_in(&place.dir)
        .context("making a new file")?;
    tools.dump(unfinished.as_file()).await?;
    let file = unfinished.as_file_mut();
    file.rewind()?;
    let sum = checksum::of(file, u64::MAX).await?;
    file.write_all(checksum::line(&sum).as_bytes())?;
    file.sync_all()?;
    let size = file.metadata()?.len();
    let whole = async {
        checksum::check(unfinished.path()).await?;
        tools.read_whole(unfinished.path()).await
    };
    whole.await.context("the backup can't be read back, and is thrown away")?;
    let path = place.path();
    unfinished.persist_noclobber(&path).map_err(|error| error.error).with_context(|| path.display().to_string())?;
    File::open(&place.dir)?.sync_all()?;
    Ok(BackedUp { size, version: tools.version().to_owned() })
}

/// Where a backup is going to be: nothing is there yet.
pub(super) struct Place {
    dir: PathBuf,
    name: std::ffi::OsString,
}

impl Place {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path)?;
        ensure!(
            path.symlink_metadata().is_err(),
            "{} is there already, and a backup overwrites nothing: choose another name, or remove it",
            path.display()
        );
        let parts = path.parent().zip(path.file_name());
        let (dir, name) = parts.with_context(|| format!("{} is no name for a file", path.display()))?;
        Ok(Self { dir: dir.to_owned(), name: name.to_owned() })
    }

    fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }
}

/// The major version of the PostgreSQL that runs.
async fn major_of(options: &PgConnectOptions) -> Result<u32> {
    let major = async {
        let mut connection = connect(options).await?;
        let major = sqlx::query_scalar!(r#"select current_setting('server_version_num')::int / 10000 as "major!""#)
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(major)
    };
    Ok(major.await.map_err(in_words)?.try_into()?)
}

async fn is_migrated(options: &PgConnectOptions) -> sqlx::Result<bool> {
    let mut connection = connect(options).await?;
    let is_migrated = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "is_migrated!""#)
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(is_migrated)
}

fn in_words(error: sqlx::Error) -> anyhow::Error {
    anyhow!("{}", SchemaError::from(error))
}
