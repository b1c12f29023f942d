//! Backups of a PostgreSQL that others run, with a role of its own and a password.

use std::{fs, str::FromStr, time::Duration};

use sqlx::{ConnectOptions, migrate::Migrator, postgres::PgConnectOptions};

use super::{connect, options, rows, run, succeeded, value};
use crate::support::{
    SECRET_KEY,
    program::{Directory, Program, program},
};

/// Needs each kind of quoting.
const PASSWORD: &str = "p@ss 'w\\rd%/?";
const IN_URL: &str = "p%40ss%20%27w%5Crd%25%2F%3F";

/// A PostgreSQL that asks the role `app` for its password, and two databases of that role.
async fn postgres(dir: &Directory) -> Program {
    let server = Program::start(dir.path(), &[]);
    let hba = dir.path().join("data/postgres/pg_hba.conf");
    let before = fs::read_to_string(&hba).unwrap();
    fs::write(&hba, format!("local all app scram-sha-256\n{before}")).unwrap();
    let mut connection = connect(dir.path()).await;
    let password = PASSWORD.replace('\'', "''");
    let role = format!("create role app login password '{password}'; select pg_reload_conf()");
    sqlx::raw_sql(sqlx::AssertSqlSafe(role)).execute(&mut connection).await.unwrap();
    for database in ["\"it's one\"", "two", "older"] {
        let database = format!("create database {database} owner app");
        sqlx::raw_sql(sqlx::AssertSqlSafe(database)).execute(&mut connection).await.unwrap();
    }
    server
}

fn url(dir: &Directory, database: &str) -> String {
    let socket = dir.path().join("data/socket").display().to_string().replace('/', "%2F");
    format!("postgres://app:{IN_URL}@{socket}/{database}")
}

fn at(dir: &Directory, database: &str) -> PgConnectOptions {
    options(dir.path()).database(database)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_only_owns_its_database_can_do_both_and_its_password_is_on_no_command_line() {
    let dir = Directory::new();
    let _server = postgres(&dir).await;
    let one = [("DATABASE_URL", &*url(&dir, "it's%20one")), ("SECRET_KEY", SECRET_KEY)];
    succeeded(&run(dir.path(), &["migrate"], &one).await);
    let mut user =
        program(dir.path(), &["createuser", "--email", "a@example.com", "--name", "A", "--password-stdin"], &one);
    fs::write(dir.path().join("password"), "StrongPass123").unwrap();
    let output = user.stdin(fs::File::open(dir.path().join("password")).unwrap()).output().unwrap();
    succeeded(&output);

    // it waits for this, and can be looked at
    let mut lock = at(&dir, "it's one").connect().await.unwrap();
    sqlx::raw_sql("begin; lock table patients").execute(&mut lock).await.unwrap();
    let mut command = program(dir.path(), &["backup", "a.backup"], &one);
    let backup = tokio::task::spawn_blocking(move || command.output().unwrap());
    let dump = loop {
        let found = fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
            let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
            let environment = fs::read_to_string(entry.path().join("environ")).ok()?;
            let is_it = line.contains("pg_dump") && environment.contains(&*dir.path().to_string_lossy());
            is_it.then_some(line)
        });
        match found {
            Some(line) => break line,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert!(dump.contains("--format=custom") && !dump.contains("p@ss") && !dump.contains(IN_URL), "{dump}");
    sqlx::raw_sql("commit").execute(&mut lock).await.unwrap();
    succeeded(&backup.await.unwrap());

    let two = [("DATABASE_URL", &*url(&dir, "two")), ("SECRET_KEY", SECRET_KEY)];
    succeeded(&run(dir.path(), &["restore", "a.backup"], &two).await);
    let mut restored = at(&dir, "two").connect().await.unwrap();
    assert_eq!(rows(&mut restored).await, rows(&mut lock).await);
    assert_eq!(value(&mut restored, "select count(*) from users where email = 'a@example.com'").await, 1);
    let owners = "select jsonb_agg(distinct tableowner) from pg_tables where schemaname = 'public'";
    assert_eq!(value(&mut restored, owners).await, serde_json::json!(["app"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backup_of_an_earlier_release_is_brought_up_to_date() {
    let dir = Directory::new();
    let _server = postgres(&dir).await;
    let earlier = dir.path().join("earlier");
    fs::create_dir(&earlier).unwrap();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().flatten() {
        if *file.file_name() < *"0022" {
            fs::copy(file.path(), earlier.join(file.file_name())).unwrap();
        }
    }
    let mut older = PgConnectOptions::from_str(&url(&dir, "older")).unwrap().connect().await.unwrap();
    Migrator::new(earlier).await.unwrap().run(&mut older).await.unwrap();
    let settings = |name| [("DATABASE_URL", url(&dir, name)), ("SECRET_KEY", SECRET_KEY.into())];
    for (arguments, database) in [(["backup", "a.backup"], "older"), (["restore", "a.backup"], "two")] {
        let settings = settings(database);
        let settings = [(settings[0].0, &*settings[0].1), (settings[1].0, &*settings[1].1)];
        succeeded(&run(dir.path(), &arguments, &settings).await);
    }
    let count = "select count(*) from _sqlx_migrations";
    let mut restored = at(&dir, "two").connect().await.unwrap();
    let all = value(&mut connect(dir.path()).await, count).await;
    assert_eq!(value(&mut restored, count).await, all);
    assert!(value(&mut older, count).await.as_i64() < all.as_i64());
}
