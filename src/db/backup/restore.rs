//! A backup becomes a database again: one that is empty before.

use std::{io::Write, path::Path, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{checksum, in_words, major_of, tools::Tools};
use crate::db::{
    embedded::Programs,
    schema::{connect_in_turn, migrations, patient, run_migrations},
};

/// PostgreSQL's module for the search of a part of a word, and the index that needs it. Both may be missing.
const MODULE: &str = " EXTENSION - pg_trgm ";
const INDEX: &str = " patients_search_idx ";

/// Puts a backup into an empty database, and brings its schema up to date. Nothing is changed if that fails.
pub async fn restore(options: &PgConnectOptions, bindir: Option<&Path>, path: &Path, patience: Duration) -> Result<()> {
    let programs = Programs::for_files(bindir, major_of(options).await?)?;
    // a server that starts meanwhile waits
    let turn = connect_in_turn(&patient(options, patience), patience).await;
    let mut connection = turn.map_err(|error| anyhow!("{error}"))?;
    restore_with(options, programs, path, &mut connection).await?;
    run_migrations(&mut connection).await.map_err(in_words).context("all is restored, but not up to date")?;
    Ok(connection.close().await?)
}

/// The same with these programs, and without new migrations.
pub(in crate::db) async fn restore_with(
    options: &PgConnectOptions,
    programs: Programs,
    path: &Path,
    connection: &mut PgConnection,
) -> Result<()> {
    let there = what_is_there(connection).await?;
    ensure!(
        there.is_empty(),
        "a backup is restored into an empty database only, and this one has {}: nothing was changed",
        there.join(", ")
    );
    checksum::check(path).await?;
    let tools = Tools::new(programs, options);
    ensure_known(&tools.rows(path, "_sqlx_migrations").await?)?;
    let mut contents = tools.list(path).await?;
    if !can_search(connection).await? {
        tracing::warn!("this PostgreSQL has no module pg_trgm: without it, the search of the admin takes longer");
        contents = contents
            .lines()
            .filter(|line| !line.contains(MODULE) && !line.contains(INDEX))
            .fold(String::new(), |text, line| text + line + "\n");
    }
    let mut list = tempfile::NamedTempFile::new()?;
    list.write_all(contents.as_bytes())?;
    tools.restore(path, list.path()).await.context("nothing was changed")?;
    // without figures about the rows, statements are planned badly
    sqlx::raw_sql("analyze").execute(connection).await?;
    Ok(())
}

/// Refuses the schema of a later release. The rows are COPY's: a migration a line, its number first.
fn ensure_known(rows: &str) -> Result<()> {
    let is_row = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_digit());
    let rows: Vec<&str> = rows.lines().filter(is_row).collect();
    ensure!(!rows.is_empty(), "this is no backup of this server: it has no migrations");
    let known = migrations();
    for row in rows {
        let number = row.split('\t').next().unwrap_or_default();
        let number: i64 = number.parse().with_context(|| format!("the migration {number:?}"))?;
        ensure!(
            known.version_exists(number),
            "this is the backup of a later release, which has migration {number}: restore it with that release"
        );
    }
    Ok(())
}

/// Some of what keeps a database from being empty.
async fn what_is_there(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        select name as "name!"
        from (
            select c.relname::text as name, c.relnamespace as place, 'pg_class'::regclass as catalog, c.oid
            from pg_class c
            where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            union all
            select p.proname || '()', p.pronamespace, 'pg_proc'::regclass, p.oid
            from pg_proc p
        ) there
        join pg_namespace s on s.oid = there.place
        where s.nspname not in ('pg_catalog', 'information_schema')
            and s.nspname not like 'pg\_toast%'
            and s.nspname not like 'pg\_temp%'
            and not exists (
                select from pg_depend d
                where d.classid = there.catalog and d.objid = there.oid and d.deptype = 'e')
        order by catalog desc, name
        limit 5
        "#
    )
    .fetch_all(connection)
    .await
}

/// Whether the database has the module, or can have it.
async fn can_search(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (select from pg_extension where extname = 'pg_trgm')
            or has_database_privilege(current_database(), 'create')
            and exists (
                select from pg_available_extension_versions
                where name = 'pg_trgm' and (trusted or not superuser or current_setting('is_superuser') = 'on'))
            as "can_search!"
        "#
    )
    .fetch_one(connection)
    .await
}
