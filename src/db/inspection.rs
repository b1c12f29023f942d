//! What a database is like, for the command `check`. Nothing is changed.

use sqlx::{
    Connection, PgConnection,
    migrate::{Migrate, MigrateError},
    postgres::PgConnectOptions,
};

use super::{
    Db,
    schema::{SchemaError, connect, later_migrations, migrations, refuse_foreign_tables},
};

/// What a database is like.
pub struct Inspection {
    /// How many migrations of this release it has not had.
    pub pending_migrations: usize,
    /// The numbers of those that it had of a later release.
    pub later_migrations: Vec<i64>,
    /// Whether there is somebody who may do everything.
    pub has_superuser: bool,
    /// Whether the server connects as a superuser of PostgreSQL.
    pub role_is_superuser: bool,
    /// PostgreSQL's settings that are off, although a crash then loses what was acknowledged.
    pub unsafe_settings: Vec<String>,
}

impl Db {
    /// Looks at a database. The error is why no server can use it.
    pub async fn inspect(options: &PgConnectOptions) -> Result<Inspection, SchemaError> {
        let mut connection = connect(options).await?;
        refuse_foreign_tables(&mut connection).await?;
        let settings = sqlx::query!(
            r#"
            select
                to_regclass('_sqlx_migrations') is not null as "is_migrated!",
                current_setting('is_superuser') = 'on' as "role_is_superuser!",
                array(
                    select name from pg_settings
                    where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
                    order by name) as "unsafe_settings!"
            "#
        )
        .fetch_one(&mut connection)
        .await?;
        let mut inspection = Inspection {
            pending_migrations: migrations().iter().len(),
            later_migrations: Vec::new(),
            has_superuser: false,
            role_is_superuser: settings.role_is_superuser,
            unsafe_settings: settings.unsafe_settings,
        };
        if settings.is_migrated {
            inspection.later_migrations = later_migrations(&mut connection).await.map_err(sqlx::Error::from)?;
            inspection.pending_migrations = pending_migrations(&mut connection).await.map_err(sqlx::Error::from)?;
            inspection.has_superuser = has_superuser(&mut connection).await?;
        }
        connection.close().await?;
        Ok(inspection)
    }
}

async fn pending_migrations(connection: &mut PgConnection) -> Result<usize, MigrateError> {
    let known = migrations();
    let applied = connection.list_applied_migrations(&known.table_name).await?;
    let is_applied = |version| applied.iter().any(|applied| applied.version == version);
    Ok(known.iter().filter(|migration| !is_applied(migration.version)).count())
}

async fn has_superuser(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from users where is_superuser and is_active and is_staff) as "has_superuser!""#
    )
    .fetch_one(connection)
    .await
}
